/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio.c - the register window (IHI 0070 chapter 6).
 *
 * The register file is made of SMMU_REGISTERS.  A plain register takes the bits
 * it has, unless its guard is on: then the write is ignored, as SMMUv3.2 says;
 * a profile of an older version takes it.
 * The few whose write has an effect have a function each.  CR0 and IRQ_CTRL
 * acknowledge at once, GBPA.Update is finished at once.
 *
 * Accesses must be aligned; 4 bytes anywhere, 8 bytes on 64-bit registers.
 * Everything else reads 0 and writes nothing.
 */
#include "msmmu.h"

enum {
	RO,
	RW
};

struct reg_info {
	uint32_t offset;
	uint8_t size, access, guard, needs;
	uint64_t bits;
};

static const struct reg_info infos[SMMU_NR_REGISTERS] = {
#define SMMU_X(name, off, sz, acc, grd, nds, bts)           \
	[SMMU_REGIDX_##name] = { .offset = (off),           \
				 .size = (sz),              \
				 .access = acc,             \
				 .guard = SMMU_GUARD_##grd, \
				 .needs = SMMU_NEEDS_##nds, \
				 .bits = UINT64_C(bts) },
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
};

/* Index + 1 by word; both pages keep their registers below 0x100. */
#define SLOT(off) (((off)&0xff) / 4 + ((off) >= SMMU_REG_PAGE1 ? 64 : 0))
static const uint8_t index_by_word[128] = {
#define SMMU_X(name, off, sz, acc, grd, nds, bts) \
	[SLOT(off)] = SMMU_REGIDX_##name + 1,
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
};

struct access {
	unsigned int idx;
	unsigned int shift; /* 32: the upper half of a 64-bit register */
	uint64_t mask;	    /* of the register, the bytes accessed */
};

static bool present(const msmmu *m, unsigned int idx)
{
	switch (infos[idx].needs) {
	case SMMU_NEEDS_MSI:
		return m->caps.msi;
	case SMMU_NEEDS_PRI:
		return m->caps.pri;
	case SMMU_NEEDS_PRI_MSI:
		return m->caps.pri && m->caps.msi;
	default:
		return true;
	}
}

static bool decode_access(const msmmu *m, uint32_t offset, unsigned int size,
			  struct access *acc)
{
	unsigned int i;

	if ((size != 4 && size != 8) || offset % size ||
	    (offset & ~SMMU_REG_PAGE1) >= 0x100)
		return false;
	i = index_by_word[SLOT(offset)];
	acc->shift = 0;
	if (!i && offset % 8 == 4) {
		i = index_by_word[SLOT(offset) - 1];
		acc->shift = 32;
	}
	if (!i || infos[i - 1].size < size ||
	    (acc->shift && infos[i - 1].size != 8))
		return false;
	acc->idx = i - 1;
	acc->mask = size == 8 ? ~UINT64_C(0)
			      : UINT64_C(0xffffffff) << acc->shift;
	return present(m, acc->idx);
}

/* CIDR0..3, which say "a component with a standard identification". */
static uint64_t component_id(uint32_t offset, unsigned int size)
{
	static const uint8_t cidr[4] = { 0x0d, 0xf0, 0x05, 0xb1 };

	if (size == 4 && offset >= 0xff0 && offset <= 0xffc && offset % 4 == 0)
		return cidr[(offset - 0xff0) / 4];
	return 0;
}

uint64_t uiommu_smmuv3_model_read(struct uiommu_smmuv3_model *model,
				  uint32_t offset, unsigned int size)
{
	struct access acc;
	uint64_t val;

	model_check_fork(&model->drain);
	if (!decode_access(model, offset, size, &acc))
		return component_id(offset, size);
	val = load_acquire(&model->reg[acc.idx]);
	return (val & acc.mask) >> acc.shift;
}

/* -------------------------------------------------- under m->lock ------- */

/* Bits of the register that software may change now. */
static uint64_t unguarded(const msmmu *m, unsigned int idx)
{
	uint32_t cr0 = (uint32_t)(MSMMU_REG(m, CR0) | MSMMU_REG(m, CR0ACK));
	uint32_t irq =
		(uint32_t)(MSMMU_REG(m, IRQ_CTRL) | MSMMU_REG(m, IRQ_CTRLACK));
	uint64_t bits = infos[idx].bits;

	/* Unpredictable before SMMUv3.2; taking the write is one choice. */
	if (m->caps.minor < 2)
		return bits;
	switch (infos[idx].guard) {
	case SMMU_GUARD_SMMUEN:
		return cr0 & SMMU_CR0_SMMUEN ? 0 : bits;
	case SMMU_GUARD_CMDQEN:
		return cr0 & SMMU_CR0_CMDQEN ? 0 : bits;
	case SMMU_GUARD_EVENTQEN:
		return cr0 & SMMU_CR0_EVENTQEN ? 0 : bits;
	case SMMU_GUARD_PRIQEN:
		return cr0 & SMMU_CR0_PRIQEN ? 0 : bits;
	case SMMU_GUARD_CR1:
		if (cr0 & SMMU_CR0_SMMUEN)
			bits &= GENMASK32(5, 0);
		if (cr0 &
		    (SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN | SMMU_CR0_PRIQEN))
			bits &= ~GENMASK64(5, 0);
		return bits;
	case SMMU_GUARD_GERROR_IRQEN:
		return irq & SMMU_IRQ_CTRL_GERROR_IRQEN ? 0 : bits;
	case SMMU_GUARD_EVENTQ_IRQEN:
		return irq & SMMU_IRQ_CTRL_EVENTQ_IRQEN ? 0 : bits;
	case SMMU_GUARD_PRIQ_IRQEN:
		return irq & SMMU_IRQ_CTRL_PRIQ_IRQEN ? 0 : bits;
	default:
		return bits;
	}
}

