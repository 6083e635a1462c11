/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * regs.h - the system registers with which a CPU states its own stage 1 of the
 * EL1&0 regime, VMSAv8-64.
 *
 * Facts of Arm DDI 0487 chapter D23 (TCR_EL1, TTBR0_EL1), for the lower half of
 * the address space.  Names are those of the architecture.
 */
#ifndef HW_VMSA_REGS_H
#define HW_VMSA_REGS_H

#include "base/bits.h"

#define VMSA_TCR_T0SZ GENMASK64(5, 0)
#define VMSA_TCR_EPD0 BIT64(7)
#define VMSA_TCR_IRGN0 GENMASK64(9, 8)
#define VMSA_TCR_ORGN0 GENMASK64(11, 10)
#define VMSA_TCR_SH0 GENMASK64(13, 12)
#define VMSA_TCR_TG0 GENMASK64(15, 14)
#define VMSA_TCR_TG0_4K 0u
#define VMSA_TCR_TG0_64K 1u
#define VMSA_TCR_TG0_16K 2u
#define VMSA_TCR_IPS GENMASK64(34, 32)
#define VMSA_TCR_AS BIT64(36) /* ASIDs have 16 bits, else 8 */
#define VMSA_TCR_TBI0 BIT64(37)
#define VMSA_TCR_HA BIT64(39)
#define VMSA_TCR_HD BIT64(40) /* counts with HA */
#define VMSA_TCR_HPD0 BIT64(41)
#define VMSA_TCR_E0PD0 BIT64(55)
#define VMSA_TCR_DS BIT64(59)

#define VMSA_TTBR_CNP BIT64(0)
#define VMSA_TTBR_BADDR GENMASK64(47, 1)
/* With output addresses of 52 bits these are bits 51:48 of the table's. */
#define VMSA_TTBR_BADDR_51_48 GENMASK64(5, 2)
#define VMSA_TTBR_ASID GENMASK64(63, 48)

#endif /* HW_VMSA_REGS_H */
