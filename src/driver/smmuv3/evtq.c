/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event queue and the global errors: what the hardware tells us.
 *
 * Records are copied out under the queue's lock, a handful at a time, and
 * reported with no lock held.  The interrupt comes only when the queue stops
 * being empty, so a drain goes on until it finds the queue empty.
 *
 * Overflow: the hardware toggles OVFLG when it had to drop records; writing the
 * same value to OVACKFLG together with the index arms it again.
 */
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "mutant.h"
#include "unit.h"

const struct smmuv3_recq_kind smmuv3_evtq_kind = {
	.name = "event queue",
	.base = SMMU_REG_EVENTQ_BASE,
	.prod = SMMU_REG_EVENTQ_PROD,
	.cons = SMMU_REG_EVENTQ_CONS,
	.alloc = SMMU_EVENTQ_BASE_WA,
	.size_lg2 = SMMU_EVT_SIZE_LG2,
};

/* --------------------------------------------------------------- decode -- */

static enum uiommu_fault_kind kind_of(unsigned int type)
{
	switch (type) {
	case SMMU_EVT_F_TRANSLATION:
		return UIOMMU_FAULT_TRANSLATION;
	case SMMU_EVT_F_PERMISSION:
		return UIOMMU_FAULT_PERMISSION;
	case SMMU_EVT_F_ACCESS:
		return UIOMMU_FAULT_ACCESS_FLAG;
	case SMMU_EVT_F_ADDR_SIZE:
		return UIOMMU_FAULT_ADDR_SIZE;
	case SMMU_EVT_F_WALK_EABT:
	case SMMU_EVT_F_STE_FETCH:
	case SMMU_EVT_F_CD_FETCH:
	case SMMU_EVT_F_VMS_FETCH:
		return UIOMMU_FAULT_EXTERNAL_ABORT;
	case SMMU_EVT_C_BAD_STE:
	case SMMU_EVT_C_BAD_CD:
	case SMMU_EVT_C_BAD_SUBSTREAMID:
	case SMMU_EVT_F_STREAM_DISABLED:
	case SMMU_EVT_F_CFG_CONFLICT:
		return UIOMMU_FAULT_CONFIG;
	case SMMU_EVT_C_BAD_STREAMID:
		return UIOMMU_FAULT_UNKNOWN_ID;
	default:
		return UIOMMU_FAULT_OTHER;
	}
}

/* Which fields a record has, by type. */
#define HAS_ADDR (1u << 0)   /* the whole input address */
#define HAS_PAGE (1u << 1)   /* its page */
#define HAS_ACCESS (1u << 2) /* PnU, InD, RnW */
#define HAS_RNW (1u << 3)    /* RnW alone */
#define HAS_STAGE (1u << 4)  /* S2 */
#define HAS_IPA (1u << 5)    /* if S2 */
#define HAS_STALL (1u << 6)
#define HAS_SSID (1u << 7)  /* if SSV */
#define ONLY_SSID (1u << 8) /* always, without SSV */

static unsigned int fields_of(unsigned int type)
{
	switch (type) {
	case SMMU_EVT_F_UUT:
		return HAS_SSID | HAS_ADDR | HAS_ACCESS;
	case SMMU_EVT_C_BAD_STREAMID:
	case SMMU_EVT_F_STREAM_DISABLED:
		return 0;
	case SMMU_EVT_C_BAD_SUBSTREAMID:
		return ONLY_SSID;
	case SMMU_EVT_F_TRANSL_FORBIDDEN:
		return HAS_SSID | HAS_ADDR | HAS_RNW;
	case SMMU_EVT_F_WALK_EABT:
		return HAS_SSID | HAS_ADDR | HAS_ACCESS | HAS_STAGE;
	case SMMU_EVT_F_TRANSLATION:
	case SMMU_EVT_F_ADDR_SIZE:
	case SMMU_EVT_F_ACCESS:
	case SMMU_EVT_F_PERMISSION:
		return HAS_SSID | HAS_ADDR | HAS_ACCESS | HAS_STAGE | HAS_IPA |
		       HAS_STALL;
	case SMMU_EVT_F_TLB_CONFLICT:
		return HAS_SSID | HAS_ADDR | HAS_ACCESS | HAS_STAGE | HAS_IPA;
	case SMMU_EVT_F_BAD_ATS_TREQ:
	case SMMU_EVT_E_PAGE_REQUEST:
		return HAS_SSID | HAS_PAGE;
	default:
		return HAS_SSID;
	}
}

static uint32_t flags_of(unsigned int fields, uint64_t q1)
{
	uint32_t flags = 0;

	if (fields & (HAS_ACCESS | HAS_RNW) && !(q1 & SMMU_EVT_1_RNW))
		flags |= UIOMMU_FAULT_WRITE;
	if (fields & HAS_ACCESS && q1 & SMMU_EVT_1_IND)
		flags |= UIOMMU_FAULT_INSTR;
	if (fields & HAS_ACCESS && q1 & SMMU_EVT_1_PNU)
		flags |= UIOMMU_FAULT_PRIV;
	if (fields & HAS_STAGE && q1 & SMMU_EVT_1_S2)
		flags |= UIOMMU_FAULT_STAGE2;
	if (fields & HAS_STALL && q1 & SMMU_EVT_1_STALL)
		flags |= UIOMMU_FAULT_STALLED;
	return flags;
}

