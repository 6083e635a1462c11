/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioat.c - Intel I/OAT (8086:2021): its registers, and the type.
 *
 * Registers are bytes to whole words of one list; an access covers parts of one
 * or several of them.  Those with work for the engine (ioat_engine.c) say so,
 * and the function is kicked after the lock is released.
 */
#include "ioat.h"

/* ------------------------------------------------------------ registers - */

static uint32_t intrctrl_value(const struct ioat *ioat)
{
	uint32_t val = ioat->intrctrl;

	if (ioat->attnstatus)
		val |= IOAT_INTRCTRL_STATUS;
	if (ioat_pin_level(ioat))
		val |= IOAT_INTRCTRL_INT;
	return val;
}

/* Value without side effects; under the lock. */
static uint64_t reg_peek(const struct ioat *ioat, enum ioat_reg reg)
{
	switch (reg) {
	case IOAT_CHANCNT:
		return 1;
	case IOAT_XFERCAP:
		return IOAT_XFERCAP_LG2;
	case IOAT_GENCTRL:
		return ioat->genctrl;
	case IOAT_INTRCTRL:
		return intrctrl_value(ioat);
	case IOAT_ATTNSTATUS:
		return ioat->attnstatus;
	case IOAT_CBVER:
		return IOAT_CBVER_3_3;
	case IOAT_INTRDELAY:
		return ioat->intrdelay;
	case IOAT_DMACAP:
		return IOAT_DMACAP_FILL;
	case IOAT_CHANCTRL:
		return ioat->chanctrl;
	case IOAT_DMA_COMP:
		return 2;
	case IOAT_CHANCMD:
		return ioat->want_reset ? IOAT_CHANCMD_RESET : 0;
	case IOAT_DMACOUNT:
		return ioat->dmacount;
	case IOAT_CHANSTS:
		return ioat->completed | (uint64_t)ioat->state;
	case IOAT_CHAINADDR:
		return ioat->chainaddr;
	case IOAT_CHANCMP:
		return ioat->chancmp;
	case IOAT_CDAR:
		return ioat->new_chain ? ioat->chainaddr : ioat->cur;
	case IOAT_CHANERR:
		return ioat->chanerr;
	case IOAT_CHANERRMASK:
		return ioat->chanerrmask;
	case IOAT_DCACTRL:
		return ioat->dcactrl;
	default:
		return 0;
	}
}

/* Reading has said: what that changes.  Under the lock. */
static void reg_was_read(struct ioat *ioat, enum ioat_reg reg)
{
	if (reg == IOAT_INTRCTRL)
		ioat->intrctrl &= ~IOAT_INTRCTRL_MASTER_EN;
	else if (reg == IOAT_ATTNSTATUS)
		ioat->attnstatus = 0;
}

static void write_chainaddr(struct ioat *ioat, uint64_t addr)
{
	ioat->chainaddr = addr;
	ioat->new_chain = true;
	ioat->dmacount = 0;
	ioat->done = 0;
	/* An error keeps the channel halted until it is cleared. */
	if (!ioat->running && !(ioat->chanerr & ~ioat->chanerrmask))
		ioat->state = IOAT_ARMED;
}

static void resume(struct ioat *ioat)
{
	ioat->want_suspend = false;
	if (ioat->state == IOAT_SUSPENDED)
		ioat->state = IOAT_ARMED;
}

static void write_chancmd(struct ioat *ioat, uint32_t cmd)
{
	switch (cmd) {
	case 0:
		break;
	case IOAT_CHANCMD_RESET:
		ioat_want_reset(ioat);
		break;
	case IOAT_CHANCMD_SUSPEND:
		if (ioat->running)
			ioat->want_suspend = true;
		else if (ioat->state != IOAT_HALTED)
			ioat->state = IOAT_SUSPENDED;
		break;
	case IOAT_CHANCMD_ABORT:
		if (!ioat->running) {
			ioat->state = IOAT_HALTED;
			break;
		}
		ioat->want_abort = true;
		store_release(&ioat->want_stop, 1);
		break;
	case IOAT_CHANCMD_START:
	case IOAT_CHANCMD_APPEND:
	case IOAT_CHANCMD_RESUME:
		resume(ioat);
		break;
	default:
		/* More than one at once. */
		ioat->chanerr |= IOAT_CHANERR_CHANCMD;
	}
}

/* Store the bits of `mask`; under the lock.  Whether there may be work. */
static bool reg_write(struct ioat *ioat, enum ioat_reg reg, uint64_t val,
		      uint64_t mask)
{
	uint64_t merged = (reg_peek(ioat, reg) & ~mask) | (val & mask);
	uint32_t word = (uint32_t)merged;

	switch (reg) {
	case IOAT_GENCTRL:
		ioat->genctrl = word;
		break;
	case IOAT_INTRCTRL:
		ioat->intrctrl = word & (IOAT_INTRCTRL_MASTER_EN |
					 IOAT_INTRCTRL_VECTORS);
		break;
	case IOAT_INTRDELAY:
		ioat->intrdelay = word & 0x3fff;
		break;
	case IOAT_CHANCTRL:
		/* Writing 1 to the disable bit rearms; 0 leaves it. */
		if (!(val & mask & IOAT_CHANCTRL_INT_DISABLE))
			word |= ioat->chanctrl & IOAT_CHANCTRL_INT_DISABLE;
		else
			word &= ~IOAT_CHANCTRL_INT_DISABLE;
		ioat->chanctrl = word;
		break;
	case IOAT_CHANCMD:
		write_chancmd(ioat, (uint32_t)(val & mask));
		return true;
	case IOAT_DMACOUNT:
		ioat->dmacount = word;
		resume(ioat);
		return true;
	case IOAT_CHAINADDR:
		write_chainaddr(ioat, merged);
		break;
	case IOAT_CHANCMP:
		ioat->chancmp = merged & ~UINT64_C(7);
		break;
	case IOAT_CHANERR:
		ioat->chanerr &= ~(uint32_t)(val & mask);
		break;
	case IOAT_CHANERRMASK:
		ioat->chanerrmask = word & IOAT_CHANERR_ALL;
		break;
	case IOAT_DCACTRL:
		ioat->dcactrl = word;
		break;
	default:
		break;
	}
	return false;
}

