/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.c - reading translation tables (VMSAv8-64, DDI 0487 D8; IHI 0070 3.4).
 *
 * walk_table() is the one loop for both stages: it reads one descriptor per
 * level and stops at a leaf or a fault.  A descriptor of stage 1 lies at an
 * IPA when stage 2 is on, and is translated first.  Work is bounded by the
 * number of levels, whatever the tables contain.
 *
 * Where the last table is that a walk comes to is kept in a cache of its own
 * (pwc), so that most walks read one descriptor.  Entries die with the TLB's
 * generations and with every invalidation by address that is not for leaves
 * only.  With both stages an entry of stage 1 holds the table's PA: software
 * that changes stage 2 under it has to invalidate stage 1 by VMID too.
 *
 * The order of faults is that of IHI 0070 7.3.22: for each level, stage 2 of
 * the descriptor's address, external abort, validity, address size; for the
 * leaf, access flag and then permission.
 */
#include "hw/vmsa/desc.h"
#include "msmmu.h"
#include "tlb_inline.h"

struct leaf {
	uint64_t desc;
	uint64_t desc_pa;
	uint64_t oa; /* of the block's or page's first byte */
	int8_t level;
	uint8_t shift; /* log2 of the block's or page's size */
	/* what the tables above take away */
	bool no_unpriv, no_write, uxn, pxn;
};

static void fault_at(struct msmmu_txn *t, uint8_t type, uint8_t stage,
		     const struct leaf *leaf, const char *reason)
{
	msmmu_fault(t, type, stage, reason);
	t->fault.level = leaf->level;
	t->fault.desc_pa = leaf->desc_pa;
	t->fault.desc = leaf->desc;
}

/* --------------------------------------------------------- descriptors -- */

static uint64_t desc_address(const struct msmmu_half *half, uint64_t desc)
{
	uint64_t low = GENMASK64(47, half->granule_lg2);

	switch (half->oa_form) {
	case MSMMU_OA_64K_52:
		return (desc & low) | FIELD_GET(VMSA_OA_64K_51_48, desc) << 48;
	case MSMMU_OA_DS:
		return (desc & (low | GENMASK64(49, 48))) |
		       FIELD_GET(VMSA_OA_DS_51_50, desc) << 50;
	default:
		return desc & low;
	}
}

static bool level_has_blocks(const struct msmmu_half *half, int level)
{
	int first = half->granule_lg2 == 12   ? VMSA_FIRST_BLOCK_LEVEL_4K
		    : half->granule_lg2 == 14 ? VMSA_FIRST_BLOCK_LEVEL_16K
					      : VMSA_FIRST_BLOCK_LEVEL_64K;

	if (half->oa_form != MSMMU_OA_48)
		first--;
	return level >= first;
}

static void take_table_attrs(const struct msmmu_txn *t, struct leaf *leaf)
{
	unsigned int ap = FIELD_GET(VMSA_S1_TABLE_APTABLE, leaf->desc);

	leaf->no_write |= ap >> 1;
	leaf->uxn |= !!(leaf->desc & VMSA_S1_TABLE_UXNTABLE);
	if (t->ctx->single_priv)
		return; /* APTable[0] and PXNTable are RES0 */
	leaf->no_unpriv |= ap & 1;
	leaf->pxn |= !!(leaf->desc & VMSA_S1_TABLE_PXNTABLE);
}

/* Stage 2 stands between a stage-1 descriptor and its memory. */
static bool desc_by_stage2(struct msmmu_txn *t, const struct msmmu_half *half,
			   struct leaf *leaf, struct uiommu_mem_attrs *attrs)
{
	return msmmu_walk_own(t, leaf->desc_pa, SMMU_EVT_CLASS_TT,
			      half->walk_mair, half->walk_sh, &leaf->desc_pa,
			      attrs);
}

static bool desc_abort(struct msmmu_txn *t, unsigned int stage,
		       const struct leaf *leaf)
{
	fault_at(t, SMMU_EVT_F_WALK_EABT, stage, leaf,
		 "external abort on a table");
	t->fault.class = SMMU_EVT_CLASS_TT;
	t->fault.ipa = leaf->desc_pa;
	return false;
}

