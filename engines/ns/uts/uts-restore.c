/* engines/ns/uts/uts-restore.c -- how criu-restore names the host in a new UTS namespace. */

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "criu-restore/ns_ops.h"
#include "criuimg/image.h"
#include "utsns.pb-c.h"

extern const struct ns_restore_ops uts_restore_ops;

enum {
	NAME_MAX_UTS = 64, /* include/uapi/linux/utsname.h: __NEW_UTS_LEN */
};

static int read_names(struct restore *r, uint32_t id, UtsnsEntry **e, struct img_err *err)
{
	int ret = img_read_single(r->set, IMG_UTSNS, id, (ProtobufCMessage **)e, err);

	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "utsns-%u.img is missing", id);
	return ret < 0 ? -1 : 0;
}

static int uts_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	UtsnsEntry *e;
	int ret = 0;

	if (read_names(r, id, &e, err) < 0)
		return -1;
	if (strlen(e->nodename) > NAME_MAX_UTS || strlen(e->domainname) > NAME_MAX_UTS)
		ret = img_fail(err, IMG_CORRUPT, "utsns-%u.img: a name longer than %d bytes", id, NAME_MAX_UTS);
	img_message_free(&e->base);
	return ret;
}

static int uts_make(struct restore *r, uint32_t id, struct img_err *err)
{
	UtsnsEntry *e;
	int ret = 0;

	if (read_names(r, id, &e, err) < 0)
		return -1;
	if (sethostname(e->nodename, strlen(e->nodename)) < 0)
		ret = img_fail_sys(err, "sethostname '%s'", e->nodename);
	else if (setdomainname(e->domainname, strlen(e->domainname)) < 0)
		ret = img_fail_sys(err, "setdomainname '%s'", e->domainname);
	else
		log_info(r->log, "uts namespace %u: '%s', domain '%s'", id, e->nodename, e->domainname);
	img_message_free(&e->base);
	return ret;
}

const struct ns_restore_ops uts_restore_ops = {
	.name = "uts",
	.flag = CLONE_NEWUTS,
	.plan = uts_plan,
	.make = uts_make,
};
