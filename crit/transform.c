/* crit/transform.c -- a set of images written anew, member by member. */

#include "transform.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "criuimg/manifest.h"
#include "manifest.pb-c.h"

#define PIECE 65536

struct copying {
	struct img_set *from, *to;
	const struct transform *t;
};

static int copy_bytes(struct img_source *src, struct img_sink *sink, struct img_err *err)
{
	char piece[PIECE];
	ssize_t n;

	while ((n = img_source_read(src, piece, sizeof(piece), err)) > 0)
		if (img_sink_write(sink, piece, n, err) < 0)
			return -1;
	return n;
}

static int copy_member(struct copying *c, const char *name, struct img_err *err)
{
	struct img_source *src;
	struct img_sink *sink;
	int ret = img_set_source(c->from, name, &src, err);

	if (ret <= 0)
		return ret;
	sink = img_set_sink(c->to, name, err);
	ret = sink ? copy_bytes(src, sink, err) : -1;
	img_source_close(src);
	if (ret == 0)
		return img_sink_finish(sink, err);
	img_sink_abort(sink);
	return -1;
}

static int each_member(void *arg, const char *name, struct img_err *err)
{
	struct copying *c = arg;
	int ret;

	if (!strcmp(name, img_kind_info(IMG_MANIFEST)->file))
		return 0;
	ret = c->t->member(c->t->arg, c->from, c->to, name, err);
	if (ret == 0)
		ret = copy_member(c, name, err);
	return ret < 0 ? img_wrap(err, "%s", name) : 0;
}

/* What the old manifest said that still holds. */
static int seal(struct img_set *from, struct img_set *to, struct img_err *err)
{
	ManifestEntry *manifest;
	int ret = img_manifest_read(from, &manifest, err);

	if (ret <= 0)
		return ret;
	ret = 0;
	/* Page data is written as it is, so what says how it was compressed, or where it is, goes. */
	for (size_t i = 0; i < manifest->n_requires && ret == 0; i++)
		if (strcmp(manifest->requires[i], "pages-zstd") && strcmp(manifest->requires[i], "remote-pages"))
			ret = img_set_require(to, manifest->requires[i], err);
	if (ret == 0 && manifest->host) {
		const struct img_host_facts facts = {
			.kernel_release = manifest->host->kernel_release,
			.arch = manifest->host->arch,
			.page_size = manifest->host->page_size,
			.cpu_features = (const char *const *)manifest->host->cpu_features,
			.nr_cpu_features = manifest->host->n_cpu_features,
			.boot_id = manifest->host->boot_id,
			.created = manifest->created,
		};

		ret = img_set_host_facts(to, &facts, err);
	}
	if (ret == 0)
		ret = img_set_seal(to, "crit", VERSION, err);
	img_message_free(&manifest->base);
	return ret;
}

static int copy_link(struct img_set *from, struct img_set *to, struct img_err *err)
{
	char target[PATH_MAX];
	int dir = img_set_dirfd(from);
	ssize_t len = dir < 0 ? -1 : readlinkat(dir, "parent", target, sizeof(target) - 1);

	if (len < 0)
		return 0;
	target[len] = '\0';
	return img_set_link_parent(to, target, err);
}

void transform_remove(const char *dir)
{
	cleanup_dir DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	rmdir(dir);
}

static int fill(struct img_set *from, const char *dir, const struct transform *t, struct img_err *err)
{
	struct copying c = { from, img_set_create_dir(AT_FDCWD, dir, err), t };
	int ret;

	if (!c.to)
		return -1;
	ret = img_set_each(from, each_member, &c, err);
	if (ret == 0)
		ret = copy_link(from, c.to, err);
	if (ret == 0)
		ret = seal(from, c.to, err);
	img_set_close(c.to);
	return ret;
}

int transform_set(struct img_set *from, const char *out, const struct transform *t, struct img_err *err)
{
	cleanup_free char *temporary = NULL;

	if (!access(out, F_OK))
		return img_fail(err, IMG_USAGE, "%s: is there already", out);
	if (asprintf(&temporary, "%s.XXXXXX", out) < 0) {
		temporary = NULL;
		return img_fail_nomem(err);
	}
	if (!mkdtemp(temporary))
		return img_fail_sys(err, "%s", temporary);
	if (fill(from, temporary, t, err) < 0) {
		transform_remove(temporary);
		return -1;
	}
	if (rename(temporary, out)) {
		transform_remove(temporary);
		return img_fail_sys(err, "%s", out);
	}
	return 0;
}
