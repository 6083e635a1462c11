/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every rule that makes a STE or CD ILLEGAL, with the nearest legal value beside
 * it, and what looks odd but is legal.  Bits are typed from the specification.
 */
#include <string.h>

#include "model/smmuv3/msmmu.h"
#include "rig.h"

enum {
	S1,
	S2,
	NEST
};

/* A change to an entry. */
struct change {
	unsigned int q; /* word */
	uint64_t mask, val;
};

struct rule {
	const char *id; /* as in ste.c, cd.c and docs/spec-map.md */
	const char *what;
	unsigned int base; /* legal entry that is changed */
	bool in_cd;
	unsigned int q; /* word */
	uint64_t mask, bad, good;
	const char *profile; /* NULL: "full" */
	/* what makes the base legal, or the rule applicable */
	struct change ste, cd;
};

#define ST(n, m, b, g) .q = (n), .mask = (m), .bad = (b), .good = (g)
#define CDW(n, m, b, g) .in_cd = true, ST(n, m, b, g)
/* S2T0SZ and S2SL0, with S2TG, of word 2 */
#define GEOMETRY (0xffull << 32 | 3ull << 46)
#define T0SZ(t0sz, sl0, tg) \
	((t0sz##ull) << 32 | (sl0##ull) << 38 | (tg##ull) << 46)
#define S2DS_SL0_2          \
	{                   \
		3, 0xc, 0xc \
	}
#define S2DS                \
	{                   \
		3, 0xc, 0x8 \
	}
#define CD_DS                             \
	{                                 \
		2, 1ull << 58, 1ull << 58 \
	}
/* T1SZ 16, TG1 4K, EPD1 clear */
#define TTB1_ON                                              \
	{                                                    \
		0, 1ull << 30 | 0xffull << 16, 0x90ull << 16 \
	}
#define S2HA (1ull << 56)
#define S2HD (1ull << 55)
#define S2HAFT (1ull << 59)
#define HA (1ull << 43)
#define HD (1ull << 42)

static const struct rule rules[] = {
	{ "STE-1", "V", S1, ST(0, 1, 0, 1) },
	{ "STE-1", "V when nested", NEST, ST(0, 1, 0, 1) },
	{ "STE-2", "no stage 1", S1, ST(0, 0xe, 0xa, 0x8), "s2only" },
	{ "STE-2", "nested without stage 1", NEST, ST(0, 0xe, 0xe, 0xc),
	  "s2only" },
	{ "STE-3", "no stage 2", S2, ST(0, 0xe, 0xc, 0x8), "s1only" },
	{ "STE-3", "nested without stage 2", NEST, ST(0, 0xe, 0xe, 0xa),
	  "s1only" },
	{ "STE-4a", "split-stage ATS on stage 1", S1,
	  ST(1, 3ull << 28, 2ull << 28, 1ull << 28), "ats" },
	{ "STE-4a", "split-stage ATS on stage 2", S2,
	  ST(1, 3ull << 28, 2ull << 28, 1ull << 28), "ats" },
	{ "STE-4b", "split-stage ATS with S2S", NEST,
	  ST(2, 1ull << 57, 1ull << 57, 0), "ats",
	  .ste = { 1, 3ull << 28, 2ull << 28 } },
	{ "STE-4c", "split-stage ATS with NS1ATS", NEST,
	  ST(1, 3ull << 28, 2ull << 28, 1ull << 28), "ns1ats" },
	{ "STE-5", "full ATS with S2S", NEST, ST(1, 3ull << 28, 1ull << 28, 0),
	  "ats", .ste = { 2, 1ull << 57, 1ull << 57 } },
	{ "STE-5", "full ATS with S2S, stage 2", S2,
	  ST(2, 1ull << 57, 1ull << 57, 0), "ats",
	  .ste = { 1, 3ull << 28, 1ull << 28 } },
	{ "STE-7", "STRW 01", S1, ST(1, 3ull << 30, 1ull << 30, 2ull << 30) },
	{ "STE-7", "STRW 11", S1, ST(1, 3ull << 30, 3ull << 30, 0) },
	{ "STE-8", "S1STALLD", S1, ST(1, 1ull << 27, 1ull << 27, 0) },
	{ "STE-8", "S1STALLD, nested", NEST, ST(1, 1ull << 27, 1ull << 27, 0) },
	{ "STE-8", "S1STALLD where all must stall", S1,
	  ST(1, 1ull << 27, 1ull << 27, 0), "forced",
	  .cd = { 0, 1ull << 44, 1ull << 44 } },
	{ "STE-9", "S1CDMax above 20", S1, ST(0, 31ull << 59, 21ull << 59, 0) },
	{ "STE-10", "S1Fmt 1 without CD2L", S1,
	  ST(0, 3ull << 4 | 31ull << 59, 1ull << 4 | 1ull << 59, 1ull << 4),
	  "small" },
	{ "STE-10", "S1Fmt 2 without CD2L", S1,
	  ST(0, 3ull << 4, 2ull << 4, 3ull << 4), "small",
	  .ste = { 0, 31ull << 59, 1ull << 59 } },
	{ "STE-11", "S1ContextPtr at OAS", S1,
	  ST(0, 0xffull << 48, 1ull << 48, 0) },
	{ "STE-13a", "S2S", S2, ST(2, 1ull << 57, 1ull << 57, 0) },
	{ "STE-13b", "S2S 0", S2, ST(2, 1ull << 57, 0, 1ull << 57), "forced" },
	{ "STE-14", "S2AA64", S2, ST(2, 1ull << 51, 0, 1ull << 51) },
	{ "STE-14", "S2AA64, nested", NEST, ST(2, 1ull << 51, 0, 1ull << 51) },
	{ "STE-15", "S2HA", S2, ST(2, S2HA, S2HA, 0) },
	{ "STE-15", "S2HD", S2, ST(2, S2HD, S2HD, 0) },
	{ "STE-16", "S2HD with flags only", S2,
	  ST(2, S2HA | S2HD, S2HA | S2HD, S2HA), "af" },
	{ "STE-17", "S2HAFT", S2, ST(2, S2HA | S2HAFT, S2HAFT, S2HA | S2HAFT),
	  "haft" },
	{ "STE-18", "S2TG reserved", S2, ST(2, 3ull << 46, 3ull << 46, 0) },
	{ "STE-18", "S2TG unsupported", S2,
	  ST(2, GEOMETRY, T0SZ(28, 1, 2), T0SZ(28, 1, 1)), "small" },
	{ "STE-19a", "S2TTB at S2PS 32", S2, ST(2, 7ull << 48, 0, 1ull << 48),
	  .ste = { 3, ~0ull, 1ull << 32 } },
	{ "STE-19a", "S2TTB at S2PS 40", S2,
	  ST(2, 7ull << 48, 2ull << 48, 3ull << 48),
	  .ste = { 3, ~0ull, 1ull << 40 } },
	{ "STE-19a", "S2TTB at OAS, S2PS above", S2,
	  ST(3, ~0ull, 1ull << 48, 1ull << 47),
	  .ste = { 2, 7ull << 48, 6ull << 48 } },
	{ "STE-19b", "S2TTB at 48 bits", S2,
	  ST(3, ~0ull, 1ull << 48, 1ull << 48 | 8), "ds",
	  .ste = { 2, 7ull << 48, 6ull << 48 } },
	{ "STE-20a", "S2T0SZ above 48", S2,
	  ST(2, GEOMETRY, T0SZ(49, 3, 0), T0SZ(48, 3, 0)) },
	{ "STE-20a", "S2T0SZ above 47, 64K", S2,
	  ST(2, GEOMETRY, T0SZ(48, 0, 1), T0SZ(47, 0, 1)) },
	{ "STE-20a", "S2T0SZ above 39 without STT", S2,
	  ST(2, GEOMETRY, T0SZ(40, 0, 0), T0SZ(39, 0, 0)), "small" },
	{ "STE-20b", "S2T0SZ below 16", S2,
	  ST(2, GEOMETRY, T0SZ(15, 2, 0), T0SZ(16, 2, 0)) },
	{ "STE-20b", "S2T0SZ below 16 without S2DS", S2,
	  ST(2, GEOMETRY, T0SZ(15, 2, 0), T0SZ(16, 2, 0)), "ds" },
	{ "STE-20b", "S2T0SZ below 12, S2DS", S2,
	  ST(2, GEOMETRY, T0SZ(11, 2, 0), T0SZ(12, 2, 0)), "ds", .ste = S2DS },
	{ "STE-20b", "S2T0SZ below 12, 64K", S2,
	  ST(2, GEOMETRY, T0SZ(11, 2, 1), T0SZ(12, 2, 1)), "ds" },
	{ "STE-20b", "S2T0SZ below 20 with an IAS of 44", S2,
	  ST(2, GEOMETRY, T0SZ(19, 2, 0), T0SZ(20, 2, 0)), "oas44" },
	{ "STE-21", "SL0 0 with 40 bits", S2,
	  ST(2, 3ull << 38, 0, 2ull << 38) },
	{ "STE-21", "32 tables in a row", S2,
	  ST(2, GEOMETRY, T0SZ(20, 1, 0), T0SZ(21, 1, 0)) },
	{ "STE-21", "no bit left at level 1", S2,
	  ST(2, GEOMETRY, T0SZ(34, 1, 0), T0SZ(33, 1, 0)) },
	{ "STE-21", "level 3 start", S2,
	  ST(2, GEOMETRY, T0SZ(38, 3, 0), T0SZ(39, 3, 0)) },
	{ "STE-21", "level 3 start without STT", S2,
	  ST(2, GEOMETRY, T0SZ(39, 3, 0), T0SZ(39, 0, 0)), "small" },
	{ "STE-21", "64K SL0 3", S2,
	  ST(2, GEOMETRY, T0SZ(35, 3, 1), T0SZ(35, 0, 1)) },
	{ "STE-21", "64K, no concatenation at level 1", S2,
	  ST(2, GEOMETRY, T0SZ(17, 1, 1), T0SZ(18, 1, 1)) },
	{ "STE-21", "16K SL0 3", S2,
	  ST(2, GEOMETRY, T0SZ(16, 3, 2), T0SZ(16, 2, 2)) },
	{ "STE-21", "16K SL0 3, S2DS", S2,
	  ST(2, GEOMETRY, T0SZ(17, 3, 2), T0SZ(16, 3, 2)), "ds", .ste = S2DS },
	{ "STE-21", "16K, too many tables at level 2", S2,
	  ST(2, GEOMETRY, T0SZ(23, 1, 2), T0SZ(24, 1, 2)) },
	{ "STE-21", "level -1 with 48 bits", S2,
	  ST(2, GEOMETRY, T0SZ(16, 0, 0), T0SZ(15, 0, 0)), "ds",
	  .ste = S2DS_SL0_2 },
	{ "STE-21", "SL0_2 with SL0", S2,
	  ST(2, GEOMETRY, T0SZ(12, 1, 0), T0SZ(12, 0, 0)), "ds",
	  .ste = S2DS_SL0_2 },
	{ "STE-22a", "S2ENDI", S2, ST(2, 1ull << 52, 1ull << 52, 0) },
	{ "STE-22b", "S2ENDI 0", S2, ST(2, 1ull << 52, 0, 1ull << 52), "be" },
	{ "STE-24", "S2VMID of 8 bits", S2, ST(2, 0xffff, 0x100, 0xff),
	  "small" },
	{ "STE-24", "S2VMID of 8 bits, stage 1", S1, ST(2, 0xffff, 0x100, 0xff),
	  "small" },

	{ "CD-1", "V", S1, CDW(0, 1ull << 31, 0, 1ull << 31) },
	{ "CD-2", "S against S1STALLD", S1, CDW(0, 1ull << 44, 1ull << 44, 0),
	  "stall", .ste = { 1, 1ull << 27, 1ull << 27 } },
	{ "CD-3", "A", S1, CDW(0, 1ull << 46, 0, 1ull << 46) },
	{ "CD-4a", "S", S1, CDW(0, 1ull << 44, 1ull << 44, 0) },
	{ "CD-4b", "S 0", S1, CDW(0, 1ull << 44, 0, 1ull << 44), "forced" },
	{ "CD-5", "AA64", S1, CDW(0, 1ull << 41, 0, 1ull << 41) },
	{ "CD-7a", "HA", S1, CDW(0, HA, HA, 0) },
	{ "CD-7a", "HD", S1, CDW(0, HD, HD, 0) },
	{ "CD-7b", "HD with flags only", S1, CDW(0, HA | HD, HA | HD, HA),
	  "af" },
	{ "CD-7c", "HAFT", S1, CDW(0, HA, 0, HA), "haft", .cd = { 1, 8, 8 } },
	{ "CD-8", "ASID of 8 bits", S1,
	  CDW(0, 0xffffull << 48, 0x100ull << 48, 0xffull << 48), "small" },
	{ "CD-9a", "T0SZ 49", S1, CDW(0, 0x3f, 49, 48) },
	{ "CD-9a", "T0SZ 48 with 64K", S1,
	  CDW(0, 0xff, 48 | 1 << 6, 47 | 1 << 6) },
	{ "CD-9a", "T0SZ 40 without STT", S1, CDW(0, 0x3f, 40, 39), "small" },
	{ "CD-9b", "T0SZ 15", S1, CDW(0, 0x3f, 15, 16) },
	{ "CD-9b", "T0SZ 15 without DS", S1, CDW(0, 0x3f, 15, 16), "ds" },
	{ "CD-9b", "T0SZ 11, DS", S1, CDW(0, 0x3f, 11, 12), "ds", .cd = CD_DS },
	{ "CD-9b", "T0SZ 11, 64K", S1, CDW(0, 0xff, 11 | 1 << 6, 12 | 1 << 6),
	  "ds" },
	{ "CD-9c", "T1SZ 49", S1, CDW(0, 0x3full << 16, 49 << 16, 48 << 16),
	  .cd = TTB1_ON },
	{ "CD-9d", "T1SZ 15", S1, CDW(0, 0x3full << 16, 15 << 16, 16 << 16),
	  .cd = TTB1_ON },
	{ "CD-9d", "T1SZ 0 but EPD1", S1,
	  CDW(0, 1ull << 30 | 0xffull << 16, 0x80ull << 16,
	      1ull << 30 | 0x80ull << 16) },
	{ "CD-10a", "TG0 reserved", S1, CDW(0, 3 << 6, 3 << 6, 2 << 6) },
	{ "CD-10a", "TG0 unsupported", S1, CDW(0, 3 << 6, 2 << 6, 1 << 6),
	  "small" },
	{ "CD-10b", "TG1 reserved", S1, CDW(0, 3ull << 22, 0, 3ull << 22),
	  .cd = TTB1_ON },
	{ "CD-10b", "TG1 unsupported", S1,
	  CDW(0, 3ull << 22, 1ull << 22, 2ull << 22), "small", .cd = TTB1_ON },
	{ "CD-11a", "TTB0 at IPS 32", S1, CDW(0, 7ull << 32, 0, 1ull << 32),
	  .cd = { 1, ~0ull, 1ull << 32 } },
	{ "CD-11a", "TTB0 at OAS, IPS above", S1,
	  CDW(1, 0xfull << 47, 1ull << 48, 1ull << 47),
	  .cd = { 0, 7ull << 32, 6ull << 32 } },
	{ "CD-11b", "TTB0 at 48 bits", S1, CDW(2, 1ull << 58, 0, 1ull << 58),
	  "ds52", .cd = { 1, ~0ull, 1ull << 48 } },
	{ "CD-11c", "TTB1 at IPS 32", S1,
	  CDW(0, 7ull << 32 | 1ull << 30 | 0xffull << 16, 0x90ull << 16,
	      1ull << 32 | 0x90ull << 16),
	  .cd = { 2, ~0ull, 1ull << 32 } },
	{ "CD-11d", "TTB1 at 48 bits", S1,
	  CDW(2, 1ull << 58 | 0xfull << 48, 1ull << 48,
	      1ull << 58 | 1ull << 48),
	  "ds52", .cd = TTB1_ON },
	{ "CD-12a", "ENDI", S1, CDW(0, 1ull << 15, 1ull << 15, 0) },
	{ "CD-12b", "ENDI 0", S1, CDW(0, 1ull << 15, 0, 1ull << 15), "be" },
};

static struct uiommu_smmuv3_profile profile_of(const char *name)
{
	struct uiommu_smmuv3_profile p = rig_profile_plain();
	const uint32_t stalls = SMMU_IDR0_STALL_MODEL;

	if (!name)
		return p;
	if (!strcmp(name, "small")) {
		p.idr[0] &=
			~(SMMU_IDR0_ASID16 | SMMU_IDR0_VMID16 | SMMU_IDR0_CD2L);
		p.idr[3] &= ~SMMU_IDR3_STT;
		p.idr[5] &= ~SMMU_IDR5_GRAN16K;
	} else if (!strcmp(name, "s1only")) {
		p.idr[0] &= ~(SMMU_IDR0_S2P | SMMU_IDR0_HYP | SMMU_IDR0_VMID16);
		p.idr[3] &= ~(SMMU_IDR3_XNX | SMMU_IDR3_FWB | SMMU_IDR3_PTWNNC);
	} else if (!strcmp(name, "s2only")) {
		p.idr[0] &= ~(SMMU_IDR0_S1P | SMMU_IDR0_HYP);
		p.idr[3] &= ~(SMMU_IDR3_HAD | SMMU_IDR3_E0PD);
	} else if (!strcmp(name, "stall") || strstr(name, "ats")) {
		p.idr[0] &= ~stalls;
		p.idr[5] |= 8u << 16;
	} else if (!strcmp(name, "forced")) {
		p.idr[0] = (p.idr[0] & ~stalls) | 2u << 24;
		p.idr[5] |= 8u << 16;
	} else if (!strcmp(name, "af")) {
		p.idr[0] = (p.idr[0] & ~SMMU_IDR0_HTTU) | 1u << 6;
	} else if (!strcmp(name, "haft")) {
		p.idr[0] |= 3u << 6;
	} else if (!strcmp(name, "be")) {
		p.idr[0] |= 3u << 21;
	} else if (!strncmp(name, "ds", 2)) {
		p.idr[5] = (p.idr[5] & ~SMMU_IDR5_OAS) | SMMU_IDR5_OAS_52 |
			   SMMU_IDR5_DS | SMMU_IDR5_VAX_52 << 10;
	} else if (!strcmp(name, "oas44")) {
		p.idr[5] = (p.idr[5] & ~SMMU_IDR5_OAS) | SMMU_IDR5_OAS_44;
	} else {
		fail_msg("no profile %s", name);
	}
	return p;
}

static void apply(uint64_t *q, const struct change *c)
{
	q[c->q] = (q[c->q] & ~c->mask) | c->val;
}

/* The event that the entry leads to, with `val` in the rule's field. */
static unsigned int try_rule(const struct rule *rule, uint64_t val)
{
	struct uiommu_smmuv3_profile p = profile_of(rule->profile);
	const char *name = rule->profile ? rule->profile : "";
	struct change c = { rule->q, rule->mask, val };
	struct uiommu_smmuv3_xlate x;
	struct smmu_ste ste;
	struct smmu_cd cd;
	struct rig r;
	unsigned int type = 0;
	uint64_t s2;

	rig_init(&r, &p);
	/* as if the profile had them, whatever else that asks for */
	r.model->caps.ats |= !!strstr(name, "ats");
	r.model->caps.ns1ats |= !!strstr(name, "ns1");
	s2 = rig_table(&r, 1 << 17);
	ste = rule->base == S2 ? rig_ste_s2(s2, 7) : rig_ste_s1(RIG_CD);
	if (rule->base == NEST) {
		ste = rig_ste_s2(s2, 7);
		ste.q[0] = RIG_CD | 0xf;
	}
	cd = rig_cd_4k(rig_table(&r, 4096), 1);
	if (!strcmp(name, "ds52"))
		cd.q[0] |= 6ull << 32; /* IPS */
	apply(ste.q, &rule->ste);
	apply(cd.q, &rule->cd);
	apply(rule->in_cd ? cd.q : ste.q, &c);
	rig_ste(&r, 1, &ste);
	rig_cd(&r, RIG_CD, &cd);
	if (rig_xlate(&r, 1, 0, 0, &x))
		type = r.info.event_type;
	rig_fini(&r);
	return type;
}

static void illegal_entries(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct rule *rule = &rules[i];
		unsigned int want = rule->in_cd ? SMMU_EVT_C_BAD_CD
						: SMMU_EVT_C_BAD_STE;
		unsigned int bad = try_rule(rule, rule->bad);
		unsigned int good = try_rule(rule, rule->good);

		if (bad != want || good == SMMU_EVT_C_BAD_STE ||
		    good == SMMU_EVT_C_BAD_CD)
			fail_msg("%s, %s: bad gives %#x, good gives %#x",
				 rule->id, rule->what, bad, good);
	}
}

/* What looks odd and is legal: reserved codes that act as another. */
static void odd_but_legal(void **state)
{
	static const struct rule odd[] = {
		{ "", "S1DSS 3", S1, ST(1, 3, 0, 3) },
		{ "", "S1Fmt 3", S1, ST(0, 3ull << 4, 0, 3ull << 4) },
		{ "", "PRIVCFG 1, INSTCFG 1", S1,
		  ST(1, 0xfull << 48, 0, 5ull << 48) },
		{ "", "SHCFG 0", S1, ST(1, 3ull << 44, 0, 0) },
		{ "", "S1CSH 1", S1, ST(1, 3ull << 6, 0, 1ull << 6) },
		{ "", "S2HD without S2HA", S2, ST(2, S2HD, 0, S2HD), "haft" },
		{ "", "S2HAFT without the feature", S2,
		  ST(2, S2HAFT, 0, S2HAFT), "af" },
		{ "", "S2PS above OAS", S2, ST(2, 7ull << 48, 0, 7ull << 48) },
		{ "", "stage 1's fields without it", S2,
		  ST(0, 0x1full << 59 | 3ull << 4, 0, 0x1full << 59) },
		{ "", "S1STALLD without stage 1", S2,
		  ST(1, 1ull << 27, 0, 1ull << 27) },
		{ "", "EATS without ATS", S1,
		  ST(1, 3ull << 28, 0, 2ull << 28) },
		{ "", "EATS 3 without DPT", S1,
		  ST(1, 3ull << 28, 0, 3ull << 28), "ats" },
		{ "", "stage 2's fields without it", S1,
		  ST(2, ~0ull << 32, 0, ~0ull << 32) },
		{ "", "STRW when nested", NEST,
		  ST(1, 3ull << 30, 0, 1ull << 30) },
		{ "", "CONT, DRE, DCP, software's", S1,
		  ST(1, 0xfbf000ull, 0, 0xf3f000ull) },
		{ "", "the same, nested", NEST,
		  ST(1, 0xfbf000ull, 0, 0xf3f000ull) },
		{ "", "CONT, stage 2", S2, ST(1, 0xf << 13, 0, 0xf << 13) },
		{ "", "S1MPAM without MPAM", NEST, ST(1, 1 << 26, 0, 1 << 26) },
		{ "", "PARTID without MPAM", S1,
		  ST(4, 0xffffull << 16, 0, 0xffffull << 16) },
		{ "", "VMSPtr, PMG without MPAM", NEST,
		  ST(5, ~0ull, 0, ~0ull) },
		{ "", "CD PARTID, PMG", S1,
		  CDW(5, 0xffull << 40 | 0xffffull << 32, 0, ~0ull << 32) },
		{ "", "NSCFG", S1, ST(1, 3ull << 46, 0, 3ull << 46) },
		{ "", "CD HD without HA", S1, CDW(0, HD, 0, HD), "haft" },
		{ "", "CD HAFT without the feature", S1, CDW(1, 8, 0, 8),
		  "af" },
		{ "", "CD IPS 7", S1, CDW(0, 7ull << 32, 0, 7ull << 32) },
		{ "", "CD SH0 1", S1, CDW(0, 3 << 12, 0, 1 << 12) },
		{ "", "CD AFFD with HA", S1,
		  CDW(0, HA | 1ull << 35, 0, HA | 1ull << 35), "af" },
		{ "", "CD ENDI with both tables off", S1,
		  CDW(0, 1ull << 14 | 1ull << 15, 0, 1ull << 14 | 1ull << 15) },
		{ "", "CD TTB0 off: its fields do not count", S1,
		  CDW(0, 1ull << 14 | 0xff, 0, 1ull << 14 | 0xff) },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(odd); i++) {
		unsigned int type = try_rule(&odd[i], odd[i].good);

		if (type == SMMU_EVT_C_BAD_STE || type == SMMU_EVT_C_BAD_CD)
			fail_msg("%s gives %#x", odd[i].what, type);
	}
}

/* STRW EL2 has neither VMID nor ASID; a bypass has no VMID. */
static void ids_that_are_not_looked_at(void **state)
{
	static const struct {
		uint64_t config, strw, vmid, asid;
		unsigned int type;
	} rows[] = {
		{ 0xb, 0, 0x100, 0, SMMU_EVT_C_BAD_STE },
		{ 0xb, 2, 0x100, 0, SMMU_EVT_F_TRANSLATION },
		{ 0x9, 0, 0x100, 0, 0 },
		{ 0xb, 0, 0, 0x100, SMMU_EVT_C_BAD_CD },
		{ 0xb, 2, 0, 0x100, SMMU_EVT_F_TRANSLATION },
	};
	struct uiommu_smmuv3_profile p = profile_of("small");

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct smmu_ste ste = rig_ste_s1(RIG_CD);
		struct uiommu_smmuv3_xlate x;
		struct smmu_cd cd;
		struct rig r;

		rig_init(&r, &p);
		cd = rig_cd_4k(rig_table(&r, 4096), (uint16_t)rows[i].asid);
		ste.q[0] = (ste.q[0] & ~0xfull) | rows[i].config;
		ste.q[1] |= rows[i].strw << 30;
		ste.q[2] = rows[i].vmid;
		rig_ste(&r, 1, &ste);
		rig_cd(&r, RIG_CD, &cd);
		rig_xlate(&r, 1, 0, 0, &x);
		assert_int_equal(r.info.event_type, rows[i].type);
		rig_fini(&r);
	}
}

