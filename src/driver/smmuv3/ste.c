/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stream table entries: what each kind looks like, and which bits count.
 *
 * All kinds leave the incoming attributes alone (SHCFG = incoming, everything
 * else of that sort zero), so a change between them differs in as few words as
 * can be.
 */
#include <uiommu/env.h>

#include "base/bits.h"
#include "hw/smmuv3/regs.h"
#include "make.h"

static uint64_t make_q0(enum smmu_ste_config config)
{
	return SMMU_STE_0_V | FIELD_PREP(SMMU_STE_0_CONFIG, config);
}

void smmuv3_make_ste_abort(struct smmu_ste *ste)
{
	memset(ste, 0, sizeof(*ste));
	ste->q[0] = make_q0(SMMU_STE_CONFIG_ABORT);
}

void smmuv3_make_ste_bypass(struct smmu_ste *ste)
{
	memset(ste, 0, sizeof(*ste));
	ste->q[0] = make_q0(SMMU_STE_CONFIG_BYPASS);
	ste->q[1] = FIELD_PREP(SMMU_STE_1_SHCFG, SMMU_STE_SHCFG_INCOMING);
}

void smmuv3_make_ste_s1(struct smmu_ste *ste,
			const struct smmuv3_ste_s1_cfg *cfg)
{
	unsigned int attr = cfg->coherent ? SMMU_STE_S1C_WBRA : SMMU_STE_S1C_NC;
	unsigned int sh = cfg->coherent ? SMMU_SH_INNER : SMMU_SH_NON;

	memset(ste, 0, sizeof(*ste));
	ste->q[0] = make_q0(SMMU_STE_CONFIG_S1) |
		    FIELD_PREP(SMMU_STE_0_S1FMT, cfg->s1fmt) |
		    (cfg->cdtab & SMMU_STE_0_S1CONTEXTPTR_ADDR) |
		    FIELD_PREP(SMMU_STE_0_S1CDMAX, cfg->s1cdmax);
	ste->q[1] = FIELD_PREP(SMMU_STE_1_S1DSS, cfg->s1dss) |
		    FIELD_PREP(SMMU_STE_1_S1CIR, attr) |
		    FIELD_PREP(SMMU_STE_1_S1COR, attr) |
		    FIELD_PREP(SMMU_STE_1_S1CSH, sh) |
		    FIELD_PREP(SMMU_STE_1_SHCFG, SMMU_STE_SHCFG_INCOMING) |
		    FIELD_PREP(SMMU_STE_1_S1STALLD, cfg->no_stall) |
		    FIELD_PREP(SMMU_STE_1_EATS, cfg->eats) |
		    FIELD_PREP(SMMU_STE_1_STRW, SMMU_STE_STRW_EL1);
	ste->q[2] = FIELD_PREP(SMMU_STE_2_S2VMID, cfg->vmid);
}

/* ------------------------------------------------------------- stage 2 -- */

static unsigned int s2tg_code(uint8_t granule_lg2)
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

/* {S2SL0_2, S2SL0}: how a start level is spelled depends on the granule. */
static unsigned int s2sl0_code(uint8_t granule_lg2, int level)
{
	if (granule_lg2 != 12)
		return 3 - level;
	if (level < 0)
		return 4;
	return level == 3 ? 3 : 2 - level;
}

void smmuv3_make_ste_s2(struct smmu_ste *ste,
			const struct smmuv3_ste_s2_cfg *cfg)
{
	const struct uiommu_pgtable_info *pt = &cfg->pt;
	unsigned int attr = cfg->coherent ? SMMU_STE_S2R0_WBRAWA
					  : SMMU_STE_S2R0_NC;
	unsigned int sh = cfg->coherent ? SMMU_SH_INNER : SMMU_SH_NON;
	unsigned int sl0 = s2sl0_code(pt->granule_lg2, pt->start_level);

	memset(ste, 0, sizeof(*ste));
	ste->q[0] = make_q0(SMMU_STE_CONFIG_S2);
	ste->q[1] = FIELD_PREP(SMMU_STE_1_SHCFG, SMMU_STE_SHCFG_INCOMING) |
		    FIELD_PREP(SMMU_STE_1_EATS, cfg->eats) |
		    (cfg->merge ? SMMU_STE_1_MEV : 0);
	ste->q[2] = FIELD_PREP(SMMU_STE_2_S2VMID, cfg->vmid) |
		    FIELD_PREP(SMMU_STE_2_S2T0SZ, 64 - pt->ias) |
		    FIELD_PREP(SMMU_STE_2_S2SL0, sl0 & 3) |
		    FIELD_PREP(SMMU_STE_2_S2IR0, attr) |
		    FIELD_PREP(SMMU_STE_2_S2OR0, attr) |
		    FIELD_PREP(SMMU_STE_2_S2SH0, sh) |
		    FIELD_PREP(SMMU_STE_2_S2TG, s2tg_code(pt->granule_lg2)) |
		    FIELD_PREP(SMMU_STE_2_S2PS, smmuv3_oas_code(pt->oas)) |
		    SMMU_STE_2_S2AA64 | SMMU_STE_2_S2PTW | SMMU_STE_2_S2R |
		    (cfg->stall ? SMMU_STE_2_S2S : 0);
	if (pt->features & UIOMMU_PGTABLE_DBM)
		ste->q[2] |= SMMU_STE_2_S2HA | SMMU_STE_2_S2HD;
	ste->q[3] = (pt->root & SMMU_STE_3_S2TTB_ADDR) |
		    (sl0 & 4 ? SMMU_STE_3_S2SL0_2 : 0) |
		    (pt->ds ? SMMU_STE_3_S2DS : 0);
}

