/* criu-plugin.h -- the interface of plugins: shared objects in the directory of --libdir that save and restore what lies outside
 * of a tree of processes.
 *
 * A plugin written for CRIU works unchanged, as far as its hooks are called here: the names, numbers and signatures are those of its
 * interface, version 0.2 (https://criu.org/Plugins). A plugin exports CR_PLUGIN_DESC; one of version 0.1 exports
 * cr_plugin_init() and functions by their names instead.
 *
 * A hook returns 0 (or a descriptor, where it says so), -ENOTSUP for what is not its business, or another -errno, which fails the
 * dump or restore. The first plugin that does not say -ENOTSUP has dealt with it.
 */
#ifndef CRIU_PLUGIN_H
#define CRIU_PLUGIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define CRIU_PLUGIN_GEN_VERSION(major, minor, sub) (((major) << 16) + ((minor) << 8) + (sub))
#define CRIU_PLUGIN_VERSION_MAJOR    0
#define CRIU_PLUGIN_VERSION_MINOR    2
#define CRIU_PLUGIN_VERSION_SUBLEVEL 0
#define CRIU_PLUGIN_VERSION_OLD	     CRIU_PLUGIN_GEN_VERSION(0, 1, 0)
#define CRIU_PLUGIN_VERSION                                                                                  \
	CRIU_PLUGIN_GEN_VERSION(                                                                             \
		CRIU_PLUGIN_VERSION_MAJOR, CRIU_PLUGIN_VERSION_MINOR, CRIU_PLUGIN_VERSION_SUBLEVEL)

/* Those marked * are called. A plugin that has another one is told of in the log; what it would save is refused as without it. */
enum {
	CR_PLUGIN_HOOK__DUMP_UNIX_SK = 0,     /* * a socket whose peer is outside; id is its inode */
	CR_PLUGIN_HOOK__RESTORE_UNIX_SK = 1,  /* * returns a descriptor, with its name and its peer */
	CR_PLUGIN_HOOK__DUMP_EXT_FILE = 2,    /* * a file that nothing else can be done with; fd is ours */
	CR_PLUGIN_HOOK__RESTORE_EXT_FILE = 3, /* * returns a descriptor; sets *retry to be asked later */
	CR_PLUGIN_HOOK__DUMP_EXT_MOUNT = 4,
	CR_PLUGIN_HOOK__RESTORE_EXT_MOUNT = 5,
	CR_PLUGIN_HOOK__DUMP_EXT_LINK = 6,
	CR_PLUGIN_HOOK__HANDLE_DEVICE_VMA = 7,    /* * shared memory of a device; fd (O_PATH) and stat are of its file */
	CR_PLUGIN_HOOK__UPDATE_VMA_MAP = 8,	  /* * before it is mapped again: 1 where *new_pgoff, and *fd unless -1, count */
	CR_PLUGIN_HOOK__RESUME_DEVICES_LATE = 9,  /* * of each process, before it runs (again) */
	CR_PLUGIN_HOOK__PAUSE_DEVICES = 10,	  /* * of each process, before it is stopped */
	CR_PLUGIN_HOOK__CHECKPOINT_DEVICES = 11,  /* * of each process, once all stand still */
	CR_PLUGIN_HOOK__POST_FORKING = 12,	  /* * all processes are made */
	CR_PLUGIN_HOOK__RESTORE_INIT = 13,	  /* * before the first process is made */
	CR_PLUGIN_HOOK__DUMP_DEVICES_LATE = 14,	  /* * all processes are saved; id is the pid of the first */
	CR_PLUGIN_HOOK__MAX
};

typedef int CR_PLUGIN_HOOK__DUMP_UNIX_SK_t(int fd, int id);
typedef int CR_PLUGIN_HOOK__RESTORE_UNIX_SK_t(int id);
typedef int CR_PLUGIN_HOOK__DUMP_EXT_FILE_t(int fd, int id);
typedef int CR_PLUGIN_HOOK__RESTORE_EXT_FILE_t(int id, bool *retry);
typedef int CR_PLUGIN_HOOK__DUMP_EXT_MOUNT_t(char *mountpoint, int id);
typedef int CR_PLUGIN_HOOK__RESTORE_EXT_MOUNT_t(int id, char *mountpoint, char *old_root, int *is_file);
typedef int CR_PLUGIN_HOOK__DUMP_EXT_LINK_t(int index, int type, char *kind);
typedef int CR_PLUGIN_HOOK__HANDLE_DEVICE_VMA_t(int fd, const struct stat *stat);
typedef int CR_PLUGIN_HOOK__UPDATE_VMA_MAP_t(
	const char *path, const uint64_t addr, const uint64_t old_pgoff, uint64_t *new_pgoff, int *fd);
typedef int CR_PLUGIN_HOOK__RESUME_DEVICES_LATE_t(int pid);
typedef int CR_PLUGIN_HOOK__PAUSE_DEVICES_t(int pid);
typedef int CR_PLUGIN_HOOK__CHECKPOINT_DEVICES_t(int pid);
typedef int CR_PLUGIN_HOOK__POST_FORKING_t(void);
typedef int CR_PLUGIN_HOOK__RESTORE_INIT_t(void);
typedef int CR_PLUGIN_HOOK__DUMP_DEVICES_LATE_t(int id);

/* What init() and exit() are told. */
enum {
	CR_PLUGIN_STAGE__DUMP,
	CR_PLUGIN_STAGE__PRE_DUMP,
	CR_PLUGIN_STAGE__RESTORE,
	CR_PLUGIN_STAGE_MAX
};

typedef struct {
	const char *name;
	int (*init)(int stage);		  /* negative: the dump or restore fails; positive: the plugin stays out of it */
	void (*exit)(int stage, int ret); /* ret 0: it worked */
	unsigned int version;
	unsigned int max_hooks; /* how many there are in hooks */
	void *hooks[CR_PLUGIN_HOOK__MAX];
} cr_plugin_desc_t;

extern cr_plugin_desc_t CR_PLUGIN_DESC;

#define CR_PLUGIN_REGISTER(NAME, INIT, EXIT)                                                                 \
	cr_plugin_desc_t CR_PLUGIN_DESC = {                                                                  \
		.name = NAME,                                                                                \
		.init = INIT,                                                                                \
		.exit = EXIT,                                                                                \
		.version = CRIU_PLUGIN_VERSION,                                                              \
		.max_hooks = CR_PLUGIN_HOOK__MAX,                                                            \
	};

#define CR_PLUGIN_REGISTER_HOOK(HOOK, FUNCTION)                                                              \
	static void __attribute__((constructor)) cr_plugin_hook_##FUNCTION(void)                             \
	{                                                                                                    \
		CR_PLUGIN_DESC.hooks[HOOK] = (void *)FUNCTION;                                               \
	}

/* ---- what a plugin may call ---- */

/* The directory of the images: borrowed. -1 where they are in no directory. */
int criu_get_image_dir(void);
/* Note that restore needs the plugin of this name; up to the end of init(). 0 or -1. */
int add_inventory_plugin(const char *name);
/* Was it noted? The first len bytes of the name. It counts as found from then on: what is left when all plugins had their init() is
 * lacking, and the restore refused. */
bool check_and_remove_inventory_plugin(const char *name, unsigned long len);
/* A line in the log; level 1 error, 2 warning, 3 information, 4 for debugging. */
void print_on_level(unsigned int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
