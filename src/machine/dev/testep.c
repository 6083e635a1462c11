/* SPDX-License-Identifier: BSD-2-Clause */
/* testep.c - the test endpoint's registers; testep_regs.h says what they do. */
#include "testep.h"

/* ---------------------------------------------------------------- reset -- */

static void testep_reset(struct pcidev *dev)
{
	struct testep *ep = dev->priv;

	pthread_mutex_lock(&ep->lock);
	/* What was not sent yet is forgotten. */
	ep->working &= ~ep->started;
	for (unsigned int i = 0; i < TESTEP_SLOTS; i++) {
		struct testep_slot *slot = &ep->slot[i];

		if (ep->working & BIT64(i)) {
			slot->stale = true;
			continue;
		}
		slot->working = false;
		testep_slot_reset(slot);
	}
	ep->started = 0;
	ep->finished = 0;
	ep->done = 0;
	ep->raised = 0;
	pthread_mutex_unlock(&ep->lock);
}

static int testep_init(struct pcidev *dev)
{
	struct testep *ep = dev->priv;

	ep->dev = dev;
	if (pthread_mutex_init(&ep->lock, NULL))
		return -ENOMEM;
	for (unsigned int i = 0; i < TESTEP_SLOTS; i++) {
		ep->slot[i].ep = ep;
		ep->slot[i].page = ep->page[i];
	}
	testep_reset(dev);
	return 0;
}

static void testep_fini(struct pcidev *dev)
{
	struct testep *ep = dev->priv;

	pthread_mutex_destroy(&ep->lock);
}

/* ------------------------------------------------------------ registers -- */

static uint32_t half(uint64_t val, uint64_t off)
{
	return (uint32_t)(val >> (off & 4 ? 32 : 0));
}

static void set_half(uint64_t *word, uint64_t off, uint32_t val)
{
	unsigned int shift = off & 4 ? 32 : 0;

	*word = (*word & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)val
								     << shift;
}

static uint32_t slot_read(const struct testep_slot *slot, uint64_t off)
{
	switch (off) {
	case TESTEP_SLOT_ADDR:
	case TESTEP_SLOT_ADDR + 4:
		return half(slot->addr, off);
	case TESTEP_SLOT_CTRL:
		return slot->ctrl | (slot->working ? TESTEP_CTRL_START : 0);
	case TESTEP_SLOT_PASID:
		return slot->pasid;
	case TESTEP_SLOT_STATUS:
		return slot->status;
	case TESTEP_SLOT_LEN:
		return slot->len;
	case TESTEP_SLOT_MOVED:
		return slot->moved;
	case TESTEP_SLOT_XLATE:
		return slot->xlate;
	case TESTEP_SLOT_OPERAND:
	case TESTEP_SLOT_OPERAND + 4:
		return half(slot->operand, off);
	case TESTEP_SLOT_COMPARE:
	case TESTEP_SLOT_COMPARE + 4:
		return half(slot->compare, off);
	case TESTEP_SLOT_RESULT:
	case TESTEP_SLOT_RESULT + 4:
		return half(slot->result, off);
	default:
		return 0;
	}
}

static void slot_write(struct testep_slot *slot, uint64_t off, uint32_t val)
{
	if (slot->working)
		return;
	switch (off) {
	case TESTEP_SLOT_ADDR:
	case TESTEP_SLOT_ADDR + 4:
		set_half(&slot->addr, off, val);
		break;
	case TESTEP_SLOT_CTRL:
		slot->ctrl = val & TESTEP_CTRL_BITS;
		if (val & TESTEP_CTRL_START)
			testep_start(slot->ep, BIT64(slot - slot->ep->slot));
		break;
	case TESTEP_SLOT_PASID:
		slot->pasid = val & 0xfffff;
		break;
	case TESTEP_SLOT_LEN:
		if (val && val <= TESTEP_PAGE_SIZE)
			slot->len = val;
		break;
	case TESTEP_SLOT_OPERAND:
	case TESTEP_SLOT_OPERAND + 4:
		set_half(&slot->operand, off, val);
		break;
	case TESTEP_SLOT_COMPARE:
	case TESTEP_SLOT_COMPARE + 4:
		set_half(&slot->compare, off, val);
		break;
	default:
		break;
	}
}

