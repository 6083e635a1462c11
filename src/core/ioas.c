/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioas.c - IO address spaces: making areas.
 *
 * Map and copy build their areas first, unplaced; then, in one short exclusive
 * section, choose and check the place and put the areas there in state
 * BUILDING, which takes the IOVA; then pin and map outside that section; then
 * declare them READY.  Whoever meets a BUILDING area to unmap it gets -EBUSY:
 * a program that races a map with an unmap of the same range.
 * Ending areas is in unmap.c, domains in attach.c.
 */
#include <inttypes.h>

#include "core_private.h"

#define PROT_RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
/* Whether memory is cached follows from what it is. */
#define PROT_USER \
	(PROT_RW | UIOMMU_PROT_EXEC | UIOMMU_PROT_PRIV | UIOMMU_PROT_CACHE)

int uiommu_ioas_create(struct uiommu_core *core, struct uiommu_ioas **out)
{
	struct uiommu_ioas *ioas = core_alloc(core, sizeof(*ioas));
	int rc;

	if (!ioas)
		return -ENOMEM;
	ioas->core = core;
	ioas->alignment = 1;
	ioas->huge_pages = true;
	list_init(&ioas->domains);
	list_init(&ioas->accesses);
	list_init(&ioas->reserved);
	rc = core_rwlock_init(&ioas->domains_lock);
	if (rc)
		goto err_free;
	rc = core_rwlock_init(&ioas->lock);
	if (rc)
		goto err_lock;
	core_list(core, &core->ioases, &ioas->core_node);
	*out = ioas;
	return 0;

err_lock:
	pthread_rwlock_destroy(&ioas->domains_lock);
err_free:
	core_free(core, ioas);
	return rc;
}

void uiommu_ioas_destroy(struct uiommu_ioas *ioas)
{
	struct core_resv *resv, *tmp;
	uint64_t unmapped;

	if (!ioas)
		return;
	UIOMMU_ASSERT(!ioas->nr_domains && list_empty(&ioas->accesses));
	core_unlist(ioas->core, &ioas->core_node, &ioas->held);
	uiommu_ioas_unmap_all(ioas, &unmapped);
	UIOMMU_ASSERT(itree_empty(&ioas->areas));
	list_for_each_safe(resv, tmp, &ioas->reserved, node)
		core_free(ioas->core, resv);
	core_free(ioas->core, ioas->allowed);
	pthread_rwlock_destroy(&ioas->lock);
	pthread_rwlock_destroy(&ioas->domains_lock);
	core_free(ioas->core, ioas);
}

/* Free areas that are in no tree. */
static void free_batch(struct uiommu_ioas *ioas, struct list *batch)
{
	struct core_area *area, *tmp;

	list_for_each_safe(area, tmp, batch, batch) {
		list_del(&area->batch);
		core_area_free(ioas, area);
	}
}

/* May these areas stand at `iova`, one after the other? */
static int check_areas(const struct uiommu_ioas *ioas, struct list *batch,
		       uiommu_iova_t iova)
{
	uint64_t mask = ioas->alignment - 1;
	struct core_area *area;

	list_for_each(area, batch, batch) {
		if ((area->prot & UIOMMU_PROT_WRITE) &&
		    !(area->pages->pin_flags & UIOMMU_PIN_WRITE))
			return -EPERM;
		if ((core_area_page_offset(area) | iova) & mask)
			return -EINVAL;
		iova += core_area_len(area);
	}
	return 0;
}

/* Give the areas their place; IOAS lock held exclusively. */
static int place(struct uiommu_ioas *ioas, struct list *batch, uint64_t len,
		 uint32_t flags, uiommu_iova_t *iova)
{
	struct core_area *area = list_first(batch, struct core_area, batch);
	uint64_t at;
	int rc;

	if (!len || (len & (ioas->alignment - 1)))
		return -EINVAL;
	if (flags & UIOMMU_IOAS_FIXED_IOVA)
		rc = core_iova_check(ioas, *iova, len);
	else
		rc = core_iova_alloc(ioas, area->pages->base + area->offset,
				     len, iova);
	if (!rc)
		rc = check_areas(ioas, batch, *iova);
	if (rc)
		return rc;

	at = *iova;
	list_for_each(area, batch, batch) {
		area->node.first += at;
		area->node.last += at;
		at = area->node.last + 1;
		itree_insert(&ioas->areas, &area->node);
	}
	return 0;
}

