/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's PASID table bound to a domain, by the calls of the core, on the driver
 * and the model: what devices reach in each state, what is forgotten, whose faults
 * are whose.
 */
#include <stdlib.h>

#include "core_rig.h"
#include "nested_guest.h"

/* Two SMMUs, a domain with a guest's memory in it, up to four devices. */
struct scene {
	struct core_rig cr;
	struct guest g; /* what it writes */
	struct uiommu_domain *dom;
	struct uiommu_device *dev[4];
	unsigned int nr_devs;
};

static void open_scene(struct scene *s)
{
	struct rig_cfg cfg;

	memset(s, 0, sizeof(*s));
	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	core_rig_open(&s->cr, &cfg);
	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	core_rig_join(&s->cr, &cfg);
	s->g = (struct guest){ .rig = s->cr.rig[0], .id = 1 };
	for (unsigned int i = 0; i < GUEST_PAGES - DATA; i++)
		page(&s->g, DATA + i)[0] = word(&s->g, i);
	write_cd(&s->g, 0, 1);
	write_cd(&s->g, PASID, 2);
	map(&s->g, 1, 0, 0);
	map(&s->g, 1, 2, 1);
	map(&s->g, 2, 0, 10);
	map(&s->g, 2, 2, 11);
}

/* The domain is made with the first device. */
static void make_domain(struct scene *s, struct uiommu_device *dev)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING,
			.stage = UIOMMU_STAGE_2,
			.flags = UIOMMU_DOM_NEST_PARENT },
	};

	assert_int_equal(uiommu_domain_alloc_cfg(dev, &cfg, &s->dom), 0);
	assert_int_equal(uiommu_domain_map(s->dom, RAM,
					   (uintptr_t)page(&s->g, 0),
					   GUEST_PAGES * RIG_PAGE, RW),
			 0);
}

static struct uiommu_group *group(struct scene *s, unsigned int i)
{
	return uiommu_device_group(s->dev[i]);
}

/* Not attached. */
static unsigned int add_device(struct scene *s, unsigned int smmu, uint32_t sid,
			       bool ats)
{
	unsigned int i = s->nr_devs++;

	s->dev[i] = core_rig_device(&s->cr, smmu, sid, 8, ats);
	if (!s->dom)
		make_domain(s, s->dev[i]);
	return i;
}

static unsigned int attach_device(struct scene *s, unsigned int smmu,
				  uint32_t sid, bool ats)
{
	unsigned int i = add_device(s, smmu, sid, ats);

	assert_int_equal(uiommu_group_attach(group(s, i), s->dom), 0);
	return i;
}

static void close_scene(struct scene *s)
{
	while (s->nr_devs--)
		uiommu_device_remove(s->dev[s->nr_devs]);
	uiommu_domain_free(s->dom);
	core_rig_close(&s->cr);
}

static const struct uiommu_pasid_table cds = {
	.state = UIOMMU_GUEST_TRANSLATE,
	.format = UIOMMU_PASID_TABLE_LINEAR,
	.none = UIOMMU_PASID_NONE_IS_0,
	.pasid_bits = 6,
	.base = RAM, /* page CDS */
};
static const struct uiommu_pasid_table bypass = { .state =
							  UIOMMU_GUEST_BYPASS };
static const struct uiommu_pasid_table abort_all = {
	.state = UIOMMU_GUEST_ABORT
};

static void bind(struct scene *s, const struct uiommu_pasid_table *table)
{
	assert_int_equal(uiommu_bind_pasid_table(s->dom, table), 0);
}

/* 0: it ends in a fault. */
static uint64_t read_at(struct scene *s, unsigned int smmu, uint32_t sid,
			uint32_t pasid, uint64_t iova)
{
	uint64_t got = core_rig_read(&s->cr, smmu, sid, pasid, iova);

	core_rig_irqs(&s->cr);
	return got;
}

/* --------------------------------------------------------------- states -- */

enum state {
	UNBOUND,
	TRANSLATE,
	BYPASS,
	ABORT,
	STATES,
};

static void enter(struct scene *s, enum state state)
{
	static const struct uiommu_pasid_table *const tables[] = {
		[TRANSLATE] = &cds,
		[BYPASS] = &bypass,
		[ABORT] = &abort_all,
	};

	if (state == UNBOUND)
		uiommu_unbind_pasid_table(s->dom);
	else
		bind(s, tables[state]);
}

