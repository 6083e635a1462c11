/* SPDX-License-Identifier: BSD-2-Clause */
/* Auxiliary domains: the rules, one by one. */
#include <string.h>

#include "world.h"

#define AUX UIOMMU_DEV_FEAT_AUX
#define IOVA UINT64_C(0x10000)

/*
 * Devices 1 to 3 have the parent `parent`, device 4 `other`; the feature is
 * enabled on all.  `aux` maps IOVA to 0xa0000.
 */
struct scene {
	struct world *w;
	struct uiommu_domain *parent, *other, *aux;
};

static struct uiommu_group *group_of(struct uiommu_device *dev)
{
	return uiommu_device_group(dev);
}

static struct uiommu_domain *new_stage(struct world *w, enum uiommu_stage stage)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING, .stage = stage },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &cfg, &dom), 0);
	return dom;
}

static struct uiommu_domain *new_aux(struct world *w, uiommu_pa_t pa)
{
	struct uiommu_domain *dom = new_domain(w);

	assert_int_equal(uiommu_domain_map(dom, IOVA, pa, PAGE, RW), 0);
	return dom;
}

static void open_scene(struct scene *s, struct world *w)
{
	s->w = w;
	s->parent = new_domain(w);
	s->other = new_domain(w);
	s->aux = new_aux(w, 0xa0000);
	for (unsigned int i = 0; i < NR_DEVS; i++) {
		assert_int_equal(uiommu_group_attach(group_of(w->dev[i]),
						     i < 3 ? s->parent
							   : s->other),
				 0);
		assert_int_equal(uiommu_dev_enable_feature(w->dev[i], AUX), 0);
	}
}

static void close_scene(struct scene *s)
{
	for (unsigned int i = 0; i < NR_DEVS; i++)
		assert_int_equal(uiommu_group_detach(group_of(s->w->dev[i])),
				 0);
	uiommu_domain_free(s->parent);
	uiommu_domain_free(s->other);
	uiommu_domain_free(s->aux);
}

/* Where device 1 + i gets to by the PASID; 0: nowhere. */
static uiommu_pa_t reach(struct scene *s, unsigned int i, uint32_t pasid)
{
	uiommu_pa_t pa;

	return fake_dma_pasid(s->w->fu, i + 1, pasid, IOVA, true, &pa) ? 0 : pa;
}

/* ------------------------------------------------------------- feature -- */

static void a_feature_is_enabled_first(void **state)
{
	struct world *w = *state;
	struct uiommu_device_cfg plain = { .hw.pasid_bits = 0 };
	struct uiommu_domain *parent = new_domain(w), *aux = new_domain(w);
	struct uiommu_device *none;

	assert_int_equal(add_device(w, w->fu, 20, &plain, &none), 0);
	assert_false(uiommu_dev_has_feature(none, AUX));
	assert_int_equal(uiommu_dev_enable_feature(none, AUX), -ENODEV);
	assert_false(uiommu_dev_feature_enabled(none, AUX));
	assert_int_equal(uiommu_dev_disable_feature(none, AUX), -EINVAL);
	assert_false(uiommu_dev_has_feature(w->dev[0], 7));
	assert_int_equal(uiommu_dev_enable_feature(w->dev[0], 7), -ENODEV);
	assert_int_equal(uiommu_dev_disable_feature(w->dev[0], 7), -EINVAL);

	assert_true(uiommu_dev_has_feature(w->dev[0], AUX));
	assert_false(uiommu_dev_feature_enabled(w->dev[0], AUX));
	assert_int_equal(uiommu_dev_disable_feature(w->dev[0], AUX), -EINVAL);
	assert_int_equal(uiommu_group_attach(group_of(w->dev[0]), parent), 0);
	assert_int_equal(uiommu_aux_attach(aux, w->dev[0]), -EINVAL);
	uiommu_aux_detach(aux, w->dev[0]);

	assert_int_equal(uiommu_dev_enable_feature(w->dev[0], AUX), 0);
	assert_true(uiommu_dev_feature_enabled(w->dev[0], AUX));
	assert_false(uiommu_dev_feature_enabled(w->dev[1], AUX));
	assert_int_equal(uiommu_dev_enable_feature(w->dev[0], AUX), -EBUSY);
	assert_int_equal(uiommu_aux_attach(aux, w->dev[0]), 0);
	assert_int_equal(uiommu_dev_disable_feature(w->dev[0], AUX), -EBUSY);
	assert_true(uiommu_dev_feature_enabled(w->dev[0], AUX));
	uiommu_aux_detach(aux, w->dev[0]);
	assert_int_equal(uiommu_dev_disable_feature(w->dev[0], AUX), 0);
	assert_false(uiommu_dev_feature_enabled(w->dev[0], AUX));
	uiommu_group_detach(group_of(w->dev[0]));
	uiommu_device_remove(none);
	uiommu_domain_free(parent);
	uiommu_domain_free(aux);
}

