/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * regs.h - the register window of an SMMUv3 (IHI 0070 chapter 6).
 *
 * SMMU_REGISTERS is the one list of them: X(name, offset, size, access, guard,
 * needs, bits).
 *   size	4 or 8 bytes; 8-byte registers may be accessed by halves
 *   access	RO or RW, as software sees it
 *   guard	what must be off (field and acknowledgement) for a write to
 *		count: NONE, or a name of enum smmu_reg_guard
 *   needs	the feature without which the register is RES0
 *   bits	the bits that exist; the others read 0
 * Field masks are SMMU_<register>_<field>.
 */
#ifndef HW_SMMUV3_REGS_H
#define HW_SMMUV3_REGS_H

#include "base/bits.h"

/* clang-format off */
#define SMMU_REGISTERS(X)						       \
X(IDR0,		    0x000, 4, RO, NONE,	      ALWAYS, 0xffffffff)	       \
X(IDR1,		    0x004, 4, RO, NONE,	      ALWAYS, 0xffffffff)	       \
X(IDR2,		    0x008, 4, RO, NONE,	      ALWAYS, 0xffffffff)	       \
X(IDR3,		    0x00c, 4, RO, NONE,	      ALWAYS, 0xffffffff)	       \
X(IDR4,		    0x010, 4, RO, NONE,	      ALWAYS, 0xffffffff)	       \
X(IDR5,		    0x014, 4, RO, NONE,	      ALWAYS, 0xffffffff)	       \
X(IIDR,		    0x018, 4, RO, NONE,	      ALWAYS, 0xffffffff)	       \
X(AIDR,		    0x01c, 4, RO, NONE,	      ALWAYS, 0x000000ff)	       \
X(CR0,		    0x020, 4, RW, NONE,	      ALWAYS, 0x000001df)	       \
X(CR0ACK,	    0x024, 4, RO, NONE,	      ALWAYS, 0x000001df)	       \
X(CR1,		    0x028, 4, RW, CR1,	      ALWAYS, 0x00000fff)	       \
X(CR2,		    0x02c, 4, RW, SMMUEN,     ALWAYS, 0x0000000f)	       \
X(STATUSR,	    0x040, 4, RO, NONE,	      ALWAYS, 0x00000001)	       \
X(GBPA,		    0x044, 4, RW, NONE,	      ALWAYS, 0x801f3f1f)	       \
X(AGBPA,	    0x048, 4, RO, NONE,	      ALWAYS, 0x00000000)	       \
X(IRQ_CTRL,	    0x050, 4, RW, NONE,	      ALWAYS, 0x00000007)	       \
X(IRQ_CTRLACK,	    0x054, 4, RO, NONE,	      ALWAYS, 0x00000007)	       \
X(GERROR,	    0x060, 4, RO, NONE,	      ALWAYS, 0x000003fd)	       \
X(GERRORN,	    0x064, 4, RW, NONE,	      ALWAYS, 0x000003fd)	       \
X(GERROR_IRQ_CFG0,  0x068, 8, RW, GERROR_IRQEN, MSI, 0x00fffffffffffffc)       \
X(GERROR_IRQ_CFG1,  0x070, 4, RW, GERROR_IRQEN, MSI, 0xffffffff)	       \
X(GERROR_IRQ_CFG2,  0x074, 4, RW, GERROR_IRQEN, MSI, 0x0000003f)	       \
X(STRTAB_BASE,	    0x080, 8, RW, SMMUEN,     ALWAYS, 0x40ffffffffffffc0)      \
X(STRTAB_BASE_CFG,  0x088, 4, RW, SMMUEN,     ALWAYS, 0x000307ff)	       \
X(CMDQ_BASE,	    0x090, 8, RW, CMDQEN,     ALWAYS, 0x40ffffffffffffff)      \
X(CMDQ_PROD,	    0x098, 4, RW, NONE,	      ALWAYS, 0x000fffff)	       \
X(CMDQ_CONS,	    0x09c, 4, RW, CMDQEN,     ALWAYS, 0x7f0fffff)	       \
X(EVENTQ_BASE,	    0x0a0, 8, RW, EVENTQEN,   ALWAYS, 0x40ffffffffffffff)      \
X(EVENTQ_IRQ_CFG0,  0x0b0, 8, RW, EVENTQ_IRQEN, MSI, 0x00fffffffffffffc)       \
X(EVENTQ_IRQ_CFG1,  0x0b8, 4, RW, EVENTQ_IRQEN, MSI, 0xffffffff)	       \
X(EVENTQ_IRQ_CFG2,  0x0bc, 4, RW, EVENTQ_IRQEN, MSI, 0x0000003f)	       \
X(PRIQ_BASE,	    0x0c0, 8, RW, PRIQEN,     PRI, 0x40ffffffffffffff)	       \
X(PRIQ_IRQ_CFG0,    0x0d0, 8, RW, PRIQ_IRQEN, PRI_MSI, 0x00fffffffffffffc)     \
X(PRIQ_IRQ_CFG1,    0x0d8, 4, RW, PRIQ_IRQEN, PRI_MSI, 0xffffffff)	       \
X(PRIQ_IRQ_CFG2,    0x0dc, 4, RW, PRIQ_IRQEN, PRI, 0x8000003f)		       \
X(IDR6,		    0x190, 4, RO, NONE,	      ECMDQ, 0x0f0f0000)	       \
X(EVENTQ_PROD,	  0x100a8, 4, RW, EVENTQEN,   ALWAYS, 0x800fffff)	       \
X(EVENTQ_CONS,	  0x100ac, 4, RW, NONE,	      ALWAYS, 0x800fffff)	       \
X(PRIQ_PROD,	  0x100c8, 4, RW, PRIQEN,     PRI, 0x800fffff)		       \
X(PRIQ_CONS,	  0x100cc, 4, RW, NONE,	      PRI, 0x800fffff)
/* clang-format on */

