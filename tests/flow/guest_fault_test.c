/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_fault_test.c - faults of a guest's device, as the guest reads them: at each
 * level of its tables, and at stage 2 on the way to a context, to a table and to the
 * page.  Records are typed by hand from IHI 0070 7.3:
 *
 *   0	type, SSV (11), SubstreamID (31:12), StreamID (63:32)
 *   1	PnU (33), InD (34), RnW (35), S2 (39), CLASS (41:40; CD, TT, IN), TTRnW (44)
 *   2	the address as the device said it
 *   3	with S2: bits 55:12 of the IPA
 *
 * The device reads 8 bytes at AT, by the CD of accesses without PASID, whose tables
 * begin at level 0: each row changes one thing, and the access goes well again when
 * it is put back.
 */
#include "guest.h"

/* Entries 1, 2, 3 and 4 of the tables, from the top. */
#define AT UINT64_C(0x8080604018)
#define L0 SPARE
#define L1 (SPARE + 1)
#define L2 (SPARE + 2)
#define L3 (SPARE + 3)
/* Pages of the guest that it may only read, and only write. */
#define READ_ONLY (SPARE + 4)
#define WRITE_ONLY (SPARE + 5)
#define READ_ONLY_AT UINT64_C(0x50000000)
#define WRITE_ONLY_AT UINT64_C(0x50001000)
/* Its memory ends at 0x40040000. */

/* 48 bits in, 48 or 36 out. */
#define CD_48 UINT64_C(0x0001e205c0003510)
#define CD_36 UINT64_C(0x0001e201c0003510)
#define CD_HA (UINT64_C(1) << 43)
#define CD_EPD0 (UINT64_C(1) << 14)

static void open_scene(struct guest *g)
{
	uint64_t at = READ_ONLY_AT;

	guest_open(g);
	page(g, 0)[1] = gpa(L0);
	page(g, L0)[1] = gpa(L1) | 3;
	page(g, L1)[2] = gpa(L2) | 3;
	page(g, L2)[3] = gpa(L3) | 3;
	page(g, L3)[4] = gpa(DATA) | 0xf43;
	page(g, READ_ONLY)[4] = gpa(DATA) | 0xb43;
	assert_int_equal(map_at(&g->s, g->s.ioas, (uintptr_t)page(g, READ_ONLY),
				PAGE, FIXED | READABLE, &at),
			 0);
	at = WRITE_ONLY_AT;
	assert_int_equal(map_at(&g->s, g->s.ioas,
				(uintptr_t)page(g, WRITE_ONLY), PAGE,
				FIXED | IOMMU_IOAS_MAP_WRITEABLE, &at),
			 0);
}

static void close_scene(struct guest *g)
{
	assert_int_equal(unmap_len(&g->s, g->s.ioas, READ_ONLY_AT, PAGE), 0);
	assert_int_equal(unmap_len(&g->s, g->s.ioas, WRITE_ONLY_AT, PAGE), 0);
	guest_close(g);
}

/* ---------------------------------------------------------------- one row */

struct row {
	const char *what;
	/* A word of its memory; NOTHING: one that nobody reads. */
	unsigned int page, word;
	uint64_t val;
	uint32_t op;
	unsigned int pasid;
	uint64_t event[4];
	/* Not by the entry of the scene, 0: by that. */
	uint64_t ste[2];
	/* The address, if it is not in the record. */
	uint64_t at;
};

#define NOTHING L3, 5
#define R TESTEP_READ
#define W TESTEP_WRITE
#define PRIV (1u << 9)
#define EXEC (1u << 10)

/* Not translated before, as ATS tells of nothing. */
static unsigned int go(struct guest *g, uint32_t op, unsigned int pasid,
		       uint64_t at)
{
	return testep_go_as(&g->s.dev[0], 1, pasid, op | TESTEP_UNTRANSLATED,
			    at, 8);
}

static void forget(struct guest *g)
{
	command(g, (uint64_t)VSID << 32 | 6, 0);
	command(g, 0x30, 0);
}

static void expect_event(struct guest *g, const struct row *row)
{
	struct event event;

	if (next_event(g, &event) != sizeof(event))
		fail_msg("%s: no event", row->what);
	for (unsigned int i = 0; i < 4; i++)
		if (event.smmu.evt[i] != row->event[i])
			fail_msg("%s: word %u is %#llx, not %#llx", row->what,
				 i, (unsigned long long)event.smmu.evt[i],
				 (unsigned long long)row->event[i]);
	if (next_event(g, &event))
		fail_msg("%s: more than one event", row->what);
}

