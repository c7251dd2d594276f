/* convert/step-manifest.c -- between version 1.1 and 2: the manifest. It is made when the new set is sealed; here is what goes with
 * it when it goes: features that only it can ask for. */

#include <string.h>

#include "convert/view.h"
#include "criuimg/array.h"
#include "criuimg/manifest.h"
#include "manifest.pb-c.h"
#include "read/pagemap.h"

/* Words that say nothing which images of version 1.1 do not say themselves, or which the conversion undoes. */
static const char *const said_otherwise[] = { "pages-forked", "pages-shared", "pages-zstd", "tcp-repair", "timens" };

struct img_set *img_step_manifest_up(struct img_set *below, struct img_loss *loss, struct img_err *err)
{
	return below;
}

static int map_check(void *arg, const char *name, struct img_err *err)
{
	struct img_pagemap map;
	enum img_kind kind;
	uint64_t id;
	bool shared;

	kind = img_kind_by_file(name, &id);
	if (kind != IMG_PAGEMAP && kind != IMG_SHMEM_PAGEMAP)
		return 0;
	if (img_pagemap_load(arg, kind, id, &map, err) < 0)
		return -1;
	shared = map.shared;
	img_pagemap_free(&map);
	return shared ? img_fail(err, IMG_UNSUPPORTED,
				"%s: equal pages are stored once, which version 1.1 has no way to say: flatten the set", name)
		      : 0;
}

struct img_set *img_step_manifest_down(struct img_set *below, struct img_loss *loss, struct img_err *err)
{
	ManifestEntry *manifest;
	int ret = img_manifest_read(below, &manifest, err);

	if (ret < 0)
		return NULL;
	if (ret == 0)
		return below;
	for (size_t i = 0; i < manifest->n_requires; i++) {
		bool known = false;


		for (size_t k = 0; k < ARRAY_SIZE(said_otherwise); k++)
			known |= !strcmp(manifest->requires[i], said_otherwise[k]);
		if (!known)
			img_lose(loss, "manifest.img: requires '%.100s', which version 1.1 cannot ask for",
				manifest->requires[i]);
	}
	img_message_free(&manifest->base);
	return img_set_each(below, map_check, below, err) < 0 ? NULL : below;
}
