/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach.c - the domains of an IOAS, and the alignment that they and others ask
 * for.
 *
 * All domains of an IOAS map the same.  One that joins brings its limits: the
 * addresses outside its aperture become reserved, its smallest leaf the
 * alignment.  The first to join makes the areas' memory be pinned, the last to
 * leave releases it.  All this is done with domains_lock held exclusively:
 * every area is READY and nobody maps or unmaps.
 */
#include "core_private.h"

/* What alignment all domains and accesses, and `extra` if not NULL, ask for. */
static uint64_t alignment_of(const struct uiommu_ioas *ioas,
			     const struct uiommu_domain *extra, bool huge_pages)
{
	bool pages = !huge_pages || ioas->nr_page_users;
	uint64_t align = pages ? ioas->core->page_size : 1;
	const struct uiommu_domain *dom;

	list_for_each(dom, &ioas->domains, ioas_node)
		align = max_u64(align, core_domain_granule(dom));
	if (extra)
		align = max_u64(align, core_domain_granule(extra));
	return align;
}

static bool areas_aligned(const struct uiommu_ioas *ioas, uint64_t align)
{
	struct itree_node *n;

	if (align <= ioas->alignment)
		return true;
	for (n = itree_find(&ioas->areas, 0); n; n = itree_next(n)) {
		const struct core_area *area = core_area_of(n);

		if ((n->first | core_area_len(area) |
		     core_area_page_offset(area)) &
		    (align - 1))
			return false;
	}
	return true;
}

/* The addresses that the domain cannot translate; IOAS lock exclusively. */
static int reserve_outside(struct uiommu_ioas *ioas,
			   const struct uiommu_range *aperture)
{
	int rc = 0;

	if (aperture->first)
		rc = core_reserve(ioas, 0, aperture->first - 1);
	if (rc || aperture->last == UINT64_MAX)
		return rc;
	rc = core_reserve(ioas, aperture->last + 1, UINT64_MAX);
	if (rc && aperture->first)
		core_unreserve(ioas, 0, aperture->first - 1);
	return rc;
}

static void unreserve_outside(struct uiommu_ioas *ioas,
			      const struct uiommu_range *aperture)
{
	if (aperture->first)
		core_unreserve(ioas, 0, aperture->first - 1);
	if (aperture->last != UINT64_MAX)
		core_unreserve(ioas, aperture->last + 1, UINT64_MAX);
}

/* All areas before `stop` in order. */
static void batch_areas(struct uiommu_ioas *ioas, struct list *batch,
			const struct core_area *stop)
{
	struct itree_node *n;

	list_init(batch);
	for (n = itree_find(&ioas->areas, 0); n; n = itree_next(n)) {
		struct core_area *area = core_area_of(n);

		if (area == stop)
			return;
		list_add_tail(batch, &area->batch);
	}
}

static void unbatch(struct list *batch)
{
	while (!list_empty(batch))
		list_del(batch->next);
}

/*
 * Unmap all areas before `stop` from `dom`; if it was the only domain, unpin
 * them after that.
 */
static void empty_domain(struct uiommu_ioas *ioas, struct uiommu_domain *dom,
			 const struct core_area *stop, bool only)
{
	struct core_area *area;
	struct list batch;
	int rc;

	batch_areas(ioas, &batch, stop);
	rc = core_areas_unmap(ioas, &batch, dom);
	list_for_each(area, &batch, batch) {
		if (rc)
			core_area_abandon(area, !only);
		else if (only)
			core_area_unpin(area);
	}
	unbatch(&batch);
}

/* Map every area; the first domain has them pinned. */
static int fill_domain(struct uiommu_ioas *ioas, struct uiommu_domain *dom)
{
	bool only = !ioas->nr_domains;
	struct core_area *area;
	int rc;

	for (struct itree_node *n = itree_find(&ioas->areas, 0); n;
	     n = itree_next(n)) {
		area = core_area_of(n);
		rc = only ? core_area_pin(area) : 0;
		if (rc)
			goto err_empty;
		rc = core_area_map(ioas, area, dom);
		if (rc)
			goto err_unpin;
	}
	return 0;

err_unpin:
	if (load_acquire(&dom->dead))
		core_area_abandon(area, !only);
	else if (only)
		core_area_unpin(area);
err_empty:
	empty_domain(ioas, dom, area, only);
	return rc;
}

