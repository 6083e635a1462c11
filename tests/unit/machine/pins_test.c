/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pins_test.c - the registry of pinned pages, against a naive array: random
 * pins, unpins, releases and replacements, every page's fate compared.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <uiommu/host.h>

#include "machine/pins.h"

#include <errno.h>
#include <string.h>

#define PAGES 64
/* Across the border of two leaves of the tree. */
#define BASE (UINT64_C(0x7f0001000000) - 32 * PIN_PAGE)
#define WINDOW UINT64_C(0x500000000000)
#define WINDOW_PAGES 4096
#define RUNS 512

struct run_rec {
	uint64_t pa, len, uva;
};

struct fix {
	struct uiommu_host *host;
	struct pins pins;
	unsigned int drains;
	/* Given back by the registry since the last look. */
	bool freed[PAGES];
	/* The naive side: generations of what stands at each page. */
	unsigned int gen[PAGES];    /* now */
	bool released[PAGES];	    /* this generation was given back */
	struct run_rec run[RUNS];   /* one page each */
	unsigned int run_gen[RUNS]; /* the generation it pinned */
	unsigned int nr_runs;
};

static void on_unpinned(void *ctx, uint64_t first, uint64_t last)
{
	struct fix *f = ctx;

	for (uint64_t va = first; va <= last; va += PIN_PAGE) {
		assert_in_range(va, BASE, BASE + (PAGES - 1) * PIN_PAGE);
		f->freed[(va - BASE) / PIN_PAGE] = true;
	}
}

