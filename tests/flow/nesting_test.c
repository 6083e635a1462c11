/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nesting_test.c - a guest in a container of type 6, on an SMMUv3: whose tables its
 * device's accesses go through, what an invalidation makes forgotten and what not,
 * its interrupts, and its faults.
 */
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

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

/* ---------------------------------------------------------------- states -- */

static void expect_bypass(struct guest *g)
{
	assert_int_equal(reads_gpa(g, DATA), word_of(DATA));
	assert_int_equal(reads(g, 0, 0), 0);
	assert_int_equal(reads(g, PASID, 0), 0);
}

static void expect_abort(struct guest *g)
{
	assert_int_equal(reads_gpa(g, DATA), 0);
	assert_int_equal(reads(g, 0, 0), 0);
	assert_int_equal(reads(g, PASID, 0), 0);
}

static void expect_tables(struct guest *g)
{
	assert_int_equal(reads_gpa(g, DATA), 0);
	assert_int_equal(reads(g, 0, 0), word_of(DATA));
	assert_int_equal(reads(g, PASID, 0), word_of(DATA + 1));
}

static void expect_one_context(struct guest *g)
{
	assert_int_equal(reads_gpa(g, DATA), 0);
	assert_int_equal(reads(g, 0, 0), word_of(DATA));
	assert_int_equal(reads(g, PASID, 0), 0);
}

static int to_bypass(struct guest *g)
{
	return nest_bind_state(g, VFIO_GUEST_STATE_BYPASS);
}

static int to_abort(struct guest *g)
{
	return nest_bind_state(g, VFIO_GUEST_STATE_ABORT);
}

static int to_one_context(struct guest *g)
{
	return nest_bind_v1(g, 1);
}

/* From any to any. */
static void states(void **state)
{
	static const struct {
		int (*go)(struct guest *g);
		void (*expect)(struct guest *g);
	} all[] = {
		{ nest_unbind, expect_bypass },
		{ to_bypass, expect_bypass },
		{ to_abort, expect_abort },
		{ nest_bind_table, expect_tables },
		{ to_one_context, expect_one_context },
	};
	const unsigned int nr = sizeof(all) / sizeof(all[0]);
	struct guest g;

	nest_open(&g, 1);
	expect_bypass(&g);
	for (unsigned int i = 0; i < nr * nr; i++) {
		assert_int_equal(all[i / nr].go(&g), 0);
		all[i / nr].expect(&g);
		assert_int_equal(all[i % nr].go(&g), 0);
		all[i % nr].expect(&g);
	}
	nest_close(&g);
}

static void each_format(void **state)
{
	struct vfio_iommu_type1_bind_guest_stage call;
	struct guest g;

	nest_open(&g, 1);
	/* The contexts of page 0 are a leaf; one more is in the next. */
	page(&g, LEVEL1)[0] = gpa(0) | 1;
	page(&g, LEVEL1)[1] = gpa(LEAF1) | 1;
	memcpy(page(&g, LEAF1) + (PASID_FAR - 64) * 8, page(&g, 0) + PASID * 8,
	       64);
	call = nest_table(LEVEL1, 7, VFIO_GUEST_S1FMT_4K_L2);
	assert_int_equal(nest_bind(&g, &call), 0);
	expect_tables(&g);
	assert_int_equal(reads(&g, PASID_FAR, 0), word_of(DATA + 1));
	assert_int_equal(reads(&g, PASID_FAR + 1, 0), 0);
	/* In one leaf. */
	page(&g, LEVEL1)[0] = gpa(LEAF64K) | 1;
	page(&g, LEVEL1)[1] = 0;
	memcpy(page(&g, LEAF64K), page(&g, 0), PAGE);
	memcpy(page(&g, LEAF64K) + PASID_FAR * 8, page(&g, 0) + PASID * 8, 64);
	call = nest_table(LEVEL1, 11, VFIO_GUEST_S1FMT_64K_L2);
	assert_int_equal(nest_bind(&g, &call), 0);
	expect_tables(&g);
	assert_int_equal(reads(&g, PASID_FAR, 0), word_of(DATA + 1));
	/* What has no PASID. */
	call.config.pasid_table.s1dss = VFIO_GUEST_S1DSS_BYPASS;
	assert_int_equal(nest_bind(&g, &call), 0);
	assert_int_equal(reads_gpa(&g, DATA), word_of(DATA));
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	call.config.pasid_table.s1dss = VFIO_GUEST_S1DSS_TERMINATE;
	assert_int_equal(nest_bind(&g, &call), 0);
	assert_int_equal(reads_gpa(&g, DATA), 0);
	assert_int_equal(reads(&g, 0, 0), 0);
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	/* More PASIDs than the SMMU has, a table that is out of reach. */
	call.config.pasid_table.pasid_bits = 21;
	assert_int_equal(nest_bind(&g, &call), -EINVAL);
	call.config.pasid_table.pasid_bits = 11;
	call.config.pasid_table.base_ptr = UINT64_C(1) << 52;
	assert_int_equal(nest_bind(&g, &call), -EINVAL);
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	nest_close(&g);
}

