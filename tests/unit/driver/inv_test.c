/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges to commands, against a naive reading of what the commands reach: every
 * granule of the range exactly once, nothing outside, and never a form that the
 * architecture calls illegal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/smmuv3/unit.h"

#define MAX_CMDS 5000

struct list_of_cmds {
	struct smmu_cmd cmd[MAX_CMDS];
	unsigned int nr;
	unsigned int stop_at;
};

static bool emit(void *ctx, struct smmu_cmd cmd)
{
	struct list_of_cmds *l = ctx;

	assert_true(l->nr < MAX_CMDS);
	l->cmd[l->nr++] = cmd;
	return l->nr != l->stop_at;
}

static struct list_of_cmds cmds;

static void split(const struct smmuv3_inv_target *target, uint64_t first,
		  uint64_t last, unsigned int stride_lg2, int level, bool leaf)
{
	struct uiommu_gather_range range = {
		.first = first,
		.last = last,
		.stride_lg2 = stride_lg2,
		.level = level,
		.leaf_only = leaf,
	};

	cmds.nr = 0;
	cmds.stop_at = 0;
	smmuv3_inv_range(target, &range, emit, &cmds);
}

/* Fields of a TLBI_NH_VA, by the positions of the specification. */
struct fields {
	unsigned int num, scale, tg, ttl, leaf, vmid, asid;
	uint64_t addr;
};

static struct fields fields_of(const struct smmu_cmd *cmd)
{
	struct fields f = {
		.num = cmd->q[0] >> 12 & 0x1f,
		.scale = cmd->q[0] >> 20 & 0x3f,
		.vmid = cmd->q[0] >> 32 & 0xffff,
		.asid = cmd->q[0] >> 48,
		.leaf = cmd->q[1] & 1,
		.ttl = cmd->q[1] >> 8 & 3,
		.tg = cmd->q[1] >> 10 & 3,
		.addr = cmd->q[1] & ~0xfffull,
	};

	assert_int_equal(cmd->q[0] & 0xff, 0x12);
	return f;
}

static unsigned int max_scale = 31;

/* Bytes that a command reaches from its address on. */
static uint64_t reach(const struct fields *f, unsigned int granule_lg2)
{
	static const unsigned int tg_lg2[4] = { 0, 12, 14, 16 };

	if (!f->tg) {
		assert_int_equal(f->num, 0);
		assert_int_equal(f->scale, 0);
		assert_int_equal(f->ttl, 0);
		return 1ull << granule_lg2;
	}
	assert_int_equal(tg_lg2[f->tg], granule_lg2);
	/* the illegal form */
	assert_true(f->num || f->scale || f->ttl);
	assert_true(f->scale <= max_scale);
	return (uint64_t)(f->num + 1) << (f->scale + granule_lg2);
}

/* Low address bits that must be zero with a level hint. */
static uint64_t hint_mask(unsigned int granule_lg2, unsigned int ttl)
{
	static const unsigned int lg2[3][4] = { { 12, 30, 21, 12 },
						{ 14, 36, 25, 14 },
						{ 16, 42, 29, 16 } };

	return (1ull << lg2[(granule_lg2 - 12) / 2][ttl]) - 1;
}

static void check_exact(const struct smmuv3_inv_target *target, uint64_t first,
			uint64_t last, bool leaf)
{
	uint64_t at = first;
	struct fields f;
	unsigned int i;

	for (i = 0; i < cmds.nr; i++) {
		f = fields_of(&cmds.cmd[i]);
		assert_int_equal(f.addr, at);
		assert_int_equal(f.leaf, leaf);
		assert_int_equal(f.vmid, target->vmid);
		assert_int_equal(f.asid, target->asid);
		if (f.ttl)
			assert_int_equal(f.addr & hint_mask(target->granule_lg2,
							    f.ttl),
					 0);
		at += reach(&f, target->granule_lg2);
	}
	assert_int_equal(at - 1, last);
}

