/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's table is bound, replaced and unbound while devices behind two SMMUs read
 * without pause: each access finds a state that was in force while it was under way.
 *
 * One address says which: the host alone, or the guest's stage being bypassed, shows
 * one page there, three tables of the guest, with one ASID, a page each.  Accesses end
 * in no state but ABORT, for none of these changes is one of two words in use.  So it
 * is whatever the SMMUs cache.
 */
#include "bound_guest.h"
#include "under_fire.h"

#define AT ipa(DATA + 3)
#define CHANGES 2000u
#define CHANGES_WITHOUT 500u /* if nothing is cached */
#define LENGTH 64u	     /* of the sequence of states, which comes again */

enum state {
	UNBOUND,
	BYPASS,
	ABORT,
	FIRST, /* tables 0 to 2, the last of which has one context */
	STATES = FIRST + 3,
};

/* Where table i is: CDs, and three levels. */
static unsigned int cds_of(unsigned int i)
{
	return GUEST_PAGES - 4 * (i + 1);
}

struct fire {
	struct bound b;
	enum state seq[LENGTH];
};

/* ASID 1 of table i shows data page 40 + i. */
static void write_table(struct bound *b, unsigned int i)
{
	unsigned int top = cds_of(i) + 1;
	uint64_t *cd = page(&b->g, cds_of(i));

	memcpy(cd, page(&b->g, CDS), 64);
	cd[1] = ipa(top);
	page(&b->g, top)[AT >> 30 & 511] = ipa(top + 1) | 3;
	page(&b->g, top + 1)[AT >> 21 & 511] = ipa(top + 2) | 3;
	page(&b->g, top + 2)[AT >> 12 & 511] = ipa(DATA + 40 + i) | 0xf43;
}

static uint64_t shown(void *arg, unsigned int smmu, uint64_t nr)
{
	const struct fire *f = arg;
	enum state state = f->seq[nr % LENGTH];

	if (state == ABORT)
		return 0;
	return word(&f->b.g, state < FIRST ? 3 : 40 + state - FIRST);
}

static void enter(void *arg, uint64_t nr)
{
	struct uiommu_pasid_table table = bound_cds;
	struct fire *f = arg;
	enum state state = f->seq[nr % LENGTH];

	switch (state) {
	case UNBOUND:
		uiommu_unbind_pasid_table(f->b.dom);
		return;
	case BYPASS:
		table = bound_bypass;
		break;
	case ABORT:
		table = bound_abort;
		break;
	default:
		table.base = ipa(cds_of(state - FIRST));
		if (state == FIRST + 2)
			table.pasid_bits = 0;
	}
	bound_bind(&f->b, &table);
}

static uint64_t reads(void *arg, unsigned int smmu)
{
	struct fire *f = arg;

	return core_rig_read(&f->b.cr, smmu, 5, UIOMMU_NO_PASID, AT);
}

static void a_state_is_found_that_was_in_force(bool cache_all)
{
	uint64_t seed = 0x2545f4914f6cdd1d;
	struct fire f = { .seq = { UNBOUND } };
	const struct under_fire fire = {
		.arg = &f,
		.readers = 2,
		.changes = cache_all ? CHANGES : CHANGES_WITHOUT,
		.access = reads,
		.aborted = 0,
		.change = enter,
		.shown = shown,
	};

	bound_open_caching(&f.b, cache_all);
	bound_attach(&f.b, 0, 5, false);
	bound_attach(&f.b, 1, 5, true);
	f.b.cr.rig[0]->yield = f.b.cr.rig[1]->yield = true;
	for (unsigned int i = 0; i < 3; i++)
		write_table(&f.b, i);
	for (unsigned int i = 1; i < LENGTH; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		f.seq[i] = (enum state)((seed >> 33) % STATES);
	}
	under_fire(&fire);
	core_rig_irqs(&f.b.cr);
	assert_int_equal(f.b.cr.nr_faults, 0);
	bound_close(&f.b);
}

static void with_all_caches(void **state)
{
	a_state_is_found_that_was_in_force(true);
}

static void with_no_caches(void **state)
{
	a_state_is_found_that_was_in_force(false);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(with_all_caches),
		cmocka_unit_test(with_no_caches),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
