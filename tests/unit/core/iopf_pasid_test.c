/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iopf_pasid_test.c - page faults of accesses with a PASID go to the handler of
 * the domain that the PASID has, and end with it.
 */
#include "world.h"

#define ID 20u
#define LAST (UIOMMU_PAGE_READ | UIOMMU_PAGE_LAST)

/* A domain, and what came to its handler. */
struct place {
	struct uiommu_domain *dom;
	struct uiommu_iopf_group *group; /* the last; a reference */
	unsigned int came, withdrawn;
};

static int on_group(void *ctx, struct uiommu_iopf_group *group)
{
	struct place *p = ctx;

	assert_ptr_equal(group->domain, p->dom);
	if (p->group)
		uiommu_iopf_group_put(p->group);
	p->group = group;
	p->came++;
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
	struct place *p = ctx;

	p->withdrawn++;
}

static const struct uiommu_iopf_ops place_ops = { on_group, on_withdrawn };

struct scene {
	struct world *w;
	struct uiommu_device *dev;
	struct uiommu_group *group;
	struct place rid, a, b;
};

static void place_open(struct scene *s, struct place *p)
{
	p->dom = new_domain(s->w);
	assert_int_equal(uiommu_domain_set_iopf_handler(p->dom, &place_ops, p),
			 0);
}

static void place_close(struct place *p)
{
	if (p->group)
		uiommu_iopf_group_put(p->group);
	uiommu_domain_free(p->dom);
}

static void scene_open(struct scene *s, void **state)
{
	*s = (struct scene){ .w = *state };
	s->w->fu->page_faults = true;
	assert_int_equal(add_device(s->w, s->w->fu, ID, NULL, &s->dev), 0);
	s->w->fu->page_faults = false;
	s->group = uiommu_device_group(s->dev);
	place_open(s, &s->rid);
	place_open(s, &s->a);
	place_open(s, &s->b);
}

static void scene_close(struct scene *s)
{
	uiommu_group_detach(s->group);
	uiommu_device_remove(s->dev);
	place_close(&s->rid);
	place_close(&s->a);
	place_close(&s->b);
	assert_int_equal(fake_waiting(s->w->fu), 0);
	assert_int_equal(s->w->fu->bad_answers, 0);
}

static void ask(struct scene *s, uint32_t pasid, uint32_t token, uint32_t flags)
{
	const struct uiommu_page_request req = {
		.flags = flags,
		.id = ID,
		.pasid = pasid,
		.token = token,
		.iova = 0x1000,
	};

	fake_page_request(s->w->fu, &req);
}

static void each_pasid_has_its_handler(void **state)
{
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_group_attach(s.group, s.rid.dom), 0);
	assert_int_equal(uiommu_device_pasid_attach(s.dev, 5, s.a.dom), 0);
	assert_int_equal(uiommu_device_pasid_attach(s.dev, 6, s.b.dom), 0);
	ask(&s, 5, 1, LAST);
	ask(&s, 6, 2, LAST);
	ask(&s, UIOMMU_NO_PASID, 3, LAST);
	ask(&s, 7, 4, LAST);
	assert_int_equal(s.a.came, 1);
	assert_int_equal(s.a.group->pasid, 5);
	assert_int_equal(s.b.came, 1);
	assert_int_equal(s.rid.came, 1);
	/* The one that nobody has. */
	assert_int_equal(s.w->fu->answer.pasid, 7);
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_INVALID);
	assert_int_equal(s.w->fault.pasid, 7);
	assert_int_equal(fake_waiting(s.w->fu), 3);

	/* A stall too; groups of one number are told apart by their PASID. */
	{
		const struct uiommu_fault fault = {
			.kind = UIOMMU_FAULT_TRANSLATION,
			.id = ID,
			.pasid = 6,
			.token = 9,
		};

		fake_stall(s.w->fu, &fault);
	}
	assert_int_equal(s.b.came, 2);
	assert_true(s.b.group->stalled);
	ask(&s, 5, 8, UIOMMU_PAGE_READ);
	ask(&s, 6, 8, LAST);
	assert_int_equal(s.b.group->nr, 1);
	ask(&s, 5, 8, LAST);
	assert_int_equal(s.a.group->nr, 2);
	assert_int_equal(
		uiommu_iopf_group_respond(s.a.group, UIOMMU_PAGE_SUCCESS), 0);
	assert_int_equal(s.w->fu->answer.pasid, 5);
	/* A Stop Marker is one PASID's. */
	ask(&s, 5, 1, UIOMMU_PAGE_READ);
	ask(&s, 6, 2, UIOMMU_PAGE_READ);
	ask(&s, 5, 0, UIOMMU_PAGE_STOP);
	ask(&s, 5, 10, LAST);
	ask(&s, 6, 2, LAST);
	assert_int_equal(s.a.group->nr, 1);
	assert_int_equal(s.b.group->nr, 2);

	uiommu_device_pasid_detach(s.dev, 5);
	uiommu_device_pasid_detach(s.dev, 6);
	scene_close(&s);
}

