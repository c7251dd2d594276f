/* kernel/lsm.c -- security modules that label tasks. */

#include "kernel/lsm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"

enum {
	SYS_LSM_LIST_MODULES = 461,
	MODULES_MAX = 32,
};

static const struct {
	enum kern_lsm which;
	const char *name;
	uint64_t id;
	const char *sign; /* a file that is there only when it is at work; older kernels */
} modules[] = {
	{ KERN_LSM_SELINUX, "selinux", 101, "/sys/fs/selinux/status" },
	{ KERN_LSM_APPARMOR, "apparmor", 104, "/sys/kernel/security/apparmor/profiles" },
};

enum kern_lsm kern_lsm_active(void)
{
	uint64_t ids[MODULES_MAX];
	uint32_t size = sizeof(ids);
	long nr = syscall(SYS_LSM_LIST_MODULES, ids, &size, 0);

	for (size_t k = 0; k < ARRAY_SIZE(modules); k++) {
		for (long i = 0; i < nr; i++)
			if (ids[i] == modules[k].id)
				return modules[k].which;
		if (nr < 0 && access(modules[k].sign, F_OK) == 0)
			return modules[k].which;
	}
	return KERN_LSM_NONE;
}

const char *kern_lsm_name(enum kern_lsm which)
{
	for (size_t k = 0; k < ARRAY_SIZE(modules); k++)
		if (modules[k].which == which)
			return modules[k].name;
	return "no module";
}

int kern_lsm_by_name(const char *name, unsigned long len)
{
	for (size_t k = 0; k < ARRAY_SIZE(modules); k++)
		if (strlen(modules[k].name) == len && !memcmp(modules[k].name, name, len))
			return modules[k].which;
	return -1;
}

uint64_t kern_lsm_id(enum kern_lsm which)
{
	for (size_t k = 0; k < ARRAY_SIZE(modules); k++)
		if (modules[k].which == which)
			return modules[k].id;
	return 0;
}
