/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msi.c - doorbells inside translated address spaces.
 *
 * Where interrupt messages are translated like any other write, each doorbell
 * page needs an IOVA.  Doorbell pages are numbered by the core, and a number,
 * once given, stays; it is called a slot.  A group remembers the slots it needs.
 *
 * A domain has a doorbell in the software MSI window, at the place of its slot,
 * so that groups which share a domain agree; or, a domain for guests that has
 * bindings, at the guest physical address of one of these, and the device is told
 * the IOVA that the guest's tables lead there.  The second way goes first as long
 * as there is a binding, taken or free; what the window has already stays there.
 */
#include "msi_private.h"

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

/* ------------------------------------------- one domain; its msi_lock -- */

static bool has_bindings(const struct uiommu_domain *dom)
{
	return !list_empty(&dom->msi_bindings);
}

/* The binding that a doorbell has taken, or NULL. */
static struct core_msi_binding *binding_of(const struct uiommu_domain *dom,
					   unsigned int slot)
{
	struct core_msi_binding *it;

	list_for_each(it, &dom->msi_bindings, node)
		if (it->taken && it->slot == slot)
			return it;
	return NULL;
}

static bool gpa_is_taken(const struct uiommu_domain *dom, uint64_t gpa)
{
	const struct core_msi_binding *it;

	list_for_each(it, &dom->msi_bindings, node)
		if (it->taken && it->gpa == gpa)
			return true;
	return false;
}

/* The oldest free one where no other doorbell is yet, or NULL. */
static struct core_msi_binding *free_binding(const struct uiommu_domain *dom)
{
	struct core_msi_binding *it;

	list_for_each(it, &dom->msi_bindings, node)
		if (!it->taken && !gpa_is_taken(dom, it->gpa))
			return it;
	return NULL;
}

static bool has_doorbell(const struct uiommu_domain *dom, unsigned int slot)
{
	return has_bindings(dom) ? binding_of(dom, slot) != NULL
				 : dom->msi_slots & BIT64(slot);
}

/* Where a doorbell is, or comes. */
struct place {
	struct core_msi_binding *binding; /* NULL: in the window */
	uint64_t at;			  /* in the domain's own page table */
	uiommu_iova_t iova; /* what devices write to, to get there */
};

/* -ENOSPC: it has none, and none is free. */
static int find_place(struct uiommu_domain *dom, unsigned int slot,
		      struct place *place)
{
	const struct core_msi_slot what = read_slot(dom->core, slot);
	struct core_msi_binding *binding;

	if (!has_bindings(dom)) {
		place->binding = NULL;
		place->at = place->iova = what.window + slot * MSI_PAGE;
		return 0;
	}
	binding = binding_of(dom, slot);
	if (!binding)
		binding = free_binding(dom);
	if (!binding) {
		core_log(dom->core, UIOMMU_LOG_WARN,
			 "doorbell page 0x%llx: none of the guest's bindings "
			 "is free",
			 (unsigned long long)what.page);
		return -ENOSPC;
	}
	*place = (struct place){ binding, binding->gpa, binding->iova };
	return 0;
}

static void set_doorbell(struct uiommu_domain *dom, unsigned int slot,
			 struct core_msi_binding *binding, bool on)
{
	if (binding) {
		binding->slot = slot;
		binding->taken = on;
	} else if (on) {
		dom->msi_slots |= BIT64(slot);
	} else {
		dom->msi_slots &= ~BIT64(slot);
	}
}

static int add_doorbell(struct uiommu_domain *dom, unsigned int slot)
{
	struct place place;
	int rc = find_place(dom, slot, &place);

	if (rc)
		return rc;
	/* More than the doorbell's own page must not be reached. */
	if (core_domain_granule(dom) > MSI_PAGE)
		return -EOPNOTSUPP;
	rc = core_domain_map(
		dom, place.at, read_slot(dom->core, slot).page, MSI_PAGE,
		UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_MMIO, 0);
	if (!rc)
		set_doorbell(dom, slot, place.binding, true);
	return rc;
}

