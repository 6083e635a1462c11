/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_config.c - the configuration space of an emulated function.
 *
 * Three images of 4096 bytes: what is there, which bits software may write,
 * and which it clears by writing 1.  They are laid out once, when the device
 * is made; a reset copies the writable bits back from the start.  BARs keep the
 * addresses they were given at the start: they can be sized, and decoding
 * follows the place the machine chose.
 */
#include "pci.h"

/* Room for capabilities: after the header, after the extended start. */
struct layout {
	unsigned int cap;  /* next free */
	unsigned int link; /* where to write the next capability's offset */
	unsigned int ext, ext_last;
};

static void put(uint8_t *image, unsigned int off, uint32_t val,
		unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		image[off + i] = (uint8_t)(val >> (8 * i));
}

static uint32_t get(const uint8_t *image, unsigned int off, unsigned int size)
{
	uint32_t val = 0;

	for (unsigned int i = 0; i < size; i++)
		val |= (uint32_t)image[off + i] << (8 * i);
	return val;
}

static void field(struct pcidev *dev, unsigned int off, unsigned int size,
		  uint32_t val, uint32_t writable)
{
	put(dev->config, off, val, size);
	put(dev->wmask, off, writable, size);
}

void pci_config_field32(struct pcidev *dev, unsigned int off, uint32_t val,
			uint32_t writable, uint32_t w1c)
{
	field(dev, off, 4, val, writable);
	put(dev->w1c, off, w1c, 4);
}

void pci_config_put(struct pcidev *dev, unsigned int off, unsigned int size,
		    uint32_t val)
{
	put(dev->config, off, val, size);
}

void pci_config_or32(struct pcidev *dev, unsigned int off, uint32_t bits)
{
	pthread_mutex_lock(&dev->lock);
	put(dev->config, off, get(dev->config, off, 4) | bits, 4);
	pthread_mutex_unlock(&dev->lock);
}

/* ------------------------------------------------------------- layout -- */

static void build_header(struct pcidev *dev)
{
	const struct pcidev_type *type = dev->type;

	field(dev, PCIE_CFG_VENDOR_ID, 2, type->vendor, 0);
	field(dev, PCIE_CFG_DEVICE_ID, 2, type->device, 0);
	field(dev, PCIE_CFG_COMMAND, 2, 0,
	      PCIE_COMMAND_MEMORY | PCIE_COMMAND_BUS_MASTER |
		      PCIE_COMMAND_PARITY | PCIE_COMMAND_SERR |
		      PCIE_COMMAND_INTX_DISABLE);
	field(dev, PCIE_CFG_STATUS, 2, PCIE_STATUS_CAP_LIST, 0);
	field(dev, PCIE_CFG_REVISION_ID, 1, type->revision, 0);
	field(dev, PCIE_CFG_CLASS_CODE, 3, type->class_code, 0);
	field(dev, PCIE_CFG_CACHE_LINE_SIZE, 1, 0, 0xff);
	field(dev, PCIE_CFG_SUBSYSTEM_VENDOR_ID, 2, type->subsystem_vendor, 0);
	field(dev, PCIE_CFG_SUBSYSTEM_ID, 2, type->subsystem, 0);
	field(dev, PCIE_CFG_INTERRUPT_LINE, 1, 0, 0xff);
	field(dev, PCIE_CFG_INTERRUPT_PIN, 1,
	      type->features & PCIDEV_INTX ? 1 : 0, 0);
	for (unsigned int i = 0; i < UIOMMU_VDEV_BARS; i++) {
		uint64_t size = type->bar_size[i];
		uint64_t mask = ~(size - 1);

		if (!size)
			continue;
		field(dev, PCIE_CFG_BAR(i), 4,
		      (uint32_t)dev->bar_pa[i] | PCIE_BAR_MEM_64,
		      (uint32_t)mask & PCIE_BAR_MEM_MASK);
		field(dev, PCIE_CFG_BAR(i + 1), 4,
		      (uint32_t)(dev->bar_pa[i] >> 32), (uint32_t)(mask >> 32));
	}
}

