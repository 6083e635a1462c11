/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msi.c - vectors of MSI and MSI-X.
 *
 * A vector is one of the system's: its doorbell's address and data.  What the
 * device gets is the address at which that doorbell appears in its own domain;
 * so an interrupt travels like any other write of the device.  While no domain
 * is attached the place is the start of the window for doorbells; attaching
 * makes it good or moves it.
 *
 * The way back (fire) comes from a store of the device, perhaps one that we
 * caused ourselves a moment ago; it takes the vector's own lock only.
 */
#include "private.h"

#define PAGE_OFFSET(addr) ((addr) & (UVFIO_PAGE_SIZE - 1))

static void fire(void *arg)
{
	struct uvfio_vector *vec = arg;

	pthread_mutex_lock(&vec->lock);
	if (vec->efd >= 0)
		uvfio_eventfd_signal(vec->efd);
	pthread_mutex_unlock(&vec->lock);
}

/* Takes over efd. */
static void set_eventfd(struct uvfio_vector *vec, int efd)
{
	int old;

	pthread_mutex_lock(&vec->lock);
	old = vec->efd;
	vec->efd = efd;
	pthread_mutex_unlock(&vec->lock);
	uvfio_eventfd_put(old);
}

/* -------------------------------------------------- the system's side --- */

/* Where the device finds the vector's doorbell.  -EIO: it cannot name the place. */
static int locate(struct uiommu_vdev *vdev, struct uvfio_vector *vec)
{
	struct uiommu_group *group = vdev->group->core;
	uiommu_iova_t iova;
	int rc;

	rc = uiommu_group_msi_map_within(group, vec->msg.addr, vdev->irq.reach,
					 &iova);
	if (rc == -ENOENT) {
		if (!uiommu_group_msi_window(group, &iova))
			iova = vec->msg.addr;
		rc = iova > vdev->irq.reach ? -EOVERFLOW : 0;
	}
	if (rc)
		return rc == -EOVERFLOW ? -EIO : rc;
	vec->iova = (iova & ~(UVFIO_PAGE_SIZE - 1)) |
		    PAGE_OFFSET(vec->msg.addr);
	return 0;
}

static int vector_get(struct uiommu_vdev *vdev, struct uvfio_vector *vec)
{
	const struct uiommu_abi_host *host = &vdev->vfio->abi->host;
	int rc;

	if (!host->msi_alloc)
		return -ENOSPC;
	rc = host->msi_alloc(host->ctx, vdev->dev, fire, vec, &vec->msg,
			     &vec->handle);
	if (rc)
		return rc;
	rc = locate(vdev, vec);
	if (rc)
		host->msi_free(host->ctx, vec->handle);
	else
		vec->used = true;
	return rc;
}

static void vector_put(struct uiommu_vdev *vdev, struct uvfio_vector *vec)
{
	const struct uiommu_abi_host *host = &vdev->vfio->abi->host;

	if (!vec->used)
		return;
	host->msi_free(host->ctx, vec->handle);
	vec->used = false;
}

static void free_vectors(struct uiommu_vdev *vdev)
{
	struct uvfio_irqs *irq = &vdev->irq;

	for (unsigned int i = 0; i < irq->nr_vec; i++) {
		vector_put(vdev, &irq->vec[i]);
		set_eventfd(&irq->vec[i], -1);
		pthread_mutex_destroy(&irq->vec[i].lock);
	}
	abi_free(vdev->vfio->abi, irq->vec);
	irq->vec = NULL;
	irq->nr_vec = 0;
}

/* Vectors of one MSI capability: one address, data that count up. */
static bool contiguous(const struct uvfio_vector *vec, unsigned int nr)
{
	if (vec[0].msg.data & (nr - 1) || vec[0].msg.data >> 16)
		return false;
	for (unsigned int i = 1; i < nr; i++)
		if (vec[i].msg.addr != vec[0].msg.addr ||
		    vec[i].msg.data != vec[0].msg.data + i)
			return false;
	return true;
}

/* How many of the `nr` that are wanted could be had; negative: error. */
static int get_vectors(struct uiommu_vdev *vdev, unsigned int nr)
{
	struct uvfio_vector *vec = vdev->irq.vec;
	int rc;

	for (unsigned int i = 0; i < nr; i++) {
		rc = vec[i].used ? 0 : vector_get(vdev, &vec[i]);
		if (rc == -ENOSPC && i)
			return (int)i;
		if (rc)
			return rc;
	}
	return (int)nr;
}

/* Most that MSI can have. */
#define MAX_MSI 32

/*
 * As get_vectors, for MSI: the first one's data are a multiple of `nr`.  What
 * lies before is taken meanwhile and given back at the end.
 */
static int get_aligned(struct uiommu_vdev *vdev, unsigned int nr)
{
	const struct uiommu_abi_host *host = &vdev->vfio->abi->host;
	struct uvfio_vector *vec = vdev->irq.vec;
	unsigned int skipped[MAX_MSI], n = 0;
	int rc;

	rc = vector_get(vdev, vec);
	while (!rc && (vec->msg.data & (nr - 1)) && n < nr - 1) {
		skipped[n++] = vec->handle;
		vec->used = false;
		rc = vector_get(vdev, vec);
	}
	if (!rc)
		rc = get_vectors(vdev, nr);
	while (n)
		host->msi_free(host->ctx, skipped[--n]);
	/* Not to be had aligned: then as many as there are. */
	return rc == -ENOSPC ? get_vectors(vdev, nr) : rc;
}

