/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid_table_test.c - a guest's PASID table on a domain: whose devices have it when,
 * what refuses, and that a call that fails changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "fake_nested.h"
#include "world.h"

/*
 * Devices 1 and 2 of the world's unit; 11, which has a unit of its own, and a group of
 * 3 and 12, which are behind one each.
 */
struct scene {
	struct world *w;
	struct fake_unit *other;
	struct uiommu_device *d11, *d12;
	struct uiommu_domain *dom, *more;
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

static struct uiommu_domain *stage2(struct uiommu_device *dev)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING,
			.stage = UIOMMU_STAGE_2,
			.flags = UIOMMU_DOM_NEST_PARENT },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(dev, &cfg, &dom), 0);
	return dom;
}

static struct uiommu_group *group(struct uiommu_device *dev)
{
	return uiommu_device_group(dev);
}

static void attach(struct scene *s, struct uiommu_device *dev)
{
	assert_int_equal(uiommu_group_attach(group(dev), s->dom), 0);
}

static void scene_open(struct scene *s, void **state)
{
	struct uiommu_device_cfg cfg = { .hw = { .name = "d12",
						 .pasid_bits = PASID_BITS } };

	memset(s, 0, sizeof(*s));
	s->w = *state;
	s->other = new_unit(s->w);
	assert_int_equal(uiommu_core_add_unit(s->w->core, &s->other->unit), 0);
	assert_int_equal(add_device(s->w, s->other, 11, NULL, &s->d11), 0);
	cfg.group_with = s->w->dev[2];
	assert_int_equal(add_device(s->w, s->other, 12, &cfg, &s->d12), 0);
	s->dom = stage2(s->w->dev[0]);
}

/* Nothing of a guest is left. */
static void scene_close(struct scene *s)
{
	uiommu_group_detach(group(s->w->dev[0]));
	uiommu_group_detach(group(s->w->dev[1]));
	uiommu_group_detach(group(s->w->dev[2]));
	uiommu_group_detach(group(s->d11));
	uiommu_domain_free(s->dom);
	uiommu_device_remove(s->d11);
	uiommu_device_remove(s->d12);
	assert_int_equal(fake_nr_viommus(&s->w->fu->unit), 0);
	assert_int_equal(fake_nr_viommus(&s->other->unit), 0);
	assert_int_equal(fake_nr_nested(&s->w->fu->unit), 0);
	assert_int_equal(fake_nr_nested(&s->other->unit), 0);
}

static const struct uiommu_hwdev *hw(struct scene *s, struct fake_unit *fu,
				     uint32_t id)
{
	for (unsigned int i = 0; i < FAKE_DEVS; i++)
		if (fu->devs[i] && fu->devs[i]->id == id)
			return &fu->devs[i]->hwdev;
	fail_msg("no device %u", id);
	return NULL;
}

/* Has the device this table; NULL: the domain alone, or nothing. */
static bool has(struct scene *s, uint32_t id,
		const struct uiommu_pasid_table *table)
{
	const struct uiommu_hwdev *dev =
		hw(s, id > 10 ? s->other : s->w->fu, id);
	struct uiommu_pasid_table now;

	if (!fake_bound_table(dev, &now))
		return !table;
	return table && now.base == table->base && now.state == table->state;
}

static bool all_have(struct scene *s, const struct uiommu_pasid_table *table)
{
	return has(s, 1, table) && has(s, 3, table) && has(s, 11, table) &&
	       has(s, 12, table);
}

/* Devices 1, 3 with 12, 11. */
static void attach_all(struct scene *s)
{
	attach(s, s->w->dev[0]);
	attach(s, s->w->dev[2]);
	attach(s, s->d11);
}

/* ------------------------------------------------------ coming and going -- */

static void all_devices_have_it(void **state)
{
	struct scene s;

	scene_open(&s, state);
	attach_all(&s);
	assert_true(all_have(&s, NULL));
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	assert_true(all_have(&s, &linear));
	assert_true(has(&s, 2, NULL));
	/* To all others the groups have the domain as before. */
	assert_ptr_equal(uiommu_group_domain(group(s.d11)), s.dom);
	assert_int_equal(fake_nr_viommus(&s.w->fu->unit), 1);
	assert_int_equal(fake_nr_viommus(&s.other->unit), 1);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &second), 0);
	assert_true(all_have(&s, &second));
	assert_int_equal(fake_nr_viommus(&s.w->fu->unit), 1);
	assert_int_equal(fake_nr_nested(&s.other->unit), 1);
	uiommu_unbind_pasid_table(s.dom);
	assert_true(all_have(&s, NULL));
	assert_int_equal(fake_nr_viommus(&s.w->fu->unit), 0);
	/* Nothing is nothing. */
	uiommu_unbind_pasid_table(s.dom);
	scene_close(&s);
}

