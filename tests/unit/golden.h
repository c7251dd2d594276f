/* tests/unit/golden.h -- the images of another writer, for the tests of the library. */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include "tests/unit/imgtest.h"

#include <dirent.h>
#include <fcntl.h>

#include "criuimg/set.h"

#define GOLDEN_ARCHIVE "tests/images/golden/criu-4.2.tar.xz"

/* Call fn(arg, set) for each directory of a tree of them. */
static inline void golden_walk(
	int parent, const char *path, void (*fn)(void *arg, struct img_set *set), void *arg)
{
	struct img_err err = IMG_ERR_INIT;
	cleanup_dir DIR *dir = NULL;
	struct img_set *set;
	struct dirent *de;

	set = img_set_open_dir(parent, path, &err);
	if (!set)
		fail_msg("%s", err.text);
	fn(arg, set);
	dir = fdopendir(openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	assert_non_null(dir);
	while ((de = readdir(dir)))
		if (de->d_type == DT_DIR && de->d_name[0] != '.')
			golden_walk(dirfd(dir), de->d_name, fn, arg);
	img_set_close(set);
}

/* The same for every set of the archive, or of the directory that $GOLDEN names. */
static inline void golden_each(void (*fn)(void *arg, struct img_set *set), void *arg)
{
	char *given = getenv("GOLDEN"), *dir, cmd[300];

	if (given) {
		golden_walk(AT_FDCWD, given, fn, arg);
		return;
	}
	if (access(GOLDEN_ARCHIVE, R_OK))
		fail_msg("no %s: run from the top of the tree", GOLDEN_ARCHIVE);
	dir = temp_dir();
	snprintf(cmd, sizeof(cmd), "tar -C %s --wildcards -xJf " GOLDEN_ARCHIVE " '*/img/*'", dir);
	assert_int_equal(system(cmd), 0);
	golden_walk(AT_FDCWD, dir, fn, arg);
	temp_dir_free(dir);
}

#endif
