/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtq.c - event records and the event queue (IHI 0070 7.2, 7.3).
 *
 * Index, overflow flag and the write to memory are under m->lock, so that
 * records stand in the order of the indices.  A record is in memory before PROD
 * says so.  An event is merged with the newest record, if that has not been
 * consumed, says the same but for the place within the page, and the stream
 * allows it (STE.MEV).
 */
#include "msmmu.h"
#include "../mutant.h"

/* Fields that records of several kinds share. */
#define HAS_TXN_BITS BIT32(0) /* PnU, InD, RnW, InputAddr */
#define HAS_S2 BIT32(1)
#define HAS_CLASS BIT32(2)
#define HAS_FETCH_ADDR BIT32(3)
#define HAS_IPA BIT32(4)
#define HAS_NO_SSID BIT32(5)	/* SubstreamID fields are zero */
#define HAS_SSID_ALONE BIT32(6) /* SSID without SSV */
#define HAS_RNW_ONLY BIT32(7)	/* RnW, InputAddr */
#define HAS_REASON BIT32(8)
#define HAS_STALL BIT32(9) /* Stall, STAG */
#define HAS_TTRNW BIT32(10)
#define HAS_ATS BIT32(11) /* what the translation request asked for */

#define HAS_TRANSLATION \
	(HAS_TXN_BITS | HAS_S2 | HAS_CLASS | HAS_IPA | HAS_STALL)

static const uint16_t layouts[] = {
	/* found before any override, so the bits are as they came in */
	[SMMU_EVT_F_UUT] = HAS_REASON | HAS_TXN_BITS,
	[SMMU_EVT_C_BAD_STREAMID] = 0,
	[SMMU_EVT_F_STE_FETCH] = HAS_REASON | HAS_FETCH_ADDR,
	[SMMU_EVT_C_BAD_STE] = 0,
	[SMMU_EVT_F_BAD_ATS_TREQ] = HAS_ATS,
	[SMMU_EVT_F_STREAM_DISABLED] = HAS_NO_SSID,
	[SMMU_EVT_F_TRANSL_FORBIDDEN] = HAS_RNW_ONLY,
	[SMMU_EVT_C_BAD_SUBSTREAMID] = HAS_SSID_ALONE,
	[SMMU_EVT_F_CD_FETCH] = HAS_REASON | HAS_FETCH_ADDR,
	[SMMU_EVT_C_BAD_CD] = 0,
	[SMMU_EVT_F_WALK_EABT] = HAS_REASON | HAS_TXN_BITS | HAS_S2 |
				 HAS_CLASS | HAS_FETCH_ADDR,
	[SMMU_EVT_F_TRANSLATION] = HAS_TRANSLATION,
	[SMMU_EVT_F_ADDR_SIZE] = HAS_TRANSLATION,
	[SMMU_EVT_F_ACCESS] = HAS_TRANSLATION,
	[SMMU_EVT_F_PERMISSION] = HAS_TRANSLATION | HAS_TTRNW,
	[SMMU_EVT_F_TLB_CONFLICT] = HAS_REASON | HAS_TXN_BITS | HAS_S2 |
				    HAS_IPA,
	[SMMU_EVT_F_CFG_CONFLICT] = HAS_REASON,
	[SMMU_EVT_F_VMS_FETCH] = HAS_REASON | HAS_FETCH_ADDR,
};

static uint64_t first_word(const struct msmmu_txn *t, uint32_t has)
{
	const struct uiommu_smmuv3_txn *in = t->in;
	uint64_t word = FIELD_PREP(SMMU_EVT_0_TYPE, t->fault.type) |
			FIELD_PREP(SMMU_EVT_0_SID, in->sid);

	if (!(in->flags & UIOMMU_TXN_SSV) || (has & HAS_NO_SSID))
		return word;
	if ((in->flags & UIOMMU_TXN_TRANSLATED) &&
	    !msmmu_translated_ssv(t->m, in))
		return word;
	word |= FIELD_PREP(SMMU_EVT_0_SSID, in->ssid);
	if (!(has & HAS_SSID_ALONE))
		word |= SMMU_EVT_0_SSV;
	return word;
}

