/* tests/unit/read/reader.c -- images from bytes: framing of both versions, payloads, ends, lies. */

#include "tests/unit/imgtest.h"

#include "ghost-file.pb-c.h"
#include "ipc-msg.pb-c.h"
#include "ipc-sem.pb-c.h"
#include "ipc-shm.pb-c.h"
#include "pagemap.pb-c.h"
#include "pipe-data.pb-c.h"
#include "tcp-stream.pb-c.h"
#include "timens.pb-c.h"
#include "wire/frame.h"

/* A source that has neither size nor positions, as a pipe. */
struct stream {
	const unsigned char *at;
	size_t left;
};

static ssize_t stream_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct stream *s = self;

	if (len > s->left)
		len = s->left;
	memcpy(buf, s->at, len);
	s->at += len;
	s->left -= len;
	return len;
}

static const struct img_source_ops stream_ops = { .read = stream_read, .close = free };

static struct img_source *stream_source(const void *data, size_t size)
{
	struct stream *s = malloc(sizeof(*s));

	*s = (struct stream){ data, size };
	return img_source_new(&stream_ops, s, NULL);
}

/* An image under construction. */
struct image {
	unsigned char data[4096];
	size_t size;
};

static void put(struct image *img, const void *data, size_t size)
{
	memcpy(img->data + img->size, data, size);
	img->size += size;
}

static void put_u32(struct image *img, uint32_t v)
{
	img_put_u32(img->data + img->size, v);
	img->size += 4;
}

static void put_message(struct image *img, const void *msg)
{
	size_t size = protobuf_c_message_get_packed_size(msg);

	put_u32(img, size);
	img->size += protobuf_c_message_pack(msg, img->data + img->size);
}

static void put_header(struct image *img, enum img_kind kind)
{
	put_u32(img, IMG_MAGIC_COMMON);
	put_u32(img, img_kind_info(kind)->magic);
}

static void put_pipe(struct image *img, uint32_t id, uint32_t bytes, const char *data)
{
	PipeDataEntry e = PIPE_DATA_ENTRY__INIT;

	e.pipe_id = id;
	e.bytes = bytes;
	put_message(img, &e);
	put(img, data, strlen(data));
}

/* Read all of it, payloads included. Returns the number of records, or -1. `sum`: payload bytes. */
static int drain(struct img_source *src, uint64_t *sum, struct img_err *err)
{
	struct img_reader *r = img_reader_from_source(src, err);
	ProtobufCMessage *msg;
	int ret, nr = 0;

	*sum = 0;
	if (!r) {
		img_source_close(src);
		return -1;
	}
	while ((ret = img_read(r, &msg, err)) == 1) {
		char buf[16];
		ssize_t n;

		img_message_free(msg);
		nr++;
		while ((n = img_read_payload(r, buf, sizeof(buf), err)) > 0)
			*sum += n;
		if (n < 0) {
			ret = -1;
			break;
		}
	}
	img_reader_close(r);
	return ret < 0 ? -1 : nr;
}

