/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables of guests, and what guests want forgotten.
 *
 * A nested page table stands over a page table that was made a parent, or over a
 * vIOMMU, and counts it.  Devices are attached to it as to others; what an attach
 * asks of an IOAS it asks of the parent's.
 *
 * The client's data go to the driver unread: it says of which type and length they
 * have to be, and that comes before the question whether they can be read.
 */
#include "guest.h"

#include <uiommu/env.h>

/* -------------------------------------------------------- page tables -- */

static uint32_t domain_flags(uint32_t flags)
{
	return flags & IOMMU_HWPT_ALLOC_PASID ? UIOMMU_DOM_PASID : 0;
}

static int new_domain(struct ufd_call *call, struct ufd_device *idev,
		      struct ufd_object *over, struct uiommu_domain **out)
{
	const struct iommu_hwpt_alloc *cmd = call->cmd;
	struct uiommu_user_mem mem;
	const struct uiommu_user_data data = {
		.mem = &mem,
		.type = cmd->data_type,
		.len = cmd->data_len,
		.at = cmd->data_uptr,
	};

	ufd_user_mem(call->abi, &mem);
	if (over->type == UFD_VIOMMU)
		return uiommu_viommu_domain_alloc(
			((struct ufd_viommu *)over)->viommu,
			domain_flags(cmd->flags), &data, out);
	return uiommu_domain_alloc_nested(idev->dev,
					  ((struct ufd_hwpt *)over)->domain,
					  domain_flags(cmd->flags), &data, out);
}

static int new_hwpt(struct ufd_call *call, struct ufd_device *idev,
		    struct ufd_object *over, struct ufd_hwpt **out)
{
	const struct iommu_hwpt_alloc *cmd = call->cmd;
	const struct ufd_hwpt *parent =
		over->type == UFD_VIOMMU ? ((struct ufd_viommu *)over)->parent
					 : (struct ufd_hwpt *)over;
	struct ufd_hwpt *hwpt = abi_alloc(call->abi, sizeof(*hwpt));
	int rc;

	if (!hwpt)
		return -ENOMEM;
	hwpt->flags = cmd->flags;
	rc = ufd_object_init(call->ctx, &hwpt->obj, UFD_HWPT_NESTED);
	if (rc)
		goto err_hwpt;
	rc = new_domain(call, idev, over, &hwpt->domain);
	if (rc)
		goto err_object;
	uiommu_domain_set_user(hwpt->domain, call->ctx, hwpt);
	uiommu_domain_keep_pasids(hwpt->domain);
	list_init(&hwpt->node);
	hwpt->ioas = parent->ioas;
	hwpt->over = over;
	ufd_object_hold(over);
	*out = hwpt;
	return 0;
err_object:
	ufd_object_abort(&hwpt->obj);
err_hwpt:
	abi_free(call->abi, hwpt);
	return rc;
}

void ufd_nested_release(struct ufd_object *obj)
{
	struct ufd_hwpt *hwpt = (struct ufd_hwpt *)obj;
	struct uiommu_abi *abi = obj->ctx->file.abi;

	uiommu_domain_free(hwpt->domain);
	ufd_fault_put(hwpt->fault);
	ufd_object_put(hwpt->over);
	abi_free(abi, hwpt);
}

int ufd_nested_alloc(struct ufd_call *call, struct ufd_device *idev,
		     struct ufd_object *over)
{
	const uint32_t known = IOMMU_HWPT_FAULT_ID_VALID |
			       IOMMU_HWPT_ALLOC_PASID;
	struct iommu_hwpt_alloc *cmd = call->cmd;
	struct ufd_hwpt *hwpt;
	int rc;

	if (over->type == UFD_VIOMMU &&
	    uiommu_viommu_unit(((struct ufd_viommu *)over)->viommu) !=
		    uiommu_device_unit(idev->dev))
		return -EINVAL;
	if (cmd->flags & ~known || !cmd->data_len)
		return -EOPNOTSUPP;
	rc = new_hwpt(call, idev, over, &hwpt);
	if (rc)
		return rc;
	if (cmd->flags & IOMMU_HWPT_FAULT_ID_VALID)
		rc = ufd_fault_serve(call->ctx, cmd->fault_id, hwpt->domain,
				     &hwpt->fault);
	cmd->out_hwpt_id = hwpt->obj.id;
	if (!rc)
		rc = ufd_respond(call);
	if (rc) {
		ufd_object_abort(&hwpt->obj);
		ufd_nested_release(&hwpt->obj);
		return rc;
	}
	ufd_object_publish(&hwpt->obj);
	return 0;
}

/* ------------------------------------------------------- invalidations -- */

/* Longest entry and most entries of an invalidation. */
#define INVALIDATE_LEN_MAX 4096u
#define INVALIDATE_NR_MAX (1u << 19)

static int invalidate_object(struct ufd_object *obj,
			     struct uiommu_user_array *array)
{
	switch (obj->type) {
	case UFD_HWPT_NESTED:
		return uiommu_domain_invalidate(
			((struct ufd_hwpt *)obj)->domain, array);
	case UFD_VIOMMU:
		return uiommu_viommu_invalidate(
			((struct ufd_viommu *)obj)->viommu, array);
	default:
		array->entry_num = 0;
		return -EINVAL;
	}
}

static int invalidate(struct ufd_call *call, uint32_t *done)
{
	const struct iommu_hwpt_invalidate *cmd = call->cmd;
	struct uiommu_user_mem mem;
	struct uiommu_user_array array = {
		.mem = &mem,
		.type = cmd->data_type,
		.entry_len = cmd->entry_len,
		.entry_num = cmd->entry_num,
		.at = cmd->data_uptr,
	};
	struct ufd_object *obj;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->entry_num && (!cmd->data_uptr || !cmd->entry_len ||
			       cmd->entry_len > INVALIDATE_LEN_MAX ||
			       cmd->entry_num > INVALIDATE_NR_MAX))
		return -EINVAL;
	obj = ufd_object_get(call->ctx, cmd->hwpt_id, UFD_ANY);
	if (!obj)
		return -ENOENT;
	ufd_user_mem(call->abi, &mem);
	rc = invalidate_object(obj, &array);
	ufd_object_put(obj);
	*done = array.entry_num;
	return rc;
}

int ufd_hwpt_invalidate(struct ufd_call *call)
{
	struct iommu_hwpt_invalidate *cmd = call->cmd;
	uint32_t done = 0;
	int rc = invalidate(call, &done);

	/* How many were done is told in any case. */
	cmd->entry_num = done;
	return ufd_respond(call) ? -EFAULT : rc;
}
