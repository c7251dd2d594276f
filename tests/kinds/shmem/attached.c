/* tests/kinds/shmem/attached.c -- System V shared memory in an ipc namespace of its own: attached by parent and child, at two places,
 * read-only; one segment that nobody has attached.
 *
 * harness: places: host
 */

#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "tests/harness/family.h"

enum { PAGE = 4096, PAGES = 5 };

static char *shared;

static unsigned long attached(int id)
{
	struct shmid_ds ds;

	CHECK(shmctl(id, IPC_STAT, &ds) == 0, "shmctl: %s", strerror(errno));
	return ds.shm_nattch;
}

static void child(void *arg)
{
	child_up();
	subject_wait_for("written");
	CHECK(shared[PAGE] == 'w', "the child sees another segment");
	CHECK(shmdt(shared) == 0, "shmdt: %s", strerror(errno));
	subject_leave("detached", "");
	subject_wait_for("done");
}

int main(int argc, char **argv)
{
	int id, cut, lone;
	char *again, *readonly, *part, *at;
	pid_t pid;

	subject_begin(argc, argv);
	if (unshare(CLONE_NEWIPC) < 0)
		subject_skip("no ipc namespaces here");
	id = shmget(0x1234, PAGES * PAGE - 100, IPC_CREAT | IPC_EXCL | 0600);
	cut = shmget(IPC_PRIVATE, PAGES * PAGE, 0600);
	lone = shmget(0x99, PAGE, IPC_CREAT | 0640);
	MUST(id >= 0 && cut >= 0 && lone >= 0);
	shared = shmat(id, NULL, 0);
	again = shmat(id, NULL, 0);
	readonly = shmat(id, NULL, SHM_RDONLY);
	part = shmat(cut, NULL, 0);
	MUST(shared != (void *)-1 && again != (void *)-1 && readonly != (void *)-1 && part != (void *)-1);
	memset(shared, 's', PAGES * PAGE - 100);
	memset(part, 'p', PAGES * PAGE);
	at = shmat(lone, NULL, 0);
	MUST(at != (void *)-1);
	strcpy(at, "lone");
	MUST(shmdt(at) == 0);
	pid = child_start(child, NULL);
	MUST(attached(id) == 6);

	subject_wait();

	CHECK(attached(id) == 6, "%lu attachments", attached(id));
	CHECK(shared[0] == 's' && again[PAGE] == 's' && readonly[2 * PAGE] == 's', "the segment's content");
	shared[PAGE] = 'w';
	CHECK(again[PAGE] == 'w' && readonly[PAGE] == 'w', "they are not the same");
	CHECK(mprotect(readonly, PAGE, PROT_READ | PROT_WRITE) < 0 && errno == EACCES, "what was read-only can be written");
	CHECK(part[PAGE] == 'p' && part[3 * PAGE] == 'p', "the second segment");
	part[PAGE] = 'q';
	at = shmat(cut, NULL, SHM_RDONLY);
	CHECK(at != (void *)-1 && at[PAGE] == 'q' && at[0] == 'p' && at[4 * PAGE] == 'p', "the second segment attached again");
	at = shmat(shmget(0x99, 0, 0), NULL, 0);
	CHECK(at != (void *)-1 && !strcmp(at, "lone"), "the segment that nobody had attached");
	subject_leave("written", "");
	subject_wait_for("detached");
	CHECK(attached(id) == 5, "%lu attachments after one of the child was gone", attached(id));
	CHECK(shmdt(again) == 0 && attached(id) == 4, "shmdt: %s", strerror(errno));
	subject_leave("done", "");
	child_end(pid);
	return subject_end();
}
