/* SPDX-License-Identifier: BSD-2-Clause */
/* dom_rig.h - a fake SMMU with a unit on it, for tests of devices and domains. */
#ifndef TESTS_UNIT_DRIVER_DOM_RIG_H
#define TESTS_UNIT_DRIVER_DOM_RIG_H

#include "fake_smmu.h"

extern struct fake_smmu *fake;
extern struct uiommu_unit *unit;
extern const struct uiommu_driver_ops *ops; /* the unit's */
extern bool patient;	   /* the next start: a time-out of a minute */
extern uint8_t domain_oas; /* and this in the configuration */

/* Make both; `tweak` may change the ID registers first. */
void start(void (*tweak)(void));
/* cmocka fixtures; the SMMU must have found nothing to complain of. */
int setup(void **state);
int teardown(void **state);

int add(const uint32_t *ids, unsigned int nr, struct uiommu_hwdev **dev);
struct uiommu_hwdev *device(uint32_t sid);
struct uiommu_hwdev *pasid_device(uint32_t sid, uint8_t pasid_bits);
struct uiommu_hwdom *domain(enum uiommu_dom_type type);
struct uiommu_hwdom *domain_of(const struct uiommu_dom_cfg *cfg);

uint64_t ste0(uint32_t sid);
/* Word i of the CD that the STE leads to. */
uint64_t cd_word(uint32_t sid, unsigned int i);
/* Commands with this opcode since the log was cleared. */
uint32_t count(unsigned int op);

#endif /* TESTS_UNIT_DRIVER_DOM_RIG_H */
