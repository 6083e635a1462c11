/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_inline.h - the loop over the levels of a table (VMSAv8-64, DDI 0487 D8;
 * IHI 0070 3.4), included once for each stage.
 *
 * One descriptor is read per level, until a leaf or a fault.  A descriptor of
 * stage 1 lies at an IPA when stage 2 is on, and is translated first.  Work is
 * bounded by the number of levels and of updates (htt.c), whatever the tables
 * contain.
 *
 * Where the last table is that a walk comes to is kept, see pwc_inline.h.
 *
 * The order of faults is that of IHI 0070 7.3.22: for each level, stage 2 of
 * the descriptor's address, external abort, validity, address size; for the
 * leaf, access flag.
 */
#ifndef MODEL_SMMUV3_WALK_INLINE_H
#define MODEL_SMMUV3_WALK_INLINE_H

#include "pwc_inline.h"
#include "walk.h"
#include "tell.h"

/* --------------------------------------------------------- descriptors -- */

static inline uint64_t desc_address(const struct msmmu_half *half,
				    uint64_t desc)
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

static inline bool level_has_blocks(const struct msmmu_half *half, int level)
{
	int first = half->granule_lg2 == 12   ? VMSA_FIRST_BLOCK_LEVEL_4K
		    : half->granule_lg2 == 14 ? VMSA_FIRST_BLOCK_LEVEL_16K
					      : VMSA_FIRST_BLOCK_LEVEL_64K;

	if (half->oa_form != MSMMU_OA_48)
		first--;
	return level >= first;
}

static inline void take_table_attrs(const struct msmmu_txn *t,
				    struct walk_leaf *leaf)
{
	unsigned int ap = FIELD_GET(VMSA_S1_TABLE_APTABLE, leaf->desc);

	leaf->no_write |= ap >> 1;
	leaf->uxn |= !!(leaf->desc & VMSA_S1_TABLE_UXNTABLE);
	if (t->ctx->single_priv)
		return; /* APTable[0] and PXNTable are RES0 */
	leaf->no_unpriv |= ap & 1;
	leaf->pxn |= !!(leaf->desc & VMSA_S1_TABLE_PXNTABLE);
}

/* `by_stage2`: leaf->desc_pa is an IPA still. */
static inline bool read_desc(struct msmmu_txn *t, const struct msmmu_half *half,
			     unsigned int stage, bool by_stage2,
			     struct walk_leaf *leaf)
{
	const struct uiommu_model_host *host = &t->m->host;

	leaf->desc_ipa = by_stage2 ? leaf->desc_pa : UIOMMU_PA_INVALID;
	if (by_stage2 && !msmmu_walk_own(t, leaf->desc_ipa, SMMU_EVT_CLASS_TT,
					 false, half->walk_mair, half->walk_sh,
					 &leaf->desc_pa, &leaf->attrs))
		return false;
	model_count(t->slot, MSMMU_WALK_READS, 1);
	if (unlikely(model_read64(host, leaf->desc_pa, &leaf->desc,
				  leaf->attrs)))
		return walk_abort(t, stage, leaf, "external abort on a table");
	if (unlikely(half->big_endian))
		leaf->desc = __builtin_bswap64(leaf->desc);
	if (unlikely(t->m->explain))
		msmmu_explain_desc(t, half, stage, leaf,
				   desc_address(half, leaf->desc));
	return true;
}

/* Is this descriptor good for its level?  Sets the fault if not. */
static inline bool check_desc(struct msmmu_txn *t,
			      const struct msmmu_half *half, unsigned int stage,
			      const struct walk_leaf *leaf, uint64_t addr)
{
	unsigned int type = leaf->desc & VMSA_DESC_TYPE;

	if (unlikely(!(type & 1) || (type == VMSA_DESC_TYPE_BLOCK &&
				     (leaf->level == 3 ||
				      !level_has_blocks(half, leaf->level))))) {
		walk_fault(t, SMMU_EVT_F_TRANSLATION, stage, leaf,
			   "translation");
		return false;
	}
	if (unlikely(addr >> half->out_bits)) {
		walk_fault(t, SMMU_EVT_F_ADDR_SIZE, stage, leaf,
			   "address size");
		return false;
	}
	return true;
}

/* ------------------------------------------------------- table cache ---- */

static inline bool table_find(const msmmu *m, const struct pwc_key *key,
			      struct walk_leaf *leaf, uint64_t *table)
{
	uint64_t out;

	if (!m->pwc.set || !pwc_find(m, key, &out))
		return false;
	*table = out & PWC_TABLE;
	leaf->level = 3;
	leaf->attrs = pwc_attrs(out);
	leaf->no_unpriv = out & PWC_NO_UNPRIV;
	leaf->no_write = out & PWC_NO_WRITE;
	leaf->uxn = out & PWC_UXN;
	leaf->pxn = out & PWC_PXN;
	return true;
}

static inline void table_fill(msmmu *m, const struct pwc_key *key,
			      const struct walk_leaf *leaf, uint64_t table)
{
	if (m->pwc.set)
		pwc_fill(m, key,
			 (table & PWC_TABLE) |
				 FIELD_PREP(PWC_MAIR, leaf->attrs.mair) |
				 FIELD_PREP(PWC_SH, leaf->attrs.sh) |
				 (leaf->no_unpriv ? PWC_NO_UNPRIV : 0) |
				 (leaf->no_write ? PWC_NO_WRITE : 0) |
				 (leaf->uxn ? PWC_UXN : 0) |
				 (leaf->pxn ? PWC_PXN : 0));
}

