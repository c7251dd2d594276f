/* criuimg/arena.h -- memory that is freed all at once: the parts of a record that is being put together.
 *
 * A message of protobuf-c points to strings, arrays and other messages. Take them all from one arena, write the record,
 * drop the arena. Not safe between threads; one arena belongs to one.
 */
#ifndef CRIUIMG_ARENA_H
#define CRIUIMG_ARENA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct img_arena {
	struct img_arena_block *blocks;
};

#define IMG_ARENA_INIT { NULL }

/* Zeroed memory, aligned for any type; NULL without memory. Lives until img_arena_free(). */
void *img_arena_alloc(struct img_arena *arena, size_t size);
void *img_arena_memdup(struct img_arena *arena, const void *data, size_t size);
char *img_arena_strdup(struct img_arena *arena, const char *text);
char *img_arena_printf(struct img_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An array of count zeroed elements; NULL without memory or when the size overflows. */
void *img_arena_array(struct img_arena *arena, size_t count, size_t size);

/* Free everything; the arena can be used again. */
void img_arena_free(struct img_arena *arena);

/* img_arena_message(arena, CoreEntry, core_entry): a new, initialized message; NULL without memory. */
#define img_arena_message(arena, type, lower)                                  \
	({                                                                     \
		type *m_ = (type *)img_arena_alloc((arena), sizeof(type));     \
		if (m_)                                                        \
			lower##__init(m_);                                     \
		m_;                                                            \
	})

#define cleanup_arena __attribute__((cleanup(img_arena_free)))

#ifdef __cplusplus
}
#endif
#endif
