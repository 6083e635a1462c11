/* SPDX-License-Identifier: BSD-2-Clause */
/* See nested_guest.h. */
#include "nested_guest.h"

const struct uiommu_nested_ops *nops_of(const struct rig *rig)
{
	return rig->unit->ops->nested;
}

/* -------------------------------------------------- what a guest writes -- */

uint64_t *page(struct guest *g, unsigned int nr)
{
	return (uint64_t *)(g->rig->ram + (g->first + nr) * RIG_PAGE);
}

uint64_t ipa(unsigned int nr)
{
	return RAM + nr * RIG_PAGE;
}

void write_cd(struct guest *g, unsigned int ssid, unsigned int asid)
{
	uint64_t *cd = page(g, CDS) + ssid * 8;

	memset(cd, 0, 64);
	cd[1] = ipa(TABLES + 3 * (asid - 1));
	cd[3] = 0xff;
	cd[0] = 0xe205c0003519 | (uint64_t)asid << 48;
}

void point(struct guest *g, unsigned int asid, uint64_t iova, uint64_t to,
	   bool writable)
{
	unsigned int top = TABLES + 3 * (asid - 1);

	page(g, top)[iova >> 30 & 511] = ipa(top + 1) | 3;
	page(g, top + 1)[iova >> 21 & 511] = ipa(top + 2) | 3;
	/* AF, inner shareable, EL0, nG */
	page(g, top + 2)[iova >> 12 & 511] =
		to ? to | 0xf43 | (writable ? 0 : 0x80) : 0;
}

void map(struct guest *g, unsigned int asid, unsigned int at, unsigned int data)
{
	point(g, asid, IOVA + at * RIG_PAGE, ipa(DATA + data), true);
}

uint64_t word(const struct guest *g, unsigned int data)
{
	return g->id << 32 | data;
}

void command(struct guest *g, uint64_t q0, uint64_t q1)
{
	const uint64_t cmd[2] = { q0, q1 };
	struct uiommu_user_array array = {
		.type = UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3,
		.entry_len = 16,
		.entry_num = 1,
		.at = (uintptr_t)cmd,
	};

	assert_int_equal(nops_of(g->rig)->viommu_invalidate(g->viommu, &array),
			 0);
	assert_int_equal(array.entry_num, 1);
}

uint64_t peek_pasid(struct guest *g, uint32_t pasid, unsigned int at)
{
	return rig_peek(g->rig, g->sid, pasid, IOVA + at * RIG_PAGE);
}

uint64_t peek(struct guest *g, unsigned int at)
{
	return peek_pasid(g, UIOMMU_NO_PASID, at);
}

uint64_t by_atc(struct guest *g, uint32_t pasid, unsigned int at)
{
	uint64_t val = 0;
	struct uiommu_smmuv3_dma req = {
		.txn = { .iova = IOVA + at * RIG_PAGE,
			 .ssid = pasid,
			 .flags = pasid ? UIOMMU_TXN_SSV : 0 },
		.buf = &val,
		.len = 8,
	};

	return uiommu_smmuv3_endpoint_dma(rig_endpoint(g->rig, g->sid), &req)
		       ? RIG_STOPPED
		       : val;
}

/* ------------------------------------------------------- coming and going -- */

struct uiommu_hwdom *new_nested(struct guest *g, uint64_t q0, uint64_t q1)
{
	const struct uiommu_hwpt_smmuv3 ste = { { q0, q1 } };
	const struct uiommu_user_data data = {
		.type = UIOMMU_HWPT_DATA_ARM_SMMUV3,
		.len = sizeof(ste),
		.at = (uintptr_t)&ste,
	};
	struct uiommu_hwdom *dom;

	assert_int_equal(nops_of(g->rig)->viommu_dom_alloc(g->viommu, 0, &data,
							   &dom),
			 0);
	return dom;
}

struct uiommu_hwdom *new_s1(struct guest *g)
{
	return new_nested(g, 0x300000000000000b | ipa(CDS), 0x100000d6);
}

void guest_open(struct guest *g, struct rig *rig, unsigned int nr)
{
	const struct uiommu_dom_cfg s2 = { .type = UIOMMU_DOM_PAGING,
					   .stage = UIOMMU_STAGE_2,
					   .flags = UIOMMU_DOM_NEST_PARENT };
	const struct uiommu_viommu_cfg cfg = { .id = nr + 1 };

	*g = (struct guest){ .rig = rig,
			     .first = nr * GUEST_PAGES,
			     .sid = 5 + nr,
			     .id = nr + 1 };
	g->dev = rig_ats_device(rig, g->sid, 8);
	assert_int_equal(rig->unit->ops->dom_alloc(rig->unit, &s2, &g->parent),
			 0);
	rig_map(g->parent, RAM, page(g, 0), GUEST_PAGES * RIG_PAGE, RW);
	assert_int_equal(
		nops_of(rig)->viommu_alloc(g->dev, g->parent,
					   UIOMMU_VIOMMU_TYPE_ARM_SMMUV3, &cfg,
					   &g->viommu),
		0);
	assert_int_equal(
		nops_of(rig)->vdev_alloc(g->viommu, g->dev, VSID, &g->vdev), 0);
	for (unsigned int i = 0; i < GUEST_PAGES - DATA; i++)
		page(g, DATA + i)[0] = word(g, i);
	write_cd(g, 0, 1);
	write_cd(g, PASID, 2);
	map(g, 1, 0, 0);
	map(g, 1, 1, 1);
	map(g, 2, 0, 10);
	map(g, 2, 1, 11);
	g->nested = new_s1(g);
	rig_attach(g->nested, g->dev);
}

void guest_close(struct guest *g)
{
	const struct uiommu_driver_ops *ops = g->rig->unit->ops;

	rig_attach(g->parent, g->dev);
	ops->dom_free(g->nested);
	nops_of(g->rig)->vdev_free(g->vdev);
	nops_of(g->rig)->viommu_free(g->viommu);
	ops->dev_remove(g->dev);
	ops->dom_free(g->parent);
}

struct rig *open_rig_caching(bool all)
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	rig_caches(&cfg, all);
	return rig_create(&cfg);
}

struct rig *open_rig(void)
{
	return open_rig_caching(true);
}

void nothing_reported(struct rig *rig)
{
	rig_irqs(rig);
	assert_int_equal(rig->nr_faults, 0);
	assert_int_equal(rig->nr_vevents, 0);
}
