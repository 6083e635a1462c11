/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the SMMU can do, from its ID registers.
 *
 * First a list of checks, each a condition under which this driver cannot work
 * and the reason in words; then the decoding, which cannot fail; then a list of
 * what there is only on some, with the register that says so where it is not.
 */
#include "hw/smmuv3/regs.h"
#include "unit.h"

/* The least that IDR5.OAS can say. */
#define MIN_OAS 32

static unsigned int field(uint32_t reg, uint32_t mask)
{
	return (reg & mask) >> __builtin_ctz(mask);
}

/* --------------------------------------------------------------- checks -- */

/* What a check may look at. */
struct probe {
	const struct smmuv3_features *f;
	const struct uiommu_platform *p;
};

static bool major_unknown(const struct probe *probe)
{
	return field(probe->f->aidr, SMMU_AIDR_MAJOR) != 0;
}

static bool no_stage(const struct probe *probe)
{
	return !(probe->f->idr[0] & (SMMU_IDR0_S1P | SMMU_IDR0_S2P));
}

static bool no_aarch64(const struct probe *probe)
{
	return !(field(probe->f->idr[0], SMMU_IDR0_TTF) &
		 SMMU_IDR0_TTF_AARCH64);
}

static bool tables_other_endian(const struct probe *probe)
{
	unsigned int endian = field(probe->f->idr[0], SMMU_IDR0_TTENDIAN);

	return endian != SMMU_IDR0_TTENDIAN_MIXED &&
	       endian != SMMU_IDR0_TTENDIAN_LE;
}

static bool stall_forced(const struct probe *probe)
{
	return field(probe->f->idr[0], SMMU_IDR0_STALL_MODEL) >=
	       SMMU_IDR0_STALL_MODEL_FORCED;
}

static bool st_level_reserved(const struct probe *probe)
{
	return field(probe->f->idr[0], SMMU_IDR0_ST_LEVEL) >
	       SMMU_IDR0_ST_LEVEL_2LVL;
}

/* Without ATS the bit means nothing. */
static bool has_pri(const struct smmuv3_features *f)
{
	return f->idr[0] & SMMU_IDR0_ATS && f->idr[0] & SMMU_IDR0_PRI;
}

static bool sizes_reserved(const struct probe *probe)
{
	uint32_t idr1 = probe->f->idr[1];

	return field(idr1, SMMU_IDR1_SIDSIZE) > SMMU_SIDSIZE_MAX ||
	       field(idr1, SMMU_IDR1_SSIDSIZE) > SMMU_SSIDSIZE_MAX ||
	       field(idr1, SMMU_IDR1_CMDQS) > SMMU_QUEUE_LG2_MAX ||
	       field(idr1, SMMU_IDR1_EVENTQS) > SMMU_QUEUE_LG2_MAX ||
	       (has_pri(probe->f) &&
		field(idr1, SMMU_IDR1_PRIQS) > SMMU_QUEUE_LG2_MAX);
}

/* Looked at where there are some: whoever had them may have left them on. */
static bool ecmdqs_reserved(const struct probe *probe)
{
	return probe->f->idr[1] & SMMU_IDR1_ECMDQ &&
	       (field(probe->f->idr6, SMMU_IDR6_LOG2NUMP) >
			SMMU_IDR6_LOG2_MAX ||
		field(probe->f->idr6, SMMU_IDR6_LOG2NUMQ) > SMMU_IDR6_LOG2_MAX);
}

static bool preset(const struct probe *probe)
{
	return probe->f->idr[1] &
	       (SMMU_IDR1_QUEUES_PRESET | SMMU_IDR1_TABLES_PRESET);
}

static bool cannot_clean(const struct probe *probe)
{
	return !(probe->f->idr[0] & SMMU_IDR0_COHACC) && !probe->p->clean_range;
}

static bool no_granule(const struct probe *probe)
{
	return !(probe->f->idr[5] &
		 (SMMU_IDR5_GRAN4K | SMMU_IDR5_GRAN16K | SMMU_IDR5_GRAN64K));
}

/* 56 bits come with 128-bit descriptors, which we do not write. */
static bool oas_reserved(const struct probe *probe)
{
	return field(probe->f->idr[5], SMMU_IDR5_OAS) > SMMU_IDR5_OAS_52 &&
	       !(probe->f->idr[5] & SMMU_IDR5_D128);
}

