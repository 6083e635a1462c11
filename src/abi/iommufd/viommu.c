/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual IOMMUs, and the devices that their guests know.
 *
 * A vIOMMU is a guest's part of the unit that a device is behind, above a page
 * table that was made a parent; the device is asked for it and may go.
 *
 * A vdevice stays with its device.  Whoever destroys either may come first: the
 * client's DESTROY frees the id as any; when the device is unbound it takes the
 * vdevice along, whose id nobody is given again, so that a client who does not know
 * of that cannot destroy something else by it.  Who of the two it is is decided by
 * who takes the vdevice out of the table.
 */
#include "guest.h"

#include <uiommu/env.h>

struct ufd_viommu *ufd_viommu_get(struct ufd_ctx *ctx, uint32_t id)
{
	return (struct ufd_viommu *)ufd_object_get(ctx, id, UFD_VIOMMU);
}

/* -------------------------------------------------------------- vIOMMUs -- */

static int create(struct ufd_call *call, struct ufd_device *idev,
		  struct ufd_viommu *viommu)
{
	const struct iommu_viommu_alloc *cmd = call->cmd;
	struct uiommu_user_mem mem;
	const struct uiommu_user_data data = {
		.mem = &mem,
		.type = cmd->type,
		.len = cmd->data_len,
		.at = cmd->data_uptr,
	};
	const struct uiommu_viommu_args args = {
		.type = cmd->type,
		.data = cmd->data_len ? &data : NULL,
		.add_window = ufd_window_add,
		.ctx = viommu,
	};

	ufd_user_mem(call->abi, &mem);
	return uiommu_viommu_create(idev->dev, viommu->parent->domain, &args,
				    &viommu->viommu);
}

static void free_viommu(struct ufd_viommu *viommu)
{
	struct uiommu_abi *abi = viommu->obj.ctx->file.abi;

	ufd_windows_drop(viommu);
	pthread_mutex_destroy(&viommu->queues);
	abi_free(abi, viommu);
}

void ufd_viommu_release(struct ufd_object *obj)
{
	struct ufd_viommu *viommu = (struct ufd_viommu *)obj;
	struct ufd_hwpt *parent = viommu->parent;

	uiommu_viommu_destroy(viommu->viommu);
	free_viommu(viommu);
	ufd_object_put(&parent->obj);
}

/* The parent's count, which the call has, goes to the vIOMMU. */
static int alloc_over(struct ufd_call *call, struct ufd_device *idev,
		      struct ufd_hwpt *parent)
{
	struct iommu_viommu_alloc *cmd = call->cmd;
	struct ufd_viommu *viommu;
	int rc;

	if (!(parent->flags & IOMMU_HWPT_ALLOC_NEST_PARENT))
		return -EINVAL;
	viommu = abi_alloc(call->abi, sizeof(*viommu));
	if (!viommu)
		return -ENOMEM;
	pthread_mutex_init(&viommu->queues, NULL);
	list_init(&viommu->windows);
	viommu->parent = parent;
	viommu->obj.ctx = call->ctx;
	rc = ufd_object_init(call->ctx, &viommu->obj, UFD_VIOMMU);
	if (rc)
		goto err_free;
	rc = create(call, idev, viommu);
	if (rc)
		goto err_object;
	cmd->out_viommu_id = viommu->obj.id;
	rc = ufd_respond(call);
	if (rc)
		goto err_viommu;
	ufd_object_publish(&viommu->obj);
	return 0;
err_viommu:
	uiommu_viommu_destroy(viommu->viommu);
err_object:
	ufd_object_abort(&viommu->obj);
err_free:
	free_viommu(viommu);
	return rc;
}

static int alloc_for(struct ufd_call *call, struct ufd_device *idev)
{
	const struct iommu_viommu_alloc *cmd = call->cmd;
	struct ufd_hwpt *parent;
	int rc;

	if (!uiommu_device_has_viommu(idev->dev, cmd->type))
		return -EOPNOTSUPP;
	parent = ufd_hwpt_get(call->ctx, cmd->hwpt_id);
	if (!parent)
		return -ENOENT;
	rc = alloc_over(call, idev, parent);
	if (rc)
		ufd_object_put(&parent->obj);
	return rc;
}

