/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does not speak SMMUv3 on a unit: its entries, what is sent for what it
 * wants forgotten, and to whom.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/smmuv3/unit.h"
#include "hw/smmuv3/regs.h"

#include "dom_rig.h"

static const struct uiommu_pasid_table linear = {
	.pasid_bits = 6,
	.none = UIOMMU_PASID_NONE_IS_0,
	.base = 0x40000000,
};
static const struct uiommu_pasid_table aborting = {
	.state = UIOMMU_GUEST_ABORT
};

static struct uiommu_cache_info of_device(enum uiommu_cache_type type,
					  enum uiommu_cache_granularity gran,
					  uint32_t pasid)
{
	return (struct uiommu_cache_info){ .type = type,
					   .granularity = gran,
					   .pasid = pasid };
}

static const struct uiommu_nested_ops *nops;
static struct uiommu_hwdom *parent;
static struct uiommu_hwviommu *viommu;

static int new_viommu(struct uiommu_hwdev *dev, struct uiommu_hwviommu **out)
{
	const struct uiommu_viommu_cfg cfg = { .host_ids = true };

	return nops->viommu_alloc(dev, parent, 0, &cfg, out);
}

static void scene(struct uiommu_hwdev *dev)
{
	const struct uiommu_dom_cfg cfg = {
		.type = UIOMMU_DOM_PAGING,
		.stage = UIOMMU_STAGE_2,
		.flags = UIOMMU_DOM_NEST_PARENT,
	};

	nops = ops->nested;
	parent = domain_of(&cfg);
	assert_int_equal(new_viommu(dev, &viommu), 0);
}

static struct uiommu_hwdom *bound(const struct uiommu_pasid_table *table)
{
	struct uiommu_hwdom *dom;

	assert_int_equal(nops->viommu_dom_make(viommu, table, &dom), 0);
	assert_int_equal(dom->type, UIOMMU_DOM_NESTED);
	return dom;
}

static void assert_ste(uint32_t sid, uint64_t q0, uint64_t q1)
{
	uint64_t ste[8];

	assert_true(fake_smmu_ste(fake, sid, ste));
	assert_int_equal(ste[0], q0);
	assert_int_equal(ste[1], q1);
}

static uint64_t vmid_of(uint32_t sid)
{
	uint64_t ste[8];

	assert_true(fake_smmu_ste(fake, sid, ste));
	return ste[2] & 0xffff;
}

static int forget(struct uiommu_hwdev *dev, struct uiommu_cache_info info)
{
	fake->nr = 0;
	return nops->viommu_forget(viommu, dev, &info);
}

