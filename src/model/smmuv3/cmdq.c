/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmdq.c - command queues: fetching, passing, stopping (IHI 0070 3.5, 7.1).
 *
 * The queue of page 0 and the ECMDQs are the same object; they differ in which
 * bits turn them on and where an error stands.  One thread at a time consumes a
 * queue, under its lock, and several queues are consumed by several threads at
 * a time.  Each command is read, done and then passed by CONS; a command that
 * cannot be done leaves CONS on itself, says why and stops its queue until
 * software acknowledges.  Nothing is fetched ahead, so what is fetched after
 * that is what stands in memory then.
 *
 * The consumer needs no lock for registers: while a queue is on, CONS is the
 * consumer's, PROD is one word, and the rest does not change (before SMMUv3.2
 * it may, and then each command goes by what it finds).  With PROD and CONS
 * further apart than the queue is long nothing is consumed.
 *
 * What a command wants done without the lock (answers to endpoints, stalled
 * transactions that go on, wires) it leaves in a struct msmmu_work.
 */
#include <errno.h>

#include "../mutant.h"
#include "msmmu.h"
#include "tell.h"

/* Its address names the thread. */
static __thread char self_mark;

static uintptr_t self(void)
{
	return (uintptr_t)&self_mark;
}

/* What a queue's registers say, read once for each command. */
struct state {
	uint64_t base;
	unsigned int lg2;
	uint32_t prod, cons;
};

static uint32_t read_cons(const struct msmmu_cmdq *q)
{
	return (uint32_t)load_relaxed(q->cons);
}

static bool main_runs(const msmmu *m)
{
	uint32_t errors =
		(uint32_t)(MSMMU_REG(m, GERROR) ^ MSMMU_REG(m, GERRORN));

	if ((errors & SMMU_GERROR_CMDQ_ERR) && !MUTANT("CMDQ error stop"))
		return false;
	return load_acquire(&m->reg[SMMU_REGIDX_CR0]) & SMMU_CR0_CMDQEN;
}

static bool ecmdq_runs(uint32_t prod, uint32_t cons)
{
	if (!(prod & SMMU_ECMDQ_PROD_EN) || !(cons & SMMU_ECMDQ_CONS_ENACK))
		return false;
	return !(prod & SMMU_ECMDQ_PROD_ERRACK) ==
		       !(cons & SMMU_ECMDQ_CONS_ERR) ||
	       MUTANT("ECMDQ error stop");
}

_Static_assert(SMMU_ECMDQ_CONS_RD == SMMU_CMDQ_CONS_RD &&
		       SMMU_ECMDQ_PROD_WR == SMMU_CMDQ_PROD_WR,
	       "indices stand in the same bits");

/* Is there a command to do?  Then *s says where. */
static bool next_command(const msmmu *m, const struct msmmu_cmdq *q,
			 struct state *s)
{
	uint32_t count, prod, cons;

	if (!q->ecmdq && !main_runs(m))
		return false;
	prod = (uint32_t)load_acquire(q->prod);
	cons = read_cons(q);
	if (q->ecmdq && !ecmdq_runs(prod, cons))
		return false;
	s->base = load_relaxed(q->base);
	s->lg2 = (unsigned int)min_u64(FIELD_GET(SMMU_Q_BASE_LOG2SIZE, s->base),
				       m->caps.cmdq_lg2);
	s->prod = prod & SMMU_CMDQ_PROD_WR;
	s->cons = cons & SMMU_CMDQ_CONS_RD;
	count = smmu_q_count(s->prod, s->cons, s->lg2);
	return count && count <= BIT32(s->lg2);
}

static int fetch(const msmmu *m, const struct state *s, struct smmu_cmd *cmd)
{
	uint64_t pa = msmmu_queue_entry(m, s->base, s->lg2, s->cons,
					SMMU_CMD_SIZE_LG2);

	return model_read64s(&m->host, pa, cmd->q, SMMU_CMD_QWORDS,
			     msmmu_queue_attrs(m, s->base));
}

/* The code is seen by whoever sees the error. */
static void stop(msmmu *m, struct msmmu_cmdq *q, unsigned int err)
{
	uint32_t cons = read_cons(q);

	if (q->ecmdq) {
		cons &= ~SMMU_ECMDQ_CONS_ERR_REASON;
		cons |= FIELD_PREP(SMMU_ECMDQ_CONS_ERR_REASON, err);
		cons ^= SMMU_ECMDQ_CONS_ERR;
	} else {
		cons &= ~SMMU_CMDQ_CONS_ERR;
		cons |= FIELD_PREP(SMMU_CMDQ_CONS_ERR, err);
	}
	store_release(q->cons, cons);
	pthread_mutex_lock(&m->lock);
	msmmu_gerror_raise(m, q->ecmdq ? SMMU_GERROR_CMDQP_ERR
				       : SMMU_GERROR_CMDQ_ERR);
	pthread_mutex_unlock(&m->lock);
}

static void pass(struct msmmu_cmdq *q, const struct state *s)
{
	uint32_t rest = read_cons(q) & ~SMMU_CMDQ_CONS_RD;

	if (smmu_q_full(s->prod, s->cons, s->lg2))
		q->was_full = true;
	/* Release: the effects are seen by whoever sees the new index. */
	store_release(q->cons, rest | smmu_q_add(s->cons, 1, s->lg2));
}

