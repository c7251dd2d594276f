/* crit/cmd-redact.c -- crit redact: a copy of a set with all that tasks had in memory, pipes, sockets and deleted files made zero.
 *
 * What is left is the structure: tasks, mappings, descriptors, paths, addresses. Registers stay, but for the floating point and vector
 * ones, which often have data in them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.pb-c.h"
#include "crit.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/set.h"
#include "siginfo.pb-c.h"
#include "transform.h"
#include "tty.pb-c.h"

enum { OUT };
enum { IMAGES };

static const struct crit_option options[] = {
	[OUT] = { "out", 'o', "OUT", "the directory of the copy; it is made" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[IMAGES] = { "DIR", "the images" },
	{ 0 },
};

static const char zeros[65536];

/* ---- images without records ---- */

static int blank_bytes(struct img_set *from, struct img_set *to, const char *name, struct img_err *err)
{
	char piece[65536];
	struct img_source *src;
	struct img_sink *sink;
	ssize_t n = 0;
	int ret = img_set_source(from, name, &src, err);

	if (ret <= 0)
		return ret;
	sink = img_set_sink(to, name, err);
	while (sink && (n = img_source_read(src, piece, sizeof(piece), err)) > 0) {
		if (img_sink_write(sink, zeros, n, err) < 0) {
			n = -1;
			break;
		}
	}
	img_source_close(src);
	if (sink && n == 0)
		return img_sink_finish(sink, err) < 0 ? -1 : 1;
	img_sink_abort(sink);
	return -1;
}

/* An archive of nothing: two blocks of zeros, in gzip. */
static int empty_tar(struct img_set *from, struct img_set *to, const char *name, struct img_err *err)
{
	static const unsigned char tar[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0x18, 0x05, 0xa3, 0x60, 0x14, 0x8c,
		0x54, 0x00, 0x00, 0x2e, 0xaf, 0xb5, 0xef, 0x00, 0x04, 0x00, 0x00 };
	struct img_sink *sink = img_set_sink(to, name, err);

	if (!sink)
		return -1;
	if (img_sink_write(sink, tar, sizeof(tar), err) < 0) {
		img_sink_abort(sink);
		return -1;
	}
	return img_sink_finish(sink, err) < 0 ? -1 : 1;
}

/* ---- records ---- */

static void blank(ProtobufCBinaryData *data)
{
	memset(data->data, 0, data->len);
}

static void blank_tty(ProtobufCMessage *msg)
{
	blank(&((TtyDataEntry *)msg)->data);
}

static void blank_words(uint32_t *words, size_t n)
{
	if (n)
		memset(words, 0, n * sizeof(*words));
}

static void blank_longs(uint64_t *words, size_t n)
{
	if (n)
		memset(words, 0, n * sizeof(*words));
}

static void blank_core(ProtobufCMessage *msg)
{
	CoreEntry *core = (CoreEntry *)msg;
	UserX86FpregsEntry *fp = core->thread_info ? core->thread_info->fpregs : NULL;

	if (core->ti_aarch64 && core->ti_aarch64->fpsimd)
		blank_longs(core->ti_aarch64->fpsimd->vregs, core->ti_aarch64->fpsimd->n_vregs);
	if (!fp)
		return;
	blank_words(fp->st_space, fp->n_st_space);
	blank_words(fp->xmm_space, fp->n_xmm_space);
	if (!fp->xsave)
		return;
	blank_words(fp->xsave->ymmh_space, fp->xsave->n_ymmh_space);
	blank_longs(fp->xsave->opmask_reg, fp->xsave->n_opmask_reg);
	blank_longs(fp->xsave->zmm_upper, fp->xsave->n_zmm_upper);
	blank_longs(fp->xsave->hi16_zmm, fp->xsave->n_hi16_zmm);
}