static void expect(struct scene *s, unsigned int smmu, uint32_t sid,
		   enum state state)
{
	bool guest = state == TRANSLATE;
	bool memory = state == UNBOUND || state == BYPASS;

	assert_int_equal(read_at(s, smmu, sid, UIOMMU_NO_PASID, IOVA),
			 guest ? word(&s->g, 0) : 0);
	assert_int_equal(read_at(s, smmu, sid, PASID, IOVA),
			 guest ? word(&s->g, 10) : 0);
	assert_int_equal(read_at(s, smmu, sid, UIOMMU_NO_PASID, ipa(DATA + 3)),
			 memory ? word(&s->g, 3) : 0);
}

static void from_each_state_to_each(void **state)
{
	struct scene s;

	open_scene(&s);
	attach_device(&s, 0, 5, false);
	attach_device(&s, 1, 5, true);
	for (unsigned int from = 0; from < STATES; from++) {
		for (unsigned int to = 0; to < STATES; to++) {
			enter(&s, (enum state)from);
			expect(&s, 0, 5, (enum state)from);
			expect(&s, 1, 5, (enum state)from);
			enter(&s, (enum state)to);
			expect(&s, 0, 5, (enum state)to);
			expect(&s, 1, 5, (enum state)to);
		}
	}
	/* The domain goes with what is bound to it. */
	enter(&s, TRANSLATE);
	close_scene(&s);
}

static void a_device_comes_later(void **state)
{
	struct scene s;

	open_scene(&s);
	attach_device(&s, 0, 5, false);
	bind(&s, &cds);
	attach_device(&s, 0, 6, false);
	attach_device(&s, 1, 7, false);
	expect(&s, 0, 6, TRANSLATE);
	expect(&s, 1, 7, TRANSLATE);
	/* And goes, and comes again. */
	assert_int_equal(uiommu_group_detach(group(&s, 2)), 0);
	expect(&s, 1, 7, ABORT);
	bind(&s, &bypass);
	assert_int_equal(uiommu_group_attach(group(&s, 2), s.dom), 0);
	expect(&s, 1, 7, BYPASS);
	uiommu_unbind_pasid_table(s.dom);
	for (unsigned int i = 0; i < 3; i++)
		expect(&s, i / 2, 5 + i, UNBOUND);
	close_scene(&s);
}

/* ---------------------------------------------------------------- forget -- */

static void forget(struct scene *s, struct uiommu_device *dev,
		   const struct uiommu_cache_info *info)
{
	assert_int_equal(uiommu_cache_invalidate(s->dom, dev, info), 0);
}

/*
 * ASIDs 1 and 2 (bits 0 and 1, 2 and 3), each at IOVA and at the page after the
 * next, which a greedy model does not fetch along: all are cached, then all are
 * changed.  Who is found changed?
 */
