/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.c - how a transaction that may not go on ends (IHI 0070 3.12, 5.5).
 *
 * The steps of a translation leave in t->fault why they end it; here, and only
 * here, that becomes an event record and what the client sees.  Which of the
 * fault models counts is decided when the fault is noted, by the context that
 * met it: CD.A, CD.R and CD.S for stage 1, STE.S2R and STE.S2S for stage 2, and
 * only for the four faults of translation.  All else aborts and is recorded.
 */
#include <errno.h>

#include "../mutant.h"
#include "msmmu.h"
#include "tell.h"

/* The table of IHI 0070 5.5 for CD.{A,R,S}, and STE.{S2R,S2S}. */
static void fault_model(const struct msmmu_ctx *ctx, struct msmmu_fault *f)
{
	bool stage1 = f->stage == 1;

	f->stall = stage1 ? ctx->s : ctx->s2s;
	f->record = f->stall || (stage1 ? ctx->r : ctx->s2r);
	f->raz = stage1 && !f->stall && !ctx->a;
}

void msmmu_fault(struct msmmu_txn *t, uint8_t type, uint8_t stage,
		 const char *reason)
{
	struct msmmu_fault *f = &t->fault;

	*f = (struct msmmu_fault){
		.type = type,
		.stage = stage,
		.class = SMMU_EVT_CLASS_IN,
		.level = MSMMU_NO_LEVEL,
		.record = true,
		.rnw = !t->write,
		.ind = t->instr && !t->write,
		.pnu = t->priv,
		.reason = reason,
		.mev = t->ctx && t->ctx->mev,
		.desc_pa = UIOMMU_PA_INVALID,
	};
	if (type >= SMMU_EVT_F_TRANSLATION && type <= SMMU_EVT_F_PERMISSION &&
	    t->ctx)
		fault_model(t->ctx, f);
}

bool msmmu_stalls(const struct msmmu_txn *t)
{
	return t->fault.stall && !t->ats &&
	       !(t->in->flags & UIOMMU_TXN_NO_STALL);
}

/* Inside: record the event, so that a SYNC which waits for us sees it. */
bool msmmu_abort(struct msmmu_txn *t)
{
	/* Who cannot wait is aborted, whatever CD.A says. */
	t->fault.stall = false;
	if (!t->fault.raz)
		model_count(t->slot, MSMMU_ABORTS, 1);
	if ((t->in->flags & UIOMMU_TXN_PROBE) || !t->fault.record)
		return false;
	return msmmu_event(t);
}

int msmmu_end(struct msmmu_txn *t, bool *recorded)
{
	if (msmmu_stalls(t))
		return -EINPROGRESS;
	*recorded = msmmu_abort(t);
	return t->fault.raz ? -ENODATA : -EFAULT;
}

struct uiommu_smmuv3_fault_info msmmu_fault_info(const struct msmmu_txn *t,
						 bool recorded)
{
	const struct msmmu_fault *f = &t->fault;

	return (struct uiommu_smmuv3_fault_info){
		.txn = *t->in,
		.event_type = f->type,
		.reason = f->reason,
		.stage = f->stage,
		.level = f->level,
		.desc_pa = f->desc_pa,
		.desc = f->desc,
		.recorded = recorded,
		.stalled = f->stall,
		.stag = f->stag,
		.evt_class = f->class,
		.ipa = f->stage == 2 ? f->ipa : 0,
	};
}

/* Outside: tell people, interrupt, tidy. */
void msmmu_after_abort(struct msmmu_txn *t, bool recorded)
{
	const struct msmmu_fault *f = &t->fault;
	struct uiommu_smmuv3_fault_info info = msmmu_fault_info(t, recorded);
	msmmu *m = t->m;

	/*
	 * A probe has raised nothing, and what others have they deliver: it may
	 * come from a notifier, with a queue locked.
	 */
	if ((t->in->flags & UIOMMU_TXN_PROBE) && !MUTANT("probe-is-quiet"))
		return;
	if (unlikely(recorded && !f->merged && m->trace))
		msmmu_trace_event(t);
	msmmu_irq_deliver(m);
	if (!m->observe)
		return;
	/* One that waits on for its turn has been told. */
	if (f->stall && !recorded && t->was_stalled)
		return;
	m->observe(m->observe_ctx, &info);
}