void smmuv3_evt_decode(const uint64_t record[4], struct uiommu_fault *fault)
{
	unsigned int type = FIELD_GET(SMMU_EVT_0_TYPE, record[0]);
	unsigned int fields = fields_of(type);

	memset(fault, 0, sizeof(*fault));
	memcpy(fault->raw, record, sizeof(fault->raw));
	fault->raw_type = type;
	fault->kind = kind_of(type);
	fault->flags = flags_of(fields, record[1]);
	fault->id = FIELD_GET(SMMU_EVT_0_SID, record[0]);
	fault->pasid = UIOMMU_NO_PASID;
	if (fields & ONLY_SSID ||
	    (fields & HAS_SSID && record[0] & SMMU_EVT_0_SSV))
		fault->pasid = FIELD_GET(SMMU_EVT_0_SSID, record[0]);
	if (fields & HAS_ADDR)
		fault->iova = record[2];
	if (fields & HAS_PAGE)
		fault->iova = record[2] & SMMU_EVT_2_INPUT_PAGE;
	if (fault->flags & UIOMMU_FAULT_STALLED)
		fault->token = FIELD_GET(SMMU_EVT_1_STAG, record[1]);
	if (fields & HAS_IPA && fault->flags & UIOMMU_FAULT_STAGE2)
		fault->ipa = record[3] & SMMU_EVT_3_IPA;
}

/* --------------------------------------------------------------- report -- */

/*
 * Whose it is, and what becomes of it if it is stalled.  `at`: where it stood
 * among all records ever; *guest: the device's, its id 0 if it has none.
 */
static enum smmuv3_fate find_owner(struct smmuv3_unit *unit,
				   struct uiommu_fault *fault, uint64_t at,
				   struct smmuv3_vstream *guest)
{
	const struct uiommu_platform *p = unit->unit.platform;
	bool stalled = fault->flags & UIOMMU_FAULT_STALLED;
	enum smmuv3_fate fate = SMMUV3_REFUSE;
	const struct smmuv3_vstream *v;
	struct smmuv3_dev *dev;
	bool his;

	p->read_begin(p->ctx);
	dev = smmuv3_strtab_dev(unit, fault->id);
	if (dev && at < dev->first_event && !DRIVER_MUTANT("evtq: old life")) {
		/* All that it had stalled was ended when it left. */
		dev = NULL;
		fate = SMMUV3_DONE;
	}
	fault->cookie = dev ? dev->hwdev.cookie : NULL;
	/* Who has the device now, and then whether he had it already. */
	v = dev ? load_acquire(&dev->guest) : NULL;
	his = dev && (at >= load_acquire(&dev->first_handed) ||
		      DRIVER_MUTANT("evtq: in other hands"));
	if (dev && !his)
		fault->flags |= UIOMMU_FAULT_BEFORE;
	guest->id = v && his ? v->id : 0;
	guest->vsid = v && his ? v->vsid : 0;
	if (his && dev->stall && stalled)
		fate = smmuv3_stall_expect(dev,
					   smmuv3_dev_index(dev, fault->id),
					   fault->token)
			       ? SMMUV3_TELL
			       : SMMUV3_DONE;
	p->read_end(p->ctx);
	return fate;
}

static void report(struct smmuv3_unit *unit, const uint64_t record[4],
		   uint64_t at)
{
	const struct uiommu_host_ops *host = unit->unit.host;
	struct smmuv3_vstream guest;
	struct uiommu_fault fault;
	enum smmuv3_fate fate;
	const char *name;

	smmuv3_evt_decode(record, &fault);
	fate = find_owner(unit, &fault, at, &guest);
	if (smmuv3_guest_event(unit, &guest, &fault))
		return;
	if (fault.flags & UIOMMU_FAULT_STALLED && fate == SMMUV3_REFUSE)
		smmuv3_stall_abort(unit, fault.id, fault.token);
	if (fate != SMMUV3_TELL)
		fault.flags &= ~UIOMMU_FAULT_STALLED;
	if (host && host->report_fault) {
		host->report_fault(unit->unit.host_ctx, &unit->unit, &fault);
		return;
	}
	name = smmu_event_name(fault.raw_type);
	smmuv3_log(unit->unit.platform, UIOMMU_LOG_WARN,
		   "event %s (%x), StreamID %x, %s at %llx",
		   name ? name : "unknown", fault.raw_type, fault.id,
		   fault.flags & UIOMMU_FAULT_WRITE ? "write" : "read",
		   (unsigned long long)fault.iova);
}

static void report_lost(struct smmuv3_unit *unit)
{
	const struct uiommu_host_ops *host = unit->unit.host;

	smmuv3_guest_events_lost(unit);
	if (host && host->faults_lost)
		host->faults_lost(unit->unit.host_ctx, &unit->unit);
	else
		smmuv3_log(unit->unit.platform, UIOMMU_LOG_WARN,
			   "events were lost");
}

