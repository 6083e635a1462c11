/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows: pages of the hardware, or of its driver, that a vIOMMU's client maps by
 * the descriptor of /dev/iommu.
 *
 * A driver adds them while its vIOMMU is made, and they go with it.  Each has an
 * offset that no other window of the context ever has.  A mapping counts the vIOMMU,
 * so as long as it is there the pages are.
 */
#include "guest.h"

#include <sys/mman.h>

#define WINDOW_PAGE_LG2 12
#define WINDOW_PAGE BIT64(WINDOW_PAGE_LG2)

struct ufd_window {
	struct list node; /* viommu->windows */
	struct list all;  /* ctx->windows */
	struct ufd_viommu *viommu;
	uiommu_pa_t pa;
	uint64_t len;
	uint64_t off;
};

/* What of one is mapped: all of it. */
struct window_map {
	struct uiommu_map map; /* first */
	struct ufd_viommu *viommu;
	uiommu_pa_t pa;
};

int ufd_window_add(void *ctx, uiommu_pa_t pa, uint64_t len, uint64_t *offset)
{
	struct ufd_viommu *viommu = ctx;
	struct ufd_ctx *uctx = viommu->obj.ctx;
	struct ufd_window *window;

	if (!len || (pa | len) & (WINDOW_PAGE - 1))
		return -EINVAL;
	window = abi_alloc(uctx->file.abi, sizeof(*window));
	if (!window)
		return -ENOMEM;
	window->viommu = viommu;
	window->pa = pa;
	window->len = len;
	pthread_mutex_lock(&uctx->lock);
	uctx->windows_end += WINDOW_PAGE;
	window->off = uctx->windows_end;
	uctx->windows_end += len;
	list_add_tail(&viommu->windows, &window->node);
	list_add_tail(&uctx->windows, &window->all);
	pthread_mutex_unlock(&uctx->lock);
	*offset = window->off;
	return 0;
}

void ufd_windows_drop(struct ufd_viommu *viommu)
{
	struct ufd_ctx *ctx = viommu->obj.ctx;
	struct ufd_window *window, *next;

	list_for_each_safe(window, next, &viommu->windows, node) {
		pthread_mutex_lock(&ctx->lock);
		list_del(&window->node);
		list_del(&window->all);
		pthread_mutex_unlock(&ctx->lock);
		abi_free(ctx->file.abi, window);
	}
}

/* -------------------------------------------------------------- mappings -- */

static const struct window_map *window_map_of(const struct uiommu_map *map)
{
	return container_of((struct uiommu_map *)(uintptr_t)map,
			    struct window_map, map);
}

static int copy(struct uiommu_map *map, uint64_t off, void *val,
		unsigned int size, bool write)
{
	const struct uiommu_mm *mm = map->file->abi->host.mm;

	return mm->copy_pinned(mm->ctx, window_map_of(map)->pa + off, val, size,
			       write)
		       ? -EIO
		       : 0;
}

static int window_read(struct uiommu_map *map, uint64_t off, unsigned int size,
		       uint64_t *val)
{
	*val = 0;
	return copy(map, off, val, size, false);
}

static int window_write(struct uiommu_map *map, uint64_t off, unsigned int size,
			uint64_t val)
{
	return copy(map, off, &val, size, true);
}

static uiommu_pa_t window_pa(const struct uiommu_map *map)
{
	return window_map_of(map)->pa;
}

static void window_release(struct uiommu_map *map)
{
	ufd_object_put(&window_map_of(map)->viommu->obj);
}

static const struct abi_map_ops window_ops = {
	.read = window_read,
	.write = window_write,
	.pa = window_pa,
	.release = window_release,
};

/* The vIOMMU of the window counted, or NULL. */
static struct ufd_viommu *find(struct ufd_ctx *ctx, uint64_t off, size_t len,
			       uiommu_pa_t *pa)
{
	struct ufd_viommu *viommu = NULL;
	struct ufd_window *window;

	pthread_mutex_lock(&ctx->lock);
	list_for_each(window, &ctx->windows, all) {
		if (window->off != off || window->len != len ||
		    !ufd_object_try_get_locked(&window->viommu->obj))
			continue;
		viommu = window->viommu;
		*pa = window->pa;
		break;
	}
	pthread_mutex_unlock(&ctx->lock);
	return viommu;
}

/* What mmap(2) itself looks at; it maps whole pages. */
static int to_pages(size_t *len, uint64_t off)
{
	if (!*len || off % WINDOW_PAGE)
		return -EINVAL;
	*len = align_up_lg2(*len, WINDOW_PAGE_LG2);
	return *len ? 0 : -ENOMEM;
}

int ufd_mmap(struct abi_file *file, size_t len, int prot, int flags,
	     uint64_t off, struct uiommu_map **out)
{
	struct ufd_ctx *ctx = ufd_ctx_of(file);
	struct ufd_viommu *viommu;
	struct window_map *map;
	uiommu_pa_t pa;
	int rc = to_pages(&len, off);

	if (rc)
		return rc;
	if (!(flags & MAP_SHARED))
		return -EINVAL;
	if (prot & PROT_EXEC)
		return -EPERM;
	viommu = find(ctx, off, len, &pa);
	if (!viommu)
		return -ENXIO;
	map = abi_alloc(file->abi, sizeof(*map));
	if (!map) {
		ufd_object_put(&viommu->obj);
		return -ENOMEM;
	}
	map->viommu = viommu;
	map->pa = pa;
	abi_map_init(&map->map, file, &window_ops, len);
	*out = &map->map;
	return 0;
}
