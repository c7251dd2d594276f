/* engines/kernel/fdinfo.h -- /proc/PID/fdinfo/N: what the kernel tells of a descriptor, as "key: value" lines.
 *
 * One parser for all kinds. A kind says in a table which lines it knows and where their values go; a line that no table
 * knows is not an error here: it is handed to the caller, who names it in a warning or refuses.
 * Source: proc_pid_fdinfo(5), fs/proc/fd.c seq_show(), and each kind's show_fdinfo in the kernel.
 */
#ifndef ENGINES_KERNEL_FDINFO_H
#define ENGINES_KERNEL_FDINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

/* How the value of a line is written; all numbers go to a uint64_t. */
enum fdinfo_base {
	FDINFO_DEC,
	FDINFO_OCT,
	FDINFO_HEX,
	FDINFO_SDEC, /* signed: stored as int64_t */
	FDINFO_SKIP, /* known, and of no interest: the value is not looked at */
};

struct fdinfo_field {
	const char *key;	 /* without the colon */
	enum fdinfo_base base;
	size_t offset;		 /* of the uint64_t in the caller's struct */
	bool required;
};

/* The lines that every descriptor has. */
struct kern_fdinfo {
	uint64_t pos;
	uint64_t flags;	 /* O_*, O_CLOEXEC (of the descriptor) included */
	uint64_t mnt_id;
	uint64_t ino;	 /* 0 before Linux 5.14 */
	unsigned nr_locks; /* "lock:" lines: leases, flock, POSIX and OFD locks that the table's owner holds */
	const char *extra; /* the lines that belong to the kind, one string; "" without any. Points into the text. */
};

/* The whole of one fdinfo file into buf (grown as needed, NUL-terminated; *buf is the caller's to free). dirfd is an open
 * /proc/PID/fdinfo. -1 with IMG_SYS; ENOENT says that the descriptor is gone. */
int kern_fdinfo_read(int dirfd, int fd, char **buf, size_t *room, struct img_err *err);

/* The common lines out of text, which is changed: what is left of it is out->extra. IMG_UNSUPPORTED when `pos` or `flags`
 * are missing or are no numbers. */
int kern_fdinfo_common(char *text, struct kern_fdinfo *out, struct img_err *err);

/* The lines of a kind, from kern_fdinfo.extra (not changed), into *out. Lines that fields do not name are reported one by
 * one to unknown(arg, line) (may be NULL); a nonzero return of it ends the walk and is returned. -1 with IMG_UNSUPPORTED
 * when a required line is missing or a value is not of its form. A line that comes more than once sets its field each
 * time: kinds with lists walk them with kern_fdinfo_next(). */
int kern_fdinfo_fields(const char *extra, const struct fdinfo_field *fields, size_t nr, void *out,
	int (*unknown)(void *arg, const char *line), void *arg, struct img_err *err);

/* Walk the lines: *at starts as extra. 1 with the line (without its newline) copied to line (cut at size), 0 at the end. */
int kern_fdinfo_next(const char **at, char *line, size_t size);

#endif
