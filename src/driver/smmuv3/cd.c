/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Context descriptors: the stage-1 kind of ours, and which bits count.
 *
 * The lower half of the address space goes through TTB0; the upper half is
 * disabled.  A fault terminates the access with an abort and leaves a record.
 * The page table says whether the hardware has to keep flags in it.
 */
#include <uiommu/env.h>

#include "base/bits.h"
#include "hw/smmuv3/regs.h"
#include "make.h"

static unsigned int tg0_code(uint8_t granule_lg2)
{
	switch (granule_lg2) {
	case 14:
		return SMMU_TG0_16K;
	case 16:
		return SMMU_TG0_64K;
	default:
		return SMMU_TG0_4K;
	}
}

uint8_t smmuv3_oas_code(unsigned int bits)
{
	uint8_t code = 0;

	while (code < 7 && smmu_oas_bits(code) < bits)
		code++;
	return code;
}

void smmuv3_make_cd_s1(struct smmu_cd *cd, const struct smmuv3_cd_cfg *cfg)
{
	unsigned int attr = cfg->coherent ? SMMU_CD_R_WBRAWA : SMMU_CD_R_NC;
	unsigned int sh = cfg->coherent ? SMMU_SH_INNER : SMMU_SH_NON;

	memset(cd, 0, sizeof(*cd));
	cd->q[0] = FIELD_PREP(SMMU_CD_0_T0SZ, 64 - cfg->pt.ias) |
		   FIELD_PREP(SMMU_CD_0_TG0, tg0_code(cfg->pt.granule_lg2)) |
		   FIELD_PREP(SMMU_CD_0_IR0, attr) |
		   FIELD_PREP(SMMU_CD_0_OR0, attr) |
		   FIELD_PREP(SMMU_CD_0_SH0, sh) | SMMU_CD_0_EPD1 |
		   SMMU_CD_0_V |
		   FIELD_PREP(SMMU_CD_0_IPS, smmuv3_oas_code(cfg->pt.oas)) |
		   SMMU_CD_0_AA64 | SMMU_CD_0_R | SMMU_CD_0_A | SMMU_CD_0_ASET |
		   (cfg->stall ? SMMU_CD_0_S : 0) |
		   FIELD_PREP(SMMU_CD_0_ASID, cfg->asid);
	if (cfg->pt.features & UIOMMU_PGTABLE_DBM)
		cd->q[0] |= SMMU_CD_0_HA | SMMU_CD_0_HD;
	cd->q[1] = cfg->pt.root & SMMU_CD_1_TTB0_ADDR;
	cd->q[2] = cfg->pt.ds ? SMMU_CD_2_DS : 0;
	cd->q[3] = cfg->pt.mair;
}

#define HALF0_0                                                           \
	(SMMU_CD_0_T0SZ | SMMU_CD_0_TG0 | SMMU_CD_0_IR0 | SMMU_CD_0_OR0 | \
	 SMMU_CD_0_SH0)
#define HALF1_0                                                           \
	(SMMU_CD_0_T1SZ | SMMU_CD_0_TG1 | SMMU_CD_0_IR1 | SMMU_CD_0_OR1 | \
	 SMMU_CD_0_SH1)
#define HALF0_1                                                   \
	(SMMU_CD_1_HAD0 | SMMU_CD_1_E0PD0 | SMMU_CD_1_TTB0_ADDR | \
	 SMMU_CD_1_HWU0)
#define HALF1_2                                                   \
	(SMMU_CD_2_HAD1 | SMMU_CD_2_E0PD1 | SMMU_CD_2_TTB1_ADDR | \
	 SMMU_CD_2_HWU1)

void smmuv3_cd_used(const uint64_t cd[SMMUV3_ENTRY_QWORDS],
		    uint64_t used[SMMUV3_ENTRY_QWORDS])
{
	unsigned int i;

	memset(used, 0, SMMUV3_ENTRY_QWORDS * sizeof(*used));
	used[0] = SMMU_CD_0_V;
	if (!(cd[0] & SMMU_CD_0_V))
		return;
	for (i = 0; i < SMMUV3_ENTRY_QWORDS; i++)
		used[i] = ~UINT64_C(0);
	if (cd[0] & SMMU_CD_0_EPD0) {
		used[0] &= ~HALF0_0;
		used[1] &= ~HALF0_1;
	}
	if (cd[0] & SMMU_CD_0_EPD1) {
		used[0] &= ~HALF1_0;
		used[2] &= ~HALF1_2;
	}
}
