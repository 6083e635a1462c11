/* SPDX-License-Identifier: BSD-2-Clause */
/* Every row of the tables of errors of an IOAS, and where areas go. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

static void an_empty_ioas_has_the_whole_space(void **state)
{
	struct uiommu_ioas *ioas = new_ioas(*state);
	struct uiommu_range range[2];
	uint64_t align, bytes;
	struct uiommu_area_info info;

	assert_int_equal(uiommu_ioas_iova_ranges(ioas, range, 2, &align), 1);
	assert_int_equal(range[0].first, 0);
	assert_int_equal(range[0].last, UINT64_MAX);
	assert_int_equal(align, 1);
	assert_true(uiommu_ioas_huge_pages(ioas));
	assert_int_equal(uiommu_ioas_next_area(ioas, 0, &info), -ENOENT);
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &bytes), 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(uiommu_ioas_pgsizes(ioas), UINT64_MAX);
	uiommu_ioas_destroy(ioas);
}

#define RWX (RW | UIOMMU_PROT_EXEC)

struct map_case {
	const char *what;
	uint64_t uva, len, iova;
	uint32_t prot, flags;
	int rc;
};

static void check_maps(struct world *w, struct uiommu_ioas *ioas,
		       const struct map_case *cases, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct map_case *c = &cases[i];
		uint64_t iova = c->iova;
		char *before = dump(w, ioas, NULL, 0, 0), *after;
		int rc = uiommu_ioas_map(ioas, &w->mm.mm, c->uva, c->len,
					 c->prot, c->flags, &iova);

		if (rc != c->rc)
			fail_msg("%s: %d, not %d", c->what, rc, c->rc);
		if (rc) {
			after = dump(w, ioas, NULL, 0, 0);
			assert_string_equal(before, after);
			assert_int_equal(iova, c->iova);
			free(after);
		}
		free(before);
	}
}

static void map_without_a_domain(void **state)
{
	static const struct map_case cases[] = {
		{ "unknown flag", MEM, PAGE, 0, RW, 1u << 9, -EOPNOTSUPP },
		{ "no access", MEM, PAGE, 0, 0, 0, -EINVAL },
		{ "odd prot", MEM, PAGE, 0, RW | 1u << 20, 0, -EINVAL },
		{ "uva wraps", UINT64_MAX, PAGE, 0, RW, 0, -EOVERFLOW },
		{ "wrap before length", UINT64_MAX, 2, 0, RW, FIXED,
		  -EOVERFLOW },
		{ "length 0", MEM, 0, 0, RW, 0, -EINVAL },
		{ "iova wraps", MEM, 2 * PAGE, UINT64_MAX - PAGE + 1, RW, FIXED,
		  -EOVERFLOW },
		{ "auto, huge", 0, UINT64_MAX / 2, 0, RW, 0, -EOVERFLOW },
		{ "bogus memory", 0x1000, PAGE, 0x10000, RW, FIXED, 0 },
		{ "one byte", MEM + 3, 1, 0x20003, RO, FIXED, 0 },
		{ "that byte", MEM, 1, 0x20003, RO, FIXED, -EEXIST },
		{ "over its end", MEM, PAGE, 0x10fff, RO, FIXED, -EEXIST },
		{ "last page", MEM, PAGE, UINT64_MAX - PAGE + 1, RO, FIXED, 0 },
	};
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);

	check_maps(w, ioas, cases, sizeof(cases) / sizeof(cases[0]));
	assert_int_equal(w->mm.total, 0);
	uiommu_ioas_destroy(ioas);
}

/* What the newest domain's table says. */
static struct uiommu_pgtable_leaf leaf_at(struct world *w, uint64_t iova)
{
	struct uiommu_pgtable_leaf leaf;

	assert_int_equal(uiommu_pgtable_translate(w->fu->doms->hwdom.pt, iova,
						  &leaf),
			 0);
	return leaf;
}

