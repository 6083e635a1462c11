/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random map, unmap, protect, translate, hardware writes, reading of dirty state
 * and trim against an array with one entry per page, on every instance, with
 * and without break-before-make.  After each change the hardware's view (a
 * walker of the test's own) must agree page by page.  A TLB that keeps whatever
 * it may, groups as one entry too, is filled between any two calls and loses
 * what the gather says: what it still holds must agree as well.
 */
#include "pt_fixture.h"

struct page {
	uint64_t pa;
	uint32_t prot;
	bool mapped;
	bool dirty;
	bool reported;
};

#define TLB_ENTRIES 48

struct naive {
	struct pt_fixture fx;
	uint64_t base; /* iova of page[0] */
	size_t nr;
	struct page *page;
	uint64_t seed;
	struct spec_leaf tlb[TLB_ENTRIES]; /* cached_lg2 0: unused */
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
	} else if (dice == 3 && nv->nr > 16 * per_block) {
		/* blocks in number, so that they stand in groups */
		*first =
			pt_random(&nv->seed) % (nv->nr / per_block) * per_block;
		*nr = per_block * (16 + pt_random(&nv->seed) % 16);
		*first += pt_random(&nv->seed) % 4 ? 0 : 1;
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

	if (nv->nr > 16 * (nv->fx.block / nv->fx.page))
		pa &= ~(32 * nv->fx.block - 1);
	if (nv->nr > 16 * (nv->fx.block / nv->fx.page) &&
	    pt_random(&nv->seed) & 1)
		pa += iova & (32 * nv->fx.block - 1);
	else if (pt_random(&nv->seed) & 1)
		pa += iova & (nv->fx.block - 1);
	else
		pa += pt_random(&nv->seed) % (nv->fx.block / nv->fx.page) *
		      nv->fx.page;
	if (pt_random(&nv->seed) % 8 == 0)
		pa = top - len; /* up to the last byte */
	return pa;
}

/* Some of what the table holds, most of it around the pages that matter. */
static void tlb_fill(struct naive *nv, size_t first, size_t nr)
{
	struct spec_leaf leaf;
	uint64_t page;

	for (size_t i = 0; i < TLB_ENTRIES; i++) {
		page = i < 8	? first + pt_random(&nv->seed) % nr
		       : i < 24 ? first + i - 16
				: (i < 40 ? first + nr + i - 32
					  : pt_random(&nv->seed) % nv->nr);
		if (page >= nv->nr ||
		    !spec_walk(&nv->fx.spec, nv->base + page * nv->fx.page,
			       &leaf))
			continue;
		/* The group as one entry, seen from this slot, or just this. */
		if (pt_random(&nv->seed) % 4 == 0)
			leaf.cached_lg2 = leaf.size_lg2;
		nv->tlb[i] = leaf;
	}
}

static uint64_t tlb_first(const struct spec_leaf *e)
{
	return e->iova >> e->cached_lg2 << e->cached_lg2;
}

static void tlb_flush(struct naive *nv, const struct uiommu_gather *gather)
{
	uint64_t first, last;
	struct spec_leaf *e;

	for (size_t i = 0; i < TLB_ENTRIES; i++) {
		e = &nv->tlb[i];
		first = tlb_first(e);
		last = first + ((uint64_t)1 << e->cached_lg2) - 1;
		for (uint32_t k = 0; k < gather->nr_ranges; k++)
			if (gather->range[k].first <= last &&
			    gather->range[k].last >= first)
				e->cached_lg2 = 0;
	}
}

static void tlb_check_page(struct naive *nv, const struct spec_leaf *e,
			   uint64_t iova)
{
	const struct page *p;

	if (iova < nv->base || iova >= nv->base + nv->nr * nv->fx.page)
		return;
	p = &nv->page[(iova - nv->base) / nv->fx.page];
	assert_true(p->mapped);
	assert_int_equal(p->pa, e->pa + (iova - e->iova));
	assert_int_equal(hw_prot(nv, p->prot), e->prot);
	if (e->dirty)
		assert_true(p->dirty);
}

