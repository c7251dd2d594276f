/* tests/unit/proto/descriptors.c -- are the compiled messages the ones that CRIU 4.2 reads and writes?
 *
 * tests/images/facts/messages.tsv and enums.tsv have a row per field and per enum value. Everything in them
 * must be in what the build made of proto/, alike in each column; and what proto/ has beyond them must be an
 * extension: an optional field or a value from 1000 up, with its row in own-messages.tsv or own-enums.tsv,
 * or a message of a family of ours. Every difference is printed before a test fails.
 */

#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "criuimg/array.h"
#include "kinds/annotations.h"
#include "kinds/messages.h"

/* A row of messages.tsv or own-messages.tsv. Strings are never NULL; what a row does not say is "". */
struct fact_field {
	const char *file;
	const char *message;
	uint32_t number;
	const char *label;
	const char *type;
	const char *name;
	const char *def;
	const char *annotations;
};

/* A row of enums.tsv. The enumeration has no scope in front of its name, unlike in the type of a field. */
struct fact_value {
	const char *file;
	const char *enumeration;
	const char *name;
	int value;
};

struct facts {
	char tests_dir[PATH_MAX];
	char *text[4]; /* what the strings point into */
	struct fact_field *fields;
	size_t n_fields;
	struct fact_field *own; /* what we added */
	size_t n_own;
	struct fact_value *values;
	size_t n_values;
	struct fact_value *own_values;
	size_t n_own_values;
	unsigned int differences; /* found by the running test */
};

/* Extensions start here; CRIU's own numbers are far below. */
#define FIRST_EXTENSION 1000

/* Messages of families that CRIU does not have. */
static const char *const own_messages[] = { "host_facts", "img_shard_marker", "manifest_entry", "manifest_member",
	"sk_int_opt_entry", "sk_raw_opt_entry", "inet_group_entry", "inet_datagram_entry", "net_sysctl_entry", "sem_undo_entry" };

#define differs(f, ...) ((f)->differences++, print_error("# " __VA_ARGS__))

/* -- the tables ------------------------------------------------------------------------------------------ */

/* $TESTS_DIR, or else the tests/ above the program: it is built as <tree>/build/tests/unit/proto/descriptors.
 * */
static void find_tests_dir(char dir[PATH_MAX])
{
	const char *given = getenv("TESTS_DIR");
	ssize_t len;

	if (given) {
		snprintf(dir, PATH_MAX, "%s", given);
		return;
	}
	len = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	assert_true(len > 0);
	dir[len] = '\0';
	for (char *slash; (slash = strrchr(dir, '/'));) {
		snprintf(slash, (size_t)(dir + PATH_MAX - slash), "/tests/images/facts");
		if (!access(dir, F_OK)) {
			strcpy(slash, "/tests");
			return;
		}
		*slash = '\0';
	}
	fail_msg("no tests/images/facts above the program: set TESTS_DIR");
}

static char *read_text(const char *dir, const char *name)
{
	char path[PATH_MAX + 64];
	size_t cap = 1 << 20, len;
	char *text;
	FILE *file;

	snprintf(path, sizeof(path), "%s/images/facts/%s", dir, name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s cannot be opened", path);
	text = malloc(cap);
	assert_non_null(text);
	len = fread(text, 1, cap - 1, file);
	assert_true(len > 0 && len < cap - 1);
	text[len] = '\0';
	fclose(file);
	return text;
}

/* The next row of *text, cut at its tabs into n columns; missing ones are "". False at the end. */
static bool next_row(char **text, char **columns, size_t n)
{
	char *line;

	do {
		line = strsep(text, "\n");
	} while (line && (!*line || *line == '#'));
	if (!line)
		return false;
	for (size_t i = 0; i < n; i++) {
		char *column = strsep(&line, "\t");

		columns[i] = column ? column : (char *)"";
	}
	return true;
}

static struct fact_field *fields_of(char *text, size_t *n)
{
	struct fact_field *fields = NULL;
	char *columns[8];

	while (next_row(&text, columns, 8)) {
		fields = realloc(fields, (*n + 1) * sizeof(*fields));
		assert_non_null(fields);
		fields[(*n)++] = (struct fact_field){
			.file = columns[0],
			.message = columns[1],
			.number = (uint32_t)strtoul(columns[2], NULL, 10),
			.label = columns[3],
			.type = columns[4],
			.name = columns[5],
			.def = columns[6],
			.annotations = columns[7],
		};
	}
	return fields;
}

static struct fact_value *values_of(char *text, size_t *n)
{
	struct fact_value *values = NULL;
	char *columns[4];

	while (next_row(&text, columns, 4)) {
		values = realloc(values, (*n + 1) * sizeof(*values));
		assert_non_null(values);
		values[(*n)++] = (struct fact_value){
			.file = columns[0],
			.enumeration = columns[1],
			.name = columns[2],
			.value = (int)strtol(columns[3], NULL, 10),
		};
	}
	return values;
}

static int load_facts(void **state)
{
	static struct facts f;

	find_tests_dir(f.tests_dir);
	f.text[0] = read_text(f.tests_dir, "messages.tsv");
	f.text[1] = read_text(f.tests_dir, "enums.tsv");
	f.text[2] = read_text(f.tests_dir, "own-messages.tsv");
	f.text[3] = read_text(f.tests_dir, "own-enums.tsv");

	f.fields = fields_of(f.text[0], &f.n_fields);
	f.own = fields_of(f.text[2], &f.n_own);
	f.values = values_of(f.text[1], &f.n_values);
	f.own_values = values_of(f.text[3], &f.n_own_values);
	*state = &f;
	return 0;
}

static int free_facts(void **state)
{
	struct facts *f = *state;

	free(f->fields);
	free(f->values);
	free(f->own);
	free(f->own_values);
	for (size_t i = 0; i < ARRAY_SIZE(f->text); i++)
		free(f->text[i]);
	return 0;
}

static const struct fact_field *fact_of(const struct facts *f, const char *message, const char *name)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (!strcmp(f->fields[i].message, message) && (!name || !strcmp(f->fields[i].name, name)))
			return &f->fields[i];
	return NULL;
}

