/* tests/unit/imgtest.h -- what the tests of the library share. */
#ifndef TESTS_UNIT_IMGTEST_H
#define TESTS_UNIT_IMGTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"

/* The call succeeds, or the test fails with its reason. */
#define OK(call)                                                                                             \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			fail_msg("%s:%d: %s", __FILE__, __LINE__, err.text);                                 \
	} while (0)

/* The call gives this value. */
#define GIVES(value, call)                                                                                   \
	do {                                                                                                 \
		long long got_ = (call);                                                                     \
		if (got_ != (long long)(value))                                                              \
			fail_msg("%s:%d: %lld, not %lld: %s", __FILE__, __LINE__, got_, (long long)(value),  \
				err.text);                                                                   \
	} while (0)

/* The call fails with this code, and a text that has these words. */
#define FAILS(want, words, call)                                                                             \
	do {                                                                                                 \
		err = (struct img_err)IMG_ERR_INIT;                                                          \
		if ((call) >= 0)                                                                             \
			fail_msg("%s:%d: succeeded", __FILE__, __LINE__);                                    \
		if (err.code != (want) || !strstr(err.text, (words)))                                        \
			fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, img_code_name(err.code), err.text);    \
	} while (0)

/* The same for calls that return a pointer. */
#define FAILS_NULL(want, words, call) FAILS(want, words, (call) ? 0 : -1)

/* A fresh temporary directory; removed with all that is in it by temp_dir_free(). */
static inline char *temp_dir(void)
{
	char *path = strdup("/tmp/imgtest.XXXXXX");

	assert_non_null(mkdtemp(path));
	return path;
}

static inline void temp_dir_free(char *path)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", path);
	assert_int_equal(system(cmd), 0);
	free(path);
}

#define RUN(name, tests)                                                                                     \
	do {                                                                                                 \
		cmocka_set_message_output(CM_OUTPUT_TAP);                                                    \
		return cmocka_run_group_tests_name(name, tests, NULL, NULL);                                 \
	} while (0)

#endif
