/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid.c - domains for the accesses of devices that carry a PASID.
 *
 * Every change goes by three steps, all under the lock of the group: reserve
 * (the place in the group's map, the domain's use), act (the driver's set_pasid
 * for each device that has PASIDs, which does all that can fail before it changes
 * anything), publish, which cannot fail.  The map is what the driver was told
 * last.  The exception is hardware that did not answer: then the driver has
 * nothing for the PASID any more, and if it cannot be brought back, its place is
 * marked as lost: the owner still finds it attached and detaches it as always,
 * the devices find nothing.
 *
 * The doors by device are for one that is alone in its group, because the fabric
 * tells devices apart by what they are called, not by their PASIDs; the doors by
 * group leave that to their caller.  Either way a group with PASIDs gets no
 * further device.
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

static int set_one(struct uiommu_device *dev, uint32_t pasid,
		   struct uiommu_domain *dom, struct uiommu_domain *old)
{
	if (!core_pasid_usable(dev))
		return 0;
	return dev->cunit->unit->ops->set_pasid(dom ? dom->hw : NULL, dev->hw,
						pasid, old ? old->hw : NULL);
}

/* Each of them; the first error, but none is left out. */
static int set_none(struct uiommu_group *group, uint32_t pasid,
		    struct uiommu_domain *old)
{
	struct uiommu_device *dev;
	int rc = 0, one;

	list_for_each(dev, &group->devices, group_node) {
		one = set_one(dev, pasid, NULL, old);
		rc = rc ? rc : one;
	}
	return rc;
}

/*
 * After `failed` could not be moved to `dom`, which those before it have: to
 * `old` (NULL: nothing), all of them.  If one cannot, none has it: false.
 */
static bool put_back(struct uiommu_group *group, uint32_t pasid,
		     struct uiommu_domain *dom, struct uiommu_domain *old,
		     const struct uiommu_device *failed, bool failed_has_none)
{
	struct uiommu_domain *now = dom;
	struct uiommu_device *dev;
	bool back = true;

	list_for_each(dev, &group->devices, group_node) {
		if (dev == failed)
			now = failed_has_none ? NULL : old;
		if (now != old && set_one(dev, pasid, old, now)) {
			/* What it has now it must not keep. */
			if (old && now)
				(void)set_one(dev, pasid, NULL, now);
			back = false;
		}
		if (dev == failed)
			break;
	}
	if (!back && old)
		(void)set_none(group, pasid, old);
	return back || !old;
}

/* All devices of the group or none; *lost: none has a domain any more. */
static int set(struct uiommu_group *group, uint32_t pasid,
	       struct uiommu_domain *dom, struct uiommu_domain *old, bool *lost)
{
	struct uiommu_device *dev;
	int rc;

	list_for_each(dev, &group->devices, group_node) {
		rc = set_one(dev, pasid, dom, old);
		if (rc) {
			*lost = !put_back(group, pasid, dom, old, dev,
					  silent(rc));
			return rc;
		}
	}
	return 0;
}

/* Can it have a PASID that no other device answers to?  Group lock held. */
static int check_alone(const struct uiommu_device *dev, uint32_t pasid)
{
	if (!dev->pasid_bits || !dev->cunit->unit->ops->set_pasid)
		return refuse(dev, pasid, -EOPNOTSUPP,
			      "the device has no PASIDs");
	if (dev->routes_by_address)
		return refuse(dev, pasid, -EINVAL,
			      "the fabric does not isolate PASIDs");
	if (dev->group->nr_devices != 1)
		return refuse(dev, pasid, -EINVAL,
			      "the device is not alone in its group");
	return 0;
}

/* One of its devices, to be named in the log. */
static struct uiommu_device *first_of(struct uiommu_group *group)
{
	return list_first(&group->devices, struct uiommu_device, group_node);
}

/*
 * What every device of the group can be asked; group lock held.  A program's
 * addresses are for one device, whoever asks.
 */
static int check_group(struct uiommu_group *group, uint32_t pasid,
		       const struct uiommu_domain *dom)
{
	const struct uiommu_device *dev;
	int rc = 0;

	if (uiommu_domain_type(dom) == UIOMMU_DOM_SHARED)
		rc = check_alone(first_of(group), pasid);
	if (rc)
		return rc;
	if (group->binding || load_acquire(&dom->bound))
		return refuse(first_of(group), pasid, -EBUSY,
			      "a guest's table has the PASIDs");
	list_for_each(dev, &group->devices, group_node) {
		if (!dev->cunit->unit->ops->set_pasid)
			return refuse(dev, pasid, -EOPNOTSUPP,
				      "the driver has no PASIDs");
		if (dom->hw->type != UIOMMU_DOM_PAGING &&
		    dom->hw->type != UIOMMU_DOM_SHARED &&
		    dom->hw->type != UIOMMU_DOM_NESTED)
			return refuse(dev, pasid, -EOPNOTSUPP,
				      "takes domains that translate only");
		if (!pasid ||
		    (core_pasid_usable(dev) && pasid >> dev->pasid_bits))
			return refuse(dev, pasid, -EINVAL, "out of range");
		rc = core_domain_check(dom, dev);
		if (rc)
			return rc;
	}
	return 0;
}

