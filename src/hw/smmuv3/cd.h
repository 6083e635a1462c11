/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cd.h - Context Descriptor and level-1 CD table descriptor (IHI 0070 5.3,
 * 5.4).
 *
 * Conventions as in ste.h: SMMU_CD_<qword>_<FIELD>, CPU order, addresses stand
 * in place.
 */
#ifndef HW_SMMUV3_CD_H
#define HW_SMMUV3_CD_H

#include <stdint.h>

#include "base/bits.h"

/* ------------------------------------------------- level-1 descriptor -- */

#define SMMU_L1CD_SIZE 8u
#define SMMU_L1CD_V BIT64(0)
/* [15:12] are RES0 with 64K leaf tables. */
#define SMMU_L1CD_L2PTR_ADDR GENMASK64(55, 12)

/* log2 of the CDs in a leaf table, by STE.S1Fmt. */
#define SMMU_CD_4K_L2_SPLIT 6u
#define SMMU_CD_64K_L2_SPLIT 10u

/* ------------------------------------------------- Context Descriptor -- */

#define SMMU_CD_SIZE 64u
#define SMMU_CD_QWORDS 8u

/* A descriptor as eight words in CPU order. */
struct smmu_cd {
	uint64_t q[SMMU_CD_QWORDS];
};

#define SMMU_CD_0_T0SZ GENMASK64(5, 0)
#define SMMU_CD_0_TG0 GENMASK64(7, 6) /* enum smmu_tg0 of ste.h */
#define SMMU_CD_0_IR0 GENMASK64(9, 8)
#define SMMU_CD_0_OR0 GENMASK64(11, 10)
#define SMMU_CD_0_SH0 GENMASK64(13, 12)
#define SMMU_CD_0_EPD0 BIT64(14)
#define SMMU_CD_0_ENDI BIT64(15)
#define SMMU_CD_0_T1SZ GENMASK64(21, 16)
#define SMMU_CD_0_TG1 GENMASK64(23, 22) /* enum smmu_tg1: coded otherwise */
#define SMMU_CD_0_IR1 GENMASK64(25, 24)
#define SMMU_CD_0_OR1 GENMASK64(27, 26)
#define SMMU_CD_0_SH1 GENMASK64(29, 28)
#define SMMU_CD_0_EPD1 BIT64(30)
#define SMMU_CD_0_V BIT64(31)
#define SMMU_CD_0_IPS GENMASK64(34, 32) /* coded as IDR5.OAS */
#define SMMU_CD_0_AFFD BIT64(35)
#define SMMU_CD_0_WXN BIT64(36)
#define SMMU_CD_0_UWXN BIT64(37)
#define SMMU_CD_0_TBI0 BIT64(38)
#define SMMU_CD_0_TBI1 BIT64(39)
#define SMMU_CD_0_PAN BIT64(40)
#define SMMU_CD_0_AA64 BIT64(41)
#define SMMU_CD_0_HD BIT64(42)
#define SMMU_CD_0_HA BIT64(43)
#define SMMU_CD_0_S BIT64(44)
#define SMMU_CD_0_R BIT64(45)
#define SMMU_CD_0_A BIT64(46)
#define SMMU_CD_0_ASET BIT64(47)
#define SMMU_CD_0_ASID GENMASK64(63, 48)

#define SMMU_CD_1_NSCFG0 BIT64(0) /* Secure */
#define SMMU_CD_1_HAD0 BIT64(1)
#define SMMU_CD_1_E0PD0 BIT64(2)
#define SMMU_CD_1_HAFT BIT64(3)
/* [51:4] for VMSAv8-64 */
#define SMMU_CD_1_TTB0_ADDR GENMASK64(55, 4)
#define SMMU_CD_1_PNCH BIT64(58)
#define SMMU_CD_1_EPAN BIT64(59)
#define SMMU_CD_1_HWU0 GENMASK64(63, 60) /* HWU0_59..62 */

#define SMMU_CD_2_NSCFG1 BIT64(0) /* Secure */
#define SMMU_CD_2_HAD1 BIT64(1)
#define SMMU_CD_2_E0PD1 BIT64(2)
#define SMMU_CD_2_AIE BIT64(3)
#define SMMU_CD_2_TTB1_ADDR GENMASK64(55, 4)
#define SMMU_CD_2_DS BIT64(58)
#define SMMU_CD_2_PIE BIT64(59)
#define SMMU_CD_2_HWU1 GENMASK64(63, 60) /* HWU1_59..62 */

/* Attribute n is byte n of the word. */
#define SMMU_CD_3_MAIR0 GENMASK64(31, 0)
#define SMMU_CD_3_MAIR1 GENMASK64(63, 32)

#define SMMU_CD_4_AMAIR0 GENMASK64(31, 0)
#define SMMU_CD_4_AMAIR1 GENMASK64(63, 32)

#define SMMU_CD_5_IMPDEF GENMASK64(31, 0)
#define SMMU_CD_5_PARTID GENMASK64(47, 32)
#define SMMU_CD_5_PMG GENMASK64(55, 48)

/* Sixteen fields of three bits, entry n in bits 3n+2:3n. */
#define SMMU_CD_6_PIIU GENMASK64(47, 0)
#define SMMU_CD_7_PIIP GENMASK64(47, 0)

/* 0 is reserved. */
enum smmu_tg1 {
	SMMU_TG1_16K = 1,
	SMMU_TG1_4K = 2,
	SMMU_TG1_64K = 3,
};

/* IRx, ORx: attributes of table walks. */
enum smmu_cd_r {
	SMMU_CD_R_NC = 0,
	SMMU_CD_R_WBRAWA = 1,
	SMMU_CD_R_WTRA = 2,
	SMMU_CD_R_WBRA = 3,
};

_Static_assert(sizeof(struct smmu_cd) == SMMU_CD_SIZE, "CD is 64 bytes");
_Static_assert(SMMU_CD_0_ASID == 0xffff000000000000ull, "CD[63:48]");
_Static_assert(SMMU_CD_0_AA64 == 1ull << 41, "CD[41]");
_Static_assert(SMMU_CD_1_TTB0_ADDR == 0x00fffffffffffff0ull, "CD[119:68]");
_Static_assert(SMMU_CD_2_DS == 1ull << (186 - 128), "CD[186]");
_Static_assert(SMMU_CD_5_PMG == 0xffull << (368 - 320), "CD[375:368]");

#endif /* HW_SMMUV3_CD_H */
