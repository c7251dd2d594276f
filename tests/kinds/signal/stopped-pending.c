/* tests/kinds/signal/stopped-pending.c -- the same, with a signal that came while they were stopped.
 *
 * harness: compare: no
 * Whether its handler is set up before the task is stopped again or when it goes on, only the kernel can tell.
 */

#define SEND_WHILE_STOPPED 1
#include "tests/kinds/signal/stopped.c"
