/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.c - writers of the cache that cache.h describes.
 *
 * A writer holds one set at a time and only for a few stores, so spinning is
 * the right wait.  Nothing here can fail but the first allocation.
 */
#include "cache.h"

#include <errno.h>
#include <sched.h>

#include "mutant.h"

int mcache_init(struct mcache *c, const struct uiommu_model_host *host,
		uint32_t entries)
{
	uint32_t sets = entries / MCACHE_WAYS;

	*c = (struct mcache){ 0 };
	if (!entries)
		return 0;
	if (!sets)
		sets = 1;
	c->set = model_alloc(host, (size_t)sets * sizeof(*c->set));
	if (!c->set)
		return -ENOMEM;
	c->mask = sets - 1;
	return 0;
}

void mcache_fini(struct mcache *c, const struct uiommu_model_host *host)
{
	model_free(host, c->set);
	c->set = NULL;
}

static uint64_t set_lock(struct mcache_set *set)
{
	unsigned int spins = 0;

	for (;;) {
		uint64_t seq = load_relaxed(&set->seq);

		if (!(seq & 1) && cmpxchg_acq_rel(&set->seq, &seq, seq + 1))
			return seq + 1;
		if (++spins % 64 == 0)
			sched_yield();
	}
}

static void set_unlock(struct mcache_set *set, uint64_t seq)
{
	store_release(&set->seq, seq + 1);
}

static unsigned int pick_way(const struct mcache_set *set, uint64_t tag,
			     uint64_t meta, uint64_t mask)
{
	unsigned int empty = MCACHE_WAYS;

	for (unsigned int i = 0; i < MCACHE_WAYS; i++) {
		uint64_t t = load_relaxed(&set->tag[i]);

		if (t == tag &&
		    !((load_relaxed(&set->way[i].meta) ^ meta) & mask))
			return i;
		if (!t && empty == MCACHE_WAYS)
			empty = i;
	}
	return empty;
}

void mcache_fill(struct mcache *c, uint32_t idx, uint64_t tag,
		 const struct mcache_entry *entry, uint64_t mask,
		 uint64_t kills)
{
	struct mcache_set *set = &c->set[idx & c->mask];
	uint64_t seq = set_lock(set);
	struct mcache_entry *e;
	unsigned int way;

	if (load_acquire(&c->kills) != kills && !MUTANT("cache-kills"))
		goto out;
	way = pick_way(set, tag, entry->meta, mask);
	if (way == MCACHE_WAYS) {
		way = set->victim % MCACHE_WAYS;
		store_relaxed(&set->victim, set->victim + 1);
	}
	e = &set->way[way];
	store_release(&set->tag[way], tag);
	store_release(&e->meta, entry->meta);
	store_release(&e->stamp, entry->stamp);
	store_release(&e->out, entry->out);
	store_release(&e->aux, entry->aux);
out:
	set_unlock(set, seq);
}

void mcache_kill_set(struct mcache *c, uint32_t idx, mcache_match match,
		     const void *arg)
{
	struct mcache_set *set = &c->set[idx & c->mask];
	uint64_t seq = set_lock(set);

	for (unsigned int i = 0; i < MCACHE_WAYS; i++) {
		uint64_t tag = load_relaxed(&set->tag[i]);

		if (tag && match(arg, tag, set->way[i].meta, &set->way[i]))
			store_release(&set->tag[i], 0);
	}
	set_unlock(set, seq);
}

void mcache_kill_all(struct mcache *c, mcache_match match, const void *arg)
{
	for (uint32_t i = 0; i <= c->mask; i++)
		mcache_kill_set(c, i, match, arg);
}

static bool match_any(const void *arg, uint64_t tag, uint64_t meta,
		      const struct mcache_entry *entry)
{
	return true;
}

void mcache_clear(struct mcache *c)
{
	if (!c->set)
		return;
	mcache_kill_begin(c);
	mcache_kill_all(c, match_any, NULL);
}
