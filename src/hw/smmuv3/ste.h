/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ste.h - stream table: level-1 descriptor and Stream Table Entry (IHI 0070
 * 3.3.1, 5.1, 5.2).
 *
 * Masks apply to one 64-bit word in CPU order; memory is always little-endian.
 * SMMU_STE_<qword>_<FIELD>: `qword` counts from 0, so bit n of the
 * specification's 512-bit picture is bit n % 64 of qword n / 64.  Names ending
 * in ADDR mark an address that stands in place (mask, do not shift).
 */
#ifndef HW_SMMUV3_STE_H
#define HW_SMMUV3_STE_H

#include <stdint.h>

#include "base/bits.h"

/* ------------------------------------------------- level-1 descriptor -- */

#define SMMU_L1STD_SIZE 8u
#define SMMU_L1STD_SPAN GENMASK64(4, 0)
#define SMMU_L1STD_L2PTR_ADDR GENMASK64(55, 6)

/* Span n (1..11) stands for 2^(n-1) entries; 0 and 12..31 are invalid. */
#define SMMU_L1STD_SPAN_MAX 11u

/* ------------------------------------------------- Stream Table Entry -- */

#define SMMU_STE_SIZE 64u
#define SMMU_STE_QWORDS 8u

/* An entry as eight words in CPU order. */
struct smmu_ste {
	uint64_t q[SMMU_STE_QWORDS];
};

#define SMMU_STE_0_V BIT64(0)
#define SMMU_STE_0_CONFIG GENMASK64(3, 1)
#define SMMU_STE_0_S1FMT GENMASK64(5, 4)
#define SMMU_STE_0_S1CONTEXTPTR_ADDR GENMASK64(55, 6)
#define SMMU_STE_0_S1CDMAX GENMASK64(63, 59)

#define SMMU_STE_1_S1DSS GENMASK64(1, 0)
#define SMMU_STE_1_S1CIR GENMASK64(3, 2)
#define SMMU_STE_1_S1COR GENMASK64(5, 4)
#define SMMU_STE_1_S1CSH GENMASK64(7, 6)
#define SMMU_STE_1_S2HWU GENMASK64(11, 8) /* S2HWU59..62 */
#define SMMU_STE_1_DRE BIT64(12)
#define SMMU_STE_1_CONT GENMASK64(16, 13)
#define SMMU_STE_1_DCP BIT64(17)
#define SMMU_STE_1_PPAR BIT64(18)
#define SMMU_STE_1_MEV BIT64(19)
#define SMMU_STE_1_SW_RESERVED GENMASK64(23, 20)
#define SMMU_STE_1_S1PIE BIT64(24)
#define SMMU_STE_1_S2FWB BIT64(25)
#define SMMU_STE_1_S1MPAM BIT64(26)
#define SMMU_STE_1_S1STALLD BIT64(27)
#define SMMU_STE_1_EATS GENMASK64(29, 28)
#define SMMU_STE_1_STRW GENMASK64(31, 30)
#define SMMU_STE_1_MEMATTR GENMASK64(35, 32)
#define SMMU_STE_1_MTCFG BIT64(36)
#define SMMU_STE_1_ALLOCCFG GENMASK64(40, 37)
#define SMMU_STE_1_SHCFG GENMASK64(45, 44)
#define SMMU_STE_1_NSCFG GENMASK64(47, 46) /* Secure and Realm */
#define SMMU_STE_1_PRIVCFG GENMASK64(49, 48)
#define SMMU_STE_1_INSTCFG GENMASK64(51, 50)
#define SMMU_STE_1_IMPDEF GENMASK64(63, 52)

