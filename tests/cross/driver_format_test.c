/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every format that a ready-made profile of the model can walk, asked of the
 * driver, attached, and judged by what devices reach and what dirty state says.
 * The model keeps as much as it may, contiguous runs and the fact that a page
 * is dirty among it.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define SID 8u
#define NR 32u /* pages of a window, two runs or one */
#define EFAULT_RC (-14)
#define EOPNOTSUPP_RC (-95)

static struct rig_cfg cfg;
static struct rig *rig;
static struct uiommu_hwdev *dev;

static void open_rig(const char *profile)
{
	rig_default(&cfg);
	cfg.profile = *uiommu_smmuv3_profile_find(profile);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	/* The rig's memory has this process's addresses: 44 bits do not do. */
	if ((cfg.profile.idr[5] & 7) < 5)
		cfg.profile.idr[5] = (cfg.profile.idr[5] & ~7u) | 5;
	rig = rig_create(&cfg);
	dev = rig_device(rig, SID);
}

static void close_rig(void)
{
	rig->unit->ops->dev_remove(dev);
	rig_destroy(rig);
}

/* ---------------------------------------------------------------- window -- */

/* NR pages of the granule, at the far end of a domain's input. */
struct window {
	struct uiommu_hwdom *dom;
	struct uiommu_pgtable_info info;
	uint64_t iova;
	uint8_t *ram;
	unsigned int lg2;
};

static void window_open(struct window *w, struct uiommu_hwdom *dom)
{
	uint64_t size;

	w->dom = dom;
	uiommu_pgtable_info(dom->pt, &w->info);
	w->lg2 = w->info.granule_lg2;
	size = (uint64_t)NR << w->lg2;
	w->iova = w->info.aperture.last + 1 - size;
	w->ram = (uint8_t *)(((uintptr_t)rig->ram + size - 1) &
			     ~((uintptr_t)size - 1));
	assert_true(w->ram + size <= rig->ram + rig->ram_size);
	memset(w->ram, 0, size);
	rig_map(dom, w->iova, w->ram, size, RW);
	rig_attach(dom, dev);
}

static void window_close(struct window *w)
{
	rig_attach(rig_domain(rig, UIOMMU_DOM_BLOCKED), dev);
	rig->unit->ops->dom_free(w->dom);
}

static uint64_t iova_of(const struct window *w, unsigned int page)
{
	return w->iova + ((uint64_t)page << w->lg2);
}

static uint64_t *word_of(const struct window *w, unsigned int page)
{
	return (uint64_t *)(void *)(w->ram + ((size_t)page << w->lg2));
}

static int put(const struct window *w, unsigned int page, uint64_t value)
{
	return rig_dma_write(rig, SID, iova_of(w, page) + 8, &value, 8);
}

static int get(const struct window *w, unsigned int page, uint64_t *value)
{
	return rig_dma_read(rig, SID, iova_of(w, page) + 8, value, 8);
}

/* Which of the window's pages can be reached, and are the right ones. */
static void check_reach(const struct window *w, unsigned int from,
			unsigned int to)
{
	bool gone;
	unsigned int i;
	uint64_t value;

	for (i = 0; i < NR; i++) {
		gone = i >= from && i < to;
		word_of(w, i)[1] = 0x100 + i;
		assert_int_equal(get(w, i, &value), gone ? EFAULT_RC : 0);
		if (!gone)
			assert_int_equal(value, 0x100 + i);
		assert_int_equal(put(w, i, 0x200 + i), gone ? EFAULT_RC : 0);
		assert_int_equal(word_of(w, i)[1], (gone ? 0x100 : 0x200) + i);
		rig_irqs(rig);
	}
}

/* A run is forgotten as a whole when a part of it goes; the rest stays. */
static void parts_go(const struct window *w)
{
	static const struct {
		unsigned int from, to;
	} parts[] = { { 5, 6 }, { 0, 1 }, { 15, 17 }, { 0, 16 }, { 3, 31 } };
	unsigned int i;
	size_t off, len;

	check_reach(w, 0, 0);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		rig_unmap(w->dom, w->iova, (uint64_t)NR << w->lg2);
		check_reach(w, 0, NR);
		rig_map(w->dom, w->iova, w->ram, (uint64_t)NR << w->lg2, RW);
		check_reach(w, 0, 0);
		off = (size_t)parts[i].from << w->lg2;
		len = (size_t)(parts[i].to - parts[i].from) << w->lg2;
		rig_unmap(w->dom, w->iova + off, len);
		check_reach(w, parts[i].from, parts[i].to);
		rig_map(w->dom, w->iova + off, w->ram + off, len, RW);
		check_reach(w, 0, 0);
	}
}

