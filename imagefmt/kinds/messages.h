/* imagefmt/kinds/messages.h -- every message and enum of proto/, by name.
 *
 * The lists are made by the build (proto/tool/tables.c) from all of proto/ but opts.proto;
 * build/gen/messages-table.c.
 */
#ifndef IMAGEFMT_KINDS_MESSAGES_H
#define IMAGEFMT_KINDS_MESSAGES_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

/* Sorted by full name ("core_entry", "core_entry.march"), in the order of strcmp. */
extern const ProtobufCMessageDescriptor *const img_all_messages[];
extern const size_t img_n_all_messages;
extern const ProtobufCEnumDescriptor *const img_all_enums[];
extern const size_t img_n_all_enums;

/* NULL if there is no message, no enum of that name. */
const ProtobufCMessageDescriptor *img_message_find(const char *name);
const ProtobufCEnumDescriptor *img_enum_find(const char *name);

#endif
