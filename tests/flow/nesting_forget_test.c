/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nesting_forget_test.c - TLB_INVALIDATE of a container of type 6: what is named is
 * forgotten, and nothing else.
 */
#include "nesting_scene.h"

#define DEVICE_TLB VFIO_GUEST_INVALIDATE_DEVICE_TLB
#define TLB VFIO_GUEST_INVALIDATE_TLB
#define PASID_CACHE VFIO_GUEST_INVALIDATE_PASID_CACHE
#define ALL_PASIDS VFIO_GUEST_INVALIDATE_ALL_PASIDS
#define ONE_PASID VFIO_GUEST_INVALIDATE_ONE_PASID
#define PAGES VFIO_GUEST_INVALIDATE_PAGES
#define LEAF VFIO_GUEST_INVALIDATE_LEAF
#define GLOBAL VFIO_GUEST_INVALIDATE_GLOBAL
#define NO_PASID VFIO_GUEST_NO_PASID

/* Who remembers what: TLBs and ATCs, by PASID and page, and contexts. */
enum {
	T_NONE = 1 << 0, /* TLB: no PASID, ASID 1, page 0 */
	T_NONE_4 = 1 << 1,
	T_NEXT = 1 << 2,  /* the same in the next 2 MiB */
	T_PASID = 1 << 3, /* PASID, ASID 2, page 0 */
	D_NONE = 1 << 4,  /* ATC: the same four */
	D_NONE_4 = 1 << 5,
	D_NEXT = 1 << 6,
	D_PASID = 1 << 7,
	C_NONE = 1 << 8, /* contexts 0 and PASID */
	C_PASID = 1 << 9,
	T_2M = T_NONE | T_NONE_4, /* the 2 MiB that begin BEFORE page 0 */
	T_1 = T_2M | T_NEXT,
	T_ALL = T_1 | T_PASID,
	D_2M = D_NONE | D_NONE_4,
	D_1 = D_2M | D_NEXT,
	D_ALL = D_1 | D_PASID,
	C_ALL = C_NONE | C_PASID,
};

#define BEFORE ((int)(IOVA >> 12 & 511))
#define NEXT (512 - BEFORE)

/* The pages behind IOVA, those of both ASIDs, by data from `data` on. */
static void point_all(struct guest *g, unsigned int data)
{
	point(g, 1, 0, data);
	point(g, 1, 4, data + 1);
	point(g, 1, NEXT, data + 2);
	point(g, 2, 0, data + 3);
}

/* A bit for each that finds what point_all(data) has. */
static unsigned int finds(struct guest *g, unsigned int data)
{
	unsigned int found = 0;

	found |= reads_tlb(g, 0, 0) == word_of(data) ? T_NONE : 0;
	found |= reads_tlb(g, 0, 4) == word_of(data + 1) ? T_NONE_4 : 0;
	found |= reads_tlb(g, 0, NEXT) == word_of(data + 2) ? T_NEXT : 0;
	found |= reads_tlb(g, PASID, 0) == word_of(data + 3) ? T_PASID : 0;
	found |= reads(g, 0, 0) == word_of(data) ? D_NONE : 0;
	found |= reads(g, 0, 4) == word_of(data + 1) ? D_NONE_4 : 0;
	found |= reads(g, 0, NEXT) == word_of(data + 2) ? D_NEXT : 0;
	found |= reads(g, PASID, 0) == word_of(data + 3) ? D_PASID : 0;
	return found;
}

struct row {
	const char *what;
	uint32_t type, granularity, flags, pasid, asid;
	int at; /* pages of 4 KiB behind IOVA */
	uint64_t nr_pages;
	int rc;
	unsigned int forgotten;
	uint8_t size;
};

static int forget(struct guest *g, const struct row *row)
{
	const struct vfio_guest_invalidate_info info = {
		.hdr = { 1, row->type },
		.granularity = row->granularity,
		.flags = row->flags |
			 (row->asid ? VFIO_GUEST_INVALIDATE_ARCH_ID : 0),
		.size = row->size,
		.nr_pages = row->nr_pages,
		.pasid = row->pasid,
		.arch_id = row->asid,
		.addr = IOVA + (uint64_t)row->at * PAGE,
	};

	return nest_forget(g, &info);
}