/* -------------------------------------------------------- the relations -- */

static void all_devices_see_the_same_pasid(void **state)
{
	struct scene s;
	struct uiommu_domain *second;
	int pasid;

	open_scene(&s, *state);
	second = new_aux(s.w, 0xb0000);
	assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[0]), -EINVAL);
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[0]), 0);
	pasid = uiommu_aux_pasid(s.aux, s.w->dev[0]);
	assert_true(pasid > 0);
	assert_int_equal(reach(&s, 0, (uint32_t)pasid), 0xa0000);
	/* A device of the same parent that is not attached reaches nothing. */
	assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[1]), -EINVAL);
	assert_int_equal(reach(&s, 1, (uint32_t)pasid), 0);
	assert_int_equal(uiommu_aux_attach(second, s.w->dev[0]), 0);
	assert_true(uiommu_aux_pasid(second, s.w->dev[0]) != pasid);
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[1]), 0);
	assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[1]), pasid);
	assert_int_equal(reach(&s, 1, (uint32_t)pasid), 0xa0000);
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[1]), -EBUSY);

	/* The one goes, the other stays. */
	uiommu_aux_detach(s.aux, s.w->dev[0]);
	assert_int_equal(reach(&s, 0, (uint32_t)pasid), 0);
	assert_int_equal(reach(&s, 1, (uint32_t)pasid), 0xa0000);
	assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[0]), -EINVAL);
	assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[1]), pasid);
	uiommu_aux_detach(s.aux, s.w->dev[1]);
	assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[1]), -EINVAL);
	/* Its PASID is anybody's again. */
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[2]), 0);
	assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[2]), pasid);
	uiommu_aux_detach(s.aux, s.w->dev[2]);
	uiommu_aux_detach(second, s.w->dev[0]);
	uiommu_domain_free(second);
	close_scene(&s);
}

static void auxiliary_or_normal_for_good(void **state)
{
	struct uiommu_domain *normal;
	struct scene s;

	open_scene(&s, *state);
	normal = new_domain(s.w);
	/* Auxiliary: while attached and after. */
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[0]), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(uiommu_group_replace(group_of(s.w->dev[3]),
						      s.aux),
				 -EINVAL);
		assert_int_equal(uiommu_device_pasid_attach(s.w->dev[3], 9,
							    s.aux),
				 -EINVAL);
		uiommu_aux_detach(s.aux, s.w->dev[0]);
	}
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[3]), 0);
	uiommu_aux_detach(s.aux, s.w->dev[3]);

	/* Normal, by a group or by number. */
	assert_int_equal(uiommu_aux_attach(s.parent, s.w->dev[3]), -EINVAL);
	assert_int_equal(uiommu_aux_attach(s.parent, s.w->dev[0]), -EINVAL);
	assert_int_equal(uiommu_device_pasid_attach(s.w->dev[3], 9, normal), 0);
	assert_int_equal(uiommu_aux_attach(normal, s.w->dev[0]), -EINVAL);
	uiommu_device_pasid_detach(s.w->dev[3], 9);
	assert_int_equal(uiommu_aux_attach(normal, s.w->dev[0]), -EINVAL);
	uiommu_domain_free(normal);

	/* An attach that failed decides nothing, either way. */
	normal = new_domain(s.w);
	s.w->fu->fail_attach = 1;
	assert_int_equal(uiommu_group_replace(group_of(s.w->dev[3]), normal),
			 -ENOMEM);
	s.w->fu->fail_pasid = 1;
	assert_int_equal(uiommu_aux_attach(normal, s.w->dev[0]), -ENOMEM);
	assert_int_equal(uiommu_device_pasid_attach(s.w->dev[3], 9, normal), 0);
	uiommu_device_pasid_detach(s.w->dev[3], 9);
	uiommu_domain_free(normal);
	close_scene(&s);
}

