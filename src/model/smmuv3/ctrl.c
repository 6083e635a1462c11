/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctrl.c - registers whose write is an Update: CR0 and GBPA (IHI 0070 6.3.9,
 * 6.3.14).
 *
 * A changed field of CR0 is visible at once.  Its side effects follow in the
 * same call, and then CR0ACK says so; until then another thread's change of that
 * field is ignored, and what it guards stays guarded.
 */
#include "../mutant.h"
#include "msmmu.h"

uint32_t msmmu_cr0_fields(const msmmu *m)
{
	return SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN | SMMU_CR0_CMDQEN |
	       (m->caps.pri ? SMMU_CR0_PRIQEN : 0) |
	       (m->caps.ats ? SMMU_CR0_ATSCHK : 0) |
	       (m->caps.vmw ? SMMU_CR0_VMW : 0);
}

/* Under m->lock: what transactions read of CR0. */
static void publish_enabled(msmmu *m, uint32_t cr0)
{
	store_release(&m->enabled, cr0 & SMMU_CR0_SMMUEN);
	store_release(&m->fast,
		      (cr0 & SMMU_CR0_SMMUEN) && m->tlb.set && m->cfg_sets);
}

/* Under m->lock: take the value; returns the bits that change. */
static uint32_t cr0_begin(msmmu *m, uint32_t val, uint32_t mask)
{
	uint32_t old = (uint32_t)MSMMU_REG(m, CR0);
	uint32_t busy = old ^ (uint32_t)MSMMU_REG(m, CR0ACK);

	if (busy & SMMU_CR0_VMW)
		busy |= SMMU_CR0_VMW;
	mask &= msmmu_cr0_fields(m) & ~busy;
	val = (old & ~mask) | (val & mask);
	if ((val & ~old & SMMU_CR0_SMMUEN) && !MUTANT("CR2 taken with SMMUEN"))
		store_relaxed(&m->cr2, (uint32_t)MSMMU_REG(m, CR2));
	/* What is in the queue after it was off is not known. */
	if ((old ^ val) & SMMU_CR0_EVENTQEN)
		m->last_event.valid = false;
	store_release(&m->reg[SMMU_REGIDX_CR0], val);
	publish_enabled(m, val);
	return old ^ val;
}

static void cr0_end(msmmu *m, uint32_t changed)
{
	uint32_t ack = (uint32_t)MSMMU_REG(m, CR0ACK) & ~changed;

	ack |= (uint32_t)MSMMU_REG(m, CR0) & changed;
	store_release(&m->reg[SMMU_REGIDX_CR0ACK], ack);
}

void msmmu_write_cr0(msmmu *m, uint32_t val, uint32_t mask)
{
	uint32_t changed;

	pthread_mutex_lock(&m->lock);
	changed = cr0_begin(m, val, mask);
	pthread_mutex_unlock(&m->lock);
	/* What went by the old setting ends. */
	if ((changed & SMMU_CR0_SMMUEN) && !MUTANT("SMMUEN drain"))
		model_drain(&m->drain);
	if (changed & SMMU_CR0_CMDQEN & ~val)
		msmmu_cmdq_settle(m, &m->cmdq);
	if (changed & SMMU_CR0_SMMUEN & ~val)
		msmmu_stall_abort_all(m);
	if (changed & SMMU_CR0_SMMUEN)
		msmmu_notify_all(m);
	pthread_mutex_lock(&m->lock);
	cr0_end(m, changed);
	pthread_mutex_unlock(&m->lock);
}

/*
 * Finished at once.  Without Update nothing is written: SMMUv3.2 demands it,
 * and older ones may.
 */
void msmmu_write_gbpa(msmmu *m, uint32_t val)
{
	if (!(val & SMMU_GBPA_UPDATE) && !MUTANT("GBPA needs Update"))
		return;
	val &= ~SMMU_GBPA_UPDATE;
	pthread_mutex_lock(&m->lock);
	store_release(&m->gbpa, val);
	MSMMU_SET_REG(m, GBPA, val);
	pthread_mutex_unlock(&m->lock);
	msmmu_notify_all(m);
}

void msmmu_regs_load(msmmu *m, const uint64_t reg[SMMU_NR_REGISTERS],
		     uint32_t cr2)
{
	for (unsigned int i = 0; i < SMMU_NR_REGISTERS; i++) {
		if (!msmmu_reg_is_id(i))
			msmmu_set_reg(m, i, reg[i]);
	}
	store_release(&m->gbpa, (uint32_t)reg[SMMU_REGIDX_GBPA]);
	store_relaxed(&m->cr2, cr2);
	publish_enabled(m, (uint32_t)reg[SMMU_REGIDX_CR0]);
}
