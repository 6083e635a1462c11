/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's table is bound, replaced and unbound while devices behind two SMMUs read
 * without pause: each access finds a state that was in force while it was under way.
 *
 * One address says which: the host alone, or the guest's stage being bypassed, shows
 * one page there, three tables of the guest, with one ASID, a page each.  Accesses end
 * in no state but ABORT, for none of these changes is one of two words in use.
 */
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"
#include "bound_guest.h"
#include "turns.h"

#define AT ipa(DATA + 3)
#define CHANGES 2000u
#define LENGTH 64u   /* of the sequence of states, which comes again */
#define READS 4u     /* of each device in each state, at least */
#define ENOUGH 2000u /* reads beside a change */

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
	/* Changes by number. */
	uint64_t begun, done;
	uint32_t stop;
};

struct reader {
	struct fire *f;
	unsigned int smmu;
	uint64_t reads, changing, wrong;
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

static uint64_t shown(const struct fire *f, enum state state)
{
	if (state == ABORT)
		return 0;
	return word(&f->b.g, state < FIRST ? 3 : 40 + state - FIRST);
}

static void enter(struct fire *f, enum state state)
{
	struct uiommu_pasid_table table = bound_cds;

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

static bool in_force(const struct fire *f, uint64_t value, uint64_t a,
		     uint64_t b)
{
	for (; a <= b; a++)
		if (shown(f, f->seq[a % LENGTH]) == value)
			return true;
	return false;
}

static void *keep_reading(void *arg)
{
	struct reader *r = arg;
	struct fire *f = r->f;
	uint64_t a, b, value;
	uint32_t n = 0;

	while (!load_acquire(&f->stop)) {
		a = load_acquire(&f->done);
		value = core_rig_read(&f->b.cr, r->smmu, 5, UIOMMU_NO_PASID,
				      AT);
		/* The read is before this look at what has begun. */
		fence_full();
		b = load_acquire(&f->begun);
		if (!in_force(f, value, a, b))
			fetch_add_relaxed(&r->wrong, 1);
		fetch_add_relaxed(&r->changing, a != b);
		store_release(&r->reads, r->reads + 1);
		/* More threads than processors: let the others have a go. */
		if (++n % 13 == 0)
			sched_yield();
	}
	return NULL;
}

static void let_read(const struct reader *r)
{
	uint64_t from = load_acquire(&r->reads);

	while (load_acquire(&r->reads) - from < READS)
		sched_yield();
}

static bool enough(const struct reader r[2])
{
	return load_relaxed(&r[0].changing) >= ENOUGH &&
	       load_relaxed(&r[1].changing) >= ENOUGH;
}

static void a_state_is_found_that_was_in_force(void **state)
{
	const uint64_t end = now_ms() + TURNS_PATIENCE_MS;
	struct fire f = { .stop = 0 };
	struct reader r[2] = { { &f, 0 }, { &f, 1 } };
	uint64_t seed = 0x2545f4914f6cdd1d;
	pthread_t id[2];

	bound_open(&f.b);
	bound_attach(&f.b, 0, 5, false);
	bound_attach(&f.b, 1, 5, true);
	f.b.cr.rig[0]->yield = f.b.cr.rig[1]->yield = true;
	for (unsigned int i = 0; i < 3; i++)
		write_table(&f.b, i);
	for (unsigned int i = 1; i < LENGTH; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		f.seq[i] = (enum state)((seed >> 33) % STATES);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&id[i], NULL, keep_reading, &r[i]), 0);
	for (uint64_t n = 1; n <= CHANGES || (!enough(r) && now_ms() < end);
	     n++) {
		store_release(&f.begun, n);
		fence_full();
		enter(&f, f.seq[n % LENGTH]);
		store_release(&f.done, n);
		let_read(&r[0]);
		let_read(&r[1]);
	}
	store_release(&f.stop, 1);
	for (int i = 0; i < 2; i++) {
		pthread_join(id[i], NULL);
		assert_int_equal(r[i].wrong, 0);
	}
	assert_true(enough(r));
	core_rig_irqs(&f.b.cr);
	assert_int_equal(f.b.cr.nr_faults, 0);
	bound_close(&f.b);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_state_is_found_that_was_in_force),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
