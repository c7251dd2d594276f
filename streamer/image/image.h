/* streamer/image/image.h -- criu-image-streamer: images between an engine and shards, with no file in between.
 *
 *	capture		engine -> pipes -> shards	(capture.c, shard-write.c)
 *	serve		shards -> memory -> pipes -> engine	(serve.c, keep.c, shard-read.c)
 *	extract		shards -> files			(extract.c, shard-read.c)
 *
 * The engine's end: control.c. Facts: proto/img-streamer.proto, proto/img-shard.proto, docs/format.md.
 */
#ifndef STREAMER_IMAGE_H
#define STREAMER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

#define IMAGE_NAME_MAX 255 /* bytes of a file's name */

/* ---- what it was asked (options.c) ---- */

struct ext_file {
	char *name;
	int fd;
};

struct port_remap {
	uint16_t from, to;
};

struct streamer {
	const char *operation; /* "capture", "serve", "extract" */
	const char *dir;
	int dirfd;
	int *shards;
	size_t nr_shards;
	struct ext_file *ext;
	size_t nr_ext;
	struct port_remap *remaps;
	size_t nr_remaps;
	int progress; /* descriptor */
};

/* 0; 1: all is done (--help); -1: IMG_USAGE. */
int streamer_options(struct streamer *s, int argc, char **argv, struct img_err *err);
void streamer_options_free(struct streamer *s);

int streamer_capture(const struct streamer *s, struct img_err *err);
int streamer_serve(const struct streamer *s, struct img_err *err);
int streamer_extract(const struct streamer *s, struct img_err *err);

/* The descriptor that a file of this name goes to, -1: none. */
int streamer_ext_fd(const struct streamer *s, const char *name);
bool image_name_ok(const char *name);

/* ---- progress.c ---- */

struct shard_stat {
	uint64_t size;	  /* bytes */
	uint64_t millis; /* from the first byte to the last */
};
uint64_t now_ms(void);
/* A line, with its newline. Nobody there to read it is no failure. */
void progress_line(int fd, const char *line);
void progress_stats(int fd, const struct shard_stat *stats, size_t nr);

/* ---- control.c: the socket that an engine connects to ---- */

/* Listen at name in the directory. */
int control_listen(const struct streamer *s, const char *name, struct img_err *err);
/* The engine's connection. The name of the socket goes. */
int control_accept(const struct streamer *s, const char *name, int listener, struct img_err *err);
/* 1 with a name (checked), 0 when the engine has closed, -1. */
int control_request(int sock, char name[IMAGE_NAME_MAX + 1], struct img_err *err);
int control_reply(int sock, bool exists, struct img_err *err);
/* The end of a pipe that belongs to the last request: FD_CLOEXEC; or -1. */
int control_take_fd(int sock, struct img_err *err);

/* ---- markers (marker.c) ---- */

#define MARKER_MAX 512 /* bytes of one, size and message */

enum marker_what { MARKER_FILE, MARKER_DATA, MARKER_FILE_END, MARKER_IMAGE_END };

struct marker {
	uint64_t seq;
	enum marker_what what;
	uint32_t data;			 /* MARKER_DATA */
	char name[IMAGE_NAME_MAX + 1]; /* MARKER_FILE */
};
/* Size and message. Returns the number of bytes. */
size_t marker_pack(const struct marker *m, unsigned char buf[MARKER_MAX]);
/* The message alone, len bytes. */
int marker_unpack(const unsigned char *buf, size_t len, struct marker *m, struct img_err *err);

/* ---- shard-read.c ---- */

struct shard_ops {
	/* What comes next belongs to this file. */
	int (*file)(void *arg, const char *name, struct img_err *err);
	/* len bytes of it: all of them are to be read from fd, with shard_read_full() or otherwise. */
	int (*data)(void *arg, int fd, uint32_t len, struct img_err *err);
	/* It is whole. */
	int (*end)(void *arg, struct img_err *err);
};
/* All of the set, in order. stats: one for each shard. */
int shards_read(const int *fds, size_t nr, const struct shard_ops *ops, void *arg, struct shard_stat *stats,
	struct img_err *err);
/* len bytes of a shard to another descriptor, without a copy where that can be done. */
int ext_copy(int shard, int to, uint32_t len, struct img_err *err);
/* len bytes of a shard, or IMG_CORRUPT. */
int shard_read_full(int fd, void *buf, size_t len, struct img_err *err);

/* ---- keep.c: a set in memory, until it is asked for ---- */

struct keep;
struct kept_file;

struct keep *keep_new(struct img_err *err);
void keep_free(struct keep *k);
/* The file of that name, made when there is none. NULL: no memory. */
struct kept_file *keep_file(struct keep *k, const char *name);
/* Take the file of that name out: NULL when there is none. Then kept_free(). */
struct kept_file *keep_take(struct keep *k, const char *name);
/* len bytes from a shard behind what it has. */
int kept_append(struct kept_file *f, int fd, uint32_t len, struct img_err *err);
bool kept_ended(const struct kept_file *f);
void kept_end(struct kept_file *f);
/* Some of it into a pipe that does not block; the memory goes at once. 1: all is out; 0: the pipe is full; -1 with errno. */
int kept_send(struct kept_file *f, int pipe);
void kept_free(struct kept_file *f);
/* All bytes of it, in one piece (malloc), in place of what it has. */
int kept_bytes(const struct kept_file *f, unsigned char **data, size_t *size, struct img_err *err);
int kept_replace(struct kept_file *f, unsigned char *data, size_t size, struct img_err *err);
/* Every file. */
int keep_each(struct keep *k, int (*fn)(void *arg, const char *name, struct kept_file *f, struct img_err *err), void *arg,
	struct img_err *err);

/* ---- remap.c ---- */

/* Does an image of this name have listening sockets? */
bool remap_concerns(const char *name);
/* Change the ports of listening TCP sockets in an image. *data: malloc, replaced. */
int remap_ports(const struct streamer *s, const char *name, unsigned char **data, size_t *size, struct img_err *err);

#endif
