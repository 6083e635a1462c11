/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's PASID table bound to a domain, by the calls of the core, on the driver
 * and the model: what devices reach in each state, what is forgotten, whose faults
 * are whose.
 */
#include "bound_guest.h"

/* --------------------------------------------------------------- states -- */

enum state {
	UNBOUND,
	TRANSLATE,
	BYPASS,
	ABORT,
	STATES,
};

static void enter(struct bound *b, enum state state)
{
	static const struct uiommu_pasid_table *const tables[] = {
		[TRANSLATE] = &bound_cds,
		[BYPASS] = &bound_bypass,
		[ABORT] = &bound_abort,
	};

	if (state == UNBOUND)
		uiommu_unbind_pasid_table(b->dom);
	else
		bound_bind(b, tables[state]);
}

static void expect(struct bound *b, unsigned int smmu, uint32_t sid,
		   enum state state)
{
	bool guest = state == TRANSLATE;
	bool memory = state == UNBOUND || state == BYPASS;

	assert_int_equal(bound_read(b, smmu, sid, UIOMMU_NO_PASID, IOVA),
			 guest ? word(&b->g, 0) : 0);
	assert_int_equal(bound_read(b, smmu, sid, PASID, IOVA),
			 guest ? word(&b->g, 10) : 0);
	assert_int_equal(bound_read(b, smmu, sid, UIOMMU_NO_PASID,
				    ipa(DATA + 3)),
			 memory ? word(&b->g, 3) : 0);
}

static void from_each_state_to_each(void **state)
{
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	bound_attach(&b, 1, 5, true);
	for (unsigned int from = 0; from < STATES; from++) {
		for (unsigned int to = 0; to < STATES; to++) {
			enter(&b, (enum state)from);
			expect(&b, 0, 5, (enum state)from);
			expect(&b, 1, 5, (enum state)from);
			enter(&b, (enum state)to);
			expect(&b, 0, 5, (enum state)to);
			expect(&b, 1, 5, (enum state)to);
		}
	}
	/* The domain goes with what is bound to it. */
	enter(&b, TRANSLATE);
	bound_close(&b);
}

static void a_device_comes_later(void **state)
{
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	bound_bind(&b, &bound_cds);
	bound_attach(&b, 0, 6, false);
	bound_attach(&b, 1, 7, false);
	expect(&b, 0, 6, TRANSLATE);
	expect(&b, 1, 7, TRANSLATE);
	/* And goes, and comes again. */
	assert_int_equal(uiommu_group_detach(bound_group(&b, 2)), 0);
	expect(&b, 1, 7, ABORT);
	bound_bind(&b, &bound_bypass);
	assert_int_equal(uiommu_group_attach(bound_group(&b, 2), b.dom), 0);
	expect(&b, 1, 7, BYPASS);
	uiommu_unbind_pasid_table(b.dom);
	for (unsigned int i = 0; i < 3; i++)
		expect(&b, i / 2, 5 + i, UNBOUND);
	bound_close(&b);
}

/* ---------------------------------------------------------------- forget -- */

/*
 * ASIDs 1 and 2 (bits 0 and 1, 2 and 3), each at IOVA and at the page after the
 * next, which a greedy model does not fetch along: all are cached, then all are
 * changed.  Who is found changed?
 */
static unsigned int changed_by(struct bound *b, unsigned int smmu, uint32_t sid,
			       const struct uiommu_cache_info *info)
{
	unsigned int i, found = 0;

	for (i = 0; i < 4; i++)
		map(&b->g, i / 2 + 1, 2 * (i % 2), 10 * (i / 2) + i % 2);
	bound_forget_all(b);
	for (i = 0; i < 4; i++)
		assert_int_equal(bound_read(b, smmu, sid,
					    i / 2 ? PASID : UIOMMU_NO_PASID,
					    IOVA + i % 2 * 2 * RIG_PAGE),
				 word(&b->g, 10 * (i / 2) + i % 2));
	for (i = 0; i < 4; i++)
		map(&b->g, i / 2 + 1, 2 * (i % 2), 20 + i);
	bound_forget(b, NULL, info);
	for (i = 0; i < 4; i++)
		if (bound_read(b, smmu, sid, i / 2 ? PASID : UIOMMU_NO_PASID,
			       IOVA + i % 2 * 2 * RIG_PAGE) ==
		    word(&b->g, 20 + i))
			found |= 1u << i;
	return found;
}

/* id 0: of none. */
static struct uiommu_cache_info tlb(enum uiommu_cache_granularity granularity,
				    uint32_t id, uint32_t flags)
{
	return (struct uiommu_cache_info){
		.type = UIOMMU_CACHE_TLB,
		.granularity = granularity,
		.flags = flags | (id ? UIOMMU_CACHE_ARCH_ID : 0),
		.page_lg2 = 12,
		.nr_pages = 1,
		.addr = IOVA,
		.pasid = id == 2 ? PASID : UIOMMU_NO_PASID,
		.arch_id = id,
	};
}