/* Without vdevices, and to each of its StreamIDs. */
static void a_device_of_two_StreamIDs(void **state)
{
	const uint32_t ids[] = { 20, 33 };
	const struct uiommu_hwdev_cfg cfg = {
		.name = "d",
		.ids = ids,
		.nr_ids = 2,
		.pasid_bits = 8,
		.ats = true,
	};
	struct uiommu_hwdom *s1, *abort_;
	struct uiommu_hwdev *dev, *alone;
	uint64_t vmid;

	assert_int_equal(ops->dev_add(unit, &cfg, &dev), 0);
	alone = pasid_device(8, 8);
	scene(dev);
	s1 = bound(&linear);
	abort_ = bound(&aborting);
	assert_int_equal(ops->attach(s1, dev), 0);
	assert_int_equal(ops->attach(s1, alone), 0);
	/* MEV, SHCFG, S1STALLD of the host; ATS where the device has it. */
	for (unsigned int i = 0; i < 2; i++)
		assert_ste(ids[i], 0x300000004000000f, 0x00001000180800d6);
	assert_ste(8, 0x300000004000000f, 0x00001000080800d6);
	vmid = vmid_of(20);
	assert_int_equal(vmid_of(8), vmid);

	assert_int_equal(forget(NULL, of_device(UIOMMU_CACHE_PASID,
						UIOMMU_CACHE_ONE_PASID, 3)),
			 0);
	assert_int_equal(count(SMMU_CMD_OP_CFGI_CD), 3);
	assert_int_equal(count(SMMU_CMD_OP_SYNC), 1);
	assert_int_equal(fake->nr, 4);
	assert_int_equal(forget(dev, of_device(UIOMMU_CACHE_PASID,
					       UIOMMU_CACHE_ALL_PASIDS, 3)),
			 0);
	assert_int_equal(fake->nr, 3);
	assert_int_equal(fake->log[0].q[0], UINT64_C(20) << 32 | 6);
	assert_int_equal(fake->log[1].q[0], UINT64_C(33) << 32 | 6);
	/* The one without an ATC is not asked. */
	assert_int_equal(forget(NULL, of_device(UIOMMU_CACHE_DEVICE_TLB,
						UIOMMU_CACHE_ALL_PASIDS, 3)),
			 0);
	assert_int_equal(count(SMMU_CMD_OP_ATC_INV), 4);
	assert_int_equal(forget(alone, of_device(UIOMMU_CACHE_DEVICE_TLB,
						 UIOMMU_CACHE_ALL_PASIDS, 3)),
			 0);
	assert_int_equal(fake->nr, 0);
	/* Whatever the device, TLBs are the guest's. */
	assert_int_equal(
		forget(dev,
		       (struct uiommu_cache_info){ .type = UIOMMU_CACHE_TLB }),
		0);
	assert_int_equal(fake->nr, 2);
	assert_int_equal(fake->log[0].q[0], vmid << 32 | 0x10);
	assert_int_equal(forget(dev, of_device(UIOMMU_CACHE_PASID,
					       UIOMMU_CACHE_PAGES, 3)),
			 -EINVAL);
	assert_int_equal(fake->nr, 0);
	/* Of a device that has another domain there is nothing. */
	assert_int_equal(ops->attach(parent, dev), 0);
	assert_int_equal(forget(NULL, of_device(UIOMMU_CACHE_PASID,
						UIOMMU_CACHE_ONE_PASID, 3)),
			 0);
	assert_int_equal(count(SMMU_CMD_OP_CFGI_CD), 1);
	assert_int_equal(forget(dev, of_device(UIOMMU_CACHE_PASID,
					       UIOMMU_CACHE_ONE_PASID, 3)),
			 0);
	assert_int_equal(fake->nr, 0);
	assert_int_equal(ops->attach(abort_, alone), 0);
	assert_ste(8, 1, 0);
	ops->dev_remove(dev);
	ops->dev_remove(alone);
	ops->dom_free(s1);
	ops->dom_free(abort_);
	nops->viommu_free(viommu);
	ops->dom_free(parent);
}

static uint32_t refuse_asid(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	return (cmd->q[0] & 0xff) == 0x12 && cmd->q[1] >> 12 == 0x12310 ? 1 : 0;
}

static void no_ranges(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR3) &= ~SMMU_IDR3_RIL;
}

static int without_ranges(void **state)
{
	start(no_ranges);
	return 0;
}

/* Of many commands one fails: the others are sent, and it is told. */
static void a_command_that_fails(void **state)
{
	struct uiommu_cache_info info = {
		.type = UIOMMU_CACHE_TLB,
		.granularity = UIOMMU_CACHE_PAGES,
		.flags = UIOMMU_CACHE_ARCH_ID,
		.page_lg2 = 12,
		.nr_pages = 128,
		.addr = 0x12300000,
		.arch_id = 1,
	};
	struct uiommu_hwdev *dev = pasid_device(8, 8);

	scene(dev);
	fake->refuse = refuse_asid;
	assert_int_equal(forget(NULL, info), -EIO);
	fake->refuse = NULL;
	assert_int_equal(forget(NULL, info), 0);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_VA), 128);
	assert_int_equal(count(SMMU_CMD_OP_SYNC), 3);
	ops->dev_remove(dev);
	nops->viommu_free(viommu);
	ops->dom_free(parent);
}

static unsigned int doorbells;

static void nobody_has_to_wait(struct fake_smmu *f, uint32_t off, uint64_t val)
{
	struct smmuv3_unit *u = to_smmuv3_unit(unit);
	pthread_mutex_t *lock[] = { (void *)&u->dev_lock,
				    (void *)&u->devs->lock };

	if (off != SMMU_REG_CMDQ_PROD)
		return;
	doorbells++;
	for (unsigned int i = 0; i < ARRAY_SIZE(lock); i++) {
		assert_int_equal(pthread_mutex_trylock(lock[i]), 0);
		pthread_mutex_unlock(lock[i]);
	}
}

