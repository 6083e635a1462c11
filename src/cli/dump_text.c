/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a dump: a line is a thing, and what is indented below it is in it.
 */
#include "dump_text.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <uiommu/dump.h>

#include "base/bits.h"
#include "cmd.h"

/* ---------------------------------------------------------------- parse -- */

/* Which part a kind of line, and all below it, is of; the others are of all. */
static uint32_t part_of(const char *text)
{
	static const struct {
		const char *kind;
		uint32_t part;
	} kinds[] = {
		{ "core", UIOMMU_DUMP_OBJECTS },
		{ "function", UIOMMU_DUMP_OBJECTS },
		{ "page_faults", UIOMMU_DUMP_QUEUES },
		{ "pins", UIOMMU_DUMP_OBJECTS },
		{ "registers", UIOMMU_DUMP_TABLES },
		{ "stream-table", UIOMMU_DUMP_TABLES },
		{ "queue", UIOMMU_DUMP_QUEUES },
		{ "stalled", UIOMMU_DUMP_QUEUES },
	};
	size_t len = strcspn(text, " ");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].kind) == len &&
		    !strncmp(kinds[i].kind, text, len))
			return kinds[i].part;
	return UIOMMU_DUMP_ALL;
}

#define DEPTH_MAX 16u

/* One line; NULL, or what is wrong with it. */
static const char *parse_line(struct dump_line *line, char *text,
			      const struct dump_line *before,
			      uint32_t parts[DEPTH_MAX])
{
	size_t blanks = strspn(text, " ");
	unsigned int depth = (unsigned int)(blanks / 2);

	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return "not a line of text";
	if (!text[blanks])
		return "an empty line";
	if (blanks % 2 || depth >= DEPTH_MAX ||
	    depth > (before ? before->depth + 1 : 0))
		return "indented too far";
	*line = (struct dump_line){ .text = text + blanks, .depth = depth };
	parts[depth] = part_of(line->text);
	/* What is in a thing is of its part. */
	if (depth && parts[depth - 1] != UIOMMU_DUMP_ALL)
		parts[depth] = parts[depth - 1];
	line->parts = parts[depth];
	return NULL;
}

static int bad(const char *name, size_t nr, const char *why)
{
	return cmd_complain("dump", "%s: line %zu: %s", name, nr, why);
}

static size_t count_lines(const char *data, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += data[i] == '\n';
	return n;
}

int dump_text_parse(struct dump_text *text, const char *name, char *data,
		    size_t len)
{
	uint32_t parts[DEPTH_MAX];
	size_t nr = count_lines(data, len);
	char *at = data;

	if (len < strlen(UIOMMU_DUMP_FIRST) ||
	    memcmp(data, UIOMMU_DUMP_FIRST, strlen(UIOMMU_DUMP_FIRST)))
		return cmd_complain("dump", "%s: no dump of uiommu", name);
	if (memchr(data, '\0', len))
		return cmd_complain("dump", "%s: no text", name);
	if (data[len - 1] != '\n')
		return bad(name, nr + 1, "cut off");
	*text = (struct dump_text){ .line = calloc(nr, sizeof(*text->line)) };
	if (!text->line)
		return cmd_complain("dump", "%s: out of memory", name);
	for (size_t i = 0; i < nr; i++) {
		char *end = strchr(at, '\n');
		const char *why;

		*end = '\0';
		why = parse_line(&text->line[i], at,
				 i ? &text->line[i - 1] : NULL, parts);
		if (why) {
			free(text->line);
			return bad(name, i + 1, why);
		}
		at = end + 1;
	}
	text->nr = nr;
	text->data = data;
	return CMD_OK;
}

void dump_text_free(struct dump_text *text)
{
	free(text->line);
	free(text->data);
}

/* ---------------------------------------------------------------- print -- */

void dump_text_print(const struct dump_text *text, uint32_t parts, FILE *out)
{
	for (size_t i = 0; i < text->nr; i++) {
		const struct dump_line *line = &text->line[i];

		if (line->parts & parts)
			fprintf(out, "%*s%s\n", (int)(2 * line->depth), "",
				line->text);
	}
}

/* The length of the word at `at`, what stands in quotes included. */
static size_t word_len(const char *at)
{
	size_t len = 0;
	bool quoted = false;

	for (; at[len] && (quoted || at[len] != ' '); len++)
		quoted ^= at[len] == '"';
	return len;
}

/* Without the quotes around it. */
static json_t *value(const char *at, size_t len)
{
	if (len >= 2 && at[0] == '"' && at[len - 1] == '"')
		return json_stringn(at + 1, len - 2);
	return json_stringn(at, len);
}

/* {"kind", "words", "fields"} of a line; NULL: no memory, or no UTF-8. */
static json_t *node_of(const char *at)
{
	json_t *node = json_object(), *words = json_array();
	json_t *fields = json_object();
	size_t len = word_len(at);
	int rc;

	rc = json_object_set_new(node, "kind", json_stringn(at, len));
	for (at += len + (at[len] == ' '); *at; at += len + (at[len] == ' ')) {
		const char *eq;

		len = word_len(at);
		eq = at[0] == '"' ? NULL : memchr(at, '=', len);
		if (eq)
			rc |= json_object_setn_new(
				fields, at, (size_t)(eq - at),
				value(eq + 1, len - (size_t)(eq + 1 - at)));
		else if (len)
			rc |= json_array_append_new(words, value(at, len));
	}
	if (json_array_size(words))
		rc |= json_object_set(node, "words", words);
	if (json_object_size(fields))
		rc |= json_object_set(node, "fields", fields);
	json_decref(words);
	json_decref(fields);
	if (!rc)
		return node;
	json_decref(node);
	return NULL;
}

int dump_text_print_json(const struct dump_text *text, uint32_t parts,
			 FILE *out)
{
	json_t *in[DEPTH_MAX + 1] = { json_array() }, *node;
	int rc = in[0] ? 0 : -1;

	/* A line that is left out has none below it that is not. */
	for (size_t i = 0; i < text->nr && !rc; i++) {
		const struct dump_line *line = &text->line[i];
		json_t *list;

		if (!(line->parts & parts))
			continue;
		node = node_of(line->text);
		if (line->depth) {
			list = json_object_get(in[line->depth], "in");
			if (!list) {
				list = json_array();
				rc |= json_object_set_new(in[line->depth], "in",
							  list);
			}
		} else {
			list = in[0];
		}
		rc |= json_array_append_new(list, node);
		in[line->depth + 1] = node;
	}
	if (!rc)
		rc = json_dumpf(in[0], out, JSON_INDENT(1));
	if (!rc)
		fputc('\n', out);
	json_decref(in[0]);
	return rc;
}