static const struct row page_rows[] = {
	{ "all", TLB, ALL_PASIDS, 0, 0, 0, 0, 0, 0, T_ALL },
	{ "ASID 1", TLB, ONE_PASID, 0, 0, 1, 0, 0, 0, T_1 },
	{ "ASID 2", TLB, ONE_PASID, 0, PASID, 2, 0, 0, 0, T_PASID },
	{ "ASID 3", TLB, ONE_PASID, 0, PASID, 3, 0, 0, 0, 0 },
	{ "a page", TLB, PAGES, 0, 0, 1, 0, 1, 0, T_NONE },
	{ "a leaf", TLB, PAGES, LEAF, 0, 1, 4, 1, 0, T_NONE_4 },
	{ "pages", TLB, PAGES, LEAF, 0, 1, 0, 5, 0, T_NONE | T_NONE_4 },
	{ "other pages", TLB, PAGES, LEAF, 0, 1, 1, 3, 0, 0 },
	{ "a page of ASID 2", TLB, PAGES, 0, PASID, 2, 0, 1, 0, T_PASID },
	{ "a page of all", TLB, PAGES, GLOBAL, 0, 0, 0, 1, 0,
	  T_NONE | T_PASID },
	{ "a leaf of all", TLB, PAGES, GLOBAL | LEAF, 0, 1, 4, 1, 0, T_NONE_4 },
	{ "16 KiB", TLB, PAGES, LEAF, 0, 1, -1, 1, 0, T_NONE, 2 },
	{ "16 KiB, twice", TLB, PAGES, LEAF, 0, 1, -1, 2, 0, T_2M, 2 },
	{ "2 MiB", TLB, PAGES, 0, 0, 1, -BEFORE, 1, 0, T_2M, 9 },
	{ "2 MiB more", TLB, PAGES, 0, 0, 1, NEXT, 1, 0, T_NEXT, 9 },
	{ "4 MiB", TLB, PAGES, 0, 0, 1, -BEFORE, 2, 0, T_1, 9 },
	{ "2 MiB before", TLB, PAGES, 0, 0, 1, -BEFORE - 512, 1, 0, 0, 9 },
	{ "4 MiB behind", TLB, PAGES, 0, 0, 1, NEXT + 512, 2, 0, 0, 9 },
	{ "2 MiB of ASID 2", TLB, PAGES, 0, PASID, 2, -BEFORE, 1, 0, T_PASID,
	  9 },
	{ "2 MiB of all", TLB, PAGES, GLOBAL, 0, 0, -BEFORE, 1, 0,
	  T_2M | T_PASID, 9 },
	{ "no 2 MiB", TLB, PAGES, 0, 0, 1, -BEFORE, 0, -EINVAL, 0, 9 },
	{ "not at 2 MiB", TLB, PAGES, 0, 0, 1, 0, 1, -EINVAL, 0, 9 },
	{ "whose?", TLB, ONE_PASID, 0, PASID, 0, 0, 0, -EINVAL, 0 },
	{ "whose page?", TLB, PAGES, 0, PASID, 0, 0, 1, -EINVAL, 0 },
	{ "no pages", TLB, PAGES, 0, 0, 1, 0, 0, -EINVAL, 0 },
	{ "no pages at all", TLB, PAGES, GLOBAL, 0, 1, 0, 0, -EINVAL, 0 },
	{ "ATC", DEVICE_TLB, ALL_PASIDS, 0, 0, 0, 0, 0, 0, D_ALL },
	{ "ATC, a PASID", DEVICE_TLB, ONE_PASID, 0, PASID, 0, 0, 0, 0,
	  D_PASID },
	{ "ATC, none", DEVICE_TLB, ONE_PASID, 0, NO_PASID, 0, 0, 0, 0, D_1 },
	{ "ATC, 0 is none", DEVICE_TLB, ONE_PASID, 0, 0, 0, 0, 0, 0, D_1 },
	{ "ATC, another", DEVICE_TLB, ONE_PASID, 0, 5, 0, 0, 0, 0, 0 },
	{ "ATC, a page", DEVICE_TLB, PAGES, 0, PASID, 0, 0, 1, 0, D_PASID },
	{ "ATC, no PASID's page", DEVICE_TLB, PAGES, 0, NO_PASID, 0, 4, 1, 0,
	  D_NONE_4 },
	{ "ATC, pages", DEVICE_TLB, PAGES, 0, 0, 0, 1, 4, 0, D_NONE_4 },
	{ "ATC, 16 KiB", DEVICE_TLB, PAGES, 0, 0, 0, -1, 1, 0, D_NONE, 2 },
	{ "ATC, 2 MiB", DEVICE_TLB, PAGES, 0, 0, 0, -BEFORE, 1, 0, D_2M, 9 },
	{ "ATC, 2 MiB more", DEVICE_TLB, PAGES, 0, 0, 0, NEXT, 1, 0, D_NEXT,
	  9 },
	{ "ATC, 4 MiB", DEVICE_TLB, PAGES, 0, 0, 0, -BEFORE, 2, 0, D_1, 9 },
	{ "ATC, 2 MiB of PASID", DEVICE_TLB, PAGES, 0, PASID, 0, -BEFORE, 1, 0,
	  D_PASID, 9 },
	{ "ATC, 4 MiB behind", DEVICE_TLB, PAGES, 0, 0, 0, NEXT + 512, 2, 0, 0,
	  9 },
	{ "ATC, no pages", DEVICE_TLB, PAGES, 0, 0, 0, 0, 0, -EINVAL, 0 },
	{ "pages of contexts", PASID_CACHE, PAGES, 0, 0, 1, 0, 1, -EINVAL, 0 },
};

