/* tests/kinds/flock/locks.c -- all kinds of file locks, of two tasks: what each has, and that it is lost by nobody's closing. */
/* harness: dump: --file-locks */
/* harness: restore: --file-locks */
/* harness: to-peer: CRIU 4.2 loses the POSIX locks of files that are mapped. */

#include <sys/file.h>
#include <sys/mman.h>

#include "tests/harness/family.h"

static int opened(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	MUST(fd >= 0);
	return fd;
}

static int set(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &lock);
}

/* What keeps fd from a write lock there: its first byte, length, type; the pid. */
static void held(const char *what, int fd, off_t start, off_t len, short type, off_t want_start, off_t want_len, pid_t pid)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	CHECK(fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == type && lock.l_start == want_start && lock.l_len == want_len &&
		lock.l_pid == pid, "%s: type %d, %lld bytes from %lld on, of pid %d", what, lock.l_type, (long long)lock.l_len,
		(long long)lock.l_start, (int)lock.l_pid);
}

static void child(void *arg)
{
	int fd = opened("posix");

	MUST(set(fd, F_SETLK, F_RDLCK, 1000, 10) == 0);
	child_up();
	subject_wait_for("checked");
}

int main(int argc, char **argv)
{
	int posix, second, ofd, ex, sh, lease, other;
	struct stat st;
	pid_t pid;

	subject_begin(argc, argv);
	posix = opened("posix");
	MUST(write(posix, "0123456789", 10) == 10 && fstat(posix, &st) == 0);
	pid = child_start(child, NULL);
	second = opened("posix"); /* shows the locks too */
	MUST(mmap(NULL, 4096, PROT_READ, MAP_SHARED, posix, 0) != MAP_FAILED);
	MUST(set(posix, F_SETLK, F_WRLCK, 10, 20) == 0 && set(posix, F_SETLK, F_RDLCK, 100, 50) == 0);
	MUST(set(posix, F_SETLK, F_WRLCK, 2000, 0) == 0);
	ofd = opened("ofd");
	MUST(set(ofd, F_OFD_SETLK, F_WRLCK, 5, 6) == 0);
	ex = opened("ex");
	MUST(flock(ex, LOCK_EX) == 0 && dup(ex) >= 0);
	sh = opened("sh");
	MUST(flock(sh, LOCK_SH) == 0);
	MUST((lease = open("lease", O_RDONLY | O_CREAT, 0600)) >= 0 && fcntl(lease, F_SETLEASE, F_RDLCK) == 0);
	subject_wait();

	other = opened("posix");
	held("POSIX", other, 0, 50, F_WRLCK, 10, 20, getpid());
	held("POSIX, shared", other, 90, 900, F_RDLCK, 100, 50, getpid());
	held("POSIX, of the child", other, 999, 100, F_RDLCK, 1000, 10, pid);
	held("POSIX, to the end", other, 1500, 0, F_WRLCK, 2000, 0, getpid());
	held("OFD", opened("ofd"), 0, 0, F_WRLCK, 5, 6, -1);
	CHECK(flock(opened("ex"), LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK, "flock: it is not locked");
	other = opened("sh");
	CHECK(flock(other, LOCK_EX | LOCK_NB) < 0 && flock(other, LOCK_SH | LOCK_NB) == 0, "flock: not shared");
	CHECK(fcntl(lease, F_GETLEASE) == F_RDLCK, "lease: %d", fcntl(lease, F_GETLEASE));
	CHECK(set(second, F_SETLK, F_UNLCK, 0, 0) == 0, "unlock");
	held("the child's alone", opened("posix"), 0, 0, F_RDLCK, 1000, 10, pid);
	subject_leave("checked", "");
	child_end(pid);
	return subject_end();
}
