/* tests/kinds/regs/compat-cow.c -- memory that is shared copy-on-write, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/pages/cow.c"
#endif
