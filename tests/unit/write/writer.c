/* tests/unit/write/writer.c -- images into a sink and a set: what the writer adds, and what it refuses to write. */

#include "tests/unit/imgtest.h"

#include "ghost-file.pb-c.h"
#include "ipc-msg.pb-c.h"
#include "pagemap.pb-c.h"
#include "pipe-data.pb-c.h"
#include "timens.pb-c.h"

static struct img_set *set;
static struct img_err err;

static int setup(void **state)
{
	err = (struct img_err)IMG_ERR_INIT;
	set = img_set_create_memory(&err);
	return !set;
}

static int teardown(void **state)
{
	img_set_close(set);
	return 0;
}

static void expect_bytes(const char *name, const void *want, size_t size)
{
	unsigned char got[1000];
	struct img_source *src;

	GIVES(1, img_set_source(set, name, &src, &err));
	assert_int_equal(img_source_size(src), size);
	GIVES(1, img_source_read_full(src, got, size, &err));
	assert_memory_equal(got, want, size);
	img_source_close(src);
}

static void test_bytes(void **state)
{
	static const char want[] = "\x19\x43\x56\x54\x09\x37\x45\x56" /* IMG_COMMON, PIPES_DATA */
				   "\4\0\0\0\x08\x07\x10\x03"
				   "abc"
				   "\4\0\0\0\x08\x08\x10\x00";
	struct img_writer *w = img_writer_create(set, IMG_PIPES_DATA, 0, &err);
	PipeDataEntry e = PIPE_DATA_ENTRY__INIT;

	e.pipe_id = 7;
	e.bytes = 3;
	OK(img_write(w, &e.base, &err));
	OK(img_write_payload(w, "a", 1, &err));
	OK(img_write_payload(w, "", 0, &err));
	OK(img_write_payload(w, "bc", 2, &err));
	e.pipe_id = 8;
	e.bytes = 0;
	OK(img_write(w, &e.base, &err));
	OK(img_writer_finish(w, &err));
	expect_bytes("pipes-data.img", want, sizeof(want) - 1);
}

static void test_padding(void **state)
{
	IpcDescEntry desc = IPC_DESC_ENTRY__INIT;
	IpcMsgEntry queue = IPC_MSG_ENTRY__INIT;
	struct img_writer *w = img_writer_create(set, IMG_IPCNS_MSG, 3, &err);
	IpcMsg m = IPC_MSG__INIT;
	struct img_reader *r;
	ProtobufCMessage *msg;
	char text[8];

	queue.desc = &desc;
	queue.qnum = 2;
	OK(img_write(w, &queue.base, &err));
	for (int i = 1; i <= 2; i++) {
		m.msize = i;
		OK(img_write(w, &m.base, &err));
		OK(img_write_payload(w, "xyz", i, &err));
	}
	OK(img_writer_finish(w, &err));

	GIVES(1, img_reader_open(set, IMG_IPCNS_MSG, 3, &r, &err));
	GIVES(1, img_read(r, &msg, &err));
	img_message_free(msg);
	for (int i = 1; i <= 2; i++) {
		GIVES(1, img_read(r, &msg, &err));
		img_message_free(msg);
		GIVES(i, img_read_payload(r, text, 8, &err));
	}
	GIVES(0, img_read(r, &msg, &err));
	img_reader_close(r);
}

/* The caller's mistakes are found where they are made. */
static void test_refused(void **state)
{
	PipeDataEntry pipe = PIPE_DATA_ENTRY__INIT;
	PagemapEntry entry = PAGEMAP_ENTRY__INIT;
	PagemapHead head = PAGEMAP_HEAD__INIT;
	struct img_writer *w;

	pipe.bytes = 3;
	w = img_writer_create(set, IMG_PIPES_DATA, 0, &err);
	FAILS(IMG_USAGE, "is pagemap_entry, not pipe_data_entry", img_write(w, &entry.base, &err));
	FAILS(IMG_USAGE, "writing on after a failure", img_write(w, &pipe.base, &err));
	FAILS(IMG_USAGE, "after a failure", img_writer_finish(w, &err));
	GIVES(0, img_set_has(set, "pipes-data.img", &err));

	w = img_writer_create(set, IMG_PIPES_DATA, 0, &err);
	OK(img_write(w, &pipe.base, &err));
	FAILS(IMG_USAGE, "4 bytes of data where 3 belong", img_write_payload(w, "abcd", 4, &err));
	img_writer_abort(w);

	w = img_writer_create(set, IMG_PIPES_DATA, 0, &err);
	OK(img_write(w, &pipe.base, &err));
	OK(img_write_payload(w, "ab", 2, &err));
	FAILS(IMG_USAGE, "1 bytes of the data", img_write(w, &pipe.base, &err));
	img_writer_abort(w);

	w = img_writer_create(set, IMG_PIPES_DATA, 0, &err);
	OK(img_write(w, &pipe.base, &err));
	FAILS(IMG_USAGE, "3 bytes of the data", img_writer_finish(w, &err));

	w = img_writer_create(set, IMG_PIPES_DATA, 0, &err);
	FAILS(IMG_USAGE, "where 0 belong", img_write_payload(w, "a", 1, &err));
	img_writer_abort(w);

	w = img_writer_create(set, IMG_PAGEMAP, 1, &err);
	FAILS(IMG_USAGE, "not pagemap_head", img_write(w, &entry.base, &err));
	img_writer_abort(w);
	w = img_writer_create(set, IMG_PAGEMAP, 1, &err);
	FAILS(IMG_CORRUPT, "no pagemap_head", img_writer_finish(w, &err));
	w = img_writer_create(set, IMG_PAGEMAP, 1, &err);
	OK(img_write(w, &head.base, &err));
	entry.vaddr = 1;
	FAILS(IMG_CORRUPT, "not at a page", img_write(w, &entry.base, &err));
	img_writer_abort(w);

	FAILS_NULL(IMG_USAGE, "no records", img_writer_create(set, IMG_PAGES, 1, &err));
	FAILS_NULL(IMG_USAGE, "no records", img_writer_create(set, IMG_IFADDR, 1, &err));
	GIVES(0, img_set_has(set, "pages-1.img", &err));
	img_writer_abort(NULL);
}

