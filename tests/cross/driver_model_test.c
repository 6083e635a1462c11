/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver on the model, judged by what devices can and cannot reach.  The
 * two meet in registers and memory only, so what passes here would pass on
 * other hardware that reads the same specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x7f0000000)

/* ID register bits that the cases change (IHI 0070 6.3). */
#define IDR0_MSI (1u << 13)
#define IDR0_ASID16 (1u << 12)
#define IDR0_ST_LEVEL (3u << 27)
#define IDR1_ECMDQ (1u << 31)
#define IDR3_RIL (1u << 10)
#define IDR3_BBML (3u << 11)
#define IDR5_GRAN4K (1u << 4)
#define IDR5_GRAN16K (1u << 5)

static struct rig_cfg cfg;
static struct rig *rig;
/* What the last test leaves behind, for leak checkers to see. */
static struct {
	struct rig *rig;
	struct uiommu_hwdev *dev;
} volatile dropped;

static int setup(void **state)
{
	rig_default(&cfg);
	rig = rig_create(&cfg);
	return 0;
}

static int teardown(void **state)
{
	rig_destroy(rig);
	return 0;
}

/* Start again with `cfg` as changed. */
static void restart(void)
{
	rig_destroy(rig);
	rig = rig_create(&cfg);
}

static uint64_t *page(unsigned int i)
{
	return rig_word(rig, i);
}

/* What the device reads there; 0xdead when it is aborted. */
static uint64_t peek(uint32_t sid, uint64_t iova)
{
	return rig_peek(rig, sid, UIOMMU_NO_PASID, iova);
}

static void assert_faults(uint32_t sid, uint64_t iova)
{
	unsigned int before;

	rig_irqs(rig);
	before = rig->nr_faults;
	assert_int_equal(peek(sid, iova), 0xdead);
	rig_irqs(rig);
	assert_int_equal(rig->nr_faults, before + 1);
	assert_int_equal(rig->fault[before % RIG_MAX_FAULTS].iova, iova);
	assert_int_equal(rig->fault[before % RIG_MAX_FAULTS].id, sid);
	assert_int_equal(rig->fault[before % RIG_MAX_FAULTS].kind,
			 UIOMMU_FAULT_TRANSLATION);
}

/* ------------------------------------------------------------ the basics */

static void blocked_until_attached_then_translated(void **state)
{
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = rig_device(rig, 8);
	uint64_t word = 0x1122334455667788;

	rig_map(dom, IOVA, page(3), RIG_PAGE, RW);
	*page(3) = 77;
	/* No entry at all, then an abort entry: nothing gets through. */
	assert_int_equal(peek(9, IOVA), 0xdead);
	assert_int_equal(peek(8, (uintptr_t)page(3)), 0xdead);
	rig_attach(dom, dev);
	assert_int_equal(peek(8, IOVA), 77);
	assert_int_equal(rig_dma_write(rig, 8, IOVA + 16, &word, 8), 0);
	assert_int_equal(page(3)[2], word);
	/* The neighbour in the leaf is still stopped. */
	assert_int_equal(peek(9, IOVA), 0xdead);

	rig_attach(rig_domain(rig, UIOMMU_DOM_IDENTITY), dev);
	assert_int_equal(peek(8, (uintptr_t)page(3)), 77);
	rig_attach(rig_domain(rig, UIOMMU_DOM_BLOCKED), dev);
	assert_int_equal(peek(8, (uintptr_t)page(3)), 0xdead);
	rig->unit->ops->dev_remove(dev);
	assert_int_equal(peek(8, IOVA), 0xdead);
	rig->unit->ops->dom_free(dom);
}

static void a_stream_that_was_tried_before_it_was_known(void **state)
{
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev;

	/* What the hardware found then, it may have kept: nothing at level 1, */
	rig_map(dom, IOVA, page(3), RIG_PAGE, RW);
	*page(3) = 77;
	assert_int_equal(peek(0x4001, IOVA), 0xdead);
	dev = rig_device(rig, 0x4001);
	/* and an abort entry. */
	assert_int_equal(peek(0x4001, IOVA), 0xdead);
	rig_attach(dom, dev);
	assert_int_equal(peek(0x4001, IOVA), 77);
	rig->unit->ops->dev_remove(dev);
	assert_int_equal(peek(0x4001, IOVA), 0xdead);
	rig->unit->ops->dom_free(dom);
}

