/* SPDX-License-Identifier: BSD-2-Clause */
/* What the gather says, and when the tables in it become free memory. */
#include "pt_fixture.h"

#include "pgtable/pt.h"

static struct uiommu_gather unmap_into(struct pt_fixture *fx, uint64_t iova,
				       uint64_t len)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	uiommu_gather_init(&gather);
	assert_int_equal(
		uiommu_pgtable_unmap(fx->pt, iova, len, &gather, &unmapped), 0);
	return gather;
}

static void expect_range(const struct uiommu_gather *gather, uint32_t i,
			 uint64_t first, uint64_t last, unsigned int stride,
			 int level, bool leaf_only)
{
	assert_true(i < gather->nr_ranges);
	assert_int_equal(gather->range[i].first, first);
	assert_int_equal(gather->range[i].last, last);
	assert_int_equal(gather->range[i].stride_lg2, stride);
	assert_int_equal(gather->range[i].level, level);
	assert_int_equal(gather->range[i].leaf_only, leaf_only);
}

static void pages_leave_by_leaf(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;

	pt_open(&fx, &pt_variants[0]);
	pt_map_all(&fx, 0x10000, 0, 0x8000, R);
	g = unmap_into(&fx, 0x11000, 0x1000);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, 0x11000, 0x11fff, 12, 3, true);
	assert_null(g.tables);
	/* What is not mapped at the ends is not in the range. */
	g = unmap_into(&fx, 0x8000, 0x100000);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, 0x10000, 0x17fff, 12, 3, true);
	pt_close(&fx);
}

static void blocks_leave_by_their_size(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;

	pt_open(&fx, &pt_variants[0]);
	pt_map_all(&fx, GIB, 0, 2 * GIB, R);
	pt_map_all(&fx, 4 * MIB, 0, 8 * MIB, R);
	g = unmap_into(&fx, GIB, GIB);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, GIB, 2 * GIB - 1, 30, 1, true);
	g = unmap_into(&fx, 4 * MIB, 6 * MIB);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, 4 * MIB, 10 * MIB - 1, 21, 2, true);
	pt_close(&fx);
}

static void whole_tables_leave_too(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;
	uint64_t live;

	pt_open(&fx, &pt_variants[0]);
	pt_map_all(&fx, 0, 4096, GIB, R); /* 512 tables of pages */
	live = fx.tp.live_tables;
	g = unmap_into(&fx, 2 * MIB, 2 * MIB);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, 2 * MIB, 4 * MIB - 1, 12, 3, false);
	assert_non_null(g.tables);
	assert_int_equal(fx.tp.live_tables, live);
	uiommu_gather_release(&g);
	assert_true(uiommu_gather_empty(&g));
	assert_int_equal(fx.tp.live_tables, live - 1);

	g = unmap_into(&fx, 0, GIB);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, 0, GIB - 1, 12, 3, false);
	uiommu_gather_release(&g);
	/* The root and the table of level 1 stay. */
	assert_int_equal(fx.tp.live_tables, live - 513);
	assert_int_equal(fx.tp.live_tables, 2);
	pt_close(&fx);
}

/* Nothing is mapped, but the walker may remember the way to the table. */
static void empty_table_is_invalidated_once(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;
	uint64_t unmapped;

	pt_open(&fx, &pt_variants[0]);
	pt_map_all(&fx, 2 * MIB, 0, 4096, R);
	pt_unmap_all(&fx, 2 * MIB, 4096, &unmapped);
	g = unmap_into(&fx, 2 * MIB, 2 * MIB);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, 2 * MIB, 4 * MIB - 1, 21, UIOMMU_GATHER_LEVEL_MIXED,
		     false);
	assert_non_null(g.tables);
	uiommu_gather_release(&g);
	g = unmap_into(&fx, 2 * MIB, 2 * MIB);
	assert_true(uiommu_gather_empty(&g));
	/*
	 * A tree of empty ones: each of the two lower ones may be remembered by
	 * any address it covers, so one invalidation per GiB would not do.
	 */
	pt_map_all(&fx, 4 * MIB, 0, 4096, R);
	pt_map_all(&fx, 64 * MIB, 0, 4096, R);
	pt_unmap_all(&fx, 4 * MIB, 4096, &unmapped);
	pt_unmap_all(&fx, 64 * MIB, 4096, &unmapped);
	g = unmap_into(&fx, 0, GIB);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, 0, GIB - 1, 21, UIOMMU_GATHER_LEVEL_MIXED, false);
	uiommu_gather_release(&g);
	assert_int_equal(fx.tp.live_tables, 2);
	pt_close(&fx);
}

static void mixed_sizes_say_so(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;

	pt_open(&fx, &pt_variants[0]);
	pt_map_all(&fx, 0, 0, 2 * MIB, R);
	pt_map_all(&fx, 2 * MIB, 0, 4096, R);
	g = unmap_into(&fx, 0, GIB);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, 0, GIB - 1, 12, UIOMMU_GATHER_LEVEL_MIXED, false);
	uiommu_gather_release(&g);
	pt_close(&fx);
}