/* SMMU_REG_<name> is the register's byte offset. */
enum smmu_reg_offset {
#define SMMU_X(name, offset, size, access, guard, needs, bits) \
	SMMU_REG_##name = (offset),
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
};

/* SMMU_REGIDX_<name> counts them. */
enum smmu_reg_index {
#define SMMU_X(name, offset, size, access, guard, needs, bits) \
	SMMU_REGIDX_##name,
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
	SMMU_NR_REGISTERS,
};

/* The control whose field and acknowledgement must be 0 for a write. */
enum smmu_reg_guard {
	SMMU_GUARD_NONE,
	SMMU_GUARD_SMMUEN,
	SMMU_GUARD_CMDQEN,
	SMMU_GUARD_EVENTQEN,
	SMMU_GUARD_PRIQEN,
	/* TABLE_* by SMMUEN, QUEUE_* by the enables of all queues */
	SMMU_GUARD_CR1,
	SMMU_GUARD_GERROR_IRQEN,
	SMMU_GUARD_EVENTQ_IRQEN,
	SMMU_GUARD_PRIQ_IRQEN,
};

enum smmu_reg_needs {
	SMMU_NEEDS_ALWAYS,
	SMMU_NEEDS_MSI,
	SMMU_NEEDS_PRI,
	SMMU_NEEDS_PRI_MSI,
	SMMU_NEEDS_ECMDQ,
};

#define SMMU_REG_PAGE1 0x10000u
/* Where optional pages begin, and the size of a page. */
#define SMMU_REG_PAGE2 0x20000u
#define SMMU_REG_PAGE_LG2 16u

/* Peripheral and component identification of CoreSight, one byte a word. */
#define SMMU_REG_PIDR4 0xfd0u
#define SMMU_REG_PIDR0 0xfe0u
#define SMMU_REG_CIDR0 0xff0u

