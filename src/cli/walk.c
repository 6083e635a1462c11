/* SPDX-License-Identifier: BSD-2-Clause */
/* Collecting the steps of one translation, and what kind of thing each is. */
#include "walk.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "hw/vmsa/desc.h"

static void take_step(void *ctx, const struct uiommu_smmuv3_step *step)
{
	struct walk *walk = ctx;

	if (walk->nr_steps < WALK_MAX_STEPS)
		walk->steps[walk->nr_steps++] = *step;
}

void walk_explain(struct walk *walk)
{
	walk->nr_steps = 0;
	walk->answer = uiommu_smmuv3_model_explain(walk->model, &walk->txn,
						   take_step, walk, &walk->why);
}

uint64_t walk_reg(const struct walk *walk, uint32_t offset)
{
	bool wide = offset == SMMU_REG_STRTAB_BASE;

	return uiommu_smmuv3_model_read(walk->model, offset, wide ? 8 : 4);
}

const struct uiommu_smmuv3_step *walk_last(const struct walk *walk,
					   enum uiommu_smmuv3_step_kind kind)
{
	for (unsigned int i = walk->nr_steps; i-- > 0;)
		if (walk->steps[i].kind == kind)
			return &walk->steps[i];
	return NULL;
}

uint64_t walk_word(const struct walk *walk, enum uiommu_smmuv3_step_kind kind,
		   unsigned int i)
{
	const struct uiommu_smmuv3_step *step = walk_last(walk, kind);

	return step && step->nr_words ? step->words[i] : 0;
}

const char *walk_desc_name(enum uiommu_smmuv3_desc desc)
{
	static const char *const names[] = {
		[UIOMMU_SMMUV3_DESC_INVALID] = "invalid",
		[UIOMMU_SMMUV3_DESC_RESERVED] = "reserved",
		[UIOMMU_SMMUV3_DESC_TABLE] = "table",
		[UIOMMU_SMMUV3_DESC_BLOCK] = "block",
		[UIOMMU_SMMUV3_DESC_PAGE] = "page",
	};

	return names[desc];
}

const struct field_table *walk_fields(const struct uiommu_smmuv3_step *step)
{
	static const struct field_table none;
	enum uiommu_smmuv3_desc desc = step->desc;
	bool leaf = desc == UIOMMU_SMMUV3_DESC_BLOCK ||
		    desc == UIOMMU_SMMUV3_DESC_PAGE;

	switch (step->kind) {
	case UIOMMU_SMMUV3_STEP_L1STD:
		return &fields_l1std;
	case UIOMMU_SMMUV3_STEP_STE:
		return &fields_ste;
	case UIOMMU_SMMUV3_STEP_L1CD:
		return &fields_l1cd;
	case UIOMMU_SMMUV3_STEP_CD:
		return &fields_cd;
	case UIOMMU_SMMUV3_STEP_S1_DESC:
		if (desc == UIOMMU_SMMUV3_DESC_TABLE)
			return &fields_s1_table;
		return leaf ? &fields_s1_leaf : &none;
	case UIOMMU_SMMUV3_STEP_S2_DESC:
		if (desc == UIOMMU_SMMUV3_DESC_TABLE)
			return &fields_s2_table;
		return leaf ? &fields_s2_leaf : &none;
	default:
		return &none;
	}
}

const char *walk_kind(const struct uiommu_smmuv3_step *step, bool people)
{
	static const char *const names[][2] = {
		[UIOMMU_SMMUV3_STEP_L1STD] = { "l1std",
					       "level-1 stream descriptor" },
		[UIOMMU_SMMUV3_STEP_STE] = { "ste", "STE" },
		[UIOMMU_SMMUV3_STEP_L1CD] = { "l1cd", "level-1 CD descriptor" },
		[UIOMMU_SMMUV3_STEP_CD] = { "cd", "CD" },
		[UIOMMU_SMMUV3_STEP_STAGE1] = { "stage1", "stage 1" },
		[UIOMMU_SMMUV3_STEP_STAGE2] = { "stage2", "stage 2" },
		[UIOMMU_SMMUV3_STEP_S1_DESC] = { "s1_descriptor",
						 "stage-1 descriptor" },
		[UIOMMU_SMMUV3_STEP_S2_DESC] = { "s2_descriptor",
						 "stage-2 descriptor" },
	};

	return names[step->kind][people];
}

const char *walk_meaning(const struct walk *walk, const struct field *field,
			 uint64_t value, char *buf, size_t len)
{
	const struct uiommu_smmuv3_step *cd =
		walk_last(walk, UIOMMU_SMMUV3_STEP_CD);

	/* The index alone says little. */
	if (cd && cd->nr_words && !strcmp(field->name, "AttrIndx"))
		return mair_words(VMSA_MAIR_BYTE(cd->words[3], value & 7), buf,
				  len);
	return field_meaning(field, value, buf, len);
}

const char *walk_lost(const struct walk *walk)
{
	uint64_t base =
		uiommu_smmuv3_model_read(walk->model, SMMU_REG_EVENTQ_BASE, 8);
	uint32_t active = (uint32_t)(walk_reg(walk, SMMU_REG_GERROR) ^
				     walk_reg(walk, SMMU_REG_GERRORN));
	unsigned int lg2 = (unsigned int)min_u64(
		FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base),
		FIELD_GET(SMMU_IDR1_EVENTQS, walk->profile->idr[1]));

	/* Of a dump the queues do not count: they are kept off. */
	if (!walk->case_id || !walk->why.fault.recorded)
		return NULL;
	if (!(walk_reg(walk, SMMU_REG_CR0ACK) & SMMU_CR0_EVENTQEN))
		return "CR0.EVENTQEN is 0";
	if (active & SMMU_GERROR_EVENTQ_ABT_ERR)
		return "GERROR.EVENTQ_ABT_ERR is active";
	if (smmu_q_full((uint32_t)walk_reg(walk, SMMU_REG_EVENTQ_PROD),
			(uint32_t)walk_reg(walk, SMMU_REG_EVENTQ_CONS), lg2))
		return "the event queue is full";
	return NULL;
}

