/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaves that become tables and tables that become leaves: by way of -EAGAIN
 * where the hardware needs break-before-make, at once where it does not.
 */
#include "pt_fixture.h"

enum {
	DIRECT,
	BBM,
	BBM_INCOHERENT
};

static int unmap_raw(struct pt_fixture *fx, uint64_t iova, uint64_t len,
		     struct uiommu_gather *gather, uint64_t *unmapped)
{
	uiommu_gather_init(gather);
	return uiommu_pgtable_unmap(fx->pt, iova, len, gather, unmapped);
}

static void broken_leaf_is_gone_for_hardware_only(void **state)
{
	for (int v = BBM; v <= BBM_INCOHERENT; v++) {
		struct uiommu_pgtable_leaf leaf;
		struct uiommu_gather g;
		struct pt_fixture fx;
		struct spec_leaf hw;
		uint64_t unmapped;

		pt_open(&fx, &pt_variants[v]);
		pt_map_all(&fx, 2 * MIB, 6 * MIB, 2 * MIB, R | W | C);
		assert_int_equal(unmap_raw(&fx, 2 * MIB + 0x3000, 0x2000, &g,
					   &unmapped),
				 -EAGAIN);
		/* All that the leaf covered is to be forgotten. */
		assert_int_equal(g.nr_ranges, 1);
		assert_int_equal(g.range[0].first, 2 * MIB);
		assert_int_equal(g.range[0].last, 4 * MIB - 1);
		assert_int_equal(g.range[0].stride_lg2, 21);
		assert_int_equal(g.range[0].level, 2);
		assert_true(g.range[0].leaf_only);
		for (uint64_t at = 2 * MIB; at < 4 * MIB; at += 4096) {
			assert_false(spec_walk(&fx.spec, at, &hw));
			assert_int_equal(uiommu_pgtable_translate(fx.pt, at + 1,
								  &leaf),
					 0);
			assert_int_equal(leaf.pa, at + 1 + 4 * MIB);
			assert_int_equal(leaf.prot, R | W | C);
		}
		uiommu_gather_release(&g);
		test_platform_fail_nth(&fx.tp, 1);
		assert_int_equal(unmap_raw(&fx, 2 * MIB + 0x3000, 0x2000, &g,
					   &unmapped),
				 0);
		assert_false(test_platform_fail_nth(&fx.tp, 0));
		assert_int_equal(unmapped, 0x2000);
		assert_int_equal(g.nr_ranges, 1);
		assert_int_equal(g.range[0].first, 2 * MIB + 0x3000);
		assert_int_equal(g.range[0].level, 3);
		for (uint64_t at = 2 * MIB; at < 4 * MIB; at += 4096) {
			bool gone = at - 2 * MIB - 0x3000 < 0x2000;

			assert_int_equal(spec_walk(&fx.spec, at, &hw), !gone);
			if (!gone)
				assert_int_equal(hw.pa, at + 4 * MIB);
		}
		pt_close(&fx);
	}
}

static void neighbours_wait_for_the_second_call(void **state)
{
	struct uiommu_gather g, other;
	struct spec_leaf hw;
	struct pt_fixture fx;
	uint64_t unmapped, at = 2 * MIB;

	pt_open(&fx, &pt_variants[BBM]);
	pt_map_all(&fx, at, at, 2 * MIB, R);
	assert_int_equal(unmap_raw(&fx, at + 0x5000, 0x1000, &g, &unmapped),
			 -EAGAIN);
	/* A neighbour in the same leaf: nothing to flush, nothing done. */
	assert_int_equal(unmap_raw(&fx, at, 0x5000, &other, &unmapped),
			 -EAGAIN);
	assert_true(uiommu_gather_empty(&other));
	assert_int_equal(unmapped, 0);
	/* It is still mapped. */
	assert_int_equal(uiommu_pgtable_map(fx.pt, at, 0, 4096, R, &other),
			 -EEXIST);
	assert_int_equal(uiommu_pgtable_map(fx.pt, at, at, 2 * MIB, R, &other),
			 -EEXIST);
	/* One elsewhere does not notice. */
	assert_int_equal(uiommu_pgtable_map(fx.pt, 0, 0, 2 * MIB, R, &other),
			 0);
	uiommu_gather_release(&g);
	assert_int_equal(unmap_raw(&fx, at + 0x5000, 0x1000, &g, &unmapped), 0);
	assert_int_equal(unmapped, 0x1000);
	assert_int_equal(unmap_raw(&fx, at, 0x5000, &other, &unmapped), 0);
	assert_int_equal(unmapped, 0x5000);
	assert_false(spec_walk(&fx.spec, at + 0x5000, &hw));
	assert_true(spec_walk(&fx.spec, at + 0x6000, &hw));
	pt_close(&fx);
}

