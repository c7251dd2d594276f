/* engines/ns/conntrack/conntrack-dump.c -- what criu-dump saves of the connections that a network namespace keeps track of: the messages
 * by which the kernel lists them, one behind the other. Without any there is no image. */

#include <sched.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/conntrack.h"

extern const struct ns_dump_ops conntrack_dump_ops;

static const struct {
	enum img_kind kind;
	bool expectations;
} lists[] = {
	{ IMG_NETNF_CT, false },
	{ IMG_NETNF_EXP, true },
};

struct writing {
	struct dump *d;
	const char *name;
	struct img_sink *sink;
	size_t nr;
};

static int each(void *arg, const struct nlmsghdr *msg, struct img_err *err)
{
	static const char zeros[NLMSG_ALIGNTO];
	struct writing *w = arg;

	if (!w->sink && !(w->sink = img_set_sink(w->d->set, w->name, err)))
		return -1;
	w->nr++;
	return img_sink_write(w->sink, msg, msg->nlmsg_len, err) < 0
		       ? -1
		       : img_sink_write(w->sink, zeros, NLMSG_ALIGN(msg->nlmsg_len) - msg->nlmsg_len, err);
}

static int conntrack_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	cleanup_fd int fd = kern_conntrack_open(&why);

	if (fd < 0) {
		log_debug(d->log, "%s: nothing is tracked", why.text);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		char name[IMG_NAME_MAX];
		struct writing w = { .d = d, .name = img_kind_file_name(lists[i].kind, ns->id, name) };

		if (kern_conntrack_dump(fd, lists[i].expectations, each, &w, err) < 0) {
			if (w.sink)
				img_sink_abort(w.sink);
			return img_wrap(err, "%s", name);
		}
		if (w.sink && img_sink_finish(w.sink, err) < 0)
			return -1;
		if (w.nr)
			log_info(d->log, "network namespace %u: %s: %zu entries", ns->id, name, w.nr);
	}
	return 0;
}

const struct ns_dump_ops conntrack_dump_ops = {
	.name = "conntrack",
	.flag = CLONE_NEWNET,
	.inside = true,
	.dump = conntrack_dump,
};
