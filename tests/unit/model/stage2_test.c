/* SPDX-License-Identifier: BSD-2-Clause */
/* Stage 2 alone and under stage 1: geometry, rights, attributes, faults. */
#include "rig.h"

#define S2_LEAF(pa) ((pa) | 0x4fcull)

/* Identity map at stage 2 of [first, last], 4K pages, table of two. */
static void s2_identity(struct rig *r, uint64_t table, uint64_t first,
			uint64_t last)
{
	for (uint64_t pa = first; pa <= last; pa += 4096)
		rig_map(r, table, 12, 1, 3, pa, S2_LEAF(pa) | 3);
}

/* SID 1: stage 2 only; returns the table. */
static uint64_t s2_stream(struct rig *r)
{
	uint64_t table = rig_table(r, 0x2000);
	struct smmu_ste ste = rig_ste_s2(table, 5);

	rig_ste(r, 1, &ste);
	return table;
}

struct nested {
	uint64_t s1, s2; /* tables */
	uint64_t cd;
};

static struct nested nested_stream(struct rig *r)
{
	struct nested n = { .cd = RIG_CD + 64 };
	struct smmu_ste ste;
	struct smmu_cd cd;

	n.s1 = rig_table(r, 4096);
	n.s2 = rig_table(r, 0x2000);
	ste = rig_ste_s2(n.s2, 5);
	ste.q[0] = n.cd | 0xf;
	cd = rig_cd_4k(n.s1, 7);
	rig_ste(r, 1, &ste);
	rig_cd(r, n.cd, &cd);
	s2_identity(r, n.s2, RIG_CD, RIG_CD);
	return n;
}

static void second_stage_pages(void **state)
{
	struct rig *r = *state;
	uint64_t table = s2_stream(r);
	struct uiommu_smmuv3_xlate x;

	rig_map(r, table, 12, 1, 3, 0x1000, S2_LEAF(RIG_DATA) | 3);
	/* the second of the two concatenated tables */
	rig_map(r, table, 12, 1, 2, 0x8000200000, S2_LEAF(0x200000) | 1);
	for (unsigned int i = 0; i < 2; i++) {
		rig_expect_pa(r, 1, 0x1008, RIG_DATA + 8);
		assert_int_equal(
			rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x8000234567, &x), 0);
		assert_int_equal(x.pa, 0x234567);
		assert_int_equal(x.size_lg2, 21);
	}
}

static void second_stage_records(void **state)
{
	struct rig *r = *state;
	uint64_t table = s2_stream(r);
	struct uiommu_smmuv3_xlate x;

	assert_int_equal(rig_xlate(r, 1, 0, 0x12345678, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000028800000000, 0x12345678,
			 0x12345000);
	/* outside S2T0SZ, within the IAS */
	assert_int_equal(rig_xlate(r, 1, 0, 0x10000000000, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000028800000000,
			 0x10000000000, 0x10000000000);
	assert_int_equal(r->info.level, -128);
	/* above the IAS: stage 1's size fault, recorded though S2R is off */
	assert_int_equal(rig_xlate(r, 1, 0, 1ull << 48, &x), -14);
	rig_expect_event(r, 0x0000000100000011, 0x0000020800000000, 1ull << 48,
			 0);
	/* no write, both from the tables and from the TLB */
	rig_map(r, table, 12, 1, 3, 0x1000, (S2_LEAF(RIG_DATA) & ~0x80ull) | 3);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x1234, &x),
				 -14);
		rig_expect_event(r, 0x0000000100000013, 0x0000028000000000,
				 0x1234, 0x1000);
		rig_expect_pa(r, 1, 0x1234, RIG_DATA + 0x234);
	}
	/* AF, size, abort */
	rig_map(r, table, 12, 1, 3, 0x2000,
		(S2_LEAF(RIG_DATA) & ~0x400ull) | 3);
	rig_expect_fault(r, 1, 0, 0x2000, SMMU_EVT_F_ACCESS);
	ram_w64(&r->ram, table, RIG_HOLE | 3);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, 0x200000, &x), -14);
	rig_expect_event(r, 0x000000010000000b, 0x0000028800000000, 0x200000,
			 RIG_HOLE + 8);
}

static void s2r_suppresses(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = rig_ste_s2(rig_table(r, 0x2000), 5);
	struct uiommu_smmuv3_xlate x;

	ste.q[2] &= ~(1ull << 58);
	rig_ste(r, 1, &ste);
	assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), -14);
	rig_expect_no_event(r);
	assert_int_equal(r->info.event_type, SMMU_EVT_F_TRANSLATION);
	assert_int_equal(r->info.stage, 2);
	assert_int_equal(rig_xlate(r, 1, 0, 1ull << 48, &x), -14);
	rig_expect_event(r, 0x0000000100000011, 0x0000020800000000, 1ull << 48,
			 0);
}

