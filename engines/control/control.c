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

/* Numbers of the answer, behind the word that says whether to go on. */
static int ask(int control, const char *name, pid_t root, int pass, uint32_t *numbers, size_t max, struct img_err *err)
{
	struct control_msg msg = { .what = CONTROL_SCRIPT, .pid = root };
	uint32_t answer[1 + CONTROL_NUMBERS] = { 0 };
	ssize_t got;
	size_t nr;

	snprintf(msg.text, sizeof(msg.text), "%s", name);
	if (send_msg(control, &msg, pass, err) < 0)
		return img_wrap(err, "%s", name);
	do
		got = recv(control, answer, sizeof(answer), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return img_fail_sys(err, "%s: answer to the notification", name);
	nr = (size_t)got / sizeof(answer[0]);
	if (!nr || !answer[0])
		return img_fail(err, IMG_SYS, "%s: refused by whoever asked for this", name);
	nr = nr - 1 < max ? nr - 1 : max;
	if (nr)
		memcpy(numbers, answer + 1, nr * sizeof(*numbers));
	return (int)nr;
}

int control_script(int control, const char *name, pid_t root, int pass, struct img_err *err)
{
	return control < 0 ? 0 : ask(control, name, root, pass, NULL, 0, err);
}

int control_query(int control, const char *name, pid_t root, uint32_t *numbers, size_t max, struct img_err *err)
{
	return control < 0 ? 0 : ask(control, name, root, -1, numbers, max, err);
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

int control_answer(int control, bool go_on, const uint32_t *numbers, size_t nr, struct img_err *err)
{
	uint32_t words[1 + CONTROL_NUMBERS] = { go_on };

	if (nr > CONTROL_NUMBERS)
		return img_fail(err, IMG_UNSUPPORTED, "%zu numbers in an answer", nr);
	if (nr)
		memcpy(words + 1, numbers, nr * sizeof(*numbers));
	if (send(control, words, (1 + nr) * sizeof(words[0]), MSG_NOSIGNAL) < 0)
		return img_fail_sys(err, "answer the engine");
	return 0;
}
