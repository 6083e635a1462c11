/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmdq.c - the command queue (IHI 0070 chapter 4, 7.1).
 *
 * One thread at a time consumes, under cmdq_lock.  Each command is read, done
 * and then passed by CONS; a command that cannot be done leaves CONS on itself,
 * sets ERR and GERROR.CMDQ_ERR and stops the queue until software acknowledges.
 * Reserved fields of a known command are ignored.
 *
 * CMD_SYNC waits until every transaction that began earlier has left the model,
 * its memory accesses and its event included.  Then CONS passes it, and then
 * its signal goes out, with cmdq_lock released.  What else a command wants done
 * without the lock (answers to endpoints, stalled transactions that go on) it
 * leaves in a struct msmmu_work.
 */
#include "msmmu.h"

/* How a command ended. */
enum outcome {
	PASS, /* CONS moves on */
	WAIT, /* something outside must end first; kicked again then */
	STOP_ILL,
	STOP_ATC,
};

struct cmdq {
	uint64_t base;
	unsigned int lg2;
	uint32_t prod, cons;
};

static bool cmdq_runnable(msmmu *m, struct cmdq *q)
{
	uint32_t active;

	pthread_mutex_lock(&m->lock);
	q->base = MSMMU_REG(m, CMDQ_BASE);
	q->prod = (uint32_t)MSMMU_REG(m, CMDQ_PROD);
	q->cons = (uint32_t)MSMMU_REG(m, CMDQ_CONS) & SMMU_CMDQ_CONS_RD;
	q->lg2 = (unsigned int)min_u64(FIELD_GET(SMMU_Q_BASE_LOG2SIZE, q->base),
				       m->caps.cmdq_lg2);
	active = (uint32_t)(MSMMU_REG(m, GERROR) ^ MSMMU_REG(m, GERRORN));
	active &= SMMU_GERROR_CMDQ_ERR;
	if (!(MSMMU_REG(m, CR0) & SMMU_CR0_CMDQEN))
		active = 1;
	pthread_mutex_unlock(&m->lock);
	return !active && !smmu_q_empty(q->prod, q->cons, q->lg2);
}

static int cmdq_fetch(msmmu *m, const struct cmdq *q, struct smmu_cmd *cmd)
{
	uint32_t cr1 = (uint32_t)MSMMU_REG(m, CR1);
	uint8_t mair = msmmu_cache_to_mair(FIELD_GET(SMMU_CR1_QUEUE_IC, cr1),
					   FIELD_GET(SMMU_CR1_QUEUE_OC, cr1));
	uint8_t sh = msmmu_sh_fix(mair, FIELD_GET(SMMU_CR1_QUEUE_SH, cr1));
	uint64_t pa = align_down_lg2(q->base & SMMU_Q_BASE_ADDR,
				     (unsigned int)max_u64(
					     q->lg2 + SMMU_CMD_SIZE_LG2, 5)) +
		      smmu_q_offset(q->cons, q->lg2, SMMU_CMD_SIZE_LG2);

	if (pa >> m->caps.oas)
		return -1;
	return model_read64s(&m->host, pa, cmd->q, SMMU_CMD_QWORDS,
			     model_walk_attrs(mair, sh));
}

static void cmdq_stop(msmmu *m, unsigned int err)
{
	uint32_t cons;

	pthread_mutex_lock(&m->lock);
	cons = (uint32_t)MSMMU_REG(m, CMDQ_CONS) & ~SMMU_CMDQ_CONS_ERR;
	MSMMU_SET_REG(m, CMDQ_CONS, cons | FIELD_PREP(SMMU_CMDQ_CONS_ERR, err));
	msmmu_gerror_raise(m, SMMU_GERROR_CMDQ_ERR);
	pthread_mutex_unlock(&m->lock);
}

static void cmdq_pass(msmmu *m, const struct cmdq *q)
{
	uint32_t err;

	pthread_mutex_lock(&m->lock);
	err = (uint32_t)MSMMU_REG(m, CMDQ_CONS) & SMMU_CMDQ_CONS_ERR;
	/* Release: the effects are seen by whoever sees the new index. */
	store_release(&m->reg[SMMU_REGIDX_CMDQ_CONS],
		      err | smmu_q_add(q->cons, 1, q->lg2));
	pthread_mutex_unlock(&m->lock);
}

/* ------------------------------------------------------------ commands -- */

static void send_signal(msmmu *m, const struct msmmu_work *work);

static enum outcome sync_cmd(msmmu *m, const struct smmu_cmd *cmd,
			     struct msmmu_work *work)
{
	const struct model_slot *self = model_slot_get(&m->drain);
	struct msmmu_ctx *retired = NULL;
	unsigned int cs = FIELD_GET(SMMU_CMD_SYNC_0_CS, cmd->q[0]);

	if (cs == 3)
		return STOP_ILL;
	if (m->atc_waiting)
		return WAIT;
	if (m->atc_failed) {
		m->atc_failed = false;
		return STOP_ATC;
	}
	/* From within a memory callback our own context must stay. */
	if (!model_is_inside(&m->drain, self))
		retired = msmmu_cfg_take_retired(m);
	model_drain(&m->drain);
	msmmu_cfg_give_free(m, retired);
	m->syncs++;
	work->fn = send_signal;
	work->sync.cs = cs;
	work->sync.msi_addr = cmd->q[1] & SMMU_CMD_SYNC_1_MSIADDR;
	work->sync.msi_data =
		(uint32_t)FIELD_GET(SMMU_CMD_SYNC_0_MSIDATA, cmd->q[0]);
	work->sync.msi_attr = FIELD_GET(SMMU_CMD_SYNC_0_MSIATTR, cmd->q[0]);
	work->sync.msi_sh = FIELD_GET(SMMU_CMD_SYNC_0_MSH, cmd->q[0]);
	return PASS;
}

