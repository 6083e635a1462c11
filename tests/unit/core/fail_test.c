/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every path of an IOAS with the nth allocation, the nth pinned page or the
 * flush failing: the state after a failed call is the state before it.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum {
	SHOWN = 2048
}; /* pages of IOVA that a dump looks at */

struct scene {
	struct world *w;
	struct uiommu_ioas *a, *b; /* a: two domains, b: one */
	struct uiommu_domain *dom[3], *spare;
	uint64_t iova;
};

/* How the scene is set. */
struct stage {
	bool cut;	  /* the block at 0x200000 at 0x240000 and 0x280000 */
	bool small_pages; /* a maps page by page */
};

/*
 * a: pages 0..63 at 0x100000 and 512.. (a block) at 0x200000; b: shares 4
 * pages of the first, at 0x40000.
 */
static void scene_open(struct scene *s, struct world *w,
		       const struct stage *stage)
{
	s->w = w;
	s->a = new_ioas(w);
	s->b = new_ioas(w);
	if (stage->small_pages)
		uiommu_ioas_set_huge_pages(s->a, false);
	s->dom[0] = join(w, s->a);
	s->dom[1] = join(w, s->a);
	s->dom[2] = join(w, s->b);
	s->spare = new_domain(w);
	assert_int_equal(map_at(w, s->a, 0, 64, 0x100000, RW), 0);
	assert_int_equal(map_at(w, s->a, 512, 512, 0x200000, RW), 0);
	s->iova = 0x40000;
	assert_int_equal(uiommu_ioas_copy(s->b, s->a, 0x108000, 4 * PAGE, RW,
					  FIXED, &s->iova),
			 0);
	if (!stage->cut)
		return;
	assert_int_equal(uiommu_ioas_cut(s->a, 0x240000), 0);
	assert_int_equal(uiommu_ioas_cut(s->a, 0x280000), 0);
}

static void scene_close(struct scene *s)
{
	for (int i = 0; i < 2; i++)
		leave(s->a, s->dom[i]);
	leave(s->b, s->dom[2]);
	uiommu_domain_free(s->spare);
	uiommu_ioas_destroy(s->a);
	uiommu_ioas_destroy(s->b);
}

static char *scene_dump(struct scene *s)
{
	char *a = dump(s->w, s->a, s->dom, 2, SHOWN);
	char *b = dump(s->w, s->b, &s->dom[2], 1, SHOWN);
	char *c = dump(s->w, s->b, &s->spare, 1, SHOWN);
	size_t len = strlen(a) + strlen(b) + strlen(c) + 1;
	char *all = malloc(len);

	assert_non_null(all);
	strcpy(all, a);
	strcat(all, b);
	strcat(all, c);
	free(a);
	free(b);
	free(c);
	return all;
}

static int step_map(struct scene *s)
{
	/* Across the border of two tables. */
	s->iova = 0x600000 - 64 * PAGE;
	return uiommu_ioas_map(s->a, &s->w->mm.mm, MEM + 100 * PAGE, 130 * PAGE,
			       RW, FIXED, &s->iova);
}

static int step_map_auto(struct scene *s)
{
	s->iova = 0;
	return uiommu_ioas_map(s->a, &s->w->mm.mm, MEM, 3 * PAGE, RW, 0,
			       &s->iova);
}

static int step_copy(struct scene *s)
{
	s->iova = 0x700000;
	return uiommu_ioas_copy(s->b, s->a, 0x100000, 64 * PAGE, RW, FIXED,
				&s->iova);
}

static int step_unmap(struct scene *s)
{
	uint64_t n;

	return uiommu_ioas_unmap(s->a, 0, 1ull << 40, &n);
}

/* The middle of a block that cuts have divided. */
static int step_unmap_cut(struct scene *s)
{
	uint64_t n;

	return uiommu_ioas_unmap(s->a, 0x240000, 0x40000, &n);
}

/* One area that goes at once, then one that must be split off a block. */
static int step_unmap_to_cut(struct scene *s)
{
	uint64_t n;

	return uiommu_ioas_unmap(s->a, 0x100000, 0x140000, &n);
}

static int step_cut(struct scene *s)
{
	return uiommu_ioas_cut(s->a, 0x10a000);
}

static int step_add_domain(struct scene *s)
{
	return uiommu_ioas_add_domain(s->a, s->spare);
}

static int step_allow(struct scene *s)
{
	static const struct uiommu_range r[] = { { 9, 12 }, { 1, 5 } };

	return uiommu_ioas_allow_iovas(s->a, r, 2);
}

static int step_reserve(struct scene *s)
{
	return uiommu_ioas_reserve_device(s->a, s->w->dev[0]);
}

struct step {
	const char *name;
	int (*run)(struct scene *s);
	void (*undo)(struct scene *s);
	struct stage stage;
	unsigned int least; /* allocations that must be seen to fail */
};

static void undo_add_domain(struct scene *s)
{
	uiommu_ioas_remove_domain(s->a, s->spare);
}

static void undo_reserve(struct scene *s)
{
	uiommu_ioas_unreserve_device(s->a, s->w->dev[0]);
}

