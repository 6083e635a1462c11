/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ASIDs of one unit: a bitmap, searched from where the last search ended so
 * that a freed ASID rests as long as possible.  An ASID comes back only after
 * the hardware has forgotten it; who cannot make sure of that keeps it for
 * ever.
 */
#include "unit.h"

static uint32_t nr_asids(const struct smmuv3_asids *asids)
{
	return BIT32(asids->bits);
}

int smmuv3_asids_init(struct smmuv3_unit *unit)
{
	struct smmuv3_asids *asids = &unit->asids;
	int rc;

	asids->bits = unit->feat.asid_bits;
	rc = smmuv3_lock_init(unit, &asids->lock);
	if (rc)
		return rc;
	asids->map = smmuv3_obj_alloc(unit, nr_asids(asids) / 8);
	if (!asids->map) {
		smmuv3_lock_fini(unit, &asids->lock);
		return -ENOMEM;
	}
	asids->next = 1;
	return 0;
}

void smmuv3_asids_fini(struct smmuv3_unit *unit)
{
	smmuv3_obj_free(unit, unit->asids.map);
	smmuv3_lock_fini(unit, &unit->asids.lock);
}

/* The first free one in [from, to), or `to`. */
static uint32_t find_free(const struct smmuv3_asids *asids, uint32_t from,
			  uint32_t to)
{
	uint32_t i = from;
	uint64_t free;

	while (i < to) {
		free = ~asids->map[i / 64] & ~mask_lg2(i % 64);
		if (free) {
			i = i / 64 * 64 + ffs_u64(free);
			return min_u64(i, to);
		}
		i = (i / 64 + 1) * 64;
	}
	return to;
}

int smmuv3_asid_get(struct smmuv3_unit *unit, uint16_t *asid)
{
	struct smmuv3_asids *asids = &unit->asids;
	uint32_t nr = nr_asids(asids), found;
	int rc = -ENOSPC;

	smmuv3_lock(unit, &asids->lock);
	found = find_free(asids, asids->next, nr);
	if (found == nr) {
		found = find_free(asids, 1, asids->next);
		if (found == asids->next)
			goto out_unlock;
	}
	asids->map[found / 64] |= BIT64(found % 64);
	asids->next = found + 1 < nr ? found + 1 : 1;
	*asid = found;
	rc = 0;
out_unlock:
	smmuv3_unlock(unit, &asids->lock);
	return rc;
}

void smmuv3_asid_put(struct smmuv3_unit *unit, uint16_t asid)
{
	struct smmuv3_asids *asids = &unit->asids;

	smmuv3_lock(unit, &asids->lock);
	asids->map[asid / 64] &= ~BIT64(asid % 64);
	smmuv3_unlock(unit, &asids->lock);
}
