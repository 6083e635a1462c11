/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.h - the fields of table structures as the specification spells them:
 * X(name, word, mask), in the order of its tables (IHI 0070 5.1 to 5.4).
 * Addresses stand in place (mask, do not shift); the lists ending in _ADDRESSES
 * are those.
 */
#ifndef HW_SMMUV3_NAMES_H
#define HW_SMMUV3_NAMES_H

#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/ste.h"

/* clang-format off */
#define SMMU_STE_FIELDS(X)				\
X(V,		0, SMMU_STE_0_V)			\
X(Config,	0, SMMU_STE_0_CONFIG)			\
X(S1Fmt,	0, SMMU_STE_0_S1FMT)			\
X(S1CDMax,	0, SMMU_STE_0_S1CDMAX)			\
X(S1DSS,	1, SMMU_STE_1_S1DSS)			\
X(S1CIR,	1, SMMU_STE_1_S1CIR)			\
X(S1COR,	1, SMMU_STE_1_S1COR)			\
X(S1CSH,	1, SMMU_STE_1_S1CSH)			\
X(S2HWU,	1, SMMU_STE_1_S2HWU)			\
X(DRE,		1, SMMU_STE_1_DRE)			\
X(CONT,		1, SMMU_STE_1_CONT)			\
X(DCP,		1, SMMU_STE_1_DCP)			\
X(PPAR,		1, SMMU_STE_1_PPAR)			\
X(MEV,		1, SMMU_STE_1_MEV)			\
X(S1PIE,	1, SMMU_STE_1_S1PIE)			\
X(S2FWB,	1, SMMU_STE_1_S2FWB)			\
X(S1MPAM,	1, SMMU_STE_1_S1MPAM)			\
X(S1STALLD,	1, SMMU_STE_1_S1STALLD)			\
X(EATS,		1, SMMU_STE_1_EATS)			\
X(STRW,		1, SMMU_STE_1_STRW)			\
X(MemAttr,	1, SMMU_STE_1_MEMATTR)			\
X(MTCFG,	1, SMMU_STE_1_MTCFG)			\
X(ALLOCCFG,	1, SMMU_STE_1_ALLOCCFG)			\
X(SHCFG,	1, SMMU_STE_1_SHCFG)			\
X(NSCFG,	1, SMMU_STE_1_NSCFG)			\
X(PRIVCFG,	1, SMMU_STE_1_PRIVCFG)			\
X(INSTCFG,	1, SMMU_STE_1_INSTCFG)			\
X(S2VMID,	2, SMMU_STE_2_S2VMID)			\
X(S2T0SZ,	2, SMMU_STE_2_S2T0SZ)			\
X(S2SL0,	2, SMMU_STE_2_S2SL0)			\
X(S2IR0,	2, SMMU_STE_2_S2IR0)			\
X(S2OR0,	2, SMMU_STE_2_S2OR0)			\
X(S2SH0,	2, SMMU_STE_2_S2SH0)			\
X(S2TG,		2, SMMU_STE_2_S2TG)			\
X(S2PS,		2, SMMU_STE_2_S2PS)			\
X(S2AA64,	2, SMMU_STE_2_S2AA64)			\
X(S2ENDI,	2, SMMU_STE_2_S2ENDI)			\
X(S2AFFD,	2, SMMU_STE_2_S2AFFD)			\
X(S2PTW,	2, SMMU_STE_2_S2PTW)			\
X(S2HD,		2, SMMU_STE_2_S2HD)			\
X(S2HA,		2, SMMU_STE_2_S2HA)			\
X(S2S,		2, SMMU_STE_2_S2S)			\
X(S2R,		2, SMMU_STE_2_S2R)			\
X(S2SL0_2,	3, SMMU_STE_3_S2SL0_2)			\
X(S2DS,		3, SMMU_STE_3_S2DS)

#define SMMU_STE_ADDRESSES(X)				\
X(S1ContextPtr,	0, SMMU_STE_0_S1CONTEXTPTR_ADDR)	\
X(S2TTB,	3, SMMU_STE_3_S2TTB_ADDR)

