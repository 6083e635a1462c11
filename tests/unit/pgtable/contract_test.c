/* SPDX-License-Identifier: BSD-2-Clause */
/* What pgtable.h promises: geometry, errors, leaf sizes, all or nothing. */
#include "pt_fixture.h"

struct geometry {
	enum uiommu_pgtable_fmt fmt;
	uint8_t granule_lg2;
	uint8_t ias;
	int start_level;
	uint64_t root_bytes;
	uint64_t pgsizes;
	uint8_t oas; /* 0: 48 */
	uint32_t features;
};

#define K4_SIZES (1u << 12 | 1u << 21 | 1u << 30)
#define K16_SIZES (1u << 14 | 1u << 25)
#define K64_SIZES (1u << 16 | 1u << 29)
#define K64_4T (UINT64_C(1) << 42)
#define K4_DS (UINT64_C(1) << 39)
#define K16_DS (UINT64_C(1) << 36)
#define DS UIOMMU_PGTABLE_DS
#define CONT UIOMMU_PGTABLE_CONTIG
#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define S2 UIOMMU_PGTABLE_VMSAV8_S2

static void geometry_is_the_architectures(void **state)
{
	static const struct geometry rows[] = {
		{ S1, 12, 48, 0, 4096, K4_SIZES },
		{ S1, 12, 40, 0, 64, K4_SIZES }, /* 2 entries */
		{ S1, 12, 39, 1, 4096, K4_SIZES },
		{ S1, 12, 36, 1, 512, K4_SIZES },
		{ S1, 12, 32, 1, 64, K4_SIZES },
		{ S1, 12, 30, 2, 4096, 1u << 12 | 1u << 21 },
		{ S1, 12, 25, 2, 128, 1u << 12 | 1u << 21 },
		{ S1, 14, 48, 0, 64, K16_SIZES },
		{ S1, 14, 47, 1, 16384, K16_SIZES },
		{ S1, 14, 36, 2, 16384, K16_SIZES },
		{ S1, 14, 25, 3, 16384, 1u << 14 },
		{ S1, 16, 52, 1, 8192, K64_SIZES },
		{ S1, 16, 52, 1, 8192, K64_SIZES | K64_4T, 52 },
		{ S1, 16, 48, 1, 512, K64_SIZES },
		{ S1, 16, 42, 2, 65536, K64_SIZES },
		{ S1, 16, 29, 3, 65536, 1u << 16 },
		/* Side by side where at most 16 do. */
		{ S2, 12, 48, 0, 4096, K4_SIZES },
		{ S2, 12, 44, 0, 256, K4_SIZES },
		{ S2, 12, 43, 1, 16 * 4096, K4_SIZES },
		{ S2, 12, 40, 1, 2 * 4096, K4_SIZES },
		{ S2, 12, 34, 2, 16 * 4096, 1u << 12 | 1u << 21 },
		{ S2, 12, 25, 2, 128, 1u << 12 | 1u << 21 },
		{ S2, 14, 29, 3, 16 * 16384, 1u << 14 },
		{ S2, 14, 48, 1, 2 * 16384, K16_SIZES },
		{ S2, 14, 40, 2, 16 * 16384, K16_SIZES },
		{ S2, 16, 48, 1, 512, K64_SIZES },
		{ S2, 16, 46, 2, 16 * 65536, K64_SIZES },
		/* DS: levels -1 and 0, blocks of 512G and 64G. */
		{ S1, 12, 52, -1, 128, K4_SIZES | K4_DS, 52, DS },
		{ S1, 12, 49, -1, 64, K4_SIZES | K4_DS, 52, DS },
		{ S1, 12, 48, 0, 4096, K4_SIZES | K4_DS, 48, DS },
		{ S1, 12, 39, 1, 4096, K4_SIZES, 52, DS },
		{ S1, 14, 52, 0, 256, K16_SIZES | K16_DS, 52, DS },
		{ S1, 14, 47, 1, 16384, K16_SIZES | K16_DS, 52, DS },
		{ S1, 14, 36, 2, 16384, K16_SIZES, 52, DS },
		{ S2, 12, 52, 0, 16 * 4096, K4_SIZES | K4_DS, 52, DS },
		{ S2, 14, 52, 0, 256, K16_SIZES | K16_DS, 52, DS },
		{ S2, 14, 51, 1, 16 * 16384, K16_SIZES | K16_DS, 52, DS },
		/* Runs: 64K, 32M, 16G; 2M, 1G; 2M, 16G; what fits. */
		{ S1, 12, 48, 0, 4096,
		  K4_SIZES | 1u << 16 | 1u << 25 | UINT64_C(1) << 34, 48,
		  CONT },
		{ S1, 12, 32, 1, 64, K4_SIZES | 1u << 16 | 1u << 25, 48, CONT },
		{ S1, 14, 48, 0, 64, K16_SIZES | 1u << 21 | 1u << 30, 48,
		  CONT },
		{ S1, 14, 52, 0, 256, K16_SIZES | K16_DS | 1u << 21 | 1u << 30,
		  52, CONT | DS },
		{ S1, 16, 48, 1, 512, K64_SIZES | 1u << 21 | UINT64_C(1) << 34,
		  48, CONT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pt_variant v = { .fmt = rows[i].fmt,
					.granule_lg2 = rows[i].granule_lg2,
					.ias = rows[i].ias,
					.oas = rows[i].oas ? rows[i].oas : 48,
					.features = rows[i].features };
		struct pt_fixture fx;

		pt_open(&fx, &v);
		assert_int_equal(fx.info.start_level, rows[i].start_level);
		assert_int_equal(fx.tp.live_bytes, rows[i].root_bytes);
		assert_int_equal(fx.info.root & (rows[i].root_bytes - 1), 0);
		assert_int_equal(fx.info.pgsizes, rows[i].pgsizes);
		assert_int_equal(fx.info.ias, rows[i].ias);
		assert_int_equal(fx.info.oas, v.oas);
		assert_int_equal(fx.info.ds, !!(v.features & DS));
		assert_int_equal(fx.info.features, v.features);
		assert_int_equal(fx.info.granule_lg2, rows[i].granule_lg2);
		assert_int_equal(fx.info.mair,
				 rows[i].fmt == S1 ? 0x04ff44 : 0);
		assert_int_equal(fx.info.aperture.first, 0);
		assert_int_equal(fx.info.aperture.last,
				 ((uint64_t)1 << rows[i].ias) - 1);
		pt_close(&fx);
	}
}

/*
 * IHI 0070 5.2, S2SL0 and S2T0SZ: a line for each start level of each granule;
 * the smallest and largest S2T0SZ that one table serves, then the one for 2, 4,
 * 8 and 16 tables side by side.  Sizes that need small translation tables are
 * left out; the architecture lets software choose where two lines fit.
 */
static void stage_2_roots_are_legal(void **state)
{
	static const struct {
		uint8_t granule_lg2;
		int level;
		unsigned int one_min, one_max, more[4];
	} lines[] = {
		{ 12, -1, 12, 15, { 0 } },
		{ 12, 0, 16, 24, { 15, 14, 13, 12 } },
		{ 12, 1, 25, 33, { 24, 23, 22, 21 } },
		{ 12, 2, 34, 39, { 33, 32, 31, 30 } },
		{ 14, 0, 12, 16, { 0 } },
		{ 14, 1, 17, 27, { 16, 15, 14, 13 } },
		{ 14, 2, 28, 38, { 27, 26, 25, 24 } },
		{ 14, 3, 39, 39, { 38, 37, 36, 35 } },
		{ 16, 1, 12, 21, { 0 } },
		{ 16, 2, 22, 34, { 21, 20, 19, 18 } },
		{ 16, 3, 35, 39, { 34, 33, 32, 31 } },
	};
	unsigned int seen = 0;

	for (unsigned int g = 12; g <= 16; g += 2)
		for (unsigned int t0sz = 12; t0sz <= 39; t0sz++) {
			struct pt_variant v = {
				.fmt = S2,
				.granule_lg2 = (uint8_t)g,
				.ias = (uint8_t)(64 - t0sz),
				.oas = t0sz < 16 ? 52 : 48,
				.features = t0sz < 16 && g < 16 ? DS : 0,
			};
			uint64_t tables = 0, entries;
			struct pt_fixture fx;

			pt_open(&fx, &v);
			for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]);
			     i++) {
				if (lines[i].granule_lg2 != g ||
				    lines[i].level != fx.info.start_level)
					continue;
				if (t0sz >= lines[i].one_min &&
				    t0sz <= lines[i].one_max)
					tables = 1;
				for (int k = 0; k < 4; k++)
					if (lines[i].more[k] == t0sz) {
						tables = 2ull << k;
						seen++;
					}
			}
			assert_true(tables);
			entries = fx.tp.live_bytes / 8;
			if (tables > 1)
				assert_int_equal(entries, tables << (g - 3));
			assert_int_equal(fx.info.root & (fx.tp.live_bytes - 1),
					 0);
			/* The first and the last byte can be looked up. */
			assert_int_equal(
				pt_map_all(&fx,
					   fx.info.aperture.last + 1 - fx.page,
					   0, fx.page, R),
				0);
			assert_int_equal(pt_map_all(&fx, 0, 0, fx.page, R), 0);
			pt_close(&fx);
		}
	/* Each concatenation, but where a larger start level serves as well. */
	assert_int_equal(seen, 12 + 12 + 8);
}

