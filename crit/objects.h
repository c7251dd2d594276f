/* crit/objects.h -- all open files of a set with their records, and who has them. */
#ifndef CRIT_OBJECTS_H
#define CRIT_OBJECTS_H

#include "fdinfo.pb-c.h"
#include "rows.h"
#include "criuimg/image.h"
#include "criuimg/set.h"

/* One descriptor of one task. */
struct object_use {
	FdTypes type;
	uint32_t id, pid;
	int32_t fd;
	uint32_t flags; /* of the descriptor: 1 close on exec */
};

struct object {
	FdTypes type;
	uint32_t id;
	const ProtobufCMessage *msg; /* the record of its type */
	ProtobufCMessage *owned;
};

struct objects {
	struct object *objects; /* sorted by type, then id */
	size_t nr, room;
	struct object_use *uses; /* likewise, then by pid and fd */
	size_t nr_uses, room_uses;
	bool read, uses_read;
};

/* The records of files.img, or of the images of old sets with a kind of file each. Once. */
int objects_read(struct objects *objects, struct img_set *set, struct img_err *err);
void objects_free(struct objects *objects);
/* NULL when there is none. */
const struct object *objects_find(const struct objects *objects, FdTypes type, uint32_t id);
/* The path of a regular file: "?" when there is none of that number. */
const char *objects_path(const struct objects *objects, uint32_t id);
/* The descriptors that refer to an object; *nr of them. */
const struct object_use *objects_uses(const struct objects *objects, FdTypes type, uint32_t id, size_t *nr);
int objects_compare_uses(const void *a, const void *b);

/* The word for a type: "pipe", "timerfd". */
const char *objects_type_name(FdTypes type);
/* What an object is, for people: a path, addresses, a counter. free() it; NULL without memory. */
char *objects_describe(const struct objects *objects, const struct object *object, struct img_err *err);
/* Flags and position of an open file, where its record has them. */
bool objects_flags(const struct object *object, uint32_t *flags);
bool objects_position(const struct object *object, uint64_t *pos);

#endif
