/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two guests behind one SMMU, and the host's own domains: the same StreamIDs, ASIDs,
 * PASIDs, IOVAs and memory at the same addresses.  Whatever one of them sends or
 * does, the caches of all others still hit, by the model's own count, what they reach
 * is theirs, and the command queue, which all share, stops at nothing.
 */
#include <stdlib.h>

#include "nested_guest.h"

/*
 * Of the host: a device with an ATC, whose StreamID is what guests call their own, and
 * one in a domain of stage 2.
 */
#define HOST_SID VSID
#define STAGE2_SID 10u
#define HOST_PAGES 1024u /* from there on its pages of the RAM */
#define REAL_SIDS 64u	 /* more than there are */

struct world {
	struct rig *rig;
	struct guest a, b;
	struct uiommu_hwdev *host, *other;
	struct uiommu_hwdom *own, *pasid, *stage2;
	uint8_t *was; /* the memory of b */
};

/* An access of somebody's who is not to notice anything. */
struct look {
	uint32_t sid, pasid;
	uint64_t iova, word;
	bool by_atc;
};

#define MAX_LOOKS 24u

/* What the caches have not had. */
struct misses {
	uint64_t tlb, config, atc;
};

/* ----------------------------------------------------------------- looks -- */

static uint64_t take(struct world *w, const struct look *look)
{
	bool with = look->pasid != UIOMMU_NO_PASID;
	uint64_t val = 0;
	struct uiommu_smmuv3_dma req = {
		.txn = { .iova = look->iova,
			 .ssid = with ? look->pasid : 0,
			 .flags = with ? UIOMMU_TXN_SSV : 0 },
		.buf = &val,
		.len = 8,
	};

	if (!look->by_atc)
		return rig_peek(w->rig, look->sid, look->pasid, look->iova);
	return uiommu_smmuv3_endpoint_dma(rig_endpoint(w->rig, look->sid), &req)
		       ? RIG_STOPPED
		       : val;
}

static void add_pair(struct look *looks, unsigned int *nr, struct look look)
{
	looks[(*nr)++] = look;
	look.by_atc = true;
	looks[(*nr)++] = look;
}

static unsigned int looks_of_guest(struct guest *g, struct look *looks)
{
	unsigned int nr = 0;

	for (unsigned int at = 0; at < 2; at++) {
		add_pair(looks, &nr,
			 (struct look){ g->sid, UIOMMU_NO_PASID,
					IOVA + at * RIG_PAGE, word(g, at),
					false });
		add_pair(looks, &nr,
			 (struct look){ g->sid, PASID, IOVA + at * RIG_PAGE,
					word(g, 10 + at), false });
	}
	return nr;
}

static unsigned int looks_of_host(struct look *looks)
{
	unsigned int nr = 0;

	add_pair(looks, &nr,
		 (struct look){ HOST_SID, UIOMMU_NO_PASID, IOVA, HOST_PAGES,
				false });
	add_pair(looks, &nr,
		 (struct look){ HOST_SID, PASID, IOVA, HOST_PAGES + 1, false });
	looks[nr++] = (struct look){ STAGE2_SID, UIOMMU_NO_PASID, RAM,
				     HOST_PAGES + 2, false };
	return nr;
}

/* All whom a guest must not reach. */
static unsigned int looks_of_others(struct world *w, struct look *looks)
{
	unsigned int nr = looks_of_guest(&w->b, looks);

	return nr + looks_of_host(looks + nr);
}

static struct misses count(struct world *w, const struct look *looks,
			   unsigned int nr)
{
	struct uiommu_smmuv3_stats stats = rig_stats(w->rig);
	struct misses m = { stats.tlb_misses, stats.config_misses, 0 };
	struct uiommu_smmuv3_endpoint_stats ep;

	for (unsigned int i = 0; i < nr; i++) {
		if (!looks[i].by_atc)
			continue;
		uiommu_smmuv3_endpoint_stats(rig_endpoint(w->rig, looks[i].sid),
					     &ep);
		m.atc += ep.atc_misses;
	}
	return m;
}

