/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PASIDs, stage 2 and several SMMUs on the model, which keeps as much as the
 * architecture allows for as long as it allows: judged by what devices reach.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x7f0000000)
#define SID 8u
#define FAULT RIG_STOPPED

static struct rig_cfg cfg;
static struct rig *rig;

static int setup(void **state)
{
	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	rig = rig_create(&cfg);
	return 0;
}

static int teardown(void **state)
{
	rig_destroy(rig);
	return 0;
}

static uint64_t *page(unsigned int i)
{
	return rig_word(rig, i);
}

static struct uiommu_hwdom *domain(unsigned int i)
{
	return rig_domain_at(rig, IOVA, i);
}

static uint64_t peek(uint32_t sid, uint32_t pasid)
{
	return rig_peek(rig, sid, pasid, IOVA);
}

/* Every access before a change may have left something behind. */
static void pasids_in_every_form(void **state)
{
	static const uint32_t pasid[] = { 1, 2, 63, 64, 65, 700, 0x8000 };
	enum {
		NR = sizeof(pasid) / sizeof(pasid[0])
	};
	struct uiommu_hwdom *rid = domain(1), *a[NR], *b[NR];
	struct uiommu_hwdev *dev = rig_pasid_device(rig, SID, 20),
			    *other = rig_pasid_device(rig, 9, 20);
	unsigned int i, j, round;

	for (i = 0; i < NR; i++) {
		a[i] = domain(10 + i);
		b[i] = domain(20 + i);
	}
	for (round = 0; round < 2; round++) {
		for (i = 0; i < NR; i++) {
			for (j = 0; j < NR; j++)
				assert_int_equal(peek(SID, pasid[j]),
						 j < i ? 10 + j : FAULT);
			rig_set_pasid(a[i], dev, pasid[i], NULL);
			assert_int_equal(peek(SID, pasid[i]), 10 + i);
			assert_int_equal(peek(SID, UIOMMU_NO_PASID),
					 round ? 1 : FAULT);
		}
		rig_attach(rid, dev);
		assert_int_equal(peek(SID, UIOMMU_NO_PASID), 1);
		for (i = 0; i < NR; i++) {
			rig_set_pasid(b[i], dev, pasid[i], a[i]);
			for (j = 0; j < NR; j++)
				assert_int_equal(peek(SID, pasid[j]),
						 j <= i ? 20 + j : 10 + j);
		}
		/* The neighbour has a table of its own. */
		rig_set_pasid(b[0], other, 65, NULL);
		assert_int_equal(peek(9, 65), 20);
		assert_int_equal(peek(9, 64), FAULT);
		for (i = 0; i < NR; i++) {
			rig_set_pasid(NULL, dev, pasid[i], b[i]);
			for (j = 0; j < NR; j++)
				assert_int_equal(peek(SID, pasid[j]),
						 j <= i ? FAULT : 20 + j);
			assert_int_equal(peek(9, 65), 20);
		}
		rig_set_pasid(NULL, other, 65, b[0]);
		assert_int_equal(peek(9, 65), FAULT);
		assert_int_equal(peek(SID, UIOMMU_NO_PASID), 1);
	}
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dev_remove(other);
	rig->unit->ops->dom_free(rid);
	for (i = 0; i < NR; i++) {
		rig->unit->ops->dom_free(a[i]);
		rig->unit->ops->dom_free(b[i]);
	}
}