static void create_refuses_what_there_is_not(void **state)
{
	struct {
		struct uiommu_pgtable_cfg cfg;
		int rc;
	} rows[] = {
		{ { .fmt = S1, .granule_lg2 = 13, .ias = 48, .oas = 48 },
		  -EINVAL },
		{ { .fmt = (enum uiommu_pgtable_fmt)77,
		    .granule_lg2 = 12,
		    .ias = 48,
		    .oas = 48 },
		  -EOPNOTSUPP },
		{ { .fmt = S1, .granule_lg2 = 12, .ias = 49, .oas = 48 },
		  -EINVAL },
		{ { .fmt = S1, .granule_lg2 = 12, .ias = 24, .oas = 48 },
		  -EINVAL },
		{ { .fmt = S1, .granule_lg2 = 12, .ias = 48, .oas = 49 },
		  -EINVAL },
		{ { .fmt = S1, .granule_lg2 = 12, .ias = 48, .oas = 31 },
		  -EINVAL },
		{ { .fmt = S2, .granule_lg2 = 16, .ias = 53, .oas = 52 },
		  -EINVAL },
		{ { .fmt = S1,
		    .granule_lg2 = 12,
		    .ias = 48,
		    .oas = 48,
		    .features = 1u << 31 },
		  -EINVAL },
		{ { .fmt = S1, .granule_lg2 = 16, .ias = 52, .oas = 52 }, 0 },
		{ { .fmt = S1,
		    .granule_lg2 = 12,
		    .ias = 53,
		    .oas = 52,
		    .features = DS },
		  -EINVAL },
		{ { .fmt = S1,
		    .granule_lg2 = 14,
		    .ias = 52,
		    .oas = 53,
		    .features = DS },
		  -EINVAL },
		{ { .fmt = S2,
		    .granule_lg2 = 16,
		    .ias = 48,
		    .oas = 48,
		    .features = DS },
		  -EINVAL },
		{ { .fmt = S2, .granule_lg2 = 14, .ias = 52, .oas = 48 },
		  -EINVAL },
		{ { .fmt = S2,
		    .granule_lg2 = 14,
		    .ias = 52,
		    .oas = 52,
		    .features = DS | CONT },
		  0 },
	};
	struct uiommu_pgtable *pt;
	struct test_platform tp;
	uint64_t told = 0;

	test_platform_init(&tp);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rows[i].cfg.platform = &tp.platform;
		/* To ask is no mistake. */
		assert_int_equal(uiommu_pgtable_supported(&rows[i].cfg),
				 rows[i].rc == 0);
		assert_int_equal(tp.log_lines, told);
		assert_int_equal(uiommu_pgtable_create(&rows[i].cfg, &pt),
				 rows[i].rc);
		told += rows[i].rc != 0;
		assert_int_equal(tp.log_lines, told);
		if (!rows[i].rc)
			uiommu_pgtable_destroy(pt);
	}
	uiommu_pgtable_destroy(NULL);
	test_platform_make_incoherent(&tp);
	rows[8].cfg.features = UIOMMU_PGTABLE_DBM;
	assert_false(uiommu_pgtable_supported(&rows[8].cfg));
	assert_int_equal(uiommu_pgtable_create(&rows[8].cfg, &pt), -EINVAL);
	rows[8].cfg.features = 0;
	for (uint64_t nth = 1; nth <= 2; nth++) {
		test_platform_fail_nth(&tp, nth);
		assert_int_equal(uiommu_pgtable_create(&rows[8].cfg, &pt),
				 -ENOMEM);
		assert_true(test_platform_fail_nth(&tp, 0));
	}
	test_platform_fini(&tp);
}

