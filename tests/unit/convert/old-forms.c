/* tests/unit/convert/old-forms.c -- old forms of images become today's. */

#include "tests/unit/convert/sets.h"

/* ---- old forms ---- */

static void put_records(
	struct img_set *set, enum img_kind kind, uint64_t id, const ProtobufCMessage *const *msgs, size_t nr)
{
	struct img_writer *w = img_writer_create(set, kind, id, &err);

	assert_non_null(w);
	for (size_t i = 0; i < nr; i++)
		OK(img_write(w, msgs[i], &err));
	OK(img_writer_finish(w, &err));
}

/* The core and mm of a task of today, with their parts in images of their own. */
static void split_task(struct img_set *from, struct img_set *to, uint64_t pid)
{
	const ProtobufCMessage *timers[3];
	ThreadCoreEntry thread;
	CoreEntry *whole, bare, *core = &bare;
	TaskCoreEntry task;
	MmEntry *mm;
	size_t nr;

	GIVES(1, img_read_single(from, IMG_CORE, pid, (ProtobufCMessage **)&whole, &err));
	/* What is left out is left out of copies. */
	bare = *whole;
	task = *whole->tc;
	thread = *whole->thread_core;
	bare.tc = &task;
	bare.thread_core = &thread;
	if (core->tc->n_sigactions) {
		put_records(to, IMG_SIGACT, pid, (const ProtobufCMessage *const *)core->tc->sigactions,
			core->tc->n_sigactions);
		core->tc->n_sigactions = 0;
	}
	if (core->tc->rlimits) {
		put_records(to, IMG_RLIMIT, pid, (const ProtobufCMessage *const *)core->tc->rlimits->rlimits,
			core->tc->rlimits->n_rlimits);
		core->tc->rlimits = NULL;
	}
	if (core->tc->timers) {
		timers[0] = &core->tc->timers->real->base;
		timers[1] = &core->tc->timers->virt->base;
		timers[2] = &core->tc->timers->prof->base;
		put_records(to, IMG_ITIMERS, pid, timers, 3);
		put_records(to, IMG_POSIX_TIMERS, pid,
			(const ProtobufCMessage *const *)core->tc->timers->posix, core->tc->timers->n_posix);
		core->tc->timers = NULL;
	}
	if (core->tc->signals_s)
		put_records(
			to, IMG_SIGNAL, pid, (const ProtobufCMessage *[]){ &core->tc->signals_s->base }, 1);
	core->tc->signals_s = NULL;
	if (core->thread_core->creds)
		put_records(to, IMG_CREDS, pid,
			(const ProtobufCMessage *[]){ &core->thread_core->creds->base }, 1);
	core->thread_core->creds = NULL;
	OK(img_write_single(to, IMG_CORE, pid, &core->base, &err));
	img_message_free(&whole->base);

	GIVES(1, img_read_single(from, IMG_MM, pid, (ProtobufCMessage **)&mm, &err));
	put_records(to, IMG_VMAS, pid, (const ProtobufCMessage *const *)mm->vmas, mm->n_vmas);
	nr = mm->n_vmas;
	mm->n_vmas = 0;
	OK(img_write_single(to, IMG_MM, pid, &mm->base, &err));
	mm->n_vmas = nr;
	img_message_free(&mm->base);
}

/* files.img by the types of the set, in their order; only what the test's set has. */
static void split_files(struct img_set *from, struct img_set *to)
{
	const ProtobufCMessage *regs[100], *pipes[100], *ttys[100];
	size_t nr_regs = 0, nr_pipes = 0, nr_ttys = 0, nr = 0;
	ProtobufCMessage *all[100];
	ProtobufCMessage *msg;
	struct img_reader *r;

	GIVES(1, img_reader_open(from, IMG_FILES, 0, &r, &err));
	while (img_read(r, &msg, &err) == 1) {
		FileEntry *e = (FileEntry *)msg;

		all[nr++] = msg;
		if (e->type == FD_TYPES__REG)
			regs[nr_regs++] = &e->reg->base;
		else if (e->type == FD_TYPES__PIPE)
			pipes[nr_pipes++] = &e->pipe->base;
		else if (e->type == FD_TYPES__TTY)
			ttys[nr_ttys++] = &e->tty->base;
		else
			fail_msg("type %d", e->type);
	}
	img_reader_close(r);
	if (nr_regs)
		put_records(to, IMG_REG_FILES, 0, regs, nr_regs);
	if (nr_pipes)
		put_records(to, IMG_PIPES, 0, pipes, nr_pipes);
	if (nr_ttys)
		put_records(to, IMG_TTY_FILES, 0, ttys, nr_ttys);
	while (nr)
		img_message_free(all[--nr]);
}

struct to {
	struct img_set *from, *to;
	uint64_t pid;
};

static int copy_rest(void *arg, const char *name, struct img_err *e)
{
	struct to *t = arg;
	enum img_kind kind = img_kind_by_file(name, NULL);
	struct img_sink *sink;
	unsigned char *data;
	size_t size;

	if (kind == IMG_CORE || kind == IMG_MM || kind == IMG_FILES || kind == IMG_KIND_UNKNOWN)
		return 0;
	data = slurp(t->from, name, &size);
	sink = img_set_sink(t->to, name, &err);
	OK(img_sink_write(sink, data, size, &err));
	OK(img_sink_finish(sink, &err));
	free(data);
	return 0;
}

