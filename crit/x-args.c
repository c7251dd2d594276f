/* crit/x-args.c -- crit x DIR args, env: the command line and the environment of each task, from its memory. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "memory.h"
#include "rows.h"
#include "x.h"

/* More than the kernel lets anyone have (a quarter of 8 MiB of stack, by default). What a task says is longer is cut. */
#define TEXT_MAX (8u << 20)

/* The bytes of a range of a task's memory, with a zero byte behind them: NULL and 0 when it has none. */
static int read_range(struct memory *memory, uint64_t start, uint64_t end, char **text, size_t *len, struct img_err *err)
{
	*text = NULL;
	*len = 0;
	if (start >= end)
		return 0;
	*len = end - start < TEXT_MAX ? end - start : TEXT_MAX;
	*text = calloc(1, *len + 1);
	if (!*text)
		return img_fail_nomem(err);
	return memory_copy(memory, start, *text, *len, err);
}

static void add_args(struct rows *rows, const char *text, size_t len)
{
	json_t *list = json_array();

	for (size_t at = 0; at < len && list; at += strlen(text + at) + 1)
		json_array_append_new(list, rows_string(text + at, strlen(text + at)));
	rows_value(rows, "args", list);
}

/* As a shell would take it. */
static void add_command(struct rows *rows, const char *text, size_t len)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=:,@%+";
	cleanup_free char *command = NULL;
	size_t size;
	FILE *out = open_memstream(&command, &size);

	if (!out) {
		rows->failed = true;
		return;
	}
	for (size_t at = 0; at < len; at += strlen(text + at) + 1) {
		const char *word = text + at;

		if (at)
			fputc(' ', out);
		if (*word && word[strspn(word, plain)] == '\0') {
			fputs(word, out);
			continue;
		}
		fputc('\'', out);
		for (; *word; word++)
			fputs(*word == '\'' ? "'\\''" : (char[2]){ *word, 0 }, out);
		fputc('\'', out);
	}
	if (fclose(out))
		rows->failed = true;
	else
		rows_text(rows, "command", command);
}

static void add_env(struct rows *rows, uint32_t pid, const char *text, size_t len)
{
	for (size_t at = 0; at < len; at += strlen(text + at) + 1) {
		const char *equals = strchr(text + at, '=');

		if (!text[at])
			continue;
		rows_next(rows);
		rows_int(rows, "pid", pid);
		rows_bytes(rows, "name", text + at, equals ? (size_t)(equals - (text + at)) : strlen(text + at));
		rows_text(rows, "value", equals ? equals + 1 : NULL);
	}
}

static int read_task(struct x *x, struct rows *rows, uint32_t pid, bool env, struct img_err *err)
{
	cleanup_free char *text = NULL;
	struct memory memory;
	char comm[64];
	size_t len;
	int ret = memory_open(x, pid, &memory, err);

	if (ret < 0)
		return -1;
	if (ret == 0)
		return 0;
	ret = env ? read_range(&memory, memory.mm->mm_env_start, memory.mm->mm_env_end, &text, &len, err)
		  : read_range(&memory, memory.mm->mm_arg_start, memory.mm->mm_arg_end, &text, &len, err);
	if (ret == 0 && env)
		add_env(rows, pid, text, len);
	if (ret == 0 && !env) {
		ret = x_read_comm(x, pid, comm, err);
		rows_next(rows);
		rows_int(rows, "pid", pid);
		rows_text(rows, "comm", ret == 0 ? comm : "");
		rows_text(rows, "exe", objects_path(&x->objects, memory.mm->exe_file_id));
		add_args(rows, text, len);
		add_command(rows, text, len);
	}
	memory_close(&memory);
	return ret;
}

static int add_task(struct x *x, struct rows *rows, uint32_t pid, bool env, struct img_err *err)
{
	if (objects_read(&x->objects, x->set, err) < 0)
		return -1;
	return read_task(x, rows, pid, env, err) < 0 ? img_wrap(err, "task %" PRIu32, pid) : 0;
}

static int args_task(struct x *x, struct rows *rows, const PstreeEntry *task, struct img_err *err)
{
	return add_task(x, rows, task->pid, false, err);
}

static int env_task(struct x *x, struct rows *rows, const PstreeEntry *task, struct img_err *err)
{
	return add_task(x, rows, task->pid, true, err);
}

static const struct column args_columns[] = {
	{ "pid", "PID", true, '6' },
	{ "comm", "COMM", false, '2' },
	{ "command", "COMMAND", false, 0 },
	{ 0 },
};

static const struct column env_columns[] = {
	{ "pid", "PID", true, '6' },
	{ "name", "NAME", false, '2' },
	{ "value", "VALUE", false, 0 },
	{ 0 },
};

const struct x_view x_args = {
	.name = "args",
	.summary = "the command line of each task",
	.task = args_task,
	.columns = args_columns,
};

const struct x_view x_env = {
	.name = "env",
	.summary = "the environment of each task",
	.task = env_task,
	.columns = env_columns,
};
