/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fast.c - the door of translations: what is cached is answered here, all else
 * goes the way of translate.c.
 *
 * A hit takes no lock and writes nothing but the thread's own slot.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cfg_inline.h"
#include "msmmu.h"
#include "quick_inline.h"
#include "tlb_inline.h"

/* What the common case knows of. */
#define FAST_FLAGS \
	(UIOMMU_TXN_WRITE | UIOMMU_TXN_SSV | UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR)
_Static_assert(FAST_FLAGS == 15, "msmmu_ctx.want is indexed by them");
/* What it may pass over, because it says how a fault ends. */
#define FAST_IGNORED UIOMMU_TXN_NO_STALL

/* For each combination of flags: who asks for what, after overrides. */
void msmmu_ctx_set_want(struct msmmu_ctx *ctx)
{
	bool fast;

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
		bit += OUT_BOTH_SHIFT + (t.priv ? 3 : 0);
		ctx->want[flags] =
			(uint16_t)(bit | (t.priv ? MSMMU_WANT_PRIV : 0) |
				   msmmu_want_out(ctx, &t));
	}
	fast = ctx->mode == MSMMU_MODE_XLATE && ctx->s1 && !ctx->hints;
	ctx->fast_key = fast ? ctx->key : MSMMU_NO_KEY;
	ctx->va_above = ctx->tbi & 1 ? BIT64(55) : ~mask_lg2(55);
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

/* The context, if it is cached and its translations go through the TLB. */
static inline const struct msmmu_ctx *
fast_context(const msmmu *m, const struct uiommu_smmuv3_txn *txn)
{
	const struct msmmu_ctx *ctx;
	uint64_t key = txn->sid;

	if (unlikely(!load_acquire(&m->fast) ||
		     (txn->flags & ~(FAST_FLAGS | FAST_IGNORED))))
		return NULL;
	if (txn->flags & UIOMMU_TXN_SSV) {
		if (txn->ssid >> SMMU_SSIDSIZE_MAX)
			return NULL;
		key = msmmu_key(txn->sid, true, txn->ssid);
	}
	ctx = cfg_find_fast(m, key);
	if (unlikely(!ctx))
		return NULL;
	if (unlikely(txn->iova & ctx->va_above)) {
		uint64_t va = txn->iova;

		if (!tlb_address(ctx, &va))
			return NULL;
	}
	return ctx;
}

/*
 * Is an answer behind its address one word of MAIR byte, sh, priv and instr
 * from bit 8, size from 16, and a byte for each right from 24?  Known when
 * compiled.
 */
static inline bool answer_is_word(void)
{
	static const struct uiommu_mem_attrs attrs = { .mair = 0x5a,
						       .sh = 2,
						       .instr = 1 };
	uint16_t bits;

	memcpy(&bits, &attrs, sizeof(bits));
	return bits == 0x0a5a && sizeof(struct uiommu_smmuv3_xlate) == 16 &&
	       offsetof(struct uiommu_smmuv3_xlate, attrs) == 8 &&
	       offsetof(struct uiommu_smmuv3_xlate, size_lg2) == 10 &&
	       offsetof(struct uiommu_smmuv3_xlate, readable) == 11 &&
	       offsetof(struct uiommu_smmuv3_xlate, writable) == 12 &&
	       offsetof(struct uiommu_smmuv3_xlate, executable) == 13;
}

