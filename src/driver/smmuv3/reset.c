/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bringing the hardware into a known state, and leaving it in one.
 *
 * Whatever ran before us may have left translation on and the queues busy.
 * From the first step on until our own tables are in force every access is
 * aborted: GBPA.ABORT is set before SMMUEN is cleared.  The caches are emptied
 * while translation is off, configuration before translations, for the other
 * order would let a stale entry refill the TLB.  Interrupts are armed before
 * the event queue, since an event that came earlier would raise none.
 */
#include "cmd.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/ste.h"
#include "hw/smmuv3/queue.h"
#include "mutant.h"
#include "patience.h"
#include "unit.h"

/* Wait until (register & mask) == want. */
static int wait_reg(struct smmuv3_unit *unit, uint64_t off, uint32_t mask,
		    uint32_t want)
{
	const struct uiommu_platform *p = unit->unit.platform;
	struct smmuv3_patience patience;

	smmuv3_patience_start(&patience, unit->cfg.timeout_ns);
	while ((smmuv3_read32(unit, off) & mask) != want) {
		if (smmuv3_patience_over(&patience, p)) {
			smmuv3_log(p, UIOMMU_LOG_ERROR,
				   "register %llx: %x, waited for %x",
				   (unsigned long long)off,
				   smmuv3_read32(unit, off), want);
			return -ETIMEDOUT;
		}
		p->relax(p->ctx);
	}
	return 0;
}

/* Write a control register and wait for its acknowledgement. */
static int write_acked(struct smmuv3_unit *unit, uint32_t off, uint32_t ack,
		       uint32_t val)
{
	smmuv3_write32(unit, off, val);
	return wait_reg(unit, ack, ~UINT32_C(0), val);
}

static int write_cr0(struct smmuv3_unit *unit, uint32_t val)
{
	return write_acked(unit, SMMU_REG_CR0, SMMU_REG_CR0ACK, val);
}

static int write_irq_ctrl(struct smmuv3_unit *unit, uint32_t val)
{
	return write_acked(unit, SMMU_REG_IRQ_CTRL, SMMU_REG_IRQ_CTRLACK, val);
}

/* From now on accesses are aborted whenever translation is off. */
static int abort_when_off(struct smmuv3_unit *unit)
{
	uint32_t gbpa;
	int rc;

	rc = wait_reg(unit, SMMU_REG_GBPA, SMMU_GBPA_UPDATE, 0);
	if (rc)
		return rc;
	if (DRIVER_MUTANT("reset: GBPA.ABORT"))
		return 0;
	gbpa = smmuv3_read32(unit, SMMU_REG_GBPA);
	smmuv3_write32(unit, SMMU_REG_GBPA,
		       gbpa | SMMU_GBPA_ABORT | SMMU_GBPA_UPDATE);
	rc = wait_reg(unit, SMMU_REG_GBPA, SMMU_GBPA_UPDATE, 0);
	/* Some emulated ones lack the register. */
	if (!rc && !(smmuv3_read32(unit, SMMU_REG_GBPA) & SMMU_GBPA_ABORT))
		smmuv3_log(unit->unit.platform, UIOMMU_LOG_WARN,
			   "GBPA.ABORT cannot be set: DMA passes while off");
	return rc;
}

/* How many records are in it, and whether others found no room. */
static uint32_t count_old(struct smmuv3_unit *unit,
			  const struct smmuv3_recq_kind *kind, uint32_t max_lg2,
			  const char **more)
{
	const struct uiommu_platform *p = unit->unit.platform;
	uint64_t base = p->mmio_read64(p->ctx, unit->cfg.base + kind->base);
	uint32_t prod = smmuv3_read32(unit, kind->prod);
	uint32_t cons = smmuv3_read32(unit, kind->cons);
	uint8_t lg2 = min_u64(FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base), max_lg2);

	*more = (prod ^ cons) & SMMU_Q_PROD_OVFLG ? ", and more" : "";
	return smmu_q_count(prod, cons, lg2);
}

/*
 * Who had it before may have left records that nobody will read, in memory that
 * is not ours to look at: how many, and which errors, is all that can be saved.
 * Devices whose page requests are among them wait for an answer that nobody can
 * give, as it is not known which they are: who owns them has to reset them.
 */
