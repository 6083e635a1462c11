/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atc.c - look-up, fill and invalidation of the cache that atc.h describes.
 *
 * tag	bits 63:n of the address of 2^n bytes in 52:n-11, below a one, then zeros
 * key	owner (PASID, SSV, privilege, global) 22:0, generation 63:36
 * out	translated address, rights
 *
 * A global translation is good for all PASIDs, so it belongs to none.
 *
 * An invalidation visits, for each size in use, the sets that its range can be
 * in, or the whole cache once if that is less.  It counts in cache.kills and
 * then reads `sizes`; a filler sets its bit in `sizes` and then reads kills.  With
 * a full barrier in both one of them sees the other: the entry is found, or not
 * put in.
 */
#include "atc.h"

#include "../mutant.h"
#include "base/bits.h"

#define KEY_PASID GENMASK64(19, 0)
#define KEY_SSV BIT64(20)
#define KEY_PRIV BIT64(21)
#define KEY_GLOBAL BIT64(22)

#define OUT_READ BIT64(0)
#define OUT_WRITE BIT64(1)
#define OUT_EXEC BIT64(2)
#define OUT_ADDR GENMASK64(63, 12)

/* Where the generation starts over, with everything forgotten. */
#define LAST_GENERATION BIT64(27)
_Static_assert(LAST_GENERATION < MCACHE_STAMP_MAX, "it is a stamp");

int atc_init(struct atc *atc, const struct uiommu_model_host *host,
	     uint32_t entries)
{
	*atc = (struct atc){ 0 };
	return mcache_init(&atc->cache, host, entries);
}

void atc_fini(struct atc *atc, const struct uiommu_model_host *host)
{
	mcache_fini(&atc->cache, host);
}

static uint64_t owner_key(const struct atc_owner *owner)
{
	if (!owner->ssv)
		return 0;
	return FIELD_PREP(KEY_PASID, owner->pasid) | KEY_SSV |
	       (owner->priv ? KEY_PRIV : 0);
}

static uint64_t global_key(bool priv)
{
	return KEY_SSV | KEY_GLOBAL | (priv ? KEY_PRIV : 0);
}

static uint64_t make_tag(uint64_t at, unsigned int lg2)
{
	return (at >> lg2 << 1 | 1) << (lg2 - 12);
}

static unsigned int tag_lg2(uint64_t tag)
{
	return 12 + (unsigned int)__builtin_ctzll(tag);
}

static uint64_t tag_first(uint64_t tag)
{
	return (tag & (tag - 1)) << 11;
}

static uint32_t set_index(uint64_t owner, uint64_t at, unsigned int lg2)
{
	uint64_t salt = owner * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)((at >> lg2) + (salt >> 32));
}

/* ------------------------------------------------------ find and fill --- */

struct atc_ticket atc_ticket(const struct atc *atc)
{
	struct atc_ticket ticket = { .kills = mcache_kills(&atc->cache) };

	/* In this order, see atc_clear(). */
	ticket.generation = load_acquire(&atc->generation);
	return ticket;
}

static bool find_owner(const struct atc *atc, uint64_t owner, uint64_t at,
		       struct atc_entry *entry)
{
	uint64_t key = mcache_key(owner, load_acquire(&atc->generation));
	uint64_t sizes = load_acquire(&atc->sizes), out;

	for (; sizes; sizes &= sizes - 1) {
		unsigned int lg2 = 12 + (unsigned int)__builtin_ctzll(sizes);

		if (!mcache_find(&atc->cache, set_index(owner, at, lg2),
				 make_tag(at, lg2), key, &out, NULL))
			continue;
		*entry = (struct atc_entry){
			.addr = out & OUT_ADDR,
			.size_lg2 = (uint8_t)lg2,
			.read = out & OUT_READ,
			.write = out & OUT_WRITE,
			.exec = out & OUT_EXEC,
		};
		return true;
	}
	return false;
}

bool atc_find(const struct atc *atc, const struct atc_owner *owner, uint64_t at,
	      struct atc_entry *out)
{
	if (!atc->cache.set)
		return false;
	return find_owner(atc, owner_key(owner), at, out) ||
	       (owner->ssv &&
		find_owner(atc, global_key(owner->priv), at, out));
}

