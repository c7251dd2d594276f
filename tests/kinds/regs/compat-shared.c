/* tests/kinds/regs/compat-shared.c -- threads that share, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/threads/shared.c"
#endif
