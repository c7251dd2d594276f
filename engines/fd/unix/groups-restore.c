/* engines/fd/unix/groups-restore.c -- which unix sockets one task makes together: peers, those that share a name, and those whose
 * names were deleted, whose directories may have to be made for a moment. */

#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criu-restore/unix-own.h"

static uint32_t root_of(struct restore_queues *q, uint32_t i)
{
	while (q->planned[i].root != i) {
		q->planned[i].root = q->planned[q->planned[i].root].root;
		i = q->planned[i].root;
	}
	return i;
}

static void join(struct restore_queues *q, size_t a, size_t b)
{
	uint32_t x = root_of(q, (uint32_t)a), y = root_of(q, (uint32_t)b);

	if (x < y)
		q->planned[y].root = x;
	else
		q->planned[x].root = y;
}

static int by_ino(const void *va, const void *vb)
{
	const struct unix_planned *a = *(struct unix_planned *const *)va, *b = *(struct unix_planned *const *)vb;

	return a->u->ino < b->u->ino ? -1 : a->u->ino > b->u->ino;
}

static int by_name(const void *va, const void *vb)
{
	const UnixSkEntry *a = (*(struct unix_planned *const *)va)->u, *b = (*(struct unix_planned *const *)vb)->u;

	if (a->name.len != b->name.len)
		return a->name.len < b->name.len ? -1 : 1;
	return a->name.len ? memcmp(a->name.data, b->name.data, a->name.len) : 0;
}

/* A connected one that shares its name with others did not bind it: the name is that of the one that listened. */
static void see_accepted(struct unix_planned *p)
{
	const UnixSkEntry *u = p->u;

	p->accepted = u->type != SOCK_DGRAM && u->state == TCP_ESTABLISHED && !(u->uflags & UNIX_OUTSIDE);
}

static void join_names(struct restore_queues *q, struct unix_planned **order)
{
	qsort(order, q->nr_planned, sizeof(*order), by_name);
	for (size_t i = 1; i < q->nr_planned; i++) {
		if (!order[i]->u->name.len || by_name(&order[i], &order[i - 1]))
			continue;
		join(q, (size_t)(order[i] - q->planned), (size_t)(order[i - 1] - q->planned));
		see_accepted(order[i]);
		see_accepted(order[i - 1]);
	}
}

static int join_peers(struct restore_queues *q, struct unix_planned **order, struct img_err *err)
{
	qsort(order, q->nr_planned, sizeof(*order), by_ino);
	for (size_t i = 1; i < q->nr_planned; i++)
		if (!by_ino(&order[i], &order[i - 1]))
			return img_fail(err, IMG_CORRUPT, "unix sockets %#x and %#x have the same inode", order[i - 1]->u->id,
				order[i]->u->id);
	for (size_t i = 0; i < q->nr_planned; i++) {
		UnixSkEntry u = { .ino = q->planned[i].u->peer };
		struct unix_planned seek = { .u = &u }, *key = &seek, **peer;

		peer = u.ino ? bsearch(&key, order, q->nr_planned, sizeof(*order), by_ino) : NULL;
		if (peer)
			join(q, i, (size_t)(*peer - q->planned));
	}
	return 0;
}

static int plan_one(struct restore *r, struct restore_queues *q, const UnixSkEntry *u, bool *files, struct img_err *err)
{
	struct unix_planned *p = img_array_more(&q->planned, q->nr_planned, &q->planned_room);

	if (!p)
		return img_fail_nomem(err);
	p->u = u;
	p->root = (uint32_t)q->nr_planned++;
	if (!u->name.len || !u->name.data[0] || u->uflags & UNIX_OUTSIDE || u->deleted)
		return 0;
	*files = true;
	p->named = restore_shared_alloc(r, sizeof(*p->named), err);
	return p->named ? 0 : -1;
}

int unix_plan_groups(struct restore *r, struct restore_queues *q, struct img_err *err)
{
	cleanup_free struct unix_planned **order = NULL;
	bool files = false;
	size_t deleted = SIZE_MAX;

	for (size_t i = 0; i < r->files->nr; i++) {
		const FileEntry *rec = r->files->files[i].pub.rec;

		if (rec->type == FD_TYPES__UNIXSK && rec->usk && rec->usk->id == rec->id &&
			plan_one(r, q, rec->usk, &files, err) < 0)
			return -1;
	}
	if (!q->nr_planned)
		return 0;
	order = calloc(q->nr_planned, sizeof(*order));
	if (!order)
		return img_fail_nomem(err);
	for (size_t i = 0; i < q->nr_planned; i++) {
		order[i] = &q->planned[i];
		if (!q->planned[i].u->deleted)
			continue;
		if (deleted != SIZE_MAX)
			join(q, i, deleted);
		deleted = i;
	}
	join_names(q, order);
	if (join_peers(q, order, err) < 0)
		return -1;
	for (size_t i = 0; i < q->nr_planned; i++)
		q->planned[i].root = root_of(q, (uint32_t)i);
	return files ? kern_unix_sockets(&q->host, err) : 0;
}

struct unix_planned *unix_planned_of(const struct restore *r, uint32_t id)
{
	const struct restore_queues *q = r->files->queues;
	size_t low = 0, high = q->nr_planned;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (q->planned[mid].u->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < q->nr_planned && q->planned[low].u->id == id ? &q->planned[low] : NULL;
}
