/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_unmap_test.c - the host takes memory back from a guest whose devices have used
 * it: when the unmap has returned no access reaches it, by the SMMU's TLB or by an ATC,
 * with a PASID or without, whatever sizes the mappings of the two stages have.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include <uiommu/smmuv3_model.h>

#include "base/atomic.h"
#include "guest.h"

#define MIB2 (UINT64_C(2) << 20)
/* Where the guest has what it is lent, and where its device finds it. */
#define LENT_AT UINT64_C(0x60000000)
#define BLOCK UINT64_C(0x12400000) /* in its tables one entry of level 2 */
#define NEAR 5u			   /* pages of it */
#define FAR 300u

/* ------------------------------------------------------------------- scene */

struct lent {
	struct guest g;
	void *all;
	uint8_t *mem; /* 2 MiB */
	bool s1_block, s2_block;
};

static uint64_t *lent_word(struct lent *l, unsigned int nr)
{
	return (uint64_t *)(void *)(l->mem + nr * PAGE);
}

/* Where the device has a page of it. */
static uint64_t iova_of(const struct lent *l, unsigned int nr)
{
	return BLOCK + nr * PAGE;
}

/* In one area, so that stage 2 can have a block, or only those two pages. */
static void map_lent(struct lent *l)
{
	uint64_t at = LENT_AT;

	if (l->s2_block) {
		assert_int_equal(map_at(&l->g.s, l->g.s.ioas, (uintptr_t)l->mem,
					MIB2, FIXED | RW, &at),
				 0);
		return;
	}
	for (unsigned int i = 0; i < 2; i++) {
		at = LENT_AT + (i ? FAR : NEAR) * PAGE;
		assert_int_equal(map_at(&l->g.s, l->g.s.ioas,
					(uintptr_t)lent_word(l, i ? FAR : NEAR),
					PAGE, FIXED | RW, &at),
				 0);
	}
}

/* All that an unmap takes, and the other page, 0: it went along. */
static int unmap_lent(struct lent *l)
{
	return l->s2_block ? unmap_len(&l->g.s, l->g.s.ioas, LENT_AT, MIB2)
			   : unmap_len(&l->g.s, l->g.s.ioas,
				       LENT_AT + NEAR * PAGE, PAGE);
}

static void unmap_rest(struct lent *l)
{
	if (!l->s2_block)
		assert_int_equal(unmap_len(&l->g.s, l->g.s.ioas,
					   LENT_AT + FAR * PAGE, PAGE),
				 0);
}

/* By both contexts: one entry of level 2, or tables with the two pages. */
static void write_tables(struct lent *l)
{
	struct guest *g = &l->g;

	for (unsigned int asid = 1; asid < 3; asid++) {
		uint64_t *level2 = page(g, TABLES + 3 * (asid - 1) + 1);
		uint64_t *level3 = page(g, SPARE + asid);

		level3[NEAR] = (LENT_AT + NEAR * PAGE) | 0xf43;
		level3[FAR] = (LENT_AT + FAR * PAGE) | 0xf43;
		level2[BLOCK >> 21 & 511] = l->s1_block ? LENT_AT | 0xf41
							: gpa(SPARE + asid) | 3;
	}
}

static void lent_open(struct lent *l)
{
	struct guest *g = &l->g;
	uint32_t id, pt;

	guest_open(g);
	/* Both devices are the guest's. */
	assert_int_equal(vdevice_alloc(g, 1, VSID + 1, &id), 0);
	pt = g->nested;
	assert_int_equal(attach(&g->s, 1, &pt), 0);
	l->all = pages_ok(2 * MIB2);
	l->mem = (uint8_t *)(((uintptr_t)l->all + MIB2 - 1) & ~(MIB2 - 1));
	*lent_word(l, NEAR) = NEAR;
	*lent_word(l, FAR) = FAR;
	map_lent(l);
	write_tables(l);
	command(g, 0x30, 0);
}

static void lent_close(struct lent *l)
{
	guest_close(&l->g);
	pages_free(l->all, 2 * MIB2);
}

/* ---------------------------------------------------------------- accesses */

/* Bit 0: by the other device, 1: with a PASID, 2: not by the ATC. */
#define WAYS 8u

static unsigned int go(struct lent *l, unsigned int way, uint32_t op,
		       uint64_t iova)
{
	return testep_go_as(&l->g.s.dev[way & 1], 1, way & 2 ? PASID : 0,
			    op | (way & 4 ? TESTEP_UNTRANSLATED : 0), iova, 8);
}

static void all_reach(struct lent *l, unsigned int nr)
{
	for (unsigned int way = 0; way < WAYS; way++) {
		assert_int_equal(go(l, way, TESTEP_READ, iova_of(l, nr)),
				 TESTEP_OK);
		assert_int_equal(testep_word(&l->g.s.dev[way & 1], 1),
				 *lent_word(l, nr));
	}
}

