/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msi_hw.c - the device's MSI and MSI-X registers, as the kernel's PCI code
 * handles them.
 *
 * A vector is open when it has an eventfd, else masked where the hardware can.
 * The table of MSI-X lies in a BAR: memory decoding is switched on for the
 * time of an access if the client has switched it off.
 */
#include "private.h"

/* Returns what COMMAND was. */
static uint32_t memory_on(struct uiommu_vdev *vdev)
{
	uint32_t command = uvfio_hw_config_read(vdev, PCI_COMMAND, 2);

	if (!(command & PCI_COMMAND_MEM))
		uvfio_hw_config_write(vdev, PCI_COMMAND, 2,
				      command | PCI_COMMAND_MEM);
	return command;
}

static void memory_restore(struct uiommu_vdev *vdev, uint32_t command)
{
	if (!(command & PCI_COMMAND_MEM))
		uvfio_hw_config_write(vdev, PCI_COMMAND, 2, command);
}

static bool is_msix(const struct uiommu_vdev *vdev)
{
	return vdev->irq.type == VFIO_PCI_MSIX_IRQ_INDEX;
}

/* --------------------------------------------------------------- MSI-X -- */

static void table_write(struct uiommu_vdev *vdev, unsigned int i,
			unsigned int reg, uint32_t val)
{
	vdev->ops->bar_write(vdev->ctx, vdev->pci.msix_bar,
			     vdev->pci.msix_table +
				     (uint64_t)i * PCI_MSIX_ENTRY_SIZE + reg,
			     4, val);
}

static void msix_mask(struct uiommu_vdev *vdev, unsigned int i)
{
	table_write(vdev, i, PCI_MSIX_ENTRY_CTRL, PCI_MSIX_ENTRY_MASKED);
}

static void msix_program(struct uiommu_vdev *vdev, unsigned int i)
{
	const struct uvfio_vector *vec = &vdev->irq.vec[i];

	msix_mask(vdev, i);
	table_write(vdev, i, 0, (uint32_t)vec->iova);
	table_write(vdev, i, 4, (uint32_t)(vec->iova >> 32));
	table_write(vdev, i, PCI_MSIX_ENTRY_DATA, vec->msg.data);
	if (vec->efd >= 0)
		table_write(vdev, i, PCI_MSIX_ENTRY_CTRL, 0);
}

static void msix_ctrl(struct uiommu_vdev *vdev, uint32_t mask, uint32_t val)
{
	uvfio_hw_config_update(vdev, vdev->pci.msix + PCI_MSIX_CTRL, 2, mask,
			       val);
}

static void msix_enable(struct uiommu_vdev *vdev)
{
	const uint32_t both = PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASK_ALL;
	uint32_t command = memory_on(vdev);

	msix_ctrl(vdev, both, both);
	for (unsigned int i = 0; i < vdev->irq.nr_vec; i++) {
		if (vdev->irq.vec[i].used)
			msix_program(vdev, i);
		else
			msix_mask(vdev, i);
	}
	msix_ctrl(vdev, PCI_MSIX_CTRL_MASK_ALL, 0);
	memory_restore(vdev, command);
}

/* ----------------------------------------------------------------- MSI -- */

static unsigned int msi_mask_reg(const struct uiommu_vdev *vdev)
{
	return vdev->pci.msi + (vdev->pci.msi_64 ? 16 : 12);
}

/* Vectors without an eventfd are masked. */
static void msi_write_mask(struct uiommu_vdev *vdev)
{
	uint32_t mask = 0;

	if (!vdev->pci.msi_mask)
		return;
	for (unsigned int i = 0; i < vdev->irq.nr_vec; i++)
		if (vdev->irq.vec[i].efd < 0)
			mask |= BIT32(i);
	uvfio_hw_config_write(vdev, msi_mask_reg(vdev), 4, mask);
}

static void msi_write_message(struct uiommu_vdev *vdev)
{
	const struct uvfio_vector *vec = &vdev->irq.vec[0];
	unsigned int at = vdev->pci.msi + PCI_MSI_ADDR;

	uvfio_hw_config_write(vdev, at, 4, (uint32_t)vec->iova);
	at += 4;
	if (vdev->pci.msi_64) {
		uvfio_hw_config_write(vdev, at, 4, (uint32_t)(vec->iova >> 32));
		at += 4;
	}
	uvfio_hw_config_write(vdev, at, 2, vec->msg.data & 0xffff);
}

static void msi_enable(struct uiommu_vdev *vdev)
{
	unsigned int ctrl = vdev->pci.msi + PCI_MSI_CTRL, nr = 0;

	while (nr < vdev->irq.nr_vec && vdev->irq.vec[nr].used)
		nr++;
	msi_write_message(vdev);
	msi_write_mask(vdev);
	uvfio_hw_config_update(
		vdev, ctrl, 2, PCI_MSI_CTRL_MME | PCI_MSI_CTRL_ENABLE,
		(uint32_t)FIELD_PREP(PCI_MSI_CTRL_MME, ilog2_u64(nr)) |
			PCI_MSI_CTRL_ENABLE);
}

/* ----------------------------------------------------------------- both - */

void uvfio_msi_hw_enable(struct uiommu_vdev *vdev)
{
	uvfio_hw_config_update(vdev, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF,
			       PCI_COMMAND_INTX_OFF);
	if (is_msix(vdev))
		msix_enable(vdev);
	else
		msi_enable(vdev);
}

void uvfio_msi_hw_disable(struct uiommu_vdev *vdev)
{
	if (is_msix(vdev))
		msix_ctrl(vdev, PCI_MSIX_CTRL_ENABLE, 0);
	else
		uvfio_hw_config_update(vdev, vdev->pci.msi + PCI_MSI_CTRL, 2,
				       PCI_MSI_CTRL_ENABLE, 0);
}

void uvfio_msi_hw_program(struct uiommu_vdev *vdev, unsigned int i)
{
	uint32_t command;

	if (!is_msix(vdev)) {
		msi_write_message(vdev);
		msi_write_mask(vdev);
		return;
	}
	command = memory_on(vdev);
	msix_program(vdev, i);
	memory_restore(vdev, command);
}

void uvfio_msi_hw_mask(struct uiommu_vdev *vdev, unsigned int i)
{
	uint32_t command;

	if (!is_msix(vdev)) {
		msi_write_mask(vdev);
		return;
	}
	command = memory_on(vdev);
	msix_mask(vdev, i);
	memory_restore(vdev, command);
}

void uvfio_msi_restore(struct uiommu_vdev *vdev)
{
	if (vdev->irq.type == VFIO_PCI_MSI_IRQ_INDEX ||
	    vdev->irq.type == VFIO_PCI_MSIX_IRQ_INDEX)
		uvfio_msi_hw_enable(vdev);
}
