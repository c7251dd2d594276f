/* tests/fuzz/driver.c -- runs a harness over a saved corpus, without any fuzzer: each file of the directories and files given. TAP. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "criuimg/cleanup.h"
#include "tests/fuzz/fuzz.h"

static int run_file(const char *path)
{
	cleanup_file FILE *f = fopen(path, "rb");
	cleanup_free uint8_t *data = NULL;
	struct stat st;

	if (!f || fstat(fileno(f), &st)) {
		perror(path);
		return -1;
	}
	/* Exactly as much memory as there are bytes: what reads on is seen. */
	data = malloc(st.st_size ? st.st_size : 1);
	if (!data || fread(data, 1, st.st_size, f) != (size_t)st.st_size) {
		perror(path);
		return -1;
	}
	/* In case it does not come back. */
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, st.st_size);
	return 0;
}

static int run_path(const char *path, int *nr)
{
	cleanup_dir DIR *dir = opendir(path);
	struct dirent *de;

	if (!dir) {
		++*nr;
		return run_file(path);
	}
	while ((de = readdir(dir))) {
		char file[4096];

		if (de->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, de->d_name);
		++*nr;
		if (run_file(file) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	char corpus[4096];
	int nr = 0, ret = 0;

	snprintf(corpus, sizeof(corpus), "%s/fuzz/corpus/%s", getenv("TESTS_DIR") ? getenv("TESTS_DIR") : "tests", name);
	if (argc < 2)
		ret = run_path(corpus, &nr);
	for (int i = 1; i < argc && ret == 0; i++)
		ret = run_path(argv[i], &nr);
	if (ret == 0 && !nr)
		ret = -1;
	printf("1..1\n%sok 1 - %s: %d inputs\n", ret ? "not " : "", name, nr);
	return ret ? 1 : 0;
}
