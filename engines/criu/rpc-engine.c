/* engines/criu/rpc-engine.c -- an engine at work for a client. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/control.h"
#include "criu/front.h"
#include "criu/rpc.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

/* args is the command line without its first words: a name, and the socket. */
static char **with_socket(const struct rpc_args *args, char *socket_option, struct img_err *err)
{
	char **all = calloc(args->nr + 3, sizeof(*all));

	if (!all) {
		img_fail_nomem(err);
		return NULL;
	}
	/* A command stays the first word behind the name; the socket comes early, so that a failure to understand what follows
	 * can be told over it. */
	all[0] = (char *)OPTIONS_FRONT;
	if (args->nr && args->items[0][0] != '-') {
		all[1] = args->items[0];
		all[2] = socket_option;
		memcpy(all + 3, args->items + 1, (args->nr - 1) * sizeof(*all));
	} else {
		all[1] = socket_option;
		if (args->nr)
			memcpy(all + 2, args->items, args->nr * sizeof(*all));
	}
	return all;
}

static int become(const char *program, const struct rpc_args *args, int control, struct img_err *err)
{
	char option[32];
	cleanup_free char **all = NULL;
	sigset_t none;

	snprintf(option, sizeof(option), "--control-fd=%d", control);
	all = with_socket(args, option, err);
	if (!all)
		return -1;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	return front_exec_args(program, all, err);
}

static int make_pair(int *ours, int *theirs, struct img_err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return img_fail_sys(err, "socketpair");
	*ours = pair[0];
	*theirs = pair[1];
	return 0;
}

/* Only when another program is about to take this one's place. */
static void let_through(int fd)
{
	int plain = dup(fd); /* without close-on-exec */

	if (plain >= 0) {
		dup2(plain, fd);
		close(plain);
	}
}

int rpc_engine_start(struct rpc_engine *e, const char *program, struct rpc_args *args, struct img_err *err)
{
	cleanup_fd int ours = -1, theirs = -1;
	pid_t pid;

	if (make_pair(&ours, &theirs, err) < 0)
		return -1;
	pid = fork();
	if (pid < 0)
		return img_fail_sys(err, "fork");
	if (pid == 0) {
		struct img_err why = IMG_ERR_INIT;

		let_through(theirs);
		become(program, args, theirs, &why);
		control_failed(theirs, &why);
		_exit(img_exit_status(&why));
	}
	*e = (struct rpc_engine){ .pid = pid, .control = steal_fd(&ours) };
	return 0;
}

int rpc_engine_become(struct rpc_engine *e, const char *program, struct rpc_args *args, struct img_err *err)
{
	cleanup_fd int ours = -1, theirs = -1;
	struct img_err why = IMG_ERR_INIT;
	pid_t pid;

	if (make_pair(&ours, &theirs, err) < 0)
		return -1;
	/* A grandchild, that is no child of what this process becomes. */
	pid = fork();
	if (pid < 0)
		return img_fail_sys(err, "fork");
	if (pid == 0) {
		pid = fork();
		if (pid)
			_exit(pid < 0);
		*e = (struct rpc_engine){ .control = steal_fd(&ours) };
		return 0;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(steal_fd(&ours));
	let_through(theirs);
	become(program, args, theirs, &why);
	control_failed(theirs, &why);
	_exit(img_exit_status(&why));
}

/* What the client says to it. */
struct answer {
	bool go_on;
	uint32_t numbers[CONTROL_NUMBERS]; /* inodes of sockets outside, when it was asked for them */
	size_t nr;
};

static void take_answer(const CriuReq *req, struct answer *a)
{
	a->go_on = req->type == CRIU_REQ_TYPE__NOTIFY && req->notify_success;
	for (size_t i = 0; req->opts && i < req->opts->n_unix_sk_ino && i < CONTROL_NUMBERS; i++)
		a->numbers[a->nr++] = req->opts->unix_sk_ino[i]->inode;
}

static void notify(const struct rpc_client *client, const struct control_msg *msg, int passed, struct answer *a)
{
	CriuNotify text = CRIU_NOTIFY__INIT;
	CriuResp resp = CRIU_RESP__INIT;
	CriuReq *answer;

	text.script = (char *)msg->text;
	text.has_pid = true;
	text.pid = msg->pid;
	resp.type = CRIU_REQ_TYPE__NOTIFY;
	resp.success = true;
	resp.notify = &text;
	if (rpc_send(client->fd, &resp, passed, NULL) < 0 || rpc_receive(client->fd, &answer, NULL) != 1 || !answer)
		return;
	take_answer(answer, a);
	criu_req__free_unpacked(answer, NULL);
}

/* How it ended, when it said nothing about it. */
static void explain(int status, struct img_err *err)
{
	if (err->code != IMG_OK)
		return;
	if (WIFSIGNALED(status))
		img_fail(err, IMG_SYS, "the engine was killed by signal %d", WTERMSIG(status));
	else
		img_fail(err, IMG_SYS, "the engine ended with status %d and did not say why", WEXITSTATUS(status));
}

static void take(const struct control_msg *msg, struct rpc_outcome *out, bool *done)
{
	if (msg->what == CONTROL_FAILED && out->err.code == IMG_OK) {
		img_fail(&out->err, msg->code, "%s", msg->text);
		out->err.sys_errno = msg->sys_errno;
	}
	if (msg->what == CONTROL_DONE) {
		out->pid = msg->pid;
		out->port = msg->port;
		*done = true;
	}
}

void rpc_engine_follow(
	struct rpc_engine *e, const struct rpc_client *client, bool wants, enum rpc_until until, struct rpc_outcome *out)
{
	struct control_msg msg;
	bool done = false;
	int status = 0, passed;

	*out = (struct rpc_outcome){ .err = IMG_ERR_INIT };
	while (!(done && until == RPC_UNTIL_DONE) && control_receive(e->control, &msg, &passed, NULL) == 1) {
		cleanup_fd int descriptor = passed;

		take(&msg, out, &done);
		/* An engine that cannot be answered is gone: the next look shows it. */
		if (msg.what == CONTROL_SCRIPT) {
			struct answer a = { .go_on = !wants };

			if (wants)
				notify(client, &msg, descriptor, &a);
			control_answer(e->control, a.go_on, a.numbers, a.nr, NULL);
		}
	}
	close(steal_fd(&e->control));
	out->success = done && out->err.code == IMG_OK;
	if (until == RPC_UNTIL_END) {
		while (waitpid(e->pid, &status, 0) < 0 && errno == EINTR)
			;
		out->success = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	if (!out->success)
		explain(status, &out->err);
}
