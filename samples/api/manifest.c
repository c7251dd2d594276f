/* samples/api/manifest.c -- criuimg/manifest.h: what a set says of itself, and what its restorer must be able to do. */

#include <stdio.h>

#include "criuimg/image.h"
#include "criuimg/manifest.h"
#include "manifest.pb-c.h"

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_set *set = img_set_open(argc > 1 ? argv[1] : ".", &err);
	ManifestEntry *m;
	int ret = set ? img_manifest_read(set, &m, &err) : -1;

	if (ret == 1) {
		printf("of %s, %zu members\n", m->producer, m->n_members);
		for (size_t i = 0; i < m->n_requires; i++)
			printf("requires %s\n", m->requires[i]);
		ret = img_manifest_check_requires(m, NULL, 0, &err);
		img_message_free(&m->base);
	} else if (ret == 0) {
		puts("no manifest");
	}
	if (ret < 0)
		fprintf(stderr, "%s\n", err.text);
	img_set_close(set);
	return ret < 0 ? img_exit_status(&err) : 0;
}
