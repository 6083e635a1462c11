/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid.c - domains for the accesses of a device that carry a PASID.
 *
 * Every change goes by three steps, all under the lock of the device's group:
 * reserve (the place in the group's map, the domain's use), act (the driver's
 * set_pasid, which does all that can fail before it changes anything), publish,
 * which cannot fail.  The map is what the driver was told last.  The exception
 * is hardware that did not answer: then the driver has nothing for the PASID any
 * more, and if it cannot be brought back, its place is marked as lost: the owner
 * still finds it attached and detaches it as always, the device finds nothing.
 *
 * A group with PASIDs has one device and gets no other, because the fabric
 * tells devices apart by what they are called, not by their PASIDs.
 */
#include "core_private.h"

static int refuse(const struct uiommu_device *dev, uint32_t pasid, int rc,
		  const char *reason)
{
	core_log(dev->core, UIOMMU_LOG_WARN, "%s: PASID %u: %s", dev->name,
		 pasid, reason);
	return rc;
}

static bool silent(int rc)
{
	return rc == -ETIMEDOUT || rc == -EIO;
}

static int set(struct uiommu_device *dev, uint32_t pasid,
	       struct uiommu_domain *dom, struct uiommu_domain *old)
{
	return dev->cunit->unit->ops->set_pasid(dom ? dom->hw : NULL, dev->hw,
						pasid, old ? old->hw : NULL);
}

/* What of this entry the driver knows. */
static struct uiommu_domain *in_force(const struct core_pasid *entry)
{
	return entry->flags & CORE_PASID_LOST ? NULL : entry->dom;
}

bool core_pasid_usable(const struct uiommu_device *dev)
{
	return dev->pasid_bits && dev->cunit->unit->ops->set_pasid &&
	       !dev->routes_by_address;
}

/* Can the device have this domain at this PASID?  Group lock held. */
static int check(const struct uiommu_device *dev, uint32_t pasid,
		 const struct uiommu_domain *dom)
{
	if (!dev->pasid_bits || !dev->cunit->unit->ops->set_pasid)
		return refuse(dev, pasid, -EOPNOTSUPP,
			      "the device has no PASIDs");
	if (dom->hw->type != UIOMMU_DOM_PAGING &&
	    dom->hw->type != UIOMMU_DOM_SHARED)
		return refuse(dev, pasid, -EOPNOTSUPP,
			      "takes domains that translate only");
	if (!pasid || pasid >> dev->pasid_bits)
		return refuse(dev, pasid, -EINVAL, "out of range");
	if (dev->routes_by_address)
		return refuse(dev, pasid, -EINVAL,
			      "the fabric does not isolate PASIDs");
	if (dev->group->nr_devices != 1)
		return refuse(dev, pasid, -EINVAL,
			      "the device is not alone in its group");
	return core_domain_check(dom, dev);
}

int core_pasid_attach(struct uiommu_device *dev, uint32_t pasid,
		      struct uiommu_domain *dom, uint32_t flags)
{
	struct core_pasid_map *map = &dev->group->pasids;
	const struct core_pasid entry = { pasid, flags, dom };
	int rc;

	rc = check(dev, pasid, dom);
	if (rc)
		return rc;
	if (core_pasid_find(map, pasid))
		return refuse(dev, pasid, -EBUSY, "in use");
	rc = core_pasid_reserve(dev->core, map);
	if (rc)
		return rc;
	rc = core_iopf_begin(dev->group, pasid, dom);
	if (rc)
		goto err_unreserve;
	rc = set(dev, pasid, dom, NULL);
	if (rc)
		goto err_end;
	core_pasid_insert(map, &entry);
	core_count(&dev->core->stats.attaches, 1);
	return 0;

err_end:
	core_iopf_end(dev->group, pasid, dom);
err_unreserve:
	core_pasid_unreserve(dev->core, map);
	return refuse(dev, pasid, rc, "attach failed");
}

/* After a change that failed: what the entry says, or the mark. */
static void restore(struct uiommu_device *dev, struct core_pasid *entry)
{
	if (set(dev, entry->pasid, entry->dom, NULL)) {
		entry->flags |= CORE_PASID_LOST;
		refuse(dev, entry->pasid, 0,
		       "blocked: its domain cannot be restored");
	} else {
		entry->flags &= ~CORE_PASID_LOST;
	}
}

/* The driver's part of a replace; group lock held. */
static int change(struct uiommu_device *dev, struct core_pasid *entry,
		  struct uiommu_domain *dom)
{
	/* Whoever was lost comes back with the handler that it has still. */
	bool same = entry->dom == dom;
	int rc;

	rc = same ? 0 : core_iopf_begin(dev->group, entry->pasid, dom);
	if (rc)
		return refuse(dev, entry->pasid, rc, "replace failed");
	rc = set(dev, entry->pasid, dom, in_force(entry));
	if (rc) {
		refuse(dev, entry->pasid, rc, "replace failed");
		if (silent(rc))
			restore(dev, entry);
	}
	if (!same)
		core_iopf_end(dev->group, entry->pasid, rc ? dom : entry->dom);
	return rc;
}

