/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * type1.c - the type1 back end: groups into domains, mapping, information.
 *
 * All groups of a container share one IOAS.  A group joins the first domain
 * that its devices fit, else it gets a new one; the IOAS keeps the domains
 * equal.  Attaching checks and reserves before it changes anything.
 */
#include <uiommu/uapi/vfio-nesting.h>

#include "type1.h"

#include "../type1_common.h"

/* -------------------------------------------------------- extensions ---- */

static bool coherent(const struct uvfio_type1 *t1)
{
	struct uiommu_domain_geometry geometry;
	struct uvfio_domain *dom;

	list_for_each(dom, &t1->domains, node) {
		uiommu_domain_geometry(dom->core, &geometry);
		if (!geometry.enforce_coherency)
			return false;
	}
	return !list_empty(&t1->domains);
}

int uvfio_type1_check(const struct uvfio_type1 *t1, unsigned long ext)
{
	switch (ext) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_TYPE1_NESTING_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_DMA_CC_IOMMU:
		return t1 && coherent(t1);
	case VFIO_UPDATE_VADDR:
		return t1 != NULL;
	default:
		return 0;
	}
}

/* ------------------------------------------------------------ lifetime -- */

int uvfio_type1_create(struct abi_vfio *vfio, unsigned long type,
		       struct uvfio_type1 **out)
{
	struct uvfio_type1 *t1 = abi_alloc(vfio->abi, sizeof(*t1));
	int rc;

	if (!t1)
		return -ENOMEM;
	rc = uiommu_ioas_create(vfio->abi->core, &t1->ioas);
	if (rc) {
		abi_free(vfio->abi, t1);
		return rc;
	}
	t1->abi = vfio->abi;
	t1->v2 = type != VFIO_TYPE1_IOMMU;
	t1->nesting = type == VFIO_TYPE1_NESTING_IOMMU;
	list_init(&t1->domains);
	list_init(&t1->guest.msis);
	*out = t1;
	return 0;
}

void uvfio_type1_destroy(struct uvfio_type1 *t1)
{
	type1_all_valid(t1);
	type1_guest_end(t1);
	uiommu_ioas_destroy(t1->ioas);
	abi_free(t1->abi, t1);
}

/* ------------------------------------------------------------- groups --- */

static bool msi_isolated(struct uvfio_group *group)
{
	struct uiommu_unit_caps caps;
	struct uiommu_vdev *vdev;

	list_for_each(vdev, &group->devices, group_node) {
		uiommu_device_caps(vdev->dev, &caps);
		if (!caps.msi_isolated)
			return false;
	}
	return true;
}

static void unreserve(struct uvfio_type1 *t1, struct uvfio_group *group,
		      const struct uiommu_vdev *end)
{
	struct uiommu_vdev *vdev;

	list_for_each(vdev, &group->devices, group_node) {
		if (vdev == end)
			return;
		uiommu_ioas_unreserve_device(t1->ioas, vdev->dev);
	}
}

static int reserve(struct uvfio_type1 *t1, struct uvfio_group *group)
{
	struct uiommu_vdev *vdev;
	int rc;

	list_for_each(vdev, &group->devices, group_node) {
		rc = uiommu_ioas_reserve_device(t1->ioas, vdev->dev);
		if (rc) {
			unreserve(t1, group, vdev);
			return rc == -EADDRINUSE ? -EINVAL : rc;
		}
	}
	return 0;
}

static int attach_existing(struct uvfio_type1 *t1, struct uvfio_group *group)
{
	struct uvfio_domain *dom;
	int rc;

	list_for_each(dom, &t1->domains, node) {
		rc = uiommu_group_attach(group->core, dom->core);
		if (!rc) {
			dom->nr_groups++;
			group->domain = dom;
		}
		/* The second: it cannot have what is bound to that domain. */
		if (rc != -EINVAL && rc != -EOPNOTSUPP)
			return rc;
	}
	return -EINVAL;
}

/* -EINVAL also for an IOMMU that has not both stages, as in Linux. */
static int alloc_domain(const struct uvfio_type1 *t1, struct uiommu_device *dev,
			struct uiommu_domain **out)
{
	struct uiommu_domain_cfg cfg = { .hw.type = UIOMMU_DOM_PAGING };
	int rc;

	if (t1->nesting) {
		cfg.hw.stage = UIOMMU_STAGE_2;
		cfg.hw.flags = UIOMMU_DOM_NEST_PARENT;
	}
	rc = uiommu_domain_alloc_cfg(dev, &cfg, out);
	return rc == -EOPNOTSUPP ? -EINVAL : rc;
}

static int attach_new(struct uvfio_type1 *t1, struct uvfio_group *group)
{
	struct uvfio_domain *dom = abi_alloc(t1->abi, sizeof(*dom));
	int rc;

	if (!dom)
		return -ENOMEM;
	rc = alloc_domain(t1, uvfio_group_first(group)->dev, &dom->core);
	if (rc)
		goto err_free;
	rc = uiommu_ioas_add_domain(t1->ioas, dom->core);
	if (rc) {
		rc = rc == -EADDRINUSE ? -EINVAL : rc;
		goto err_domain;
	}
	rc = type1_guest_join(t1, dom, group->core);
	if (rc)
		goto err_remove;
	dom->nr_groups = 1;
	list_add_tail(&t1->domains, &dom->node);
	group->domain = dom;
	return 0;

err_remove:
	uiommu_ioas_remove_domain(t1->ioas, dom->core);
err_domain:
	uiommu_domain_free(dom->core);
err_free:
	abi_free(t1->abi, dom);
	return rc;
}

