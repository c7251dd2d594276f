/* tests/harness/subject.h -- what a subject is: a program that makes a kernel object, waits, and checks it.
 *
 *	int main(int argc, char **argv)
 *	{
 *		int fd;
 *
 *		subject_begin(argc, argv);
 *		fd = eventfd(7, 0);
 *		subject_wait();			// here it is dumped and restored
 *		CHECK(value_of(fd) == 7, "the counter is %d", value_of(fd));
 *		return subject_end();
 *	}
 *
 * The harness gives a directory of the subject's own, which is its working directory too. subject_wait() makes the file
 * `ready` there and returns once the file `go` is there; subject_end() leaves `result`: "ok", or the first check that
 * failed. Nothing of this needs a descriptor, a signal or a thread, so none of them disturbs what is tested. CHECK works in
 * every process and thread of a subject; family.h has more for those of several processes.
 *
 * Comments of the form `harness: key: value` in the subject's source tell the harness more (tests/harness/kinds.py).
 */
#ifndef TESTS_HARNESS_SUBJECT_H
#define TESTS_HARNESS_SUBJECT_H

#include <errno.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char subject_dir_[3072];

static inline void subject_path_(char *buf, size_t size, const char *name)
{
	snprintf(buf, size, "%s/%s", subject_dir_, name);
}

/* Leave a file with this text, at once and whole. */
static inline void subject_leave(const char *name, const char *text)
{
	char tmp[4096], path[4096];
	int fd;

	subject_path_(path, sizeof(path), name);
	snprintf(tmp, sizeof(tmp), "%s/.%s.%d", subject_dir_, name, (int)getpid());
	fd = open(tmp, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0 || rename(tmp, path) < 0)
		_exit(99);
}

static inline void subject_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Note a failure; the first one is told. The subject goes on, so that what follows is seen to work or not. It is noted in a
 * file, so that whoever fails, child or thread, subject_end() knows. */
static inline void subject_fail(const char *fmt, ...)
{
	char path[4096];
	va_list ap;
	int fd;

	subject_path_(path, sizeof(path), "failure");
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	va_start(ap, fmt);
	vdprintf(fd, fmt, ap);
	va_end(ap);
	close(fd);
}

#define CHECK(cond, ...)                                                              \
	do {                                                                          \
		if (!(cond)) {                                                        \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #cond);    \
			fprintf(stderr, __VA_ARGS__);                                 \
			fprintf(stderr, "\n");                                        \
			subject_fail(__VA_ARGS__);                                    \
		}                                                                     \
	} while (0)

/* What must work before anything can be tested. */
#define MUST(cond)                                                                                   \
	do {                                                                                         \
		if (!(cond)) {                                                                       \
			char text_[512];                                                             \
			snprintf(text_, sizeof(text_), "setup: %s:%d: %s: %s", __FILE__, __LINE__, #cond, strerror(errno)); \
			subject_leave("result", text_);                                              \
			_exit(98);                                                                   \
		}                                                                                    \
	} while (0)

/* The kernel or the machine lacks what this subject needs. */
static inline void subject_skip(const char *reason)
{
	char text[512];

	snprintf(text, sizeof(text), "skip: %s", reason);
	subject_leave("result", text);
	_exit(0);
}

static inline void subject_begin(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		exit(2);
	}
	if (!realpath(argv[1], subject_dir_))
		exit(2);
}

static inline void subject_nap(void)
{
	struct timespec ts = { 0, 5 * 1000 * 1000 };

	nanosleep(&ts, NULL);
}

/* Wait for a file in the subject's directory. */
static inline void subject_wait_for(const char *name)
{
	char path[4096];

	subject_path_(path, sizeof(path), name);
	while (access(path, F_OK) < 0)
		subject_nap();
}

static inline void subject_wait(void)
{
	subject_leave("ready", "");
	subject_wait_for("go");
}

static inline int subject_end(void)
{
	char path[4096], text[1024] = "ok";
	int fd, failed;

	subject_path_(path, sizeof(path), "failure");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	failed = fd >= 0;
	if (failed) {
		ssize_t n = read(fd, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = 0;
		close(fd);
	}
	subject_leave("result", text);
	return failed;
}

#endif
