/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous groups, and tables for addresses of more than 48 bits.
 */
#include "rig.h"

#define CONT (1ull << 52)
#define S2_LEAF 0x4fcull

/* SID 1 with a CD for one granule; T0SZ and TG0 in `geometry`. */
static void stream(struct rig *r, uint64_t table, uint64_t geometry, bool ds)
{
	struct smmu_ste ste = rig_ste_s1(RIG_CD);
	struct smmu_cd cd = rig_cd_4k(table, 7);

	cd.q[0] = (cd.q[0] & ~(0xffull | 7ull << 32 | 3ull << 12)) | geometry |
		  6ull << 32 | 3ull << 12; /* IPS 52 bits, SH0 inner */
	cd.q[2] |= ds ? 1ull << 58 : 0;
	rig_ste(r, 1, &ste);
	rig_cd(r, RIG_CD, &cd);
	rig_inval_all(r);
}

static unsigned int size_of(struct rig *r, uint64_t iova, uint64_t pa)
{
	struct uiommu_smmuv3_xlate x;

	assert_int_equal(rig_xlate(r, 1, 0, iova, &x), 0);
	assert_int_equal(x.pa, pa);
	return x.size_lg2;
}

/* ---------------------------------------------------- contiguous groups -- */

static const struct group {
	unsigned int granule, tg0;
	uint64_t t0sz;
	int start, level;
	unsigned int lg2, group_lg2; /* of a page or block, of the group */
} groups[] = {
	{ 12, 0, 16, 0, 3, 12, 16 }, { 12, 0, 16, 0, 2, 21, 25 },
	{ 12, 0, 16, 0, 1, 30, 34 }, { 14, 2, 16, 0, 3, 14, 21 },
	{ 14, 2, 16, 0, 2, 25, 30 }, { 16, 1, 16, 1, 3, 16, 21 },
	{ 16, 1, 16, 1, 2, 29, 34 },
};

static void groups_are_kept_whole(void **state)
{
	struct rig *r = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(groups); i++) {
		const struct group *g = &groups[i];
		uint64_t table = rig_table(r, 0x10000);
		uint64_t oa = 0xa00000000000, iova = 0x500000000000;
		uint64_t leaf = LEAF_RW | CONT | (g->level == 3 ? 3 : 0);
		uint64_t misses, n = 5ull << g->lg2;

		stream(r, table, g->t0sz | (uint64_t)g->tg0 << 6, false);
		for (uint64_t k = 0; k < 1ull << (g->group_lg2 - g->lg2); k++)
			rig_map(r, table, g->granule, g->start, g->level,
				iova + (k << g->lg2),
				(oa + (k << g->lg2)) | leaf);
		assert_int_equal(size_of(r, iova + n + 0x123, oa + n + 0x123),
				 g->group_lg2);
		/* the others hit, at their own address */
		misses = rig_stats(r).tlb_misses;
		n = (1ull << g->group_lg2) - 0x10;
		assert_int_equal(size_of(r, iova, oa), g->group_lg2);
		assert_int_equal(size_of(r, iova + n, oa + n), g->group_lg2);
		assert_int_equal(rig_stats(r).tlb_misses, misses);
		/* and die by an invalidation of any of them: TLBI_NH_VA */
		rig_cmd(r, 0x12 | 7ull << 48, iova + (3ull << g->lg2));
		rig_sync(r);
		size_of(r, iova, oa);
		assert_int_equal(rig_stats(r).tlb_misses, misses + 1);
	}
}

