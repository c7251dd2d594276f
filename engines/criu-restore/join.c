/* engines/criu-restore/join.c -- namespaces that are there already and that the tree is put into. */

#include "criu-restore/join.h"

#include <ctype.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/inherit.h"
#include "criu-restore/namespaces.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "netdev.pb-c.h"
#include "pidns.pb-c.h"

/* The user namespace first: it gives the right to enter the others. */
static const struct kind {
	const char *name;
	int flag;
	bool by_option; /* --join-ns knows it */
} kinds[] = {
	{ "user", CLONE_NEWUSER, true }, { "pid", CLONE_NEWPID, false }, { "net", CLONE_NEWNET, true },
	{ "ipc", CLONE_NEWIPC, true },	 { "uts", CLONE_NEWUTS, true },	 { "time", CLONE_NEWTIME, true },
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct restore_joins {
	int fd[NR_KINDS]; /* -1: none */
	uid_t uid;	  /* in the user namespace */
	gid_t gid;
	int own_pid; /* our own, while children are born elsewhere; -1 */
};

/* ---- plan ---- */

/* PID or a path; of a user namespace maybe followed by ",UID,GID". */
static int open_target(struct restore *r, const struct kind *k, const char *target, struct img_err *err)
{
	char path[4096], *comma;
	int fd;

	if (isdigit((unsigned char)*target))
		snprintf(path, sizeof(path), "/proc/%ld/ns/%s", strtol(target, NULL, 10), k->name);
	else
		snprintf(path, sizeof(path), "%s", target);
	comma = strchr(target, ',');
	if (k->flag == CLONE_NEWUSER && comma) {
		if (sscanf(comma, ",%u,%u", &r->joins->uid, &r->joins->gid) != 2)
			return img_fail(err, IMG_USAGE, "--join-ns user:%s: not of the form user:PID,UID,GID", target);
		path[strcspn(path, ",")] = '\0';
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "--join-ns %s:%s", k->name, target) : fd;
}

static int plan_option(struct restore *r, const char *item, struct img_err *err)
{
	const char *colon = strchr(item, ':');

	for (size_t i = 0; colon && i < NR_KINDS; i++) {
		if (!kinds[i].by_option || strlen(kinds[i].name) != (size_t)(colon - item) ||
			strncmp(kinds[i].name, item, (size_t)(colon - item)))
			continue;
		r->joins->fd[i] = open_target(r, &kinds[i], colon + 1, err);
		return r->joins->fd[i] < 0 ? -1 : 0;
	}
	return img_fail(err, IMG_USAGE, "--join-ns %s: not of the form NS:PID or NS:FILE, NS one of net, uts, ipc, time, user", item);
}

/* An external one is known by the key that the dump gave it. */
static int plan_external(struct restore *r, size_t i, const char *key, struct img_err *err)
{
	int fd;

	if (!key || !*key || r->joins->fd[i] >= 0)
		return 0;
	fd = restore_inherited(r, "%s", key);
	if (fd < 0)
		return img_fail(err, IMG_UNSUPPORTED,
			"the %s namespace is external: --inherit-fd fd[N]:%s says which descriptor is open on it", kinds[i].name, key);
	r->joins->fd[i] = fd;
	return 0;
}

static int plan_externals(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < NR_KINDS; i++) {
		uint32_t id = restore_ns_id(r, kinds[i].flag);
		ProtobufCMessage *msg = NULL;
		int ret = 0;

		if (kinds[i].flag == CLONE_NEWPID && (ret = img_read_single(r->set, IMG_PIDNS, id, &msg, err)) > 0)
			ret = plan_external(r, i, ((PidnsEntry *)msg)->ext_key, err);
		else if (kinds[i].flag == CLONE_NEWNET && (ret = img_read_single(r->set, IMG_NETNS, id, &msg, err)) > 0)
			ret = plan_external(r, i, ((NetnsEntry *)msg)->ext_key, err);
		img_message_free(msg);
		if (ret < 0)
			return -1;
	}
	return 0;
}

int restore_join_plan(struct restore *r, unsigned *mask, struct img_err *err)
{
	r->joins = img_arena_alloc(&r->arena, sizeof(*r->joins));
	if (!r->joins)
		return img_fail_nomem(err);
	r->joins->own_pid = -1;
	for (size_t i = 0; i < NR_KINDS; i++)
		r->joins->fd[i] = -1;
	for (size_t i = 0; i < r->opt->join_ns.nr; i++)
		if (plan_option(r, r->opt->join_ns.items[i], err) < 0)
			return -1;
	if (plan_externals(r, err) < 0)
		return -1;
	*mask = 0;
	for (size_t i = 0; i < NR_KINDS; i++)
		if (r->joins->fd[i] >= 0)
			*mask |= (unsigned)kinds[i].flag;
	return 0;
}

int restore_join_fd(const struct restore *r, int flag)
{
	for (size_t i = 0; i < NR_KINDS; i++)
		if (kinds[i].flag == flag)
			return r->joins->fd[i];
	return -1;
}

bool restore_ns_left_empty(const struct restore *r, int flag)
{
	for (size_t i = 0; flag == CLONE_NEWNET && i < r->opt->empty_ns.nr; i++)
		if (!strcmp(r->opt->empty_ns.items[i], "net"))
			return true;
	return false;
}

/* ---- entering ---- */

int restore_join_pid(struct restore *r, struct img_err *err)
{
	int fd = restore_join_fd(r, CLONE_NEWPID);

	if (fd < 0)
		return 0;
	r->joins->own_pid = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (r->joins->own_pid < 0 || setns(fd, CLONE_NEWPID) < 0)
		return img_fail_sys(err, "enter the external pid namespace");
	return 0;
}

int restore_join_pid_leave(struct restore *r, struct img_err *err)
{
	cleanup_fd int fd = steal_fd(&r->joins->own_pid);

	if (fd >= 0 && setns(fd, CLONE_NEWPID) < 0)
		return img_fail_sys(err, "leave the external pid namespace");
	return 0;
}

static int become(struct restore *r, struct img_err *err)
{
	if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, r->joins->gid, r->joins->gid, r->joins->gid) < 0 ||
		syscall(SYS_setresuid, r->joins->uid, r->joins->uid, r->joins->uid) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		return img_fail_sys(err, "become user %u of the user namespace", r->joins->uid);
	return 0;
}

int restore_join_enter(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < NR_KINDS; i++) {
		if (r->joins->fd[i] < 0 || kinds[i].flag == CLONE_NEWPID)
			continue;
		if (setns(r->joins->fd[i], kinds[i].flag) < 0)
			return img_fail_sys(err, "join the %s namespace", kinds[i].name);
		log_info(r->log, "%s namespace joined", kinds[i].name);
		if (kinds[i].flag == CLONE_NEWUSER && become(r, err) < 0)
			return -1;
	}
	return 0;
}
