/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ASIDs and VMIDs of one unit: a bitmap each, searched from where the last
 * search ended so that a freed tag rests as long as possible.  A tag comes back
 * only after the hardware has forgotten it; who cannot make sure of that keeps
 * it for ever.
 */
#include "unit.h"

static uint32_t nr_tags(const struct smmuv3_tags *tags)
{
	return BIT32(tags->bits);
}

int smmuv3_tags_init(struct smmuv3_unit *unit, struct smmuv3_tags *tags,
		     uint8_t bits)
{
	int rc;

	tags->bits = bits;
	rc = smmuv3_lock_init(unit, &tags->lock);
	if (rc)
		return rc;
	tags->map = smmuv3_obj_alloc(unit, nr_tags(tags) / 8);
	if (!tags->map) {
		smmuv3_lock_fini(unit, &tags->lock);
		return -ENOMEM;
	}
	tags->next = 1;
	return 0;
}

void smmuv3_tags_fini(struct smmuv3_unit *unit, struct smmuv3_tags *tags)
{
	smmuv3_obj_free(unit, tags->map);
	smmuv3_lock_fini(unit, &tags->lock);
}

/* The first free one in [from, to), or `to`. */
static uint32_t find_free(const struct smmuv3_tags *tags, uint32_t from,
			  uint32_t to)
{
	uint32_t i = from;
	uint64_t free;

	while (i < to) {
		free = ~tags->map[i / 64] & ~mask_lg2(i % 64);
		if (free) {
			i = i / 64 * 64 + ffs_u64(free);
			return min_u64(i, to);
		}
		i = (i / 64 + 1) * 64;
	}
	return to;
}

int smmuv3_tag_get(struct smmuv3_unit *unit, struct smmuv3_tags *tags,
		   uint16_t *tag)
{
	uint32_t nr = nr_tags(tags), found;
	int rc = -ENOSPC;

	smmuv3_lock(unit, &tags->lock);
	found = find_free(tags, tags->next, nr);
	if (found == nr) {
		found = find_free(tags, 1, tags->next);
		if (found == tags->next)
			goto out_unlock;
	}
	tags->map[found / 64] |= BIT64(found % 64);
	tags->next = found + 1 < nr ? found + 1 : 1;
	*tag = found;
	rc = 0;
out_unlock:
	smmuv3_unlock(unit, &tags->lock);
	return rc;
}

void smmuv3_tag_put(struct smmuv3_unit *unit, struct smmuv3_tags *tags,
		    uint16_t tag)
{
	smmuv3_lock(unit, &tags->lock);
	tags->map[tag / 64] &= ~BIT64(tag % 64);
	smmuv3_unlock(unit, &tags->lock);
}