static const struct {
	bool (*refuse)(const struct probe *probe);
	const char *reason;
} checks[] = {
	{ major_unknown, "AIDR: not version 3" },
	{ no_stage, "IDR0.S1P, S2P: no translation" },
	{ no_aarch64, "IDR0.TTF: no AArch64 translation tables" },
	{ tables_other_endian, "IDR0.TTENDIAN: no little-endian tables" },
	{ stall_forced, "IDR0.STALL_MODEL: faults always stall" },
	{ st_level_reserved, "IDR0.ST_LEVEL: reserved value" },
	{ sizes_reserved, "IDR1: a size is out of range" },
	{ ecmdqs_reserved, "IDR6: a number is out of range" },
	{ preset, "IDR1: fixed queues or tables" },
	{ cannot_clean, "IDR0.COHACC: not coherent, no cache maintenance" },
	{ no_granule, "IDR5: no translation granule" },
	{ oas_reserved, "IDR5.OAS: reserved value" },
};

/* --------------------------------------------------------------- decode -- */

static void decode(struct smmuv3_features *f)
{
	uint32_t idr0 = f->idr[0], idr3 = f->idr[3], idr5 = f->idr[5];

	f->sid_bits = field(f->idr[1], SMMU_IDR1_SIDSIZE);
	f->s1 = idr0 & SMMU_IDR0_S1P;
	f->s2 = idr0 & SMMU_IDR0_S2P;
	f->asid_bits = idr0 & SMMU_IDR0_ASID16 ? 16 : 8;
	f->vmid_bits = idr0 & SMMU_IDR0_VMID16 ? 16 : 8;
	f->cd2l = idr0 & SMMU_IDR0_CD2L;
	f->ssid_bits = field(f->idr[1], SMMU_IDR1_SSIDSIZE);
	if (!f->cd2l)
		f->ssid_bits = min_u64(f->ssid_bits, SMMUV3_MAX_LINEAR_SSID);
	if (!f->s1)
		f->ssid_bits = 0;
	f->oas = min_u64(smmu_oas_bits(field(idr5, SMMU_IDR5_OAS)), 52);
	f->two_level = field(idr0, SMMU_IDR0_ST_LEVEL) ==
			       SMMU_IDR0_ST_LEVEL_2LVL &&
		       f->sid_bits > SMMUV3_SPLIT;
	f->coherent = idr0 & SMMU_IDR0_COHACC;
	/* Updates must be seen by CPUs, and CPUs' by the SMMU. */
	f->httu = f->coherent ? field(idr0, SMMU_IDR0_HTTU) : 0;
	f->vax52 = field(idr5, SMMU_IDR5_VAX) >= 1;
	f->ds = idr5 & SMMU_IDR5_DS && f->vax52;
	f->stt = idr3 & SMMU_IDR3_STT;
	f->hyp = f->s1 && f->s2 && idr0 & SMMU_IDR0_HYP;
	f->msi = idr0 & SMMU_IDR0_MSI;
	f->ats = idr0 & SMMU_IDR0_ATS;
	f->pri = has_pri(f);
	f->btm = idr0 & SMMU_IDR0_BTM;
	f->ril = idr3 & SMMU_IDR3_RIL;
	f->bbml = field(idr3, SMMU_IDR3_BBML);
	if (f->bbml > 2) /* reserved */
		f->bbml = 0;
	f->can_stall = field(idr0, SMMU_IDR0_STALL_MODEL) ==
		       SMMU_IDR0_STALL_MODEL_BOTH;
}

/* --------------------------------------------------- what some have not -- */

static bool no_stage1(const struct smmuv3_features *f)
{
	return !f->s1;
}

static bool no_stage2(const struct smmuv3_features *f)
{
	return !f->s2;
}

static bool no_pasids(const struct smmuv3_features *f)
{
	return !f->ssid_bits;
}

static bool no_cd2l(const struct smmuv3_features *f)
{
	return f->ssid_bits && !f->cd2l;
}

static bool no_two_level(const struct smmuv3_features *f)
{
	return !f->two_level;
}

static bool no_dirty(const struct smmuv3_features *f)
{
	return f->httu < SMMU_IDR0_HTTU_AF_DIRTY;
}

static bool no_ril(const struct smmuv3_features *f)
{
	return !f->ril;
}

static bool no_bbml2(const struct smmuv3_features *f)
{
	return f->bbml < 2;
}

static bool no_bbml1(const struct smmuv3_features *f)
{
	return f->bbml < 1;
}

static bool no_ds(const struct smmuv3_features *f)
{
	return !f->ds;
}

static bool no_msi(const struct smmuv3_features *f)
{
	return !f->msi;
}

static bool no_ats(const struct smmuv3_features *f)
{
	return !f->ats;
}

static bool no_stalls(const struct smmuv3_features *f)
{
	return !f->can_stall;
}

