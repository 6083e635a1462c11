/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices and domains on a fake SMMU that has no memory, does not answer or
 * refuses: what is left, and that a second try mends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>

#include "dom_rig.h"
#include "hw/smmuv3/regs.h"

/* -------------------------------------------------------------- failures */

static void running_out_of_memory_changes_nothing(void **state)
{
	static const uint32_t ids[3] = { 0x500, 0x600, 0x601 };
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_PAGING };
	struct uiommu_hwdom *a = domain(UIOMMU_DOM_PAGING), *b;
	uint64_t tables = fake->tp.live_tables, objs = fake->tp.live_objs,
		 sum = test_platform_sum(&fake->tp), ste[8];
	struct uiommu_hwdev *dev;
	unsigned int n;

	for (n = 1;; n++) {
		test_platform_fail_nth(&fake->tp, n);
		if (!add(ids, 3, &dev))
			break;
		assert_int_equal(fake->tp.live_tables, tables);
		assert_int_equal(fake->tp.live_objs, objs);
		assert_int_equal(test_platform_sum(&fake->tp), sum);
		assert_false(fake_smmu_ste(fake, 0x500, ste));
	}
	assert_true(n > 5);
	sum = test_platform_sum(&fake->tp);

	for (n = 1;; n++) {
		tables = fake->tp.live_tables;
		objs = fake->tp.live_objs;
		test_platform_fail_nth(&fake->tp, n);
		if (!unit->ops->dom_alloc(unit, &cfg, &b))
			break;
		assert_int_equal(fake->tp.live_tables, tables);
		assert_int_equal(fake->tp.live_objs, objs);
		assert_int_equal(test_platform_sum(&fake->tp), sum);
	}
	assert_true(n > 3);
	test_platform_fail_nth(&fake->tp, 0);

	assert_int_equal(unit->ops->attach(a, dev), 0);
	sum = test_platform_sum(&fake->tp);
	for (n = 1;; n++) {
		fake->nr = 0;
		objs = fake->tp.live_objs;
		test_platform_fail_nth(&fake->tp, n);
		if (!unit->ops->attach(b, dev))
			break;
		assert_int_equal(fake->nr, 0);
		assert_int_equal(fake->tp.live_objs, objs);
		assert_ptr_equal(dev->dom, a);
		assert_int_equal(test_platform_sum(&fake->tp), sum);
	}
	assert_true(n > 1);
	test_platform_fail_nth(&fake->tp, 0);
	unit->ops->dev_remove(dev);
	unit->ops->dom_free(a);
	unit->ops->dom_free(b);
}

static void a_mute_smmu_leaves_the_device_blocked(void **state)
{
	struct uiommu_hwdom *a = domain(UIOMMU_DOM_PAGING),
			    *b = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = device(4);
	struct uiommu_gather gather;
	uint64_t tables;

	assert_int_equal(unit->ops->attach(a, dev), 0);
	fake->hold = true;
	assert_int_equal(unit->ops->attach(b, dev), -ETIMEDOUT);
	assert_null(dev->dom);
	assert_int_equal(ste0(4), 1);
	uiommu_gather_init(&gather);
	gather.nr_ranges = 1;
	gather.range[0] = (struct uiommu_gather_range){ 0, 4095, 12, 3, true };
	assert_int_equal(unit->ops->flush(a, &gather), -ETIMEDOUT);
	/* What the hardware may still be using is not given back. */
	tables = fake->tp.live_tables;
	unit->ops->dom_free(b);
	assert_int_equal(fake->tp.live_tables, tables);

	/* It wakes up: a second try succeeds and all is well again. */
	fake->hold = false;
	fake_smmu_run(fake, UINT32_MAX);
	fake->nr = 0;
	assert_int_equal(unit->ops->attach(a, dev), 0);
	assert_int_equal(ste0(4) & 0xf, 0xb);
	assert_ptr_equal(dev->dom, a);
	unit->ops->dev_remove(dev);
	unit->ops->dom_free(a);
	/* domain b was given up on purpose: take it out of the books */
	assert_int_equal(fake->tp.live_tables, tables - 2);
	unit->ops->dom_free(b);
	assert_int_equal(fake->tp.live_tables, tables - 3);
}

