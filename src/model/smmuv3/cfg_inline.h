/* SPDX-License-Identifier: BSD-2-Clause */
/* cfg_inline.h - the look-up of a context, inlined into the translation. */
#ifndef MODEL_SMMUV3_CFG_INLINE_H
#define MODEL_SMMUV3_CFG_INLINE_H

#include "msmmu.h"

static inline uint64_t *cfg_sid_gen(const msmmu *m, uint32_t sid)
{
	return &m->cfg_sid_gen[(sid * 0x9e3779b1u) >> 20];
}

_Static_assert(MSMMU_NR_SID_GENS == 1u << (32 - 20), "hash of a StreamID");

static inline uint64_t cfg_stamp(const msmmu *m, uint32_t sid)
{
	return load_acquire(&m->cfg_all_gen) +
	       load_acquire(cfg_sid_gen(m, sid));
}

static inline struct msmmu_cfg_set *cfg_set(const msmmu *m, uint64_t key)
{
	uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15);

	return &m->cfg_sets[(h >> 32) & m->cfg_mask];
}

static inline bool cfg_is_current(const msmmu *m, const struct msmmu_ctx *ctx)
{
	return ctx->stamp ==
	       load_acquire(&m->cfg_all_gen) + load_acquire(ctx->sid_gen);
}

/* cfg_sets exist, and the caller is inside, so what is found stays. */
static inline const struct msmmu_ctx *cfg_find(const msmmu *m, uint64_t key)
{
	const struct msmmu_cfg_set *set = cfg_set(m, key);

	for (unsigned int i = 0; i < MSMMU_CFG_WAYS; i++) {
		const struct msmmu_ctx *ctx = load_acquire(&set->way[i]);

		if (ctx && ctx->key == key && likely(cfg_is_current(m, ctx)))
			return ctx;
	}
	return NULL;
}

/* The same, only of contexts that are fast. */
static inline const struct msmmu_ctx *cfg_find_fast(const msmmu *m,
						    uint64_t key)
{
	const struct msmmu_cfg_set *set = cfg_set(m, key);

	for (unsigned int i = 0; i < MSMMU_CFG_WAYS; i++) {
		const struct msmmu_ctx *ctx = load_acquire(&set->way[i]);

		if (ctx && ctx->fast_key == key &&
		    likely(cfg_is_current(m, ctx)))
			return ctx;
	}
	return NULL;
}

#endif /* MODEL_SMMUV3_CFG_INLINE_H */
