/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests on a fake SMMU: what its entries and its queue hold, and who refuses what.
 */
#include "nested_rig.h"

/* ----------------------------------------------------------------- guests */

static void who_can_have_guests(void **state)
{
	struct uiommu_hwviommu *none = NULL;
	struct uiommu_hwdom *plain, *s1;

	scene();
	assert_true(nops->viommu_has(dev, UIOMMU_VIOMMU_TYPE_ARM_SMMUV3));
	assert_false(nops->viommu_has(dev, 0));
	assert_false(nops->viommu_has(dev, 2));
	/* Only a stage 2 that was made for it. */
	plain = stage2(0);
	s1 = domain(UIOMMU_DOM_PAGING);
	assert_int_equal(new_viommu(plain, 1, &none), -EINVAL);
	assert_int_equal(new_viommu(s1, 1, &none), -EINVAL);
	assert_null(none);
	ops->dom_free(plain);
	ops->dom_free(s1);
	end();
}

static void no_stage_1(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_S1P;
}

static void no_stage_2(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~(SMMU_IDR0_S2P | SMMU_IDR0_HYP);
}

static void not_coherent(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_COHACC;
	test_platform_make_incoherent(&fake->tp);
}

static int one_stage(void **state)
{
	start(no_stage_1);
	return 0;
}

static int the_other_stage(void **state)
{
	start(no_stage_2);
	return 0;
}

static int no_snoops(void **state)
{
	start(not_coherent);
	return 0;
}

static void who_cannot(void **state)
{
	dev = device(SID);
	assert_false(
		ops->nested->viommu_has(dev, UIOMMU_VIOMMU_TYPE_ARM_SMMUV3));
	ops->dev_remove(dev);
}

static void few_vmids(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_VMID16;
}

static int eight_bits(void **state)
{
	start(few_vmids);
	return 0;
}

/* The next one is refused, and none is shared. */
static void three_hundred_guests(void **state)
{
	static struct uiommu_hwviommu *guest[300];
	static struct uiommu_hwdom *over[300];
	unsigned int i, nr = 0;
	bool used[256] = { 0 };

	scene();
	used[0] = true;
	for (i = 0; i < 300; i++) {
		over[i] = stage2(UIOMMU_DOM_NEST_PARENT);
		if (new_viommu(over[i], i + 10, &guest[nr])) {
			assert_int_equal(new_viommu(over[i], 1, &guest[nr]),
					 -ENOSPC);
			continue;
		}
		nr++;
		assert_int_equal(ops->attach(over[i], dev), 0);
		assert_false(used[vmid_of(SID)]);
		used[vmid_of(SID)] = true;
	}
	/* The scene's own, and 0 for stage 1. */
	assert_int_equal(nr, 254);
	/* One that goes makes room. */
	ops->attach(over[0], dev);
	nops->viommu_free(guest[--nr]);
	assert_int_equal(new_viommu(over[299], 1, &guest[nr]), 0);
	for (i = 0; i <= nr; i++)
		nops->viommu_free(guest[i]);
	end();
	for (i = 0; i < 300; i++)
		ops->dom_free(over[i]);
}

/* The VMID is the guest's as long as it is there, whoever is attached. */
static void the_vmid_stays(void **state)
{
	unsigned int vmid;

	scene();
	assert_int_equal(ops->attach(parent, dev), 0);
	vmid = vmid_of(SID);
	ops->dev_remove(dev);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_S12_VMALL), 0);
	dev = pasid_device(SID, 8);
	assert_int_equal(ops->attach(parent, dev), 0);
	assert_int_equal(vmid_of(SID), vmid);
	ops->dev_remove(dev);
	nops->viommu_free(viommu);
	/* What it left in TLBs goes before somebody else has it. */
	assert_int_equal(count(SMMU_CMD_OP_TLBI_S12_VMALL), 1);
	ops->dom_free(parent);
}

/* --------------------------------------------------------------- entries */

