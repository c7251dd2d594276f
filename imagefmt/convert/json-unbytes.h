/* imagefmt/convert/json-unbytes.h -- the bytes that text stands for: base64 and quoted-printable (RFC 2045). */
#ifndef IMAGEFMT_CONVERT_JSON_UNBYTES_H
#define IMAGEFMT_CONVERT_JSON_UNBYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Base64 that comes in pieces; start with { 0 }. */
struct json_unbase64 {
	uint32_t word; /* the digits of the group begun */
	unsigned int digits;
	unsigned int padding; /* '=' seen */
};

/* Decode a piece: at most len bytes go to data, *n says how many. Line ends are skipped. False: not base64. */
bool json_unbase64(struct json_unbase64 *state, const char *text, size_t len, uint8_t *data, size_t *n);
/* Was the last group complete? */
bool json_unbase64_end(const struct json_unbase64 *state);

/* All of it; at most len bytes go to data. False: not quoted-printable. */
bool json_unquote_printable(const char *text, size_t len, uint8_t *data, size_t *n);

#endif