static void one_parent(void **state)
{
	struct uiommu_domain *aux2;
	struct scene s;

	open_scene(&s, *state);
	aux2 = new_domain(s.w);
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[0]), 0);
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[3]), -EINVAL);
	assert_int_equal(uiommu_aux_attach(aux2, s.w->dev[3]), 0);
	assert_int_equal(uiommu_aux_attach(aux2, s.w->dev[0]), -EINVAL);
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[1]), 0);

	/* The parent stays while auxiliary domains are attached. */
	assert_int_equal(uiommu_group_detach(group_of(s.w->dev[0])), -EBUSY);
	assert_int_equal(uiommu_group_replace(group_of(s.w->dev[0]), s.other),
			 -EBUSY);
	assert_ptr_equal(uiommu_group_domain(group_of(s.w->dev[0])), s.parent);
	uiommu_aux_detach(s.aux, s.w->dev[0]);
	/* Others that have the same one are no concern of the device. */
	assert_int_equal(uiommu_group_replace(group_of(s.w->dev[0]), s.other),
			 0);
	assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[0]), -EINVAL);
	assert_int_equal(uiommu_aux_attach(aux2, s.w->dev[0]), 0);
	uiommu_aux_detach(s.aux, s.w->dev[1]);
	uiommu_aux_detach(aux2, s.w->dev[0]);
	uiommu_aux_detach(aux2, s.w->dev[3]);
	uiommu_domain_free(aux2);
	close_scene(&s);
}

static void parents_that_are_none(void **state)
{
	struct world *w = *state;
	const struct uiommu_domain_cfg cfg = { .hw.type = UIOMMU_DOM_IDENTITY };
	struct uiommu_domain *two = new_stage(w, UIOMMU_STAGE_2), *id;
	struct uiommu_domain *aux = new_domain(w);
	struct uiommu_group *g = group_of(w->dev[0]);

	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &cfg, &id), 0);
	assert_int_equal(uiommu_dev_enable_feature(w->dev[0], AUX), 0);
	assert_int_equal(uiommu_aux_attach(aux, w->dev[0]), -EINVAL);
	uiommu_aux_detach(aux, w->dev[0]);
	assert_int_equal(uiommu_group_attach(g, id), 0);
	assert_int_equal(uiommu_aux_attach(aux, w->dev[0]), -EINVAL);
	assert_int_equal(uiommu_group_replace(g, two), 0);
	assert_int_equal(uiommu_aux_attach(aux, w->dev[0]), -EINVAL);
	assert_int_equal(uiommu_device_nr_pasids(w->dev[0]), 0);
	uiommu_group_detach(g);
	uiommu_domain_free(id);
	uiommu_domain_free(two);
	uiommu_domain_free(aux);
}

