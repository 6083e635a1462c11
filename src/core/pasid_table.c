/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid_table.c - a guest's PASID table, bound to the domain that the guest's
 * memory is in.
 *
 * A binding is, for each unit that the domain's devices are behind, a vIOMMU with
 * the host's ids and a nested domain of it, both known to nobody but their driver.
 * Groups stay attached to the domain; the one thing that changes is what their
 * devices have of it (uiommu_group.binding).
 *
 * A change makes a binding of its own for all units, then moves group after group,
 * then frees the one before.  While it goes on nobody is attached (bind_lock), so
 * no group is forgotten; groups that leave meanwhile are met in the one binding or
 * in the other, and leave from there.  Whoever is attached later finds his unit in
 * the binding, or puts it there before his devices are touched.
 *
 * Before bind returns, units forget what TLBs have of a table before, and devices
 * what they have been given out of that: the address space ids in it are a guest's,
 * who may use them anew for another one.
 */
#include "bind_private.h"

/* One of its units; constant once it is in the list. */
struct bound_unit {
	struct bound_unit *next;
	const struct core_unit *cunit;
	struct uiommu_hwviommu *viommu;
	struct uiommu_hwdom *hw;
};

struct core_binding {
	struct uiommu_domain *dom;
	struct uiommu_pasid_table table;
	/*
	 * Atomic.  It grows with the domain's lock held and never shrinks, so it
	 * is read without.
	 */
	struct bound_unit *units;
	uint32_t nr_groups; /* when it was made */
};

static const struct uiommu_nested_ops *ops_of(const struct core_unit *cunit)
{
	return cunit->unit->ops->nested;
}

/* ------------------------------------------------------------ its units -- */

static struct bound_unit *find(const struct core_binding *binding,
			       const struct core_unit *cunit)
{
	struct bound_unit *it = load_acquire(&binding->units);

	while (it && it->cunit != cunit)
		it = it->next;
	return it;
}

struct uiommu_hwdom *core_binding_hw(const struct core_binding *binding,
				     const struct core_unit *cunit)
{
	const struct bound_unit *unit = find(binding, cunit);

	UIOMMU_ASSERT(unit);
	return unit->hw;
}

const struct uiommu_pasid_table *
core_binding_table(const struct core_binding *binding)
{
	return &binding->table;
}

static bool has_tables(const struct core_unit *cunit)
{
	const struct uiommu_nested_ops *ops = ops_of(cunit);

	return ops && ops->viommu_alloc && ops->viommu_dom_make &&
	       ops->viommu_forget;
}

/* The unit of a device.  The domain's lock is held. */
static int add_unit(struct core_binding *binding,
		    const struct uiommu_device *dev)
{
	const struct uiommu_viommu_cfg cfg = { .host_ids = true };
	const struct core_unit *cunit = dev->cunit;
	struct bound_unit *unit;
	int rc;

	if (!has_tables(cunit))
		return -EOPNOTSUPP;
	unit = core_alloc(dev->core, sizeof(*unit));
	if (!unit)
		return -ENOMEM;
	unit->cunit = cunit;
	rc = ops_of(cunit)->viommu_alloc(dev->hw, binding->dom->hw, 0, &cfg,
					 &unit->viommu);
	if (rc)
		goto err_free;
	rc = ops_of(cunit)->viommu_dom_make(unit->viommu, &binding->table,
					    &unit->hw);
	if (rc)
		goto err_viommu;
	unit->next = binding->units;
	store_release(&binding->units, unit);
	return 0;

err_viommu:
	ops_of(cunit)->viommu_free(unit->viommu);
err_free:
	core_free(dev->core, unit);
	return rc;
}

/*
 * Those of a group's devices; its lock is held.  What it adds stays if the caller fails
 * later: invalidations find it at once.
 */
static int reach(struct core_binding *binding, const struct uiommu_group *group)
{
	struct uiommu_domain *dom = binding->dom;
	const struct uiommu_device *dev;
	int rc = 0;

	pthread_mutex_lock(&dom->lock);
	list_for_each(dev, &group->devices, group_node)
		if (!rc && !find(binding, dev->cunit))
			rc = add_unit(binding, dev);
	pthread_mutex_unlock(&dom->lock);
	return rc;
}

int core_binding_reach(struct uiommu_domain *dom,
		       const struct uiommu_group *group)
{
	if (!dom->binding)
		return 0;
	if (group->pasids.nr)
		return -EBUSY;
	return reach(dom->binding, group);
}

/* No device has it; where the hardware may, it stays. */
static void binding_free(struct core_binding *binding)
{
	struct uiommu_core *core = binding->dom->core;
	struct bound_unit *unit, *next;

	for (unit = binding->units; unit; unit = next) {
		next = unit->next;
		if (!load_acquire(&binding->dom->dead)) {
			unit->cunit->unit->ops->dom_free(unit->hw);
			ops_of(unit->cunit)->viommu_free(unit->viommu);
		}
		core_free(core, unit);
	}
	core_free(core, binding);
}