/* Group lock held; *old has lost a user after success. */
static int replace(struct uiommu_device *dev, uint32_t pasid,
		   struct uiommu_domain *dom, struct uiommu_domain **old)
{
	struct core_pasid *entry = core_pasid_find(&dev->group->pasids, pasid);
	int rc;

	if (!entry)
		return refuse(dev, pasid, -EINVAL, "nothing to replace");
	if (entry->flags & CORE_PASID_AUX)
		return refuse(dev, pasid, -EBUSY,
			      "belongs to an auxiliary domain");
	if (entry->flags & CORE_PASID_SVA)
		return refuse(dev, pasid, -EBUSY,
			      "is bound to an address space");
	if (in_force(entry) == dom) {
		*old = dom;
		return 0;
	}
	rc = check(dev, pasid, dom);
	if (rc)
		return rc;
	rc = change(dev, entry, dom);
	if (rc)
		return rc;
	*old = entry->dom;
	entry->dom = dom;
	entry->flags &= ~CORE_PASID_LOST;
	core_count(&dev->core->stats.attaches, 1);
	return 0;
}

void core_pasid_detach(struct uiommu_device *dev, struct core_pasid *entry)
{
	struct uiommu_domain *old = in_force(entry);
	int rc = old ? set(dev, entry->pasid, NULL, old) : 0;

	if (rc)
		refuse(dev, entry->pasid, rc, "detached, but not confirmed");
	core_iopf_end(dev->group, entry->pasid, entry->dom);
	core_pasid_erase(dev->core, &dev->group->pasids, entry);
}

/* Group lock held; the domain is let go, and returned. */
static struct uiommu_domain *drop(struct uiommu_device *dev,
				  struct core_pasid *entry)
{
	struct uiommu_domain *dom = entry->dom;

	if (entry->flags & CORE_PASID_AUX) {
		core_aux_drop(dev, entry);
	} else {
		core_pasid_detach(dev, entry);
		core_domain_put(dom, true);
	}
	return dom;
}

void core_pasid_detach_all(struct uiommu_device *dev, const char *when)
{
	struct core_pasid_map *map = &dev->group->pasids;
	struct core_pasid *entry;

	if (!map->nr)
		return;
	core_log(dev->core, UIOMMU_LOG_WARN, "%s: %u PASIDs still attached %s",
		 dev->name, map->nr, when);
	while ((entry = core_pasid_any(map)))
		drop(dev, entry);
}

/* ------------------------------------------------------- public doors -- */

int uiommu_device_pasid_attach(struct uiommu_device *dev, uint32_t pasid,
			       struct uiommu_domain *domain)
{
	int rc;

	pthread_mutex_lock(&dev->group->lock);
	rc = core_domain_get(domain, CORE_USE_NORMAL);
	if (!rc) {
		rc = core_pasid_attach(dev, pasid, domain, 0);
		if (rc)
			core_domain_put(domain, false);
	}
	core_group_unlock(dev->group);
	return rc;
}

int uiommu_device_pasid_replace(struct uiommu_device *dev, uint32_t pasid,
				struct uiommu_domain *domain)
{
	struct uiommu_domain *old;
	int rc;

	pthread_mutex_lock(&dev->group->lock);
	rc = core_domain_get(domain, CORE_USE_NORMAL);
	if (!rc) {
		rc = replace(dev, pasid, domain, &old);
		core_domain_put(rc ? domain : old, !rc);
	}
	core_group_unlock(dev->group);
	return rc;
}

void uiommu_device_pasid_detach(struct uiommu_device *dev, uint32_t pasid)
{
	struct core_pasid *entry;

	pthread_mutex_lock(&dev->group->lock);
	entry = core_pasid_find(&dev->group->pasids, pasid);
	if (entry && !(entry->flags & (CORE_PASID_AUX | CORE_PASID_SVA)))
		drop(dev, entry);
	core_group_unlock(dev->group);
}

struct uiommu_domain *uiommu_device_pasid_domain(struct uiommu_device *dev,
						 uint32_t pasid)
{
	struct core_pasid *entry;
	struct uiommu_domain *dom;

	pthread_mutex_lock(&dev->group->lock);
	entry = core_pasid_find(&dev->group->pasids, pasid);
	dom = entry ? entry->dom : NULL;
	pthread_mutex_unlock(&dev->group->lock);
	return dom;
}

struct uiommu_domain *uiommu_device_pasid_detach_any(struct uiommu_device *dev,
						     uint32_t *pasid)
{
	struct uiommu_domain *dom = NULL;
	struct core_pasid *entry;

	pthread_mutex_lock(&dev->group->lock);
	entry = core_pasid_any(&dev->group->pasids);
	if (entry) {
		*pasid = entry->pasid;
		dom = drop(dev, entry);
	}
	core_group_unlock(dev->group);
	return dom;
}

unsigned int uiommu_device_nr_pasids(struct uiommu_device *dev)
{
	unsigned int nr;

	pthread_mutex_lock(&dev->group->lock);
	nr = dev->group->pasids.nr;
	pthread_mutex_unlock(&dev->group->lock);
	return nr;
}

uint32_t uiommu_device_max_pasids(const struct uiommu_device *dev)
{
	return dev->pasid_bits && dev->cunit->unit->ops->set_pasid
		       ? BIT32(dev->pasid_bits)
		       : 0;
}
