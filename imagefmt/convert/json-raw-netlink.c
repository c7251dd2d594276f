/* imagefmt/convert/json-raw-netlink.c -- netlink dumps (addresses, routes, rules, connections): an entry a message.
 *
 * `ip save` puts a magic number in front, which is the first entry. A message is shown by the tables of json-netlink.c and has
 * its bytes in `extra`, which is what counts on the way back. What cannot be taken apart is an entry of bytes alone.
 */

#include "convert/json-raw.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "convert/json-names.h"
#include "convert/json-netlink.h"
#include "criuimg/cleanup.h"

/* The magic numbers of iproute2's `ip address save`, `ip route save` and `ip rule save`. */
#define MAGIC_ADDRESS 0x47361222u
#define MAGIC_ROUTE   0x45311224u
#define MAGIC_RULE    0x71706986u

/* No dump has a longer message: 64 KiB are what one attribute can have. */
#define MESSAGE_MAX (1u << 20)
/* How deep attributes may nest; the tables end before that. */
#define DEPTH_MAX 8

/* ---- values ---- */

static void write_number(struct json_out *out, const struct nl_row *row, uint64_t value)
{
	const char *name = row->names ? json_name_of(row->names, value) : NULL;
	char text[JSON_TEXT_MAX];

	if (name) {
		json_ascii(out, name);
	} else if (row->flags) {
		json_flags_text(text, row->flags, value);
		json_ascii(out, text);
	} else {
		json_unsigned(out, value);
	}
}

/* False when len is not what the form has. */
static bool number_of(enum nl_form form, const uint8_t *data, size_t len, uint64_t *value)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (form) {
	case NL_U8:
		*value = len ? data[0] : 0;
		return len == 1;
	case NL_U16:
	case NL_BE16:
		if (len != sizeof(u16))
			return false;
		memcpy(&u16, data, sizeof(u16));
		*value = form == NL_U16 ? le16toh(u16) : be16toh(u16);
		return true;
	case NL_U32:
	case NL_BE32:
		if (len != sizeof(u32))
			return false;
		memcpy(&u32, data, sizeof(u32));
		*value = form == NL_U32 ? le32toh(u32) : be32toh(u32);
		return true;
	case NL_BE64:
		if (len != sizeof(u64))
			return false;
		memcpy(&u64, data, sizeof(u64));
		*value = be64toh(u64);
		return true;
	default:
		return false;
	}
}

static size_t number_size(enum nl_form form)
{
	return form == NL_U8 ? 1 : form == NL_U16 || form == NL_BE16 ? 2 : form == NL_BE64 ? 8 : 4;
}

static bool write_address(struct json_out *out, const void *data, size_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (len != 4 && len != 16)
		return false;
	if (!inet_ntop(len == 4 ? AF_INET : AF_INET6, data, text, sizeof(text)))
		return false;
	json_ascii(out, text);
	return true;
}

static bool write_chars(struct json_out *out, const char *data, size_t len)
{
	/* Only what the way back could tell apart: one zero byte, at the end. */
	if (!len || memchr(data, '\0', len) != data + len - 1)
		return false;
	json_raw(out, "\"", 1);
	json_text(out, data, len - 1);
	json_raw(out, "\"", 1);
	return true;
}

static void write_attributes(struct json_out *out, const struct nl_table *table, struct nlattr *first, int len, int depth);

static bool write_struct(struct json_out *out, const struct nl_table *table, const uint8_t *data, size_t len, bool open)
{
	uint64_t value = 0;

	if (len < table->size)
		return false;
	if (open)
		json_open(out, '{');
	for (size_t i = 0; i < table->nr; i++) {
		const struct nl_row *row = &table->rows[i];

		json_raw_key(out, row->name);
		number_of(row->form, data + row->at, number_size(row->form), &value);
		write_number(out, row, value);
	}
	if (open)
		json_close(out, '}');
	return true;
}

/* struct rtvia: a family of 16 bits, then the address. */
static bool write_via(struct json_out *out, const uint8_t *data, size_t len)
{
	return len > 2 && write_address(out, data + 2, len - 2);
}

static bool write_multipath(struct json_out *out, const struct nl_table *table, const uint8_t *data, size_t len, int depth)
{
	struct rtnexthop hop;

	json_open(out, '[');
	while (len >= sizeof(hop)) {
		size_t step;

		memcpy(&hop, data, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > len)
			break;
		json_item(out);
		json_open(out, '{');
		json_member(out, "oif");
		json_unsigned(out, (uint32_t)hop.rtnh_ifindex);
		json_member(out, "weight");
		json_unsigned(out, hop.rtnh_hops + 1u);
		json_member(out, "flags");
		json_unsigned(out, hop.rtnh_flags);
		write_attributes(out, table, (struct nlattr *)(data + sizeof(hop)), hop.rtnh_len - sizeof(hop), depth + 1);
		json_close(out, '}');
		step = NLA_ALIGN(hop.rtnh_len);
		if (step > len)
			step = len;
		data += step;
		len -= step;
	}
	json_close(out, ']');
	return true;
}