/* Tables that the format could not point to are not used, and that is told. */
static void tables_lie_within_the_output_size(void **state)
{
	struct uiommu_pgtable_cfg cfg = {
		.fmt = S1, .granule_lg2 = 12, .ias = 39, .oas = 36
	};
	struct uiommu_gather gather;
	struct uiommu_pgtable *pt;
	struct test_platform tp;

	test_platform_init(&tp);
	cfg.platform = &tp.platform;
	assert_int_equal(uiommu_pgtable_create(&cfg, &pt), -ENOMEM);
	assert_int_equal(tp.log_lines, 1);
	tp.platform.log = NULL;
	assert_int_equal(uiommu_pgtable_create(&cfg, &pt), -ENOMEM);
	test_platform_fini(&tp);

	test_platform_init(&tp);
	test_platform_use_pool(&tp, MIB);
	assert_int_equal(uiommu_pgtable_create(&cfg, &pt), 0);
	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_map(pt, 0, 0, 4096, R, &gather), 0);
	assert_int_equal(uiommu_pgtable_map(pt, 4096, 1ull << 36, 4096, R,
					    &gather),
			 -ERANGE);
	assert_int_equal(uiommu_pgtable_map(pt, 4096, (1ull << 36) - 4096, 4096,
					    R, &gather),
			 0);
	uiommu_pgtable_destroy(pt);
	test_platform_fini(&tp);
}

