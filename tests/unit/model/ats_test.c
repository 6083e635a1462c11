/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation requests and translated accesses: every row of what they are
 * answered with, event records whole, contents of completions.
 */
#include <errno.h>
#include <string.h>

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

/* StreamIDs that configure() makes. */
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

static uint64_t cd_of(uint32_t sid)
{
	/* room for 16 CDs */
	return RIG_CD + sid * 1024ull;
}

/* What all streams share: tables of stage 1 and of stage 2. */
static uint64_t s1, s2;

static void put_ste(struct rig *r, uint32_t sid, uint64_t q0, uint64_t q1)
{
	struct smmu_ste ste = rig_ste_s2(s2, 5);

	ste.q[0] = q0 | 1;
	ste.q[1] |= q1;
	rig_ste(r, sid, &ste);
}

static void put_cd(struct rig *r, uint32_t sid, unsigned int i, uint64_t ttb)
{
	struct smmu_cd cd = rig_cd_4k(ttb, (uint16_t)(sid + i));

	rig_cd(r, cd_of(sid) + 64 * i, &cd);
}

/* A stage-1 or nested stream. */
static void put_s1(struct rig *r, uint32_t sid, uint64_t config, uint64_t q1)
{
	put_ste(r, sid, config << 1 | cd_of(sid), q1);
	put_cd(r, sid, 0, s1);
}

/* ... that has 16 substreams in a linear table. */
static void put_substreams(struct rig *r, uint32_t sid, uint64_t config,
			   uint64_t q1)
{
	put_ste(r, sid, config << 1 | cd_of(sid) | 4ull << 59, q1);
	for (unsigned int i = 0; i < 16; i++)
		put_cd(r, sid, i, s1);
}

static void configure(struct rig *r)
{
	struct smmu_cd cd;

	s1 = rig_table(r, 4096);
	s2 = rig_table(r, 8192);
	/* IPA = PA for everything of the rig; data again at 0x80000000 */
	rig_map(r, s2, 12, 1, 1, 0x40000000, 0x40000000 | S2_BLOCK_RW);
	put_s1(r, S1_FULL, 5, EATS(1));
	put_s1(r, S1_OFF, 5, 0);
	put_ste(r, BYPASS, 4 << 1, EATS(1));
	put_ste(r, ABORT, 0, EATS(1));
	put_s1(r, STE_V0, 5, EATS(1));
	ram_w64(&r->ram, rig_ste_addr(STE_V0), 0);
	put_s1(r, STE_ILLEGAL, 5, EATS(2));
	put_s1(r, CD_V0, 5, EATS(1));
	ram_w64(&r->ram, cd_of(CD_V0), 0);
	put_ste(r, CD_HOLE, 5 << 1 | RIG_HOLE, EATS(1));
	put_substreams(r, S1DSS_END, 5, EATS(1));
	put_s1(r, TABLE_HOLE, 5, EATS(1));
	put_cd(r, TABLE_HOLE, 0, RIG_HOLE);
	put_s1(r, NESTED_FULL, 7, EATS(1));
	put_s1(r, NESTED_SPLIT, 7, EATS(2));
	put_ste(r, S2_FULL, 6 << 1, EATS(1));
	put_ste(r, NO_CD_IPA, 7 << 1 | 0xc0000000, EATS(1));
	put_s1(r, NO_TT_IPA, 7, EATS(1));
	put_cd(r, NO_TT_IPA, 0, 0xc0000000);
	put_s1(r, EATS_DPT, 5, EATS(3));
	put_substreams(r, S1DSS_SKIP, 5, EATS(1) | 1);
	put_substreams(r, NESTED_SKIP, 7, EATS(1) | 1);
	put_substreams(r, NESTED_SKIP_SPLIT, 7, EATS(2) | 1);
	/* two-level, and no second level */
	put_ste(r, L1CD_V0, 5 << 1 | cd_of(L1CD_V0) | 1 << 4 | 4ull << 59,
		EATS(1) | 2);
	put_s1(r, S1_TBI, 5, EATS(1));
	cd = rig_cd_4k(s1, S1_TBI);
	cd.q[0] |= 1ull << 38;
	rig_cd(r, cd_of(S1_TBI), &cd);
	put_s1(r, STE_ABORTS, 5, EATS(1));
	ram_poison(&r->ram, rig_ste_addr(STE_ABORTS),
		   rig_ste_addr(STE_ABORTS) + 63);
}

static struct uiommu_smmuv3_profile tweak(bool cached)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();

	if (!cached)
		p.tlb_entries = p.config_entries = 0;
	return p;
}

static void rig_begin(struct rig *r, const struct uiommu_smmuv3_profile *p)
{
	rig_init_ats(r, p);
	configure(r);
}

static void set_cr(struct rig *r, uint32_t cr0, uint32_t cr2)
{
	wr(r, SMMU_REG_CR0, cr0 & ~1u);
	wr(r, SMMU_REG_CR2, cr2);
	wr(r, SMMU_REG_CR0, cr0);
	/* ATSCHK counts with the STE */
	rig_inval_all(r);
}