/*
 * Enhanced command queues.  Page 0 tells of each control page in 32 bytes from
 * SMMU_REG_CMDQ_CONTROL_PAGES on, read-only; in a control page the queues stand
 * at equal distances, each with three registers.
 */
#define SMMU_REG_CMDQ_CONTROL_PAGES 0x4000u
#define SMMU_CMDQ_CONTROL_PAGE_STRIDE 32u
#define SMMU_CMDQ_CONTROL_PAGE_BASE 0x0u /* 64 bits */
#define SMMU_CMDQ_CONTROL_PAGE_CFG 0x8u
#define SMMU_CMDQ_CONTROL_PAGE_STATUS 0xcu
#define SMMU_CMDQ_CONTROL_PAGE_BASE_ADDR GENMASK64(55, 16) /* from page 0 */
#define SMMU_CMDQ_CONTROL_PAGE_BASE_CMDQGS GENMASK64(2, 1)
#define SMMU_CMDQ_CONTROL_PAGE_CMDQGS_64K 1u
#define SMMU_CMDQ_CONTROL_PAGE_BASE_PRESET BIT64(0)
#define SMMU_CMDQ_CONTROL_PAGE_CFG_EN BIT32(0)
#define SMMU_CMDQ_CONTROL_PAGE_STATUS_ENACK BIT32(0)
#define SMMU_REG_ECMDQ_BASE 0x0u /* 64 bits, as CMDQ_BASE */
#define SMMU_REG_ECMDQ_PROD 0x8u
#define SMMU_REG_ECMDQ_CONS 0xcu
#define SMMU_ECMDQ_PROD_EN BIT32(31)
#define SMMU_ECMDQ_PROD_ERRACK BIT32(23)
#define SMMU_ECMDQ_PROD_WR GENMASK32(19, 0)
#define SMMU_ECMDQ_CONS_ENACK BIT32(31)
#define SMMU_ECMDQ_CONS_ERR_REASON GENMASK32(26, 24)
#define SMMU_ECMDQ_CONS_ERR BIT32(23)
#define SMMU_ECMDQ_CONS_RD GENMASK32(19, 0)

/* IDR0 */
#define SMMU_IDR0_S2P BIT32(0)
#define SMMU_IDR0_S1P BIT32(1)
#define SMMU_IDR0_TTF GENMASK32(3, 2)
#define SMMU_IDR0_TTF_AARCH32 1u
#define SMMU_IDR0_TTF_AARCH64 2u
#define SMMU_IDR0_TTF_BOTH 3u
#define SMMU_IDR0_COHACC BIT32(4)
#define SMMU_IDR0_BTM BIT32(5)
#define SMMU_IDR0_HTTU GENMASK32(7, 6)
#define SMMU_IDR0_HTTU_NONE 0u
#define SMMU_IDR0_HTTU_AF 1u
#define SMMU_IDR0_HTTU_AF_DIRTY 2u
#define SMMU_IDR0_HTTU_HAFT 3u
#define SMMU_IDR0_DORMHINT BIT32(8)
#define SMMU_IDR0_HYP BIT32(9)
#define SMMU_IDR0_ATS BIT32(10)
#define SMMU_IDR0_NS1ATS BIT32(11)
#define SMMU_IDR0_ASID16 BIT32(12)
#define SMMU_IDR0_MSI BIT32(13)
#define SMMU_IDR0_SEV BIT32(14)
#define SMMU_IDR0_ATOS BIT32(15)
#define SMMU_IDR0_PRI BIT32(16)
#define SMMU_IDR0_VMW BIT32(17)
#define SMMU_IDR0_VMID16 BIT32(18)
#define SMMU_IDR0_CD2L BIT32(19)
#define SMMU_IDR0_VATOS BIT32(20)
#define SMMU_IDR0_TTENDIAN GENMASK32(22, 21)
#define SMMU_IDR0_TTENDIAN_MIXED 0u
#define SMMU_IDR0_TTENDIAN_LE 2u
#define SMMU_IDR0_TTENDIAN_BE 3u
#define SMMU_IDR0_ATSRECERR BIT32(23)
#define SMMU_IDR0_STALL_MODEL GENMASK32(25, 24)
#define SMMU_IDR0_STALL_MODEL_BOTH 0u
#define SMMU_IDR0_STALL_MODEL_TERM 1u
#define SMMU_IDR0_STALL_MODEL_FORCED 2u
#define SMMU_IDR0_TERM_MODEL BIT32(26)
#define SMMU_IDR0_ST_LEVEL GENMASK32(28, 27)
#define SMMU_IDR0_ST_LEVEL_LINEAR 0u
#define SMMU_IDR0_ST_LEVEL_2LVL 1u
#define SMMU_IDR0_RME_IMPL BIT32(30)

