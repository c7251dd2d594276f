/* engines/kernel/unix-diag.c -- one request, an answer for each socket. */

#include "kernel/unix-diag.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/unix_diag.h>
#include <netlink/attr.h>

#include "criuimg/array.h"
#include "kernel/sock-diag.h"

static int take_pending(struct kern_unix_sockets *out, struct kern_unix_socket *s, struct nlattr *attr, struct img_err *err)
{
	const uint32_t *inos = nla_data(attr);
	size_t nr = (size_t)nla_len(attr) / sizeof(*inos);

	for (size_t i = 0; i < nr; i++) {
		struct kern_unix_pending *p;

		if (!inos[i]) {
			s->pending_gone = true;
			continue;
		}
		p = img_array_more(&out->pending, out->nr_pending, &out->pending_room);
		if (!p)
			return img_fail_nomem(err);
		out->nr_pending++;
		*p = (struct kern_unix_pending){ inos[i], s->ino };
	}
	return 0;
}

static int take_socket(void *arg, const void *head, struct nlattr *const *attrs, struct img_err *err)
{
	struct kern_unix_sockets *out = arg;
	const struct unix_diag_msg *diag = head;
	struct kern_unix_socket *s = img_array_more(&out->items, out->nr, &out->room);

	if (!s)
		return img_fail_nomem(err);
	out->nr++;
	s->ino = diag->udiag_ino;
	s->type = diag->udiag_type;
	s->state = diag->udiag_state;
	if (attrs[UNIX_DIAG_NAME] && nla_len(attrs[UNIX_DIAG_NAME]) <= KERN_UNIX_NAME_MAX) {
		s->name_len = (uint8_t)nla_len(attrs[UNIX_DIAG_NAME]);
		memcpy(s->name, nla_data(attrs[UNIX_DIAG_NAME]), s->name_len);
	}
	if (attrs[UNIX_DIAG_VFS] && nla_len(attrs[UNIX_DIAG_VFS]) >= (int)sizeof(struct unix_diag_vfs)) {
		const struct unix_diag_vfs *vfs = nla_data(attrs[UNIX_DIAG_VFS]);

		s->has_file = true;
		s->file_ino = vfs->udiag_vfs_ino;
		s->file_dev = vfs->udiag_vfs_dev;
	}
	if (attrs[UNIX_DIAG_PEER] && nla_len(attrs[UNIX_DIAG_PEER]) >= 4)
		s->peer = nla_get_u32(attrs[UNIX_DIAG_PEER]);
	if (attrs[UNIX_DIAG_SHUTDOWN] && nla_len(attrs[UNIX_DIAG_SHUTDOWN]) >= 1)
		s->shutdown = nla_get_u8(attrs[UNIX_DIAG_SHUTDOWN]);
	if (attrs[UNIX_DIAG_RQLEN] && nla_len(attrs[UNIX_DIAG_RQLEN]) >= (int)sizeof(struct unix_diag_rqlen)) {
		const struct unix_diag_rqlen *len = nla_data(attrs[UNIX_DIAG_RQLEN]);

		s->rqueue = len->udiag_rqueue;
		s->wqueue = len->udiag_wqueue;
	}
	return attrs[UNIX_DIAG_ICONS] ? take_pending(out, s, attrs[UNIX_DIAG_ICONS], err) : 0;
}

static int compare(const void *va, const void *vb)
{
	const struct kern_unix_socket *a = va, *b = vb;

	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int compare_pending(const void *va, const void *vb)
{
	const struct kern_unix_pending *a = va, *b = vb;

	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

int kern_unix_sockets(struct kern_unix_sockets *out, struct img_err *err)
{
	const struct unix_diag_req req = {
		.sdiag_family = AF_UNIX,
		.udiag_states = ~0u,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN,
	};
	const struct kern_diag_query query = {
		.what = "unix sockets",
		.request = &req,
		.request_size = sizeof(req),
		.head_size = sizeof(struct unix_diag_msg),
		.max_attr = UNIX_DIAG_MAX,
	};

	if (kern_sock_diag(&query, take_socket, out, err) < 0) {
		kern_unix_sockets_free(out);
		return -1;
	}
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), compare);
	if (out->nr_pending)
		qsort(out->pending, out->nr_pending, sizeof(*out->pending), compare_pending);
	return 0;
}

uint32_t kern_unix_waits_at(const struct kern_unix_sockets *all, uint32_t ino)
{
	struct kern_unix_pending seek = { .ino = ino }, *p;

	p = all->nr_pending ? bsearch(&seek, all->pending, all->nr_pending, sizeof(seek), compare_pending) : NULL;
	return p ? p->listener : 0;
}

const struct kern_unix_socket *kern_unix_socket_find(const struct kern_unix_sockets *all, uint32_t ino)
{
	struct kern_unix_socket seek = { .ino = ino };

	return all->nr ? bsearch(&seek, all->items, all->nr, sizeof(seek), compare) : NULL;
}

void kern_unix_sockets_free(struct kern_unix_sockets *all)
{
	free(all->items);
	free(all->pending);
	*all = (struct kern_unix_sockets){ 0 };
}
