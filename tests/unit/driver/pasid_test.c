/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PASIDs on a fake SMMU: what the hardware finds after each step and between
 * any two stores, what a step costs, and that a step that fails was none.
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

#define SID 0x1234u
#define PASID_BITS 20

static struct uiommu_hwdom *stage2(void)
{
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2 };

	return domain_of(&cfg);
}

static int asid(uint32_t ssid)
{
	return hw_asid(fake, SID, ssid);
}

static void assert_end(uint32_t ssid, enum hw_end want)
{
	uint64_t ste[8], cd[8];

	assert_int_equal(hw_look(fake, SID, ssid, ste, cd), want);
}

static uint64_t ste_word(unsigned int i)
{
	uint64_t ste[8];

	assert_true(fake_smmu_ste(fake, SID, ste));
	return ste[i];
}

/* The root that the CD leads to is that of the domain. */
static void assert_leads_to(uint32_t ssid, struct uiommu_hwdom *dom)
{
	struct uiommu_pgtable_info info;
	uint64_t ste[8], cd[8];

	uiommu_pgtable_info(dom->pt, &info);
	assert_int_equal(hw_look(fake, SID, ssid, ste, cd), HW_TRANSLATED);
	assert_int_equal(cd[1], info.root);
}

/* --------------------------------------------------------------- the forms */

static void a_table_grows_with_its_pasids_and_shrinks_again(void **state)
{
	static const uint32_t pasid[] = { 5, 63, 64, 1000, 0x4000, 0xfffff };
	static const unsigned int max[] = { 6, 6, 9, 10, 15, 20 };
	enum {
		NR = sizeof(pasid) / sizeof(pasid[0])
	};
	struct uiommu_hwdom *rid = domain(UIOMMU_DOM_PAGING), *dom[NR];
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);
	uint64_t tables;
	unsigned int i, j;

	assert_int_equal(ops->attach(rid, dev), 0);
	assert_int_equal(ste_word(0) >> 59, 0);
	tables = fake->tp.live_tables;
	for (i = 0; i < NR; i++) {
		dom[i] = domain(UIOMMU_DOM_PAGING);
		assert_end(pasid[i], i == 1 ? HW_BAD_CD : HW_BAD_SUBSTREAMID);
		assert_int_equal(ops->set_pasid(dom[i], dev, pasid[i], NULL),
				 0);
		/* format and size of the STE */
		assert_int_equal(ste_word(0) >> 59, max[i]);
		assert_int_equal(ste_word(0) >> 4 & 3, max[i] > 6);
		assert_leads_to(HW_NO_SSID, rid);
		for (j = 0; j <= i; j++)
			assert_leads_to(pasid[j], dom[j]);
		assert_end(0, HW_STREAM_DISABLED);
	}
	for (i = 0; i < NR; i++) {
		assert_int_equal(ops->set_pasid(NULL, dev, pasid[i], dom[i]),
				 0);
		assert_leads_to(HW_NO_SSID, rid);
		for (j = i + 1; j < NR; j++)
			assert_leads_to(pasid[j], dom[j]);
		ops->dom_free(dom[i]);
	}
	/* one CD again, and nothing that is not needed */
	assert_int_equal(ste_word(0) >> 59, 0);
	assert_int_equal(fake->tp.live_tables, tables);
	assert_end(5, HW_BAD_SUBSTREAMID);
	ops->dev_remove(dev);
	ops->dom_free(rid);
}

static void one_level(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_CD2L;
}

