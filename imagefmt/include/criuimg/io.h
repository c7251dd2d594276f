/* criuimg/io.h -- bytes in and bytes out, through an interface.
 *
 * The library never opens a file behind the reader's back: whatever it reads or writes goes through a source or a sink,
 * so that tests and fuzzers need no disk, and an image can come from a file, from memory, out of a compressed archive or
 * from a pipe without anything above knowing.
 */
#ifndef CRIUIMG_IO_H
#define CRIUIMG_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "criuimg/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- bytes in ---- */

struct img_source;

struct img_source_ops {
	/* Read up to len bytes, at least one unless at the end (0). -1 on failure. Never short because of a signal. */
	ssize_t (*read)(void *self, void *buf, size_t len, struct img_err *err);
	/* Read exactly at offset without moving the position; NULL where the source cannot (a pipe). Returns bytes
	 * read; short only at the end. */
	ssize_t (*pread)(void *self, void *buf, size_t len, uint64_t offset, struct img_err *err);
	/* Total size in bytes, -1 when unknown. May be NULL (unknown). */
	int64_t (*size)(void *self);
	/* A descriptor that pread(2), splice(2) and mmap(2) can use directly, with the position of byte 0 in
	 * *offset, or -1. May be NULL. Borrowed: not to be closed. */
	int (*fd)(void *self, uint64_t *offset);
	/* Move on by len bytes without reading them, 0 or -1 (IMG_CORRUPT when the source ends before). May be NULL: then
	 * the bytes are read and dropped. */
	int (*skip)(void *self, uint64_t len, struct img_err *err);
	void (*close)(void *self); /* frees self */
};

/* Make a source of any object. Takes ownership of self on success. */
struct img_source *img_source_new(const struct img_source_ops *ops, void *self, struct img_err *err);
/* A file or pipe, from its current position on. Takes ownership of fd on success. Reads are buffered; of a regular file
 * img_source_fd() tells the descriptor, and its own position is neither used nor moved. */
struct img_source *img_source_fd_new(int fd, struct img_err *err);
/* Borrowed memory: must outlive the source. */
struct img_source *img_source_memory_new(const void *data, size_t size, struct img_err *err);

ssize_t img_source_read(struct img_source *src, void *buf, size_t len, struct img_err *err);
/* Exactly len bytes. Returns 1; 0 at the end before the first byte; -1 (IMG_CORRUPT "ends in the middle") when the
 * end comes later, or on failure. */
int img_source_read_full(struct img_source *src, void *buf, size_t len, struct img_err *err);
ssize_t img_source_pread(struct img_source *src, void *buf, size_t len, uint64_t offset, struct img_err *err);
bool img_source_can_pread(const struct img_source *src);
/* Move on by len bytes. Fails IMG_CORRUPT when the source ends before. */
int img_source_skip(struct img_source *src, uint64_t len, struct img_err *err);
/* Bytes handed out so far. */
uint64_t img_source_position(const struct img_source *src);
int64_t img_source_size(struct img_source *src);
int img_source_fd(struct img_source *src, uint64_t *offset);
void img_source_close(struct img_source *src); /* NULL is fine */

/* ---- bytes out ---- */

struct img_sink;

struct img_sink_ops {
	/* Write all of it. 0 or -1. */
	int (*write)(void *self, const void *buf, size_t len, struct img_err *err);
	/* The same for several buffers; may change the array. May be NULL: then each goes through write. */
	int (*writev)(void *self, struct iovec *iov, int nr, struct img_err *err);
	/* See img_source_ops.fd; only meaningful where the bytes written go to the descriptor unchanged. The sink
	 * must be flushed before it is used directly. May be NULL. */
	int (*fd)(void *self);
	/* The caller put len bytes into that descriptor itself, right behind what was written: count them. May be NULL
	 * where fd is. */
	int (*moved)(void *self, uint64_t len, struct img_err *err);
	/* See img_sink_block_digest(). May be NULL. */
	int (*block_digest)(void *self, uint64_t block, const unsigned char *digest, struct img_err *err);
	/* Push everything out and report a failure of doing so; called once, before close, when the result counts. */
	int (*finish)(void *self, struct img_err *err);
	void (*close)(void *self); /* frees self; without finish before it, what was written may be dropped */
};

/* Small writes are collected: ops->write sees them later, at the latest in img_sink_flush() and img_sink_finish(). */
struct img_sink *img_sink_new(const struct img_sink_ops *ops, void *self, struct img_err *err);
/* A file or pipe, from its current position on. Takes ownership of fd on success. Buffered. */
struct img_sink *img_sink_fd_new(int fd, struct img_err *err);
/* Grows in memory; img_sink_memory() tells what was written so far (borrowed until the next write or close). */
struct img_sink *img_sink_memory_new(struct img_err *err);
const void *img_sink_memory(struct img_sink *sink, size_t *size);

int img_sink_write(struct img_sink *sink, const void *buf, size_t len, struct img_err *err);
int img_sink_writev(struct img_sink *sink, const struct iovec *iov, int nr, struct img_err *err);
/* Write out what is buffered. */
int img_sink_flush(struct img_sink *sink, struct img_err *err);
/* Bytes taken so far, those in the buffer and those moved around it included. */
uint64_t img_sink_position(const struct img_sink *sink);
/* The descriptor the bytes go to unchanged (borrowed), or -1. Flush before using it. */
int img_sink_fd(struct img_sink *sink);
/* len bytes were put into img_sink_fd() directly, at the place where the next byte belonged. The sink was flushed before. */
int img_sink_moved(struct img_sink *sink, uint64_t len, struct img_err *err);
/* The digest (criuimg/digest.h) of block number `block` of what was or will be moved around the sink, for sinks that keep
 * one; others ignore it. */
int img_sink_block_digest(struct img_sink *sink, uint64_t block, const unsigned char *digest, struct img_err *err);
/* Flush, finish, close. Fails too when any write before failed. The sink is gone whatever is returned. */
int img_sink_finish(struct img_sink *sink, struct img_err *err);
/* Drop without finishing. NULL is fine. */
void img_sink_abort(struct img_sink *sink);

#ifdef __cplusplus
}
#endif
#endif
