/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profile.c - what ID registers may say.
 *
 * A profile is refused when it contradicts the architecture or names a feature
 * that this model does not have, so that nothing is advertised that does not
 * work.  The rules are a table of bits that must be 0 and a list of checks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "msmmu.h"

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
	{ 0, BIT32(29) | BIT32(31), "a reserved bit of IDR0" },
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
	{ 3, GENMASK32(31, 24) | BIT32(6) | GENMASK32(1, 0),
	  "a reserved bit of IDR3" },
	{ 5, SMMU_IDR5_D128, "IDR5.D128" },
	{ 5, GENMASK32(15, 12) | BIT32(9) | BIT32(3),
	  "a reserved bit of IDR5" },
	{ 6, ~(SMMU_IDR6_LOG2NUMP | SMMU_IDR6_LOG2NUMQ),
	  "a reserved bit of IDR6" },
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

/* What must hold, else the sentence. */
struct rule {
	bool ok;
	const char *why;
};

static const char *first_broken(const struct rule *rules, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (!rules[i].ok)
			return rules[i].why;
	}
	return NULL;
}

/* Values that do not exist, or not here. */
static const char *contradiction(const struct uiommu_smmuv3_profile *p,
				 const struct msmmu_caps *c)
{
	uint32_t i0 = p->idr[0];
	const struct rule rules[] = {
		{ c->s1p || c->s2p, "IDR0: neither stage" },
		{ c->aa64, "IDR0.TTF: only AArch64 tables are supported" },
		{ c->ttendian != 1, "IDR0.TTENDIAN is reserved" },
		{ c->stall_model <= SMMU_IDR0_STALL_MODEL_FORCED,
		  "IDR0.STALL_MODEL is reserved" },
		{ FIELD_GET(SMMU_IDR0_ST_LEVEL, i0) < 2,
		  "IDR0.ST_LEVEL is reserved" },
		{ c->st_2lvl || c->sid_bits < 7,
		  "IDR0.ST_LEVEL: many StreamIDs need two levels" },
		{ !c->hyp || (c->s1p && c->s2p), "IDR0.Hyp needs both stages" },
		{ c->sid_bits <= SMMU_SIDSIZE_MAX, "IDR1.SIDSIZE above 32" },
		{ c->ssid_bits <= SMMU_SSIDSIZE_MAX, "IDR1.SSIDSIZE above 20" },
		{ c->cmdq_lg2 <= SMMU_QUEUE_LG2_MAX, "IDR1.CMDQS above 19" },
		{ c->evtq_lg2 <= SMMU_QUEUE_LG2_MAX, "IDR1.EVENTQS above 19" },
		{ c->priq_lg2 <= SMMU_QUEUE_LG2_MAX, "IDR1.PRIQS above 19" },
		{ c->granules, "IDR5: no granule" },
		{ c->oas <= 52, "IDR5.OAS of 56 bits is not supported" },
		{ c->oas < 52 || c->ds || (c->granules & BIT32(16)),
		  "IDR5.OAS of 52 bits needs DS or the 64K granule" },
		{ FIELD_GET(SMMU_IDR5_VAX, p->idr[5]) < 2,
		  "IDR5.VAX above 52 bits is not supported" },
		{ c->ecmdq_pages_lg2 <= SMMU_IDR6_LOG2_MAX,
		  "IDR6.LOG2NUMP above 8" },
		{ c->ecmdq_per_page_lg2 <= SMMU_IDR6_LOG2_MAX,
		  "IDR6.LOG2NUMQ above 8" },
		{ c->ecmdq_pages_lg2 + c->ecmdq_per_page_lg2 <= ECMDQS_MAX_LG2,
		  "IDR6: more than 256 queues are not supported" },
		{ p->aidr <= 4, "AIDR: not a version of SMMUv3" },
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

/* Fields that are 0 unless others say something. */
static const char *coupling(const struct uiommu_smmuv3_profile *p,
			    const struct msmmu_caps *c)
{
	uint32_t i0 = p->idr[0], i3 = p->idr[3];
	bool ssids = c->ssid_bits,
	     small = c->granules & (BIT32(12) | BIT32(14));
	const struct rule rules[] = {
		{ !c->ns1ats || (c->ats && c->s1p && c->s2p),
		  "IDR0.NS1ATS needs ATS and both stages" },
		{ !c->pri || c->ats, "IDR0.PRI needs ATS" },
		{ !c->atsrecerr || c->ats, "IDR0.ATSRECERR needs ATS" },
		{ !c->vmw || c->s2p, "IDR0.VMW needs stage 2" },
		{ !c->ecmdq || (i0 & SMMU_IDR0_COHACC),
		  "IDR1.ECMDQ needs COHACC" },
		{ !c->ecmdq || c->msi, "IDR1.ECMDQ needs MSI" },
		{ c->ecmdq || !p->idr[6], "IDR6 needs IDR1.ECMDQ" },
		{ !c->had || c->s1p, "IDR3.HAD needs stage 1" },
		{ !c->xnx || c->s2p, "IDR3.XNX needs stage 2" },
		{ !c->ptwnnc || c->s2p, "IDR3.PTWNNC needs stage 2" },
		{ !c->pps || c->pri, "IDR3.PPS needs PRI" },
		{ !c->pps || ssids, "IDR3.PPS needs SubstreamIDs" },
		{ !c->pasidtt || c->ats, "IDR3.PASIDTT needs ATS" },
		{ !c->pasidtt || ssids, "IDR3.PASIDTT needs SubstreamIDs" },
		{ FIELD_GET(SMMU_IDR3_BBML, i3) < 3, "IDR3.BBML is reserved" },
		{ !c->ds || c->vax52, "IDR5.DS needs VAX" },
		{ !c->ds || small, "IDR5.DS needs the 4K or the 16K granule" },
		{ !c->vax52 || c->ds || (c->granules & BIT32(16)),
		  "IDR5.VAX needs DS or the 64K granule" },
		{ c->stall_model != SMMU_IDR0_STALL_MODEL_TERM || !c->stall_max,
		  "IDR5.STALL_MAX without stalls" },
		{ c->stall_model == SMMU_IDR0_STALL_MODEL_TERM || c->stall_max,
		  "IDR5.STALL_MAX is 0 with stalls" },
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

/* What a version of the architecture demands, or does not know yet. */
static const char *versioning(const struct uiommu_smmuv3_profile *p,
			      const struct msmmu_caps *c)
{
	unsigned int v = c->minor, bbml = FIELD_GET(SMMU_IDR3_BBML, p->idr[3]);
	const struct rule rules[] = {
		{ v >= 1 || !c->xnx, "IDR3.XNX before SMMUv3.1" },
		{ v >= 1 || c->oas <= 48, "IDR5.OAS of 52 before SMMUv3.1" },
		{ v >= 1 || !c->vax52, "IDR5.VAX before SMMUv3.1" },
		{ v < 1 || !c->s1p || c->had, "SMMUv3.1 must have IDR3.HAD" },
		{ v < 1 || !c->s2p || c->xnx, "SMMUv3.1 must have IDR3.XNX" },
		{ v < 2 || !c->s1p || !c->s2p || c->hyp,
		  "SMMUv3.2 must have IDR0.Hyp" },
		{ v < 2 || !c->s2p || c->fwb, "SMMUv3.2 must have IDR3.FWB" },
		{ v < 2 || c->ril, "SMMUv3.2 must have IDR3.RIL" },
		{ v < 2 || bbml, "SMMUv3.2 must have IDR3.BBML" },
		{ v < 3 || !c->s1p || c->e0pd, "SMMUv3.3 must have IDR3.E0PD" },
		{ v < 3 || !c->s2p || c->ptwnnc,
		  "SMMUv3.3 must have IDR3.PTWNNC" },
		{ v < 4 || !c->s1p || c->epan, "SMMUv3.4 must have IDR3.EPAN" },
		{ v < 4 || !c->s2p,
		  "SMMUv3.4 must have IDR3.MTEPERM, which is not supported" },
	};

	return first_broken(rules, ARRAY_SIZE(rules));
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
	if (!wrong)
		wrong = coupling(profile, caps);
	if (!wrong)
		wrong = versioning(profile, caps);
	if (!wrong && (!size_ok(profile->tlb_entries) ||
		       !size_ok(profile->config_entries)))
		wrong = "cache sizes must be powers of two";
	if (!wrong)
		return 0;
	snprintf(why, why_len, "%s", wrong);
	return -EINVAL;
}
