/* samples/nasty-image/whole.h -- a small set of images in which nothing is wrong: two tasks, one of them a zombie, some files,
 * mappings and pages. As JSON: what `crit decode` would say of it. */
#ifndef NASTY_WHOLE_H
#define NASTY_WHOLE_H

#define FOWN	"\"fown\": {\"uid\": 0, \"euid\": 0, \"signum\": 0, \"pid_type\": 0, \"pid\": 0}"
#define SK_OPTS "\"opts\": {\"so_sndbuf\": 4096, \"so_rcvbuf\": 4096, \"so_snd_tmo_sec\": 0, \"so_snd_tmo_usec\": 0, " \
	"\"so_rcv_tmo_sec\": 0, \"so_rcv_tmo_usec\": 0}"
#define GPREGS	"\"gpregs\": {\"r15\": 0, \"r14\": 0, \"r13\": 0, \"r12\": 0, \"bp\": 0, \"bx\": 0, \"r11\": 0, \"r10\": 0, " \
	"\"r9\": 0, \"r8\": 0, \"ax\": 0, \"cx\": 0, \"dx\": 0, \"si\": 0, \"di\": 0, \"orig_ax\": 0, \"ip\": 65536, \"cs\": 51, " \
	"\"flags\": 514, \"sp\": 69632, \"ss\": 43, \"fs_base\": 0, \"gs_base\": 0, \"ds\": 0, \"es\": 0, \"fs\": 0, \"gs\": 0}"
#define FPREGS	"\"fpregs\": {\"cwd\": 895, \"swd\": 0, \"twd\": 0, \"fop\": 0, \"rip\": 0, \"rdp\": 0, \"mxcsr\": 8064, \"mxcsr_mask\": 0}"
#define INFO	"\"thread_info\": {\"clear_tid_addr\": 0, " GPREGS ", " FPREGS "}"
#define TC(state) "\"tc\": {\"task_state\": " state ", \"exit_code\": 0, \"personality\": 0, \"flags\": 0, \"blk_sigset\": 0, \"comm\": \"nasty\"}"
#define THREAD	"\"thread_core\": {\"futex_rla\": 0, \"futex_rla_len\": 24"
#define VMA(start, end, shmid, prot, flags, status) \
	"{\"start\": " start ", \"end\": " end ", \"pgoff\": 0, \"shmid\": " shmid ", \"prot\": " prot ", \"flags\": " flags \
	", \"status\": " status ", \"fd\": -1}"
#define FILE_OF(word, id, field, body) \
	"{\"type\": \"" word "\", \"id\": " id ", \"" field "\": {\"id\": " id ", " body "}}"
#define REG(id, name) FILE_OF("REG", id, "reg", "\"flags\": 0, \"pos\": 0, " FOWN ", \"name\": \"" name "\", \"mnt_id\": 100")
#define MOUNT(id, parent, where) \
	"{\"fstype\": 5, \"mnt_id\": " id ", \"root_dev\": 40, \"parent_mnt_id\": " parent ", \"flags\": 0, \"root\": \"/\", " \
	"\"mountpoint\": \"" where "\", \"source\": \"none\", \"options\": \"\"}"
#define IMAGE(magic, entries) "{\"magic\": \"" magic "\", \"entries\": [" entries "]}"

