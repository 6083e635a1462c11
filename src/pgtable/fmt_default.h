/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmt_default.h - what most formats have in common; a format header defines
 * what differs before it includes this file.
 *
 * A format gives walk.h, over one 64-bit descriptor `d` at a level:
 *   PT_GRANULE_LG2, PT_TABLE_LG2 (granule), PT_IAS_MIN, PT_IAS_MAX, PT_OAS_MIN, PT_OAS_MAX
 *   PT_FIRST_BLOCK_LEVEL	highest level at which a leaf may stand,
 *   PT_FIRST_BLOCK_OAS		and from which output size on; else the next
 *   PT_CONCAT_LG2		root tables side by side, down to level
 *   PT_CONCAT_LAST
 *   PT_DS			its layout is that of UIOMMU_PGTABLE_DS
 *   PT_MAIR			attribute register for the caller
 *   PT_PROT_MASK		the UIOMMU_PROT_* bits it can express
 *   PT_PROT_RIGHTS		those that a leaf may change while it is in use
 *   pt_is_table(d)		above the last level: points to a table?
 *   pt_is_leaf(d, level)	maps?
 *   pt_is_single_block(d)	a leaf above the last level, in no group?
 *   pt_is_mark(d)		the software mark of a leaf on its way to a
 *				table?
 *   pt_is_broken(d)		a leaf of a group, invalid for a while?
 *   pt_is_pending(d)		one of the two?
 *   PT_PAGE_MAPS		the bit of a slot of the last level that is set
 *				in a leaf and in a broken one
 *   pt_make_table(pa)		descriptor of a table
 *   pt_is_plain_table(d)	just PT_PLAIN_TABLE beside the address?  May say
 *				no of any
 *   pt_table_pa(d)		its address; of a mark: of the table prepared
 *   pt_make_leaf(attrs, pa, level), pt_leaf_pa(d), pt_leaf_attrs(d)
 *   pt_attrs(prot, write), pt_prot(d)	attributes of a leaf and back;
 *				`write` is what UIOMMU_PROT_WRITE adds:
 *   PT_WRITE_PLAIN		allowed at once
 *   PT_WRITE_CLEAN		allowed, the first one sets dirty state
 *   pt_with_rights(d, rights, write)	the leaf with other rights
 *   pt_is_dirty(d), pt_make_clean(d), pt_make_dirty(d)
 *   pt_make_mark(table), pt_mark_table(d)
 *   pt_break_leaf(d), pt_mend_leaf(d, level)
 *   pt_group_lg2(level)	slots of one contiguous group; 0: no groups
 *   PT_LEAF_CONTIG		the leaf is part of one
 *   PT_LEAF_UNGROUPED, PT_LEAF_CLAIMED	software flags, see walk_group.h
 *   PT_NAME_BIT		software bit of any slot, see walk_split.h
 *   PT_TABLE_FAR, PT_TABLE_SPLIT	software flags of table descriptors
 * 0 must be an invalid descriptor that is neither table, leaf nor pending, and so
 * must be every CPU address of at least 8-byte alignment.
 */
#ifndef PGTABLE_FMT_DEFAULT_H
#define PGTABLE_FMT_DEFAULT_H

#ifndef PT_TABLE_LG2
#define PT_TABLE_LG2 PT_GRANULE_LG2
#endif
#ifndef PT_CONCAT_LG2
#define PT_CONCAT_LG2 0
#endif
#ifndef PT_CONCAT_LAST
#define PT_CONCAT_LAST PT_LAST_LEVEL
#endif
#ifndef PT_FIRST_BLOCK_OAS
#define PT_FIRST_BLOCK_OAS 0
#endif
#ifndef PT_DS
#define PT_DS 0
#endif
#ifndef PT_MAIR
#define PT_MAIR 0
#endif
#ifndef PT_PROT_MASK
#define PT_PROT_MASK UIOMMU_PROT_ALL
#endif

/* Highest level that the root can stand at. */
#define PT_MIN_START     \
	(PT_LAST_LEVEL - \
	 (PT_IAS_MAX - 1 - PT_GRANULE_LG2) / (PT_TABLE_LG2 - PT_DESC_LG2))
#define PT_ENTRIES (1u << (PT_TABLE_LG2 - PT_DESC_LG2))
/* All three are constants wherever `level` is one. */
#define PT_SHIFT(level) \
	((unsigned int)PT_LEVEL_SHIFT(PT_GRANULE_LG2, PT_TABLE_LG2, (level)))
#define PT_OFFSET(level) (BIT64(PT_SHIFT(level)) - 1)
#define PT_INDEX(iova, level) \
	((unsigned int)((iova) >> PT_SHIFT(level)) & (PT_ENTRIES - 1))

#endif /* PGTABLE_FMT_DEFAULT_H */