static void without_two_levels_the_linear_table_doubles(void **state)
{
	struct uiommu_hwdom *rid, *a, *b;
	struct uiommu_unit_caps caps;
	struct uiommu_hwdev *dev;

	teardown(state);
	start(one_level);
	ops->caps(unit, &caps);
	assert_int_equal(caps.max_pasid_lg2, 12);
	rid = domain(UIOMMU_DOM_PAGING);
	a = domain(UIOMMU_DOM_PAGING);
	b = domain(UIOMMU_DOM_PAGING);
	dev = pasid_device(SID, PASID_BITS);
	assert_int_equal(ops->attach(rid, dev), 0);
	assert_int_equal(ops->set_pasid(a, dev, 5, NULL), 0);
	assert_int_equal(ops->set_pasid(b, dev, 700, NULL), 0);
	assert_int_equal(ste_word(0) >> 59, 10);
	assert_int_equal(ste_word(0) >> 4 & 3, 0);
	assert_leads_to(HW_NO_SSID, rid);
	assert_leads_to(5, a);
	assert_leads_to(700, b);
	/* a copy of the table, and the STE's pointer to it */
	assert_int_equal(ops->set_pasid(b, dev, 5, a), 0);
	assert_leads_to(5, b);
	assert_leads_to(700, b);
	assert_int_equal(ops->set_pasid(a, dev, 4096, NULL), -EINVAL);
	assert_int_equal(ops->attach(a, dev), 0);
	assert_leads_to(HW_NO_SSID, a);
	assert_leads_to(5, b);
	assert_int_equal(ops->set_pasid(NULL, dev, 700, b), 0);
	assert_int_equal(ops->set_pasid(NULL, dev, 5, b), 0);
	ops->dev_remove(dev);
	ops->dom_free(rid);
	ops->dom_free(a);
	ops->dom_free(b);
}

static void a_device_with_few_pasids_has_a_small_table(void **state)
{
	struct uiommu_hwdom *dom = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = pasid_device(SID, 2);

	assert_int_equal(ops->set_pasid(dom, dev, 3, NULL), 0);
	assert_int_equal(ste_word(0) >> 59, 2);
	assert_leads_to(3, dom);
	assert_int_equal(ops->set_pasid(dom, dev, 4, NULL), -EINVAL);
	assert_int_equal(ops->set_pasid(NULL, dev, 3, dom), 0);
	assert_int_equal(ste_word(0), 1);
	ops->dev_remove(dev);
	ops->dom_free(dom);
}

/* -------------------------------------------------- the domain without PASID */

static void the_rid_domain_changes_under_pasids(void **state)
{
	struct uiommu_hwdom *a = domain(UIOMMU_DOM_PAGING),
			    *b = domain(UIOMMU_DOM_PAGING),
			    *p = domain(UIOMMU_DOM_PAGING),
			    *identity = domain(UIOMMU_DOM_IDENTITY),
			    *blocked = domain(UIOMMU_DOM_BLOCKED);
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);
	struct uiommu_hwdom *rid[] = { a, b, identity, blocked, b, a };
	enum hw_end end[] = { HW_TRANSLATED,	  HW_TRANSLATED, HW_BYPASS,
			      HW_STREAM_DISABLED, HW_TRANSLATED, HW_TRANSLATED };
	static const uint32_t pasid[2] = { 7, 900 };
	unsigned int i, j, k;

	/* A PASID before anything else: the device itself stays blocked. */
	assert_int_equal(ops->set_pasid(p, dev, 7, NULL), 0);
	assert_end(HW_NO_SSID, HW_STREAM_DISABLED);
	assert_leads_to(7, p);
	for (k = 0; k < 2; k++) {
		for (i = 0; i < 6; i++)
			for (j = 0; j < 6; j++) {
				assert_int_equal(ops->attach(rid[i], dev), 0);
				assert_int_equal(ops->attach(rid[j], dev), 0);
				assert_ptr_equal(dev->dom, rid[j]);
				assert_end(HW_NO_SSID, end[j]);
				if (end[j] == HW_TRANSLATED)
					assert_leads_to(HW_NO_SSID, rid[j]);
				else
					assert_int_equal(
						asid(0),
						-1 - (k ? HW_BAD_SUBSTREAMID
							: HW_BAD_CD));
				assert_leads_to(pasid[k], p);
			}
		/* Now in leaf 14, and leaf 0 has only the device's own. */
		assert_int_equal(ops->set_pasid(NULL, dev, pasid[k], p), 0);
		if (!k)
			assert_int_equal(ops->set_pasid(p, dev, 900, NULL), 0);
	}
	assert_int_equal(ste_word(0) >> 59, 0);
	assert_leads_to(HW_NO_SSID, a);
	ops->dev_remove(dev);
	ops->dom_free(a);
	ops->dom_free(b);
	ops->dom_free(p);
}

