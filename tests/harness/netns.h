/* tests/harness/netns.h -- a subject in a network namespace of its own: commands make what it has, and what the kernel shows of it by other
 * commands is the same afterwards. */
#ifndef TESTS_HARNESS_NETNS_H
#define TESTS_HARNESS_NETNS_H

#include <sched.h>
#include <stdbool.h>

#include "tests/harness/subject.h"

/* Run by sh; false when it fails. What it says goes nowhere. */
static inline bool netns_try(const char *command)
{
	char *line = NULL;
	int ret;

	if (asprintf(&line, "{ %s\n} >/dev/null 2>&1", command) < 0)
		return false;
	ret = system(line);
	free(line);
	return ret == 0;
}

/* What it prints, in the order of lines, since lists of the kernel may come in another one; freed by the caller. */
static inline char *netns_shows(const char *command)
{
	char *line = NULL, *text = calloc(1, 1 << 20);
	FILE *f;

	MUST(text && asprintf(&line, "{ %s\n} 2>&1 | sort", command) > 0);
	f = popen(line, "r");
	MUST(f);
	MUST(fread(text, 1, (1 << 20) - 1, f) > 0);
	pclose(f);
	free(line);
	return text;
}

/* Into a namespace of its own, and `setup` runs in it; a subject that cannot is skipped. */
static inline void netns_begin(int argc, char **argv, const char *setup)
{
	MUST(unshare(CLONE_NEWNET) == 0);
	if (!netns_try(setup)) {
		subject_begin(argc, argv);
		subject_skip("no ip(8), or not in this kernel");
	}
	subject_begin(argc, argv);
}

/* The whole of a subject. */
static inline int netns_subject(int argc, char **argv, const char *setup, const char *show)
{
	char *before, *after;

	netns_begin(argc, argv, setup);
	before = netns_shows(show);
	subject_wait();
	after = netns_shows(show);
	if (strcmp(before, after)) {
		size_t at = 0, line = 0;

		while (before[at] && before[at] == after[at])
			if (before[at++] == '\n')
				line = at;
		CHECK(false, "was: %.*s; is: %.*s", (int)strcspn(before + line, "\n"), before + line, (int)strcspn(after + line, "\n"),
			after + line);
	}
	free(before);
	free(after);
	return subject_end();
}

#endif