/* -- what protobuf-c compiled, in the words of the tables ------------------------------------------------ */

static const char *label_word(ProtobufCLabel label)
{
	switch (label) {
	case PROTOBUF_C_LABEL_REQUIRED:
		return "required";
	case PROTOBUF_C_LABEL_OPTIONAL:
		return "optional";
	case PROTOBUF_C_LABEL_REPEATED:
		return "repeated";
	default:
		return "?";
	}
}

static const char *type_word(const ProtobufCFieldDescriptor *field)
{
	static const char *const words[] = {
		[PROTOBUF_C_TYPE_INT32] = "int32",
		[PROTOBUF_C_TYPE_SINT32] = "sint32",
		[PROTOBUF_C_TYPE_SFIXED32] = "sfixed32",
		[PROTOBUF_C_TYPE_INT64] = "int64",
		[PROTOBUF_C_TYPE_SINT64] = "sint64",
		[PROTOBUF_C_TYPE_SFIXED64] = "sfixed64",
		[PROTOBUF_C_TYPE_UINT32] = "uint32",
		[PROTOBUF_C_TYPE_FIXED32] = "fixed32",
		[PROTOBUF_C_TYPE_UINT64] = "uint64",
		[PROTOBUF_C_TYPE_FIXED64] = "fixed64",
		[PROTOBUF_C_TYPE_FLOAT] = "float",
		[PROTOBUF_C_TYPE_DOUBLE] = "double",
		[PROTOBUF_C_TYPE_BOOL] = "bool",
		[PROTOBUF_C_TYPE_STRING] = "string",
		[PROTOBUF_C_TYPE_BYTES] = "bytes",
	};

	if (field->type == PROTOBUF_C_TYPE_ENUM)
		return ((const ProtobufCEnumDescriptor *)field->descriptor)->name;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return ((const ProtobufCMessageDescriptor *)field->descriptor)->name;
	return (size_t)field->type < ARRAY_SIZE(words) && words[field->type] ? words[field->type] : "?";
}

static void default_word(const ProtobufCFieldDescriptor *field, char *word, size_t size)
{
	const void *value = field->default_value;
	const ProtobufCEnumValue *named;

	*word = '\0';
	if (!value)
		return;
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		snprintf(word, size, "%s", *(const protobuf_c_boolean *)value ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_UINT32:
		snprintf(word, size, "%" PRIu32, *(const uint32_t *)value);
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
		snprintf(word, size, "%" PRId32, *(const int32_t *)value);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		named = protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int *)value);
		snprintf(word, size, "%s", named ? named->name : "?");
		break;
	default:
		snprintf(word, size, "?");
	}
}

