/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * viommu_test.c - guests in the core: what rests on what, whose a virtual id is,
 * where events and page faults go.
 */
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "fake_nested.h"
#include "turns.h"
#include "world.h"

struct scene {
	struct world *w;
	struct uiommu_device *dev; /* with id 2 */
	struct uiommu_group *group;
	struct uiommu_domain *parent;
	struct uiommu_viommu *viommu;
};

/* A guest's data in our own memory. */
#define DATA(kind, what)                                        \
	(&(const struct uiommu_user_data){ .type = (kind),      \
					   .len = sizeof(what), \
					   .at = (uintptr_t) & (what) })

static struct uiommu_domain *stage2(struct scene *s)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING,
			.stage = UIOMMU_STAGE_2,
			.flags = UIOMMU_DOM_NEST_PARENT },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(s->dev, &cfg, &dom), 0);
	return dom;
}

static struct uiommu_viommu *viommu_of(struct scene *s)
{
	const struct uiommu_viommu_args args = { .type = FAKE_VIOMMU };
	struct uiommu_viommu *viommu;

	assert_int_equal(
		uiommu_viommu_create(s->dev, s->parent, &args, &viommu), 0);
	return viommu;
}

static void scene_open(struct scene *s, void **state)
{
	s->w = *state;
	s->dev = s->w->dev[1];
	s->group = uiommu_device_group(s->dev);
	s->parent = stage2(s);
	s->viommu = viommu_of(s);
}

static void scene_close(struct scene *s)
{
	uiommu_viommu_destroy(s->viommu);
	uiommu_domain_free(s->parent);
}

static struct uiommu_domain *nested(struct scene *s, uint32_t word)
{
	struct fake_nested_data data = { .word = word };
	struct uiommu_domain *dom;

	assert_int_equal(
		uiommu_viommu_domain_alloc(s->viommu, 0,
					   DATA(FAKE_NESTED_DATA, data), &dom),
		0);
	return dom;
}

static struct uiommu_vdevice *vdevice(struct scene *s,
				      struct uiommu_device *dev, uint64_t id)
{
	struct uiommu_vdevice *vdev;

	assert_int_equal(uiommu_vdevice_create(s->viommu, dev, id, &vdev), 0);
	return vdev;
}

/* ------------------------------------------------------ nested domains -- */

static void a_domain_straight_over_its_parent(void **state)
{
	struct fake_nested_data data = { .word = 7 };
	struct uiommu_domain *dom, *other;
	uint64_t unmapped;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(
		uiommu_domain_alloc_nested(s.dev, s.parent, 0,
					   DATA(FAKE_NESTED_DATA, data), &dom),
		0);
	assert_int_equal(uiommu_domain_type(dom), UIOMMU_DOM_NESTED);
	assert_ptr_equal(uiommu_domain_parent(dom), s.parent);
	assert_null(uiommu_domain_parent(s.parent));
	/* It is attached as any other, and needs no vdevice. */
	assert_int_equal(uiommu_group_attach(s.group, s.parent), 0);
	assert_int_equal(uiommu_group_replace(s.group, dom), 0);
	assert_ptr_equal(uiommu_group_domain(s.group), dom);
	assert_int_equal(uiommu_group_detach(s.group), 0);
	/* Nothing is mapped in it, and it is nobody's parent. */
	assert_int_equal(uiommu_domain_map(dom, 0, 0, PAGE, RW), -EINVAL);
	assert_int_equal(uiommu_domain_unmap(dom, 0, PAGE, &unmapped), -EINVAL);
	assert_int_equal(uiommu_domain_alloc_nested(
				 s.dev, dom, 0, DATA(FAKE_NESTED_DATA, data),
				 &other),
			 -EINVAL);
	uiommu_domain_free(dom);
	scene_close(&s);
}

