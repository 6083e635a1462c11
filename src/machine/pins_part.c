/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pins_part.c - freed bytes within pinned pages that other owners still use: a
 * small block of the heap.  The page goes on living, and new pins of it work;
 * a record names the bytes, so that a device that touches them is noticed.  A
 * record lives until its page has lost its last pin, then the bytes are given
 * back by the callback that pages are given back by.
 *
 * The page's word says PART as long as it has records, so that DMA looks for
 * records on such pages only, and so that the page counts as busy.
 */
#include <errno.h>
#include <string.h>

#include "pins_private.h"

int pins_release_part(struct pins *pins, uint64_t first, uint64_t last,
		      const char *what)
{
	struct pin_part *part;
	int rc = -EINVAL;
	uint64_t pa;

	if (last < first || first >> PIN_PAGE_LG2 != last >> PIN_PAGE_LG2)
		return -EINVAL;
	pthread_mutex_lock(&pins->lock);
	pa = pin_live_page(pins, align_down_lg2(first, PIN_PAGE_LG2));
	if (!pa)
		goto out;
	rc = -ENOMEM;
	if (pins->nr_parts == PIN_PARTS_MAX)
		goto out;
	part = pin_node_alloc(pins, sizeof(*part));
	if (!part)
		goto out;
	part->gone.range.first = first;
	part->gone.range.last = last;
	part->gone.replaced = false;
	strncpy(part->gone.what, what ? what : "", sizeof(part->gone.what) - 1);
	part->pa = pa;
	list_add(&pins->parts, &part->node);
	pins->nr_parts++;
	pin_set(pins, pa, pin_get(pins, pa) | PIN_PART);
	rc = 0;
out:
	pthread_mutex_unlock(&pins->lock);
	return rc;
}

bool pins_find_part(struct pins *pins, uint64_t first, uint64_t last,
		    struct pin_gone *out)
{
	struct pin_part *part;
	bool found = false;

	pthread_mutex_lock(&pins->lock);
	list_for_each(part, &pins->parts, node) {
		const struct uiommu_range *range = &part->gone.range;

		if (range->last < first || range->first > last ||
		    (found && range->first > out->range.first))
			continue;
		*out = part->gone;
		found = true;
	}
	pthread_mutex_unlock(&pins->lock);
	if (!found)
		return false;
	out->range.first = max_u64(out->range.first, first);
	out->range.last = min_u64(out->range.last, last);
	return true;
}

/* Does another record lie on the page?  Under the lock. */
static bool has_parts(struct pins *pins, uint64_t pa)
{
	struct pin_part *part;

	list_for_each(part, &pins->parts, node)
		if (part->pa == pa)
			return true;
	return false;
}

/* Take one record whose page nobody has pinned any more; false: none. */
static bool reap_part(struct pins *pins, struct uiommu_range *range)
{
	struct pin_part *part, *tmp;

	list_for_each_safe(part, tmp, &pins->parts, node) {
		uint32_t word = pin_get(pins, part->pa);

		if (word & PIN_PART && word & PIN_COUNT_MASK)
			continue;
		*range = part->gone.range;
		list_del(&part->node);
		pins->nr_parts--;
		if (word & PIN_PART && !has_parts(pins, part->pa))
			pin_set(pins, part->pa, word & ~PIN_PART);
		pin_node_free(pins, part);
		return true;
	}
	return false;
}

void pins_reap_parts(struct pins *pins)
{
	struct uiommu_range range;
	bool found;

	while (load_relaxed(&pins->parts_wait)) {
		pthread_mutex_lock(&pins->lock);
		found = reap_part(pins, &range);
		if (!found)
			store_relaxed(&pins->parts_wait, 0);
		pthread_mutex_unlock(&pins->lock);
		if (found && pins->cfg.unpinned)
			pins->cfg.unpinned(pins->cfg.ctx, range.first,
					   range.last);
	}
}

void pins_fini_parts(struct pins *pins)
{
	struct pin_part *part, *tmp;

	list_for_each_safe(part, tmp, &pins->parts, node) {
		list_del(&part->node);
		pin_node_free(pins, part);
	}
}

/* An alias may stand for any page; without one, the page's word tells. */
bool pins_maybe(const struct pins *pins, uint64_t first, uint64_t last)
{
	uint64_t page = align_down_lg2(first, PIN_PAGE_LG2);

	if (!load_relaxed(&pins->busy_pages))
		return false;
	if (load_relaxed(&pins->nr_aliases) || last - first >= 16 * PIN_PAGE)
		return true;
	for (; page <= last; page += PIN_PAGE)
		if (pins_word(pins, page))
			return true;
	return false;
}
