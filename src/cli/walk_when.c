/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_when.c - which fields of a structure matter, and in which of their
 * meanings: the ID registers and the structures above it say so.
 */
#include "base/bits.h"
#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/ste.h"
#include "walk.h"

static uint64_t ste_word(const struct walk *walk, unsigned int i)
{
	return walk_word(walk, UIOMMU_SMMUV3_STEP_STE, i);
}

static uint64_t cd_word(const struct walk *walk, unsigned int i)
{
	return walk_word(walk, UIOMMU_SMMUV3_STEP_CD, i);
}

bool walk_is_el2(const struct walk *walk)
{
	return (walk->profile->idr[0] & SMMU_IDR0_HYP) &&
	       FIELD_GET(SMMU_STE_0_CONFIG, ste_word(walk, 0)) ==
		       SMMU_STE_CONFIG_S1 &&
	       FIELD_GET(SMMU_STE_1_STRW, ste_word(walk, 1)) ==
		       SMMU_STE_STRW_EL2 &&
	       !(walk_reg(walk, SMMU_REG_CR2) & SMMU_CR2_E2H);
}

bool walk_is_had(const struct walk *walk, unsigned int half)
{
	return (walk->profile->idr[3] & SMMU_IDR3_HAD) &&
	       (half ? cd_word(walk, 2) & SMMU_CD_2_HAD1
		     : cd_word(walk, 1) & SMMU_CD_1_HAD0);
}

bool walk_marks_dirty(const struct walk *walk)
{
	return FIELD_GET(SMMU_IDR0_HTTU, walk->profile->idr[0]) >=
		       SMMU_IDR0_HTTU_AF_DIRTY &&
	       (cd_word(walk, 0) & SMMU_CD_0_HA) &&
	       (cd_word(walk, 0) & SMMU_CD_0_HD);
}

/* ---------------------------------------------------------- structures -- */

static uint32_t ste_when(const struct walk *walk, const uint64_t *ste)
{
	const uint32_t *idr = walk->profile->idr;
	unsigned int config =
		(unsigned int)FIELD_GET(SMMU_STE_0_CONFIG, ste[0]);
	uint32_t when = FIELD_ALWAYS;

	if (!(ste[0] & SMMU_STE_0_V) || !(config & 4))
		return when;
	if (config & 1)
		when |= FIELD_S1;
	if (config & 2)
		when |= FIELD_S2;
	if ((config & 3) && (idr[0] & SMMU_IDR0_S2P))
		when |= FIELD_VMID;
	if ((config & 1) && FIELD_GET(SMMU_IDR1_SSIDSIZE, idr[1]) &&
	    FIELD_GET(SMMU_STE_0_S1CDMAX, ste[0]))
		when |= FIELD_SUBST;
	if (config == SMMU_STE_CONFIG_S1 && (idr[0] & SMMU_IDR0_HYP))
		when |= FIELD_HYP;
	if (idr[0] & SMMU_IDR0_ATS)
		when |= FIELD_ATS;
	if (idr[1] & SMMU_IDR1_ATTR_TYPES_OVR)
		when |= FIELD_TYPES;
	if (idr[1] & SMMU_IDR1_ATTR_PERMS_OVR)
		when |= FIELD_PERMS;
	return when;
}

static uint32_t cd_when(const struct walk *walk, const uint64_t *cd)
{
	uint32_t when = FIELD_ALWAYS;

	if (walk_is_el2(walk))
		return when | FIELD_EL2 | FIELD_TTB0;
	when |= FIELD_TWO;
	if (!(cd[0] & SMMU_CD_0_EPD0))
		when |= FIELD_TTB0;
	if (!(cd[0] & SMMU_CD_0_EPD1))
		when |= FIELD_TTB1;
	return when;
}

/* --------------------------------------------------------- descriptors -- */

/* `ds` is of the CD or STE. */
static uint32_t when_sh(const struct walk *walk,
			const struct uiommu_smmuv3_step *step, bool ds)
{
	ds = ds && (walk->profile->idr[5] & SMMU_IDR5_DS) &&
	     step->granule_lg2 != 16;
	return ds ? 0 : FIELD_SH;
}

/* Both fields of the CD or STE. */
static uint32_t when_haft(const struct walk *walk, bool ha, bool haft)
{
	return ha && haft &&
			       FIELD_GET(SMMU_IDR0_HTTU,
					 walk->profile->idr[0]) ==
				       SMMU_IDR0_HTTU_HAFT
		       ? FIELD_HAFT
		       : 0;
}

static uint32_t s1_when(const struct walk *walk,
			const struct uiommu_smmuv3_step *step)
{
	bool el2 = walk_is_el2(walk);
	uint32_t when = el2 ? FIELD_EL2 : FIELD_TWO;

	if (!walk_is_had(walk, step->half))
		when |= el2 ? FIELD_TABLE_EL2 : FIELD_TABLE;
	return when | when_sh(walk, step, cd_word(walk, 2) & SMMU_CD_2_DS) |
	       when_haft(walk, cd_word(walk, 0) & SMMU_CD_0_HA,
			 cd_word(walk, 1) & SMMU_CD_1_HAFT);
}

static uint32_t s2_when(const struct walk *walk,
			const struct uiommu_smmuv3_step *step)
{
	bool fwb = (walk->profile->idr[3] & SMMU_IDR3_FWB) &&
		   (ste_word(walk, 1) & SMMU_STE_1_S2FWB);

	return (fwb ? FIELD_FWB : FIELD_NO_FWB) |
	       when_sh(walk, step, ste_word(walk, 3) & SMMU_STE_3_S2DS) |
	       when_haft(walk, ste_word(walk, 2) & SMMU_STE_2_S2HA,
			 ste_word(walk, 2) & SMMU_STE_2_S2HAFT);
}

uint32_t walk_when(const struct walk *walk,
		   const struct uiommu_smmuv3_step *step)
{
	switch (step->kind) {
	case UIOMMU_SMMUV3_STEP_STE:
		return ste_when(walk, step->words);
	case UIOMMU_SMMUV3_STEP_CD:
		return cd_when(walk, step->words);
	case UIOMMU_SMMUV3_STEP_S1_DESC:
		return FIELD_ALWAYS | s1_when(walk, step);
	case UIOMMU_SMMUV3_STEP_S2_DESC:
		return FIELD_ALWAYS | s2_when(walk, step);
	default:
		return FIELD_ALWAYS;
	}
}