/*
 * The hardware may hold the block of before until it is invalidated, so no
 * level may be told, to whoever unmaps first.
 */
static void pages_of_a_split_block_have_no_level(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;

	pt_open(&fx, &pt_variants[0]);
	pt_map_all(&fx, GIB, 0, GIB, R);
	g = unmap_into(&fx, GIB + 4096, 4096);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, GIB + 4096, GIB + 8191, 12,
		     UIOMMU_GATHER_LEVEL_MIXED, true);
	g = unmap_into(&fx, GIB, 4096);
	expect_range(&g, 0, GIB, GIB + 4095, 12, UIOMMU_GATHER_LEVEL_MIXED,
		     true);
	g = unmap_into(&fx, GIB + 4 * MIB, 2 * MIB);
	expect_range(&g, 0, GIB + 4 * MIB, GIB + 6 * MIB - 1, 21,
		     UIOMMU_GATHER_LEVEL_MIXED, true);
	/* The small table at its edge, as a whole. */
	g = unmap_into(&fx, GIB, 2 * MIB);
	expect_range(&g, 0, GIB, GIB + 2 * MIB - 1, 12,
		     UIOMMU_GATHER_LEVEL_MIXED, false);
	uiommu_gather_release(&g);
	/* And a table that is itself from a split. */
	pt_map_all(&fx, 0, 0, 2 * MIB, R);
	g = unmap_into(&fx, 0, 4096);
	g = unmap_into(&fx, 0, 2 * MIB);
	expect_range(&g, 0, 0, 2 * MIB - 1, 12, UIOMMU_GATHER_LEVEL_MIXED,
		     false);
	uiommu_gather_release(&g);
	pt_close(&fx);
}

/* Ranges that overlap, and the closest ones when there is no room. */
static void joined_ranges_are_as_careful_as_both(void **state)
{
	const struct uiommu_gather_range big = { 0x200000, 0x3fffff, 21, 2,
						 true };
	const struct uiommu_gather_range small = { 0x201000, 0x4fffff, 12, 3,
						   false };
	const struct uiommu_gather_range other = { 0x1000, 0x1fff, 12, 3,
						   true };
	struct uiommu_gather g;

	for (int order = 0; order < 2; order++) {
		uiommu_gather_init(&g);
		pt_gather_insert(&g, order ? &small : &big);
		pt_gather_insert(&g, &other);
		pt_gather_insert(&g, order ? &big : &small);
		assert_int_equal(g.nr_ranges, 2);
		expect_range(&g, 0, 0x1000, 0x1fff, 12, 3, true);
		expect_range(&g, 1, 0x200000, 0x4fffff, 12,
			     UIOMMU_GATHER_LEVEL_MIXED, false);
	}
}

static void too_many_ranges_become_fewer(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;
	uint64_t at[12], seed = 5, unmapped;

	pt_open(&fx, &pt_variants[0]);
	uiommu_gather_init(&g);
	for (unsigned int i = 0; i < 12; i++) {
		/* In no order; 0 and 1 are the closest pair. */
		at[i] = (i * 7 % 12) * 64 * MIB + (i == 1 ? 0x5000 : 0);
		if (i == 1)
			at[i] = at[0] + 0x5000;
		pt_map_all(&fx, at[i], 0, 4096, R);
		assert_int_equal(uiommu_pgtable_unmap(fx.pt, at[i], 4096, &g,
						      &unmapped),
				 0);
		/* The close pair is joined, with nothing beyond it. */
		if (i == UIOMMU_GATHER_RANGES)
			expect_range(&g, 0, at[0], at[1] + 4095, 12, 3, true);
	}
	assert_int_equal(g.nr_ranges, UIOMMU_GATHER_RANGES);
	for (unsigned int i = 0; i < 12; i++)
		assert_true(pt_gather_covers(&g, at[i], at[i] + 4095));
	for (uint32_t i = 1; i < g.nr_ranges; i++)
		assert_true(g.range[i - 1].last < g.range[i].first);

	/* Random ones: all stay covered. */
	uiommu_gather_init(&g);
	for (unsigned int i = 0; i < 500; i++) {
		uint64_t iova = pt_random(&seed) % 100000 * 4096;

		if (pt_map_all(&fx, iova, 0, 4096, R))
			continue;
		uiommu_pgtable_unmap(fx.pt, iova, 4096, &g, &unmapped);
		assert_true(pt_gather_covers(&g, iova, iova + 4095));
		assert_true(g.nr_ranges <= UIOMMU_GATHER_RANGES);
	}
	pt_close(&fx);
}

static void neighbours_join_in_any_order(void **state)
{
	static const unsigned int order[] = { 3, 1, 2, 0, 5, 4 };
	struct uiommu_gather g;
	struct pt_fixture fx;
	uint64_t unmapped;

	pt_open(&fx, &pt_variants[0]);
	pt_map_all(&fx, 0, 0, 6 * 4096, R);
	uiommu_gather_init(&g);
	for (unsigned int i = 0; i < 6; i++)
		uiommu_pgtable_unmap(fx.pt, order[i] * 4096ull, 4096, &g,
				     &unmapped);
	assert_int_equal(g.nr_ranges, 1);
	expect_range(&g, 0, 0, 6 * 4096 - 1, 12, 3, true);
	pt_close(&fx);
}

