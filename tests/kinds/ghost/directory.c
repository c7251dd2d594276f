/* tests/kinds/ghost/directory.c -- deleted directories: one that is open, one that is the working directory, with a deleted file
 * that was in it, two levels of them. */
/* harness: peer: it does not restore a file that was in a deleted directory */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct stat dir_st, cwd_st;
	char buf[10] = "", here[4096];
	int dir, outer, inner, file;

	subject_begin(argc, argv);
	MUST(mkdir("dir", 0711) == 0 && mkdir("outer", 0755) == 0 && mkdir("outer/inner", 0750) == 0 && mkdir("cwd", 0700) == 0);
	dir = open("dir", O_RDONLY | O_DIRECTORY);
	outer = open("outer", O_PATH);
	inner = open("outer/inner", O_RDONLY);
	file = open("outer/inner/file", O_RDWR | O_CREAT, 0600);
	MUST(dir >= 0 && outer >= 0 && inner >= 0 && file >= 0 && write(file, "content", 7) == 7);
	MUST(unlink("outer/inner/file") == 0 && rmdir("outer/inner") == 0 && rmdir("outer") == 0 && rmdir("dir") == 0);
	MUST(chdir("cwd") == 0 && rmdir("../cwd") == 0);
	subject_wait();

	CHECK(fstat(dir, &dir_st) == 0 && S_ISDIR(dir_st.st_mode) && (dir_st.st_mode & 0777) == 0711, "mode %#o", dir_st.st_mode);
	CHECK(openat(dir, "new", O_WRONLY | O_CREAT, 0600) < 0 && errno == ENOENT, "a file can be made in a deleted directory");
	CHECK(fstat(inner, &dir_st) == 0 && (dir_st.st_mode & 0777) == 0750, "mode %#o of the inner one", dir_st.st_mode);
	CHECK(fstatat(outer, "", &dir_st, AT_EMPTY_PATH) == 0 && S_ISDIR(dir_st.st_mode), "the outer one");
	CHECK(pread(file, buf, 9, 0) == 7 && !strcmp(buf, "content"), "'%s'", buf);
	CHECK(stat(".", &cwd_st) == 0 && (cwd_st.st_mode & 0777) == 0700, "mode %#o of the working directory", cwd_st.st_mode);
	CHECK(!getcwd(here, sizeof(here)) && errno == ENOENT, "the working directory has a name");
	CHECK(chdir("..") == 0 || errno == ENOENT, "%s", strerror(errno));
	return subject_end();
}