/* ---------------------------------------------------- what counts where -- */

/* Looked at in every entry that does not abort. */
#define USED_1_ALWAYS                                                          \
	(SMMU_STE_1_DRE | SMMU_STE_1_CONT | SMMU_STE_1_DCP | SMMU_STE_1_PPAR | \
	 SMMU_STE_1_MEV | SMMU_STE_1_MEMATTR | SMMU_STE_1_MTCFG |              \
	 SMMU_STE_1_ALLOCCFG | SMMU_STE_1_SHCFG | SMMU_STE_1_NSCFG |           \
	 SMMU_STE_1_PRIVCFG | SMMU_STE_1_INSTCFG | SMMU_STE_1_IMPDEF)
#define USED_0_S1 (SMMU_STE_0_S1CONTEXTPTR_ADDR | SMMU_STE_0_S1CDMAX)
#define USED_1_S1                                                 \
	(SMMU_STE_1_S1CIR | SMMU_STE_1_S1COR | SMMU_STE_1_S1CSH | \
	 SMMU_STE_1_S1PIE | SMMU_STE_1_S1MPAM | SMMU_STE_1_S1STALLD)
#define USED_1_S2 (SMMU_STE_1_S2HWU | SMMU_STE_1_S2FWB)

void smmuv3_ste_used(const uint64_t ste[SMMUV3_ENTRY_QWORDS],
		     uint64_t used[SMMUV3_ENTRY_QWORDS])
{
	unsigned int config = FIELD_GET(SMMU_STE_0_CONFIG, ste[0]);

	memset(used, 0, SMMUV3_ENTRY_QWORDS * sizeof(*used));
	used[0] = SMMU_STE_0_V;
	if (!(ste[0] & SMMU_STE_0_V))
		return;
	used[0] |= SMMU_STE_0_CONFIG;
	if (config < SMMU_STE_CONFIG_BYPASS)
		return;

	used[1] |= USED_1_ALWAYS;
	used[4] |=
		~(SMMU_STE_4_S_S2T0SZ | SMMU_STE_4_S_S2SL0 | SMMU_STE_4_S_S2TG);
	used[5] |= SMMU_STE_5_PMG | SMMU_STE_5_MPAM_NS;
	if (config != SMMU_STE_CONFIG_BYPASS)
		used[1] |= SMMU_STE_1_EATS;
	if (config == SMMU_STE_CONFIG_S1)
		used[1] |= SMMU_STE_1_STRW;
	if (config & 1) {
		used[0] |= USED_0_S1;
		used[1] |= USED_1_S1;
		/* One CD alone: no format, and nobody without a substream. */
		if (ste[0] & SMMU_STE_0_S1CDMAX) {
			used[0] |= SMMU_STE_0_S1FMT;
			used[1] |= SMMU_STE_1_S1DSS;
		}
		/* The tag of stage-1 entries where stage 2 exists. */
		used[2] |= SMMU_STE_2_S2VMID;
	}
	if (config & 2) {
		used[1] |= USED_1_S2;
		used[2] = ~UINT64_C(0);
		used[3] = ~UINT64_C(0);
		used[5] = ~UINT64_C(0);
		used[7] = ~UINT64_C(0);
	} else if ((config & 1) && (ste[1] & SMMU_STE_1_EATS)) {
		/* v3.0 checks EATS against S2S even without stage 2. */
		used[2] |= SMMU_STE_2_S2S;
	}
}

/* What an entry does about ATS: nothing unless it translates. */
static unsigned int eats_of(const uint64_t ste[SMMUV3_ENTRY_QWORDS])
{
	unsigned int config = FIELD_GET(SMMU_STE_0_CONFIG, ste[0]);

	if (config <= SMMU_STE_CONFIG_BYPASS)
		return SMMU_STE_EATS_OFF;
	return FIELD_GET(SMMU_STE_1_EATS, ste[1]);
}

/*
 * Full and split-stage ATS hand out addresses of different kinds, so the way
 * from one to the other leads through none.
 */
bool smmuv3_ste_indirect(const uint64_t now[SMMUV3_ENTRY_QWORDS],
			 const uint64_t target[SMMUV3_ENTRY_QWORDS])
{
	unsigned int a = eats_of(now), b = eats_of(target);

	return a != b && a && b &&
	       (a == SMMU_STE_EATS_SPLIT || b == SMMU_STE_EATS_SPLIT);
}
