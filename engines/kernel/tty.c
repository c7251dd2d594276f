/* kernel/tty.c -- terminals: settings, and the data that waits in them. */

#include "kernel/tty.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"

enum {
	LDISC_ROOM = 4095, /* n_tty.c: N_TTY_BUF_SIZE, less the place that is kept free */
	NAPS = 20,
};

int kern_tty_get(int fd, struct kern_termios *t, struct img_err *err)
{
	struct termios2 raw;

	memset(&raw, 0, sizeof(raw));
	if (ioctl(fd, TCGETS2, &raw) < 0)
		return img_fail_sys(err, "TCGETS2");
	*t = (struct kern_termios){ raw.c_iflag, raw.c_oflag, raw.c_cflag, raw.c_lflag, raw.c_line, { 0 }, raw.c_ispeed, raw.c_ospeed };
	memcpy(t->cc, raw.c_cc, sizeof(t->cc));
	return 0;
}

int kern_tty_set(int fd, const struct kern_termios *t, struct img_err *err)
{
	struct termios2 raw;

	memset(&raw, 0, sizeof(raw));
	raw.c_iflag = t->iflag;
	raw.c_oflag = t->oflag;
	raw.c_cflag = t->cflag;
	raw.c_lflag = t->lflag;
	raw.c_line = t->line;
	raw.c_ispeed = t->ispeed;
	raw.c_ospeed = t->ospeed;
	memcpy(raw.c_cc, t->cc, sizeof(raw.c_cc));
	if (ioctl(fd, TCSETS2, &raw) < 0)
		return img_fail_sys(err, "TCSETS2");
	return 0;
}

int kern_tty_get_locked(int fd, struct kern_termios *t, struct img_err *err)
{
	struct termios raw;

	memset(&raw, 0, sizeof(raw));
	if (ioctl(fd, TIOCGLCKTRMIOS, &raw) < 0)
		return img_fail_sys(err, "TIOCGLCKTRMIOS");
	*t = (struct kern_termios){ raw.c_iflag, raw.c_oflag, raw.c_cflag, raw.c_lflag, raw.c_line, { 0 }, 0, 0 };
	memcpy(t->cc, raw.c_cc, sizeof(t->cc));
	return 0;
}

int kern_tty_set_locked(int fd, const struct kern_termios *t, struct img_err *err)
{
	struct termios raw;

	memset(&raw, 0, sizeof(raw));
	raw.c_iflag = t->iflag;
	raw.c_oflag = t->oflag;
	raw.c_cflag = t->cflag;
	raw.c_lflag = t->lflag;
	raw.c_line = t->line;
	memcpy(raw.c_cc, t->cc, sizeof(raw.c_cc));
	if (ioctl(fd, TIOCSLCKTRMIOS, &raw) < 0)
		return img_fail_sys(err, "TIOCSLCKTRMIOS");
	return 0;
}

bool kern_tty_odd_speed(uint32_t cflag)
{
	return (cflag & CBAUD) == BOTHER || (cflag >> IBSHIFT & CBAUD) == BOTHER;
}

void kern_tty_data_free(struct kern_tty_data *data)
{
	free(data->bytes);
	free(data->lines);
	*data = (struct kern_tty_data){ 0 };
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
}

/* ---- taking ---- */

static int keep(struct kern_tty_data *data, const unsigned char *bytes, size_t len, struct img_err *err)
{
	unsigned char *more = realloc(data->bytes, data->len + len + 1);

	if (!more)
		return img_fail_nomem(err);
	data->bytes = more;
	memcpy(data->bytes + data->len, bytes, len);
	data->len += len;
	return 0;
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && p.revents & POLLIN;
}

/* A slave that reads lines gives one each time. */
static int take_lines(int slave, struct kern_tty_data *data, size_t *room, struct img_err *err)
{
	unsigned char buf[LDISC_ROOM + 1];

	while (readable(slave)) {
		ssize_t len = read(slave, buf, sizeof(buf));
		uint32_t *line;

		if (len < 0)
			return errno == EAGAIN ? 0 : img_fail_sys(err, "read");
		line = img_array_more(&data->lines, data->nr_lines, room);
		if (!line)
			return img_fail_nomem(err);
		*line = (uint32_t)len;
		data->nr_lines++;
		if (keep(data, buf, (size_t)len, err) < 0)
			return -1;
	}
	return 0;
}

