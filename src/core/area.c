/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * area.c - one area's memory in the domains of its IOAS.
 *
 * Filling pins the area's part of its pages and maps the runs into every
 * domain, under the pages' lock, because runs may be cut up by another area
 * that shares them.  Emptying goes by IOVA alone: unmap, flush, and only after
 * the flush of every domain unpin.
 *
 * Leaves never reach beyond one area when they are made, because every map
 * call stays inside one; only a cut leaves a leaf across two areas.  So
 * unmapping whole areas that were never cut, or all pieces of a cut one, never
 * splits a leaf and so never fails for want of memory.
 */
#include "core_private.h"

struct core_area *core_area_create(struct uiommu_ioas *ioas,
				   struct core_pages *pages, uint64_t offset,
				   uint64_t len, uint32_t prot)
{
	struct core_area *area = core_alloc(ioas->core, sizeof(*area));

	if (!area)
		return NULL;
	list_init(&area->batch);
	area->pages = pages;
	area->offset = offset;
	area->prot = prot;
	area->state = CORE_AREA_BUILDING;
	/* Becomes the range when the place is known. */
	area->node.first = 0;
	area->node.last = len - 1;
	return area;
}

void core_area_free(struct uiommu_ioas *ioas, struct core_area *area)
{
	core_pages_put(area->pages);
	core_free(ioas->core, area);
}

int core_area_pin(struct core_area *area)
{
	int rc;

	pthread_mutex_lock(&area->pages->lock);
	rc = core_pages_pin(area->pages, area->offset,
			    area->offset + core_area_len(area) - 1);
	pthread_mutex_unlock(&area->pages->lock);
	area->pinned = !rc;
	return rc;
}

void core_area_unpin(struct core_area *area)
{
	pthread_mutex_lock(&area->pages->lock);
	core_pages_unpin(area->pages, area->offset,
			 area->offset + core_area_len(area) - 1);
	pthread_mutex_unlock(&area->pages->lock);
	area->pinned = false;
}

void core_area_abandon(struct core_area *area, bool needed)
{
	core_pages_abandon(area->pages);
	area->pinned = needed;
	if (!needed)
		return;
	pthread_mutex_lock(&area->pages->lock);
	/* The segments are there, with these borders: it only counts. */
	core_pages_pin(area->pages, area->offset,
		       area->offset + core_area_len(area) - 1);
	pthread_mutex_unlock(&area->pages->lock);
}

static void unmap_part(struct uiommu_domain *dom, uint64_t first, uint64_t end)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	if (first == end)
		return;
	uiommu_gather_init(&gather);
	core_domain_unmap(dom, first, end - first, &gather, &unmapped);
	core_domain_flush(dom, &gather);
}

/* Registers are no instructions. */
static uint32_t run_prot(const struct core_area *area,
			 const struct uiommu_run *run)
{
	if (run->mmio)
		return (area->prot & ~UIOMMU_PROT_EXEC) | UIOMMU_PROT_MMIO;
	return area->prot | UIOMMU_PROT_CACHE;
}

int core_area_map(struct uiommu_ioas *ioas, struct core_area *area,
		  struct uiommu_domain *dom)
{
	uint64_t step = ioas->huge_pages ? 0 : core_domain_granule(dom);
	uint64_t at = area->node.first;
	struct core_run_iter it;
	struct uiommu_run run;
	int rc = 0;

	pthread_mutex_lock(&area->pages->lock);
	core_runs_begin(&it, area->pages, area->offset,
			area->offset + core_area_len(area) - 1);
	while (!load_acquire(&area->pages->revoked) &&
	       core_runs_next(&it, &run)) {
		rc = core_domain_map(dom, at, run.pa, run.len,
				     run_prot(area, &run), step);
		if (rc) {
			unmap_part(dom, area->node.first, at);
			break;
		}
		at += run.len;
	}
	pthread_mutex_unlock(&area->pages->lock);
	core_domain_count_tables(dom);
	return rc;
}