/* To all units, NULL, or to that of `dev`; the first error. */
static int forget(const struct core_binding *binding, struct uiommu_device *dev,
		  const struct uiommu_cache_info *info)
{
	const struct bound_unit *unit = load_acquire(&binding->units);
	int rc = 0, one;

	for (; unit; unit = unit->next) {
		if (dev && dev->cunit != unit->cunit)
			continue;
		one = ops_of(unit->cunit)
			      ->viommu_forget(unit->viommu,
					      dev ? dev->hw : NULL, info);
		rc = rc ? rc : one;
	}
	return rc;
}

/*
 * What TLBs have of the tables of any binding of the domain; then what devices have
 * been given out of these since they moved.
 */
static int forget_tables(const struct core_binding *binding)
{
	static const struct uiommu_cache_info all[] = {
		{ .type = UIOMMU_CACHE_TLB },
		{ .type = UIOMMU_CACHE_DEVICE_TLB },
	};
	int rc = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(all) && !rc; i++)
		rc = forget(binding, NULL, &all[i]);
	return rc;
}

/* The same where there is no way back. */
static void forget_for_good(const struct core_binding *binding)
{
	int rc = forget_tables(binding);

	if (rc)
		core_log(binding->dom->core, UIOMMU_LOG_ERROR,
			 "a guest's table is gone, which is not confirmed (%d)",
			 rc);
}

/* --------------------------------------------------------------- changes -- */

/* All in this section: bind_lock exclusively, so that no group comes. */

/* For each group of the domain, with its lock held; the first error ends it. */
static int for_groups(struct uiommu_domain *dom, struct core_binding *binding,
		      int (*fn)(struct uiommu_group *group,
				struct core_binding *binding))
{
	struct uiommu_group *group = NULL;
	int rc = 0;

	while ((group = core_next_group(dom->core, group))) {
		if (rc)
			continue;
		pthread_mutex_lock(&group->lock);
		if (group->domain == dom)
			rc = fn(group, binding);
		pthread_mutex_unlock(&group->lock);
	}
	return rc;
}

static int prepare_group(struct uiommu_group *group,
			 struct core_binding *binding)
{
	if (group->pasids.nr) {
		core_log(group->core, UIOMMU_LOG_WARN,
			 "group %u: no guest's table beside PASIDs", group->id);
		return -EBUSY;
	}
	binding->nr_groups++;
	return reach(binding, group);
}

static int move_group(struct uiommu_group *group, struct core_binding *binding)
{
	return group->pasids.nr ? -EBUSY : core_group_rebind(group, binding);
}

/* One that has what it is to have is left alone. */
static int force_group(struct uiommu_group *group, struct core_binding *binding)
{
	if (group->binding != binding)
		core_group_force_binding(group, binding);
	return 0;
}

/* Its PASIDs, and what is asked for with them, are nobody's. */
static int unbind_group(struct uiommu_group *group,
			struct core_binding *binding)
{
	core_group_force_binding(group, NULL);
	core_iopf_drop(group);
	return 0;
}

/* For all units of the domain's groups; there may be none yet. */
static int make(struct uiommu_domain *dom,
		const struct uiommu_pasid_table *table,
		struct core_binding **out)
{
	struct core_binding *binding = core_alloc(dom->core, sizeof(*binding));
	int rc;

	if (!binding)
		return -ENOMEM;
	binding->dom = dom;
	binding->table = *table;
	rc = for_groups(dom, binding, prepare_group);
	/* Those who are not groups are PASIDs, which would have no guest. */
	if (!rc && load_acquire(&dom->attached) > binding->nr_groups)
		rc = -EBUSY;
	if (rc)
		binding_free(binding);
	else
		*out = binding;
	return rc;
}

/* The domain is for the table, and for nothing else (viommu.c). */
static int claim(struct uiommu_domain *dom)
{
	int rc = 0;

	pthread_mutex_lock(&dom->lock);
	if (load_acquire(&dom->children))
		rc = -EBUSY;
	else
		store_release(&dom->bound, 1);
	pthread_mutex_unlock(&dom->lock);
	return rc;
}

static void disclaim(struct uiommu_domain *dom)
{
	pthread_mutex_lock(&dom->lock);
	store_release(&dom->bound, 0);
	pthread_mutex_unlock(&dom->lock);
}

/* What a call does to one of its domains. */
struct change {
	struct uiommu_domain *dom;
	struct core_binding *binding; /* NULL: not made yet */
	bool claimed;
	bool moved; /* or tried to */
};

/* All that can fail without a device being touched. */
static int prepare(struct change *c, const struct uiommu_pasid_table *table)
{
	int rc;

	/* The rest is for units to say, which may come later. */
	if (!core_domain_takes_guests(c->dom, c->dom->cunit) ||
	    (unsigned int)table->state > UIOMMU_GUEST_ABORT)
		return -EINVAL;
	/* What was made under it would stay for ever. */
	if (load_acquire(&c->dom->dead))
		return -EIO;
	rc = claim(c->dom);
	c->claimed = !rc;
	return rc ? rc : make(c->dom, table, &c->binding);
}

