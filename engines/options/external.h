/* engines/options/external.h -- what --external and --inherit-fd say: objects that are not part of the images.
 *
 *	--external TYPE[ID]		TYPE is a word: mnt, dev, file, tty, unix, net, pid, veth, macvlan, netdev
 *	--external TYPE[ID]:VALUE	ID ends at the first `]`; it may be empty (mnt[]), and VALUE may have anything in it
 *	--inherit-fd fd[N]:KEY		KEY is what images call the object: tty[RDEV:DEV], pipe:[INODE], socket:[INODE], file[MNT:INODE],
 *					a path, or the VALUE that --external gave it at the dump
 *
 * Items are checked when they are given, so a walk over them meets good ones only. Facts: criu(8).
 */
#ifndef ENGINES_OPTIONS_EXTERNAL_H
#define ENGINES_OPTIONS_EXTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "options/options.h"

/* An item of --external. Points into the item's text; type, id and key are not terminated, value is. */
struct option_external {
	const char *type, *id, *key; /* "tty", "8800:38", "tty[8800:38]" */
	size_t type_len, id_len, key_len;
	const char *value; /* what follows the colon; NULL when there is none */
};

/* Take an item apart: false when it is not of that form. */
bool option_external_parse(const char *item, struct option_external *ext);
/* The items of a type, in the order they were given: *at is 0 at first. false at the end. */
bool options_external_next(const struct options *opt, const char *type, size_t *at, struct option_external *ext);
/* The item that is exactly TYPE[ID], key formatted as printf(3) does: its value, "" when it has none; NULL: none was given. */
const char *options_external(const struct options *opt, const char *key, ...) __attribute__((format(printf, 2, 3)));

/* An item of --inherit-fd: false when it is not of that form. *key points into the item. */
bool option_inherit_parse(const char *item, int *fd, const char **key);
/* Are all descriptors of --inherit-fd open? Fails IMG_USAGE. Before we open any ourselves, which would take their numbers. */
int options_inherit_check(const struct options *opt, struct img_err *err);

#endif
