/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rawcache.c - with UIOMMU_SMMUV3_CACHING_GREEDY: level-1 descriptors, STEs and
 * CDs kept by themselves, as they were read.
 *
 * The architecture lets each structure be cached apart, in any state, until a
 * CFGI command that names it (IHI 0070 3.21.3, 4.3).  Contexts (cfgcache.c) are
 * made of what is found here, so that a command with Leaf set, or of a CD alone,
 * leaves the older structures above it in force.
 *
 * A level-1 stream descriptor is known by its place in the table; all else by
 * its StreamID: a CD that two streams share is kept twice.
 *
 * raw->lock protects everything here; it is taken with no other lock held but
 * cmdq_lock, and not over memory accesses.  Commands drop structures here before
 * they drop contexts, so that no context can be made of what was dropped.
 *
 * A structure is fetched from where the one above it says, so all that a look-up
 * fetches is as old as its beginning: it takes `kills` then, and what it puts in
 * afterwards is refused if any command came between.
 */
#include <errno.h>
#include <string.h>

#include "../mutant.h"
#include "msmmu.h"

#define RAW_WAYS 4u
#define RAW_SETS 1024u

struct raw_entry {
	bool used;
	struct msmmu_raw_key key;
	uint64_t pa;
	uint64_t q[SMMU_STE_QWORDS];
};

struct msmmu_raw {
	pthread_mutex_t lock;
	uint64_t kills; /* invalidations; read without the lock too */
	uint32_t victim;
	struct raw_entry way[RAW_SETS][RAW_WAYS];
};

int msmmu_raw_init(msmmu *m)
{
	if (m->profile.caching != UIOMMU_SMMUV3_CACHING_GREEDY)
		return 0;
	m->raw = model_alloc(&m->host, sizeof(*m->raw));
	if (!m->raw)
		return -ENOMEM;
	pthread_mutex_init(&m->raw->lock, NULL);
	return 0;
}

void msmmu_raw_fini(msmmu *m)
{
	if (!m->raw)
		return;
	pthread_mutex_destroy(&m->raw->lock);
	model_free(&m->host, m->raw);
	m->raw = NULL;
}

/* Another thread held the lock when this process was forked off. */
void msmmu_raw_forked(msmmu *m)
{
	if (m->raw)
		pthread_mutex_init(&m->raw->lock, NULL);
}

static bool same(const struct msmmu_raw_key *a, const struct msmmu_raw_key *b)
{
	return a->kind == b->kind && a->sid == b->sid && a->index == b->index &&
	       a->split == b->split;
}

static struct raw_entry *raw_set(struct msmmu_raw *raw,
				 const struct msmmu_raw_key *key)
{
	uint32_t h = key->sid * 0x9e3779b1u ^ key->index * 0x85ebca6bu ^
		     key->kind * 0xc2b2ae35u;

	return raw->way[(h ^ h >> 15) % RAW_SETS];
}

uint64_t msmmu_raw_begin(const msmmu *m)
{
	return m->raw ? load_acquire(&m->raw->kills) : 0;
}

bool msmmu_raw_get(msmmu *m, const struct msmmu_raw_key *key, uint64_t *words,
		   unsigned int n, uint64_t *pa)
{
	struct msmmu_raw *raw = m->raw;
	struct raw_entry *set;
	bool found = false;

	if (likely(!raw))
		return false;
	set = raw_set(raw, key);
	pthread_mutex_lock(&raw->lock);
	for (unsigned int i = 0; i < RAW_WAYS && !found; i++) {
		if (!set[i].used || !same(&set[i].key, key))
			continue;
		memcpy(words, set[i].q, n * sizeof(*words));
		*pa = set[i].pa;
		found = true;
	}
	pthread_mutex_unlock(&raw->lock);
	return found;
}

void msmmu_raw_put(msmmu *m, const struct msmmu_raw_key *key,
		   const uint64_t *words, unsigned int n, uint64_t pa,
		   uint64_t kills)
{
	struct msmmu_raw *raw = m->raw;
	struct raw_entry *set, *e;

	if (likely(!raw))
		return;
	set = raw_set(raw, key);
	pthread_mutex_lock(&raw->lock);
	if (raw->kills != kills && !MUTANT("raw-kills"))
		goto out; /* overtaken */
	e = &set[raw->victim++ % RAW_WAYS];
	for (unsigned int i = 0; i < RAW_WAYS; i++) {
		if (!set[i].used || same(&set[i].key, key))
			e = &set[i];
	}
	*e = (struct raw_entry){ .used = true, .key = *key, .pa = pa };
	memcpy(e->q, words, n * sizeof(*words));
out:
	pthread_mutex_unlock(&raw->lock);
}

/* ------------------------------------------------------------ commands -- */

static bool reaches(const struct msmmu_inval *r,
		    const struct msmmu_raw_key *key)
{
	uint64_t sid_last = r->sid | mask_lg2(r->sids_lg2);
	uint64_t first = key->sid, last = key->sid;

	if (key->kind == MSMMU_RAW_L1STD) {
		first = (uint64_t)key->index << key->split;
		last = first | mask_lg2(key->split);
	}
	if (last < r->sid || first > sid_last)
		return false;
	switch (r->op) {
	case SMMU_CMD_OP_CFGI_CD:
		if (key->kind == MSMMU_RAW_CD)
			return key->index == r->ssid && !MUTANT("raw-cfgi-cd");
		return key->kind == MSMMU_RAW_L1CD && !r->tlb.leaf_only &&
		       !MUTANT("raw-cfgi-cd-leaf0") &&
		       key->index == r->ssid >> key->split;
	case SMMU_CMD_OP_CFGI_CD_ALL:
		return key->kind == MSMMU_RAW_CD ||
		       (key->kind == MSMMU_RAW_L1CD &&
			!MUTANT("raw-cfgi-cd-all"));
	default:
		if (key->kind == MSMMU_RAW_STE)
			return !MUTANT("raw-cfgi-ste");
		return key->kind != MSMMU_RAW_L1STD ||
		       (!r->tlb.leaf_only && !MUTANT("raw-cfgi-ste-leaf0"));
	}
}

void msmmu_raw_cfgi(msmmu *m, const struct msmmu_inval *inval)
{
	struct msmmu_raw *raw = m->raw;

	if (likely(!raw))
		return;
	pthread_mutex_lock(&raw->lock);
	store_release(&raw->kills, raw->kills + 1);
	for (unsigned int i = 0; i < RAW_SETS * RAW_WAYS; i++) {
		struct raw_entry *e = &raw->way[i / RAW_WAYS][i % RAW_WAYS];

		if (e->used && reaches(inval, &e->key))
			e->used = false;
	}
	pthread_mutex_unlock(&raw->lock);
}

void msmmu_raw_reset(msmmu *m)
{
	static const struct msmmu_inval all = {
		.op = SMMU_CMD_OP_CFGI_STE_RANGE,
		.sids_lg2 = 32,
	};

	msmmu_raw_cfgi(m, &all);
}