static int request(struct rig *r, uint32_t sid, uint32_t flags, uint32_t ssid,
		   uint64_t iova, struct uiommu_ats_translation *tr)
{
	struct uiommu_smmuv3_txn txn = {
		.sid = sid, .ssid = ssid, .flags = flags, .iova = iova
	};

	memset(tr, 0xa5, sizeof(*tr));
	return uiommu_smmuv3_model_ats_translate(r->model, &txn, tr);
}

/* ------------------------------------------------- refused requests ---- */

#define UR (-EOPNOTSUPP)
#define CA (-ECONNABORTED)

struct refusal {
	const char *name;
	uint32_t sid, flags, ssid;
	uint64_t iova;
	int rc;
	uint32_t record; /* bits of CR2 that must be set for it */
	uint64_t rec[4];
};

#define CFG SMMU_CR2_REC_CFG_ATS
#define INV SMMU_CR2_RECINVSID
#define ALWAYS 0u
#define NEVER 0x80000000u

static const struct refusal refusals[] = {
	{ "StreamID out of range",
	  OUT_OF_RANGE,
	  0,
	  0,
	  0x1000,
	  CA,
	  CFG | INV,
	  { 0x0001000000000002 } },
	{ "STE fetch",
	  STE_ABORTS,
	  0,
	  0,
	  0x1000,
	  CA,
	  CFG,
	  { 0x0000002500000003, 0, 0, RIG_STRTAB + 0x25 * 64 } },
	{ "STE.V", STE_V0, SSV, 3, 0x1000, CA, CFG, { 0x0000001400003804 } },
	{ "STE illegal",
	  STE_ILLEGAL,
	  0,
	  0,
	  0x1000,
	  CA,
	  CFG,
	  { 0x0000001500000004 } },
	{ "Config abort", ABORT, 0, 0, 0x1000, UR, NEVER, { 0 } },
	{ "Config bypass",
	  BYPASS,
	  0,
	  0,
	  0x1fff,
	  UR,
	  ALWAYS,
	  { 0x0000001200000005, 0x00000000c0000001, 0x1000 } },
	{ "bypass, PASID",
	  BYPASS,
	  SSV | EXE,
	  0xabc,
	  0x1000,
	  UR,
	  ALWAYS,
	  { 0x0000001200abc805, 0x00000000e0000001, 0x1000 } },
	{ "EATS off",
	  S1_OFF,
	  NW,
	  0,
	  0xffffffff1234,
	  UR,
	  ALWAYS,
	  { 0x0000001100000005, 0x0000000080000001, 0xffffffff1000 } },
	{ "EATS off, no such PASID",
	  S1_OFF,
	  SSV | PRIV | NW,
	  7,
	  0x1000,
	  UR,
	  ALWAYS,
	  { 0x0000001100007805, 0x0000000090000001, 0x1000 } },
	{ "privilege without PASID",
	  S1_OFF,
	  PRIV | EXE,
	  0,
	  0x1000,
	  UR,
	  ALWAYS,
	  { 0x0000001100000005, 0x00000000c0000001, 0x1000 } },
	{ "EATS for DPT",
	  EATS_DPT,
	  0,
	  0,
	  0x1000,
	  UR,
	  ALWAYS,
	  { 0x0000001f00000005, 0x00000000c0000001, 0x1000 } },
	{ "no substreams",
	  S1_FULL,
	  SSV,
	  0,
	  0x1000,
	  CA,
	  CFG,
	  { 0x0000001000000008 } },
	{ "SubstreamID too large",
	  S1DSS_END,
	  SSV,
	  16,
	  0x1000,
	  CA,
	  CFG,
	  { 0x0000001800010008 } },
	{ "SubstreamID of 21 bits",
	  S1DSS_END,
	  SSV,
	  1 << 20,
	  0x1000,
	  CA,
	  CFG,
	  { 0x0000001800000008 } },
	{ "S1DSS", S1DSS_END, 0, 0, 0x1000, CA, CFG, { 0x0000001800000006 } },
	{ "L1CD", L1CD_V0, 0, 0, 0x1000, CA, CFG, { 0x0000002300000008 } },
	{ "CD fetch",
	  CD_HOLE,
	  0,
	  0,
	  0x1000,
	  CA,
	  CFG,
	  { 0x0000001700000009, 0, 0, RIG_HOLE } },
	{ "CD.V", CD_V0, 0, 0, 0x1000, CA, NEVER, { 0 } },
	{ "walk",
	  TABLE_HOLE,
	  0,
	  0,
	  0x1000,
	  CA,
	  CFG,
	  { 0x000000190000000b, 0x0000010800000000, 0x1000, RIG_HOLE } },
};

static void expect_record(struct rig *r, const char *name, bool there,
			  const uint64_t want[4])
{
	uint64_t rec[4];

	if (rig_event(r, rec) != there)
		fail_msg("%s: event %s", name, there ? "missing" : "too many");
	if (there && memcmp(rec, want, sizeof(rec)))
		fail_msg("%s: %016lx %016lx %016lx %016lx", name, rec[0],
			 rec[1], rec[2], rec[3]);
	rig_expect_no_event(r);
}

