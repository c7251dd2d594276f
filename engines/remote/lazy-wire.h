/* remote/lazy-wire.h -- what criu-restore and criu-lazy-pages say to each other, as CRIU 4.2 does.
 *
 * criu-lazy-pages listens at the unix stream socket LAZY_SOCKET in the work directory. criu-restore connects once. For each task
 * that is alive or stopped it sends the pid of the image (i32), then one byte that carries the task's userfaultfd (SCM_RIGHTS). When the
 * tree runs, LAZY_RESTORED; before that only faults are served.
 */
#ifndef ENGINES_REMOTE_LAZY_WIRE_H
#define ENGINES_REMOTE_LAZY_WIRE_H

#include <stdint.h>

#define LAZY_SOCKET "lazy-pages.socket"
/* Whoever gets a userfaultfd whose events are not enabled yet (UFFDIO_API) enables them: who sent it may not be allowed to. */

/* Ours alone: criu-lazy-pages says this first. Who does knows that pages may be there already, and leaves them alone; that of CRIU
 * tries for ever to put all that the images call lazy into place. */
#define LAZY_HELLO    0x3153594cu
#define LAZY_RESTORED 0x52535446u /* larger than any pid */

#endif
