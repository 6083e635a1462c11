/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c - devices: adding, removing, what they reserve.
 *
 * A device's reserved regions are put together once, when it is added, from
 * what its unit needs (the software MSI window) and what its maker states, and
 * never change.  Removing a device first takes it off the list by which fault
 * reports find it and waits for those under way, so a report never meets a
 * device, or a group, that is gone.
 */
#include "core_private.h"

/* Where Linux puts it on Arm; programs know the address. */
#define SW_MSI_FIRST UINT64_C(0x08000000)
#define SW_MSI_LEN UINT64_C(0x00100000)

static struct core_unit *find_unit(struct uiommu_core *core,
				   struct uiommu_unit *unit)
{
	struct core_unit *it, *found = NULL;

	pthread_mutex_lock(&core->lock);
	list_for_each(it, &core->units, node)
		if (it->unit == unit)
			found = it;
	pthread_mutex_unlock(&core->lock);
	return found;
}

static void add_resv(struct uiommu_device *dev,
		     const struct uiommu_resv_region *region)
{
	unsigned int i = dev->nr_resv++;

	while (i && dev->resv[i - 1].range.first > region->range.first) {
		dev->resv[i] = dev->resv[i - 1];
		i--;
	}
	dev->resv[i] = *region;
}

static struct uiommu_device *make(struct uiommu_core *core,
				  struct core_unit *cunit,
				  const struct uiommu_device_cfg *cfg)
{
	const struct uiommu_resv_region sw_msi = {
		.range = { SW_MSI_FIRST, SW_MSI_FIRST + SW_MSI_LEN - 1 },
		.type = UIOMMU_RESV_SW_MSI,
	};
	const char *name = cfg->hw.name ? cfg->hw.name : "?";
	size_t name_len = __builtin_strlen(name) + 1;
	struct uiommu_device *dev;

	dev = core_alloc(core, sizeof(*dev) + (cfg->nr_resv + 1) *
						      sizeof(dev->resv[0]));
	if (!dev)
		return NULL;
	dev->name = core_alloc(core, name_len);
	if (!dev->name) {
		core_free(core, dev);
		return NULL;
	}
	if (core_mutex_init(&dev->iopf.lock)) {
		core_free(core, dev->name);
		core_free(core, dev);
		return NULL;
	}
	core_iopf_init(&dev->iopf);
	memcpy(dev->name, name, name_len);
	dev->core = core;
	dev->cunit = cunit;
	dev->set_ats = cfg->set_ats;
	dev->cookie = cfg->hw.cookie;
	list_init(&dev->core_node);
	list_init(&dev->at_node);
	list_init(&dev->group_node);
	dev->pasid_bits =
		(uint8_t)min_u64(cfg->hw.pasid_bits, cunit->caps.max_pasid_lg2);
	dev->routes_by_address = cfg->routes_by_address;
	dev->pasid_exec = cfg->pasid_exec;
	dev->pasid_priv = cfg->pasid_priv;
	dev->ats = cfg->hw.ats && cfg->set_ats && cunit->caps.ats;
	if (cunit->caps.msi_translated)
		add_resv(dev, &sw_msi);
	for (unsigned int i = 0; i < cfg->nr_resv; i++)
		add_resv(dev, &cfg->resv[i]);
	return dev;
}

static void destroy(struct uiommu_device *dev)
{
	pthread_mutex_destroy(&dev->iopf.lock);
	core_free(dev->core, dev->name);
	core_free(dev->core, dev);
}

struct list *core_device_list(struct uiommu_core *core, const void *dev)
{
	uint64_t hash = (uintptr_t)dev * UINT64_C(0x9e3779b97f4a7c15);

	return &core->device_at[hash >> (64 - CORE_DEVICE_LISTS_LG2)];
}

/* No fault report finds it any more, and none is under way. */
static void forget(struct uiommu_device *dev)
{
	const struct uiommu_platform *p = dev->core->platform;

	pthread_mutex_lock(&dev->core->lock);
	list_del(&dev->core_node);
	list_del(&dev->at_node);
	pthread_mutex_unlock(&dev->core->lock);
	while (load_acquire(&dev->reports))
		p->relax(p->ctx);
}

