/* SPDX-License-Identifier: BSD-2-Clause */
/* aux_test.c - the rules of auxiliary domains, and the refusals. */
#include "aux_scene.h"
#include "hw/smmuv3/event.h"
#include "machine/pci.h"

/* The event of an access past the ATC. */
static unsigned int fault_of(struct aux_scene *s, unsigned int i,
			     uint32_t pasid)
{
	unsigned int before = s->nr_faults;

	assert_int_equal(testep_go_as(&s->c[i], 0, pasid,
				      TESTEP_READ | TESTEP_UNTRANSLATED,
				      AUX_IOVA, 8),
			 TESTEP_ABORTED);
	assert_int_equal(s->nr_faults, before + 1);
	assert_int_equal(s->fault.txn.sid, s->machine->dev[i]->sid);
	assert_int_equal(s->fault.txn.ssid, pasid);
	assert_true(s->fault.recorded);
	return s->fault.event_type;
}

static struct uiommu_domain *domain_of(struct aux_scene *s,
				       enum uiommu_dom_type type,
				       enum uiommu_stage stage)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = type, .stage = stage },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(s->dev[0], &cfg, &dom), 0);
	return dom;
}

/* --------------------------------------------------------------- feature -- */

static void the_feature_comes_first(void **state)
{
	struct aux_scene s;
	uint32_t pasid;

	aux_open(&s);
	assert_false(uiommu_dev_has_feature(s.dev[AUX_NO_PASIDS], AUX));
	REFUSED(&s, uiommu_dev_enable_feature(s.dev[AUX_NO_PASIDS], AUX),
		-ENODEV);
	REFUSED(&s, uiommu_dev_disable_feature(s.dev[AUX_NO_PASIDS], AUX),
		-EINVAL);
	assert_false(uiommu_dev_feature_enabled(s.dev[AUX_NO_PASIDS], AUX));

	assert_true(uiommu_dev_has_feature(s.dev[0], AUX));
	assert_int_equal(uiommu_dev_disable_feature(s.dev[0], AUX), 0);
	assert_true(uiommu_dev_has_feature(s.dev[0], AUX));
	assert_false(uiommu_dev_feature_enabled(s.dev[0], AUX));
	REFUSED(&s, uiommu_dev_disable_feature(s.dev[0], AUX), -EINVAL);
	REFUSED(&s, uiommu_aux_attach(s.aux.dom, s.dev[0]), -EINVAL);
	NOTHING(&s, uiommu_aux_detach(s.aux.dom, s.dev[0]));
	aux_reaches_nothing(&s, 0, 1, &s.aux);

	assert_int_equal(uiommu_dev_enable_feature(s.dev[0], AUX), 0);
	REFUSED(&s, uiommu_dev_enable_feature(s.dev[0], AUX), -EBUSY);
	pasid = aux_attach_ok(&s, &s.aux, 0);
	REFUSED(&s, uiommu_dev_disable_feature(s.dev[0], AUX), -EBUSY);
	assert_true(uiommu_dev_feature_enabled(s.dev[0], AUX));
	assert_int_equal(aux_reads(&s, 0, pasid), AUX_WORD(2));
	/* One device's is no concern of another. */
	assert_int_equal(uiommu_dev_disable_feature(s.dev[1], AUX), 0);
	REFUSED(&s, uiommu_aux_attach(s.aux.dom, s.dev[1]), -EINVAL);
	uiommu_aux_detach(s.aux.dom, s.dev[0]);
	assert_int_equal(uiommu_dev_disable_feature(s.dev[0], AUX), 0);
	aux_close(&s);
}

/* ------------------------------------------------------------- relations -- */