static void what_the_driver_refuses(void **state)
{
	struct fake_nested_data data = { .word = 1 }, bad = { .more = 1 };
	const struct uiommu_user_data none = { .type = FAKE_NESTED_DATA };
	struct uiommu_domain *dom = NULL;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(
		uiommu_viommu_domain_alloc(s.viommu, 1u << 31,
					   DATA(FAKE_NESTED_DATA, data), &dom),
		-EOPNOTSUPP);
	assert_int_equal(uiommu_viommu_domain_alloc(s.viommu, 0, DATA(1, data),
						    &dom),
			 -EOPNOTSUPP);
	assert_int_equal(uiommu_viommu_domain_alloc(s.viommu, 0,
						    DATA(FAKE_NESTED_DATA, bad),
						    &dom),
			 -EIO);
	assert_int_equal(uiommu_viommu_domain_alloc(s.viommu, 0, &none, &dom),
			 -EINVAL);
	assert_null(dom);
	scene_close(&s);
}

static int no_read(void *ctx, void *dst, uint64_t at, size_t len)
{
	return -EFAULT;
}

static void data_that_cannot_be_read(void **state)
{
	const struct uiommu_user_mem mem = { NULL, no_read, NULL };
	const struct uiommu_user_data data = { .mem = &mem,
					       .type = FAKE_NESTED_DATA,
					       .len = 4 };
	struct uiommu_user_array array = {
		.mem = &mem,
		.type = FAKE_VIOMMU_INVALIDATE,
		.entry_len = sizeof(struct fake_viommu_inv),
		.entry_num = 3,
	};
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_viommu_domain_alloc(s.viommu, 0, &data, &dom),
			 -EFAULT);
	assert_int_equal(uiommu_viommu_invalidate(s.viommu, &array), -EFAULT);
	assert_int_equal(array.entry_num, 0);
	scene_close(&s);
}

static void a_unit_without_guests(void **state)
{
	const struct uiommu_viommu_args args = { .type = FAKE_VIOMMU };
	struct fake_nested_data data = { .word = 1 };
	struct uiommu_user_array array = { .entry_num = 3 };
	const struct uiommu_driver_ops *own;
	struct uiommu_driver_ops ops;
	struct uiommu_viommu *viommu;
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s, state);
	own = s.w->fu->unit.ops;
	ops = *own;
	ops.nested = NULL;
	s.w->fu->unit.ops = &ops;
	assert_false(uiommu_device_has_viommu(s.dev, FAKE_VIOMMU));
	assert_int_equal(uiommu_viommu_create(s.dev, s.parent, &args, &viommu),
			 -EOPNOTSUPP);
	assert_int_equal(
		uiommu_domain_alloc_nested(s.dev, s.parent, 0,
					   DATA(FAKE_NESTED_DATA, data), &dom),
		-EOPNOTSUPP);
	/* Where there are domains, but they take no invalidations. */
	ops.nested = &fake_plain_nested_ops;
	assert_int_equal(
		uiommu_domain_alloc_nested(s.dev, s.parent, 0,
					   DATA(FAKE_NESTED_DATA, data), &dom),
		0);
	assert_int_equal(uiommu_domain_invalidate(dom, &array), -EOPNOTSUPP);
	assert_int_equal(array.entry_num, 0);
	assert_int_equal(uiommu_viommu_invalidate(s.viommu, &array),
			 -EOPNOTSUPP);
	assert_false(uiommu_viommu_has_queues(s.viommu, FAKE_QUEUES));
	uiommu_domain_free(dom);
	s.w->fu->unit.ops = own;
	scene_close(&s);
}

static void which_parents(void **state)
{
	const struct uiommu_viommu_args args = { .type = FAKE_VIOMMU };
	const struct uiommu_viommu_args other = { .type = FAKE_VIOMMU + 1 };
	const struct uiommu_domain_cfg identity = {
		.hw.type = UIOMMU_DOM_IDENTITY
	};
	struct uiommu_viommu *viommu;
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s, state);
	assert_true(uiommu_device_has_viommu(s.dev, FAKE_VIOMMU));
	assert_int_equal(uiommu_viommu_create(s.dev, s.parent, &other, &viommu),
			 -EOPNOTSUPP);
	assert_int_equal(uiommu_domain_alloc_cfg(s.dev, &identity, &dom), 0);
	assert_int_equal(uiommu_viommu_create(s.dev, dom, &args, &viommu),
			 -EINVAL);
	uiommu_domain_free(dom);
	dom = new_domain(s.w);
	assert_int_equal(uiommu_viommu_create(s.dev, dom, &args, &viommu),
			 -EINVAL);
	uiommu_domain_free(dom);
	dom = nested(&s, 1);
	assert_int_equal(uiommu_viommu_create(s.dev, dom, &args, &viommu),
			 -EINVAL);
	uiommu_domain_free(dom);
	/* Several over one. */
	viommu = viommu_of(&s);
	assert_ptr_equal(uiommu_viommu_unit(viommu), &s.w->fu->unit);
	uiommu_viommu_destroy(viommu);
	uiommu_viommu_destroy(NULL);
	scene_close(&s);
}

