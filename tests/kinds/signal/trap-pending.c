/* tests/kinds/signal/trap-pending.c -- the same, with a SIGTRAP that waits: a restorer that uses traps itself would lose it.
 *
 * harness: expect: refused a pending SIGTRAP is not supported
 */

#define PENDING 1
#include "tests/kinds/signal/trap.c"
