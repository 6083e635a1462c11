/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * intx.c - the interrupt pin.
 *
 * Level triggered: a raised pin signals the eventfd once and masks itself
 * until the client unmasks; if the pin is still up then, it signals again.
 * The device moves its pin from inside any access to it, so that path takes
 * the innermost lock only, and nothing here calls the device with it held.
 */
#include "private.h"

/* Caller holds intx->lock. */
static void deliver(struct uvfio_intx *intx)
{
	if (!intx->enabled || !intx->level || intx->masked || intx->off ||
	    intx->efd < 0)
		return;
	intx->masked = true;
	uvfio_eventfd_signal(intx->efd);
}

void uiommu_vdev_intx(struct uiommu_vdev *vdev, bool level)
{
	struct uvfio_intx *intx = &vdev->irq.intx;

	pthread_mutex_lock(&intx->lock);
	intx->level = level;
	deliver(intx);
	pthread_mutex_unlock(&intx->lock);
}

void uvfio_intx_set_off(struct uiommu_vdev *vdev, bool off)
{
	struct uvfio_intx *intx = &vdev->irq.intx;

	pthread_mutex_lock(&intx->lock);
	intx->off = off;
	deliver(intx);
	pthread_mutex_unlock(&intx->lock);
}

static void set_masked(struct uvfio_intx *intx, bool masked)
{
	pthread_mutex_lock(&intx->lock);
	intx->masked = masked;
	deliver(intx);
	pthread_mutex_unlock(&intx->lock);
}

/* Takes over efd; -1 stops the signals. */
static void set_eventfd(struct uvfio_intx *intx, int efd)
{
	int old;

	pthread_mutex_lock(&intx->lock);
	old = intx->efd;
	intx->efd = efd;
	deliver(intx);
	pthread_mutex_unlock(&intx->lock);
	uvfio_eventfd_put(old);
}

static void enable(struct uiommu_vdev *vdev, int efd)
{
	struct uvfio_intx *intx = &vdev->irq.intx;

	vdev->irq.type = VFIO_PCI_INTX_IRQ_INDEX;
	pthread_mutex_lock(&intx->lock);
	intx->enabled = true;
	intx->masked = false;
	pthread_mutex_unlock(&intx->lock);
	set_eventfd(intx, efd);
	uvfio_hw_config_update(vdev, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF, 0);
}

void uvfio_intx_disable(struct uiommu_vdev *vdev)
{
	struct uvfio_intx *intx = &vdev->irq.intx;

	uvfio_hw_config_update(vdev, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF,
			       PCI_COMMAND_INTX_OFF);
	pthread_mutex_lock(&intx->lock);
	intx->enabled = false;
	pthread_mutex_unlock(&intx->lock);
	set_eventfd(intx, -1);
	vdev->irq.type = UVFIO_IRQ_NONE;
}

static int trigger_eventfd(struct uiommu_vdev *vdev, int32_t fd)
{
	int efd = -1, rc = 0;

	if (fd >= 0)
		rc = uvfio_eventfd_get(fd, &efd);
	if (vdev->irq.type == VFIO_PCI_INTX_IRQ_INDEX)
		/* A bad one still takes the place of the old one. */
		set_eventfd(&vdev->irq.intx, efd);
	else if (!rc)
		enable(vdev, efd);
	return rc;
}

static void loop_back(struct uvfio_intx *intx)
{
	pthread_mutex_lock(&intx->lock);
	if (intx->efd >= 0)
		uvfio_eventfd_signal(intx->efd);
	pthread_mutex_unlock(&intx->lock);
}

int uvfio_intx_trigger(struct uiommu_vdev *vdev,
		       const struct uvfio_irq_req *req)
{
	bool active = vdev->irq.type == VFIO_PCI_INTX_IRQ_INDEX;

	if (active && !req->count && req->data_type == VFIO_IRQ_SET_DATA_NONE) {
		uvfio_intx_disable(vdev);
		return 0;
	}
	if (!(active || vdev->irq.type == UVFIO_IRQ_NONE) || req->start ||
	    req->count != 1)
		return -EINVAL;
	if (req->data_type == VFIO_IRQ_SET_DATA_EVENTFD)
		return trigger_eventfd(vdev, req->fds[0]);
	if (!active)
		return -EINVAL;
	if (req->data_type == VFIO_IRQ_SET_DATA_NONE || req->bools[0])
		loop_back(&vdev->irq.intx);
	return 0;
}

static int mask_or_unmask(struct uiommu_vdev *vdev,
			  const struct uvfio_irq_req *req, bool masked)
{
	if (vdev->irq.type != VFIO_PCI_INTX_IRQ_INDEX || req->start ||
	    req->count != 1)
		return -EINVAL;
	/* Masking by an eventfd of the client's would need a waiting thread. */
	if (req->data_type == VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTTY;
	if (req->data_type == VFIO_IRQ_SET_DATA_NONE || req->bools[0])
		set_masked(&vdev->irq.intx, masked);
	return 0;
}

int uvfio_intx_mask(struct uiommu_vdev *vdev, const struct uvfio_irq_req *req)
{
	return mask_or_unmask(vdev, req, true);
}

int uvfio_intx_unmask(struct uiommu_vdev *vdev, const struct uvfio_irq_req *req)
{
	return mask_or_unmask(vdev, req, false);
}
