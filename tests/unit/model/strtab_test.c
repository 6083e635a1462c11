/* SPDX-License-Identifier: BSD-2-Clause */
/* Corners of stream and CD tables that config_test.c's tables do not reach. */
#include "rig.h"

/* Span 0 is no span of one entry: index 0 is outside it too. */
static void span_0_has_no_entry(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = { .q = { 9 } };
	uint64_t l2 = rig_table(r, 0x4000);

	wr(r, SMMU_REG_CR0, 0xc);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 16 | 8 << 6 | 1 << 16);
	wr(r, SMMU_REG_CR0, 0xd);
	ram_w64(&r->ram, l2, ste.q[0]);
	ram_w64(&r->ram, RIG_STRTAB + 8 * 0x12, l2);
	rig_expect_fault(r, 0x1200, 0, 0x1000, SMMU_EVT_C_BAD_STREAMID);
	ram_w64(&r->ram, RIG_STRTAB + 8 * 0x12, l2 | 1);
	rig_inval_all(r);
	rig_expect_pa(r, 0x1200, 0x1000, 0x1000);
	rig_expect_fault(r, 0x1201, 0, 0x1000, SMMU_EVT_C_BAD_STREAMID);
}

/* An address above the output size is not even tried. */
static void fetches_stay_below_the_output_size(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;
	uint64_t reads, rec[4];

	wr(r, SMMU_REG_CR0, 0xc);
	wr64(r, SMMU_REG_STRTAB_BASE, 1ull << 48 | RIG_STRTAB);
	wr(r, SMMU_REG_CR0, 0xd);
	/* what is outside of memory is asked of the callback, never direct */
	reads = r->ram.reads;
	assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), -14);
	assert_int_equal(r->ram.reads, reads);
	assert_true(rig_event(r, rec));
	assert_int_equal(rec[0], 0x0000000100000003);
	wr(r, SMMU_REG_CR0, 0xc);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_HOLE);
	wr(r, SMMU_REG_CR0, 0xd);
	assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), -14);
	assert_int_equal(r->ram.reads, reads + 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(span_0_has_no_entry),
		T(fetches_stay_below_the_output_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
