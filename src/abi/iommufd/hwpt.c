/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables of the hardware ("hwpt"): a domain of the core that an IOAS
 * fills.
 *
 * A hwpt is made with the lock of its IOAS held until it is published or
 * aborted, and stands in the IOAS's list as long as it is filled from it.
 * Clients make them for a device, or an attach to an IOAS makes one by itself
 * (transient), which is shared and goes with its last attachment.
 *
 * What a caller's flags and data ask for is made by the IOMMU's driver, or
 * refused.
 */
#include "guest.h"

struct ufd_hwpt *ufd_hwpt_get(struct ufd_ctx *ctx, uint32_t id)
{
	return (struct ufd_hwpt *)ufd_object_get(ctx, id, UFD_HWPT);
}

/* --------------------------------------------------- a client's bytes -- */

static int user_read(void *ctx, void *dst, uint64_t at, size_t len)
{
	return abi_copy_from(ctx, dst, at, len);
}

static int user_write(void *ctx, uint64_t at, const void *src, size_t len)
{
	return abi_copy_to(ctx, at, src, len);
}

void ufd_user_mem(struct uiommu_abi *abi, struct uiommu_user_mem *mem)
{
	*mem = (struct uiommu_user_mem){ abi, user_read, user_write };
}

/* ------------------------------------------------------ make and free -- */

/* What the flags mean for a domain. */
static void domain_cfg(uint32_t flags, struct uiommu_domain_cfg *cfg)
{
	*cfg = (struct uiommu_domain_cfg){ .hw.type = UIOMMU_DOM_PAGING };
	if (flags & IOMMU_HWPT_ALLOC_NEST_PARENT) {
		cfg->hw.stage = UIOMMU_STAGE_2;
		cfg->hw.flags |= UIOMMU_DOM_NEST_PARENT;
	}
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		cfg->hw.flags |= UIOMMU_DOM_DIRTY;
	if (flags & IOMMU_HWPT_ALLOC_PASID)
		cfg->hw.flags |= UIOMMU_DOM_PASID;
}

int ufd_hwpt_new_empty(struct ufd_ioas *ioas, struct ufd_device *idev,
		       uint32_t flags, const struct uiommu_user_data *data,
		       struct ufd_hwpt **out)
{
	struct ufd_ctx *ctx = ioas->obj.ctx;
	struct ufd_hwpt *hwpt = abi_alloc(ctx->file.abi, sizeof(*hwpt));
	struct uiommu_domain_cfg cfg;
	int rc;

	if (!hwpt)
		return -ENOMEM;
	hwpt->flags = flags;
	domain_cfg(flags, &cfg);
	cfg.hw.data = data;
	rc = uiommu_domain_alloc_cfg(idev->dev, &cfg, &hwpt->domain);
	if (rc)
		goto err_hwpt;
	rc = ufd_object_init(ctx, &hwpt->obj, UFD_HWPT);
	if (rc)
		goto err_domain;
	ufd_object_hold(&ioas->obj);
	hwpt->ioas = ioas;
	uiommu_domain_set_user(hwpt->domain, ioas->obj.ctx, hwpt);
	uiommu_domain_keep_pasids(hwpt->domain);
	list_init(&hwpt->node);
	*out = hwpt;
	return 0;
err_domain:
	uiommu_domain_free(hwpt->domain);
err_hwpt:
	abi_free(ctx->file.abi, hwpt);
	return rc;
}

int ufd_hwpt_fill(struct ufd_hwpt *hwpt)
{
	int rc = uiommu_ioas_add_domain(hwpt->ioas->ioas, hwpt->domain);

	if (!rc)
		list_add_tail(&hwpt->ioas->hwpts, &hwpt->node);
	return rc;
}

int ufd_hwpt_new(struct ufd_ioas *ioas, struct ufd_device *idev, uint32_t flags,
		 const struct uiommu_user_data *data, struct ufd_hwpt **out)
{
	struct ufd_hwpt *hwpt;
	int rc;

	rc = ufd_hwpt_new_empty(ioas, idev, flags, data, &hwpt);
	if (rc)
		return rc;
	rc = ufd_hwpt_fill(hwpt);
	if (rc)
		ufd_hwpt_abort(hwpt);
	else
		*out = hwpt;
	return rc;
}

/* With the IOAS's lock held; true: it was filled and is in the list no more. */
static bool unlist(struct ufd_hwpt *hwpt)
{
	if (list_empty(&hwpt->node))
		return false;
	list_del(&hwpt->node);
	return true;
}

