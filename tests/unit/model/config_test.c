/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stream tables and CD tables.  Bits are typed from the specification.
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static void aborting_streams_are_silent(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = { .q = { 1 } };
	struct uiommu_smmuv3_txn txn = { .sid = 1, .flags = UIOMMU_TXN_SSV };
	struct uiommu_smmuv3_xlate x;

	/* Config 0xx: nothing else is looked at, a SubstreamID neither */
	for (uint64_t config = 0; config < 4; config++) {
		ste.q[0] = 1 | config << 1;
		ste.q[2] = ~0ull;
		rig_ste(r, 1, &ste);
		rig_inval_all(r);
		assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), -14);
		assert_int_equal(
			uiommu_smmuv3_model_translate(r->model, &txn, &x), -14);
		rig_expect_no_event(r);
	}
	assert_int_equal(r->info.event_type, 0);
	assert_int_equal(r->faults, 8);
}

static void bypass(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = { .q = { 9, 1ull << 44, ~0ull } };
	struct uiommu_smmuv3_txn txn = { .sid = 1, .flags = UIOMMU_TXN_SSV };
	struct uiommu_smmuv3_xlate x;

	rig_ste(r, 1, &ste);
	rig_expect_pa(r, 1, 0x123456789abc, 0x123456789abc);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x1000, &x), 0);
	assert_int_equal(x.attrs.mair, 0xff);
	assert_int_equal(uiommu_smmuv3_model_translate(r->model, &txn, &x),
			 -14);
	rig_expect_event(r, 0x0000000100000008, 0, 0, 0);
	/* above the output size: F_ADDR_SIZE, always recorded */
	assert_int_equal(rig_xlate(r, 1, 0, 1ull << 48, &x), -14);
	rig_expect_event(r, 0x0000000100000011, 0x0000020800000000, 1ull << 48,
			 0);
	/* overrides: Device-GRE, privileged; a write stays data */
	ste.q[1] = 1ull << 44 | 3ull << 32 | 1ull << 36 | 3ull << 48 |
		   3ull << 50;
	rig_ste(r, 1, &ste);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), 0);
	assert_int_equal(x.attrs.mair, 0x0c);
	assert_int_equal(x.attrs.sh, 2);
	assert_true(x.attrs.priv && x.attrs.instr);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x1000, &x), 0);
	assert_false(x.attrs.instr);
}

static void two_level_stream_table(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = { .q = { 9 } };
	uint64_t l2 = rig_table(r, 0x4000);
	unsigned int i;
	static const struct {
		uint64_t span;
		bool found;
	} spans[] = { { 0, 0 },	 { 6, 0 },  { 7, 1 }, { 9, 1 },
		      { 10, 0 }, { 12, 0 }, { 31, 0 } };

	wr(r, SMMU_REG_CR0, 0xc);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_STRTAB);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 16 | 8 << 6 | 1 << 16);
	wr(r, SMMU_REG_CR0, 0xd);
	/* worked: SID 0x1234 is entry 0x34 behind the L1STD at +0x90 */
	for (i = 0; i < 8; i++)
		ram_w64(&r->ram, l2 + 0xd00 + 8 * i, ste.q[i]);
	for (i = 0; i < ARRAY_SIZE(spans); i++) {
		struct uiommu_smmuv3_xlate x;

		ram_w64(&r->ram, RIG_STRTAB + 0x90, l2 | spans[i].span);
		rig_inval_all(r);
		assert_int_equal(rig_xlate(r, 0x1234, 0, 0x1000, &x),
				 spans[i].found ? 0 : -14);
		if (!spans[i].found)
			rig_expect_event(r, 0x0000123400000002, 0, 0, 0);
	}
	/* the level-1 table in a hole */
	wr(r, SMMU_REG_CR0, 0xc);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_HOLE);
	wr(r, SMMU_REG_CR0, 0xd);
	rig_inval_all(r);
	rig_expect_fault(r, 0x1234, 0, 0, SMMU_EVT_F_STE_FETCH);
}