static void write_value(struct json_out *out, const struct nl_row *row, struct nlattr *attr, int depth)
{
	static const struct nl_row unknown = { .form = NL_HEX };
	const uint8_t *data = nla_data(attr);
	size_t len = nla_len(attr);
	uint64_t value;
	bool done;

	if (!row)
		row = &unknown;
	switch (row->form) {
	case NL_TEXT:
		done = write_chars(out, (const char *)data, len);
		break;
	case NL_ADDRESS:
		done = write_address(out, data, len);
		break;
	case NL_VIA:
		done = write_via(out, data, len);
		break;
	case NL_STRUCT:
		done = write_struct(out, row->inside, data, len, true);
		break;
	case NL_MULTIPATH:
		done = depth < DEPTH_MAX && write_multipath(out, row->inside, data, len, depth);
		break;
	case NL_NESTED:
		done = depth < DEPTH_MAX;
		if (done) {
			json_open(out, '{');
			write_attributes(out, row->inside, nla_data(attr), len, depth + 1);
			json_close(out, '}');
		}
		break;
	default:
		done = number_of(row->form, data, len, &value);
		if (done)
			write_number(out, row, value);
	}
	if (!done)
		json_raw_hex(out, data, len);
}

static void write_attributes(struct json_out *out, const struct nl_table *table, struct nlattr *first, int len, int depth)
{
	struct nlattr *attr;
	char name[32];
	int left;

	nla_for_each_attr (attr, first, len, left) {
		const struct nl_row *row = NULL;

		for (size_t i = 0; i < table->nr && !row; i++)
			if (table->rows[i].at == nla_type(attr))
				row = &table->rows[i];
		snprintf(name, sizeof(name), "attribute_%d", nla_type(attr));
		json_raw_key(out, row ? row->name : name);
		write_value(out, row, attr, depth);
	}
}

/* ---- messages ---- */

static void write_message(struct json_raw *raw, struct nlmsghdr *msg)
{
	const struct nl_message *known = nl_message_of(msg->nlmsg_type);
	struct json_out *out = raw->out;

	json_item(out);
	json_open(out, '{');
	json_member(out, "type");
	if (known)
		json_ascii(out, known->name);
	else
		json_unsigned(out, msg->nlmsg_type);
	if (known && write_struct(out, known->header, nlmsg_data(msg), nlmsg_datalen(msg), false))
		write_attributes(out, known->attributes, nlmsg_attrdata(msg, known->header->size),
			nlmsg_attrlen(msg, known->header->size), 0);
	json_raw_extra(raw, msg, NLMSG_ALIGN(msg->nlmsg_len));
	json_close(out, '}');
}

/* The rest of the image as bytes: those that were read, and what follows. */
static int write_rest(struct json_raw *raw, const void *have, size_t len, struct img_err *err)
{
	if (len) {
		json_item(raw->out);
		json_open(raw->out, '{');
		json_raw_extra(raw, have, len);
		json_close(raw->out, '}');
	}
	return json_raw_bytes(raw, err);
}

/* As much as there is, up to len. */
static ssize_t read_some(struct img_source *src, void *buf, size_t len, struct img_err *err)
{
	size_t have = 0;
	ssize_t n;

	while (have < len && (n = img_source_read(src, (char *)buf + have, len - have, err)) != 0) {
		if (n < 0)
			return -1;
		have += n;
	}
	return have;
}

static bool is_magic(uint32_t word)
{
	return word == MAGIC_ADDRESS || word == MAGIC_ROUTE || word == MAGIC_RULE;
}

static int write_magic(struct json_raw *raw, uint32_t magic)
{
	json_item(raw->out);
	json_open(raw->out, '{');
	json_member(raw->out, "dump_magic");
	json_unsigned(raw->out, magic);
	json_close(raw->out, '}');
	return 0;
}

/* The next message into buf, which has room for MESSAGE_MAX; `first` bytes of it are there. 1; 0 at the end; -1. What is
 * none is written as bytes, and that is the end. */
static int next_message(struct json_raw *raw, char *buf, size_t first, struct img_err *err)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)buf;
	ssize_t n = read_some(raw->src, buf + first, sizeof(*msg) - first, err);
	size_t have, whole;

	if (n < 0)
		return -1;
	have = first + n;
	if (!have)
		return 0;
	if (have < sizeof(*msg) || msg->nlmsg_len < sizeof(*msg) || msg->nlmsg_len > MESSAGE_MAX - NLMSG_ALIGNTO)
		return write_rest(raw, buf, have, err);
	whole = NLMSG_ALIGN(msg->nlmsg_len);
	n = read_some(raw->src, buf + have, whole - have, err);
	if (n < 0)
		return -1;
	if (have + n < whole)
		return write_rest(raw, buf, have + n, err);
	return 1;
}

int json_raw_netlink(struct json_raw *raw, struct img_err *err)
{
	cleanup_free char *buf = malloc(MESSAGE_MAX);
	size_t first = sizeof(uint32_t);
	uint32_t word;
	ssize_t n;
	int ret;

	if (!buf)
		return img_fail_nomem(err);
	n = read_some(raw->src, buf, first, err);
	if (n < 0)
		return -1;
	memcpy(&word, buf, sizeof(word));
	if (n == (ssize_t)first && is_magic(le32toh(word))) {
		write_magic(raw, le32toh(word));
		n = 0;
	}
	for (first = n; (ret = next_message(raw, buf, first, err)) > 0; first = 0)
		write_message(raw, (struct nlmsghdr *)buf);
	return ret;
}
