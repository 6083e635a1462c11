/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains over page tables that a CPU uses: shared virtual addressing.
 *
 * The CPU's registers say how its tables are to be read; a domain is made only
 * if the SMMU reads them in just the same way.  What a shape can say (granule,
 * sizes, who sets the access flag and dirty state, the layout for 52 bits) is
 * checked as for tables of ours, on this SMMU and on each further one; the rest
 * is here.
 *
 * ASIDs are the SMMU's own: it does not take part in the CPUs' broadcast
 * invalidations, so whoever changes the tables calls flush (and the SMMU needs
 * as many ASIDs as the CPU has, so that each address space can get one).
 */
#include "hw/smmuv3/regs.h"
#include "hw/vmsa/regs.h"
#include "unit.h"

static uint8_t granule_of(uint64_t tcr)
{
	switch (FIELD_GET(VMSA_TCR_TG0, tcr)) {
	case VMSA_TCR_TG0_4K:
		return 12;
	case VMSA_TCR_TG0_16K:
		return 14;
	case VMSA_TCR_TG0_64K:
		return 16;
	default:
		return 0;
	}
}

/* Tables reach 52 bits in two ways; in any other 48 are all they can say. */
static uint8_t oas_of(uint64_t tcr, uint8_t granule_lg2)
{
	unsigned int oas = smmu_oas_bits(FIELD_GET(VMSA_TCR_IPS, tcr));

	if (granule_lg2 != 16 && !(tcr & VMSA_TCR_DS))
		return (uint8_t)min_u64(oas, 48);
	return (uint8_t)min_u64(oas, 52);
}

static uiommu_pa_t root_of(const struct uiommu_cpu_tables *cpu, uint8_t oas)
{
	uint64_t root = cpu->ttbr0 & VMSA_TTBR_BADDR;

	if (oas <= 48)
		return root;
	return (root & ~(uint64_t)VMSA_TTBR_BADDR_51_48) |
	       FIELD_GET(VMSA_TTBR_BADDR_51_48, cpu->ttbr0) << 48;
}

/* ------------------------------------------------------ what must line up -- */

struct pair {
	const struct uiommu_cpu_tables *cpu;
	const struct smmuv3_shape *shape;
	const struct smmuv3_unit *unit;
};

static bool no_lower_half(const struct pair *p)
{
	return p->cpu->tcr & VMSA_TCR_EPD0;
}

static bool odd_size(const struct pair *p)
{
	unsigned int t0sz = FIELD_GET(VMSA_TCR_T0SZ, p->cpu->tcr);

	/* Of 48 there would be not more than one page of 64K. */
	return t0sz < 12 || t0sz > (p->shape->granule_lg2 == 16 ? 47 : 48);
}

static bool odd_granule(const struct pair *p)
{
	return !p->shape->granule_lg2;
}

static bool odd_ips(const struct pair *p)
{
	return FIELD_GET(VMSA_TCR_IPS, p->cpu->tcr) > SMMU_IDR5_OAS_52;
}

static bool odd_root(const struct pair *p)
{
	return root_of(p->cpu, p->shape->oas) >> p->shape->oas;
}

static bool few_asids(const struct pair *p)
{
	return p->unit->feat.asid_bits < (p->cpu->tcr & VMSA_TCR_AS ? 16 : 8);
}

static bool no_had(const struct pair *p)
{
	return p->cpu->tcr & VMSA_TCR_HPD0 &&
	       !(p->unit->feat.idr[3] & SMMU_IDR3_HAD);
}

static bool no_e0pd(const struct pair *p)
{
	return p->cpu->tcr & VMSA_TCR_E0PD0 &&
	       !(p->unit->feat.idr[3] & SMMU_IDR3_E0PD);
}

/* First what no CPU can be set to, then what this SMMU does not have. */
static const struct rule {
	bool (*fails)(const struct pair *p);
	int rc;
	const char *reason;
} rules[] = {
	{ no_lower_half, -EINVAL, "TCR.EPD0: the lower half is off" },
	{ odd_granule, -EINVAL, "TCR.TG0: reserved value" },
	{ odd_size, -EINVAL, "TCR.T0SZ: no such size" },
	{ odd_ips, -EINVAL, "TCR.IPS: reserved value" },
	{ odd_root, -EINVAL, "TTBR0: the table is beyond TCR.IPS" },
	{ few_asids, -EOPNOTSUPP, "the CPU has more ASIDs (TCR.AS)" },
	{ no_had, -EOPNOTSUPP, "hierarchical attributes are off (TCR.HPD0)" },
	{ no_e0pd, -EOPNOTSUPP, "TCR.E0PD0" },
};

/* The first that fails, or NULL. */
static const struct rule *broken_rule(const struct uiommu_cpu_tables *cpu,
				      const struct smmuv3_shape *shape,
				      const struct smmuv3_unit *unit)
{
	const struct pair pair = { cpu, shape, unit };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].fails(&pair))
			return &rules[i];
	return NULL;
}

