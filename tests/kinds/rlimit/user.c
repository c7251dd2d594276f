/* tests/kinds/rlimit/user.c -- the same, of a task of another user.
 *
 * harness: user: 1000
 * Without CAP_SYS_RESOURCE, prlimit(2) says nothing of such a task, and sets nothing.
 */

#include "tests/kinds/rlimit/all.c"