static void check_refusal(struct rig *r, const struct refusal *row,
			  uint32_t cr2)
{
	struct uiommu_ats_translation tr;
	bool there = row->record != NEVER && !(row->record & ~cr2);
	unsigned int faults = r->faults;
	uint64_t aborts = rig_stats(r).aborts;

	if (request(r, row->sid, row->flags, row->ssid, row->iova, &tr) !=
	    row->rc)
		fail_msg("%s: wrong answer", row->name);
	expect_record(r, row->name, there, row->rec);
	assert_int_equal(r->faults, faults + 1);
	assert_int_equal(r->info.recorded, there);
	assert_int_equal(rig_stats(r).aborts, aborts + 1);
	/* asked as a probe it leaves no trace */
	assert_int_equal(request(r, row->sid, row->flags | UIOMMU_TXN_PROBE,
				 row->ssid, row->iova, &tr),
			 row->rc);
	rig_expect_no_event(r);
	assert_int_equal(r->faults, faults + 1);
}

static void requests_refused(void **state)
{
	static const uint32_t cr2s[] = { 0, CFG, INV, CFG | INV };

	for (unsigned int cached = 0; cached < 2; cached++) {
		struct uiommu_smmuv3_profile p = tweak(cached);
		struct rig r;

		rig_begin(&r, &p);
		for (unsigned int c = 0; c < ARRAY_SIZE(cr2s); c++) {
			set_cr(&r, RIG_CR0_ATS, cr2s[c]);
			for (unsigned int i = 0; i < ARRAY_SIZE(refusals);
			     i++) {
				check_refusal(&r, &refusals[i], cr2s[c]);
				check_refusal(&r, &refusals[i], cr2s[c]);
			}
		}
		rig_fini(&r);
	}
}

static void requests_while_off(void **state)
{
	struct rig *r = *state;
	struct uiommu_ats_translation tr;

	configure(r);
	wr(r, SMMU_REG_CR0, RIG_CR0_ATS & ~1u);
	assert_int_equal(request(r, S1_FULL, SSV | PRIV | EXE, 9, 0x1000, &tr),
			 UR);
	rig_expect_event(r, 0x0000001000009805, 0xf0000001, 0x1000, 0);
	/* GBPA says nothing about it */
	wr(r, SMMU_REG_GBPA, 0x80000000);
	assert_int_equal(request(r, S1_FULL, 0, 0, 0x1000, &tr), UR);
	rig_expect_event(r, 0x0000001000000005, 0xc0000001, 0x1000, 0);
}

static void requests_to_an_smmu_without_ats(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct uiommu_ats_translation tr;
	struct rig r;

	rig_init(&r, &p);
	configure(&r);
	rig_map4k(&r, s1, 0x1000, RIG_DATA, LEAF_RW);
	assert_int_equal(request(&r, S1_FULL, 0, 0, 0x1000, &tr), UR);
	rig_expect_event(&r, 0x0000001000000005, 0xc0000001, 0x1000, 0);
	/* the rules about EATS are not there */
	rig_expect_pa(&r, STE_ILLEGAL, 0x1000, RIG_DATA);
	rig_fini(&r);
}

static void split_needs_atschk(void **state)
{
	struct rig *r = *state;
	struct uiommu_ats_translation tr;

	configure(r);
	set_cr(r, RIG_CR0_ATS & ~SMMU_CR0_ATSCHK, 0);
	assert_int_equal(request(r, NESTED_SPLIT, 0, 0, 0x1000, &tr), UR);
	rig_expect_event(r, 0x0000001b00000005, 0xc0000001, 0x1000, 0);
	/* not the full one */
	assert_int_equal(request(r, NESTED_FULL, 0, 0, 0x1000, &tr), 0);
}

/* ----------------------------------------------- illegal entries ------- */

static void eats_that_is_illegal(void **state)
{
	static const struct {
		uint64_t config, eats, s2s;
		bool ns1ats, illegal;
	} rows[] = {
		{ 5, 1, 0, 0, false }, { 5, 1, 1, 0, false },
		{ 5, 2, 0, 0, true },  { 6, 2, 0, 0, true },
		{ 7, 2, 0, 0, false }, { 7, 2, 0, 1, true },
		{ 7, 2, 1, 0, true },  { 7, 1, 1, 0, true },
		{ 6, 1, 1, 0, true },  { 7, 3, 0, 0, false },
		{ 4, 2, 0, 0, false }, { 0, 2, 0, 0, false },
		{ 7, 1, 0, 1, false }, { 7, 0, 1, 0, false },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct uiommu_smmuv3_profile p = rig_profile_ats();
		struct uiommu_smmuv3_xlate x;
		struct smmu_ste ste;
		struct rig r;

		/* stalls are allowed: S2S alone is legal */
		p.idr[0] &= ~SMMU_IDR0_STALL_MODEL;
		p.idr[5] |= 4u << 16;
		p.idr[0] |= rows[i].ns1ats ? SMMU_IDR0_NS1ATS : 0;
		rig_begin(&r, &p);
		ste = rig_ste_s2(s2, 5);
		ste.q[0] = rows[i].config << 1 | cd_of(S1_FULL) | 1;
		ste.q[1] |= EATS(rows[i].eats);
		ste.q[2] |= rows[i].s2s << 57;
		rig_ste(&r, S1_FULL, &ste);
		rig_xlate(&r, S1_FULL, 0, 0x40001000, &x);
		assert_int_equal(r.info.event_type == SMMU_EVT_C_BAD_STE,
				 rows[i].illegal);
		rig_fini(&r);
	}
}

