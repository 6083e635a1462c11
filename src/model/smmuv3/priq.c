/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * priq.c - page requests, their queue and their responses (IHI 0070 8).
 *
 * A request becomes a record, or is dropped, and then the SMMU has to answer for
 * it.  When the queue has no room the last one of a group is told to try again,
 * which is Success; when nobody would look at it each of a group is told Failure.
 * A Stop Marker is never answered.
 *
 * Index, overflow flag and the write of the record are under m->lock, as with
 * events.
 */
#include "../mutant.h"
#include "hw/smmuv3/pri.h"
#include "msmmu.h"

enum verdict {
	QUEUED,
	OVERFLOWED,
	DENIED,
};

static bool is_stop_marker(const struct uiommu_pri_request *req)
{
	if (MUTANT("priq-stop-marker"))
		return false;
	return req->ssv && req->last && !req->read && !req->write;
}

static void make_record(const struct uiommu_pri_request *req, le64_t raw[2])
{
	uint64_t q0 = req->sid, q1;

	if (req->ssv)
		q0 |= FIELD_PREP(SMMU_PRI_0_SSID, req->ssid) | SMMU_PRI_0_SSV |
		      (req->priv ? SMMU_PRI_0_PRIV : 0) |
		      (req->exec ? SMMU_PRI_0_X : 0);
	q0 |= (req->read ? SMMU_PRI_0_R : 0) | (req->write ? SMMU_PRI_0_W : 0) |
	      (req->last ? SMMU_PRI_0_LAST : 0);
	q1 = FIELD_PREP(SMMU_PRI_1_PRGINDEX, req->group) |
	     (req->addr & SMMU_PRI_1_ADDR);
	raw[0] = cpu_to_le64(q0);
	raw[1] = cpu_to_le64(q1);
}

/* --------------------------------------------------- under m->lock ------ */

static bool may_write(const msmmu *m)
{
	uint64_t active = MSMMU_REG(m, GERROR) ^ MSMMU_REG(m, GERRORN);
	uint64_t cr0 = MSMMU_REG(m, CR0);

	return m->caps.pri && (cr0 & SMMU_CR0_PRIQEN) &&
	       (cr0 & SMMU_CR0_SMMUEN) && !(active & SMMU_GERROR_PRIQ_ABT_ERR);
}

static enum verdict overflow(msmmu *m, uint32_t prod, uint32_t cons)
{
	if (!((prod ^ cons) & SMMU_Q_PROD_OVFLG) &&
	    !MUTANT("priq-overflow-flag"))
		MSMMU_SET_REG(m, PRIQ_PROD, prod ^ SMMU_Q_PROD_OVFLG);
	return OVERFLOWED;
}

static enum verdict append(msmmu *m, const struct uiommu_pri_request *req,
			   bool *was_empty)
{
	uint32_t prod = (uint32_t)MSMMU_REG(m, PRIQ_PROD);
	uint32_t cons = (uint32_t)MSMMU_REG(m, PRIQ_CONS);
	uint64_t base = MSMMU_REG(m, PRIQ_BASE);
	unsigned int lg2 = (unsigned int)min_u64(
		FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base), m->caps.priq_lg2);
	le64_t raw[2];
	uint64_t pa;

	*was_empty = smmu_q_empty(prod, cons, lg2);
	/* An overflow that is not acknowledged keeps out what would fit. */
	if (((prod ^ cons) & SMMU_Q_PROD_OVFLG) &&
	    !MUTANT("priq-overflow-blocks"))
		return OVERFLOWED;
	if (smmu_q_count(prod, cons, lg2) >= BIT32(lg2))
		return overflow(m, prod, cons);
	make_record(req, raw);
	pa = msmmu_queue_entry(m, base, lg2, prod, SMMU_PRI_SIZE_LG2);
	if (m->host.write(m->host.ctx, pa, raw, sizeof(raw),
			  msmmu_queue_attrs(m, base))) {
		msmmu_gerror_raise(m, SMMU_GERROR_PRIQ_ABT_ERR);
		return DENIED;
	}
	store_release(&m->reg[SMMU_REGIDX_PRIQ_PROD],
		      (prod & SMMU_Q_PROD_OVFLG) | smmu_q_add(prod, 1, lg2));
	return QUEUED;
}

static enum verdict receive(msmmu *m, const struct uiommu_pri_request *req)
{
	bool each = MSMMU_REG(m, PRIQ_IRQ_CFG2) & SMMU_PRIQ_IRQ_CFG2_LO;
	enum verdict v;
	bool was_empty;

	if (!may_write(m))
		return DENIED;
	v = append(m, req, &was_empty);
	if (each ? v != DENIED && req->last : v == QUEUED && was_empty)
		msmmu_irq_raise(m, UIOMMU_SMMUV3_LINE_PRIQ);
	return v;
}

/* ------------------------------------------------- without any lock ----- */

