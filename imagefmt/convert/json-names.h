/* imagefmt/convert/json-names.h -- the readable form of numbers, by the hint that their field carries.
 *
 * What each hint prints: docs/format.md, "JSON". Text that is written needs no escape.
 */
#ifndef IMAGEFMT_CONVERT_JSON_NAMES_H
#define IMAGEFMT_CONVERT_JSON_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kinds/annotations.h"

/* Room for any of the texts below, all names of the longest table and the rest of the bits included. */
#define JSON_TEXT_MAX 512

/* Of device numbers in the kernel's own split. */
#define JSON_MINOR_BITS 20

/* A name and the number it stands for. Tables end with a NULL name. */
struct json_name {
	uint64_t value;
	const char *name;
};

/* The bits of a mask, lowest first, or NULL for a mask without names. */
const struct json_name *json_flag_names(enum img_flags_names names);
/* The numbers of a dictionary; field: the name of the field, which chooses the list of IMG_DICT_SK. NULL: none. */
const struct json_name *json_dict_names(enum img_dict dict, const char *field);

/* The name of a number, or NULL. */
const char *json_name_of(const struct json_name *names, uint64_t value);
/* "A | B | 0x40", "" for 0. */
void json_flags_text(char text[static JSON_TEXT_MAX], const struct json_name *names, uint64_t value);
/* "major:minor": 20 bits of minor, or (stat_form) as makedev(3) joins them. */
void json_dev_text(char text[static JSON_TEXT_MAX], uint64_t dev, bool stat_form);
/* One word (IPv4) or four (IPv6) in network byte order. False for any other count. */
bool json_address_text(char text[static JSON_TEXT_MAX], const uint32_t *words, size_t n);

/* And back; text is not terminated. False where it is not what is asked for. */
bool json_number_parse(const char *text, size_t len, uint64_t *magnitude, bool *negative); /* "12", "-1", "0x1f" */
bool json_flags_parse(const char *text, size_t len, const struct json_name *names, uint64_t *value);
bool json_name_parse(const char *text, size_t len, const struct json_name *names, uint64_t *value);
bool json_dev_parse(const char *text, size_t len, bool stat_form, uint64_t *dev);
/* The number of words: 1, 4; 0: no address. */
size_t json_address_parse(const char *text, size_t len, uint32_t words[static 4]);

/* A size for people: "10B", "8.0KB". */
void json_size_text(char text[static JSON_TEXT_MAX], uint64_t size);

#endif