/* ---------------------------------------------- contents of answers ---- */

static void expect_grant(struct rig *r, uint32_t sid, uint32_t flags,
			 uint32_t ssid, uint64_t iova,
			 struct uiommu_ats_translation want)
{
	struct uiommu_ats_translation tr;

	/* from the tables, and from the TLB */
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(request(r, sid, flags, ssid, iova, &tr), 0);
		assert_int_equal(tr.addr, want.addr);
		assert_int_equal(tr.size_lg2, want.size_lg2);
		assert_int_equal(tr.read, want.read);
		assert_int_equal(tr.write, want.write);
		assert_int_equal(tr.exec, want.exec);
		assert_int_equal(tr.priv, want.priv);
		assert_false(tr.global);
		assert_false(tr.untranslated_only);
	}
	rig_expect_no_event(r);
}

#define NOTHING ((struct uiommu_ats_translation){ .size_lg2 = 12 })
#define PAGE(pa, r, w)                    \
	((struct uiommu_ats_translation){ \
		.addr = (pa), .size_lg2 = 12, .read = (r), .write = (w) })

/* Leaves: user RW, user RO, kernel RW, kernel RO; with UXN, with PXN. */
static const struct {
	uint64_t attrs;
	const char *user; /* what the unprivileged may */
	const char *kernel;
} leaves[] = {
	{ LEAF_RW, "rwx", "rw" },     { LEAF_RW | UXN, "rw", "rw" },
	{ LEAF_RO, "rx", "rx" },      { LEAF_RO | UXN, "r", "rx" },
	{ LEAF_RO | PXN, "rx", "r" }, { LEAF_RO | UXN | PXN, "r", "r" },
	{ 0xc01, "x", "rwx" },	      { 0xc01 | UXN, "", "rwx" },
	{ 0xc81, "x", "rx" },	      { 0xc81 | UXN | PXN, "", "r" },
};

static bool may(const char *rights, char c)
{
	return strchr(rights, c);
}

static void check_leaf(struct rig *r, uint32_t sid, unsigned int leaf,
		       uint32_t flags, unsigned int privcfg,
		       unsigned int instcfg)
{
	bool priv = privcfg == 3 || (privcfg != 2 && (flags & PRIV));
	const char *can = priv ? leaves[leaf].kernel : leaves[leaf].user;
	struct uiommu_ats_translation want = { .priv = flags & PRIV };

	want.read = may(can, instcfg == 3 ? 'x' : 'r');
	want.write = may(can, 'w');
	want.exec = (flags & EXE) && want.read &&
		    (instcfg == 2 || may(can, 'x'));
	want.size_lg2 = 12;
	want.addr = want.read || want.write ? RIG_DATA + leaf * 4096ull : 0;
	expect_grant(r, sid, flags | SSV, 3, leaf << 12, want);
}

static void rights_by_privilege_and_overrides(void **state)
{
	struct rig *r = *state;

	configure(r);
	for (unsigned int i = 0; i < ARRAY_SIZE(leaves); i++)
		rig_map4k(r, s1, i << 12, RIG_DATA + i * 4096ull,
			  leaves[i].attrs);
	for (unsigned int cfg = 0; cfg < 16; cfg++) {
		put_substreams(r, S1DSS_SKIP, 5,
			       EATS(1) | PRIVCFG(cfg & 3) | INSTCFG(cfg >> 2));
		rig_inval_all(r);
		for (unsigned int i = 0; i < ARRAY_SIZE(leaves) * 4; i++)
			check_leaf(r, S1DSS_SKIP, i / 4,
				   (i & 1 ? PRIV : 0) | (i & 2 ? EXE : 0),
				   cfg & 3, cfg >> 2);
	}
}

static void overrides_need_the_feature(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct rig r;

	p.idr[1] &= ~SMMU_IDR1_ATTR_PERMS_OVR;
	rig_begin(&r, &p);
	put_s1(&r, S1_FULL, 5, EATS(1) | PRIVCFG(3) | INSTCFG(3));
	rig_map4k(&r, s1, 0x1000, RIG_DATA, 0xc01); /* kernel only */
	rig_map4k(&r, s1, 0x2000, RIG_DATA, LEAF_RO | UXN);
	expect_grant(&r, S1_FULL, 0, 0, 0x1000, NOTHING);
	expect_grant(&r, S1_FULL, 0, 0, 0x2000, PAGE(RIG_DATA, true, false));
	rig_fini(&r);
}

