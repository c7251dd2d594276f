/* kernel/file-check.h -- how the checksum of a file in a record is made: reg_file_entry.checksum_config and checksum_parameter. */
#ifndef ENGINES_KERNEL_FILE_CHECK_H
#define ENGINES_KERNEL_FILE_CHECK_H

enum {
	FILE_CHECKSUM_FULL = 0,	  /* all bytes */
	FILE_CHECKSUM_FIRST = 1,  /* the first ones, so many as the parameter says */
	FILE_CHECKSUM_PERIOD = 2, /* one of every so many */

	FILE_CHECKSUM_BYTES = 1024, /* what we write */
};

#endif
