/* samples/nasty-image/nasty-image.c -- makes image sets that must be refused, one reason each.
 *
 *	nasty-image DIR         a directory in DIR for each reason, called like it
 *	nasty-image --list      the reasons
 *
 * A whole set is written through the library (whole.h, as JSON), and one thing of it made wrong (reasons.h). The same every time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/json.h"
#include "criuimg/set.h"
#include "whole.h"
#include "reasons.h"

IMG_DEFINE_CLEANUP(struct img_set *, img_set_close);

/* ---- bytes ---- */

struct bytes {
	unsigned char *data;
	size_t size;
};

static void bytes_free(struct bytes *b)
{
	free(b->data);
}

#define cleanup_bytes __attribute__((cleanup(bytes_free)))

static int copy_of(struct bytes *b, const void *data, size_t size, struct img_err *err)
{
	b->data = malloc(size + 1);
	if (!b->data)
		return img_fail_nomem(err);
	memcpy(b->data, data, size);
	b->size = size;
	return 0;
}

static int unhex(struct bytes *b, const char *digits, struct img_err *err)
{
	unsigned int byte;

	if (copy_of(b, digits, strlen(digits), err) < 0)
		return -1;
	for (b->size = 0; sscanf(digits + 2 * b->size, "%2x", &byte) == 1; b->size++)
		b->data[b->size] = byte;
	return 0;
}

/* The last place where `from` is becomes `to`. */
static int replace(struct bytes *b, const void *from, size_t from_size, const void *to, size_t to_size,
	struct img_err *err)
{
	unsigned char *data = NULL;

	for (size_t at = b->size + 1; at-- > 0;) {
		if (from_size > b->size - at || memcmp(b->data + at, from, from_size))
			continue;
		data = malloc(b->size + to_size + 1);
		if (!data)
			return img_fail_nomem(err);
		memcpy(data, b->data, at);
		memcpy(data + at, to, to_size);
		memcpy(data + at + to_size, b->data + at + from_size, b->size - at - from_size);
		free(b->data);
		b->data = data;
		b->size += to_size - from_size;
		return 0;
	}
	return img_fail(err, IMG_USAGE, "what is to be replaced is not there");
}

/* ---- making it wrong ---- */

static int change_bytes(const struct reason *r, struct bytes *image, struct img_err *err)
{
	cleanup_bytes struct bytes from = { 0 }, to = { 0 };

	if ((r->from && unhex(&from, r->from, err) < 0) ||
		(r->to && r->act != COPY && unhex(&to, r->to, err) < 0))
		return -1;
	switch (r->act) {
	case BYTES:
		return replace(image, from.data, from.size, to.data, to.size, err);
	case CUT:
		image->size = r->at < 0 ? image->size + r->at : (size_t)r->at;
		return 0;
	case ADD:
		image->data = realloc(image->data, image->size + to.size);
		if (!image->data)
			return img_fail_nomem(err);
		memcpy(image->data + image->size, to.data, to.size);
		image->size += to.size;
		return 0;
	default:
		return 0;
	}
}

static int put(struct img_set *set, const char *name, const struct bytes *image, struct img_err *err)
{
	struct img_sink *sink = img_set_sink(set, name, err);

	if (!sink)
		return -1;
	if (img_sink_write(sink, image->data, image->size, err) < 0) {
		img_sink_abort(sink);
		return -1;
	}
	return img_sink_finish(sink, err);
}

/* One image with what is wrong in its bytes, if that is of it. */
static int put_changed(struct img_set *set, const struct reason *r, const char *name, struct bytes *image,
	struct img_err *err)
{
	bool mine = r && r->image && !strcmp(r->image, name);

	if (!mine)
		return put(set, name, image, err);
	if (r->act == REMOVE)
		return 0;
	if (change_bytes(r, image, err) < 0 || put(set, name, image, err) < 0)
		return -1;
	return r->act == COPY ? put(set, r->to, image, err) : 0;
}

static int encode(const char *json, struct bytes *image, struct img_err *err)
{
	struct img_source *src = img_source_memory_new(json, strlen(json), err);
	struct img_sink *sink = img_sink_memory_new(err);
	const void *data;
	size_t size;
	int ret = src && sink ? img_json_encode(src, sink, err) : -1;

	if (ret == 0) {
		data = img_sink_memory(sink, &size);
		ret = copy_of(image, data, size, err);
	}
	img_source_close(src);
	img_sink_abort(sink);
	return ret;
}

static int put_image(struct img_set *set, const struct reason *r, const struct image *i, struct img_err *err)
{
	cleanup_bytes struct bytes json = { 0 }, image = { 0 };

	if (copy_of(&json, i->json, strlen(i->json), err) < 0)
		return -1;
	if (r && r->act == SAY && !strcmp(r->image, i->name) &&
		replace(&json, r->from, strlen(r->from), r->to, strlen(r->to), err) < 0)
		return -1;
	json.data[json.size] = '\0';
	return encode((char *)json.data, &image, err) < 0 ? -1 : put_changed(set, r, i->name, &image, err);
}

