/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains and groups that reach across units. */
#include <string.h>

#include "world.h"

/* The world and a second unit, with one device (id 1 there). */
struct two {
	struct world *w;
	struct fake_unit *other;
	struct uiommu_device *far;
};

static struct uiommu_group *group_of(struct uiommu_device *dev)
{
	return uiommu_device_group(dev);
}

/* `fu` as it is to be; it becomes the core's. */
static void two_open(struct two *t, struct world *w, struct fake_unit *fu)
{
	t->w = w;
	t->other = fu;
	assert_int_equal(uiommu_core_add_unit(w->core, &fu->unit), 0);
	assert_int_equal(add_device(w, fu, 1, NULL, &t->far), 0);
}

/* A domain with one page, at 0x1000. */
static struct uiommu_domain *mapped(struct world *w, uiommu_pa_t pa)
{
	struct uiommu_domain *dom = new_domain(w);

	assert_int_equal(uiommu_domain_map(dom, 0x1000, pa, PAGE, RW), 0);
	return dom;
}

/* Device `id` behind `fu` has that page. */
static void expect_page(struct fake_unit *fu, uint32_t id, uiommu_pa_t want)
{
	uiommu_pa_t pa;

	assert_int_equal(fake_dma(fu, id, 0x1000, true, &pa), 0);
	assert_int_equal(pa, want);
}

/* A device behind the other unit (id 2 there) in the group of device 0. */
static struct uiommu_device *two_mates(struct two *t, struct world *w)
{
	struct uiommu_device_cfg with = { .group_with = w->dev[0] };
	struct uiommu_device *mate;

	two_open(t, w, new_unit(w));
	assert_int_equal(add_device(w, t->other, 2, &with, &mate), 0);
	assert_int_equal(uiommu_group_nr_devices(group_of(w->dev[0])), 2);
	return mate;
}

static void a_domain_serves_both_units(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);
	struct uiommu_group *near, *far;
	uiommu_pa_t pa;
	struct two t;
	uint64_t n;

	two_open(&t, w, new_unit(w));
	near = group_of(w->dev[0]);
	far = group_of(t.far);
	assert_int_equal(map_at(w, ioas, 0, 4, 0x10000, RW), 0);
	assert_int_equal(uiommu_group_attach(near, dom), 0);
	assert_int_equal(uiommu_group_attach(far, dom), 0);
	assert_int_equal(fake_dma(w->fu, 1, 0x11000, false, &pa), 0);
	assert_int_equal(fake_dma(t.other, 1, 0x11010, false, &pa), 0);
	assert_int_equal(pa, fake_mm_pa(&w->mm, MEM + 0x1010));
	/* Memory is given back only when no unit knows of it (world_close). */
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x10000, 4 * PAGE, &n), 0);
	assert_int_equal(fake_dma(t.other, 1, 0x11000, false, &pa), -EFAULT);
	/* One that leaves does not disturb the other. */
	assert_int_equal(map_at(w, ioas, 8, 1, 0x10000, RW), 0);
	uiommu_group_detach(near);
	assert_int_equal(fake_dma(w->fu, 1, 0x10000, true, &pa), -EFAULT);
	assert_int_equal(fake_dma(t.other, 1, 0x10000, true, &pa), 0);
	uiommu_group_detach(far);
	uiommu_ioas_unmap_all(ioas, &n);
	leave(ioas, dom);
	uiommu_ioas_destroy(ioas);
	uiommu_device_remove(t.far);
}

/* Replacing the domain of one device leaves the other where it is. */
static void each_unit_is_replaced_alone(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *a = mapped(w, 0xa000), *b = mapped(w, 0xb000);
	uint64_t attaches;
	struct two t;

	two_open(&t, w, new_unit(w));
	assert_int_equal(uiommu_group_attach(group_of(w->dev[0]), a), 0);
	assert_int_equal(uiommu_group_attach(group_of(t.far), a), 0);
	attaches = w->fu->attaches;
	assert_int_equal(uiommu_group_replace(group_of(t.far), b), 0);
	assert_int_equal(w->fu->attaches, attaches);
	expect_page(w->fu, 1, 0xa000);
	expect_page(t.other, 1, 0xb000);
	uiommu_group_detach(group_of(w->dev[0]));
	uiommu_group_detach(group_of(t.far));
	uiommu_device_remove(t.far);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
}

/* What the driver cannot use it refuses, and nothing has changed. */
static void a_domain_that_does_not_fit(void **state)
{
	struct world *w = *state;
	struct fake_unit *fu = new_unit(w);
	struct uiommu_domain *dom = new_domain(w), *own;
	struct two t;

	fu->ias = 40;
	two_open(&t, w, fu);
	assert_int_equal(uiommu_group_attach(group_of(t.far), dom), -EINVAL);
	assert_null(uiommu_group_domain(group_of(t.far)));
	assert_int_equal(t.other->attaches, 1); /* to blocked */
	assert_int_equal(uiommu_domain_alloc(t.far, &own), 0);
	assert_int_equal(uiommu_domain_map(own, 0x1000, 0xc000, PAGE, RW), 0);
	assert_int_equal(uiommu_group_attach(group_of(t.far), own), 0);
	assert_int_equal(uiommu_group_replace(group_of(t.far), dom), -EINVAL);
	assert_ptr_equal(uiommu_group_domain(group_of(t.far)), own);
	expect_page(t.other, 1, 0xc000);
	uiommu_group_detach(group_of(t.far));
	uiommu_device_remove(t.far);
	uiommu_domain_free(own);
	uiommu_domain_free(dom);
}

