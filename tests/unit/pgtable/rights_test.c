/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes inside leaves that stay: rights, dirty state; and trim, which changes
 * nothing that maps.
 */
#include "pt_fixture.h"

#define RIGHTS (R | W | X)
#define DBM UIOMMU_PGTABLE_DBM

/* Indices of pt_variants[]. */
enum {
	DIRECT,
	BBM
};

static const struct pt_variant *dbm_variant(size_t *from)
{
	while (*from < pt_nr_variants)
		if (pt_variants[(*from)++].features & DBM)
			return &pt_variants[*from - 1];
	return NULL;
}

static void protect_checks_its_arguments(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		uint64_t top = (uint64_t)1 << pt_variants[i].ias;
		struct uiommu_gather g;
		struct pt_fixture fx;

		pt_open(&fx, &pt_variants[i]);
		uiommu_gather_init(&g);
		const struct {
			uint64_t iova, len;
			uint32_t rights;
			int rc;
		} rows[] = {
			{ 0, 0, R, -EINVAL },
			{ 1, fx.page, R, -EINVAL },
			{ 0, fx.page + 1, R, -EINVAL },
			{ 0, fx.page, 0, -EINVAL },
			{ 0, fx.page, X, -EINVAL },
			{ 0, fx.page, R | C, -EINVAL },
			{ 0, fx.page, R | P, -EINVAL },
			{ 0, fx.page, R | 1u << 20, -EINVAL },
			{ top, fx.page, R, -ERANGE },
			{ top - fx.page, 2 * fx.page, R, -ERANGE },
			{ fx.page, -fx.page, R, -ERANGE },
			{ 0, top, R, 0 }, /* nothing there is nothing to do */
		};
		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
			fx.tp.log_lines = 0;
			assert_int_equal(
				uiommu_pgtable_protect(fx.pt, rows[k].iova,
						       rows[k].len,
						       rows[k].rights, &g),
				rows[k].rc);
			assert_int_equal(fx.tp.log_lines, rows[k].rc != 0);
		}
		assert_true(uiommu_gather_empty(&g));
		pt_close(&fx);
	}
}

/* From each set of rights to each other; the rest of the leaf stays. */
static void rights_change_and_nothing_else(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		struct uiommu_pgtable_leaf leaf;
		struct uiommu_gather g;
		struct pt_fixture fx;
		struct spec_leaf hw;
		uint64_t unmapped, pa;

		pt_open(&fx, &pt_variants[i]);
		pa = ((uint64_t)1 << fx.info.oas) - 4 * fx.page;
		for (uint32_t m = 0; m <= UIOMMU_PROT_ALL; m++)
			for (uint32_t to = R; to <= RIGHTS; to++) {
				if (!(to & (R | W)) ||
				    pt_map_all(&fx, 0, pa, fx.page, m))
					continue;
				uiommu_gather_init(&g);
				assert_int_equal(
					uiommu_pgtable_protect(fx.pt, 0,
							       fx.page, to, &g),
					0);
				assert_int_equal(g.nr_ranges,
						 (m & RIGHTS) != to);
				assert_int_equal(uiommu_pgtable_translate(
							 fx.pt, 0, &leaf),
						 0);
				assert_int_equal(leaf.prot, (m & ~RIGHTS) | to);
				assert_int_equal(leaf.pa, pa);
				assert_true(spec_walk(&fx.spec, 0, &hw));
				assert_int_equal(hw.pa, pa);
				assert_int_equal(hw.prot,
						 leaf.prot | (fx.spec.stage == 1
								      ? R
								      : 0));
				assert_int_equal(hw.dbm,
						 (to & W) && (fx.info.features &
							      DBM));
				pt_unmap_all(&fx, 0, fx.page, &unmapped);
			}
		pt_close(&fx);
	}
}

