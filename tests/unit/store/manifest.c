/* tests/unit/store/manifest.c -- a set's manifest: what it says, that it is stable, and what holding a set against it finds. */

#include "tests/unit/imgtest.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "criuimg/manifest.h"
#include "manifest.pb-c.h"

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

static void put(struct img_set *set, const char *name, const void *data, size_t size)
{
	struct img_sink *sink = img_set_sink(set, name, &err);

	if (!sink)
		fail_msg("%s", err.text);
	OK(img_sink_write(sink, data, size, &err));
	OK(img_sink_finish(sink, &err));
}

static ManifestEntry *manifest_of(struct img_set *set)
{
	ManifestEntry *m;

	GIVES(1, img_manifest_read(set, &m, &err));
	return m;
}

static void test_content(void **state)
{
	static const char *const features[] = { "sse", "avx", "fpu" };
	static const struct img_host_facts facts = { .kernel_release = "6.18.1",
		.arch = "x86_64",
		.page_size = 4096,
		.cpu_features = features,
		.nr_cpu_features = 3,
		.created = 77 };
	struct img_set *set = img_set_create_memory(&err);
	unsigned char digest[IMG_DIGEST_SIZE];
	ManifestEntry *m;

	GIVES(0, img_manifest_read(set, &m, &err));
	put(set, "pages-1.img", "data", 4);
	put(set, "core-7.img", "core", 4);
	put(set, "core-7.img", "again", 5);
	put(set, "plugin.dat", "?", 1);
	put(set, "stats-dump", "s", 1);
	OK(img_set_require(set, "timens", &err));
	OK(img_set_require(set, "pages-zstd", &err));
	OK(img_set_require(set, "timens", &err));
	OK(img_set_host_facts(set, &facts, &err));
	OK(img_set_seal(set, "test", "1.0", &err));

	m = manifest_of(set);
	assert_int_equal(m->format_version, 2);
	assert_string_equal(m->producer, "test");
	assert_string_equal(m->producer_version, "1.0");
	assert_int_equal(m->n_requires, 2);
	assert_string_equal(m->requires[0], "pages-zstd");
	assert_string_equal(m->requires[1], "timens");
	assert_string_equal(m->host->kernel_release, "6.18.1");
	assert_string_equal(m->host->arch, "x86_64");
	assert_int_equal(m->host->page_size, 4096);
	assert_int_equal(m->host->n_cpu_features, 3);
	assert_string_equal(m->host->cpu_features[0], "avx");
	assert_string_equal(m->host->cpu_features[2], "sse");
	assert_null(m->host->boot_id);
	assert_int_equal(m->created, 77);
	assert_false(m->has_parent_id);
	assert_int_equal(m->n_members, 3);
	assert_string_equal(m->members[0]->name, "core-7.img");
	assert_string_equal(m->members[0]->kind, "CORE");
	assert_int_equal(m->members[0]->kind_revision, img_kind_info(IMG_CORE)->revision);
	assert_int_equal(m->members[0]->size, 5);
	img_digest_block("again", 5, digest);
	assert_int_equal(m->members[0]->digest.len, IMG_DIGEST_SIZE);
	assert_memory_equal(m->members[0]->digest.data, digest, IMG_DIGEST_SIZE);
	assert_string_equal(m->members[1]->kind, "PAGES");
	assert_string_equal(m->members[2]->name, "plugin.dat");
	assert_string_equal(m->members[2]->kind, "");
	img_message_free(&m->base);

	/* Complete: nothing more, but for reports. */
	FAILS_NULL(IMG_USAGE, "complete already", img_set_sink(set, "core-8.img", &err));
	FAILS(IMG_USAGE, "not being written", img_set_seal(set, "test", NULL, &err));
	put(set, "stats-restore", "s", 1);
	img_set_close(set);
}

