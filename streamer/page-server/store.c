/* streamer/page-server/store.c -- where pages are put together, and how they become images.
 *
 * The stage is a directory ".page-server-PID" in the images directory, locked as long as its server lives: one that can be locked by
 * somebody else is left from a server that was killed.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/convert.h"
#include "streamer/page-server/server.h"

#define STAGE "page-server-"

static int lock_stage(int images, const char *name)
{
	int fd = openat(images, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void empty(int dir)
{
	cleanup_dir DIR *d = NULL;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *de;

	if (fd >= 0)
		d = fdopendir(fd);
	while (d && (de = readdir(d)))
		unlinkat(dir, de->d_name, 0);
}

static void clear_left(int images)
{
	cleanup_dir DIR *d = NULL;
	int fd = openat(images, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *de;

	if (fd >= 0)
		d = fdopendir(fd);
	while (d && (de = readdir(d))) {
		cleanup_fd int stage = -1;

		if (strncmp(de->d_name, "." STAGE, 1 + strlen(STAGE)))
			continue;
		stage = lock_stage(images, de->d_name);
		if (stage < 0)
			continue;
		empty(stage);
		unlinkat(images, de->d_name, AT_REMOVEDIR);
	}
}

static int make_stage(struct page_server *s, struct img_err *err)
{
	snprintf(s->stage_name, sizeof(s->stage_name), "." STAGE "%d", getpid());
	if (mkdirat(s->images_fd, s->stage_name, 0700) < 0)
		return img_fail_sys(err, "%s/%s", s->opt->images_dir, s->stage_name);
	s->stage_fd = lock_stage(s->images_fd, s->stage_name);
	if (s->stage_fd < 0)
		return img_fail_sys(err, "%s/%s", s->opt->images_dir, s->stage_name);
	s->stage = img_set_create_dir(s->stage_fd, NULL, err);
	return s->stage ? 0 : -1;
}

/* With --prev-images-dir the set here will be based on that one. */
static int link_parent(struct page_server *s, struct img_err *err)
{
	struct img_set *set;
	int ret;

	if (!s->opt->prev_images_dir)
		return 0;
	set = img_set_create_dir(s->images_fd, NULL, err);
	ret = set ? img_set_link_parent(set, s->opt->prev_images_dir, err) : -1;
	img_set_close(set);
	return ret;
}

int page_server_store_open(struct page_server *s, struct img_err *err)
{
	s->images_fd = open(s->opt->images_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->images_fd < 0)
		return img_fail_sys(err, "images directory %s", s->opt->images_dir);
	clear_left(s->images_fd);
	if (link_parent(s, err) < 0 || make_stage(s, err) < 0)
		return -1;
	s->images = img_set_open_dir(s->images_fd, NULL, err);
	return s->images ? 0 : -1;
}

void page_server_store_close(struct page_server *s)
{
	img_set_close(s->stage);
	img_set_close(s->images);
	if (s->stage_fd >= 0) {
		empty(s->stage_fd);
		unlinkat(s->images_fd, s->stage_name, AT_REMOVEDIR);
		close(s->stage_fd);
	}
	if (s->images_fd >= 0)
		close(s->images_fd);
	s->stage = s->images = NULL;
	s->stage_fd = s->images_fd = -1;
}

int page_server_unseal(struct page_server *s, struct img_err *err)
{
	char name[IMG_NAME_MAX];

	img_kind_file_name(IMG_MANIFEST, 0, name);
	if (s->images_fd >= 0 && unlinkat(s->images_fd, name, 0) < 0 && errno != ENOENT)
		return img_fail_sys(err, "%s: remove", name);
	return 0;
}

int page_server_publish(struct page_server *s, const char *name, struct img_err *err)
{
	char packed[IMG_NAME_MAX + 8];

	if (s->images_fd < 0)
		return 0;
	/* The other form in which it may be there. */
	snprintf(packed, sizeof(packed), "%s.zst", name);
	if (unlinkat(s->images_fd, packed, 0) < 0 && errno != ENOENT)
		return img_fail_sys(err, "%s: remove", packed);
	if (renameat(s->stage_fd, name, s->images_fd, name) < 0)
		return img_fail_sys(err, "%s: moving it to %s", name, s->opt->images_dir);
	return 0;
}

int page_server_dedup(struct page_server *s, struct img_err *err)
{
	struct img_dedup_result result;
	struct img_set *set;
	int ret;

	if (!s->opt->auto_dedup || s->images_fd < 0)
		return 0;
	pthread_mutex_lock(&s->lock);
	set = img_set_open_dir(s->images_fd, NULL, err);
	ret = set ? img_set_dedup(set, NULL, &result, err) : -1;
	img_set_close(set);
	pthread_mutex_unlock(&s->lock);
	if (ret < 0)
		return img_wrap(err, "--auto-dedup");
	log_info(s->log, "--auto-dedup: parents dropped %llu pages", (unsigned long long)result.pages);
	return 0;
}

void page_server_drop(struct page_server *s, const char *name)
{
	if (s->stage_fd >= 0)
		unlinkat(s->stage_fd, name, 0);
}