static void check_errors(struct pt_fixture *fx, const struct pt_variant *v)
{
	uint64_t page = fx->page, top = (uint64_t)1 << v->ias;
	uint64_t ptop = (uint64_t)1 << v->oas;
	const struct {
		uint64_t iova, pa, len;
		uint32_t prot;
		int rc;
	} rows[] = {
		{ page, page, 0, R, -EINVAL },
		{ page + 1, page, page, R, -EINVAL },
		{ page, page + page / 2, page, R, -EINVAL },
		{ page, page, page - 1, R, -EINVAL },
		{ page, page, page, 0, -EINVAL },
		{ page, page, page, X, -EINVAL },
		{ page, page, page, X | C, -EINVAL },
		{ page, page, page, R | C | M, -EINVAL },
		{ page, page, page, R | 1u << 6, -EINVAL },
		{ page, page, page, R | 1u << 31, -EINVAL },
		{ top, page, page, R, -ERANGE },
		{ top - page, page, 2 * page, R, -ERANGE },
		{ page, page, top, R, -ERANGE },
		{ page, page, -page, R, -ERANGE },
		{ -page, page, page, R, -ERANGE },
		{ -page, page, 2 * page, R, -ERANGE },
		{ page, ptop, page, R, -ERANGE },
		{ page, ptop - page, 2 * page, R, -ERANGE },
		{ page, -page, page, R, -ERANGE },
		{ page, -page, 2 * page, R, -ERANGE },
	};
	struct uiommu_pgtable_leaf leaf;
	struct uiommu_gather gather;
	uint64_t unmapped, before, told = fx->tp.log_lines;

	uiommu_gather_init(&gather);
	before = fx->tp.live_bytes;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(uiommu_pgtable_map(fx->pt, rows[i].iova,
						    rows[i].pa, rows[i].len,
						    rows[i].prot, &gather),
				 rows[i].rc);
		assert_int_equal(fx->tp.log_lines, ++told);
		if (i > 3 && (i < 10 || i > 15))
			continue;
		if (i == 2)
			continue;
		unmapped = 77;
		assert_int_equal(uiommu_pgtable_unmap(fx->pt, rows[i].iova,
						      rows[i].len, &gather,
						      &unmapped),
				 rows[i].rc);
		assert_int_equal(unmapped, 0);
		assert_int_equal(fx->tp.log_lines, ++told);
	}
	assert_true(uiommu_gather_empty(&gather));
	assert_int_equal(fx->tp.live_bytes, before);
	assert_int_equal(uiommu_pgtable_translate(fx->pt, top, &leaf), -ERANGE);
	assert_int_equal(uiommu_pgtable_translate(fx->pt, UINT64_MAX, &leaf),
			 -ERANGE);
	assert_int_equal(uiommu_pgtable_translate(fx->pt, top - 1, &leaf),
			 -ENOENT);
	/* The very first and the very last page can be mapped. */
	assert_int_equal(pt_map_all(fx, top - page, ptop - page, page, R), 0);
	assert_int_equal(pt_map_all(fx, 0, 0, page, R), 0);
	assert_int_equal(uiommu_pgtable_translate(fx->pt, top - 1, &leaf), 0);
	assert_int_equal(leaf.pa, ptop - 1);
	assert_int_equal(pt_unmap_all(fx, 0, top, &unmapped), 0);
	assert_int_equal(unmapped, 2 * page);
	assert_int_equal(fx->tp.live_bytes, before);
}

