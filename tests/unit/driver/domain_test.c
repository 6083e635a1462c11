/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices and domains on a fake SMMU: what stands in the tables after each
 * step, which commands a step costs.
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

/* --------------------------------------------------------------- devices */

static void unknown_streams_have_no_entry_known_ones_abort(void **state)
{
	struct uiommu_hwdev *dev;
	uint64_t ste[8];
	unsigned int i;

	assert_false(fake_smmu_ste(fake, 0x1234, ste));
	dev = device(0x1234);
	assert_true(fake_smmu_ste(fake, 0x1234, ste));
	assert_int_equal(ste[0], 1);
	for (i = 1; i < 8; i++)
		assert_int_equal(ste[i], 0);
	/* its neighbours too, and only those of its leaf */
	assert_int_equal(ste0(0x1200), 1);
	assert_int_equal(ste0(0x12ff), 1);
	assert_false(fake_smmu_ste(fake, 0x1300, ste));
	assert_false(fake_smmu_ste(fake, 0x11ff, ste));
	/* the level-1 entry was invalidated, not just the STE */
	assert_int_equal(fake->nr, 2);
	assert_int_equal(fake->log[0].q[0], 0x0000120000000003);
	assert_int_equal(fake->log[0].q[1], 0);
	unit->ops->dev_remove(dev);
	assert_int_equal(ste0(0x1234), 1);
}

static void bad_ids_are_refused(void **state)
{
	static const uint32_t twice[3] = { 1, 2, 1 }, mixed[2] = { 9, 0x10000 },
			      taken[2] = { 0x4444, 5 };
	struct uiommu_hwdev *dev = NULL, *five = device(5);
	uint64_t tables = fake->tp.live_tables, objs = fake->tp.live_objs;
	uint64_t lines = fake->tp.log_lines;
	uint32_t nr = fake->nr;

	assert_int_equal(add(twice, 3, &dev), -EEXIST);
	assert_int_equal(add(mixed, 2, &dev), -ERANGE);
	assert_int_equal(add(taken, 2, &dev), -EEXIST);
	assert_int_equal(add(twice, 0, &dev), -EINVAL);
	assert_null(dev);
	/* each with the reason */
	assert_int_equal(fake->tp.log_lines, lines + 4);
	assert_int_equal(fake->tp.live_tables, tables);
	assert_int_equal(fake->tp.live_objs, objs);
	assert_int_equal(fake->nr, nr);
	unit->ops->dev_remove(five);
	assert_int_equal(add(taken, 2, &dev), 0);
	unit->ops->dev_remove(dev);
}

static void all_streams_of_a_device_follow(void **state)
{
	static const uint32_t ids[3] = { 0x10, 0x11, 0x2000 };
	struct uiommu_hwdom *dom = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev;

	assert_int_equal(add(ids, 3, &dev), 0);
	assert_int_equal(unit->ops->attach(dom, dev), 0);
	assert_int_equal(ste0(0x10), ste0(0x11));
	assert_int_equal(ste0(0x10), ste0(0x2000));
	assert_int_equal(ste0(0x10) & 0xf, 0xb);
	assert_int_equal(ste0(0x12), 1);
	unit->ops->dev_remove(dev);
	assert_int_equal(ste0(0x2000), 1);
	unit->ops->dom_free(dom);
}

/* ---------------------------------------------------------------- attach */

static void a_paging_domain_in_words(void **state)
{
	struct uiommu_hwdom *dom = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = device(0x42);
	struct uiommu_pgtable_info info;
	uint64_t ste[8];

	uiommu_pgtable_info(dom->pt, &info);
	assert_int_equal(unit->ops->attach(dom, dev), 0);
	assert_ptr_equal(dev->dom, dom);
	assert_true(fake_smmu_ste(fake, 0x42, ste));
	/* S1DSS SSID0, WBRA, inner; SHCFG incoming; S1STALLD */
	assert_int_equal(ste[1], 0x00001000080000d6);
	assert_int_equal(ste[2], 0);
	/* T0SZ 16, 4K, WB inner; EPD1 V; IPS 48 AA64 R A ASET; ASID 1 */
	assert_int_equal(cd_word(0x42, 0), 0x0001e205c0003510);
	assert_int_equal(cd_word(0x42, 1), info.root);
	assert_int_equal(cd_word(0x42, 3), info.mair);
	unit->ops->dev_remove(dev);
	unit->ops->dom_free(dom);
}

