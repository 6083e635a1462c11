/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uiommu replay [--pretty] FILE... - run recorded cases on the SMMUv3 model.
 *
 * A file is one case, or a recording: values of JSON one after the other, the
 * first perhaps a header, compressed by xz or not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lzma.h>

#include "cmd.h"
#include "replay.h"

#define EXIT_USAGE 2

struct text {
	char *bytes;
	size_t len;
	size_t room;
};

static int text_append(struct text *text, const void *bytes, size_t len)
{
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

static int complain(const char *path, const char *what)
{
	fprintf(stderr, "uiommu: replay: %s: %s\n", path, what);
	return EXIT_USAGE;
}

static int read_file(const char *path, struct text *text)
{
	FILE *file = fopen(path, "rb");
	char part[65536];
	size_t n;
	int rc = 0;

	if (!file)
		return -errno;
	while (!rc && (n = fread(part, 1, sizeof(part), file)))
		rc = text_append(text, part, n);
	if (ferror(file))
		rc = -EIO;
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
	if (lzma_stream_decoder(&stream, UINT64_MAX, LZMA_CONCATENATED))
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

static int print_outcome(const json_t *test_case, json_t *outcome, bool pretty)
{
	json_t *id = json_object_get(test_case, "id");
	json_t *line = json_object();
	size_t flags = pretty ? JSON_INDENT(2) : JSON_COMPACT;

	json_object_set(line, "id", id ? id : json_null());
	json_object_set_new(line, "outcome", outcome);
	flags = json_dumpf(line, stdout, flags) ? 1 : 0;
	json_decref(line);
	putchar('\n');
	return flags || ferror(stdout) ? EXIT_FAILURE : 0;
}

/* A header, a record of a recording, or a bare case. */
static int replay_value(struct replay *replay, const char *path,
			const json_t *value, bool pretty)
{
	const json_t *header = json_object_get(value, "header");
	const json_t *test_case = json_object_get(value, "case");
	char err[200], what[300];
	json_t *outcome;
	const char *id;

	if (header) {
		const json_t *regs = json_object_get(header, "id_regs");

		if (regs && replay_set_id_regs(replay, regs, err, sizeof(err)))
			return complain(path, err);
		return 0;
	}
	if (!test_case)
		test_case = value;
	outcome = replay_run(replay, test_case, err, sizeof(err));
	if (!outcome) {
		id = json_string_value(json_object_get(test_case, "id"));
		snprintf(what, sizeof(what), "case %.60s: %s", id ? id : "?",
			 err);
		return complain(path, what);
	}
	return print_outcome(test_case, outcome, pretty);
}

static int replay_text(struct replay *replay, const char *path,
		       const struct text *text, bool pretty)
{
	size_t at = 0;
	int rc = 0;

	while (!rc) {
		json_error_t error;
		json_t *value;
		char what[300];

		at += strspn(text->bytes + at, " \t\r\n");
		if (at >= text->len - 1)
			break;
		value = json_loadb(text->bytes + at, text->len - 1 - at,
				   JSON_DISABLE_EOF_CHECK, &error);
		if (!value) {
			snprintf(what, sizeof(what), "byte %zu: %s",
				 at + (size_t)error.position, error.text);
			return complain(path, what);
		}
		at += (size_t)error.position;
		rc = replay_value(replay, path, value, pretty);
		json_decref(value);
	}
	return rc;
}

static int replay_file(const char *path, bool pretty)
{
	struct replay *replay = NULL;
	struct text text = { 0 };
	int rc;

	rc = read_file(path, &text);
	if (!rc)
		rc = unpack(&text);
	if (!rc)
		rc = text_append(&text, "", 1);
	if (!rc)
		rc = replay_create(&replay);
	if (rc) {
		rc = complain(path, rc == -EBADMSG ? "damaged xz file"
						   : strerror(-rc));
	} else {
		rc = replay_text(replay, path, &text, pretty);
		replay_destroy(replay);
	}
	free(text.bytes);
	return rc;
}

int cmd_replay(int argc, char **argv)
{
	bool pretty = false;
	int i = 1, rc = 0;

	if (i < argc && !strcmp(argv[i], "--pretty")) {
		pretty = true;
		i++;
	}
	if (i >= argc || argv[i][0] == '-') {
		fprintf(stderr,
			"uiommu: replay: %s\n"
			"usage: uiommu replay [--pretty] FILE...\n",
			i < argc ? "unknown option" : "no file given");
		return EXIT_USAGE;
	}
	for (; i < argc && !rc; i++)
		rc = replay_file(argv[i], pretty);
	return rc;
}
