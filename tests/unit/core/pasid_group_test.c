/* SPDX-License-Identifier: BSD-2-Clause */
/* A PASID of a whole group: who of it gets the domain, and all or none do. */
#include "world.h"

#define IOVA UINT64_C(0x10000)
#define AT_A UINT64_C(0xa0000)
#define AT_B UINT64_C(0xb0000)
#define MEMBERS 4

/*
 * A group of devices 20 to 23: PASIDs of 16 bits, of 4, none, and again 16; and
 * two domains that map IOVA to different places.
 */
struct scene {
	struct world *w;
	struct uiommu_device *dev[MEMBERS];
	struct uiommu_group *group;
	struct uiommu_domain *a, *b;
};

static const uint8_t bits[MEMBERS] = { 16, 4, 0, 16 };

static struct uiommu_domain *domain_at(struct world *w, uiommu_pa_t pa)
{
	struct uiommu_domain *dom = new_domain(w);

	assert_int_equal(uiommu_domain_map(dom, IOVA, pa, PAGE, RW), 0);
	return dom;
}

static void scene_open(struct scene *s, void **state)
{
	struct uiommu_device_cfg cfg = { 0 };

	s->w = *state;
	for (unsigned int i = 0; i < MEMBERS; i++) {
		cfg.hw.pasid_bits = bits[i];
		cfg.group_with = i ? s->dev[0] : NULL;
		assert_int_equal(add_device(s->w, s->w->fu, 20 + i, &cfg,
					    &s->dev[i]),
				 0);
	}
	s->group = uiommu_device_group(s->dev[0]);
	s->a = domain_at(s->w, AT_A);
	s->b = domain_at(s->w, AT_B);
}

static void scene_close(struct scene *s)
{
	for (unsigned int i = MEMBERS; i-- > 0;)
		if (s->dev[i])
			uiommu_device_remove(s->dev[i]);
	uiommu_domain_free(s->a);
	uiommu_domain_free(s->b);
}

/* Where a member gets to; 0: nowhere. */
static uiommu_pa_t reach(struct scene *s, unsigned int i, uint32_t pasid)
{
	uiommu_pa_t pa;

	return fake_dma_pasid(s->w->fu, 20 + i, pasid, IOVA, true, &pa) ? 0
									: pa;
}

/* All members that have PASIDs get there. */
static void expect_all(struct scene *s, uint32_t pasid, uiommu_pa_t pa)
{
	for (unsigned int i = 0; i < MEMBERS; i++)
		if (s->dev[i])
			assert_int_equal(reach(s, i, pasid), bits[i] ? pa : 0);
}

static void all_that_have_pasids(void **state)
{
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_group_pasid_replace(s.group, 5, s.a), -EINVAL);
	assert_int_equal(uiommu_group_pasid_attach(s.group, 5, s.a), 0);
	expect_all(&s, 5, AT_A);
	assert_ptr_equal(uiommu_group_pasid_domain(s.group, 5), s.a);
	assert_int_equal(uiommu_group_pasid_attach(s.group, 5, s.a), -EBUSY);
	assert_int_equal(uiommu_group_pasid_attach(s.group, 5, s.b), -EBUSY);
	assert_int_equal(uiommu_group_pasid_replace(s.group, 5, s.a), 0);
	assert_int_equal(uiommu_group_pasid_replace(s.group, 5, s.b), 0);
	expect_all(&s, 5, AT_B);
	expect_all(&s, 6, 0);
	uiommu_group_pasid_detach(s.group, 6);
	uiommu_group_pasid_detach(s.group, 5);
	uiommu_group_pasid_detach(s.group, 5);
	expect_all(&s, 5, 0);
	assert_null(uiommu_group_pasid_domain(s.group, 5));
	scene_close(&s);
}

static void refusals(void **state)
{
	const struct uiommu_domain_cfg identity = {
		.hw.type = UIOMMU_DOM_IDENTITY,
	};
	struct uiommu_device_cfg late = { .hw.pasid_bits = 16 };
	struct uiommu_device *mate;
	struct uiommu_domain *id;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_domain_alloc_cfg(s.dev[0], &identity, &id), 0);
	assert_int_equal(uiommu_group_pasid_attach(s.group, 0, s.a), -EINVAL);
	/* The narrowest of those that have any. */
	assert_int_equal(uiommu_group_pasid_attach(s.group, 15, s.a), 0);
	assert_int_equal(uiommu_group_pasid_attach(s.group, 16, s.a), -EINVAL);
	assert_int_equal(uiommu_group_pasid_attach(s.group, 5, id),
			 -EOPNOTSUPP);
	assert_int_equal(uiommu_group_pasid_replace(s.group, 15, id),
			 -EOPNOTSUPP);
	/* A door by device is for one that is alone. */
	assert_int_equal(uiommu_device_pasid_attach(s.dev[0], 5, s.a), -EINVAL);
	late.group_with = s.dev[0];
	assert_int_equal(add_device(s.w, s.w->fu, 30, &late, &mate), -EBUSY);
	expect_all(&s, 15, AT_A);
	expect_all(&s, 5, 0);
	uiommu_group_pasid_detach(s.group, 15);
	uiommu_domain_free(id);
	scene_close(&s);
}

