/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pure makers against words typed by hand from the specification, so that
 * a wrong mask in hw/ cannot agree with itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/smmuv3/cmd.h"
#include "driver/smmuv3/make.h"

static void assert_cmd(struct smmu_cmd cmd, uint64_t q0, uint64_t q1)
{
	assert_int_equal(cmd.q[0], q0);
	assert_int_equal(cmd.q[1], q1);
}

static void config_commands(void **state)
{
	assert_cmd(smmuv3_make_cfgi_ste(0x1234, true), 0x0000123400000003, 1);
	assert_cmd(smmuv3_make_cfgi_ste(0x1234, false), 0x0000123400000003, 0);
	assert_cmd(smmuv3_make_cfgi_cd(0x1234, 3, true), 0x0000123400003005, 1);
	assert_cmd(smmuv3_make_cfgi_cd_all(0x1234), 0x0000123400000006, 0);
	assert_cmd(smmuv3_make_cfgi_all(), 0x4, 0x1f);
	assert_cmd(smmuv3_make_cfgi_range(0x1200, 8), 0x0000120000000004, 7);
}

static void tlb_commands(void **state)
{
	struct smmuv3_tlbi_va va = {
		.addr = 0x4012345000,
		.vmid = 5,
		.asid = 0x42,
		.tg = SMMU_CMD_TG_4K,
		.ttl = 3,
		.leaf = true,
	};

	assert_cmd(smmuv3_make_tlbi_nh_va(&va), 0x0042000500000012,
		   0x0000004012345701);
	va.num = 2;
	assert_int_equal(smmuv3_make_tlbi_nh_va(&va).q[0], 0x0042000500002012);
	va.num = 8;
	va.scale = 5;
	assert_int_equal(smmuv3_make_tlbi_nh_va(&va).q[0], 0x0042000500508012);
	assert_cmd(smmuv3_make_tlbi_nh_asid(5, 0x42), 0x0042000500000011, 0);
	assert_cmd(smmuv3_make_tlbi_nh_all(5), 0x0000000500000010, 0);
	assert_cmd(smmuv3_make_tlbi_nsnh_all(), 0x30, 0);
	assert_cmd(smmuv3_make_tlbi_el2_all(), 0x20, 0);
	assert_cmd(smmuv3_make_sync(), 0x46, 0);
}

static void stream_entries(void **state)
{
	struct smmuv3_ste_s1_cfg cfg = {
		.cdtab = 0x80000000,
		.s1fmt = 2,
		.s1cdmax = 16,
		.s1dss = 2,
		.coherent = true,
		.no_stall = true,
		.eats = 1,
		.vmid = 0x1234,
	};
	struct smmu_ste ste;
	unsigned int i;

	smmuv3_make_ste_s1(&ste, &cfg);
	assert_int_equal(ste.q[0], 0x800000008000002b);
	/* SHCFG = 1 (bit 44) beside the specification's example */
	assert_int_equal(ste.q[1], 0x00001000180000d6);
	assert_int_equal(ste.q[2], 0x1234);
	for (i = 3; i < 8; i++)
		assert_int_equal(ste.q[i], 0);

	smmuv3_make_ste_bypass(&ste);
	assert_int_equal(ste.q[0], 0x9);
	assert_int_equal(ste.q[1], 0x0000100000000000);
	smmuv3_make_ste_abort(&ste);
	assert_int_equal(ste.q[0], 0x1);
	assert_int_equal(ste.q[1], 0);
}

static void stream_entries_not_coherent(void **state)
{
	struct smmuv3_ste_s1_cfg cfg = { .cdtab = 0xfffffffc0 };
	struct smmu_ste ste;

	smmuv3_make_ste_s1(&ste, &cfg);
	assert_int_equal(ste.q[0], 0x0000000fffffffcb);
	assert_int_equal(ste.q[1], 0x0000100000000000);
}

static void context_descriptors(void **state)
{
	struct smmuv3_cd_cfg cfg = {
		.pt = { .root = 0x123456789000,
			.granule_lg2 = 12,
			.ias = 39,
			.oas = 48,
			.mair = 0x00000000000004ff },
		.asid = 0x42,
		.coherent = true,
	};
	struct smmu_cd cd;

	smmuv3_make_cd_s1(&cd, &cfg);
	assert_int_equal(cd.q[0], 0x0042e205c0003519);
	assert_int_equal(cd.q[1], 0x0000123456789000);
	assert_int_equal(cd.q[2], 0);
	assert_int_equal(cd.q[3], 0x04ff);
	assert_int_equal(cd.q[4], 0);

	cfg.pt.granule_lg2 = 16;
	cfg.pt.ias = 48;
	cfg.pt.oas = 52;
	smmuv3_make_cd_s1(&cd, &cfg);
	/* T0SZ 16, TG0 = 1 at [7:6], IPS = 6 */
	assert_int_equal(cd.q[0], 0x0042e206c0003550);
	cfg.pt.granule_lg2 = 14;
	cfg.pt.oas = 40;
	cfg.coherent = false;
	smmuv3_make_cd_s1(&cd, &cfg);
	assert_int_equal(cd.q[0], 0x0042e202c0000090);
}

static void output_size_codes(void **state)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48, 52, 56 };
	unsigned int i;

	for (i = 0; i < 8; i++)
		assert_int_equal(smmuv3_oas_code(bits[i]), i);
	assert_int_equal(smmuv3_oas_code(47), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_commands),
		cmocka_unit_test(tlb_commands),
		cmocka_unit_test(stream_entries),
		cmocka_unit_test(stream_entries_not_coherent),
		cmocka_unit_test(context_descriptors),
		cmocka_unit_test(output_size_codes),
	};

	return cmocka_run_group_tests_name("driver-make", tests, NULL, NULL);
}
