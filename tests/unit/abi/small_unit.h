/* SPDX-License-Identifier: BSD-2-Clause */
/* small_unit.h - an IOMMU driver without an IOMMU. */
#ifndef TESTS_SMALL_UNIT_H
#define TESTS_SMALL_UNIT_H

#include "ufd_env.h"

/* What GET_HW_INFO of a small unit says: type, length, first word. */
#define SMALL_INFO_TYPE 2
#define SMALL_INFO_LEN 40
#define SMALL_INFO_WORD UINT32_C(0xfeedbeef)

/* Data for page tables: a word, which has to be that one. */
#define SMALL_DATA_TYPE 77

/* Leaves that a domain may have written to. */
#define SMALL_DIRTY 64

/*
 * Its domains are of stage 1, of stage 2 where caps.stage2 (then without PASIDs),
 * and keep track of dirty pages where caps.dirty_tracking.
 */
struct small_unit *small_unit_create(const struct uiommu_platform *platform,
				     struct uiommu_core *core);

/* A device wrote to a leaf of the domain that was attached last. */
void small_dirty(struct small_unit *unit, uint64_t iova, uint64_t size);

#endif /* TESTS_SMALL_UNIT_H */
