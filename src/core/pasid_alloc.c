/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid_alloc.c - PASIDs that no two users of the core have.
 *
 * A bit for each number that is given out, in chunks of 64 words that are there
 * only while one of their bits is set; above them a bit for each word that is
 * full, and above those a bit for each full word of the level below.  So the
 * lowest free number is found by looking at a word or two of each level, however
 * many are given out.
 */
#include "core_private.h"

#define CHUNK_LG2 12 /* numbers in a chunk */
#define CHUNK_WORDS 64

_Static_assert(CORE_PASID_BITS == 20, "three levels and a root of four words");

static uint64_t word_at(const struct core_pasid_ids *ids, uint32_t w)
{
	const uint64_t *chunk = ids->chunk[w >> 6];

	return chunk ? chunk[w & 63] : 0;
}

/* The lowest clear bit from `bit` on, or 64. */
static unsigned int clear_from(uint64_t word, unsigned int bit)
{
	uint64_t free = bit < 64 ? ~word & ~mask_lg2(bit) : 0;

	return free ? ffs_u64(free) : 64;
}

/*
 * The first word from `w` on that is not full, or beyond the last.  full[0] has
 * a bit for each word, full[1] one for each word of full[0].
 */
static uint32_t open_word(const struct core_pasid_ids *ids, uint32_t w)
{
	uint32_t i = w >> 6, j;
	unsigned int bit;

	if (i >= CORE_PASID_CHUNKS)
		return CORE_PASID_WORDS;
	bit = clear_from(ids->full[i], w & 63);
	if (bit < 64)
		return i << 6 | bit;
	i++;
	for (j = i >> 6; j < CORE_PASID_CHUNKS / 64; j++) {
		bit = clear_from(ids->all_full[j], i >> 6 == j ? i & 63 : 0);
		if (bit == 64)
			continue;
		i = j << 6 | bit;
		return i << 6 | clear_from(ids->full[i], 0);
	}
	return CORE_PASID_WORDS;
}

/* The lowest free number from `first` on, or 2^20. */
static uint32_t lowest_free(const struct core_pasid_ids *ids, uint32_t first)
{
	uint32_t w = first >> 6;
	unsigned int bit = clear_from(word_at(ids, w), first & 63);

	if (bit < 64)
		return w << 6 | bit;
	w = open_word(ids, w + 1);
	if (w == CORE_PASID_WORDS)
		return BIT32(CORE_PASID_BITS);
	return w << 6 | clear_from(word_at(ids, w), 0);
}

/* Core lock held. */
static int take(struct uiommu_core *core, uint32_t pasid)
{
	struct core_pasid_ids *ids = &core->pasids;
	uint32_t w = pasid >> 6, c = pasid >> CHUNK_LG2;

	if (!ids->chunk[c])
		ids->chunk[c] =
			core_alloc(core, CHUNK_WORDS * sizeof(uint64_t));
	if (!ids->chunk[c])
		return -ENOMEM;
	ids->chunk[c][w & 63] |= BIT64(pasid & 63);
	if (ids->chunk[c][w & 63] == UINT64_MAX)
		ids->full[c] |= BIT64(w & 63);
	if (ids->full[c] == UINT64_MAX)
		ids->all_full[c >> 6] |= BIT64(c & 63);
	ids->used[c]++;
	return 0;
}

/* Core lock held. */
static void give_back(struct uiommu_core *core, uint32_t pasid)
{
	struct core_pasid_ids *ids = &core->pasids;
	uint32_t w = pasid >> 6, c = pasid >> CHUNK_LG2;

	ids->chunk[c][w & 63] &= ~BIT64(pasid & 63);
	ids->full[c] &= ~BIT64(w & 63);
	ids->all_full[c >> 6] &= ~BIT64(c & 63);
	if (--ids->used[c])
		return;
	core_free(core, ids->chunk[c]);
	ids->chunk[c] = NULL;
}

int uiommu_pasid_alloc(struct uiommu_core *core, uint32_t first, uint32_t last,
		       uint32_t *pasid)
{
	uint32_t found;
	int rc = -EINVAL;

	if (!first || first > last || last >> CORE_PASID_BITS)
		goto out;
	pthread_mutex_lock(&core->lock);
	found = lowest_free(&core->pasids, first);
	rc = found > last ? -ENOSPC : take(core, found);
	pthread_mutex_unlock(&core->lock);
	if (!rc)
		*pasid = found;
out:
	return core_told(core, rc, "a PASID of %u..%u", first, last);
}

void uiommu_pasid_free(struct uiommu_core *core, uint32_t pasid)
{
	bool mine;

	pthread_mutex_lock(&core->lock);
	mine = pasid && !(pasid >> CORE_PASID_BITS) &&
	       (word_at(&core->pasids, pasid >> 6) & BIT64(pasid & 63));
	if (mine)
		give_back(core, pasid);
	pthread_mutex_unlock(&core->lock);
	if (!mine)
		core_log(core, UIOMMU_LOG_ERROR,
			 "PASID %u is given back by nobody who had it", pasid);
}

void core_pasid_ids_fini(struct uiommu_core *core)
{
	for (unsigned int c = 0; c < CORE_PASID_CHUNKS; c++)
		core_free(core, core->pasids.chunk[c]);
}
