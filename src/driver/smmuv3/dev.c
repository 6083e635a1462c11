/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: coming and going.  What they are pointed at is attach.c's; a device
 * that is known and not attached is blocked.
 */
#include "unit.h"

static const char *name_of(const struct uiommu_hwdev_cfg *cfg)
{
	return cfg->name ? cfg->name : "device";
}

static int refuse_id(const struct smmuv3_unit *unit,
		     const struct uiommu_hwdev_cfg *cfg, uint32_t id, int rc,
		     const char *reason)
{
	smmuv3_log(unit->unit.platform, UIOMMU_LOG_WARN,
		   "%s: not added: StreamID %x %s", name_of(cfg), id, reason);
	return rc;
}

/* Are the StreamIDs of cfg free and different?  dev_lock is held. */
static int check_ids(struct smmuv3_unit *unit,
		     const struct uiommu_hwdev_cfg *cfg)
{
	unsigned int i, j;
	uint32_t id;

	for (i = 0; i < cfg->nr_ids; i++) {
		id = cfg->ids[i];
		if ((uint64_t)id >> unit->strtab.log2size)
			return refuse_id(unit, cfg, id, -ERANGE,
					 "is beyond the stream table");
		if (smmuv3_strtab_dev(unit, id))
			return refuse_id(unit, cfg, id, -EEXIST, "is taken");
		for (j = 0; j < i; j++)
			if (cfg->ids[j] == id)
				return refuse_id(unit, cfg, id, -EEXIST,
						 "stands there twice");
	}
	return 0;
}

static size_t name_size(const char *name)
{
	size_t len = 0;

	while (name[len])
		len++;
	return len + 1;
}

static struct smmuv3_dev *dev_alloc(struct smmuv3_unit *unit,
				    const struct uiommu_hwdev_cfg *cfg)
{
	const char *name = name_of(cfg);
	size_t ids_size = cfg->nr_ids * sizeof(cfg->ids[0]);
	size_t len = name_size(name);
	struct smmuv3_dev *dev;
	char *copy;

	dev = smmuv3_obj_alloc(unit, sizeof(*dev) + ids_size + len);
	if (!dev)
		return NULL;
	dev->p = unit->unit.platform;
	dev->hwdev.unit = &unit->unit;
	dev->hwdev.cookie = cfg->cookie;
	dev->nr_ids = cfg->nr_ids;
	memcpy(dev->ids, cfg->ids, ids_size);
	copy = (char *)dev->ids + ids_size;
	memcpy(copy, name, len);
	dev->hwdev.name = copy;
	dev->pasid_bits = min_u64(cfg->pasid_bits, unit->feat.ssid_bits);
	if (smmuv3_fault_dev_init(dev, cfg))
		goto err_free;
	if (smmuv3_lock_init(unit, &dev->lock))
		goto err_fault;
	return dev;

err_fault:
	smmuv3_fault_dev_fini(dev);
err_free:
	smmuv3_obj_free(unit, dev);
	return NULL;
}

static void set_owner(struct smmuv3_unit *unit, struct smmuv3_dev *dev,
		      struct smmuv3_dev *owner)
{
	unsigned int i;

	for (i = 0; i < dev->nr_ids; i++)
		smmuv3_strtab_set_dev(unit, dev->ids[i], owner);
}

/* dev_lock is held. */
static void unlist(struct smmuv3_unit *unit, struct smmuv3_dev *dev)
{
	struct smmuv3_dev **link = &unit->devs;

	while (*link != dev)
		link = &(*link)->next;
	*link = dev->next;
}

