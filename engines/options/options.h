/* engines/options/options.h -- what a run was asked to do.
 *
 * One struct, filled once by options_parse() from the command line, configuration files or a request, const ever after.
 * One table (table.c) has a row for each option: its name, letter, argument, place in this struct, the commands that know
 * it and its help text. Command line, configuration file, RPC and help all come from those rows.
 */
#ifndef ENGINES_OPTIONS_H
#define ENGINES_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/arena.h"
#include "criuimg/err.h"

/* The commands, as bits: an option's row says which know it. */
enum command {
	CMD_DUMP = 1 << 0,
	CMD_PRE_DUMP = 1 << 1,
	CMD_RESTORE = 1 << 2,
	CMD_CHECK = 1 << 3,
	CMD_CPUINFO = 1 << 4,
	CMD_PAGE_SERVER = 1 << 5,
	CMD_LAZY_PAGES = 1 << 6,
	CMD_SERVICE = 1 << 7,
	CMD_SWRK = 1 << 8,
	CMD_DEDUP = 1 << 9,
	CMD_EXEC = 1 << 10,
	CMD_SHOW = 1 << 11,
};

/* --cpu-cap: what of the CPU must match between dump and restore. */
enum cpu_cap {
	CPU_CAP_NONE = 0,
	CPU_CAP_FPU = 1 << 0,
	CPU_CAP_CPU = 1 << 1,
	CPU_CAP_INS = 1 << 2,
	CPU_CAP_ALL = CPU_CAP_FPU | CPU_CAP_CPU | CPU_CAP_INS,
};

struct option_list {
	const char **items;
	size_t nr, room;
};

struct options {
	enum command command;
	const char *program; /* "criu-dump": for messages */

	/* images and log */
	pid_t tree;		   /* -t; 0: not given */
	const char *images_dir;	   /* -D; default "." */
	const char *work_dir;	   /* -W; default: images_dir */
	const char *prev_images_dir; /* relative to images_dir */
	const char *log_file;	   /* -o; relative to work_dir; NULL: standard error */
	int verbosity;		   /* -v: 0..4; default 2 */
	bool log_pid;
	bool display_stats;
	const char *pidfile;	   /* relative to work_dir */
	int status_fd;		   /* -1: none */
	unsigned timeout;	   /* seconds; 0: none. dump: to stop the tree */

	/* what becomes of the tasks */
	bool leave_running;	   /* -R */
	bool snapshot;		   /* with -R: pages are written when the tasks run again */
	bool leave_stopped;	   /* -s */
	bool restore_detached;	   /* -d */
	bool restore_sibling;	   /* -S */
	bool exec_cmd;		   /* --exec-cmd: the command follows "--" */
	char **exec_argv;
	bool shell_job;		   /* -j */
	bool keep_clocks;
	struct option_list close_fds; /* --close: numbers to close before starting */
	struct option_list action_scripts;

	/* what is carried */
	bool link_remap;
	bool file_locks;
	bool evasive_devices;
	bool ext_unix_sk;
	bool orphan_pts_master;
	bool tcp_established, tcp_close, skip_in_flight;
	bool force_irmap;
	struct option_list irmap_scan_paths;
	uint64_t ghost_limit;	   /* bytes; default 1 MiB */
	bool ghost_fiemap;
	bool skip_file_rwx_check;
	const char *file_validation; /* "filesize" | "buildid" | "buildid-fast" ... */
	const char *network_lock;  /* "iptables" | "nftables" | "skip" */
	bool allow_uprobes;
	bool unprivileged;
	bool strict;		   /* refuse what the kernel shows and we do not know */
	unsigned cpu_cap;	   /* enum cpu_cap; without --cpu-cap: fpu and ins for dump, fpu for restore */
	bool cpu_cap_given;
	bool weak_sysctls;
	int pidfd_store;	   /* -1: none */

