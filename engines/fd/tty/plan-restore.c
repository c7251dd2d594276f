/* engines/fd/tty/plan-restore.c -- the terminals of an image set: read, checked, and where each will come from. */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "criu-restore/inherit.h"
#include "criu-restore/plan.h"
#include "criu-restore/tty-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

#define PTY_INDEX_MAX (1u << 20)

bool tty_is_hung_up(const struct restore_tty *tty)
{
	return !tty->rec->termios;
}

const struct tty_file *tty_first_file(const struct restore_ttys *ttys, const struct restore_tty *tty)
{
	for (size_t i = 0; i < ttys->nr_files; i++)
		if (ttys->files[i].tty == tty)
			return &ttys->files[i];
	return NULL;
}

/* ---- plan: what is there ---- */

static int compare_ttys(const void *va, const void *vb)
{
	const struct restore_tty *a = va, *b = vb;

	return a->rec->id < b->rec->id ? -1 : a->rec->id > b->rec->id;
}

static struct restore_tty *find_tty(const struct restore_ttys *ttys, uint32_t id)
{
	TtyInfoEntry rec = { .id = id };
	struct restore_tty seek = { .rec = &rec };

	return ttys->nr ? bsearch(&seek, ttys->items, ttys->nr, sizeof(seek), compare_ttys) : NULL;
}

static int check_info(const TtyInfoEntry *rec, struct img_err *err)
{
	if (rec->type == TTY_TYPE__PTY && (!rec->pty || rec->pty->index >= PTY_INDEX_MAX))
		return img_fail(err, IMG_CORRUPT, "tty %#x: a pty without a number that can be one", rec->id);
	if ((rec->termios && rec->termios->n_c_cc < CC_WORDS) || (rec->termios_locked && rec->termios_locked->n_c_cc < CC_WORDS))
		return img_fail(err, IMG_CORRUPT, "tty %#x: control characters are missing", rec->id);
	return 0;
}

static int read_infos(struct restore *r, struct restore_ttys *ttys, struct img_err *err)
{
	struct img_reader *reader = NULL;
	ProtobufCMessage *msg;
	int ret = img_reader_open(r->set, IMG_TTY_INFO, 0, &reader, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		struct restore_tty *tty = img_array_more(&ttys->items, ttys->nr, &ttys->room);

		if (!tty) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		*tty = (struct restore_tty){ .rec = (TtyInfoEntry *)msg, .fd = -1 };
		ttys->nr++;
		ret = check_info(tty->rec, err);
		if (ret < 0)
			break;
		tty->master = tty->rec->rdev == makedev(5, 2);
	}
	img_reader_close(reader);
	return ret;
}

static int read_data(struct restore *r, struct restore_ttys *ttys, struct img_err *err)
{
	struct img_reader *reader = NULL;
	ProtobufCMessage *msg;
	int ret = img_reader_open(r->set, IMG_TTY_DATA, 0, &reader, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		TtyDataEntry **place = img_array_more(&ttys->data, ttys->nr_data, &ttys->data_room);
		struct restore_tty *tty;

		if (!place) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		*place = (TtyDataEntry *)msg;
		ttys->nr_data++;
		tty = find_tty(ttys, (*place)->tty_id);
		if (!tty || tty->data) {
			ret = img_fail(err, IMG_CORRUPT, "what waits in tty %#x: %s", (*place)->tty_id,
				tty ? "a second record" : "there is no such terminal");
			break;
		}
		tty->data = *place;
	}
	img_reader_close(reader);
	return ret;
}

