/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core_rig.h - the core on the driver on the model: a rig whose unit belongs to
 * a core, with devices that are endpoints with an ATC, or plain StreamIDs.
 */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include <uiommu/core.h>

#include "driver_rig.h"

#define CORE_RIG_RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define CORE_RIG_SMMUS 2

struct core_rig {
	struct rig *rig[CORE_RIG_SMMUS];
	unsigned int nr_rigs;
	struct uiommu_core *core;
	/* Faults that the core passed on; the last one. */
	unsigned int nr_faults;
	struct uiommu_fault fault;
};

/* One SMMU; more join it.  These end the program when something fails. */
void core_rig_open(struct core_rig *cr, struct rig_cfg *cfg);
void core_rig_join(struct core_rig *cr, struct rig_cfg *cfg);
/* Devices and domains are gone.  Fails the program if anything is left. */
void core_rig_close(struct core_rig *cr);

/* Behind SMMU `smmu`, alone in its group. */
struct uiommu_device *core_rig_device(struct core_rig *cr, unsigned int smmu,
				      uint32_t sid, uint8_t pasid_bits,
				      bool ats);
/* The same with more that can be said of it; name and ids are filled in. */
struct uiommu_device *core_rig_add(struct core_rig *cr, unsigned int smmu,
				   uint32_t sid,
				   const struct uiommu_hwdev_cfg *hw);
/* A paging domain like `dev` that maps `iova` to RAM page `page`. */
struct uiommu_domain *core_rig_domain(struct core_rig *cr,
				      struct uiommu_device *dev, uint64_t iova,
				      unsigned int page);
/* The first word of RAM page `page`. */
uint64_t *core_rig_word(struct core_rig *cr, unsigned int page);

/* What a device reads, through its ATC if it has one; 0: nothing. */
uint64_t core_rig_read(struct core_rig *cr, unsigned int smmu, uint32_t sid,
		       uint32_t pasid, uint64_t iova);
/* Events become faults. */
void core_rig_irqs(struct core_rig *cr);

#endif /* TESTS_CORE_RIG_H */
