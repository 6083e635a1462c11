/* SPDX-License-Identifier: BSD-2-Clause */
/* pri_rig.h - a fake SMMU with PRI, a device, and a host that serves requests. */
#ifndef TESTS_UNIT_DRIVER_PRI_RIG_H
#define TESTS_UNIT_DRIVER_PRI_RIG_H

#include "fake_smmu.h"
#include "hw/smmuv3/pri.h"

#define LAST SMMU_PRI_0_LAST
#define R SMMU_PRI_0_R
#define W SMMU_PRI_0_W
#define SSV SMMU_PRI_0_SSV

struct pri_host {
	struct uiommu_page_request req[128];
	unsigned int nr, lost;
	unsigned int lost_at;	      /* requests told before the last loss */
	bool lost_acked;	      /* PRIQ_ABT_ERR was at that time */
	struct uiommu_hwdev *answers; /* at once, if set */
	struct fake_smmu *more;	      /* one more request, once */
	bool overflow;		      /* during a loss, once */
	struct uiommu_fault fault;    /* the last */
	unsigned int nr_faults;
};

extern struct fake_smmu *fake;
extern struct pri_host host;
extern struct uiommu_unit *unit;
extern struct uiommu_hwdev *dev; /* StreamID 7 */

/* The fake with a PRI queue of at most so many entries, not probed yet. */
struct uiommu_smmuv3_cfg start(uint8_t priqs_lg2);
/* cmocka fixtures. */
int setup(void **state);
int teardown(void **state);
/* The end of what start() began; devices have gone. */
void stop(void);

/* A request arrives; false: there is no room. */
bool page(uint32_t sid, uint64_t q0, uint64_t addr, unsigned int group);
/* The queue's interrupt. */
void irq(void);
uint32_t reg(uint32_t off);
/* Index of the first write of `bits` to a register, or nr_writes. */
unsigned int write_of(uint32_t off, uint32_t bits);
void is(struct smmu_cmd cmd, uint64_t q0, uint64_t q1);

#endif /* TESTS_UNIT_DRIVER_PRI_RIG_H */