static void try_row(struct guest *g, const struct row *row)
{
	uint64_t *word = page(g, row->page) + row->word, was = *word;
	uint32_t id = g->nested;

	*word = row->val;
	if (row->ste[0])
		assert_int_equal(nested_alloc(g, g->viommu, row->ste[0],
					      row->ste[1], &id),
				 0);
	attach_ok(g, id);
	forget(g);
	if (go(g, row->op, row->pasid, row->at ? row->at : row->event[2]) !=
	    TESTEP_ABORTED)
		fail_msg("%s: not aborted", row->what);
	expect_event(g, row);
	*word = was;
	attach_ok(g, g->nested);
	if (id != g->nested)
		assert_int_equal(destroy(&g->s, id), 0);
	forget(g);
	if (go(g, TESTEP_READ, row->pasid == PASID ? PASID : 0,
	       row->pasid == PASID ? IOVA : AT) != TESTEP_OK)
		fail_msg("%s: not undone", row->what);
}

/* cd: word 0 of the context of accesses without PASID. */
static void try_rows(uint64_t cd, const struct row *rows, size_t nr)
{
	struct guest g;

	open_scene(&g);
	page(&g, 0)[0] = cd;
	for (size_t i = 0; i < nr; i++)
		try_row(&g, &rows[i]);
	close_scene(&g);
}
#define TRY(cd, rows) try_rows(cd, rows, sizeof(rows) / sizeof((rows)[0]))

/* ---------------------------------------------------------------- stage 1 */

/* clang-format off */
static const struct row s1_translation[] = {
	{ "level 0", L0, 1, 0, R, 0,
	  { 0x0000001100000010, 0x0000020800000000, AT, 0 } },
	{ "level 1", L1, 2, 0, R, 0,
	  { 0x0000001100000010, 0x0000020800000000, AT, 0 } },
	{ "level 2", L2, 3, 0, R, 0,
	  { 0x0000001100000010, 0x0000020800000000, AT, 0 } },
	{ "level 3", L3, 4, 0, R, 0,
	  { 0x0000001100000010, 0x0000020800000000, AT, 0 } },
	{ "a write", L3, 4, 0, W, 0,
	  { 0x0000001100000010, 0x0000020000000000, AT, 0 } },
	{ "a block at level 0", L0, 1, 0x40000f41, R, 0,
	  { 0x0000001100000010, 0x0000020800000000, AT, 0 } },
	{ "a block at level 3", L3, 4, 0x40010f41, R, 0,
	  { 0x0000001100000010, 0x0000020800000000, AT, 0 } },
	{ "no tables", 0, 0, CD_48 | CD_EPD0, R, 0,
	  { 0x0000001100000010, 0x0000020800000000, AT, 0 } },
	{ "above 39 bits", 0, 0, 0x0001e205c0003519, R, 0,
	  { 0x0000001100000010, 0x0000020800000000, AT, 0 } },
	{ "above 48 bits", L3, 4, 0, R, 0,
	  { 0x0000001100000010, 0x0000020800000000, 0x0001008080604018, 0 } },
	{ "a PASID", TABLES + 3, 0, 0, R, PASID,
	  { 0x0000001100003810, 0x0000020800000000, IOVA, 0 } },
	{ "a PASID that writes", TABLES + 5, 0x145, 0, W, PASID,
	  { 0x0000001100003810, 0x0000020000000000, IOVA, 0 } },
	{ "a privileged PASID", TABLES + 5, 0x145, 0, R | PRIV, PASID,
	  { 0x0000001100003810, 0x0000020a00000000, IOVA, 0 } },
	{ "a PASID that executes", TABLES + 5, 0x145, 0, R | EXEC, PASID,
	  { 0x0000001100003810, 0x0000020c00000000, IOVA, 0 } },
};

static const struct row s1_access_flag[] = {
	{ "level 1", L1, 2, 0x40000b41, R, 0,
	  { 0x0000001100000012, 0x0000020800000000, AT, 0 } },
	{ "level 2", L2, 3, 0x40000b41, R, 0,
	  { 0x0000001100000012, 0x0000020800000000, AT, 0 } },
	{ "level 3", L3, 4, 0x40010b43, W, 0,
	  { 0x0000001100000012, 0x0000020000000000, AT, 0 } },
	{ "a PASID", TABLES + 5, 0x145, 0x40011b43, R, PASID,
	  { 0x0000001100003812, 0x0000020800000000, IOVA, 0 } },
};