static void faults_arrive_with_address_access_and_cookie(void **state)
{
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = rig_device(rig, 0x123);
	uint64_t word = 1;

	rig_map(dom, IOVA, page(0), RIG_PAGE,
		UIOMMU_PROT_READ | UIOMMU_PROT_CACHE);
	rig_attach(dom, dev);
	assert_int_equal(rig_dma_write(rig, 0x123, IOVA + 8, &word, 8),
			 -EFAULT);
	rig_irqs(rig);
	assert_int_equal(rig->nr_faults, 1);
	assert_int_equal(rig->fault[0].kind, UIOMMU_FAULT_PERMISSION);
	assert_int_equal(rig->fault[0].flags, UIOMMU_FAULT_WRITE);
	assert_int_equal(rig->fault[0].iova, IOVA + 8);
	assert_int_equal(rig->fault[0].id, 0x123);
	assert_int_equal(rig->fault[0].pasid, UIOMMU_NO_PASID);
	assert_ptr_equal(rig->fault[0].cookie, (void *)(uintptr_t)0x1123);
	assert_faults(0x123, IOVA + RIG_PAGE);
	/* the upper half of the address space is closed */
	assert_faults(0x123, 0xffff000000000000);
	/* a StreamID that nobody has */
	assert_int_equal(peek(0x7777, 0), 0xdead);
	rig_irqs(rig);
	assert_int_equal(rig->fault[rig->nr_faults - 1].kind,
			 UIOMMU_FAULT_UNKNOWN_ID);
	assert_null(rig->fault[rig->nr_faults - 1].cookie);
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(dom);
}

static void two_domains_are_two_worlds(void **state)
{
	struct uiommu_hwdom *a = rig_domain(rig, UIOMMU_DOM_PAGING),
			    *b = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *da = rig_device(rig, 1), *db = rig_device(rig, 2);
	uint64_t word = 999;

	rig_attach(a, da);
	rig_attach(b, db);
	rig_map(a, IOVA, page(1), RIG_PAGE, RW);
	rig_map(b, IOVA, page(2), RIG_PAGE, RW);
	rig_map(a, IOVA + RIG_PAGE, page(3), RIG_PAGE, RW);
	*page(1) = 111;
	*page(2) = 222;
	*page(3) = 333;
	assert_int_equal(peek(1, IOVA), 111);
	assert_int_equal(peek(2, IOVA), 222);
	assert_int_equal(peek(1, IOVA + RIG_PAGE), 333);
	assert_faults(2, IOVA + RIG_PAGE);
	assert_int_equal(rig_dma_write(rig, 2, IOVA, &word, 8), 0);
	assert_int_equal(*page(1), 111);
	/* The same domain for both: the same world. */
	rig_attach(a, db);
	assert_int_equal(peek(2, IOVA), 111);
	assert_int_equal(peek(2, IOVA + RIG_PAGE), 333);
	rig_unmap(a, IOVA, RIG_PAGE);
	assert_faults(1, IOVA);
	assert_faults(2, IOVA);
	rig->unit->ops->dev_remove(da);
	rig->unit->ops->dev_remove(db);
	rig->unit->ops->dom_free(a);
	rig->unit->ops->dom_free(b);
}

/* ---------------------------------------------------------- invalidation */

static void the_flush_is_what_makes_it_forget(void **state)
{
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = rig_device(rig, 1);
	struct uiommu_gather gather;

	rig_attach(dom, dev);
	rig_map(dom, IOVA, page(1), RIG_PAGE, RW);
	*page(1) = 5;
	assert_int_equal(peek(1, IOVA), 5);
	uiommu_gather_init(&gather);
	rig_unmap_only(dom, IOVA, RIG_PAGE, &gather);
	/* The TLB caches: the device still gets there. */
	assert_int_equal(peek(1, IOVA), 5);
	rig_flush(dom, &gather);
	assert_faults(1, IOVA);

	/* The same with all at once. */
	rig_map(dom, IOVA, page(1), RIG_PAGE, RW);
	assert_int_equal(peek(1, IOVA), 5);
	rig_unmap_only(dom, IOVA, RIG_PAGE, &gather);
	assert_int_equal(peek(1, IOVA), 5);
	assert_int_equal(rig->unit->ops->flush_all(dom), 0);
	uiommu_gather_release(&gather);
	assert_faults(1, IOVA);
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(dom);
}

