/* engines/fd/unix/names-restore.c -- to give a socket its name, as bind(2) was given it.
 *
 * A path is a file on disk. What is there already is put aside while the socket is being named: of a socket whose file was deleted, or
 * that has its name from one that listened, it comes back afterwards; of the others it was what the dump has left, and goes. A file
 * that was moved is bound and moved again.
 */

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <netinet/tcp.h>

#include "criu-restore/unix-own.h"
#include "kernel/handle.h"

#define PATH_SIZE (PATH_MAX + sizeof(struct sockaddr_un))
#define HELPER_STACK (256u << 10)

socklen_t unix_address(const UnixSkEntry *u, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, u->name.data, u->name.len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + u->name.len);
}

/* ---- elsewhere ---- */

struct elsewhere {
	int root;
	int (*run)(void *arg, struct img_err *err);
	void *arg;
	struct img_err *err;
	int ret;
};

static int elsewhere_main(void *arg)
{
	struct elsewhere *e = arg;

	if (e->root >= 0 && (fchdir(e->root) < 0 || chroot(".") < 0))
		e->ret = img_fail_sys(e->err, "go to another mount namespace");
	else
		e->ret = e->run(e->arg, e->err);
	syscall(SYS_exit, 0); /* the thread */
	return 0;
}

/* Run it with another root directory (-1: ours), free to go to whatever directory. Ours may be that of other tasks too, who are
 * busy: a thread that shares all but it goes there. (A process would do, but the kernel keeps the pid of who connects: SO_PEERCRED.) */
