/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.h - between the files that read translation tables: walk.c (both stages
 * together), s1.c, s2.c, htt.c.  walk_inline.h is the loop itself.
 */
#ifndef MODEL_SMMUV3_WALK_H
#define MODEL_SMMUV3_WALK_H

#include "hw/vmsa/desc.h"
#include "msmmu.h"

/* The descriptor that a walk looks at, in the end that of a block or page. */
struct walk_leaf {
	uint64_t desc;
	uint64_t desc_pa;
	/*
	 * The descriptor's address before stage 2, which a write to it has to
	 * go through again; UIOMMU_PA_INVALID if the walk did not learn it.
	 */
	uint64_t desc_ipa;
	uint64_t oa; /* of the block's or page's first byte */
	int8_t level;
	uint8_t shift;	/* log2 of the block's or page's size */
	uint8_t region; /* the same, neighbours that are Contiguous included */
	struct uiommu_mem_attrs attrs; /* of reads in the table */
	/* what the tables above take away */
	bool no_unpriv, no_write, uxn, pxn;
};

/*
 * What an access asks for, in the bits of rights: MSMMU_S1_*, MSMMU_S2_*.  An
 * ATS translation request asks for none, but may want clean pages dirty.
 */
#define WALK_WANT_DIRTY BIT32(10)
#define WALK_WANT_RIGHTS (MSMMU_S1_ALL | MSMMU_S2_ALL)

static inline uint32_t walk_want(const struct msmmu_txn *t)
{
	uint32_t s1 = 0, s2 = 0;

	if (unlikely(t->ats))
		return t->ats_nw ? 0 : WALK_WANT_DIRTY;
	if (t->write) {
		s1 = MSMMU_S1_UW;
		s2 = MSMMU_S2_W;
	}
	if (t->instr && !t->write) {
		s1 |= MSMMU_S1_UX;
		s2 |= t->priv ? MSMMU_S2_PX : MSMMU_S2_UX;
	} else if (t->read) {
		s1 |= MSMMU_S1_UR;
		s2 |= MSMMU_S2_R;
	}
	return (t->priv ? s1 << 3 : s1) | s2;
}

/*
 * Of a stage's rights, those of which a translation request can be granted some.
 * Execution is not among them, as it is granted with reading only; where
 * INSTCFG makes all reads fetches it stands for reading (IHI 0070 13.7.1).
 */
static inline uint32_t walk_granted(const struct msmmu_txn *t,
				    unsigned int stage, uint32_t rights)
{
	uint32_t s1 = MSMMU_S1_UR | MSMMU_S1_UW;
	uint32_t s2 = MSMMU_S2_R | MSMMU_S2_W;

	if (t->ctx->instr_or) {
		s1 = MSMMU_S1_UX | MSMMU_S1_UW;
		s2 = MSMMU_S2_W | (t->priv ? MSMMU_S2_PX : MSMMU_S2_UX);
	}
	return rights & (stage == 2 ? s2 : t->priv ? s1 << 3 : s1);
}

/* A fault of a walk, with the descriptor that it came to. */
void walk_fault(struct msmmu_txn *t, uint8_t type, uint8_t stage,
		const struct walk_leaf *leaf, const char *reason);
/* F_WALK_EABT; false. */
bool walk_abort(struct msmmu_txn *t, unsigned int stage,
		const struct walk_leaf *leaf, const char *reason);

/*
 * Rights that a leaf gives.  Where only the mark of a dirty page is missing for
 * writing, write is among them and *clean is set.
 */
uint32_t walk_s1_rights(const struct msmmu_ctx *ctx,
			const struct msmmu_half *half,
			const struct walk_leaf *leaf, bool *clean);
uint32_t walk_s2_rights(const msmmu *m, const struct msmmu_half *half,
			uint64_t desc, bool *clean);

/* TTB0 or TTB1. */
static inline const struct msmmu_half *walk_half(const struct msmmu_ctx *ctx,
						 uint64_t va)
{
	return &ctx->half[ctx->two_halves && (va & BIT64(55))];
}

/* The fault of the unprivileged where E0PD keeps them out. */
void walk_e0pd(struct msmmu_txn *t);
/* F_PERMISSION for the rights that are missing; false. */
bool walk_denied(struct msmmu_txn *t, const struct msmmu_result *res,
		 uint32_t missing);

static inline bool walk_check(struct msmmu_txn *t, uint32_t want,
			      const struct msmmu_result *res)
{
	uint32_t missing = want & WALK_WANT_RIGHTS & ~res->rights;

	return likely(!missing) || walk_denied(t, res, missing);
}

/* s1.c: stage 1 alone; res->pa is an IPA if there is a stage 2. */
bool walk_s1(struct msmmu_txn *t, uint64_t va, uint32_t want,
	     const struct msmmu_tlb_ticket *ticket, struct msmmu_result *res);
/*
 * s2.c: stage 2 alone, from the TLB or the tables, for an access that wants
 * `want`; rights are told, not checked.  res->mair holds MemAttr and res->sh
 * SH as they stand in the descriptor.
 */
bool walk_s2(struct msmmu_txn *t, uint64_t ipa, uint32_t want,
	     struct msmmu_result *res);

/* htt.c */
enum walk_htt {
	WALK_HTT_DONE,	  /* go on; leaf->desc is what is in memory now */
	WALK_HTT_CHANGED, /* leaf->desc is another one: look at it again */
	WALK_HTT_AGAIN,	  /* walk again from the top, without short cut */
	WALK_HTT_FAULT,	  /* t->fault says why */
};

/* A block or page is about to be used by an access that wants `want`. */
enum walk_htt walk_htt_leaf(struct msmmu_txn *t, const struct msmmu_half *half,
			    unsigned int stage, uint32_t want,
			    struct walk_leaf *leaf);
/* A table is about to be used whose access flag is not set. */
enum walk_htt walk_htt_table(struct msmmu_txn *t, const struct msmmu_half *half,
			     unsigned int stage, struct walk_leaf *leaf);

#endif /* MODEL_SMMUV3_WALK_H */
