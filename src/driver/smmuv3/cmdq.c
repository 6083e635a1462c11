/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command queue: many producers without a lock, one hardware consumer.
 *
 * A producer reserves positions by compare-and-swap on `tail`, writes its
 * commands into their slots and marks each slot with its position.  Who finds
 * no open batch when reserving opens one and becomes its publisher; those who
 * reserve while it is open only fill their slots.  The publisher closes the
 * batch, which fixes its end, waits for the marks, waits for its turn (so that
 * CMDQ_PROD only moves forward) and rings the doorbell once for all.
 *
 * What keeps it correct:
 *  A  A position is reserved only when its slot has been consumed, so a slot
 *     has one owner at any time, from reservation to consumption.
 *  B  Nobody waits for the hardware while holding a position that has not been
 *     published: space is waited for before the reservation.  So every open
 *     batch is published in finite time, whatever the hardware does.
 *  C  The mark is stored with release and read with acquire by the publisher,
 *     and a register write is ordered after earlier stores: the hardware reads
 *     whole commands.
 *  D  `cons` is never ahead of the hardware: a thread that slept between
 *     reading `cons` and CMDQ_CONS computes a value that is too old, which the
 *     comparison drops.
 *
 * When the hardware stops at a command, any waiter repairs the queue under
 * `lock`: a refused command is replaced by a CMD_SYNC and its position noted in
 * `failed`, so that its producer, and only it, reports -EIO.
 */
#include <uiommu/env.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "cmd.h"
#include "cmdq.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "log.h"
#include "mutant.h"
#include "patience.h"

#define TAIL_OPEN BIT64(32)

/* Stops at one and the same command before the queue is given up. */
#define MAX_STOPS 3

static uint32_t reg_read(const struct smmuv3_cmdq *q, uint32_t off)
{
	return q->p->mmio_read32(q->p->ctx, q->regs + off);
}

static void reg_write(const struct smmuv3_cmdq *q, uint32_t off, uint32_t val)
{
	q->p->mmio_write32(q->p->ctx, q->regs + off, val);
}

static uint32_t queue_size(const struct smmuv3_cmdq *q)
{
	return BIT32(q->lg2);
}

static uint32_t slot_of(const struct smmuv3_cmdq *q, uint32_t pos)
{
	return pos & (queue_size(q) - 1);
}

/* Is position a at or behind b? */
static bool reached(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) >= 0;
}

static void write_slot(struct smmuv3_cmdq *q, uint32_t pos,
		       const struct smmu_cmd *cmd)
{
	le64_t *slot = q->slots + (size_t)slot_of(q, pos) * SMMU_CMD_QWORDS;

	slot[0] = cpu_to_le64(cmd->q[0]);
	slot[1] = cpu_to_le64(cmd->q[1]);
	if (q->p->clean_range)
		q->p->clean_range(q->p->ctx, slot, SMMU_CMD_SIZE);
}

/* ------------------------------------------------------------ progress -- */

/* Look at the hardware's position; returns the newest one known. */
static uint32_t refresh_cons(struct smmuv3_cmdq *q)
{
	uint32_t seen = load_acquire(&q->cons), now;

	now = seen + smmu_q_ptr(reg_read(q, SMMU_REG_CMDQ_CONS) - seen, q->lg2);
	/* Beyond what was ever reserved: the register does not make sense. */
	if (!reached((uint32_t)load_acquire(&q->tail), now))
		return seen;
	while (!reached(seen, now))
		if (cmpxchg_acq_rel(&q->cons, &seen, now))
			return now;
	return seen;
}

/* Wait until the hardware has consumed all positions below `pos`. */
static int wait_consumed(struct smmuv3_cmdq *q, uint32_t pos)
{
	uint32_t cons = load_acquire(&q->cons), last = cons;
	struct smmuv3_patience patience;

	smmuv3_patience_start(&patience, q->timeout_ns);
	while (!reached(cons, pos)) {
		cons = refresh_cons(q);
		if (reached(cons, pos))
			break;
		if (load_relaxed(&q->dead))
			return -EIO;
		smmuv3_cmdq_check_error(q);
		if (cons != last)
			smmuv3_patience_start(&patience, q->timeout_ns);
		last = cons;
		if (smmuv3_patience_over(&patience, q->p)) {
			smmuv3_log(
				q->p, UIOMMU_LOG_ERROR,
				"command queue does not move: PROD %x CONS %x",
				reg_read(q, SMMU_REG_CMDQ_PROD),
				reg_read(q, SMMU_REG_CMDQ_CONS));
			return -ETIMEDOUT;
		}
		q->p->relax(q->p->ctx);
	}
	return 0;
}

/* ------------------------------------------------------------ recovery -- */

