/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * desc.h - translation tables of the mock IOMMU.
 *
 * Pages have 2 KiB, half of what a processor has, so that software which takes
 * the two for the same is found out; tables have 512 entries of 8 bytes.  An
 * entry maps 2 KiB, 1 MiB or 512 MiB, or points to a table; two levels further
 * up it only points.  A walk starts at the level that the input size asks for.
 *
 * The hardware takes two pages that fill 4 KiB for one if their addresses and
 * what they allow fit together: a write to either makes both dirty.
 */
#ifndef HW_MOCK_DESC_H
#define HW_MOCK_DESC_H

#include "base/bits.h"

#define MOCK_GRANULE_LG2 11
#define MOCK_TABLE_LG2 12
#define MOCK_INDEX_BITS 9
#define MOCK_LAST_LEVEL 3
#define MOCK_FIRST_BLOCK_LEVEL 1
#define MOCK_IAS_MIN 20
#define MOCK_IAS_MAX 56
#define MOCK_OAS_MIN 32
#define MOCK_OAS_MAX 52

/* What an entry is.  Kinds 0 and 2 are invalid, the rest of them software's. */
#define MOCK_DESC_KIND GENMASK64(1, 0)
#define MOCK_KIND_TABLE 1u
#define MOCK_KIND_LEAF 3u

/* Of leaves. */
#define MOCK_LEAF_READ BIT64(2)
#define MOCK_LEAF_WRITE BIT64(3)
/* A write sets DIRTY where TRACK says so. */
#define MOCK_LEAF_TRACK BIT64(4)
#define MOCK_LEAF_DIRTY BIT64(5)
#define MOCK_LEAF_EXEC BIT64(6)
#define MOCK_LEAF_PRIV BIT64(7)
#define MOCK_LEAF_CACHE BIT64(8)
#define MOCK_LEAF_MMIO BIT64(9)

#define MOCK_DESC_ADDR GENMASK64(51, 11)

#endif /* HW_MOCK_DESC_H */
