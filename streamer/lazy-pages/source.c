/* streamer/lazy-pages/source.c -- pages from the images, and from a page server. */

#include <inttypes.h>

#include "remote/tls.h"
#include "remote/wire.h"
#include "streamer/lazy-pages/lazy.h"

static int connect_server(struct lazy_source *src, const struct options *opt, struct img_err *err)
{
	if (opt->ps_socket >= 0)
		src->server.fd = opt->ps_socket;
	else if (remote_connect(opt->address, opt->port, &src->server.fd, err) < 0)
		return -1;
	if (opt->tls) {
		src->server.tls = remote_tls_start(opt, src->server.fd, false, opt->address, err);
		if (!src->server.tls)
			return -1;
	}
	return 0;
}

int lazy_source_open(struct lazy_source *src, const struct options *opt, struct img_err *err)
{
	*src = (struct lazy_source){ .server = { .fd = -1 } };
	src->set = img_set_open(opt->images_dir, err);
	if (!src->set)
		return -1;
	if (opt->page_server && connect_server(src, opt, err) < 0)
		return img_wrap(err, "page server");
	return 0;
}

int lazy_source_finish(struct lazy_source *src, struct img_err *err)
{
	const struct remote_request req = { .cmd = REMOTE_CLOSE };
	int32_t status;

	if (src->server.fd < 0)
		return 0;
	if (remote_send(&src->server, &req, sizeof(req), err) < 0 ||
		remote_recv_all(&src->server, &status, sizeof(status), err) < 0)
		return img_wrap(err, "page server");
	src->server.orderly = true;
	return status ? img_fail(err, IMG_SYS, "page server: status %d", status) : 0;
}

void lazy_source_close(struct lazy_source *src)
{
	remote_close(&src->server);
	img_set_close(src->set);
}

static int get(struct lazy_source *src, uint64_t pid, uint64_t addr, uint64_t nr_pages, char *buf,
	struct img_err *err)
{
	while (nr_pages) {
		const struct remote_request req = {
			.cmd = REMOTE_GET,
			.nr_pages = nr_pages,
			.vaddr = addr,
			.dst_id = pid,
		};
		struct remote_request answer;

		if (remote_send(&src->server, &req, sizeof(req), err) < 0 ||
			remote_recv_all(&src->server, &answer, sizeof(answer), err) < 0)
			return -1;
		if (answer.cmd != remote_cmd_flags(REMOTE_ADD_F, IMG_RUN_PRESENT) || answer.vaddr != addr ||
			answer.nr_pages > nr_pages)
			return img_fail(err, IMG_CORRUPT,
				"asked for %" PRIu64 " pages at %#" PRIx64
				", it answers with command %#x: %" PRIu64 " pages at %#" PRIx64,
				nr_pages, addr, answer.cmd, answer.nr_pages, answer.vaddr);
		if (!answer.nr_pages)
			return img_fail(err, IMG_CORRUPT, "it has no page at %#" PRIx64, addr);
		if (remote_recv_all(&src->server, buf, answer.nr_pages * IMG_PAGE, err) < 0)
			return -1;
		buf += answer.nr_pages * IMG_PAGE;
		addr += answer.nr_pages * IMG_PAGE;
		nr_pages -= answer.nr_pages;
	}
	return 0;
}

int lazy_source_read(struct lazy_source *src, const struct lazy_image *image, bool remote, uint64_t addr,
	uint64_t nr_pages, void *buf, struct img_err *err)
{
	if (!remote)
		return img_pages_read(image->pages, addr, nr_pages, buf, err);
	if (src->server.fd < 0)
		return img_fail(err, IMG_USAGE,
			"the page at %#" PRIx64 " is not in the images: --page-server says where to get it",
			addr);
	if (get(src, image->pid, addr, nr_pages, buf, err) < 0)
		return img_wrap(err, "page server");
	return 0;
}
