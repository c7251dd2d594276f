/* engines/control/control.c -- messages between an engine and whoever runs it. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "control/control.h"

union descriptor_room {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_msg(int control, const struct control_msg *msg, int pass, struct img_err *err)
{
	struct iovec iov = { (void *)msg, sizeof(*msg) };
	union descriptor_room room = { 0 };
	struct msghdr head = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (pass >= 0) {
		struct cmsghdr *c;

		head.msg_control = &room;
		head.msg_controllen = sizeof(room);
		c = CMSG_FIRSTHDR(&head);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(pass));
		memcpy(CMSG_DATA(c), &pass, sizeof(pass));
	}
	if (sendmsg(control, &head, MSG_NOSIGNAL) < 0)
		return img_fail_sys(err, "tell whoever started this program");
	return 0;
}

int control_script(int control, const char *name, pid_t root, int pass, struct img_err *err)
{
	struct control_msg msg = { .what = CONTROL_SCRIPT, .pid = root };
	uint32_t go_on = 0;
	ssize_t got;

	if (control < 0)
		return 0;
	snprintf(msg.text, sizeof(msg.text), "%s", name);
	if (send_msg(control, &msg, pass, err) < 0)
		return img_wrap(err, "%s", name);
	do
		got = recv(control, &go_on, sizeof(go_on), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return img_fail_sys(err, "%s: answer to the notification", name);
	if (got != sizeof(go_on) || !go_on)
		return img_fail(err, IMG_SYS, "%s: refused by whoever asked for this", name);
	return 0;
}

void control_failed(int control, const struct img_err *why)
{
	struct control_msg msg = { .what = CONTROL_FAILED, .code = why->code, .sys_errno = why->sys_errno };

	if (control < 0)
		return;
	snprintf(msg.text, sizeof(msg.text), "%s", why->text);
	send_msg(control, &msg, -1, NULL);
}

void control_done(int control, pid_t pid, int port)
{
	const struct control_msg msg = { .what = CONTROL_DONE, .pid = pid, .port = port };

	if (control >= 0)
		send_msg(control, &msg, -1, NULL);
}

void control_keep(int control)
{
	if (control >= 0)
		fcntl(control, F_SETFD, FD_CLOEXEC);
}

int control_receive(int control, struct control_msg *msg, int *passed, struct img_err *err)
{
	struct iovec iov = { msg, sizeof(*msg) };
	union descriptor_room room;
	struct msghdr head = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof(room)
	};
	ssize_t got;

	*passed = -1;
	do
		got = recvmsg(control, &head, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno != ECONNRESET)
		return img_fail_sys(err, "what the engine says");
	if (got <= 0)
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&head); c; c = CMSG_NXTHDR(&head, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(passed, CMSG_DATA(c), sizeof(int));
	if (got != sizeof(*msg))
		return img_fail(err, IMG_SYS, "the engine is of another version");
	msg->text[sizeof(msg->text) - 1] = '\0';
	return 1;
}

int control_answer(int control, bool go_on, struct img_err *err)
{
	uint32_t word = go_on;

	if (send(control, &word, sizeof(word), MSG_NOSIGNAL) < 0)
		return img_fail_sys(err, "answer the engine");
	return 0;
}