/* -------------------------------------------------------- invalidations -- */

/* Who remembers what: TLBs and ATCs, by PASID and page, and contexts. */
enum {
	T_NONE = 1 << 0, /* TLB: no PASID, ASID 1, page 0 */
	T_NONE_4 = 1 << 1,
	T_PASID = 1 << 2, /* PASID, ASID 2, page 0 */
	D_NONE = 1 << 3,  /* ATC: the same three */
	D_NONE_4 = 1 << 4,
	D_PASID = 1 << 5,
	C_NONE = 1 << 6, /* contexts 0 and PASID */
	C_PASID = 1 << 7,
	T_ALL = T_NONE | T_NONE_4 | T_PASID,
	D_ALL = D_NONE | D_NONE_4 | D_PASID,
	C_ALL = C_NONE | C_PASID,
};

/* The pages behind IOVA, those of both ASIDs, by data from `data` on. */
static void point_all(struct guest *g, unsigned int data)
{
	point(g, 1, 0, data);
	point(g, 1, 4, data + 1);
	point(g, 2, 0, data + 2);
}

/* A bit for each that finds what point_all(data) has. */
static unsigned int finds(struct guest *g, unsigned int data)
{
	unsigned int found = 0;

	found |= reads_tlb(g, 0, 0) == word_of(data) ? T_NONE : 0;
	found |= reads_tlb(g, 0, 4) == word_of(data + 1) ? T_NONE_4 : 0;
	found |= reads_tlb(g, PASID, 0) == word_of(data + 2) ? T_PASID : 0;
	found |= reads(g, 0, 0) == word_of(data) ? D_NONE : 0;
	found |= reads(g, 0, 4) == word_of(data + 1) ? D_NONE_4 : 0;
	found |= reads(g, PASID, 0) == word_of(data + 2) ? D_PASID : 0;
	return found;
}

static void forget_all(struct guest *g)
{
	static const uint32_t types[] = { PASID_CACHE, TLB, DEVICE_TLB };

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(nest_invalidate(g, types[i], ALL_PASIDS, 0, 0,
						 0, 0, 0),
				 0);
}

struct row {
	const char *what;
	uint32_t type, granularity, flags, pasid, asid;
	unsigned int at;
	uint64_t nr_pages;
	int rc;
	unsigned int forgotten;
};