static void a_vIOMMU_is_answered(void **state)
{
	struct fake_viommu_data data = { .in = 5 };
	const struct uiommu_viommu_args args = {
		.type = FAKE_VIOMMU,
		.data = DATA(FAKE_VIOMMU, data),
	};
	struct uiommu_viommu *viommu;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_viommu_create(s.dev, s.parent, &args, &viommu),
			 0);
	assert_int_equal(data.out, 5);
	uiommu_viommu_destroy(viommu);
	scene_close(&s);
}

/* ------------------------------------------------------------- vdevices -- */

static void an_id_is_one_device_and_a_device_one_id(void **state)
{
	struct uiommu_vdevice *a, *b, *none = NULL;
	struct uiommu_viommu *other;
	struct uiommu_device *far;
	struct fake_unit *fu;
	struct scene s;

	scene_open(&s, state);
	a = vdevice(&s, s.w->dev[0], 0x100);
	assert_int_equal(uiommu_vdevice_create(s.viommu, s.w->dev[1], 0x100,
					       &none),
			 -EEXIST);
	assert_int_equal(uiommu_vdevice_create(s.viommu, s.w->dev[0], 0x101,
					       &none),
			 -EEXIST);
	other = viommu_of(&s);
	assert_int_equal(uiommu_vdevice_create(other, s.w->dev[0], 0x101,
					       &none),
			 -EEXIST);
	/* Another guest has the same numbers. */
	assert_int_equal(uiommu_vdevice_create(other, s.w->dev[1], 0x100, &b),
			 0);
	fu = new_unit(s.w);
	assert_int_equal(uiommu_core_add_unit(s.w->core, &fu->unit), 0);
	assert_int_equal(add_device(s.w, fu, 1, NULL, &far), 0);
	assert_int_equal(uiommu_vdevice_create(s.viommu, far, 0x200, &none),
			 -EINVAL);
	assert_null(none);
	uiommu_vdevice_destroy(a);
	uiommu_vdevice_destroy(b);
	/* What has gone may come again, as another's. */
	a = vdevice(&s, s.w->dev[1], 0x100);
	uiommu_vdevice_destroy(a);
	uiommu_viommu_destroy(other);
	uiommu_device_remove(far);
	scene_close(&s);
}

static void a_guests_tables_need_a_vdevice(void **state)
{
	struct uiommu_vdevice *vdev;
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s, state);
	dom = nested(&s, 1);
	assert_int_equal(uiommu_group_attach(s.group, dom), -ENOENT);
	assert_null(uiommu_group_domain(s.group));
	vdev = vdevice(&s, s.dev, 9);
	assert_int_equal(uiommu_group_attach(s.group, dom), 0);
	/* It may go before the attachment. */
	uiommu_vdevice_destroy(vdev);
	assert_int_equal(uiommu_group_replace(s.group, s.parent), 0);
	assert_int_equal(uiommu_group_replace(s.group, dom), -ENOENT);
	assert_ptr_equal(uiommu_group_domain(s.group), s.parent);
	assert_int_equal(uiommu_group_detach(s.group), 0);
	uiommu_domain_free(dom);
	scene_close(&s);
}

static void only_behind_its_own_unit(void **state)
{
	struct uiommu_device *far;
	struct uiommu_domain *dom;
	struct fake_unit *fu;
	struct scene s;

	scene_open(&s, state);
	fu = new_unit(s.w);
	assert_int_equal(uiommu_core_add_unit(s.w->core, &fu->unit), 0);
	assert_int_equal(add_device(s.w, fu, 1, NULL, &far), 0);
	dom = nested(&s, 1);
	assert_int_equal(uiommu_group_attach(uiommu_device_group(far), dom),
			 -EINVAL);
	uiommu_domain_free(dom);
	uiommu_device_remove(far);
	scene_close(&s);
}