/* Every legal start of 8.1's table, at its ends. */
static void starts_and_concatenation(void **state)
{
	struct rig *r = *state;
	static const struct {
		unsigned int granule, tg, sl0, t0sz;
		int start;
	} rows[] = {
		{ 12, 0, 2, 16, 0 }, { 12, 0, 2, 24, 0 }, { 12, 0, 1, 25, 1 },
		{ 12, 0, 1, 33, 1 }, { 12, 0, 1, 21, 1 }, { 12, 0, 0, 34, 2 },
		{ 12, 0, 0, 42, 2 }, { 12, 0, 0, 30, 2 }, { 12, 0, 3, 43, 3 },
		{ 12, 0, 3, 48, 3 }, { 12, 0, 3, 39, 3 }, { 14, 2, 2, 17, 1 },
		{ 14, 2, 2, 27, 1 }, { 14, 2, 2, 16, 1 }, { 14, 2, 1, 28, 2 },
		{ 14, 2, 1, 24, 2 }, { 14, 2, 0, 39, 3 }, { 14, 2, 0, 35, 3 },
		{ 16, 1, 2, 16, 1 }, { 16, 1, 2, 21, 1 }, { 16, 1, 1, 22, 2 },
		{ 16, 1, 1, 18, 2 }, { 16, 1, 0, 35, 3 }, { 16, 1, 0, 47, 3 },
		{ 16, 1, 0, 31, 3 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int n = 64 - rows[i].t0sz;
		unsigned int shift =
			rows[i].granule + (unsigned int)(3 - rows[i].start) *
						  (rows[i].granule - 3);
		uint64_t bytes = 8ull << (n - shift);
		uint64_t ipa = mask_lg2(n) & ~mask_lg2(rows[i].granule);
		uint64_t table = rig_table(r, bytes < 64 ? 64 : bytes);
		struct smmu_ste ste = rig_ste_s2(table, 5);
		uint64_t page = RIG_DATA + i * 0x10000ull;

		ste.q[2] &= ~(0xffffull << 32);
		ste.q[2] |= (uint64_t)rows[i].t0sz << 32 |
			    (uint64_t)rows[i].sl0 << 38 |
			    (uint64_t)rows[i].tg << 46;
		rig_ste(r, 1, &ste);
		rig_inval_all(r);
		rig_map(r, table, rows[i].granule, rows[i].start, 3, ipa,
			S2_LEAF(page) | 3);
		rig_expect_pa(r, 1, ipa + 0x123, page + 0x123);
		if (n < 48)
			rig_expect_fault(r, 1, 0, 1ull << n,
					 SMMU_EVT_F_TRANSLATION);
	}
}

static void execute_rights(void **state)
{
	struct rig *r = *state;
	uint64_t table = s2_stream(r);
	/* XN[54:53]: who may execute, unprivileged bit 0, privileged bit 1 */
	static const unsigned int who[4] = { 3, 1, 0, 2 };

	for (uint64_t xn = 0; xn < 4; xn++) {
		uint64_t iova = 0x10000 + (xn << 12);

		rig_map(r, table, 12, 1, 3, iova,
			S2_LEAF(RIG_DATA) | xn << 53 | 3);
		for (unsigned int priv = 0; priv < 2; priv++) {
			struct uiommu_smmuv3_xlate x;
			uint32_t flags = UIOMMU_TXN_INSTR |
					 (priv ? UIOMMU_TXN_PRIV : 0);
			int rc = rig_xlate(r, 1, flags, iova, &x);

			assert_int_equal(rc, who[xn] >> priv & 1 ? 0 : -14);
		}
	}
}

static void nested_pages(void **state)
{
	struct rig *r = *state;
	struct nested n = nested_stream(r);
	struct uiommu_smmuv3_xlate x;

	rig_map4k(r, n.s1, 0x5000, 0x12345000, LEAF_RW);
	s2_identity(r, n.s2, RIG_TABLES, r->next_table + 0x8000);
	rig_map(r, n.s2, 12, 1, 3, 0x12345000, S2_LEAF(RIG_DATA) | 3);
	for (unsigned int i = 0; i < 2; i++)
		rig_expect_pa(r, 1, 0x5678, RIG_DATA + 0x678);
	/* a stage-1 block over stage-2 pages: the smaller counts */
	rig_map(r, n.s1, 12, 0, 2, 0x200000, 0x12200000 | LEAF_RW);
	rig_map(r, n.s2, 12, 1, 3, 0x12201000, S2_LEAF(RIG_DATA + 0x9000) | 3);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, 0x201008, &x), 0);
	assert_int_equal(x.pa, RIG_DATA + 0x9008);
	assert_int_equal(x.size_lg2, 12);
	rig_expect_fault(r, 1, 0, 0x202000, SMMU_EVT_F_TRANSLATION);
	assert_int_equal(r->info.stage, 2);
}