	/* memory */
	bool track_mem;
	bool auto_dedup;
	const char *pre_dump_mode; /* "splice" | "read" */
	bool lazy_pages;
	bool page_server;
	const char *address;
	int port;
	int ps_socket;		   /* -1: none */
	bool daemon;
	bool stream;
	int stream_fd;		   /* --stream=FD; -1: standard output or input */
	bool compress;
	int compress_level;
	const char *image_io_mode; /* "writeback" | "direct" */
	bool tls, tls_no_cn_verify;
	const char *tls_cacert, *tls_cacrl, *tls_cert, *tls_key;

	/* surroundings */
	const char *root;
	struct option_list externals, inherit_fds, ext_mount_maps, skip_mounts, enable_fs, join_ns, empty_ns;
	bool enable_external_sharing, enable_external_masters;
	bool mntns_compat_mode;
	const char *lsm_profile, *lsm_mount_context;
	bool manage_cgroups;
	const char *manage_cgroups_mode;
	struct option_list cgroup_roots, cgroup_dump_controllers;
	const char *cgroup_props, *cgroup_props_file, *cgroup_yard, *freeze_cgroup;
	const char *libdir;

	/* of an engine that is run for a client: control/control.h */
	int control_fd;		   /* -1: none */
	uint64_t client_socket;	   /* inode of our end of its connection, for a client that dumps itself; 0: none */

	/* ours */
	bool dry_run;		   /* dump: name what would stop it, touch nothing */
	bool plan;		   /* restore: say what it would do */
	bool json;

	/* check */
	bool check_extra, check_experimental, check_all;
	struct option_list check_features;

	/* what is left of the command line after the options (and after the command's name) */
	char **args;
	int nr_args;

	struct option_list not_yet; /* options given that are known and not done here yet */
	struct img_arena arena;	   /* what is pointed to above and was not on the command line */
};

/* Defaults of every field. */
void options_init(struct options *opt, const char *program);

/* argv[0] is the program; `command` is what it is to do (criu-dump: CMD_DUMP), or 0 for the front door, where the first
 * word that is no option names it. Reads the configuration files (/etc/criu/default.conf, $HOME/.criu/default.conf,
 * $CRIU_CONFIG_FILE unless --no-default-config; then --config) before the command line. Fails IMG_USAGE. Returns 0 when the
 * run goes on, 1 when all is done (--help, --version were printed). argv must outlive opt. */
int options_parse(struct options *opt, enum command command, int argc, char **argv, struct img_err *err);

/* Apply one configuration file; a file that does not exist is IMG_SYS with ENOENT. */
int options_config_file(struct options *opt, const char *path, struct img_err *err);
/* The same, each line handed to fn, until one fails. value NULL: none. */
int options_config_each(const char *path, int (*fn)(void *arg, const char *name, const char *value, struct img_err *err),
	void *arg, struct img_err *err);
/* Is this option done here? False for one that is refused by name, and for one that nobody knows. */
bool options_has(const char *name);

/* One option by its long name (no dashes; "no-" forms too), value NULL for none: what a configuration line or a request
 * says. Strings are copied. Fails IMG_USAGE. */
int options_apply(struct options *opt, const char *name, const char *value, struct img_err *err);

/* The command called name ("dump"), 0 when there is none; and back. */
enum command options_command_by_name(const char *name);
const char *options_command_name(enum command command);

/* Refuse (IMG_UNSUPPORTED, all of them named) what was asked for and is not done here yet. For an engine, once its log is open
 * and before it touches anything. */
int options_supported(const struct options *opt, struct img_err *err);

/* Is -D an archive, in place of a directory? By its name (.tar; .tar.zst, .tar.zstd and .tzst: *zstd too), and for a restore by what is
 * there. */
bool options_images_archive(const struct options *opt, bool *zstd);
/* The directory for logs, statistics, pid files: -W, else -D, else where the archive is. buf has room for PATH_MAX. */
const char *options_work_dir(const struct options *opt, char *buf);

/* Close what --close names: descriptors of the caller's that are in the way. Fails IMG_USAGE. */
int options_close_fds(const struct options *opt, struct img_err *err);

/* How a program ends. criu's clients know success and failure alone: whatever was called as OPTIONS_FRONT makes 1 of every
 * other status. */
#define OPTIONS_FRONT "criu"
int options_exit_status(const struct options *opt, int status);

void options_free(struct options *opt);

#endif
