/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does what it should not, and one whose DMA never stops.
 */
#include <pthread.h>

#include "base/atomic.h"
#include "nested_guest.h"
#include "turns.h"

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
 * DMA never stops, while a guest moves between two tables of CDs that say the same
 * and sends commands, and the host maps and unmaps memory beside.
 */
struct fire {
	struct guest *g;
	struct uiommu_hwdom *other; /* CDs in the page behind the data */
	uint32_t stop;
	uint64_t accesses, replaced, commands, unmapped;
	uint64_t wrong; /* accesses */
};

#define OTHER_CDS (GUEST_PAGES - 1)
#define SPARE (GUEST_PAGES - 2)

static void *keep_reading(void *arg)
{
	struct fire *f = arg;

	while (!load_acquire(&f->stop)) {
		if (peek(f->g, 0) != word(f->g, 0) ||
		    peek_pasid(f->g, PASID, 1) != word(f->g, 11))
			turn(&f->wrong);
		turn(&f->accesses);
	}
	return NULL;
}

static void *keep_replacing(void *arg)
{
	struct fire *f = arg;

	while (!load_acquire(&f->stop)) {
		rig_attach(f->other, f->g->dev);
		rig_attach(f->g->nested, f->g->dev);
		turn(&f->replaced);
	}
	return NULL;
}

static void *keep_commanding(void *arg)
{
	struct fire *f = arg;

	while (!load_acquire(&f->stop)) {
		command(f->g, 0x30, 0);
		command(f->g, (uint64_t)VSID << 32 | 6, 0);
		command(f->g, (uint64_t)VSID << 32 | 0x40, 52);
		turn(&f->commands);
	}
	return NULL;
}

static void *keep_unmapping(void *arg)
{
	struct fire *f = arg;

	while (!load_acquire(&f->stop)) {
		rig_unmap(f->g->parent, ipa(SPARE), RIG_PAGE);
		rig_map(f->g->parent, ipa(SPARE), page(f->g, SPARE), RIG_PAGE,
			RW);
		turn(&f->unmapped);
	}
	return NULL;
}

static void a_guest_under_fire(void **state)
{
	static void *(*const threads[])(void *) = {
		keep_reading, keep_replacing, keep_commanding, keep_unmapping
	};
	struct rig *rig = open_rig();
	struct guest g;
	struct fire f = { .g = &g };
	const uint64_t *counts[] = { &f.accesses, &f.replaced, &f.commands,
				     &f.unmapped };
	pthread_t id[4];

	guest_open(&g, rig, 0);
	memcpy(page(&g, OTHER_CDS), page(&g, CDS), RIG_PAGE);
	f.other =
		new_nested(&g, 0x300000000000000b | ipa(OTHER_CDS), 0x100000d6);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&id[i], NULL, threads[i], &f),
				 0);
	assert_true(let_fight(300, counts, 4));
	store_release(&f.stop, 1);
	for (int i = 0; i < 4; i++)
		pthread_join(id[i], NULL);
	assert_int_equal(f.wrong, 0);
	nothing_reported(rig);
	rig_attach(g.nested, g.dev);
	rig->unit->ops->dom_free(f.other);
	guest_close(&g);
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_hostile_guest),
		cmocka_unit_test(a_guest_under_fire),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