static void from_domain_to_domain(void **state)
{
	struct uiommu_hwdom *a = domain(UIOMMU_DOM_PAGING),
			    *b = domain(UIOMMU_DOM_PAGING),
			    *identity = domain(UIOMMU_DOM_IDENTITY),
			    *blocked = domain(UIOMMU_DOM_BLOCKED);
	struct uiommu_hwdev *dev = device(7);
	uint64_t ste_a, asid_a, asid_b;

	assert_int_equal(unit->ops->attach(a, dev), 0);
	ste_a = ste0(7);
	asid_a = cd_word(7, 0) >> 48;

	/* a -> b: one word of the STE, one CFGI, the old ASID goes */
	fake->nr = 0;
	assert_int_equal(unit->ops->attach(b, dev), 0);
	asid_b = cd_word(7, 0) >> 48;
	assert_int_not_equal(asid_a, asid_b);
	assert_int_not_equal(ste0(7), ste_a);
	assert_int_equal(fake->nr, 4);
	assert_int_equal(fake->log[0].q[0], 0x0000000700000003);
	assert_int_equal(fake->log[0].q[1], 1);
	assert_int_equal(fake->log[1].q[0], 0x46);
	assert_int_equal(fake->log[2].q[0], asid_a << 48 | 0x11);
	assert_int_equal(fake->log[3].q[0], 0x46);

	/* the same again costs nothing */
	fake->nr = 0;
	assert_int_equal(unit->ops->attach(b, dev), 0);
	assert_int_equal(fake->nr, 0);

	assert_int_equal(unit->ops->attach(identity, dev), 0);
	assert_int_equal(ste0(7), 9);
	assert_ptr_equal(dev->dom, identity);
	assert_int_equal(unit->ops->attach(a, dev), 0);
	/* a tag rests as long as can be before it is used again */
	assert_in_range(cd_word(7, 0) >> 48, asid_b + 1, 0xffff);
	assert_int_equal(unit->ops->attach(blocked, dev), 0);
	assert_int_equal(ste0(7), 1);
	assert_int_equal(unit->ops->attach(b, dev), 0);
	unit->ops->dev_remove(dev);
	unit->ops->dom_free(a);
	unit->ops->dom_free(b);
	unit->ops->dom_free(identity);
	unit->ops->dom_free(blocked);
}

/* What a domain keeps of its use serves the next. */
static void coming_and_going_defers_nothing(void **state)
{
	struct uiommu_hwdom *a = domain(UIOMMU_DOM_PAGING),
			    *b = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = device(7);
	uint64_t deferred, objs, asid;
	unsigned int i;

	assert_int_equal(unit->ops->attach(a, dev), 0);
	assert_int_equal(unit->ops->attach(b, dev), 0);
	assert_int_equal(unit->ops->attach(a, dev), 0);
	deferred = fake->tp.nr_deferred;
	objs = fake->tp.live_objs;
	asid = cd_word(7, 0) >> 48;
	for (i = 0; i < 10; i++) {
		assert_int_equal(unit->ops->attach(i & 1 ? a : b, dev), 0);
		/* The tag is another one each time, with no old entries. */
		assert_int_equal(cd_word(7, 0) >> 48, ++asid);
		assert_int_equal(fake->tp.live_objs, objs);
	}
	assert_int_equal(fake->tp.nr_deferred, deferred);
	/* Flushes find the new tag. */
	fake->nr = 0;
	assert_int_equal(unit->ops->flush_all(a), 0);
	assert_int_equal(fake->nr, 2);
	assert_int_equal(fake->log[0].q[0], asid << 48 | 0x11);
	unit->ops->dev_remove(dev);
	unit->ops->dom_free(a);
	unit->ops->dom_free(b);
}

static void two_devices_share_the_asid_not_the_cd(void **state)
{
	struct uiommu_hwdom *dom = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *a = device(1), *b = device(2);

	assert_int_equal(unit->ops->attach(dom, a), 0);
	assert_int_equal(unit->ops->attach(dom, b), 0);
	assert_int_equal(cd_word(1, 0), cd_word(2, 0));
	assert_int_equal(cd_word(1, 1), cd_word(2, 1));
	assert_int_not_equal(ste0(1), ste0(2));
	/* The ASID goes with the last one only. */
	fake->nr = 0;
	unit->ops->dev_remove(a);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_ASID), 0);
	unit->ops->dev_remove(b);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_ASID), 1);
	unit->ops->dom_free(dom);
}

