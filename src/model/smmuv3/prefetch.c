/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prefetch.c - with UIOMMU_SMMUV3_CACHING_GREEDY: the translation behind the one
 * that was just walked for is fetched too.
 *
 * The architecture lets an SMMU fetch translations ahead of any access, as long
 * as nobody notices: no event, no change of a descriptor, and nothing kept that
 * may not be (IHI 0070 3.21.1, 3.13).  Software that maps a page beside one in
 * use, and later changes it without invalidating, is found out by this.
 */
#include "msmmu.h"

void msmmu_prefetch_next(const struct msmmu_txn *t, uint64_t va,
			 unsigned int size_lg2)
{
	struct uiommu_smmuv3_txn in = *t->in;
	struct msmmu_tlb_ticket ticket;
	struct msmmu_result res;
	struct msmmu_txn ahead = *t;

	if (t->m->profile.caching != UIOMMU_SMMUV3_CACHING_GREEDY ||
	    size_lg2 >= 52)
		return;
	va = align_down_lg2(va, size_lg2) + BIT64(size_lg2);
	in.iova = va;
	in.flags |= UIOMMU_TXN_PROBE;
	ahead.in = &in;
	/* Nothing is asked for, so only what is not there can stop it. */
	ahead.read = false;
	ahead.write = false;
	ahead.instr = false;
	ahead.dry = false;
	ahead.ats = false;
	msmmu_tlb_ticket(t->m, t->ctx, &ticket);
	/* With a flag to be set (dry) it is for an access to fetch it. */
	if (msmmu_walk(&ahead, va, &ticket, &res) && t->ctx->s1 && !ahead.dry)
		msmmu_tlb_fill(t->m, t->ctx, va, &res, &ticket);
}
