/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pt.h - what the files of pgtable/ share: the table object, the operations
 * of an instance, the inner side of the gather.
 *
 * An *instance* is one format at one granule, compiled from walk.h.  A *table*
 * is one block of descriptors; a *slot* one descriptor in it; a *leaf* a slot
 * that maps.  Tables die in three steps: detached from their parent into a
 * gather, released by the gather's owner when the hardware has forgotten them,
 * freed when the readers that were inside have left.
 */
#ifndef PGTABLE_PT_H
#define PGTABLE_PT_H

#include <uiommu/env.h>
#include <uiommu/pgtable.h>

#include "base/atomic.h"
#include "base/bits.h"

#define PT_INLINE inline __attribute__((always_inline))
#define PT_NOINLINE __attribute__((noinline))
#define pt_likely(x) __builtin_expect(!!(x), 1)
#define pt_unlikely(x) __builtin_expect(!!(x), 0)

/* uiommu_pgtable_read_and_clear_dirty() in one piece. */
struct pt_dirty_req {
	uiommu_iova_t iova;
	uint64_t len;
	uint32_t flags;
	void (*fn)(void *ctx, uiommu_iova_t iova, uint64_t size);
	void *ctx;
	struct uiommu_gather *gather;
};

struct pt_ops {
	/* Facts of the format. */
	uint8_t granule_lg2;
	uint8_t table_lg2;
	uint8_t ias_min;
	uint8_t ias_max;
	uint8_t oas_min;
	uint8_t oas_max;
	int8_t first_block_level;
	uint8_t first_block_oas; /* output bits from which on that holds */
	bool ds;
	uint8_t concat_lg2; /* root tables that may stand side by side, lg2 */
	int8_t concat_last; /* and the last level where they may */
	uint64_t mair;
	uint64_t write_plain; /* pt_attrs() */
	uint64_t write_clean;

	/* Bodies of the public functions; arguments unchecked. */
	int (*map)(struct uiommu_pgtable *pt, uiommu_iova_t iova,
		   uiommu_pa_t pa, uint64_t len, uint32_t prot,
		   struct uiommu_gather *gather);
	int (*unmap)(struct uiommu_pgtable *pt, uiommu_iova_t iova,
		     uint64_t len, struct uiommu_gather *gather,
		     uint64_t *unmapped);
	int (*translate)(struct uiommu_pgtable *pt, uiommu_iova_t iova,
			 struct uiommu_pgtable_leaf *leaf);
	int (*protect)(struct uiommu_pgtable *pt, uiommu_iova_t iova,
		       uint64_t len, uint32_t rights,
		       struct uiommu_gather *gather);
	int (*dirty)(struct uiommu_pgtable *pt, const struct pt_dirty_req *req);
	void (*trim)(struct uiommu_pgtable *pt, struct uiommu_gather *gather);
	/* Leaf sizes at a level: bit n set, 2^n bytes. */
	uint64_t (*leaf_sizes)(const struct uiommu_pgtable *pt, int level);
	/* Free every table below the root; nobody else is inside. */
	void (*free_tables)(struct uiommu_pgtable *pt);
};

struct uiommu_pgtable {
	/* Set at creation, read by all. */
	const struct pt_ops *ops;
	uint64_t *root;
	uint64_t va_minus_pa; /* of the root; most tables share it */
	uint64_t iova_last;
	uint64_t pa_last;
	const struct uiommu_platform *platform;
	int8_t start_level;
	int8_t block_level; /* highest that leaves may stand at */
	uint8_t ias;
	uint8_t oas;
	bool incoherent; /* the walker needs clean_range */
	uint16_t features;
	uint64_t write_attrs; /* of a leaf that may be written */
	uint64_t root_pa;
	uint64_t root_size;

	/* What follows is written at run time; keep it off the line above. */
	uint8_t pad[64];
	uint64_t table_bytes; /* atomic */
	/*
	 * Tables that were released wait in `dead` (atomic, a stack through
	 * their first words) until the one deferred call that `defer` has
	 * room for is free; those whose grace period runs are in `dying`.
	 * Whoever turns `reclaiming` from 0 to 1 owns `defer` and `dying`.
	 * `refs` counts the owner and a deferred call under way.
	 */
	uint64_t *dead;
	uint32_t reclaiming;
	uint32_t refs;
	uint64_t *dying;
	struct uiommu_defer defer;
};

/* pgtable.c: the platform's tables, accounted for. */
/* NULL also when the memory lies beyond what the format can point to. */
uint64_t *pt_table_alloc(struct uiommu_pgtable *pt, uiommu_pa_t *pa);
void pt_table_free(struct uiommu_pgtable *pt, uint64_t *table);
void pt_put(struct uiommu_pgtable *pt);
/* The caller's mistake: a line in the platform's log.  Returns rc. */
__attribute__((cold, noinline)) int pt_refuse(const struct uiommu_pgtable *pt,
					      int rc, const char *reason);

/* gather.c */
/* Put a detached table on the list; its first two words become links. */
void pt_gather_table(struct uiommu_gather *gather, struct uiommu_pgtable *pt,
		     uint64_t *table);
void pt_gather_insert(struct uiommu_gather *gather,
		      const struct uiommu_gather_range *range);

/*
 * Note a range; the common cases, none yet or next to the last, in line.  The
 * members come one by one: a struct would be put together in memory and read
 * back at once, in words that its bytes have not reached yet.
 */
static PT_INLINE void pt_gather_range(struct uiommu_gather *gather,
				      uint64_t first, uint64_t last,
				      unsigned int stride_lg2, int level,
				      bool leaf_only)
{
	struct uiommu_gather_range *tail = &gather->range[0], range;

	if (pt_likely(gather->nr_ranges == 0)) {
		gather->nr_ranges = 1;
		tail->first = first;
		tail->last = last;
		tail->stride_lg2 = (uint8_t)stride_lg2;
		tail->level = (int8_t)level;
		tail->leaf_only = leaf_only;
		return;
	}
	tail += gather->nr_ranges - 1;
	if (tail->last + 1 == first && tail->stride_lg2 == stride_lg2 &&
	    tail->level == level) {
		tail->last = last;
		tail->leaf_only = tail->leaf_only && leaf_only;
		return;
	}
	range = (struct uiommu_gather_range){ first, last, (uint8_t)stride_lg2,
					      (int8_t)level, leaf_only };
	pt_gather_insert(gather, &range);
}

#endif /* PGTABLE_PT_H */
