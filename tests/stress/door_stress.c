/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests by both doors on one SMMU under fire: one in a container of type 6, with two
 * devices, and one of iommufd's, at the same addresses.  Of the first there are threads
 * that bind, change and unbind its tables, send whatever invalidations there are, take
 * a page from under it, bind doorbells, and do DMA with the second device; the other
 * one's changes its tables and its device's state.
 *
 * Who has told of a change finds it with the first access after that; what is found
 * is the guest's own; what was taken away is found by nobody.  UIOMMU_STRESS_SECONDS
 * says how long (2).
 */
#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "nesting_scene.h"
#include "turns.h"

#define POISON UINT64_C(0xbad)
#define AWAY 60u /* a page that comes and goes */
#define AT_AWAY 5u
#define VERSIONS 16u

struct arena {
	struct uiommu_machine *machine;
	struct guest old, new;
	bool stop; /* atomic */
	uint64_t binds, invalidations, spares, bells, seen, changes;
};

static uint64_t word(const struct arena *a, const struct guest *g,
		     unsigned int nr)
{
	return (g == &a->old ? 0x01d00000 : 0x2e000000) + nr;
}

static bool goes_on(struct arena *a)
{
	return !load_acquire(&a->stop);
}

static uint64_t reads_now(struct guest *g, unsigned int dev, uint32_t pasid,
			  unsigned int at)
{
	return testep_read_now(&g->s.dev[dev], pasid, IOVA + at * PAGE);
}

/* ---------------------------------------------------------- the container's -- */

/* The guest and its VMM: alone in changing what is bound, and tables of ASID 1. */
static void *binder(void *arg)
{
	struct arena *a = arg;
	struct guest *g = &a->old;
	unsigned int version = 0;

	while (goes_on(a)) {
		CHECK(!nest_bind_table(g));
		for (unsigned int i = 0; i < 4; i++) {
			version = (version + 1) % VERSIONS;
			point(g, 1, 0, DATA + version);
			CHECK(!nest_invalidate(g, VFIO_GUEST_INVALIDATE_TLB,
					       VFIO_GUEST_INVALIDATE_PAGES, 0,
					       0, 1, 0, 1));
			CHECK(!nest_invalidate(
				g, VFIO_GUEST_INVALIDATE_DEVICE_TLB,
				VFIO_GUEST_INVALIDATE_PAGES, 0, 0, 0, 0, 1));
			CHECK(reads_now(g, 0, 0, 0) ==
			      word(a, g, DATA + version));
		}
		CHECK(!nest_bind_state(g, VFIO_GUEST_STATE_ABORT));
		CHECK(!reads_now(g, 0, 0, 0));
		CHECK(!nest_bind_state(g, VFIO_GUEST_STATE_BYPASS));
		CHECK(!reads_now(g, 0, 0, 0));
		CHECK(testep_read_now(&g->s.dev[0], 0, gpa(DATA)) ==
		      word(a, g, DATA));
		CHECK(!nest_unbind(g));
		turn(&a->binds);
	}
	return NULL;
}

/* Of every kind, also those that make no sense, or while nothing is bound. */
static void *invalidator(void *arg)
{
	struct arena *a = arg;
	unsigned int seed = 7;

	while (goes_on(a)) {
		unsigned int r = (unsigned int)rand_r(&seed);
		int rc = nest_invalidate(&a->old, r % 3, r / 3 % 3, r / 9 % 4,
					 r / 36 % 2 ? PASID : 0, r / 72 % 3,
					 r / 216 % 8, r / 1728 % 5);

		CHECK(!rc || rc == -EINVAL);
		turn(&a->invalidations);
	}
	return NULL;
}

static void *memory(void *arg)
{
	struct arena *a = arg;
	struct guest *g = &a->old;
	struct client *c = &g->s.dev[0];

	while (goes_on(a)) {
		CHECK(!client_unmap(c, gpa(AWAY), PAGE));
		store_release(page(g, AWAY), POISON);
		usleep(20);
		store_release(page(g, AWAY), word(a, g, AWAY));
		CHECK(!client_map(c, page(g, AWAY), PAGE, gpa(AWAY)));
		turn(&a->spares);
	}
	return NULL;
}

