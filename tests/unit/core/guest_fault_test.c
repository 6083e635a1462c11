/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_fault_test.c - faults of a domain's devices: those that wait for nobody find
 * the domain's own handler, and page faults of a guest's PASIDs the handler of the
 * domain that the guest's table is bound to.
 */
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"

#include "fake_nested.h"
#include "world.h"

struct scene {
	struct world *w;
	struct uiommu_domain *dom; /* for guests */
};

static const struct uiommu_pasid_table linear = {
	.state = UIOMMU_GUEST_TRANSLATE,
	.pasid_bits = 8,
	.base = 0x40000000,
};
static const struct uiommu_pasid_table second = {
	.state = UIOMMU_GUEST_TRANSLATE,
	.pasid_bits = 4,
	.base = 0x50000000,
};
static const struct uiommu_pasid_table bypass = { .state =
							  UIOMMU_GUEST_BYPASS };

static void scene_open(struct scene *s, struct world *w)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING,
			.stage = UIOMMU_STAGE_2,
			.flags = UIOMMU_DOM_NEST_PARENT },
	};

	s->w = w;
	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &cfg, &s->dom), 0);
}

static void scene_close(struct scene *s)
{
	uiommu_domain_free(s->dom);
	assert_int_equal(fake_nr_viommus(&s->w->fu->unit), 0);
}

static struct uiommu_group *group(struct uiommu_device *dev)
{
	return uiommu_device_group(dev);
}

/* ------------------------------------------------------------------- faults -- */

struct told {
	unsigned int nr;
	struct uiommu_device *dev;
	bool take;
};

static bool on_fault(void *ctx, struct uiommu_device *dev,
		     const struct uiommu_fault *fault)
{
	struct told *told = ctx;

	told->nr++;
	told->dev = dev;
	return told->take;
}

static void report(struct uiommu_device *dev, uint32_t flags)
{
	const struct uiommu_fault fault = { .flags = flags,
					    .cookie = dev,
					    .pasid = UIOMMU_NO_PASID };
	struct uiommu_unit *unit = uiommu_device_unit(dev);

	unit->host->report_fault(unit->host_ctx, unit, &fault);
}

static void fault_by(struct uiommu_device *dev)
{
	report(dev, 0);
}

static void faults_find_their_handler(void **state)
{
	struct told told = { .take = true }, at_rest = { .take = true };
	struct uiommu_device_cfg cfg = {
		.default_domain = UIOMMU_DEFAULT_DMA,
	};
	struct uiommu_device *dev;
	struct uiommu_domain *def;
	unsigned int faults;
	struct scene s;

	scene_open(&s, *state);
	faults = s.w->faults;
	assert_int_equal(add_device(s.w, s.w->fu, 13, &cfg, &dev), 0);
	def = uiommu_group_default_domain(group(dev));
	uiommu_domain_set_fault_handler(s.dom, on_fault, &told);
	uiommu_domain_set_fault_handler(def, on_fault, &at_rest);
	/* The one that the device has. */
	fault_by(dev);
	assert_int_equal(at_rest.nr, 1);
	assert_int_equal(uiommu_group_attach(group(dev), s.dom), 0);
	fault_by(dev);
	assert_int_equal(told.nr, 1);
	assert_ptr_equal(told.dev, dev);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	fault_by(dev);
	assert_int_equal(told.nr, 2);
	assert_int_equal(s.w->faults, faults);
	/* Who does not take it; others' devices; none. */
	told.take = false;
	fault_by(dev);
	assert_int_equal(told.nr, 3);
	assert_int_equal(s.w->faults, ++faults);
	fault_by(s.w->dev[0]);
	assert_int_equal(told.nr, 3);
	assert_int_equal(s.w->faults, ++faults);
	assert_int_equal(uiommu_group_detach(group(dev)), 0);
	fault_by(dev);
	assert_int_equal(told.nr, 3);
	assert_int_equal(at_rest.nr, 2);
	/* Not that of whoever had it before. */
	report(dev, UIOMMU_FAULT_BEFORE);
	assert_int_equal(at_rest.nr, 2);
	assert_int_equal(s.w->faults, ++faults);
	/* With an owner and nothing attached it is blocked. */
	assert_int_equal(uiommu_device_claim_owner(dev, &s), 0);
	fault_by(dev);
	assert_int_equal(s.w->faults, ++faults);
	uiommu_device_release_owner(dev);
	fault_by(dev);
	assert_int_equal(at_rest.nr, 3);
	/* An attach that fails leaves them where they were. */
	s.w->fu->fail_attach = 1;
	assert_int_equal(uiommu_group_attach(group(dev), s.dom), -ENOMEM);
	fault_by(dev);
	assert_int_equal(at_rest.nr, 4);
	uiommu_domain_set_fault_handler(def, NULL, NULL);
	fault_by(dev);
	assert_int_equal(s.w->faults, ++faults);
	uiommu_device_remove(dev);
	scene_close(&s);
}

