/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testep.c - the test endpoint (1234:11e9): one page of memory in BAR 0 and a
 * command that moves it to or from an IOVA.
 *
 *   0x00 ADDR	64 bits, the IOVA
 *   0x08 CMD	bit 0 start (reads 1 while it works), bit 1: from memory into
 *		the page, else from the page into memory
 * Beyond what libvfn's programs know:
 *   0x10 STATUS	of the last command: 0 moved, 1 aborted, 2 under way
 *   0x14 LEN	bytes to move, 1 to 4096; 4096 after reset
 *   0x18 IRQ	a write raises the MSI-X vector of that number
 *   0x1c DONE	commands finished
 *   0x1000	the page itself
 *
 * PASID, ATS and PRI stand in its configuration space; it does not use them
 * yet.
 */
#include "../pci.h"

#define TESTEP_ADDR 0x00
#define TESTEP_CMD 0x08
#define TESTEP_STATUS 0x10
#define TESTEP_LEN 0x14
#define TESTEP_IRQ 0x18
#define TESTEP_DONE 0x1c
#define TESTEP_PAGE 0x1000
#define TESTEP_PAGE_SIZE 4096u
#define TESTEP_BAR_SIZE 0x4000u
#define TESTEP_VECTORS 4

#define TESTEP_CMD_START BIT32(0)
#define TESTEP_CMD_READ BIT32(1)

enum testep_status {
	TESTEP_OK,
	TESTEP_ABORTED,
	TESTEP_WORKING,
};

struct testep {
	struct pcidev *dev;
	/* Protects all; the page too while no command works on it. */
	pthread_mutex_t lock;
	uint64_t addr;
	uint32_t cmd, len, done;
	enum testep_status status;
	bool started; /* to be taken up by run() */
	bool working;
	bool want_reset;
	uint32_t raised; /* vectors to be raised by run(), a bit each */
	struct pcidev_req req;
	uint8_t page[TESTEP_PAGE_SIZE];
};

/* Under the lock, nothing works. */
static void reset_regs(struct testep *ep)
{
	ep->addr = 0;
	ep->cmd = 0;
	ep->len = TESTEP_PAGE_SIZE;
	ep->done = 0;
	ep->status = TESTEP_OK;
	ep->started = false;
	ep->raised = 0;
	ep->want_reset = false;
}

static void finish(struct testep *ep, int status)
{
	pthread_mutex_lock(&ep->lock);
	ep->working = false;
	ep->done++;
	ep->cmd &= ~TESTEP_CMD_START;
	ep->status = status ? TESTEP_ABORTED : TESTEP_OK;
	if (ep->want_reset)
		reset_regs(ep);
	pthread_mutex_unlock(&ep->lock);
}

static void resumed(struct pcidev_req *req, int status)
{
	finish(container_of(req, struct testep, req), status);
}

static void testep_run(struct pcidev *dev)
{
	struct testep *ep = dev->priv;
	uint32_t raised;
	uint64_t addr;
	uint32_t len, flags;
	bool start;
	int rc;

	pthread_mutex_lock(&ep->lock);
	raised = ep->raised;
	ep->raised = 0;
	start = ep->started && !ep->working;
	if (start) {
		ep->started = false;
		ep->working = true;
		ep->status = TESTEP_WORKING;
	}
	addr = ep->addr;
	len = ep->len;
	flags = ep->cmd & TESTEP_CMD_READ ? 0 : UIOMMU_TXN_WRITE;
	pthread_mutex_unlock(&ep->lock);

	if (start) {
		ep->req.done = resumed;
		rc = pcidev_dma(dev, &ep->req, addr, ep->page, len, flags);
		if (rc != -EINPROGRESS)
			finish(ep, rc);
	}
	for (unsigned int nr = 0; raised; nr++, raised >>= 1)
		if (raised & 1)
			pcidev_notify(dev, nr);
}

static uint64_t reg_value(const struct testep *ep, uint64_t off)
{
	switch (off) {
	case TESTEP_ADDR:
		return (uint32_t)ep->addr;
	case TESTEP_ADDR + 4:
		return ep->addr >> 32;
	case TESTEP_CMD:
		return ep->cmd;
	case TESTEP_STATUS:
		return ep->status;
	case TESTEP_LEN:
		return ep->len;
	case TESTEP_DONE:
		return ep->done;
	default:
		return 0;
	}
}

