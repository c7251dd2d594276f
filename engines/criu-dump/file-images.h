/* criu-dump/file-images.h -- what a run keeps of open files, and the images that they go to: files.c's own. */
#ifndef CRIU_DUMP_FILE_IMAGES_H
#define CRIU_DUMP_FILE_IMAGES_H

#include "criu-dump/file-ids.h"
#include "criuimg/image.h"

struct fd_table;

/* What a room keeps for the run. */
struct dump_kept {
	const struct fd_dump_ops *ops;
	void *memory;
	void (*drop)(void *);
	struct dump_kept *next;
};

/* files.img, remap-fpath.img, pipes-data.img, fifo-data.img, and room for what other rooms bring. */
#define DUMP_SHARED_IMAGES 16

struct dump_files {
	struct file_ids ids;
	struct fd_table *tables;
	struct {
		enum img_kind kind;
		struct img_writer *writer;
	} images[DUMP_SHARED_IMAGES];
	size_t nr_images;
	uint64_t *sockets; /* inodes of those that the tree has open, ascending */
	size_t nr_sockets;
	bool sockets_known;
	struct dump_inside *inside; /* files that are on their way inside of others */
	struct dump_kept *kept;
};

/* d->files, made if need be; NULL without memory. */
struct dump_files *dump_files_get(struct dump *d, struct img_err *err);
void dump_files_free_tables(struct fd_table *tables);
void dump_files_free_inside(struct dump_inside *in);
/* Finish all images; files.img is there even when no file was. */
int dump_files_close_images(struct dump *d, struct img_err *err);

/* What a descriptor that no room claims is, for people: "io_uring", "unix socket", "'/dev/fuse' (character device 10:229)". */
/* Has it the name of a file, and is a POSIX message queue? */
bool dump_is_mqueue(pid_t pid, int fd);
void dump_fd_kind(struct dump *d, struct dump_task *t, const struct fd_probe *probe, char *buf, size_t size);

#endif