static void test_ghost(void **state)
{
	GhostFileEntry head = GHOST_FILE_ENTRY__INIT;
	GhostChunkEntry chunk = GHOST_CHUNK_ENTRY__INIT;
	struct img_writer *w = img_writer_create(set, IMG_GHOST_FILE, 0x1f, &err);

	OK(img_write(w, &head.base, &err));
	OK(img_write_payload(w, "as much", 7, &err));
	OK(img_write_payload(w, " as you like", 12, &err));
	FAILS(IMG_USAGE, "no more records", img_write(w, &chunk.base, &err));
	img_writer_abort(w);

	head.has_chunks = head.chunks = true;
	w = img_writer_create(set, IMG_GHOST_FILE, 0x1f, &err);
	OK(img_write(w, &head.base, &err));
	FAILS(IMG_USAGE, "where 0 belong", img_write_payload(w, "a", 1, &err));
	img_writer_abort(w);
	w = img_writer_create(set, IMG_GHOST_FILE, 0x1f, &err);
	OK(img_write(w, &head.base, &err));
	chunk.len = 1;
	OK(img_write(w, &chunk.base, &err));
	OK(img_write_payload(w, "a", 1, &err));
	OK(img_writer_finish(w, &err));
	GIVES(1, img_set_has(set, "ghost-file-1f.img", &err));
}

static void test_single(void **state)
{
	TimensEntry e = TIMENS_ENTRY__INIT, *got;
	Timespec a = TIMESPEC__INIT, b = TIMESPEC__INIT;
	PagemapHead head = PAGEMAP_HEAD__INIT;
	ProtobufCMessage *msg;
	struct img_writer *w;
	struct img_sink *sink;

	e.monotonic = &a;
	e.boottime = &b;
	b.tv_sec = UINT64_MAX;
	GIVES(0, img_read_single(set, IMG_TIMENS, 5, &msg, &err));
	OK(img_write_single(set, IMG_TIMENS, 5, &e.base, &err));
	GIVES(1, img_read_single(set, IMG_TIMENS, 5, (ProtobufCMessage **)&got, &err));
	assert_true(got->boottime->tv_sec == UINT64_MAX);
	img_message_free(&got->base);
	FAILS(IMG_USAGE, "is pagemap_head", img_write_single(set, IMG_TIMENS, 6, &head.base, &err));
	GIVES(0, img_set_has(set, "timens-6.img", &err));

	w = img_writer_create(set, IMG_TIMENS, 7, &err);
	OK(img_write(w, &e.base, &err));
	FAILS(IMG_USAGE, "no more records", img_write(w, &e.base, &err));
	img_writer_abort(w);

	/* Two records where one belongs, written by someone else. */
	sink = img_set_sink(set, "timens-8.img", &err);
	OK(img_sink_write(sink, "\x19\x43\x56\x54\x33\x44\x11\x43", 8, &err));
	for (int i = 0; i < 2; i++)
		OK(img_sink_write(sink, "\x0c\0\0\0\x0a\4\x08\0\x10\0\x12\4\x08\0\x10\0", 16, &err));
	OK(img_sink_finish(sink, &err));
	FAILS(IMG_CORRUPT, "timens-8.img: record 1: bytes follow",
		img_read_single(set, IMG_TIMENS, 8, &msg, &err));
	assert_null(msg);
	sink = img_set_sink(set, "timens-9.img", &err);
	OK(img_sink_write(sink, "\x19\x43\x56\x54\x33\x44\x11\x43", 8, &err));
	OK(img_sink_finish(sink, &err));
	FAILS(IMG_CORRUPT, "timens-9.img: ends where a record",
		img_read_single(set, IMG_TIMENS, 9, &msg, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_padding, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ghost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_single, setup, teardown),
	};

	RUN("write/writer", tests);
}