/* The middle of three blocks, and a page on both sides. */
static void protect_splits_at_both_ends(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		bool bbm = !(pt_variants[i].features & UIOMMU_PGTABLE_BBML2);
		struct spec_dump before, after;
		uint64_t nth, first, last;
		struct uiommu_gather g;
		struct pt_fixture fx;
		struct spec_leaf hw;
		int rc;

		pt_open(&fx, &pt_variants[i]);
		first = fx.block - fx.page;
		last = 2 * fx.block + fx.page;
		pt_map_all(&fx, 0, 0, 3 * fx.block, R | W | C);
		spec_dump(&fx.spec, &before);
		uiommu_gather_init(&g);
		for (nth = 1;; nth++) {
			test_platform_fail_nth(&fx.tp, nth);
			rc = uiommu_pgtable_protect(fx.pt, first, last - first,
						    R, &g);
			if (!test_platform_fail_nth(&fx.tp, 0))
				break;
			assert_int_equal(rc, -ENOMEM);
			assert_true(uiommu_gather_empty(&g));
			spec_dump(&fx.spec, &after);
			assert_true(spec_dump_same(&before, &after, true));
			spec_dump_free(&after);
		}
		assert_int_equal(nth, 3);
		assert_int_equal(rc, bbm ? -EAGAIN : 0);
		if (bbm) {
			assert_true(pt_gather_covers(&g, 0, fx.block - 1));
			uiommu_gather_release(&g);
			test_platform_fail_nth(&fx.tp, 1);
			assert_int_equal(uiommu_pgtable_protect(fx.pt, first,
								last - first, R,
								&g),
					 0);
			assert_false(test_platform_fail_nth(&fx.tp, 0));
		}
		assert_null(g.tables);
		for (uint64_t at = 0; at < 3 * fx.block; at += fx.page) {
			if (at >= first && at < last)
				assert_true(pt_gather_covers(&g, at, at));
			assert_true(spec_walk(&fx.spec, at, &hw));
			assert_int_equal(hw.pa + (at - hw.iova), at);
			assert_int_equal(hw.prot, at >= first && at < last
							  ? R | C
							  : R | W | C);
		}
		uiommu_gather_release(&g);
		spec_dump_free(&before);
		pt_close(&fx);
	}
}

struct reports {
	uint64_t iova[64];
	uint64_t size[64];
	unsigned int nr;
};

static void note(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct reports *r = ctx;

	assert_true(r->nr < 64);
	r->iova[r->nr] = iova;
	r->size[r->nr++] = size;
}

static unsigned int read_dirty(struct pt_fixture *fx, uint64_t iova,
			       uint64_t len, uint32_t flags, struct reports *r)
{
	struct uiommu_gather g;

	r->nr = 0;
	uiommu_gather_init(&g);
	assert_int_equal(uiommu_pgtable_read_and_clear_dirty(
				 fx->pt, iova, len, flags, note, r, &g),
			 0);
	/* What was cleared, and only that, is to be forgotten. */
	for (unsigned int i = 0; i < r->nr && !flags; i++)
		assert_true(pt_gather_covers(&g, r->iova[i],
					     r->iova[i] + r->size[i] - 1));
	assert_null(g.tables);
	assert_int_equal(g.nr_ranges != 0, r->nr && !flags);
	return r->nr;
}

