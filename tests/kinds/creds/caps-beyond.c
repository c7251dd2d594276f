/* tests/kinds/creds/caps-beyond.c -- the same, with an inheritable capability that the bounding set has lost since.
 *
 * harness: peer: makes the bounding set small first, and then cannot set the inheritable one
 */

#define DROPPED (BIT(CAP_SYSLOG) | BIT(CAP_MKNOD))
#include "tests/kinds/creds/caps.c"