static const struct row s1_permission[] = {
	{ "level 1", L1, 2, 0x40000fc1, W, 0,
	  { 0x0000001100000013, 0x0000020000000000, AT, 0 } },
	{ "level 2", L2, 3, 0x40000fc1, W, 0,
	  { 0x0000001100000013, 0x0000020000000000, AT, 0 } },
	{ "level 3", L3, 4, 0x40010fc3, W, 0,
	  { 0x0000001100000013, 0x0000020000000000, AT, 0 } },
	{ "EL1 only", L3, 4, 0x40010f03, R, 0,
	  { 0x0000001100000013, 0x0000020800000000, AT, 0 } },
	{ "APTable of level 0", L0, 1, 0x4000000040009003, W, 0,
	  { 0x0000001100000013, 0x0000020000000000, AT, 0 } },
	{ "APTable of level 1", L1, 2, 0x400000004000a003, W, 0,
	  { 0x0000001100000013, 0x0000020000000000, AT, 0 } },
	{ "APTable of level 2", L2, 3, 0x200000004000b003, R, 0,
	  { 0x0000001100000013, 0x0000020800000000, AT, 0 } },
	{ "a PASID", TABLES + 5, 0x145, 0x40011fc3, W, PASID,
	  { 0x0000001100003813, 0x0000020000000000, IOVA, 0 } },
	{ "UXN", TABLES + 5, 0x145, 0x0040000040011f43, R | EXEC, PASID,
	  { 0x0000001100003813, 0x0000020c00000000, IOVA, 0 } },
	{ "PXN", TABLES + 5, 0x145, 0x0020000040011f03, R | PRIV | EXEC, PASID,
	  { 0x0000001100003813, 0x0000020e00000000, IOVA, 0 } },
};

/* By a context with 36 bits out: tables, blocks and pages above them. */
static const struct row s1_addr_size[] = {
	{ "level 0", L0, 1, 0x0000001040009003, R, 0,
	  { 0x0000001100000011, 0x0000020800000000, AT, 0 } },
	{ "level 1", L1, 2, 0x000000104000a003, R, 0,
	  { 0x0000001100000011, 0x0000020800000000, AT, 0 } },
	{ "level 2", L2, 3, 0x000000104000b003, R, 0,
	  { 0x0000001100000011, 0x0000020800000000, AT, 0 } },
	{ "a block of level 1", L1, 2, 0x0000001040000f41, R, 0,
	  { 0x0000001100000011, 0x0000020800000000, AT, 0 } },
	{ "a block of level 2", L2, 3, 0x0000001040000f41, W, 0,
	  { 0x0000001100000011, 0x0000020000000000, AT, 0 } },
	{ "level 3", L3, 4, 0x0000001040010f43, R, 0,
	  { 0x0000001100000011, 0x0000020800000000, AT, 0 } },
	{ "level 3, a write", L3, 4, 0x0000800040010f43, W, 0,
	  { 0x0000001100000011, 0x0000020000000000, AT, 0 } },
};

/* ---------------------------------------------------------------- stage 2 */

static const struct row s2_table[] = {
	{ "level 0", 0, 1, 0x40040000, R, 0,
	  { 0x0000001100000010, 0x0000018800000000, AT, 0x40040000 } },
	{ "level 1", L0, 1, 0x40041003, R, 0,
	  { 0x0000001100000010, 0x0000018800000000, AT, 0x40041000 } },
	{ "level 2", L1, 2, 0x40042003, R, 0,
	  { 0x0000001100000010, 0x0000018800000000, AT, 0x40042000 } },
	{ "level 3", L2, 3, 0x40043003, R, 0,
	  { 0x0000001100000010, 0x0000018800000000, AT, 0x40043000 } },
	{ "of a write", L2, 3, 0x40043003, W, 0,
	  { 0x0000001100000010, 0x0000018000000000, AT, 0x40043000 } },
	{ "as far as there is", L1, 2, 0x0000fffffffff003, R, 0,
	  { 0x0000001100000010, 0x0000018800000000, AT, 0x0000fffffffff000 } },
	{ "a PASID", TABLES + 3, 0, 0x40040003, R, PASID,
	  { 0x0000001100003810, 0x0000018800000000, IOVA, 0x40040000 } },
	/* TTRnW: the descriptor was to be read. */
	{ "not to be read", L2, 3, WRITE_ONLY_AT | 3, R, 0,
	  { 0x0000001100000013, 0x0000118800000000, AT, 0x50001000 } },
	{ "not to be read, of a write", L1, 2, WRITE_ONLY_AT | 3, W, 0,
	  { 0x0000001100000013, 0x0000118000000000, AT, 0x50001000 } },
};

