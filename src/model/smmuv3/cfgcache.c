/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfgcache.c - contexts that are kept, and the CFGI commands' reach.
 *
 * The table is set-associative and holds pointers to contexts, which never
 * change once they are in it.  Readers take no lock: they find a pointer,
 * compare key and stamp in the context, and use it while they are inside (see
 * drain.h).  A context that is thrown out goes to the retired list and is used
 * again only after a drain, when nobody can hold it.
 *
 * The stamp is the sum of a generation of all and one of the StreamID (hashed).
 * CFGI of CDs and ranges of StreamIDs look for what they mean; they count in
 * cfg_kills first, so that a context made from older memory is not put in
 * afterwards.
 *
 * When no context is free the transaction works with one on its own stack;
 * nothing is cached then until the next drain.
 */
#include <errno.h>
#include <string.h>

#include "../mutant.h"
#include "cfg_inline.h"
#include "msmmu.h"

int msmmu_cfg_init(msmmu *m)
{
	uint32_t entries = m->profile.config_entries;
	uint32_t sets = entries / MSMMU_CFG_WAYS;
	uint32_t pool = entries + entries / 2 + 64;

	m->cfg_sid_gen = model_alloc(&m->host, MSMMU_NR_SID_GENS *
						       sizeof(*m->cfg_sid_gen));
	if (!m->cfg_sid_gen || msmmu_raw_init(m))
		return -ENOMEM;
	if (!entries)
		return 0;
	if (!sets)
		sets = 1;
	m->cfg_mask = sets - 1;
	m->cfg_sets = model_alloc(&m->host, sets * sizeof(*m->cfg_sets));
	m->ctx_pool = model_alloc(&m->host, pool * sizeof(*m->ctx_pool));
	if (!m->cfg_sets || !m->ctx_pool)
		return -ENOMEM;
	for (uint32_t i = 0; i < pool; i++) {
		m->ctx_pool[i].next = m->ctx_free;
		m->ctx_free = &m->ctx_pool[i];
	}
	return 0;
}

void msmmu_cfg_fini(msmmu *m)
{
	msmmu_raw_fini(m);
	model_free(&m->host, m->ctx_pool);
	model_free(&m->host, m->cfg_sets);
	model_free(&m->host, m->cfg_sid_gen);
}

/* ---------------------------------------------- under cfg_lock ---------- */

static void retire(msmmu *m, struct msmmu_ctx **way)
{
	struct msmmu_ctx *ctx = *way;

	store_release(way, NULL);
	ctx->next = m->ctx_retired;
	m->ctx_retired = ctx;
	store_relaxed(&m->nr_retired, m->nr_retired + 1);
}

static void retire_if(msmmu *m, struct msmmu_cfg_set *set, uint64_t mask,
		      uint64_t key)
{
	for (unsigned int i = 0; i < MSMMU_CFG_WAYS; i++) {
		if (set->way[i] && !((set->way[i]->key ^ key) & mask))
			retire(m, &set->way[i]);
	}
}

static void retire_all_if(msmmu *m, uint64_t mask, uint64_t key)
{
	for (uint32_t s = 0; s <= m->cfg_mask; s++)
		retire_if(m, &m->cfg_sets[s], mask, key);
}

static struct msmmu_ctx **pick_way(msmmu *m, struct msmmu_cfg_set *set,
				   uint64_t key)
{
	for (unsigned int i = 0; i < MSMMU_CFG_WAYS; i++) {
		if (set->way[i] && set->way[i]->key == key)
			return &set->way[i];
	}
	for (unsigned int i = 0; i < MSMMU_CFG_WAYS; i++) {
		if (!set->way[i] ||
		    set->way[i]->stamp != cfg_stamp(m, set->way[i]->sid))
			return &set->way[i];
	}
	return &set->way[m->cfg_victim++ % MSMMU_CFG_WAYS];
}

/* ----------------------------------------------------------- look-up ---- */

