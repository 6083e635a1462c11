/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests on a fake SMMU that refuses the nth command, for each n, or does not answer:
 * the device is blocked by a valid entry and has no domain, a second try mends it, and
 * a VMID that may be remembered is nobody else's.
 */
#include "nested_rig.h"

/* ------------------------------------------------------------ transitions -- */

#define S1CONTEXTPTR GENMASK64(55, 6)

enum place {
	HOST, /* the host's stage 1 */
	PARENT,
	ABORTS,
	PASSES,
	ONE, /* tables of the guest */
	OTHER,
	PLACES,
};

static struct uiommu_hwdom *place[PLACES];
static struct uiommu_hwvdev *vdev;

static void places_open(void)
{
	scene();
	vdev = vdevice(VSID);
	place[HOST] = domain(UIOMMU_DOM_PAGING);
	place[PARENT] = parent;
	place[ABORTS] = nested(0x1, 0);
	place[PASSES] = nested(0x9, 0);
	place[ONE] = nested(0x4321000b, 0);
	place[OTHER] = nested(0x5432100b, 0xd6);
}

static void places_close(void)
{
	nops->vdev_free(vdev);
	END(place[HOST], place[ABORTS], place[PASSES], place[ONE],
	    place[OTHER]);
}

static uint32_t refuse_nth(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	/* The one that takes its place and the one that waits are not counted. */
	if (!f->refusals || (cmd->q[0] & 0xff) == SMMU_CMD_OP_SYNC)
		return 0;
	return --f->refusals ? 0 : SMMU_CERROR_ILL;
}

static bool is_valid(const uint64_t ste[8])
{
	unsigned int config = ste[0] >> 1 & 7;

	return ste[0] & 1 && (!config || config >= 4);
}

/* By the entry, or by a table of the host's that has no CD and ends the rest. */
static void is_blocked(void)
{
	uint64_t ste[8];

	assert_true(fake_smmu_ste(fake, SID, ste));
	if (ste[0] != 1) {
		assert_int_equal(ste[0] & 0xf, 0xb);
		assert_int_equal(ste[1] & 3, 0);
		assert_int_equal(cd_word(SID, 0) >> 31 & 1, 0);
	}
	assert_null(dev->dom);
}

static void went_to(enum place to, const uint64_t want[8])
{
	uint64_t ste[8];

	assert_int_equal(ops->attach(place[to], dev), 0);
	assert_ptr_equal(dev->dom, place[to]);
	assert_true(fake_smmu_ste(fake, SID, ste));
	assert_true(is_valid(ste));
	/* The host's table of CDs is another one each time. */
	if (to == HOST)
		ste[0] = (ste[0] & ~S1CONTEXTPTR) | (want[0] & S1CONTEXTPTR);
	assert_memory_equal(ste, want, sizeof(ste));
}

static void every_command_is_refused_once(void **state)
{
	uint64_t want[PLACES][8];
	unsigned int failed = 0;

	places_open();
	for (enum place to = 0; to < PLACES; to++) {
		assert_int_equal(ops->attach(place[to], dev), 0);
		assert_true(fake_smmu_ste(fake, SID, want[to]));
	}
	fake->refuse = refuse_nth;
	for (enum place from = 0; from < PLACES; from++)
		for (enum place to = 0; to < PLACES; to++)
			for (uint32_t n = 1;; n++) {
				int rc;

				fake->refusals = 0;
				went_to(from, want[from]);
				fake->refusals = n;
				rc = ops->attach(place[to], dev);
				if (!rc && fake->refusals)
					break;
				/*
				 * What the last user leaves is forgotten when
				 * the tag is used again, at the latest.
				 */
				if (!rc) {
					went_to(to, want[to]);
					continue;
				}
				assert_int_equal(rc, -EIO);
				fake->refusals = 0;
				is_blocked();
				went_to(to, want[to]);
				failed++;
			}
	fake->refusals = 0;
	assert_true(failed > PLACES * (PLACES - 1));
	places_close();
}