/* `by_stage2`: leaf->desc_pa is an IPA still. */
static inline bool read_desc(struct msmmu_txn *t, const struct msmmu_half *half,
			     unsigned int stage, bool by_stage2,
			     struct leaf *leaf)
{
	const struct uiommu_model_host *host = &t->m->host;
	struct uiommu_mem_attrs attrs =
		model_walk_attrs(half->walk_mair, half->walk_sh);

	if (by_stage2 && !desc_by_stage2(t, half, leaf, &attrs))
		return false;
	model_count(t->slot, MSMMU_WALK_READS, 1);
	if (unlikely(model_read64(host, leaf->desc_pa, &leaf->desc, attrs)))
		return desc_abort(t, stage, leaf);
	if (unlikely(half->big_endian))
		leaf->desc = __builtin_bswap64(leaf->desc);
	return true;
}

/* ------------------------------------------------------- table cache ---- */

/* out of an entry: PA of the level-3 table and what the tables take away. */
#define PWC_NO_UNPRIV BIT64(0)
#define PWC_NO_WRITE BIT64(1)
#define PWC_UXN BIT64(2)
#define PWC_PXN BIT64(3)
#define PWC_TABLE GENMASK64(55, 12)

struct pwc {
	const struct msmmu_view *view;
	uint64_t stamp;
	uint64_t in;
	unsigned int lg2; /* of what one level-3 table covers */
};

static inline struct pwc pwc_key(const struct msmmu_txn *t,
				 const struct msmmu_half *half,
				 unsigned int stage, uint64_t in,
				 const struct msmmu_tlb_ticket *ticket)
{
	const struct msmmu_ctx *ctx = t->ctx;
	uint64_t gens = ticket->all + ticket->tables;

	if (stage == 2)
		return (struct pwc){
			.view = &ctx->ipa,
			.stamp = (ticket->ipa >> SPACE_GEN_SHIFT) + gens,
			.in = in,
			.lg2 = half->granule_lg2 * 2 - 3u,
		};
	return (struct pwc){
		.view = &ctx->local,
		.stamp = (ticket->local >> SPACE_GEN_SHIFT) + gens + ticket->vm,
		.in = in,
		.lg2 = half->granule_lg2 * 2 - 3u,
	};
}

static inline bool pwc_find(const msmmu *m, const struct pwc *key,
			    struct leaf *leaf, uint64_t *table)
{
	struct mcache_entry e;

	if (!m->pwc.set ||
	    !mcache_find(&m->pwc, tlb_index(key->view, key->in, key->lg2),
			 tlb_tag(key->view, key->in, key->lg2), key->view->meta,
			 META_OWNER, key->stamp, &e, false))
		return false;
	*table = e.out & PWC_TABLE;
	leaf->level = 3;
	leaf->no_unpriv = e.out & PWC_NO_UNPRIV;
	leaf->no_write = e.out & PWC_NO_WRITE;
	leaf->uxn = e.out & PWC_UXN;
	leaf->pxn = e.out & PWC_PXN;
	return true;
}

static void pwc_fill(msmmu *m, const struct pwc *key, const struct leaf *leaf,
		     uint64_t table)
{
	struct mcache_entry e = {
		.meta = key->view->meta,
		.stamp = key->stamp,
		.out = (table & PWC_TABLE) |
		       (leaf->no_unpriv ? PWC_NO_UNPRIV : 0) |
		       (leaf->no_write ? PWC_NO_WRITE : 0) |
		       (leaf->uxn ? PWC_UXN : 0) | (leaf->pxn ? PWC_PXN : 0),
	};

	if (m->pwc.set)
		mcache_fill(&m->pwc, tlb_index(key->view, key->in, key->lg2),
			    tlb_tag(key->view, key->in, key->lg2), &e,
			    META_OWNER, mcache_kills(&m->pwc));
}