static void test_headers(void **state)
{
	static const struct {
		uint32_t magic[2];
		int nr;
		enum img_kind kind; /* UNKNOWN: refused */
		int version;
	} rows[] = {
		{ { IMG_MAGIC_COMMON, 0x43114433 }, 2, IMG_TIMENS, 0x11 },
		{ { 0x43114433 }, 1, IMG_TIMENS, 0x10 },
		{ { IMG_MAGIC_SERVICE, 0x57093306 }, 2, IMG_STATS, 0x11 },
		{ { 0x57093306 }, 1, IMG_STATS, 0x10 },
		{ { 0x58313116 }, 1, IMG_INVENTORY, 0x11 },
		{ { IMG_MAGIC_COMMON, 0x58313116 }, 2, IMG_KIND_UNKNOWN, 0 },
		{ { IMG_MAGIC_SERVICE, 0x43114433 }, 2, IMG_KIND_UNKNOWN, 0 },
		{ { IMG_MAGIC_COMMON, 0x57093306 }, 2, IMG_KIND_UNKNOWN, 0 },
		{ { IMG_MAGIC_COMMON, IMG_MAGIC_COMMON }, 2, IMG_KIND_UNKNOWN, 0 },
		{ { IMG_MAGIC_COMMON, 0 }, 2, IMG_KIND_UNKNOWN, 0 },
		{ { IMG_MAGIC_COMMON }, 1, IMG_KIND_UNKNOWN, 0 },
		{ { 0 }, 1, IMG_KIND_UNKNOWN, 0 },
		{ { 0 }, 0, IMG_KIND_UNKNOWN, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct img_err err = IMG_ERR_INIT;
		struct image img = { .size = 0 };
		struct img_source *src;
		struct img_reader *r;
		ProtobufCMessage *msg;

		for (int k = 0; k < rows[i].nr; k++)
			put_u32(&img, rows[i].magic[k]);
		src = img_source_memory_new(img.data, img.size, &err);
		r = img_reader_from_source(src, &err);
		if (rows[i].kind == IMG_KIND_UNKNOWN) {
			assert_null(r);
			assert_int_equal(err.code, IMG_CORRUPT);
			img_source_close(src);
			continue;
		}
		assert_non_null(r);
		assert_int_equal(img_reader_kind(r), rows[i].kind);
		assert_int_equal(img_reader_version(r), rows[i].version);
		GIVES(0, img_read(r, &msg, &err));
		img_reader_close(r);
	}
}

static void test_of_kind(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct image img = { .size = 0 };
	struct img_source *src;
	struct img_reader *r;

	put_header(&img, IMG_PAGEMAP);
	src = img_source_memory_new(img.data, img.size, &err);
	FAILS_NULL(IMG_CORRUPT, "CORE", img_reader_of_kind(src, IMG_CORE, &err));
	img_source_close(src);
	src = img_source_memory_new(img.data, img.size, &err);
	FAILS_NULL(IMG_USAGE, "raw", img_reader_of_kind(src, IMG_PAGES, &err));
	img_source_close(src);
	src = img_source_memory_new(img.data, img.size, &err);
	FAILS_NULL(IMG_UNSUPPORTED, "old", img_reader_of_kind(src, IMG_PAGES_OLD, &err));
	img_source_close(src);
	/* Two kinds with one magic. */
	src = img_source_memory_new(img.data, img.size, &err);
	r = img_reader_of_kind(src, IMG_SHMEM_PAGEMAP, &err);
	assert_int_equal(img_reader_kind(r), IMG_SHMEM_PAGEMAP);
	img_reader_close(r);
}

static void test_payload(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct image img = { .size = 0 };
	PipeDataEntry *e;
	ProtobufCMessage *msg;
	char buf[16];

	put_header(&img, IMG_PIPES_DATA);
	put_pipe(&img, 1, 5, "hello");
	put_pipe(&img, 2, 0, "");
	put_pipe(&img, 3, 6, "skipme");
	put_pipe(&img, 4, 3, "end");
	for (int streamed = 0; streamed < 2; streamed++) {
		struct img_source *src = streamed ? stream_source(img.data, img.size)
						  : img_source_memory_new(img.data, img.size, &err);
		struct img_reader *r = img_reader_from_source(src, &err);

		assert_int_equal(img_read_payload_left(r), 0);
		GIVES(0, img_read_payload(r, buf, 1, &err));
		OK(IMG_READ(r, pipe_data_entry, &e, &err));
		assert_int_equal(e->pipe_id, 1);
		img_message_free(&e->base);
		assert_int_equal(img_read_payload_left(r), 5);
		GIVES(2, img_read_payload(r, buf, 2, &err));
		assert_int_equal(img_read_payload_left(r), 3);
		GIVES(3, img_read_payload(r, buf + 2, 14, &err));
		assert_memory_equal(buf, "hello", 5);
		GIVES(0, img_read_payload(r, buf, 16, &err));
		OK(IMG_READ(r, pipe_data_entry, &e, &err));
		img_message_free(&e->base);
		assert_int_equal(img_read_payload_left(r), 0);
		OK(IMG_READ(r, pipe_data_entry, &e, &err));
		img_message_free(&e->base);
		GIVES(1, img_read_payload(r, buf, 1, &err)); /* the rest is skipped */
		OK(IMG_READ(r, pipe_data_entry, &e, &err));
		assert_int_equal(e->pipe_id, 4);
		img_message_free(&e->base);
		GIVES(0, img_read(r, &msg, &err));
		GIVES(0, img_read(r, &msg, &err));
		assert_int_equal(img_reader_position(r), img.size);
		FAILS(IMG_CORRUPT, "ends where", IMG_READ(r, pipe_data_entry, &e, &err));
		img_reader_close(r);
	}
}

static void test_wrong_type(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct image img = { .size = 0 };
	struct img_reader *r;
	PagemapEntry *e;

	put_header(&img, IMG_PIPES_DATA);
	put_pipe(&img, 1, 0, "");
	r = img_reader_from_source(img_source_memory_new(img.data, img.size, &err), &err);
	FAILS(IMG_USAGE, "is pipe_data_entry", IMG_READ(r, pagemap_entry, &e, &err));
	assert_null(e);
	img_reader_close(r);
}

/* Records of messages of their own, and padding. */
static void put_messages(struct image *img)
{
	IpcDescEntry desc = IPC_DESC_ENTRY__INIT;
	IpcMsgEntry queue = IPC_MSG_ENTRY__INIT;
	IpcMsg m = IPC_MSG__INIT;

	put_header(img, IMG_IPCNS_MSG);
	queue.desc = &desc;
	queue.qnum = 2;
	put_message(img, &queue);
	m.msize = 3;
	put_message(img, &m);
	put(img, "abc\0\0\0\0\0", 8);
	m.msize = 8;
	put_message(img, &m);
	put(img, "12345678", 8);
	queue.qnum = 0;
	put_message(img, &queue);
}

static void test_messages(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct image img = { .size = 0 };
	struct img_reader *r;
	ProtobufCMessage *msg;
	IpcMsg *m;
	char buf[16];

	put_messages(&img);
	r = img_reader_from_source(img_source_memory_new(img.data, img.size, &err), &err);
	GIVES(1, img_read(r, &msg, &err));
	assert_ptr_equal(msg->descriptor, &ipc_msg_entry__descriptor);
	img_message_free(msg);
	OK(IMG_READ(r, ipc_msg, &m, &err));
	img_message_free(&m->base);
	assert_int_equal(img_read_payload_left(r), 3);
	GIVES(3, img_read_payload(r, buf, 16, &err));
	assert_memory_equal(buf, "abc", 3);
	OK(IMG_READ(r, ipc_msg, &m, &err));
	img_message_free(&m->base);
	GIVES(1, img_read(r, &msg, &err));
	assert_ptr_equal(msg->descriptor, &ipc_msg_entry__descriptor);
	img_message_free(msg);
	GIVES(0, img_read(r, &msg, &err));
	img_reader_close(r);
}

static void put_semaphores(struct image *img)
{
	IpcDescEntry desc = IPC_DESC_ENTRY__INIT;
	IpcSemEntry set = IPC_SEM_ENTRY__INIT;

	put_header(img, IMG_IPCNS_SEM);
	set.desc = &desc;
	set.nsems = 5;
	put_message(img, &set);
	put(img, "\1\0\2\0\3\0\4\0\5\0\0\0\0\0\0\0", 16);
	set.nsems = 4;
	put_message(img, &set);
	put(img, "\1\0\2\0\3\0\4\0", 8);
}

static void put_segments(struct image *img)
{
	IpcDescEntry desc = IPC_DESC_ENTRY__INIT;
	IpcShmEntry shm = IPC_SHM_ENTRY__INIT;

	put_header(img, IMG_IPCNS_SHM);
	shm.desc = &desc;
	shm.size = 5;
	put_message(img, &shm);
	put(img, "abcde\0\0\0", 8);
	shm.has_in_pagemaps = shm.in_pagemaps = true;
	put_message(img, &shm);
	shm.in_pagemaps = false;
	shm.size = 0;
	put_message(img, &shm);
}

static void put_ghost(struct image *img, bool chunks)
{
	GhostFileEntry head = GHOST_FILE_ENTRY__INIT;
	GhostChunkEntry chunk = GHOST_CHUNK_ENTRY__INIT;

	put_header(img, IMG_GHOST_FILE);
	head.has_chunks = chunks;
	head.chunks = chunks;
	put_message(img, &head);
	if (!chunks) {
		put(img, "the rest of the file", 20);
		return;
	}
	chunk.len = 3;
	chunk.off = 4096;
	put_message(img, &chunk);
	put(img, "abc", 3);
	chunk.len = 0;
	put_message(img, &chunk);
}

static void put_tcp(struct image *img)
{
	TcpStreamEntry tcp = TCP_STREAM_ENTRY__INIT;

	put_header(img, IMG_TCP_STREAM);
	tcp.inq_len = 2;
	tcp.outq_len = 3;
	put_message(img, &tcp);
	put(img, "inout", 5);
}

static void put_timens(struct image *img)
{
	TimensEntry e = TIMENS_ENTRY__INIT;
	Timespec a = TIMESPEC__INIT, b = TIMESPEC__INIT;

	put_header(img, IMG_TIMENS);
	e.monotonic = &a;
	e.boottime = &b;
	put_message(img, &e);
}

static void put_pagemap(struct image *img)
{
	PagemapHead head = PAGEMAP_HEAD__INIT;
	PagemapEntry e = PAGEMAP_ENTRY__INIT;

	put_header(img, IMG_PAGEMAP);
	head.pages_id = 1;
	put_message(img, &head);
	e.vaddr = 0x10000;
	e.compat_nr_pages = 2;
	put_message(img, &e);
	e.vaddr = 0x12000;
	e.has_nr_pages = true;
	e.nr_pages = 1;
	put_message(img, &e);
}

static void put_pipes(struct image *img)
{
	put_header(img, IMG_PIPES_DATA);
	put_pipe(img, 1, 5, "hello");
	put_pipe(img, 2, 0, "");
}

static void put_ghost_whole(struct image *img)
{
	put_ghost(img, false);
}

static void put_ghost_chunks(struct image *img)
{
	put_ghost(img, true);
}

static const struct {
	const char *name;
	void (*put)(struct image *img);
	int records;
	int payload;
	bool any_end; /* the last payload is what there is: an end in it cannot be told */
} images[] = {
	{ "pipes-data", put_pipes, 2, 5, false },
	{ "ipcns-msg", put_messages, 4, 11, false },
	{ "ipcns-sem", put_semaphores, 2, 18, false },
	{ "ipcns-shm", put_segments, 3, 5, false },
	{ "ghost-file", put_ghost_whole, 1, 20, true },
	{ "ghost-file with chunks", put_ghost_chunks, 3, 3, false },
	{ "tcp-stream", put_tcp, 1, 5, false },
	{ "timens", put_timens, 1, 0, false },
	{ "pagemap", put_pagemap, 3, 0, false },
};

static void test_kinds(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(images); i++)
		for (int streamed = 0; streamed < 2; streamed++) {
			struct img_err err = IMG_ERR_INIT;
			struct image img = { .size = 0 };
			uint64_t sum;

			images[i].put(&img);
			GIVES(images[i].records,
				drain(streamed ? stream_source(img.data, img.size)
					       : img_source_memory_new(img.data, img.size, &err),
					&sum, &err));
			assert_int_equal(sum, images[i].payload);
		}
}

