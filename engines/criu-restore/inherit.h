/* engines/criu-restore/inherit.h -- descriptors that the caller hands over (--inherit-fd): they are some object of the images already.
 */
#ifndef CRIU_RESTORE_INHERIT_H
#define CRIU_RESTORE_INHERIT_H

#include "criu-restore/restore.h"

/* Front, before the numbers of the image are taken (floor.c): note them all. Fails IMG_USAGE when one is not open. */
int restore_inherit_read(struct restore *r, struct img_err *err);
/* The descriptor of the object that images call key (printf), -1 when none was given. Borrowed; the same number in the front and in
 * all tasks until their tape is played, FD_CLOEXEC. Each use takes a duplicate: the file description is the caller's. */
int restore_inherited(const struct restore *r, const char *key, ...) __attribute__((format(printf, 2, 3)));

#endif