/* Nothing is programmed, but the group has the PASID. */
static void where_nobody_has_any(void **state)
{
	struct world *w = *state;
	struct uiommu_device_cfg cfg = { 0 };
	struct uiommu_device *dev[2];
	struct uiommu_domain *a = domain_at(w, AT_A), *b = domain_at(w, AT_B);
	struct uiommu_group *group;
	uint64_t calls = w->fu->set_pasids;

	assert_int_equal(add_device(w, w->fu, 20, &cfg, &dev[0]), 0);
	/* One that has them, behind a fabric that does not look at them. */
	cfg = (struct uiommu_device_cfg){ .hw.pasid_bits = 4,
					  .group_with = dev[0],
					  .routes_by_address = true };
	assert_int_equal(add_device(w, w->fu, 21, &cfg, &dev[1]), 0);
	group = uiommu_device_group(dev[0]);
	assert_int_equal(uiommu_group_pasid_attach(group, 1u << 30, a), 0);
	assert_int_equal(uiommu_group_pasid_attach(group, 1u << 30, b), -EBUSY);
	assert_int_equal(uiommu_group_pasid_replace(group, 1u << 30, b), 0);
	assert_ptr_equal(uiommu_group_pasid_domain(group, 1u << 30), b);
	uiommu_group_pasid_detach(group, 1u << 30);
	assert_int_equal(w->fu->set_pasids, calls);
	uiommu_device_remove(dev[1]);
	uiommu_device_remove(dev[0]);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
}

/* The nth of them refuses; all have what they had. */
static void all_or_none(void **state)
{
	static const int errors[] = { -ENOMEM, -ETIMEDOUT };
	struct scene s;

	scene_open(&s, state);
	for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
		s.w->fu->fail_rc = errors[e];
		for (uint32_t n = 1; n <= 3; n++) {
			s.w->fu->fail_pasid = n;
			assert_int_equal(uiommu_group_pasid_attach(s.group, 5,
								   s.a),
					 errors[e]);
			expect_all(&s, 5, 0);
			assert_null(uiommu_group_pasid_domain(s.group, 5));

			s.w->fu->fail_pasid = 0;
			assert_int_equal(
				uiommu_group_pasid_attach(s.group, 5, s.a), 0);
			s.w->fu->fail_pasid = n;
			assert_int_equal(uiommu_group_pasid_replace(s.group, 5,
								    s.b),
					 errors[e]);
			assert_int_equal(s.w->fu->fail_pasid, 0);
			expect_all(&s, 5, AT_A);
			assert_int_equal(
				uiommu_group_pasid_replace(s.group, 5, s.b), 0);
			expect_all(&s, 5, AT_B);
			uiommu_group_pasid_detach(s.group, 5);
			expect_all(&s, 5, 0);
		}
	}
	scene_close(&s);
}

/* From the nth on: what one cannot have back, none has. */
static void silence_takes_it_from_all(void **state)
{
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_group_pasid_attach(s.group, 5, s.a), 0);
	s.w->fu->fail_rc = -EIO;
	s.w->fu->stuck = 1;
	for (uint32_t n = 1; n <= 3; n++) {
		s.w->fu->fail_pasid = n;
		assert_int_equal(uiommu_group_pasid_replace(s.group, 5, s.b),
				 -EIO);
		expect_all(&s, 5, 0);
		assert_ptr_equal(uiommu_group_pasid_domain(s.group, 5), s.a);
		s.w->fu->fail_pasid = 0;
		assert_int_equal(uiommu_group_pasid_replace(s.group, 5, s.a),
				 0);
		expect_all(&s, 5, AT_A);
	}
	uiommu_group_pasid_detach(s.group, 5);
	scene_close(&s);
}

/* One goes; the others, and the PASID, stay. */
static void a_member_leaves(void **state)
{
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_group_pasid_attach(s.group, 5, s.a), 0);
	uiommu_device_remove(s.dev[0]);
	s.dev[0] = NULL;
	expect_all(&s, 5, AT_A);
	assert_int_equal(uiommu_group_pasid_replace(s.group, 5, s.b), 0);
	expect_all(&s, 5, AT_B);
	uiommu_group_pasid_detach(s.group, 5);
	expect_all(&s, 5, 0);
	scene_close(&s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(all_that_have_pasids),      T(refusals),
		T(where_nobody_has_any),      T(all_or_none),
		T(silence_takes_it_from_all), T(a_member_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