static void stage_2_and_pasids_exclude_each_other(void **state)
{
	struct uiommu_hwdom *p = domain(UIOMMU_DOM_PAGING), *s2 = stage2(),
			    *identity = domain(UIOMMU_DOM_IDENTITY);
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);

	assert_int_equal(ops->set_pasid(s2, dev, 1, NULL), -EINVAL);
	assert_int_equal(ops->set_pasid(identity, dev, 1, NULL), -EINVAL);
	assert_int_equal(ops->set_pasid(p, dev, 1, NULL), 0);
	fake->nr = 0;
	assert_int_equal(ops->attach(s2, dev), -EBUSY);
	assert_null(dev->dom);
	assert_int_equal(fake->nr, 0);
	assert_leads_to(1, p);
	assert_int_equal(ops->set_pasid(NULL, dev, 1, p), 0);
	assert_int_equal(ops->attach(s2, dev), 0);
	assert_end(HW_NO_SSID, HW_STAGE2);
	assert_int_equal(ops->set_pasid(p, dev, 1, NULL), -EINVAL);
	assert_end(HW_NO_SSID, HW_STAGE2);
	ops->dev_remove(dev);
	ops->dom_free(p);
	ops->dom_free(s2);
}

/* --------------------------------------------------------------- refusals */

static void what_is_refused_and_how(void **state)
{
	struct uiommu_hwdom *a = domain(UIOMMU_DOM_PAGING),
			    *b = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = pasid_device(SID, 10), *none;
	static const uint32_t other[1] = { 3 };
	struct uiommu_hwdev_cfg cfg = { .name = "n",
					.ids = other,
					.nr_ids = 1 };
	struct hw_snap before, after;
	static const uint32_t seen[2] = { 1, 2 };
	uint64_t objs, tables;

	assert_int_equal(ops->dev_add(unit, &cfg, &none), 0);
	assert_int_equal(ops->set_pasid(a, dev, 1, NULL), 0);
	objs = fake->tp.live_objs;
	tables = fake->tp.live_tables;
	hw_snap(fake, SID, seen, 2, &before);
	fake->nr = 0;

	assert_int_equal(ops->set_pasid(a, none, 1, NULL), -EOPNOTSUPP);
	assert_int_equal(ops->set_pasid(a, dev, 0, NULL), -EINVAL);
	assert_int_equal(ops->set_pasid(a, dev, 1024, NULL), -EINVAL);
	assert_int_equal(ops->set_pasid(a, dev, UIOMMU_NO_PASID, NULL),
			 -EINVAL);
	/* taken; another one than said; nothing there */
	assert_int_equal(ops->set_pasid(b, dev, 1, NULL), -EBUSY);
	assert_int_equal(ops->set_pasid(a, dev, 1, b), -EINVAL);
	assert_int_equal(ops->set_pasid(NULL, dev, 1, b), -EINVAL);
	assert_int_equal(ops->set_pasid(b, dev, 2, a), -EINVAL);
	assert_int_equal(ops->set_pasid(NULL, dev, 2, a), -EINVAL);
	/* nothing to do is no mistake */
	assert_int_equal(ops->set_pasid(a, dev, 1, a), 0);
	assert_int_equal(ops->set_pasid(NULL, dev, 2, NULL), 0);

	hw_snap(fake, SID, seen, 2, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(fake->nr, 0);
	assert_int_equal(fake->tp.live_objs, objs);
	assert_int_equal(fake->tp.live_tables, tables);
	ops->dev_remove(none);
	ops->dev_remove(dev);
	ops->dom_free(a);
	ops->dom_free(b);
}

/* ------------------------------------------------------------------ costs */

struct cost {
	unsigned int commands, syncs;
};

static struct cost set(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev,
		       uint32_t pasid, struct uiommu_hwdom *old)
{
	struct cost cost;

	fake->nr = 0;
	assert_int_equal(ops->set_pasid(dom, dev, pasid, old), 0);
	cost.commands = fake->nr;
	cost.syncs = fake_smmu_count(fake, 0, SMMU_CMD_OP_SYNC);
	return cost;
}

/* For each form of the table, from whichever form it was. */
static void attach_4_replace_6_detach_6(void **state)
{
	static const uint32_t pasid[] = { 1, 2, 70, 71, 5000, 0x80000, 3 };
	struct uiommu_hwdom *rid[3] = { domain(UIOMMU_DOM_PAGING),
					domain(UIOMMU_DOM_IDENTITY),
					domain(UIOMMU_DOM_BLOCKED) };
	struct uiommu_hwdom *a[7], *b[7];
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);
	unsigned int r, i;
	struct cost c;

	for (i = 0; i < 7; i++) {
		a[i] = domain(UIOMMU_DOM_PAGING);
		b[i] = domain(UIOMMU_DOM_PAGING);
	}
	for (r = 0; r < 3; r++) {
		assert_int_equal(ops->attach(rid[r], dev), 0);
		for (i = 0; i < 7; i++) {
			c = set(a[i], dev, pasid[i], NULL);
			assert_in_range(c.commands, 2, 4);
		}
		for (i = 0; i < 7; i++) {
			c = set(b[i], dev, pasid[i], a[i]);
			/* CFGI, SYNC, TLBI of the old ASID, SYNC */
			assert_int_equal(c.commands, 4);
			assert_int_equal(c.syncs, 2);
			assert_int_equal(fake->log[2].q[0] & 0xff,
					 SMMU_CMD_OP_TLBI_NH_ASID);
		}
		for (i = 0; i < 7; i++) {
			c = set(NULL, dev, pasid[i], b[i]);
			assert_in_range(c.commands, 4, 6);
			assert_int_equal(
				fake_smmu_count(fake, 0,
						SMMU_CMD_OP_TLBI_NH_ASID),
				1);
		}
	}
	ops->dev_remove(dev);
	ops->dom_free(rid[0]);
	for (i = 0; i < 7; i++) {
		ops->dom_free(a[i]);
		ops->dom_free(b[i]);
	}
}

