/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access.c - the memory of an IOAS used by the CPU.
 *
 * An access pins pages through the areas that show them, and each area counts the
 * pins that go through it.  A counted area stays in the tree and is not cut, so
 * that giving back, which goes by IOVA like pinning, finds the same areas.  The
 * pages count segments as they do for areas: what a domain or another access has
 * pinned is shared.
 *
 * Copying counts nothing: it holds the IOAS lock, shared, under which no area
 * goes.
 *
 * An access that changes its IOAS is with both for a while: it has joined the new
 * one, where it might not fit, before it is asked for what it has in the old
 * one.  Meanwhile it can only unpin.
 */
#include "core_private.h"

struct uiommu_access {
	struct uiommu_core *core;
	const struct uiommu_access_ops *ops; /* NULL: it locks areas */
	void *ctx;

	/* Held shared over each use; protects all below but the counts. */
	pthread_rwlock_t lock;
	struct uiommu_ioas *ioas;     /* NULL: none, or just changing */
	struct uiommu_ioas *unpin_in; /* where the pins are */
	/* Which of the links is in use; the other one is for the next IOAS. */
	unsigned int current;
	struct core_access_link link[2];

	uint64_t pins;	/* not given back; atomic */
	uint32_t asked; /* calls of ops->unmap under way; atomic */
};

static bool needs_pages(const struct uiommu_access *access)
{
	return !access->ops || access->ops->needs_pin_pages;
}

/* ----------------------------------------------------- coming and going -- */

int uiommu_access_create(struct uiommu_core *core,
			 const struct uiommu_access_ops *ops, void *ctx,
			 struct uiommu_access **out)
{
	struct uiommu_access *access = core_alloc(core, sizeof(*access));
	int rc;

	if (!access)
		return -ENOMEM;
	rc = core_rwlock_init(&access->lock);
	if (rc) {
		core_free(core, access);
		return rc;
	}
	access->core = core;
	access->ops = ops;
	access->ctx = ctx;
	access->link[0].access = access;
	access->link[1].access = access;
	*out = access;
	return 0;
}

static int join(struct uiommu_ioas *ioas, struct core_access_link *link)
{
	int rc = 0;

	pthread_rwlock_rdlock(&ioas->domains_lock);
	pthread_rwlock_wrlock(&ioas->lock);
	if (needs_pages(link->access))
		rc = core_need_pages(ioas, true);
	if (!rc) {
		link->order = ioas->access_order++;
		list_add_tail(&ioas->accesses, &link->node);
	}
	pthread_rwlock_unlock(&ioas->lock);
	pthread_rwlock_unlock(&ioas->domains_lock);
	return rc;
}

static void part(struct uiommu_ioas *ioas, struct core_access_link *link)
{
	pthread_rwlock_rdlock(&ioas->domains_lock);
	pthread_rwlock_wrlock(&ioas->lock);
	if (needs_pages(link->access))
		(void)core_need_pages(ioas, false);
	list_del(&link->node);
	pthread_rwlock_unlock(&ioas->lock);
	pthread_rwlock_unlock(&ioas->domains_lock);
}

/* Nothing new is pinned: get back what is. */
static void leave(struct uiommu_access *access, struct uiommu_ioas *ioas)
{
	if (access->ops && access->ops->unmap)
		access->ops->unmap(access->ctx, 0, UINT64_MAX);
	UIOMMU_ASSERT(!load_acquire(&access->pins));
	part(ioas, &access->link[access->current]);
}

int uiommu_access_attach(struct uiommu_access *access, struct uiommu_ioas *ioas)
{
	struct uiommu_ioas *old;
	int rc = 0;

	pthread_rwlock_wrlock(&access->lock);
	old = access->ioas;
	if (ioas && ioas != old)
		rc = join(ioas, &access->link[!access->current]);
	if (!rc && ioas != old)
		access->ioas = NULL;
	pthread_rwlock_unlock(&access->lock);
	if (rc || ioas == old)
		return rc;

	if (old)
		leave(access, old);
	pthread_rwlock_wrlock(&access->lock);
	access->current = !access->current;
	access->ioas = ioas;
	access->unpin_in = ioas;
	pthread_rwlock_unlock(&access->lock);
	return 0;
}

void uiommu_access_destroy(struct uiommu_access *access)
{
	const struct uiommu_platform *p;

	if (!access)
		return;
	uiommu_access_attach(access, NULL);
	p = access->core->platform;
	while (load_acquire(&access->asked))
		p->relax(p->ctx);
	pthread_rwlock_destroy(&access->lock);
	core_free(access->core, access);
}

/*
 * The first access from `order` on that can be asked, kept until it has been; NULL
 * is the end.
 */
