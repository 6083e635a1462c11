/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Software that changes tables and configuration at random and invalidates as
 * the architecture wants it, against an array that says what each page is.  What
 * a model caches must make no difference.
 *
 * Four spaces (VMID 0, ASIDs 1 to 4) of eight 2 MiB slots, each empty, a block or
 * a table of which 16 pages are used; the last slot is global and the same in all
 * spaces.  Four streams, each in a space, in bypass
 * or aborting.  A nested stream whose stage 1 maps eight pages to eight IPAs.
 */
#include <string.h>

#include "modes.h"

#define NR_SPACES 4u
#define NR_SLOTS 8u
#define NR_PAGES 16u
#define NR_STREAMS 4u
#define NR_IPAS 8u
#define SID(i) (0x20u + (i))
#define SID_NESTED 0x30u
#define VMID_NESTED 9u
#define BYPASS NR_SPACES
#define ABORT (NR_SPACES + 1)
#define ROUNDS 1500u
#define S2_LEAF(pa) ((pa) | 0x4ffull)

enum slot_kind {
	SLOT_EMPTY,
	SLOT_BLOCK,
	SLOT_TABLE
};

struct slot {
	enum slot_kind kind;
	bool global;
	uint64_t pa, table;
	uint64_t page[NR_PAGES]; /* 0: not mapped */
};

struct space {
	uint64_t l2; /* descriptors of the slots */
	uint64_t root;
	struct slot slot[NR_SLOTS];
};

struct soft {
	struct rig r;
	uint64_t seed;
	struct space space[NR_SPACES];
	unsigned int stream[NR_STREAMS];
	/* nested: VA page i is at IPA va[i], IPA page i at pa[i]; 0: not */
	uint64_t va[NR_IPAS], pa[NR_IPAS];
	uint64_t s1_leaf, s2_leaf;
	/* freed level-3 tables, used again at once */
	uint64_t spare[NR_SPACES * NR_SLOTS];
	unsigned int nr_spare;
};

static uint32_t dice(struct soft *s, uint32_t n)
{
	s->seed = s->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(s->seed >> 33) % n;
}

static uint64_t any_page(struct soft *s)
{
	return RIG_DATA + ((uint64_t)dice(s, 0x8000) + 1) * 4096;
}

/* ------------------------------------------------------- invalidation --- */

#define TLBI(op, asid) ((op) | (uint64_t)(asid) << 48)

/* What is at va, 2^lg2 bytes: one leaf, or a table with pages. */
struct gone {
	unsigned int space;
	uint64_t va;
	unsigned int lg2;
	bool table, global;
};

/* By address, so it has to name the space, or all of them. */
static void invalidate_va(struct soft *s, const struct gone *g)
{
	uint64_t leaf = !g->table && dice(s, 2);
	uint64_t op = dice(s, 2) ? TLBI(0x12, g->space + 1) : TLBI(0x13, 0);
	uint64_t ttl = g->lg2 == 21 ? 2 : 3;

	switch (dice(s, g->table ? 2 : 3)) {
	case 0: /* each page by itself */
		for (unsigned int i = 0; i < (g->table ? NR_PAGES : 1); i++)
			rig_cmd(&s->r, op, (g->va + i * 4096) | leaf);
		break;
	case 1: /* twice as many 4K pages as needed */
		rig_cmd(&s->r, op | 1 << 12 | (uint64_t)(g->lg2 - 12) << 20,
			align_down_lg2(g->va, g->lg2) | 1 << 10 | leaf);
		break;
	default: /* just this, of its level */
		rig_cmd(&s->r, op | (uint64_t)(g->lg2 - 12) << 20,
			align_down_lg2(g->va, g->lg2) | 1 << 10 | ttl << 8 |
				leaf);
	}
}

static void invalidate(struct soft *s, const struct gone *g)
{
	/* a table that all spaces share is behind each ASID's addresses */
	switch (dice(s, g->global && g->table ? 3 : 8)) {
	case 0:
		rig_cmd(&s->r, TLBI(0x10, 0), 0);
		break;
	case 1:
		rig_cmd(&s->r, TLBI(0x28, 0), 0);
		break;
	case 2:
		rig_cmd(&s->r, 0x30, 0);
		break;
	case 3:
		if (!g->global) {
			rig_cmd(&s->r, TLBI(0x11, g->space + 1), 0);
			break;
		}
		/* fall through */
	default:
		invalidate_va(s, g);
	}
	rig_sync(&s->r);
}

/* -------------------------------------------------------------- tables -- */

static uint64_t slot_va(unsigned int slot)
{
	return (uint64_t)slot << 21;
}

static uint64_t leaf_attrs(bool global)
{
	return global ? LEAF_GLOBAL_RW : LEAF_RW;
}

