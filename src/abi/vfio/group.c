/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group.c - /dev/vfio/<group>: the legacy way to devices.
 *
 * One opener at a time.  The group is put into a container, or an iommufd that
 * plays one, and hands out device files.  Every device file keeps the group's
 * file, so the group leaves its container only after them.
 */
#include <fcntl.h>
#include <string.h>

#include "private.h"

struct group_file {
	struct abi_file file;
	struct uvfio_group *group;
};

/* --------------------------------------------------------- container ---- */

static long get_status(struct uvfio_group *group, struct uiommu_abi *abi,
		       unsigned long arg)
{
	struct vfio_group_status status;

	if (abi_copy_from(abi, &status, arg, sizeof(status)))
		return -EFAULT;
	if (status.argsz < sizeof(status))
		return -EINVAL;
	status.flags = 0;
	pthread_mutex_lock(&group->lock);
	if (group->container || group->iommufd)
		status.flags = VFIO_GROUP_FLAGS_CONTAINER_SET |
			       VFIO_GROUP_FLAGS_VIABLE;
	else if (!uiommu_group_owned(group->core))
		status.flags = VFIO_GROUP_FLAGS_VIABLE;
	pthread_mutex_unlock(&group->lock);
	return abi_copy_to(abi, arg, &status, sizeof(status));
}

/* Caller holds the group's lock; keeps `file` on success. */
static long join(struct uvfio_group *group, struct abi_file *file)
{
	struct uvfio_container *container = uvfio_container_of(file);
	struct ufd_ctx *ctx = ufd_ctx_of(file);
	uint32_t ioas;
	long rc;

	if (group->container || group->iommufd)
		return -EINVAL;
	if (container) {
		rc = uvfio_container_add(container, group);
		if (!rc)
			group->container = container;
		return rc;
	}
	if (!ctx)
		return -EBADFD;
	rc = ufd_compat_ioas_id(ctx, true, &ioas);
	if (!rc)
		group->iommufd = file;
	return rc;
}

static long set_container(struct uvfio_group *group, struct uiommu_abi *abi,
			  unsigned long arg)
{
	struct abi_file *file;
	int32_t fd;
	long rc;

	if (abi_copy_from(abi, &fd, arg, sizeof(fd)))
		return -EFAULT;
	file = abi_fd_get(abi, fd);
	if (!file && uvfio_foreign_fd(fd, EBADFD) == -EBADF)
		return -EBADF;
	pthread_mutex_lock(&group->lock);
	if (file)
		rc = join(group, file);
	else
		rc = group->container || group->iommufd ? -EINVAL : -EBADFD;
	pthread_mutex_unlock(&group->lock);
	if (rc && file)
		abi_file_put(file);
	return rc;
}

/* Caller holds the group's lock and puts the file returned, if any. */
static struct abi_file *leave(struct uvfio_group *group)
{
	struct abi_file *file = group->iommufd;

	if (group->container) {
		uvfio_container_remove(group->container, group);
		file = uvfio_container_file(group->container);
	}
	group->container = NULL;
	group->iommufd = NULL;
	return file;
}

static long unset_container(struct uvfio_group *group)
{
	struct abi_file *file = NULL;
	long rc = 0;

	pthread_mutex_lock(&group->lock);
	if (!group->container && !group->iommufd)
		rc = -EINVAL;
	else if (group->nr_open)
		rc = -EBUSY;
	else
		file = leave(group);
	pthread_mutex_unlock(&group->lock);
	if (file)
		abi_file_put(file);
	return rc;
}

/* ---------------------------------------------------- device files ------ */

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" */
static bool is_uuid(const char *s)
{
	for (unsigned int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-'
			 : !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
		if (!s[i])
			return false;
	}
	return !s[36];
}

/*
 * "BDF" or "BDF vf_token=UUID"; cuts the name off.  A token is of use only to
 * functions with SR-IOV, of which there are none, so giving one is a mistake
 * like any other option.
 */
static int parse_options(const char *options)
{
	static const char token[] = "vf_token=";

	while (*options == ' ')
		options++;
	if (!*options)
		return 0;
	if (strncmp(options, token, sizeof(token) - 1) ||
	    !is_uuid(options + sizeof(token) - 1))
		return -EINVAL;
	return -EINVAL;
}

static struct uiommu_vdev *find_member(struct uvfio_group *group,
				       const char *bdf)
{
	struct uiommu_vdev *vdev = uvfio_vdev_find(group->vfio, bdf);

	return vdev && vdev->group == group ? vdev : NULL;
}

/* Caller holds the group's lock: join the iommufd's compatibility IOAS. */
static int bind_compat(struct uvfio_group *group, struct uiommu_vdev *vdev)
{
	uint32_t pt;
	int rc;

	rc = ufd_device_bind(group->iommufd, vdev->dev, &vdev->idev,
			     &vdev->devid);
	if (rc)
		return rc;
	rc = ufd_compat_ioas_id(ufd_ctx_of(group->iommufd), false, &pt);
	if (!rc)
		rc = ufd_device_attach(vdev->idev, &pt);
	if (rc) {
		ufd_device_unbind(vdev->idev);
		vdev->idev = NULL;
		return rc;
	}
	vdev->iommufd = group->iommufd;
	return 0;
}