/* Who asks for one device wants it to have the domain; group lock held. */
static int check(const struct uiommu_device *dev, uint32_t pasid,
		 const struct uiommu_domain *dom)
{
	int rc = check_alone(dev, pasid);

	return rc ? rc : check_group(dev->group, pasid, dom);
}

/* Checked, and group lock held. */
static int attach(struct uiommu_group *group, uint32_t pasid,
		  struct uiommu_domain *dom, uint32_t flags)
{
	struct core_pasid_map *map = &group->pasids;
	const struct core_pasid entry = { pasid, flags, dom };
	bool lost;
	int rc;

	if (core_pasid_find(map, pasid))
		return refuse(first_of(group), pasid, -EBUSY, "in use");
	rc = core_pasid_reserve(group->core, map);
	if (rc)
		return rc;
	rc = core_iopf_begin(group, pasid, dom);
	if (rc)
		goto err_unreserve;
	rc = set(group, pasid, dom, NULL, &lost);
	if (rc)
		goto err_end;
	core_pasid_insert(map, &entry);
	core_count(&group->core->stats.attaches, 1);
	return 0;

err_end:
	core_iopf_end(group, pasid, dom);
err_unreserve:
	core_pasid_unreserve(group->core, map);
	return refuse(first_of(group), pasid, rc, "attach failed");
}

int core_pasid_attach(struct uiommu_device *dev, uint32_t pasid,
		      struct uiommu_domain *dom, uint32_t flags)
{
	int rc = check(dev, pasid, dom);

	return rc ? rc : attach(dev->group, pasid, dom, flags);
}

/* After a change that failed: is what the entry says true? */
static void restore(struct uiommu_group *group, struct core_pasid *entry,
		    int rc, bool lost)
{
	bool again;

	if (lost) {
		entry->flags |= CORE_PASID_LOST;
		refuse(first_of(group), entry->pasid, 0,
		       "blocked: its domain cannot be restored");
	} else if (silent(rc) && entry->flags & CORE_PASID_LOST &&
		   !set(group, entry->pasid, entry->dom, NULL, &again)) {
		entry->flags &= ~CORE_PASID_LOST;
	}
}

/* The driver's part of a replace; group lock held. */
static int change(struct uiommu_group *group, struct core_pasid *entry,
		  struct uiommu_domain *dom)
{
	/* Whoever was lost comes back with the handler that it has still. */
	bool same = entry->dom == dom, lost = false;
	int rc;

	rc = same ? 0 : core_iopf_begin(group, entry->pasid, dom);
	if (rc)
		return refuse(first_of(group), entry->pasid, rc,
			      "replace failed");
	rc = set(group, entry->pasid, dom, in_force(entry), &lost);
	if (rc) {
		refuse(first_of(group), entry->pasid, rc, "replace failed");
		restore(group, entry, rc, lost);
	}
	if (!same)
		core_iopf_end(group, entry->pasid, rc ? dom : entry->dom);
	return rc;
}

/*
 * Group lock held; `dev` is asked for by itself, or NULL.  *old has lost a user
 * after success.
 */
static int replace(struct uiommu_group *group, struct uiommu_device *dev,
		   uint32_t pasid, struct uiommu_domain *dom,
		   struct uiommu_domain **old)
{
	struct core_pasid *entry = core_pasid_find(&group->pasids, pasid);
	const struct uiommu_device *named = dev ? dev : first_of(group);
	int rc;

	if (!entry)
		return refuse(named, pasid, -EINVAL, "nothing to replace");
	if (entry->flags & CORE_PASID_AUX)
		return refuse(named, pasid, -EBUSY,
			      "belongs to an auxiliary domain");
	if (entry->flags & CORE_PASID_SVA)
		return refuse(named, pasid, -EBUSY,
			      "is bound to an address space");
	if (dev && entry->dom->keep_pasids)
		return refuse(named, pasid, -EBUSY, "is kept for others");
	if (in_force(entry) == dom) {
		*old = dom;
		return 0;
	}
	rc = dev ? check(dev, pasid, dom) : check_group(group, pasid, dom);
	if (rc)
		return rc;
	rc = change(group, entry, dom);
	if (rc)
		return rc;
	*old = entry->dom;
	entry->dom = dom;
	entry->flags &= ~CORE_PASID_LOST;
	core_count(&group->core->stats.attaches, 1);
	return 0;
}

void core_pasid_detach(struct uiommu_group *group, struct core_pasid *entry)
{
	struct uiommu_domain *old = in_force(entry);
	int rc = old ? set_none(group, entry->pasid, old) : 0;

	if (rc)
		refuse(first_of(group), entry->pasid, rc,
		       "detached, but not confirmed");
	core_iopf_end(group, entry->pasid, entry->dom);
	core_pasid_erase(group->core, &group->pasids, entry);
}