static void what_entries_hold(void **state)
{
	struct uiommu_hwdom *s1, *bypass, *abort_, *invalid;
	struct uiommu_pgtable_info info;
	struct uiommu_hwviommu *own;
	struct uiommu_hwvdev *vdev;
	uint64_t ste[8];

	scene();
	s1 = nested(0x800000004321002b, 0x100000d6);
	bypass = nested(0x9, 0);
	abort_ = nested(0x1, 0);
	invalid = nested(0x4321002a, ~0ull);
	/* Tables of its own need a vdevice, the others do not. */
	assert_int_equal(ops->attach(s1, dev), -ENOENT);
	assert_ste(1, 0);
	assert_int_equal(ops->attach(bypass, dev), 0);
	assert_ste(0xd, 0x0000100000080000);
	vdev = vdevice(VSID);
	assert_int_equal(ops->attach(s1, dev), 0);
	/* EATS is nothing without an ATC. */
	assert_ste(0x800000004321002f, 0x00001000000800d6);
	assert_true(fake_smmu_ste(fake, SID, ste));
	uiommu_pgtable_info(parent->pt, &info);
	assert_int_equal(ste[3], info.root);
	assert_int_equal(ste[2] >> 16, 0x044d35900000);
	assert_int_equal(ops->attach(abort_, dev), 0);
	assert_true(fake_smmu_ste(fake, SID, ste));
	assert_int_equal(ste[0], 1);
	assert_int_equal(ops->attach(s1, dev), 0);
	assert_int_equal(ops->attach(invalid, dev), 0);
	assert_true(fake_smmu_ste(fake, SID, ste));
	assert_int_equal(ste[0] & 0xf, 1);
	nops->vdev_free(vdev);
	assert_int_equal(ops->attach(s1, dev), -ENOENT);
	/* One of another guest is none. */
	own = viommu;
	assert_int_equal(new_viommu(parent, 9, &viommu), 0);
	vdev = vdevice(VSID);
	assert_int_equal(ops->attach(s1, dev), -ENOENT);
	nops->vdev_free(vdev);
	nops->viommu_free(viommu);
	viommu = own;
	END(invalid, s1, bypass, abort_);
}

/* Every word that the SMMU could read on the way: V is never taken away. */
static bool broken;

static void look_at_entry(struct fake_smmu *f, uint32_t off, uint64_t val)
{
	uint64_t ste[8];

	if (fake_smmu_ste(f, SID, ste) && !(ste[0] & 1))
		broken = true;
}

/* Was it ever an abort entry while a command was handed over? */
static unsigned int aborts;

static void count_aborts(struct fake_smmu *f, uint32_t off, uint64_t val)
{
	uint64_t ste[8];

	look_at_entry(f, off, val);
	if (off == SMMU_REG_CMDQ_PROD && fake_smmu_ste(f, SID, ste) &&
	    (ste[0] >> 1 & 7) < 4)
		aborts++;
}

static unsigned int aborts_to(struct uiommu_hwdom *dom)
{
	aborts = 0;
	assert_int_equal(ops->attach(dom, dev), 0);
	return aborts;
}

static void which_changes_are_hitless(void **state)
{
	struct uiommu_hwdom *a, *b, *other, *bypass;
	struct uiommu_hwvdev *vdev;

	scene();
	a = nested(0x4321000b, 0xd4);
	b = nested(0x8765000b, 0xd4);
	other = nested(0x8765000b, 0);
	bypass = nested(0x9, 0);
	vdev = vdevice(VSID);
	assert_int_equal(ops->attach(parent, dev), 0);
	fake->before_write = count_aborts;
	/* Stage 2, with a guest's tables over it, and back. */
	assert_int_equal(aborts_to(a), 0);
	assert_int_equal(aborts_to(b), 0);
	assert_int_equal(aborts_to(bypass), 0);
	assert_int_equal(aborts_to(other), 0);
	assert_int_equal(aborts_to(parent), 0);
	assert_int_equal(aborts_to(a), 0);
	/* Two words at once: by way of an abort entry, and never without V. */
	assert_int_not_equal(aborts_to(other), 0);
	assert_false(broken);
	fake->before_write = NULL;
	ops->attach(parent, dev);
	nops->vdev_free(vdev);
	END(a, b, other, bypass);
}