static void tell_what_is_lost(struct smmuv3_unit *unit, uint32_t was_on)
{
	const struct uiommu_platform *p = unit->unit.platform;
	const uint32_t idr1 = unit->feat.idr[1];
	const char *more = "";
	uint32_t errors, nr;

	smmuv3_log(p, UIOMMU_LOG_INFO, "was running; taking it over");
	errors = smmuv3_read32(unit, SMMU_REG_GERROR) ^
		 smmuv3_read32(unit, SMMU_REG_GERRORN);
	if (errors)
		smmuv3_log(p, UIOMMU_LOG_WARN,
			   "errors from before, acknowledged: %x", errors);
	nr = was_on & SMMU_CR0_EVENTQEN
		     ? count_old(unit, &smmuv3_evtq_kind,
				 FIELD_GET(SMMU_IDR1_EVENTQS, idr1), &more)
		     : 0;
	if (nr || *more)
		smmuv3_log(p, UIOMMU_LOG_WARN,
			   "%u event records from before are lost%s", nr, more);
	more = "";
	nr = unit->feat.pri && was_on & SMMU_CR0_PRIQEN
		     ? count_old(unit, &smmuv3_priq_kind,
				 FIELD_GET(SMMU_IDR1_PRIQS, idr1), &more)
		     : 0;
	if (nr || *more)
		smmuv3_log(
			p, UIOMMU_LOG_WARN,
			"%u page requests from before are lost%s: their devices wait",
			nr, more);
}

/* One enhanced command queue, wherever its registers stand. */
static int ecmdq_off(struct smmuv3_unit *unit, uint64_t regs)
{
	uint32_t prod = smmuv3_read32(unit, regs + SMMU_REG_ECMDQ_PROD);
	uint32_t cons = smmuv3_read32(unit, regs + SMMU_REG_ECMDQ_CONS);

	if (!(prod & SMMU_ECMDQ_PROD_EN) && !(cons & SMMU_ECMDQ_CONS_ENACK))
		return 0;
	smmuv3_write32(unit, regs + SMMU_REG_ECMDQ_PROD,
		       prod & ~SMMU_ECMDQ_PROD_EN);
	return wait_reg(unit, regs + SMMU_REG_ECMDQ_CONS, SMMU_ECMDQ_CONS_ENACK,
			0);
}

/*
 * We use none of them; but while one is on, it reads commands from memory that
 * may be somebody else's by now, and the attributes of all queues cannot be
 * changed (IHI 0070 3.5.6, 6.3.11).
 */
static int ecmdqs_off(struct smmuv3_unit *unit)
{
	const struct uiommu_platform *p = unit->unit.platform;
	const uint32_t idr6 = unit->feat.idr6;
	const uint32_t pages = BIT32(FIELD_GET(SMMU_IDR6_LOG2NUMP, idr6));
	const uint32_t size = BIT32(SMMU_REG_PAGE_LG2);
	const uint32_t step = size >> FIELD_GET(SMMU_IDR6_LOG2NUMQ, idr6);
	uint32_t page, at;
	uint64_t info;
	int rc = 0;

	for (page = 0; page < pages; page++) {
		info = p->mmio_read64(
			p->ctx, unit->cfg.base + SMMU_REG_CMDQ_CONTROL_PAGES +
					page * SMMU_CMDQ_CONTROL_PAGE_STRIDE);
		info &= SMMU_CMDQ_CONTROL_PAGE_BASE_ADDR;
		if (info < SMMU_REG_PAGE2) {
			smmuv3_log(p, UIOMMU_LOG_ERROR,
				   "cannot be used: CMDQ_CONTROL_PAGE_BASE%u",
				   page);
			return -ENODEV;
		}
		for (at = 0; at < size && !rc; at += step)
			rc = ecmdq_off(unit, info + at);
	}
	return rc;
}

/*
 * Everything stops: with SMMUEN accesses (those that wait are aborted), with
 * CMDQEN commands, with EVENTQEN records, of which all that were committed can
 * be seen when the acknowledgement is there.
 */
static int turn_off(struct smmuv3_unit *unit)
{
	uint32_t on = smmuv3_read32(unit, SMMU_REG_CR0) |
		      smmuv3_read32(unit, SMMU_REG_CR0ACK);
	int rc;

	rc = abort_when_off(unit);
	if (!rc)
		rc = write_cr0(unit, 0);
	if (!rc)
		rc = write_irq_ctrl(unit, 0);
	if (!rc && unit->feat.idr[1] & SMMU_IDR1_ECMDQ && !unit->programmed &&
	    !DRIVER_MUTANT("reset: enhanced command queues"))
		rc = ecmdqs_off(unit);
	if (!rc && on & SMMU_CR0_SMMUEN && !unit->programmed)
		tell_what_is_lost(unit, on);
	return rc;
}

static void program_attributes(struct smmuv3_unit *unit)
{
	unsigned int c = unit->feat.coherent ? SMMU_CR1_CACHE_WB
					     : SMMU_CR1_CACHE_NC;
	unsigned int sh = unit->feat.coherent ? SMMU_SH_INNER : SMMU_SH_NON;

	smmuv3_write32(unit, SMMU_REG_CR1,
		       FIELD_PREP(SMMU_CR1_QUEUE_IC, c) |
			       FIELD_PREP(SMMU_CR1_QUEUE_OC, c) |
			       FIELD_PREP(SMMU_CR1_QUEUE_SH, sh) |
			       FIELD_PREP(SMMU_CR1_TABLE_IC, c) |
			       FIELD_PREP(SMMU_CR1_TABLE_OC, c) |
			       FIELD_PREP(SMMU_CR1_TABLE_SH, sh));
	/* Record unknown StreamIDs; take no part in CPU broadcasts. */
	smmuv3_write32(unit, SMMU_REG_CR2,
		       SMMU_CR2_RECINVSID |
			       (unit->feat.btm ? SMMU_CR2_PTM : 0));
}