static void unbind_compat(struct uiommu_vdev *vdev)
{
	if (!vdev->idev)
		return;
	ufd_device_unbind(vdev->idev);
	vdev->idev = NULL;
	vdev->iommufd = NULL;
}

/* Caller holds the group's lock. */
static int open_device(struct uvfio_group *group, struct uiommu_vdev *vdev)
{
	int rc = 0;

	if (!group->container && !group->iommufd)
		return -EINVAL;
	if (group->container && !uvfio_container_ready(group->container))
		return -EINVAL;
	if (!vdev->open_count) {
		if (group->iommufd)
			rc = bind_compat(group, vdev);
		if (rc)
			return rc;
		rc = uvfio_vdev_enable(vdev);
		if (rc) {
			unbind_compat(vdev);
			return rc;
		}
	}
	vdev->open_count++;
	group->nr_open++;
	return 0;
}

void uvfio_group_device_release(struct uvfio_device_file *df)
{
	struct uiommu_vdev *vdev = df->vdev;
	struct uvfio_group *group = vdev->group;

	if (load_acquire(&df->granted)) {
		pthread_mutex_lock(&group->lock);
		if (!--vdev->open_count) {
			uvfio_vdev_disable(vdev);
			unbind_compat(vdev);
		}
		group->nr_open--;
		pthread_mutex_unlock(&group->lock);
	}
	abi_file_put(df->group_file);
}

static long get_device_fd(struct group_file *gf, unsigned long arg)
{
	struct uvfio_group *group = gf->group;
	struct uiommu_abi *abi = gf->file.abi;
	struct uvfio_device_file *df;
	struct uiommu_vdev *vdev;
	char name[4096], *space;
	int rc;

	rc = abi_copy_string(abi, name, sizeof(name), arg);
	if (rc)
		return rc == -EFAULT ? rc : -EINVAL;
	space = strchr(name, ' ');
	if (space)
		*space = '\0';
	vdev = find_member(group, name);
	if (!vdev)
		return -ENODEV;
	if (space && parse_options(space + 1))
		return -EINVAL;
	rc = uvfio_device_file_new(vdev, &gf->file, &df);
	if (rc)
		return rc;
	pthread_mutex_lock(&group->lock);
	rc = open_device(group, vdev);
	if (!rc)
		uvfio_device_file_grant(df);
	pthread_mutex_unlock(&group->lock);
	if (!rc)
		rc = abi_fd_install(abi, &df->file, "anon_inode:[vfio-device]",
				    O_RDWR | O_CLOEXEC);
	if (rc < 0)
		abi_file_put(&df->file);
	return rc;
}

/* --------------------------------------------------------------- file --- */

static void group_release(struct abi_file *file)
{
	struct group_file *gf = container_of(file, struct group_file, file);
	struct uvfio_group *group = gf->group;
	struct abi_file *joined;

	pthread_mutex_lock(&group->lock);
	joined = leave(group);
	group->opened = false;
	pthread_mutex_unlock(&group->lock);
	if (joined)
		abi_file_put(joined);
	abi_free(group->vfio->abi, gf);
}

static long group_ioctl(struct abi_file *file, unsigned int cmd,
			unsigned long arg)
{
	struct group_file *gf = container_of(file, struct group_file, file);

	switch (cmd) {
	case VFIO_GROUP_GET_STATUS:
		return get_status(gf->group, file->abi, arg);
	case VFIO_GROUP_SET_CONTAINER:
		return set_container(gf->group, file->abi, arg);
	case VFIO_GROUP_UNSET_CONTAINER:
		return unset_container(gf->group);
	case VFIO_GROUP_GET_DEVICE_FD:
		return get_device_fd(gf, arg);
	default:
		return -ENOTTY;
	}
}

static const struct abi_file_ops group_ops = {
	.name = "vfio-group",
	.ioctl = group_ioctl,
	.release = group_release,
};

struct uvfio_group *uvfio_group_of(struct abi_file *file)
{
	if (file->ops != &group_ops)
		return NULL;
	return container_of(file, struct group_file, file)->group;
}

int uvfio_group_open(struct uvfio_group *group, struct abi_file **out)
{
	struct group_file *gf = abi_alloc(group->vfio->abi, sizeof(*gf));
	int rc = 0;

	if (!gf)
		return -ENOMEM;
	abi_file_init(&gf->file, group->vfio->abi, &group_ops);
	gf->group = group;
	pthread_mutex_lock(&group->lock);
	if (group->opened || group->nr_cdev)
		rc = -EBUSY;
	else
		group->opened = true;
	pthread_mutex_unlock(&group->lock);
	if (rc) {
		abi_free(group->vfio->abi, gf);
		return rc;
	}
	*out = &gf->file;
	return 0;
}
