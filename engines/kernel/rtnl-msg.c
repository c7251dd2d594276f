/* kernel/rtnl-msg.c -- netlink(7), rtnetlink(3): attributes aligned to four bytes. */

#include "kernel/rtnl-msg.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/rtnl.h"

static char *more(struct kern_msg *m, size_t len)
{
	size_t need = m->len + NLMSG_ALIGN(len);
	char *at;

	if (m->failed)
		return NULL;
	if (need > m->room) {
		size_t room = need < 512 ? 1024 : 2 * need;
		char *grown = realloc(m->data, room);

		if (!grown) {
			m->failed = true;
			return NULL;
		}
		m->data = grown;
		m->room = room;
	}
	at = m->data + m->len;
	memset(at, 0, NLMSG_ALIGN(len));
	m->len = need;
	return at;
}

void kern_msg_begin(struct kern_msg *m, int type, int flags, const void *head, size_t len)
{
	struct nlmsghdr *h;
	char *at;

	m->len = 0;
	h = (void *)more(m, sizeof(*h));
	if (h) {
		h->nlmsg_type = (uint16_t)type;
		h->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | NLM_F_ACK);
	}
	at = more(m, len);
	if (at)
		memcpy(at, head, len);
}

void kern_msg_put(struct kern_msg *m, int type, const void *data, size_t len)
{
	struct rtattr *a = (void *)more(m, RTA_LENGTH(len));

	if (!a)
		return;
	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
}

void kern_msg_u32(struct kern_msg *m, int type, uint32_t value)
{
	kern_msg_put(m, type, &value, sizeof(value));
}

void kern_msg_text(struct kern_msg *m, int type, const char *text)
{
	kern_msg_put(m, type, text, strlen(text) + 1);
}

void kern_msg_raw(struct kern_msg *m, const void *data, size_t len)
{
	char *at = more(m, len);

	if (at && len)
		memcpy(at, data, len);
}

size_t kern_msg_nest(struct kern_msg *m, int type)
{
	size_t at = m->len;

	kern_msg_put(m, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void kern_msg_end(struct kern_msg *m, size_t nest)
{
	if (!m->failed)
		((struct rtattr *)(void *)(m->data + nest))->rta_len = (uint16_t)(m->len - nest);
}

int kern_msg_ok(const struct kern_msg *m, struct img_err *err)
{
	return m->failed ? img_fail_nomem(err) : 0;
}

int kern_msg_ask(struct kern_msg *m, int fd, void *answer, size_t size, struct img_err *err)
{
	struct nlmsghdr *h = (void *)m->data;

	if (kern_msg_ok(m, err) < 0)
		return -1;
	h->nlmsg_len = (uint32_t)m->len;
	return kern_rtnl_ask(fd, h, answer, size, err);
}

int kern_msg_send(struct kern_msg *m, int fd, struct img_err *err)
{
	return kern_msg_ask(m, fd, NULL, 0, err);
}

void kern_msg_free(struct kern_msg *m)
{
	free(m->data);
	*m = (struct kern_msg){ 0 };
}

bool kern_attrs(const void *data, size_t len, const struct rtattr **at, size_t nr, int *other)
{
	int left = (int)len;

	memset(at, 0, nr * sizeof(*at));
	if (other)
		*other = 0;
	for (const struct rtattr *a = data; left > 0; a = RTA_NEXT(a, left)) {
		size_t type;

		if (!RTA_OK(a, left))
			return false;
		type = a->rta_type & NLA_TYPE_MASK;
		if (type < nr)
			at[type] = a;
		else if (other)
			*other = (int)type;
	}
	return true;
}

uint32_t kern_attr_u32(const struct rtattr *a)
{
	uint32_t value = 0;

	if (a && RTA_PAYLOAD(a) >= sizeof(value))
		memcpy(&value, RTA_DATA(a), sizeof(value));
	return value;
}

const char *kern_attr_text(const struct rtattr *a)
{
	return a && memchr(RTA_DATA(a), 0, RTA_PAYLOAD(a)) ? RTA_DATA(a) : "";
}
