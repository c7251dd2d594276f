/* tests/kinds/regs/compat-queue.c -- pending signals, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/signal/queue.c"
#endif