static void errors(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		struct pt_fixture fx;

		pt_open(&fx, &pt_variants[i]);
		check_errors(&fx, &pt_variants[i]);
		pt_close(&fx);
	}
}

static void prot_comes_back(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		uint32_t given = UIOMMU_PROT_ALL;
		struct uiommu_pgtable_leaf leaf;
		struct pt_fixture fx;
		struct spec_leaf hw;
		uint64_t unmapped;
		bool valid;

		pt_open(&fx, &pt_variants[i]);
		for (uint32_t prot = 0; prot <= UIOMMU_PROT_ALL; prot++) {
			valid = (prot & (R | W)) && (prot & (C | M)) != (C | M);
			if (fx.spec.stage == 2 && (prot & P))
				valid = false;
			given = prot;
			assert_int_equal(pt_map_all(&fx, 0, 0, fx.page, given),
					 valid ? 0 : -EINVAL);
			if (!valid)
				continue;
			assert_int_equal(
				uiommu_pgtable_translate(fx.pt, 0, &leaf), 0);
			assert_int_equal(leaf.prot, prot);
			assert_true(spec_walk(&fx.spec, 0, &hw));
			assert_int_equal(hw.prot,
					 fx.spec.stage == 1 ? prot | R : prot);
			pt_unmap_all(&fx, 0, fx.page, &unmapped);
		}
		pt_close(&fx);
	}
}