static void map_with_a_domain(void **state)
{
	static const struct map_case cases[] = {
		{ "length", MEM, 100, 0x10000, RW, FIXED, -EINVAL },
		{ "iova", MEM, PAGE, 0x10800, RW, FIXED, -EINVAL },
		{ "iova alignment before wrap", MEM, 2 * PAGE,
		  UINT64_MAX - 0x7ff, RW, FIXED, -EINVAL },
		{ "uva", MEM + 0x800, PAGE, 0x10000, RW, FIXED, -EINVAL },
		{ "uva before memory", 0x1800, PAGE, 0x10000, RW, FIXED,
		  -EINVAL },
		{ "uva, auto", MEM + 0x800, PAGE, 0, RW, 0, -EINVAL },
		{ "beyond the aperture", MEM, PAGE, 1ull << 48, RW, FIXED,
		  -EINVAL },
		{ "across its end", MEM, 2 * PAGE, (1ull << 48) - PAGE, RW,
		  FIXED, -EINVAL },
		{ "not there", 0x1000, PAGE, 0x10000, RW, FIXED, -EFAULT },
		{ "partly", MEM + (MEM_PAGES - 1) * PAGE, 2 * PAGE, 0x10000, RW,
		  FIXED, -EFAULT },
		{ "read-only", MEM + 4 * PAGE, 4 * PAGE, 0x10000, RW, FIXED,
		  -EFAULT },
		{ "read of it", MEM + 4 * PAGE, 4 * PAGE, 0x10000, RO, FIXED,
		  0 },
		{ "device", MEM + 8 * PAGE, 4 * PAGE, 0x20000, RW, FIXED,
		  -EFAULT },
		{ "device, on purpose", MEM + 8 * PAGE, 4 * PAGE, 0x20000, RWX,
		  FIXED | UIOMMU_IOAS_MMIO_OK, 0 },
		{ "reserved before taken", MEM, 1ull << 47, 0x10000, RW, FIXED,
		  -EEXIST },
		{ "too much", MEM + 100 * PAGE, 100 * PAGE, 0x40000, RW, FIXED,
		  -ENOMEM },
	};
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);

	w->mm.read_only = 5;
	w->mm.mmio = 10;
	w->mm.limit = 50;
	check_maps(w, ioas, cases, sizeof(cases) / sizeof(cases[0]));
	assert_true(shows(w, dom, 0x10000, 4, 4));
	assert_true(shows(w, dom, 0x20000, 8, 4));
	assert_int_equal(w->mm.total, 8);
	/* Memory is cached, device memory is not, nor is it ever executed. */
	assert_int_equal(leaf_at(w, 0x10000).prot, RO | UIOMMU_PROT_CACHE);
	assert_int_equal(leaf_at(w, 0x21000).prot, RWX | UIOMMU_PROT_CACHE);
	assert_int_equal(leaf_at(w, 0x22000).prot, RW | UIOMMU_PROT_MMIO);
	leave(ioas, dom);
	assert_int_equal(w->mm.total, 0);
	uiommu_ioas_destroy(ioas);
}

static uint64_t auto_map(struct world *w, struct uiommu_ioas *ioas,
			 uint64_t uva, uint64_t len, int want)
{
	uint64_t iova = 77;

	assert_int_equal(
		uiommu_ioas_map(ioas, &w->mm.mm, uva, len, RO, 0, &iova), want);
	return iova;
}

static void free_choice_takes_the_lowest_aligned_place(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);

	/* Never 0; aligned like length and address, as far as 2 MiB. */
	assert_int_equal(auto_map(w, ioas, MEM, PAGE, 0), 0x1000);
	assert_int_equal(auto_map(w, ioas, MEM, 2 * PAGE, 0), 0x2000);
	assert_int_equal(auto_map(w, ioas, MEM, 3 * PAGE, 0), 0x4000);
	assert_int_equal(auto_map(w, ioas, MEM + PAGE, 2 * PAGE, 0), 0x7000);
	assert_int_equal(auto_map(w, ioas, MEM, 4 << 20, 0), 0x200000);
	assert_int_equal(auto_map(w, ioas, MEM, 2048, 0), 0x9000);
	assert_int_equal(auto_map(w, ioas, MEM, 2048, 0), 0x9800);
	/* The offset in the page stays. */
	assert_int_equal(auto_map(w, ioas, MEM + 0x123, 1, 0), 0xa123);
	uiommu_ioas_destroy(ioas);
}