static void both_ends_break_in_one_call(void **state)
{
	struct uiommu_gather g;
	struct pt_fixture fx;
	struct spec_dump d;
	uint64_t unmapped;

	pt_open(&fx, &pt_variants[BBM]);
	pt_map_all(&fx, 0, 0, 8 * MIB, R);
	assert_int_equal(unmap_raw(&fx, 4096, 6 * MIB, &g, &unmapped), -EAGAIN);
	assert_int_equal(g.nr_ranges, 2);
	assert_int_equal(g.range[0].first, 0);
	assert_int_equal(g.range[1].last, 8 * MIB - 1);
	uiommu_gather_release(&g);
	assert_int_equal(unmap_raw(&fx, 4096, 6 * MIB, &g, &unmapped), 0);
	assert_int_equal(unmapped, 6 * MIB);
	uiommu_gather_release(&g);
	spec_dump(&fx.spec, &d);
	assert_int_equal(d.nr_leaves, 1 + 511);
	spec_dump_free(&d);
	pt_close(&fx);
}

/* The second call may cover more, or less: what it finds is what counts. */
static void an_abandoned_split_does_no_harm(void **state)
{
	uint64_t unmapped, at = GIB;
	struct uiommu_gather g;
	struct pt_fixture fx;
	struct spec_dump d;

	pt_open(&fx, &pt_variants[BBM]);
	/* Taken over by an unmap of everything. */
	pt_map_all(&fx, at, at, GIB, R);
	assert_int_equal(unmap_raw(&fx, at + 0x5000, 0x1000, &g, &unmapped),
			 -EAGAIN);
	uiommu_gather_release(&g);
	assert_int_equal(unmap_raw(&fx, 0, 4 * GIB, &g, &unmapped), 0);
	assert_int_equal(unmapped, GIB);
	assert_true(pt_gather_covers(&g, at, at + GIB - 1));
	uiommu_gather_release(&g);
	spec_dump(&fx.spec, &d);
	assert_int_equal(d.nr_leaves, 0);
	spec_dump_free(&d);
	/* By one with other ends, which breaks once more. */
	pt_map_all(&fx, at, at, GIB, R);
	assert_int_equal(unmap_raw(&fx, at + 0x5000, 0x1000, &g, &unmapped),
			 -EAGAIN);
	uiommu_gather_release(&g);
	assert_int_equal(unmap_raw(&fx, at + 0x4000, 8 * MIB, &g, &unmapped),
			 -EAGAIN);
	uiommu_gather_release(&g);
	assert_int_equal(unmap_raw(&fx, at + 0x4000, 8 * MIB, &g, &unmapped),
			 0);
	assert_int_equal(unmapped, 8 * MIB);
	uiommu_gather_release(&g);
	/* By nobody: destruction frees what was prepared. */
	assert_int_equal(unmap_raw(&fx, at + 32 * MIB + 0x1000, 0x1000, &g,
				   &unmapped),
			 -EAGAIN);
	pt_close(&fx);
}