/* Page, block, page: aligned alike the middle is one leaf, else all pages. */
static void leaves_are_as_large_as_alignment_allows(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		uint64_t start, len;
		struct pt_fixture fx;
		struct spec_dump d;

		pt_open(&fx, &pt_variants[i]);
		start = 4 * fx.block - fx.page;
		len = fx.block + 2 * fx.page;
		assert_int_equal(pt_map_all(&fx, start, start + 8 * fx.block,
					    len, R | W),
				 0);
		spec_dump(&fx.spec, &d);
		assert_int_equal(d.nr_leaves, 3);
		assert_int_equal(d.leaf[1].iova, 4 * fx.block);
		assert_int_equal(d.leaf[1].pa, 12 * fx.block);
		assert_int_equal((uint64_t)1 << d.leaf[1].size_lg2, fx.block);
		assert_int_equal((uint64_t)1 << d.leaf[2].size_lg2, fx.page);
		spec_dump_free(&d);

		assert_int_equal(pt_map_all(&fx, 8 * fx.block, fx.page,
					    fx.block, R | W),
				 0);
		spec_dump(&fx.spec, &d);
		assert_int_equal(d.nr_leaves, 3 + fx.block / fx.page);
		spec_dump_free(&d);
		pt_close(&fx);
	}
}

static void gigabyte_blocks_are_used(void **state)
{
	const unsigned int want[] = { 12, 21, 30, 30, 21, 12 };
	uint64_t start = 4 * GIB - 2 * MIB - 4 * KIB;
	uint64_t len = 2 * GIB + 2 * (2 * MIB + 4 * KIB), unmapped;
	struct pt_fixture fx;
	struct spec_dump d;

	pt_open(&fx, &pt_variants[0]);
	assert_int_equal(pt_map_all(&fx, start, start + 64 * GIB, len, R), 0);
	spec_dump(&fx.spec, &d);
	assert_int_equal(d.nr_leaves, 6);
	for (int i = 0; i < 6; i++)
		assert_int_equal(d.leaf[i].size_lg2, want[i]);
	spec_dump_free(&d);
	/* One page out of a 1 GiB block leaves 511 and 511 + the rest. */
	assert_int_equal(pt_unmap_all(&fx, 4 * GIB + 6 * MIB, 4096, &unmapped),
			 0);
	assert_int_equal(unmapped, 4096);
	spec_dump(&fx.spec, &d);
	assert_int_equal(d.nr_leaves, 5 + 511 + 511);
	spec_dump_free(&d);
	assert_int_equal(pt_unmap_all(&fx, 0, 1ull << 48, &unmapped), 0);
	assert_int_equal(unmapped, len - 4096);
	assert_int_equal(fx.tp.live_bytes, 4096);
	pt_close(&fx);
}

static void refused_map_changes_nothing(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		struct spec_dump before, after;
		struct uiommu_gather gather;
		struct pt_fixture fx;
		uint64_t b;

		pt_open(&fx, &pt_variants[i]);
		b = fx.block;
		uiommu_gather_init(&gather);
		/* The last page of what will be asked for, then a block. */
		pt_map_all(&fx, 4 * b - fx.page, 0, fx.page, R);
		pt_map_all(&fx, 6 * b, 0, b, R);
		spec_dump(&fx.spec, &before);
		assert_int_equal(uiommu_pgtable_map(fx.pt, b - fx.page, b,
						    3 * b, R, &gather),
				 0);
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, b - fx.page, 3 * b,
						      &gather, &b),
				 0);
		b = fx.block;
		uiommu_gather_release(&gather);
		assert_int_equal(fx.tp.log_lines, 0);
		assert_int_equal(uiommu_pgtable_map(fx.pt, 0, b, 4 * b, R,
						    &gather),
				 -EEXIST);
		assert_int_equal(uiommu_pgtable_map(fx.pt, fx.page, 0, 4 * b, R,
						    &gather),
				 -EEXIST);
		assert_int_equal(uiommu_pgtable_map(fx.pt, 5 * b, 0, 2 * b, R,
						    &gather),
				 -EEXIST);
		assert_int_equal(uiommu_pgtable_map(fx.pt, 6 * b + fx.page, 0,
						    fx.page, R, &gather),
				 -EEXIST);
		/* Each told. */
		assert_int_equal(fx.tp.log_lines, 4);
		assert_true(uiommu_gather_empty(&gather));
		spec_dump(&fx.spec, &after);
		assert_true(spec_dump_same(&before, &after, false));
		spec_dump_free(&before);
		spec_dump_free(&after);
		pt_close(&fx);
	}
}

