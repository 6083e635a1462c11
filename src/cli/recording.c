/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording.c - reading files of recorded cases.
 *
 * The parser of JSON keeps no positions; to say in which line a wrong value
 * stands its path is followed through the text once more.
 */
#include "recording.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lzma.h>

#include "cmd.h"
#include "json_where.h"

/* A file that unpacks to more is not a recording. */
#define TEXT_MAX ((size_t)1 << 30)

struct text {
	char *bytes;
	size_t len;
	size_t room;
};

static int text_append(struct text *text, const void *bytes, size_t len)
{
	if (len > TEXT_MAX - text->len)
		return -EFBIG;
	if (!len)
		return 0;
	if (text->room - text->len < len) {
		size_t room = (text->room + len) * 2;
		char *grown = realloc(text->bytes, room);

		if (!grown)
			return -ENOMEM;
		text->bytes = grown;
		text->room = room;
	}
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	return 0;
}

static int read_file(const char *path, struct text *text)
{
	FILE *file = fopen(path, "rb");
	char part[65536];
	size_t n;
	int rc = 0;

	if (!file)
		return -errno;
	errno = 0;
	while (!rc && (n = fread(part, 1, sizeof(part), file)))
		rc = text_append(text, part, n);
	if (!rc && ferror(file))
		rc = errno ? -errno : -EIO;
	fclose(file);
	return rc;
}

/* Replace .xz contents by what they unpack to. */
static int unpack(struct text *text)
{
	static const uint8_t magic[6] = { 0xfd, '7', 'z', 'X', 'Z', 0 };
	lzma_stream stream = LZMA_STREAM_INIT;
	struct text plain = { 0 };
	uint8_t part[65536];
	lzma_ret got = LZMA_OK;
	int rc = 0;

	if (text->len < sizeof(magic) ||
	    memcmp(text->bytes, magic, sizeof(magic)))
		return 0;
	if (lzma_stream_decoder(&stream, TEXT_MAX, LZMA_CONCATENATED))
		return -ENOMEM;
	stream.next_in = (const uint8_t *)text->bytes;
	stream.avail_in = text->len;
	while (!rc && got == LZMA_OK) {
		stream.next_out = part;
		stream.avail_out = sizeof(part);
		got = lzma_code(&stream, LZMA_FINISH);
		rc = text_append(&plain, part, sizeof(part) - stream.avail_out);
	}
	lzma_end(&stream);
	if (!rc && got != LZMA_STREAM_END)
		rc = -EBADMSG;
	if (rc) {
		free(plain.bytes);
		return rc;
	}
	free(text->bytes);
	*text = plain;
	return 0;
}

/* Is it a number that a word can hold but the parser's integer cannot? */
static bool is_wide(const char *digits, size_t n, unsigned long long *value)
{
	char text[24];

	if (n < 19 || n > 20)
		return false;
	memcpy(text, digits, n);
	text[n] = '\0';
	errno = 0;
	*value = strtoull(text, NULL, 10);
	return !errno && *value > INT64_MAX;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Is [from, to) a whole number by itself, without sign or fraction? */
static bool is_integer(const struct text *text, size_t from, size_t to)
{
	return (!from || !memchr("-+.eE", text->bytes[from - 1], 5)) &&
	       (to == text->len || !memchr(".eE", text->bytes[to], 3));
}

/* Write integers from 2^63 on as strings, which mean the same here. */
static int widen(struct text *text)
{
	struct text out = { 0 };
	size_t i = 0, from, done = 0;
	unsigned long long value;
	bool quoted = false;
	char hex[24];
	int rc = 0;

	while (!rc && i < text->len) {
		char c = text->bytes[i];

		from = i++;
		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted && i < text->len)
			i++;
		if (quoted || !is_digit(c))
			continue;
		while (i < text->len && is_digit(text->bytes[i]))
			i++;
		if (!is_wide(text->bytes + from, i - from, &value) ||
		    !is_integer(text, from, i))
			continue;
		rc = text_append(&out, text->bytes + done, from - done);
		snprintf(hex, sizeof(hex), "\"0x%llx\"", value);
		if (!rc)
			rc = text_append(&out, hex, strlen(hex));
		done = i;
	}
	if (!rc && done)
		rc = text_append(&out, text->bytes + done, text->len - done);
	if (rc) {
		free(out.bytes);
		return rc;
	}
	if (done) {
		free(text->bytes);
		*text = out;
	}
	return 0;
}

int recording_complain(const struct recording *rec, unsigned long line,
		       const char *format, ...)
{
	va_list args;

	fprintf(stderr, "uiommu: %s: %s:", rec->verb, rec->path);
	if (line)
		fprintf(stderr, "%lu:", line);
	fputc(' ', stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CMD_USAGE;
}

int recording_open(struct recording *rec, const char *verb, const char *path)
{
	struct text text = { 0 };
	int rc;

	*rec = (struct recording){ .verb = verb, .path = path, .line = 1 };
	rc = read_file(path, &text);
	if (!rc)
		rc = unpack(&text);
	if (!rc)
		rc = widen(&text);
	if (rc) {
		free(text.bytes);
		return recording_complain(rec, 0, "%s",
					  rc == -EBADMSG
						  ? "damaged or cut xz file"
						  : strerror(-rc));
	}
	rec->bytes = text.bytes;
	rec->len = text.len;
	return 0;
}

void recording_close(struct recording *rec)
{
	free(rec->bytes);
	rec->bytes = NULL;
}

static void skip_space(struct recording *rec)
{
	while (rec->at < rec->len &&
	       memchr(" \t\r\n", rec->bytes[rec->at], 4)) {
		rec->line += rec->bytes[rec->at] == '\n';
		rec->at++;
	}
}

int recording_next(struct recording *rec, json_t **out)
{
	json_error_t error;

	skip_space(rec);
	if (rec->at >= rec->len)
		return 0;
	*out = json_loadb(rec->bytes + rec->at, rec->len - rec->at,
			  JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES,
			  &error);
	if (!*out) {
		recording_complain(rec,
				   rec->line + (unsigned long)error.line - 1,
				   "no JSON: %s", error.text);
		return -1;
	}
	rec->value_at = rec->at;
	rec->value_len = (size_t)error.position;
	rec->value_line = rec->line;
	rec->line += json_where_lines(rec->bytes + rec->at, rec->value_len);
	rec->at += rec->value_len;
	return 1;
}

unsigned long recording_line(const struct recording *rec, const char *where)
{
	const char *value = rec->bytes + rec->value_at;
	size_t at = json_where(value, rec->value_len, where);

	return rec->value_line + json_where_lines(value, at);
}
