/* engines/kernel/cpu.c -- what the processor is and can do. */

#include <cpuid.h>
#include <stdio.h>
#include <string.h>

#include "criuimg/array.h"
#include "kernel/cpu.h"

enum reg {
	EAX,
	EBX,
	ECX,
	EDX,
};

/* Where each word of `capability` comes from. Words that are not listed stay 0. */
static const struct {
	unsigned word;
	uint32_t leaf, subleaf;
	enum reg reg;
} sources[] = {
	{ 0, 0x1, 0, EDX },	  { 1, 0x80000001, 0, EDX }, { 4, 0x1, 0, ECX },	 { 6, 0x80000001, 0, ECX },
	{ 9, 0x7, 0, EBX },	  { 10, 0xd, 1, EAX },	     { 11, 0x7, 0, ECX },	 { 13, 0x80000008, 0, EBX },
	{ 14, 0x6, 0, EAX },	  { 15, 0x8000000a, 0, EDX }, { 17, 0x80000007, 0, EBX }, { 18, 0x7, 0, EDX },
};

/* Word 3 is the kernel's own: three of its bits follow from being a 64-bit processor with CPUID. */
enum {
	OWN_WORD = 3,
	OWN_REP_GOOD = 1u << 16,
	OWN_NOPL = 1u << 20,
	OWN_CPUID = 1u << 25,
};

/* The bits that stand for instructions or state that user space can use: those that matter to a task that moves. Names as
 * in /proc/cpuinfo. */
static const struct {
	unsigned word, bit;
	const char *name;
} features[] = {
	{ 0, 0, "fpu" },	  { 0, 4, "tsc" },	   { 0, 8, "cx8" },	      { 0, 15, "cmov" },
	{ 0, 19, "clflush" },	  { 0, 23, "mmx" },	   { 0, 24, "fxsr" },	      { 0, 25, "sse" },
	{ 0, 26, "sse2" },	  { 1, 11, "syscall" },	   { 1, 22, "mmxext" },	      { 1, 25, "fxsr_opt" },
	{ 1, 27, "rdtscp" },	  { 1, 29, "lm" },	   { 1, 30, "3dnowext" },     { 1, 31, "3dnow" },
	{ 4, 0, "pni" },	  { 4, 1, "pclmulqdq" },   { 4, 9, "ssse3" },	      { 4, 12, "fma" },
	{ 4, 13, "cx16" },	  { 4, 19, "sse4_1" },	   { 4, 20, "sse4_2" },	      { 4, 22, "movbe" },
	{ 4, 23, "popcnt" },	  { 4, 25, "aes" },	   { 4, 26, "xsave" },	      { 4, 27, "osxsave" },
	{ 4, 28, "avx" },	  { 4, 29, "f16c" },	   { 4, 30, "rdrand" },	      { 6, 0, "lahf_lm" },
	{ 6, 5, "abm" },	  { 6, 6, "sse4a" },	   { 6, 7, "misalignsse" },   { 6, 8, "3dnowprefetch" },
	{ 6, 11, "xop" },	  { 6, 15, "lwp" },	   { 6, 16, "fma4" },	      { 6, 21, "tbm" },
	{ 9, 0, "fsgsbase" },	  { 9, 3, "bmi1" },	   { 9, 4, "hle" },	      { 9, 5, "avx2" },
	{ 9, 8, "bmi2" },	  { 9, 9, "erms" },	   { 9, 11, "rtm" },	      { 9, 14, "mpx" },
	{ 9, 16, "avx512f" },	  { 9, 17, "avx512dq" },   { 9, 18, "rdseed" },	      { 9, 19, "adx" },
	{ 9, 21, "avx512ifma" },  { 9, 23, "clflushopt" }, { 9, 24, "clwb" },	      { 9, 26, "avx512pf" },
	{ 9, 27, "avx512er" },	  { 9, 28, "avx512cd" },   { 9, 29, "sha_ni" },	      { 9, 30, "avx512bw" },
	{ 9, 31, "avx512vl" },	  { 10, 0, "xsaveopt" },   { 10, 1, "xsavec" },	      { 10, 2, "xgetbv1" },
	{ 11, 1, "avx512vbmi" },  { 11, 3, "pku" },	   { 11, 4, "ospke" },	      { 11, 6, "avx512_vbmi2" },
	{ 11, 8, "gfni" },	  { 11, 9, "vaes" },	   { 11, 10, "vpclmulqdq" },  { 11, 11, "avx512_vnni" },
	{ 11, 12, "avx512_bitalg" }, { 11, 14, "avx512_vpopcntdq" }, { 11, 22, "rdpid" }, { 11, 25, "cldemote" },
	{ 11, 27, "movdiri" },	  { 11, 28, "movdir64b" }, { 13, 0, "clzero" },	      { 18, 2, "avx512_4vnniw" },
	{ 18, 3, "avx512_4fmaps" }, { 18, 8, "avx512_vp2intersect" }, { 18, 14, "serialize" }, { 18, 16, "tsxldtrk" },
	{ 18, 22, "amx_bf16" },	  { 18, 23, "avx512_fp16" }, { 18, 24, "amx_tile" },  { 18, 25, "amx_int8" },
};

