/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.h - index arithmetic of the SMMU's circular queues (IHI 0070 3.5.1).
 *
 * A queue has 2^lg2 entries.  PROD and CONS count entries modulo 2^(lg2+1): the
 * low lg2 bits are the index, the bit above is the wrap.  Bits above the wrap
 * are ignored.
 */
#ifndef HW_SMMUV3_QUEUE_H
#define HW_SMMUV3_QUEUE_H

#include "base/bits.h"

#define SMMU_CMD_SIZE_LG2 4u
#define SMMU_EVT_SIZE_LG2 5u
#define SMMU_PRI_SIZE_LG2 4u

static inline uint32_t smmu_q_index(uint32_t ptr, unsigned int lg2)
{
	return ptr & (BIT32(lg2) - 1);
}

/* Index and wrap: all that counts of a PROD or CONS. */
static inline uint32_t smmu_q_ptr(uint32_t reg, unsigned int lg2)
{
	return reg & (BIT32(lg2 + 1) - 1);
}

static inline uint32_t smmu_q_add(uint32_t ptr, uint32_t n, unsigned int lg2)
{
	return smmu_q_ptr(ptr + n, lg2);
}

static inline bool smmu_q_empty(uint32_t prod, uint32_t cons, unsigned int lg2)
{
	return smmu_q_ptr(prod ^ cons, lg2) == 0;
}

static inline bool smmu_q_full(uint32_t prod, uint32_t cons, unsigned int lg2)
{
	return smmu_q_ptr(prod ^ cons, lg2) == BIT32(lg2);
}

/* Entries between CONS and PROD; above 2^lg2 in an inconsistent state. */
static inline uint32_t smmu_q_count(uint32_t prod, uint32_t cons,
				    unsigned int lg2)
{
	return smmu_q_ptr(prod - cons, lg2);
}

/* Byte offset of the entry that `ptr` stands on. */
static inline uint64_t smmu_q_offset(uint32_t ptr, unsigned int lg2,
				     unsigned int entry_lg2)
{
	return (uint64_t)smmu_q_index(ptr, lg2) << entry_lg2;
}

#endif /* HW_SMMUV3_QUEUE_H */
