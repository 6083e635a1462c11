/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation requests: every row of what they are answered with, event records
 * whole, contents of completions.
 */
#include <errno.h>
#include <string.h>

#include "ats_rig.h"

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

/* clang-format off */
static const struct refusal refusals[] = {
	{ "StreamID out of range", OUT_OF_RANGE, 0, 0, 0x1000, CA, CFG | INV,
	  { 0x0001000000000002 } },
	{ "STE fetch", STE_ABORTS, 0, 0, 0x1000, CA, CFG,
	  { 0x0000002500000003, 0, 0, RIG_STRTAB + 0x25 * 64 } },
	{ "STE.V", STE_V0, SSV, 3, 0x1000, CA, CFG, { 0x0000001400003804 } },
	{ "STE illegal", STE_ILLEGAL, 0, 0, 0x1000, CA, CFG,
	  { 0x0000001500000004 } },
	{ "Config abort", ABORT, 0, 0, 0x1000, UR, NEVER, { 0 } },
	{ "Config bypass", BYPASS, 0, 0, 0x1fff, UR, ALWAYS,
	  { 0x0000001200000005, 0x00000000c0000001, 0x1000 } },
	{ "bypass, PASID", BYPASS, SSV | EXE, 0xabc, 0x1000, UR, ALWAYS,
	  { 0x0000001200abc805, 0x00000000e0000001, 0x1000 } },
	{ "EATS off", S1_OFF, NW, 0, 0xffffffff1234, UR, ALWAYS,
	  { 0x0000001100000005, 0x0000000080000001, 0xffffffff1000 } },
	{ "EATS off, no such PASID", S1_OFF, SSV | PRIV | NW, 7, 0x1000, UR, ALWAYS,
	  { 0x0000001100007805, 0x0000000090000001, 0x1000 } },
	{ "privilege without PASID", S1_OFF, PRIV | EXE, 0, 0x1000, UR, ALWAYS,
	  { 0x0000001100000005, 0x00000000c0000001, 0x1000 } },
	{ "EATS for DPT", EATS_DPT, 0, 0, 0x1000, UR, ALWAYS,
	  { 0x0000001f00000005, 0x00000000c0000001, 0x1000 } },
	{ "no substreams", S1_FULL, SSV, 0, 0x1000, CA, CFG,
	  { 0x0000001000000008 } },
	{ "SubstreamID too large", S1DSS_END, SSV, 16, 0x1000, CA, CFG,
	  { 0x0000001800010008 } },
	{ "SubstreamID of 21 bits", S1DSS_END, SSV, 1 << 20, 0x1000, CA, CFG,
	  { 0x0000001800000008 } },
	{ "S1DSS", S1DSS_END, 0, 0, 0x1000, CA, CFG, { 0x0000001800000006 } },
	{ "L1CD", L1CD_V0, 0, 0, 0x1000, CA, CFG, { 0x0000002300000008 } },
	{ "CD fetch", CD_HOLE, 0, 0, 0x1000, CA, CFG,
	  { 0x0000001700000009, 0, 0, RIG_HOLE } },
	{ "CD.V", CD_V0, 0, 0, 0x1000, CA, NEVER, { 0 } },
	{ "walk", TABLE_HOLE, 0, 0, 0x1000, CA, CFG,
	  { 0x000000190000000b, 0x0000010800000000, 0x1000, RIG_HOLE } },
};
/* clang-format on */

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
	ats_expect_record(r, row->name, there, row->rec);
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
		struct uiommu_smmuv3_profile p = ats_profile(cached);
		struct rig r;

		ats_begin(&r, &p);
		for (unsigned int c = 0; c < ARRAY_SIZE(cr2s); c++) {
			ats_set_cr(&r, RIG_CR0_ATS, cr2s[c]);
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

	ats_configure(r);
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
	struct uiommu_smmuv3_profile p = rig_profile_plain();
	struct uiommu_ats_translation tr;
	struct rig r;

	rig_init(&r, &p);
	ats_configure(&r);
	rig_map4k(&r, ats_s1, 0x1000, RIG_DATA, LEAF_RW);
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

	ats_configure(r);
	ats_set_cr(r, RIG_CR0_ATS & ~SMMU_CR0_ATSCHK, 0);
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
		ats_begin(&r, &p);
		ste = rig_ste_s2(ats_s2, 5);
		ste.q[0] = rows[i].config << 1 | ats_cd_of(S1_FULL) | 1;
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

	ats_configure(r);
	for (unsigned int i = 0; i < ARRAY_SIZE(leaves); i++)
		rig_map4k(r, ats_s1, i << 12, RIG_DATA + i * 4096ull,
			  leaves[i].attrs);
	for (unsigned int cfg = 0; cfg < 16; cfg++) {
		ats_put_substreams(r, S1DSS_SKIP, 5,
				   EATS(1) | PRIVCFG(cfg & 3) |
					   INSTCFG(cfg >> 2));
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
	ats_begin(&r, &p);
	ats_put_s1(&r, S1_FULL, 5, EATS(1) | PRIVCFG(3) | INSTCFG(3));
	rig_map4k(&r, ats_s1, 0x1000, RIG_DATA, 0xc01); /* kernel only */
	rig_map4k(&r, ats_s1, 0x2000, RIG_DATA, LEAF_RO | UXN);
	expect_grant(&r, S1_FULL, 0, 0, 0x1000, NOTHING);
	expect_grant(&r, S1_FULL, 0, 0, 0x2000, PAGE(RIG_DATA, true, false));
	rig_fini(&r);
}

/* Without a PASID a request is unprivileged and wants no execution. */
static void rights_without_pasid(void **state)
{
	struct rig *r = *state;

	ats_configure(r);
	rig_map4k(r, ats_s1, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, ats_s1, 0x2000, RIG_DATA, 0xc01);
	expect_grant(r, S1_FULL, PRIV | EXE, 77, 0x1234,
		     PAGE(RIG_DATA, true, true));
	expect_grant(r, S1_FULL, PRIV | EXE, 77, 0x2000, NOTHING);
}

/* Page faults are answers; no event, whatever CR2 and the CD say. */
static void page_faults_grant_nothing(void **state)
{
	struct rig *r = *state;
	struct smmu_cd cd;

	ats_configure(r);
	ats_set_cr(r, RIG_CR0_ATS, CFG | INV);
	cd = rig_cd_4k(ats_s1, S1_FULL);
	cd.q[0] = (cd.q[0] & ~(7ull << 32)) | 2ull << 32; /* IPS 40 bits */
	rig_cd(r, ats_cd_of(S1_FULL), &cd);
	rig_map4k(r, ats_s1, 0x2000, RIG_DATA, LEAF_RW & ~0x400ull);
	rig_map4k(r, ats_s1, 0x3000, 1ull << 40, LEAF_RW);
	rig_map4k(r, ats_s1, 0x4000, 0x90000000, LEAF_RW); /* no such IPA */
	rig_map4k(r, ats_s1, 0x5000, 0x80000000, LEAF_RW);
	rig_map(r, ats_s2, 12, 1, 3, 0x80000000,
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

/* Where stage 1 grants nothing of what counts stage 2 is not looked at. */
static void stage1_without_rights_hides_stage2(void **state)
{
	static const struct {
		uint64_t leaf;
		unsigned int instcfg;
		uint32_t flags;
		int rc;
	} rows[] = {
		/* execute-only is nothing, unless all reads are fetches */
		{ 0xc01, 0, SSV, 0 },
		{ 0xc01, 0, SSV | EXE, 0 },
		{ 0xc01, 2, SSV | EXE, 0 },
		{ 0xc01, 3, SSV, CA },
		{ 0xc01, 3, SSV | EXE, CA },
		/* and then what may be read alone is nothing */
		{ LEAF_RO | UXN, 3, SSV, 0 },
		{ LEAF_RO | UXN, 3, SSV | EXE, 0 },
		{ LEAF_RO | UXN, 2, SSV | EXE, CA },
		{ LEAF_RO | UXN, 0, SSV | EXE, CA },
		{ LEAF_RW | UXN, 3, SSV, CA },
	};
	struct rig *r = *state;
	struct uiommu_ats_translation tr;

	ats_configure(r);
	/* a table of stage 2 that aborts */
	rig_map(r, ats_s2, 12, 1, 1, 0xc0000000, RIG_HOLE | 3);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		ats_put_substreams(r, NESTED_SKIP, 7,
				   EATS(1) | INSTCFG(rows[i].instcfg));
		rig_map4k(r, ats_s1, 0x1000, 0xc0000000, rows[i].leaf);
		rig_inval_all(r);
		if (request(r, NESTED_SKIP, rows[i].flags, 3, 0x1000, &tr) !=
		    rows[i].rc)
			fail_msg("row %u", i);
		if (!rows[i].rc)
			expect_grant(r, NESTED_SKIP, rows[i].flags, 3, 0x1000,
				     NOTHING);
	}
}

/* The unit of an answer without rights is the profile's smallest granule. */
static void unit_is_the_smallest_granule(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct uiommu_ats_translation tr;
	struct smmu_cd cd;
	struct rig r;

	p.idr[5] &= ~SMMU_IDR5_GRAN4K;
	ats_begin(&r, &p);
	cd = rig_cd_4k(ats_s1, 1);
	cd.q[0] |= 2 << 6; /* 16K */
	rig_cd(&r, ats_cd_of(S1_FULL), &cd);
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

	ats_configure(r);
	/* VA 2M -> IPA 2M -> PA in a block, and in pages */
	rig_map(r, ats_s1, 12, 0, 2, 0x200000, 0x80200000 | LEAF_RW);
	rig_map(r, ats_s2, 12, 1, 2, 0x80200000, RIG_DATA | S2_BLOCK_RW);
	rig_map(r, ats_s1, 12, 0, 2, 0x400000, 0x80400000 | LEAF_RW);
	rig_map(r, ats_s2, 12, 1, 3, 0x80405000,
		(RIG_DATA + 0x9000) | S2_PAGE_RO);
	/* VA page -> IPA in a 1G block */
	rig_map4k(r, ats_s1, 0x1000, RIG_DATA + 0x3000, LEAF_RW);
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

	ats_configure(r);
	rig_map(r, ats_s2, 12, 1, 3, 0x80405000,
		(RIG_DATA + 0x9000) | S2_PAGE_RO);
	rig_map4k(r, ats_s1, 0x1000, RIG_DATA, LEAF_RW);
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

	ats_configure(r);
	rig_map4k(r, ats_s1, 0x5000, RIG_DATA + 0x3000, LEAF_RW);
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

	ats_configure(r);
	rig_map4k(r, ats_s1, 0x1000, RIG_DATA, LEAF_RO);
	rig_map4k(r, ats_s1, 0x2000, RIG_DATA + 0x1000, LEAF_RO);
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

/* ------------------------------------- access flag and dirty state ----- */

#define AF 0x400ull
#define CLEAN (1ull << 51 | LEAF_RO) /* writable, not marked dirty */
#define S2_CLEAN (1ull << 51 | S2_PAGE_RO)

/* A rig whose SMMU marks descriptors, in S1_FULL and NESTED_FULL. */
static void begin_marking(struct rig *r)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct smmu_cd cd;
	uint64_t q2;

	p.idr[0] |= 2u << 6; /* HTTU: both */
	ats_begin(r, &p);
	for (uint32_t sid = S1_FULL; sid <= NESTED_FULL; sid++) {
		cd = rig_cd_4k(ats_s1, (uint16_t)sid);
		cd.q[0] |= SMMU_CD_0_HA | SMMU_CD_0_HD;
		if (sid == S1_FULL || sid == NESTED_FULL)
			rig_cd(r, ats_cd_of(sid), &cd);
	}
	q2 = rig_ste_s2(ats_s2, 5).q[2] | SMMU_STE_2_S2HA | SMMU_STE_2_S2HD;
	ram_w64(&r->ram, rig_ste_addr(NESTED_FULL) + 16, q2);
}

static uint64_t pte(struct rig *r, uint64_t iova)
{
	return ram_r64(&r->ram, rig_pte4k(r, ats_s1, iova));
}

static void requests_mark_descriptors(void **state)
{
	struct uiommu_smmuv3_xlate x;
	struct rig r;

	begin_marking(&r);
	rig_map4k(&r, ats_s1, 0x1000, RIG_DATA, CLEAN & ~AF);
	/* No Write: accessed, but not dirty */
	expect_grant(&r, S1_FULL, NW, 0, 0x1000, PAGE(RIG_DATA, true, false));
	assert_int_equal(pte(&r, 0x1000), RIG_DATA | CLEAN | 3);
	/* that it is in the TLB as clean does not help */
	expect_grant(&r, S1_FULL, 0, 0, 0x1000, PAGE(RIG_DATA, true, true));
	assert_int_equal(pte(&r, 0x1000), RIG_DATA | (CLEAN & ~0x80ull) | 3);
	/* No Write to what is dirty already */
	expect_grant(&r, S1_FULL, NW, 0, 0x1000, PAGE(RIG_DATA, true, true));
	/* after a read of the same page */
	rig_map4k(&r, ats_s1, 0x2000, RIG_DATA, CLEAN);
	assert_int_equal(rig_xlate(&r, S1_FULL, 0, 0x2000, &x), 0);
	expect_grant(&r, S1_FULL, NW, 0, 0x2000, PAGE(RIG_DATA, true, false));
	assert_int_equal(pte(&r, 0x2000), RIG_DATA | CLEAN | 3);
	expect_grant(&r, S1_FULL, 0, 0, 0x2000, PAGE(RIG_DATA, true, true));
	assert_int_equal(pte(&r, 0x2000), RIG_DATA | (CLEAN & ~0x80ull) | 3);
	/* what grants nothing is not accessed */
	rig_map4k(&r, ats_s1, 0x3000, RIG_DATA, 0x801);
	expect_grant(&r, S1_FULL, 0, 0, 0x3000, NOTHING);
	assert_int_equal(pte(&r, 0x3000), RIG_DATA | 0x803);
	rig_fini(&r);
}

static void probes_mark_nothing(void **state)
{
	struct uiommu_ats_translation tr;
	struct rig r;

	begin_marking(&r);
	rig_map4k(&r, ats_s1, 0x1000, RIG_DATA, CLEAN & ~AF);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(request(&r, S1_FULL, UIOMMU_TXN_PROBE, 0,
					 0x1000, &tr),
				 0);
		assert_true(tr.read && tr.write);
		assert_int_equal(pte(&r, 0x1000), RIG_DATA | (CLEAN & ~AF) | 3);
	}
	rig_fini(&r);
}

/* Dirty state of stage 2 is of no interest where stage 1 grants no write. */
static void requests_mark_both_stages(void **state)
{
	uint64_t ipa = 0x80000000, s2_pte;
	struct rig r;

	begin_marking(&r);
	rig_map(&r, ats_s2, 12, 1, 3, ipa, RIG_DATA | S2_CLEAN);
	s2_pte = ram_r64(&r.ram, ats_s2 + 8 * 2) & GENMASK64(47, 12);
	s2_pte = ram_r64(&r.ram, s2_pte) & GENMASK64(47, 12);
	assert_int_equal(ram_r64(&r.ram, s2_pte), RIG_DATA | S2_CLEAN);
	rig_map4k(&r, ats_s1, 0x1000, ipa, LEAF_RO);
	expect_grant(&r, NESTED_FULL, 0, 0, 0x1000,
		     PAGE(RIG_DATA, true, false));
	assert_int_equal(ram_r64(&r.ram, s2_pte), RIG_DATA | S2_CLEAN);
	rig_map4k(&r, ats_s1, 0x2000, ipa, CLEAN);
	expect_grant(&r, NESTED_FULL, NW, 0, 0x2000,
		     PAGE(RIG_DATA, true, false));
	assert_int_equal(ram_r64(&r.ram, s2_pte), RIG_DATA | S2_CLEAN);
	expect_grant(&r, NESTED_FULL, 0, 0, 0x2000, PAGE(RIG_DATA, true, true));
	assert_int_equal(ram_r64(&r.ram, s2_pte),
			 RIG_DATA | 1ull << 51 | S2_PAGE_RW);
	assert_int_equal(pte(&r, 0x2000), ipa | (CLEAN & ~0x80ull) | 3);
	rig_fini(&r);
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
		T(stage1_without_rights_hides_stage2),
		T(page_faults_grant_nothing),
		cmocka_unit_test(unit_is_the_smallest_granule),
		T(sizes_and_addresses),
		T(stage1_skipped),
		T(tagged_addresses),
		T(requests_share_the_tlb),
		cmocka_unit_test(requests_mark_descriptors),
		cmocka_unit_test(probes_mark_nothing),
		cmocka_unit_test(requests_mark_both_stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