static void who_comes_later_has_it(void **state)
{
	struct uiommu_domain *plain;
	struct scene s;

	scene_open(&s, state);
	attach(&s, s.w->dev[0]);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	assert_int_equal(fake_nr_viommus(&s.other->unit), 0);
	/* By attach and by replace; the latter's unit is new. */
	attach(&s, s.w->dev[1]);
	plain = stage2(s.d11);
	assert_int_equal(uiommu_group_attach(group(s.d11), plain), 0);
	assert_int_equal(uiommu_group_replace(group(s.d11), s.dom), 0);
	assert_true(has(&s, 2, &linear));
	assert_true(has(&s, 11, &linear));
	/* From one that is bound to one that is not, and back. */
	assert_int_equal(uiommu_group_replace(group(s.d11), plain), 0);
	assert_true(has(&s, 11, NULL));
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &second), 0);
	assert_true(has(&s, 11, NULL));
	assert_true(has(&s, 2, &second));
	assert_int_equal(uiommu_group_replace(group(s.d11), s.dom), 0);
	assert_true(has(&s, 11, &second));
	/* Owners that let go, devices that go: the others have it still. */
	assert_int_equal(uiommu_group_detach(group(s.w->dev[1])), 0);
	assert_int_equal(uiommu_device_claim_owner(s.w->dev[1], &s), 0);
	attach(&s, s.w->dev[1]);
	assert_true(has(&s, 2, &second));
	uiommu_device_release_owner(s.w->dev[1]);
	assert_true(has(&s, 2, NULL));
	uiommu_device_remove(s.w->dev[0]);
	s.w->dev[0] = NULL;
	assert_true(has(&s, 11, &second));
	/* Its last group has gone, and it is bound still. */
	assert_int_equal(uiommu_group_replace(group(s.d11), plain), 0);
	attach(&s, s.w->dev[1]);
	assert_true(has(&s, 2, &second));
	assert_int_equal(add_device(s.w, s.w->fu, 1, NULL, &s.w->dev[0]), 0);
	assert_int_equal(uiommu_group_detach(group(s.d11)), 0);
	uiommu_domain_free(plain);
	scene_close(&s);
}

/* So that no device has the domain alone, not even the first one for a moment. */
static void bound_before_anybody_is_there(void **state)
{
	const struct uiommu_cache_info info = { .type = UIOMMU_CACHE_TLB };
	struct uiommu_pasid_table bad = second;
	struct scene s;

	scene_open(&s, state);
	bad.pasid_bits = FAKE_TABLE_BITS + 1;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &bad), 0);
	assert_int_equal(uiommu_cache_invalidate(s.dom, NULL, &info), 0);
	assert_int_equal(uiommu_group_attach(group(s.d11), s.dom), -EINVAL);
	assert_null(uiommu_group_domain(group(s.d11)));
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	/* The one step of the attach is to the table. */
	s.other->fail_attach = 2;
	attach(&s, s.d11);
	assert_true(has(&s, 11, &linear));
	assert_int_equal(s.other->fail_attach, 1);
	s.other->fail_attach = 0;
	attach(&s, s.w->dev[2]);
	assert_true(has(&s, 3, &linear) && has(&s, 12, &linear));
	assert_int_equal(uiommu_group_detach(group(s.d11)), 0);
	assert_int_equal(uiommu_group_detach(group(s.w->dev[2])), 0);
	/* Nor when all have left. */
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &second), 0);
	attach(&s, s.w->dev[0]);
	assert_true(has(&s, 1, &second));
	assert_int_equal(uiommu_group_detach(group(s.w->dev[0])), 0);
	uiommu_unbind_pasid_table(s.dom);
	attach_all(&s);
	assert_true(all_have(&s, NULL));
	scene_close(&s);
}

/* ---------------------------------------------------------------- refusals -- */

