/* engines/log/log.c -- the log of a run. */

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "log/log.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static int open_file(int dirfd, const char *name, struct img_err *err)
{
	int fd = openat(dirfd, name, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return img_fail_sys(err, "log file %s", name);
	return fd;
}

int log_open(struct log *log, int dirfd, const char *name, int level, struct img_err *err)
{
	*log = (struct log){ .fd = -1, .level = level, .start_ns = now_ns() };
	if (!name || !*name)
		log->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		log->fd = open_file(dirfd, name, err);
	return log->fd < 0 && name && *name ? -1 : 0;
}

int log_reopen_for_pid(struct log *log, int dirfd, const char *name, int pid, struct img_err *err)
{
	char file[4096];
	int fd;

	snprintf(file, sizeof(file), "%s.%d", name, pid);
	fd = open_file(dirfd, file, err);
	if (fd < 0)
		return -1;
	if (log->fd >= 0)
		close(log->fd);
	log->fd = fd;
	return 0;
}

void log_close(struct log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

static const char *const level_words[] = {
	[LOG_ERROR] = "Error: ",
	[LOG_WARN] = "Warn: ",
	[LOG_INFO] = "",
	[LOG_DEBUG] = "",
};

void log_write(struct log *log, enum log_level level, const char *fmt, ...)
{
	uint64_t us = (now_ns() - log->start_ns) / 1000;
	char line[2048];
	int head, len;
	va_list ap;

	if ((int)level > log->level && level != LOG_ERROR)
		return;

	head = snprintf(line, sizeof(line), "(%02llu.%06llu) ", (unsigned long long)(us / 1000000),
		(unsigned long long)(us % 1000000));
	if (log->with_pid)
		head += snprintf(line + head, sizeof(line) - head, "%6d: ", getpid());
	len = head + snprintf(line + head, sizeof(line) - head, "%s", level_words[level]);

	va_start(ap, fmt);
	len += vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;

	if (level == LOG_ERROR && !log->first_error[0])
		snprintf(log->first_error, sizeof(log->first_error), "%.*s", len - head, line + head);
	if ((int)level > log->level || log->fd < 0)
		return;
	line[len++] = '\n';
	while (write(log->fd, line, len) < 0 && errno == EINTR)
		;
}