/* Unmap pages [at, at + n) of 64 that are all cached. */
static void check_exactness(struct uiommu_hwdom *dom, unsigned int at,
			    unsigned int n)
{
	struct uiommu_smmuv3_stats before, after;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		*page(i) = i;
		assert_int_equal(peek(1, IOVA + (uint64_t)i * RIG_PAGE), i);
	}
	rig_unmap(dom, IOVA + (uint64_t)at * RIG_PAGE, (uint64_t)n * RIG_PAGE);
	before = rig_stats(rig);
	for (i = 0; i < 64; i++)
		if (i < at || i >= at + n)
			assert_int_equal(peek(1, IOVA + (uint64_t)i * RIG_PAGE),
					 i);
	after = rig_stats(rig);
	/* What is outside the range still hits. */
	assert_int_equal(after.tlb_misses, before.tlb_misses);
	assert_int_equal(after.tlb_hits - before.tlb_hits, 64 - n);
	for (i = at; i < at + n; i++)
		assert_faults(1, IOVA + (uint64_t)i * RIG_PAGE);
	/* One by one: no contiguous run, which would go as a whole. */
	for (i = at; i < at + n; i++)
		rig_map(dom, IOVA + (uint64_t)i * RIG_PAGE, page(i), RIG_PAGE,
			RW);
}

static void exact_with(void)
{
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = rig_device(rig, 1);
	unsigned int i;

	rig_attach(dom, dev);
	/* Page by page and out of order, so that they are not one block. */
	for (i = 0; i < 64; i++)
		rig_map(dom, IOVA + (uint64_t)i * RIG_PAGE, page(i), RIG_PAGE,
			RW);
	check_exactness(dom, 10, 1);
	check_exactness(dom, 10, 10);
	check_exactness(dom, 0, 33);
	check_exactness(dom, 31, 33);
	check_exactness(dom, 7, 51);
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(dom);
}

static void invalidation_is_exact_with_ranges(void **state)
{
	exact_with();
	assert_int_equal(rig_counter(rig, "flushes/full"), 0);
	assert_true(rig_counter(rig, "cmd/tlbi_range") > 0);
}

static void invalidation_is_exact_without_ranges(void **state)
{
	cfg.profile.idr[3] &= ~IDR3_RIL;
	cfg.profile.aidr = 1;
	restart();
	exact_with();
	assert_int_equal(rig_counter(rig, "flushes/full"), 0);
	assert_int_equal(rig_counter(rig, "cmd/tlbi_range"), 0);
}

static void blocks_and_tables_are_forgotten_too(void **state)
{
	const uint64_t big = 2u << 20, iova = UINT64_C(0x40000000);
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = rig_device(rig, 1);
	uint8_t *aligned;
	unsigned int i;

	aligned = (uint8_t *)(((uintptr_t)rig->ram + big - 1) & ~(big - 1));
	rig_attach(dom, dev);
	/* a block, hit in two places, gone as a whole */
	rig_map(dom, iova, aligned, big, RW);
	*(uint64_t *)(void *)aligned = 1;
	*(uint64_t *)(void *)(aligned + big - 8) = 2;
	assert_int_equal(peek(1, iova), 1);
	assert_int_equal(peek(1, iova + big - 8), 2);
	rig_unmap(dom, iova, big);
	assert_faults(1, iova);
	assert_faults(1, iova + big - 8);

	/* a hole in a block: the rest stays */
	rig_map(dom, iova, aligned, big, RW);
	assert_int_equal(peek(1, iova), 1);
	rig_unmap(dom, iova + RIG_PAGE, RIG_PAGE);
	assert_int_equal(peek(1, iova), 1);
	assert_int_equal(peek(1, iova + big - 8), 2);
	assert_faults(1, iova + RIG_PAGE);
	rig_unmap(dom, iova, RIG_PAGE);
	rig_unmap(dom, iova + 2 * RIG_PAGE, big - 2 * RIG_PAGE);
	assert_faults(1, iova);

	/* a table of pages goes, a block takes its place, and back */
	for (i = 0; i < 10; i++) {
		rig_map(dom, iova, aligned, big - RIG_PAGE, RW);
		assert_int_equal(peek(1, iova), 1);
		rig_unmap(dom, iova, big - RIG_PAGE);
		rig_map(dom, iova, aligned, big, RW);
		assert_int_equal(peek(1, iova + big - 8), 2);
		rig_unmap(dom, iova, big);
		assert_faults(1, iova + big - 8);
	}
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(dom);
}