static void ranges_are_reserved_for_good(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	const struct uiommu_range allowed = { 0x10000, 0x10fff };
	struct uiommu_range range[3];
	uint64_t bytes, align;

	assert_int_equal(uiommu_ioas_reserve(ioas, 0x2000, 0x1000), -EINVAL);
	assert_int_equal(map_at(w, ioas, 0, 1, 0x2000, RO), 0);
	assert_int_equal(uiommu_ioas_reserve(ioas, 0, 0x2000), -EADDRINUSE);
	assert_int_equal(uiommu_ioas_allow_iovas(ioas, &allowed, 1), 0);
	assert_int_equal(uiommu_ioas_reserve(ioas, 0x10fff, 0x20000),
			 -EADDRINUSE);
	assert_int_equal(uiommu_ioas_iova_ranges(ioas, range, 3, &align), 1);
	assert_int_equal(uiommu_ioas_reserve(ioas, 0x3000, 0x3fff), 0);
	assert_int_equal(uiommu_ioas_reserve(ioas, 0x3800, 0x4fff), 0);
	assert_int_equal(uiommu_ioas_iova_ranges(ioas, range, 3, &align), 2);
	assert_int_equal(range[0].last, 0x2fff);
	assert_int_equal(range[1].first, 0x5000);
	assert_int_equal(map_at(w, ioas, 0, 1, 0x3000, RO), -EINVAL);
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &bytes), 0);
	uiommu_ioas_destroy(ioas);
}

static void free_choice_minds_reserved_and_allowed(void **state)
{
	static const struct uiommu_range allowed[] = { { 0x500000, 0x500fff },
						       { 0x10000, 0x11fff } };
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	uint64_t bytes;

	assert_int_equal(uiommu_ioas_allow_iovas(ioas, allowed, 2), 0);
	assert_int_equal(auto_map(w, ioas, MEM, PAGE, 0), 0x10000);
	assert_int_equal(auto_map(w, ioas, MEM, PAGE, 0), 0x11000);
	assert_int_equal(auto_map(w, ioas, MEM, 2 * PAGE, -ENOSPC), 77);
	assert_int_equal(auto_map(w, ioas, MEM, PAGE, 0), 0x500000);
	auto_map(w, ioas, MEM, PAGE, -ENOSPC);
	/* A fixed place does not care. */
	assert_int_equal(map_at(w, ioas, 0, 1, 0x900000, RO), 0);
	assert_int_equal(uiommu_ioas_allow_iovas(ioas, NULL, 0), 0);
	assert_int_equal(auto_map(w, ioas, MEM, PAGE, 0), 0x1000);
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &bytes), 0);
	assert_int_equal(bytes, 5 * PAGE);

	/* Not even when page 0 is asked for. */
	assert_int_equal(uiommu_ioas_allow_iovas(
				 ioas, &(struct uiommu_range){ 0, 0x1fff }, 1),
			 0);
	assert_int_equal(auto_map(w, ioas, MEM, PAGE, 0), 0x1000);
	auto_map(w, ioas, MEM, PAGE, -ENOSPC);
	/* Nor the last page. */
	assert_int_equal(uiommu_ioas_allow_iovas(
				 ioas,
				 &(struct uiommu_range){ UINT64_MAX - 0x1fff,
							 UINT64_MAX },
				 1),
			 0);
	assert_int_equal(auto_map(w, ioas, MEM, PAGE, 0), UINT64_MAX - 0x1fff);
	auto_map(w, ioas, MEM, PAGE, -ENOSPC);
	assert_int_equal(uiommu_ioas_allow_iovas(ioas, NULL, 0), 0);
	uiommu_ioas_unmap_all(ioas, &bytes);

	/* 0x8000000..0x80fffff belongs to interrupts. */
	assert_int_equal(uiommu_ioas_reserve_device(ioas, w->dev[0]), 0);
	assert_int_equal(uiommu_ioas_map(ioas, &w->mm.mm, MEM,
					 0x8000000 - 0x1000, RO, FIXED,
					 &(uint64_t){ 0x1000 }),
			 0);
	assert_int_equal(auto_map(w, ioas, MEM, PAGE, 0), 0x8100000);
	uiommu_ioas_unreserve_device(ioas, w->dev[0]);
	assert_int_equal(auto_map(w, ioas, MEM, PAGE, 0), 0x8000000);
	uiommu_ioas_destroy(ioas);
}

