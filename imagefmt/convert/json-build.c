/* imagefmt/convert/json-build.c -- a message put together from a JSON object. */

#include "convert/json-build.h"

#include <string.h>

#include "convert/json-names.h"
#include "convert/json-unbytes.h"
#include "core.pb-c.h"
#include "criuimg/array.h"
#include "pagemap.pb-c.h"

/* For messages about a field. */
static const char *name_of(const struct json_field *field)
{
	return field->desc->name;
}

/* ---- integers ---- */

struct integer_range {
	uint64_t least; /* the magnitude of the lowest negative number */
	uint64_t most;
};

static struct integer_range range_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_ENUM:
		return (struct integer_range){ 1ull << 31, INT32_MAX };
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return (struct integer_range){ 0, UINT32_MAX };
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return (struct integer_range){ 0, UINT64_MAX };
	default:
		return (struct integer_range){ 1ull << 63, INT64_MAX };
	}
}

static int store_integer(
	struct json_builder *b, const struct json_field *field, const struct json_number *n, void *at, struct img_err *err)
{
	struct integer_range range = range_of(field->desc->type);
	uint64_t value = n->negative ? -n->magnitude : n->magnitude;

	if (n->magnitude > (n->negative ? range.least : range.most))
		return json_in_fail(b->in, err, "%s: the number does not fit", name_of(field));
	if (json_value_size(field->desc->type) == 4)
		*(uint32_t *)at = value;
	else
		*(uint64_t *)at = value;
	return 0;
}

static int read_integer_text(
	struct json_builder *b, const struct json_field *field, void *at, struct img_err *err)
{
	struct json_number number = { 0 };
	const char *text;
	size_t len;
	bool known;

	if (json_read_string(b->in, &text, &len, err) < 0)
		return -1;
	if (field->note.dev)
		known = json_dev_parse(text, len, field->note.odev, &number.magnitude);
	else if (field->flags)
		known = json_flags_parse(text, len, field->flags, &number.magnitude);
	else if (field->dict)
		known = json_name_parse(text, len, field->dict, &number.magnitude);
	else
		known = false;
	if (!known && !json_number_parse(text, len, &number.magnitude, &number.negative))
		return json_in_fail(b->in, err, "%s: cannot make a number of it", name_of(field));
	return store_integer(b, field, &number, at, err);
}

static int read_integer(struct json_builder *b, const struct json_field *field, void *at, struct img_err *err)
{
	struct json_number number;
	int c = json_peek(b->in, err);

	if (c < 0)
		return -1;
	if (c == '"')
		return read_integer_text(b, field, at, err);
	if (json_read_number(b->in, &number, err) < 0)
		return img_wrap(err, "%s", name_of(field));
	return store_integer(b, field, &number, at, err);
}

/* ---- other values ---- */

static int read_enum(struct json_builder *b, const struct json_field *field, void *at, struct img_err *err)
{
	const ProtobufCEnumDescriptor *type = field->desc->descriptor;
	const char *text;
	size_t len;
	int c = json_peek(b->in, err);

	if (c < 0)
		return -1;
	if (c != '"')
		return read_integer(b, field, at, err);
	if (json_read_string(b->in, &text, &len, err) < 0)
		return -1;
	for (unsigned int i = 0; i < type->n_values; i++) {
		if (strlen(type->values[i].name) == len && !memcmp(type->values[i].name, text, len)) {
			*(int32_t *)at = type->values[i].value;
			return 0;
		}
	}
	return json_in_fail(b->in, err, "%s: %s has no '%.*s'", name_of(field), type->name, len < 64 ? (int)len : 64, text);
}

static int read_text(struct json_builder *b, const struct json_field *field, char **at, struct img_err *err)
{
	const char *text;
	size_t len;

	if (json_read_string(b->in, &text, &len, err) < 0)
		return img_wrap(err, "%s", name_of(field));
	if (memchr(text, '\0', len))
		return json_in_fail(b->in, err, "%s: a NUL in a string", name_of(field));
	*at = img_arena_alloc(&b->arena, len + 1);
	if (!*at)
		return img_fail_nomem(err);
	memcpy(*at, text, len);
	return 0;
}

static int read_bytes(
	struct json_builder *b, const struct json_field *field, ProtobufCBinaryData *at, struct img_err *err)
{
	const char *text;
	size_t len;
	bool good;

