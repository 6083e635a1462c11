/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders of a table that is shared: devices with ATCs come to the CD table of a
 * guest and leave it while the guest takes a CD out of it, or its host a page from
 * under it, in every order of the steps that these calls consist of.  It is the
 * question of driver_order_test.c where the write of one CD concerns devices that
 * come and go: each of them has to be told, those that came last as well.
 *
 * What has returned is believed: a device that has left reaches nothing by the
 * PASID, one that has come reaches the guest's page, and what was cleared or
 * unmapped is reached by nobody.
 */
#include "nested_guest.h"
#include "orders.h"

#define DEVS 3u
#define SID(i) (5u + (i))
#define CMDQ_PROD 0x98		 /* IHI 0070, 6.3.26 */
#define DATA_AT(at) (10u + (at)) /* what guest_open has mapped for the PASID */

enum op {
	REST,
	ATTACH,
	DETACH,
	UNMAP, /* the host: the second page */
	CLEAR  /* the guest: its CD of the PASID */
};

static struct {
	struct rig *rig;
	struct uiommu_platform platform;
	struct guest g; /* its device is the first */
	struct uiommu_hwdev *dev[DEVS];
	struct uiommu_hwvdev *vdev[DEVS];
	enum op op[DEVS + 1];
	bool done[DEVS + 1];
	unsigned int wrong;
} sc;

/* What device i reads by the PASID, by its ATC. */
static uint64_t look_at(unsigned int i, unsigned int at)
{
	uint64_t val = 0;
	struct uiommu_smmuv3_dma req = {
		.txn = { .iova = IOVA + at * RIG_PAGE,
			 .ssid = PASID,
			 .flags = UIOMMU_TXN_SSV },
		.buf = &val,
		.len = 8,
	};

	if (uiommu_smmuv3_endpoint_dma(rig_endpoint(sc.rig, SID(i)), &req))
		return 0;
	return val;
}

/* Everything that has returned is so. */
static void check(void)
{
	bool cleared = sc.op[DEVS] == CLEAR && sc.done[DEVS];
	bool unmapped = sc.op[DEVS] == UNMAP && sc.done[DEVS];

	for (unsigned int i = 0; i < DEVS; i++) {
		uint64_t at = look_at(i, 0), gone = look_at(i, 1);

		sc.wrong += gone && (unmapped || cleared);
		sc.wrong += at && cleared;
		if (sc.op[i] == REST || (sc.op[i] == DETACH && sc.done[i]))
			sc.wrong += at || gone;
		if (sc.op[i] == ATTACH && sc.done[i] && sc.op[DEVS] != CLEAR)
			sc.wrong += at != word(&sc.g, DATA_AT(0));
	}
}

/* CFGI_CD, TLBI_NH_ALL, ATC_INV of the PASID and all addresses, each to all. */
static void clear_cd(void)
{
	page(&sc.g, CDS)[PASID * 8] = 0;
	for (uint64_t i = 0; i < DEVS; i++)
		command(&sc.g, (VSID + i) << 32 | PASID << 12 | 0x5, 1);
	command(&sc.g, 0x30, 0);
	for (uint64_t i = 0; i < DEVS; i++)
		command(&sc.g, (VSID + i) << 32 | PASID << 12 | 0x840, 52);
}

static void change(unsigned int i)
{
	switch (sc.op[i]) {
	case ATTACH:
		rig_attach(sc.g.nested, sc.dev[i]);
		break;
	case DETACH:
		rig_attach(sc.g.parent, sc.dev[i]);
		break;
	case UNMAP:
		rig_unmap(sc.g.parent, ipa(DATA + DATA_AT(1)), RIG_PAGE);
		break;
	case CLEAR:
		clear_cd();
		break;
	case REST:
		break;
	}
	sc.done[i] = true;
}

static void prepare(const enum op *op)
{
	memcpy(sc.op, op, sizeof(sc.op));
	memset(sc.done, 0, sizeof(sc.done));
	for (unsigned int i = 0; i < DEVS; i++)
		if (op[i] == DETACH)
			rig_attach(sc.g.nested, sc.dev[i]);
}

