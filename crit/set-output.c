/* crit/set-output.c -- where a set goes: a directory or an archive, which has its name only once all of it is there. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/json.h"
#include "criuimg/manifest.h"
#include "set-output.h"

static int number(
	const char *text, const char *what, unsigned int max, unsigned int *value, struct img_err *err)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n > max || text[0] == '-')
		return img_fail(err, IMG_USAGE, "%s %s: a number up to %u is wanted", what, text, max);
	*value = n;
	return 0;
}

int crit_packing_parse(struct crit_packing *packing, const char *level, const char *threads, const char *wide,
	struct img_err *err)
{
	unsigned int n = 0;

	if (level && number(level, "--level", IMG_ZSTD_LEVEL_MAX, &n, err))
		return -1;
	packing->zstd.level = level ? (int)n : 3;
	if (threads && number(threads, "--threads", IMG_ZSTD_THREADS_MAX, &packing->zstd.threads, err))
		return -1;
	packing->zstd.long_mode = wide;
	return 0;
}

static bool ends(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && !strcmp(text + len - n, end);
}

bool crit_is_archive_name(const char *path, bool *zstd)
{
	*zstd = ends(path, ".tar.zst") || ends(path, ".tzst");
	return *zstd || ends(path, ".tar");
}

/* ---- directories ---- */

/* Take away a directory of files. */
static void directory_remove(const char *path)
{
	cleanup_dir DIR *dir = opendir(path);
	struct dirent *de;

	while (dir && (de = readdir(dir)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			unlinkat(dirfd(dir), de->d_name, 0);
	rmdir(path);
}

/* What is to be replaced must be a set and no more: other directories in it would be lost. */
static int directory_check(const char *path, bool replace, struct img_err *err)
{
	cleanup_dir DIR *dir = opendir(path);
	struct dirent *de;

	if (!dir)
		return errno == ENOENT ? 0 : img_fail_sys(err, "%s", path);
	while ((errno = 0, de = readdir(dir))) {
		struct stat st;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (!replace)
			return img_fail(err, IMG_USAGE, "%s: is there already, and not empty", path);
		if (fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW))
			return img_fail_sys(err, "%s", path);
		if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
			return img_fail(err, IMG_UNSUPPORTED,
				"%s: has more in it than images (%s): use --out", path, de->d_name);
	}
	return errno ? img_fail_sys(err, "%s", path) : 0;
}

/* Of a link, what it leads to. */
static char *real_target(const char *path)
{
	char *target = realpath(path, NULL);
	size_t len;

	if (target || errno != ENOENT)
		return target;
	target = strdup(path);
	for (len = target ? strlen(target) : 0; len > 1 && target[len - 1] == '/'; len--)
		target[len - 1] = '\0';
	return target;
}

static void kept(void *arg, const char *name)
{
	fprintf(stderr, "crit: %s: stays as it is: JSON does not say all of it\n", name);
}

static int directory_open(
	struct crit_set_output *out, const struct crit_packing *packing, struct img_err *err)
{
	const char *slash;
	int dir;

	out->target = real_target(out->path);
	if (!out->target)
		return img_fail_sys(err, "%s", out->path);
	if (directory_check(out->target, out->replace, err))
		return -1;
	slash = strrchr(out->target, '/');
	dir = slash ? slash + 1 - out->target : 0;
	if (asprintf(&out->temporary, "%.*s.%s.XXXXXX", dir, out->target, out->target + dir) < 0) {
		out->temporary = NULL;
		return img_fail_nomem(err);
	}
	if (!mkdtemp(out->temporary)) {
		img_fail_sys(err, "%s", out->temporary);
		free(steal_ptr(&out->temporary));
		return -1;
	}
	out->set = packing->json ? img_set_create_json(AT_FDCWD, out->temporary, &(struct img_json_set_options){ .note = kept }, err)
				 : img_set_create_dir(AT_FDCWD, out->temporary, err);
	if (!out->set)
		return -1;
	return packing->compress ? img_set_compress(out->set, &packing->zstd, err) : 0;
}

/* The new one takes the name; an old one gets the temporary name, and goes. */
static int directory_name(struct crit_set_output *out, struct img_err *err)
{
	struct stat st;

	if (out->replace && !stat(out->target, &st)) {
		if (chmod(out->temporary, st.st_mode & 07777))
			return img_fail_sys(err, "%s", out->temporary);
		return renameat2(AT_FDCWD, out->temporary, AT_FDCWD, out->target, RENAME_EXCHANGE)
			       ? img_fail_sys(err, "%s: replace", out->target)
			       : 0;
	}
	if (rename(out->temporary, out->target))
		return img_fail_sys(err, "%s: rename", out->target);
	free(steal_ptr(&out->temporary));
	return 0;
}

/* ---- both ---- */

static void signals_block(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, old);
}

static bool signal_pending(void)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, SIGINT) > 0 || sigismember(&set, SIGTERM) > 0 ||
	       sigismember(&set, SIGHUP) > 0;
}

