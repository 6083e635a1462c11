/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, bytes and memory segments as recordings write them. */
#include "replay_json.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay_ram.h"

/* ------------------------------------------------------------- errors -- */

int replay_fail(struct replay_error *error, const char *key, const char *format,
		...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	snprintf(error->where, sizeof(error->where), "%s", key);
	return -EINVAL;
}

int replay_within(struct replay_error *error, const char *format, ...)
{
	char part[64], where[sizeof(error->where) + sizeof(part) + 2];
	bool joined = error->where[0] && error->where[0] != '[';
	va_list args;

	va_start(args, format);
	vsnprintf(part, sizeof(part), format, args);
	va_end(args);
	snprintf(where, sizeof(where), "%s%s%s", part, joined ? "." : "",
		 error->where);
	where[sizeof(error->where) - 1] = '\0';
	memcpy(error->where, where, sizeof(error->where));
	return -EINVAL;
}

/* ------------------------------------------------------------ numbers -- */

bool replay_number(const json_t *value, uint64_t *out)
{
	const char *text;
	char *end;

	if (json_is_integer(value)) {
		*out = (uint64_t)json_integer_value(value);
		return json_integer_value(value) >= 0;
	}
	if (!json_is_string(value))
		return false;
	text = json_string_value(value);
	if (text[0] != '0' || tolower((unsigned char)text[1]) != 'x' ||
	    !isxdigit((unsigned char)text[2]))
		return false;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return !errno && !*end;
}

int replay_get(const json_t *object, const char *key, uint64_t min,
	       uint64_t max, uint64_t *out, struct replay_error *error)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return replay_fail(error, key, "the key is missing");
	if (!replay_number(value, out) || *out < min || *out > max)
		return replay_fail(error, key, "no number from %llu to %#llx",
				   (unsigned long long)min,
				   (unsigned long long)max);
	return 0;
}

int replay_get_opt(const json_t *object, const char *key, uint64_t min,
		   uint64_t max, uint64_t *out, struct replay_error *error)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value))
		return 0;
	return replay_get(object, key, min, max, out, error);
}

int replay_get_bool(const json_t *object, const char *key, bool *out,
		    struct replay_error *error)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return replay_fail(error, key, "neither true nor false");
	*out = json_is_true(value);
	return 0;
}

int replay_get_list(const json_t *object, const char *key, const json_t **out,
		    struct replay_error *error)
{
	*out = json_object_get(object, key);
	if (*out && !json_is_array(*out))
		return replay_fail(error, key, "no list");
	return 0;
}

/* -------------------------------------------------------------- bytes -- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int replay_bytes(const json_t *object, const char *key, uint8_t *out,
		 size_t max, size_t *len, struct replay_error *error)
{
	const char *text = json_string_value(json_object_get(object, key));
	size_t n = text ? strlen(text) : 0;

	if (!text || n % 2 || n / 2 > max)
		return replay_fail(error, key,
				   "no hex string of at most %zu bytes", max);
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return replay_fail(error, key, "not hex at digit %zu",
					   i);
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	*len = n / 2;
	return 0;
}

json_t *replay_hex(const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;
	char *text = malloc(2 * len + 1);
	json_t *value;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	text[2 * len] = '\0';
	value = json_string(text);
	free(text);
	return value;
}

json_t *replay_address(uint64_t value)
{
	return json_sprintf("0x%llx", (unsigned long long)value);
}

/* The pattern that tells which physical address a word came from. */
#define FILL_TAG UINT64_C(0xda7a000000000000)
#define FILL_ADDRESS ((UINT64_C(1) << 48) - 1)

bool replay_fill_address(const uint8_t *data, size_t len, uint64_t iova,
			 uint64_t *pa)
{
	size_t skip = -iova & 7;
	uint64_t word;

	if (len < skip + sizeof(word))
		return false;
	memcpy(&word, data + skip, sizeof(word));
	if ((word & ~FILL_ADDRESS) != FILL_TAG)
		return false;
	*pa = (word & FILL_ADDRESS) - skip;
	return true;
}

/* ----------------------------------------------------------- segments -- */

static int put_words(struct replay_ram *ram, uint64_t pa, const json_t *words,
		     struct replay_error *error)
{
	size_t n = json_array_size(words);
	uint64_t *at = replay_ram_at(ram, pa, 8 * n);

	if (!json_is_array(words))
		return replay_fail(error, "u64", "no list of words");
	if (!at)
		return replay_fail(error, "u64", "not all of it is in RAM");
	if (pa % 8)
		return replay_fail(error, "pa", "words are not aligned");
	for (size_t i = 0; i < n; i++) {
		if (replay_number(json_array_get(words, i), &at[i]))
			continue;
		replay_fail(error, "", "no number of 64 bits");
		return replay_within(error, "u64[%zu]", i);
	}
	return 0;
}

static int put_fill(struct replay_ram *ram, uint64_t pa, const json_t *segment,
		    struct replay_error *error)
{
	const char *fill = json_string_value(json_object_get(segment, "fill"));
	uint64_t len;
	uint8_t *at;
	int rc;

	if (!fill || (strcmp(fill, "zero") && strcmp(fill, "pa")))
		return replay_fail(error, fill ? "fill" : "",
				   "a segment has \"u64\", \"hex\", or "
				   "\"fill\" with \"pa\" or \"zero\"");
	rc = replay_get(segment, "len", 0, REPLAY_RAM_SIZE, &len, error);
	if (rc)
		return rc;
	at = replay_ram_at(ram, pa, len);
	if (!at)
		return replay_fail(error, "len", "not all of it is in RAM");
	if (!strcmp(fill, "zero")) {
		memset(at, 0, len);
		return 0;
	}
	if (pa % 8 || len % 8)
		return replay_fail(error, pa % 8 ? "pa" : "len",
				   "no multiple of 8");
	for (uint64_t i = 0; i < len; i += 8) {
		uint64_t word = FILL_TAG | (pa + i);

		memcpy(at + i, &word, sizeof(word));
	}
	return 0;
}

static int put_hex(struct replay_ram *ram, uint64_t pa, const json_t *segment,
		   struct replay_error *error)
{
	const char *text = json_string_value(json_object_get(segment, "hex"));
	size_t len = text ? strlen(text) / 2 : 0;
	uint8_t *at = replay_ram_at(ram, pa, len);

	if (!at)
		return replay_fail(error, "hex", "not all of it is in RAM");
	return replay_bytes(segment, "hex", at, len, &len, error);
}

static int put_segment(struct replay_ram *ram, const json_t *segment,
		       struct replay_error *error)
{
	const json_t *words = json_object_get(segment, "u64");
	uint64_t pa;
	int rc = replay_get(segment, "pa", 0, UINT64_MAX, &pa, error);

	if (rc)
		return rc;
	if (words)
		return put_words(ram, pa, words, error);
	if (json_object_get(segment, "hex"))
		return put_hex(ram, pa, segment, error);
	return put_fill(ram, pa, segment, error);
}

int replay_put_segments(struct replay_ram *ram, const json_t *object,
			const char *key, struct replay_error *error)
{
	const json_t *segments;
	int rc = replay_get_list(object, key, &segments, error);

	for (size_t i = 0; !rc && i < json_array_size(segments); i++) {
		rc = put_segment(ram, json_array_get(segments, i), error);
		if (rc)
			return replay_within(error, "%s[%zu]", key, i);
	}
	return rc;
}