static void a_mute_smmu(void **state)
{
	uint64_t want[PLACES][8];

	places_open();
	for (enum place to = 0; to < PLACES; to++) {
		assert_int_equal(ops->attach(place[to], dev), 0);
		assert_true(fake_smmu_ste(fake, SID, want[to]));
	}
	for (enum place from = 0; from < PLACES; from++)
		for (enum place to = 0; to < PLACES; to++) {
			/* Nothing to wait for. */
			if (!memcmp(want[from], want[to], sizeof(want[to])))
				continue;
			went_to(from, want[from]);
			fake->hold = true;
			assert_int_equal(ops->attach(place[to], dev),
					 -ETIMEDOUT);
			is_blocked();
			fake->hold = false;
			fake_smmu_run(fake, UINT32_MAX);
			went_to(to, want[to]);
		}
	places_close();
}

/* ---------------------------------------------------------------- commands -- */

/* It is not known what was carried out, so none is said to be. */
static void a_mute_smmu_carries_nothing_out(void **state)
{
	uint64_t cmds[100][2] = { 0 };
	struct uiommu_user_array array = {
		.type = UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3,
		.entry_len = sizeof(cmds[0]),
		.entry_num = 100,
		.at = (uintptr_t)cmds,
	};

	scene();
	for (unsigned int i = 0; i < 100; i++)
		cmds[i][0] = 0x11 | (uint64_t)i << 48;
	fake->hold = true;
	assert_int_equal(nops->viommu_invalidate(viommu, &array), -ETIMEDOUT);
	assert_int_equal(array.entry_num, 0);
	fake->hold = false;
	fake_smmu_run(fake, UINT32_MAX);
	array.entry_num = 100;
	fake->nr = 0;
	assert_int_equal(nops->viommu_invalidate(viommu, &array), 0);
	assert_int_equal(array.entry_num, 100);
	assert_int_equal(count(SMMU_CMD_OP_TLBI_NH_ASID), 100);
	end();
}

/* ------------------------------------------------------------------- VMIDs -- */

static void few_vmids(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_VMID16;
}

static int eight_bits(void **state)
{
	start(few_vmids);
	return 0;
}

static uint32_t refuse_vmall(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	return (cmd->q[0] & 0xff) == SMMU_CMD_OP_TLBI_S12_VMALL
		       ? SMMU_CERROR_ILL
		       : 0;
}

/* The guest has gone, and the SMMU does not say that it has forgotten it. */
static void a_vmid_that_may_be_remembered(void **state)
{
	static struct uiommu_hwviommu *guest[254];
	static struct uiommu_hwdom *over[254];
	struct uiommu_hwdom *first;
	unsigned int vmid;

	scene();
	assert_int_equal(ops->attach(parent, dev), 0);
	vmid = vmid_of(SID);
	for (unsigned int i = 0; i < 254; i++) {
		over[i] = stage2(UIOMMU_DOM_NEST_PARENT);
		assert_int_equal(new_viommu(over[i], 10 + i, &guest[i]), 0);
	}
	assert_int_equal(ops->attach(over[0], dev), 0);
	assert_int_not_equal(vmid_of(SID), vmid);
	fake->refuse = refuse_vmall;
	nops->viommu_free(viommu);
	first = parent;
	ops->dom_free(first);
	parent = stage2(UIOMMU_DOM_NEST_PARENT);
	assert_int_equal(new_viommu(parent, 5, &viommu), -ENOSPC);
	fake->refuse = NULL;
	assert_int_equal(new_viommu(parent, 5, &viommu), -ENOSPC);
	/* It was kept, and can be given up when the SMMU can be asked again. */
	ops->dom_free(first);
	assert_int_equal(new_viommu(parent, 5, &viommu), 0);
	assert_int_equal(ops->attach(parent, dev), 0);
	assert_int_equal(vmid_of(SID), vmid);
	for (unsigned int i = 0; i < 254; i++) {
		nops->viommu_free(guest[i]);
		ops->dom_free(over[i]);
	}
	end();
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(every_command_is_refused_once),
		CASE(a_mute_smmu),
		CASE(a_mute_smmu_carries_nothing_out),
		cmocka_unit_test_setup_teardown(a_vmid_that_may_be_remembered,
						eight_bits, teardown),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