/* Attaches that are in the middle of a change when the device's faults are read. */
static const struct uiommu_driver_ops *own_ops;

static int attach_and_report(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev)
{
	int rc;

	fault_by(dev->cookie);
	rc = own_ops->attach(dom, dev);
	fault_by(dev->cookie);
	return rc;
}

/* On the way from one to another they are neither's: they may be of both. */
static void faults_on_the_way(void **state)
{
	struct told first = { .take = true }, second_ = { .take = true };
	struct uiommu_domain *next;
	struct uiommu_driver_ops ops;
	struct uiommu_device *dev;
	unsigned int faults;
	struct scene s, more;

	scene_open(&s, *state);
	scene_open(&more, *state);
	next = more.dom;
	dev = s.w->dev[0];
	uiommu_domain_set_fault_handler(s.dom, on_fault, &first);
	uiommu_domain_set_fault_handler(next, on_fault, &second_);
	own_ops = s.w->fu->unit.ops;
	ops = *own_ops;
	ops.attach = attach_and_report;
	s.w->fu->unit.ops = &ops;
	faults = s.w->faults;
	assert_int_equal(uiommu_group_attach(group(dev), s.dom), 0);
	assert_int_equal(uiommu_group_replace(group(dev), next), 0);
	assert_int_equal(uiommu_group_detach(group(dev)), 0);
	assert_int_equal(first.nr + second_.nr, 0);
	assert_int_equal(s.w->faults, faults + 6);
	/* One that does not come there is the first's again. */
	assert_int_equal(uiommu_group_attach(group(dev), s.dom), 0);
	s.w->fu->fail_attach = 1;
	assert_int_equal(uiommu_group_replace(group(dev), next), -ENOMEM);
	s.w->fu->unit.ops = own_ops;
	fault_by(dev);
	assert_int_equal(first.nr, 1);
	assert_int_equal(second_.nr, 0);
	assert_int_equal(uiommu_group_detach(group(dev)), 0);
	scene_close(&more);
	scene_close(&s);
}

/* A handler that takes its time over the first. */
struct slow {
	struct uiommu_device *dev;
	uint32_t came, go; /* atomic */
};

static bool on_slow(void *ctx, struct uiommu_device *dev,
		    const struct uiommu_fault *fault)
{
	struct slow *slow = ctx;

	if (exchange_acq_rel(&slow->came, 1))
		return true;
	while (!load_acquire(&slow->go))
		sched_yield();
	return true;
}

static void *fault_thread(void *arg)
{
	const struct slow *slow = arg;

	while (!load_acquire(&slow->came))
		fault_by(slow->dev);
	return NULL;
}

struct change {
	struct uiommu_domain *dom;
	struct slow *to;
	uint32_t done; /* atomic */
};

static void *change_thread(void *arg)
{
	struct change *change = arg;

	uiommu_domain_set_fault_handler(
		change->dom, change->to ? on_slow : NULL, change->to);
	store_release(&change->done, 1);
	return NULL;
}

static void start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	assert_int_equal(pthread_create(thread, NULL, fn, arg), 0);
}

/*
 * A new one that is never idle does not keep who has set it; who changes it once more
 * waits for both, also if the second has nothing to do.
 */
static void change_twice(struct scene *s, bool idle)
{
	struct slow slow[2] = { { .dev = s->w->dev[0] },
				{ .dev = s->w->dev[0], .go = idle } };
	struct change change[2] = { { .dom = s->dom, .to = &slow[1] },
				    { .dom = s->dom } };
	pthread_t fault[2], changer[2];

	uiommu_domain_set_fault_handler(s->dom, on_slow, &slow[0]);
	start(&fault[0], fault_thread, &slow[0]);
	while (!load_acquire(&slow[0].came))
		sched_yield();
	start(&changer[0], change_thread, &change[0]);
	/* Of the new one there is a call as soon as it is there. */
	start(&fault[1], fault_thread, &slow[1]);
	while (!load_acquire(&slow[1].came))
		sched_yield();
	if (idle)
		pthread_join(fault[1], NULL);
	start(&changer[1], change_thread, &change[1]);
	for (unsigned int i = 0; i < 20000; i++) {
		assert_int_equal(load_acquire(&change[0].done), 0);
		assert_int_equal(load_acquire(&change[1].done), 0);
		sched_yield();
	}
	store_release(&slow[0].go, 1);
	pthread_join(changer[0], NULL);
	store_release(&slow[1].go, 1);
	pthread_join(changer[1], NULL);
	pthread_join(fault[0], NULL);
	if (!idle)
		pthread_join(fault[1], NULL);
}