static uint32_t cpuid_word(uint32_t leaf, uint32_t subleaf, enum reg reg)
{
	uint32_t regs[4] = { 0 };

	if ((uint32_t)__get_cpuid_max(leaf & 0x80000000u, NULL) < leaf)
		return 0;
	__cpuid_count(leaf, subleaf, regs[EAX], regs[EBX], regs[ECX], regs[EDX]);
	return regs[reg];
}

static void read_identity(struct kern_cpu *cpu)
{
	uint32_t word[4] = { 0 }, family, brand[12];
	unsigned i;

	__cpuid(0, word[EAX], word[EBX], word[ECX], word[EDX]);
	if (word[EBX] == signature_INTEL_ebx)
		cpu->vendor = KERN_CPU_INTEL;
	else if (word[EBX] == signature_AMD_ebx)
		cpu->vendor = KERN_CPU_AMD;

	word[EAX] = cpuid_word(1, 0, EAX);
	family = word[EAX] >> 8 & 0xf;
	cpu->family = family == 0xf ? family + (word[EAX] >> 20 & 0xff) : family;
	cpu->model = (word[EAX] >> 4 & 0xf) | (family >= 6 ? (word[EAX] >> 16 & 0xf) << 4 : 0);
	cpu->stepping = word[EAX] & 0xf;

	for (i = 0; i < ARRAY_SIZE(brand); i++)
		brand[i] = cpuid_word(0x80000002 + i / 4, 0, i % 4);
	snprintf(cpu->model_id, sizeof(cpu->model_id), "%.48s", (const char *)brand);
	/* Intel pads the name with spaces at the front. */
	i = strspn(cpu->model_id, " ");
	memmove(cpu->model_id, cpu->model_id + i, strlen(cpu->model_id + i) + 1);
}

static void read_xsave(struct kern_cpu *cpu)
{
	uint32_t low, high;

	if (!(cpuid_word(1, 0, ECX) & bit_OSXSAVE))
		return;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	cpu->xfeatures = (uint64_t)high << 32 | low;
	cpu->xsave_size = cpuid_word(0xd, 0, EBX);
	cpu->xsave_size_max = cpuid_word(0xd, 0, ECX);
}

void kern_cpu_read(struct kern_cpu *cpu)
{
	size_t i;

	*cpu = (struct kern_cpu){ 0 };
	read_identity(cpu);
	for (i = 0; i < ARRAY_SIZE(sources); i++)
		cpu->capability[sources[i].word] = cpuid_word(sources[i].leaf, sources[i].subleaf, sources[i].reg);
	cpu->capability[OWN_WORD] = OWN_REP_GOOD | OWN_NOPL | OWN_CPUID;
	read_xsave(cpu);
}

const char *kern_cpu_feature_name(unsigned word, unsigned bit)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		if (features[i].word == word && features[i].bit == bit)
			return features[i].name;
	}
	return NULL;
}

int kern_cpu_fits_fpu(const struct kern_cpu *from, const struct kern_cpu *to, struct img_err *err)
{
	uint64_t missing = from->xfeatures & ~to->xfeatures;

	if (missing)
		return img_fail(err, IMG_UNSUPPORTED, "the processor lacks the XSAVE components %#llx of the image",
			(unsigned long long)missing);
	if (from->xsave_size > to->xsave_size)
		return img_fail(err, IMG_UNSUPPORTED, "the image's XSAVE area has %u bytes, this processor's %u",
			from->xsave_size, to->xsave_size);
	return 0;
}

int kern_cpu_fits_ins(const struct kern_cpu *from, const struct kern_cpu *to, struct img_err *err)
{
	char list[512] = "";
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		uint32_t bit = 1u << features[i].bit;
		unsigned w = features[i].word;

		if ((from->capability[w] & bit) && !(to->capability[w] & bit) && len < sizeof(list))
			len += snprintf(list + len, sizeof(list) - len, " %s", features[i].name);
	}
	if (len)
		return img_fail(err, IMG_UNSUPPORTED, "the processor lacks:%s", list);
	return 0;
}

int kern_cpu_same(const struct kern_cpu *from, const struct kern_cpu *to, struct img_err *err)
{
	unsigned w;

	if (from->vendor != to->vendor || from->family != to->family || from->model != to->model ||
		from->stepping != to->stepping)
		return img_fail(err, IMG_UNSUPPORTED, "another processor: the image is of %s (family %u model %u stepping %u), this "
						      "is %s (family %u model %u stepping %u)",
			from->model_id, from->family, from->model, from->stepping, to->model_id, to->family, to->model,
			to->stepping);
	for (w = 0; w < KERN_CPU_WORDS; w++) {
		uint32_t differ = from->capability[w] ^ to->capability[w];
		const char *name;

		if (!differ || w == OWN_WORD)
			continue;
		name = kern_cpu_feature_name(w, __builtin_ctz(differ));
		return img_fail(err, IMG_UNSUPPORTED, "the processor's features differ: word %u is %#x in the image, %#x here%s%s", w,
			from->capability[w], to->capability[w], name ? ": " : "", name ? name : "");
	}
	return 0;
}