static void every_stream_is_told_and_one_sync_serves_all(void **state)
{
	static const uint32_t ids[3] = { 0x10, 0x11, 0x2000 };
	struct uiommu_hwdev_cfg cfg = {
		.name = "d", .ids = ids, .nr_ids = 3, .pasid_bits = 10
	};
	struct uiommu_hwdom *a = domain(UIOMMU_DOM_PAGING),
			    *b = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev;
	unsigned int i;

	assert_int_equal(ops->dev_add(unit, &cfg, &dev), 0);
	assert_int_equal(ops->set_pasid(a, dev, 99, NULL), 0);
	fake->nr = 0;
	assert_int_equal(ops->set_pasid(b, dev, 99, a), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(fake->log[i].q[0] & 0xff,
				 SMMU_CMD_OP_CFGI_CD_ALL);
		assert_int_equal(fake->log[i].q[0] >> 32, ids[i]);
		assert_int_equal(hw_asid(fake, ids[i], 99),
				 hw_asid(fake, ids[0], 99));
	}
	assert_int_equal(fake->nr, 6);
	/* One domain for several PASIDs: its ASID goes with the last. */
	assert_int_equal(ops->set_pasid(b, dev, 100, NULL), 0);
	fake->nr = 0;
	assert_int_equal(ops->set_pasid(NULL, dev, 99, b), 0);
	assert_int_equal(fake_smmu_count(fake, 0, SMMU_CMD_OP_TLBI_NH_ASID), 0);
	assert_int_equal(ops->set_pasid(NULL, dev, 100, b), 0);
	assert_int_equal(fake_smmu_count(fake, 0, SMMU_CMD_OP_TLBI_NH_ASID), 1);
	ops->dev_remove(dev);
	ops->dom_free(a);
	ops->dom_free(b);
}

/* ------------------------------------------- between any two stores of it */

/*
 * What the hardware finds at each store: for the PASID that changes the old or
 * the new one, for all others what they have.
 */
static struct watch {
	bool on;
	uint32_t pasid;
	int old, new; /* hw_asid(); new may be unknown before it comes */
	int rid;
	uint32_t other;
	int other_asid;
	unsigned int stores, olds, news;
} watch;