int ufd_viommu_alloc(struct ufd_call *call)
{
	const struct iommu_viommu_alloc *cmd = call->cmd;
	struct ufd_device *idev;
	int rc;

	if (cmd->flags || cmd->type == IOMMU_VIOMMU_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	idev = ufd_device_get(call->ctx, cmd->dev_id);
	if (!idev)
		return -ENOENT;
	rc = alloc_for(call, idev);
	ufd_object_put(&idev->obj);
	return rc;
}

/* ------------------------------------------------------------- vdevices -- */

void ufd_vdevice_release(struct ufd_object *obj)
{
	struct ufd_vdevice *vdevice = (struct ufd_vdevice *)obj;
	struct ufd_viommu *viommu = vdevice->viommu;
	struct ufd_device *idev = vdevice->idev;
	struct uiommu_abi *abi = obj->ctx->file.abi;

	pthread_mutex_lock(&idev->group->lock);
	uiommu_vdevice_destroy(vdevice->vdev);
	idev->vdev = NULL;
	pthread_mutex_unlock(&idev->group->lock);
	abi_free(abi, vdevice);
	ufd_object_put(&viommu->obj);
	/* Who unbinds the device waits for that. */
	ufd_object_put(&idev->obj);
}

void ufd_vdevice_drop(struct ufd_device *idev)
{
	struct ufd_vdevice *vdevice;

	pthread_mutex_lock(&idev->group->lock);
	idev->leaving = true;
	vdevice = idev->vdev;
	if (vdevice && !ufd_object_entomb(&vdevice->obj))
		vdevice = NULL;
	pthread_mutex_unlock(&idev->group->lock);
	if (!vdevice)
		return;
	ufd_object_await(&vdevice->obj, 1);
	ufd_vdevice_release(&vdevice->obj);
}

/* Group lock held; the counts of both go to the vdevice. */
static int add_vdevice(struct ufd_call *call, struct ufd_viommu *viommu,
		       struct ufd_device *idev)
{
	struct iommu_vdevice_alloc *cmd = call->cmd;
	struct ufd_vdevice *vdevice;
	int rc;

	if (idev->leaving)
		return -ENOENT;
	if (idev->vdev)
		return -EEXIST;
	vdevice = abi_alloc(call->abi, sizeof(*vdevice));
	if (!vdevice)
		return -ENOMEM;
	vdevice->viommu = viommu;
	vdevice->idev = idev;
	rc = ufd_object_init(call->ctx, &vdevice->obj, UFD_VDEVICE);
	if (rc)
		goto err_free;
	rc = uiommu_vdevice_create(viommu->viommu, idev->dev, cmd->virt_id,
				   &vdevice->vdev);
	if (rc)
		goto err_object;
	cmd->out_vdevice_id = vdevice->obj.id;
	rc = ufd_respond(call);
	if (rc)
		goto err_vdev;
	idev->vdev = vdevice;
	ufd_object_publish(&vdevice->obj);
	return 0;
err_vdev:
	uiommu_vdevice_destroy(vdevice->vdev);
err_object:
	ufd_object_abort(&vdevice->obj);
err_free:
	abi_free(call->abi, vdevice);
	return rc;
}

static int alloc_vdevice(struct ufd_call *call, struct ufd_viommu *viommu)
{
	const struct iommu_vdevice_alloc *cmd = call->cmd;
	struct ufd_device *idev = ufd_device_get(call->ctx, cmd->dev_id);
	int rc;

	if (!idev)
		return -ENOENT;
	/* Before what the device has; core would say the same. */
	rc = uiommu_viommu_unit(viommu->viommu) != uiommu_device_unit(idev->dev)
		     ? -EINVAL
		     : 0;
	if (!rc) {
		pthread_mutex_lock(&idev->group->lock);
		rc = add_vdevice(call, viommu, idev);
		pthread_mutex_unlock(&idev->group->lock);
	}
	if (rc)
		ufd_object_put(&idev->obj);
	return rc;
}

int ufd_vdevice_alloc(struct ufd_call *call)
{
	const struct iommu_vdevice_alloc *cmd = call->cmd;
	struct ufd_viommu *viommu = ufd_viommu_get(call->ctx, cmd->viommu_id);
	int rc;

	if (!viommu)
		return -ENOENT;
	rc = alloc_vdevice(call, viommu);
	if (rc)
		ufd_object_put(&viommu->obj);
	return rc;
}
