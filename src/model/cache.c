/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.c - making and clearing the cache that cache.h describes.
 *
 * Whoever takes entries out must find all of them, so it waits for a set that
 * is taken.  A writer holds one set at a time and only for a few stores, so
 * spinning is the right wait.  Nothing here can fail but the first allocation.
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

		if (!(seq & 1) && mcache_take(set, seq))
			return seq;
		if (++spins % 64 == 0)
			sched_yield();
	}
}

static bool way_matches(const struct mcache_set *set, unsigned int way,
			const struct mcache_kill *k)
{
	struct mcache_entry e = {
		.tag = load_acquire(&set->tag[way]),
		.key = load_acquire(&set->key[way]),
	};

	if (!e.tag || ((e.key ^ k->owner) & k->mask))
		return false;
	if (!k->match)
		return true;
	e.out = load_acquire(&set->out[way]);
	e.aux = load_acquire(&set->aux_low[way]) |
		(uint64_t)load_acquire(&set->aux_high[way]) << 32;
	return k->match(k, &e);
}

/* Nobody writes the set, and nothing in it matches. */
static bool set_is_clean(const struct mcache_set *set,
			 const struct mcache_kill *k)
{
	uint64_t seq = __atomic_load_n(&set->seq, __ATOMIC_SEQ_CST);

	for (unsigned int i = 0; i < MCACHE_WAYS; i++) {
		if (way_matches(set, i, k))
			return false;
	}
	return load_relaxed(&set->seq) == (seq & ~UINT64_C(1));
}

void mcache_kill_set(struct mcache *c, uint32_t idx,
		     const struct mcache_kill *k)
{
	struct mcache_set *set = mcache_set(c, idx);
	uint64_t seq, next;

	store_relaxed(&c->visits, load_relaxed(&c->visits) + 1);
	if (set_is_clean(set, k))
		return;
	seq = set_lock(set);
	next = seq + 2;
	for (unsigned int i = MCACHE_WAYS; i-- > 0;) {
		if (!way_matches(set, i, k))
			continue;
		store_release(&set->tag[i], 0);
		next = mcache_seq_for(seq, i);
	}
	store_release(&set->seq, next);
}

void mcache_kill_all(struct mcache *c, const struct mcache_kill *k)
{
	for (uint32_t i = 0; i <= c->mask; i++)
		mcache_kill_set(c, i, k);
}

void mcache_clear(struct mcache *c)
{
	static const struct mcache_kill any;

	if (!c->set)
		return;
	mcache_kill_begin(c);
	mcache_kill_all(c, &any);
}
