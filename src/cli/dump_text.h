/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_text.h - the text of a dump (uiommu/dump.h) as a tree of lines.
 */
#ifndef CLI_DUMP_TEXT_H
#define CLI_DUMP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct dump_line {
	char *text; /* without its indentation */
	unsigned int depth;
	uint32_t parts; /* UIOMMU_DUMP_* that it belongs to */
};

struct dump_text {
	char *data; /* what the lines point into */
	struct dump_line *line;
	size_t nr;
};

/*
 * Take `data` apart, which becomes the text's on success; `name` is for
 * messages.  0 or CMD_USAGE after a message.
 */
int dump_text_parse(struct dump_text *text, const char *name, char *data,
		    size_t len);
void dump_text_free(struct dump_text *text);

void dump_text_print(const struct dump_text *text, uint32_t parts, FILE *out);
/* 0, or -1: no memory, a line is no UTF-8, or `out` takes no more. */
int dump_text_print_json(const struct dump_text *text, uint32_t parts,
			 FILE *out);

#endif /* CLI_DUMP_TEXT_H */