/* Is this descriptor good for its level?  Sets the fault if not. */
static inline bool check_desc(struct msmmu_txn *t,
			      const struct msmmu_half *half, unsigned int stage,
			      const struct leaf *leaf, uint64_t addr)
{
	unsigned int type = leaf->desc & VMSA_DESC_TYPE;

	if (unlikely(!(type & 1) || (type == VMSA_DESC_TYPE_BLOCK &&
				     (leaf->level == 3 ||
				      !level_has_blocks(half, leaf->level))))) {
		fault_at(t, SMMU_EVT_F_TRANSLATION, stage, leaf, "translation");
		return false;
	}
	if (unlikely(addr >> half->out_bits)) {
		fault_at(t, SMMU_EVT_F_ADDR_SIZE, stage, leaf, "address size");
		return false;
	}
	return true;
}

/*
 * `in` is within the range of the table.  On failure the fault is complete but
 * for class and IPA of stage 2, which the caller knows.
 */
static bool walk_table(struct msmmu_txn *t, const struct msmmu_half *half,
		       unsigned int stage, uint64_t in,
		       const struct msmmu_tlb_ticket *ticket, struct leaf *leaf)
{
	uint64_t table = half->ttb, addr;
	unsigned int idx_bits = half->granule_lg2 - 3u;
	unsigned int shift = msmmu_level_shift(half->granule_lg2, half->start);
	uint64_t idx = (in & mask_lg2(half->in_bits)) >> shift;
	struct pwc key = pwc_key(t, half, stage, in, ticket);
	bool by_stage2 = stage == 1 && t->ctx->s2;
	/* A table that stage 2 may scatter has no one place to be kept. */
	bool keep =
		half->start < 3 &&
		(!by_stage2 || t->ctx->stage2.granule_lg2 >= half->granule_lg2);

	*leaf = (struct leaf){ .level = half->start };
	if (keep && pwc_find(t->m, &key, leaf, &table)) {
		shift = half->granule_lg2;
		idx = in >> shift & mask_lg2(idx_bits);
		by_stage2 = false;
		keep = false;
	}
	for (;; leaf->level++) {
		leaf->desc_pa = table + idx * 8;
		if (!read_desc(t, half, stage, by_stage2, leaf))
			return false;
		if (leaf->level == 3 && keep)
			pwc_fill(t->m, &key, leaf,
				 align_down_lg2(leaf->desc_pa,
						half->granule_lg2));
		addr = desc_address(half, leaf->desc);
		if (!check_desc(t, half, stage, leaf, addr))
			return false;
		if (!(leaf->desc & 2) || leaf->level == 3)
			break;
		if (stage == 1 && !half->had)
			take_table_attrs(t, leaf);
		table = addr;
		shift -= idx_bits;
		idx = in >> shift & mask_lg2(idx_bits);
	}
	leaf->shift = shift;
	leaf->oa = align_down_lg2(addr, shift);
	if (unlikely(!(leaf->desc & VMSA_LEAF_AF) && !half->affd)) {
		fault_at(t, SMMU_EVT_F_ACCESS, stage, leaf, "access flag");
		return false;
	}
	return true;
}

static uint8_t leaf_sh(const struct msmmu_half *half, const struct leaf *leaf)
{
	return half->oa_form == MSMMU_OA_DS
		       ? half->sh
		       : FIELD_GET(VMSA_LEAF_SH, leaf->desc);
}

/* ------------------------------------------------------------ stage 2 --- */

static uint32_t s2_rights(const msmmu *m, uint64_t desc)
{
	unsigned int ap = FIELD_GET(VMSA_S2_S2AP, desc);
	unsigned int xn = FIELD_GET(VMSA_S2_XN, desc);
	uint32_t rights = 0;

	if (ap & VMSA_S2AP_RO)
		rights |= MSMMU_S2_R;
	if (ap & VMSA_S2AP_WO)
		rights |= MSMMU_S2_W;
	if (!m->caps.xnx)
		xn &= 2;
	if (xn == VMSA_XN_NEITHER || xn == VMSA_XN_PRIV)
		rights |= MSMMU_S2_UX;
	if (xn == VMSA_XN_NEITHER || xn == VMSA_XN_UNPRIV)
		rights |= MSMMU_S2_PX;
	return rights;
}

/*
 * Stage 2 alone, from the TLB or the tables.  res->mair holds MemAttr and
 * res->sh SH as they stand in the descriptor.
 */