/* IDR1 */
#define SMMU_IDR1_SIDSIZE GENMASK32(5, 0)
#define SMMU_IDR1_SSIDSIZE GENMASK32(10, 6)
#define SMMU_IDR1_PRIQS GENMASK32(15, 11)
#define SMMU_IDR1_EVENTQS GENMASK32(20, 16)
#define SMMU_IDR1_CMDQS GENMASK32(25, 21)
#define SMMU_IDR1_ATTR_PERMS_OVR BIT32(26)
#define SMMU_IDR1_ATTR_TYPES_OVR BIT32(27)
#define SMMU_IDR1_REL BIT32(28)
#define SMMU_IDR1_QUEUES_PRESET BIT32(29)
#define SMMU_IDR1_TABLES_PRESET BIT32(30)
#define SMMU_IDR1_ECMDQ BIT32(31)
#define SMMU_SIDSIZE_MAX 32u
#define SMMU_SSIDSIZE_MAX 20u
#define SMMU_QUEUE_LG2_MAX 19u

/* IDR2 */
#define SMMU_IDR2_BA_VATOS GENMASK32(9, 0)

/* IDR3 */
#define SMMU_IDR3_HAD BIT32(2)
#define SMMU_IDR3_PBHA BIT32(3)
#define SMMU_IDR3_XNX BIT32(4)
#define SMMU_IDR3_PPS BIT32(5)
#define SMMU_IDR3_MPAM BIT32(7)
#define SMMU_IDR3_FWB BIT32(8)
#define SMMU_IDR3_STT BIT32(9)
#define SMMU_IDR3_RIL BIT32(10)
#define SMMU_IDR3_BBML GENMASK32(12, 11)
#define SMMU_IDR3_E0PD BIT32(13)
#define SMMU_IDR3_PTWNNC BIT32(14)
#define SMMU_IDR3_DPT BIT32(15)
#define SMMU_IDR3_PASIDTT BIT32(16)
#define SMMU_IDR3_EPAN BIT32(17)
#define SMMU_IDR3_S1PI BIT32(18)
#define SMMU_IDR3_S2PI BIT32(19)
#define SMMU_IDR3_S2PO BIT32(20)
#define SMMU_IDR3_THE BIT32(21)
#define SMMU_IDR3_MTEPERM BIT32(22)
#define SMMU_IDR3_AIE BIT32(23)

/* IDR6 */
#define SMMU_IDR6_LOG2NUMP GENMASK32(27, 24) /* control pages */
#define SMMU_IDR6_LOG2NUMQ GENMASK32(19, 16) /* ECMDQs in each */
#define SMMU_IDR6_LOG2_MAX 8u

