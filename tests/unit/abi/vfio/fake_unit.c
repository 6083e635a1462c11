/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_unit.h"

#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bits.h"

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

static void fake_remove(struct uiommu_unit *unit)
{
}

static void fake_caps(struct uiommu_unit *unit, struct uiommu_unit_caps *caps)
{
	*caps = fake_of(unit)->caps;
}

static size_t fake_hw_info(struct uiommu_unit *unit, uint32_t *type, void *buf,
			   size_t len)
{
	*type = 0;
	return 0;
}

static void fake_irq(struct uiommu_unit *unit, unsigned int line)
{
}

static int fake_dev_add(struct uiommu_unit *unit,
			const struct uiommu_hwdev_cfg *cfg,
			struct uiommu_hwdev **out)
{
	struct uiommu_hwdev *dev = alloc(unit, sizeof(*dev)), **slot;

	if (!dev)
		return -ENOMEM;
	dev->unit = unit;
	dev->name = cfg->name;
	dev->cookie = cfg->cookie;
	for (slot = fake_of(unit)->dev; *slot;)
		slot++;
	*slot = *out = dev;
	return 0;
}

static void fake_dev_remove(struct uiommu_hwdev *dev)
{
	struct uiommu_hwdev **slot = fake_of(dev->unit)->dev;

	while (*slot != dev)
		slot++;
	*slot = NULL;
	release(dev->unit, dev);
}

static int fake_dom_alloc(struct uiommu_unit *unit,
			  const struct uiommu_dom_cfg *cfg,
			  struct uiommu_hwdom **out)
{
	const struct uiommu_pgtable_cfg pt = {
		.platform = unit->platform,
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = 12,
		.ias = fake_of(unit)->caps.ias,
		.oas = fake_of(unit)->caps.oas,
		.features = UIOMMU_PGTABLE_BBML2,
	};
	struct uiommu_hwdom *dom;
	int rc = 0;

	if (cfg->flags & ~(UIOMMU_DOM_PASID | UIOMMU_DOM_NEST_PARENT) ||
	    cfg->data)
		return -EOPNOTSUPP;
	if (cfg->flags & UIOMMU_DOM_NEST_PARENT) {
		if (!fake_of(unit)->guests || cfg->stage != UIOMMU_STAGE_2)
			return -EOPNOTSUPP;
		fake_of(unit)->parents++;
	}
	dom = alloc(unit, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->unit = unit;
	dom->type = cfg->type;
	if (cfg->type == UIOMMU_DOM_PAGING)
		rc = uiommu_pgtable_create(&pt, &dom->pt);
	if (rc) {
		release(unit, dom);
		return rc;
	}
	*out = dom;
	return 0;
}

static void fake_dom_free(struct uiommu_hwdom *dom)
{
	if (dom->type == UIOMMU_DOM_NESTED) {
		fake_guest_free(dom);
		return;
	}
	uiommu_pgtable_destroy(dom->pt);
	release(dom->unit, dom);
}

static int fake_attach(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev)
{
	struct fake_unit *fake = fake_of(dom->unit);
	int rc = 0;

	/* Domains are shared inside one unit only. */
	if (dom->unit != dev->unit)
		return -EINVAL;
	if (dom->type == UIOMMU_DOM_PAGING)
		rc = exchange_acq_rel(&fake->fail_attach, 0);
	if (rc)
		return rc;
	fetch_add_relaxed(&fake->attaches, 1);
	dev->dom = dom;
	return 0;
}

/* What a PASID has is for the core to know. */
static int fake_set_pasid(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev,
			  uint32_t pasid, struct uiommu_hwdom *old)
{
	struct fake_unit *fake = fake_of(dev->unit);
	int rc = dom ? exchange_acq_rel(&fake->fail_pasid, 0) : 0;

	if (!rc)
		fetch_add_relaxed(&fake->set_pasids, 1);
	return rc;
}

static int fake_flush(struct uiommu_hwdom *dom,
		      const struct uiommu_gather *gather)
{
	return 0;
}

static int fake_flush_all(struct uiommu_hwdom *dom)
{
	return 0;
}

static bool fake_counter(struct uiommu_unit *unit, unsigned int i,
			 const char **name, uint64_t *value)
{
	return false;
}

#define FAKE_OPS                                                               \
	.name = "fake", .remove = fake_remove, .caps = fake_caps,              \
	.hw_info = fake_hw_info, .irq = fake_irq, .dev_add = fake_dev_add,     \
	.dev_remove = fake_dev_remove, .dom_alloc = fake_dom_alloc,            \
	.dom_free = fake_dom_free, .attach = fake_attach, .flush = fake_flush, \
	.flush_all = fake_flush_all, .counter = fake_counter,                  \
	.nested = &fake_guest_ops

static const struct uiommu_driver_ops fake_ops = {
	FAKE_OPS,
	.set_pasid = fake_set_pasid,
};
static const struct uiommu_driver_ops fake_ops_without_pasids = { FAKE_OPS };

void fake_unit_without_pasids(struct fake_unit *fake)
{
	fake->unit.ops = &fake_ops_without_pasids;
}

void fake_unit_init(struct fake_unit *fake,
		    const struct uiommu_platform *platform,
		    const struct uiommu_host_ops *host, void *host_ctx)
{
	memset(fake, 0, sizeof(*fake));
	fake->unit.ops = &fake_ops;
	fake->unit.platform = platform;
	fake->unit.host = host;
	fake->unit.host_ctx = host_ctx;
	fake->caps = (struct uiommu_unit_caps){
		.pgsizes = BIT64(12) | BIT64(21) | BIT64(30),
		.ias = 48,
		.oas = 48,
		.max_pasid_lg2 = 10,
		.coherent = true,
		.enforce_coherency = true,
		.msi_translated = true,
		.msi_isolated = true,
	};
}
