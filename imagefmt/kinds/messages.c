/* imagefmt/kinds/messages.c -- finds a message or an enum of proto/ by its name. */

#include "kinds/messages.h"

#include <stdlib.h>
#include <string.h>

static int message_cmp(const void *name, const void *entry)
{
	return strcmp(name, (*(const ProtobufCMessageDescriptor *const *)entry)->name);
}

const ProtobufCMessageDescriptor *img_message_find(const char *name)
{
	const ProtobufCMessageDescriptor *const *found;

	found = bsearch(name, img_all_messages, img_n_all_messages, sizeof(*found), message_cmp);
	return found ? *found : NULL;
}

static int enum_cmp(const void *name, const void *entry)
{
	return strcmp(name, (*(const ProtobufCEnumDescriptor *const *)entry)->name);
}

const ProtobufCEnumDescriptor *img_enum_find(const char *name)
{
	const ProtobufCEnumDescriptor *const *found;

	found = bsearch(name, img_all_enums, img_n_all_enums, sizeof(*found), enum_cmp);
	return found ? *found : NULL;
}
