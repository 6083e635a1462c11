/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resv.c - what an IOAS must keep free, and where its user wants to be.
 *
 * Reserved ranges come from devices and from the apertures of domains.  They
 * may overlap one another; the same range stated twice is one entry with a
 * count, so a thousand alike devices cost one entry.  Allowed ranges are the
 * user's own wish: they steer the automatic choice of IOVA and refuse
 * reservations that would take them away.
 */
#include <stdlib.h>

#include "core_private.h"

bool core_is_reserved(const struct uiommu_ioas *ioas, uint64_t first,
		      uint64_t last)
{
	const struct core_resv *it;

	list_for_each(it, &ioas->reserved, node)
		if (it->range.first <= last && first <= it->range.last)
			return true;
	return false;
}

bool core_next_reserved(const struct uiommu_ioas *ioas, uint64_t at,
			struct uiommu_range *range)
{
	const struct core_resv *it;
	bool found = false;

	list_for_each(it, &ioas->reserved, node) {
		if (it->range.last < at)
			continue;
		if (!found || it->range.first < range->first)
			*range = it->range;
		found = true;
	}
	return found;
}

static bool hits_allowed(const struct uiommu_ioas *ioas, uint64_t first,
			 uint64_t last)
{
	for (unsigned int i = 0; i < ioas->nr_allowed; i++)
		if (ioas->allowed[i].first <= last &&
		    first <= ioas->allowed[i].last)
			return true;
	return false;
}

static struct core_resv *find_resv(const struct uiommu_ioas *ioas,
				   uint64_t first, uint64_t last)
{
	struct core_resv *it;

	list_for_each(it, &ioas->reserved, node)
		if (it->range.first == first && it->range.last == last)
			return it;
	return NULL;
}

int core_reserve(struct uiommu_ioas *ioas, uint64_t first, uint64_t last)
{
	struct core_resv *resv;

	if (itree_overlap(&ioas->areas, first, last) ||
	    hits_allowed(ioas, first, last))
		return -EADDRINUSE;
	resv = find_resv(ioas, first, last);
	if (!resv) {
		resv = core_alloc(ioas->core, sizeof(*resv));
		if (!resv)
			return -ENOMEM;
		resv->range = (struct uiommu_range){ first, last };
		list_add_tail(&ioas->reserved, &resv->node);
	}
	resv->refs++;
	return 0;
}

void core_unreserve(struct uiommu_ioas *ioas, uint64_t first, uint64_t last)
{
	struct core_resv *resv = find_resv(ioas, first, last);

	UIOMMU_ASSERT(resv);
	if (--resv->refs)
		return;
	list_del(&resv->node);
	core_free(ioas->core, resv);
}

/* The first `nr` regions of the device that count, taken back. */
static void unreserve_regions(struct uiommu_ioas *ioas,
			      const struct uiommu_device *dev, unsigned int nr)
{
	while (nr--) {
		const struct uiommu_resv_region *r = &dev->resv[nr];

		if (r->type != UIOMMU_RESV_DIRECT_RELAXABLE)
			core_unreserve(ioas, r->range.first, r->range.last);
	}
}

/* Interrupts go by the hardware's window or by one of software's, not both. */
static bool msi_regions_clash(const struct uiommu_device *dev)
{
	unsigned int sw = 0, hw = 0;

	for (unsigned int i = 0; i < dev->nr_resv; i++) {
		sw += dev->resv[i].type == UIOMMU_RESV_SW_MSI;
		hw += dev->resv[i].type == UIOMMU_RESV_MSI;
	}
	return sw > 1 || (sw && hw);
}

int uiommu_ioas_reserve_device(struct uiommu_ioas *ioas,
			       struct uiommu_device *dev)
{
	unsigned int i;
	int rc = 0;

	if (msi_regions_clash(dev))
		return -EINVAL;
	pthread_rwlock_wrlock(&ioas->lock);
	for (i = 0; i < dev->nr_resv; i++) {
		const struct uiommu_resv_region *r = &dev->resv[i];

		if (r->type == UIOMMU_RESV_DIRECT_RELAXABLE)
			continue;
		rc = core_reserve(ioas, r->range.first, r->range.last);
		if (rc)
			break;
	}
	if (rc)
		unreserve_regions(ioas, dev, i);
	pthread_rwlock_unlock(&ioas->lock);
	return rc;
}

void uiommu_ioas_unreserve_device(struct uiommu_ioas *ioas,
				  struct uiommu_device *dev)
{
	pthread_rwlock_wrlock(&ioas->lock);
	unreserve_regions(ioas, dev, dev->nr_resv);
	pthread_rwlock_unlock(&ioas->lock);
}

int uiommu_ioas_reserve(struct uiommu_ioas *ioas, uint64_t first, uint64_t last)
{
	int rc;

	if (first > last)
		return -EINVAL;
	pthread_rwlock_wrlock(&ioas->lock);
	rc = core_reserve(ioas, first, last);
	pthread_rwlock_unlock(&ioas->lock);
	return rc;
}

static int by_first(const void *a, const void *b)
{
	const struct uiommu_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

int uiommu_ioas_allow_iovas(struct uiommu_ioas *ioas,
			    const struct uiommu_range *ranges, unsigned int nr)
{
	struct uiommu_range *sorted = NULL, *old;
	int rc = -EINVAL;

	for (unsigned int i = 0; i < nr; i++)
		if (ranges[i].first >= ranges[i].last)
			return -EINVAL;
	if (nr) {
		sorted = core_alloc(ioas->core, nr * sizeof(*sorted));
		if (!sorted)
			return -ENOMEM;
		memcpy(sorted, ranges, nr * sizeof(*sorted));
		qsort(sorted, nr, sizeof(*sorted), by_first);
	}
	for (unsigned int i = 1; i < nr; i++)
		if (sorted[i].first <= sorted[i - 1].last)
			goto err_free;

	pthread_rwlock_wrlock(&ioas->lock);
	rc = -EADDRINUSE;
	for (unsigned int i = 0; i < nr; i++)
		if (core_is_reserved(ioas, sorted[i].first, sorted[i].last))
			goto err_unlock;
	old = ioas->allowed;
	ioas->allowed = sorted;
	ioas->nr_allowed = nr;
	pthread_rwlock_unlock(&ioas->lock);
	core_free(ioas->core, old);
	return 0;

err_unlock:
	pthread_rwlock_unlock(&ioas->lock);
err_free:
	core_free(ioas->core, sorted);
	return rc;
}
