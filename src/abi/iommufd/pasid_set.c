/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which PASIDs a device has: bits, in chunks that are sorted by what they stand
 * for, so that dense numbers take a bit each, scattered ones a chunk, and a look
 * is a binary search.  A chunk without bits is not kept.  Under the lock of the
 * device's group.
 */
#include "private.h"

#include <string.h>

#define CHUNKS_MIN 2u

/* The place of the PASID's chunk, or where it would be put. */
static uint32_t place_of(const struct ufd_pasid_set *set, uint32_t pasid)
{
	uint32_t want = pasid / UFD_PASID_CHUNK, lo = 0, hi = set->nr;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (set->at[mid].nr < want)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct ufd_pasid_chunk *find(const struct ufd_pasid_set *set,
				    uint32_t pasid)
{
	uint32_t i = place_of(set, pasid);

	return i < set->nr && set->at[i].nr == pasid / UFD_PASID_CHUNK
		       ? &set->at[i]
		       : NULL;
}

static uint64_t *word_of(struct ufd_pasid_chunk *chunk, uint32_t pasid)
{
	return &chunk->bits[pasid % UFD_PASID_CHUNK / 64];
}

bool ufd_pasid_has(const struct ufd_pasid_set *set, uint32_t pasid)
{
	struct ufd_pasid_chunk *chunk = find(set, pasid);

	return chunk && *word_of(chunk, pasid) & BIT64(pasid % 64);
}

int ufd_pasid_reserve(struct uiommu_abi *abi, struct ufd_pasid_set *set,
		      uint32_t pasid)
{
	uint32_t size = set->size ? set->size * 2 : CHUNKS_MIN;
	struct ufd_pasid_chunk *at;

	if (set->nr < set->size || find(set, pasid))
		return 0;
	at = abi_alloc(abi, size * sizeof(*at));
	if (!at)
		return -ENOMEM;
	if (set->nr)
		memcpy(at, set->at, set->nr * sizeof(*at));
	abi_free(abi, set->at);
	set->at = at;
	set->size = size;
	return 0;
}

void ufd_pasid_add(struct ufd_pasid_set *set, uint32_t pasid)
{
	uint32_t i = place_of(set, pasid);
	struct ufd_pasid_chunk *chunk = &set->at[i];

	if (i == set->nr || chunk->nr != pasid / UFD_PASID_CHUNK) {
		memmove(chunk + 1, chunk, (set->nr - i) * sizeof(*chunk));
		*chunk = (struct ufd_pasid_chunk){
			.nr = pasid / UFD_PASID_CHUNK,
		};
		set->nr++;
	}
	*word_of(chunk, pasid) |= BIT64(pasid % 64);
}

void ufd_pasid_unreserve(struct uiommu_abi *abi, struct ufd_pasid_set *set)
{
	if (set->nr)
		return;
	abi_free(abi, set->at);
	*set = (struct ufd_pasid_set){ 0 };
}

void ufd_pasid_remove(struct uiommu_abi *abi, struct ufd_pasid_set *set,
		      uint32_t pasid)
{
	struct ufd_pasid_chunk *chunk = find(set, pasid);
	unsigned int i;

	*word_of(chunk, pasid) &= ~BIT64(pasid % 64);
	for (i = 0; i < ARRAY_SIZE(chunk->bits); i++)
		if (chunk->bits[i])
			return;
	set->nr--;
	memmove(chunk, chunk + 1,
		(size_t)(&set->at[set->nr] - chunk) * sizeof(*chunk));
	ufd_pasid_unreserve(abi, set);
}

bool ufd_pasid_any(const struct ufd_pasid_set *set, uint32_t *pasid)
{
	const struct ufd_pasid_chunk *chunk;
	unsigned int i = 0;

	if (!set->nr)
		return false;
	/* The last, whose end moves nothing. */
	chunk = &set->at[set->nr - 1];
	while (!chunk->bits[i])
		i++;
	*pasid = chunk->nr * UFD_PASID_CHUNK + i * 64 + ffs_u64(chunk->bits[i]);
	return true;
}