/* ----------------------------------------------------------- dirty state -- */

struct answer {
	const struct window *w;
	uint8_t dirty[NR];
};

static void on_dirty(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct answer *a = ctx;
	uint64_t page = (iova - a->w->iova) >> a->w->lg2;

	assert_int_equal(size, UINT64_C(1) << a->w->lg2);
	assert_in_range(page, 0, NR - 1);
	a->dirty[page]++;
}

static void read_dirty(struct answer *a, uint32_t flags)
{
	memset(a->dirty, 0, sizeof(a->dirty));
	assert_int_equal(rig->unit->ops->read_dirty(a->w->dom, a->w->iova,
						    (uint64_t)NR << a->w->lg2,
						    flags, on_dirty, a),
			 0);
}

static void writes_are_told_each_time(const struct window *w)
{
	struct answer a = { w };
	unsigned int round, i;
	uint64_t value;

	read_dirty(&a, 0);
	for (round = 0; round < 3; round++) {
		/* Reading makes nothing dirty, */
		for (i = 0; i < NR; i++)
			assert_int_equal(get(w, i, &value), 0);
		read_dirty(&a, 0);
		for (i = 0; i < NR; i++)
			assert_int_equal(a.dirty[i], 0);
		/* writing does, though the page was written before. */
		for (i = 0; i < NR; i += 3)
			assert_int_equal(put(w, i, round), 0);
		read_dirty(&a, UIOMMU_DIRTY_NO_CLEAR);
		for (i = 0; i < NR; i++)
			assert_int_equal(a.dirty[i], i % 3 == 0);
		read_dirty(&a, 0);
		for (i = 0; i < NR; i++)
			assert_int_equal(a.dirty[i], i % 3 == 0);
	}
}

struct writer {
	const struct window *w;
	bool stop;	/* atomic */
	uint64_t wrote; /* atomic */
	int failures;
};