/* IDR5 */
#define SMMU_IDR5_OAS GENMASK32(2, 0)
#define SMMU_IDR5_OAS_32 0u
#define SMMU_IDR5_OAS_36 1u
#define SMMU_IDR5_OAS_40 2u
#define SMMU_IDR5_OAS_42 3u
#define SMMU_IDR5_OAS_44 4u
#define SMMU_IDR5_OAS_48 5u
#define SMMU_IDR5_OAS_52 6u
#define SMMU_IDR5_OAS_56 7u
#define SMMU_IDR5_GRAN4K BIT32(4)
#define SMMU_IDR5_GRAN16K BIT32(5)
#define SMMU_IDR5_GRAN64K BIT32(6)
#define SMMU_IDR5_DS BIT32(7)
#define SMMU_IDR5_D128 BIT32(8)
#define SMMU_IDR5_VAX GENMASK32(11, 10)
#define SMMU_IDR5_VAX_48 0u
#define SMMU_IDR5_VAX_52 1u
#define SMMU_IDR5_VAX_56 2u
#define SMMU_IDR5_STALL_MAX GENMASK32(31, 16)

/* IIDR, AIDR */
#define SMMU_IIDR_IMPLEMENTER GENMASK32(11, 0)
#define SMMU_IIDR_REVISION GENMASK32(15, 12)
#define SMMU_IIDR_VARIANT GENMASK32(19, 16)
#define SMMU_IIDR_PRODUCTID GENMASK32(31, 20)
/* of the implementer: JEP106 continuation code and identity */
#define SMMU_IIDR_JEP106_CONT GENMASK32(11, 8)
#define SMMU_IIDR_JEP106_ID GENMASK32(6, 0)
#define SMMU_AIDR_MINOR GENMASK32(3, 0)
#define SMMU_AIDR_MAJOR GENMASK32(7, 4)

/* CR0, CR0ACK (same positions) */
#define SMMU_CR0_SMMUEN BIT32(0)
#define SMMU_CR0_PRIQEN BIT32(1)
#define SMMU_CR0_EVENTQEN BIT32(2)
#define SMMU_CR0_CMDQEN BIT32(3)
#define SMMU_CR0_ATSCHK BIT32(4)
#define SMMU_CR0_VMW GENMASK32(8, 6)
#define SMMU_CR0_VMW_MAX 4u /* low bits of the VMID; values above act as 0 */

/* CR1: cacheability and shareability of the SMMU's own accesses */
#define SMMU_CR1_QUEUE_IC GENMASK32(1, 0)
#define SMMU_CR1_QUEUE_OC GENMASK32(3, 2)
#define SMMU_CR1_QUEUE_SH GENMASK32(5, 4)
#define SMMU_CR1_TABLE_IC GENMASK32(7, 6)
#define SMMU_CR1_TABLE_OC GENMASK32(9, 8)
#define SMMU_CR1_TABLE_SH GENMASK32(11, 10)
#define SMMU_CR1_CACHE_NC 0u
#define SMMU_CR1_CACHE_WB 1u
#define SMMU_CR1_CACHE_WT 2u

/* Shareability wherever two bits say it; 1 acts as Non. */
#define SMMU_SH_NON 0u
#define SMMU_SH_OUTER 2u
#define SMMU_SH_INNER 3u

/* CR2 */
#define SMMU_CR2_E2H BIT32(0)
#define SMMU_CR2_RECINVSID BIT32(1)
#define SMMU_CR2_PTM BIT32(2)
#define SMMU_CR2_REC_CFG_ATS BIT32(3)

/* GBPA */
#define SMMU_GBPA_MEMATTR GENMASK32(3, 0)
#define SMMU_GBPA_MTCFG BIT32(4)
#define SMMU_GBPA_ALLOCCFG GENMASK32(11, 8)
#define SMMU_GBPA_SHCFG GENMASK32(13, 12)
#define SMMU_GBPA_PRIVCFG GENMASK32(17, 16)
#define SMMU_GBPA_INSTCFG GENMASK32(19, 18)
#define SMMU_GBPA_ABORT BIT32(20)
#define SMMU_GBPA_UPDATE BIT32(31)

/* IRQ_CTRL, IRQ_CTRLACK */
#define SMMU_IRQ_CTRL_GERROR_IRQEN BIT32(0)
#define SMMU_IRQ_CTRL_PRIQ_IRQEN BIT32(1)
#define SMMU_IRQ_CTRL_EVENTQ_IRQEN BIT32(2)

