/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unmap and replace under fire, on one and on three SMMUs: devices behind each
 * write into the pages of one domain without pause, with a PASID and without, at
 * all times, while they are mapped and unmapped - in single pages, in runs that
 * become ranges, in blocks, and in areas so large that the whole ASID is dropped -
 * and while their domain is replaced.  Once unmap and flush have returned no
 * write may reach a page, by whichever SMMU it comes; once attach has returned
 * none may reach the old domain's.  With ATCs the same; with paging too they ask
 * for what is not there, and a pager brings it in and takes it away.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver_rig.h"
#include "turns.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x100000000)
#define SID 7u
#define PASID 99u
#define MAX_UNITS 3
#define PAGES 512u /* 2 MiB: a block if all of it is mapped */
#define HIT 64u	   /* of them are written to */

struct world {
	struct rig *rig[MAX_UNITS];
	unsigned int nr;
	struct uiommu_hwdom *dom, *other;
	struct uiommu_hwdev *dev[MAX_UNITS];
	uint8_t *area; /* PAGES pages of dom, aligned, and as many of other */
	uint32_t stop, running;
	uint32_t arrived[MAX_UNITS];
	uint32_t waited;
};

struct gun {
	struct world *w;
	unsigned int unit;
	bool paging;
};

/* One write; `over` becomes 1 when it was pending and has ended. */
struct shot {
	struct uiommu_smmuv3_dma dma;
	uint64_t word;
	int status;
	uint32_t over;
};

static void shot_over(struct uiommu_smmuv3_dma *req, int status)
{
	struct shot *shot = (struct shot *)(void *)((char *)req -
						    offsetof(struct shot, dma));

	shot->status = status;
	__atomic_store_n(&shot->over, 1, __ATOMIC_RELEASE);
}

static int fire(struct gun *g, struct shot *shot, uint64_t iova, bool pasid)
{
	struct uiommu_smmuv3_endpoint *ep =
		rig_endpoint(g->w->rig[g->unit], SID);
	int rc;

	if (!ep) {
		shot->word = 0xbad;
		return rig_dma_pasid(g->w->rig[g->unit], SID,
				     pasid ? PASID : UIOMMU_NO_PASID, iova,
				     &shot->word, 8, true);
	}
	*shot = (struct shot){
		.dma = { .txn = { .iova = iova,
				  .ssid = pasid ? PASID : 0,
				  .flags = UIOMMU_TXN_WRITE |
					   (pasid ? UIOMMU_TXN_SSV : 0) },
			 .buf = &shot->word,
			 .len = 8,
			 .done = g->paging ? shot_over : NULL },
		.word = 0xbad,
	};
	rc = uiommu_smmuv3_endpoint_dma(ep, &shot->dma);
	if (rc != -EINPROGRESS)
		return rc;
	__atomic_fetch_add(&g->w->waited, 1, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&shot->over, __ATOMIC_ACQUIRE))
		sched_yield();
	return shot->status;
}

/* Half of the writes are the device's own, half of a PASID of it. */
static void *gun(void *arg)
{
	struct gun *g = arg;
	struct world *w = g->w;
	uint32_t rng = g->unit + 1, n = 0;
	struct shot shot;

	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		rng = rng * 1664525 + 1013904223;
		if (!fire(g, &shot, IOVA + (rng >> 20) % HIT * RIG_PAGE,
			  rng >> 31))
			__atomic_fetch_add(&w->arrived[g->unit], 1,
					   __ATOMIC_RELAXED);
		if (++n % 61 == 0)
			sched_yield();
	}
	__atomic_fetch_sub(&w->running, 1, __ATOMIC_ACQ_REL);
	return NULL;
}

static uint64_t *page(struct world *w, unsigned int i)
{
	return (uint64_t *)(void *)(w->area + (size_t)i * RIG_PAGE);
}

/* Of each SMMU's devices a write has arrived from now on. */
static void wait_for_all(struct world *w)
{
	const uint64_t end = now_ms() + TURNS_PATIENCE_MS;
	uint32_t before[MAX_UNITS];
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		before[i] = __atomic_load_n(&w->arrived[i], __ATOMIC_RELAXED);
	for (i = 0; i < w->nr;) {
		if (__atomic_load_n(&w->arrived[i], __ATOMIC_RELAXED) !=
		    before[i]) {
			i++;
			continue;
		}
		assert_true(now_ms() < end);
		sched_yield();
	}
}

/* Nobody may write into these pages. */
static void expect_silence(struct world *w, unsigned int first, unsigned int n,
			   uint64_t mark)
{
	unsigned int i;

	for (i = first; i < first + n; i++)
		__atomic_store_n(page(w, i), mark, __ATOMIC_RELAXED);
	for (i = 0; i < 20; i++)
		sched_yield();
	for (i = first; i < first + n; i++)
		assert_int_equal(__atomic_load_n(page(w, i), __ATOMIC_RELAXED),
				 mark);
}

