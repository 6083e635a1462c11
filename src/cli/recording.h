/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording.h - files of recorded cases: values of JSON one after the other,
 * compressed by xz or not, and where in them something stands.
 */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct recording {
	const char *verb; /* for messages */
	const char *path;
	char *bytes;
	size_t len;
	size_t at; /* where the next value begins, and its line */
	unsigned long line;
	/* the value taken last */
	size_t value_at, value_len;
	unsigned long value_line;
};

/* 0, or the exit status after a message that names the file. */
int recording_open(struct recording *rec, const char *verb, const char *path);
void recording_close(struct recording *rec);

/*
 * The next value: 1 and *out, 0 at the end, or -1 after a message that names
 * file and line.
 */
int recording_next(struct recording *rec, json_t **out);

/*
 * The line in which the value stands that `where` names within the value taken
 * last ("case.steps[3].iova"), or as much of that as there is.
 */
unsigned long recording_line(const struct recording *rec, const char *where);

/* A message with the file and a line (0: none); returns the exit status. */
int recording_complain(const struct recording *rec, unsigned long line,
		       const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* CLI_RECORDING_H */
