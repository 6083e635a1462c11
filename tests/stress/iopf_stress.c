/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IO page faults of the core under fire: devices ask and are stalled from two
 * threads, with PASIDs and without, others attach, replace and detach the domains
 * of both, answer now, later or twice, and let groups grow too old.  Each is answered once, whatever comes
 * first, and no handler hears of a domain that is gone.
 * UIOMMU_STRESS_SECONDS says how long (2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <uiommu/env.h>
#include <uiommu/host.h>

#include "base/list.h"
#include "turns.h"
#include "world.h"

enum {
	DEVS = 2,
	FIRST_ID = 5, /* after those of the world */
	SPACES = 3,   /* the device's own, and PASIDs 1 and 2 */
	ASKERS = 2,
	ANSWERERS = 2,
	MAX_WAITING = 256
};

/* A handler: the groups that it has not answered yet. */
struct keeper {
	struct arena *a;
	pthread_mutex_t lock; /* protects kept */
	struct list kept;     /* struct room */
	uint32_t gone;	      /* its domain is; atomic */
};

struct room {
	struct list node; /* empty: not in the list */
};

struct arena {
	struct world *w;
	struct uiommu_device *dev[DEVS];
	struct keeper keeper[DEVS][SPACES][2];
	uint32_t stop, seeds, tokens, wrong; /* atomic */
	uint64_t asked, answered, late, withdrawn, moves, expired;
};

#define KEEPERS ((unsigned int)DEVS * SPACES * 2)

static struct keeper *keeper(struct arena *a, unsigned int i)
{
	return &a->keeper[i / 2 / SPACES][i / 2 % SPACES][i % 2];
}

static unsigned int dice(unsigned int *seed, unsigned int sides)
{
	return (unsigned int)rand_r(seed) % sides;
}

static void expect(struct arena *a, bool right)
{
	if (!right)
		fetch_add_relaxed(&a->wrong, 1);
}

/* --------------------------------------------------------------- handler -- */

static struct uiommu_iopf_group *group_of(struct room *room)
{
	return container_of((void **)room, struct uiommu_iopf_group, room[0]);
}

static void answer(struct arena *a, struct uiommu_iopf_group *group)
{
	int rc = uiommu_iopf_group_respond(group, UIOMMU_PAGE_SUCCESS);

	expect(a, !rc || rc == -ENOENT);
	turn(rc ? &a->late : &a->answered);
	uiommu_iopf_group_put(group);
}

static int on_group(void *ctx, struct uiommu_iopf_group *group)
{
	struct room *room = (struct room *)group->room;
	struct keeper *k = ctx;

	expect(k->a, !load_acquire(&k->gone));
	switch (group->id % 8) {
	case 0:
		answer(k->a, group);
		return 0;
	case 1:
		return -ENOMEM;
	}
	pthread_mutex_lock(&k->lock);
	list_add_tail(&k->kept, &room->node);
	pthread_mutex_unlock(&k->lock);
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
	struct room *room = (struct room *)group->room;
	struct keeper *k = ctx;
	bool ours;

	expect(k->a, !load_acquire(&k->gone));
	turn(&k->a->withdrawn);
	if (group->id % 8 == 0)
		return; /* the one who answers at once lets it go */
	pthread_mutex_lock(&k->lock);
	ours = !list_empty(&room->node);
	if (ours)
		list_del(&room->node);
	pthread_mutex_unlock(&k->lock);
	if (ours)
		uiommu_iopf_group_put(group);
}

static const struct uiommu_iopf_ops keeper_ops = { on_group, on_withdrawn };

static void *answerer(void *arg)
{
	struct arena *a = arg;
	unsigned int seed = 71 + fetch_add_relaxed(&a->seeds, 1);

	while (!load_acquire(&a->stop)) {
		struct keeper *k =
			&a->keeper[dice(&seed, DEVS)][dice(&seed, SPACES)]
				  [dice(&seed, 2)];
		struct room *room;

		pthread_mutex_lock(&k->lock);
		room = list_first(&k->kept, struct room, node);
		if (room)
			list_del(&room->node);
		pthread_mutex_unlock(&k->lock);
		if (!room)
			continue;
		answer(a, group_of(room));
	}
	return NULL;
}

/* --------------------------------------------------------------- devices -- */

static void ask(struct arena *a, unsigned int *seed)
{
	uint32_t token = fetch_add_relaxed(&a->tokens, 1);
	uint32_t space = dice(seed, SPACES);
	uint32_t pasid = space ? space : UIOMMU_NO_PASID;
	struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_READ,
		.id = FIRST_ID + dice(seed, DEVS),
		.pasid = pasid,
		.token = token,
		.iova = (uint64_t)token << 12,
	};
	const struct uiommu_fault fault = {
		.kind = UIOMMU_FAULT_TRANSLATION,
		.id = req.id,
		.pasid = pasid,
		.token = token,
		.iova = req.iova,
	};

	turn(&a->asked);
	if (!dice(seed, 3)) {
		fake_stall(a->w->fu, &fault);
		return;
	}
	for (unsigned int i = dice(seed, 4); i; i--)
		fake_page_request(a->w->fu, &req);
	if (!dice(seed, 16)) {
		req.flags = UIOMMU_PAGE_STOP;
	} else if (!dice(seed, 16)) {
		a->w->fu->unit.host->page_requests_lost(a->w->core,
							&a->w->fu->unit);
		return;
	} else {
		req.flags |= UIOMMU_PAGE_LAST;
	}
	fake_page_request(a->w->fu, &req);
}

