/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdev.c - /dev/vfio/devices/vfio<n>: a device by itself, for iommufd.
 *
 * The file does nothing until BIND has tied it to an iommufd; that is for
 * good, until the file goes.  ATTACH, while attached, replaces.
 */
#include "private.h"

int uvfio_cdev_open(struct uiommu_vdev *vdev, struct abi_file **out)
{
	struct uvfio_device_file *df;
	int rc = uvfio_device_file_new(vdev, NULL, &df);

	if (!rc)
		*out = &df->file;
	return rc;
}

/* --------------------------------------------------------------- bind --- */

static int copy_bind(struct uiommu_abi *abi, unsigned long arg,
		     struct vfio_device_bind_iommufd *bind)
{
	const uint32_t min =
		offsetof(struct vfio_device_bind_iommufd, token_uuid_ptr);
	uint32_t argsz;
	int rc;

	if (abi_copy_from(abi, &argsz, arg, sizeof(argsz)))
		return -EFAULT;
	if (argsz < min)
		return -EINVAL;
	rc = abi_copy_struct_from(abi, bind, sizeof(*bind), arg, argsz);
	if (rc)
		return rc;
	if ((bind->flags & ~(uint32_t)VFIO_DEVICE_BIND_FLAG_TOKEN) ||
	    bind->iommufd < 0)
		return -EINVAL;
	return 0;
}

/* No function here has SR-IOV: a token is refused, after it was read. */
static int check_token(struct uiommu_abi *abi,
		       const struct vfio_device_bind_iommufd *bind)
{
	uint8_t uuid[16];

	if (!(bind->flags & VFIO_DEVICE_BIND_FLAG_TOKEN))
		return 0;
	if (abi_copy_from(abi, uuid, bind->token_uuid_ptr, sizeof(uuid)))
		return -EFAULT;
	return -EINVAL;
}

/* Caller holds the group's lock. */
static int bind_locked(struct uvfio_device_file *df, struct abi_file *iommufd)
{
	struct uiommu_vdev *vdev = df->vdev;
	int rc;

	rc = ufd_device_bind(iommufd, vdev->dev, &vdev->idev, &vdev->devid);
	if (rc)
		return rc;
	rc = uvfio_vdev_enable(vdev);
	if (rc) {
		ufd_device_unbind(vdev->idev);
		vdev->idev = NULL;
		return rc;
	}
	vdev->iommufd = iommufd;
	vdev->open_count = 1;
	vdev->cdev = true;
	vdev->group->nr_cdev++;
	return 0;
}

/* Caller holds the group's lock and the file's. */
static void unbind_locked(struct uiommu_vdev *vdev)
{
	uvfio_vdev_disable(vdev);
	ufd_device_unbind(vdev->idev);
	vdev->idev = NULL;
	vdev->iommufd = NULL;
	vdev->open_count = 0;
	vdev->cdev = false;
	vdev->group->nr_cdev--;
}

/* The iommufd behind the client's descriptor, counted. */
static int get_iommufd(struct uiommu_abi *abi, int fd, struct abi_file **out)
{
	struct abi_file *file = abi_fd_get(abi, fd);

	if (!file)
		return uvfio_foreign_fd(fd, EBADFD);
	if (!ufd_ctx_of(file)) {
		abi_file_put(file);
		return -EBADFD;
	}
	*out = file;
	return 0;
}

/* Caller holds the file's lock. */
static int do_bind(struct uvfio_device_file *df, unsigned long arg,
		   const struct vfio_device_bind_iommufd *bind)
{
	struct uiommu_abi *abi = df->file.abi;
	struct uiommu_vdev *vdev = df->vdev;
	struct uvfio_group *group = vdev->group;
	struct abi_file *iommufd = NULL;
	int rc;

	pthread_mutex_lock(&group->lock);
	rc = -EBUSY;
	if (group->opened)
		goto out_unlock;
	rc = -EINVAL;
	if (df->granted || vdev->open_count)
		goto out_unlock;
	rc = check_token(abi, bind);
	if (!rc)
		rc = get_iommufd(abi, bind->iommufd, &iommufd);
	if (rc)
		goto out_unlock;
	rc = bind_locked(df, iommufd);
	if (rc)
		goto out_unlock;
	rc = abi_copy_to(
		abi, arg + offsetof(struct vfio_device_bind_iommufd, out_devid),
		&vdev->devid, sizeof(vdev->devid));
	if (rc)
		unbind_locked(vdev);
	else
		uvfio_device_file_grant(df);
out_unlock:
	pthread_mutex_unlock(&group->lock);
	if (iommufd)
		abi_file_put(iommufd);
	return rc;
}

long uvfio_cdev_bind(struct uvfio_device_file *df, unsigned long arg)
{
	struct vfio_device_bind_iommufd bind;
	int rc = copy_bind(df->file.abi, arg, &bind);

	if (rc)
		return rc;
	if (df->group_file)
		return -EINVAL;
	pthread_mutex_lock(&df->lock);
	rc = do_bind(df, arg, &bind);
	pthread_mutex_unlock(&df->lock);
	return rc;
}