static void one_pasid_for_all_devices(void **state)
{
	struct aux_space second;
	struct aux_scene s;
	uint32_t pasid, more;

	aux_open(&s);
	second = aux_space_new(&s, 3);
	REFUSED(&s, uiommu_aux_pasid(s.aux.dom, s.dev[0]), -EINVAL);
	pasid = aux_attach_ok(&s, &s.aux, 0);
	assert_int_equal(aux_reads(&s, 0, pasid), AUX_WORD(2));
	assert_int_equal(aux_reads(&s, 0, 0), AUX_WORD(0));
	REFUSED(&s, uiommu_aux_attach(s.aux.dom, s.dev[0]), -EBUSY);

	/* Siblings, one without any PASID and one with another. */
	more = aux_attach_ok(&s, &second, 2);
	assert_int_not_equal(more, pasid);
	for (unsigned int i = 1; i < 3; i++) {
		assert_int_equal(uiommu_aux_pasid(s.aux.dom, s.dev[i]),
				 -EINVAL);
		aux_reaches_nothing(&s, i, pasid, &s.aux);
	}
	assert_int_equal(fault_of(&s, 1, pasid), SMMU_EVT_C_BAD_SUBSTREAMID);
	assert_int_equal(fault_of(&s, 2, pasid), SMMU_EVT_C_BAD_CD);
	assert_int_equal(fault_of(&s, 0, 0x80000), SMMU_EVT_C_BAD_SUBSTREAMID);
	assert_int_equal(aux_reads(&s, 2, more), AUX_WORD(3));
	aux_reaches_nothing(&s, 0, more, &second);

	for (unsigned int i = 1; i < 3; i++) {
		assert_int_equal(aux_attach_ok(&s, &s.aux, i), pasid);
		assert_int_equal(aux_reads(&s, i, pasid), AUX_WORD(2));
		assert_int_equal(aux_reads(&s, i, 0), AUX_WORD(0));
	}
	for (unsigned int i = 0; i < 3; i++)
		uiommu_aux_detach(s.aux.dom, s.dev[i]);
	assert_int_equal(uiommu_aux_pasid(s.aux.dom, s.dev[0]), -EINVAL);
	/* The number is anybody's again. */
	assert_int_equal(aux_attach_ok(&s, &second, 1), more);
	uiommu_aux_detach(second.dom, s.dev[1]);
	uiommu_aux_detach(second.dom, s.dev[2]);
	assert_int_equal(aux_attach_ok(&s, &second, 1), pasid);
	uiommu_aux_detach(second.dom, s.dev[1]);
	aux_space_free(&second);
	aux_close(&s);
}

static void auxiliary_or_normal_for_good(void **state)
{
	struct aux_space normal;
	struct aux_scene s;

	aux_open(&s);
	normal = aux_space_new(&s, 3);
	/* Auxiliary: while it is attached, and after. */
	aux_attach_ok(&s, &s.aux, 0);
	for (unsigned int i = 0; i < 2; i++) {
		REFUSED(&s, uiommu_group_replace(aux_group(&s, 3), s.aux.dom),
			-EINVAL);
		REFUSED(&s, uiommu_device_pasid_attach(s.dev[1], 9, s.aux.dom),
			-EINVAL);
		uiommu_aux_detach(s.aux.dom, s.dev[0]);
	}
	assert_int_equal(uiommu_group_detach(aux_group(&s, 3)), 0);
	REFUSED(&s, uiommu_group_attach(aux_group(&s, 3), s.aux.dom), -EINVAL);
	assert_int_equal(uiommu_group_attach(aux_group(&s, 3), s.other.dom), 0);
	aux_attach_ok(&s, &s.aux, 3);
	uiommu_aux_detach(s.aux.dom, s.dev[3]);

	/* Normal: of a group, and by number. */
	REFUSED(&s, uiommu_aux_attach(s.parent.dom, s.dev[0]), -EINVAL);
	REFUSED(&s, uiommu_aux_attach(s.other.dom, s.dev[0]), -EINVAL);
	assert_int_equal(uiommu_device_pasid_attach(s.dev[1], 9, normal.dom),
			 0);
	REFUSED(&s, uiommu_aux_attach(normal.dom, s.dev[0]), -EINVAL);
	assert_int_equal(aux_reads(&s, 1, 9), AUX_WORD(3));
	uiommu_device_pasid_detach(s.dev[1], 9);
	REFUSED(&s, uiommu_aux_attach(normal.dom, s.dev[0]), -EINVAL);
	aux_space_free(&normal);
	aux_close(&s);
}

static void one_parent(void **state)
{
	struct aux_space second;
	struct aux_scene s;
	uint32_t pasid, more;

	aux_open(&s);
	second = aux_space_new(&s, 3);
	pasid = aux_attach_ok(&s, &s.aux, 0);
	REFUSED(&s, uiommu_aux_attach(s.aux.dom, s.dev[3]), -EINVAL);
	aux_reaches_nothing(&s, 3, pasid, &s.aux);
	more = aux_attach_ok(&s, &second, 3);
	REFUSED(&s, uiommu_aux_attach(second.dom, s.dev[0]), -EINVAL);
	assert_int_equal(aux_reads(&s, 3, more), AUX_WORD(3));

	/* It stays while auxiliary domains are attached. */
	REFUSED(&s, uiommu_group_detach(aux_group(&s, 0)), -EBUSY);
	REFUSED(&s, uiommu_group_replace(aux_group(&s, 0), s.other.dom),
		-EBUSY);
	REFUSED(&s, uiommu_group_attach(aux_group(&s, 0), s.other.dom), -EBUSY);
	assert_int_equal(aux_reads(&s, 0, 0), AUX_WORD(0));
	assert_int_equal(aux_reads(&s, 0, pasid), AUX_WORD(2));

	/* Another device of the parent has none, and may go. */
	assert_int_equal(uiommu_group_replace(aux_group(&s, 1), s.other.dom),
			 0);
	assert_int_equal(aux_attach_ok(&s, &second, 1), more);
	assert_int_equal(aux_reads(&s, 1, 0), AUX_WORD(1));
	assert_int_equal(aux_reads(&s, 1, more), AUX_WORD(3));

	/* With its last device the domain loses its parent. */
	uiommu_aux_detach(s.aux.dom, s.dev[0]);
	assert_int_equal(aux_attach_ok(&s, &s.aux, 3), pasid);
	assert_int_equal(aux_reads(&s, 3, pasid), AUX_WORD(2));
	REFUSED(&s, uiommu_aux_attach(s.aux.dom, s.dev[0]), -EINVAL);
	assert_int_equal(uiommu_group_replace(aux_group(&s, 0), s.other.dom),
			 0);
	assert_int_equal(aux_attach_ok(&s, &s.aux, 0), pasid);
	uiommu_aux_detach(s.aux.dom, s.dev[0]);
	uiommu_aux_detach(s.aux.dom, s.dev[3]);
	uiommu_aux_detach(second.dom, s.dev[1]);
	uiommu_aux_detach(second.dom, s.dev[3]);
	aux_space_free(&second);
	aux_close(&s);
}

