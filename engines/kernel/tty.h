/* kernel/tty.h -- terminals: settings, and the data that waits in them. Facts: ioctl_tty(2), pts(4), termios(3),
 * drivers/tty/{n_tty,pty,tty_io}.c.
 *
 * What waits in a terminal cannot be looked at: it is taken out, and put back where the terminal lives on.
 */
#ifndef ENGINES_KERNEL_TTY_H
#define ENGINES_KERNEL_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

#define KERN_TTY_NCC 19

/* struct termios2 of the kernel. The speeds matter where c_cflag has BOTHER. */
struct kern_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[KERN_TTY_NCC];
	uint32_t ispeed, ospeed;
};

/* TCGETS2, TCSETS2: both ends of a pty have those of the slave. -1 with IMG_SYS; EIO: it is hung up. */
int kern_tty_get(int fd, struct kern_termios *t, struct img_err *err);
int kern_tty_set(int fd, const struct kern_termios *t, struct img_err *err);
/* TIOCGLCKTRMIOS, TIOCSLCKTRMIOS (wants CAP_SYS_ADMIN): the bits set are those that cannot be changed. */
int kern_tty_get_locked(int fd, struct kern_termios *t, struct img_err *err);
int kern_tty_set_locked(int fd, const struct kern_termios *t, struct img_err *err);
/* Does cflag say a speed that is a number of its own? */
bool kern_tty_odd_speed(uint32_t cflag);

/* Data on its way to an end. Freed by kern_tty_data_free(). */
struct kern_tty_data {
	unsigned char *bytes;
	size_t len;
	/* Of a slave that reads lines: what one read(2) each gives, 0 for an end of file. What follows them in bytes is a line
	 * that is still being typed. Raw terminals, and masters, have none: all of bytes can be read. */
	uint32_t *lines;
	size_t nr_lines;
	size_t unfinished; /* bytes of that line */
	uint8_t status;	   /* of a master in packet mode: what had happened (TIOCPKT_*) and is told no more */
};
void kern_tty_data_free(struct kern_tty_data *data);

/* Take what a slave could read, the unfinished line included. The settings are as before afterwards. */
int kern_tty_take_input(int slave, struct kern_tty_data *data, struct img_err *err);
/* Give it to a slave that has its settings (an empty one: nothing is processed or echoed again). Wants CAP_SYS_ADMIN. master
 * (-1: none) is for what its buffer does not hold. */
int kern_tty_put_input(int slave, int master, const struct kern_tty_data *data, struct img_err *err);
/* Take what a master could read. */
int kern_tty_take_output(int master, struct kern_tty_data *data, struct img_err *err);
/* Give it to a master: what its slave wrote. Opens the slave if slave is -1. */
int kern_tty_put_output(int master, int slave, const struct kern_tty_data *data, struct img_err *err);

/* A descriptor of the other end of a master, FD_CLOEXEC, whatever the mounts (TIOCGPTPEER); a locked one too. */
int kern_pty_peer(int master, int flags, struct img_err *err);

#endif
