/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unmap under fire, on one and on three SMMUs: devices behind each write into
 * the pages of one domain without pause, at all times, while they are mapped
 * and unmapped.  Once unmap and flush have returned no write may reach a page,
 * by whichever SMMU it comes, in single pages, in runs that become ranges, in
 * blocks, and in areas so large that the whole ASID is dropped.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x100000000)
#define SID 7u
#define PASID 99u
#define MAX_UNITS 3
#define PAGES 512u /* 2 MiB: a block if all of it is mapped */

struct world {
	struct rig *rig[MAX_UNITS];
	unsigned int nr;
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev[MAX_UNITS];
	uint8_t *area; /* PAGES pages, aligned */
	uint32_t stop;
	uint32_t arrived[MAX_UNITS];
};

struct gun {
	struct world *w;
	unsigned int unit;
};

/* Half of the writes are the device's own, half of a PASID of it. */
static void *gun(void *arg)
{
	struct gun *g = arg;
	struct world *w = g->w;
	uint32_t rng = g->unit + 1, n = 0;
	uint64_t word = 0xbad, iova;

	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		rng = rng * 1664525 + 1013904223;
		iova = IOVA + (rng >> 20) % 64 * RIG_PAGE;
		if (!rig_dma_pasid(w->rig[g->unit], SID,
				   rng >> 31 ? PASID : UIOMMU_NO_PASID, iova,
				   &word, 8, true))
			__atomic_fetch_add(&w->arrived[g->unit], 1,
					   __ATOMIC_RELAXED);
		if (++n % 61 == 0)
			sched_yield();
	}
	return NULL;
}

static uint64_t *page(struct world *w, unsigned int i)
{
	return (uint64_t *)(void *)(w->area + (size_t)i * RIG_PAGE);
}

/* Map n pages, let them be hit from all sides, unmap, look. */
static void round_of(struct world *w, unsigned int n, uint64_t mark)
{
	uint32_t before[MAX_UNITS];
	unsigned int i, tries = 0;

	for (i = 0; i < w->nr; i++)
		before[i] = __atomic_load_n(&w->arrived[i], __ATOMIC_RELAXED);
	rig_map(w->dom, IOVA, w->area, (uint64_t)n * RIG_PAGE, RW);
	for (i = 0; i < w->nr && tries < 10000; tries++) {
		if (__atomic_load_n(&w->arrived[i], __ATOMIC_RELAXED) !=
		    before[i])
			i++;
		else
			sched_yield();
	}
	rig_unmap(w->dom, IOVA, (uint64_t)n * RIG_PAGE);
	for (i = 0; i < n && i < 64; i++)
		__atomic_store_n(page(w, i), mark, __ATOMIC_RELAXED);
	for (i = 0; i < 20; i++)
		sched_yield();
	for (i = 0; i < n && i < 64; i++)
		assert_int_equal(__atomic_load_n(page(w, i), __ATOMIC_RELAXED),
				 mark);
}

static void world_open(struct world *w, struct rig_cfg *cfg, unsigned int nr)
{
	unsigned int i;

#ifdef __SANITIZE_THREAD__
	cfg->no_direct = true;
#endif
	memset(w, 0, sizeof(*w));
	w->nr = nr;
	for (i = 0; i < nr; i++)
		w->rig[i] = i ? rig_join(cfg, w->rig[0]) : rig_create(cfg);
	w->area = (uint8_t *)(((uintptr_t)w->rig[0]->ram + 0x1fffff) &
			      ~(uintptr_t)0x1fffff);
	w->dom = rig_domain(w->rig[0], UIOMMU_DOM_PAGING);
	for (i = 0; i < nr; i++) {
		w->dev[i] = rig_pasid_device(w->rig[i], SID, 20);
		rig_attach(w->dom, w->dev[i]);
		rig_set_pasid(w->dom, w->dev[i], PASID, NULL);
	}
}

static void world_close(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		w->rig[i]->unit->ops->dev_remove(w->dev[i]);
	w->rig[0]->unit->ops->dom_free(w->dom);
	for (i = w->nr; i-- > 0;)
		rig_destroy(w->rig[i]);
}

static void under_fire(struct rig_cfg *cfg, unsigned int nr)
{
	static const unsigned int sizes[] = { 1, 3, 64, 37, 512, 511 };
	const char *env = getenv("UIOMMU_STRESS_SECONDS");
	unsigned int ms = env ? (unsigned int)atoi(env) * 1000 : 700, i;
	struct gun guns[MAX_UNITS];
	pthread_t thread[MAX_UNITS];
	struct timespec ts;
	uint64_t end, mark = 1;
	struct world w;

	world_open(&w, cfg, nr);
	for (i = 0; i < nr; i++) {
		guns[i] = (struct gun){ &w, i };
		pthread_create(&thread[i], NULL, gun, &guns[i]);
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	end = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 + ms;
	do {
		for (i = 0; i < 6; i++)
			round_of(&w, sizes[i], ++mark);
		for (i = 0; i < nr; i++)
			rig_irqs(w.rig[i]);
		clock_gettime(CLOCK_MONOTONIC, &ts);
	} while ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 <
		 end);
	__atomic_store_n(&w.stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < nr; i++) {
		pthread_join(thread[i], NULL);
		assert_true(w.arrived[i] > 0);
	}
	print_message("# %llu rounds\n", (unsigned long long)mark);
	world_close(&w);
}

static void normal(struct rig_cfg *cfg)
{
	rig_default(cfg);
}

static void no_caches(struct rig_cfg *cfg)
{
	rig_default(cfg);
	cfg->profile.tlb_entries = 0;
	cfg->profile.config_entries = 0;
}

static void greedy_without_ranges(struct rig_cfg *cfg)
{
	rig_default(cfg);
	cfg->profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	cfg->profile.idr[3] &= ~(1u << 10);
	cfg->profile.aidr = 1;
}

static void greedy_in_threads(struct rig_cfg *cfg)
{
	rig_default(cfg);
	cfg->profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	cfg->profile.threaded_commands = true;
}

#define CASE(caching, nr)                        \
	static void caching##_##nr(void **state) \
	{                                        \
		struct rig_cfg cfg;              \
                                                 \
		caching(&cfg);                   \
		under_fire(&cfg, nr);            \
	}
CASE(normal, 1)
CASE(normal, 3)
CASE(no_caches, 3)
CASE(greedy_without_ranges, 1)
CASE(greedy_without_ranges, 3)
CASE(greedy_in_threads, 3)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_1),
		cmocka_unit_test(normal_3),
		cmocka_unit_test(no_caches_3),
		cmocka_unit_test(greedy_without_ranges_1),
		cmocka_unit_test(greedy_without_ranges_3),
		cmocka_unit_test(greedy_in_threads_3),
	};

	return cmocka_run_group_tests_name("unmap-stress", tests, NULL, NULL);
}