/* One command, under q->lock; false: nothing more to do. */
static bool step(msmmu *m, struct msmmu_cmdq *q, struct msmmu_work *work)
{
	struct smmu_cmd cmd;
	struct state s;

	*work = (struct msmmu_work){ .q = q };
	if (!next_command(m, q, &s))
		return false;
	if (fetch(m, &s, &cmd)) {
		stop(m, q, SMMU_CERROR_ABT);
		return false;
	}
	work->cmd = cmd;
	switch (msmmu_command(m, q, &cmd, work)) {
	case MSMMU_WAIT:
		return false;
	case MSMMU_STOP_ILL:
		work->cerror = SMMU_CERROR_ILL;
		break;
	case MSMMU_STOP_ATC:
		work->cerror = SMMU_CERROR_ATC_INV_SYNC;
		break;
	case MSMMU_PASS:
		break;
	}
	work->fetched = true;
	if (work->cerror) {
		stop(m, q, work->cerror);
		return false;
	}
	fetch_add_relaxed(&m->commands, 1);
	fetch_add_relaxed(&m->commands_by_opcode[cmd.q[0] & SMMU_CMD_0_OP], 1);
	pass(q, &s);
	msmmu_command_passed(m, work);
	return true;
}

static void own(struct msmmu_cmdq *q)
{
	pthread_mutex_lock(&q->lock);
	store_relaxed(&q->owner, self());
}

static void disown(struct msmmu_cmdq *q)
{
	store_relaxed(&q->owner, 0);
	pthread_mutex_unlock(&q->lock);
}

/* Called back by the notifier or by memory, from within our own consumption? */
static bool is_mine(const struct msmmu_cmdq *q)
{
	return load_relaxed(&q->owner) == self();
}

void msmmu_cmdq_run(msmmu *m, struct msmmu_cmdq *q)
{
	struct msmmu_work work;
	bool more = true, room;

	/* The consumer below us will look again. */
	if (is_mine(q))
		return;
	while (more) {
		own(q);
		do {
			more = step(m, q, &work);
		} while (more && !work.fn && !m->trace);
		room = q->was_full;
		q->was_full = false;
		if (work.fn || room)
			fetch_add_acq_rel(&m->leaving, 1);
		disown(q);
		if (unlikely(m->trace && work.fetched))
			msmmu_trace_cmd(m, &work);
		if (work.fn)
			work.fn(m, &work);
		if (room && m->caps.sev && m->host.wake)
			m->host.wake(m->host.ctx);
		if (work.fn || room)
			fetch_sub_acq_rel(&m->leaving, 1);
	}
	msmmu_irq_deliver(m);
}

void msmmu_cmdq_kick(msmmu *m, struct msmmu_cmdq *q)
{
	if (m->profile.threaded_commands)
		msmmu_thread_kick(m, q);
	else
		msmmu_cmdq_run(m, q);
}

void msmmu_cmdq_settle(msmmu *m, struct msmmu_cmdq *q)
{
	if (is_mine(q))
		return;
	own(q);
	msmmu_inval_settle(m, q);
	disown(q);
}

bool msmmu_cmdq_try_all(msmmu *m)
{
	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++) {
		if (!pthread_mutex_trylock(&msmmu_queue(m, i)->lock))
			continue;
		while (i--)
			pthread_mutex_unlock(&msmmu_queue(m, i)->lock);
		return false;
	}
	return true;
}

void msmmu_cmdq_release_all(msmmu *m)
{
	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++)
		pthread_mutex_unlock(&msmmu_queue(m, i)->lock);
}

/* --------------------------------------------------------------- making -- */

int msmmu_cmdq_init(msmmu *m, struct msmmu_cmdq *q)
{
	if (!q->ecmdq) {
		q->base = &m->reg[SMMU_REGIDX_CMDQ_BASE];
		q->prod = &m->reg[SMMU_REGIDX_CMDQ_PROD];
		q->cons = &m->reg[SMMU_REGIDX_CMDQ_CONS];
	} else {
		q->base = &q->own[0];
		q->prod = &q->own[1];
		q->cons = &q->own[2];
	}
	if (m->profile.caching != UIOMMU_SMMUV3_CACHING_GREEDY)
		return 0;
	q->later = model_alloc(&m->host, MSMMU_LATER_MAX * sizeof(*q->later));
	if (!q->later)
		return -ENOMEM;
	return 0;
}

void msmmu_cmdq_fini(msmmu *m, struct msmmu_cmdq *q)
{
	model_free(&m->host, q->later);
}

void msmmu_cmdq_locks_init(msmmu *m)
{
	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++) {
		struct msmmu_cmdq *q = msmmu_queue(m, i);

		pthread_mutex_init(&q->lock, NULL);
		q->owner = 0;
		q->kicked = false;
	}
}

void msmmu_cmdq_locks_fini(msmmu *m)
{
	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++)
		pthread_mutex_destroy(&msmmu_queue(m, i)->lock);
}
