/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mock driver under fire: accesses, page requests and dirty state while pages
 * come and go and the device is moved between domains.  An access that begins
 * after a flush has returned does not find what was unmapped before it.
 * UIOMMU_STRESS_SECONDS says how long (1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <pthread.h>

#include <cmocka.h>

#include <uiommu/env.h>
#include <uiommu/host.h>
#include <uiommu/mock.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "turns.h"

#define BASE UIOMMU_MOCK_APERTURE_FIRST
#define PAGE UINT64_C(2048)
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)

enum {
	DOMS = 2,
	PAGES = 64,
	ACCESSORS = 2,
	ID = 7,
	/* PASIDs 1 and 2 stay with a domain each, this one comes and goes. */
	LOOSE = 3
};

struct dom {
	struct uiommu_hwdom *hw;
	uint64_t tag; /* in the physical addresses of its pages */
	/* Even: nothing is mapped, and what was is flushed.  Atomic. */
	uint32_t seq[PAGES];
};

struct scene {
	struct uiommu_host *host;
	struct uiommu_unit *unit;
	const struct uiommu_driver_ops *ops;
	struct uiommu_hwdev *dev;
	struct dom dom[DOMS];
	uint32_t stop, wrong; /* atomic */
	uint64_t hits, misses, changes[DOMS], moves, loose, asked, dirty;
};

static unsigned int dice(unsigned int *seed, unsigned int sides)
{
	return (unsigned int)rand_r(seed) % sides;
}

static uint64_t pa_of(const struct dom *dom, unsigned int page)
{
	return dom->tag + page * PAGE;
}

/* The page as the domain of PASID `d` + 1 has it. */
static void access_one(struct scene *s, unsigned int *seed)
{
	unsigned int d = dice(seed, DOMS), page = dice(seed, PAGES);
	struct dom *dom = &s->dom[d];
	uint32_t before = load_acquire(&dom->seq[page]), after;
	uint64_t pa = 0;
	int rc = uiommu_mock_access(s->unit, ID, d + 1, BASE + page * PAGE,
				    dice(seed, 2), &pa);

	after = load_acquire(&dom->seq[page]);
	if (before == after && !(before & 1) && rc != -EFAULT)
		fetch_add_relaxed(&s->wrong, 1);
	if ((rc && rc != -EFAULT) || (!rc && pa != pa_of(dom, page)))
		fetch_add_relaxed(&s->wrong, 1);
	turn(rc ? &s->misses : &s->hits);
}

/* And as either of them, where the device itself or the loose PASID may be. */
static void access_either(struct scene *s, unsigned int *seed)
{
	unsigned int page = dice(seed, PAGES);
	uint32_t pasid = dice(seed, 2) ? LOOSE : UIOMMU_NO_PASID;
	uint64_t pa = 0;
	int rc = uiommu_mock_access(s->unit, ID, pasid, BASE + page * PAGE,
				    true, &pa);

	if ((rc && rc != -EFAULT) || (!rc && pa != pa_of(&s->dom[0], page) &&
				      pa != pa_of(&s->dom[1], page)))
		fetch_add_relaxed(&s->wrong, 1);
}

static void *accessor(void *arg)
{
	struct scene *s = arg;
	unsigned int seed = (unsigned int)(uintptr_t)&seed;

	while (!load_relaxed(&s->stop)) {
		access_one(s, &seed);
		access_either(s, &seed);
	}
	return NULL;
}

struct changer {
	struct scene *s;
	unsigned int d;
};

static void *changer(void *arg)
{
	const struct changer *c = arg;
	struct scene *s = c->s;
	struct dom *dom = &s->dom[c->d];
	unsigned int seed = c->d;
	struct uiommu_gather gather;
	uint64_t unmapped;

	while (!load_relaxed(&s->stop)) {
		unsigned int page = dice(&seed, PAGES);
		uint64_t iova = BASE + page * PAGE;
		int rc;

		uiommu_gather_init(&gather);
		if (load_relaxed(&dom->seq[page]) & 1) {
			rc = uiommu_pgtable_unmap(dom->hw->pt, iova, PAGE,
						  &gather, &unmapped);
			rc = rc ? rc : s->ops->flush(dom->hw, &gather);
			fetch_add_acq_rel(&dom->seq[page], 1);
		} else {
			fetch_add_acq_rel(&dom->seq[page], 1);
			rc = uiommu_pgtable_map(dom->hw->pt, iova,
						pa_of(dom, page), PAGE, RW,
						&gather);
		}
		if (rc)
			fetch_add_relaxed(&s->wrong, 1);
		uiommu_gather_release(&gather);
		turn(&s->changes[c->d]);
	}
	return NULL;
}

