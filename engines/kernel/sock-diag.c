/* engines/kernel/sock-diag.c -- through libnl. */

#include "kernel/sock-diag.h"

#include <stdlib.h>
#include <linux/sock_diag.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "criuimg/cleanup.h"

struct reading {
	const struct kern_diag_query *query;
	kern_diag_fn *fn;
	void *arg;
	struct nlattr **attrs;
	bool failed;
	struct img_err *err;
};

static int take(struct nl_msg *msg, void *arg)
{
	struct reading *rd = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);

	if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlmsg_datalen(head) < (int)rd->query->head_size ||
	    nlmsg_parse(head, (int)rd->query->head_size, rd->attrs, rd->query->max_attr, NULL) < 0)
		return NL_SKIP;
	if (rd->fn(rd->arg, nlmsg_data(head), rd->attrs, rd->err) == 0)
		return NL_OK;
	rd->failed = true;
	return NL_STOP;
}

static int ask(struct nl_sock *sk, struct reading *rd)
{
	const struct kern_diag_query *q = rd->query;
	int ret = nl_connect(sk, NETLINK_SOCK_DIAG);

	if (ret < 0)
		return img_fail(rd->err, IMG_SYS, "sock_diag: connect: %s", nl_geterror(ret));
	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, take, rd);
	ret = nl_send_simple(sk, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, (void *)q->request, q->request_size);
	if (ret >= 0)
		ret = nl_recvmsgs_default(sk);
	if (rd->failed)
		return -1;
	if (ret < 0 && ret != -NLE_OBJ_NOTFOUND && ret != -NLE_PROTO_MISMATCH)
		return img_fail(rd->err, IMG_SYS, "sock_diag: list the %s: %s", q->what, nl_geterror(ret));
	return 0;
}

int kern_sock_diag(const struct kern_diag_query *query, kern_diag_fn *fn, void *arg, struct img_err *err)
{
	cleanup_free struct nlattr **attrs = calloc((size_t)query->max_attr + 1, sizeof(*attrs));
	struct reading rd = { .query = query, .fn = fn, .arg = arg, .attrs = attrs, .err = err };
	struct nl_sock *sk = nl_socket_alloc();
	int ret;

	if (!sk || !attrs) {
		nl_socket_free(sk);
		return img_fail_nomem(err);
	}
	ret = ask(sk, &rd);
	nl_socket_free(sk);
	return ret;
}