static void without_bbml2_splits_go_through_a_flush(void **state)
{
	cfg.profile.idr[3] &= ~IDR3_BBML;
	cfg.profile.idr[3] |= 1u << 11;
	restart();
	blocks_and_tables_are_forgotten_too(state);
}

static void a_domain_out_of_use_is_forgotten(void **state)
{
	struct uiommu_hwdom *a = rig_domain(rig, UIOMMU_DOM_PAGING),
			    *b = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = rig_device(rig, 1);
	uint64_t syncs;

	rig_attach(a, dev);
	rig_map(a, IOVA, page(1), RIG_PAGE, RW);
	*page(1) = 5;
	assert_int_equal(peek(1, IOVA), 5);
	rig_attach(b, dev);
	/* Changed while nobody uses it: no command, */
	syncs = rig_stats(rig).syncs;
	rig_unmap(a, IOVA, RIG_PAGE);
	rig_map(a, IOVA, page(2), RIG_PAGE, RW);
	*page(2) = 6;
	assert_int_equal(rig_stats(rig).syncs, syncs);
	/* and no old translation when it is used again. */
	rig_attach(a, dev);
	assert_int_equal(peek(1, IOVA), 6);
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(a);
	rig->unit->ops->dom_free(b);
}

static void a_used_asid_comes_back_clean(void **state)
{
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom;
	unsigned int i;

	cfg.profile.idr[0] &= ~IDR0_ASID16;
	restart();
	dev = rig_device(rig, 1);
	/* 8 bits: each ASID is used twice and more. */
	for (i = 0; i < 600; i++) {
		dom = rig_domain(rig, UIOMMU_DOM_PAGING);
		rig_attach(dom, dev);
		assert_int_equal(peek(1, IOVA), 0xdead);
		rig_map(dom, IOVA, page(i % 16), RIG_PAGE, RW);
		*page(i % 16) = i;
		assert_int_equal(peek(1, IOVA), i);
		rig_attach(rig_domain(rig, UIOMMU_DOM_BLOCKED), dev);
		/* Freed with everything still mapped and cached. */
		rig->unit->ops->dom_free(dom);
		rig_irqs(rig);
	}
	rig->unit->ops->dev_remove(dev);
}

static void costs_in_commands(void **state)
{
	const uint64_t gib = UINT64_C(1) << 30;
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = rig_device(rig, 1);
	struct uiommu_smmuv3_stats before, after;

	rig_attach(dom, dev);
	rig_map(dom, IOVA, page(1), RIG_PAGE, RW);
	before = rig_stats(rig);
	rig_unmap(dom, IOVA, RIG_PAGE);
	after = rig_stats(rig);
	assert_int_equal(after.commands - before.commands, 2);
	assert_int_equal(after.syncs - before.syncs, 1);

	/* Nobody reads the memory, so any address will do. */
	rig_map(dom, gib, (void *)(uintptr_t)gib, gib, RW);
	before = rig_stats(rig);
	rig_unmap(dom, gib, gib);
	after = rig_stats(rig);
	assert_in_range(after.commands - before.commands, 2, 3);
	assert_int_equal(after.syncs - before.syncs, 1);
	/* Driver and model agree on how many there were. */
	assert_int_equal(rig_counter(rig, "cmd/sync"), after.syncs);
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(dom);
}

/* --------------------------------------------------------- other shapes */

