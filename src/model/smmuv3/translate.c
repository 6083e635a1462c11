/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * translate.c - one transaction, in the order of IHI 0070 7.3.22.
 *
 * The steps: SMMU on? (2) · context of StreamID and SubstreamID (3 to 9, 12 to
 * 15) · bypass and input size (10, 11) · TLB, else tables (16 to 19) · answer
 * (20).  Each can end the transaction by leaving its reason in t->fault.
 * fast.c is the short way for what is cached.
 */
#include <errno.h>

#include "../mutant.h"
#include "cfg_inline.h"
#include "msmmu.h"
#include "tlb_inline.h"

void msmmu_txn_rights(struct msmmu_txn *t)
{
	const struct msmmu_ctx *ctx = t->ctx;
	uint32_t flags = t->in->flags;
	bool priv, instr;

	/* Who sends a translated address is known by its PASID only. */
	if (unlikely(flags & UIOMMU_TXN_TRANSLATED) &&
	    !msmmu_translated_ssv(t->m, t->in))
		flags = 0;
	priv = flags & UIOMMU_TXN_PRIV;
	instr = flags & UIOMMU_TXN_INSTR;
	/* EL2 has the same rights for both, and leaves the attribute alone. */
	t->priv = (priv & ctx->priv_and) | ctx->priv_or;
	t->instr = ((instr & ctx->instr_and) | ctx->instr_or) && !t->write;
}

/* --------------------------------------------------------------- ends --- */

/* Abort without an event, but with a reason for people. */
int msmmu_abort_silently(struct msmmu_txn *t, const char *reason)
{
	msmmu_fault(t, 0, 0, reason);
	t->fault.record = false;
	return -EFAULT;
}

static int abort_with(struct msmmu_txn *t, uint8_t type, uint8_t stage,
		      const char *reason)
{
	msmmu_fault(t, type, stage, reason);
	return -EFAULT;
}

#define TXN_ATTR_FLAGS (UIOMMU_TXN_ATTRS | UIOMMU_TXN_NO_SNOOP)

static inline void answer(const struct msmmu_txn *t,
			  const struct msmmu_result *res,
			  struct uiommu_smmuv3_xlate *out)
{
	uint32_t r1 = t->priv ? res->rights >> 3 : res->rights;
	bool plain = t->m->caps.plain_out;
	uint8_t mair = res->mair, sh = res->sh;

	if (unlikely((t->in->flags & TXN_ATTR_FLAGS) ||
		     (t->ctx && t->ctx->hints)))
		msmmu_attrs_output(t, &mair, &sh);
	*out = (struct uiommu_smmuv3_xlate){
		.pa = res->pa,
		.attrs = { .mair = mair,
			   .sh = sh & 3,
			   .priv = t->priv || plain,
			   .instr = t->instr && !plain },
		.size_lg2 = res->size_lg2,
		.readable = (r1 & MSMMU_S1_UR) && (res->rights & MSMMU_S2_R),
		.writable = (r1 & MSMMU_S1_UW) && (res->rights & MSMMU_S2_W),
		.executable =
			(r1 & MSMMU_S1_UX) &&
			(res->rights & (t->priv ? MSMMU_S2_PX : MSMMU_S2_UX)),
	};
}

int msmmu_bypass(const struct msmmu_txn *t, uint8_t mair, uint8_t sh,
		 struct msmmu_result *res)
{
	*res = (struct msmmu_result){
		.pa = t->in->iova,
		.ipa = t->in->iova,
		.rights = MSMMU_S1_ALL | MSMMU_S2_ALL,
		.size_lg2 = t->m->caps.oas,
		.mair = mair,
		.sh = sh,
	};
	return 0;
}

/* ------------------------------------------------------------- SMMU off -- */

static int disabled(struct msmmu_txn *t, struct msmmu_result *res)
{
	const struct msmmu_caps *caps = &t->m->caps;
	uint32_t gbpa = load_relaxed(&t->m->gbpa);
	unsigned int priv = FIELD_GET(SMMU_GBPA_PRIVCFG, gbpa);
	unsigned int instr = FIELD_GET(SMMU_GBPA_INSTCFG, gbpa);
	struct msmmu_overrides ovr = {
		.mt = gbpa & SMMU_GBPA_MTCFG,
		.mair = msmmu_memattr_to_mair(
			FIELD_GET(SMMU_GBPA_MEMATTR, gbpa)),
		.alloccfg = FIELD_GET(SMMU_GBPA_ALLOCCFG, gbpa),
		.shcfg = FIELD_GET(SMMU_GBPA_SHCFG, gbpa),
	};
	uint8_t mair, sh;

	if (t->was_stalled)
		return msmmu_abort_silently(t,
					    "SMMU turned off during the stall");
	if (gbpa & SMMU_GBPA_ABORT && !MUTANT("translate-gbpa-abort"))
		return msmmu_abort_silently(t, "SMMU off, GBPA.ABORT");
	if (t->in->iova >> caps->oas && !MUTANT("translate-off-size"))
		return msmmu_abort_silently(
			t, "SMMU off, address above its output");
	if (caps->attr_perms_ovr && !MUTANT("translate-gbpa-perms")) {
		t->priv = priv < 2 ? t->priv : priv & 1;
		t->instr = (instr < 2 ? t->instr : instr & 1) && !t->write;
	}
	msmmu_attrs_told(t->in, &mair, &sh);
	if (caps->attr_types_ovr)
		msmmu_attrs_override(&ovr, &mair, &sh);
	return msmmu_bypass(t, mair, sh, res);
}

