/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pins_gone.c - pinned memory that the process gives up: released (it stays for
 * the devices until its last pin goes, then it is reaped) or replaced (its pins
 * are dead at once).  Each is remembered, with a word for it, for as long as a
 * device may still use a mapping of it.
 */
#include <errno.h>
#include <string.h>

#include "pins_private.h"

uint64_t pin_live_page(struct pins *pins, uint64_t uva)
{
	uint64_t pa = pin_current_alias(pins, uva);

	if (!pa)
		pa = uva;
	return pin_usable(pin_get(pins, pa)) ? pa : 0;
}

bool pins_next(struct pins *pins, uint64_t first, uint64_t last,
	       struct uiommu_range *out)
{
	uint64_t va = align_down_lg2(first, PIN_PAGE_LG2);
	bool found = false;

	if (!load_relaxed(&pins->busy_pages) || last < first)
		return false;
	last = min_u64(last, BIT64(PIN_ADDR_LG2) - 1);
	pthread_mutex_lock(&pins->lock);
	while (va <= last) {
		if (pin_live_page(pins, va)) {
			if (!found)
				out->first = max_u64(va, first);
			found = true;
			out->last = min_u64(va + PIN_PAGE - 1, last);
			va += PIN_PAGE;
		} else if (found) {
			break;
		} else {
			va = pin_skip_holes(pins, va + PIN_PAGE, last);
		}
	}
	pthread_mutex_unlock(&pins->lock);
	return found;
}

static bool held(uint32_t word)
{
	return word & PIN_COUNT_MASK && word & (PIN_RELEASED | PIN_DEAD);
}

/* Does anybody still have a pin of what `gone` names?  Under the lock. */
static bool still_held(struct pins *pins, const struct pin_gone *gone)
{
	struct pin_alias *alias;

	uint64_t last = gone->range.last;

	for (uint64_t va = pin_skip_holes(pins, gone->range.first, last);
	     va <= last; va = pin_skip_holes(pins, va + PIN_PAGE, last))
		if (held(pin_get(pins, va)))
			return true;
	list_for_each(alias, &pins->aliases, node) {
		for (uint64_t pa = alias->pa.first; pa <= alias->pa.last;
		     pa += PIN_PAGE) {
			uint64_t uva = alias->uva + (pa - alias->pa.first);

			if (uva >= gone->range.first &&
			    uva <= gone->range.last && held(pin_get(pins, pa)))
				return true;
		}
	}
	return false;
}

/* Drop the records of what nobody can reach any more. */
static void trim_gone(struct pins *pins)
{
	struct pin_gone *gone, *tmp;

	list_for_each_safe(gone, tmp, &pins->gone, node) {
		if (still_held(pins, gone))
			continue;
		list_del(&gone->node);
		pin_node_free(pins, gone);
		pins->nr_gone--;
	}
}

/* For reports only: without memory, or with too many, they say less. */
static void remember(struct pins *pins, uint64_t first, uint64_t last,
		     const char *what, bool replaced)
{
	struct pin_gone *gone;

	if (pins->nr_gone == PIN_GONE_MAX)
		trim_gone(pins);
	if (pins->nr_gone == PIN_GONE_MAX)
		return;
	gone = pin_node_alloc(pins, sizeof(*gone));
	if (!gone)
		return;
	gone->range.first = first;
	gone->range.last = last;
	gone->replaced = replaced;
	strncpy(gone->what, what ? what : "", sizeof(gone->what) - 1);
	list_add(&pins->gone, &gone->node);
	pins->nr_gone++;
}

void pins_visit_gone(struct pins *pins,
		     void (*fn)(void *ctx, const struct pin_gone *gone),
		     void *ctx)
{
	struct pin_gone *gone;

	pthread_mutex_lock(&pins->lock);
	trim_gone(pins);
	list_for_each(gone, &pins->gone, node)
		fn(ctx, gone);
	pthread_mutex_unlock(&pins->lock);
}

static bool whole_pages(uint64_t first, uint64_t last)
{
	return first <= last && !(first & (PIN_PAGE - 1)) &&
	       !((last + 1) & (PIN_PAGE - 1)) && !(last >> PIN_ADDR_LG2);
}

int pins_release(struct pins *pins, uint64_t first, uint64_t last,
		 const char *what)
{
	int rc = -EINVAL;

	if (!whole_pages(first, last))
		return -EINVAL;
	pthread_mutex_lock(&pins->lock);
	for (uint64_t va = first; va <= last; va += PIN_PAGE)
		if (!pin_live_page(pins, va))
			goto out;
	for (uint64_t va = first; va <= last; va += PIN_PAGE) {
		uint64_t pa = pin_live_page(pins, va);

		pin_set(pins, pa, pin_get(pins, pa) | PIN_RELEASED);
	}
	remember(pins, first, last, what, false);
	rc = 0;
out:
	pthread_mutex_unlock(&pins->lock);
	return rc;
}

