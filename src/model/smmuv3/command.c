/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command.c - what each command does (IHI 0070 chapter 4).
 *
 * Reserved fields of a known command are ignored.  What makes a command ILLEGAL
 * is looked at before what makes it IGNORED.
 *
 * CMD_SYNC carries out what a greedy model has put off and waits until every
 * transaction that began earlier has left the model, its memory accesses and its
 * event included.  Then CONS passes it, then its message is written, before the
 * next command of the queue begins, and with the queue's lock released its wire
 * or wake-up event goes out.
 */
#include "../mutant.h"
#include "msmmu.h"
#include "tell.h"

/* With no lock held. */
static void after_sync(msmmu *m, const struct msmmu_work *work)
{
	/* Transactions that wait for room or a tag may look again. */
	msmmu_stall_after_sync(m);
	if (work->sync.cs == SMMU_CMD_SYNC_CS_SEV) {
		if (m->caps.sev && m->host.wake)
			m->host.wake(m->host.ctx);
		return;
	}
	if (work->sync.cs != SMMU_CMD_SYNC_CS_IRQ)
		return;
	if (unlikely(m->trace))
		msmmu_trace_irq(m, UIOMMU_SMMUV3_LINE_SYNC, work->sync.msi_addr,
				work->sync.msi_data);
	/* Whether there was a message or not. */
	if (m->host.irq && !MUTANT("SYNC wire"))
		m->host.irq(m->host.ctx, UIOMMU_SMMUV3_LINE_SYNC);
}

static enum msmmu_outcome sync_cmd(msmmu *m, struct msmmu_cmdq *q,
				   const struct smmu_cmd *cmd,
				   struct msmmu_work *work)
{
	const struct model_slot *self = model_slot_get(&m->drain);
	struct msmmu_ctx *retired = NULL;
	unsigned int cs = FIELD_GET(SMMU_CMD_SYNC_0_CS, cmd->q[0]);
	enum msmmu_outcome outcome;

	if (cs == 3 && !MUTANT("SYNC CS=3 is illegal"))
		return MSMMU_STOP_ILL;
	outcome = msmmu_atc_sync(m, q);
	if (outcome != MSMMU_PASS)
		return outcome;
	msmmu_inval_settle(m, q);
	/* From within a memory callback our own context must stay. */
	if (!model_is_inside(&m->drain, self))
		retired = msmmu_cfg_take_retired(m);
	if (!MUTANT("SYNC drain"))
		model_drain(&m->drain);
	msmmu_cfg_give_free(m, retired);
	fetch_add_relaxed(&m->syncs, 1);
	work->fn = after_sync;
	work->sync.cs = cs;
	/* Whether there is an address is asked of all its bits. */
	if (cs == SMMU_CMD_SYNC_CS_IRQ && m->caps.msi)
		work->sync.msi_addr = cmd->q[1] & SMMU_CMD_SYNC_1_MSIADDR;
	work->sync.msi_data =
		(uint32_t)FIELD_GET(SMMU_CMD_SYNC_0_MSIDATA, cmd->q[0]);
	work->sync.msi_attr = FIELD_GET(SMMU_CMD_SYNC_0_MSIATTR, cmd->q[0]);
	work->sync.msi_sh = FIELD_GET(SMMU_CMD_SYNC_0_MSH, cmd->q[0]);
	return MSMMU_PASS;
}

void msmmu_command_passed(msmmu *m, const struct msmmu_work *work)
{
	if (work->fn != after_sync || !work->sync.msi_addr ||
	    MUTANT("SYNC MSI"))
		return;
	if (msmmu_msi_write(m, work->sync.msi_addr, work->sync.msi_data,
			    work->sync.msi_attr, work->sync.msi_sh)) {
		pthread_mutex_lock(&m->lock);
		msmmu_gerror_raise(m, SMMU_GERROR_MSI_CMDQ_ABT_ERR);
		pthread_mutex_unlock(&m->lock);
	}
}

/* Nothing is fetched ahead: legal, and without effect. */
static bool prefetch_cmd(const struct smmu_cmd *cmd)
{
	return !(cmd->q[0] & SMMU_CMD_0_SSEC) ||
	       MUTANT("PREFETCH SSec is illegal");
}

enum msmmu_outcome msmmu_command(msmmu *m, struct msmmu_cmdq *q,
				 const struct smmu_cmd *cmd,
				 struct msmmu_work *work)
{
	bool legal;

	switch (FIELD_GET(SMMU_CMD_0_OP, cmd->q[0])) {
	case SMMU_CMD_OP_PREFETCH_CONFIG:
	case SMMU_CMD_OP_PREFETCH_ADDR:
		legal = prefetch_cmd(cmd);
		break;
	case SMMU_CMD_OP_ATC_INV:
		return msmmu_atc_inv_cmd(m, cmd, work);
	case SMMU_CMD_OP_PRI_RESP:
		legal = msmmu_pri_resp_cmd(m, cmd, work);
		break;
	case SMMU_CMD_OP_RESUME:
		legal = msmmu_resume_cmd(m, cmd, work);
		break;
	case SMMU_CMD_OP_STALL_TERM:
		legal = msmmu_stall_term_cmd(m, cmd, work);
		break;
	case SMMU_CMD_OP_SYNC:
		return sync_cmd(m, q, cmd, work);
	default:
		/* CFGI, TLBI, and all that is none of the above */
		legal = msmmu_inval_cmd(m, q, cmd);
	}
	return legal ? MSMMU_PASS : MSMMU_STOP_ILL;
}
