/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * s1.c - stage 1 of a translation: which table, and what its leaf allows
 * (IHI 0070 3.4, 5.4; DDI 0487 D8.4).
 */
#include "walk_inline.h"
#include "tell.h"

/* A privilege that may write here may not execute here. */
static uint32_t s1_execute(const struct msmmu_ctx *ctx,
			   const struct walk_leaf *leaf, uint32_t rights)
{
	bool uxn = leaf->uxn || (leaf->desc & VMSA_S1_UXN);
	bool pxn = leaf->pxn || (leaf->desc & VMSA_S1_PXN);
	uint32_t x = 0;

	if (ctx->single_priv) {
		if (!uxn && !(ctx->wxn && (rights & MSMMU_S1_PW)))
			x = MSMMU_S1_PX | MSMMU_S1_UX;
		return x;
	}
	if (!uxn && !(ctx->wxn && (rights & MSMMU_S1_UW)))
		x |= MSMMU_S1_UX;
	if (!pxn && !(rights & MSMMU_S1_UW) &&
	    !(ctx->wxn && (rights & MSMMU_S1_PW)))
		x |= MSMMU_S1_PX;
	return x;
}

/* A page that is writable once it is marked dirty counts as writable. */
uint32_t walk_s1_rights(const struct msmmu_ctx *ctx,
			const struct msmmu_half *half,
			const struct walk_leaf *leaf, bool *clean)
{
	bool unpriv = (leaf->desc & VMSA_S1_AP_1) && !leaf->no_unpriv;
	bool marked = !(leaf->desc & VMSA_S1_AP_2);
	bool write = !leaf->no_write &&
		     (marked || (half->hd && (leaf->desc & VMSA_LEAF_DBM)));
	uint32_t rights = MSMMU_S1_PR;

	*clean = write && !marked;
	if (write)
		rights |= MSMMU_S1_PW;
	if (unpriv || ctx->single_priv)
		rights |= MSMMU_S1_UR | (write ? MSMMU_S1_UW : 0);
	rights |= s1_execute(ctx, leaf, rights);
	/* Data that the unprivileged may touch is not for the privileged. */
	if (ctx->pan && ((rights & (MSMMU_S1_UR | MSMMU_S1_UW)) ||
			 (ctx->epan && (rights & MSMMU_S1_UX))))
		rights &= ~(MSMMU_S1_PR | MSMMU_S1_PW);
	if (half->e0pd)
		rights &= ~(MSMMU_S1_UR | MSMMU_S1_UW | MSMMU_S1_UX);
	return rights;
}

void walk_e0pd(struct msmmu_txn *t)
{
	msmmu_fault(t, SMMU_EVT_F_TRANSLATION, 1,
		    "unprivileged access turned off (E0PD)");
}

/* TTB0 or TTB1, or NULL with the fault that the address deserves. */
static const struct msmmu_half *pick_half(struct msmmu_txn *t, uint64_t *va)
{
	const struct msmmu_ctx *ctx = t->ctx;
	const struct msmmu_half *half = walk_half(ctx, *va);
	bool top = half != &ctx->half[0];
	uint64_t above;

	if (ctx->tbi >> top & 1) {
		*va &= mask_lg2(56);
		if (top)
			*va |= ~mask_lg2(56);
	}
	if (half->off) {
		msmmu_fault(t, SMMU_EVT_F_TRANSLATION, 1,
			    "table base turned off (EPD)");
		return NULL;
	}
	above = *va | mask_lg2(half->in_bits);
	if (top ? above != ~UINT64_C(0) : above >> half->in_bits) {
		msmmu_fault(t, SMMU_EVT_F_TRANSLATION, 1,
			    "address outside the stage-1 range");
		return NULL;
	}
	if (half->e0pd && !t->priv) {
		walk_e0pd(t);
		return NULL;
	}
	return half;
}

bool walk_s1(struct msmmu_txn *t, uint64_t va, uint32_t want,
	     const struct msmmu_tlb_ticket *ticket, struct msmmu_result *res)
{
	const struct msmmu_half *half = pick_half(t, &va);
	struct walk_leaf leaf;
	unsigned int attr;
	uint32_t rights;
	bool clean;

	if (half && unlikely(t->m->explain))
		msmmu_explain_stage(t->m, half, 1, va);
	if (!half || !walk_table(t, half, 1, va, want, ticket, &leaf))
		return false;
	attr = FIELD_GET(VMSA_S1_ATTRINDX, leaf.desc);
	rights = walk_s1_rights(t->ctx, half, &leaf, &clean);
	*res = (struct msmmu_result){
		.pa = leaf.oa | (va & mask_lg2(leaf.shift)),
		.rights = rights | MSMMU_S2_ALL,
		.size_lg2 = leaf.region,
		.mair = msmmu_mair_clean(VMSA_MAIR_BYTE(t->ctx->mair, attr)),
		.sh = leaf_sh(half, &leaf),
		.global = !(leaf.desc & VMSA_S1_NG),
		.level1 = leaf.level,
		.level2 = MSMMU_NO_LEVEL,
		.granule_lg2 = half->granule_lg2,
		.clean = clean,
	};
	res->sh = msmmu_sh_fix(res->mair, res->sh);
	if (unlikely(!walk_check(t, want, res))) {
		t->fault.desc_pa = leaf.desc_pa;
		t->fault.desc = leaf.desc;
		return false;
	}
	/* A write has been marked by now: what is clean was not written. */
	if (unlikely(clean))
		res->rights &= ~(MSMMU_S1_UW | MSMMU_S1_PW);
	return true;
}
