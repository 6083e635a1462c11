/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profiles.c - the ready-made profiles; profile.c says what a profile may be.
 *
 * full		what this model does, with 48-bit addresses and nothing that
 *		today's drivers stumble over
 * full-52	the same with 52-bit input and output addresses for all granules,
 *		and HTTU of table descriptors
 * neoverse	what a server of the Neoverse class has: an SMMUv3.2 with the ID
 *		values that the manual of Arm's MMU-700 gives (101542_0102_09,
 *		table 2-19): both stages, 32-bit StreamIDs, 20-bit SubstreamIDs,
 *		queues of 2^19, both endiannesses, stalls and RAZ/WI, ATS with
 *		split stages, PRI with PPS, VMID wildcards, HTTU of dirty state,
 *		BBML 2, 52-bit input addresses for 64K.  What that table leaves to
 *		the system is taken as servers have it: coherent, SEV, HTTU, 48
 *		bits out.  Not taken over, since this model lacks it: AArch32
 *		tables, PBHA, MPAM, and BTM, which is the system's choice.  IIDR
 *		does not name that product, so that no software works around
 *		errata that are not here.
 * qemu-8	what QEMU 8 to 11 emulate, for comparing with it
 * full-8	"full" with ASIDs and VMIDs of 8 bits, the least that there may be:
 *		for software that has to cope when they run out
 */
#include <string.h>

#include "msmmu.h"

#define IDR0_LONG_TAGS (SMMU_IDR0_ASID16 | SMMU_IDR0_VMID16)

#define IDR0_BASIC                                                           \
	(SMMU_IDR0_S1P | SMMU_IDR0_S2P | SMMU_IDR0_COHACC | IDR0_LONG_TAGS | \
	 FIELD_PREP(SMMU_IDR0_TTF, SMMU_IDR0_TTF_AARCH64) |                  \
	 FIELD_PREP(SMMU_IDR0_ST_LEVEL, SMMU_IDR0_ST_LEVEL_2LVL))

/*
 * What a server has.  Both endiannesses, both fault models and RAZ/WI are the
 * zeroes of TTENDIAN, STALL_MODEL and TERM_MODEL; split-stage ATS is that of
 * NS1ATS.
 */
#define IDR0_SERVER                                                   \
	(IDR0_BASIC | SMMU_IDR0_HYP | SMMU_IDR0_MSI | SMMU_IDR0_SEV | \
	 SMMU_IDR0_CD2L | SMMU_IDR0_VMW | SMMU_IDR0_ATS | SMMU_IDR0_PRI)

#define HTTU(n) FIELD_PREP(SMMU_IDR0_HTTU, SMMU_IDR0_HTTU_##n)

#define IDR1_SIZES(sid, ssid)                   \
	(FIELD_PREP(SMMU_IDR1_SIDSIZE, sid) |   \
	 FIELD_PREP(SMMU_IDR1_SSIDSIZE, ssid) | \
	 FIELD_PREP(SMMU_IDR1_EVENTQS, 19) | FIELD_PREP(SMMU_IDR1_CMDQS, 19))

#define IDR1_PRIQ FIELD_PREP(SMMU_IDR1_PRIQS, 19)

#define IDR1_OVR (SMMU_IDR1_ATTR_PERMS_OVR | SMMU_IDR1_ATTR_TYPES_OVR)

/* Mandatory in SMMUv3.2 with both stages. */
#define IDR3_V32                                                         \
	(SMMU_IDR3_HAD | SMMU_IDR3_XNX | SMMU_IDR3_FWB | SMMU_IDR3_RIL | \
	 FIELD_PREP(SMMU_IDR3_BBML, 2))

#define IDR3_FULL                                                       \
	(IDR3_V32 | SMMU_IDR3_STT | SMMU_IDR3_E0PD | SMMU_IDR3_PTWNNC | \
	 SMMU_IDR3_EPAN | SMMU_IDR3_PPS | SMMU_IDR3_PASIDTT)

#define IDR5_GRANULES (SMMU_IDR5_GRAN4K | SMMU_IDR5_GRAN16K | SMMU_IDR5_GRAN64K)

