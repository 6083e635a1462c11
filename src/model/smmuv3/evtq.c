/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtq.c - event records and the event queue (IHI 0070 7.2, 7.3).
 *
 * The record is made from the fault outside the lock; index, overflow flag and
 * the write to memory are under it, so that records stand in the order of the
 * indices.  A record is in memory before PROD says so.  No event is merged.
 */
#include "msmmu.h"

/* Fields that records of several kinds share. */
#define HAS_TXN_BITS BIT32(0)	 /* PnU, InD, RnW, InputAddr */
#define HAS_STAGE_CLASS BIT32(1) /* S2, CLASS */
#define HAS_FETCH_ADDR BIT32(2)
#define HAS_IPA BIT32(3)
#define HAS_NO_SSID BIT32(4)	/* SubstreamID fields are zero */
#define HAS_SSID_ALONE BIT32(5) /* SSID without SSV */
#define HAS_RNW_ONLY BIT32(6)

static uint32_t layout(uint8_t type)
{
	switch (type) {
	case SMMU_EVT_F_TRANSLATION:
	case SMMU_EVT_F_ADDR_SIZE:
	case SMMU_EVT_F_ACCESS:
	case SMMU_EVT_F_PERMISSION:
		return HAS_TXN_BITS | HAS_STAGE_CLASS | HAS_IPA;
	case SMMU_EVT_F_WALK_EABT:
		return HAS_TXN_BITS | HAS_STAGE_CLASS | HAS_FETCH_ADDR;
	case SMMU_EVT_F_STE_FETCH:
	case SMMU_EVT_F_CD_FETCH:
		return HAS_FETCH_ADDR;
	case SMMU_EVT_F_STREAM_DISABLED:
		return HAS_NO_SSID;
	case SMMU_EVT_C_BAD_SUBSTREAMID:
		return HAS_SSID_ALONE;
	case SMMU_EVT_F_TRANSL_FORBIDDEN:
		return HAS_RNW_ONLY;
	default:
		return 0;
	}
}

static uint64_t first_word(const struct msmmu_txn *t, uint32_t has)
{
	const struct uiommu_smmuv3_txn *in = t->in;
	uint64_t word = FIELD_PREP(SMMU_EVT_0_TYPE, t->fault.type) |
			FIELD_PREP(SMMU_EVT_0_SID, in->sid);

	if (!(in->flags & UIOMMU_TXN_SSV) || (has & HAS_NO_SSID))
		return word;
	word |= FIELD_PREP(SMMU_EVT_0_SSID, in->ssid);
	if (!(has & HAS_SSID_ALONE))
		word |= SMMU_EVT_0_SSV;
	return word;
}

static void make_record(const struct msmmu_txn *t, uint64_t rec[4])
{
	const struct msmmu_fault *f = &t->fault;
	uint32_t has = layout(f->type);
	uint64_t oas = mask_lg2(t->m->caps.oas);

	rec[0] = first_word(t, has);
	rec[1] = rec[2] = rec[3] = 0;
	if (has & HAS_TXN_BITS) {
		rec[1] |= f->pnu ? SMMU_EVT_1_PNU : 0;
		rec[1] |= f->ind && f->rnw ? SMMU_EVT_1_IND : 0;
	}
	if (has & (HAS_TXN_BITS | HAS_RNW_ONLY)) {
		rec[1] |= f->rnw ? SMMU_EVT_1_RNW : 0;
		rec[2] = t->in->iova;
	}
	if (has & HAS_STAGE_CLASS) {
		rec[1] |= f->stage == 2 ? SMMU_EVT_1_S2 : 0;
		rec[1] |= FIELD_PREP(SMMU_EVT_1_CLASS, f->class);
	}
	if (f->type == SMMU_EVT_F_PERMISSION && f->tt_read)
		rec[1] |= SMMU_EVT_1_TTRNW;
	if (has & HAS_FETCH_ADDR)
		rec[3] = f->ipa & oas & SMMU_EVT_3_FETCH_ADDR;
	if ((has & HAS_IPA) && f->stage == 2)
		rec[3] = f->ipa & oas & SMMU_EVT_3_IPA;
}

static struct uiommu_mem_attrs queue_attrs(const msmmu *m)
{
	uint32_t cr1 = (uint32_t)MSMMU_REG(m, CR1);
	uint8_t mair = msmmu_cache_to_mair(FIELD_GET(SMMU_CR1_QUEUE_IC, cr1),
					   FIELD_GET(SMMU_CR1_QUEUE_OC, cr1));

	return model_walk_attrs(
		mair, msmmu_sh_fix(mair, FIELD_GET(SMMU_CR1_QUEUE_SH, cr1)));
}

/* Under m->lock. */
static bool write_record(msmmu *m, const uint64_t rec[4])
{
	uint32_t prod = (uint32_t)MSMMU_REG(m, EVENTQ_PROD);
	uint32_t cons = (uint32_t)MSMMU_REG(m, EVENTQ_CONS);
	uint64_t base = MSMMU_REG(m, EVENTQ_BASE);
	unsigned int lg2 = (unsigned int)min_u64(
		FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base), m->caps.evtq_lg2);
	bool was_empty = smmu_q_empty(prod, cons, lg2);
	le64_t raw[4];
	uint64_t pa;

	if (smmu_q_count(prod, cons, lg2) >= BIT32(lg2)) {
		m->events_lost++;
		if (!((prod ^ cons) & SMMU_Q_PROD_OVFLG))
			MSMMU_SET_REG(m, EVENTQ_PROD, prod ^ SMMU_Q_PROD_OVFLG);
		return false;
	}
	for (unsigned int i = 0; i < 4; i++)
		raw[i] = cpu_to_le64(rec[i]);
	pa = align_down_lg2(base & SMMU_Q_BASE_ADDR, lg2 + SMMU_EVT_SIZE_LG2) +
	     smmu_q_offset(prod, lg2, SMMU_EVT_SIZE_LG2);
	if (pa >> m->caps.oas ||
	    m->host.write(m->host.ctx, pa, raw, sizeof(raw), queue_attrs(m))) {
		m->events_lost++;
		msmmu_gerror_raise(m, SMMU_GERROR_EVENTQ_ABT_ERR);
		return false;
	}
	store_release(&m->reg[SMMU_REGIDX_EVENTQ_PROD],
		      (prod & SMMU_Q_PROD_OVFLG) | smmu_q_add(prod, 1, lg2));
	if (was_empty)
		msmmu_irq_raise(m, UIOMMU_SMMUV3_LINE_EVENTQ);
	return true;
}

bool msmmu_event(struct msmmu_txn *t)
{
	msmmu *m = t->m;
	bool written = false;
	uint64_t rec[4];
	uint32_t gerror;

	make_record(t, rec);
	pthread_mutex_lock(&m->lock);
	gerror = (uint32_t)(MSMMU_REG(m, GERROR) ^ MSMMU_REG(m, GERRORN));
	if ((MSMMU_REG(m, CR0) & SMMU_CR0_EVENTQEN) &&
	    !(gerror & SMMU_GERROR_EVENTQ_ABT_ERR))
		written = write_record(m, rec);
	else
		m->events_lost++;
	if (written) {
		m->events++;
		m->events_by_type[t->fault.type]++;
	}
	pthread_mutex_unlock(&m->lock);
	return written;
}
