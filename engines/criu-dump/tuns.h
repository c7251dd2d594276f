/* engines/criu-dump/tuns.h -- what open files of tun devices tell of their devices: the room of the files notes it when it looks at them, that
 * of the devices needs it. */
#ifndef CRIU_DUMP_TUNS_H
#define CRIU_DUMP_TUNS_H

#include <stdbool.h>
#include <stdint.h>
#include <net/if.h>

#include "criuimg/err.h"

struct dump;

struct dump_tun {
	uint32_t ns; /* the namespace of the device, by its number in the set */
	char name[IFNAMSIZ];
	uint32_t vnethdr, sndbuf;
	bool vnet_le, vnet_be;
};

/* Read it off fd, an attached queue. */
int dump_tun_read(int fd, struct dump_tun *tun, struct img_err *err);
/* Note it; once is enough for a device. */
int dump_tun_note(struct dump *d, const struct dump_tun *tun, struct img_err *err);
/* NULL: no file of the tree is attached. */
const struct dump_tun *dump_tun_find(const struct dump *d, uint32_t ns, const char *name);

#endif