static int blank_payload(struct img_reader *r, struct img_writer *w, struct img_err *err)
{
	char piece[16384];
	ssize_t n;

	while ((n = img_read_payload(r, piece, sizeof(piece), err)) > 0)
		if (img_write_payload(w, zeros, n, err) < 0)
			return -1;
	return n;
}

static int copy_records(struct img_reader *r, struct img_writer *w, void (*change)(ProtobufCMessage *msg), struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret;

	while ((ret = img_read(r, &msg, err)) > 0) {
		if (change)
			change(msg);
		ret = img_write(w, msg, err);
		img_message_free(msg);
		if (ret < 0 || blank_payload(r, w, err) < 0)
			return -1;
	}
	return ret;
}

static int blank_records(struct img_set *from, struct img_set *to, enum img_kind kind, uint64_t id, void (*change)(ProtobufCMessage *msg),
	struct img_err *err)
{
	struct img_reader *r;
	struct img_writer *w;
	int ret = img_reader_open(from, kind, id, &r, err);

	if (ret <= 0)
		return ret;
	w = img_writer_create(to, kind, id, err);
	ret = w ? copy_records(r, w, change, err) : -1;
	img_reader_close(r);
	if (ret == 0)
		return img_writer_finish(w, err) < 0 ? -1 : 1;
	img_writer_abort(w);
	return -1;
}

/* One row per kind that has data of tasks in it. */
static const struct {
	enum img_kind kind;
	int (*bytes)(struct img_set *from, struct img_set *to, const char *name, struct img_err *err);
	void (*change)(ProtobufCMessage *msg); /* beside the payloads, which become zero */
} rows[] = {
	{ IMG_PAGES, blank_bytes, NULL },	 { IMG_TMPFS_IMG, empty_tar, NULL },	{ IMG_TMPFS_DEV, empty_tar, NULL },
	{ IMG_PIPES_DATA, NULL, NULL },		 { IMG_FIFO_DATA, NULL, NULL },		{ IMG_SK_QUEUES, NULL, NULL },
	{ IMG_TCP_STREAM, NULL, NULL },		 { IMG_IPCNS_SHM, NULL, NULL },		{ IMG_IPCNS_MSG, NULL, NULL },
	{ IMG_GHOST_FILE, NULL, NULL },		 { IMG_BPFMAP_DATA, NULL, NULL },	{ IMG_TTY_DATA, NULL, blank_tty },
	{ IMG_CORE, NULL, blank_core },
};

static int redact_member(void *arg, struct img_set *from, struct img_set *to, const char *name, struct img_err *err)
{
	uint64_t id;
	enum img_kind kind = img_kind_by_file(name, &id);

	/* Logs and the like may say anything. */
	if (kind == IMG_KIND_UNKNOWN)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].kind == kind)
			return rows[i].bytes ? rows[i].bytes(from, to, name, err) : blank_records(from, to, kind, id, rows[i].change, err);
	return 0;
}

static int run(const struct crit_args *args, struct img_err *err)
{
	const struct transform t = { .member = redact_member };
	struct img_set *set, *parent;
	int ret;

	if (!args->option[OUT])
		return img_fail(err, IMG_USAGE, "redact: where to? (-o OUT)");
	set = crit_set_open(args->operand[IMAGES], err);
	if (!set)
		return -1;
	ret = img_set_parent(set, &parent, err);
	if (ret > 0)
		ret = img_fail(err, IMG_UNSUPPORTED, "%s: a part of its memory is in its parent: `crit flatten` it first", args->operand[IMAGES]);
	if (ret == 0)
		ret = transform_set(set, args->operand[IMAGES], args->option[OUT], false, &t, err);
	img_set_close(set);
	return ret;
}

const struct crit_verb crit_redact = {
	.name = "redact",
	.summary = "copy a set without the data of its tasks: memory, environment, queues, deleted files become zero",
	.options = options,
	.operands = operands,
	.examples = "  crit redact /var/lib/checkpoint -o /tmp/for-the-bug-report\n",
	.run = run,
};
