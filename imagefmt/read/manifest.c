/* read/manifest.c -- reads a set's manifest, and says which of the features it asks for are missing. */

#include "criuimg/manifest.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "criuimg/digest.h"
#include "criuimg/image.h"
#include "kinds/manifest.h"
#include "manifest.pb-c.h"

/* Magic, size, record. */
#define MANIFEST_MAX ((size_t)IMG_RECORD_MAX + 8)
#define STEP	     ((size_t)64 << 10)

IMG_DEFINE_CLEANUP(struct img_reader *, img_reader_close);
IMG_DEFINE_CLEANUP(struct img_source *, img_source_close);

/* All bytes of the image; memory grows as they come. */
static int read_all(struct img_source *src, unsigned char **data, size_t *size, struct img_err *err)
{
	size_t room = 0;
	ssize_t n = 1;

	for (*size = 0; n > 0; *size += n) {
		if (*size == room) {
			unsigned char *more = realloc(*data, room + STEP + room / 2);

			if (!more)
				return img_fail_nomem(err);
			*data = more;
			room += STEP + room / 2;
		}
		n = img_source_read(src, *data + *size, room - *size, err);
		if (n < 0)
			return -1;
		if (*size + n > MANIFEST_MAX)
			return img_fail(err, IMG_CORRUPT, "has more than %zu bytes", MANIFEST_MAX);
	}
	return 0;
}

/* The last field is the digest of what is in front of it. */
static int digest_check(const unsigned char *data, size_t size, struct img_err *err)
{
	unsigned char digest[IMG_DIGEST_SIZE];
	size_t front = size - IMG_MANIFEST_TAIL;

	if (size < IMG_MANIFEST_TAIL || data[front] != IMG_MANIFEST_TAG || data[front + 1] != IMG_DIGEST_SIZE)
		return img_fail(err, IMG_CORRUPT, "does not end with its own digest");
	img_digest_block(data, front, digest);
	if (memcmp(data + front + 2, digest, IMG_DIGEST_SIZE))
		return img_fail(err, IMG_CORRUPT, "is not what was written: its own digest differs");
	return 0;
}

static int unpack(const unsigned char *data, size_t size, ManifestEntry **manifest_out, struct img_err *err)
{
	cleanup_with(img_source_close) struct img_source *src = img_source_memory_new(data, size, err);
	cleanup_with(img_reader_close) struct img_reader *r =
		src ? img_reader_of_kind(src, IMG_MANIFEST, err) : NULL;
	ProtobufCMessage *more;
	ManifestEntry *manifest;
	int ret;

	if (!r)
		return -1;
	steal_ptr(&src);
	if (IMG_READ(r, manifest_entry, &manifest, err))
		return -1;
	ret = img_read(r, &more, err);
	if (ret == 0) {
		*manifest_out = manifest;
		return 0;
	}
	img_message_free(&manifest->base);
	return -1;
}

int img_manifest_read(struct img_set *set, ManifestEntry **manifest_out, struct img_err *err)
{
	cleanup_with(img_source_close) struct img_source *src = NULL;
	cleanup_free unsigned char *data = NULL;
	char name[IMG_NAME_MAX];
	size_t size;
	int ret;

	*manifest_out = NULL;
	img_kind_file_name(IMG_MANIFEST, 0, name);
	ret = img_set_source(set, name, &src, err);
	if (ret <= 0)
		return ret;
	if (read_all(src, &data, &size, err))
		return img_wrap(err, "%s", name);
	if (unpack(data, size, manifest_out, err))
		return img_wrap(err, "%s", name);
	if (!digest_check(data, size, err))
		return 1;
	img_message_free(&(*manifest_out)->base);
	*manifest_out = NULL;
	return img_wrap(err, "%s", name);
}

static bool is_known(const char *feature, const char *const *known, size_t nr_known)
{
	const char *word;

	for (size_t i = 0; known && i < nr_known; i++)
		if (!strcmp(feature, known[i]))
			return true;
	for (size_t i = 0; !known && (word = img_feature(i, NULL)); i++)
		if (!strcmp(feature, word))
			return true;
	return false;
}

int img_manifest_check_requires(
	const ManifestEntry *manifest, const char *const *known, size_t nr_known, struct img_err *err)
{
	char missing[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < manifest->n_requires; i++) {
		if (is_known(manifest->requires[i], known, nr_known))
			continue;
		if (len < sizeof(missing))
			len += snprintf(missing + len, sizeof(missing) - len, "%s%s", len ? ", " : "",
				manifest->requires[i]);
	}
	return len ? img_fail(err, IMG_UNSUPPORTED, "the images need what this program does not know: %s",
			     missing)
		   : 0;
}

int img_set_requires(struct img_set *set, const char *word, struct img_err *err)
{
	ManifestEntry *manifest;
	int ret = img_manifest_read(set, &manifest, err);
	int found = 0;

	if (ret <= 0)
		return ret;
	for (size_t i = 0; i < manifest->n_requires; i++)
		found |= !strcmp(manifest->requires[i], word);
	img_message_free(&manifest->base);
	return found;
}