/* A translation request reads, and writes unless it says No Write. */
static uint64_t ats_bits(uint32_t flags)
{
	bool ssv = flags & UIOMMU_TXN_SSV;

	return FIELD_PREP(SMMU_EVT_1_TREQ_SPAN, 1) | SMMU_EVT_1_TREQ_R |
	       (flags & UIOMMU_ATS_NO_WRITE ? 0 : SMMU_EVT_1_TREQ_W) |
	       (ssv && (flags & UIOMMU_TXN_INSTR) ? SMMU_EVT_1_TREQ_X : 0) |
	       (ssv && (flags & UIOMMU_TXN_PRIV) ? SMMU_EVT_1_TREQ_P : 0);
}

static uint64_t second_word(const struct msmmu_txn *t, uint32_t has)
{
	const struct msmmu_fault *f = &t->fault;
	uint64_t word = 0;

	if (has & HAS_REASON)
		word |= FIELD_PREP(SMMU_EVT_1_REASON, f->code);
	if (has & HAS_ATS)
		word |= ats_bits(t->in->flags);
	if (has & HAS_TXN_BITS) {
		word |= f->pnu ? SMMU_EVT_1_PNU : 0;
		word |= f->ind && f->rnw ? SMMU_EVT_1_IND : 0;
	}
	if (has & (HAS_TXN_BITS | HAS_RNW_ONLY))
		word |= f->rnw ? SMMU_EVT_1_RNW : 0;
	if ((has & HAS_S2) && f->stage == 2)
		word |= SMMU_EVT_1_S2;
	if (has & HAS_CLASS)
		word |= FIELD_PREP(SMMU_EVT_1_CLASS, f->class);
	if ((has & HAS_STALL) && f->stall)
		word |= SMMU_EVT_1_STALL | FIELD_PREP(SMMU_EVT_1_STAG, f->stag);
	if ((has & HAS_TTRNW) && f->tt_read)
		word |= SMMU_EVT_1_TTRNW;
	return word;
}

void msmmu_event_record(const struct msmmu_txn *t,
			uint64_t rec[SMMU_EVT_QWORDS])
{
	const struct msmmu_fault *f = &t->fault;
	uint32_t has = f->type < ARRAY_SIZE(layouts) ? layouts[f->type] : 0;
	uint64_t oas = mask_lg2(t->m->caps.oas);

	rec[0] = first_word(t, has);
	rec[1] = second_word(t, has);
	rec[2] = rec[3] = 0;
	if (has & (HAS_TXN_BITS | HAS_RNW_ONLY))
		rec[2] = t->in->iova;
	if (has & HAS_ATS)
		rec[2] = t->in->iova & SMMU_EVT_2_INPUT_PAGE;
	if (has & HAS_FETCH_ADDR)
		rec[3] = f->ipa & oas & SMMU_EVT_3_FETCH_ADDR;
	/* Not cut: where it is above the output size, that is the fault. */
	if ((has & HAS_IPA) && f->stage == 2)
		rec[3] = f->ipa & SMMU_EVT_3_IPA;
}

/* --------------------------------------------- the queue, under m->lock -- */

struct evtq {
	uint64_t base;
	unsigned int lg2;
	uint32_t prod, cons;
};

enum evtq_state {
	EVTQ_OFF, /* disabled, or stopped by an abort */
	EVTQ_FULL,
	EVTQ_ROOM,
};

static enum evtq_state evtq_look(const msmmu *m, struct evtq *q)
{
	uint32_t gerror =
		(uint32_t)(MSMMU_REG(m, GERROR) ^ MSMMU_REG(m, GERRORN));

	q->base = MSMMU_REG(m, EVENTQ_BASE);
	q->prod = (uint32_t)MSMMU_REG(m, EVENTQ_PROD);
	q->cons = (uint32_t)MSMMU_REG(m, EVENTQ_CONS);
	q->lg2 = (unsigned int)min_u64(FIELD_GET(SMMU_Q_BASE_LOG2SIZE, q->base),
				       m->caps.evtq_lg2);
	if (!(MSMMU_REG(m, CR0) & SMMU_CR0_EVENTQEN) ||
	    (gerror & SMMU_GERROR_EVENTQ_ABT_ERR))
		return EVTQ_OFF;
	/* Indices that contradict each other count as full. */
	if (smmu_q_count(q->prod, q->cons, q->lg2) >= BIT32(q->lg2))
		return EVTQ_FULL;
	return EVTQ_ROOM;
}

