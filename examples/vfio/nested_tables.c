/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_tables.c - what the guest writes: context descriptors, page tables, its
 * stream table entry and commands (Arm IHI 0070, chapters 3 to 5).
 */
#include <inttypes.h>
#include <stdio.h>

#include "nested.h"

#define CD_T0SZ (64 - 39)
#define CD_WALKS_CACHED (UINT64_C(0x35) << 8) /* shared, write-back */
#define CD_NO_TTB1 (UINT64_C(1) << 30)
#define CD_VALID (UINT64_C(1) << 31)
#define CD_48_BITS_OUT (UINT64_C(5) << 32)
#define CD_AA64 (UINT64_C(1) << 41)
#define CD_STALL (UINT64_C(1) << 44)
#define CD_RECORD (UINT64_C(1) << 45)
#define CD_ABORT (UINT64_C(1) << 46)
#define CD_ASET (UINT64_C(1) << 47)
#define CD_ASID(n) ((uint64_t)(n) << 48)
#define MAIR_WRITE_BACK 0xff

#define ADDRESS UINT64_C(0x0000fffffffff000)
#define TABLE 3
/* A page; attributes 0, for all, shared, accessed, of its ASID. */
#define LEAF 0xf43

#define STE_VALID 1
#define STE_STAGE1 (5u << 1)
#define STE_64_CONTEXTS (UINT64_C(6) << 59)
#define STE_CD0_WITHOUT_PASID 2
#define STE_CONTEXTS_CACHED 0xd4
#define STE_ATS (1u << 28)

#define OP_CFGI_CD 0x05
#define OP_TLBI_NH_VA 0x12
#define OP_ATC_INV 0x40
#define CMD_SSV (1u << 11)
#define CMD_LEAF 1

uint64_t gpa_of(unsigned int page)
{
	return GPA + page * PAGE;
}

volatile uint64_t *guest_page(struct vm *vm, unsigned int page)
{
	return (volatile uint64_t *)(void *)(vm->memory + page * PAGE);
}

static unsigned int tables_of(unsigned int asid)
{
	return TABLES + 3 * (asid - 1);
}

void guest_set_context(struct vm *vm, uint32_t pasid, unsigned int asid)
{
	volatile uint64_t *cd = guest_page(vm, vm->contexts) + 8 * pasid;

	/* Valid when all the rest is there. */
	cd[1] = gpa_of(tables_of(asid));
	cd[3] = MAIR_WRITE_BACK;
	__sync_synchronize();
	cd[0] = CD_T0SZ | CD_WALKS_CACHED | CD_NO_TTB1 | CD_VALID |
		CD_48_BITS_OUT | CD_AA64 | CD_RECORD | CD_ABORT | CD_ASET |
		CD_ASID(asid) | (vm->stalls ? CD_STALL : 0);
}

/* With this table for the 2 MiB around it; last things first. */
static void point(struct vm *vm, unsigned int asid, unsigned int leaves,
		  uint64_t iova, uint64_t gpa)
{
	unsigned int top = tables_of(asid);

	guest_page(vm, leaves)[iova >> 12 & 511] = gpa | LEAF;
	__sync_synchronize();
	guest_page(vm, top + 1)[iova >> 21 & 511] = gpa_of(leaves) | TABLE;
	__sync_synchronize();
	guest_page(vm, top)[iova >> 30 & 511] = gpa_of(top + 1) | TABLE;
	__sync_synchronize();
}

void guest_map(struct vm *vm, unsigned int asid, uint64_t iova, uint64_t gpa)
{
	point(vm, asid, tables_of(asid) + 2, iova, gpa);
}

void guest_map_doorbell(struct vm *vm, unsigned int asid, uint64_t doorbell)
{
	point(vm, asid, DOORBELLS, doorbell, doorbell);
}

/* A page that the guest names by its GPA; NULL: it is not in its memory. */
static volatile uint64_t *page_at(struct vm *vm, uint64_t gpa)
{
	return gpa < GPA || gpa >= GPA + NR_PAGES * PAGE
		       ? NULL
		       : guest_page(vm, (unsigned int)((gpa - GPA) / PAGE));
}

uint64_t guest_tell_walk(struct vm *vm, uint32_t pasid, uint64_t iova)
{
	volatile uint64_t *cd = guest_page(vm, vm->contexts) + 8 * pasid;
	uint64_t next = cd[1] & ADDRESS;
	volatile uint64_t *table;

	printf("      context %u, at GPA 0x%" PRIx64 ": ASID %" PRIu64
	       ", tables at GPA 0x%" PRIx64 "\n",
	       pasid, gpa_of(vm->contexts) + 64 * pasid, cd[0] >> 48, next);
	for (unsigned int level = 1; level <= 3; level++) {
		unsigned int at = iova >> (39 - 9 * level) & 511;

		table = page_at(vm, next);
		if (!table || !(table[at] & 1)) {
			printf("      level %u: nothing\n", level);
			return 0;
		}
		printf("      level %u, entry %u at GPA 0x%" PRIx64
		       ": GPA 0x%" PRIx64 "\n",
		       level, at, next + 8 * at, table[at] & ADDRESS);
		next = table[at] & ADDRESS;
	}
	printf("      stage 2 makes of each GPA the host's memory: of this %p\n",
	       (void *)(uintptr_t)page_at(vm, next));
	return next;
}

void guest_stream_entry(const struct vm *vm, uint64_t ste[2])
{
	ste[0] = STE_VALID | STE_STAGE1 | STE_64_CONTEXTS |
		 gpa_of(vm->contexts);
	ste[1] = STE_CD0_WITHOUT_PASID | STE_CONTEXTS_CACHED |
		 (vm->ats ? STE_ATS : 0);
}

void cmd_tlbi_va(uint64_t cmd[2], unsigned int asid, uint64_t iova)
{
	cmd[0] = OP_TLBI_NH_VA | (uint64_t)asid << 48;
	cmd[1] = iova | CMD_LEAF;
}

void cmd_cfgi_cd(uint64_t cmd[2], uint32_t vsid, uint32_t pasid)
{
	cmd[0] = OP_CFGI_CD | (uint64_t)pasid << 12 | (uint64_t)vsid << 32;
	cmd[1] = CMD_LEAF;
}

void cmd_atc_inv(uint64_t cmd[2], uint32_t vsid, uint32_t pasid, uint64_t iova)
{
	cmd[0] = OP_ATC_INV | (uint64_t)vsid << 32;
	if (pasid != NO_PASID)
		cmd[0] |= CMD_SSV | (uint64_t)pasid << 12;
	cmd[1] = iova;
}
