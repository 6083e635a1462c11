/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver and the model with devices that never stop: what a flush, an
 * attach and an interrupt promise while everything else goes on.  Made for
 * ThreadSanitizer, of use without it.
 *
 *   steady	reads a page that stays mapped: no fault, always its value
 *   switched	reads through an entry that is switched between two domains:
 *		no fault, always the value of one of the two.  One of them is
 *		churned like below, so flushes meet its coming and going
 *   churned	writes into pages that are mapped and unmapped: after unmap and
 *		flush not a single write arrives any more
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "driver_rig.h"
#include "turns.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x100000000)
#define SLOT_BYTES UINT64_C(0x200000) /* IOVA that one churner owns */
#define CHURNERS 2
#define SWITCHED_SLOT (IOVA + (1 + CHURNERS) * SLOT_BYTES)
#define RUN_MS 1200

enum {
	SID_STEADY = 1,
	SID_SWITCHED = 2,
	SID_CHURN = 0x300
};

struct world {
	struct rig *rig;
	struct uiommu_hwdom *shared; /* steady and churned pages */
	struct uiommu_hwdom *left, *right;
	uint32_t stop;
	uint64_t faults_wrong; /* DMA that had to succeed and did not */
	uint64_t values_wrong;
	uint64_t writes_late; /* arrived after the flush */
	uint64_t steady, left_seen, right_seen, switches, churns, arrived;
	uint64_t arrived_left;
};

struct churner {
	struct world *w;
	struct uiommu_hwdom *dom;
	unsigned int id;
	uint32_t round;
};

static bool stopped(struct world *w)
{
	return __atomic_load_n(&w->stop, __ATOMIC_ACQUIRE);
}

/*
 * There are more threads than processors: let the others have a go now and
 * then, at points that differ.
 */
static void breathe(uint32_t *n)
{
	if (++*n % 61 == 0)
		sched_yield();
}

static uint64_t *page(struct world *w, unsigned int i)
{
	return rig_word(w->rig, i);
}

/* ------------------------------------------------------------- devices */

static void *steady_device(void *arg)
{
	struct world *w = arg;
	uint32_t n = 0;
	uint64_t word;

	while (!stopped(w)) {
		breathe(&n);
		word = 0;
		if (rig_dma_read(w->rig, SID_STEADY, IOVA, &word, 8))
			turn(&w->faults_wrong);
		else if (word != 0x51ea)
			turn(&w->values_wrong);
		turn(&w->steady);
	}
	return NULL;
}

static void *switched_device(void *arg)
{
	struct world *w = arg;
	uint64_t word, bad = 0xbad;
	uint32_t n = 0;

	while (!stopped(w)) {
		breathe(&n);
		word = 0;
		if (rig_dma_read(w->rig, SID_SWITCHED, IOVA, &word, 8))
			turn(&w->faults_wrong);
		else if (word == 0x1ef7)
			turn(&w->left_seen);
		else if (word == 0x419d7)
			turn(&w->right_seen);
		else
			turn(&w->values_wrong);
		if (!rig_dma_write(w->rig, SID_SWITCHED, SWITCHED_SLOT, &bad,
				   8))
			turn(&w->arrived_left);
	}
	return NULL;
}

/* Writes all over the churners' slots, most of which are not mapped. */
static void *churn_device(void *arg)
{
	struct world *w = arg;
	uint64_t word = 0xbad, iova;
	uint32_t rng = 1, n = 0;

	while (!stopped(w)) {
		breathe(&n);
		rng = rng * 1664525 + 1013904223;
		iova = IOVA + (1 + (rng >> 30) % CHURNERS) * SLOT_BYTES +
		       (rng >> 16) % 4 * RIG_PAGE;
		if (!rig_dma_write(w->rig, SID_CHURN, iova, &word, 8))
			turn(&w->arrived);
	}
	return NULL;
}

/* ------------------------------------------------------------- software */

