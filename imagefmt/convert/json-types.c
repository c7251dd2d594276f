/* imagefmt/convert/json-types.c -- what JSON wants to know of a message type, looked up once. */

#include "convert/json-types.h"

#include <stdlib.h>
#include <string.h>

#include "convert/json-names.h"

static void json_type_free(struct json_type *type)
{
	for (unsigned int i = 0; i < type->desc->n_fields; i++)
		free(type->fields[i].key);
	free(type);
}

void json_types_free(struct json_types *types)
{
	while (types->types) {
		struct json_type *type = types->types;

		types->types = type->next;
		json_type_free(type);
	}
}

/* False without memory. */
static bool json_field_init(struct json_field *field, const ProtobufCMessageDescriptor *message,
	const ProtobufCFieldDescriptor *desc)
{
	const struct img_annotation *note = img_annotation_find(message, desc->id);
	size_t name_len = strlen(desc->name);

	field->desc = desc;
	field->key_len = name_len + 4;
	field->key = malloc(field->key_len);
	if (!field->key)
		return false;
	field->key[0] = '"';
	memcpy(field->key + 1, desc->name, name_len);
	memcpy(field->key + 1 + name_len, "\": ", 3);
	if (note) {
		field->note = *note;
		field->flags = json_flag_names(note->flags);
		field->dict = json_dict_names(note->dict, desc->name);
	}
	return true;
}

static struct json_type *json_type_new(const ProtobufCMessageDescriptor *desc)
{
	struct json_type *type = calloc(1, sizeof(*type) + desc->n_fields * sizeof(type->fields[0]));

	if (!type)
		return NULL;
	type->desc = desc;
	for (unsigned int i = 0; i < desc->n_fields; i++) {
		if (!json_field_init(&type->fields[i], desc, &desc->fields[i])) {
			json_type_free(type);
			return NULL;
		}
	}
	return type;
}

struct json_type *json_type_of(struct json_types *types, const ProtobufCMessageDescriptor *desc)
{
	struct json_type *type;

	for (type = types->types; type; type = type->next)
		if (type->desc == desc)
			return type;
	type = json_type_new(desc);
	if (!type)
		return NULL;
	type->next = types->types;
	types->types = type;
	return type;
}

struct json_type *json_field_type(struct json_types *types, struct json_field *field)
{
	if (!field->message)
		field->message = json_type_of(types, field->desc->descriptor);
	return field->message;
}

size_t json_value_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}