static void look(void *ctx, const void *va, size_t len)
{
	int now;

	if (!watch.on || len != 8)
		return;
	watch.stores++;
	now = asid(watch.pasid);
	if (now == watch.old)
		watch.olds++;
	else if (watch.new == INT32_MAX && now > 0)
		watch.new = now, watch.news++;
	else {
		assert_int_equal(now, watch.new);
		watch.news++;
	}
	assert_int_equal(asid(HW_NO_SSID), watch.rid);
	assert_int_equal(asid(watch.other), watch.other_asid);
}

static void watched(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev,
		    uint32_t pasid, struct uiommu_hwdom *old)
{
	watch = (struct watch){
		.pasid = pasid,
		.old = asid(pasid),
		.new = dom ? INT32_MAX : 0,
		.rid = asid(HW_NO_SSID),
		.other = 40,
		.other_asid = asid(40),
		.on = true,
	};
	fake->tp.platform.clean_range = look;
	if (!dom)
		/* The CD goes, or the leaf with it. */
		watch.new = -1 - (pasid == 41 ? HW_BAD_CD : HW_BAD_SUBSTREAMID);
	assert_int_equal(ops->set_pasid(dom, dev, pasid, old), 0);
	watch.on = false;
	fake->tp.platform.clean_range = NULL;
}

static void old_or_new_at_every_store(void **state)
{
	struct uiommu_hwdom *rid = domain(UIOMMU_DOM_PAGING),
			    *other = domain(UIOMMU_DOM_PAGING),
			    *a = domain(UIOMMU_DOM_PAGING),
			    *b = domain(UIOMMU_DOM_PAGING);
	static const uint32_t pasid[] = { 41, 199, 0x700 };
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);
	unsigned int i;

	assert_int_equal(ops->attach(rid, dev), 0);
	assert_int_equal(ops->set_pasid(other, dev, 40, NULL), 0);
	for (i = 0; i < 3; i++) {
		watched(a, dev, pasid[i], NULL);
		assert_true(watch.stores > 0);
		watched(b, dev, pasid[i], a);
		assert_true(watch.news > 0);
		watched(NULL, dev, pasid[i], b);
		assert_true(watch.news > 0);
	}
	ops->dev_remove(dev);
	ops->dom_free(rid);
	ops->dom_free(other);
	ops->dom_free(a);
	ops->dom_free(b);
}

/* --------------------------------------------------------------- failures */

/* Each allocation of a change fails once: it was as if nobody had asked. */
static void fail_each(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev,
		      uint32_t pasid, struct uiommu_hwdom *old)
{
	static const uint32_t seen[] = { 1, 2, 63, 64, 65, 1000, 0x8000 };
	struct hw_snap before, after;
	uint64_t objs, bytes, sum = test_platform_sum(&fake->tp);
	unsigned int n;

	hw_snap(fake, SID, seen, 7, &before);
	for (n = 1;; n++) {
		objs = fake->tp.live_objs;
		bytes = fake->tp.live_bytes;
		fake->nr = 0;
		test_platform_fail_nth(&fake->tp, n);
		if (!(pasid ? ops->set_pasid(dom, dev, pasid, old)
			    : ops->attach(dom, dev)))
			break;
		test_platform_run_deferred(&fake->tp);
		hw_snap(fake, SID, seen, 7, &after);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(fake->nr, 0);
		assert_int_equal(fake->tp.live_objs, objs);
		assert_int_equal(fake->tp.live_bytes, bytes);
		assert_int_equal(test_platform_sum(&fake->tp), sum);
		assert_true(n < 100);
	}
	assert_true(n > 1);
	test_platform_fail_nth(&fake->tp, 0);
}

