/* tests/fuzz/manifest.c -- a manifest, as it is and with a digest that fits, so that what is behind that door is seen too. */

#include "criuimg/manifest.h"
#include "kinds/manifest.h"
#include "tests/fuzz/container.h"
#include "tests/fuzz/fuzz.h"

static int finding(void *arg, const char *name, const struct img_err *found)
{
	failure_check(found);
	return 0;
}

static void look(const uint8_t *data, size_t size)
{
	static const char *const known[] = { "timens" };
	struct img_err err = IMG_ERR_INIT;
	uint8_t *bytes = NULL;
	size_t nr = container_add(&bytes, 0, "manifest.img", data, size);
	struct img_set *set = container_open(bytes, nr);
	ManifestEntry *m;

	if (img_manifest_read(set, &m, &err) < 0) {
		failure_check(&err);
	} else {
		unsigned char id[IMG_DIGEST_SIZE];

		MUST(m->format_version <= IMG_FORMAT_VERSION);
		MUST_WORK(img_manifest_identity(m, id, &err), &err);
		MUST(m->set_id.len == IMG_DIGEST_SIZE && !memcmp(id, m->set_id.data, IMG_DIGEST_SIZE));
		if (img_manifest_check_requires(m, known, 1, &err) < 0)
			failure_check(&err);
		MUST_WORK(img_set_verify(set, finding, NULL, &err), &err);
		img_message_free(&m->base);
	}
	img_set_close(set);
	free(bytes);
}

/* Magic and size in front, identity and digest made to fit: the input is a record. */
static void look_fixed(const uint8_t *data, size_t size)
{
	ManifestEntry *m = manifest_entry__unpack(NULL, size, data);
	unsigned char id[IMG_DIGEST_SIZE], digest[IMG_DIGEST_SIZE] = { 0 };
	struct img_err err = IMG_ERR_INIT;
	const uint32_t magic = img_kind_info(IMG_MANIFEST)->magic;
	ProtobufCBinaryData old_id, old_digest;
	uint8_t *image;
	size_t nr;

	if (!m)
		return;
	MUST_WORK(img_manifest_identity(m, id, &err), &err);
	old_id = m->set_id;
	old_digest = m->digest;
	m->set_id = (ProtobufCBinaryData){ sizeof(id), id };
	m->digest = (ProtobufCBinaryData){ sizeof(digest), digest };
	m->has_digest = true;
	nr = manifest_entry__get_packed_size(m);
	image = malloc(nr + 8);
	MUST(image);
	for (int i = 0; i < 4; i++) {
		image[i] = magic >> (8 * i);
		image[4 + i] = nr >> (8 * i);
	}
	manifest_entry__pack(m, image + 8);
	img_digest_block(image, 8 + nr - IMG_MANIFEST_TAIL, image + 8 + nr - IMG_DIGEST_SIZE);
	look(image, nr + 8);
	free(image);
	m->set_id = old_id;
	m->digest = old_digest;
	manifest_entry__free_unpacked(m, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	look(data, size);
	look_fixed(data, size);
	if (size > 8)
		look_fixed(data + 8, size - 8);
	return 0;
}