/* -------------------------------------------------------- invalidations -- */

static void invalidations_of_a_domain(void **state)
{
	struct fake_nested_inv inv[3] = { { .index = 1 },
					  { .index = 3 },
					  { .index = 4 } };
	struct uiommu_user_array array = {
		.type = FAKE_NESTED_INVALIDATE,
		.entry_len = sizeof(inv[0]),
		.entry_num = 3,
		.at = (uintptr_t)inv,
	};
	struct fake_nested_data data = { .word = 7 };
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(
		uiommu_domain_alloc_nested(s.dev, s.parent, 0,
					   DATA(FAKE_NESTED_DATA, data), &dom),
		0);
	/* In order, up to the bad one. */
	assert_int_equal(uiommu_domain_invalidate(dom, &array), -EINVAL);
	assert_int_equal(array.entry_num, 2);
	array.entry_num = 2;
	array.type = 1;
	assert_int_equal(uiommu_domain_invalidate(dom, &array), -EINVAL);
	assert_int_equal(array.entry_num, 0);
	/* A parent takes none. */
	array.entry_num = 2;
	assert_int_equal(uiommu_domain_invalidate(s.parent, &array),
			 -EOPNOTSUPP);
	assert_int_equal(array.entry_num, 0);
	uiommu_domain_free(dom);
	scene_close(&s);
}

static void invalidations_of_a_vIOMMU(void **state)
{
	struct fake_viommu_inv inv[3] = { { 0, 0x30, 2 },
					  { 1, 0x30, 0 },
					  { 0, 0x31, 0 } };
	struct uiommu_user_array array = {
		.type = FAKE_VIOMMU_INVALIDATE,
		.entry_len = sizeof(inv[0]),
		.entry_num = 3,
		.at = (uintptr_t)inv,
	};
	struct uiommu_vdevice *vdev;
	struct scene s;

	scene_open(&s, state);
	vdev = vdevice(&s, s.dev, 0x30);
	assert_int_equal(uiommu_viommu_invalidate(s.viommu, &array), -EINVAL);
	assert_int_equal(array.entry_num, 2);
	assert_int_equal(fake_viommu_count(&s.w->fu->unit, 0x30, 2), 2);
	assert_int_equal(fake_viommu_count(&s.w->fu->unit, 0x30, 1), 1);
	uiommu_vdevice_destroy(vdev);
	scene_close(&s);
}

/* --------------------------------------------------------------- events -- */

struct taker {
	unsigned int nr, lost;
	uint32_t last;
	int rc;
};

static int take(void *ctx, const void *data, size_t len)
{
	struct taker *t = ctx;

	if (!data) {
		t->lost++;
		return t->rc;
	}
	assert_int_equal(len, 4);
	t->nr++;
	memcpy(&t->last, data, 4);
	return t->rc;
}

