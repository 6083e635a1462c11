/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads on one page table at a time, meant for ThreadSanitizer as well.
 *
 * Every page has one owner.  Owners map, unmap and look at their own pages,
 * which lie between those of others: in the same leaf table, and in the same
 * block, so that two split one leaf at once.  Readers look at everything: a
 * page is either not mapped or mapped to where its owner maps it.  Owners of
 * whole tables make them come and go under the readers.  A thread that acts as
 * the hardware sets dirty state while leaves are split and it is read.
 *
 * Seconds to run: UIOMMU_STRESS_SECONDS, by default 1 for each case.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>
#include <uiommu/host.h>
#include <uiommu/pgtable.h>

#include "test_platform.h"
#include "turns.h"

#define OWNERS 2
#define READERS 1
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)

struct stress {
	const struct uiommu_platform *platform;
	struct test_platform tp;
	struct uiommu_host *host; /* instead of it, if not NULL */
	struct uiommu_pgtable *pt;
	uint64_t page;
	uint64_t block;
	uint64_t base;	   /* of everything */
	uint64_t nr_pages; /* in all */
	bool stop;	   /* atomic */
	uint64_t errors;   /* atomic */
	uint64_t ops;	   /* atomic */
	uint64_t eagain;   /* atomic */
	uint64_t seen;	   /* atomic: look-ups that found something */
	uint64_t arrived;  /* atomic: see meet() */
};

struct worker {
	struct stress *s;
	unsigned int index;
	uint64_t seed;
	pthread_t thread;
	void (*step)(struct worker *w);
};

/* Wait until `goal` threads have come, counted from the first on. */
static void meet(struct stress *s, uint64_t goal)
{
	unsigned int tries = 0;

	while (__atomic_load_n(&s->arrived, __ATOMIC_ACQUIRE) < goal)
		if (++tries % 256 == 0)
			s->platform->relax(s->platform->ctx);
}

static void arrive(struct stress *s)
{
	__atomic_fetch_add(&s->arrived, 1, __ATOMIC_ACQ_REL);
}

static uint64_t random_of(struct worker *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed;
}

static void check(struct stress *s, bool ok, const char *what)
{
	if (ok)
		return;
	if (__atomic_fetch_add(&s->errors, 1, __ATOMIC_RELAXED) < 8)
		fprintf(stderr, "# wrong: %s\n", what);
}

/* Where whoever owns a page maps it. */
static uint64_t pa_of(const struct stress *s, uint64_t iova)
{
	return iova - s->base + 64 * s->block;
}

static int map(struct worker *w, uint64_t iova, uint64_t len)
{
	struct stress *s = w->s;
	struct uiommu_gather gather;
	int rc;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_map(s->pt, iova, pa_of(s, iova), len, RW,
					&gather);
		uiommu_gather_release(&gather);
	} while (rc == -EAGAIN);
	return rc;
}

/* Waits for neighbours; counts how often. */
static uint64_t unmap(struct worker *w, uint64_t iova, uint64_t len)
{
	struct stress *s = w->s;
	struct uiommu_gather gather;
	uint64_t unmapped;
	int rc;

	uiommu_gather_init(&gather);
	for (;;) {
		rc = uiommu_pgtable_unmap(s->pt, iova, len, &gather, &unmapped);
		uiommu_gather_release(&gather);
		if (rc != -EAGAIN)
			break;
		__atomic_fetch_add(&s->eagain, 1, __ATOMIC_RELAXED);
		s->platform->relax(s->platform->ctx);
	}
	check(s, rc == 0, "unmap");
	return unmapped;
}

static bool look(struct worker *w, uint64_t iova)
{
	struct stress *s = w->s;
	struct uiommu_pgtable_leaf leaf;
	int rc = uiommu_pgtable_translate(s->pt, iova, &leaf);

	if (rc == -ENOENT)
		return false;
	check(s, rc == 0, "translate");
	check(s, leaf.pa == pa_of(s, iova), "address");
	check(s, leaf.prot == RW, "protection");
	return true;
}

