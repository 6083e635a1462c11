/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.h - what a fuzz target gives and takes.
 *
 * A target is one function, LLVMFuzzerTestOneInput, linked with libFuzzer
 * (clang) or with fuzz_main.c, which replays files and changes them at random.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, read from front to back; behind its end are zeroes. */
struct fuzz_input {
	const uint8_t *data;
	size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in)
{
	uint16_t low = fuzz_u8(in);

	return (uint16_t)(low | fuzz_u8(in) << 8);
}

/* Up to `len` bytes into dst; how many. */
static inline size_t fuzz_bytes(struct fuzz_input *in, void *dst, size_t len)
{
	size_t i;

	if (len > in->left)
		len = in->left;
	for (i = 0; i < len; i++)
		((uint8_t *)dst)[i] = fuzz_u8(in);
	return len;
}

#endif /* TESTS_FUZZ_H */