static void a_domain_of_another_unit_does_not_fit(void **state)
{
	struct uiommu_hwdom *dom = domain(UIOMMU_DOM_PAGING);
	struct uiommu_unit *first = unit;
	struct fake_smmu *first_fake = fake;
	struct uiommu_hwdev *dev;

	start(NULL);
	dev = device(3);
	assert_int_equal(unit->ops->attach(dom, dev), -EINVAL);
	assert_null(dev->dom);
	assert_int_equal(ste0(3), 1);
	unit->ops->dev_remove(dev);
	teardown(state);
	unit = first;
	fake = first_fake;
	unit->ops->dom_free(dom);
}

/* ----------------------------------------------------------------- flush */

static void map(struct uiommu_hwdom *dom, uint64_t iova, uint64_t len)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_map(
				 dom->pt, iova, 0x40000000, len,
				 UIOMMU_PROT_READ | UIOMMU_PROT_WRITE, &gather),
			 0);
	assert_int_equal(unit->ops->flush(dom, &gather), 0);
	uiommu_gather_release(&gather);
}

/* Commands that unmapping costs. */
static uint32_t unmap(struct uiommu_hwdom *dom, uint64_t iova, uint64_t len)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_unmap(dom->pt, iova, len, &gather,
					      &unmapped),
			 0);
	fake->nr = 0;
	assert_int_equal(unit->ops->flush(dom, &gather), 0);
	uiommu_gather_release(&gather);
	return fake->nr;
}

static void what_unmapping_costs(void **state)
{
	struct uiommu_hwdom *dom = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = device(1);

	/* Not in use: nothing to forget. */
	map(dom, 0, 0x1000);
	assert_int_equal(unmap(dom, 0, 0x1000), 0);

	assert_int_equal(unit->ops->attach(dom, dev), 0);
	fake->nr = 0;
	map(dom, 0x1000, 0x1000);
	assert_int_equal(fake->nr, 0);
	assert_int_equal(unmap(dom, 0x1000, 0x1000), 2);
	assert_int_equal(fake->log[0].q[0] & 0xff, 0x12);
	assert_int_equal(fake->log[0].q[0] >> 48, cd_word(1, 0) >> 48);
	assert_int_equal(fake->log[1].q[0], 0x46);

	map(dom, 0x40000000, 0x40000000);
	assert_in_range(unmap(dom, 0x40000000, 0x40000000), 2, 3);
	map(dom, 0x40001000, 0x3ffff000);
	assert_in_range(unmap(dom, 0x40001000, 0x3ffff000), 2, 8);

	fake->nr = 0;
	assert_int_equal(unit->ops->flush_all(dom), 0);
	assert_int_equal(fake->nr, 2);
	assert_int_equal(fake->log[0].q[0], 0x0001000000000011);
	unit->ops->dev_remove(dev);
	fake->nr = 0;
	assert_int_equal(unit->ops->flush_all(dom), 0);
	assert_int_equal(fake->nr, 0);
	unit->ops->dom_free(dom);
}

static void no_ril(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR3) &= ~SMMU_IDR3_RIL;
}

static void without_ranges_large_unmaps_drop_the_asid(void **state)
{
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;

	teardown(state);
	start(no_ril);
	dom = domain(UIOMMU_DOM_PAGING);
	dev = device(1);
	assert_int_equal(unit->ops->attach(dom, dev), 0);
	map(dom, 0x40000000, 0x10000);
	assert_int_equal(unmap(dom, 0x40000000, 0x10000), 16 + 1);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_VA), 16);
	map(dom, 0x40001000, 0x101000);
	assert_int_equal(unmap(dom, 0x40001000, 0x101000), 2);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_ASID), 1);
	unit->ops->dev_remove(dev);
	unit->ops->dom_free(dom);
}

static void static_domains_flush_nothing(void **state)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	gather.nr_ranges = 1;
	gather.range[0] = (struct uiommu_gather_range){ 0, 4095, 12, 3, true };
	fake->nr = 0;
	assert_int_equal(unit->ops->flush(domain(UIOMMU_DOM_IDENTITY), &gather),
			 0);
	assert_int_equal(unit->ops->flush_all(domain(UIOMMU_DOM_BLOCKED)), 0);
	assert_int_equal(fake->nr, 0);
	assert_null(domain(UIOMMU_DOM_BLOCKED)->pt);
}

/*
 * From the first word that is written for an attach, and until the last one for
 * a detach, a flush must reach the hardware: one is tried at every store.
 */
