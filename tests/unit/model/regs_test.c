/* SPDX-License-Identifier: BSD-2-Clause */
/* The register window: sizes, reset, guards, handshakes, GBPA, GERROR. */
#include "rig.h"

static int setup_off(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_plain();
	struct rig *r = test_malloc(sizeof(*r));

	rig_init_off(r, &p);
	*state = r;
	return 0;
}

static int teardown_off(void **state)
{
	rig_fini(*state);
	test_free(*state);
	return 0;
}

static void reset_values(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rd(r, SMMU_REG_CR0), 0);
	assert_int_equal(rd(r, SMMU_REG_CR0ACK), 0);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
	assert_int_equal(rd(r, SMMU_REG_GERRORN), 0);
	assert_int_equal(rd(r, SMMU_REG_IRQ_CTRL), 0);
	assert_int_equal(rd(r, SMMU_REG_AIDR), 3);
	/* written by hand: S1P S2P AArch64 COHACC Hyp ASID16 MSI SEV VMID16
	 * CD2L, little-endian, no stalls, aborts only, two levels
	 */
	assert_int_equal(rd(r, SMMU_REG_IDR0), 0x0d4c721b);
	assert_int_equal(rd(r, SMMU_REG_IDR1), 0x0e730510);
	assert_int_equal(rd(r, SMMU_REG_IDR3), 0x00027714);
	assert_int_equal(rd(r, SMMU_REG_IDR5), 0x00000075);
	assert_int_equal(rd(r, 0xff0), 0x0d);
	assert_int_equal(rd(r, 0xffc), 0xb1);
}

static void ids_are_read_only(void **state)
{
	struct rig *r = *state;
	uint32_t was = rd(r, SMMU_REG_IDR0);

	wr(r, SMMU_REG_IDR0, ~was);
	wr(r, SMMU_REG_CR0ACK, 1);
	wr(r, SMMU_REG_GERROR, 1);
	assert_int_equal(rd(r, SMMU_REG_IDR0), was);
	assert_int_equal(rd(r, SMMU_REG_CR0ACK), 0);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
}

/* Every register by the list: halves, wrong sizes, reserved bits. */
static void access_rules_of_all_registers(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint32_t off;
		unsigned int size;
		uint64_t bits;
	} plain[] = {
		{ SMMU_REG_CR1, 4, 0xfff },
		{ SMMU_REG_CR2, 4, 0x3 },
		{ SMMU_REG_STRTAB_BASE, 8, 0x40ffffffffffffc0 },
		{ SMMU_REG_STRTAB_BASE_CFG, 4, 0x307ff },
		{ SMMU_REG_CMDQ_BASE, 8, 0x40ffffffffffffff },
		{ SMMU_REG_EVENTQ_BASE, 8, 0x40ffffffffffffff },
		/* with queues of one entry, index and wrap are one bit */
		{ SMMU_REG_EVENTQ_PROD, 4, 0x80000001 },
		{ SMMU_REG_EVENTQ_CONS, 4, 0x800fffff },
		{ SMMU_REG_CMDQ_PROD, 4, 0xfffff },
		{ SMMU_REG_GERROR_IRQ_CFG0, 8, 0x00fffffffffffffc },
		{ SMMU_REG_GERROR_IRQ_CFG1, 4, 0xffffffff },
		{ SMMU_REG_GERROR_IRQ_CFG2, 4, 0x3f },
		{ SMMU_REG_EVENTQ_IRQ_CFG0, 8, 0x00fffffffffffffc },
		{ SMMU_REG_EVENTQ_IRQ_CFG1, 4, 0xffffffff },
		{ SMMU_REG_EVENTQ_IRQ_CFG2, 4, 0x3f },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(plain); i++) {
		uint32_t off = plain[i].off;
		uint64_t bits = plain[i].bits;

		if (plain[i].size == 4) {
			wr(r, off, 0xffffffff);
			assert_int_equal(rd(r, off), bits);
			/* 64 bits over two 32-bit registers: nothing */
			if (off % 8 == 0) {
				wr64(r, off, 0);
				assert_int_equal(rd64(r, off), 0);
				assert_int_equal(rd(r, off), bits);
			}
			wr(r, off, 0);
			continue;
		}
		wr64(r, off, ~0ull);
		assert_int_equal(rd64(r, off), bits);
		assert_int_equal(rd(r, off), (uint32_t)bits);
		assert_int_equal(rd(r, off + 4), bits >> 32);
		wr(r, off + 4, 0x00345678);
		assert_int_equal(rd64(r, off),
				 (0x0034567800000000 | (uint32_t)bits) &
					 (bits | 0xffffffff));
		wr(r, off, 0);
		assert_int_equal(rd(r, off), 0);
		assert_int_equal(rd(r, off + 4), 0x00345678 & (bits >> 32));
	}
}

