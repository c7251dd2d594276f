/* tests/fuzz/container.h -- a set of images in a few bytes of memory, read only: what a fuzzer can change as a whole.
 *
 *	member:	u8 length of the name, the name, u32 (little-endian) size, the bytes
 *
 * one after the other, up to the end; a member that does not fit takes what is left. A name that starts with '^' is of the
 * parent set, with '^^' of the parent's parent. The bytes are not copied.
 */
#ifndef TESTS_FUZZ_CONTAINER_H
#define TESTS_FUZZ_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/set.h"

#define CONTAINER_MEMBERS 64

struct container_member {
	char name[256];
	const uint8_t *data;
	size_t size;
};

struct container {
	struct img_set set;
	size_t nr;
	struct container_member members[CONTAINER_MEMBERS];
	struct img_set *parent; /* until it is asked for */
};

static inline const struct container_member *container_find(struct img_set *set, const char *name)
{
	const struct container *c = (const struct container *)set;

	for (size_t i = 0; i < c->nr; i++)
		if (!strcmp(c->members[i].name, name))
			return &c->members[i];
	return NULL;
}

static inline int container_has(struct img_set *set, const char *name, struct img_err *err)
{
	return container_find(set, name) != NULL;
}

static inline int container_each(struct img_set *set,
	int (*fn)(void *arg, const char *name, struct img_err *err), void *arg, struct img_err *err)
{
	const struct container *c = (const struct container *)set;
	int ret = 0;

	for (size_t i = 0; i < c->nr && !ret; i++)
		if (container_find(set, c->members[i].name) == &c->members[i])
			ret = fn(arg, c->members[i].name, err);
	return ret;
}

static inline int container_source(
	struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	const struct container_member *m = container_find(set, name);

	if (!m)
		return 0;
	*src_out = img_source_memory_new(m->data, m->size, err);
	return *src_out ? 1 : -1;
}

static inline int container_parent(struct img_set *set, struct img_set **parent_out, struct img_err *err)
{
	struct container *c = (struct container *)set;

	*parent_out = c->parent;
	c->parent = NULL;
	return *parent_out != NULL;
}

static inline void container_close(struct img_set *set)
{
	img_set_close(((struct container *)set)->parent);
	free(set);
}

static const struct img_set_ops container_ops = {
	.has = container_has,
	.each = container_each,
	.source = container_source,
	.parent = container_parent,
	.close = container_close,
};

/* The members of one level: 0 the set, 1 its parent. */
static inline struct container *container_level(const uint8_t *data, size_t size, size_t level)
{
	struct container *c = (struct container *)calloc(1, sizeof(*c));

	if (!c)
		abort();
	img_set_init(&c->set, &container_ops, false);
	while (size && c->nr < CONTAINER_MEMBERS) {
		struct container_member *m = &c->members[c->nr];
		size_t len = data[0], ups = 0, body;

		if (size < 1 + len + 4)
			break;
		memset(m->name, 0, sizeof(m->name));
		while (ups < len && data[1 + ups] == '^')
			ups++;
		memcpy(m->name, data + 1 + ups, len - ups);
		data += 1 + len;
		size -= 1 + len;
		body = data[0] | data[1] << 8 | data[2] << 16 | (size_t)data[3] << 24;
		data += 4;
		size -= 4;
		if (body > size)
			body = size;
		m->data = data;
		m->size = body;
		data += body;
		size -= body;
		/* A name is one component of a path. */
		if (ups == level && *m->name && !strchr(m->name, '/') && strcmp(m->name, ".") && strcmp(m->name, ".."))
			c->nr++;
	}
	return c;
}

/* The set; data must outlive it. Never NULL. */
static inline struct img_set *container_open(const uint8_t *data, size_t size)
{
	struct container *below = NULL, *c;

	for (int level = 2; level >= 0; level--) {
		c = container_level(data, size, level);
		/* A parent without members is none. */
		if (below && below->nr)
			c->parent = &below->set;
		else if (below)
			container_close(&below->set);
		below = c;
	}
	return &below->set;
}

/* Append a member. Returns the new size; *buf is grown with realloc(). */
static inline size_t container_add(uint8_t **buf, size_t size, const char *name, const void *data, size_t len)
{
	size_t name_len = strlen(name), total = size + 1 + name_len + 4 + len;
	uint8_t *p = (uint8_t *)realloc(*buf, total);

	if (!p)
		abort();
	*buf = p;
	p += size;
	*p++ = name_len;
	memcpy(p, name, name_len);
	p += name_len;
	*p++ = len;
	*p++ = len >> 8;
	*p++ = len >> 16;
	*p++ = len >> 24;
	if (len)
		memcpy(p, data, len);
	return total;
}

#endif