static int read_files(struct restore *r, struct restore_ttys *ttys, struct img_err *err)
{
	for (size_t i = 0; i < r->files->nr; i++) {
		const struct restore_file *file = &r->files->files[i].pub;
		struct tty_file *f;

		if (file->rec->type != FD_TYPES__TTY)
			continue;
		f = img_array_more(&ttys->files, ttys->nr_files, &ttys->files_room);
		if (!f)
			return img_fail_nomem(err);
		*f = (struct tty_file){ .file = file, .rec = file->rec->tty, .fd = -1 };
		ttys->nr_files++;
		if (!f->rec || f->rec->id != file->id)
			return img_fail(err, IMG_CORRUPT, "tty %#x: has no record of a terminal", file->id);
		f->tty = find_tty(ttys, f->rec->tty_info_id);
		if (!f->tty)
			return img_fail(err, IMG_CORRUPT, "tty %#x: no terminal with the id %#x", file->id, f->rec->tty_info_id);
		f->tty->used = true;
		if (f->rec->has_regf_id) {
			const struct restore_file *reg = restore_find_file(r, f->rec->regf_id);

			f->reg = reg && reg->rec->type == FD_TYPES__REG ? reg->rec->reg : NULL;
		}
		if ((!f->reg || f->reg->name[0] != '/') && f->tty->rec->type != TTY_TYPE__EXT_TTY)
			return img_fail(err, IMG_CORRUPT, "tty %#x: has no path", file->id);
	}
	return 0;
}

/* Both ends of a pty: their ids differ in the lowest bit. */
static void find_others(struct restore_ttys *ttys)
{
	for (size_t i = 0; i < ttys->nr; i++) {
		struct restore_tty *tty = &ttys->items[i], *other = find_tty(ttys, tty->rec->id ^ 1);

		if (tty->rec->type == TTY_TYPE__PTY && other && other->rec->type == TTY_TYPE__PTY &&
			other->rec->pty->index == tty->rec->pty->index && other->master != tty->master)
			tty->other = other;
	}
}

int restore_ttys_plan(struct restore *r, struct img_err *err)
{
	struct restore_ttys *ttys = r->files->ttys = calloc(1, sizeof(*ttys));

	if (!ttys)
		return img_fail_nomem(err);
	ttys->terminal = -1;
	if (read_infos(r, ttys, err) < 0)
		return -1;
	if (ttys->nr)
		qsort(ttys->items, ttys->nr, sizeof(*ttys->items), compare_ttys);
	for (size_t i = 1; i < ttys->nr; i++)
		if (ttys->items[i].rec->id == ttys->items[i - 1].rec->id)
			return img_fail(err, IMG_CORRUPT, "two terminals with the id %#x", ttys->items[i].rec->id);
	if (read_data(r, ttys, err) < 0 || read_files(r, ttys, err) < 0)
		return -1;
	find_others(ttys);
	if (ttys->nr && !(ttys->orphans = restore_shared_alloc(r, ttys->nr * sizeof(*ttys->orphans), err)))
		return -1;
	return 0;
}

void restore_ttys_free(struct restore *r)
{
	struct restore_ttys *ttys = r->files->ttys;

	if (!ttys)
		return;
	for (size_t i = 0; i < ttys->nr; i++)
		img_message_free((ProtobufCMessage *)&ttys->items[i].rec->base);
	for (size_t i = 0; i < ttys->nr_data; i++)
		img_message_free(&ttys->data[i]->base);
	img_cleanup_fd(&ttys->terminal);
	free(ttys->items);
	free(ttys->data);
	free(ttys->files);
	free(ttys);
}

/* ---- plan: where each comes from ---- */

/* The terminal we were started on: ours by session, else what our standard descriptors are. */
static int find_terminal(struct restore_ttys *ttys)
{
	if (ttys->terminal >= 0)
		return 0;
	for (int fd = 0; fd <= STDERR_FILENO && ttys->terminal < 0; fd++)
		if (isatty(fd))
			ttys->terminal = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (ttys->terminal < 0)
		ttys->terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (ttys->terminal < 0)
		return -1;
	ttys->terminal_pgrp = tcgetpgrp(ttys->terminal);
	return 0;
}

static int from_terminal(struct restore *r, struct restore_tty *tty, struct img_err *err)
{
	if (find_terminal(r->files->ttys) < 0)
		return img_fail(err, IMG_UNSUPPORTED, "a shell's job wants a terminal, and there is none here: not on standard input, output or "
			"error, and no /dev/tty");
	tty->source = TTY_TERMINAL;
	return 0;
}

