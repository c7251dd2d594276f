/* tests/kinds/refused/segments.c -- segments of its own: modify_ldt(2).
 *
 * harness: expect: refused segments of its own (modify_ldt)
 */

#include <asm/ldt.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct user_desc desc = { .entry_number = 3, .base_addr = 0x1000, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1 };
	char entries[64] = "";

	subject_begin(argc, argv);
	if (syscall(SYS_modify_ldt, 0x11, &desc, sizeof(desc)) < 0)
		subject_skip("this kernel has no modify_ldt(2)");

	subject_wait();

	CHECK((int)syscall(SYS_modify_ldt, 0, entries, sizeof(entries)) > 0 && entries[3 * 8], "the segment is gone");
	return subject_end();
}
