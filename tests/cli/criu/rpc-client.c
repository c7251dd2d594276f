/* tests/cli/criu/rpc-client.c -- a client of `criu swrk` and `criu service`: sends requests, prints what comes back.
 *
 * usage: rpc-client swrk PROGRAM | connect PATH  [refuse SCRIPT]  [outside INODE]  [raw TEXT]  request WORD... [request WORD...]...
 *
 * A WORD sets a field: type=DUMP, opts.pid=12, opts.external=a (again for another one), opts.ps.port=0, opts.inherit_fd+.key=x (the
 * + adds a message to a list; without one the last is meant). @PATH opens a file and stands for the descriptor; $pid for what the
 * answer before said of a process. Of each answer a line is printed, of each notification one before it.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rpc.pb-c.h"

enum { PACKET = 1 << 20 };

static int last_pid;
static unsigned outside; /* what query-ext-files is answered with */
static pid_t worker; /* the process of swrk */

static void die(const char *what)
{
	fprintf(stderr, "rpc-client: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---- fields by their names ---- */

static void *more(void *base, const ProtobufCFieldDescriptor *f, size_t size)
{
	size_t *nr = (size_t *)((char *)base + f->quantifier_offset);
	void **list = (void **)((char *)base + f->offset);

	*list = realloc(*list, (*nr + 1) * size);
	memset((char *)*list + *nr * size, 0, size);
	return (char *)*list + (*nr)++ * size;
}

static long long number(const char *text)
{
	int fd;

	if (!strcmp(text, "$pid"))
		return last_pid;
	if (*text != '@')
		return strtoll(text, NULL, 0);
	fd = open(text + 1, O_RDONLY);
	if (fd < 0)
		die(text + 1);
	return fd;
}

static void set_value(void *at, const ProtobufCFieldDescriptor *f, const char *text)
{
	const ProtobufCEnumValue *value;

	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(const char **)at = text;
		break;
	case PROTOBUF_C_TYPE_ENUM:
		value = protobuf_c_enum_descriptor_get_value_by_name(f->descriptor, text);
		*(int *)at = value ? value->value : atoi(text);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = atoi(text);
		break;
	default:
		*(int32_t *)at = number(text);
	}
}

static void *submessage(void *base, const ProtobufCFieldDescriptor *f, int add)
{
	const ProtobufCMessageDescriptor *d = f->descriptor;
	ProtobufCMessage **at = (ProtobufCMessage **)((char *)base + f->offset);

	if (f->label == PROTOBUF_C_LABEL_REPEATED && add)
		at = more(base, f, sizeof(*at));
	else if (f->label == PROTOBUF_C_LABEL_REPEATED)
		at = (*(ProtobufCMessage ***)at) + *(size_t *)((char *)base + f->quantifier_offset) - 1;
	if (!*at) {
		*at = calloc(1, d->sizeof_message);
		protobuf_c_message_init(d, *at);
	}
	return *at;
}

static void set(ProtobufCMessage *msg, char *word)
{
	for (;;) {
		size_t len = strcspn(word, ".+=");
		char sep = word[len];
		const ProtobufCFieldDescriptor *f;
		void *base = msg;

		word[len] = '\0';
		f = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, word);
		if (!f)
			die(word);
		word += len + 1;
		if (sep == '=') {
			if (f->label == PROTOBUF_C_LABEL_REPEATED) {
				set_value(more(base, f, sizeof(void *)), f, word);
				return;
			}
			set_value((char *)base + f->offset, f, word);
			if (f->label == PROTOBUF_C_LABEL_OPTIONAL && f->quantifier_offset)
				*(protobuf_c_boolean *)((char *)base + f->quantifier_offset) = 1;
			return;
		}
		msg = submessage(base, f, sep == '+');
		word += sep == '+';
	}
}

