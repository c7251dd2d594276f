/* criu-dump/dump.h -- one run of criu-dump: what it was asked, the tree it stopped, and what it has found
 * out so far.
 *
 * `struct dump` is made by main(), passed down everywhere, and nothing of it is at file scope. The tree is
 * stopped (freeze.c), every room says what cannot be dumped (task_ops.h), then the steps of steps.c fill
 * and write the records.
 *
 * All of it is one process, the worker (worker.c), and all ptrace calls come from its first thread: a
 * tracee has one tracer thread. Other threads may read a task's memory (process_vm_readv, /proc/PID/mem)
 * and its descriptors (pidfd_getfd).
 */
#ifndef CRIU_DUMP_DUMP_H
#define CRIU_DUMP_DUMP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core.pb-c.h"
#include "pstree.pb-c.h"
#include "stats.pb-c.h"

#include "criuimg/arena.h"
#include "criuimg/err.h"
#include "criuimg/set.h"
#include "log/log.h"
#include "options/options.h"

#include "criu-dump/progress.h"
#include "criu-dump/undo.h"
#include "kernel/proc-stat.h"
#include "kernel/proc-status.h"
#include "parasite/arch/regs.h"
#include "parasite/host/inject.h"

struct dump;
struct dump_task;
struct kern_maps;
struct task_dump_ops;

/* ---- the tree ---- */

/* What a task was doing when it was found. Values as task_core_entry.task_state has them. */
enum dump_task_state {
	DUMP_TASK_ALIVE = 1,
	DUMP_TASK_ZOMBIE = 2,  /* exited, not waited for: has a pid, an exit code, and nothing else */
	DUMP_TASK_STOPPED = 3, /* by a signal: stop_signo */
};

/* A queue of pending signals as it was when the task stood still, oldest first. */
struct dump_signals {
	siginfo_t *infos;
	size_t nr;
};

/* A thread. threads[0] of a task is its leader, whose tid is the task's pid. */
struct dump_thread {
	struct dump_task *task;
	pid_t tid;
	pid_t vtid;		   /* in the innermost pid namespace of the task: what images say */
	struct kern_status status; /* /proc/PID/task/TID/status, read when it stood still */

	bool seized, stopped; /* ours to let go again: see freeze.c */
	uint64_t sigmask;     /* blocked signals: bit n is signal n + 1 */
	/* as the kernel holds them at the stop: an interrupted call not yet restarted */
	struct arch_regs regs;
	struct dump_signals pending; /* for this thread alone; without SIGSTOP */
	bool own_stop;		     /* a SIGSTOP was among them */
	uint64_t rseq_addr;	     /* struct rseq of the thread, 0: none registered */
	uint32_t rseq_size, rseq_sig, rseq_flags;

	/* being filled: ->thread_core and ->thread_info (and ->tc of a leader) are there from the start */
	CoreEntry *core;
};

/* The kernel objects that tasks can share (clone(2)): indices of dump_task.shares. */
enum dump_share {
	DUMP_SHARE_VM,
	DUMP_SHARE_FILES,
	DUMP_SHARE_FS,
	DUMP_SHARE_SIGHAND,
	DUMP_SHARE_NR,
};

struct dump_task {
	pid_t pid;		  /* in our pid namespace */
	pid_t vpid;		  /* in the task's own: what images and their file names say */
	pid_t ppid, pgid, sid;	  /* in the task's own; ppid 0 for the root of the tree */
	struct dump_task *parent; /* NULL: the root of the tree */
	enum dump_task_state state;
	int stop_signo;		     /* stopped: by which signal */
	int exit_code;		     /* zombie: as wait(2) will say */
	int pidfd;		     /* -1 for a zombie */
	struct kern_stat stat;	     /* /proc/PID/stat, read when it stood still */
	struct dump_signals pending; /* for the process; without SIGSTOP, which makes it a stopped one */

	struct dump_thread *threads; /* [0] is the leader. A zombie has that one alone. */
	size_t nr_threads, room_threads;

	/* Numbers of its kernel objects and namespaces: tasks with the same number share the object. What
	 * ids-%d.img says; the descriptors are in fdinfo-<files_id>.img. NULL for a zombie, and until
	 * ids.c has asked. */
	TaskKobjIdsEntry *ids;
	/* The first task, in tree order, that has the same object: this task itself when it is the one who
	 * dumps it. As ids. */
	struct dump_task *shares[DUMP_SHARE_NR];

	/* The mappings, read while it stood still and before anything was mapped into it. NULL for a
	 * zombie. From step "maps" on; owned by this struct. */
	struct kern_maps *maps;
	struct dump_mem *mem; /* mem.h: what the rooms of mem/ share; freed by dump_mem_free() */