static bool s2_lookup(struct msmmu_txn *t, uint64_t ipa,
		      struct msmmu_result *res)
{
	const struct msmmu_half *half = &t->ctx->stage2;
	struct msmmu_tlb_ticket ticket;
	struct leaf leaf;

	if (ipa >> half->in_bits) {
		msmmu_fault(t, SMMU_EVT_F_TRANSLATION, 2,
			    "address above the stage-2 range");
		return false;
	}
	if (msmmu_tlb_find_ipa(t->m, t->ctx, ipa, res))
		return true;
	msmmu_tlb_ticket(t->m, t->ctx, &ticket);
	if (!walk_table(t, half, 2, ipa, &ticket, &leaf))
		return false;
	*res = (struct msmmu_result){
		.pa = leaf.oa | (ipa & mask_lg2(leaf.shift)),
		.ipa = ipa,
		.rights = s2_rights(t->m, leaf.desc) | MSMMU_S1_ALL,
		.size_lg2 = leaf.shift,
		.mair = FIELD_GET(VMSA_S2_MEMATTR, leaf.desc),
		.sh = leaf_sh(half, &leaf),
		.level1 = MSMMU_NO_LEVEL,
		.level2 = leaf.level,
		.granule_lg2 = half->granule_lg2,
	};
	msmmu_tlb_fill_ipa(t->m, t->ctx, ipa, res, &ticket);
	return true;
}

static bool s2_is_device(const struct msmmu_ctx *ctx, unsigned int memattr)
{
	if (ctx->s2fwb)
		return !(memattr & 4);
	return msmmu_mair_is_device(msmmu_memattr_to_mair(memattr));
}

bool msmmu_walk_own(struct msmmu_txn *t, uint64_t ipa, unsigned int class,
		    uint8_t mair, uint8_t sh, uint64_t *pa,
		    struct uiommu_mem_attrs *attrs)
{
	struct msmmu_result res;

	if (!s2_lookup(t, ipa, &res))
		goto fault;
	if (!(res.rights & MSMMU_S2_R)) {
		msmmu_fault(t, SMMU_EVT_F_PERMISSION, 2,
			    "permission for a table read");
		goto fault_level;
	}
	if (t->ctx->s2ptw && s2_is_device(t->ctx, res.mair)) {
		msmmu_fault(t, SMMU_EVT_F_PERMISSION, 2,
			    "table in Device memory");
		goto fault_level;
	}
	msmmu_attrs_combine(t->ctx, res.mair, res.sh, &mair, &sh);
	if (t->m->caps.ptwnnc && msmmu_mair_is_device(mair))
		mair = 0x44;
	*pa = res.pa;
	*attrs = model_walk_attrs(mair, sh);
	return true;

fault_level:
	t->fault.level = res.level2;
	t->fault.tt_read = class == SMMU_EVT_CLASS_TT;
fault:
	t->fault.class = class;
	if (t->fault.type != SMMU_EVT_F_WALK_EABT)
		t->fault.ipa = ipa;
	return false;
}

/* ------------------------------------------------------------ stage 1 --- */

/* A privilege that may write here may not execute here. */
static uint32_t s1_execute(const struct msmmu_ctx *ctx, const struct leaf *leaf,
			   uint32_t rights)
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

static uint32_t s1_rights(const struct msmmu_ctx *ctx,
			  const struct msmmu_half *half,
			  const struct leaf *leaf)
{
	bool write = !(leaf->desc & VMSA_S1_AP_2) && !leaf->no_write;
	bool unpriv = (leaf->desc & VMSA_S1_AP_1) && !leaf->no_unpriv;
	uint32_t rights = MSMMU_S1_PR;

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

/* TTB0 or TTB1, or NULL with the fault that the address deserves. */
static const struct msmmu_half *pick_half(struct msmmu_txn *t, uint64_t *va)
{
	const struct msmmu_ctx *ctx = t->ctx;
	bool top = ctx->two_halves && (*va & BIT64(55));
	const struct msmmu_half *half = &ctx->half[top];
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
		msmmu_fault(t, SMMU_EVT_F_TRANSLATION, 1,
			    "unprivileged access turned off (E0PD)");
		return NULL;
	}
	return half;
}

