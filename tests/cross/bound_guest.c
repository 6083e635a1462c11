/* SPDX-License-Identifier: BSD-2-Clause */
/* See bound_guest.h. */
#include <stdio.h>

#include "bound_guest.h"

const struct uiommu_pasid_table bound_cds = {
	.state = UIOMMU_GUEST_TRANSLATE,
	.format = UIOMMU_PASID_TABLE_LINEAR,
	.none = UIOMMU_PASID_NONE_IS_0,
	.pasid_bits = 6,
	.base = RAM, /* page CDS */
};
const struct uiommu_pasid_table bound_bypass = {
	.state = UIOMMU_GUEST_BYPASS,
};
const struct uiommu_pasid_table bound_abort = {
	.state = UIOMMU_GUEST_ABORT,
};

static void open_both(struct bound *b, bool all,
		      void (*tweak)(struct rig_cfg *cfg))
{
	struct rig_cfg cfg;

	memset(b, 0, sizeof(*b));
	rig_default(&cfg);
	rig_caches(&cfg, all);
	core_rig_open(&b->cr, &cfg);
	rig_default(&cfg);
	rig_caches(&cfg, all);
	if (tweak)
		tweak(&cfg);
	core_rig_join(&b->cr, &cfg);
	b->g = (struct guest){ .rig = b->cr.rig[0], .id = 1 };
	for (unsigned int i = 0; i < GUEST_PAGES - DATA; i++)
		page(&b->g, DATA + i)[0] = word(&b->g, i);
	write_cd(&b->g, 0, 1);
	write_cd(&b->g, PASID, 2);
	map(&b->g, 1, 0, 0);
	map(&b->g, 1, 2, 1);
	map(&b->g, 2, 0, 10);
	map(&b->g, 2, 2, 11);
}

void bound_open(struct bound *b)
{
	bound_open_caching(b, true);
}

void bound_open_caching(struct bound *b, bool all)
{
	open_both(b, all, NULL);
}

void bound_open_with(struct bound *b, void (*tweak)(struct rig_cfg *cfg))
{
	open_both(b, true, tweak);
}

void bound_close(struct bound *b)
{
	while (b->nr_devs)
		uiommu_device_remove(b->dev[--b->nr_devs]);
	uiommu_domain_free(b->dom);
	core_rig_close(&b->cr);
}

static void make_domain(struct bound *b, struct uiommu_device *dev)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING,
			.stage = UIOMMU_STAGE_2,
			.flags = UIOMMU_DOM_NEST_PARENT },
	};

	assert_int_equal(uiommu_domain_alloc_cfg(dev, &cfg, &b->dom), 0);
	assert_int_equal(uiommu_domain_map(b->dom, RAM,
					   (uintptr_t)page(&b->g, 0),
					   GUEST_PAGES * RIG_PAGE, RW),
			 0);
}

unsigned int bound_add_like(struct bound *b, unsigned int smmu,
			    const uint32_t *ids, unsigned int nr_ids,
			    const struct uiommu_hwdev_cfg *like)
{
	struct uiommu_device_cfg cfg = { .hw = *like };
	unsigned int i = b->nr_devs++;
	char name[32];

	/* As core_rig.h has it. */
	snprintf(name, sizeof(name), "%u:%u", smmu, ids[0]);
	cfg.hw.name = name;
	cfg.hw.ids = ids;
	cfg.hw.nr_ids = nr_ids;
	if (like->ats)
		rig_stranger(b->cr.rig[smmu], ids[0]);
	assert_int_equal(uiommu_device_add(b->cr.core, b->cr.rig[smmu]->unit,
					   &cfg, &b->dev[i]),
			 0);
	if (!b->dom)
		make_domain(b, b->dev[i]);
	return i;
}

unsigned int bound_add(struct bound *b, unsigned int smmu, uint32_t sid,
		       bool ats)
{
	const struct uiommu_hwdev_cfg hw = { .pasid_bits = 8, .ats = ats };

	return bound_add_like(b, smmu, &sid, 1, &hw);
}

unsigned int bound_attach(struct bound *b, unsigned int smmu, uint32_t sid,
			  bool ats)
{
	unsigned int i = bound_add(b, smmu, sid, ats);

	assert_int_equal(uiommu_group_attach(bound_group(b, i), b->dom), 0);
	return i;
}

struct uiommu_group *bound_group(struct bound *b, unsigned int i)
{
	return uiommu_device_group(b->dev[i]);
}

void bound_bind(struct bound *b, const struct uiommu_pasid_table *table)
{
	assert_int_equal(uiommu_bind_pasid_table(b->dom, table), 0);
}

void bound_forget(struct bound *b, struct uiommu_device *dev,
		  const struct uiommu_cache_info *info)
{
	assert_int_equal(uiommu_cache_invalidate(b->dom, dev, info), 0);
}

void bound_forget_all(struct bound *b)
{
	static const struct uiommu_cache_info all[] = {
		{ .type = UIOMMU_CACHE_PASID },
		{ .type = UIOMMU_CACHE_TLB },
		{ .type = UIOMMU_CACHE_DEVICE_TLB },
	};

	for (unsigned int i = 0; i < 3; i++)
		bound_forget(b, NULL, &all[i]);
}

uint64_t bound_read(struct bound *b, unsigned int smmu, uint32_t sid,
		    uint32_t pasid, uint64_t iova)
{
	uint64_t got = core_rig_read(&b->cr, smmu, sid, pasid, iova);

	core_rig_irqs(&b->cr);
	return got;
}
