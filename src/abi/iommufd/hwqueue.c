/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of guests that the hardware reads by itself.
 *
 * A queue is a range of the parent's addresses, contiguous in physical memory,
 * which an access of its own keeps mapped and pinned (IOMMU_IOAS_UNMAP: EBUSY).
 * One that needs another counts it.
 */
#include "guest.h"

#include <unistd.h>

#include <uiommu/env.h>

#include "base/overflow.h"

struct ufd_hw_queue {
	struct ufd_object obj;	    /* first */
	struct ufd_viommu *viommu;  /* counted */
	struct ufd_hw_queue *needs; /* counted, or NULL */
	struct uiommu_hwqueue *hw;
	struct uiommu_access *access;
	/* What it has pinned: whole pages. */
	uint64_t iova, len;
};

/* ---------------------------------------------------------------- memory -- */

static uiommu_pa_t contiguous(const uiommu_pa_t *pages, size_t nr, size_t page)
{
	size_t i;

	for (i = 1; i < nr; i++)
		if (pages[i] != pages[0] + i * page)
			return UINT64_MAX;
	return pages[0];
}

/* Pin [iova, iova + len), whole pages; -EFAULT: they are not contiguous. */
static int pin(struct ufd_hw_queue *queue, uiommu_pa_t *pa)
{
	struct uiommu_abi *abi = queue->obj.ctx->file.abi;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t nr = queue->len / page;
	uiommu_pa_t *pages;
	int rc;

	if (nr > SIZE_MAX / sizeof(*pages))
		return -ENOMEM;
	pages = abi_alloc(abi, nr * sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	rc = uiommu_access_pin_pages(queue->access, queue->iova, queue->len, 0,
				     pages);
	if (rc)
		goto out_free;
	*pa = contiguous(pages, nr, page);
	if (*pa == UINT64_MAX) {
		uiommu_access_unpin_pages(queue->access, queue->iova,
					  queue->len);
		rc = -EFAULT;
	}
out_free:
	abi_free(abi, pages);
	return rc;
}

/* *pa: of the queue's first byte. */
static int take_memory(struct ufd_hw_queue *queue,
		       const struct iommu_hw_queue_alloc *cmd, uiommu_pa_t *pa)
{
	struct uiommu_core *core = queue->obj.ctx->file.abi->core;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t off = cmd->nesting_parent_iova & (page - 1);
	int rc;

	queue->iova = cmd->nesting_parent_iova - off;
	if (add_overflows(off, cmd->length, &queue->len) ||
	    add_overflows(queue->len, page - 1, &queue->len))
		return -ERANGE;
	queue->len &= ~(page - 1);
	rc = uiommu_access_create(core, NULL, NULL, &queue->access);
	if (rc)
		return rc;
	rc = uiommu_access_attach(queue->access,
				  queue->viommu->parent->ioas->ioas);
	if (!rc)
		rc = pin(queue, pa);
	if (rc)
		uiommu_access_destroy(queue->access);
	*pa += off;
	return rc;
}

static void give_memory(struct ufd_hw_queue *queue)
{
	uiommu_access_unpin_pages(queue->access, queue->iova, queue->len);
	uiommu_access_destroy(queue->access);
}

/* ----------------------------------------------------- coming and going -- */

/*
 * The one that it needs cannot be freed under the lock, but its end may have begun:
 * then it is not there.
 */
static int make_locked(struct ufd_hw_queue *queue,
		       const struct iommu_hw_queue_alloc *cmd, uiommu_pa_t pa)
{
	struct ufd_hw_queue *needs = NULL;
	int rc;

	rc = uiommu_viommu_queue_alloc(queue->viommu->viommu, cmd->type,
				       cmd->index, cmd->nesting_parent_iova, pa,
				       cmd->length, &queue->hw);
	if (rc)
		return rc;
	queue->hw->user = queue;
	if (queue->hw->needs)
		needs = queue->hw->needs->user;
	if (needs && !ufd_object_try_get(&needs->obj)) {
		uiommu_viommu_queue_free(queue->hw);
		return -EIO;
	}
	queue->needs = needs;
	return 0;
}

static int make(struct ufd_hw_queue *queue,
		const struct iommu_hw_queue_alloc *cmd, uiommu_pa_t pa)
{
	int rc;

	pthread_mutex_lock(&queue->viommu->queues);
	rc = make_locked(queue, cmd, pa);
	pthread_mutex_unlock(&queue->viommu->queues);
	return rc;
}

static void unmake(struct ufd_hw_queue *queue)
{
	struct ufd_hw_queue *needs = queue->needs;

	pthread_mutex_lock(&queue->viommu->queues);
	uiommu_viommu_queue_free(queue->hw);
	pthread_mutex_unlock(&queue->viommu->queues);
	if (needs)
		ufd_object_put(&needs->obj);
}

void ufd_hw_queue_release(struct ufd_object *obj)
{
	struct ufd_hw_queue *queue = (struct ufd_hw_queue *)obj;
	struct ufd_viommu *viommu = queue->viommu;

	unmake(queue);
	give_memory(queue);
	abi_free(obj->ctx->file.abi, queue);
	ufd_object_put(&viommu->obj);
}

/* The vIOMMU's count goes to the queue. */
static int alloc_queue(struct ufd_call *call, struct ufd_viommu *viommu)
{
	struct iommu_hw_queue_alloc *cmd = call->cmd;
	struct ufd_hw_queue *queue;
	uiommu_pa_t pa = 0;
	int rc;

	if (!uiommu_viommu_has_queues(viommu->viommu, cmd->type))
		return -EOPNOTSUPP;
	queue = abi_alloc(call->abi, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->viommu = viommu;
	rc = ufd_object_init(call->ctx, &queue->obj, UFD_HW_QUEUE);
	if (rc)
		goto err_free;
	rc = take_memory(queue, cmd, &pa);
	if (rc)
		goto err_object;
	rc = make(queue, cmd, pa);
	if (rc)
		goto err_memory;
	cmd->out_hw_queue_id = queue->obj.id;
	rc = ufd_respond(call);
	if (rc)
		goto err_queue;
	ufd_object_publish(&queue->obj);
	return 0;
err_queue:
	unmake(queue);
err_memory:
	give_memory(queue);
err_object:
	ufd_object_abort(&queue->obj);
err_free:
	abi_free(call->abi, queue);
	return rc;
}

int ufd_hw_queue_alloc(struct ufd_call *call)
{
	const struct iommu_hw_queue_alloc *cmd = call->cmd;
	struct ufd_viommu *viommu;
	uint64_t last;
	int rc;

	if (cmd->flags || cmd->type == IOMMU_HW_QUEUE_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!cmd->length)
		return -EINVAL;
	if (last_overflows(cmd->nesting_parent_iova, cmd->length, &last))
		return -EOVERFLOW;
	viommu = ufd_viommu_get(call->ctx, cmd->viommu_id);
	if (!viommu)
		return -ENOENT;
	rc = alloc_queue(call, viommu);
	if (rc)
		ufd_object_put(&viommu->obj);
	return rc;
}
