/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders: devices with ATCs come to a domain, leave it and change it by PASID,
 * and pages of it are unmapped, in every order of the steps that they consist
 * of.  The question is an old one of reviewers: can a device come or go between
 * the write of a CD and the invalidation of the ATCs so that it is missed?
 *
 * At each turn (orders.h) every device reads through the PASID, so that its ATC
 * holds all that it may.  `make stress` tries all orders, `make test` those in which
 * few turns are taken away.
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

#include <cmocka.h>

#include "driver_rig.h"
#include "orders.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x40000000)
#define PASID 9u
/* Always in use: so an STE that takes PASIDs lets what is in an ATC pass. */
#define OTHER_PASID 10u
#define DEVS 3u
#define SID(i) (5u + (i))
#define NOTHING UINT64_C(0)

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
	orders_begin();
	for (unsigned int i = 0; i <= DEVS; i++)
		if (op[i] != REST)
			orders_add(change, i, i && op[i] == op[i - 1]);
	orders.look = check;
	do {
		memcpy(sc.op, keep, sizeof(keep));
		prepare();
		check();
		orders_play();
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
	} while (orders_advance());
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
	orders_open(sc.rig->platform, sc.rig->mmio + CMDQ_PROD, &sc.platform);
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
	orders_close();
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
		orders.max_taken = TAKEN;
	run_all(100);
	close_scene();
}

/* At locks too, as long as few turns are taken away. */
static void turns_at_every_lock(void **state)
{
	open_scene(false);
	orders.lock_turns = true;
	orders.max_taken = TAKEN_AT_LOCKS;
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
	orders.lock_turns = true;
	orders.max_taken = TAKEN;
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
