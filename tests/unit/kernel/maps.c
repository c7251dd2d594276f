/* tests/unit/kernel/maps.c -- the parser of /proc/PID/maps and smaps, over saved texts and our own. */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "criuimg/cleanup.h"
#include "kernel/maps.h"

static int read_text(const char *text, struct kern_maps *maps, struct img_err *err)
{
	cleanup_fd int fd = memfd_create("text", 0);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	lseek(fd, 0, SEEK_SET);
	return kern_maps_read_fd(fd, "text", maps, err);
}

static void test_maps(void **state)
{
	static const char text[] =
		"55d64329d000-55d6432a2000 r-xp 00002000 fe:00 247134                     /usr/bin/cat\n"
		"55d6639d8000-55d6639f9000 rw-p 00000000 00:00 0                          [heap]\n"
		"7f66d4726000-7f66d4748000 rw-p 00000000 00:00 0 \n"
		"7f66d4995000-7f66d4996000 -w-s 1122334455000 00:01 18446744073709551615 /tmp/a b\\012c "
		"(deleted)\n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";
	struct kern_maps maps = KERN_MAPS_INIT;
	struct img_err err = IMG_ERR_INIT;

	assert_int_equal(read_text(text, &maps, &err), 0);
	assert_int_equal(maps.nr, 5);
	assert_int_equal(maps.vmas[0].start, 0x55d64329d000);
	assert_int_equal(maps.vmas[0].end, 0x55d6432a2000);
	assert_int_equal(maps.vmas[0].prot, PROT_READ | PROT_EXEC);
	assert_false(maps.vmas[0].shared);
	assert_int_equal(maps.vmas[0].offset, 0x2000);
	assert_int_equal(maps.vmas[0].dev_major, 0xfe);
	assert_int_equal(maps.vmas[0].ino, 247134);
	assert_string_equal(maps.vmas[0].name, "/usr/bin/cat");
	assert_string_equal(maps.vmas[1].name, "[heap]");
	assert_string_equal(maps.vmas[2].name, "");
	assert_int_equal(maps.vmas[3].prot, PROT_WRITE);
	assert_true(maps.vmas[3].shared);
	assert_int_equal(maps.vmas[3].offset, 0x1122334455000);
	assert_int_equal(maps.vmas[3].dev_minor, 1);
	assert_true(maps.vmas[3].ino == UINT64_MAX);
	assert_string_equal(maps.vmas[3].name, "/tmp/a b\\012c (deleted)");
	assert_int_equal(maps.vmas[4].end, 0xffffffffff601000);

	assert_ptr_equal(kern_maps_find(&maps, 0x55d64329d000), &maps.vmas[0]);
	assert_ptr_equal(kern_maps_find(&maps, 0x7f66d4747fff), &maps.vmas[2]);
	assert_null(kern_maps_find(&maps, 0x7f66d4748000));
	assert_null(kern_maps_find(&maps, 0));
	assert_null(kern_maps_find(&maps, UINT64_MAX));
	kern_maps_free(&maps);
}