static void replace_by_sync(struct smmuv3_cmdq *q, uint32_t pos)
{
	le64_t *slot = q->slots + (size_t)slot_of(q, pos) * SMMU_CMD_QWORDS;
	struct smmu_cmd sync = smmuv3_make_sync();

	smmuv3_log(q->p, UIOMMU_LOG_ERROR,
		   "command refused: %llx %llx, replaced by CMD_SYNC",
		   (unsigned long long)le64_to_cpu(slot[0]),
		   (unsigned long long)le64_to_cpu(slot[1]));
	write_slot(q, pos, &sync);
}

/* The queue stands at `pos` with error code `err`; the lock is held. */
static void repair(struct smmuv3_cmdq *q, uint32_t pos, uint32_t err)
{
	q->stop_nr = pos == q->stop_pos ? q->stop_nr + 1 : 1;
	q->stop_pos = pos;

	switch (err) {
	case SMMU_CERROR_ABT:
		/* The fetch aborted: it may work the next time. */
		smmuv3_log(q->p, UIOMMU_LOG_ERROR,
			   "command queue: external abort on fetch");
		break;
	case SMMU_CERROR_ATC_INV_SYNC:
		/* A device did not answer; the CMD_SYNC runs again. */
		store_relaxed(&q->atc_failed[slot_of(q, pos)], pos + 1);
		/* A guest can let it do this all day: ever fewer lines. */
		if (is_pow2(fetch_add_acq_rel(&q->atc_errors, 1) + 1))
			smmuv3_log(
				q->p, UIOMMU_LOG_ERROR,
				"a device did not complete an ATC invalidation");
		break;
	default:
		replace_by_sync(q, pos);
		store_relaxed(&q->failed[slot_of(q, pos)], pos + 1);
		fetch_add_acq_rel(&q->errors, 1);
		break;
	}
	/* A device must not be able to stop the SMMU for all the others. */
	if (q->stop_nr > MAX_STOPS && err != SMMU_CERROR_ATC_INV_SYNC) {
		smmuv3_log(q->p, UIOMMU_LOG_ERROR,
			   "command queue given up after error %u", err);
		store_release(&q->dead, 1);
	}
}

static bool error_active(const struct smmuv3_cmdq *q)
{
	return (reg_read(q, SMMU_REG_GERROR) ^ reg_read(q, SMMU_REG_GERRORN)) &
	       SMMU_GERROR_CMDQ_ERR;
}

void smmuv3_cmdq_check_error(struct smmuv3_cmdq *q)
{
	uint32_t cons, pos;

	if (!error_active(q))
		return;
	q->p->lock(q->p->ctx, &q->lock);
	/* Somebody else may have been faster. */
	if (error_active(q) && !load_relaxed(&q->dead)) {
		pos = refresh_cons(q);
		cons = reg_read(q, SMMU_REG_CMDQ_CONS);
		repair(q, pos, FIELD_GET(SMMU_CMDQ_CONS_ERR, cons));
		if (!q->dead)
			reg_write(q, SMMU_REG_GERRORN,
				  reg_read(q, SMMU_REG_GERRORN) ^
					  SMMU_GERROR_CMDQ_ERR);
	}
	q->p->unlock(q->p->ctx, &q->lock);
}

/*
 * Does a slot's mark, of `marks`, stand for a position in [first, end)?  Only
 * asked after some command failed.
 */
static bool any_failed(const struct smmuv3_cmdq *q, const uint32_t *marks,
		       uint32_t first, uint32_t end)
{
	uint32_t pos, failed;

	/* All slots were used since: what happened to ours is not known. */
	if (end - first > queue_size(q))
		return true;
	for (pos = first; pos != end; pos++) {
		/* A later failure in the slot may have covered ours. */
		failed = load_acquire(&marks[slot_of(q, pos)]) - 1;
		if (slot_of(q, failed) == slot_of(q, pos) &&
		    failed - pos < (uint32_t)load_relaxed(&q->tail) - pos)
			return true;
	}
	return false;
}

/* ----------------------------------------------------------- producers -- */

/* Take n positions; *first is the first, *publisher if the batch is ours. */
static int reserve(struct smmuv3_cmdq *q, uint32_t n, uint32_t *first,
		   bool *publisher)
{
	uint64_t tail = load_relaxed(&q->tail);
	uint32_t end;
	int rc;

	for (;;) {
		end = (uint32_t)tail + n;
		if (end - load_acquire(&q->cons) > queue_size(q)) {
			if (load_relaxed(&q->dead))
				return -EIO;
			rc = wait_consumed(q, end - queue_size(q));
			if (rc)
				return rc;
			tail = load_relaxed(&q->tail);
			continue;
		}
		if (cmpxchg_acq_rel(&q->tail, &tail, TAIL_OPEN | end))
			break;
	}
	*first = (uint32_t)tail;
	*publisher = !(tail & TAIL_OPEN);
	return 0;
}

