/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profile.c - ready-made profiles, and what ID registers may say.
 *
 * A profile is refused when it contradicts the architecture or names a feature
 * that this model does not have, so that nothing is advertised that does not
 * work.  The rules are a table of bits that must be 0 and a list of checks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "msmmu.h"

#define IDR0_COMMON                                                            \
	(SMMU_IDR0_S1P | SMMU_IDR0_S2P | SMMU_IDR0_COHACC | SMMU_IDR0_ASID16 | \
	 SMMU_IDR0_VMID16 | 2u << 2 /* AArch64 */ |                            \
	 2u << 21 /* little-endian tables */ | 1u << 24 /* no stalls */ |      \
	 SMMU_IDR0_TERM_MODEL | 1u << 27 /* two-level stream table */)

#define IDR1_SIZES(sid, ssid, cmdq, evtq) \
	((sid) | (ssid) << 6 | (evtq) << 16 | (cmdq) << 21)

#define IDR5_GRANULES (SMMU_IDR5_GRAN4K | SMMU_IDR5_GRAN16K | SMMU_IDR5_GRAN64K)

static const struct uiommu_smmuv3_profile profiles[] = {
	{
		.name = "full",
		.idr = {
			IDR0_COMMON | SMMU_IDR0_HYP | SMMU_IDR0_MSI |
				SMMU_IDR0_SEV | SMMU_IDR0_CD2L,
			IDR1_SIZES(16u, 20u, 19u, 19u) |
				SMMU_IDR1_ATTR_PERMS_OVR |
				SMMU_IDR1_ATTR_TYPES_OVR,
			0,
			SMMU_IDR3_HAD | SMMU_IDR3_XNX | SMMU_IDR3_FWB |
				SMMU_IDR3_STT | SMMU_IDR3_RIL | 2u << 11 |
				SMMU_IDR3_E0PD | SMMU_IDR3_PTWNNC,
			0,
			IDR5_GRANULES | SMMU_IDR5_OAS_48,
		},
		.iidr = 0x0000043b,
		.aidr = 3,
		.tlb_entries = 16384,
		.config_entries = 512,
	},
	{
		/* What QEMU 8 to 11 emulate, for comparing with it. */
		.name = "qemu-8",
		.idr = {
			IDR0_COMMON, IDR1_SIZES(16u, 0u, 19u, 19u), 0,
			SMMU_IDR3_HAD | SMMU_IDR3_XNX | SMMU_IDR3_RIL |
				2u << 11,
			0, IDR5_GRANULES | SMMU_IDR5_OAS_44,
		},
		.aidr = 1,
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

/* --------------------------------------------------------------- checks -- */

/* ECMDQs of an instance, all pages together: each takes memory. */
#define ECMDQS_MAX_LG2 8u

/* Bits that this model cannot honour. */
static const struct {
	uint8_t reg;
	uint32_t bits;
	const char *name;
} absent[] = {
	{ 0, SMMU_IDR0_BTM, "IDR0.BTM" },
	{ 0, SMMU_IDR0_DORMHINT, "IDR0.DORMHINT" },
	{ 0, SMMU_IDR0_ATOS, "IDR0.ATOS" },
	{ 0, SMMU_IDR0_VATOS, "IDR0.VATOS" },
	{ 0, SMMU_IDR0_RME_IMPL, "IDR0.RME_IMPL" },
	{ 1, SMMU_IDR1_QUEUES_PRESET, "IDR1.QUEUES_PRESET" },
	{ 1, SMMU_IDR1_TABLES_PRESET, "IDR1.TABLES_PRESET" },
	{ 1, SMMU_IDR1_REL, "IDR1.REL" },
	{ 2, 0xffffffff, "IDR2" },
	{ 3, SMMU_IDR3_PBHA, "IDR3.PBHA" },
	{ 3, SMMU_IDR3_MPAM, "IDR3.MPAM" },
	{ 3, SMMU_IDR3_DPT, "IDR3.DPT" },
	{ 3, SMMU_IDR3_S1PI, "IDR3.S1PI" },
	{ 3, SMMU_IDR3_S2PI, "IDR3.S2PI" },
	{ 3, SMMU_IDR3_S2PO, "IDR3.S2PO" },
	{ 3, SMMU_IDR3_THE, "IDR3.THE" },
	{ 3, SMMU_IDR3_MTEPERM, "IDR3.MTEPERM" },
	{ 3, SMMU_IDR3_AIE, "IDR3.AIE" },
	{ 5, SMMU_IDR5_D128, "IDR5.D128" },
};

static void take_apart(const struct uiommu_smmuv3_profile *p,
		       struct msmmu_caps *c)
{
	uint32_t i0 = p->idr[0], i1 = p->idr[1], i3 = p->idr[3];
	uint32_t i5 = p->idr[5], i6 = p->idr[6];

	*c = (struct msmmu_caps){
		.s1p = i0 & SMMU_IDR0_S1P,
		.s2p = i0 & SMMU_IDR0_S2P,
		.aa64 = FIELD_GET(SMMU_IDR0_TTF, i0) == 2,
		.hyp = i0 & SMMU_IDR0_HYP,
		.msi = i0 & SMMU_IDR0_MSI,
		.sev = i0 & SMMU_IDR0_SEV,
		.vmw = i0 & SMMU_IDR0_VMW,
		.ecmdq = i1 & SMMU_IDR1_ECMDQ,
		.ecmdq_pages_lg2 = FIELD_GET(SMMU_IDR6_LOG2NUMP, i6),
		.ecmdq_per_page_lg2 = FIELD_GET(SMMU_IDR6_LOG2NUMQ, i6),
		.asid16 = i0 & SMMU_IDR0_ASID16,
		.vmid16 = i0 & SMMU_IDR0_VMID16,
		.cd2l = i0 & SMMU_IDR0_CD2L,
		.st_2lvl = FIELD_GET(SMMU_IDR0_ST_LEVEL, i0) == 1,
		.ats = i0 & SMMU_IDR0_ATS,
		.ns1ats = i0 & SMMU_IDR0_NS1ATS,
		.atsrecerr = i0 & SMMU_IDR0_ATSRECERR,
		.pri = i0 & SMMU_IDR0_PRI,
		.pps = i3 & SMMU_IDR3_PPS,
		.pasidtt = i3 & SMMU_IDR3_PASIDTT,
		.httu = FIELD_GET(SMMU_IDR0_HTTU, i0),
		.stall_model = FIELD_GET(SMMU_IDR0_STALL_MODEL, i0),
		.stall_max = FIELD_GET(SMMU_IDR5_STALL_MAX, i5),
		.term_only = i0 & SMMU_IDR0_TERM_MODEL,
		.attr_perms_ovr = i1 & SMMU_IDR1_ATTR_PERMS_OVR,
		.attr_types_ovr = i1 & SMMU_IDR1_ATTR_TYPES_OVR,
		.had = i3 & SMMU_IDR3_HAD,
		.xnx = i3 & SMMU_IDR3_XNX,
		.fwb = i3 & SMMU_IDR3_FWB,
		.stt = i3 & SMMU_IDR3_STT,
		.ril = i3 & SMMU_IDR3_RIL,
		.e0pd = i3 & SMMU_IDR3_E0PD,
		.epan = i3 & SMMU_IDR3_EPAN,
		.ptwnnc = i3 & SMMU_IDR3_PTWNNC,
		.ds = i5 & SMMU_IDR5_DS,
		.vax52 = FIELD_GET(SMMU_IDR5_VAX, i5) == SMMU_IDR5_VAX_52,
		.minor = FIELD_GET(SMMU_AIDR_MINOR, p->aidr),
		.plain_out = FIELD_GET(SMMU_AIDR_MINOR, p->aidr) >= 4,
		.ttendian = FIELD_GET(SMMU_IDR0_TTENDIAN, i0),
		.sid_bits = FIELD_GET(SMMU_IDR1_SIDSIZE, i1),
		.ssid_bits = FIELD_GET(SMMU_IDR1_SSIDSIZE, i1),
		.cmdq_lg2 = FIELD_GET(SMMU_IDR1_CMDQS, i1),
		.evtq_lg2 = FIELD_GET(SMMU_IDR1_EVENTQS, i1),
		.priq_lg2 = FIELD_GET(SMMU_IDR1_PRIQS, i1),
		.oas = smmu_oas_bits(FIELD_GET(SMMU_IDR5_OAS, i5)),
		.ias = smmu_oas_bits(FIELD_GET(SMMU_IDR5_OAS, i5)),
		.granules = (i5 & SMMU_IDR5_GRAN4K ? BIT32(12) : 0) |
			    (i5 & SMMU_IDR5_GRAN16K ? BIT32(14) : 0) |
			    (i5 & SMMU_IDR5_GRAN64K ? BIT32(16) : 0),
	};
}

/* Each line: what must hold, else the sentence. */
static const char *contradiction(const struct uiommu_smmuv3_profile *p,
				 const struct msmmu_caps *c)
{
	uint32_t i0 = p->idr[0];
	const struct {
		bool ok;
		const char *why;
	} rules[] = {
		{ c->s1p || c->s2p, "IDR0: neither stage" },
		{ c->aa64, "IDR0.TTF: only AArch64 tables are supported" },
		{ c->ttendian != 1, "IDR0.TTENDIAN is reserved" },
		{ c->stall_model <= SMMU_IDR0_STALL_MODEL_FORCED,
		  "IDR0.STALL_MODEL is reserved" },
		{ !c->stall_max ==
			  (c->stall_model == SMMU_IDR0_STALL_MODEL_TERM),
		  "IDR5.STALL_MAX does not go with IDR0.STALL_MODEL" },
		{ FIELD_GET(SMMU_IDR0_ST_LEVEL, i0) < 2,
		  "IDR0.ST_LEVEL is reserved" },
		{ c->st_2lvl || c->sid_bits < 7,
		  "IDR0.ST_LEVEL: many StreamIDs need two levels" },
		{ !c->hyp || (c->s1p && c->s2p), "IDR0.Hyp needs both stages" },
		{ c->s2p || !(i0 & SMMU_IDR0_VMID16),
		  "IDR0.VMID16 without stage 2" },
		{ c->s2p || !c->vmw, "IDR0.VMW without stage 2" },
		{ c->sid_bits <= SMMU_SIDSIZE_MAX, "IDR1.SIDSIZE above 32" },
		{ c->ssid_bits <= SMMU_SSIDSIZE_MAX, "IDR1.SSIDSIZE above 20" },
		{ c->cmdq_lg2 <= SMMU_QUEUE_LG2_MAX, "IDR1.CMDQS above 19" },
		{ c->evtq_lg2 <= SMMU_QUEUE_LG2_MAX, "IDR1.EVENTQS above 19" },
		{ c->priq_lg2 <= SMMU_QUEUE_LG2_MAX, "IDR1.PRIQS above 19" },
		{ c->ats || !c->pri, "IDR0.PRI without ATS" },
		{ !c->ns1ats || (c->ats && c->s1p && c->s2p),
		  "IDR0.NS1ATS without ATS and both stages" },
		{ !c->atsrecerr || (c->ats && c->minor >= 3),
		  "IDR0.ATSRECERR needs ATS and SMMUv3.3" },
		{ !c->pps || (c->pri && c->ssid_bits),
		  "IDR3.PPS without PRI and substreams" },
		{ !c->pasidtt || (c->ats && c->ssid_bits),
		  "IDR3.PASIDTT without ATS and substreams" },
		{ c->granules, "IDR5: no granule" },
		{ c->oas <= 52, "IDR5.OAS of 56 bits is not supported" },
		{ c->oas < 52 || c->ds || (c->granules & BIT32(16)),
		  "IDR5.OAS of 52 bits needs DS or the 64K granule" },
		{ FIELD_GET(SMMU_IDR5_VAX, p->idr[5]) < 2,
		  "IDR5.VAX above 52 bits is not supported" },
		{ !c->ds || c->vax52, "IDR5.DS needs VAX" },
		{ c->s2p || !(p->idr[3] & (SMMU_IDR3_XNX | SMMU_IDR3_FWB |
					   SMMU_IDR3_PTWNNC)),
		  "IDR3: stage-2 features without stage 2" },
		{ c->s1p || !(p->idr[3] & (SMMU_IDR3_HAD | SMMU_IDR3_E0PD |
					   SMMU_IDR3_EPAN)),
		  "IDR3: stage-1 features without stage 1" },
		{ FIELD_GET(SMMU_IDR3_BBML, p->idr[3]) < 3,
		  "IDR3.BBML is reserved" },
		{ p->aidr <= 4, "AIDR: not a version of SMMUv3" },
		{ !c->ecmdq || ((i0 & SMMU_IDR0_COHACC) && c->msi),
		  "IDR1.ECMDQ needs COHACC and MSI" },
		{ !(p->idr[6] &
		    (c->ecmdq ? ~(SMMU_IDR6_LOG2NUMP | SMMU_IDR6_LOG2NUMQ)
			      : ~UINT32_C(0))),
		  "IDR6: bits that are reserved, or no ECMDQ" },
		{ c->ecmdq_pages_lg2 <= SMMU_IDR6_LOG2_MAX &&
			  c->ecmdq_per_page_lg2 <= SMMU_IDR6_LOG2_MAX,
		  "IDR6: more than 256 pages or queues in a page" },
		{ c->ecmdq_pages_lg2 + c->ecmdq_per_page_lg2 <= ECMDQS_MAX_LG2,
		  "IDR6: more than 256 queues are not supported" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!rules[i].ok)
			return rules[i].why;
	}
	return NULL;
}

static bool size_ok(uint32_t entries)
{
	return !entries || (is_pow2(entries) && entries <= BIT32(24));
}

int msmmu_caps_from_profile(const struct uiommu_smmuv3_profile *profile,
			    struct msmmu_caps *caps, char *why, size_t why_len)
{
	const char *wrong;

	for (unsigned int i = 0; i < ARRAY_SIZE(absent); i++) {
		if (profile->idr[absent[i].reg] & absent[i].bits) {
			snprintf(why, why_len, "%s: not supported",
				 absent[i].name);
			return -EINVAL;
		}
	}
	take_apart(profile, caps);
	wrong = contradiction(profile, caps);
	if (!wrong && (!size_ok(profile->tlb_entries) ||
		       !size_ok(profile->config_entries)))
		wrong = "cache sizes must be powers of two";
	if (!wrong)
		return 0;
	snprintf(why, why_len, "%s", wrong);
	return -EINVAL;
}
