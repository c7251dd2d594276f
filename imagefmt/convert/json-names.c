/* imagefmt/convert/json-names.c -- the readable form of numbers: masks, dictionaries, devices, addresses, sizes.
 *
 * The names are those of crit (facts of CRIU 4.2), whose lists are not always the kernel's whole ones: bits and numbers
 * without a name are shown as numbers.
 */

#include "convert/json-names.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* ---- bits ---- */

static const struct json_name mmap_prot[] = {
	{ 0x1, "PROT_READ" },
	{ 0x2, "PROT_WRITE" },
	{ 0x4, "PROT_EXEC" },
	{ 0 },
};

static const struct json_name mmap_flags[] = {
	{ 0x1, "MAP_SHARED" },
	{ 0x2, "MAP_PRIVATE" },
	{ 0x8, "MAP_DROPPABLE" },
	{ 0x20, "MAP_ANON" },
	{ 0x100, "MAP_GROWSDOWN" },
	{ 0 },
};

static const struct json_name mmap_status[] = {
	{ 1u << 0, "VMA_AREA_REGULAR" },
	{ 1u << 1, "VMA_AREA_STACK" },
	{ 1u << 2, "VMA_AREA_VSYSCALL" },
	{ 1u << 3, "VMA_AREA_VDSO" },
	{ 1u << 5, "VMA_AREA_HEAP" },
	{ 1u << 6, "VMA_FILE_PRIVATE" },
	{ 1u << 7, "VMA_FILE_SHARED" },
	{ 1u << 8, "VMA_ANON_SHARED" },
	{ 1u << 9, "VMA_ANON_PRIVATE" },
	{ 1u << 10, "VMA_AREA_SYSVIPC" },
	{ 1u << 11, "VMA_AREA_SOCKET" },
	{ 1u << 12, "VMA_AREA_VVAR" },
	{ 1u << 13, "VMA_AREA_AIORING" },
	{ 1u << 14, "VMA_AREA_MEMFD" },
	{ 1u << 15, "VMA_AREA_SHSTK" },
	{ 1u << 17, "VMA_AREA_UPROBES" },
	{ 1u << 27, "VMA_EXT_PLUGIN" },
	{ 1u << 31, "VMA_UNSUPP" },
	{ 0 },
};

/* Values of x86: <asm-generic/fcntl.h>. */
static const struct json_name rfile_flags[] = {
	{ 01, "O_WRONLY" },
	{ 02, "O_RDWR" },
	{ 0100, "O_CREAT" },
	{ 0200, "O_EXCL" },
	{ 0400, "O_NOCTTY" },
	{ 01000, "O_TRUNC" },
	{ 02000, "O_APPEND" },
	{ 04000, "O_NONBLOCK" },
	{ 010000, "O_DSYNC" },
	{ 020000, "FASYNC" },
	{ 040000, "O_DIRECT" },
	{ 0100000, "O_LARGEFILE" },
	{ 0200000, "O_DIRECTORY" },
	{ 0400000, "O_NOFOLLOW" },
	{ 01000000, "O_NOATIME" },
	{ 02000000, "O_CLOEXEC" },
	{ 0 },
};

static const struct json_name pmap_flags[] = {
	{ 0x1, "PE_PARENT" },
	{ 0x2, "PE_LAZY" },
	{ 0x4, "PE_PRESENT" },
	{ 0 },
};

/* <linux/fcntl.h> */
static const struct json_name seals_flags[] = {
	{ 0x1, "F_SEAL_SEAL" },
	{ 0x2, "F_SEAL_SHRINK" },
	{ 0x4, "F_SEAL_GROW" },
	{ 0x8, "F_SEAL_WRITE" },
	{ 0x10, "F_SEAL_FUTURE_WRITE" },
	{ 0 },
};

const struct json_name *json_flag_names(enum img_flags_names names)
{
	static const struct json_name *const tables[] = {
		[IMG_FLAGS_MMAP_PROT] = mmap_prot,
		[IMG_FLAGS_MMAP_FLAGS] = mmap_flags,
		[IMG_FLAGS_MMAP_STATUS] = mmap_status,
		[IMG_FLAGS_RFILE_FLAGS] = rfile_flags,
		[IMG_FLAGS_PMAP_FLAGS] = pmap_flags,
		[IMG_FLAGS_SEALS_FLAGS] = seals_flags,
	};

	return names < sizeof(tables) / sizeof(tables[0]) ? tables[names] : NULL;
}

void json_flags_text(char text[static JSON_TEXT_MAX], const struct json_name *names, uint64_t value)
{
	char *at = text;

	*at = '\0';
	for (; names->name; names++) {
		if (!(value & names->value))
			continue;
		value &= ~names->value;
		at = stpcpy(stpcpy(at, at == text ? "" : " | "), names->name);
	}
	if (value)
		sprintf(at, "%s0x%" PRIx64, at == text ? "" : " | ", value);
}

