/* tests/kinds/regs/compat-stopped.c -- stopped processes, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/signal/stopped.c"
#endif
