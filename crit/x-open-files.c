/* crit/x-open-files.c -- crit x DIR files: every open file, and who has it. */

#include <stdlib.h>

#include "rows.h"
#include "x.h"

/* O_ACCMODE, and what else people look for; x86 values, which the images have. */
static void flags_text(uint32_t flags, char text[static 8])
{
	static const char access[] = { 'r', 'w', 'u', '?' };
	char *at = text;

	*at++ = access[flags & 3];
	if (flags & 02000)
		*at++ = 'a';
	if (flags & 04000)
		*at++ = 'n';
	if (flags & 040000)
		*at++ = 'd';
	if (flags & 010000000)
		*at++ = 'p';
	*at = '\0';
}

static json_t *users(const struct objects *objects, const struct object *object)
{
	size_t nr;
	const struct object_use *uses = objects_uses(objects, object->type, object->id, &nr);
	json_t *list = json_array();

	for (size_t i = 0; i < nr && list; i++)
		json_array_append_new(list, json_sprintf("%u:%d", uses[i].pid, uses[i].fd));
	return list;
}

static json_t *rows(struct x *x, struct img_err *err)
{
	struct rows rows;

	if (x_uses_read(x, err) < 0)
		return NULL;
	rows_init(&rows);
	for (size_t i = 0; i < x->objects.nr; i++) {
		const struct object *object = &x->objects.objects[i];
		char *name = objects_describe(&x->objects, object, err), text[8];
		uint32_t flags;
		uint64_t pos;

		if (!name) {
			rows_drop(&rows);
			return NULL;
		}
		rows_next(&rows);
		rows_int(&rows, "id", object->id);
		rows_text(&rows, "type", objects_type_name(object->type));
		if (objects_flags(object, &flags)) {
			flags_text(flags, text);
			rows_text(&rows, "mode", text);
			rows_hex(&rows, "flags", flags);
		}
		if (objects_position(object, &pos))
			rows_int(&rows, "pos", pos);
		rows_value(&rows, "users", users(&x->objects, object));
		rows_text(&rows, "name", name);
		free(name);
	}
	return rows_done(&rows, err);
}

static const struct column columns[] = {
	{ "id", "ID", true, 0 },
	{ "type", "TYPE", false, '2' },
	{ "mode", "MODE", false, 0 },
	{ "pos", "POS", true, 0 },
	{ "users", "PID:FD", false, '6' },
	{ "name", "NAME", false, 0 },
	{ 0 },
};

const struct x_view x_open_files = {
	.name = "files",
	.summary = "every open file: what it is, how it was opened, who has it",
	.rows = rows,
	.columns = columns,
};
