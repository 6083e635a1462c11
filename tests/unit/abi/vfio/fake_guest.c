/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests of a fake unit: their tables are kept, and nothing is looked up in them. */
#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "fake_unit.h"

struct guest_dom {
	struct uiommu_hwdom hwdom;
	struct uiommu_pasid_table table;
};

static struct fake_unit *fake_of(struct uiommu_unit *unit)
{
	return container_of(unit, struct fake_unit, unit);
}

static void *alloc(struct uiommu_unit *unit, size_t size)
{
	return unit->platform->obj_alloc(unit->platform->ctx, size);
}

static void release(struct uiommu_unit *unit, void *obj)
{
	unit->platform->obj_free(unit->platform->ctx, obj);
}

static int viommu_alloc(struct uiommu_hwdev *dev, struct uiommu_hwdom *parent,
			uint32_t type, const struct uiommu_viommu_cfg *cfg,
			struct uiommu_hwviommu **out)
{
	struct uiommu_hwviommu *viommu;

	if (!cfg->host_ids || fake_of(dev->unit)->no_tables)
		return -EOPNOTSUPP;
	viommu = alloc(dev->unit, sizeof(*viommu));
	if (!viommu)
		return -ENOMEM;
	viommu->unit = dev->unit;
	viommu->parent = parent;
	*out = viommu;
	return 0;
}

static void viommu_free(struct uiommu_hwviommu *viommu)
{
	release(viommu->unit, viommu);
}

static int dom_make(struct uiommu_hwviommu *viommu,
		    const struct uiommu_pasid_table *table,
		    struct uiommu_hwdom **out)
{
	struct fake_unit *fake = fake_of(viommu->unit);
	struct guest_dom *dom;

	if (fake->fail_make_at && !--fake->fail_make_at)
		return fake->fail_make;
	dom = alloc(viommu->unit, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->hwdom.unit = viommu->unit;
	dom->hwdom.type = UIOMMU_DOM_NESTED;
	dom->table = *table;
	*out = &dom->hwdom;
	return 0;
}

void fake_guest_free(struct uiommu_hwdom *dom)
{
	release(dom->unit, container_of(dom, struct guest_dom, hwdom));
}

static int forget(struct uiommu_hwviommu *viommu, struct uiommu_hwdev *dev,
		  const struct uiommu_cache_info *info)
{
	struct fake_unit *fake = fake_of(viommu->unit);
	int rc = uiommu_cache_check(info);

	rc = rc ? rc : fake->fail_forget;
	if (rc)
		return rc;
	fake->forgot = *info;
	fake->nr_forgot++;
	return 0;
}

const struct uiommu_nested_ops fake_guest_ops = {
	.viommu_alloc = viommu_alloc,
	.viommu_free = viommu_free,
	.viommu_dom_make = dom_make,
	.viommu_forget = forget,
};

const struct uiommu_pasid_table *fake_unit_table(const struct fake_unit *fake,
						 const char *name)
{
	for (unsigned int i = 0; i < FAKE_UNIT_DEVICES; i++) {
		const struct uiommu_hwdev *dev = fake->dev[i];

		if (!dev || strcmp(dev->name, name))
			continue;
		return dev->dom && dev->dom->type == UIOMMU_DOM_NESTED
			       ? &container_of(dev->dom, struct guest_dom,
					       hwdom)
					  ->table
			       : NULL;
	}
	return NULL;
}