/* More StreamIDs than are taken at once, each with two commands. */
static void devices_that_do_not_answer(void **state)
{
	struct uiommu_cache_info info =
		of_device(UIOMMU_CACHE_DEVICE_TLB, UIOMMU_CACHE_ALL_PASIDS, 0);
	struct uiommu_hwdev_cfg cfg = {
		.name = "d",
		.pasid_bits = 8,
		.ats = true,
	};
	struct uiommu_hwdev *dev[5];
	struct uiommu_hwdom *s1;
	uint32_t ids[5][30], told[150][2] = { 0 };
	uint64_t lines[2];
	unsigned int i, j;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < 30; j++)
			ids[i][j] = (i * 30 + j) * 7 % 150;
		cfg.ids = ids[i];
		cfg.nr_ids = 30;
		assert_int_equal(ops->dev_add(unit, &cfg, &dev[i]), 0);
	}
	scene(dev[0]);
	s1 = bound(&linear);
	for (i = 0; i < 5; i++)
		assert_int_equal(ops->attach(s1, dev[i]), 0);
	/* Each one is told, once; and nobody has to wait for that. */
	fake->before_write = nobody_has_to_wait;
	doorbells = 0;
	assert_int_equal(forget(NULL, info), 0);
	assert_true(doorbells);
	assert_int_equal(count(SMMU_CMD_OP_ATC_INV), 300);
	for (i = 0; i < fake->nr; i++)
		if ((fake->log[i].q[0] & 0xff) == SMMU_CMD_OP_ATC_INV)
			told[fake->log[i].q[0] >> 32]
			    [fake->log[i].q[0] >> 11 & 1]++;
	for (i = 0; i < 150; i++) {
		assert_int_equal(told[i][0], 1);
		assert_int_equal(told[i][1], 1);
	}
	/* Of all it takes no longer than of one: the first silence is enough. */
	for (i = 0; i < 2; i++) {
		lines[i] = fake->tp.log_lines;
		fake->hold = true;
		assert_int_equal(forget(i ? NULL : dev[0], info), -ETIMEDOUT);
		fake->hold = false;
		fake_smmu_run(fake, UINT32_MAX);
		lines[i] = fake->tp.log_lines - lines[i];
	}
	assert_true(lines[0]);
	assert_int_equal(lines[1], lines[0]);
	info.type = UIOMMU_CACHE_PASID;
	assert_int_equal(forget(NULL, info), 0);
	assert_int_equal(count(SMMU_CMD_OP_CFGI_CD_ALL), 150);
	fake->before_write = NULL;
	for (i = 0; i < 5; i++)
		ops->dev_remove(dev[i]);
	ops->dom_free(s1);
	nops->viommu_free(viommu);
	ops->dom_free(parent);
}

static void no_stage_1(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_S1P;
}

static int one_stage(void **state)
{
	start(no_stage_1);
	return 0;
}

static void who_has_no_guests(void **state)
{
	const struct uiommu_dom_cfg cfg = { .type = UIOMMU_DOM_PAGING,
					    .stage = UIOMMU_STAGE_2 };
	struct uiommu_hwdev *dev = device(8);

	nops = ops->nested;
	parent = domain_of(&cfg);
	assert_int_equal(new_viommu(dev, &viommu), -EOPNOTSUPP);
	ops->dev_remove(dev);
	ops->dom_free(parent);
}

static void every_allocation_fails_once(void **state)
{
	struct uiommu_hwdev *dev = pasid_device(8, 8);
	struct uiommu_hwviommu *other;
	struct uiommu_hwdom *dom;
	unsigned int failed = 0;
	uint64_t n, objs;
	int rc;

#define ONCE(call)                                                  \
	for (n = 1, rc = -1; rc; n++) {                             \
		objs = fake->tp.live_objs;                          \
		test_platform_fail_nth(&fake->tp, n);               \
		rc = (call);                                        \
		test_platform_fail_nth(&fake->tp, 0);               \
		if (rc) {                                           \
			assert_int_equal(rc, -ENOMEM);              \
			assert_int_equal(fake->tp.live_objs, objs); \
			failed++;                                   \
		}                                                   \
	}
	scene(dev);
	ONCE(new_viommu(dev, &other));
	nops->viommu_free(other);
	ONCE(nops->viommu_dom_make(viommu, &linear, &dom));
	ONCE(ops->attach(dom, dev));
	/* It needs none. */
	test_platform_fail_nth(&fake->tp, 1);
	assert_int_equal(forget(NULL, of_device(UIOMMU_CACHE_PASID,
						UIOMMU_CACHE_ALL_PASIDS, 0)),
			 0);
	test_platform_fail_nth(&fake->tp, 0);
	assert_true(failed >= 3);
	ops->dev_remove(dev);
	ops->dom_free(dom);
	nops->viommu_free(viommu);
	ops->dom_free(parent);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_device_of_two_StreamIDs),
		cmocka_unit_test_setup_teardown(a_command_that_fails,
						without_ranges, teardown),
		CASE(devices_that_do_not_answer),
		cmocka_unit_test_setup_teardown(who_has_no_guests, one_stage,
						teardown),
		CASE(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
