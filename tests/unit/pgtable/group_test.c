/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous groups: where map makes them, and how they come apart, in one call
 * with BBML1 and in two without.
 */
#include "pt_fixture.h"

#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define CONT UIOMMU_PGTABLE_CONTIG
#define BBML1 UIOMMU_PGTABLE_BBML1
#define BBML2 UIOMMU_PGTABLE_BBML2

static const struct pt_variant bbm = { "bbm", S1, 12, 48, 48, CONT };
static const struct pt_variant bbml1 = { "bbml1", S1, 12, 48, 48, CONT | BBML1 };
static const struct pt_variant bbml2 = { "bbml2", S1, 12, 48, 48, CONT | BBML2 };

static unsigned int cached_lg2(struct pt_fixture *fx, uint64_t iova)
{
	struct spec_leaf leaf;

	return spec_walk(&fx->spec, iova, &leaf) ? leaf.cached_lg2 : 0;
}

/* A run of `nr` leaves at slot `slot`, at a physical slot `pa`. */
static void runs_fall_into_groups(void **state)
{
	static const struct {
		uint8_t granule_lg2;
		uint8_t leaf_lg2;
		unsigned int slot, pa, nr;
		unsigned int first, last; /* slots in groups; none: last 0 */
		unsigned int group_lg2;
	} rows[] = {
		{ 12, 12, 0, 0, 16, 0, 15, 4 },
		{ 12, 12, 0, 0, 15, 0, 0, 4 },
		{ 12, 12, 1, 1, 30, 0, 0, 4 },
		{ 12, 12, 1, 1, 31, 16, 31, 4 },
		{ 12, 12, 3, 19, 64, 16, 63, 4 },
		{ 12, 12, 0, 8, 64, 0, 0, 4 },
		{ 12, 12, 496, 496, 16, 496, 511, 4 },
		{ 12, 21, 0, 16, 40, 0, 31, 4 },
		{ 12, 30, 16, 32, 17, 16, 31, 4 },
		{ 14, 14, 128, 0, 200, 128, 255, 7 },
		{ 14, 14, 0, 0, 127, 0, 0, 7 },
		{ 14, 25, 32, 64, 32, 32, 63, 5 },
		{ 16, 16, 31, 31, 33, 32, 63, 5 },
		{ 16, 29, 32, 0, 64, 32, 95, 5 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pt_variant v = bbm;
		uint64_t size = (uint64_t)1 << rows[i].leaf_lg2;
		struct uiommu_pgtable_leaf leaf;
		struct pt_fixture fx;
		struct spec_leaf hw;
		bool grouped;

		v.granule_lg2 = rows[i].granule_lg2;
		pt_open(&fx, &v);
		assert_int_equal(pt_map_all(&fx, rows[i].slot * size,
					    rows[i].pa * size,
					    rows[i].nr * size, R | W),
				 0);
		for (unsigned int s = rows[i].slot;
		     s < rows[i].slot + rows[i].nr; s++) {
			grouped = rows[i].last && s >= rows[i].first &&
				  s <= rows[i].last;
			assert_true(spec_walk(&fx.spec, s * size, &hw));
			assert_int_equal(hw.size_lg2, rows[i].leaf_lg2);
			assert_int_equal(hw.cached_lg2 - hw.size_lg2,
					 grouped ? rows[i].group_lg2 : 0);
			assert_int_equal(uiommu_pgtable_translate(
						 fx.pt, s * size + 5, &leaf),
					 0);
			assert_int_equal(leaf.size_lg2, hw.cached_lg2);
			assert_int_equal(
				leaf.pa,
				(rows[i].pa + s - rows[i].slot) * size + 5);
		}
		pt_close(&fx);
	}
}

static void none_without_the_feature(void **state)
{
	static const uint32_t features[] = { 0, UIOMMU_PGTABLE_DBM |
							UIOMMU_PGTABLE_CONTIG };

	for (int i = 0; i < 2; i++) {
		struct pt_variant v = bbm;
		struct pt_fixture fx;

		v.features = features[i];
		pt_open(&fx, &v);
		assert_int_equal(fx.info.features & CONT, 0);
		assert_int_equal(fx.info.pgsizes,
				 1u << 12 | 1u << 21 | 1u << 30);
		pt_map_all(&fx, 0, 0, 64 * KIB, R);
		assert_int_equal(cached_lg2(&fx, 0), 12);
		pt_close(&fx);
	}
}

/* One page out of 64K: the other 15 are single ones. */
static void a_page_leaves_its_group(void **state)
{
	for (int direct = 0; direct < 2; direct++) {
		struct uiommu_gather g;
		struct pt_fixture fx;
		struct spec_leaf hw;
		uint64_t unmapped;

		pt_open(&fx, direct ? &bbml1 : &bbm);
		pt_map_all(&fx, 0, 0, 192 * KIB, R | W);
		uiommu_gather_init(&g);
		if (!direct) {
			assert_int_equal(uiommu_pgtable_unmap(fx.pt, 0x13000,
							      0x1000, &g,
							      &unmapped),
					 -EAGAIN);
			/* The hardware must forget all 16, and sees none. */
			assert_int_equal(g.nr_ranges, 1);
			assert_int_equal(g.range[0].first, 0x10000);
			assert_int_equal(g.range[0].last, 0x1ffff);
			assert_int_equal(g.range[0].stride_lg2, 12);
			assert_int_equal(g.range[0].level, 3);
			assert_true(g.range[0].leaf_only);
			for (uint64_t at = 0x10000; at < 0x20000; at += 4096)
				assert_false(spec_walk(&fx.spec, at, &hw));
			uiommu_gather_release(&g);
		}
		test_platform_fail_nth(&fx.tp, 1);
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, 0x13000, 0x1000,
						      &g, &unmapped),
				 0);
		assert_false(test_platform_fail_nth(&fx.tp, 0));
		assert_int_equal(unmapped, 0x1000);
		assert_int_equal(g.nr_ranges, 1);
		assert_int_equal(g.range[0].first, direct ? 0x10000 : 0x13000);
		assert_int_equal(g.range[0].last, direct ? 0x1ffff : 0x13fff);
		for (uint64_t at = 0; at < 192 * KIB; at += 4096)
			assert_int_equal(cached_lg2(&fx, at), at == 0x13000 ? 0
							      : at >> 16 == 1
								      ? 12
								      : 16);
		/* A whole group goes at once. */
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, 0x20000, 0x10000,
						      &g, &unmapped),
				 0);
		assert_int_equal(unmapped, 0x10000);
		/* What was single needs no second call. */
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, 0x15000, 0x1000,
						      &g, &unmapped),
				 0);
		uiommu_gather_release(&g);
		pt_close(&fx);
	}
}