static void read_anything(struct worker *w)
{
	struct stress *s = w->s;
	uint64_t found = 0;

	for (int i = 0; i < 64; i++)
		found +=
			look(w, s->base + random_of(w) % s->nr_pages * s->page +
					random_of(w) % s->page);
	__atomic_fetch_add(&s->seen, found, __ATOMIC_RELAXED);
}

/* Every second page is ours; nobody else changes it. */
static void pages_in_between(struct worker *w)
{
	struct stress *s = w->s;
	uint64_t nr = s->nr_pages / OWNERS;
	uint64_t iova =
		s->base + (random_of(w) % nr * OWNERS + w->index) * s->page;

	check(s, !look(w, iova), "free before map");
	check(s, map(w, iova, s->page) == 0, "map");
	check(s, map(w, iova, s->page) == -EEXIST, "map again");
	check(s, look(w, iova), "found after map");
	check(s, unmap(w, iova, s->page) == s->page, "bytes");
	check(s, !look(w, iova), "gone after unmap");
}

/* Blocks of our own, as pages: a table comes and goes each time. */
static void whole_tables(struct worker *w)
{
	struct stress *s = w->s;
	uint64_t nr = s->nr_pages * s->page / s->block / OWNERS;
	uint64_t iova =
		s->base + (random_of(w) % nr * OWNERS + w->index) * s->block;
	uint64_t len = s->block, first = iova;

	if (random_of(w) % 4 == 0) {
		first += s->page; /* leaves the table behind, empty */
		len -= s->page;
	}
	check(s, map(w, first, len) == 0, "map");
	check(s, look(w, iova + s->block - 1), "found after map");
	check(s, unmap(w, first, len) == len, "bytes");
	if (random_of(w) % 2)
		check(s, unmap(w, iova, s->block) == 0, "nothing there");
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	while (!__atomic_load_n(&w->s->stop, __ATOMIC_RELAXED)) {
		w->step(w);
		__atomic_fetch_add(&w->s->ops, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void start(struct stress *s, struct worker *w, unsigned int index,
		  void (*step)(struct worker *w))
{
	*w = (struct worker){ .s = s, .index = index, .step = step };
	w->seed = 0x9e3779b97f4a7c15 * (index + 1);
	assert_int_equal(pthread_create(&w->thread, NULL, worker_main, w), 0);
}

enum {
	TEST_PLATFORM,
	HOSTED
};

static void open_table(struct stress *s, int platform, uint32_t features)
{
	struct uiommu_pgtable_cfg cfg = {
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = 12,
		.ias = 48,
		.oas = 48,
		.features = features,
	};

	memset(s, 0, sizeof(*s));
	if (platform == HOSTED) {
		assert_int_equal(uiommu_host_create(0, &s->host), 0);
		s->platform = uiommu_host_platform(s->host);
	} else {
		test_platform_init(&s->tp);
		s->platform = &s->tp.platform;
	}
	cfg.platform = s->platform;
	assert_int_equal(uiommu_pgtable_create(&cfg, &s->pt), 0);
	s->page = 4096;
	s->block = 512 * s->page;
	s->base = 512 * s->block;
}

static void close_table(struct stress *s)
{
	assert_int_equal(s->errors, 0);
	if (s->host) {
		uiommu_pgtable_destroy(s->pt);
		/* A call that ends may have started the next one. */
		for (int i = 0; i < 100 && uiommu_host_live(s->host); i++)
			uiommu_host_barrier(s->host);
		assert_int_equal(uiommu_host_live(s->host), 0);
		uiommu_host_destroy(s->host);
		return;
	}
	test_platform_run_deferred(&s->tp);
	assert_int_equal(uiommu_pgtable_table_bytes(s->pt), s->tp.live_bytes);
	uiommu_pgtable_destroy(s->pt);
	test_platform_fini(&s->tp);
}

static void run(struct stress *s, void (*step)(struct worker *w))
{
	const uint64_t *const turns[] = { &s->ops };
	struct worker workers[OWNERS + READERS];

	for (unsigned int i = 0; i < OWNERS; i++)
		start(s, &workers[i], i, step);
	for (unsigned int i = OWNERS; i < OWNERS + READERS; i++)
		start(s, &workers[i], i, read_anything);
	let_fight(stress_ms(1000), turns, 1);
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < OWNERS + READERS; i++)
		pthread_join(workers[i].thread, NULL);
	print_message("# %llu rounds, %llu look-ups found, %llu waits\n",
		      (unsigned long long)s->ops, (unsigned long long)s->seen,
		      (unsigned long long)s->eagain);
	assert_true(s->ops > 100);
}

static void disjoint_pages_share_tables(void **state)
{
	for (int platform = TEST_PLATFORM; platform <= HOSTED; platform++) {
		struct stress s;

		open_table(&s, platform, 0);
		s.nr_pages = 4 * 512;
		run(&s, pages_in_between);
		close_table(&s);
	}
}

static void tables_come_and_go(void **state)
{
	for (int platform = TEST_PLATFORM; platform <= HOSTED; platform++) {
		struct stress s;

		open_table(&s, platform, 0);
		s.nr_pages = 4 * 512;
		run(&s, whole_tables);
		close_table(&s);
	}
}

/* Owners take one block apart from both ends of each pair of pages. */
static void take_apart(struct worker *w)
{
	struct stress *s = w->s;

	for (uint64_t i = w->index; i < s->nr_pages; i += OWNERS) {
		uint64_t iova = s->base + i * s->page;

		check(s, look(w, iova), "there before unmap");
		check(s, unmap(w, iova, s->page) == s->page, "bytes");
		check(s, !look(w, iova), "gone after unmap");
	}
}

static void *take_apart_main(void *arg)
{
	struct worker *w = arg;

	arrive(w->s);
	meet(w->s, OWNERS);
	take_apart(w);
	return NULL;
}

/*
 * One reader per round only looks; the others start on the same leaf at the
 * same time.
 */
static void split_once(struct stress *s, uint64_t len)
{
	struct worker workers[OWNERS + 1];
	struct worker me = { .s = s };

	assert_int_equal(map(&me, s->base, len), 0);
	s->nr_pages = len / s->page;
	if (s->nr_pages > 1024)
		s->nr_pages = 1024;
	s->stop = false;
	s->arrived = 0;
	start(s, &workers[OWNERS], OWNERS, read_anything);
	for (unsigned int i = 0; i < OWNERS; i++) {
		workers[i] = (struct worker){ .s = s, .index = i, .seed = 1 };
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						take_apart_main, &workers[i]),
				 0);
	}
	for (unsigned int i = 0; i < OWNERS; i++)
		pthread_join(workers[i].thread, NULL);
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	pthread_join(workers[OWNERS].thread, NULL);
	assert_int_equal(unmap(&me, s->base, len), len - s->nr_pages * s->page);
}

