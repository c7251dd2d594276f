/* engines/fd/unix/queues-restore.c -- what waits in sockets to be read, sk-queues.img, and the descriptors that come along. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/image.h"
#include "criu-restore/unix-own.h"

/* ---- sk-queues.img ---- */

static int compare_packets(const void *va, const void *vb)
{
	const struct unix_packet *a = va, *b = vb;

	if (a->id_for != b->id_for)
		return a->id_for < b->id_for ? -1 : 1;
	return a->nr < b->nr ? -1 : a->nr > b->nr;
}

/* The kernel takes so many with one message: SCM_MAX_FD of net/scm.h. */
#define RIGHTS_MAX 253

static int take_rights(struct unix_packet *p, const SkPacketEntry *rec, struct img_err *err)
{
	size_t nr = 0;

	for (size_t i = 0; i < rec->n_scm; i++) {
		if (rec->scm[i]->type != SCM_RIGHTS)
			return img_fail(err, IMG_UNSUPPORTED, "sk-queues.img: what comes along to socket %#x is of type %u",
				rec->id_for, rec->scm[i]->type);
		if (rec->scm[i]->n_rights > RIGHTS_MAX - nr)
			return img_fail(err, IMG_CORRUPT, "sk-queues.img: more than %d descriptors come along to socket %#x",
				RIGHTS_MAX, rec->id_for);
		nr += rec->scm[i]->n_rights;
	}
	if (!nr)
		return 0;
	p->rights = calloc(nr, sizeof(*p->rights));
	if (!p->rights)
		return img_fail_nomem(err);
	for (size_t i = 0; i < rec->n_scm; i++)
		for (size_t k = 0; k < rec->scm[i]->n_rights; k++)
			p->rights[p->nr_rights++] = rec->scm[i]->rights[k];
	return 0;
}

static int take_packet(struct restore_queues *q, struct img_reader *reader, const SkPacketEntry *rec, struct img_err *err)
{
	struct unix_packet *p = img_array_more(&q->items, q->nr, &q->room);
	uint32_t done = 0;

	if (!p)
		return img_fail_nomem(err);
	p->id_for = rec->id_for;
	p->nr = (uint32_t)q->nr++;
	p->len = rec->length;
	p->has_cred = rec->has_cred_pid && rec->has_cred_uid && rec->has_cred_gid;
	p->cred = (struct ucred){ (pid_t)rec->cred_pid, rec->cred_uid, rec->cred_gid };
	if (take_rights(p, rec, err) < 0)
		return -1;
	p->data = malloc((size_t)p->len + 1);
	if (!p->data)
		return img_fail_nomem(err);
	while (done < p->len) {
		ssize_t got = img_read_payload(reader, p->data + done, p->len - done, err);

		if (got <= 0)
			return got < 0 ? -1 : img_fail(err, IMG_CORRUPT, "sk-queues.img: a message ends early");
		done += (uint32_t)got;
	}
	return 0;
}

static int read_queues(struct restore *r, struct restore_queues *q, struct img_err *err)
{
	struct img_reader *reader = NULL;
	ProtobufCMessage *msg;
	int ret;

	ret = img_reader_open(r->set, IMG_SK_QUEUES, 0, &reader, err);
	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		ret = take_packet(q, reader, (SkPacketEntry *)msg, err);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(reader);
	if (ret == 0 && q->nr)
		qsort(q->items, q->nr, sizeof(*q->items), compare_packets);
	return ret;
}

int restore_queues_plan(struct restore *r, struct img_err *err)
{
	struct restore_queues *q = r->files->queues = calloc(1, sizeof(*q));

	if (!q)
		return img_fail_nomem(err);
	if (read_queues(r, q, err) < 0)
		return -1;
	return unix_plan_groups(r, q, err);
}

void restore_queues_free(struct restore *r)
{
	struct restore_queues *q = r->files->queues;

	if (!q)
		return;
	for (size_t i = 0; i < q->nr; i++) {
		free(q->items[i].data);
		free(q->items[i].rights);
	}
	free(q->items);
	free(q->planned);
	kern_unix_sockets_free(&q->host);
	free(q);
	r->files->queues = NULL;
}

/* Files that only come along with messages are made by whoever makes the sockets that these wait in; and so on for what waits in
 * sockets that come along. */
static int give_maker(struct restore *r, const struct unix_packet *packet, bool *more, struct img_err *err)
{
	const struct unix_planned *to = unix_planned_of(r, packet->id_for), *along;
	struct restore_fdtable *maker = to ? r->files->queues->planned[to->root].maker : NULL;

	for (size_t i = 0; maker && i < packet->nr_rights; i++) {
		struct file_plan *p = files_find(r->files, packet->rights[i]);

		if (!p)
			return img_fail(err, IMG_CORRUPT, "sk-queues.img: no file with the id %#x", packet->rights[i]);
		if (p->maker)
			continue;
		p->maker = maker;
		p->maker_fd = -1;
		p->held = restore_shared_alloc(r, sizeof(*p->held), err);
		if (!p->held)
			return -1;
		along = unix_planned_of(r, p->pub.id);
		if (along && !r->files->queues->planned[along->root].maker)
			r->files->queues->planned[along->root].maker = maker;
		*more = true;
	}
	return 0;
}

