/* kernel/proc-file.c -- small files below /proc, whole. */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"

static char *read_path(const char *path, size_t *len_out, struct img_err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *buf = NULL;
	size_t len = 0, room = 0;

	if (fd < 0) {
		img_fail_sys(err, "%s", path);
		return NULL;
	}
	for (;;) {
		ssize_t got;

		if (room - len < 2) {
			char *grown = realloc(buf, room = room ? room * 2 : 4096);

			if (!grown) {
				img_fail_nomem(err);
				return NULL;
			}
			buf = grown;
		}
		got = read(fd, buf + len, room - len - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			img_fail_sys(err, "%s: read", path);
			return NULL;
		}
		if (got == 0)
			break;
		len += got;
	}
	buf[len] = '\0';
	if (len_out)
		*len_out = len;
	return steal_ptr(&buf);
}

char *kern_proc_read(size_t *len, struct img_err *err, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return read_path(path, len, err);
}

int kern_proc_read_long(long long *value, struct img_err *err, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	char path[PATH_MAX], *end;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	text = read_path(path, NULL, err);
	if (!text)
		return -1;
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (end == text || errno || (*end && *end != '\n'))
		return img_fail(err, IMG_UNSUPPORTED, "%s: \"%.40s\" is not a number", path, text);
	return 0;
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

int kern_proc_numbers(int **numbers, size_t *nr, struct img_err *err, const char *fmt, ...)
{
	cleanup_free int *found = NULL;
	cleanup_dir DIR *dir = NULL;
	size_t count = 0, room = 0;
	char path[PATH_MAX];
	struct dirent *de;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	dir = opendir(path);
	if (!dir)
		return img_fail_sys(err, "%s", path);
	for (;;) {
		char *end;
		long value;
		int *at;

		errno = 0;
		de = readdir(dir);
		if (!de && errno)
			return img_fail_sys(err, "%s", path);
		if (!de)
			break;
		value = strtol(de->d_name, &end, 10);
		if (end == de->d_name || *end)
			continue; /* . and .. */
		at = img_array_more(&found, count, &room);
		if (!at)
			return img_fail_nomem(err);
		*at = value;
		count++;
	}
	if (count)
		qsort(found, count, sizeof(*found), compare_ints);
	*numbers = steal_ptr(&found);
	*nr = count;
	return 0;
}

int kern_proc_children(int pid, int tid, int **pids, size_t *nr, struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/%d/task/%d/children", pid, tid);
	cleanup_free int *found = NULL;
	size_t count = 0, room = 0;
	char *at, *end;

	if (!text)
		return -1;
	for (at = text;; at = end) {
		long value = strtol(at, &end, 10);
		int *one;

		if (end == at)
			break;
		one = img_array_more(&found, count, &room);
		if (!one)
			return img_fail_nomem(err);
		*one = value;
		count++;
	}
	*pids = steal_ptr(&found);
	*nr = count;
	return 0;
}
