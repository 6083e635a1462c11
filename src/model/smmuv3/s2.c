/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * s2.c - stage 2 of a translation, for a transaction's address and for the
 * SMMU's own accesses to tables (IHI 0070 3.4, 5.2; DDI 0487 D8.4).
 */
#include "walk_inline.h"
#include "tell.h"

uint32_t walk_s2_rights(const msmmu *m, const struct msmmu_half *half,
			uint64_t desc, bool *clean)
{
	unsigned int ap = FIELD_GET(VMSA_S2_S2AP, desc);
	unsigned int xn = FIELD_GET(VMSA_S2_XN, desc);
	uint32_t rights = 0;

	*clean = half->hd && (desc & VMSA_LEAF_DBM) && !(ap & VMSA_S2AP_WO);
	if (ap & VMSA_S2AP_RO)
		rights |= MSMMU_S2_R;
	if ((ap & VMSA_S2AP_WO) || *clean)
		rights |= MSMMU_S2_W;
	if (!m->caps.xnx)
		xn &= 2;
	if (xn == VMSA_XN_NEITHER || xn == VMSA_XN_PRIV)
		rights |= MSMMU_S2_UX;
	if (xn == VMSA_XN_NEITHER || xn == VMSA_XN_UNPRIV)
		rights |= MSMMU_S2_PX;
	return rights;
}

/* May the entry serve this access, or does a page have to be marked first? */
static bool usable(const struct msmmu_result *res, uint32_t want)
{
	return likely(!res->clean) || !(want & (MSMMU_S2_W | WALK_WANT_DIRTY));
}

bool walk_s2(struct msmmu_txn *t, uint64_t ipa, uint32_t want,
	     struct msmmu_result *res)
{
	const struct msmmu_half *half = &t->ctx->stage2;
	struct msmmu_tlb_ticket ticket;
	struct walk_leaf leaf;
	uint32_t rights;
	bool clean;

	if (unlikely(t->m->explain))
		msmmu_explain_stage(t->m, half, 2, ipa);
	if (ipa >> half->in_bits) {
		msmmu_fault(t, SMMU_EVT_F_TRANSLATION, 2,
			    "address above the stage-2 range");
		return false;
	}
	if (msmmu_tlb_find_ipa(t->m, t->ctx, ipa, res) && usable(res, want))
		return true;
	msmmu_tlb_ticket(t->m, t->ctx, &ticket);
	if (!walk_table(t, half, 2, ipa, want, &ticket, &leaf))
		return false;
	rights = walk_s2_rights(t->m, half, leaf.desc, &clean);
	*res = (struct msmmu_result){
		.pa = leaf.oa | (ipa & mask_lg2(leaf.shift)),
		.ipa = ipa,
		.rights = rights | MSMMU_S1_ALL,
		.size_lg2 = leaf.region,
		.mair = FIELD_GET(VMSA_S2_MEMATTR, leaf.desc),
		.sh = leaf_sh(half, &leaf),
		.level1 = MSMMU_NO_LEVEL,
		.level2 = leaf.level,
		.granule_lg2 = half->granule_lg2,
		.clean = clean,
	};
	if (unlikely(clean)) {
		/* A write that left it clean misses something else. */
		if (want & MSMMU_S2_W)
			t->dry = true;
		else
			res->rights &= ~MSMMU_S2_W;
	}
	if (likely(!t->dry))
		msmmu_tlb_fill_ipa(t->m, t->ctx, ipa, res, &ticket);
	return true;
}

static bool is_device(const struct msmmu_ctx *ctx, unsigned int memattr)
{
	if (ctx->s2fwb)
		return !(memattr & 4);
	return msmmu_mair_is_device(msmmu_memattr_to_mair(memattr));
}

/* Why the SMMU may not make this access, or NULL; *write is told of. */
static const char *own_refused(const struct msmmu_txn *t,
			       const struct msmmu_result *res, bool *write)
{
	if (*write && !(res->rights & MSMMU_S2_W))
		return "permission for a table update";
	if (!(res->rights & MSMMU_S2_R)) {
		*write = false;
		return "permission for a table read";
	}
	if (t->ctx->s2ptw && is_device(t->ctx, res->mair))
		return "table in Device memory";
	return NULL;
}

bool msmmu_walk_own(struct msmmu_txn *t, uint64_t ipa, unsigned int class,
		    bool write, uint8_t mair, uint8_t sh, uint64_t *pa,
		    struct uiommu_mem_attrs *attrs)
{
	struct msmmu_result res;
	const char *why;

	if (unlikely(t->m->explain))
		msmmu_explain_class(t->m, class, write);
	if (!walk_s2(t, ipa, write ? MSMMU_S2_R | MSMMU_S2_W : MSMMU_S2_R,
		     &res))
		goto fault;
	why = own_refused(t, &res, &write);
	if (unlikely(why)) {
		msmmu_fault(t, SMMU_EVT_F_PERMISSION, 2, why);
		t->fault.level = res.level2;
		t->fault.tt_read = class == SMMU_EVT_CLASS_TT && !write;
		goto fault;
	}
	msmmu_attrs_combine(t->ctx, res.mair, res.sh, &mair, &sh);
	if (t->m->caps.ptwnnc && msmmu_mair_is_device(mair))
		mair = 0x44;
	*pa = res.pa;
	*attrs = model_walk_attrs(mair, sh);
	return true;

fault:
	t->fault.class = class;
	if (t->fault.type != SMMU_EVT_F_WALK_EABT)
		t->fault.ipa = ipa;
	return false;
}