static void leaves_are_split_by_two(void **state)
{
	static const uint32_t features[] = { 0, UIOMMU_PGTABLE_BBML2 };

	for (int f = 0; f < 2; f++) {
		struct stress s;

		open_table(&s, f ? HOSTED : TEST_PLATFORM, features[f]);
		s.base = 1ull << 39;
		for (int i = 0; i < 100; i++) {
			split_once(&s, s.block);
			split_once(&s, 512 * s.block);
		}
		print_message("# %llu waits\n", (unsigned long long)s.eagain);
		close_table(&s);
	}
}

#define ROUNDS 4000

/*
 * Each round begins for all at once with no table below the root, and all need
 * the same ones, every second time for more than one run of leaves.  The first
 * owner unmaps everything when all have looked.
 */
static void *put_together_main(void *arg)
{
	struct worker *w = arg;
	struct stress *s = w->s;
	uint64_t iova = s->base + (w->index + 1) * s->block - s->page;
	uint64_t goal = 0, len, bytes;

	for (int round = 0; round < ROUNDS; round++) {
		len = s->page << (round & 1);
		arrive(s);
		meet(s, goal += OWNERS);
		check(s, map(w, iova, len) == 0, "map");
		arrive(s);
		meet(s, goal += OWNERS);
		check(s, look(w, iova), "found after map");
		goal += OWNERS;
		if (w->index == 0) {
			meet(s, goal - 1);
			bytes = unmap(w, 0, 1ull << 48);
			check(s, bytes == OWNERS * len, "all of them");
		}
		arrive(s);
	}
	return NULL;
}