static void world_open(struct world *w, struct rig_cfg *cfg, unsigned int nr,
		       bool atc)
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
	w->other = rig_domain(w->rig[0], UIOMMU_DOM_PAGING);
	for (i = 0; i < nr; i++) {
		w->dev[i] = atc ? rig_ats_device(w->rig[i], SID, 20)
				: rig_pasid_device(w->rig[i], SID, 20);
		rig_attach(w->dom, w->dev[i]);
		rig_set_pasid(w->dom, w->dev[i], PASID, NULL);
		assert_int_equal(w->dev[i]->ats, atc);
	}
}

static void world_close(struct world *w)
{
	struct uiommu_smmuv3_endpoint_stats s;
	struct uiommu_smmuv3_endpoint *ep;
	unsigned int i;

	for (i = 0; i < w->nr; i++) {
		ep = rig_endpoint(w->rig[i], SID);
		if (ep) {
			uiommu_smmuv3_endpoint_stats(ep, &s);
			assert_true(s.atc_hits > 0);
			assert_true(s.invalidations > 0);
		}
		w->rig[i]->unit->ops->dev_remove(w->dev[i]);
	}
	w->rig[0]->unit->ops->dom_free(w->dom);
	w->rig[0]->unit->ops->dom_free(w->other);
	for (i = w->nr; i-- > 0;)
		rig_destroy(w->rig[i]);
}

/* ---------------------------------------------------- unmap and replace -- */

static void unmap_round(struct world *w, unsigned int n, uint64_t mark)
{
	rig_map(w->dom, IOVA, w->area, (uint64_t)n * RIG_PAGE, RW);
	wait_for_all(w);
	rig_unmap(w->dom, IOVA, (uint64_t)n * RIG_PAGE);
	expect_silence(w, 0, n < HIT ? n : HIT, mark);
}

/* All that maps IOVA to other pages is attached, and taken away again. */
static void replace_round(struct world *w, uint64_t mark)
{
	unsigned int i;

	rig_map(w->dom, IOVA, w->area, HIT * RIG_PAGE, RW);
	rig_map(w->other, IOVA, w->area + PAGES * RIG_PAGE, HIT * RIG_PAGE, RW);
	wait_for_all(w);
	for (i = 0; i < w->nr; i++) {
		rig_attach(w->other, w->dev[i]);
		rig_set_pasid(w->other, w->dev[i], PASID, w->dom);
	}
	expect_silence(w, 0, HIT, mark);
	wait_for_all(w);
	for (i = 0; i < w->nr; i++) {
		rig_set_pasid(w->dom, w->dev[i], PASID, w->other);
		rig_attach(w->dom, w->dev[i]);
	}
	expect_silence(w, PAGES, HIT, mark);
	rig_unmap(w->dom, IOVA, HIT * RIG_PAGE);
	rig_unmap(w->other, IOVA, HIT * RIG_PAGE);
}

static void under_fire(struct rig_cfg *cfg, unsigned int nr, bool atc)
{
	static const unsigned int sizes[] = { 1, 3, 64, 37, 512, 511 };
	struct gun guns[MAX_UNITS];
	pthread_t thread[MAX_UNITS];
	uint64_t end, mark = 1;
	struct world w;
	unsigned int i;

	world_open(&w, cfg, nr, atc);
	w.running = nr;
	for (i = 0; i < nr; i++) {
		guns[i] = (struct gun){ &w, i, false };
		pthread_create(&thread[i], NULL, gun, &guns[i]);
	}
	end = now_ms() + stress_ms(500);
	do {
		for (i = 0; i < 6; i++)
			unmap_round(&w, sizes[i], ++mark);
		replace_round(&w, ++mark);
		for (i = 0; i < nr; i++)
			rig_irqs(w.rig[i]);
	} while (now_ms() < end);
	__atomic_store_n(&w.stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < nr; i++) {
		pthread_join(thread[i], NULL);
		assert_true(w.arrived[i] > 0);
	}
	print_message("# %llu rounds\n", (unsigned long long)mark);
	world_close(&w);
}

static void plain(struct rig_cfg *cfg, unsigned int nr)
{
	under_fire(cfg, nr, false);
}

static void atc(struct rig_cfg *cfg, unsigned int nr)
{
	under_fire(cfg, nr, true);
}

/* ---------------------------------------------------------------- paging - */

/* Maps what is asked for; which pages are there is the pager's alone to know. */
struct pager {
	struct world *w;
	struct uiommu_hwdev *dev;
};

static bool present[HIT];

