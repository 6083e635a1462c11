/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For each CFGI and TLBI command a story: something is cached, memory changes,
 * and the command is what makes the change seen.
 *
 * Before it the old or the new may be seen, and a model that caches nothing
 * shows the new; so that the story proves something, the greedy one must show
 * the old, still after the commands that do not reach so far, and still after the
 * right one as long as no CMD_SYNC completes it.  After the
 * command and a CMD_SYNC only the new is seen, on every model.
 */
#include "modes.h"

#define OLD RIG_DATA
#define NEW (RIG_DATA + 0x100000)
#define FAULT(type) (BIT64(63) | (type))
#define S2_LEAF(pa) ((pa) | 0x4ffull)
#define MAX_CMDS 4

struct world {
	struct rig r;
	uint64_t table, pte; /* what the change is made in */
	uint64_t s2;
};

struct story {
	const char *name;
	void (*build)(struct world *w);
	void (*change)(struct world *w);
	uint32_t sid;
	int ssid;
	uint64_t iova;
	uint64_t old, new;
	/* that show the change; that do not */
	uint64_t enough[MAX_CMDS][2], others[MAX_CMDS][2];
};

#define TLBI(op, vmid, asid) \
	((op) | (uint64_t)(vmid) << 32 | (uint64_t)(asid) << 48)
#define CFGI_STE(sid, leaf)                        \
	{                                          \
		0x03 | (uint64_t)(sid) << 32, leaf \
	}
#define CFGI_RANGE(sid, range)                      \
	{                                           \
		0x04 | (uint64_t)(sid) << 32, range \
	}
#define CFGI_CD(sid, ssid, leaf)                                  \
	{                                                         \
		0x05 | (uint64_t)(sid) << 32 | (ssid) << 12, leaf \
	}
#define CFGI_CD_ALL(sid)                        \
	{                                       \
		0x06 | (uint64_t)(sid) << 32, 0 \
	}

/* ------------------------------------------------------ configuration --- */

/* Stream 0x11 (with a page each of its own): bypass, which becomes stage 1. */
static void build_ste(struct world *w)
{
	struct smmu_ste ste = { .q = { 9, 1ull << 44 } };

	rig_ste(&w->r, 0x11, &ste);
}

static void change_ste(struct world *w)
{
	uint64_t table = rig_stream(&w->r, 0x11, 7);

	rig_map4k(&w->r, table, 0x1000, NEW, LEAF_RW);
}

static void change_ste_away(struct world *w)
{
	ram_w64(&w->r.ram, rig_ste_addr(0x11), 0);
}

/* Four CDs of stream 0x11 in two levels of 64; ASIDs 1 to 4, a page each. */
static uint64_t cd_leaf(struct world *w, uint16_t asid, uint64_t pa)
{
	uint64_t leaf = rig_table(&w->r, 4096);

	for (unsigned int i = 0; i < 4; i++) {
		uint64_t table = rig_table(&w->r, 4096);
		struct smmu_cd cd = rig_cd_4k(table, asid + i);

		rig_map4k(&w->r, table, 0x1000, pa + i * 0x1000, LEAF_RW);
		rig_cd(&w->r, leaf + 64 * i, &cd);
	}
	return leaf;
}

static void build_cds(struct world *w)
{
	struct smmu_ste ste = rig_ste_s1(RIG_CD);

	/* S1Fmt 1, S1CDMax 8, S1DSS 2 */
	ste.q[0] |= 1ull << 4 | 8ull << 59;
	ste.q[1] |= 2;
	w->pte = cd_leaf(w, 1, OLD);
	ram_w64(&w->r.ram, RIG_CD, w->pte | 1);
	ram_w64(&w->r.ram, RIG_CD + 8, cd_leaf(w, 9, OLD) | 1);
	rig_ste(&w->r, 0x11, &ste);
	rig_ste(&w->r, 0x12, &ste);
}

static void change_cd(struct world *w)
{
	uint64_t table = rig_table(&w->r, 4096);
	struct smmu_cd cd = rig_cd_4k(table, 20);

	rig_map4k(&w->r, table, 0x1000, NEW, LEAF_RW);
	rig_cd(&w->r, w->pte + 64 * 3, &cd);
}

static void change_cd0(struct world *w)
{
	uint64_t table = rig_table(&w->r, 4096);
	struct smmu_cd cd = rig_cd_4k(table, 20);

	rig_map4k(&w->r, table, 0x1000, NEW, LEAF_RW);
	rig_cd(&w->r, w->pte, &cd);
}

