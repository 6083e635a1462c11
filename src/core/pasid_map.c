/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid_map.c - which PASIDs of a group have a domain.
 *
 * A hash table of 16 bytes a place, at most three quarters full, with linear
 * probing: whatever the PASIDs, dense or scattered, one costs some 30 bytes and
 * is found by a look at one cache line or two.  There are no marks of what was
 * taken out: those behind move up, so a table that has long been in use is as
 * good as a new one.  All under the lock of the group.
 */
#include "core_private.h"

#define MIN_PLACES 4u

/* Where a PASID wants to be; neighbours stay neighbours only in blocks of 4. */
static uint32_t home(const struct core_pasid_map *map, uint32_t pasid)
{
	uint32_t hash = (pasid >> 2) * UINT32_C(0x9e3779b1);

	hash ^= hash >> 15;
	return ((hash << 2) | (pasid & 3)) & (map->size - 1);
}

/* Where it is, or would be put; the table is not full. */
static uint32_t place_of(const struct core_pasid_map *map, uint32_t pasid)
{
	uint32_t i = home(map, pasid);

	while (map->at[i].pasid && map->at[i].pasid != pasid)
		i = (i + 1) & (map->size - 1);
	return i;
}

struct core_pasid *core_pasid_find(const struct core_pasid_map *map,
				   uint32_t pasid)
{
	struct core_pasid *at;

	if (!map->nr || !pasid)
		return NULL;
	at = &map->at[place_of(map, pasid)];
	return at->pasid ? at : NULL;
}

/* Move to a table of `size` places. */
static int resize(struct uiommu_core *core, struct core_pasid_map *map,
		  uint32_t size)
{
	struct core_pasid_map bigger = { .size = size, .nr = map->nr };
	uint32_t i;

	bigger.at = core_alloc(core, size * sizeof(bigger.at[0]));
	if (!bigger.at)
		return -ENOMEM;
	for (i = 0; i < map->size; i++)
		if (map->at[i].pasid)
			bigger.at[place_of(&bigger, map->at[i].pasid)] =
				map->at[i];
	core_free(core, map->at);
	*map = bigger;
	return 0;
}

int core_pasid_reserve(struct uiommu_core *core, struct core_pasid_map *map)
{
	if ((map->nr + 1) * 4 <= map->size * 3)
		return 0;
	return resize(core, map, map->size ? map->size * 2 : MIN_PLACES);
}

void core_pasid_unreserve(struct uiommu_core *core, struct core_pasid_map *map)
{
	if (map->nr) {
		/* For want of memory it stays large. */
		if (map->size > MIN_PLACES && map->nr * 8 <= map->size)
			(void)resize(core, map, map->size / 2);
		return;
	}
	core_free(core, map->at);
	*map = (struct core_pasid_map){ 0 };
}

void core_pasid_insert(struct core_pasid_map *map,
		       const struct core_pasid *entry)
{
	uint32_t i = place_of(map, entry->pasid);

	map->at[i] = *entry;
	map->nr++;
	if (i < map->low)
		map->low = i;
}

void core_pasid_erase(struct uiommu_core *core, struct core_pasid_map *map,
		      struct core_pasid *entry)
{
	uint32_t mask = map->size - 1, hole = (uint32_t)(entry - map->at);
	uint32_t i = hole, want;

	for (;;) {
		i = (i + 1) & mask;
		if (!map->at[i].pasid)
			break;
		/* Who may not stand before its home stays. */
		want = home(map, map->at[i].pasid);
		if (((i - want) & mask) < ((i - hole) & mask))
			continue;
		map->at[hole] = map->at[i];
		hole = i;
	}
	map->at[hole] = (struct core_pasid){ 0 };
	map->nr--;
	core_pasid_unreserve(core, map);
}

struct core_pasid *core_pasid_any(struct core_pasid_map *map)
{
	if (!map->nr)
		return NULL;
	while (!map->at[map->low].pasid)
		map->low++;
	return &map->at[map->low];
}

struct core_pasid *core_pasid_marked(const struct core_pasid_map *map,
				     uint32_t flag)
{
	uint32_t i = map->low;

	while (!map->at[i].pasid || !(map->at[i].flags & flag))
		i++;
	return &map->at[i];
}
