/* kernel/vdso.h -- the functions in a vdso image: an ELF object that the kernel maps into every process.
 * Facts: vdso(7), elf(5). */
#ifndef ENGINES_KERNEL_VDSO_H
#define ENGINES_KERNEL_VDSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

enum { KERN_VDSO_SYMBOLS_MAX = 64 };

struct kern_vdso_symbol {
	char name[48];
	uint64_t offset; /* of its first byte, from the start of the image */
	uint64_t size;	 /* bytes; 0: not said */
};

struct kern_vdso {
	struct kern_vdso_symbol symbols[KERN_VDSO_SYMBOLS_MAX]; /* ascending by name */
	size_t nr;
};

/* From the bytes as they lie in memory. They need not be trusted: IMG_CORRUPT where they are no such thing.
 * Names that do not fit and symbols that are no functions are left out. */
int kern_vdso_parse(const void *image, size_t size, struct kern_vdso *vdso, struct img_err *err);
/* NULL: there is none. */
const struct kern_vdso_symbol *kern_vdso_find(const struct kern_vdso *vdso, const char *name);
/* The same functions at the same places? */
bool kern_vdso_same(const struct kern_vdso *a, const struct kern_vdso *b);

#endif
