/* criu-dump/inventory.c -- images about the set as a whole: inventory.img, pstree.img, timens-0.img,
 * cpuinfo.img, and the manifest. */

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "inventory.pb-c.h"
#include "timens.pb-c.h"

#include "cpuinfo/cpuinfo.h"
#include "criu-dump/ns_ops.h"
#include "criu-dump/spine.h"
#include "criu-dump/track.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "plugin/plugin.h"
#include "kernel/lsm.h"
#include "kernel/net-lock.h"
#include "kernel/proc-file.h"

enum {
	IMG_VERSION_1_1 = 2, /* inventory_entry.img_version */
	PRE_DUMP_SPLICE = 1, /* criu_pre_dump_mode */
	PRE_DUMP_READ = 2,
};

static void note_tracking(const struct dump *d, InventoryEntry *inv)
{
	inv->dump_criu_run_id = d->track->id;
	if (!d->track->wanted && !d->track->parent)
		return;
	inv->has_dump_uptime = 1;
	inv->dump_uptime = dump_uptime_us();
}

/* All that there is to say of a set that nothing can be restored from. */
int dump_pre_inventory(struct dump *d, struct img_err *err)
{
	InventoryEntry inv = INVENTORY_ENTRY__INIT;
	PluginsEntry plugins = PLUGINS_ENTRY__INIT;

	inv.has_pre_dump_mode = 1;
	inv.pre_dump_mode = d->opt->pre_dump_mode && !strcmp(d->opt->pre_dump_mode, "read") ? PRE_DUMP_READ : PRE_DUMP_SPLICE;
	inv.plugins_entry = &plugins;
	note_tracking(d, &inv);
	return img_write_single(d->set, IMG_INVENTORY, 0, &inv.base, err);
}

int dump_inventory(struct dump *d, struct img_err *err)
{
	InventoryEntry inv = INVENTORY_ENTRY__INIT;
	PluginsEntry plugins = PLUGINS_ENTRY__INIT;
	TaskKobjIdsEntry own = TASK_KOBJ_IDS_ENTRY__INIT;

	own.vm_id = own.files_id = own.fs_id = own.sighand_id = 1;
	dump_own_namespaces(&own);

	inv.img_version = IMG_VERSION_1_1;
	inv.has_fdinfo_per_id = inv.fdinfo_per_id = 1;
	inv.root_ids = &own;
	inv.has_ns_per_id = inv.ns_per_id = 1;
	inv.has_root_cg_set = 1;
	inv.root_cg_set = 1;
	inv.has_lsmtype = 1;
	inv.lsmtype = (Lsmtype)kern_lsm_active();
	if (d->opt->tcp_close)
		inv.has_tcp_close = inv.tcp_close = 1;
	inv.has_network_lock_method = 1;
	plugins.n_plugins = plugins_noted(d->plugins, &plugins.plugins);
	if (kern_net_lock_method(d->opt->network_lock, &inv.network_lock_method, err) < 0)
		return -1;
	inv.plugins_entry = &plugins;
	note_tracking(d, &inv);
	if (d->opt->allow_uprobes)
		inv.has_allow_uprobes = inv.allow_uprobes = 1;
	return img_write_single(d->set, IMG_INVENTORY, 0, &inv.base, err);
}

static int write_task(struct img_writer *w, const struct dump_task *t, struct img_err *err)
{
	PstreeEntry e = PSTREE_ENTRY__INIT;
	cleanup_free uint32_t *tids = calloc(t->nr_threads, sizeof(*tids));

	if (!tids)
		return img_fail_nomem(err);
	for (size_t i = 0; i < t->nr_threads; i++)
		tids[i] = t->threads[i].vtid;
	e.pid = t->vpid;
	e.ppid = t->ppid;
	e.pgid = t->pgid;
	e.sid = t->sid;
	e.threads = tids;
	e.n_threads = t->nr_threads;
	return img_write(w, &e.base, err);
}

int dump_pstree(struct dump *d, struct img_err *err)
{
	struct img_writer *w = img_writer_create(d->set, IMG_PSTREE, 0, err);

	if (!w)
		return -1;
	for_each_task(d, t)
		if (write_task(w, t, err) < 0) {
			img_writer_abort(w);
			return -1;
		}
	return img_writer_finish(w, err);
}

/* What the clocks say: a tree that comes back on another host can be given a time namespace that makes up
 * for it. */
int dump_timens(struct dump *d, struct img_err *err)
{
	TimensEntry e = TIMENS_ENTRY__INIT;
	Timespec mono = TIMESPEC__INIT, boot = TIMESPEC__INIT;
	struct timespec ts;

	if (dump_ns_of(d, d->tasks.items[0], CLONE_NEWTIME))
		return 0; /* that namespace's own image says it */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	mono.tv_sec = ts.tv_sec;
	mono.tv_nsec = ts.tv_nsec;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	boot.tv_sec = ts.tv_sec;
	boot.tv_nsec = ts.tv_nsec;
	e.monotonic = &mono;
	e.boottime = &boot;
	return img_write_single(d->set, IMG_TIMENS, 0, &e.base, err);
}

int dump_cpuinfo(struct dump *d, struct img_err *err)
{
	if (!d->opt->cpu_cap_given || d->opt->cpu_cap == CPU_CAP_NONE)
		return 0;
	return cpuinfo_write(d->set, err);
}

/* The words of the first "flags" line of /proc/cpuinfo, in its order; cut out of *text in place. */
static int cpu_flags(char *text, const char ***words, size_t *nr, struct img_err *err)
{
	char *line = strstr(text, "\nflags"), *colon = line ? strchr(line, ':') : NULL;
	size_t room = 0;

	if (!colon)
		return 0;
	line = colon + 1;
	line[strcspn(line, "\n")] = '\0';
	for (char *word = strtok_r(line, " ", &line); word; word = strtok_r(NULL, " ", &line)) {
		const char **at = img_array_more(words, *nr, &room);

		if (!at)
			return img_fail_nomem(err);
		*at = word;
		++*nr;
	}
	return 0;
}

int dump_seal(struct dump *d, struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/cpuinfo");
	struct img_host_facts facts = { .page_size = sysconf(_SC_PAGESIZE) };
	cleanup_free const char **flags = NULL;
	struct utsname uts;

	if (!text || cpu_flags(text, &flags, &facts.nr_cpu_features, err) < 0)
		return -1;
	if (uname(&uts) < 0)
		return img_fail_sys(err, "uname");
	facts.kernel_release = uts.release;
	facts.arch = uts.machine;
	facts.cpu_features = flags;
	if (img_set_host_facts(d->set, &facts, err) < 0)
		return -1;
	return img_set_seal(d->set, "criu-dump", VERSION, err);
}