static const struct image {
	const char *name;
	const char *json;
} whole[] = {
	{ "inventory.img", IMAGE("INVENTORY", "{\"img_version\": 2, \"fdinfo_per_id\": true, \"root_ids\": {\"vm_id\": 1, "
		"\"files_id\": 1, \"fs_id\": 1, \"sighand_id\": 1, \"pid_ns_id\": 1, \"mnt_ns_id\": 6}, \"ns_per_id\": true, \"root_cg_set\": 1}") },
	{ "pstree.img", IMAGE("PSTREE", "{\"pid\": 1, \"ppid\": 0, \"pgid\": 1, \"sid\": 1, \"threads\": [1, 2]}, "
		"{\"pid\": 3, \"ppid\": 1, \"pgid\": 1, \"sid\": 1, \"threads\": [3]}") },
	{ "core-1.img", IMAGE("CORE", "{\"mtype\": \"X86_64\", " INFO ", " TC("1") ", " THREAD
		", \"seccomp_mode\": \"filter\", \"seccomp_filter\": 1, \"cg_set\": 1}}") },
	{ "core-2.img", IMAGE("CORE", "{\"mtype\": \"X86_64\", " INFO ", " THREAD "}}") },
	{ "core-3.img", IMAGE("CORE", "{\"mtype\": \"X86_64\", " TC("2") "}") },
	{ "ids-1.img", IMAGE("IDS", "{\"vm_id\": 2, \"files_id\": 2, \"fs_id\": 2, \"sighand_id\": 2, \"pid_ns_id\": 1, \"mnt_ns_id\": 9}") },
	{ "fs-1.img", IMAGE("FS", "{\"cwd_id\": 1, \"root_id\": 1, \"umask\": 18}") },
	{ "mm-1.img", IMAGE("MM", "{\"mm_start_code\": 131072, \"mm_end_code\": 131073, \"mm_start_data\": 65536, \"mm_end_data\": 65537, "
		"\"mm_start_stack\": 69632, \"mm_start_brk\": 0, \"mm_brk\": 0, \"mm_arg_start\": 0, \"mm_arg_end\": 0, "
		"\"mm_env_start\": 0, \"mm_env_end\": 0, \"exe_file_id\": 1, \"mm_saved_auxv\": [6, 4096], \"vmas\": ["
		VMA("65536", "81920", "0", "3", "34", "513") ", " VMA("131072", "139264", "1", "5", "2", "65") ", "
		VMA("196608", "204800", "77", "3", "33", "257") ", " VMA("262144", "266240", "6", "3", "1", "16513") ", "
		VMA("73728", "77824", "0", "0", "0", "65536") "]}") },
	{ "fdinfo-2.img", IMAGE("FDINFO", "{\"id\": 1, \"flags\": 0, \"type\": \"REG\", \"fd\": 0}, "
		"{\"id\": 2, \"flags\": 0, \"type\": \"PIPE\", \"fd\": 1}, {\"id\": 3, \"flags\": 0, \"type\": \"UNIXSK\", \"fd\": 2}, "
		"{\"id\": 5, \"flags\": 0, \"type\": \"TTY\", \"fd\": 3}") },
	{ "files.img", IMAGE("FILES", REG("1", "/bin/nasty") ", " REG("7", "/tmp/gone") ", "
		FILE_OF("PIPE", "2", "pipe", "\"pipe_id\": 9, \"flags\": 0, " FOWN) ", "
		FILE_OF("UNIXSK", "3", "usk", "\"ino\": 30, \"type\": 1, \"state\": 1, \"flags\": 2, \"uflags\": 0, \"backlog\": 0, \"peer\": 40, "
			FOWN ", " SK_OPTS ", \"name\": \"\"") ", "
		FILE_OF("UNIXSK", "4", "usk", "\"ino\": 40, \"type\": 1, \"state\": 1, \"flags\": 2, \"uflags\": 0, \"backlog\": 0, \"peer\": 30, "
			FOWN ", " SK_OPTS ", \"name\": \"\"") ", "
		FILE_OF("INETSK", "8", "isk", "\"ino\": 31, \"family\": 2, \"type\": 1, \"proto\": 6, \"state\": 1, \"src_port\": 1, "
			"\"dst_port\": 2, \"flags\": 2, \"backlog\": 0, \"src_addr\": [16777343], \"dst_addr\": [16777343], " FOWN ", " SK_OPTS) ", "
		FILE_OF("TTY", "5", "tty", "\"tty_info_id\": 1, \"flags\": 2, " FOWN) ", "
		FILE_OF("MEMFD", "6", "memfd", "\"flags\": 2, \"pos\": 0, " FOWN ", \"inode_id\": 5")) },
	{ "tty-info.img", IMAGE("TTY_INFO", "{\"id\": 1, \"type\": \"PTY\", \"locked\": false, \"exclusive\": false, "
		"\"packet_mode\": false, \"sid\": 0, \"pgrp\": 0, \"rdev\": 1282}") },
	{ "memfd.img", IMAGE("MEMFD_INODE", "{\"name\": \"m\", \"uid\": 0, \"gid\": 0, \"size\": 4096, \"shmid\": 88, \"seals\": 1, \"inode_id\": 5}") },
	{ "pipes-data.img", IMAGE("PIPES_DATA", "{\"pipe_id\": 9, \"bytes\": 3, \"size\": 65536, \"extra\": \"YWJj\\n\"}") },
	{ "sk-queues.img", IMAGE("SK_QUEUES", "{\"id_for\": 3, \"length\": 3, \"scm\": [{\"type\": 1, \"rights\": [1]}], \"extra\": \"YWJj\\n\"}") },
	{ "tcp-stream-1f.img", IMAGE("TCP_STREAM", "{\"inq_len\": 3, \"inq_seq\": 1, \"outq_len\": 0, \"outq_seq\": 1, \"opt_mask\": 0, "
		"\"snd_wscale\": 0, \"mss_clamp\": 1460, \"extra\": {\"inq\": \"YWJj\\n\", \"outq\": \"\"}}") },
	{ "remap-fpath.img", IMAGE("REMAP_FPATH", "{\"orig_id\": 7, \"remap_id\": 1, \"remap_type\": \"GHOST\"}") },
	{ "ghost-file-1.img", IMAGE("GHOST_FILE", "{\"uid\": 0, \"gid\": 0, \"mode\": 33188, \"extra\": \"YWJj\\n\"}") },
	{ "mountpoints-9.img", IMAGE("MNTS", MOUNT("101", "100", "/tmp") ", " MOUNT("100", "50", "/")) },
	{ "filelocks.img", IMAGE("FILE_LOCKS", "{\"flag\": 1, \"type\": 0, \"pid\": 1, \"fd\": 0, \"start\": 0, \"len\": 1}") },
	{ "seccomp.img", IMAGE("SECCOMP", "{\"seccomp_filters\": [{\"filter\": \"BgAAAAAA/38=\\n\"}, {\"filter\": \"BgAAAAAA/38=\\n\", \"prev\": 0}]}") },
	{ "cgroup.img", IMAGE("CGROUP", "{\"sets\": [{\"id\": 1, \"ctls\": [{\"name\": \"cpu\", \"path\": \"/\"}]}]}") },
	{ "pagemap-1.img", IMAGE("PAGEMAP", "{\"pages_id\": 1}, {\"vaddr\": 65536, \"compat_nr_pages\": 1, \"flags\": 4, \"nr_pages\": 1}, "
		"{\"vaddr\": 77824, \"compat_nr_pages\": 1, \"flags\": 4, \"nr_pages\": 1}") },
	{ "pagemap-shmem-77.img", IMAGE("PAGEMAP", "{\"pages_id\": 2}, {\"vaddr\": 4096, \"compat_nr_pages\": 1, \"flags\": 4, \"nr_pages\": 1}") },
	{ "pagemap-shmem-88.img", IMAGE("PAGEMAP", "{\"pages_id\": 3}") },
};

/* Page data: each byte is the number of its page. */
static const struct {
	const char *name;
	int nr_pages;
} page_data[] = {
	{ "pages-1.img", 2 },
	{ "pages-2.img", 1 },
	{ "pages-3.img", 0 },
};

#endif
