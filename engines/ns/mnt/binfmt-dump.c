/* engines/ns/mnt/binfmt-dump.c -- the formats of executables that a binfmt_misc of the tree's own user namespace knows (binfmt-misc.img).
 *
 * Each is a file that tells of it, line by line: Documentation/admin-guide/binfmt-misc.rst, fs/binfmt_misc.c entry_status().
 */

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binfmt-misc.pb-c.h"
#include "criu-dump/mnt-own.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"

/* More than one page the kernel does not tell. */
#define TEXT_MAX 4096

static const struct {
	const char *word;
	size_t at;
} texts[] = {
	{ "interpreter ", offsetof(BinfmtMiscEntry, interpreter) },
	{ "flags: ", offsetof(BinfmtMiscEntry, flags) },
	{ "extension .", offsetof(BinfmtMiscEntry, extension) },
	{ "magic ", offsetof(BinfmtMiscEntry, magic) },
	{ "mask ", offsetof(BinfmtMiscEntry, mask) },
};

static int take_line(char *line, BinfmtMiscEntry *e, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strncmp(line, texts[i].word, strlen(texts[i].word))) {
			*(char **)((char *)e + texts[i].at) = line + strlen(texts[i].word);
			return 0;
		}
	if (!strncmp(line, "offset ", 7)) {
		e->has_offset = 1;
		e->offset = atoi(line + 7);
		return 0;
	}
	if (!strcmp(line, "enabled") || !strcmp(line, "disabled")) {
		e->enabled = line[0] == 'e';
		return 0;
	}
	return img_fail(err, IMG_UNSUPPORTED, "line '%s' is not understood", line);
}

static int write_format(struct img_writer *w, int dir, const char *name, struct img_err *err)
{
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	BinfmtMiscEntry e = BINFMT_MISC_ENTRY__INIT;
	char text[TEXT_MAX], *rest = text, *line;
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (len < 0)
		return img_fail_sys(err, "read it");
	text[len] = '\0';
	e.name = (char *)name;
	while ((line = strsep(&rest, "\n")))
		if (*line && take_line(line, &e, err) < 0)
			return -1;
	if (!e.interpreter || (!e.magic && !e.extension))
		return img_fail(err, IMG_UNSUPPORTED, "it does not say what it is");
	return img_write(w, &e.base, err);
}

static int write_formats(struct dump *d, struct img_writer *w, int fd, struct img_err *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *de;

	if (!dir)
		return img_fail_sys(err, "read the directory");
	while ((de = readdir(dir))) {
		if (de->d_name[0] == '.' || !strcmp(de->d_name, "register") || !strcmp(de->d_name, "status"))
			continue;
		if (write_format(w, fd, de->d_name, err) < 0)
			return img_wrap(err, "format '%s'", de->d_name);
		log_info(d->log, "binfmt_misc: format '%s'", de->d_name);
	}
	return 0;
}

int mnt_dump_binfmt(struct dump *d, int fd, struct img_err *err)
{
	struct img_writer *w;

	/* Those of our own user namespace are the host's, and stay. */
	if (!dump_ns_nth(d, CLONE_NEWUSER, 0))
		return 0;
	w = img_writer_create(d->set, IMG_BINFMT_MISC, 0, err);
	if (!w)
		return -1;
	if (write_formats(d, w, fd, err) < 0) {
		img_writer_abort(w);
		return -1;
	}
	return img_writer_finish(w, err);
}
