/* SPDX-License-Identifier: BSD-2-Clause */
/* The allocator of PASIDs, and the map of a group's, against naive ones. */
#include <stdlib.h>

#include "core/core_private.h"
#include "world.h"

#define ALL (1u << 20)

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static uint32_t take(struct world *w, uint32_t first, uint32_t last)
{
	uint32_t pasid = 0;

	assert_int_equal(uiommu_pasid_alloc(w->core, first, last, &pasid), 0);
	return pasid;
}

static void the_lowest_free_one(void **state)
{
	struct world *w = *state;
	uint32_t pasid = 77;

	assert_int_equal(take(w, 1, 15), 1);
	assert_int_equal(take(w, 1, 15), 2);
	assert_int_equal(take(w, 1, 15), 3);
	uiommu_pasid_free(w->core, 2);
	assert_int_equal(take(w, 1, ALL - 1), 2);
	assert_int_equal(take(w, 3, 4), 4);
	assert_int_equal(uiommu_pasid_alloc(w->core, 3, 4, &pasid), -ENOSPC);
	assert_int_equal(take(w, ALL - 1, ALL - 1), ALL - 1);
	assert_int_equal(uiommu_pasid_alloc(w->core, ALL - 1, ALL - 1, &pasid),
			 -ENOSPC);
	assert_int_equal(pasid, 77);
}

static void ranges_that_are_none(void **state)
{
	struct world *w = *state;
	unsigned int lines;
	uint32_t pasid;

	assert_int_equal(uiommu_pasid_alloc(w->core, 0, 5, &pasid), -EINVAL);
	assert_int_equal(uiommu_pasid_alloc(w->core, 6, 5, &pasid), -EINVAL);
	assert_int_equal(uiommu_pasid_alloc(w->core, 1, ALL, &pasid), -EINVAL);
	assert_int_equal(uiommu_pasid_alloc(w->core, 1, ~0u, &pasid), -EINVAL);
	/* Given back by somebody who did not have it: told, and nothing more. */
	lines = log_lines();
	uiommu_pasid_free(w->core, 0);
	uiommu_pasid_free(w->core, 5);
	uiommu_pasid_free(w->core, ALL);
	uiommu_pasid_free(w->core, ~0u);
	assert_int_equal(log_lines(), lines + 4);
	assert_int_equal(take(w, 1, ALL - 1), 1);
}

static void out_of_memory(void **state)
{
	struct world *w = *state;
	uint64_t live = uiommu_host_live(w->host);
	uint32_t pasid = 77;

	uiommu_host_fail_nth(w->host, 1);
	assert_int_equal(uiommu_pasid_alloc(w->core, 1, 9, &pasid), -ENOMEM);
	uiommu_host_fail_nth(w->host, 0);
	assert_int_equal(pasid, 77);
	assert_int_equal(uiommu_host_live(w->host), live);
	assert_int_equal(take(w, 1, 9), 1);
	uiommu_pasid_free(w->core, 1);
	assert_int_equal(uiommu_host_live(w->host), live);
}

/* Until there is none left, and all over again. */
static void all_of_them(void **state)
{
	struct world *w = *state;
	uint64_t live = uiommu_host_live(w->host);
	uint32_t pasid;

	for (uint32_t i = 1; i < ALL; i++)
		if (take(w, 1, ALL - 1) != i)
			fail_msg("not %u", i);
	assert_int_equal(uiommu_pasid_alloc(w->core, 1, ALL - 1, &pasid),
			 -ENOSPC);
	/* Far apart, one of each level. */
	uiommu_pasid_free(w->core, 0x80001);
	uiommu_pasid_free(w->core, 0xfffff);
	uiommu_pasid_free(w->core, 0x00fff);
	assert_int_equal(take(w, 0x1000, ALL - 1), 0x80001);
	assert_int_equal(take(w, 0x1000, ALL - 1), 0xfffff);
	assert_int_equal(uiommu_pasid_alloc(w->core, 0x1000, ALL - 1, &pasid),
			 -ENOSPC);
	assert_int_equal(take(w, 1, ALL - 1), 0xfff);
	for (uint32_t i = 1; i < ALL; i++)
		uiommu_pasid_free(w->core, i);
	assert_int_equal(uiommu_host_live(w->host), live);
	assert_int_equal(take(w, 1, ALL - 1), 1);
}

#define SOME 0x6000u /* several chunks */

static void as_a_naive_one(void **state)
{
	struct world *w = *state;
	bool *used = calloc(SOME, sizeof(*used));
	uint32_t seed = 1, pasid;

	assert_non_null(used);
	for (unsigned int i = 0; i < 60000; i++) {
		uint32_t first = 1 + rnd(&seed) % (SOME - 1), want;
		uint32_t last = first + rnd(&seed) % (SOME - first);
		int rc;

		if (rnd(&seed) % 4 == 0) {
			if (used[first])
				uiommu_pasid_free(w->core, first);
			used[first] = false;
			continue;
		}
		for (want = first; want <= last && used[want];)
			want++;
		rc = uiommu_pasid_alloc(w->core, first, last, &pasid);
		assert_int_equal(rc, want > last ? -ENOSPC : 0);
		if (rc)
			continue;
		assert_int_equal(pasid, want);
		used[want] = true;
	}
	free(used);
}

/* ------------------------------------------------------------------ map -- */

static struct uiommu_domain *mark(uint32_t i)
{
	return (struct uiommu_domain *)(uintptr_t)(i + 1);
}

static void the_map_as_an_array(void **state)
{
	static uint32_t value[ALL];
	struct world *w = *state;
	struct core_pasid_map map = { 0 };
	uint32_t seed = 7, nr = 0, most = 0;
	struct core_pasid *at;

	for (unsigned int i = 0; i < 400000; i++) {
		/* Times of growth and of decline; dense and scattered ones. */
		bool grow = (i / 50000) % 2 == 0;
		uint32_t r = rnd(&seed);
		uint32_t pasid = 1 + (i & 1 ? r % (ALL - 1) : r % 3000);

		at = core_pasid_find(&map, pasid);
		if (!!at != !!value[pasid] ||
		    (at && at->dom != mark(value[pasid])))
			fail_msg("PASID %u", pasid);
		if (!at && grow) {
			const struct core_pasid entry = { pasid, 0,
							  mark(i + 1) };

			assert_int_equal(core_pasid_reserve(w->core, &map), 0);
			core_pasid_insert(&map, &entry);
			value[pasid] = i + 1;
			nr++;
		} else if (!grow && (at || (at = core_pasid_any(&map)))) {
			assert_true(value[at->pasid]);
			value[at->pasid] = 0;
			core_pasid_erase(w->core, &map, at);
			nr--;
		}
		most = nr > most ? nr : most;
		assert_int_equal(map.nr, nr);
		assert_true(map.size * 3 >= nr * 4);
		assert_true(map.size <= 4 || map.size <= nr * 8);
	}
	assert_true(most > 20000);
	while ((at = core_pasid_any(&map))) {
		assert_true(value[at->pasid]);
		value[at->pasid] = 0;
		core_pasid_erase(w->core, &map, at);
		nr--;
	}
	assert_int_equal(nr, 0);
	assert_null(map.at);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(the_lowest_free_one), T(ranges_that_are_none),
		T(out_of_memory),	T(all_of_them),
		T(as_a_naive_one),	T(the_map_as_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
