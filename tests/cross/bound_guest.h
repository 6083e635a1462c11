/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bound_guest.h - a guest that does not speak SMMUv3, on the core, the driver and the
 * model: two SMMUs, a domain with the guest's memory in it, and devices, to all of
 * which the guest's PASID table is bound.
 */
#ifndef TESTS_BOUND_GUEST_H
#define TESTS_BOUND_GUEST_H

#include "core_rig.h"
#include "nested_guest.h"

#define BOUND_MAX_DEVICES 4u

struct bound {
	struct core_rig cr;
	struct guest
		g; /* what it writes; of the members after `id` none counts */
	struct uiommu_domain *dom; /* of the first device */
	struct uiommu_device *dev[BOUND_MAX_DEVICES];
	unsigned int nr_devs;
};

/* Linear, 64 entries at page CDS, those without a PASID by number 0; and others. */
extern const struct uiommu_pasid_table bound_cds, bound_bypass, bound_abort;

/*
 * Data pages say whose they are; ASID 1 (no PASID) has 0 and 1 at IOVA and two pages
 * on, ASID 2 (PASID) has 10 and 11.
 */
void bound_open(struct bound *b);
/* The same, of SMMUs that cache all they may, or nothing. */
void bound_open_caching(struct bound *b, bool all);
/* The same, where SMMU 1 is another one. */
void bound_open_with(struct bound *b, void (*tweak)(struct rig_cfg *cfg));
void bound_close(struct bound *b);
/* One more device, not attached; its number. */
unsigned int bound_add(struct bound *b, unsigned int smmu, uint32_t sid,
		       bool ats);
/* With the device's own configuration; `ids` of them. */
unsigned int bound_add_like(struct bound *b, unsigned int smmu,
			    const uint32_t *ids, unsigned int nr_ids,
			    const struct uiommu_hwdev_cfg *like);
/* And attached to the domain. */
unsigned int bound_attach(struct bound *b, unsigned int smmu, uint32_t sid,
			  bool ats);
struct uiommu_group *bound_group(struct bound *b, unsigned int i);
void bound_bind(struct bound *b, const struct uiommu_pasid_table *table);
void bound_forget(struct bound *b, struct uiommu_device *dev,
		  const struct uiommu_cache_info *info);
/* TLBs, contexts, ATCs. */
void bound_forget_all(struct bound *b);
/* What the device reads, interrupts delivered; 0: it ends in a fault. */
uint64_t bound_read(struct bound *b, unsigned int smmu, uint32_t sid,
		    uint32_t pasid, uint64_t iova);

#endif /* TESTS_BOUND_GUEST_H */
