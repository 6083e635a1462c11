/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_command_test.c - what a guest says, through HWPT_ALLOC and HWPT_INVALIDATE:
 * each bit of its stream table entry and of each command, and what each command
 * takes away and what it leaves, as the SMMU's own counters tell.  Words are typed
 * by hand from IHI 0070 4 and 5.2.
 */
#include <uiommu/smmuv3_model.h>

#include "guest.h"

static struct uiommu_smmuv3_stats stats(const struct guest *g)
{
	struct uiommu_smmuv3_stats s;

	uiommu_smmuv3_model_stats(uiommu_machine_model(g->s.machine), &s);
	return s;
}

/* ----------------------------------------------------------------- entries */

/* The call's answer; a page table that it makes goes at once. */
static int entry(struct guest *g, uint64_t q0, uint64_t q1)
{
	uint32_t id = 0;
	int rc = nested_alloc(g, g->viommu, q0, q1, &id);

	if (rc)
		assert_int_equal(id, 0);
	else
		assert_int_equal(destroy(&g->s, id), 0);
	return rc;
}

static void each_bit_of_an_entry(void **state)
{
	/* S1Fmt, S1ContextPtr[51:6], S1CDMax; S1DSS to S1CSH, S1STALLD, EATS[0]. */
	const uint64_t guests[2] = { 0xf80ffffffffffff0, 0x180000ff };
	/* Valid: abort, bypass, stage 1. */
	const uint64_t valid[3] = { 0x1, 0x9, 0xb };
	struct guest g;

	guest_open(&g);
	for (unsigned int n = 0; n < 3; n++)
		for (unsigned int i = 4; i < 128; i++) {
			uint64_t q[2] = { valid[n], 0 };
			int want = guests[i / 64] >> i % 64 & 1 ? 0 : -EIO;

			q[i / 64] |= UINT64_C(1) << i % 64;
			if (entry(&g, q[0], q[1]) != want)
				fail_msg("Config %u, bit %u: not %d",
					 (unsigned int)valid[n] >> 1, i, want);
		}
	/* Config: stage 2, both, reserved. */
	for (uint64_t config = 0; config < 8; config++)
		assert_int_equal(
			entry(&g, 1 | config << 1, 0),
			config == 0 || config == 4 || config == 5 ? 0 : -EIO);
	/* EATS: split-stage ATS, and reserved. */
	for (uint64_t eats = 0; eats < 4; eats++)
		assert_int_equal(entry(&g, 0xb, eats << 28),
				 eats < 2 ? 0 : -EIO);
	/* Not valid: nobody looks at the rest. */
	assert_int_equal(entry(&g, ~UINT64_C(1), ~UINT64_C(0)), 0);
	/* What was refused has changed nothing. */
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	guest_close(&g);
}

/* ---------------------------------------------------------------- commands */

/* Bits that a command may have, and a good one. */
struct known {
	uint64_t allowed[2], good[2];
};

#define TO_VSID ((uint64_t)VSID << 32)

static const struct known known[] = {
	/* TLBI_NSNH_ALL, _NH_ALL, _NH_ASID */
	{ { 0, 0 }, { 0x30, 0 } },
	{ { 0x0000ffff00000000, 0 }, { 0x0000000700000010, 0 } },
	{ { 0xffffffff00000000, 0 }, { 0x0042000700000011, 0 } },
	/* _NH_VA, _NH_VAA of one page: LEAF, ADDR; fields of ranges: below */
	{ { 0xffffffff00000000, 0xfffffffffffff001 },
	  { 0x0042000700000012, 0x12345001 } },
	{ { 0x0000ffff00000000, 0xfffffffffffff001 },
	  { 0x0000000700000013, 0x12345000 } },
	/* What names a StreamID: the guest has no other.  ATC_INV: G, SSV, SSID;
	 * ADDR, and Size up to 52 */
	{ { 0x00000000fffffa00, 0xfffffffffffff03f },
	  { TO_VSID | 0x40, 0x12345000 } },
	/* CFGI_CD: SSID; LEAF, and _ALL */
	{ { 0x00000000fffff000, 0x1 }, { TO_VSID | 0x3005, 1 } },
	{ { 0, 0 }, { TO_VSID | 6, 0 } },
};
#define NR_KNOWN (sizeof(known) / sizeof(known[0]))

