/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nesting_scene.h - a guest by the interface of 2018: a container of type 6 whose
 * mappings are the guest's memory.  What is in it, and the guest's tables, are those
 * of guest.h, whose scene has the devices; nothing of iommufd is there.
 */
#ifndef TESTS_FLOW_NESTING_SCENE_H
#define TESTS_FLOW_NESTING_SCENE_H

#include <uiommu/uapi/vfio-nesting.h>

#include "guest.h"

/* Numbers of the guest's pages: of contexts in two levels, and a page beyond its
 * memory, where it has its doorbell. */
#define LEVEL1 9u
#define LEAF1 10u
#define LEAF64K 48u
#define DOORBELL 0x10000u
/* Where it has that, in pages behind IOVA. */
#define AT_DOORBELL 100u
#define PASID_FAR 70u

/* Devices 0 to nr - 1 of a machine in one container, and the memory, not mapped. */
void nest_open_machine(struct guest *g, struct uiommu_machine *machine,
		       unsigned int nr);
/* Two devices behind one SMMU; mapped from GPA on; with its tables, not bound. */
void nest_open(struct guest *g, unsigned int nr);
void nest_close(struct guest *g);
void nest_map_ok(struct guest *g);

struct vfio_iommu_type1_bind_guest_stage nest_table(unsigned int page,
						    uint8_t bits, uint8_t fmt);
int nest_bind(struct guest *g,
	      const struct vfio_iommu_type1_bind_guest_stage *call);
/* The 64 contexts of page 0; no PASID is context 0. */
int nest_bind_table(struct guest *g);
/* Context 0 alone, as a program of 2018 says it. */
int nest_bind_v1(struct guest *g, uint16_t asid);
int nest_bind_state(struct guest *g, uint8_t state);
int nest_unbind(struct guest *g);
int nest_forget(struct guest *g, const struct vfio_guest_invalidate_info *info);
/* Pages of 4 KiB are those behind IOVA. */
int nest_invalidate(struct guest *g, uint32_t type, uint32_t granularity,
		    uint32_t flags, uint32_t pasid, uint32_t asid,
		    unsigned int at, uint64_t nr_pages);
/* All of all three, which must not fail. */
void nest_forget_all(struct guest *g);
int nest_msi(struct guest *g, uint32_t flags);

/* What a device reads past its ATC, as reads(); and by guest physical address. */
uint64_t reads_tlb(struct guest *g, uint32_t pasid, unsigned int at);
uint64_t reads_gpa(struct guest *g, unsigned int page);
uint64_t reads_of(struct guest *g, unsigned int dev, unsigned int at);

#endif /* TESTS_FLOW_NESTING_SCENE_H */
