/* engines/kernel/maps.c -- the parser of /proc/PID/maps and smaps. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/maps.h"
#include "kernel/self.h"

/* Longer than any line: PATH_MAX, each byte at most 4 when escaped, and the columns before it. */
enum { READ_SIZE = 128 << 10, LINE_MAX_LEN = 20 << 10, NAMES_BLOCK = 64 << 10 };

static const char words[KERN_VM_FLAG_NR][3] = {
	[KERN_VM_READ] = "rd",
	[KERN_VM_WRITE] = "wr",
	[KERN_VM_EXEC] = "ex",
	[KERN_VM_SHARED] = "sh",
	[KERN_VM_MAYREAD] = "mr",
	[KERN_VM_MAYWRITE] = "mw",
	[KERN_VM_MAYEXEC] = "me",
	[KERN_VM_MAYSHARE] = "ms",
	[KERN_VM_GROWSDOWN] = "gd",
	[KERN_VM_PFNMAP] = "pf",
	[KERN_VM_LOCKED] = "lo",
	[KERN_VM_LOCKONFAULT] = "lf",
	[KERN_VM_IO] = "io",
	[KERN_VM_SEQ_READ] = "sr",
	[KERN_VM_RAND_READ] = "rr",
	[KERN_VM_DONTCOPY] = "dc",
	[KERN_VM_DONTEXPAND] = "de",
	[KERN_VM_ACCOUNT] = "ac",
	[KERN_VM_NORESERVE] = "nr",
	[KERN_VM_HUGETLB] = "ht",
	[KERN_VM_SYNC] = "sf",
	[KERN_VM_ARCH_1] = "ar",
	[KERN_VM_WIPEONFORK] = "wf",
	[KERN_VM_DONTDUMP] = "dd",
	[KERN_VM_BTI] = "bt",
	[KERN_VM_MTE] = "mt",
	[KERN_VM_SOFTDIRTY] = "sd",
	[KERN_VM_MIXEDMAP] = "mm",
	[KERN_VM_HUGEPAGE] = "hg",
	[KERN_VM_NOHUGEPAGE] = "nh",
	[KERN_VM_MERGEABLE] = "mg",
	[KERN_VM_UFFD_MISSING] = "um",
	[KERN_VM_UFFD_WP] = "uw",
	[KERN_VM_UFFD_MINOR] = "ui",
	[KERN_VM_SHADOW_STACK] = "ss",
	[KERN_VM_SEALED] = "sl",
	[KERN_VM_DROPPABLE] = "dp",
	[KERN_VM_GUARD] = "gu",
};

const char *kern_vm_flag_word(enum kern_vm_flag flag)
{
	return words[flag];
}

/* ---- names: strings in blocks, so that pointers to them stay ---- */

struct kern_names {
	struct kern_names *next;
	size_t used, size;
	char text[];
};

static const char *name_keep(struct kern_maps *maps, const char *name, size_t len)
{
	struct kern_names *block = maps->names;
	char *at;

	if (!len)
		return "";
	if (!block || block->size - block->used < len + 1) {
		size_t size = len + 1 > NAMES_BLOCK ? len + 1 : NAMES_BLOCK;

		block = malloc(sizeof(*block) + size);
		if (!block)
			return NULL;
		*block = (struct kern_names){ .next = maps->names, .size = size };
		maps->names = block;
	}
	at = block->text + block->used;
	memcpy(at, name, len);
	at[len] = '\0';
	block->used += len + 1;
	return at;
}

/* ---- one line ---- */

/* Digits of the base (at most 16) up to the first other byte; *p moves there. No digit at all is told by *p
 * alone. */
static uint64_t number(const char **p, unsigned int base)
{
	const char *s = *p;
	uint64_t n = 0;

	for (;; s++) {
		unsigned int c = (unsigned char)*s, digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else
			break;
		if (digit >= base)
			break;
		n = n * base + digit;
	}
	*p = s;
	return n;
}

/* A number and the byte that ends it. */
static bool field(const char **p, unsigned int base, char end, uint64_t *out)
{
	const char *s = *p;

	*out = number(p, base);
	if (*p == s || **p != end)
		return false;
	(*p)++;
	return true;
}

/* "start-end perms offset major:minor inode   name"; the line ends with a NUL at p[len]. */
static int parse_mapping(struct kern_maps *maps, const char *p, size_t len, struct img_err *err)
{
	const char *end = p + len, *line = p;
	struct kern_vma *vma = img_array_more(&maps->vmas, maps->nr, &maps->room);
	uint64_t major, minor;

	if (!vma)
		return img_fail_nomem(err);
	if (!field(&p, 16, '-', &vma->start) || !field(&p, 16, ' ', &vma->end))
		goto bad;
	if (end - p < 5 || p[4] != ' ')
		goto bad;
	vma->prot = (p[0] == 'r' ? PROT_READ : 0) | (p[1] == 'w' ? PROT_WRITE : 0) |
		    (p[2] == 'x' ? PROT_EXEC : 0);
	vma->shared = p[3] == 's';
	p += 5;
	if (!field(&p, 16, ' ', &vma->offset) || !field(&p, 16, ':', &major) || !field(&p, 16, ' ', &minor))
		goto bad;
	vma->dev_major = major;
	vma->dev_minor = minor;
	vma->ino = number(&p, 10);
	/* The name starts after the padding; a name of blanks alone cannot be told from none. */
	while (*p == ' ')
		p++;
	vma->name = name_keep(maps, p, end - p);
	if (!vma->name)
		return img_fail_nomem(err);
	if (vma->start >= vma->end || (maps->nr && maps->vmas[maps->nr - 1].end > vma->start))
		goto bad;
	maps->nr++;
	return 0;
bad:
	return img_fail(err, IMG_UNSUPPORTED, "a mapping is not understood: '%.80s'", line);
}