static void what_is_refused(void **state)
{
	const struct uiommu_viommu_args args = { .type = FAKE_VIOMMU };
	struct uiommu_pasid_table bad = linear;
	struct uiommu_viommu *viommu;
	struct uiommu_domain *plain;
	struct scene s;

	scene_open(&s, state);
	bad.state = 3;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &bad), -EINVAL);
	attach_all(&s);
	bad = linear;
	plain = new_domain(s.w);
	assert_int_equal(uiommu_group_attach(group(s.w->dev[1]), plain), 0);
	assert_int_equal(uiommu_bind_pasid_table(plain, &linear), -EINVAL);
	bad.pasid_bits = FAKE_TABLE_BITS + 1;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &bad), -EINVAL);
	bad = linear;
	bad.state = 3;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &bad), -EINVAL);
	bad = linear;
	bad.format = UIOMMU_PASID_TABLE_2L_64K;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &bad), -EOPNOTSUPP);
	/* The other way of having guests. */
	assert_int_equal(
		uiommu_viommu_create(s.w->dev[0], s.dom, &args, &viommu), 0);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), -EBUSY);
	uiommu_viommu_destroy(viommu);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	assert_int_equal(uiommu_viommu_create(s.w->dev[0], s.dom, &args,
					      &viommu),
			 -EBUSY);
	uiommu_unbind_pasid_table(s.dom);
	assert_int_equal(
		uiommu_viommu_create(s.w->dev[0], s.dom, &args, &viommu), 0);
	uiommu_viommu_destroy(viommu);
	assert_true(all_have(&s, NULL));
	assert_int_equal(uiommu_group_detach(group(s.w->dev[1])), 0);
	uiommu_domain_free(plain);
	scene_close(&s);
}

static void a_nested_domain_instead(void **state)
{
	struct fake_nested_data word = { .word = 1 };
	const struct uiommu_user_data data = {
		.type = FAKE_NESTED_DATA,
		.len = sizeof(word),
		.at = (uintptr_t)&word,
	};
	struct uiommu_domain *nested;
	struct scene s;

	scene_open(&s, state);
	attach_all(&s);
	assert_int_equal(uiommu_domain_alloc_nested(s.w->dev[0], s.dom, 0,
						    &data, &nested),
			 0);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), -EBUSY);
	uiommu_domain_free(nested);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	assert_int_equal(uiommu_domain_alloc_nested(s.w->dev[0], s.dom, 0,
						    &data, &nested),
			 -EBUSY);
	scene_close(&s);
}

static void a_unit_without_tables(void **state)
{
	const struct uiommu_driver_ops *own;
	struct uiommu_nested_ops nested;
	struct uiommu_driver_ops ops;
	struct scene s;

	scene_open(&s, state);
	own = s.w->fu->unit.ops;
	attach_all(&s);
	ops = *own;
	ops.nested = &nested;
	/* Domains are for one driver's units. */
	s.w->fu->unit.ops = s.other->unit.ops = &ops;
	nested = *own->nested;
	nested.viommu_alloc = NULL;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), -EOPNOTSUPP);
	nested = *own->nested;
	nested.viommu_dom_make = NULL;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), -EOPNOTSUPP);
	nested = *own->nested;
	nested.viommu_forget = NULL;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), -EOPNOTSUPP);
	ops.nested = NULL;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), -EOPNOTSUPP);
	s.w->fu->unit.ops = s.other->unit.ops = own;
	assert_true(all_have(&s, NULL));
	scene_close(&s);
}

/* The fake unit takes PASIDs beside no stage 2, so the domain is of any. */
static struct uiommu_domain *any_stage(struct uiommu_device *dev)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING,
			.flags = UIOMMU_DOM_NEST_PARENT },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(dev, &cfg, &dom), 0);
	return dom;
}

static void beside_PASIDs(void **state)
{
	struct uiommu_device *a, *b;
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s, state);
	a = s.w->dev[0];
	b = s.w->dev[1];
	dom = any_stage(a);
	assert_int_equal(uiommu_group_attach(group(a), dom), 0);
	/* A device of the domain has PASIDs. */
	assert_int_equal(uiommu_device_pasid_attach(a, 5, s.dom), -EINVAL);
	uiommu_domain_free(s.dom);
	s.dom = any_stage(a);
	assert_int_equal(uiommu_device_pasid_attach(a, 5, s.dom), 0);
	assert_int_equal(uiommu_bind_pasid_table(dom, &linear), -EBUSY);
	uiommu_device_pasid_detach(a, 5);
	/* A PASID has the domain. */
	assert_int_equal(uiommu_device_pasid_attach(b, 5, dom), 0);
	assert_int_equal(uiommu_bind_pasid_table(dom, &linear), -EBUSY);
	uiommu_device_pasid_detach(b, 5);
	/* And while it is bound. */
	assert_int_equal(uiommu_bind_pasid_table(dom, &linear), 0);
	assert_int_equal(uiommu_device_pasid_attach(a, 5, s.dom), -EBUSY);
	assert_int_equal(uiommu_device_pasid_attach(b, 5, dom), -EBUSY);
	assert_int_equal(uiommu_device_pasid_attach(b, 5, s.dom), 0);
	assert_int_equal(uiommu_group_attach(group(b), dom), -EBUSY);
	assert_null(uiommu_group_domain(group(b)));
	uiommu_device_pasid_detach(b, 5);
	assert_int_equal(uiommu_group_detach(group(a)), 0);
	uiommu_domain_free(dom);
	scene_close(&s);
}

