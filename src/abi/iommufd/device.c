/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bound devices and what they are attached to.
 *
 * Devices of one group share their translation, so a context keeps one
 * ufd_group for each group it has devices of: the page table the group uses
 * now, and which of its bound devices are attached to it.  The first device
 * moves the hardware, the others only join: they add their reserved regions
 * and their counts.  The last one to leave takes the hardware back to blocked.
 *
 * A change (attach or replace) to a page table, tried on one after another for
 * an IOAS, is one function with one rule: it either happens as a whole or
 * leaves all as it was.  What it frees of the old page table is let go after
 * the locks.
 */
#include "guest.h"

struct ufd_device *ufd_device_get(struct ufd_ctx *ctx, uint32_t id)
{
	return (struct ufd_device *)ufd_object_get(ctx, id, UFD_DEVICE);
}

/* -------------------------------------------------------------- groups -- */

static struct ufd_group *find_group(struct ufd_ctx *ctx,
				    const struct uiommu_group *group)
{
	struct ufd_group *igroup;

	list_for_each(igroup, &ctx->groups, node) {
		if (igroup->group == group)
			return igroup;
	}
	return NULL;
}

/* The context's view of a group, counted, or NULL: no memory. */
static struct ufd_group *group_get(struct ufd_ctx *ctx,
				   struct uiommu_group *group)
{
	struct ufd_group *igroup;

	pthread_mutex_lock(&ctx->lock);
	igroup = find_group(ctx, group);
	if (!igroup) {
		igroup = abi_alloc(ctx->file.abi, sizeof(*igroup));
		if (!igroup)
			goto out_unlock;
		igroup->group = group;
		pthread_mutex_init(&igroup->lock, NULL);
		list_init(&igroup->members);
		list_init(&igroup->attached);
		list_add_tail(&ctx->groups, &igroup->node);
	}
	igroup->refs++;
out_unlock:
	pthread_mutex_unlock(&ctx->lock);
	return igroup;
}

static void group_put(struct ufd_ctx *ctx, struct ufd_group *igroup)
{
	bool last;

	pthread_mutex_lock(&ctx->lock);
	last = !--igroup->refs;
	if (last)
		list_del(&igroup->node);
	pthread_mutex_unlock(&ctx->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&igroup->lock);
	abi_free(ctx->file.abi, igroup);
}

/* ---------------------------------------------------------------- bind -- */

/* Make the context the owner of the device's DMA. */
static int own(struct ufd_ctx *ctx, struct ufd_device *idev)
{
	struct uiommu_unit_caps caps;
	int rc;

	uiommu_device_caps(idev->dev, &caps);
	/* Clients cannot flush caches for a device that does not snoop. */
	if (!caps.coherent)
		return -EINVAL;
	idev->group = group_get(ctx, uiommu_device_group(idev->dev));
	if (!idev->group)
		return -ENOMEM;
	rc = caps.msi_isolated ? uiommu_device_claim_owner(idev->dev, ctx)
			       : -EPERM;
	if (rc)
		group_put(ctx, idev->group);
	return rc;
}

int ufd_device_bind(struct abi_file *iommufd, struct uiommu_device *dev,
		    struct ufd_device **out, uint32_t *id)
{
	struct ufd_ctx *ctx = ufd_ctx_of(iommufd);
	struct ufd_device *idev;
	int rc;

	if (!ctx)
		return -EINVAL;
	idev = abi_alloc(iommufd->abi, sizeof(*idev));
	if (!idev)
		return -ENOMEM;
	idev->dev = dev;
	list_init(&idev->node);
	list_init(&idev->bound);
	rc = ufd_object_init(ctx, &idev->obj, UFD_DEVICE);
	if (rc)
		goto err_idev;
	rc = own(ctx, idev);
	if (rc)
		goto err_object;
	abi_file_get(iommufd);
	/* The driver's: the client cannot destroy the object by its id. */
	ufd_object_hold(&idev->obj);
	*out = idev;
	*id = idev->obj.id;
	pthread_mutex_lock(&idev->group->lock);
	list_add_tail(&idev->group->members, &idev->member);
	pthread_mutex_unlock(&idev->group->lock);
	pthread_mutex_lock(&ctx->lock);
	list_add_tail(&ctx->devices, &idev->bound);
	pthread_mutex_unlock(&ctx->lock);
	ufd_object_publish(&idev->obj);
	return 0;
err_object:
	ufd_object_abort(&idev->obj);
err_idev:
	abi_free(iommufd->abi, idev);
	return rc;
}

void ufd_device_unbind(struct ufd_device *idev)
{
	struct ufd_ctx *ctx = idev->obj.ctx;
	bool counted = !idev->held_within;

	ufd_slots_drop(idev);
	ufd_device_pasids_drop(idev);
	/* Auxiliary domains of a user of the library go before their parent. */
	while (ufd_device_detach(idev))
		uiommu_aux_detach_all(idev->dev);
	ufd_vdevice_drop(idev);
	pthread_mutex_lock(&idev->group->lock);
	list_del(&idev->member);
	pthread_mutex_unlock(&idev->group->lock);
	pthread_mutex_lock(&ctx->lock);
	list_del(&idev->bound);
	pthread_mutex_unlock(&ctx->lock);
	/* The table's user and the driver's. */
	ufd_object_retire(&idev->obj, 2);
	uiommu_device_release_owner(idev->dev);
	group_put(ctx, idev->group);
	abi_free(ctx->file.abi, idev);
	/* May be the last of the context. */
	if (counted)
		abi_file_put(&ctx->file);
}