static void on_drain(void *ctx, uint64_t first, uint64_t last)
{
	struct fix *f = ctx;

	f->drains++;
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct pins_cfg cfg = {
		.alias_window = { WINDOW,
				  WINDOW + WINDOW_PAGES * PIN_PAGE - 1 },
		.ctx = f,
		.unpinned = on_unpinned,
		.drain = on_drain,
	};

	assert_int_equal(uiommu_host_create(0, &f->host), 0);
	cfg.platform = uiommu_host_platform(f->host);
	assert_int_equal(pins_init(&f->pins, &cfg), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	pins_fini(&f->pins);
	assert_int_equal(uiommu_host_live(f->host), 0);
	uiommu_host_destroy(f->host);
	free(f);
	return 0;
}

static uint64_t va(unsigned int page)
{
	return BASE + page * PIN_PAGE;
}

/* What came back as less than a page. */
static void note_part(void *ctx, uint64_t first, uint64_t last)
{
	struct uiommu_range *seen = ctx;

	assert_int_equal(seen->last, 0);
	*seen = (struct uiommu_range){ first, last };
}

static void parts_of_a_page(void **state)
{
	struct fix *f = *state;
	struct pins *pins = &f->pins;
	struct uiommu_range seen = { 0 };
	struct uiommu_run run;
	struct pin_gone gone;
	uint64_t at = va(3) + 100;

	pins->cfg.unpinned = note_part;
	pins->cfg.ctx = &seen;
	assert_false(pins_maybe(pins, at, at + 9));
	assert_int_equal(pins_release_part(pins, at, at + 9, "free"), -EINVAL);
	assert_int_equal(pins_add(pins, va(3), PIN_PAGE, &run), 0);
	assert_true(pins_maybe(pins, at, at + 9));
	assert_false(pins_maybe(pins, va(4), va(5) - 1));
	assert_int_equal(pins_release_part(pins, at, at + PIN_PAGE, "free"),
			 -EINVAL);
	assert_int_equal(pins_release_part(pins, at, at + 9, "free"), 0);
	/* Found by its bytes only, and clipped. */
	assert_false(pins_find_part(pins, va(3), at - 1, &gone));
	assert_false(pins_find_part(pins, at + 10, va(4) - 1, &gone));
	assert_true(pins_find_part(pins, at + 3, va(4) - 1, &gone));
	assert_int_equal(gone.range.first, at + 3);
	assert_int_equal(gone.range.last, at + 9);
	assert_string_equal(gone.what, "free");
	/* The page lives on: a second pin keeps the bytes waiting. */
	assert_int_equal(pins_add(pins, va(3), PIN_PAGE, &run), 0);
	pins_del(pins, run.pa, PIN_PAGE);
	pins_reap(pins);
	assert_int_equal(seen.last, 0);
	pins_del(pins, run.pa, PIN_PAGE);
	/* Pinned again before anybody looked. */
	assert_int_equal(pins_add(pins, va(3), PIN_PAGE, &run), 0);
	pins_reap(pins);
	assert_int_equal(seen.last, 0);
	pins_del(pins, run.pa, PIN_PAGE);
	pins_reap(pins);
	assert_int_equal(seen.first, at);
	assert_int_equal(seen.last, at + 9);
	assert_false(pins_find_part(pins, va(3), va(4) - 1, &gone));
	assert_int_equal(pins->busy_pages, 0);
	/* No more than there is room for; what waits goes with the registry. */
	assert_int_equal(pins_add(pins, va(3), PIN_PAGE, &run), 0);
	for (unsigned int i = 0; i < PIN_PARTS_MAX; i++)
		assert_int_equal(pins_release_part(pins, va(3) + i, va(3) + i,
						   "free"),
				 0);
	assert_int_equal(pins_release_part(pins, at, at, "free"), -ENOMEM);
}

static void counts_and_runs(void **state)
{
	struct fix *f = *state;
	struct uiommu_range range;
	struct uiommu_run run;

	assert_false(pins_next(&f->pins, 0, UINT64_MAX, &range));
	assert_int_equal(pins_add(&f->pins, va(0), PAGES * PIN_PAGE, &run), 0);
	assert_int_equal(run.pa, va(0));
	assert_int_equal(run.len, PAGES * PIN_PAGE);
	assert_false(run.mmio);
	assert_int_equal(pins_add(&f->pins, va(10), PIN_PAGE, &run), 0);
	pins_del(&f->pins, va(0), PAGES * PIN_PAGE);
	assert_true(pins_next(&f->pins, 0, UINT64_MAX, &range));
	assert_int_equal(range.first, va(10));
	assert_int_equal(range.last, va(11) - 1);
	/* Clipped to what was asked. */
	assert_true(pins_next(&f->pins, va(10) + 5, va(10) + 6, &range));
	assert_int_equal(range.first, va(10) + 5);
	assert_int_equal(range.last, va(10) + 6);
	assert_false(pins_next(&f->pins, va(11), UINT64_MAX, &range));
	pins_del(&f->pins, va(10), PIN_PAGE);
	assert_int_equal(f->pins.busy_pages, 0);
	/* Too often: ignored. */
	pins_del(&f->pins, va(10), PIN_PAGE);
	assert_int_equal(pins_word(&f->pins, va(10)), 0);
}

static void bad_ranges(void **state)
{
	struct fix *f = *state;
	struct uiommu_run run;

	assert_int_equal(pins_add(&f->pins, va(0), 0, &run), -EFAULT);
	assert_int_equal(pins_add(&f->pins, va(0) + 1, PIN_PAGE, &run),
			 -EFAULT);
	assert_int_equal(pins_add(&f->pins, BIT64(48), PIN_PAGE, &run),
			 -EFAULT);
	assert_int_equal(pins_add(&f->pins, ~UINT64_C(0xfff), PIN_PAGE, &run),
			 -EFAULT);
	assert_int_equal(pins_add(&f->pins, ~UINT64_C(0xfff), 2 * PIN_PAGE,
				  &run),
			 -EFAULT);
	assert_int_equal(pins_release(&f->pins, va(0), va(1) - 1, "munmap"),
			 -EINVAL);
	assert_int_equal(pins_add(&f->pins, va(0), PIN_PAGE, &run), 0);
	assert_int_equal(pins_release(&f->pins, va(0), va(1), "munmap"),
			 -EINVAL);
	assert_int_equal(pins_release(&f->pins, va(0), va(2) - 1, "munmap"),
			 -EINVAL);
	assert_int_equal(pins_word(&f->pins, va(0)), 1);
	assert_int_equal(pins_word(&f->pins, BIT64(48)), 0);
	assert_int_equal(pins_word(&f->pins, UINT64_MAX), 0);
}

/* A page that was replaced, and mapped anew, in the middle of others. */
static void runs_end_at_an_alias(void **state)
{
	static const struct {
		uint64_t from, pages;
		bool alias;
	} want[] = { { 0, 3, false }, { 3, 1, true }, { 4, 4, false } };
	struct fix *f = *state;
	struct uiommu_run old, run;
	uint64_t done = 0;

	assert_int_equal(pins_add(&f->pins, va(3), PIN_PAGE, &old), 0);
	assert_int_equal(pins_replace(&f->pins, va(3), va(4) - 1, "mmap"), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(pins_add(&f->pins, va(0) + done,
					  8 * PIN_PAGE - done, &run),
				 0);
		assert_int_equal(run.len, want[i].pages * PIN_PAGE);
		assert_int_equal(pins_is_alias(&f->pins, run.pa),
				 want[i].alias);
		assert_int_equal(pins_uva(&f->pins, run.pa), va(want[i].from));
		done += run.len;
		pins_del(&f->pins, run.pa, run.len);
	}
	pins_del(&f->pins, old.pa, old.len);
	assert_int_equal(f->pins.busy_pages, 0);
}

/* Without memory nothing changes. */
static void every_allocation_can_fail(void **state)
{
	struct fix *f = *state;
	struct uiommu_run run;
	unsigned int n = 0;
	int rc;

	do {
		uiommu_host_fail_nth(f->host, ++n);
		rc = pins_add(&f->pins, va(0), PAGES * PIN_PAGE, &run);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(f->pins.busy_pages, 0);
		}
	} while (rc);
	assert_true(n > 2);
	assert_false(uiommu_host_fail_nth(f->host, 0));
	assert_int_equal(pins_replace(&f->pins, va(0), va(PAGES) - 1, "mmap"),
			 0);
	for (n = 1;; n++) {
		uiommu_host_fail_nth(f->host, n);
		rc = pins_add(&f->pins, va(0), PIN_PAGE, &run);
		if (!rc)
			break;
		assert_int_equal(f->pins.busy_pages, PAGES);
	}
	uiommu_host_fail_nth(f->host, 0);
	assert_true(pins_is_alias(&f->pins, run.pa));
}