/* A promise of coherent accesses is kept by every unit, or not made. */
static void coherency_is_the_unit_s(void **state)
{
	struct world *w = *state;
	struct fake_unit *fu = new_unit(w);
	struct uiommu_domain *dom = new_domain(w), *loose;
	struct uiommu_domain_geometry geo;
	struct uiommu_unit_caps caps;
	unsigned int lines;
	struct two t;

	fu->caps.enforce_coherency = false;
	two_open(&t, w, fu);
	uiommu_device_caps(t.far, &caps);
	assert_false(caps.enforce_coherency);
	uiommu_device_caps(w->dev[0], &caps);
	assert_true(caps.enforce_coherency);

	lines = log_lines();
	assert_int_equal(uiommu_group_attach(group_of(t.far), dom), -EINVAL);
	assert_int_equal(log_lines(), lines + 1);
	assert_non_null(strstr(last_line(), "coheren"));
	assert_int_equal(t.other->attaches, 0);
	/* The other way round nothing was promised. */
	assert_int_equal(uiommu_domain_alloc(t.far, &loose), 0);
	uiommu_domain_geometry(loose, &geo);
	assert_false(geo.enforce_coherency);
	assert_int_equal(uiommu_group_attach(group_of(t.far), loose), 0);
	assert_int_equal(uiommu_group_attach(group_of(w->dev[0]), loose), 0);
	uiommu_group_detach(group_of(t.far));
	uiommu_group_detach(group_of(w->dev[0]));
	uiommu_device_remove(t.far);
	uiommu_domain_free(loose);
	uiommu_domain_free(dom);
}

static void hardware_of_another_kind(void **state)
{
	struct world *w = *state;
	struct fake_unit *fu = new_unit(w);
	static struct uiommu_driver_ops ops;
	struct uiommu_domain *dom = new_domain(w);
	unsigned int lines = log_lines();
	struct two t;

	ops = *fu->unit.ops; /* outlives the test, as the core does */
	fu->unit.ops = &ops;
	two_open(&t, w, fu);
	assert_int_equal(uiommu_group_attach(group_of(t.far), dom), -EINVAL);
	assert_int_equal(log_lines(), lines + 1);
	assert_int_equal(t.other->attaches, 0);
	uiommu_device_remove(t.far);
	uiommu_domain_free(dom);
}

/* One group, members behind both units, whichever of them refuses. */
static void a_group_behind_two_units(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *a = mapped(w, 0xa000), *b = mapped(w, 0xb000);
	struct uiommu_group *g = group_of(w->dev[0]);
	struct uiommu_device *mate;
	uiommu_pa_t pa;
	struct two t;

	mate = two_mates(&t, w);
	assert_int_equal(uiommu_group_attach(g, a), 0);
	w->fu->fail_attach = 1;
	assert_int_equal(uiommu_group_replace(g, b), -ENOMEM);
	t.other->fail_attach = 1;
	assert_int_equal(uiommu_group_replace(g, b), -ENOMEM);
	assert_ptr_equal(uiommu_group_domain(g), a);
	expect_page(w->fu, 1, 0xa000);
	expect_page(t.other, 2, 0xa000);
	assert_int_equal(uiommu_group_replace(g, b), 0);
	expect_page(t.other, 2, 0xb000);
	uiommu_group_detach(g);
	assert_int_equal(fake_dma(t.other, 2, 0x1000, true, &pa), -EFAULT);
	uiommu_device_remove(mate);
	uiommu_device_remove(t.far);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
}

/* Hardware that does not answer has lost the domain: it gets it back. */
static void silence_of_one_unit(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *a = mapped(w, 0xa000), *b = mapped(w, 0xb000);
	struct uiommu_group *g = group_of(w->dev[0]);
	struct uiommu_device *mate;
	struct two t;

	mate = two_mates(&t, w);
	assert_int_equal(uiommu_group_attach(g, a), 0);
	t.other->fail_rc = -ETIMEDOUT;
	t.other->fail_attach = 1;
	assert_int_equal(uiommu_group_replace(g, b), -ETIMEDOUT);
	assert_ptr_equal(uiommu_group_domain(g), a);
	expect_page(w->fu, 1, 0xa000);
	expect_page(t.other, 2, 0xa000);
	uiommu_group_detach(g);
	uiommu_device_remove(mate);
	uiommu_device_remove(t.far);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(a_domain_serves_both_units), T(each_unit_is_replaced_alone),
		T(a_domain_that_does_not_fit), T(coherency_is_the_unit_s),
		T(hardware_of_another_kind),   T(a_group_behind_two_units),
		T(silence_of_one_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
