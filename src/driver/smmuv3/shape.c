/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which page table a domain gets, and on which SMMUs it can be used.
 *
 * Both are one list of rules: a shape is what a page table asks of the SMMU
 * that walks it, and each rule is a way in which an SMMU can fail it, with the
 * reason in words.  A domain's shape is checked against the unit it is made on,
 * and again against each further unit to whose devices it is attached.
 *
 * Sizes and features have to be there; coherency and the width of tags have to
 * be the same.  Without snooping the tables are written in another way than
 * with it, and a unit with fewer tags would turn away users that the others
 * took.
 *
 * What nobody asks for is chosen so that many can share it: 48 bits of output
 * addresses where the hardware has them, or as many as the unit's configuration
 * says (uiommu_smmuv3_cfg.domain_oas), and with small granules the layout for 52
 * bits only where one of the sizes needs it; contiguous runs where a run can be
 * taken apart in place, as else its neighbours would fault for an instant.
 */
#include "hw/smmuv3/regs.h"
#include "unit.h"

/* T0SZ and S2T0SZ are at most 39 without small translation tables. */
#define MIN_IAS 25

static uint32_t granule_bit(uint8_t granule_lg2)
{
	switch (granule_lg2) {
	case 12:
		return SMMU_IDR5_GRAN4K;
	case 14:
		return SMMU_IDR5_GRAN16K;
	case 16:
		return SMMU_IDR5_GRAN64K;
	default:
		return 0;
	}
}

/* Addresses of 52 bits: with 64K granules always, else by another layout. */
static bool wide(const struct smmuv3_shape *shape)
{
	return shape->granule_lg2 == 16 ||
	       (shape->features & UIOMMU_PGTABLE_DS);
}

static uint8_t max_oas(const struct smmuv3_shape *shape,
		       const struct smmuv3_features *f)
{
	return min_u64(f->oas, wide(shape) ? 52 : 48);
}

static uint8_t max_ias(const struct smmuv3_shape *shape,
		       const struct smmuv3_features *f)
{
	/* Intermediate addresses are as wide as output addresses. */
	if (shape->stage == 2)
		return max_oas(shape, f);
	return wide(shape) && f->vax52 ? 52 : 48;
}

uint8_t smmuv3_max_oas(const struct smmuv3_features *f)
{
	bool has_wide = f->ds || f->idr[5] & SMMU_IDR5_GRAN64K;

	return min_u64(f->oas, has_wide ? 52 : 48);
}

/* ---------------------------------------------------------------- rules -- */

static bool no_stage(const struct smmuv3_shape *shape,
		     const struct smmuv3_unit *unit)
{
	return shape->stage == 2 ? !unit->feat.s2 : !unit->feat.s1;
}

static bool no_granule(const struct smmuv3_shape *shape,
		       const struct smmuv3_unit *unit)
{
	return !(unit->feat.idr[5] & granule_bit(shape->granule_lg2));
}

static bool input_size(const struct smmuv3_shape *shape,
		       const struct smmuv3_unit *unit)
{
	return shape->ias > max_ias(shape, &unit->feat) ||
	       (shape->ias < MIN_IAS && !unit->feat.stt);
}

static bool output_size(const struct smmuv3_shape *shape,
			const struct smmuv3_unit *unit)
{
	return shape->oas > max_oas(shape, &unit->feat);
}

static bool coherency(const struct smmuv3_shape *shape,
		      const struct smmuv3_unit *unit)
{
	return shape->coherent != unit->feat.coherent;
}

static bool no_httu(const struct smmuv3_shape *shape,
		    const struct smmuv3_unit *unit)
{
	return shape->httu > unit->feat.httu;
}

/* What the hardware writes into a table, cleaning by address does not bring. */
static bool cleaned(const struct smmuv3_shape *shape,
		    const struct smmuv3_unit *unit)
{
	return shape->httu && shape->platform->clean_range;
}

