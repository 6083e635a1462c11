/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random map, unmap and translate against an array with one entry per page,
 * on every instance, with and without break-before-make.  After each change
 * the hardware's view (a walker of the test's own) must agree page by page,
 * and every page that stopped being mapped, or may be cached in another size,
 * must lie in the gather.
 */
#include "pt_fixture.h"

struct page {
	uint64_t pa;
	uint32_t prot;
	bool mapped;
};

struct naive {
	struct pt_fixture fx;
	uint64_t base; /* iova of page[0] */
	size_t nr;
	struct page *page;
	uint64_t seed;
};

static const uint32_t prots_s1[] = {
	R, R | W, W, R | W | C, R | X | C, R | W | M, R | W | P | X
};
static const uint32_t prots_s2[] = { R,		R | W,	   W,	     R | W | C,
				     R | X | C, R | W | M, W | X | C };

static uint32_t any_prot(struct naive *nv)
{
	const uint32_t *prots = nv->fx.spec.stage == 1 ? prots_s1 : prots_s2;

	return prots[pt_random(&nv->seed) % 7];
}

/* What the hardware allows for what was asked. */
static uint32_t hw_prot(const struct naive *nv, uint32_t prot)
{
	return nv->fx.spec.stage == 1 ? prot | R : prot;
}

/* A range that is often a whole block, or just short of one. */
static void any_range(struct naive *nv, size_t *first, size_t *nr)
{
	size_t per_block = nv->fx.block / nv->fx.page;
	uint64_t dice = pt_random(&nv->seed) % 8;

	if (dice < 3) {
		*first =
			pt_random(&nv->seed) % (nv->nr / per_block) * per_block;
		*nr = per_block * (1 + pt_random(&nv->seed) % 2);
		if (dice == 2)
			*nr -= 1 + pt_random(&nv->seed) % 3;
	} else if (dice < 5) {
		*first = pt_random(&nv->seed) % nv->nr;
		*nr = 1 + pt_random(&nv->seed) % nv->nr;
	} else {
		*first = pt_random(&nv->seed) % nv->nr;
		*nr = 1 + pt_random(&nv->seed) % 16;
	}
	if (*first + *nr > nv->nr)
		*nr = nv->nr - *first;
}

/* Half of the time the same offset in a block as the iova. */
static uint64_t any_pa(struct naive *nv, uint64_t iova, uint64_t len)
{
	uint64_t top = (uint64_t)1 << nv->fx.info.oas;
	uint64_t pa = pt_random(&nv->seed) % (top / 2) & ~(nv->fx.block - 1);

	if (pt_random(&nv->seed) & 1)
		pa += iova & (nv->fx.block - 1);
	else
		pa += pt_random(&nv->seed) % (nv->fx.block / nv->fx.page) *
		      nv->fx.page;
	if (pt_random(&nv->seed) % 8 == 0)
		pa = top - len; /* up to the last byte */
	return pa;
}

static void check_all(struct naive *nv)
{
	struct spec_leaf leaf;
	uint64_t iova;

	for (size_t i = 0; i < nv->nr; i++) {
		iova = nv->base + i * nv->fx.page;
		if (!spec_walk(&nv->fx.spec, iova, &leaf)) {
			assert_false(nv->page[i].mapped);
			continue;
		}
		assert_true(nv->page[i].mapped);
		assert_int_equal(leaf.pa + (iova - leaf.iova), nv->page[i].pa);
		assert_int_equal(leaf.prot, hw_prot(nv, nv->page[i].prot));
	}
}

static void check_translate(struct naive *nv, size_t i)
{
	uint64_t off = pt_random(&nv->seed) % nv->fx.page;
	uint64_t iova = nv->base + i * nv->fx.page + off;
	struct uiommu_pgtable_leaf leaf;
	struct spec_leaf hw;
	int rc = uiommu_pgtable_translate(nv->fx.pt, iova, &leaf);

	assert_int_equal(rc, nv->page[i].mapped ? 0 : -ENOENT);
	if (rc)
		return;
	assert_true(spec_walk(&nv->fx.spec, iova, &hw));
	assert_int_equal(leaf.pa, nv->page[i].pa + off);
	assert_int_equal(leaf.prot, nv->page[i].prot);
	assert_int_equal(leaf.level, hw.level);
	assert_int_equal(leaf.size_lg2, hw.size_lg2);
}

static void do_map(struct naive *nv)
{
	uint32_t prot = any_prot(nv);
	uint64_t iova, pa, len;
	bool taken = false;
	size_t first, nr;
	int rc;

	any_range(nv, &first, &nr);
	iova = nv->base + first * nv->fx.page;
	len = nr * nv->fx.page;
	pa = any_pa(nv, iova, len);
	for (size_t i = first; i < first + nr; i++)
		taken = taken || nv->page[i].mapped;
	rc = pt_map_all(&nv->fx, iova, pa, len, prot);
	assert_int_equal(rc, taken ? -EEXIST : 0);
	for (size_t i = first; !rc && i < first + nr; i++)
		nv->page[i] = (struct page){ pa + (i - first) * nv->fx.page,
					     prot, true };
}

