/* engines/criu-restore/plan.c -- what this host can do of an image. */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criu-restore/namespaces.h"
#include "criu-restore/plan.h"
#include "criu-restore/tree.h"
#include "cpuinfo/cpuinfo.h"
#include "criuimg/array.h"
#include "criuimg/image.h"

int restore_plan_lack(struct restore *r, struct img_err *err)
{
	char **at;

	if (!r->opt->plan)
		return -1;
	at = img_array_more(&r->lacks, r->nr_lacks, &r->lacks_room);
	if (!at || !(*at = strdup(err->text)))
		return img_fail_nomem(err);
	r->nr_lacks++;
	*err = (struct img_err)IMG_ERR_INIT;
	return 0;
}

/* ---- images that nobody here reads ---- */

/* What has no record in files.img or mm to be refused by, and would be lost without a word. */
static const struct {
	enum img_kind kind;
	const char *what;
} unread[] = {
	{ IMG_APPARMOR, "AppArmor policies" },
};

static int check_unread(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(unread); i++) {
		struct img_reader *reader;
		ProtobufCMessage *msg;
		int ret = img_reader_open(r->set, unread[i].kind, 0, &reader, err);

		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		ret = img_read(reader, &msg, err);
		img_reader_close(reader);
		if (ret < 0)
			return -1;
		if (ret == 0)
			continue; /* an image without records */
		img_message_free(msg);
		img_fail(err, IMG_UNSUPPORTED, "%s are not supported yet", unread[i].what);
		if (restore_plan_lack(r, err) < 0)
			return -1;
	}
	return 0;
}

int restore_plan_host(struct restore *r, struct img_err *err)
{
	if (r->opt->restore_sibling && !r->opt->restore_detached)
		return img_fail(err, IMG_USAGE, "--restore-sibling goes with --restore-detached only");
	/* Only when it is asked for; what tasks have in their registers is checked in any case. */
	if (r->opt->cpu_cap_given && r->opt->cpu_cap &&
		cpuinfo_check(r->set, r->opt->cpu_cap, true, err) < 0 && restore_plan_lack(r, err) < 0)
		return -1;
	return check_unread(r, err);
}

/* ---- pids ---- */

static int check_pid(struct restore *r, pid_t pid, struct img_err *err)
{
	if (kill(pid, 0) < 0 && errno == ESRCH)
		return 0;
	restore_pid_taken(pid, err);
	return restore_plan_lack(r, err);
}

int restore_plan_pids(struct restore *r, struct img_err *err)
{
	if (restore_ns_new(r, CLONE_NEWPID))
		return 0; /* nobody else is in it */
	for (size_t i = 0; i < r->nr_tasks; i++)
		for (size_t k = 0; k < (r->tasks[i].nr_threads ? r->tasks[i].nr_threads : 1); k++)
			if (check_pid(r, k ? r->tasks[i].threads[k].tid : r->tasks[i].pid, err) < 0)
				return -1;
	return 0;
}
