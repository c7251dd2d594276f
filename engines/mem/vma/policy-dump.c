/* engines/mem/vma/policy-dump.c -- where the memory of a mapping comes from: mbind(2).
 *
 * /proc/PID/numa_maps shows the policy of the thread where a mapping has none, and walks all pages to do so: the task is asked.
 * It is asked for the nodes in a second go: most mappings have no policy, and a mask may be long.
 */

#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "criu-dump/mem.h"
#include "criu-dump/spine.h"
#include "criuimg/cleanup.h"

enum {
	NODE_WORDS = 1024 / 64, /* as many nodes as the kernel can be built for: MAX_NUMNODES */
};

IMG_DEFINE_CLEANUP(struct inject_batch *, inject_batch_free);

int dump_policies_ask(struct dump_task *t, struct dump_policies *p, struct inject_batch *b, struct img_err *err)
{
	p->items = img_arena_array(&t->arena, t->maps->nr, sizeof(*p->items));
	if (!p->items)
		return img_fail_nomem(err);
	for (size_t i = 0; i < t->maps->nr; i++) {
		struct dump_policy *one = &p->items[i];

		inject_call(b, &one->ret, SYS_get_mempolicy, inj_out(&one->mode, sizeof(one->mode)), inj_val(0), inj_val(0),
			inj_val(t->maps->vmas[i].start), inj_val(MPOL_F_ADDR));
	}
	return 0;
}

/* A failure means a kernel that has no policies, or an area of its own. */
static bool is_default(const struct dump_policy *p)
{
	return p->ret < 0 || p->mode == MPOL_DEFAULT;
}

bool dump_policies_same(const struct dump_task *t, const struct dump_policies *p, const struct kern_vma *a,
	const struct kern_vma *b)
{
	/* Of those that have one the nodes are not known yet. */
	return is_default(&p->items[a - t->maps->vmas]) && is_default(&p->items[b - t->maps->vmas]);
}

static bool has_policy(const struct dump_task *t, const struct dump_policies *p, const struct dump_vma *v)
{
	return !is_default(&p->items[v->map - t->maps->vmas]);
}

static int fill(struct dump_task *t, struct dump_vma *v, int mode, uint64_t *nodes, struct img_err *err)
{
	size_t nr = NODE_WORDS;

	while (nr && !nodes[nr - 1])
		nr--;
	v->rec.has_mempolicy = true;
	v->rec.mempolicy = mode;
	v->rec.n_mempolicy_nodes = nr;
	v->rec.mempolicy_nodes = nr ? img_arena_memdup(&t->arena, nodes, nr * sizeof(*nodes)) : NULL;
	return nr && !v->rec.mempolicy_nodes ? img_fail_nomem(err) : 0;
}

struct answer {
	long ret;
	struct dump_vma *vma;
	uint64_t nodes[NODE_WORDS];
};

int dump_policies_fill(struct dump *d, struct dump_task *t, const struct dump_policies *p, struct img_err *err)
{
	cleanup_with(inject_batch_free) struct inject_batch *b = NULL;
	cleanup_free struct answer *answers = NULL;
	struct dump_mem *mem = t->mem;
	size_t nr = 0;

	for (size_t i = 0; i < mem->nr_vmas; i++)
		nr += has_policy(t, p, &mem->vmas[i]);
	if (!nr)
		return 0;
	answers = calloc(nr, sizeof(*answers));
	b = inject_batch_new();
	if (!answers || !b)
		return img_fail_nomem(err);
	nr = 0;
	for (size_t i = 0; i < mem->nr_vmas; i++) {
		struct answer *a = &answers[nr];

		if (!has_policy(t, p, &mem->vmas[i]))
			continue;
		a->vma = &mem->vmas[i];
		inject_call(b, &a->ret, SYS_get_mempolicy, inj_val(0), inj_out(a->nodes, sizeof(a->nodes)),
			inj_val(sizeof(a->nodes) * 8), inj_val(a->vma->map->start), inj_val(MPOL_F_ADDR));
		nr++;
	}
	if (dump_ask_leader(d, t, b, err) < 0)
		return -1;
	for (size_t i = 0; i < nr; i++) {
		struct answer *a = &answers[i];

		if (a->ret < 0)
			return img_fail(err, IMG_SYS, "mapping %#llx: get_mempolicy: %s", (unsigned long long)a->vma->map->start,
				strerror(-a->ret));
		if (fill(t, a->vma, p->items[a->vma->map - t->maps->vmas].mode, a->nodes, err) < 0)
			return -1;
	}
	return 0;
}
