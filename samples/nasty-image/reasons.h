/* samples/nasty-image/reasons.h -- what can be wrong with a set: one reason a row. tests/images/refuse/expect.tsv says what is to be
 * found of each. */
#ifndef NASTY_REASONS_H
#define NASTY_REASONS_H

#include <stddef.h>

enum act {
	NOTHING,
	SAY,	/* in the JSON of the image: `to` where `from` is */
	BYTES,	/* in the image: the same in hexadecimal digits */
	CUT,	/* the image ends after `at` bytes (from its end, where negative) */
	ADD,	/* bytes `to` behind its end */
	REMOVE, /* the image is not there */
	COPY,	/* `to` is another image of the same content */
};

enum form {
	V1,	/* without a manifest */
	V2,	/* what is wrong was made wrong behind the manifest's back */
	CHILD,	/* an incremental set, its parent is `old` in it */
	PARENT, /* without manifests, and what is wrong is with the parent */
	OTHER,	/* with manifests, and the parent is another set: what is different is not wrong in itself */
};

struct reason {
	const char *name;
	enum form form;
	enum act act;
	const char *image, *from, *to;
	int at;
};

#define NASTY(reason, of, how, ...) { .name = reason, .form = of, .act = how, __VA_ARGS__ }
#define PUT(name_, from_, to_)	    .image = name_, .from = from_, .to = to_

