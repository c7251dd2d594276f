/* proto/tool/tables.c -- writes, at build time, what protobuf-c does not keep of proto/.
 *
 *	tables DESCRIPTOR_SET annotations > annotations-table.c    (imagefmt/kinds/annotations.h)
 *	tables DESCRIPTOR_SET messages    > messages-table.c       (imagefmt/kinds/messages.h)
 *
 * DESCRIPTOR_SET is what `protoc --include_imports --descriptor_set_out` writes: a FileDescriptorSet. It is
 * read with protobuf-c's own rendering of descriptor.proto and opts.proto, so this program needs nothing that
 * the build does not need anyway. It runs on the machine that builds. Errors end it at once: it has nothing
 * to undo.
 */

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/descriptor.pb-c.h"
#include "opts.pb-c.h"

/* Number of the extension `criu` in proto/opts.proto. */
#define CRIU_OPTION 1018

#define NAME_MAX_LEN 256

struct annotation {
	char *message;
	uint32_t number;
	FieldOpts *opts;
};

/* A message or an enum by its full name, "core_entry.march". */
struct type {
	char *name;
};

struct tables {
	struct annotation *annotations;
	struct type *messages;
	struct type *enums;
	size_t n_annotations;
	size_t n_messages;
	size_t n_enums;
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("tables: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* Room for one more element; returns it zeroed. */
static void *grow(void *array_, size_t *count, size_t size)
{
	char **array = array_;
	char *more = realloc(*array, (*count + 1) * size);

	if (!more)
		die("out of memory");
	*array = more;
	more += (*count)++ * size;
	memset(more, 0, size);
	return more;
}

static char *join(const char *scope, const char *name)
{
	char buf[NAME_MAX_LEN];
	char *copy;
	int len = snprintf(buf, sizeof(buf), "%s%s%s", scope, *scope ? "." : "", name);

	if (len < 0 || (size_t)len >= sizeof(buf))
		die("%s.%s: the name is too long", scope, name);
	copy = strdup(buf);
	if (!copy)
		die("out of memory");
	return copy;
}

/* The bytes of a length-prefixed unknown field start with the prefix: skip it. */
static size_t prefix_length(const ProtobufCMessageUnknownField *field, const char *where)
{
	size_t n = 0;

	while (n < field->len && (field->data[n] & 0x80))
		n++;
	if (n >= field->len)
		die("%s: a broken option", where);
	return n + 1;
}

/* The (criu) options of a field, or NULL. protoc writes each of them as an occurrence of its own, and
 * messages that follow one another on the wire are merged by unpacking them as one. */
static FieldOpts *field_opts(const Google__Protobuf__FieldOptions *options, const char *where)
{
	unsigned char *merged = NULL;
	size_t len = 0;
	FieldOpts *opts;

	for (unsigned int i = 0; options && i < options->base.n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *field = &options->base.unknown_fields[i];
		size_t prefix;

		if (field->tag != CRIU_OPTION)
			continue;
		prefix = prefix_length(field, where);
		merged = realloc(merged, len + field->len);
		if (!merged)
			die("out of memory");
		memcpy(merged + len, field->data + prefix, field->len - prefix);
		len += field->len - prefix;
	}
	if (!merged)
		return NULL;

	opts = field_opts__unpack(NULL, len, merged);
	free(merged);
	if (!opts)
		die("%s: options that opts.proto does not explain", where);
	if (opts->base.n_unknown_fields)
		die("%s: an option that opts.proto does not have", where);
	return opts;
}

static void collect_enum(struct tables *t, const char *scope, const Google__Protobuf__EnumDescriptorProto *e)
{
	struct type *type = grow(&t->enums, &t->n_enums, sizeof(*type));

	type->name = join(scope, e->name);
}

static void collect_message(struct tables *t, const char *scope, const Google__Protobuf__DescriptorProto *m)
{
	struct type *type = grow(&t->messages, &t->n_messages, sizeof(*type));
	char *name = join(scope, m->name);

	type->name = name;

	for (size_t i = 0; i < m->n_field; i++) {
		const Google__Protobuf__FieldDescriptorProto *field = m->field[i];
		FieldOpts *opts = field_opts(field->options, name);
		struct annotation *a;

		if (!opts)
			continue;
		a = grow(&t->annotations, &t->n_annotations, sizeof(*a));
		a->message = name;
		a->number = (uint32_t)field->number;
		a->opts = opts;
	}
	for (size_t i = 0; i < m->n_enum_type; i++)
		collect_enum(t, name, m->enum_type[i]);
	for (size_t i = 0; i < m->n_nested_type; i++)
		collect_message(t, name, m->nested_type[i]);
}

static void collect(struct tables *t, const Google__Protobuf__FileDescriptorSet *set)
{
	for (size_t i = 0; i < set->n_file; i++) {
		const Google__Protobuf__FileDescriptorProto *file = set->file[i];

		/* The language of descriptions describes nothing that is in an image. */
		if (!strcmp(file->name, "opts.proto") || !strncmp(file->name, "google/", 7))
			continue;
		/* The names of C below are built without one. */
		if (file->package && *file->package)
			die("%s: a package", file->name);
		for (size_t k = 0; k < file->n_message_type; k++)
			collect_message(t, "", file->message_type[k]);
		for (size_t k = 0; k < file->n_enum_type; k++)
			collect_enum(t, "", file->enum_type[k]);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct type *)a)->name, ((const struct type *)b)->name);
}