static int run_elsewhere(int root, int (*run)(void *arg, struct img_err *err), void *arg, struct img_err *err)
{
	struct elsewhere e = { root, run, arg, err, -1 };
	char *stack;
	pid_t pid;

	stack = mmap(NULL, HELPER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return img_fail_nomem(err);
	pid = clone(elsewhere_main, stack + HELPER_STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_THREAD | CLONE_SIGHAND, &e);
	if (pid < 0)
		e.ret = img_fail_sys(err, "make a thread");
	else
		while (syscall(SYS_tgkill, getpid(), pid, 0) == 0)
			sched_yield();
	munmap(stack, HELPER_STACK);
	return e.ret;
}

/* ---- files ---- */

struct path_naming {
	struct restore *r;
	const struct unix_naming *n;
	struct sockaddr_un addr;
	socklen_t len;
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	char aside[256];
};

/* Does somebody have the socket of this file who was there before us? */
static bool is_alive(const struct restore *r, const struct stat *st)
{
	const struct kern_unix_sockets *host = &r->files->queues->host;

	for (size_t i = 0; i < host->nr; i++) {
		const struct kern_unix_socket *s = &host->items[i];

		if (s->has_file && (uint32_t)s->file_ino == (uint32_t)st->st_ino && kern_dev(s->file_dev) == st->st_dev &&
			(s->type == SOCK_DGRAM || s->state != TCP_ESTABLISHED))
			return true;
	}
	return false;
}

/* 1: a socket that a dump has left, which may go; 0: nothing. */
static int is_in_the_way(const struct path_naming *p, const char *path, struct img_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : img_fail_sys(err, "look at '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return img_fail(err, IMG_UNSUPPORTED, "'%s' is there, and is no socket", path);
	if (is_alive(p->r, &st))
		return img_fail(err, IMG_UNSUPPORTED, "'%s' is the socket of somebody else", path);
	return 1;
}

/* 1: something was there, 0: nothing was. */
static int put_aside(struct path_naming *p, struct img_err *err)
{
	const struct unix_naming *n = p->n;
	const char *base = strrchr(p->name, '/');
	struct stat st;

	if (n->passing || n->u->deleted) {
		if (lstat(p->name, &st) < 0)
			return errno == ENOENT ? 0 : img_fail_sys(err, "look at '%s'", p->name);
	} else {
		int there = is_in_the_way(p, p->name, err);

		if (there <= 0)
			return there;
	}
	base = base ? base + 1 : p->name;
	snprintf(p->aside, sizeof(p->aside), "%.*s.criu-restore.%d.%s", (int)(base - p->name), p->name, (int)getpid(), base);
	if (rename(p->name, p->aside) < 0)
		return img_fail_sys(err, "put '%s' aside", p->name);
	return 1;
}

static int attributes(const struct path_naming *p, struct img_err *err)
{
	const FilePermsEntry *perms = p->n->u->file_perms;

	if (!perms)
		return 0;
	if (lchown(p->name, perms->uid, perms->gid) < 0 || chmod(p->name, perms->mode & 07777) < 0)
		return img_fail_sys(err, "owner and mode of '%s'", p->name);
	return 0;
}

/* Its file was moved: 1 when it is where it was moved to, 0 when it was not moved. */
static int move(const struct path_naming *p, struct img_err *err)
{
	const char *to = p->n->u->moved_to;
	int there;

	if (!to || p->n->passing)
		return 0;
	there = is_in_the_way(p, to, err);
	if (there < 0 || attributes(p, err) < 0)
		return -1;
	if (rename(p->name, to) < 0)
		return img_fail_sys(err, "move '%s' to '%s'", p->name, to);
	if (p->n->named && !there)
		*p->n->named = 1;
	return 1;
}

static int name_path(struct path_naming *p, struct img_err *err)
{
	const struct unix_naming *n = p->n;
	int there = put_aside(p, err), ret;
	bool bound, moved = false;

	if (there < 0)
		return -1;
	ret = bind(n->fd, (struct sockaddr *)&p->addr, p->len);
	bound = ret == 0;
	if (!bound)
		img_fail_sys(err, "bind it to '%s'", p->name);
	else if (n->meet)
		ret = n->meet(n->arg, &p->addr, p->len, err);
	if (ret == 0 && !n->u->deleted && !(n->passing && there)) {
		ret = attributes(p, err);
		if (ret == 0 && n->named && !there)
			*n->named = 1;
		if (ret == 0)
			return there ? unlink(p->aside) < 0 ? img_fail_sys(err, "remove '%s'", p->aside) : 0 : 0;
	}
	if (ret == 0) {
		ret = move(p, err);
		moved = ret == 1;
		ret = ret < 0 ? -1 : 0;
	}
	if (bound && !moved && unlink(p->name) < 0 && ret == 0)
		ret = img_fail_sys(err, "remove '%s'", p->name);
	if (there && rename(p->aside, p->name) < 0 && ret == 0)
		ret = img_fail_sys(err, "put '%s' back", p->name);
	return ret;
}

/* ---- directories of deleted files, which may be deleted too ---- */

/* Make what is missing of the directories of path; *first: how long the path of the first one is that was made. */
static int make_dirs(char *path, size_t *first, struct img_err *err)
{
	*first = 0;
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		int ret;

		*at = '\0';
		ret = mkdir(path, 0700);
		if (ret < 0 && errno != EEXIST)
			return img_fail_sys(err, "make directory '%s'", path);
		if (ret == 0 && !*first)
			*first = (size_t)(at - path);
		*at = '/';
	}
	return 0;
}

static void remove_dirs(char *path, size_t first)
{
	char *at;

	while (first && (at = strrchr(path, '/')) && (size_t)(at - path) >= first) {
		*at = '\0';
		if (rmdir(path) < 0)
			break;
	}
}

static void full_path(const UnixSkEntry *u, char *path, size_t size)
{
	snprintf(path, size, "%s%s%.*s", u->name_dir ? u->name_dir : "", u->name_dir ? "/" : "", (int)u->name.len,
		(const char *)u->name.data);
}

/* Where the name is to be. */
static int name_here(void *arg, struct img_err *err)
{
	struct path_naming *p = arg;
	const char *dir = p->name[0] == '/' ? NULL : p->n->u->name_dir;
	char path[PATH_SIZE];
	size_t first = 0;
	int ret = 0;

	full_path(p->n->u, path, sizeof(path));
	if (p->n->u->deleted)
		ret = make_dirs(path, &first, err);
	if (ret == 0 && dir && dir[0] && chdir(dir) < 0)
		ret = img_fail_sys(err, "go to '%s'", dir);
	if (ret == 0)
		ret = name_path(p, err);
	remove_dirs(path, first);
	return ret;
}

int unix_name(struct restore *r, const struct unix_naming *n, struct img_err *err)
{
	struct path_naming p = { .r = r, .n = n };

	p.len = unix_address(n->u, &p.addr);
	if (!n->u->name.data[0]) {
		if (bind(n->fd, (struct sockaddr *)&p.addr, p.len) < 0)
			return img_fail_sys(err, "bind it to the abstract name '@%.*s'", (int)n->u->name.len - 1, p.addr.sun_path + 1);
		return n->meet ? n->meet(n->arg, &p.addr, p.len, err) : 0;
	}
	memcpy(p.name, n->u->name.data, n->u->name.len);
	p.name[n->u->name.len] = '\0';
	if (n->root < 0 && (p.name[0] == '/' || !n->u->name_dir || !n->u->name_dir[0]))
		return name_here(&p, err);
	return run_elsewhere(n->root, name_here, &p, err);
}

/* After a failure: files that were not there before. */
void restore_names_undo(struct restore *r)
{
	const struct restore_queues *q = r->files->queues;

	for (size_t i = 0; q && i < q->nr_planned; i++) {
		char path[PATH_SIZE];

		if (!q->planned[i].named || !*q->planned[i].named)
			continue;
		*q->planned[i].named = 0;
		full_path(q->planned[i].u, path, sizeof(path));
		unlink(q->planned[i].u->moved_to ? q->planned[i].u->moved_to : path);
	}
}