static void undefined_offsets_and_sizes(void **state)
{
	struct rig *r = *state;
	static const uint32_t holes[] = { 0x38,	   0x3c,      0xe0,    0x100,
					  0x180,   0x190,     0x4000,  0x4008,
					  0x8000,  0x10038,   0x100e0, 0x1fffc,
					  0x20000, 0xfffffffc };

	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		wr(r, holes[i], 0xffffffff);
		assert_int_equal(rd(r, holes[i]), 0);
	}
	wr(r, SMMU_REG_CR1, 0xabc);
	assert_int_equal(uiommu_smmuv3_model_read(r->model, 0x28, 2), 0);
	assert_int_equal(uiommu_smmuv3_model_read(r->model, 0x2a, 4), 0);
	uiommu_smmuv3_model_write(r->model, 0x28, 1, 0);
	uiommu_smmuv3_model_write(r->model, 0x29, 4, 0);
	assert_int_equal(rd(r, SMMU_REG_CR1), 0xabc);
	/* PRI is absent: its registers are RES0 */
	wr64(r, SMMU_REG_PRIQ_BASE, ~0ull);
	wr(r, SMMU_REG_PRIQ_CONS, 1);
	assert_int_equal(rd64(r, SMMU_REG_PRIQ_BASE), 0);
	assert_int_equal(rd(r, SMMU_REG_PRIQ_CONS), 0);
}

/* Left open by the architecture: each page shows all registers of both. */
static void pages_are_aliases(void **state)
{
	struct rig *r = *state;

	wr(r, 0xa8, 1);
	wr(r, 0xac, 0x54321);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_CONS), 0x54321);
	wr(r, SMMU_REG_EVENTQ_CONS, 7);
	assert_int_equal(rd(r, 0xac), 7);
	wr64(r, 0x10080, 0x1234567000);
	assert_int_equal(rd64(r, SMMU_REG_STRTAB_BASE), 0x1234567000);
	assert_int_equal(rd(r, 0x10084), 0x12);
	wr(r, 0x10020, SMMU_CR0_EVENTQEN);
	assert_int_equal(rd(r, SMMU_REG_CR0ACK), SMMU_CR0_EVENTQEN);
}

static void cr0_handshake(void **state)
{
	struct rig *r = *state;

	/* VMW, ATSCHK and PRIQEN belong to features that are absent */
	wr(r, SMMU_REG_CR0, 0xffffffff);
	assert_int_equal(rd(r, SMMU_REG_CR0), 0xd);
	assert_int_equal(rd(r, SMMU_REG_CR0ACK), 0xd);
	wr(r, SMMU_REG_CR0, 0);
	assert_int_equal(rd(r, SMMU_REG_CR0ACK), 0);
	wr(r, SMMU_REG_IRQ_CTRL, 7);
	assert_int_equal(rd(r, SMMU_REG_IRQ_CTRL), 5);
	assert_int_equal(rd(r, SMMU_REG_IRQ_CTRLACK), 5);
}

static void guards(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint32_t off;
		unsigned int size;
		uint32_t ctrl, enable;
		uint64_t val;
	} rows[] = {
		{ SMMU_REG_STRTAB_BASE, 8, SMMU_REG_CR0, 1, 0x1000 },
		{ SMMU_REG_STRTAB_BASE_CFG, 4, SMMU_REG_CR0, 1, 5 },
		{ SMMU_REG_CR2, 4, SMMU_REG_CR0, 1, 2 },
		{ SMMU_REG_CMDQ_BASE, 8, SMMU_REG_CR0, 8, 0x2001 },
		{ SMMU_REG_CMDQ_CONS, 4, SMMU_REG_CR0, 8, 0 },
		{ SMMU_REG_EVENTQ_BASE, 8, SMMU_REG_CR0, 4, 0x3001 },
		{ SMMU_REG_EVENTQ_PROD, 4, SMMU_REG_CR0, 4, 1 },
		{ SMMU_REG_EVENTQ_IRQ_CFG0, 8, SMMU_REG_IRQ_CTRL, 4, 0x44 },
		{ SMMU_REG_EVENTQ_IRQ_CFG1, 4, SMMU_REG_IRQ_CTRL, 4, 0x45 },
		{ SMMU_REG_EVENTQ_IRQ_CFG2, 4, SMMU_REG_IRQ_CTRL, 4, 0x6 },
		{ SMMU_REG_GERROR_IRQ_CFG0, 8, SMMU_REG_IRQ_CTRL, 1, 0x48 },
		{ SMMU_REG_GERROR_IRQ_CFG1, 4, SMMU_REG_IRQ_CTRL, 1, 0x49 },
		{ SMMU_REG_GERROR_IRQ_CFG2, 4, SMMU_REG_IRQ_CTRL, 1, 0xa },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t off = rows[i].off;
		unsigned int size = rows[i].size;

		uiommu_smmuv3_model_write(r->model, off, size, rows[i].val);
		wr(r, rows[i].ctrl, rows[i].enable);
		uiommu_smmuv3_model_write(r->model, off, size,
					  rows[i].val ^ 0x80);
		assert_int_equal(uiommu_smmuv3_model_read(r->model, off, size),
				 rows[i].val);
		wr(r, rows[i].ctrl, 0);
		uiommu_smmuv3_model_write(r->model, off, size, 0);
		assert_int_equal(uiommu_smmuv3_model_read(r->model, off, size),
				 0);
	}
}