static int by_message_and_number(const void *a_, const void *b_)
{
	const struct annotation *a = a_, *b = b_;
	int order = strcmp(a->message, b->message);

	return order ? order : (a->number > b->number) - (a->number < b->number);
}

/* "rfile.flags" with prefix IMG_FLAGS_ -> IMG_FLAGS_RFILE_FLAGS. A name that annotations.h does not have
 * fails to compile there. */
static void print_constant(const char *member, const char *prefix, const char *name)
{
	if (!name)
		return;
	printf(" .%s = %s", member, prefix);
	for (; *name; name++)
		putchar(isalnum((unsigned char)*name) ? toupper((unsigned char)*name) : '_');
	putchar(',');
}

static void print_annotations(const struct tables *t)
{
	printf("#include \"kinds/annotations.h\"\n\n"
	       "const struct img_annotation_row img_annotation_rows[] = {\n");
	for (size_t i = 0; i < t->n_annotations; i++) {
		const struct annotation *a = &t->annotations[i];
		const FieldOpts *o = a->opts;

		printf("\t{ \"%s\", %u, {", a->message, a->number);
		printf("%s%s%s%s", o->hex ? " .hex = true," : "", o->ipadd ? " .ipadd = true," : "",
			o->dev ? " .dev = true," : "", o->odev ? " .odev = true," : "");
		print_constant("flags", "IMG_FLAGS_", o->flags);
		print_constant("dict", "IMG_DICT_", o->dict);
		print_constant("conv", "IMG_CONV_", o->conv);
		printf(" } },\n");
	}
	printf("};\n\n"
	       "const size_t img_n_annotation_rows = %zu;\n",
		t->n_annotations);
}

/* protobuf-c's name of a descriptor: CamelCase becomes camel_case, the parts of a full name are joined by
 * "__". */
static void print_descriptor(const char *name)
{
	int was_upper = 1;

	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c == '.') {
			fputs("__", stdout);
			was_upper = 1;
			continue;
		}
		if (isupper(c) && !was_upper)
			putchar('_');
		was_upper = isupper(c) != 0;
		putchar(tolower(c));
	}
	fputs("__descriptor", stdout);
}

static void print_list(const char *type, const char *list, const struct type *types, size_t n)
{
	printf("\nconst %s *const img_%s[] = {\n", type, list);
	for (size_t i = 0; i < n; i++) {
		printf("\t&");
		print_descriptor(types[i].name);
		printf(",\n");
	}
	printf("};\n\n"
	       "const size_t img_n_%s = %zu;\n",
		list, n);
}

static void print_messages(const struct tables *t, const Google__Protobuf__FileDescriptorSet *set)
{
	printf("#include \"kinds/messages.h\"\n\n");
	for (size_t i = 0; i < set->n_file; i++) {
		const char *name = set->file[i]->name;
		size_t stem = strlen(name);

		if (stem > 6 && !strcmp(name + stem - 6, ".proto"))
			stem -= 6;
		printf("#include \"%.*s.pb-c.h\"\n", (int)stem, name);
	}
	print_list("ProtobufCMessageDescriptor", "all_messages", t->messages, t->n_messages);
	print_list("ProtobufCEnumDescriptor", "all_enums", t->enums, t->n_enums);
}

static Google__Protobuf__FileDescriptorSet *read_set(const char *path)
{
	Google__Protobuf__FileDescriptorSet *set;
	unsigned char *bytes;
	long size;
	FILE *file = fopen(path, "rb");

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET)) {
		perror(path);
		exit(1);
	}
	bytes = malloc((size_t)size + 1);
	if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size)
		die("%s: short read", path);
	fclose(file);

	set = google__protobuf__file_descriptor_set__unpack(NULL, (size_t)size, bytes);
	free(bytes);
	if (!set)
		die("%s: not a set of descriptors", path);
	return set;
}

int main(int argc, char **argv)
{
	struct tables t = { 0 };
	Google__Protobuf__FileDescriptorSet *set;

	if (argc != 3)
		die("usage: tables DESCRIPTOR_SET annotations|messages");

	set = read_set(argv[1]);
	collect(&t, set);
	qsort(t.annotations, t.n_annotations, sizeof(*t.annotations), by_message_and_number);
	qsort(t.messages, t.n_messages, sizeof(*t.messages), by_name);
	qsort(t.enums, t.n_enums, sizeof(*t.enums), by_name);

	printf("/* Made from proto/ by proto/tool/tables.c. */\n\n");
	if (!strcmp(argv[2], "annotations"))
		print_annotations(&t);
	else if (!strcmp(argv[2], "messages"))
		print_messages(&t, set);
	else
		die("%s: not a table", argv[2]);

	if (fflush(stdout) || ferror(stdout))
		die("standard output: write error");
	return 0;
}
