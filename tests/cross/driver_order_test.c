/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders: devices with ATCs come to a domain, leave it and change it by PASID,
 * and pages of it are unmapped, in every order of the steps that they consist
 * of.  The question is an old one of reviewers: can a device come or go between
 * the write of a CD and the invalidation of the ATCs so that it is missed?
 *
 * The actors are coroutines that take turns where the driver takes a lock or
 * rings the doorbell of its queue: between the store to a CD and the commands
 * that follow it, and between those for the CD and those for the ATCs.  At each
 * turn every device reads through the PASID, so that its ATC holds all that it
 * may.  What one run chose, and what it might have chosen, is remembered: the
 * next run takes the next choice, until there is none left: all orders, or those
 * in which a turn is taken away from somebody no more than a few times (where
 * more is needed to go wrong, it goes wrong in few orders, and `make stress` tries
 * them all).
 *
 * A call that has returned is believed: a device that was detached reaches
 * nothing, one that was attached reaches the domain, and a page that was
 * unmapped is reached by nobody.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x40000000)
#define PASID 9u
/* Always in use: so an STE that takes PASIDs lets what is in an ATC pass. */
#define OTHER_PASID 10u
#define DEVS 3u
#define SID(i) (5u + (i))
#define STACK (256u * 1024)
#define MAX_TURNS 4096u
#define NOTHING UINT64_C(0)

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

static struct {
	ucontext_t main;
	struct actor actor[DEVS + 1];
	unsigned int nr, now;
	bool inside;	 /* an actor runs */
	bool lock_turns; /* at locks too */
	void (*look)(void);

	/* What was chosen at each turn, of how many. */
	uint8_t choice[MAX_TURNS], of[MAX_TURNS];
	unsigned int nr_choices, depth;
	unsigned int taken, max_taken; /* turns taken away */
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
	unsigned int ready[DEVS + 1], nr = 0, i, c;
	bool keep;

	if (may_run(&sched.actor[sched.now]))
		ready[nr++] = sched.now;
	keep = nr && sched.actor[sched.now].began;
	for (i = 0; i < sched.nr; i++)
		if (i != sched.now && may_run(&sched.actor[i]))
			ready[nr++] = i;
	if (!nr)
		return -1;
	if (keep && sched.taken == sched.max_taken)
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

/* One run of all actors. */
static void play(void)
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
		sched.look();
	}
}

/* The next run's choices; false: there are no more. */
static bool advance(void)
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
	if (sched.lock_turns)
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

/* ----------------------------------------------------------------- scene -- */

#define CMDQ_PROD 0x98 /* IHI 0070, 6.3.26 */

enum op {
	REST,
	ATTACH,
	DETACH,
	REPLACE,
	UNMAP
};

static struct {
	struct rig *rig;
	struct uiommu_platform platform;
	bool shared; /* one device with three StreamIDs: one CD table */
	struct uiommu_hwdev *dev[DEVS];
	struct uiommu_hwdom *parent, *a, *b;
	enum op op[DEVS + 1];
	bool done[DEVS + 1];
	unsigned int wrong;
} sc;

static void put(unsigned int page, uint64_t val)
{
	memcpy(sc.rig->ram + page * RIG_PAGE, &val, sizeof(val));
}

/* What device i reads at `iova` by the PASID. */
static uint64_t peek(unsigned int i, uint64_t iova)
{
	uint64_t word = NOTHING;
	struct uiommu_smmuv3_dma req = {
		.txn = { .iova = iova, .ssid = PASID, .flags = UIOMMU_TXN_SSV },
		.buf = &word,
		.len = 8,
	};

	if (uiommu_smmuv3_endpoint_dma(rig_endpoint(sc.rig, SID(i)), &req))
		return NOTHING;
	return word;
}

/* Whose operation decides what endpoint i has. */
static unsigned int owner(unsigned int i)
{
	return sc.shared ? 0 : i;
}

static bool unmapped(void)
{
	return sc.op[DEVS] == UNMAP && sc.done[DEVS];
}

/* Everything that has returned is so. */
static void check(void)
{
	for (unsigned int i = 0; i < DEVS; i++) {
		uint64_t at = peek(i, IOVA), gone = peek(i, IOVA + RIG_PAGE);
		enum op op = sc.op[owner(i)];

		if (gone && unmapped())
			sc.wrong++;
		if (!sc.done[owner(i)] && op != REST)
			continue;
		if (op == DETACH || op == REST)
			sc.wrong += at || gone;
		else
			sc.wrong += at != (op == ATTACH ? 0xa0u : 0xb0u);
	}
}

static void change(unsigned int i)
{
	struct uiommu_hwdev *dev = i < DEVS ? sc.dev[i] : NULL;

	switch (sc.op[i]) {
	case ATTACH:
		rig_set_pasid(sc.a, dev, PASID, NULL);
		break;
	case DETACH:
		rig_set_pasid(NULL, dev, PASID, sc.a);
		break;
	case REPLACE:
		rig_set_pasid(sc.b, dev, PASID, sc.a);
		break;
	case UNMAP:
		rig_unmap(sc.a, IOVA + RIG_PAGE, RIG_PAGE);
		break;
	case REST:
		break;
	}
	sc.done[i] = true;
}