/* All of them find what is theirs; and what they missed meanwhile. */
static struct misses take_all(struct world *w, const struct look *looks,
			      unsigned int nr)
{
	struct misses from = count(w, looks, nr), to;

	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(take(w, &looks[i]), looks[i].word);
	to = count(w, looks, nr);
	return (struct misses){ to.tlb - from.tlb, to.config - from.config,
				to.atc - from.atc };
}

static void nobody_noticed(struct world *w, const struct look *looks,
			   unsigned int nr)
{
	struct misses m = take_all(w, looks, nr);

	assert_int_equal(m.tlb, 0);
	assert_int_equal(m.config, 0);
	assert_int_equal(m.atc, 0);
}

/* ----------------------------------------------------------------- world -- */

static struct world *world_open(void)
{
	const uint32_t ram = (HOST_PAGES + 3) * RIG_PAGE;
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->rig = open_rig();
	assert_true(w->rig->ram_size >= ram);
	guest_open(&w->a, w->rig, 0);
	guest_open(&w->b, w->rig, 1);
	w->host = rig_ats_device(w->rig, HOST_SID, 8);
	w->own = rig_domain_at(w->rig, IOVA, HOST_PAGES);
	w->pasid = rig_domain_at(w->rig, IOVA, HOST_PAGES + 1);
	rig_attach(w->own, w->host);
	rig_set_pasid(w->pasid, w->host, PASID, NULL);
	w->other = rig_device(w->rig, STAGE2_SID);
	w->stage2 = rig_stage2(w->rig);
	*rig_word(w->rig, HOST_PAGES + 2) = HOST_PAGES + 2;
	rig_map(w->stage2, RAM, rig_word(w->rig, HOST_PAGES + 2), RIG_PAGE, RW);
	rig_attach(w->stage2, w->other);
	w->was = malloc(GUEST_PAGES * RIG_PAGE);
	assert_non_null(w->was);
	memcpy(w->was, page(&w->b, 0), GUEST_PAGES * RIG_PAGE);
	return w;
}

static void world_close(struct world *w)
{
	const struct uiommu_driver_ops *ops = w->rig->unit->ops;

	assert_memory_equal(page(&w->b, 0), w->was, GUEST_PAGES * RIG_PAGE);
	nothing_reported(w->rig);
	assert_int_equal(rig_counter(w->rig, "cmdq/errors"), 0);
	guest_close(&w->a);
	guest_close(&w->b);
	rig_set_pasid(NULL, w->host, PASID, w->pasid);
	ops->dev_remove(w->host);
	ops->dev_remove(w->other);
	ops->dom_free(w->own);
	ops->dom_free(w->pasid);
	ops->dom_free(w->stage2);
	rig_destroy(w->rig);
	free(w->was);
	free(w);
}

/* -------------------------------------------------------------- commands -- */

struct cmd {
	uint64_t q0, q1;
};

/* How many were carried out; *rc: what the driver said. */
static uint32_t send(struct guest *g, const struct cmd *cmds, uint32_t nr,
		     int *rc)
{
	struct uiommu_user_array array = {
		.type = UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3,
		.entry_len = sizeof(*cmds),
		.entry_num = nr,
		.at = (uintptr_t)cmds,
	};

	*rc = nops_of(g->rig)->viommu_invalidate(g->viommu, &array);
	return array.entry_num;
}

/* Those of TLBs that name a VMID, in all forms that reach most. */
static const struct cmd tlb_cmds[] = {
	{ 0x10, 0 },
	{ 0x11 | 1ull << 48, 0 },
	{ 0x11 | 2ull << 48, 0 },
	{ 0x12 | 1ull << 48, IOVA },
	{ 0x12 | 2ull << 48, IOVA | 1 },
	/* 32 times 2^11 pages, of 4K */
	{ 0x12 | 1ull << 48 | 31 << 12 | 11 << 20, (IOVA & ~0xfffull) | 0x400 },
	{ 0x13, IOVA },
	{ 0x13 | 31 << 12 | 11 << 20, IOVA | 0x400 },
};

