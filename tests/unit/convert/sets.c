/* tests/unit/convert/sets.c -- sets made of sets: versions up and down, flat chains, parts, old forms, deduplication. */

#include "tests/unit/golden.h"

#include <sys/stat.h>

#include "criuimg/convert.h"
#include "criuimg/manifest.h"
#include "criuimg/pages.h"

#include "core.pb-c.h"
#include "fdinfo.pb-c.h"
#include "inventory.pb-c.h"
#include "manifest.pb-c.h"
#include "mm.pb-c.h"
#include "pagemap.pb-c.h"
#include "pstree.pb-c.h"

static char *dir;
static struct img_err err;

static int setup(void **state)
{
	err = (struct img_err)IMG_ERR_INIT;
	dir = temp_dir();
	return 0;
}

static int teardown(void **state)
{
	temp_dir_free(dir);
	return 0;
}

static int print(void *arg, const char *name, const struct img_err *finding)
{
	print_message("# %s: %s\n", name, finding->text);
	return 0;
}

/* ---- the same bytes ---- */

struct same {
	struct img_set *a, *b;
};

static unsigned char *slurp(struct img_set *set, const char *name, size_t *size)
{
	unsigned char *buf = malloc(64 << 20);
	struct img_source *src;
	ssize_t n;

	*size = 0;
	if (img_set_source(set, name, &src, &err) != 1)
		fail_msg("%s: not there: %s", name, err.text);
	while ((n = img_source_read(src, buf + *size, 1 << 20, &err)) > 0)
		*size += n;
	if (n < 0)
		fail_msg("%s: %s", name, err.text);
	img_source_close(src);
	return buf;
}

static int member_same(void *arg, const char *name, struct img_err *e)
{
	struct same *s = arg;
	size_t sizes[2];
	unsigned char *a, *b;

	if (!strcmp(name, "manifest.img") || img_kind_by_file(name, NULL) == IMG_KIND_UNKNOWN)
		return 0;
	a = slurp(s->a, name, &sizes[0]);
	b = slurp(s->b, name, &sizes[1]);
	if (sizes[0] != sizes[1] || memcmp(a, b, sizes[0]))
		fail_msg("%s differs", name);
	free(a);
	free(b);
	return 0;
}

static void same_sets(struct img_set *a, struct img_set *b)
{
	struct same s = { .a = a, .b = b };

	OK(img_set_each(a, member_same, &s, &err));
	s = (struct same){ .a = b, .b = a };
	OK(img_set_each(b, member_same, &s, &err));
}

static struct img_set *convert(struct img_set *from, enum img_version version)
{
	struct img_set *to = img_set_create_memory(&err);

	OK(img_set_convert(
		from, to, &(struct img_convert_options){ .version = version, .lossy = true }, &err));
	GIVES(version, img_set_version(to, &err));
	return to;
}

/* Each golden set up and down again is what it was. */
static void golden_versions(void *arg, struct img_set *set)
{
	struct img_set *v2, *v11, *v10;
	InventoryEntry *inventory;
	bool predump;

	if (img_set_has(set, "inventory.img", &err) != 1)
		return;
	GIVES(IMG_VERSION_1_1, img_set_version(set, &err));
	v2 = convert(set, IMG_VERSION_2);
	GIVES(0, img_set_verify(v2, print, NULL, &err));
	v11 = convert(v2, IMG_VERSION_1_1);
	GIVES(0, img_set_has(v11, "manifest.img", &err));
	same_sets(set, v11);
	img_set_close(v11);
	img_set_close(v2);
	GIVES(1, img_read_single(set, IMG_INVENTORY, 0, (ProtobufCMessage **)&inventory, &err));
	predump = !inventory->img_version;
	img_message_free(&inventory->base);
	if (predump)
		return;
	v10 = convert(set, IMG_VERSION_1_0);
	v11 = convert(v10, IMG_VERSION_1_1);
	(*(unsigned int *)arg)++;
	img_set_close(v10);
	v10 = convert(v11, IMG_VERSION_1_0);
	img_set_close(v11);
	v11 = convert(v10, IMG_VERSION_1_1);
	v2 = convert(v10, IMG_VERSION_2);
	same_sets(v2, v11);
	img_set_close(v2);
	img_set_close(v11);
	img_set_close(v10);
}

static void test_golden(void **state)
{
	unsigned int nr = 0;

	golden_each(golden_versions, &nr);
	print_message("# %u sets\n", nr);
	assert_true(nr > 40);
}

/* ---- a set of our own ---- */

static void put_map(struct img_set *set, uint64_t pid, const char *runs)
{
	struct img_pages_writer *w = img_pages_create(set, IMG_PAGEMAP, pid, &err);
	unsigned char page[IMG_PAGE];
	uint64_t addr = 0x10000;

	assert_non_null(w);
	/* a-z: present, filled with it; P: in the parent; L: lazy; '.': nothing. */
	for (; *runs; runs++, addr += IMG_PAGE) {
		uint32_t flags = *runs == 'P'	? IMG_RUN_PARENT
				 : *runs == 'L' ? IMG_RUN_LAZY
						: IMG_RUN_PRESENT;

		if (*runs == '.')
			continue;
		OK(img_pages_run(w, addr, 1, flags, &err));
		if (flags != IMG_RUN_PRESENT)
			continue;
		memset(page, *runs, sizeof(page));
		OK(img_pages_data(w, &(struct iovec){ page, sizeof(page) }, 1, &err));
	}
	OK(img_pages_finish(w, &err));
}

