/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_json.h - reading and writing the values of recordings. */
#ifndef CLI_REPLAY_JSON_H
#define CLI_REPLAY_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct replay_ram;

/* What is wrong with a case: a sentence, and where ("steps[3].iova"). */
struct replay_error {
	char text[200];
	char where[120];
};

/* Say what is wrong with the value under `key` ("": here); -EINVAL. */
int replay_fail(struct replay_error *error, const char *key, const char *format,
		...) __attribute__((format(printf, 3, 4)));
/* Put a part of the path in front of where the error is; -EINVAL. */
int replay_within(struct replay_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Values are integers or strings like "0x1f": false if neither. */
bool replay_number(const json_t *value, uint64_t *out);
/* The number under a key, from `min` to `max`. */
int replay_get(const json_t *object, const char *key, uint64_t min,
	       uint64_t max, uint64_t *out, struct replay_error *error);
/* The same, if the key is there; else *out is left alone. */
int replay_get_opt(const json_t *object, const char *key, uint64_t min,
		   uint64_t max, uint64_t *out, struct replay_error *error);
/* true or false, if the key is there; else *out is left alone. */
int replay_get_bool(const json_t *object, const char *key, bool *out,
		    struct replay_error *error);
/* A list under a key; *out is NULL if the key is not there. */
int replay_get_list(const json_t *object, const char *key, const json_t **out,
		    struct replay_error *error);
/* The bytes of a hex string under a key. */
int replay_bytes(const json_t *object, const char *key, uint8_t *out,
		 size_t max, size_t *len, struct replay_error *error);
/* NULL when out of memory. */
json_t *replay_hex(const void *bytes, size_t len);
json_t *replay_address(uint64_t value);
/* Which physical address the data tell they came from, if they do. */
bool replay_fill_address(const uint8_t *data, size_t len, uint64_t iova,
			 uint64_t *pa);
/* Store the segments in the list under a key. */
int replay_put_segments(struct replay_ram *ram, const json_t *object,
			const char *key, struct replay_error *error);

#endif /* CLI_REPLAY_JSON_H */
