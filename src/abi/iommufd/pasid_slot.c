/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PASIDs as clients attach them, by the kernel's rules.
 *
 * A slot is a PASID of a group: its page table, which the core knows, and the
 * devices that are in it, of which each keeps its own set.  The first device
 * moves the hardware, for all of the group; others only join, the last one to go
 * takes it back.  This is as it is for accesses without PASID (device.c), but
 * reserved regions do not count.
 *
 * A page table is for PASIDs, or beside them, only if it was asked for with
 * IOMMU_HWPT_ALLOC_PASID, so none that an attach to an IOAS makes ever is.
 */
#include "private.h"

#include <uiommu/env.h>

/* The group's lock is held in all of these. */

static unsigned int nr_devices(const struct ufd_group *igroup, uint32_t pasid)
{
	const struct ufd_device *idev;
	unsigned int nr = 0;

	list_for_each(idev, &igroup->members, member)
		nr += ufd_pasid_has(&idev->pasids, pasid);
	return nr;
}

struct ufd_hwpt *ufd_pasid_hwpt(const struct ufd_device *idev, uint32_t pasid)
{
	struct uiommu_domain *dom =
		uiommu_group_pasid_domain(idev->group->group, pasid);
	struct ufd_hwpt *hwpt = dom ? uiommu_domain_user(dom, idev->obj.ctx)
				    : NULL;

	/* Page tables keep their PASIDs (uiommu_domain_keep_pasids). */
	UIOMMU_ASSERT(hwpt);
	return hwpt;
}

static bool for_pasids(const struct ufd_hwpt *hwpt)
{
	return hwpt->flags & IOMMU_HWPT_ALLOC_PASID;
}

/* Can the hardware have it at a PASID, beside what the group has without? */
static int check(const struct ufd_group *igroup, const struct ufd_hwpt *hwpt)
{
	if (!for_pasids(hwpt) || (igroup->hwpt && !for_pasids(igroup->hwpt)))
		return -EINVAL;
	return 0;
}

int ufd_slots_check(const struct ufd_group *igroup, const struct ufd_hwpt *hwpt)
{
	return igroup->nr_pasids && !for_pasids(hwpt) ? -EINVAL : 0;
}

/* -------------------------------------------------------------- changes -- */

/* For the first device. */
static int open_slot(const struct ufd_group *igroup, uint32_t pasid,
		     const struct ufd_hwpt *hwpt)
{
	int rc = check(igroup, hwpt);

	return rc ? rc
		  : uiommu_group_pasid_attach(igroup->group, pasid,
					      hwpt->domain);
}

static int join_slot(const struct ufd_device *idev, uint32_t pasid,
		     const struct ufd_hwpt *hwpt)
{
	return ufd_pasid_hwpt(idev, pasid) == hwpt ? 0 : -EINVAL;
}

static int attach(const struct ufd_change *ch, struct ufd_hwpt *hwpt,
		  struct ufd_left *left)
{
	struct ufd_device *idev = ch->idev;
	struct ufd_group *igroup = idev->group;
	uint32_t pasid = ch->pasid;
	struct uiommu_abi *abi = idev->obj.ctx->file.abi;
	int rc;

	if (ufd_pasid_has(&idev->pasids, pasid))
		return -EBUSY;
	rc = ufd_pasid_reserve(abi, &idev->pasids, pasid);
	if (rc)
		return rc;
	rc = nr_devices(igroup, pasid) ? join_slot(idev, pasid, hwpt)
				       : open_slot(igroup, pasid, hwpt);
	if (rc) {
		ufd_pasid_unreserve(abi, &idev->pasids);
		return rc;
	}
	ufd_pasid_add(&idev->pasids, pasid);
	igroup->nr_pasids++;
	ufd_object_hold(&hwpt->obj);
	return 0;
}

static int replace(const struct ufd_change *ch, struct ufd_hwpt *hwpt,
		   struct ufd_left *left)
{
	const struct ufd_device *idev = ch->idev;
	struct ufd_group *igroup = idev->group;
	uint32_t pasid = ch->pasid;
	struct ufd_hwpt *old;
	unsigned int i;
	int rc;

	if (!ufd_pasid_has(&idev->pasids, pasid))
		return -EINVAL;
	old = ufd_pasid_hwpt(idev, pasid);
	if (old == hwpt)
		return 0;
	rc = check(igroup, hwpt);
	if (!rc)
		rc = uiommu_group_pasid_replace(igroup->group, pasid,
						hwpt->domain);
	if (rc)
		return rc;
	left->hwpt = old;
	left->users = nr_devices(igroup, pasid);
	for (i = 0; i < left->users; i++)
		ufd_object_hold(&hwpt->obj);
	return 0;
}

static void detach(const struct ufd_change *ch, struct ufd_left *left)
{
	struct ufd_device *idev = ch->idev;
	struct ufd_group *igroup = idev->group;
	uint32_t pasid = ch->pasid;

	if (!ufd_pasid_has(&idev->pasids, pasid))
		return;
	left->hwpt = ufd_pasid_hwpt(idev, pasid);
	left->users = 1;
	ufd_pasid_remove(idev->obj.ctx->file.abi, &idev->pasids, pasid);
	igroup->nr_pasids--;
	if (!nr_devices(igroup, pasid))
		uiommu_group_pasid_detach(igroup->group, pasid);
}

/* ---------------------------------------------------------- from outside -- */

bool ufd_device_has_pasid(struct ufd_device *idev, uint32_t pasid)
{
	bool has;

	pthread_mutex_lock(&idev->group->lock);
	has = ufd_pasid_has(&idev->pasids, pasid);
	pthread_mutex_unlock(&idev->group->lock);
	return has;
}

int ufd_device_pasid_attach(struct ufd_device *idev, uint32_t pasid,
			    uint32_t *pt_id)
{
	const struct ufd_change ch = { idev, pasid, attach, detach };

	return ufd_change_to(&ch, pt_id);
}

int ufd_device_pasid_replace(struct ufd_device *idev, uint32_t pasid,
			     uint32_t *pt_id)
{
	const struct ufd_change ch = { idev, pasid, replace, NULL };

	return ufd_change_to(&ch, pt_id);
}

void ufd_device_pasid_detach(struct ufd_device *idev, uint32_t pasid)
{
	const struct ufd_change ch = { .idev = idev, .pasid = pasid };
	struct ufd_left left = { 0 };

	pthread_mutex_lock(&idev->group->lock);
	detach(&ch, &left);
	pthread_mutex_unlock(&idev->group->lock);
	ufd_let_go(&left);
}

void ufd_slots_drop(struct ufd_device *idev)
{
	uint32_t pasid;

	/* No other call for the device is under way. */
	while (ufd_pasid_any(&idev->pasids, &pasid))
		ufd_device_pasid_detach(idev, pasid);
}