static void print(const ProtobufCMessage *msg, const char *prefix)
{
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
		const char *at = (const char *)msg + f->offset;
		char name[128];

		snprintf(name, sizeof(name), "%s%s", prefix, f->name);
		if (f->label == PROTOBUF_C_LABEL_OPTIONAL && f->quantifier_offset &&
			!*(const protobuf_c_boolean *)((const char *)msg + f->quantifier_offset))
			continue;
		if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE) {
			if (!*(void *const *)at)
				continue;
			if (f->type == PROTOBUF_C_TYPE_STRING) {
				printf("%s=%s\t", name, *(char *const *)at);
			} else {
				strcat(name, ".");
				print(*(ProtobufCMessage *const *)at, name);
			}
			continue;
		}
		if (f->type == PROTOBUF_C_TYPE_ENUM)
			printf("%s=%s\t", name, protobuf_c_enum_descriptor_get_value(f->descriptor, *(const int *)at)->name);
		else
			printf("%s=%d\t", name, *(const int32_t *)at);
		if (!strcmp(f->name, "pid"))
			last_pid = *(const int32_t *)at;
	}
}

/* ---- the connection ---- */

static int start(const char *program)
{
	int pair[2];
	char nr[16];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		die("socketpair");
	worker = fork();
	if (worker == 0) {
		close(pair[0]);
		snprintf(nr, sizeof(nr), "%d", pair[1]);
		execl(program, "criu", "swrk", nr, NULL);
		die(program);
	}
	close(pair[1]);
	return pair[0];
}

static int join(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die(path);
	return fd;
}

static void send_req(int fd, const CriuReq *req)
{
	static uint8_t packet[PACKET];

	if (send(fd, packet, criu_req__pack(req, packet), MSG_NOSIGNAL) < 0)
		die("send");
}

/* NULL when it is closed. */
static CriuResp *receive(int fd, int *nr_fds)
{
	static uint8_t packet[PACKET];
	char control[256];
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(fd, &msg, 0);

	*nr_fds = 0;
	if (got <= 0)
		return NULL;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		*nr_fds += (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	return criu_resp__unpack(NULL, got, packet);
}

/* 0 when the connection is closed. */
static int answer(int fd, const char *refuse)
{
	CriuReq yes = CRIU_REQ__INIT;
	CriuOpts opts = CRIU_OPTS__INIT;
	UnixSk sk = UNIX_SK__INIT, *list[] = { &sk };
	CriuResp *resp;
	int nr_fds;

	yes.type = CRIU_REQ_TYPE__NOTIFY;
	yes.has_notify_success = 1;
	while ((resp = receive(fd, &nr_fds))) {
		if (resp->type != CRIU_REQ_TYPE__NOTIFY)
			break;
		printf("notify\t%s\t%d\t%d\n", resp->notify->script, resp->notify->pid, nr_fds);
		if (outside && !strcmp(resp->notify->script, "query-ext-files")) {
			sk.inode = outside;
			opts.unix_sk_ino = list;
			opts.n_unix_sk_ino = 1;
			yes.opts = &opts;
		}
		yes.notify_success = !refuse || strcmp(refuse, resp->notify->script) != 0;
		send_req(fd, &yes);
	}
	if (resp)
		print(&resp->base, "");
	printf(resp ? "\n" : "closed\n");
	fflush(stdout);
	return resp != NULL;
}

/* Tasks that have become children of ours. */
static void print_children(void)
{
	char path[64], text[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "r");
	if (f && fgets(text, sizeof(text), f) && *text)
		printf("children\t%s\n", text);
}

int main(int argc, char **argv)
{
	const char *refuse = NULL;
	int fd = -1, status = 0;

	for (int i = 1; i + 1 < argc; i++) {
		const char *word = argv[i];

		if (!strcmp(word, "swrk")) {
			fd = start(argv[++i]);
		} else if (!strcmp(word, "connect")) {
			fd = join(argv[++i]);
		} else if (!strcmp(word, "refuse")) {
			refuse = argv[++i];
		} else if (!strcmp(word, "outside")) {
			outside = strtoul(argv[++i], NULL, 10);
		} else if (!strcmp(word, "raw")) {
			if (send(fd, argv[i + 1], strlen(argv[i + 1]), MSG_NOSIGNAL) < 0)
				die("send");
			i++;
			answer(fd, refuse);
		} else if (!strcmp(word, "request")) {
			CriuReq req = CRIU_REQ__INIT;

			while (i + 1 < argc && strcmp(argv[i + 1], "request"))
				set(&req.base, argv[++i]);
			send_req(fd, &req);
			answer(fd, refuse);
		}
	}
	close(fd);
	if (worker > 0 && waitpid(worker, &status, 0) == worker)
		printf("exit\t%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	print_children();
	return 0;
}