static const struct reason reasons[] = {
	NASTY("whole", V1, NOTHING),
	NASTY("whole-v2", V2, NOTHING),
	NASTY("whole-child", CHILD, NOTHING),

	/* structure */
	NASTY("magic-unknown", V1, BYTES, PUT("fs-1.img", "19435654", "19435655")),
	NASTY("magic-of-another-kind", V1, COPY, PUT("mm-1.img", NULL, "fs-1.img")),
	NASTY("magic-cut", V1, CUT, .image = "fs-1.img", .at = 3),
	NASTY("magic-twice", V1, CUT, .image = "fs-1.img", .at = 0),
	NASTY("record-cut", V1, CUT, .image = "fs-1.img", .at = -1),
	NASTY("record-huge", V1, BYTES, PUT("fs-1.img", "06000000", "ffffffff")),
	NASTY("record-too-large", V1, BYTES, PUT("fs-1.img", "06000000", "01000004")),
	NASTY("record-size-cut", V1, CUT, .image = "fs-1.img", .at = 10),
	NASTY("record-missing", V1, CUT, .image = "fs-1.img", .at = 8),
	NASTY("record-twice", V1, ADD, PUT("fs-1.img", NULL, "06000000080110011812")),
	NASTY("record-without-a-required-field", V1, BYTES, PUT("fs-1.img", "08011001", "20011001")),
	NASTY("bytes-behind-the-end", V1, ADD, PUT("fs-1.img", NULL, "00")),
	NASTY("payload-cut", V1, CUT, .image = "pipes-data.img", .at = -1),
	NASTY("payload-larger-than-the-image", V1, BYTES, PUT("pipes-data.img", "080910031880", "0809107f1880")),
	NASTY("pagemap-head-missing", V1, CUT, .image = "pagemap-1.img", .at = 8),
	NASTY("run-not-at-a-page", V1, BYTES, PUT("pagemap-1.img", "08808004", "08818004")),
	NASTY("run-overlaps", V1, BYTES, PUT("pagemap-1.img", "0880e004", "08808004")),
	NASTY("run-in-both", V1, BYTES, PUT("pagemap-1.img", "20042801", "20052801")),
	NASTY("run-data-of-no-run", V1, BYTES, PUT("pagemap-1.img", "0a0000000880e004100120042801", "0d0000000880e004100120022801c03e00")),
	NASTY("run-beyond-64-bits", V1, BYTES, PUT("pagemap-1.img", "0a0000000880e004100120042801", "110000000880e0ffffffffffffff01100120042801")),

	/* inventory */
	NASTY("inventory-missing", V1, REMOVE, .image = "inventory.img"),
	NASTY("inventory-version-unknown", V1, SAY, PUT("inventory.img", "\"img_version\": 2", "\"img_version\": 3")),
	NASTY("inventory-of-a-pre-dump", V1, SAY, PUT("inventory.img", "\"img_version\": 2", "\"img_version\": 0")),

	/* tasks and threads */
	NASTY("pstree-missing", V1, REMOVE, .image = "pstree.img"),
	NASTY("pstree-empty", V1, CUT, .image = "pstree.img", .at = 8),
	NASTY("pid-zero", V1, SAY, PUT("pstree.img", "\"pid\": 3, \"ppid\": 1", "\"pid\": 0, \"ppid\": 1")),
	NASTY("pid-twice", V1, SAY, PUT("pstree.img", "\"pid\": 3, \"ppid\": 1", "\"pid\": 1, \"ppid\": 1")),
	NASTY("parent-unknown", V1, SAY, PUT("pstree.img", "\"ppid\": 1", "\"ppid\": 5")),
	NASTY("parent-is-itself", V1, SAY, PUT("pstree.img", "\"ppid\": 1", "\"ppid\": 3")),
	NASTY("root-has-a-parent", V1, SAY, PUT("pstree.img", "\"ppid\": 0", "\"ppid\": 3")),
	NASTY("two-roots", V1, SAY, PUT("pstree.img", "\"ppid\": 1", "\"ppid\": 0")),
	NASTY("session-leader-in-another-group", V1, SAY, PUT("pstree.img", "\"pid\": 1, \"ppid\": 0, \"pgid\": 1", "\"pid\": 1, \"ppid\": 0, \"pgid\": 3")),
	NASTY("group-of-another-session", V1, SAY, PUT("pstree.img", "\"ppid\": 1, \"pgid\": 1, \"sid\": 1", "\"ppid\": 1, \"pgid\": 1, \"sid\": 9")),
	NASTY("core-missing", V1, REMOVE, .image = "core-1.img"),
	NASTY("core-of-a-thread-missing", V1, REMOVE, .image = "core-2.img"),
	NASTY("core-of-a-zombie-missing", V1, REMOVE, .image = "core-3.img"),
	NASTY("core-without-tc", V1, SAY, PUT("core-1.img", TC("1") ", ", "")),
	NASTY("core-without-registers", V1, SAY, PUT("core-2.img", INFO ", ", "")),
	NASTY("core-without-thread", V1, SAY, PUT("core-2.img", ", " THREAD "}", "")),
	NASTY("core-of-another-architecture", V1, SAY, PUT("core-3.img", "X86_64", "AARCH64")),
	NASTY("main-thread-missing", V1, SAY, PUT("pstree.img", "[1, 2]", "[2]")),
	NASTY("thread-twice", V1, SAY, PUT("pstree.img", "[1, 2]", "[1, 2, 2]")),
	NASTY("thread-is-a-task", V1, SAY, PUT("pstree.img", "[1, 2]", "[1, 2, 3]")),
	NASTY("ids-missing", V1, REMOVE, .image = "ids-1.img"),
	NASTY("mm-missing", V1, REMOVE, .image = "mm-1.img"),
	NASTY("fs-missing", V1, REMOVE, .image = "fs-1.img"),
	NASTY("pagemap-missing", V1, REMOVE, .image = "pagemap-1.img"),
	NASTY("seccomp-filter-unknown", V1, SAY, PUT("core-1.img", "\"seccomp_filter\": 1", "\"seccomp_filter\": 2")),
	NASTY("seccomp-filter-on-itself", V1, SAY, PUT("seccomp.img", "\"prev\": 0", "\"prev\": 1")),
	NASTY("seccomp-filter-no-program", V1, SAY, PUT("seccomp.img", "{\"filter\": \"BgAAAAAA/38=\\n\"}", "{\"filter\": \"BgAA\\n\"}")),
	NASTY("cg-set-unknown", V1, SAY, PUT("core-1.img", "\"cg_set\": 1", "\"cg_set\": 4")),

	/* files and descriptors */
	NASTY("files-missing", V1, REMOVE, .image = "files.img"),
	NASTY("file-type-unknown", V1, SAY, PUT("files.img", "\"type\": \"TTY\"", "\"type\": 99")),
	NASTY("file-without-its-body", V1, SAY, PUT("files.img", "\"type\": \"TTY\"", "\"type\": \"FIFO\"")),
	NASTY("file-with-two-ids", V1, SAY, PUT("files.img", "\"tty\": {\"id\": 5", "\"tty\": {\"id\": 55")),
	NASTY("file-id-twice", V1, SAY, PUT("files.img", "\"id\": 4, \"usk\": {\"id\": 4", "\"id\": 3, \"usk\": {\"id\": 3")),
	NASTY("descriptor-of-no-file", V1, SAY, PUT("fdinfo-2.img", "\"id\": 2", "\"id\": 22")),
	NASTY("descriptor-of-another-type", V1, SAY, PUT("fdinfo-2.img", "\"type\": \"PIPE\"", "\"type\": \"FIFO\"")),
	NASTY("descriptor-type-unknown", V1, SAY, PUT("fdinfo-2.img", "\"type\": \"PIPE\"", "\"type\": 99")),
	NASTY("descriptor-twice", V1, SAY, PUT("fdinfo-2.img", "\"fd\": 1", "\"fd\": 0")),
	NASTY("descriptor-beyond-int", V1, SAY, PUT("fdinfo-2.img", "\"fd\": 1", "\"fd\": 2147483648")),

	/* references */
	NASTY("exe-unknown", V1, SAY, PUT("mm-1.img", "\"exe_file_id\": 1", "\"exe_file_id\": 11")),
	NASTY("exe-is-no-regular-file", V1, SAY, PUT("mm-1.img", "\"exe_file_id\": 1", "\"exe_file_id\": 2")),
	NASTY("cwd-unknown", V1, SAY, PUT("fs-1.img", "\"cwd_id\": 1", "\"cwd_id\": 11")),
	NASTY("root-unknown", V1, SAY, PUT("fs-1.img", "\"root_id\": 1", "\"root_id\": 11")),
	NASTY("pipe-data-of-no-pipe", V1, SAY, PUT("pipes-data.img", "\"pipe_id\": 9", "\"pipe_id\": 19")),
	NASTY("queue-of-no-socket", V1, SAY, PUT("sk-queues.img", "\"id_for\": 3", "\"id_for\": 2")),
	NASTY("packet-with-an-unknown-file", V1, SAY, PUT("sk-queues.img", "\"rights\": [1]", "\"rights\": [1, 88]")),
	NASTY("mount-of-a-file-unknown", V1, SAY, PUT("files.img", "\"/bin/nasty\", \"mnt_id\": 100", "\"/bin/nasty\", \"mnt_id\": 102")),
	NASTY("memfd-unknown", V1, SAY, PUT("memfd.img", "\"inode_id\": 5", "\"inode_id\": 55")),
	NASTY("terminal-unknown", V1, SAY, PUT("tty-info.img", "\"id\": 1", "\"id\": 2")),
	NASTY("ghost-missing", V1, REMOVE, .image = "ghost-file-1.img"),
	NASTY("linked-file-unknown", V1, SAY, PUT("remap-fpath.img", "\"remap_id\": 1, \"remap_type\": \"GHOST\"", "\"remap_id\": 99, \"remap_type\": \"LINKED\"")),
	NASTY("remap-type-unknown", V1, SAY, PUT("remap-fpath.img", "\"GHOST\"", "9")),
	NASTY("lock-of-no-task", V1, SAY, PUT("filelocks.img", "\"pid\": 1", "\"pid\": 7")),
	NASTY("lock-of-no-descriptor", V1, SAY, PUT("filelocks.img", "\"fd\": 0", "\"fd\": 7")),
	NASTY("tcp-stream-of-no-socket", V1, SAY, PUT("files.img", "\"ino\": 31", "\"ino\": 32")),

	/* mappings */
	NASTY("mapping-backwards", V1, SAY, PUT("mm-1.img", "\"end\": 204800", "\"end\": 196608")),
	NASTY("mapping-not-at-a-page", V1, SAY, PUT("mm-1.img", "\"end\": 204800", "\"end\": 204801")),
	NASTY("mappings-overlap", V1, SAY, PUT("mm-1.img", "\"end\": 139264", "\"end\": 200704")),
	NASTY("mapping-of-no-file", V1, SAY, PUT("mm-1.img", "\"shmid\": 1,", "\"shmid\": 11,")),
	NASTY("mapping-of-no-memfd", V1, SAY, PUT("mm-1.img", "\"shmid\": 6,", "\"shmid\": 1,")),
	NASTY("mapping-neither-shared-nor-private", V1, SAY, PUT("mm-1.img", "\"flags\": 34", "\"flags\": 32")),
	NASTY("mapping-status-unknown", V1, SAY, PUT("mm-1.img", "\"status\": 513", "\"status\": 1049089")),
	NASTY("mapping-unsupported", V1, SAY, PUT("mm-1.img", "\"status\": 513", "\"status\": 2147484161")),
	NASTY("guard-over-no-mapping", V1, SAY, PUT("mm-1.img", "\"start\": 73728, \"end\": 77824", "\"start\": 86016, \"end\": 90112")),
	NASTY("segment-missing", V1, REMOVE, .image = "pagemap-shmem-77.img"),
	NASTY("auxv-no-pairs", V1, SAY, PUT("mm-1.img", "[6, 4096]", "[6, 4096, 7]")),

	/* namespaces */
	NASTY("mount-twice", V1, SAY, PUT("mountpoints-9.img", "\"mnt_id\": 101", "\"mnt_id\": 100")),
	NASTY("mount-on-nothing", V1, SAY, PUT("mountpoints-9.img", "\"parent_mnt_id\": 100", "\"parent_mnt_id\": 77")),
	NASTY("mounts-in-a-circle", V1, SAY, PUT("mountpoints-9.img", "\"parent_mnt_id\": 50", "\"parent_mnt_id\": 101")),

	/* pages */
	NASTY("pages-missing", V1, REMOVE, .image = "pages-1.img"),
	NASTY("pages-cut", V1, CUT, .image = "pages-1.img", .at = -1),
	NASTY("pages-empty", V1, CUT, .image = "pages-1.img", .at = 0),
	NASTY("pages-of-another-map", V1, SAY, PUT("pagemap-shmem-77.img", "\"pages_id\": 2", "\"pages_id\": 1")),
	NASTY("run-outside-of-mappings", V1, SAY, PUT("pagemap-1.img", "\"vaddr\": 77824", "\"vaddr\": 81920")),
	NASTY("run-into-a-gap", V1, SAY, PUT("pagemap-1.img", "\"vaddr\": 77824, \"compat_nr_pages\": 1, \"flags\": 4, \"nr_pages\": 1", "\"vaddr\": 77824, \"compat_nr_pages\": 2, \"flags\": 2, \"nr_pages\": 2")),
	NASTY("run-flags-unknown", V1, SAY, PUT("pagemap-1.img", "\"flags\": 4, \"nr_pages\": 1}]", "\"flags\": 12, \"nr_pages\": 1}]")),
	NASTY("run-data-elsewhere", V1, SAY, PUT("pagemap-1.img", "\"flags\": 4, \"nr_pages\": 1}, {\"vaddr\": 77824, \"compat_nr_pages\": 1, \"flags\": 4, \"nr_pages\": 1}]", "\"flags\": 4, \"nr_pages\": 1, \"data_page\": 1}, {\"vaddr\": 77824, \"compat_nr_pages\": 1, \"flags\": 4, \"nr_pages\": 1, \"data_page\": 0}]")),
	NASTY("run-nowhere", V1, SAY, PUT("pagemap-1.img", "\"flags\": 4, \"nr_pages\": 1}]", "\"flags\": 0, \"nr_pages\": 1}]")),
	NASTY("run-beyond-the-segment", V1, SAY, PUT("pagemap-shmem-77.img", "\"vaddr\": 4096", "\"vaddr\": 8192")),

	/* parents */
	NASTY("parent-set-missing", V1, SAY, PUT("pagemap-1.img", "\"vaddr\": 77824, \"compat_nr_pages\": 1, \"flags\": 4", "\"vaddr\": 77824, \"compat_nr_pages\": 1, \"flags\": 1")),
	NASTY("parent-has-no-map", PARENT, REMOVE, .image = "pagemap-1.img"),
	NASTY("parent-lacks-a-page", PARENT, SAY, PUT("pagemap-1.img", "\"vaddr\": 77824", "\"vaddr\": 69632")),
	NASTY("parent-page-is-lazy", PARENT, SAY, PUT("pagemap-1.img", "\"flags\": 4, \"nr_pages\": 1}]", "\"flags\": 2, \"nr_pages\": 1}]")),
	NASTY("parent-pages-cut", PARENT, CUT, .image = "pages-1.img", .at = 4096),
	NASTY("parent-is-another-set", OTHER, SAY, PUT("fs-1.img", "\"umask\": 18", "\"umask\": 19")),

	/* the manifest */
	NASTY("manifest-cut", V2, CUT, .image = "manifest.img", .at = -1),
	NASTY("manifest-empty", V2, CUT, .image = "manifest.img", .at = 0),
	NASTY("manifest-bit-flipped", V2, BYTES, PUT("manifest.img", "6e61737479", "6e61737478")),
	NASTY("manifest-of-a-later-version", V2, BYTES, PUT("manifest.img", "0802", "0803")),
	NASTY("member-missing", V2, REMOVE, .image = "pages-3.img"),
	NASTY("member-changed", V2, BYTES, PUT("fs-1.img", "1812", "1813")),
	NASTY("member-cut", V2, CUT, .image = "pages-2.img", .at = -1),
	NASTY("member-longer", V2, ADD, PUT("pages-3.img", NULL, "00")),
	NASTY("member-not-listed", V2, COPY, PUT("fs-1.img", NULL, "fs-3.img")),
};

#endif
