/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirty_test.c - dirty tracking on a whole machine: what the test endpoint writes
 * is what GET_DIRTY_BITMAP says, with a PASID and without, at both stages, and
 * while it goes on writing.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <uiommu/uapi/iommufd.h>

#include "base/atomic.h"
#include "nth.h"
#include "testep.h"

#define IOVA UINT64_C(0x10000000)
#define PAGE UINT64_C(4096)
#define PAGES 64u
#define PASID 9u
#define DIRTY IOMMU_HWPT_ALLOC_DIRTY_TRACKING

/* A device that uses a page table with dirty tracking, which is on. */
struct scene {
	struct uiommu_machine *machine;
	struct client c;
	uint32_t hwpt;
	uint8_t *mem; /* PAGES, from IOVA on */
};

static int set(struct scene *s, uint32_t flags)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.hwpt_id = s->hwpt,
	};

	return (int)client_ioctl(s->c.abi, s->c.space_fd,
				 IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd);
}

static void open_scene(struct scene *s, uint32_t flags)
{
	guard_ok();
	s->machine = machine_ok("testep");
	client_open_iommufd(&s->c, s->machine, 0);
	client_master(&s->c, true);
	s->mem = pages_ok(PAGES * PAGE);
	memset(s->mem, 0, PAGES * PAGE);
	client_map_ok(&s->c, s->mem, PAGES * PAGE, IOVA);
	s->hwpt = client_hwpt_ok(&s->c, s->c.ioas_id, DIRTY | flags);
	assert_int_equal(client_attach(&s->c, 0, s->hwpt), 0);
	assert_int_equal(set(s, IOMMU_HWPT_DIRTY_TRACKING_ENABLE), 0);
}

static void close_scene(struct scene *s)
{
	client_close(&s->c);
	pages_free(s->mem, PAGES * PAGE);
	uiommu_machine_destroy(s->machine);
}

/* The bits of all pages. */
static uint64_t get(struct scene *s, uint32_t flags)
{
	uint64_t bits = 0;
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = s->hwpt,
		.flags = flags,
		.iova = IOVA,
		.length = PAGES * PAGE,
		.page_size = PAGE,
		.data = (uintptr_t)&bits,
	};

	assert_int_equal(client_ioctl(s->c.abi, s->c.space_fd,
				      IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd),
			 0);
	return bits;
}

/* Of each page one word is written to. */
static uint64_t *word_of(struct scene *s, unsigned int page)
{
	return (uint64_t *)(void *)(s->mem + page * PAGE + 8);
}

static void writes(struct scene *s, uint32_t pasid, unsigned int page,
		   uint64_t word)
{
	testep_fill(&s->c, 1, word);
	assert_int_equal(testep_go_as(&s->c, 1, pasid, TESTEP_WRITE,
				      IOVA + page * PAGE + 8, 8),
			 TESTEP_OK);
	assert_int_equal(*word_of(s, page), word);
}

static uint64_t bit(unsigned int page)
{
	return UINT64_C(1) << page;
}

static void told_and_forgotten(struct scene *s, uint32_t pasid)
{
	assert_int_equal(get(s, 0), 0);
	/* Reading leaves no trace. */
	(void)testep_read_word(&s->c, pasid, IOVA);
	assert_int_equal(get(s, 0), 0);
	writes(s, pasid, 0, 1);
	writes(s, pasid, 7, 2);
	writes(s, pasid, 7, 3);
	writes(s, pasid, 63, 4);
	assert_int_equal(get(s, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR),
			 bit(0) | bit(7) | bit(63));
	assert_int_equal(get(s, 0), bit(0) | bit(7) | bit(63));
	assert_int_equal(get(s, 0), 0);
	/* What the TLB knew has been forgotten: it is told again. */
	writes(s, pasid, 7, 5);
	assert_int_equal(get(s, 0), bit(7));
	writes(s, pasid, 3, 6);
	assert_int_equal(set(s, IOMMU_HWPT_DIRTY_TRACKING_ENABLE), 0);
	assert_int_equal(get(s, 0), 0);
	writes(s, pasid, 4, 7);
	assert_int_equal(set(s, 0), 0);
	assert_int_equal(get(s, 0), 0);
	assert_int_equal(set(s, IOMMU_HWPT_DIRTY_TRACKING_ENABLE), 0);
}

static void without_a_pasid(void **state)
{
	struct scene s;

	open_scene(&s, 0);
	told_and_forgotten(&s, 0);
	close_scene(&s);
}