/* A neighbour comes between the two calls; both get through. */
static void neighbours_take_one_group_apart(void **state)
{
	struct uiommu_gather a, b;
	struct pt_fixture fx;
	uint64_t unmapped;

	pt_open(&fx, &bbm);
	pt_map_all(&fx, 0, 0, 64 * KIB, R | W);
	uiommu_gather_init(&a);
	uiommu_gather_init(&b);
	assert_int_equal(uiommu_pgtable_unmap(fx.pt, 0x3000, 0x1000, &a,
					      &unmapped),
			 -EAGAIN);
	/* It has to see to a flush of its own. */
	assert_int_equal(uiommu_pgtable_unmap(fx.pt, 0x8000, 0x2000, &b,
					      &unmapped),
			 -EAGAIN);
	assert_true(pt_gather_covers(&b, 0, 0xffff));
	assert_int_equal(uiommu_pgtable_map(fx.pt, 0x5000, 0, 0x1000, R, &a),
			 -EEXIST);
	uiommu_gather_release(&b);
	assert_int_equal(
		uiommu_pgtable_unmap(fx.pt, 0x8000, 0x2000, &b, &unmapped), 0);
	assert_int_equal(unmapped, 0x2000);
	for (uint64_t at = 0; at < 0x10000; at += 4096)
		assert_int_equal(cached_lg2(&fx, at), at >> 13 == 4 ? 0 : 12);
	uiommu_gather_release(&a);
	assert_int_equal(
		uiommu_pgtable_unmap(fx.pt, 0x3000, 0x1000, &a, &unmapped), 0);
	assert_int_equal(unmapped, 0x1000);
	uiommu_gather_release(&a);
	uiommu_gather_release(&b);
	pt_close(&fx);
}