/* ---------------------------------------------------------------- trouble -- */

struct text {
	char *at;
	size_t len;
};

static void keep(void *ctx, const char *text, size_t len)
{
	struct text *to = ctx;

	to->at = realloc(to->at, to->len + len + 1);
	assert_non_null(to->at);
	memcpy(to->at + to->len, text, len);
	to->len += len;
	to->at[to->len] = 0;
}

/* Everything that there is; to be freed. */
static char *everything(struct scene *s)
{
	struct text text = { 0 };
	const struct uiommu_dump to = {
		.parts = UIOMMU_DUMP_OBJECTS,
		.write = keep,
		.ctx = &text,
	};

	uiommu_core_dump(s->w->core, &to);
	return text.at;
}

/* What can fail: the nth allocation, attach or invalidation. */
enum trouble {
	ALLOCATION,
	ATTACH,
	FORGET,
	TROUBLES,
};

static void arm(struct scene *s, enum trouble trouble, unsigned int nth)
{
	switch (trouble) {
	case ALLOCATION:
		uiommu_host_fail_nth(s->w->host, nth);
		break;
	case ATTACH:
		s->w->fu->fail_attach = s->other->fail_attach = nth;
		break;
	default:
		fake_fail_forget(nth);
	}
}

static int bind_second(struct scene *s)
{
	return uiommu_bind_pasid_table(s->dom, &second);
}

/* 2, whose unit is bound, and 11, whose is not. */
static int attach_old_unit(struct scene *s)
{
	return uiommu_group_attach(group(s->w->dev[1]), s->dom);
}

static int attach_new_unit(struct scene *s)
{
	return uiommu_group_attach(group(s->d11), s->dom);
}

/*
 * Each failure of `call`: it says so, and all is as before.  Then it succeeds.
 * How often was that?
 */
static unsigned int fails_at_each(struct scene *s, enum trouble trouble, int rc,
				  int (*call)(struct scene *s))
{
	uint64_t live = uiommu_host_live(s->w->host);
	char *before = everything(s), *after;
	unsigned int nth = 1;
	int got;

	for (;; nth++) {
		arm(s, trouble, nth);
		got = call(s);
		arm(s, trouble, 0);
		if (!got)
			break;
		assert_int_equal(got, rc);
		after = everything(s);
		assert_string_equal(before, after);
		free(after);
		uiommu_host_barrier(s->w->host);
		if (call != attach_new_unit)
			assert_int_equal(uiommu_host_live(s->w->host), live);
	}
	free(before);
	return nth - 1;
}

static void each_step_fails(void **state)
{
	static const unsigned int least[TROUBLES] = { 6, 2, 4 };
	struct scene s;

	for (int trouble = 0; trouble < TROUBLES; trouble++) {
		int rc = trouble == FORGET ? -ETIMEDOUT : -ENOMEM;

		for (int bound = 0; bound < 2; bound++) {
			scene_open(&s, state);
			attach_all(&s);
			if (bound)
				assert_int_equal(
					uiommu_bind_pasid_table(s.dom, &linear),
					0);
			assert_true(
				fails_at_each(&s, trouble, rc, bind_second) >=
				least[trouble]);
			assert_true(all_have(&s, &second));
			scene_close(&s);
		}
	}
}

static void each_step_of_a_later_attach_fails(void **state)
{
	struct scene s;

	scene_open(&s, state);
	attach(&s, s.w->dev[0]);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	assert_int_equal(fails_at_each(&s, ATTACH, -ENOMEM, attach_old_unit),
			 1);
	assert_true(has(&s, 2, &linear));
	assert_true(fails_at_each(&s, ALLOCATION, -ENOMEM, attach_new_unit) >=
		    3);
	assert_true(has(&s, 11, &linear));
	scene_close(&s);
}

