/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pri.h - records of the PRI queue, two little-endian 64-bit words (IHI 0070
 * 8.2).  A Stop Marker has SSV and LAST, but neither R nor W.
 */
#ifndef HW_SMMUV3_PRI_H
#define HW_SMMUV3_PRI_H

#include "base/bits.h"

#define SMMU_PRI_QWORDS 2u

#define SMMU_PRI_0_SID GENMASK64(31, 0)
#define SMMU_PRI_0_SSID GENMASK64(51, 32) /* with SSV */
#define SMMU_PRI_0_PRIV BIT64(58)	  /* with SSV */
#define SMMU_PRI_0_X BIT64(59)		  /* with SSV */
#define SMMU_PRI_0_R BIT64(60)
#define SMMU_PRI_0_W BIT64(61)
#define SMMU_PRI_0_LAST BIT64(62)
#define SMMU_PRI_0_SSV BIT64(63)

#define SMMU_PRI_1_PRGINDEX GENMASK64(8, 0)
#define SMMU_PRI_1_ADDR GENMASK64(63, 12)

#endif /* HW_SMMUV3_PRI_H */
