/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers as IHI 0070 chapter 6 lays them out, typed a second time: where each
 * stands, which bits it has, and where its fields are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hw/smmuv3/regs.h"

struct reg {
	const char *name;
	uint32_t offset;
	unsigned int size;
	uint64_t bits;
};

/* clang-format off */
static const struct reg declared[] = {
#define SMMU_X(name, offset, size, access, guard, needs, bits) \
	{ #name, offset, size, UINT64_C(bits) },
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
};

/* 6.2, 6.3 in the order of the memory map. */
static const struct reg typed[] = {
	{ "IDR0", 0x0, 4, 0xffffffff }, { "IDR1", 0x4, 4, 0xffffffff },
	{ "IDR2", 0x8, 4, 0xffffffff }, { "IDR3", 0xc, 4, 0xffffffff },
	{ "IDR4", 0x10, 4, 0xffffffff }, { "IDR5", 0x14, 4, 0xffffffff },
	{ "IIDR", 0x18, 4, 0xffffffff }, { "AIDR", 0x1c, 4, 0xff },
	{ "CR0", 0x20, 4, 0x1df }, { "CR0ACK", 0x24, 4, 0x1df },
	{ "CR1", 0x28, 4, 0xfff }, { "CR2", 0x2c, 4, 0xf },
	{ "STATUSR", 0x40, 4, 0x1 }, { "GBPA", 0x44, 4, 0x801f3f1f },
	{ "AGBPA", 0x48, 4, 0 },
	{ "IRQ_CTRL", 0x50, 4, 0x7 }, { "IRQ_CTRLACK", 0x54, 4, 0x7 },
	{ "GERROR_IRQ_CFG0", 0x68, 8, 0x00fffffffffffffc },
	{ "GERROR_IRQ_CFG1", 0x70, 4, 0xffffffff },
	{ "GERROR_IRQ_CFG2", 0x74, 4, 0x3f },
	{ "STRTAB_BASE", 0x80, 8, 0x40ffffffffffffc0 },
	{ "STRTAB_BASE_CFG", 0x88, 4, 0x307ff },
	{ "CMDQ_BASE", 0x90, 8, 0x40ffffffffffffff },
	{ "CMDQ_PROD", 0x98, 4, 0xfffff }, { "CMDQ_CONS", 0x9c, 4, 0x7f0fffff },
	{ "EVENTQ_BASE", 0xa0, 8, 0x40ffffffffffffff },
	{ "EVENTQ_IRQ_CFG0", 0xb0, 8, 0x00fffffffffffffc },
	{ "EVENTQ_IRQ_CFG1", 0xb8, 4, 0xffffffff },
	{ "EVENTQ_IRQ_CFG2", 0xbc, 4, 0x3f },
	{ "PRIQ_BASE", 0xc0, 8, 0x40ffffffffffffff },
	{ "PRIQ_IRQ_CFG0", 0xd0, 8, 0x00fffffffffffffc },
	{ "PRIQ_IRQ_CFG1", 0xd8, 4, 0xffffffff },
	{ "PRIQ_IRQ_CFG2", 0xdc, 4, 0x8000003f },
	{ "EVENTQ_PROD", 0x100a8, 4, 0x800fffff },
	{ "EVENTQ_CONS", 0x100ac, 4, 0x800fffff },
	{ "PRIQ_PROD", 0x100c8, 4, 0x800fffff },
	{ "PRIQ_CONS", 0x100cc, 4, 0x800fffff },
};

struct field {
	const char *name;
	uint64_t mask;
	unsigned int hi, lo;
};

#define F(name, hi, lo) { #name, SMMU_##name, hi, lo }
static const struct field fields[] = {
	F(IDR0_S2P, 0, 0), F(IDR0_S1P, 1, 1), F(IDR0_TTF, 3, 2),
	F(IDR0_COHACC, 4, 4), F(IDR0_BTM, 5, 5), F(IDR0_HTTU, 7, 6),
	F(IDR0_DORMHINT, 8, 8), F(IDR0_HYP, 9, 9), F(IDR0_ATS, 10, 10),
	F(IDR0_NS1ATS, 11, 11), F(IDR0_ASID16, 12, 12), F(IDR0_MSI, 13, 13),
	F(IDR0_SEV, 14, 14), F(IDR0_ATOS, 15, 15), F(IDR0_PRI, 16, 16),
	F(IDR0_VMW, 17, 17), F(IDR0_VMID16, 18, 18), F(IDR0_CD2L, 19, 19),
	F(IDR0_VATOS, 20, 20), F(IDR0_TTENDIAN, 22, 21),
	F(IDR0_ATSRECERR, 23, 23), F(IDR0_STALL_MODEL, 25, 24),
	F(IDR0_TERM_MODEL, 26, 26), F(IDR0_ST_LEVEL, 28, 27),
	F(IDR0_RME_IMPL, 30, 30),
	F(IDR1_SIDSIZE, 5, 0), F(IDR1_SSIDSIZE, 10, 6), F(IDR1_PRIQS, 15, 11),
	F(IDR1_EVENTQS, 20, 16), F(IDR1_CMDQS, 25, 21),
	F(IDR1_ATTR_PERMS_OVR, 26, 26), F(IDR1_ATTR_TYPES_OVR, 27, 27),
	F(IDR1_REL, 28, 28), F(IDR1_QUEUES_PRESET, 29, 29),
	F(IDR1_TABLES_PRESET, 30, 30), F(IDR1_ECMDQ, 31, 31),
	F(IDR3_HAD, 2, 2), F(IDR3_PBHA, 3, 3), F(IDR3_XNX, 4, 4),
	F(IDR3_PPS, 5, 5), F(IDR3_MPAM, 7, 7), F(IDR3_FWB, 8, 8),
	F(IDR3_STT, 9, 9), F(IDR3_RIL, 10, 10), F(IDR3_BBML, 12, 11),
	F(IDR3_E0PD, 13, 13), F(IDR3_PTWNNC, 14, 14), F(IDR3_DPT, 15, 15),
	F(IDR3_PASIDTT, 16, 16), F(IDR3_EPAN, 17, 17), F(IDR3_S1PI, 18, 18),
	F(IDR3_S2PI, 19, 19), F(IDR3_S2PO, 20, 20), F(IDR3_THE, 21, 21),
	F(IDR3_MTEPERM, 22, 22), F(IDR3_AIE, 23, 23),
	F(IDR5_OAS, 2, 0), F(IDR5_GRAN4K, 4, 4), F(IDR5_GRAN16K, 5, 5),
	F(IDR5_GRAN64K, 6, 6), F(IDR5_DS, 7, 7), F(IDR5_D128, 8, 8),
	F(IDR5_VAX, 11, 10), F(IDR5_STALL_MAX, 31, 16),
	F(IIDR_IMPLEMENTER, 11, 0), F(IIDR_REVISION, 15, 12),
	F(IIDR_VARIANT, 19, 16), F(IIDR_PRODUCTID, 31, 20),
	F(AIDR_MINOR, 3, 0), F(AIDR_MAJOR, 7, 4),
	F(CR0_SMMUEN, 0, 0), F(CR0_PRIQEN, 1, 1), F(CR0_EVENTQEN, 2, 2),
	F(CR0_CMDQEN, 3, 3), F(CR0_ATSCHK, 4, 4), F(CR0_VMW, 8, 6),
	F(CR1_QUEUE_IC, 1, 0), F(CR1_QUEUE_OC, 3, 2), F(CR1_QUEUE_SH, 5, 4),
	F(CR1_TABLE_IC, 7, 6), F(CR1_TABLE_OC, 9, 8), F(CR1_TABLE_SH, 11, 10),
	F(CR2_E2H, 0, 0), F(CR2_RECINVSID, 1, 1), F(CR2_PTM, 2, 2),
	F(CR2_REC_CFG_ATS, 3, 3),
	F(GBPA_MEMATTR, 3, 0), F(GBPA_MTCFG, 4, 4), F(GBPA_ALLOCCFG, 11, 8),
	F(GBPA_SHCFG, 13, 12), F(GBPA_PRIVCFG, 17, 16), F(GBPA_INSTCFG, 19, 18),
	F(GBPA_ABORT, 20, 20), F(GBPA_UPDATE, 31, 31),
	F(IRQ_CTRL_GERROR_IRQEN, 0, 0), F(IRQ_CTRL_PRIQ_IRQEN, 1, 1),
	F(IRQ_CTRL_EVENTQ_IRQEN, 2, 2),
	F(GERROR_CMDQ_ERR, 0, 0), F(GERROR_EVENTQ_ABT_ERR, 2, 2),
	F(GERROR_PRIQ_ABT_ERR, 3, 3), F(GERROR_MSI_CMDQ_ABT_ERR, 4, 4),
	F(GERROR_MSI_EVENTQ_ABT_ERR, 5, 5), F(GERROR_MSI_PRIQ_ABT_ERR, 6, 6),
	F(GERROR_MSI_GERROR_ABT_ERR, 7, 7), F(GERROR_SFM_ERR, 8, 8),
	F(IRQ_CFG0_ADDR, 55, 2), F(IRQ_CFG2_MEMATTR, 3, 0),
	F(IRQ_CFG2_SH, 5, 4), F(PRIQ_IRQ_CFG2_LO, 31, 31),
	F(STRTAB_BASE_RA, 62, 62), F(STRTAB_BASE_ADDR, 55, 6),
	F(STRTAB_BASE_CFG_LOG2SIZE, 5, 0), F(STRTAB_BASE_CFG_SPLIT, 10, 6),
	F(STRTAB_BASE_CFG_FMT, 17, 16),
	F(Q_BASE_LOG2SIZE, 4, 0), F(Q_BASE_ADDR, 55, 5),
	F(CMDQ_BASE_RA, 62, 62), F(EVENTQ_BASE_WA, 62, 62),
	F(PRIQ_BASE_WA, 62, 62),
	F(CMDQ_PROD_WR, 19, 0), F(CMDQ_CONS_RD, 19, 0), F(CMDQ_CONS_ERR, 30, 24),
	F(Q_PROD_WR, 19, 0), F(Q_PROD_OVFLG, 31, 31), F(Q_CONS_RD, 19, 0),
	F(Q_CONS_OVACKFLG, 31, 31),
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct reg *find(const char *name)
{
	for (unsigned int i = 0; i < COUNT(declared); i++) {
		if (!strcmp(declared[i].name, name))
			return &declared[i];
	}
	fail_msg("no register %s", name);
	return NULL;
}

static void registers(void **state)
{
	for (unsigned int i = 0; i < COUNT(typed); i++) {
		const struct reg *r = find(typed[i].name);

		if (r->offset != typed[i].offset || r->size != typed[i].size ||
		    r->bits != typed[i].bits)
			fail_msg("%s: %#x, %u bytes, %#llx", r->name, r->offset,
				 r->size, (unsigned long long)r->bits);
	}
	/* GERROR and GERRORN grow with the features that report in them. */
	assert_int_equal(find("GERROR")->offset, 0x60);
	assert_int_equal(find("GERRORN")->offset, 0x64);
	assert_int_equal(find("GERROR")->bits & 0x1ff, 0x1fd);
	assert_int_equal(find("GERROR")->bits, find("GERRORN")->bits);
}

static void register_fields(void **state)
{
	for (unsigned int i = 0; i < COUNT(fields); i++) {
		const struct field *f = &fields[i];
		uint64_t mask = 0;

		for (unsigned int bit = f->lo; bit <= f->hi; bit++)
			mask |= 1ull << bit;
		if (f->mask != mask)
			fail_msg("%s is not at %u:%u", f->name, f->hi, f->lo);
	}
}

static void codes(void **state)
{
	static const unsigned int bits[] = { 32, 36, 40, 42, 44, 48, 52, 56 };

	for (unsigned int i = 0; i < COUNT(bits); i++)
		assert_int_equal(smmu_oas_bits(i), bits[i]);
	assert_int_equal(SMMU_CERROR_NONE, 0);
	assert_int_equal(SMMU_CERROR_ILL, 1);
	assert_int_equal(SMMU_CERROR_ABT, 2);
	assert_int_equal(SMMU_CERROR_ATC_INV_SYNC, 3);
	assert_int_equal(SMMU_IDR0_TTF_AARCH64, 2);
	assert_int_equal(SMMU_IDR0_TTENDIAN_LE, 2);
	assert_int_equal(SMMU_IDR0_TTENDIAN_BE, 3);
	assert_int_equal(SMMU_IDR0_STALL_MODEL_TERM, 1);
	assert_int_equal(SMMU_IDR0_STALL_MODEL_FORCED, 2);
	assert_int_equal(SMMU_IDR0_HTTU_AF, 1);
	assert_int_equal(SMMU_IDR0_HTTU_AF_DIRTY, 2);
	assert_int_equal(SMMU_IDR0_HTTU_HAFT, 3);
	assert_int_equal(SMMU_SH_OUTER, 2);
	assert_int_equal(SMMU_SH_INNER, 3);
	assert_int_equal(SMMU_CR1_CACHE_WB, 1);
	assert_int_equal(SMMU_CR1_CACHE_WT, 2);
	assert_int_equal(SMMU_STRTAB_BASE_CFG_FMT_2LVL, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers),
		cmocka_unit_test(register_fields),
		cmocka_unit_test(codes),
	};

	return cmocka_run_group_tests_name("vectors-smmuv3-regs", tests, NULL,
					   NULL);
}