static void events_find_their_taker(void **state)
{
	struct taker t = { 0 }, other = { 0 };
	struct uiommu_vdevice *vdev;
	struct uiommu_domain *dom;
	struct uiommu_unit *unit;
	struct scene s;

	scene_open(&s, state);
	unit = &s.w->fu->unit;
	dom = nested(&s, 1);
	vdev = vdevice(&s, s.dev, 0x77);
	assert_int_equal(uiommu_group_attach(s.group, dom), 0);
	/* Nobody takes them, or another kind only. */
	assert_int_equal(fake_guest_event(unit, 0x77, false), -EOPNOTSUPP);
	assert_int_equal(uiommu_viommu_set_events(s.viommu, 1, take, &other),
			 0);
	assert_int_equal(fake_guest_event(unit, 0x77, false), -EOPNOTSUPP);
	assert_int_equal(
		uiommu_viommu_set_events(s.viommu, FAKE_VEVENTS, take, &t), 0);
	assert_int_equal(uiommu_viommu_set_events(s.viommu, FAKE_VEVENTS, take,
						  &other),
			 -EEXIST);
	assert_int_equal(fake_guest_event(unit, 0x77, false), 0);
	assert_int_equal(t.nr, 1);
	assert_int_equal(t.last, 0x77);
	assert_int_equal(fake_guest_event(unit, 0x77, true), 0);
	assert_int_equal(t.lost, 1);
	t.rc = -ENOMEM;
	assert_int_equal(fake_guest_event(unit, 0x77, false), -ENOMEM);
	uiommu_viommu_clear_events(s.viommu, FAKE_VEVENTS);
	uiommu_viommu_clear_events(s.viommu, FAKE_VEVENTS);
	assert_int_equal(fake_guest_event(unit, 0x77, false), -EOPNOTSUPP);
	assert_int_equal(other.nr, 0);
	uiommu_viommu_clear_events(s.viommu, 1);
	assert_int_equal(uiommu_group_detach(s.group), 0);
	uiommu_vdevice_destroy(vdev);
	uiommu_domain_free(dom);
	scene_close(&s);
}

static void a_late_event_finds_nobody(void **state)
{
	struct uiommu_core *core;
	struct taker t = { 0 };
	struct scene s;
	uint64_t id;

	scene_open(&s, state);
	core = s.w->core;
	assert_int_equal(
		uiommu_viommu_set_events(s.viommu, FAKE_VEVENTS, take, &t), 0);
	/* Ids are given out once, whatever goes. */
	for (id = 1; id < 100; id++)
		if (!uiommu_core_host_ops.report_vevent(
			    core, &s.w->fu->unit, id, FAKE_VEVENTS, &id, 4))
			break;
	assert_int_equal(t.nr, 1);
	uiommu_viommu_clear_events(s.viommu, FAKE_VEVENTS);
	uiommu_viommu_destroy(s.viommu);
	s.viommu = viommu_of(&s);
	assert_int_equal(
		uiommu_viommu_set_events(s.viommu, FAKE_VEVENTS, take, &t), 0);
	assert_int_equal(
		uiommu_core_host_ops.report_vevent(core, &s.w->fu->unit, id,
						   FAKE_VEVENTS, &id, 4),
		-EOPNOTSUPP);
	assert_int_equal(t.nr, 1);
	uiommu_viommu_clear_events(s.viommu, FAKE_VEVENTS);
	scene_close(&s);
}

/* Events against handlers that come and go. */
struct fight {
	struct scene *s;
	uint32_t inside; /* atomic; calls of a handler that is set */
	uint32_t set;	 /* atomic */
	uint64_t events, changes;
	uint32_t stop;
};

static int take_in_a_fight(void *ctx, const void *data, size_t len)
{
	struct fight *f = ctx;

	fetch_add_acq_rel(&f->inside, 1);
	assert_true(load_acquire(&f->set));
	turn(&f->events);
	fetch_sub_acq_rel(&f->inside, 1);
	return 0;
}

static void *send_events(void *arg)
{
	struct fight *f = arg;

	while (!load_acquire(&f->stop))
		fake_guest_event(&f->s->w->fu->unit, 0x77, false);
	return NULL;
}

static void *change_handlers(void *arg)
{
	struct fight *f = arg;

	while (!load_acquire(&f->stop)) {
		store_release(&f->set, 1);
		assert_int_equal(uiommu_viommu_set_events(f->s->viommu,
							  FAKE_VEVENTS,
							  take_in_a_fight, f),
				 0);
		sched_yield();
		uiommu_viommu_clear_events(f->s->viommu, FAKE_VEVENTS);
		assert_int_equal(load_acquire(&f->inside), 0);
		store_release(&f->set, 0);
		turn(&f->changes);
	}
	return NULL;
}

