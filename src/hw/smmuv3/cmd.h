/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd.h - commands of the command queue (IHI 0070 chapter 4).
 *
 * A command is two 64-bit words, little-endian in memory; masks apply to words
 * in CPU order.  SMMU_CMD_<qword>_<FIELD> is common to several commands,
 * SMMU_CMD_<GROUP>_<qword>_<FIELD> belongs to the group.
 */
#ifndef HW_SMMUV3_CMD_H
#define HW_SMMUV3_CMD_H

#include <stdint.h>

#include "base/bits.h"

#define SMMU_CMD_SIZE 16u
#define SMMU_CMD_QWORDS 2u

/* A command as two words in CPU order. */
struct smmu_cmd {
	uint64_t q[SMMU_CMD_QWORDS];
};

#define SMMU_CMD_OP_PREFETCH_CONFIG 0x01u
#define SMMU_CMD_OP_PREFETCH_ADDR 0x02u
#define SMMU_CMD_OP_CFGI_STE 0x03u
#define SMMU_CMD_OP_CFGI_STE_RANGE 0x04u /* Range = 31: CFGI_ALL */
#define SMMU_CMD_OP_CFGI_CD 0x05u
#define SMMU_CMD_OP_CFGI_CD_ALL 0x06u
#define SMMU_CMD_OP_CFGI_VMS_PIDM 0x07u
#define SMMU_CMD_OP_TLBI_NH_ALL 0x10u
#define SMMU_CMD_OP_TLBI_NH_ASID 0x11u
#define SMMU_CMD_OP_TLBI_NH_VA 0x12u
#define SMMU_CMD_OP_TLBI_NH_VAA 0x13u
#define SMMU_CMD_OP_TLBI_EL3_ALL 0x18u /* never on the NS queue */
#define SMMU_CMD_OP_TLBI_EL3_VA 0x1au  /* never on the NS queue */
#define SMMU_CMD_OP_TLBI_EL2_ALL 0x20u
#define SMMU_CMD_OP_TLBI_EL2_ASID 0x21u
#define SMMU_CMD_OP_TLBI_EL2_VA 0x22u
#define SMMU_CMD_OP_TLBI_EL2_VAA 0x23u
#define SMMU_CMD_OP_TLBI_S12_VMALL 0x28u
#define SMMU_CMD_OP_TLBI_S2_IPA 0x2au
#define SMMU_CMD_OP_TLBI_NSNH_ALL 0x30u
#define SMMU_CMD_OP_ATC_INV 0x40u
#define SMMU_CMD_OP_PRI_RESP 0x41u
#define SMMU_CMD_OP_RESUME 0x44u
#define SMMU_CMD_OP_STALL_TERM 0x45u
#define SMMU_CMD_OP_SYNC 0x46u
/* Secure queue only */
#define SMMU_CMD_OP_TLBI_S_EL2_ALL 0x50u
#define SMMU_CMD_OP_TLBI_S_EL2_ASID 0x51u
#define SMMU_CMD_OP_TLBI_S_EL2_VA 0x52u
#define SMMU_CMD_OP_TLBI_S_EL2_VAA 0x53u
#define SMMU_CMD_OP_TLBI_S_S12_VMALL 0x58u
#define SMMU_CMD_OP_TLBI_S_S2_IPA 0x5au
#define SMMU_CMD_OP_TLBI_SNH_ALL 0x60u
#define SMMU_CMD_OP_DPTI_ALL 0x70u
#define SMMU_CMD_OP_DPTI_PA 0x73u

/* --------------------------------------------------- common to several -- */

#define SMMU_CMD_0_OP GENMASK64(7, 0)
/* PREFETCH_*, CFGI_*, RESUME, STALL_TERM: 1 is illegal on the NS queue */
#define SMMU_CMD_0_SSEC BIT64(10)
#define SMMU_CMD_0_SSV BIT64(11)
#define SMMU_CMD_0_SSID GENMASK64(31, 12)
#define SMMU_CMD_0_SID GENMASK64(63, 32)

/* ------------------------------------------------------------ prefetch -- */

#define SMMU_CMD_PREFETCH_1_SIZE GENMASK64(4, 0)
#define SMMU_CMD_PREFETCH_1_STRIDE GENMASK64(9, 5)
#define SMMU_CMD_PREFETCH_1_NS BIT64(11)
#define SMMU_CMD_PREFETCH_1_ADDR GENMASK64(63, 12)

/* ------------------------------------------------- configuration cache -- */