/* Without a PASID a request is unprivileged and wants no execution. */
static void rights_without_pasid(void **state)
{
	struct rig *r = *state;

	configure(r);
	rig_map4k(r, s1, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, s1, 0x2000, RIG_DATA, 0xc01);
	expect_grant(r, S1_FULL, PRIV | EXE, 77, 0x1234,
		     PAGE(RIG_DATA, true, true));
	expect_grant(r, S1_FULL, PRIV | EXE, 77, 0x2000, NOTHING);
}

/* Page faults are answers; no event, whatever CR2 and the CD say. */
static void page_faults_grant_nothing(void **state)
{
	struct rig *r = *state;
	struct smmu_cd cd;

	configure(r);
	set_cr(r, RIG_CR0_ATS, CFG | INV);
	cd = rig_cd_4k(s1, S1_FULL);
	cd.q[0] = (cd.q[0] & ~(7ull << 32)) | 2ull << 32; /* IPS 40 bits */
	rig_cd(r, cd_of(S1_FULL), &cd);
	rig_map4k(r, s1, 0x2000, RIG_DATA, LEAF_RW & ~0x400ull);
	rig_map4k(r, s1, 0x3000, 1ull << 40, LEAF_RW);
	rig_map4k(r, s1, 0x4000, 0x90000000, LEAF_RW); /* no such IPA */
	rig_map4k(r, s1, 0x5000, 0x80000000, LEAF_RW);
	rig_map(r, s2, 12, 1, 3, 0x80000000,
		RIG_DATA | (S2_PAGE_RW & ~0xc0ull)); /* no rights */
	expect_grant(r, S1_FULL, 0, 0, 0x1000, NOTHING);
	expect_grant(r, S1_FULL, 0, 0, 0x2000, NOTHING);
	expect_grant(r, S1_FULL, 0, 0, 0x3000, NOTHING);
	/* outside of the range, and EPD1 */
	expect_grant(r, S1_FULL, 0, 0, 1ull << 48, NOTHING);
	expect_grant(r, S1_FULL, 0, 0, ~0xfffull, NOTHING);
	/* stage 2: the address, the CD, the table, rights */
	expect_grant(r, NESTED_FULL, 0, 0, 0x4000, NOTHING);
	expect_grant(r, NESTED_SPLIT, 0, 0, 0x4000, NOTHING);
	expect_grant(r, NESTED_FULL, 0, 0, 0x5000, NOTHING);
	expect_grant(r, NO_CD_IPA, 0, 0, 0x5000, NOTHING);
	expect_grant(r, NO_TT_IPA, 0, 0, 0x5000, NOTHING);
	expect_grant(r, S2_FULL, 0, 0, 0x90000000, NOTHING);
	expect_grant(r, S2_FULL, 0, 0, 1ull << 48, NOTHING);
	expect_grant(r, S1DSS_SKIP, 0, 0, 1ull << 48, NOTHING);
	assert_int_equal(r->faults, 0);
	assert_int_equal(rig_stats(r).aborts, 0);
}

/* The unit of an answer without rights is the profile's smallest granule. */
static void unit_is_the_smallest_granule(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct uiommu_ats_translation tr;
	struct smmu_cd cd;
	struct rig r;

	p.idr[5] &= ~SMMU_IDR5_GRAN4K;
	rig_begin(&r, &p);
	cd = rig_cd_4k(s1, 1);
	cd.q[0] |= 2 << 6; /* 16K */
	rig_cd(&r, cd_of(S1_FULL), &cd);
	assert_int_equal(request(&r, S1_FULL, 0, 0, 0x1000, &tr), 0);
	assert_int_equal(tr.size_lg2, 14);
	assert_false(tr.read || tr.write);
	rig_fini(&r);
}

static struct uiommu_ats_translation region(uint64_t addr, uint8_t lg2)
{
	return (struct uiommu_ats_translation){
		.addr = addr, .size_lg2 = lg2, .read = true, .write = true
	};
}

static void sizes_and_addresses(void **state)
{
	struct rig *r = *state;

	configure(r);
	/* VA 2M -> IPA 2M -> PA in a block, and in pages */
	rig_map(r, s1, 12, 0, 2, 0x200000, 0x80200000 | LEAF_RW);
	rig_map(r, s2, 12, 1, 2, 0x80200000, RIG_DATA | S2_BLOCK_RW);
	rig_map(r, s1, 12, 0, 2, 0x400000, 0x80400000 | LEAF_RW);
	rig_map(r, s2, 12, 1, 3, 0x80405000, (RIG_DATA + 0x9000) | S2_PAGE_RO);
	/* VA page -> IPA in a 1G block */
	rig_map4k(r, s1, 0x1000, RIG_DATA + 0x3000, LEAF_RW);
	expect_grant(r, S1_FULL, 0, 0, 0x234567, region(0x80200000, 21));
	expect_grant(r, NESTED_FULL, 0, 0, 0x234567, region(RIG_DATA, 21));
	expect_grant(r, NESTED_SPLIT, 0, 0, 0x234567, region(0x80200000, 21));
	expect_grant(r, NESTED_FULL, 0, 0, 0x405678,
		     PAGE(RIG_DATA + 0x9000, true, false));
	/* the IPA with the rights of both */
	expect_grant(r, NESTED_SPLIT, 0, 0, 0x405678,
		     PAGE(0x80405000, true, false));
	expect_grant(r, NESTED_FULL, 0, 0, 0x1fff,
		     region(RIG_DATA + 0x3000, 12));
	expect_grant(r, S2_FULL, 0, 0, 0x80212345, region(RIG_DATA, 21));
	expect_grant(r, S2_FULL, 0, 0, 0x80405123,
		     PAGE(RIG_DATA + 0x9000, true, false));
}

