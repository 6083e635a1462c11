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

/* A place of 4 or 8 bytes in the 64-bit word around it. */
struct place {
	uint64_t pa; /* of the word */
	unsigned int shift;
	uint64_t mask;
	le64_t *mem; /* NULL: by the embedder's callbacks */
};

static int word_load(msmmu *m, const struct uiommu_smmuv3_xlate *x,
		     const struct place *at, uint64_t *word)
{
	le64_t raw;

	if (at->mem) {
		*word = le64_to_cpu((le64_t){ load_acquire(&at->mem->raw) });
		return 0;
	}
	if (m->host.read(m->host.ctx, at->pa, &raw, sizeof(raw), x->attrs))
		return -EIO;
	*word = le64_to_cpu(raw);
	return 0;
}

/* *seen: what was there. */
static int word_cmpxchg(msmmu *m, const struct place *at, uint64_t *seen,
			uint64_t want)
{
	uint64_t found = cpu_to_le64(*seen).raw, raw = cpu_to_le64(want).raw;

	if (at->mem)
		(void)cmpxchg_acq_rel(&at->mem->raw, &found, raw);
	else if (!m->host.cmpxchg64 ||
		 m->host.cmpxchg64(m->host.ctx, at->pa, &found, raw))
		return -EIO;
	*seen = le64_to_cpu((le64_t){ found });
	return 0;
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
	struct place at = {
		.pa = align_down_lg2(x->pa, 3),
		.shift = (unsigned int)(x->pa & 7) * 8,
		.mask = req->len == 4 ? UINT32_MAX : UINT64_MAX,
	};
	uint64_t operand = load_operand(req), word, seen, old, now;
	le64_t raw;

	if (m->host.direct)
		at.mem = m->host.direct(m->host.ctx, at.pa, 8, true);
	if (word_load(m, x, &at, &word))
		return -EIO;
	for (unsigned int i = 0; i < MAX_RACES; i++) {
		old = (word >> at.shift) & at.mask;
		now = result_of(req, old, operand) & at.mask;
		now = (word & ~(at.mask << at.shift)) | now << at.shift;
		seen = word;
		if (word_cmpxchg(m, &at, &seen, now))
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