/* Hints that are not taken: the page alone is kept. */
static void groups_that_are_none(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_table(r, 0x10000);
	uint64_t leaf = LEAF_RW | CONT | 3;

	/* output not in step with the input */
	stream(r, table, 16, false);
	rig_map(r, table, 12, 0, 3, 0x11000, (RIG_DATA + 0x2000) | leaf);
	assert_int_equal(size_of(r, 0x11234, RIG_DATA + 0x2234), 12);
	rig_map(r, table, 12, 0, 3, 0x12000, (RIG_DATA + 0x2000) | leaf);
	assert_int_equal(size_of(r, 0x12234, RIG_DATA + 0x2234), 16);
	/* the first table is shorter than the group: T0SZ 49 - 1 */
	table = rig_table(r, 0x10000);
	stream(r, table, 40, false); /* level 2, 8 blocks */
	rig_map(r, table, 12, 2, 2, 0x200000, 0x80200000 | LEAF_RW | CONT);
	assert_int_equal(size_of(r, 0x212345, 0x80212345), 21);
	/* just long enough: 16 blocks */
	stream(r, table, 39, false);
	assert_int_equal(size_of(r, 0x212345, 0x80212345), 25);
}

static void blocks_that_have_no_groups(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	uint64_t table;

	rig_fini(r);
	p.idr[5] = (p.idr[5] & ~SMMU_IDR5_OAS) | SMMU_IDR5_OAS_52 |
		   SMMU_IDR5_DS | SMMU_IDR5_VAX_52 << 10;
	rig_init(r, &p);
	/* 4K level 0, 16K level 1, 64K level 1 */
	table = rig_table(r, 0x10000);
	stream(r, table, 16, true);
	rig_map(r, table, 12, 0, 0, 0, (LEAF_RW & ~0x300ull) | CONT);
	assert_int_equal(size_of(r, 0x1234, 0x1234), 39);
	table = rig_table(r, 0x10000);
	stream(r, table, 17 | 2 << 6, true);
	rig_map(r, table, 14, 1, 1, 0, (LEAF_RW & ~0x300ull) | CONT);
	assert_int_equal(size_of(r, 0x1234, 0x1234), 36);
	table = rig_table(r, 0x10000);
	stream(r, table, 16 | 1 << 6, false);
	rig_map(r, table, 16, 1, 1, 0, LEAF_RW | CONT);
	assert_int_equal(size_of(r, 0x1234, 0x1234), 42);
}

static void groups_at_stage2(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_table(r, 0x2000);
	struct smmu_ste ste = rig_ste_s2(table, 5);

	rig_ste(r, 1, &ste);
	rig_map(r, table, 12, 1, 3, 0x13000,
		(RIG_DATA + 0x3000) | S2_LEAF | CONT | 3);
	assert_int_equal(size_of(r, 0x13123, RIG_DATA + 0x3123), 16);
	/* from the TLB, through a neighbour that is not mapped */
	assert_int_equal(size_of(r, 0x1f123, RIG_DATA + 0xf123), 16);
}

/* ------------------------------------------------ more than 48 bits ------ */

static void profile52(struct rig *r)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");

	rig_fini(r);
	p.idr[5] = (p.idr[5] & ~SMMU_IDR5_OAS) | SMMU_IDR5_OAS_52 |
		   SMMU_IDR5_DS | SMMU_IDR5_VAX_52 << 10;
	rig_init(r, &p);
}

/* Descriptor's address bits of an output with DS, and of 64K. */
static uint64_t oa_ds(uint64_t oa)
{
	return (oa & GENMASK64(49, 12)) | (oa >> 50 & 3) << 8;
}

static uint64_t oa_64k(uint64_t oa)
{
	return (oa & GENMASK64(47, 16)) | (oa >> 48 & 15) << 12;
}

