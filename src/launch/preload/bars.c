/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapped BARs: which addresses are a device's registers.
 *
 * A table is never changed once it is published; a change makes a new one.
 * Readers (the fault handler) count themselves in before they load the
 * pointer and out when they have copied what they need, so a writer that has
 * swapped the pointer and then sees a count of zero may free the old table:
 * a reader that comes in later finds the new one.  Readers take nothing else
 * while counted, so writers wait for an instant only.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "preload.h"

struct bar_table {
	unsigned int count;
	struct bar_map bar[];
};

static struct bar_table *read_begin(void)
{
	fetch_add_acq_rel(&launch.bars_readers, 1u);
	/* Pairs with the exchange and the count check in publish(). */
	fence_full();
	return load_acquire(&launch.bars);
}

static void read_end(void)
{
	fetch_sub_acq_rel(&launch.bars_readers, 1u);
}

static void publish(struct bar_table *table)
{
	struct bar_table *old = exchange_acq_rel(&launch.bars, table);

	fence_full();
	while (load_acquire(&launch.bars_readers))
		sched_yield();
	free(old);
}

/* Under the lock: room for what is there and two more. */
static struct bar_table *table_new(void)
{
	unsigned int count = launch.bars ? launch.bars->count : 0;
	struct bar_table *table =
		malloc(sizeof(*table) + (count + 2) * sizeof(table->bar[0]));

	if (table)
		table->count = 0;
	return table;
}

static void lock(void)
{
	launch_inside++;
	pthread_mutex_lock(&launch.bars_lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&launch.bars_lock);
	launch_inside--;
}

int bars_add(const struct bar_map *bar)
{
	struct bar_table *table;

	lock();
	table = table_new();
	if (table) {
		if (launch.bars) {
			table->count = launch.bars->count;
			memcpy(table->bar, launch.bars->bar,
			       table->count * sizeof(*bar));
		}
		table->bar[table->count++] = *bar;
		publish(table);
	}
	unlock();
	return table ? 0 : -ENOMEM;
}

/* The part of `bar` in [first, last]; `bar` overlaps it. */
static struct bar_map part(const struct bar_map *bar, uint64_t first,
			   uint64_t last)
{
	struct bar_map out = *bar;

	if (first > bar->first) {
		out.off += first - bar->first;
		out.first = first;
	}
	if (last < bar->last)
		out.last = last;
	return out;
}

static bool overlaps(const struct bar_map *bar, uint64_t first, uint64_t last)
{
	return bar->first <= last && first <= bar->last;
}

static void table_put(struct bar_table *table, const struct bar_map *bar)
{
	table->bar[table->count] = *bar;
	uiommu_map_get(bar->map);
	table->count++;
}

/*
 * A new table in which [first, last] is gone (prot < 0) or has another
 * protection; every entry of it is counted anew.
 */
static void rebuild(struct bar_table *table, uint64_t first, uint64_t last,
		    int prot)
{
	for (unsigned int i = 0; i < launch.bars->count; i++) {
		const struct bar_map *bar = &launch.bars->bar[i];
		struct bar_map piece;

		if (!overlaps(bar, first, last)) {
			table_put(table, bar);
			continue;
		}
		if (bar->first < first) {
			piece = part(bar, bar->first, first - 1);
			table_put(table, &piece);
		}
		if (prot >= 0) {
			piece = part(bar, first, last);
			piece.prot = prot;
			table_put(table, &piece);
		}
		if (bar->last > last) {
			piece = part(bar, last + 1, bar->last);
			table_put(table, &piece);
		}
	}
}

static int change(uint64_t first, uint64_t last, int prot)
{
	struct bar_table *table;
	struct uiommu_map **gone;
	unsigned int count = 0;

	lock();
	table = table_new();
	gone = calloc(launch.bars ? launch.bars->count + 1 : 1, sizeof(*gone));
	if (!table || !gone) {
		free(table);
		free(gone);
		unlock();
		return -ENOMEM;
	}
	if (launch.bars) {
		count = launch.bars->count;
		for (unsigned int i = 0; i < count; i++)
			gone[i] = launch.bars->bar[i].map;
		rebuild(table, first, last, prot);
	}
	publish(table);
	unlock();
	/* The last reference may close a device: no lock of ours held. */
	launch_enter();
	for (unsigned int i = 0; i < count; i++)
		uiommu_map_put(gone[i]);
	free(gone);
	launch_leave();
	return 0;
}

int bars_remove(uint64_t first, uint64_t last)
{
	return change(first, last, -1);
}

int bars_protect(uint64_t first, uint64_t last, int prot)
{
	return change(first, last, prot);
}

bool bars_find(uint64_t first, uint64_t last, struct bar_map *bar)
{
	const struct bar_table *table;
	const struct bar_map *best = NULL;

	if (!load_acquire(&launch.bars))
		return false;
	table = read_begin();
	for (unsigned int i = 0; table && i < table->count; i++)
		if (overlaps(&table->bar[i], first, last) &&
		    (!best || table->bar[i].first < best->first))
			best = &table->bar[i];
	if (best) {
		*bar = *best;
		uiommu_map_get(bar->map);
	}
	read_end();
	return best != NULL;
}

bool bars_cover(uint64_t addr)
{
	const struct bar_table *table;
	bool found = false;

	if (!load_acquire(&launch.bars))
		return false;
	table = read_begin();
	for (unsigned int i = 0; table && i < table->count && !found; i++)
		found = overlaps(&table->bar[i], addr, addr);
	read_end();
	return found;
}

struct uiommu_map *bars_find_map(void *ctx, uint64_t uva, uint64_t *map_off,
				 uint64_t *left)
{
	struct bar_map bar;

	if (!bars_find(uva, uva, &bar))
		return NULL;
	*map_off = bar.off + (uva - bar.first);
	*left = bar.last - uva + 1;
	return bar.map;
}