/* By a context whose access flags the SMMU sets: then it was to be written. */
static const struct row s2_table_update[] = {
	{ "not to be written", L2, 3, READ_ONLY_AT | 3, R, 0,
	  { 0x0000001100000013, 0x0000018800000000, AT, 0x50000000 } },
};

static const struct row s2_page[] = {
	{ "a page", L3, 4, 0x40045f43, R, 0,
	  { 0x0000001100000010, 0x0000028800000000, AT, 0x40045000 } },
	{ "a write", L3, 4, 0x40045f43, W, 0,
	  { 0x0000001100000010, 0x0000028000000000, AT, 0x40045000 } },
	{ "in a block of level 2", L2, 3, 0x40200f41, R, 0,
	  { 0x0000001100000010, 0x0000028800000000, AT, 0x40204000 } },
	{ "in a block of level 1", L1, 2, 0x80000f41, W, 0,
	  { 0x0000001100000010, 0x0000028000000000, AT, 0x80604000 } },
	{ "as far as there is", L3, 4, 0x0000ffffffffff43, R, 0,
	  { 0x0000001100000010, 0x0000028800000000, AT, 0x0000fffffffff000 } },
	{ "not to be written", L3, 4, READ_ONLY_AT | 0xf43, W, 0,
	  { 0x0000001100000013, 0x0000028000000000, AT, 0x50000000 } },
	{ "not to be read", L3, 4, WRITE_ONLY_AT | 0xf43, R, 0,
	  { 0x0000001100000013, 0x0000028800000000, AT, 0x50001000 } },
	{ "a PASID", TABLES + 5, 0x145, 0x40040f43, R, PASID,
	  { 0x0000001100003810, 0x0000028800000000, IOVA, 0x40040000 } },
	{ "a privileged PASID that executes", TABLES + 5, 0x145, 0x40040f03,
	  R | PRIV | EXEC, PASID,
	  { 0x0000001100003810, 0x0000028e00000000, IOVA, 0x40040000 } },
	{ "a PASID that writes", TABLES + 5, 0x145, READ_ONLY_AT | 0xf43, W,
	  PASID,
	  { 0x0000001100003813, 0x0000028000000000, IOVA, 0x50000000 } },
};

/* 128 CDs: linear, in two levels of 4K, and of 64K. */
#define LINEAR_128 UINT64_C(0x380000000000000b)
#define LEVELS_128 UINT64_C(0x380000000000001b)
#define LEVELS_128_64K UINT64_C(0x380000000000002b)
/* A page of level-1 CDs, and where the guest has it. */
#define L1CDS (SPARE + 6)
#define L1CDS_AT UINT64_C(0x4000e000)

static const struct row s2_context[] = {
	{ "a linear table", NOTHING, 0, R, 0,
	  { 0x0000001100000010, 0x0000008800000000, AT, 0x40040000 },
	  .ste = { LINEAR_128 | 0x40040000, STE_S1_1 } },
	{ "its second page", NOTHING, 0, W, 65,
	  { 0x0000001100041810, 0x0000008000000000, AT, 0x40041000 },
	  .ste = { LINEAR_128 | 0x40040000, STE_S1_1 } },
	{ "a level-1 table", NOTHING, 0, R, 65,
	  { 0x0000001100041810, 0x0000008800000000, AT, 0x40040000 },
	  .ste = { LEVELS_128 | 0x40040000, STE_S1_1 } },
	{ "a leaf", L1CDS, 1, 0x40042001, R, 65,
	  { 0x0000001100041810, 0x0000008800000000, AT, 0x40042000 },
	  .ste = { LEVELS_128 | L1CDS_AT, STE_S1_1 } },
	{ "a leaf, without PASID", L1CDS, 0, 0x40043001, W, 0,
	  { 0x0000001100000010, 0x0000008000000000, AT, 0x40043000 },
	  .ste = { LEVELS_128 | L1CDS_AT, STE_S1_1 } },
	{ "a leaf of 64K, its second page", L1CDS, 0, 0x40050001, R, 65,
	  { 0x0000001100041810, 0x0000008800000000, AT, 0x40051000 },
	  .ste = { LEVELS_128_64K | L1CDS_AT, STE_S1_1 } },
	{ "not to be read", NOTHING, 0, R, 0,
	  { 0x0000001100000013, 0x0000008800000000, AT, 0x50001000 },
	  .ste = { 0xb | WRITE_ONLY_AT, STE_S1_1 } },
	{ "a level-1 table, not to be read", NOTHING, 0, R, 1,
	  { 0x0000001100001813, 0x0000008800000000, AT, 0x50001000 },
	  .ste = { LEVELS_128 | WRITE_ONLY_AT, STE_S1_1 } },
};