static const struct row page_rows[] = {
	{ "all", TLB, ALL_PASIDS, 0, 0, 0, 0, 0, 0, T_ALL },
	{ "ASID 1", TLB, ONE_PASID, 0, 0, 1, 0, 0, 0, T_NONE | T_NONE_4 },
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
	{ "whose?", TLB, ONE_PASID, 0, PASID, 0, 0, 0, -EINVAL, 0 },
	{ "whose page?", TLB, PAGES, 0, PASID, 0, 0, 1, -EINVAL, 0 },
	{ "no pages", TLB, PAGES, 0, 0, 1, 0, 0, -EINVAL, 0 },
	{ "no pages at all", TLB, PAGES, GLOBAL, 0, 1, 0, 0, -EINVAL, 0 },
	{ "ATC", DEVICE_TLB, ALL_PASIDS, 0, 0, 0, 0, 0, 0, D_ALL },
	{ "ATC, a PASID", DEVICE_TLB, ONE_PASID, 0, PASID, 0, 0, 0, 0,
	  D_PASID },
	{ "ATC, none", DEVICE_TLB, ONE_PASID, 0, NO_PASID, 0, 0, 0, 0,
	  D_NONE | D_NONE_4 },
	{ "ATC, 0 is none", DEVICE_TLB, ONE_PASID, 0, 0, 0, 0, 0, 0,
	  D_NONE | D_NONE_4 },
	{ "ATC, another", DEVICE_TLB, ONE_PASID, 0, 5, 0, 0, 0, 0, 0 },
	{ "ATC, a page", DEVICE_TLB, PAGES, 0, PASID, 0, 0, 1, 0, D_PASID },
	{ "ATC, no PASID's page", DEVICE_TLB, PAGES, 0, NO_PASID, 0, 4, 1, 0,
	  D_NONE_4 },
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
		forget_all(&g);
		assert_int_equal(finds(&g, DATA), T_ALL | D_ALL);
		point_all(&g, DATA + 10);
		if (row->type == DEVICE_TLB) {
			assert_int_equal(nest_invalidate(&g, TLB, ALL_PASIDS, 0,
							 0, 0, 0, 0),
					 0);
			forgotten |= T_ALL;
		}
		rc = nest_invalidate(&g, row->type, row->granularity,
				     row->flags, row->pasid, row->asid, row->at,
				     row->nr_pages);
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
		forget_all(&g);
		assert_int_equal(reads_tlb(&g, 0, 0), word_of(DATA));
		assert_int_equal(reads_tlb(&g, PASID, 0), word_of(DATA + 1));
		write_cd(&g, 0, 2);
		write_cd(&g, PASID, 1);
		assert_int_equal(
			nest_invalidate(&g, row->type, row->granularity, 0,
					row->pasid, 0, 0, row->nr_pages),
			row->rc);
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
		forget_all(&g);
		assert_int_equal(reads_tlb(&g, 0, 0), word_of(DATA));
		point(&g, 1, 0, DATA + 5);
		assert_int_equal(nest_invalidate(&g, TLB, PAGES, 0, 0, 0, 0, 1),
				 0);
		assert_int_equal(reads_tlb(&g, 0, 0),
				 word_of(right ? DATA + 5 : DATA));
	}
	nest_close(&g);
}

static void the_host_takes_memory_back(void **state)
{
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	expect_tables(&g);
	assert_int_equal(client_unmap(&g.s.dev[0], GPA, NR_PAGES * PAGE), 0);
	expect_pinned(&g.s, 0);
	assert_int_equal(reads(&g, 0, 0), 0);
	assert_int_equal(reads(&g, PASID, 0), 0);
	nest_map_ok(&g);
	expect_tables(&g);
	nest_close(&g);
}

/* ------------------------------------------------------------- interrupts -- */

static struct uiommu_group *group_of(struct guest *g, unsigned int dev)
{
	return uiommu_device_group(
		uiommu_machine_core_device(g->s.machine, dev));
}

