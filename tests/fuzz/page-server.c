/* tests/fuzz/page-server.c -- what comes through a connection to a page server. The first byte: 1 it serves pages, too. What is
 * stored in the end can be read, whatever came. */

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "criuimg/pages.h"
#include "streamer/page-server/server.h"
#include "tests/fuzz/fuzz.h"

/* Task 7 has four pages at 0x10000 and one at 0x20000. */
static struct img_set *images_new(void)
{
	static const char pages[5 * IMG_PAGE] = "some";
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = img_set_create_memory(&err);
	const struct iovec iov = { (void *)pages, sizeof(pages) };
	struct img_pages_writer *w;

	MUST(set);
	w = img_pages_create(set, IMG_PAGEMAP, 7, &err);
	MUST(w);
	MUST_WORK(img_pages_run(w, 0x10000, 4, IMG_RUN_PRESENT, &err), &err);
	MUST_WORK(img_pages_run(w, 0x20000, 1, IMG_RUN_PRESENT | IMG_RUN_LAZY, &err), &err);
	MUST_WORK(img_pages_data(w, &iov, 1, &err), &err);
	MUST_WORK(img_pages_finish(w, &err), &err);
	return set;
}

static int stored_check(void *arg, const char *name, struct img_err *err)
{
	uint64_t id;
	enum img_kind kind = img_kind_by_file(name, &id);
	struct img_pages_reader *pages;

	if (kind != IMG_PAGEMAP && kind != IMG_SHMEM_PAGEMAP)
		return 0;
	MUST(img_pages_open(arg, kind, id, &pages, err) == 1);
	img_pages_close(pages);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct options opt = { .lazy_pages = size && data[0] & 1 };
	/* Who does not read the answers is not waited for. */
	const struct timeval soon = { 0, 1000 };
	struct img_err err = IMG_ERR_INIT;
	struct log log = { .fd = -1 };
	struct page_server server = { .opt = &opt, .log = &log, .lock = PTHREAD_MUTEX_INITIALIZER, .images_fd = -1, .stage_fd = -1 };
	struct remote_conn conn = { .fd = -1 };
	int ends[2];

	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	if (size > 1)
		MUST(send(ends[0], data + 1, size - 1, MSG_DONTWAIT) == (ssize_t)size - 1);
	shutdown(ends[0], SHUT_WR);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	conn.fd = ends[1];
	server.images = images_new();
	server.stage = img_set_create_memory(&err);
	MUST(server.stage);

	if (page_server_session(&server, &conn, &err) < 0) {
		MUST(err.code == IMG_CORRUPT || err.code == IMG_UNSUPPORTED || err.code == IMG_SYS);
		MUST(*err.text);
	}
	MUST(!server.nr_open);
	err = (struct img_err)IMG_ERR_INIT;
	MUST_WORK(img_set_each(server.stage, stored_check, server.stage, &err), &err);

	free(server.open);
	img_set_close(server.stage);
	img_set_close(server.images);
	remote_close(&conn);
	close(ends[0]);
	return 0;
}
