/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PRI queue: devices that ask for pages.
 *
 * Records are copied out under the queue's lock, a handful at a time, and their
 * slots given back before anything is answered, for an answer lets a device ask
 * again.  Who cannot be served is answered at once: nobody waits for ever.
 *
 * Overflow: the hardware drops requests, answers them by itself, and goes on
 * doing so until OVACKFLG says that we know.  So it is acknowledged when all
 * that came before it has been reported, and the host has been told to forget
 * groups that have lost a part: what comes after it belongs to new ones.  The
 * same with an abort of a write to the queue (GERROR.PRIQ_ABT_ERR).
 */
#include "cmd.h"
#include "hw/smmuv3/pri.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "mutant.h"
#include "unit.h"

#define RECORDS_AT_ONCE 16

void smmuv3_pri_decode(const uint64_t record[2],
		       struct uiommu_page_request *req)
{
	bool ssv = record[0] & SMMU_PRI_0_SSV;

	memset(req, 0, sizeof(*req));
	if (record[0] & SMMU_PRI_0_R)
		req->flags |= UIOMMU_PAGE_READ;
	if (record[0] & SMMU_PRI_0_W)
		req->flags |= UIOMMU_PAGE_WRITE;
	/* Both mean something with a PASID only. */
	if (ssv && record[0] & SMMU_PRI_0_X)
		req->flags |= UIOMMU_PAGE_EXEC;
	if (ssv && record[0] & SMMU_PRI_0_PRIV)
		req->flags |= UIOMMU_PAGE_PRIV;
	if (record[0] & SMMU_PRI_0_LAST) {
		if (ssv && !(record[0] & (SMMU_PRI_0_R | SMMU_PRI_0_W)))
			req->flags |= UIOMMU_PAGE_STOP;
		else
			req->flags |= UIOMMU_PAGE_LAST;
	}
	req->id = FIELD_GET(SMMU_PRI_0_SID, record[0]);
	req->pasid = ssv ? FIELD_GET(SMMU_PRI_0_SSID, record[0])
			 : UIOMMU_NO_PASID;
	req->token = FIELD_GET(SMMU_PRI_1_PRGINDEX, record[1]);
	req->iova = record[1] & SMMU_PRI_1_ADDR;
}

/* --------------------------------------------------------------- report -- */

/* One that nobody serves, and how it is answered. */
struct refusal {
	bool pasid; /* with the PASID */
	enum smmu_cmd_pri_resp code;
};

/* What a device, if any, makes of it; in a read section. */
static enum smmuv3_fate expect(struct smmuv3_unit *unit, struct smmuv3_dev *dev,
			       struct uiommu_page_request *req, uint64_t at,
			       struct refusal *refusal)
{
	const struct uiommu_host_ops *host = unit->unit.host;

	*refusal = (struct refusal){ .code = SMMU_CMD_PRI_RESP_FAILURE };
	if (!dev)
		return SMMUV3_REFUSE;
	refusal->pasid = dev->pri_pasid && req->pasid != UIOMMU_NO_PASID;
	if (!dev->pri || !host || !host->report_page_request)
		return SMMUV3_REFUSE;
	/* Failure would stay with the device beyond this group. */
	refusal->code = SMMU_CMD_PRI_RESP_INVALID;
	if (at < dev->first_request && !DRIVER_MUTANT("priq: old life"))
		return SMMUV3_REFUSE;
	req->cookie = dev->hwdev.cookie;
	if (!(req->flags & UIOMMU_PAGE_LAST))
		return SMMUV3_TELL;
	return smmuv3_group_expect(dev, smmuv3_dev_index(dev, req->id),
				   req->token, req->pasid);
}