/* Bits that depend on a feature are RES0 without it. */
static uint64_t feature_bits(const msmmu *m, unsigned int idx)
{
	const struct msmmu_caps *caps = &m->caps;
	uint64_t bits = ~UINT64_C(0);

	switch (idx) {
	case SMMU_REGIDX_CR0:
		bits = SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN | SMMU_CR0_CMDQEN;
		if (caps->pri)
			bits |= SMMU_CR0_PRIQEN;
		if (caps->ats)
			bits |= SMMU_CR0_ATSCHK;
		break;
	case SMMU_REGIDX_CR2:
		bits = SMMU_CR2_RECINVSID;
		if (caps->hyp)
			bits |= SMMU_CR2_E2H;
		break;
	case SMMU_REGIDX_IRQ_CTRL:
		bits = SMMU_IRQ_CTRL_GERROR_IRQEN | SMMU_IRQ_CTRL_EVENTQ_IRQEN;
		if (caps->pri)
			bits |= SMMU_IRQ_CTRL_PRIQ_IRQEN;
		break;
	case SMMU_REGIDX_STRTAB_BASE_CFG:
		if (!caps->st_2lvl)
			bits = SMMU_STRTAB_BASE_CFG_LOG2SIZE;
		break;
	}
	return bits;
}

static void write_cr0(msmmu *m, uint32_t val)
{
	/* What is in the queue after it was off is not known. */
	if ((MSMMU_REG(m, CR0) ^ val) & SMMU_CR0_EVENTQEN)
		m->last_event.valid = false;
	MSMMU_SET_REG(m, CR0, val);
	store_release(&m->reg[SMMU_REGIDX_CR0ACK], val);
	store_release(&m->enabled, val & SMMU_CR0_SMMUEN);
	store_release(&m->fast,
		      (val & SMMU_CR0_SMMUEN) && m->tlb.set && m->cfg_sets);
}

static void write_gbpa(msmmu *m, uint32_t val)
{
	if (!(val & SMMU_GBPA_UPDATE))
		return;
	val &= ~SMMU_GBPA_UPDATE;
	MSMMU_SET_REG(m, GBPA, val);
	store_release(&m->gbpa, val);
}

static void write_locked(msmmu *m, const struct access *acc, uint64_t val)
{
	const struct reg_info *info = &infos[acc->idx];
	uint64_t old = msmmu_reg(m, acc->idx);
	uint64_t mask = acc->mask & unguarded(m, acc->idx) &
			feature_bits(m, acc->idx);

	if (info->access == RO)
		return;
	val = (old & ~mask) | (val & mask);
	switch (acc->idx) {
	case SMMU_REGIDX_CR0:
		write_cr0(m, (uint32_t)val);
		break;
	case SMMU_REGIDX_GBPA:
		write_gbpa(m, (uint32_t)val);
		break;
	case SMMU_REGIDX_IRQ_CTRL:
		MSMMU_SET_REG(m, IRQ_CTRL, val);
		MSMMU_SET_REG(m, IRQ_CTRLACK, val);
		break;
	default:
		store_release(&m->reg[acc->idx], val);
	}
}

/* ----------------------------------------------------------- the door --- */

static void write_reg(msmmu *m, const struct access *acc, uint64_t val)
{
	pthread_mutex_lock(&m->lock);
	write_locked(m, acc, val);
	pthread_mutex_unlock(&m->lock);
}

/*
 * Turning the command queue off waits for the command in progress; turning the
 * SMMU on or off waits for transactions that went by the old setting.
 */
static void write_cr0_outer(msmmu *m, const struct access *acc, uint64_t val)
{
	uint32_t was = load_acquire(&m->enabled);
	bool stop = MSMMU_REG(m, CR0) & ~val & SMMU_CR0_CMDQEN;

	if (stop)
		pthread_mutex_lock(&m->cmdq_lock);
	write_reg(m, acc, val);
	if (stop)
		pthread_mutex_unlock(&m->cmdq_lock);
	if (was != load_acquire(&m->enabled))
		model_drain(&m->drain);
	if (was && !load_acquire(&m->enabled))
		msmmu_stall_abort_all(m);
	msmmu_stall_pump(m);
	msmmu_cmdq_kick(m);
}

void uiommu_smmuv3_model_write(struct uiommu_smmuv3_model *model,
			       uint32_t offset, unsigned int size,
			       uint64_t value)
{
	struct access acc;

	model_check_fork(&model->drain);
	if (!decode_access(model, offset, size, &acc))
		return;
	value <<= acc.shift;
	switch (acc.idx) {
	case SMMU_REGIDX_CR0:
		write_cr0_outer(model, &acc, value);
		break;
	case SMMU_REGIDX_CMDQ_PROD:
		write_reg(model, &acc, value);
		msmmu_cmdq_kick(model);
		break;
	case SMMU_REGIDX_GERRORN:
		write_reg(model, &acc, value);
		msmmu_stall_pump(model);
		msmmu_cmdq_kick(model);
		break;
	case SMMU_REGIDX_EVENTQ_BASE:
	case SMMU_REGIDX_EVENTQ_PROD:
	case SMMU_REGIDX_EVENTQ_CONS:
		write_reg(model, &acc, value);
		msmmu_stall_pump(model);
		break;
	default:
		write_reg(model, &acc, value);
	}
}
