/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group.c - groups: who owns them, which domain they use.
 *
 * All devices of a group use one domain.  A group at rest is blocked: that is
 * its default domain, so claiming it changes nothing for the hardware.  A
 * group that belongs to nobody may still be attached by a user of the library.
 *
 * Every change is made under the group's lock, device after device.  When a
 * device refuses, those before it go back to what they had; a driver that
 * refuses even that leaves the device blocked, the one state that is always
 * safe.
 */
#include "core_private.h"

int core_group_create(struct uiommu_core *core, struct uiommu_group **out)
{
	struct uiommu_group *group, *it;
	struct list *pos;
	int rc;

	group = core_alloc(core, sizeof(*group));
	if (!group)
		return -ENOMEM;
	group->core = core;
	list_init(&group->devices);
	list_init(&group->iopf_ended);
	rc = core_mutex_init(&group->lock);
	if (rc) {
		core_free(core, group);
		return rc;
	}
	/* The lowest free number. */
	pthread_mutex_lock(&core->lock);
	pos = &core->groups;
	list_for_each(it, &core->groups, core_node) {
		if (it->id != group->id)
			break;
		group->id++;
		pos = &it->core_node;
	}
	list_add(pos, &group->core_node);
	pthread_mutex_unlock(&core->lock);
	*out = group;
	return 0;
}

void core_group_unlock(struct uiommu_group *group)
{
	struct list ended;

	list_init(&ended);
	list_splice(&group->iopf_ended, &ended);
	pthread_mutex_unlock(&group->lock);
	core_iopf_finish(&ended);
}

static void destroy(struct uiommu_group *group)
{
	struct uiommu_core *core = group->core;

	pthread_mutex_lock(&core->lock);
	list_del(&group->core_node);
	pthread_mutex_unlock(&core->lock);
	pthread_mutex_destroy(&group->lock);
	core_free(core, group);
}

int core_group_join(struct uiommu_group *group, struct uiommu_device *dev,
		    const struct uiommu_hwdev_cfg *hw)
{
	struct uiommu_unit *unit = dev->cunit->unit;
	bool empty;
	int rc;

	pthread_mutex_lock(&group->lock);
	if (group->owner || group->domain)
		rc = -EBUSY;
	else
		rc = unit->ops->dev_add(unit, hw, &dev->hw);
	if (!rc) {
		list_add_tail(&group->devices, &dev->group_node);
		group->nr_devices++;
	}
	empty = !group->nr_devices;
	pthread_mutex_unlock(&group->lock);
	if (empty)
		destroy(group);
	return rc;
}

void core_group_leave(struct uiommu_group *group, struct uiommu_device *dev)
{
	bool empty;

	pthread_mutex_lock(&group->lock);
	dev->cunit->unit->ops->dev_remove(dev->hw);
	list_del(&dev->group_node);
	empty = !--group->nr_devices;
	pthread_mutex_unlock(&group->lock);
	if (empty)
		destroy(group);
}

unsigned int uiommu_group_id(const struct uiommu_group *group)
{
	return group->id;
}

unsigned int uiommu_group_nr_devices(const struct uiommu_group *group)
{
	return load_relaxed(&group->nr_devices);
}

/* ------------------------------------------------------------ attaching -- */

/* The hardware's domain for a device when its group has `dom`. */
static struct uiommu_hwdom *hwdom_for(const struct uiommu_device *dev,
				      const struct uiommu_domain *dom)
{
	return dom ? dom->hw : dev->cunit->blocked;
}

/*
 * Move a device where it must not stay away from.  If even the blocked domain
 * is refused, whatever the hardware still uses may never be freed.
 */
static void force(struct uiommu_device *dev, struct uiommu_domain *want,
		  struct uiommu_domain *now)
{
	const struct uiommu_driver_ops *ops = dev->cunit->unit->ops;
	int rc;

	rc = ops->attach(hwdom_for(dev, want), dev->hw);
	if (rc && want)
		rc = ops->attach(dev->cunit->blocked, dev->hw);
	if (!rc)
		return;
	core_log(dev->core, UIOMMU_LOG_ERROR,
		 "%s: cannot be taken off its domain (%d)", dev->name, rc);
	if (now)
		store_release(&now->dead, 1);
}

