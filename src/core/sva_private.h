/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva_private.h - domains of address spaces: what sva_mm.c (what becomes of the
 * domain when the address space changes), sva_fault.c (how it is filled) and
 * sva_flush.c (who tells the hardware) share.
 */
#ifndef CORE_SVA_PRIVATE_H
#define CORE_SVA_PRIVATE_H

#include <uiommu/mm.h>

#include "core_private.h"

/* Changes under way at a time whose ranges are known; more cover everything. */
#define SVA_BUSY_MAX 64u

/* What the hardware has to forget; on the stack of who waits for it. */
struct sva_flush {
	struct list node;
	struct uiommu_gather gather;
	bool done;
};

/* A page that is being made present; on the stack of who does it. */
struct sva_fill {
	struct list node;
	uint64_t page;
	bool changed; /* a change that covers it has begun since */
};

struct core_sva_mm {
	struct uiommu_mm_notifier n;
	struct uiommu_domain *dom;
	const struct uiommu_sva_mm *mm;
	uint64_t pa_offset; /* physical address less address */
	uint64_t last;	    /* the address space's last byte */
	pid_t pid;	    /* a child of fork has neither thread nor changes */
	pthread_t flusher;

	/*
	 * Protects the members below and the page table's contents.  Taken by
	 * callbacks, so elsewhere only between hold and release of `mm`, and
	 * nothing that is called under it allocates (sva_mm.c).
	 */
	pthread_mutex_t lock;
	pthread_cond_t todo; /* the flusher's */
	pthread_cond_t done; /* flushed, or a change has ended */
	struct uiommu_range busy[SVA_BUSY_MAX];
	unsigned int nr_busy;
	unsigned int busy_beyond; /* changes that found no room */
	struct list fills;
	struct list flushes;
	bool stop;
	int lost; /* the hardware does not answer: its error */

	bool told; /* that is in the log; atomic */
};

/* sva_flush.c */
int sva_flusher_start(struct core_sva_mm *s);
void sva_flusher_stop(struct core_sva_mm *s);
/* Have it flushed, and wait.  Lock held, and given up meanwhile. */
void sva_flush_wait(struct core_sva_mm *s, struct sva_flush *flush);

/* sva_fault.c: constant; the context is the struct core_sva_mm. */
extern const struct uiommu_iopf_ops sva_iopf_ops;

static inline uint64_t sva_lock(struct core_sva_mm *s)
{
	uint64_t held = s->mm->hold(s->mm->ctx);

	pthread_mutex_lock(&s->lock);
	return held;
}

static inline void sva_unlock(struct core_sva_mm *s, uint64_t held)
{
	pthread_mutex_unlock(&s->lock);
	s->mm->release(s->mm->ctx, held);
}

/* In a child of fork neither subscriber nor thread of its parent's is there. */
bool sva_is_of_parent(const struct core_sva_mm *s);

/* sva_mm.c.  A range of pages that have changed in any way. */
void sva_gather(struct uiommu_gather *gather, uint64_t first, uint64_t last,
		uint8_t page_lg2);

/* Is a change under way that covers the page?  Lock held. */
bool sva_is_busy(const struct core_sva_mm *s, uint64_t page);

#endif /* CORE_SVA_PRIVATE_H */