int uvfio_type1_attach(struct uvfio_type1 *t1, struct uvfio_group *group)
{
	int rc;

	if (t1->nr_invalid)
		return -EBUSY;
	if (!msi_isolated(group))
		return -EPERM;
	rc = reserve(t1, group);
	if (rc)
		return rc;
	rc = attach_existing(t1, group);
	if (rc == -EINVAL)
		rc = attach_new(t1, group);
	if (rc)
		unreserve(t1, group, NULL);
	return rc;
}

void uvfio_type1_detach(struct uvfio_type1 *t1, struct uvfio_group *group)
{
	struct uvfio_domain *dom = group->domain;
	uint32_t pasid;

	/* Auxiliary domains of a user of the library go before their parent. */
	while (uiommu_group_detach(group->core))
		(void)uiommu_device_pasid_detach_any(
			uvfio_group_first(group)->dev, &pasid);
	group->domain = NULL;
	unreserve(t1, group, NULL);
	if (--dom->nr_groups)
		return;
	list_del(&dom->node);
	uiommu_ioas_remove_domain(t1->ioas, dom->core);
	uiommu_domain_free(dom->core);
	abi_free(t1->abi, dom);
}

/* --------------------------------------------------------------- info --- */

/* Pages smaller than a processor's are not offered. */
static uint64_t pgsizes(const struct uvfio_type1 *t1)
{
	uint64_t all = uiommu_ioas_pgsizes(t1->ioas);

	if (all & (UVFIO_PAGE_SIZE - 1))
		all |= UVFIO_PAGE_SIZE;
	return all & ~(UVFIO_PAGE_SIZE - 1);
}

uint64_t type1_pgsize(const struct uvfio_type1 *t1)
{
	return UINT64_C(1) << ffs_u64(pgsizes(t1) | BIT64(63));
}

static long get_info(struct uvfio_type1 *t1, unsigned long arg)
{
	struct uiommu_range *ranges = NULL;
	struct type1_info info = {
		.pgsizes = pgsizes(t1),
		.dma_avail = TYPE1_MAX_DMA - t1->nr_dma,
		.migration = true,
		.migration_pgsizes = UVFIO_PAGE_SIZE,
		.migration_max_bitmap = TYPE1_MAX_BITMAP,
	};
	uint64_t alignment;
	uint32_t argsz;
	long rc;

	rc = type1_read_info(t1->abi, arg, &argsz);
	if (rc)
		return rc;
	/* Nothing changes the ranges while the container is locked. */
	info.nr_ranges = uiommu_ioas_iova_ranges(t1->ioas, NULL, 0, &alignment);
	ranges = abi_alloc(t1->abi, (info.nr_ranges + 1) * sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	uiommu_ioas_iova_ranges(t1->ioas, ranges, info.nr_ranges, &alignment);
	info.ranges = ranges;
	rc = type1_write_info(t1->abi, arg, argsz, &info, TYPE1_CHAIN_WHOLE);
	abi_free(t1->abi, ranges);
	return rc;
}

/* ---------------------------------------------------------------- map --- */

/* The mapping that [map->iova, +size) overlaps; false: none. */
static bool overlapped(struct uvfio_type1 *t1,
		       const struct vfio_iommu_type1_dma_map *map,
		       struct uiommu_area_info *area)
{
	return !uiommu_ioas_next_area(t1->ioas, map->iova, area) &&
	       area->range.first <= map->iova + (map->size - 1);
}

/* The memory stays pinned where it is; the client tells its new address. */
static long new_vaddr(struct uvfio_type1 *t1,
		      const struct vfio_iommu_type1_dma_map *map)
{
	struct uiommu_area_info area;

	if (!overlapped(t1, map, &area))
		return -ENOENT;
	if (!type1_is_invalid(t1, area.range.first) ||
	    area.range.first != map->iova ||
	    area.range.last != map->iova + (map->size - 1))
		return -EINVAL;
	type1_set_valid(t1, map->iova);
	return 0;
}

static long map_dma(struct uvfio_type1 *t1, unsigned long arg)
{
	struct vfio_iommu_type1_dma_map map;
	struct uiommu_area_info area;
	struct uiommu_mm mm;
	uiommu_iova_t iova;
	int rc;

	rc = type1_read_map(t1->abi, arg,
			    VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE |
				    VFIO_DMA_MAP_FLAG_VADDR,
			    &map);
	if (!rc)
		rc = type1_check_map(&map, type1_pgsize(t1));
	if (rc)
		return rc;
	if (map.flags & VFIO_DMA_MAP_FLAG_VADDR)
		return new_vaddr(t1, &map);
	if (overlapped(t1, &map, &area))
		return -EEXIST;
	if (t1->nr_dma >= TYPE1_MAX_DMA)
		return -ENOSPC;
	iova = map.iova;
	abi_program_mm(t1->abi, ABI_CHARGE_PROCESS, &mm);
	rc = uiommu_ioas_map(t1->ioas, &mm, map.vaddr, map.size,
			     type1_map_prot(&map),
			     UIOMMU_IOAS_FIXED_IOVA | UIOMMU_IOAS_MMIO_OK,
			     &iova);
	if (!rc)
		t1->nr_dma++;
	return rc;
}

long uvfio_type1_ioctl(struct uvfio_type1 *t1, unsigned int cmd,
		       unsigned long arg)
{
	switch (cmd) {
	case VFIO_IOMMU_GET_INFO:
		return get_info(t1, arg);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(t1, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return type1_unmap(t1, arg);
	case VFIO_IOMMU_DIRTY_PAGES:
		return type1_dirty_pages(t1, arg);
	default:
		return t1->nesting ? type1_guest_ioctl(t1, cmd, arg) : -ENOTTY;
	}
}
