/* tests/kinds/mnt/binfmt.c -- a binfmt_misc of a user namespace of its own: formats told by magic and by extension, one of them disabled.
 *
 * harness: places: host
 * harness: peer: wants the program and the root itself in mounts of the tree
 */

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void put_of(pid_t pid, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	put(path, text);
}

/* Nothing is mounted but what leads here: what a user namespace could not mount again, like all of /dev, /proc and /sys. */
static void unmount_others(void)
{
	char lines[64 << 10], here[4096], *points[512], *save = NULL;
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	size_t nr = 0;
	ssize_t len = 0, got;

	MUST(getcwd(here, sizeof(here)));
	while ((got = read(fd, lines + len, sizeof(lines) - 1 - (size_t)len)) > 0)
		len += got;
	lines[len] = '\0';
	close(fd);
	for (char *line = strtok_r(lines, "\n", &save); line && nr < 512; line = strtok_r(NULL, "\n", &save)) {
		char *point = NULL;

		MUST(sscanf(line, "%*d %*d %*s %*s %ms", &point) == 1);
		points[nr++] = point;
	}
	while (nr--) {
		size_t n = strlen(points[nr]);

		if (strcmp(points[nr], "/") && (strncmp(here, points[nr], n) || (here[n] && here[n] != '/')))
			umount2(points[nr], MNT_DETACH);
		free(points[nr]);
	}
}

/* A user namespace with a mount namespace; the maps are written by who still has /proc. */
static void enter(void)
{
	pid_t self = getpid(), helper;
	int go[2], there[2], status;
	char c;

	MUST(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && pipe(go) == 0 && pipe(there) == 0);
	helper = fork();
	MUST(helper >= 0);
	if (helper == 0) {
		MUST(unshare(CLONE_NEWNS) == 0 && write(there[1], "t", 1) == 1 && read(go[0], &c, 1) == 1);
		put_of(self, "setgroups", "deny");
		put_of(self, "uid_map", "0 0 1");
		put_of(self, "gid_map", "0 0 1");
		_exit(0);
	}
	MUST(read(there[0], &c, 1) == 1);
	/* /dev goes, too. */
	MUST(close(0) == 0 && open("input", O_CREAT | O_RDONLY, 0600) == 0);
	unmount_others();
	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write(go[1], "g", 1) == 1 && waitpid(helper, &status, 0) == helper && status == 0);
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(there[i]);
	}
}

static const char *get(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	CHECK(len >= 0, "%s: %s", path, strerror(errno));
	text[len > 0 ? len : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

int main(int argc, char **argv)
{
	char magic[4096], extension[4096];

	subject_begin(argc, argv);
	enter();
	MUST(mkdir("b", 0755) == 0);
	if (mount("formats", "b", "binfmt_misc", 0, NULL) < 0)
		subject_skip("no binfmt_misc of a user namespace here (Linux 6.7)");
	put("b/register", ":with-magic:M:2:\\x7f\\x00AB:\\xff\\x00\\xff\\xff:/bin/sh:OC");
	put("b/register", ":with-extension:E::blob::/bin/true:P");
	put("b/with-extension", "0");
	strcpy(magic, get("b/with-magic"));
	strcpy(extension, get("b/with-extension"));
	MUST(strstr(magic, "offset 2") && strstr(extension, "disabled"));

	subject_wait();

	CHECK(!strcmp(get("b/with-magic"), magic), "told by its magic: %s, it was %s", get("b/with-magic"), magic);
	CHECK(!strcmp(get("b/with-extension"), extension), "told by its extension: %s, it was %s", get("b/with-extension"), extension);
	return subject_end();
}
