/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interleavings made certain: one thread is held in the middle of a call, in
 * the pin or unpin of its memory, while another does the rest.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/atomic.h"
#include "world.h"

/* Passes on to the fake memory, but can hold callers back. */
struct gate {
	struct uiommu_mm mm;
	struct world *w;
	uint32_t hold_pin, hold_unpin, waiting; /* atomic */
};

static void wait_at(struct gate *g, uint32_t *hold)
{
	while (load_acquire(hold)) {
		store_release(&g->waiting, 1);
		usleep(200);
	}
}

static int gate_pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		    struct uiommu_run *run)
{
	struct gate *g = ctx;

	wait_at(g, &g->hold_pin);
	return g->w->mm.mm.pin(g->w->mm.mm.ctx, uva, len, flags, run);
}

static void gate_unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
	struct gate *g = ctx;

	wait_at(g, &g->hold_unpin);
	g->w->mm.mm.unpin(g->w->mm.mm.ctx, pa, len, flags);
}

struct call {
	struct gate gate;
	struct uiommu_ioas *ioas;
	uint64_t iova;
	int rc;
	uint32_t done; /* atomic */
};

static void *map_in_thread(void *arg)
{
	struct call *c = arg;

	c->rc = uiommu_ioas_map(c->ioas, &c->gate.mm, MEM, 4 * PAGE, RW, FIXED,
				&c->iova);
	store_release(&c->done, 1);
	return NULL;
}

static void *unmap_in_thread(void *arg)
{
	struct call *c = arg;
	uint64_t n;

	c->rc = uiommu_ioas_unmap(c->ioas, c->iova, 4 * PAGE, &n);
	store_release(&c->done, 1);
	return NULL;
}

static void call_init(struct call *c, struct world *w, struct uiommu_ioas *ioas)
{
	*c = (struct call){
		.gate = { .mm = { &c->gate, gate_pin, gate_unpin }, .w = w },
		.ioas = ioas,
		.iova = 0x10000,
	};
}

static void until(uint32_t *flag)
{
	while (!load_acquire(flag))
		usleep(200);
}

/* What everybody else sees while [0x10000, +4 pages) is on its way. */
static void check_neighbours(struct world *w, struct uiommu_ioas *ioas,
			     struct uiommu_domain *dom)
{
	struct uiommu_area_info info;
	uint64_t n, iova = 0x12000;

	assert_int_equal(uiommu_ioas_unmap(ioas, 0x10000, 4 * PAGE, &n),
			 -EBUSY);
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &n), -EBUSY);
	/* Busy comes before "sticks out". */
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x11000, PAGE, &n), -EBUSY);
	assert_int_equal(uiommu_ioas_map(ioas, &w->mm.mm, MEM, PAGE, RW, FIXED,
					 &iova),
			 -EEXIST);
	iova = 0x40000;
	assert_int_equal(uiommu_ioas_copy(ioas, ioas, 0x10000, PAGE, RW, FIXED,
					  &iova),
			 -ENOENT);
	assert_int_equal(uiommu_ioas_next_area(ioas, 0, &info), -ENOENT);
	/* Another range is mapped and unmapped all the way. */
	assert_int_equal(map_at(w, ioas, 8, 4, 0x20000, RW), 0);
	assert_true(shows(w, dom, 0x20000, 8, 4));
	/* An area before the busy one goes; the walk ends there. */
	assert_int_equal(map_at(w, ioas, 0, 1, 0x8000, RW), 0);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0, 0x100000, &n), -EBUSY);
	assert_int_equal(n, PAGE);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x20000, 4 * PAGE, &n), 0);
	/* A free choice keeps clear of it. */
	iova = 0;
	assert_int_equal(uiommu_ioas_map(ioas, &w->mm.mm, MEM, 16 * PAGE, RW, 0,
					 &iova),
			 0);
	assert_int_equal(iova, 0x20000);
	assert_int_equal(uiommu_ioas_unmap(ioas, iova, 16 * PAGE, &n), 0);
}

static void an_area_being_built_is_busy(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);
	pthread_t thread;
	struct call c;
	uint64_t n;

	call_init(&c, w, ioas);
	store_release(&c.gate.hold_pin, 1);
	pthread_create(&thread, NULL, map_in_thread, &c);
	until(&c.gate.waiting);
	check_neighbours(w, ioas, dom);
	store_release(&c.gate.hold_pin, 0);
	pthread_join(thread, NULL);
	assert_int_equal(c.rc, 0);
	assert_true(shows(w, dom, 0x10000, 0, 4));
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &n), 0);
	assert_int_equal(n, 4 * PAGE);
	leave(ioas, dom);
	uiommu_ioas_destroy(ioas);
}

