/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msi.c - doorbells inside translated address spaces.
 *
 * Where interrupt messages are translated like any other write, each doorbell
 * page needs an IOVA.  Pages get slots in the software MSI window, numbered by
 * the core for all domains alike, so that groups which share a domain agree.
 * A slot, once given, stays.  A group remembers the slots it needs; a domain
 * knows those it has.
 */
#include "core_private.h"

#define MSI_PAGE UINT64_C(4096)

bool uiommu_group_msi_window(struct uiommu_group *group, uiommu_iova_t *window)
{
	struct uiommu_device *dev;
	bool found = false;

	pthread_mutex_lock(&group->lock);
	list_for_each(dev, &group->devices, group_node) {
		for (unsigned int i = 0; i < dev->nr_resv && !found; i++) {
			if (dev->resv[i].type != UIOMMU_RESV_SW_MSI)
				continue;
			*window = dev->resv[i].range.first;
			found = true;
		}
	}
	pthread_mutex_unlock(&group->lock);
	return found;
}

/* The slot of a doorbell page, a new one if need be; -ENOSPC. */
static int get_slot(struct uiommu_core *core, uiommu_iova_t window,
		    uiommu_pa_t page)
{
	unsigned int i;
	int slot = -ENOSPC;

	pthread_mutex_lock(&core->lock);
	for (i = 0; i < core->nr_msi; i++)
		if (core->msi[i].window == window && core->msi[i].page == page)
			break;
	if (i < CORE_MSI_SLOTS) {
		core->msi[i] = (struct core_msi_slot){ window, page };
		if (i == core->nr_msi)
			core->nr_msi++;
		slot = (int)i;
	}
	pthread_mutex_unlock(&core->lock);
	return slot;
}

static struct core_msi_slot read_slot(struct uiommu_core *core, unsigned int i)
{
	struct core_msi_slot slot;

	pthread_mutex_lock(&core->lock);
	slot = core->msi[i];
	pthread_mutex_unlock(&core->lock);
	return slot;
}

static int map_slot(struct uiommu_domain *dom, unsigned int i)
{
	struct core_msi_slot slot = read_slot(dom->core, i);

	if (core_domain_granule(dom) > MSI_PAGE)
		return -EOPNOTSUPP;
	return core_domain_map(
		dom, slot.window + i * MSI_PAGE, slot.page, MSI_PAGE,
		UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_MMIO, 0);
}

static void unmap_slots(struct uiommu_domain *dom, uint64_t slots)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	uiommu_gather_init(&gather);
	for (; slots; slots &= slots - 1) {
		unsigned int i = ffs_u64(slots);
		struct core_msi_slot slot = read_slot(dom->core, i);

		core_domain_unmap(dom, slot.window + i * MSI_PAGE, MSI_PAGE,
				  &gather, &unmapped);
	}
	core_domain_flush(dom, &gather);
}

int core_msi_install(struct uiommu_domain *dom, uint64_t slots)
{
	uint64_t added = 0;
	int rc = 0;

	/* A guest is to lead its messages to the window in its parent. */
	dom = core_domain_table(dom);
	/* Where nothing is translated, messages find their doorbell. */
	if (!dom->hw->pt)
		return 0;
	pthread_mutex_lock(&dom->msi_lock);
	for (slots &= ~dom->msi_slots; slots; slots &= slots - 1) {
		rc = map_slot(dom, ffs_u64(slots));
		if (rc)
			break;
		added |= BIT64(ffs_u64(slots));
	}
	if (rc)
		unmap_slots(dom, added);
	else
		dom->msi_slots |= added;
	pthread_mutex_unlock(&dom->msi_lock);
	return rc;
}

/* Group lock held. */
static int map_doorbell(struct uiommu_group *group, uiommu_iova_t window,
			uiommu_pa_t doorbell, uiommu_iova_t *iova)
{
	struct uiommu_domain *dom = core_group_current(group);
	uiommu_pa_t page = doorbell & ~(MSI_PAGE - 1);
	int slot, rc;

	if (!dom || dom->hw->type == UIOMMU_DOM_BLOCKED)
		return -ENOENT;
	if (!core_domain_table(dom)->hw->pt) {
		*iova = doorbell;
		return 0;
	}
	slot = get_slot(group->core, window, page);
	if (slot < 0)
		return slot;
	rc = core_msi_install(dom, BIT64(slot));
	if (rc)
		return rc;
	group->msi_slots |= BIT64(slot);
	*iova = window + (uint64_t)slot * MSI_PAGE + (doorbell - page);
	return 0;
}

int uiommu_group_msi_map(struct uiommu_group *group, uiommu_pa_t doorbell,
			 uiommu_iova_t *iova)
{
	uiommu_iova_t window;
	int rc;

	if (!uiommu_group_msi_window(group, &window)) {
		*iova = doorbell;
		return 0;
	}
	pthread_mutex_lock(&group->lock);
	rc = map_doorbell(group, window, doorbell, iova);
	pthread_mutex_unlock(&group->lock);
	return rc;
}
