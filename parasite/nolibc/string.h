/* parasite/nolibc/string.h -- memory functions for freestanding code. The compiler may call the first three
 * by itself. */
#ifndef PARASITE_NOLIBC_STRING_H
#define PARASITE_NOLIBC_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memset(void *at, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

/* At most size - 1 bytes of from, and a zero. */
static inline void nolibc_copy_text(char *to, const char *from, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i]; i++)
		to[i] = from[i];
	if (size)
		to[i] = 0;
}

#endif
