/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atomic.c - atomic operations of devices: fetch-and-add, swap, compare-and-swap
 * of 4 or 8 aligned bytes.
 *
 * One compare-and-swap of what was read makes each of them; when somebody else
 * was faster it is tried again with what they wrote.  An access that loses
 * MAX_RACES times ends as if memory had aborted, so that work stays bounded.
 * Where the embedder gives no pointer its compare-and-swap of the 64-bit word
 * around the operand serves.
 */
#include <errno.h>
#include <string.h>

#include "../mutant.h"
#include "msmmu.h"

#define MAX_RACES 1000u

bool msmmu_atomic_valid(const struct uiommu_smmuv3_dma *req)
{
	return req->atomic <= UIOMMU_ATOMIC_CAS &&
	       (req->txn.flags & UIOMMU_TXN_ATOMIC) &&
	       (req->len == 4 || req->len == 8) &&
	       !(req->txn.iova & (req->len - 1));
}

/* All values in the CPU's order. */
static uint64_t result_of(const struct uiommu_smmuv3_dma *req, uint64_t old,
			  uint64_t operand)
{
	switch (req->atomic) {
	case UIOMMU_ATOMIC_FETCH_ADD:
		return old + operand;
	case UIOMMU_ATOMIC_CAS: {
		uint64_t mask = req->len == 4 ? UINT32_MAX : UINT64_MAX;

		if (old != (req->compare & mask) && !MUTANT("atomic-compare"))
			return old;
		return operand;
	}
	default:
		return operand;
	}
}

static uint64_t load_operand(const struct uiommu_smmuv3_dma *req)
{
	uint8_t bytes[8] = { 0 };
	le64_t raw;

	memcpy(bytes, req->buf, req->len);
	memcpy(&raw, bytes, sizeof(raw));
	return le64_to_cpu(raw);
}

int msmmu_atomic(msmmu *m, const struct uiommu_smmuv3_xlate *x,
		 struct uiommu_smmuv3_dma *req)
{
	/* The 64-bit word around it. */
	const uint64_t pa = align_down_lg2(x->pa, 3);
	const unsigned int shift = (unsigned int)(x->pa & 7) * 8;
	const uint64_t mask = req->len == 4 ? UINT32_MAX : UINT64_MAX;
	uint64_t operand = load_operand(req), word, seen, old, now;
	le64_t raw;

	if (model_read64(&m->host, pa, &word, x->attrs))
		return -EIO;
	for (unsigned int i = 0; i < MAX_RACES; i++) {
		old = (word >> shift) & mask;
		now = result_of(req, old, operand) & mask;
		now = (word & ~(mask << shift)) | now << shift;
		seen = word;
		if (model_cmpxchg64(&m->host, pa, &seen, now))
			return -EIO;
		if (seen == word || MUTANT("atomic-retry")) {
			raw = cpu_to_le64(old);
			memcpy(req->buf, &raw, req->len);
			return 0;
		}
		word = seen;
	}
	return -EIO;
}