/*
 * Between two that are good: taken, or the first alone is carried out.  By which
 * commands reach the SMMU.
 */
static int between(struct guest *g, uint64_t q0, uint64_t q1)
{
	const uint64_t cmds[3][2] = { { 0x0099000000000011, 0 },
				      { q0, q1 },
				      { 0x13, 0x777000 } };
	const struct uiommu_smmuv3_stats was = stats(g);
	struct uiommu_smmuv3_stats is;
	unsigned int op = q0 & 0xff;
	uint32_t done;
	int rc = commands(g, cmds, 3, &done);
	bool taken = !rc;

	is = stats(g);
	assert_int_equal(done, taken ? 3 : 1);
	assert_int_equal(is.commands - was.commands, taken ? 4 : 2);
	assert_int_equal(is.syncs - was.syncs, 1);
	assert_int_equal(is.commands_by_opcode[0x11],
			 was.commands_by_opcode[0x11] + 1 +
				 (taken && op == 0x11));
	assert_int_equal(is.commands_by_opcode[0x13],
			 was.commands_by_opcode[0x13] + taken +
				 (taken && op == 0x13));
	return rc;
}

static void each_opcode(void **state)
{
	struct guest g;

	guest_open(&g);
	for (uint64_t op = 0; op < 256; op++) {
		const struct known *it = known;

		while (it < known + NR_KNOWN && (it->good[0] & 0xff) != op)
			it++;
		if (it == known + NR_KNOWN) {
			assert_int_equal(between(&g, op, 0), -EIO);
			assert_int_equal(between(&g, TO_VSID | op, 0), -EIO);
		} else {
			assert_int_equal(between(&g, it->good[0], it->good[1]),
					 0);
		}
	}
	guest_close(&g);
}

static void each_bit_of_each_command(void **state)
{
	struct guest g;

	guest_open(&g);
	for (unsigned int n = 0; n < NR_KNOWN; n++)
		for (unsigned int i = 8; i < 128; i++) {
			const struct known *it = &known[n];
			uint64_t q[2] = { it->good[0], it->good[1] };
			uint64_t bit = UINT64_C(1) << i % 64;
			int want = it->allowed[i / 64] & bit ? 0 : -EIO;

			q[i / 64] ^= bit;
			if (between(&g, q[0], q[1]) != want)
				fail_msg("opcode %#llx, bit %u: not %d",
					 (unsigned long long)q[0] & 0xff, i,
					 want);
		}
	assert_int_equal(between(&g, TO_VSID | 0x40, 52), 0);
	assert_int_equal(between(&g, TO_VSID | 0x40, 53), -EIO);
	assert_int_equal(between(&g, TO_VSID | 0x40, 63), -EIO);
	guest_close(&g);
}

/* NUM 16:12, SCALE 25:20; TTL 9:8, TG 11:10 */
static void each_range(void **state)
{
	struct guest g;

	guest_open(&g);
	for (uint64_t op = 0x12; op < 0x14; op++)
		for (uint64_t i = 0; i < 4 * 4 * 4; i++) {
			uint64_t tg = i & 3, ttl = i >> 2 & 3;
			uint64_t num = i & 16 ? 3 : 0, scale = i & 32 ? 2 : 0;
			bool several = num || scale;
			/* One address has none of the others; level 1 of 16K. */
			bool good = tg ? (several || ttl) &&
						    !(tg == 2 && ttl == 1)
				       : !several && !ttl;

			assert_int_equal(
				between(&g, op | num << 12 | scale << 20,
					0x12345000 | ttl << 8 | tg << 10),
				good ? 0 : -EIO);
		}
	/* SCALE of more than 31 is for 52-bit addresses. */
	assert_int_equal(between(&g, 0x12 | 31 << 20, 0x12345400), 0);
	assert_int_equal(between(&g, 0x12 | 1 << 25, 0x12345400), -EIO);
	guest_close(&g);
}