/* What it still holds is the truth, for all that the entry covers. */
static void tlb_check(struct naive *nv)
{
	const struct spec_leaf *e;
	uint64_t first, nr;

	for (size_t i = 0; i < TLB_ENTRIES; i++) {
		e = &nv->tlb[i];
		if (!e->cached_lg2)
			continue;
		first = tlb_first(e);
		nr = ((uint64_t)1 << e->cached_lg2) / nv->fx.page;
		for (uint64_t k = 0; k<nr; k += nr> 256 ? 37 : 1)
			tlb_check_page(nv, e, first + k * nv->fx.page);
		tlb_check_page(nv, e, first + (nr - 1) * nv->fx.page);
		nv->tlb[i].cached_lg2 = 0;
	}
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
		assert_int_equal(leaf.dirty, nv->page[i].dirty);
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
	assert_int_equal(leaf.size_lg2, hw.cached_lg2);
	assert_true(nv->fx.info.pgsizes >> leaf.size_lg2 & 1);
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
		nv->page[i] = (struct page){
			.pa = pa + (i - first) * nv->fx.page,
			.prot = prot,
			.mapped = true,
		};
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

/* Between two calls of one operation: nothing is lost for translate. */
static void check_between(struct naive *nv, size_t first, size_t nr,
			  struct uiommu_gather *gather)
{
	struct uiommu_pgtable_leaf leaf;
	size_t i;

	for (int k = 0; k < 64; k++) {
		i = k < 32 ? first + nr / 2 + k - 16
			   : pt_random(&nv->seed) % nv->nr;
		if (i >= nv->nr)
			continue;
		assert_int_equal(uiommu_pgtable_translate(
					 nv->fx.pt, nv->base + i * nv->fx.page,
					 &leaf),
				 nv->page[i].mapped ? 0 : -ENOENT);
		if (nv->page[i].mapped)
			assert_int_equal(leaf.pa, nv->page[i].pa);
	}
	assert_null(gather->tables);
	tlb_flush(nv, gather);
	uiommu_gather_release(gather);
	tlb_check(nv);
	nv->fx.spec.no_group = true; /* the hardware sees some torn apart */
	tlb_fill(nv, first, nr);
	nv->fx.spec.no_group = false;
}

/* Ranges ascend and stay within the leaves or groups at the two ends. */
static void check_ranges(struct naive *nv, const struct uiommu_gather *gather,
			 uint64_t iova, uint64_t last, uint64_t slack)
{
	for (uint32_t i = 0; i < gather->nr_ranges; i++) {
		assert_true(gather->range[i].first + slack >= iova);
		assert_true(gather->range[i].last <= last + slack);
		if (i)
			assert_true(gather->range[i].first >
				    gather->range[i - 1].last);
	}
}

/* How far a gather may go beyond a range: a group was taken apart. */
static uint64_t slack_of(const struct naive *nv, const struct spec_leaf *was,
			 size_t nr)
{
	unsigned int a = was[0].cached_lg2, b = was[nr - 1].cached_lg2;

	if (!(nv->fx.info.features & UIOMMU_PGTABLE_CONTIG))
		return 0;
	return (uint64_t)1 << (a > b ? a : b);
}

static struct spec_leaf *walk_all(struct naive *nv, size_t first, size_t nr)
{
	struct spec_leaf *was = calloc(nr, sizeof(*was));

	for (size_t i = 0; i < nr; i++)
		spec_walk(&nv->fx.spec, nv->base + (first + i) * nv->fx.page,
			  &was[i]);
	return was;
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
	was = walk_all(nv, first, nr);
	tlb_fill(nv, first, nr);
	for (size_t i = 0; i < nr; i++)
		want += nv->page[first + i].mapped ? nv->fx.page : 0;
	uiommu_gather_init(&gather);
	rc = uiommu_pgtable_unmap(nv->fx.pt, iova, len, &gather, &unmapped);
	if (rc == -EAGAIN) {
		assert_int_equal(unmapped, 0);
		eagain = true;
		check_between(nv, first, nr, &gather);
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
		nv->page[first + i] = (struct page){ 0 };
	}
	check_ranges(nv, &gather, iova, iova + len - 1, slack_of(nv, was, nr));
	tlb_flush(nv, &gather);
	tlb_check(nv);
	uiommu_gather_release(&gather);
	free(was);
}

static void do_protect(struct naive *nv)
{
	static const uint32_t rights[] = { R, R | W, W, R | X, R | W | X };
	uint32_t to = rights[pt_random(&nv->seed) % 5];
	struct uiommu_gather gather;
	struct spec_leaf *was;
	struct page *p;
	size_t first, nr;
	int rc;

	any_range(nv, &first, &nr);
	was = walk_all(nv, first, nr);
	tlb_fill(nv, first, nr);
	uiommu_gather_init(&gather);
	rc = uiommu_pgtable_protect(nv->fx.pt, nv->base + first * nv->fx.page,
				    nr * nv->fx.page, to, &gather);
	if (rc == -EAGAIN) {
		check_between(nv, first, nr, &gather);
		test_platform_fail_nth(&nv->fx.tp, 1);
		rc = uiommu_pgtable_protect(nv->fx.pt,
					    nv->base + first * nv->fx.page,
					    nr * nv->fx.page, to, &gather);
		assert_false(test_platform_fail_nth(&nv->fx.tp, 0));
	}
	assert_int_equal(rc, 0);
	assert_null(gather.tables);
	check_ranges(nv, &gather, nv->base + first * nv->fx.page,
		     nv->base + (first + nr) * nv->fx.page - 1,
		     slack_of(nv, was, nr));
	for (size_t i = first; i < first + nr; i++) {
		p = &nv->page[i];
		if (!p->mapped)
			continue;
		p->prot = (p->prot & ~(R | W | X)) | to;
		p->dirty = p->dirty && (to & W);
	}
	tlb_flush(nv, &gather);
	tlb_check(nv);
	uiommu_gather_release(&gather);
	free(was);
}

/* Writes make the leaf dirty, and with it all of its pages. */
static void do_writes(struct naive *nv)
{
	struct spec_leaf leaf;
	struct page *p;
	uint64_t iova;
	size_t i;

	for (int k = 0; k < 64; k++) {
		i = pt_random(&nv->seed) % nv->nr;
		iova = nv->base + i * nv->fx.page;
		p = &nv->page[i];
		assert_int_equal(pt_hw_write(&nv->fx, iova),
				 p->mapped && (p->prot & W));
		if (!p->mapped || !(p->prot & W))
			continue;
		assert_true(spec_walk(&nv->fx.spec, iova, &leaf));
		assert_int_equal(leaf.dbm,
				 !!(nv->fx.info.features & UIOMMU_PGTABLE_DBM));
		i = (leaf.iova - nv->base) / nv->fx.page;
		for (size_t n = ((size_t)1 << leaf.size_lg2) / nv->fx.page; n;
		     n--, i++)
			nv->page[i].dirty = leaf.dbm;
	}
}

static void report(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct naive *nv = ctx;
	size_t i = (iova - nv->base) / nv->fx.page;

	for (; size; size -= nv->fx.page, i++) {
		assert_true(i < nv->nr);
		assert_false(nv->page[i].reported);
		assert_true(nv->page[i].dirty);
		nv->page[i].reported = true;
	}
}

static void do_dirty(struct naive *nv)
{
	bool clear = pt_random(&nv->seed) % 2;
	struct uiommu_gather gather;
	size_t first, nr;
	int rc;

	any_range(nv, &first, &nr);
	tlb_fill(nv, first, nr);
	for (size_t i = 0; i < nv->nr; i++)
		nv->page[i].reported = false;
	uiommu_gather_init(&gather);
	rc = uiommu_pgtable_read_and_clear_dirty(
		nv->fx.pt, nv->base + first * nv->fx.page, nr * nv->fx.page,
		clear ? 0 : UIOMMU_DIRTY_NO_CLEAR, report, nv, &gather);
	if (!(nv->fx.info.features & UIOMMU_PGTABLE_DBM)) {
		assert_int_equal(rc, -EOPNOTSUPP);
		return;
	}
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < nv->nr; i++) {
		if (i >= first && i < first + nr)
			assert_int_equal(nv->page[i].reported,
					 nv->page[i].dirty);
		if (clear && nv->page[i].reported)
			nv->page[i].dirty = false;
	}
	if (!clear)
		assert_true(uiommu_gather_empty(&gather));
	tlb_flush(nv, &gather);
	tlb_check(nv);
	uiommu_gather_release(&gather);
}