/* As it is before the operations. */
static void prepare(void)
{
	memset(sc.done, 0, sizeof(sc.done));
	for (unsigned int i = 0; i < (sc.shared ? 1 : DEVS); i++)
		if (sc.op[i] == DETACH || sc.op[i] == REPLACE)
			rig_set_pasid(sc.a, sc.dev[i], PASID, NULL);
}

/* And nobody has anything. */
static void clean_up(void)
{
	for (unsigned int i = 0; i < (sc.shared ? 1 : DEVS); i++) {
		if (sc.op[i] == ATTACH)
			rig_set_pasid(NULL, sc.dev[i], PASID, sc.a);
		if (sc.op[i] == REPLACE)
			rig_set_pasid(NULL, sc.dev[i], PASID, sc.b);
		sc.op[i] = DETACH;
	}
	if (sc.op[DEVS] == UNMAP)
		rig_map(sc.a, IOVA + RIG_PAGE, sc.rig->ram + RIG_PAGE, RIG_PAGE,
			RW);
	sc.op[DEVS] = REST;
}

/* All orders of these operations; how many there were. */
static unsigned int all_orders(const enum op op[DEVS + 1])
{
	unsigned int runs = 0;
	enum op keep[DEVS + 1];

	memcpy(keep, op, sizeof(keep));
	sched.nr = 0;
	for (unsigned int i = 0; i <= DEVS; i++) {
		if (op[i] == REST)
			continue;
		sched.actor[sched.nr].twin =
			i && op[i] == op[i - 1] ? (int)sched.nr - 1 : -1;
		sched.actor[sched.nr].fn = change;
		sched.actor[sched.nr++].index = i;
	}
	sched.nr_choices = 0;
	sched.look = check;
	do {
		memcpy(sc.op, keep, sizeof(keep));
		prepare();
		check();
		play();
		check();
		/* Whoever is attached is on the list for what comes later. */
		if (sc.op[DEVS] != UNMAP) {
			sc.op[DEVS] = UNMAP;
			change(DEVS);
			check();
		}
		clean_up();
		check();
		runs++;
		if (sc.wrong)
			break;
	} while (advance());
	rig_irqs(sc.rig);
	return runs;
}

static void open_scene(bool shared)
{
	static const uint32_t sids[DEVS] = { SID(0), SID(1), SID(2) };
	struct uiommu_hwdev_cfg dev = {
		.name = "sharer",
		.ids = sids,
		.nr_ids = DEVS,
		.pasid_bits = 8,
	};
	struct rig_cfg cfg;

	memset(&sc, 0, sizeof(sc));
	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	cfg.no_probe = true;
	sc.rig = rig_create(&cfg);
	sc.shared = shared;
	inner = sc.rig->platform;
	doorbell = sc.rig->mmio + CMDQ_PROD;
	sc.platform = *inner;
	sc.platform.lock_init = coop_init;
	sc.platform.lock_fini = coop_fini;
	sc.platform.lock = coop_lock;
	sc.platform.unlock = coop_unlock;
	sc.platform.mmio_write32 = coop_write32;
	sc.platform.relax = coop_relax;
	sc.rig->platform = &sc.platform;
	assert_int_equal(rig_probe(sc.rig, &cfg), 0);
	sc.parent = rig_domain(sc.rig, UIOMMU_DOM_PAGING);
	sc.a = rig_domain(sc.rig, UIOMMU_DOM_PAGING);
	sc.b = rig_domain(sc.rig, UIOMMU_DOM_PAGING);
	put(0, 0xa0);
	put(1, 0xa1);
	put(2, 0xb0);
	rig_map(sc.a, IOVA, sc.rig->ram, 2 * RIG_PAGE, RW);
	rig_map(sc.b, IOVA, sc.rig->ram + 2 * RIG_PAGE, RIG_PAGE, RW);
	for (unsigned int i = 0; i < DEVS; i++) {
		if (!shared) {
			sc.dev[i] = rig_ats_device(sc.rig, SID(i), 8);
			rig_attach(sc.parent, sc.dev[i]);
			rig_set_pasid(sc.parent, sc.dev[i], OTHER_PASID, NULL);
			continue;
		}
		rig_stranger(sc.rig, SID(i));
	}
	if (shared) {
		dev.ats = true;
		dev.cookie = (void *)(uintptr_t)(0x1000 + SID(0));
		assert_int_equal(sc.rig->unit->ops->dev_add(sc.rig->unit, &dev,
							    &sc.dev[0]),
				 0);
		rig_attach(sc.parent, sc.dev[0]);
		rig_set_pasid(sc.parent, sc.dev[0], OTHER_PASID, NULL);
		/* Its function 0 is told by the driver, the others by us. */
		for (unsigned int i = 1; i < DEVS; i++)
			uiommu_smmuv3_endpoint_set_ats(
				rig_endpoint(sc.rig, SID(i)), true);
	}
	for (unsigned int i = 0; i <= DEVS; i++)
		sched.actor[i].stack = malloc(STACK);
	sched.lock_turns = false;
	sched.max_taken = MAX_TURNS;
}