/* All but the address is put together in one word where bytes go that way. */
static inline void fast_answer(struct uiommu_smmuv3_xlate *out, uint64_t va,
			       const struct tlb_hit *hit, unsigned int want)
{
	uint64_t word = hit->out;
	unsigned int rights = (unsigned int)(word >> OUT_BOTH_SHIFT);

	if (want & MSMMU_WANT_PRIV)
		rights >>= 3;
	rights &= 7;
	out->pa = (word & OUT_PA) | (va & ((hit->size << 12) - 1));
	if (answer_is_word()) {
		/* A bit for each byte: 1, 2, 4 become 1, 0x100, 0x10000. */
		uint64_t spread = rights * 0x204081u & 0x010101;

		word = (word & (OUT_MAIR | OUT_SH)) |
		       (want & MSMMU_WANT_ATTRS) | (uint64_t)hit->lg2 << 16 |
		       spread << 24;
		memcpy(&out->attrs, &word, sizeof(word));
		return;
	}
	out->attrs = (struct uiommu_mem_attrs){
		.mair = (uint8_t)FIELD_GET(OUT_MAIR, word),
		.sh = FIELD_GET(OUT_SH, word) & 3,
		.priv = !!(want & MSMMU_WANT_OUT_PRIV),
		.instr = !!(want & MSMMU_WANT_INSTR),
	};
	out->size_lg2 = (uint8_t)hit->lg2;
	out->readable = rights & 1;
	out->writable = rights >> 1 & 1;
	out->executable = rights >> 2 & 1;
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

/* In the TLB's local view, without a look at rights. */
static inline __attribute__((always_inline)) bool
fast_find(const msmmu *m, const struct msmmu_ctx *ctx, uint64_t va,
	  struct tlb_hit *hit)
{
	return tlb_find_entry(m, &ctx->local,
			      load_acquire(ctx->vm_gen) +
				      load_acquire(ctx->all_gen),
			      va, hit, false);
}

/* That view has no answer. */
static inline __attribute__((always_inline)) bool
fast_miss(msmmu *m, struct model_slot *slot,
	  const struct uiommu_smmuv3_txn *txn, struct uiommu_smmuv3_xlate *out,
	  const struct msmmu_ctx *ctx)
{
	unsigned int want = ctx->want[txn->flags & FAST_FLAGS];
	struct tlb_hit hit;

	if (unlikely(!quick_walk(m, slot, ctx, txn->iova, want & MSMMU_WANT_BIT,
				 &hit)))
		return false;
	model_count(slot, MSMMU_FAST_MISSES, 1);
	fast_answer(out, txn->iova, &hit, want);
	return true;
}

bool msmmu_translate_fast(msmmu *m, struct model_slot *slot,
			  const struct uiommu_smmuv3_txn *txn,
			  struct uiommu_smmuv3_xlate *out)
{
	const struct msmmu_ctx *ctx = fast_context(m, txn);
	struct tlb_hit hit;
	unsigned int want;

	if (unlikely(!ctx))
		return false;
	if (unlikely(!fast_find(m, ctx, txn->iova, &hit)))
		return fast_miss(m, slot, txn, out, ctx);
	want = ctx->want[txn->flags & FAST_FLAGS];
	if (unlikely(!(hit.out >> (want & MSMMU_WANT_BIT) & 1)))
		return false;
	model_count(slot, MSMMU_FAST_HITS, 1);
	fast_answer(out, txn->iova, &hit, want);
	return true;
}

static __attribute__((noinline)) int
translate_miss(msmmu *m, struct model_slot *slot,
	       const struct uiommu_smmuv3_txn *txn,
	       struct uiommu_smmuv3_xlate *out, const struct msmmu_ctx *ctx)
{
	if (unlikely(!fast_miss(m, slot, txn, out, ctx)))
		return translate_slow(m, slot, txn, out, ctx);
	model_leave_simple(slot);
	return 0;
}

/*
 * The common case in one piece: stage 1 (with or without stage 2 behind it),
 * context and translation cached, access allowed.  msmmu_translate_fast() with
 * its own way in and out, and nothing to keep over a call.
 */
int uiommu_smmuv3_model_translate(struct uiommu_smmuv3_model *model,
				  const struct uiommu_smmuv3_txn *txn,
				  struct uiommu_smmuv3_xlate *out)
{
	const struct msmmu_ctx *ctx;
	struct model_slot *slot;
	struct tlb_hit hit;
	unsigned int want;

	slot = model_enter_simple(&model->drain);
	if (unlikely(!slot))
		return translate_slow(model, model_enter(&model->drain), txn,
				      out, NULL);
	ctx = fast_context(model, txn);
	if (unlikely(!ctx))
		return translate_slow(model, slot, txn, out, NULL);
	if (unlikely(!fast_find(model, ctx, txn->iova, &hit)))
		return translate_miss(model, slot, txn, out, ctx);
	want = ctx->want[txn->flags & FAST_FLAGS];
	if (unlikely(!(hit.out >> (want & MSMMU_WANT_BIT) & 1)))
		return translate_slow(model, slot, txn, out, NULL);
	model_count(slot, MSMMU_FAST_HITS, 1);
	fast_answer(out, txn->iova, &hit, want);
	model_leave_simple(slot);
	return 0;
}
