/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device that stops to obey in the midst of it: it goes on to write by what
 * its ATC holds, completes no invalidation and is turned off by nobody, while
 * two threads unmap pages of its domain and a third changes what its neighbour
 * is attached to.  Every unmap succeeds, and when it has returned nobody writes
 * into the page.  Then the device is removed, repaired and added again.
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
#define DEAF 7u
#define GOOD 8u
#define NOBODY 0u
#define PASID 3u
#define NR_UNMAPPERS 2u
#define PAGES 8u /* of each */

static struct rig *rig;
static struct uiommu_hwdom *dom, *other;
static struct uiommu_hwdev *deaf, *good;
static uint32_t stop, wrong;
static uint64_t shots[2], unmaps[NR_UNMAPPERS], changes;

static uint64_t *word(unsigned int page)
{
	return (uint64_t *)(void *)(rig->ram + (size_t)page * RIG_PAGE);
}

static void *gun(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg;
	struct uiommu_smmuv3_endpoint *ep = rig_endpoint(rig, me ? GOOD : DEAF);
	uint64_t bullet = 0xbad;
	uint32_t rng = me;

	while (!load_acquire(&stop)) {
		struct uiommu_smmuv3_dma dma = {
			.txn = { .flags = UIOMMU_TXN_WRITE },
			.buf = &bullet,
			.len = 8,
		};

		rng = rng * 1664525 + 1013904223;
		dma.txn.iova = IOVA + (uint64_t)(rng >> 16) %
					      (NR_UNMAPPERS * PAGES) * RIG_PAGE;
		if (!uiommu_smmuv3_endpoint_dma(ep, &dma))
			turn(&shots[me]);
	}
	return NULL;
}

static void *unmapper(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg;
	unsigned int first = me * PAGES, i;
	uint64_t iova = IOVA + (uint64_t)first * RIG_PAGE, mark = 0;

	while (!load_acquire(&stop)) {
		rig_map(dom, iova, word(first), PAGES * RIG_PAGE, RW);
		for (i = 0; i < 20; i++)
			sched_yield();
		rig_unmap(dom, iova, PAGES * RIG_PAGE);
		mark++;
		for (i = first; i < first + PAGES; i++)
			__atomic_store_n(word(i), mark, __ATOMIC_RELAXED);
		for (i = 0; i < 20; i++)
			sched_yield();
		for (i = first; i < first + PAGES; i++)
			if (__atomic_load_n(word(i), __ATOMIC_RELAXED) != mark)
				store_release(&wrong, 1);
		turn(&unmaps[me]);
	}
	return NULL;
}

static void *changer(void *arg)
{
	while (!load_acquire(&stop)) {
		rig_set_pasid(other, good, PASID, NULL);
		rig_set_pasid(dom, good, PASID, other);
		rig_set_pasid(NULL, good, PASID, dom);
		turn(&changes);
	}
	return NULL;
}

static bool has_ats(uint32_t sid)
{
	struct uiommu_smmuv3_txn txn = { .sid = sid, .iova = IOVA };
	struct uiommu_ats_translation tr;

	return uiommu_smmuv3_model_ats_translate(rig->model, &txn, &tr) !=
	       -EOPNOTSUPP;
}

static void add_again(void)
{
	const uint32_t sid = DEAF;
	struct uiommu_hwdev_cfg cfg = {
		.ids = &sid,
		.nr_ids = 1,
		.ats = true,
		.cookie = (void *)(uintptr_t)(0x1000 + DEAF),
	};

	assert_int_equal(rig->unit->ops->dev_add(rig->unit, &cfg, &deaf), 0);
	rig_attach(dom, deaf);
}

static void one_after_the_other(bool threaded)
{
	const uint64_t *const turns[] = { &shots[0], &shots[1], &unmaps[0],
					  &unmaps[1], &changes };
	pthread_t thread[5];
	struct rig_cfg cfg;
	unsigned int i;

	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	cfg.profile.threaded_commands = threaded;
	cfg.driver.cmdq_lg2 = 5;
#ifdef __SANITIZE_THREAD__
	cfg.no_direct = true;
#endif
	stop = wrong = 0;
	rig = rig_create(&cfg);
	dom = rig_domain(rig, UIOMMU_DOM_PAGING);
	other = rig_domain(rig, UIOMMU_DOM_PAGING);
	deaf = rig_ats_device(rig, DEAF, 0);
	good = rig_ats_device(rig, GOOD, 8);
	rig_attach(dom, deaf);
	rig_attach(dom, good);
	rig->deaf_to_all = true;
	rig->deaf_for = 1;
	for (i = 0; i < 2; i++) {
		pthread_create(&thread[i], NULL, gun, (void *)(uintptr_t)i);
		pthread_create(&thread[2 + i], NULL, unmapper,
			       (void *)(uintptr_t)i);
	}
	pthread_create(&thread[4], NULL, changer, NULL);
	for (i = 0; i < 8; i++) {
		assert_true(let_fight(30, turns, 5));
		assert_true(has_ats(DEAF));
		__atomic_store_n(&rig->deaf_sid, DEAF, __ATOMIC_RELEASE);
		while (has_ats(DEAF))
			sched_yield();
		assert_true(let_fight(10, turns, 5));
		assert_true(has_ats(GOOD));
		rig->unit->ops->dev_remove(deaf);
		__atomic_store_n(&rig->deaf_sid, NOBODY, __ATOMIC_RELEASE);
		add_again();
	}
	store_release(&stop, 1);
	for (i = 0; i < 5; i++)
		pthread_join(thread[i], NULL);
	assert_false(wrong);
	rig_irqs(rig);
	rig->unit->ops->dev_remove(deaf);
	rig->unit->ops->dev_remove(good);
	rig->unit->ops->dom_free(dom);
	rig->unit->ops->dom_free(other);
	rig_destroy(rig);
}

static void at_once(void **state)
{
	one_after_the_other(false);
}

static void in_a_thread(void **state)
{
	one_after_the_other(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_once),
		cmocka_unit_test(in_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
