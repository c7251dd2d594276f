/* tests/kinds/regs/compat-robust.c -- robust lists, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/futex/robust.c"
#endif