/* Take placed areas, emptied, out again. */
static void unplace(struct uiommu_ioas *ioas, struct list *batch)
{
	struct core_area *area;

	pthread_rwlock_wrlock(&ioas->lock);
	list_for_each(area, batch, batch)
		itree_erase(&ioas->areas, &area->node);
	pthread_rwlock_unlock(&ioas->lock);
}

/* domains_lock held shared; on error all areas are as before. */
static int fill_batch(struct uiommu_ioas *ioas, struct list *batch)
{
	struct core_area *area, *tmp;
	struct list done;
	int rc = 0;

	list_init(&done);
	list_for_each_safe(area, tmp, batch, batch) {
		rc = core_area_fill(ioas, area);
		list_del(&area->batch);
		list_add_tail(&done, &area->batch);
		if (rc)
			break;
	}
	if (rc) {
		/* The last one is empty already. */
		area = list_entry(done.prev, struct core_area, batch);
		list_del(&area->batch);
		core_areas_unfill(ioas, &done);
		list_add_tail(&done, &area->batch);
	}
	/* Back onto the caller's list, in front of those not reached. */
	while (!list_empty(&done)) {
		struct list *last = done.prev;

		list_del(last);
		list_add(batch, last);
	}
	return rc;
}

static int insert_batch(struct uiommu_ioas *ioas, struct list *batch,
			uint64_t len, uint32_t flags, uiommu_iova_t *iova)
{
	struct uiommu_core_stats *stats = &ioas->core->stats;
	uiommu_iova_t at = *iova;
	struct core_area *area, *tmp;
	int64_t nr = 0;
	int rc;

	pthread_rwlock_rdlock(&ioas->domains_lock);
	pthread_rwlock_wrlock(&ioas->lock);
	rc = place(ioas, batch, len, flags, &at);
	pthread_rwlock_unlock(&ioas->lock);
	if (rc)
		goto out_unlock;
	rc = fill_batch(ioas, batch);
	if (rc) {
		unplace(ioas, batch);
		goto out_unlock;
	}
	*iova = at;
	core_count(&stats->maps, 1);
	core_count(&stats->map_bytes, len);
	list_for_each_safe(area, tmp, batch, batch) {
		list_del(&area->batch);
		nr++;
		/* From here on it may be unmapped by anybody. */
		store_release(&area->state, CORE_AREA_READY);
	}
	core_gauge(&stats->areas, &stats->areas_peak, nr);
out_unlock:
	pthread_rwlock_unlock(&ioas->domains_lock);
	return rc;
}

static int check_request(uint32_t prot, uint32_t flags, uint32_t known)
{
	if (flags & ~known)
		return -EOPNOTSUPP;
	if (!(prot & PROT_RW) || (prot & ~PROT_USER))
		return -EINVAL;
	return 0;
}

static int map(struct uiommu_ioas *ioas, const struct uiommu_mm *mm,
	       uint64_t uva, uint64_t len, uint32_t prot, uint32_t flags,
	       uiommu_iova_t *iova)
{
	uint32_t pin_flags = 0;
	struct core_pages *pages;
	struct core_area *area;
	struct list batch;
	uint64_t end;
	int rc;

	rc = check_request(prot, flags,
			   UIOMMU_IOAS_FIXED_IOVA | UIOMMU_IOAS_MMIO_OK);
	if (rc)
		return rc;
	if (add_overflows(uva, len, &end))
		return -EOVERFLOW;
	/* Offsets are rounded out to pages and must not wrap then either. */
	if (!len || len > UINT64_MAX - ioas->core->page_size)
		return -EINVAL;
	if (prot & UIOMMU_PROT_WRITE)
		pin_flags |= UIOMMU_PIN_WRITE;
	if (flags & UIOMMU_IOAS_MMIO_OK)
		pin_flags |= UIOMMU_PIN_MMIO_OK;

	rc = core_pages_create(ioas->core, mm, uva, pin_flags, &pages);
	if (rc)
		return rc;
	area = core_area_create(ioas, pages, uva - pages->base, len,
				prot & ~UIOMMU_PROT_CACHE);
	if (!area) {
		core_pages_put(pages);
		return -ENOMEM;
	}
	list_init(&batch);
	list_add_tail(&batch, &area->batch);
	rc = insert_batch(ioas, &batch, len, flags, iova);
	if (rc)
		free_batch(ioas, &batch);
	return rc;
}