/* Cut anywhere: IMG_CORRUPT, or a clean end between two records. Never more than there was, nothing beyond the bytes. */
static void test_truncated(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		struct image img = { .size = 0 };
		int clean = 0;

		images[i].put(&img);
		for (size_t size = 0; size < 2 * img.size; size++) {
			size_t cut = size / 2;
			cleanup_free unsigned char *copy = malloc(cut + !cut);
			struct img_err err = IMG_ERR_INIT;
			uint64_t sum;
			int nr;

			memcpy(copy, img.data, cut);
			nr = drain(
				size % 2 ? stream_source(copy, cut) : img_source_memory_new(copy, cut, &err),
				&sum, &err);
			if (nr < 0)
				assert_int_equal(err.code, IMG_CORRUPT);
			else
				clean++;
			assert_true(nr < images[i].records || images[i].any_end);
		}
		/* Once at each record's end but the last, twice for the two sources; some kinds forbid some of them. */
		if (!images[i].any_end && clean > 2 * images[i].records)
			fail_msg("%s: %d clean ends of %d records", images[i].name, clean, images[i].records);
	}
}

/* Every byte replaced by others: whatever happens, it is a checked record or IMG_CORRUPT. */
static void test_flipped(void **state)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		struct image img = { .size = 0 };

		images[i].put(&img);
		for (size_t at = 0; at < img.size; at++)
			for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
				cleanup_free unsigned char *copy = malloc(img.size);
				struct img_err err = IMG_ERR_INIT;
				uint64_t sum;

				memcpy(copy, img.data, img.size);
				copy[at] = values[v];
				if (drain(img_source_memory_new(copy, img.size, &err), &sum, &err) < 0)
					assert_int_equal(err.code, IMG_CORRUPT);
				if (drain(stream_source(copy, img.size), &sum, &err) < 0)
					assert_int_equal(err.code, IMG_CORRUPT);
			}
	}
}

