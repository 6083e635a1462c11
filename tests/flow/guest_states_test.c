/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_states_test.c - from each page table that the device of a guest can have, by
 * iommufd, to each: what its accesses find by every way, and who is told of it.
 *
 * One address says whose table it was: BOTH is an IOVA of the guest, memory of the
 * guest's, and an IOVA of the host's stage 1, each with another page behind it.
 */
#include <uiommu/smmuv3_model.h>

#include "guest.h"

#define BOTH gpa(DATA + 3)

enum table {
	HOST,	 /* an IOAS of another client's: stage 1 */
	PARENT,	 /* stage 2 alone */
	BYPASS,	 /* the guest's entry says so */
	ABORT,	 /* this, too */
	INVALID, /* V=0; all else is that of its tables */
	GUESTS,
	WITHOUT_ATS, /* the same, of a guest that does not know of it */
	NONE,	     /* detached */
	NR_TABLES,
};

/* Pages found at BOTH, and by a PASID at IOVA, 0: aborted. */
static const struct {
	const char *what;
	unsigned int without, pasid;
	unsigned int guest_hears; /* of the access with a PASID, an event */
	bool ats;		  /* the ATC keeps what it found */
} finds[NR_TABLES] = {
	[HOST] = { "host", DATA + 30, 0, 0, true },
	[PARENT] = { "parent", DATA + 3, 0, 0, true },
	[BYPASS] = { "bypass", DATA + 3, 0, 0x08, true },
	[ABORT] = { "abort", 0, 0, 0, false },
	[INVALID] = { "V=0", 0, 0, 0, false },
	[GUESTS] = { "tables", DATA + 4, DATA + 1, 0, true },
	[WITHOUT_ATS] = { "tables without ATS", DATA + 4, DATA + 1, 0, false },
	[NONE] = { "none", 0, 0, 0, false },
};

struct states {
	struct guest g;
	uint32_t pt[NR_TABLES]; /* as they are attached */
};

static void states_open(struct states *s)
{
	struct guest *g = &s->g;
	uint64_t both = BOTH;

	guest_open(g);
	point(g, 1, (BOTH - IOVA) / PAGE, DATA + 4);
	s->pt[HOST] = ioas_ok(&g->s);
	assert_int_equal(map_fixed(&g->s, s->pt[HOST], DATA + 30, 1, both), 0);
	s->pt[PARENT] = g->parent;
	assert_int_equal(nested_alloc(g, g->viommu, 0x9, 0, &s->pt[BYPASS]), 0);
	assert_int_equal(nested_alloc(g, g->viommu, 0x1, 0, &s->pt[ABORT]), 0);
	assert_int_equal(nested_alloc(g, g->viommu, STE_S1_0 & ~UINT64_C(1),
				      STE_S1_1, &s->pt[INVALID]),
			 0);
	s->pt[GUESTS] = g->nested;
	assert_int_equal(nested_alloc(g, g->viommu, STE_S1_0,
				      STE_S1_1 & ~ANY_ATS, &s->pt[WITHOUT_ATS]),
			 0);
}

static void go(struct states *s, enum table to)
{
	uint32_t pt = s->pt[to];

	assert_int_equal(
		to == NONE ? detach(&s->g.s, 0) : attach(&s->g.s, 0, &pt), 0);
}

/* The word at the head of a page; 0: there is none. */
static uint64_t in(unsigned int data)
{
	return data ? word_of(data) : 0;
}

/* Type of the only event that the guest has not read, 0: there is none. */
static unsigned int heard(struct guest *g)
{
	struct event event, more;

	if (!next_event(g, &event))
		return 0;
	assert_int_equal(next_event(g, &more), 0);
	assert_int_equal(event.smmu.evt[0] >> 32, VSID);
	return event.smmu.evt[0] & 0xff;
}

static void check(const char *what, enum table from, enum table to,
		  uint64_t found, uint64_t want)
{
	if (found != want)
		fail_msg("from %s to %s, %s: %#llx, not %#llx",
			 finds[from].what, finds[to].what, what,
			 (unsigned long long)found, (unsigned long long)want);
}

static uint64_t tlb_looks(struct guest *g)
{
	struct uiommu_smmuv3_stats stats;

	uiommu_smmuv3_model_stats(uiommu_machine_model(g->s.machine), &stats);
	return stats.tlb_hits + stats.tlb_misses;
}

/* Once more: it is in the ATC, or a TLB is asked again. */
static void find_kept(struct states *s, enum table from, enum table to)
{
	uint64_t looks = tlb_looks(&s->g);

	if (!finds[to].without)
		return;
	check("from the ATC", from, to,
	      testep_read_word(&s->g.s.dev[0], 0, BOTH), in(finds[to].without));
	check("TLBs asked", from, to, tlb_looks(&s->g) != looks,
	      !finds[to].ats);
}

/* Each twice: what was found the first time may be cached. */
static void find(struct states *s, enum table from, enum table to)
{
	const unsigned int without = finds[to].without, pasid = finds[to].pasid;
	struct client *dev = &s->g.s.dev[0];

	for (unsigned int i = 0; i < 2; i++) {
		check("by the ATC", from, to, testep_read_word(dev, 0, BOTH),
		      in(without));
		find_kept(s, from, to);
		check("by the SMMU", from, to,
		      testep_read_how(dev, TESTEP_UNTRANSLATED, 0, BOTH),
		      in(without));
		check("events without PASID", from, to, heard(&s->g), 0);
		check("PASID by the SMMU", from, to,
		      testep_read_how(dev, TESTEP_UNTRANSLATED, PASID, IOVA),
		      in(pasid));
		check("events of a PASID", from, to, heard(&s->g),
		      finds[to].guest_hears);
		check("PASID by the ATC", from, to,
		      testep_read_word(dev, PASID, IOVA), in(pasid));
		check("events of ATS", from, to, heard(&s->g), 0);
	}
	check("the other device", from, to,
	      testep_read_word(&s->g.s.dev[1], 0, BOTH), word_of(DATA + 3));
}

static void from_each_to_each(void **state)
{
	struct states s;

	states_open(&s);
	for (unsigned int i = 0; i < NR_TABLES * NR_TABLES; i++) {
		enum table from = (enum table)(i / NR_TABLES);
		enum table to = (enum table)(i % NR_TABLES);

		go(&s, from);
		find(&s, to, from);
		go(&s, to);
		find(&s, from, to);
	}
	go(&s, GUESTS);
	guest_close(&s.g);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(from_each_to_each),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
