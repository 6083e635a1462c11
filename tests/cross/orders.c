/* SPDX-License-Identifier: BSD-2-Clause */
/* See orders.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#include <cmocka.h>

#include "orders.h"

#define STACK (256u * 1024)
#define MAX_TURNS ORDERS_ALL

/* ------------------------------------------------------------ coroutines -- */

enum run_state {
	READY,
	WAITS,
	DONE
};

struct actor {
	ucontext_t context;
	char *stack;
	void (*fn)(unsigned int i);
	unsigned int index;
	int twin; /* an actor before it that does the same; -1: none */
	bool began;
	enum run_state state;
};

struct orders orders;

static struct {
	ucontext_t main;
	struct actor actor[ORDERS_ACTORS];
	unsigned int nr, now;
	bool inside; /* an actor runs */

	/* What was chosen at each turn, of how many. */
	uint8_t choice[MAX_TURNS], of[MAX_TURNS];
	unsigned int nr_choices, depth, taken;
} sched;

/* The actor that runs lets others; it goes on at once or later. */
static void pause_as(enum run_state state)
{
	struct actor *a = &sched.actor[sched.now];

	if (!sched.inside)
		return;
	a->state = state;
	sched.inside = false;
	swapcontext(&a->context, &sched.main);
	sched.inside = true;
}

static void start(void)
{
	struct actor *a = &sched.actor[sched.now];

	a->began = true;
	sched.inside = true;
	a->fn(a->index);
	sched.inside = false;
	a->state = DONE;
}

/* The turn's next alternative: the first time 0, on repeats what is set. */
static unsigned int choose(unsigned int nr)
{
	unsigned int i = sched.depth++;

	assert_true(i < MAX_TURNS);
	if (i == sched.nr_choices) {
		sched.choice[i] = 0;
		sched.nr_choices++;
	}
	sched.of[i] = (uint8_t)nr;
	return sched.choice[i];
}

/* Of those that do the same, the first begins first: no order is lost. */
static bool may_run(const struct actor *a)
{
	return a->state == READY &&
	       (a->began || a->twin < 0 || sched.actor[a->twin].began);
}

/* One that is ready; the one that had the turn comes first. */
static int pick(void)
{
	unsigned int ready[ORDERS_ACTORS], nr = 0, i, c;
	bool keep;

	if (may_run(&sched.actor[sched.now]))
		ready[nr++] = sched.now;
	keep = nr && sched.actor[sched.now].began;
	for (i = 0; i < sched.nr; i++)
		if (i != sched.now && may_run(&sched.actor[i]))
			ready[nr++] = i;
	if (!nr)
		return -1;
	if (keep && sched.taken == orders.max_taken)
		nr = 1;
	if (orders.waits_turn && sched.actor[sched.now].state == WAITS)
		nr = 1;
	c = nr > 1 ? choose(nr) : 0;
	sched.taken += keep && c;
	return (int)ready[c];
}

static bool all_done(void)
{
	for (unsigned int i = 0; i < sched.nr; i++)
		if (sched.actor[i].state != DONE)
			return false;
	return true;
}

static void begin_all(void)
{
	sched.depth = sched.taken = sched.now = 0;
	for (unsigned int i = 0; i < sched.nr; i++) {
		struct actor *a = &sched.actor[i];

		getcontext(&a->context);
		a->context.uc_stack.ss_sp = a->stack;
		a->context.uc_stack.ss_size = STACK;
		a->context.uc_link = &sched.main;
		a->state = READY;
		a->began = false;
		makecontext(&a->context, start, 0);
	}
}

void orders_play(void)
{
	unsigned int stuck = 0;
	int next;

	begin_all();
	while (!all_done()) {
		next = pick();
		if (next < 0) {
			/* Whoever waits looks again. */
			assert_true(stuck++ < 100);
			for (unsigned int i = 0; i < sched.nr; i++)
				if (sched.actor[i].state == WAITS)
					sched.actor[i].state = READY;
			continue;
		}
		sched.now = (unsigned int)next;
		swapcontext(&sched.main, &sched.actor[next].context);
		if (sched.actor[next].state == WAITS)
			continue;
		stuck = 0;
		for (unsigned int i = 0; i < sched.nr; i++)
			if (sched.actor[i].state == WAITS)
				sched.actor[i].state = READY;
		orders.look();
	}
}

bool orders_advance(void)
{
	unsigned int i = sched.depth;

	while (i--) {
		if (sched.choice[i] + 1u < sched.of[i]) {
			sched.choice[i]++;
			sched.nr_choices = i + 1;
			return true;
		}
	}
	sched.nr_choices = 0;
	return false;
}

/* -------------------------------------------------------------- platform -- */

static const struct uiommu_platform *inner;
static uint64_t doorbell;

static int coop_init(void *ctx, struct uiommu_lock *lock)
{
	lock->opaque[0] = 0;
	return 0;
}

static void coop_fini(void *ctx, struct uiommu_lock *lock)
{
}

static void coop_lock(void *ctx, struct uiommu_lock *lock)
{
	if (orders.lock_turns)
		pause_as(READY);
	while (lock->opaque[0]) {
		assert_true(sched.inside);
		pause_as(WAITS);
	}
	lock->opaque[0] = 1;
}

static void coop_unlock(void *ctx, struct uiommu_lock *lock)
{
	lock->opaque[0] = 0;
}

static void coop_write32(void *ctx, uiommu_pa_t pa, uint32_t val)
{
	if (pa == doorbell)
		pause_as(READY);
	inner->mmio_write32(ctx, pa, val);
}

static void coop_relax(void *ctx)
{
	if (sched.inside)
		pause_as(WAITS);
	else
		inner->relax(ctx);
}

/* ------------------------------------------------------ coming and going -- */

void orders_open(const struct uiommu_platform *under, uiommu_pa_t bell,
		 struct uiommu_platform *out)
{
	inner = under;
	doorbell = bell;
	*out = *under;
	out->lock_init = coop_init;
	out->lock_fini = coop_fini;
	out->lock = coop_lock;
	out->unlock = coop_unlock;
	out->mmio_write32 = coop_write32;
	out->relax = coop_relax;
	for (unsigned int i = 0; i < ORDERS_ACTORS; i++)
		sched.actor[i].stack = malloc(STACK);
	orders = (struct orders){ .max_taken = ORDERS_ALL };
}

void orders_close(void)
{
	for (unsigned int i = 0; i < ORDERS_ACTORS; i++)
		free(sched.actor[i].stack);
}

void orders_begin(void)
{
	sched.nr = sched.nr_choices = 0;
}

void orders_add(void (*fn)(unsigned int i), unsigned int index, bool twin)
{
	struct actor *a = &sched.actor[sched.nr];

	a->fn = fn;
	a->index = index;
	a->twin = twin ? (int)sched.nr - 1 : -1;
	sched.nr++;
}
