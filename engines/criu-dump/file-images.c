/* criu-dump/file-images.c -- files.img and the other images of the whole tree that open files fill, and who gets signals. */

#include "criu-dump/file-images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "criu-dump/dump.h"
#include "criu-dump/ns_ops.h"
#include "kernel/proc-status.h"

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif

struct dump_files *dump_files_get(struct dump *d, struct img_err *err)
{
	if (!d->files) {
		d->files = calloc(1, sizeof(*d->files));
		if (!d->files)
			img_fail_nomem(err);
	}
	return d->files;
}

void dump_files_free(struct dump *d)
{
	struct dump_files *f = d->files;

	if (!f)
		return;
	for (size_t i = 0; i < f->nr_images; i++)
		img_writer_abort(f->images[i].writer);
	while (f->kept) {
		struct dump_kept *k = f->kept;

		f->kept = k->next;
		if (k->drop)
			k->drop(k->memory);
		free(k->memory);
		free(k);
	}
	free(f->sockets);
	dump_files_free_tables(f->tables);
	dump_files_free_inside(f->inside);
	file_ids_free(&f->ids);
	free(f);
	d->files = NULL;
}

void *dump_files_keep(struct dump *d, const struct fd_dump_ops *ops, size_t size, void (*drop)(void *))
{
	struct dump_files *f = dump_files_get(d, NULL);
	struct dump_kept *k = f ? f->kept : NULL;

	while (k && k->ops != ops)
		k = k->next;
	if (k || !f)
		return k ? k->memory : NULL;
	k = calloc(1, sizeof(*k));
	if (!k || !(k->memory = calloc(1, size))) {
		free(k);
		return NULL;
	}
	k->ops = ops;
	k->drop = drop;
	k->next = f->kept;
	f->kept = k;
	return k->memory;
}

uint32_t dump_new_file_id(struct dump *d)
{
	return ++d->files->ids.last_id;
}

int dump_once(struct dump *d, enum dump_once what, uint64_t a, uint64_t b, uint32_t **value, struct img_err *err)
{
	return file_ids_once(&d->files->ids, what, a, b, value, err);
}

static struct img_writer *shared_writer(struct dump *d, enum img_kind kind, struct img_err *err)
{
	struct dump_files *f = dump_files_get(d, err);
	struct img_writer *w;

	if (!f)
		return NULL;
	for (size_t i = 0; i < f->nr_images; i++)
		if (f->images[i].kind == kind)
			return f->images[i].writer;
	if (f->nr_images == DUMP_SHARED_IMAGES) {
		img_fail(err, IMG_SYS, "more than %d images about files", DUMP_SHARED_IMAGES);
		return NULL;
	}
	w = img_writer_create(d->set, kind, 0, err);
	if (w) {
		f->images[f->nr_images].kind = kind;
		f->images[f->nr_images++].writer = w;
	}
	return w;
}

int dump_write_shared(struct dump *d, enum img_kind kind, const ProtobufCMessage *rec, struct img_err *err)
{
	struct img_writer *w = shared_writer(d, kind, err);

	return w ? img_write(w, rec, err) : -1;
}

int dump_write_shared_payload(struct dump *d, enum img_kind kind, const void *data, size_t len, struct img_err *err)
{
	struct img_writer *w = shared_writer(d, kind, err);

	return w ? img_write_payload(w, data, len, err) : -1;
}

int dump_write_file(struct dump *d, const FileEntry *rec, struct img_err *err)
{
	return dump_write_shared(d, IMG_FILES, &rec->base, err);
}

int dump_files_close_images(struct dump *d, struct img_err *err)
{
	struct dump_files *f;

	if (!shared_writer(d, IMG_FILES, err))
		return -1;
	f = d->files;
	while (f->nr_images)
		if (img_writer_finish(f->images[--f->nr_images].writer, err) < 0)
			return -1;
	return 0;
}

/* What the kernel tells us is a number of our own pid namespace. Of a group whose leader is gone nobody tells another. */
static pid_t number_inside(pid_t pid)
{
	struct kern_status s;
	pid_t inside = pid;

	if (kern_status_read(pid, pid, &s, NULL) < 0)
		return pid;
	if (s.ns_depth > 1)
		inside = s.ns_tid[s.ns_depth - 1];
	kern_status_free(&s);
	return inside;
}

int dump_file_owner(struct dump *d, const struct fd_target *t, FownEntry *fown, struct img_err *err)
{
	struct f_owner_ex owner;
	uid_t uids[2];
	int sig;

	if (t->probe->fd < 0 || t->probe->flags & O_PATH)
		return 0;
	sig = fcntl(t->lfd, F_GETSIG);
	if (sig < 0)
		return img_fail_sys(err, "F_GETSIG");
	if (fcntl(t->lfd, F_GETOWN_EX, &owner) < 0)
		return img_fail_sys(err, "F_GETOWN_EX");
	fown->signum = (uint32_t)sig;
	if (!owner.pid)
		return 0;
	/* EINVAL: a kernel without CONFIG_CHECKPOINT_RESTORE. */
	if (fcntl(t->lfd, F_GETOWNER_UIDS, uids) < 0)
		return img_fail_sys(err, "F_GETOWNER_UIDS");
	fown->pid_type = (uint32_t)owner.type;
	fown->pid = (uint32_t)number_inside(owner.pid);
	fown->uid = dump_uid(d, uids[0]);
	fown->euid = dump_uid(d, uids[1]);
	return 0;
}