/* With an ATC that the guest knows of or not: ATS is a change of its own. */
static void changes_beside_an_ATC(void **state)
{
	const uint32_t sid = SID;
	const struct uiommu_hwdev_cfg cfg = {
		.name = "d", .ids = &sid, .nr_ids = 1, .ats = true
	};
	struct uiommu_hwdom *with, *without;
	struct uiommu_hwvdev *vdev;
	struct uiommu_hwdev *d;

	assert_int_equal(ops->dev_add(unit, &cfg, &d), 0);
	scene_on(d);
	with = nested(0x4321000b, 0x10000000);
	without = nested(0x4321000b, 0);
	vdev = vdevice(VSID);
	assert_int_equal(ops->attach(parent, dev), 0);
	assert_ste(0xd, 0x0000100010080000);
	fake->before_write = count_aborts;
	assert_int_equal(aborts_to(with), 0);
	assert_ste(0x4321000f, 0x0000100010080000);
	assert_int_equal(aborts_to(without), 0);
	assert_ste(0x4321000f, 0x0000100000080000);
	assert_int_equal(aborts_to(parent), 0);
	assert_ste(0xd, 0x0000100010080000);
	assert_int_equal(aborts_to(without), 0);
	assert_int_equal(aborts_to(with), 0);
	assert_false(broken);
	fake->before_write = NULL;
	ops->attach(parent, dev);
	nops->vdev_free(vdev);
	END(with, without);
}

static void nobody_elses_pasids(void **state)
{
	struct uiommu_hwdom *s1 = domain(UIOMMU_DOM_PAGING), *dom;
	struct uiommu_hwvdev *vdev;

	scene();
	dom = nested(0x4321000b, 0);
	vdev = vdevice(VSID);
	assert_int_equal(ops->set_pasid(s1, dev, 3, NULL), 0);
	assert_int_equal(ops->attach(dom, dev), -EBUSY);
	assert_int_equal(ops->set_pasid(NULL, dev, 3, s1), 0);
	assert_int_equal(ops->attach(dom, dev), 0);
	assert_int_equal(ops->set_pasid(s1, dev, 3, NULL), -EINVAL);
	assert_int_equal(ops->set_pasid(dom, dev, 3, NULL), -EINVAL);
	ops->attach(parent, dev);
	nops->vdev_free(vdev);
	END(dom, s1);
}

static void what_is_refused(void **state)
{
	const uint32_t ids[] = { 20, 21 };
	uint64_t ste[2] = { 0xb, 0 };
	struct uiommu_user_data data = { .type = 2,
					 .len = 16,
					 .at = (uintptr_t)ste };
	struct uiommu_hwdom *dom = NULL;
	struct uiommu_hwvdev *vdev;
	struct uiommu_hwdev *two;

	scene();
	/* A command names one StreamID. */
	assert_int_equal(add(ids, 2, &two), 0);
	assert_int_equal(nops->vdev_alloc(viommu, two, 1, &vdev), -EOPNOTSUPP);
	ops->dev_remove(two);
	assert_int_equal(try_nested(UIOMMU_DOM_PASID, 0xb, 0, &dom),
			 -EOPNOTSUPP);
	assert_int_equal(try_nested(0, 0xd, 0, &dom), -EIO);
	data.type = 1;
	assert_int_equal(nops->viommu_dom_alloc(viommu, 0, &data, &dom),
			 -EINVAL);
	data.type = 2;
	data.len = 15;
	assert_int_equal(nops->viommu_dom_alloc(viommu, 0, &data, &dom),
			 -EINVAL);
	data.len = 17;
	assert_int_equal(nops->viommu_dom_alloc(viommu, 0, &data, &dom),
			 -EINVAL);
	assert_null(dom);
	end();
}

/* --------------------------------------------------------------- commands */

static int invalidate(const uint64_t (*cmd)[2], uint32_t *nr)
{
	struct uiommu_user_array array = {
		.type = UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3,
		.entry_len = 16,
		.entry_num = *nr,
		.at = (uintptr_t)cmd,
	};
	int rc = nops->viommu_invalidate(viommu, &array);

	*nr = array.entry_num;
	return rc;
}

