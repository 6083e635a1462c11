/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atc.c - look-up, fill and invalidation of the cache that atc.h describes.
 *
 * tag	valid 63, size less 12 57:52, page number 51:0
 * meta	owner (PASID, SSV, privilege, global) 22:0, rights
 * out	translated address
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

#define TAG_SIZE GENMASK64(57, 52)
#define TAG_PAGE GENMASK64(51, 0)

#define META_PASID GENMASK64(19, 0)
#define META_SSV BIT64(20)
#define META_PRIV BIT64(21)
#define META_GLOBAL BIT64(22)
#define META_OWNER GENMASK64(22, 0)
#define META_READ BIT64(32)
#define META_WRITE BIT64(33)
#define META_EXEC BIT64(34)

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

static uint64_t owner_meta(const struct atc_owner *owner)
{
	if (!owner->ssv)
		return 0;
	return FIELD_PREP(META_PASID, owner->pasid) | META_SSV |
	       (owner->priv ? META_PRIV : 0);
}

static uint64_t global_meta(bool priv)
{
	return META_SSV | META_GLOBAL | (priv ? META_PRIV : 0);
}

static uint64_t make_tag(uint64_t at, unsigned int lg2)
{
	return MCACHE_TAG_VALID | FIELD_PREP(TAG_SIZE, lg2 - 12) |
	       align_down_lg2(at, lg2) >> 12;
}

static uint32_t set_index(uint64_t meta, uint64_t at, unsigned int lg2)
{
	uint64_t salt = (meta & META_OWNER) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)((lg2 < 64 ? at >> lg2 : 0) + (salt >> 32));
}

/* ------------------------------------------------------ find and fill --- */

struct atc_ticket atc_ticket(const struct atc *atc)
{
	return (struct atc_ticket){
		.generation = load_acquire(&atc->generation),
		.kills = mcache_kills(&atc->cache),
	};
}

static bool find_owner(const struct atc *atc, uint64_t meta, uint64_t at,
		       struct atc_entry *out)
{
	uint64_t stamp = load_acquire(&atc->generation);
	uint64_t sizes = load_acquire(&atc->sizes);
	struct mcache_entry e;

	for (; sizes; sizes &= sizes - 1) {
		unsigned int lg2 = 12 + (unsigned int)__builtin_ctzll(sizes);

		if (!mcache_find(&atc->cache, set_index(meta, at, lg2),
				 make_tag(at, lg2), meta, META_OWNER, stamp, &e,
				 false))
			continue;
		*out = (struct atc_entry){
			.addr = e.out,
			.size_lg2 = (uint8_t)lg2,
			.read = e.meta & META_READ,
			.write = e.meta & META_WRITE,
			.exec = e.meta & META_EXEC,
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
	return find_owner(atc, owner_meta(owner), at, out) ||
	       (owner->ssv &&
		find_owner(atc, global_meta(owner->priv), at, out));
}

void atc_insert(struct atc *atc, const struct atc_owner *owner, uint64_t at,
		const struct uiommu_ats_translation *tr,
		const struct atc_ticket *ticket)
{
	uint64_t meta = tr->global && owner->ssv ? global_meta(owner->priv)
						 : owner_meta(owner);
	struct mcache_entry e = {
		.meta = meta | (tr->read ? META_READ : 0) |
			(tr->write ? META_WRITE : 0) |
			(tr->exec ? META_EXEC : 0),
		.stamp = ticket->generation,
		.out = tr->addr,
	};

	if (!atc->cache.set || tr->size_lg2 < 12 || tr->size_lg2 > 63)
		return;
	fetch_or_acq_rel(&atc->sizes, BIT64(tr->size_lg2 - 12));
	fence_full();
	mcache_fill(&atc->cache, set_index(meta, at, tr->size_lg2),
		    make_tag(at, tr->size_lg2), &e, META_OWNER,
		    MUTANT("atc-late-insert") ? mcache_kills(&atc->cache)
					      : ticket->kills);
}

/* ------------------------------------------------------- invalidation --- */

struct kill {
	uint64_t first, last;
	uint64_t meta, mask; /* whose; global ones too if `global` */
	bool global;
};

static bool kill_match(const void *arg, uint64_t tag, uint64_t meta,
		       const struct mcache_entry *entry)
{
	const struct kill *k = arg;
	unsigned int lg2 = 12 + (unsigned int)FIELD_GET(TAG_SIZE, tag);
	uint64_t first = (tag & TAG_PAGE) << 12;

	if (first > k->last || (first | mask_lg2(lg2)) < k->first)
		return false;
	return !((meta ^ k->meta) & k->mask) ||
	       (k->global && (meta & META_GLOBAL));
}

/* Sets of one owner to visit for one size, at most all. */
static uint64_t probes(const struct atc *atc, const struct kill *k,
		       unsigned int lg2)
{
	uint64_t n = (k->last >> lg2) - (k->first >> lg2);

	return min_u64(n, atc->cache.mask) + 1;
}

static void kill_size(struct atc *atc, const struct kill *k, uint64_t meta,
		      unsigned int lg2)
{
	uint64_t n = probes(atc, k, lg2);

	for (uint64_t i = 0; i < n; i++)
		mcache_kill_set(&atc->cache,
				set_index(meta, k->first + (i << lg2), lg2),
				kill_match, k);
}

static void kill_owners(struct atc *atc, const struct kill *k,
			const uint64_t *metas, unsigned int n)
{
	uint64_t sizes = load_acquire(&atc->sizes), work = 0;

	for (uint64_t s = sizes; s; s &= s - 1)
		work += n *
			probes(atc, k, 12 + (unsigned int)__builtin_ctzll(s));
	if (work > atc->cache.mask) {
		mcache_kill_all(&atc->cache, kill_match, k);
		return;
	}
	for (; sizes; sizes &= sizes - 1) {
		for (unsigned int i = 0; i < n; i++)
			kill_size(atc, k, metas[i],
				  12 + (unsigned int)__builtin_ctzll(sizes));
	}
}

void atc_invalidate(struct atc *atc, const struct uiommu_ats_inval *inval)
{
	struct atc_owner user = { .pasid = inval->ssid, .ssv = inval->ssv };
	struct atc_owner kernel = { .pasid = inval->ssid,
				    .ssv = inval->ssv,
				    .priv = true };
	uint64_t metas[4] = { owner_meta(&user), owner_meta(&kernel),
			      global_meta(false), global_meta(true) };
	struct kill k = {
		.first = align_down_lg2(inval->addr, inval->size_lg2),
		.last = inval->addr | mask_lg2(inval->size_lg2),
		.meta = metas[0],
		.mask = META_PASID | META_SSV,
		.global = inval->ssv,
	};

	if (!atc->cache.set)
		return;
	mcache_kill_begin(&atc->cache);
	fence_full();
	if (inval->ssv && inval->global) {
		k.meta = META_SSV;
		k.mask = META_SSV;
		mcache_kill_all(&atc->cache, kill_match, &k);
		return;
	}
	/* Without a PASID there is neither privilege nor a global one. */
	kill_owners(atc, &k, metas, inval->ssv ? ARRAY_SIZE(metas) : 1);
}

void atc_clear(struct atc *atc)
{
	fetch_add_acq_rel(&atc->generation, 1);
}
