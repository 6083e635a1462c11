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

const struct smmuv3_recq_kind smmuv3_priq_kind = {
	.name = "PRI queue",
	.base = SMMU_REG_PRIQ_BASE,
	.prod = SMMU_REG_PRIQ_PROD,
	.cons = SMMU_REG_PRIQ_CONS,
	.alloc = SMMU_PRIQ_BASE_WA,
	.size_lg2 = SMMU_PRI_SIZE_LG2,
};

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
	if (at < load_acquire(&dev->first_request) &&
	    !DRIVER_MUTANT("priq: old life"))
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

/*
 * All from before them has been told, and the loss.  What has come since is
 * another one, with records before it.
 */
static void acknowledge(struct smmuv3_unit *unit, bool overflow, bool aborted)
{
	struct smmuv3_priq *q = &unit->priq;

	if (overflow)
		smmuv3_recq_ack(unit, &q->queue);
	if (aborted) {
		store_release(&q->aborted, 0);
		smmuv3_loss_ack(unit, SMMU_GERROR_PRIQ_ABT_ERR);
	}
}

static void drain(struct smmuv3_unit *unit)
{
	uint64_t record[SMMUV3_RECORDS_AT_ONCE][SMMU_PRI_QWORDS];
	struct smmuv3_priq *q = &unit->priq;
	struct smmuv3_recq_taken got;
	struct smmuv3_batch refusals;
	bool aborted, lost;
	unsigned int i;

	do {
		smmuv3_batch_init(&refusals, &unit->cmdq);
		/* Before PROD, which then has all from before the abort. */
		aborted = load_acquire(&q->aborted);
		got = smmuv3_recq_take(unit, &q->queue, record[0], false);
		for (i = 0; i < got.nr; i++)
			report(unit, record[i], got.at + i, &refusals);
		if (refusals.nr)
			smmuv3_batch_sync(&refusals);
		lost = !got.left && (got.overflow || aborted);
		if (lost) {
			report_lost(unit);
			acknowledge(unit, got.overflow, aborted);
		}
	} while (got.nr || lost);
}

static bool is_empty(struct smmuv3_unit *unit)
{
	struct smmuv3_recq *q = &unit->priq.queue;
	uint32_t prod, cons;

	smmuv3_lock(unit, &q->lock);
	prod = smmuv3_read32(unit, SMMU_REG_PRIQ_PROD);
	cons = q->cons;
	smmuv3_unlock(unit, &q->lock);
	return smmu_q_empty(prod, cons, q->lg2) &&
	       !((prod ^ cons) & SMMU_Q_PROD_OVFLG) &&
	       !load_acquire(&unit->priq.aborted);
}

/*
 * One thread at a time, or groups from before and after an overflow could not be
 * told apart.  Who finds another at it leaves the records to that one, which
 * looks once more after it has said that it is not.
 */
void smmuv3_priq_drain(struct smmuv3_unit *unit)
{
	struct smmuv3_priq *q = &unit->priq;

	if (!q->queue.slots)
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
	if (!unit->priq.queue.slots) {
		smmuv3_loss_ack(unit, SMMU_GERROR_PRIQ_ABT_ERR);
		return;
	}
	store_release(&unit->priq.aborted, 1);
	fence_full();
	smmuv3_priq_drain(unit);
}
