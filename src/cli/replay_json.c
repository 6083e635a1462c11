/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, bytes and memory segments as recordings write them. */
#include "replay_json.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int replay_fail(struct replay_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, error->len, format, args);
	va_end(args);
	return -EINVAL;
}

int replay_get(const json_t *object, const char *key, uint64_t max,
	       uint64_t *out, struct replay_error *error)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return replay_fail(error, "key \"%s\" is missing", key);
	if (!replay_number(value, out) || *out > max)
		return replay_fail(error,
				   "key \"%s\" is no number from 0 to %#llx",
				   key, (unsigned long long)max);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int replay_bytes(const json_t *value, uint8_t *out, size_t max, size_t *len,
		 struct replay_error *error)
{
	const char *text = json_string_value(value);
	size_t n = text ? strlen(text) : 0;

	if (!text || n % 2 || n / 2 > max)
		return replay_fail(error, "no hex string of at most %zu bytes",
				   max);
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return replay_fail(error, "\"%.16s\" is not hex", text);
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

static int put_words(struct replay_ram *ram, uint64_t pa, const json_t *words,
		     struct replay_error *error)
{
	uint64_t *at = replay_ram_at(ram, pa, 8 * json_array_size(words));

	if (!json_is_array(words) || !at || pa % 8)
		return replay_fail(error, "\"u64\": no array of words in RAM");
	for (size_t i = 0; i < json_array_size(words); i++)
		if (!replay_number(json_array_get(words, i), &at[i]))
			return replay_fail(error,
					   "\"u64\": word %zu is no "
					   "number",
					   i);
	return 0;
}

static int put_fill(struct replay_ram *ram, uint64_t pa, const json_t *segment,
		    struct replay_error *error)
{
	const char *fill = json_string_value(json_object_get(segment, "fill"));
	uint64_t len;
	uint8_t *at;
	int rc;

	rc = replay_get(segment, "len", REPLAY_RAM_SIZE, &len, error);
	if (rc)
		return rc;
	at = replay_ram_at(ram, pa, len);
	if (!at || !fill || pa % 8 || len % 8)
		return replay_fail(error, "\"fill\": no aligned part of RAM");
	if (!strcmp(fill, "zero")) {
		memset(at, 0, len);
		return 0;
	}
	if (strcmp(fill, "pa"))
		return replay_fail(error,
				   "\"fill\": \"%s\" is neither \"pa\" "
				   "nor \"zero\"",
				   fill);
	for (uint64_t i = 0; i < len; i += 8) {
		uint64_t word = FILL_TAG | (pa + i);

		memcpy(at + i, &word, sizeof(word));
	}
	return 0;
}

static int put_hex(struct replay_ram *ram, uint64_t pa, const json_t *hex,
		   struct replay_error *error)
{
	const char *text = json_string_value(hex);
	size_t len = text ? strlen(text) / 2 : 0;
	uint8_t *at = replay_ram_at(ram, pa, len);

	if (!text || !at)
		return replay_fail(error, "\"hex\": no bytes in RAM");
	return replay_bytes(hex, at, len, &len, error);
}

int replay_put_segments(struct replay_ram *ram, const json_t *segments,
			struct replay_error *error)
{
	const json_t *segment, *value;
	size_t i;
	int rc;

	json_array_foreach((json_t *)(uintptr_t)segments, i, segment) {
		uint64_t pa;

		rc = replay_get(segment, "pa", UINT64_MAX, &pa, error);
		if (rc)
			return rc;
		if ((value = json_object_get(segment, "u64")))
			rc = put_words(ram, pa, value, error);
		else if ((value = json_object_get(segment, "hex")))
			rc = put_hex(ram, pa, value, error);
		else
			rc = put_fill(ram, pa, segment, error);
		if (rc)
			return rc;
	}
	return 0;
}