static int refuse(const struct smmuv3_unit *unit, int rc, const char *reason)
{
	smmuv3_log(unit->unit.platform, UIOMMU_LOG_WARN,
		   "page table of a CPU: %s", reason);
	return rc;
}

static uint8_t httu_of(uint64_t tcr)
{
	if (!(tcr & VMSA_TCR_HA))
		return SMMU_IDR0_HTTU_NONE;
	return tcr & VMSA_TCR_HD ? SMMU_IDR0_HTTU_AF_DIRTY : SMMU_IDR0_HTTU_AF;
}

int smmuv3_sva_choose(const struct smmuv3_unit *unit,
		      const struct uiommu_cpu_tables *cpu,
		      struct smmuv3_shape *shape)
{
	const struct rule *rule;
	const char *reason;

	if (!cpu)
		return refuse(unit, -EINVAL, "none is given");
	if (cpu->kind != UIOMMU_CPU_ARM64)
		return refuse(unit, -EOPNOTSUPP, "of another architecture");
	memset(shape, 0, sizeof(*shape));
	shape->stage = 1;
	shape->granule_lg2 = granule_of(cpu->tcr);
	shape->ias = (uint8_t)(64 - FIELD_GET(VMSA_TCR_T0SZ, cpu->tcr));
	shape->oas = oas_of(cpu->tcr, shape->granule_lg2);
	/* 64K tables have one layout, whatever DS says. */
	if (cpu->tcr & VMSA_TCR_DS && shape->granule_lg2 != 16)
		shape->features = UIOMMU_PGTABLE_DS;
	shape->httu = httu_of(cpu->tcr);
	shape->coherent = true;
	shape->tag_bits = unit->feat.asid_bits;
	shape->platform = unit->unit.platform;
	rule = broken_rule(cpu, shape, unit);
	if (rule)
		return refuse(unit, rule->rc, rule->reason);
	reason = smmuv3_shape_misfit(shape, unit);
	return reason ? refuse(unit, -EOPNOTSUPP, reason) : 0;
}

const char *smmuv3_sva_misfit(const struct smmuv3_dom *dom,
			      const struct smmuv3_unit *unit)
{
	const struct rule *rule = broken_rule(&dom->cpu, &dom->shape, unit);

	return rule ? rule->reason : NULL;
}

bool smmuv3_has_tags(const struct smmuv3_dom *dom)
{
	return dom->hwdom.type == UIOMMU_DOM_SHARED &&
	       dom->cpu.tcr & VMSA_TCR_TBI0;
}

/* --------------------------------------------------------------- the CD -- */

void smmuv3_make_cd_shared(struct smmu_cd *cd,
			   const struct smmuv3_shared_cfg *cfg)
{
	const struct uiommu_cpu_tables *cpu = cfg->cpu;
	const struct smmuv3_shape *shape = cfg->shape;
	const struct smmuv3_cd_cfg own = {
		.pt = {
			.root = root_of(cpu, shape->oas),
			.granule_lg2 = shape->granule_lg2,
			.ias = shape->ias,
			.oas = shape->oas,
			.ds = shape->features & UIOMMU_PGTABLE_DS,
			.mair = cpu->mair,
		},
		.asid = cfg->asid,
		.coherent = true,
		.stall = cfg->stall,
	};

	smmuv3_make_cd_s1(cd, &own);
	/* The CPU's own words for how its tables lie in memory. */
	cd->q[0] &= ~(SMMU_CD_0_IR0 | SMMU_CD_0_OR0 | SMMU_CD_0_SH0);
	cd->q[0] |=
		FIELD_PREP(SMMU_CD_0_IR0, FIELD_GET(VMSA_TCR_IRGN0, cpu->tcr)) |
		FIELD_PREP(SMMU_CD_0_OR0, FIELD_GET(VMSA_TCR_ORGN0, cpu->tcr)) |
		FIELD_PREP(SMMU_CD_0_SH0, FIELD_GET(VMSA_TCR_SH0, cpu->tcr));
	if (cpu->tcr & VMSA_TCR_TBI0)
		cd->q[0] |= SMMU_CD_0_TBI0;
	if (shape->httu >= SMMU_IDR0_HTTU_AF)
		cd->q[0] |= SMMU_CD_0_HA;
	if (shape->httu >= SMMU_IDR0_HTTU_AF_DIRTY)
		cd->q[0] |= SMMU_CD_0_HD;
	if (cpu->tcr & VMSA_TCR_HPD0)
		cd->q[1] |= SMMU_CD_1_HAD0;
	if (cpu->tcr & VMSA_TCR_E0PD0)
		cd->q[1] |= SMMU_CD_1_E0PD0;
}
