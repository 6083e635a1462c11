/* SPDX-License-Identifier: BSD-2-Clause */
/* Translations that are only explained. */
#include "htt_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifndef SID
#define SID 0x10
#endif
#define MAX_STEPS 64u

struct told {
	struct uiommu_smmuv3_step step[MAX_STEPS];
	unsigned int n;
	struct uiommu_smmuv3_explanation out;
	int rc;
};

static void tell(void *ctx, const struct uiommu_smmuv3_step *step)
{
	struct told *told = ctx;

	assert_true(told->n < MAX_STEPS);
	told->step[told->n++] = *step;
}

static void explain(struct rig *r, struct told *told, uint32_t flags,
		    uint64_t iova)
{
	struct uiommu_smmuv3_txn txn = { .sid = SID,
					 .flags = flags,
					 .iova = iova };

	told->n = 0;
	told->rc = uiommu_smmuv3_model_explain(r->model, &txn, tell, told,
					       &told->out);
}

/* The kinds of the steps as letters: L S l C 1 2 a b. */
static const char *kinds(const struct told *told)
{
	static char text[MAX_STEPS + 1];

	for (unsigned int i = 0; i < told->n; i++)
		text[i] = "LSlC12ab"[told->step[i].kind];
	text[told->n] = '\0';
	return text;
}

static void stage1_step_by_step(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1), iova = 0x123456000;
	struct told told;
	const struct uiommu_smmuv3_step *leaf;

	rig_map4k(r, table, iova, RIG_DATA, LEAF_RW);
	explain(r, &told, 0, iova + 8);
	assert_int_equal(told.rc, 0);
	assert_int_equal(told.out.xlate.pa, RIG_DATA + 8);
	assert_true(told.out.xlate.writable);
	assert_string_equal(kinds(&told), "SC1aaaa");
	assert_int_equal(told.step[0].pa, rig_ste_addr(SID));
	assert_int_equal(told.step[0].input, SID);
	assert_int_equal(told.step[0].nr_words, 8);
	assert_int_equal(told.step[0].words[0],
			 ram_r64(&r->ram, rig_ste_addr(SID)));
	assert_int_equal(told.step[2].pa, table);
	assert_int_equal(told.step[2].in_bits, 48);
	assert_int_equal(told.step[2].granule_lg2, 12);
	leaf = &told.step[6];
	assert_int_equal(leaf->level, 3);
	assert_int_equal(leaf->pa, rig_pte4k(r, table, iova));
	assert_int_equal(leaf->words[0], RIG_DATA | LEAF_RW | 3);
	assert_int_equal(leaf->output, RIG_DATA);
	assert_int_equal(leaf->size_lg2, 12);
}

/* What the structures say is told, for who has no mind for their bits. */
static void facts_are_taken_from_the_words(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 0x1234);
	struct smmu_ste ste = rig_ste_s2(rig_table(r, 8192), 0x5678);
	struct told told;

	explain(r, &told, 0, 0x1000);
	assert_string_equal(kinds(&told), "SC1a");
	assert_int_equal(told.step[0].stages, UIOMMU_SMMUV3_STAGE_1);
	assert_int_equal(told.step[1].asid, 0x1234);
	assert_int_equal(told.step[3].desc, UIOMMU_SMMUV3_DESC_INVALID);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RO);
	explain(r, &told, 0, 0x1000);
	assert_string_equal(kinds(&told), "SC1aaaa");
	assert_int_equal(told.step[5].desc, UIOMMU_SMMUV3_DESC_TABLE);
	assert_false(told.step[5].readable);
	assert_int_equal(told.step[6].desc, UIOMMU_SMMUV3_DESC_PAGE);
	assert_true(told.step[6].readable);
	assert_false(told.step[6].writable);
	/* the same page with APTable[1] above it: no more than that */
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	explain(r, &told, 0, 0x1000);
	assert_true(told.step[6].writable);
	ram_w64(&r->ram, told.step[5].pa, told.step[5].words[0] | BIT64(62));
	explain(r, &told, 0, 0x1000);
	assert_false(told.step[6].writable);
	/* privileged accesses only */
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RW & ~BIT64(6));
	explain(r, &told, UIOMMU_TXN_PRIV, 0x2000);
	assert_true(told.step[6].readable);
	explain(r, &told, 0, 0x2000);
	assert_false(told.step[6].readable);
	ram_w64(&r->ram, rig_pte4k(r, table, 0x2000), 1);
	explain(r, &told, 0, 0x2000);
	assert_int_equal(told.step[6].desc, UIOMMU_SMMUV3_DESC_RESERVED);

	/* stage 2 alone: a block that may be written only */
	rig_ste(r, SID, &ste);
	rig_map(r, ste.q[3] & GENMASK64(51, 4), 12, 1, 1, RIG_BASE,
		RIG_BASE | 0x7bd);
	explain(r, &told, UIOMMU_TXN_WRITE, RIG_BASE);
	assert_string_equal(kinds(&told), "S2b");
	assert_int_equal(told.step[0].stages, UIOMMU_SMMUV3_STAGE_2);
	assert_int_equal(told.step[0].vmid, 0x5678);
	assert_int_equal(told.step[2].desc, UIOMMU_SMMUV3_DESC_BLOCK);
	assert_false(told.step[2].readable);
	assert_true(told.step[2].writable);
	/* no translation at all, whatever its other fields are */
	ste.q[0] = 1 | 4 << 1;
	rig_ste(r, SID, &ste);
	explain(r, &told, 0, RIG_DATA);
	assert_int_equal(told.step[0].stages, 0);
	assert_int_equal(told.step[0].vmid, 0);
}

