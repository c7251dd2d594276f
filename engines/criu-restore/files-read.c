/* criu-restore/files-read.c -- files.img, pipes-data.img and fifo-data.img into the plan. */

#include "criu-restore/files-own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "fifo.pb-c.h"
#include "pipe.pb-c.h"

/* ---- files.img ---- */

static int add_file(struct restore_files *f, FileEntry *rec, struct img_err *err)
{
	struct file_plan *p = img_array_more(&f->files, f->nr, &f->room);

	if (!p)
		return img_fail_nomem(err);
	p->pub.id = rec->id;
	p->pub.rec = rec;
	p->maker_fd = -1;
	p->here = -1;
	f->nr++;
	return 0;
}

static int compare_files(const void *va, const void *vb)
{
	const struct file_plan *a = va, *b = vb;

	return a->pub.id < b->pub.id ? -1 : a->pub.id > b->pub.id;
}

struct file_plan *files_find(const struct restore_files *f, uint32_t id)
{
	struct file_plan seek = { .pub.id = id };

	return f->nr ? bsearch(&seek, f->files, f->nr, sizeof(seek), compare_files) : NULL;
}

/* Before files.img there was an image for each type, of the messages that files.img has inside. */
static int wrap_reg(FileEntry *rec, ProtobufCMessage *msg)
{
	rec->type = FD_TYPES__REG;
	rec->reg = (RegFileEntry *)msg;
	return (int)(rec->id = rec->reg->id);
}

static int wrap_pipe(FileEntry *rec, ProtobufCMessage *msg)
{
	rec->type = FD_TYPES__PIPE;
	rec->pipe = (PipeEntry *)msg;
	return (int)(rec->id = rec->pipe->id);
}

static int wrap_fifo(FileEntry *rec, ProtobufCMessage *msg)
{
	rec->type = FD_TYPES__FIFO;
	rec->fifo = (FifoEntry *)msg;
	return (int)(rec->id = rec->fifo->id);
}

static const struct {
	enum img_kind kind;
	int (*wrap)(FileEntry *rec, ProtobufCMessage *msg);
} images[] = {
	{ IMG_FILES, NULL },
	{ IMG_REG_FILES, wrap_reg },
	{ IMG_PIPES, wrap_pipe },
	{ IMG_FIFO, wrap_fifo },
};

static int read_image(struct restore *r, struct restore_files *f, size_t which, struct img_err *err)
{
	struct img_reader *reader = NULL;
	ProtobufCMessage *msg;
	int ret;

	ret = img_reader_open(r->set, images[which].kind, 0, &reader, err);
	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		FileEntry *rec = (FileEntry *)msg;

		if (images[which].wrap) {
			rec = malloc(sizeof(*rec));
			if (rec) {
				file_entry__init(rec);
				images[which].wrap(rec, msg);
			} else {
				img_message_free(msg);
				ret = img_fail_nomem(err);
				break;
			}
		}
		ret = add_file(f, rec, err);
		if (ret < 0) {
			img_message_free(&rec->base);
			break;
		}
	}
	img_reader_close(reader);
	return ret;
}

/* Two records of one file: how a tun file is opened, and what it is then. They become one, which has both. */
static bool joined(struct file_plan *a, struct file_plan *b)
{
	FileEntry *reg, *tun;

	if (a->pub.rec->type == FD_TYPES__TUNF) {
		struct file_plan swap = *a;

		*a = *b;
		*b = swap;
	}
	reg = (FileEntry *)a->pub.rec;
	tun = (FileEntry *)b->pub.rec;
	if (reg->type != FD_TYPES__REG || tun->type != FD_TYPES__TUNF || tun->reg)
		return false;
	tun->reg = steal_ptr(&reg->reg);
	img_message_free(&reg->base);
	return true;
}

static int join_records(struct restore_files *f, struct img_err *err)
{
	size_t nr = 0;

	for (size_t i = 0; i < f->nr; i++) {
		if (nr && f->files[i].pub.id == f->files[nr - 1].pub.id) {
			if (!joined(&f->files[nr - 1], &f->files[i])) {
				img_fail(err, IMG_CORRUPT, "two files with the id %#x", f->files[i].pub.id);
				/* What stays in the list is freed with it. */
				while (i < f->nr)
					f->files[nr++] = f->files[i++];
				f->nr = nr;
				return -1;
			}
			nr--;
		}
		f->files[nr++] = f->files[i];
	}
	f->nr = nr;
	return 0;
}

int files_read(struct restore *r, struct restore_files *f, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(images); i++)
		if (read_image(r, f, i, err) < 0)
			return -1;
	if (f->nr)
		qsort(f->files, f->nr, sizeof(f->files[0]), compare_files);
	return join_records(f, err);
}

/* ---- what is in pipes ---- */

static int compare_data(const void *va, const void *vb)
{
	const struct restore_pipe_data *a = va, *b = vb;

	return a->rec->pipe_id < b->rec->pipe_id ? -1 : a->rec->pipe_id > b->rec->pipe_id;
}

static int check_packets(const PipeDataEntry *rec, struct img_err *err)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rec->n_packets; i++) {
		if (!rec->packets[i])
			return img_fail(err, IMG_CORRUPT, "pipe %#x: a packet of no bytes", rec->pipe_id);
		sum += rec->packets[i];
	}
	if (rec->n_packets && sum != rec->bytes)
		return img_fail(err, IMG_CORRUPT, "pipe %#x: packets of %llu bytes, %u bytes of data", rec->pipe_id,
			(unsigned long long)sum, rec->bytes);
	return 0;
}

