/* tests/kinds/regs/compat-family.c -- a family, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/tree/family.c"
#endif
