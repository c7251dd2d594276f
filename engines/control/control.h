/* engines/control/control.h -- what an engine says to whoever runs it for somebody else.
 *
 * `criu swrk` and `criu service` start engines as programs of their own, and hand each a socket (--control-fd, SOCK_SEQPACKET). Over
 * it the engine tells of the moments at which action scripts run, waiting each time to be told to go on, and in the end what came
 * of it. An engine without such a socket has -1, and all of these do nothing.
 */
#ifndef ENGINES_CONTROL_H
#define ENGINES_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

enum { CONTROL_NUMBERS = 1024 }; /* of an answer, at most */

enum control_what {
	CONTROL_SCRIPT = 1, /* a moment: text is its name; answered */
	CONTROL_FAILED,	    /* text is why */
	CONTROL_DONE,
};

/* Zero bytes where a field means nothing. */
struct control_msg {
	uint32_t what;	    /* enum control_what */
	int32_t pid;	    /* of the root of the tree, or of a server; 0: there is none yet */
	int32_t port;	    /* of a server */
	int32_t code;	    /* of a failure: enum img_code */
	int32_t sys_errno;  /* of a failure */
	char text[1024];    /* ends with a zero byte */
};

/* ---- the engine's end ---- */

/* The moment called name; fails when the other end refuses or is gone. pass: a descriptor that goes with it, or -1. */
int control_script(int control, const char *name, pid_t root, int pass, struct img_err *err);
/* The same, of a question that is answered with numbers, up to max of them: how many, or -1. Without anybody there: 0. */
int control_query(int control, const char *name, pid_t root, uint32_t *numbers, size_t max, struct img_err *err);
void control_failed(int control, const struct img_err *why);
void control_done(int control, pid_t pid, int port);
/* Programs that are started from here do not get it. */
void control_keep(int control);

/* ---- the other end ---- */

/* 1; 0 when the engine has closed its end; -1. *passed: a descriptor that came with it (the caller closes it), or -1. */
int control_receive(int control, struct control_msg *msg, int *passed, struct img_err *err);
int control_answer(int control, bool go_on, const uint32_t *numbers, size_t nr, struct img_err *err);

#endif