static void tables_are_added_by_one(void **state)
{
	struct worker workers[OWNERS];
	struct stress s;

	open_table(&s, TEST_PLATFORM, 0);
	for (unsigned int i = 0; i < OWNERS; i++) {
		workers[i] = (struct worker){ .s = &s, .index = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						put_together_main, &workers[i]),
				 0);
	}
	for (unsigned int i = 0; i < OWNERS; i++)
		pthread_join(workers[i].thread, NULL);
	close_table(&s);
}

/* ---- the hardware ---- */

/* The slot that maps `iova`, as a walker finds it; 4K, stage 1, 48 bits. */
static uint64_t *hw_slot(struct stress *s, uint64_t iova, unsigned int *lg2)
{
	const struct uiommu_platform *pf = s->platform;
	struct uiommu_pgtable_info info;
	uint64_t *slot, pa, d;

	uiommu_pgtable_info(s->pt, &info);
	pa = info.root;
	for (*lg2 = 39;; *lg2 -= 9) {
		slot = (uint64_t *)pf->pa_to_va(pf->ctx, pa) +
		       (iova >> *lg2 & 511);
		d = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		if (*lg2 == 12 || (d & 3) != 3)
			return slot;
		pa = d & 0x0000fffffffff000;
	}
}

/* After an unmap no slot of its group may invite to keep the whole group. */
static void check_no_group(struct stress *s, uint64_t iova)
{
	unsigned int lg2;
	uint64_t *slot = hw_slot(s, iova, &lg2), d;

	slot = (uint64_t *)((uintptr_t)slot & ~(uintptr_t)127);
	for (int i = 0; i < 16; i++) {
		d = __atomic_load_n(&slot[i], __ATOMIC_ACQUIRE);
		check(s, !(d & 1) || !(d >> 52 & 1), "group is still there");
	}
}

static void *ungroup_main(void *arg)
{
	struct worker *w = arg;
	struct stress *s = w->s;

	arrive(s);
	meet(s, OWNERS);
	for (uint64_t i = w->index; i < s->nr_pages; i += OWNERS) {
		uint64_t iova = s->base + i * s->page;

		check(s, look(w, iova), "there before unmap");
		check(s, unmap(w, iova, s->page) == s->page, "bytes");
		check_no_group(s, iova);
		check(s, !look(w, iova), "gone after unmap");
		/* Once more, as a single page. */
		check(s, map(w, iova, s->page) == 0, "map");
		check(s, look(w, iova), "found after map");
		check_no_group(s, iova);
	}
	return NULL;
}