/* The device's own domain in all kinds, with and without PASIDs beside it. */
static void what_becomes_of_pasids_when_the_device_moves(void **state)
{
	struct uiommu_hwdom *a = domain(1), *b = domain(2), *p = domain(3);
	struct uiommu_hwdom *rid[] = { a, rig_domain(rig, UIOMMU_DOM_IDENTITY),
				       b, rig_domain(rig, UIOMMU_DOM_BLOCKED) };
	struct uiommu_hwdev *dev = rig_pasid_device(rig, SID, 20);
	uint64_t word;
	unsigned int i, j, k;

	for (k = 0; k < 2; k++) {
		if (k)
			rig_set_pasid(p, dev, 5, NULL);
		for (i = 0; i < 16; i++) {
			j = i / 4 ^ i % 4;
			rig_attach(rid[j], dev);
			assert_int_equal(peek(SID, UIOMMU_NO_PASID),
					 j == 0	  ? 1
					 : j == 2 ? 2
						  : FAULT);
			word = 0;
			assert_int_equal(rig_dma_read(rig, SID,
						      (uintptr_t)page(3), &word,
						      8),
					 j == 1 ? 0 : -14 /* EFAULT */);
			assert_int_equal(peek(SID, 5), k ? 3 : FAULT);
			/* Number 0 is nobody's. */
			assert_int_equal(peek(SID, 0), FAULT);
		}
	}
	rig->unit->ops->dev_remove(dev);
	assert_int_equal(peek(SID, 5), FAULT);
	rig->unit->ops->dom_free(a);
	rig->unit->ops->dom_free(b);
	rig->unit->ops->dom_free(p);
}

static void stage_2_translates_and_forgets(void **state)
{
	static const uint8_t granule[] = { 12, 14, 16 };
	struct uiommu_hwdev *dev = rig_device(rig, SID);
	struct uiommu_hwdom *dom, *s1 = domain(1);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct uiommu_dom_cfg want = { UIOMMU_DOM_PAGING,
					       UIOMMU_STAGE_2, granule[i] };
		uint64_t size = UINT64_C(1) << granule[i];
		uint8_t *base = (uint8_t *)(((uintptr_t)rig->ram + 0xffff) &
					    ~(uintptr_t)0xffff);

		assert_int_equal(
			rig->unit->ops->dom_alloc(rig->unit, &want, &dom), 0);
		*(uint64_t *)(void *)base = 50 + i;
		rig_map(dom, IOVA, base, size, RW);
		rig_attach(dom, dev);
		assert_int_equal(peek(SID, UIOMMU_NO_PASID), 50 + i);
		rig_unmap(dom, IOVA, size);
		assert_int_equal(peek(SID, UIOMMU_NO_PASID), FAULT);
		rig_map(dom, IOVA, base, size, RW);
		rig_attach(s1, dev);
		assert_int_equal(peek(SID, UIOMMU_NO_PASID), 1);
		rig->unit->ops->dom_free(dom);
	}
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(s1);
}

static void one_domain_behind_three_smmus(void **state)
{
	struct rig *all[3] = { rig, rig_join(&cfg, rig), rig_join(&cfg, rig) };
	struct uiommu_hwdom *dom = domain(4), *other = domain(5);
	struct uiommu_hwdev *dev[3];
	struct rig *first = rig;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		dev[i] = rig_pasid_device(all[i], SID, 20);
		rig_attach(dom, dev[i]);
		rig_set_pasid(dom, dev[i], 77, NULL);
	}
	for (i = 0; i < 3; i++) {
		rig = all[i];
		assert_int_equal(peek(SID, UIOMMU_NO_PASID), 4);
		assert_int_equal(peek(SID, 77), 4);
	}
	/* One of them goes elsewhere: the rest see nothing of it. */
	rig_attach(other, dev[1]);
	for (i = 0; i < 3; i++) {
		rig = all[i];
		assert_int_equal(peek(SID, UIOMMU_NO_PASID), i == 1 ? 5 : 4);
		assert_int_equal(peek(SID, 77), 4);
	}
	rig_unmap(dom, IOVA, RIG_PAGE);
	for (i = 0; i < 3; i++) {
		rig = all[i];
		assert_int_equal(peek(SID, UIOMMU_NO_PASID),
				 i == 1 ? 5 : FAULT);
		assert_int_equal(peek(SID, 77), FAULT);
	}
	rig = first;
	for (i = 0; i < 3; i++)
		all[i]->unit->ops->dev_remove(dev[i]);
	rig->unit->ops->dom_free(dom);
	rig->unit->ops->dom_free(other);
	rig_destroy(all[2]);
	rig_destroy(all[1]);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pasids_in_every_form),
		TEST(what_becomes_of_pasids_when_the_device_moves),
		TEST(stage_2_translates_and_forgets),
		TEST(one_domain_behind_three_smmus),
	};

	return cmocka_run_group_tests_name("cross-driver-pasid", tests, NULL,
					   NULL);
}