/* Blocked, identity and stage 2; and what is no stage-1 domain itself. */
static void stage_1_only(void **state)
{
	struct uiommu_domain *own[2], *no;
	struct aux_scene s;

	aux_open(&s);
	own[0] = domain_of(&s, UIOMMU_DOM_IDENTITY, 0);
	own[1] = domain_of(&s, UIOMMU_DOM_PAGING, UIOMMU_STAGE_2);
	no = domain_of(&s, UIOMMU_DOM_BLOCKED, 0);
	for (unsigned int i = 0; i < 2; i++)
		REFUSED(&s, uiommu_aux_attach(own[i], s.dev[0]), -EINVAL);
	REFUSED(&s, uiommu_aux_attach(no, s.dev[0]), -EINVAL);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(uiommu_group_replace(aux_group(&s, 0), own[i]),
				 0);
		REFUSED(&s, uiommu_aux_attach(s.aux.dom, s.dev[0]), -EINVAL);
		aux_reaches_nothing(&s, 0, 1, &s.aux);
	}
	assert_int_equal(uiommu_group_detach(aux_group(&s, 0)), 0);
	REFUSED(&s, uiommu_aux_attach(s.aux.dom, s.dev[0]), -EINVAL);
	for (unsigned int i = 0; i < 2; i++)
		uiommu_domain_free(own[i]);
	uiommu_domain_free(no);
	/* None of them has decided what it is. */
	assert_int_equal(uiommu_group_attach(aux_group(&s, 0), s.aux.dom), 0);
	assert_int_equal(aux_reads(&s, 0, 0), AUX_WORD(2));
	aux_close(&s);
}

/* PASIDs by number and auxiliary ones leave each other alone. */
static void beside_pasids_by_number(void **state)
{
	struct aux_space normal;
	struct aux_scene s;
	uint32_t pasid;

	aux_open(&s);
	normal = aux_space_new(&s, 3);
	pasid = aux_attach_ok(&s, &s.aux, 0);
	assert_int_equal(
		uiommu_device_pasid_attach(s.dev[1], pasid, normal.dom), 0);
	REFUSED(&s, uiommu_aux_attach(s.aux.dom, s.dev[1]), -EBUSY);
	assert_int_equal(aux_reads(&s, 1, pasid), AUX_WORD(3));
	NOTHING(&s, uiommu_aux_detach(s.aux.dom, s.dev[1]));
	REFUSED(&s, uiommu_device_pasid_attach(s.dev[0], pasid, normal.dom),
		-EBUSY);
	REFUSED(&s, uiommu_device_pasid_replace(s.dev[0], pasid, normal.dom),
		-EBUSY);
	NOTHING(&s, uiommu_device_pasid_detach(s.dev[0], pasid));
	assert_int_equal(aux_reads(&s, 0, pasid), AUX_WORD(2));
	uiommu_device_pasid_detach(s.dev[1], pasid);
	assert_int_equal(aux_attach_ok(&s, &s.aux, 1), pasid);
	assert_int_equal(aux_reads(&s, 1, pasid), AUX_WORD(2));
	uiommu_aux_detach(s.aux.dom, s.dev[0]);
	uiommu_aux_detach(s.aux.dom, s.dev[1]);
	aux_space_free(&normal);
	aux_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_feature_comes_first),
		cmocka_unit_test(one_pasid_for_all_devices),
		cmocka_unit_test(auxiliary_or_normal_for_good),
		cmocka_unit_test(one_parent),
		cmocka_unit_test(stage_1_only),
		cmocka_unit_test(beside_pasids_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