/* A slave that gives what there is and never waits. What the buffer had no room for is put there a moment after it has. */
static int take_rest(int slave, struct kern_tty_data *data, struct img_err *err)
{
	unsigned char buf[LDISC_ROOM + 1];
	int naps = NAPS;

	for (;;) {
		ssize_t len = read(slave, buf, sizeof(buf));

		if (len < 0 && errno != EAGAIN)
			return img_fail_sys(err, "read");
		if (len > 0 && keep(data, buf, (size_t)len, err) < 0)
			return -1;
		if (len > 0)
			continue;
		if (data->len < LDISC_ROOM || !naps--)
			return 0;
		nap();
	}
}

int kern_tty_take_input(int slave, struct kern_tty_data *data, struct img_err *err)
{
	struct img_err again = IMG_ERR_INIT;
	struct kern_termios was, all;
	size_t room = 0, lines_len;
	int ret;

	*data = (struct kern_tty_data){ 0 };
	if (kern_tty_get(slave, &was, err) < 0)
		return -1;
	if (was.lflag & ICANON && take_lines(slave, data, &room, err) < 0)
		return -1;
	lines_len = data->len;
	all = was;
	all.lflag &= ~(uint32_t)ICANON;
	all.cc[VMIN] = all.cc[VTIME] = 0;
	if (kern_tty_set(slave, &all, err) < 0)
		return -1;
	ret = take_rest(slave, data, err);
	if (was.lflag & ICANON)
		data->unfinished = data->len - lines_len;
	if (kern_tty_set(slave, &was, &again) < 0 && ret == 0) {
		*err = again;
		ret = -1;
	}
	return ret;
}

int kern_tty_take_output(int master, struct kern_tty_data *data, struct img_err *err)
{
	int packets = 0;

	*data = (struct kern_tty_data){ 0 };
	if (ioctl(master, TIOCGPKT, &packets) < 0)
		return img_fail_sys(err, "TIOCGPKT");
	for (int naps = NAPS; naps > 0;) {
		unsigned char buf[LDISC_ROOM + 2];
		ssize_t len;

		if (!readable(master)) {
			if (data->len < LDISC_ROOM)
				break;
			naps--;
			nap();
			continue;
		}
		len = read(master, buf, sizeof(buf));
		if (len < 0 && (errno == EAGAIN || errno == EIO))
			break;
		if (len < 0)
			return img_fail_sys(err, "read");
		if (packets && len > 0)
			data->status |= buf[0];
		if (len > packets && keep(data, buf + !!packets, (size_t)len - !!packets, err) < 0)
			return -1;
		if (len == 0)
			break;
	}
	return 0;
}

/* ---- putting ---- */

static int type(int slave, const unsigned char *bytes, size_t len, struct img_err *err)
{
	for (size_t i = 0; i < len; i++)
		if (ioctl(slave, TIOCSTI, bytes + i) < 0)
			return img_fail_sys(err, "TIOCSTI");
	return 0;
}

/* A character that is not in bytes. */
static int unused_char(const unsigned char *bytes, size_t len)
{
	int c = 1;

	while (c < UCHAR_MAX && (c == '\n' || memchr(bytes, c, len)))
		c++;
	return c;
}

/* A line of one read: it ends with a newline, or another character that ends lines, or an end of file came behind it. */
static int type_line(int slave, const struct kern_termios *quiet, const struct kern_termios *real, const unsigned char *bytes,
	size_t len, struct img_err *err)
{
	unsigned char last = len ? bytes[len - 1] : 0;
	struct kern_termios with = *quiet;

	bool ended = last == '\n';

	if (!ended && last && (last == real->cc[VEOL] || last == real->cc[VEOL2])) {
		with.cc[VEOL] = last;
		ended = true;
	}
	if (!ended)
		with.cc[VEOF] = (uint8_t)unused_char(bytes, len);
	if (kern_tty_set(slave, &with, err) < 0 || type(slave, bytes, len, err) < 0)
		return -1;
	return ended ? 0 : type(slave, &with.cc[VEOF], 1, err);
}