static void close_scene(void)
{
	for (unsigned int i = 1; sc.shared && i < DEVS; i++)
		uiommu_smmuv3_endpoint_set_ats(rig_endpoint(sc.rig, SID(i)),
					       false);
	for (unsigned int i = 0; i < (sc.shared ? 1 : DEVS); i++) {
		rig_set_pasid(NULL, sc.dev[i], OTHER_PASID, sc.parent);
		sc.rig->unit->ops->dev_remove(sc.dev[i]);
	}
	sc.rig->unit->ops->dom_free(sc.parent);
	sc.rig->unit->ops->dom_free(sc.a);
	sc.rig->unit->ops->dom_free(sc.b);
	rig_destroy(sc.rig);
	for (unsigned int i = 0; i <= DEVS; i++)
		free(sched.actor[i].stack);
}

/* ----------------------------------------------------------------- tests -- */

/* Devices that come, go and stay away, in each combination that differs. */
static const enum op all_ops[][DEVS + 1] = {
	{ ATTACH, ATTACH, ATTACH, REST }, { ATTACH, ATTACH, DETACH, REST },
	{ ATTACH, DETACH, DETACH, REST }, { DETACH, DETACH, DETACH, REST },
	{ ATTACH, DETACH, REST, UNMAP },  { DETACH, DETACH, REST, UNMAP },
	{ ATTACH, ATTACH, REST, UNMAP },  { ATTACH, REPLACE, DETACH, REST },
	{ DETACH, REPLACE, REST, UNMAP },
};

static void run_all(unsigned int least)
{
	size_t nr = sizeof(all_ops) / sizeof(all_ops[0]);
	unsigned int runs, total = 0;

	for (size_t i = 0; i < nr; i++) {
		runs = all_orders(all_ops[i]);
		assert_int_equal(sc.wrong, 0);
		total += runs;
	}
	print_message("# %u orders\n", total);
	assert_true(total >= least);
}

/* Sanitizers are slow, and look for other things. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TAKEN 1
#define TAKEN_AT_LOCKS 0
#else
#define TAKEN 3
#define TAKEN_AT_LOCKS 2
#endif

/* So many turns taken away in one run, by UIOMMU_ALL_ORDERS any number of them. */
static void every_order_of_the_steps(void **state)
{
	open_scene(false);
	if (!getenv("UIOMMU_ALL_ORDERS"))
		sched.max_taken = TAKEN;
	run_all(100);
	close_scene();
}

/* At locks too, as long as few turns are taken away. */
static void turns_at_every_lock(void **state)
{
	open_scene(false);
	sched.lock_turns = true;
	sched.max_taken = TAKEN_AT_LOCKS;
	run_all(20);
	close_scene();
}

/* One table for three devices, as that of a guest: each of them hears of all. */
static void a_table_that_is_shared(void **state)
{
	static const enum op ops[][DEVS + 1] = {
		{ ATTACH, REST, REST, REST },  { DETACH, REST, REST, REST },
		{ REPLACE, REST, REST, REST }, { ATTACH, REST, REST, UNMAP },
		{ DETACH, REST, REST, UNMAP }, { REPLACE, REST, REST, UNMAP },
	};
	unsigned int total = 0;

	open_scene(true);
	sched.lock_turns = true;
	sched.max_taken = TAKEN;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		total += all_orders(ops[i]);
		assert_int_equal(sc.wrong, 0);
	}
	print_message("# %u orders\n", total);
	close_scene();
}

/* A device that keeps what it was told to forget is found, in every table. */
static void a_missed_device_would_be_seen(void **state)
{
	static const enum op ops[] = { ATTACH, DETACH, REST, REST };

	for (int shared = 0; shared < 2; shared++) {
		const enum op one[] = { DETACH, REST, REST, REST };

		open_scene(shared);
		sc.rig->deaf = SID(1);
		all_orders(shared ? one : ops);
		assert_true(sc.wrong);
		sc.rig->deaf = 0;
		for (unsigned int i = 0; i < DEVS; i++)
			uiommu_smmuv3_endpoint_set_ats(
				rig_endpoint(sc.rig, SID(i)), true);
		close_scene();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_of_the_steps),
		cmocka_unit_test(turns_at_every_lock),
		cmocka_unit_test(a_table_that_is_shared),
		cmocka_unit_test(a_missed_device_would_be_seen),
	};

	return cmocka_run_group_tests_name("driver-order", tests, NULL, NULL);
}