/* GERROR, GERRORN: active where the two differ */
#define SMMU_GERROR_CMDQ_ERR BIT32(0)
#define SMMU_GERROR_EVENTQ_ABT_ERR BIT32(2)
#define SMMU_GERROR_PRIQ_ABT_ERR BIT32(3)
#define SMMU_GERROR_MSI_CMDQ_ABT_ERR BIT32(4)
#define SMMU_GERROR_MSI_EVENTQ_ABT_ERR BIT32(5)
#define SMMU_GERROR_MSI_PRIQ_ABT_ERR BIT32(6)
#define SMMU_GERROR_MSI_GERROR_ABT_ERR BIT32(7)
#define SMMU_GERROR_SFM_ERR BIT32(8)
#define SMMU_GERROR_CMDQP_ERR BIT32(9)

/* x_IRQ_CFG0 (64 bits) and x_IRQ_CFG2 */
#define SMMU_IRQ_CFG0_ADDR GENMASK64(55, 2)
#define SMMU_IRQ_CFG2_MEMATTR GENMASK32(3, 0)
#define SMMU_IRQ_CFG2_SH GENMASK32(5, 4)
#define SMMU_PRIQ_IRQ_CFG2_LO BIT32(31)

/* STRTAB_BASE (64 bits), STRTAB_BASE_CFG */
#define SMMU_STRTAB_BASE_RA BIT64(62)
#define SMMU_STRTAB_BASE_ADDR GENMASK64(55, 6)
#define SMMU_STRTAB_BASE_CFG_LOG2SIZE GENMASK32(5, 0)
#define SMMU_STRTAB_BASE_CFG_SPLIT GENMASK32(10, 6)
#define SMMU_STRTAB_BASE_CFG_FMT GENMASK32(17, 16)
#define SMMU_STRTAB_BASE_CFG_FMT_LINEAR 0u
#define SMMU_STRTAB_BASE_CFG_FMT_2LVL 1u

/* CMDQ_BASE, EVENTQ_BASE, PRIQ_BASE (64 bits) */
#define SMMU_Q_BASE_LOG2SIZE GENMASK64(4, 0)
#define SMMU_Q_BASE_ADDR GENMASK64(55, 5)
#define SMMU_CMDQ_BASE_RA BIT64(62)
#define SMMU_EVENTQ_BASE_WA BIT64(62)
#define SMMU_PRIQ_BASE_WA BIT64(62)

/* CMDQ_PROD, CMDQ_CONS */
#define SMMU_CMDQ_PROD_WR GENMASK32(19, 0)
#define SMMU_CMDQ_CONS_RD GENMASK32(19, 0)
#define SMMU_CMDQ_CONS_ERR GENMASK32(30, 24)
/* CMDQ_CONS.ERR while GERROR.CMDQ_ERR is active, ECMDQ_CONS.ERR_REASON */
#define SMMU_CERROR_NONE 0u
#define SMMU_CERROR_ILL 1u
#define SMMU_CERROR_ABT 2u
#define SMMU_CERROR_ATC_INV_SYNC 3u

/* EVENTQ_PROD, PRIQ_PROD; EVENTQ_CONS, PRIQ_CONS */
#define SMMU_Q_PROD_WR GENMASK32(19, 0)
#define SMMU_Q_PROD_OVFLG BIT32(31)
#define SMMU_Q_CONS_RD GENMASK32(19, 0)
#define SMMU_Q_CONS_OVACKFLG BIT32(31)

/* Address bits that a code of IDR5.OAS, CD.IPS or STE.S2PS stands for. */
static inline unsigned int smmu_oas_bits(unsigned int code)
{
	static const uint8_t bits[8] = { 32, 36, 40, 42, 44, 48, 52, 56 };

	return bits[code & 7];
}

#endif /* HW_SMMUV3_REGS_H */
