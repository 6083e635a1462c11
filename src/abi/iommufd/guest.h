/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest.h - the objects of guests, over those of private.h:
 *
 *   nested hwpt -> parent hwpt, or vIOMMU
 *   vIOMMU -> parent hwpt
 *   vdevice -> vIOMMU, device
 *   event queue -> vIOMMU      its descriptor -> event queue
 *   hardware queue -> vIOMMU, and another one that it needs
 *   a client's mapping of a window -> its vIOMMU
 */
#ifndef ABI_IOMMUFD_GUEST_H
#define ABI_IOMMUFD_GUEST_H

#include "private.h"

struct ufd_viommu {
	struct ufd_object obj; /* first */
	struct uiommu_viommu *viommu;
	struct ufd_hwpt *parent; /* counted */
	/*
	 * Which hardware queues there are, as far as the driver goes.  Outside of
	 * ufd_ctx.lock; core is called with it held.
	 */
	pthread_mutex_t queues;
	struct list windows; /* struct ufd_window; under ctx->lock */
};

struct ufd_vdevice {
	struct ufd_object obj;	   /* first */
	struct ufd_viommu *viommu; /* counted */
	struct ufd_device *idev;   /* counted */
	struct uiommu_vdevice *vdev;
};

struct ufd_viommu *ufd_viommu_get(struct ufd_ctx *ctx, uint32_t id);

/* As uiommu_viommu_args.add_window; ctx is the vIOMMU. */
int ufd_window_add(void *ctx, uiommu_pa_t pa, uint64_t len, uint64_t *offset);
/* All of a vIOMMU that nobody finds any more. */
void ufd_windows_drop(struct ufd_viommu *viommu);

/* A page table of a guest's over `pt`, a page table or a vIOMMU. */
int ufd_nested_alloc(struct ufd_call *call, struct ufd_device *idev,
		     struct ufd_object *pt);

/* The device goes, and with it the vdevice that it may have. */
void ufd_vdevice_drop(struct ufd_device *idev);

#endif /* ABI_IOMMUFD_GUEST_H */