/* A page in a block of 2M, which stands in a group of 32M. */
static void a_block_in_a_group_is_split(void **state)
{
	const struct pt_variant *variants[] = { &bbm, &bbml1, &bbml2 };

	for (int i = 0; i < 3; i++) {
		uint64_t unmapped, at = 32 * MIB + 6 * MIB;
		struct uiommu_gather g;
		struct pt_fixture fx;
		int rc;

		pt_open(&fx, variants[i]);
		pt_map_all(&fx, 32 * MIB, 0, 32 * MIB, R | W);
		assert_int_equal(cached_lg2(&fx, at), 25);
		uiommu_gather_init(&g);
		rc = uiommu_pgtable_unmap(fx.pt, at + 0x21000, 0x1000, &g,
					  &unmapped);
		assert_int_equal(rc, i == 2 ? 0 : -EAGAIN);
		assert_true(pt_gather_covers(&g, 32 * MIB, 64 * MIB - 1));
		if (i == 0) /* all of the group is broken */
			assert_int_equal(cached_lg2(&fx, 33 * MIB), 0);
		if (i == 1) /* only the leaf is */
			assert_int_equal(cached_lg2(&fx, 33 * MIB), 21);
		if (i < 2) {
			assert_int_equal(cached_lg2(&fx, at), 0);
			uiommu_gather_release(&g);
			test_platform_fail_nth(&fx.tp, 1);
			rc = uiommu_pgtable_unmap(fx.pt, at + 0x21000, 0x1000,
						  &g, &unmapped);
			assert_false(test_platform_fail_nth(&fx.tp, 0));
		}
		assert_int_equal(rc, 0);
		assert_int_equal(unmapped, 0x1000);
		for (uint64_t b = 32 * MIB; b < 64 * MIB; b += 2 * MIB)
			if (b != at)
				assert_int_equal(cached_lg2(&fx, b), 21);
		/* The new table has groups but for the one that was cut. */
		for (uint64_t p = 0; p < 2 * MIB; p += 4096)
			assert_int_equal(cached_lg2(&fx, at + p),
					 p == 0x21000	? 0
					 : p >> 16 == 2 ? 12
							: 16);
		uiommu_gather_release(&g);
		pt_close(&fx);
	}
}

/* Ends in two blocks of one group, or in two groups. */
static void both_ends_take_groups_apart(void **state)
{
	static const struct {
		uint64_t first, len;
	} rows[] = {
		{ 38 * MIB + 4096, 8 * MIB },
		{ 38 * MIB, 8 * MIB },
		{ 62 * MIB + 4096, 16 * MIB },
		{ 62 * MIB, 50 * MIB + 4096 },
		{ 0x3000, 0x5000 },
		{ 0x3000, 0x25000 },
		{ 34 * MIB, 30 * MIB },
		{ 0x1000, 40 * MIB },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t unmapped, seen = 0;
		struct uiommu_gather g;
		struct pt_fixture fx;
		struct spec_dump d;

		pt_open(&fx, &bbm);
		/* Pages, then blocks. */
		pt_map_all(&fx, 0, 64 * KIB, 2 * MIB, R);
		pt_map_all(&fx, 2 * MIB, 34 * MIB, 126 * MIB, R);
		uiommu_gather_init(&g);
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, rows[i].first,
						      rows[i].len, &g,
						      &unmapped),
				 -EAGAIN);
		uiommu_gather_release(&g);
		test_platform_fail_nth(&fx.tp, 1);
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, rows[i].first,
						      rows[i].len, &g,
						      &unmapped),
				 0);
		assert_false(test_platform_fail_nth(&fx.tp, 0));
		assert_int_equal(unmapped, rows[i].len);
		uiommu_gather_release(&g);
		spec_dump(&fx.spec, &d);
		for (size_t k = 0; k < d.nr_leaves; k++)
			seen += (uint64_t)1 << d.leaf[k].size_lg2;
		assert_int_equal(seen, 128 * MIB - rows[i].len);
		spec_dump_free(&d);
		pt_close(&fx);
	}
}

