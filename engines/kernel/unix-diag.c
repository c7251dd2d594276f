/* engines/kernel/unix-diag.c -- one request, an answer for each socket. */

#include "kernel/unix-diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "criuimg/array.h"

struct reading {
	struct kern_unix_sockets *out;
	bool nomem;
};

static int take_pending(struct reading *rd, struct kern_unix_socket *s, struct nlattr *attr)
{
	const uint32_t *inos = nla_data(attr);
	size_t nr = (size_t)nla_len(attr) / sizeof(*inos);

	for (size_t i = 0; i < nr; i++) {
		struct kern_unix_pending *p;

		if (!inos[i]) {
			s->pending_gone = true;
			continue;
		}
		p = img_array_more(&rd->out->pending, rd->out->nr_pending, &rd->out->pending_room);
		if (!p) {
			rd->nomem = true;
			return -1;
		}
		rd->out->nr_pending++;
		*p = (struct kern_unix_pending){ inos[i], s->ino };
	}
	return 0;
}

static int take_socket(struct nl_msg *msg, void *arg)
{
	struct reading *rd = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	const struct unix_diag_msg *diag = nlmsg_data(head);
	struct nlattr *attrs[UNIX_DIAG_MAX + 1];
	struct kern_unix_socket *s;

	if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlmsg_datalen(head) < (int)sizeof(*diag) ||
	    nlmsg_parse(head, sizeof(*diag), attrs, UNIX_DIAG_MAX, NULL) < 0)
		return NL_SKIP;
	s = img_array_more(&rd->out->items, rd->out->nr, &rd->out->room);
	if (!s) {
		rd->nomem = true;
		return NL_STOP;
	}
	rd->out->nr++;
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
	if (attrs[UNIX_DIAG_ICONS] && take_pending(rd, s, attrs[UNIX_DIAG_ICONS]) < 0)
		return NL_STOP;
	return NL_OK;
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

static int ask(struct nl_sock *sk, struct reading *rd, struct img_err *err)
{
	struct unix_diag_req req = {
		.sdiag_family = AF_UNIX,
		.udiag_states = ~0u,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN,
	};
	int ret = nl_connect(sk, NETLINK_SOCK_DIAG);

	if (ret < 0)
		return img_fail(err, IMG_SYS, "sock_diag: connect: %s", nl_geterror(ret));
	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, take_socket, rd);
	ret = nl_send_simple(sk, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));
	if (ret >= 0)
		ret = nl_recvmsgs_default(sk);
	if (rd->nomem)
		return img_fail_nomem(err);
	return ret < 0 ? img_fail(err, IMG_SYS, "sock_diag: list the unix sockets: %s", nl_geterror(ret)) : 0;
}

int kern_unix_sockets(struct kern_unix_sockets *out, struct img_err *err)
{
	struct reading rd = { .out = out };
	struct nl_sock *sk = nl_socket_alloc();
	int ret;

	if (!sk)
		return img_fail_nomem(err);
	ret = ask(sk, &rd, err);
	nl_socket_free(sk);
	if (ret < 0)
		kern_unix_sockets_free(out);
	else if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), compare);
	if (ret == 0 && out->nr_pending)
		qsort(out->pending, out->nr_pending, sizeof(*out->pending), compare_pending);
	return ret;
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
