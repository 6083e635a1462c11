/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unmap.c - ending areas, and cutting them.
 *
 * Unmapping first marks, in one short exclusive section, all areas that go as
 * DYING; then unmaps, flushes and unpins them all together outside; then takes
 * them out of the tree, and only with that their IOVA is free again.  The walk
 * ends at the first area that may not go; those before it still go, as in
 * Linux.
 *
 * Accesses keep the areas whose pages they have pinned.  The walk ends there too,
 * but then they are asked to let go and it is taken up again.  An area that has
 * been asked for cannot be pinned any more.
 */
#include <inttypes.h>

#include "core_private.h"

/* So often is an access asked for one area. */
#define ASK_TRIES 100

/*
 * IOAS lock exclusively.  What ends the walk early is returned: -EAGAIN for an
 * area that accesses keep, whose range is *kept.
 */
static int pick(struct uiommu_ioas *ioas, uint64_t first, uint64_t last,
		struct list *batch, struct uiommu_range *kept)
{
	struct core_area *area;

	area = core_area_of(itree_overlap(&ioas->areas, first, last));
	while (area && area->node.first <= last) {
		if (load_acquire(&area->state) != CORE_AREA_READY)
			return -EBUSY;
		if (load_relaxed(&area->locks))
			return -EBUSY;
		if (area->node.first < first || area->node.last > last)
			return -ENOENT;
		/* They rise under this lock, and fall after the last use. */
		if (load_acquire(&area->accesses)) {
			area->no_access = true;
			kept->first = area->node.first;
			kept->last = area->node.last;
			return -EAGAIN;
		}
		store_relaxed(&area->state, CORE_AREA_DYING);
		list_add_tail(batch, &area->batch);
		area = core_area_of(itree_next(&area->node));
	}
	return 0;
}

/* The flush is done: give the IOVA back; returns the bytes. */
static uint64_t finish(struct uiommu_ioas *ioas, struct list *batch)
{
	struct uiommu_core_stats *stats = &ioas->core->stats;
	struct core_area *area, *tmp;
	uint64_t bytes = 0;
	int64_t nr = 0;

	pthread_rwlock_wrlock(&ioas->lock);
	list_for_each(area, batch, batch)
		itree_erase(&ioas->areas, &area->node);
	pthread_rwlock_unlock(&ioas->lock);
	list_for_each_safe(area, tmp, batch, batch) {
		list_del(&area->batch);
		bytes += core_area_len(area);
		nr++;
		core_area_free(ioas, area);
	}
	core_count(&stats->unmap_bytes, bytes);
	core_gauge(&stats->areas, &stats->areas_peak, -nr);
	return bytes;
}

/* Up to the first area that may not go; -EAGAIN as pick(). */
static int unmap_free(struct uiommu_ioas *ioas, uint64_t first, uint64_t last,
		      struct uiommu_range *kept, uint64_t *unmapped)
{
	struct core_area *area, *tmp;
	struct list batch;
	int rc, failed;

	list_init(&batch);
	pthread_rwlock_rdlock(&ioas->domains_lock);
	pthread_rwlock_wrlock(&ioas->lock);
	rc = pick(ioas, first, last, &batch, kept);
	pthread_rwlock_unlock(&ioas->lock);

	failed = core_areas_unfill(ioas, &batch);
	if (failed) {
		rc = failed;
		list_for_each_safe(area, tmp, &batch, batch) {
			list_del(&area->batch);
			store_release(&area->state, CORE_AREA_READY);
		}
	}
	if (!list_empty(&batch)) {
		core_count(&ioas->core->stats.unmaps, 1);
		*unmapped += finish(ioas, &batch);
	}
	pthread_rwlock_unlock(&ioas->domains_lock);
	return rc;
}

static int unmap_range(struct uiommu_ioas *ioas, uint64_t first, uint64_t last,
		       uint64_t *unmapped)
{
	struct uiommu_range kept = { 0 };
	unsigned int tries = 0;
	int rc;

	*unmapped = 0;
	for (;;) {
		rc = unmap_free(ioas, first, last, &kept, unmapped);
		if (rc != -EAGAIN)
			return rc;
		if (kept.first != first)
			tries = 0;
		/* What comes before it has gone, and may be in use again. */
		first = kept.first;
		core_accesses_ask(ioas, first, kept.last - first + 1);
		if (++tries > ASK_TRIES)
			return -EDEADLK;
	}
}

int uiommu_ioas_unmap(struct uiommu_ioas *ioas, uiommu_iova_t iova,
		      uint64_t len, uint64_t *unmapped)
{
	uint64_t last;
	int rc;

	*unmapped = 0;
	if (!len)
		rc = -EINVAL;
	else if (last_overflows(iova, len, &last))
		rc = -EOVERFLOW;
	else
		rc = unmap_range(ioas, iova, last, unmapped);
	if (!rc && !*unmapped)
		rc = -ENOENT;
	return core_told(ioas->core, rc,
			 "unmap of IOVA 0x%" PRIx64 ", 0x%" PRIx64 " bytes",
			 iova, len);
}

int uiommu_ioas_unmap_all(struct uiommu_ioas *ioas, uint64_t *unmapped)
{
	return unmap_range(ioas, 0, UINT64_MAX, unmapped);
}

/* Both locks exclusively. */
static int cut(struct uiommu_ioas *ioas, struct core_area *area,
	       uiommu_iova_t iova)
{
	uint64_t keep = iova - area->node.first;
	struct core_area *right;
	int rc = 0;

	if (area->no_access)
		return -EBUSY;
	if (area->pages->mm.kind == UIOMMU_MM_REVOCABLE)
		return -EOPNOTSUPP;
	if (iova & (ioas->alignment - 1))
		return -EINVAL;
	/* Nobody would know any more which half is pinned how often. */
	if (load_relaxed(&area->accesses))
		return -EINVAL;
	right = core_area_create(ioas, area->pages, area->offset + keep,
				 area->node.last - iova + 1, area->prot);
	if (!right)
		return -ENOMEM;
	core_pages_get(right->pages);
	if (area->pinned) {
		pthread_mutex_lock(&area->pages->lock);
		rc = core_pages_cut(area->pages, area->offset + keep);
		pthread_mutex_unlock(&area->pages->lock);
	}
	if (rc) {
		core_area_free(ioas, right);
		return rc;
	}
	right->pinned = area->pinned;
	right->state = CORE_AREA_READY;
	right->node.first = iova;
	right->node.last = area->node.last;
	itree_split(&ioas->areas, &area->node, &right->node);
	core_gauge(&ioas->core->stats.areas, &ioas->core->stats.areas_peak, 1);
	return 0;
}

int uiommu_ioas_cut(struct uiommu_ioas *ioas, uiommu_iova_t iova)
{
	struct core_area *area;
	int rc = 0;

	pthread_rwlock_wrlock(&ioas->domains_lock);
	pthread_rwlock_wrlock(&ioas->lock);
	area = core_area_of(itree_overlap(&ioas->areas, iova, iova));
	if (area && area->node.first != iova)
		rc = cut(ioas, area, iova);
	else if (iova & (ioas->alignment - 1))
		rc = -EINVAL;
	pthread_rwlock_unlock(&ioas->lock);
	pthread_rwlock_unlock(&ioas->domains_lock);
	return core_told(ioas->core, rc, "cut at IOVA 0x%" PRIx64, iova);
}
