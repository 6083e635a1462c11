/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.c - accesses to configuration space.
 *
 * Each bit is either the device's own or a shadow's, and either takes writes
 * or does not; config_map.c says which.  What remains to be done here are the
 * few registers whose writes have effects: COMMAND, the power state, and the
 * two ways to ask for a function level reset.
 */
#include "private.h"

uint32_t uvfio_hw_config_read(struct uiommu_vdev *vdev, unsigned int off,
			      unsigned int size)
{
	return vdev->ops->config_read(vdev->ctx, off, size);
}

void uvfio_hw_config_write(struct uiommu_vdev *vdev, unsigned int off,
			   unsigned int size, uint32_t val)
{
	vdev->ops->config_write(vdev->ctx, off, size, val);
}

void uvfio_hw_config_update(struct uiommu_vdev *vdev, unsigned int off,
			    unsigned int size, uint32_t mask, uint32_t val)
{
	uint32_t old = uvfio_hw_config_read(vdev, off, size);

	uvfio_hw_config_write(vdev, off, size, (old & ~mask) | (val & mask));
}

static uint32_t get_le(const uint8_t *p, unsigned int size)
{
	uint32_t val = 0;

	for (unsigned int i = 0; i < size; i++)
		val |= (uint32_t)p[i] << (8 * i);
	return val;
}

static void put_le(uint8_t *p, unsigned int size, uint32_t val)
{
	for (unsigned int i = 0; i < size; i++)
		p[i] = (uint8_t)(val >> (8 * i));
}

uint32_t uvfio_config_read(struct uiommu_vdev *vdev, unsigned int off,
			   unsigned int size)
{
	const struct uvfio_config *cfg = &vdev->cfg;
	uint32_t all = (uint32_t)mask_lg2(8 * size);
	uint32_t virt = get_le(cfg->virt + off, size);
	uint32_t val = get_le(cfg->shadow + off, size) & virt;

	if (virt != all)
		val |= uvfio_hw_config_read(vdev, off, size) & ~virt;
	return val;
}

/* Does [off, off+size) touch the `len` bytes at `reg`? */
static bool touches(unsigned int off, unsigned int size, unsigned int reg,
		    unsigned int len)
{
	return off < reg + len && reg < off + size;
}

void uvfio_config_sync_mem(struct uiommu_vdev *vdev)
{
	uint32_t cmd = uvfio_hw_config_read(vdev, PCI_COMMAND, 2);
	unsigned int pm = vdev->pci.pm;
	bool d0 = !pm ||
		  !(vdev->cfg.shadow[pm + PCI_PM_CSR] & PCI_PM_CSR_STATE);

	store_release(&vdev->mem_on, (cmd & PCI_COMMAND_MEM) && d0);
}

static void write_command(struct uiommu_vdev *vdev)
{
	uint32_t cmd = get_le(vdev->cfg.shadow + PCI_COMMAND, 2);

	uvfio_intx_set_off(vdev, cmd & PCI_COMMAND_INTX_OFF);
	uvfio_config_sync_mem(vdev);
}

/* A function in D3hot that loses its state there is reset on the way back. */
static void write_power(struct uiommu_vdev *vdev, uint8_t before)
{
	unsigned int csr = vdev->pci.pm + PCI_PM_CSR;
	uint8_t after = vdev->cfg.shadow[csr] & PCI_PM_CSR_STATE;

	if (before == 3 && !after &&
	    !(uvfio_hw_config_read(vdev, csr, 2) & PCI_PM_CSR_NO_SOFT_RESET))
		uvfio_reset_locked(vdev);
	uvfio_config_sync_mem(vdev);
}

/* Reset bits read as zero; they are in the shadow only to get here. */
static void write_flr(struct uiommu_vdev *vdev, unsigned int reg, uint8_t bit)
{
	if (!(vdev->cfg.shadow[reg] & bit))
		return;
	vdev->cfg.shadow[reg] &= (uint8_t)~bit;
	if (vdev->reset_works)
		uvfio_reset_locked(vdev);
}

/*
 * Write what reaches the device.  Halves that do not are left out, since
 * writing back what was read clears some registers (STATUS).
 */
static void write_hw(struct uiommu_vdev *vdev, unsigned int off,
		     unsigned int size, uint32_t val)
{
	const struct uvfio_config *cfg = &vdev->cfg;
	uint32_t mask = get_le(cfg->writable + off, size) &
			~get_le(cfg->virt + off, size);
	unsigned int half = size / 2;
	uint32_t low = (uint32_t)mask_lg2(8 * half);

	if (mask == mask_lg2(8 * size)) {
		uvfio_hw_config_write(vdev, off, size, val);
	} else if (half && (!(mask & low) || !(mask & ~low))) {
		write_hw(vdev, off, half, val & low);
		write_hw(vdev, off + half, half, val >> (8 * half));
	} else if (mask) {
		uvfio_hw_config_update(vdev, off, size, mask, val);
	}
}

void uvfio_config_write(struct uiommu_vdev *vdev, unsigned int off,
			unsigned int size, uint32_t val)
{
	struct uvfio_config *cfg = &vdev->cfg;
	const struct uvfio_pci *pci = &vdev->pci;
	uint32_t writable = get_le(cfg->writable + off, size);
	uint32_t shadow = get_le(cfg->shadow + off, size);
	uint8_t power = pci->pm ? cfg->shadow[pci->pm + PCI_PM_CSR] &
					  PCI_PM_CSR_STATE
				: 0;

	put_le(cfg->shadow + off, size,
	       (shadow & ~writable) | (val & writable));
	write_hw(vdev, off, size, val);

	if (touches(off, size, PCI_COMMAND, 2))
		write_command(vdev);
	if (pci->pm && touches(off, size, pci->pm + PCI_PM_CSR, 1))
		write_power(vdev, power);
	if (pci->exp && touches(off, size, pci->exp + PCI_EXP_DEVCTL + 1, 1))
		write_flr(vdev, pci->exp + PCI_EXP_DEVCTL + 1,
			  PCI_EXP_DEVCTL_FLR >> 8);
	if (pci->af && touches(off, size, pci->af + PCI_AF_CTRL, 1))
		write_flr(vdev, pci->af + PCI_AF_CTRL, PCI_AF_CTRL_FLR);
}
