/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * htt.c - access flags and dirty state written into descriptors (IHI 0070 3.13,
 * DDI 0487 D8.5).
 *
 * A descriptor changes by one compare-and-swap of what the walk has read.  When
 * somebody else was faster the walk goes on with what they wrote, so no update
 * of theirs is lost and nothing is marked in a descriptor that has become
 * invalid.  A transaction that loses MAX_RACES times ends as if its memory had
 * aborted: work stays bounded whatever other agents do.
 *
 * The descriptor of a block or page is only written for an access that its stage
 * lets through: a fault leaves it as it is, which the architecture allows for the
 * access flag and asks for the rest.  That of a table is written on the way, which
 * it allows as well.  The first stage may be written although the second faults
 * then.
 *
 * Of a Contiguous group only the entry that the walk came to is written.
 */
#include "walk.h"

/* Far more than races can take, far less than anybody waits for. */
#define MAX_RACES 1000u

static uint64_t in_memory(const struct msmmu_half *half, uint64_t desc)
{
	return half->big_endian ? __builtin_bswap64(desc) : desc;
}

static enum walk_htt update(struct msmmu_txn *t, const struct msmmu_half *half,
			    unsigned int stage, struct walk_leaf *leaf,
			    uint64_t desc)
{
	uint64_t expected = in_memory(half, leaf->desc), found = expected;
	uint64_t pa = leaf->desc_pa;
	struct uiommu_mem_attrs attrs;

	if (stage == 1 && t->ctx->s2) {
		if (leaf->desc_ipa == UIOMMU_PA_INVALID)
			return WALK_HTT_AGAIN;
		if (!msmmu_walk_own(t, leaf->desc_ipa, SMMU_EVT_CLASS_TT, true,
				    half->walk_mair, half->walk_sh, &pa,
				    &attrs))
			return WALK_HTT_FAULT;
	}
	if (t->in->flags & UIOMMU_TXN_PROBE) {
		t->dry = true;
		leaf->desc = desc;
		return WALK_HTT_DONE;
	}
	leaf->desc_pa = pa;
	if (model_cmpxchg64(&t->m->host, pa, &found, in_memory(half, desc))) {
		walk_abort(t, stage, leaf, "external abort on a table update");
		return WALK_HTT_FAULT;
	}
	if (likely(found == expected)) {
		leaf->desc = desc;
		return WALK_HTT_DONE;
	}
	leaf->desc = in_memory(half, found);
	if (++t->races < MAX_RACES)
		return WALK_HTT_CHANGED;
	walk_abort(t, stage, leaf, "descriptor that others keep changing");
	return WALK_HTT_FAULT;
}

/* Is the page about to be written, as far as this stage goes? */
static bool dirties(const struct msmmu_txn *t, unsigned int stage,
		    uint32_t want, uint32_t rights)
{
	uint32_t write = stage == 1 ? MSMMU_S1_UW | MSMMU_S1_PW : MSMMU_S2_W;

	if (want & write)
		return true;
	if (!(want & WALK_WANT_DIRTY))
		return false;
	return stage == 2 || (rights & (t->priv ? MSMMU_S1_PW : MSMMU_S1_UW));
}

enum walk_htt walk_htt_leaf(struct msmmu_txn *t, const struct msmmu_half *half,
			    unsigned int stage, uint32_t want,
			    struct walk_leaf *leaf)
{
	uint32_t mine = stage == 1 ? MSMMU_S1_ALL : MSMMU_S2_ALL;
	uint64_t desc = leaf->desc | VMSA_LEAF_AF;
	uint32_t rights;
	bool clean, lets;

	rights = stage == 1 ? walk_s1_rights(t->ctx, half, leaf, &clean)
			    : walk_s2_rights(t->m, half, leaf->desc, &clean);
	lets = want & WALK_WANT_RIGHTS ? !(want & mine & ~rights)
				       : walk_granted(t, stage, rights) != 0;
	if (!lets) {
		/* What has no access flag is not kept. */
		t->dry |= desc != leaf->desc;
		return WALK_HTT_DONE;
	}
	if (clean && dirties(t, stage, want, rights))
		desc = stage == 1
			       ? desc & ~VMSA_S1_AP_2
			       : desc | FIELD_PREP(VMSA_S2_S2AP, VMSA_S2AP_WO);
	if (likely(desc == leaf->desc))
		return WALK_HTT_DONE;
	return update(t, half, stage, leaf, desc);
}

enum walk_htt walk_htt_table(struct msmmu_txn *t, const struct msmmu_half *half,
			     unsigned int stage, struct walk_leaf *leaf)
{
	return update(t, half, stage, leaf, leaf->desc | VMSA_TABLE_AF);
}