static void unknown_word(struct kern_maps *maps, const char *word, size_t len)
{
	size_t i;

	if (len > sizeof(maps->unknown[0]) - 1)
		len = sizeof(maps->unknown[0]) - 1;
	for (i = 0; i < maps->nr_unknown; i++)
		if (!strncmp(maps->unknown[i], word, len) && !maps->unknown[i][len])
			return;
	if (i == ARRAY_SIZE(maps->unknown))
		return;
	memcpy(maps->unknown[i], word, len);
	maps->unknown[i][len] = '\0';
	maps->nr_unknown++;
}

static void parse_flags(struct kern_maps *maps, struct kern_vma *vma, const char *p)
{
	while (*p) {
		const char *word = p;
		unsigned int i;

		if (*p == ' ') {
			p++;
			continue;
		}
		while (*p && *p != ' ')
			p++;
		for (i = 0; i < KERN_VM_FLAG_NR; i++)
			if (p - word == 2 && words[i][0] == word[0] && words[i][1] == word[1])
				break;
		if (i < KERN_VM_FLAG_NR)
			vma->flags |= 1ull << i;
		else
			unknown_word(maps, word, p - word);
	}
}

static const char *after(const char *line, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(line, prefix, len) ? NULL : line + len;
}

/* A line of details. Most of them say how much memory there is, which other files tell better. */
static void parse_detail(struct kern_maps *maps, const char *line)
{
	struct kern_vma *vma;
	const char *p;

	if (!maps->nr)
		return;
	vma = &maps->vmas[maps->nr - 1];
	switch (line[0]) {
	case 'V':
		p = after(line, "VmFlags:");
		if (p)
			parse_flags(maps, vma, p);
		break;
	case 'K':
		p = after(line, "KernelPageSize:");
		if (p)
			vma->page_size = strtoull(p, NULL, 10) << 10;
		break;
	case 'S':
		p = after(line, "Shared_");
		p = p ? strchr(p, ':') : NULL;
		if (p)
			vma->others += strtoull(p + 1, NULL, 10) << 10;
		break;
	case 'P':
		p = after(line, "ProtectionKey:");
		if (p)
			vma->pkey = atoi(p);
		break;
	}
}

static int parse_line(struct kern_maps *maps, const char *line, size_t len, struct img_err *err)
{
	if (line[0] >= 'A' && line[0] <= 'Z') {
		parse_detail(maps, line);
		return 0;
	}
	return parse_mapping(maps, line, len, err);
}

/* ---- the file ---- */

int kern_maps_read_fd(int fd, const char *what, struct kern_maps *maps, struct img_err *err)
{
	cleanup_free char *buf = malloc(READ_SIZE + 1);
	size_t have = 0;

	if (!buf)
		return img_fail_nomem(err);
	for (;;) {
		ssize_t got = read(fd, buf + have, READ_SIZE - have);
		char *line = buf, *nl;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return img_fail_sys(err, "%s", what);
		if (!got)
			break;
		have += got;
		while ((nl = memchr(line, '\n', buf + have - line))) {
			*nl = '\0';
			if (parse_line(maps, line, nl - line, err) < 0)
				return img_wrap(err, "%s", what);
			line = nl + 1;
		}
		have -= line - buf;
		memmove(buf, line, have);
		if (have > LINE_MAX_LEN)
			return img_fail(err, IMG_UNSUPPORTED, "%s: a line without an end", what);
	}
	if (have)
		return img_fail(err, IMG_UNSUPPORTED, "%s: ends in the middle of a line", what);
	return 0;
}

int kern_maps_read(pid_t pid, bool with_flags, struct kern_maps *maps, struct img_err *err)
{
	char path[64];
	cleanup_fd int fd = -1;

	if (pid == getpid())
		kern_self_path(path, sizeof(path), "%s", with_flags ? "smaps" : "maps");
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, with_flags ? "smaps" : "maps");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "%s", path);
	return kern_maps_read_fd(fd, path, maps, err);
}

void kern_maps_free(struct kern_maps *maps)
{
	struct kern_names *block = maps->names;

	while (block) {
		struct kern_names *next = block->next;

		free(block);
		block = next;
	}
	free(maps->vmas);
	*maps = (struct kern_maps)KERN_MAPS_INIT;
}

const struct kern_vma *kern_maps_find(const struct kern_maps *maps, uint64_t addr)
{
	size_t low = 0, high = maps->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (maps->vmas[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < maps->nr && maps->vmas[low].start <= addr ? &maps->vmas[low] : NULL;
}