static bool cfgi_cmd(msmmu *m, unsigned int op, const struct smmu_cmd *cmd)
{
	uint32_t sid = (uint32_t)FIELD_GET(SMMU_CMD_0_SID, cmd->q[0]);
	unsigned int range = FIELD_GET(SMMU_CMD_CFGI_1_RANGE, cmd->q[1]);

	if (cmd->q[0] & SMMU_CMD_0_SSEC)
		return false;
	switch (op) {
	case SMMU_CMD_OP_CFGI_STE:
		msmmu_cfgi_ste(m, sid);
		return true;
	case SMMU_CMD_OP_CFGI_STE_RANGE:
		if (range == SMMU_CMD_CFGI_RANGE_ALL)
			msmmu_cfgi_all(m);
		else
			msmmu_cfgi_ste_range(m, sid, range);
		return true;
	case SMMU_CMD_OP_CFGI_CD:
		if (!m->caps.s1p)
			return false;
		msmmu_cfgi_cd(m, sid, FIELD_GET(SMMU_CMD_0_SSID, cmd->q[0]));
		return true;
	default: /* CFGI_CD_ALL */
		if (!m->caps.s1p)
			return false;
		msmmu_cfgi_ste(m, sid);
		return true;
	}
}

static enum outcome execute(msmmu *m, const struct smmu_cmd *cmd,
			    struct msmmu_work *work)
{
	unsigned int op = FIELD_GET(SMMU_CMD_0_OP, cmd->q[0]);
	bool legal;

	switch (op) {
	case SMMU_CMD_OP_PREFETCH_CONFIG:
	case SMMU_CMD_OP_PREFETCH_ADDR:
		legal = !(cmd->q[0] & SMMU_CMD_0_SSEC);
		break;
	case SMMU_CMD_OP_CFGI_STE:
	case SMMU_CMD_OP_CFGI_STE_RANGE:
	case SMMU_CMD_OP_CFGI_CD:
	case SMMU_CMD_OP_CFGI_CD_ALL:
		legal = cfgi_cmd(m, op, cmd);
		break;
	case SMMU_CMD_OP_ATC_INV:
		legal = msmmu_atc_inv_cmd(m, cmd, work);
		break;
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
		return sync_cmd(m, cmd, work);
	default:
		legal = msmmu_tlbi(m, op, cmd);
	}
	return legal ? PASS : STOP_ILL;
}

/* ------------------------------------------------------------- the loop -- */

static void send_signal(msmmu *m, const struct msmmu_work *work)
{
	/* Transactions that wait for room or a tag may look again. */
	msmmu_stall_after_sync(m);
	if (work->sync.cs == SMMU_CMD_SYNC_CS_NONE)
		return;
	if (work->sync.cs == SMMU_CMD_SYNC_CS_SEV) {
		if (m->caps.sev && m->host.wake)
			m->host.wake(m->host.ctx);
		return;
	}
	if (!m->caps.msi || !work->sync.msi_addr) {
		if (m->host.irq)
			m->host.irq(m->host.ctx, UIOMMU_SMMUV3_LINE_SYNC);
		return;
	}
	if (msmmu_msi_write(m, work->sync.msi_addr, work->sync.msi_data,
			    work->sync.msi_attr, work->sync.msi_sh)) {
		pthread_mutex_lock(&m->lock);
		msmmu_gerror_raise(m, SMMU_GERROR_MSI_CMDQ_ABT_ERR);
		pthread_mutex_unlock(&m->lock);
	}
}

/* One command, under cmdq_lock; false: nothing more to do. */
static bool step(msmmu *m, struct msmmu_work *work)
{
	struct smmu_cmd cmd;
	struct cmdq q;

	*work = (struct msmmu_work){ 0 };
	if (!cmdq_runnable(m, &q))
		return false;
	if (cmdq_fetch(m, &q, &cmd)) {
		cmdq_stop(m, SMMU_CERROR_ABT);
		return false;
	}
	switch (execute(m, &cmd, work)) {
	case WAIT:
		return false;
	case STOP_ILL:
		cmdq_stop(m, SMMU_CERROR_ILL);
		return false;
	case STOP_ATC:
		cmdq_stop(m, SMMU_CERROR_ATC_INV_SYNC);
		return false;
	case PASS:
		break;
	}
	m->commands++;
	m->commands_by_opcode[cmd.q[0] & SMMU_CMD_0_OP]++;
	cmdq_pass(m, &q);
	return true;
}

void msmmu_cmdq_run(msmmu *m)
{
	struct msmmu_work work;
	bool more = true;

	while (more) {
		pthread_mutex_lock(&m->cmdq_lock);
		do {
			more = step(m, &work);
		} while (more && !work.fn);
		pthread_mutex_unlock(&m->cmdq_lock);
		if (work.fn)
			work.fn(m, &work);
	}
	msmmu_irq_deliver(m);
}

void msmmu_cmdq_kick(msmmu *m)
{
	if (m->profile.threaded_commands)
		msmmu_thread_kick(m);
	else
		msmmu_cmdq_run(m);
}
