/* imagefmt/convert/json-message.c -- one message as a JSON object, by a walk over its descriptor. */

#include "convert/json-message.h"

#include "convert/json-names.h"

/* ---- values ---- */

struct json_walk {
	struct json_out *out;
	struct json_types *types;
};

static void walk_members(struct json_walk *w, const struct json_type *type, const ProtobufCMessage *msg, bool hex);

/* The bits of an integer of any type, sign-extended when it has a sign. */
static uint64_t integer_at(ProtobufCType type, const void *at)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return (int64_t) * (const int32_t *)at;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return *(const uint32_t *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static bool is_signed(ProtobufCType type)
{
	return type == PROTOBUF_C_TYPE_INT32 || type == PROTOBUF_C_TYPE_SINT32 || type == PROTOBUF_C_TYPE_SFIXED32 ||
	       type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_SINT64 || type == PROTOBUF_C_TYPE_SFIXED64;
}

static void write_plain_integer(struct json_out *out, ProtobufCType type, uint64_t value)
{
	if (is_signed(type))
		json_signed(out, (int64_t)value);
	else
		json_unsigned(out, value);
}

static void write_hex(struct json_out *out, ProtobufCType type, uint64_t value)
{
	bool negative = is_signed(type) && (int64_t)value < 0;

	json_raw(out, negative ? "\"-0x" : "\"0x", negative ? 4 : 3);
	json_hex_digits(out, negative ? -value : value);
	json_raw(out, "\"", 1);
}

static void write_pretty_integer(struct json_out *out, const struct json_field *field, uint64_t value, bool hex)
{
	char text[JSON_TEXT_MAX];
	const char *name;

	if (field->note.hex || hex) {
		write_hex(out, field->desc->type, value);
	} else if (field->note.dev) {
		json_dev_text(text, value, field->note.odev);
		json_ascii(out, text);
	} else if (field->flags) {
		json_flags_text(text, field->flags, value);
		json_ascii(out, text);
	} else if (field->dict && (name = json_name_of(field->dict, value))) {
		json_ascii(out, name);
	} else {
		write_plain_integer(out, field->desc->type, value);
	}
}

/* By name; a number that the enum does not know is shown as one, so that it is not lost. */
static void write_enum(struct json_out *out, const ProtobufCEnumDescriptor *type, int32_t number)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);

	if (value)
		json_ascii(out, value->name);
	else
		json_signed(out, number);
}

static void write_bytes(struct json_out *out, const struct json_field *field, const ProtobufCBinaryData *bytes)
{
	if (field->note.conv == IMG_CONV_UNIX_NAME)
		json_quoted_printable(out, bytes->data, bytes->len);
	else
		json_bytes(out, bytes->data, bytes->len);
}

static void write_message(struct json_walk *w, struct json_field *field, const ProtobufCMessage *msg, bool hex)
{
	struct json_type *type = json_field_type(w->types, field);

	if (!type) {
		json_out_nomem(w->out);
		return;
	}
	json_open(w->out, '{');
	walk_members(w, type, msg, hex || field->note.hex);
	json_close(w->out, '}');
}

/* The value at this address, which holds one value of the field's type. */
static void write_value(struct json_walk *w, struct json_field *field, const void *at, bool hex)
{
	struct json_out *out = w->out;
	struct img_err err;

	switch (field->desc->type) {
	case PROTOBUF_C_TYPE_BOOL:
		json_bool(out, *(const protobuf_c_boolean *)at);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		write_enum(out, field->desc->descriptor, *(const int32_t *)at);
		break;
	case PROTOBUF_C_TYPE_STRING:
		json_quoted(out, *(char *const *)at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		write_bytes(out, field, at);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		write_message(w, field, *(ProtobufCMessage *const *)at, hex);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		/* No message has one. */
		img_fail(&err, IMG_UNSUPPORTED, "%s: a floating point number", field->desc->name);
		json_out_fail(out, &err);
		break;
	default:
		if (w->types->pretty)
			write_pretty_integer(out, field, integer_at(field->desc->type, at), hex);
		else
			write_plain_integer(out, field->desc->type, integer_at(field->desc->type, at));
	}
}

/* ---- fields ---- */

/* How many values the field has here: of repeated ones their count, else whether it is there. */
static size_t value_count(const ProtobufCFieldDescriptor *desc, const ProtobufCMessage *msg)
{
	const char *base = (const char *)msg;
	const void *value = base + desc->offset, *quantifier = base + desc->quantifier_offset;

	if (desc->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)quantifier;
	if (desc->type == PROTOBUF_C_TYPE_STRING || desc->type == PROTOBUF_C_TYPE_MESSAGE) {
		const void *p = *(const void *const *)value;

		/* A string that is not there points to its default. */
		return p && p != desc->default_value;
	}
	return desc->label == PROTOBUF_C_LABEL_REQUIRED || *(const protobuf_c_boolean *)quantifier;
}

static void write_repeated(struct json_walk *w, struct json_field *field, const void *values, size_t n, bool hex)
{
	size_t size = json_value_size(field->desc->type);
	char text[JSON_TEXT_MAX];

	json_open(w->out, '[');
	if (w->types->pretty && field->note.ipadd && json_address_text(text, values, n)) {
		json_item(w->out);
		json_ascii(w->out, text);
	} else {
		for (size_t i = 0; i < n; i++) {
			json_item(w->out);
			write_value(w, field, (const char *)values + i * size, hex);
		}
	}
	json_close(w->out, ']');
}

static void walk_members(struct json_walk *w, const struct json_type *type, const ProtobufCMessage *msg, bool hex)
{
	for (unsigned int i = 0; i < type->desc->n_fields; i++) {
		struct json_field *field = (struct json_field *)&type->fields[i];
		const char *value = (const char *)msg + field->desc->offset;
		size_t n = value_count(field->desc, msg);

		if (!n)
			continue;
		json_key(w->out, field->key, field->key_len);
		if (field->desc->label == PROTOBUF_C_LABEL_REPEATED)
			write_repeated(w, field, *(const void *const *)value, n, hex);
		else
			write_value(w, field, value, hex);
	}
}

void json_message_members(struct json_out *out, struct json_types *types, const ProtobufCMessage *msg)
{
	struct json_walk w = { .out = out, .types = types };
	struct json_type *type = json_type_of(types, msg->descriptor);

	if (type)
		walk_members(&w, type, msg, false);
	else
		json_out_nomem(out);
}

void json_message(struct json_out *out, struct json_types *types, const ProtobufCMessage *msg)
{
	json_open(out, '{');
	json_message_members(out, types, msg);
	json_close(out, '}');
}
