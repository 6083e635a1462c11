/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iter.h - the arithmetic of levels.
 *
 * Descriptors are 8 bytes and a table has 2^table_lg2 bytes, one granule in
 * most formats, so each level takes table_lg2 - 3 bits of the address.  Levels are numbered as the Arm
 * architecture numbers them: 3 is the last, the one above it 2, and so on up
 * to the start level, which may be -1.  The table there (the root) may be
 * smaller than a table or be several tables side by side.
 */
#ifndef PGTABLE_ITER_H
#define PGTABLE_ITER_H

#include "base/bits.h"

#define PT_DESC_LG2 3
#define PT_TOP_LEVEL (-1)
#define PT_LAST_LEVEL 3
#define PT_NR_LEVELS (PT_LAST_LEVEL - PT_TOP_LEVEL + 1)

/* Lowest address bit that the index of a level takes: lg2 of a leaf there. */
#define PT_LEVEL_SHIFT(granule_lg2, table_lg2, level) \
	((granule_lg2) + (PT_LAST_LEVEL - (level)) * ((table_lg2)-PT_DESC_LG2))

static inline unsigned int pt_level_shift(unsigned int granule_lg2,
					  unsigned int table_lg2, int level)
{
	return PT_LEVEL_SHIFT(granule_lg2, table_lg2, (unsigned int)level);
}

/*
 * First level whose single table covers `ias` bits; one further down, but not
 * below `concat_last`, where at most 2^concat_lg2 tables side by side do.
 */
static inline int pt_start_level(unsigned int granule_lg2,
				 unsigned int table_lg2, unsigned int ias,
				 unsigned int concat_lg2, int concat_last)
{
	unsigned int idx_bits = table_lg2 - PT_DESC_LG2;
	int level = PT_LAST_LEVEL - (int)((ias - 1 - granule_lg2) / idx_bits);

	if (concat_lg2 && level < concat_last &&
	    ias - pt_level_shift(granule_lg2, table_lg2, level) <= concat_lg2)
		level++;
	return level;
}

#endif /* PGTABLE_ITER_H */
