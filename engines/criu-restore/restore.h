/* engines/criu-restore/restore.h -- a run of criu-restore: what all its parts see.
 *
 * One process, the *front*, reads the whole set, plans and then makes the root of the tree; each task makes
 * its own children (clone3 with set_tid), so parents are right by construction. All tasks begin as copies of
 * the front, with everything the front has read: whatever a task changes in these structs, only it and the
 * children it makes afterwards see. What all must see is in shared memory (restore_shared_alloc()).
 *
 * A task lives through the moments below. steps.c is THE ORDER: a table with one row for each thing that is
 * done.
 *
 *	FRONT  plan		records are read and checked, decisions taken; nothing is touched
 *	FRONT  start		right before the first task is made: objects that all tasks inherit
 *	TASK   before fork	the task has its pid; its children do not exist yet, nor its session
 *	TASK   after fork	the whole tree exists, sessions and process groups are right, zombies are dead
 *	TASK   tape		what is left for the blob is written down (tape.h); no more libc after that
 *	(blob)			the old address space goes, the new one comes; threads, signals, credentials
 *	FRONT  resume		all threads of all tasks are held by ptrace and whole; then they run
 *	FRONT  undo		instead, after a failure: every process made is dead by then
 *
 * Only tasks that are alive or stopped pass "before fork" to "resume"; zombies and helpers (dead leaders of a
 * session or group) are made and end inside tree.c.
 */
#ifndef CRIU_RESTORE_RESTORE_H
#define CRIU_RESTORE_RESTORE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "core.pb-c.h"
#include "criuimg/arena.h"
#include "criuimg/err.h"
#include "criuimg/set.h"
#include "fdinfo.pb-c.h"
#include "fs.pb-c.h"
#include "inventory.pb-c.h"
#include "log/log.h"
#include "mm.pb-c.h"
#include "options/options.h"
#include "parasite/restore.h"
#include "pstree.pb-c.h"

struct restore;
struct restore_task;
struct restore_tape;
struct restore_files;	 /* fd's */
struct restore_mem;	 /* mem's: of the run */
struct restore_task_mem; /* mem's: of one task */
struct restore_lazy;	 /* lazy.h */

/* What a task is in the image, and a kind of our own. Values 1 to 3 are task_core_entry.task_state. */
enum restore_state {
	RESTORE_ALIVE = 1,
	RESTORE_ZOMBIE = 2,
	RESTORE_STOPPED = 3,
	RESTORE_HELPER = 100, /* not in the image: stands in for a dead leader, and ends early */
};

struct restore_thread {
	pid_t tid;
	pid_t here;	 /* the same for the front, which may be in another pid namespace: known from hold on */
	CoreEntry *core; /* the leader's is the task's */
};

/* A table of descriptors: one for each files_id. Read by the spine, opened by fd. */
struct restore_fdtable {
	uint32_t id;
	struct restore_task *leader; /* the first that has it: makes the table; the others get CLONE_FILES */
	size_t nr_users;	     /* tasks that share it */
	FdinfoEntry **fds;	     /* ascending by number, no number twice */
	size_t nr_fds;
	uint32_t *unmapped; /* shared word: users that still need our own descriptors in it */
};

/* One mapping of a task for the blob: made by mem, carried out by map.c. All addresses and sizes are bytes,
 * multiples of a page. Ascending, not overlapping.
 *
 * flags are those of mmap(2), without MAP_FIXED, which is added. MAP_LOCKED: mlock(2)ed in the end. Where a
 * mapping is premapped only GROWSDOWN and LOCKED matter. premap_prot is the protection that a premapped one
 * has now; of another one that to map it with first, if other than prot. */
struct blob_vma {
	uint64_t start, end;
	uint32_t prot;	      /* PROT_* it has in the end */
	uint32_t flags;	      /* MAP_*: SHARED or PRIVATE, ANONYMOUS, GROWSDOWN, HUGETLB, ... */
	uint32_t status;      /* VMA_* of the record */
	uint32_t premap_prot; /* PROT_*, see above */
	uint64_t premap;      /* where it lies now, inside the scratch; 0: not mapped yet */
	int fd;		      /* what to map, in this task's table; -1: nothing */
	uint64_t pgoff;	      /* bytes */
	uint64_t shmid;	      /* System V shared memory (IMG_VMA_SYSVIPC): its identifier, */
	uint64_t shmsize;     /* and how much memory shmat(2) maps of it */
	uint64_t madv;	      /* bit n: madvise(n) once it is in place */
};

/* Kinds of kernel objects that tasks share: plan-shares.c. */
enum {
	RESTORE_SHARE_VM,
	RESTORE_SHARE_SIGHAND,
	RESTORE_SHARE_FILES,
	RESTORE_SHARE_FS,
	RESTORE_SHARES,
};