/* More than go to one CMD_SYNC: what stands before the bad one is all done. */
static void a_long_array(void **state)
{
	uint64_t cmds[200][2];
	struct uiommu_smmuv3_stats was, is;
	struct guest g;
	uint32_t done;

	guest_open(&g);
	for (unsigned int i = 0; i < 200; i++) {
		cmds[i][0] = 0x11 | (uint64_t)i << 48;
		cmds[i][1] = 0;
	}
	was = stats(&g);
	assert_int_equal(commands(&g, cmds, 200, &done), 0);
	assert_int_equal(done, 200);
	is = stats(&g);
	assert_int_equal(is.commands_by_opcode[0x11],
			 was.commands_by_opcode[0x11] + 200);
	was = is;
	cmds[150][1] = 1;
	assert_int_equal(commands(&g, cmds, 200, &done), -EIO);
	assert_int_equal(done, 150);
	is = stats(&g);
	assert_int_equal(is.commands_by_opcode[0x11],
			 was.commands_by_opcode[0x11] + 150);
	guest_close(&g);
}

/* ----------------------------------------------------------------- effects */

/*
 * Two guests, and the host, on one SMMU.  The first sends the commands.  The other has
 * the same tables.
 */
struct two {
	struct uiommu_machine *machine;
	struct guest guest[2];
};

static void two_open(struct two *t)
{
	t->machine = machine_ok("testep*3");
	scene_join(&t->guest[0].s, t->machine, 0, 2);
	guest_start(&t->guest[0]);
	scene_join(&t->guest[1].s, t->machine, 2, 1);
	guest_start(&t->guest[1]);
}

static void two_close(struct two *t)
{
	guest_close(&t->guest[0]);
	guest_close(&t->guest[1]);
	uiommu_machine_destroy(t->machine);
}

/*
 * Of the first guest by ASID 1: pages 0, 2, 4 (global) after IOVA and two pages of a
 * block of 2 MiB, which no contiguous run of stage 2 has both; by ASID 2, which PASID
 * has: pages 0, 2, 6 (global).  Of the host's device, a page, and of the other guest.
 */
#define BLOCK UINT64_C(0x12400000)
enum {
	FIRST,
	OTHER,
	HOST
};
static const struct {
	unsigned int whose;
	uint32_t pasid;
	uint64_t at;
} item[] = {
	{ FIRST, 0, IOVA },
	{ FIRST, 0, IOVA + 2 * PAGE },
	{ FIRST, 0, IOVA + 4 * PAGE },
	{ FIRST, PASID, IOVA },
	{ FIRST, PASID, IOVA + 2 * PAGE },
	{ FIRST, PASID, IOVA + 6 * PAGE },
	{ FIRST, 0, BLOCK + DATA *PAGE },
	{ FIRST, 0, BLOCK + (DATA + 16) * PAGE },
	{ HOST, 0, GPA + DATA *PAGE },
	{ OTHER, 0, IOVA },
	{ OTHER, PASID, IOVA },
	{ OTHER, 0, IOVA + 4 * PAGE },
};
#define NR_ITEMS (sizeof(item) / sizeof(item[0]))
#define ALL 0xffu /* of the first's */

static void write_items(struct guest *g)
{
	for (unsigned int i = 2; i < 7; i += 2) {
		point(g, 1, i, DATA + i);
		point(g, 2, i, DATA + i);
	}
	/* nG = 0 */
	page(g, TABLES + 2)[(IOVA >> 12) % 512 + 4] = gpa(DATA + 4) | 0x743;
	page(g, TABLES + 5)[(IOVA >> 12) % 512 + 6] = gpa(DATA + 6) | 0x743;
	page(g, TABLES + 1)[BLOCK >> 21 & 511] = GPA | 0xf41;
}

static struct client *device_of(struct two *t, unsigned int whose)
{
	return whose == HOST ? &t->guest[0].s.dev[1]
			     : &t->guest[whose].s.dev[0];
}

/* All are accessed: for which did the SMMU have to walk, fetch configuration? */
static unsigned int walked(struct two *t, unsigned int *fetched)
{
	unsigned int mask = 0;

	*fetched = 0;
	for (unsigned int i = 0; i < NR_ITEMS; i++) {
		struct uiommu_smmuv3_stats was = stats(&t->guest[0]), is;

		assert_int_equal(testep_go_as(device_of(t, item[i].whose), 1,
					      item[i].pasid,
					      TESTEP_READ | TESTEP_UNTRANSLATED,
					      item[i].at, 8),
				 TESTEP_OK);
		is = stats(&t->guest[0]);
		mask |= (is.walks != was.walks) << i;
		*fetched |= (is.config_misses != was.config_misses) << i;
	}
	return mask;
}