static void change_l1cd(struct world *w)
{
	ram_w64(&w->r.ram, RIG_CD, cd_leaf(w, 20, NEW - 0x3000) | 1);
}

/* Another level-1 table of CDs, all else as before. */
static void change_cd_table(struct world *w)
{
	uint64_t l1 = rig_table(&w->r, 4096), ste = rig_ste_addr(0x11);

	ram_w64(&w->r.ram, l1, cd_leaf(w, 20, NEW) | 1);
	ram_w64(&w->r.ram, ste, ram_r64(&w->r.ram, ste) - RIG_CD + l1);
}

/* A two-level stream table; 0x1100 to 0x11ff bypass in it. */
static uint64_t ste_leaf(struct world *w, uint16_t asid, uint64_t pa)
{
	uint64_t leaf = rig_table(&w->r, 0x4000);
	uint64_t table = rig_table(&w->r, 4096);
	uint64_t cd_pa = rig_table(&w->r, 64);
	struct smmu_cd cd = rig_cd_4k(table, asid);
	struct smmu_ste ste = rig_ste_s1(cd_pa);

	rig_cd(&w->r, cd_pa, &cd);
	rig_map4k(&w->r, table, 0x1000, pa, LEAF_RW);
	for (unsigned int i = 0; i < 256; i++) {
		ram_w64(&w->r.ram, leaf + 64 * i, ste.q[0]);
		ram_w64(&w->r.ram, leaf + 64 * i + 8, ste.q[1]);
	}
	return leaf;
}

static void build_l1std(struct world *w)
{
	wr(&w->r, SMMU_REG_CR0, 0xc);
	wr(&w->r, SMMU_REG_STRTAB_BASE_CFG, 16 | 8 << 6 | 1 << 16);
	wr(&w->r, SMMU_REG_CR0, 0xd);
	ram_w64(&w->r.ram, RIG_STRTAB + 8 * 0x11, ste_leaf(w, 5, OLD) | 9);
}

static void change_l1std(struct world *w)
{
	ram_w64(&w->r.ram, RIG_STRTAB + 8 * 0x11, ste_leaf(w, 6, NEW) | 9);
}

/* Nobody in the span was reachable: one command is for all of them. */
static void build_no_l1std(struct world *w)
{
	build_l1std(w);
	ram_w64(&w->r.ram, RIG_STRTAB + 8 * 0x11, 0);
}

static void change_no_l1cd(struct world *w)
{
	ram_w64(&w->r.ram, RIG_CD + 16, cd_leaf(w, 20, NEW - 0x3000) | 1);
}

/* An invalid STE is kept too, and one that becomes invalid is not seen. */
static void build_invalid(struct world *w)
{
}

static void change_invalid(struct world *w)
{
	build_ste(w);
}

/* ------------------------------------------------------- translations --- */

static void s1_stream(struct world *w, uint16_t asid, uint16_t vmid,
		      uint64_t strw, uint64_t leaf)
{
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64);

	w->table = rig_stream(&w->r, 1, asid);
	ste.q[1] |= strw << 30;
	ste.q[2] = vmid;
	rig_ste(&w->r, 1, &ste);
	rig_map4k(&w->r, w->table, 0x1000, OLD, leaf);
	w->pte = rig_pte4k(&w->r, w->table, 0x1000);
}

static void build_page(struct world *w)
{
	s1_stream(w, 7, 3, 0, LEAF_RW);
}

static void build_global(struct world *w)
{
	s1_stream(w, 7, 3, 0, LEAF_GLOBAL_RW);
}

static void build_el2(struct world *w)
{
	s1_stream(w, 0, 0, 2, LEAF_RW);
}

static void build_e2h(struct world *w)
{
	wr(&w->r, SMMU_REG_CR0, 0xc);
	wr(&w->r, SMMU_REG_CR2, SMMU_CR2_RECINVSID | SMMU_CR2_E2H);
	wr(&w->r, SMMU_REG_CR0, 0xd);
	s1_stream(w, 7, 0, 2, LEAF_RW);
}

/* Page 0 is looked up, and page 1 fetched ahead. */
static void build_neighbour(struct world *w)
{
	struct uiommu_smmuv3_xlate x;

	build_page(w);
	rig_map4k(&w->r, w->table, 0, OLD, LEAF_RW);
	assert_int_equal(rig_xlate(&w->r, 1, 0, 0, &x), 0);
}

static void change_page(struct world *w)
{
	ram_w64(&w->r.ram, w->pte, NEW | LEAF_RW | 3);
}

