/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.h - page tables that pgtable/ writes and the model walks, each with a naive
 * array that says what is mapped.  Neither knows the other's code.
 *
 * The model keeps what it may in its TLB, contiguous groups as one entry too, and
 * forgets what the gathers say by commands as a driver gives them.
 */
#ifndef TESTS_CROSS_TABLES_H
#define TESTS_CROSS_TABLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/pgtable.h>
#include <uiommu/smmuv3_model.h>

#include "base/bits.h"
#include "test_platform.h"

#define TABLES_PAGES 16384u /* of a window at most */
#define TABLES_SID 1u

/* One SMMU, and memory for tables: those that it finds by themselves, and others
 * that stage 2 leads to.
 */
struct walker {
	struct test_platform tp[2];
	struct uiommu_smmuv3_model *model;
	uint64_t config[0x2000 / 8];
	uint32_t prod;
	uint64_t seed;
};

/* What a row of a test chooses. */
struct tables_row {
	enum uiommu_pgtable_fmt fmt;
	unsigned int granule, ias, oas;
	uint32_t features;
};

struct tables {
	struct walker *w;
	struct uiommu_pgtable *pt;
	struct uiommu_pgtable_info info;
	enum uiommu_pgtable_fmt fmt;
	bool guests; /* both stages are there: of stage 1 over stage 2, or that */
	uint16_t asid;
	unsigned int pages; /* of the window that is used */
	uint64_t base;	    /* of the window */
	uint64_t to;	    /* where its first page leads */
	/* what each page should map to: 0 nothing, else pa | prot */
	uint64_t want[TABLES_PAGES];
	bool dirty[TABLES_PAGES];
	bool reported[TABLES_PAGES];
};

/* `oas` 52: with all that belongs to it. */
void walker_open(struct walker *w, uint64_t seed);
void walker_start(struct walker *w, unsigned int oas);
void walker_close(struct walker *w);
uint64_t walker_rnd(struct walker *w, uint64_t n);

/* Stage 1 or 2 alone. */
void tables_open(struct tables *t, struct walker *w,
		 const struct tables_row *row);
/* Stage 2 of a guest, and stage 1 over it for a SubstreamID, 0 or 1. */
void tables_open_guests(struct tables *s2, struct walker *w,
			const struct tables_row *row);
void tables_open_over(struct tables *s1, const struct tables *s2,
		      unsigned int ssid, const struct tables_row *row);
void tables_close(struct tables *t);

/* The whole window, with all rights. */
void tables_map_all(struct tables *t);
/* Map, unmap, change rights, read dirty state: anything, of some pages. */
void tables_change(struct tables *t);
/* What is mapped at an address of the input: 0 nothing, else as in want[]. */
uint64_t tables_at(const struct tables *t, uint64_t addr);

#endif /* TESTS_CROSS_TABLES_H */
