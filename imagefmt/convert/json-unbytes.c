/* imagefmt/convert/json-unbytes.c -- the bytes that text stands for: base64 and quoted-printable (RFC 2045). */

#include "convert/json-unbytes.h"

/* 0..63, 64 for what is skipped, 65 for '=', 66 for all that does not belong there. */
#define SKIPPED 64
#define PADDING 65
#define FOREIGN 66

static unsigned int digit_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	switch (c) {
	case '+':
		return 62;
	case '/':
		return 63;
	case '=':
		return PADDING;
	case '\n':
	case '\r':
	case ' ':
		return SKIPPED;
	default:
		return FOREIGN;
	}
}

/* The bytes of a last group that is shorter; what does not fill a byte must be zero. */
static bool put_short_group(struct json_unbase64 *state, uint8_t *data, size_t *n)
{
	if (state->digits == 2) {
		data[(*n)++] = state->word >> 4;
		return !(state->word & 0xf);
	}
	data[(*n)++] = state->word >> 10;
	data[(*n)++] = state->word >> 2;
	return !(state->word & 0x3);
}

bool json_unbase64(struct json_unbase64 *state, const char *text, size_t len, uint8_t *data, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned int d = digit_of(text[i]);

		if (d == SKIPPED)
			continue;
		if (d == PADDING) {
			if (state->digits < 2 || ++state->padding > 4 - state->digits)
				return false;
			if (state->padding == 4 - state->digits && !put_short_group(state, data, n))
				return false;
			continue;
		}
		if (d == FOREIGN || state->padding)
			return false;
		state->word = state->word << 6 | d;
		if (++state->digits < 4)
			continue;
		data[(*n)++] = state->word >> 16;
		data[(*n)++] = state->word >> 8;
		data[(*n)++] = state->word;
		state->word = state->digits = 0;
	}
	return true;
}

bool json_unbase64_end(const struct json_unbase64 *state)
{
	return state->padding ? state->padding == 4 - state->digits : !state->digits;
}

/* ---- quoted-printable ---- */

static int hex_of(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

bool json_unquote_printable(const char *text, size_t len, uint8_t *data, size_t *n)
{
	size_t i = 0;

	*n = 0;
	while (i < len) {
		size_t left = len - i - 1;
		int high, low;

		if (text[i] != '=') {
			data[(*n)++] = text[i++];
			continue;
		}
		/* A soft break, "=\n" or "=\r\n", stands for nothing. */
		if (left >= 1 && text[i + 1] == '\n') {
			i += 2;
			continue;
		}
		if (left >= 2 && text[i + 1] == '\r' && text[i + 2] == '\n') {
			i += 3;
			continue;
		}
		if (left < 2)
			return false;
		high = hex_of(text[i + 1]);
		low = hex_of(text[i + 2]);
		if (high < 0 || low < 0)
			return false;
		data[(*n)++] = high << 4 | low;
		i += 3;
	}
	return true;
}