static void allowed_ranges_are_checked_as_a_whole(void **state)
{
	static const struct {
		struct uiommu_range r[2];
		unsigned int nr;
		int rc;
	} cases[] = {
		{ { { 5, 4 } }, 1, -EINVAL },
		{ { { 5, 5 } }, 1, -EINVAL }, /* one byte is refused too */
		{ { { 0, 10 }, { 10, 20 } }, 2, -EINVAL },
		{ { { 15, 20 }, { 10, 15 } }, 2, -EINVAL },
		{ { { 0, 10 }, { 0x80fffff, 0x9000000 } }, 2, -EADDRINUSE },
		/* The list is looked at before reserved ranges. */
		{ { { 0x8000000, 0x8000001 }, { 7, 7 } }, 2, -EINVAL },
		{ { { 0, 0x7ffffff }, { 0x8100000, UINT64_MAX } }, 2, 0 },
	};
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);

	assert_int_equal(uiommu_ioas_reserve_device(ioas, w->dev[0]), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(uiommu_ioas_allow_iovas(ioas, cases[i].r,
							 cases[i].nr),
				 cases[i].rc);
	uiommu_ioas_unreserve_device(ioas, w->dev[0]);
	uiommu_ioas_destroy(ioas);
}

static void reservations_are_refused_where_something_is(void **state)
{
	static const struct uiommu_range allowed = { 0x8080000, 0x8081000 };
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = new_domain(w);
	struct uiommu_range r[4];
	uint64_t align, bytes;

	assert_int_equal(map_at(w, ioas, 0, 1, 0x80ff000, RW), 0);
	assert_int_equal(uiommu_ioas_reserve_device(ioas, w->dev[0]),
			 -EADDRINUSE);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x80ff000, PAGE, &bytes), 0);
	assert_int_equal(uiommu_ioas_allow_iovas(ioas, &allowed, 1), 0);
	assert_int_equal(uiommu_ioas_reserve_device(ioas, w->dev[0]),
			 -EADDRINUSE);
	assert_int_equal(uiommu_ioas_allow_iovas(ioas, NULL, 0), 0);

	/* Counted: two devices, the same region. */
	assert_int_equal(uiommu_ioas_reserve_device(ioas, w->dev[0]), 0);
	assert_int_equal(uiommu_ioas_reserve_device(ioas, w->dev[1]), 0);
	assert_int_equal(uiommu_ioas_iova_ranges(ioas, r, 4, &align), 2);
	assert_int_equal(r[0].last, 0x7ffffff);
	assert_int_equal(r[1].first, 0x8100000);
	uiommu_ioas_unreserve_device(ioas, w->dev[0]);
	assert_int_equal(map_at(w, ioas, 0, 1, 0x8000000, RW), -EINVAL);
	assert_int_equal(map_at(w, ioas, 0, 2, 0x7fff000, RW), -EINVAL);
	uiommu_ioas_unreserve_device(ioas, w->dev[1]);
	assert_int_equal(map_at(w, ioas, 0, 1, 0x8000000, RW), 0);

	/* A domain reserves what it cannot reach. */
	assert_int_equal(map_at(w, ioas, 0, 1, 1ull << 48, RW), 0);
	assert_int_equal(uiommu_ioas_add_domain(ioas, dom), -EADDRINUSE);
	assert_int_equal(uiommu_ioas_unmap(ioas, 1ull << 48, PAGE, &bytes), 0);
	assert_int_equal(uiommu_ioas_add_domain(ioas, dom), 0);
	assert_int_equal(uiommu_ioas_add_domain(ioas, dom), -EEXIST);
	assert_int_equal(uiommu_ioas_iova_ranges(ioas, r, 4, &align), 1);
	assert_int_equal(r[0].last, (1ull << 48) - 1);
	assert_int_equal(align, PAGE);
	assert_int_equal(uiommu_ioas_iova_ranges(ioas, r, 0, &align), 1);
	leave(ioas, dom);
	assert_int_equal(uiommu_ioas_iova_ranges(ioas, r, 4, &align), 1);
	assert_int_equal(r[0].last, UINT64_MAX);
	assert_int_equal(align, 1);
	uiommu_ioas_destroy(ioas);
}

