/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors of the client and the files behind them.
 *
 * A file (struct abi_file) is what an open made; it lives while somebody
 * counts it.  A description stands between a descriptor number and its file:
 * the numbers that dup made of each other share one.  It counts those numbers
 * and the calls under way, and holds one reference of the file, so a file
 * whose descriptor is closed stays until the calls inside it return.
 *
 * Looking a number up takes no lock.  Tables of slots and descriptions are
 * never given back before the instance ends, so a reader may touch them at any
 * time.  It
 *   (1) loads the slot,
 *   (2) counts the description up unless the count is 0,
 *   (3) loads the slot again: if it still names this description, then the
 *       description is alive and this slot's; else it gives the count back
 *       and starts again.
 * A description that was recycled between (1) and (2) either fails (3) or has
 * been put into this very slot, and then it is the right one.
 *
 * Only installing and duplicating can fail (memory, numbers out of reach).
 */
#include "private.h"

#include <errno.h>

#include "base/atomic.h"
#include "file.h"

/* Numbers below SLOTS * PAGES; Linux lets nobody have more than 2^20 or so. */
#define SLOTS 1024u
#define PAGES 4096u

#define EMFILE_LINUX 24

struct abi_desc {
	uint32_t refs;	       /* atomic; 0: in the free list */
	struct abi_file *file; /* constant while refs > 0 */
	struct abi_desc *next_free;
	struct abi_desc *next_all;
	/* Counts of two descriptors never share a cache line. */
	uint8_t pad[64 - 4 * sizeof(void *)];
};

struct slot_page {
	struct abi_desc *slot[SLOTS]; /* atomic */
};

struct abi_fdtable {
	struct uiommu_abi *abi;
	/*
	 * Innermost: nothing is called with it held but the allocator.  It
	 * protects the lists of descriptions and the adding of pages.
	 */
	pthread_mutex_t lock;
	struct abi_desc *free;
	struct abi_desc *all;
	struct slot_page *page[PAGES]; /* atomic; set once */
};

