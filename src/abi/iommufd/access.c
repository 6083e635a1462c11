/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses: memory of an IOAS for drivers that use it by the CPU.
 *
 * There is no call that makes one, but it stands in the table and counts its IOAS,
 * which therefore cannot be destroyed.  What it does is the core's.
 */
#include "private.h"

#include <uiommu/env.h>

int ufd_access_create(struct ufd_ctx *ctx, const struct uiommu_access_ops *ops,
		      void *data, struct ufd_access **out, uint32_t *id)
{
	struct uiommu_abi *abi = ctx->file.abi;
	struct ufd_access *access = abi_alloc(abi, sizeof(*access));
	int rc;

	if (!access)
		return -ENOMEM;
	rc = uiommu_access_create(abi->core, ops, data, &access->core);
	if (rc)
		goto err_access;
	rc = ufd_object_init(ctx, &access->obj, UFD_ACCESS);
	if (rc)
		goto err_core;
	pthread_mutex_init(&access->lock, NULL);
	abi_file_get(&ctx->file);
	/* The driver's: the client cannot destroy the object by its id. */
	ufd_object_hold(&access->obj);
	*out = access;
	*id = access->obj.id;
	ufd_object_publish(&access->obj);
	return 0;
err_core:
	uiommu_access_destroy(access->core);
err_access:
	abi_free(abi, access);
	return rc;
}

/*
 * Begin a change, from nothing or from something.  Only the thread that has begun
 * one writes `ioas`, and reads it without the lock.
 */
static int begin(struct ufd_access *access, bool attached, int otherwise)
{
	int rc = 0;

	pthread_mutex_lock(&access->lock);
	if (access->changing)
		rc = -EBUSY;
	else if (!!access->ioas != attached)
		rc = otherwise;
	else
		access->changing = true;
	pthread_mutex_unlock(&access->lock);
	return rc;
}

/* Takes over a count of the new IOAS. */
static int change(struct ufd_access *access, struct ufd_ioas *ioas)
{
	struct ufd_ioas *left = access->ioas;
	int rc = uiommu_access_attach(access->core, ioas ? ioas->ioas : NULL);

	if (rc)
		left = ioas;
	pthread_mutex_lock(&access->lock);
	if (!rc)
		access->ioas = ioas;
	access->changing = false;
	pthread_mutex_unlock(&access->lock);
	if (left)
		ufd_object_put(&left->obj);
	return rc;
}

static int change_to(struct ufd_access *access, uint32_t ioas_id, bool attached,
		     int otherwise)
{
	struct ufd_ioas *ioas;
	int rc = begin(access, attached, otherwise);

	if (rc)
		return rc;
	ioas = ufd_ioas_get(access->obj.ctx, ioas_id);
	if (ioas)
		return change(access, ioas);
	pthread_mutex_lock(&access->lock);
	access->changing = false;
	pthread_mutex_unlock(&access->lock);
	return -ENOENT;
}

int ufd_access_attach(struct ufd_access *access, uint32_t ioas_id)
{
	return change_to(access, ioas_id, false, -EINVAL);
}

int ufd_access_replace(struct ufd_access *access, uint32_t ioas_id)
{
	return change_to(access, ioas_id, true, -ENOENT);
}

int ufd_access_detach(struct ufd_access *access)
{
	int rc = begin(access, true, -EINVAL);

	return rc ? rc : change(access, NULL);
}

void ufd_access_destroy(struct ufd_access *access)
{
	struct ufd_ctx *ctx = access->obj.ctx;

	if (access->ioas)
		ufd_access_detach(access);
	/* The table's user and the driver's. */
	ufd_object_retire(&access->obj, 2);
	uiommu_access_destroy(access->core);
	pthread_mutex_destroy(&access->lock);
	abi_free(ctx->file.abi, access);
	/* May be the last of the context. */
	abi_file_put(&ctx->file);
}
