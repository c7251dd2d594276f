/* kinds/features.c -- the words of `requires` that this library and the programs of its tree know (docs/format.md, "The manifest"). */

#include "criuimg/manifest.h"

static const struct {
	const char *word, *about;
} features[] = {
	/* Who writes a word adds it here, once restore and the readers can do what it says. */
	{ "lazy-pages", "page data that is served while the tasks run" },
	{ "pages-forked", "page images that are of several page maps" },
	{ "pages-shared", "equal pages that are stored once" },
	{ "pages-zstd", "page images that are compressed" },
	{ "remote-pages", "page data that a page server has" },
};

const char *img_feature(size_t n, const char **about)
{
	if (n >= sizeof(features) / sizeof(features[0]))
		return NULL;
	if (about)
		*about = features[n].about;
	return features[n].word;
}
