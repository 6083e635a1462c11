/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva.c - devices that are bound to an address space.
 *
 * The core knows each address space that a device is bound to by its struct
 * uiommu_sva_mm: one domain, one PASID, and a handle for each device, counted.
 * All that under one lock, held over attach and detach, so that the first to
 * bind and the last to unbind are what they seem.  Page fault handlers and the
 * callbacks of changes do not take it: unbind waits for them.  A dump does not wait
 * for unbind: what it reads changes under the core's lock too.
 */
#include "sva_private.h"

struct sva_space {
	struct list node; /* uiommu_core.sva_spaces; both locks */
	struct uiommu_core *core;
	const struct uiommu_sva_mm *mm;
	struct uiommu_domain *dom;
	uint32_t pasid;
	struct list bonds; /* both locks */
};

struct uiommu_sva {
	struct list node; /* sva_space.bonds */
	struct sva_space *space;
	struct uiommu_device *dev; /* NULL: removed; both locks */
	uint32_t refs;		   /* both locks */
};

static struct sva_space *find_space(struct uiommu_core *core,
				    const struct uiommu_sva_mm *mm)
{
	struct sva_space *it;

	list_for_each(it, &core->sva_spaces, node)
		if (it->mm == mm)
			return it;
	return NULL;
}

static struct uiommu_sva *find_bond(const struct sva_space *space,
				    const struct uiommu_device *dev)
{
	struct uiommu_sva *it;

	list_for_each(it, &space->bonds, node)
		if (it->dev == dev)
			return it;
	return NULL;
}

/* For the first device of an address space. */
static int make_space(struct uiommu_device *dev, const struct uiommu_sva_mm *mm,
		      struct sva_space **out)
{
	const struct uiommu_domain_cfg cfg = {
		.hw.type = UIOMMU_DOM_SHARED,
		.mm = mm,
	};
	struct uiommu_core *core = dev->core;
	struct sva_space *space;
	int rc;

	space = core_alloc(core, sizeof(*space));
	if (!space)
		return -ENOMEM;
	space->core = core;
	space->mm = mm;
	list_init(&space->bonds);
	rc = uiommu_pasid_alloc(core, 1, uiommu_device_max_pasids(dev) - 1,
				&space->pasid);
	if (rc)
		goto err_free;
	rc = uiommu_domain_alloc_cfg(dev, &cfg, &space->dom);
	if (rc)
		goto err_pasid;
	core_list(core, &core->sva_spaces, &space->node);
	*out = space;
	return 0;

err_pasid:
	uiommu_pasid_free(core, space->pasid);
err_free:
	core_free(core, space);
	return rc;
}

/* Nothing if a device is bound to it. */
static void drop_space(struct uiommu_core *core, struct sva_space *space)
{
	if (!list_empty(&space->bonds))
		return;
	core_unlist(core, &space->node, NULL);
	uiommu_domain_free(space->dom);
	uiommu_pasid_free(core, space->pasid);
	core_free(core, space);
}

/* What bind has put there, and nobody has taken off; group lock held. */
static struct core_pasid *find_entry(const struct uiommu_device *dev,
				     const struct sva_space *space)
{
	struct core_pasid *entry =
		core_pasid_find(&dev->group->pasids, space->pasid);

	return entry && entry->flags & CORE_PASID_SVA ? entry : NULL;
}

/* Nothing for a device that has it. */
static int attach(struct uiommu_device *dev, const struct sva_space *space)
{
	bool has;
	int rc = 0;

	pthread_mutex_lock(&dev->group->lock);
	has = find_entry(dev, space);
	if (!has)
		rc = core_domain_get(space->dom, CORE_USE_NORMAL);
	if (!has && !rc) {
		rc = core_pasid_attach(dev, space->pasid, space->dom,
				       CORE_PASID_SVA);
		if (rc)
			core_domain_put(space->dom, false);
	}
	core_group_unlock(dev->group);
	if (!has && !rc)
		core_sva_try_flush(space->dom);
	return rc;
}

/* Returns when nothing of the device is under way in the address space. */
static void detach(struct uiommu_device *dev, const struct sva_space *space)
{
	struct core_pasid *entry;

	pthread_mutex_lock(&dev->group->lock);
	entry = find_entry(dev, space);
	if (entry) {
		core_pasid_detach(dev->group, entry);
		core_domain_put(space->dom, true);
	}
	core_group_unlock(dev->group);
}

static int make_bond(struct uiommu_device *dev, struct sva_space *space,
		     struct uiommu_sva **out)
{
	struct uiommu_sva *bond = core_alloc(dev->core, sizeof(*bond));
	int rc;

	if (!bond)
		return -ENOMEM;
	rc = attach(dev, space);
	if (rc) {
		core_free(dev->core, bond);
		return rc;
	}
	bond->space = space;
	bond->dev = dev;
	bond->refs = 1;
	core_list(dev->core, &space->bonds, &bond->node);
	*out = bond;
	return 0;
}