static void insert(msmmu *m, const struct msmmu_ctx *made, uint64_t kills)
{
	struct msmmu_cfg_set *set = cfg_set(m, made->key);
	struct msmmu_ctx **way, *ctx;

	pthread_mutex_lock(&m->cfg_lock);
	ctx = m->ctx_free;
	if (!ctx || (m->cfg_kills != kills && !MUTANT("cfg-kills")))
		goto out;
	m->ctx_free = ctx->next;
	*ctx = *made;
	way = pick_way(m, set, made->key);
	if (*way)
		retire(m, way);
	store_release(way, ctx);
out:
	pthread_mutex_unlock(&m->cfg_lock);
}

const struct msmmu_ctx *msmmu_cfg_get(struct msmmu_txn *t, uint64_t key,
				      struct msmmu_ctx *spare)
{
	msmmu *m = t->m;
	uint64_t kills = load_acquire(&m->cfg_kills);
	uint64_t stamp = cfg_stamp(m, (uint32_t)key);

	model_count(t->slot, MSMMU_CONFIG_MISSES, 1);
	if ((msmmu_ctx_make(t, key, spare) ||
	     MUTANT("cfg-failed-fetch-cached")) &&
	    m->cfg_sets) {
		spare->stamp = stamp;
		spare->sid_gen = cfg_sid_gen(m, spare->sid);
		msmmu_ctx_set_want(spare);
		msmmu_ctx_set_quick(m, spare);
		insert(m, spare, kills);
	}
	return spare;
}

/* ------------------------------------------------------- invalidation --- */

void msmmu_cfgi_all(msmmu *m)
{
	if (!MUTANT("cfg-all-generation"))
		fetch_add_acq_rel(&m->cfg_all_gen, 1);
}

void msmmu_cfgi_ste(msmmu *m, uint32_t sid)
{
	if (!MUTANT("cfg-sid-generation"))
		fetch_add_acq_rel(cfg_sid_gen(m, sid), 1);
}

void msmmu_cfgi_ste_range(msmmu *m, uint32_t sid, unsigned int range)
{
	uint64_t mask = ~mask_lg2(range + 1) & GENMASK64(31, 0);

	if (!m->cfg_sets)
		return;
	pthread_mutex_lock(&m->cfg_lock);
	store_release(&m->cfg_kills, m->cfg_kills + 1);
	retire_all_if(m, mask, sid);
	pthread_mutex_unlock(&m->cfg_lock);
}

void msmmu_cfgi_cd(msmmu *m, uint32_t sid, uint32_t ssid)
{
	uint64_t with = msmmu_key(sid, true, ssid);
	uint64_t without = msmmu_key(sid, false, 0);

	if (!m->cfg_sets)
		return;
	pthread_mutex_lock(&m->cfg_lock);
	store_release(&m->cfg_kills, m->cfg_kills + 1);
	retire_if(m, cfg_set(m, with), ~UINT64_C(0), with);
	/* Index 0 is also the CD of traffic without a SubstreamID. */
	if (!ssid && !MUTANT("cfg-cd0-without-ssid"))
		retire_if(m, cfg_set(m, without), ~UINT64_C(0), without);
	pthread_mutex_unlock(&m->cfg_lock);
}

struct msmmu_ctx *msmmu_cfg_take_retired(msmmu *m)
{
	struct msmmu_ctx *list;

	if (!load_relaxed(&m->nr_retired))
		return NULL;
	pthread_mutex_lock(&m->cfg_lock);
	list = m->ctx_retired;
	m->ctx_retired = NULL;
	store_relaxed(&m->nr_retired, 0);
	pthread_mutex_unlock(&m->cfg_lock);
	return list;
}

void msmmu_cfg_give_free(msmmu *m, struct msmmu_ctx *list)
{
	if (!list)
		return;
	pthread_mutex_lock(&m->cfg_lock);
	while (list) {
		struct msmmu_ctx *next = list->next;

		list->next = m->ctx_free;
		m->ctx_free = list;
		list = next;
	}
	pthread_mutex_unlock(&m->cfg_lock);
}

void msmmu_cfg_reset(msmmu *m)
{
	msmmu_raw_reset(m);
	if (m->cfg_sets) {
		pthread_mutex_lock(&m->cfg_lock);
		retire_all_if(m, 0, 0);
		pthread_mutex_unlock(&m->cfg_lock);
	}
	msmmu_cfg_give_free(m, msmmu_cfg_take_retired(m));
	msmmu_cfgi_all(m);
}