static void serve(void *arg, const struct uiommu_page_request *req)
{
	struct pager *p = arg;
	unsigned int i = (unsigned int)((req->iova - IOVA) / RIG_PAGE);
	const struct uiommu_page_response resp = {
		.id = req->id,
		.pasid = req->pasid,
		.token = req->token,
		.code = UIOMMU_PAGE_SUCCESS,
	};

	assert_true(i < HIT);
	if (!present[i])
		rig_map(p->w->dom, req->iova, page(p->w, i), RIG_PAGE, RW);
	present[i] = true;
	assert_int_equal(p->dev->unit->ops->page_response(p->dev, &resp), 0);
}

static void paging(struct rig_cfg *cfg, unsigned int nr)
{
	struct pager pager[MAX_UNITS];
	struct gun guns[MAX_UNITS * 2];
	pthread_t thread[MAX_UNITS * 2];
	uint64_t end, mark = 1;
	uint32_t rng = 5;
	struct world w;
	unsigned int i;

	world_open(&w, cfg, nr, true);
	memset(present, 0, sizeof(present));
	w.running = 2 * nr;
	for (i = 0; i < nr; i++) {
		pager[i] = (struct pager){ &w, w.dev[i] };
		w.rig[i]->serve_arg = &pager[i];
		w.rig[i]->serve = serve;
	}
	for (i = 0; i < 2 * nr; i++) {
		guns[i] = (struct gun){ &w, i / 2, true };
		pthread_create(&thread[i], NULL, gun, &guns[i]);
	}
	end = now_ms() + stress_ms(500);
	while (__atomic_load_n(&w.running, __ATOMIC_ACQUIRE)) {
		for (i = 0; i < nr; i++)
			rig_irqs(w.rig[i]);
		rng = rng * 1664525 + 1013904223;
		i = (rng >> 20) % HIT;
		if (present[i]) {
			rig_unmap(w.dom, IOVA + i * RIG_PAGE, RIG_PAGE);
			present[i] = false;
			expect_silence(&w, i, 1, ++mark);
		}
		if (now_ms() >= end)
			__atomic_store_n(&w.stop, 1, __ATOMIC_RELEASE);
	}
	for (i = 0; i < 2 * nr; i++)
		pthread_join(thread[i], NULL);
	assert_true(w.waited > 0);
	for (i = 0; i < nr; i++)
		assert_true(w.arrived[i] > 0);
	print_message("# %llu pages taken away, %u waits\n",
		      (unsigned long long)mark, w.waited);
	for (i = 0; i < HIT; i++)
		if (present[i])
			rig_unmap(w.dom, IOVA + i * RIG_PAGE, RIG_PAGE);
	world_close(&w);
}

/* --------------------------------------------------------------- variants - */

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

/* Records are lost all the time. */
static void tiny_queue(struct rig_cfg *cfg)
{
	rig_default(cfg);
	cfg->profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	cfg->driver.priq_lg2 = 1;
	cfg->driver.cmdq_lg2 = 3;
}

#define CASE(story, variant, nr)                           \
	static void story##_##variant##_##nr(void **state) \
	{                                                  \
		struct rig_cfg cfg;                        \
                                                           \
		variant(&cfg);                             \
		story(&cfg, nr);                           \
	}
CASE(plain, normal, 1)
CASE(plain, normal, 3)
CASE(plain, no_caches, 3)
CASE(plain, greedy_without_ranges, 1)
CASE(plain, greedy_without_ranges, 3)
CASE(plain, greedy_in_threads, 3)
CASE(atc, normal, 1)
CASE(atc, normal, 3)
CASE(atc, greedy_in_threads, 1)
CASE(atc, greedy_in_threads, 3)
CASE(paging, normal, 1)
CASE(paging, greedy_in_threads, 3)
CASE(paging, tiny_queue, 1)
CASE(paging, tiny_queue, 3)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_normal_1),
		cmocka_unit_test(plain_normal_3),
		cmocka_unit_test(plain_no_caches_3),
		cmocka_unit_test(plain_greedy_without_ranges_1),
		cmocka_unit_test(plain_greedy_without_ranges_3),
		cmocka_unit_test(plain_greedy_in_threads_3),
		cmocka_unit_test(atc_normal_1),
		cmocka_unit_test(atc_normal_3),
		cmocka_unit_test(atc_greedy_in_threads_1),
		cmocka_unit_test(atc_greedy_in_threads_3),
		cmocka_unit_test(paging_normal_1),
		cmocka_unit_test(paging_greedy_in_threads_3),
		cmocka_unit_test(paging_tiny_queue_1),
		cmocka_unit_test(paging_tiny_queue_3),
	};

	return cmocka_run_group_tests_name("unmap-stress", tests, NULL, NULL);
}