/* ---- numbers ---- */

static const struct json_name gen_task_state[] = {
	{ 1, "Alive" },
	{ 3, "Zombie" },
	{ 6, "Stopped" },
	{ 0 },
};

static const struct json_name sk_family[] = {
	{ 1, "UNIX" },
	{ 2, "INET" },
	{ 10, "INET6" },
	{ 16, "NETLINK" },
	{ 17, "PACKET" },
	{ 0 },
};

static const struct json_name sk_type[] = {
	{ 1, "STREAM" },
	{ 2, "DGRAM" },
	{ 3, "RAW" },
	{ 5, "SEQPACKET" },
	{ 10, "PACKET" },
	{ 0 },
};

static const struct json_name sk_state[] = {
	{ 1, "ESTABLISHED" },
	{ 2, "SYN_SENT" },
	{ 3, "SYN_RECV" },
	{ 4, "FIN_WAIT1" },
	{ 5, "FIN_WAIT2" },
	{ 6, "TIME_WAIT" },
	{ 7, "CLOSE" },
	{ 8, "CLOSE_WAIT" },
	{ 9, "LAST_ACK" },
	{ 10, "LISTEN" },
	{ 0 },
};

static const struct json_name sk_proto[] = {
	{ 0, "IP" },
	{ 6, "TCP" },
	{ 17, "UDP" },
	{ 136, "UDPLITE" },
	{ 0 },
};

const struct json_name *json_dict_names(enum img_dict dict, const char *field)
{
	static const struct {
		enum img_dict dict;
		const char *field;
		const struct json_name *names;
	} rows[] = {
		{ IMG_DICT_GEN, "task_state", gen_task_state },
		{ IMG_DICT_SK, "family", sk_family },
		{ IMG_DICT_SK, "type", sk_type },
		{ IMG_DICT_SK, "state", sk_state },
		{ IMG_DICT_SK, "proto", sk_proto },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].dict == dict && !strcmp(rows[i].field, field))
			return rows[i].names;
	return NULL;
}

const char *json_name_of(const struct json_name *names, uint64_t value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

/* ---- devices, addresses, sizes ---- */

void json_dev_text(char text[static JSON_TEXT_MAX], uint64_t dev, bool stat_form)
{
	if (stat_form)
		snprintf(text, JSON_TEXT_MAX, "%u:%u", major(dev), minor(dev));
	else
		snprintf(text, JSON_TEXT_MAX, "%" PRIu64 ":%" PRIu64, dev >> JSON_MINOR_BITS, dev & ((1u << JSON_MINOR_BITS) - 1));
}

/* The longest run of two or more zero groups, the first of equals: where RFC 5952 puts the "::". */
static void ipv6_longest_zeros(const uint16_t groups[8], size_t *start, size_t *len)
{
	size_t run = 0;

	*start = 8;
	*len = 1;
	for (size_t i = 0; i < 8; i++) {
		run = groups[i] ? 0 : run + 1;
		if (run > *len) {
			*len = run;
			*start = i + 1 - run;
		}
	}
}

/* Always in hexadecimal groups: inet_ntop(3) would show some addresses with an IPv4 one in their end. */
static void ipv6_text(char text[static JSON_TEXT_MAX], const uint32_t words[4])
{
	uint16_t groups[8];
	size_t zeros, nr_zeros, i = 0;
	char *at = text;

	for (size_t w = 0; w < 4; w++) {
		groups[2 * w] = ntohl(words[w]) >> 16;
		groups[2 * w + 1] = ntohl(words[w]) & 0xffff;
	}
	ipv6_longest_zeros(groups, &zeros, &nr_zeros);
	while (i < 8) {
		if (i == zeros) {
			at += sprintf(at, "::");
			i += nr_zeros;
		} else {
			at += sprintf(at, "%s%x", i == 0 || at[-1] == ':' ? "" : ":", groups[i]);
			i++;
		}
	}
}

bool json_address_text(char text[static JSON_TEXT_MAX], const uint32_t *words, size_t n)
{
	switch (n) {
	case 1:
		return inet_ntop(AF_INET, words, text, JSON_TEXT_MAX) != NULL;
	case 4:
		ipv6_text(text, words);
		return true;
	default:
		return false;
	}
}

void json_size_text(char text[static JSON_TEXT_MAX], uint64_t size)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB", "PB" };
	size_t unit = 0;

	while (unit < 5 && size >> (10 * (unit + 1)))
		unit++;
	if (size & ((1ull << (10 * unit)) - 1))
		snprintf(text, JSON_TEXT_MAX, "%.1f%s", (double)size / (double)(1ull << (10 * unit)), units[unit]);
	else
		snprintf(text, JSON_TEXT_MAX, "%" PRIu64 "%s", size >> (10 * unit), units[unit]);
}
