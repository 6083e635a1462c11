/* SPDX-License-Identifier: BSD-2-Clause */
/* uiommu.h - everything a hosted program may use, in one include. */
#ifndef UIOMMU_UIOMMU_H
#define UIOMMU_UIOMMU_H

#include <uiommu/abi.h>
#include <uiommu/core.h>
#include <uiommu/driver.h>
#include <uiommu/fw.h>
#include <uiommu/host.h>
#include <uiommu/machine.h>
#include <uiommu/mm.h>
#include <uiommu/model.h>
#include <uiommu/pgtable.h>
#include <uiommu/platform.h>
#include <uiommu/process.h>
#include <uiommu/smmuv3.h>
#include <uiommu/smmuv3_endpoint.h>
#include <uiommu/smmuv3_model.h>
#include <uiommu/types.h>

#endif /* UIOMMU_UIOMMU_H */
