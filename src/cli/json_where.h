/* SPDX-License-Identifier: BSD-2-Clause */
/* json_where.h - where in a text of JSON a value stands. */
#ifndef CLI_JSON_WHERE_H
#define CLI_JSON_WHERE_H

#include <stddef.h>

/*
 * Byte offset of the value that the path ("steps[3].iova") leads to in a text
 * that is valid JSON; of the last value on the way that exists, if not all do.
 */
size_t json_where(const char *text, size_t len, const char *path);
/* Line ends in the first `len` bytes. */
unsigned long json_where_lines(const char *text, size_t len);

#endif /* CLI_JSON_WHERE_H */