static void an_area_being_unmapped_is_busy(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);
	pthread_t thread;
	struct call c;

	call_init(&c, w, ioas);
	map_in_thread(&c);
	assert_int_equal(c.rc, 0);
	store_release(&c.gate.hold_unpin, 1);
	pthread_create(&thread, NULL, unmap_in_thread, &c);
	until(&c.gate.waiting);
	/* The hardware is done with it, but its IOVA is not free yet. */
	assert_true(shows_nothing(dom, 0x10000, 4));
	check_neighbours(w, ioas, dom);
	store_release(&c.gate.hold_unpin, 0);
	pthread_join(thread, NULL);
	assert_int_equal(c.rc, 0);
	assert_int_equal(map_at(w, ioas, 0, 4, 0x10000, RW), 0);
	leave(ioas, dom);
	uiommu_ioas_destroy(ioas);
}

struct joiner {
	struct uiommu_ioas *ioas;
	struct uiommu_domain *dom;
	uint32_t done; /* atomic */
};

static void *join_in_thread(void *arg)
{
	struct joiner *j = arg;

	assert_int_equal(uiommu_ioas_add_domain(j->ioas, j->dom), 0);
	store_release(&j->done, 1);
	return NULL;
}

/* Otherwise it would miss the area, or map it twice. */
static void a_domain_waits_for_maps_under_way(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);
	struct joiner j = { ioas, new_domain(w), 0 };
	pthread_t mapper, joiner;
	struct call c;

	call_init(&c, w, ioas);
	store_release(&c.gate.hold_pin, 1);
	pthread_create(&mapper, NULL, map_in_thread, &c);
	until(&c.gate.waiting);
	pthread_create(&joiner, NULL, join_in_thread, &j);
	usleep(30000);
	assert_int_equal(load_acquire(&j.done), 0);
	store_release(&c.gate.hold_pin, 0);
	pthread_join(mapper, NULL);
	pthread_join(joiner, NULL);
	assert_true(shows(w, dom, 0x10000, 0, 4));
	assert_true(shows(w, j.dom, 0x10000, 0, 4));
	assert_int_equal(w->mm.total, 4);
	leave(ioas, dom);
	leave(ioas, j.dom);
	uiommu_ioas_destroy(ioas);
}

struct reporter {
	struct world *w;
	struct uiommu_fault fault;
	uint32_t inside, leave; /* atomic */
};

/* The core's fault callback of this test, in place of the world's. */
static void slow_fault(void *ctx, struct uiommu_device *dev,
		       const struct uiommu_fault *fault)
{
	struct reporter *r = ctx;

	store_release(&r->inside, 1);
	until(&r->leave);
	/* Still there, and its group too. */
	assert_string_equal(uiommu_device_name(dev), "late");
	assert_int_equal(uiommu_group_nr_devices(uiommu_device_group(dev)), 1);
}

struct report_call {
	struct uiommu_core *core;
	struct reporter *r;
};

static void *report(void *arg)
{
	struct report_call *c = arg;

	uiommu_core_host_ops.report_fault(c->core, NULL, &c->r->fault);
	return NULL;
}

static void *remove_in_thread(void *arg)
{
	struct report_call *c = arg;

	uiommu_device_remove(c->r->fault.cookie);
	store_release(&c->r->inside, 2);
	return NULL;
}

static void a_device_outlives_the_report_of_its_fault(void **state)
{
	struct world *w = *state;
	struct reporter r = { .w = w };
	struct uiommu_core_cfg cfg = { w->platform, slow_fault, &r };
	struct uiommu_device *dev;
	struct report_call c = { .r = &r };
	pthread_t reporter, remover;
	struct fake_unit *fu;
	uint32_t id = 1;
	struct uiommu_device_cfg dev_cfg = { .hw = { "late", &id, 1 } };

	assert_int_equal(uiommu_core_create(&cfg, &c.core), 0);
	fu = fake_unit_create(w->platform, c.core);
	assert_int_equal(uiommu_core_add_unit(c.core, &fu->unit), 0);
	assert_int_equal(uiommu_device_add(c.core, &fu->unit, &dev_cfg, &dev),
			 0);
	r.fault.cookie = dev;
	pthread_create(&reporter, NULL, report, &c);
	until(&r.inside);
	pthread_create(&remover, NULL, remove_in_thread, &c);
	usleep(30000);
	assert_int_equal(load_acquire(&r.inside), 1);
	store_release(&r.leave, 1);
	pthread_join(reporter, NULL);
	pthread_join(remover, NULL);
	assert_int_equal(load_acquire(&r.inside), 2);
	uiommu_core_destroy(c.core);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(an_area_being_built_is_busy),
		T(an_area_being_unmapped_is_busy),
		T(a_domain_waits_for_maps_under_way),
		T(a_device_outlives_the_report_of_its_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
