/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.c - how a transaction that may not go on ends (IHI 0070 3.12, 5.5).
 *
 * The steps of a translation leave in t->fault why they end it; here, and only
 * here, that becomes an event record and what the client sees.
 */
#include "msmmu.h"

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
		.desc_pa = UIOMMU_PA_INVALID,
	};
	if (type >= SMMU_EVT_F_TRANSLATION && type <= SMMU_EVT_F_PERMISSION &&
	    t->ctx)
		f->record = stage == 1 ? t->ctx->r : t->ctx->s2r;
}

/* Inside: record the event, so that a SYNC which waits for us sees it. */
bool msmmu_abort(struct msmmu_txn *t)
{
	model_count(t->slot, MSMMU_ABORTS, 1);
	if ((t->in->flags & UIOMMU_TXN_PROBE) || !t->fault.record)
		return false;
	return msmmu_event(t);
}

/* Outside: tell people, interrupt, tidy. */
void msmmu_after_abort(struct msmmu_txn *t, bool recorded)
{
	msmmu *m = t->m;
	struct uiommu_smmuv3_fault_info info = {
		.txn = *t->in,
		.event_type = t->fault.type,
		.reason = t->fault.reason,
		.stage = t->fault.stage,
		.level = t->fault.level,
		.desc_pa = t->fault.desc_pa,
		.desc = t->fault.desc,
		.recorded = recorded,
	};

	msmmu_irq_deliver(m);
	if (m->observe && !(t->in->flags & UIOMMU_TXN_PROBE))
		m->observe(m->observe_ctx, &info);
}
