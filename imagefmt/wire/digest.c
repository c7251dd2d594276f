/* wire/digest.c -- XXH3-128 of bytes as they pass, in blocks. */

#include "criuimg/digest.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "criuimg/array.h"

struct block {
	unsigned char digest[IMG_DIGEST_SIZE];
	bool known;
};

struct img_digest {
	XXH3_state_t *state;  /* of the block that is being filled */
	size_t filled;	      /* bytes of that block so far */
	bool unseen;	      /* some of them passed unseen */
	uint64_t size;	      /* of all that passed */
	struct block *blocks; /* those that are complete, or whose digest was given */
	size_t nr, room;
};

static void store(XXH128_hash_t hash, unsigned char *digest)
{
	XXH128_canonical_t canonical;

	_Static_assert(sizeof(canonical) == IMG_DIGEST_SIZE, "size of a digest");
	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(digest, &canonical, IMG_DIGEST_SIZE);
}

void img_digest_block(const void *data, size_t len, unsigned char digest[IMG_DIGEST_SIZE])
{
	store(XXH3_128bits(data, len), digest);
}

struct img_digest *img_digest_new(struct img_err *err)
{
	struct img_digest *d = calloc(1, sizeof(*d));

	if (d)
		d->state = XXH3_createState();
	if (!d || !d->state) {
		free(d);
		img_fail_nomem(err);
		return NULL;
	}
	XXH3_128bits_reset(d->state);
	return d;
}

void img_digest_reset(struct img_digest *d)
{
	XXH3_128bits_reset(d->state);
	d->filled = 0;
	d->unseen = false;
	d->size = 0;
	d->nr = 0;
}

static struct block *block_at(struct img_digest *d, uint64_t index, struct img_err *err)
{
	/* 2^64 bytes have so many blocks: more is a mistake of the caller's. */
	if (index >= UINT64_MAX / IMG_DIGEST_BLOCK) {
		img_fail(err, IMG_USAGE, "no block %llu", (unsigned long long)index);
		return NULL;
	}
	while (d->nr <= index) {
		if (!img_array_more(&d->blocks, d->nr, &d->room)) {
			img_fail_nomem(err);
			return NULL;
		}
		d->nr++;
	}
	return &d->blocks[index];
}

/* The block that is being filled is full, or the last. */
static int block_end(struct img_digest *d, struct img_err *err)
{
	struct block *b = block_at(d, (d->size - 1) / IMG_DIGEST_BLOCK, err);

	if (!b)
		return -1;
	if (!d->unseen) {
		store(XXH3_128bits_digest(d->state), b->digest);
		b->known = true;
	}
	XXH3_128bits_reset(d->state);
	d->filled = 0;
	d->unseen = false;
	return 0;
}

int img_digest_update(struct img_digest *d, const void *data, size_t len, struct img_err *err)
{
	while (len) {
		size_t part = IMG_DIGEST_BLOCK - d->filled;

		if (part > len)
			part = len;
		if (!d->unseen)
			XXH3_128bits_update(d->state, data, part);
		data = (const char *)data + part;
		len -= part;
		d->filled += part;
		d->size += part;
		if (d->filled == IMG_DIGEST_BLOCK && block_end(d, err))
			return -1;
	}
	return 0;
}

int img_digest_pass(struct img_digest *d, uint64_t len, struct img_err *err)
{
	while (len) {
		size_t part = IMG_DIGEST_BLOCK - d->filled;

		if (part > len)
			part = len;
		len -= part;
		d->unseen = true;
		d->filled += part;
		d->size += part;
		if (d->filled == IMG_DIGEST_BLOCK && block_end(d, err))
			return -1;
	}
	return 0;
}

int img_digest_give(struct img_digest *d, uint64_t block, const unsigned char digest[IMG_DIGEST_SIZE],
	struct img_err *err)
{
	struct block *b = block_at(d, block, err);

	if (!b)
		return -1;
	memcpy(b->digest, digest, IMG_DIGEST_SIZE);
	b->known = true;
	return 0;
}

bool img_digest_final(struct img_digest *d, unsigned char digest[IMG_DIGEST_SIZE])
{
	uint64_t nr = d->size / IMG_DIGEST_BLOCK + (d->size % IMG_DIGEST_BLOCK != 0);

	if (d->size == 0) {
		img_digest_block("", 0, digest);
		return true;
	}
	if ((d->filled && block_end(d, NULL)) || d->nr < nr)
		return false;
	if (nr == 1) {
		memcpy(digest, d->blocks[0].digest, IMG_DIGEST_SIZE);
		return d->blocks[0].known;
	}
	for (uint64_t i = 0; i < nr; i++) {
		if (!d->blocks[i].known)
			return false;
		XXH3_128bits_update(d->state, d->blocks[i].digest, IMG_DIGEST_SIZE);
	}
	store(XXH3_128bits_digest(d->state), digest);
	return true;
}

void img_digest_free(struct img_digest *d)
{
	if (!d)
		return;
	XXH3_freeState(d->state);
	free(d->blocks);
	free(d);
}