int restore_queues_makers(struct restore *r, struct img_err *err)
{
	struct restore_queues *q = r->files->queues;
	bool more = true;

	for (size_t i = 0; i < q->nr_planned; i++) {
		const struct file_plan *p = files_find(r->files, q->planned[i].u->id);
		struct unix_planned *root = &q->planned[q->planned[i].root];

		if (p->maker && (!root->maker || p->maker->leader->index < root->maker->leader->index))
			root->maker = p->maker;
	}
	while (more) {
		more = false;
		for (size_t i = 0; i < q->nr; i++)
			if (q->items[i].nr_rights && give_maker(r, &q->items[i], &more, err) < 0)
				return -1;
	}
	return 0;
}

/* The first message for a socket, or where it would be. */
static size_t first_for(const struct restore_queues *q, uint32_t id)
{
	size_t low = 0, high = q->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (q->items[mid].id_for < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* ---- filling ---- */

bool unix_has_queue(const struct restore *r, uint32_t id)
{
	const struct restore_queues *q = r->files->queues;
	size_t i = first_for(q, id);

	return i < q->nr && q->items[i].id_for == id;
}

bool unix_has_rights(const struct restore *r, uint32_t id)
{
	const struct restore_queues *q = r->files->queues;

	for (size_t i = first_for(q, id); i < q->nr && q->items[i].id_for == id; i++)
		if (q->items[i].nr_rights)
			return true;
	return false;
}

union control {
	char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr align;
};

static void add(struct msghdr *msg, union control *control, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(control->bytes + msg->msg_controllen);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	msg->msg_control = control;
	msg->msg_controllen += CMSG_SPACE(len);
}

/* cred: NULL: nobody. */
static int send_one(int fd, const struct unix_packet *p, const struct ucred *cred, const int *fds, struct img_err *err)
{
	uint32_t done = 0;

	do { /* of a stream one call may take a part; a message goes as a whole, even one of no bytes */
		struct iovec io = { p->data + done, p->len - done };
		struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1 };
		union control control = { { 0 } };
		ssize_t put;

		if (!done && p->nr_rights)
			add(&msg, &control, SCM_RIGHTS, fds, p->nr_rights * sizeof(int));
		if (cred)
			add(&msg, &control, SCM_CREDENTIALS, cred, sizeof(*cred));
		put = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0)
			return img_fail_sys(err, "put %u bytes into its queue", p->len - done);
		done += (uint32_t)put;
	} while (done < p->len);
	return 0;
}

static int send_packet(struct restore *r, struct restore_task *t, int fd, const struct unix_packet *p, struct img_err *err)
{
	int fds[RIGHTS_MAX], ret = 0;
	size_t nr = 0;

	while (ret == 0 && nr < p->nr_rights) {
		fds[nr] = restore_file_descriptor(r, t, p->rights[nr], err);
		if (fds[nr] < 0)
			ret = img_wrap(err, "file %#x, on its way", p->rights[nr]);
		else
			nr++;
	}
	if (ret == 0)
		ret = send_one(fd, p, p->has_cred ? &p->cred : NULL, fds, err);
	/* A sender who is no more cannot be named: it is we who send. */
	if (ret < 0 && p->has_cred && err->sys_errno == ESRCH) {
		struct ucred cred = { getpid(), p->cred.uid, p->cred.gid };

		log_warn(r->log, "unix socket %#x: pid %d, who sent a message to it, is no more: the message is from pid %d", p->id_for,
			(int)p->cred.pid, (int)getpid());
		*err = (struct img_err)IMG_ERR_INIT;
		ret = send_one(fd, p, &cred, fds, err);
	}
	while (nr)
		close(fds[--nr]);
	return ret;
}

int unix_fill_queue(struct restore *r, struct restore_task *t, int fd, uint32_t id, struct img_err *err)
{
	const struct restore_queues *q = r->files->queues;
	uint64_t all = 0;
	int size;

	for (size_t i = first_for(q, id); i < q->nr && q->items[i].id_for == id; i++)
		all += q->items[i].len + 4096; /* what the kernel counts besides */
	if (!all)
		return 0;
	/* Room for all of it at once; the size of the image comes later. */
	size = all < INT32_MAX / 4 ? (int)all * 2 : INT32_MAX / 2;
	if (restore_sock_room(fd, SO_SNDBUF, size, err) < 0)
		return -1;
	for (size_t i = first_for(q, id); i < q->nr && q->items[i].id_for == id; i++)
		if (send_packet(r, t, fd, &q->items[i], err) < 0)
			return -1;
	return 0;
}
