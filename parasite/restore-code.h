/* parasite/restore-code.h -- the restore blob as criu-restore carries it: a flat binary that runs at any
 * address. */
#ifndef PARASITE_RESTORE_CODE_H
#define PARASITE_RESTORE_CODE_H

#include <stddef.h>

extern const unsigned char restore_blob_code[];
extern const size_t restore_blob_size;

#endif
