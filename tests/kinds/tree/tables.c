/* tests/kinds/tree/tables.c -- tables of descriptors and directories that tasks share (CLONE_FILES, CLONE_FS) while those between them do not:
 * a grandparent and a grandchild, two brothers, two pairs of brothers, uncle and nephew.
 *
 * harness: peer: it wants such tables only between a task and its parent
 */

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/harness/family.h"

enum { TABLES = 8, MAX = 32, FD = 50 };

/* Every process says which tables it is to have; equal numbers are to be shared, others not. */
static struct member {
	pid_t pid;
	int files, fs;
} *members;
static _Atomic int *nr_members;

static pid_t clone_with(unsigned long flags)
{
	pid_t pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);

	MUST(pid >= 0);
	return pid;
}

/* The calling process has these now: it leaves its marks there, and stays. */
static void member(int files, int fs)
{
	struct member *m = &members[(*nr_members)++];

	*m = (struct member){ getpid(), files, fs };
	MUST(dup2(0, FD + files) == FD + files);
	umask(0700 + fs);
}

static void stay(void)
{
	child_up();
	subject_wait_for("end");
	_exit(0);
}

static int shares(pid_t a, pid_t b, int what)
{
	return syscall(SYS_kcmp, a, b, what, 0, 0) == 0;
}

enum { KCMP_FILES = 2, KCMP_FS = 3 };

static void check_all(void)
{
	for (int i = 0; i < *nr_members; i++)
		for (int k = 0; k < i; k++) {
			const struct member *a = &members[i], *b = &members[k];

			CHECK(shares(a->pid, b->pid, KCMP_FILES) == (a->files == b->files), "%d and %d: descriptors %d and %d", a->pid, b->pid,
			      a->files, b->files);
			CHECK(shares(a->pid, b->pid, KCMP_FS) == (a->fs == b->fs), "%d and %d: directories %d and %d", a->pid, b->pid, a->fs,
			      b->fs);
		}
}

static void check_marks(void)
{
	for (int i = 0; i < *nr_members; i++) {
		char path[64], text[64];

		for (int n = 0; n < TABLES; n++) {
			snprintf(path, sizeof(path), "/proc/%d/fd/%d", members[i].pid, FD + n);
			if (n == members[i].files)
				CHECK(readlink(path, text, sizeof(text)) > 0, "%d has lost descriptor %d", members[i].pid, FD + n);
		}
	}
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	members = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(members != MAP_FAILED);
	nr_members = (_Atomic int *)(members + MAX);

	/* 1: this one, and a grandchild whose father has left. */
	pid = clone_with(CLONE_FILES | CLONE_FS);
	if (pid == 0) {
		pid_t child = clone_with(CLONE_FILES | CLONE_FS);

		if (child == 0) {
			member(0, 0);
			stay();
		}
		child_wait_up(child);
		MUST(unshare(CLONE_FILES | CLONE_FS) == 0);
		member(1, 1);
		stay();
	}
	child_wait_up(pid);

	/* 2: brothers below one that shares with its own father: made by each other. */
	pid = clone_with(0);
	if (pid == 0) {
		pid_t brother;

		/* 3: and nephews of theirs, by way of a father who has another one. */
		brother = clone_with(CLONE_PARENT | CLONE_FILES | CLONE_FS);
		if (brother == 0) {
			member(2, 2);
			stay();
		}
		child_wait_up(brother);
		pid = clone_with(CLONE_FILES | CLONE_FS);
		if (pid == 0) {
			pid_t nephew = clone_with(CLONE_FILES | CLONE_FS);

			if (nephew == 0) {
				member(2, 2);
				stay();
			}
			child_wait_up(nephew);
			MUST(unshare(CLONE_FILES) == 0);
			nephew = clone_with(CLONE_FILES | CLONE_FS);
			if (nephew == 0) {
				member(3, 2);
				stay();
			}
			child_wait_up(nephew);
			member(3, 2);
			stay();
		}
		child_wait_up(pid);
		member(2, 2);
		stay();
	}
	child_wait_up(pid);

	/* 4: two pairs of brothers, one after the other; the father has neither of these. */
	pid = clone_with(CLONE_FILES | CLONE_FS);
	if (pid == 0) {
		for (int pair = 4; pair < 6; pair++) {
			MUST(unshare(CLONE_FILES | CLONE_FS) == 0);
			for (int i = 0; i < 2; i++) {
				pid_t child = clone_with(CLONE_FILES | CLONE_FS);

				if (child == 0) {
					member(pair, pair);
					stay();
				}
				child_wait_up(child);
			}
		}
		MUST(unshare(CLONE_FILES | CLONE_FS) == 0);
		member(6, 6);
		stay();
	}
	child_wait_up(pid);
	member(0, 0);
	check_all();
	check_marks();

	subject_wait();

	check_all();
	check_marks();
	subject_leave("end", "");
	while (waitpid(-1, NULL, 0) > 0)
		;
	return subject_end();
}
