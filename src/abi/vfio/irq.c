/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c - GET_IRQ_INFO, and the checks and dispatch of SET_IRQS.
 *
 * INTx, MSI and MSI-X exclude each other; ERR and REQ are single eventfds
 * beside them.  What is checked here is common to all: sizes, ranges, one kind
 * of data, one action, and whether the index knows the action.
 */
#include "private.h"

unsigned int uvfio_irq_count(const struct uiommu_vdev *vdev, unsigned int index)
{
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return vdev->pci.pin ? 1 : 0;
	case VFIO_PCI_MSI_IRQ_INDEX:
		return vdev->pci.nr_msi;
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return vdev->pci.nr_msix;
	default:
		return 1;
	}
}

static uint32_t index_flags(unsigned int index)
{
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
		       VFIO_IRQ_INFO_AUTOMASKED;
	case VFIO_PCI_MSIX_IRQ_INDEX:
		/* Vectors may be added while others are in use. */
		return VFIO_IRQ_INFO_EVENTFD;
	default:
		return VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
	}
}

long uvfio_irq_info(struct uiommu_vdev *vdev, unsigned long arg)
{
	struct uiommu_abi *abi = vdev->vfio->abi;
	struct vfio_irq_info info;

	if (abi_copy_from(abi, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.flags = index_flags(info.index);
	info.count = uvfio_irq_count(vdev, info.index);
	return abi_copy_to(abi, arg, &info, sizeof(info));
}

/* -------------------------------------------------------- ERR and REQ --- */

static int single_eventfd(int *slot, int32_t fd)
{
	int efd = -1, rc;

	if (fd < -1)
		return -EINVAL;
	if (fd >= 0) {
		rc = uvfio_eventfd_get(fd, &efd);
		if (rc)
			return rc;
	}
	uvfio_eventfd_put(*slot);
	*slot = efd;
	return 0;
}

static int single_trigger(struct uiommu_vdev *vdev,
			  const struct uvfio_irq_req *req)
{
	int *slot = &vdev->irq.single[req->index - VFIO_PCI_ERR_IRQ_INDEX];

	switch (req->data_type) {
	case VFIO_IRQ_SET_DATA_NONE:
		if (*slot < 0)
			return -EINVAL;
		if (req->count)
			uvfio_eventfd_signal(*slot);
		else
			single_eventfd(slot, -1);
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		if (!req->count)
			return -EINVAL;
		if (req->bools[0] && *slot >= 0)
			uvfio_eventfd_signal(*slot);
		return 0;
	default:
		return req->count ? single_eventfd(slot, req->fds[0]) : -EINVAL;
	}
}

void uvfio_irq_disable_all(struct uiommu_vdev *vdev)
{
	if (vdev->irq.type == VFIO_PCI_INTX_IRQ_INDEX)
		uvfio_intx_disable(vdev);
	else if (vdev->irq.type != UVFIO_IRQ_NONE)
		uvfio_msi_disable(vdev);
	single_eventfd(&vdev->irq.single[0], -1);
	single_eventfd(&vdev->irq.single[1], -1);
}

/* ----------------------------------------------------------- dispatch --- */

typedef int (*irq_action)(struct uiommu_vdev *vdev,
			  const struct uvfio_irq_req *req);

static irq_action find_action(unsigned int index, uint32_t action)
{
	if (index == VFIO_PCI_INTX_IRQ_INDEX) {
		if (action == VFIO_IRQ_SET_ACTION_MASK)
			return uvfio_intx_mask;
		if (action == VFIO_IRQ_SET_ACTION_UNMASK)
			return uvfio_intx_unmask;
	}
	if (action != VFIO_IRQ_SET_ACTION_TRIGGER)
		return NULL;
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return uvfio_intx_trigger;
	case VFIO_PCI_MSI_IRQ_INDEX:
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return uvfio_msi_trigger;
	default:
		return single_trigger;
	}
}

/* Bytes per entry, or -EINVAL for none or more than one kind. */
static int entry_size(uint32_t data_type)
{
	switch (data_type) {
	case VFIO_IRQ_SET_DATA_NONE:
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		return 1;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return sizeof(int32_t);
	default:
		return -EINVAL;
	}
}

/* The size of the data, or an error. */
static int check_set(const struct uiommu_vdev *vdev,
		     const struct vfio_irq_set *set)
{
	const uint32_t known = VFIO_IRQ_SET_DATA_TYPE_MASK |
			       VFIO_IRQ_SET_ACTION_TYPE_MASK;
	unsigned int nr;
	int size;

	if (set->argsz < sizeof(*set) || set->index >= VFIO_PCI_NUM_IRQS ||
	    set->count >= UINT32_MAX - set->start || (set->flags & ~known))
		return -EINVAL;
	nr = uvfio_irq_count(vdev, set->index);
	if (set->start >= nr || set->start + set->count > nr)
		return -EINVAL;
	size = entry_size(set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK);
	if (size < 0)
		return size;
	size *= (int)set->count;
	return set->argsz - sizeof(*set) < (size_t)size ? -EINVAL : size;
}

long uvfio_set_irqs(struct uiommu_vdev *vdev, unsigned long arg)
{
	struct uiommu_abi *abi = vdev->vfio->abi;
	struct vfio_irq_set set;
	struct uvfio_irq_req req;
	irq_action action;
	void *data = NULL;
	int size, rc;

	if (abi_copy_from(abi, &set, arg, sizeof(set)))
		return -EFAULT;
	size = check_set(vdev, &set);
	if (size < 0)
		return size;
	if (size) {
		data = abi_alloc(abi, (size_t)size);
		if (!data)
			return -ENOMEM;
		rc = -EFAULT;
		if (abi_copy_from(abi, data, arg + sizeof(set), (size_t)size))
			goto out_free;
	}
	req = (struct uvfio_irq_req){
		.index = set.index,
		.start = set.start,
		.count = set.count,
		.data_type = set.flags & VFIO_IRQ_SET_DATA_TYPE_MASK,
		.bools = data,
		.fds = data,
	};
	action = find_action(set.index,
			     set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK);
	rc = -ENOTTY;
	if (action) {
		pthread_mutex_lock(&vdev->lock);
		rc = action(vdev, &req);
		pthread_mutex_unlock(&vdev->lock);
	}
out_free:
	abi_free(abi, data);
	return rc;
}
