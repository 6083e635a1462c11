/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.c - an address through the stages that are on (IHI 0070 7.3.22, steps
 * 16 to 19).
 *
 * Each stage is looked up, its rights are checked against what the transaction
 * wants, and the answers are folded into one.  What a stage does with tables is
 * in s1.c and s2.c, with descriptors that have to be written in htt.c.
 */
#include "walk.h"
#include "tell.h"

void walk_fault(struct msmmu_txn *t, uint8_t type, uint8_t stage,
		const struct walk_leaf *leaf, const char *reason)
{
	msmmu_fault(t, type, stage, reason);
	t->fault.level = leaf->level;
	t->fault.desc_pa = leaf->desc_pa;
	t->fault.desc = leaf->desc;
}

bool walk_abort(struct msmmu_txn *t, unsigned int stage,
		const struct walk_leaf *leaf, const char *reason)
{
	walk_fault(t, SMMU_EVT_F_WALK_EABT, stage, leaf, reason);
	t->fault.class = SMMU_EVT_CLASS_TT;
	t->fault.ipa = leaf->desc_pa;
	if (unlikely(t->m->explain))
		msmmu_explain_no_desc(t->m, stage, leaf);
	return false;
}

/* The first stage at which something is missing; write before the rest. */
bool walk_denied(struct msmmu_txn *t, const struct msmmu_result *res,
		 uint32_t missing)
{
	unsigned int stage = missing & MSMMU_S1_ALL ? 1 : 2;

	missing &= stage == 1 ? MSMMU_S1_UW | MSMMU_S1_PW : MSMMU_S2_W;
	msmmu_fault(t, SMMU_EVT_F_PERMISSION, stage, "permission");
	t->fault.rnw = !missing;
	t->fault.level = stage == 1 ? res->level1 : res->level2;
	t->fault.ipa = stage == 2 ? res->ipa : 0;
	return false;
}

/* Of an entry of the TLB, which does not know why rights are missing. */
bool msmmu_check_rights(struct msmmu_txn *t, const struct msmmu_result *res)
{
	const struct msmmu_ctx *ctx = t->ctx;

	if (likely(walk_check(t, walk_want(t), res)))
		return true;
	if (!t->priv && walk_half(ctx, t->in->iova)->e0pd)
		walk_e0pd(t);
	return false;
}

static void fold_stage2(const struct msmmu_ctx *ctx, struct msmmu_result *res,
			const struct msmmu_result *s2)
{
	res->ipa = res->pa;
	res->pa = s2->pa;
	res->rights &= s2->rights;
	if (s2->size_lg2 < res->size_lg2)
		res->size_lg2 = s2->size_lg2;
	res->level2 = s2->level2;
	res->clean |= s2->clean;
	msmmu_attrs_combine(ctx, s2->mair, s2->sh, &res->mair, &res->sh);
}

static bool stage2_of(struct msmmu_txn *t, uint32_t want,
		      struct msmmu_result *res)
{
	struct msmmu_result s2;

	if (unlikely(t->m->explain))
		msmmu_explain_class(t->m, SMMU_EVT_CLASS_IN, false);
	if (!walk_s2(t, res->pa, want, &s2)) {
		if (t->fault.type != SMMU_EVT_F_WALK_EABT)
			t->fault.ipa = res->pa;
		else
			t->fault.class = SMMU_EVT_CLASS_IN;
		return false;
	}
	fold_stage2(t->ctx, res, &s2);
	return walk_check(t, want, res);
}

bool msmmu_walk(struct msmmu_txn *t, uint64_t va,
		const struct msmmu_tlb_ticket *ticket, struct msmmu_result *res)
{
	uint32_t want = walk_want(t), any;

	model_count(t->slot, MSMMU_WALKS, 1);
	if (!t->ctx->s1) {
		*res = (struct msmmu_result){
			.pa = va,
			.rights = MSMMU_S1_ALL | MSMMU_S2_ALL,
			.size_lg2 = 64,
			.level1 = MSMMU_NO_LEVEL,
			.granule_lg2 = t->ctx->stage2.granule_lg2,
		};
		msmmu_attrs_input(t, &res->mair, &res->sh);
		return stage2_of(t, want, res);
	}
	if (!walk_s1(t, va, want, ticket, res))
		return false;
	if (!t->ctx->s2)
		return true;
	if (unlikely(t->ats)) {
		/* Stage 2 is of no interest, or its dirty state is not. */
		any = walk_granted(t, 1, res->rights);
		if (!any) {
			t->dry = true;
			return true;
		}
		if (!(any & (MSMMU_S1_UW | MSMMU_S1_PW)))
			want &= ~WALK_WANT_DIRTY;
	}
	return stage2_of(t, want, res);
}
