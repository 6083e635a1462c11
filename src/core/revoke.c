/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * revoke.c - memory that its owner takes away while it is mapped.
 *
 * All pages objects of it that there are get the mark that nothing of them is
 * mapped any more; then it is unmapped where it is, IOAS by IOAS.  Who maps at the
 * same time has either seen the mark or is waited for, since it holds the IOAS's
 * domains_lock.  Areas keep their place, and their pins, until they are unmapped.
 */
#include "core_private.h"

/* True: there are any. */
static bool mark(struct uiommu_core *core, const void *ctx)
{
	struct core_pages *pages;
	bool any = false;

	pthread_mutex_lock(&core->lock);
	list_for_each(pages, &core->revocable, revocable) {
		if (pages->mm.ctx != ctx)
			continue;
		store_release(&pages->revoked, true);
		any = true;
	}
	pthread_mutex_unlock(&core->lock);
	return any;
}

/* Both locks exclusively. */
static int unmap_marked(struct uiommu_ioas *ioas, const void *ctx)
{
	struct uiommu_domain *dom;
	struct itree_node *n;
	struct list batch;
	int rc = 0;

	list_init(&batch);
	for (n = itree_find(&ioas->areas, 0); n; n = itree_next(n)) {
		struct core_area *area = core_area_of(n);

		if (load_acquire(&area->pages->revoked) &&
		    area->pages->mm.ctx == ctx)
			list_add_tail(&batch, &area->batch);
	}
	list_for_each(dom, &ioas->domains, ioas_node)
		if (core_areas_unmap(ioas, &batch, dom))
			rc = -EIO;
	while (!list_empty(&batch))
		list_del(batch.next);
	return rc;
}

int uiommu_mm_revoke(struct uiommu_core *core, const void *ctx)
{
	struct uiommu_ioas *ioas = NULL;
	int rc = 0;

	if (!mark(core, ctx))
		return 0;
	while ((ioas = core_next_ioas(core, ioas))) {
		pthread_rwlock_wrlock(&ioas->domains_lock);
		pthread_rwlock_wrlock(&ioas->lock);
		if (unmap_marked(ioas, ctx))
			rc = -EIO;
		pthread_rwlock_unlock(&ioas->lock);
		pthread_rwlock_unlock(&ioas->domains_lock);
	}
	return rc;
}