/* Doorbells that it has; an error of the flush. */
static int remove_doorbells(struct uiommu_domain *dom, uint64_t slots)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	uiommu_gather_init(&gather);
	for (; slots; slots &= slots - 1) {
		unsigned int slot = ffs_u64(slots);
		struct place place;

		if (find_place(dom, slot, &place))
			continue;
		/* A leaf of its own, which need not be split. */
		core_domain_unmap(dom, place.at, MSI_PAGE, &gather, &unmapped);
		set_doorbell(dom, slot, place.binding, false);
	}
	return core_domain_flush(dom, &gather);
}

static int add_doorbells(struct uiommu_domain *dom, uint64_t slots)
{
	uint64_t added = 0;

	for (; slots; slots &= slots - 1) {
		unsigned int slot = ffs_u64(slots);
		int rc;

		if (has_doorbell(dom, slot))
			continue;
		rc = add_doorbell(dom, slot);
		if (rc) {
			remove_doorbells(dom, added);
			return rc;
		}
		added |= BIT64(slot);
	}
	return 0;
}

/* ------------------------------------------------------ for the groups -- */

int core_msi_install(struct uiommu_domain *dom, uint64_t slots)
{
	int rc;

	/* A guest is to lead its messages to where its parent has them. */
	dom = core_domain_table(dom);
	/* Where nothing is translated, messages find their doorbell. */
	if (!dom->hw->pt)
		return 0;
	pthread_mutex_lock(&dom->msi_lock);
	rc = add_doorbells(dom, slots);
	pthread_mutex_unlock(&dom->msi_lock);
	return rc;
}

/* A doorbell that is its own place. */
static int stays_at(uiommu_pa_t doorbell, uiommu_iova_t last,
		    uiommu_iova_t *iova)
{
	if (doorbell > last)
		return -EOVERFLOW;
	*iova = doorbell;
	return 0;
}

/* msi_lock held. */
static int map_slot(struct uiommu_domain *dom, unsigned int slot,
		    uiommu_iova_t last, uiommu_iova_t *page)
{
	struct place place;
	int rc = find_place(dom, slot, &place);

	if (rc)
		return rc;
	/* Nothing is taken by who cannot use it. */
	if (place.iova > last)
		return -EOVERFLOW;
	*page = place.iova;
	return add_doorbells(dom, BIT64(slot));
}

/* Group lock held. */
static int map_doorbell(struct uiommu_group *group, uiommu_iova_t window,
			uiommu_pa_t doorbell, uiommu_iova_t last,
			uiommu_iova_t *iova)
{
	struct uiommu_domain *dom = core_group_current(group);
	uint64_t offset = doorbell & (MSI_PAGE - 1);
	uiommu_iova_t page;
	int slot, rc;

	if (!dom || dom->hw->type == UIOMMU_DOM_BLOCKED)
		return -ENOENT;
	dom = core_domain_table(dom);
	if (!dom->hw->pt)
		return stays_at(doorbell, last, iova);
	if (offset > last)
		return -EOVERFLOW;
	slot = get_slot(group->core, window, doorbell - offset);
	if (slot < 0)
		return slot;
	pthread_mutex_lock(&dom->msi_lock);
	rc = map_slot(dom, (unsigned int)slot, last - offset, &page);
	pthread_mutex_unlock(&dom->msi_lock);
	if (rc)
		return rc;
	*iova = page + offset;
	group->msi_slots |= BIT64(slot);
	return 0;
}

int uiommu_group_msi_map_within(struct uiommu_group *group,
				uiommu_pa_t doorbell, uiommu_iova_t last,
				uiommu_iova_t *iova)
{
	uiommu_iova_t window;
	int rc;

	if (!uiommu_group_msi_window(group, &window))
		return stays_at(doorbell, last, iova);
	pthread_mutex_lock(&group->lock);
	rc = map_doorbell(group, window, doorbell, last, iova);
	pthread_mutex_unlock(&group->lock);
	return rc;
}

int uiommu_group_msi_map(struct uiommu_group *group, uiommu_pa_t doorbell,
			 uiommu_iova_t *iova)
{
	return uiommu_group_msi_map_within(group, doorbell, UINT64_MAX, iova);
}