/* What the simple kind knows of slot 0. */
static uint32_t cmd_read(const struct testep_slot *slot)
{
	bool read = FIELD_GET(TESTEP_CTRL_OP, slot->ctrl) == TESTEP_OP_READ;

	return (slot->working ? TESTEP_CMD_START : 0) |
	       (read ? TESTEP_CMD_READ : 0);
}

static void cmd_write(struct testep_slot *slot, uint32_t val)
{
	uint32_t ctrl = slot->ctrl & ~TESTEP_CTRL_OP;

	ctrl |= FIELD_PREP(TESTEP_CTRL_OP, val & TESTEP_CMD_READ
						   ? TESTEP_OP_READ
						   : TESTEP_OP_WRITE);
	slot_write(slot, TESTEP_SLOT_CTRL,
		   ctrl | (val & TESTEP_CMD_START ? TESTEP_CTRL_START : 0));
}

/* `caps` is looked up without the lock. */
static uint32_t reg_read(const struct testep *ep, uint64_t off, uint32_t caps)
{
	if (off >= TESTEP_SLOT(0) && off < TESTEP_SLOT(TESTEP_SLOTS))
		return slot_read(&ep->slot[(off - TESTEP_SLOT(0)) / 64],
				 off % 64);
	switch (off) {
	case TESTEP_ADDR:
	case TESTEP_ADDR + 4:
		return slot_read(&ep->slot[0], TESTEP_SLOT_ADDR + off);
	case TESTEP_CMD:
		return cmd_read(&ep->slot[0]);
	case TESTEP_STATUS:
		return slot_read(&ep->slot[0], TESTEP_SLOT_STATUS);
	case TESTEP_LEN:
		return slot_read(&ep->slot[0], TESTEP_SLOT_LEN);
	case TESTEP_DONE:
		return ep->done;
	case TESTEP_WORK:
	case TESTEP_WORK + 4:
		return half(ep->working, off);
	case TESTEP_FINISHED:
	case TESTEP_FINISHED + 4:
		return half(ep->finished, off);
	case TESTEP_CAPS:
		return caps;
	default:
		return 0;
	}
}

static void reg_write(struct testep *ep, uint64_t off, uint32_t val)
{
	unsigned int shift = off & 4 ? 32 : 0;

	if (off >= TESTEP_SLOT(0) && off < TESTEP_SLOT(TESTEP_SLOTS)) {
		slot_write(&ep->slot[(off - TESTEP_SLOT(0)) / 64], off % 64,
			   val);
		return;
	}
	switch (off) {
	case TESTEP_ADDR:
	case TESTEP_ADDR + 4:
		slot_write(&ep->slot[0], TESTEP_SLOT_ADDR + off, val);
		break;
	case TESTEP_CMD:
		cmd_write(&ep->slot[0], val);
		break;
	case TESTEP_LEN:
		slot_write(&ep->slot[0], TESTEP_SLOT_LEN, val);
		break;
	case TESTEP_IRQ:
		if (val < TESTEP_VECTORS)
			ep->raised |= BIT32(val);
		break;
	case TESTEP_START:
	case TESTEP_START + 4:
		testep_start(ep, (uint64_t)val << shift);
		break;
	case TESTEP_FINISHED:
	case TESTEP_FINISHED + 4:
		ep->finished &= ~((uint64_t)val << shift);
		break;
	default:
		break;
	}
}

/* ---------------------------------------------------------------- access -- */

/* The slot whose page lies at `off`, or NULL; *at is the offset in it. */
static struct testep_slot *page_at(struct testep *ep, uint64_t off,
				   uint64_t *at)
{
	*at = off % TESTEP_PAGE_SIZE;
	if (off >= TESTEP_PAGES)
		return &ep->slot[(off - TESTEP_PAGES) / TESTEP_PAGE_SIZE];
	if (off >= TESTEP_PAGE0 && off < TESTEP_PAGE0 + TESTEP_PAGE_SIZE)
		return &ep->slot[0];
	return NULL;
}

