/* kernel/lsm.h -- security modules that label tasks. Facts: lsm_list_modules(2), lsm_set_self_attr(2) (Linux 6.8),
 * Documentation/userspace-api/lsm.rst; include/uapi/linux/lsm.h, which no distribution's headers have yet. */
#ifndef ENGINES_KERNEL_LSM_H
#define ENGINES_KERNEL_LSM_H

#include <stdint.h>

/* Those whose labels we know: numbers as inventory_entry.lsmtype has them. */
enum kern_lsm {
	KERN_LSM_NONE,
	KERN_LSM_SELINUX,
	KERN_LSM_APPARMOR,
};

/* Which of them is at work here. */
enum kern_lsm kern_lsm_active(void);
const char *kern_lsm_name(enum kern_lsm which);
/* "selinux", "apparmor"; -1: neither. */
int kern_lsm_by_name(const char *name, unsigned long len);

/* What lsm_set_self_attr(2) takes. */
enum {
	KERN_LSM_ATTR_CURRENT = 100,
	KERN_LSM_ATTR_SOCKCREATE = 105,
	KERN_SYS_LSM_SET_SELF_ATTR = 460,
};

struct kern_lsm_ctx {
	uint64_t id, flags, len, ctx_len;
	uint8_t ctx[];
};

/* struct kern_lsm_ctx.id of a module. */
uint64_t kern_lsm_id(enum kern_lsm which);

#endif
