/* SPDX-License-Identifier: BSD-2-Clause */
/* Pinned memory shared by areas: counts, gaps, splits, runs. */
#include <stdlib.h>

#include "core/core_private.h"
#include "world.h"

static struct core_pages *open_pages(struct world *w, uint64_t uva)
{
	struct core_pages *pages;

	assert_int_equal(core_pages_create(w->core, &w->mm.mm, uva,
					   UIOMMU_PIN_WRITE, &pages),
			 0);
	return pages;
}

/* Page i of memory is pinned want[i] - '0' times. */
static void check_pins(struct world *w, const char *want)
{
	for (unsigned int i = 0; want[i]; i++)
		if (w->mm.pins[i] != (uint32_t)(want[i] - '0'))
			fail_msg("page %u: %u pins, not %c", i, w->mm.pins[i],
				 want[i]);
}

static void overlapping_users_pin_once(void **state)
{
	struct world *w = *state;
	struct core_pages *p = open_pages(w, MEM);

	assert_int_equal(core_pages_pin(p, 2 * PAGE, 4 * PAGE - 1), 0);
	check_pins(w, "00110000");
	assert_int_equal(core_pages_pin(p, 0, 8 * PAGE - 1), 0);
	check_pins(w, "11111111");
	assert_int_equal(core_pages_pin(p, 3 * PAGE, 6 * PAGE - 1), 0);
	check_pins(w, "11111111");
	core_pages_unpin(p, 0, 8 * PAGE - 1);
	check_pins(w, "00111100");
	core_pages_unpin(p, 2 * PAGE, 4 * PAGE - 1);
	check_pins(w, "00011100");
	core_pages_unpin(p, 3 * PAGE, 6 * PAGE - 1);
	check_pins(w, "00000000");
	core_pages_put(p);
}

static void a_failure_gives_back_what_it_took(void **state)
{
	struct world *w = *state;
	struct core_pages *p = open_pages(w, MEM);

	w->mm.max_run = 1;
	assert_int_equal(core_pages_pin(p, 2 * PAGE, 4 * PAGE - 1), 0);
	/* Pages 0 and 1 go, 2 and 3 are shared, 4 and 5 go, 6 does not. */
	w->mm.fail_pin = 5;
	assert_int_equal(core_pages_pin(p, 0, 8 * PAGE - 1), -EFAULT);
	check_pins(w, "00110000");
	/* The shared ones were not counted twice. */
	core_pages_unpin(p, 2 * PAGE, 4 * PAGE - 1);
	check_pins(w, "00000000");
	core_pages_put(p);
}

/* Both halves need the page that a cut goes through. */
static void a_cut_inside_a_page_shares_it(void **state)
{
	struct world *w = *state;
	struct core_pages *p = open_pages(w, MEM);

	assert_int_equal(core_pages_pin(p, 0, 3 * PAGE - 1), 0);
	assert_int_equal(core_pages_cut(p, PAGE + 0x800), 0);
	core_pages_unpin(p, 0, PAGE + 0x7ff);
	check_pins(w, "0110");
	core_pages_unpin(p, PAGE + 0x800, 3 * PAGE - 1);
	check_pins(w, "0000");

	assert_int_equal(core_pages_pin(p, 0, 3 * PAGE - 1), 0);
	assert_int_equal(core_pages_cut(p, PAGE), 0);
	core_pages_unpin(p, PAGE, 3 * PAGE - 1);
	check_pins(w, "1000");
	core_pages_unpin(p, 0, PAGE - 1);
	core_pages_put(p);
}

/* However it was cut up, the walk gives the same bytes, joined. */
static void runs_are_whole_and_joined(void **state)
{
	struct world *w = *state;
	struct core_pages *p = open_pages(w, MEM + 0x123);
	struct core_run_iter it;
	struct uiommu_run run;

	assert_int_equal(core_pages_pin(p, 0, 16 * PAGE - 1), 0);
	for (unsigned int i = 1; i < 16; i += 3)
		assert_int_equal(core_pages_cut(p, i * PAGE), 0);
	for (uint64_t first = 0; first < 6 * PAGE; first += 0x700) {
		uint64_t last = first + 9 * PAGE - 0x123;

		core_runs_begin(&it, p, first, last);
		assert_true(core_runs_next(&it, &run));
		assert_int_equal(run.pa, fake_mm_pa(&w->mm, MEM) + first);
		assert_int_equal(run.len, last - first + 1);
		assert_false(core_runs_next(&it, &run));
	}
	for (unsigned int i = 0; i < 16; i++)
		core_pages_unpin(p, i * PAGE, (i + 1) * PAGE - 1);
	check_pins(w, "0000000000000000");

	w->mm.scatter = true;
	assert_int_equal(core_pages_pin(p, 0, 16 * PAGE - 1), 0);
	core_runs_begin(&it, p, 0x800, 3 * PAGE + 0xff);
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t off = i ? i * PAGE : 0x800;

		assert_true(core_runs_next(&it, &run));
		assert_int_equal(run.pa, fake_mm_pa(&w->mm, MEM + off));
		assert_int_equal(run.len, i == 0   ? 0x800
					  : i == 3 ? 0x100
						   : PAGE);
	}
	assert_false(core_runs_next(&it, &run));
	core_pages_unpin(p, 0, 16 * PAGE - 1);
	core_pages_put(p);
}

/* Cut to pages in any order, each page is where it was and goes by itself. */
static void cut_to_pieces(void **state)
{
	/* Steps through all pages: up, down, and by leaps. */
	static const unsigned int steps[] = { 1, 63, 23 };
	struct world *w = *state;
	struct core_run_iter it;
	struct uiommu_run run;

	w->mm.scatter = true;
	for (unsigned int s = 0; s < 3; s++) {
		struct core_pages *p = open_pages(w, MEM);

		assert_int_equal(core_pages_pin(p, 0, 64 * PAGE - 1), 0);
		for (unsigned int i = 0, at = steps[s]; i < 63;
		     i++, at = (at + steps[s]) % 64)
			assert_int_equal(core_pages_cut(p, at * PAGE), 0);
		for (unsigned int at = 0; at < 64; at++) {
			uint64_t off = at * PAGE;

			core_runs_begin(&it, p, off + 1,
					off + PAGE - (at == 63));
			assert_true(core_runs_next(&it, &run));
			assert_int_equal(run.pa,
					 fake_mm_pa(&w->mm, MEM + off) + 1);
			assert_int_equal(run.len, PAGE - 1);
			assert_int_equal(core_runs_next(&it, &run), at < 63);
			core_pages_unpin(p, off, off + PAGE - 1);
			assert_int_equal(w->mm.total, 63 - at);
			/* The next one begins where this one ends. */
			if (at < 63)
				assert_int_equal(run.pa,
						 fake_mm_pa(&w->mm,
							    MEM + off + PAGE));
		}
		core_pages_put(p);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(overlapping_users_pin_once),
		T(a_failure_gives_back_what_it_took),
		T(a_cut_inside_a_page_shares_it),
		T(runs_are_whole_and_joined),
		T(cut_to_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