static void *write_on(void *arg)
{
	struct writer *wr = arg;
	uint64_t n;

	for (n = 1; !__atomic_load_n(&wr->stop, __ATOMIC_ACQUIRE); n++) {
		wr->failures += put(wr->w, (n * 7) % NR, n) != 0;
		__atomic_store_n(&wr->wrote, n, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* As migration does: what the answers name is copied, and that is enough. */
static void a_copy_by_dirty_state_is_complete(const struct window *w)
{
	struct writer wr = { w };
	struct answer a = { w };
	uint64_t copy[NR];
	unsigned int i;
	pthread_t thread;
	bool last;

	read_dirty(&a, 0);
	for (i = 0; i < NR; i++)
		copy[i] = word_of(w, i)[1];
	assert_int_equal(pthread_create(&thread, NULL, write_on, &wr), 0);
	do {
		last = __atomic_load_n(&wr.wrote, __ATOMIC_RELAXED) > 2000;
		if (last) {
			__atomic_store_n(&wr.stop, true, __ATOMIC_RELEASE);
			pthread_join(thread, NULL);
		}
		read_dirty(&a, 0);
		for (i = 0; i < NR; i++)
			if (a.dirty[i])
				copy[i] = __atomic_load_n(&word_of(w, i)[1],
							  __ATOMIC_ACQUIRE);
	} while (!last);
	assert_int_equal(wr.failures, 0);
	for (i = 0; i < NR; i++)
		assert_int_equal(copy[i], word_of(w, i)[1]);
}

/* --------------------------------------------------------------- formats -- */

/* What a profile has, as its description says. */
struct has {
	const char *profile;
	bool stage2, dirty;
	unsigned int ias_small, ias_large; /* stage 1: 4K and 16K, 64K */
	unsigned int oas;
};

static const struct has all[] = {
	{ "full", true, true, 48, 48, 48 },
	{ "full-52", true, true, 52, 52, 52 },
	{ "neoverse", true, true, 48, 52, 48 },
	{ "qemu-8", true, false, 48, 48, 48 },
};

static unsigned int max_ias(const struct has *h, unsigned int stage,
			    unsigned int granule)
{
	if (stage == 2)
		return h->oas;
	return granule == 16 ? h->ias_large : h->ias_small;
}

static unsigned int try_format(const struct has *h, unsigned int stage,
			       unsigned int granule, unsigned int ias,
			       uint32_t flags)
{
	struct uiommu_dom_cfg want = {
		.type = UIOMMU_DOM_PAGING,
		.stage = stage == 2 ? UIOMMU_STAGE_2 : UIOMMU_STAGE_1,
		.granule_lg2 = (uint8_t)granule,
		.ias = (uint8_t)ias,
		.oas = h->oas,
		.flags = flags,
	};
	bool can = ias <= max_ias(h, stage, granule) && (!flags || h->dirty);
	struct uiommu_hwdom *dom;
	struct window w;

	assert_int_equal(rig->unit->ops->dom_alloc(rig->unit, &want, &dom),
			 can ? 0 : EOPNOTSUPP_RC);
	if (!can)
		return 0;
	window_open(&w, dom);
	assert_int_equal(w.info.ias, ias);
	assert_int_equal(w.info.oas, h->oas);
	assert_int_equal(!!(w.info.features & UIOMMU_PGTABLE_CONTIG), !flags);
	assert_int_equal(w.info.ds, granule != 16 && (ias > 48 || h->oas > 48));
	parts_go(&w);
	if (flags) {
		writes_are_told_each_time(&w);
		a_copy_by_dirty_state_is_complete(&w);
	}
	window_close(&w);
	return 1;
}

static unsigned int try_profile(const struct has *h)
{
	static const unsigned int sizes[] = { 32, 39, 44, 48, 52 };
	unsigned int stage, granule, i, nr = 0;

	open_rig(h->profile);
	for (stage = 1; stage <= 2; stage++)
		for (granule = 12; granule <= 16; granule += 2)
			for (i = 0; i < 5; i++) {
				nr += try_format(h, stage, granule, sizes[i],
						 0);
				nr += try_format(h, stage, granule, sizes[i],
						 UIOMMU_DOM_DIRTY);
			}
	close_rig();
	return nr;
}

static void all_of_full(void **state)
{
	assert_int_equal(try_profile(&all[0]), 2 * 3 * 4 * 2);
}

static void all_of_full_52(void **state)
{
	assert_int_equal(try_profile(&all[1]), 2 * 3 * 5 * 2);
}

static void all_of_neoverse(void **state)
{
	assert_int_equal(try_profile(&all[2]), (2 * 3 * 4 + 1) * 2);
}

static void all_of_qemu_8(void **state)
{
	assert_int_equal(try_profile(&all[3]), 2 * 3 * 4);
}

/* BBML 1 takes runs apart in place, blocks by two flushes; BBML 0 has no runs. */
static void other_ways_to_change_sizes(void **state)
{
	struct uiommu_hwdom *dom;
	unsigned int bbml;
	struct window w;

	for (bbml = 0; bbml < 2; bbml++) {
		rig_default(&cfg);
		cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
		cfg.profile.aidr = 1;
		cfg.profile.idr[3] &= ~(3u << 11);
		cfg.profile.idr[3] |= bbml << 11;
		rig = rig_create(&cfg);
		dev = rig_device(rig, SID);
		dom = rig_domain(rig, UIOMMU_DOM_PAGING);
		window_open(&w, dom);
		assert_int_equal(w.info.features,
				 bbml ? UIOMMU_PGTABLE_BBML1 |
						 UIOMMU_PGTABLE_CONTIG
				      : 0);
		parts_go(&w);
		window_close(&w);
		close_rig();
	}
}

/* The same table behind two SMMUs: what either wrote is told. */
static void dirty_state_of_two_smmus(void **state)
{
	struct uiommu_dom_cfg want = { UIOMMU_DOM_PAGING,
				       .flags = UIOMMU_DOM_DIRTY };
	struct uiommu_hwdev *there;
	struct uiommu_hwdom *dom;
	struct rig *second;
	struct answer a;
	struct window w;
	uint64_t value = 7;
	unsigned int round, i;

	open_rig("full");
	second = rig_join(&cfg, rig);
	there = rig_device(second, SID);
	assert_int_equal(rig->unit->ops->dom_alloc(rig->unit, &want, &dom), 0);
	window_open(&w, dom);
	rig_attach(dom, there);
	a.w = &w;
	for (round = 0; round < 3; round++) {
		assert_int_equal(put(&w, 1, 5), 0);
		assert_int_equal(rig_dma_write(second, SID, iova_of(&w, 2),
					       &value, 8),
				 0);
		read_dirty(&a, 0);
		for (i = 0; i < NR; i++)
			assert_int_equal(a.dirty[i], i == 1 || i == 2);
	}
	second->unit->ops->dev_remove(there);
	window_close(&w);
	rig_destroy(second);
	close_rig();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_full),
		cmocka_unit_test(all_of_full_52),
		cmocka_unit_test(all_of_neoverse),
		cmocka_unit_test(all_of_qemu_8),
		cmocka_unit_test(other_ways_to_change_sizes),
		cmocka_unit_test(dirty_state_of_two_smmus),
	};

	return cmocka_run_group_tests_name("cross-driver-format", tests, NULL,
					   NULL);
}
