/* SPDX-License-Identifier: BSD-2-Clause */
/* ats_rig.h - streams of every kind that ATS tells apart, and their records. */
#ifndef TESTS_UNIT_MODEL_ATS_RIG_H
#define TESTS_UNIT_MODEL_ATS_RIG_H

#include "rig.h"

#define EATS(n) ((uint64_t)(n) << 28)
#define PRIVCFG(n) ((uint64_t)(n) << 48)
#define INSTCFG(n) ((uint64_t)(n) << 50)
#define UXN (1ull << 54)
#define PXN (1ull << 53)

#define SSV UIOMMU_TXN_SSV
#define PRIV UIOMMU_TXN_PRIV
#define EXE UIOMMU_TXN_INSTR
#define NW UIOMMU_ATS_NO_WRITE
#define TRANSLATED UIOMMU_TXN_TRANSLATED
#define WRITE UIOMMU_TXN_WRITE

/* Stage-2 leaves: write-back, inner shareable, AF */
#define S2_PAGE_RW 0x7ffull
#define S2_PAGE_RO 0x77full
#define S2_BLOCK_RW 0x7fdull

/* StreamIDs that ats_configure() makes. */
enum {
	S1_FULL = 0x10,
	S1_OFF,
	BYPASS,
	ABORT,
	STE_V0,
	STE_ILLEGAL,
	CD_V0,
	CD_HOLE,
	S1DSS_END,
	TABLE_HOLE,
	NESTED_FULL,
	NESTED_SPLIT,
	S2_FULL,
	NO_CD_IPA,
	NO_TT_IPA,
	EATS_DPT,
	S1DSS_SKIP,
	NESTED_SKIP,
	NESTED_SKIP_SPLIT,
	L1CD_V0,
	S1_TBI,
	STE_ABORTS,
	OUT_OF_RANGE = 0x10000,
};

/* Tables of stage 1 and stage 2 that all streams share. */
extern uint64_t ats_s1, ats_s2;

uint64_t ats_cd_of(uint32_t sid);
void ats_put_ste(struct rig *r, uint32_t sid, uint64_t q0, uint64_t q1);
void ats_put_cd(struct rig *r, uint32_t sid, unsigned int i, uint64_t ttb);
/* A stage-1 or nested stream. */
void ats_put_s1(struct rig *r, uint32_t sid, uint64_t config, uint64_t q1);
/* ... that has 16 substreams in a linear table. */
void ats_put_substreams(struct rig *r, uint32_t sid, uint64_t config,
			uint64_t q1);
void ats_configure(struct rig *r);
struct uiommu_smmuv3_profile ats_profile(bool cached);
/* rig_init_ats() and ats_configure() */
void ats_begin(struct rig *r, const struct uiommu_smmuv3_profile *p);
/* Set CR0, and CR2 while the SMMU is off; caches are emptied. */
void ats_set_cr(struct rig *r, uint32_t cr0, uint32_t cr2);
/* There is exactly this event, or none. */
void ats_expect_record(struct rig *r, const char *name, bool there,
		       const uint64_t want[4]);

/* When a row's event is recorded: bits of CR2 that must be set for it. */
#define CFG SMMU_CR2_REC_CFG_ATS
#define INV SMMU_CR2_RECINVSID
#define ALWAYS 0u
#define NEVER 0x80000000u

#endif /* TESTS_UNIT_MODEL_ATS_RIG_H */