int crit_set_output_open(struct crit_set_output *out, const char *path, const struct crit_packing *packing,
	bool replace, struct img_err *err)
{
	bool zstd = false;
	struct stat st;
	int ret = 0;

	*out = (struct crit_set_output){
		.path = path, .replace = replace, .terminal = isatty(STDERR_FILENO)
	};
	signals_block(&out->signals);
	if (!strcmp(path, "-") || crit_is_archive_name(path, &zstd)) {
		if (packing->json)
			ret = img_fail(err, IMG_USAGE, "%s: JSON goes to a directory", path);
		else if (strcmp(path, "-") && !replace && !stat(path, &st) && S_ISREG(st.st_mode))
			ret = img_fail(err, IMG_USAGE, "%s: is there already", path);
		else if (!strcmp(path, "-") && isatty(STDOUT_FILENO))
			ret = img_fail(err, IMG_USAGE, "an archive is nothing for a terminal");
		else
			out->set = img_set_create_archive(
				path, zstd || packing->compress ? &packing->zstd : NULL, err);
	} else {
		ret = directory_open(out, packing, err);
	}
	if (!ret && out->set)
		return 0;
	return crit_set_output_close(out, -1, err);
}

int crit_set_output_close(struct crit_set_output *out, int ret, struct img_err *err)
{
	img_set_close(out->set);
	if (out->terminal && out->shown.tv_sec)
		fprintf(stderr, "\r\033[K");
	if (!ret && out->temporary)
		ret = directory_name(out, err);
	if (out->temporary)
		directory_remove(out->temporary);
	free(out->temporary);
	free(out->target);
	sigprocmask(SIG_SETMASK, &out->signals, NULL);
	return ret;
}

int crit_set_progress(void *arg, uint64_t done, uint64_t total)
{
	struct crit_set_output *out = arg;
	struct timespec now;

	if (signal_pending())
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!out->terminal || now.tv_sec == out->shown.tv_sec)
		return 0;
	out->shown = now;
	if (done <= total)
		fprintf(stderr, "\r\033[K%llu of %llu MiB", (unsigned long long)done >> 20,
			(unsigned long long)total >> 20);
	else
		fprintf(stderr, "\r\033[K%llu MiB", (unsigned long long)done >> 20);
	return 0;
}

void crit_set_lost(void *arg, const char *what)
{
	fprintf(stderr, "crit: lost: %s\n", what);
}

/* ---- the link `parent` ---- */

/* The directory that a link in the new set is relative to. */
static char *link_base(const char *path)
{
	cleanup_free char *target = NULL, *base = NULL;
	bool zstd, archive = crit_is_archive_name(path, &zstd);
	char *slash, *full;

	target = real_target(path);
	if (!target)
		return NULL;
	slash = strrchr(target, '/');
	base = slash ? strndup(target, slash == target ? 1 : slash - target) : strdup(".");
	full = base ? realpath(base, NULL) : NULL;
	if (!full || archive)
		return full;
	free(steal_ptr(&base));
	if (asprintf(&base, "%s/%s", full, slash ? slash + 1 : target) < 0)
		base = NULL;
	free(full);
	return steal_ptr(&base);
}

/* From directory `base` to `to`, both absolute. */
static char *relative(const char *base, const char *to)
{
	size_t common = 0, i;
	char *link = NULL;
	unsigned int up = 0;

	for (i = 0; base[i] && base[i] == to[i]; i++)
		if (base[i] == '/')
			common = i + 1;
	if (!base[i] && to[i] == '/')
		common = i + 1;
	else
		for (i = common ? common - 1 : 0; base[i]; i++)
			up += base[i] == '/' && base[i + 1];
	link = calloc(1, 3 * up + strlen(to) + 2);
	for (i = 0; link && i < up; i++)
		strcat(link, "../");
	if (link)
		strcat(link, to + common);
	return link;
}

int crit_is_forked(struct img_set *set, struct img_err *err)
{
	struct img_set *parent;
	int ret = img_set_parent(set, &parent, err);

	return ret > 0 ? img_set_requires(parent, "pages-forked", err) : ret;
}

int crit_parent_link(struct img_set *set, const char *in, const char *path, char **link, struct img_err *err)
{
	cleanup_free char *to = NULL, *base = NULL, *name = NULL;
	struct img_set *parent;
	int ret = img_set_parent(set, &parent, err);

	*link = NULL;
	if (ret <= 0)
		return ret;
	if (asprintf(&name, "%s/parent", in) < 0) {
		name = NULL;
		return img_fail_nomem(err);
	}
	/* A directory's link leads somewhere; that of an archive is no file. */
	to = realpath(name, NULL);
	if (!to)
		return img_fail(err, IMG_UNSUPPORTED,
			"%s: has a parent, and where it is from the new place is not known: use --parent, or "
			"flatten it",
			in);
	if (!strcmp(path, "-")) {
		*link = steal_ptr(&to);
		return 1;
	}
	base = link_base(path);
	*link = base ? relative(base, to) : NULL;
	return *link ? 1 : img_fail_nomem(err);
}