int abi_fdtable_create(struct uiommu_abi *abi)
{
	struct abi_fdtable *fds = abi_alloc(abi, sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	fds->abi = abi;
	pthread_mutex_init(&fds->lock, NULL);
	abi->fds = fds;
	return 0;
}

/* -------------------------------------------------------------- files -- */

void abi_file_init(struct abi_file *file, struct uiommu_abi *abi,
		   const struct abi_file_ops *ops)
{
	file->ops = ops;
	file->abi = abi;
	file->refs = 1;
}

struct abi_file *abi_file_get(struct abi_file *file)
{
	fetch_add_relaxed(&file->refs, 1);
	return file;
}

void abi_file_put(struct abi_file *file)
{
	if (fetch_sub_acq_rel(&file->refs, 1) == 1)
		file->ops->release(file);
}

/* -------------------------------------------------------- descriptions -- */

/* Takes over the caller's reference of the file on success. */
static struct abi_desc *desc_new(struct abi_fdtable *fds, struct abi_file *file)
{
	struct abi_desc *desc;

	pthread_mutex_lock(&fds->lock);
	desc = fds->free;
	if (desc) {
		fds->free = desc->next_free;
	} else {
		desc = abi_alloc(fds->abi, sizeof(*desc));
		if (!desc)
			goto out_unlock;
		desc->next_all = fds->all;
		fds->all = desc;
	}
	desc->file = file;
	/* Pairs with the count in desc_get: whoever counts sees the file. */
	store_release(&desc->refs, 1);
out_unlock:
	pthread_mutex_unlock(&fds->lock);
	return desc;
}

static void desc_recycle(struct abi_fdtable *fds, struct abi_desc *desc)
{
	pthread_mutex_lock(&fds->lock);
	desc->next_free = fds->free;
	fds->free = desc;
	pthread_mutex_unlock(&fds->lock);
}

void abi_desc_put(struct uiommu_abi *abi, struct abi_desc *desc)
{
	struct abi_file *file = desc->file;

	if (fetch_sub_acq_rel(&desc->refs, 1) != 1)
		return;
	desc_recycle(abi->fds, desc);
	abi_file_put(file);
}

static bool desc_count(struct abi_desc *desc)
{
	uint32_t refs = load_relaxed(&desc->refs);

	while (refs) {
		if (cmpxchg_acq_rel(&desc->refs, &refs, refs + 1))
			return true;
	}
	return false;
}

static struct abi_desc **slot_find(const struct abi_fdtable *fds, int fd)
{
	struct slot_page *page;

	if (fd < 0 || (unsigned int)fd >= SLOTS * PAGES)
		return NULL;
	/* Pairs with the release in slot_make: a page is seen zeroed. */
	page = load_acquire(&fds->page[(unsigned int)fd / SLOTS]);
	return page ? &page->slot[(unsigned int)fd % SLOTS] : NULL;
}

struct abi_desc *abi_desc_get(struct uiommu_abi *abi, int fd)
{
	struct abi_desc **slot = slot_find(abi->fds, fd);
	struct abi_desc *desc;

	if (!slot)
		return NULL;
	while ((desc = load_acquire(slot))) {
		if (!desc_count(desc))
			continue;
		if (load_acquire(slot) == desc)
			return desc;
		abi_desc_put(abi, desc);
	}
	return NULL;
}

struct abi_file *abi_desc_file(const struct abi_desc *desc)
{
	return desc->file;
}

/* --------------------------------------------------------------- slots -- */

static int slot_make(struct abi_fdtable *fds, int fd, struct abi_desc ***slot)
{
	struct slot_page **page;
	int rc = 0;

	if (fd < 0 || (unsigned int)fd >= SLOTS * PAGES)
		return -EMFILE_LINUX;
	page = &fds->page[(unsigned int)fd / SLOTS];
	pthread_mutex_lock(&fds->lock);
	if (!*page) {
		struct slot_page *fresh = abi_alloc(fds->abi, sizeof(*fresh));

		if (fresh)
			store_release(page, fresh);
		else
			rc = -ENOMEM;
	}
	pthread_mutex_unlock(&fds->lock);
	if (!rc)
		*slot = &(*page)->slot[(unsigned int)fd % SLOTS];
	return rc;
}

/* Takes over a count of `desc`; what was there goes as if closed. */
static void slot_set(struct uiommu_abi *abi, struct abi_desc **slot,
		     struct abi_desc *desc)
{
	struct abi_desc *old = exchange_acq_rel(slot, desc);

	if (old)
		abi_desc_put(abi, old);
}

bool uiommu_abi_owns(const struct uiommu_abi *abi, int fd)
{
	struct abi_desc **slot = slot_find(abi->fds, fd);

	return slot && load_relaxed(slot);
}

struct abi_file *abi_fd_get(struct uiommu_abi *abi, int fd)
{
	struct abi_desc *desc = abi_desc_get(abi, fd);
	struct abi_file *file;

	if (!desc)
		return NULL;
	file = abi_file_get(desc->file);
	abi_desc_put(abi, desc);
	return file;
}

static int new_fd(struct uiommu_abi *abi, const char *path, int flags,
		  int *event)
{
	if (!event)
		return abi->host.fd_new(abi->host.ctx, path, flags);
	*event = ABI_NO_EVENT;
	if (!abi->host.fd_new_event)
		return abi->host.fd_new(abi->host.ctx, path, flags);
	return abi->host.fd_new_event(abi->host.ctx, path, flags, event);
}

int abi_fd_prepare(struct uiommu_abi *abi, struct abi_file *file,
		   const char *path, int flags, struct abi_desc **desc,
		   int *event)
{
	struct abi_desc **slot;
	int fd, rc;

	fd = new_fd(abi, path, flags, event);
	if (fd < 0)
		return fd;
	rc = slot_make(abi->fds, fd, &slot);
	if (rc)
		goto err_fd;
	*desc = desc_new(abi->fds, file);
	if (!*desc) {
		rc = -ENOMEM;
		goto err_fd;
	}
	return fd;
err_fd:
	abi->host.fd_drop(abi->host.ctx, fd);
	if (event)
		abi_event_end(abi, *event);
	return rc;
}

void abi_fd_commit(struct uiommu_abi *abi, int fd, struct abi_desc *desc)
{
	slot_set(abi, slot_find(abi->fds, fd), desc);
}

void abi_fd_abandon(struct uiommu_abi *abi, int fd, struct abi_desc *desc,
		    int event)
{
	store_release(&desc->refs, 0);
	desc_recycle(abi->fds, desc);
	abi->host.fd_drop(abi->host.ctx, fd);
	abi_event_end(abi, event);
}

int abi_fd_install(struct uiommu_abi *abi, struct abi_file *file,
		   const char *path, int flags)
{
	struct abi_desc *desc;
	int fd = abi_fd_prepare(abi, file, path, flags, &desc, NULL);

	if (fd >= 0)
		abi_fd_commit(abi, fd, desc);
	return fd;
}

void abi_event_set(struct uiommu_abi *abi, int event, bool readable)
{
	if (event != ABI_NO_EVENT)
		abi->host.event_set(abi->host.ctx, event, readable);
}

void abi_event_end(struct uiommu_abi *abi, int event)
{
	if (event != ABI_NO_EVENT)
		abi->host.event_end(abi->host.ctx, event);
}

int abi_fd_dup(struct uiommu_abi *abi, int from, int to)
{
	struct abi_desc *desc = abi_desc_get(abi, from);
	struct abi_desc **slot;
	int rc;

	if (!desc)
		return -EBADF;
	rc = slot_make(abi->fds, to, &slot);
	if (rc)
		goto err_desc;
	slot_set(abi, slot, desc);
	return 0;
err_desc:
	abi_desc_put(abi, desc);
	return rc;
}

int abi_fd_close(struct uiommu_abi *abi, int fd)
{
	struct abi_desc **slot = slot_find(abi->fds, fd);
	struct abi_desc *desc;

	if (!slot)
		return -EBADF;
	desc = exchange_acq_rel(slot, NULL);
	if (!desc)
		return -EBADF;
	abi_desc_put(abi, desc);
	return 0;
}

void abi_fdtable_visit(struct uiommu_abi *abi,
		       void (*fn)(void *arg, struct abi_file *file), void *arg)
{
	struct abi_desc *desc;

	/* The list only grows, at its head. */
	pthread_mutex_lock(&abi->fds->lock);
	desc = abi->fds->all;
	pthread_mutex_unlock(&abi->fds->lock);
	for (; desc; desc = desc->next_all) {
		if (!desc_count(desc))
			continue;
		fn(arg, desc->file);
		abi_desc_put(abi, desc);
	}
}

void abi_fdtable_close_all(struct uiommu_abi *abi)
{
	struct slot_page *page;
	unsigned int i, j;

	for (i = 0; i < PAGES; i++) {
		page = load_acquire(&abi->fds->page[i]);
		for (j = 0; page && j < SLOTS; j++)
			slot_set(abi, &page->slot[j], NULL);
	}
}

void abi_fdtable_destroy(struct uiommu_abi *abi)
{
	struct abi_fdtable *fds = abi->fds;
	struct abi_desc *desc;
	unsigned int i;

	while ((desc = fds->all)) {
		fds->all = desc->next_all;
		abi_free(abi, desc);
	}
	for (i = 0; i < PAGES; i++)
		abi_free(abi, fds->page[i]);
	pthread_mutex_destroy(&fds->lock);
	abi_free(abi, fds);
}