/* ------------------------------------------------- against an array ---- */

static void pin_page(struct fix *f, unsigned int page)
{
	struct uiommu_run run;
	int rc;

	if (f->nr_runs == RUNS)
		return;
	rc = pins_add(&f->pins, va(page), PIN_PAGE, &run);
	if (f->released[page]) {
		assert_int_equal(rc, -EFAULT);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(run.len, PIN_PAGE);
	assert_int_equal(pins_uva(&f->pins, run.pa), va(page));
	f->run[f->nr_runs] = (struct run_rec){ run.pa, run.len, va(page) };
	f->run_gen[f->nr_runs++] = f->gen[page];
}

static unsigned int live(const struct fix *f, unsigned int page)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < f->nr_runs; i++)
		n += f->run[i].uva == va(page) && f->run_gen[i] == f->gen[page];
	return n;
}

static void unpin_one(struct fix *f, unsigned int i)
{
	unsigned int page = (unsigned int)((f->run[i].uva - BASE) / PIN_PAGE);
	bool current = f->run_gen[i] == f->gen[page];

	pins_del(&f->pins, f->run[i].pa, f->run[i].len);
	f->nr_runs--;
	f->run[i] = f->run[f->nr_runs];
	f->run_gen[i] = f->run_gen[f->nr_runs];
	memset(f->freed, 0, sizeof(f->freed));
	pins_reap(&f->pins);
	for (unsigned int p = 0; p < PAGES; p++)
		assert_int_equal(f->freed[p], p == page && current &&
						      f->released[page] &&
						      !live(f, page));
	if (f->freed[page])
		f->released[page] = false;
}