struct restore_task {
	pid_t pid, ppid, pgid, sid; /* of the image; ppid 0: root of the tree */
	enum restore_state state;
	struct restore_task *parent; /* NULL: root */
	size_t index;		     /* in restore.tasks */

	/* Records. NULL where the image has none (zombies have a core only, helpers nothing). */
	CoreEntry *core; /* of the leader */
	TaskKobjIdsEntry *ids;
	MmEntry *mm;
	FsEntry *fs;
	struct restore_thread *threads; /* [0] is the leader */
	size_t nr_threads;
	struct restore_fdtable *fdtable;

	/* How it is made (plan-tree.c). */
	struct restore_task *creator; /* calls clone3; its memory is inherited: the parent, or a brother (then
				       * CLONE_PARENT); NULL: the front */
	unsigned clone_flags;	      /* CLONE_FILES, CLONE_FS, CLONE_PARENT */
	int exit_signal;	      /* what its parent gets when it ends */
	bool exit_signal_named;	      /* a helper: somebody made by it needs that one */
	bool birth_counts;	      /* somebody relies on the session that it is born in */
	bool born_before_setsid;      /* its creator makes it before it makes its own session */
	bool adopted;		      /* its creator, a helper, ends, and its parent adopts it */
	bool adopts;		      /* is the reaper for such */
	bool leads_session;	      /* calls setsid */
	bool makes_group;	      /* setpgid(0, 0), before others join */
	bool group_external;	      /* its group is that of whoever started criu-restore (--shell-job) */
	bool joins_group;	      /* setpgid(0, pgid) once the group's leader has made it ... */
	bool moves_group;	      /* ... and after all others have joined the group that this task made */
	struct restore_task *made_next;	 /* next one that creator makes */
	struct restore_task *made_first; /* first one that this task makes */
	/* Tables that it has only until it has passed them on (plan-shares.c): CLONE_FILES, CLONE_FS. */
	unsigned unshare_first; /* its creator leaves these right before it makes it */
	unsigned unshare_last;	/* it leaves these itself when it has made all others */
	uint32_t share_rank[RESTORE_SHARES]; /* plan-shares.c's */
	/* The first task that has the same object; NULL: nobody else has it. */
	struct restore_task *share_first[RESTORE_SHARES];

	/* mem's */
	struct restore_task_mem *task_mem;
	struct blob_vma *vmas; /* set by "mem: rest" */
	size_t nr_vmas;

	uint32_t *made; /* shared: made.h */
	uint32_t *here; /* shared: its pid for the front, see restore_here(); 0 until it lives */
};

/* Addresses that no task of the image and not criu-restore itself uses; see scratch.c. */
struct restore_scratch {
	uint64_t start, end;
	uint64_t next; /* first one not taken */
};

/* Figures for stats-restore, in shared memory; add with __atomic_fetch_add(). */
struct restore_counts {
	uint64_t pages_compared;
	uint64_t pages_skipped_cow;
	uint64_t pages_restored;
};

/* A descriptor that the caller handed over for some object of the images: inherit.h. */
struct restore_inherited {
	const char *key;
	int fd, given; /* what it is now, and what the caller called it */
};

struct restore {
	const struct options *opt;
	struct log *log;
	struct img_set *set;
	bool forked; /* it has page images that are of several tasks */
	struct restore_stream *stream; /* --stream, as it comes: it owns the set; else NULL */
	int stream_fd;		       /* its descriptor, or -1 */
	int *earlier; /* files with the sets that the one in the stream was made on, oldest first */
	size_t nr_earlier, room_earlier;
	int archive_fd;		       /* images in a file that is no directory, or -1 */
	int work_dirfd, images_dirfd;
	InventoryEntry *inventory;
	struct restore_inherited *inherited; /* in the arena */
	size_t nr_inherited;

	struct restore_task *tasks;   /* as in pstree.img, parents before children; helpers behind them */
	size_t nr_tasks;	      /* with helpers */
	struct restore_task **by_pid; /* sorted: restore_task_by_pid() */
	struct restore_task *root;
	struct restore_fdtable *fdtables;
	size_t nr_fdtables;

	struct restore_scratch scratch;
	struct blob_shared *shared;
	uint64_t shared_next; /* restore_shared_alloc() */
	size_t shared_left;
	struct restore_counts *counts;
	struct img_arena arena; /* lives as long as the run; for plans */

