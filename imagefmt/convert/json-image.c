/* imagefmt/convert/json-image.c -- a whole image as JSON: {"magic": "CORE", "entries": [...]}. */

#include "convert/json-image.h"

const char *json_magic_name(enum img_kind kind)
{
	const struct img_kind_info *info = img_kind_info(kind);

	return info->magic ? img_kind_info(img_kind_by_magic(info->magic))->name : info->name;
}

void json_image_begin(struct json_out *out, enum img_kind kind)
{
	json_open(out, '{');
	json_member(out, "magic");
	json_ascii(out, json_magic_name(kind));
	json_member(out, "entries");
	json_open(out, '[');
}

void json_image_end(struct json_out *out)
{
	json_close(out, ']');
	json_close(out, '}');
}

/* One record and what belongs to it; 1, 0 at the end, -1. */
static int write_entry(struct json_image *image, uint64_t nr, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret = img_read(image->reader, &msg, err);

	if (ret <= 0)
		return ret;
	json_item(image->out);
	json_open(image->out, '{');
	json_message_members(image->out, &image->types, msg);
	ret = json_payload(image, msg, err);
	img_message_free(msg);
	json_close(image->out, '}');
	if (ret < 0)
		return img_wrap(err, "entry %llu", (unsigned long long)nr);
	return 1;
}

int img_json_decode(
	struct img_reader *r, const struct img_json_options *opt, struct img_sink *sink, struct img_err *err)
{
	struct json_image image = {
		.reader = r,
		.out = json_out_new(sink, opt->pretty, err),
		.types = { .pretty = opt->pretty },
		.no_payload = opt->no_payload,
	};
	uint64_t nr = 0;
	int ret = 0;

	if (!image.out)
		return -1;
	json_image_begin(image.out, img_reader_kind(r));
	do {
		ret = write_entry(&image, nr++, err);
	} while (ret > 0 && !json_out_failed(image.out));
	json_types_free(&image.types);
	if (ret < 0) {
		json_out_drop(image.out);
		return -1;
	}
	json_image_end(image.out);
	return json_out_close(image.out, err);
}

int img_json_message(
	const ProtobufCMessage *msg, const struct img_json_options *opt, struct img_sink *sink, struct img_err *err)
{
	struct json_types types = { .pretty = opt->pretty };
	struct json_out *out = json_out_new(sink, opt->pretty, err);

	if (!out)
		return -1;
	json_message(out, &types, msg);
	json_types_free(&types);
	return json_out_close(out, err);
}
