/* engines/kernel/link-kinds.h -- kinds of network devices, by what the kernel calls them, and which of their attributes make them what
 * they are. Facts: linux/if_link.h, and the fill_info() and policy of each kind below drivers/net and net/. */
#ifndef ENGINES_KERNEL_LINK_KINDS_H
#define ENGINES_KERNEL_LINK_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an attribute is for whoever saves a device. */
enum kern_attr_role {
	KERN_ATTR_UNKNOWN,
	KERN_ATTR_KEEP,	 /* given back as it is */
	KERN_ATTR_FLAG,	 /* told as a byte, given back as one that is there or not */
	KERN_ATTR_STATE, /* follows from others, or goes with time */
};

struct kern_attr_roles {
	const uint8_t *keep, *state, *flag; /* types, in any order, a 0 at the end; flag may be NULL */
};

struct kern_link_kind {
	const char *kind;	     /* IFLA_INFO_KIND */
	struct kern_attr_roles data; /* of IFLA_INFO_DATA */
	bool lower;		     /* stands on another device: IFLA_LINK */
	bool pair;		     /* IFLA_LINK is the other end */
	bool later;		     /* attributes are changed where they differ, once it is there ... */
	uint8_t first;		     /* ... save this one, which the others depend on; 0: none */
};

/* NULL: a kind that is not known. */
const struct kern_link_kind *kern_link_kind(const char *kind);

/* IFLA_INFO_SLAVE_DATA, by IFLA_INFO_SLAVE_KIND; NULL: not known. */
const struct kern_attr_roles *kern_slave_kind(const char *kind);

/* IFLA_* of a device itself. */
extern const struct kern_attr_roles kern_link_roles;

enum kern_attr_role kern_attr_role(const struct kern_attr_roles *roles, int type);

#endif
