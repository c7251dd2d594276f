/* engines/kernel/sock-diag.h -- a request to sock_diag(7), and all that comes in answer. */
#ifndef ENGINES_KERNEL_SOCK_DIAG_H
#define ENGINES_KERNEL_SOCK_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "criuimg/err.h"

struct nlattr;

/* A socket: head is the fixed part of the answer (head_size bytes), attrs[n] its attribute n or NULL. -1 ends the reading. */
typedef int kern_diag_fn(void *arg, const void *head, struct nlattr *const *attrs, struct img_err *err);

struct kern_diag_query {
	const char *what;      /* "netlink sockets", for messages */
	const void *request;   /* struct xxx_diag_req, starts with the family */
	size_t request_size, head_size;
	int max_attr;	       /* XXX_DIAG_MAX */
};

/* Ask in the network namespace of the caller. A kind that the kernel cannot list (no module) has none. */
int kern_sock_diag(const struct kern_diag_query *query, kern_diag_fn *fn, void *arg, struct img_err *err);

#endif