/*
 * Map one to four pages, wait a little, unmap, flush, and look: the pages are
 * ours again, nobody else may touch them.
 */
static void *churn(void *arg)
{
	struct churner *c = arg;
	struct world *w = c->w;
	unsigned int first = 16 + 8 * c->id, i, n;
	uint64_t iova = IOVA + (1 + c->id) * SLOT_BYTES;

	while (!stopped(w)) {
		n = 1 + c->round % 4;
		rig_map(c->dom, iova, page(w, first), (uint64_t)n * RIG_PAGE,
			RW);
		for (i = 0; i < c->round % 8; i++)
			sched_yield();
		rig_unmap(c->dom, iova, (uint64_t)n * RIG_PAGE);
		for (i = 0; i < n; i++)
			__atomic_store_n(page(w, first + i), c->round,
					 __ATOMIC_RELAXED);
		sched_yield();
		for (i = 0; i < n; i++)
			if (__atomic_load_n(page(w, first + i),
					    __ATOMIC_RELAXED) != c->round)
				turn(&w->writes_late);
		c->round++;
		turn(&w->churns);
	}
	return NULL;
}

static void *switch_domains(void *arg)
{
	struct world *w = arg;
	struct uiommu_hwdev *dev = rig_device(w->rig, SID_SWITCHED);
	struct uiommu_hwdom *dom[2] = { w->left, w->right };
	pthread_t thread;
	unsigned int i;

	rig_attach(dom[0], dev);
	pthread_create(&thread, NULL, switched_device, w);
	for (i = 1; !stopped(w); i++) {
		rig_attach(dom[i & 1], dev);
		turn(&w->switches);
	}
	pthread_join(thread, NULL);
	w->rig->unit->ops->dev_remove(dev);
	return NULL;
}

/* Devices come and go, domains are made and freed, beside everything. */
static void *come_and_go(void *arg)
{
	struct world *w = arg;
	const struct uiommu_driver_ops *ops = w->rig->unit->ops;
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;
	uint32_t sid, i = 0;
	uint64_t word;

	while (!stopped(w)) {
		sid = 0x400 + i++ * 37 % 0x1000;
		dev = rig_device(w->rig, sid);
		dom = rig_domain(w->rig, UIOMMU_DOM_PAGING);
		rig_map(dom, IOVA, page(w, 60), RIG_PAGE, RW);
		rig_attach(dom, dev);
		if (rig_dma_read(w->rig, sid, IOVA, &word, 8))
			turn(&w->faults_wrong);
		/* The shared domain gains and loses users under fire. */
		rig_attach(w->shared, dev);
		ops->dom_free(dom);
		if (rig_dma_read(w->rig, sid, IOVA, &word, 8))
			turn(&w->faults_wrong);
		ops->dev_remove(dev);
		if (!rig_dma_read(w->rig, sid, IOVA, &word, 8))
			turn(&w->values_wrong);
	}
	return NULL;
}

static void *interrupts(void *arg)
{
	struct world *w = arg;

	while (!stopped(w)) {
		rig_irqs(w->rig);
		sched_yield();
	}
	return NULL;
}

/* ----------------------------------------------------------------- runs */

static void world_open(struct world *w, const struct rig_cfg *cfg)
{
	memset(w, 0, sizeof(*w));
	w->rig = rig_create(cfg);
	w->shared = rig_domain(w->rig, UIOMMU_DOM_PAGING);
	w->left = rig_domain(w->rig, UIOMMU_DOM_PAGING);
	w->right = rig_domain(w->rig, UIOMMU_DOM_PAGING);
	rig_map(w->shared, IOVA, page(w, 1), RIG_PAGE, RW);
	rig_map(w->left, IOVA, page(w, 2), RIG_PAGE, RW);
	rig_map(w->right, IOVA, page(w, 3), RIG_PAGE, RW);
	*page(w, 1) = 0x51ea;
	*page(w, 2) = 0x1ef7;
	*page(w, 3) = 0x419d7;
}