static void test_lies(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct image img = { .size = 0 };
	IpcDescEntry desc = IPC_DESC_ENTRY__INIT;
	IpcShmEntry shm = IPC_SHM_ENTRY__INIT;
	GhostFileEntry head = GHOST_FILE_ENTRY__INIT;
	GhostChunkEntry chunk = GHOST_CHUNK_ENTRY__INIT;
	uint64_t sum;

	/* The size is known: told at once, with both numbers. */
	put_header(&img, IMG_PIPES_DATA);
	put_pipe(&img, 1, UINT32_MAX, "ab");
	FAILS(IMG_CORRUPT, "claims 4294967295 bytes of data, 2 are left",
		drain(img_source_memory_new(img.data, img.size, &err), &sum, &err));
	FAILS(IMG_CORRUPT, "ends in the middle", drain(stream_source(img.data, img.size), &sum, &err));

	/* Sizes near 2^64 with padding on top. */
	for (uint64_t size = UINT64_MAX; size > UINT64_MAX - 5; size--) {
		img.size = 0;
		put_header(&img, IMG_IPCNS_SHM);
		shm.desc = &desc;
		shm.size = size;
		put_message(&img, &shm);
		FAILS(IMG_CORRUPT, "", drain(img_source_memory_new(img.data, img.size, &err), &sum, &err));
		FAILS(IMG_CORRUPT, "", drain(stream_source(img.data, img.size), &sum, &err));
	}

	img.size = 0;
	put_header(&img, IMG_GHOST_FILE);
	head.has_chunks = head.chunks = true;
	put_message(&img, &head);
	chunk.off = INT64_MAX;
	chunk.len = 1;
	put_message(&img, &chunk);
	put(&img, "x", 1);
	FAILS(IMG_CORRUPT, "beyond any file",
		drain(img_source_memory_new(img.data, img.size, &err), &sum, &err));
}

