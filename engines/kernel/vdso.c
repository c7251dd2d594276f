/* kernel/vdso.c -- the functions in a vdso image. */

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/vdso.h"

/* What of the dynamic section is needed, as offsets in the image. */
struct tables {
	uint64_t symtab, strtab, strsz, hash, gnu_hash;
};

struct image {
	const uint8_t *bytes;
	size_t size;
	uint64_t bias; /* from addresses to offsets */
};

static const void *at(const struct image *img, uint64_t offset, uint64_t size)
{
	return offset <= img->size && size <= img->size - offset ? img->bytes + offset : NULL;
}

static int corrupt(struct img_err *err, const char *what)
{
	return img_fail(err, IMG_CORRUPT, "vdso: %s", what);
}

static int find_dynamic(struct image *img, const Elf64_Dyn **dyn, size_t *nr, struct img_err *err)
{
	const Elf64_Ehdr *eh = at(img, 0, sizeof(*eh));
	const Elf64_Phdr *ph;

	if (!eh || memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
		eh->e_phentsize != sizeof(*ph))
		return corrupt(err, "not a 64-bit ELF object");
	ph = at(img, eh->e_phoff, eh->e_phnum * sizeof(*ph));
	if (!ph || eh->e_phoff % _Alignof(Elf64_Phdr))
		return corrupt(err, "no program headers");
	*dyn = NULL;
	*nr = 0;
	for (size_t i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			img->bias = ph[i].p_vaddr - ph[i].p_offset;
		if (ph[i].p_type == PT_DYNAMIC && ph[i].p_offset % _Alignof(Elf64_Dyn) == 0) {
			*dyn = at(img, ph[i].p_offset, ph[i].p_filesz);
			*nr = ph[i].p_filesz / sizeof(**dyn);
		}
	}
	return *dyn ? 0 : corrupt(err, "no dynamic section");
}

static void read_dynamic(const struct image *img, const Elf64_Dyn *dyn, size_t nr, struct tables *t)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < nr && dyn[i].d_tag != DT_NULL; i++) {
		uint64_t offset = dyn[i].d_un.d_ptr - img->bias;

		switch (dyn[i].d_tag) {
		case DT_SYMTAB:
			t->symtab = offset;
			break;
		case DT_STRTAB:
			t->strtab = offset;
			break;
		case DT_STRSZ:
			t->strsz = dyn[i].d_un.d_val;
			break;
		case DT_HASH:
			t->hash = offset;
			break;
		case DT_GNU_HASH:
			t->gnu_hash = offset;
			break;
		}
	}
}

/* The table of symbols does not say how long it is; the hash tables do. */
static size_t count_by_gnu_hash(const struct image *img, uint64_t offset)
{
	const uint32_t *head = offset % 4 ? NULL : at(img, offset, 16), *buckets, *chain;
	uint32_t last = 0;

	if (!head || head[2] > img->size / 8 || head[0] > img->size / 4)
		return 0;
	offset += 16 + head[2] * 8ull;
	buckets = at(img, offset, head[0] * 4ull);
	for (uint32_t i = 0; buckets && i < head[0]; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (!buckets || last < head[1])
		return 0;
	offset += head[0] * 4ull;
	/* The chain of the last bucket ends with the last symbol: an odd hash. */
	for (;; last++) {
		chain = at(img, offset + (last - head[1]) * 4ull, 4);
		if (!chain)
			return 0;
		if (*chain & 1)
			return last + 1;
	}
}

static size_t count_symbols(const struct image *img, const struct tables *t)
{
	const uint32_t *hash = t->hash && t->hash % 4 == 0 ? at(img, t->hash, 8) : NULL;

	return hash ? hash[1] : t->gnu_hash ? count_by_gnu_hash(img, t->gnu_hash) : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kern_vdso_symbol *)a)->name, ((const struct kern_vdso_symbol *)b)->name);
}

static void add_symbol(const struct image *img, const char *strings, uint64_t strsz, const Elf64_Sym *s,
	struct kern_vdso *vdso)
{
	struct kern_vdso_symbol *to = &vdso->symbols[vdso->nr];
	uint64_t offset = s->st_value - img->bias;
	size_t len;

	if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_shndx == SHN_UNDEF || s->st_name >= strsz ||
		!at(img, offset, 1))
		return;
	len = strnlen(strings + s->st_name, strsz - s->st_name);
	if (len >= sizeof(to->name) || len == strsz - s->st_name || vdso->nr == KERN_VDSO_SYMBOLS_MAX)
		return;
	memcpy(to->name, strings + s->st_name, len + 1);
	to->offset = offset;
	to->size = s->st_size;
	vdso->nr++;
}

int kern_vdso_parse(const void *image, size_t size, struct kern_vdso *vdso, struct img_err *err)
{
	struct image img = { .bytes = image, .size = size };
	const Elf64_Sym *symbols;
	const Elf64_Dyn *dyn;
	const char *strings;
	struct tables t;
	size_t nr = 0;

	memset(vdso, 0, sizeof(*vdso));
	if (find_dynamic(&img, &dyn, &nr, err) < 0)
		return -1;
	read_dynamic(&img, dyn, nr, &t);
	nr = count_symbols(&img, &t);
	symbols = t.symtab && t.symtab % _Alignof(Elf64_Sym) == 0 && nr < size
			  ? at(&img, t.symtab, nr * sizeof(*symbols))
			  : NULL;
	strings = t.strtab ? at(&img, t.strtab, t.strsz) : NULL;
	if (!nr || !symbols || !strings)
		return corrupt(err, "no symbols");
	for (size_t i = 0; i < nr; i++)
		add_symbol(&img, strings, t.strsz, &symbols[i], vdso);
	qsort(vdso->symbols, vdso->nr, sizeof(vdso->symbols[0]), by_name);
	return 0;
}

const struct kern_vdso_symbol *kern_vdso_find(const struct kern_vdso *vdso, const char *name)
{
	for (size_t i = 0; i < vdso->nr; i++)
		if (!strcmp(vdso->symbols[i].name, name))
			return &vdso->symbols[i];
	return NULL;
}

bool kern_vdso_same(const struct kern_vdso *a, const struct kern_vdso *b)
{
	if (a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++)
		if (strcmp(a->symbols[i].name, b->symbols[i].name) ||
			a->symbols[i].offset != b->symbols[i].offset)
			return false;
	return true;
}