/* Requests of no PASID where S1DSS passes stage 1 by. */
static void stage1_skipped(void **state)
{
	struct rig *r = *state;

	configure(r);
	rig_map(r, s2, 12, 1, 3, 0x80405000, (RIG_DATA + 0x9000) | S2_PAGE_RO);
	rig_map4k(r, s1, 0x1000, RIG_DATA, LEAF_RW);
	expect_grant(r, S1DSS_SKIP, 0, 0, 0x123456789000, region(0, 48));
	expect_grant(r, NESTED_SKIP, 0, 0, 0x80405000,
		     PAGE(RIG_DATA + 0x9000, true, false));
	expect_grant(r, NESTED_SKIP_SPLIT, 0, 0, 0x80405000,
		     PAGE(0x80405000, true, false));
	/* not those with one */
	expect_grant(r, S1DSS_SKIP, SSV, 3, 0x1000, region(RIG_DATA, 12));
	expect_grant(r, S1DSS_SKIP, SSV, 3, 0x80405000, NOTHING);
}

static void tagged_addresses(void **state)
{
	struct rig *r = *state;

	configure(r);
	rig_map4k(r, s1, 0x5000, RIG_DATA + 0x3000, LEAF_RW);
	expect_grant(r, S1_TBI, 0, 0, 0xab00000000005123,
		     region(RIG_DATA + 0x3000, 12));
	expect_grant(r, S1_FULL, 0, 0, 0xab00000000005123, NOTHING);
}

/* What accesses have put into the TLB is good for requests, and vice versa. */
static void requests_share_the_tlb(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;
	uint64_t walks;

	configure(r);
	rig_map4k(r, s1, 0x1000, RIG_DATA, LEAF_RO);
	rig_map4k(r, s1, 0x2000, RIG_DATA + 0x1000, LEAF_RO);
	assert_int_equal(rig_xlate(r, S1_FULL, 0, 0x1000, &x), 0);
	walks = rig_stats(r).walks;
	expect_grant(r, S1_FULL, 0, 0, 0x1000, PAGE(RIG_DATA, true, false));
	assert_int_equal(rig_stats(r).walks, walks);
	expect_grant(r, S1_FULL, 0, 0, 0x2000,
		     PAGE(RIG_DATA + 0x1000, true, false));
	walks = rig_stats(r).walks;
	rig_expect_pa(r, S1_FULL, 0x2010, RIG_DATA + 0x1010);
	assert_int_equal(rig_stats(r).walks, walks);
	/* a write finds out that it may not */
	rig_expect_fault(r, S1_FULL, WRITE, 0x2010, SMMU_EVT_F_PERMISSION);
}

/* ---------------------------------------------- translated accesses ---- */

struct passage {
	const char *name;
	uint32_t sid, flags, ssid;
	uint64_t iova;
	bool ok;
	uint32_t record;
	uint64_t rec[4];
	bool pasidtt; /* the row is about an SMMU with it */
};

