/* tests/unit/read/golden.c -- every image that CRIU wrote reads record by record and is written again byte for byte. */

#include "tests/unit/golden.h"

struct count {
	unsigned int files, raw, records, payload;
};

static void copy_payload(struct img_reader *r, struct img_writer *w, struct count *count)
{
	struct img_err err = IMG_ERR_INIT;
	char buf[1000];
	ssize_t n;

	while ((n = img_read_payload(r, buf, sizeof(buf), &err)) > 0) {
		assert_return_code(img_write_payload(w, buf, n, &err), 0);
		count->payload += n;
	}
	if (n < 0)
		fail_msg("%s", err.text);
	assert_int_equal(img_read_payload_left(r), 0);
}

/* Read an image and write it again. */
static void copy_image(
	struct img_set *in, struct img_set *out, enum img_kind kind, uint64_t id, struct count *count)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_reader *r;
	struct img_writer *w;
	ProtobufCMessage *msg;
	int ret;

	if (img_reader_open(in, kind, id, &r, &err) != 1)
		fail_msg("%s", err.text);
	assert_int_equal(img_reader_version(r), 0x11);
	w = img_writer_create(out, kind, id, &err);
	assert_non_null(w);
	while ((ret = img_read(r, &msg, &err)) == 1) {
		if (img_write(w, msg, &err))
			fail_msg("%s", err.text);
		img_message_free(msg);
		copy_payload(r, w, count);
		count->records++;
	}
	if (ret < 0)
		fail_msg("%s", err.text);
	if (img_writer_finish(w, &err))
		fail_msg("%s", err.text);
	img_reader_close(r);
}

static void *slurp(struct img_set *set, const char *name, size_t *size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_source *src;
	char *data;

	if (img_set_source(set, name, &src, &err) != 1)
		fail_msg("%s: %s", name, err.text);
	*size = img_source_size(src);
	data = malloc(*size + 1);
	assert_non_null(data);
	if (*size)
		assert_int_equal(img_source_read_full(src, data, *size, &err), 1);
	img_source_close(src);
	return data;
}

struct walk {
	struct img_set *set;
	struct count *count;
};

static int check_file(void *arg, const char *name, struct img_err *err)
{
	struct walk *walk = arg;
	cleanup_free char *before = NULL, *after = NULL;
	size_t size_before, size_after;
	struct img_set *out;
	enum img_kind kind;
	uint64_t id;

	kind = img_kind_by_file(name, &id);
	if (kind == IMG_KIND_UNKNOWN)
		return 0;
	walk->count->files++;
	if (!img_kind_info(kind)->entry) {
		walk->count->raw++;
		return 0;
	}
	out = img_set_create_memory(err);
	assert_non_null(out);
	copy_image(walk->set, out, kind, id, walk->count);
	before = slurp(walk->set, name, &size_before);
	after = slurp(out, name, &size_after);
	if (size_before != size_after || memcmp(before, after, size_before))
		fail_msg("%s: came out different (%zu bytes, %zu after)", name, size_before, size_after);
	img_set_close(out);
	return 0;
}

static void check_set(void *arg, struct img_set *set)
{
	struct walk walk = { .set = set, .count = arg };
	struct img_err err = IMG_ERR_INIT;

	if (img_set_each(set, check_file, &walk, &err))
		fail_msg("%s", err.text);
}

static void test_golden(void **state)
{
	struct count count = { 0 };

	golden_each(check_set, &count);
	print_message("# %u images (%u raw), %u records, %u bytes of payload\n", count.files, count.raw,
		count.records, count.payload);
	assert_true(count.records > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
	};

	RUN("read/golden", tests);
}