/* Group lock held. */
static int set_domain(struct uiommu_group *group, struct uiommu_domain *dom)
{
	struct uiommu_domain *old = group->domain;
	struct uiommu_device *dev, *failed;
	int rc;

	list_for_each(dev, &group->devices, group_node) {
		rc = dev->cunit->unit->ops->attach(dom->hw, dev->hw);
		if (rc) {
			failed = dev;
			goto err_restore;
		}
	}
	group->domain = dom;
	fetch_add_acq_rel(&dom->attached, 1);
	if (old)
		fetch_sub_acq_rel(&old->attached, 1);
	core_count(&group->core->stats.attaches, 1);
	return 0;

err_restore:
	list_for_each(dev, &group->devices, group_node) {
		if (dev == failed)
			break;
		force(dev, old, dom);
	}
	return rc;
}

/* Group lock held. */
static int move_to(struct uiommu_group *group, struct uiommu_domain *dom)
{
	struct uiommu_domain *old = group->domain;
	struct uiommu_device *dev;
	int rc;

	/* One page table serves one unit so far. */
	list_for_each(dev, &group->devices, group_node)
		if (dev->cunit != dom->cunit)
			return -EINVAL;
	rc = core_msi_install(dom, group->msi_slots);
	if (rc)
		return rc;
	rc = core_iopf_begin(group, UIOMMU_NO_PASID, dom);
	if (rc)
		return rc;
	rc = set_domain(group, dom);
	core_iopf_end(group, UIOMMU_NO_PASID, rc ? dom : old);
	return rc;
}

int uiommu_group_attach(struct uiommu_group *group,
			struct uiommu_domain *domain)
{
	int rc;

	pthread_mutex_lock(&group->lock);
	rc = group->domain ? -EBUSY : move_to(group, domain);
	core_group_unlock(group);
	return rc;
}

int uiommu_group_replace(struct uiommu_group *group,
			 struct uiommu_domain *domain)
{
	int rc;

	pthread_mutex_lock(&group->lock);
	if (!group->domain)
		rc = -EINVAL;
	else if (group->domain == domain)
		rc = 0;
	else
		rc = move_to(group, domain);
	core_group_unlock(group);
	return rc;
}

/* Group lock held. */
static void detach(struct uiommu_group *group)
{
	struct uiommu_domain *old = group->domain;
	struct uiommu_device *dev;

	if (!old)
		return;
	list_for_each(dev, &group->devices, group_node)
		force(dev, NULL, old);
	core_iopf_end(group, UIOMMU_NO_PASID, old);
	group->domain = NULL;
	fetch_sub_acq_rel(&old->attached, 1);
}

void uiommu_group_detach(struct uiommu_group *group)
{
	pthread_mutex_lock(&group->lock);
	detach(group);
	core_group_unlock(group);
}

struct uiommu_domain *uiommu_group_domain(struct uiommu_group *group)
{
	struct uiommu_domain *dom;

	pthread_mutex_lock(&group->lock);
	dom = group->domain;
	pthread_mutex_unlock(&group->lock);
	return dom;
}

/* ------------------------------------------------------------ ownership -- */

int uiommu_device_claim_owner(struct uiommu_device *dev, void *owner)
{
	struct uiommu_group *group = dev->group;
	int rc = 0;

	if (!owner)
		return -EINVAL;
	pthread_mutex_lock(&group->lock);
	if (group->owner && group->owner != owner)
		rc = -EPERM;
	else if (!group->owner && group->domain)
		rc = -EBUSY;
	if (!rc) {
		group->owner = owner;
		group->owner_count++;
	}
	pthread_mutex_unlock(&group->lock);
	return rc;
}

void uiommu_device_release_owner(struct uiommu_device *dev)
{
	struct uiommu_group *group = dev->group;

	pthread_mutex_lock(&group->lock);
	UIOMMU_ASSERT(group->owner_count);
	if (!--group->owner_count) {
		group->owner = NULL;
		/* What the owner forgot must not reach the next one. */
		detach(group);
		group->msi_slots = 0;
	}
	core_group_unlock(group);
}

bool uiommu_group_owned(struct uiommu_group *group)
{
	bool owned;

	pthread_mutex_lock(&group->lock);
	owned = group->owner != NULL;
	pthread_mutex_unlock(&group->lock);
	return owned;
}