static void cr1_is_guarded_in_two_parts(void **state)
{
	struct rig *r = *state;

	wr(r, SMMU_REG_CR0, 1);
	wr(r, SMMU_REG_CR1, 0xfff);
	assert_int_equal(rd(r, SMMU_REG_CR1), 0x03f);
	wr(r, SMMU_REG_CR0, 4);
	wr(r, SMMU_REG_CR1, 0xfc0);
	assert_int_equal(rd(r, SMMU_REG_CR1), 0xfff);
	wr(r, SMMU_REG_CR0, 0);
	wr(r, SMMU_REG_CR1, 0);
	assert_int_equal(rd(r, SMMU_REG_CR1), 0);
}

/* Before SMMUv3.2 a guarded write is taken, but CR2 becomes read-only. */
static void guards_by_version(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");

	for (uint32_t minor = 1; minor < 4; minor++) {
		rig_fini(r);
		p.aidr = minor;
		rig_init_off(r, &p);
		assert_int_equal(rd(r, SMMU_REG_AIDR), minor);
		wr(r, SMMU_REG_CR0, 0xd);
		wr64(r, SMMU_REG_STRTAB_BASE, 0x1000);
		wr(r, SMMU_REG_CR1, 0xfff);
		wr(r, SMMU_REG_CMDQ_CONS, 0);
		wr(r, SMMU_REG_CR2, SMMU_CR2_RECINVSID);
		assert_int_equal(rd64(r, SMMU_REG_STRTAB_BASE),
				 minor < 2 ? 0x1000 : 0);
		assert_int_equal(rd(r, SMMU_REG_CR1), minor < 2 ? 0xfff : 0);
		assert_int_equal(rd(r, SMMU_REG_CR2), 0);
	}
}

/* What CR2 says counts from the next time the SMMU is turned on. */
static void cr2_is_taken_when_turned_on(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	wr(r, SMMU_REG_CR0, SMMU_CR0_SMMUEN);
	assert_int_equal(rig_xlate(r, 7, 0, 0, &x), -14);
	assert_int_equal(r->info.event_type, SMMU_EVT_C_BAD_STREAMID);
	assert_false(r->info.recorded);
	wr(r, SMMU_REG_CR0, SMMU_CR0_EVENTQEN);
	wr64(r, SMMU_REG_EVENTQ_BASE, 0);
	wr(r, SMMU_REG_CR2, 0xffffffff);
	assert_int_equal(rd(r, SMMU_REG_CR2) & 3, 3);
	wr(r, SMMU_REG_CR0, 0);
	wr64(r, SMMU_REG_EVENTQ_BASE, RIG_EVTQ | RIG_EVTQ_LG2);
	wr(r, SMMU_REG_CR0, SMMU_CR0_EVENTQEN | SMMU_CR0_SMMUEN);
	rig_expect_fault(r, 7, 0, 0, SMMU_EVT_C_BAD_STREAMID);
}

/* What the SMMU owns has no bits above the wrap of the queue's size. */
static void indices_have_the_bits_of_their_queue(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint32_t base, index, rest;
	} rows[] = {
		{ SMMU_REG_CMDQ_BASE, SMMU_REG_CMDQ_CONS, 0x7f000000 },
		{ SMMU_REG_EVENTQ_BASE, SMMU_REG_EVENTQ_PROD, 0x80000000 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		wr64(r, rows[i].base, 19);
		wr(r, rows[i].index, 0xffffffff);
		assert_int_equal(rd(r, rows[i].index), 0xfffff | rows[i].rest);
		wr64(r, rows[i].base, 4);
		assert_int_equal(rd(r, rows[i].index), 0x1f | rows[i].rest);
		/* the size is capped before it is used */
		wr64(r, rows[i].base, 31);
		assert_int_equal(rd(r, rows[i].index), 0xfffff | rows[i].rest);
	}
}