static void dirty_checks_its_arguments(void **state)
{
	const struct pt_variant *v;
	struct uiommu_gather g;
	struct pt_fixture fx;
	struct reports r = { .nr = 0 };
	size_t from = 0;

	uiommu_gather_init(&g);
	pt_open(&fx, &pt_variants[DIRECT]);
	assert_int_equal(uiommu_pgtable_read_and_clear_dirty(fx.pt, 0, fx.page,
							     0, note, &r, &g),
			 -EOPNOTSUPP);
	assert_int_equal(fx.tp.log_lines, 1);
	pt_close(&fx);
	while ((v = dbm_variant(&from))) {
		uint64_t top = (uint64_t)1 << v->ias;

		pt_open(&fx, v);
		const struct {
			uint64_t iova, len;
			uint32_t flags;
			int rc;
		} rows[] = {
			{ 0, 0, 0, -EINVAL },
			{ 1, fx.page, 0, -EINVAL },
			{ 0, 1, 0, -EINVAL },
			{ 0, fx.page, 2, -EINVAL },
			{ top, fx.page, 0, -ERANGE },
			{ 0, top + fx.page, 0, -ERANGE },
			{ 0, -fx.page, 0, -ERANGE },
			{ 0, top, 0, 0 },
		};
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			fx.tp.log_lines = 0;
			assert_int_equal(uiommu_pgtable_read_and_clear_dirty(
						 fx.pt, rows[i].iova,
						 rows[i].len, rows[i].flags,
						 note, &r, &g),
					 rows[i].rc);
			assert_int_equal(fx.tp.log_lines, rows[i].rc != 0);
		}
		assert_int_equal(uiommu_pgtable_read_and_clear_dirty(
					 fx.pt, 0, fx.page, 0, NULL, &r, &g),
				 -EINVAL);
		assert_int_equal(r.nr, 0);
		assert_true(uiommu_gather_empty(&g));
		pt_close(&fx);
	}
}

static void what_was_written_is_reported_once(void **state)
{
	const struct pt_variant *v;
	struct reports r;
	size_t from = 0;

	while ((v = dbm_variant(&from))) {
		struct pt_fixture fx;
		uint64_t page, block;

		pt_open(&fx, v);
		page = fx.page;
		block = fx.block;
		/* Two pages, a block behind them, one that is read only. */
		pt_map_all(&fx, block - 2 * page, 0, 2 * page, R | W);
		pt_map_all(&fx, block, 2 * block, block, R | W);
		pt_map_all(&fx, 3 * block, 0, page, R);
		assert_int_equal(read_dirty(&fx, 0, 4 * block, 0, &r), 0);
		assert_true(pt_hw_write(&fx, block - page));
		assert_true(pt_hw_write(&fx, block + 5 * page));
		assert_false(pt_hw_write(&fx, 3 * block));
		/* Reading alone leaves it; the block counts as one. */
		for (int clear = 0; clear < 2; clear++) {
			assert_int_equal(
				read_dirty(&fx, 0, 4 * block,
					   clear ? 0 : UIOMMU_DIRTY_NO_CLEAR,
					   &r),
				2);
			assert_int_equal(r.iova[0], block - page);
			assert_int_equal(r.size[0], page);
			assert_int_equal(r.iova[1], block);
			assert_int_equal(r.size[1], block);
		}
		assert_int_equal(read_dirty(&fx, 0, 4 * block, 0, &r), 0);
		/* A part of the block is asked for, all of it answers. */
		assert_true(pt_hw_write(&fx, block));
		assert_int_equal(
			read_dirty(&fx, block + 3 * page, 2 * page, 0, &r), 1);
		assert_int_equal(r.iova[0], block);
		assert_int_equal(r.size[0], block);
		assert_int_equal(read_dirty(&fx, 0, 4 * block, 0, &r), 0);
		pt_close(&fx);
	}
}

