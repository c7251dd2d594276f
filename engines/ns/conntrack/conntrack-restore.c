/* engines/ns/conntrack/conntrack-restore.c -- how criu-restore enters the connections that a network namespace keeps track of: the messages of
 * the images are the requests that make them.
 *
 * CRIU's image of expectations has connections again: a message is what its type says, whatever the image is called. An expectation
 * belongs to a connection, so those come last.
 */

#include <sched.h>
#include <stdlib.h>

#include "criu-restore/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/conntrack.h"
#include "kernel/rtnl.h"

extern const struct ns_restore_ops conntrack_restore_ops;

enum {
	IMAGE_MAX = 256 << 20,
};

static const enum img_kind kinds[] = { IMG_NETNF_CT, IMG_NETNF_EXP };

struct messages {
	char *data;
	size_t len;
};

static int check(const struct messages *m, struct img_err *err)
{
	size_t at = 0;
	bool expectation;

	for (const struct nlmsghdr *msg; (msg = kern_rtnl_next(m->data, m->len, &at));)
		if (!kern_conntrack_is(msg, &expectation))
			return img_fail(err, IMG_CORRUPT, "a message of type %u", msg->nlmsg_type);
	return at == m->len ? 0 : img_fail(err, IMG_CORRUPT, "ends in the middle of a message");
}

/* No image: nothing. */
static int read_messages(struct restore *r, const char *name, struct messages *m, struct img_err *err)
{
	struct img_source *src;
	int64_t size;
	int ret = img_set_source(r->set, name, &src, err);

	*m = (struct messages){ 0 };
	if (ret <= 0)
		return ret;
	size = img_source_size(src);
	if (size < 0 || size > IMAGE_MAX)
		ret = img_fail(err, IMG_CORRUPT, "%lld bytes", (long long)size);
	else if (!(m->data = malloc((size_t)size + 1)))
		ret = img_fail_nomem(err);
	else if (size)
		ret = img_source_read_full(src, m->data, (size_t)size, err);
	m->len = ret < 0 ? 0 : (size_t)size;
	img_source_close(src);
	return ret < 0 ? -1 : check(m, err);
}

static int each_image(struct restore *r, uint32_t id, int fd, bool expectations, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char name[IMG_NAME_MAX];
		struct messages m;
		size_t at = 0, nr = 0, plain = 0;
		int ret = read_messages(r, img_kind_file_name(kinds[i], id, name), &m, err);

		for (const struct nlmsghdr *msg; ret >= 0 && fd >= 0 && (msg = kern_rtnl_next(m.data, m.len, &at));) {
			bool expectation;

			if (kern_conntrack_is(msg, &expectation) && expectation == expectations) {
				ret = kern_conntrack_enter(fd, msg, err);
				plain += ret > 0;
				nr++;
			}
		}
		free(m.data);
		if (ret < 0)
			return img_wrap(err, "%s", name);
		if (plain)
			log_warn(r->log, "network namespace %u: %zu connections come back without the translation of their addresses", id, plain);
		if (nr)
			log_info(r->log, "network namespace %u: %s: %zu entries", id, name, nr);
	}
	return 0;
}

static int conntrack_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	return each_image(r, id, -1, false, err);
}

static bool has_images(struct restore *r, uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct img_err ignored;
		char name[IMG_NAME_MAX];
		struct img_source *src;

		if (img_set_source(r->set, img_kind_file_name(kinds[i], id, name), &src, &ignored) > 0) {
			img_source_close(src);
			return true;
		}
	}
	return false;
}

static int conntrack_make(struct restore *r, uint32_t id, struct img_err *err)
{
	cleanup_fd int fd = -1;

	if (!has_images(r, id))
		return 0;
	fd = kern_conntrack_open(err);
	return fd < 0 || each_image(r, id, fd, false, err) < 0 ? -1 : each_image(r, id, fd, true, err);
}

const struct ns_restore_ops conntrack_restore_ops = {
	.name = "conntrack",
	.flag = CLONE_NEWNET,
	.plan = conntrack_plan,
	.make = conntrack_make,
};