static enum smmuv3_cmd_kind kind_of(uint64_t q0, uint64_t q1)
{
	switch (FIELD_GET(SMMU_CMD_0_OP, q0)) {
	case SMMU_CMD_OP_SYNC:
		return SMMUV3_CMD_SYNC;
	case SMMU_CMD_OP_CFGI_STE:
		return SMMUV3_CMD_CFGI_STE;
	case SMMU_CMD_OP_CFGI_CD:
	case SMMU_CMD_OP_CFGI_CD_ALL:
		return SMMUV3_CMD_CFGI_CD;
	case SMMU_CMD_OP_CFGI_STE_RANGE:
		return SMMUV3_CMD_CFGI_RANGE;
	case SMMU_CMD_OP_TLBI_NH_VA:
	case SMMU_CMD_OP_TLBI_S2_IPA:
		return q1 & SMMU_CMD_TLBI_1_TG ? SMMUV3_CMD_TLBI_RANGE
					       : SMMUV3_CMD_TLBI_VA;
	case SMMU_CMD_OP_ATC_INV:
		return SMMUV3_CMD_ATC_INV;
	case SMMU_CMD_OP_PRI_RESP:
		return SMMUV3_CMD_PRI_RESP;
	case SMMU_CMD_OP_RESUME:
	case SMMU_CMD_OP_STALL_TERM:
		return SMMUV3_CMD_RESUME;
	case SMMU_CMD_OP_TLBI_NH_ASID:
		return SMMUV3_CMD_TLBI_ASID;
	case SMMU_CMD_OP_TLBI_NH_ALL:
	case SMMU_CMD_OP_TLBI_S12_VMALL:
	case SMMU_CMD_OP_TLBI_NSNH_ALL:
	case SMMU_CMD_OP_TLBI_EL2_ALL:
		return SMMUV3_CMD_TLBI_ALL;
	default:
		return SMMUV3_CMD_OTHER;
	}
}

static void count_one(struct smmuv3_cmdq *q, uint32_t pos)
{
	const le64_t *slot =
		q->slots + (size_t)slot_of(q, pos) * SMMU_CMD_QWORDS;
	uint64_t *count;

	count = &q->count[kind_of(le64_to_cpu(slot[0]), le64_to_cpu(slot[1]))];
	store_relaxed(count, *count + 1);
}

/* Close the batch that began at `first` and hand it to the hardware. */
static void publish(struct smmuv3_cmdq *q, uint32_t first)
{
	uint32_t end, pos;

	end = (uint32_t)fetch_and_acq_rel(&q->tail, ~TAIL_OPEN);
	for (pos = first; pos != end; pos++)
		while (load_acquire(&q->ready[slot_of(q, pos)]) != pos + 1)
			q->p->relax(q->p->ctx);
	while (load_acquire(&q->published) != first)
		q->p->relax(q->p->ctx);
	for (pos = first; pos != end; pos++)
		count_one(q, pos);
	store_relaxed(&q->doorbells, q->doorbells + 1);
	reg_write(q, SMMU_REG_CMDQ_PROD, smmu_q_ptr(end, q->lg2));
	store_release(&q->published, end);
}

/* Hand n <= size commands over; *first is the position of the first. */
static int submit(struct smmuv3_cmdq *q, const struct smmu_cmd *cmds,
		  uint32_t n, uint32_t *first)
{
	bool publisher;
	uint32_t i;
	int rc;

	if (load_relaxed(&q->dead))
		return -EIO;
	rc = reserve(q, n, first, &publisher);
	if (rc)
		return rc;
	for (i = 0; i < n; i++) {
		write_slot(q, *first + i, &cmds[i]);
		store_release(&q->ready[slot_of(q, *first + i)],
			      *first + i + 1);
	}
	if (publisher)
		publish(q, *first);
	return 0;
}

/* ------------------------------------------------------------- batches -- */

void smmuv3_batch_init(struct smmuv3_batch *batch, struct smmuv3_cmdq *q)
{
	batch->q = q;
	batch->rc = 0;
	batch->nr = 0;
	batch->started = false;
	batch->first = 0;
	batch->errors = 0;
	batch->atc_errors = load_acquire(&q->atc_errors);
	batch->atc = false;
}

/* Hand over what is collected; *end is the position behind it. */
static void batch_flush(struct smmuv3_batch *batch, uint32_t *end)
{
	struct smmuv3_cmdq *q = batch->q;
	uint32_t done = 0, n, first;

	if (!batch->started)
		batch->errors = load_acquire(&q->errors);
	while (!batch->rc && done < batch->nr) {
		n = min_u64(batch->nr - done, queue_size(q));
		batch->rc = submit(q, batch->cmd + done, n, &first);
		if (batch->rc)
			break;
		if (!batch->started)
			batch->first = first;
		batch->started = true;
		*end = first + n;
		done += n;
	}
	batch->nr = 0;
}

