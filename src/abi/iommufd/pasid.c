/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices for users of the library, and page tables for their PASIDs.
 *
 * Which page table a PASID uses is known to the core alone: its domain leads
 * back to the page table.  A PASID counts the page table that it uses, and one
 * that was made for an IOAS goes when the last one lets go.  The lock of the
 * group makes a look at what is attached and the change that follows one.
 *
 * A device may be bound more than once, so each binding keeps a set of its own
 * PASIDs, and changes no others.
 */
#include "private.h"

static struct ufd_device *to_idev(struct uiommu_ufd_device *idev)
{
	return (struct ufd_device *)idev;
}

/* The end of each entry, as of a system call. */
static int leave(struct uiommu_abi *abi, int rc)
{
	if (abi->host.leave)
		abi->host.leave(abi->host.ctx);
	return rc;
}

static struct uiommu_abi *abi_of(const struct ufd_device *idev)
{
	return idev->obj.ctx->file.abi;
}

/* ---------------------------------------------------- attach and detach -- */

/* The page table of a PASID; NULL: none, or not ours.  Group's lock held. */
static struct ufd_hwpt *hwpt_at(struct ufd_device *idev, uint32_t pasid)
{
	return ufd_pasid_has(&idev->lib_pasids, pasid)
		       ? ufd_pasid_hwpt(idev, pasid)
		       : NULL;
}

/* A promise that was made to the device holds for its PASIDs too. */
static int check_coherency(const struct ufd_device *idev,
			   const struct ufd_hwpt *hwpt)
{
	struct uiommu_domain_geometry geometry;
	struct uiommu_unit_caps caps;

	uiommu_device_caps(idev->dev, &caps);
	uiommu_domain_geometry(hwpt->domain, &geometry);
	return caps.enforce_coherency && !geometry.enforce_coherency ? -EINVAL
								     : 0;
}

/* Group's lock held. */
static int attach(const struct ufd_change *ch, struct ufd_hwpt *hwpt,
		  struct ufd_left *left)
{
	struct ufd_device *idev = ch->idev;
	uint32_t pasid = ch->pasid;
	struct uiommu_domain *now =
		uiommu_device_pasid_domain(idev->dev, pasid);
	int rc;

	if (now)
		return now == hwpt->domain ? 0 : -EINVAL;
	rc = check_coherency(idev, hwpt);
	if (rc)
		return rc;
	rc = ufd_pasid_reserve(abi_of(idev), &idev->lib_pasids, pasid);
	if (rc)
		return rc;
	rc = uiommu_device_pasid_attach(idev->dev, pasid, hwpt->domain);
	if (rc) {
		ufd_pasid_unreserve(abi_of(idev), &idev->lib_pasids);
		return rc;
	}
	ufd_pasid_add(&idev->lib_pasids, pasid);
	ufd_object_hold(&hwpt->obj);
	return 0;
}

/* Group's lock held. */
static int replace(const struct ufd_change *ch, struct ufd_hwpt *hwpt,
		   struct ufd_left *left)
{
	struct ufd_device *idev = ch->idev;
	uint32_t pasid = ch->pasid;
	struct ufd_hwpt *old = hwpt_at(idev, pasid);
	int rc;

	if (!old)
		return -EINVAL;
	if (old == hwpt)
		return 0;
	rc = check_coherency(idev, hwpt);
	if (rc)
		return rc;
	/* By the group's call: page tables keep their PASIDs from the device's. */
	rc = uiommu_group_pasid_replace(idev->group->group, pasid,
					hwpt->domain);
	if (rc)
		return rc;
	ufd_object_hold(&hwpt->obj);
	left->hwpt = old;
	left->users = 1;
	return 0;
}

static void detach(struct ufd_device *idev, uint32_t pasid,
		   struct ufd_left *left)
{
	pthread_mutex_lock(&idev->group->lock);
	left->hwpt = hwpt_at(idev, pasid);
	if (left->hwpt) {
		uiommu_group_pasid_detach(idev->group->group, pasid);
		left->users = 1;
		ufd_pasid_remove(abi_of(idev), &idev->lib_pasids, pasid);
	}
	pthread_mutex_unlock(&idev->group->lock);
}

void ufd_device_pasids_drop(struct ufd_device *idev)
{
	const struct uiommu_platform *p = abi_of(idev)->host.platform;
	uint32_t pasid;

	if (ufd_pasid_any(&idev->lib_pasids, &pasid) && p && p->log)
		p->log(p->ctx, UIOMMU_LOG_WARN,
		       "iommufd: a device is destroyed with PASIDs attached");
	/* No other call for the device is under way. */
	while (ufd_pasid_any(&idev->lib_pasids, &pasid)) {
		struct ufd_left left = { 0 };

		detach(idev, pasid, &left);
		ufd_let_go(&left);
	}
}

/* ------------------------------------------------------------- the door -- */

int uiommu_ufd_device_bind(struct uiommu_abi *abi, int fd,
			   struct uiommu_device *dev,
			   struct uiommu_ufd_device **out, uint32_t *id)
{
	struct abi_file *file = abi_fd_get(abi, fd);
	struct ufd_device *idev;
	int rc;

	if (!file)
		return -EBADF;
	rc = ufd_device_bind(file, dev, &idev, id);
	abi_file_put(file);
	if (!rc)
		*out = (struct uiommu_ufd_device *)idev;
	return leave(abi, rc);
}

void uiommu_ufd_device_unbind(struct uiommu_ufd_device *idev)
{
	struct uiommu_abi *abi = abi_of(to_idev(idev));

	ufd_device_unbind(to_idev(idev));
	leave(abi, 0);
}

int uiommu_ufd_device_attach(struct uiommu_ufd_device *idev, uint32_t *pt_id)
{
	return leave(abi_of(to_idev(idev)),
		     ufd_device_attach(to_idev(idev), pt_id));
}

int uiommu_ufd_device_replace(struct uiommu_ufd_device *idev, uint32_t *pt_id)
{
	return leave(abi_of(to_idev(idev)),
		     ufd_device_replace(to_idev(idev), pt_id));
}

int uiommu_ufd_device_detach(struct uiommu_ufd_device *idev)
{
	return leave(abi_of(to_idev(idev)), ufd_device_detach(to_idev(idev)));
}

int uiommu_ufd_device_pasid_attach(struct uiommu_ufd_device *idev,
				   uint32_t pasid, uint32_t *pt_id)
{
	const struct ufd_change ch = { to_idev(idev), pasid, attach, NULL };

	return leave(abi_of(ch.idev), ufd_change_to(&ch, pt_id));
}

int uiommu_ufd_device_pasid_replace(struct uiommu_ufd_device *idev,
				    uint32_t pasid, uint32_t *pt_id)
{
	const struct ufd_change ch = { to_idev(idev), pasid, replace, NULL };

	return leave(abi_of(ch.idev), ufd_change_to(&ch, pt_id));
}

void uiommu_ufd_device_pasid_detach(struct uiommu_ufd_device *idev,
				    uint32_t pasid)
{
	struct ufd_left left = { 0 };

	detach(to_idev(idev), pasid, &left);
	ufd_let_go(&left);
	leave(abi_of(to_idev(idev)), 0);
}
