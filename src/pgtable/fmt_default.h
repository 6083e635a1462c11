/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmt_default.h - what most formats have in common; a format header defines
 * what differs before it includes this file.
 *
 * A format gives walk.h, over one 64-bit descriptor `d` at a level:
 *   PT_GRANULE_LG2, PT_IAS_MIN, PT_IAS_MAX, PT_OAS_MIN, PT_OAS_MAX
 *   PT_FIRST_BLOCK_LEVEL	highest level at which a leaf may stand
 *   PT_CONCAT_LG2		root tables side by side, down to level
 *   PT_CONCAT_LAST
 *   PT_MAIR			attribute register for the caller
 *   PT_PROT_MASK		the UIOMMU_PROT_* bits it can express
 *   pt_is_table(d)		above the last level: points to a table?
 *   pt_is_leaf(d, level)	maps?
 *   pt_page_valid(d)		1 or 0: does this slot of the last level map?
 *   pt_is_mark(d)		the software mark of a broken leaf?
 *   pt_make_table(pa)		descriptor of a table
 *   pt_table_pa(d)		its address; of a mark: of the table prepared
 *   pt_make_leaf(attrs, pa, level), pt_leaf_pa(d), pt_leaf_attrs(d)
 *   pt_attrs(prot), pt_prot(d)	attributes of a leaf and back
 *   pt_make_mark(table, id), pt_mark_id(d), pt_mark_table(d)
 *				PT_MARK_ID_BITS wide identity, see walk.h
 *   PT_TABLE_FAR, PT_TABLE_SPLIT	software flags of table descriptors
 * 0 must be an invalid descriptor that is neither table, leaf nor mark, and so
 * must be every CPU address of at least 8-byte alignment.
 */
#ifndef PGTABLE_FMT_DEFAULT_H
#define PGTABLE_FMT_DEFAULT_H

#ifndef PT_CONCAT_LG2
#define PT_CONCAT_LG2 0
#endif
#ifndef PT_CONCAT_LAST
#define PT_CONCAT_LAST PT_LAST_LEVEL
#endif
#ifndef PT_MAIR
#define PT_MAIR 0
#endif
#ifndef PT_PROT_MASK
#define PT_PROT_MASK UIOMMU_PROT_ALL
#endif

#define PT_ENTRIES (1u << (PT_GRANULE_LG2 - PT_DESC_LG2))
/* All three are constants wherever `level` is one. */
#define PT_SHIFT(level) ((unsigned int)PT_LEVEL_SHIFT(PT_GRANULE_LG2, (level)))
#define PT_OFFSET(level) mask_lg2(PT_SHIFT(level))
#define PT_INDEX(iova, level) \
	((unsigned int)((iova) >> PT_SHIFT(level)) & (PT_ENTRIES - 1))

#endif /* PGTABLE_FMT_DEFAULT_H */