/* The default domain is a parent like any other. */
static void a_default_domain_as_parent(void **state)
{
	struct world *w = *state;
	const struct uiommu_device_cfg cfg = {
		.hw.pasid_bits = 8,
		.default_domain = UIOMMU_DEFAULT_DMA,
	};
	struct uiommu_domain *aux = new_domain(w), *dom = new_domain(w);
	struct uiommu_device *dev;

	assert_int_equal(add_device(w, w->fu, 20, &cfg, &dev), 0);
	assert_int_equal(uiommu_dev_enable_feature(dev, AUX), 0);
	assert_int_equal(uiommu_aux_attach(aux, dev), 0);
	assert_int_equal(uiommu_group_attach(group_of(dev), dom), -EBUSY);
	assert_int_equal(uiommu_device_claim_owner(dev, w), -EBUSY);
	uiommu_aux_detach(aux, dev);
	assert_int_equal(uiommu_group_attach(group_of(dev), dom), 0);
	uiommu_group_detach(group_of(dev));
	uiommu_device_remove(dev);
	uiommu_domain_free(aux);
	uiommu_domain_free(dom);
}

static void domains_that_cannot_be_auxiliary(void **state)
{
	const struct uiommu_domain_cfg cfg = { .hw.type = UIOMMU_DOM_BLOCKED };
	struct uiommu_domain *two, *no;
	struct scene s;

	open_scene(&s, *state);
	two = new_stage(s.w, UIOMMU_STAGE_2);
	assert_int_equal(uiommu_domain_alloc_cfg(s.w->dev[0], &cfg, &no), 0);
	assert_int_equal(uiommu_aux_attach(two, s.w->dev[0]), -EINVAL);
	assert_int_equal(uiommu_aux_attach(no, s.w->dev[0]), -EINVAL);
	uiommu_domain_free(two);
	uiommu_domain_free(no);
	close_scene(&s);
}

/* ---------------------------------------------------------------- PASIDs -- */

static void pasids_run_out(void **state)
{
	struct world *w = *state;
	const struct uiommu_device_cfg narrow = { .hw.pasid_bits = 2 };
	struct uiommu_domain *aux[4], *wide;
	struct uiommu_device *dev;
	unsigned int lines;
	struct scene s;

	open_scene(&s, w);
	assert_int_equal(add_device(w, w->fu, 20, &narrow, &dev), 0);
	assert_int_equal(uiommu_group_attach(group_of(dev), s.parent), 0);
	assert_int_equal(uiommu_dev_enable_feature(dev, AUX), 0);
	for (unsigned int i = 0; i < 4; i++) {
		aux[i] = new_domain(w);
		assert_int_equal(uiommu_aux_attach(aux[i], dev),
				 i < 3 ? 0 : -ENOSPC);
	}
	assert_int_equal(uiommu_aux_pasid(aux[3], dev), -EINVAL);
	/* One that a wider device began with does not fit the narrow one. */
	wide = new_domain(w);
	assert_int_equal(uiommu_aux_attach(wide, w->dev[0]), 0);
	assert_int_equal(uiommu_aux_pasid(wide, w->dev[0]), 4);
	assert_int_equal(uiommu_aux_attach(wide, dev), -EINVAL);
	uiommu_aux_detach(aux[1], dev);
	assert_int_equal(uiommu_aux_attach(aux[3], dev), 0);
	assert_int_equal(uiommu_aux_pasid(aux[3], dev), 2);

	/* By number: neither takes what is the other's. */
	assert_int_equal(uiommu_device_pasid_attach(dev, 2, s.other), -EBUSY);
	assert_int_equal(uiommu_device_pasid_replace(dev, 2, s.other), -EBUSY);
	uiommu_device_pasid_detach(dev, 2);
	assert_int_equal(uiommu_aux_pasid(aux[3], dev), 2);
	uiommu_aux_detach(aux[3], dev);
	assert_int_equal(uiommu_device_pasid_attach(dev, 2, s.other), 0);
	assert_int_equal(uiommu_aux_attach(aux[3], dev), -EBUSY);
	uiommu_aux_detach(aux[3], dev);
	uiommu_device_pasid_detach(dev, 2);

	/* What is left at the end is told of, and taken off. */
	assert_int_equal(uiommu_group_detach(group_of(dev)), -EBUSY);
	lines = log_lines();
	uiommu_device_remove(dev);
	assert_int_equal(log_lines(), lines + 1);
	assert_int_equal(uiommu_aux_pasid(wide, w->dev[0]), 4);
	uiommu_aux_detach(wide, w->dev[0]);
	for (unsigned int i = 0; i < 4; i++)
		uiommu_domain_free(aux[i]);
	uiommu_domain_free(wide);
	close_scene(&s);
}