static void a_change_waits_for_the_handlers_before(void **state)
{
	struct scene s;

	scene_open(&s, *state);
	assert_int_equal(uiommu_group_attach(group(s.w->dev[0]), s.dom), 0);
	change_twice(&s, false);
	change_twice(&s, true);
	assert_int_equal(uiommu_group_detach(group(s.w->dev[0])), 0);
	scene_close(&s);
}

/* Page requests of a guest's PASIDs: who has them, and what is their end. */
static struct uiommu_iopf_group *waiting;
static unsigned int withdrawn;

static int on_group(void *ctx, struct uiommu_iopf_group *group_)
{
	assert_null(waiting);
	waiting = group_;
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group_)
{
	assert_ptr_equal(waiting, group_);
	withdrawn++;
	uiommu_iopf_group_put(waiting);
	waiting = NULL;
}

static void page_faults_of_a_guests_PASIDs(void **state)
{
	static const struct uiommu_iopf_ops ops = { on_group, on_withdrawn };
	struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_READ | UIOMMU_PAGE_LAST,
		.id = 14,
		.pasid = 9,
		.token = 1,
	};
	struct uiommu_device *dev;
	struct scene s;

	scene_open(&s, *state);
	s.w->fu->page_faults = true;
	assert_int_equal(add_device(s.w, s.w->fu, 14, NULL, &dev), 0);
	s.w->fu->page_faults = false;
	assert_int_equal(uiommu_domain_set_iopf_handler(s.dom, &ops, NULL), 0);
	assert_int_equal(uiommu_group_attach(group(dev), s.dom), 0);
	/* Without a guest nobody has such a PASID. */
	fake_page_request(s.w->fu, &req);
	assert_null(waiting);
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_INVALID);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	fake_page_request(s.w->fu, &req);
	assert_non_null(waiting);
	assert_int_equal(waiting->pasid, 9);
	assert_ptr_equal(waiting->domain, s.dom);
	/* It goes on to wait when the table is another one, or none. */
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &second), 0);
	uiommu_unbind_pasid_table(s.dom);
	assert_int_equal(withdrawn, 0);
	assert_int_equal(
		uiommu_iopf_group_respond(waiting, UIOMMU_PAGE_SUCCESS), 0);
	uiommu_iopf_group_put(waiting);
	waiting = NULL;
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_SUCCESS);
	/* What came before the last of a group, for a guest that has gone. */
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	req.flags = UIOMMU_PAGE_READ;
	fake_page_request(s.w->fu, &req);
	uiommu_unbind_pasid_table(s.dom);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	req.flags |= UIOMMU_PAGE_LAST;
	fake_page_request(s.w->fu, &req);
	assert_int_equal(waiting->nr, 1);
	assert_int_equal(
		uiommu_iopf_group_respond(waiting, UIOMMU_PAGE_SUCCESS), 0);
	uiommu_iopf_group_put(waiting);
	waiting = NULL;
	/* Bound, one that waits is withdrawn by the detach. */
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &bypass), 0);
	req.token = 2;
	fake_page_request(s.w->fu, &req);
	req.token = 3;
	req.flags = UIOMMU_PAGE_READ;
	fake_page_request(s.w->fu, &req);
	assert_int_equal(uiommu_group_detach(group(dev)), 0);
	assert_int_equal(withdrawn, 1);
	assert_int_equal(fake_waiting(s.w->fu), 0);
	assert_int_equal(s.w->fu->bad_answers, 0);
	uiommu_device_remove(dev);
	scene_close(&s);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, world_open, world_close)

int main(void)
{
	const struct CMUnitTest cases[] = {
		test(faults_find_their_handler),
		test(faults_on_the_way),
		test(a_change_waits_for_the_handlers_before),
		test(page_faults_of_a_guests_PASIDs),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
