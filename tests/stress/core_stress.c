/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core under fire: threads map, unmap, copy and cut in two IOASes while
 * another exchanges domains, two change those of PASIDs, and another does DMA.
 * Nothing may be pinned too
 * seldom, given back while the hardware remembers it, or left at the end.
 * UIOMMU_STRESS_SECONDS says how long (2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <pthread.h>

#include <cmocka.h>

#include <uiommu/core.h>
#include <uiommu/env.h>
#include <uiommu/host.h>

#include "base/atomic.h"
#include "turns.h"
#include "world.h"

enum {
	DEVS = 3,
	PAGES = 256,
	SPACE = 512,
	MAPPERS = 2,
	PASIDERS = 2,
	PASIDS = 8 /* of each, on each device */
};

struct arena {
	struct world *w;
	struct uiommu_ioas *ioas[2];
	uint32_t stop, seeds, wrong; /* atomic */
	uint64_t maps, unmaps, dmas, moves, pasids;
};

static unsigned int dice(unsigned int *seed, unsigned int sides)
{
	return (unsigned int)rand_r(seed) % sides;
}

/* Only these may come out of a race; anything else is a mistake. */
static void expect(struct arena *a, int rc, int x, int y, int z)
{
	if (rc && rc != x && rc != y && rc != z)
		fetch_add_relaxed(&a->wrong, 1);
}

static void one_change(struct arena *a, unsigned int *seed)
{
	struct uiommu_ioas *ioas = a->ioas[dice(seed, 2)];
	uint64_t at = dice(seed, SPACE) * PAGE, n;
	uint64_t len = (1 + dice(seed, 16)) * PAGE;
	uint64_t uva = MEM + dice(seed, PAGES - 16) * PAGE;
	int rc;

	switch (dice(seed, 8)) {
	case 0 ... 1:
		rc = uiommu_ioas_map(ioas, &a->w->mm.mm, uva, len, RW,
				     UIOMMU_IOAS_FIXED_IOVA, &at);
		expect(a, rc, -EEXIST, 0, 0);
		fetch_add_relaxed(&a->maps, !rc);
		break;
	case 2:
		rc = uiommu_ioas_map(ioas, &a->w->mm.mm, uva, len, RW, 0, &at);
		expect(a, rc, 0, 0, 0);
		/* What was found free is ours until we unmap it. */
		if (!rc && dice(seed, 2)) {
			rc = uiommu_ioas_unmap(ioas, at, len, &n);
			expect(a, rc, -ENOENT, -EBUSY, 0);
		}
		break;
	case 3:
		rc = uiommu_ioas_copy(ioas, a->ioas[0], at, len, RW, 0, &n);
		expect(a, rc, -ENOENT, 0, 0);
		break;
	case 4:
		expect(a, uiommu_ioas_cut(ioas, at), 0, 0, 0);
		break;
	default:
		rc = uiommu_ioas_unmap(ioas, at, 4 * len, &n);
		expect(a, rc, -ENOENT, -EBUSY, 0);
		fetch_add_relaxed(&a->unmaps, n / PAGE);
		break;
	}
}

static void *mapper(void *arg)
{
	struct arena *a = arg;
	unsigned int seed = 17 + fetch_add_relaxed(&a->seeds, 1);

	while (!load_acquire(&a->stop))
		one_change(a, &seed);
	return NULL;
}

/* Device i moves between IOASes, its domain made and freed each time. */
static void *mover(void *arg)
{
	struct uiommu_domain *dom[DEVS] = { 0 };
	struct uiommu_ioas *in[DEVS] = { 0 };
	struct arena *a = arg;
	unsigned int seed = 5;
	uint64_t iova;

	while (!load_acquire(&a->stop)) {
		unsigned int i = dice(&seed, DEVS);
		struct uiommu_group *g = uiommu_device_group(a->w->dev[i]);

		fetch_add_relaxed(&a->moves, 1);
		if (dom[i]) {
			uiommu_group_detach(g);
			uiommu_ioas_remove_domain(in[i], dom[i]);
			uiommu_ioas_unreserve_device(in[i], a->w->dev[i]);
			uiommu_domain_free(dom[i]);
			dom[i] = NULL;
			continue;
		}
		in[i] = a->ioas[dice(&seed, 2)];
		expect(a, uiommu_domain_alloc(a->w->dev[i], &dom[i]), 0, 0, 0);
		expect(a, uiommu_ioas_reserve_device(in[i], a->w->dev[i]), 0, 0,
		       0);
		expect(a, uiommu_ioas_add_domain(in[i], dom[i]), 0, 0, 0);
		expect(a, uiommu_group_attach(g, dom[i]), 0, 0, 0);
		expect(a, uiommu_group_msi_map(g, 0xfee00000 + i * PAGE, &iova),
		       0, 0, 0);
	}
	for (unsigned int i = 0; i < DEVS; i++) {
		if (!dom[i])
			continue;
		uiommu_group_detach(uiommu_device_group(a->w->dev[i]));
		uiommu_ioas_remove_domain(in[i], dom[i]);
		uiommu_ioas_unreserve_device(in[i], a->w->dev[i]);
		uiommu_domain_free(dom[i]);
	}
	return NULL;
}

/* A domain of each IOAS, on PASIDs that are this thread's on all devices. */
struct pasider {
	struct arena *a;
	struct uiommu_domain *dom[2];
	uint32_t pasid[PASIDS];
	struct uiommu_domain *has[DEVS][PASIDS];
};

static void change_pasid(struct pasider *p, unsigned int *seed)
{
	unsigned int i = dice(seed, DEVS), j = dice(seed, PASIDS);
	struct uiommu_domain *dom = p->dom[dice(seed, 2)];
	struct uiommu_domain **has = &p->has[i][j];
	struct arena *a = p->a;

	if (!*has) {
		expect(a,
		       uiommu_device_pasid_attach(a->w->dev[i], p->pasid[j],
						  dom),
		       0, 0, 0);
		*has = dom;
	} else if (dice(seed, 2)) {
		expect(a,
		       uiommu_device_pasid_replace(a->w->dev[i], p->pasid[j],
						   dom),
		       0, 0, 0);
		*has = dom;
	} else {
		uiommu_device_pasid_detach(a->w->dev[i], p->pasid[j]);
		*has = NULL;
	}
	if (uiommu_device_pasid_domain(a->w->dev[i], p->pasid[j]) != *has)
		fetch_add_relaxed(&a->wrong, 1);
}

static void *pasider(void *arg)
{
	struct arena *a = arg;
	struct pasider p = { .a = a };
	unsigned int seed = 29 + fetch_add_relaxed(&a->seeds, 1), i, j;

	for (i = 0; i < 2; i++) {
		expect(a, uiommu_domain_alloc(a->w->dev[0], &p.dom[i]), 0, 0,
		       0);
		expect(a, uiommu_ioas_add_domain(a->ioas[i], p.dom[i]), 0, 0,
		       0);
	}
	for (j = 0; j < PASIDS; j++)
		expect(a, uiommu_pasid_alloc(a->w->core, 1, 999, &p.pasid[j]),
		       0, 0, 0);
	while (!load_acquire(&a->stop)) {
		change_pasid(&p, &seed);
		fetch_add_relaxed(&a->pasids, 1);
	}
	for (i = 0; i < DEVS; i++)
		for (j = 0; j < PASIDS; j++)
			uiommu_device_pasid_detach(a->w->dev[i], p.pasid[j]);
	for (j = 0; j < PASIDS; j++)
		uiommu_pasid_free(a->w->core, p.pasid[j]);
	for (i = 0; i < 2; i++) {
		uiommu_ioas_remove_domain(a->ioas[i], p.dom[i]);
		uiommu_domain_free(p.dom[i]);
	}
	return NULL;
}

static void *device(void *arg)
{
	struct arena *a = arg;
	unsigned int seed = 3;

	while (!load_acquire(&a->stop)) {
		struct uiommu_range r[4];
		struct uiommu_area_info info;
		uint64_t at = dice(&seed, SPACE) * PAGE, align;
		uiommu_pa_t pa;

		if (!fake_dma(a->w->fu, 1 + dice(&seed, DEVS), at, false, &pa))
			fetch_add_relaxed(&a->dmas, 1);
		if (!fake_dma_pasid(a->w->fu, 1 + dice(&seed, DEVS),
				    1 + dice(&seed, PASIDERS * PASIDS), at,
				    false, &pa))
			fetch_add_relaxed(&a->dmas, 1);
		if (dice(&seed, 16))
			continue;
		uiommu_ioas_iova_ranges(a->ioas[0], r, 4, &align);
		uiommu_ioas_next_area(a->ioas[1], at, &info);
		(void)uiommu_ioas_pgsizes(a->ioas[0]);
	}
	return NULL;
}

static void build(struct arena *a)
{
	void *state;

	world_open(&state);
	a->w = state;
	a->w->mm.max_run = 5;
	for (int i = 0; i < 2; i++)
		a->ioas[i] = new_ioas(a->w);
}

static void tear_down(struct arena *a)
{
	void *state = a->w;

	for (int i = 0; i < 2; i++)
		uiommu_ioas_destroy(a->ioas[i]);
	assert_int_equal(a->w->mm.total, 0);
	world_close(&state);
}

static void everything_at_once(void **state)
{
	struct arena *a = calloc(1, sizeof(*a));
	pthread_t thread[MAPPERS + PASIDERS + 2];
	unsigned int nr = 0;
	const uint64_t *turns[5];

	assert_non_null(a);
	build(a);
	turns[0] = &a->maps;
	turns[1] = &a->unmaps;
	turns[2] = &a->dmas;
	turns[3] = &a->moves;
	turns[4] = &a->pasids;
	for (unsigned int i = 0; i < MAPPERS; i++)
		pthread_create(&thread[nr++], NULL, mapper, a);
	for (unsigned int i = 0; i < PASIDERS; i++)
		pthread_create(&thread[nr++], NULL, pasider, a);
	pthread_create(&thread[nr++], NULL, mover, a);
	pthread_create(&thread[nr++], NULL, device, a);
	let_fight(stress_ms(2000), turns, 5);
	store_release(&a->stop, 1);
	while (nr)
		pthread_join(thread[--nr], NULL);
	print_message("# %lu maps, %lu pages unmapped, %lu DMAs, %lu moves, "
		      "%lu of PASIDs\n",
		      (long)a->maps, (long)a->unmaps, (long)a->dmas,
		      (long)a->moves, (long)a->pasids);
	assert_int_equal(a->wrong, 0);
	assert_true(all_had_turns(turns, 5));
	tear_down(a);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