/* Nobody has anything, and all is there again. */
static void clean_up(void)
{
	for (unsigned int i = 0; i < DEVS; i++) {
		if (sc.op[i] == ATTACH)
			rig_attach(sc.g.parent, sc.dev[i]);
		sc.op[i] = REST;
	}
	check();
	if (sc.op[DEVS] == UNMAP)
		rig_map(sc.g.parent, ipa(DATA + DATA_AT(1)),
			page(&sc.g, DATA + DATA_AT(1)), RIG_PAGE, RW);
	write_cd(&sc.g, PASID, 2);
}

static unsigned int all_orders(const enum op op[DEVS + 1])
{
	unsigned int runs = 0;

	orders_begin();
	for (unsigned int i = 0; i <= DEVS; i++)
		if (op[i] != REST)
			orders_add(change, i, i && op[i] == op[i - 1]);
	do {
		prepare(op);
		check();
		orders_play();
		check();
		/* Whoever is attached is on the list for what comes later. */
		if (sc.op[DEVS] == REST) {
			sc.op[DEVS] = UNMAP;
			change(DEVS);
			check();
		}
		clean_up();
		runs++;
	} while (!sc.wrong && orders_advance());
	rig_irqs(sc.rig);
	return runs;
}

/* Sanitizers are slow, and look for other things. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TAKEN 1
#else
#define TAKEN 2
#endif

static void open_scene(void)
{
	struct rig_cfg cfg;

	memset(&sc, 0, sizeof(sc));
	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	cfg.no_probe = true;
	sc.rig = rig_create(&cfg);
	orders_open(sc.rig->platform, sc.rig->mmio + CMDQ_PROD, &sc.platform);
	sc.rig->platform = &sc.platform;
	assert_int_equal(rig_probe(sc.rig, &cfg), 0);
	guest_open(&sc.g, sc.rig, 0);
	sc.dev[0] = sc.g.dev;
	rig_attach(sc.g.parent, sc.dev[0]);
	for (unsigned int i = 1; i < DEVS; i++) {
		sc.dev[i] = rig_ats_device(sc.rig, SID(i), 8);
		rig_attach(sc.g.parent, sc.dev[i]);
		assert_int_equal(
			nops_of(sc.rig)->vdev_alloc(sc.g.viommu, sc.dev[i],
						    VSID + i, &sc.vdev[i]),
			0);
	}
	orders.look = check;
	orders.waits_turn = true;
	orders.max_taken = TAKEN;
}

static void close_scene(void)
{
	for (unsigned int i = 1; i < DEVS; i++) {
		nops_of(sc.rig)->vdev_free(sc.vdev[i]);
		sc.rig->unit->ops->dev_remove(sc.dev[i]);
	}
	guest_close(&sc.g);
	rig_destroy(sc.rig);
	orders_close();
}

static void devices_that_come_and_go(void **state)
{
	static const enum op ops[][DEVS + 1] = {
		{ ATTACH, ATTACH, ATTACH, CLEAR },
		{ ATTACH, DETACH, REST, CLEAR },
		{ DETACH, DETACH, DETACH, CLEAR },
		{ ATTACH, DETACH, REST, UNMAP },
		{ ATTACH, ATTACH, ATTACH, UNMAP },
		{ DETACH, DETACH, DETACH, UNMAP },
		{ ATTACH, ATTACH, DETACH, REST },
	};
	unsigned int total = 0;

	open_scene();
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		total += all_orders(ops[i]);
		assert_int_equal(sc.wrong, 0);
	}
	print_message("# %u orders\n", total);
	assert_true(total >= 100);
	close_scene();
}

/* A device that keeps what it was told to forget is found. */
static void a_missed_device_would_be_seen(void **state)
{
	static const enum op ops[][DEVS + 1] = {
		{ REST, DETACH, REST, CLEAR },
		{ REST, ATTACH, REST, UNMAP },
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		open_scene();
		sc.rig->deaf = SID(1);
		all_orders(ops[i]);
		assert_true(sc.wrong);
		sc.rig->deaf = 0;
		uiommu_smmuv3_endpoint_set_ats(rig_endpoint(sc.rig, SID(1)),
					       true);
		close_scene();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_that_come_and_go),
		cmocka_unit_test(a_missed_device_would_be_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