/* A dirty block that is split leaves dirty pages; a clean one clean ones. */
static void a_split_loses_no_write(void **state)
{
	const struct pt_variant *v;
	size_t from = 0;

	while ((v = dbm_variant(&from))) {
		struct uiommu_gather g;
		struct reports r;
		struct pt_fixture fx;
		uint64_t unmapped;
		int rc;

		pt_open(&fx, v);
		pt_map_all(&fx, 0, 0, 2 * fx.block, R | W);
		assert_true(pt_hw_write(&fx, 0));
		uiommu_gather_init(&g);
		rc = uiommu_pgtable_unmap(fx.pt, 2 * fx.page,
					  2 * fx.block - 4 * fx.page, &g,
					  &unmapped);
		uiommu_gather_release(&g);
		if (rc == -EAGAIN) {
			/* In the tables that are prepared, too. */
			assert_int_equal(read_dirty(&fx, 0, fx.page, 0, &r), 1);
			assert_int_equal(r.size[0], fx.page);
			assert_int_equal(
				uiommu_pgtable_unmap(fx.pt, 2 * fx.page,
						     2 * fx.block - 4 * fx.page,
						     &g, &unmapped),
				0);
			uiommu_gather_release(&g);
		} else {
			assert_int_equal(read_dirty(&fx, 0, fx.page, 0, &r), 1);
		}
		assert_int_equal(read_dirty(&fx, 0, 2 * fx.block, 0, &r), 1);
		assert_int_equal(r.iova[0], fx.page);
		assert_int_equal(r.size[0], fx.page);
		pt_close(&fx);
	}
}

/*
 * Between the two calls of a split the hardware may still write by the leaf of
 * before: what is cleared in the prepared table must reach that leaf, so no
 * level may be told.
 */
static void clearing_during_a_split_reaches_the_old_leaf(void **state)
{
	const struct pt_variant *v;
	size_t from = 0;

	while ((v = dbm_variant(&from))) {
		struct reports r = { .nr = 0 };
		struct uiommu_gather g, later;
		struct pt_fixture fx;
		uint64_t unmapped;
		int rc;

		pt_open(&fx, v);
		pt_map_all(&fx, 0, 0, fx.block, R | W);
		assert_true(pt_hw_write(&fx, 0));
		uiommu_gather_init(&later);
		uiommu_gather_init(&g);
		rc = uiommu_pgtable_unmap(fx.pt, 2 * fx.page, fx.page, &later,
					  &unmapped);
		/* Not flushed yet; another thread collects. */
		assert_int_equal(uiommu_pgtable_read_and_clear_dirty(
					 fx.pt, 0, fx.page, 0, note, &r, &g),
				 0);
		assert_int_equal(r.nr, 1);
		assert_int_equal(g.nr_ranges, 1);
		assert_int_equal(g.range[0].last, fx.page - 1);
		assert_int_equal(g.range[0].level, UIOMMU_GATHER_LEVEL_MIXED);
		uiommu_gather_release(&g);
		uiommu_gather_release(&later);
		if (rc == -EAGAIN)
			rc = uiommu_pgtable_unmap(fx.pt, 2 * fx.page, fx.page,
						  &later, &unmapped);
		assert_int_equal(rc, 0);
		uiommu_gather_release(&later);
		pt_close(&fx);
	}
}

static void rights_and_dirty_state(void **state)
{
	const struct pt_variant *v;
	struct reports r;
	size_t from = 0;

	while ((v = dbm_variant(&from))) {
		struct pt_fixture fx;

		pt_open(&fx, v);
		pt_map_all(&fx, 0, 0, 2 * fx.page, R | W);
		assert_true(pt_hw_write(&fx, 0));
		/* Stays writable: stays dirty. */
		pt_protect_all(&fx, 0, fx.page, R | W | X);
		assert_int_equal(read_dirty(&fx, 0, 2 * fx.page,
					    UIOMMU_DIRTY_NO_CLEAR, &r),
				 1);
		/* Not writable for a while: clean afterwards. */
		pt_protect_all(&fx, 0, fx.page, R);
		assert_false(pt_hw_write(&fx, 0));
		pt_protect_all(&fx, 0, fx.page, R | W);
		assert_int_equal(read_dirty(&fx, 0, 2 * fx.page, 0, &r), 0);
		assert_true(pt_hw_write(&fx, 0));
		assert_int_equal(read_dirty(&fx, 0, 2 * fx.page, 0, &r), 1);
		pt_close(&fx);
	}
}

