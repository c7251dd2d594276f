/* imagefmt/convert/json-parse.c -- numbers from their readable form: the way back of json-names.c. */

#include "convert/json-names.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/sysmacros.h>

static bool parse_digits(const char *text, size_t len, unsigned int base, uint64_t *value)
{
	*value = 0;
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned int c = (unsigned char)text[i], digit = base;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10;
		if (digit >= base || __builtin_mul_overflow(*value, (uint64_t)base, value) ||
			__builtin_add_overflow(*value, (uint64_t)digit, value))
			return false;
	}
	return true;
}

bool json_number_parse(const char *text, size_t len, uint64_t *magnitude, bool *negative)
{
	*negative = len && *text == '-';
	if (*negative) {
		text++;
		len--;
	}
	if (len > 2 && text[0] == '0' && (text[1] | 0x20) == 'x')
		return parse_digits(text + 2, len - 2, 16, magnitude);
	return parse_digits(text, len, 10, magnitude);
}

bool json_name_parse(const char *text, size_t len, const struct json_name *names, uint64_t *value)
{
	for (; names->name; names++) {
		if (strlen(names->name) == len && !memcmp(names->name, text, len)) {
			*value = names->value;
			return true;
		}
	}
	return false;
}

bool json_flags_parse(const char *text, size_t len, const struct json_name *names, uint64_t *value)
{
	const char *end = text + len;

	*value = 0;
	if (!len)
		return true;
	for (;;) {
		const char *bar = memchr(text, '|', end - text), *stop = bar ? bar : end;
		uint64_t bits;
		bool negative;

		while (text < stop && *text == ' ')
			text++;
		while (stop > text && stop[-1] == ' ')
			stop--;
		if (!json_name_parse(text, stop - text, names, &bits) &&
			(!json_number_parse(text, stop - text, &bits, &negative) || negative))
			return false;
		*value |= bits;
		if (!bar)
			return true;
		text = bar + 1;
	}
}

bool json_dev_parse(const char *text, size_t len, bool stat_form, uint64_t *dev)
{
	const char *colon = memchr(text, ':', len);
	uint64_t maj, min;

	if (!colon || !parse_digits(text, colon - text, 10, &maj) ||
		!parse_digits(colon + 1, text + len - colon - 1, 10, &min) || maj > UINT32_MAX || min > UINT32_MAX)
		return false;
	if (stat_form) {
		*dev = makedev(maj, min);
		return true;
	}
	*dev = maj << JSON_MINOR_BITS | min;
	return min < 1u << JSON_MINOR_BITS;
}

size_t json_address_parse(const char *text, size_t len, uint32_t words[static 4])
{
	char terminated[INET6_ADDRSTRLEN];

	if (len >= sizeof(terminated))
		return 0;
	memcpy(terminated, text, len);
	terminated[len] = '\0';
	if (inet_pton(AF_INET, terminated, words) == 1)
		return 1;
	return inet_pton(AF_INET6, terminated, words) == 1 ? 4 : 0;
}
