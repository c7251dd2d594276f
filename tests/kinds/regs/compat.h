/* tests/kinds/regs/compat.h -- in place of a 32-bit program, where the compiler makes none. */
#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	subject_begin(argc, argv);
	subject_skip("no compiler for 32-bit code here (gcc-multilib)");
}