#define NR_TLB_CMDS (sizeof(tlb_cmds) / sizeof(tlb_cmds[0]))

/* Those that name a StreamID. */
static const struct cmd sid_cmds[] = {
	{ 0x05, 1 },	    { 0x05 | PASID << 12, 0 },
	{ 0x06, 0 },	    { 0x40, 52 },
	{ 0x240, 52 },	    { 0xa40, 52 },
	{ 0x40, IOVA | 1 }, { 0x840 | PASID << 12, 52 },
};

#define NR_SID_CMDS (sizeof(sid_cmds) / sizeof(sid_cmds[0]))
#define AT_ONCE 4096u

static void every_vmid(void **state)
{
	struct world *w = world_open();
	struct cmd *cmds = calloc(AT_ONCE, sizeof(*cmds));
	struct look looks[MAX_LOOKS];
	unsigned int nr = looks_of_others(w, looks);
	int rc;

	assert_non_null(cmds);
	take_all(w, looks, nr);
	nobody_noticed(w, looks, nr);
	for (unsigned int i = 0; i < NR_TLB_CMDS; i++)
		for (uint64_t vmid = 0; vmid < 0x10000; vmid += AT_ONCE) {
			for (unsigned int j = 0; j < AT_ONCE; j++) {
				cmds[j] = tlb_cmds[i];
				cmds[j].q0 |= (vmid + j) << 32;
			}
			assert_int_equal(send(&w->a, cmds, AT_ONCE, &rc),
					 AT_ONCE);
			assert_int_equal(rc, 0);
			nobody_noticed(w, looks, nr);
		}
	/* The one that names none. */
	command(&w->a, 0x30, 0);
	nobody_noticed(w, looks, nr);
	free(cmds);
	world_close(w);
}

static void every_stream(void **state)
{
	struct world *w = world_open();
	struct look looks[MAX_LOOKS];
	unsigned int nr = looks_of_others(w, looks);
	int rc;

	take_all(w, looks, nr);
	for (unsigned int i = 0; i < NR_SID_CMDS; i++)
		for (uint64_t sid = 0; sid < 0x10000 + 32; sid++) {
			/* And all that have one bit set. */
			uint64_t vsid = sid < 0x10000 ? sid
						      : 1ull << (sid - 0x10000);
			struct cmd cmd = { sid_cmds[i].q0 | vsid << 32,
					   sid_cmds[i].q1 };
			uint32_t done = send(&w->a, &cmd, 1, &rc);

			assert_int_equal(rc, vsid == VSID ? 0 : -EIO);
			assert_int_equal(done, vsid == VSID);
			if (vsid < REAL_SIDS || sid % 0x1000 == 0xfff)
				nobody_noticed(w, looks, nr);
		}
	nobody_noticed(w, looks, nr);
	world_close(w);
}

/* Each of these reaches the guest that sends it, so that the count can be believed. */
static void its_own_are_missed(void **state)
{
	static const struct {
		struct cmd cmd;
		bool tlb, config, atc;
	} reach[] = {
		{ { 0x10, 0 }, true, false, false },
		{ { 0x30, 0 }, true, false, false },
		{ { 0x11 | 1ull << 48, 0 }, true, false, false },
		{ { 0x12 | 2ull << 48, IOVA }, true, false, false },
		{ { 0x13, IOVA }, true, false, false },
		{ { 0x06 | (uint64_t)VSID << 32, 0 }, false, true, false },
		{ { 0x05 | (uint64_t)VSID << 32, 1 }, false, true, false },
		{ { 0x40 | (uint64_t)VSID << 32, 52 }, false, false, true },
	};
	struct world *w = world_open();
	struct look own[MAX_LOOKS], looks[MAX_LOOKS];
	unsigned int nr = looks_of_others(w, looks);
	unsigned int nr_own = looks_of_guest(&w->a, own);

	take_all(w, looks, nr);
	for (unsigned int i = 0; i < sizeof(reach) / sizeof(reach[0]); i++) {
		struct misses m;

		take_all(w, own, nr_own);
		nobody_noticed(w, own, nr_own);
		command(&w->a, reach[i].cmd.q0, reach[i].cmd.q1);
		m = take_all(w, own, nr_own);
		assert_int_equal(m.tlb > 0, reach[i].tlb);
		assert_int_equal(m.config > 0, reach[i].config);
		assert_int_equal(m.atc > 0, reach[i].atc);
		nobody_noticed(w, looks, nr);
	}
	world_close(w);
}

