/* kernel/crc32c.c -- CRC-32C, a bit at a time: it is asked for of a kilobyte a file. */

#include "kernel/crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* reflected */

uint32_t kern_crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *at = data;

	crc = ~crc;
	while (len--) {
		crc ^= *at++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return ~crc;
}
