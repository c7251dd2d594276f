/* engines/cpuinfo/cpuinfo.h -- cpuinfo.img: the processor that tasks were dumped on, written and compared.
 *
 * Shared by the front door (`criu cpuinfo`), dump and restore (--cpu-cap).
 */
#ifndef ENGINES_CPUINFO_H
#define ENGINES_CPUINFO_H

#include "criuimg/err.h"
#include "criuimg/set.h"

/* Write this processor as cpuinfo.img. */
int cpuinfo_write(struct img_set *set, struct img_err *err);

/* Compare the image with this processor as `caps` (enum cpu_cap) asks: 0; IMG_UNSUPPORTED names what is missing; IMG_USAGE
 * when the set has no cpuinfo.img and CPU_CAP_CPU or CPU_CAP_INS is asked for and `required`. */
int cpuinfo_check(struct img_set *set, unsigned caps, bool required, struct img_err *err);

#endif