/* What runs inside the next call of table_alloc. */
static struct {
	struct pt_fixture *fx;
	void *(*alloc)(void *ctx, size_t size, uiommu_pa_t *pa);
	unsigned int calls_left; /* until then */
	uint64_t iova;
	uint64_t len;
} rival;

/* A neighbour splits in the middle of somebody else's call. */
static void *alloc_beside_a_rival(void *ctx, size_t size, uiommu_pa_t *pa)
{
	uint64_t unmapped;

	if (!--rival.calls_left) {
		rival.fx->tp.platform.table_alloc = rival.alloc;
		assert_int_equal(pt_unmap_all(rival.fx, rival.iova, rival.len,
					      &unmapped),
				 0);
		assert_int_equal(unmapped, rival.len);
	}
	return rival.alloc(ctx, size, pa);
}

static void rival_unmaps(struct pt_fixture *fx, unsigned int nth_alloc,
			 uint64_t iova, uint64_t len)
{
	rival.fx = fx;
	rival.alloc = fx->tp.platform.table_alloc;
	rival.calls_left = nth_alloc;
	rival.iova = iova;
	rival.len = len;
	fx->tp.platform.table_alloc = alloc_beside_a_rival;
}

/*
 * Of a call's two leaves a neighbour takes one while the other is broken; the
 * second call needs memory for what it finds there, and has none.
 */
static void without_memory_nothing_stays_broken(void **state)
{
	/* Which end the neighbour is at. */
	for (int end = 0; end < 2; end++) {
		const uint64_t first = GIB - 5 * MIB - 0x1000;
		const uint64_t len = 10 * MIB + 0x2000;
		struct uiommu_gather g;
		struct pt_fixture fx;
		struct spec_leaf hw;
		uint64_t unmapped;

		pt_open(&fx, &pt_variants[BBM]);
		pt_map_all(&fx, 0, 4 * GIB, 2 * GIB, R);
		rival_unmaps(&fx, 4, end ? 2 * GIB - 4096 : 0, 4096);
		assert_int_equal(unmap_raw(&fx, first, len, &g, &unmapped),
				 -EAGAIN);
		assert_int_equal(g.nr_ranges, 1);
		assert_int_equal(g.range[0].first, end ? 0 : GIB);
		uiommu_gather_release(&g);

		test_platform_fail_nth(&fx.tp, 1);
		assert_int_equal(unmap_raw(&fx, first, len, &g, &unmapped),
				 -ENOMEM);
		assert_true(test_platform_fail_nth(&fx.tp, 0));
		assert_int_equal(unmapped, 0);
		assert_true(uiommu_gather_empty(&g));
		/* All that is mapped is there for the hardware too. */
		for (uint64_t at = 0; at < 2 * GIB; at += MIB / 2) {
			if (at == (end ? 2 * GIB - 4096 : 0))
				continue;
			assert_true(spec_walk(&fx.spec, at, &hw));
			assert_int_equal(hw.pa + (at - hw.iova), 4 * GIB + at);
		}
		assert_int_equal(pt_unmap_all(&fx, first, len, &unmapped), 0);
		assert_int_equal(unmapped, len);
		pt_close(&fx);
	}
}

static void leave_empty_tables(struct pt_fixture *fx, uint64_t iova,
			       uint64_t len)
{
	uint64_t unmapped;

	for (uint64_t at = iova; at < iova + len; at += fx->block) {
		pt_map_all(fx, at, 0, fx->page, R);
		pt_unmap_all(fx, at, fx->page, &unmapped);
	}
}

