/* kernel/rtnl.h -- rtnetlink(7): lists of addresses, routes, rules and links of the network namespace of the calling thread, and
 * requests that change them. */
#ifndef ENGINES_KERNEL_RTNL_H
#define ENGINES_KERNEL_RTNL_H

#include <linux/rtnetlink.h>
#include <stddef.h>

#include "criuimg/err.h"

/* A socket to ask with, of the network namespace of that moment. */
int kern_rtnl_open(struct img_err *err);

/* Ask for a list: request RTM_GET*, of a family (AF_UNSPEC: all), of neighbours with these flags (NTF_PROXY: proxies alone); each message of the answer goes to `each`, whose -1 ends it.
 * Answers that the kernel says have been disturbed by a change are a failure. */
int kern_rtnl_dump(int fd, int request, int family, unsigned flags, int (*each)(void *arg, const struct nlmsghdr *msg, struct img_err *err),
	void *arg, struct img_err *err);

/* Send one request (its sequence number and flags NLM_F_REQUEST, NLM_F_ACK are set) and wait for the answer: 0, or -1 with
 * the kernel's errno in err. msg->nlmsg_len bytes. */
int kern_rtnl_request(int fd, struct nlmsghdr *msg, struct img_err *err);

/* The same for one that is answered by a message besides: it is copied to answer, of size bytes. */
int kern_rtnl_ask(int fd, struct nlmsghdr *msg, void *answer, size_t size, struct img_err *err);

/* A walk over messages laid end to end in memory, aligned to 4 bytes: the next one, NULL at the end or when what is left is
 * no message. *at is 0 at first. */
const struct nlmsghdr *kern_rtnl_next(const void *data, size_t len, size_t *at);

#endif