static int move(struct change *c)
{
	int rc;

	c->moved = true;
	rc = for_groups(c->dom, c->binding, move_group);
	return rc ? rc : forget_tables(c->binding);
}

/* Back to what was there, as far as it came. */
static void undo(struct change *c)
{
	struct core_binding *old = c->dom->binding;

	if (c->moved) {
		(void)for_groups(c->dom, old, force_group);
		/* Who was there for a moment has left something too. */
		forget_for_good(old ? old : c->binding);
	}
	if (c->binding)
		binding_free(c->binding);
	if (c->claimed && !old)
		disclaim(c->dom);
}

static void publish(struct change *c)
{
	struct core_binding *old = c->dom->binding;

	c->dom->binding = c->binding;
	if (old)
		binding_free(old);
}

/* In the order of the locks: `c` is ascending by address. */
static int bind_all(struct change *c, unsigned int nr,
		    const struct uiommu_pasid_table *table)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < nr; i++)
		pthread_rwlock_wrlock(&c[i].dom->bind_lock);
	for (i = 0; i < nr && !rc; i++)
		rc = prepare(&c[i], table);
	for (i = 0; i < nr && !rc; i++)
		rc = move(&c[i]);
	for (i = 0; i < nr; i++) {
		if (rc)
			undo(&c[i]);
		else
			publish(&c[i]);
	}
	while (nr--)
		pthread_rwlock_unlock(&c[nr].dom->bind_lock);
	return rc;
}

static const char *state_name(enum uiommu_guest_state state)
{
	switch (state) {
	case UIOMMU_GUEST_TRANSLATE:
		return "translate";
	case UIOMMU_GUEST_BYPASS:
		return "bypass";
	case UIOMMU_GUEST_ABORT:
		return "abort";
	}
	return "?";
}

static int bind_told(struct change *c, unsigned int nr,
		     const struct uiommu_pasid_table *table)
{
	return core_told(c->dom->core, bind_all(c, nr, table),
			 "a guest's table of %u PASID bits at %#llx, to %s",
			 table->pasid_bits, (unsigned long long)table->base,
			 state_name(table->state));
}

int uiommu_bind_pasid_table(struct uiommu_domain *domain,
			    const struct uiommu_pasid_table *table)
{
	struct change one = { .dom = domain };

	return bind_told(&one, 1, table);
}

int uiommu_bind_pasid_tables(struct uiommu_domain *const *domains,
			     unsigned int nr,
			     const struct uiommu_pasid_table *table)
{
	struct uiommu_core *core;
	struct change *c;
	unsigned int i, at;
	int rc;

	if (!nr)
		return -EINVAL;
	core = domains[0]->core;
	c = core_alloc(core, nr * sizeof(*c));
	if (!c)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		for (at = i; at && c[at - 1].dom > domains[i]; at--)
			c[at] = c[at - 1];
		c[at] = (struct change){ .dom = domains[i] };
	}
	rc = bind_told(c, nr, table);
	core_free(core, c);
	return rc;
}

/* bind_lock exclusively. */
static void unbind(struct uiommu_domain *dom)
{
	struct core_binding *old = dom->binding;

	(void)for_groups(dom, NULL, unbind_group);
	dom->binding = NULL;
	forget_for_good(old);
	binding_free(old);
	disclaim(dom);
}

void uiommu_unbind_pasid_table(struct uiommu_domain *domain)
{
	pthread_rwlock_wrlock(&domain->bind_lock);
	if (domain->binding)
		unbind(domain);
	pthread_rwlock_unlock(&domain->bind_lock);
}

void core_binding_close(struct uiommu_domain *dom)
{
	if (dom->binding)
		binding_free(dom->binding);
}

/* ---------------------------------------------------------- invalidation -- */

static bool has_device(const struct uiommu_domain *dom,
		       struct uiommu_device *dev)
{
	bool has;

	pthread_mutex_lock(&dev->group->lock);
	has = dev->group->domain == dom;
	pthread_mutex_unlock(&dev->group->lock);
	return has;
}

int uiommu_cache_invalidate(struct uiommu_domain *domain,
			    struct uiommu_device *dev,
			    const struct uiommu_cache_info *info)
{
	int rc = -EINVAL;

	pthread_rwlock_rdlock(&domain->bind_lock);
	if (domain->binding && (!dev || has_device(domain, dev)))
		rc = forget(domain->binding,
			    info->type == UIOMMU_CACHE_TLB ? NULL : dev, info);
	pthread_rwlock_unlock(&domain->bind_lock);
	return core_told(domain->core, rc,
			 "invalidation of type %u, granularity %u", info->type,
			 info->granularity);
}
