/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * viommu.h - the core's calls for guests; part of core.h, which includes it and
 * says what holds for all its functions.  Words, and what data look like:
 * nested.h.
 */
#ifndef UIOMMU_VIOMMU_H
#define UIOMMU_VIOMMU_H

#include <uiommu/nested.h>
#include <uiommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_device;
struct uiommu_domain;
struct uiommu_unit;
struct uiommu_vdevice;
struct uiommu_viommu;

/* ------------------------------------------------------ nested domains -- */

/*
 * A domain for devices behind dev's unit in which a guest's tables translate, and
 * `parent`, which was made with UIOMMU_DOM_NEST_PARENT, what these say.  It is
 * attached, replaced and freed as any other; nothing is mapped in it.  It goes before
 * its parent.
 *   -EOPNOTSUPP  the unit has none straight over a parent, or not such ones
 *   -EINVAL	the parent was not made for it, or for other hardware
 *   -EBUSY	a PASID table is bound to the parent (pasid_table.h)
 *   others	as dom_alloc of nested.h
 */
int uiommu_domain_alloc_nested(struct uiommu_device *dev,
			       struct uiommu_domain *parent, uint32_t flags,
			       const struct uiommu_user_data *data,
			       struct uiommu_domain **out);
/*
 * Carry out the guest's invalidations of such a domain; entry_num becomes the
 * number of those that were.  -EOPNOTSUPP: the domain takes none; others as
 * dom_invalidate of nested.h.
 */
int uiommu_domain_invalidate(struct uiommu_domain *domain,
			     struct uiommu_user_array *array);
/* What a nested domain is over; NULL for others. */
struct uiommu_domain *uiommu_domain_parent(const struct uiommu_domain *domain);

/* -------------------------------------------------------------- vIOMMUs -- */

/* Has the device's unit vIOMMUs of the kernel's kind `type` for it? */
bool uiommu_device_has_viommu(const struct uiommu_device *dev, uint32_t type);

struct uiommu_viommu_args {
	uint32_t type;
	const struct uiommu_user_data *data; /* or NULL */
	/* As uiommu_viommu_cfg of nested.h.  NULL: there are no windows. */
	int (*add_window)(void *ctx, uiommu_pa_t pa, uint64_t len,
			  uint64_t *offset);
	void *ctx;
};

/*
 * A guest's part of the device's unit, above `parent`.  It goes before its
 * parent, and after its domains, vdevices, queues and handlers.
 *   -EOPNOTSUPP  the unit has no such vIOMMUs
 *   -EINVAL	the parent was not made for it, or for other hardware
 *   -EBUSY	a PASID table is bound to the parent (pasid_table.h)
 *   others	as viommu_alloc of nested.h
 */
int uiommu_viommu_create(struct uiommu_device *dev,
			 struct uiommu_domain *parent,
			 const struct uiommu_viommu_args *args,
			 struct uiommu_viommu **out);
void uiommu_viommu_destroy(struct uiommu_viommu *viommu);
/* The one that it is a part of. */
struct uiommu_unit *uiommu_viommu_unit(const struct uiommu_viommu *viommu);

/* As uiommu_domain_alloc_nested(), over the vIOMMU's parent. */
int uiommu_viommu_domain_alloc(struct uiommu_viommu *viommu, uint32_t flags,
			       const struct uiommu_user_data *data,
			       struct uiommu_domain **out);
/* As uiommu_domain_invalidate(). */
int uiommu_viommu_invalidate(struct uiommu_viommu *viommu,
			     struct uiommu_user_array *array);

/*
 * Let the guest know the device by `virt_id`.
 *   -EINVAL	it is behind another unit
 *   -EEXIST	it has a vdevice, or another one in the vIOMMU has that id
 *   -EOPNOTSUPP  the hardware cannot do that for it
 *   -ENOMEM
 */
int uiommu_vdevice_create(struct uiommu_viommu *viommu,
			  struct uiommu_device *dev, uint64_t virt_id,
			  struct uiommu_vdevice **out);
/*
 * Before the device is removed; what it is attached to it keeps, and events of
 * it go on to come under the id that it had when it was attached.
 */
void uiommu_vdevice_destroy(struct uiommu_vdevice *vdev);

/*
 * What takes the events of one of the kernel's kinds: `len` bytes, or data NULL:
 * some were lost.  With no lock of the core held, from the driver's op `irq`; it
 * may wait for nothing that a thread holds while it clears the handler.  An error
 * goes back to the driver.
 */
typedef int uiommu_vevent_fn(void *ctx, const void *data, size_t len);
/* -EEXIST: there is one for the type; -ENOMEM. */
int uiommu_viommu_set_events(struct uiommu_viommu *viommu, uint32_t type,
			     uiommu_vevent_fn *fn, void *ctx);
/* When it returns no call is under way.  Not from the handler itself. */
void uiommu_viommu_clear_events(struct uiommu_viommu *viommu, uint32_t type);

/* Has it queues of the kernel's kind `type` that the hardware reads? */
bool uiommu_viommu_has_queues(const struct uiommu_viommu *viommu,
			      uint32_t type);
/*
 * As queue_alloc of nested.h; [iova, iova + len) of the parent is at pa, and
 * stays mapped and pinned until uiommu_viommu_queue_free().
 */
int uiommu_viommu_queue_alloc(struct uiommu_viommu *viommu, uint32_t type,
			      uint32_t index, uiommu_iova_t iova,
			      uiommu_pa_t pa, uint64_t len,
			      struct uiommu_hwqueue **out);
void uiommu_viommu_queue_free(struct uiommu_hwqueue *queue);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_VIOMMU_H */
