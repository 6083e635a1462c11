/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * le.h - little-endian words as types of their own, so that forgetting a
 * conversion does not compile.
 */
#ifndef BASE_LE_H
#define BASE_LE_H

#include <stdint.h>

typedef struct {
	uint16_t raw;
} le16_t;
typedef struct {
	uint32_t raw;
} le32_t;
typedef struct {
	uint64_t raw;
} le64_t;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LE_SWAP16(v) __builtin_bswap16(v)
#define LE_SWAP32(v) __builtin_bswap32(v)
#define LE_SWAP64(v) __builtin_bswap64(v)
#else
#define LE_SWAP16(v) (v)
#define LE_SWAP32(v) (v)
#define LE_SWAP64(v) (v)
#endif

static inline le16_t cpu_to_le16(uint16_t v)
{
	return (le16_t){ LE_SWAP16(v) };
}

static inline le32_t cpu_to_le32(uint32_t v)
{
	return (le32_t){ LE_SWAP32(v) };
}

static inline le64_t cpu_to_le64(uint64_t v)
{
	return (le64_t){ LE_SWAP64(v) };
}

static inline uint16_t le16_to_cpu(le16_t v)
{
	return LE_SWAP16(v.raw);
}

static inline uint32_t le32_to_cpu(le32_t v)
{
	return LE_SWAP32(v.raw);
}

static inline uint64_t le64_to_cpu(le64_t v)
{
	return LE_SWAP64(v.raw);
}

#endif /* BASE_LE_H */
