/* SPDX-License-Identifier: BSD-2-Clause */
/* overflow.h - arithmetic that says when it wraps; true means it did. */
#ifndef BASE_OVERFLOW_H
#define BASE_OVERFLOW_H

#include <stdbool.h>
#include <stdint.h>

#define add_overflows(a, b, res) __builtin_add_overflow((a), (b), (res))
#define mul_overflows(a, b, res) __builtin_mul_overflow((a), (b), (res))

/* Last byte of [first, first+len), len > 0. */
static inline bool last_overflows(uint64_t first, uint64_t len, uint64_t *last)
{
	return __builtin_add_overflow(first, len - 1, last);
}

#endif /* BASE_OVERFLOW_H */
