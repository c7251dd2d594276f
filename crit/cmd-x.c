/* crit/cmd-x.c -- crit x: looks through a whole set of images. */

#include <fcntl.h>
#include <string.h>

#include "crit.h"
#include "criuimg/array.h"
#include "x.h"

enum { DIR, WHAT };

static const struct crit_operand operands[] = {
	[DIR] = { "DIR", "the directory of the images" },
	[WHAT] = { "WHAT", "ps: the tree of tasks; fds: their descriptors; mems: their mappings; rss: their pages" },
	{ 0 },
};

static const struct {
	const char *name;
	bool files; /* it shows names of files */
	int (*print)(struct x *x, struct img_err *err);
} views[] = {
	{ "ps", false, x_ps },
	{ "fds", true, x_fds },
	{ "mems", true, x_mems },
	{ "rss", true, x_rss },
};

static int print_view(struct x *x, const char *what, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		if (strcmp(views[i].name, what))
			continue;
		if (x_tasks_read(x, err) < 0 || (views[i].files && x_files_read(x, err) < 0))
			return -1;
		return views[i].print(x, err);
	}
	return img_fail(err, IMG_USAGE, "%s: ps, fds, mems or rss is what can be shown", what);
}

static int run(const struct crit_args *args, struct img_err *err)
{
	struct x x = { .set = img_set_open_dir(AT_FDCWD, args->operand[DIR], err) };
	int ret;

	if (!x.set)
		return -1;
	ret = print_view(&x, args->operand[WHAT], err);
	x_files_free(&x.files);
	x_tasks_free(&x.tasks);
	img_set_close(x.set);
	return ret < 0 ? img_wrap(err, "%s", args->operand[DIR]) : 0;
}

const struct crit_verb crit_x = {
	.name = "x",
	.summary = "look through a directory of images: tasks, descriptors, mappings, pages",
	.operands = operands,
	.examples = "  crit x /var/lib/checkpoint ps\n"
		    "  crit x /var/lib/checkpoint mems | grep -A30 ^1234\n",
	.run = run,
};