static void block_replaces_empty_table_after_a_flush(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		bool bbm = !(pt_variants[i].features & UIOMMU_PGTABLE_BBML2);
		struct uiommu_gather g;
		struct pt_fixture fx;
		struct spec_leaf hw;
		uint64_t b, live;
		int rc;

		pt_open(&fx, &pt_variants[i]);
		b = fx.block;
		leave_empty_tables(&fx, 4 * b, 2 * b);
		live = fx.tp.live_tables;
		uiommu_gather_init(&g);
		/* A page first, so that the call has two runs. */
		rc = uiommu_pgtable_map(fx.pt, 4 * b - fx.page, 8 * b - fx.page,
					2 * b + fx.page, R, &g);
		assert_int_equal(rc, bbm ? -EAGAIN : 0);
		assert_int_equal(g.nr_ranges, 1);
		assert_int_equal(g.range[0].first, 4 * b);
		assert_int_equal(g.range[0].last, 6 * b - 1);
		assert_false(g.range[0].leaf_only);
		assert_non_null(g.tables);
		assert_int_equal(fx.tp.live_tables, live + 1);
		if (bbm)
			assert_false(spec_walk(&fx.spec, 4 * b - fx.page, &hw));
		uiommu_gather_release(&g);
		assert_int_equal(fx.tp.live_tables, live - 1);
		if (bbm) {
			test_platform_fail_nth(&fx.tp, 1);
			assert_int_equal(
				uiommu_pgtable_map(fx.pt, 4 * b - fx.page,
						   8 * b - fx.page,
						   2 * b + fx.page, R, &g),
				0);
			assert_false(test_platform_fail_nth(&fx.tp, 0));
			assert_true(uiommu_gather_empty(&g));
		}
		assert_true(spec_walk(&fx.spec, 6 * b - 1, &hw));
		assert_int_equal((uint64_t)1 << hw.size_lg2, b);
		assert_int_equal(hw.pa, 9 * b);
		assert_true(spec_walk(&fx.spec, 4 * b - 1, &hw));
		assert_int_equal((uint64_t)1 << hw.size_lg2, fx.page);
		pt_close(&fx);
	}
}

static void big_block_replaces_a_tree(void **state)
{
	struct uiommu_pgtable_leaf leaf;
	struct uiommu_gather g;
	struct pt_fixture fx;

	pt_open(&fx, &pt_variants[DIRECT]);
	leave_empty_tables(&fx, GIB, 64 * MIB);
	assert_int_equal(fx.tp.live_tables, 2 + 1 + 32);
	uiommu_gather_init(&g);
	assert_int_equal(uiommu_pgtable_map(fx.pt, GIB, 0, GIB, R, &g), 0);
	uiommu_gather_release(&g);
	assert_int_equal(fx.tp.live_tables, 2);
	assert_int_equal(uiommu_pgtable_translate(fx.pt, GIB + 5, &leaf), 0);
	assert_int_equal(leaf.size_lg2, 30);
	assert_int_equal(leaf.level, 1);
	assert_int_equal(leaf.pa, 5);
	pt_close(&fx);
}

static void table_with_one_page_is_not_replaced(void **state)
{
	for (int v = DIRECT; v <= BBM; v++) {
		struct uiommu_gather g;
		struct pt_fixture fx;

		pt_open(&fx, &pt_variants[v]);
		leave_empty_tables(&fx, GIB, 64 * MIB);
		pt_map_all(&fx, GIB + 62 * MIB + 511 * 4096, 0, 4096, R);
		uiommu_gather_init(&g);
		assert_int_equal(uiommu_pgtable_map(fx.pt, GIB, 0, GIB, R, &g),
				 -EEXIST);
		assert_int_equal(uiommu_pgtable_map(fx.pt, GIB, 0, 64 * MIB, R,
						    &g),
				 -EEXIST);
		assert_true(uiommu_gather_empty(&g));
		assert_int_equal(fx.tp.live_tables, 2 + 1 + 32);
		pt_close(&fx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_leaf_is_gone_for_hardware_only),
		cmocka_unit_test(neighbours_wait_for_the_second_call),
		cmocka_unit_test(both_ends_break_in_one_call),
		cmocka_unit_test(an_abandoned_split_does_no_harm),
		cmocka_unit_test(without_memory_nothing_stays_broken),
		cmocka_unit_test(block_replaces_empty_table_after_a_flush),
		cmocka_unit_test(big_block_replaces_a_tree),
		cmocka_unit_test(table_with_one_page_is_not_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
