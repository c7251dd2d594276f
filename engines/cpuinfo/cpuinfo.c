/* engines/cpuinfo/cpuinfo.c -- cpuinfo.img, written and compared. */

#include <stdio.h>
#include <string.h>

#include "cpuinfo.pb-c.h"
#include "cpuinfo/cpuinfo.h"
#include "criuimg/image.h"
#include "kernel/cpu.h"
#include "options/options.h"

enum {
	CAPABILITY_VERSION = 2, /* of the layout of the words */
	/* SSE state (bit 1 of XCR0) has no bit of its own in the image: readers take one for something unknown. It comes with x87's. */
	XFEATURE_SSE = 1 << 1,
};

int cpuinfo_write(struct img_set *set, struct img_err *err)
{
	CpuinfoX86Entry x86 = CPUINFO_X86_ENTRY__INIT, *one = &x86;
	CpuinfoEntry rec = CPUINFO_ENTRY__INIT;
	struct kern_cpu cpu;

	kern_cpu_read(&cpu);
	x86.vendor_id = (CpuinfoX86Entry__Vendor)cpu.vendor;
	x86.cpu_family = cpu.family;
	x86.model = cpu.model;
	x86.stepping = cpu.stepping;
	x86.capability_ver = CAPABILITY_VERSION;
	x86.n_capability = KERN_CPU_WORDS;
	x86.capability = cpu.capability;
	x86.model_id = cpu.model_id;
	x86.has_xfeatures_mask = x86.has_xsave_size = x86.has_xsave_size_max = true;
	x86.xfeatures_mask = cpu.xfeatures & ~(uint64_t)XFEATURE_SSE;
	x86.xsave_size = cpu.xsave_size;
	x86.xsave_size_max = cpu.xsave_size_max;
	rec.n_x86_entry = 1;
	rec.x86_entry = &one;
	return img_write_single(set, IMG_CPUINFO, 0, &rec.base, err);
}

static void cpu_from_record(const CpuinfoX86Entry *x86, struct kern_cpu *cpu)
{
	size_t i;

	*cpu = (struct kern_cpu){
		.vendor = (enum kern_cpu_vendor)x86->vendor_id,
		.family = x86->cpu_family,
		.model = x86->model,
		.stepping = x86->stepping,
		.xfeatures = x86->xfeatures_mask,
		.xsave_size = x86->xsave_size,
		.xsave_size_max = x86->xsave_size_max,
	};
	snprintf(cpu->model_id, sizeof(cpu->model_id), "%s", x86->model_id ? x86->model_id : "");
	for (i = 0; i < x86->n_capability && i < KERN_CPU_WORDS; i++)
		cpu->capability[i] = x86->capability[i];
}

static int compare(const CpuinfoEntry *rec, unsigned caps, struct img_err *err)
{
	struct kern_cpu image, host;

	if (rec->n_x86_entry != 1)
		return img_fail(err, IMG_UNSUPPORTED, "cpuinfo.img is of another architecture");
	if (rec->x86_entry[0]->capability_ver != CAPABILITY_VERSION)
		return img_fail(err, IMG_UNSUPPORTED, "cpuinfo.img has version %u of the feature words, known is %d",
			rec->x86_entry[0]->capability_ver, CAPABILITY_VERSION);
	cpu_from_record(rec->x86_entry[0], &image);
	kern_cpu_read(&host);
	if ((caps & CPU_CAP_FPU) && kern_cpu_fits_fpu(&image, &host, err) < 0)
		return -1;
	if ((caps & CPU_CAP_INS) && kern_cpu_fits_ins(&image, &host, err) < 0)
		return -1;
	return caps & CPU_CAP_CPU ? kern_cpu_same(&image, &host, err) : 0;
}

int cpuinfo_check(struct img_set *set, unsigned caps, bool required, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret;

	if (caps == CPU_CAP_NONE)
		return 0;
	ret = img_read_single(set, IMG_CPUINFO, 0, &msg, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return required ? img_fail(err, IMG_USAGE, "no cpuinfo.img in the set: dump with --cpu-cap, or restore with "
							   "--cpu-cap=none") :
				  0;
	ret = compare((CpuinfoEntry *)msg, caps, err);
	img_message_free(msg);
	return ret;
}
