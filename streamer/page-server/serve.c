/* streamer/page-server/serve.c -- pages for others to have on demand (--lazy-pages): from the images that are there. */

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "streamer/page-server/server.h"
#include "remote/wire.h"

enum { ANSWER_MAX = 1024 }; /* pages */

/* The page maps that a connection has asked for. */
struct page_server_reader {
	uint64_t pid;
	struct img_pages_reader *pages; /* NULL: there is no such map */
	struct page_server_reader *next;
};

static struct page_server_reader *reader_of(
	struct page_server *s, struct page_server_reader **readers, uint64_t pid, struct img_err *err)
{
	struct page_server_reader *r = *readers;
	int ret;

	while (r && r->pid != pid)
		r = r->next;
	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (!r) {
		img_fail_nomem(err);
		return NULL;
	}
	r->pid = pid;
	pthread_mutex_lock(&s->lock);
	ret = img_pages_open(s->images, IMG_PAGEMAP, pid, &r->pages, err);
	pthread_mutex_unlock(&s->lock);
	if (ret <= 0) {
		free(r);
		if (ret == 0)
			img_fail(err, IMG_CORRUPT, "there is no task %" PRIu64, pid);
		return NULL;
	}
	r->next = *readers;
	*readers = r;
	return r;
}

/* How many pages from addr on are in the map, one behind the other. */
static uint64_t there(const struct img_pages_reader *pages, uint64_t addr, uint64_t most)
{
	size_t nr, i = img_pages_find(pages, addr);
	const struct img_run *runs = img_pages_runs(pages, &nr);
	uint64_t end = addr;

	for (; i < nr && runs[i].addr <= end && end - addr < most * IMG_PAGE; i++)
		end = runs[i].addr + runs[i].nr_pages * IMG_PAGE;
	return (end - addr) / IMG_PAGE < most ? (end - addr) / IMG_PAGE : most;
}

int page_server_serve(struct page_server *s, struct remote_conn *conn, struct page_server_reader **readers,
	uint64_t pid, uint64_t addr, uint64_t nr_pages, struct img_err *err)
{
	struct remote_request answer = {
		.cmd = remote_cmd_flags(REMOTE_ADD_F, IMG_RUN_PRESENT), .vaddr = addr, .dst_id = pid
	};
	struct iovec iov[2] = { { &answer, sizeof(answer) } };
	struct page_server_reader *r;
	char *buf;
	int ret;

	if (!pid || pid > INT_MAX || addr % IMG_PAGE || !nr_pages ||
		nr_pages > (UINT64_MAX - addr) / IMG_PAGE)
		return img_fail(err, IMG_CORRUPT, "%" PRIu64 " pages at %#" PRIx64 " of task %" PRIu64,
			nr_pages, addr, pid);
	r = reader_of(s, readers, pid, err);
	if (!r)
		return -1;
	answer.nr_pages = there(r->pages, addr, nr_pages < ANSWER_MAX ? nr_pages : ANSWER_MAX);
	iov[1].iov_len = answer.nr_pages * IMG_PAGE;
	buf = malloc(iov[1].iov_len + 1);
	if (!buf)
		return img_fail_nomem(err);
	iov[1].iov_base = buf;
	ret = img_pages_read(r->pages, addr, answer.nr_pages, buf, err);
	if (ret == 0)
		ret = remote_sendv(conn, iov, answer.nr_pages ? 2 : 1, err);
	free(buf);
	return ret;
}

void page_server_readers_free(struct page_server_reader *readers)
{
	while (readers) {
		struct page_server_reader *next = readers->next;

		img_pages_close(readers->pages);
		free(readers);
		readers = next;
	}
}