/* One goes; the others' groups stay. */
static void a_pasid_takes_its_groups_along(void **state)
{
	struct scene s;
	int owner;

	scene_open(&s, state);
	for (unsigned int way = 0; way < 3; way++) {
		unsigned int a = s.a.withdrawn, rid = s.rid.withdrawn;

		if (way == 2)
			assert_int_equal(
				uiommu_device_claim_owner(s.dev, &owner), 0);
		assert_int_equal(uiommu_group_attach(s.group, s.rid.dom), 0);
		assert_int_equal(uiommu_device_pasid_attach(s.dev, 5, s.a.dom),
				 0);
		ask(&s, 5, 1, LAST);
		ask(&s, 5, 2, LAST);
		ask(&s, UIOMMU_NO_PASID, 3, LAST);
		switch (way) {
		case 0:
			uiommu_device_pasid_detach(s.dev, 5);
			break;
		case 1:
			assert_int_equal(uiommu_device_pasid_replace(s.dev, 5,
								     s.b.dom),
					 0);
			break;
		default:
			uiommu_device_release_owner(s.dev);
			assert_int_equal(s.rid.withdrawn, rid + 1);
			break;
		}
		assert_int_equal(s.a.withdrawn, a + 2);
		assert_int_equal(uiommu_iopf_group_respond(s.a.group,
							   UIOMMU_PAGE_SUCCESS),
				 -ENOENT);
		if (way == 2)
			break;
		assert_int_equal(s.rid.withdrawn, rid);
		assert_int_equal(fake_waiting(s.w->fu), 1);
		ask(&s, 5, 4, LAST);
		assert_int_equal(s.b.came, way);
		uiommu_device_pasid_detach(s.dev, 5);
		/* The device's own domain goes, and its group. */
		uiommu_group_detach(s.group);
		assert_int_equal(s.rid.withdrawn, rid + 1);
	}
	scene_close(&s);
}

static void refusals(void **state)
{
	struct uiommu_domain *plain;
	struct uiommu_device *other;
	struct scene s;

	scene_open(&s, state);
	plain = new_domain(s.w);
	other = s.w->dev[0]; /* has no page faults */
	assert_int_equal(uiommu_device_pasid_attach(other, 5, s.a.dom),
			 -ENODEV);
	assert_int_equal(uiommu_device_pasid_attach(other, 5, plain), 0);
	assert_int_equal(uiommu_device_pasid_replace(other, 5, s.a.dom),
			 -ENODEV);
	assert_ptr_equal(uiommu_device_pasid_domain(other, 5), plain);
	uiommu_device_pasid_detach(other, 5);

	/* A replace that fails leaves the faults where they were. */
	assert_int_equal(uiommu_device_pasid_attach(s.dev, 5, s.a.dom), 0);
	s.w->fu->fail_pasid = 1;
	assert_int_equal(uiommu_device_pasid_replace(s.dev, 5, s.b.dom),
			 -ENOMEM);
	ask(&s, 5, 1, LAST);
	assert_int_equal(s.a.came, 1);
	assert_int_equal(s.b.came, 0);
	/* A device that goes with its PASIDs attached. */
	uiommu_device_remove(s.dev);
	assert_int_equal(s.a.withdrawn, 1);
	assert_int_equal(add_device(s.w, s.w->fu, ID, NULL, &s.dev), 0);
	s.group = uiommu_device_group(s.dev);
	scene_close(&s);
	uiommu_domain_free(plain);
}

/* An auxiliary domain's PASID is chosen by the core. */
static void auxiliary_domains(void **state)
{
	struct scene s;
	int pasid;

	scene_open(&s, state);
	assert_int_equal(uiommu_dev_enable_feature(s.dev, UIOMMU_DEV_FEAT_AUX),
			 0);
	assert_int_equal(uiommu_group_attach(s.group, s.rid.dom), 0);
	assert_int_equal(uiommu_aux_attach(s.a.dom, s.dev), 0);
	pasid = uiommu_aux_pasid(s.a.dom, s.dev);
	assert_true(pasid > 0);
	ask(&s, (uint32_t)pasid, 1, LAST);
	assert_int_equal(s.a.came, 1);
	uiommu_aux_detach(s.a.dom, s.dev);
	assert_int_equal(s.a.withdrawn, 1);
	ask(&s, (uint32_t)pasid, 2, LAST);
	assert_int_equal(s.a.came, 1);
	assert_int_equal(uiommu_dev_disable_feature(s.dev, UIOMMU_DEV_FEAT_AUX),
			 0);
	scene_close(&s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(each_pasid_has_its_handler),
		T(a_pasid_takes_its_groups_along),
		T(refusals),
		T(auxiliary_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