static void *mover(void *arg)
{
	struct scene *s = arg;
	struct uiommu_hwdom *old = NULL, *new;
	unsigned int seed = 99;

	while (!load_relaxed(&s->stop)) {
		if (s->ops->attach(s->dom[dice(&seed, DOMS)].hw, s->dev))
			fetch_add_relaxed(&s->wrong, 1);
		turn(&s->moves);
		new = dice(&seed, 3) ? s->dom[dice(&seed, DOMS)].hw : NULL;
		if (s->ops->set_pasid(new, s->dev, LOOSE, old))
			fetch_add_relaxed(&s->wrong, 1);
		old = new;
		turn(&s->loose);
	}
	return NULL;
}

static void on_dirty(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	if (iova < BASE || iova - BASE >= PAGES * PAGE || size != PAGE)
		fetch_add_relaxed((uint32_t *)ctx, 1);
}

/* Page requests, their answers, and the pages that were written to. */
static void *asker(void *arg)
{
	struct scene *s = arg;
	struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_LAST | UIOMMU_PAGE_READ,
		.pasid = 1,
	};
	struct uiommu_page_response resp = { .id = ID, .pasid = 1 };

	while (!load_relaxed(&s->stop)) {
		resp.token = ++req.token;
		if (uiommu_mock_page_request(s->unit, ID, &req) == -ENOSPC) {
			s->ops->irq(s->unit, 0);
		} else if (s->ops->page_response(s->dev, &resp)) {
			fetch_add_relaxed(&s->wrong, 1);
		}
		turn(&s->asked);
		if (s->ops->read_dirty(s->dom[req.token % DOMS].hw, BASE,
				       PAGES * PAGE, 0, on_dirty, &s->wrong))
			fetch_add_relaxed(&s->wrong, 1);
		turn(&s->dirty);
	}
	return NULL;
}

static void on_request(void *ctx, struct uiommu_unit *unit,
		       const struct uiommu_page_request *req)
{
}

static const struct uiommu_host_ops host_ops = {
	.report_page_request = on_request,
};

static void open_scene(struct scene *s)
{
	const uint32_t id = ID;
	const struct uiommu_hwdev_cfg dev_cfg = { .name = "d",
						  .ids = &id,
						  .nr_ids = 1,
						  .pasid_bits = 20,
						  .pri = true };
	const struct uiommu_dom_cfg dom_cfg = { .type = UIOMMU_DOM_PAGING,
						.flags = UIOMMU_DOM_DIRTY };
	struct uiommu_mock_cfg cfg = { .host = &host_ops,
				       .dirty_tracking = true };

	assert_int_equal(uiommu_host_create(0, &s->host), 0);
	cfg.platform = uiommu_host_platform(s->host);
	assert_int_equal(uiommu_mock_create(&cfg, &s->unit), 0);
	s->ops = s->unit->ops;
	assert_int_equal(s->ops->dev_add(s->unit, &dev_cfg, &s->dev), 0);
	for (unsigned int d = 0; d < DOMS; d++) {
		struct dom *dom = &s->dom[d];

		/* So that no two halves of 4 KiB are taken for one page. */
		dom->tag = (d + 1) * BIT64(40) + PAGE;
		assert_int_equal(s->ops->dom_alloc(s->unit, &dom_cfg, &dom->hw),
				 0);
		assert_int_equal(
			s->ops->set_pasid(dom->hw, s->dev, d + 1, NULL), 0);
	}
}

static void close_scene(struct scene *s)
{
	s->ops->dev_remove(s->dev);
	for (unsigned int d = 0; d < DOMS; d++)
		s->ops->dom_free(s->dom[d].hw);
	s->ops->remove(s->unit);
	uiommu_host_barrier(s->host);
	assert_int_equal(uiommu_host_live(s->host), 0);
	uiommu_host_destroy(s->host);
}

static void everything_at_once(void **state)
{
	static struct scene s;
	struct changer changers[DOMS];
	const uint64_t *counts[] = { &s.hits,	    &s.misses, &s.changes[0],
				     &s.changes[1], &s.moves,  &s.loose,
				     &s.asked,	    &s.dirty };
	pthread_t thread[ACCESSORS + DOMS + 2];
	unsigned int nr = 0;
	bool fought;

	open_scene(&s);
	for (unsigned int i = 0; i < ACCESSORS; i++)
		assert_int_equal(
			pthread_create(&thread[nr++], NULL, accessor, &s), 0);
	for (unsigned int d = 0; d < DOMS; d++) {
		changers[d] = (struct changer){ &s, d };
		assert_int_equal(pthread_create(&thread[nr++], NULL, changer,
						&changers[d]),
				 0);
	}
	assert_int_equal(pthread_create(&thread[nr++], NULL, mover, &s), 0);
	assert_int_equal(pthread_create(&thread[nr++], NULL, asker, &s), 0);
	fought = let_fight(stress_ms(1000), counts, ARRAY_SIZE(counts));
	store_relaxed(&s.stop, 1u);
	for (unsigned int i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	assert_true(fought);
	assert_int_equal(s.wrong, 0);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_at_once),
	};

	return cmocka_run_group_tests_name("mock under fire", tests, NULL,
					   NULL);
}
