/* convert/step-manifest.c -- between version 1.1 and 2: the manifest. It is made when the new set is sealed; here is what goes with
 * it when it goes: features that only it can ask for. */

#include <string.h>

#include "convert/view.h"
#include "criuimg/array.h"
#include "criuimg/manifest.h"
#include "manifest.pb-c.h"

/* Words that say nothing which images of version 1.1 do not say themselves, or which the conversion undoes. */
static const char *const said_otherwise[] = { "pages-zstd", "tcp-repair", "timens" };

struct img_set *img_step_manifest_up(struct img_set *below, struct img_loss *loss, struct img_err *err)
{
	return below;
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
	return below;
}