/* For every n: the nth allocation of this map fails; then it works. */
static void map_without_memory_changes_nothing(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		struct spec_dump before, after;
		struct uiommu_gather gather;
		struct pt_fixture fx;
		uint64_t nth, b;
		int rc;

		pt_open(&fx, &pt_variants[i]);
		b = fx.block;
		uiommu_gather_init(&gather);
		pt_map_all(&fx, 8 * b, 0, fx.page, R);
		spec_dump(&fx.spec, &before);
		for (nth = 1;; nth++) {
			test_platform_fail_nth(&fx.tp, nth);
			rc = uiommu_pgtable_map(fx.pt, b - fx.page, fx.page,
						3 * b, R, &gather);
			if (!test_platform_fail_nth(&fx.tp, 0))
				break;
			assert_int_equal(rc, -ENOMEM);
			assert_true(uiommu_gather_empty(&gather));
			spec_dump(&fx.spec, &after);
			assert_true(spec_dump_same(&before, &after, false));
			spec_dump_free(&after);
			/* Tables stay: start over to see each failure. */
			pt_unmap_all(&fx, 0, 8 * b, &b);
			b = fx.block;
		}
		assert_int_equal(rc, 0);
		assert_true(nth >= 3);
		spec_dump_free(&before);
		pt_close(&fx);
	}
}

static void unmap_without_memory_changes_nothing(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		uint64_t nth, b, unmapped;
		struct spec_dump before, after;
		struct uiommu_gather gather;
		struct pt_fixture fx;
		int rc;

		pt_open(&fx, &pt_variants[i]);
		b = fx.block;
		uiommu_gather_init(&gather);
		pt_map_all(&fx, 0, 0, 4 * b, R | W);
		spec_dump(&fx.spec, &before);
		assert_int_equal(before.nr_leaves, 4);
		/* Both ends inside a block: two tables. */
		for (nth = 1;; nth++) {
			test_platform_fail_nth(&fx.tp, nth);
			unmapped = 77;
			rc = uiommu_pgtable_unmap(fx.pt, fx.page, 3 * b,
						  &gather, &unmapped);
			if (!test_platform_fail_nth(&fx.tp, 0))
				break;
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(unmapped, 0);
			assert_true(uiommu_gather_empty(&gather));
			spec_dump(&fx.spec, &after);
			assert_true(spec_dump_same(&before, &after, true));
			spec_dump_free(&after);
		}
		assert_int_equal(nth, 3);
		assert_true(rc == 0 || rc == -EAGAIN);
		uiommu_gather_release(&gather);
		spec_dump_free(&before);
		pt_close(&fx);
	}
}

