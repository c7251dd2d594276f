/* tests/kinds/creds/threads.c -- threads of one task with credentials of their own, as only the bare system calls make them. */

#include <linux/capability.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { THREADS = 3 };

static pthread_barrier_t up;

static void *thread(void *arg)
{
	int nr = 1 + (int)(intptr_t)arg;
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	gid_t groups[2] = { 100 * nr, 100 * nr + 1 };
	uid_t uids[3];
	gid_t gids[3];

	MUST(prctl(PR_CAPBSET_DROP, CAP_MKNOD + nr, 0, 0, 0) == 0);
	MUST(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	MUST(syscall(SYS_setgroups, 2, groups) == 0);
	MUST(syscall(SYS_setresgid, 10 * nr, 10 * nr + 1, 10 * nr + 2) == 0);
	MUST(syscall(SYS_setresuid, 20 * nr, 20 * nr + 1, 20 * nr + 2) == 0);
	data[0].permitted = 1 << CAP_KILL | 1 << CAP_SETPCAP | 1 << nr;
	data[0].effective = 1 << nr;
	MUST(syscall(SYS_capset, &header, data) == 0);
	pthread_barrier_wait(&up);

	subject_wait_for("go");

	MUST(syscall(SYS_getresuid, &uids[0], &uids[1], &uids[2]) == 0);
	MUST(syscall(SYS_getresgid, &gids[0], &gids[1], &gids[2]) == 0);
	MUST(syscall(SYS_getgroups, 2, groups) == 2);
	MUST(syscall(SYS_capget, &header, data) == 0);
	for (int i = 0; i < 3; i++) {
		CHECK(uids[i] == 20u * nr + i, "thread %d: uid %d of three is %u", nr, i, uids[i]);
		CHECK(gids[i] == 10u * nr + i, "thread %d: gid %d of three is %u", nr, i, gids[i]);
	}
	CHECK(groups[0] == 100u * nr && groups[1] == 100u * nr + 1, "thread %d: groups %u, %u", nr, groups[0], groups[1]);
	CHECK(data[0].effective == 1u << nr, "thread %d: effective capabilities %#x", nr, data[0].effective);
	CHECK(data[0].permitted == (1u << CAP_KILL | 1u << CAP_SETPCAP | 1u << nr), "thread %d: permitted capabilities %#x", nr,
	      data[0].permitted);
	CHECK(prctl(PR_CAPBSET_READ, CAP_MKNOD + nr, 0, 0, 0) == 0, "thread %d: the bounding set is not its own", nr);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (intptr_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0, "the first thread has the uid %d", getuid());
	CHECK(prctl(PR_CAPBSET_READ, CAP_MKNOD + 1, 0, 0, 0) == 1, "the bounding set of the first thread is that of another");
	return subject_end();
}