static void identification(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	/* part 0x483, designer 4,3b (Arm), variant 2, revision 1 */
	static const uint8_t want[12] = { 0x04, 0,    0,    0,	  0x83, 0xb4,
					  0x2b, 0x10, 0x0d, 0xf0, 0x05, 0xb1 };

	rig_fini(r);
	p.iidr = 0x4832143b;
	rig_init_off(r, &p);
	assert_int_equal(rd(r, SMMU_REG_IIDR), 0x4832143b);
	for (uint32_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(rd(r, 0xfd0 + 4 * i), want[i]);
		wr(r, 0xfd0 + 4 * i, 0xff);
		assert_int_equal(rd(r, 0xfd0 + 4 * i), want[i]);
	}
	assert_int_equal(rd64(r, 0xff0), 0);
	assert_int_equal(rd(r, 0xfcc), 0);
	assert_int_equal(uiommu_smmuv3_model_mmio_size(r->model), 0x20000);
	/* no hints, no attributes of our own */
	wr(r, SMMU_REG_AGBPA, 0xffffffff);
	assert_int_equal(rd(r, SMMU_REG_AGBPA), 0);
	assert_int_equal(rd(r, SMMU_REG_STATUSR), 0);
}

/* Acknowledgements of errors that cannot be read 0. */
static void fields_follow_the_features(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile_plain();

	p.idr[0] &= ~(SMMU_IDR0_MSI | SMMU_IDR0_PRI);
	p.idr[0] |= SMMU_IDR0_VMW;
	rig_fini(r);
	rig_init_off(r, &p);
	wr(r, SMMU_REG_GERRORN, 0xffffffff);
	assert_int_equal(rd(r, SMMU_REG_GERRORN), 0x105);
	wr64(r, SMMU_REG_EVENTQ_IRQ_CFG0, ~0ull);
	wr(r, SMMU_REG_EVENTQ_IRQ_CFG1, ~0u);
	wr(r, SMMU_REG_EVENTQ_IRQ_CFG2, ~0u);
	assert_int_equal(rd64(r, SMMU_REG_EVENTQ_IRQ_CFG0), 0);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_IRQ_CFG1), 0);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_IRQ_CFG2), 0);
	/* VMW is there, reserved values are kept and act as 0 */
	wr(r, SMMU_REG_CR0, SMMU_CR0_VMW);
	assert_int_equal(rd(r, SMMU_REG_CR0), SMMU_CR0_VMW);
	assert_int_equal(rd(r, SMMU_REG_CR0ACK), SMMU_CR0_VMW);
}

static void gbpa(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	/* SHCFG: as it comes in */
	wr(r, SMMU_REG_GBPA, 0x00100000);
	assert_int_equal(rd(r, SMMU_REG_GBPA), 0x1000);
	assert_int_equal(rig_xlate(r, 1, 0, 0x123456, &x), 0);
	assert_int_equal(x.pa, 0x123456);
	assert_int_equal(x.attrs.mair, 0xff);
	/* Update, MTCFG, MemAttr Device-nGnRE, PRIVCFG privileged */
	wr(r, SMMU_REG_GBPA, 0x80030011);
	assert_int_equal(rd(r, SMMU_REG_GBPA), 0x00030011);
	assert_int_equal(rig_xlate(r, 1, 0, 0x123456, &x), 0);
	assert_int_equal(x.attrs.mair, 0x04);
	assert_int_equal(x.attrs.sh, 2);
	assert_true(x.attrs.priv);
	/* above the output size: silently */
	assert_int_equal(rig_xlate(r, 1, 0, 1ull << 48, &x), -14);
	assert_int_equal(r->info.event_type, 0);
	wr(r, SMMU_REG_GBPA, 0x80100000);
	assert_int_equal(rig_xlate(r, 1, 0, 0x123456, &x), -14);
	assert_int_equal(r->faults, 2);
	assert_false(r->info.recorded);
}

static void reset_forgets(void **state)
{
	struct rig *r = *state;

	wr64(r, SMMU_REG_STRTAB_BASE, 0x1000);
	wr(r, SMMU_REG_GBPA, 0x80100000);
	wr(r, SMMU_REG_CR0, 1);
	uiommu_smmuv3_model_reset(r->model);
	assert_int_equal(rd64(r, SMMU_REG_STRTAB_BASE), 0);
	assert_int_equal(rd(r, SMMU_REG_CR0), 0);
	assert_int_equal(rd(r, SMMU_REG_GBPA), 0x1000);
	assert_int_equal(rd(r, SMMU_REG_IDR0), 0x0d4c721b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_off, teardown_off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reset_values),
		T(ids_are_read_only),
		T(access_rules_of_all_registers),
		T(undefined_offsets_and_sizes),
		T(pages_are_aliases),
		T(cr0_handshake),
		T(guards),
		T(cr1_is_guarded_in_two_parts),
		T(guards_by_version),
		T(cr2_is_taken_when_turned_on),
		T(indices_have_the_bits_of_their_queue),
		T(identification),
		T(fields_follow_the_features),
		T(gbpa),
		T(reset_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
