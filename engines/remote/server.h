/* remote/server.h -- what all servers do before they serve. */
#ifndef ENGINES_REMOTE_SERVER_H
#define ENGINES_REMOTE_SERVER_H

#include <sys/types.h>

#include "criuimg/err.h"
#include "options/options.h"

/* We may have been started without descriptors 0 to 2; what is printed must not end up in a file of ours. And a connection that is lost is
 * no signal; and the limit on descriptors becomes what it may be at most. */
void remote_server_begin(void);
/* Go on in the background: 0 there, its pid in who started it, -1. */
pid_t remote_daemon(struct img_err *err);
/* --pidfile, relative to dir; nothing without. */
int remote_pidfile(const struct options *opt, int dir, pid_t pid, struct img_err *err);
/* --status-fd: a zero byte goes there, and it is closed; nothing without. */
int remote_tell_ready(const struct options *opt, struct img_err *err);

#endif
