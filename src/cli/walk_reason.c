/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_reason.c - why an access ended, in words that name the field at fault.
 *
 * The model says which check failed; here that is put together with what the
 * steps before it have read.
 */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/ste.h"
#include "hw/vmsa/desc.h"
#include "walk.h"

struct reason {
	const struct walk *walk;
	/* the descriptor that was read last, or NULL */
	const struct uiommu_smmuv3_step *desc;
	bool stage2;
	char *buf;
	size_t len;
};

#define SAY(r, ...) snprintf((r)->buf, (r)->len, __VA_ARGS__)
#define ULL(x) ((unsigned long long)(x))

/* ---------------------------------------------------------- structures -- */

static void say_streamid(const struct reason *r)
{
	uint32_t cfg = (uint32_t)walk_reg(r->walk, SMMU_REG_STRTAB_BASE_CFG);
	const struct uiommu_smmuv3_step *l1 =
		walk_last(r->walk, UIOMMU_SMMUV3_STEP_L1STD);
	unsigned int lg2 = FIELD_GET(SMMU_STRTAB_BASE_CFG_LOG2SIZE, cfg);
	uint32_t sid = r->walk->txn.sid;

	if (!l1)
		SAY(r,
		    "StreamID %#x is out of range: STRTAB_BASE_CFG.LOG2SIZE = "
		    "%u and IDR1.SIDSIZE = %u",
		    sid, lg2,
		    (unsigned int)FIELD_GET(SMMU_IDR1_SIDSIZE,
					    r->walk->profile->idr[1]));
	else
		SAY(r,
		    "StreamID %#x is outside what its level-1 descriptor at "
		    "%#llx covers: Span = %u",
		    sid, ULL(l1->pa),
		    (unsigned int)FIELD_GET(SMMU_L1STD_SPAN, l1->words[0]));
}

static void say_substream(const struct reason *r)
{
	uint64_t q0 = walk_word(r->walk, UIOMMU_SMMUV3_STEP_STE, 0);

	SAY(r, "%s (STE.S1CDMax = %u, IDR1.SSIDSIZE = %u)",
	    r->walk->why.fault.reason,
	    (unsigned int)FIELD_GET(SMMU_STE_0_S1CDMAX, q0),
	    (unsigned int)FIELD_GET(SMMU_IDR1_SSIDSIZE,
				    r->walk->profile->idr[1]));
}

/* -------------------------------------------------------------- tables -- */

static void say_range(const struct reason *r)
{
	const struct uiommu_smmuv3_step *stage =
		walk_last(r->walk, UIOMMU_SMMUV3_STEP_STAGE2);
	const char *why = r->walk->why.fault.reason;
	uint64_t q0 = walk_word(r->walk, UIOMMU_SMMUV3_STEP_CD, 0);
	bool top = !walk_is_el2(r->walk) && (r->walk->txn.iova >> 55 & 1);
	unsigned int tsz = (unsigned int)FIELD_GET(
		top ? SMMU_CD_0_T1SZ : SMMU_CD_0_T0SZ, q0);

	if (r->stage2 && stage)
		SAY(r,
		    "IPA %#llx has more than the %u bits that STE.S2T0SZ "
		    "allows",
		    ULL(stage->input), stage->in_bits);
	else if (strstr(why, "(EPD)"))
		SAY(r, "CD.EPD%u turns off TTB%u, which the address uses", top,
		    top);
	else if (strstr(why, "(E0PD)"))
		SAY(r,
		    "CD.E0PD%u keeps unprivileged accesses out of TTB%u, which "
		    "the address uses",
		    top, top);
	else
		SAY(r, "%s: CD.T%uSZ = %u allows %u bits", why, top, tsz,
		    64 - tsz);
}

static void say_translation(const struct reason *r)
{
	const struct uiommu_smmuv3_step *d = r->desc;
	char size[24];

	switch (d->desc) {
	case UIOMMU_SMMUV3_DESC_INVALID:
		SAY(r,
		    "the stage-%u level %d descriptor at %#llx is invalid: "
		    "bit 0 of %#llx is 0",
		    r->stage2 + 1, d->level, ULL(d->pa), ULL(d->words[0]));
		break;
	case UIOMMU_SMMUV3_DESC_RESERVED:
		SAY(r,
		    "the stage-%u level 3 descriptor at %#llx is reserved: "
		    "bits 1:0 of %#llx are 0b01",
		    r->stage2 + 1, ULL(d->pa), ULL(d->words[0]));
		break;
	case UIOMMU_SMMUV3_DESC_BLOCK:
		SAY(r,
		    "the stage-%u level %d descriptor at %#llx is a block "
		    "(bits 1:0 are 0b01), which level %d of a %s granule does "
		    "not have",
		    r->stage2 + 1, d->level, ULL(d->pa), d->level,
		    size_words(d->granule_lg2, size, sizeof(size)));
		break;
	default:
		SAY(r, "%s", r->walk->why.fault.reason);
	}
}

