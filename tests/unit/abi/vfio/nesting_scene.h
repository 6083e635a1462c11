/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nesting_scene.h - device 0 of the fixture in a container of type 6, whose IOMMU has
 * guests.  Device 4 stands behind another one, which shares no domain with it.
 */
#ifndef TESTS_ABI_VFIO_NESTING_SCENE_H
#define TESTS_ABI_VFIO_NESTING_SCENE_H

#include "fixture.h"

#define PAGE 0x1000ull
#define MEM_SIZE (4 * PAGE)
#define BASE 0x40000000ull
#define GPA 0x50000000ull
#define MSI_IOVA 0x7000ull
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX

typedef struct vfio_iommu_type1_bind_guest_stage bind_call;
typedef struct vfio_iommu_type1_tlb_invalidate inv_call;
typedef struct vfio_iommu_type1_bind_msi msi_call;

extern struct fx *fx;
extern struct fx_legacy legacy;
extern int con, far; /* container, and the group of device 4 or -1 */
extern uint64_t mem; /* MEM_SIZE */

int nest_setup(void **state);
int nest_teardown(void **state);

int open_group(unsigned int dev);
/* Device 4 into the container: SET_CONTAINER's answer. */
long add_far(void);
void add_far_ok(void);

/* Which table of the guest's a device has, and its base; NULL, 0: none. */
const struct uiommu_pasid_table *table_of(unsigned int dev);
uint64_t base_of(unsigned int dev);

/* A table of 64 PASIDs there. */
bind_call table_call(uint64_t base);
long bind(bind_call call);
long unbind(void);
/* 3 pages of 2 MiB of ASID 77. */
inv_call inv_pages(void);
long invalidate(inv_call call);
long msi(uint32_t flags, uint64_t iova, uint64_t gpa, uint32_t granule);

/* Field by field: offset in the call, its length, the value, the answer. */
#define SET(type, field, val, rc)                                          \
	{                                                                  \
		offsetof(type, field), sizeof(((type *)0)->field), val, rc \
	}
struct bad {
	size_t at, len;
	uint64_t val;
	long rc;
};

void each_bad(unsigned long nr, const void *good, size_t size,
	      const struct bad *bad, unsigned int nr_bad);

#define TEST(f) cmocka_unit_test_setup_teardown(f, nest_setup, nest_teardown)

#endif /* TESTS_ABI_VFIO_NESTING_SCENE_H */