/* In the order of the columns of messages.tsv: one word per annotation, split by commas. */
static void annotations_word(const struct img_annotation *a, char *word, size_t size)
{
	static const char *const flags[] = {
		[IMG_FLAGS_NONE] = "",
		[IMG_FLAGS_MMAP_PROT] = "flags=mmap.prot,",
		[IMG_FLAGS_MMAP_FLAGS] = "flags=mmap.flags,",
		[IMG_FLAGS_MMAP_STATUS] = "flags=mmap.status,",
		[IMG_FLAGS_RFILE_FLAGS] = "flags=rfile.flags,",
		[IMG_FLAGS_PMAP_FLAGS] = "flags=pmap.flags,",
		[IMG_FLAGS_SEALS_FLAGS] = "flags=seals.flags,",
	};
	static const char *const dicts[] = { "", "dict=gen,", "dict=sk," };
	static const char *const convs[] = { "", "conv=unix_name," };
	static const struct img_annotation none;
	size_t len;

	if (!a)
		a = &none;
	snprintf(word, size, "%s%s%s%s%s%s%s", a->hex ? "hex=true," : "", a->ipadd ? "ipadd=true," : "",
		a->dev ? "dev=true," : "", a->odev ? "odev=true," : "", flags[a->flags], dicts[a->dict],
		convs[a->conv]);
	len = strlen(word);
	if (len)
		word[len - 1] = '\0';
}

/* -- the tests ------------------------------------------------------------------------------------------- */

static void compare_column(struct facts *f, const struct fact_field *fact, const char *column, const char *is,
	const char *should)
{
	if (strcmp(is, should))
		differs(f, "%s.%s (%" PRIu32 "): %s is '%s', should be '%s'\n", fact->message, fact->name,
			fact->number, column, is, should);
}

static void compare_field(struct facts *f, const struct fact_field *fact)
{
	const ProtobufCMessageDescriptor *message = img_message_find(fact->message);
	const ProtobufCFieldDescriptor *field;
	char word[256];

	if (!message) {
		differs(f, "%s: no such message\n", fact->message);
		return;
	}
	field = protobuf_c_message_descriptor_get_field(message, fact->number);
	if (!field) {
		differs(f, "%s: no field %" PRIu32 ", '%s'\n", fact->message, fact->number, fact->name);
		return;
	}
	compare_column(f, fact, "name", field->name, fact->name);
	compare_column(f, fact, "label", label_word(field->label), fact->label);
	compare_column(f, fact, "type", type_word(field), fact->type);
	default_word(field, word, sizeof(word));
	compare_column(f, fact, "default", word, fact->def);
	annotations_word(img_annotation_find(message, fact->number), word, sizeof(word));
	compare_column(f, fact, "annotations", word, fact->annotations);

	/* None of CRIU's lists are packed and none of its fields are alternatives: the bytes would differ. */
	if (field->flags)
		differs(f, "%s.%s: flags %#" PRIx32 "\n", fact->message, fact->name, field->flags);
}

static void test_fields_of_the_facts(void **state)
{
	struct facts *f = *state;

	assert_int_equal(f->n_fields, 1154);
	f->differences = 0;
	for (size_t i = 0; i < f->n_fields; i++)
		compare_field(f, &f->fields[i]);
	assert_int_equal(f->differences, 0);
}

static bool is_own(const char *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_messages); i++)
		if (!strcmp(own_messages[i], message))
			return true;
	return false;
}

static bool is_own_field(const struct facts *f, const char *message, const char *name)
{
	for (size_t i = 0; i < f->n_own; i++)
		if (!strcmp(f->own[i].message, message) && !strcmp(f->own[i].name, name))
			return true;
	return false;
}

static void test_nothing_beyond_the_facts(void **state)
{
	struct facts *f = *state;

	f->differences = 0;
	for (size_t i = 0; i < img_n_all_messages; i++) {
		const ProtobufCMessageDescriptor *message = img_all_messages[i];

		if (is_own(message->name))
			continue;
		if (!fact_of(f, message->name, NULL))
			differs(f, "%s: CRIU has no such message, and it is not on the list of our own\n",
				message->name);
		for (unsigned int k = 0; k < message->n_fields; k++) {
			const ProtobufCFieldDescriptor *field = &message->fields[k];

			if (fact_of(f, message->name, field->name))
				continue;
			if (field->id < FIRST_EXTENSION)
				differs(f, "%s.%s: CRIU has no such field, and %" PRIu32 " is below %d\n",
					message->name, field->name, field->id, FIRST_EXTENSION);
			else if (!is_own_field(f, message->name, field->name))
				differs(f, "%s.%s: an extension that is not on the list of our own\n",
					message->name, field->name);
			if (field->label == PROTOBUF_C_LABEL_REQUIRED)
				differs(f, "%s.%s: a required extension: no image of CRIU would be read\n",
					message->name, field->name);
		}
	}
	assert_int_equal(f->differences, 0);
}

/* An enumeration by the name it has without its scope. */
static const ProtobufCEnumDescriptor *enum_of(const char *short_name)
{
	for (size_t i = 0; i < img_n_all_enums; i++)
		if (!strcmp(img_all_enums[i]->short_name, short_name))
			return img_all_enums[i];
	return NULL;
}