/* Blocks next to pages stay apart: one stride for both would be the small. */
static void different_strides_stay_apart(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;
	uint64_t unmapped;

	pt_open(&fx, &pt_variants[0]);
	pt_map_all(&fx, GIB - 4096, GIB - 4096, GIB + 4096, R);
	uiommu_gather_init(&g);
	uiommu_pgtable_unmap(fx.pt, GIB - 4096, GIB + 4096, &g, &unmapped);
	assert_int_equal(unmapped, GIB + 4096);
	assert_int_equal(g.nr_ranges, 2);
	expect_range(&g, 0, GIB - 4096, GIB - 1, 12, 3, true);
	expect_range(&g, 1, GIB, 2 * GIB - 1, 30, 1, true);
	pt_close(&fx);
}

static void tables_wait_for_readers(void **state)
{
	struct uiommu_pgtable_leaf leaf;
	struct uiommu_gather g;
	struct pt_fixture fx;
	uint64_t live;

	pt_open(&fx, &pt_variants[0]);
	pt_map_all(&fx, 0, 4096, 8 * MIB, R);
	live = fx.tp.live_tables;
	fx.platform->read_begin(fx.platform->ctx);
	g = unmap_into(&fx, 0, 2 * MIB);
	uiommu_gather_release(&g);
	assert_int_equal(fx.tp.live_tables, live);
	assert_int_equal(uiommu_pgtable_translate(fx.pt, 0, &leaf), -ENOENT);
	/* The object has one call under way; these wait for the next. */
	g = unmap_into(&fx, 2 * MIB, 2 * MIB);
	uiommu_gather_release(&g);
	g = unmap_into(&fx, 4 * MIB, 2 * MIB);
	uiommu_gather_release(&g);
	assert_int_equal(fx.tp.nr_deferred, 1);
	assert_int_equal(fx.tp.live_tables, live);
	fx.platform->read_end(fx.platform->ctx);
	assert_int_equal(fx.tp.live_tables, live - 3);
	assert_int_equal(uiommu_pgtable_table_bytes(fx.pt), fx.tp.live_bytes);
	pt_close(&fx);
}

static void destruction_does_not_wait(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;

	pt_open(&fx, &pt_variants[0]);
	test_platform_hold_deferred(&fx.tp, true);
	pt_map_all(&fx, 0, 4096, 4 * MIB, R);
	g = unmap_into(&fx, 0, 2 * MIB);
	uiommu_gather_release(&g);
	g = unmap_into(&fx, 2 * MIB, 2 * MIB);
	uiommu_gather_release(&g);
	uiommu_pgtable_destroy(fx.pt);
	assert_int_equal(fx.tp.live_tables, 2);
	assert_int_equal(fx.tp.live_objs, 1);
	test_platform_fini(&fx.tp); /* runs both calls, one after the other */
}

static void one_gather_serves_two_tables(void **state)
{
	struct uiommu_pgtable_cfg cfg = { .fmt = UIOMMU_PGTABLE_VMSAV8_S1,
					  .granule_lg2 = 16,
					  .ias = 48,
					  .oas = 48 };
	struct uiommu_pgtable *other;
	struct uiommu_gather g;
	struct pt_fixture fx;
	uint64_t unmapped;

	pt_open(&fx, &pt_variants[0]);
	cfg.platform = fx.platform;
	assert_int_equal(uiommu_pgtable_create(&cfg, &other), 0);
	uiommu_gather_init(&g);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(uiommu_pgtable_map(other, 0, 65536, 512 * MIB,
						    R, &g),
				 0);
		assert_int_equal(pt_map_all(&fx, 0, 4096, 2 * MIB, R), 0);
		uiommu_pgtable_unmap(other, 0, 512 * MIB, &g, &unmapped);
		uiommu_pgtable_unmap(fx.pt, 0, 2 * MIB, &g, &unmapped);
	}
	uiommu_gather_release(&g);
	assert_int_equal(uiommu_pgtable_table_bytes(other), 512 + 65536);
	uiommu_pgtable_destroy(other);
	pt_close(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_leave_by_leaf),
		cmocka_unit_test(blocks_leave_by_their_size),
		cmocka_unit_test(whole_tables_leave_too),
		cmocka_unit_test(empty_table_is_invalidated_once),
		cmocka_unit_test(mixed_sizes_say_so),
		cmocka_unit_test(pages_of_a_split_block_have_no_level),
		cmocka_unit_test(joined_ranges_are_as_careful_as_both),
		cmocka_unit_test(too_many_ranges_become_fewer),
		cmocka_unit_test(neighbours_join_in_any_order),
		cmocka_unit_test(different_strides_stay_apart),
		cmocka_unit_test(tables_wait_for_readers),
		cmocka_unit_test(destruction_does_not_wait),
		cmocka_unit_test(one_gather_serves_two_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