static void nested_records(void **state)
{
	struct rig *r = *state;
	struct nested n = nested_stream(r);
	struct uiommu_smmuv3_xlate x;
	uint64_t l1;

	/* stage-1 table not mapped at stage 2: CLASS TT, IPA of descriptor */
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000018000000000, 0x5678,
			 n.s1);
	rig_map4k(r, n.s1, 0x5000, 0x12345000, LEAF_RW);
	s2_identity(r, n.s2, n.s1, n.s1);
	l1 = ram_r64(&r->ram, n.s1) & ~3ull;
	/* table readable by nobody: F_PERMISSION, TTRnW */
	rig_map(r, n.s2, 12, 1, 3, l1, (S2_LEAF(l1) & ~0xc0ull) | 3);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000118800000000, 0x5678, l1);
	rig_inval_all(r);
	s2_identity(r, n.s2, RIG_TABLES, r->next_table + 0x8000);
	/* the final IPA */
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000028800000000, 0x5678,
			 0x12345000);
	/* stage 2 read-only: IPA also from the TLB */
	rig_map(r, n.s2, 12, 1, 3, 0x12345000,
		(S2_LEAF(RIG_DATA) & ~0x80ull) | 3);
	rig_expect_pa(r, 1, 0x5678, RIG_DATA + 0x678);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x5678, &x),
				 -14);
		rig_expect_event(r, 0x0000000100000013, 0x0000028000000000,
				 0x5678, 0x12345000);
	}
	/* stage 1 comes first */
	rig_map4k(r, n.s1, 0x6000, 0x77777000, LEAF_RO);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x6000, &x), -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000020000000000, 0x6000, 0);
}

static void nested_cd_fetch(void **state)
{
	struct rig *r = *state;
	struct nested n = nested_stream(r);
	struct uiommu_smmuv3_xlate x;

	rig_map(r, n.s2, 12, 1, 3, RIG_CD, 0);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000008800000000, 0x5678,
			 RIG_CD);
	/* not cached: mapping it is enough */
	rig_map(r, n.s2, 12, 1, 3, RIG_CD, S2_LEAF(RIG_HOLE) | 3);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000009, 0, 0, RIG_HOLE + 64);
}

static void protected_table_walk(void **state)
{
	struct rig *r = *state;
	struct nested n = nested_stream(r);
	struct smmu_ste ste = rig_ste_s2(n.s2, 5);
	struct uiommu_smmuv3_xlate x;

	ste.q[0] = n.cd | 0xf;
	ste.q[2] |= 1ull << 54; /* S2PTW */
	rig_ste(r, 1, &ste);
	/* the CD in Device memory */
	rig_map(r, n.s2, 12, 1, 3, RIG_CD, (S2_LEAF(RIG_CD) & ~0x3cull) | 3);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000008800000000, 0x5678,
			 RIG_CD);
	/* the table in Device memory */
	rig_map(r, n.s2, 12, 1, 3, RIG_CD, S2_LEAF(RIG_CD) | 3);
	rig_map(r, n.s2, 12, 1, 3, n.s1, (S2_LEAF(n.s1) & ~0x3cull) | 3);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000118800000000, 0x5678,
			 n.s1);
	/* without S2PTW it is read all the same */
	ste.q[2] &= ~(1ull << 54);
	rig_ste(r, 1, &ste);
	rig_inval_all(r);
	rig_expect_fault(r, 1, 0, 0x5678, SMMU_EVT_F_TRANSLATION);
	assert_int_equal(r->info.stage, 1);
}

static void skipped_stage1_uses_stage2(void **state)
{
	struct rig *r = *state;
	struct nested n = nested_stream(r);
	struct smmu_ste ste = rig_ste_s2(n.s2, 5);

	ste.q[0] = n.cd | 0xf | 4ull << 59;
	ste.q[1] |= 1; /* S1DSS: bypass */
	rig_ste(r, 1, &ste);
	rig_map(r, n.s2, 12, 1, 3, 0x5000, S2_LEAF(RIG_DATA) | 3);
	rig_expect_pa(r, 1, 0x5678, RIG_DATA + 0x678);
	rig_expect_fault(r, 1, 0, 1ull << 48, SMMU_EVT_F_ADDR_SIZE);
}

