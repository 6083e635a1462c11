/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.h - a set-associative cache of translations that many threads read
 * without a lock.
 *
 * An entry is a tag (what it translates), meta (whom it belongs to and what it
 * allows), a stamp (sum of generation counters at the time of the look-up that
 * made it), and two words of payload.  What counts as valid is the owner's: it
 * passes the stamp that is current, so that bumping one counter makes all
 * entries of a group unreachable at once.
 *
 * A set has a sequence word, odd while somebody writes.  Writers take it by
 * compare-and-swap and so exclude each other; a reader that sees it odd or
 * changed takes that as a miss.  Payload is stored with release and loaded with
 * acquire, so that a reader which sees a new word also sees the odd sequence.
 *
 * A filler may be overtaken by an invalidation between its look at the tables
 * and its fill.  Invalidations by address therefore count in `kills` before
 * they search; the filler hands in the count it started from and the fill is
 * dropped if it is no longer the same.  Both happen under the set's sequence
 * word.
 */
#ifndef MODEL_CACHE_H
#define MODEL_CACHE_H

#include "mem.h"

#define MCACHE_WAYS 4u

/* Set in every tag that is in use. */
#define MCACHE_TAG_VALID (UINT64_C(1) << 63)

struct mcache_entry {
	uint64_t meta;
	uint64_t stamp;
	uint64_t out;
	uint64_t aux;
};

struct mcache_set {
	uint64_t seq;
	uint64_t tag[MCACHE_WAYS];
	uint64_t victim; /* next way to lose; under seq */
	uint64_t pad[2];
	struct mcache_entry way[MCACHE_WAYS];
} __attribute__((aligned(64)));

struct mcache {
	struct mcache_set *set; /* NULL: caches nothing */
	uint32_t mask;		/* sets - 1 */
	uint64_t kills;
};

/* `entries` a power of two or 0.  -ENOMEM. */
int mcache_init(struct mcache *c, const struct uiommu_model_host *host,
		uint32_t entries);
void mcache_fini(struct mcache *c, const struct uiommu_model_host *host);
void mcache_clear(struct mcache *c);

/*
 * Look in set `idx` for `tag` with meta equal under `mask` and this stamp.
 * Stores the payload, aux only if it is wanted.
 */
static inline __attribute__((always_inline)) bool
mcache_find(const struct mcache *c, uint32_t idx, uint64_t tag, uint64_t meta,
	    uint64_t mask, uint64_t stamp, struct mcache_entry *out,
	    bool want_aux)
{
	const struct mcache_set *set = &c->set[idx & c->mask];
	uint64_t seq = load_acquire(&set->seq);

#pragma GCC unroll 4
	for (unsigned int i = 0; i < MCACHE_WAYS; i++) {
		const struct mcache_entry *e = &set->way[i];

		if (load_acquire(&set->tag[i]) != tag)
			continue;
		out->meta = load_acquire(&e->meta);
		out->stamp = load_acquire(&e->stamp);
		out->out = load_acquire(&e->out);
		if (want_aux)
			out->aux = load_acquire(&e->aux);
		/* If any word was of another entry, seq has moved. */
		if ((seq & 1) || load_relaxed(&set->seq) != seq)
			return false;
		if (!((out->meta ^ meta) & mask) && out->stamp == stamp)
			return true;
	}
	return false;
}

static inline uint64_t mcache_kills(const struct mcache *c)
{
	return load_acquire(&c->kills);
}

/*
 * Put an entry in set `idx`, in place of one with the same tag and meta under
 * `mask` if there is one.  `kills` is what mcache_kills() said before the
 * tables were looked at.
 */
void mcache_fill(struct mcache *c, uint32_t idx, uint64_t tag,
		 const struct mcache_entry *entry, uint64_t mask,
		 uint64_t kills);

/* Count an invalidation by address before searching for its entries. */
static inline void mcache_kill_begin(struct mcache *c)
{
	fetch_add_acq_rel(&c->kills, 1);
}

typedef bool (*mcache_match)(const void *arg, uint64_t tag, uint64_t meta,
			     const struct mcache_entry *entry);

/* Drop the entries of one set, or of all, that match. */
void mcache_kill_set(struct mcache *c, uint32_t idx, mcache_match match,
		     const void *arg);
void mcache_kill_all(struct mcache *c, mcache_match match, const void *arg);

#endif /* MODEL_CACHE_H */