/* The bytes stay where they are if they can be read from there later, by the task that needs them. */
static int take_bytes(struct restore_pipe_data *d, struct img_reader *reader, struct img_err *err)
{
	uint64_t done = 0;

	if (img_source_can_pread(img_reader_source(reader))) {
		d->source = img_reader_source(reader);
		d->offset = img_reader_position(reader);
		return 0;
	}
	d->bytes = malloc(d->rec->bytes ? d->rec->bytes : 1);
	if (!d->bytes)
		return img_fail_nomem(err);
	while (done < d->rec->bytes) {
		ssize_t got = img_read_payload(reader, d->bytes + done, d->rec->bytes - done, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return img_fail(err, IMG_CORRUPT, "pipe %#x: its data ends early", d->rec->pipe_id);
		done += (uint64_t)got;
	}
	return 0;
}

static int read_data_image(struct restore *r, enum img_kind kind, struct pipe_data_image *image, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret;

	ret = img_reader_open(r->set, kind, 0, &image->reader, err);
	if (ret <= 0)
		return ret;
	while ((ret = img_read(image->reader, &msg, err)) > 0) {
		struct restore_pipe_data *d = img_array_more(&image->items, image->nr, &image->room);

		if (!d) {
			img_message_free(msg);
			return img_fail_nomem(err);
		}
		image->nr++;
		d->rec = (PipeDataEntry *)msg;
		if (check_packets(d->rec, err) < 0 || take_bytes(d, image->reader, err) < 0)
			return -1;
	}
	if (ret < 0)
		return -1;
	if (image->nr)
		qsort(image->items, image->nr, sizeof(image->items[0]), compare_data);
	for (size_t i = 1; i < image->nr; i++)
		if (!compare_data(&image->items[i], &image->items[i - 1]))
			return img_fail(err, IMG_CORRUPT, "data twice for pipe %#x", image->items[i].rec->pipe_id);
	return 0;
}

int files_read_pipe_data(struct restore *r, struct restore_files *f, struct img_err *err)
{
	if (read_data_image(r, IMG_PIPES_DATA, &f->pipes, err) < 0)
		return -1;
	return read_data_image(r, IMG_FIFO_DATA, &f->fifos, err);
}

static void free_data_image(struct pipe_data_image *image)
{
	for (size_t i = 0; i < image->nr; i++) {
		img_message_free(&image->items[i].rec->base);
		free(image->items[i].bytes);
	}
	free(image->items);
	img_reader_close(image->reader);
	*image = (struct pipe_data_image){ 0 };
}

void files_free_pipe_data(struct restore_files *f)
{
	free_data_image(&f->pipes);
	free_data_image(&f->fifos);
}

const struct restore_pipe_data *restore_find_pipe_data(const struct restore *r, enum img_kind kind, uint32_t pipe_id)
{
	const struct pipe_data_image *image = kind == IMG_PIPES_DATA ? &r->files->pipes : &r->files->fifos;
	PipeDataEntry rec = PIPE_DATA_ENTRY__INIT;
	struct restore_pipe_data seek = { .rec = &rec };

	rec.pipe_id = pipe_id;
	return image->nr ? bsearch(&seek, image->items, image->nr, sizeof(seek), compare_data) : NULL;
}

static int write_bytes(int fd, const unsigned char *bytes, size_t len, struct img_err *err)
{
	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno == EAGAIN)
			return img_fail(err, IMG_UNSUPPORTED, "%zu of its bytes do not fit in it", len);
		if (put < 0)
			return img_fail_sys(err, "write its data");
		bytes += put;
		len -= (size_t)put;
	}
	return 0;
}

static int write_packets(int fd, const PipeDataEntry *rec, const unsigned char *bytes, struct img_err *err)
{
	for (size_t i = 0; i < rec->n_packets; i++) {
		if (write_bytes(fd, bytes, rec->packets[i], err) < 0)
			return -1;
		bytes += rec->packets[i];
	}
	return 0;
}

static int set_size(int fd, uint32_t size, struct img_err *err)
{
	int now = fcntl(fd, F_GETPIPE_SZ);

	if (now < 0)
		return img_fail_sys(err, "F_GETPIPE_SZ");
	if ((uint32_t)now != size && fcntl(fd, F_SETPIPE_SZ, size) < 0)
		return img_fail_sys(err, "make it hold %u bytes (fs.pipe-max-size)", size);
	return 0;
}

int restore_fill_pipe(struct restore *r, const struct restore_pipe_data *data, int write_fd, struct img_err *err)
{
	const PipeDataEntry *rec;
	cleanup_free unsigned char *read = NULL;
	const unsigned char *bytes;

	if (!data)
		return 0;
	rec = data->rec;
	if (rec->has_size && set_size(write_fd, rec->size, err) < 0)
		return -1;
	if (!rec->bytes)
		return 0;
	bytes = data->bytes;
	if (!bytes) {
		ssize_t got;

		bytes = read = malloc(rec->bytes);
		if (!read)
			return img_fail_nomem(err);
		got = img_source_pread(data->source, read, rec->bytes, data->offset, err);
		if (got < 0)
			return -1;
		if ((uint64_t)got != rec->bytes)
			return img_fail(err, IMG_CORRUPT, "its data ends early");
	}
	if (fcntl(write_fd, F_SETFL, O_NONBLOCK | (rec->n_packets ? O_DIRECT : 0)) < 0)
		return img_fail_sys(err, "set O_NONBLOCK");
	return rec->n_packets ? write_packets(write_fd, rec, bytes, err) : write_bytes(write_fd, bytes, rec->bytes, err);
}