/* Link a capability of `size` bytes in; returns its offset. */
static unsigned int add_cap(struct pcidev *dev, struct layout *at, uint8_t id,
			    unsigned int size)
{
	unsigned int off = at->cap;

	put(dev->config, at->link, off, 1);
	put(dev->config, off, id, 1);
	at->link = off + 1;
	at->cap = (unsigned int)align_up_lg2(off + size, 3);
	return off;
}

static unsigned int add_ext(struct pcidev *dev, struct layout *at, uint16_t id,
			    unsigned int version, unsigned int size)
{
	unsigned int off = at->ext;

	if (at->ext_last) {
		uint32_t head = get(dev->config, at->ext_last, 4);

		head |= PCIE_EXT_HEADER(0, 0, off);
		put(dev->config, at->ext_last, head, 4);
	}
	put(dev->config, off, PCIE_EXT_HEADER(id, version, 0), 4);
	at->ext_last = off;
	at->ext = off + size;
	return off;
}

static void build_pm(struct pcidev *dev, struct layout *at)
{
	unsigned int off = add_cap(dev, at, PCIE_CAP_ID_PM, PCIE_PM_SIZE);

	field(dev, off + PCIE_PM_CAP, 2, 3, 0); /* version 1.2 */
	field(dev, off + PCIE_PM_CTRL, 2, PCIE_PM_CTRL_NO_SOFT_RESET, 0);
}

static void build_msi(struct pcidev *dev, struct layout *at)
{
	unsigned int lg2 = dev->type->nr_msi_lg2, off;

	if (lg2 > 5)
		return;
	off = add_cap(dev, at, PCIE_CAP_ID_MSI, PCIE_MSI_SIZE);
	dev->cap_msi = (uint16_t)off;
	field(dev, off + PCIE_MSI_CTRL, 2,
	      PCIE_MSI_CTRL_64BIT | lg2 << PCIE_MSI_CTRL_MULTI_CAP_SHIFT,
	      PCIE_MSI_CTRL_ENABLE | 7u << PCIE_MSI_CTRL_MULTI_ENABLE_SHIFT);
	field(dev, off + PCIE_MSI_ADDR_LO, 4, 0, ~UINT32_C(3));
	field(dev, off + PCIE_MSI_ADDR_HI, 4, 0, ~UINT32_C(0));
	field(dev, off + PCIE_MSI_DATA, 2, 0, 0xffff);
}

static void build_exp(struct pcidev *dev, struct layout *at)
{
	unsigned int off = add_cap(dev, at, PCIE_CAP_ID_EXP, PCIE_EXP_SIZE);
	uint32_t features = dev->type->features;

	dev->cap_exp = (uint16_t)off;
	field(dev, off + PCIE_EXP_FLAGS, 2, PCIE_EXP_FLAGS_VERSION_2, 0);
	field(dev, off + PCIE_EXP_DEVCAP, 4,
	      PCIE_EXP_DEVCAP_RBER | PCIE_EXP_DEVCAP_FLR, 0);
	field(dev, off + PCIE_EXP_DEVCTL, 2, 0x2810, 0x7fff);
	/* x1 at 2.5 GT/s; nobody measures it. */
	field(dev, off + PCIE_EXP_LNKCAP, 4, 0x11, 0);
	field(dev, off + PCIE_EXP_LNKSTA, 2, 0x11, 0);
	if (features & PCIDEV_PASID)
		field(dev, off + PCIE_EXP_DEVCAP2, 4,
		      PCIE_EXP_DEVCAP2_EE_PREFIX |
			      PCIE_EXP_DEVCAP2_EE_PREFIXES_1,
		      0);
	field(dev, off + PCIE_EXP_DEVCTL2, 2, 0,
	      0x1f | (features & PCIDEV_ATOMICS ? PCIE_EXP_DEVCTL2_ATOMIC_REQ
						: 0));
	put(dev->w1c, off + PCIE_EXP_DEVSTA, 0xf, 2);
}