static void each_row_of_TLBs(void **state)
{
	struct uiommu_cache_info info;
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	bound_attach(&b, 1, 5, false);
	bound_bind(&b, &bound_cds);
	for (unsigned int smmu = 0; smmu < 2; smmu++) {
		info = tlb(UIOMMU_CACHE_ALL_PASIDS, 0, 0);
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0xf);
		info = tlb(UIOMMU_CACHE_ONE_PASID, 1, 0);
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0x3);
		info = tlb(UIOMMU_CACHE_ONE_PASID, 2, 0);
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0xc);
		info = tlb(UIOMMU_CACHE_PAGES, 1, UIOMMU_CACHE_LEAF);
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0x1);
		info = tlb(UIOMMU_CACHE_PAGES, 2, 0);
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0x4);
		info = tlb(UIOMMU_CACHE_PAGES, 0, UIOMMU_CACHE_GLOBAL);
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0x5);
		/* Two pages, and three: by ranges, of pages, of larger ones. */
		info = tlb(UIOMMU_CACHE_PAGES, 1, UIOMMU_CACHE_LEAF);
		info.nr_pages = 2;
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0x1);
		info.nr_pages = 3;
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0x3);
		info.addr += RIG_PAGE;
		info.nr_pages = 2;
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0x2);
		info.nr_pages = 4;
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0x2);
		info.page_lg2 = 14;
		info.addr = IOVA & ~UINT64_C(0x3fff);
		info.nr_pages = 1;
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0x3);
		info.addr += UINT64_C(0x4000);
		info.nr_pages = 100;
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0);
	}
	bound_close(&b);
}

static void what_is_no_row(void **state)
{
	struct uiommu_cache_info info;
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	info = tlb(UIOMMU_CACHE_ALL_PASIDS, 0, 0);
	assert_int_equal(uiommu_cache_invalidate(b.dom, NULL, &info), -EINVAL);
	bound_bind(&b, &bound_cds);
	info = tlb(UIOMMU_CACHE_PAGES, 1, 0);
	info.type = UIOMMU_CACHE_PASID;
	assert_int_equal(uiommu_cache_invalidate(b.dom, NULL, &info), -EINVAL);
	info = tlb(UIOMMU_CACHE_PAGES, 1, 0);
	info.nr_pages = 0;
	assert_int_equal(uiommu_cache_invalidate(b.dom, NULL, &info), -EINVAL);
	info = tlb(UIOMMU_CACHE_ONE_PASID, 1, 0);
	info.flags = 0;
	assert_int_equal(uiommu_cache_invalidate(b.dom, NULL, &info), -EINVAL);
	bound_close(&b);
}

/* ----------------------------------------------------------------- faults -- */

struct told {
	unsigned int nr;
	struct uiommu_device *dev;
	struct uiommu_fault fault;
	bool take;
};

static bool on_fault(void *ctx, struct uiommu_device *dev,
		     const struct uiommu_fault *fault)
{
	struct told *told = ctx;

	told->nr++;
	told->dev = dev;
	told->fault = *fault;
	return told->take;
}

static void a_bad_context_is_the_guests_to_know(void **state)
{
	struct told told = { .take = true };
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	bound_attach(&b, 1, 6, false);
	uiommu_domain_set_fault_handler(b.dom, on_fault, &told);
	bound_bind(&b, &bound_cds);
	memset(page(&b.g, CDS) + 8 * 7, 0, 64);
	assert_int_equal(bound_read(&b, 1, 6, 7, IOVA), 0);
	assert_int_equal(told.nr, 1);
	assert_ptr_equal(told.dev, b.dev[1]);
	assert_int_equal(told.fault.kind, UIOMMU_FAULT_CONFIG);
	assert_int_equal(told.fault.raw_type, 0x0a); /* C_BAD_CD */
	assert_int_equal(told.fault.pasid, 7);
	assert_int_equal(b.cr.nr_faults, 0);
	/* Who does not take it leaves it to others. */
	told.take = false;
	assert_int_equal(bound_read(&b, 0, 5, PASID, 0x1000), 0);
	assert_int_equal(told.nr, 2);
	assert_ptr_equal(told.dev, b.dev[0]);
	assert_int_equal(told.fault.kind, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(told.fault.flags & UIOMMU_FAULT_STAGE2, 0);
	assert_int_equal(b.cr.nr_faults, 1);
	uiommu_domain_set_fault_handler(b.dom, NULL, NULL);
	assert_int_equal(bound_read(&b, 0, 5, PASID, 0x1000), 0);
	assert_int_equal(told.nr, 2);
	assert_int_equal(b.cr.nr_faults, 2);
	bound_close(&b);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(from_each_state_to_each),
		cmocka_unit_test(a_device_comes_later),
		cmocka_unit_test(each_row_of_TLBs),
		cmocka_unit_test(what_is_no_row),
		cmocka_unit_test(a_bad_context_is_the_guests_to_know),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