#define SMMU_STE_2_S2VMID GENMASK64(15, 0)
#define SMMU_STE_2_IMPDEF GENMASK64(31, 16)
#define SMMU_STE_2_S2T0SZ GENMASK64(37, 32)
#define SMMU_STE_2_S2SL0 GENMASK64(39, 38)
#define SMMU_STE_2_S2IR0 GENMASK64(41, 40)
#define SMMU_STE_2_S2OR0 GENMASK64(43, 42)
#define SMMU_STE_2_S2SH0 GENMASK64(45, 44)
#define SMMU_STE_2_S2TG GENMASK64(47, 46)
#define SMMU_STE_2_S2PS GENMASK64(50, 48)
#define SMMU_STE_2_S2AA64 BIT64(51)
#define SMMU_STE_2_S2ENDI BIT64(52)
#define SMMU_STE_2_S2AFFD BIT64(53)
#define SMMU_STE_2_S2PTW BIT64(54)
#define SMMU_STE_2_S2HD BIT64(55)
#define SMMU_STE_2_S2HA BIT64(56)
#define SMMU_STE_2_S2S BIT64(57)
#define SMMU_STE_2_S2R BIT64(58)
#define SMMU_STE_2_S2HAFT BIT64(59)
#define SMMU_STE_2_S2PIE BIT64(60)
#define SMMU_STE_2_S2POE BIT64(61)
#define SMMU_STE_2_DPT_VMATCH GENMASK64(63, 62)

#define SMMU_STE_3_S2NSW BIT64(0) /* Secure */
#define SMMU_STE_3_S2NSA BIT64(1) /* Secure */
#define SMMU_STE_3_S2SL0_2 BIT64(2)
#define SMMU_STE_3_S2DS BIT64(3)
/* [51:4] for VMSAv8-64 */
#define SMMU_STE_3_S2TTB_ADDR GENMASK64(55, 4)
#define SMMU_STE_3_S2SKL GENMASK64(62, 61)

#define SMMU_STE_4_IMPDEF GENMASK64(15, 0)
#define SMMU_STE_4_PARTID GENMASK64(31, 16)
#define SMMU_STE_4_S_S2T0SZ GENMASK64(37, 32) /* Secure */
#define SMMU_STE_4_S_S2SL0 GENMASK64(39, 38)  /* Secure */
#define SMMU_STE_4_S_S2TG GENMASK64(47, 46)   /* Secure */
#define SMMU_STE_4_MECID GENMASK64(63, 48)    /* Realm */

#define SMMU_STE_5_PMG GENMASK64(7, 0)
#define SMMU_STE_5_MPAM_NS BIT64(8)
#define SMMU_STE_5_ASSUREDONLY BIT64(9)
#define SMMU_STE_5_TL0 BIT64(10)
#define SMMU_STE_5_TL1 BIT64(11)
#define SMMU_STE_5_VMSPTR_ADDR GENMASK64(55, 12)

#define SMMU_STE_6_S2SW BIT64(0)      /* Secure */
#define SMMU_STE_6_S2SA BIT64(1)      /* Secure */
#define SMMU_STE_6_S_S2SL0_2 BIT64(2) /* Secure */
#define SMMU_STE_6_S_S2TTB_ADDR GENMASK64(55, 4)
#define SMMU_STE_6_S_S2SKL GENMASK64(62, 61)

/* Sixteen nibbles, entry n in bits 4n+3:4n. */
#define SMMU_STE_7_S2POI GENMASK64(63, 0)

/* Config: bit 2 = entry in use, bit 1 = stage 2, bit 0 = stage 1. */
enum smmu_ste_config {
	SMMU_STE_CONFIG_ABORT = 0, /* 1, 2 and 3 mean the same */
	SMMU_STE_CONFIG_BYPASS = 4,
	SMMU_STE_CONFIG_S1 = 5,
	SMMU_STE_CONFIG_S2 = 6,
	SMMU_STE_CONFIG_NESTED = 7,
};

enum smmu_ste_s1fmt {
	SMMU_STE_S1FMT_LINEAR = 0, /* 3 acts as 0 */
	SMMU_STE_S1FMT_4K_L2 = 1,
	SMMU_STE_S1FMT_64K_L2 = 2,
};

enum smmu_ste_s1dss {
	SMMU_STE_S1DSS_TERMINATE = 0, /* 3 acts as 0 */
	SMMU_STE_S1DSS_BYPASS = 1,
	SMMU_STE_S1DSS_SSID0 = 2,
};

