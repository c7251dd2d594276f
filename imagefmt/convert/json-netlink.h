/* imagefmt/convert/json-netlink.h -- what is known of the messages in a netlink dump: tables. */
#ifndef IMAGEFMT_CONVERT_JSON_NETLINK_H
#define IMAGEFMT_CONVERT_JSON_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include "convert/json-names.h"

/* How a value is shown. */
enum nl_form {
	NL_HEX, /* whatever is not known */
	NL_U8,
	NL_U16,
	NL_U32,
	NL_BE16,
	NL_BE32,
	NL_BE64,
	NL_TEXT,
	NL_ADDRESS, /* IPv4 or IPv6, by its length */
	NL_VIA,	    /* struct rtvia: a family and an address */
	NL_NESTED,
	NL_STRUCT,    /* fields of fixed places */
	NL_MULTIPATH, /* struct rtnexthop, each with attributes */
};

struct nl_table;

/* A field at a fixed place, or (in a table of attributes) an attribute of type `at`. */
struct nl_row {
	uint16_t at;
	const char *name;
	enum nl_form form;
	const struct nl_table *inside;	/* of NL_NESTED, NL_STRUCT and NL_MULTIPATH */
	const struct json_name *names;	/* of numbers: the whole number's, or */
	const struct json_name *flags;	/* its bits' */
};

struct nl_table {
	size_t size; /* of a struct, bytes */
	const struct nl_row *rows;
	size_t nr;
};

/* One sort of message: the header behind nlmsghdr, and the attributes. */
struct nl_message {
	uint16_t type;
	const char *name;
	const struct nl_table *header, *attributes;
};

/* NULL when it is not known. */
const struct nl_message *nl_message_of(uint16_t type);

#endif