static int type_all(int slave, int master, const struct kern_termios *quiet, const struct kern_termios *real,
	const struct kern_tty_data *data, struct img_err *err)
{
	const unsigned char *at = data->bytes;
	size_t left = data->len;

	for (size_t i = 0; i < data->nr_lines; i++) {
		if (data->lines[i] > left)
			return img_fail(err, IMG_CORRUPT, "a line of %u bytes, of %zu that are left", data->lines[i], left);
		if (type_line(slave, quiet, real, at, data->lines[i], err) < 0)
			return -1;
		at += data->lines[i];
		left -= data->lines[i];
	}
	if (data->nr_lines && kern_tty_set(slave, quiet, err) < 0)
		return -1;
	if (left > LDISC_ROOM && master >= 0 && !(quiet->lflag & ICANON)) {
		if (type(slave, at, LDISC_ROOM, err) < 0)
			return -1;
		at += LDISC_ROOM;
		left -= LDISC_ROOM;
		return write(master, at, left) == (ssize_t)left ? 0 : img_fail_sys(err, "write %zu bytes", left);
	}
	return type(slave, at, left, err);
}

int kern_tty_put_input(int slave, int master, const struct kern_tty_data *data, struct img_err *err)
{
	struct img_err again = IMG_ERR_INIT;
	struct kern_termios real, quiet;
	int ret;

	if (!data->len && !data->nr_lines)
		return 0;
	if (kern_tty_get(slave, &real, err) < 0)
		return -1;
	quiet = real;
	quiet.iflag = 0;
	quiet.lflag &= ICANON;
	memset(quiet.cc, 0, sizeof(quiet.cc)); /* _POSIX_VDISABLE: none of them means anything */
	quiet.cc[VMIN] = quiet.lflag & ICANON ? 0 : 1;
	if (kern_tty_set(slave, &quiet, err) < 0)
		return -1;
	ret = type_all(slave, master, &quiet, &real, data, err);
	if (kern_tty_set(slave, &real, &again) < 0 && ret == 0) {
		*err = again;
		ret = -1;
	}
	return ret;
}

int kern_pty_peer(int master, int flags, struct img_err *err)
{
	int locked = 0, open = 0, fd;

	if (ioctl(master, TIOCGPTLCK, &locked) < 0)
		return img_fail_sys(err, "TIOCGPTLCK");
	if (locked && ioctl(master, TIOCSPTLCK, &open) < 0)
		return img_fail_sys(err, "TIOCSPTLCK");
	fd = ioctl(master, TIOCGPTPEER, flags | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		img_fail_sys(err, "open its other end");
	if (locked && ioctl(master, TIOCSPTLCK, &locked) < 0 && fd >= 0) {
		close(fd);
		return img_fail_sys(err, "TIOCSPTLCK");
	}
	return fd;
}

/* Written as it is: what is processed on its way out was so already. */
int kern_tty_put_output(int master, int slave, const struct kern_tty_data *data, struct img_err *err)
{
	cleanup_fd int own = -1;
	struct kern_termios real, quiet;
	int flags, ret = 0;

	if (!data->len)
		return 0;
	if (slave < 0)
		slave = own = kern_pty_peer(master, O_RDWR, err);
	if (slave < 0 || kern_tty_get(slave, &real, err) < 0)
		return -1;
	quiet = real;
	quiet.oflag = 0;
	quiet.lflag &= ~(uint32_t)TOSTOP;
	flags = fcntl(slave, F_GETFL);
	if (flags < 0 || fcntl(slave, F_SETFL, flags | O_NONBLOCK) < 0)
		return img_fail_sys(err, "flags");
	ret = kern_tty_set(slave, &quiet, err);
	if (ret == 0 && write(slave, data->bytes, data->len) != (ssize_t)data->len)
		ret = img_fail_sys(err, "write %zu bytes", data->len);
	if (kern_tty_set(slave, &real, err) < 0)
		ret = -1;
	fcntl(slave, F_SETFL, flags);
	return ret;
}