static void report(struct smmuv3_unit *unit, const uint64_t record[2],
		   uint64_t at, struct smmuv3_batch *refusals)
{
	const struct uiommu_host_ops *host = unit->unit.host;
	const struct uiommu_platform *p = unit->unit.platform;
	struct uiommu_page_request req;
	struct refusal refusal;
	enum smmuv3_fate fate;

	smmuv3_pri_decode(record, &req);
	p->read_begin(p->ctx);
	fate = expect(unit, smmuv3_strtab_dev(unit, req.id), &req, at,
		      &refusal);
	p->read_end(p->ctx);
	if (fate == SMMUV3_TELL)
		host->report_page_request(unit->unit.host_ctx, &unit->unit,
					  &req);
	if (fate != SMMUV3_REFUSE || !(req.flags & UIOMMU_PAGE_LAST))
		return;
	/* A device can do this all day: ever fewer lines. */
	if (is_pow2(fetch_add_relaxed(&unit->priq.refused, 1) + 1))
		smmuv3_log(
			p, UIOMMU_LOG_WARN,
			"page request of StreamID %x at %llx: nobody serves it",
			req.id, (unsigned long long)req.iova);
	smmuv3_batch_add(refusals,
			 smmuv3_make_pri_resp(req.id, refusal.pasid, req.pasid,
					      req.token, refusal.code));
}

static void report_lost(struct smmuv3_unit *unit)
{
	const struct uiommu_host_ops *host = unit->unit.host;

	smmuv3_log(unit->unit.platform, UIOMMU_LOG_WARN,
		   "page requests were lost");
	if (host && host->page_requests_lost)
		host->page_requests_lost(unit->unit.host_ctx, &unit->unit);
}

/* ---------------------------------------------------------------- drain -- */

/* What came behind records, is to be told after them, and then acknowledged. */
#define LOST_BY_OVERFLOW (1u << 0)
#define LOST_BY_ABORT (1u << 1)

/*
 * Copy up to RECORDS_AT_ONCE records out; how many there were.  *at: how many
 * had been taken before.  *lost: LOST_BY_*, if they were the last before that.
 */
static unsigned int take(struct smmuv3_unit *unit,
			 uint64_t out[RECORDS_AT_ONCE][SMMU_PRI_QWORDS],
			 uint64_t *at, uint32_t *lost)
{
	struct smmuv3_priq *q = &unit->priq;
	uint32_t prod, nr, i, w, rd, cons;
	const le64_t *slot;

	smmuv3_lock(unit, &q->lock);
	/* Before PROD, which then has all that came before the abort. */
	*lost = load_acquire(&q->aborted) ? LOST_BY_ABORT : 0;
	prod = smmuv3_read32(unit, SMMU_REG_PRIQ_PROD);
	rd = FIELD_GET(SMMU_Q_CONS_RD, q->cons);
	nr = smmu_q_count(prod, rd, q->lg2);
	if (nr > BIT32(q->lg2)) {
		smmuv3_log(unit->unit.platform, UIOMMU_LOG_ERROR,
			   "PRI queue index %x does not make sense", prod);
		rd = smmu_q_ptr(prod, q->lg2);
		nr = 0;
	}
	if ((prod ^ q->cons) & SMMU_Q_PROD_OVFLG)
		*lost |= LOST_BY_OVERFLOW;
	if (nr > RECORDS_AT_ONCE)
		*lost = 0;
	nr = min_u64(nr, RECORDS_AT_ONCE);
	for (i = 0; i < nr; i++) {
		slot = q->slots +
		       (size_t)smmu_q_index(rd + i, q->lg2) * SMMU_PRI_QWORDS;
		for (w = 0; w < SMMU_PRI_QWORDS; w++)
			out[i][w] = le64_to_cpu(slot[w]);
	}
	*at = q->requests;
	store_relaxed(&q->requests, q->requests + nr);
	cons = smmu_q_add(rd, nr, q->lg2) | (q->cons & SMMU_Q_CONS_OVACKFLG);
	if (cons != q->cons) {
		q->cons = cons;
		smmuv3_write32(unit, SMMU_REG_PRIQ_CONS, cons);
	}
	smmuv3_unlock(unit, &q->lock);
	return nr;
}

/*
 * All from before them has been told, and the loss.  What has come since is
 * another one, with records before it.
 */
static void acknowledge(struct smmuv3_unit *unit, uint32_t lost)
{
	struct smmuv3_priq *q = &unit->priq;

	if (lost & LOST_BY_OVERFLOW) {
		smmuv3_lock(unit, &q->lock);
		store_relaxed(&q->overflows, q->overflows + 1);
		q->cons ^= SMMU_Q_CONS_OVACKFLG;
		if (!DRIVER_MUTANT("priq: OVACKFLG"))
			smmuv3_write32(unit, SMMU_REG_PRIQ_CONS, q->cons);
		smmuv3_unlock(unit, &q->lock);
	}
	if (lost & LOST_BY_ABORT) {
		store_release(&q->aborted, 0);
		smmuv3_loss_ack(unit, SMMU_GERROR_PRIQ_ABT_ERR);
	}
}

