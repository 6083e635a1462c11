/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_where.c - following a path through a text of JSON.
 *
 * The text has been parsed already, so only strings and brackets need care.
 * Keys are compared as they are written; one that is written with escapes is
 * not found, and its object is where the search ends.
 */
#include "json_where.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	const char *text;
	size_t len;
};

static size_t skip_space(const struct scan *s, size_t at)
{
	while (at < s->len && memchr(" \t\r\n", s->text[at], 4))
		at++;
	return at;
}

static size_t skip_string(const struct scan *s, size_t at)
{
	for (at++; at < s->len && s->text[at] != '"'; at++)
		at += s->text[at] == '\\';
	return at < s->len ? at + 1 : s->len;
}

static size_t skip_value(const struct scan *s, size_t at)
{
	size_t depth = 0;

	while (at < s->len) {
		char c = s->text[at];

		if (c == '"') {
			at = skip_string(s, at);
			if (!depth)
				return at;
			continue;
		}
		if (!depth && memchr(",]} \t\r\n", c, 7))
			return at;
		if (c == '{' || c == '[')
			depth++;
		at++;
		if ((c == '}' || c == ']') && --depth == 0)
			return at;
	}
	return at;
}

/* From the opening bracket to the value under a key, or at an index. */
static bool enter(const struct scan *s, size_t *at, const char *key, size_t n,
		  size_t index)
{
	bool object = s->text[*at] == '{';
	size_t i = *at + 1;

	if (*at >= s->len || (!object && s->text[*at] != '['))
		return false;
	for (size_t count = 0; i < s->len; count++) {
		bool found = count == index;

		i = skip_space(s, i);
		if (i >= s->len || s->text[i] == '}' || s->text[i] == ']')
			return false;
		if (object) {
			size_t start = i + 1;

			i = skip_string(s, i);
			found = key && i - 1 - start == n &&
				!memcmp(s->text + start, key, n);
			i = skip_space(s, i) + 1; /* the colon */
			i = skip_space(s, i);
		}
		if (found && object == !!key) {
			*at = i;
			return true;
		}
		i = skip_space(s, skip_value(s, i)) + 1; /* the comma */
	}
	return false;
}

size_t json_where(const char *text, size_t len, const char *path)
{
	const struct scan s = { text, len };
	size_t at = skip_space(&s, 0);

	while (*path && at < len) {
		size_t n = strcspn(path, ".[");
		bool ok;

		if (n) {
			ok = enter(&s, &at, path, n, 0);
			path += n;
		} else if (*path == '[') {
			char *end;

			ok = enter(&s, &at, NULL, 0,
				   strtoul(path + 1, &end, 10));
			path = end + (*end == ']');
		} else {
			path++;
			continue;
		}
		if (!ok)
			break;
	}
	return at;
}

unsigned long json_where_lines(const char *text, size_t len)
{
	unsigned long lines = 0;

	for (const char *p = text;
	     (p = memchr(p, '\n', len - (size_t)(p - text))); p++)
		lines++;
	return lines;
}
