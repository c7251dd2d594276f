/* criu-dump/mnt-own.h -- what the files of engines/ns/mnt/ call of each other: the dump half. */
#ifndef CRIU_DUMP_MNT_OWN_H
#define CRIU_DUMP_MNT_OWN_H

#include "criu-dump/mounts.h"

enum mnt_content {
	MNT_NO_CONTENT, /* all that is in it is the kernel's */
	MNT_TAR,	/* files: tmpfs-dev */
	MNT_BINFMT,	/* entries: binfmt-misc */
	MNT_EMPTY_ONLY, /* files that cannot be carried yet: refused when there are any */
};

/* The device of a mount as images have it. */
uint32_t mnt_dev(const struct kern_mount *m);

/* The root of a mount, open for reading, whatever is mounted over it or in it: seen from a private copy of its namespace. */
int mnt_open(struct dump *d, const struct dump_mntns *ns, const struct kern_mount *m, struct img_err *err);
/* Save what is in a file system. m shows its whole. */
int mnt_dump_content(struct dump *d, const struct dump_mntns *ns, const struct kern_mount *m, enum mnt_content what,
	struct img_err *err);

/* fd: the root of a binfmt_misc. */
int mnt_dump_binfmt(struct dump *d, int fd, struct img_err *err);

#endif
