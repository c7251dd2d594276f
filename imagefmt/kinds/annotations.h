/* imagefmt/kinds/annotations.h -- how a field of a message is shown to people.
 *
 * The hints are the custom options of proto/opts.proto, which protobuf-c drops; the build takes them from the
 * descriptors of protoc and puts them into a sorted table (proto/tool/tables.c). They matter to the pretty
 * form of the JSON only: docs/format.md says what each of them prints.
 */
#ifndef IMAGEFMT_KINDS_ANNOTATIONS_H
#define IMAGEFMT_KINDS_ANNOTATIONS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

/* Names for the bits of a mask: (criu).flags = "mmap.prot" is IMG_FLAGS_MMAP_PROT, and so on. */
enum img_flags_names {
	IMG_FLAGS_NONE,
	IMG_FLAGS_MMAP_PROT,   /* PROT_*: vma_entry.prot */
	IMG_FLAGS_MMAP_FLAGS,  /* MAP_*: vma_entry.flags */
	IMG_FLAGS_MMAP_STATUS, /* what a mapping is: vma_entry.status */
	IMG_FLAGS_RFILE_FLAGS, /* O_*, values of x86: reg_file_entry.flags */
	IMG_FLAGS_PMAP_FLAGS,  /* PE_*: pagemap_entry.flags */
	IMG_FLAGS_SEALS_FLAGS, /* F_SEAL_*: memfd_inode_entry.seals */
};

/* Names for whole numbers. Of IMG_DICT_SK there is one list per field name: family, type, state, proto. */
enum img_dict {
	IMG_DICT_NONE,
	IMG_DICT_GEN, /* states of a task: task_core_entry.task_state */
	IMG_DICT_SK,  /* what socket(2) takes, and the TCP states */
};

/* How bytes become text; without one they are base64. */
enum img_conv {
	IMG_CONV_NONE,
	IMG_CONV_UNIX_NAME, /* quoted-printable: unix_sk_entry.name */
};

struct img_annotation {
	bool hex;   /* "0x..."; on a message it holds for every integer in it */
	bool ipadd; /* repeated uint32, 1 or 4 words in network byte order, as one IP address */
	bool dev;   /* "major:minor", 20 bits of minor */
	bool odev;  /* with dev: split as makedev(3) does instead */
	enum img_flags_names flags;
	enum img_dict dict;
	enum img_conv conv;
};

/* The hints of one field, or NULL if it has none. Static storage. A binary search over some 100 rows: a
 * caller that writes many records keeps the answer per field. */
const struct img_annotation *img_annotation_find(
	const ProtobufCMessageDescriptor *message, uint32_t field_number);

/* The generated table (build/gen/annotations-table.c), sorted by message name, then field number. */
struct img_annotation_row {
	const char *message;
	uint32_t field_number;
	struct img_annotation annotation;
};

extern const struct img_annotation_row img_annotation_rows[];
extern const size_t img_n_annotation_rows;

#endif