/* The last slot is the same, and global, in all spaces; space 0 keeps it. */
#define SHARED_SLOT (NR_SLOTS - 1)

static void set_slot(struct soft *s, unsigned int space, unsigned int slot,
		     uint64_t desc)
{
	for (unsigned int i = 0; i < NR_SPACES; i++) {
		if (i == space || slot == SHARED_SLOT)
			ram_w64(&s->r.ram, s->space[i].l2 + 8 * slot, desc);
	}
}

static void fill_slot(struct soft *s, unsigned int space, unsigned int i)
{
	struct slot *slot = &s->space[space].slot[i];

	memset(slot, 0, sizeof(*slot));
	slot->global = i == SHARED_SLOT;
	if (dice(s, 2)) {
		slot->kind = SLOT_BLOCK;
		slot->pa = (uint64_t)(dice(s, 64) + 0x1000) << 21;
		set_slot(s, space, i, slot->pa | leaf_attrs(slot->global));
		return;
	}
	slot->kind = SLOT_TABLE;
	slot->table = s->nr_spare ? s->spare[--s->nr_spare]
				  : rig_table(&s->r, 4096);
	ram_zero(&s->r.ram, slot->table, 4096);
	for (unsigned int p = 0; p < NR_PAGES; p++) {
		if (dice(s, 2))
			continue;
		slot->page[p] = any_page(s);
		ram_w64(&s->r.ram, slot->table + 8 * p,
			slot->page[p] | leaf_attrs(slot->global) | 3);
	}
	set_slot(s, space, i, slot->table | 3);
}

static void empty_slot(struct soft *s, unsigned int space, unsigned int i)
{
	struct slot *slot = &s->space[space].slot[i];
	struct gone gone = { space, slot_va(i), 21, slot->kind == SLOT_TABLE,
			     slot->global };

	set_slot(s, space, i, 0);
	invalidate(s, &gone);
	if (slot->kind == SLOT_TABLE)
		s->spare[s->nr_spare++] = slot->table;
	memset(slot, 0, sizeof(*slot));
}

/* Map, unmap or move one page: break, invalidate, make. */
static void change_page(struct soft *s, unsigned int space, unsigned int i)
{
	struct slot *slot = &s->space[space].slot[i];
	unsigned int p = dice(s, NR_PAGES);
	struct gone gone = { space, slot_va(i) + p * 4096, 12, false,
			     slot->global };
	uint64_t pte = slot->table + 8 * p;

	if (slot->page[p]) {
		ram_w64(&s->r.ram, pte, 0);
		invalidate(s, &gone);
		slot->page[p] = 0;
		if (dice(s, 2))
			return;
	}
	slot->page[p] = any_page(s);
	ram_w64(&s->r.ram, pte, slot->page[p] | leaf_attrs(slot->global) | 3);
}

static void change_slot(struct soft *s)
{
	unsigned int i = dice(s, NR_SLOTS);
	unsigned int space = i == SHARED_SLOT ? 0 : dice(s, NR_SPACES);
	struct slot *slot = &s->space[space].slot[i];

	if (slot->kind == SLOT_TABLE && dice(s, 4)) {
		change_page(s, space, i);
		return;
	}
	if (slot->kind == SLOT_EMPTY) {
		fill_slot(s, space, i);
		return;
	}
	empty_slot(s, space, i);
	if (dice(s, 2))
		fill_slot(s, space, i);
}

/* ------------------------------------------------------- configuration -- */

static void cfgi(struct soft *s, uint32_t sid, bool cd)
{
	switch (dice(s, cd ? 5 : 3)) {
	case 0:
		rig_cmd(&s->r, 0x03 | (uint64_t)sid << 32, dice(s, 2));
		break;
	case 1:
		rig_cmd(&s->r, 0x04 | (uint64_t)sid << 32, dice(s, 5));
		break;
	case 2:
		rig_cmd(&s->r, 0x04, 31);
		break;
	case 3:
		rig_cmd(&s->r, 0x06 | (uint64_t)sid << 32, 0);
		break;
	default:
		rig_cmd(&s->r, 0x05 | (uint64_t)sid << 32, dice(s, 2));
	}
	rig_sync(&s->r);
}

static void write_words(struct soft *s, uint64_t pa, const uint64_t *q,
			uint64_t valid, uint32_t sid, bool cd)
{
	/* invalid, the rest, valid; each step seen before the next */
	ram_w64(&s->r.ram, pa, 0);
	cfgi(s, sid, cd);
	for (unsigned int i = 1; i < 8; i++)
		ram_w64(&s->r.ram, pa + 8 * i, q[i]);
	ram_w64(&s->r.ram, pa, q[0] & ~valid);
	cfgi(s, sid, cd);
	ram_w64(&s->r.ram, pa, q[0]);
	cfgi(s, sid, cd);
}

