/* engines/kernel/rtnl-msg.h -- a netlink request that is put together: a header, then attributes, some inside others. Also a list of
 * attributes alone. */
#ifndef ENGINES_KERNEL_RTNL_MSG_H
#define ENGINES_KERNEL_RTNL_MSG_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

struct kern_msg {
	char *data; /* NULL at first: zero the struct */
	size_t len, room;
	bool failed; /* no memory: said by kern_msg_send() and kern_msg_ok() */
};

/* Begin anew: a request of this type with what its family of requests begins with; NLM_F_REQUEST and NLM_F_ACK are added. */
void kern_msg_begin(struct kern_msg *m, int type, int flags, const void *head, size_t len);
void kern_msg_put(struct kern_msg *m, int type, const void *data, size_t len);
void kern_msg_u32(struct kern_msg *m, int type, uint32_t value);
void kern_msg_text(struct kern_msg *m, int type, const char *text); /* with its NUL */
/* Attributes that are there already, laid end to end. */
void kern_msg_raw(struct kern_msg *m, const void *data, size_t len);
/* An attribute that has others: what is put between the two goes into it. */
size_t kern_msg_nest(struct kern_msg *m, int type);
void kern_msg_end(struct kern_msg *m, size_t nest);
/* 0, or -1 when there was no memory. */
int kern_msg_ok(const struct kern_msg *m, struct img_err *err);
/* Send it and wait for the answer, as kern_rtnl_request(). */
int kern_msg_send(struct kern_msg *m, int fd, struct img_err *err);
/* The same for one that is answered by a message besides: as kern_rtnl_ask(). */
int kern_msg_ask(struct kern_msg *m, int fd, void *answer, size_t size, struct img_err *err);
void kern_msg_free(struct kern_msg *m);
#define cleanup_msg __attribute__((cleanup(kern_msg_free)))

/* Sort the attributes of a list by their type: at[type] is the last one, NULL: none. `other`, if not NULL, gets the type of one beyond
 * nr, or 0. False when the list is no list of attributes. */
bool kern_attrs(const void *data, size_t len, const struct rtattr **at, size_t nr, int *other);
uint32_t kern_attr_u32(const struct rtattr *a); /* 0 for one that is too short, or NULL */
/* The text of an attribute; "" where it is NULL or has no end. */
const char *kern_attr_text(const struct rtattr *a);

#endif
