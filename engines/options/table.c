/* engines/options/table.c -- every option and every command: one row each. */

#include "criuimg/array.h"
#include "options/table.h"

#define AT(field)  offsetof(struct options, field)
#define NONE	   0, 0
#define DUMPS	   (CMD_DUMP | CMD_PRE_DUMP)
#define BOTH	   (CMD_DUMP | CMD_PRE_DUMP | CMD_RESTORE)
#define SERVERS	   (CMD_PAGE_SERVER | CMD_LAZY_PAGES | CMD_SERVICE)
#define EVERY	   (~0u)

#define FLAG(group, name, letter, field, commands, help) \
	{ group, name, letter, OPT_FLAG, ARG_NONE, NULL, AT(field), 0, commands, help }
#define WITH(group, name, letter, type, arg_name, field, commands, help) \
	{ group, name, letter, type, ARG_REQUIRED, arg_name, AT(field), 0, commands, help }
#define MAYBE(group, name, letter, type, arg_name, field, also, commands, help) \
	{ group, name, letter, type, ARG_OPTIONAL, arg_name, AT(field), AT(also), commands, help }

const struct option_row option_rows[] = {
	WITH("Tasks", "tree", 't', OPT_PID, "PID", tree, DUMPS | CMD_EXEC, "the tree that starts at this process"),
	FLAG(NULL, "leave-running", 'R', leave_running, CMD_DUMP, "let the tasks run on after the dump"),
	FLAG(NULL, "snapshot", 0, snapshot, DUMPS, "with -R: hold the tasks for a moment only, and write their memory while they run on"),
	FLAG(NULL, "leave-stopped", 's', leave_stopped, CMD_DUMP | CMD_RESTORE, "leave the tasks stopped afterwards"),
	FLAG(NULL, "restore-detached", 'd', restore_detached, CMD_RESTORE, "return as soon as the tree runs"),
	FLAG(NULL, "restore-sibling", 'S', restore_sibling, CMD_RESTORE, "make the root a child of the caller's (with -d)"),
	FLAG(NULL, "exec-cmd", 0, exec_cmd, CMD_RESTORE, "afterwards run the command behind --, as the root's parent"),
	FLAG(NULL, "shell-job", 'j', shell_job, CMD_DUMP | CMD_RESTORE, "the tree may belong to a session outside of it"),
	WITH(NULL, "timeout", 0, OPT_COUNT, "SECONDS", timeout, DUMPS, "time to stop all tasks in (10)"),
	FLAG(NULL, "dry-run", 0, dry_run, CMD_DUMP, "name all that would stop a dump, touch nothing"),
	FLAG(NULL, "plan", 0, plan, CMD_RESTORE, "say what would be made, and what this host lacks"),
	FLAG(NULL, "json", 0, json, EVERY, "print what is printed as JSON"),
	FLAG(NULL, "strict", 0, strict, BOTH, "refuse what the kernel shows and is not known here"),

	WITH("Images", "images-dir", 'D', OPT_STRING, "DIR", images_dir, EVERY, "where the images are (.)"),
	WITH(NULL, "work-dir", 'W', OPT_STRING, "DIR", work_dir, EVERY, "for logs, pid files, statistics (as -D)"),
	WITH(NULL, "prev-images-dir", 0, OPT_STRING, "DIR", prev_images_dir, BOTH | CMD_PAGE_SERVER,
		"images of the dump before, relative to -D"),
	FLAG(NULL, "track-mem", 0, track_mem, DUMPS, "follow changes of memory from here on"),
	FLAG(NULL, "auto-dedup", 0, auto_dedup, BOTH | CMD_PAGE_SERVER, "give back pages of older images that newer ones hold; restore: those that were read"),
	WITH(NULL, "pre-dump-mode", 0, OPT_STRING, "MODE", pre_dump_mode, CMD_PRE_DUMP, "splice or read"),
	MAYBE(NULL, "stream", 0, OPT_FD, "FD", stream_fd, stream, BOTH,
		"an archive through standard output or input, or this descriptor; or a criu-image-streamer whose socket is in -D"),
	MAYBE(NULL, "compress", 0, OPT_COMPRESS, "LEVEL", compress_level, compress, DUMPS, "compress page images with zstd"),
	WITH(NULL, "image-io-mode", 0, OPT_STRING, "MODE", image_io_mode, BOTH, "writeback or direct"),
	WITH(NULL, "pidfile", 0, OPT_STRING, "FILE", pidfile, EVERY, "write the pid of the root (or server) there"),
	MAYBE(NULL, "cpu-cap", 0, OPT_CPU_CAP, "CAP,..", cpu_cap, cpu_cap_given, CMD_DUMP | CMD_RESTORE | CMD_CPUINFO,
		"what of the CPU must match: cpu, fpu, ins, all, none, ^CAP"),

	WITH("Objects", "ghost-limit", 0, OPT_SIZE, "SIZE", ghost_limit, CMD_DUMP, "largest deleted file to carry (1M)"),
	FLAG(NULL, "ghost-fiemap", 0, ghost_fiemap, CMD_DUMP, "find holes of deleted files with FIEMAP"),
	FLAG(NULL, "link-remap", 0, link_remap, CMD_DUMP | CMD_RESTORE, "give deleted files with other links a name again"),
	FLAG(NULL, "file-locks", 'l', file_locks, CMD_DUMP | CMD_RESTORE, "carry file locks"),
	FLAG(NULL, "evasive-devices", 0, evasive_devices, CMD_DUMP, "any path will do for a device node"),
	WITH(NULL, "file-validation", 0, OPT_VALIDATION, "METHOD", file_validation, BOTH, "filesize or buildid"),
	FLAG(NULL, "skip-file-rwx-check", 0, skip_file_rwx_check, CMD_RESTORE, "do not compare files' permission bits"),
	{ NULL, "ext-unix-sk", 'x', OPT_EXT_UNIX, ARG_OPTIONAL, "INODE", AT(ext_unix_sk), 0, CMD_DUMP | CMD_RESTORE,
		"unix sockets may have peers outside; with an inode, that socket may (as --external unix[INODE])" },
	FLAG(NULL, "orphan-pts-master", 0, orphan_pts_master, CMD_DUMP | CMD_RESTORE,
		"the masters of terminals may be outside: restore makes them, for action scripts to take"),
	FLAG(NULL, "force-irmap", 0, force_irmap, DUMPS, "look up names of watched files by all means"),
	WITH(NULL, "irmap-scan-path", 0, OPT_LIST, "PATH", irmap_scan_paths, DUMPS, "look for watched files there too"),
	FLAG(NULL, "tcp-established", 0, tcp_established, CMD_DUMP | CMD_RESTORE, "carry established TCP connections"),
	FLAG(NULL, "tcp-close", 0, tcp_close, CMD_DUMP | CMD_RESTORE, "TCP connections come back closed"),
	FLAG(NULL, "skip-in-flight", 0, skip_in_flight, CMD_DUMP, "leave out connections that are being set up"),
	WITH(NULL, "network-lock", 0, OPT_STRING, "METHOD", network_lock, CMD_DUMP | CMD_RESTORE, "iptables, nftables or skip"),
	FLAG(NULL, "allow-uprobes", 0, allow_uprobes, CMD_DUMP | CMD_RESTORE, "tasks may have uprobes"),
	WITH(NULL, "libdir", 'L', OPT_STRING, "DIR", libdir, BOTH | CMD_CPUINFO, "plugins (/usr/lib/criu)"),

	WITH("Surroundings", "root", 'r', OPT_STRING, "DIR", root, CMD_RESTORE | CMD_DUMP, "root of a mount namespace"),
	WITH(NULL, "external", 0, OPT_EXTERNAL, "TYPE[ID][:VALUE]", externals, CMD_DUMP | CMD_RESTORE,
		"an object that is not part of the images: mnt[..]:.., dev[..]:.., file[..], tty[..], unix[..], net[..]:.., "
		"pid[..]:.., veth[..]:.., macvlan[..]:.., netdev[..]:.."),
	WITH(NULL, "inherit-fd", 0, OPT_INHERIT, "fd[N]:RES", inherit_fds, CMD_RESTORE,
		"descriptor N is already the object RES: tty[RDEV:DEV], pipe:[INODE], socket:[INODE], file[MNT:INODE], a path, or what "
		"--external named it"),
	WITH(NULL, "ext-mount-map", 'M', OPT_LIST, "KEY:VAL", ext_mount_maps, CMD_DUMP | CMD_RESTORE, "older form of --external mnt"),
	FLAG(NULL, "enable-external-sharing", 0, enable_external_sharing, CMD_DUMP | CMD_RESTORE, "with -M auto"),
	FLAG(NULL, "enable-external-masters", 0, enable_external_masters, CMD_DUMP | CMD_RESTORE, "with -M auto"),
	WITH(NULL, "skip-mnt", 0, OPT_LIST, "PATH", skip_mounts, CMD_DUMP, "leave out this mount"),
	WITH(NULL, "enable-fs", 0, OPT_COMMAS, "NAME,..", enable_fs, CMD_DUMP | CMD_RESTORE, "take these file systems as they are"),
	FLAG(NULL, "mntns-compat-mode", 0, mntns_compat_mode, CMD_RESTORE, "restore mounts the older way"),
	WITH(NULL, "join-ns", 'J', OPT_LIST, "NS:PID|FILE", join_ns, CMD_RESTORE, "restore into an existing namespace"),
	FLAG(NULL, "keep-clocks", 0, keep_clocks, CMD_RESTORE,
		"CLOCK_MONOTONIC and CLOCK_BOOTTIME go on from where they were, in a time namespace of the tree's own"),
	WITH(NULL, "empty-ns", 0, OPT_COMMAS, "net", empty_ns, CMD_DUMP | CMD_RESTORE, "a namespace that scripts will fill"),
	WITH(NULL, "veth-pair", 0, OPT_VETH_PAIR, "IN=OUT[@BRIDGE]", externals, CMD_RESTORE, "older form of --external veth[IN]:OUT@BRIDGE"),
	FLAG(NULL, "weak-sysctls", 0, weak_sysctls, CMD_RESTORE, "skip sysctls that this kernel lacks"),
	MAYBE(NULL, "manage-cgroups", 0, OPT_MODE, "MODE", manage_cgroups_mode, manage_cgroups, CMD_DUMP | CMD_RESTORE,
		"restore: none, props, soft (the default), full, strict; both: ignore"),
	WITH(NULL, "cgroup-root", 0, OPT_CGROUP_ROOT, "[CTL:]/DIR", cgroup_roots, CMD_DUMP | CMD_RESTORE, "in place of the topmost control groups of the tree"),
	WITH(NULL, "cgroup-props", 0, OPT_STRING, "SPEC", cgroup_props, CMD_DUMP, "files of control groups to carry, besides those that are known"),
	WITH(NULL, "cgroup-props-file", 0, OPT_STRING, "FILE", cgroup_props_file, CMD_DUMP, "the same from a file"),
	WITH(NULL, "cgroup-dump-controller", 0, OPT_LIST, "NAME", cgroup_dump_controllers, CMD_DUMP, "only this controller"),
	WITH(NULL, "cgroup-yard", 0, OPT_STRING, "DIR", cgroup_yard, CMD_DUMP | CMD_RESTORE, "a directory in which control groups are mounted"),
	WITH(NULL, "freeze-cgroup", 0, OPT_STRING, "DIR", freeze_cgroup, DUMPS, "stop the tasks with this cgroup's freezer"),
	WITH(NULL, "lsm-profile", 0, OPT_STRING, "TYPE:NAME", lsm_profile, CMD_RESTORE, "security profile of the tasks"),
	WITH(NULL, "lsm-mount-context", 0, OPT_STRING, "CONTEXT", lsm_mount_context, CMD_RESTORE, "replaces context= of mounts"),
	WITH(NULL, "action-script", 0, OPT_LIST, "FILE", action_scripts, BOTH, "run at each stage (CRTOOLS_SCRIPT_ACTION)"),
	WITH(NULL, "close", 0, OPT_LIST, "FD", close_fds, BOTH, "close this descriptor first"),
	FLAG(NULL, "unprivileged", 0, unprivileged, EVERY, "do without root where that is possible"),
	WITH(NULL, "pidfd-store", 0, OPT_INT, "FD", pidfd_store, DUMPS, "accepted: the keeper of tracking has pidfds of its own"),

	FLAG("Pages", "lazy-pages", 0, lazy_pages, CMD_DUMP | CMD_RESTORE | CMD_PAGE_SERVER,
		"dump: leave pages in the tasks and serve them; restore: run before pages are there (criu-lazy-pages); "
		"page-server: serve the images'"),
	FLAG(NULL, "page-server", 0, page_server, DUMPS | CMD_LAZY_PAGES,
		"send pages to a page server; lazy-pages: get them from one"),
	WITH(NULL, "address", 0, OPT_STRING, "ADDR", address, DUMPS | SERVERS,
		"of the server: a name, IPv4, IPv6, or the path of a unix socket"),
	WITH(NULL, "port", 0, OPT_INT, "PORT", port, DUMPS | SERVERS, "of the server; 0: the kernel chooses, and it is printed"),
	WITH(NULL, "ps-socket", 0, OPT_INT, "FD", ps_socket, DUMPS | SERVERS, "a socket that is open, connected (a server's may listen)"),
	FLAG(NULL, "daemon", 0, daemon, SERVERS, "run in the background"),
	WITH(NULL, "status-fd", 0, OPT_INT, "FD", status_fd, DUMPS | SERVERS, "a zero byte goes there when ready"),
	FLAG(NULL, "tls", 0, tls, DUMPS | SERVERS, "secure the connection"),
	WITH(NULL, "tls-cacert", 0, OPT_STRING, "FILE", tls_cacert, DUMPS | SERVERS, "trusted authority (/etc/pki/CA/cacert.pem)"),
	WITH(NULL, "tls-cacrl", 0, OPT_STRING, "FILE", tls_cacrl, DUMPS | SERVERS, "revoked certificates (/etc/pki/CA/cacrl.pem)"),
	WITH(NULL, "tls-cert", 0, OPT_STRING, "FILE", tls_cert, DUMPS | SERVERS, "our certificate (/etc/pki/criu/cert.pem)"),
	WITH(NULL, "tls-key", 0, OPT_STRING, "FILE", tls_key, DUMPS | SERVERS, "our key (/etc/pki/criu/private/key.pem)"),
	FLAG(NULL, "tls-no-cn-verify", 0, tls_no_cn_verify, DUMPS | SERVERS, "the server's certificate may be for another name"),

	/* For engines that are run by swrk and service; no part of any help. */
	WITH(NULL, "control-fd", 0, OPT_INT, "FD", control_fd, 0, "the socket to whoever runs it"),
	WITH(NULL, "client-socket", 0, OPT_SIZE, "INODE", client_socket, 0, "the other end is the client's"),

	FLAG("Check", "extra", 0, check_extra, CMD_CHECK, "what only some trees need"),
	FLAG(NULL, "experimental", 0, check_experimental, CMD_CHECK, "what is experimental"),
	FLAG(NULL, "all", 0, check_all, CMD_CHECK, "all of it"),
	WITH(NULL, "feature", 0, OPT_LIST, "NAME", check_features, CMD_CHECK, "this one; \"list\" prints the names"),

	{ "Messages", "verbosity", 'v', OPT_VERBOSITY, ARG_OPTIONAL, "N", AT(verbosity), 0, EVERY,
		"0 nothing, 1 errors, 2 warnings (default), 3 what is done, 4 details" },
	WITH(NULL, "log-file", 'o', OPT_STRING, "FILE", log_file, EVERY, "log there, in the work directory"),
	FLAG(NULL, "log-pid", 0, log_pid, CMD_RESTORE, "a log for each task, FILE.PID"),
	FLAG(NULL, "display-stats", 0, display_stats, BOTH, "print statistics at the end"),
	{ NULL, "config", 0, OPT_CONFIG, ARG_REQUIRED, "FILE", NONE, EVERY, "read options from this file too" },
	{ NULL, "no-default-config", 0, OPT_NO_CONFIG, ARG_NONE, NULL, NONE, EVERY, "read no default configuration file" },
	{ NULL, "help", 'h', OPT_HELP, ARG_NONE, NULL, NONE, EVERY, "this text" },
	{ NULL, "version", 'V', OPT_VERSION, ARG_NONE, NULL, NONE, EVERY, "the version" },
};