int tty_handed(const struct restore *r, const TtyInfoEntry *rec)
{
	return restore_inherited(r, "tty[%x:%x]", rec->rdev, rec->dev);
}

static int plan_pty(struct restore *r, struct restore_tty *tty, struct img_err *err)
{
	const struct tty_file *f = tty_first_file(r->files->ttys, tty);

	if (!tty->master && tty_handed(r, tty->rec) >= 0) {
		tty->source = TTY_HANDED;
		return 0;
	}
	tty->source = TTY_MADE;
	if (tty->master || (tty->other && tty->other->used) || tty_is_hung_up(tty))
		return 0;
	if (r->opt->orphan_pts_master) {
		tty->source = TTY_ORPHAN;
		return 0;
	}
	if (r->opt->shell_job)
		return from_terminal(r, tty, err);
	return img_fail(err, IMG_UNSUPPORTED, "terminal '%s' was somebody else's: a shell's job is restored with --shell-job, others with "
		"--inherit-fd 'fd[N]:tty[%x:%x]'", f->reg ? f->reg->name : "", tty->rec->rdev, tty->rec->dev);
}

/* The terminal that /dev/tty stood for: the one of its session. */
static struct restore_tty *stood_for(struct restore_ttys *ttys, const struct restore_tty *ctty)
{
	for (size_t i = 0; i < ttys->nr; i++) {
		struct restore_tty *tty = &ttys->items[i];

		if (tty == ctty || tty->rec->type == TTY_TYPE__CTTY || (!tty->used && !(tty->other && tty->other->used)))
			continue;
		if (tty->rec->sid && tty->rec->sid == ctty->rec->sid)
			return tty;
		if (!ctty->rec->sid && ctty->rec->has_real_rdev && tty->rec->rdev == ctty->rec->real_rdev)
			return tty;
	}
	return NULL;
}

static int plan_ctty(struct restore *r, struct restore_tty *tty, struct img_err *err)
{
	tty->of = stood_for(r->files->ttys, tty);
	tty->source = TTY_CONTROLLING;
	if (tty->of && (tty->of->rec->type == TTY_TYPE__PTY || tty->of->rec->type == TTY_TYPE__EXT_TTY))
		return 0;
	if (!tty->of && r->opt->shell_job)
		return find_terminal(r->files->ttys) < 0 ? from_terminal(r, tty, err) : 0;
	return img_fail(err, IMG_UNSUPPORTED, "/dev/tty of session %u: the terminal that it stood for is not part of the images", tty->rec->sid);
}

static int plan_external(struct restore *r, struct restore_tty *tty, struct img_err *err)
{
	tty->source = TTY_HANDED;
	if (tty_handed(r, tty->rec) >= 0)
		return 0;
	return img_fail(err, IMG_UNSUPPORTED, "an external terminal: wants --inherit-fd 'fd[N]:tty[%x:%x]'", tty->rec->rdev, tty->rec->dev);
}

static int plan_tty(struct restore *r, struct restore_tty *tty, struct img_err *err)
{
	switch (tty->rec->type) {
	case TTY_TYPE__PTY:
		return plan_pty(r, tty, err);
	case TTY_TYPE__CTTY:
		return plan_ctty(r, tty, err);
	case TTY_TYPE__EXT_TTY:
		return plan_external(r, tty, err);
	case TTY_TYPE__VT:
	case TTY_TYPE__CONSOLE:
	case TTY_TYPE__SERIAL:
		tty->source = TTY_NODE;
		return 0;
	default:
		return img_fail(err, IMG_UNSUPPORTED, "tty %#x: a terminal of kind %d", tty->rec->id, tty->rec->type);
	}
}

int restore_ttys_sources(struct restore *r, struct img_err *err)
{
	struct restore_ttys *ttys = r->files->ttys;

	for (size_t i = 0; i < ttys->nr; i++) {
		struct restore_tty *tty = &ttys->items[i];

		if (tty->used && plan_tty(r, tty, err) < 0 && (err->code != IMG_UNSUPPORTED || restore_plan_lack(r, err) < 0))
			return -1;
	}
	return 0;
}
