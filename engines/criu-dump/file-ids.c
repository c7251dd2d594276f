/* criu-dump/file-ids.c -- which open files are the same, and their ids.
 *
 * All are kept in balanced trees (tsearch(3)). File descriptions are ordered by what can be read of them, and only where
 * that is equal by kcmp(2), whose order is as good as any other: so a tree of N pipes costs no kcmp at all, and N
 * descriptions of /dev/null cost N log N of them.
 */

#include "criu-dump/file-ids.h"

#include <search.h>
#include <string.h>

#include "kernel/getfd.h"

struct description {
	dev_t dev;
	ino_t ino;
	uint64_t pos;
	uint32_t flags;
	pid_t pid; /* someone who has it, and where */
	int fd;
	uint32_t id;
	struct img_err *err; /* of the search that goes on */
	bool *failed;
};

#define ORDER(a, b)                              \
	do {                                     \
		if ((a) != (b))                  \
			return (a) < (b) ? -1 : 1; \
	} while (0)

static int compare_descriptions(const void *va, const void *vb)
{
	const struct description *a = va, *b = vb; /* a is what is looked for */
	int order;

	ORDER(a->ino, b->ino);
	ORDER(a->dev, b->dev);
	ORDER(a->pos, b->pos);
	ORDER(a->flags, b->flags);
	order = kern_kcmp_file(a->pid, a->fd, b->pid, b->fd, a->err);
	if (order < 0)
		*a->failed = true; /* any answer ends the search soon enough */
	return order == 1 ? -1 : order == 2 ? 1 : 0;
}

int file_ids_description(struct file_ids *ids, pid_t pid, const struct fd_probe *probe, uint32_t *id, bool *fresh,
	struct img_err *err)
{
	bool failed = false;
	struct description *key = img_arena_alloc(&ids->arena, sizeof(*key));
	struct description **at;

	if (!key)
		return img_fail_nomem(err);
	*key = (struct description){
		.dev = probe->dev, .ino = probe->ino, .pos = probe->pos, .flags = probe->flags,
		.pid = pid, .fd = probe->fd, .err = err, .failed = &failed,
	};
	at = tsearch(key, &ids->descriptions, compare_descriptions);
	if (!at)
		return img_fail_nomem(err);
	if (failed)
		return -1;
	*fresh = *at == key;
	if (*fresh)
		key->id = ++ids->last_id;
	*id = (*at)->id;
	key->err = NULL;
	key->failed = NULL;
	return 0;
}

struct named {
	dev_t dev;
	ino_t ino;
	uint32_t flags;
	const char *link;
	uint32_t id;
};

static int compare_named(const void *va, const void *vb)
{
	const struct named *a = va, *b = vb;

	ORDER(a->ino, b->ino);
	ORDER(a->dev, b->dev);
	ORDER(a->flags, b->flags);
	return strcmp(a->link, b->link);
}

int file_ids_named(struct file_ids *ids, const struct fd_probe *probe, uint32_t *id, bool *fresh, struct img_err *err)
{
	struct named seek = { .dev = probe->dev, .ino = probe->ino, .flags = probe->flags, .link = probe->link };
	struct named **at = tfind(&seek, &ids->named, compare_named);
	struct named *key;

	*fresh = !at;
	if (at) {
		*id = (*at)->id;
		return 0;
	}
	key = img_arena_memdup(&ids->arena, &seek, sizeof(seek));
	if (!key || !(key->link = img_arena_strdup(&ids->arena, probe->link)) ||
	    !tsearch(key, &ids->named, compare_named))
		return img_fail_nomem(err);
	*id = key->id = ++ids->last_id;
	return 0;
}

struct once {
	uint64_t a, b;
	uint32_t value;
};

static int compare_once(const void *va, const void *vb)
{
	const struct once *a = va, *b = vb;

	ORDER(a->a, b->a);
	ORDER(a->b, b->b);
	return 0;
}

int file_ids_once(struct file_ids *ids, enum dump_once what, uint64_t a, uint64_t b, uint32_t **value, struct img_err *err)
{
	struct once seek = { a, b, 0 };
	struct once **at = tfind(&seek, &ids->once[what], compare_once);
	struct once *key;

	if (at) {
		*value = &(*at)->value;
		return 0;
	}
	key = img_arena_memdup(&ids->arena, &seek, sizeof(seek));
	if (!key || !tsearch(key, &ids->once[what], compare_once))
		return img_fail_nomem(err);
	key->value = ++ids->nr_once[what];
	*value = &key->value;
	return 1;
}

/* The keys are the arena's. */
static void free_nothing(void *key)
{
}

void file_ids_free(struct file_ids *ids)
{
	tdestroy(ids->descriptions, free_nothing);
	tdestroy(ids->named, free_nothing);
	for (int i = 0; i < DUMP_ONCE_NR; i++)
		tdestroy(ids->once[i], free_nothing);
	img_arena_free(&ids->arena);
	memset(ids, 0, sizeof(*ids));
}
