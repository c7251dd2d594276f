/* tests/kinds/hugetlb/sizes.c -- huge pages of every size that the host has some of: private, shared, of a memfd, of System V memory.
 *
 * harness: peer: it makes a memfd of shared anonymous huge pages
 */

#include <dirent.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { KINDS = 4, SIZES = 8 };

static const char *const names[KINDS] = { "private", "shared", "memfd", "System V" };
static char *memory[SIZES][KINDS];
static unsigned long sizes[SIZES];

static long number(const char *size, const char *what)
{
	char path[300], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s/%s", size, what);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -1;
	close(fd);
	return atol(text);
}

static void *map(int flags, int fd, unsigned long size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
}

static void *make(int kind, unsigned long size)
{
	int flags = MAP_HUGETLB | __builtin_ctzl(size) << 26, fd, id;

	switch (kind) {
	case 0:
		return map(MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, size);
	case 1:
		return map(MAP_SHARED | MAP_ANONYMOUS | flags, -1, size);
	case 2:
		fd = syscall(SYS_memfd_create, "huge", 4 /* MFD_HUGETLB */ | __builtin_ctzl(size) << 26);
		return fd < 0 || ftruncate(fd, size) < 0 ? MAP_FAILED : map(MAP_SHARED, fd, size);
	default:
		/* in an IPC namespace of the subject's own only: SHM_HUGETLB */
		id = getpid() < 10 ? shmget(IPC_PRIVATE, size, 04000 | __builtin_ctzl(size) << 26 | IPC_CREAT | 0600) : -1;
		return id < 0 ? MAP_FAILED : shmat(id, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	DIR *dir = opendir("/sys/kernel/mm/hugepages");
	struct dirent *e;
	int nr = 0, made = 0;

	subject_begin(argc, argv);
	while (dir && nr < SIZES && (e = readdir(dir))) {
		unsigned long kb;

		if (sscanf(e->d_name, "hugepages-%lukB", &kb) != 1 || number(e->d_name, "free_hugepages") < KINDS)
			continue;
		sizes[nr] = kb << 10;
		for (int k = 0; k < KINDS; k++) {
			memory[nr][k] = make(k, sizes[nr]);
			if (memory[nr][k] == MAP_FAILED)
				continue;
			made++;
			memory[nr][k][4096] = (char)('a' + k);
			memory[nr][k][sizes[nr] - 1] = (char)('n' + nr);
		}
		nr++;
	}
	if (!made)
		subject_skip("no huge pages are set aside (vm.nr_hugepages)");
	closedir(dir);

	subject_wait();

	for (int i = 0; i < nr; i++)
		for (int k = 0; k < KINDS; k++) {
			char *m = memory[i][k];

			if (m == MAP_FAILED)
				continue;
			CHECK(!m[0] && m[4096] == 'a' + k && m[sizes[i] - 1] == 'n' + i, "%s, %lu", names[k], sizes[i]);
			CHECK(munmap(m + 4096, 4096) < 0, "%s, %lu: pages are small", names[k], sizes[i]);
		}
	return subject_end();
}
