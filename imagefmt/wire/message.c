/* wire/message.c -- packs and unpacks messages with protobuf-c, and keeps hostile ones from eating memory. */

#include "wire/message.h"

#include <stdlib.h>

#include "criuimg/image.h"

/* What a message may take in memory: each byte on the wire this often, and some. The worst honest case is a list of
 * small messages, where pointer, struct and malloc's own use make it some 20 times the wire's. */
#define BUDGET_FACTOR 32
#define BUDGET_BASE   ((size_t)1 << 20)
/* How deep messages may nest, as in other readers of protobuf. */
#define NESTING_MAX 100
/* Added to each piece for what malloc takes itself. */
#define PIECE_COST 16

struct budget {
	size_t left;
	bool exceeded, nomem;
};

static void *budget_alloc(void *data, size_t size)
{
	struct budget *b = data;
	void *p;

	if (b->left < PIECE_COST || size > b->left - PIECE_COST) {
		b->exceeded = true;
		return NULL;
	}
	b->left -= size + PIECE_COST;
	/* protobuf-c asks for 0 bytes for an empty list and takes NULL for a failure. */
	p = malloc(size ? size : 1);
	if (!p)
		b->nomem = true;
	return p;
}

static void budget_free(void *data, void *p)
{
	free(p);
}

int img_message_unpack(const ProtobufCMessageDescriptor *type, const unsigned char *data, size_t size,
	ProtobufCMessage **msg, struct img_err *err)
{
	struct budget budget = { .left = size * BUDGET_FACTOR + BUDGET_BASE };
	/* Memory comes from malloc() either way, so that img_message_free() needs no allocator. */
	ProtobufCAllocator allocator = {
		.alloc = budget_alloc, .free = budget_free, .allocator_data = &budget
	};

	*msg = NULL;
	if (img_message_check(type, data, size, NESTING_MAX, err))
		return -1;
	*msg = protobuf_c_message_unpack(type, &allocator, size, data);
	if (*msg)
		return 0;
	if (budget.nomem)
		return img_fail_nomem(err);
	if (budget.exceeded)
		return img_fail(err, IMG_CORRUPT, "%zu bytes of %s would take more than %zu bytes of memory",
			size, type->name, size * BUDGET_FACTOR + BUDGET_BASE);
	return img_fail(
		err, IMG_CORRUPT, "%zu bytes are no %s, or a required field is missing", size, type->name);
}

void img_message_free(ProtobufCMessage *msg)
{
	if (msg)
		protobuf_c_message_free_unpacked(msg, NULL);
}

int img_message_pack(const ProtobufCMessage *msg, struct img_frame *frame, struct img_err *err)
{
	size_t size;

	if (!protobuf_c_message_check(msg))
		return img_fail(err, IMG_USAGE, "a required part of %s is not set", msg->descriptor->name);
	size = protobuf_c_message_get_packed_size(msg);
	if (size > IMG_RECORD_MAX)
		return img_fail(
			err, IMG_USAGE, "a record of %zu bytes: %u are allowed", size, IMG_RECORD_MAX);
	if (img_frame_reserve(frame, size + 4, err))
		return -1;
	img_put_u32(frame->data, size);
	protobuf_c_message_pack(msg, frame->data + 4);
	return 0;
}