/* A 64K table of stage 1 lies in sixteen pages that stage 2 scatters. */
static void scattered_stage1_tables(void **state)
{
	struct rig *r = *state;
	struct nested n = nested_stream(r);
	struct smmu_cd cd = rig_cd_4k(n.s1, 7);
	const uint64_t ipa[2] = { 0x10000000, 0x10010000 };

	/* 64K, T0SZ 34: start at level 2; one level-3 table behind it */
	cd.q[0] = (cd.q[0] & ~0xffull) | 34 | 1 << 6;
	cd.q[1] = ipa[0];
	rig_cd(r, n.cd, &cd);
	rig_inval_all(r);
	for (uint64_t i = 0; i < 32; i++) {
		/* in reverse order */
		uint64_t pa = RIG_DATA + (31 - i) * 0x1000;

		rig_map(r, n.s2, 12, 1, 3, ipa[0] + (i << 12), S2_LEAF(pa) | 3);
		if (i == 0)
			ram_w64(&r->ram, pa, ipa[1] | 3);
		for (uint64_t d = 0; i >= 16 && d < 512; d++)
			ram_w64(&r->ram, pa + 8 * d,
				(((i - 16) * 512 + d) << 16) | LEAF_RW | 3);
	}
	for (uint64_t page = 0; page < 8192; page += 257) {
		uint64_t iova = page << 16;

		/* the output is the input, as far as stage 2 goes */
		rig_map(r, n.s2, 12, 1, 3, iova + 0x3000,
			S2_LEAF(RIG_DATA + 0x100000) | 3);
		rig_expect_pa(r, 1, iova + 0x3123, RIG_DATA + 0x100123);
	}
}

/* Stage-1 type, stage-2 MemAttr, FWB: the result. */
static void combined_attributes(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint8_t s1;
		unsigned int s2;
		bool fwb;
		uint8_t mair;
	} rows[] = {
		{ 0xff, 0xf, false, 0xff }, { 0xff, 0x5, false, 0x44 },
		{ 0xff, 0x1, false, 0x04 }, { 0x44, 0xf, false, 0x44 },
		{ 0x0c, 0x1, false, 0x04 }, { 0x04, 0x3, false, 0x04 },
		{ 0xff, 0xa, false, 0xbb }, { 0x04, 0xf, false, 0x04 },
		{ 0x44, 0x6, true, 0xff },  { 0x04, 0x6, true, 0xff },
		{ 0xff, 0x5, true, 0x44 },  { 0x04, 0x5, true, 0x04 },
		{ 0xbb, 0x7, true, 0xbb },  { 0xff, 0x1, true, 0x04 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nested n = nested_stream(r);
		struct smmu_ste ste = rig_ste_s2(n.s2, 5);
		struct smmu_cd cd = rig_cd_4k(n.s1, 7);
		struct uiommu_smmuv3_xlate x;

		ste.q[0] = n.cd | 0xf;
		ste.q[1] |= rows[i].fwb ? 1ull << 25 : 0;
		rig_ste(r, 1, &ste);
		cd.q[3] = rows[i].s1;
		rig_cd(r, n.cd, &cd);
		rig_inval_all(r);
		rig_map4k(r, n.s1, 0x5000, 0x12345000, LEAF_RW);
		for (uint64_t pa = n.s1; pa < r->next_table + 0x8000;
		     pa += 4096)
			rig_map(r, n.s2, 12, 1, 3, pa,
				pa | 0x4c3 |
					(rows[i].fwb ? 6ull : 0xfull) << 2);
		rig_map(r, n.s2, 12, 1, 3, RIG_CD,
			RIG_CD | 0x4c3 | (rows[i].fwb ? 6ull : 0xfull) << 2);
		rig_map(r, n.s2, 12, 1, 3, 0x12345000,
			RIG_DATA | 0x4c3 | (uint64_t)rows[i].s2 << 2);
		for (unsigned int twice = 0; twice < 2; twice++) {
			assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), 0);
			if (x.attrs.mair != rows[i].mair)
				fail_msg("row %u: %#x", i, x.attrs.mair);
		}
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(second_stage_pages),	    T(second_stage_records),
		T(s2r_suppresses),	    T(starts_and_concatenation),
		T(execute_rights),	    T(nested_pages),
		T(nested_records),	    T(nested_cd_fetch),
		T(protected_table_walk),    T(skipped_stage1_uses_stage2),
		T(scattered_stage1_tables), T(combined_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
