/* tests/kinds/signal/stopped-tty.c -- the same, stopped as a job in the background is when it uses its terminal.
 *
 * harness: peer: knows SIGSTOP and SIGTSTP as signals that stop a task
 */

#define STOP_SIGNALS SIGTTIN, SIGTTOU
#include "tests/kinds/signal/stopped.c"