/* Two take the same groups apart, of pages and of blocks, under a reader. */
static void groups_come_apart(void **state)
{
	static const uint32_t features[] = { 0, UIOMMU_PGTABLE_BBML1,
					     UIOMMU_PGTABLE_BBML2 };

	for (int f = 0; f < 3; f++) {
		struct worker workers[OWNERS + 1], me;
		struct stress s;
		uint64_t len;

		open_table(&s, f == 1 ? HOSTED : TEST_PLATFORM,
			   features[f] | UIOMMU_PGTABLE_CONTIG);
		s.base = 1ull << 39;
		for (int round = 0; round < 60; round++) {
			me = (struct worker){ .s = &s };
			/* 1M of pages, or 32M of blocks. */
			len = round & 1 ? 16 * s.block : 256 * s.page;
			assert_int_equal(map(&me, s.base, len), 0);
			s.nr_pages = 256;
			s.stop = false;
			s.arrived = 0;
			start(&s, &workers[OWNERS], OWNERS, read_anything);
			for (unsigned int i = 0; i < OWNERS; i++) {
				workers[i] =
					(struct worker){ .s = &s, .index = i };
				assert_int_equal(
					pthread_create(&workers[i].thread, NULL,
						       ungroup_main,
						       &workers[i]),
					0);
			}
			for (unsigned int i = 0; i < OWNERS; i++)
				pthread_join(workers[i].thread, NULL);
			__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
			pthread_join(workers[OWNERS].thread, NULL);
			assert_int_equal(unmap(&me, s.base, len), len);
		}
		print_message("# %llu waits\n", (unsigned long long)s.eagain);
		close_table(&s);
	}
}

#define FIRE_PAGES 512u
#define FIRE_ROUNDS 100

/* One 2 MiB block, page by page: written, reported. */
struct fire {
	struct stress s;
	uint32_t written[FIRE_PAGES];  /* atomic */
	uint32_t reported[FIRE_PAGES]; /* atomic */
	uint64_t writes;
};

