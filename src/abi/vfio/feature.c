/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * feature.c - VFIO_DEVICE_FEATURE.
 *
 * The call is complete, the table is empty: no feature of Linux 7.3 applies to
 * the devices there are (no SR-IOV, no migration, no runtime power management),
 * so asking for any is answered ENOTTY, which clients take as "has not".
 */
#include "private.h"

#define FEATURE_FLAGS                                         \
	(VFIO_DEVICE_FEATURE_MASK | VFIO_DEVICE_FEATURE_GET | \
	 VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE)

long uvfio_feature(struct uiommu_vdev *vdev, unsigned long arg)
{
	const uint32_t both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	struct vfio_device_feature feature;

	if (abi_copy_from(vdev->vfio->abi, &feature, arg, sizeof(feature)))
		return -EFAULT;
	if (feature.argsz < sizeof(feature))
		return -EINVAL;
	if (feature.flags & ~(uint32_t)FEATURE_FLAGS)
		return -EINVAL;
	if (!(feature.flags & VFIO_DEVICE_FEATURE_PROBE) &&
	    (feature.flags & both) == both)
		return -EINVAL;
	return -ENOTTY;
}