/* A set with what is wrong in it; r NULL: nothing is. */
static int put_set(struct img_set *set, const struct reason *r, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (put_image(set, r, &whole[i], err) < 0)
			return img_wrap(err, "%s", whole[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(page_data); i++) {
		cleanup_bytes struct bytes pages = { calloc(1, page_data[i].nr_pages * 4096 + 1),
			page_data[i].nr_pages * 4096 };

		if (!pages.data)
			return img_fail_nomem(err);
		for (size_t k = 0; k < pages.size; k++)
			pages.data[k] = k / 4096 + 1;
		if (put_changed(set, r, page_data[i].name, &pages, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- sets behind their manifest's back ---- */

static int read_file(int dir, const char *name, struct bytes *b, struct img_err *err)
{
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return img_fail_sys(err, "%s", name);
	b->data = malloc(st.st_size + 1);
	if (!b->data)
		return img_fail_nomem(err);
	b->size = st.st_size;
	return read(fd, b->data, b->size) == (ssize_t)b->size ? 0 : img_fail_sys(err, "%s", name);
}

static int write_file(int dir, const char *name, const struct bytes *b, struct img_err *err)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, b->data, b->size) != (ssize_t)b->size)
		return img_fail_sys(err, "%s", name);
	return 0;
}

static int tamper(int dir, const struct reason *r, struct img_err *err)
{
	cleanup_bytes struct bytes image = { 0 };

	if (r->act == NOTHING)
		return 0;
	if (r->act == REMOVE)
		return unlinkat(dir, r->image, 0) ? img_fail_sys(err, "%s", r->image) : 0;
	if (read_file(dir, r->image, &image, err) < 0 || change_bytes(r, &image, err) < 0)
		return -1;
	return write_file(dir, r->act == COPY ? r->to : r->image, &image, err);
}

/* ---- each form ---- */

static struct img_set *new_set(int dir, const char *name, struct img_err *err)
{
	if (mkdirat(dir, name, 0777) && errno != EEXIST) {
		img_fail_sys(err, "%s", name);
		return NULL;
	}
	return img_set_create_dir(dir, name, err);
}

/* The pages of the second run are in the parent. */
static const struct reason child_pages = { .act = SAY,
	.image = "pagemap-1.img",
	.from = "\"vaddr\": 77824, \"compat_nr_pages\": 1, \"flags\": 4",
	.to = "\"vaddr\": 77824, \"compat_nr_pages\": 1, \"flags\": 1" };

/* Each with its manifest, or neither. */
static int make_child(struct img_set *set, const struct reason *r, struct img_err *err)
{
	cleanup_with(img_set_close) struct img_set *old = new_set(img_set_dirfd(set), "old", err);
	struct bytes page = { (unsigned char[4096]){ 1 }, 4096 };
	bool sealed = r->form != PARENT;

	if (!old || put_set(old, sealed ? NULL : r, err) < 0 ||
		(sealed && img_set_seal(old, "nasty", "1", err) < 0) ||
		img_set_link_parent(set, "old", err) < 0 || put_set(set, &child_pages, err) < 0 ||
		put(set, "pages-1.img", &page, err) < 0 ||
		(sealed && img_set_seal(set, "nasty", "1", err) < 0))
		return -1;
	if (r->form != OTHER)
		return 0;
	img_set_close(steal_ptr(&old));
	old = new_set(img_set_dirfd(set), "old", err);
	return !old || put_set(old, r, err) < 0 ? -1 : img_set_seal(old, "nasty", "1", err);
}

static int make(int dir, const struct reason *r, struct img_err *err)
{
	cleanup_with(img_set_close) struct img_set *set = new_set(dir, r->name, err);

	if (!set)
		return -1;
	switch (r->form) {
	case V1:
		return put_set(set, r, err);
	case V2:
		if (put_set(set, NULL, err) < 0 || img_set_seal(set, "nasty", "1", err) < 0)
			return -1;
		return tamper(img_set_dirfd(set), r, err);
	case CHILD:
	case PARENT:
	case OTHER:
		return make_child(set, r, err);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	cleanup_fd int dir = -1;

	if (argc != 2) {
		fprintf(stderr, "usage: nasty-image DIR | --list\n");
		return 2;
	}
	if (!strcmp(argv[1], "--list")) {
		for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
			puts(reasons[i].name);
		return 0;
	}
	dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		perror(argv[1]);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (make(dir, &reasons[i], &err) < 0) {
			fprintf(stderr, "nasty-image: %s: %s\n", reasons[i].name, err.text);
			return img_exit_status(&err);
		}
	}
	return 0;
}