static uint64_t rng = 1442695040888963407ull;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static void random_ranges_are_covered_exactly(void **state)
{
	struct smmuv3_inv_target target = { .vmid = 3,
					    .asid = 0x99,
					    .range = true };
	uint64_t first, pages, last;
	unsigned int i;

	for (i = 0; i < 200000; i++) {
		target.granule_lg2 = 12 + 2 * (rnd() % 3);
		pages = (rnd() >> (rnd() % 36 + 28)) + 1;
		first = (rnd() & 0xffffffffffffull) >> (rnd() % 36);
		first &= ~((1ull << target.granule_lg2) - 1);
		if (rnd() % 2)
			first &= ~((1ull << (rnd() % 40)) - 1);
		last = first + (pages << target.granule_lg2) - 1;
		split(&target, first, last, target.granule_lg2,
		      (int)(rnd() % 5) - 1, rnd() % 2);
		check_exact(&target, first, last, cmds.cmd[0].q[1] & 1);
		/* five bits of the page count for each command */
		assert_true(cmds.nr <= 9);
	}
}

/*
 * Who changes a CPU's table may name bytes: every granule they lie in is reached,
 * from its start on, since bits of a large granule's address must not be set.
 */
static void ranges_of_bytes_reach_whole_granules(void **state)
{
	struct smmuv3_inv_target target = { .vmid = 3,
					    .asid = 0x99,
					    .range = true };
	uint64_t first, last, mask;
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		target.granule_lg2 = 12 + 2 * (rnd() % 3);
		mask = (1ull << target.granule_lg2) - 1;
		first = rnd() >> 24;
		last = first + (rnd() >> (rnd() % 36 + 28));
		split(&target, first, last, target.granule_lg2, 3, rnd() % 2);
		check_exact(&target, first & ~mask, last | mask,
			    cmds.cmd[0].q[1] & 1);
	}
}

static void the_worked_example(void **state)
{
	struct smmuv3_inv_target target = {
		.vmid = 5, .asid = 0x42, .granule_lg2 = 12, .range = true
	};

	/* 0x123 pages: 3, then 9 << 5 */
	split(&target, 0x4012345000, 0x4012345000 + 0x123000 - 1, 12, 3, true);
	assert_int_equal(cmds.nr, 2);
	assert_int_equal(cmds.cmd[0].q[0], 0x0042000500002012);
	assert_int_equal(cmds.cmd[0].q[1], 0x0000004012345701);
	assert_int_equal(cmds.cmd[1].q[0], 0x0042000500508012);
	assert_int_equal(cmds.cmd[1].q[1], 0x0000004012348701);
}

static void one_page_never_takes_the_illegal_form(void **state)
{
	struct smmuv3_inv_target target = { .granule_lg2 = 12, .range = true };

	/* no hint: a single address */
	split(&target, 0x1000, 0x1fff, 12, UIOMMU_GATHER_LEVEL_MIXED, true);
	assert_int_equal(cmds.nr, 1);
	assert_int_equal(fields_of(&cmds.cmd[0]).tg, 0);
	/* a table went: no hint either */
	split(&target, 0x1000, 0x1fff, 12, 3, false);
	assert_int_equal(fields_of(&cmds.cmd[0]).tg, 0);
	assert_int_equal(fields_of(&cmds.cmd[0]).leaf, 0);
	/* a hint makes the range form legal */
	split(&target, 0x1000, 0x1fff, 12, 3, true);
	assert_int_equal(fields_of(&cmds.cmd[0]).tg, 1);
	assert_int_equal(fields_of(&cmds.cmd[0]).ttl, 3);
	/* 33 pages: the odd one is the trap */
	split(&target, 0, 33 * 4096 - 1, 12, UIOMMU_GATHER_LEVEL_MIXED, true);
	assert_int_equal(cmds.nr, 2);
	assert_int_equal(fields_of(&cmds.cmd[0]).tg, 0);
	assert_int_equal(fields_of(&cmds.cmd[1]).tg, 1);
}

static void hints_need_aligned_ends(void **state)
{
	struct smmuv3_inv_target target = { .granule_lg2 = 12, .range = true };

	split(&target, 2 << 20, (4 << 20) - 1, 21, 2, true);
	assert_int_equal(fields_of(&cmds.cmd[0]).ttl, 2);
	split(&target, (2 << 20) + 4096, (4 << 20) - 1, 21, 2, true);
	assert_int_equal(fields_of(&cmds.cmd[0]).ttl, 0);
	split(&target, 2 << 20, (4 << 20) - 4096 - 1, 21, 2, true);
	assert_int_equal(fields_of(&cmds.cmd[0]).ttl, 0);
	/* level 0 has no code; level 1 of 16K none without DS */
	split(&target, 0, (1ull << 39) - 1, 39, 0, true);
	assert_int_equal(fields_of(&cmds.cmd[0]).ttl, 0);
	target.granule_lg2 = 14;
	split(&target, 0, (1ull << 36) - 1, 36, 1, true);
	assert_int_equal(fields_of(&cmds.cmd[0]).ttl, 0);
}

