/* engines/ns/mnt/binfmt-restore.c -- the formats of executables that a binfmt_misc knew, registered again (binfmt-misc.img).
 *
 * The line that registers one is ":name:M:offset:magic:mask:interpreter:flags", or ":name:E::extension::interpreter:flags"; bytes of the
 * magic are said as \xHH. Source: Documentation/admin-guide/binfmt-misc.rst.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binfmt-misc.pb-c.h"
#include "criu-restore/mnt-own.h"
#include "criu-restore/namespaces.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"

/* The kernel takes no longer lines: MAX_REGISTER_LENGTH of fs/binfmt_misc.c. */
#define LINE_MAX_LEN 1920

/* "7f45" as "\x7f\x45". */
static void put_bytes(FILE *out, const char *hex)
{
	for (; hex && hex[0] && hex[1]; hex += 2)
		fprintf(out, "\\x%.2s", hex);
}

/* A colon would end the field. */
static int check(const BinfmtMiscEntry *e, struct img_err *err)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	if (!e->magic == !e->extension)
		return img_fail(err, IMG_CORRUPT, "has either a magic or an extension");
	if (strpbrk(e->name, ":/\n") || strpbrk(e->interpreter, ":\n") || (e->extension && strpbrk(e->extension, ":/\n")) ||
		(e->flags && strpbrk(e->flags, ":\n")))
		return img_fail(err, IMG_CORRUPT, "has names that the kernel does not take");
	if ((e->magic && e->magic[strspn(e->magic, digits)]) || (e->mask && e->mask[strspn(e->mask, digits)]))
		return img_fail(err, IMG_CORRUPT, "has a magic that is not in hexadecimal");
	return 0;
}

static int put_file(int dir, const char *name, const char *text, size_t len, struct img_err *err)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return img_fail_sys(err, "write '%s' to %s", text, name);
	return 0;
}

static int add(int dir, const BinfmtMiscEntry *e, struct img_err *err)
{
	cleanup_free char *line = NULL;
	size_t len = 0;
	FILE *out;

	if (check(e, err) < 0)
		return -1;
	out = open_memstream(&line, &len);
	if (!out)
		return img_fail_nomem(err);
	fprintf(out, ":%s:%c:", e->name, e->magic ? 'M' : 'E');
	if (e->magic && e->has_offset)
		fprintf(out, "%d", e->offset);
	fputc(':', out);
	if (e->magic)
		put_bytes(out, e->magic);
	else
		fputs(e->extension, out);
	fputc(':', out);
	put_bytes(out, e->mask);
	fprintf(out, ":%s:%s", e->interpreter, e->flags ? e->flags : "");
	if (fclose(out) != 0)
		return img_fail_nomem(err);
	if (len > LINE_MAX_LEN)
		return img_fail(err, IMG_CORRUPT, "is longer than the kernel takes");
	if (put_file(dir, "register", line, len, err) < 0)
		return -1;
	return e->enabled ? 0 : put_file(dir, e->name, "0", 1, err);
}

int mnt_fill_binfmt(struct restore *r, const struct mnt_sb *sb, struct img_err *err)
{
	struct img_reader *reader;
	ProtobufCMessage *msg;
	int ret;

	/* Those of our own user namespace are the host's. */
	if (!restore_ns_new(r, CLONE_NEWUSER))
		return 0;
	ret = img_reader_open(r->set, IMG_BINFMT_MISC, 0, &reader, err);
	if (ret == 0)
		ret = img_reader_open(r->set, IMG_BINFMT_MISC_OLD, sb->entry->mnt_id, &reader, err);
	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		ret = add(sb->fd, (const BinfmtMiscEntry *)msg, err);
		if (ret < 0)
			img_wrap(err, "format '%s'", ((const BinfmtMiscEntry *)msg)->name);
		else
			log_info(r->log, "binfmt_misc: format '%s'", ((const BinfmtMiscEntry *)msg)->name);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(reader);
	return ret < 0 ? img_wrap(err, "binfmt_misc") : 0;
}
