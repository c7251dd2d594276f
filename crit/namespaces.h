/* crit/namespaces.h -- the namespaces of a set, and who is in them. */
#ifndef CRIT_NAMESPACES_H
#define CRIT_NAMESPACES_H

#include "rows.h"
#include "x.h"

enum ns_kind { NS_PID, NS_NET, NS_IPC, NS_UTS, NS_MNT, NS_USER, NS_CGROUP, NS_TIME, NS_KINDS };

struct namespaces {
	struct namespace {
		enum ns_kind kind;
		uint32_t id;
		bool host; /* it was also that of the program that dumped: it is not in the set */
		uint32_t *pids;
		size_t nr_pids, room_pids;
	} *list; /* sorted by kind, then id */
	size_t nr, room;
};

/* Needs x's tasks. */
int namespaces_read(struct x *x, struct namespaces *all, struct img_err *err);
void namespaces_free(struct namespaces *all);
/* The rows that add makes of each namespace. */
json_t *namespaces_rows(struct x *x, int (*add)(struct x *x, struct rows *rows, const struct namespace *ns, struct img_err *err), struct img_err *err);
const char *namespaces_kind_name(enum ns_kind kind);

#endif
