/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.h - a set-associative cache of translations that many threads read
 * without a lock.
 *
 * An entry is a tag (what it translates), a key (whose it is, and a stamp), one
 * word of payload that hits want and 48 bits that few do: 30 bytes, so that a
 * set with its sequence word is two cache lines.  The stamp is a sum of
 * generation counters at the time of the look-up that made the entry.  A reader
 * asks for the key with the stamp that is current, so that bumping one counter
 * makes all entries of a group unreachable at once.
 *
 * A set has a sequence word, odd while somebody writes.  Writers take it by
 * compare-and-swap and so exclude each other; a reader that sees it odd or
 * changed takes that as a miss.  Words are stored with release and loaded with
 * acquire, so that a reader which sees a new word also sees the odd sequence.
 * The sequence also says which way is the next to be filled: they take turns,
 * and one that has been emptied comes first.
 *
 * A filler may be overtaken by an invalidation between its look at the tables
 * and its fill.  Invalidations by address therefore count in `kills` before
 * they search; the filler hands in the count it started from and the fill is
 * dropped if it is no longer the same.  The filler looks at the count when it
 * has taken the set, the searcher at the set when it has counted, both in the
 * one order of sequential consistency: one of the two sees the other, so a set
 * that is not taken and holds nothing to drop needs not be taken to know.
 * A filler that finds the set taken does not fill.
 */
#ifndef MODEL_CACHE_H
#define MODEL_CACHE_H

#include "base/bits.h"
#include "mem.h"
#include "mutant.h"

#define MCACHE_WAYS 4u

/* The halves of a key.  An owner has no two entries of one tag. */
#define MCACHE_OWNER GENMASK64(35, 0)
#define MCACHE_STAMP_SHIFT 36
/* Above this a stamp is not the sum it is taken for. */
#define MCACHE_STAMP_MAX GENMASK64(27, 0)

struct mcache_set {
	uint64_t seq;
	uint64_t tag[MCACHE_WAYS]; /* 0: nothing there */
	uint32_t aux_low[MCACHE_WAYS];
	uint16_t aux_high[MCACHE_WAYS];
	uint64_t key[MCACHE_WAYS];
	uint64_t out[MCACHE_WAYS];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct mcache_set) == 128, "two lines");

struct mcache {
	struct mcache_set *set; /* NULL: caches nothing */
	uint32_t mask;		/* sets - 1 */
	uint64_t kills;
	/*
	 * Sets that invalidations looked at; inexact if several do at a time.
	 * Away from what readers look at.
	 */
	uint64_t visits __attribute__((aligned(64)));
};

struct mcache_entry {
	uint64_t tag;
	uint64_t key;
	uint64_t out;
	uint64_t aux; /* 48 bits */
};

/* `entries` a power of two or 0.  -ENOMEM. */
int mcache_init(struct mcache *c, const struct uiommu_model_host *host,
		uint32_t entries);
void mcache_fini(struct mcache *c, const struct uiommu_model_host *host);
void mcache_clear(struct mcache *c);

static inline uint64_t mcache_key(uint64_t owner, uint64_t stamp)
{
	return owner + (stamp << MCACHE_STAMP_SHIFT);
}

static inline struct mcache_set *mcache_set(const struct mcache *c,
					    uint32_t idx)
{
	return &c->set[idx & c->mask];
}

/* Look in set `idx` for tag and key.  Stores the payload; aux if not NULL. */
static inline __attribute__((always_inline)) bool
mcache_find(const struct mcache *c, uint32_t idx, uint64_t tag, uint64_t key,
	    uint64_t *out, uint64_t *aux)
{
	const struct mcache_set *set = mcache_set(c, idx);
	uint64_t seq = load_acquire(&set->seq);

#pragma GCC unroll 4
	for (unsigned int i = 0; i < MCACHE_WAYS; i++) {
		if (load_acquire(&set->tag[i]) != tag ||
		    load_acquire(&set->key[i]) != key)
			continue;
		*out = load_acquire(&set->out[i]);
		if (aux)
			*aux = load_acquire(&set->aux_low[i]) |
			       (uint64_t)load_acquire(&set->aux_high[i]) << 32;
		/*
		 * If any word was of another entry, seq has moved.  If it was
		 * odd it cannot come to be one less.
		 */
		return load_relaxed(&set->seq) == (seq & ~UINT64_C(1));
	}
	return false;
}

/* The way that a fill takes, and the sequence that makes it be one. */
static inline uint64_t mcache_victim(uint64_t seq)
{
	return seq >> 1 & (MCACHE_WAYS - 1);
}

static inline uint64_t mcache_seq_for(uint64_t seq, uint64_t way)
{
	return seq + 2 +
	       ((way - mcache_victim(seq + 2)) & (MCACHE_WAYS - 1)) * 2;
}

/* A writer's way into a set whose sequence was `seq`, which is even. */
static inline bool mcache_take(struct mcache_set *set, uint64_t seq)
{
	return __atomic_compare_exchange_n(&set->seq, &seq, seq + 1, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline uint64_t mcache_kills(const struct mcache *c)
{
	return load_acquire(&c->kills);
}

/*
 * Put an entry in set `idx`, in place of one with the same tag and owner if
 * there is one.  `kills` is what mcache_kills() said before the tables were
 * looked at.
 */
static inline __attribute__((always_inline)) void
mcache_fill(struct mcache *c, uint32_t idx, const struct mcache_entry *e,
	    uint64_t kills)
{
	struct mcache_set *set = mcache_set(c, idx);
	uint64_t seq = load_relaxed(&set->seq);
	uint64_t way = mcache_victim(seq);

	if (unlikely((seq & 1) || !mcache_take(set, seq)))
		return;
	if (likely(__atomic_load_n(&c->kills, __ATOMIC_SEQ_CST) == kills ||
		   MUTANT("cache-kills"))) {
#pragma GCC unroll 4
		for (unsigned int i = 0; i < MCACHE_WAYS; i++) {
			if (unlikely(load_relaxed(&set->tag[i]) == e->tag) &&
			    !((load_relaxed(&set->key[i]) ^ e->key) &
			      MCACHE_OWNER))
				way = i;
		}
		store_release(&set->tag[way], e->tag);
		store_release(&set->key[way], e->key);
		store_release(&set->out[way], e->out);
		store_release(&set->aux_low[way], (uint32_t)e->aux);
		store_release(&set->aux_high[way], (uint16_t)(e->aux >> 32));
	}
	store_release(&set->seq, seq + 2);
}

/* Count an invalidation by address before searching for its entries. */
static inline void mcache_kill_begin(struct mcache *c)
{
	__atomic_fetch_add(&c->kills, 1, __ATOMIC_SEQ_CST);
}

/*
 * What to drop: entries whose owner is `owner` under `mask` and, if `match` is
 * there, for which it says so.  Lies in a structure of the caller's.
 */
struct mcache_kill {
	uint64_t owner, mask;
	bool (*match)(const struct mcache_kill *k,
		      const struct mcache_entry *e);
};

/* From one set, or from all; after mcache_kill_begin(). */
void mcache_kill_set(struct mcache *c, uint32_t idx,
		     const struct mcache_kill *k);
void mcache_kill_all(struct mcache *c, const struct mcache_kill *k);

#endif /* MODEL_CACHE_H */
