/* kernel/vdso.h -- the functions of a vdso: a small ELF file that the kernel maps into every task. Facts: vdso(7), elf(5). */
#ifndef ENGINES_KERNEL_VDSO_H
#define ENGINES_KERNEL_VDSO_H

#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

#define KERN_VDSO_NAME	  32
#define KERN_VDSO_SYMBOLS 64

struct kern_vdso_symbol {
	char name[KERN_VDSO_NAME]; /* "__vdso_time", and "time" beside it */
	uint64_t offset;	   /* from the start of the mapping */
	uint64_t size;
};

struct kern_vdso {
	struct kern_vdso_symbol symbols[KERN_VDSO_SYMBOLS]; /* of functions, ascending by name */
	size_t nr;
};

/* From the bytes of a mapped vdso of this machine's architecture. Fails IMG_UNSUPPORTED when it is not one that is understood. Every
 * offset is inside of the image. */
int kern_vdso_parse(const void *image, size_t size, struct kern_vdso *vdso, struct img_err *err);
/* NULL when there is none of that name. */
const struct kern_vdso_symbol *kern_vdso_find(const struct kern_vdso *vdso, const char *name);

#endif