static struct uiommu_access *next_asked(struct uiommu_ioas *ioas,
					uint64_t *order)
{
	struct uiommu_access *access = NULL;
	struct core_access_link *link;

	pthread_rwlock_rdlock(&ioas->lock);
	list_for_each(link, &ioas->accesses, node) {
		const struct uiommu_access_ops *ops = link->access->ops;

		if (link->order < *order || !ops || !ops->unmap)
			continue;
		access = link->access;
		fetch_add_relaxed(&access->asked, 1);
		*order = link->order + 1;
		break;
	}
	pthread_rwlock_unlock(&ioas->lock);
	return access;
}

void core_accesses_ask(struct uiommu_ioas *ioas, uint64_t first, uint64_t len)
{
	struct uiommu_access *access;
	uint64_t order = 0;

	while ((access = next_asked(ioas, &order))) {
		access->ops->unmap(access->ctx, first, len);
		fetch_sub_acq_rel(&access->asked, 1);
	}
}

/* ------------------------------------------------------------------ pin -- */

/* What of an area is meant: bytes of its pages. */
struct piece {
	struct core_area *area;
	uint64_t len;
	uint64_t first, last;
};

/* Of [iova, last] what lies in the area at iova; IOAS lock.  -ENOENT. */
static int find_piece(const struct uiommu_ioas *ioas, uint64_t iova,
		      uint64_t last, struct piece *piece)
{
	struct core_area *area = core_ready_area(ioas, iova);

	if (!area)
		return -ENOENT;
	piece->area = area;
	piece->len = min_u64(last, area->node.last) - iova + 1;
	piece->first = area->offset + (iova - area->node.first);
	piece->last = piece->first + piece->len - 1;
	return 0;
}

/* IOAS lock.  -EINVAL, -EPERM. */
static int check_area(const struct core_area *area, uint32_t flags)
{
	uint32_t right = flags & UIOMMU_ACCESS_WRITE ? UIOMMU_PROT_WRITE
						     : UIOMMU_PROT_READ;

	if (area->no_access)
		return -EINVAL;
	if (!(area->prot & right))
		return -EPERM;
	return area->pages->mm.kind == UIOMMU_MM_REVOCABLE ? -EINVAL : 0;
}

/* Keep the area at iova for a pin of [iova, last], of which it shows a piece. */
static int claim(struct uiommu_access *access, uint64_t iova, uint64_t last,
		 uint32_t flags, struct piece *piece)
{
	struct uiommu_ioas *ioas = access->ioas;
	int rc;

	pthread_rwlock_rdlock(&ioas->lock);
	rc = find_piece(ioas, iova, last, piece);
	/* Areas have whole pages, as long as an access needs them. */
	if (!rc && piece->first & (access->core->page_size - 1))
		rc = -EINVAL;
	if (!rc)
		rc = check_area(piece->area, flags);
	if (!rc) {
		fetch_add_relaxed(&piece->area->accesses, 1);
		if (!access->ops)
			fetch_add_relaxed(&piece->area->locks, 1);
	}
	pthread_rwlock_unlock(&ioas->lock);
	return rc;
}

/* After the last use of the area: it may go any time. */
static void disclaim(struct uiommu_access *access, struct core_area *area)
{
	if (!access->ops)
		fetch_sub_acq_rel(&area->locks, 1);
	fetch_sub_acq_rel(&area->accesses, 1);
}

/* Addresses of the pages of a pinned piece; false: some are a device's. */
static bool list_pages(const struct piece *piece, uiommu_pa_t *out)
{
	struct core_pages *pages = piece->area->pages;
	struct core_run_iter it;
	struct uiommu_run run;

	core_runs_begin(&it, pages, piece->first, piece->last);
	while (core_runs_next(&it, &run)) {
		if (run.mmio)
			return false;
		for (uint64_t off = 0; off < run.len;
		     off += pages->core->page_size)
			*out++ = run.pa + off;
	}
	return true;
}

static int pin_piece(const struct piece *piece, uiommu_pa_t *out)
{
	struct core_pages *pages = piece->area->pages;
	int rc;

	pthread_mutex_lock(&pages->lock);
	rc = core_pages_pin(pages, piece->first, piece->last);
	if (!rc && !list_pages(piece, out)) {
		core_pages_unpin(pages, piece->first, piece->last);
		rc = -EFAULT;
	}
	pthread_mutex_unlock(&pages->lock);
	return rc;
}

/* Give back what is pinned of [iova, last]. */
static void unpin(struct uiommu_access *access, struct uiommu_ioas *ioas,
		  uint64_t iova, uint64_t last)
{
	struct piece piece;
	uint64_t left;
	int rc;

	for (left = last - iova + 1; left; left -= piece.len) {
		pthread_rwlock_rdlock(&ioas->lock);
		rc = find_piece(ioas, iova, last, &piece);
		pthread_rwlock_unlock(&ioas->lock);
		UIOMMU_ASSERT(!rc);
		pthread_mutex_lock(&piece.area->pages->lock);
		core_pages_unpin(piece.area->pages, piece.first, piece.last);
		pthread_mutex_unlock(&piece.area->pages->lock);
		disclaim(access, piece.area);
		iova += piece.len;
	}
}