static void a_domain_needs_what_fits_its_leaves(void **state)
{
	static const struct {
		uint64_t uva, len, iova;
	} odd[] = {
		{ MEM + 8, PAGE, 0x10000 },
		{ MEM, PAGE - 8, 0x10000 },
		{ MEM, PAGE, 0x10008 },
	};
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = new_domain(w);
	struct uiommu_range range;
	uint64_t bytes, align;

	for (int i = 0; i < 3; i++) {
		uint64_t iova = odd[i].iova;

		assert_int_equal(uiommu_ioas_map(ioas, &w->mm.mm, odd[i].uva,
						 odd[i].len, RW, FIXED, &iova),
				 0);
		assert_int_equal(uiommu_ioas_add_domain(ioas, dom),
				 -EADDRINUSE);
		uiommu_ioas_unmap_all(ioas, &bytes);
		assert_int_equal(bytes, odd[i].len);
	}
	/* Memory that is not there is noticed now. */
	assert_int_equal(map_at(w, ioas, 0, 4, 0x10000, RW), 0);
	assert_int_equal(map_at(w, ioas, MEM_PAGES - 1, 2, 0x20000, RW), 0);
	assert_int_equal(uiommu_ioas_add_domain(ioas, dom), -EFAULT);
	assert_int_equal(w->mm.total, 0);
	assert_true(shows_nothing(dom, 0x10000, 4));
	assert_int_equal(uiommu_ioas_iova_ranges(ioas, &range, 1, &align), 1);
	assert_int_equal(range.last, UINT64_MAX);
	assert_int_equal(align, 1);
	uiommu_domain_free(dom);

	/* Leaves larger than a page of the process cannot be served. */
	w->fu->granule_lg2 = 16;
	dom = new_domain(w);
	assert_int_equal(uiommu_ioas_add_domain(ioas, dom), -EINVAL);
	uiommu_domain_free(dom);
	uiommu_ioas_destroy(ioas);
}

static void unmap_rules(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);
	uint64_t n;

	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(
			map_at(w, ioas, 4 * i, 2, 0x10000 + 0x4000 * i, RW), 0);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x10000, 0, &n), -EINVAL);
	assert_int_equal(uiommu_ioas_unmap(ioas, UINT64_MAX, 2, &n),
			 -EOVERFLOW);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x12000, 0x2000, &n), -ENOENT);
	/* A part of an area. */
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x10000, PAGE, &n), -ENOENT);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x11000, PAGE, &n), -ENOENT);
	assert_int_equal(n, 0);
	assert_true(shows(w, dom, 0x10000, 0, 2));
	/* Whole ones before the one that sticks out are gone. */
	assert_int_equal(uiommu_ioas_unmap(ioas, 0xf000, 0x6000, &n), -ENOENT);
	assert_int_equal(n, 2 * PAGE);
	assert_true(shows_nothing(dom, 0x10000, 2));
	assert_true(shows(w, dom, 0x14000, 4, 2));
	/* Holes do not count. */
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x14000, 0x6000, &n), 0);
	assert_int_equal(n, 4 * PAGE);
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &n), 0);
	assert_int_equal(n, 2 * PAGE);
	assert_int_equal(w->mm.total, 0);
	leave(ioas, dom);
	uiommu_ioas_destroy(ioas);
}