static void change_page_to_none(struct world *w)
{
	ram_w64(&w->r.ram, w->pte, 0);
}

/* Another level-3 table in place of the one there is. */
static void change_table(struct world *w)
{
	uint64_t l2 = w->table, copy = rig_table(&w->r, 4096);

	for (unsigned int i = 0; i < 2; i++)
		l2 = ram_r64(&w->r.ram, l2) & GENMASK64(47, 12);
	ram_w64(&w->r.ram, copy + 8, NEW | LEAF_RW | 3);
	ram_w64(&w->r.ram, l2, copy | 3);
}

static void build_s2(struct world *w)
{
	struct smmu_ste ste;

	w->s2 = rig_table(&w->r, 0x2000);
	ste = rig_ste_s2(w->s2, 3);
	rig_ste(&w->r, 1, &ste);
	rig_map(&w->r, w->s2, 12, 1, 3, 0x1000, S2_LEAF(OLD));
}

static void change_s2(struct world *w)
{
	rig_map(&w->r, w->s2, 12, 1, 3, 0x1000, S2_LEAF(NEW));
}

/* Stage 1 says IPA 0x1000 to VA 0x8000 and is mapped to itself. */
static void build_nested(struct world *w)
{
	struct smmu_ste ste;

	build_s2(w);
	w->table = rig_stream(&w->r, 1, 7);
	ste = rig_ste_s2(w->s2, 3);
	ste.q[0] = (RIG_CD + 64) | 0xf;
	rig_ste(&w->r, 1, &ste);
	rig_map4k(&w->r, w->table, 0x8000, 0x1000, LEAF_RW);
	w->pte = rig_pte4k(&w->r, w->table, 0x8000);
	rig_map(&w->r, w->s2, 12, 1, 3, 0x2000, S2_LEAF(NEW));
	rig_map(&w->r, w->s2, 12, 1, 3, RIG_CD, S2_LEAF(RIG_CD));
	for (uint64_t pa = RIG_TABLES; pa < w->r.next_table + 0x10000;
	     pa += 4096)
		rig_map(&w->r, w->s2, 12, 1, 3, pa, S2_LEAF(pa));
}

static void change_nested_s1(struct world *w)
{
	ram_w64(&w->r.ram, w->pte, 0x2000 | LEAF_RW | 3);
}

/* clang-format off */
#define PAGE(what, bld, chg, nw) \
	.name = what, .build = bld, .change = chg, .sid = 1, .ssid = -1, \
	.iova = 0x1000, .old = OLD, .new = nw
#define NESTED(what, chg) \
	.name = what, .build = build_nested, .change = chg, .sid = 1, \
	.ssid = -1, .iova = 0x8000, .old = OLD, .new = NEW
#define CONFIG(what, bld, chg, s, ss, o) \
	.name = what, .build = bld, .change = chg, .sid = s, .ssid = ss, \
	.iova = 0x1000, .old = o, .new = NEW