static const struct {
	uint16_t off;
	uint8_t bytes;
} ioat_regs[IOAT_NR_REGS] = {
#define IOAT_X(name, offset, bytes) [IOAT_##name] = { offset, bytes },
	IOAT_REGISTERS(IOAT_X)
#undef IOAT_X
};

/*
 * The bits of a register that an access of `size` bytes at `off` covers, in
 * the register's own position, and how far the access must be shifted left to
 * get there (negative: right).  0: none.
 */
static uint64_t covered(enum ioat_reg reg, uint64_t off, unsigned int size,
			int *shift)
{
	uint64_t first = ioat_regs[reg].off;
	uint64_t end = first + ioat_regs[reg].bytes;
	uint64_t from = max_u64(first, off), to = min_u64(end, off + size);

	if (from >= to)
		return 0;
	*shift = ((int)off - (int)first) * 8;
	return mask_lg2((unsigned int)(to - from) * 8) << ((from - first) * 8);
}

static uint64_t shifted(uint64_t val, int shift)
{
	return shift < 0 ? val >> -shift : val << shift;
}

static int ioat_bar_read(struct pcidev *dev, unsigned int bar, uint64_t off,
			 unsigned int size, uint64_t *val)
{
	struct ioat *ioat = dev->priv;
	bool pin = false;
	int shift;

	*val = 0;
	pthread_mutex_lock(&ioat->lock);
	for (unsigned int reg = 0; reg < IOAT_NR_REGS; reg++) {
		uint64_t mask = covered(reg, off, size, &shift);

		if (!mask)
			continue;
		*val |= shifted(reg_peek(ioat, reg) & mask, -shift);
		reg_was_read(ioat, reg);
		pin |= reg == IOAT_INTRCTRL || reg == IOAT_ATTNSTATUS;
	}
	pthread_mutex_unlock(&ioat->lock);
	if (pin)
		ioat_update_pin(ioat);
	return 0;
}

static int ioat_bar_write(struct pcidev *dev, unsigned int bar, uint64_t off,
			  unsigned int size, uint64_t val)
{
	struct ioat *ioat = dev->priv;
	bool work = false, pin = false;
	int shift;

	pthread_mutex_lock(&ioat->lock);
	for (unsigned int reg = 0; reg < IOAT_NR_REGS; reg++) {
		uint64_t mask = covered(reg, off, size, &shift);

		if (!mask)
			continue;
		work |= reg_write(ioat, reg, shifted(val, shift), mask);
		pin |= reg == IOAT_INTRCTRL;
	}
	pthread_mutex_unlock(&ioat->lock);
	if (pin)
		ioat_update_pin(ioat);
	if (work)
		pcidev_kick(dev);
	return 0;
}

/* ------------------------------------------------------------- the type - */

static void ioat_reset(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;

	pthread_mutex_lock(&ioat->lock);
	ioat->genctrl = 0;
	ioat->intrctrl = 0;
	ioat->attnstatus = 0;
	ioat->intrdelay = 0;
	ioat_want_reset(ioat);
	pthread_mutex_unlock(&ioat->lock);
	pci_config_field32(dev, IOAT_CFG_CHANERR_INT, 0, 0, ~UINT32_C(0));
	pci_config_field32(dev, IOAT_CFG_CHANERRMASK_INT, 0, ~UINT32_C(0), 0);
	pci_config_field32(dev, IOAT_CFG_DMAUNCERRSTS, 0, 0, ~UINT32_C(0));
}

static bool ioat_busy(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;
	bool busy;

	pthread_mutex_lock(&ioat->lock);
	busy = ioat->threads;
	pthread_mutex_unlock(&ioat->lock);
	return busy;
}

static int ioat_init(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;

	ioat->dev = dev;
	if (pthread_mutex_init(&ioat->lock, NULL))
		return -ENOMEM;
	ioat_reset(dev);
	return 0;
}

static void ioat_fini(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;

	pthread_mutex_destroy(&ioat->lock);
}

const struct pcidev_type pcidev_ioat = {
	.info = {
		.name = "ioat",
		.ids = "8086:2021",
		.summary = "Intel I/OAT DMA engine 3.3: copy, fill, MSI-X",
	},
	.vendor = 0x8086,
	.device = 0x2021,
	.subsystem_vendor = 0x8086,
	.subsystem = 0x0000,
	.class_code = 0x088000, /* system peripheral, other */
	.revision = 0x04,
	.features = PCIDEV_AER | PCIDEV_INTX,
	.bar_size = { IOAT_BAR_SIZE },
	.nr_vectors = 1,
	.nr_msi_lg2 = 0,
	.msix_bar = 0,
	.msix_table = IOAT_MSIX_TABLE,
	.msix_pba = IOAT_MSIX_PBA,
	.priv_size = sizeof(struct ioat),
	.init = ioat_init,
	.fini = ioat_fini,
	.reset = ioat_reset,
	.busy = ioat_busy,
	.bar_read = ioat_bar_read,
	.bar_write = ioat_bar_write,
	.run = ioat_engine_run,
};