static void change_stream(struct soft *s)
{
	unsigned int i = dice(s, NR_STREAMS), to = dice(s, ABORT + 1);
	struct smmu_ste ste = { .q = { 9, 1ull << 44 } };
	uint64_t cd_pa = RIG_CD + 64 * SID(i);
	struct smmu_cd cd;

	if (to < NR_SPACES) {
		cd = rig_cd_4k(s->space[to].root, (uint16_t)(to + 1));
		write_words(s, cd_pa, cd.q, SMMU_CD_0_V, SID(i), true);
		ste = rig_ste_s1(cd_pa);
		/* from one space to another by the CD alone */
		if (s->stream[i] < NR_SPACES) {
			s->stream[i] = to;
			return;
		}
	} else if (to == ABORT) {
		ste.q[0] = 1;
	}
	write_words(s, rig_ste_addr(SID(i)), ste.q, SMMU_STE_0_V, SID(i),
		    false);
	s->stream[i] = to;
}

/* -------------------------------------------------------------- nested -- */

static void change_nested_s1(struct soft *s)
{
	unsigned int i = dice(s, NR_IPAS);
	uint64_t vm = (uint64_t)VMID_NESTED << 32, va = (uint64_t)i << 12;

	if (s->va[i]) {
		ram_w64(&s->r.ram, s->s1_leaf + 8 * i, 0);
		switch (dice(s, 4)) {
		case 0:
			rig_cmd(&s->r, TLBI(0x12, 5) | vm, va | 1);
			break;
		case 1:
			rig_cmd(&s->r, TLBI(0x13, 0) | vm, va);
			break;
		case 2:
			rig_cmd(&s->r, TLBI(0x11, 5) | vm, 0);
			break;
		default:
			rig_cmd(&s->r, TLBI(0x10, 0) | vm, 0);
		}
		rig_sync(&s->r);
	}
	s->va[i] = (uint64_t)(dice(s, NR_IPAS) + 1) << 12;
	ram_w64(&s->r.ram, s->s1_leaf + 8 * i, s->va[i] | LEAF_RW | 3);
}

static void change_nested_s2(struct soft *s)
{
	unsigned int i = dice(s, NR_IPAS);
	uint64_t vm = (uint64_t)VMID_NESTED << 32;
	uint64_t ipa = (uint64_t)(i + 1) << 12;

	if (s->pa[i]) {
		ram_w64(&s->r.ram, s->s2_leaf + 8 * (i + 1), 0);
		switch (dice(s, 3)) {
		case 0:
			rig_cmd(&s->r, TLBI(0x2a, 0) | vm, ipa | dice(s, 2));
			rig_cmd(&s->r, TLBI(0x10, 0) | vm, 0);
			break;
		case 1:
			rig_cmd(&s->r, TLBI(0x2a, 0) | vm, ipa | 1);
			for (unsigned int v = 0; v < NR_IPAS; v++)
				rig_cmd(&s->r, TLBI(0x13, 0) | vm,
					(uint64_t)v << 12);
			break;
		default:
			rig_cmd(&s->r, TLBI(0x28, 0) | vm, 0);
		}
		rig_sync(&s->r);
		s->pa[i] = 0;
		if (dice(s, 3) == 0)
			return;
	}
	s->pa[i] = any_page(s);
	ram_w64(&s->r.ram, s->s2_leaf + 8 * (i + 1), S2_LEAF(s->pa[i]));
}

/* --------------------------------------------------------------- check -- */

static uint64_t expected(const struct soft *s, unsigned int stream, uint64_t va)
{
	const struct slot *slot;
	unsigned int p = va >> 12 & 511;

	if (s->stream[stream] == BYPASS)
		return va;
	if (s->stream[stream] == ABORT)
		return 0;
	slot = &s->space[va >> 21 == SHARED_SLOT ? 0 : s->stream[stream]]
			.slot[va >> 21];
	if (slot->kind == SLOT_BLOCK)
		return slot->pa + (va & mask_lg2(21));
	if (slot->kind == SLOT_EMPTY || p >= NR_PAGES || !slot->page[p])
		return 0;
	return slot->page[p] + (va & 0xfff);
}

static void probe(struct soft *s, uint32_t sid, uint64_t va, uint64_t want,
		  unsigned int round)
{
	struct uiommu_smmuv3_xlate x = { 0 };
	uint64_t rec[4];
	int rc = rig_xlate(&s->r, sid, 0, va, &x);

	if (rc ? want : x.pa != want)
		fail_msg("round %u, stream %#x, %#llx: %d, %#llx, not %#llx",
			 round, sid, (unsigned long long)va, rc,
			 (unsigned long long)x.pa, (unsigned long long)want);
	while (rig_event(&s->r, rec))
		;
}