static void an_abandoned_group_does_no_harm(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;
	uint64_t unmapped;

	pt_open(&fx, &bbm);
	pt_map_all(&fx, 0, 0, 2 * MIB, R); /* a block */
	pt_map_all(&fx, 2 * MIB, 64 * KIB, MIB, R);
	uiommu_gather_init(&g);
	assert_int_equal(uiommu_pgtable_unmap(fx.pt, 2 * MIB, 0x3000, &g,
					      &unmapped),
			 -EAGAIN);
	uiommu_gather_release(&g);
	/* Rights of broken pages can be changed, in the wrong order too. */
	assert_int_equal(pt_protect_all(&fx, 2 * MIB, 64 * KIB, R | W), 0);
	/* All of it goes, and counts. */
	assert_int_equal(pt_unmap_all(&fx, 2 * MIB, 2 * MIB, &unmapped), 0);
	assert_int_equal(unmapped, MIB);
	/* And by destruction. */
	pt_map_all(&fx, 2 * MIB, 64 * KIB, MIB, R);
	assert_int_equal(uiommu_pgtable_unmap(fx.pt, 2 * MIB, 0x3000, &g,
					      &unmapped),
			 -EAGAIN);
	uiommu_gather_release(&g);
	pt_close(&fx);
}

/* No memory for the split: groups stay as they were. */
static void without_memory_groups_stay(void **state)
{
	const struct pt_variant *variants[] = { &bbm, &bbml1, &bbml2 };

	for (int i = 0; i < 3; i++) {
		struct spec_dump before, after;
		uint64_t unmapped, nth;
		struct uiommu_gather g;
		struct pt_fixture fx;
		int rc;

		pt_open(&fx, variants[i]);
		pt_map_all(&fx, 0, 0, 64 * GIB, R);
		spec_dump(&fx.spec, &before);
		uiommu_gather_init(&g);
		for (nth = 1;; nth++) {
			test_platform_fail_nth(&fx.tp, nth);
			rc = uiommu_pgtable_unmap(fx.pt, 5 * GIB + 4096,
						  4 * GIB, &g, &unmapped);
			if (!test_platform_fail_nth(&fx.tp, 0))
				break;
			assert_int_equal(rc, -ENOMEM);
			assert_true(uiommu_gather_empty(&g));
			spec_dump(&fx.spec, &after);
			assert_true(spec_dump_same(&before, &after, true));
			spec_dump_free(&after);
		}
		assert_int_equal(nth, 5);
		assert_int_equal(rc, i == 2 ? 0 : -EAGAIN);
		uiommu_gather_release(&g);
		spec_dump_free(&before);
		pt_close(&fx);
	}
}

/* A root of fewer slots than a group has: what lies beside it is not ours. */
static void a_root_without_room_has_no_groups(void **state)
{
	static const struct pt_variant small[] = {
		{ "4k", S1, 12, 32, 48, CONT, true },
		{ "16k", S1, 14, 28, 48, CONT, true },
		{ "64k", S1, 16, 33, 48, CONT | BBML1, true },
	};

	for (int i = 0; i < 3; i++) {
		uint64_t unmapped, block;
		struct uiommu_gather g;
		struct pt_fixture fx;
		struct spec_leaf hw;

		pt_open(&fx, &small[i]);
		block = i ? fx.block : GIB;
		/* The platform dies where memory is no table's. */
		pt_map_all(&fx, block, 0, block, R | W);
		uiommu_gather_init(&g);
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, block, fx.page, &g,
						      &unmapped),
				 -EAGAIN);
		uiommu_gather_release(&g);
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, block, fx.page, &g,
						      &unmapped),
				 0);
		uiommu_gather_release(&g);
		assert_int_equal(unmapped, fx.page);
		assert_false(spec_walk(&fx.spec, block, &hw));
		assert_true(spec_walk(&fx.spec, block + fx.page, &hw));
		pt_close(&fx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_fall_into_groups),
		cmocka_unit_test(none_without_the_feature),
		cmocka_unit_test(a_page_leaves_its_group),
		cmocka_unit_test(neighbours_take_one_group_apart),
		cmocka_unit_test(a_block_in_a_group_is_split),
		cmocka_unit_test(both_ends_take_groups_apart),
		cmocka_unit_test(an_abandoned_group_does_no_harm),
		cmocka_unit_test(without_memory_groups_stay),
		cmocka_unit_test(a_root_without_room_has_no_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
