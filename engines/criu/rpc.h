/* engines/criu/rpc.h -- requests over a socket: `criu swrk` and `criu service`.
 *
 * rpc.proto has the messages; each is a packet of a SOCK_SEQPACKET socket. A request that takes an engine is made into a command line
 * for it (rpc-args.c); the engine is another program, and says over a socket of its own (control/control.h) what goes to the client
 * as a notification, and what came of it (rpc-engine.c).
 */
#ifndef ENGINES_CRIU_RPC_H
#define ENGINES_CRIU_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "rpc.pb-c.h"

#include "criuimg/arena.h"
#include "criuimg/err.h"

/* One connection. */
struct rpc_client {
	int fd;
	pid_t pid; /* who made it (SO_PEERCRED); 0: in no pid namespace of ours */
	uid_t uid;
	bool sibling; /* we are a child of the client's: its tasks can become children of it as well */
};

int rpc_client_init(struct rpc_client *client, int fd, struct img_err *err);

/* ---- rpc-wire.c ---- */

/* 1 with *req (criu_req__free_unpacked), or with NULL there for a packet that is none; 0 when the client has closed; -1. */
int rpc_receive(int fd, CriuReq **req, struct img_err *err);
/* pass: a descriptor that goes with it, or -1. */
int rpc_send(int fd, const CriuResp *resp, int pass, struct img_err *err);

/* ---- rpc-args.c ---- */

/* A command line, NULL at its end; all of it in the arena. */
struct rpc_args {
	char **items;
	size_t nr, room;
	struct img_arena arena;
	const char *work_dir;
};

void rpc_args_free(struct rpc_args *args);
int rpc_args_add(struct rpc_args *args, struct img_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The options of a request, as those of the command line. Fails IMG_USAGE, or IMG_UNSUPPORTED naming what there is no option for. */
int rpc_args_fill(struct rpc_args *args, const struct rpc_client *client, const CriuReq *req, struct img_err *err);

/* ---- rpc-engine.c ---- */

/* What came of it. */
struct rpc_outcome {
	bool success;
	pid_t pid;
	int port;
	struct img_err err; /* without success */
};

/* An engine at work for a request. */
struct rpc_engine {
	pid_t pid;   /* our child; 0: it is not ours to wait for */
	int control; /* our end */
};

/* program with these arguments, which need not say which socket it is to talk over. */
int rpc_engine_start(struct rpc_engine *e, const char *program, struct rpc_args *args, struct img_err *err);
/* How long it is listened to. */
enum rpc_until {
	RPC_UNTIL_END,	  /* the program ends: its exit status counts */
	RPC_UNTIL_CLOSED, /* it has nothing more to say: another program may have taken its place */
	RPC_UNTIL_DONE,	  /* it says that it is ready, and goes on: a server */
};
/* notify: notifications go to the client. */
void rpc_engine_follow(
	struct rpc_engine *e, const struct rpc_client *client, bool notify, enum rpc_until until, struct rpc_outcome *out);
/* In place of this program, which lets another process answer the client: returns there, and -1. For a restorer whose tree is to be
 * made of children of the client. */
int rpc_engine_become(
	struct rpc_engine *e, const char *program, struct rpc_args *args, struct img_err *err);

/* ---- rpc-serve.c ---- */

/* Requests of a client, until the last of them. Returns the exit status. */
int rpc_serve(const struct rpc_client *client, struct img_err *err);

#endif
