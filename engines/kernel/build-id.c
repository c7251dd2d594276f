/* engines/kernel/build-id.c -- finds the note in the program headers: elf(5). */

#include "kernel/build-id.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <unistd.h>
#include <linux/magic.h>

#include "criuimg/array.h"

#define PHDRS_MAX     128
#define NOTES_MAX     4096

/* Their files are not bytes on a disk: a read can wait, or take something away. */
static const uint32_t kernel_made[] = {
	PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC,
	BPF_FS_MAGIC, EFIVARFS_MAGIC, PSTOREFS_MAGIC, SELINUX_MAGIC, SMACK_MAGIC, 0x65735543 /* fusectl */,
	0x62656570 /* configfs */, BINFMTFS_MAGIC, 0x6e736673 /* nsfs */, DEVPTS_SUPER_MAGIC, 0x19800202 /* mqueue */,
};

static bool worth_reading(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kernel_made); i++)
		if ((uint32_t)fs.f_type == kernel_made[i])
			return false;
	return true;
}

static bool read_at(int fd, void *buf, size_t len, uint64_t pos)
{
	return pos < INT64_MAX && pread(fd, buf, len, (off_t)pos) == (ssize_t)len;
}

/* Notes: namesz, descsz, type, then name and descriptor, each padded to 4. */
static size_t find_note(const unsigned char *notes, size_t len, unsigned char *id)
{
	size_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr n;
		uint64_t name, desc;

		memcpy(&n, notes + at, sizeof(n));
		name = at + sizeof(n);
		desc = name + (((uint64_t)n.n_namesz + 3) & ~3ull);
		if (desc + n.n_descsz > len)
			return 0;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && !memcmp(notes + name, "GNU", 4) &&
		    n.n_descsz <= KERN_BUILD_ID_MAX) {
			memcpy(id, notes + desc, n.n_descsz);
			return n.n_descsz;
		}
		at = desc + (((uint64_t)n.n_descsz + 3) & ~3ull);
		if (at > len)
			return 0;
	}
	return 0;
}

static size_t notes_of(int fd, uint64_t offset, uint64_t size, unsigned char *id)
{
	unsigned char notes[NOTES_MAX];
	size_t len = size < sizeof(notes) ? (size_t)size : sizeof(notes);

	return read_at(fd, notes, len, offset) ? find_note(notes, len, id) : 0;
}

/* elf(5) has each header in two widths, with the same fields. */
#define FIELD(header, field) (wide ? (uint64_t)(header).wide.field : (uint64_t)(header).narrow.field)

static size_t build_id(int fd, bool wide, unsigned char *id)
{
	const size_t eh_size = wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	const size_t ph_size = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	union {
		Elf64_Ehdr wide;
		Elf32_Ehdr narrow;
	} eh;
	union {
		Elf64_Phdr wide;
		Elf32_Phdr narrow;
	} ph;
	size_t len;

	if (!read_at(fd, &eh, eh_size, 0) || FIELD(eh, e_phentsize) != ph_size)
		return 0;
	for (unsigned i = 0; i < FIELD(eh, e_phnum) && i < PHDRS_MAX; i++) {
		if (!read_at(fd, &ph, ph_size, FIELD(eh, e_phoff) + i * ph_size))
			return 0;
		if (FIELD(ph, p_type) == PT_NOTE && (len = notes_of(fd, FIELD(ph, p_offset), FIELD(ph, p_filesz), id)))
			return len;
	}
	return 0;
}

size_t kern_build_id(int fd, uint64_t file_size, unsigned char *id)
{
	unsigned char ident[EI_NIDENT];

	if (file_size < sizeof(Elf32_Ehdr) || !worth_reading(fd))
		return 0;
	if (!read_at(fd, ident, sizeof(ident), 0) || memcmp(ident, ELFMAG, SELFMAG))
		return 0;
	if (ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32)
		return 0;
	return build_id(fd, ident[EI_CLASS] == ELFCLASS64, id);
}