int smmuv3_dev_add(struct uiommu_unit *u, const struct uiommu_hwdev_cfg *cfg,
		   struct uiommu_hwdev **out)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(u);
	struct smmuv3_leaf_set set;
	struct smmuv3_dev *dev;
	int rc;

	if (!cfg->nr_ids) {
		smmuv3_log(u->platform, UIOMMU_LOG_WARN,
			   "%s: not added: no StreamIDs", name_of(cfg));
		return -EINVAL;
	}
	smmuv3_lock(unit, &unit->dev_lock);
	rc = check_ids(unit, cfg);
	if (rc)
		goto err_unlock;
	rc = -ENOMEM;
	dev = dev_alloc(unit, cfg);
	if (!dev)
		goto err_unlock;
	rc = smmuv3_strtab_prepare(unit, dev->ids, dev->nr_ids, &set);
	if (rc)
		goto err_dev;
	rc = smmuv3_strtab_install(unit, &set);
	if (!rc)
		rc = smmuv3_stream_start(dev);
	if (rc)
		goto err_dev;
	dev->first_event = smmuv3_recq_end(unit, &unit->evtq);
	smmuv3_fault_dev_handed(dev);
	set_owner(unit, dev, dev);
	dev->next = unit->devs;
	unit->devs = dev;
	smmuv3_unlock(unit, &unit->dev_lock);
	*out = &dev->hwdev;
	return 0;

err_dev:
	smmuv3_lock_fini(unit, &dev->lock);
	smmuv3_fault_dev_fini(dev);
	smmuv3_obj_free(unit, dev);
err_unlock:
	smmuv3_unlock(unit, &unit->dev_lock);
	return rc;
}

static void dev_free(struct uiommu_defer *defer)
{
	struct smmuv3_dev *dev = container_of(defer, struct smmuv3_dev, defer);

	dev->p->lock_fini(dev->p->ctx, &dev->lock);
	smmuv3_fault_dev_fini(dev);
	dev->p->obj_free(dev->p->ctx, dev->spare);
	dev->p->obj_free(dev->p->ctx, dev);
}

/* The users that the device and its PASIDs were; its entries abort. */
static void leave_domains(struct smmuv3_dev *dev, bool sure)
{
	struct smmuv3_dom *rid = dev->hwdev.dom ? to_smmuv3_dom(dev->hwdev.dom)
						: NULL;
	struct smmuv3_dom *dom;
	uint32_t index;

	if (smmuv3_cdtab_pasids(&dev->cdtab))
		smmuv3_log(dev->p, UIOMMU_LOG_WARN,
			   "%s: removed with %u PASIDs in use", dev->hwdev.name,
			   smmuv3_cdtab_pasids(&dev->cdtab));
	for (index = 1;; index++) {
		dom = smmuv3_cdtab_next(&dev->cdtab, &index);
		if (!dom)
			break;
		smmuv3_use_put(dev, dom, index, smmuv3_leave(sure));
	}
	smmuv3_use_put(dev, rid, smmuv3_own_ssid(rid), smmuv3_leave(sure));
	smmuv3_vstream_publish(dev, NULL);
}

void smmuv3_dev_remove(struct uiommu_hwdev *d)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(d->unit);
	struct smmuv3_dev *dev = to_smmuv3_dev(d);
	const struct uiommu_platform *p = dev->p;
	struct smmu_ste ste;
	bool sure;

	smmuv3_fault_dev_leave(dev);
	smmuv3_lock(unit, &dev->lock);
	smmuv3_ats_off(dev);
	smmuv3_groups_end(dev);
	smmuv3_make_ste_abort(&ste);
	sure = !dev->stopped && !smmuv3_stream_install(dev, &ste);
	if (!sure)
		sure = !smmuv3_stream_stop(dev);
	if (sure)
		(void)smmuv3_stall_end(dev);
	leave_domains(dev, sure);
	smmuv3_cdtab_fini(dev, sure);
	/* Whoever still finds it in the list must not bring its entries back. */
	dev->hwdev.dom = NULL;
	dev->stopped = true;
	smmuv3_unlock(unit, &dev->lock);

	smmuv3_lock(unit, &unit->dev_lock);
	set_owner(unit, dev, NULL);
	unlist(unit, dev);
	smmuv3_unlock(unit, &unit->dev_lock);
	/* An event may be looking at it. */
	p->defer(p->ctx, &dev->defer, dev_free);
}