static const struct story stories[] = {
	{ CONFIG("CFGI_STE", build_ste, change_ste, 0x11, -1, 0x1000),
	  .enough = { CFGI_STE(0x11, 1) },
	  .others = { CFGI_STE(0x10, 0), CFGI_CD_ALL(0x11), CFGI_RANGE(0x12, 0),
		      { 0x30, 0 } } },
	{ CONFIG("CFGI_STE_RANGE", build_ste, change_ste, 0x11, -1, 0x1000),
	  .enough = { CFGI_RANGE(0x1f, 3) },
	  .others = { CFGI_RANGE(0x20, 3), CFGI_RANGE(0x12, 0) } },
	{ CONFIG("CFGI_ALL", build_ste, change_ste, 0x11, -1, 0x1000),
	  .enough = { CFGI_RANGE(0, 31) } },
	{ .name = "CFGI_STE of an invalid one", .build = build_invalid,
	  .change = change_invalid, .sid = 0x11, .ssid = -1, .iova = 0x1000,
	  .old = FAULT(SMMU_EVT_C_BAD_STE), .new = 0x1000,
	  .enough = { CFGI_STE(0x11, 1) } },
	{ CONFIG("CFGI_STE of a level-1 descriptor", build_l1std, change_l1std,
		 0x1123, -1, OLD),
	  .enough = { CFGI_STE(0x1123, 0) },
	  .others = { CFGI_STE(0x1123, 1), CFGI_STE(0x1023, 0),
		      CFGI_CD_ALL(0x1123) } },
	{ .name = "CFGI_STE of a span that was none", .build = build_no_l1std,
	  .change = change_l1std, .sid = 0x1123, .ssid = -1, .iova = 0x1000,
	  .old = FAULT(SMMU_EVT_C_BAD_STREAMID), .new = NEW,
	  .enough = { CFGI_STE(0x1101, 0) },
	  .others = { CFGI_STE(0x1101, 1), CFGI_STE(0x1023, 0) } },
	{ CONFIG("CFGI_STE_RANGE of a level-1 descriptor", build_l1std,
		 change_l1std, 0x1123, -1, OLD),
	  .enough = { CFGI_RANGE(0x1100, 7) },
	  .others = { CFGI_RANGE(0x1200, 7) } },
	{ CONFIG("CFGI_CD", build_cds, change_cd, 0x11, 3, OLD + 0x3000),
	  .enough = { CFGI_CD(0x11, 3, 1) },
	  .others = { CFGI_CD(0x12, 3, 0), CFGI_CD(0x11, 2, 0),
		      CFGI_CD_ALL(0x12), { 0x30, 0 } } },
	{ CONFIG("CFGI_CD, without SubstreamID", build_cds, change_cd0, 0x11,
		 -1, OLD),
	  .enough = { CFGI_CD(0x11, 0, 1) },
	  .others = { CFGI_CD(0x12, 0, 0), CFGI_CD(0x11, 1, 0) } },
	{ CONFIG("CFGI_CD of a level-1 descriptor", build_cds, change_l1cd,
		 0x11, 3, OLD + 0x3000),
	  .enough = { CFGI_CD(0x11, 3, 0) },
	  .others = { CFGI_CD(0x11, 3, 1), CFGI_CD(0x11, 0x43, 0),
		      CFGI_CD(0x12, 3, 0) } },
	{ .name = "CFGI_CD of CDs that were none", .build = build_cds,
	  .change = change_no_l1cd, .sid = 0x11, .ssid = 0x83, .iova = 0x1000,
	  .old = FAULT(SMMU_EVT_C_BAD_SUBSTREAMID), .new = NEW,
	  .enough = { CFGI_CD(0x11, 0x81, 0) },
	  .others = { CFGI_CD(0x11, 0x81, 1), CFGI_CD(0x11, 3, 0),
		      CFGI_CD(0x12, 0x83, 0) } },
	{ CONFIG("CFGI_CD_ALL", build_cds, change_cd, 0x11, 3, OLD + 0x3000),
	  .enough = { CFGI_CD_ALL(0x11) }, .others = { CFGI_CD_ALL(0x12) } },
	{ CONFIG("CFGI_CD_ALL of a level-1 descriptor", build_cds, change_l1cd,
		 0x11, 3, OLD + 0x3000),
	  .enough = { CFGI_CD_ALL(0x11) } },
	{ CONFIG("CFGI_STE reaches CDs", build_cds, change_cd, 0x11, 3,
		 OLD + 0x3000),
	  .enough = { CFGI_STE(0x11, 1) }, .others = { CFGI_STE(0x12, 1) } },
	{ CONFIG("a CD that two streams share", build_cds, change_cd, 0x12, 3,
		 OLD + 0x3000),
	  .enough = { CFGI_CD(0x12, 3, 1) },
	  .others = { CFGI_CD(0x11, 3, 1) } },

	{ PAGE("NH_VA", build_page, change_page, NEW),
	  .enough = { { TLBI(0x12, 3, 7), 0x1001 } },
	  .others = { { TLBI(0x12, 3, 7), 0x2001 }, { TLBI(0x12, 3, 8), 0x1001 },
		      { TLBI(0x12, 4, 7), 0x1001 }, CFGI_RANGE(0, 31) } },
	{ PAGE("NH_VA to nothing", build_page, change_page_to_none,
	       FAULT(SMMU_EVT_F_TRANSLATION)),
	  .enough = { { TLBI(0x12, 3, 7), 0x1001 } },
	  .others = { { TLBI(0x2a, 3, 7), 0x1001 } } },
	{ PAGE("NH_VA of a table", build_page, change_table, NEW),
	  .enough = { { TLBI(0x12, 3, 7), 0x1000 } },
	  .others = { { TLBI(0x12, 3, 7), 0x1001 },
		      { TLBI(0x12, 3, 8), 0x401000 | 1 } } },
	{ PAGE("NH_VA, global", build_global, change_page, NEW),
	  .enough = { { TLBI(0x12, 3, 99), 0x1001 } },
	  .others = { { TLBI(0x11, 3, 7), 0 }, { TLBI(0x12, 4, 7), 0x1001 } } },
	{ PAGE("NH_VA of a range", build_page, change_page, NEW),
	  .enough = { { TLBI(0x12, 3, 7) | 3 << 12, 0x0401 } },
	  .others = { { TLBI(0x12, 3, 7) | 3 << 12, 0x2401 },
		      { TLBI(0x12, 3, 7), 0x0701 } } },
	{ PAGE("NH_VA of a neighbour", build_neighbour, change_page, NEW),
	  .enough = { { TLBI(0x12, 3, 7), 0x1001 } },
	  .others = { { TLBI(0x12, 3, 7), 0x0001 } } },
	{ PAGE("NH_VAA", build_page, change_page, NEW),
	  .enough = { { TLBI(0x13, 3, 0), 0x1001 } },
	  .others = { { TLBI(0x13, 3, 0), 0x2001 },
		      { TLBI(0x13, 4, 0), 0x1001 } } },
	{ PAGE("NH_VAA of a range", build_page, change_page, NEW),
	  .enough = { { TLBI(0x13, 3, 0) | 1 << 12, 0x1401 } },
	  .others = { { TLBI(0x13, 3, 0) | 1 << 12, 0x1801 } } },
	{ PAGE("NH_ASID", build_page, change_page, NEW),
	  .enough = { { TLBI(0x11, 3, 7), 0 } },
	  .others = { { TLBI(0x11, 3, 8), 0 }, { TLBI(0x11, 4, 7), 0 } } },
	{ PAGE("NH_ASID of a table", build_page, change_table, NEW),
	  .enough = { { TLBI(0x11, 3, 7), 0 } } },
	{ PAGE("NH_ALL", build_global, change_page, NEW),
	  .enough = { { TLBI(0x10, 3, 0), 0 } },
	  .others = { { TLBI(0x10, 4, 0), 0 }, { 0x20, 0 } } },
	{ PAGE("NSNH_ALL", build_page, change_page, NEW),
	  .enough = { { 0x30, 0 } }, .others = { { 0x20, 0 } } },
	{ PAGE("S12_VMALL, stage 1", build_page, change_page, NEW),
	  .enough = { { TLBI(0x28, 3, 0), 0 } },
	  .others = { { TLBI(0x28, 4, 0), 0 } } },

	{ PAGE("EL2_VA", build_el2, change_page, NEW),
	  .enough = { { 0x22, 0x1001 } },
	  .others = { { 0x22, 0x2001 }, { 0x30, 0 }, { TLBI(0x10, 0, 0), 0 } } },
	{ PAGE("EL2_VA of a range", build_el2, change_page, NEW),
	  .enough = { { 0x22 | 3 << 12, 0x0401 } },
	  .others = { { 0x22 | 3 << 12, 0x2401 } } },
	{ PAGE("EL2_VA of a table", build_el2, change_table, NEW),
	  .enough = { { 0x22, 0x1000 } }, .others = { { 0x22, 0x1001 } } },
	{ PAGE("EL2_VAA", build_el2, change_page, NEW),
	  .enough = { { 0x23, 0x1001 } }, .others = { { 0x23, 0x2001 } } },
	{ PAGE("EL2_ALL", build_el2, change_page, NEW),
	  .enough = { { 0x20, 0 } }, .others = { { 0x30, 0 } } },
	{ PAGE("EL2_ASID, E2H", build_e2h, change_page, NEW),
	  .enough = { { TLBI(0x21, 0, 7), 0 } },
	  .others = { { TLBI(0x21, 0, 8), 0 }, { TLBI(0x11, 0, 7), 0 } } },
	{ PAGE("EL2_VA, E2H", build_e2h, change_page, NEW),
	  .enough = { { TLBI(0x22, 0, 7), 0x1001 } },
	  .others = { { TLBI(0x22, 0, 8), 0x1001 } } },
	{ PAGE("EL2_VAA, E2H", build_e2h, change_page, NEW),
	  .enough = { { TLBI(0x23, 0, 0), 0x1001 } },
	  .others = { { TLBI(0x13, 0, 0), 0x1001 } } },
	{ PAGE("EL2_ALL, E2H", build_e2h, change_page, NEW),
	  .enough = { { 0x20, 0 } } },

	{ PAGE("S2_IPA", build_s2, change_s2, NEW),
	  .enough = { { TLBI(0x2a, 3, 0), 0x1001 } },
	  .others = { { TLBI(0x2a, 3, 0), 0x2001 }, { TLBI(0x2a, 4, 0), 0x1001 },
		      { TLBI(0x10, 3, 0), 0 }, { TLBI(0x13, 3, 0), 0x1001 } } },
	{ PAGE("S2_IPA of a range", build_s2, change_s2, NEW),
	  .enough = { { TLBI(0x2a, 3, 0) | 3 << 12, 0x0401 } },
	  .others = { { TLBI(0x2a, 3, 0) | 3 << 12, 0x2401 } } },
	{ PAGE("S12_VMALL, stage 2", build_s2, change_s2, NEW),
	  .enough = { { TLBI(0x28, 3, 0), 0 } },
	  .others = { { TLBI(0x28, 4, 0), 0 } } },
	{ PAGE("NSNH_ALL, stage 2", build_s2, change_s2, NEW),
	  .enough = { { 0x30, 0 } } },
	{ NESTED("S2_IPA and NH_ALL", change_s2),
	  .enough = { { TLBI(0x2a, 3, 0), 0x1001 }, { TLBI(0x10, 3, 0), 0 } },
	  .others = { { TLBI(0x10, 3, 0), 0 }, { TLBI(0x2a, 4, 0), 0x1001 } } },
	{ NESTED("S2_IPA and NH_VAA", change_s2),
	  .enough = { { TLBI(0x2a, 3, 0), 0x1001 },
		      { TLBI(0x13, 3, 0), 0x8001 } } },
	{ NESTED("S12_VMALL, nested", change_s2),
	  .enough = { { TLBI(0x28, 3, 0), 0 } },
	  .others = { { TLBI(0x28, 4, 0), 0 } } },
	{ NESTED("NH_VA, nested", change_nested_s1),
	  .enough = { { TLBI(0x12, 3, 7), 0x8001 } },
	  .others = { { TLBI(0x12, 0, 7), 0x8001 } } },
	{ NESTED("NH_ASID, nested", change_nested_s1),
	  .enough = { { TLBI(0x11, 3, 7), 0 } },
	  .others = { { TLBI(0x11, 0, 7), 0 } } },
	{ NESTED("NSNH_ALL, nested", change_s2),
	  .enough = { { 0x30, 0 } } },
};
/* clang-format on */