static void a_change_without_memory_is_none(void **state)
{
	static const uint32_t pasid[] = { 1, 2, 64, 65, 1000, 0x8000 };
	struct uiommu_hwdom *dom[6],
		*b = domain(UIOMMU_DOM_PAGING),
		*rid[3] = { domain(UIOMMU_DOM_PAGING),
			    domain(UIOMMU_DOM_PAGING), stage2() };
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);
	unsigned int i;

	fail_each(rid[0], dev, 0, NULL);
	fail_each(rid[2], dev, 0, NULL);
	fail_each(rid[1], dev, 0, NULL);
	for (i = 0; i < 6; i++) {
		dom[i] = domain(UIOMMU_DOM_PAGING);
		fail_each(dom[i], dev, pasid[i], NULL);
	}
	fail_each(rid[0], dev, 0, NULL);
	for (i = 0; i < 6; i++) {
		fail_each(b, dev, pasid[i], dom[i]);
		/* Detaching wants no memory. */
		test_platform_fail_nth(&fake->tp, 1);
		assert_int_equal(ops->set_pasid(NULL, dev, pasid[i], b), 0);
		assert_false(test_platform_fail_nth(&fake->tp, 0));
		assert_true(asid(pasid[i]) < 0);
	}
	ops->dev_remove(dev);
	for (i = 0; i < 6; i++)
		ops->dom_free(dom[i]);
	for (i = 0; i < 3; i++)
		ops->dom_free(rid[i]);
	ops->dom_free(b);
}

static uint32_t refuse_nth(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	if (!f->refusals || --f->refusals)
		return 0;
	return SMMU_CERROR_ILL;
}

/*
 * The nth command of a change is refused, once: an error, the PASID has no
 * domain any more, the device goes on with all others, and what was attached
 * can be freed.
 */
static void a_refused_command_takes_the_pasid_and_nothing_else(void **state)
{
	static const uint32_t pasid[] = { 9, 77, 0x9000 };
	struct uiommu_hwdom *rid = domain(UIOMMU_DOM_PAGING),
			    *other = domain(UIOMMU_DOM_PAGING), *a, *b;
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);
	unsigned int i, n, failed = 0;
	int rc;

	assert_int_equal(ops->attach(rid, dev), 0);
	assert_int_equal(ops->set_pasid(other, dev, 40, NULL), 0);
	fake->refuse = refuse_nth;
	for (i = 0; i < 3; i++)
		for (n = 1; n < 8; n++) {
			a = domain(UIOMMU_DOM_PAGING);
			b = domain(UIOMMU_DOM_PAGING);
			if (n > 4) {
				assert_int_equal(ops->set_pasid(a, dev,
								pasid[i], NULL),
						 0);
				fake->refusals = n - 4;
				rc = ops->set_pasid(b, dev, pasid[i], a);
			} else {
				fake->refusals = n;
				rc = ops->set_pasid(b, dev, pasid[i], NULL);
			}
			fake->refusals = 0;
			if (rc) {
				assert_int_equal(rc, -EIO);
				assert_true(asid(pasid[i]) < 0);
				failed++;
			} else {
				assert_leads_to(pasid[i], b);
				assert_int_equal(ops->set_pasid(NULL, dev,
								pasid[i], b),
						 0);
			}
			assert_leads_to(HW_NO_SSID, rid);
			assert_leads_to(40, other);
			ops->dom_free(a);
			ops->dom_free(b);
		}
	assert_true(failed >= 6);
	ops->dev_remove(dev);
	ops->dom_free(rid);
	ops->dom_free(other);
}

/*
 * The device's own CD is the last of its leaf, and the STE that takes it out of
 * use is refused: the leaf is still in the table, so it stays.
 */
static void a_leaf_stays_where_the_entry_could_not_be_changed(void **state)
{
	struct uiommu_hwdom *rid = domain(UIOMMU_DOM_PAGING),
			    *a = domain(UIOMMU_DOM_PAGING),
			    *off[2] = { domain(UIOMMU_DOM_IDENTITY),
					domain(UIOMMU_DOM_BLOCKED) };
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);
	unsigned int i, n;

	fake->refuse = refuse_nth;
	for (i = 0; i < 2; i++)
		for (n = 1; n < 4; n++) {
			assert_int_equal(ops->attach(rid, dev), 0);
			assert_int_equal(ops->set_pasid(a, dev, 0x9000, NULL),
					 0);
			fake->refusals = n;
			assert_int_equal(ops->attach(off[i], dev), -EIO);
			fake->refusals = 0;
			assert_null(dev->dom);
			assert_end(HW_NO_SSID, HW_STREAM_DISABLED);
			assert_true(asid(5) < 0);
			assert_leads_to(0x9000, a);
			assert_int_equal(ops->set_pasid(a, dev, 5, NULL), 0);
			assert_leads_to(5, a);
			assert_int_equal(ops->attach(rid, dev), 0);
			assert_leads_to(HW_NO_SSID, rid);
			assert_int_equal(ops->set_pasid(NULL, dev, 5, a), 0);
			assert_int_equal(ops->set_pasid(NULL, dev, 0x9000, a),
					 0);
		}
	ops->dev_remove(dev);
	ops->dom_free(a);
	ops->dom_free(rid);
}