static void old_forms(void *arg, struct img_set *set)
{
	struct to t = { .from = set, .to = img_set_create_memory(&err) };
	struct img_set *v2, *direct, *v10, *again;
	CoreEntry *core[2];
	ProtobufCMessage *msg;
	struct img_reader *r;
	MmEntry *mm[2];

	GIVES(1, img_reader_open(set, IMG_PSTREE, 0, &r, &err));
	GIVES(1, img_read(r, &msg, &err));
	t.pid = ((PstreeEntry *)msg)->pid;
	img_message_free(msg);
	GIVES(0, img_read(r, &msg, &err));
	img_reader_close(r);
	OK(img_set_each(set, copy_rest, &t, &err));
	split_task(set, t.to, t.pid);
	split_files(set, t.to);
	OK(img_set_finish(t.to, &err));

	v2 = convert(t.to, IMG_VERSION_2);
	direct = convert(set, IMG_VERSION_2);
	GIVES(0, img_set_has(v2, "reg-files.img", &err));
	GIVES(1, img_set_has(v2, "files.img", &err));
	GIVES(1, img_read_single(v2, IMG_CORE, t.pid, (ProtobufCMessage **)&core[0], &err));
	GIVES(1, img_read_single(direct, IMG_CORE, t.pid, (ProtobufCMessage **)&core[1], &err));
	assert_int_equal(protobuf_c_message_get_packed_size(&core[0]->base),
		protobuf_c_message_get_packed_size(&core[1]->base));
	GIVES(1, img_read_single(v2, IMG_MM, t.pid, (ProtobufCMessage **)&mm[0], &err));
	GIVES(1, img_read_single(direct, IMG_MM, t.pid, (ProtobufCMessage **)&mm[1], &err));
	assert_int_equal(mm[0]->n_vmas, mm[1]->n_vmas);
	for (int i = 0; i < 2; i++) {
		img_message_free(&core[i]->base);
		img_message_free(&mm[i]->base);
	}
	/* The same from version 1.0. */
	same_sets(direct, v2);
	v10 = convert(t.to, IMG_VERSION_1_0);
	again = convert(v10, IMG_VERSION_2);
	img_set_close(v10);
	img_set_close(v2);
	img_set_close(direct);
	/* On the way down page maps get what old readers want: that stays. */
	v10 = convert(set, IMG_VERSION_1_0);
	direct = convert(v10, IMG_VERSION_2);
	v2 = convert(again, IMG_VERSION_2);
	same_sets(direct, again);
	img_set_close(again);
	img_set_close(v10);
	img_set_close(v2);
	img_set_close(direct);
	img_set_close(t.to);
	(*(unsigned int *)arg)++;
}

/* Of the golden sets, one of a single task with few types of files. */
static void test_old_forms(void **state)
{
	unsigned int nr = 0;
	struct img_set *set;
	char cmd[300];

	if (getenv("GOLDEN"))
		snprintf(cmd, sizeof(cmd), "cp -r $GOLDEN/plain/img %s/img", dir);
	else
		snprintf(cmd, sizeof(cmd),
			"tar -C %s --wildcards --transform 's,.*/plain/img,img,' -xJf " GOLDEN_ARCHIVE
			" '*/plain/img/*'",
			dir);
	assert_int_equal(system(cmd), 0);
	set = open_sub("img");
	old_forms(&nr, set);
	img_set_close(set);
	assert_int_equal(nr, 1);
}

/* compat_nr_pages and in_parent become nr_pages and flags. */
static void test_old_maps(void **state)
{
	struct img_set *set = img_set_create_memory(&err), *v2;
	PagemapEntry e = PAGEMAP_ENTRY__INIT;
	PagemapHead head = PAGEMAP_HEAD__INIT;
	ProtobufCMessage *msg;
	struct img_writer *w;
	struct img_reader *r;

	put_inventory(set, 2);
	w = img_writer_create(set, IMG_PAGEMAP, 7, &err);
	head.pages_id = 1;
	OK(img_write(w, &head.base, &err));
	e.vaddr = 0x1000;
	e.compat_nr_pages = 3;
	OK(img_write(w, &e.base, &err));
	e.vaddr = 0x9000;
	e.has_in_parent = e.in_parent = true;
	OK(img_write(w, &e.base, &err));
	OK(img_writer_finish(w, &err));
	OK(img_set_finish(set, &err));
	v2 = convert(set, IMG_VERSION_2);
	GIVES(1, img_reader_open(v2, IMG_PAGEMAP, 7, &r, &err));
	OK(img_read(r, &msg, &err));
	img_message_free(msg);
	OK(img_read(r, &msg, &err));
	assert_int_equal(((PagemapEntry *)msg)->nr_pages, 3);
	assert_int_equal(((PagemapEntry *)msg)->flags, IMG_RUN_PRESENT);
	img_message_free(msg);
	OK(img_read(r, &msg, &err));
	assert_int_equal(((PagemapEntry *)msg)->flags, IMG_RUN_PARENT);
	assert_false(((PagemapEntry *)msg)->has_in_parent);
	img_message_free(msg);
	img_reader_close(r);
	img_set_close(v2);
	img_set_close(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_old_forms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_maps, setup, teardown),
	};

	RUN("convert/old-forms", tests);
}
