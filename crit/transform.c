/* crit/transform.c -- a set of images written anew, member by member. */

#include "transform.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "criuimg/manifest.h"
#include "manifest.pb-c.h"
#include "set-output.h"

#define PIECE 65536

struct copying {
	struct img_set *from, *to;
	const struct transform *t;
	struct crit_set_output *out;
	uint64_t done;
};

static int progress(struct copying *c, struct img_err *err)
{
	if (!crit_set_progress(c->out, c->done, 0))
		return 0;
	errno = EINTR;
	return img_fail_sys(err, "interrupted");
}

static int copy_bytes(struct copying *c, struct img_source *src, struct img_sink *sink, struct img_err *err)
{
	char piece[PIECE];
	ssize_t n;

	while ((n = img_source_read(src, piece, sizeof(piece), err)) > 0) {
		c->done += n;
		if (img_sink_write(sink, piece, n, err) < 0 || progress(c, err))
			return -1;
	}
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
	ret = sink ? copy_bytes(c, src, sink, err) : -1;
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
	if (progress(c, err))
		return -1;
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

	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_set_finish(to, err);
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

static int finding(void *arg, const char *name, const struct img_err *found)
{
	struct img_err *err = arg;

	/* It is not read here, and may be elsewhere. */
	if (!strcmp(name, "parent"))
		return 0;
	*err = *found;
	img_wrap(err, "%s", name);
	return 1;
}

/* A new manifest must not vouch for what an old one does not know. */
static int whole(struct img_set *from, struct img_err *err)
{
	struct img_err bad = IMG_ERR_INIT;
	int ret = img_set_has(from, img_kind_info(IMG_MANIFEST)->file, err);

	if (ret == 1)
		ret = img_set_verify(from, finding, &bad, err);
	if (ret > 0 && bad.code) {
		*err = bad;
		return -1;
	}
	return ret < 0 ? -1 : 0;
}

static int fill(struct copying *c, const char *parent, struct img_err *err)
{
	int ret = whole(c->from, err) < 0 ? -1 : img_set_each(c->from, each_member, c, err);

	if (ret == 0 && parent)
		ret = img_set_link_parent(c->to, parent, err);
	return ret == 0 ? seal(c->from, c->to, err) : -1;
}

int transform_set(struct img_set *from, const char *in, const char *path, bool replace, const struct transform *t, struct img_err *err)
{
	const struct crit_packing as_it_is = { 0 };
	cleanup_free char *parent = NULL;
	struct crit_set_output out;
	struct copying c = { .from = from, .t = t, .out = &out };
	int ret;

	if (crit_parent_link(from, in, path, &parent, err) < 0 || crit_set_output_open(&out, path, &as_it_is, replace, err))
		return -1;
	c.to = out.set;
	ret = fill(&c, parent, err);
	if (ret == 0 && t->check && strcmp(path, "-")) {
		ret = t->check(t->arg, out.temporary ? out.temporary : path, err);
		/* An archive has its name by now. */
		if (ret < 0 && !out.temporary)
			unlink(path);
	}
	return crit_set_output_close(&out, ret, err);
}
