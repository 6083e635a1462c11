/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group.c - groups: who owns them, which domain they use.
 *
 * All devices of a group, behind whichever units, use one domain: the attached
 * one; else, while it has an owner, none (each device is in its unit's blocked
 * domain); else the default domain, which may be blocked too, so that claiming
 * the group changes nothing for the hardware.  A group that belongs to nobody
 * may still be attached by a user of the library.
 *
 * Every change is made under the group's lock, device after device.  When a
 * device refuses, it and those before it go back to what they had; a driver that
 * refuses even that leaves the device blocked, the one state that is always
 * safe.
 */
#include "bind_private.h"

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

/* ----------------------------------------------------- coming and going -- */

static void destroy(struct uiommu_group *group)
{
	struct uiommu_core *core = group->core;

	core_unlist(core, &group->core_node, &group->held);
	if (group->def) {
		core_domain_put(group->def, true);
		uiommu_domain_free(group->def);
	}
	pthread_mutex_destroy(&group->lock);
	core_free(core, group);
}

/* The group's first device decides; group lock held. */
static int make_default(struct uiommu_group *group, struct uiommu_device *dev,
			enum uiommu_default_domain kind)
{
	const struct uiommu_domain_cfg cfg = {
		.hw.type = kind == UIOMMU_DEFAULT_IDENTITY ? UIOMMU_DOM_IDENTITY
							   : UIOMMU_DOM_PAGING,
	};
	int rc;

	group->def_kind = kind;
	if (kind == UIOMMU_DEFAULT_BLOCKED)
		return 0;
	rc = uiommu_domain_alloc_cfg(dev, &cfg, &group->def);
	return rc ? rc : core_domain_get(group->def, CORE_USE_NORMAL);
}

/* Is there a place for one more?  Group lock held. */
static int check_join(struct uiommu_group *group, struct uiommu_device *dev,
		      const struct uiommu_device_cfg *cfg)
{
	if (cfg->default_domain > UIOMMU_DEFAULT_DMA)
		return -EINVAL;
	if (group->owner || group->domain || group->pasids.nr)
		return -EBUSY;
	if (!group->nr_devices)
		return 0;
	if (group->def_kind != cfg->default_domain) {
		core_log(dev->core, UIOMMU_LOG_WARN,
			 "%s: group %u has another kind of default domain",
			 dev->name, group->id);
		return -EINVAL;
	}
	return group->def ? core_domain_check(group->def, dev) : 0;
}

/* Group lock held. */
static int join(struct uiommu_group *group, struct uiommu_device *dev,
		const struct uiommu_hwdev_cfg *hw,
		const struct uiommu_device_cfg *cfg)
{
	const struct uiommu_driver_ops *ops = dev->cunit->unit->ops;
	int rc;

	rc = check_join(group, dev, cfg);
	if (!rc && !group->nr_devices)
		rc = make_default(group, dev, cfg->default_domain);
	if (rc)
		return rc;
	rc = ops->dev_add(dev->cunit->unit, hw, &dev->hw);
	if (rc)
		return rc;
	core_device_faults_to(dev, group->def);
	if (group->def)
		rc = ops->attach(group->def->hw, dev->hw);
	if (rc) {
		core_device_faults_to(dev, NULL);
		ops->dev_remove(dev->hw);
		return rc;
	}
	list_add_tail(&group->devices, &dev->group_node);
	group->nr_devices++;
	return 0;
}

