/* parasite/arch/x86_64/modes.h -- arch_prctl(2) and modify_ldt(2) as numbers: arch/x86/include/uapi/asm/prctl.h, which not every host
 * has in its new form. */
#ifndef PARASITE_ARCH_X86_64_MODES_H
#define PARASITE_ARCH_X86_64_MODES_H

enum {
	LDT_READ = 0, /* a function of modify_ldt(2) */
};

#ifndef ARCH_GET_CPUID
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012
#endif

#ifndef ARCH_GET_XCOMP_PERM
#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#endif

#endif