static void commands_reach_the_queue(void **state)
{
	/* As the guest sees it: its vSID, VMID 0. */
	const uint64_t cmds[][2] = {
		{ 0x0042000000000011, 0 },
		{ 0x30, 0 },
		{ (uint64_t)VSID << 32 | 0x3005, 1 },
		{ (uint64_t)VSID << 32 | 0x40, 52 },
		{ 0x0042ffff00000012, 0x12345001 },
	};
	struct uiommu_hwvdev *vdev;
	uint32_t nr = 5;
	uint64_t vmid;

	scene();
	vdev = vdevice(VSID);
	assert_int_equal(ops->attach(parent, dev), 0);
	vmid = vmid_of(SID);
	fake->nr = 0;
	assert_int_equal(invalidate(cmds, &nr), 0);
	assert_int_equal(nr, 5);
	assert_int_equal(fake->nr, 6);
	assert_int_equal(fake->log[0].q[0], 0x0042000000000011 | vmid << 32);
	assert_int_equal(fake->log[1].q[0], 0x10 | vmid << 32);
	assert_int_equal(fake->log[2].q[0], (uint64_t)SID << 32 | 0x3005);
	assert_int_equal(fake->log[2].q[1], 1);
	assert_int_equal(fake->log[3].q[0], (uint64_t)SID << 32 | 0x40);
	assert_int_equal(fake->log[4].q[0], 0x0042000000000012 | vmid << 32);
	assert_int_equal(fake->log[4].q[1], 0x12345001);
	assert_int_equal(fake->log[5].q[0] & 0xff, SMMU_CMD_OP_SYNC);
	nops->vdev_free(vdev);
	end();
}

static void those_before_a_bad_one_are_carried_out(void **state)
{
	uint64_t cmds[200][2] = { 0 };
	struct uiommu_hwvdev *vdev;
	uint32_t nr, i;

	scene();
	vdev = vdevice(VSID);
	for (i = 0; i < 200; i++)
		cmds[i][0] = 0x11 | (uint64_t)i << 48;
	/* An unknown vSID, a command of the host's, a bit too many. */
	for (i = 0; i < 3; i++) {
		const uint64_t bad[3] = { (uint64_t)(VSID + 1) << 32 | 6, 0x20,
					  0x10 | 1 << 10 };

		cmds[150][0] = bad[i];
		nr = 200;
		fake->nr = 0;
		assert_int_equal(invalidate(cmds, &nr), -EIO);
		assert_int_equal(nr, 150);
		assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_ASID), 150);
		assert_int_equal(count(bad[i] & 0xff), 0);
		/* Three batches. */
		assert_int_equal(count(SMMU_CMD_OP_SYNC), 3);
	}
	cmds[0][0] = 0x20;
	nr = 1;
	fake->nr = 0;
	assert_int_equal(invalidate(cmds, &nr), -EIO);
	assert_int_equal(nr, 0);
	assert_int_equal(fake->nr, 0);
	nr = 0;
	assert_int_equal(invalidate(cmds, &nr), -EINVAL);
	nops->vdev_free(vdev);
	/* Its StreamID is the guest's no more. */
	cmds[0][0] = (uint64_t)VSID << 32 | 6;
	nr = 1;
	assert_int_equal(invalidate(cmds, &nr), -EIO);
	end();
}

static uint32_t refuse_asid(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	return (cmd->q[0] & 0xff) == 0x11 && cmd->q[0] >> 48 == 100 ? 1 : 0;
}

/* Hardware that says no: what is known to be done is told. */
static void a_batch_that_fails(void **state)
{
	uint64_t cmds[200][2] = { 0 };
	uint32_t nr = 200;

	scene();
	for (uint32_t i = 0; i < 200; i++)
		cmds[i][0] = 0x11 | (uint64_t)i << 48;
	fake->refuse = refuse_asid;
	assert_int_equal(invalidate(cmds, &nr), -EIO);
	assert_int_equal(nr, 63);
	fake->refuse = NULL;
	end();
}