/*
 * What is named is gone, all else is still there.  An ATC asks the TLBs again, so for
 * these rows nothing is in TLBs.
 */
static void pages_are_forgotten_exactly(void **state)
{
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	for (unsigned int i = 0; i < sizeof(page_rows) / sizeof(page_rows[0]);
	     i++) {
		const struct row *row = &page_rows[i];
		unsigned int forgotten = row->forgotten, found;
		int rc;

		point_all(&g, DATA);
		nest_forget_all(&g);
		assert_int_equal(finds(&g, DATA), T_ALL | D_ALL);
		point_all(&g, DATA + 10);
		if (row->type == DEVICE_TLB) {
			assert_int_equal(nest_invalidate(&g, TLB, ALL_PASIDS, 0,
							 0, 0, 0, 0),
					 0);
			forgotten |= T_ALL;
		}
		rc = forget(&g, row);
		if (rc != row->rc)
			fail_msg("%s: %d", row->what, rc);
		found = finds(&g, DATA + 10);
		if (found != forgotten)
			fail_msg("%s: %#x forgotten", row->what, found);
		assert_int_equal(finds(&g, DATA), (T_ALL | D_ALL) & ~forgotten);
	}
	nest_close(&g);
}

static void contexts_are_forgotten_exactly(void **state)
{
	static const struct row rows[] = {
		{ "all", PASID_CACHE, ALL_PASIDS, 0, 0, 0, 0, 0, 0, C_ALL },
		{ "one", PASID_CACHE, ONE_PASID, 0, PASID, 0, 0, 0, 0,
		  C_PASID },
		{ "0", PASID_CACHE, ONE_PASID, 0, 0, 0, 0, 0, 0, C_NONE },
		{ "none", PASID_CACHE, ONE_PASID, 0, NO_PASID, 0, 0, 0, 0,
		  C_NONE },
		{ "another", PASID_CACHE, ONE_PASID, 0, 5, 0, 0, 0, 0, 0 },
		{ "beyond", PASID_CACHE, ONE_PASID, 0, 1 << 20, 0, 0, 0,
		  -EINVAL, 0 },
		{ "pages", PASID_CACHE, PAGES, 0, PASID, 0, 0, 1, -EINVAL, 0 },
	};
	struct guest g;

	nest_open(&g, 1);
	point(&g, 2, 0, DATA + 1);
	assert_int_equal(nest_bind_table(&g), 0);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		unsigned int found = 0;

		write_cd(&g, 0, 1);
		write_cd(&g, PASID, 2);
		nest_forget_all(&g);
		assert_int_equal(reads_tlb(&g, 0, 0), word_of(DATA));
		assert_int_equal(reads_tlb(&g, PASID, 0), word_of(DATA + 1));
		write_cd(&g, 0, 2);
		write_cd(&g, PASID, 1);
		assert_int_equal(forget(&g, row), row->rc);
		if (reads_tlb(&g, 0, 0) == word_of(DATA + 1))
			found |= C_NONE;
		else
			assert_int_equal(reads_tlb(&g, 0, 0), word_of(DATA));
		if (reads_tlb(&g, PASID, 0) == word_of(DATA))
			found |= C_PASID;
		if (found != row->forgotten)
			fail_msg("%s: %#x forgotten", row->what, found);
	}
	nest_close(&g);
}

/* A program of 2018: the ASID comes with its one context. */
static void v1_takes_the_asid_of_its_context(void **state)
{
	struct guest g;

	nest_open(&g, 1);
	for (unsigned int right = 0; right < 2; right++) {
		point(&g, 1, 0, DATA);
		assert_int_equal(nest_bind_v1(&g, right ? 1 : 7), 0);
		nest_forget_all(&g);
		assert_int_equal(reads_tlb(&g, 0, 0), word_of(DATA));
		point(&g, 1, 0, DATA + 5);
		assert_int_equal(nest_invalidate(&g, TLB, PAGES, 0, 0, 0, 0, 1),
				 0);
		assert_int_equal(reads_tlb(&g, 0, 0),
				 word_of(right ? DATA + 5 : DATA));
	}
	nest_close(&g);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(pages_are_forgotten_exactly),
		cmocka_unit_test(contexts_are_forgotten_exactly),
		cmocka_unit_test(v1_takes_the_asid_of_its_context),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