static void put_inventory(struct img_set *set, uint32_t version)
{
	InventoryEntry inventory = INVENTORY_ENTRY__INIT;

	inventory.img_version = version;
	OK(img_write_single(set, IMG_INVENTORY, 0, &inventory.base, &err));
}

static void expect_map(struct img_set *set, uint64_t pid, const char *pages)
{
	unsigned char page[IMG_PAGE];
	struct img_pages_reader *r;
	uint64_t addr = 0x10000;

	GIVES(1, img_pages_open(set, IMG_PAGEMAP, pid, &r, &err));
	for (; *pages; pages++, addr += IMG_PAGE) {
		OK(img_pages_read(r, addr, 1, page, &err));
		assert_int_equal(page[0], *pages == '.' ? 0 : *pages);
		assert_int_equal(page[IMG_PAGE - 1], *pages == '.' ? 0 : *pages);
	}
	img_pages_close(r);
}

static const char *sub(const char *name)
{
	static char path[2][250];
	static int i;

	i = !i;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

/* One set of a chain, in directory `name` of dir. */
static void put_set(const char *name, const char *parent, const char *runs, bool compress, bool seal)
{
	struct img_set *set;

	assert_int_equal(mkdir(sub(name), 0700), 0);
	set = img_set_create_dir(AT_FDCWD, sub(name), &err);
	assert_non_null(set);
	if (compress)
		OK(img_set_compress(set, NULL, &err));
	if (parent)
		OK(img_set_link_parent(set, parent, &err));
	put_inventory(set, 2);
	put_map(set, 7, runs);
	if (seal)
		OK(img_set_seal(set, "test", NULL, &err));
	img_set_close(set);
}

static struct img_set *open_sub(const char *name)
{
	struct img_set *set = img_set_open(sub(name), &err);

	if (!set)
		fail_msg("%s", err.text);
	return set;
}

static void test_flatten(void **state)
{
	struct img_set *set, *to;
	struct img_pages_reader *r;
	const struct img_run *runs;
	size_t nr;

	put_set("1", NULL, "abcdef", false, true);
	put_set("2", "../1", "PPxP..", true, true);
	put_set("3", "../2", "PyPP.z", false, true);
	set = open_sub("3");
	to = img_set_create_memory(&err);
	OK(img_set_flatten(set, to, NULL, &err));
	expect_map(to, 7, "ayxd.z");
	GIVES(0, img_set_verify(to, print, NULL, &err));
	GIVES(1, img_pages_open(to, IMG_PAGEMAP, 7, &r, &err));
	runs = img_pages_runs(r, &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(runs[0].nr_pages, 4);
	assert_int_equal(runs[1].flags, IMG_RUN_PRESENT);
	img_pages_close(r);
	img_set_close(to);
	img_set_close(set);

	/* To a compressed archive, and one from its copy in an archive whose parents are directories. */
	set = open_sub("3");
	to = img_set_create_archive(sub("4.tar"), &(struct img_zstd_options){ 0 }, &err);
	OK(img_set_convert(set, to, &(struct img_convert_options){ .parent = "2" }, &err));
	img_set_close(to);
	img_set_close(set);
	set = open_sub("4.tar");
	expect_map(set, 7, "ayxd.z");
	to = img_set_create_memory(&err);
	OK(img_set_flatten(set, to, NULL, &err));
	expect_map(to, 7, "ayxd.z");
	img_set_close(to);
	img_set_close(set);
}

static uint64_t blocks(const char *name)
{
	struct stat st;

	assert_int_equal(stat(sub(name), &st), 0);
	return st.st_blocks * 512;
}

static void test_dedup(void **state)
{
	struct img_dedup_result result;
	struct img_set *set, *parent;

	for (int compressed = 0; compressed < 2; compressed++) {
		put_set("1", NULL, "abcdef", compressed, true);
		put_set("2", "../1", "PPxP..", compressed, true);
		put_set("3", "../2", "PyPPqz", false, true);
		set = open_sub("3");
		OK(img_set_dedup(set, NULL, &result, &err));
		/* b and c of 1 (y, x); e and f: what 2 says of them is that they are zero, so 3 does not get there. */
		assert_int_equal(result.pages, 2);
		if (!compressed && blocks("1/pages-1.img") != 4 * IMG_PAGE)
			print_message("# no holes here: %lu bytes\n", (unsigned long)blocks("1/pages-1.img"));
		img_set_close(set);
		for (int again = 0; again < 2; again++) {
			set = open_sub("3");
			expect_map(set, 7, "ayxdqz");
			GIVES(0, img_set_verify(set, print, NULL, &err));
			GIVES(1, img_set_parent(set, &parent, &err));
			GIVES(0, img_set_verify(parent, print, NULL, &err));
			GIVES(1, img_set_parent(parent, &parent, &err));
			GIVES(0, img_set_verify(parent, print, NULL, &err));
			expect_map(parent, 7, "a..def");
			if (!again)
				OK(img_set_dedup(set, NULL, &result, &err));
			img_set_close(set);
		}
		temp_dir_free(dir);
		dir = temp_dir();
	}
}

/* ---- losses, unknown things ---- */

static void note(void *arg, const char *what)
{
	strcat(arg, what);
	strcat(arg, "; ");
}

static void test_loss(void **state)
{
	struct img_set *set = img_set_create_memory(&err), *to = img_set_create_memory(&err);
	char lost[300] = "";
	struct img_convert_options opt = { .version = IMG_VERSION_1_0, .lost = note, .arg = lost };
	ManifestEntry *m;

	put_inventory(set, 2);
	put_map(set, 7, "abL");
	OK(img_set_require(set, "teleport", &err));
	OK(img_set_require(set, "timens", &err));
	OK(img_set_seal(set, "maker", "7", &err));
	FAILS(IMG_UNSUPPORTED, "would be lost: manifest.img: requires 'teleport'",
		img_set_convert(set, to, &opt, &err));
	assert_non_null(strstr(lost, "teleport"));
	assert_non_null(strstr(lost, "pagemap-7.img"));
	assert_null(strstr(lost, "timens"));
	GIVES(0, img_set_has(to, "inventory.img", &err));
	opt.lossy = true;
	OK(img_set_convert(set, to, &opt, &err));
	img_set_close(to);

	/* A copy has the same identity, features and producer. */
	to = img_set_create_memory(&err);
	OK(img_set_convert(set, to, NULL, &err));
	GIVES(1, img_manifest_read(to, &m, &err));
	assert_int_equal(m->n_requires, 2);
	assert_string_equal(m->producer, "maker");
	assert_string_equal(m->producer_version, "7");
	img_message_free(&m->base);
	same_sets(set, to);
	img_set_close(to);
	img_set_close(set);
}

static int stop(void *arg, uint64_t done, uint64_t total)
{
	return done > 100 * IMG_PAGE;
}

static void test_interrupt(void **state)
{
	struct img_set *set = img_set_create_memory(&err), *to;
	char *runs = malloc(6001);

	memset(runs, 'a', 6000);
	runs[6000] = '\0';
	put_inventory(set, 2);
	put_map(set, 7, runs);
	OK(img_set_seal(set, "maker", "7", &err));
	to = img_set_create_archive(sub("x.tar"), NULL, &err);
	FAILS(IMG_SYS, "interrupted",
		img_set_convert(set, to, &(struct img_convert_options){ .progress = stop }, &err));
	img_set_close(to);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	img_set_close(set);
	free(runs);
}

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

/* ---- a part ---- */

static void test_extract(void **state)
{
	struct img_set *set, *to;
	unsigned int tasks = 0, all = 0;
	ProtobufCMessage *msg;
	struct img_reader *r;
	uint32_t root = 0;
	char cmd[300];

	if (getenv("GOLDEN"))
		snprintf(cmd, sizeof(cmd), "cp -r $GOLDEN/tree/img %s/img", dir);
	else
		snprintf(cmd, sizeof(cmd),
			"tar -C %s --wildcards --transform 's,.*/tree/img,img,' -xJf " GOLDEN_ARCHIVE
			" '*/tree/img/*'",
			dir);
	assert_int_equal(system(cmd), 0);
	set = open_sub("img");
	GIVES(1, img_reader_open(set, IMG_PSTREE, 0, &r, &err));
	while (img_read(r, &msg, &err) == 1) {
		if (((PstreeEntry *)msg)->ppid && !root)
			root = ((PstreeEntry *)msg)->pid;
		all++;
		img_message_free(msg);
	}
	img_reader_close(r);
	assert_true(root);
	to = img_set_create_memory(&err);
	OK(img_set_extract(set, root, to, &(struct img_convert_options){ .version = IMG_VERSION_2 }, &err));
	GIVES(0, img_set_verify(to, print, NULL, &err));
	GIVES(1, img_reader_open(to, IMG_PSTREE, 0, &r, &err));
	while (img_read(r, &msg, &err) == 1) {
		PstreeEntry *e = (PstreeEntry *)msg;
		char name[IMG_NAME_MAX];

		if (!tasks++) {
			assert_int_equal(e->pid, root);
			assert_int_equal(e->ppid, 0);
		}
		GIVES(1, img_set_has(to, img_kind_file_name(IMG_CORE, e->pid, name), &err));
		img_message_free(msg);
	}
	img_reader_close(r);
	print_message("# %u of %u tasks\n", tasks, all);
	assert_true(tasks < all);
	img_set_close(to);
	to = img_set_create_memory(&err);
	FAILS(IMG_USAGE, "no task 99999", img_set_extract(set, 99999, to, NULL, &err));
	img_set_close(to);
	img_set_close(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_golden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flatten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dedup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_forms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_maps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extract, setup, teardown),
	};

	RUN("convert/sets", tests);
}
