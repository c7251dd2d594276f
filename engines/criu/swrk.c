/* engines/criu/swrk.c -- `criu swrk FD`: the requests of one connection, that whoever started this has made. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "criu/front.h"
#include "criu/rpc.h"

int front_swrk(const struct options *opt, struct img_err *err)
{
	struct rpc_client client;
	char *end = "";
	long fd = opt->nr_args == 1 ? strtol(opt->args[0], &end, 10) : -1;

	if (fd < 0 || *end)
		return img_fail(err, IMG_USAGE, "swrk: which descriptor? usage: criu swrk FD");
	if (rpc_client_init(&client, fd, err) < 0)
		return -1;
	client.sibling = true;
	/* What becomes of this connection is no business of the programs that are started. */
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	return rpc_serve(&client, err);
}
