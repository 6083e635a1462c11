/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paging domains of the second stage, and what a domain may ask for: the words
 * the hardware reads, tags, invalidations, sizes and refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>

#include "dom_rig.h"
#include "hw/smmuv3/regs.h"
#include "hw_view.h"

static void pool(void)
{
	test_platform_use_pool(&fake->tp, 16 << 20);
}

static int pooled(void **state)
{
	start(pool);
	return 0;
}

static struct uiommu_hwdom *paging(enum uiommu_stage stage, uint8_t granule,
				   uint8_t ias, uint8_t oas)
{
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_PAGING, stage, granule, ias,
				      oas };

	return domain_of(&cfg);
}

static void ste_of(uint32_t sid, uint64_t ste[8])
{
	assert_true(fake_smmu_ste(fake, sid, ste));
}

static void no_pages(void *ctx, struct uiommu_unit *u,
		     const struct uiommu_page_request *req)
{
}

static void no_faults(void *ctx, struct uiommu_unit *u,
		      const struct uiommu_fault *fault)
{
}

/* S2S where the device may be stalled; never beside ATS, and not for others. */
static void stalls_of_stage_2(void **state)
{
	static const struct uiommu_host_ops host = {
		.report_fault = no_faults,
		.report_page_request = no_pages,
	};
	static const struct {
		bool stall, ats, heard;
		unsigned int s2s, eats;
	} cases[] = {
		{ true, false, true, 1, 0 },  { false, false, true, 0, 0 },
		{ true, true, true, 0, 1 },   { false, true, true, 0, 1 },
		{ true, false, false, 0, 0 },
	};
	struct uiommu_hwdom *s2 = paging(UIOMMU_STAGE_2, 0, 0, 0);
	struct uiommu_hwdom *s1 = paging(UIOMMU_STAGE_1, 0, 0, 0);
	struct uiommu_hwdev *dev[5];
	uint64_t ste[8], cd[8];

	for (uint32_t i = 0; i < 5; i++) {
		struct uiommu_hwdev_cfg cfg = {
			.ids = &i,
			.nr_ids = 1,
			.stall = cases[i].stall,
			.ats = cases[i].ats,
		};

		unit->host = cases[i].heard ? &host : NULL;
		assert_int_equal(ops->dev_add(unit, &cfg, &dev[i]), 0);
		assert_int_equal(ops->attach(s2, dev[i]), 0);
		ste_of(i, ste);
		assert_int_equal(ste[2] >> 57 & 1, cases[i].s2s);
		assert_int_equal(ste[2] >> 58 & 1, 1);
		assert_int_equal(ste[1] >> 28 & 3, cases[i].eats);
		/* the same at stage 1: CD.S, or S1STALLD */
		assert_int_equal(ops->attach(s1, dev[i]), 0);
		assert_int_equal(hw_look(fake, i, HW_NO_SSID, ste, cd),
				 HW_TRANSLATED);
		assert_int_equal(cd[0] >> 44 & 1, cases[i].s2s);
		assert_int_equal(ste[1] >> 27 & 1, !cases[i].s2s);
		assert_int_equal(ste[2] >> 57 & 1, 0);
	}
	for (unsigned int i = 0; i < 5; i++)
		ops->dev_remove(dev[i]);
	ops->dom_free(s1);
	ops->dom_free(s2);
}

