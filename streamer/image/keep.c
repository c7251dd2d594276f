/* streamer/image/keep.c -- a set in memory until it is asked for.
 *
 * Bytes are in blocks that the kernel gave for them alone: a block that goes into a pipe goes without a copy, and is
 * given back at once: the pipe holds its pages.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "streamer/image/image.h"

enum {
	BLOCK_MIN = 4 << 10,
	BLOCK_MAX = 1 << 20,
	SLOTS_MIN = 256,
};

struct block {
	struct block *next;
	unsigned char *data; /* mmap(2) */
	size_t size, used, sent;
};

struct kept_file {
	char *name;
	struct block *first, *last;
	bool ended;
};

/* By name: a hash table, with linear probing. */
struct keep {
	struct kept_file **slots;
	size_t nr, nr_slots; /* used, with those taken out; a power of two */
};

/* What was taken out leaves this, so that others are found behind it. */
static struct kept_file gone;

struct keep *keep_new(struct img_err *err)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (k) {
		k->nr_slots = SLOTS_MIN;
		k->slots = calloc(k->nr_slots, sizeof(*k->slots));
	}
	if (k && k->slots)
		return k;
	free(k);
	img_fail_nomem(err);
	return NULL;
}

static size_t hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ull;
	return h ^ h >> 32;
}

/* Where name is, or the free slot where it belongs. */
static struct kept_file **slot(struct keep *k, const char *name)
{
	size_t i = hash(name);

	for (;; i++) {
		struct kept_file **at = &k->slots[i & (k->nr_slots - 1)];

		if (!*at || (*at != &gone && !strcmp((*at)->name, name)))
			return at;
	}
}

static bool grow(struct keep *k)
{
	struct keep larger = { .nr_slots = k->nr_slots * 2 };

	larger.slots = calloc(larger.nr_slots, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < k->nr_slots; i++)
		if (k->slots[i] && k->slots[i] != &gone) {
			*slot(&larger, k->slots[i]->name) = k->slots[i];
			larger.nr++;
		}
	free(k->slots);
	*k = larger;
	return true;
}

struct kept_file *keep_file(struct keep *k, const char *name)
{
	struct kept_file **at = slot(k, name), *f;

	if (*at)
		return *at;
	if (k->nr * 2 >= k->nr_slots && !grow(k))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (f)
		f->name = strdup(name);
	if (!f || !f->name) {
		free(f);
		return NULL;
	}
	*slot(k, name) = f;
	k->nr++;
	return f;
}

struct kept_file *keep_take(struct keep *k, const char *name)
{
	struct kept_file **at = slot(k, name), *f = *at;

	if (f)
		*at = &gone;
	return f;
}

int keep_each(struct keep *k, int (*fn)(void *arg, const char *name, struct kept_file *f, struct img_err *err), void *arg,
	struct img_err *err)
{
	for (size_t i = 0; i < k->nr_slots; i++)
		if (k->slots[i] && k->slots[i] != &gone && fn(arg, k->slots[i]->name, k->slots[i], err) < 0)
			return -1;
	return 0;
}

void keep_free(struct keep *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->nr_slots; i++)
		if (k->slots[i] && k->slots[i] != &gone)
			kept_free(k->slots[i]);
	free(k->slots);
	free(k);
}

/* ---- a file ---- */

static struct block *add_block(struct kept_file *f, size_t size)
{
	struct block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->size = size;
	b->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->data == MAP_FAILED) {
		free(b);
		return NULL;
	}
	if (f->last)
		f->last->next = b;
	else
		f->first = b;
	f->last = b;
	return b;
}

static void drop_first(struct kept_file *f)
{
	struct block *b = f->first;

	f->first = b->next;
	if (!f->first)
		f->last = NULL;
	munmap(b->data, b->size);
	free(b);
}

int kept_append(struct kept_file *f, int fd, uint32_t len, struct img_err *err)
{
	if (f->ended)
		return img_fail(err, IMG_CORRUPT, "%s: goes on behind its end", f->name);
	while (len) {
		struct block *b = f->last;
		size_t part;

		if (!b || b->used == b->size)
			b = add_block(f, !b ? BLOCK_MIN : b->size < BLOCK_MAX ? b->size * 4 : BLOCK_MAX);
		if (!b)
			return img_fail_nomem(err);
		part = len < b->size - b->used ? len : b->size - b->used;
		if (shard_read_full(fd, b->data + b->used, part, err) < 0)
			return img_wrap(err, "%s", f->name);
		b->used += part;
		len -= part;
	}
	return 0;
}

bool kept_ended(const struct kept_file *f)
{
	return f->ended;
}

void kept_end(struct kept_file *f)
{
	f->ended = true;
}

int kept_send(struct kept_file *f, int pipe)
{
	while (f->first) {
		struct block *b = f->first;
		struct iovec iov = { b->data + b->sent, b->used - b->sent };
		ssize_t n = iov.iov_len ? vmsplice(pipe, &iov, 1, SPLICE_F_NONBLOCK | SPLICE_F_GIFT) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		b->sent += n;
		if (b->sent == b->used)
			drop_first(f);
	}
	return 1;
}

void kept_free(struct kept_file *f)
{
	if (!f)
		return;
	while (f->first)
		drop_first(f);
	free(f->name);
	free(f);
}

int kept_bytes(const struct kept_file *f, unsigned char **data, size_t *size, struct img_err *err)
{
	size_t all = 0, at = 0;

	for (const struct block *b = f->first; b; b = b->next)
		all += b->used;
	*data = malloc(all + 1);
	if (!*data)
		return img_fail_nomem(err);
	for (const struct block *b = f->first; b; b = b->next) {
		memcpy(*data + at, b->data, b->used);
		at += b->used;
	}
	*size = all;
	return 0;
}

int kept_replace(struct kept_file *f, unsigned char *data, size_t size, struct img_err *err)
{
	struct block *b;

	while (f->first)
		drop_first(f);
	if (!size)
		return 0;
	b = add_block(f, size);
	if (!b)
		return img_fail_nomem(err);
	memcpy(b->data, data, size);
	b->used = size;
	return 0;
}
