/* tests/unit/store/threads.c -- two threads use two sets at the same time: read, validated, converted, as JSON. */

#include "tests/unit/golden.h"

#include <pthread.h>

#include "criuimg/convert.h"
#include "criuimg/json.h"
#include "criuimg/validate.h"

#define ROUNDS 6

static int quiet(void *arg, const struct img_finding *f)
{
	return 0;
}

static int decode(void *arg, const char *name, struct img_err *err)
{
	static const struct img_json_options pretty = { .pretty = true };
	enum img_kind kind = img_kind_by_file(name, NULL);
	struct img_sink *sink = img_sink_memory_new(err);
	struct img_source *src;
	struct img_reader *r;
	int ret = img_set_source(arg, name, &src, err);

	assert_int_equal(ret, 1);
	if (kind == IMG_KIND_UNKNOWN || img_kind_info(kind)->framing == IMG_FRAMING_RAW) {
		img_source_close(src);
	} else {
		r = img_reader_of_kind(src, kind, err);
		assert_non_null(r);
		ret = img_json_decode(r, &pretty, sink, err);
		img_reader_close(r);
	}
	img_sink_abort(sink);
	return ret < 0 ? -1 : 0;
}

/* NULL when all went well. */
static void *use(void *path)
{
	static const struct img_convert_options two = { .version = IMG_VERSION_2 };
	struct img_err err = IMG_ERR_INIT;

	for (int i = 0; i < ROUNDS; i++) {
		struct img_set *set = img_set_open(path, &err), *copy = img_set_create_memory(&err);
		struct img_validate_result result;

		if (!set || !copy || img_validate(set, NULL, quiet, NULL, &result, &err) || result.errors ||
			img_set_each(set, decode, set, &err) || img_set_convert(set, copy, &two, &err))
			return path;
		img_set_close(set);
		img_set_close(copy);
	}
	return NULL;
}

static void test_two_sets(void **state)
{
	char *dir = temp_dir(), directory[200], archive[200], cmd[300];
	struct img_err err = IMG_ERR_INIT;
	struct img_set *from, *to;
	pthread_t threads[2];
	void *ret;

	snprintf(cmd, sizeof(cmd), "mkdir %s/v2 && tar -C %s/v2 -xzf tests/images/refuse/whole-v2.tar.gz", dir, dir);
	assert_int_equal(system(cmd), 0);
	snprintf(directory, sizeof(directory), "%s/v2", dir);
	snprintf(archive, sizeof(archive), "%s/v2.tar.zst", dir);
	from = img_set_open(directory, &err);
	to = img_set_create_archive(archive, &(struct img_zstd_options){ .threads = 2 }, &err);
	assert_true(from && to);
	OK(img_set_convert(from, to, NULL, &err));
	img_set_close(to);
	img_set_close(from);

	assert_int_equal(pthread_create(&threads[0], NULL, use, directory), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, use, archive), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &ret), 0);
		if (ret)
			fail_msg("%s", (char *)ret);
	}
	temp_dir_free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_sets),
	};

	RUN("store/threads", tests);
}
