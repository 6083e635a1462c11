/* SPDX-License-Identifier: BSD-2-Clause */
/* nested_rig.h - a device of a guest on a fake SMMU. */
#ifndef TESTS_UNIT_DRIVER_NESTED_RIG_H
#define TESTS_UNIT_DRIVER_NESTED_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>
#include <uiommu/smmuv3.h>

#include "dom_rig.h"
#include "hw/smmuv3/regs.h"

#define SID 8
#define VSID 0x77

extern const struct uiommu_nested_ops *nops;
extern struct uiommu_hwdom *parent;
extern struct uiommu_hwdev *dev;
extern struct uiommu_hwviommu *viommu;

/* A device that is not attached, and a guest, with id 5, that does not know it. */
void scene(void);
void scene_on(struct uiommu_hwdev *d);
void end(void);
void end_of(struct uiommu_hwdom *const *doms);
/* With the domains that the device may have. */
#define END(...) end_of((struct uiommu_hwdom *const[]){ __VA_ARGS__, NULL })

struct uiommu_hwdom *stage2(uint32_t flags);
int new_viommu(struct uiommu_hwdom *over, uint64_t id,
	       struct uiommu_hwviommu **out);
/* Two words of a guest's entry. */
int try_nested(uint32_t flags, uint64_t q0, uint64_t q1,
	       struct uiommu_hwdom **out);
struct uiommu_hwdom *nested(uint64_t q0, uint64_t q1);
struct uiommu_hwvdev *vdevice(uint64_t vsid);

/* Of the device's entry. */
void assert_ste(uint64_t q0, uint64_t q1);
unsigned int vmid_of(uint32_t sid);

#endif /* TESTS_UNIT_DRIVER_NESTED_RIG_H */
