/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb.h - filling the TLB, invalidating it, and commands that do.  Included by
 * msmmu.h.
 */
#ifndef MODEL_SMMUV3_TLB_H
#define MODEL_SMMUV3_TLB_H

#include "msmmu.h"

/* tlb.c */
int msmmu_tlb_init(msmmu *m);
void msmmu_tlb_fini(msmmu *m);
void msmmu_tlb_reset(msmmu *m);
/* What a fill must know from before the walk. */
struct msmmu_tlb_ticket {
	uint64_t kills, table_kills;
	uint64_t local, global, ipa; /* words of the spaces */
	uint64_t vm, all, tables;
};
void msmmu_tlb_ticket(const msmmu *m, const struct msmmu_ctx *ctx,
		      struct msmmu_tlb_ticket *ticket);
void msmmu_tlb_fill(msmmu *m, const struct msmmu_ctx *ctx, uint64_t va,
		    const struct msmmu_result *res,
		    const struct msmmu_tlb_ticket *ticket);
bool msmmu_tlb_find_ipa(msmmu *m, const struct msmmu_ctx *ctx, uint64_t ipa,
			struct msmmu_result *res);
void msmmu_tlb_fill_ipa(msmmu *m, const struct msmmu_ctx *ctx, uint64_t ipa,
			const struct msmmu_result *res,
			const struct msmmu_tlb_ticket *ticket);

/* Tags of an invalidation by address. */
struct msmmu_tlb_range {
	uint8_t regime;
	bool any_asid;
	uint16_t asid, vmid;
	uint64_t first, last;
	uint8_t granule_lg2; /* 0: any */
	int8_t level;	     /* -128: any */
	bool leaf_only;
};

/* CFGI and TLBI commands, taken apart: inval.c, tlbi.c. */
struct msmmu_inval {
	uint8_t op;	  /* SMMU_CMD_OP_* */
	uint8_t sids_lg2; /* CFGI: of how many StreamIDs */
	uint8_t vmw;	  /* TLBI: low bits of the VMID that do not count */
	uint32_t sid, ssid;
	struct msmmu_tlb_range tlb;
};
/* False: CERROR_ILL. */
bool msmmu_tlbi_decode(const msmmu *m, const struct smmu_cmd *cmd,
		       struct msmmu_inval *inval);
void msmmu_tlbi(msmmu *m, const struct msmmu_inval *inval);
/* Tell the notifier that nothing is as it was. */
void msmmu_notify_all(msmmu *m);
/* A CFGI or TLBI command; under the lock of the queue. */
bool msmmu_inval_cmd(msmmu *m, struct msmmu_cmdq *q,
		     const struct smmu_cmd *cmd);
/* Do what has been put off. */
void msmmu_inval_settle(msmmu *m, struct msmmu_cmdq *q);

/* tlb_views.c */
int msmmu_views_init(msmmu *m);
void msmmu_views_fini(msmmu *m);
void msmmu_views_forked(msmmu *m);
/* NULL: only entries of ASIDs need notes, others have one space for all. */
const uint32_t *msmmu_view_first_note(const msmmu *m,
				      const struct msmmu_space *space);
/*
 * Before a fill: the view has entries, some of these (bits of SPACE_*).
 * tlb_view_used() tells whether it is known.
 */
void msmmu_view_use(msmmu *m, const struct msmmu_view *view, uint64_t uses);
/* All views of a VMID, of EL2-E2H, of all VMIDs end with this generation. */
void msmmu_views_end_vmid(msmmu *m, uint16_t vmid, uint64_t *gen);
void msmmu_views_end_el2(msmmu *m, uint64_t *gen);
void msmmu_views_end_el1(msmmu *m, uint64_t *gen);
/*
 * Call fn for each view whose owner is that under `mask`, while it returns true.
 * False if it did not, or if not all are known.
 */
bool msmmu_views_each(msmmu *m, uint64_t owner, uint64_t mask,
		      bool (*fn)(msmmu *m, struct msmmu_space *space,
				 uint64_t owner, void *arg),
		      void *arg);

/* Count on; all stamps that the generation is part of are over. */
void msmmu_gen_bump(msmmu *m, uint64_t *gen);
void msmmu_tlb_inval_range(msmmu *m, const struct msmmu_tlb_range *range);
void msmmu_tlb_inval_asid(msmmu *m, uint8_t regime, uint16_t vmid,
			  uint16_t asid);
void msmmu_tlb_inval_vmid_s1(msmmu *m, uint16_t vmid);
void msmmu_tlb_inval_vmid_s2(msmmu *m, uint16_t vmid);
void msmmu_tlb_inval_el2(msmmu *m);
void msmmu_tlb_inval_non_el2(msmmu *m);

#endif /* MODEL_SMMUV3_TLB_H */