/* ----------------------------------------------------------------- run -- */

static uint64_t look(struct world *w, const struct story *s)
{
	struct uiommu_smmuv3_txn txn = { .sid = s->sid,
					 .ssid = (uint32_t)s->ssid,
					 .flags = UIOMMU_TXN_SSV,
					 .iova = s->iova };
	struct uiommu_smmuv3_xlate x;
	uint64_t rec[4];

	if (s->ssid < 0) {
		txn.flags = 0;
		txn.ssid = 0;
	}
	if (!uiommu_smmuv3_model_translate(w->r.model, &txn, &x))
		return x.pa;
	assert_true(rig_event(&w->r, rec));
	return FAULT(rec[0] & 0xff);
}

static void expect(const struct story *s, enum mode mode, const char *when,
		   uint64_t got, bool old_ok, bool new_ok)
{
	if ((got == s->old && old_ok) || (got == s->new &&new_ok))
		return;
	fail_msg("%s, model %s, %s: %#llx", s->name, mode_names[mode], when,
		 (unsigned long long)got);
}

static void give(struct world *w, const uint64_t (*cmds)[2])
{
	for (unsigned int i = 0; i < MAX_CMDS && cmds[i][0]; i++)
		rig_cmd(&w->r, cmds[i][0], cmds[i][1]);
}