/* S1CIR, S1COR: attributes of CD fetches. */
enum smmu_ste_s1c {
	SMMU_STE_S1C_NC = 0,
	SMMU_STE_S1C_WBRA = 1,
	SMMU_STE_S1C_WT = 2,
	SMMU_STE_S1C_WB = 3,
};

/* S1CSH, S2SH0, CD.SHx and the rest are coded as SMMU_SH_* of regs.h. */

enum smmu_ste_shcfg {
	SMMU_STE_SHCFG_NON = 0,
	SMMU_STE_SHCFG_INCOMING = 1,
	SMMU_STE_SHCFG_OUTER = 2,
	SMMU_STE_SHCFG_INNER = 3,
};

enum smmu_ste_eats {
	SMMU_STE_EATS_OFF = 0,
	SMMU_STE_EATS_FULL = 1,
	SMMU_STE_EATS_SPLIT = 2,
	SMMU_STE_EATS_DPT = 3, /* acts as 0 without IDR3.DPT */
};

/* x1 is ILLEGAL where STRW is used. */
enum smmu_ste_strw {
	SMMU_STE_STRW_EL1 = 0,
	SMMU_STE_STRW_EL2 = 2,
};

/* 0 and 1 mean the same. */
enum smmu_ste_privcfg {
	SMMU_STE_PRIVCFG_INCOMING = 0,
	SMMU_STE_PRIVCFG_UNPRIV = 2,
	SMMU_STE_PRIVCFG_PRIV = 3,
};

enum smmu_ste_instcfg {
	SMMU_STE_INSTCFG_INCOMING = 0,
	SMMU_STE_INSTCFG_DATA = 2,
	SMMU_STE_INSTCFG_INSTR = 3,
};

/* S2TG and CD.TG0; 3 is reserved. */
enum smmu_tg0 {
	SMMU_TG0_4K = 0,
	SMMU_TG0_64K = 1,
	SMMU_TG0_16K = 2,
};

/* S2IR0, S2OR0. */
enum smmu_ste_s2r0 {
	SMMU_STE_S2R0_NC = 0,
	SMMU_STE_S2R0_WBRAWA = 1,
	SMMU_STE_S2R0_WTRA = 2,
	SMMU_STE_S2R0_WBRA = 3,
};

/*
 * MemAttr[3:0] of STE, GBPA, IRQ_CFG2 and CMD_SYNC: bits 3:2 outer, 1:0 inner
 * (1 NC, 2 WT, 3 WB); with 0 in 3:2 a Device type.
 */
enum smmu_memattr {
	SMMU_MEMATTR_NGNRNE = 0x0,
	SMMU_MEMATTR_NGNRE = 0x1,
	SMMU_MEMATTR_NGRE = 0x2,
	SMMU_MEMATTR_GRE = 0x3,
	SMMU_MEMATTR_ONC_INC = 0x5,
	SMMU_MEMATTR_OWB_IWB = 0xf,
};

_Static_assert(sizeof(struct smmu_ste) == SMMU_STE_SIZE, "STE is 64 bytes");
_Static_assert(SMMU_STE_0_S1CONTEXTPTR_ADDR == 0x00ffffffffffffc0ull,
	       "STE[55:6]");
_Static_assert(SMMU_STE_1_SHCFG == 3ull << (108 - 64), "STE[109:108]");
_Static_assert(SMMU_STE_1_EATS == 3ull << (92 - 64), "STE[93:92]");
_Static_assert(SMMU_STE_2_S2R == 1ull << (186 - 128), "STE[186]");
_Static_assert(SMMU_STE_3_S2TTB_ADDR == 0x00fffffffffffff0ull, "STE[247:196]");
_Static_assert(SMMU_STE_5_VMSPTR_ADDR == 0x00fffffffffff000ull, "STE[375:332]");
_Static_assert(SMMU_L1STD_L2PTR_ADDR == 0x00ffffffffffffc0ull, "L1STD[55:6]");

#endif /* HW_SMMUV3_STE_H */