int core_area_fill(struct uiommu_ioas *ioas, struct core_area *area)
{
	struct uiommu_domain *dom, *failed;
	struct list batch;
	bool keep = false;
	int rc;

	if (!ioas->nr_domains)
		return 0;
	rc = core_area_pin(area);
	if (rc)
		return rc;
	list_for_each(dom, &ioas->domains, ioas_node) {
		rc = core_area_map(ioas, area, dom);
		if (rc) {
			failed = dom;
			goto err_unmap;
		}
	}
	return 0;

err_unmap:
	list_init(&batch);
	list_del(&area->batch);
	list_add_tail(&batch, &area->batch);
	/* If one cannot be flushed, the memory has to stay pinned. */
	list_for_each(dom, &ioas->domains, ioas_node) {
		keep |= dom != failed && core_areas_unmap(ioas, &batch, dom);
		keep |= load_acquire(&dom->dead);
		if (dom == failed)
			break;
	}
	list_del(&area->batch);
	if (keep)
		core_area_abandon(area, false);
	else
		core_area_unpin(area);
	return rc;
}

static struct core_area *batch_next(struct list *batch, struct core_area *area)
{
	return area->batch.next == batch
		       ? NULL
		       : list_entry(area->batch.next, struct core_area, batch);
}

/* Map again what was unmapped before `stop`; the memory is still pinned. */
static void remap(struct uiommu_ioas *ioas, struct list *batch,
		  struct uiommu_domain *dom, struct core_area *stop)
{
	struct core_area *area;

	list_for_each(area, batch, batch) {
		if (area == stop)
			return;
		if (core_area_map(ioas, area, dom))
			core_log(ioas->core, UIOMMU_LOG_ERROR,
				 "no memory to restore iova %#llx",
				 (unsigned long long)area->node.first);
	}
}

int core_areas_unmap(struct uiommu_ioas *ioas, struct list *batch,
		     struct uiommu_domain *dom)
{
	struct core_area *area, *head, *next;
	struct uiommu_gather gather;
	uint64_t last, unmapped;
	int rc = 0, flushed;

	uiommu_gather_init(&gather);
	head = list_first(batch, struct core_area, batch);
	while (head && !rc) {
		/* Neighbours go in one call. */
		area = head;
		last = area->node.last;
		while ((next = batch_next(batch, area)) &&
		       next->node.first == last + 1) {
			last = next->node.last;
			area = next;
		}
		rc = core_domain_unmap(dom, head->node.first,
				       last - head->node.first + 1, &gather,
				       &unmapped);
		if (!rc)
			head = next;
	}
	flushed = core_domain_flush(dom, &gather);
	core_domain_count_tables(dom);
	if (!rc)
		return flushed;
	if (rc == -ENOMEM && !flushed) {
		remap(ioas, batch, dom, head);
		return rc;
	}
	/* Out of step with the tables: nothing may be reused. */
	store_release(&dom->dead, 1);
	return -EIO;
}

int core_areas_unfill(struct uiommu_ioas *ioas, struct list *batch)
{
	struct uiommu_domain *dom, *failed;
	struct core_area *area;
	bool keep = false;
	int rc;

	list_for_each(dom, &ioas->domains, ioas_node) {
		rc = core_areas_unmap(ioas, batch, dom);
		if (rc == -ENOMEM) {
			failed = dom;
			goto err_remap;
		}
		if (rc)
			keep = true;
	}
	list_for_each(area, batch, batch) {
		if (!area->pinned)
			continue;
		if (keep)
			core_area_abandon(area, false);
		else
			core_area_unpin(area);
	}
	return 0;

err_remap:
	list_for_each(dom, &ioas->domains, ioas_node) {
		if (dom == failed)
			break;
		remap(ioas, batch, dom, NULL);
	}
	return rc;
}