static void *asker(void *arg)
{
	struct arena *a = arg;
	unsigned int seed = 17 + fetch_add_relaxed(&a->seeds, 1);

	while (!load_acquire(&a->stop))
		if (fake_waiting(a->w->fu) < MAX_WAITING)
			ask(a, &seed);
	return NULL;
}

/* ---------------------------------------------------------------- movers -- */

/* An address space of a device, and the domain that it has. */
struct space {
	unsigned int d, s, which;
	struct uiommu_domain *now;
};

static struct uiommu_domain *
next_domain(struct arena *a, const struct space *sp, unsigned int which)
{
	struct keeper *k = &a->keeper[sp->d][sp->s][which];
	struct uiommu_domain *dom;

	store_release(&k->gone, 0);
	expect(a, !uiommu_domain_alloc(a->dev[sp->d], &dom));
	expect(a, !uiommu_domain_set_iopf_handler(dom, &keeper_ops, k));
	return dom;
}

static void end_domain(struct arena *a, const struct space *sp)
{
	store_release(&a->keeper[sp->d][sp->s][sp->which].gone, 1);
	uiommu_domain_free(sp->now);
}

static int set(struct arena *a, const struct space *sp,
	       struct uiommu_domain *dom)
{
	struct uiommu_group *g = uiommu_device_group(a->dev[sp->d]);

	if (!sp->s)
		return sp->now ? uiommu_group_replace(g, dom)
			       : uiommu_group_attach(g, dom);
	return sp->now ? uiommu_device_pasid_replace(a->dev[sp->d], sp->s, dom)
		       : uiommu_device_pasid_attach(a->dev[sp->d], sp->s, dom);
}

static void give_up(struct arena *a, struct space *sp)
{
	if (!sp->now)
		return;
	if (sp->s)
		uiommu_device_pasid_detach(a->dev[sp->d], sp->s);
	else
		uiommu_group_detach(uiommu_device_group(a->dev[sp->d]));
	end_domain(a, sp);
	sp->now = NULL;
}

/* Each space from one domain to the next, new one; sometimes to none. */
static void *mover(void *arg)
{
	struct space space[DEVS * SPACES];
	struct arena *a = arg;
	unsigned int seed = 5;

	for (unsigned int i = 0; i < DEVS * SPACES; i++)
		space[i] = (struct space){ .d = i / SPACES, .s = i % SPACES };
	while (!load_acquire(&a->stop)) {
		struct space *sp = &space[dice(&seed, DEVS * SPACES)];
		struct uiommu_domain *dom;

		turn(&a->moves);
		if (!dice(&seed, 4)) {
			give_up(a, sp);
			continue;
		}
		dom = next_domain(a, sp, !sp->which);
		expect(a, !set(a, sp, dom));
		if (sp->now)
			end_domain(a, sp);
		sp->now = dom;
		sp->which = !sp->which;
	}
	for (unsigned int i = 0; i < DEVS * SPACES; i++)
		give_up(a, &space[i]);
	return NULL;
}

static void *expirer(void *arg)
{
	struct arena *a = arg;

	while (!load_acquire(&a->stop))
		fetch_add_relaxed(&a->expired,
				  uiommu_core_iopf_expire(a->w->core));
	return NULL;
}

/* ------------------------------------------------------------- the fight -- */

static void build(struct arena *a)
{
	a->w = world_make(&(struct uiommu_core_cfg){
		.iopf_timeout_ns = 200000,
	});
	a->w->fu->page_faults = true;
	for (uint32_t i = 0; i < DEVS; i++)
		assert_int_equal(add_device(a->w, a->w->fu, FIRST_ID + i, NULL,
					    &a->dev[i]),
				 0);
	for (unsigned int i = 0; i < KEEPERS; i++) {
		struct keeper *k = keeper(a, i);

		k->a = a;
		pthread_mutex_init(&k->lock, NULL);
		list_init(&k->kept);
	}
}

static void tear_down(struct arena *a)
{
	void *state = a->w;

	for (unsigned int i = 0; i < KEEPERS; i++) {
		assert_true(list_empty(&keeper(a, i)->kept));
		pthread_mutex_destroy(&keeper(a, i)->lock);
	}
	for (int i = 0; i < DEVS; i++)
		uiommu_device_remove(a->dev[i]);
	assert_int_equal(fake_waiting(a->w->fu), 0);
	assert_int_equal(a->w->fu->bad_answers, 0);
	world_close(&state);
}

static void each_is_answered_once(void **state)
{
	struct arena *a = calloc(1, sizeof(*a));
	pthread_t thread[ASKERS + ANSWERERS + 2];
	unsigned int nr = 0;
	const uint64_t *turns[] = { &a->asked, &a->answered, &a->withdrawn,
				    &a->moves, &a->expired };

	assert_non_null(a);
	build(a);
	for (unsigned int i = 0; i < ASKERS; i++)
		pthread_create(&thread[nr++], NULL, asker, a);
	for (unsigned int i = 0; i < ANSWERERS; i++)
		pthread_create(&thread[nr++], NULL, answerer, a);
	pthread_create(&thread[nr++], NULL, mover, a);
	pthread_create(&thread[nr++], NULL, expirer, a);
	let_fight(stress_ms(2000), turns, 5);
	store_release(&a->stop, 1);
	while (nr)
		pthread_join(thread[--nr], NULL);
	print_message("# %lu asked, %lu answered, %lu too late, %lu withdrawn "
		      "(%lu old), %lu moves\n",
		      (long)a->asked, (long)a->answered, (long)a->late,
		      (long)a->withdrawn, (long)a->expired, (long)a->moves);
	assert_int_equal(a->wrong, 0);
	assert_true(all_had_turns(turns, 5));
	tear_down(a);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_answered_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
