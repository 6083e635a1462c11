/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's PASID table under everything at once: it is bound, replaced and unbound,
 * what it says is forgotten, the guest's memory is mapped and unmapped, devices come
 * and go, faults come up and dumps are made, while two devices read without pause.
 */
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "bound_guest.h"
#include "turns.h"

#define OTHER_CDS (GUEST_PAGES - 1)
#define SPARE (GUEST_PAGES - 2)

struct fight {
	struct bound b;
	struct uiommu_domain *plain; /* for devices between two attaches */
	uint32_t stop;
	uint64_t reads[2], wrong, failed, binds, unbinds, forgotten, refused,
		maps, moves, removals, faults, taken, dumps;
};

static bool over(const struct fight *f)
{
	return load_acquire(&f->stop);
}

/* Of a thread that is not the test's. */
static void must(struct fight *f, int rc)
{
	if (rc)
		turn(&f->failed);
}

/* Whatever is bound, it is the guest's page, the host's word for no, or nothing. */
static void *keep_reading(void *arg)
{
	struct fight *f = arg;
	uint64_t got;

	while (!over(f)) {
		got = core_rig_read(&f->b.cr, 0, 5, UIOMMU_NO_PASID, IOVA);
		if (got && got != word(&f->b.g, 0))
			turn(&f->wrong);
		turn(&f->reads[0]);
		sched_yield();
	}
	return NULL;
}

static void *keep_reading_by_ATC(void *arg)
{
	struct fight *f = arg;
	uint64_t got;

	while (!over(f)) {
		got = core_rig_read(&f->b.cr, 1, 5, PASID, IOVA);
		if (got && got != word(&f->b.g, 10))
			turn(&f->wrong);
		turn(&f->reads[1]);
		sched_yield();
	}
	return NULL;
}

/*
 * Changes come before everybody else, so those who would change without pause would
 * leave nobody in.
 */
static void let_others_in(unsigned int us)
{
	const struct timespec pause = { 0, us * 1000L };

	nanosleep(&pause, NULL);
}

static void *keep_binding(void *arg)
{
	struct uiommu_pasid_table other = bound_cds;
	const struct uiommu_pasid_table *const tables[] = { &bound_cds, &other,
							    &bound_abort,
							    &bound_bypass };
	struct fight *f = arg;

	other.base = ipa(OTHER_CDS);
	for (unsigned int i = 0; !over(f); i++) {
		must(f, uiommu_bind_pasid_table(f->b.dom, tables[i % 4]));
		turn(&f->binds);
		let_others_in(300);
	}
	return NULL;
}

static void *keep_unbinding(void *arg)
{
	struct fight *f = arg;

	while (!over(f)) {
		uiommu_unbind_pasid_table(f->b.dom);
		turn(&f->unbinds);
		let_others_in(5000);
	}
	return NULL;
}

static void *keep_forgetting(void *arg)
{
	struct fight *f = arg;
	struct uiommu_cache_info info = { .page_lg2 = 12,
					  .nr_pages = 5,
					  .addr = IOVA };

	for (unsigned int i = 0; !over(f); i++) {
		info.type = i % 3;
		info.granularity = i / 3 % 3;
		info.flags = i % 2 ? UIOMMU_CACHE_ARCH_ID : 0;
		info.arch_id = 1 + i % 2;
		info.pasid = i % 5 ? PASID : UIOMMU_NO_PASID;
		turn(uiommu_cache_invalidate(f->b.dom,
					     i % 7 ? NULL : f->b.dev[1], &info)
			     ? &f->refused
			     : &f->forgotten);
		sched_yield();
	}
	return NULL;
}

static void *keep_mapping(void *arg)
{
	struct fight *f = arg;
	uint64_t unmapped;

	while (!over(f)) {
		must(f, uiommu_domain_unmap(f->b.dom, ipa(SPARE), RIG_PAGE,
					    &unmapped));
		must(f, uiommu_domain_map(f->b.dom, ipa(SPARE),
					  (uintptr_t)page(&f->b.g, SPARE),
					  RIG_PAGE, RW));
		turn(&f->maps);
	}
	return NULL;
}