/* ------------------------------------------------------------ the loop -- */

/* log2 of the descriptors in a Contiguous group; 0: the level has none. */
static inline unsigned int contiguous_lg2(unsigned int granule_lg2, int level)
{
	switch (granule_lg2) {
	case 12:
		return level >= 1 ? VMSA_CONTIG_4K_LG2 : 0;
	case 14:
		return level == 3   ? VMSA_CONTIG_16K_L3_LG2
		       : level == 2 ? VMSA_CONTIG_16K_L2_LG2
				    : 0;
	default:
		return level >= 2 ? VMSA_CONTIG_64K_LG2 : 0;
	}
}

/*
 * The hint is taken where the group is whole: within the first table, and at
 * the output address that this entry implies for all of it.  The other entries
 * are not looked at.
 */
static inline void take_contiguous(const struct msmmu_half *half, uint64_t in,
				   struct walk_leaf *leaf)
{
	unsigned int lg2 = contiguous_lg2(half->granule_lg2, leaf->level);

	if (leaf->level == half->start &&
	    leaf->shift + lg2 > (unsigned int)half->in_bits)
		return;
	if (((leaf->oa ^ in) >> leaf->shift) & mask_lg2(lg2))
		return;
	leaf->region = (uint8_t)(leaf->shift + lg2);
}

static inline bool take_leaf(struct msmmu_txn *t, const struct msmmu_half *half,
			     unsigned int stage, uint64_t in, uint64_t addr,
			     unsigned int shift, struct walk_leaf *leaf)
{
	leaf->shift = leaf->region = (uint8_t)shift;
	leaf->oa = align_down_lg2(addr, shift);
	if (unlikely(leaf->desc & VMSA_LEAF_CONTIGUOUS))
		take_contiguous(half, in, leaf);
	if (likely((leaf->desc & VMSA_LEAF_AF) || half->affd || half->ha))
		return true;
	walk_fault(t, SMMU_EVT_F_ACCESS, stage, leaf, "access flag");
	return false;
}

/*
 * `in` is within the range of the table.  On failure the fault is complete but
 * for class and IPA of stage 2, which the caller knows.
 */
static inline __attribute__((always_inline)) bool
walk_table(struct msmmu_txn *t, const struct msmmu_half *half,
	   unsigned int stage, uint64_t in, uint32_t want,
	   const struct msmmu_tlb_ticket *ticket, struct walk_leaf *leaf)
{
	uint64_t table, addr, idx;
	unsigned int idx_bits = half->granule_lg2 - 3u, shift;
	struct pwc_key key = pwc_key(t->ctx, half, stage, in, ticket);
	bool by_stage2 = stage == 1 && t->ctx->s2, from_top = false;
	enum walk_htt htt;
	bool keep;

again:
	table = half->ttb;
	shift = msmmu_level_shift(half->granule_lg2, half->start);
	idx = (in & mask_lg2(half->in_bits)) >> shift;
	/* A table that stage 2 may scatter has no one place to be kept. */
	keep = half->start < 3 &&
	       (!by_stage2 || t->ctx->stage2.granule_lg2 >= half->granule_lg2);
	*leaf = (struct walk_leaf){
		.level = half->start,
		.attrs = model_walk_attrs(half->walk_mair, half->walk_sh),
	};
	if (keep && !from_top && table_find(t->m, &key, leaf, &table)) {
		shift = half->granule_lg2;
		idx = in >> shift & mask_lg2(idx_bits);
		by_stage2 = false;
		keep = false;
	}
	for (;; leaf->level++) {
		leaf->desc_pa = table + idx * 8;
		if (!read_desc(t, half, stage, by_stage2, leaf))
			return false;
		if (leaf->level == 3 && keep && !t->dry)
			table_fill(t->m, &key, leaf,
				   align_down_lg2(leaf->desc_pa,
						  half->granule_lg2));
look:
		addr = desc_address(half, leaf->desc);
		if (!check_desc(t, half, stage, leaf, addr))
			return false;
		htt = WALK_HTT_DONE;
		if (!(leaf->desc & 2) || leaf->level == 3) {
			if (!take_leaf(t, half, stage, in, addr, shift, leaf))
				return false;
			if (unlikely(half->ha))
				htt = walk_htt_leaf(t, half, stage, want, leaf);
			if (likely(htt == WALK_HTT_DONE))
				return true;
		} else if (unlikely(half->haft &&
				    !(leaf->desc & VMSA_TABLE_AF))) {
			htt = walk_htt_table(t, half, stage, leaf);
		}
		if (unlikely(htt != WALK_HTT_DONE)) {
			if (htt == WALK_HTT_CHANGED)
				goto look;
			if (htt == WALK_HTT_FAULT)
				return false;
			by_stage2 = stage == 1 && t->ctx->s2;
			from_top = true;
			goto again;
		}
		if (stage == 1 && !half->had)
			take_table_attrs(t, leaf);
		table = addr;
		shift -= idx_bits;
		idx = in >> shift & mask_lg2(idx_bits);
	}
}

static inline uint8_t leaf_sh(const struct msmmu_half *half,
			      const struct walk_leaf *leaf)
{
	return half->oa_form == MSMMU_OA_DS
		       ? half->sh
		       : FIELD_GET(VMSA_LEAF_SH, leaf->desc);
}

#endif /* MODEL_SMMUV3_WALK_INLINE_H */
