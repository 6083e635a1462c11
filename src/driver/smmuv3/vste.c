/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's stream table entry, and what the SMMU gets to see of it.
 *
 * The guest says where its contexts are and how they are read; everything else, and
 * stage 2 above all, is the host's.
 */
#include <uiommu/env.h>

#include "base/bits.h"
#include "guest.h"
#include "mutant.h"

/* As long as addresses have 52 bits. */
#define S1CONTEXTPTR GENMASK64(51, 6)

#define GUEST_0                                                               \
	(SMMU_STE_0_V | SMMU_STE_0_CONFIG | SMMU_STE_0_S1FMT | S1CONTEXTPTR | \
	 SMMU_STE_0_S1CDMAX)
#define GUEST_1                                                   \
	(SMMU_STE_1_S1DSS | SMMU_STE_1_S1CIR | SMMU_STE_1_S1COR | \
	 SMMU_STE_1_S1CSH | SMMU_STE_1_S1STALLD | SMMU_STE_1_EATS)

int smmuv3_vste_check(const uint64_t in[2], struct smmuv3_vste *vste)
{
	unsigned int config = FIELD_GET(SMMU_STE_0_CONFIG, in[0]);
	unsigned int eats = FIELD_GET(SMMU_STE_1_EATS, in[1]);

	memset(vste, 0, sizeof(*vste));
	vste->config = SMMU_STE_CONFIG_ABORT;
	if (!(in[0] & SMMU_STE_0_V) && !DRIVER_MUTANT("vste: V"))
		return 0;
	if (((in[0] & ~GUEST_0) || (in[1] & ~GUEST_1)) &&
	    !DRIVER_MUTANT("vste: the host's fields"))
		return -EIO;
	if (config != SMMU_STE_CONFIG_ABORT &&
	    config != SMMU_STE_CONFIG_BYPASS && config != SMMU_STE_CONFIG_S1 &&
	    !DRIVER_MUTANT("vste: Config"))
		return -EIO;
	if (eats != SMMU_STE_EATS_OFF && eats != SMMU_STE_EATS_FULL &&
	    !DRIVER_MUTANT("vste: EATS"))
		return -EIO;
	vste->q[0] = in[0] & ~(SMMU_STE_0_V | SMMU_STE_0_CONFIG);
	vste->q[1] = in[1] & ~SMMU_STE_1_EATS;
	vste->config = config;
	vste->ats = (config == SMMU_STE_CONFIG_S1 ||
		     DRIVER_MUTANT("vste: ATS of bypass")) &&
		    eats != SMMU_STE_EATS_OFF;
	return 0;
}

void smmuv3_make_ste_nested(struct smmu_ste *ste,
			    const struct smmuv3_ste_s2_cfg *s2,
			    const struct smmuv3_vste *vste)
{
	smmuv3_make_ste_s2(ste, s2);
	ste->q[0] = SMMU_STE_0_V |
		    FIELD_PREP(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_NESTED) |
		    vste->q[0];
	ste->q[1] |= vste->q[1];
}
