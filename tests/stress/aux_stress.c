/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Auxiliary domains under fire: three devices with ATCs and one parent come to
 * two auxiliary domains and leave them, each by a thread of its own that believes
 * what has returned, while every device reads through its PASIDs without pause
 * and a thread unmaps a page of the domains and maps another.
 *
 * A read sees the page of the domain that it is meant for, or nothing.  After an
 * attach its thread finds the domain, after a detach nothing, not even in the
 * ATC; after an unmap nobody finds the page.  PASIDs are given out again at once,
 * so a device that was missed would see the other domain.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "core_rig.h"
#include "turns.h"

#define IOVA UINT64_C(0x40000000)
#define MOVING (IOVA + RIG_PAGE) /* unmapped and mapped */
#define DEVS 3u
#define AUXES 2u
#define SID(i) (5u + (i))
#define PARENT_VALUE 0xb0u

struct fight {
	struct core_rig cr;
	struct uiommu_device *dev[DEVS];
	struct uiommu_domain *parent, *aux[AUXES];
	uint32_t stop; /* atomic */
	uint64_t wrong;
	uint64_t comes[DEVS], reads[DEVS], unmaps;
};

struct part {
	struct fight *f;
	unsigned int i;
};

static void bad(struct fight *f, bool is)
{
	if (is)
		fetch_add_relaxed(&f->wrong, 1);
}

static uint64_t look(struct fight *f, unsigned int i, uint32_t pasid,
		     uint64_t iova)
{
	return core_rig_read(&f->cr, 0, SID(i), pasid, iova);
}

/* Comes and goes; nobody else changes what device i has. */
static void *comer(void *arg)
{
	struct part *p = arg;
	struct fight *f = p->f;
	unsigned int n = p->i;
	int pasid;

	while (!load_acquire(&f->stop)) {
		struct uiommu_domain *dom = f->aux[n % AUXES];

		bad(f, uiommu_aux_attach(dom, f->dev[p->i]));
		pasid = uiommu_aux_pasid(dom, f->dev[p->i]);
		bad(f, pasid <= 0);
		bad(f,
		    look(f, p->i, (uint32_t)pasid, IOVA) != 0xa0 + n % AUXES);
		look(f, p->i, (uint32_t)pasid, MOVING);
		sched_yield();
		uiommu_aux_detach(dom, f->dev[p->i]);
		bad(f, look(f, p->i, (uint32_t)pasid, IOVA));
		bad(f, look(f, p->i, (uint32_t)pasid, MOVING));
		turn(&f->comes[p->i]);
		n++;
	}
	return NULL;
}

/* Every PASID that might be in use, and the device itself. */
static void *reader(void *arg)
{
	struct part *p = arg;
	struct fight *f = p->f;
	uint32_t pasid = 1;
	uint64_t value;

	while (!load_acquire(&f->stop)) {
		value = look(f, p->i, pasid, IOVA);
		bad(f, value && value != 0xa0 && value != 0xa1);
		look(f, p->i, pasid, MOVING);
		bad(f, look(f, p->i, UIOMMU_NO_PASID, IOVA) != PARENT_VALUE);
		pasid = pasid % 3 + 1;
		turn(&f->reads[p->i]);
		if (f->reads[p->i] % 7 == 0)
			sched_yield();
	}
	return NULL;
}

/* No device finds the page once it has gone. */
static void *mover(void *arg)
{
	struct fight *f = arg;
	uint64_t n;

	while (!load_acquire(&f->stop)) {
		for (unsigned int a = 0; a < AUXES; a++)
			bad(f, uiommu_domain_unmap(f->aux[a], MOVING, RIG_PAGE,
						   &n) ||
				       n != RIG_PAGE);
		for (unsigned int i = 0; i < DEVS; i++)
			for (uint32_t pasid = 1; pasid <= 3; pasid++)
				bad(f, look(f, i, pasid, MOVING));
		for (unsigned int a = 0; a < AUXES; a++)
			bad(f, uiommu_domain_map(
				       f->aux[a], MOVING,
				       (uintptr_t)core_rig_word(&f->cr, 4),
				       RIG_PAGE, CORE_RIG_RW));
		core_rig_irqs(&f->cr);
		turn(&f->unmaps);
	}
	return NULL;
}