static void tell(const struct story *s, enum mode mode)
{
	bool greedy = mode == MODE_GREEDY, none = mode == MODE_NONE;
	struct world w = { 0 };

	rig_init_mode(&w.r, mode);
	s->build(&w);
	/* a neighbour must not have been seen by anybody yet */
	if (s->build != build_neighbour)
		expect(s, mode, "at first", look(&w, s), true, false);
	s->change(&w);
	expect(s, mode, "after the change", look(&w, s), !none, !greedy);
	rig_sync(&w.r);
	expect(s, mode, "after a SYNC", look(&w, s), !none, !greedy);
	give(&w, s->others);
	rig_sync(&w.r);
	expect(s, mode, "after other commands", look(&w, s), !none, !greedy);
	give(&w, s->enough);
	expect(s, mode, "before the SYNC", look(&w, s), !none, !greedy);
	rig_sync(&w.r);
	expect(s, mode, "at last", look(&w, s), false, true);
	expect(s, mode, "and again", look(&w, s), false, true);
	rig_fini(&w.r);
}

static void all_stories(enum mode mode)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(stories); i++)
		tell(&stories[i], mode);
}

static void stale_until_invalidated_normal(void **state)
{
	all_stories(MODE_NORMAL);
}

static void stale_until_invalidated_none(void **state)
{
	all_stories(MODE_NONE);
}