/* One interrupt as a message, or by wire where there is no doorbell. */
static void program_msi(struct smmuv3_unit *unit, uint32_t cfg0, uint32_t cfg1,
			uint32_t cfg2, const struct uiommu_msi_msg *msg)
{
	smmuv3_write64(unit, cfg0, msg->addr & SMMU_IRQ_CFG0_ADDR);
	smmuv3_write32(unit, cfg1, msg->data);
	smmuv3_write32(unit, cfg2,
		       FIELD_PREP(SMMU_IRQ_CFG2_MEMATTR, SMMU_MEMATTR_NGNRE));
}

static int enable_irqs(struct smmuv3_unit *unit)
{
	/* Old errors are nobody's any more: turn_off() has told of them. */
	if (!DRIVER_MUTANT("reset: GERRORN"))
		smmuv3_write32(unit, SMMU_REG_GERRORN,
			       smmuv3_read32(unit, SMMU_REG_GERROR));
	if (unit->feat.msi) {
		program_msi(unit, SMMU_REG_GERROR_IRQ_CFG0,
			    SMMU_REG_GERROR_IRQ_CFG1, SMMU_REG_GERROR_IRQ_CFG2,
			    &unit->cfg.gerror_msi);
		program_msi(unit, SMMU_REG_EVENTQ_IRQ_CFG0,
			    SMMU_REG_EVENTQ_IRQ_CFG1, SMMU_REG_EVENTQ_IRQ_CFG2,
			    &unit->cfg.evtq_msi);
	}
	if (unit->feat.msi && unit->feat.pri)
		program_msi(unit, SMMU_REG_PRIQ_IRQ_CFG0,
			    SMMU_REG_PRIQ_IRQ_CFG1, SMMU_REG_PRIQ_IRQ_CFG2,
			    &unit->cfg.priq_msi);
	else if (unit->feat.pri)
		/* No interrupt for each group: only when it stops being empty. */
		smmuv3_write32(unit, SMMU_REG_PRIQ_IRQ_CFG2, 0);
	return write_irq_ctrl(
		unit, SMMU_IRQ_CTRL_GERROR_IRQEN | SMMU_IRQ_CTRL_EVENTQ_IRQEN |
			      (unit->feat.pri ? SMMU_IRQ_CTRL_PRIQ_IRQEN : 0));
}

static int empty_caches(struct smmuv3_unit *unit)
{
	struct smmuv3_batch batch;
	int rc;

	smmuv3_batch_init(&batch, &unit->cmdq);
	if (!DRIVER_MUTANT("reset: CFGI_ALL"))
		smmuv3_batch_add(&batch, smmuv3_make_cfgi_all());
	rc = smmuv3_batch_sync(&batch);
	if (rc)
		return rc;
	smmuv3_batch_init(&batch, &unit->cmdq);
	if (unit->feat.hyp && !DRIVER_MUTANT("reset: TLBI_EL2_ALL"))
		smmuv3_batch_add(&batch, smmuv3_make_tlbi_el2_all());
	if (!DRIVER_MUTANT("reset: TLBI_NSNH_ALL"))
		smmuv3_batch_add(&batch, smmuv3_make_tlbi_nsnh_all());
	return smmuv3_batch_sync(&batch);
}

int smmuv3_reset(struct smmuv3_unit *unit)
{
	uint32_t cr0 = SMMU_CR0_CMDQEN;
	int rc;

	rc = turn_off(unit);
	if (rc)
		return rc;
	unit->programmed = true;
	program_attributes(unit);
	smmuv3_strtab_program(unit);
	smmuv3_cmdq_program(&unit->cmdq);
	/* Before CMDQEN: an old CMDQ_ERR would keep the queue from starting. */
	rc = enable_irqs(unit);
	if (rc)
		return rc;
	rc = write_cr0(unit, cr0);
	if (rc)
		return rc;
	rc = empty_caches(unit);
	if (rc)
		return rc;
	smmuv3_recq_program(unit, &unit->evtq);
	cr0 |= SMMU_CR0_EVENTQEN;
	/* Only devices that have ATS from us may bring translated addresses. */
	if (unit->feat.ats)
		cr0 |= SMMU_CR0_ATSCHK;
	if (unit->feat.pri) {
		smmuv3_recq_program(unit, &unit->priq.queue);
		cr0 |= SMMU_CR0_PRIQEN;
	}
	rc = write_cr0(unit, cr0);
	if (rc)
		return rc;
	return write_cr0(unit, cr0 | SMMU_CR0_SMMUEN);
}

int smmuv3_disable(struct smmuv3_unit *unit)
{
	int rc = turn_off(unit);

	if (!rc)
		unit->programmed = false;
	return rc;
}