static void check(struct soft *s, unsigned int round)
{
	for (unsigned int n = 0; n < 24; n++) {
		unsigned int i = dice(s, NR_STREAMS);
		uint64_t va = slot_va(dice(s, NR_SLOTS)) +
			      (uint64_t)dice(s, NR_PAGES + 2) * 4096 +
			      dice(s, 4096);

		probe(s, SID(i), va, expected(s, i, va), round);
	}
	for (unsigned int n = 0; n < 8; n++) {
		unsigned int i = dice(s, NR_IPAS);
		uint64_t ipa = s->va[i];
		uint64_t pa = ipa ? s->pa[(ipa >> 12) - 1] : 0;

		probe(s, SID_NESTED, ((uint64_t)i << 12) + 8, pa ? pa + 8 : 0,
		      round);
	}
}

/* ----------------------------------------------------------------- run -- */

static void setup_spaces(struct soft *s)
{
	for (unsigned int i = 0; i < NR_SPACES; i++) {
		uint64_t l1 = rig_table(&s->r, 4096);

		s->space[i].root = rig_table(&s->r, 4096);
		s->space[i].l2 = rig_table(&s->r, 4096);
		ram_w64(&s->r.ram, s->space[i].root, l1 | 3);
		ram_w64(&s->r.ram, l1, s->space[i].l2 | 3);
	}
	for (unsigned int i = 0; i < NR_STREAMS; i++) {
		struct smmu_ste ste = { .q = { 1 } };

		rig_ste(&s->r, SID(i), &ste);
		s->stream[i] = ABORT;
	}
}

static void setup_nested(struct soft *s)
{
	uint64_t s2 = rig_table(&s->r, 0x2000);
	uint64_t s1 = rig_table(&s->r, 4096), cd_pa = RIG_CD + 64 * SID_NESTED;
	struct smmu_ste ste = rig_ste_s2(s2, VMID_NESTED);
	struct smmu_cd cd = rig_cd_4k(s1, 5);

	ste.q[0] = cd_pa | 0xf;
	rig_ste(&s->r, SID_NESTED, &ste);
	rig_cd(&s->r, cd_pa, &cd);
	rig_map4k(&s->r, s1, 0, 0, 0);
	s->s1_leaf = rig_pte4k(&s->r, s1, 0);
	ram_w64(&s->r.ram, s->s1_leaf, 0);
	/* the SMMU's own accesses: CD and tables are where they seem to be */
	rig_map(&s->r, s2, 12, 1, 3, cd_pa, S2_LEAF(cd_pa));
	rig_map(&s->r, s2, 12, 1, 3, 0x1000, 0);
	for (uint64_t pa = s1; pa < s->r.next_table + 0x10000; pa += 4096)
		rig_map(&s->r, s2, 12, 1, 3, pa, S2_LEAF(pa));
	/* level-3 table of the first 2 MiB */
	s->s2_leaf = ram_r64(&s->r.ram, s2) & GENMASK64(47, 12);
	s->s2_leaf = ram_r64(&s->r.ram, s->s2_leaf) & GENMASK64(47, 12);
}

static void run(enum mode mode, uint64_t seed)
{
	static struct soft soft;
	struct soft *s = &soft;

	memset(s, 0, sizeof(*s));
	s->seed = seed;
	rig_init_mode(&s->r, mode);
	setup_spaces(s);
	setup_nested(s);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		switch (dice(s, 8)) {
		case 0:
			change_stream(s);
			break;
		case 1:
			change_nested_s1(s);
			break;
		case 2:
			change_nested_s2(s);
			break;
		default:
			change_slot(s);
		}
		check(s, round);
	}
	rig_fini(&s->r);
}

static void caching_makes_no_difference_normal(void **state)
{
	run(MODE_NORMAL, 1);
	run(MODE_NORMAL, 2);
}

static void caching_makes_no_difference_none(void **state)
{
	run(MODE_NONE, 1);
}

static void caching_makes_no_difference_greedy(void **state)
{
	for (uint64_t seed = 1; seed < 5; seed++)
		run(MODE_GREEDY, seed);
}

static void caching_makes_no_difference_tiny(void **state)
{
	run(MODE_TINY, 1);
	run(MODE_TINY, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caching_makes_no_difference_normal),
		cmocka_unit_test(caching_makes_no_difference_none),
		cmocka_unit_test(caching_makes_no_difference_greedy),
		cmocka_unit_test(caching_makes_no_difference_tiny),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
