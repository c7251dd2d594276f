/* streamer/image/marker.c -- what stands in a shard between the bytes of files. */

#include <string.h>

#include "img-shard.pb-c.h"
#include "streamer/image/image.h"

size_t marker_pack(const struct marker *m, unsigned char buf[MARKER_MAX])
{
	ImgShardMarker msg = IMG_SHARD_MARKER__INIT;
	uint32_t size;

	msg.has_seq = m->seq != 0;
	msg.seq = m->seq;
	switch (m->what) {
	case MARKER_FILE:
		msg.filename = (char *)m->name;
		break;
	case MARKER_DATA:
		msg.has_file_data = true;
		msg.file_data = m->data;
		break;
	case MARKER_FILE_END:
		msg.has_file_eof = msg.file_eof = true;
		break;
	case MARKER_IMAGE_END:
		msg.has_image_eof = msg.image_eof = true;
		break;
	}
	size = img_shard_marker__pack(&msg, buf + sizeof(size));
	memcpy(buf, &size, sizeof(size));
	return size + sizeof(size);
}

static int fill(const ImgShardMarker *msg, struct marker *m, struct img_err *err)
{
	int parts = (msg->filename != NULL) + msg->has_file_data + msg->has_file_eof + msg->has_image_eof;

	if (parts != 1)
		return img_fail(err, IMG_CORRUPT, "a marker of %d things", parts);
	m->seq = msg->seq;
	m->data = msg->file_data;
	m->what = msg->has_file_data  ? MARKER_DATA
		  : msg->has_file_eof ? MARKER_FILE_END
		  : msg->filename     ? MARKER_FILE
				      : MARKER_IMAGE_END;
	if (!msg->filename)
		return 0;
	if (!image_name_ok(msg->filename))
		return img_fail(err, IMG_CORRUPT, "a marker with '%.100s', which is no name of a file", msg->filename);
	strcpy(m->name, msg->filename);
	return 0;
}

int marker_unpack(const unsigned char *buf, size_t len, struct marker *m, struct img_err *err)
{
	ImgShardMarker *msg = img_shard_marker__unpack(NULL, len, buf);
	int ret;

	if (!msg)
		return img_fail(err, IMG_CORRUPT, "no marker where one belongs");
	ret = fill(msg, m, err);
	img_shard_marker__free_unpacked(msg, NULL);
	return ret;
}