static void compare_value(struct facts *f, const struct fact_value *fact)
{
	const ProtobufCEnumDescriptor *e = enum_of(fact->enumeration);
	const ProtobufCEnumValue *value = e ? protobuf_c_enum_descriptor_get_value_by_name(e, fact->name) : NULL;

	if (!value)
		differs(f, "%s.%s: missing\n", fact->enumeration, fact->name);
	else if (value->value != fact->value)
		differs(f, "%s.%s: is %d, should be %d\n", fact->enumeration, fact->name, value->value, fact->value);
}

static void test_enums(void **state)
{
	struct facts *f = *state;
	size_t n_compiled = 0;

	assert_int_equal(f->n_values, 119);
	f->differences = 0;
	for (size_t i = 0; i < f->n_values; i++)
		compare_value(f, &f->values[i]);
	for (size_t i = 0; i < f->n_own_values; i++) {
		compare_value(f, &f->own_values[i]);
		if (f->own_values[i].value < FIRST_EXTENSION)
			differs(f, "%s is below %d\n", f->own_values[i].name, FIRST_EXTENSION);
	}

	/* As many here as there, and each of those was found: so there are no others. */
	for (size_t i = 0; i < img_n_all_enums; i++)
		n_compiled += img_all_enums[i]->n_value_names;
	if (n_compiled != f->n_values + f->n_own_values)
		differs(f, "%zu enum values are compiled, CRIU has %zu, and %zu are ours\n", n_compiled, f->n_values, f->n_own_values);
	assert_int_equal(f->differences, 0);
}

static void test_own_extensions(void **state)
{
	struct facts *f = *state;

	f->differences = 0;
	for (size_t i = 0; i < f->n_own; i++)
		compare_field(f, &f->own[i]);
	assert_int_equal(f->differences, 0);
}

/* Does <tests>/../proto/<file> have a line `<keyword> <name> {`? */
static bool declares(const struct facts *f, const char *file, const char *keyword, const char *name)
{
	char path[PATH_MAX + 64], line[512], want[256];
	bool found = false;
	FILE *in;

	snprintf(path, sizeof(path), "%s/../proto/%s", f->tests_dir, file);
	snprintf(want, sizeof(want), "%s %s {", keyword, name);
	in = fopen(path, "r");
	while (in && !found && fgets(line, sizeof(line), in)) {
		const char *text = line + strspn(line, "\t ");

		found = !strncmp(text, want, strlen(want));
	}
	if (in)
		fclose(in);
	return found;
}

static void test_files(void **state)
{
	struct facts *f = *state;

	f->differences = 0;
	for (size_t i = 0; i < f->n_fields; i++) {
		const struct fact_field *fact = &f->fields[i];

		if (i && !strcmp(fact->message, fact[-1].message))
			continue;
		if (!declares(f, fact->file, "message", fact->message))
			differs(f, "%s: does not declare message %s\n", fact->file, fact->message);
	}
	for (size_t i = 0; i < f->n_values; i++) {
		const struct fact_value *fact = &f->values[i];

		if (i && !strcmp(fact->enumeration, fact[-1].enumeration))
			continue;
		if (!declares(f, fact->file, "enum", fact->enumeration))
			differs(f, "%s: does not declare enum %s\n", fact->file, fact->enumeration);
	}
	assert_int_equal(f->differences, 0);
}

static void test_find(void **state)
{
	for (size_t i = 0; i < img_n_all_messages; i++)
		assert_ptr_equal(img_message_find(img_all_messages[i]->name), img_all_messages[i]);
	for (size_t i = 0; i < img_n_all_enums; i++)
		assert_ptr_equal(img_enum_find(img_all_enums[i]->name), img_all_enums[i]);
	for (size_t i = 0; i < img_n_annotation_rows; i++) {
		const struct img_annotation_row *row = &img_annotation_rows[i];
		const ProtobufCMessageDescriptor *message = img_message_find(row->message);

		assert_non_null(message);
		assert_ptr_equal(img_annotation_find(message, row->field_number), &row->annotation);
	}

	assert_null(img_message_find(""));
	assert_null(img_message_find("core_entr"));
	assert_null(img_message_find("zzz"));
	assert_null(img_enum_find("march"));
	assert_non_null(img_enum_find("core_entry.march"));
	assert_null(img_annotation_find(img_message_find("vma_entry"), 3));
	assert_null(img_annotation_find(img_message_find("vma_entry"), 4711));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_of_the_facts),
		cmocka_unit_test(test_nothing_beyond_the_facts),
		cmocka_unit_test(test_own_extensions),
		cmocka_unit_test(test_enums),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_find),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("proto/descriptors", tests, load_facts, free_facts);
}
