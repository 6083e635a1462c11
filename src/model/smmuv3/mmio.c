/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio.c - the register window (IHI 0070 chapter 6).
 *
 * The register file is made of SMMU_REGISTERS.  A plain register takes the bits
 * it has, unless its guard is on: then the write is ignored, as SMMUv3.2 says;
 * a profile of an older version takes it.  Those whose write is an Update are in
 * ctrl.c and irq.c, the control pages of ECMDQs in ecmdq.c.
 *
 * Accesses must be aligned; 4 bytes anywhere, 8 bytes on 64-bit registers.
 * Everything else reads 0 and writes nothing.  Pages 0 and 1 are aliases of
 * each other, which the architecture leaves open.  What it leaves UNKNOWN at
 * reset is 0.
 */
#include "../mutant.h"
#include "msmmu.h"
#include "tell.h"

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

/* Index + 1 by page and word; both pages keep their registers below this. */
#define PAGE_END 0x200u
#define WORD(off) [(off) / SMMU_REG_PAGE1][(off) % SMMU_REG_PAGE1 / 4]
static const uint8_t index_by_word[2][PAGE_END / 4] = {
#define SMMU_X(name, off, sz, acc, grd, nds, bts) \
	WORD(off) = SMMU_REGIDX_##name + 1,
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
};

/* What stands in one page alone is seen in the other too. */
static unsigned int index_at(uint32_t offset)
{
	unsigned int i = index_by_word WORD(offset);

	return i ? i : index_by_word WORD(offset ^ SMMU_REG_PAGE1);
}

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
	case SMMU_NEEDS_ECMDQ:
		return m->caps.ecmdq;
	default:
		return true;
	}
}

static bool decode_access(const msmmu *m, uint32_t offset, unsigned int size,
			  struct access *acc)
{
	unsigned int i;

