/* io/sink.h -- what sinks inside the library need beside criuimg/io.h. */
#ifndef IMAGEFMT_IO_SINK_H
#define IMAGEFMT_IO_SINK_H

#include "criuimg/io.h"

/* A sink whose object sees every write at once, as it is made. */
struct img_sink *img_sink_new_unbuffered(const struct img_sink_ops *ops, void *self, struct img_err *err);
/* As img_sink_fd_new(), but each write goes to the descriptor at once. */
struct img_sink *img_sink_fd_new_unbuffered(int fd, struct img_err *err);
/* The object of a sink that has these ops, else NULL. */
void *img_sink_self(struct img_sink *sink, const struct img_sink_ops *ops);

#endif