struct effect {
	const char *what;
	uint64_t q0, q1;
	/* Of the TLB; of what contexts are cached, the first that asks. */
	unsigned int walked, fetched;
};

#define NO_PASID 0x001u
#define OF_PASID 0x008u

/* clang-format off */
static const struct effect effects[] = {
	{ "TLBI_NH_ALL", 0x10, 0, ALL, 0 },
	{ "of another VMID, it says", 0x0000123400000010, 0, ALL, 0 },
	{ "TLBI_NSNH_ALL", 0x30, 0, ALL, 0 },
	/* Not what is global. */
	{ "TLBI_NH_ASID", 0x0001000000000011, 0, 0xc3, 0 },
	{ "the other", 0x0002123400000011, 0, 0x18, 0 },
	{ "one that it does not use", 0x0003000000000011, 0, 0, 0 },
	{ "TLBI_NH_VA, leaf", 0x0001000000000012, 0x12345001, 0x01, 0 },
	{ "and tables", 0x0001000000000012, 0x12347000, 0x02, 0 },
	{ "of the other ASID", 0x0002123400000012, 0x12345001, 0x08, 0 },
	{ "of another", 0x0003000000000012, 0x12345001, 0, 0 },
	{ "where nothing is", 0x0001000000000012, 0x12348001, 0, 0 },
	{ "what is global, by any ASID", 0x0002000000000012, 0x12349001, 0x04, 0 },
	/* Any address of a block is the block. */
	{ "in a block", 0x0001000000000012, 0x124f0001, 0xc0, 0 },
	{ "three pages", 0x0001000000002012, 0x12345401, 0x03, 0 },
	{ "two pages", 0x0001000000001012, 0x12345401, 0x01, 0 },
	{ "32 pages, all that is global in them", 0x000100000010f012, 0x12345401, 0x27, 0 },
	{ "one page of level 3", 0x0001000000000012, 0x12345701, 0x01, 0 },
	{ "1 GiB", 0x0001000000e0f012, 0x00000401, 0xe7, 0 },
	{ "of 16K, which it does not use", 0x0001000000003012, 0x12344801, 0, 0 },
	{ "TLBI_NH_VAA, leaf", 0x0000000000000013, 0x12345001, 0x09, 0 },
	{ "and tables", 0x0000123400000013, 0x12347000, 0x12, 0 },
	{ "what is global", 0x0000000000000013, 0x1234b001, 0x20, 0 },
	{ "seven pages", 0x0000000000006013, 0x12345401, 0x3f, 0 },
	{ "CFGI_CD", TO_VSID | 0x0005, 1, 0, NO_PASID },
	{ "of a PASID", TO_VSID | 0x3005, 1, 0, OF_PASID },
	{ "with its table", TO_VSID | 0x3005, 0, 0, OF_PASID },
	{ "of another", TO_VSID | 0x4005, 1, 0, 0 },
	{ "CFGI_CD_ALL", TO_VSID | 6, 0, 0, NO_PASID | OF_PASID },
	{ "ATC_INV", TO_VSID | 0x40, 52, 0, 0 },
};
/* clang-format on */

static void each_command_takes_its_own(void **state)
{
	unsigned int got, fetched;
	struct two t;

	two_open(&t);
	write_items(&t.guest[0]);
	write_items(&t.guest[1]);
	(void)walked(&t, &fetched);
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		const struct effect *it = &effects[i];

		assert_int_equal(walked(&t, &fetched), 0);
		assert_int_equal(fetched, 0);
		command(&t.guest[0], it->q0, it->q1);
		got = walked(&t, &fetched);
		if (got != it->walked || fetched != it->fetched)
			fail_msg("%s: dropped %#x and %#x, not %#x and %#x",
				 it->what, got, fetched, it->walked,
				 it->fetched);
	}
	two_close(&t);
}

