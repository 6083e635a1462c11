/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirty.c - which pages of a domain devices have written to.
 *
 * The hardware keeps track from the first attach of a domain that was made for
 * it; so "on" only means that what it knew before has been forgotten.
 */
#include "core_private.h"

static void forget(void *ctx, uiommu_iova_t iova, uint64_t size)
{
}

static int read_hw(struct uiommu_domain *dom, uiommu_iova_t iova, uint64_t len,
		   uint32_t flags, uiommu_dirty_fn *fn, void *ctx)
{
	return dom->cunit->unit->ops->read_dirty(dom->hw, iova, len, flags, fn,
						 ctx);
}

/* Can it at all? */
static bool keeps_track(const struct uiommu_domain *dom)
{
	return dom->hw->pt && (dom->cfg.flags & UIOMMU_DOM_DIRTY) &&
	       dom->cunit->unit->ops->read_dirty;
}

static int refuse(const struct uiommu_domain *dom, int rc)
{
	return core_told(dom->core, rc, "dirty tracking of a domain");
}

int uiommu_domain_set_dirty_tracking(struct uiommu_domain *domain, bool enable)
{
	const struct uiommu_range *all = &domain->info.aperture;
	int rc = 0;

	if (!keeps_track(domain))
		return refuse(domain, -EOPNOTSUPP);
	pthread_mutex_lock(&domain->lock);
	if (enable)
		rc = read_hw(domain, all->first, all->last - all->first + 1, 0,
			     forget, NULL);
	if (!rc)
		domain->dirty_tracking = enable;
	pthread_mutex_unlock(&domain->lock);
	return rc;
}

bool uiommu_domain_dirty_tracking(struct uiommu_domain *domain)
{
	bool on;

	pthread_mutex_lock(&domain->lock);
	on = domain->dirty_tracking;
	pthread_mutex_unlock(&domain->lock);
	return on;
}

int uiommu_domain_read_dirty(struct uiommu_domain *domain, uiommu_iova_t iova,
			     uint64_t len, uint32_t flags, uiommu_dirty_fn *fn,
			     void *ctx)
{
	int rc = -EINVAL;

	if (!keeps_track(domain))
		return refuse(domain, -EOPNOTSUPP);
	/* Not while it is being turned on: both clear. */
	pthread_mutex_lock(&domain->lock);
	if (domain->dirty_tracking)
		rc = read_hw(domain, iova, len, flags, fn, ctx);
	pthread_mutex_unlock(&domain->lock);
	return refuse(domain, rc);
}
