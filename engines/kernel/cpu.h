/* engines/kernel/cpu.h -- what the processor is and can do, as CPUID and XGETBV tell.
 *
 * Facts: Intel SDM volume 2 (CPUID), AMD APM volume 3 appendix E; the order of the words is that of cpuinfo.img (docs/format.md).
 */
#ifndef ENGINES_KERNEL_CPU_H
#define ENGINES_KERNEL_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "criuimg/err.h"

enum {
	KERN_CPU_WORDS = 19,
	KERN_CPU_MODEL_MAX = 64,
};

enum kern_cpu_vendor {
	KERN_CPU_UNKNOWN = 0,
	KERN_CPU_INTEL = 1,
	KERN_CPU_AMD = 2,
};

struct kern_cpu {
	enum kern_cpu_vendor vendor;
	uint32_t family, model, stepping;
	uint32_t capability[KERN_CPU_WORDS]; /* feature bits */
	char model_id[KERN_CPU_MODEL_MAX];
	uint64_t xfeatures;	 /* XCR0: what XSAVE saves here; 0 without XSAVE */
	uint32_t xsave_size;	 /* bytes of an XSAVE area with these */
	uint32_t xsave_size_max; /* bytes with all that the processor has */
};

/* This processor. */
void kern_cpu_read(struct kern_cpu *cpu);

/* The name of a feature bit ("avx2"), or NULL where it has none here. */
const char *kern_cpu_feature_name(unsigned word, unsigned bit);

/* Can a task that ran on `from` run on `to`? Each returns 0, or fails IMG_UNSUPPORTED naming what is missing:
 * fpu: the state that XSAVE saved fits; ins: every instruction is there; same: it is the same processor with the same features. */
int kern_cpu_fits_fpu(const struct kern_cpu *from, const struct kern_cpu *to, struct img_err *err);
int kern_cpu_fits_ins(const struct kern_cpu *from, const struct kern_cpu *to, struct img_err *err);
int kern_cpu_same(const struct kern_cpu *from, const struct kern_cpu *to, struct img_err *err);

#endif