static void test_smaps(void **state)
{
	static const char text[] =
		"7f66d4726000-7f66d4748000 rw-p 00000000 00:00 0 \n"
		"Size:                136 kB\n"
		"KernelPageSize:        4 kB\n"
		"MMUPageSize:           4 kB\n"
		"Rss:                   0 kB\n"
		"Shared_Clean:          4 kB\n"
		"Shared_Dirty:          8 kB\n"
		"Private_Clean:        16 kB\n"
		"Shared_Hugetlb:     2048 kB\n"
		"THPeligible:           0\n"
		"ProtectionKey:         3\n"
		"VmFlags: rd wr mr mw me lo dc ac nr dd hg zz q7 \n"
		"7f66d4800000-7f66d4a00000 rw-s 00000000 00:10 77 /anon_hugepage (deleted)\n"
		"KernelPageSize:     2048 kB\n"
		"VmFlags: rd wr sh mr mw me ms de ht zz\n";
	struct kern_maps maps = KERN_MAPS_INIT;
	struct img_err err = IMG_ERR_INIT;

	assert_int_equal(read_text(text, &maps, &err), 0);
	assert_int_equal(maps.nr, 2);
	assert_true(maps.vmas[0].flags ==
		    (KERN_VM(READ) | KERN_VM(WRITE) | KERN_VM(MAYREAD) | KERN_VM(MAYWRITE) |
			    KERN_VM(MAYEXEC) | KERN_VM(LOCKED) | KERN_VM(DONTCOPY) | KERN_VM(ACCOUNT) |
			    KERN_VM(NORESERVE) | KERN_VM(DONTDUMP) | KERN_VM(HUGEPAGE)));
	assert_int_equal(maps.vmas[0].page_size, 4096);
	assert_int_equal(maps.vmas[0].pkey, 3);
	assert_int_equal(maps.vmas[0].others, 2060 << 10);
	assert_int_equal(maps.vmas[1].others, 0);
	assert_true(maps.vmas[1].flags & KERN_VM(HUGETLB));
	assert_int_equal(maps.vmas[1].page_size, 2 << 20);
	assert_int_equal(maps.nr_unknown, 2);
	assert_string_equal(maps.unknown[0], "zz");
	assert_string_equal(maps.unknown[1], "q7");
	assert_string_equal(kern_vm_flag_word(KERN_VM_HUGETLB), "ht");
	kern_maps_free(&maps);
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"55d64329d000\n",
		"55d64329d000-55d6432a2000 r-xp\n",
		"55d64329d000-55d6432a2000 r-xp 0000\n",
		"55d6432a2000-55d64329d000 r-xp 00002000 fe:00 247134 /usr/bin/cat\n",
		"55d64329d000-55d6432a2000 r-xp 00002000 fe:00 247134 /usr/bin/cat",
		("55d64329d000-55d6432a2000 r-xp 00002000 fe:00 1 /a\n"
		 "55d64329e000-55d6432a3000 r-xp 00002000 fe:00 1 /a\n"),
		"\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct kern_maps maps = KERN_MAPS_INIT;
		struct img_err err = IMG_ERR_INIT;

		assert_int_equal(read_text(texts[i], &maps, &err), -1);
		assert_int_equal(err.code, IMG_UNSUPPORTED);
		kern_maps_free(&maps);
	}
}

/* Many mappings: more than a read's worth of text, lines cut anywhere. */
static void test_many(void **state)
{
	enum { NR = 20000 };
	cleanup_fd int fd = memfd_create("text", 0);
	struct kern_maps maps = KERN_MAPS_INIT;
	struct img_err err = IMG_ERR_INIT;
	char expect[64];
	FILE *f = fdopen(dup(fd), "w");

	for (unsigned int i = 0; i < NR; i++)
		fprintf(f, "%x-%x rw-p 00000000 fe:01 %u /a/file/of/that/name/%u\n", i << 12,
			(i << 12) + 4096, i, i);
	fclose(f);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(kern_maps_read_fd(fd, "text", &maps, &err), 0);
	assert_int_equal(maps.nr, NR);
	for (unsigned int i = 0; i < NR; i++) {
		snprintf(expect, sizeof(expect), "/a/file/of/that/name/%u", i);
		assert_string_equal(maps.vmas[i].name, expect);
		assert_int_equal(maps.vmas[i].start, i << 12);
	}
	kern_maps_free(&maps);
}

static void test_own(void **state)
{
	size_t size = 16 * 4096;
	char *area =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct kern_maps maps = KERN_MAPS_INIT, plain = KERN_MAPS_INIT;
	struct img_err err = IMG_ERR_INIT;
	const struct kern_vma *vma;

	assert_int_equal(madvise(area + 4096, 4096, MADV_DONTFORK), 0);
	assert_int_equal(mprotect(area + 2 * 4096, 4096, PROT_NONE), 0);
	assert_int_equal(kern_maps_read(getpid(), true, &maps, &err), 0);
	vma = kern_maps_find(&maps, (uintptr_t)area + 4096);
	assert_non_null(vma);
	assert_int_equal(vma->start, (uintptr_t)area + 4096);
	assert_int_equal(vma->end, (uintptr_t)area + 2 * 4096);
	assert_true(vma->flags & KERN_VM(DONTCOPY));
	assert_true(vma->flags & KERN_VM(NORESERVE));
	assert_int_equal(vma->page_size, 4096);
	vma = kern_maps_find(&maps, (uintptr_t)area + 2 * 4096);
	assert_non_null(vma);
	assert_int_equal(vma->prot, PROT_NONE);
	assert_false(vma->flags & KERN_VM(READ));
	kern_maps_free(&maps);

	assert_int_equal(kern_maps_read(getpid(), false, &plain, &err), 0);
	vma = kern_maps_find(&plain, (uintptr_t)area + 2 * 4096);
	assert_non_null(vma);
	assert_int_equal(vma->flags, 0);
	kern_maps_free(&plain);
	munmap(area, size);

	assert_int_equal(kern_maps_read(0x7fffffff, true, &maps, &err), -1);
	assert_int_equal(err.code, IMG_SYS);
	kern_maps_free(&maps);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_smaps),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("kernel/maps", tests, NULL, NULL);
}
