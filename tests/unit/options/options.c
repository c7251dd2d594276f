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

#include "options/external.h"
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
	assert_int_equal(PARSE(&o, &err, CMD_RESTORE, "--lsm-mount-context", "x"), 0);
	assert_int_equal(options_supported(&o, &err), -1);
	assert_int_equal(err.code, IMG_UNSUPPORTED);
	assert_non_null(strstr(err.text, "--lsm-mount-context"));
	options_free(&o);
}

static void externals(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct option_external ext;
	struct options o;
	const char *key;
	size_t at = 0;
	int fd;

	assert_int_equal(PARSE(&o, &err, CMD_RESTORE, "--external", "mnt[/a:b]:/x:[y]", "--external", "tty[8800:38]", "--external",
		"mnt[]", "--external", "veth[eth0]:v0@br0", "--inherit-fd", "fd[9]:pipe:[17]", "--inherit-fd", "fd[0]:/a b"), 0);
	assert_string_equal(options_external(&o, "mnt[%s]", "/a:b"), "/x:[y]");
	assert_string_equal(options_external(&o, "tty[%x:%x]", 0x8800, 0x38), "");
	assert_string_equal(options_external(&o, "veth[eth0]"), "v0@br0");
	assert_null(options_external(&o, "tty[8800:3]"));
	assert_null(options_external(&o, "tty[8800:38"));
	assert_true(options_external_next(&o, "mnt", &at, &ext));
	assert_int_equal(ext.id_len, 4);
	assert_true(options_external_next(&o, "mnt", &at, &ext));
	assert_int_equal(ext.id_len, 0);
	assert_null(ext.value);
	assert_false(options_external_next(&o, "mnt", &at, &ext));
	assert_true(option_inherit_parse(o.inherit_fds.items[0], &fd, &key));
	assert_int_equal(fd, 9);
	assert_string_equal(key, "pipe:[17]");
	assert_true(option_inherit_parse(o.inherit_fds.items[1], &fd, &key));
	assert_string_equal(key, "/a b");
	options_free(&o);
	for (const char **bad = (const char *[]){ "tty", "[5]", "tty[5", "tty[5]x", "", NULL }; *bad; bad++) {
		assert_int_equal(PARSE(&o, &err, CMD_DUMP, "--external", (char *)*bad), -1);
		assert_int_equal(err.code, IMG_USAGE);
		options_free(&o);
	}
	for (const char **bad = (const char *[]){ "fd[]:x", "fd[1]", "fd[1]:", "fd[-1]:x", "fd[99999999999]:x", "9:x", NULL }; *bad; bad++) {
		assert_int_equal(PARSE(&o, &err, CMD_RESTORE, "--inherit-fd", (char *)*bad), -1);
		assert_int_equal(err.code, IMG_USAGE);
		options_free(&o);
	}
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
		cmocka_unit_test(sizes_and_negation), cmocka_unit_test(not_yet), cmocka_unit_test(externals), cmocka_unit_test(refused),   cmocka_unit_test(configuration_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