void atc_insert(struct atc *atc, const struct atc_owner *owner, uint64_t at,
		const struct uiommu_ats_translation *tr,
		const struct atc_ticket *ticket)
{
	uint64_t whose = tr->global && owner->ssv ? global_key(owner->priv)
						  : owner_key(owner);
	struct mcache_entry e = {
		.key = mcache_key(whose, ticket->generation),
		.out = (tr->addr & OUT_ADDR) | (tr->read ? OUT_READ : 0) |
		       (tr->write ? OUT_WRITE : 0) | (tr->exec ? OUT_EXEC : 0),
	};

	if (!atc->cache.set || tr->size_lg2 < 12 || tr->size_lg2 > 63)
		return;
	e.tag = make_tag(at, tr->size_lg2);
	fetch_or_acq_rel(&atc->sizes, BIT64(tr->size_lg2 - 12));
	fence_full();
	mcache_fill(&atc->cache, set_index(whose, at, tr->size_lg2), &e,
		    MUTANT("atc-late-insert") ? mcache_kills(&atc->cache)
					      : ticket->kills);
}

/* ------------------------------------------------------- invalidation --- */

struct kill {
	struct mcache_kill of; /* whose it looks at by itself: */
	uint64_t first, last;
	uint64_t key, mask; /* whose; global ones too if `global` */
	bool global;
};

static bool kill_match(const struct mcache_kill *of,
		       const struct mcache_entry *e)
{
	const struct kill *k = (const void *)of; /* its first member */
	uint64_t first = tag_first(e->tag);

	if (first > k->last || (first | mask_lg2(tag_lg2(e->tag))) < k->first)
		return false;
	return !((e->key ^ k->key) & k->mask) ||
	       (k->global && (e->key & KEY_GLOBAL));
}

/* Sets of one owner to visit for one size, at most all. */
static uint64_t probes(const struct atc *atc, const struct kill *k,
		       unsigned int lg2)
{
	uint64_t n = (k->last >> lg2) - (k->first >> lg2);

	return min_u64(n, atc->cache.mask) + 1;
}

static void kill_size(struct atc *atc, const struct kill *k, uint64_t owner,
		      unsigned int lg2)
{
	uint64_t n = probes(atc, k, lg2);

	for (uint64_t i = 0; i < n; i++)
		mcache_kill_set(&atc->cache,
				set_index(owner, k->first + (i << lg2), lg2),
				&k->of);
}

static void kill_owners(struct atc *atc, const struct kill *k,
			const uint64_t *owners, unsigned int n)
{
	uint64_t sizes = load_acquire(&atc->sizes), work = 0;

	for (uint64_t s = sizes; s; s &= s - 1)
		work += n *
			probes(atc, k, 12 + (unsigned int)__builtin_ctzll(s));
	if (work > atc->cache.mask) {
		mcache_kill_all(&atc->cache, &k->of);
		return;
	}
	for (; sizes; sizes &= sizes - 1) {
		for (unsigned int i = 0; i < n; i++)
			kill_size(atc, k, owners[i],
				  12 + (unsigned int)__builtin_ctzll(sizes));
	}
}

void atc_invalidate(struct atc *atc, const struct uiommu_ats_inval *inval)
{
	struct atc_owner user = { .pasid = inval->ssid, .ssv = inval->ssv };
	struct atc_owner kernel = { .pasid = inval->ssid,
				    .ssv = inval->ssv,
				    .priv = true };
	uint64_t owners[4] = { owner_key(&user), owner_key(&kernel),
			       global_key(false), global_key(true) };
	struct kill k = {
		.of.match = kill_match,
		.first = align_down_lg2(inval->addr, inval->size_lg2),
		.last = inval->addr | mask_lg2(inval->size_lg2),
		.key = owners[0],
		.mask = KEY_PASID | KEY_SSV,
		.global = inval->ssv,
	};

	if (!atc->cache.set)
		return;
	mcache_kill_begin(&atc->cache);
	fence_full();
	if (inval->ssv && inval->global) {
		k.key = KEY_SSV;
		k.mask = KEY_SSV;
		mcache_kill_all(&atc->cache, &k.of);
		return;
	}
	/* Without a PASID there is neither privilege nor a global one. */
	kill_owners(atc, &k, owners, inval->ssv ? ARRAY_SIZE(owners) : 1);
}

/*
 * At its last number the generation starts over.  Entries with numbers to come
 * must not be there then: neither of the round that ends, nor made with the
 * last number meanwhile.
 */
void atc_clear(struct atc *atc)
{
	if (likely(fetch_add_acq_rel(&atc->generation, 1) + 1 !=
		   LAST_GENERATION))
		return;
	mcache_clear(&atc->cache);
	store_release(&atc->generation, 0);
	mcache_clear(&atc->cache);
}