static void free_hwpt(struct ufd_hwpt *hwpt, bool filled)
{
	struct uiommu_abi *abi = hwpt->obj.ctx->file.abi;

	if (filled)
		uiommu_ioas_remove_domain(hwpt->ioas->ioas, hwpt->domain);
	uiommu_domain_free(hwpt->domain);
	ufd_fault_put(hwpt->fault);
	ufd_object_put(&hwpt->ioas->obj);
	abi_free(abi, hwpt);
}

void ufd_hwpt_release_locked(struct ufd_hwpt *hwpt)
{
	free_hwpt(hwpt, unlist(hwpt));
}

void ufd_hwpt_abort(struct ufd_hwpt *hwpt)
{
	ufd_object_abort(&hwpt->obj);
	ufd_hwpt_release_locked(hwpt);
}

void ufd_hwpt_release(struct ufd_hwpt *hwpt)
{
	bool filled;

	pthread_mutex_lock(&hwpt->ioas->lock);
	filled = unlist(hwpt);
	pthread_mutex_unlock(&hwpt->ioas->lock);
	free_hwpt(hwpt, filled);
}

/* --------------------------------------------------------------- calls -- */

/* Of a page table that an IOAS fills. */
static int check_paging(const struct iommu_hwpt_alloc *cmd,
			const struct ufd_device *idev)
{
	const uint32_t known =
		IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
		IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID;
	const uint32_t apart = IOMMU_HWPT_ALLOC_NEST_PARENT |
			       IOMMU_HWPT_FAULT_ID_VALID;
	struct uiommu_unit_caps caps;

	uiommu_device_caps(idev->dev, &caps);
	if (cmd->flags & ~known || (cmd->flags & apart) == apart)
		return -EOPNOTSUPP;
	if (cmd->flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING &&
	    !caps.dirty_tracking)
		return -EOPNOTSUPP;
	return 0;
}

static int alloc_from_ioas(struct ufd_call *call, struct ufd_device *idev,
			   struct ufd_ioas *ioas)
{
	struct iommu_hwpt_alloc *cmd = call->cmd;
	struct uiommu_user_mem mem;
	const struct uiommu_user_data data = {
		.mem = &mem,
		.type = cmd->data_type,
		.len = cmd->data_len,
		.at = cmd->data_uptr,
	};
	struct ufd_hwpt *hwpt;
	int rc;

	rc = check_paging(cmd, idev);
	if (rc)
		return rc;
	ufd_user_mem(call->abi, &mem);
	pthread_mutex_lock(&ioas->lock);
	rc = ufd_hwpt_new(ioas, idev, cmd->flags, data.len ? &data : NULL,
			  &hwpt);
	if (rc)
		goto out_unlock;
	if (cmd->flags & IOMMU_HWPT_FAULT_ID_VALID)
		rc = ufd_fault_serve(call->ctx, cmd->fault_id, hwpt->domain,
				     &hwpt->fault);
	cmd->out_hwpt_id = hwpt->obj.id;
	if (!rc)
		rc = ufd_respond(call);
	if (rc)
		ufd_hwpt_abort(hwpt);
	else
		ufd_object_publish(&hwpt->obj);
out_unlock:
	pthread_mutex_unlock(&ioas->lock);
	return rc;
}

static int alloc_from(struct ufd_call *call, struct ufd_device *idev,
		      struct ufd_object *pt)
{
	switch (pt->type) {
	case UFD_IOAS:
		return alloc_from_ioas(call, idev, (struct ufd_ioas *)pt);
	case UFD_HWPT:
	case UFD_VIOMMU:
		return ufd_nested_alloc(call, idev, pt);
	default:
		return -EINVAL;
	}
}

int ufd_hwpt_alloc(struct ufd_call *call)
{
	struct iommu_hwpt_alloc *cmd = call->cmd;
	struct ufd_device *idev;
	struct ufd_object *pt;
	int rc = -EINVAL;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if ((cmd->data_type == IOMMU_HWPT_DATA_NONE) != !cmd->data_len)
		return -EINVAL;
	idev = ufd_device_get(call->ctx, cmd->dev_id);
	if (!idev)
		return -ENOENT;
	pt = ufd_object_get(call->ctx, cmd->pt_id, UFD_ANY);
	if (pt) {
		rc = alloc_from(call, idev, pt);
		ufd_object_put(pt);
	}
	ufd_object_put(&idev->obj);
	return rc;
}