/* ----------------------------------------------------------- registers -- */

const struct walk_reg walk_regs[] = {
	{ "CR0", SMMU_REG_CR0ACK },
	{ "CR1", SMMU_REG_CR1 },
	{ "CR2", SMMU_REG_CR2 },
	{ "GBPA", SMMU_REG_GBPA },
	{ "STRTAB_BASE", SMMU_REG_STRTAB_BASE },
	{ "STRTAB_BASE_CFG", SMMU_REG_STRTAB_BASE_CFG },
	{ "IDR0", SMMU_REG_IDR0 },
	{ "IDR1", SMMU_REG_IDR1 },
	{ "IDR3", SMMU_REG_IDR3 },
	{ "IDR5", SMMU_REG_IDR5 },
	{ "AIDR", SMMU_REG_AIDR },
};
const unsigned int walk_nr_regs = ARRAY_SIZE(walk_regs);

static void say_strtab_cfg(uint32_t cfg, char *buf, size_t len)
{
	unsigned int lg2 = FIELD_GET(SMMU_STRTAB_BASE_CFG_LOG2SIZE, cfg);

	if (FIELD_GET(SMMU_STRTAB_BASE_CFG_FMT, cfg) ==
	    SMMU_STRTAB_BASE_CFG_FMT_2LVL)
		snprintf(buf, len, "2-level, SPLIT %u, 2^%u StreamIDs",
			 (unsigned int)FIELD_GET(SMMU_STRTAB_BASE_CFG_SPLIT,
						 cfg),
			 lg2);
	else
		snprintf(buf, len, "linear, 2^%u StreamIDs", lg2);
}

static void say_idr0(uint32_t idr0, char *buf, size_t len)
{
	static const char *const stall[] = { "stalls or terminates",
					     "terminates", "stalls",
					     "reserved" };

	snprintf(buf, len, "%s%s%s%s%s; on faults: %s",
		 idr0 & SMMU_IDR0_S1P ? "stage 1" : "",
		 (idr0 & SMMU_IDR0_S1P) && (idr0 & SMMU_IDR0_S2P) ? ", " : "",
		 idr0 & SMMU_IDR0_S2P ? "stage 2" : "",
		 idr0 & SMMU_IDR0_ATS ? ", ATS" : "",
		 idr0 & SMMU_IDR0_HTTU ? ", hardware updates" : "",
		 stall[FIELD_GET(SMMU_IDR0_STALL_MODEL, idr0)]);
}

static void say_idr5(uint32_t idr5, char *buf, size_t len)
{
	snprintf(buf, len, "OAS %u bits, granules%s%s%s%s",
		 smmu_oas_bits(FIELD_GET(SMMU_IDR5_OAS, idr5)),
		 idr5 & SMMU_IDR5_GRAN4K ? " 4K" : "",
		 idr5 & SMMU_IDR5_GRAN16K ? " 16K" : "",
		 idr5 & SMMU_IDR5_GRAN64K ? " 64K" : "",
		 idr5 & SMMU_IDR5_DS ? ", DS" : "");
}

void walk_reg_words(const struct walk *walk, uint32_t offset, char *buf,
		    size_t len)
{
	uint32_t val = (uint32_t)walk_reg(walk, offset);

	buf[0] = '\0';
	switch (offset) {
	case SMMU_REG_CR0ACK:
		snprintf(buf, len, "SMMU %s%s",
			 val & SMMU_CR0_SMMUEN ? "on" : "off",
			 walk->assumed_on ? " (assumed)" : "");
		break;
	case SMMU_REG_CR2:
		snprintf(buf, len, "%s%s%s",
			 val & SMMU_CR2_RECINVSID ? "RECINVSID" : "",
			 (val & SMMU_CR2_RECINVSID) && (val & SMMU_CR2_E2H)
				 ? ", "
				 : "",
			 val & SMMU_CR2_E2H ? "E2H" : "");
		break;
	case SMMU_REG_GBPA:
		snprintf(buf, len, "while off: %s",
			 val & SMMU_GBPA_ABORT ? "abort" : "bypass");
		break;
	case SMMU_REG_STRTAB_BASE_CFG:
		say_strtab_cfg(val, buf, len);
		break;
	case SMMU_REG_IDR0:
		say_idr0(val, buf, len);
		break;
	case SMMU_REG_IDR1:
		snprintf(buf, len, "StreamIDs of %u bits, SubstreamIDs of %u",
			 (unsigned int)FIELD_GET(SMMU_IDR1_SIDSIZE, val),
			 (unsigned int)FIELD_GET(SMMU_IDR1_SSIDSIZE, val));
		break;
	case SMMU_REG_IDR5:
		say_idr5(val, buf, len);
		break;
	case SMMU_REG_AIDR:
		snprintf(buf, len, "SMMUv3.%u",
			 (unsigned int)FIELD_GET(SMMU_AIDR_MINOR, val));
		break;
	}
}
