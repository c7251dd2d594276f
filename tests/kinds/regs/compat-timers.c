/* tests/kinds/regs/compat-timers.c -- POSIX timers, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/timer/posix.c"
#endif