	struct restore_files *files;
	struct restore_mem *mem;
	struct restore_lazy *lazy; /* NULL: all pages are read now */
	struct restore_vdso *vdso;
	struct restore_namespaces *ns; /* namespaces.c */
	struct restore_cgroups *cgroups; /* cgroups.h; NULL: tasks stay in ours */
	struct restore_joins *joins;   /* join.c */
	struct restore_net_lock *net_lock; /* net-lock.c */
	struct restore_net *net;       /* net-own.h: devices of the network namespaces */
	struct restore_arch *arch; /* what was asked of the CPU: regs' */
	struct restore_caps *caps; /* what we may do ourselves: creds' */
	struct restore_seccomp *seccomp; /* filters: seccomp's */
	struct restore_bpfmaps *bpfmaps; /* bpfmap's */
	struct plugins *plugins;	 /* plugins.h */

	pid_t front_pid, front_pgid;
	struct restore_guard *guard; /* guard.c: shared memory */
	pid_t guard_pid;	     /* 0: there is none */
	sigset_t stop_signals;	    /* blocked in the front; see restore_interrupted() */
	sigset_t old_mask, ignored; /* of the front before the run */
	struct timespec began;	    /* CLOCK_MONOTONIC */
	uint32_t forking_us;
	bool pidfile_made;
	char **lacks; /* --plan: what this host lacks */
	size_t nr_lacks, lacks_room;
	void *stop_action;  /* stop.c: shared memory; NULL when no task is stopped */
	bool moves;	    /* some task moves_group: one stage more */
	uint64_t task_top;  /* first address that user space cannot have */
	uint64_t blob_code; /* the blob, at the same address in all processes */
};

/* Tasks with an address space and descriptors: alive or stopped. */
static inline bool restore_task_lives(const struct restore_task *t)
{
	return t->state == RESTORE_ALIVE || t->state == RESTORE_STOPPED;
}

/* The pid of a task as the front sees it: another one than t->pid where the tree has a pid namespace of its own. 0: not
 * alive yet. */
static inline pid_t restore_here(const struct restore_task *t)
{
	return (pid_t)__atomic_load_n(t->here, __ATOMIC_SEQ_CST);
}

/* A process of 32-bit code: so its handlers are. */
static inline bool restore_compat(const struct restore_task *t)
{
	const TaskCoreEntry *tc = t->core->tc;

	return tc->n_sigactions && tc->sigactions[0]->compat_sigaction;
}

/* The signals that a thread blocks: bit n is signal n + 1. */
static inline uint64_t restore_sigmask(const struct restore_task *t, const struct restore_thread *th)
{
	const ThreadCoreEntry *tc = th->core->thread_core;

	return tc->has_blk_sigset ? tc->blk_sigset : th == t->threads ? t->core->tc->blk_sigset : 0;
}

/* The task with this pid (helpers included), or NULL. */
struct restore_task *restore_task_by_pid(struct restore *r, pid_t pid);

/* ---- memory that all processes of the run share ---- */

/* size bytes, zeroed, 64-byte aligned, at the same address in the front, in every task and in the blob. Front
 * only, before the first task ("plan", "start"). NULL without memory (err filled). Lives as long as
 * the run. */
void *restore_shared_alloc(struct restore *r, size_t size, struct img_err *err);

/* A word of shared memory that others wait for. Both work in every process; post wakes all waiters. wait
 * returns -1 when the run has failed meanwhile (somebody else's failure is already noted: the text of err
 * does not matter then). */
void restore_post(uint32_t *word, uint32_t value);
void restore_add(uint32_t *word, int32_t add); /* atomic; wakes */
int restore_wait(struct restore *r, uint32_t *word, uint32_t value, struct img_err *err);

/* ---- addresses ---- */

/* A range of size bytes (rounded up to pages) in the scratch that nobody else takes; nothing is mapped there.
 * In a task the range is also reserved in children made later, who may have it mapped by inheritance. 0 when
 * there is no room (err filled). */
uint64_t restore_scratch_take(struct restore *r, uint64_t size, struct img_err *err);

/* size bytes beside the mappings of a task of the image, none of which touches them: the gap next below `below`, or else the first one. 0:
 * there is none. */
uint64_t restore_gap(const struct restore *r, const struct restore_task *t, uint64_t size, uint64_t below);

/* ---- descriptors of our own ----
 *
 * Before any room's plan is called, every number >= 3 that some task of the image uses is made taken in the
 * front (by a descriptor of /, O_PATH): so whatever is opened afterwards by anybody, front or task, gets a
 * number that no task needs. A descriptor may be put over such a number with dup2(2) without looking. When a
 * task's blob is done with its mappings everything that is not in its fdtable is closed: nobody has to close
 * behind himself for the tasks' sake.
 */

#endif