static void stale_until_invalidated_greedy(void **state)
{
	all_stories(MODE_GREEDY);
}

static void stale_until_invalidated_tiny(void **state)
{
	all_stories(MODE_TINY);
}

/* Each command that invalidates has a story. */
static void every_command_has_a_story(void **state)
{
	static const uint8_t ops[] = { 0x03, 0x04, 0x05, 0x06, 0x10,
				       0x11, 0x12, 0x13, 0x20, 0x21,
				       0x22, 0x23, 0x28, 0x2a, 0x30 };

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		bool found = false;

		for (unsigned int j = 0; j < ARRAY_SIZE(stories); j++)
			found |= (stories[j].enough[0][0] & 0xff) == ops[i];
		if (!found)
			fail_msg("command %#x", ops[i]);
	}
}

/* What a fetch could not read is not kept, greedy or not. */
static void failed_fetches_are_not_kept(void **state)
{
	for (enum mode mode = 0; mode < NR_MODES; mode++) {
		struct world w = { 0 };
		uint64_t ste = rig_ste_addr(0x11);

		rig_init_mode(&w.r, mode);
		build_cds(&w);
		ram_poison(&w.r.ram, ste, ste + 63);
		rig_expect_fault(&w.r, 0x11, 0, 0x1000, SMMU_EVT_F_STE_FETCH);
		ram_poison(&w.r.ram, RIG_CD, RIG_CD + 7);
		rig_expect_fault(&w.r, 0x11, 0, 0x1000, SMMU_EVT_F_CD_FETCH);
		ram_poison(&w.r.ram, w.pte, w.pte + 63);
		rig_expect_fault(&w.r, 0x11, 0, 0x1000, SMMU_EVT_F_CD_FETCH);
		ram_poison(&w.r.ram, 1, 0);
		rig_expect_pa(&w.r, 0x11, 0x1000, OLD);
		rig_fini(&w.r);
	}
}

/* What is fetched ahead leaves no trace: no event, no count of faults. */
static void a_prefetch_is_not_noticed(void **state)
{
	struct world w = { 0 };

	rig_init_mode(&w.r, MODE_GREEDY);
	build_page(&w);
	/* behind 0x1000: nothing; then a page without access flag */
	rig_expect_pa(&w.r, 1, 0x1000, OLD);
	rig_map4k(&w.r, w.table, 0x3000, OLD, LEAF_RW);
	rig_map4k(&w.r, w.table, 0x4000, OLD, LEAF_RW & ~0x400ull);
	rig_expect_pa(&w.r, 1, 0x3000, OLD);
	rig_expect_no_event(&w.r);
	assert_int_equal(w.r.faults, 0);
	rig_expect_fault(&w.r, 1, 0, 0x4000, SMMU_EVT_F_ACCESS);
	rig_map4k(&w.r, w.table, 0x2000, NEW, LEAF_RW);
	rig_map4k(&w.r, w.table, 0x4000, NEW, LEAF_RW);
	rig_expect_pa(&w.r, 1, 0x2000, NEW);
	rig_expect_pa(&w.r, 1, 0x4000, NEW);
	rig_fini(&w.r);
}

/* Nor does it set a flag, or keep what an access has to set one in first. */
static void a_prefetch_updates_nothing(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct smmu_cd cd;
	uint64_t table, pte;
	struct rig r;

	p.idr[0] = (p.idr[0] & ~SMMU_IDR0_HTTU) | 2u << 6;
	p.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	rig_init(&r, &p);
	table = rig_stream(&r, 1, 7);
	cd = rig_cd_4k(table, 7);
	cd.q[0] |= 1ull << 43; /* HA */
	rig_cd(&r, RIG_CD + 64, &cd);
	rig_map4k(&r, table, 0x1000, OLD, LEAF_RW);
	rig_map4k(&r, table, 0x2000, OLD, LEAF_RW & ~0x400ull);
	pte = rig_pte4k(&r, table, 0x2000);
	rig_expect_pa(&r, 1, 0x1000, OLD);
	assert_int_equal(ram_r64(&r.ram, pte) & 0x400, 0);
	rig_expect_pa(&r, 1, 0x2000, OLD);
	assert_int_equal(ram_r64(&r.ram, pte) & 0x400, 0x400);
	rig_fini(&r);
}