static uint32_t caps_of(struct pcidev *dev)
{
	uint32_t pasid = pcidev_pasid_ctrl(dev), caps = 0;

	if (load_acquire(&dev->ats_on))
		caps |= TESTEP_CAPS_ATS;
	if (dev->cap_pri &&
	    pci_config_get(dev, dev->cap_pri + PCIE_PRI_CTRL, 2) &
		    PCIE_PRI_CTRL_ENABLE)
		caps |= TESTEP_CAPS_PRI;
	if (pasid & PCIE_PASID_CTRL_ENABLE)
		caps |= TESTEP_CAPS_PASID;
	if (pasid & PCIE_PASID_CTRL_EXEC)
		caps |= TESTEP_CAPS_EXEC;
	if (pasid & PCIE_PASID_CTRL_PRIV)
		caps |= TESTEP_CAPS_PRIV;
	if (pcidev_atomics(dev))
		caps |= TESTEP_CAPS_ATOMICS;
	return caps;
}

static int testep_bar_read(struct pcidev *dev, unsigned int bar, uint64_t off,
			   unsigned int size, uint64_t *val)
{
	uint32_t caps = off == TESTEP_CAPS ? caps_of(dev) : 0;
	struct testep *ep = dev->priv;
	struct testep_slot *slot;
	uint64_t at;

	*val = 0;
	pthread_mutex_lock(&ep->lock);
	slot = page_at(ep, off, &at);
	if (slot) {
		if (!slot->working)
			memcpy(val, slot->page + at, size);
	} else if (size >= 4) {
		*val = reg_read(ep, off, caps);
		if (size == 8)
			*val |= (uint64_t)reg_read(ep, off + 4, caps) << 32;
	}
	pthread_mutex_unlock(&ep->lock);
	return 0;
}

static int testep_bar_write(struct pcidev *dev, unsigned int bar, uint64_t off,
			    unsigned int size, uint64_t val)
{
	struct testep *ep = dev->priv;
	struct testep_slot *slot;
	uint64_t at;
	bool work;

	pthread_mutex_lock(&ep->lock);
	slot = page_at(ep, off, &at);
	if (slot) {
		if (!slot->working)
			memcpy(slot->page + at, &val, size);
	} else if (size >= 4) {
		reg_write(ep, off, (uint32_t)val);
		if (size == 8)
			reg_write(ep, off + 4, (uint32_t)(val >> 32));
	}
	work = ep->started || ep->raised;
	pthread_mutex_unlock(&ep->lock);
	if (work)
		pcidev_kick(dev);
	return 0;
}

const struct pcidev_type pcidev_testep = {
	.info = {
		.name = "testep",
		.ids = "1234:11e9",
		.summary = "test endpoint: DMA of every kind, ATS, PRI, PASIDs",
	},
	.vendor = 0x1234,
	.device = 0x11e9,
	.subsystem_vendor = 0x1234,
	.subsystem = 0x11e9,
	.class_code = 0x00ff00,
	.features = PCIDEV_AER | PCIDEV_ATS | PCIDEV_PRI | PCIDEV_PASID |
		    PCIDEV_ATOMICS,
	.bar_size = { TESTEP_BAR_SIZE },
	.nr_vectors = TESTEP_VECTORS,
	.nr_msi_lg2 = 2,
	.msix_bar = 0,
	.msix_table = TESTEP_MSIX_TABLE,
	.msix_pba = TESTEP_MSIX_PBA,
	.priv_size = sizeof(struct testep),
	.init = testep_init,
	.fini = testep_fini,
	.reset = testep_reset,
	.busy = testep_busy,
	.bar_read = testep_bar_read,
	.bar_write = testep_bar_write,
	.run = testep_run,
	.page_response = testep_page_response,
};
