/* validate/files.h -- the types of open files: where each is in file_entry, and in which image old sets have it. */
#ifndef IMAGEFMT_VALIDATE_FILES_H
#define IMAGEFMT_VALIDATE_FILES_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "criuimg/kind.h"

struct val_file_type {
	uint32_t type;		/* FD_TYPES__* */
	enum img_kind old_kind; /* IMG_KIND_UNKNOWN: only in files.img */
	size_t offset;		/* of the pointer in FileEntry */
	const char *prefix;	/* "reg." */
	const ProtobufCMessageDescriptor *message;
};

/* NULL: no such type. */
const struct val_file_type *val_file_type(uint32_t type);
const struct val_file_type *val_file_type_of_kind(enum img_kind kind);

#endif
