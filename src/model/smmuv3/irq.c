/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c - interrupts by wire and by message, and GERROR (IHI 0070 3.18, 7.5).
 *
 * A cause sets a bit in irq_pending under m->lock; whoever made the cause
 * delivers after leaving all locks, so that the embedder may come back in from
 * its callback.  All interrupts are edges: several causes before a delivery are
 * one interrupt.  A source whose address register is not zero uses messages,
 * else its wire.
 */
#include "msmmu.h"

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
	if (MSMMU_REG(m, IRQ_CTRL) & irq_enable_bit(line))
		fetch_or_acq_rel(&m->irq_pending, BIT32(line));
}

void msmmu_gerror_raise(msmmu *m, uint32_t bit)
{
	uint32_t gerror = (uint32_t)MSMMU_REG(m, GERROR);

	/* A second occurrence before the acknowledgement is lost. */
	if ((gerror ^ MSMMU_REG(m, GERRORN)) & bit)
		return;
	MSMMU_SET_REG(m, GERROR, gerror ^ bit);
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

struct irq_cfg {
	uint64_t addr;
	uint32_t data, attr;
	uint32_t abort_bit;
};

static struct irq_cfg irq_cfg(const msmmu *m, enum uiommu_smmuv3_line line)
{
	if (line == UIOMMU_SMMUV3_LINE_EVENTQ)
		return (struct irq_cfg){
			.addr = MSMMU_REG(m, EVENTQ_IRQ_CFG0),
			.data = (uint32_t)MSMMU_REG(m, EVENTQ_IRQ_CFG1),
			.attr = (uint32_t)MSMMU_REG(m, EVENTQ_IRQ_CFG2),
			.abort_bit = SMMU_GERROR_MSI_EVENTQ_ABT_ERR,
		};
	return (struct irq_cfg){
		.addr = MSMMU_REG(m, GERROR_IRQ_CFG0),
		.data = (uint32_t)MSMMU_REG(m, GERROR_IRQ_CFG1),
		.attr = (uint32_t)MSMMU_REG(m, GERROR_IRQ_CFG2),
		.abort_bit = SMMU_GERROR_MSI_GERROR_ABT_ERR,
	};
}

static void deliver_one(msmmu *m, enum uiommu_smmuv3_line line)
{
	struct irq_cfg cfg = { 0 };

	if (line != UIOMMU_SMMUV3_LINE_SYNC) {
		pthread_mutex_lock(&m->lock);
		cfg = irq_cfg(m, line);
		pthread_mutex_unlock(&m->lock);
	}
	if (!cfg.addr) {
		if (m->host.irq)
			m->host.irq(m->host.ctx, line);
		return;
	}
	if (msmmu_msi_write(m, cfg.addr, cfg.data,
			    FIELD_GET(SMMU_IRQ_CFG2_MEMATTR, cfg.attr),
			    FIELD_GET(SMMU_IRQ_CFG2_SH, cfg.attr))) {
		pthread_mutex_lock(&m->lock);
		msmmu_gerror_raise(m, cfg.abort_bit);
		pthread_mutex_unlock(&m->lock);
	}
}

void msmmu_irq_deliver_(msmmu *m)
{
	uint32_t lines;

	/* An aborted message may raise GERROR; its own abort raises nothing. */
	while ((lines = exchange_acq_rel(&m->irq_pending, 0))) {
		for (; lines; lines &= lines - 1)
			deliver_one(m, __builtin_ctz(lines));
	}
}
