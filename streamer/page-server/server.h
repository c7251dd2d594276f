/* streamer/page-server/server.h -- a page server: receives page maps and pages, or serves them.
 *
 * What a connection brings is put together in a directory of its own below the images directory (store.c) and moves there when the
 * other end says that all was sent. A connection that ends before that leaves nothing.
 */
#ifndef STREAMER_PAGE_SERVER_H
#define STREAMER_PAGE_SERVER_H

#include <pthread.h>
#include <stdbool.h>

#include "criuimg/pages.h"
#include "criuimg/set.h"
#include "log/log.h"
#include "options/options.h"
#include "remote/conn.h"

struct page_server {
	int port; /* it listens at; 0: it was given a socket */
	const struct options *opt;
	struct log *log;
	pthread_mutex_t lock; /* of all below, and of the log's first_error */

	struct img_set *images; /* to be read: what is there, and its parent */
	struct img_set *stage;	/* to be written; what is finished there is not yet in the images directory */
	int images_fd, stage_fd; /* directories; -1: the sets are in memory (tests) */
	char stage_name[32];

	struct page_server_open *open; /* page maps that some connection is sending */
	size_t nr_open, room_open;
};

struct page_server_open {
	enum img_kind kind;
	uint64_t id;
};

/* ---- store.c ---- */

/* The sets; clears away what a server that was killed left there. */
int page_server_store_open(struct page_server *s, struct img_err *err);
void page_server_store_close(struct page_server *s);
/* A file that was finished in the stage moves to the images directory, or goes. */
int page_server_publish(struct page_server *s, const char *name, struct img_err *err);
void page_server_drop(struct page_server *s, const char *name);
/* --auto-dedup: parents drop what has come anew. */
int page_server_dedup(struct page_server *s, struct img_err *err);
/* Before the first is published: from now on this is not the set that it was. */
int page_server_unseal(struct page_server *s, struct img_err *err);

/* ---- session.c ---- */

/* Serve one connection until it ends. 0 when the other end said that it has sent all, or asked nothing; -1. */
int page_server_session(struct page_server *s, struct remote_conn *conn, struct img_err *err);

/* ---- receive.c ---- */

struct page_server_receiver;

struct page_server_receiver *page_server_receiver_new(struct page_server *s, struct remote_conn *conn);
/* From here on pages are of this map. */
int page_server_receive_map(
	struct page_server_receiver *r, enum img_kind kind, uint64_t id, bool *parent, struct img_err *err);
/* Pages of that map; with PRESENT in flags their bytes come through the connection. */
int page_server_receive_run(struct page_server_receiver *r, uint64_t addr, uint64_t nr_pages, uint32_t flags,
	struct img_err *err);
/* All is there: publish it. */
int page_server_receive_end(struct page_server_receiver *r, struct img_err *err);
/* Drops what was not published. NULL is fine. */
void page_server_receiver_free(struct page_server_receiver *r);
/* Has the parent of the images this map: 1, 0, -1. */
int page_server_in_parent(struct page_server *s, enum img_kind kind, uint64_t id, struct img_err *err);

/* ---- serve.c ---- */

struct page_server_reader;

/* Pages for lazy-pages: as many of [addr, addr + nr_pages) as follow each other in the map of task pid. */
int page_server_serve(struct page_server *s, struct remote_conn *conn, struct page_server_reader **readers,
	uint64_t pid, uint64_t addr, uint64_t nr_pages, struct img_err *err);
void page_server_readers_free(struct page_server_reader *readers);

/* ---- loop.c ---- */

/* Accept and serve; returns when no connection is left and there was one. -1 when any of them failed, with the first reason. */
int page_server_loop(struct page_server *s, int listener, struct img_err *err);

#endif
