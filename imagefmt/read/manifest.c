/* read/manifest.c -- reads a set's manifest, and says which of the features it asks for are missing. */

#include "criuimg/manifest.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "criuimg/image.h"
#include "manifest.pb-c.h"

int img_manifest_read(struct img_set *set, ManifestEntry **manifest_out, struct img_err *err)
{
	return img_read_single(set, IMG_MANIFEST, 0, (ProtobufCMessage **)manifest_out, err);
}

static bool is_known(const char *feature, const char *const *known, size_t nr_known)
{
	for (size_t i = 0; i < nr_known; i++)
		if (!strcmp(feature, known[i]))
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