/* An owner that forgets them: they go, and the PASID can be used again. */
static void owners_that_forget(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *parent = new_domain(w), *aux = new_domain(w);
	unsigned int lines;
	uint32_t pasid;

	assert_int_equal(uiommu_device_claim_owner(w->dev[0], w), 0);
	assert_int_equal(uiommu_group_attach(group_of(w->dev[0]), parent), 0);
	assert_int_equal(uiommu_dev_enable_feature(w->dev[0], AUX), 0);
	assert_int_equal(uiommu_aux_attach(aux, w->dev[0]), 0);
	lines = log_lines();
	uiommu_device_release_owner(w->dev[0]);
	assert_int_equal(log_lines(), lines + 1);
	assert_int_equal(uiommu_aux_pasid(aux, w->dev[0]), -EINVAL);
	assert_int_equal(uiommu_dev_disable_feature(w->dev[0], AUX), 0);
	assert_int_equal(uiommu_pasid_alloc(w->core, 1, 9, &pasid), 0);
	assert_int_equal(pasid, 1);
	uiommu_domain_free(parent);
	uiommu_domain_free(aux);
}

/* ------------------------------------------------------------- failures -- */

static void every_failure_changes_nothing(void **state)
{
	static const int rcs[] = { -ENOMEM, -ENOSPC, -ETIMEDOUT };
	unsigned int n;
	struct scene s;
	uint64_t live;
	int rc;

	open_scene(&s, *state);
	for (n = 1;; n++) {
		live = uiommu_host_live(s.w->host);
		uiommu_host_fail_nth(s.w->host, n);
		rc = uiommu_aux_attach(s.aux, s.w->dev[0]);
		if (!uiommu_host_fail_nth(s.w->host, 0))
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(uiommu_host_live(s.w->host), live);
		assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[0]), -EINVAL);
		assert_int_equal(uiommu_device_nr_pasids(s.w->dev[0]), 0);
	}
	assert_true(n > 2);
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < sizeof(rcs) / sizeof(rcs[0]); i++) {
		s.w->fu->fail_rc = rcs[i];
		s.w->fu->fail_pasid = 1;
		assert_int_equal(uiommu_aux_attach(s.aux, s.w->dev[1]), rcs[i]);
		assert_int_equal(reach(&s, 1, 1), 0);
		assert_int_equal(reach(&s, 0, 1), 0xa0000);
		assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[1]), -EINVAL);
		assert_int_equal(uiommu_dev_disable_feature(s.w->dev[1], AUX),
				 0);
		assert_int_equal(uiommu_dev_enable_feature(s.w->dev[1], AUX),
				 0);
	}
	/* A detach is one whatever the hardware says. */
	s.w->fu->fail_rc = -ETIMEDOUT;
	s.w->fu->fail_pasid = 1;
	uiommu_aux_detach(s.aux, s.w->dev[0]);
	assert_int_equal(uiommu_aux_pasid(s.aux, s.w->dev[0]), -EINVAL);
	assert_int_equal(reach(&s, 0, 1), 0);
	close_scene(&s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(a_feature_is_enabled_first),
		T(all_devices_see_the_same_pasid),
		T(auxiliary_or_normal_for_good),
		T(one_parent),
		T(parents_that_are_none),
		T(a_default_domain_as_parent),
		T(domains_that_cannot_be_auxiliary),
		T(pasids_run_out),
		T(owners_that_forget),
		T(every_failure_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
