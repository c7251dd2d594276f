/* engines/ns/netdev/settings-restore.c -- settings below /proc/sys/net: what has the value already is left alone, since some cannot be
 * written at all. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criu-restore/net-own.h"
#include "criuimg/cleanup.h"
#include "kernel/net-conf.h"

#define ROOT "/proc/sys/net"

static int set_text(struct restore *r, const char *path, const char *value, struct img_err *err)
{
	char now[4096] = "";
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		log_warn(r->log, "%s: this kernel has no such setting: left out", path);
		return 0;
	}
	if (fd >= 0 && read(fd, now, sizeof(now) - 1) > 0) {
		now[strcspn(now, "\n")] = '\0';
		if (!strcmp(now, value))
			return 0;
	}
	img_cleanup_fd(&fd);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return img_fail_sys(err, "set %s to %s", path, value);
	return 0;
}

static int set_one(struct restore *r, const char *path, const SysctlEntry *e, struct img_err *err)
{
	char value[32];

	if (e->type == SYSCTL_TYPE__CTL_STR)
		return e->sarg ? set_text(r, path, e->sarg, err) : 0; /* without a value, that kernel had no such thing */
	snprintf(value, sizeof(value), "%d", e->iarg);
	return e->has_iarg ? set_text(r, path, value, err) : 0;
}

static int set_conf(struct restore *r, int family, const char *dev, SysctlEntry **list, size_t nr, struct img_err *err)
{
	const char *const *names = family == 4 ? kern_net_conf4 : kern_net_conf6;
	size_t known = family == 4 ? kern_net_conf4_nr : kern_net_conf6_nr;
	char path[128];

	/* A device without IPv6 (a small mtu) has none of its settings. */
	snprintf(path, sizeof(path), ROOT "/ipv%d/conf/%s", family, dev);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	/* Forwarding first: to change it changes others (net/ipv4/devinet.c, inet_forward_change()). */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < nr && i < known; i++) {
			if (!strcmp(names[i], "forwarding") != (pass == 0))
				continue;
			snprintf(path, sizeof(path), ROOT "/ipv%d/conf/%s/%s", family, dev, names[i]);
			if (set_one(r, path, list[i], err) < 0)
				return -1;
		}
	}
	return 0;
}

/* By its name. What this kernel does not let us set is only warned of with --weak-sysctls. */
static int set_named(struct restore *r, const char *path, const char *value, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (set_text(r, path, value, &why) == 0)
		return 0;
	if (r->opt->weak_sysctls) {
		log_warn(r->log, "%s: left out", why.text);
		return 0;
	}
	*err = why;
	return -1;
}

int net_settings_of_namespace(struct restore *r, const NetnsEntry *e, struct img_err *err)
{
	char path[256];

	/* "all" first: writing some of it writes all devices and "default" as well. */
	if (set_conf(r, 4, "all", e->all_conf4, e->n_all_conf4, err) < 0 ||
		set_conf(r, 6, "all", e->all_conf6, e->n_all_conf6, err) < 0 ||
		set_conf(r, 4, "default", e->def_conf4, e->n_def_conf4, err) < 0 ||
		set_conf(r, 6, "default", e->def_conf6, e->n_def_conf6, err) < 0)
		return -1;
	if (e->n_unix_conf && set_one(r, ROOT "/unix/max_dgram_qlen", e->unix_conf[0], err) < 0)
		return -1;
	if (e->n_ipv4_sysctl && set_one(r, ROOT "/ipv4/ping_group_range", e->ipv4_sysctl[0], err) < 0)
		return -1;
	for (size_t i = 0; i < e->n_sysctl; i++) {
		snprintf(path, sizeof(path), ROOT "/%s", e->sysctl[i]->name);
		if (set_named(r, path, e->sysctl[i]->value, err) < 0)
			return -1;
	}
	return 0;
}

int net_settings_of_device(struct restore *r, const NetDeviceEntry *e, struct img_err *err)
{
	if (set_conf(r, 4, e->name, e->conf4, e->n_conf4, err) < 0 || set_conf(r, 6, e->name, e->conf6, e->n_conf6, err) < 0)
		return -1;
	for (size_t i = 0; i < e->n_sysctl; i++) {
		const char *name = e->sysctl[i]->name, *file = strrchr(name, '/');
		char path[512];

		if (!file)
			return img_fail(err, IMG_CORRUPT, "device %s: a setting '%s'", e->name, name);
		snprintf(path, sizeof(path), ROOT "/%.*s/%s%s", (int)(file - name), name, e->name, file);
		if (set_named(r, path, e->sysctl[i]->value, err) < 0)
			return -1;
	}
	return 0;
}

/* The mtu of IPv6. */
int net_settings_again(struct restore *r, const NetDeviceEntry *e, struct img_err *err)
{
	return set_conf(r, 6, e->name, e->conf6, e->n_conf6, err);
}