void ufd_device_hold_within(struct ufd_device *idev)
{
	idev->held_within = true;
	abi_file_put(&idev->obj.ctx->file);
}

uint32_t ufd_device_id_of(struct ufd_ctx *ctx, const struct uiommu_device *dev)
{
	const struct uiommu_group *group = uiommu_device_group(dev);
	struct ufd_device *it;
	uint32_t id = 0;

	pthread_mutex_lock(&ctx->lock);
	list_for_each(it, &ctx->devices, bound) {
		if (it->dev == dev) {
			id = it->obj.id;
			break;
		}
		if (!id && it->group->group == group)
			id = it->obj.id;
	}
	pthread_mutex_unlock(&ctx->lock);
	return id;
}

/* ------------------------------------------------------------- changes -- */

void ufd_let_go(const struct ufd_left *left)
{
	unsigned int i;

	for (i = 0; i < left->users; i++)
		ufd_object_put(&left->hwpt->obj);
	if (left->used)
		ufd_object_put(&left->used->obj);
}

/* The group's lock is held in all of these. */

static int attach(const struct ufd_change *ch, struct ufd_hwpt *hwpt,
		  struct ufd_left *left)
{
	struct ufd_device *idev = ch->idev;
	struct ufd_group *igroup = idev->group;
	int rc;

	if (idev->attached)
		return -EBUSY;
	if (igroup->hwpt && igroup->hwpt != hwpt)
		return -EINVAL;
	rc = uiommu_ioas_reserve_device(hwpt->ioas->ioas, idev->dev);
	if (rc)
		return rc;
	if (!igroup->hwpt) {
		rc = ufd_slots_check(igroup, hwpt);
		if (!rc)
			rc = uiommu_group_attach(igroup->group, hwpt->domain);
		if (rc)
			goto err_reserve;
		igroup->hwpt = hwpt;
	}
	idev->attached = true;
	list_add_tail(&igroup->attached, &idev->node);
	ufd_object_hold(&hwpt->obj);
	ufd_object_hold(&idev->obj);
	return 0;
err_reserve:
	uiommu_ioas_unreserve_device(hwpt->ioas->ioas, idev->dev);
	return rc;
}

/* -EBUSY: the last device stays, for auxiliary domains are attached. */
static int detach(struct ufd_device *idev, struct ufd_left *left)
{
	struct ufd_group *igroup = idev->group;
	struct ufd_hwpt *hwpt = igroup->hwpt;
	int rc;

	if (!idev->attached)
		return 0;
	if (list_is_singular(&igroup->attached)) {
		rc = uiommu_group_detach(igroup->group);
		if (rc)
			return rc;
		igroup->hwpt = NULL;
	}
	idev->attached = false;
	list_del(&idev->node);
	uiommu_ioas_unreserve_device(hwpt->ioas->ioas, idev->dev);
	ufd_object_put(&idev->obj);
	left->hwpt = hwpt;
	left->users = 1;
	return 0;
}

static void undo_attach(const struct ufd_change *ch, struct ufd_left *left)
{
	(void)detach(ch->idev, left);
}

static void unreserve_group(struct ufd_group *igroup, struct ufd_ioas *ioas,
			    const struct ufd_device *end)
{
	struct ufd_device *idev;

	list_for_each(idev, &igroup->attached, node) {
		if (idev == end)
			return;
		uiommu_ioas_unreserve_device(ioas->ioas, idev->dev);
	}
}

/* Keep the regions of all attached devices out of another IOAS. */
static int reserve_group(struct ufd_group *igroup, struct ufd_ioas *ioas)
{
	struct ufd_device *idev;
	int rc;

	list_for_each(idev, &igroup->attached, node) {
		rc = uiommu_ioas_reserve_device(ioas->ioas, idev->dev);
		if (rc) {
			unreserve_group(igroup, ioas, idev);
			return rc;
		}
	}
	return 0;
}

static int replace(const struct ufd_change *ch, struct ufd_hwpt *hwpt,
		   struct ufd_left *left)
{
	const struct ufd_device *idev = ch->idev;
	struct ufd_group *igroup = idev->group;
	struct ufd_hwpt *old = igroup->hwpt;
	struct ufd_device *each;
	bool other_ioas;
	int rc;

	if (!old || !idev->attached)
		return -EINVAL;
	if (old == hwpt)
		return 0;
	other_ioas = old->ioas != hwpt->ioas;
	if (other_ioas) {
		rc = reserve_group(igroup, hwpt->ioas);
		if (rc)
			return rc;
	}
	rc = ufd_slots_check(igroup, hwpt);
	if (!rc)
		rc = uiommu_group_replace(igroup->group, hwpt->domain);
	if (rc)
		goto err_reserve;
	if (other_ioas)
		unreserve_group(igroup, old->ioas, NULL);
	igroup->hwpt = hwpt;
	left->hwpt = old;
	list_for_each(each, &igroup->attached, node) {
		ufd_object_hold(&hwpt->obj);
		left->users++;
	}
	return 0;
err_reserve:
	if (other_ioas)
		unreserve_group(igroup, hwpt->ioas, NULL);
	return rc;
}