/* The access is held shared and has an IOAS. */
static int pin(struct uiommu_access *access, uint64_t iova, uint64_t last,
	       uint32_t flags, uiommu_pa_t *pages)
{
	uint64_t page = access->core->page_size;
	uint64_t at = iova, left;
	struct piece piece;
	int rc;

	for (left = last - iova + 1; left; left -= piece.len) {
		rc = claim(access, at, last, flags, &piece);
		if (rc)
			goto err_unpin;
		rc = pin_piece(&piece, pages);
		if (rc) {
			disclaim(access, piece.area);
			goto err_unpin;
		}
		at += piece.len;
		pages += (piece.len + page - 1) / page;
	}
	fetch_add_relaxed(&access->pins, 1);
	return 0;

err_unpin:
	if (at != iova)
		unpin(access, access->ioas, iova, at - 1);
	return rc;
}

int uiommu_access_pin_pages(struct uiommu_access *access, uiommu_iova_t iova,
			    uint64_t len, uint32_t flags, uiommu_pa_t *pages)
{
	uint64_t last;
	int rc = -ENOENT;

	if (!needs_pages(access) || !len)
		return -EINVAL;
	if (last_overflows(iova, len, &last))
		return -EOVERFLOW;
	pthread_rwlock_rdlock(&access->lock);
	if (access->ioas)
		rc = pin(access, iova, last, flags, pages);
	pthread_rwlock_unlock(&access->lock);
	return rc;
}

void uiommu_access_unpin_pages(struct uiommu_access *access, uiommu_iova_t iova,
			       uint64_t len)
{
	pthread_rwlock_rdlock(&access->lock);
	UIOMMU_ASSERT(len && access->unpin_in);
	unpin(access, access->unpin_in, iova, iova + len - 1);
	fetch_sub_acq_rel(&access->pins, 1);
	pthread_rwlock_unlock(&access->lock);
}

/* ----------------------------------------------------------------- copy -- */

static int copy_pinned(const struct piece *piece, uint8_t *buf, bool write)
{
	struct core_pages *pages = piece->area->pages;
	struct core_run_iter it;
	struct uiommu_run run;
	int rc;

	if (!pages->mm.copy_pinned)
		return -EFAULT;
	pthread_mutex_lock(&pages->lock);
	rc = core_pages_pin(pages, piece->first, piece->last);
	if (rc)
		goto out_unlock;
	core_runs_begin(&it, pages, piece->first, piece->last);
	while (!rc && core_runs_next(&it, &run)) {
		rc = run.mmio ? -EFAULT
			      : pages->mm.copy_pinned(pages->mm.ctx, run.pa,
						      buf, run.len, write);
		buf += run.len;
	}
	core_pages_unpin(pages, piece->first, piece->last);
out_unlock:
	pthread_mutex_unlock(&pages->lock);
	return rc;
}

static int copy_piece(const struct piece *piece, uint8_t *buf, uint32_t flags)
{
	const struct core_pages *pages = piece->area->pages;
	bool write = flags & UIOMMU_ACCESS_WRITE;
	int rc = check_area(piece->area, flags);

	if (rc)
		return rc;
	if ((flags & UIOMMU_ACCESS_SLOW) || !pages->mm.copy)
		return copy_pinned(piece, buf, write);
	return pages->mm.copy(pages->mm.ctx, pages->base + piece->first, buf,
			      piece->len, write);
}

int uiommu_access_rw(struct uiommu_access *access, uiommu_iova_t iova,
		     void *buf, size_t len, uint32_t flags)
{
	struct uiommu_ioas *ioas;
	struct piece piece;
	uint8_t *p = buf;
	uint64_t last;
	int rc = 0;

	if (!len)
		return -EINVAL;
	if (last_overflows(iova, len, &last))
		return -EOVERFLOW;
	pthread_rwlock_rdlock(&access->lock);
	ioas = access->ioas;
	if (!ioas) {
		pthread_rwlock_unlock(&access->lock);
		return -ENOENT;
	}
	pthread_rwlock_rdlock(&ioas->lock);
	for (; len && !rc; len -= piece.len) {
		rc = find_piece(ioas, iova, last, &piece);
		if (rc)
			break;
		rc = copy_piece(&piece, p, flags);
		iova += piece.len;
		p += piece.len;
	}
	pthread_rwlock_unlock(&ioas->lock);
	pthread_rwlock_unlock(&access->lock);
	return rc;
}