/* Page maps ascend, in whole pages, below 2^64. */
static void test_pagemap_checks(void **state)
{
	static const struct {
		uint64_t vaddr, nr;
		uint32_t flags;
		const char *words;
	} rows[] = {
		{ 0x11000, 1, 4, "below the end" },
		{ 0x12001, 1, 4, "not at a page" },
		{ 0x12000, UINT64_MAX / 4096, 4, "beyond the address space" },
		{ 0xfffffffffffff000, 1, 4, "beyond the address space" },
		{ 0x12000, 1, 5, "both here and in the parent" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		PagemapHead head = PAGEMAP_HEAD__INIT;
		PagemapEntry e = PAGEMAP_ENTRY__INIT;
		struct img_err err = IMG_ERR_INIT;
		struct image img = { .size = 0 };
		uint64_t sum;

		put_header(&img, IMG_PAGEMAP);
		put_message(&img, &head);
		e.vaddr = 0x10000;
		e.compat_nr_pages = 2;
		put_message(&img, &e);
		e.vaddr = rows[i].vaddr;
		e.has_nr_pages = e.has_flags = true;
		e.nr_pages = rows[i].nr;
		e.flags = rows[i].flags;
		put_message(&img, &e);
		FAILS(IMG_CORRUPT, rows[i].words,
			drain(img_source_memory_new(img.data, img.size, &err), &sum, &err));
		assert_non_null(strstr(err.text, "PAGEMAP: record 2: "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_of_kind),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_wrong_type),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_pagemap_checks),
	};

	RUN("read/reader", tests);
}