static void build_msix(struct pcidev *dev, struct layout *at)
{
	const struct pcidev_type *type = dev->type;
	unsigned int off;

	if (!type->nr_vectors)
		return;
	off = add_cap(dev, at, PCIE_CAP_ID_MSIX, PCIE_MSIX_SIZE);
	dev->cap_msix = (uint16_t)off;
	field(dev, off + PCIE_MSIX_CTRL, 2, type->nr_vectors - 1u,
	      PCIE_MSIX_CTRL_ENABLE | PCIE_MSIX_CTRL_MASK_ALL);
	field(dev, off + PCIE_MSIX_TABLE, 4, type->msix_table | type->msix_bar,
	      0);
	field(dev, off + PCIE_MSIX_PBA, 4, type->msix_pba | type->msix_bar, 0);
}

static void build_aer(struct pcidev *dev, struct layout *at)
{
	unsigned int off = add_ext(dev, at, PCIE_EXT_ID_AER, 1, PCIE_AER_SIZE);

	put(dev->w1c, off + PCIE_AER_UNCOR_STATUS, PCIE_AER_UNCOR_BITS, 4);
	field(dev, off + PCIE_AER_UNCOR_MASK, 4, 0, PCIE_AER_UNCOR_BITS);
	field(dev, off + PCIE_AER_UNCOR_SEVERITY, 4,
	      PCIE_AER_UNCOR_SEVERITY_RESET, PCIE_AER_UNCOR_BITS);
	put(dev->w1c, off + PCIE_AER_COR_STATUS, PCIE_AER_COR_BITS, 4);
	field(dev, off + PCIE_AER_COR_MASK, 4, 0x2000, PCIE_AER_COR_BITS);
}

static void build_ext(struct pcidev *dev, struct layout *at)
{
	uint32_t features = dev->type->features;
	unsigned int off;

	if (features & PCIDEV_AER)
		build_aer(dev, at);
	/* Types keep registers of their own below this. */
	at->ext = 0x200;
	if (features & PCIDEV_ATS) {
		off = add_ext(dev, at, PCIE_EXT_ID_ATS, 1, PCIE_ATS_SIZE);
		dev->cap_ats = (uint16_t)off;
		/* 32 invalidations at a time (0 in the field). */
		field(dev, off + PCIE_ATS_CAP, 2,
		      PCIE_ATS_CAP_PAGE_ALIGNED | PCIE_ATS_CAP_GLOBAL_INVAL, 0);
		field(dev, off + PCIE_ATS_CTRL, 2, 0,
		      PCIE_ATS_CTRL_ENABLE | PCIE_ATS_CTRL_STU_MASK);
	}
	if (features & PCIDEV_PRI) {
		off = add_ext(dev, at, PCIE_EXT_ID_PRI, 1, PCIE_PRI_SIZE);
		dev->cap_pri = (uint16_t)off;
		field(dev, off + PCIE_PRI_CTRL, 2, 0, PCIE_PRI_CTRL_ENABLE);
		/* Stopped is put in when it is read. */
		field(dev, off + PCIE_PRI_STATUS, 2, PCIE_PRI_STATUS_PASID, 0);
		put(dev->w1c, off + PCIE_PRI_STATUS,
		    PCIE_PRI_STATUS_FAILURE | PCIE_PRI_STATUS_UPRGI, 2);
		field(dev, off + PCIE_PRI_CAPACITY, 4, PCI_PAGE_REQUESTS, 0);
		field(dev, off + PCIE_PRI_ALLOCATION, 4, 0, ~UINT32_C(0));
	}
	if (features & PCIDEV_PASID) {
		off = add_ext(dev, at, PCIE_EXT_ID_PASID, 1, PCIE_PASID_SIZE);
		dev->cap_pasid = (uint16_t)off;
		field(dev, off + PCIE_PASID_CAP, 2,
		      PCIE_PASID_CAP_EXEC | PCIE_PASID_CAP_PRIV |
			      20u << PCIE_PASID_CAP_WIDTH_SHIFT,
		      0);
		field(dev, off + PCIE_PASID_CTRL, 2, 0,
		      PCIE_PASID_CTRL_ENABLE | PCIE_PASID_CTRL_EXEC |
			      PCIE_PASID_CTRL_PRIV);
	}
}

void pci_config_build(struct pcidev *dev)
{
	struct layout at = {
		.cap = 0x40,
		.link = PCIE_CFG_CAP_PTR,
		.ext = PCIE_CFG_EXT,
	};

	build_header(dev);
	build_pm(dev, &at);
	build_msi(dev, &at);
	build_exp(dev, &at);
	build_msix(dev, &at);
	build_ext(dev, &at);
	memcpy(dev->at_reset, dev->config, sizeof(dev->at_reset));
}

