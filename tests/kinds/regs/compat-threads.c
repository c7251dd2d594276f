/* tests/kinds/regs/compat-threads.c -- threads, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/threads/many.c"
#endif