static void short_story(void)
{
	struct uiommu_hwdom *a = rig_domain(rig, UIOMMU_DOM_PAGING),
			    *b = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = rig_device(rig, 5);
	struct uiommu_unit_caps caps;
	uint64_t step;
	uint8_t *mem;

	rig->unit->ops->caps(rig->unit, &caps);
	step = caps.pgsizes & -caps.pgsizes;
	mem = (uint8_t *)(((uintptr_t)rig->ram + step - 1) & ~(step - 1));
	rig_attach(a, dev);
	rig_map(a, IOVA, mem, step, RW);
	rig_map(b, IOVA, mem + step, step, RW);
	*(uint64_t *)(void *)mem = 1;
	*(uint64_t *)(void *)(mem + step) = 2;
	assert_int_equal(peek(5, IOVA), 1);
	rig_attach(b, dev);
	assert_int_equal(peek(5, IOVA), 2);
	rig_unmap(b, IOVA, step);
	assert_faults(5, IOVA);
	rig->unit->ops->dev_remove(dev);
	assert_int_equal(peek(5, IOVA), 0xdead);
	rig->unit->ops->dom_free(a);
	rig->unit->ops->dom_free(b);
}

static void other_granules(void **state)
{
	cfg.profile.idr[5] &= ~IDR5_GRAN4K;
	restart();
	short_story();
	cfg.profile.idr[5] &= ~IDR5_GRAN16K;
	restart();
	short_story();
}

static void a_linear_stream_table(void **state)
{
	cfg.profile.idr[0] &= ~IDR0_ST_LEVEL;
	cfg.profile.idr[1] = (cfg.profile.idr[1] & ~0x3fu) | 6;
	restart();
	short_story();
}

static void commands_in_a_thread_of_their_own(void **state)
{
	cfg.profile.threaded_commands = true;
	cfg.driver.cmdq_lg2 = 1;
	restart();
	short_story();
	the_flush_is_what_makes_it_forget(state);
}

static void hardware_without_caches(void **state)
{
	cfg.profile.tlb_entries = 0;
	cfg.profile.config_entries = 0;
	cfg.no_direct = true;
	restart();
	short_story();
}

static void qemus_registers(void **state)
{
	/* OAS is 44 bits there: memory of this process is out of reach. */
	cfg.profile = *uiommu_smmuv3_profile_find("qemu-8");
	cfg.profile.idr[5] = (cfg.profile.idr[5] & ~7u) | 5;
	restart();
	short_story();
}

/* -------------------------------------------------- events and take-over */

static void lost_events_are_told(void **state)
{
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev;
	unsigned int i, round;

	rig->unit->ops->dom_free(dom);
	cfg.driver.evtq_lg2 = 2;
	restart();
	dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	dev = rig_device(rig, 1);
	rig_attach(dom, dev);
	for (round = 1; round <= 3; round++) {
		for (i = 0; i < 10; i++)
			assert_int_equal(peek(1, IOVA + i * RIG_PAGE), 0xdead);
		rig_irqs(rig);
		assert_int_equal(rig->nr_faults, 4 * round);
		assert_int_equal(rig->lost, round);
	}
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(dom);
}

static void the_event_interrupt_as_a_message(void **state)
{
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;
	static uint8_t *doorbell;

	/* The doorbell is a word of RAM, known after the rig exists. */
	doorbell = rig->ram + 0x100;
	cfg.driver.evtq_msi.addr = (uintptr_t)doorbell;
	cfg.driver.evtq_msi.data = 0xabcd;
	rig->unit->ops->remove(rig->unit);
	assert_int_equal(rig_probe(rig, &cfg), 0);
	dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	dev = rig_device(rig, 1);
	rig_attach(dom, dev);
	assert_int_equal(*(uint32_t *)(void *)doorbell, 0);
	assert_int_equal(peek(1, IOVA), 0xdead);
	assert_int_equal(*(uint32_t *)(void *)doorbell, 0xabcd);
	rig->unit->ops->irq(rig->unit, UIOMMU_SMMUV3_IRQ_EVENTQ);
	assert_int_equal(rig->nr_faults, 1);
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(dom);
}