static uint64_t dice(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Opcodes of guests, and any; fields of theirs, real StreamIDs, and anything. */
static struct cmd random_cmd(uint64_t *seed)
{
	static const uint8_t ops[] = { 0x10, 0x11, 0x12, 0x13, 0x30,
				       0x05, 0x06, 0x40, 0x28, 0x2a };
	uint64_t op = dice(seed) % 16 ? ops[dice(seed) % sizeof(ops)]
				      : dice(seed) % 256;
	struct cmd cmd = { op, 0 };

	switch (op) {
	case 0x10:
	case 0x11:
	case 0x12:
	case 0x13:
		cmd.q0 |= dice(seed) % 4 << 48 | dice(seed) % 0x10000 << 32;
		if (op == 0x10 || op == 0x13)
			cmd.q0 &= ~(0xffffull << 48);
		if (op >= 0x12)
			cmd.q1 = (IOVA + dice(seed) % 4 * RIG_PAGE) |
				 dice(seed) % 2;
		if (op >= 0x12 && dice(seed) % 2) {
			cmd.q0 |= dice(seed) % 32 << 12 | dice(seed) % 20 << 20;
			cmd.q1 |= (dice(seed) % 16) << 8;
		}
		break;
	case 0x05:
	case 0x06:
	case 0x40:
		cmd.q0 |= (dice(seed) % 2 ? VSID : dice(seed) % REAL_SIDS)
			  << 32;
		if (op != 0x06)
			cmd.q0 |= dice(seed) % 4 << 12;
		if (op == 0x40) {
			cmd.q0 |= dice(seed) % 8 << 9 & 0xa00;
			cmd.q1 = dice(seed) % 54 | IOVA;
		} else if (op == 0x05) {
			cmd.q1 = dice(seed) % 2;
		}
		break;
	}
	if (dice(seed) % 8 == 0)
		cmd.q0 |= 1ull << dice(seed) % 64;
	if (dice(seed) % 16 == 0)
		cmd.q1 = dice(seed);
	return cmd;
}

static void any_command(void **state)
{
	struct world *w = world_open();
	struct look looks[MAX_LOOKS];
	unsigned int nr = looks_of_others(w, looks);
	uint64_t seed = 0x9e3779b97f4a7c15, taken = 0, refused = 0;
	struct cmd cmds[96];
	int rc;

	take_all(w, looks, nr);
	for (unsigned int i = 0; i < 4000; i++) {
		uint32_t len = 1 + (uint32_t)(dice(&seed) % 96), done;

		for (uint32_t j = 0; j < len; j++)
			cmds[j] = random_cmd(&seed);
		for (uint32_t from = 0; from < len; from += done + !!rc) {
			done = send(&w->a, cmds + from, len - from, &rc);
			assert_true(rc == -EIO || (!rc && done == len - from));
			taken += done;
			refused += !!rc;
		}
		nobody_noticed(w, looks, nr);
	}
	assert_true(taken > 10000 && refused > 10000);
	world_close(w);
}

/* ----------------------------------------------------- what else it can do -- */

/* Entries of all kinds, good and bad, and memory that goes and comes. */
static void a_guest_that_moves(void **state)
{
	static const uint64_t ste[][2] = {
		{ 0, 0 },
		{ 0x1, 0 },
		{ 0x9, 0 },
		{ 0xf80000000000000b, 0x100000d6 },
		{ 0x300000000000000b, 0xd6 },
	};
	const unsigned int nr_ste = sizeof(ste) / sizeof(ste[0]);
	struct world *w = world_open();
	struct look own[MAX_LOOKS], looks[MAX_LOOKS];
	unsigned int nr = looks_of_others(w, looks);
	unsigned int nr_own = looks_of_guest(&w->a, own);
	struct uiommu_hwdom *dom;

	take_all(w, looks, nr);
	for (unsigned int i = 0; i < 2 * nr_ste; i++) {
		const uint64_t *q = ste[i / 2];

		take_all(w, own, nr_own);
		dom = new_nested(&w->a, q[0], q[1]);
		if (i % 2)
			rig_attach(w->a.parent, w->a.dev);
		rig_attach(dom, w->a.dev);
		nobody_noticed(w, looks, nr);
		rig_attach(w->a.nested, w->a.dev);
		w->rig->unit->ops->dom_free(dom);
		nobody_noticed(w, looks, nr);
	}
	take_all(w, own, nr_own);
	rig_unmap(w->a.parent, ipa(DATA), RIG_PAGE);
	nobody_noticed(w, looks, nr);
	rig_unmap(w->a.parent, ipa(0), DATA * RIG_PAGE);
	nobody_noticed(w, looks, nr);
	rig_map(w->a.parent, ipa(0), page(&w->a, 0), (DATA + 1) * RIG_PAGE, RW);
	take_all(w, own, nr_own);
	world_close(w);
}

static void asks_for_a_page(struct guest *g)
{
	struct rig *rig = g->rig;
	const struct uiommu_pri_request req = {
		.ssid = PASID,
		.ssv = true,
		.addr = IOVA + 7 * RIG_PAGE,
		.read = true,
	};
	struct uiommu_page_response resp = { .pasid = PASID };
	int answer = -1;

	assert_int_equal(uiommu_smmuv3_endpoint_page_request(
				 rig_endpoint(rig, g->sid), &req, 1, &answer),
			 0);
	rig_irqs(rig);
	assert_int_equal(rig->nr_pages, 1);
	assert_int_equal(rig->page[0].id, g->sid);
	assert_int_equal(rig->page[0].pasid, PASID);
	resp.id = g->sid;
	resp.token = rig->page[0].token;
	resp.code = UIOMMU_PAGE_INVALID;
	assert_int_equal(answer, -1);
	assert_int_equal(rig->unit->ops->page_response(g->dev, &resp), 0);
	assert_int_equal(answer, UIOMMU_PRI_INVALID);
	rig->nr_pages = 0;
}

/* The device of one in the hands of the other, by way of nobody's or at once. */
static void give(struct guest *from, struct guest *to, bool at_once)
{
	struct rig *rig = from->rig;
	struct uiommu_hwdom *none = rig_domain(rig, UIOMMU_DOM_BLOCKED);
	struct uiommu_hwvdev *vdev;

	if (!at_once)
		rig_attach(none, from->dev);
	nops_of(rig)->vdev_free(from->vdev);
	assert_int_equal(nops_of(rig)->vdev_alloc(to->viommu, from->dev,
						  VSID + 1, &vdev),
			 0);
	rig_attach(to->nested, from->dev);
	rig_irqs(rig);
	assert_int_equal(rig->nr_pages, 0);
	rig_attach(none, from->dev);
	nops_of(rig)->vdev_free(vdev);
	assert_int_equal(nops_of(rig)->vdev_alloc(from->viommu, from->dev, VSID,
						  &from->vdev),
			 0);
	rig_attach(from->nested, from->dev);
}

/* A request that nobody had read is not told to who has the device by then. */
static void a_device_in_other_hands(void **state)
{
	struct world *w = world_open();
	const struct uiommu_pri_request req = {
		.ssid = PASID,
		.ssv = true,
		.addr = IOVA + 7 * RIG_PAGE,
		.read = true,
	};

	for (unsigned int i = 0; i < 2; i++) {
		int answer = -1;

		assert_int_equal(uiommu_smmuv3_endpoint_page_request(
					 rig_endpoint(w->rig, w->a.sid), &req,
					 1, &answer),
				 0);
		give(&w->a, &w->b, i);
		assert_int_equal(answer, UIOMMU_PRI_INVALID);
		asks_for_a_page(&w->a);
	}
	world_close(w);
}

/* Faults, and requests for pages, are told by whom they are. */
static void a_guest_that_faults(void **state)
{
	struct world *w = world_open();
	struct look looks[MAX_LOOKS];
	unsigned int nr = looks_of_others(w, looks);
	struct guest *from[] = { &w->a, &w->b, &w->a };

	take_all(w, looks, nr);
	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int pasid = 0; pasid <= PASID; pasid += PASID) {
			peek_pasid(from[i], pasid ? pasid : UIOMMU_NO_PASID, 7);
			rig_irqs(w->rig);
			assert_int_equal(w->rig->nr_faults, 0);
			assert_int_equal(w->rig->nr_vevents, 1);
			assert_int_equal(w->rig->vevent_id, from[i]->id);
			assert_int_equal(w->rig->vevent.evt[0] >> 32, VSID);
			w->rig->nr_vevents = 0;
		}
		asks_for_a_page(from[i]);
		nobody_noticed(w, looks, from[i] == &w->a ? nr : 0);
	}
	world_close(w);
}

