/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c - device files: the gate before BIND, the table of ioctls, and the
 * way from file operations to regions.
 *
 * A file that came through a group is granted from birth, one of the cdev by
 * BIND; until then everything else is EINVAL.
 */
#include "private.h"

static long get_info(struct uiommu_vdev *vdev, unsigned long arg)
{
	const uint32_t min = offsetof(struct vfio_device_info, cap_offset);
	struct uiommu_abi *abi = vdev->vfio->abi;
	struct vfio_device_info info = { 0 };

	if (abi_copy_from(abi, &info, arg, min))
		return -EFAULT;
	if (info.argsz < min)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI;
	pthread_mutex_lock(&vdev->lock);
	if (vdev->reset_works)
		info.flags |= VFIO_DEVICE_FLAGS_RESET;
	pthread_mutex_unlock(&vdev->lock);
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return abi_copy_to(abi, arg, &info, min_u64(info.argsz, sizeof(info)));
}

static long granted_ioctl(struct uvfio_device_file *df, unsigned int cmd,
			  unsigned long arg)
{
	struct uiommu_vdev *vdev = df->vdev;

	switch (cmd) {
	case VFIO_DEVICE_ATTACH_IOMMUFD_PT:
		return df->group_file ? -ENOTTY : uvfio_cdev_attach(df, arg);
	case VFIO_DEVICE_DETACH_IOMMUFD_PT:
		return df->group_file ? -ENOTTY : uvfio_cdev_detach(df, arg);
	case VFIO_DEVICE_GET_INFO:
		return get_info(vdev, arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return uvfio_region_info(vdev, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return uvfio_irq_info(vdev, arg);
	case VFIO_DEVICE_SET_IRQS:
		return uvfio_set_irqs(vdev, arg);
	case VFIO_DEVICE_RESET:
		return uvfio_reset(vdev);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return uvfio_hot_reset_info(df, arg);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return uvfio_hot_reset(df, arg);
	case VFIO_DEVICE_FEATURE:
		return uvfio_feature(vdev, arg);
	default:
		return -ENOTTY;
	}
}

static long device_ioctl(struct abi_file *file, unsigned int cmd,
			 unsigned long arg)
{
	struct uvfio_device_file *df = uvfio_device_file(file);

	if (cmd == VFIO_DEVICE_BIND_IOMMUFD)
		return uvfio_cdev_bind(df, arg);
	if (!load_acquire(&df->granted))
		return -EINVAL;
	return granted_ioctl(df, cmd, arg);
}

static ssize_t device_pread(struct abi_file *file, uint64_t uva, size_t len,
			    uint64_t off)
{
	struct uvfio_device_file *df = uvfio_device_file(file);

	if (!load_acquire(&df->granted))
		return -EINVAL;
	return uvfio_region_read(df->vdev, uva, len, off);
}

static ssize_t device_pwrite(struct abi_file *file, uint64_t uva, size_t len,
			     uint64_t off)
{
	struct uvfio_device_file *df = uvfio_device_file(file);

	if (!load_acquire(&df->granted))
		return -EINVAL;
	return uvfio_region_write(df->vdev, uva, len, off);
}

static int device_mmap(struct abi_file *file, size_t len, int prot, int flags,
		       uint64_t off, struct uiommu_map **out)
{
	struct uvfio_device_file *df = uvfio_device_file(file);

	if (!load_acquire(&df->granted))
		return -EINVAL;
	return uvfio_map_new(df, len, prot, flags, off, out);
}

static void device_release(struct abi_file *file)
{
	struct uvfio_device_file *df = uvfio_device_file(file);

	if (df->group_file)
		uvfio_group_device_release(df);
	else
		uvfio_cdev_release(df);
	pthread_mutex_destroy(&df->lock);
	abi_free(file->abi, df);
}

static const struct abi_file_ops device_ops = {
	.name = "vfio-device",
	.ioctl = device_ioctl,
	.pread = device_pread,
	.pwrite = device_pwrite,
	.mmap = device_mmap,
	.release = device_release,
};

int uvfio_device_file_new(struct uiommu_vdev *vdev, struct abi_file *group_file,
			  struct uvfio_device_file **out)
{
	struct uiommu_abi *abi = vdev->vfio->abi;
	struct uvfio_device_file *df = abi_alloc(abi, sizeof(*df));

	if (!df)
		return -ENOMEM;
	abi_file_init(&df->file, abi, &device_ops);
	df->vdev = vdev;
	if (group_file)
		df->group_file = abi_file_get(group_file);
	pthread_mutex_init(&df->lock, NULL);
	*out = df;
	return 0;
}

void uvfio_device_file_grant(struct uvfio_device_file *df)
{
	store_release(&df->granted, true);
}