static struct uiommu_hwdom *flushed_dom;
static uint32_t flushes_tried, flushes_lost;

static void flush_now(void *ctx, const void *va, size_t len)
{
	struct uiommu_hwdom *dom = flushed_dom;
	uint32_t nr = fake->nr;

	/* Words of tables, not slots of the queue that a flush needs itself. */
	if (!dom || len != 8)
		return;
	flushed_dom = NULL; /* not inside itself */
	assert_int_equal(unit->ops->flush_all(dom), 0);
	flushes_tried++;
	flushes_lost += fake->nr - nr < 2;
	flushed_dom = dom;
}

static void a_flush_during_attach_and_detach_is_not_lost(void **state)
{
	struct uiommu_hwdom *dom = domain(UIOMMU_DOM_PAGING),
			    *blocked = domain(UIOMMU_DOM_BLOCKED);
	struct uiommu_hwdev *dev = device(6);

	fake->tp.platform.clean_range = flush_now;
	flushes_tried = flushes_lost = 0;
	flushed_dom = dom;
	assert_int_equal(unit->ops->attach(dom, dev), 0);
	assert_int_equal(flushes_lost, 0);
	assert_int_equal(unit->ops->attach(blocked, dev), 0);
	assert_int_equal(flushes_lost, 0);
	/* eight words of the CD, three stores to the STE and two back */
	assert_int_equal(flushes_tried, 8 + 3 + 2);
	flushed_dom = NULL;
	fake->nr = 0;
	assert_int_equal(unit->ops->flush_all(dom), 0);
	assert_int_equal(fake->nr, 0);
	fake->tp.platform.clean_range = NULL;
	unit->ops->dev_remove(dev);
	unit->ops->dom_free(dom);
}

/*
 * The last moment: the entry is gone, the ASID is about to be dropped.  A flush
 * that came now and found nobody would return while old translations live.
 */
static uint32_t tlbi_gate, at_gate, flush_done;