static void arrays_that_are_refused(void **state)
{
	const uint64_t cmds[4] = { 0x30, 0, 1, 0 };
	struct uiommu_user_array array = { .type = 0,
					   .entry_len = 16,
					   .entry_num = 1,
					   .at = (uintptr_t)cmds };

	scene();
	assert_int_equal(nops->viommu_invalidate(viommu, &array), -EINVAL);
	assert_int_equal(array.entry_num, 0);
	array.type = 1;
	array.entry_num = 1;
	array.entry_len = 24;
	assert_int_equal(nops->viommu_invalidate(viommu, &array), -E2BIG);
	assert_int_equal(array.entry_num, 0);
	array.entry_num = 1;
	array.entry_len = 8;
	assert_int_equal(nops->viommu_invalidate(viommu, &array), 0);
	assert_int_equal(array.entry_num, 1);
	test_platform_fail_nth(&fake->tp, 1);
	assert_int_equal(nops->viommu_invalidate(viommu, &array), -ENOMEM);
	assert_int_equal(array.entry_num, 0);
	end();
}

/* What the host unmaps is not found by an IPA in what both stages made. */
static void the_host_unmaps(void **state)
{
	struct uiommu_gather gather;
	uint64_t unmapped;
	uint32_t i;

	scene();
	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_map(parent->pt, 0x10000, 0x80000, 4096,
					    3, &gather),
			 0);
	assert_int_equal(uiommu_pgtable_unmap(parent->pt, 0x10000, 4096,
					      &gather, &unmapped),
			 0);
	fake->nr = 0;
	assert_int_equal(ops->flush(parent, &gather), 0);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_S2_IPA), 1);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_ALL), 1);
	/* In this order, the first completed before the second begins. */
	for (i = 0; (fake->log[i].q[0] & 0xff) != SMMU_CMD_OP_TLBI_S2_IPA; i++)
		;
	assert_int_equal(fake->log[i + 1].q[0] & 0xff, SMMU_CMD_OP_SYNC);
	assert_int_equal(fake->log[i + 2].q[0] & 0xff, SMMU_CMD_OP_TLBI_NH_ALL);
	/* Without a guest there is nothing of the kind. */
	nops->viommu_free(viommu);
	assert_int_equal(ops->attach(parent, dev), 0);
	fake->nr = 0;
	assert_int_equal(ops->flush(parent, &gather), 0);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_S2_IPA), 1);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_ALL), 0);
	uiommu_gather_release(&gather);
	assert_int_equal(new_viommu(parent, 6, &viommu), 0);
	end();
}

/* --------------------------------------------------------- nth allocation */

static void every_allocation_fails_once(void **state)
{
	struct uiommu_hwdom *dom = NULL, *none = NULL;
	struct uiommu_hwviommu *other;
	struct uiommu_hwvdev *vdev;
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
	scene();
	dom = nested(0x4321000b, 0);
	ONCE(new_viommu(parent, 9, &other));
	nops->viommu_free(other);
	ONCE(nops->vdev_alloc(viommu, dev, VSID, &vdev));
	ONCE(ops->attach(dom, dev));
	assert_ste(0x4321000f, 0x0000100000080000);
	ops->attach(parent, dev);
	ONCE(try_nested(0, 0xb, 0, &none));
	assert_true(failed >= 4);
	nops->vdev_free(vdev);
	END(dom, none);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(who_can_have_guests),
		cmocka_unit_test_setup_teardown(who_cannot, one_stage,
						teardown),
		cmocka_unit_test_setup_teardown(who_cannot, the_other_stage,
						teardown),
		cmocka_unit_test_setup_teardown(who_cannot, no_snoops,
						teardown),
		cmocka_unit_test_setup_teardown(three_hundred_guests,
						eight_bits, teardown),
		CASE(the_vmid_stays),
		CASE(what_entries_hold),
		CASE(which_changes_are_hitless),
		CASE(changes_beside_an_ATC),
		CASE(nobody_elses_pasids),
		CASE(what_is_refused),
		CASE(commands_reach_the_queue),
		CASE(those_before_a_bad_one_are_carried_out),
		CASE(a_batch_that_fails),
		CASE(arrays_that_are_refused),
		CASE(the_host_unmaps),
		CASE(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