static const struct step steps[] = {
	{ "map", step_map, NULL, { 0 }, 5 },
	{ "map_auto", step_map_auto, NULL, { 0 }, 3 },
	{ "copy", step_copy, NULL, { 0 }, 2 },
	{ "unmap", step_unmap, NULL, { 0 }, 0 },
	{ "unmap after cuts", step_unmap_cut, NULL, { .cut = true }, 2 },
	{ "unmap up to a cut", step_unmap_to_cut, NULL, { .cut = true }, 2 },
	{ "cut", step_cut, NULL, { 0 }, 2 },
	{ "map small", step_map, NULL, { .small_pages = true }, 5 },
	{ "allow", step_allow, NULL, { 0 }, 1 },
	{ "reserve", step_reserve, undo_reserve, { 0 }, 1 },
	{ "add_domain", step_add_domain, undo_add_domain, { 0 }, 2 },
};

/* Walk one step; `arm` asks for the nth failure and says if it struck. */
static unsigned int walk(struct world *w, const struct step *step,
			 bool (*arm)(struct world *w, unsigned int n))
{
	unsigned int n = 0, failures = 0;
	bool fired;

	do {
		char *before, *after;
		struct scene s;
		int rc;

		scene_open(&s, w, &step->stage);
		before = scene_dump(&s);
		arm(w, ++n);
		rc = step->run(&s);
		fired = arm(w, 0);
		if (rc) {
			assert_true(fired);
			failures++;
			after = scene_dump(&s);
			assert_string_equal(before, after);
			free(after);
			/* And it works when there is enough. */
			rc = step->run(&s);
		}
		if (rc)
			fail_msg("%s: %d", step->name, rc);
		if (step->undo)
			step->undo(&s);
		free(before);
		scene_close(&s);
		assert_int_equal(w->mm.total, 0);
		assert_int_equal(w->mm.bad, 0);
	} while (fired && n < 1000);
	assert_false(fired);
	return failures;
}

static bool arm_alloc(struct world *w, unsigned int n)
{
	return uiommu_host_fail_nth(w->host, n);
}

static void the_nth_allocation_fails(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_true(walk(w, &steps[i], arm_alloc) >= steps[i].least);
	/* Again with memory in pieces: the failure strikes between two. */
	w->mm.scatter = true;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		walk(w, &steps[i], arm_alloc);
}

/* All pieces of what was cut: no leaf needs to be split, so no memory. */
static void unmapping_everything_cannot_fail(void **state)
{
	const struct step all = {
		"unmap", step_unmap, NULL, { .cut = true }, 0
	};

	assert_int_equal(walk(*state, &all, arm_alloc), 0);
}

static bool arm_pin(struct world *w, unsigned int n)
{
	bool fired = n == 0 && w->mm.fail_pin == 0;

	w->mm.fail_pin = n;
	return fired;
}

static void the_nth_page_cannot_be_pinned(void **state)
{
	struct world *w = *state;

	w->mm.max_run = 3;
	assert_int_equal(walk(w, &steps[0], arm_pin), 130 / 3 + 1);
	w->mm.scatter = true;
	assert_int_equal(walk(w, &steps[0], arm_pin), 130);
	assert_int_equal(walk(w, &steps[1], arm_pin), 3);
	/* Only the first domain pins, so a third does not. */
	assert_int_equal(walk(w, &steps[10], arm_pin), 0);
}

/* Pins that nobody may take back stay; nothing else is disturbed. */
static void a_flush_that_fails_leaks_on_purpose(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *good = join(w, ioas), *bad = join(w, ioas);
	uiommu_pa_t pa;
	uint64_t n, live;

	assert_int_equal(map_at(w, ioas, 0, 4, 0x10000, RW), 0);
	assert_int_equal(map_at(w, ioas, 8, 4, 0x20000, RW), 0);
	assert_int_equal(
		uiommu_group_attach(uiommu_device_group(w->dev[0]), bad), 0);
	assert_int_equal(fake_dma(w->fu, 1, 0x10000, false, &pa), 0);

	/* The second flush of the call is the second domain's. */
	w->fu->fail_flush = 2;
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x10000, 4 * PAGE, &n), 0);
	assert_int_equal(n, 4 * PAGE);
	assert_int_equal(w->mm.total, 8);
	/* The hardware still uses it, so the memory must still be there. */
	assert_int_equal(fake_dma(w->fu, 1, 0x10000, false, &pa), 0);
	assert_int_equal(w->mm.bad, 0);

	/* A dead domain maps nothing more, and nothing leaks by that. */
	assert_int_equal(map_at(w, ioas, 0, 4, 0x10000, RW), -EIO);
	uiommu_group_detach(uiommu_device_group(w->dev[0]));
	uiommu_ioas_remove_domain(ioas, bad);
	live = uiommu_host_live(w->host);
	uiommu_domain_free(bad);
	/* Only the core's own object goes, not the hardware's domain. */
	assert_int_equal(uiommu_host_live(w->host), live - 1);

	/* Without it all goes on; what it may use stays pinned. */
	assert_int_equal(map_at(w, ioas, 0, 4, 0x10000, RW), 0);
	assert_true(shows(w, good, 0x10000, 0, 4));
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &n), 0);
	assert_int_equal(n, 8 * PAGE);
	assert_true(w->mm.pins[0] && w->mm.pins[8]);
	leave(ioas, good);
	uiommu_ioas_destroy(ioas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_nth_allocation_fails,
						world_open, world_close),
		cmocka_unit_test_setup_teardown(unmapping_everything_cannot_fail,
						world_open, world_close),
		cmocka_unit_test_setup_teardown(the_nth_page_cannot_be_pinned,
						world_open, world_close),
		cmocka_unit_test_setup_teardown(
			a_flush_that_fails_leaks_on_purpose, world_open,
			world_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