/* ------------------------------------------------- a guest's doorbells -- */

/* Leaves of page tables, of no matter which guest, are of these sizes. */
#define GRANULE_LG2_MIN 12
#define GRANULE_LG2_MAX 39
/* Far more than there are doorbells; guests must not fill our memory. */
#define MAX_BINDINGS 1024

static uint64_t last_of(const struct core_msi_binding *binding)
{
	return binding->iova + (BIT64(binding->granule_lg2) - 1);
}

/* -EINVAL: the domain, or the place in it, will not do. */
static int check_binding(const struct uiommu_domain *dom,
			 const struct core_msi_binding *wanted)
{
	const struct uiommu_range *aperture = &dom->info.aperture;

	if (dom->hw->type != UIOMMU_DOM_PAGING ||
	    !(dom->cfg.flags & UIOMMU_DOM_NEST_PARENT))
		return -EINVAL;
	return wanted->gpa < aperture->first ||
			       wanted->gpa + (MSI_PAGE - 1) > aperture->last
		       ? -EINVAL
		       : 0;
}

/* 1: it is there already; msi_lock held. */
static int place_binding(const struct uiommu_domain *dom,
			 const struct core_msi_binding *wanted)
{
	const struct core_msi_binding *it;
	unsigned int nr = 0;

	list_for_each(it, &dom->msi_bindings, node) {
		if (it->iova == wanted->iova)
			return 1;
		if (it->iova <= last_of(wanted) && wanted->iova <= last_of(it))
			return -EEXIST;
		nr++;
	}
	return nr < MAX_BINDINGS ? 0 : -ENOSPC;
}

static int bind_msi(struct uiommu_domain *dom,
		    const struct core_msi_binding *wanted)
{
	struct core_msi_binding *binding;
	int rc = check_binding(dom, wanted);

	if (rc)
		return rc;
	binding = core_alloc(dom->core, sizeof(*binding));
	if (!binding)
		return -ENOMEM;
	*binding = *wanted;
	pthread_mutex_lock(&dom->msi_lock);
	rc = place_binding(dom, binding);
	if (!rc)
		list_add_tail(&dom->msi_bindings, &binding->node);
	pthread_mutex_unlock(&dom->msi_lock);
	if (rc)
		core_free(dom->core, binding);
	return rc > 0 ? 0 : rc;
}

int uiommu_bind_guest_msi(struct uiommu_domain *domain, uiommu_iova_t iova,
			  uint64_t gpa, uint8_t granule_lg2)
{
	struct core_msi_binding wanted = { .granule_lg2 = granule_lg2 };
	int rc = -EINVAL;

	if (granule_lg2 >= GRANULE_LG2_MIN && granule_lg2 <= GRANULE_LG2_MAX) {
		wanted.iova = iova & ~(BIT64(granule_lg2) - 1);
		wanted.gpa = gpa & ~(BIT64(granule_lg2) - 1);
		rc = bind_msi(domain, &wanted);
	}
	return core_told(domain->core, rc,
			 "a guest's doorbell at 0x%llx, page of 2^%u bytes",
			 (unsigned long long)gpa, granule_lg2);
}

int uiommu_unbind_guest_msi(struct uiommu_domain *domain, uiommu_iova_t iova)
{
	struct core_msi_binding *it, *found = NULL;
	int rc = 0;

	pthread_mutex_lock(&domain->msi_lock);
	list_for_each(it, &domain->msi_bindings, node)
		if (it->iova <= iova && iova <= last_of(it))
			found = it;
	if (found && found->taken)
		rc = remove_doorbells(domain, BIT64(found->slot));
	if (found)
		list_del(&found->node);
	pthread_mutex_unlock(&domain->msi_lock);
	core_free(domain->core, found);
	return found ? rc : -ENOENT;
}

void core_msi_close(struct uiommu_domain *dom)
{
	while (has_bindings(dom)) {
		struct core_msi_binding *binding = list_first(
			&dom->msi_bindings, struct core_msi_binding, node);

		list_del(&binding->node);
		core_free(dom->core, binding);
	}
}
