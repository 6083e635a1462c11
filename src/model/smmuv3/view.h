/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view.h - how a context looks into the TLB and past it: parts of struct
 * msmmu_ctx and of the model.  Included by msmmu.h.
 */
#ifndef MODEL_SMMUV3_VIEW_H
#define MODEL_SMMUV3_VIEW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <uiommu/model.h>

/* A group of TLB entries that dies together: generation and sizes in use. */
struct msmmu_space {
	/* see SPACE_* of tlb_inline.h */
	uint64_t word;
};

/* The views of ASIDs that may have entries, see tlb_views.c. */
struct msmmu_view_note {
	uint64_t owner; /* as in msmmu_view; 0: free */
	uint32_t space;
	uint32_t next_of_space, next_of_group;
};

struct msmmu_views {
	pthread_mutex_t lock;
	struct msmmu_view_note *note; /* [0] is no note */
	uint32_t *by_space;	      /* first note of each space of an ASID */
	uint32_t *by_vmid;	      /* first note of each group of VMIDs */
	uint32_t nr, free, patience;
	bool el1_used;
};

/* One way a context looks into the TLB. */
struct msmmu_view {
	uint64_t owner; /* in keys, MCACHE_OWNER */
	uint32_t salt;	/* its contribution to set numbers */
	struct msmmu_space *space;
	const uint32_t *first_note; /* of the space, msmmu_views.by_space */
};

/*
 * What a page descriptor means, worked out for the short way through level-3
 * tables (quick.c).
 */
struct msmmu_quick {
	uint8_t granule_lg2;  /* 0: this half cannot be walked that way */
	uint64_t addr;	      /* the output address in a descriptor */
	uint64_t look, usual; /* bits that show an unusual descriptor */
	/* OUT_HIGH by what the access bits and tables say, PWC_* */
	uint16_t high[16];
};

#endif /* MODEL_SMMUV3_VIEW_H */