static const struct {
	bool (*lacks)(const struct smmuv3_features *f);
	const char *what;
	const char *why;
} capabilities[] = {
	{ no_stage1, "stage 1", "IDR0.S1P" },
	{ no_stage2, "stage 2", "IDR0.S2P" },
	{ no_pasids, "PASIDs", "IDR1.SSIDSIZE" },
	{ no_cd2l, "more than 4096 PASIDs", "IDR0.CD2L" },
	{ no_two_level, "a stream table of two levels",
	  "IDR0.ST_LEVEL, IDR1.SIDSIZE" },
	{ no_dirty, "dirty state by hardware", "IDR0.HTTU, IDR0.COHACC" },
	{ no_ril, "invalidation by ranges", "IDR3.RIL" },
	{ no_bbml2, "blocks that change size in place", "IDR3.BBML" },
	{ no_bbml1, "contiguous runs", "IDR3.BBML" },
	{ no_ds, "52-bit addresses with 4K and 16K", "IDR5.DS, IDR5.VAX" },
	{ no_msi, "interrupts as messages", "IDR0.MSI" },
	{ no_ats, "ATS", "IDR0.ATS" },
	{ no_stalls, "stalls", "IDR0.STALL_MODEL" },
};

static void tell_what_is_missing(const struct smmuv3_features *f,
				 const struct uiommu_platform *p)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (capabilities[i].lacks(f))
			smmuv3_log(p, UIOMMU_LOG_DEBUG, "without %s (%s)",
				   capabilities[i].what, capabilities[i].why);
}

/*
 * The smallest granule that hardware and page tables have.  Output addresses of
 * more than 48 bits need 64K granules or DS.
 */
static bool choose_granule(struct smmuv3_features *f,
			   const struct uiommu_platform *p)
{
	static const struct {
		uint32_t idr5;
		uint8_t lg2;
	} granules[] = {
		{ SMMU_IDR5_GRAN4K, 12 },
		{ SMMU_IDR5_GRAN16K, 14 },
		{ SMMU_IDR5_GRAN64K, 16 },
	};
	struct uiommu_pgtable_cfg cfg = {
		.platform = p,
		.fmt = f->s1 ? UIOMMU_PGTABLE_VMSAV8_S1
			     : UIOMMU_PGTABLE_VMSAV8_S2,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(granules); i++) {
		if (!(f->idr[5] & granules[i].idr5))
			continue;
		cfg.granule_lg2 = granules[i].lg2;
		cfg.features = smmuv3_pt_features(f, cfg.granule_lg2, 0,
						  f->domain_oas);
		cfg.oas = min_u64(f->domain_oas,
				  f->ds || cfg.granule_lg2 == 16 ? 52 : 48);
		cfg.ias = f->s1 ? SMMUV3_IAS : min_u64(SMMUV3_IAS, cfg.oas);
		if (!uiommu_pgtable_supported(&cfg))
			continue;
		f->granule_lg2 = cfg.granule_lg2;
		f->pt_oas = cfg.oas;
		return true;
	}
	return false;
}

static void read_ids(struct smmuv3_features *f,
		     const struct uiommu_smmuv3_cfg *cfg)
{
	const struct uiommu_platform *p = cfg->platform;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(f->idr); i++)
		f->idr[i] = p->mmio_read32(p->ctx,
					   cfg->base + SMMU_REG_IDR0 + 4 * i);
	if (f->idr[1] & SMMU_IDR1_ECMDQ)
		f->idr6 = p->mmio_read32(p->ctx, cfg->base + SMMU_REG_IDR6);
	f->iidr = p->mmio_read32(p->ctx, cfg->base + SMMU_REG_IIDR);
	f->aidr = p->mmio_read32(p->ctx, cfg->base + SMMU_REG_AIDR);
}

int smmuv3_features_read(struct smmuv3_features *f,
			 const struct uiommu_smmuv3_cfg *cfg)
{
	const struct probe probe = { f, cfg->platform };
	unsigned int i;

	if (cfg->domain_oas && cfg->domain_oas < MIN_OAS) {
		smmuv3_log(cfg->platform, UIOMMU_LOG_ERROR,
			   "domain_oas: no page table has %u output bits",
			   cfg->domain_oas);
		return -EINVAL;
	}
	read_ids(f, cfg);
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		if (!checks[i].refuse(&probe))
			continue;
		smmuv3_log(cfg->platform, UIOMMU_LOG_ERROR,
			   "cannot be used: %s", checks[i].reason);
		return -ENODEV;
	}
	decode(f);
	f->domain_oas =
		min_u64(f->oas, cfg->domain_oas ? cfg->domain_oas : SMMUV3_OAS);
	if (!choose_granule(f, cfg->platform)) {
		smmuv3_log(cfg->platform, UIOMMU_LOG_ERROR,
			   "cannot be used: no page tables for its granules");
		return -ENODEV;
	}
	tell_what_is_missing(f, cfg->platform);
	return 0;
}