/* -------------------------------------------------------------- access -- */

uint32_t pci_config_get(struct pcidev *dev, unsigned int off, unsigned int size)
{
	unsigned int stopped = dev->cap_pri + PCIE_PRI_STATUS + 1;
	uint32_t val;

	if (off >= PCIE_CFG_SIZE || size > PCIE_CFG_SIZE - off)
		return ~UINT32_C(0);
	pthread_mutex_lock(&dev->lock);
	val = get(dev->config, off, size);
	if (off <= PCIE_CFG_STATUS && off + size > PCIE_CFG_STATUS && dev->intx)
		val |= PCIE_STATUS_INTERRUPT << (8 * (PCIE_CFG_STATUS - off));
	pthread_mutex_unlock(&dev->lock);
	if (dev->cap_pri && off <= stopped && off + size > stopped &&
	    pci_ats_stopped(dev))
		val |= PCIE_PRI_STATUS_STOPPED >> 8 << (8 * (stopped - off));
	return val;
}

static bool touches(unsigned int off, unsigned int size, unsigned int reg,
		    unsigned int reg_size)
{
	return off < reg + reg_size && reg < off + size;
}

static bool pri_enabled(const struct pcidev *dev)
{
	return dev->cap_pri && get(dev->config, dev->cap_pri + PCIE_PRI_CTRL,
				   2) & PCIE_PRI_CTRL_ENABLE;
}

/* Store; under the lock.  Returns whether a function level reset was asked. */
static bool store(struct pcidev *dev, unsigned int off, unsigned int size,
		  uint32_t val)
{
	unsigned int flr = dev->cap_exp + PCIE_EXP_DEVCTL + 1;
	bool pri = pri_enabled(dev);

	for (unsigned int i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(val >> (8 * i));
		uint8_t mask = dev->wmask[off + i];
		uint8_t *at = &dev->config[off + i];

		*at = (uint8_t)((*at & ~mask) | (byte & mask));
		*at &= (uint8_t) ~(byte & dev->w1c[off + i]);
	}
	/* Turning the page request interface on clears what it had to tell. */
	if (!pri && pri_enabled(dev))
		dev->config[dev->cap_pri + PCIE_PRI_STATUS] &= (uint8_t) ~(
			PCIE_PRI_STATUS_FAILURE | PCIE_PRI_STATUS_UPRGI);
	store_release(&dev->command, get(dev->config, PCIE_CFG_COMMAND, 2));
	return off <= flr && off + size > flr &&
	       (val >> (8 * (flr - off)) & (PCIE_EXP_DEVCTL_FLR >> 8));
}

void pci_config_set(struct pcidev *dev, unsigned int off, unsigned int size,
		    uint32_t val)
{
	bool flr, level;

	if (off >= PCIE_CFG_SIZE || size > PCIE_CFG_SIZE - off)
		return;
	pthread_mutex_lock(&dev->lock);
	flr = store(dev, off, size, val);
	level = dev->intx;
	pthread_mutex_unlock(&dev->lock);

	if (flr) {
		pcidev_reset(dev);
		return;
	}
	pci_ats_config_written(dev, off, size, val);
	if (touches(off, size, PCIE_CFG_COMMAND, 2) ||
	    touches(off, size, dev->cap_msi + PCIE_MSI_CTRL, 2) ||
	    touches(off, size, dev->cap_msix + PCIE_MSIX_CTRL, 2)) {
		pcidev_intx(dev, level);
		pcidev_kick(dev);
	}
}

/* Back to the start, but BARs stay where they are.  Under the lock. */
void pci_config_reset(struct pcidev *dev)
{
	uint8_t bars[UIOMMU_VDEV_BARS * 4];

	memcpy(bars, &dev->config[PCIE_CFG_BAR(0)], sizeof(bars));
	memcpy(dev->config, dev->at_reset, sizeof(dev->config));
	memcpy(&dev->config[PCIE_CFG_BAR(0)], bars, sizeof(bars));
	store_release(&dev->command, 0);
}