/* What ATS is left of STE.EATS: by configuration and CR0.ATSCHK. */
static void effective_eats(void **state)
{
	static const struct {
		bool ats, chk;
		uint64_t config, eats;
		uint8_t want;
	} rows[] = {
		{ false, true, 0xb, 1, 0 }, { true, false, 0xb, 1, 1 },
		{ true, true, 0xb, 1, 1 },  { true, false, 0x9, 1, 0 },
		{ true, true, 0x9, 2, 0 },  { true, false, 0xf, 2, 0 },
		{ true, true, 0xf, 2, 2 },  { true, true, 0xf, 3, 0 },
		{ true, true, 0xd, 1, 1 },  { true, true, 0x1, 1, 0 },
		{ true, true, 0xf, 0, 0 },
	};
	struct rig *r = *state;
	msmmu *m = r->model;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct smmu_ste ste = rig_ste_s2(RIG_TABLES, 5);
		struct msmmu_ctx ctx = { 0 };

		m->caps.ats = rows[i].ats;
		MSMMU_SET_REG(m, CR0,
			      0xd | (rows[i].chk ? SMMU_CR0_ATSCHK : 0));
		ste.q[0] = RIG_CD | rows[i].config;
		ste.q[1] |= rows[i].eats << 28;
		assert_null(msmmu_ste_check(m, &ste));
		msmmu_ste_decode(m, &ste, &ctx);
		assert_int_equal(ctx.eats, rows[i].want);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(illegal_entries),
		cmocka_unit_test(odd_but_legal),
		cmocka_unit_test(ids_that_are_not_looked_at),
		T(effective_eats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