void smmuv3_batch_add(struct smmuv3_batch *batch, struct smmu_cmd cmd)
{
	uint32_t end;

	if (batch->nr == SMMUV3_BATCH_LEN)
		batch_flush(batch, &end);
	batch->atc |= FIELD_GET(SMMU_CMD_0_OP, cmd.q[0]) == SMMU_CMD_OP_ATC_INV;
	batch->cmd[batch->nr++] = cmd;
}

void smmuv3_batch_submit(struct smmuv3_batch *batch,
			 struct smmuv3_ticket *ticket)
{
	uint32_t end = 0;

	if (!DRIVER_MUTANT("cmdq: SYNC"))
		smmuv3_batch_add(batch, smmuv3_make_sync());
	batch_flush(batch, &end);
	*ticket = (struct smmuv3_ticket){
		.q = batch->q,
		.rc = batch->rc,
		.first = batch->first,
		.end = end,
		.errors = batch->errors,
		.atc_errors = batch->atc_errors,
		.atc = batch->atc,
	};
}

int smmuv3_ticket_wait(const struct smmuv3_ticket *ticket)
{
	struct smmuv3_cmdq *q = ticket->q;
	int rc;

	if (ticket->rc)
		return ticket->rc;
	rc = wait_consumed(q, ticket->end);
	if (rc)
		return rc;
	if (load_acquire(&q->errors) != ticket->errors &&
	    any_failed(q, q->failed, ticket->first, ticket->end))
		return -EIO;
	if (ticket->atc && load_acquire(&q->atc_errors) != ticket->atc_errors &&
	    any_failed(q, q->atc_failed, ticket->first, ticket->end))
		return SMMUV3_DISOBEYED;
	return 0;
}

int smmuv3_batch_sync(struct smmuv3_batch *batch)
{
	struct smmuv3_ticket ticket;

	smmuv3_batch_submit(batch, &ticket);
	return smmuv3_ticket_wait(&ticket);
}

/* --------------------------------------------------------------- setup -- */

int smmuv3_cmdq_init(struct smmuv3_cmdq *q, const struct uiommu_platform *p,
		     uiommu_pa_t regs, uint8_t lg2, uint64_t timeout_ns)
{
	size_t bytes = (size_t)SMMU_CMD_SIZE << lg2;
	uint32_t i;
	int rc;

	memset(q, 0, sizeof(*q));
	q->p = p;
	q->regs = regs;
	q->lg2 = lg2;
	q->timeout_ns = timeout_ns;
	q->stop_pos = UINT32_MAX;

	rc = p->lock_init(p->ctx, &q->lock);
	if (rc)
		return rc;
	q->ready = p->obj_alloc(p->ctx, 3 * sizeof(*q->ready) << lg2);
	if (!q->ready)
		goto err_lock;
	q->failed = q->ready + queue_size(q);
	q->atc_failed = q->failed + queue_size(q);
	/* Positions that belong to another slot: none has failed. */
	for (i = 0; i < queue_size(q); i++)
		q->failed[i] = q->atc_failed[i] = i;
	q->slots =
		p->table_alloc(p->ctx, bytes < 64 ? 64 : bytes, &q->slots_pa);
	if (!q->slots)
		goto err_ready;
	memset(q->slots, 0, bytes);
	return 0;

err_ready:
	p->obj_free(p->ctx, q->ready);
err_lock:
	p->lock_fini(p->ctx, &q->lock);
	return -ENOMEM;
}

void smmuv3_cmdq_fini(struct smmuv3_cmdq *q)
{
	size_t bytes = (size_t)SMMU_CMD_SIZE << q->lg2;

	q->p->table_free(q->p->ctx, q->slots, bytes < 64 ? 64 : bytes);
	q->p->obj_free(q->p->ctx, q->ready);
	q->p->lock_fini(q->p->ctx, &q->lock);
}

void smmuv3_cmdq_program(struct smmuv3_cmdq *q)
{
	q->p->mmio_write64(q->p->ctx, q->regs + SMMU_REG_CMDQ_BASE,
			   SMMU_CMDQ_BASE_RA |
				   (q->slots_pa & SMMU_Q_BASE_ADDR) |
				   FIELD_PREP(SMMU_Q_BASE_LOG2SIZE, q->lg2));
	reg_write(q, SMMU_REG_CMDQ_PROD, 0);
	reg_write(q, SMMU_REG_CMDQ_CONS, 0);
}