static void large_and_last(void **state)
{
	struct smmuv3_inv_target target = { .granule_lg2 = 12, .range = true };

	/* 1 GiB in blocks, in pages */
	split(&target, 1 << 30, (2ull << 30) - 1, 30, 1, true);
	assert_int_equal(cmds.nr, 1);
	split(&target, 1 << 30, (2ull << 30) - 1, 12, 3, false);
	assert_int_equal(cmds.nr, 1);
	/* everything, up to the top */
	split(&target, 0, (1ull << 48) - 1, 12, 3, true);
	check_exact(&target, 0, (1ull << 48) - 1, true);
}

/* 52 bits of pages: SCALE has a bit more, as IDR5.DS tells. */
static void larger_ranges_with_ds(void **state)
{
	struct smmuv3_inv_target target = { .granule_lg2 = 12, .range = true };
	const uint64_t last = (UINT64_C(1) << 52) - 1;

	split(&target, 0, last, 12, 3, true);
	assert_int_equal(cmds.nr, 16);
	check_exact(&target, 0, last, true);
	target.ds = true;
	max_scale = 39;
	split(&target, 0, last, 12, 3, true);
	assert_int_equal(cmds.nr, 1);
	check_exact(&target, 0, last, true);
	split(&target, 0x1000, last, 12, 3, true);
	check_exact(&target, 0x1000, last, true);
	/* A hint for level 1 of 16K. */
	target.granule_lg2 = 14;
	split(&target, 0, (UINT64_C(1) << 36) - 1, 36, 1, true);
	assert_int_equal(fields_of(&cmds.cmd[0]).ttl, 1);
	check_exact(&target, 0, (UINT64_C(1) << 36) - 1, true);
	target.ds = false;
	max_scale = 31;
	split(&target, 0, (UINT64_C(1) << 36) - 1, 36, 1, true);
	assert_int_equal(fields_of(&cmds.cmd[0]).ttl, 0);
}

static void without_ranges_one_command_per_leaf(void **state)
{
	struct smmuv3_inv_target target = { .granule_lg2 = 12, .asid = 1 };
	unsigned int i;

	split(&target, 0x200000, 0x200000 + 16 * 4096 - 1, 12, 3, true);
	assert_int_equal(cmds.nr, 16);
	check_exact(&target, 0x200000, 0x200000 + 16 * 4096 - 1, true);
	split(&target, 0x40000000, 0x40000000 + (8 << 21) - 1, 21, 2, true);
	assert_int_equal(cmds.nr, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(fields_of(&cmds.cmd[i]).addr,
				 0x40000000 + ((uint64_t)i << 21));
	/* a contiguous run of 16 pages may be cached as pages */
	split(&target, 0x10000, 0x1ffff, 16, 3, true);
	assert_int_equal(cmds.nr, 16);
	/* a range that begins inside a block still names the block */
	split(&target, 0x40000000 + 4096, 0x40000000 + (2 << 21) - 1, 21, 2,
	      true);
	assert_int_equal(cmds.nr, 2);
	/* the end of the address space */
	split(&target, UINT64_MAX - 0x2fff, UINT64_MAX, 12, 3, true);
	assert_int_equal(cmds.nr, 3);
}

static void stops_when_told(void **state)
{
	struct uiommu_gather_range range = { 0, (1 << 20) - 1, 12, 3, true };
	struct smmuv3_inv_target target = { .granule_lg2 = 12 };

	cmds.nr = 0;
	cmds.stop_at = 5;
	smmuv3_inv_range(&target, &range, emit, &cmds);
	assert_int_equal(cmds.nr, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ranges_are_covered_exactly),
		cmocka_unit_test(ranges_of_bytes_reach_whole_granules),
		cmocka_unit_test(the_worked_example),
		cmocka_unit_test(one_page_never_takes_the_illegal_form),
		cmocka_unit_test(hints_need_aligned_ends),
		cmocka_unit_test(large_and_last),
		cmocka_unit_test(larger_ranges_with_ds),
		cmocka_unit_test(without_ranges_one_command_per_leaf),
		cmocka_unit_test(stops_when_told),
	};

	return cmocka_run_group_tests_name("driver-inv", tests, NULL, NULL);
}