/* What there are then. */
static uint32_t count_ref(struct uiommu_sva *bond, int add)
{
	struct uiommu_core *core = bond->space->core;

	pthread_mutex_lock(&core->lock);
	bond->refs += (uint32_t)add;
	pthread_mutex_unlock(&core->lock);
	return bond->refs;
}

static int bind_new(struct uiommu_device *dev, const struct uiommu_sva_mm *mm,
		    struct sva_space *space, struct uiommu_sva **out)
{
	int rc;

	if (!space) {
		rc = make_space(dev, mm, &space);
		if (rc)
			return rc;
	}
	rc = make_bond(dev, space, out);
	if (rc)
		drop_space(dev->core, space);
	return rc;
}

/* What can be said without a domain; attach looks again, under its lock. */
static int check(struct uiommu_device *dev, const struct uiommu_sva_mm *mm)
{
	const char *reason = NULL;
	int rc = 0;

	if (!mm || !dev->pasid_bits || !dev->cunit->unit->ops->set_pasid) {
		rc = mm ? -EOPNOTSUPP : -EINVAL;
		reason = mm ? "the device has no PASIDs" : "no address space";
	} else if (!dev->hw->page_faults) {
		rc = -ENODEV;
		reason = "the device cannot wait for pages";
	}
	if (rc)
		core_log(dev->core, UIOMMU_LOG_WARN, "%s: shared addresses: %s",
			 dev->name, reason);
	return rc;
}

int uiommu_sva_bind(struct uiommu_device *dev, const struct uiommu_sva_mm *mm,
		    struct uiommu_sva **out)
{
	struct uiommu_core *core = dev->core;
	struct sva_space *space;
	struct uiommu_sva *bond;
	int rc = check(dev, mm);

	if (rc)
		return rc;
	pthread_mutex_lock(&core->sva_lock);
	space = find_space(core, mm);
	bond = space ? find_bond(space, dev) : NULL;
	if (space && !core_sva_lives(space->dom)) {
		core_log(core, UIOMMU_LOG_WARN,
			 "%s: shared addresses: bound before the fork",
			 dev->name);
		rc = -EBUSY;
	} else if (bond) {
		/* Its device's owner may have left without unbinding. */
		rc = attach(dev, space);
		if (!rc) {
			count_ref(bond, 1);
			*out = bond;
		}
	} else {
		rc = bind_new(dev, mm, space, out);
	}
	pthread_mutex_unlock(&core->sva_lock);
	return rc;
}

void uiommu_sva_unbind(struct uiommu_sva *sva)
{
	struct sva_space *space;
	struct uiommu_core *core;

	if (!sva)
		return;
	space = sva->space;
	core = space->core;
	pthread_mutex_lock(&core->sva_lock);
	if (!count_ref(sva, -1)) {
		if (sva->dev)
			detach(sva->dev, space);
		core_unlist(core, &sva->node, NULL);
		core_free(core, sva);
		drop_space(core, space);
	}
	pthread_mutex_unlock(&core->sva_lock);
}

void core_sva_forget(struct uiommu_device *dev)
{
	struct uiommu_core *core = dev->core;
	struct sva_space *space;
	struct uiommu_sva *bond;

	pthread_mutex_lock(&core->sva_lock);
	list_for_each(space, &core->sva_spaces, node) {
		bond = find_bond(space, dev);
		if (!bond)
			continue;
		core_log(core, UIOMMU_LOG_WARN,
			 "%s: still bound to an address space when removed",
			 dev->name);
		detach(dev, space);
		pthread_mutex_lock(&core->lock);
		bond->dev = NULL;
		pthread_mutex_unlock(&core->lock);
	}
	pthread_mutex_unlock(&core->sva_lock);
}

void core_sva_dump(struct uiommu_core *core, const struct uiommu_dump *to)
{
	const struct sva_space *space;
	const struct uiommu_sva *bond;

	pthread_mutex_lock(&core->lock);
	list_for_each(space, &core->sva_spaces, node) {
		uiommu_dump_line(to, 1,
				 "address_space domain=%u pasid=%u va_bits=%u "
				 "page=0x%llx%s",
				 space->dom->number, space->pasid,
				 space->mm->va_bits,
				 1ull << space->mm->page_lg2,
				 space->mm->cpu ? " cpu" : "");
		list_for_each(bond, &space->bonds, node)
			uiommu_dump_line(to, 2, "bound %s count=%u",
					 bond->dev ? bond->dev->name
						   : "removed",
					 bond->refs);
	}
	pthread_mutex_unlock(&core->lock);
}

uint32_t uiommu_sva_pasid(const struct uiommu_sva *sva)
{
	return sva->space->pasid;
}