/* For a moment a group has had the other table: what is left of that goes as well. */
static void what_a_failure_leaves_in_TLBs(void **state)
{
	struct fake_forgotten what;
	unsigned int nr;
	struct scene s;

	scene_open(&s, state);
	attach_all(&s);
	for (int bound = 0; bound < 2; bound++) {
		nr = fake_forgotten(0, &what);
		/* Device 1 has been moved. */
		s.w->fu->fail_attach = 2;
		assert_int_equal(uiommu_bind_pasid_table(s.dom, &second),
				 -ENOMEM);
		assert_int_equal(fake_forgotten(3, &what), nr + 4);
		assert_int_equal(what.info.type, UIOMMU_CACHE_TLB);
		assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	}
	/* Nothing was moved. */
	nr = fake_forgotten(0, &what);
	uiommu_host_fail_nth(s.w->host, 1);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &second), -ENOMEM);
	assert_int_equal(fake_forgotten(0, &what), nr);
	scene_close(&s);
}

/* Several domains, or none of them. */
static int bind_both(struct scene *s)
{
	struct uiommu_domain *const doms[] = { s->dom, s->more };

	return uiommu_bind_pasid_tables(doms, 2, &second);
}

static void several_domains(void **state)
{
	static const unsigned int least[TROUBLES] = { 10, 2, 6 };
	struct uiommu_domain *none = NULL;
	struct scene s;

	for (int trouble = 0; trouble < TROUBLES; trouble++) {
		int rc = trouble == FORGET ? -ETIMEDOUT : -ENOMEM;

		for (int bound = 0; bound < 3; bound++) {
			scene_open(&s, state);
			s.more = stage2(s.w->dev[0]);
			attach(&s, s.w->dev[0]);
			attach(&s, s.w->dev[2]);
			assert_int_equal(
				uiommu_group_attach(group(s.d11), s.more), 0);
			/* One of them, or both, have had another one. */
			if (bound)
				assert_int_equal(uiommu_bind_pasid_table(
							 s.more, &linear),
						 0);
			if (bound == 2)
				assert_int_equal(
					uiommu_bind_pasid_table(s.dom, &linear),
					0);
			assert_true(fails_at_each(&s, trouble, rc, bind_both) >=
				    least[trouble]);
			assert_true(all_have(&s, &second));
			assert_int_equal(uiommu_group_detach(group(s.d11)), 0);
			uiommu_domain_free(s.more);
			scene_close(&s);
		}
	}
	assert_int_equal(uiommu_bind_pasid_tables(&none, 0, &second), -EINVAL);
}

/* Who cannot be brought back is blocked, with a line, and nothing is freed early. */
static void hardware_that_is_silent(void **state)
{
	struct scene s;

	scene_open(&s, state);
	attach_all(&s);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	s.other->fail_rc = -ETIMEDOUT;
	s.other->fail_attach = 1;
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &second), -ETIMEDOUT);
	assert_true(all_have(&s, &linear));
	/* Unbind does not fail: blocked. */
	s.other->fail_attach = 1;
	uiommu_unbind_pasid_table(s.dom);
	assert_true(all_have(&s, NULL));
	s.other->fail_rc = 0;
	scene_close(&s);
}

static void hardware_that_keeps_a_table(void **state)
{
	unsigned int lines = log_lines();
	uint64_t live;
	struct scene s;

	scene_open(&s, state);
	attach_all(&s);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	s.w->fu->fail_attach = 1;
	s.w->fu->stuck = 1;
	uiommu_unbind_pasid_table(s.dom);
	assert_true(log_lines() > lines);
	s.w->fu->stuck = 0;
	s.w->fu->fail_attach = 0;
	/* Of a domain that is dead, what is under it stays too. */
	assert_int_equal(fake_nr_viommus(&s.w->fu->unit), 1);
	assert_int_equal(uiommu_domain_map(s.dom, 0, 0, PAGE, RW), -EIO);
	/* So no more of it comes, however often a guest asks. */
	live = uiommu_host_live(s.w->host);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &second), -EIO);
	assert_int_equal(uiommu_host_live(s.w->host), live);
	assert_int_equal(fake_nr_viommus(&s.w->fu->unit), 1);
	assert_int_equal(fake_nr_viommus(&s.other->unit), 1);
	s.w->fu->crashed = s.other->crashed = 1;
	uiommu_group_detach(group(s.w->dev[0]));
	uiommu_group_detach(group(s.w->dev[2]));
	uiommu_group_detach(group(s.d11));
	uiommu_device_remove(s.d11);
	uiommu_device_remove(s.d12);
	uiommu_domain_free(s.dom);
	fake_nested_forget(&s.w->fu->unit);
	fake_nested_forget(&s.other->unit);
}

