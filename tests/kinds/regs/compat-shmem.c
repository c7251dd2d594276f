/* tests/kinds/regs/compat-shmem.c -- shared memory, in 32-bit code.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else
#include "tests/kinds/shmem/anon.c"
#endif
