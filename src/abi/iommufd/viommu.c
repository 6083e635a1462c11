/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual IOMMUs: what the kernel answers where no IOMMU driver has any.
 *
 * The arguments are checked in the kernel's order, up to the point where it
 * would ask the driver, or look up a vIOMMU that nobody can have made.
 */
#include "private.h"

#include "base/overflow.h"

#define VEVENTQ_DEPTH_MAX (1u << 19)

int ufd_viommu_alloc(struct ufd_call *call)
{
	const struct iommu_viommu_alloc *cmd = call->cmd;
	struct ufd_device *idev;

	if (cmd->flags || cmd->type == IOMMU_VIOMMU_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	idev = ufd_device_get(call->ctx, cmd->dev_id);
	if (!idev)
		return -ENOENT;
	ufd_object_put(&idev->obj);
	return -EOPNOTSUPP;
}

int ufd_vdevice_alloc(struct ufd_call *call)
{
	return -ENOENT;
}

int ufd_veventq_alloc(struct ufd_call *call)
{
	const struct iommu_veventq_alloc *cmd = call->cmd;

	if (cmd->flags || cmd->__reserved ||
	    cmd->type == IOMMU_VEVENTQ_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!cmd->veventq_depth || cmd->veventq_depth > VEVENTQ_DEPTH_MAX)
		return -EINVAL;
	return -ENOENT;
}

int ufd_hw_queue_alloc(struct ufd_call *call)
{
	const struct iommu_hw_queue_alloc *cmd = call->cmd;
	uint64_t last;

	if (cmd->flags || cmd->type == IOMMU_HW_QUEUE_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!cmd->length)
		return -EINVAL;
	if (last_overflows(cmd->nesting_parent_iova, cmd->length, &last))
		return -EOVERFLOW;
	return -ENOENT;
}