bool msmmu_event_room(const msmmu *m)
{
	struct evtq q;

	return evtq_look(m, &q) == EVTQ_ROOM;
}

static void overflow(msmmu *m, const struct evtq *q)
{
	/* Not told a second time before the first is acknowledged. */
	if (!((q->prod ^ q->cons) & SMMU_Q_PROD_OVFLG) &&
	    !MUTANT("evtq-overflow"))
		MSMMU_SET_REG(m, EVENTQ_PROD, q->prod ^ SMMU_Q_PROD_OVFLG);
}

static bool write_record(msmmu *m, const struct evtq *q,
			 const uint64_t rec[SMMU_EVT_QWORDS])
{
	bool was_empty = smmu_q_empty(q->prod, q->cons, q->lg2);
	uint32_t next = smmu_q_add(q->prod, 1, q->lg2);
	le64_t raw[SMMU_EVT_QWORDS];
	uint64_t pa;

	for (unsigned int i = 0; i < SMMU_EVT_QWORDS; i++)
		raw[i] = cpu_to_le64(rec[i]);
	pa = msmmu_queue_entry(m, q->base, q->lg2, q->prod, SMMU_EVT_SIZE_LG2);
	if (m->host.write(m->host.ctx, pa, raw, sizeof(raw),
			  msmmu_queue_attrs(m, q->base))) {
		msmmu_gerror_raise(m, SMMU_GERROR_EVENTQ_ABT_ERR);
		return false;
	}
	m->last_event = (struct msmmu_last_event){
		.valid = true,
		.ptr = next,
		.base = q->base,
		.rec = { rec[0], rec[1], rec[2], rec[3] },
	};
	store_release(&m->reg[SMMU_REGIDX_EVENTQ_PROD],
		      (q->prod & SMMU_Q_PROD_OVFLG) | next);
	if (was_empty)
		msmmu_irq_raise(m, UIOMMU_SMMUV3_LINE_EVENTQ);
	return true;
}

/* ------------------------------------------------------------- merging -- */

/* Does the newest record, still in the queue, say the same? */
static bool same_as_last(const msmmu *m, const struct evtq *q,
			 const uint64_t rec[SMMU_EVT_QWORDS])
{
	const struct msmmu_last_event *last = &m->last_event;
	uint32_t count = smmu_q_count(q->prod, q->cons, q->lg2);

	return last->valid && last->base == q->base &&
	       last->ptr == smmu_q_ptr(q->prod, q->lg2) && count &&
	       count <= BIT32(q->lg2) && last->rec[0] == rec[0] &&
	       last->rec[1] == rec[1] &&
	       !((last->rec[2] ^ rec[2]) & SMMU_EVT_2_INPUT_PAGE) &&
	       last->rec[3] == rec[3];
}

static bool merged(const struct msmmu_txn *t, const struct evtq *q,
		   const uint64_t rec[SMMU_EVT_QWORDS])
{
	bool allowed = t->fault.mev && !t->fault.stall;

	return (allowed || MUTANT("event-merge-allowed")) &&
	       !MUTANT("event-merge") && same_as_last(t->m, q, rec);
}

bool msmmu_event_locked(struct msmmu_txn *t)
{
	msmmu *m = t->m;
	uint64_t rec[SMMU_EVT_QWORDS];
	struct evtq q;
	enum evtq_state state = evtq_look(m, &q);

	msmmu_event_record(t, rec);
	if (state != EVTQ_OFF && merged(t, &q, rec)) {
		m->events_merged++;
		t->fault.merged = true;
		return true;
	}
	if (state == EVTQ_FULL)
		overflow(m, &q);
	if (state == EVTQ_ROOM && write_record(m, &q, rec)) {
		m->events++;
		m->events_by_type[t->fault.type]++;
		return true;
	}
	/* The record of a stall is written later. */
	m->events_lost += !t->fault.stall;
	return false;
}

bool msmmu_event(struct msmmu_txn *t)
{
	bool written;

	pthread_mutex_lock(&t->m->lock);
	written = msmmu_event_locked(t);
	pthread_mutex_unlock(&t->m->lock);
	return written;
}