/* -------------------------------------------------------------- stages -- */

/* Flags that this model knows what to do with. */
#define KNOWN_FLAGS                                                     \
	(UIOMMU_TXN_WRITE | UIOMMU_TXN_SSV | UIOMMU_TXN_PRIV |          \
	 UIOMMU_TXN_INSTR | UIOMMU_TXN_TRANSLATED | UIOMMU_TXN_ATOMIC | \
	 UIOMMU_TXN_PROBE | UIOMMU_TXN_NO_STALL | UIOMMU_TXN_ATTRS |    \
	 UIOMMU_TXN_NO_SNOOP)

/* Steps 10 and 11: what stage 1 does not look at must fit. */
static int check_input_size(struct msmmu_txn *t, unsigned int bits)
{
	if (likely(!(t->in->iova >> bits)) || MUTANT("translate-input-size"))
		return 0;
	msmmu_fault(t, SMMU_EVT_F_ADDR_SIZE, 1,
		    "address above what the SMMU takes untranslated");
	/* Always told and ended, whatever the stages say about their faults. */
	if (!MUTANT("translate-size-fault-suppressed"))
		t->fault.record = true;
	t->fault.stall = t->fault.raz = false;
	return -EFAULT;
}

static int walk(struct msmmu_txn *t, uint64_t va, struct msmmu_result *res)
{
	struct msmmu_tlb_ticket ticket;

	model_count(t->slot, MSMMU_TLB_MISSES, 1);
	msmmu_tlb_ticket(t->m, t->ctx, &ticket);
	if (t->m->tlb.set && t->ctx->s1)
		tlb_prefetch(t->m, &t->ctx->local, va);
	if (!msmmu_walk(t, va, &ticket, res))
		return -EFAULT;
	/* Stage 2 alone has put its entry in by itself. */
	if (t->ctx->s1 && likely(!t->dry))
		msmmu_tlb_fill(t->m, t->ctx, va, res, &ticket);
	if (unlikely(t->m->raw))
		msmmu_prefetch_next(t, va, res->size_lg2);
	return 0;
}

static inline bool tlb_find(const struct msmmu_txn *t, uint64_t va,
			    struct msmmu_result *res)
{
	const struct msmmu_ctx *ctx = t->ctx;
	uint64_t base = load_acquire(ctx->vm_gen) + load_acquire(ctx->all_gen);

	return (!t->missed &&
		tlb_find_view(t->m, &ctx->local, base, va, res)) ||
	       tlb_find_view(t->m, &ctx->global, base, va, res);
}

/* A page has to be marked dirty for this: that is the tables' business. */
static inline bool must_mark(const struct msmmu_txn *t,
			     const struct msmmu_result *res)
{
	return unlikely(res->clean) && (t->ats ? !t->ats_nw : t->write);
}

static int stage2_only(struct msmmu_txn *t, struct msmmu_result *res)
{
	const struct msmmu_ctx *ctx = t->ctx;
	uint64_t in = t->in->iova;
	uint8_t memattr, sh;
	int rc = check_input_size(t, t->m->caps.ias);

	if (rc)
		return rc;
	if (in >> ctx->stage2.in_bits ||
	    !msmmu_tlb_find_ipa(t->m, ctx, in, res) || must_mark(t, res))
		return walk(t, in, res);
	model_count(t->slot, MSMMU_TLB_HITS, 1);
	if (unlikely(!msmmu_check_rights(t, res)))
		return -EFAULT;
	memattr = res->mair;
	sh = res->sh;
	msmmu_attrs_input(t, &res->mair, &res->sh);
	msmmu_attrs_combine(ctx, memattr, sh, &res->mair, &res->sh);
	return 0;
}

static inline int stage1(struct msmmu_txn *t, struct msmmu_result *res)
{
	uint64_t va = t->in->iova;

	if (unlikely(!t->m->tlb.set || !tlb_address(t->ctx, &va) ||
		     !tlb_find(t, va, res) || must_mark(t, res)))
		return walk(t, t->in->iova, res);
	model_count(t->slot, MSMMU_TLB_HITS, 1);
	return likely(msmmu_check_rights(t, res)) ? 0 : -EFAULT;
}

int msmmu_config_fault(struct msmmu_txn *t)
{
	const struct msmmu_fault *f = &t->ctx->fault;

	/* A stage-2 fault of the fetch is complete; the others are not. */
	if (f->type >= SMMU_EVT_F_WALK_EABT && f->type != SMMU_EVT_C_BAD_CD) {
		t->fault = *f;
		return -EFAULT;
	}
	msmmu_fault(t, f->type, 0, f->reason);
	t->fault.ipa = f->ipa;
	t->fault.desc_pa = f->desc_pa;
	t->fault.desc = f->desc;
	if (f->type == SMMU_EVT_C_BAD_STREAMID &&
	    !MUTANT("translate-recinvsid"))
		t->fault.record = msmmu_cr2(t->m) & SMMU_CR2_RECINVSID;
	return -EFAULT;
}

