/* validate/files.c -- open files, and the tables of descriptors that lead to them. */

#include "validate/files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fdinfo.pb-c.h"
#include "validate/validate.h"

/* ---- open files ---- */

/* The number in the body of a file: its first field in all of them. */
static bool body_id_is(const ProtobufCMessage *body, uint32_t id)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "id");

	return *(const uint32_t *)((const char *)body + field->offset) == id;
}

static void file_check(struct validate *v, const struct val_record *r)
{
	const FileEntry *file = (const FileEntry *)r->msg;
	const struct val_file_type *type = val_file_type(file->type);

	if (!type) {
		val_unsupported(v, val_at(r, "type"), "%d: this kind of file is not known to this program",
			file->type);
		return;
	}
	if (!r->body)
		val_error(v, val_at(r, val_field(v, "%.*s", (int)strlen(type->prefix) - 1, type->prefix)),
			"is missing: it is what a file of type %d has", file->type);
	else if (!body_id_is(r->body, file->id))
		val_error(v, val_at(r, val_field(v, "%sid", type->prefix)), "is another number than id, %u",
			file->id);
	for (size_t i = 0; i < r->msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &r->msg->descriptor->fields[i];

		if (field->type == PROTOBUF_C_TYPE_MESSAGE && field->offset != type->offset &&
			*(void *const *)((const char *)file + field->offset))
			val_error(v, val_at(r, field->name), "does not belong to a file of type %d",
				file->type);
	}
}

int val_files(struct validate *v, struct img_err *err)
{
	const struct val_records *files = &v->records[IMG_FILES];
	const struct val_index *index = &v->index[VAL_FILE];

	if (v->no_files && v->nr_tasks)
		val_error(v, VAL_FILE_AT("files.img"),
			"is missing: what descriptors and mappings are of is in it");
	for (size_t i = 0; i < files->nr; i++)
		file_check(v, &files->list[i]);
	for (size_t i = 1; i < index->nr; i++)
		if (index->list[i].id == index->list[i - 1].id)
			val_error(v, val_at(index->list[i].record, "id"),
				"%u: entry %" PRId64 " of %s has the same", (uint32_t)index->list[i].id,
				index->list[i - 1].record->entry, index->list[i - 1].record->image->name);
	return 0;
}

/* ---- descriptors ---- */

static void descriptor_check(struct validate *v, const struct val_record *r)
{
	const FdinfoEntry *fd = (const FdinfoEntry *)r->msg;
	const struct val_file_type *type = val_file_type(fd->type);

	if (!type)
		val_unsupported(
			v, val_at(r, "type"), "%d: this kind of file is not known to this program", fd->type);
	else if (!val_open_file(v, fd->type, fd->id) && !val_files_partial(v))
		val_error(v, val_at(r, "id"), "no open file %#x of type %s is in the set", fd->id,
			protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, fd->type)->name);
	if (fd->fd > INT32_MAX)
		val_error(v, val_at(r, "fd"), "%u is no descriptor", fd->fd);
}

struct fd {
	uint32_t number;
	const struct val_record *record;
};

static int fd_cmp(const void *a_, const void *b_)
{
	const struct fd *a = a_, *b = b_;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return (a->record > b->record) - (a->record < b->record);
}

/* No number twice in a table. */
static int table_check(struct validate *v, const struct val_record *table, size_t nr, struct img_err *err)
{
	struct fd *fds = calloc(nr, sizeof(*fds));

	if (!fds)
		return img_fail_nomem(err);
	for (size_t i = 0; i < nr; i++)
		fds[i] = (struct fd){ ((const FdinfoEntry *)table[i].msg)->fd, &table[i] };
	qsort(fds, nr, sizeof(*fds), fd_cmp);
	for (size_t i = 1; i < nr; i++)
		if (fds[i].number == fds[i - 1].number)
			val_error(v, val_at(fds[i].record, "fd"), "%u is entry %" PRId64 " too",
				fds[i].number, fds[i - 1].record->entry);
	free(fds);
	return 0;
}

int val_descriptors(struct validate *v, struct img_err *err)
{
	const struct val_records *all = &v->records[IMG_FDINFO];
	size_t start = 0;

	for (size_t i = 0; i < all->nr; i++)
		descriptor_check(v, &all->list[i]);
	for (size_t i = 1; i <= all->nr; i++) {
		if (i < all->nr && all->list[i].image == all->list[start].image)
			continue;
		if (table_check(v, &all->list[start], i - start, err) < 0)
			return -1;
		start = i;
	}
	return 0;
}
