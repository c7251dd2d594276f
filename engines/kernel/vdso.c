/* engines/kernel/vdso.c -- the dynamic symbols of a vdso. The bytes may come from an image: nothing in them is trusted. */

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/vdso.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#define MACHINE EM_NONE
#endif

struct elf {
	const unsigned char *image;
	size_t size;
	uint64_t base; /* address of the first byte, as the file has it */
	uint64_t symtab, strtab, strsz, hash, gnu_hash; /* offsets; 0: none */
};

/* len bytes at offset, copied out: nothing is known of alignment. */
static bool get(const struct elf *e, uint64_t offset, void *to, size_t len)
{
	if (offset > e->size || len > e->size - offset)
		return false;
	memcpy(to, e->image + offset, len);
	return true;
}

static bool read_dynamic(struct elf *e, const Elf64_Phdr *ph)
{
	Elf64_Dyn dyn;

	for (uint64_t at = ph->p_vaddr - e->base; get(e, at, &dyn, sizeof(dyn)); at += sizeof(dyn)) {
		uint64_t offset = dyn.d_un.d_ptr - e->base;

		switch (dyn.d_tag) {
		case DT_NULL:
			return e->symtab && e->strtab && e->strsz;
		case DT_SYMTAB:
			e->symtab = offset;
			break;
		case DT_STRTAB:
			e->strtab = offset;
			break;
		case DT_STRSZ:
			e->strsz = dyn.d_un.d_val;
			break;
		case DT_HASH:
			e->hash = offset;
			break;
		case DT_GNU_HASH:
			e->gnu_hash = offset;
			break;
		}
	}
	return false;
}

static bool read_headers(struct elf *e)
{
	Elf64_Phdr ph, dynamic = { 0 };
	bool loaded = false;
	Elf64_Ehdr eh;

	if (!get(e, 0, &eh, sizeof(eh)) || memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
		eh.e_ident[EI_DATA] != ELFDATA2LSB || eh.e_machine != MACHINE || eh.e_phentsize != sizeof(ph))
		return false;
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		if (!get(e, eh.e_phoff + i * sizeof(ph), &ph, sizeof(ph)))
			return false;
		if (ph.p_type == PT_LOAD && !loaded) {
			e->base = ph.p_vaddr - ph.p_offset;
			loaded = true;
		}
		if (ph.p_type == PT_DYNAMIC)
			dynamic = ph;
	}
	return loaded && dynamic.p_type && read_dynamic(e, &dynamic);
}

/* The last symbol of the chains, plus one: the GNU table does not say how many there are. */
static bool count_gnu(const struct elf *e, uint32_t *nr)
{
	uint32_t head[4], last = 0, bucket, word; /* buckets, first symbol, words of the filter, shift */
	uint64_t buckets, chains;

	if (!get(e, e->gnu_hash, head, sizeof(head)))
		return false;
	buckets = e->gnu_hash + sizeof(head) + (uint64_t)head[2] * 8;
	chains = buckets + (uint64_t)head[0] * 4;
	for (uint32_t i = 0; i < head[0]; i++) {
		if (!get(e, buckets + i * 4ull, &bucket, 4))
			return false;
		if (bucket > last)
			last = bucket;
	}
	if (last < head[1])
		return false;
	do
		if (!get(e, chains + (last - head[1]) * 4ull, &word, 4))
			return false;
	while (last++, !(word & 1));
	*nr = last;
	return true;
}

static bool count_symbols(const struct elf *e, uint32_t *nr)
{
	uint32_t head[2]; /* buckets, chains: one for each symbol */

	if (!e->hash)
		return e->gnu_hash && count_gnu(e, nr);
	if (!get(e, e->hash, head, sizeof(head)))
		return false;
	*nr = head[1];
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kern_vdso_symbol *)a)->name, ((const struct kern_vdso_symbol *)b)->name);
}

static bool read_symbols(const struct elf *e, struct kern_vdso *vdso)
{
	uint32_t nr;

	if (!count_symbols(e, &nr))
		return false;
	for (uint32_t i = 0; i < nr; i++) {
		struct kern_vdso_symbol *s = &vdso->symbols[vdso->nr];
		Elf64_Sym sym;
		size_t room;

		if (!get(e, e->symtab + i * sizeof(sym), &sym, sizeof(sym)))
			return false;
		if (sym.st_shndx == SHN_UNDEF || ELF64_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		if (sym.st_name >= e->strsz || e->strtab > e->size || e->strsz > e->size - e->strtab)
			return false;
		room = e->strsz - sym.st_name < KERN_VDSO_NAME ? e->strsz - sym.st_name : KERN_VDSO_NAME;
		if (!memchr(e->image + e->strtab + sym.st_name, '\0', room))
			return false;
		strcpy(s->name, (const char *)e->image + e->strtab + sym.st_name);
		s->offset = sym.st_value - e->base;
		s->size = sym.st_size;
		if (s->offset >= e->size || s->size > e->size - s->offset || ++vdso->nr == KERN_VDSO_SYMBOLS)
			return false;
	}
	qsort(vdso->symbols, vdso->nr, sizeof(vdso->symbols[0]), by_name);
	return true;
}

int kern_vdso_parse(const void *image, size_t size, struct kern_vdso *vdso, struct img_err *err)
{
	struct elf e = { .image = image, .size = size };

	memset(vdso, 0, sizeof(*vdso));
	if (!read_headers(&e) || !read_symbols(&e, vdso))
		return img_fail(err, IMG_UNSUPPORTED, "a vdso that is not understood");
	return 0;
}

const struct kern_vdso_symbol *kern_vdso_find(const struct kern_vdso *vdso, const char *name)
{
	struct kern_vdso_symbol key;

	if (strlen(name) >= sizeof(key.name))
		return NULL;
	strcpy(key.name, name);
	return bsearch(&key, vdso->symbols, vdso->nr, sizeof(key), by_name);
}