/* 1 GiB to pages at both ends: up to four tables, none kept on failure. */
static void deep_split_without_memory_changes_nothing(void **state)
{
	for (int bbm = 0; bbm < 2; bbm++) {
		struct spec_dump before, after;
		struct uiommu_gather gather;
		uint64_t nth, unmapped;
		struct pt_fixture fx;
		int rc;

		pt_open(&fx, &pt_variants[bbm]);
		uiommu_gather_init(&gather);
		pt_map_all(&fx, 0, 0, 2 * GIB, R | W);
		spec_dump(&fx.spec, &before);
		for (nth = 1;; nth++) {
			test_platform_fail_nth(&fx.tp, nth);
			rc = uiommu_pgtable_unmap(fx.pt, 4096, 2 * GIB - 8192,
						  &gather, &unmapped);
			if (!test_platform_fail_nth(&fx.tp, 0))
				break;
			assert_int_equal(rc, -ENOMEM);
			spec_dump(&fx.spec, &after);
			assert_true(spec_dump_same(&before, &after, true));
			spec_dump_free(&after);
		}
		assert_int_equal(nth, 5);
		assert_int_equal(rc, bbm ? -EAGAIN : 0);
		uiommu_gather_release(&gather);
		if (bbm)
			rc = uiommu_pgtable_unmap(fx.pt, 4096, 2 * GIB - 8192,
						  &gather, &unmapped);
		assert_int_equal(rc, 0);
		assert_int_equal(unmapped, 2 * GIB - 8192);
		uiommu_gather_release(&gather);
		spec_dump(&fx.spec, &after);
		assert_int_equal(after.nr_leaves, 2);
		assert_int_equal(after.leaf[1].iova, 2 * GIB - 4096);
		spec_dump_free(&before);
		spec_dump_free(&after);
		pt_close(&fx);
	}
}

static void holes_do_not_count(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		struct uiommu_gather gather;
		struct pt_fixture fx;
		uint64_t unmapped;

		pt_open(&fx, &pt_variants[i]);
		uiommu_gather_init(&gather);
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, 0, 16 * fx.block,
						      &gather, &unmapped),
				 0);
		assert_int_equal(unmapped, 0);
		assert_true(uiommu_gather_empty(&gather));
		pt_map_all(&fx, fx.page, 0, fx.page, R);
		pt_map_all(&fx, 3 * fx.page, 0, 2 * fx.page, R);
		pt_map_all(&fx, 2 * fx.block, 0, fx.block, R);
		pt_unmap_all(&fx, 0, 4 * fx.page, &unmapped);
		assert_int_equal(unmapped, 2 * fx.page);
		pt_unmap_all(&fx, 0, 4 * fx.page, &unmapped);
		assert_int_equal(unmapped, 0);
		pt_unmap_all(&fx, 0, 16 * fx.block, &unmapped);
		assert_int_equal(unmapped, fx.page + fx.block);
		pt_close(&fx);
	}
}

static void table_bytes_are_those_allocated(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		struct pt_fixture fx;
		uint64_t unmapped;

		pt_open(&fx, &pt_variants[i]);
		pt_map_all(&fx, 0, fx.page, 3 * fx.block, R);
		assert_int_equal(uiommu_pgtable_table_bytes(fx.pt),
				 fx.tp.live_bytes);
		assert_true(fx.tp.live_tables >= 4);
		pt_unmap_all(&fx, 0, 2 * fx.block, &unmapped);
		assert_int_equal(uiommu_pgtable_table_bytes(fx.pt),
				 fx.tp.live_bytes);
		/* Left full: destruction frees what is mapped. */
		pt_close(&fx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometry_is_the_architectures),
		cmocka_unit_test(stage_2_roots_are_legal),
		cmocka_unit_test(create_refuses_what_there_is_not),
		cmocka_unit_test(tables_lie_within_the_output_size),
		cmocka_unit_test(errors),
		cmocka_unit_test(prot_comes_back),
		cmocka_unit_test(leaves_are_as_large_as_alignment_allows),
		cmocka_unit_test(gigabyte_blocks_are_used),
		cmocka_unit_test(refused_map_changes_nothing),
		cmocka_unit_test(map_without_memory_changes_nothing),
		cmocka_unit_test(unmap_without_memory_changes_nothing),
		cmocka_unit_test(deep_split_without_memory_changes_nothing),
		cmocka_unit_test(holes_do_not_count),
		cmocka_unit_test(table_bytes_are_those_allocated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