static void say_addr_size(const struct reason *r)
{
	const struct uiommu_smmuv3_step *d = r->desc;

	SAY(r,
	    "the address %#llx in the stage-%u level %d descriptor at %#llx "
	    "has more than %u bits (%s and IDR5.OAS)",
	    ULL(d->output), r->stage2 + 1, d->level, ULL(d->pa), d->out_bits,
	    r->stage2 ? "STE.S2PS" : "CD.IPS");
}

static void say_access(const struct reason *r)
{
	const struct uiommu_smmuv3_step *d = r->desc;

	SAY(r,
	    "AF (bit 10) of the stage-%u level %d descriptor at %#llx is 0 "
	    "and %s = 0",
	    r->stage2 + 1, d->level, ULL(d->pa),
	    r->stage2 ? "STE.S2AFFD" : "CD.AFFD");
}

/* --------------------------------------------------------- permissions -- */

struct want {
	bool read, write, fetch, priv;
};

/* After the overrides of the STE. */
static struct want wanted(const struct walk *walk)
{
	uint64_t q1 = walk_word(walk, UIOMMU_SMMUV3_STEP_STE, 1);
	unsigned int priv = (unsigned int)FIELD_GET(SMMU_STE_1_PRIVCFG, q1);
	unsigned int instr = (unsigned int)FIELD_GET(SMMU_STE_1_INSTCFG, q1);
	uint32_t flags = walk->txn.flags;
	struct want want = {
		.write = flags & (UIOMMU_TXN_WRITE | UIOMMU_TXN_ATOMIC),
		.read = !(flags & UIOMMU_TXN_WRITE) ||
			(flags & UIOMMU_TXN_ATOMIC),
		.fetch = flags & UIOMMU_TXN_INSTR,
		.priv = flags & UIOMMU_TXN_PRIV,
	};

	if (walk->profile->idr[1] & SMMU_IDR1_ATTR_PERMS_OVR) {
		want.priv = priv < 2 ? want.priv : priv & 1;
		want.fetch = instr < 2 ? want.fetch : instr & 1;
	}
	want.fetch = want.fetch && !want.write;
	return want;
}

/* What tables above the leaf take away. */
static uint64_t table_bits(const struct walk *walk)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < walk->nr_steps; i++) {
		const struct uiommu_smmuv3_step *step = &walk->steps[i];

		if (step->kind == UIOMMU_SMMUV3_STEP_S1_DESC &&
		    step->nr_words && step->desc == UIOMMU_SMMUV3_DESC_TABLE &&
		    !walk_is_had(walk, step->half))
			bits |= step->words[0];
	}
	return bits;
}

/* Of an EL2 stream, which has one privilege. */
static const char *el2_culprit(const struct walk *walk, uint64_t leaf,
			       uint64_t tables, const struct want *want)
{
	if (want->fetch && (leaf & VMSA_S1_UXN))
		return "XN (bit 54) is 1: not executable";
	if (want->fetch && (tables & VMSA_S1_TABLE_UXNTABLE))
		return "XNTable (bit 60) of a table above is 1";
	if (want->fetch)
		return "memory that may be written is not executable here "
		       "(CD.WXN)";
	return walk->why.fault.reason;
}

static const char *fetch_culprit(uint64_t leaf, uint64_t tables, bool priv)
{
	if (priv && (leaf & VMSA_S1_PXN))
		return "PXN (bit 53) is 1: not executable when privileged";
	if (!priv && (leaf & VMSA_S1_UXN))
		return "UXN (bit 54) is 1: not executable when unprivileged";
	if (priv && (tables & VMSA_S1_TABLE_PXNTABLE))
		return "PXNTable (bit 59) of a table above is 1";
	if (!priv && (tables & VMSA_S1_TABLE_UXNTABLE))
		return "UXNTable (bit 60) of a table above is 1";
	return "memory that may be written is not executable here (CD.WXN, or "
	       "unprivileged writes)";
}

static const char *s1_culprit(const struct walk *walk, uint64_t leaf,
			      const struct want *want)
{
	uint64_t tables = table_bits(walk);
	unsigned int table =
		(unsigned int)FIELD_GET(VMSA_S1_TABLE_APTABLE, tables);
	bool clean = walk_marks_dirty(walk) && (leaf & VMSA_LEAF_DBM);

	if (want->write && (leaf & VMSA_S1_AP_2) && !clean)
		return "AP[2] (bit 7) is 1: read only";
	if (want->write && (table & 2))
		return "APTable[1] (bit 62) of a table above is 1: read only";
	if (walk_is_el2(walk))
		return el2_culprit(walk, leaf, tables, want);
	/* Of fetches UXN alone decides. */
	if (!want->priv && !want->fetch && !(leaf & VMSA_S1_AP_1))
		return "AP[1] (bit 6) is 0: privileged accesses only";
	if (!want->priv && !want->fetch && (table & 1))
		return "APTable[0] (bit 61) of a table above is 1: privileged "
		       "accesses only";
	if (want->fetch)
		return fetch_culprit(leaf, tables, want->priv);
	if (want->priv &&
	    (walk_word(walk, UIOMMU_SMMUV3_STEP_CD, 0) & SMMU_CD_0_PAN))
		return "CD.PAN is 1 and unprivileged accesses are allowed "
		       "here";
	return walk->why.fault.reason;
}