const size_t option_rows_nr = ARRAY_SIZE(option_rows);

const char *const options_not_yet[] = {
	"lsm-mount-context", "unprivileged",
};

const size_t options_not_yet_nr = ARRAY_SIZE(options_not_yet);

const char *const externals_not_yet[] = {
	"dev",
};

const size_t externals_not_yet_nr = ARRAY_SIZE(externals_not_yet);

const struct command_row command_rows[] = {
	{ CMD_DUMP, "dump", "-t PID [-D DIR] [OPTION]...", "save a tree of processes as images" },
	{ CMD_PRE_DUMP, "pre-dump", "-t PID [-D DIR] [OPTION]...", "save its memory while it runs on, before a dump" },
	{ CMD_RESTORE, "restore", "[-D DIR] [OPTION]...", "rebuild a tree of processes from images" },
	{ CMD_CHECK, "check", "[--extra] [--experimental] [--all] [--feature NAME]", "what this kernel can do" },
	{ CMD_CPUINFO, "cpuinfo", "dump|check [-D DIR] [--cpu-cap=CAP]", "write down the CPU's features, or compare" },
	{ CMD_PAGE_SERVER, "page-server", "[--address ADDR] [--port PORT] [OPTION]...", "receive pages over the network" },
	{ CMD_LAZY_PAGES, "lazy-pages", "[-D DIR|FILE] [OPTION]...", "serve pages on demand to a restored tree" },
	{ CMD_SERVICE, "service", "[--address PATH] [OPTION]...", "serve requests over a socket" },
	{ CMD_SWRK, "swrk", "FD", "serve the requests of one connected socket" },
	{ CMD_DEDUP, "dedup", "[-D DIR]", "drop pages that later images hold" },
	{ CMD_EXEC, "exec", "-t PID SYSCALL ARGS...", "run a system call in a task" },
};

const size_t command_rows_nr = ARRAY_SIZE(command_rows);