#ifdef __SANITIZE_THREAD__
#define PLAIN_COPIES_ARE_RACES true
#else
#define PLAIN_COPIES_ARE_RACES false
#endif

static void open_fight(struct fight *f)
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	cfg.yield = true;
	cfg.no_direct = PLAIN_COPIES_ARE_RACES;
	core_rig_open(&f->cr, &cfg);
	for (unsigned int i = 0; i < DEVS; i++)
		f->dev[i] = core_rig_device(&f->cr, 0, SID(i), 8, true);
	*core_rig_word(&f->cr, 3) = PARENT_VALUE;
	*core_rig_word(&f->cr, 4) = 0xcc;
	f->parent = core_rig_domain(&f->cr, f->dev[0], IOVA, 3);
	for (unsigned int a = 0; a < AUXES; a++) {
		*core_rig_word(&f->cr, a) = 0xa0 + a;
		f->aux[a] = core_rig_domain(&f->cr, f->dev[0], IOVA, a);
		assert_int_equal(
			uiommu_domain_map(f->aux[a], MOVING,
					  (uintptr_t)core_rig_word(&f->cr, 4),
					  RIG_PAGE, CORE_RIG_RW),
			0);
	}
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(
			uiommu_group_attach(uiommu_device_group(f->dev[i]),
					    f->parent),
			0);
		assert_int_equal(uiommu_dev_enable_feature(f->dev[i],
							   UIOMMU_DEV_FEAT_AUX),
				 0);
		/* Keeps the table, and the STE's use of PASIDs. */
		assert_int_equal(uiommu_device_pasid_attach(f->dev[i], 99,
							    f->parent),
				 0);
	}
}

static void close_fight(struct fight *f)
{
	for (unsigned int i = 0; i < DEVS; i++) {
		uiommu_device_pasid_detach(f->dev[i], 99);
		assert_int_equal(
			uiommu_group_detach(uiommu_device_group(f->dev[i])), 0);
		uiommu_device_remove(f->dev[i]);
	}
	for (unsigned int a = 0; a < AUXES; a++)
		uiommu_domain_free(f->aux[a]);
	uiommu_domain_free(f->parent);
	core_rig_close(&f->cr);
}

static void devices_come_and_go(void **state)
{
	struct fight *f = calloc(1, sizeof(*f));
	const uint64_t *counts[2 * DEVS + 1];
	pthread_t thread[2 * DEVS + 1];
	struct part part[DEVS];
	bool all;

	assert_non_null(f);
	open_fight(f);
	for (unsigned int i = 0; i < DEVS; i++) {
		part[i] = (struct part){ f, i };
		pthread_create(&thread[2 * i], NULL, comer, &part[i]);
		pthread_create(&thread[2 * i + 1], NULL, reader, &part[i]);
		counts[2 * i] = &f->comes[i];
		counts[2 * i + 1] = &f->reads[i];
	}
	pthread_create(&thread[2 * DEVS], NULL, mover, f);
	counts[2 * DEVS] = &f->unmaps;
	all = let_fight(stress_ms(2000), counts, 2 * DEVS + 1);
	store_release(&f->stop, 1);
	for (unsigned int i = 0; i < 2 * DEVS + 1; i++)
		pthread_join(thread[i], NULL);
	print_message(
		"# %llu times came and went, %llu unmaps, %llu reads\n",
		(unsigned long long)(f->comes[0] + f->comes[1] + f->comes[2]),
		(unsigned long long)f->unmaps,
		(unsigned long long)(f->reads[0] + f->reads[1] + f->reads[2]));
	assert_true(all);
	assert_int_equal(f->wrong, 0);
	core_rig_irqs(&f->cr);
	close_fight(f);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_come_and_go),
	};

	return cmocka_run_group_tests_name("aux-stress", tests, NULL, NULL);
}