static void handlers_come_and_go(void **state)
{
	struct uiommu_vdevice *vdev;
	struct uiommu_domain *dom;
	struct fight f = { 0 };
	const uint64_t *counts[] = { &f.events, &f.changes };
	pthread_t threads[2];
	struct scene s;

	scene_open(&s, state);
	f.s = &s;
	dom = nested(&s, 1);
	vdev = vdevice(&s, s.dev, 0x77);
	assert_int_equal(uiommu_group_attach(s.group, dom), 0);
	pthread_create(&threads[0], NULL, send_events, &f);
	pthread_create(&threads[1], NULL, change_handlers, &f);
	assert_true(let_fight(200, counts, 2));
	store_release(&f.stop, 1);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_int_equal(uiommu_group_detach(s.group), 0);
	uiommu_vdevice_destroy(vdev);
	uiommu_domain_free(dom);
	scene_close(&s);
}

/* ----------------------------------------------------- faults, doorbells -- */

struct keeper {
	struct uiommu_iopf_group *group;
};

static int on_group(void *ctx, struct uiommu_iopf_group *group)
{
	struct keeper *k = ctx;

	assert_null(k->group);
	k->group = group;
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
	struct keeper *k = ctx;

	assert_ptr_equal(k->group, group);
	uiommu_iopf_group_put(group);
	k->group = NULL;
}

/* The guest has given out the PASIDs. */
static void faults_of_all_PASIDs_come_to_the_guest(void **state)
{
	static const struct uiommu_iopf_ops ops = { on_group, on_withdrawn };
	const uint32_t id = 20;
	const struct uiommu_device_cfg cfg = {
		.hw = { .name = "w", .ids = &id, .nr_ids = 1, .pasid_bits = 8 },
	};
	struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_READ | UIOMMU_PAGE_LAST,
		.id = id,
		.pasid = 5,
		.token = 1,
		.iova = 0x1000,
	};
	struct uiommu_vdevice *vdev;
	struct uiommu_device *dev;
	struct uiommu_domain *dom;
	struct keeper k = { 0 };
	struct scene s;

	scene_open(&s, state);
	s.w->fu->page_faults = true;
	assert_int_equal(
		uiommu_device_add(s.w->core, &s.w->fu->unit, &cfg, &dev), 0);
	dom = nested(&s, 1);
	assert_int_equal(uiommu_domain_set_iopf_handler(dom, &ops, &k), 0);
	vdev = vdevice(&s, dev, 1);
	assert_int_equal(uiommu_group_attach(uiommu_device_group(dev), dom), 0);
	fake_page_request(s.w->fu, &req);
	assert_non_null(k.group);
	assert_ptr_equal(k.group->domain, dom);
	assert_int_equal(k.group->pasid, 5);
	assert_int_equal(
		uiommu_iopf_group_respond(k.group, UIOMMU_PAGE_SUCCESS), 0);
	uiommu_iopf_group_put(k.group);
	k.group = NULL;
	/* One that waits when the domain goes; and the first of another group. */
	fake_page_request(s.w->fu, &req);
	req.token = 2;
	req.flags = UIOMMU_PAGE_READ;
	fake_page_request(s.w->fu, &req);
	assert_int_equal(uiommu_group_detach(uiommu_device_group(dev)), 0);
	assert_null(k.group);
	assert_int_equal(fake_waiting(s.w->fu), 0);
	assert_int_equal(s.w->fu->bad_answers, 0);
	uiommu_vdevice_destroy(vdev);
	uiommu_device_remove(dev);
	uiommu_domain_free(dom);
	scene_close(&s);
}

static void doorbells_are_in_the_parent(void **state)
{
	struct uiommu_vdevice *vdev;
	uiommu_iova_t iova, again;
	struct uiommu_domain *dom;
	uiommu_pa_t pa;
	struct scene s;

	scene_open(&s, state);
	dom = nested(&s, 1);
	vdev = vdevice(&s, s.dev, 1);
	assert_int_equal(uiommu_group_attach(s.group, dom), 0);
	assert_int_equal(uiommu_group_msi_map(s.group, 0xfee00040, &iova), 0);
	assert_int_not_equal(iova, 0xfee00040);
	assert_int_equal(uiommu_domain_iova_to_pa(s.parent, iova, &pa), 0);
	assert_int_equal(pa, 0xfee00040);
	/* Once for all over this parent. */
	assert_int_equal(uiommu_group_replace(s.group, s.parent), 0);
	assert_int_equal(uiommu_group_msi_map(s.group, 0xfee00040, &again), 0);
	assert_int_equal(again, iova);
	assert_int_equal(uiommu_group_detach(s.group), 0);
	uiommu_vdevice_destroy(vdev);
	uiommu_domain_free(dom);
	scene_close(&s);
}

