/* imagefmt/kinds/annotations.c -- finds the hints of a field in the table that the build made. */

#include "kinds/annotations.h"

#include <stdlib.h>
#include <string.h>

struct row_key {
	const char *message;
	uint32_t field_number;
};

static int row_cmp(const void *key_, const void *row_)
{
	const struct row_key *key = key_;
	const struct img_annotation_row *row = row_;
	int order = strcmp(key->message, row->message);

	if (order)
		return order;
	return (key->field_number > row->field_number) - (key->field_number < row->field_number);
}

const struct img_annotation *img_annotation_find(
	const ProtobufCMessageDescriptor *message, uint32_t field_number)
{
	/* By name: a table of descriptor addresses could only be sorted at run time. */
	const struct row_key key = { .message = message->name, .field_number = field_number };
	const struct img_annotation_row *row;

	row = bsearch(&key, img_annotation_rows, img_n_annotation_rows, sizeof(*row), row_cmp);
	return row ? &row->annotation : NULL;
}