#define SMMU_CD_FIELDS(X)				\
X(T0SZ,		0, SMMU_CD_0_T0SZ)			\
X(TG0,		0, SMMU_CD_0_TG0)			\
X(IR0,		0, SMMU_CD_0_IR0)			\
X(OR0,		0, SMMU_CD_0_OR0)			\
X(SH0,		0, SMMU_CD_0_SH0)			\
X(EPD0,		0, SMMU_CD_0_EPD0)			\
X(ENDI,		0, SMMU_CD_0_ENDI)			\
X(T1SZ,		0, SMMU_CD_0_T1SZ)			\
X(TG1,		0, SMMU_CD_0_TG1)			\
X(IR1,		0, SMMU_CD_0_IR1)			\
X(OR1,		0, SMMU_CD_0_OR1)			\
X(SH1,		0, SMMU_CD_0_SH1)			\
X(EPD1,		0, SMMU_CD_0_EPD1)			\
X(V,		0, SMMU_CD_0_V)				\
X(IPS,		0, SMMU_CD_0_IPS)			\
X(AFFD,		0, SMMU_CD_0_AFFD)			\
X(WXN,		0, SMMU_CD_0_WXN)			\
X(UWXN,		0, SMMU_CD_0_UWXN)			\
X(TBI0,		0, SMMU_CD_0_TBI0)			\
X(TBI1,		0, SMMU_CD_0_TBI1)			\
X(PAN,		0, SMMU_CD_0_PAN)			\
X(AA64,		0, SMMU_CD_0_AA64)			\
X(HD,		0, SMMU_CD_0_HD)			\
X(HA,		0, SMMU_CD_0_HA)			\
X(S,		0, SMMU_CD_0_S)				\
X(R,		0, SMMU_CD_0_R)				\
X(A,		0, SMMU_CD_0_A)				\
X(ASET,		0, SMMU_CD_0_ASET)			\
X(ASID,		0, SMMU_CD_0_ASID)			\
X(NSCFG0,	1, SMMU_CD_1_NSCFG0)			\
X(HAD0,		1, SMMU_CD_1_HAD0)			\
X(E0PD0,	1, SMMU_CD_1_E0PD0)			\
X(HAFT,		1, SMMU_CD_1_HAFT)			\
X(PnCH,		1, SMMU_CD_1_PNCH)			\
X(EPAN,		1, SMMU_CD_1_EPAN)			\
X(HWU0,		1, SMMU_CD_1_HWU0)			\
X(NSCFG1,	2, SMMU_CD_2_NSCFG1)			\
X(HAD1,		2, SMMU_CD_2_HAD1)			\
X(E0PD1,	2, SMMU_CD_2_E0PD1)			\
X(AIE,		2, SMMU_CD_2_AIE)			\
X(DS,		2, SMMU_CD_2_DS)			\
X(PIE,		2, SMMU_CD_2_PIE)			\
X(HWU1,		2, SMMU_CD_2_HWU1)			\
X(MAIR0,	3, SMMU_CD_3_MAIR0)			\
X(MAIR1,	3, SMMU_CD_3_MAIR1)			\
X(AMAIR0,	4, SMMU_CD_4_AMAIR0)			\
X(AMAIR1,	4, SMMU_CD_4_AMAIR1)			\
X(PARTID,	5, SMMU_CD_5_PARTID)			\
X(PMG,		5, SMMU_CD_5_PMG)

#define SMMU_CD_ADDRESSES(X)				\
X(TTB0,		1, SMMU_CD_1_TTB0_ADDR)			\
X(TTB1,		2, SMMU_CD_2_TTB1_ADDR)

/* Commands that the Non-secure queue has: X(name). */
#define SMMU_CMDS(X)					\
X(PREFETCH_CONFIG) X(PREFETCH_ADDR) X(CFGI_STE)		\
X(CFGI_STE_RANGE) X(CFGI_CD) X(CFGI_CD_ALL)		\
X(CFGI_VMS_PIDM) X(TLBI_NH_ALL) X(TLBI_NH_ASID)		\
X(TLBI_NH_VA) X(TLBI_NH_VAA) X(TLBI_EL2_ALL)		\
X(TLBI_EL2_ASID) X(TLBI_EL2_VA) X(TLBI_EL2_VAA)		\
X(TLBI_S12_VMALL) X(TLBI_S2_IPA) X(TLBI_NSNH_ALL)	\
X(ATC_INV) X(PRI_RESP) X(RESUME) X(STALL_TERM) X(SYNC)
/* clang-format on */

/* A command's name, or NULL. */
static inline const char *smmu_cmd_name(unsigned int op)
{
	switch (op) {
#define SMMU_X(name)             \
	case SMMU_CMD_OP_##name: \
		return #name;
		SMMU_CMDS(SMMU_X)
#undef SMMU_X
	default:
		return 0;
	}
}

#endif /* HW_SMMUV3_NAMES_H */
