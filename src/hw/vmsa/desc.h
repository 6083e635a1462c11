/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * desc.h - translation table descriptors of VMSAv8-64, 64-bit form.
 *
 * Facts of Arm DDI 0487 chapter D8 and nothing else: where the fields are and
 * what their values mean.  Field names are those of the architecture, behind
 * VMSA_ for what both stages share, VMSA_S1_ and VMSA_S2_ for what they do
 * not.  Masks stand where the field stands in the descriptor; values of a
 * field are plain numbers, for FIELD_PREP() and FIELD_GET().
 */
#ifndef HW_VMSA_DESC_H
#define HW_VMSA_DESC_H

#include "base/bits.h"

/* D8.2: geometry.  A table of one granule holds 2^(granule - 3) words. */
#define VMSA_DESC_LG2 3
#define VMSA_LAST_LEVEL 3
#define VMSA_GRANULE_4K_LG2 12
#define VMSA_GRANULE_16K_LG2 14
#define VMSA_GRANULE_64K_LG2 16
#define VMSA_IDX_BITS(granule_lg2) ((granule_lg2)-VMSA_DESC_LG2)
/* Lowest address bit that the index of a level takes; also lg2 of its leaf. */
#define VMSA_LEVEL_SHIFT(granule_lg2, level) \
	((granule_lg2) +                     \
	 (VMSA_LAST_LEVEL - (level)) * VMSA_IDX_BITS(granule_lg2))
/*
 * First level at which blocks exist; one level higher with 52-bit addresses
 * (64K: OA of 52 bits; 4K and 16K: DS = 1).
 */
#define VMSA_FIRST_BLOCK_LEVEL_4K 1
#define VMSA_FIRST_BLOCK_LEVEL_16K 2
#define VMSA_FIRST_BLOCK_LEVEL_64K 2

/* D8.3.1: kinds of descriptor. */
#define VMSA_DESC_VALID BIT64(0)
#define VMSA_DESC_TYPE GENMASK64(1, 0)
#define VMSA_DESC_TYPE_BLOCK 1u /* levels below 3; reserved at level 3 */
#define VMSA_DESC_TYPE_TABLE 3u /* levels below 3 */
#define VMSA_DESC_TYPE_PAGE 3u	/* level 3 */

/*
 * D8.3: output address, or address of the next table.  Blocks use the part of
 * the field from their size on; the bits below are zero or attributes.
 */
#define VMSA_OA_4K GENMASK64(47, 12)
#define VMSA_OA_16K GENMASK64(47, 14)
#define VMSA_OA_64K GENMASK64(47, 16)
/* 64K with 52-bit addresses: OA[51:48] stand here. */
#define VMSA_OA_64K_51_48 GENMASK64(15, 12)
/* 4K and 16K with DS = 1: OA[49:granule] in place, OA[51:50] here (was SH). */
#define VMSA_OA_4K_DS GENMASK64(49, 12)
#define VMSA_OA_16K_DS GENMASK64(49, 14)
#define VMSA_OA_DS_51_50 GENMASK64(9, 8)

/* D8.3: table descriptors.  Stage 2 has only AF (hardware managed, HAFT). */
#define VMSA_TABLE_AF BIT64(10)
#define VMSA_TABLE_IGNORED GENMASK64(58, 51) /* free for software */
#define VMSA_S1_TABLE_NSTABLE BIT64(63)
#define VMSA_S1_TABLE_APTABLE GENMASK64(62, 61)
#define VMSA_APTABLE_NO_EFFECT 0u
#define VMSA_APTABLE_NO_UNPRIV 1u	 /* no unprivileged access below */
#define VMSA_APTABLE_NO_WRITE 2u	 /* no write below */
#define VMSA_APTABLE_NO_WRITE_UNPRIV 3u	 /* both */
#define VMSA_S1_TABLE_UXNTABLE BIT64(60) /* XNTable where one privilege */
#define VMSA_S1_TABLE_PXNTABLE BIT64(59)