	struct inject_space space; /* ask.c */
	bool compat;		   /* a process of 32-bit code, from step "maps" on */
	struct img_arena arena;	   /* for records of this task, and for what rooms remember of it */
	void **kept;		   /* two places for each room: dump_keep(), dump_keep_thread() */
};

/* Tasks in tree order (pre-order, children in order of pid): a parent comes before its children. */
struct dump_tasks {
	struct dump_task **items;
	size_t nr, room;
	struct dump_task **slots; /* by pid: a hash table, with linear probing; a power of two of them */
	size_t nr_slots;
};

#define for_each_task(d, t)                                                                                  \
	for (struct dump_task **t##_at_ = (d)->tasks.items, *t;                                              \
		t##_at_ < (d)->tasks.items + (d)->tasks.nr && (t = *t##_at_); t##_at_++)
/* Those that have memory, descriptors and threads: no zombies. */
#define for_each_live_task(d, t)                                                                             \
	for_each_task(d, t)                                                                                  \
		if (t->state != DUMP_TASK_ZOMBIE)
#define for_each_thread(t, th)                                                                               \
	for (struct dump_thread *th = (t)->threads; th < (t)->threads + (t)->nr_threads; th++)

struct dump_task *dump_task_by_pid(const struct dump *d, pid_t pid);

/* A room's own memory for a task: zeroed when first asked for, the same every time after, freed with the
 * task. NULL: no memory. */
void *dump_keep(struct dump *d, struct dump_task *t, const struct task_dump_ops *ops, size_t size);
/* The same for a thread. */
void *dump_keep_thread(struct dump *d, struct dump_thread *th, const struct task_dump_ops *ops, size_t size);

/* ---- what stops a dump ---- */

struct dump_blocker {
	pid_t pid;     /* 0: not about one task */
	char what[64]; /* "fd 7", "mapping 7f0000000000-7f0000001000", or "" */
	char why[256]; /* "io_uring is not supported" */
};

struct dump_blockers {
	struct dump_blocker *items;
	size_t nr, room;
};

/* Name something that cannot be dumped; t NULL when it is about no task, what NULL when it is about the
 * task itself. To be called from the `check` hooks of rooms, as often as there are such things: all of
 * them are told at once. Returns 0, or -1 without memory. */
int dump_block(struct dump *d, const struct dump_task *t, const char *what, const char *why, ...)
	__attribute__((format(printf, 4, 5)));

/* Something the kernel shows and we do not know: a warning in the log, a blocker under --strict. Returns 0
 * or -1 like dump_block(). */
int dump_unknown(struct dump *d, const struct dump_task *t, const char *what, const char *why, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- the run ---- */

struct dump {
	const struct options *opt;
	struct log *log;
	struct img_set *set; /* from step "images" on */
	int stream;	     /* --stream: the descriptor that the archive goes to; else -1 */
	bool streamer;	     /* or the images go to an image streamer */
	struct dump_tasks tasks;
	struct dump_blockers blockers;
	struct undo undo;
	struct dump_progress progress;
	DumpStatsEntry stats;  /* rooms add what they count: pages_*, shpages_* */
	uint64_t frozen_at_us; /* dump_now_us(): CLOCK_MONOTONIC */

	struct dump_files *files; /* files.c: every open file once, whoever has it */
	struct dump_lazy *lazy;	    /* mem-lazy.h: pages stay here and are served; NULL: no */
	struct dump_remote *remote; /* mem-remote.h: the page server, NULL: pages go into the set */
	struct dump_shmem *shmem; /* mem.h: every shared segment once; freed by dump_shmem_free() */
	struct dump_snap *snap;	  /* snapshot.c: with --snapshot */
	struct dump_track *track; /* track.h: what was written since the set before */
	struct dump_ns *ns;	  /* namespaces.c */
	struct dump_mounts *mounts; /* mounts.c */
	struct dump_freezer *freezer; /* freezer.h; NULL: there is none */
	struct dump_cgroups *cgroups; /* cgroups.h; NULL: they are ignored */
	struct dump_tuns *tuns;	  /* tuns.h */
	struct img_arena arena;	  /* for what lives as long as the run */

	struct plugins *plugins; /* plugins.c; NULL: there are none */
	int plugins_dir;	 /* what they know the images by; -1 */
	int workdir; /* -W: directory for logs and statistics, and of action scripts */
	/* readable (at its end) when the process that the user started is gone or was asked to stop */
	int front;
	bool running; /* the tasks: they were let go, and their memory changes while it is read */
	bool dry_run; /* nothing is stopped: only `check` hooks are called */
};

/* Has the user given up (Ctrl-C, kill)? Long work calls this now and then (it is one poll(2)) and returns:
 * -1 then, else 0. */
int dump_go_on(struct dump *d, struct img_err *err);

#endif