static const struct passage passages[] = {
	{ "full", S1_FULL, 0, 0, RIG_DATA + 0x123, true },
	{ "full, nested", NESTED_FULL, WRITE, 0, RIG_DATA + 0x123, true },
	{ "full, stage 2", S2_FULL, 0, 0, RIG_DATA + 0x123, true },
	{ "out of range",
	  OUT_OF_RANGE,
	  0,
	  0,
	  0x1000,
	  false,
	  CFG,
	  { 0x0001000000000002 } },
	{ "STE fetch",
	  STE_ABORTS,
	  WRITE,
	  0,
	  0x1000,
	  false,
	  CFG,
	  { 0x0000002500000003, 0, 0, RIG_STRTAB + 0x25 * 64 } },
	{ "STE.V", STE_V0, 0, 0, 0x1000, false, CFG, { 0x0000001400000004 } },
	{ "STE illegal",
	  STE_ILLEGAL,
	  0,
	  0,
	  0x1000,
	  false,
	  CFG,
	  { 0x0000001500000004 } },
	{ "Config abort", ABORT, 0, 0, 0x1000, false, NEVER },
	{ "Config bypass",
	  BYPASS,
	  WRITE,
	  0,
	  0x1abc,
	  false,
	  ALWAYS,
	  { 0x0000001200000007, 0, 0x1abc } },
	{ "EATS off",
	  S1_OFF,
	  0,
	  0,
	  0x1abc,
	  false,
	  ALWAYS,
	  { 0x0000001100000007, 0x0000000800000000, 0x1abc } },
	{ "EATS for DPT",
	  EATS_DPT,
	  0,
	  0,
	  0x1abc,
	  false,
	  ALWAYS,
	  { 0x0000001f00000007, 0x0000000800000000, 0x1abc } },
	/* the CD is nobody's business */
	{ "CD.V", CD_V0, 0, 0, RIG_DATA, true },
	{ "CD fetch", CD_HOLE, 0, 0, RIG_DATA, true },
	{ "L1CD", L1CD_V0, 0, 0, RIG_DATA, true },
	{ "CD without an IPA", NO_CD_IPA, 0, 0, RIG_DATA, true },
	{ "above the output size", S1_FULL, 0, 0, 1ull << 48, false, NEVER },
	/* without PASIDTT there is no PASID */
	{ "PASID off",
	  S1_OFF,
	  SSV,
	  7,
	  0x1abc,
	  false,
	  ALWAYS,
	  { 0x0000001100000007, 0x0000000800000000, 0x1abc } },
	{ "PASID on", S1_FULL, SSV | PRIV, 7, RIG_DATA, true },
	{ "S1DSS", S1DSS_END, 0, 0, RIG_DATA, true },
	{ "21 bits", S1DSS_END, SSV, 1 << 20, RIG_DATA, true },
	/* with it there is */
	{ "PASID off",
	  S1_OFF,
	  SSV,
	  7,
	  0x1abc,
	  false,
	  ALWAYS,
	  { 0x0000001100007807, 0x0000000800000000, 0x1abc },
	  true },
	{ "no substreams",
	  S1_FULL,
	  SSV,
	  7,
	  0x1000,
	  false,
	  CFG,
	  { 0x0000001000007008 },
	  true },
	{ "too large",
	  S1DSS_END,
	  SSV,
	  16,
	  0x1000,
	  false,
	  CFG,
	  { 0x0000001800010008 },
	  true },
	{ "21 bits",
	  S1DSS_END,
	  SSV,
	  1 << 20,
	  0x1000,
	  false,
	  CFG,
	  { 0x0000001800000008 },
	  true },
	{ "S1DSS",
	  S1DSS_END,
	  0,
	  0,
	  0x1000,
	  false,
	  CFG,
	  { 0x0000001800000006 },
	  true },
	{ "right PASID", S1DSS_END, SSV, 15, RIG_DATA, true, 0, { 0 }, true },
	{ "L1CD", L1CD_V0, 0, 0, RIG_DATA, true, 0, { 0 }, true },
};

static void check_passage(struct rig *r, const struct passage *row,
			  uint32_t cr2)
{
	struct uiommu_smmuv3_txn txn = {
		.sid = row->sid,
		.ssid = row->ssid,
		.flags = row->flags | TRANSLATED,
		.iova = row->iova,
	};
	bool there = !row->ok && row->record != NEVER && !(row->record & ~cr2);
	struct uiommu_smmuv3_xlate x;

	if (uiommu_smmuv3_model_translate(r->model, &txn, &x) !=
	    (row->ok ? 0 : -EFAULT))
		fail_msg("%s: wrong answer", row->name);
	if (row->ok)
		assert_int_equal(x.pa, row->iova);
	expect_record(r, row->name, there, row->rec);
}

static void translated_accesses(void **state)
{
	static const uint32_t cr2s[] = { 0, CFG, INV, CFG | INV };

	for (unsigned int k = 0; k < 4; k++) {
		struct uiommu_smmuv3_profile p = tweak(k & 1);
		struct rig r;

		p.idr[3] |= k & 2 ? SMMU_IDR3_PASIDTT : 0;
		rig_begin(&r, &p);
		for (unsigned int i = 0; i < ARRAY_SIZE(passages) * 4; i++) {
			const struct passage *row = &passages[i / 4];

			/* rows without a PASID hold either way */
			if (row->pasidtt != !!(k & 2) &&
			    (row->pasidtt || (row->flags & SSV) ||
			     row->sid == S1DSS_END))
				continue;
			set_cr(&r, RIG_CR0_ATS, cr2s[i % 4]);
			check_passage(&r, row, cr2s[i % 4]);
			check_passage(&r, row, cr2s[i % 4]);
		}
		rig_fini(&r);
	}
}

static void translated_without_check(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	configure(r);
	set_cr(r, RIG_CR0_ATS & ~SMMU_CR0_ATSCHK, CFG | INV);
	for (uint32_t sid = S1_FULL; sid <= STE_ABORTS; sid++) {
		assert_int_equal(
			rig_xlate(r, sid, TRANSLATED | WRITE, 0x1234, &x), 0);
		assert_int_equal(x.pa, 0x1234);
	}
	assert_int_equal(rig_xlate(r, OUT_OF_RANGE, TRANSLATED, 0x1234, &x), 0);
	/* no STE has been looked at */
	assert_int_equal(rig_stats(r).config_misses, 0);
	assert_int_equal(rig_xlate(r, S1_FULL, TRANSLATED, 1ull << 48, &x),
			 -EFAULT);
	rig_expect_no_event(r);
}