static void *bells(void *arg)
{
	struct arena *a = arg;

	while (goes_on(a)) {
		CHECK(!nest_msi(&a->old, 0));
		CHECK(!nest_msi(&a->old, 0));
		CHECK(!nest_msi(&a->old, VFIO_GUEST_MSI_UNBIND));
		CHECK(nest_msi(&a->old, VFIO_GUEST_MSI_UNBIND) == -ENOENT);
		turn(&a->bells);
		usleep(100);
	}
	return NULL;
}

/* The second device of the container: what any of it may be. */
static void *device(void *arg)
{
	struct arena *a = arg;
	struct guest *g = &a->old;
	uint64_t found;

	while (goes_on(a)) {
		found = reads_now(g, 1, 0, 0);
		CHECK(!found || found - word(a, g, DATA) < VERSIONS);
		found = reads_now(g, 1, PASID, AT_AWAY);
		CHECK(!found || found == word(a, g, AWAY));
		found = testep_read_now(&g->s.dev[1], 0, gpa(AWAY));
		CHECK(!found || found == word(a, g, AWAY));
		turn(&a->seen);
	}
	return NULL;
}

/* ------------------------------------------------------------- iommufd's -- */

static void *other(void *arg)
{
	const uint64_t cmds[2][2] = {
		{ 0x0001000000000012, IOVA | 1 },
		{ (uint64_t)VSID << 32 | 0x40, IOVA },
	};
	struct arena *a = arg;
	struct guest *g = &a->new;
	unsigned int version = 0;
	uint32_t done, pt;

	while (goes_on(a)) {
		version = (version + 1) % VERSIONS;
		point(g, 1, 0, DATA + version);
		CHECK(!commands(g, cmds, 2, &done));
		CHECK(reads_now(g, 0, 0, 0) == word(a, g, DATA + version));
		if (version)
			continue;
		pt = g->parent;
		CHECK(!attach(&g->s, 0, &pt));
		CHECK(!reads_now(g, 0, 0, 0));
		pt = g->nested;
		CHECK(!attach(&g->s, 0, &pt));
		turn(&a->changes);
	}
	return NULL;
}

/* --------------------------------------------------------------- the fight -- */

static void mark(struct arena *a, struct guest *g)
{
	for (unsigned int nr = DATA; nr < NR_PAGES; nr++)
		*page(g, nr) = word(a, g, nr);
}

static void open_both(struct arena *a)
{
	struct guest *g = &a->old;

	guard_ok();
	a->machine = machine_ok("testep,testep,testep");
	nest_open_machine(g, a->machine, 2);
	mark(a, g);
	point(g, 2, AT_AWAY, AWAY);
	/* The page that goes is mapped by itself. */
	client_map_ok(&g->s.dev[0], g->s.mem, AWAY * PAGE, GPA);
	client_map_ok(&g->s.dev[0], page(g, AWAY), PAGE, gpa(AWAY));
	scene_join(&a->new.s, a->machine, 2, 1);
	guest_start(&a->new);
	mark(a, &a->new);
}

static void both_doors(void **state)
{
	static void *(*const roles[])(void *) = { binder, invalidator, memory,
						  bells,  device,      other };
	enum {
		ROLES = sizeof(roles) / sizeof(roles[0])
	};
	struct arena *a = calloc(1, sizeof(*a));
	pthread_t thread[ROLES];

	assert_non_null(a);
	open_both(a);
	for (unsigned int i = 0; i < ROLES; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, roles[i], a),
				 0);
	{
		const uint64_t *turns[] = { &a->binds,	&a->invalidations,
					    &a->spares, &a->bells,
					    &a->seen,	&a->changes };

		assert_true(let_fight(stress_ms(2000), turns, 6));
	}
	store_release(&a->stop, true);
	for (unsigned int i = 0; i < ROLES; i++)
		pthread_join(thread[i], NULL);
	print_message("# %lu binds, %lu invalidations, %lu pages away, %lu "
		      "bells, %lu looks, %lu moves of the other\n",
		      (long)a->binds, (long)a->invalidations, (long)a->spares,
		      (long)a->bells, (long)a->seen, (long)a->changes);
	guest_close(&a->new);
	nest_close(&a->old);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_doors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
