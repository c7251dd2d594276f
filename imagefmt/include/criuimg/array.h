/* criuimg/array.h -- arrays: their length, and ones that grow. */
#ifndef CRIUIMG_ARRAY_H
#define CRIUIMG_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Make room for one more element of *array (count used, *room allocated). Returns the address of the new, zeroed
 * element, or NULL without memory. The caller increments its count.
 *
 *	struct vma *v = img_array_more(&a->vmas, a->nr, &a->room);
 */
#define img_array_more(arrayp, count, roomp) \
	((__typeof__(*(arrayp)))img_array_grow((void **)(arrayp), (count), (roomp), sizeof(**(arrayp))))

static inline void *img_array_grow(void **array, size_t count, size_t *room, size_t size)
{
	unsigned char *at;

	if (count == *room) {
		size_t more = *room ? *room * 2 : 16;
		void *grown = reallocarray(*array, more, size);

		if (!grown)
			return NULL;
		*array = grown;
		*room = more;
	}
	at = (unsigned char *)*array + count * size;
	__builtin_memset(at, 0, size);
	return at;
}

#endif
