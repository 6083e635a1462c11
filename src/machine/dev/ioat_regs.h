/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioat_regs.h - Intel I/OAT DMA engine, version 3.3 (8086:2021): registers in
 * BAR 0, fields, and the 64-byte descriptor.  One channel per function.
 */
#ifndef MACHINE_DEV_IOAT_REGS_H
#define MACHINE_DEV_IOAT_REGS_H

#include "base/bits.h"

/* X(name, offset, bytes): the channel's registers begin at 0x80. */
/* clang-format off */
#define IOAT_REGISTERS(X) \
X(CHANCNT,	0x00, 1) \
X(XFERCAP,	0x01, 1) \
X(GENCTRL,	0x02, 1) \
X(INTRCTRL,	0x03, 1) \
X(ATTNSTATUS,	0x04, 4) \
X(CBVER,	0x08, 1) \
X(INTRDELAY,	0x0c, 2) \
X(CS_STATUS,	0x0e, 2) \
X(DMACAP,	0x10, 4) \
X(CHANCTRL,	0x80, 2) \
X(DMA_COMP,	0x82, 2) \
X(CHANCMD,	0x84, 1) \
X(DMACOUNT,	0x86, 2) \
X(CHANSTS,	0x88, 8) \
X(CHAINADDR,	0x90, 8) \
X(CHANCMP,	0x98, 8) \
X(CDAR,		0xa0, 8) \
X(CHANERR,	0xa8, 4) \
X(CHANERRMASK,	0xac, 4) \
X(DCACTRL,	0xb0, 4)
/* clang-format on */

enum ioat_reg {
#define IOAT_X(name, offset, bytes) IOAT_##name,
	IOAT_REGISTERS(IOAT_X)
#undef IOAT_X
	IOAT_NR_REGS,
};

#define IOAT_BAR_SIZE 0x4000u
#define IOAT_MSIX_TABLE 0x2000u
#define IOAT_MSIX_PBA 0x3000u

#define IOAT_XFERCAP_LG2 20
#define IOAT_CBVER_3_3 0x33

#define IOAT_INTRCTRL_MASTER_EN BIT32(0)
#define IOAT_INTRCTRL_STATUS BIT32(1)
#define IOAT_INTRCTRL_INT BIT32(2)
#define IOAT_INTRCTRL_VECTORS BIT32(3) /* MSI-X vectors by channel */

#define IOAT_DMACAP_FILL BIT32(6)

#define IOAT_CHANCTRL_INT_DISABLE BIT32(0) /* write 1: rearm */
#define IOAT_CHANCTRL_ERR_COMPLETION BIT32(2)
#define IOAT_CHANCTRL_ANY_ERR_ABORT BIT32(3)
#define IOAT_CHANCTRL_ERR_INT BIT32(4)

#define IOAT_CHANCMD_START BIT32(0)
#define IOAT_CHANCMD_APPEND BIT32(1)
#define IOAT_CHANCMD_SUSPEND BIT32(2)
#define IOAT_CHANCMD_ABORT BIT32(3)
#define IOAT_CHANCMD_RESUME BIT32(4)
#define IOAT_CHANCMD_RESET BIT32(5)

/* CHANSTS: address of the last completed descriptor, and a state. */
#define IOAT_CHANSTS_ADDR (~UINT64_C(0x3f))
enum ioat_state {
	IOAT_ACTIVE = 0,
	IOAT_DONE = 1,
	IOAT_SUSPENDED = 2,
	IOAT_HALTED = 3,
	IOAT_ARMED = 4,
};

#define IOAT_CHANERR_SRC_ADDR BIT32(0)
#define IOAT_CHANERR_DST_ADDR BIT32(1)
#define IOAT_CHANERR_NEXT_ADDR BIT32(2)
#define IOAT_CHANERR_DESC_ALIGN BIT32(3)
#define IOAT_CHANERR_CHAIN_ADDR BIT32(4)
#define IOAT_CHANERR_CHANCMD BIT32(5)
#define IOAT_CHANERR_READ_DATA BIT32(8)
#define IOAT_CHANERR_CONTROL BIT32(10)
#define IOAT_CHANERR_LENGTH BIT32(11)
#define IOAT_CHANERR_COMPLETION_ADDR BIT32(12)
#define IOAT_CHANERR_ALL UINT32_C(0x0007ffff)

/* Registers of its own in configuration space. */
#define IOAT_CFG_DMAUNCERRSTS 0x148
#define IOAT_CFG_CHANERR_INT 0x180
#define IOAT_CFG_CHANERRMASK_INT 0x184

#define IOAT_DESC_SIZE 64
#define IOAT_DESC_CTL_INT BIT32(0)
#define IOAT_DESC_CTL_COMPLETION BIT32(3)
#define IOAT_DESC_CTL_FENCE BIT32(4)
#define IOAT_DESC_CTL_NULL BIT32(5)
#define IOAT_DESC_OP(ctl) ((ctl) >> 24)
#define IOAT_OP_COPY 0x00
#define IOAT_OP_FILL 0x01

struct ioat_desc {
	uint32_t size;
	uint32_t ctl;
	uint64_t src; /* of a fill: the pattern */
	uint64_t dst;
	uint64_t next;
	uint64_t rest[4];
};
_Static_assert(sizeof(struct ioat_desc) == IOAT_DESC_SIZE, "64 bytes");

#endif /* MACHINE_DEV_IOAT_REGS_H */