/* Its device does not do what it is told: that is its own loss. */
static void a_guest_whose_device_is_deaf(void **state)
{
	struct world *w = world_open();
	struct look looks[MAX_LOOKS];
	unsigned int nr = looks_of_others(w, looks);

	take_all(w, looks, nr);
	w->rig->deaf_sid = w->a.sid;
	w->rig->deaf_for = 1;
	w->rig->deaf_to_all = true;
	for (unsigned int i = 0; i < 100; i++) {
		command(&w->a, (uint64_t)VSID << 32 | 0x40, 52);
		command(&w->a, (uint64_t)VSID << 32 | 0xa40, 52);
		nobody_noticed(w, looks, nr);
		/* What the others forget is forgotten, and they keep ATS. */
		map(&w->b, 1, 0, 5 + i % 2);
		command(&w->b, 0x10, 0);
		command(&w->b, (uint64_t)VSID << 32 | 0x40, 52);
		assert_int_equal(take(w, &looks[0]), word(&w->b, 5 + i % 2));
		assert_int_equal(take(w, &looks[1]), word(&w->b, 5 + i % 2));
		map(&w->b, 1, 0, 0);
		rig_unmap(w->b.parent, ipa(DATA + 5), RIG_PAGE);
		rig_map(w->b.parent, ipa(DATA + 5), page(&w->b, DATA + 5),
			RIG_PAGE, RW);
		take_all(w, looks, nr);
	}
	assert_true(w->b.dev->ats);
	assert_true(w->host->ats);
	/* The host does not put up with it. */
	rig_unmap(w->a.parent, ipa(DATA), RIG_PAGE);
	assert_false(w->a.dev->ats);
	rig_irqs(w->rig);
	nobody_noticed(w, looks, nr);
	w->rig->deaf_for = 0;
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_vmid),
		cmocka_unit_test(every_stream),
		cmocka_unit_test(its_own_are_missed),
		cmocka_unit_test(any_command),
		cmocka_unit_test(a_guest_that_moves),
		cmocka_unit_test(a_device_in_other_hands),
		cmocka_unit_test(a_guest_that_faults),
		cmocka_unit_test(a_guest_whose_device_is_deaf),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
