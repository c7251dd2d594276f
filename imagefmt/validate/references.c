/* validate/references.c -- numbers that lead to something in another image: a row for each. */

#include "validate/validate.h"

#include <inttypes.h>
#include <limits.h>

#include "bpfmap-data.pb-c.h"
#include "criuimg/array.h"
#include "fdinfo.pb-c.h"
#include "file-lock.pb-c.h"
#include "fs.pb-c.h"
#include "pipe-data.pb-c.h"
#include "remap-file-path.pb-c.h"
#include "sk-packet.pb-c.h"
#include "tty.pb-c.h"
#include "validate/files.h"

/* How the number that means "nothing" looks. */
enum none {
	NEVER,	   /* it always leads somewhere */
	ZERO,	   /* 0 */
	MINUS_ONE, /* -1 */
	ABSENT,	   /* an optional field that is not there; has_ is in front of the number */
};

struct reference {
	const ProtobufCMessageDescriptor *message;
	const char *field;
	enum val_space space;
	uint32_t type; /* of VAL_FILE */
	enum none none;
	bool if_any; /* only where the set has any object of that space */
	bool mild;   /* what it leads to may have been outside of what was dumped */
	const char *what;
};

#define REFERENCE(of, name, ...)                                                                             \
	{                                                                                                    \
		.message = &of##__descriptor, .field = name, __VA_ARGS__                                     \
	}
#define TO_FILE(word) .space = VAL_FILE, .type = FD_TYPES__##word

static const struct reference references[] = {
	REFERENCE(pipe_data_entry, "pipe_id", .space = VAL_PIPE, .what = "pipe"),
	REFERENCE(sk_packet_entry, "id_for", .space = VAL_SOCKET, .what = "UNIX socket"),
	REFERENCE(unix_sk_entry, "peer", .space = VAL_UNIX_INO, .none = ZERO, .mild = true,
		.what = "UNIX socket of inode"),
	REFERENCE(unix_sk_entry, "mnt_id", .space = VAL_MOUNT, .none = MINUS_ONE, .if_any = true,
		.what = "mount"),
	REFERENCE(reg_file_entry, "mnt_id", .space = VAL_MOUNT, .none = MINUS_ONE, .if_any = true,
		.what = "mount"),
	REFERENCE(memfd_file_entry, "inode_id", .space = VAL_MEMFD, .what = "memfd"),
	REFERENCE(tty_file_entry, "tty_info_id", .space = VAL_TTY, .what = "terminal"),
	REFERENCE(tty_file_entry, "regf_id", TO_FILE(REG), .none = ABSENT, .what = "regular file"),
	REFERENCE(tty_data_entry, "tty_id", .space = VAL_TTY, .what = "terminal"),
	REFERENCE(fifo_entry, "regf_id", TO_FILE(REG), .none = ABSENT, .what = "regular file"),
	REFERENCE(bpfmap_data_entry, "map_id", .space = VAL_BPFMAP, .what = "BPF map"),
	REFERENCE(fs_entry, "cwd_id", TO_FILE(REG), .what = "regular file"),
	REFERENCE(fs_entry, "root_id", TO_FILE(REG), .what = "regular file"),
	REFERENCE(mm_entry, "exe_file_id", TO_FILE(REG), .what = "regular file"),
};

/* ---- the number in a field ---- */

static bool is_there(const ProtobufCMessage *body, const ProtobufCFieldDescriptor *f)
{
	return f->label != PROTOBUF_C_LABEL_OPTIONAL ||
	       *(const protobuf_c_boolean *)((const char *)body + f->quantifier_offset);
}

/* All of them are integers of 32 or 64 bits; a negative one is its 32 bits. */
static uint64_t value_of(const ProtobufCMessage *body, const ProtobufCFieldDescriptor *f)
{
	const char *at = (const char *)body + f->offset;

	return f->type == PROTOBUF_C_TYPE_UINT64 ? *(const uint64_t *)at : *(const uint32_t *)at;
}

static bool means_nothing(
	const struct reference *ref, const ProtobufCMessage *body, const ProtobufCFieldDescriptor *f)
{
	if (!is_there(body, f))
		return true;
	switch (ref->none) {
	case ZERO:
		return value_of(body, f) == 0;
	case MINUS_ONE:
		return value_of(body, f) == UINT32_MAX;
	case ABSENT:
	case NEVER:
		break;
	}
	return false;
}

static void reference_check(struct validate *v, const struct val_record *r, const struct reference *ref)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(ref->message, ref->field);
	const struct val_index *index = &v->index[ref->space];
	const char *field;
	uint64_t id;

	if (means_nothing(ref, r->body, f) || index->partial || (ref->if_any && !index->nr))
		return;
	id = value_of(r->body, f);
	if (val_find(v, ref->space, ref->space == VAL_FILE ? val_file_key(ref->type, id) : id))
		return;
	field = *r->prefix ? val_field(v, "%s%s", r->prefix, ref->field) : ref->field;
	if (ref->mild)
		val_warning(v, val_at(r, field), "no %s %" PRIu64 " is in the set", ref->what, id);
	else
		val_error(v, val_at(r, field), "no %s %" PRIu64 " is in the set", ref->what, id);
}

/* ---- those with a rule of their own ---- */

