/* crit/x-files.c -- the names of the files that descriptors and mappings refer to by number. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/json.h"
#include "pipe.pb-c.h"
#include "regfile.pb-c.h"
#include "sk-unix.pb-c.h"
#include "x.h"

/* ---- the text of each type that has a name ---- */

static char *reg_text(const ProtobufCMessage *msg, uint32_t *id, struct img_err *err)
{
	const RegFileEntry *reg = (const RegFileEntry *)msg;
	char *text = strdup(reg->name);

	*id = reg->id;
	if (!text)
		img_fail_nomem(err);
	return text;
}

static char *pipe_text(const ProtobufCMessage *msg, uint32_t *id, struct img_err *err)
{
	const PipeEntry *pipe = (const PipeEntry *)msg;
	char *text;

	*id = pipe->id;
	if (asprintf(&text, "pipe[%" PRIu32 "]", pipe->pipe_id) >= 0)
		return text;
	img_fail_nomem(err);
	return NULL;
}

/* The name as quoted-printable, NUL-terminated; "" when there is none. */
static char *unix_name(const ProtobufCBinaryData *name, struct img_err *err)
{
	struct img_sink *sink = img_sink_memory_new(err);
	char *text = NULL;
	size_t size;

	if (!sink)
		return NULL;
	if (img_quoted_printable(name->data, name->len, sink, err) == 0 && img_sink_write(sink, "", 1, err) == 0) {
		text = strdup(img_sink_memory(sink, &size));
		if (!text)
			img_fail_nomem(err);
	}
	img_sink_abort(sink);
	return text;
}

static char *unix_text(const ProtobufCMessage *msg, uint32_t *id, struct img_err *err)
{
	const UnixSkEntry *sk = (const UnixSkEntry *)msg;
	char *name = unix_name(&sk->name, err), *text;

	*id = sk->id;
	if (!name)
		return NULL;
	if (asprintf(&text, "unix[%" PRIu32 " (%" PRIu32 ")%s%s]", sk->ino, sk->peer, *name ? " " : "", name) < 0) {
		text = NULL;
		img_fail_nomem(err);
	}
	free(name);
	return text;
}

/* One row per type of file that has a name. `unknown` is shown where the number leads nowhere. */
static const struct named_type {
	FdTypes type;
	enum img_kind old; /* the image that older versions put them into */
	size_t member;	   /* of file_entry */
	char *(*text)(const ProtobufCMessage *msg, uint32_t *id, struct img_err *err);
	const char *unknown;
} types[] = {
	{ FD_TYPES__REG, IMG_REG_FILES, offsetof(FileEntry, reg), reg_text, "unknown path" },
	{ FD_TYPES__PIPE, IMG_PIPES, offsetof(FileEntry, pipe), pipe_text, "pipe[?]" },
	{ FD_TYPES__UNIXSK, IMG_UNIXSK, offsetof(FileEntry, usk), unix_text, "unix[?]" },
};

/* ---- reading ---- */

static int add(struct x_files *files, const struct named_type *type, const ProtobufCMessage *msg, struct img_err *err)
{
	struct x_file *file = img_array_more(&files->files, files->nr, &files->room);

	if (!file)
		return img_fail_nomem(err);
	file->type = type->type;
	file->text = type->text(msg, &file->id, err);
	if (!file->text)
		return -1;
	files->nr++;
	return 0;
}

static int add_file_entry(struct x_files *files, const ProtobufCMessage *msg, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const ProtobufCMessage *const *part = (const void *)((const char *)msg + types[i].member);

		if (*part && add(files, &types[i], *part, err) < 0)
			return -1;
	}
	return 0;
}

/* All records of an image, if it is there: type NULL for files.img. */
static int read_image(struct x *x, enum img_kind kind, const struct named_type *type, struct img_err *err)
{
	struct img_reader *r;
	ProtobufCMessage *msg;
	int ret = img_reader_open(x->set, kind, 0, &r, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(r, &msg, err)) > 0) {
		ret = type ? add(&x->files, type, msg, err) : add_file_entry(&x->files, msg, err);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(r);
	return ret;
}

static int compare(const void *a_, const void *b_)
{
	const struct x_file *a = a_, *b = b_;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return (a->type > b->type) - (a->type < b->type);
}

int x_files_read(struct x *x, struct img_err *err)
{
	if (read_image(x, IMG_FILES, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (read_image(x, types[i].old, &types[i], err) < 0)
			return -1;
	if (x->files.nr)
		qsort(x->files.files, x->files.nr, sizeof(*x->files.files), compare);
	return 0;
}

void x_files_free(struct x_files *files)
{
	for (size_t i = 0; i < files->nr; i++)
		free(files->files[i].text);
	free(files->files);
	*files = (struct x_files){ 0 };
}

const char *x_file_name(const struct x *x, FdTypes type, uint32_t id, char buf[static X_NAME_MAX])
{
	const struct x_file key = { .type = type, .id = id }, *found = NULL;
	const ProtobufCEnumValue *value;

	if (x->files.nr)
		found = bsearch(&key, x->files.files, x->files.nr, sizeof(key), compare);
	if (found)
		return found->text;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].unknown;
	value = protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, type);
	if (value)
		snprintf(buf, X_NAME_MAX, "%s.%" PRIu32, value->name, id);
	else
		snprintf(buf, X_NAME_MAX, "%d.%" PRIu32, (int)type, id);
	return buf;
}