static void a_second_driver_takes_over(void **state)
{
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING), *dom2;
	struct uiommu_hwdev *dev = rig_device(rig, 1), *dev2;
	struct uiommu_unit *second;

	rig_attach(dom, dev);
	rig_map(dom, IOVA, page(1), RIG_PAGE, RW);
	*page(1) = 5;
	assert_int_equal(peek(1, IOVA), 5);

	/* Nobody told the first one. */
	assert_int_equal(rig_probe(rig, &cfg), 0);
	second = rig->unit;
	assert_int_equal(peek(1, IOVA), 0xdead);
	dom2 = rig_domain(rig, UIOMMU_DOM_PAGING);
	dev2 = rig_device(rig, 1);
	rig_map(dom2, IOVA, page(2), RIG_PAGE, RW);
	*page(2) = 6;
	assert_int_equal(peek(1, IOVA), 0xdead);
	rig_attach(dom2, dev2);
	assert_int_equal(peek(1, IOVA), 6);
	rig_irqs(rig);
	second->ops->dev_remove(dev2);
	second->ops->dom_free(dom2);
	second->ops->remove(second);
	/* Off, and nothing passes. */
	assert_int_equal(peek(1, (uintptr_t)page(1)), 0xdead);
	/*
	 * The first one's memory is not the test's subject: what it cannot give
	 * back without hardware stays, so the rig is dropped, not destroyed.
	 */
	dropped.rig = rig;
	dropped.dev = dev;
	rig = rig_create(&cfg);
}

/* Two control pages of four queues each, behind page 1. */
static uint64_t ecmdq(unsigned int i, unsigned int off)
{
	return rig->mmio + 0x20000 + i * 0x4000 + off;
}

static uint32_t read_reg(uint64_t pa)
{
	return rig->platform->mmio_read32(rig->platform->ctx, pa);
}

static void write_reg(uint64_t pa, uint32_t val)
{
	rig->platform->mmio_write32(rig->platform->ctx, pa, val);
}

/*
 * One that is on would go on to read commands from memory that is somebody
 * else's by now, and keep the attributes of all queues (CR1) as they were.
 */
static void enhanced_queues_of_before_are_off(void **state)
{
	const struct uiommu_platform *p;
	unsigned int i;

	cfg.profile.idr[1] |= IDR1_ECMDQ;
	cfg.profile.idr[6] = 1u << 24 | 2u << 16;
	cfg.no_probe = true;
	restart();
	p = rig->platform;
	write_reg(rig->mmio + 0x28, 0);
	for (i = 1; i < 8; i += 3) {
		p->mmio_write64(p->ctx, ecmdq(i, 0), (uintptr_t)rig->ram | 3);
		write_reg(ecmdq(i, 0xc), 5);
		write_reg(ecmdq(i, 8), 1u << 31 | 5);
		assert_int_equal(read_reg(ecmdq(i, 0xc)), 1u << 31 | 5);
	}
	assert_int_equal(rig_probe(rig, &cfg), 0);
	for (i = 0; i < 8; i++) {
		assert_int_equal(read_reg(ecmdq(i, 8)) >> 31, 0);
		assert_int_equal(read_reg(ecmdq(i, 0xc)) >> 31, 0);
	}
	/* Write-back, inner shareable. */
	assert_int_equal(read_reg(rig->mmio + 0x28) & 0x3f, 0x35);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(blocked_until_attached_then_translated),
		TEST(a_stream_that_was_tried_before_it_was_known),
		TEST(faults_arrive_with_address_access_and_cookie),
		TEST(two_domains_are_two_worlds),
		TEST(the_flush_is_what_makes_it_forget),
		TEST(invalidation_is_exact_with_ranges),
		TEST(invalidation_is_exact_without_ranges),
		TEST(blocks_and_tables_are_forgotten_too),
		TEST(without_bbml2_splits_go_through_a_flush),
		TEST(a_domain_out_of_use_is_forgotten),
		TEST(a_used_asid_comes_back_clean),
		TEST(costs_in_commands),
		TEST(other_granules),
		TEST(a_linear_stream_table),
		TEST(commands_in_a_thread_of_their_own),
		TEST(hardware_without_caches),
		TEST(qemus_registers),
		TEST(lost_events_are_told),
		TEST(the_event_interrupt_as_a_message),
		TEST(a_second_driver_takes_over),
		TEST(enhanced_queues_of_before_are_off),
	};

	return cmocka_run_group_tests_name("driver-model", tests, NULL, NULL);
}
