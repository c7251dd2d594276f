/* tests/kinds/signal/trap-pending.c -- the same, with a SIGTRAP that waits.
 *
 * harness: peer: refuses this
 */

#define PENDING 1
#include "tests/kinds/signal/trap.c"
