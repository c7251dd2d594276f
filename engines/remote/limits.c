/* engines/remote/limits.c -- as many descriptors as we may have: a task, or a connection, takes a few of a server. */

#include <sys/resource.h>

#include "remote/conn.h"

void remote_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* what is not given will be missed when it is needed */
}