#define IDR5_VAX52 FIELD_PREP(SMMU_IDR5_VAX, SMMU_IDR5_VAX_52)

#define IDR5_STALLS(n) FIELD_PREP(SMMU_IDR5_STALL_MAX, n)

/* Arm, no product. */
#define IIDR_NO_PRODUCT 0x0000043b

static const struct uiommu_smmuv3_profile profiles[] = {
	{
		.name = "full",
		.idr = {
			[0] = IDR0_SERVER | HTTU(AF_DIRTY) |
			      SMMU_IDR0_ATSRECERR,
			[1] = IDR1_SIZES(16, 20) | IDR1_PRIQ | IDR1_OVR,
			[3] = IDR3_FULL,
			[5] = IDR5_GRANULES | SMMU_IDR5_OAS_48 |
			      IDR5_STALLS(256),
		},
		.iidr = IIDR_NO_PRODUCT,
		.aidr = 3,
		.tlb_entries = 16384,
		.config_entries = 512,
	},
	{
		.name = "full-52",
		.idr = {
			[0] = IDR0_SERVER | HTTU(HAFT) | SMMU_IDR0_ATSRECERR,
			[1] = IDR1_SIZES(16, 20) | IDR1_PRIQ | IDR1_OVR,
			[3] = IDR3_FULL,
			[5] = IDR5_GRANULES | SMMU_IDR5_OAS_52 |
			      SMMU_IDR5_DS | IDR5_VAX52 | IDR5_STALLS(256),
		},
		.iidr = IIDR_NO_PRODUCT,
		.aidr = 3,
		.tlb_entries = 16384,
		.config_entries = 512,
	},
	{
		.name = "neoverse",
		.idr = {
			[0] = IDR0_SERVER | HTTU(AF_DIRTY),
			[1] = IDR1_SIZES(32, 20) | IDR1_PRIQ | IDR1_OVR,
			[3] = IDR3_V32 | SMMU_IDR3_STT | SMMU_IDR3_PPS,
			[5] = IDR5_GRANULES | SMMU_IDR5_OAS_48 | IDR5_VAX52 |
			      IDR5_STALLS(512),
		},
		.iidr = IIDR_NO_PRODUCT,
		.aidr = 2,
		.tlb_entries = 16384,
		.config_entries = 512,
	},
	{
		.name = "qemu-8",
		.idr = {
			[0] = IDR0_BASIC | SMMU_IDR0_TERM_MODEL |
			      FIELD_PREP(SMMU_IDR0_TTENDIAN,
					 SMMU_IDR0_TTENDIAN_LE) |
			      FIELD_PREP(SMMU_IDR0_STALL_MODEL,
					 SMMU_IDR0_STALL_MODEL_TERM),
			[1] = IDR1_SIZES(16, 0),
			[3] = SMMU_IDR3_HAD | SMMU_IDR3_XNX | SMMU_IDR3_RIL |
			      FIELD_PREP(SMMU_IDR3_BBML, 2),
			[5] = IDR5_GRANULES | SMMU_IDR5_OAS_44,
		},
		.aidr = 1,
		.tlb_entries = 16384,
		.config_entries = 512,
	},
	{
		.name = "full-8",
		.idr = {
			[0] = (IDR0_SERVER & ~IDR0_LONG_TAGS) |
			      HTTU(AF_DIRTY) | SMMU_IDR0_ATSRECERR,
			[1] = IDR1_SIZES(16, 20) | IDR1_PRIQ | IDR1_OVR,
			[3] = IDR3_FULL,
			[5] = IDR5_GRANULES | SMMU_IDR5_OAS_48 |
			      IDR5_STALLS(256),
		},
		.iidr = IIDR_NO_PRODUCT,
		.aidr = 3,
		.tlb_entries = 16384,
		.config_entries = 512,
	},
};

const struct uiommu_smmuv3_profile *uiommu_smmuv3_profile_get(unsigned int i)
{
	return i < ARRAY_SIZE(profiles) ? &profiles[i] : NULL;
}

const struct uiommu_smmuv3_profile *uiommu_smmuv3_profile_find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(profiles); i++) {
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	}
	return NULL;
}