/* One device by all that moves it. */
static void *keep_moving(void *arg)
{
	struct fight *f = arg;
	struct uiommu_group *group = bound_group(&f->b, 2);

	while (!over(f)) {
		must(f, uiommu_group_attach(group, f->b.dom));
		must(f, uiommu_group_replace(group, f->plain));
		must(f, uiommu_group_replace(group, f->b.dom));
		must(f, uiommu_group_detach(group));
		must(f, uiommu_device_claim_owner(f->b.dev[2], f));
		must(f, uiommu_group_attach(group, f->b.dom));
		uiommu_device_release_owner(f->b.dev[2]);
		turn(&f->moves);
	}
	return NULL;
}

/* And one that is removed from where it is. */
static void *keep_removing(void *arg)
{
	struct uiommu_device *dev;
	struct fight *f = arg;

	while (!over(f)) {
		dev = core_rig_device(&f->b.cr, 1, 9, 8, false);
		must(f,
		     uiommu_group_attach(uiommu_device_group(dev), f->b.dom));
		uiommu_device_remove(dev);
		turn(&f->removals);
	}
	return NULL;
}

static bool on_fault(void *ctx, struct uiommu_device *dev,
		     const struct uiommu_fault *fault)
{
	struct fight *f = ctx;

	turn(&f->taken);
	return true;
}

static void *keep_faulting(void *arg)
{
	struct fight *f = arg;

	for (unsigned int i = 0; !over(f); i++) {
		uiommu_domain_set_fault_handler(f->b.dom,
						i % 8 ? on_fault : NULL, f);
		core_rig_read(&f->b.cr, 0, 5, 40, IOVA);
		core_rig_irqs(&f->b.cr);
		turn(&f->faults);
		sched_yield();
	}
	return NULL;
}

static void drop(void *ctx, const char *line, size_t len)
{
}

static void *keep_dumping(void *arg)
{
	const struct uiommu_dump to = { .parts = UIOMMU_DUMP_OBJECTS,
					.write = drop };
	struct fight *f = arg;

	while (!over(f)) {
		uiommu_core_dump(f->b.cr.core, &to);
		turn(&f->dumps);
		sched_yield();
	}
	return NULL;
}

static void everything_at_once(void **state)
{
	static void *(*const threads[])(void *) = {
		keep_reading,	keep_reading_by_ATC, keep_binding,
		keep_unbinding, keep_forgetting,     keep_mapping,
		keep_moving,	keep_removing,	     keep_faulting,
		keep_dumping,
	};
	const struct uiommu_domain_cfg plain = {
		.hw = { .type = UIOMMU_DOM_PAGING },
	};
	struct fight f = { .stop = 0 };
	const uint64_t *counts[] = { &f.reads[0], &f.reads[1],	&f.binds,
				     &f.unbinds,  &f.forgotten, &f.maps,
				     &f.moves,	  &f.removals,	&f.faults,
				     &f.dumps,	  &f.taken };
	pthread_t id[ARRAY_SIZE(threads)];

	bound_open(&f.b);
	memcpy(page(&f.b.g, OTHER_CDS), page(&f.b.g, CDS), RIG_PAGE);
	bound_attach(&f.b, 0, 5, false);
	bound_attach(&f.b, 1, 5, true);
	bound_add(&f.b, 1, 7, false);
	assert_int_equal(uiommu_domain_alloc_cfg(f.b.dev[2], &plain, &f.plain),
			 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&id[i], NULL, threads[i], &f),
				 0);
	assert_true(let_fight(stress_ms(500), counts, ARRAY_SIZE(counts)));
	store_release(&f.stop, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(id[i], NULL);
	assert_int_equal(f.wrong, 0);
	assert_int_equal(f.failed, 0);
	uiommu_domain_set_fault_handler(f.b.dom, NULL, NULL);
	core_rig_irqs(&f.b.cr);
	/* And it works as on the first day. */
	bound_bind(&f.b, &bound_cds);
	assert_int_equal(bound_read(&f.b, 0, 5, PASID, IOVA), word(&f.b.g, 10));
	assert_int_equal(bound_read(&f.b, 1, 5, UIOMMU_NO_PASID, IOVA),
			 word(&f.b.g, 0));
	uiommu_device_remove(f.b.dev[--f.b.nr_devs]);
	uiommu_domain_free(f.plain);
	bound_close(&f.b);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(everything_at_once),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