static void a_stage_2_domain_in_words(void **state)
{
	static const struct {
		uint8_t granule, ias, oas;
		uint64_t word2; /* but the VMID */
	} cases[] = {
		/* SL0 2 = level 0, WB, inner, 4K, 48 bits, AA64 PTW R */
		{ 12, 48, 48, 0x044d359000000000 },
		/* 40 bits from level 1, two tables side by side */
		{ 12, 40, 48, 0x044d355800000000 },
		{ 12, 39, 40, 0x044a355900000000 },
		{ 14, 47, 48, 0x044db59100000000 },
		/* 16 tables side by side at level 2 */
		{ 14, 40, 44, 0x044cb55800000000 },
		{ 16, 48, 48, 0x044d759000000000 },
		{ 16, 42, 48, 0x044d755600000000 },
	};
	struct uiommu_hwdom *dom, *blocked = domain(UIOMMU_DOM_BLOCKED);
	struct uiommu_hwdev *dev = device(8);
	struct uiommu_pgtable_info info;
	unsigned int i, vmid;
	uint64_t ste[8];

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dom = paging(UIOMMU_STAGE_2, cases[i].granule, cases[i].ias,
			     cases[i].oas);
		uiommu_pgtable_info(dom->pt, &info);
		assert_int_equal(ops->attach(dom, dev), 0);
		ste_of(8, ste);
		assert_int_equal(ste[0], 0xd);
		assert_int_equal(ste[1], 0x0000100000000000);
		vmid = ste[2] & 0xffff;
		assert_int_not_equal(vmid, 0);
		assert_int_equal(ste[2] & ~0xffffull, cases[i].word2);
		assert_int_equal(ste[3], info.root);
		/* The VMID goes with the last user. */
		fake->nr = 0;
		assert_int_equal(ops->attach(blocked, dev), 0);
		assert_int_equal(fake_smmu_count(fake, 0,
						 SMMU_CMD_OP_TLBI_S12_VMALL),
				 1);
		assert_int_equal(fake->log[fake->nr - 2].q[0],
				 (uint64_t)vmid << 32 | 0x28);
		ops->dom_free(dom);
	}
	ops->dev_remove(dev);
}

static void flushes_are_by_intermediate_address(void **state)
{
	struct uiommu_hwdom *dom = paging(UIOMMU_STAGE_2, 0, 0, 0);
	struct uiommu_hwdev *dev = device(8);
	struct uiommu_gather gather;
	uint64_t ste[8], vmid;

	assert_int_equal(ops->attach(dom, dev), 0);
	ste_of(8, ste);
	vmid = ste[2] & 0xffff;
	uiommu_gather_init(&gather);
	gather.nr_ranges = 1;
	gather.range[0] =
		(struct uiommu_gather_range){ 0x200000, 0x3fffff, 21, 2, true };
	fake->nr = 0;
	assert_int_equal(ops->flush(dom, &gather), 0);
	assert_int_equal(fake->nr, 2);
	/* 512 granules: NUM 0, SCALE 9, TTL 2, leaf */
	assert_int_equal(fake->log[0].q[0], 9 << 20 | vmid << 32 | 0x2a);
	assert_int_equal(fake->log[0].q[1], 0x200000 | 1 << 10 | 2 << 8 | 1);
	fake->nr = 0;
	assert_int_equal(ops->flush_all(dom), 0);
	assert_int_equal(fake->log[0].q[0], vmid << 32 | 0x28);
	ops->dev_remove(dev);
	ops->dom_free(dom);
}

/* What was at each store in the entry of StreamID 8. */
static struct {
	bool on;
	unsigned int olds, aborts, news;
	uint64_t old[4], new[4]; /* used words */
} seen;

static void look(void *ctx, const void *va, size_t len)
{
	uint64_t ste[8];

	if (!seen.on || len != 8)
		return;
	ste_of(8, ste);
	assert_true(ste[0] & 1);
	if ((ste[0] & 0xe) == 0) {
		seen.aborts++;
	} else if (!seen.aborts) {
		/* Pointer, attributes and tag: still the old entry. */
		assert_int_equal(ste[0], seen.old[0]);
		assert_int_equal(ste[2] & 0xffff, seen.old[2] & 0xffff);
		seen.olds++;
	} else {
		seen.news++;
	}
}

static void between_the_stages_there_is_an_abort_and_nothing_else(void **state)
{
	struct uiommu_hwdom *s1 = paging(UIOMMU_STAGE_1, 0, 0, 0),
			    *s2 = paging(UIOMMU_STAGE_2, 0, 0, 0);
	struct uiommu_hwdev *dev = device(8);
	uint64_t ste[8];
	unsigned int i;

	assert_int_equal(ops->attach(s1, dev), 0);
	fake->tp.platform.clean_range = look;
	for (i = 0; i < 4; i++) {
		memset(&seen, 0, sizeof(seen));
		ste_of(8, ste);
		memcpy(seen.old, ste, sizeof(seen.old));
		seen.on = true;
		assert_int_equal(ops->attach(i & 1 ? s1 : s2, dev), 0);
		seen.on = false;
		assert_true(seen.aborts > 0);
		assert_true(seen.news > 0);
		ste_of(8, ste);
		assert_int_equal(ste[0] & 0xf, i & 1 ? 0xb : 0xd);
	}
	fake->tp.platform.clean_range = NULL;
	ops->dev_remove(dev);
	ops->dom_free(s1);
	ops->dom_free(s2);
}

