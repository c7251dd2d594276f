/* store/streamer.h -- the engine's end of the socket of an image streamer (proto/img-streamer.proto). */
#ifndef IMAGEFMT_STORE_STREAMER_H
#define IMAGEFMT_STORE_STREAMER_H

#include <stdbool.h>

#include "criuimg/err.h"

/* Ask for the file of this name and hand over one end of a pipe; the other end is *pipe, FD_CLOEXEC. `serve`: it is to be read:
 * 1, or 0 when there is none (the streamer says so); else it is to be written: 1. -1. One request at a time. */
int img_streamer_ask(int sock, const char *name, bool serve, int *pipe, struct img_err *err);

#endif