static void trim_takes_what_is_empty(void **state)
{
	for (size_t i = 0; i < pt_nr_variants; i++) {
		uint64_t far = (uint64_t)1 << (pt_variants[i].ias - 1);
		struct spec_dump before, after;
		struct uiommu_gather g;
		struct pt_fixture fx;
		uint64_t unmapped;

		pt_open(&fx, &pt_variants[i]);
		pt_map_all(&fx, fx.block - fx.page, 0, 2 * fx.page, R);
		for (uint64_t at = 0; at < 4 * fx.block; at += fx.block) {
			pt_map_all(&fx, far + at + fx.page, 0, fx.page, R);
			pt_unmap_all(&fx, far + at + fx.page, fx.page,
				     &unmapped);
		}
		pt_unmap_all(&fx, fx.block, fx.page, &unmapped);
		assert_true(pt_empty_tables(&fx) >= 5);
		spec_dump(&fx.spec, &before);
		uiommu_gather_init(&g);
		uiommu_pgtable_trim(fx.pt, &g);
		assert_non_null(g.tables);
		assert_true(pt_gather_covers(&g, far, far + 4 * fx.block - 1));
		assert_true(pt_gather_covers(&g, fx.block, 2 * fx.block - 1));
		assert_false(pt_gather_covers(&g, 0, 0));
		for (uint32_t k = 0; k < g.nr_ranges; k++)
			assert_false(g.range[k].leaf_only);
		uiommu_gather_release(&g);
		spec_dump(&fx.spec, &after);
		assert_true(spec_dump_same(&before, &after, false));
		assert_int_equal(pt_empty_tables(&fx), 0);
		assert_int_equal(uiommu_pgtable_table_bytes(fx.pt),
				 fx.tp.live_bytes);
		spec_dump_free(&before);
		spec_dump_free(&after);
		/* Nothing is left to take; then the last page goes as well. */
		uiommu_pgtable_trim(fx.pt, &g);
		assert_true(uiommu_gather_empty(&g));
		pt_unmap_all(&fx, fx.block - fx.page, fx.page, &unmapped);
		uiommu_pgtable_trim(fx.pt, &g);
		uiommu_gather_release(&g);
		assert_int_equal(fx.tp.live_tables, 1);
		pt_close(&fx);
	}
}

/* A look-up that is inside keeps the tables it may stand in. */
static void trimmed_tables_wait_for_readers(void **state)
{
	struct uiommu_pgtable_leaf leaf;
	struct uiommu_gather g;
	struct pt_fixture fx;
	uint64_t unmapped;

	pt_open(&fx, &pt_variants[BBM]);
	pt_map_all(&fx, GIB, 0, 4096, R);
	pt_unmap_all(&fx, GIB, 4096, &unmapped);
	uiommu_gather_init(&g);
	uiommu_pgtable_trim(fx.pt, &g);
	fx.platform->read_begin(fx.platform->ctx);
	uiommu_gather_release(&g);
	assert_int_equal(fx.tp.live_tables, 4);
	assert_int_equal(uiommu_pgtable_translate(fx.pt, GIB, &leaf), -ENOENT);
	fx.platform->read_end(fx.platform->ctx);
	test_platform_run_deferred(&fx.tp);
	assert_int_equal(fx.tp.live_tables, 1);
	pt_close(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protect_checks_its_arguments),
		cmocka_unit_test(rights_change_and_nothing_else),
		cmocka_unit_test(protect_splits_at_both_ends),
		cmocka_unit_test(dirty_checks_its_arguments),
		cmocka_unit_test(what_was_written_is_reported_once),
		cmocka_unit_test(a_split_loses_no_write),
		cmocka_unit_test(clearing_during_a_split_reaches_the_old_leaf),
		cmocka_unit_test(rights_and_dirty_state),
		cmocka_unit_test(trim_takes_what_is_empty),
		cmocka_unit_test(trimmed_tables_wait_for_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