static int add(struct uiommu_core *core, struct uiommu_unit *unit,
	       const struct uiommu_device_cfg *cfg, struct uiommu_device **out)
{
	struct core_unit *cunit = find_unit(core, unit);
	struct uiommu_hwdev_cfg hw = cfg->hw;
	struct uiommu_device *dev;
	int rc;

	if (!cunit)
		return -ENODEV;
	for (unsigned int i = 0; i < cfg->nr_resv; i++)
		if (cfg->resv[i].range.first > cfg->resv[i].range.last)
			return -EINVAL;
	dev = make(core, cunit, cfg);
	if (!dev)
		return -ENOMEM;
	rc = 0;
	if (cfg->group_with)
		dev->group = cfg->group_with->group;
	else
		rc = core_group_create(core, &dev->group);
	if (rc)
		goto err_destroy;
	/* Known to fault reports before the hardware can make any. */
	pthread_mutex_lock(&core->lock);
	list_add_tail(&core->devices, &dev->core_node);
	list_add_tail(core_device_list(core, dev), &dev->at_node);
	pthread_mutex_unlock(&core->lock);

	hw.cookie = dev;
	hw.name = dev->name;
	rc = core_group_join(dev->group, dev, &hw, cfg);
	if (rc)
		goto err_forget;
	*out = dev;
	return 0;

err_forget:
	forget(dev);
err_destroy:
	destroy(dev);
	return rc;
}

int uiommu_device_add(struct uiommu_core *core, struct uiommu_unit *unit,
		      const struct uiommu_device_cfg *cfg,
		      struct uiommu_device **out)
{
	return core_told(core, add(core, unit, cfg, out), "device %s",
			 cfg->hw.name ? cfg->hw.name : "?");
}

void uiommu_device_remove(struct uiommu_device *dev)
{
	struct list ended;

	UIOMMU_ASSERT(!dev->vdev);
	core_sva_forget(dev);
	list_init(&ended);
	core_iopf_end_all(dev, &ended);
	core_iopf_finish(&ended);
	forget(dev);
	core_group_leave(dev->group, dev);
	destroy(dev);
}

struct uiommu_device *uiommu_core_find_device(struct uiommu_core *core,
					      const char *name)
{
	struct uiommu_device *it, *found = NULL;

	pthread_mutex_lock(&core->lock);
	list_for_each(it, &core->devices, core_node) {
		if (!__builtin_strcmp(it->name, name)) {
			found = it;
			break;
		}
	}
	pthread_mutex_unlock(&core->lock);
	return found;
}

const char *uiommu_device_name(const struct uiommu_device *dev)
{
	return dev->name;
}

struct uiommu_unit *uiommu_device_unit(const struct uiommu_device *dev)
{
	return dev->cunit->unit;
}

struct uiommu_group *uiommu_device_group(const struct uiommu_device *dev)
{
	return dev->group;
}

void uiommu_device_caps(const struct uiommu_device *dev,
			struct uiommu_unit_caps *caps)
{
	*caps = dev->cunit->caps;
}

void uiommu_device_features(const struct uiommu_device *dev,
			    struct uiommu_device_features *features)
{
	bool pasids = core_pasid_usable(dev);

	*features = (struct uiommu_device_features){
		.pasid_bits = pasids ? dev->pasid_bits : 0,
		.pasid_exec = pasids && dev->pasid_exec,
		.pasid_priv = pasids && dev->pasid_priv,
		.ats = dev->ats,
	};
}

unsigned int uiommu_device_resv_regions(const struct uiommu_device *dev,
					struct uiommu_resv_region *regions,
					unsigned int max)
{
	for (unsigned int i = 0; i < dev->nr_resv && i < max; i++)
		regions[i] = dev->resv[i];
	return dev->nr_resv;
}