/*
 * A device is removed while the SMMU does not answer: its entry aborts, but what
 * else stands in it could not be cleaned.  A later device has that StreamID and
 * another one, and both entries must say the same.
 */
static void leftovers_in_an_entry_are_not_inherited(void **state)
{
	static const uint32_t ids[2] = { 0x21, 0x20 };
	struct uiommu_hwdev_cfg cfg = { .name = "d", .ids = ids, .nr_ids = 2 };
	struct uiommu_hwdom *s2 = paging(UIOMMU_STAGE_2, 12, 40, 40),
			    *s1 = paging(UIOMMU_STAGE_1, 12, 48, 48);
	struct uiommu_hwdev *dev = device(ids[1]);
	uint64_t ste[2][8];
	unsigned int i;

	assert_int_equal(ops->attach(s2, dev), 0);
	fake->hold = true;
	ops->dev_remove(dev);
	ste_of(ids[1], ste[1]);
	assert_int_equal(ste[1][0], 1);
	/* Nobody gets it while the hardware may still have the old entry. */
	assert_int_equal(ops->dev_add(unit, &cfg, &dev), -ETIMEDOUT);
	fake->hold = false;
	fake_smmu_run(fake, UINT32_MAX);

	fake->nr = 0;
	assert_int_equal(ops->dev_add(unit, &cfg, &dev), 0);
	assert_int_equal(fake_smmu_count(fake, 0, SMMU_CMD_OP_CFGI_STE), 4);
	assert_int_equal(ops->attach(s1, dev), 0);
	for (i = 0; i < 2; i++)
		ste_of(ids[i], ste[i]);
	assert_memory_equal(ste[0], ste[1], sizeof(ste[0]));
	/* the tag of stage-1 entries */
	assert_int_equal(ste[1][2] & 0xffff, 0);
	ops->dev_remove(dev);
	/* A clean one costs nothing. */
	fake->nr = 0;
	assert_int_equal(ops->dev_add(unit, &cfg, &dev), 0);
	assert_int_equal(fake->nr, 0);
	ops->dev_remove(dev);
	ops->dom_free(s1);
	ops->dom_free(s2);
}

static void vmid8(void)
{
	pool();
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_VMID16;
}

static void vmids_run_out_and_come_back(void **state)
{
	struct uiommu_hwdom *dom[257];
	struct uiommu_hwdev *dev[257];
	bool taken[256] = { true };
	unsigned int i, vmid;
	uint64_t ste[8];

	teardown(state);
	start(vmid8);
	for (i = 1; i < 257; i++) {
		/* one table each: the pool is small */
		dom[i] = paging(UIOMMU_STAGE_2, 12, 39, 0);
		dev[i] = device(i);
	}
	for (i = 1; i < 256; i++) {
		assert_int_equal(ops->attach(dom[i], dev[i]), 0);
		ste_of(i, ste);
		vmid = ste[2] & 0xffff;
		assert_in_range(vmid, 1, 255);
		assert_false(taken[vmid]);
		taken[vmid] = true;
	}
	assert_int_equal(ops->attach(dom[256], dev[256]), -ENOSPC);
	ste_of(256, ste);
	assert_int_equal(ste[0], 1);
	ops->dev_remove(dev[9]);
	assert_int_equal(ops->attach(dom[256], dev[256]), 0);
	for (i = 1; i < 257; i++) {
		if (i != 9)
			ops->dev_remove(dev[i]);
		ops->dom_free(dom[i]);
	}
}

/* ------------------------------------------------------ what can be had */

struct ask {
	struct uiommu_dom_cfg cfg;
	int rc;
};

static void ask(const struct ask *ask, unsigned int nr)
{
	uint64_t objs = fake->tp.live_objs, tables = fake->tp.live_tables,
		 lines;
	struct uiommu_pgtable_info info;
	struct uiommu_hwdom *dom;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		lines = fake->tp.log_lines;
		assert_int_equal(ops->dom_alloc(unit, &ask[i].cfg, &dom),
				 ask[i].rc);
		if (ask[i].rc) {
			/* with the reason */
			assert_true(fake->tp.log_lines > lines);
		} else {
			uiommu_pgtable_info(dom->pt, &info);
			if (ask[i].cfg.granule_lg2)
				assert_int_equal(info.granule_lg2,
						 ask[i].cfg.granule_lg2);
			if (ask[i].cfg.ias)
				assert_int_equal(info.ias, ask[i].cfg.ias);
			ops->dom_free(dom);
		}
		assert_int_equal(fake->tp.live_objs, objs);
		assert_int_equal(fake->tp.live_tables, tables);
	}
}