static const char *s2_culprit(const struct walk *walk, uint64_t leaf,
			      const struct want *want)
{
	unsigned int ap = (unsigned int)FIELD_GET(VMSA_S2_S2AP, leaf);

	if (want->write && !(ap & VMSA_S2AP_WO))
		return "S2AP[1] (bit 7) is 0: no writes";
	if (want->read && !want->fetch && !(ap & VMSA_S2AP_RO))
		return "S2AP[0] (bit 6) is 0: no reads";
	if (want->fetch)
		return "XN (bits 54:53) forbids execution";
	return walk->why.fault.reason;
}

/* Stage 2 in the way of the SMMU's own accesses. */
static const char *own_culprit(const struct walk *walk)
{
	const char *why = walk->why.fault.reason;

	if (strstr(why, "update"))
		return "S2AP[1] (bit 7) is 0: a flag in a table there cannot "
		       "be written";
	if (strstr(why, "read"))
		return "S2AP[0] (bit 6) is 0: a table or CD there cannot be "
		       "read";
	return "MemAttr says Device and STE.S2PTW is 1: no tables or CDs in "
	       "Device memory";
}

static void say_permission(const struct reason *r)
{
	const struct uiommu_smmuv3_step *d = r->desc;
	struct want want = wanted(r->walk);
	const char *culprit;

	if (!r->stage2)
		culprit = s1_culprit(r->walk, d->words[0], &want);
	else if (d->walk_class == UIOMMU_SMMUV3_CLASS_IN)
		culprit = s2_culprit(r->walk, d->words[0], &want);
	else
		culprit = own_culprit(r->walk);
	SAY(r, "the stage-%u level %d descriptor at %#llx: %s", r->stage2 + 1,
	    d->level, ULL(d->pa), culprit);
}

/* ----------------------------------------------------------------- all -- */

static bool say_by_descriptor(const struct reason *r, uint8_t type)
{
	if (!r->desc || r->desc->aborted)
		return false;
	switch (type) {
	case SMMU_EVT_F_TRANSLATION:
		say_translation(r);
		return true;
	case SMMU_EVT_F_ADDR_SIZE:
		say_addr_size(r);
		return true;
	case SMMU_EVT_F_ACCESS:
		say_access(r);
		return true;
	case SMMU_EVT_F_PERMISSION:
		say_permission(r);
		return true;
	default:
		return false;
	}
}

static void say_by_structure(const struct reason *r, uint8_t type)
{
	const struct uiommu_smmuv3_fault_info *fault = &r->walk->why.fault;

	switch (type) {
	case SMMU_EVT_C_BAD_STREAMID:
		say_streamid(r);
		break;
	case SMMU_EVT_C_BAD_SUBSTREAMID:
		say_substream(r);
		break;
	case SMMU_EVT_F_TRANSLATION:
		say_range(r);
		break;
	case SMMU_EVT_F_STE_FETCH:
	case SMMU_EVT_F_CD_FETCH:
	case SMMU_EVT_F_WALK_EABT:
		SAY(r, "%s: memory at %#llx does not answer", fault->reason,
		    ULL(fault->desc_pa));
		break;
	case SMMU_EVT_F_ADDR_SIZE:
		SAY(r, "%s: %#llx has more than the %u bits of IDR5.OAS",
		    fault->reason, ULL(r->walk->txn.iova),
		    smmu_oas_bits(FIELD_GET(SMMU_IDR5_OAS,
					    r->walk->profile->idr[5])));
		break;
	default:
		SAY(r, "%s", fault->reason ? fault->reason : "unknown");
	}
}

void walk_reason(const struct walk *walk, char *buf, size_t len)
{
	const struct uiommu_smmuv3_fault_info *fault = &walk->why.fault;
	struct reason r = {
		.walk = walk,
		.stage2 = fault->stage == 2,
		.buf = buf,
		.len = len,
	};

	buf[0] = '\0';
	/* The range is looked at before any descriptor. */
	if (fault->level != -128 && fault->stage)
		r.desc = walk_last(walk, r.stage2 ? UIOMMU_SMMUV3_STEP_S2_DESC
						  : UIOMMU_SMMUV3_STEP_S1_DESC);
	if (!say_by_descriptor(&r, fault->event_type))
		say_by_structure(&r, fault->event_type);
}