/* A write through the leaf that the walker finds; sets its dirty state. */
static void hw_write(struct fire *f, uint64_t page)
{
	struct stress *s = &f->s;
	const struct uiommu_platform *pf = s->platform;
	unsigned int lg2;
	uint64_t *slot, d;

	pf->read_begin(pf->ctx);
	slot = hw_slot(s, s->base + page * s->page, &lg2);
	d = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
	/* DBM = 1 and AP[2] = 1 of a valid leaf */
	if ((d & 3) == (lg2 == 12 ? 3 : 1) && (d >> 51 & 1) && (d >> 7 & 1)) {
		/* Before the descriptor says so: who reads it finds this. */
		__atomic_store_n(&f->written[page], 1, __ATOMIC_RELEASE);
		__atomic_store_n(&f->reported[page], 0, __ATOMIC_RELEASE);
		if (__atomic_compare_exchange_n(slot, &d, d ^ 0x80, false,
						__ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			f->writes++;
		else
			__atomic_store_n(&f->written[page], 0,
					 __ATOMIC_RELEASE);
	}
	pf->read_end(pf->ctx);
}

static void hw_step(struct worker *w)
{
	struct fire *f = (struct fire *)w->s;

	/* Even pages stay mapped; each is written again once it was reported. */
	for (uint64_t page = random_of(w) % 64 * 2; page < FIRE_PAGES;
	     page += 32)
		if (!__atomic_load_n(&f->written[page], __ATOMIC_ACQUIRE) ||
		    __atomic_load_n(&f->reported[page], __ATOMIC_ACQUIRE))
			hw_write(f, page);
}

static void fire_report(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct fire *f = ctx;
	uint64_t page = (iova - f->s.base) / f->s.page;

	for (; size; size -= f->s.page, page++)
		__atomic_store_n(&f->reported[page], 1, __ATOMIC_RELEASE);
}

static void dirty_step(struct worker *w)
{
	struct stress *s = w->s;
	struct uiommu_gather gather;
	int rc;

	uiommu_gather_init(&gather);
	rc = uiommu_pgtable_read_and_clear_dirty(s->pt, s->base, s->block, 0,
						 fire_report, s, &gather);
	check(s, rc == 0, "read and clear");
	uiommu_gather_release(&gather);
}

/* Until the other two have done something, however few processors there are. */
static void let_them(struct stress *s)
{
	uint64_t goal = __atomic_load_n(&s->ops, __ATOMIC_RELAXED) + 4;

	while (__atomic_load_n(&s->ops, __ATOMIC_RELAXED) < goal)
		s->platform->relax(s->platform->ctx);
}

/* Take every second page out of the block, while all that goes on. */
static void fire_round(struct fire *f)
{
	struct stress *s = &f->s;
	struct worker hw, dirty, me = { .s = s, .seed = 5 };
	uint64_t page;

	memset(f->written, 0, sizeof(f->written));
	memset(f->reported, 0, sizeof(f->reported));
	assert_int_equal(map(&me, s->base, s->block), 0);
	s->stop = false;
	start(s, &hw, 0, hw_step);
	start(s, &dirty, 1, dirty_step);
	for (page = 1; page < FIRE_PAGES; page += 2) {
		if (page % 128 == 1)
			let_them(s);
		check(s,
		      unmap(&me, s->base + page * s->page, s->page) == s->page,
		      "bytes");
	}
	/* Rights come and go, but not that of writing. */
	for (page = 0; page < 64; page += 2) {
		struct uiommu_gather gather;

		uiommu_gather_init(&gather);
		check(s,
		      uiommu_pgtable_protect(
			      s->pt, s->base + page * s->page, s->page,
			      RW | (page & 4 ? UIOMMU_PROT_EXEC : 0),
			      &gather) == 0,
		      "protect");
		uiommu_gather_release(&gather);
	}
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	pthread_join(hw.thread, NULL);
	pthread_join(dirty.thread, NULL);
	dirty_step(&me);
	for (page = 0; page < FIRE_PAGES; page += 2)
		check(s, !f->written[page] || f->reported[page],
		      "a write was lost");
	assert_int_equal(unmap(&me, s->base, s->block), s->block / 2);
}

static void no_write_is_lost(void **state)
{
	static struct fire f;

	for (int direct = 0; direct < 2; direct++) {
		open_table(&f.s, direct ? HOSTED : TEST_PLATFORM,
			   UIOMMU_PGTABLE_DBM |
				   (direct ? UIOMMU_PGTABLE_BBML2 : 0));
		f.writes = 0;
		f.s.nr_pages = FIRE_PAGES;
		for (int round = 0; round < FIRE_ROUNDS; round++)
			fire_round(&f);
		print_message("# %llu writes, %llu waits\n",
			      (unsigned long long)f.writes,
			      (unsigned long long)f.s.eagain);
		assert_true(f.writes > FIRE_ROUNDS);
		close_table(&f.s);
	}
}

/* Whoever changes it trims as well; the others only look. */
static void map_and_trim(struct worker *w)
{
	struct stress *s = w->s;
	struct uiommu_gather gather;
	uint64_t iova;

	if (w->index != 0) {
		read_anything(w);
		return;
	}
	iova = s->base + random_of(w) % s->nr_pages * s->page;
	check(s, map(w, iova, s->page) == 0, "map");
	check(s, look(w, iova), "found after map");
	uiommu_gather_init(&gather);
	uiommu_pgtable_trim(s->pt, &gather);
	uiommu_gather_release(&gather);
	check(s, look(w, iova), "found after trim");
	check(s, unmap(w, iova, s->page) == s->page, "bytes");
	uiommu_pgtable_trim(s->pt, &gather);
	check(s, gather.tables != NULL, "something was empty");
	uiommu_gather_release(&gather);
}

static void trim_under_readers(void **state)
{
	for (int platform = TEST_PLATFORM; platform <= HOSTED; platform++) {
		struct stress s;

		open_table(&s, platform, 0);
		s.nr_pages = 4 * 512;
		run(&s, map_and_trim);
		close_table(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disjoint_pages_share_tables),
		cmocka_unit_test(tables_come_and_go),
		cmocka_unit_test(tables_are_added_by_one),
		cmocka_unit_test(leaves_are_split_by_two),
		cmocka_unit_test(groups_come_apart),
		cmocka_unit_test(no_write_is_lost),
		cmocka_unit_test(trim_under_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