static void nobody_reaches(struct lent *l, unsigned int nr)
{
	const uint64_t was = *lent_word(l, nr);

	for (unsigned int way = 0; way < WAYS; way++) {
		testep_fill(&l->g.s.dev[way & 1], 1, 0xbad);
		assert_int_equal(go(l, way, TESTEP_WRITE, iova_of(l, nr)),
				 TESTEP_ABORTED);
		assert_int_equal(go(l, way, TESTEP_READ, iova_of(l, nr)),
				 TESTEP_ABORTED);
		assert_int_equal(testep_word(&l->g.s.dev[way & 1], 1), 0xbad);
	}
	assert_int_equal(*lent_word(l, nr), was);
}

/* ----------------------------------------------------------------- stories */

static uint64_t walk_reads(struct lent *l)
{
	struct uiommu_smmuv3_stats stats;

	uiommu_smmuv3_model_stats(uiommu_machine_model(l->g.s.machine), &stats);
	return stats.walk_reads;
}

/* Descriptors of stage 2 for one page of it alone. */
static uint64_t depth(struct lent *l)
{
	uint64_t was;

	attach_ok(&l->g, l->g.parent);
	was = walk_reads(l);
	assert_int_equal(go(l, 4, TESTEP_READ, LENT_AT + NEAR * PAGE),
			 TESTEP_OK);
	was = walk_reads(l) - was;
	attach_ok(&l->g, l->g.nested);
	return was;
}

static void taken_back(bool s1_block, bool s2_block)
{
	struct lent l = { .s1_block = s1_block, .s2_block = s2_block };

	lent_open(&l);
	/* 48 bits: a block ends one level before a page. */
	assert_int_equal(depth(&l), s2_block ? 3 : 4);
	for (unsigned int round = 0; round < 3; round++) {
		all_reach(&l, NEAR);
		all_reach(&l, FAR);
		assert_int_equal(unmap_lent(&l), 0);
		nobody_reaches(&l, NEAR);
		if (s2_block)
			nobody_reaches(&l, FAR);
		else
			all_reach(&l, FAR);
		assert_int_equal(reads(&l.g, 0, 0), word_of(DATA));
		assert_int_equal(reads(&l.g, PASID, 0), word_of(DATA + 1));
		unmap_rest(&l);
		/* Something else there: that is what they find. */
		*lent_word(&l, NEAR) = 0x100 + round;
		map_lent(&l);
	}
	lent_close(&l);
}

static void pages_of_pages(void **state)
{
	taken_back(false, false);
}

static void pages_of_a_block(void **state)
{
	taken_back(false, true);
}

static void a_block_of_pages(void **state)
{
	taken_back(true, false);
}

static void a_block_of_a_block(void **state)
{
	taken_back(true, true);
}

/* ------------------------------------------------------------------- fire */

struct fire {
	struct lent l;
	uint32_t stop;
	uint64_t tries, hits; /* written once each */
};

static void *keep_writing(void *arg)
{
	struct fire *f = arg;

	for (unsigned int way = 0; !load_acquire(&f->stop); way += 2) {
		unsigned int status;

		testep_fill(&f->l.g.s.dev[0], 1, 0xbad);
		status = go(&f->l, way % WAYS, TESTEP_WRITE,
			    iova_of(&f->l, NEAR));
		store_release(&f->hits, f->hits + (status == TESTEP_OK));
		store_release(&f->tries, f->tries + 1);
	}
	return NULL;
}

static void wait_for(const uint64_t *count, uint64_t more)
{
	uint64_t from = load_acquire(count);

	while (load_acquire(count) - from < more)
		sched_yield();
}

/* A device that writes without end: what is written after the unmap stays. */
static void under_fire(void **state)
{
	struct fire f = { .l = { .s1_block = true } };
	uint64_t *word;
	pthread_t id;

	lent_open(&f.l);
	word = lent_word(&f.l, NEAR);
	assert_int_equal(pthread_create(&id, NULL, keep_writing, &f), 0);
	for (uint64_t round = 0; round < 50; round++) {
		wait_for(&f.hits, 4);
		assert_int_equal(unmap_lent(&f.l), 0);
		store_release(word, round);
		/* One may have been under way, and has aborted. */
		wait_for(&f.tries, 5);
		assert_int_equal(load_acquire(word), round);
		unmap_rest(&f.l);
		map_lent(&f.l);
	}
	store_release(&f.stop, 1);
	pthread_join(id, NULL);
	lent_close(&f.l);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(pages_of_pages),
		cmocka_unit_test(pages_of_a_block),
		cmocka_unit_test(a_block_of_pages),
		cmocka_unit_test(a_block_of_a_block),
		cmocka_unit_test(under_fire),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
