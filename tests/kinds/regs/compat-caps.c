/* tests/kinds/regs/compat-caps.c -- capabilities, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/creds/caps.c"
#endif
