/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does what it should not, and one whose DMA never stops.
 */
#include <pthread.h>

#include "base/atomic.h"
#include "nested_guest.h"
#include "turns.h"
#include "under_fire.h"

/* ----------------------------------------------------------------- hostile -- */

static uint64_t rnd(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A word that is good in many places, or wrong in a few. */
static uint64_t likely(uint64_t *seed, uint64_t good)
{
	uint64_t word = good;

	for (uint64_t n = rnd(seed) % 4; n; n--)
		word ^= 1ull << rnd(seed) % 64;
	return rnd(seed) % 8 ? word : rnd(seed);
}

static void hostile_entry(struct guest *g, uint64_t *seed)
{
	const struct uiommu_hwpt_smmuv3 ste = {
		{ likely(seed, 0x300000000000000b | ipa(rnd(seed) % 64)),
		  likely(seed, 0x100000d6) }
	};
	const struct uiommu_user_data data = {
		.type = UIOMMU_HWPT_DATA_ARM_SMMUV3,
		.len = sizeof(ste),
		.at = (uintptr_t)&ste,
	};
	struct uiommu_hwdom *dom;
	int rc = nops_of(g->rig)->viommu_dom_alloc(g->viommu, 0, &data, &dom);

	if (rc) {
		assert_int_equal(rc, -EIO);
		return;
	}
	rig_attach(dom, g->dev);
	g->rig->unit->ops->dom_free(g->nested);
	g->nested = dom;
}

static void hostile_command(struct guest *g, uint64_t *seed)
{
	static const uint64_t good[] = { 0x30,
					 0x10,
					 0x0001000000000011,
					 0x0001000000000012,
					 0x13,
					 (uint64_t)VSID << 32 | 0x40,
					 (uint64_t)VSID << 32 | 5,
					 (uint64_t)VSID << 32 | 6 };
	const uint64_t cmd[2] = { likely(seed, good[rnd(seed) % 8]),
				  likely(seed, IOVA) };
	struct uiommu_user_array array = {
		.type = UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3,
		.entry_len = 16,
		.entry_num = 1,
		.at = (uintptr_t)cmd,
	};
	int rc = nops_of(g->rig)->viommu_invalidate(g->viommu, &array);

	assert_true(!rc || rc == -EIO);
	assert_int_equal(array.entry_num, rc ? 0 : 1);
}

/* It hurts itself: another guest does not notice, nor does the queue stop. */
static void a_hostile_guest(void **state)
{
	struct rig *rig = open_rig();
	uint64_t seed = 0x9e3779b97f4a7c15, errors, old;
	struct guest bad, good;

	guest_open(&bad, rig, 0);
	guest_open(&good, rig, 1);
	errors = rig_counter(rig, "cmdq/errors");
	for (unsigned int i = 0; i < 20000; i++) {
		switch (rnd(&seed) % 8) {
		case 0:
			hostile_entry(&bad, &seed);
			break;
		case 1:
		case 2:
			hostile_command(&bad, &seed);
			break;
		case 3:
		case 4:
			/* Its tables and contexts, and what leads out of it. */
			old = page(&bad, rnd(&seed) % 8)[rnd(&seed) % 512];
			page(&bad, rnd(&seed) % 8)[rnd(&seed) % 512] =
				likely(&seed, old ? old : RAM | 0xf43);
			break;
		default:
			rig_peek(rig, bad.sid,
				 rnd(&seed) % 2 ? PASID : UIOMMU_NO_PASID,
				 likely(&seed, IOVA));
		}
		if (i % 16)
			continue;
		rig_irqs(rig);
		rig->nr_faults = rig->nr_vevents = 0;
		assert_int_equal(peek(&good, 0), word(&good, 0));
		assert_int_equal(peek_pasid(&good, PASID, 1), word(&good, 11));
	}
	assert_int_equal(rig_counter(rig, "cmdq/errors"), errors);
	/* Its memory and nothing else: a way out of it shows. */
	for (unsigned int i = 0; i < GUEST_PAGES - DATA; i++)
		assert_int_equal(page(&good, DATA + i)[0], word(&good, i));
	guest_close(&bad);
	guest_close(&good);
	rig_destroy(rig);
}

/* ------------------------------------------------------------- under fire -- */

/*
 * Another table of CDs, with ASIDs and stage-1 tables of its own: no PASID and PASID
 * show other pages by it.  AT is an IOVA of both, and memory of the guest's, too, when
 * stage 1 is not there: each way there is another word.
 */
#define OTHER_CDS (GUEST_PAGES - 1)
#define SPARE (GUEST_PAGES - 2)
#define AT ipa(DATA + 3)
#define CHANGES 392u /* each pair of states four times */

enum state {
	TABLES_ONE,
	TABLES_OTHER,
	WITHOUT_ATS, /* the other, of a guest that does not know of it */
	PARENT,
	BYPASS,
	ABORT,
	HOST, /* stage 1 is the host's */
	STATES,
};

/* The data pages behind AT. */
static const unsigned int data_of[STATES] = {
	[TABLES_ONE] = 40, [TABLES_OTHER] = 41, [WITHOUT_ATS] = 41,
	[PARENT] = 3,	   [BYPASS] = 3,	[HOST] = 50,
};

struct fire {
	struct guest g;
	struct uiommu_hwdom *dom[STATES];
	uint32_t stop;
	uint64_t commands, unmapped;
};

static void write_tables(struct guest *g)
{
	write_cd(g, 0, 3);
	write_cd(g, PASID, 4);
	memcpy(page(g, OTHER_CDS), page(g, CDS), RIG_PAGE);
	write_cd(g, 0, 1);
	write_cd(g, PASID, 2);
	map(g, 3, 0, 20);
	map(g, 4, 0, 21);
	point(g, 1, AT, ipa(DATA + data_of[TABLES_ONE]), true);
	point(g, 3, AT, ipa(DATA + data_of[TABLES_OTHER]), true);
}

static void fire_open(struct fire *f, bool cache_all)
{
	struct rig *rig = open_rig_caching(cache_all);
	struct guest *g = &f->g;

	memset(f, 0, sizeof(*f));
	guest_open(g, rig, 0);
	rig->yield = true;
	write_tables(g);
	f->dom[TABLES_ONE] = g->nested;
	f->dom[TABLES_OTHER] =
		new_nested(g, 0x300000000000000b | ipa(OTHER_CDS), 0x100000d6);
	f->dom[WITHOUT_ATS] =
		new_nested(g, 0x300000000000000b | ipa(OTHER_CDS), 0xd6);
	f->dom[PARENT] = g->parent;
	f->dom[BYPASS] = new_nested(g, 0x9, 0);
	f->dom[ABORT] = new_nested(g, 0, 0);
	f->dom[HOST] = rig_domain(rig, UIOMMU_DOM_PAGING);
	rig_map(f->dom[HOST], AT, page(g, DATA + data_of[HOST]), RIG_PAGE, RW);
}

static void fire_close(struct fire *f)
{
	struct rig *rig = f->g.rig;

	/* Nothing was ever wrong with an entry, a context or an address. */
	nothing_reported(rig);
	assert_int_equal(rig->lost, 0);
	rig_attach(f->g.nested, f->g.dev);
	for (unsigned int i = TABLES_OTHER; i < STATES; i++)
		if (i != PARENT)
			rig->unit->ops->dom_free(f->dom[i]);
	guest_close(&f->g);
	rig_destroy(rig);
}

/* Readers 0 and 1 by the SMMU, 2 and 3 through the ATC; odd ones with a PASID. */
static uint64_t reads_at(struct fire *f, unsigned int reader, unsigned int at)
{
	uint32_t pasid = reader & 1 ? PASID : 0;

	return reader & 2
		       ? by_atc(&f->g, pasid, at)
		       : peek_pasid(&f->g, pasid ? pasid : UIOMMU_NO_PASID, at);
}

/* ------------------------------------------- from one table to the other -- */

/*
 * Meanwhile the guest sends commands, and the host maps and unmaps memory beside.
 */
static void *keep_commanding(void *arg)
{
	struct fire *f = arg;

	while (!load_acquire(&f->stop)) {
		command(&f->g, 0x30, 0);
		command(&f->g, (uint64_t)VSID << 32 | 6, 0);
		command(&f->g, (uint64_t)VSID << 32 | 0x40, 52);
		turn(&f->commands);
	}
	return NULL;
}

static void *keep_unmapping(void *arg)
{
	struct fire *f = arg;
	struct guest *g = &f->g;

	while (!load_acquire(&f->stop)) {
		rig_unmap(g->parent, ipa(SPARE), RIG_PAGE);
		rig_map(g->parent, ipa(SPARE), page(g, SPARE), RIG_PAGE, RW);
		turn(&f->unmapped);
	}
	return NULL;
}

static uint64_t reads_tables(void *arg, unsigned int reader)
{
	return reads_at(arg, reader, 0);
}

static void swap(void *arg, uint64_t nr)
{
	struct fire *f = arg;

	rig_attach(f->dom[nr % 2 ? TABLES_OTHER : TABLES_ONE], f->g.dev);
}

static uint64_t shown_by_tables(void *arg, unsigned int reader, uint64_t nr)
{
	static const unsigned int data[2][2] = { { 0, 10 }, { 20, 21 } };
	const struct fire *f = arg;

	return word(&f->g, data[nr % 2][reader & 1]);
}

static void a_guest_under_fire(bool cache_all)
{
	static void *(*const threads[])(void *) = { keep_commanding,
						    keep_unmapping };
	struct fire f;
	const uint64_t *counts[] = { &f.commands, &f.unmapped };
	const struct under_fire fire = {
		.arg = &f,
		.readers = 4,
		.changes = CHANGES,
		.access = reads_tables,
		.aborted = RIG_STOPPED,
		.change = swap,
		.shown = shown_by_tables,
	};
	pthread_t id[2];

	fire_open(&f, cache_all);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&id[i], NULL, threads[i], &f),
				 0);
	under_fire(&fire);
	assert_true(let_fight(0, counts, 2));
	store_release(&f.stop, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(id[i], NULL);
	fire_close(&f);
}

