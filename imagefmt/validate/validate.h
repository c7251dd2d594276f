/* validate/validate.h -- what the checks share: the records of the set, and how a finding is made.
 *
 * Every image is read once (structure.c), and the records that others refer to are kept. An image that could not be read to its
 * end is marked: what was in its rest is not known, so that nobody complains of what is missing there.
 *
 * A check is one function and one row of the table in validate.c. It returns -1 only when it could not look.
 */
#ifndef IMAGEFMT_VALIDATE_VALIDATE_H
#define IMAGEFMT_VALIDATE_VALIDATE_H

#include <protobuf-c/protobuf-c.h>

#include "criuimg/arena.h"
#include "criuimg/kind.h"
#include "criuimg/validate.h"
#include "core.pb-c.h"
#include "inventory.pb-c.h"
#include "mm.pb-c.h"
#include "pstree.pb-c.h"
#include "read/pagemap.h"

/* An image of the set. */
struct val_image {
	const char *name;
	enum img_kind kind;
	uint64_t id;
	bool broken;   /* it could not be read to its end */
	bool in_order; /* a page map: its runs are in `map` */
	uint64_t size; /* of raw images: bytes; UINT64_MAX: not known */
	struct img_pagemap map;
	bool old_pages; /* pages-PID.img of the first versions, with no page map */
};

/* A record that was kept. */
struct val_record {
	const struct val_image *image;
	int64_t entry;
	ProtobufCMessage *msg;	      /* the record */
	const ProtobufCMessage *body; /* of file_entry: the message of its type (may be NULL), else msg */
	const char *prefix;	      /* where body is in msg: "reg.", or "" */
};

struct val_records {
	struct val_record *list;
	size_t nr, room;
};

/* Something that others refer to by number. */
struct val_object {
	uint64_t id;
	const struct val_record *record;
};

struct val_index {
	struct val_object *list; /* sorted by id */
	size_t nr, room;
	bool partial; /* an image that could have more of them is broken */
};

/* The spaces of numbers. */
enum val_space {
	VAL_FILE,     /* open files: val_file_key() */
	VAL_PIPE,     /* contents of pipes and fifos */
	VAL_SOCKET,   /* UNIX sockets by the number of their file */
	VAL_UNIX_INO, /* the same by their inode */
	VAL_TCP,      /* TCP connections by their inode */
	VAL_MEMFD,    /* memfd_inode_entry */
	VAL_TTY,      /* tty_info_entry */
	VAL_BPFMAP,   /* maps of BPF */
	VAL_MOUNT,    /* mounts of all namespaces */
	VAL_PID,      /* tasks */
	VAL_SPACES,
};

struct val_task {
	const struct val_record *record;
	const PstreeEntry *entry;
	const CoreEntry *core; /* of the main thread; NULL: not there */
	const struct val_record *core_record;
	const TaskKobjIdsEntry *ids; /* ids-PID.img, or in the core */
	const struct val_record *ids_record;
	const MmEntry *mm;
	const struct val_record *mm_record;
	bool dead; /* a zombie */
};

struct validate {
	struct img_set *set;
	const struct img_validate_options *opt;
	int (*report)(void *arg, const struct img_finding *finding);
	void *arg;
	struct img_validate_result *result;
	bool stop;
	bool corrupt; /* an error that is not IMG_UNSUPPORTED was found */
	const char *check;

	struct img_arena arena;
	struct val_image *images; /* sorted by name */
	size_t nr_images, room_images;
	struct val_records records[IMG_KIND_NR];
	struct val_index index[VAL_SPACES];
	struct val_task *tasks; /* in the order of pstree.img */
	size_t nr_tasks;
	const InventoryEntry *inventory;
	bool no_files; /* no image of open files is there */
	bool pre_dump; /* pages alone, as a pre-dump writes them */
};

/* The key of an open file: types have their numbers each for themselves in old sets. */
static inline uint64_t val_file_key(uint32_t type, uint32_t id)
{
	return (uint64_t)type << 32 | id;
}

/* ---- findings (report.c) ---- */

/* Where a finding is. Zeroed: the set. */
struct val_at {
	const char *file;
	int64_t entry; /* -1: none; */
	const char *field;
};

#define VAL_SET	       ((struct val_at){ "", -1, "" })
#define VAL_FILE_AT(f) ((struct val_at){ (f), -1, "" })

struct val_at val_at(const struct val_record *record, const char *field);
void val_error(struct validate *v, struct val_at at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void val_unsupported(struct validate *v, struct val_at at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void val_warning(struct validate *v, struct val_at at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void val_note(struct validate *v, struct val_at at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What reading image `name` failed with: the text behind the name and the number of the record, which goes to *entry. */
const char *val_failure(const struct img_err *failure, const char *name, int64_t *entry);
/* A field's name with a number in it; lives as long as the validation. Never NULL. */
const char *val_field(struct validate *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- what is known (model.c) ---- */

void val_free(struct validate *v);
/* Image id of a kind, or NULL. */
const struct val_image *val_image(const struct validate *v, enum img_kind kind, uint64_t id);
/* Its (first) record, or NULL: not there, or not readable. */
const struct val_record *val_single(const struct validate *v, enum img_kind kind, uint64_t id);
/* Is an image of this kind broken? */
bool val_broken(const struct validate *v, enum img_kind kind);
/* Sort what was collected, tell duplicates, join tasks and their images. */
int val_model_finish(struct validate *v, struct img_err *err);
/* The object of that number, or NULL. */
const struct val_object *val_find(const struct validate *v, enum val_space space, uint64_t id);
/* The task of that pid, or NULL. */
const struct val_task *val_task(const struct validate *v, uint32_t pid);
/* Is there an open file of that number that could be this type (a mapping of a memfd has the id of a MEMFD)? */
const struct val_record *val_open_file(const struct validate *v, uint32_t type, uint32_t id);
/* Might the image that has open files of this type be incomplete? */
bool val_files_partial(const struct validate *v);

/* ---- the checks ---- */

int val_structure(struct validate *v, struct img_err *err);
int val_inventory(struct validate *v, struct img_err *err);
int val_tasks(struct validate *v, struct img_err *err);
int val_threads(struct validate *v, struct img_err *err);
int val_files(struct validate *v, struct img_err *err);
int val_descriptors(struct validate *v, struct img_err *err);
int val_references(struct validate *v, struct img_err *err);
int val_mappings(struct validate *v, struct img_err *err);
int val_pagemaps(struct validate *v, struct img_err *err);
int val_parents(struct validate *v, struct img_err *err);
int val_namespaces(struct validate *v, struct img_err *err);
int val_manifest(struct validate *v, struct img_err *err);
int val_host(struct validate *v, struct img_err *err);

#endif
