/* criu-dump/script.c -- action scripts: commands of the user's that are run at each stage.
 *
 * The environment tells them which it is: CRTOOLS_SCRIPT_ACTION, CRTOOLS_IMAGE_DIR (a path that is good
 * while the script runs) and CRTOOLS_INIT_PID (the root of the tree). They run in the work directory.
 * Facts: criu(8), --action-script.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/control.h"
#include "criu-dump/spine.h"

static void become_script(struct dump *d, const char *action, const char *command)
{
	char buf[64];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	setenv("CRTOOLS_SCRIPT_ACTION", action, 1);
	if (d->set && img_set_dirfd(d->set) >= 0) {
		snprintf(buf, sizeof(buf), "/proc/%d/fd/%d", getppid(), img_set_dirfd(d->set));
		setenv("CRTOOLS_IMAGE_DIR", buf, 1);
	}
	snprintf(buf, sizeof(buf), "%d", d->opt->tree);
	setenv("CRTOOLS_INIT_PID", buf, 1);
	if (fchdir(d->workdir) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int run_one(struct dump *d, const char *action, const char *command, struct img_err *err)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return img_fail_sys(err, "fork");
	if (pid == 0)
		become_script(d, action, command);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return img_fail_sys(err, "wait for %s", command);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return img_fail(err, IMG_SYS, "action script \"%s\": %s failed: %s %d", command, action,
		WIFEXITED(status) ? "exit status" : "killed by signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

int dump_script(struct dump *d, const char *action, struct img_err *err)
{
	const struct option_list *scripts = &d->opt->action_scripts;

	for (size_t i = 0; i < scripts->nr; i++) {
		log_info(d->log, "script %s: %s", scripts->items[i], action);
		if (run_one(d, action, scripts->items[i], err) < 0)
			return -1;
	}
	return control_script(d->opt->control_fd, action, d->opt->tree, -1, err);
}

/* The answer is as good as the option; the tasks stand still. */
int dump_query_files(struct dump *d, struct img_err *err)
{
	uint32_t inodes[CONTROL_NUMBERS];
	int nr = control_query(d->opt->control_fd, "query-ext-files", d->opt->tree, inodes, CONTROL_NUMBERS, err);
	struct options *more;

	if (nr <= 0)
		return nr;
	/* From here on with options of our own: those that we were given are not for us to change. */
	more = img_arena_memdup(&d->arena, d->opt, sizeof(*d->opt));
	if (!more)
		return img_fail_nomem(err);
	d->opt = more;
	for (int i = 0; i < nr; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%u", inodes[i]);
		log_info(d->log, "unix socket with inode %s may have its peer outside", text);
		if (options_apply(more, "ext-unix-sk", text, err) < 0)
			return -1;
	}
	return 0;
}