static void do_trim(struct naive *nv)
{
	struct uiommu_gather gather;

	tlb_fill(nv, 0, nv->nr);
	uiommu_gather_init(&gather);
	uiommu_pgtable_trim(nv->fx.pt, &gather);
	tlb_check(nv); /* nothing that maps was lost */
	uiommu_gather_release(&gather);
	assert_int_equal(pt_empty_tables(&nv->fx), 0);
}

/* Blocks in the window: more where groups of them are of interest. */
static size_t blocks_of(const struct pt_variant *v)
{
	return v->features & UIOMMU_PGTABLE_CONTIG && v->granule_lg2 == 12 ? 36
									   : 3;
}

static void run_variant(const struct pt_variant *v, uint64_t seed, int ops,
			bool at_end)
{
	struct naive nv = { .seed = seed };
	size_t per_block, all;

	pt_open(&nv.fx, v);
	per_block = nv.fx.block / nv.fx.page;
	all = ((uint64_t)1 << v->ias) / nv.fx.page;
	nv.nr = blocks_of(v) * per_block < all ? blocks_of(v) * per_block : all;
	nv.page = calloc(nv.nr, sizeof(*nv.page));
	/* Across a boundary of the level above blocks, or the table's end. */
	nv.base = (uint64_t)1 << (v->ias - 1);
	nv.base -= nv.fx.block;
	if (at_end)
		nv.base = (all - nv.nr) * nv.fx.page;
	for (int i = 0; i < ops; i++) {
		switch (pt_random(&nv.seed) % 16) {
		case 0 ... 4:
			do_map(&nv);
			break;
		case 5 ... 8:
			do_unmap(&nv);
			break;
		case 9 ... 10:
			do_protect(&nv);
			break;
		case 11:
			do_writes(&nv);
			break;
		case 12:
			do_dirty(&nv);
			break;
		case 13:
			if (pt_random(&nv.seed) % 4 == 0)
				do_trim(&nv);
			break;
		default:
			for (int k = 0; k < 64; k++)
				check_translate(&nv,
						pt_random(&nv.seed) % nv.nr);
		}
		if (i % 16 == 0)
			check_all(&nv);
	}
	check_all(&nv);
	free(nv.page);
	pt_close(&nv.fx);
}

