/* tests/unit/pages/threads.c -- several threads write page maps of one set, and read one page map, at the same time. */

#include "tests/unit/imgtest.h"

#include <fcntl.h>
#include <pthread.h>

#include "criuimg/manifest.h"
#include "criuimg/pages.h"
#include "manifest.pb-c.h"

#define THREADS 4
#define PAGES	200

struct job {
	struct img_set *set;
	struct img_pages_reader *r;
	int nr;
};

/* Page n of map nr. */
static void page_fill(unsigned char *page, int nr, int n)
{
	memset(page, nr * 53 + n, IMG_PAGE);
}

static void *write_map(void *arg)
{
	struct job *job = arg;
	struct img_err err = IMG_ERR_INIT;
	struct img_pages_writer *w = img_pages_create(job->set, IMG_PAGEMAP, job->nr, &err);
	unsigned char page[IMG_PAGE];
	struct iovec iov = { page, IMG_PAGE };
	bool ok = w;

	for (int n = 0; ok && n < PAGES; n++) {
		page_fill(page, job->nr, n);
		ok = !img_pages_run(w, (uint64_t)n * 2 * IMG_PAGE, 1, IMG_RUN_PRESENT, &err) &&
		     !img_pages_data(w, &iov, 1, &err);
	}
	return ok && !img_pages_finish(w, &err) ? job : NULL;
}

static void *read_map(void *arg)
{
	struct job *job = arg;
	struct img_err err = IMG_ERR_INIT;
	unsigned char want[IMG_PAGE], got[3 * IMG_PAGE];

	for (int k = 0; k < 2 * PAGES; k++) {
		int n = (k * 7 + job->nr * 31) % (PAGES - 1);

		page_fill(want, 1, n);
		if (img_pages_read(job->r, (uint64_t)n * 2 * IMG_PAGE, 3, got, &err) ||
			memcmp(got, want, IMG_PAGE) || got[IMG_PAGE])
			return NULL;
	}
	return job;
}

static void run_all(void *(*fn)(void *arg), struct img_set *set, struct img_pages_reader *r)
{
	struct job jobs[THREADS];
	pthread_t threads[THREADS];
	void *done;

	for (int i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ set, r, i + 1 };
		assert_int_equal(pthread_create(&threads[i], NULL, fn, &jobs[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &done), 0);
		assert_ptr_equal(done, &jobs[i]);
	}
}

static void check_set(struct img_set *set)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_pages_reader *r;
	ManifestEntry *m;

	run_all(write_map, set, NULL);
	OK(img_set_seal(set, "test", NULL, &err));
	GIVES(1, img_manifest_read(set, &m, &err));
	assert_int_equal(m->n_members, 2 * THREADS);
	img_message_free(&m->base);
	GIVES(0, img_set_verify(set, NULL, NULL, &err));
	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 1, &r, &err));
	run_all(read_map, set, r);
	img_pages_close(r);
	img_set_close(set);
}

static void test_directory(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	char *dir = temp_dir();

	check_set(img_set_create_dir(AT_FDCWD, dir, &err));
	temp_dir_free(dir);
}

static void test_memory(void **state)
{
	struct img_err err = IMG_ERR_INIT;

	check_set(img_set_create_memory(&err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_memory),
	};

	RUN("pages/threads", tests);
}