static void nested_with_what_each_walk_is_for(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1), s2 = rig_table(r, 8192);
	struct smmu_ste ste = rig_ste_s2(s2, 5);
	unsigned int cd = 0, tt = 0, in = 0;
	struct told told;

	/* Config 111; stage 2 maps everything to itself by 1 GiB blocks */
	ste.q[0] = 0xf | (RIG_CD + 64ull * SID);
	rig_ste(r, SID, &ste);
	rig_map(r, s2, 12, 1, 1, RIG_BASE, RIG_BASE | 0x7fd);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	explain(r, &told, 0, 0x1000);
	assert_int_equal(told.rc, 0);
	assert_string_equal(kinds(&told), "S2bC12ba2ba2ba2ba2b");
	for (unsigned int i = 0; i < told.n; i++) {
		if (told.step[i].kind != UIOMMU_SMMUV3_STEP_S2_DESC)
			continue;
		cd += told.step[i].walk_class == UIOMMU_SMMUV3_CLASS_CD;
		tt += told.step[i].walk_class == UIOMMU_SMMUV3_CLASS_TT;
		in += told.step[i].walk_class == UIOMMU_SMMUV3_CLASS_IN;
	}
	assert_int_equal(cd, 1);
	assert_int_equal(tt, 4);
	assert_int_equal(in, 1);
	/* Stage 2 has nothing there: what the record says is told. */
	rig_map4k(r, table, 0x1000, RIG_BASE - 0x40000000, LEAF_RW);
	explain(r, &told, 0, 0x1008);
	assert_int_equal(told.rc, -EFAULT);
	assert_int_equal(told.out.fault.stage, 2);
	assert_int_equal(told.out.fault.evt_class, 2);
	assert_int_equal(told.out.fault.ipa, RIG_BASE - 0x40000000 + 8);
	assert_int_equal(told.out.event[3], RIG_BASE - 0x40000000);
}

/* What is cached is not looked at, and nothing is cached or recorded. */
static void nothing_is_used_and_nothing_left(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1);
	struct uiommu_smmuv3_stats before, after;
	struct uiommu_smmuv3_xlate x;
	struct told told;

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	before = rig_stats(r);
	explain(r, &told, 0, 0x1000);
	after = rig_stats(r);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(rig_xlate(r, SID, 0, 0x1000, &x), 0);
	after = rig_stats(r);
	assert_int_equal(after.config_misses - before.config_misses, 1);
	assert_int_equal(after.tlb_misses - before.tlb_misses, 1);
	/* memory changes behind the cache's back */
	ram_w64(&r->ram, rig_pte4k(r, table, 0x1000), 0);
	explain(r, &told, 0, 0x1000);
	assert_int_equal(told.rc, -EFAULT);
	assert_int_equal(told.out.fault.event_type, SMMU_EVT_F_TRANSLATION);
	assert_true(told.out.fault.recorded);
	assert_int_equal(told.out.fault.level, 3);
	assert_int_equal(told.out.event[0], 0x0000001000000010);
	assert_int_equal(told.out.event[1], 0x0000020800000000);
	assert_int_equal(told.out.event[2], 0x1000);
	rig_expect_no_event(r);
	assert_int_equal(r->faults, 0);
	rig_expect_pa(r, SID, 0x1000, RIG_DATA);
}

static void faults_say_where(void **state)
{
	struct rig *r = *state;
	struct told told;

	/* an STE of zeroes */
	explain(r, &told, 0, 0);
	assert_int_equal(told.rc, -EFAULT);
	assert_string_equal(kinds(&told), "S");
	assert_int_equal(told.out.fault.event_type, SMMU_EVT_C_BAD_STE);
	assert_int_equal(told.out.fault.desc_pa, rig_ste_addr(SID));
	/* a table where no memory is */
	rig_stream(r, SID, 1);
	ram_w64(&r->ram, RIG_CD + 64ull * SID + 8, RIG_HOLE);
	explain(r, &told, 0, 0);
	assert_int_equal(told.out.fault.event_type, SMMU_EVT_F_WALK_EABT);
	assert_string_equal(kinds(&told), "SC1a");
	assert_true(told.step[3].aborted);
	assert_int_equal(told.step[3].nr_words, 0);
	assert_int_equal(told.step[3].pa, RIG_HOLE);
	/* the SMMU off: nothing is read */
	wr(r, SMMU_REG_CR0, 0);
	explain(r, &told, 0, 0x5000);
	assert_int_equal(told.rc, 0);
	assert_int_equal(told.n, 0);
	assert_int_equal(told.out.xlate.pa, 0x5000);
}

/* Of a clean page a write is explained as if it were marked, and it is not. */
static void no_descriptor_is_marked(void **state)
{
	struct uiommu_smmuv3_profile profile = htt_profile(2);
	static struct rig rig, *r = &rig;
	uint64_t table, pte;
	uint64_t cd = RIG_CD + 64ull * SID;
	struct told told;

	rig_init(r, &profile);
	table = rig_stream(r, SID, 1);
	/* HA, HD */
	ram_w64(&r->ram, cd, ram_r64(&r->ram, cd) | BIT64(43) | BIT64(42));
	rig_map4k(r, table, 0x1000, RIG_DATA,
		  (LEAF_RO & ~BIT64(10)) | BIT64(51));
	pte = ram_r64(&r->ram, rig_pte4k(r, table, 0x1000));
	explain(r, &told, UIOMMU_TXN_WRITE, 0x1000);
	assert_int_equal(told.rc, 0);
	assert_int_equal(ram_r64(&r->ram, rig_pte4k(r, table, 0x1000)), pte);
	rig_fini(r);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(stage1_step_by_step),
		T(facts_are_taken_from_the_words),
		T(nested_with_what_each_walk_is_for),
		T(nothing_is_used_and_nothing_left),
		T(faults_say_where),
		cmocka_unit_test(no_descriptor_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
