/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_map.c - which bits of configuration space a client sees and changes.
 *
 * The header is read-only but for the registers listed below.  Capabilities
 * that VFIO does not know, or that must not be in a client's hands (PASID),
 * are taken out of their chain.  Inside a known capability what is not listed
 * is read-only; space that belongs to no capability is the device's own and
 * goes through both ways.
 */
#include <string.h>

#include "private.h"

/* Longest chains that can be: one capability per dword. */
#define MAX_CAPS ((PCI_CFG_SIZE - PCI_HEADER_SIZE) / 4)
#define MAX_EXT_CAPS ((PCI_CFG_EXT_SIZE - PCI_CFG_SIZE) / 4)

static void probe_msi(struct uiommu_vdev *vdev, unsigned int off)
{
	struct uvfio_pci *pci = &vdev->pci;
	uint32_t ctrl = uvfio_hw_config_read(vdev, off + PCI_MSI_CTRL, 2);
	uint32_t mmc = FIELD_GET(PCI_MSI_CTRL_MMC, ctrl);

	pci->msi = (uint8_t)off;
	pci->msi_64 = ctrl & PCI_MSI_CTRL_64;
	pci->msi_mask = ctrl & PCI_MSI_CTRL_MASK;
	pci->nr_msi = (uint16_t)(1u << (mmc > 5 ? 5 : mmc));
	pci->msi_len = (pci->msi_64 ? 14 : 10) + (pci->msi_mask ? 10 : 0);
}

static void probe_msix(struct uiommu_vdev *vdev, unsigned int off)
{
	struct uvfio_pci *pci = &vdev->pci;
	uint32_t ctrl = uvfio_hw_config_read(vdev, off + PCI_MSIX_CTRL, 2);
	uint32_t table = uvfio_hw_config_read(vdev, off + PCI_MSIX_TABLE, 4);
	unsigned int nr = (ctrl & PCI_MSIX_CTRL_SIZE) + 1;
	unsigned int bar = table & PCI_MSIX_BIR;
	uint64_t end = (table & ~(uint32_t)PCI_MSIX_BIR) +
		       (uint64_t)nr * PCI_MSIX_ENTRY_SIZE;

	/* A table outside its BAR cannot be used. */
	if (bar >= UIOMMU_VDEV_BARS || end > vdev->bar[bar].size)
		return;
	pci->msix = (uint8_t)off;
	pci->nr_msix = (uint16_t)nr;
	pci->msix_bar = (uint8_t)bar;
	pci->msix_table = table & ~(uint32_t)PCI_MSIX_BIR;
}