static int ops_of(const struct pt_variant *v)
{
	int ops = v->granule_lg2 == 12	 ? 3000
		  : v->granule_lg2 == 14 ? 800
					 : 240;

	return blocks_of(v) > 3 ? ops / 4 : ops;
}

#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define S2 UIOMMU_PGTABLE_VMSAV8_S2
#define BBML1 UIOMMU_PGTABLE_BBML1
#define BBML2 UIOMMU_PGTABLE_BBML2
#define CONT UIOMMU_PGTABLE_CONTIG
#define DS UIOMMU_PGTABLE_DS
#define DBM UIOMMU_PGTABLE_DBM

/*
 * The last pages there are: of roots that are small, stand at the last level
 * but one, or at the last one side by side; and of large ones.
 */
static const struct pt_variant ends[] = {
	{ "s1-4k-25-end", S1, 12, 25, 48, CONT, false },
	{ "s1-4k-31-end", S1, 12, 31, 48, BBML1 | CONT, true },
	{ "s1-4k-48-end", S1, 12, 48, 48, BBML2 | CONT, false },
	{ "s1-16k-26-end", S1, 14, 26, 48, CONT, false },
	{ "s1-16k-52-ds-end", S1, 14, 52, 52, BBML2 | DS | CONT, true },
	{ "s1-64k-30-end", S1, 16, 30, 48, CONT, false },
	{ "s2-4k-34-end", S2, 12, 34, 48, CONT, false },
	{ "s2-4k-43-end", S2, 12, 43, 48, DBM, false },
	{ "s2-16k-29-end", S2, 14, 29, 48, CONT, false },
	{ "s2-16k-29-bbml1-end", S2, 14, 29, 48, BBML1 | CONT, true },
	{ "s2-64k-33-end", S2, 16, 33, 48, CONT, false },
	{ "s2-64k-32-end", S2, 16, 32, 48, BBML2 | CONT, false },
};

static void agrees_with_a_naive_array(void **state)
{
	const char *env = getenv("UIOMMU_TEST_SEED");
	uint64_t seed = env ? strtoull(env, NULL, 0) : 0x243f6a8885a308d3;

	for (size_t i = 0; i < pt_nr_variants; i++) {
		print_message("# %s seed %#llx\n", pt_variants[i].name,
			      (unsigned long long)seed);
		run_variant(&pt_variants[i], seed, ops_of(&pt_variants[i]),
			    false);
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		print_message("# %s seed %#llx\n", ends[i].name,
			      (unsigned long long)seed);
		run_variant(&ends[i], seed, ops_of(&ends[i]), true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_naive_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