static bool no_bbml(const struct smmuv3_shape *shape,
		    const struct smmuv3_unit *unit)
{
	if (shape->features & UIOMMU_PGTABLE_BBML2)
		return unit->feat.bbml < 2;
	return shape->features & UIOMMU_PGTABLE_BBML1 && unit->feat.bbml < 1;
}

static bool no_ds(const struct smmuv3_shape *shape,
		  const struct smmuv3_unit *unit)
{
	return shape->features & UIOMMU_PGTABLE_DS && !unit->feat.ds;
}

static bool other_endian(const struct smmuv3_shape *shape,
			 const struct smmuv3_unit *unit)
{
	unsigned int e = FIELD_GET(SMMU_IDR0_TTENDIAN, unit->feat.idr[0]);

	return e != SMMU_IDR0_TTENDIAN_LE && e != SMMU_IDR0_TTENDIAN_MIXED;
}

static bool no_aarch64(const struct smmuv3_shape *shape,
		       const struct smmuv3_unit *unit)
{
	return !(FIELD_GET(SMMU_IDR0_TTF, unit->feat.idr[0]) &
		 SMMU_IDR0_TTF_AARCH64);
}

static bool tag_width(const struct smmuv3_shape *shape,
		      const struct smmuv3_unit *unit)
{
	return shape->tag_bits != (shape->stage == 2 ? unit->feat.vmid_bits
						     : unit->feat.asid_bits);
}

static bool other_platform(const struct smmuv3_shape *shape,
			   const struct smmuv3_unit *unit)
{
	return shape->platform != unit->unit.platform;
}

static const struct {
	bool (*fails)(const struct smmuv3_shape *shape,
		      const struct smmuv3_unit *unit);
	const char *reason;
} rules[] = {
	{ no_stage, "the stage of translation is not there" },
	{ no_aarch64, "table format: no AArch64 tables (IDR0.TTF)" },
	{ other_endian, "endianness of tables (IDR0.TTENDIAN)" },
	{ no_granule, "granule (IDR5)" },
	{ input_size, "input address size" },
	{ output_size, "output address size (IDR5.OAS)" },
	{ coherency, "coherency of walks (IDR0.COHACC)" },
	{ no_httu, "hardware update of flags (IDR0.HTTU)" },
	{ cleaned, "flags cannot be updated in memory that is cleaned" },
	{ no_bbml, "change of block sizes (IDR3.BBML)" },
	{ no_ds, "layout of 52-bit addresses (IDR5.DS)" },
	{ tag_width, "width of ASIDs or VMIDs (IDR0)" },
	{ other_platform, "another platform's memory" },
};

const char *smmuv3_shape_misfit(const struct smmuv3_shape *shape,
				const struct smmuv3_unit *unit)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].fails(shape, unit))
			return rules[i].reason;
	return NULL;
}

/* ------------------------------------------------------------- choosing -- */

void smmuv3_shape_pgtable(const struct smmuv3_shape *shape,
			  struct uiommu_pgtable_cfg *cfg)
{
	*cfg = (struct uiommu_pgtable_cfg){
		.platform = shape->platform,
		.fmt = shape->stage == 2 ? UIOMMU_PGTABLE_VMSAV8_S2
					 : UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = shape->granule_lg2,
		.ias = shape->ias,
		.oas = shape->oas,
		.features = shape->features,
	};
}

static int refuse(const struct smmuv3_unit *unit, int rc, const char *reason)
{
	smmuv3_log(unit->unit.platform, UIOMMU_LOG_WARN, "no such domain: %s",
		   reason);
	return rc;
}

uint32_t smmuv3_pt_features(const struct smmuv3_features *f,
			    uint8_t granule_lg2, uint8_t ias, uint8_t oas)
{
	uint32_t features = 0;

	if (f->bbml == 2)
		features |= UIOMMU_PGTABLE_BBML2;
	else if (f->bbml == 1)
		features |= UIOMMU_PGTABLE_BBML1;
	if (f->bbml)
		features |= UIOMMU_PGTABLE_CONTIG;
	if (f->ds && granule_lg2 != 16 && max_u64(ias, oas) > 48)
		features |= UIOMMU_PGTABLE_DS;
	return features;
}