int uiommu_ioas_add_domain(struct uiommu_ioas *ioas,
			   struct uiommu_domain *domain)
{
	uint64_t align;
	int rc;

	pthread_rwlock_wrlock(&ioas->domains_lock);
	pthread_rwlock_wrlock(&ioas->lock);
	rc = -EEXIST;
	if (domain->ioas)
		goto err_unlock;
	rc = -EINVAL;
	if (!domain->hw->pt || domain->sva)
		goto err_unlock;
	align = alignment_of(ioas, domain, ioas->huge_pages);
	if (align > ioas->core->page_size)
		goto err_unlock;
	rc = -EADDRINUSE;
	if (!areas_aligned(ioas, align))
		goto err_unlock;
	rc = reserve_outside(ioas, &domain->info.aperture);
	if (rc)
		goto err_unlock;
	rc = fill_domain(ioas, domain);
	if (rc)
		goto err_unreserve;
	ioas->alignment = align;
	domain->ioas = ioas;
	list_add_tail(&ioas->domains, &domain->ioas_node);
	ioas->nr_domains++;
	pthread_rwlock_unlock(&ioas->lock);
	pthread_rwlock_unlock(&ioas->domains_lock);
	return 0;

err_unreserve:
	unreserve_outside(ioas, &domain->info.aperture);
err_unlock:
	pthread_rwlock_unlock(&ioas->lock);
	pthread_rwlock_unlock(&ioas->domains_lock);
	return rc;
}

void uiommu_ioas_remove_domain(struct uiommu_ioas *ioas,
			       struct uiommu_domain *domain)
{
	pthread_rwlock_wrlock(&ioas->domains_lock);
	pthread_rwlock_wrlock(&ioas->lock);
	UIOMMU_ASSERT(domain->ioas == ioas);
	empty_domain(ioas, domain, NULL, ioas->nr_domains == 1);
	list_del(&domain->ioas_node);
	ioas->nr_domains--;
	domain->ioas = NULL;
	unreserve_outside(ioas, &domain->info.aperture);
	ioas->alignment = alignment_of(ioas, NULL, ioas->huge_pages);
	pthread_rwlock_unlock(&ioas->lock);
	pthread_rwlock_unlock(&ioas->domains_lock);
}

uint64_t uiommu_ioas_pgsizes(struct uiommu_ioas *ioas)
{
	const struct uiommu_domain *dom;
	uint64_t sizes = UINT64_MAX;

	pthread_rwlock_rdlock(&ioas->domains_lock);
	list_for_each(dom, &ioas->domains, ioas_node)
		sizes &= dom->info.pgsizes;
	pthread_rwlock_unlock(&ioas->domains_lock);
	return sizes;
}

int uiommu_ioas_set_huge_pages(struct uiommu_ioas *ioas, bool enable)
{
	uint64_t align;
	int rc = 0;

	pthread_rwlock_wrlock(&ioas->domains_lock);
	pthread_rwlock_wrlock(&ioas->lock);
	if (enable == ioas->huge_pages)
		goto out_unlock;
	align = alignment_of(ioas, NULL, enable);
	if (!enable && ioas->nr_domains && !itree_empty(&ioas->areas))
		rc = -EINVAL;
	else if (!areas_aligned(ioas, align))
		rc = -EADDRINUSE;
	if (rc)
		goto out_unlock;
	ioas->huge_pages = enable;
	ioas->alignment = align;
out_unlock:
	pthread_rwlock_unlock(&ioas->lock);
	pthread_rwlock_unlock(&ioas->domains_lock);
	return rc;
}

int core_need_pages(struct uiommu_ioas *ioas, bool need)
{
	if (need && !areas_aligned(ioas, ioas->core->page_size))
		return -EADDRINUSE;
	if (need)
		ioas->nr_page_users++;
	else
		ioas->nr_page_users--;
	ioas->alignment = alignment_of(ioas, NULL, ioas->huge_pages);
	return 0;
}

bool uiommu_ioas_huge_pages(struct uiommu_ioas *ioas)
{
	bool enabled;

	pthread_rwlock_rdlock(&ioas->lock);
	enabled = ioas->huge_pages;
	pthread_rwlock_unlock(&ioas->lock);
	return enabled;
}