static void start_levels_with_52_bits(void **state)
{
	struct rig *r = *state;
	static const struct {
		unsigned int granule, tg0;
		uint64_t t0sz;
		int start;
		uint64_t bytes;
	} rows[] = {
		{ 12, 0, 12, -1, 128 },	 { 12, 0, 15, -1, 16 },
		{ 12, 0, 16, 0, 4096 },	 { 12, 0, 25, 1, 4096 },
		{ 14, 2, 12, 0, 256 },	 { 14, 2, 15, 0, 32 },
		{ 14, 2, 16, 0, 16 },	 { 14, 2, 17, 1, 16384 },
		{ 16, 1, 12, 1, 8192 },	 { 16, 1, 15, 1, 1024 },
		{ 16, 1, 22, 2, 65536 },
	};

	profile52(r);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int n = (unsigned int)(64 - rows[i].t0sz);
		uint64_t iova = mask_lg2(n) & ~mask_lg2(rows[i].granule);
		uint64_t oa = 0xf123456780000;
		uint64_t table =
			rig_table(r, rows[i].bytes < 64 ? 64 : rows[i].bytes);
		bool ds = rows[i].granule != 16;
		uint64_t leaf = (LEAF_RW & ~(ds ? 0x300ull : 0)) | 3;

		/* with 52-bit outputs a table is aligned to 64 bytes */
		stream(r, table | (rows[i].bytes < 64 ? 0x30 : 0),
		       rows[i].t0sz | (uint64_t)rows[i].tg0 << 6, ds);
		rig_map(r, table, rows[i].granule, rows[i].start, 3, iova,
			(ds ? oa_ds(oa) : oa_64k(oa)) | leaf);
		assert_int_equal(size_of(r, iova + 0x123, oa + 0x123),
				 rows[i].granule);
		rig_expect_fault(r, 1, 0, 1ull << n, SMMU_EVT_F_TRANSLATION);
	}
}

static void stage2_starts_with_52_bits(void **state)
{
	struct rig *r = *state;
	static const struct {
		unsigned int granule, tg, sl0;
		bool sl0_2;
		uint64_t t0sz;
		int start;
	} rows[] = {
		{ 12, 0, 0, true, 12, -1 }, { 12, 0, 0, true, 15, -1 },
		{ 12, 0, 2, false, 12, 0 }, { 12, 0, 2, false, 15, 0 },
		{ 12, 0, 2, false, 16, 0 }, { 12, 0, 1, false, 21, 1 },
		{ 14, 2, 3, false, 12, 0 }, { 14, 2, 3, false, 16, 0 },
		{ 14, 2, 2, false, 13, 1 }, { 14, 2, 2, false, 17, 1 },
		{ 16, 1, 2, false, 12, 1 }, { 16, 1, 1, false, 18, 2 },
	};

	profile52(r);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int n = (unsigned int)(64 - rows[i].t0sz);
		unsigned int shift =
			rows[i].granule + (unsigned int)(3 - rows[i].start) *
						  (rows[i].granule - 3);
		uint64_t bytes = 8ull << (n - shift);
		uint64_t ipa = mask_lg2(n) & ~mask_lg2(rows[i].granule);
		uint64_t table = rig_table(r, bytes < 64 ? 64 : bytes);
		struct smmu_ste ste = rig_ste_s2(table, 5);
		bool ds = rows[i].granule != 16;
		uint64_t oa = 0xf123456780000;

		ste.q[2] &= ~(0x7ffffull << 32);
		ste.q[2] |= rows[i].t0sz << 32 | (uint64_t)rows[i].sl0 << 38 |
			    (uint64_t)rows[i].tg << 46 | 6ull << 48;
		ste.q[3] |= (ds ? 8 : 0) | (rows[i].sl0_2 ? 4 : 0);
		rig_ste(r, 1, &ste);
		rig_inval_all(r);
		rig_map(r, table, rows[i].granule, rows[i].start, 3, ipa,
			(ds ? oa_ds(oa) : oa_64k(oa)) | S2_LEAF | 3);
		assert_int_equal(size_of(r, ipa + 0x123, oa + 0x123),
				 rows[i].granule);
	}
}

/* Without DS the bits of a 4K descriptor above 47 mean nothing. */
static void reserved_address_bits(void **state)
{
	struct rig *r = *state;
	uint64_t table;

	profile52(r);
	table = rig_table(r, 4096);
	stream(r, table, 16, false);
	rig_map(r, table, 12, 0, 3, 0x1000,
		RIG_DATA | 3ull << 48 | LEAF_RW | 3);
	assert_int_equal(size_of(r, 0x1000, RIG_DATA), 12);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(groups_are_kept_whole),      T(groups_that_are_none),
		T(blocks_that_have_no_groups), T(groups_at_stage2),
		T(start_levels_with_52_bits),  T(stage2_starts_with_52_bits),
		T(reserved_address_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