/* ----------------------------------------------- to an IOAS or a hwpt --- */

static int change(const struct ufd_change *ch, struct ufd_hwpt *hwpt,
		  struct ufd_left *left)
{
	int rc;

	pthread_mutex_lock(&ch->idev->group->lock);
	rc = ch->to(ch, hwpt, left);
	pthread_mutex_unlock(&ch->idev->group->lock);
	return rc;
}

static void undo(const struct ufd_change *ch, struct ufd_left *left)
{
	pthread_mutex_lock(&ch->idev->group->lock);
	ch->undo(ch, left);
	pthread_mutex_unlock(&ch->idev->group->lock);
}

/*
 * Make a page table and change to it.
 *
 * As soon as the group has moved to it, others of the group can move it away
 * again and let go: the maker counts it until it has been published, and after
 * an error whoever lets go last destroys it.
 */
static int change_to_new(const struct ufd_change *ch, struct ufd_ioas *ioas,
			 uint32_t *pt_id, struct ufd_left *left)
{
	struct ufd_hwpt *hwpt;
	int rc;

	rc = ufd_hwpt_new_empty(ioas, ch->idev, 0, NULL, &hwpt);
	if (rc)
		return rc;
	hwpt->obj.transient = true;
	ufd_object_hold(&hwpt->obj);
	left->used = hwpt;
	if (ch->undo) {
		rc = change(ch, hwpt, left);
		if (rc)
			return rc;
		rc = ufd_hwpt_fill(hwpt);
		if (rc)
			undo(ch, left);
	} else {
		rc = ufd_hwpt_fill(hwpt);
		if (!rc)
			rc = change(ch, hwpt, left);
	}
	if (rc)
		return rc;
	*pt_id = hwpt->obj.id;
	ufd_object_publish(&hwpt->obj);
	return 0;
}

/*
 * The first page table made by an attach that takes the device, in the order
 * they were made; -EINVAL means that it does not fit and is no error yet.
 * -ESRCH: none fits.
 */
static int change_to_shared(const struct ufd_change *ch, struct ufd_ioas *ioas,
			    uint32_t *pt_id, struct ufd_left *left)
{
	struct ufd_hwpt *hwpt, *next;
	int rc;

	list_for_each_safe(hwpt, next, &ioas->hwpts, node) {
		if (!hwpt->obj.transient || !ufd_object_try_get(&hwpt->obj))
			continue;
		rc = change(ch, hwpt, left);
		if (rc != -EINVAL) {
			left->used = hwpt;
			if (!rc)
				*pt_id = hwpt->obj.id;
			return rc;
		}
		if (ufd_object_put_last(&hwpt->obj))
			ufd_hwpt_release_locked(hwpt);
	}
	return -ESRCH;
}

static int change_to_ioas(const struct ufd_change *ch, struct ufd_ioas *ioas,
			  uint32_t *pt_id, struct ufd_left *left)
{
	int rc;

	pthread_mutex_lock(&ioas->lock);
	rc = change_to_shared(ch, ioas, pt_id, left);
	if (rc == -ESRCH)
		rc = change_to_new(ch, ioas, pt_id, left);
	pthread_mutex_unlock(&ioas->lock);
	return rc;
}

int ufd_change_to(const struct ufd_change *ch, uint32_t *pt_id)
{
	struct ufd_left left = { 0 };
	struct ufd_object *pt;
	int rc;

	pt = ufd_object_get(ch->idev->obj.ctx, *pt_id, UFD_ANY);
	if (!pt)
		return -ENOENT;
	if (ufd_is_hwpt(pt))
		rc = change(ch, (struct ufd_hwpt *)pt, &left);
	else if (pt->type == UFD_IOAS)
		rc = change_to_ioas(ch, (struct ufd_ioas *)pt, pt_id, &left);
	else
		rc = -EINVAL;
	ufd_object_put(pt);
	ufd_let_go(&left);
	return rc;
}

int ufd_device_attach(struct ufd_device *idev, uint32_t *pt_id)
{
	const struct ufd_change ch = {
		.idev = idev,
		.to = attach,
		.undo = undo_attach,
	};

	return ufd_change_to(&ch, pt_id);
}

int ufd_device_replace(struct ufd_device *idev, uint32_t *pt_id)
{
	const struct ufd_change ch = { .idev = idev, .to = replace };

	return ufd_change_to(&ch, pt_id);
}

int ufd_device_detach(struct ufd_device *idev)
{
	struct ufd_left left = { 0 };
	int rc;

	pthread_mutex_lock(&idev->group->lock);
	rc = detach(idev, &left);
	pthread_mutex_unlock(&idev->group->lock);
	ufd_let_go(&left);
	return rc;
}