/* The order of writing does not show. */
static void test_deterministic(void **state)
{
	struct img_set *a = img_set_create_memory(&err), *b = img_set_create_memory(&err);
	ManifestEntry *m[3];

	put(a, "core-1.img", "one", 3);
	put(a, "core-2.img", "two", 3);
	put(b, "core-2.img", "two", 3);
	put(b, "core-1.img", "one", 3);
	OK(img_set_seal(a, "test", NULL, &err));
	OK(img_set_seal(b, "test", NULL, &err));
	m[0] = manifest_of(a);
	m[1] = manifest_of(b);
	assert_memory_equal(m[0]->set_id.data, m[1]->set_id.data, IMG_DIGEST_SIZE);
	assert_int_equal(protobuf_c_message_get_packed_size(&m[0]->base),
		protobuf_c_message_get_packed_size(&m[1]->base));
	img_set_close(b);

	b = img_set_create_memory(&err);
	put(b, "core-1.img", "one", 3);
	put(b, "core-2.img", "twp", 3);
	OK(img_set_seal(b, "test", NULL, &err));
	m[2] = manifest_of(b);
	assert_true(memcmp(m[0]->set_id.data, m[2]->set_id.data, IMG_DIGEST_SIZE) != 0);
	for (int i = 0; i < 3; i++)
		img_message_free(&m[i]->base);
	img_set_close(a);
	img_set_close(b);
}

/* A new dump into the same directory takes the old manifest away with its first image; a report does not. */
static void test_stale(void **state)
{
	struct img_set *set = img_set_create_dir(AT_FDCWD, dir, &err);

	put(set, "core-1.img", "one", 3);
	OK(img_set_seal(set, "test", NULL, &err));
	img_set_close(set);

	set = img_set_create_dir(AT_FDCWD, dir, &err);
	put(set, "stats-restore", "s", 1);
	GIVES(1, img_set_has(set, "manifest.img", &err));
	put(set, "core-2.img", "two", 3);
	GIVES(0, img_set_has(set, "manifest.img", &err));
	img_set_close(set);
}

static char findings[4096];

static int note_finding(void *arg, const char *name, const struct img_err *finding)
{
	size_t len = strlen(findings);

	snprintf(findings + len, sizeof(findings) - len, "%s %s\n", name, finding->text);
	return arg != NULL;
}

static void expect_findings(int nr, const char *text)
{
	struct img_set *set = img_set_open_dir(AT_FDCWD, dir, &err);

	*findings = '\0';
	GIVES(nr, img_set_verify(set, note_finding, NULL, &err));
	assert_string_equal(findings, text);
	img_set_close(set);
}

static void overwrite(const char *name, off_t at, const char *text)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	close(fd);
}

static void test_verify(void **state)
{
	struct img_set *set = img_set_create_dir(AT_FDCWD, dir, &err);
	cleanup_free char *big = calloc(1, 3 * IMG_DIGEST_BLOCK);
	char path[200];

	FAILS(IMG_CORRUPT, "no manifest", img_set_verify(set, note_finding, NULL, &err));
	put(set, "core-1.img", "one", 3);
	put(set, "core-2.img", "two", 3);
	put(set, "pages-1.img", big, 3 * IMG_DIGEST_BLOCK - 1);
	put(set, "pages-2.img", "", 0);
	OK(img_set_seal(set, "test", NULL, &err));
	img_set_close(set);
	expect_findings(0, "");

	overwrite("stats-dump", 0, "x");
	overwrite("notes.txt", 0, "x");
	expect_findings(0, "");
	overwrite("core-3.img", 0, "x");
	expect_findings(1, "core-3.img the manifest does not list it\n");
	overwrite("core-1.img", 0, "O");
	overwrite("pages-1.img", IMG_DIGEST_BLOCK + 7, "x");
	overwrite("core-2.img", 3, "more");
	snprintf(path, sizeof(path), "%s/pages-2.img", dir);
	unlink(path);
	expect_findings(5, "core-1.img its content is not what was written: the digest differs\n"
			   "core-2.img has 7 bytes, the manifest says 3\n"
			   "pages-1.img its content is not what was written: the digest differs\n"
			   "pages-2.img is missing\n"
			   "core-3.img the manifest does not list it\n");

	/* Enough after one. */
	set = img_set_open_dir(AT_FDCWD, dir, &err);
	GIVES(1, img_set_verify(set, note_finding, "stop", &err));
	img_set_close(set);
}