/* A file whose path leads nowhere, and what stands for it. */
static void remap_check(struct validate *v, const struct val_record *r)
{
	const RemapFilePathEntry *e = (const RemapFilePathEntry *)r->msg;
	uint32_t id = e->remap_id;
	RemapType type = e->remap_type;
	char name[IMG_NAME_MAX];

	if (!e->has_remap_type) {
		type = id & 1u << 31 ? REMAP_TYPE__GHOST : REMAP_TYPE__LINKED;
		id &= ~(1u << 31);
	}
	if (!val_files_partial(v) && !val_open_file(v, FD_TYPES__REG, e->orig_id))
		val_warning(v, val_at(r, "orig_id"), "no regular file %#x is in the set", e->orig_id);
	if (type == REMAP_TYPE__GHOST && !val_image(v, IMG_GHOST_FILE, id))
		val_error(v, val_at(r, "remap_id"), "%s is missing",
			img_kind_file_name(IMG_GHOST_FILE, id, name));
	else if (type == REMAP_TYPE__LINKED && !val_files_partial(v) && !val_open_file(v, FD_TYPES__REG, id))
		val_error(v, val_at(r, "remap_id"), "no regular file %#x is in the set", id);
	else if (type != REMAP_TYPE__GHOST && type != REMAP_TYPE__LINKED && type != REMAP_TYPE__PROCFS)
		val_unsupported(v, val_at(r, "remap_type"), "%d is not known to this program", type);
}

static bool any_file(const struct validate *v, uint32_t id)
{
	for (uint32_t type = FD_TYPES__REG; type <= FD_TYPES__PIDFD; type++)
		if (val_open_file(v, type, id))
			return true;
	return false;
}

/* Descriptors on their way in a packet. */
static void packet_check(struct validate *v, const struct val_record *r)
{
	const SkPacketEntry *e = (const SkPacketEntry *)r->msg;

	for (size_t i = 0; i < e->n_scm && !val_files_partial(v); i++)
		for (size_t k = 0; k < e->scm[i]->n_rights; k++)
			if (!any_file(v, e->scm[i]->rights[k]))
				val_error(v, val_at(r, val_field(v, "scm[%zu].rights[%zu]", i, k)),
					"no open file %#x is in the set", e->scm[i]->rights[k]);
}

/* The holder of a lock, and its descriptor. */
static void lock_check(struct validate *v, const struct val_record *r)
{
	const FileLockEntry *e = (const FileLockEntry *)r->msg;
	const struct val_task *t = val_task(v, e->pid);
	uint64_t table;

	if (!t) {
		if (!v->index[VAL_PID].partial)
			val_error(v, val_at(r, "pid"), "no task %d is in the tree", e->pid);
		return;
	}
	table = v->inventory && v->inventory->fdinfo_per_id ? t->ids ? t->ids->files_id : 0 : t->entry->pid;
	for (size_t i = 0; i < v->records[IMG_FDINFO].nr; i++) {
		const struct val_record *fd = &v->records[IMG_FDINFO].list[i];

		if (fd->image->id == table && (int32_t)((const FdinfoEntry *)fd->msg)->fd == e->fd)
			return;
	}
	if (val_image(v, IMG_FDINFO, table) && !val_image(v, IMG_FDINFO, table)->broken)
		val_error(v, val_at(r, "fd"), "task %d has no descriptor %d", e->pid, e->fd);
}

/* An image of the queues of a TCP connection belongs to a socket, and a connection has one unless it comes back closed. */
static void tcp_check(struct validate *v)
{
	bool partial = v->index[VAL_TCP].partial;

	for (size_t i = 0; i < v->nr_images && !partial; i++)
		if (v->images[i].kind == IMG_TCP_STREAM && !val_find(v, VAL_TCP, v->images[i].id))
			val_error(v, VAL_FILE_AT(v->images[i].name),
				"no socket of inode %#" PRIx64 " is in the set", v->images[i].id);
}

#define TCP_PROTO	6
#define TCP_ESTABLISHED 1

static void socket_check(struct validate *v, const struct val_record *r)
{
	const InetSkEntry *sk = (const InetSkEntry *)r->body;
	char name[IMG_NAME_MAX];

	if (sk->proto != TCP_PROTO || sk->state != TCP_ESTABLISHED || !v->inventory ||
		v->inventory->tcp_close)
		return;
	if (!val_image(v, IMG_TCP_STREAM, sk->ino))
		val_warning(v, val_at(r, val_field(v, "%sino", r->prefix)),
			"%s is missing: the state of the connection",
			img_kind_file_name(IMG_TCP_STREAM, sk->ino, name));
}

static const struct {
	const ProtobufCMessageDescriptor *message;
	void (*check)(struct validate *v, const struct val_record *r);
} rules[] = {
	{ &remap_file_path_entry__descriptor, remap_check },
	{ &sk_packet_entry__descriptor, packet_check },
	{ &file_lock_entry__descriptor, lock_check },
	{ &inet_sk_entry__descriptor, socket_check },
};

static void record_check(struct validate *v, const struct val_record *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(references); i++)
		if (references[i].message == r->body->descriptor)
			reference_check(v, r, &references[i]);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].message == r->body->descriptor)
			rules[i].check(v, r);
}

int val_references(struct validate *v, struct img_err *err)
{
	for (int kind = 0; kind < IMG_KIND_NR; kind++)
		for (size_t i = 0; i < v->records[kind].nr && !v->stop; i++)
			if (v->records[kind].list[i].body)
				record_check(v, &v->records[kind].list[i]);
	tcp_check(v);
	return 0;
}