int uiommu_ioas_map(struct uiommu_ioas *ioas, const struct uiommu_mm *mm,
		    uint64_t uva, uint64_t len, uint32_t prot, uint32_t flags,
		    uiommu_iova_t *iova)
{
	const uint64_t want = flags & UIOMMU_IOAS_FIXED_IOVA ? *iova : 0;

	return core_told(ioas->core, map(ioas, mm, uva, len, prot, flags, iova),
			 "map of 0x%" PRIx64 ", 0x%" PRIx64
			 " bytes, at IOVA 0x%" PRIx64 ", rights 0x%x, flags "
			 "0x%x",
			 uva, len, want, prot, flags);
}

struct core_area *core_ready_area(const struct uiommu_ioas *ioas, uint64_t iova)
{
	struct core_area *area = core_area_of(itree_find(&ioas->areas, iova));

	if (!area || area->node.first > iova ||
	    load_acquire(&area->state) != CORE_AREA_READY)
		return NULL;
	return area;
}

/* Areas for `dst` that show what [iova, +len) of `src` shows. */
static int collect(struct uiommu_ioas *dst, struct uiommu_ioas *src,
		   uiommu_iova_t iova, uint64_t len, uint32_t prot,
		   struct list *batch)
{
	struct core_area *from, *area;
	uint64_t last;

	if (!len)
		return -EINVAL;
	if (last_overflows(iova, len, &last))
		return -EOVERFLOW;
	for (;;) {
		uint64_t part;

		from = core_ready_area(src, iova);
		if (!from)
			return -ENOENT;
		part = min_u64(last, from->node.last) - iova + 1;
		area = core_area_create(dst, from->pages,
					from->offset +
						(iova - from->node.first),
					part, prot & ~UIOMMU_PROT_CACHE);
		if (!area)
			return -ENOMEM;
		core_pages_get(from->pages);
		list_add_tail(batch, &area->batch);
		if (last <= from->node.last)
			return 0;
		iova += part;
	}
}

static int copy(struct uiommu_ioas *dst, struct uiommu_ioas *src,
		uiommu_iova_t src_iova, uint64_t len, uint32_t prot,
		uint32_t flags, uiommu_iova_t *dst_iova)
{
	struct list batch;
	int rc;

	rc = check_request(prot, flags, UIOMMU_IOAS_FIXED_IOVA);
	if (rc)
		return rc;
	list_init(&batch);
	pthread_rwlock_rdlock(&src->lock);
	rc = collect(dst, src, src_iova, len, prot, &batch);
	pthread_rwlock_unlock(&src->lock);
	if (!rc)
		rc = insert_batch(dst, &batch, len, flags, dst_iova);
	if (rc)
		free_batch(dst, &batch);
	return rc;
}

int uiommu_ioas_copy(struct uiommu_ioas *dst, struct uiommu_ioas *src,
		     uiommu_iova_t src_iova, uint64_t len, uint32_t prot,
		     uint32_t flags, uiommu_iova_t *dst_iova)
{
	const uint64_t want = flags & UIOMMU_IOAS_FIXED_IOVA ? *dst_iova : 0;

	return core_told(dst->core,
			 copy(dst, src, src_iova, len, prot, flags, dst_iova),
			 "copy of IOVA 0x%" PRIx64 ", 0x%" PRIx64
			 " bytes, to 0x%" PRIx64 ", rights 0x%x, flags 0x%x",
			 src_iova, len, want, prot, flags);
}

int uiommu_ioas_next_area(struct uiommu_ioas *ioas, uiommu_iova_t iova,
			  struct uiommu_area_info *info)
{
	struct core_area *area;
	int rc = -ENOENT;

	pthread_rwlock_rdlock(&ioas->lock);
	area = core_area_of(itree_find(&ioas->areas, iova));
	while (area && load_acquire(&area->state) != CORE_AREA_READY)
		area = core_area_of(itree_next(&area->node));
	if (area) {
		info->range.first = area->node.first;
		info->range.last = area->node.last;
		info->uva = area->pages->base + area->offset;
		info->kind = area->pages->mm.kind;
		info->prot = area->prot;
		rc = 0;
	}
	pthread_rwlock_unlock(&ioas->lock);
	return rc;
}

int uiommu_ioas_check_kind(struct uiommu_ioas *ioas, enum uiommu_mm_kind kind)
{
	struct core_area *area;
	int rc = 0;

	pthread_rwlock_rdlock(&ioas->lock);
	area = core_area_of(itree_find(&ioas->areas, 0));
	for (; area && !rc; area = core_area_of(itree_next(&area->node))) {
		if (load_acquire(&area->state) != CORE_AREA_READY)
			rc = -EBUSY;
		else if (area->pages->mm.kind != kind)
			rc = -EINVAL;
	}
	pthread_rwlock_unlock(&ioas->lock);
	return rc;
}