static inline int by_context(struct msmmu_txn *t, struct msmmu_result *res)
{
	const struct msmmu_ctx *ctx = t->ctx;
	uint8_t mair, sh;
	int rc;

	msmmu_txn_rights(t);
	if (likely(ctx->mode == MSMMU_MODE_XLATE))
		return ctx->s1 ? stage1(t, res) : stage2_only(t, res);
	if (ctx->mode == MSMMU_MODE_FAULT)
		return msmmu_config_fault(t);
	if (ctx->mode == MSMMU_MODE_ABORT) {
		rc = msmmu_abort_silently(t, "STE.Config says abort");
		t->fault.desc_pa = ctx->ste_pa;
		return rc;
	}
	rc = check_input_size(t,
			      ctx->skip_s1 ? t->m->caps.ias : t->m->caps.oas);
	if (rc)
		return rc;
	msmmu_attrs_input(t, &mair, &sh);
	return msmmu_bypass(t, mair, sh, res);
}

int msmmu_by_context(struct msmmu_txn *t, struct msmmu_result *res)
{
	return by_context(t, res);
}

static inline int answer_by_context(struct msmmu_txn *t,
				    struct uiommu_smmuv3_xlate *out)
{
	struct msmmu_result res;
	int rc = by_context(t, &res);

	if (likely(!rc))
		answer(t, &res, out);
	return rc;
}

static __attribute__((noinline)) int
config_miss(struct msmmu_txn *t, uint64_t key, struct uiommu_smmuv3_xlate *out)
{
	struct msmmu_ctx spare;
	int rc;

	t->ctx = msmmu_cfg_get(t, key, &spare);
	rc = answer_by_context(t, out);
	t->ctx = NULL;
	return rc;
}

/* `on` is looked at once: what comes here because of it must not see it change. */
static __attribute__((noinline)) int unusual(struct msmmu_txn *t, bool on,
					     struct uiommu_smmuv3_xlate *out)
{
	bool known = !(t->in->flags & ~KNOWN_FLAGS);
	struct msmmu_result res;
	int rc;

	if (!known && (t->in->flags & UIOMMU_TXN_TRANSLATED))
		return msmmu_abort_silently(t, "unknown kind of transaction");
	if (!known)
		return abort_with(t, SMMU_EVT_F_UUT, 0,
				  "unknown kind of transaction");
	if (t->in->flags & UIOMMU_TXN_TRANSLATED)
		rc = msmmu_translated(t, on, &res);
	else if (!on)
		rc = disabled(t, &res);
	else /* A SubstreamID that no register could hold. */
		rc = abort_with(t, SMMU_EVT_C_BAD_SUBSTREAMID, 0,
				"SubstreamID of more than 20 bits");
	if (!rc)
		answer(t, &res, out);
	return rc;
}

static inline void read_flags(struct msmmu_txn *t)
{
	uint32_t flags = t->in->flags;

	model_count(t->slot, MSMMU_TRANSLATIONS, 1);
	t->dry = false;
	t->races = 0;
	t->write = flags & (UIOMMU_TXN_WRITE | UIOMMU_TXN_ATOMIC);
	t->read = !(flags & UIOMMU_TXN_WRITE) || (flags & UIOMMU_TXN_ATOMIC);
	t->priv = flags & UIOMMU_TXN_PRIV;
	t->instr = (flags & UIOMMU_TXN_INSTR) && !t->write;
}

int msmmu_translate_by(struct msmmu_txn *t, const struct msmmu_ctx *ctx,
		       struct uiommu_smmuv3_xlate *out)
{
	read_flags(t);
	t->ctx = ctx;
	model_count(t->slot, MSMMU_CONFIG_HITS, 1);
	return answer_by_context(t, out);
}

int msmmu_translate(struct msmmu_txn *t, struct uiommu_smmuv3_xlate *out)
{
	const struct uiommu_smmuv3_txn *in = t->in;
	uint32_t flags = in->flags;
	bool ssv = flags & UIOMMU_TXN_SSV;
	bool on = load_acquire(&t->m->enabled);
	uint64_t key;

	t->ctx = NULL;
	read_flags(t);
	if (unlikely(!on || (flags & (UIOMMU_TXN_TRANSLATED | ~KNOWN_FLAGS)) ||
		     (ssv && in->ssid >> SMMU_SSIDSIZE_MAX)))
		return unusual(t, on, out);
	key = msmmu_key(in->sid, ssv, in->ssid);
	if (likely(t->m->cfg_sets))
		t->ctx = cfg_find(t->m, key);
	if (unlikely(!t->ctx))
		return config_miss(t, key, out);
	model_count(t->slot, MSMMU_CONFIG_HITS, 1);
	return answer_by_context(t, out);
}