/* First capability, or 0. */
static unsigned int first_cap(struct uiommu_vdev *vdev)
{
	if (!(uvfio_hw_config_read(vdev, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return 0;
	return uvfio_hw_config_read(vdev, PCI_CAP_PTR, 1) & 0xfc;
}

void uvfio_pci_probe(struct uiommu_vdev *vdev)
{
	struct uvfio_pci *pci = &vdev->pci;
	unsigned int off = first_cap(vdev);

	pci->pin = (uint8_t)uvfio_hw_config_read(vdev, PCI_INT_PIN, 1);
	for (int n = 0; n < MAX_CAPS && off >= PCI_HEADER_SIZE; n++) {
		uint32_t header = uvfio_hw_config_read(vdev, off, 2);

		switch (header & 0xff) {
		case PCI_CAP_PM:
			pci->pm = (uint8_t)off;
			break;
		case PCI_CAP_MSI:
			probe_msi(vdev, off);
			break;
		case PCI_CAP_MSIX:
			probe_msix(vdev, off);
			break;
		case PCI_CAP_EXP:
			pci->exp = (uint8_t)off;
			break;
		case PCI_CAP_AF:
			pci->af = (uint8_t)off;
			break;
		}
		off = (header >> 8) & 0xfc;
	}
	pci->cfg_size = pci->exp ? PCI_CFG_EXT_SIZE : PCI_CFG_SIZE;
}

/* ------------------------------------------------------------- rules ---- */

static void set_rule(struct uvfio_config *cfg, unsigned int off,
		     unsigned int size, uint32_t virt, uint32_t writable)
{
	for (unsigned int i = 0; i < size; i++) {
		if (off + i >= PCI_CFG_EXT_SIZE)
			return;
		cfg->virt[off + i] = (uint8_t)(virt >> (8 * i));
		cfg->writable[off + i] = (uint8_t)(writable >> (8 * i));
	}
}

static void set_range(struct uvfio_config *cfg, unsigned int off,
		      unsigned int len, uint8_t virt, uint8_t writable)
{
	if (off >= PCI_CFG_EXT_SIZE)
		return;
	if (len > PCI_CFG_EXT_SIZE - off)
		len = PCI_CFG_EXT_SIZE - off;
	memset(cfg->virt + off, virt, len);
	memset(cfg->writable + off, writable, len);
}

static void set_shadow(struct uvfio_config *cfg, unsigned int off,
		       unsigned int size, uint32_t val)
{
	for (unsigned int i = 0; i < size; i++)
		cfg->shadow[off + i] = (uint8_t)(val >> (8 * i));
}

/* BARs are the client's to move; only their sizes and kinds are real. */
static void map_bars(struct uiommu_vdev *vdev)
{
	struct uvfio_config *cfg = &vdev->cfg;

	for (unsigned int i = 0; i < UIOMMU_VDEV_BARS; i++) {
		uint32_t reg = uvfio_hw_config_read(vdev, PCI_BAR(i), 4);
		uint64_t size = vdev->bar[i].size, mask = ~(size - 1);
		bool wide = !(reg & PCI_BAR_IO) &&
			    (reg & PCI_BAR_TYPE) == PCI_BAR_TYPE_64;

		if (!size) {
			set_shadow(cfg, PCI_BAR(i), 4, 0);
			set_rule(cfg, PCI_BAR(i), 4, ~0u, 0);
			continue;
		}
		mask &= reg & PCI_BAR_IO ? ~UINT64_C(3) : ~UINT64_C(15);
		set_rule(cfg, PCI_BAR(i), 4, ~0u, (uint32_t)mask);
		if (!wide || i + 1 == UIOMMU_VDEV_BARS)
			continue;
		i++;
		set_rule(cfg, PCI_BAR(i), 4, ~0u, (uint32_t)(mask >> 32));
	}
}

static void map_header(struct uiommu_vdev *vdev)
{
	struct uvfio_config *cfg = &vdev->cfg;

	set_range(cfg, 0, PCI_HEADER_SIZE, 0, 0);
	set_rule(cfg, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF,
		 PCI_COMMAND_DEFINED);
	/* INTx starts allowed, whatever keeps the real pin quiet. */
	cfg->shadow[PCI_COMMAND + 1] &= (uint8_t) ~(PCI_COMMAND_INTX_OFF >> 8);
	set_rule(cfg, PCI_STATUS, 2, PCI_STATUS_CAPS, 0);
	set_rule(cfg, PCI_CACHE_LINE, 2, 0, 0xffff);
	set_rule(cfg, PCI_BIST, 1, 0, 0xff);
	map_bars(vdev);
	set_shadow(cfg, PCI_ROM, 4, 0);
	set_rule(cfg, PCI_ROM, 4, ~0u, 0);
	set_rule(cfg, PCI_CAP_PTR, 1, 0xff, 0);
	set_rule(cfg, PCI_INT_LINE, 1, 0xff, 0xff);
	set_rule(cfg, PCI_INT_PIN, 1, 0xff, 0);
}

static void map_msi(struct uiommu_vdev *vdev, unsigned int off)
{
	struct uvfio_config *cfg = &vdev->cfg;

	/* The real registers are ours; the client's writes lead nowhere. */
	set_range(cfg, off + PCI_MSI_ADDR, vdev->pci.msi_len - PCI_MSI_ADDR,
		  0xff, 0xff);
	set_rule(cfg, off + PCI_MSI_CTRL, 2, 0xffff,
		 PCI_MSI_CTRL_ENABLE | PCI_MSI_CTRL_MME);
	set_shadow(cfg, off + PCI_MSI_CTRL, 2,
		   uvfio_hw_config_read(vdev, off + PCI_MSI_CTRL, 2) &
			   ~(uint32_t)(PCI_MSI_CTRL_ENABLE | PCI_MSI_CTRL_MME));
}

static void map_msix(struct uiommu_vdev *vdev, unsigned int off)
{
	struct uvfio_config *cfg = &vdev->cfg;

	set_range(cfg, off + PCI_MSIX_TABLE, PCI_MSIX_LEN - PCI_MSIX_TABLE,
		  0xff, 0);
	set_rule(cfg, off + PCI_MSIX_CTRL, 2, 0xffff,
		 PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASK_ALL);
	set_shadow(cfg, off + PCI_MSIX_CTRL, 2,
		   uvfio_hw_config_read(vdev, off + PCI_MSIX_CTRL, 2) &
			   PCI_MSIX_CTRL_SIZE);
}

static void map_exp(struct uvfio_config *cfg, unsigned int off)
{
	set_range(cfg, off + 2, PCI_EXP_LEN - 2, 0, 0);
	set_rule(cfg, off + PCI_EXP_DEVCTL, 2,
		 PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_READRQ |
			 PCI_EXP_DEVCTL_FLR,
		 0xffff & ~PCI_EXP_DEVCTL_PHANTOM);
	cfg->shadow[off + PCI_EXP_DEVCTL + 1] &=
		(uint8_t) ~(PCI_EXP_DEVCTL_FLR >> 8);
	set_rule(cfg, off + PCI_EXP_DEVCTL2, 2, 0,
		 0xffff & ~PCI_EXP_DEVCTL2_ARI);
}

/* False: not for clients. */
static bool map_cap(struct uiommu_vdev *vdev, unsigned int off, uint8_t id)
{
	struct uvfio_config *cfg = &vdev->cfg;

	switch (id) {
	case PCI_CAP_PM:
		set_range(cfg, off + 2, 6, 0, 0);
		set_rule(cfg, off + PCI_PM_CSR, 2, 0xff03, PCI_PM_CSR_STATE);
		set_shadow(cfg, off + PCI_PM_CSR, 2, 0);
		return true;
	case PCI_CAP_MSI:
		map_msi(vdev, off);
		return true;
	case PCI_CAP_MSIX:
		if (off != vdev->pci.msix)
			return false;
		map_msix(vdev, off);
		return true;
	case PCI_CAP_EXP:
		map_exp(cfg, off);
		return true;
	case PCI_CAP_AF:
		set_range(cfg, off + 2, PCI_AF_LEN - 2, 0, 0);
		set_rule(cfg, off + PCI_AF_CTRL, 1, 0xff, PCI_AF_CTRL_FLR);
		set_shadow(cfg, off + PCI_AF_CTRL, 1, 0);
		return true;
	case PCI_CAP_PCIX:
		set_range(cfg, off + 2, 6, 0, 0);
		return true;
	case PCI_CAP_VPD:
	case PCI_CAP_VENDOR:
		return true; /* body: raw */
	default:
		return false;
	}
}

static void map_caps(struct uiommu_vdev *vdev)
{
	struct uvfio_config *cfg = &vdev->cfg;
	unsigned int off = first_cap(vdev), link = PCI_CAP_PTR;
	unsigned int n;

	/* `link` is the byte that points to what comes next. */
	cfg->shadow[link] = 0;
	for (n = 0; n < MAX_CAPS && off >= PCI_HEADER_SIZE; n++) {
		uint32_t header = uvfio_hw_config_read(vdev, off, 2);

		set_rule(cfg, off, 2, 0xffff, 0);
		cfg->shadow[off] = 0;
		cfg->shadow[off + 1] = 0;
		if (map_cap(vdev, off, header & 0xff)) {
			cfg->shadow[link] = (uint8_t)off;
			cfg->shadow[off] = header & 0xff;
			link = off + 1;
		}
		off = (header >> 8) & 0xfc;
	}
	cfg->shadow[PCI_STATUS] = cfg->shadow[PCI_CAP_PTR] ? PCI_STATUS_CAPS
							   : 0;
}

/* ---------------------------------------------- extended capabilities --- */

struct ext_rule {
	uint16_t id;
	uint16_t len; /* 4: the body is raw */
	bool hidden;
};

static const struct ext_rule ext_rules[] = {
	{ PCI_EXT_AER, 0x2c, false }, { PCI_EXT_DSN, 12, false },
	{ PCI_EXT_POWER, 16, false }, { PCI_EXT_VENDOR, 4, false },
	{ PCI_EXT_ACS, 8, false },    { PCI_EXT_ARI, 8, false },
	{ PCI_EXT_ATS, 8, false },    { PCI_EXT_SRIOV, 0x40, false },
	{ PCI_EXT_PRI, 16, false },   { PCI_EXT_LTR, 8, false },
	{ PCI_EXT_DVSEC, 4, false },  { PCI_EXT_PASID, 8, true },
};

static const struct ext_rule ext_unknown = { 0, 4, true };

static const struct ext_rule *find_ext_rule(uint32_t id)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(ext_rules); i++)
		if (ext_rules[i].id == id)
			return &ext_rules[i];
	return &ext_unknown;
}

static void map_ext_body(struct uiommu_vdev *vdev, unsigned int off,
			 const struct ext_rule *rule)
{
	struct uvfio_config *cfg = &vdev->cfg;

	set_range(cfg, off, rule->len, rule->hidden ? 0xff : 0, 0);
	set_range(cfg, off, 4, 0xff, 0);
	if (rule->hidden)
		memset(cfg->shadow + off, 0,
		       min_u64(rule->len, PCI_CFG_EXT_SIZE - off));
	/* Status bits are cleared by writing ones, masks and severities set. */
	if (rule->id == PCI_EXT_AER) {
		set_range(cfg, off + 4, 0x14, 0, 0xff);
		set_rule(cfg, off + 0x18, 4, 0, 0x140);
	}
}

static void map_ext_caps(struct uiommu_vdev *vdev)
{
	struct uvfio_config *cfg = &vdev->cfg;
	unsigned int off = PCI_CFG_SIZE, link = 0;
	uint32_t prev = 0;

	for (int n = 0; n < MAX_EXT_CAPS && off >= PCI_CFG_SIZE; n++) {
		uint32_t header = uvfio_hw_config_read(vdev, off, 4);
		const struct ext_rule *rule;

		if (!header || header == ~0u)
			return;
		rule = find_ext_rule(PCI_EXT_ID(header));
		map_ext_body(vdev, off, rule);
		if (rule->hidden && link) {
			/* The one before points past it. */
			prev = (prev & ~PCI_EXT_NEXT_MASK) |
			       (header & PCI_EXT_NEXT_MASK);
			set_shadow(cfg, link, 4, prev);
		} else {
			/* The first place must stay: empty, but chained. */
			prev = rule->hidden ? header & PCI_EXT_NEXT_MASK
					    : header;
			set_shadow(cfg, off, 4, prev);
			link = off;
		}
		off = PCI_EXT_NEXT(header);
	}
}

void uvfio_config_init(struct uiommu_vdev *vdev)
{
	struct uvfio_config *cfg = &vdev->cfg;

	memset(cfg, 0, sizeof(*cfg));
	for (unsigned int off = 0; off < vdev->pci.cfg_size; off += 4)
		set_shadow(cfg, off, 4, uvfio_hw_config_read(vdev, off, 4));
	set_range(cfg, 0, vdev->pci.cfg_size, 0, 0xff);
	map_header(vdev);
	map_caps(vdev);
	if (vdev->pci.cfg_size > PCI_CFG_SIZE)
		map_ext_caps(vdev);
}
