/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smmu.h - what benchmarks of the driver and of what stands above it run on: an
 * SMMUv3 ("full") on the hosted platform, which reaches tables only.
 */
#ifndef BENCH_SMMU_H
#define BENCH_SMMU_H

#include <uiommu/host.h>
#include <uiommu/smmuv3_model.h>

#define BENCH_SMMU_MMIO UINT64_C(0x09050000)

struct bench_smmu {
	bool no_ranges; /* to be set before it is opened */
	struct uiommu_host *host;
	struct uiommu_range arena;
	struct uiommu_smmuv3_model *model;
	struct uiommu_platform counting;
};

/* They end the program with a message when something fails. */
void bench_smmu_open(struct bench_smmu *hw);
void bench_smmu_close(struct bench_smmu *hw);

/*
 * The platform with a count of the bytes that are taken from it now, objects as
 * the allocator rounds them; of one SMMU at a time.
 */
const struct uiommu_platform *bench_smmu_counting(struct bench_smmu *hw);
uint64_t bench_smmu_taken(void);

#endif /* BENCH_SMMU_H */