static void small_two_level_table_and_odd_split(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = { .q = { 9 } };
	uint64_t l2 = rig_table(r, 0x4000);

	wr(r, SMMU_REG_CR0, 0xc);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 4 | 8 << 6 | 1 << 16);
	wr(r, SMMU_REG_CR0, 0xd);
	ram_w64(&r->ram, RIG_STRTAB, l2 | 9);
	ram_w64(&r->ram, l2 + 15 * 64, ste.q[0]);
	rig_expect_pa(r, 15, 0x1000, 0x1000);
	rig_expect_fault(r, 16, 0, 0, SMMU_EVT_C_BAD_STREAMID);
	/* SPLIT 7 acts as 6: SID 64 is in the second level-1 descriptor */
	wr(r, SMMU_REG_CR0, 0xc);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 8 | 7 << 6 | 1 << 16);
	wr(r, SMMU_REG_CR0, 0xd);
	rig_inval_all(r);
	ram_w64(&r->ram, RIG_STRTAB + 8, l2 | 7);
	ram_w64(&r->ram, l2, ste.q[0]);
	rig_expect_pa(r, 64, 0x2000, 0x2000);
}

static void table_bases_are_aligned_by_the_written_size(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = { .q = { 9 } };

	/* linear, 2^8 entries: base[13:0] are taken as 0 */
	rig_ste(r, 3, &ste);
	wr(r, SMMU_REG_CR0, 0xc);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_STRTAB | 0x3fc0);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 8);
	wr(r, SMMU_REG_CR0, 0xd);
	rig_expect_pa(r, 3, 0x1000, 0x1000);
	rig_expect_fault(r, 256, 0, 0, SMMU_EVT_C_BAD_STREAMID);
	/* two-level 16, 8: base[10:0] */
	wr(r, SMMU_REG_CR0, 0xc);
	wr64(r, SMMU_REG_STRTAB_BASE, (RIG_STRTAB + 0x10000) | 0x7c0);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 16 | 8 << 6 | 1 << 16);
	wr(r, SMMU_REG_CR0, 0xd);
	rig_inval_all(r);
	ram_w64(&r->ram, RIG_STRTAB + 0x10000, RIG_STRTAB | 9);
	rig_expect_pa(r, 3, 0x1000, 0x1000);
}

static int xlate_ssid(struct rig *r, uint32_t sid, int ssid, uint64_t iova,
		      uint64_t *pa)
{
	struct uiommu_smmuv3_txn txn = { .sid = sid,
					 .ssid = (uint32_t)ssid,
					 .flags = ssid < 0 ? 0 : UIOMMU_TXN_SSV,
					 .iova = iova };
	struct uiommu_smmuv3_xlate x = { 0 };
	int rc;

	if (ssid < 0)
		txn.ssid = 0;
	rc = uiommu_smmuv3_model_translate(r->model, &txn, &x);
	*pa = x.pa;
	return rc;
}

/* Expect the page of `ssid`'s own table, or an event. */
static void expect_ssid(struct rig *r, int ssid, unsigned int type,
			uint64_t want)
{
	uint64_t pa, rec[4];
	int rc = xlate_ssid(r, 1, ssid, 0x1000, &pa);

	if (!type) {
		assert_int_equal(rc, 0);
		assert_int_equal(pa, want);
		return;
	}
	assert_int_equal(rc, -14);
	assert_true(rig_event(r, rec));
	assert_int_equal(rec[0] & 0xff, type);
}