#define DOM_FLAGS (UIOMMU_DOM_DIRTY | UIOMMU_DOM_PASID | UIOMMU_DOM_NEST_PARENT)

/* Without regard to what there is. */
static unsigned int choose_stage(const struct smmuv3_features *f,
				 const struct uiommu_dom_cfg *cfg)
{
	if (cfg->stage == UIOMMU_STAGE_2)
		return 2;
	if (cfg->stage == UIOMMU_STAGE_1 || cfg->flags & UIOMMU_DOM_PASID)
		return 1;
	return f->s1 ? 1 : 2;
}

/* What goes together; NULL, or the reason why not. */
static const char *flags_misfit(const struct smmuv3_features *f,
				const struct uiommu_dom_cfg *cfg)
{
	if (cfg->stage != UIOMMU_STAGE_2)
		return NULL;
	if (cfg->flags & UIOMMU_DOM_PASID)
		return "stage 2 takes no PASIDs";
	if (cfg->flags & UIOMMU_DOM_NEST_PARENT && !f->s1)
		return "there is no stage 1 to nest";
	return NULL;
}

/* The part of the choice that comes from flags. */
static void choose_flags(const struct uiommu_dom_cfg *cfg,
			 struct smmuv3_shape *shape)
{
	if (!(cfg->flags & UIOMMU_DOM_DIRTY))
		return;
	shape->httu = SMMU_IDR0_HTTU_AF_DIRTY;
	shape->features |= UIOMMU_PGTABLE_DBM;
	/* Each page has to tell for itself. */
	shape->features &= ~UIOMMU_PGTABLE_CONTIG;
}

int smmuv3_shape_choose(const struct smmuv3_unit *unit,
			const struct uiommu_dom_cfg *cfg,
			struct smmuv3_shape *shape)
{
	const struct smmuv3_features *f = &unit->feat;
	struct uiommu_pgtable_cfg pt;
	const char *reason;

	if (cfg->stage > UIOMMU_STAGE_2)
		return refuse(unit, -EINVAL, "unknown stage");
	if (cfg->granule_lg2 && !granule_bit(cfg->granule_lg2))
		return refuse(unit, -EINVAL, "no granule of that size exists");
	if (cfg->flags & ~DOM_FLAGS)
		return refuse(unit, -EINVAL, "unknown flags");
	if (cfg->data)
		return refuse(unit, -EOPNOTSUPP, "data of unknown type");
	if (cfg->flags & UIOMMU_DOM_NEST_PARENT && cfg->stage != UIOMMU_STAGE_2)
		return refuse(unit, -EINVAL, "only stage 2 has guests' tables");
	reason = flags_misfit(f, cfg);
	if (reason)
		return refuse(unit, -EOPNOTSUPP, reason);
	memset(shape, 0, sizeof(*shape));
	shape->stage = choose_stage(f, cfg);
	shape->granule_lg2 = cfg->granule_lg2 ? cfg->granule_lg2
					      : f->granule_lg2;
	shape->features =
		smmuv3_pt_features(f, shape->granule_lg2, cfg->ias,
				   cfg->oas ? cfg->oas : f->domain_oas);
	choose_flags(cfg, shape);
	shape->oas = cfg->oas ? cfg->oas
			      : min_u64(f->domain_oas, max_oas(shape, f));
	shape->ias = cfg->ias ? cfg->ias
			      : min_u64(SMMUV3_IAS, max_ias(shape, f));
	shape->coherent = f->coherent;
	shape->tag_bits = shape->stage == 2 ? f->vmid_bits : f->asid_bits;
	shape->platform = unit->unit.platform;

	reason = smmuv3_shape_misfit(shape, unit);
	if (reason)
		return refuse(unit, -EOPNOTSUPP, reason);
	smmuv3_shape_pgtable(shape, &pt);
	if (!uiommu_pgtable_supported(&pt))
		return refuse(unit, -EOPNOTSUPP,
			      "no page table with these sizes");
	return 0;
}