static void a_mute_smmu_keeps_what_it_may_read(void **state)
{
	struct uiommu_hwdom *rid = domain(UIOMMU_DOM_PAGING),
			    *a = domain(UIOMMU_DOM_PAGING),
			    *b = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);
	uint64_t tables;

	assert_int_equal(ops->attach(rid, dev), 0);
	assert_int_equal(ops->set_pasid(a, dev, 70, NULL), 0);
	tables = fake->tp.live_tables;
	fake->hold = true;
	assert_int_equal(ops->set_pasid(b, dev, 70, a), -ETIMEDOUT);
	/* All of the device is stopped, and the old leaf is still there. */
	assert_end(HW_NO_SSID, HW_ABORTED);
	assert_true(fake->tp.live_tables > tables);
	assert_int_equal(ops->set_pasid(NULL, dev, 70, NULL), -ETIMEDOUT);
	assert_end(HW_NO_SSID, HW_ABORTED);

	fake->hold = false;
	fake_smmu_run(fake, UINT32_MAX);
	/* The next change puts the device back into service. */
	assert_int_equal(ops->attach(rid, dev), 0);
	assert_leads_to(HW_NO_SSID, rid);
	assert_true(asid(70) < 0);
	assert_int_equal(ops->set_pasid(a, dev, 70, NULL), 0);
	assert_leads_to(70, a);
	assert_int_equal(ops->set_pasid(NULL, dev, 70, a), 0);
	/* What was doubtful is cleared up before a domain is let go. */
	fake->nr = 0;
	ops->dom_free(b);
	assert_int_equal(fake_smmu_count(fake, 0, SMMU_CMD_OP_CFGI_STE_RANGE),
			 1);
	ops->dev_remove(dev);
	ops->dom_free(rid);
	ops->dom_free(a);
}

static void a_device_that_goes_takes_its_pasids_along(void **state)
{
	struct uiommu_hwdom *rid = domain(UIOMMU_DOM_PAGING),
			    *a = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = pasid_device(SID, PASID_BITS);

	assert_int_equal(ops->attach(rid, dev), 0);
	assert_int_equal(ops->set_pasid(a, dev, 1, NULL), 0);
	assert_int_equal(ops->set_pasid(a, dev, 500, NULL), 0);
	assert_int_equal(ops->set_pasid(rid, dev, 0x7000, NULL), 0);
	fake->nr = 0;
	ops->dev_remove(dev);
	assert_end(HW_NO_SSID, HW_ABORTED);
	assert_int_equal(fake_smmu_count(fake, 0, SMMU_CMD_OP_TLBI_NH_ASID), 2);
	ops->dom_free(a);
	ops->dom_free(rid);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_table_grows_with_its_pasids_and_shrinks_again),
		TEST(without_two_levels_the_linear_table_doubles),
		TEST(a_device_with_few_pasids_has_a_small_table),
		TEST(the_rid_domain_changes_under_pasids),
		TEST(stage_2_and_pasids_exclude_each_other),
		TEST(what_is_refused_and_how),
		TEST(attach_4_replace_6_detach_6),
		TEST(every_stream_is_told_and_one_sync_serves_all),
		TEST(old_or_new_at_every_store),
		TEST(a_change_without_memory_is_none),
		TEST(a_refused_command_takes_the_pasid_and_nothing_else),
		TEST(a_leaf_stays_where_the_entry_could_not_be_changed),
		TEST(a_mute_smmu_keeps_what_it_may_read),
		TEST(a_device_that_goes_takes_its_pasids_along),
	};

	return cmocka_run_group_tests_name("driver-pasid", tests, NULL, NULL);
}
