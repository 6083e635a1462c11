/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A GICv3 for one CPU.
 *
 * Interrupts stay masked in the CPU; whoever waits asks gic_take().  So an
 * interrupt of the SMMU is handled between two calls of the driver and never
 * inside one, which is what uiommu_driver_ops.irq demands.  A kernel with
 * handlers would wake a thread instead.
 */
#include "rtos.h"

#define GICD_CTLR 0x0000
#define GICD_CTLR_GRP1 (1u << 1)
#define GICD_CTLR_ARE (1u << 4)
#define GICD_CTLR_RWP (1u << 31)
#define GICD_IGROUPR 0x0080
#define GICD_ISENABLER 0x0100
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR 0x0c00
#define GICD_IROUTER 0x6000
#define GICR_WAKER 0x0014
#define GICR_WAKER_SLEEP (1u << 1)
#define GICR_WAKER_ASLEEP (1u << 2)

#define NO_INTERRUPT 1020

void gic_init(void)
{
	write32(GICD + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP1);
	while (read32(GICD + GICD_CTLR) & GICD_CTLR_RWP)
		;
	write32(GICR + GICR_WAKER,
		read32(GICR + GICR_WAKER) & ~GICR_WAKER_SLEEP);
	while (read32(GICR + GICR_WAKER) & GICR_WAKER_ASLEEP)
		;
	/* ICC_SRE_EL1, ICC_PMR_EL1: all priorities, ICC_IGRPEN1_EL1 */
	__asm__ volatile("msr s3_0_c12_c12_5, %0\n\t"
			 "isb\n\t"
			 "msr s3_0_c4_c6_0, %1\n\t"
			 "msr s3_0_c12_c12_7, %2\n\t"
			 "isb"
			 :
			 : "r"(UINT64_C(7)), "r"(UINT64_C(0xff)),
			   "r"(UINT64_C(1)));
}

static void set_bits(uint64_t reg, uint32_t shift, uint32_t bits)
{
	write32(reg, read32(reg) | bits << shift);
}

void gic_enable(uint32_t n)
{
	uint64_t affinity;

	__asm__ volatile("mrs %0, mpidr_el1" : "=r"(affinity));
	write64(GICD + GICD_IROUTER + 8 * n, affinity & 0xff00ffffff);
	set_bits(GICD + GICD_IGROUPR + n / 32 * 4, n % 32, 1);
	set_bits(GICD + GICD_ICFGR + n / 16 * 4, n % 16 * 2, 2);
	set_bits(GICD + GICD_IPRIORITYR + n / 4 * 4, n % 4 * 8, 0x80);
	write32(GICD + GICD_ISENABLER + n / 32 * 4, 1u << n % 32);
}

int gic_take(void)
{
	uint64_t n;

	/* ICC_IAR1_EL1; the barrier: what the interrupt tells of is there. */
	__asm__ volatile("mrs %0, s3_0_c12_c12_0\n\t"
			 "dsb sy"
			 : "=r"(n)
			 :
			 : "memory");
	return n < NO_INTERRUPT ? (int)n : -1;
}

void gic_done(uint32_t n)
{
	/* ICC_EOIR1_EL1 */
	__asm__ volatile("msr s3_0_c12_c12_1, %0\n\t"
			 "isb"
			 :
			 : "r"((uint64_t)n)
			 : "memory");
}
