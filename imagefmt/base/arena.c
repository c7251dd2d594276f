/* base/arena.c -- memory freed all at once: blocks that are filled from the front. */

#include "criuimg/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first block; each further one is twice as large, up to BLOCK_MAX. What is larger gets a block of its own. */
#define BLOCK_MIN ((size_t)1 << 12)
#define BLOCK_MAX ((size_t)1 << 20)
#define ALIGN	  _Alignof(max_align_t)

struct img_arena_block {
	struct img_arena_block *next;
	size_t size, used;
	_Alignas(max_align_t) unsigned char data[];
};

static struct img_arena_block *block_new(size_t size)
{
	struct img_arena_block *b = malloc(sizeof(*b) + size);

	if (!b)
		return NULL;
	b->next = NULL;
	b->size = size;
	b->used = 0;
	return b;
}

static void *block_take(struct img_arena_block *b, size_t size)
{
	void *at = b->data + b->used;

	b->used += size;
	return memset(at, 0, size);
}

void *img_arena_alloc(struct img_arena *arena, size_t size)
{
	struct img_arena_block *b = arena->blocks;
	size_t block_size;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) & ~(ALIGN - 1);
	if (b && b->size - b->used >= size)
		return block_take(b, size);

	block_size = b ? b->size * 2 : BLOCK_MIN;
	if (block_size > BLOCK_MAX)
		block_size = BLOCK_MAX;
	if (size > block_size / 2) {
		/* Behind the current block, which keeps being filled. */
		b = block_new(size);
		if (!b)
			return NULL;
		if (arena->blocks) {
			b->next = arena->blocks->next;
			arena->blocks->next = b;
		} else {
			arena->blocks = b;
		}
		return block_take(b, size);
	}

	b = block_new(block_size);
	if (!b)
		return NULL;
	b->next = arena->blocks;
	arena->blocks = b;
	return block_take(b, size);
}

void *img_arena_memdup(struct img_arena *arena, const void *data, size_t size)
{
	void *p = img_arena_alloc(arena, size);

	if (p && size)
		memcpy(p, data, size);
	return p;
}

char *img_arena_strdup(struct img_arena *arena, const char *text)
{
	return img_arena_memdup(arena, text, strlen(text) + 1);
}

char *img_arena_printf(struct img_arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	text = img_arena_alloc(arena, (size_t)n + 1);
	if (!text)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

void *img_arena_array(struct img_arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return img_arena_alloc(arena, total);
}

void img_arena_free(struct img_arena *arena)
{
	struct img_arena_block *b = arena->blocks;

	while (b) {
		struct img_arena_block *next = b->next;

		free(b);
		b = next;
	}
	arena->blocks = NULL;
}
