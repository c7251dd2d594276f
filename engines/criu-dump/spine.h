/* criu-dump/spine.h -- what the files of the spine call of each other. Rooms need none of it: see dump.h. */
#ifndef CRIU_DUMP_SPINE_H
#define CRIU_DUMP_SPINE_H

#include "criu-dump/dump.h"

/* Exit statuses, beside those of img_exit_status(). */
enum {
	DUMP_EXIT_UNSUPPORTED = 3,
	DUMP_EXIT_UNDO = 5, /* something could not be undone */
};

/* ---- worker.c ---- */

/* Run work(arg, front) in a process of its own and wait for it; the exit status is what work returned, 5
 * when it was killed. front: as in struct dump. */
int worker_run(int (*work)(void *arg, int front), void *arg, struct img_err *err);

/* ---- steps.c ---- */

/* All steps of a dump, and undo. Returns the exit status; err says why when it is not 0. */
int dump_run(struct dump *d, struct img_err *err);
/* The steps of --dry-run: blockers are in d->blockers afterwards. */
int dump_look(struct dump *d, struct img_err *err);

/* ---- tasks.c ---- */

/* A task found, not yet looked at. Appended at the end of the list. */
struct dump_task *dump_task_new(struct dump *d, pid_t pid, struct dump_task *parent, struct img_err *err);
int dump_task_drop(struct dump *d, struct dump_task *t, struct img_err *err);
struct dump_thread *dump_thread_new(struct dump_task *t, pid_t tid, struct img_err *err);
void dump_thread_drop(struct dump_task *t, struct dump_thread *th);
void dump_tree_free(struct dump *d);

/* All that was found out, blockers included: for another look. */
void dump_forget(struct dump *d);

/* ---- tree.c ---- */

/* Children of t that are not in the list yet are appended: how many, or -1. */
int dump_find_children(struct dump *d, struct dump_task *t, struct img_err *err);
/* All that there is: read stat and status of every task and thread, and put the tasks into tree order. */
int dump_tree_settle(struct dump *d, struct img_err *err);
/* The tree as it is found without stopping it (--dry-run). */
int dump_tree_look(struct dump *d, struct img_err *err);
/* Refuse a tree that we are part of. */
int dump_tree_root(struct dump *d, struct img_err *err);

/* ---- seize.c ---- */

struct kern_seizer;

/* Stop all threads of t. When it has ended meanwhile, its state is that of a zombie, or 0 when there is
 * nothing left of it. until_us: when to give up, as dump_now_us() counts; 0: never. */
int dump_seize_task(
	struct dump *d, struct dump_task *t, struct kern_seizer *s, uint64_t until_us, struct img_err *err);
/* Seize the threads of t that are not yet, and tell them to stop. Returns how many there were, or -1. */
int dump_seize_threads(struct dump_task *t, struct kern_seizer *s, struct img_err *err);
/* A failure that only says that the task has ended: 0. Any other one becomes the caller's: -1. */
int dump_unless_gone(const struct img_err *why, struct img_err *err);

/* ---- freeze.c ---- */

/* Stop the tree: from here on nothing in it changes. Pushes the way back. */
int dump_freeze(struct dump *d, struct img_err *err);
/* Let go of what is still held. dump_freeze() pushed it. */
int dump_unfreeze(struct dump *d, void *unused, struct img_err *err);

/* ---- ask.c ---- */

/* Where a system call can be made in each task, then the batches of all rooms. */
int dump_ask(struct dump *d, struct img_err *err);
/* Are its calls made by the dump blob? To be asked when some were made. */
bool dump_ask_runs_blob(const struct dump_task *t);
/* One more batch, in the leader of a stopped task; its area is gone afterwards. */
int dump_ask_leader(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err);

/* ---- namespaces.c ---- */

/* The numbers of the namespaces that criu-dump lives in. */
void dump_own_namespaces(TaskKobjIdsEntry *ids);
void dump_namespaces_free(struct dump *d);

/* ---- images.c ---- */

/* --stream: take the descriptor that the archive goes to out of everybody's way. At the start. */
int dump_stream_take(struct dump *d, struct img_err *err);

/* ---- one function a step ---- */

int dump_dedup(struct dump *d, struct img_err *err); /* dedup.c: --auto-dedup */

int dump_images_open(struct dump *d, struct img_err *err);   /* images.c */
int dump_stream_settle(struct dump *d, struct img_err *err); /* images.c: --stream: all of it was read */
int dump_stats_member(struct dump *d, struct img_err *err);  /* stats.c: figures as a part of an archive */

