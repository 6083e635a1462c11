/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bind_private.h - what pasid_table.c (a guest's PASID table, bound to a domain),
 * group.c (which moves its devices) and others share.
 */
#ifndef CORE_BIND_PRIVATE_H
#define CORE_BIND_PRIVATE_H

#include "core_private.h"

/*
 * The group's devices are about to be attached to `dom`: what is bound to it is
 * there for their units.  bind_lock shared, group lock.  Errors of
 * uiommu_bind_pasid_table().
 */
int core_binding_reach(struct uiommu_domain *dom,
		       const struct uiommu_group *group);
/* The hardware's domain of a unit that it reaches. */
struct uiommu_hwdom *core_binding_hw(const struct core_binding *binding,
				     const struct core_unit *cunit);
/* Are accesses with PASIDs, if there are any, a guest's? */
static inline bool core_domain_has_guest(const struct uiommu_domain *dom)
{
	return dom->parent || load_acquire(&dom->bound);
}
/* The domain is freed; nothing is attached. */
void core_binding_close(struct uiommu_domain *dom);
/* For a dump; bind_lock shared. */
const struct uiommu_pasid_table *
core_binding_table(const struct core_binding *binding);

/*
 * Another binding of the group's domain (NULL: none), for all its devices or none;
 * or for all, those blocked for which the hardware refuses.  Group lock held.
 */
int core_group_rebind(struct uiommu_group *group, struct core_binding *binding);
void core_group_force_binding(struct uiommu_group *group,
			      struct core_binding *binding);

#endif /* CORE_BIND_PRIVATE_H */