static int alloc_vectors(struct uiommu_vdev *vdev, unsigned int index)
{
	struct uvfio_irqs *irq = &vdev->irq;
	unsigned int nr = uvfio_irq_count(vdev, index);

	irq->vec = abi_alloc(vdev->vfio->abi, nr * sizeof(*irq->vec));
	if (!irq->vec)
		return -ENOMEM;
	for (unsigned int i = 0; i < nr; i++) {
		pthread_mutex_init(&irq->vec[i].lock, NULL);
		irq->vec[i].efd = -1;
	}
	irq->nr_vec = nr;
	irq->reach = index == VFIO_PCI_MSI_IRQ_INDEX && !vdev->pci.msi_64
			     ? UINT32_MAX
			     : UINT64_MAX;
	return 0;
}

/* 0; the number that could be had, if that is less; or an error. */
static int enable(struct uiommu_vdev *vdev, unsigned int index, unsigned int nr)
{
	bool msi = index == VFIO_PCI_MSI_IRQ_INDEX;
	int want = (int)nr, got;

	if (!nr)
		return -ERANGE;
	/* MSI comes in powers of two. */
	if (msi && nr > 1)
		want = 2 << ilog2_u64(nr - 1);
	got = alloc_vectors(vdev, index);
	if (got)
		return got;
	got = msi ? get_aligned(vdev, (unsigned int)want)
		  : get_vectors(vdev, (unsigned int)want);
	if (got == want && msi &&
	    !contiguous(vdev->irq.vec, (unsigned int)want))
		got = want > 1 ? 1 : -ENOSPC;
	if (got != want) {
		free_vectors(vdev);
		return msi && got > 0 ? 1 << ilog2_u64((uint64_t)got) : got;
	}
	vdev->irq.type = index;
	uvfio_msi_hw_enable(vdev);
	return 0;
}

void uvfio_msi_disable(struct uiommu_vdev *vdev)
{
	uvfio_msi_hw_disable(vdev);
	free_vectors(vdev);
	vdev->irq.type = UVFIO_IRQ_NONE;
}

/* ------------------------------------------------- the client's side ---- */

/* Vector i signals the client's `fd` from now on; negative: nobody. */
static int assign(struct uiommu_vdev *vdev, unsigned int i, int32_t fd)
{
	struct uvfio_vector *vec = &vdev->irq.vec[i];
	int efd, rc;

	set_eventfd(vec, -1);
	uvfio_msi_hw_mask(vdev, i);
	if (fd < 0)
		return 0;
	rc = uvfio_eventfd_get(fd, &efd);
	if (rc)
		return rc;
	if (!vec->used)
		rc = vector_get(vdev, vec);
	if (rc) {
		uvfio_eventfd_put(efd);
		return rc;
	}
	set_eventfd(vec, efd);
	uvfio_msi_hw_program(vdev, i);
	return 0;
}

static int assign_block(struct uiommu_vdev *vdev,
			const struct uvfio_irq_req *req)
{
	unsigned int i;
	int rc;

	/* MSI-X grows while in use, MSI does not. */
	if (vdev->irq.type == VFIO_PCI_MSI_IRQ_INDEX && req->count &&
	    !vdev->irq.vec[req->start + req->count - 1].used)
		return -EINVAL;
	for (i = 0; i < req->count; i++) {
		rc = assign(vdev, req->start + i, req->fds[i]);
		if (rc)
			goto err_unassign;
	}
	return 0;

err_unassign:
	while (i--)
		assign(vdev, req->start + i, -1);
	return rc;
}

static int trigger_eventfds(struct uiommu_vdev *vdev,
			    const struct uvfio_irq_req *req)
{
	int rc;

	if (vdev->irq.type == req->index)
		return assign_block(vdev, req);
	rc = enable(vdev, req->index, req->start + req->count);
	if (rc)
		return rc;
	rc = assign_block(vdev, req);
	if (rc)
		uvfio_msi_disable(vdev);
	return rc;
}

int uvfio_msi_trigger(struct uiommu_vdev *vdev, const struct uvfio_irq_req *req)
{
	bool active = vdev->irq.type == req->index;

	if (active && !req->count && req->data_type == VFIO_IRQ_SET_DATA_NONE) {
		uvfio_msi_disable(vdev);
		return 0;
	}
	if (!active && vdev->irq.type != UVFIO_IRQ_NONE)
		return -EINVAL;
	if (req->data_type == VFIO_IRQ_SET_DATA_EVENTFD)
		return trigger_eventfds(vdev, req);
	if (!active)
		return -EINVAL;
	/* As if the device had sent them. */
	for (unsigned int i = 0; i < req->count; i++)
		if (req->data_type == VFIO_IRQ_SET_DATA_NONE || req->bools[i])
			fire(&vdev->irq.vec[req->start + i]);
	return 0;
}

void uvfio_msi_remap(struct uiommu_vdev *vdev)
{
	pthread_mutex_lock(&vdev->lock);
	for (unsigned int i = 0; i < vdev->irq.nr_vec; i++) {
		struct uvfio_vector *vec = &vdev->irq.vec[i];
		uiommu_iova_t old = vec->iova;

		if (vec->used && !locate(vdev, vec) && vec->iova != old)
			uvfio_msi_hw_program(vdev, i);
	}
	pthread_mutex_unlock(&vdev->lock);
}