/* What the STE says of the PASID in responses; false: there is no STE. */
static bool ste_ppar(msmmu *m, const struct uiommu_pri_request *req, bool *ppar)
{
	struct uiommu_smmuv3_txn in = {
		.sid = req->sid,
		.ssid = req->ssid,
		.flags = req->ssv ? UIOMMU_TXN_SSV : 0,
		.iova = req->addr,
	};
	struct msmmu_ctx ctx = { .sid = req->sid };
	struct msmmu_txn t = { .m = m, .in = &in, .ctx = &ctx };
	struct smmu_ste ste;
	bool cacheable, recorded;
	uint64_t pa;

	t.slot = model_enter(&m->drain);
	/* Turned off since: the table is not the SMMU's to read any more. */
	if (!load_acquire(&m->enabled) && !MUTANT("priq-ppar-off")) {
		model_leave(&m->drain, t.slot);
		return false;
	}
	if (msmmu_ste_load(m, &ctx, &ste, &pa, &cacheable)) {
		model_leave(&m->drain, t.slot);
		*ppar = (ste.q[1] & SMMU_STE_1_PPAR) && !MUTANT("priq-ppar");
		return true;
	}
	msmmu_config_fault(&t);
	t.fault.record &= !!(msmmu_cr2(m) & SMMU_CR2_REC_CFG_ATS);
	recorded = msmmu_abort(&t);
	model_leave(&m->drain, t.slot);
	msmmu_after_abort(&t, recorded);
	return false;
}

static void respond(msmmu *m, const struct uiommu_pri_request *req,
		    enum uiommu_pri_code code, bool ssv)
{
	struct uiommu_pri_response resp = {
		.sid = req->sid,
		.ssv = ssv,
		.ssid = ssv ? req->ssid : 0,
		.group = req->group & FIELD_MAX(SMMU_PRI_1_PRGINDEX),
		.code = code,
	};

	if (m->host.pri_response)
		m->host.pri_response(m->host.ctx, &resp);
}

static void respond_overflow(msmmu *m, const struct uiommu_pri_request *req)
{
	enum uiommu_pri_code code = UIOMMU_PRI_SUCCESS;
	bool ssv = false;

	if (req->ssv && m->caps.pps && !MUTANT("priq-pps"))
		ssv = true;
	else if (req->ssv && m->caps.ssid_bits && !ste_ppar(m, req, &ssv))
		code = UIOMMU_PRI_FAILURE;
	respond(m, req, code, ssv);
}

void uiommu_smmuv3_model_page_request(struct uiommu_smmuv3_model *model,
				      const struct uiommu_pri_request *req)
{
	enum verdict v;

	model_check_fork(&model->drain);
	pthread_mutex_lock(&model->lock);
	v = receive(model, req);
	pthread_mutex_unlock(&model->lock);
	msmmu_irq_deliver(model);
	if (is_stop_marker(req))
		return;
	if (v == DENIED)
		respond(model, req, UIOMMU_PRI_FAILURE, false);
	else if (v == OVERFLOWED && req->last)
		respond_overflow(model, req);
}

/* ------------------------------------------------------- CMD_PRI_RESP --- */

static void deliver(msmmu *m, const struct msmmu_work *work)
{
	if (m->host.pri_response && !MUTANT("priq-response"))
		m->host.pri_response(m->host.ctx, &work->pri);
}

bool msmmu_pri_resp_cmd(msmmu *m, const struct smmu_cmd *cmd,
			struct msmmu_work *work)
{
	static const enum uiommu_pri_code codes[] = {
		[SMMU_CMD_PRI_RESP_FAILURE] = UIOMMU_PRI_FAILURE,
		[SMMU_CMD_PRI_RESP_INVALID] = UIOMMU_PRI_INVALID,
		[SMMU_CMD_PRI_RESP_SUCCESS] = UIOMMU_PRI_SUCCESS,
	};
	unsigned int resp = FIELD_GET(SMMU_CMD_PRI_1_RESP, cmd->q[1]);
	/* Without substreams there is no PASID: as if SSV were 0. */
	bool pasids = m->caps.ssid_bits || MUTANT("priq-ssidsize");
	bool ssv = pasids && (cmd->q[0] & SMMU_CMD_0_SSV);

	if (!m->caps.pri || resp >= ARRAY_SIZE(codes))
		return false;
	if (!load_acquire(&m->enabled))
		return true;
	work->fn = deliver;
	work->pri = (struct uiommu_pri_response){
		.sid = (uint32_t)FIELD_GET(SMMU_CMD_0_SID, cmd->q[0]),
		.ssv = ssv,
		.ssid = ssv ? (uint32_t)FIELD_GET(SMMU_CMD_0_SSID, cmd->q[0])
			    : 0,
		.group =
			(uint16_t)FIELD_GET(SMMU_CMD_PRI_1_PRGINDEX, cmd->q[1]),
		.code = codes[resp],
	};
	return true;
}
