/* streamer/image/extract.c -- from the shards into files.
 *
 * What says that a set is there, inventory.img and manifest.img, gets its name last. When it fails nothing of it stays.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "streamer/image/image.h"

struct file {
	char *name;
	int fd;	    /* -1: whole */
	bool ext;   /* not in the directory */
	bool hidden; /* under its temporary name */
};

struct extract {
	const struct streamer *s;
	struct file *items;
	size_t nr, room;
	size_t current;
};

static bool comes_last(const char *name)
{
	return !strcmp(name, "inventory.img") || !strcmp(name, "manifest.img");
}

static bool is_remapped(const struct extract *x, const char *name)
{
	return x->s->nr_remaps && remap_concerns(name);
}

static void hidden_name(const struct file *f, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", f->hidden ? "." : "", f->name);
}

static int make(struct extract *x, struct file *f, struct img_err *err)
{
	char name[IMAGE_NAME_MAX + 2];

	f->fd = streamer_ext_fd(x->s, f->name);
	f->ext = f->fd >= 0;
	if (f->ext)
		return 0;
	f->hidden = comes_last(f->name);
	hidden_name(f, name, sizeof(name));
	/* In place of a file of an older set, and never through a link. */
	if (unlinkat(x->s->dirfd, f->name, 0) < 0 && errno != ENOENT)
		return img_fail_sys(err, "%s/%s", x->s->dir, f->name);
	if (f->hidden)
		unlinkat(x->s->dirfd, name, 0);
	f->fd = openat(x->s->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return f->fd < 0 ? img_fail_sys(err, "%s/%s", x->s->dir, name) : 0;
}

static int on_file(void *arg, const char *name, struct img_err *err)
{
	struct extract *x = arg;
	struct file *f;

	for (size_t i = x->nr; i-- > 0;)
		if (!strcmp(x->items[i].name, name)) {
			x->current = i;
			return x->items[i].fd < 0 ? img_fail(err, IMG_CORRUPT, "%s goes on behind its end", name) : 0;
		}
	f = img_array_more(&x->items, x->nr, &x->room);
	if (!f)
		return img_fail_nomem(err);
	*f = (struct file){ .name = strdup(name), .fd = -1 };
	if (!f->name)
		return img_fail_nomem(err);
	x->current = x->nr++;
	return make(x, f, err);
}

static int on_data(void *arg, int fd, uint32_t len, struct img_err *err)
{
	struct extract *x = arg;
	struct file *f = &x->items[x->current];

	return ext_copy(fd, f->fd, len, err) < 0 ? img_wrap(err, "%s", f->name) : 0;
}

static int remap(struct extract *x, const struct file *f, struct img_err *err)
{
	cleanup_free unsigned char *data = NULL;
	off_t end = lseek(f->fd, 0, SEEK_END);
	size_t size;

	data = end >= 0 ? malloc(end + 1) : NULL;
	if (!data)
		return img_fail_nomem(err);
	if (pread(f->fd, data, end, 0) != end)
		return img_fail_sys(err, "%s: read", f->name);
	size = end;
	if (remap_ports(x->s, f->name, &data, &size, err) < 0)
		return -1;
	if (ftruncate(f->fd, 0) < 0 || pwrite(f->fd, data, size, 0) != (ssize_t)size)
		return img_fail_sys(err, "%s: write", f->name);
	return 0;
}

static int on_end(void *arg, struct img_err *err)
{
	struct extract *x = arg;
	struct file *f = &x->items[x->current];

	if (!f->ext && is_remapped(x, f->name) && remap(x, f, err) < 0)
		return -1;
	return close(steal_fd(&f->fd)) < 0 ? img_fail_sys(err, "%s: close", f->name) : 0;
}

static const struct shard_ops ops = { on_file, on_data, on_end };

static int finish(struct extract *x, struct img_err *err)
{
	char name[IMAGE_NAME_MAX + 2];

	for (size_t i = 0; i < x->nr; i++)
		if (x->items[i].fd >= 0)
			return img_fail(err, IMG_CORRUPT, "%s has no end", x->items[i].name);
	for (size_t i = 0; i < x->s->nr_ext; i++) {
		bool seen = false;

		for (size_t k = 0; k < x->nr; k++)
			seen |= !strcmp(x->items[k].name, x->s->ext[i].name);
		if (!seen)
			return img_fail(err, IMG_CORRUPT, "%s is not in the set", x->s->ext[i].name);
	}
	for (size_t i = 0; i < x->nr; i++) {
		if (!x->items[i].hidden)
			continue;
		hidden_name(&x->items[i], name, sizeof(name));
		if (renameat(x->s->dirfd, name, x->s->dirfd, x->items[i].name) < 0)
			return img_fail_sys(err, "%s/%s: rename", x->s->dir, x->items[i].name);
		x->items[i].hidden = false;
	}
	return 0;
}

static void undo(struct extract *x)
{
	char name[IMAGE_NAME_MAX + 2];

	for (size_t i = 0; i < x->nr; i++) {
		if (x->items[i].ext)
			continue;
		hidden_name(&x->items[i], name, sizeof(name));
		unlinkat(x->s->dirfd, name, 0);
	}
}

int streamer_extract(const struct streamer *s, struct img_err *err)
{
	struct shard_stat *stats = calloc(s->nr_shards, sizeof(*stats));
	struct extract x = { .s = s };
	int ret;

	if (!stats)
		return img_fail_nomem(err);
	ret = shards_read(s->shards, s->nr_shards, &ops, &x, stats, err);
	if (!ret)
		ret = finish(&x, err);
	if (!ret)
		progress_stats(s->progress, stats, s->nr_shards);
	else
		undo(&x);
	for (size_t i = 0; i < x.nr; i++) {
		if (x.items[i].fd >= 0)
			close(x.items[i].fd);
		free(x.items[i].name);
	}
	free(x.items);
	free(stats);
	return ret;
}
