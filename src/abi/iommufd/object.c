/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts and their objects.
 *
 * The table maps ids, from 1 up and lowest free first, to objects.  A slot is
 * empty, holds the mark RESERVED (an object being made or being taken away:
 * its id is used but nobody finds it), the mark TOMB (the same for ever), or an
 * object.  Making goes empty -> RESERVED -> object; everything that can fail comes
 * before the last step.
 *
 * An object is destroyed by whoever takes its count from 1 to 0 while it
 * stands in the table, under the lock.  From then on nobody else has or can
 * get a reference, so the rest needs no lock and cannot fail.
 */
#include "private.h"

#include <string.h>

#include <uiommu/env.h>

#include "base/atomic.h"

#define RESERVED ((struct ufd_object *)1)
#define TOMB ((struct ufd_object *)2)
/* In a count: ufd_object_retire waits for it to fall. */
#define USERS_AWAITED BIT32(31)
/* Ids are positive 32-bit integers. */
#define ID_MAX UINT32_C(0x7fffffff)
#define SLOTS_MIN 16u

/* ------------------------------------------------------------- the ids -- */

/* The lock is held in all of these. */

struct ufd_object *ufd_object_at(struct ufd_ctx *ctx, uint32_t id)
{
	struct ufd_object *obj = id < ctx->nr_slots ? ctx->slots[id] : NULL;

	return obj == RESERVED || obj == TOMB ? NULL : obj;
}

static int grow(struct ufd_ctx *ctx)
{
	uint32_t nr = ctx->nr_slots ? ctx->nr_slots * 2 : SLOTS_MIN;
	struct ufd_object **slots;

	if (ctx->nr_slots > ID_MAX / 2)
		return -ENOSPC;
	slots = abi_alloc(ctx->file.abi, nr * sizeof(struct ufd_object *));
	if (!slots)
		return -ENOMEM;
	if (ctx->slots)
		memcpy(slots, ctx->slots,
		       ctx->nr_slots * sizeof(struct ufd_object *));
	abi_free(ctx->file.abi, ctx->slots);
	ctx->slots = slots;
	ctx->nr_slots = nr;
	return 0;
}

static int reserve_id(struct ufd_ctx *ctx, uint32_t *id)
{
	uint32_t at = ctx->low_free;
	int rc;

	while (at < ctx->nr_slots && ctx->slots[at])
		at++;
	if (at >= ctx->nr_slots) {
		rc = grow(ctx);
		if (rc)
			return rc;
	}
	ctx->slots[at] = RESERVED;
	ctx->low_free = at + 1;
	ctx->nr_used++;
	*id = at;
	return 0;
}

static void release_id(struct ufd_ctx *ctx, uint32_t id)
{
	ctx->slots[id] = NULL;
	ctx->nr_used--;
	if (id < ctx->low_free)
		ctx->low_free = id;
}

/* Take an object that only the table counts out of it. */
static bool remove_last(struct ufd_object *obj)
{
	struct ufd_ctx *ctx = obj->ctx;
	uint32_t one = 1;

	if (!cmpxchg_acq_rel(&obj->users, &one, 0))
		return false;
	release_id(ctx, obj->id);
	if (ctx->compat == obj)
		ctx->compat = NULL;
	return true;
}

/* ------------------------------------------------------------- objects -- */

int ufd_object_init(struct ufd_ctx *ctx, struct ufd_object *obj,
		    enum ufd_type type)
{
	int rc;

	obj->ctx = ctx;
	obj->type = type;
	obj->users = 1;
	pthread_mutex_lock(&ctx->lock);
	rc = reserve_id(ctx, &obj->id);
	pthread_mutex_unlock(&ctx->lock);
	return rc;
}

void ufd_object_publish(struct ufd_object *obj)
{
	pthread_mutex_lock(&obj->ctx->lock);
	obj->ctx->slots[obj->id] = obj;
	pthread_mutex_unlock(&obj->ctx->lock);
}

void ufd_object_abort(struct ufd_object *obj)
{
	pthread_mutex_lock(&obj->ctx->lock);
	release_id(obj->ctx, obj->id);
	pthread_mutex_unlock(&obj->ctx->lock);
}

struct ufd_object *ufd_object_get(struct ufd_ctx *ctx, uint32_t id,
				  enum ufd_type type)
{
	struct ufd_object *obj;

	pthread_mutex_lock(&ctx->lock);
	obj = ufd_object_at(ctx, id);
	if (obj && type != UFD_ANY && obj->type != type)
		obj = NULL;
	if (obj)
		ufd_object_hold(obj);
	pthread_mutex_unlock(&ctx->lock);
	return obj;
}

bool ufd_object_try_get_locked(struct ufd_object *obj)
{
	bool found = ufd_object_at(obj->ctx, obj->id) == obj;

	if (found)
		ufd_object_hold(obj);
	return found;
}

bool ufd_object_try_get(struct ufd_object *obj)
{
	struct ufd_ctx *ctx = obj->ctx;
	bool found;

	pthread_mutex_lock(&ctx->lock);
	found = ufd_object_try_get_locked(obj);
	pthread_mutex_unlock(&ctx->lock);
	return found;
}

void ufd_object_hold(struct ufd_object *obj)
{
	fetch_add_relaxed(&obj->users, 1);
}