/* ------------------------------------------------------------------ ATC_INV */

/* Pages 1, 2 and 9 after IOVA, without PASID, and by PASIDs of the same context. */
static const struct {
	unsigned int whose;
	uint32_t pasid;
	unsigned int at;
} kept[] = {
	{ FIRST, 0, 1 },	 { FIRST, 0, 2 },	  { FIRST, 0, 9 },
	{ FIRST, PASID, 1 },	 { FIRST, PASID, 2 },	  { FIRST, PASID, 9 },
	{ FIRST, PASID + 1, 1 }, { FIRST, PASID + 1, 9 }, { OTHER, 0, 1 },
	{ OTHER, PASID, 1 },
};
#define NR_KEPT (sizeof(kept) / sizeof(kept[0]))

/* The SMMU forgets what was, ATCs do not. */
static void fill(struct guest *g, unsigned int data)
{
	for (unsigned int i = 0; i < 6; i++)
		point(g, kept[i].pasid ? 2 : 1, kept[i].at, data + i);
	command(g, 0x30, 0);
}

static uint64_t has(struct two *t, unsigned int i)
{
	return reads(&t->guest[kept[i].whose], kept[i].pasid, kept[i].at);
}

/* What ATCs kept of the pages of before, and were to forget. */
static unsigned int forgotten(struct two *t, uint64_t q0, uint64_t q1)
{
	uint64_t was[NR_KEPT];
	unsigned int mask = 0;

	for (unsigned int i = 0; i < 2; i++) {
		fill(&t->guest[i], DATA);
		command(&t->guest[i], TO_VSID | 0x40, 52);
		command(&t->guest[i], TO_VSID | 0xa40, 52);
	}
	for (unsigned int i = 0; i < NR_KEPT; i++) {
		was[i] = has(t, i);
		assert_int_not_equal(was[i], 0);
	}
	for (unsigned int i = 0; i < 2; i++)
		fill(&t->guest[i], DATA + 20);
	for (unsigned int i = 0; i < NR_KEPT; i++)
		assert_int_equal(has(t, i), was[i]);
	command(&t->guest[0], q0, q1);
	for (unsigned int i = 0; i < NR_KEPT; i++)
		mask |= (has(t, i) != was[i]) << i;
	return mask;
}

static void each_ATC_INV_takes_its_own(void **state)
{
	/* SSV is bit 11, G bit 9. */
	static const struct {
		uint64_t q0, q1;
		unsigned int mask;
	} rows[] = {
		{ TO_VSID | 0x40, 0x12346000, 0x01 },
		{ TO_VSID | 0x40, 0x12346001, 0x03 },
		{ TO_VSID | 0x40, 0x12340004, 0x07 },
		{ TO_VSID | 0x40, 0x12350004, 0 },
		{ TO_VSID | 0x40, 52, 0x07 },
		{ TO_VSID | 0x3840, 0x12347000, 0x10 },
		{ TO_VSID | 0x3840, 0x12346001, 0x18 },
		{ TO_VSID | 0x3840, 52, 0x38 },
		{ TO_VSID | 0x4840, 52, 0xc0 },
		{ TO_VSID | 0x5840, 52, 0 },
		{ TO_VSID | 0x3a40, 52, 0xf8 },
		{ TO_VSID | 0x3a40, 0x12346000, 0x48 },
		/* Others are not for it. */
		{ 0x10, 0, 0 },
		{ 0x0001000000000012, 0x12346001, 0 },
		{ TO_VSID | 6, 0, 0 },
	};
	struct two t;

	two_open(&t);
	write_cd(&t.guest[0], PASID + 1, 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned int got = forgotten(&t, rows[i].q0, rows[i].q1);

		if (got != rows[i].mask)
			fail_msg("row %zu: %#x, not %#x", i, got, rows[i].mask);
	}
	two_close(&t);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(each_bit_of_an_entry),
		cmocka_unit_test(each_opcode),
		cmocka_unit_test(each_bit_of_each_command),
		cmocka_unit_test(each_range),
		cmocka_unit_test(a_long_array),
		cmocka_unit_test(each_command_takes_its_own),
		cmocka_unit_test(each_ATC_INV_takes_its_own),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