static void with_a_pasid(void **state)
{
	struct scene s;

	open_scene(&s, IOMMU_HWPT_ALLOC_PASID);
	assert_int_equal(client_attach(&s.c, PASID, s.hwpt), 0);
	told_and_forgotten(&s, PASID);
	told_and_forgotten(&s, 0);
	close_scene(&s);
}

/* A superset of Linux's: below guests' tables, pages are told of too. */
static void at_stage_2(void **state)
{
	struct scene s;

	open_scene(&s, IOMMU_HWPT_ALLOC_NEST_PARENT);
	told_and_forgotten(&s, 0);
	close_scene(&s);
}

/* What is mapped later is tracked, what was unmapped is not told of. */
static void maps_come_and_go(void **state)
{
	struct scene s;

	open_scene(&s, 0);
	writes(&s, 0, 5, 1);
	assert_int_equal(client_unmap(&s.c, IOVA, PAGES * PAGE), 0);
	assert_int_equal(get(&s, 0), 0);
	client_map_ok(&s.c, s.mem, PAGES * PAGE, IOVA);
	assert_int_equal(get(&s, 0), 0);
	writes(&s, 0, 6, 1);
	assert_int_equal(get(&s, 0), bit(6));
	close_scene(&s);
}

/* --------------------------------------------------------------- migration */

struct migration {
	struct scene s;
	uint64_t copy[PAGES]; /* of the word that is written to */
	uint32_t stop;	      /* atomic */
	uint64_t writes;      /* atomic */
};

static void *write_on(void *ctx)
{
	struct migration *m = ctx;
	uint64_t n = 0;

	while (!load_acquire(&m->stop)) {
		n++;
		testep_fill(&m->s.c, 1, n);
		(void)testep_go(&m->s.c, 1, TESTEP_WRITE,
				IOVA + n * 7 % PAGES * PAGE + 8, 8);
		store_release(&m->writes, n);
	}
	return NULL;
}

static unsigned int copy_dirty(struct migration *m)
{
	uint64_t bits = get(&m->s, 0);
	unsigned int nr = 0;

	for (unsigned int i = 0; i < PAGES; i++) {
		if (!(bits & bit(i)))
			continue;
		m->copy[i] = load_relaxed(word_of(&m->s, i));
		nr++;
	}
	return nr;
}

/*
 * Copy what is told to be dirty while the device writes on; when it has stopped,
 * a last look makes the copy complete: no write was missed.
 */
static void nothing_is_missed(void **state)
{
	struct migration m = { 0 };
	unsigned int rounds = 0, copied = 0;
	uint64_t seen = 0;
	pthread_t thread;

	open_scene(&m.s, 0);
	bar_write(&m.s.c, TESTEP_SLOT(1) + 0x0c, 4, 0);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &m), 0);
	while (rounds < 300) {
		copied += copy_dirty(&m);
		/* Each round has had writes before it. */
		while (load_acquire(&m.writes) == seen)
			sched_yield();
		seen = load_acquire(&m.writes);
		rounds++;
	}
	store_release(&m.stop, 1);
	pthread_join(thread, NULL);
	copied += copy_dirty(&m);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(m.copy[i], *word_of(&m.s, i));
	assert_true(copied >= 300);
	close_scene(&m.s);
}

/* ------------------------------------------------- the nth call failing -- */

static long run_get(void *ctx)
{
	struct scene *s = ctx;
	uint64_t bits = 0;
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = s->hwpt,
		.iova = IOVA,
		.length = PAGES * PAGE,
		.page_size = PAGE,
		.data = (uintptr_t)&bits,
	};
	long rc = client_ioctl(s->c.abi, s->c.space_fd,
			       IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd);

	if (!rc)
		assert_int_equal(bits, bit(2));
	else
		assert_int_equal(bits, 0);
	return rc;
}

/* The page is dirty again. */
static void undo_get(void *ctx)
{
	writes(ctx, 0, 2, 8);
}

static void with_the_nth_failing(void **state)
{
	static const struct nth_call call = { "get", run_get, undo_get, NULL,
					      1 };
	struct scene s;

	open_scene(&s, 0);
	undo_get(&s);
	nth_each(s.machine, &call, &s);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_pasid),
		cmocka_unit_test(with_a_pasid),
		cmocka_unit_test(at_stage_2),
		cmocka_unit_test(maps_come_and_go),
		cmocka_unit_test(nothing_is_missed),
		cmocka_unit_test(with_the_nth_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