static unsigned int changed_by(struct scene *s, unsigned int smmu, uint32_t sid,
			       const struct uiommu_cache_info *info)
{
	static const struct uiommu_cache_info all[] = {
		{ .type = UIOMMU_CACHE_TLB },
		{ .type = UIOMMU_CACHE_PASID },
		{ .type = UIOMMU_CACHE_DEVICE_TLB },
	};
	unsigned int i, found = 0;

	for (i = 0; i < 4; i++)
		map(&s->g, i / 2 + 1, 2 * (i % 2), 10 * (i / 2) + i % 2);
	for (i = 0; i < 3; i++)
		forget(s, NULL, &all[i]);
	for (i = 0; i < 4; i++)
		assert_int_equal(read_at(s, smmu, sid,
					 i / 2 ? PASID : UIOMMU_NO_PASID,
					 IOVA + i % 2 * 2 * RIG_PAGE),
				 word(&s->g, 10 * (i / 2) + i % 2));
	for (i = 0; i < 4; i++)
		map(&s->g, i / 2 + 1, 2 * (i % 2), 20 + i);
	forget(s, NULL, info);
	for (i = 0; i < 4; i++)
		if (read_at(s, smmu, sid, i / 2 ? PASID : UIOMMU_NO_PASID,
			    IOVA + i % 2 * 2 * RIG_PAGE) == word(&s->g, 20 + i))
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
	struct scene s;

	open_scene(&s);
	attach_device(&s, 0, 5, false);
	attach_device(&s, 1, 5, false);
	bind(&s, &cds);
	for (unsigned int smmu = 0; smmu < 2; smmu++) {
		info = tlb(UIOMMU_CACHE_ALL_PASIDS, 0, 0);
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0xf);
		info = tlb(UIOMMU_CACHE_ONE_PASID, 1, 0);
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0x3);
		info = tlb(UIOMMU_CACHE_ONE_PASID, 2, 0);
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0xc);
		info = tlb(UIOMMU_CACHE_PAGES, 1, UIOMMU_CACHE_LEAF);
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0x1);
		info = tlb(UIOMMU_CACHE_PAGES, 2, 0);
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0x4);
		info = tlb(UIOMMU_CACHE_PAGES, 0, UIOMMU_CACHE_GLOBAL);
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0x5);
		/* Two pages, and three: by ranges, of pages, of larger ones. */
		info = tlb(UIOMMU_CACHE_PAGES, 1, UIOMMU_CACHE_LEAF);
		info.nr_pages = 2;
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0x1);
		info.nr_pages = 3;
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0x3);
		info.addr += RIG_PAGE;
		info.nr_pages = 2;
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0x2);
		info.nr_pages = 4;
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0x2);
		info.page_lg2 = 14;
		info.addr = IOVA & ~UINT64_C(0x3fff);
		info.nr_pages = 1;
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0x3);
		info.addr += UINT64_C(0x4000);
		info.nr_pages = 100;
		assert_int_equal(changed_by(&s, smmu, 5, &info), 0);
	}
	close_scene(&s);
}

static void what_is_no_row(void **state)
{
	struct uiommu_cache_info info;
	struct scene s;

	open_scene(&s);
	attach_device(&s, 0, 5, false);
	info = tlb(UIOMMU_CACHE_ALL_PASIDS, 0, 0);
	assert_int_equal(uiommu_cache_invalidate(s.dom, NULL, &info), -EINVAL);
	bind(&s, &cds);
	info = tlb(UIOMMU_CACHE_PAGES, 1, 0);
	info.type = UIOMMU_CACHE_PASID;
	assert_int_equal(uiommu_cache_invalidate(s.dom, NULL, &info), -EINVAL);
	info = tlb(UIOMMU_CACHE_PAGES, 1, 0);
	info.nr_pages = 0;
	assert_int_equal(uiommu_cache_invalidate(s.dom, NULL, &info), -EINVAL);
	info = tlb(UIOMMU_CACHE_ONE_PASID, 1, 0);
	info.flags = 0;
	assert_int_equal(uiommu_cache_invalidate(s.dom, NULL, &info), -EINVAL);
	close_scene(&s);
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
	struct scene s;

	open_scene(&s);
	attach_device(&s, 0, 5, false);
	attach_device(&s, 1, 6, false);
	uiommu_domain_set_fault_handler(s.dom, on_fault, &told);
	bind(&s, &cds);
	memset(page(&s.g, CDS) + 8 * 7, 0, 64);
	assert_int_equal(read_at(&s, 1, 6, 7, IOVA), 0);
	assert_int_equal(told.nr, 1);
	assert_ptr_equal(told.dev, s.dev[1]);
	assert_int_equal(told.fault.kind, UIOMMU_FAULT_CONFIG);
	assert_int_equal(told.fault.raw_type, 0x0a); /* C_BAD_CD */
	assert_int_equal(told.fault.pasid, 7);
	assert_int_equal(s.cr.nr_faults, 0);
	/* Who does not take it leaves it to others. */
	told.take = false;
	assert_int_equal(read_at(&s, 0, 5, PASID, 0x1000), 0);
	assert_int_equal(told.nr, 2);
	assert_ptr_equal(told.dev, s.dev[0]);
	assert_int_equal(told.fault.kind, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(told.fault.flags & UIOMMU_FAULT_STAGE2, 0);
	assert_int_equal(s.cr.nr_faults, 1);
	uiommu_domain_set_fault_handler(s.dom, NULL, NULL);
	assert_int_equal(read_at(&s, 0, 5, PASID, 0x1000), 0);
	assert_int_equal(told.nr, 2);
	assert_int_equal(s.cr.nr_faults, 2);
	close_scene(&s);
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
