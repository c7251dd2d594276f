/* engines/fd/ghost/inode-restore.c -- a ghost's file on disk: out of its image, of whatever type it was. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-restore/files-own.h"
#include "criu-restore/namespaces.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "ghost-file.pb-c.h"

struct img_reader *restore_ghost_image(struct restore *r, uint32_t id, GhostFileEntry **rec, struct img_err *err)
{
	struct img_reader *reader = NULL;
	ProtobufCMessage *msg = NULL;
	int ret = img_reader_open(r->set, IMG_GHOST_FILE, id, &reader, err);

	if (ret == 0)
		img_fail(err, IMG_CORRUPT, "there is no ghost-file-%x.img", id);
	if (ret <= 0)
		return NULL;
	if (img_read_one(reader, &ghost_file_entry__descriptor, &msg, err) < 0) {
		img_reader_close(reader);
		return NULL;
	}
	*rec = (GhostFileEntry *)msg;
	return reader;
}

static int copy_payload(struct img_reader *reader, int fd, uint64_t at, struct img_err *err)
{
	char buf[64 << 10];
	ssize_t got;

	while ((got = img_read_payload(reader, buf, sizeof(buf), err)) > 0) {
		for (ssize_t done = 0; done < got;) {
			ssize_t put = pwrite(fd, buf + done, (size_t)(got - done), (off_t)at);

			if (put < 0)
				return img_fail_sys(err, "write %zd bytes at %llu", got - done, (unsigned long long)at);
			done += put;
			at += (uint64_t)put;
		}
	}
	return (int)got;
}

static int copy_content(struct img_reader *reader, const GhostFileEntry *rec, int fd, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret;

	if (!rec->has_chunks || !rec->chunks)
		return copy_payload(reader, fd, 0, err);
	if (ftruncate(fd, (off_t)rec->size) < 0)
		return img_fail_sys(err, "set its size to %llu", (unsigned long long)rec->size);
	while ((ret = img_read(reader, &msg, err)) > 0) {
		const GhostChunkEntry *chunk = (const GhostChunkEntry *)msg;
		uint64_t at = chunk->off;

		if (chunk->off > rec->size || chunk->len > rec->size - chunk->off)
			ret = img_fail(err, IMG_CORRUPT, "%llu bytes at %llu are beyond its size", (unsigned long long)chunk->len,
				(unsigned long long)chunk->off);
		else
			ret = copy_payload(reader, fd, at, err);
		img_message_free(msg);
		if (ret < 0)
			return -1;
	}
	return ret;
}

static int make_regular(struct restore *r, uint32_t id, const struct ghost_place *at, bool *made, struct img_err *err)
{
	GhostFileEntry *rec = NULL;
	struct img_reader *reader;
	cleanup_fd int fd = openat(at->dir, at->base, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int ret;

	if (fd < 0)
		return img_fail_sys(err, "make '%s'", at->path);
	*made = true;
	reader = restore_ghost_image(r, id, &rec, err);
	if (!reader)
		return -1;
	ret = copy_content(reader, rec, fd, err);
	img_reader_close(reader);
	img_message_free(&rec->base);
	return ret;
}

int restore_ghost_attributes(struct restore *r, const GhostFileEntry *rec, const struct ghost_place *at, struct img_err *err)
{
	if (fchownat(at->dir, at->base, restore_front_uid(r, rec->uid), restore_front_gid(r, rec->gid), AT_SYMLINK_NOFOLLOW) < 0)
		return img_fail_sys(err, "give '%s' to uid %u, gid %u", at->path, rec->uid, rec->gid);
	if (!S_ISLNK(rec->mode) && fchmodat(at->dir, at->base, rec->mode & 07777, 0) < 0)
		return img_fail_sys(err, "set mode %#o of '%s'", rec->mode, at->path);
	if (rec->atim && rec->mtim) {
		struct timespec times[2] = {
			{ (time_t)rec->atim->tv_sec, (long)rec->atim->tv_usec * 1000 },
			{ (time_t)rec->mtim->tv_sec, (long)rec->mtim->tv_usec * 1000 },
		};

		if (utimensat(at->dir, at->base, times, AT_SYMLINK_NOFOLLOW) < 0)
			return img_fail_sys(err, "set the times of '%s'", at->path);
	}
	return 0;
}

int restore_ghost_make(struct restore *r, uint32_t id, const GhostFileEntry *rec, const struct ghost_place *at,
	bool *made, struct img_err *err)
{
	int ret;

	switch (rec->mode & S_IFMT) {
	case S_IFREG:
		return make_regular(r, id, at, made, err);
	case S_IFDIR:
		ret = mkdirat(at->dir, at->base, 0700);
		break;
	case S_IFLNK:
		ret = symlinkat(rec->symlnk_target, at->dir, at->base);
		break;
	default:
		ret = mknodat(at->dir, at->base, (rec->mode & S_IFMT) | 0600, rec->rdev);
		break;
	}
	if (ret < 0)
		return img_fail_sys(err, "make '%s'", at->path);
	*made = true;
	return 0;
}
