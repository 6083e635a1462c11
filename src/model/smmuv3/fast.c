/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fast.c - the door of translations: what is cached is answered here, all else
 * goes the way of translate.c.
 *
 * A hit takes no lock and writes nothing but the thread's own slot.
 */
#include <errno.h>

#include "cfg_inline.h"
#include "msmmu.h"
#include "tlb_inline.h"

/* What the common case knows of. */
#define FAST_FLAGS \
	(UIOMMU_TXN_WRITE | UIOMMU_TXN_SSV | UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR)
_Static_assert(FAST_FLAGS == 15, "msmmu_ctx.want is indexed by them");

/* For each combination of flags: who asks for what, after overrides. */
void msmmu_ctx_set_want(struct msmmu_ctx *ctx)
{
	for (uint32_t flags = 0; flags < ARRAY_SIZE(ctx->want); flags++) {
		struct uiommu_smmuv3_txn in = { .flags = flags };
		struct msmmu_txn t = {
			.in = &in,
			.ctx = ctx,
			.write = flags & UIOMMU_TXN_WRITE,
		};
		unsigned int bit;

		msmmu_txn_rights(&t);
		bit = t.write ? 1 : t.instr ? 2 : 0;
		ctx->want[flags] = (uint8_t)((bit + (t.priv ? 3 : 0)) |
					     (t.priv ? MSMMU_WANT_PRIV : 0) |
					     msmmu_want_out(ctx, &t));
	}
	ctx->fast = ctx->mode == MSMMU_MODE_XLATE && ctx->s1 && !ctx->hints;
}

/* Contexts thrown out by fills alone, with no CMD_SYNC in sight. */
__attribute__((noinline)) void msmmu_reclaim(msmmu *m,
					     const struct model_slot *slot)
{
	struct msmmu_ctx *list;

	if (model_is_inside(&m->drain, slot))
		return;
	list = msmmu_cfg_take_retired(m);
	if (!list)
		return;
	model_drain(&m->drain);
	msmmu_cfg_give_free(m, list);
}

/*
 * The common case in one piece: stage 1 (with or without stage 2 behind it),
 * context and translation cached, access allowed.  False: nothing was decided,
 * the general path starts over, unless *missed says that only the TLB's local
 * view has no answer.
 */
static inline bool fast_hit(msmmu *m, struct model_slot *slot,
			    const struct uiommu_smmuv3_txn *txn,
			    struct uiommu_smmuv3_xlate *out,
			    const struct msmmu_ctx **missed)
{
	uint32_t flags = txn->flags;
	uint64_t va = txn->iova, key;
	const struct msmmu_ctx *ctx;
	struct mcache_entry e;
	unsigned int lg2, want, rights;

	if (unlikely(!load_acquire(&m->fast) || (flags & ~FAST_FLAGS)))
		return false;
	key = txn->sid;
	if (flags & UIOMMU_TXN_SSV) {
		if (txn->ssid >> SMMU_SSIDSIZE_MAX)
			return false;
		key = msmmu_key(txn->sid, true, txn->ssid);
	}
	ctx = cfg_find(m, key);
	if (unlikely(!ctx || !ctx->fast || !tlb_address(ctx, &va)))
		return false;
	if (unlikely(!tlb_find_entry(m, &ctx->local,
				     load_acquire(ctx->vm_gen) +
					     load_acquire(ctx->all_gen),
				     va, &e, &lg2, false))) {
		*missed = ctx;
		return false;
	}
	want = ctx->want[flags];
	rights = (unsigned int)(e.meta >> META_BOTH_SHIFT);
	if (unlikely(!(rights >> (want & MSMMU_WANT_BIT) & 1)))
		return false;
	if (want & MSMMU_WANT_PRIV)
		rights >>= 3;
	model_count(slot, MSMMU_FAST_HITS, 1);
	out->pa = (e.out & OUT_PA) | (va & mask_lg2(lg2));
	out->attrs = (struct uiommu_mem_attrs){
		.mair = (uint8_t)FIELD_GET(OUT_MAIR, e.out),
		.sh = FIELD_GET(OUT_SH, e.out) & 3,
		.priv = !!(want & MSMMU_WANT_OUT_PRIV),
		.instr = !!(want & MSMMU_WANT_INSTR),
	};
	out->size_lg2 = (uint8_t)lg2;
	out->readable = rights & 1;
	out->writable = rights >> 1 & 1;
	out->executable = rights >> 2 & 1;
	return true;
}

static __attribute__((noinline)) int
translate_slow(msmmu *m, struct model_slot *slot,
	       const struct uiommu_smmuv3_txn *txn,
	       struct uiommu_smmuv3_xlate *out, const struct msmmu_ctx *missed)
{
	struct msmmu_txn t;
	bool recorded = false;
	int rc;

	t.m = m;
	t.in = txn;
	t.slot = slot;
	t.missed = missed;
	t.ats = false;
	t.was_stalled = false;
	rc = missed ? msmmu_translate_by(&t, missed, out)
		    : msmmu_translate(&t, out);
	if (unlikely(rc))
		rc = msmmu_end(&t, &recorded);
	model_leave(&m->drain, slot);
	if (unlikely(rc && rc != -EINPROGRESS))
		msmmu_after_abort(&t, recorded);
	msmmu_stall_catch_up(m);
	if (unlikely(load_relaxed(&m->nr_retired) > MSMMU_RECLAIM))
		msmmu_reclaim(m, slot);
	return rc;
}

int uiommu_smmuv3_model_translate(struct uiommu_smmuv3_model *model,
				  const struct uiommu_smmuv3_txn *txn,
				  struct uiommu_smmuv3_xlate *out)
{
	const struct msmmu_ctx *missed = NULL;
	struct model_slot *slot;
	uint64_t at;

	slot = model_enter_at(&model->drain, &at);
	if (unlikely(!slot))
		return translate_slow(model, model_enter(&model->drain), txn,
				      out, NULL);
	if (unlikely(!fast_hit(model, slot, txn, out, &missed)))
		return translate_slow(model, slot, txn, out, missed);
	model_leave_at(slot, at);
	return 0;
}
