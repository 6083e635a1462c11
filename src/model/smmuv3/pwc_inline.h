/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwc_inline.h - where level-3 tables are: a cache for walks, so that most of
 * them read one descriptor.
 *
 * Entries die with the TLB's generations and with every invalidation by address
 * that is not for leaves only (tables_gen).  With both stages an entry of stage
 * 1 holds the table's PA: software that changes stage 2 under it has to
 * invalidate stage 1 by VMID too.
 *
 * The payload is the PA, how it is read (which with both stages is both's say), and
 * what the tables above take away.
 */
#ifndef MODEL_SMMUV3_PWC_INLINE_H
#define MODEL_SMMUV3_PWC_INLINE_H

#include "tlb_inline.h"

#define PWC_TABLE GENMASK64(51, 12)
/* In the order of msmmu_quick.rights. */
#define PWC_NO_UNPRIV BIT64(0)
#define PWC_NO_WRITE BIT64(1)
#define PWC_PXN BIT64(2)
#define PWC_UXN BIT64(3)
#define PWC_FLAGS GENMASK64(3, 0)
#define PWC_MAIR GENMASK64(11, 4)
#define PWC_SH GENMASK64(53, 52)

static inline struct uiommu_mem_attrs pwc_attrs(uint64_t out)
{
	return model_walk_attrs((uint8_t)FIELD_GET(PWC_MAIR, out),
				(uint8_t)FIELD_GET(PWC_SH, out));
}

struct pwc_key {
	uint64_t tag;
	uint64_t key;
	uint64_t kills;
	uint32_t idx;
};

/* For the table that `in` comes to in this half. */
static inline struct pwc_key pwc_key(const struct msmmu_ctx *ctx,
				     const struct msmmu_half *half,
				     unsigned int stage, uint64_t in,
				     const struct msmmu_tlb_ticket *ticket)
{
	const struct msmmu_view *view = stage == 2 ? &ctx->ipa : &ctx->local;
	uint64_t word = stage == 2 ? ticket->ipa : ticket->local;
	uint64_t gens =
		ticket->all + ticket->tables + (stage == 2 ? 0 : ticket->vm);
	unsigned int lg2 = half->granule_lg2 * 2 - 3u;

	return (struct pwc_key){
		.tag = tlb_tag(in, lg2),
		.key = mcache_key(view->owner,
				  (word >> SPACE_GEN_SHIFT) + gens),
		.kills = ticket->table_kills,
		.idx = tlb_index(view, in, lg2),
	};
}

static inline bool pwc_find(const msmmu *m, const struct pwc_key *key,
			    uint64_t *out)
{
	return mcache_find(&m->pwc, key->idx, key->tag, key->key, out, NULL);
}

static inline void pwc_fill(msmmu *m, const struct pwc_key *key, uint64_t out)
{
	struct mcache_entry e = {
		.tag = key->tag,
		.key = key->key,
		.out = out,
	};

	mcache_fill(&m->pwc, key->idx, &e, key->kills);
}

#endif /* MODEL_SMMUV3_PWC_INLINE_H */
