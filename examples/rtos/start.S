/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the loader to C: MMU and caches on, stack, zeroed variables.
 *
 * The MMU is on because the driver needs it: with it off all memory is Device
 * memory to the CPU, where exclusive accesses, which compare-and-swap is made
 * of, need not work, unaligned accesses fault, and what is written does not go
 * through the caches that a coherent SMMU snoops.  One level of 1 GiB blocks,
 * address in = address out: the second gigabyte is RAM, everything else Device.
 */
#define SCTLR_ON	((1 << 0) | (1 << 2) | (1 << 12))	/* M, C, I */
/* 39 bits, 4K, write-back inner shareable; no TTBR1; 40 bits out */
#define TCR		(25 | (1 << 8) | (1 << 10) | (3 << 12) | \
			 (1 << 23) | (2 << 32))
#define MAIR		0xff00			/* 0: Device, 1: write-back */
#define BLOCK		((1 << 10) | 1)		/* AF */
#define DEVICE		(BLOCK | (3 << 53))	/* never executed */
#define MEMORY		(BLOCK | (3 << 8) | (1 << 2))

	.text
	.globl	start
/* At EL1; a hypervisor would use the registers of EL2. */
start:
	msr	daifset, #0xf
	adrp	x1, boot_table
	msr	ttbr0_el1, x1
	ldr	x1, =TCR
	msr	tcr_el1, x1
	ldr	x1, =MAIR
	msr	mair_el1, x1
	adr	x1, vectors
	msr	vbar_el1, x1
	ic	iallu
	tlbi	vmalle1
	dsb	nsh
	isb
	mrs	x1, sctlr_el1
	ldr	x2, =SCTLR_ON
	orr	x1, x1, x2
	msr	sctlr_el1, x1
	isb

	ldr	x1, =bss_start
	ldr	x2, =bss_end
1:	stp	xzr, xzr, [x1], #16
	cmp	x1, x2
	b.lo	1b

	ldr	x1, =stack_top
	mov	sp, x1
	bl	main
2:	wfi
	b	2b

/* No exception is expected: interrupts stay masked and are asked for. */
	.balign	2048
vectors:
	.rept	16
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	b	trap
	.balign	128
	.endr

	.section .rodata
	.balign	4096
boot_table:
	.set	gib, 0
	.rept	512
	.if	gib == 1
	.quad	(gib << 30) | MEMORY
	.else
	.quad	(gib << 30) | DEVICE
	.endif
	.set	gib, gib + 1
	.endr