static void copy_rules(void **state)
{
	static const struct {
		const char *what;
		uint64_t src, len, dst;
		uint32_t prot, flags;
		int rc;
	} cases[] = {
		{ "flag", 0x10000, PAGE, 0, RW, 1u << 9, -EOPNOTSUPP },
		{ "prot", 0x10000, PAGE, 0, 0, 0, -EINVAL },
		{ "length", 0x10000, 0, 0, RW, 0, -EINVAL },
		{ "wrap", UINT64_MAX, 2, 0, RW, 0, -EOVERFLOW },
		{ "below", 0xf000, 2 * PAGE, 0, RW, 0, -ENOENT },
		{ "hole", 0x13000, 2 * PAGE, 0, RW, 0, -ENOENT },
		{ "read-only", 0x20000, PAGE, 0x50000, RW, FIXED, -EPERM },
		{ "place", 0x10000, PAGE, 0x50001, RW, FIXED, -EINVAL },
		{ "whole", 0x10000, 4 * PAGE, 0x50000, RW, FIXED, 0 },
		{ "taken", 0x10000, PAGE, 0x53000, RW, FIXED, -EEXIST },
		{ "taken before access", 0x20000, PAGE, 0x53000, RW, FIXED,
		  -EEXIST },
		{ "inner part of two", 0x11000, 2 * PAGE, 0x60000, RO, FIXED,
		  0 },
		{ "reads", 0x20000, PAGE, 0x70000, RO, FIXED, 0 },
		{ "odd length", 0x10000, 100, 0x80000, RO, FIXED, -EINVAL },
		{ "beyond", 0x10000, PAGE, 1ull << 48, RO, FIXED, -EINVAL },
	};
	struct world *w = *state;
	struct uiommu_ioas *src = new_ioas(w), *dst = new_ioas(w);
	struct uiommu_domain *dom = join(w, dst);
	struct uiommu_area_info info;
	uint64_t iova, n;

	assert_int_equal(map_at(w, src, 0, 2, 0x10000, RW), 0);
	assert_int_equal(map_at(w, src, 6, 2, 0x12000, RW), 0);
	assert_int_equal(map_at(w, src, 8, 1, 0x20000, RO), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc;

		iova = cases[i].dst;
		rc = uiommu_ioas_copy(dst, src, cases[i].src, cases[i].len,
				      cases[i].prot, cases[i].flags, &iova);
		if (rc != cases[i].rc)
			fail_msg("%s: %d", cases[i].what, rc);
	}
	/* Two halves of a page in a row: the second would not be aligned. */
	for (iova = 0x30000; iova < 0x31000; iova += 0x800)
		assert_int_equal(uiommu_ioas_map(src, &w->mm.mm, 0x5000, 0x800,
						 RW, FIXED, &iova),
				 0);
	iova = 0x90000;
	assert_int_equal(uiommu_ioas_copy(dst, src, 0x30000, PAGE, RW, FIXED,
					  &iova),
			 -EINVAL);
	assert_true(shows(w, dom, 0x50000, 0, 2));
	assert_true(shows(w, dom, 0x52000, 6, 2));
	assert_true(shows(w, dom, 0x60000, 1, 1));
	assert_true(shows(w, dom, 0x61000, 6, 1));
	assert_true(shows(w, dom, 0x70000, 8, 1));
	/* Pinned once, however many copies. */
	assert_int_equal(w->mm.total, 5);
	assert_int_equal(w->mm.pins[1], 1);
	assert_int_equal(uiommu_ioas_next_area(dst, 0x61000, &info), 0);
	assert_int_equal(info.range.first, 0x61000);
	assert_int_equal(info.uva, MEM + 6 * PAGE);
	/* The pieces are areas of their own. */
	assert_int_equal(uiommu_ioas_unmap(dst, 0x60000, PAGE, &n), 0);
	/* The source may go first; the copy lives on. */
	uiommu_ioas_destroy(src);
	assert_true(shows(w, dom, 0x50000, 0, 2));
	assert_int_equal(w->mm.total, 5);
	/* And onto itself. */
	iova = 0;
	assert_int_equal(
		uiommu_ioas_copy(dst, dst, 0x50000, PAGE, RW, 0, &iova), 0);
	assert_int_equal(iova, 0x1000);
	leave(dst, dom);
	assert_int_equal(w->mm.total, 0);
	uiommu_ioas_destroy(dst);
}

