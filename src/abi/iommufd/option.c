/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOMMU_OPTION: settings of a context or of an IOAS.
 *
 * Only val64 is written back, after a set too; a set whose answer cannot be
 * written has taken effect.
 */
#include "private.h"

#include <stddef.h>

#define CAP_SYS_RESOURCE 24

enum abi_charge ufd_charge(struct ufd_ctx *ctx)
{
	enum abi_charge charge;

	pthread_mutex_lock(&ctx->lock);
	charge = ctx->charge;
	pthread_mutex_unlock(&ctx->lock);
	return charge;
}

static int set_rlimit_mode(struct ufd_ctx *ctx, uint64_t val)
{
	int rc = 0;

	if (!abi_capable(ctx->file.abi, CAP_SYS_RESOURCE))
		return -EPERM;
	pthread_mutex_lock(&ctx->lock);
	if (ctx->nr_used)
		rc = -EBUSY;
	else if (val > 1)
		rc = -EINVAL;
	else
		ctx->charge = val ? ABI_CHARGE_PROCESS : ABI_CHARGE_USER;
	pthread_mutex_unlock(&ctx->lock);
	return rc;
}

static int rlimit_mode(struct ufd_ctx *ctx, struct iommu_option *cmd)
{
	if (cmd->object_id)
		return -EOPNOTSUPP;
	switch (cmd->op) {
	case IOMMU_OPTION_OP_GET:
		cmd->val64 = ufd_charge(ctx) == ABI_CHARGE_PROCESS;
		return 0;
	case IOMMU_OPTION_OP_SET:
		return set_rlimit_mode(ctx, cmd->val64);
	default:
		return -EOPNOTSUPP;
	}
}

static int huge_pages_of(struct ufd_ioas *ioas, struct iommu_option *cmd)
{
	switch (cmd->op) {
	case IOMMU_OPTION_OP_GET:
		cmd->val64 = uiommu_ioas_huge_pages(ioas->ioas);
		return 0;
	case IOMMU_OPTION_OP_SET:
		if (cmd->val64 > 1)
			return -EINVAL;
		return uiommu_ioas_set_huge_pages(ioas->ioas, cmd->val64);
	default:
		return -EOPNOTSUPP;
	}
}

static int huge_pages(struct ufd_ctx *ctx, struct iommu_option *cmd)
{
	struct ufd_ioas *ioas = ufd_ioas_get(ctx, cmd->object_id);
	int rc;

	if (!ioas)
		return -ENOENT;
	rc = huge_pages_of(ioas, cmd);
	ufd_object_put(&ioas->obj);
	return rc;
}

int ufd_option(struct ufd_call *call)
{
	struct iommu_option *cmd = call->cmd;
	uint64_t val;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	switch (cmd->option_id) {
	case IOMMU_OPTION_RLIMIT_MODE:
		rc = rlimit_mode(call->ctx, cmd);
		break;
	case IOMMU_OPTION_HUGE_PAGES:
		rc = huge_pages(call->ctx, cmd);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (rc)
		return rc;
	val = cmd->val64;
	return abi_copy_to(call->abi,
			   call->arg + offsetof(struct iommu_option, val64),
			   &val, sizeof(val));
}
