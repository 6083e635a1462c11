/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access.c - the hardware: it walks the tables in memory (hw/mock/desc.h), and
 * knows nothing of the code that writes them.
 */
#include "hw/mock/desc.h"
#include "unit.h"

/* A slot of a table and what level it stands at. */
struct mock_slot {
	uint64_t *at;
	uint64_t d;
	int level;
};

static unsigned int level_shift(int level)
{
	return MOCK_GRANULE_LG2 +
	       MOCK_INDEX_BITS * (unsigned int)(MOCK_LAST_LEVEL - level);
}

static uint64_t *table_at(const struct uiommu_platform *pf, uint64_t pa)
{
	return pf->pa_to_va(pf->ctx, pa);
}

/* In a read section.  false: nothing is mapped there. */
static bool walk(const struct mock_dom *dom, uiommu_iova_t iova,
		 struct mock_slot *slot)
{
	const struct uiommu_platform *pf = dom->hwdom.unit->platform;
	uint64_t *table = table_at(pf, dom->root);
	uint64_t index;

	if (iova > dom->hwdom.aperture.last)
		return false;
	for (slot->level = dom->start_level; slot->level <= MOCK_LAST_LEVEL;
	     slot->level++) {
		index = iova >> level_shift(slot->level);
		/* The table at the start may be of another size. */
		if (slot->level > dom->start_level)
			index &= mask_lg2(MOCK_INDEX_BITS);
		slot->at = &table[index];
		slot->d = load_acquire(slot->at);
		if ((slot->d & MOCK_DESC_KIND) == MOCK_KIND_LEAF)
			return slot->level >= MOCK_FIRST_BLOCK_LEVEL;
		if ((slot->d & MOCK_DESC_KIND) != MOCK_KIND_TABLE)
			return false;
		table = table_at(pf, slot->d & MOCK_DESC_ADDR);
	}
	return false;
}

static uint64_t pa_in(const struct mock_slot *slot, uiommu_iova_t iova)
{
	return (slot->d & MOCK_DESC_ADDR) |
	       (iova & mask_lg2(level_shift(slot->level)));
}

static void mark(uint64_t *at, uint64_t d)
{
	/* It may be taken away, or be cleaned, at the same time. */
	while ((d & MOCK_DESC_KIND) == MOCK_KIND_LEAF &&
	       (d & MOCK_LEAF_TRACK) && (d & MOCK_LEAF_WRITE) &&
	       !(d & MOCK_LEAF_DIRTY) &&
	       !cmpxchg_acq_rel(at, &d, d | MOCK_LEAF_DIRTY))
		;
}

/* The other half of 4 KiB; NULL: this page does not go together with one. */
static uint64_t *other_half(const struct mock_slot *slot)
{
	const uint64_t half = BIT64(MOCK_GRANULE_LG2);
	uint64_t *at = slot->at;
	uint64_t d;

	if (slot->level != MOCK_LAST_LEVEL)
		return NULL;
	at = (uintptr_t)at & sizeof(*at) ? at - 1 : at + 1;
	/* The halves of the slots' and of the pages' addresses are the same. */
	if ((at < slot->at) != !!(slot->d & half))
		return NULL;
	d = load_acquire(at);
	return (d ^ slot->d) & ~MOCK_LEAF_DIRTY & ~half ? NULL : at;
}

static void mark_dirty(const struct mock_slot *slot)
{
	uint64_t *other = other_half(slot);

	mark(slot->at, slot->d);
	if (other)
		mark(other, load_relaxed(other));
}

int uiommu_mock_set_dirty(struct uiommu_hwdom *hwdom, uiommu_iova_t iova)
{
	const struct uiommu_platform *pf = hwdom->unit->platform;
	struct mock_slot slot;
	bool found;

	if (!hwdom->pt)
		return -ENOENT;
	mock_dom_lock(mock_dom_of(hwdom));
	pf->read_begin(pf->ctx);
	found = walk(mock_dom_of(hwdom), iova, &slot);
	if (found)
		mark_dirty(&slot);
	pf->read_end(pf->ctx);
	mock_dom_unlock(mock_dom_of(hwdom));
	return found ? 0 : -ENOENT;
}

bool mock_dom_lookup(struct mock_dom *dom, uiommu_iova_t iova, uiommu_pa_t *pa)
{
	const struct uiommu_platform *pf = dom->hwdom.unit->platform;
	struct mock_slot slot;
	bool found;

	pf->read_begin(pf->ctx);
	found = walk(dom, iova, &slot);
	if (found)
		*pa = pa_in(&slot, iova);
	pf->read_end(pf->ctx);
	return found;
}

/* 0, or what is wrong with it. */
static int translate(struct mock_dom *dom, uiommu_iova_t iova, bool write,
		     uiommu_pa_t *pa, enum uiommu_fault_kind *kind)
{
	const struct uiommu_platform *pf;
	struct mock_slot slot;
	int rc = -EFAULT;

	*kind = UIOMMU_FAULT_TRANSLATION;
	if (!dom || dom->hwdom.type == UIOMMU_DOM_BLOCKED)
		return -EFAULT;
	if (dom->hwdom.type == UIOMMU_DOM_NESTED)
		dom = dom->parent;
	*pa = iova;
	if (dom->hwdom.type == UIOMMU_DOM_IDENTITY)
		return 0;
	pf = dom->hwdom.unit->platform;
	mock_dom_lock(dom);
	pf->read_begin(pf->ctx);
	if (!walk(dom, iova, &slot))
		goto out_end;
	*kind = UIOMMU_FAULT_PERMISSION;
	if (!(slot.d & (write ? MOCK_LEAF_WRITE : MOCK_LEAF_READ)))
		goto out_end;
	*pa = pa_in(&slot, iova);
	if (write)
		mark_dirty(&slot);
	rc = 0;
out_end:
	pf->read_end(pf->ctx);
	mock_dom_unlock(dom);
	return rc;
}

int uiommu_mock_access(struct uiommu_unit *unit, uint32_t id, uint32_t pasid,
		       uiommu_iova_t iova, bool write, uiommu_pa_t *pa)
{
	struct mock_unit *mu = mock_unit_of(unit);
	struct uiommu_fault fault = {
		.flags = write ? UIOMMU_FAULT_WRITE : 0,
		.id = id,
		.pasid = pasid,
		.iova = iova,
	};
	struct mock_dev *dev;
	int rc = -ENOENT;

	mock_lock(mu);
	dev = mock_dev_find(mu, id);
	if (dev) {
		rc = translate(mock_dev_dom(dev, pasid), iova, write, pa,
			       &fault.kind);
		fault.cookie = dev->hwdev.cookie;
		if (rc)
			mock_report(mu, dev, &fault);
	}
	mock_unlock(mu);
	mock_count(mu, rc ? MOCK_ABORTS : MOCK_ACCESSES);
	return rc;
}