static void drain(struct smmuv3_unit *unit)
{
	uint64_t record[RECORDS_AT_ONCE][SMMU_PRI_QWORDS];
	struct smmuv3_batch refusals;
	unsigned int nr, i;
	uint64_t at;
	uint32_t lost;

	do {
		smmuv3_batch_init(&refusals, &unit->cmdq);
		nr = take(unit, record, &at, &lost);
		for (i = 0; i < nr; i++)
			report(unit, record[i], at + i, &refusals);
		if (refusals.nr)
			smmuv3_batch_sync(&refusals);
		if (lost) {
			report_lost(unit);
			acknowledge(unit, lost);
		}
	} while (nr || lost);
}

uint64_t smmuv3_priq_end(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *q = &unit->priq;
	uint32_t nr;
	uint64_t end;

	if (!q->slots)
		return 0;
	smmuv3_lock(unit, &q->lock);
	nr = smmu_q_count(smmuv3_read32(unit, SMMU_REG_PRIQ_PROD),
			  FIELD_GET(SMMU_Q_CONS_RD, q->cons), q->lg2);
	/* An index that makes no sense tells of no records: see take(). */
	end = q->requests + (nr > BIT32(q->lg2) ? 0 : nr);
	smmuv3_unlock(unit, &q->lock);
	return end;
}

static bool is_empty(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *q = &unit->priq;
	uint32_t prod, cons;

	smmuv3_lock(unit, &q->lock);
	prod = smmuv3_read32(unit, SMMU_REG_PRIQ_PROD);
	cons = q->cons;
	smmuv3_unlock(unit, &q->lock);
	return smmu_q_empty(prod, cons, q->lg2) &&
	       !((prod ^ cons) & SMMU_Q_PROD_OVFLG) &&
	       !load_acquire(&q->aborted);
}

/*
 * One thread at a time, or groups from before and after an overflow could not be
 * told apart.  Who finds another at it leaves the records to that one, which
 * looks once more after it has said that it is not.
 */
void smmuv3_priq_drain(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *q = &unit->priq;

	if (!q->slots)
		return;
	do {
		if (exchange_acq_rel(&q->draining, 1))
			return;
		drain(unit);
		store_release(&q->draining, 0);
		fence_full();
	} while (!is_empty(unit));
}

void smmuv3_priq_aborted(struct smmuv3_unit *unit)
{
	if (!unit->priq.slots) {
		smmuv3_loss_ack(unit, SMMU_GERROR_PRIQ_ABT_ERR);
		return;
	}
	store_release(&unit->priq.aborted, 1);
	fence_full();
	smmuv3_priq_drain(unit);
}

/* ---------------------------------------------------------------- setup -- */

int smmuv3_priq_init(struct smmuv3_unit *unit, uint8_t lg2)
{
	struct smmuv3_priq *q = &unit->priq;
	int rc;

	if (!unit->feat.pri)
		return 0;
	q->lg2 = lg2;
	rc = smmuv3_lock_init(unit, &q->lock);
	if (rc)
		return rc;
	q->slots = smmuv3_table_alloc(
		unit, (size_t)1 << (SMMU_PRI_SIZE_LG2 + lg2), &q->pa);
	if (!q->slots) {
		smmuv3_lock_fini(unit, &q->lock);
		return -ENOMEM;
	}
	return 0;
}

void smmuv3_priq_fini(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *q = &unit->priq;

	if (!q->slots)
		return;
	smmuv3_table_free(unit, q->slots,
			  (size_t)1 << (SMMU_PRI_SIZE_LG2 + q->lg2));
	smmuv3_lock_fini(unit, &q->lock);
}

void smmuv3_priq_program(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *q = &unit->priq;

	smmuv3_write64(unit, SMMU_REG_PRIQ_BASE,
		       SMMU_PRIQ_BASE_WA | (q->pa & SMMU_Q_BASE_ADDR) |
			       FIELD_PREP(SMMU_Q_BASE_LOG2SIZE, q->lg2));
	smmuv3_write32(unit, SMMU_REG_PRIQ_PROD, 0);
	smmuv3_write32(unit, SMMU_REG_PRIQ_CONS, 0);
	q->cons = 0;
}