/* Memory that changes, with its invalidation, just after a word was read. */
struct overtaker {
	struct world *w;
	const struct story *s;
	struct uiommu_model_host below;
	uint64_t pa;
	bool armed;
};

static int overtaken_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
			  struct uiommu_mem_attrs attrs)
{
	struct overtaker *o = ctx;
	int rc = o->below.read(o->below.ctx, pa, buf, len, attrs);

	if (o->armed && pa == o->pa) {
		o->armed = false;
		o->s->change(o->w);
		give(o->w, o->s->enough);
		rig_sync(&o->w->r);
	}
	return rc;
}

static int overtaken_write(void *ctx, uiommu_pa_t pa, const void *buf,
			   size_t len, struct uiommu_mem_attrs attrs)
{
	struct overtaker *o = ctx;

	return o->below.write(o->below.ctx, pa, buf, len, attrs);
}

static void overtake(const struct story *s, uint64_t pa)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct world w = { 0 };
	struct overtaker o = { .w = &w, .s = s, .pa = pa };
	struct uiommu_model_host host = { .ctx = &o,
					  .read = overtaken_read,
					  .write = overtaken_write };

	rig_init_mode(&w.r, MODE_GREEDY);
	uiommu_smmuv3_model_destroy(w.r.model);
	o.below = model_ram_host(&w.r.ram);
	p.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &w.r.model), 0);
	wr64(&w.r, SMMU_REG_CMDQ_BASE, RIG_CMDQ | RIG_CMDQ_LG2);
	wr64(&w.r, SMMU_REG_EVENTQ_BASE, RIG_EVTQ | RIG_EVTQ_LG2);
	wr64(&w.r, SMMU_REG_STRTAB_BASE, RIG_STRTAB);
	wr(&w.r, SMMU_REG_STRTAB_BASE_CFG, 16);
	wr(&w.r, SMMU_REG_CR0, 0xd);
	s->build(&w);
	o.armed = true;
	expect(s, MODE_GREEDY, "overtaken", look(&w, s), true, false);
	assert_false(o.armed);
	expect(s, MODE_GREEDY, "afterwards", look(&w, s), false, true);
	rig_fini(&w.r);
}

/*
 * Structures that were read before a command overtook them are not kept, nor
 * is what they led to: after a replaced STE or level-1 descriptor the old leaf
 * is still read by the access under way, and by no other.
 */
static void overtaken_structures_are_not_kept(void **state)
{
#define INVALID(what)                                                \
	.name = what, .build = build_ste, .change = change_ste_away, \
	.sid = 0x11, .ssid = -1, .iova = 0x1000, .old = 0x1000,      \
	.new = FAULT(SMMU_EVT_C_BAD_STE)
	static const struct story overtaken[] = {
		{ INVALID("STE"), .enough = { CFGI_STE(0x11, 1) } },
		{ INVALID("STE, by range"), .enough = { CFGI_RANGE(0, 31) } },
		{ CONFIG("the CD behind an STE", build_cds, change_cd_table,
			 0x11, -1, OLD),
		  .enough = { CFGI_STE(0x11, 1) } },
		{ CONFIG("the STE behind a level-1 descriptor", build_l1std,
			 change_l1std, 0x1123, -1, OLD),
		  .enough = { CFGI_STE(0x1123, 0) } },
		{ CONFIG("the CD behind a level-1 descriptor", build_cds,
			 change_l1cd, 0x11, 3, OLD + 0x3000),
		  .enough = { CFGI_CD(0x11, 3, 0) } },
	};
	const uint64_t where[] = { rig_ste_addr(0x11), rig_ste_addr(0x11),
				   rig_ste_addr(0x11), RIG_STRTAB + 8 * 0x11,
				   RIG_CD };

	for (unsigned int i = 0; i < ARRAY_SIZE(overtaken); i++)
		overtake(&overtaken[i], where[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stale_until_invalidated_normal),
		cmocka_unit_test(stale_until_invalidated_none),
		cmocka_unit_test(stale_until_invalidated_greedy),
		cmocka_unit_test(stale_until_invalidated_tiny),
		cmocka_unit_test(every_command_has_a_story),
		cmocka_unit_test(failed_fetches_are_not_kept),
		cmocka_unit_test(a_prefetch_is_not_noticed),
		cmocka_unit_test(a_prefetch_updates_nothing),
		cmocka_unit_test(overtaken_structures_are_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
