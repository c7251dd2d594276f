/* tests/kinds/regs/compat-timed.c -- calls that wait for a time, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/regs/timed.c"
#endif