static void test_parent(void **state)
{
	struct img_set *old, *set = img_set_create_dir(AT_FDCWD, dir, &err);
	ManifestEntry *a, *b;

	assert_int_equal(mkdirat(img_set_dirfd(set), "old", 0700), 0);
	old = img_set_create_dir(img_set_dirfd(set), "old", &err);
	put(old, "core-1.img", "one", 3);
	OK(img_set_seal(old, "test", NULL, &err));
	OK(img_set_link_parent(set, "old", &err));
	put(set, "core-1.img", "two", 3);
	OK(img_set_seal(set, "test", NULL, &err));
	a = manifest_of(old);
	b = manifest_of(set);
	assert_true(b->has_parent_id);
	assert_memory_equal(a->set_id.data, b->parent_id.data, IMG_DIGEST_SIZE);
	img_message_free(&a->base);
	img_message_free(&b->base);
	img_set_close(old);
	img_set_close(set);
	expect_findings(0, "");

	set = img_set_open_dir(AT_FDCWD, dir, &err);
	old = img_set_create_dir(img_set_dirfd(set), "old", &err);
	put(old, "core-1.img", "uno", 3);
	expect_findings(1, "parent has no manifest any more\n");
	OK(img_set_seal(old, "test", NULL, &err));
	expect_findings(1, "parent is not the set that this one was made on\n");
	unlinkat(img_set_dirfd(set), "parent", 0);
	expect_findings(1, "parent is missing\n");
	img_set_close(old);
	img_set_close(set);
}

static void test_requires(void **state)
{
	static const char *const known[] = { "timens", "tcp-repair" };
	struct img_set *set = img_set_create_memory(&err);
	ManifestEntry *m;

	OK(img_set_require(set, "tcp-repair", &err));
	OK(img_set_require(set, "warp", &err));
	OK(img_set_require(set, "beam", &err));
	OK(img_set_seal(set, "test", NULL, &err));
	m = manifest_of(set);
	FAILS(IMG_UNSUPPORTED, "beam, warp", img_manifest_check_requires(m, known, 2, &err));
	m->n_requires = 0;
	OK(img_manifest_check_requires(m, known, 2, &err));
	m->n_requires = 3;
	img_message_free(&m->base);
	img_set_close(set);
}

/* Manifests that contradict themselves are not read. */
static void test_refused(void **state)
{
	struct img_set *set = img_set_create_memory(&err);
	unsigned char id[IMG_DIGEST_SIZE] = { 0 };
	ManifestMember a = MANIFEST_MEMBER__INIT, b = MANIFEST_MEMBER__INIT, *members[] = { &a, &b };
	char *requires[] = { "b", "a" };
	ManifestEntry m = MANIFEST_ENTRY__INIT;
	struct img_writer *w;

	a.name = b.name = a.kind = b.kind = "x";
	m.producer = "test";
	m.set_id.data = id;
	m.set_id.len = sizeof(id);
	m.members = members;
	m.requires = requires;

	for (int i = 0; i < 7; i++) {
		static const struct {
			enum img_code code;
			const char *words;
		} want[] = {
			{ IMG_CORRUPT, "set_id does not fit" },
			{ IMG_UNSUPPORTED, "version 3" },
			{ IMG_CORRUPT, "not sorted" },
			{ IMG_CORRUPT, "features are not sorted" },
			{ IMG_CORRUPT, "no name" },
			{ IMG_CORRUPT, "digest of 3 bytes" },
			{ IMG_CORRUPT, "parent_id has 4" },
		};
		ManifestEntry bad = m;

		bad.format_version = i == 1 ? 3 : 2;
		bad.n_members = i == 2 ? 2 : i == 4 || i == 5 ? 1 : 0;
		bad.n_requires = i == 3 ? 2 : 0;
		a.name = i == 4 ? "../x" : "x";
		a.digest.data = id;
		a.digest.len = i == 5 ? 3 : 0;
		bad.has_parent_id = i == 6;
		bad.parent_id.data = id;
		bad.parent_id.len = 4;
		w = img_writer_to_sink(img_sink_memory_new(&err), IMG_MANIFEST, &err);
		FAILS(want[i].code, want[i].words, img_write(w, &bad.base, &err));
		img_writer_abort(w);
	}
	img_set_close(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_content, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deterministic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requires, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	RUN("store/manifest", tests);
}