	if (json_read_string(b->in, &text, &len, err) < 0)
		return img_wrap(err, "%s", name_of(field));
	/* Neither form makes more bytes than it has characters. */
	at->data = img_arena_alloc(&b->arena, len + 1);
	if (!at->data)
		return img_fail_nomem(err);
	/* go-criu has all bytes in base64. Its spelling shows before the name of a socket does: in fown, which every one has. */
	if (field->note.conv == IMG_CONV_UNIX_NAME && !b->camel_case) {
		good = json_unquote_printable(text, len, at->data, &at->len);
	} else {
		struct json_unbase64 state = { 0 };

		good = json_unbase64(&state, text, len, at->data, &at->len) && json_unbase64_end(&state);
	}
	return good ? 0 : json_in_fail(b->in, err, "%s: these are no bytes", name_of(field));
}

static int read_message(
	struct json_builder *b, const struct json_field *field, ProtobufCMessage **at, struct img_err *err)
{
	if (json_build(b, field->desc->descriptor, at, err) < 0)
		return img_wrap(err, "%s", name_of(field));
	return 0;
}

static int read_bool(struct json_builder *b, const struct json_field *field, protobuf_c_boolean *at, struct img_err *err)
{
	bool value;

	if (json_read_bool(b->in, &value, err) < 0)
		return img_wrap(err, "%s", name_of(field));
	*at = value;
	return 0;
}

/* One value of the field's type, to where it belongs. */
static int read_value(struct json_builder *b, const struct json_field *field, void *at, struct img_err *err)
{
	switch (field->desc->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return read_bool(b, field, at, err);
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(b, field, at, err);
	case PROTOBUF_C_TYPE_STRING:
		return read_text(b, field, at, err);
	case PROTOBUF_C_TYPE_BYTES:
		return read_bytes(b, field, at, err);
	case PROTOBUF_C_TYPE_MESSAGE:
		return read_message(b, field, at, err);
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		/* No message has one. */
		return img_fail(err, IMG_UNSUPPORTED, "%s: a floating point number", name_of(field));
	default:
		return read_integer(b, field, at, err);
	}
}

/* ---- lists ---- */

struct list {
	size_t size; /* of one value */
	size_t n, room;
	char *values;
};

/* Room for n more values at the end; their address. What is outgrown stays in the arena until the record is done. */
static void *list_more(struct json_builder *b, struct list *list, size_t n, struct img_err *err)
{
	if (list->n + n > list->room) {
		size_t room = list->room ? 2 * list->room : 8;
		char *values = img_arena_array(&b->arena, room, list->size);

		if (!values) {
			img_fail_nomem(err);
			return NULL;
		}
		if (list->n)
			memcpy(values, list->values, list->n * list->size);
		list->values = values;
		list->room = room;
	}
	list->n += n;
	return list->values + (list->n - n) * list->size;
}

/* An address, which stands for all words of the list. */
static int read_address(struct json_builder *b, const struct json_field *field, struct list *list, struct img_err *err)
{
	uint32_t words[4], *at;
	const char *text;
	size_t len, n;

	if (json_read_string(b->in, &text, &len, err) < 0)
		return -1;
	n = json_address_parse(text, len, words);
	if (!n)
		return json_in_fail(b->in, err, "%s: not an IP address", name_of(field));
	at = list_more(b, list, n, err);
	if (!at)
		return -1;
	memcpy(at, words, n * sizeof(*words));
	return 0;
}

static int read_list(struct json_builder *b, struct json_field *field, ProtobufCMessage *msg, struct img_err *err)
{
	struct list list = { .size = json_value_size(field->desc->type) };
	int ret;

	if (json_enter(b->in, '[', err) < 0)
		return img_wrap(err, "%s", name_of(field));
	while ((ret = json_more(b->in, '[', err)) > 0) {
		void *at;

		if (field->note.ipadd && json_peek(b->in, err) == '"') {
			if (read_address(b, field, &list, err) < 0)
				return -1;
			continue;
		}
		at = list_more(b, &list, 1, err);
		if (!at || read_value(b, field, at, err) < 0)
			return -1;
	}
	*(size_t *)((char *)msg + field->desc->quantifier_offset) = list.n;
	*(void **)((char *)msg + field->desc->offset) = list.values;
	return ret;
}

/* ---- objects ---- */

int json_build_begin(
	struct json_builder *b, const ProtobufCMessageDescriptor *desc, struct json_building *of, struct img_err *err)
{
	of->next = 0;
	of->type = json_type_of(&b->types, desc);
	of->msg = img_arena_alloc(&b->arena, desc->sizeof_message);
	of->seen = img_arena_alloc(&b->arena, desc->n_fields + 1);
	if (!of->type || !of->msg || !of->seen)
		return img_fail_nomem(err);
	desc->message_init(of->msg);
	return 0;
}

/* The key in the type is "name": and a blank. */
static bool is_called(const struct json_field *field, const char *name, size_t len)
{
	return field->key_len == len + 4 && !memcmp(field->key + 1, name, len);
}

