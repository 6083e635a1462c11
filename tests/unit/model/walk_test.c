/* SPDX-License-Identifier: BSD-2-Clause */
/* Stage-1 walks: geometry, halves, rights, faults. */
#include "rig.h"

static void page_maps(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 0x10, 0x42);
	struct uiommu_smmuv3_xlate x;

	rig_map4k(r, table, 0x4012345000, RIG_DATA, LEAF_RW);
	rig_expect_pa(r, 0x10, 0x4012345678, RIG_DATA + 0x678);
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_WRITE, 0x4012345008, &x),
			 0);
	assert_int_equal(x.size_lg2, 12);
	assert_true(x.readable && x.writable);
	rig_expect_no_event(r);
}

static void nothing_mapped(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	rig_stream(r, 0x10, 0x42);
	assert_int_equal(rig_xlate(r, 0x10, 0, 0x1234, &x), -14);
	/* F_TRANSLATION, stage 1, CLASS IN, read, unprivileged data */
	rig_expect_event(r, 0x0000001000000010, 0x0000020800000000, 0x1234, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(page_maps, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(nothing_mapped, rig_setup,
						rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
