/* kinds/ghost-file.c -- ghost-file-ID.img: the content of a deleted file follows its record. Without `chunks` it is the
 * rest of the image; with it, a record ghost_chunk_entry and `len` bytes for each part that is not a hole. */

#include "kinds/ops.h"

#include "ghost-file.pb-c.h"

#define CHUNKS mine[0]

static const ProtobufCMessageDescriptor *ghost_file_next(const struct img_flow *flow)
{
	if (flow->nr == 0)
		return &ghost_file_entry__descriptor;
	return flow->CHUNKS ? &ghost_chunk_entry__descriptor : NULL;
}

static int ghost_file_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	const GhostChunkEntry *chunk = (const GhostChunkEntry *)msg;

	if (flow->nr == 0) {
		const GhostFileEntry *head = (const GhostFileEntry *)msg;

		flow->CHUNKS = head->has_chunks && head->chunks;
		payload->to_end = !flow->CHUNKS;
		return 0;
	}
	/* A file's size is a signed number of 64 bits. */
	if (chunk->off > INT64_MAX || chunk->len > INT64_MAX - chunk->off)
		return img_fail(err, IMG_CORRUPT, "%llu bytes at offset %llu reach beyond any file",
			(unsigned long long)chunk->len, (unsigned long long)chunk->off);
	payload->size = chunk->len;
	return 0;
}

const struct img_kind_ops img_ghost_file_ops = {
	.next = ghost_file_next,
	.record = ghost_file_record,
};