static void a_guest_under_fire_and_all_caches(void **state)
{
	a_guest_under_fire(true);
}

static void a_guest_under_fire_and_no_caches(void **state)
{
	a_guest_under_fire(false);
}

/* ------------------------------------------------------- through all states -- */

/* From each to each: two changes for each pair. */
static enum state state_after(uint64_t nr)
{
	uint64_t step = nr / 2 % (STATES * STATES);

	return (enum state)(nr % 2 ? step % STATES : step / STATES);
}

/* Not by PASID: it has none where stage 2 is alone. */
static uint64_t reads_states(void *arg, unsigned int reader)
{
	return reads_at(arg, reader * 2, (AT - IOVA) / RIG_PAGE);
}

static void enter(void *arg, uint64_t nr)
{
	struct fire *f = arg;

	rig_attach(f->dom[state_after(nr)], f->g.dev);
}

static uint64_t shown_by_states(void *arg, unsigned int reader, uint64_t nr)
{
	const struct fire *f = arg;
	enum state state = state_after(nr);

	return state == ABORT ? RIG_STOPPED : word(&f->g, data_of[state]);
}

/* Where the tables of the host's stage 1 come into use, or go. */
static bool aborts(void *arg, uint64_t nr)
{
	return (state_after(nr) == HOST) != (state_after(nr - 1) == HOST);
}

static void each_state_under_fire(bool cache_all)
{
	struct fire f;
	const struct under_fire fire = {
		.arg = &f,
		.readers = 2,
		.changes = CHANGES,
		.access = reads_states,
		.aborted = RIG_STOPPED,
		.change = enter,
		.shown = shown_by_states,
		.aborts = aborts,
	};

	fire_open(&f, cache_all);
	under_fire(&fire);
	fire_close(&f);
}

static void each_state_under_fire_and_all_caches(void **state)
{
	each_state_under_fire(true);
}

static void each_state_under_fire_and_no_caches(void **state)
{
	each_state_under_fire(false);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_hostile_guest),
		cmocka_unit_test(a_guest_under_fire_and_all_caches),
		cmocka_unit_test(a_guest_under_fire_and_no_caches),
		cmocka_unit_test(each_state_under_fire_and_all_caches),
		cmocka_unit_test(each_state_under_fire_and_no_caches),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