/* ------------------------------------------------------------ invalidation -- */

static void who_is_told(void **state)
{
	struct uiommu_cache_info info = {
		.type = UIOMMU_CACHE_TLB,
		.granularity = UIOMMU_CACHE_ALL_PASIDS,
	};
	struct fake_forgotten what[2];
	unsigned int nr;
	struct scene s;

	scene_open(&s, state);
	attach_all(&s);
	assert_int_equal(uiommu_cache_invalidate(s.dom, NULL, &info), -EINVAL);
	nr = fake_forgotten(0, &what[0]);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	/* What TLBs have of before, then what ATCs have been given of that. */
	assert_int_equal(fake_forgotten(0, &what[0]), nr + 4);
	for (unsigned int i = 0; i < 4; i++) {
		fake_forgotten(3 - i, &what[0]);
		assert_int_equal(what[0].info.type,
				 i < 2 ? UIOMMU_CACHE_TLB
				       : UIOMMU_CACHE_DEVICE_TLB);
		assert_int_equal(what[0].info.granularity,
				 UIOMMU_CACHE_ALL_PASIDS);
		assert_null(what[0].dev);
	}
	/* TLBs are all units', the rest may be one's. */
	nr += 4;
	assert_int_equal(uiommu_cache_invalidate(s.dom, s.d11, &info), 0);
	assert_int_equal(fake_forgotten(0, &what[0]), nr + 2);
	fake_forgotten(1, &what[1]);
	assert_ptr_not_equal(what[0].unit, what[1].unit);
	assert_null(what[0].dev);
	info.type = UIOMMU_CACHE_PASID;
	assert_int_equal(uiommu_cache_invalidate(s.dom, s.d11, &info), 0);
	assert_int_equal(fake_forgotten(0, &what[0]), nr + 3);
	assert_ptr_equal(what[0].dev, hw(&s, s.other, 11));
	info.type = UIOMMU_CACHE_DEVICE_TLB;
	assert_int_equal(uiommu_cache_invalidate(s.dom, NULL, &info), 0);
	assert_int_equal(fake_forgotten(0, &what[0]), nr + 5);
	assert_null(what[0].dev);
	/* Not the domain's, and one that says so. */
	assert_int_equal(uiommu_cache_invalidate(s.dom, s.w->dev[1], &info),
			 -EINVAL);
	assert_int_equal(fake_forgotten(0, &what[0]), nr + 5);
	/* One that fails does not keep the other unit from being told. */
	fake_fail_forget(1);
	assert_int_equal(uiommu_cache_invalidate(s.dom, NULL, &info),
			 -ETIMEDOUT);
	assert_int_equal(fake_forgotten(0, &what[0]), nr + 7);
	uiommu_unbind_pasid_table(s.dom);
	assert_int_equal(fake_forgotten(0, &what[0]), nr + 11);
	assert_int_equal(uiommu_cache_invalidate(s.dom, NULL, &info), -EINVAL);
	scene_close(&s);
}

/* --------------------------------------------------------------------- dump -- */

static void a_dump_tells_it(void **state)
{
	struct scene s;
	char *text;

	scene_open(&s, state);
	attach_all(&s);
	text = everything(&s);
	assert_null(strstr(text, "guest"));
	free(text);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &linear), 0);
	text = everything(&s);
	assert_non_null(strstr(
		text, "guest state=translate pasid_bits=8 base=0x40000000\n"));
	/* It is what the devices are to have. */
	assert_null(strstr(text, "hardware="));
	free(text);
	assert_int_equal(uiommu_bind_pasid_table(s.dom, &bypass), 0);
	text = everything(&s);
	assert_non_null(strstr(text, "guest state=bypass"));
	free(text);
	scene_close(&s);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, world_open, world_close)

int main(void)
{
	const struct CMUnitTest cases[] = {
		test(all_devices_have_it),
		test(who_comes_later_has_it),
		test(bound_before_anybody_is_there),
		test(what_is_refused),
		test(a_nested_domain_instead),
		test(a_unit_without_tables),
		test(beside_PASIDs),
		test(each_step_fails),
		test(each_step_of_a_later_attach_fails),
		test(what_a_failure_leaves_in_TLBs),
		test(several_domains),
		test(hardware_that_is_silent),
		test(hardware_that_keeps_a_table),
		test(who_is_told),
		test(a_dump_tells_it),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