static void oas_44_only_64k(void)
{
	pool();
	*fake_smmu_reg(fake, SMMU_REG_IDR5) = SMMU_IDR5_OAS_44 |
					      SMMU_IDR5_GRAN64K;
}

static void one_stage(void)
{
	pool();
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~(SMMU_IDR0_S1P | SMMU_IDR0_HYP);
}

static void what_a_domain_may_ask_for(void **state)
{
	static const struct ask full[] = {
		{ { UIOMMU_DOM_PAGING }, 0 },
		{ { UIOMMU_DOM_PAGING, UIOMMU_STAGE_1, 12, 39, 40 }, 0 },
		{ { UIOMMU_DOM_PAGING, UIOMMU_STAGE_1, 14 }, 0 },
		{ { UIOMMU_DOM_PAGING, UIOMMU_STAGE_1, 16, 48, 48 }, 0 },
		{ { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2, 16 }, 0 },
		{ { (enum uiommu_dom_type)9 }, -EINVAL },
		{ { UIOMMU_DOM_PAGING, 9 }, -EINVAL },
		{ { UIOMMU_DOM_PAGING, 0, 13 }, -EINVAL },
		{ { UIOMMU_DOM_PAGING, 0, 12, 49 }, -EOPNOTSUPP },
		{ { UIOMMU_DOM_PAGING, 0, 12, 24 }, -EOPNOTSUPP },
		{ { UIOMMU_DOM_PAGING, 0, 16, 52 }, -EOPNOTSUPP },
		{ { UIOMMU_DOM_PAGING, 0, 12, 48, 52 }, -EOPNOTSUPP },
	};
	static const struct ask narrow[] = {
		{ { UIOMMU_DOM_PAGING }, 0 },
		{ { UIOMMU_DOM_PAGING, 0, 12 }, -EOPNOTSUPP },
		{ { UIOMMU_DOM_PAGING, 0, 0, 0, 48 }, -EOPNOTSUPP },
		{ { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2, 0, 44 }, 0 },
		{ { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2, 0, 45 }, -EOPNOTSUPP },
	};
	static const struct ask second[] = {
		{ { UIOMMU_DOM_PAGING }, 0 },
		{ { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2 }, 0 },
		{ { UIOMMU_DOM_PAGING, UIOMMU_STAGE_1 }, -EOPNOTSUPP },
	};
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;
	struct uiommu_unit_caps caps;
	uint64_t ste[8];

	fake->tp.log_lines = 0;
	ask(full, sizeof(full) / sizeof(full[0]));
	teardown(state);
	start(oas_44_only_64k);
	ops->caps(unit, &caps);
	assert_int_equal(caps.granules, 1 << 16);
	ask(narrow, sizeof(narrow) / sizeof(narrow[0]));
	teardown(state);
	/* Without stage 1 the second serves those who do not care. */
	start(one_stage);
	ops->caps(unit, &caps);
	assert_int_equal(caps.max_pasid_lg2, 0);
	ask(second, sizeof(second) / sizeof(second[0]));
	dom = paging(UIOMMU_STAGE_ANY, 0, 0, 0);
	dev = device(8);
	assert_int_equal(ops->attach(dom, dev), 0);
	ste_of(8, ste);
	assert_int_equal(ste[0], 0xd);
	ops->dev_remove(dev);
	ops->dom_free(dom);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, pooled, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stalls_of_stage_2),
		TEST(a_stage_2_domain_in_words),
		TEST(flushes_are_by_intermediate_address),
		TEST(between_the_stages_there_is_an_abort_and_nothing_else),
		TEST(leftovers_in_an_entry_are_not_inherited),
		TEST(vmids_run_out_and_come_back),
		TEST(what_a_domain_may_ask_for),
	};

	return cmocka_run_group_tests_name("driver-stage2", tests, NULL, NULL);
}
