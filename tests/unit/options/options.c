/* tests/unit/options/options.c -- options from the command line, from configuration files, and what is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "options/options.h"

#define PARSE(opt, err, command, ...)                                                   \
	({                                                                              \
		char *argv_[] = { "criu", "--no-default-config", __VA_ARGS__, NULL };  \
		int argc_ = sizeof(argv_) / sizeof(argv_[0]) - 1;                      \
		options_parse((opt), (command), argc_, argv_, (err));                  \
	})

static void classic_dump(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct options o;

	assert_int_equal(PARSE(&o, &err, 0, "dump", "--no-default-config", "--log-file", "dump.log", "--images-dir", "D",
		"--verbosity=4", "--tree", "66", "--pidfile", "F", "--timeout", "10", "--pre-dump-mode", "splice"), 0);
	assert_int_equal(o.command, CMD_DUMP);
	assert_int_equal(o.tree, 66);
	assert_int_equal(o.verbosity, 4);
	assert_string_equal(o.images_dir, "D");
	assert_string_equal(o.pre_dump_mode, "splice");
	assert_int_equal(o.nr_args, 0);
	assert_int_equal(o.cpu_cap, CPU_CAP_FPU | CPU_CAP_INS);
	options_free(&o);
}

static void verbosity(void **state)
{
	static const struct {
		char *word;
		int level;
	} rows[] = { { "-v", 3 }, { "-vv", 4 }, { "-v0", 0 }, { "-v4", 4 }, { "-verbosity=0", 0 }, { "--verbosity=1", 1 } };
	struct img_err err = IMG_ERR_INIT;
	struct options o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(PARSE(&o, &err, 0, "check", rows[i].word, "--feature", "userns"), 0);
		assert_int_equal(o.verbosity, rows[i].level);
		assert_int_equal(o.check_features.nr, 1);
		options_free(&o);
	}
}

static void cpu_caps(void **state)
{
	static const struct {
		char *word;
		unsigned caps;
	} rows[] = {
		{ "--cpu-cap", CPU_CAP_ALL }, { "--cpu-cap=none", 0 }, { "--cpu-cap=fpu", CPU_CAP_FPU },
		{ "--cpu-cap=cpu,ins", CPU_CAP_CPU | CPU_CAP_INS }, { "--cpu-cap=^fpu", CPU_CAP_CPU | CPU_CAP_INS },
		{ "--cpu-cap=all,^ins", CPU_CAP_CPU | CPU_CAP_FPU },
	};
	struct img_err err = IMG_ERR_INIT;
	struct options o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(PARSE(&o, &err, CMD_RESTORE, rows[i].word), 0);
		assert_int_equal(o.cpu_cap, rows[i].caps);
		options_free(&o);
	}
	assert_int_equal(PARSE(&o, &err, CMD_RESTORE, "--cpu-cap=gpu"), -1);
	assert_int_equal(err.code, IMG_USAGE);
}

static void sizes_and_negation(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct options o;

	assert_int_equal(PARSE(&o, &err, CMD_DUMP, "--ghost-limit", "4M", "-R", "--no-leave-running", "-j"), 0);
	assert_int_equal(o.ghost_limit, 4 << 20);
	assert_false(o.leave_running);
	assert_true(o.shell_job);
	options_free(&o);
}

static void refused(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct options o;

	assert_int_equal(PARSE(&o, &err, 0, "dmup"), -1);
	assert_int_equal(err.code, IMG_USAGE);
	assert_non_null(strstr(err.text, "dmup"));
	assert_int_equal(PARSE(&o, &err, CMD_DUMP, "--tree", "x"), -1);
	assert_int_equal(PARSE(&o, &err, CMD_DUMP, "--tree"), -1);
	assert_int_equal(PARSE(&o, &err, CMD_DUMP, "--tree", "0"), -1);
	assert_int_equal(PARSE(&o, &err, CMD_DUMP, "--no-such-option"), -1);
	assert_non_null(strstr(err.text, "--no-such-option"));
}

static void not_yet(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct options o;

	assert_int_equal(PARSE(&o, &err, CMD_DUMP, "-t", "5", "--tcp-established", "--manage-cgroups=ignore"), 0);
	assert_int_equal(options_supported(&o, &err), 0);
	options_free(&o);
	/* Only those that mean something to the command. */
	assert_int_equal(PARSE(&o, &err, CMD_RESTORE, "--join-ns", "net:7", "--skip-mnt", "/x", "--manage-cgroups"), 0);
	assert_int_equal(options_supported(&o, &err), -1);
	assert_int_equal(err.code, IMG_UNSUPPORTED);
	assert_non_null(strstr(err.text, "--join-ns"));
	assert_non_null(strstr(err.text, "--manage-cgroups"));
	assert_null(strstr(err.text, "--skip-mnt"));
	options_free(&o);
}

static void configuration_file(void **state)
{
	char path[] = "/tmp/options-test-XXXXXX";
	struct img_err err = IMG_ERR_INIT;
	struct options o;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_true(dprintf(fd, "# a comment\n tcp-established\nwork-dir \"/a/my \\\"work\\\" dir\"  # more\n"
				"no-restore-sibling\nghost-limit 2K\nleave-running\n") > 0);
	close(fd);
	assert_int_equal(PARSE(&o, &err, CMD_DUMP, "--config", path, "--no-leave-running"), 0);
	assert_true(o.tcp_established);
	assert_string_equal(o.work_dir, "/a/my \"work\" dir");
	assert_int_equal(o.ghost_limit, 2048);
	assert_false(o.leave_running); /* the command line speaks last */
	options_free(&o);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classic_dump),	      cmocka_unit_test(verbosity), cmocka_unit_test(cpu_caps),
		cmocka_unit_test(sizes_and_negation), cmocka_unit_test(not_yet), cmocka_unit_test(refused),   cmocka_unit_test(configuration_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