static void substream_table(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = rig_ste_s1(RIG_CD);
	static const struct {
		unsigned int cdmax, dss;
		int ssid;
		unsigned int type;
		int cd; /* whose page; -1: untranslated */
	} rows[] = {
		{ 0, 2, 0, SMMU_EVT_C_BAD_SUBSTREAMID, 0 },
		{ 0, 0, -1, 0, 0 },
		{ 2, 0, 4, SMMU_EVT_C_BAD_SUBSTREAMID, 0 },
		{ 2, 0, 3, 0, 3 },
		{ 2, 0, 0, 0, 0 },
		{ 2, 1, 0, 0, 0 },
		{ 2, 2, 0, SMMU_EVT_F_STREAM_DISABLED, 0 },
		{ 2, 2, 1, 0, 1 },
		{ 2, 0, -1, SMMU_EVT_F_STREAM_DISABLED, 0 },
		{ 2, 3, -1, SMMU_EVT_F_STREAM_DISABLED, 0 },
		{ 2, 1, -1, 0, -1 },
		{ 2, 2, -1, 0, 0 },
	};

	for (unsigned int i = 0; i < 4; i++) {
		uint64_t table = rig_table(r, 4096);
		struct smmu_cd cd = rig_cd_4k(table, (uint16_t)(i + 1));

		rig_cd(r, RIG_CD + 64 * i, &cd);
		rig_map4k(r, table, 0x1000, RIG_DATA + 0x1000 * i, LEAF_RW);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		ste.q[0] = RIG_CD | 0xb | (uint64_t)rows[i].cdmax << 59;
		ste.q[1] = 1ull << 44 | rows[i].dss;
		rig_ste(r, 1, &ste);
		rig_inval_all(r);
		expect_ssid(r, rows[i].ssid, rows[i].type,
			    rows[i].cd < 0
				    ? 0x1000
				    : RIG_DATA + 0x1000 * (uint64_t)rows[i].cd);
	}
	/* skipping stage 1 does not make addresses larger than the IAS legal */
	ste.q[1] = 1ull << 44 | 1;
	rig_ste(r, 1, &ste);
	rig_inval_all(r);
	rig_expect_fault(r, 1, 0, 1ull << 48, SMMU_EVT_F_ADDR_SIZE);
}

static void two_level_cd_tables(void **state)
{
	struct rig *r = *state;
	uint64_t l1 = rig_table(r, 0x10000), l2 = rig_table(r, 0x10000);
	uint64_t table = rig_table(r, 4096);
	struct smmu_cd cd = rig_cd_4k(table, 9);
	static const struct {
		unsigned int fmt;
		uint64_t l1_off, cd_off;
	} rows[] = { { 2, 0x10, 0xaf00 }, { 1, 0x150, 0xf00 } };

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	for (unsigned int i = 0; i < 2; i++) {
		struct smmu_ste ste = rig_ste_s1(l1);

		ste.q[0] |= (uint64_t)rows[i].fmt << 4 | 16ull << 59;
		rig_ste(r, 1, &ste);
		ram_zero(&r->ram, l1, 0x10000);
		ram_zero(&r->ram, l2, 0x10000);
		rig_inval_all(r);
		expect_ssid(r, 0xabc, SMMU_EVT_C_BAD_SUBSTREAMID, 0);
		ram_w64(&r->ram, l1 + rows[i].l1_off, l2 | 1);
		rig_cd(r, l2 + rows[i].cd_off, &cd);
		rig_inval_all(r);
		expect_ssid(r, 0xabc, 0, RIG_DATA);
		/* the leaf above the output size, and in a hole */
		ram_w64(&r->ram, l1 + rows[i].l1_off, 1ull << 48 | 1);
		rig_inval_all(r);
		expect_ssid(r, 0xabc, SMMU_EVT_C_BAD_SUBSTREAMID, 0);
		ram_w64(&r->ram, l1 + rows[i].l1_off, RIG_HOLE | 1);
		rig_inval_all(r);
		expect_ssid(r, 0xabc, SMMU_EVT_F_CD_FETCH, 0);
		expect_ssid(r, 0x10000, SMMU_EVT_C_BAD_SUBSTREAMID, 0);
	}
}

static void substreams_without_the_feature(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("qemu-8");
	struct smmu_ste ste = rig_ste_s1(RIG_CD);
	uint64_t table, pa;
	struct smmu_cd cd;

	rig_fini(r);
	rig_init(r, &p);
	table = rig_table(r, 4096);
	cd = rig_cd_4k(table, 1);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	/* S1CDMax, S1Fmt and S1DSS are not there */
	ste.q[0] |= 31ull << 59 | 1 << 4;
	rig_ste(r, 1, &ste);
	rig_cd(r, RIG_CD, &cd);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	assert_int_equal(xlate_ssid(r, 1, 0, 0x1000, &pa), -14);
	rig_expect_event(r, 0x0000000100000008, 0, 0, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(aborting_streams_are_silent),
		T(bypass),
		T(two_level_stream_table),
		T(small_two_level_table_and_odd_split),
		T(table_bases_are_aligned_by_the_written_size),
		T(substream_table),
		T(two_level_cd_tables),
		T(substreams_without_the_feature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