static void hold_before_tlbi(struct fake_smmu *f, uint32_t off, uint64_t val)
{
	/* The abort entry took two doorbells; the third is the ASID's. */
	if (off != SMMU_REG_CMDQ_PROD ||
	    __atomic_add_fetch(&at_gate, 1, __ATOMIC_ACQ_REL) != 3)
		return;
	while (__atomic_load_n(&tlbi_gate, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void *detach_in_thread(void *arg)
{
	struct uiommu_hwdev *dev = arg;

	return (void *)(intptr_t)unit->ops->attach(domain(UIOMMU_DOM_BLOCKED),
						   dev);
}

static void *flush_in_thread(void *arg)
{
	int rc = unit->ops->flush_all(arg);

	__atomic_store_n(&flush_done, 1, __ATOMIC_RELEASE);
	return (void *)(intptr_t)rc;
}

/*
 * Detach and, while it is held before its last doorbell, flush: how many
 * invalidations of the ASID came.  One only, where the thread that flushes got
 * its processor so late that the device had left: it is for the caller to try
 * again, since nothing tells from outside that it has looked.
 */
static unsigned int flush_into_a_detach(struct uiommu_hwdom *dom,
					struct uiommu_hwdev *dev)
{
	pthread_t a, b;
	unsigned int i;

	assert_int_equal(unit->ops->attach(dom, dev), 0);
	fake->nr = 0;
	tlbi_gate = 1;
	at_gate = flush_done = 0;
	fake->before_write = hold_before_tlbi;
	pthread_create(&a, NULL, detach_in_thread, dev);
	while (__atomic_load_n(&at_gate, __ATOMIC_ACQUIRE) < 3)
		sched_yield();
	assert_int_equal(ste0(6), 1);
	pthread_create(&b, NULL, flush_in_thread, dom);
	for (i = 0; i < 200; i++)
		sched_yield();
	assert_int_equal(__atomic_load_n(&flush_done, __ATOMIC_ACQUIRE), 0);
	__atomic_store_n(&tlbi_gate, 0, __ATOMIC_RELEASE);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	fake->before_write = NULL;
	return count(SMMU_CMD_OP_TLBI_NH_ASID);
}

static void a_flush_before_the_asid_is_dropped_is_not_lost(void **state)
{
	unsigned int tries = 0, invalidations;
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;

	/* Nobody gives up in this test. */
	unit->ops->remove(unit);
	patient = true;
	fake_smmu_fini(fake);
	free(fake);
	start(NULL);
	patient = false;
	dom = domain(UIOMMU_DOM_PAGING);
	dev = device(6);
	do
		invalidations = flush_into_a_detach(dom, dev);
	while (invalidations == 1 && ++tries < 50);
	assert_int_equal(invalidations, 2);
	unit->ops->dev_remove(dev);
	unit->ops->dom_free(dom);
}

/* ------------------------------------------------------------------ ASID */

static void eight_bits(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_ASID16;
}

static void asids_run_out_and_come_back(void **state)
{
	struct uiommu_hwdom *dom[257];
	struct uiommu_hwdev *dev[257];
	bool seen[256] = { true };
	unsigned int i, asid;
	uint64_t objs;

	teardown(state);
	start(eight_bits);
	for (i = 1; i < 257; i++) {
		dom[i] = domain(UIOMMU_DOM_PAGING);
		dev[i] = device(i);
	}
	for (i = 1; i < 256; i++) {
		assert_int_equal(unit->ops->attach(dom[i], dev[i]), 0);
		asid = cd_word(i, 0) >> 48;
		assert_in_range(asid, 1, 255);
		assert_false(seen[asid]);
		seen[asid] = true;
	}
	/* The 256th does not find one, and nothing has changed. */
	fake->nr = 0;
	objs = fake->tp.live_objs;
	assert_int_equal(unit->ops->attach(dom[256], dev[256]), -ENOSPC);
	assert_null(dev[256]->dom);
	assert_int_equal(fake->nr, 0);
	assert_int_equal(fake->tp.live_objs, objs);
	assert_int_equal(ste0(256), 1);
	/* What one device gives up comes back, after its TLBI. */
	asid = cd_word(77, 0) >> 48;
	assert_int_equal(unit->ops->attach(dom[78], dev[77]), 0);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_ASID), 1);
	assert_int_equal(unit->ops->attach(dom[256], dev[256]), 0);
	assert_int_equal(cd_word(256, 0) >> 48, asid);
	for (i = 1; i < 257; i++) {
		unit->ops->dev_remove(dev[i]);
		if (i != 77)
			unit->ops->dom_free(dom[i]);
	}
	unit->ops->dom_free(dom[77]);
}

/* ----------------------------------------------------------- coherency */

static void incoherent(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_COHACC;
	test_platform_make_incoherent(&fake->tp);
}

static void
every_store_is_cleaned_for_hardware_that_does_not_snoop(void **state)
{
	struct uiommu_hwdom *a, *b;
	struct uiommu_hwdev *dev;
	struct uiommu_pgtable_info info;
	uint64_t ste[8];

	/* The fake sees only what was cleaned: commands, STEs, CDs. */
	teardown(state);
	start(incoherent);
	a = domain(UIOMMU_DOM_PAGING);
	b = domain(UIOMMU_DOM_PAGING);
	dev = device(0x900);
	assert_int_equal(ste0(0x9ff), 1);
	assert_int_equal(unit->ops->attach(a, dev), 0);
	assert_int_equal(unit->ops->attach(b, dev), 0);
	uiommu_pgtable_info(b->pt, &info);
	assert_true(fake_smmu_ste(fake, 0x900, ste));
	/* no attributes: not cached */
	assert_int_equal(ste[1], 0x0000100008000002);
	assert_int_equal(cd_word(0x900, 0), 0x0002e205c0000010);
	assert_int_equal(cd_word(0x900, 1), info.root);
	unit->ops->dev_remove(dev);
	assert_int_equal(ste0(0x900), 1);
	unit->ops->dom_free(a);
	unit->ops->dom_free(b);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unknown_streams_have_no_entry_known_ones_abort),
		TEST(bad_ids_are_refused),
		TEST(all_streams_of_a_device_follow),
		TEST(a_paging_domain_in_words),
		TEST(from_domain_to_domain),
		TEST(coming_and_going_defers_nothing),
		TEST(two_devices_share_the_asid_not_the_cd),
		TEST(a_domain_of_another_unit_does_not_fit),
		TEST(what_unmapping_costs),
		TEST(without_ranges_large_unmaps_drop_the_asid),
		TEST(a_flush_during_attach_and_detach_is_not_lost),
		TEST(a_flush_before_the_asid_is_dropped_is_not_lost),
		TEST(static_domains_flush_nothing),
		TEST(asids_run_out_and_come_back),
		TEST(every_store_is_cleaned_for_hardware_that_does_not_snoop),
	};

	return cmocka_run_group_tests_name("driver-domain", tests, NULL, NULL);
}
