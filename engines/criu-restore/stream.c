/* criu-restore/stream.c -- images through a pipe: who gets which page image, and the front's part of it. */

#include "criu-restore/stream-own.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "criu-restore/images.h"
#include "criu-restore/stage.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "ipc-shm.pb-c.h"
#include "kernel/clone.h"

#define STREAMER "streamer-serve.sock"

enum {
	PIPE_SIZE = 1 << 20,
	REAP_MS = 2000,
	TRIES = 64, /* numbers tried for the pump */
};

/* ---- opening ---- */

/* Nobody else is to read from it, nor to find it where he expects his input. */
static int take_descriptor(struct restore *r, struct img_err *err)
{
	int given = r->opt->stream_fd >= 0 ? r->opt->stream_fd : STDIN_FILENO;
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return img_fail_sys(err, "/dev/null");
	if (isatty(given))
		return img_fail(err, IMG_USAGE, "--stream: descriptor %d is a terminal: send an archive into it, as "
						"in COMMAND | criu-restore --stream ...", given);
	r->stream_fd = fcntl(given, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (r->stream_fd < 0)
		return img_fail_sys(err, "--stream: descriptor %d", given);
	if (given <= STDERR_FILENO)
		dup2(null, given);
	else
		close(given);
	fcntl(r->stream_fd, F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

/* An image streamer, if one serves in the images directory: 1, 0, -1. */
static int find_streamer(struct restore *r, struct img_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	cleanup_fd int dir = open(r->opt->images_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

	if (r->opt->stream_fd >= 0 || dir < 0 || faccessat(dir, STREAMER, F_OK, 0) < 0)
		return 0;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" STREAMER, dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return img_fail_sys(err, "--stream: image streamer at %s/" STREAMER, r->opt->images_dir);
	r->images_dirfd = steal_fd(&dir);
	r->stream_fd = steal_fd(&fd);
	return 1;
}

static int to_file(struct restore *r, struct img_err *err)
{
	r->archive_fd = img_stream_spool(r->stream->from, err);
	restore_stream_free(r);
	return r->archive_fd < 0 ? img_wrap(err, "--stream") : 0;
}

/* Sets of pre-dumps, in front of the one that was made on them: memory without tasks. */
static int keep_earlier(struct restore *r, struct img_err *err)
{
	struct img_stream *from = r->stream->from;
	int ret;

	while (!r->stream->served && (ret = img_set_has(img_stream_set(from), "pstree.img", err)) <= 0) {
		int *fd = ret < 0 ? NULL : img_array_more(&r->earlier, r->nr_earlier, &r->room_earlier);

		if (!fd)
			return ret < 0 ? -1 : img_fail_nomem(err);
		*fd = img_stream_spool(from, err);
		if (*fd < 0)
			return -1;
		r->nr_earlier++;
		log_info(r->log, "the stream begins with a pre-dump, which is kept in a file");
		ret = img_stream_another(from, err);
		if (ret <= 0)
			return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "only the memory of tasks: a pre-dump");
	}
	return 0;
}

/* What the set in the stream was made on, as it came before it. *parent NULL: nothing did. */
int restore_stream_earlier(struct restore *r, struct img_set **parent, struct img_err *err)
{
	*parent = NULL;
	for (size_t i = 0; i < r->nr_earlier; i++) {
		struct img_set *set = img_set_open_archive(r->earlier[i], err);

		if (!set || (*parent && img_set_use_parent(set, *parent, err) < 0)) {
			img_set_close(set);
			img_set_close(*parent);
			return -1;
		}
		/* From here on the older one is closed with it. */
		*parent = set;
		if (restore_images_parent(set, err) < 0) {
			img_set_close(set);
			return -1;
		}
	}
	return 0;
}

int restore_stream_open(struct restore *r, struct img_err *err)
{
	int served;

	if (r->opt->lazy_pages)
		return img_fail(err, IMG_USAGE, "--stream brings the pages: not with --lazy-pages");
	served = find_streamer(r, err);
	if (served < 0 || (!served && take_descriptor(r, err) < 0))
		return -1;
	r->stream = calloc(1, sizeof(*r->stream));
	if (!r->stream)
		return img_fail_nomem(err);
	r->stream->pipe[0] = r->stream->pipe[1] = -1;
	r->stream->served = served;
	r->stream->from = served ? img_stream_served(r->stream_fd, err) : img_stream_open(r->stream_fd, err);
	if (!r->stream->from)
		return img_wrap(err, "--stream");
	if (img_stream_ordered(r->stream->from)) {
		if (keep_earlier(r, err) < 0)
			return img_wrap(err, "--stream");
		r->set = img_stream_set(r->stream->from);
		return 0;
	}
	log_info(r->log, "the archive is not in the order of use: it is kept in a file until its end");
	return to_file(r, err);
}

/* Tasks of a pid namespace of their own come back into a new one: their numbers say nothing here. */
static bool has_pidns(const struct restore *r)
{
	const TaskKobjIdsEntry *own = r->root->ids, *ours = r->inventory->root_ids;

	return own && ours && own->has_pid_ns_id && ours->has_pid_ns_id && own->pid_ns_id != ours->pid_ns_id;
}

static bool any_there(const struct restore *r)
{
	if (has_pidns(r))
		return false;
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (kill(r->tasks[i].pid, 0) == 0 || errno == EPERM)
			return true;
	return false;
}

int restore_stream_or_file(struct restore *r, struct img_err *err)
{
	if (!r->stream || r->stream->served || r->opt->plan || !any_there(r))
		return 0;
	log_warn(r->log, "pids of the image are in use, perhaps by what is being dumped: the stream is kept in a "
			 "file until its end");
	if (to_file(r, err) < 0)
		return -1;
	/* They have ended by now; who started them may not have taken note yet. */
	for (int i = 0; i < REAP_MS && any_there(r); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
	return 0;
}

const char *restore_stream_parent(const struct restore *r)
{
	return r->stream ? img_stream_parent(r->stream->from) : NULL;
}

void restore_stream_moved(struct restore *r)
{
	if (r->stream)
		img_stream_moved(r->stream->from, r->stream_fd);
}

/* ---- plan ---- */

enum { SYSV_MAX = 4096 }; /* SHMMNI of the kernel */

static int count(struct restore *r)
{
	return r->nr_tasks + r->mem->nr_segments + r->mem->nr_memfds + SYSV_MAX;
}

static int add(struct restore *r, enum img_kind kind, uint64_t id, uint32_t task, struct img_err *err)
{
	struct restore_stream *s = r->stream;
	struct img_pages_reader *pages;
	struct passing *p = &s->passing[s->nr_passing];
	int ret = img_pages_open(r->set, kind, id, &pages, err);

	if (ret <= 0)
		return ret;
	*p = (struct passing){ .task = task, .id = id };
	img_pages_data_of(pages, &p->pages_id, &p->size);
	img_pages_close(pages);
	if (!p->size)
		return 0;
	for (size_t i = 0; i < s->nr_passing; i++)
		if (s->passing[i].pages_id == p->pages_id)
			return img_fail(err, IMG_UNSUPPORTED, "pages-%u.img has the data of two page maps, in a stream",
				p->pages_id);
	s->nr_passing++;
	return 0;
}

static int add_sysv(struct restore *r, struct img_err *err)
{
	struct img_reader *reader;
	ProtobufCMessage *msg;
	size_t nr = 0;
	int ret = r->root->ids ? img_reader_open(r->set, IMG_IPCNS_SHM, r->root->ids->ipc_ns_id, &reader, err) : 0;

	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		ret = nr++ < SYSV_MAX ? add(r, IMG_SHMEM_PAGEMAP, ((IpcShmEntry *)msg)->desc->id, ROOT_EARLY, err)
				      : img_fail(err, IMG_CORRUPT, "more than %d shared memory segments", SYSV_MAX);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(reader);
	return ret;
}

int restore_stream_plan(struct restore *r, struct img_err *err)
{
	struct restore_stream *s = r->stream;

	if (!s)
		return 0;
	s->turn = restore_shared_alloc(r, sizeof(*s->turn), err);
	s->passing = s->turn ? restore_shared_alloc(r, count(r) * sizeof(*s->passing), err) : NULL;
	if (!s->passing)
		return -1;
	for (size_t i = 0; i < r->mem->nr_segments; i++)
		if (add(r, IMG_SHMEM_PAGEMAP, r->mem->segments[i].shmid, NO_TASK, err) < 0)
			return -1;
	for (size_t i = 0; i < r->mem->nr_memfds; i++)
		if (add(r, IMG_SHMEM_PAGEMAP, r->mem->memfds[i].rec->shmid, NO_TASK, err) < 0)
			return -1;
	if (add_sysv(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (restore_task_lives(&r->tasks[i]) && add(r, IMG_PAGEMAP, r->tasks[i].pid, i, err) < 0)
			return -1;
	return 0;
}

/* ---- the pump ---- */

/* A number that no task needs. */
static pid_t start_pump(struct restore *r)
{
	pid_t pid = -1;

	for (size_t i = 0; i < TRIES && i < r->mem->nr_worker_tids; i++) {
		pid = kern_clone(0, r->mem->worker_tids[r->mem->nr_worker_tids - 1 - i], SIGCHLD);
		if (pid >= 0 || errno != EEXIST)
			break;
	}
	return pid;
}

/* A segment whose bytes are in the pipe now, or NULL. *left: some are not filled yet. */
static struct passing *segment_now(struct restore_stream *s, bool *left)
{
	*left = false;
	for (size_t i = 0; i < s->nr_passing; i++) {
		struct passing *p = &s->passing[i];

		if (p->task != NO_TASK || p->done)
			continue;
		*left = true;
		if (__atomic_load_n(&p->go, __ATOMIC_SEQ_CST))
			return p;
	}
	return NULL;
}

/* Segments that the stream has nothing of: all their pages are in the sets before. */
static int fill_others(struct restore *r, struct img_err *err)
{
	struct restore_stream *s = r->stream;

	for (size_t i = 0; i < s->nr_fills; i++) {
		const struct fill *f = &s->fills[i];
		size_t k = 0;

		while (k < s->nr_passing && (s->passing[k].task != NO_TASK || s->passing[k].id != f->shmid))
			k++;
		if (k == s->nr_passing && restore_shmem_fill(r, f->shmid, f->fd, f->size, err) < 0)
			return img_wrap(err, "shared memory %#" PRIx64, f->shmid);
	}
	return 0;
}

/* Shared memory, in the order in which it comes. */
static int fill_shared(struct restore *r, struct img_err *err)
{
	struct restore_stream *s = r->stream;
	bool left;

	for (;;) {
		uint32_t turn = __atomic_load_n(s->turn, __ATOMIC_SEQ_CST);
		struct passing *p = segment_now(s, &left);

		if (!left)
			return 0;
		if (!p) {
			const struct timespec look = { .tv_nsec = 50 * 1000 * 1000 };

			if (restore_has_failed(r))
				return restore_fail_get(r, err);
			if (restore_interrupted(r, err) < 0 || restore_stream_check(r, err) < 0)
				return -1;
			syscall(SYS_futex, s->turn, FUTEX_WAIT, turn, &look, NULL, 0);
			continue;
		}
		for (size_t i = 0; i < s->nr_fills; i++)
			if (s->fills[i].shmid == p->id) {
				if (restore_shmem_fill(r, p->id, s->fills[i].fd, s->fills[i].size, err) < 0)
					return img_wrap(err, "shared memory %#" PRIx64, p->id);
				break;
			}
		if (!p->done)
			return img_fail(err, IMG_CORRUPT, "shared memory %#" PRIx64 " is nobody's", p->id);
	}
}

int restore_stream_fill_later(struct restore *r, uint64_t shmid, int fd, uint64_t size, struct img_err *err)
{
	struct restore_stream *s = r->stream;
	struct fill *f;

	if (!s || s->pump)
		return 0;
	f = img_array_more(&s->fills, s->nr_fills, &s->room_fills);
	if (!f)
		return img_fail_nomem(err);
	*f = (struct fill){ shmid, fd, size };
	s->nr_fills++;
	return 1;
}

int restore_stream_start(struct restore *r, struct img_err *err)
{
	struct restore_stream *s = r->stream;

	if (!s)
		return 0;
	if (pipe2(s->pipe, O_CLOEXEC) < 0)
		return img_fail_sys(err, "pipe");
	fcntl(s->pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
	s->pump = start_pump(r);
	if (s->pump == 0)
		restore_pump(r);
	if (s->pump < 0) {
		s->pump = 0;
		return img_fail_sys(err, "--stream: clone3");
	}
	close(steal_fd(&s->pipe[1]));
	if (!s->served)
		close(steal_fd(&r->stream_fd));
	return fill_others(r, err) < 0 ? -1 : fill_shared(r, err);
}

int restore_stream_check(struct restore *r, struct img_err *err)
{
	siginfo_t info = { 0 };

	if (!r->stream || !r->stream->pump ||
		waitid(P_PID, r->stream->pump, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid ||
		restore_has_failed(r))
		return 0;
	return img_fail(err, IMG_SYS, "--stream: the process that reads it was killed by signal %d", info.si_status);
}

void restore_stream_stop(struct restore *r)
{
	struct restore_stream *s = r->stream;

	if (!s || !s->pump)
		return;
	kill(s->pump, SIGKILL);
	while (waitpid(s->pump, NULL, __WALL) < 0 && errno == EINTR)
		;
	s->pump = 0;
}

void restore_stream_free(struct restore *r)
{
	struct restore_stream *s = r->stream;

	if (!s)
		return;
	r->set = NULL;
	img_stream_close(s->from);
	for (int i = 0; i < 2; i++)
		if (s->pipe[i] >= 0)
			close(s->pipe[i]);
	if (r->stream_fd >= 0)
		close(steal_fd(&r->stream_fd));
	free(s->fills);
	free(s->kept);
	free(s);
	r->stream = NULL;
}