/* D8.3: block and page descriptors, both stages. */
#define VMSA_LEAF_SW GENMASK64(58, 55) /* for software, ignored by hardware */
#define VMSA_LEAF_CONTIGUOUS BIT64(52)
#define VMSA_LEAF_DBM BIT64(51)
#define VMSA_LEAF_NT BIT64(16) /* blocks only, BBML 1 */
#define VMSA_LEAF_AF BIT64(10)
#define VMSA_LEAF_SH GENMASK64(9, 8) /* unless DS = 1 */
#define VMSA_SH_NON 0u
#define VMSA_SH_OUTER 2u
#define VMSA_SH_INNER 3u

/* Block and page descriptors, stage 1. */
#define VMSA_S1_PBHA GENMASK64(62, 59)
#define VMSA_S1_ATTRINDX_3 BIT64(59) /* with AIE */
#define VMSA_S1_UXN BIT64(54)	     /* XN where there is one privilege */
#define VMSA_S1_PXN BIT64(53)
#define VMSA_S1_GP BIT64(50)
#define VMSA_S1_NG BIT64(11)
#define VMSA_S1_AP GENMASK64(7, 6) /* AP[2:1] */
#define VMSA_S1_AP_1 BIT64(6)	   /* unprivileged access too */
#define VMSA_S1_AP_2 BIT64(7)	   /* no write */
#define VMSA_AP_PRIV_RW 0u
#define VMSA_AP_RW 1u
#define VMSA_AP_PRIV_RO 2u
#define VMSA_AP_RO 3u
#define VMSA_S1_NS BIT64(5)
#define VMSA_S1_ATTRINDX GENMASK64(4, 2)

/* Block and page descriptors, stage 2. */
#define VMSA_S2_XN GENMASK64(54, 53)
#define VMSA_XN_NEITHER 0u /* executable at both privileges */
#define VMSA_XN_PRIV 1u	   /* XNX only: executable unprivileged only */
#define VMSA_XN_BOTH 2u	   /* executable at none */
#define VMSA_XN_UNPRIV 3u  /* XNX only: executable privileged only */
#define VMSA_S2_S2AP GENMASK64(7, 6)
#define VMSA_S2AP_NONE 0u
#define VMSA_S2AP_RO 1u
#define VMSA_S2AP_WO 2u
#define VMSA_S2AP_RW 3u
#define VMSA_S2_MEMATTR GENMASK64(5, 2)
/* MemAttr while FWB = 0: Device by [1:0] if [3:2] is 0, else outer, inner. */
#define VMSA_MEMATTR_DEVICE_NGNRNE 0x0u
#define VMSA_MEMATTR_DEVICE_NGNRE 0x1u
#define VMSA_MEMATTR_DEVICE_NGRE 0x2u
#define VMSA_MEMATTR_DEVICE_GRE 0x3u
#define VMSA_MEMATTR_NORMAL_NC 0x5u
#define VMSA_MEMATTR_NORMAL_WT 0xau
#define VMSA_MEMATTR_NORMAL_WB 0xfu

/* D8.7.1: entries that one Contiguous group has. */
#define VMSA_CONTIG_4K_LG2 4 /* levels 1, 2 and 3 */
#define VMSA_CONTIG_16K_L2_LG2 5
#define VMSA_CONTIG_16K_L3_LG2 7
#define VMSA_CONTIG_64K_LG2 5 /* levels 2 and 3 */

/* D24.2, MAIR_ELx: byte n describes memory of AttrIndx n. */
#define VMSA_MAIR_ATTR(n, val) ((uint64_t)(val) << (8 * (n)))
#define VMSA_MAIR_BYTE(mair, n) ((uint8_t)((mair) >> (8 * (n))))
#define VMSA_MAIR_DEVICE_NGNRNE 0x00u
#define VMSA_MAIR_DEVICE_NGNRE 0x04u
#define VMSA_MAIR_DEVICE_NGRE 0x08u
#define VMSA_MAIR_DEVICE_GRE 0x0cu
#define VMSA_MAIR_NORMAL_NC 0x44u
#define VMSA_MAIR_NORMAL_WT 0xbbu /* read and write allocate */
#define VMSA_MAIR_NORMAL_WB 0xffu /* read and write allocate */

#endif /* HW_VMSA_DESC_H */
