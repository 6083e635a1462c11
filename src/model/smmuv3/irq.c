/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c - interrupts by wire and by message, and GERROR (IHI 0070 3.18, 7.5).
 *
 * A cause sets a bit in irq_pending under m->lock if its source is enabled;
 * whoever made the cause delivers after leaving all other locks.  All interrupts
 * are edges: several causes before a delivery are one interrupt.  A source has a
 * wire, and sends a message first if its address register is not zero.
 *
 * Messages are written under irq_lock.  Turning a source off takes it too, so
 * that afterwards no message of that source is under way, and drops what has not
 * been delivered, so that turning it on replays nothing.  Wires are the
 * embedder's code and called with no lock: the edge of a cause that another
 * thread is just delivering may still come.
 */
#include "../mutant.h"
#include "msmmu.h"
#include "tell.h"

static uint32_t irq_enable_bit(enum uiommu_smmuv3_line line)
{
	switch (line) {
	case UIOMMU_SMMUV3_LINE_EVENTQ:
		return SMMU_IRQ_CTRL_EVENTQ_IRQEN;
	case UIOMMU_SMMUV3_LINE_PRIQ:
		return SMMU_IRQ_CTRL_PRIQ_IRQEN;
	case UIOMMU_SMMUV3_LINE_GERROR:
		return SMMU_IRQ_CTRL_GERROR_IRQEN;
	default:
		return 0;
	}
}

void msmmu_irq_raise(msmmu *m, enum uiommu_smmuv3_line line)
{
	if ((MSMMU_REG(m, IRQ_CTRL) & irq_enable_bit(line)) ||
	    MUTANT("IRQ enable"))
		fetch_or_acq_rel(&m->irq_pending, BIT32(line));
}

void msmmu_gerror_raise(msmmu *m, uint32_t bit)
{
	uint32_t gerror = (uint32_t)MSMMU_REG(m, GERROR);

	/* A second occurrence before the acknowledgement is lost. */
	if (((gerror ^ MSMMU_REG(m, GERRORN)) & bit) &&
	    !MUTANT("GERROR toggles once"))
		return;
	store_release(&m->reg[SMMU_REGIDX_GERROR], gerror ^ bit);
	if (bit != SMMU_GERROR_MSI_GERROR_ABT_ERR)
		msmmu_irq_raise(m, UIOMMU_SMMUV3_LINE_GERROR);
}

int msmmu_msi_write(msmmu *m, uint64_t addr, uint32_t data, uint8_t memattr,
		    uint8_t sh)
{
	uint8_t mair = msmmu_memattr_to_mair(memattr);
	struct uiommu_mem_attrs attrs =
		model_walk_attrs(mair, msmmu_sh_fix(mair, sh));
	le32_t raw = cpu_to_le32(data);

	attrs.walk = 0;
	attrs.msi = 1;
	return m->host.write(m->host.ctx, addr & mask_lg2(m->caps.oas), &raw, 4,
			     attrs);
}

/* --------------------------------------------------------------- delivery -- */

struct irq_source {
	unsigned int cfg0, cfg1, cfg2; /* indices of registers */
	uint32_t abort_bit;
};

static const struct irq_source sources[] = {
	[UIOMMU_SMMUV3_LINE_EVENTQ] = { SMMU_REGIDX_EVENTQ_IRQ_CFG0,
					SMMU_REGIDX_EVENTQ_IRQ_CFG1,
					SMMU_REGIDX_EVENTQ_IRQ_CFG2,
					SMMU_GERROR_MSI_EVENTQ_ABT_ERR },
	[UIOMMU_SMMUV3_LINE_PRIQ] = { SMMU_REGIDX_PRIQ_IRQ_CFG0,
				      SMMU_REGIDX_PRIQ_IRQ_CFG1,
				      SMMU_REGIDX_PRIQ_IRQ_CFG2,
				      SMMU_GERROR_MSI_PRIQ_ABT_ERR },
	[UIOMMU_SMMUV3_LINE_GERROR] = { SMMU_REGIDX_GERROR_IRQ_CFG0,
					SMMU_REGIDX_GERROR_IRQ_CFG1,
					SMMU_REGIDX_GERROR_IRQ_CFG2,
					SMMU_GERROR_MSI_GERROR_ABT_ERR },
};

/* Under irq_lock.  While the source is enabled its registers do not change. */
static void by_message(msmmu *m, unsigned int line)
{
	const struct irq_source *src = &sources[line];
	uint64_t addr = msmmu_reg(m, src->cfg0);
	uint32_t attr = (uint32_t)msmmu_reg(m, src->cfg2);

	if (!addr)
		return;
	if (msmmu_msi_write(m, addr, (uint32_t)msmmu_reg(m, src->cfg1),
			    FIELD_GET(SMMU_IRQ_CFG2_MEMATTR, attr),
			    FIELD_GET(SMMU_IRQ_CFG2_SH, attr))) {
		pthread_mutex_lock(&m->lock);
		msmmu_gerror_raise(m, src->abort_bit);
		pthread_mutex_unlock(&m->lock);
	}
}

static void tell(const msmmu *m, uint32_t lines)
{
	for (; lines; lines &= lines - 1) {
		unsigned int line = (unsigned int)__builtin_ctz(lines);
		const struct irq_source *src = &sources[line];

		msmmu_trace_irq(m, line, msmmu_reg(m, src->cfg0),
				(uint32_t)msmmu_reg(m, src->cfg1));
	}
}

void msmmu_irq_deliver_(msmmu *m)
{
	uint32_t lines, wires;

	fetch_add_acq_rel(&m->leaving, 1);
	/* An aborted message may raise GERROR; its own abort raises nothing. */
	do {
		pthread_mutex_lock(&m->irq_lock);
		wires = exchange_acq_rel(&m->irq_pending, 0);
		for (lines = wires; lines; lines &= lines - 1)
			by_message(m, (unsigned int)__builtin_ctz(lines));
		pthread_mutex_unlock(&m->irq_lock);
		if (unlikely(m->trace))
			tell(m, wires);
		for (; wires && m->host.irq; wires &= wires - 1)
			m->host.irq(m->host.ctx,
				    (unsigned int)__builtin_ctz(wires));
	} while (load_acquire(&m->irq_pending));
	fetch_sub_acq_rel(&m->leaving, 1);
}

/* Lines of the sources that these bits of IRQ_CTRL enable. */
static uint32_t lines_of(uint32_t enables)
{
	uint32_t lines = 0;

	for (unsigned int line = 0; line < UIOMMU_SMMUV3_NR_LINES; line++) {
		if (irq_enable_bit((enum uiommu_smmuv3_line)line) & enables)
			lines |= BIT32(line);
	}
	return lines;
}

void msmmu_write_irq_ctrl(msmmu *m, uint32_t val, uint32_t mask)
{
	uint32_t old;

	/* What has happened so far is told by the old setting. */
	msmmu_irq_deliver(m);
	pthread_mutex_lock(&m->irq_lock);
	pthread_mutex_lock(&m->lock);
	old = (uint32_t)MSMMU_REG(m, IRQ_CTRL);
	val = (old & ~mask) | (val & mask);
	MSMMU_SET_REG(m, IRQ_CTRL, val);
	fetch_and_acq_rel(&m->irq_pending, ~lines_of(old & ~val));
	store_release(&m->reg[SMMU_REGIDX_IRQ_CTRLACK], val);
	pthread_mutex_unlock(&m->lock);
	pthread_mutex_unlock(&m->irq_lock);
}
