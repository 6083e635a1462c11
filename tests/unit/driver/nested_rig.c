/* SPDX-License-Identifier: BSD-2-Clause */
/* See nested_rig.h. */
#include "nested_rig.h"

const struct uiommu_nested_ops *nops;
struct uiommu_hwdom *parent;
struct uiommu_hwdev *dev;
struct uiommu_hwviommu *viommu;

struct uiommu_hwdom *stage2(uint32_t flags)
{
	const struct uiommu_dom_cfg cfg = {
		.type = UIOMMU_DOM_PAGING,
		.stage = UIOMMU_STAGE_2,
		.flags = flags,
	};

	return domain_of(&cfg);
}

int new_viommu(struct uiommu_hwdom *over, uint64_t id,
	       struct uiommu_hwviommu **out)
{
	const struct uiommu_viommu_cfg cfg = { .id = id };

	return nops->viommu_alloc(dev, over, UIOMMU_VIOMMU_TYPE_ARM_SMMUV3,
				  &cfg, out);
}

void scene_on(struct uiommu_hwdev *d)
{
	dev = d;
	nops = ops->nested;
	parent = stage2(UIOMMU_DOM_NEST_PARENT);
	assert_int_equal(new_viommu(parent, 5, &viommu), 0);
	fake->nr = 0;
}

void scene(void)
{
	scene_on(pasid_device(SID, 8));
}

void end_of(struct uiommu_hwdom *const *doms)
{
	ops->dev_remove(dev);
	while (*doms)
		ops->dom_free(*doms++);
	nops->viommu_free(viommu);
	ops->dom_free(parent);
}

void end(void)
{
	END(NULL);
}

int try_nested(uint32_t flags, uint64_t q0, uint64_t q1,
	       struct uiommu_hwdom **out)
{
	const struct uiommu_hwpt_smmuv3 ste = { { q0, q1 } };
	const struct uiommu_user_data data = {
		.type = UIOMMU_HWPT_DATA_ARM_SMMUV3,
		.len = sizeof(ste),
		.at = (uintptr_t)&ste,
	};

	return nops->viommu_dom_alloc(viommu, flags, &data, out);
}

struct uiommu_hwdom *nested(uint64_t q0, uint64_t q1)
{
	struct uiommu_hwdom *dom;

	assert_int_equal(try_nested(0, q0, q1, &dom), 0);
	assert_int_equal(dom->type, UIOMMU_DOM_NESTED);
	assert_null(dom->pt);
	return dom;
}

struct uiommu_hwvdev *vdevice(uint64_t vsid)
{
	struct uiommu_hwvdev *vdev;

	assert_int_equal(nops->vdev_alloc(viommu, dev, vsid, &vdev), 0);
	return vdev;
}

void assert_ste(uint64_t q0, uint64_t q1)
{
	uint64_t ste[8];

	assert_true(fake_smmu_ste(fake, SID, ste));
	assert_int_equal(ste[0], q0);
	assert_int_equal(ste[1], q1);
}

unsigned int vmid_of(uint32_t sid)
{
	uint64_t ste[8];

	assert_true(fake_smmu_ste(fake, sid, ste));
	return ste[2] & 0xffff;
}
