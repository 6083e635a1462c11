/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOMMU_GET_HW_INFO: what the IOMMU of a bound device says of itself.
 *
 * The driver fills in the kernel's structure for its kind of hardware; here it
 * is cut or zero-filled to what the caller has room for.  Capabilities speak of
 * what the device and its IOMMU can do together.
 */
#include "private.h"

#include <uiommu/env.h>

/* Larger than any structure of uapi/iommufd.h. */
#define INFO_MAX 256u

static int clear_user(struct uiommu_abi *abi, uint64_t uva, uint64_t len)
{
	static const uint8_t zero[4096];
	uint64_t n;
	int rc;

	for (; len; uva += n, len -= n) {
		n = min_u64(len, sizeof(zero));
		rc = abi_copy_to(abi, uva, zero, n);
		if (rc)
			return rc;
	}
	return 0;
}

static int write_info(struct ufd_call *call, const void *info, uint32_t len)
{
	const struct iommu_hw_info *cmd = call->cmd;
	uint32_t n = len < cmd->data_len ? len : cmd->data_len;
	int rc;

	rc = abi_copy_to(call->abi, cmd->data_uptr, info, n);
	if (rc)
		return rc;
	return clear_user(call->abi, cmd->data_uptr + n, cmd->data_len - n);
}

static void capabilities(struct iommu_hw_info *cmd,
			 const struct ufd_device *idev)
{
	struct uiommu_device_features features;
	struct uiommu_unit_caps caps;

	uiommu_device_features(idev->dev, &features);
	uiommu_device_caps(idev->dev, &caps);
	cmd->out_max_pasid_log2 = features.pasid_bits;
	cmd->out_capabilities =
		(caps.dirty_tracking ? IOMMU_HW_CAP_DIRTY_TRACKING : 0) |
		(features.pasid_exec ? IOMMU_HW_CAP_PCI_PASID_EXEC : 0) |
		(features.pasid_priv ? IOMMU_HW_CAP_PCI_PASID_PRIV : 0) |
		(features.ats ? 0 : IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED);
}

static int describe(struct ufd_call *call, struct ufd_device *idev)
{
	struct uiommu_unit *unit = uiommu_device_unit(idev->dev);
	struct iommu_hw_info *cmd = call->cmd;
	uint32_t type = IOMMU_HW_INFO_TYPE_NONE;
	uint64_t info[INFO_MAX / 8] = { 0 };
	size_t len = 0;
	int rc;

	if (unit->ops->hw_info) {
		len = unit->ops->hw_info(unit, &type, info, sizeof(info));
		UIOMMU_ASSERT(len <= sizeof(info));
		if (cmd->in_data_type != IOMMU_HW_INFO_TYPE_DEFAULT &&
		    cmd->in_data_type != type)
			return -EOPNOTSUPP;
	}
	rc = write_info(call, info, (uint32_t)len);
	if (rc)
		return rc;
	cmd->out_data_type = type;
	cmd->data_len = (uint32_t)len;
	capabilities(cmd, idev);
	return ufd_respond(call);
}

int ufd_hw_info(struct ufd_call *call)
{
	struct iommu_hw_info *cmd = call->cmd;
	struct ufd_device *idev;
	int rc;

	if (cmd->flags & ~(uint32_t)IOMMU_HW_INFO_FLAG_INPUT_TYPE)
		return -EOPNOTSUPP;
	if (cmd->__reserved[0] || cmd->__reserved[1] || cmd->__reserved[2])
		return -EOPNOTSUPP;
	if (!(cmd->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE))
		cmd->in_data_type = IOMMU_HW_INFO_TYPE_DEFAULT;
	idev = ufd_device_get(call->ctx, cmd->dev_id);
	if (!idev)
		return -ENOENT;
	rc = describe(call, idev);
	ufd_object_put(&idev->obj);
	return rc;
}
