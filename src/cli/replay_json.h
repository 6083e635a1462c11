/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_json.h - reading and writing the values of recordings. */
#ifndef CLI_REPLAY_JSON_H
#define CLI_REPLAY_JSON_H

#include "replay.h"
#include "replay_ram.h"

/* Where the sentence about a malformed case goes. */
struct replay_error {
	char *text;
	size_t len;
};

/* Write the sentence and return -EINVAL. */
int replay_fail(struct replay_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The number under a key, at most `max`. */
int replay_get(const json_t *object, const char *key, uint64_t max,
	       uint64_t *out, struct replay_error *error);
/* A hex string's bytes. */
int replay_bytes(const json_t *value, uint8_t *out, size_t max, size_t *len,
		 struct replay_error *error);
/* NULL when out of memory. */
json_t *replay_hex(const void *bytes, size_t len);
json_t *replay_address(uint64_t value);
/* Which physical address the data tell they came from, if they do. */
bool replay_fill_address(const uint8_t *data, size_t len, uint64_t iova,
			 uint64_t *pa);
/* Store "mem" or "segs". */
int replay_put_segments(struct replay_ram *ram, const json_t *segments,
			struct replay_error *error);

#endif /* CLI_REPLAY_JSON_H */