static void huge_pages_option(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom;
	uint64_t iova = 0x10000, align, n;

	/* Off raises the alignment. */
	assert_int_equal(uiommu_ioas_map(ioas, &w->mm.mm, MEM + 1, 5, RW, FIXED,
					 &iova),
			 0);
	assert_int_equal(uiommu_ioas_set_huge_pages(ioas, false), -EADDRINUSE);
	assert_true(uiommu_ioas_huge_pages(ioas));
	assert_int_equal(uiommu_ioas_set_huge_pages(ioas, true), 0);
	uiommu_ioas_unmap_all(ioas, &n);
	assert_int_equal(uiommu_ioas_set_huge_pages(ioas, false), 0);
	assert_int_equal(uiommu_ioas_set_huge_pages(ioas, false), 0);
	uiommu_ioas_iova_ranges(ioas, NULL, 0, &align);
	assert_int_equal(align, PAGE);

	/* Pages one by one. */
	dom = join(w, ioas);
	assert_int_equal(map_at(w, ioas, 0, 512, 0x200000, RW), 0);
	assert_true(shows(w, dom, 0x200000, 0, 512));
	assert_int_equal(leaf_at(w, 0x200000).size_lg2, 12);
	assert_int_equal(uiommu_ioas_set_huge_pages(ioas, true), 0);
	assert_int_equal(map_at(w, ioas, 0, 512, 0x400000, RW), 0);
	assert_int_equal(leaf_at(w, 0x400000).size_lg2, 21);
	assert_int_equal(uiommu_ioas_set_huge_pages(ioas, false), -EINVAL);
	uiommu_ioas_unmap_all(ioas, &n);
	assert_int_equal(uiommu_ioas_set_huge_pages(ioas, false), 0);
	leave(ioas, dom);
	uiommu_ioas_destroy(ioas);
}

static void cutting_makes_two_areas(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);
	struct uiommu_area_info info;
	uint64_t n;

	assert_int_equal(map_at(w, ioas, 0, 1024, 0x200000, RW), 0);
	assert_int_equal(uiommu_ioas_cut(ioas, 0x200000), 0);
	assert_int_equal(uiommu_ioas_cut(ioas, 0x200800), -EINVAL);
	assert_int_equal(uiommu_ioas_cut(ioas, 0x100000), 0);
	assert_int_equal(uiommu_ioas_next_area(ioas, 0, &info), 0);
	assert_int_equal(info.range.last, 0x5fffff);
	assert_int_equal(uiommu_ioas_cut(ioas, 0x210000), 0);
	assert_int_equal(uiommu_ioas_cut(ioas, 0x220000), 0);
	assert_int_equal(uiommu_ioas_next_area(ioas, 0x210000, &info), 0);
	assert_int_equal(info.range.first, 0x210000);
	assert_int_equal(info.range.last, 0x21ffff);
	assert_int_equal(info.uva, MEM + 16 * PAGE);
	/* The middle goes; its neighbours stay, though one leaf held all. */
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x210000, 0x10000, &n), 0);
	assert_int_equal(n, 0x10000);
	assert_true(shows(w, dom, 0x200000, 0, 16));
	assert_true(shows_nothing(dom, 0x210000, 16));
	assert_true(shows(w, dom, 0x220000, 32, 992));
	assert_int_equal(w->mm.total, 1024 - 16);
	leave(ioas, dom);
	/* Without a domain, anywhere. */
	assert_int_equal(uiommu_ioas_cut(ioas, 0x200123), 0);
	uiommu_ioas_destroy(ioas);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(an_empty_ioas_has_the_whole_space),
		T(map_without_a_domain),
		T(map_with_a_domain),
		T(free_choice_takes_the_lowest_aligned_place),
		T(ranges_are_reserved_for_good),
		T(free_choice_minds_reserved_and_allowed),
		T(allowed_ranges_are_checked_as_a_whole),
		T(reservations_are_refused_where_something_is),
		T(a_domain_needs_what_fits_its_leaves),
		T(unmap_rules),
		T(copy_rules),
		T(huge_pages_option),
		T(cutting_makes_two_areas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