/* How often it came, for one access that ends with it. */
static uint64_t interrupt(struct guest *g, int efd)
{
	uint64_t count;

	assert_int_equal(testep_go(&g->s.dev[0], 2,
				   TESTEP_READ | TESTEP_IRQ_VECTOR(0), IOVA, 8),
			 TESTEP_OK);
	return read(efd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void interrupts_go_where_the_guest_says(void **state)
{
	int efd = eventfd(0, EFD_NONBLOCK);
	unsigned int faults;
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	assert_int_equal(nest_msi(&g, 0), 0);
	assert_int_equal(nest_msi(&g, 0), 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	/* The guest has not mapped it: a fault, and not one without trace. */
	faults = uiommu_machine_check(g.s.machine);
	assert_int_equal(interrupt(&g, efd), 0);
	assert_int_equal(uiommu_machine_check(g.s.machine), faults + 1);
	point(&g, 1, AT_DOORBELL, DOORBELL);
	assert_int_equal(interrupt(&g, efd), 1);
	assert_int_equal(interrupt(&g, efd), 1);
	assert_int_equal(uiommu_machine_check(g.s.machine), faults + 1);
	/* Unbound, with the guest's page still there. */
	assert_int_equal(nest_msi(&g, VFIO_GUEST_MSI_UNBIND), 0);
	assert_int_equal(interrupt(&g, efd), 0);
	assert_int_equal(uiommu_machine_check(g.s.machine), faults + 2);
	assert_int_equal(nest_msi(&g, VFIO_GUEST_MSI_UNBIND), -ENOENT);
	/* Set up again without any, they are in the host's window. */
	client_msix_ok(&g.s.dev[0], NULL, 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	assert_int_equal(interrupt(&g, efd), 0);
	page(&g, TABLES + 1)[MSI_FIRST >> 21 & 511] = gpa(8) | 3;
	page(&g, 8)[MSI_FIRST >> 12 & 511] = MSI_FIRST | 0xf43;
	assert_int_equal(interrupt(&g, efd), 1);
	close(efd);
	nest_close(&g);
}

/* Another doorbell has the only binding. */
static void without_a_binding_there_are_none(void **state)
{
	int efd = eventfd(0, EFD_NONBLOCK), rc;
	struct logged l;
	uiommu_iova_t iova;
	char text[512];
	struct guest g;

	guard_ok();
	nest_open_machine(&g, machine_warning_ok("testep"), 1);
	nest_map_ok(&g);
	assert_int_equal(nest_bind_table(&g), 0);
	assert_int_equal(nest_msi(&g, 0), 0);
	assert_int_equal(
		uiommu_group_msi_map(group_of(&g, 0), 0x1234000, &iova), 0);
	assert_int_equal(iova, IOVA + AT_DOORBELL * PAGE);
	log_begin(&l);
	rc = client_msix(&g.s.dev[0], &efd, 1);
	log_end(&l, text, sizeof(text));
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(text, "none of the guest's bindings is free"));
	assert_int_equal(nest_msi(&g, VFIO_GUEST_MSI_UNBIND), 0);
	assert_int_equal(nest_msi(&g, 0), 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	point(&g, 1, AT_DOORBELL, DOORBELL);
	assert_int_equal(interrupt(&g, efd), 1);
	close(efd);
	nest_close(&g);
}

/* ----------------------------------------------------------------- faults -- */

static bool report_has(struct guest *g, const char *word)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool has;

	assert_non_null(out);
	uiommu_machine_report(g->s.machine, UIOMMU_REPORT_CHECK, out);
	fclose(out);
	has = strstr(text, word);
	free(text);
	return has;
}

struct heard {
	unsigned int nr;
	struct uiommu_fault last;
};

static bool hear(void *ctx, struct uiommu_device *dev,
		 const struct uiommu_fault *fault)
{
	struct heard *heard = ctx;

	heard->nr++;
	heard->last = *fault;
	return true;
}

#define C_BAD_CD 0x0au
#define F_TRANSLATION 0x10u

/* A context that is none; a page, then a table, that is not there. */
static void fault_of_each_kind(struct guest *g, unsigned int i)
{
	if (i == 0) {
		page(g, 0)[8 * PASID] &= ~(UINT64_C(1) << 31);
		forget_all(g);
		assert_int_equal(reads_tlb(g, PASID, 0), 0);
	} else if (i == 1) {
		assert_int_equal(reads_tlb(g, 0, 7), 0);
	} else {
		page(g, TABLES)[0] = gpa(NR_PAGES) | 3;
		forget_all(g);
		assert_int_equal(reads_tlb(g, 0, 0), 0);
	}
}

/* To the host's report, or to who has asked for them by the library. */
static void faults_are_told(void **state)
{
	static const struct {
		const char *word; /* in the report */
		uint32_t raw, flags, pasid;
	} kinds[] = {
		{ "CD.V is 0", C_BAD_CD, 0, PASID },
		{ "stage 1", F_TRANSLATION, 0, UIOMMU_NO_PASID },
		{ "stage 2", F_TRANSLATION, UIOMMU_FAULT_STAGE2,
		  UIOMMU_NO_PASID },
	};
	struct heard heard = { 0 };
	struct uiommu_domain *dom;
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	assert_int_equal(uiommu_machine_check(g.s.machine), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_false(report_has(&g, kinds[i].word));
		fault_of_each_kind(&g, i);
		assert_int_equal(uiommu_machine_check(g.s.machine), i + 1);
		assert_true(report_has(&g, kinds[i].word));
	}
	guest_boot(&g);
	dom = uiommu_group_domain(group_of(&g, 0));
	uiommu_domain_set_fault_handler(dom, hear, &heard);
	for (unsigned int i = 0; i < 3; i++) {
		fault_of_each_kind(&g, i);
		assert_int_equal(heard.nr, i + 1);
		assert_int_equal(heard.last.raw_type, kinds[i].raw);
		assert_int_equal(heard.last.flags & UIOMMU_FAULT_STAGE2,
				 kinds[i].flags);
		assert_int_equal(heard.last.pasid, kinds[i].pasid);
	}
	uiommu_domain_set_fault_handler(dom, NULL, NULL);
	assert_int_equal(uiommu_machine_check(g.s.machine), 3);
	nest_close(&g);
}

/* By nobody, as there is no call for it: the device is told so at once. */
static void page_faults_are_answered(void **state)
{
	static const char *const devices[] = { "testep", "testep:stall" };

	guard_ok();
	for (unsigned int i = 0; i < 2; i++) {
		struct guest g;

		nest_open_machine(&g, machine_ok(devices[i]), 1);
		nest_map_ok(&g);
		if (i)
			page(&g, 0)[0] |= UINT64_C(1) << 44;
		assert_int_equal(nest_bind_table(&g), 0);
		assert_int_equal(reads(&g, 0, 0), word_of(DATA));
		assert_int_equal(testep_go(&g.s.dev[0], 1, TESTEP_READ,
					   IOVA + 7 * PAGE, 8),
				 TESTEP_ABORTED);
		assert_int_equal(uiommu_machine_check(g.s.machine), 1);
		nest_close(&g);
	}
}

/* --------------------------------------------------------- coming and going -- */

static void who_joins_and_leaves(void **state)
{
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	assert_int_equal(client_join(&g.s.dev[1], &g.s.dev[0], 1), 0);
	g.s.nr = 2;
	client_master(&g.s.dev[1], true);
	assert_int_equal(reads_of(&g, 1, 0), word_of(DATA));
	/* Of one table, of which nothing is left for who has left. */
	point(&g, 1, 0, DATA + 5);
	forget_all(&g);
	assert_int_equal(reads_of(&g, 0, 0), word_of(DATA + 5));
	assert_int_equal(reads_of(&g, 1, 0), word_of(DATA + 5));
	client_leave(&g.s.dev[1]);
	assert_int_equal(reads_of(&g, 0, 0), word_of(DATA + 5));
	assert_int_equal(client_join(&g.s.dev[1], &g.s.dev[0], 1), 0);
	client_master(&g.s.dev[1], true);
	assert_int_equal(reads_of(&g, 1, 0), word_of(DATA + 5));
	/* A device is closed and opened; what is bound stays. */
	assert_int_equal(uiommu_abi_close(g.s.abi, g.s.dev[0].dev_fd), 0);
	g.s.dev[0].dev_fd = (int)client_ioctl(g.s.abi, g.s.dev[0].group_fd,
					      VFIO_GROUP_GET_DEVICE_FD,
					      g.s.dev[0].bdf);
	assert_true(g.s.dev[0].dev_fd >= 0);
	client_master(&g.s.dev[0], true);
	assert_int_equal(reads_of(&g, 0, 0), word_of(DATA + 5));
	nest_close(&g);
}

static void expect_bypass_of_both(struct guest *g)
{
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(testep_read_word(&g->s.dev[i], 0, gpa(DATA)),
				 word_of(DATA));
}

/* A device behind each. */
static void two_SMMUs(void **state)
{
	struct guest g;

	guard_ok();
	nest_open_machine(&g, machine_of_ok("tests/flow/nesting.dtb"), 2);
	nest_map_ok(&g);
	expect_bypass_of_both(&g);
	assert_int_equal(nest_bind_table(&g), 0);
	point(&g, 1, 0, DATA + 5);
	forget_all(&g);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(reads_of(&g, i, 0), word_of(DATA + 5));
	client_leave(&g.s.dev[1]);
	assert_int_equal(client_join(&g.s.dev[1], &g.s.dev[0], 1), 0);
	client_master(&g.s.dev[1], true);
	assert_int_equal(reads_of(&g, 1, 0), word_of(DATA + 5));
	assert_int_equal(nest_unbind(&g), 0);
	expect_bypass_of_both(&g);
	nest_close(&g);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(each_format),
		cmocka_unit_test(pages_are_forgotten_exactly),
		cmocka_unit_test(contexts_are_forgotten_exactly),
		cmocka_unit_test(v1_takes_the_asid_of_its_context),
		cmocka_unit_test(the_host_takes_memory_back),
		cmocka_unit_test(interrupts_go_where_the_guest_says),
		cmocka_unit_test(without_a_binding_there_are_none),
		cmocka_unit_test(faults_are_told),
		cmocka_unit_test(page_faults_are_answered),
		cmocka_unit_test(who_joins_and_leaves),
		cmocka_unit_test(two_SMMUs),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
