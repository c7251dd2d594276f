/* engines/criu/front.h -- the commands that the front door does itself. Each returns the exit status. */
#ifndef ENGINES_CRIU_FRONT_H
#define ENGINES_CRIU_FRONT_H

#include "criuimg/err.h"
#include "options/options.h"

/* Run the program that does a command ("criu-dump"), found beside this one or in PATH, with the command line as it is less
 * the command's name. Returns only on failure. */
int front_exec(const char *program, const char *command, int argc, char **argv, struct img_err *err);

/* The same with a command line that is ready. args[0] is its name. */
int front_exec_args(const char *program, char **args, struct img_err *err);

/* check.c: what this kernel can do. */
int front_check(const struct options *opt, struct img_err *err);

/* cpuinfo.c: the processor's features as an image, and compared with one. */
int front_cpuinfo(const struct options *opt, struct img_err *err);

/* dedup.c: what newer sets of a chain hold is taken out of the older ones. */
int front_dedup(const struct options *opt, struct img_err *err);
/* swrk.c, service.c: requests over a socket (rpc.h). */
int front_swrk(const struct options *opt, struct img_err *err);
int front_service(const struct options *opt, struct img_err *err);

#endif
