/* engines/kernel/pipe.h -- what is in a pipe, looked at without taking it out. */
#ifndef ENGINES_KERNEL_PIPE_H
#define ENGINES_KERNEL_PIPE_H

#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

struct kern_pipe {
	uint32_t size;	   /* F_GETPIPE_SZ: capacity in bytes */
	unsigned char *data;
	size_t len;
	uint32_t *packets; /* a pipe in packet mode (O_DIRECT): lengths of the packets that data is made of; NULL otherwise */
	size_t nr_packets;
};

/* fd: a descriptor of the pipe or fifo that can be read from. What is in it is duplicated by tee(2) into a pipe of our own,
 * so the pipe stays as it is; nobody may use it meanwhile. IMG_UNSUPPORTED when there is more in it than a pipe of ours
 * can hold (it was made by somebody who may go beyond fs.pipe-max-size). */
int kern_pipe_peek(int fd, struct kern_pipe *out, struct img_err *err);
void kern_pipe_free(struct kern_pipe *p);

#endif