static void release_range(struct fix *f, unsigned int first, unsigned int n)
{
	bool ok = true;

	for (unsigned int p = first; p < first + n; p++)
		ok = ok && live(f, p) && !f->released[p];
	assert_int_equal(pins_release(&f->pins, va(first), va(first + n) - 1,
				      "munmap"),
			 ok ? 0 : -EINVAL);
	for (unsigned int p = first; ok && p < first + n; p++)
		f->released[p] = true;
}

static void replace_range(struct fix *f, unsigned int first, unsigned int n)
{
	assert_int_equal(pins_replace(&f->pins, va(first), va(first + n) - 1,
				      "mmap"),
			 0);
	for (unsigned int p = first; p < first + n; p++) {
		f->gen[p]++;
		f->released[p] = false;
	}
}

/* May each pin be used, and what does the process hear of each page? */
static void compare(struct fix *f)
{
	struct uiommu_range range;

	for (unsigned int i = 0; i < f->nr_runs; i++) {
		unsigned int page =
			(unsigned int)((f->run[i].uva - BASE) / PIN_PAGE);
		uint32_t word = pins_word(&f->pins, f->run[i].pa);
		bool current = f->run_gen[i] == f->gen[page];

		assert_true(word & PIN_COUNT_MASK);
		assert_int_equal(!!(word & PIN_DEAD), !current);
		if (current)
			assert_int_equal(!!(word & PIN_RELEASED),
					 f->released[page]);
	}
	for (unsigned int p = 0; p < PAGES; p++)
		assert_int_equal(pins_next(&f->pins, va(p), va(p), &range),
				 live(f, p) && !f->released[p]);
}

static void random_walk(void **state)
{
	struct fix *f = *state;
	unsigned int seed = 12345;

	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int what = (unsigned int)rand_r(&seed) % 100;
		unsigned int page = (unsigned int)rand_r(&seed) % PAGES;
		unsigned int n = 1 + (unsigned int)rand_r(&seed) % 4;

		n = page + n > PAGES ? PAGES - page : n;
		if (what < 45)
			pin_page(f, page);
		else if (what < 85 && f->nr_runs)
			unpin_one(f, (unsigned int)rand_r(&seed) % f->nr_runs);
		else if (what < 95)
			release_range(f, page, n);
		else
			replace_range(f, page, n);
		if (step % 16 == 0)
			compare(f);
	}
	while (f->nr_runs)
		unpin_one(f, 0);
	assert_int_equal(f->pins.busy_pages, 0);
	assert_true(list_empty(&f->pins.aliases));
	assert_true(f->drains > 0);
}

static void count_left(void *ctx, const struct pin_gone *gone)
{
	unsigned int *n = ctx;

	assert_string_equal(gone->what, "free");
	(*n)++;
}

static void given_up_memory_is_named(void **state)
{
	struct fix *f = *state;
	struct uiommu_run run;
	struct pin_gone gone;
	unsigned int n = 0;

	assert_int_equal(pins_add(&f->pins, va(0), 4 * PIN_PAGE, &run), 0);
	assert_int_equal(pins_release(&f->pins, va(1), va(3) - 1, "free"), 0);
	assert_true(pins_find_gone(&f->pins, va(1) + 77, &gone));
	assert_false(gone.replaced);
	assert_int_equal(gone.range.first, va(1));
	assert_int_equal(gone.range.last, va(3) - 1);
	assert_false(pins_find_gone(&f->pins, va(0), &gone));
	pins_visit_gone(&f->pins, count_left, &n);
	assert_int_equal(n, 1);
	pins_del(&f->pins, va(0), 4 * PIN_PAGE);
	pins_reap(&f->pins);
	assert_true(f->freed[1] && f->freed[2] && !f->freed[0]);
	n = 0;
	pins_visit_gone(&f->pins, count_left, &n);
	assert_int_equal(n, 0);
	assert_false(pins_find_gone(&f->pins, va(1), &gone));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(counts_and_runs),	      T(parts_of_a_page),
		T(runs_end_at_an_alias),      T(bad_ranges),
		T(every_allocation_can_fail), T(random_walk),
		T(given_up_memory_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
