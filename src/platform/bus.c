/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bus.c - register windows by physical address.
 *
 * Windows are few, never overlap, and all there before the first access, so
 * look-ups take no lock: a binary search in a sorted array.  An access where
 * nothing answers behaves as on most buses: reads give all ones, writes are
 * lost.
 */
#include <stdlib.h>

#include "platform_private.h"

static const struct uiommu_bus_window *find(const struct bus *bus,
					    uiommu_pa_t pa, unsigned int size)
{
	unsigned int lo = 0, hi = bus->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;
		const struct uiommu_bus_window *w = &bus->windows[mid];

		if (pa < w->base) {
			hi = mid;
		} else if (pa - w->base >= w->size) {
			lo = mid + 1;
		} else {
			/* Not across the end. */
			return w->size - (pa - w->base) >= size ? w : NULL;
		}
	}
	return NULL;
}

static bool overlap(const struct uiommu_bus_window *a,
		    const struct uiommu_bus_window *b)
{
	return a->base <= b->base + (b->size - 1) &&
	       b->base <= a->base + (a->size - 1);
}

int host_bus_add(struct bus *bus, const struct uiommu_bus_window *window)
{
	struct uiommu_bus_window *grown;
	unsigned int pos = 0;

	/* An empty window, or one that wraps, has no place to be. */
	if (!window->size || window->base + (window->size - 1) < window->base)
		return -EINVAL;
	for (unsigned int i = 0; i < bus->nr; i++) {
		if (overlap(&bus->windows[i], window))
			return -EEXIST;
		if (bus->windows[i].base < window->base)
			pos = i + 1;
	}

	grown = realloc(bus->windows, (bus->nr + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memmove(grown + pos + 1, grown + pos, (bus->nr - pos) * sizeof(*grown));
	grown[pos] = *window;
	bus->windows = grown;
	bus->nr++;
	return 0;
}

void host_bus_fini(struct bus *bus)
{
	free(bus->windows);
}

uint64_t host_bus_read(const struct bus *bus, uiommu_pa_t pa, unsigned int size)
{
	const struct uiommu_bus_window *w = find(bus, pa, size);

	if (!w)
		return mask_lg2(size * 8);
	return w->read(w->ctx, (uint32_t)(pa - w->base), size);
}

void host_bus_write(const struct bus *bus, uiommu_pa_t pa, unsigned int size,
		    uint64_t value)
{
	const struct uiommu_bus_window *w = find(bus, pa, size);

	if (w)
		w->write(w->ctx, (uint32_t)(pa - w->base), size, value);
}