/* What is left to do for an object that nobody can reach any more. */
static void release(struct ufd_object *obj)
{
	switch (obj->type) {
	case UFD_IOAS:
		ufd_ioas_release((struct ufd_ioas *)obj);
		return;
	case UFD_HWPT:
		ufd_hwpt_release((struct ufd_hwpt *)obj);
		return;
	case UFD_FAULT:
		ufd_fault_release(obj);
		return;
	case UFD_EXTRA:
		obj->release(obj);
		return;
	case UFD_HWPT_NESTED:
		ufd_nested_release(obj);
		return;
	case UFD_VIOMMU:
		ufd_viommu_release(obj);
		return;
	case UFD_VDEVICE:
		ufd_vdevice_release(obj);
		return;
	case UFD_VEVENTQ:
		ufd_veventq_release(obj);
		return;
	case UFD_HW_QUEUE:
		ufd_hw_queue_release(obj);
		return;
	default:
		/* The driver of a device or access counts it: ufd_object_retire. */
		UIOMMU_ASSERT(false);
	}
}

bool ufd_object_put_last(struct ufd_object *obj)
{
	struct ufd_ctx *ctx = obj->ctx;
	bool last;

	pthread_mutex_lock(&ctx->lock);
	fetch_sub_acq_rel(&obj->users, 1);
	last = remove_last(obj);
	pthread_mutex_unlock(&ctx->lock);
	return last;
}

void ufd_object_put(struct ufd_object *obj)
{
	/* The object may be gone right after the count falls. */
	struct ufd_ctx *ctx = obj->ctx;

	if (obj->transient) {
		if (ufd_object_put_last(obj))
			release(obj);
		return;
	}
	if (!(fetch_sub_acq_rel(&obj->users, 1) & USERS_AWAITED))
		return;
	pthread_mutex_lock(&ctx->lock);
	pthread_cond_broadcast(&ctx->idle);
	pthread_mutex_unlock(&ctx->lock);
}

int ufd_object_destroy(struct ufd_ctx *ctx, uint32_t id)
{
	struct ufd_object *obj;
	int rc = 0;

	pthread_mutex_lock(&ctx->lock);
	obj = ufd_object_at(ctx, id);
	if (!obj)
		rc = -ENOENT;
	else if (!remove_last(obj))
		rc = -EBUSY;
	pthread_mutex_unlock(&ctx->lock);
	if (!rc)
		release(obj);
	return rc;
}

/* Lock held; nobody finds it any more. */
static void await(struct ufd_object *obj, uint32_t own)
{
	struct ufd_ctx *ctx = obj->ctx;

	fetch_or_acq_rel(&obj->users, USERS_AWAITED);
	while ((load_acquire(&obj->users) & ~USERS_AWAITED) > own)
		pthread_cond_wait(&ctx->idle, &ctx->lock);
}

void ufd_object_retire(struct ufd_object *obj, uint32_t own)
{
	struct ufd_ctx *ctx = obj->ctx;

	pthread_mutex_lock(&ctx->lock);
	ctx->slots[obj->id] = RESERVED;
	await(obj, own);
	release_id(ctx, obj->id);
	pthread_mutex_unlock(&ctx->lock);
}

bool ufd_object_entomb(struct ufd_object *obj)
{
	struct ufd_ctx *ctx = obj->ctx;
	bool found;

	pthread_mutex_lock(&ctx->lock);
	found = ufd_object_at(ctx, obj->id) == obj;
	if (found) {
		ctx->slots[obj->id] = TOMB;
		ctx->nr_tombs++;
	}
	pthread_mutex_unlock(&ctx->lock);
	return found;
}

void ufd_object_await(struct ufd_object *obj, uint32_t own)
{
	struct ufd_ctx *ctx = obj->ctx;

	pthread_mutex_lock(&ctx->lock);
	await(obj, own);
	pthread_mutex_unlock(&ctx->lock);
}

int ufd_destroy(struct ufd_call *call)
{
	const struct iommu_destroy *cmd = call->cmd;

	return ufd_object_destroy(call->ctx, cmd->id);
}

/* ------------------------------------------------------------ contexts -- */

/* Destroy what only the table counts; true if there was anything. */
static bool release_unused(struct ufd_ctx *ctx)
{
	bool any = false;
	uint32_t id;

	for (id = 1; id < ctx->nr_slots; id++) {
		if (ctx->slots[id] && !ufd_object_destroy(ctx, id))
			any = true;
	}
	return any;
}

/*
 * Nobody is inside, no device is bound, no queue open.  Objects rest on each other without
 * cycles, so each round finds one that nothing rests on.
 */
static void ctx_release(struct abi_file *file)
{
	struct ufd_ctx *ctx = (struct ufd_ctx *)file;
	struct uiommu_abi *abi = file->abi;

	while (ctx->nr_used > ctx->nr_tombs && release_unused(ctx))
		;
	UIOMMU_ASSERT(ctx->nr_used == ctx->nr_tombs &&
		      list_empty(&ctx->groups));
	pthread_cond_destroy(&ctx->idle);
	pthread_mutex_destroy(&ctx->lock);
	abi_free(abi, ctx->slots);
	abi_free(abi, ctx);
}

static const struct abi_file_ops ctx_ops = {
	.name = "iommufd",
	.ioctl = ufd_ioctl,
	.mmap = ufd_mmap,
	.release = ctx_release,
};

int ufd_open(struct uiommu_abi *abi, struct abi_file **out)
{
	struct ufd_ctx *ctx = abi_alloc(abi, sizeof(*ctx));

	if (!ctx)
		return -ENOMEM;
	abi_file_init(&ctx->file, abi, &ctx_ops);
	pthread_mutex_init(&ctx->lock, NULL);
	pthread_cond_init(&ctx->idle, NULL);
	ctx->low_free = 1;
	list_init(&ctx->groups);
	list_init(&ctx->devices);
	list_init(&ctx->windows);
	*out = &ctx->file;
	return 0;
}

struct ufd_ctx *ufd_ctx_of(struct abi_file *file)
{
	return file->ops == &ctx_ops ? (struct ufd_ctx *)file : NULL;
}
