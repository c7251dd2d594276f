/* crit/report.h -- what the parts of `crit report` share. */
#ifndef CRIT_REPORT_H
#define CRIT_REPORT_H

#include <stdio.h>

#include "rows.h"
#include "x.h"

/* ---- cmd-report.c ---- */

/* Text, and a value as a table shows it, for HTML. */
void report_escape(FILE *out, const char *text);
void report_value(FILE *out, const json_t *value);

/* ---- report-memory.c ---- */

struct report_totals {
	uint64_t threads, mappings;
	uint64_t mapped, stored, in_parent; /* bytes */
	bool manifest;
};

int report_count(struct x *x, struct report_totals *totals, struct img_err *err);
/* The section about memory: a drawing for each task. */
int report_memory(FILE *out, struct x *x, struct img_err *err);

#endif
