/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pt_fixture.h - a page table on a test platform, for every instance.
 */
#ifndef TESTS_PT_FIXTURE_H
#define TESTS_PT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>
#include <uiommu/pgtable.h>

#include "spec_walk.h"
#include "test_platform.h"

#define R UIOMMU_PROT_READ
#define W UIOMMU_PROT_WRITE
#define X UIOMMU_PROT_EXEC
#define C UIOMMU_PROT_CACHE
#define M UIOMMU_PROT_MMIO
#define P UIOMMU_PROT_PRIV

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* One way to make a table. */
struct pt_variant {
	const char *name;
	enum uiommu_pgtable_fmt fmt;
	uint8_t granule_lg2;
	uint8_t ias;
	uint8_t oas;
	uint32_t features;
	bool incoherent;
	bool scatter; /* see test_platform_scatter() */
};

extern const struct pt_variant pt_variants[];
extern const size_t pt_nr_variants;

struct pt_fixture {
	struct test_platform tp;
	struct uiommu_pgtable *pt;
	struct uiommu_pgtable_info info;
	struct spec_table spec;
	uint64_t page;	/* bytes */
	uint64_t block; /* smallest block, bytes */
	const struct uiommu_platform *platform;
};

void pt_open(struct pt_fixture *fx, const struct pt_variant *variant);
/* Destroys the table and checks that nothing is left. */
void pt_close(struct pt_fixture *fx);

/* Map and unmap as a caller does: -EAGAIN flushes and goes on. */
int pt_map_all(struct pt_fixture *fx, uint64_t iova, uint64_t pa, uint64_t len,
	       uint32_t prot);
int pt_unmap_all(struct pt_fixture *fx, uint64_t iova, uint64_t len,
		 uint64_t *unmapped);
int pt_protect_all(struct pt_fixture *fx, uint64_t iova, uint64_t len,
		   uint32_t rights);

/* As the hardware does when it writes; false if it may not. */
bool pt_hw_write(struct pt_fixture *fx, uint64_t iova);

/* Tables in which no slot is in use. */
unsigned int pt_empty_tables(struct pt_fixture *fx);

/* One of the ranges covers [first, last]. */
bool pt_gather_covers(const struct uiommu_gather *gather, uint64_t first,
		      uint64_t last);

static inline uint64_t pt_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif /* TESTS_PT_FIXTURE_H */