/* Under the lock; whether there is work. */
static bool reg_store(struct testep *ep, uint64_t off, uint32_t val)
{
	switch (off) {
	case TESTEP_ADDR:
		ep->addr = (ep->addr & ~UINT64_C(0xffffffff)) | val;
		break;
	case TESTEP_ADDR + 4:
		ep->addr = (uint32_t)ep->addr | (uint64_t)val << 32;
		break;
	case TESTEP_CMD:
		if (ep->cmd & TESTEP_CMD_START)
			break;
		ep->cmd = val & (TESTEP_CMD_START | TESTEP_CMD_READ);
		ep->started = val & TESTEP_CMD_START;
		return ep->started;
	case TESTEP_LEN:
		if (val && val <= TESTEP_PAGE_SIZE)
			ep->len = val;
		break;
	case TESTEP_IRQ:
		if (val >= TESTEP_VECTORS)
			break;
		ep->raised |= BIT32(val);
		return true;
	default:
		break;
	}
	return false;
}

static bool in_page(uint64_t off)
{
	return off >= TESTEP_PAGE && off < TESTEP_PAGE + TESTEP_PAGE_SIZE;
}

static int testep_bar_read(struct pcidev *dev, unsigned int bar, uint64_t off,
			   unsigned int size, uint64_t *val)
{
	struct testep *ep = dev->priv;

	*val = 0;
	pthread_mutex_lock(&ep->lock);
	if (in_page(off)) {
		if (!ep->working)
			memcpy(val, &ep->page[off - TESTEP_PAGE], size);
	} else if (size >= 4) {
		*val = reg_value(ep, off);
		if (size == 8)
			*val |= reg_value(ep, off + 4) << 32;
	}
	pthread_mutex_unlock(&ep->lock);
	return 0;
}

static int testep_bar_write(struct pcidev *dev, unsigned int bar, uint64_t off,
			    unsigned int size, uint64_t val)
{
	struct testep *ep = dev->priv;
	bool work = false;

	pthread_mutex_lock(&ep->lock);
	if (in_page(off)) {
		if (!ep->working)
			memcpy(&ep->page[off - TESTEP_PAGE], &val, size);
	} else if (size >= 4) {
		work = reg_store(ep, off, (uint32_t)val);
		if (size == 8)
			work |= reg_store(ep, off + 4, (uint32_t)(val >> 32));
	}
	pthread_mutex_unlock(&ep->lock);
	if (work)
		pcidev_kick(dev);
	return 0;
}

static void testep_reset(struct pcidev *dev)
{
	struct testep *ep = dev->priv;

	pthread_mutex_lock(&ep->lock);
	if (ep->working)
		ep->want_reset = true;
	else
		reset_regs(ep);
	pthread_mutex_unlock(&ep->lock);
}

static int testep_init(struct pcidev *dev)
{
	struct testep *ep = dev->priv;

	ep->dev = dev;
	if (pthread_mutex_init(&ep->lock, NULL))
		return -ENOMEM;
	testep_reset(dev);
	return 0;
}

static void testep_fini(struct pcidev *dev)
{
	struct testep *ep = dev->priv;

	pthread_mutex_destroy(&ep->lock);
}

const struct pcidev_type pcidev_testep = {
	.info = {
		.name = "testep",
		.ids = "1234:11e9",
		.summary = "test endpoint: moves one page on command",
	},
	.vendor = 0x1234,
	.device = 0x11e9,
	.subsystem_vendor = 0x1234,
	.subsystem = 0x11e9,
	.class_code = 0x00ff00,
	.features = PCIDEV_AER | PCIDEV_ATS | PCIDEV_PRI | PCIDEV_PASID,
	.bar_size = { TESTEP_BAR_SIZE },
	.nr_vectors = TESTEP_VECTORS,
	.nr_msi_lg2 = 2,
	.msix_bar = 0,
	.msix_table = 0x2000,
	.msix_pba = 0x3000,
	.priv_size = sizeof(struct testep),
	.init = testep_init,
	.fini = testep_fini,
	.reset = testep_reset,
	.bar_read = testep_bar_read,
	.bar_write = testep_bar_write,
	.run = testep_run,
};