/* ---------------------------------------------------------------- drain -- */

static void drain(struct smmuv3_unit *unit)
{
	uint64_t record[SMMUV3_RECORDS_AT_ONCE][SMMU_EVT_QWORDS];
	struct smmuv3_recq_taken got;
	unsigned int i;

	do {
		got = smmuv3_recq_take(unit, &unit->evtq, record[0], true);
		for (i = 0; i < got.nr; i++)
			report(unit, record[i], got.at + i);
		if (got.overflow || got.nonsense)
			report_lost(unit);
	} while (got.nr);
}

/* -------------------------------------------------------- global errors -- */

static const struct {
	uint32_t bit;
	const char *text;
} gerror_text[] = {
	{ SMMU_GERROR_EVENTQ_ABT_ERR, "event queue: external abort on write" },
	{ SMMU_GERROR_PRIQ_ABT_ERR, "PRI queue: external abort on write" },
	{ SMMU_GERROR_MSI_CMDQ_ABT_ERR, "CMD_SYNC message aborted" },
	{ SMMU_GERROR_MSI_EVENTQ_ABT_ERR, "event queue message aborted" },
	{ SMMU_GERROR_MSI_PRIQ_ABT_ERR, "PRI queue message aborted" },
	{ SMMU_GERROR_MSI_GERROR_ABT_ERR, "GERROR message aborted" },
	{ SMMU_GERROR_SFM_ERR, "service failure mode: the SMMU has stopped" },
};

static uint32_t active_gerrors(struct smmuv3_unit *unit)
{
	return smmuv3_read32(unit, SMMU_REG_GERROR) ^
	       smmuv3_read32(unit, SMMU_REG_GERRORN);
}

/* Those that are acknowledged when the loss has been dealt with. */
#define LOSSES (SMMU_GERROR_EVENTQ_ABT_ERR | SMMU_GERROR_PRIQ_ABT_ERR)

/*
 * Errors that are not the command queue's: log, count, acknowledge.  Returns the
 * losses that nobody has in hand yet; they are the caller's.
 */
static uint32_t take_gerrors(struct smmuv3_unit *unit)
{
	uint32_t active;
	unsigned int i;

	smmuv3_lock(unit, &unit->cmdq.lock);
	active = active_gerrors(unit) & ~SMMU_GERROR_CMDQ_ERR & ~unit->losses;
	if (active)
		store_relaxed(&unit->gerrors, unit->gerrors + 1);
	if (active & ~LOSSES)
		smmuv3_write32(unit, SMMU_REG_GERRORN,
			       smmuv3_read32(unit, SMMU_REG_GERRORN) ^
				       (active & ~LOSSES));
	if (active & SMMU_GERROR_SFM_ERR)
		store_release(&unit->cmdq.dead, 1);
	unit->losses |= active & LOSSES;
	smmuv3_unlock(unit, &unit->cmdq.lock);

	for (i = 0; i < ARRAY_SIZE(gerror_text); i++)
		if (active & gerror_text[i].bit)
			smmuv3_log(unit->unit.platform, UIOMMU_LOG_ERROR, "%s",
				   gerror_text[i].text);
	return active & LOSSES;
}

void smmuv3_loss_ack(struct smmuv3_unit *unit, uint32_t loss)
{
	/* The command queue's recovery writes GERRORN too. */
	smmuv3_lock(unit, &unit->cmdq.lock);
	smmuv3_write32(unit, SMMU_REG_GERRORN,
		       smmuv3_read32(unit, SMMU_REG_GERRORN) ^ loss);
	unit->losses &= ~loss;
	smmuv3_unlock(unit, &unit->cmdq.lock);
}

/*
 * Records were lost, of stalled accesses too, which nobody would ever answer: all
 * that is stalled has to end (IHI 0070 7.2.2).
 */
static void evtq_aborted(struct smmuv3_unit *unit)
{
	/* What is in the queue may never have been written. */
	smmuv3_recq_discard(unit, &unit->evtq);
	if (!DRIVER_MUTANT("evtq: stalls whose records are lost"))
		smmuv3_stalls_end(unit);
	report_lost(unit);
	smmuv3_loss_ack(unit, SMMU_GERROR_EVENTQ_ABT_ERR);
}

void smmuv3_irq(struct uiommu_unit *u, unsigned int line)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(u);
	uint32_t losses;

	switch (line) {
	case UIOMMU_SMMUV3_IRQ_GERROR:
		smmuv3_cmdq_check_error(&unit->cmdq);
		losses = take_gerrors(unit);
		if (losses & SMMU_GERROR_EVENTQ_ABT_ERR)
			evtq_aborted(unit);
		if (losses & SMMU_GERROR_PRIQ_ABT_ERR)
			smmuv3_priq_aborted(unit);
		smmuv3_ats_late(unit);
		break;
	case UIOMMU_SMMUV3_IRQ_EVENTQ:
		drain(unit);
		break;
	case UIOMMU_SMMUV3_IRQ_PRIQ:
		smmuv3_priq_drain(unit);
		break;
	default:
		break;
	}
}