/* --------------------------------------------------------------- trouble -- */

/* What the hardware may go on using is not given to anybody else. */
static void hardware_that_keeps_a_guests_tables(void **state)
{
	struct uiommu_vdevice *vdev;
	struct uiommu_domain *dom;
	struct scene s;
	uint64_t live;

	scene_open(&s, state);
	dom = nested(&s, 1);
	vdev = vdevice(&s, s.dev, 1);
	assert_int_equal(uiommu_group_attach(s.group, dom), 0);
	s.w->fu->fail_attach = 1;
	s.w->fu->stuck = 1;
	assert_int_equal(uiommu_group_detach(s.group), 0);
	s.w->fu->fail_attach = 0;
	s.w->fu->stuck = 0;
	live = uiommu_host_live(s.w->host);
	uiommu_vdevice_destroy(vdev);
	uiommu_domain_free(dom);
	uiommu_viommu_destroy(s.viommu);
	assert_int_equal(uiommu_domain_map(s.parent, 0, 0, PAGE, RW), -EIO);
	uiommu_domain_free(s.parent);
	assert_true(uiommu_host_live(s.w->host) < live);
	s.w->fu->crashed = 1;
	uiommu_device_remove(s.dev);
	s.w->dev[1] = NULL;
	fake_nested_forget(&s.w->fu->unit);
}

static void every_allocation_fails_once(void **state)
{
	const struct uiommu_viommu_args args = { .type = FAKE_VIOMMU };
	struct fake_nested_data data = { .word = 1 };
	struct uiommu_viommu *viommu;
	struct uiommu_vdevice *vdev;
	struct uiommu_domain *dom;
	unsigned int failed = 0;
	struct taker t = { 0 };
	struct scene s;
	uint64_t live;

#define ONCE(call)                                                   \
	for (unsigned int n_ = 1;; n_++) {                           \
		int rc_;                                             \
                                                                     \
		live = uiommu_host_live(s.w->host);                  \
		uiommu_host_fail_nth(s.w->host, n_);                 \
		rc_ = (call);                                        \
		uiommu_host_fail_nth(s.w->host, 0);                  \
		if (!rc_)                                            \
			break;                                       \
		assert_int_equal(rc_, -ENOMEM);                      \
		assert_int_equal(uiommu_host_live(s.w->host), live); \
		failed++;                                            \
	}
	scene_open(&s, state);
	ONCE(uiommu_viommu_create(s.dev, s.parent, &args, &viommu));
	ONCE(uiommu_vdevice_create(viommu, s.dev, 4, &vdev));
	ONCE(uiommu_viommu_domain_alloc(viommu, 0, DATA(FAKE_NESTED_DATA, data),
					&dom));
	ONCE(uiommu_viommu_set_events(viommu, 1, take, &t));
	assert_int_equal(failed, 2 + 2 + 2 + 1);
	uiommu_viommu_clear_events(viommu, 1);
	uiommu_domain_free(dom);
	uiommu_vdevice_destroy(vdev);
	uiommu_viommu_destroy(viommu);
	scene_close(&s);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, world_open, world_close)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_domain_straight_over_its_parent),
		CASE(what_the_driver_refuses),
		CASE(data_that_cannot_be_read),
		CASE(a_unit_without_guests),
		CASE(which_parents),
		CASE(a_vIOMMU_is_answered),
		CASE(an_id_is_one_device_and_a_device_one_id),
		CASE(a_guests_tables_need_a_vdevice),
		CASE(only_behind_its_own_unit),
		CASE(invalidations_of_a_domain),
		CASE(invalidations_of_a_vIOMMU),
		CASE(events_find_their_taker),
		CASE(a_late_event_finds_nobody),
		CASE(handlers_come_and_go),
		CASE(faults_of_all_PASIDs_come_to_the_guest),
		CASE(doorbells_are_in_the_parent),
		CASE(hardware_that_keeps_a_guests_tables),
		CASE(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