/* Each page that goes must be invalidated, at a stride that finds it. */
static void check_gathered(const struct uiommu_gather *gather, uint64_t iova,
			   const struct spec_leaf *was)
{
	const struct uiommu_gather_range *range;

	for (uint32_t i = 0; i < gather->nr_ranges; i++) {
		range = &gather->range[i];
		if (range->first > iova || range->last < iova)
			continue;
		assert_true(range->stride_lg2 <= was->size_lg2);
		assert_true(range->level == UIOMMU_GATHER_LEVEL_MIXED ||
			    range->level == was->level);
		return;
	}
	fail_msg("page %#llx is not in the gather", (unsigned long long)iova);
}

static void do_unmap(struct naive *nv)
{
	uint64_t iova, len, unmapped, want = 0;
	bool eagain = false;
	struct uiommu_gather gather;
	struct spec_leaf *was;
	size_t first, nr;
	int rc;

	any_range(nv, &first, &nr);
	iova = nv->base + first * nv->fx.page;
	len = nr * nv->fx.page;
	was = calloc(nr, sizeof(*was));
	for (size_t i = 0; i < nr; i++) {
		spec_walk(&nv->fx.spec, iova + i * nv->fx.page, &was[i]);
		want += nv->page[first + i].mapped ? nv->fx.page : 0;
	}
	uiommu_gather_init(&gather);
	rc = uiommu_pgtable_unmap(nv->fx.pt, iova, len, &gather, &unmapped);
	if (rc == -EAGAIN) {
		assert_int_equal(unmapped, 0);
		eagain = true;
		for (size_t i = 0; i < nv->nr; i++) /* still all there for us */
			if (pt_random(&nv->seed) % 64 == 0) {
				struct uiommu_pgtable_leaf leaf;
				uint64_t at = nv->base + i * nv->fx.page;

				assert_int_equal(
					uiommu_pgtable_translate(nv->fx.pt, at,
								 &leaf),
					nv->page[i].mapped ? 0 : -ENOENT);
			}
		assert_null(gather.tables);
		uiommu_gather_release(&gather);
		test_platform_fail_nth(&nv->fx.tp, 1); /* needs no memory */
		rc = uiommu_pgtable_unmap(nv->fx.pt, iova, len, &gather,
					  &unmapped);
		assert_false(test_platform_fail_nth(&nv->fx.tp, 0));
	}
	assert_int_equal(rc, 0);
	assert_int_equal(unmapped, want);
	for (size_t i = 0; i < nr; i++) {
		if (nv->page[first + i].mapped && !eagain)
			check_gathered(&gather, iova + i * nv->fx.page,
				       &was[i]);
		else if (nv->page[first + i].mapped)
			assert_true(pt_gather_covers(&gather,
						     iova + i * nv->fx.page,
						     iova + i * nv->fx.page));
		nv->page[first + i].mapped = false;
	}
	for (uint32_t i = 0; i < gather.nr_ranges; i++) {
		assert_true(gather.range[i].first >= iova);
		assert_true(gather.range[i].last <= iova + len - 1);
		if (i)
			assert_true(gather.range[i].first >
				    gather.range[i - 1].last);
	}
	uiommu_gather_release(&gather);
	free(was);
}

static void run_variant(const struct pt_variant *v, uint64_t seed, int ops)
{
	struct naive nv = { .seed = seed };

	pt_open(&nv.fx, v);
	nv.nr = 3 * (nv.fx.block / nv.fx.page);
	nv.page = calloc(nv.nr, sizeof(*nv.page));
	/* Across a boundary of the level above blocks, where there is one. */
	nv.base = (uint64_t)1 << (v->ias - 1);
	nv.base -= nv.fx.block;
	for (int i = 0; i < ops; i++) {
		switch (pt_random(&nv.seed) % 3) {
		case 0:
			do_map(&nv);
			break;
		case 1:
			do_unmap(&nv);
			break;
		default:
			for (int k = 0; k < 64; k++)
				check_translate(&nv,
						pt_random(&nv.seed) % nv.nr);
		}
		if (i % 8 == 0)
			check_all(&nv);
	}
	check_all(&nv);
	free(nv.page);
	pt_close(&nv.fx);
}

static void agrees_with_a_naive_array(void **state)
{
	const char *env = getenv("UIOMMU_TEST_SEED");
	uint64_t seed = env ? strtoull(env, NULL, 0) : 0x243f6a8885a308d3;

	for (size_t i = 0; i < pt_nr_variants; i++) {
		print_message("# %s seed %#llx\n", pt_variants[i].name,
			      (unsigned long long)seed);
		run_variant(&pt_variants[i], seed,
			    pt_variants[i].granule_lg2 == 12   ? 4000
			    : pt_variants[i].granule_lg2 == 14 ? 1000
							       : 300);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_naive_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