static bool s1_walk(struct msmmu_txn *t, uint64_t va,
		    const struct msmmu_tlb_ticket *ticket,
		    struct msmmu_result *res)
{
	const struct msmmu_half *half = pick_half(t, &va);
	unsigned int attr;
	struct leaf leaf;

	if (!half || !walk_table(t, half, 1, va, ticket, &leaf))
		return false;
	attr = FIELD_GET(VMSA_S1_ATTRINDX, leaf.desc);
	*res = (struct msmmu_result){
		.pa = leaf.oa | (va & mask_lg2(leaf.shift)),
		.rights = s1_rights(t->ctx, half, &leaf) | MSMMU_S2_ALL,
		.size_lg2 = leaf.shift,
		.mair = msmmu_mair_clean(VMSA_MAIR_BYTE(t->ctx->mair, attr)),
		.sh = leaf_sh(half, &leaf),
		.global = !(leaf.desc & VMSA_S1_NG),
		.level1 = leaf.level,
		.level2 = MSMMU_NO_LEVEL,
		.granule_lg2 = half->granule_lg2,
	};
	res->sh = msmmu_sh_fix(res->mair, res->sh);
	if (!msmmu_check_rights(t, res)) {
		t->fault.desc_pa = leaf.desc_pa;
		t->fault.desc = leaf.desc;
		return false;
	}
	return true;
}

/* ------------------------------------------------------------- both ----- */

/* Is `any` of stage `stage` missing?  Write is looked at first. */
bool msmmu_check_rights(struct msmmu_txn *t, const struct msmmu_result *res)
{
	uint32_t r1 = t->priv ? res->rights >> 3 : res->rights;
	bool x2 = res->rights & (t->priv ? MSMMU_S2_PX : MSMMU_S2_UX);
	bool fetch = t->instr && !t->write;
	bool read_missing, write_missing;
	unsigned int stage = 1;

	write_missing = t->write && !(r1 & MSMMU_S1_UW);
	read_missing = fetch ? !(r1 & MSMMU_S1_UX)
			     : t->read && !(r1 & MSMMU_S1_UR);
	if (!write_missing && !read_missing) {
		stage = 2;
		write_missing = t->write && !(res->rights & MSMMU_S2_W);
		read_missing = fetch ? !x2
				     : t->read && !(res->rights & MSMMU_S2_R);
		if (likely(!write_missing && !read_missing))
			return true;
	}
	msmmu_fault(t, SMMU_EVT_F_PERMISSION, stage, "permission");
	t->fault.rnw = !write_missing;
	t->fault.level = stage == 1 ? res->level1 : res->level2;
	t->fault.ipa = stage == 2 ? res->ipa : 0;
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
	msmmu_attrs_combine(ctx, s2->mair, s2->sh, &res->mair, &res->sh);
}

bool msmmu_walk(struct msmmu_txn *t, uint64_t va,
		const struct msmmu_tlb_ticket *ticket, struct msmmu_result *res)
{
	struct msmmu_result s2;

	model_count(t->slot, MSMMU_WALKS, 1);
	if (t->ctx->s1) {
		if (!s1_walk(t, va, ticket, res))
			return false;
		if (!t->ctx->s2)
			return true;
	} else {
		*res = (struct msmmu_result){
			.pa = va,
			.rights = MSMMU_S1_ALL | MSMMU_S2_ALL,
			.size_lg2 = 64,
			.mair = t->ctx->in_mair,
			.sh = t->ctx->in_sh,
			.level1 = MSMMU_NO_LEVEL,
			.granule_lg2 = t->ctx->stage2.granule_lg2,
		};
	}
	if (!s2_lookup(t, res->pa, &s2)) {
		if (t->fault.type != SMMU_EVT_F_WALK_EABT)
			t->fault.ipa = res->pa;
		else
			t->fault.class = SMMU_EVT_CLASS_IN;
		return false;
	}
	fold_stage2(t->ctx, res, &s2);
	return msmmu_check_rights(t, res);
}