static void translated_while_off(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	configure(r);
	wr(r, SMMU_REG_CR0, RIG_CR0_ATS & ~1u);
	assert_int_equal(rig_xlate(r, S1_FULL, TRANSLATED, RIG_DATA, &x),
			 -EFAULT);
	rig_expect_event(r, 0x0000001000000007, 0x0000000800000000, RIG_DATA,
			 0);
	wr(r, SMMU_REG_CR0, RIG_CR0_ATS & ~(1u | SMMU_CR0_ATSCHK));
	assert_int_equal(rig_xlate(r, S1_FULL, TRANSLATED | WRITE, 0x10, &x),
			 -EFAULT);
	rig_expect_event(r, 0x0000001000000007, 0, 0x10, 0);
}

/* Split-stage ATS: the address is an IPA, stage 2 decides. */
static void translated_ipas(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	configure(r);
	rig_map(r, s2, 12, 1, 3, 0x80001000, RIG_DATA | S2_PAGE_RO);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(rig_xlate(r, NESTED_SPLIT, TRANSLATED,
					   0x80001234, &x),
				 0);
		assert_int_equal(x.pa, RIG_DATA + 0x234);
		assert_int_equal(x.size_lg2, 12);
		assert_true(x.readable && !x.writable);
		/* faults as those of stage 2 alone; S2R is on */
		assert_int_equal(rig_xlate(r, NESTED_SPLIT, TRANSLATED | WRITE,
					   0x80001234, &x),
				 -EFAULT);
		rig_expect_event(r, 0x0000001b00000013, 0x0000028000000000,
				 0x80001234, 0x80001000);
	}
	assert_int_equal(rig_xlate(r, NESTED_SPLIT, TRANSLATED, 0x80002234, &x),
			 -EFAULT);
	rig_expect_event(r, 0x0000001b00000010, 0x0000028800000000, 0x80002234,
			 0x80002000);
	assert_int_equal(rig_xlate(r, NESTED_SPLIT, TRANSLATED, 1ull << 41, &x),
			 -EFAULT);
	rig_expect_event(r, 0x0000001b00000010, 0x0000028800000000, 1ull << 41,
			 1ull << 41);
	/* more than any IPA: always recorded, and stage 1's */
	assert_int_equal(rig_xlate(r, NESTED_SPLIT, TRANSLATED, 1ull << 48, &x),
			 -EFAULT);
	rig_expect_event(r, 0x0000001b00000011, 0x0000020800000000, 1ull << 48,
			 0);
	/* and not told if S2R is off */
	ram_w64(&r->ram, rig_ste_addr(NESTED_SPLIT) + 16,
		rig_ste_s2(s2, 5).q[2] & ~(1ull << 58));
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, NESTED_SPLIT, TRANSLATED, 0x80002234, &x),
			 -EFAULT);
	rig_expect_no_event(r);
	/* the CD plays no part */
	ram_w64(&r->ram, cd_of(NESTED_SPLIT), 0);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, NESTED_SPLIT, TRANSLATED, 0x80001234, &x),
			 0);
	assert_int_equal(x.pa, RIG_DATA + 0x234);
}

/* Privilege of a translated IPA: by PASIDTT with a PASID, and PRIVCFG. */
static void privilege_of_translated_ipas(void **state)
{
	for (unsigned int i = 0; i < 16; i++) {
		struct uiommu_smmuv3_profile p = rig_profile_ats();
		bool pasidtt = i & 1, ssv = i & 2;
		unsigned int privcfg = i >> 2;
		bool priv = privcfg == 3 || (privcfg != 2 && pasidtt && ssv);
		struct uiommu_smmuv3_txn txn = {
			.sid = NESTED_SPLIT,
			.ssid = 3,
			.flags = TRANSLATED | PRIV | EXE | (ssv ? SSV : 0),
			.iova = 0x80001234,
		};
		struct uiommu_smmuv3_xlate x;
		struct rig r;

		p.idr[3] |= pasidtt ? SMMU_IDR3_PASIDTT : 0;
		rig_begin(&r, &p);
		put_substreams(&r, NESTED_SPLIT, 7,
			       EATS(2) | PRIVCFG(privcfg) | 1);
		rig_map(&r, s2, 12, 1, 3, 0x80001000, RIG_DATA | S2_PAGE_RW);
		assert_int_equal(
			uiommu_smmuv3_model_translate(r.model, &txn, &x), 0);
		assert_int_equal(x.attrs.priv, priv);
		assert_int_equal(x.attrs.instr, pasidtt && ssv);
		rig_fini(&r);
	}
}

#define T(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup_ats, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_refused),
		T(requests_while_off),
		cmocka_unit_test(requests_to_an_smmu_without_ats),
		T(split_needs_atschk),
		cmocka_unit_test(eats_that_is_illegal),
		T(rights_by_privilege_and_overrides),
		cmocka_unit_test(overrides_need_the_feature),
		T(rights_without_pasid),
		T(page_faults_grant_nothing),
		cmocka_unit_test(unit_is_the_smallest_granule),
		T(sizes_and_addresses),
		T(stage1_skipped),
		T(tagged_addresses),
		T(requests_share_the_tlb),
		cmocka_unit_test(translated_accesses),
		T(translated_without_check),
		T(translated_while_off),
		T(translated_ipas),
		cmocka_unit_test(privilege_of_translated_ipas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