void uvfio_cdev_release(struct uvfio_device_file *df)
{
	struct uvfio_group *group = df->vdev->group;

	if (!load_acquire(&df->granted))
		return;
	pthread_mutex_lock(&group->lock);
	unbind_locked(df->vdev);
	pthread_mutex_unlock(&group->lock);
}

/* ------------------------------------------------------------- attach --- */

/* The interrupts of the whole group must be reachable in its new domain. */
static void remap_group(struct uvfio_group *group)
{
	struct uiommu_vdev *vdev;

	pthread_mutex_lock(&group->lock);
	list_for_each(vdev, &group->devices, group_node)
		uvfio_msi_remap(vdev);
	pthread_mutex_unlock(&group->lock);
}

/*
 * Caller holds the file's lock.  Accesses without PASID, for which a client may
 * also say PASID 0; what it attached under one name it replaces and detaches
 * under that name only, as in the kernel: hence two marks.
 */
static int attach_or_replace(struct uvfio_device_file *df, bool *mark,
			     uint32_t *pt)
{
	struct ufd_device *idev = df->vdev->idev;
	int rc;

	rc = *mark ? ufd_device_replace(idev, pt) : ufd_device_attach(idev, pt);
	if (!rc)
		*mark = true;
	return rc;
}

static int detach_marked(struct uvfio_device_file *df, bool *mark)
{
	int rc = *mark ? ufd_device_detach(df->vdev->idev) : 0;

	if (!rc)
		*mark = false;
	return rc;
}

/* Caller holds the file's lock. */
static int attach_pasid(struct uvfio_device_file *df, uint32_t pasid,
			uint32_t *pt)
{
	struct ufd_device *idev = df->vdev->idev;

	if (!pasid)
		return attach_or_replace(df, &df->attached_as_0, pt);
	if (ufd_device_has_pasid(idev, pasid))
		return ufd_device_pasid_replace(idev, pasid, pt);
	/* More than the kernel can keep account of. */
	if (pasid > INT32_MAX)
		return -ENOSPC;
	return ufd_device_pasid_attach(idev, pasid, pt);
}

#define PT_ID_OFF offsetof(struct vfio_device_attach_iommufd_pt, pt_id)

/* The structure; its PASID, which is last, only if `flag` says so. */
static int copy_pt(struct uiommu_abi *abi, void *req, uint32_t size,
		   uint32_t pasid_off, uint32_t flag, unsigned long arg)
{
	const uint32_t *head = req; /* argsz, flags */

	if (abi_copy_from(abi, req, arg, pasid_off))
		return -EFAULT;
	if (head[0] < pasid_off || head[1] & ~flag)
		return -EINVAL;
	if (!(head[1] & flag))
		return 0;
	if (head[0] < size)
		return -EINVAL;
	return abi_copy_from(abi, (char *)req + pasid_off, arg + pasid_off,
			     size - pasid_off);
}

long uvfio_cdev_attach(struct uvfio_device_file *df, unsigned long arg)
{
	struct vfio_device_attach_iommufd_pt req = { 0 };
	struct uiommu_abi *abi = df->file.abi;
	int rc;

	rc = copy_pt(abi, &req, sizeof(req), offsetof(__typeof__(req), pasid),
		     VFIO_DEVICE_ATTACH_PASID, arg);
	if (rc)
		return rc;
	pthread_mutex_lock(&df->lock);
	rc = req.flags ? attach_pasid(df, req.pasid, &req.pt_id)
		       : attach_or_replace(df, &df->attached, &req.pt_id);
	if (rc)
		goto out_unlock;
	rc = abi_copy_to(abi, arg + PT_ID_OFF, &req.pt_id, sizeof(req.pt_id));
	if (rc) {
		/*
		 * The kernel detaches here, also what was replaced, and what it
		 * detaches is never a PASID, whatever was attached.
		 */
		(void)detach_marked(df, &df->attached);
	} else if (!req.pasid) {
		remap_group(df->vdev->group);
	}
out_unlock:
	pthread_mutex_unlock(&df->lock);
	return rc;
}

long uvfio_cdev_detach(struct uvfio_device_file *df, unsigned long arg)
{
	struct vfio_device_detach_iommufd_pt req = { 0 };
	int rc;

	rc = copy_pt(df->file.abi, &req, sizeof(req),
		     offsetof(__typeof__(req), pasid), VFIO_DEVICE_DETACH_PASID,
		     arg);
	if (rc)
		return rc;
	pthread_mutex_lock(&df->lock);
	if (req.pasid)
		ufd_device_pasid_detach(df->vdev->idev, req.pasid);
	else
		rc = detach_marked(df, req.flags ? &df->attached_as_0
						 : &df->attached);
	pthread_mutex_unlock(&df->lock);
	return rc;
}
