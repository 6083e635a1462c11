/* SPDX-License-Identifier: BSD-2-Clause */
/* bits.h - masks, fields, powers of two. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

#define BIT32(n) (UINT32_C(1) << (n))
#define BIT64(n) (UINT64_C(1) << (n))

/* Bits hi..lo, both included. */
#define GENMASK32(hi, lo) \
	((~UINT32_C(0) << (lo)) & (~UINT32_C(0) >> (31 - (hi))))
#define GENMASK64(hi, lo) \
	((~UINT64_C(0) << (lo)) & (~UINT64_C(0) >> (63 - (hi))))

/* The field that `mask` marks, taken out of or put into a 64-bit word. */
#define FIELD_GET(mask, word) \
	((uint64_t)(((word) & (mask)) >> __builtin_ctzll(mask)))
#define FIELD_PREP(mask, val) \
	(((uint64_t)(val) << __builtin_ctzll(mask)) & (mask))
/* Largest value that fits the field. */
#define FIELD_MAX(mask) ((uint64_t)(mask) >> __builtin_ctzll(mask))

static inline uint64_t field_set(uint64_t word, uint64_t mask, uint64_t val)
{
	return (word & ~mask) | FIELD_PREP(mask, val);
}

static inline bool is_pow2(uint64_t v)
{
	return v && !(v & (v - 1));
}

/* Position of the highest set bit; v != 0. */
static inline unsigned int ilog2_u64(uint64_t v)
{
	return 63 - (unsigned int)__builtin_clzll(v);
}

/* Position of the lowest set bit; 64 when v == 0. */
static inline unsigned int ffs_u64(uint64_t v)
{
	return v ? (unsigned int)__builtin_ctzll(v) : 64;
}

static inline uint64_t mask_lg2(unsigned int lg2)
{
	return lg2 >= 64 ? ~UINT64_C(0) : BIT64(lg2) - 1;
}

static inline uint64_t align_down_lg2(uint64_t v, unsigned int lg2)
{
	return v & ~mask_lg2(lg2);
}

/* Wraps at the top; check before where that can be. */
static inline uint64_t align_up_lg2(uint64_t v, unsigned int lg2)
{
	return (v + mask_lg2(lg2)) & ~mask_lg2(lg2);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - __builtin_offsetof(type, member)))

#endif /* BASE_BITS_H */
