/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aux.c - auxiliary domains: more address spaces for a device, by PASIDs that
 * the core chooses.
 *
 * A device's auxiliary domain is an entry in its group's map of PASIDs like any
 * other, with the mark AUX; so attach and detach are those of pasid.c, each on
 * the device's own CD table.  What is here is the domain's side: its parent, its
 * PASID, how many devices have it.  That stands still under the domain's lock,
 * which is taken inside the group's and held over the driver's call: so the
 * first device to come and the last to go are what they seem, and the PASID is
 * given back only when no device's hardware leads to the domain by it.
 */
#include "core_private.h"

static int refuse(const struct uiommu_device *dev, int rc, const char *reason)
{
	core_log(dev->core, UIOMMU_LOG_WARN, "%s: auxiliary domain: %s",
		 dev->name, reason);
	return rc;
}

/* ------------------------------------------------------------- feature -- */

bool uiommu_dev_has_feature(const struct uiommu_device *dev,
			    enum uiommu_dev_feature feature)
{
	return feature == UIOMMU_DEV_FEAT_AUX && core_pasid_usable(dev);
}

bool uiommu_dev_feature_enabled(struct uiommu_device *dev,
				enum uiommu_dev_feature feature)
{
	bool enabled;

	pthread_mutex_lock(&dev->group->lock);
	enabled = feature == UIOMMU_DEV_FEAT_AUX && dev->aux_enabled;
	pthread_mutex_unlock(&dev->group->lock);
	return enabled;
}

int uiommu_dev_enable_feature(struct uiommu_device *dev,
			      enum uiommu_dev_feature feature)
{
	int rc = 0;

	if (!uiommu_dev_has_feature(dev, feature))
		return refuse(dev, -ENODEV, "there is no such feature");
	pthread_mutex_lock(&dev->group->lock);
	if (dev->aux_enabled)
		rc = refuse(dev, -EBUSY, "the feature is enabled");
	dev->aux_enabled = true;
	pthread_mutex_unlock(&dev->group->lock);
	return rc;
}

int uiommu_dev_disable_feature(struct uiommu_device *dev,
			       enum uiommu_dev_feature feature)
{
	int rc = 0;

	pthread_mutex_lock(&dev->group->lock);
	if (feature != UIOMMU_DEV_FEAT_AUX || !dev->aux_enabled)
		rc = refuse(dev, -EINVAL, "the feature is not enabled");
	else if (dev->group->nr_aux)
		rc = refuse(dev, -EBUSY, "attached: the feature stays");
	else
		dev->aux_enabled = false;
	pthread_mutex_unlock(&dev->group->lock);
	return rc;
}

/* --------------------------------------------------- attach and detach -- */

static bool is_stage1(const struct uiommu_domain *dom)
{
	return dom && dom->hw->type == UIOMMU_DOM_PAGING && !dom->sva &&
	       dom->cfg.stage != UIOMMU_STAGE_2;
}

/* The device's entry of the domain or NULL; both locks held. */
static struct core_pasid *entry_of(const struct uiommu_domain *dom,
				   const struct uiommu_device *dev)
{
	struct core_pasid *entry;

	if (!dom->aux.nr)
		return NULL;
	entry = core_pasid_find(&dev->group->pasids, dom->aux.pasid);
	return entry && entry->dom == dom ? entry : NULL;
}

/* Both locks held. */
static int check(const struct uiommu_domain *dom,
		 const struct uiommu_device *dev)
{
	const struct uiommu_domain *parent = core_group_current(dev->group);

	if (!dev->aux_enabled)
		return refuse(dev, -EINVAL, "the feature is not enabled");
	if (!is_stage1(parent))
		return refuse(dev, -EINVAL,
			      "the device's own is no stage-1 domain");
	if (!is_stage1(dom))
		return refuse(dev, -EINVAL, "not a stage-1 domain");
	if (dom->aux.nr && dom->aux.parent != parent)
		return refuse(dev, -EINVAL, "it has another parent");
	if (entry_of(dom, dev))
		return refuse(dev, -EBUSY, "the device has it");
	return 0;
}

/* Both locks held; the domain has been counted. */
static int attach(struct uiommu_domain *dom, struct uiommu_device *dev)
{
	uint32_t pasid = dom->aux.pasid;
	int rc;

	if (!dom->aux.nr) {
		rc = uiommu_pasid_alloc(dev->core, 1,
					uiommu_device_max_pasids(dev) - 1,
					&pasid);
		if (rc)
			return refuse(dev, rc, "there is no PASID for it");
	}
	rc = core_pasid_attach(dev, pasid, dom, CORE_PASID_AUX);
	if (rc) {
		if (!dom->aux.nr)
			uiommu_pasid_free(dev->core, pasid);
		return rc;
	}
	dom->aux.parent = core_group_current(dev->group);
	dom->aux.pasid = pasid;
	dom->aux.nr++;
	dev->group->nr_aux++;
	return 0;
}

int uiommu_aux_attach(struct uiommu_domain *domain, struct uiommu_device *dev)
{
	int rc;

	pthread_mutex_lock(&dev->group->lock);
	pthread_mutex_lock(&domain->lock);
	rc = check(domain, dev);
	if (rc)
		goto out_unlock;
	rc = core_domain_get_locked(domain, CORE_USE_AUX);
	if (rc)
		goto out_unlock;
	rc = attach(domain, dev);
	if (rc)
		core_domain_put_locked(domain, false);
out_unlock:
	pthread_mutex_unlock(&domain->lock);
	core_group_unlock(dev->group);
	return rc;
}

/* Both locks held. */
static void detach(struct uiommu_domain *dom, struct uiommu_group *group,
		   struct core_pasid *entry)
{
	core_pasid_detach(group, entry);
	group->nr_aux--;
	if (!--dom->aux.nr) {
		uiommu_pasid_free(group->core, dom->aux.pasid);
		dom->aux.parent = NULL;
	}
	core_domain_put_locked(dom, true);
}

void uiommu_aux_detach(struct uiommu_domain *domain, struct uiommu_device *dev)
{
	struct core_pasid *entry;

	pthread_mutex_lock(&dev->group->lock);
	pthread_mutex_lock(&domain->lock);
	entry = entry_of(domain, dev);
	if (entry)
		detach(domain, dev->group, entry);
	pthread_mutex_unlock(&domain->lock);
	core_group_unlock(dev->group);
}

void core_aux_drop(struct uiommu_group *group, struct core_pasid *entry)
{
	struct uiommu_domain *dom = entry->dom;

	pthread_mutex_lock(&dom->lock);
	detach(dom, group, entry);
	pthread_mutex_unlock(&dom->lock);
}

void uiommu_aux_detach_all(struct uiommu_device *dev)
{
	struct uiommu_group *group = dev->group;

	pthread_mutex_lock(&group->lock);
	while (group->nr_aux)
		core_aux_drop(group, core_pasid_marked(&group->pasids,
						       CORE_PASID_AUX));
	core_group_unlock(group);
}

int uiommu_aux_pasid(struct uiommu_domain *domain, struct uiommu_device *dev)
{
	int pasid = -EINVAL;

	pthread_mutex_lock(&dev->group->lock);
	pthread_mutex_lock(&domain->lock);
	if (entry_of(domain, dev))
		pasid = (int)domain->aux.pasid;
	pthread_mutex_unlock(&domain->lock);
	pthread_mutex_unlock(&dev->group->lock);
	return pasid;
}