/* Make one physical page's pins dead; true if there are any. */
static bool kill_page(struct pins *pins, uint64_t pa, bool *lost)
{
	uint32_t word = pin_get(pins, pa);

	if (!(word & PIN_COUNT_MASK)) {
		/* Waits to be reaped: there is nothing left to give back. */
		if (word & PIN_RELEASED) {
			fetch_add_relaxed(&pins->reap_pages, (uint64_t)-1);
			pin_set(pins, pa, 0);
		}
		return false;
	}
	if (word & PIN_DEAD)
		return false;
	pin_set(pins, pa, (word & (PIN_COUNT_MASK | PIN_KEPT)) | PIN_DEAD);
	*lost |= !(word & PIN_KEPT);
	return true;
}

/* The same for the aliases of [first, last]. */
static bool kill_aliases(struct pins *pins, uint64_t first, uint64_t last,
			 bool *lost)
{
	struct pin_alias *alias;
	bool any = false;

	list_for_each(alias, &pins->aliases, node) {
		for (uint64_t pa = alias->pa.first; pa <= alias->pa.last;
		     pa += PIN_PAGE) {
			uint64_t uva = alias->uva + (pa - alias->pa.first);

			if (uva >= first && uva <= last)
				any |= kill_page(pins, pa, lost);
		}
	}
	return any;
}

int pins_replace(struct pins *pins, uint64_t first, uint64_t last,
		 const char *what)
{
	bool any = false, aliased, lost = false;

	first = align_down_lg2(first, PIN_PAGE_LG2);
	if (!load_relaxed(&pins->busy_pages))
		return 0;
	if (last < first)
		return -EINVAL;
	last = min_u64(last, BIT64(PIN_ADDR_LG2) - 1);
	pthread_mutex_lock(&pins->lock);
	pins_keep_shared(pins, first, last);
	for (uint64_t va = pin_skip_holes(pins, first, last); va <= last;
	     va = pin_skip_holes(pins, va + PIN_PAGE, last))
		any |= kill_page(pins, va, &lost);
	aliased = kill_aliases(pins, first, last, &lost);
	if (any || aliased)
		remember(pins, first, last, what, lost);
	pthread_mutex_unlock(&pins->lock);

	if (any)
		pins->cfg.drain(pins->cfg.ctx, first, last);
	if (aliased)
		pins->cfg.drain(pins->cfg.ctx, pins->cfg.alias_window.first,
				pins->cfg.alias_window.last);
	return 0;
}

bool pins_find_gone(struct pins *pins, uint64_t uva, struct pin_gone *out)
{
	struct pin_gone *gone;
	bool found = false;

	pthread_mutex_lock(&pins->lock);
	list_for_each(gone, &pins->gone, node) {
		if (uva < gone->range.first || uva > gone->range.last)
			continue;
		*out = *gone;
		found = true;
		break;
	}
	pthread_mutex_unlock(&pins->lock);
	return found;
}

/* ----------------------------------------------------------------- reap -- */

/* Take one run of pages that wait; false: none. */
static bool reap_one(struct pins *pins, struct uiommu_range *uva)
{
	bool found = false;
	uint64_t pa = pins->reap_first;

	for (; pa <= pins->reap_last;
	     pa = pin_skip_holes(pins, pa + PIN_PAGE, pins->reap_last)) {
		uint64_t at = pins_uva(pins, pa);

		if (pin_get(pins, pa) != PIN_RELEASED) {
			if (found)
				break;
			continue;
		}
		if (found && at != uva->last + 1)
			break;
		if (!found)
			uva->first = at;
		found = true;
		uva->last = at + PIN_PAGE - 1;
		pin_set(pins, pa, 0);
		fetch_add_relaxed(&pins->reap_pages, (uint64_t)-1);
	}
	pins->reap_first = pa;
	return found;
}

void pins_reap(struct pins *pins)
{
	struct uiommu_range uva;
	bool found;

	pins_reap_parts(pins);
	while (load_relaxed(&pins->reap_pages)) {
		pthread_mutex_lock(&pins->lock);
		found = reap_one(pins, &uva);
		if (found)
			pin_trim_aliases(pins);
		pthread_mutex_unlock(&pins->lock);
		if (!found)
			break;
		if (pins->cfg.unpinned)
			pins->cfg.unpinned(pins->cfg.ctx, uva.first, uva.last);
	}
}