static uint32_t refuse_one_cfgi(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	if (!f->refusals || (cmd->q[0] & 0xff) != SMMU_CMD_OP_CFGI_STE)
		return 0;
	f->refusals--;
	return SMMU_CERROR_ILL;
}

/* The hardware may know a leaf as absent until it has been told otherwise. */
static void a_leaf_that_was_not_told_is_told_again(void **state)
{
	static const uint32_t ids[2] = { 0x700, 0x7ff };
	struct uiommu_hwdev *dev;
	uint64_t tables;
	unsigned int n;

	fake->refuse = refuse_one_cfgi;
	fake->refusals = 1;
	assert_int_equal(add(ids, 1, &dev), -EIO);
	assert_int_equal(fake->refusals, 0);
	tables = fake->tp.live_tables;
	/* Without memory it stays where it is. */
	for (n = 1;; n++) {
		test_platform_fail_nth(&fake->tp, n);
		fake->refusals = 1;
		if (add(ids, 2, &dev) != -ENOMEM)
			break;
		assert_int_equal(ste0(ids[0]), 1);
	}
	test_platform_fail_nth(&fake->tp, 0);
	assert_int_equal(fake->refusals, 0);
	fake->nr = 0;
	assert_int_equal(add(ids, 2, &dev), 0);
	assert_int_equal(count(SMMU_CMD_OP_CFGI_STE), 1);
	assert_int_equal(fake->log[0].q[1], 0);
	assert_int_equal(fake->tp.live_tables, tables);
	unit->ops->dev_remove(dev);
	/* And then it is known. */
	fake->nr = 0;
	assert_int_equal(add(ids, 2, &dev), 0);
	assert_int_equal(fake->nr, 0);
	unit->ops->dev_remove(dev);
}

static uint32_t refuse_some_tlbi(struct fake_smmu *f,
				 const struct smmu_cmd *cmd)
{
	unsigned int op = cmd->q[0] & 0xff;

	if (!f->refusals ||
	    (op != SMMU_CMD_OP_TLBI_NH_VA && op != SMMU_CMD_OP_TLBI_NH_ASID))
		return 0;
	f->refusals--;
	return SMMU_CERROR_ILL;
}

static void a_refused_invalidation_is_no_success(void **state)
{
	struct uiommu_hwdom *dom = domain(UIOMMU_DOM_PAGING);
	struct uiommu_hwdev *dev = device(4);
	struct uiommu_gather gather;
	uint64_t tables;

	assert_int_equal(unit->ops->attach(dom, dev), 0);
	fake->refuse = refuse_some_tlbi;
	uiommu_gather_init(&gather);
	gather.nr_ranges = 1;
	gather.range[0] = (struct uiommu_gather_range){ 0, 4095, 12, 3, true };
	fake->refusals = 1;
	assert_int_equal(unit->ops->flush(dom, &gather), -EIO);
	assert_int_equal(unit->ops->flush(dom, &gather), 0);
	fake->refusals = 1;
	assert_int_equal(unit->ops->flush_all(dom), -EIO);

	/* The last user goes, but the ASID's entries may still be there: */
	fake->refusals = 1;
	unit->ops->dev_remove(dev);
	assert_int_equal(fake->refusals, 0);
	tables = fake->tp.live_tables;
	/* flushes go on reaching the hardware, */
	fake->nr = 0;
	assert_int_equal(unit->ops->flush(dom, &gather), 0);
	assert_int_equal(fake->nr, 2);
	/* the domain is not given back while it cannot be made sure, */
	fake->refusals = 1;
	unit->ops->dom_free(dom);
	assert_int_equal(fake->tp.live_tables, tables);
	/* and is when it can. */
	unit->ops->dom_free(dom);
	assert_true(fake->tp.live_tables < tables);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(running_out_of_memory_changes_nothing),
		TEST(a_mute_smmu_leaves_the_device_blocked),
		TEST(a_leaf_that_was_not_told_is_told_again),
		TEST(a_refused_invalidation_is_no_success),
	};

	return cmocka_run_group_tests_name("driver-domain-fail", tests, NULL,
					   NULL);
}