/* As protobuf's own JSON spells it (go-criu's crit does): "so_sndbuf" is soSndbuf. */
static bool is_called_in_camel_case(const struct json_field *field, const char *name, size_t len)
{
	const char *own = field->desc->name;
	size_t at = 0;

	for (; *own; own++) {
		char c = *own;

		if (c == '_') {
			c = *++own;
			if (!c)
				break;
			if (c >= 'a' && c <= 'z')
				c += 'A' - 'a';
		}
		if (at == len || name[at++] != c)
			return false;
	}
	return at == len;
}

/* Names that fields had in the JSON of older programs: those of CRIU until 3.11. (pagemap_entry: see old_pagemap().) */
static const struct {
	const ProtobufCMessageDescriptor *type;
	const char *was, *is;
} renamed[] = {
	{ &task_core_entry__descriptor, "seccomp_mode", "old_seccomp_mode" },
	{ &task_core_entry__descriptor, "seccomp_filter", "old_seccomp_filter" },
};

static const char *todays_name(const ProtobufCMessageDescriptor *type, const char *name, size_t *len)
{
	for (size_t i = 0; i < ARRAY_SIZE(renamed); i++)
		if (renamed[i].type == type && strlen(renamed[i].was) == *len && !memcmp(renamed[i].was, name, *len)) {
			*len = strlen(renamed[i].is);
			return renamed[i].is;
		}
	return name;
}

/* What is compat_nr_pages today was nr_pages until CRIU 4.1, and the only number there was. */
static void old_pagemap(struct json_building *of)
{
	PagemapEntry *e = (PagemapEntry *)of->msg;

	if (of->type->desc != &pagemap_entry__descriptor || of->seen[1] || !e->has_nr_pages || e->nr_pages > UINT32_MAX)
		return;
	e->compat_nr_pages = e->nr_pages;
	e->has_nr_pages = false;
	of->seen[1] = 1;
}

static struct json_field *find_field(
	struct json_builder *b, struct json_building *of, const char *name, size_t len)
{
	unsigned int n = of->type->desc->n_fields;

	name = todays_name(of->type->desc, name, &len);
	for (unsigned int i = 0; i < n; i++) {
		unsigned int at = (of->next + i) % n;

		if (is_called(&of->type->fields[at], name, len)) {
			of->next = at + 1;
			return &of->type->fields[at];
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		if (is_called_in_camel_case(&of->type->fields[i], name, len)) {
			b->camel_case = true;
			return &of->type->fields[i];
		}
	}
	return NULL;
}

int json_build_member(struct json_builder *b, struct json_building *of, const char *key, size_t len, struct img_err *err)
{
	struct json_field *field = find_field(b, of, key, len);
	char *base = (char *)of->msg;

	if (!field)
		return 0;
	if (of->seen[field - of->type->fields]++)
		return json_in_fail(b->in, err, "%s: a second time", name_of(field));
	if (field->desc->label == PROTOBUF_C_LABEL_REPEATED)
		return read_list(b, field, of->msg, err) < 0 ? -1 : 1;
	if (read_value(b, field, base + field->desc->offset, err) < 0)
		return -1;
	/* Of strings and messages the pointer tells. */
	if (field->desc->label == PROTOBUF_C_LABEL_OPTIONAL && field->desc->type != PROTOBUF_C_TYPE_STRING &&
		field->desc->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)(base + field->desc->quantifier_offset) = true;
	return 1;
}

int json_build_end(struct json_builder *b, struct json_building *of, struct img_err *err)
{
	const ProtobufCMessageDescriptor *desc = of->type->desc;

	old_pagemap(of);
	for (unsigned int i = 0; i < desc->n_fields; i++)
		if (desc->fields[i].label == PROTOBUF_C_LABEL_REQUIRED && !of->seen[i])
			return json_in_fail(b->in, err, "%s is missing in the %s that ends here", desc->fields[i].name,
				desc->name);
	return 0;
}

int json_build(struct json_builder *b, const ProtobufCMessageDescriptor *desc, ProtobufCMessage **msg, struct img_err *err)
{
	struct json_building of;
	const char *key;
	size_t len;
	int ret;

	if (json_build_begin(b, desc, &of, err) < 0 || json_enter(b->in, '{', err) < 0)
		return -1;
	while ((ret = json_more(b->in, '{', err)) > 0) {
		if (json_read_key(b->in, &key, &len, err) < 0)
			return -1;
		ret = json_build_member(b, &of, key, len, err);
		if (ret == 0)
			return json_in_fail(b->in, err, "%s has no such member", desc->name);
		if (ret < 0)
			return -1;
	}
	*msg = of.msg;
	return ret < 0 ? -1 : json_build_end(b, &of, err);
}