	if ((size != 4 && size != 8) || offset % size ||
	    (offset & ~SMMU_REG_PAGE1) >= PAGE_END)
		return false;
	i = index_at(offset);
	acc->shift = 0;
	if (!i && offset % 8 == 4) {
		i = index_at(offset - 4);
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

uint32_t uiommu_smmuv3_model_mmio_size(const struct uiommu_smmuv3_model *model)
{
	return UIOMMU_SMMUV3_MMIO_SIZE + msmmu_ecmdq_pages_size(model);
}

_Static_assert(UIOMMU_SMMUV3_MMIO_SIZE == SMMU_REG_PAGE2,
	       "optional pages follow");

/* -------------------------------------------------------------- reading -- */

/*
 * Identification as CoreSight has it, of what IIDR says: part number, designer,
 * revision; then what all such components say.
 */
static uint64_t id_register(const msmmu *m, uint32_t offset, unsigned int size)
{
	static const uint8_t cidr[4] = { 0x0d, 0xf0, 0x05, 0xb1 };
	uint32_t iidr = m->profile.iidr;
	uint32_t part = (uint32_t)FIELD_GET(SMMU_IIDR_PRODUCTID, iidr);
	uint32_t id = (uint32_t)FIELD_GET(SMMU_IIDR_JEP106_ID, iidr);

	if (size != 4 || offset % 4 || offset < SMMU_REG_PIDR4 ||
	    offset > SMMU_REG_CIDR0 + 12)
		return 0;
	if (offset >= SMMU_REG_CIDR0)
		return cidr[(offset - SMMU_REG_CIDR0) / 4];
	if (!iidr)
		return 0;
	switch (offset) {
	case SMMU_REG_PIDR4:
		return FIELD_GET(SMMU_IIDR_JEP106_CONT, iidr);
	case SMMU_REG_PIDR0:
		return part & 0xff;
	case SMMU_REG_PIDR0 + 4:
		return part >> 8 | (id & 0xf) << 4;
	case SMMU_REG_PIDR0 + 8:
		return id >> 4 | BIT32(3) |
		       FIELD_GET(SMMU_IIDR_VARIANT, iidr) << 4;
	case SMMU_REG_PIDR0 + 12:
		return FIELD_GET(SMMU_IIDR_REVISION, iidr) << 4;
	default:
		return 0;
	}
}

/* An index that is the SMMU's own has no bits above the wrap. */
static uint64_t visible_bits(const msmmu *m, unsigned int idx)
{
	unsigned int base, max;

	switch (idx) {
	case SMMU_REGIDX_CMDQ_CONS:
		base = SMMU_REGIDX_CMDQ_BASE;
		max = m->caps.cmdq_lg2;
		break;
	case SMMU_REGIDX_EVENTQ_PROD:
		base = SMMU_REGIDX_EVENTQ_BASE;
		max = m->caps.evtq_lg2;
		break;
	case SMMU_REGIDX_PRIQ_PROD:
		base = SMMU_REGIDX_PRIQ_BASE;
		max = m->caps.priq_lg2;
		break;
	default:
		return ~UINT64_C(0);
	}
	max = (unsigned int)min_u64(
		FIELD_GET(SMMU_Q_BASE_LOG2SIZE, msmmu_reg(m, base)), max);
	return ~(uint64_t)SMMU_Q_PROD_WR | mask_lg2(max + 1);
}

uint64_t uiommu_smmuv3_model_read(struct uiommu_smmuv3_model *model,
				  uint32_t offset, unsigned int size)
{
	struct access acc;
	uint64_t val;

	model_check_fork(&model->drain);
	if (offset >= SMMU_REG_PAGE2)
		return msmmu_ecmdq_read(model, offset - SMMU_REG_PAGE2, size);
	if (decode_access(model, offset, size, &acc)) {
		val = load_acquire(&model->reg[acc.idx]) &
		      visible_bits(model, acc.idx);
		return (val & acc.mask) >> acc.shift;
	}
	if ((size != 4 && size != 8) || offset % size ||
	    offset >= SMMU_REG_PAGE1)
		return 0;
	if (offset >= SMMU_REG_CMDQ_CONTROL_PAGES)
		return msmmu_ecmdq_page_info(model, offset, size);
	return id_register(model, offset, size);
}

/* -------------------------------------------------- under m->lock ------- */

static uint64_t unguarded_cr1(const msmmu *m, uint32_t cr0)
{
	const uint64_t queue = GENMASK64(5, 0);
	uint64_t bits = infos[SMMU_REGIDX_CR1].bits;

	if (cr0 & SMMU_CR0_SMMUEN)
		bits &= queue;
	if ((cr0 & (SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN | SMMU_CR0_PRIQEN)) ||
	    msmmu_ecmdq_any_on(m))
		bits &= ~queue;
	return bits;
}

/* Bits of the register that software may change now. */
static uint64_t unguarded(const msmmu *m, unsigned int idx)
{
	static const uint32_t by_cr0[] = {
		[SMMU_GUARD_SMMUEN] = SMMU_CR0_SMMUEN,
		[SMMU_GUARD_CMDQEN] = SMMU_CR0_CMDQEN,
		[SMMU_GUARD_EVENTQEN] = SMMU_CR0_EVENTQEN,
		[SMMU_GUARD_PRIQEN] = SMMU_CR0_PRIQEN,
	};
	uint32_t cr0 = (uint32_t)(MSMMU_REG(m, CR0) | MSMMU_REG(m, CR0ACK));
	uint32_t irq =
		(uint32_t)(MSMMU_REG(m, IRQ_CTRL) | MSMMU_REG(m, IRQ_CTRLACK));
	uint64_t bits = infos[idx].bits;

	/*
	 * Unpredictable before SMMUv3.2, and taking the write is one choice; but
	 * CR2 always becomes read-only.
	 */
	if ((m->caps.minor < 2 && idx != SMMU_REGIDX_CR2) ||
	    MUTANT("register guards"))
		return bits;
	switch (infos[idx].guard) {
	case SMMU_GUARD_SMMUEN:
	case SMMU_GUARD_CMDQEN:
	case SMMU_GUARD_EVENTQEN:
	case SMMU_GUARD_PRIQEN:
		return cr0 & by_cr0[infos[idx].guard] ? 0 : bits;
	case SMMU_GUARD_CR1:
		return unguarded_cr1(m, cr0);
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

static uint64_t gerror_bits(const struct msmmu_caps *caps)
{
	uint64_t bits = SMMU_GERROR_CMDQ_ERR | SMMU_GERROR_EVENTQ_ABT_ERR |
			SMMU_GERROR_SFM_ERR;

	if (caps->msi)
		bits |= SMMU_GERROR_MSI_CMDQ_ABT_ERR |
			SMMU_GERROR_MSI_EVENTQ_ABT_ERR |
			SMMU_GERROR_MSI_GERROR_ABT_ERR;
	if (caps->pri)
		bits |= SMMU_GERROR_PRIQ_ABT_ERR;
	if (caps->pri && caps->msi)
		bits |= SMMU_GERROR_MSI_PRIQ_ABT_ERR;
	if (caps->ecmdq)
		bits |= SMMU_GERROR_CMDQP_ERR;
	return bits;
}

/* Bits that depend on a feature are RES0 without it. */
static uint64_t feature_bits(const msmmu *m, unsigned int idx)
{
	const struct msmmu_caps *caps = &m->caps;

	switch (idx) {
	case SMMU_REGIDX_CR0:
	case SMMU_REGIDX_CR0ACK:
		return msmmu_cr0_fields(m);
	case SMMU_REGIDX_CR2:
		return SMMU_CR2_RECINVSID | (caps->hyp ? SMMU_CR2_E2H : 0) |
		       (caps->atsrecerr ? SMMU_CR2_REC_CFG_ATS : 0);
	case SMMU_REGIDX_IRQ_CTRL:
	case SMMU_REGIDX_IRQ_CTRLACK:
		return SMMU_IRQ_CTRL_GERROR_IRQEN | SMMU_IRQ_CTRL_EVENTQ_IRQEN |
		       (caps->pri ? SMMU_IRQ_CTRL_PRIQ_IRQEN : 0);
	case SMMU_REGIDX_GERROR:
	case SMMU_REGIDX_GERRORN:
		return gerror_bits(caps);
	case SMMU_REGIDX_STRTAB_BASE_CFG:
		return caps->st_2lvl ? ~UINT64_C(0)
				     : SMMU_STRTAB_BASE_CFG_LOG2SIZE;
	case SMMU_REGIDX_PRIQ_IRQ_CFG2:
		return caps->msi ? ~UINT64_C(0) : SMMU_PRIQ_IRQ_CFG2_LO;
	default:
		return ~UINT64_C(0);
	}
}

uint64_t msmmu_reg_bits(const msmmu *m, unsigned int idx)
{
	uint64_t bits = infos[idx].bits & feature_bits(m, idx);

	return present(m, idx) ? bits : 0;
}

uint32_t msmmu_reg_offset(unsigned int idx)
{
	return infos[idx].offset;
}

static void write_plain(msmmu *m, const struct access *acc, uint64_t val)
{
	uint64_t old, mask;

	pthread_mutex_lock(&m->lock);
	old = msmmu_reg(m, acc->idx);
	mask = acc->mask & unguarded(m, acc->idx) & feature_bits(m, acc->idx);
	store_release(&m->reg[acc->idx], (old & ~mask) | (val & mask));
	pthread_mutex_unlock(&m->lock);
}

/* ----------------------------------------------------------- the door --- */

/* Events that found no room, and transactions behind them, may go on. */
static void pump_events(msmmu *m)
{
	msmmu_stall_pump(m);
	msmmu_irq_deliver(m);
}

static void write_reg(msmmu *m, const struct access *acc, uint64_t val)
{
	uint32_t mask = (uint32_t)(acc->mask & infos[acc->idx].bits);

	switch (acc->idx) {
	case SMMU_REGIDX_CR0:
		msmmu_write_cr0(m, (uint32_t)val, mask);
		pump_events(m);
		msmmu_cmdq_kick(m, &m->cmdq);
		break;
	case SMMU_REGIDX_GBPA:
		msmmu_write_gbpa(m, (uint32_t)val & mask);
		break;
	case SMMU_REGIDX_IRQ_CTRL:
		msmmu_write_irq_ctrl(m, (uint32_t)val,
				     mask & (uint32_t)feature_bits(m,
								   acc->idx));
		break;
	case SMMU_REGIDX_GERRORN:
		write_plain(m, acc, val);
		pump_events(m);
		msmmu_cmdq_kick(m, &m->cmdq);
		break;
	case SMMU_REGIDX_EVENTQ_BASE:
	case SMMU_REGIDX_EVENTQ_PROD:
	case SMMU_REGIDX_EVENTQ_CONS:
		write_plain(m, acc, val);
		pump_events(m);
		break;
	case SMMU_REGIDX_CMDQ_PROD:
		write_plain(m, acc, val);
		msmmu_cmdq_kick(m, &m->cmdq);
		break;
	default:
		write_plain(m, acc, val);
	}
}

void uiommu_smmuv3_model_write(struct uiommu_smmuv3_model *model,
			       uint32_t offset, unsigned int size,
			       uint64_t value)
{
	struct access acc;

	model_check_fork(&model->drain);
	if (unlikely(model->trace))
		msmmu_trace_reg(model, offset, size, value);
	if (offset >= SMMU_REG_PAGE2)
		msmmu_ecmdq_write(model, offset - SMMU_REG_PAGE2, size, value);
	else if (decode_access(model, offset, size, &acc) &&
		 infos[acc.idx].access == RW)
		write_reg(model, &acc, value << acc.shift);
}
