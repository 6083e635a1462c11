/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's PASID table bound to a domain, by the calls of the core, on the driver
 * and the model: what devices reach in each state, and what is forgotten.
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

static void no_ranges(struct rig_cfg *cfg)
{
	cfg->profile.idr[3] &= ~(1u << 10); /* RIL */
	cfg->profile.aidr = 1;
}

static void each_row_of_TLBs(void **state)
{
	struct uiommu_cache_info info;
	struct bound b;

	bound_open_with(&b, no_ranges);
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
		/* Without ranges that is too much to be told by addresses. */
		assert_int_equal(changed_by(&b, smmu, 5, &info),
				 smmu ? 0xf : 0);
		info.nr_pages = 30;
		assert_int_equal(changed_by(&b, smmu, 5, &info), 0);
	}
	bound_close(&b);
}

static void map_for_all(struct bound *b, unsigned int data)
{
	map(&b->g, 1, 0, data);
	page(&b->g, TABLES + 2)[IOVA >> 12 & 511] &= ~UINT64_C(0x800); /* nG */
}

/* Found by its address in whichever address space, however many go with it. */
static void a_page_of_all_address_spaces(void **state)
{
	static const struct {
		uint8_t page_lg2;
		uint64_t nr_pages, addr;
	} rows[] = {
		{ 12, 1, IOVA },
		{ 30, (UINT64_C(1) << 18) + 1, 0 }, /* too many to tell */
	};
	struct uiommu_cache_info info;
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	bound_bind(&b, &bound_cds);
	for (unsigned int i = 0; i < 2; i++) {
		map_for_all(&b, 0);
		bound_forget_all(&b);
		assert_int_equal(bound_read(&b, 0, 5, UIOMMU_NO_PASID, IOVA),
				 word(&b.g, 0));
		map_for_all(&b, 20);
		/* It is cached, */
		assert_int_equal(bound_read(&b, 0, 5, UIOMMU_NO_PASID, IOVA),
				 word(&b.g, 0));
		/* and for all: its own ASID leaves it. */
		info = tlb(UIOMMU_CACHE_ONE_PASID, 1, 0);
		bound_forget(&b, NULL, &info);
		assert_int_equal(bound_read(&b, 0, 5, UIOMMU_NO_PASID, IOVA),
				 word(&b.g, 0));
		info = tlb(UIOMMU_CACHE_PAGES, 1, 0);
		info.page_lg2 = rows[i].page_lg2;
		info.nr_pages = rows[i].nr_pages;
		info.addr = rows[i].addr;
		bound_forget(&b, NULL, &info);
		assert_int_equal(bound_read(&b, 0, 5, UIOMMU_NO_PASID, IOVA),
				 word(&b.g, 20));
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

/* ------------------------------------------------- contexts and their ATCs -- */

static struct uiommu_cache_info of(enum uiommu_cache_type type,
				   enum uiommu_cache_granularity granularity,
				   uint32_t pasid)
{
	return (struct uiommu_cache_info){
		.type = type,
		.granularity = granularity,
		.page_lg2 = 12,
		.nr_pages = 1,
		.addr = IOVA,
		.pasid = pasid,
	};
}

/* Each PASID has the other's tables, or its own, in the guest's memory. */
static void write_cds(struct bound *b, bool swapped)
{
	write_cd(&b->g, 0, swapped ? 2 : 1);
	write_cd(&b->g, PASID, swapped ? 1 : 2);
}

/* Which of the two does the device take for swapped?  Bit 1: PASID. */
static unsigned int swapped_for(struct bound *b, unsigned int smmu,
				uint32_t sid)
{
	unsigned int found = 0;
	uint64_t got;

	for (unsigned int i = 0; i < 2; i++) {
		got = bound_read(b, smmu, sid, i ? PASID : UIOMMU_NO_PASID,
				 IOVA);
		assert_true(got == word(&b->g, 0) || got == word(&b->g, 10));
		found |= (unsigned int)(got != word(&b->g, i ? 10 : 0)) << i;
	}
	return found;
}

static void each_row_of_contexts(void **state)
{
	const struct uiommu_hwdev_cfg hw = { .pasid_bits = 8 };
	const uint32_t two[] = { 5, 9 };
	struct uiommu_cache_info info;
	struct bound b;

	bound_open(&b);
	bound_add_like(&b, 0, two, 2, &hw);
	assert_int_equal(uiommu_group_attach(bound_group(&b, 0), b.dom), 0);
	bound_attach(&b, 0, 6, false);
	bound_attach(&b, 1, 5, false);
	bound_bind(&b, &bound_cds);
	/* All that is there is cached. */
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(swapped_for(&b, i / 3,
					     (uint32_t[]){ 5, 9, 6, 5 }[i]),
				 0);
	write_cds(&b, true);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(swapped_for(&b, i / 3,
					     (uint32_t[]){ 5, 9, 6, 5 }[i]),
				 0);
	/* One PASID of one device, by both of its StreamIDs. */
	info = of(UIOMMU_CACHE_PASID, UIOMMU_CACHE_ONE_PASID, PASID);
	bound_forget(&b, b.dev[0], &info);
	assert_int_equal(swapped_for(&b, 0, 5), 2);
	assert_int_equal(swapped_for(&b, 0, 9), 2);
	assert_int_equal(swapped_for(&b, 0, 6), 0);
	assert_int_equal(swapped_for(&b, 1, 5), 0);
	/* What has no PASID, of all devices. */
	info.pasid = UIOMMU_NO_PASID;
	bound_forget(&b, NULL, &info);
	assert_int_equal(swapped_for(&b, 0, 5), 3);
	assert_int_equal(swapped_for(&b, 0, 9), 3);
	assert_int_equal(swapped_for(&b, 0, 6), 1);
	assert_int_equal(swapped_for(&b, 1, 5), 1);
	/* All of one, then all of all. */
	info = of(UIOMMU_CACHE_PASID, UIOMMU_CACHE_ALL_PASIDS, 0);
	bound_forget(&b, b.dev[2], &info);
	assert_int_equal(swapped_for(&b, 0, 6), 1);
	assert_int_equal(swapped_for(&b, 1, 5), 3);
	write_cds(&b, false);
	bound_forget(&b, NULL, &info);
	assert_int_equal(swapped_for(&b, 0, 5), 0);
	assert_int_equal(swapped_for(&b, 0, 9), 0);
	assert_int_equal(swapped_for(&b, 0, 6), 0);
	assert_int_equal(swapped_for(&b, 1, 5), 0);
	bound_close(&b);
}

/*
 * As changed_by(), but SMMUs have forgotten: what an ATC has is all that is old.
 * Bits 4 to 7: of the device behind SMMU 1.
 */
static unsigned int changed_in_ATCs(struct bound *b, struct uiommu_device *dev,
				    const struct uiommu_cache_info *info)
{
	const struct uiommu_cache_info tlbs = { .type = UIOMMU_CACHE_TLB };
	unsigned int i, found = 0;

	for (i = 0; i < 4; i++)
		map(&b->g, i / 2 + 1, 2 * (i % 2), 10 * (i / 2) + i % 2);
	bound_forget_all(b);
	for (i = 0; i < 8; i++)
		assert_int_equal(bound_read(b, i / 4, 5,
					    i / 2 % 2 ? PASID : UIOMMU_NO_PASID,
					    IOVA + i % 2 * 2 * RIG_PAGE),
				 word(&b->g, 10 * (i / 2 % 2) + i % 2));
	for (i = 0; i < 4; i++)
		map(&b->g, i / 2 + 1, 2 * (i % 2), 20 + i);
	bound_forget(b, NULL, &tlbs);
	bound_forget(b, dev, info);
	for (i = 0; i < 8; i++)
		if (bound_read(b, i / 4, 5, i / 2 % 2 ? PASID : UIOMMU_NO_PASID,
			       IOVA + i % 2 * 2 * RIG_PAGE) ==
		    word(&b->g, 20 + i % 4))
			found |= 1u << i;
	return found;
}

static void each_row_of_ATCs(void **state)
{
	struct uiommu_cache_info info;
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, true);
	bound_attach(&b, 1, 5, true);
	bound_bind(&b, &bound_cds);
	/* Until it is told, it has what it had. */
	info = of(UIOMMU_CACHE_PASID, UIOMMU_CACHE_ALL_PASIDS, 0);
	assert_int_equal(changed_in_ATCs(&b, NULL, &info), 0);
	info = of(UIOMMU_CACHE_DEVICE_TLB, UIOMMU_CACHE_ALL_PASIDS, 0);
	assert_int_equal(changed_in_ATCs(&b, NULL, &info), 0xff);
	assert_int_equal(changed_in_ATCs(&b, b.dev[0], &info), 0x0f);
	assert_int_equal(changed_in_ATCs(&b, b.dev[1], &info), 0xf0);
	info = of(UIOMMU_CACHE_DEVICE_TLB, UIOMMU_CACHE_ONE_PASID, PASID);
	assert_int_equal(changed_in_ATCs(&b, NULL, &info), 0xcc);
	assert_int_equal(changed_in_ATCs(&b, b.dev[1], &info), 0xc0);
	info.pasid = UIOMMU_NO_PASID;
	assert_int_equal(changed_in_ATCs(&b, NULL, &info), 0x33);
	info = of(UIOMMU_CACHE_DEVICE_TLB, UIOMMU_CACHE_PAGES, PASID);
	assert_int_equal(changed_in_ATCs(&b, b.dev[0], &info), 0x04);
	info.nr_pages = 3;
	assert_int_equal(changed_in_ATCs(&b, b.dev[0], &info), 0x0c);
	info.addr += RIG_PAGE;
	info.nr_pages = 2;
	assert_int_equal(changed_in_ATCs(&b, NULL, &info), 0x88);
	info.pasid = UIOMMU_NO_PASID;
	assert_int_equal(changed_in_ATCs(&b, NULL, &info), 0x22);
	info.flags = UIOMMU_CACHE_GLOBAL;
	assert_int_equal(changed_in_ATCs(&b, NULL, &info), 0xaa);
	bound_close(&b);
}

/* The same numbers, in another table or later: nothing of before is found. */
static void a_table_of_before_is_forgotten(void **state)
{
	enum {
		OTHER_CDS = GUEST_PAGES - 1,
		OTHER_TABLES = GUEST_PAGES - 4,
	};
	struct uiommu_pasid_table other = bound_cds;
	uint64_t *cd;
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	bound_attach(&b, 1, 5, true);
	/* ASID 1 too, but its tables show page 30 where the first show 0. */
	memcpy(page(&b.g, OTHER_CDS), page(&b.g, CDS), RIG_PAGE);
	cd = page(&b.g, OTHER_CDS);
	cd[1] = ipa(OTHER_TABLES);
	for (unsigned int i = 0; i < 3; i++)
		memcpy(page(&b.g, OTHER_TABLES + i), page(&b.g, TABLES + i),
		       RIG_PAGE);
	page(&b.g, OTHER_TABLES)[IOVA >> 30 & 511] = ipa(OTHER_TABLES + 1) | 3;
	page(&b.g, OTHER_TABLES + 1)[IOVA >> 21 & 511] = ipa(OTHER_TABLES + 2) |
							 3;
	page(&b.g, OTHER_TABLES + 2)[IOVA >> 12 & 511] = ipa(DATA + 30) | 0xf43;
	other.base = ipa(OTHER_CDS);
	for (unsigned int smmu = 0; smmu < 2; smmu++) {
		bound_bind(&b, &bound_cds);
		expect(&b, smmu, 5, TRANSLATE);
		bound_bind(&b, &other);
		assert_int_equal(bound_read(&b, smmu, 5, UIOMMU_NO_PASID, IOVA),
				 word(&b.g, 30));
		/* Changed while nothing was bound, when nobody could be told. */
		uiommu_unbind_pasid_table(b.dom);
		map(&b.g, 1, 0, 31);
		bound_bind(&b, &bound_cds);
		assert_int_equal(bound_read(&b, smmu, 5, UIOMMU_NO_PASID, IOVA),
				 word(&b.g, 31));
		map(&b.g, 1, 0, 0);
	}
	bound_close(&b);
}

/* What the host takes away nobody reaches, whatever the guest's tables say. */
static void the_host_unmaps(void **state)
{
	uint64_t unmapped;
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	bound_attach(&b, 1, 5, true);
	bound_bind(&b, &bound_cds);
	expect(&b, 0, 5, TRANSLATE);
	expect(&b, 1, 5, TRANSLATE);
	assert_int_equal(
		uiommu_domain_unmap(b.dom, ipa(DATA), RIG_PAGE, &unmapped), 0);
	for (unsigned int smmu = 0; smmu < 2; smmu++) {
		assert_int_equal(bound_read(&b, smmu, 5, UIOMMU_NO_PASID, IOVA),
				 0);
		assert_int_equal(bound_read(&b, smmu, 5, PASID, IOVA),
				 word(&b.g, 10));
	}
	bound_close(&b);
}

/* ---------------------------------------------------------------- trouble -- */

static void few_PASIDs(struct rig_cfg *cfg)
{
	cfg->profile.idr[1] = (cfg->profile.idr[1] & ~(0x1fu << 6)) | 4u << 6;
}

/* S1P and what needs it: Hyp, NS1ATS, HAD. */
static void no_stage_1(struct rig_cfg *cfg)
{
	cfg->profile.idr[0] &= ~(1u << 1 | 1u << 9 | 1u << 11);
	cfg->profile.idr[3] &= ~(1u << 2);
}

/* One SMMU cannot have it, so none does. */
static void what_one_SMMU_does_not_have(void **state)
{
	static void (*const without[])(struct rig_cfg *) = { few_PASIDs,
							     no_stage_1 };
	struct uiommu_pasid_table small = bound_cds;
	struct bound b;

	small.pasid_bits = 4;
	for (unsigned int i = 0; i < 2; i++) {
		int rc = i ? -EOPNOTSUPP : -EINVAL;

		bound_open_with(&b, without[i]);
		bound_attach(&b, 0, 5, false);
		bound_attach(&b, 1, 5, false);
		assert_int_equal(uiommu_bind_pasid_table(b.dom, &bound_cds),
				 rc);
		expect(&b, 0, 5, UNBOUND);
		expect(&b, 1, 5, UNBOUND);
		if (!i) {
			bound_bind(&b, &small);
			expect(&b, 0, 5, TRANSLATE);
			expect(&b, 1, 5, TRANSLATE);
		}
		/* It comes later, and may not come at all. */
		assert_int_equal(uiommu_group_detach(bound_group(&b, 1)), 0);
		bound_bind(&b, &bound_cds);
		assert_int_equal(uiommu_group_attach(bound_group(&b, 1), b.dom),
				 rc);
		assert_null(uiommu_group_domain(bound_group(&b, 1)));
		expect(&b, 0, 5, TRANSLATE);
		expect(&b, 1, 5, ABORT);
		bound_close(&b);
	}
}

/* Whatever runs out, devices have what they had. */
static void every_allocation_fails_once(void **state)
{
	struct uiommu_host *host;
	unsigned int nth, failed = 0;
	struct bound b;
	int rc;

	bound_open(&b);
	host = b.cr.rig[0]->host;
	bound_attach(&b, 0, 5, false);
	bound_attach(&b, 1, 5, true);
	for (unsigned int from = 0; from < STATES; from++) {
		enter(&b, (enum state)from);
		for (nth = 1, rc = -1; rc; nth++) {
			uiommu_host_fail_nth(host, nth);
			rc = uiommu_bind_pasid_table(
				b.dom,
				from == TRANSLATE ? &bound_bypass : &bound_cds);
			uiommu_host_fail_nth(host, 0);
			if (!rc)
				break;
			assert_int_equal(rc, -ENOMEM);
			expect(&b, 0, 5, (enum state)from);
			expect(&b, 1, 5, (enum state)from);
			failed++;
		}
	}
	assert_true(failed >= 4 * 5);
	bound_close(&b);
}

/* It does not fail, so it must not need any. */
static void unbinding_without_memory(void **state)
{
	struct uiommu_host *host;
	struct bound b;

	bound_open(&b);
	host = b.cr.rig[0]->host;
	bound_attach(&b, 0, 5, false);
	bound_attach(&b, 1, 5, true);
	for (unsigned int nth = 1; nth < 10; nth++) {
		enter(&b, TRANSLATE);
		uiommu_host_fail_nth(host, nth);
		uiommu_unbind_pasid_table(b.dom);
		uiommu_host_fail_nth(host, 0);
		expect(&b, 0, 5, UNBOUND);
		expect(&b, 1, 5, UNBOUND);
	}
	bound_close(&b);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(from_each_state_to_each),
		cmocka_unit_test(a_device_comes_later),
		cmocka_unit_test(each_row_of_TLBs),
		cmocka_unit_test(a_page_of_all_address_spaces),
		cmocka_unit_test(what_is_no_row),
		cmocka_unit_test(each_row_of_contexts),
		cmocka_unit_test(each_row_of_ATCs),
		cmocka_unit_test(a_table_of_before_is_forgotten),
		cmocka_unit_test(the_host_unmaps),
		cmocka_unit_test(what_one_SMMU_does_not_have),
		cmocka_unit_test(every_allocation_fails_once),
		cmocka_unit_test(unbinding_without_memory),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