/* No stage 1 of its own, by its entry or by S1DSS. */
static const struct row no_tables[] = {
	{ "bypass", NOTHING, 0, R, 0,
	  { 0x0000001100000010, 0x0000028800000000, 0x40040018, 0x40040000 },
	  .ste = { 0x9, 0 } },
	{ "bypass, not to be written", NOTHING, 0, W, 0,
	  { 0x0000001100000013, 0x0000028000000000, 0x50000008, 0x50000000 },
	  .ste = { 0x9, 0 } },
	{ "S1DSS = bypass", NOTHING, 0, W, 0,
	  { 0x0000001100000010, 0x0000028000000000, 0x40040018, 0x40040000 },
	  .ste = { STE_S1_0, 0x100000d5 } },
	{ "S1DSS = bypass, above all", NOTHING, 0, R, 0,
	  { 0x0000001100000011, 0x0000020800000000, 0x0001000000000000, 0 },
	  .ste = { STE_S1_0, 0x100000d5 } },
};

/* Records without an address. */
static const struct row bad_config[] = {
	{ "C_BAD_STE", NOTHING, 0, R, 0,
	  { 0x0000001100000004 },
	  .ste = { 0xf80000004000000b, STE_S1_1 }, .at = AT },
	{ "F_STREAM_DISABLED", NOTHING, 0, R, 0,
	  { 0x0000001100000006 },
	  .ste = { STE_S1_0, 0x100000d4 }, .at = AT },
	{ "C_BAD_SUBSTREAMID", NOTHING, 0, R, 64,
	  { 0x0000001100040008 }, .at = AT },
	{ "C_BAD_SUBSTREAMID, of L1CD.V", L1CDS, 1, 0x40000000, W, 65,
	  { 0x0000001100041008 },
	  .ste = { LEVELS_128 | L1CDS_AT, STE_S1_1 }, .at = AT },
	{ "C_BAD_CD, V", 0, 0, CD_48 & ~(UINT64_C(1) << 31), W, 0,
	  { 0x000000110000000a }, .at = AT },
	{ "C_BAD_CD, of a PASID", 0, 8 * PASID, 0, R, PASID,
	  { 0x000000110000380a }, .at = IOVA },
	{ "C_BAD_CD, CD.S against S1STALLD", 0, 0,
	  CD_48 | UINT64_C(1) << 44, R, 0,
	  { 0x000000110000000a },
	  .ste = { STE_S1_0, STE_S1_1 | 1 << 27 }, .at = AT },
};
/* clang-format on */

/* ------------------------------------------------------------------- tests */

static void stage_1(void **state)
{
	TRY(CD_48, s1_translation);
	TRY(CD_48, s1_access_flag);
	TRY(CD_48, s1_permission);
	TRY(CD_36, s1_addr_size);
}

static void stage_2_on_the_way_to_a_table(void **state)
{
	TRY(CD_48, s2_table);
	TRY(CD_48 | CD_HA, s2_table_update);
}

static void stage_2_on_the_way_to_the_page(void **state)
{
	TRY(CD_48, s2_page);
}

static void stage_2_on_the_way_to_a_context(void **state)
{
	TRY(CD_48, s2_context);
}

static void without_tables(void **state)
{
	TRY(CD_48, no_tables);
}

static void entries_and_contexts_that_are_bad(void **state)
{
	TRY(CD_48, bad_config);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(stage_1),
		cmocka_unit_test(stage_2_on_the_way_to_a_table),
		cmocka_unit_test(stage_2_on_the_way_to_the_page),
		cmocka_unit_test(stage_2_on_the_way_to_a_context),
		cmocka_unit_test(without_tables),
		cmocka_unit_test(entries_and_contexts_that_are_bad),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