/* Group lock held; the domain is let go, and returned. */
static struct uiommu_domain *drop(struct uiommu_group *group,
				  struct core_pasid *entry)
{
	struct uiommu_domain *dom = entry->dom;

	if (entry->flags & CORE_PASID_AUX) {
		core_aux_drop(group, entry);
	} else {
		core_pasid_detach(group, entry);
		core_domain_put(dom, true);
	}
	return dom;
}

void core_pasid_detach_all(struct uiommu_group *group, const char *when)
{
	struct core_pasid_map *map = &group->pasids;
	struct core_pasid *entry;

	if (!map->nr)
		return;
	core_log(group->core, UIOMMU_LOG_WARN,
		 "%s: %u PASIDs still attached %s", first_of(group)->name,
		 map->nr, when);
	while ((entry = core_pasid_any(map)))
		drop(group, entry);
}

/* ------------------------------------------------------- public doors -- */

static int door_attach(struct uiommu_group *group, struct uiommu_device *dev,
		       uint32_t pasid, struct uiommu_domain *domain)
{
	int rc;

	pthread_mutex_lock(&group->lock);
	rc = core_domain_get(domain, CORE_USE_NORMAL);
	if (rc)
		goto out_unlock;
	rc = dev ? check(dev, pasid, domain)
		 : check_group(group, pasid, domain);
	if (!rc)
		rc = attach(group, pasid, domain, 0);
	if (rc)
		core_domain_put(domain, false);
out_unlock:
	core_group_unlock(group);
	return rc;
}

int uiommu_device_pasid_attach(struct uiommu_device *dev, uint32_t pasid,
			       struct uiommu_domain *domain)
{
	return door_attach(dev->group, dev, pasid, domain);
}

int uiommu_group_pasid_attach(struct uiommu_group *group, uint32_t pasid,
			      struct uiommu_domain *domain)
{
	return door_attach(group, NULL, pasid, domain);
}

static int door_replace(struct uiommu_group *group, struct uiommu_device *dev,
			uint32_t pasid, struct uiommu_domain *domain)
{
	struct uiommu_domain *old;
	int rc;

	pthread_mutex_lock(&group->lock);
	rc = core_domain_get(domain, CORE_USE_NORMAL);
	if (!rc) {
		rc = replace(group, dev, pasid, domain, &old);
		core_domain_put(rc ? domain : old, !rc);
	}
	core_group_unlock(group);
	return rc;
}

int uiommu_device_pasid_replace(struct uiommu_device *dev, uint32_t pasid,
				struct uiommu_domain *domain)
{
	return door_replace(dev->group, dev, pasid, domain);
}

int uiommu_group_pasid_replace(struct uiommu_group *group, uint32_t pasid,
			       struct uiommu_domain *domain)
{
	return door_replace(group, NULL, pasid, domain);
}

/* `dev` is asked for by itself, or NULL. */
static void door_detach(struct uiommu_group *group, struct uiommu_device *dev,
			uint32_t pasid)
{
	struct core_pasid *entry;

	pthread_mutex_lock(&group->lock);
	entry = core_pasid_find(&group->pasids, pasid);
	if (!entry || entry->flags & (CORE_PASID_AUX | CORE_PASID_SVA))
		goto out_unlock;
	if (dev && entry->dom->keep_pasids)
		refuse(dev, pasid, 0, "not detached, it is kept for others");
	else
		drop(group, entry);
out_unlock:
	core_group_unlock(group);
}

void uiommu_group_pasid_detach(struct uiommu_group *group, uint32_t pasid)
{
	door_detach(group, NULL, pasid);
}

void uiommu_device_pasid_detach(struct uiommu_device *dev, uint32_t pasid)
{
	door_detach(dev->group, dev, pasid);
}

struct uiommu_domain *uiommu_group_pasid_domain(struct uiommu_group *group,
						uint32_t pasid)
{
	struct core_pasid *entry;
	struct uiommu_domain *dom;

	pthread_mutex_lock(&group->lock);
	entry = core_pasid_find(&group->pasids, pasid);
	dom = entry ? entry->dom : NULL;
	pthread_mutex_unlock(&group->lock);
	return dom;
}

struct uiommu_domain *uiommu_device_pasid_domain(struct uiommu_device *dev,
						 uint32_t pasid)
{
	return uiommu_group_pasid_domain(dev->group, pasid);
}

/* One that is kept for nobody, or NULL. */
static struct core_pasid *any_free(struct core_pasid_map *map)
{
	struct core_pasid *entry = core_pasid_any(map);

	for (; entry && entry < map->at + map->size; entry++)
		if (entry->pasid && !entry->dom->keep_pasids)
			return entry;
	return NULL;
}

struct uiommu_domain *uiommu_device_pasid_detach_any(struct uiommu_device *dev,
						     uint32_t *pasid)
{
	struct uiommu_domain *dom = NULL;
	struct core_pasid *entry;

	pthread_mutex_lock(&dev->group->lock);
	entry = any_free(&dev->group->pasids);
	if (entry) {
		*pasid = entry->pasid;
		dom = drop(dev->group, entry);
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