int core_group_join(struct uiommu_group *group, struct uiommu_device *dev,
		    const struct uiommu_hwdev_cfg *hw,
		    const struct uiommu_device_cfg *cfg)
{
	bool empty;
	int rc;

	pthread_mutex_lock(&group->lock);
	rc = join(group, dev, hw, cfg);
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
	/* Of others the driver takes this one off. */
	if (group->nr_devices == 1)
		core_pasid_detach_all(group, "when it is removed");
	dev->cunit->unit->ops->dev_remove(dev->hw);
	list_del(&dev->group_node);
	empty = !--group->nr_devices;
	/* The driver has taken the device off it. */
	if (empty && group->domain) {
		core_domain_put(group->domain, true);
		/* Who walks the groups may still meet this one. */
		group->domain = NULL;
		group->binding = NULL;
	}
	core_group_unlock(group);
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

/* The hardware's domain for a device when its group is there. */
static struct uiommu_hwdom *hwdom_for(const struct uiommu_device *dev,
				      const struct core_place *at)
{
	if (at->binding)
		return core_binding_hw(at->binding, dev->cunit);
	return at->dom ? at->dom->hw : dev->cunit->blocked;
}

struct uiommu_domain *core_group_current(const struct uiommu_group *group)
{
	if (group->domain)
		return group->domain;
	return group->owner ? NULL : group->def;
}

/* Group lock held. */
static struct core_place place_of(const struct uiommu_group *group)
{
	return (struct core_place){ core_group_current(group), group->binding };
}

struct uiommu_hwdom *core_group_hwdom(const struct uiommu_group *group,
				      const struct uiommu_device *dev)
{
	const struct core_place at = place_of(group);

	return hwdom_for(dev, &at);
}

/*
 * Move a device where it must not stay away from.  If even the blocked domain
 * is refused, whatever the hardware still uses may never be freed.
 */
static void force(struct uiommu_device *dev, const struct core_place *want,
		  const struct core_place *now)
{
	const struct uiommu_driver_ops *ops = dev->cunit->unit->ops;
	int rc;

	rc = ops->attach(hwdom_for(dev, want), dev->hw);
	if (rc && want->dom)
		rc = ops->attach(dev->cunit->blocked, dev->hw);
	if (!rc)
		return;
	core_log(dev->core, UIOMMU_LOG_ERROR,
		 "%s: cannot be taken off its domain (%d)", dev->name, rc);
	if (now->dom)
		core_domain_lose(now->dom);
	if (want->dom)
		core_domain_lose(want->dom);
}

/* All devices, or none, from one place to another; group lock held. */
static int move_devices(struct uiommu_group *group,
			const struct core_place *from,
			const struct core_place *to)
{
	struct uiommu_device *dev, *failed;
	int rc;

	list_for_each(dev, &group->devices, group_node) {
		rc = dev->cunit->unit->ops->attach(hwdom_for(dev, to), dev->hw);
		if (rc) {
			failed = dev;
			goto err_restore;
		}
	}
	return 0;

err_restore:
	/* The one that failed has lost its domain if hardware was silent. */
	list_for_each(dev, &group->devices, group_node) {
		force(dev, from, to);
		if (dev == failed)
			break;
	}
	return rc;
}

int core_group_rebind(struct uiommu_group *group, struct core_binding *binding)
{
	const struct core_place from = place_of(group);
	const struct core_place to = { from.dom, binding };
	int rc = move_devices(group, &from, &to);

	if (!rc)
		group->binding = binding;
	return rc;
}

void core_group_force_binding(struct uiommu_group *group,
			      struct core_binding *binding)
{
	const struct core_place from = place_of(group);
	const struct core_place to = { from.dom, binding };
	struct uiommu_device *dev;

	list_for_each(dev, &group->devices, group_node)
		force(dev, &to, &from);
	group->binding = binding;
}

/* Auxiliary domains rest on the group's own; group lock held. */
static int check_leave(struct uiommu_group *group)
{
	if (!group->nr_aux)
		return 0;
	core_log(group->core, UIOMMU_LOG_WARN,
		 "group %u: auxiliary domains are attached", group->id);
	return -EBUSY;
}

/* The domain has been counted; its bind_lock shared and group lock held. */
static int move_to(struct uiommu_group *group, struct uiommu_domain *dom)
{
	const struct core_place from = place_of(group);
	const struct core_place to = { dom, dom->binding };
	struct uiommu_device *dev;
	int rc;

	rc = check_leave(group);
	if (rc)
		return rc;
	if (uiommu_domain_type(dom) == UIOMMU_DOM_SHARED) {
		core_log(group->core, UIOMMU_LOG_WARN,
			 "group %u: shared addresses are for PASIDs",
			 group->id);
		return -EINVAL;
	}
	list_for_each(dev, &group->devices, group_node) {
		rc = core_domain_check(dom, dev);
		if (rc)
			return rc;
	}
	rc = core_binding_reach(dom, group);
	if (rc)
		return rc;
	rc = core_msi_install(dom, group->msi_slots);
	if (rc)
		return rc;
	rc = core_iopf_begin(group, UIOMMU_NO_PASID, dom);
	if (rc)
		return rc;
	/* On the way a fault may be of both, and is told to neither. */
	core_faults_to(group, NULL);
	rc = move_devices(group, &from, &to);
	core_faults_to(group, rc ? from.dom : dom);
	core_iopf_end(group, UIOMMU_NO_PASID, rc ? dom : group->domain);
	return rc;
}

/* bind_lock of the domain, shared, and group lock held. */
static int set_domain(struct uiommu_group *group, struct uiommu_domain *dom)
{
	struct uiommu_domain *old = group->domain;
	int rc;

	rc = core_domain_get(dom, CORE_USE_NORMAL);
	if (rc)
		return rc;
	rc = move_to(group, dom);
	if (rc) {
		core_domain_put(dom, false);
		return rc;
	}
	group->domain = dom;
	group->binding = dom->binding;
	if (old)
		core_domain_put(old, true);
	core_count(&group->core->stats.attaches, 1);
	return 0;
}

int uiommu_group_attach(struct uiommu_group *group,
			struct uiommu_domain *domain)
{
	int rc;

	pthread_rwlock_rdlock(&domain->bind_lock);
	pthread_mutex_lock(&group->lock);
	rc = group->domain ? -EBUSY : set_domain(group, domain);
	/* Before handlers are waited for. */
	pthread_rwlock_unlock(&domain->bind_lock);
	core_group_unlock(group);
	return core_told(group->core, rc, "group %u: attach", group->id);
}

int uiommu_group_replace(struct uiommu_group *group,
			 struct uiommu_domain *domain)
{
	int rc;

	pthread_rwlock_rdlock(&domain->bind_lock);
	pthread_mutex_lock(&group->lock);
	if (!group->domain)
		rc = -EINVAL;
	else if (group->domain == domain)
		rc = 0;
	else
		rc = set_domain(group, domain);
	pthread_rwlock_unlock(&domain->bind_lock);
	core_group_unlock(group);
	return core_told(group->core, rc, "group %u: replace", group->id);
}

/*
 * From `from`, which it has no more, to where the group is without a domain
 * attached; group lock held.
 */
static void rest(struct uiommu_group *group, const struct core_place *from)
{
	struct core_place to;
	struct uiommu_device *dev;

	group->binding = NULL;
	to = place_of(group);
	if (from->dom == to.dom)
		return;
	if (to.dom && core_msi_install(to.dom, group->msi_slots))
		core_log(group->core, UIOMMU_LOG_ERROR,
			 "group %u: no interrupts in its default domain",
			 group->id);
	core_faults_to(group, NULL);
	list_for_each(dev, &group->devices, group_node)
		force(dev, &to, from);
	core_faults_to(group, to.dom);
}

int uiommu_group_detach(struct uiommu_group *group)
{
	struct core_place old;
	int rc;

	pthread_mutex_lock(&group->lock);
	old = place_of(group);
	rc = check_leave(group);
	if (!rc && group->domain) {
		group->domain = NULL;
		rest(group, &old);
		core_iopf_end(group, UIOMMU_NO_PASID, old.dom);
		core_domain_put(old.dom, true);
	}
	core_group_unlock(group);
	return rc;
}

struct uiommu_domain *uiommu_group_domain(struct uiommu_group *group)
{
	struct uiommu_domain *dom;

	pthread_mutex_lock(&group->lock);
	dom = group->domain;
	pthread_mutex_unlock(&group->lock);
	return dom;
}

struct uiommu_domain *uiommu_group_default_domain(struct uiommu_group *group)
{
	return group->def;
}

/* ------------------------------------------------------------ ownership -- */

int uiommu_device_claim_owner(struct uiommu_device *dev, void *owner)
{
	const struct core_place blocked = { NULL, NULL };
	struct uiommu_group *group = dev->group;
	const struct core_place def = { group->def, NULL };
	int rc = 0;

	pthread_mutex_lock(&group->lock);
	if (!owner)
		rc = -EINVAL;
	else if (group->owner && group->owner != owner)
		rc = -EPERM;
	else if (!group->owner && (group->domain || group->pasids.nr))
		rc = -EBUSY;
	else if (!group->owner && group->def)
		rc = move_devices(group, &def, &blocked);
	if (!rc) {
		group->owner = owner;
		group->owner_count++;
		core_faults_to(group, core_group_current(group));
	}
	pthread_mutex_unlock(&group->lock);
	return core_told(group->core, rc, "%s: ownership", dev->name);
}

/* What the owner forgot must not reach the next one; group lock held. */
static void clean_up(struct uiommu_group *group)
{
	const struct core_place old = place_of(group);

	core_pasid_detach_all(group, "when its owner lets go");
	group->owner = NULL;
	group->domain = NULL;
	group->msi_slots = 0;
	rest(group, &old);
	core_iopf_end(group, UIOMMU_NO_PASID, old.dom);
	if (old.dom)
		core_domain_put(old.dom, true);
}

void uiommu_device_release_owner(struct uiommu_device *dev)
{
	struct uiommu_group *group = dev->group;

	pthread_mutex_lock(&group->lock);
	UIOMMU_ASSERT(group->owner_count);
	if (!--group->owner_count)
		clean_up(group);
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