int dump_maps(struct dump *d, struct img_err *err);	   /* tree.c */
/* A 32-bit program: its vdso is one; or, where it has none, its first thread runs such code. The maps are there. */
bool dump_is_compat(const struct dump_task *t);
int dump_ids(struct dump *d, struct img_err *err);	   /* ids.c */
int dump_namespaces(struct dump *d, struct img_err *err);  /* namespaces.c */
int dump_namespaces_modes(struct dump *d, struct img_err *err); /* namespaces.c: who may read them */
int dump_namespaces_unlocked(struct dump *d, struct img_err *err); /* namespaces.c: what the lock would be in the way of */
int dump_namespaces_write(struct dump *d, struct img_err *err); /* namespaces.c: their images */
int dump_rights(struct dump *d, struct img_err *err);	   /* check.c: may we do this at all */
int dump_check(struct dump *d, struct img_err *err);	   /* check.c: all blockers */
int dump_refuse(struct dump *d, struct img_err *err);	   /* check.c: fails when there are any */
int dump_cores(struct dump *d, struct img_err *err);	   /* core.c: make the records */
int dump_cores_write(struct dump *d, struct img_err *err); /* core.c */
int dump_forked(struct dump *d, struct img_err *err);	   /* mem-forked.c: what of the bulk is shared */
int dump_pages(struct dump *d, struct img_err *err);	   /* core.c: the bulk */
int dump_inventory(struct dump *d, struct img_err *err);   /* inventory.c */
int dump_pstree(struct dump *d, struct img_err *err);	   /* inventory.c */
int dump_timens(struct dump *d, struct img_err *err);	   /* inventory.c */
int dump_cpuinfo(struct dump *d, struct img_err *err);	   /* inventory.c: with --cpu-cap */
int dump_seal(struct dump *d, struct img_err *err);	   /* inventory.c: the manifest */
/* plugins.c: load those of --libdir; tell them that all processes stand still; that they go on (or are made an end of); the end. */
int dump_plugins_load(struct dump *d, struct img_err *err);
int dump_plugins_pause(struct dump *d, pid_t pid, struct img_err *err);
int dump_plugins_checkpoint(struct dump *d, struct img_err *err);
int dump_plugins_late(struct dump *d, struct img_err *err);
int dump_plugins_resume(struct dump *d, struct img_err *err);
void dump_plugins_end(struct dump *d, int ret);
int dump_finish(struct dump *d, struct img_err *err);	   /* finish.c: kill, stop or let run */

/* The two parts of it. */
int dump_pages_tasks(struct dump *d, struct img_err *err);
int dump_pages_shared(struct dump *d, struct img_err *err);

/* ---- snapshot.c: --snapshot ---- */

int dump_snap_look(struct dump *d, struct img_err *err);    /* the flags of all mappings, of tasks that still run */
int dump_snap_maps(struct dump *d, struct img_err *err);    /* the mappings, with those flags */
int dump_snap_shared(struct dump *d, struct img_err *err);  /* shared memory, or a copy of it */
int dump_snap_take(struct dump *d, struct img_err *err);    /* a copy of the memory of each task */
int dump_snap_release(struct dump *d, struct img_err *err); /* the tasks run on, the copies do not */
int dump_snap_rest(struct dump *d, struct img_err *err);    /* what was left for later of the small records */
int dump_snap_pages(struct dump *d, struct img_err *err);   /* private memory, and what there is a copy of */
int dump_snap_end(struct dump *d, struct img_err *err);	    /* the copies end */

/* ---- pre-dump.c ---- */

int dump_pre_maps(struct dump *d, struct img_err *err);	     /* where memory is, without the flags */
int dump_pre_memory(struct dump *d, struct img_err *err);    /* which pages are to be stored */
int dump_pre_release(struct dump *d, struct img_err *err);   /* the tasks run on */
int dump_pre_inventory(struct dump *d, struct img_err *err); /* inventory.c */

/* ---- dry-run.c ---- */

/* d->blockers to standard output, as text or (--json) as JSON. */
int dump_blockers_print(const struct dump *d, struct img_err *err);

/* ---- stats.c ---- */

uint64_t dump_now_us(void);
/* stats-dump in the work directory; with --display-stats on standard output too. */
int dump_stats_write(struct dump *d, struct img_err *err);

/* ---- script.c ---- */

/* Run the action scripts, if any, with this action; each must succeed. */
int dump_script(struct dump *d, const char *action, struct img_err *err);
/* Where the tree has a network of its own: whoever can keep packets away from it shall do so, until it runs again here. */
int dump_network_script(struct dump *d, struct img_err *err);
int dump_network_lock(struct dump *d, struct img_err *err);
/* Ask the client that all this is for, if there is one, which sockets outside its tree may be connected to. */
int dump_query_files(struct dump *d, struct img_err *err);

#endif