/*
 * The device writes whenever it likes, so nothing but the page table entry,
 * which needs no order of its own, stands between the churner's stores and the
 * device's: to ThreadSanitizer plain copies would be races.  The rig's
 * callbacks copy by atomic words.
 */
#ifdef __SANITIZE_THREAD__
#define PLAIN_COPIES_ARE_RACES true
#else
#define PLAIN_COPIES_ARE_RACES false
#endif

static void run(struct rig_cfg *cfg)
{
	void *(*const fn[])(void *) = { steady_device, churn_device,
					switch_domains, come_and_go,
					interrupts };
	struct churner churner[CHURNERS + 1];
	struct uiommu_hwdev *a, *b;
	pthread_t thread[5 + CHURNERS + 1];
	unsigned int i;
	struct world w;
	const uint64_t *turns[] = { &w.steady,	    &w.left_seen, &w.right_seen,
				    &w.switches,    &w.churns,	  &w.arrived,
				    &w.arrived_left };
	const unsigned int nr = sizeof(turns) / sizeof(turns[0]);

	cfg->no_direct = PLAIN_COPIES_ARE_RACES;
	world_open(&w, cfg);
	a = rig_device(w.rig, SID_STEADY);
	b = rig_device(w.rig, SID_CHURN);
	rig_attach(w.shared, a);
	rig_attach(w.shared, b);
	for (i = 0; i < 5; i++)
		pthread_create(&thread[i], NULL, fn[i], &w);
	for (i = 0; i < CHURNERS + 1; i++) {
		churner[i] = (struct churner){
			.w = &w,
			.id = i,
			.dom = i < CHURNERS ? w.shared : w.left,
		};
		pthread_create(&thread[5 + i], NULL, churn, &churner[i]);
	}
	let_fight(RUN_MS, turns, nr);
	__atomic_store_n(&w.stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < 5 + CHURNERS + 1; i++)
		pthread_join(thread[i], NULL);

	print_message("# steady %llu, left %llu, right %llu, switches %llu, "
		      "churns %llu, writes %llu\n",
		      (unsigned long long)w.steady,
		      (unsigned long long)w.left_seen,
		      (unsigned long long)w.right_seen,
		      (unsigned long long)w.switches,
		      (unsigned long long)w.churns,
		      (unsigned long long)w.arrived);
	assert_int_equal(w.faults_wrong, 0);
	assert_int_equal(w.values_wrong, 0);
	assert_int_equal(w.writes_late, 0);
	/* It was a fight. */
	assert_true(all_had_turns(turns, nr));
	rig_irqs(w.rig);
	w.rig->unit->ops->dev_remove(a);
	w.rig->unit->ops->dev_remove(b);
	w.rig->unit->ops->dom_free(w.shared);
	w.rig->unit->ops->dom_free(w.left);
	w.rig->unit->ops->dom_free(w.right);
	rig_destroy(w.rig);
}

static void with_all_caches(void **state)
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	run(&cfg);
}

static void with_tiny_queues_and_no_caches(void **state)
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	cfg.profile.tlb_entries = 0;
	cfg.profile.config_entries = 0;
	cfg.driver.cmdq_lg2 = 1;
	cfg.driver.evtq_lg2 = 1;
	run(&cfg);
}

static void with_commands_in_a_thread(void **state)
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	cfg.profile.threaded_commands = true;
	cfg.profile.idr[3] &= ~(1u << 10); /* no ranges */
	cfg.profile.aidr = 1;
	cfg.driver.cmdq_lg2 = 3;
	run(&cfg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_all_caches),
		cmocka_unit_test(with_tiny_queues_and_no_caches),
		cmocka_unit_test(with_commands_in_a_thread),
	};

	return cmocka_run_group_tests_name("driver-stress", tests, NULL, NULL);
}