#define SMMU_CMD_CFGI_1_LEAF BIT64(0)
/* CFGI_STE_RANGE: the aligned 2^(RANGE+1) StreamIDs around SID */
#define SMMU_CMD_CFGI_1_RANGE GENMASK64(4, 0)
#define SMMU_CMD_CFGI_RANGE_ALL 31u
#define SMMU_CMD_CFGI_VMS_0_VMID GENMASK64(47, 32)

/* ----------------------------------------------------------------- TLB -- */

/* Range fields (only with IDR3.RIL) */
#define SMMU_CMD_TLBI_0_NUM GENMASK64(16, 12)
#define SMMU_CMD_TLBI_0_SCALE GENMASK64(25, 20) /* bit 25 only with DS */
#define SMMU_CMD_TLBI_0_VMID GENMASK64(47, 32)
#define SMMU_CMD_TLBI_0_ASID GENMASK64(63, 48)
#define SMMU_CMD_TLBI_1_LEAF BIT64(0)
#define SMMU_CMD_TLBI_1_TTL128 BIT64(7)
#define SMMU_CMD_TLBI_1_TTL GENMASK64(9, 8)
#define SMMU_CMD_TLBI_1_TG GENMASK64(11, 10)
#define SMMU_CMD_TLBI_1_ADDR GENMASK64(63, 12)
#define SMMU_CMD_TLBI_1_IPA GENMASK64(55, 12) /* S2_IPA */

/* TG of a command: 0 is a single address, so it is coded unlike the CD's. */
enum smmu_cmd_tg {
	SMMU_CMD_TG_SINGLE = 0,
	SMMU_CMD_TG_4K = 1,
	SMMU_CMD_TG_16K = 2,
	SMMU_CMD_TG_64K = 3,
};

/* ------------------------------------------------------------ ATS, PRI -- */

#define SMMU_CMD_ATC_0_G BIT64(9)
#define SMMU_CMD_ATC_1_SIZE GENMASK64(5, 0)
#define SMMU_CMD_ATC_1_ADDR GENMASK64(63, 12)
#define SMMU_CMD_ATC_SIZE_ALL 52u

#define SMMU_CMD_PRI_1_PRGINDEX GENMASK64(8, 0)
#define SMMU_CMD_PRI_1_RESP GENMASK64(13, 12)

enum smmu_cmd_pri_resp {
	SMMU_CMD_PRI_RESP_FAILURE = 0,
	SMMU_CMD_PRI_RESP_INVALID = 1,
	SMMU_CMD_PRI_RESP_SUCCESS = 2,
};

/* -------------------------------------------------------------- stalls -- */

#define SMMU_CMD_RESUME_0_AC BIT64(12) /* 1: retry, AB ignored */
#define SMMU_CMD_RESUME_0_AB BIT64(13) /* AC=0: 1 abort, 0 RAZ/WI */
#define SMMU_CMD_RESUME_1_STAG GENMASK64(15, 0)

/* ---------------------------------------------------------------- sync -- */

#define SMMU_CMD_SYNC_0_CS GENMASK64(13, 12)
#define SMMU_CMD_SYNC_0_MSH GENMASK64(23, 22)
#define SMMU_CMD_SYNC_0_MSIATTR GENMASK64(27, 24)
#define SMMU_CMD_SYNC_0_MSIDATA GENMASK64(63, 32)
/* The address stands in place; zero: no message. */
#define SMMU_CMD_SYNC_1_MSIADDR GENMASK64(55, 2)
#define SMMU_CMD_SYNC_1_MSI_NS BIT64(63) /* Realm */

/* 3 is illegal. */
enum smmu_cmd_sync_cs {
	SMMU_CMD_SYNC_CS_NONE = 0,
	SMMU_CMD_SYNC_CS_IRQ = 1,
	SMMU_CMD_SYNC_CS_SEV = 2,
};

/* Codes of CMDQ_CONS.ERR: SMMU_CERROR_* in regs.h. */

_Static_assert(sizeof(struct smmu_cmd) == SMMU_CMD_SIZE,
	       "a command is 16 bytes");
_Static_assert(SMMU_CMD_TLBI_1_TG == 3ull << (74 - 64), "CMD[75:74]");
_Static_assert(SMMU_CMD_TLBI_1_TTL == 3ull << (72 - 64), "CMD[73:72]");
_Static_assert(SMMU_CMD_PRI_1_RESP == 3ull << (76 - 64), "CMD[77:76]");
_Static_assert(SMMU_CMD_SYNC_1_MSIADDR == 0x00fffffffffffffcull, "CMD[119:66]");

#endif /* HW_SMMUV3_CMD_H */
