/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses with translated addresses: who may, who may not, split-stage ATS. */
#include <errno.h>

#include "ats_rig.h"

struct passage {
	const char *name;
	uint32_t sid, flags, ssid;
	uint64_t iova;
	bool ok;
	uint32_t record;
	uint64_t rec[4];
	bool pasidtt; /* the row is about an SMMU with it */
};

/* clang-format off */
static const struct passage passages[] = {
	{ "full", S1_FULL, 0, 0, RIG_DATA + 0x123, true },
	{ "full, nested", NESTED_FULL, WRITE, 0, RIG_DATA + 0x123, true },
	{ "full, stage 2", S2_FULL, 0, 0, RIG_DATA + 0x123, true },
	{ "out of range", OUT_OF_RANGE, 0, 0, 0x1000, false, CFG,
	  { 0x0001000000000002 } },
	{ "STE fetch", STE_ABORTS, WRITE, 0, 0x1000, false, CFG,
	  { 0x0000002500000003, 0, 0, RIG_STRTAB + 0x25 * 64 } },
	{ "STE.V", STE_V0, 0, 0, 0x1000, false, CFG, { 0x0000001400000004 } },
	{ "STE illegal", STE_ILLEGAL, 0, 0, 0x1000, false, CFG,
	  { 0x0000001500000004 } },
	{ "Config abort", ABORT, 0, 0, 0x1000, false, NEVER },
	{ "Config bypass", BYPASS, WRITE, 0, 0x1abc, false, ALWAYS,
	  { 0x0000001200000007, 0, 0x1abc } },
	{ "EATS off", S1_OFF, 0, 0, 0x1abc, false, ALWAYS,
	  { 0x0000001100000007, 0x0000000800000000, 0x1abc } },
	{ "EATS for DPT", EATS_DPT, 0, 0, 0x1abc, false, ALWAYS,
	  { 0x0000001f00000007, 0x0000000800000000, 0x1abc } },
	/* the CD is nobody's business */
	{ "CD.V", CD_V0, 0, 0, RIG_DATA, true },
	{ "CD fetch", CD_HOLE, 0, 0, RIG_DATA, true },
	{ "L1CD", L1CD_V0, 0, 0, RIG_DATA, true },
	{ "CD without an IPA", NO_CD_IPA, 0, 0, RIG_DATA, true },
	{ "above the output size", S1_FULL, 0, 0, 1ull << 48, false, NEVER },
	/* without PASIDTT there is no PASID */
	{ "PASID off", S1_OFF, SSV, 7, 0x1abc, false, ALWAYS,
	  { 0x0000001100000007, 0x0000000800000000, 0x1abc } },
	{ "PASID on", S1_FULL, SSV | PRIV, 7, RIG_DATA, true },
	{ "S1DSS", S1DSS_END, 0, 0, RIG_DATA, true },
	{ "21 bits", S1DSS_END, SSV, 1 << 20, RIG_DATA, true },
	/* with it there is */
	{ "PASID off", S1_OFF, SSV, 7, 0x1abc, false, ALWAYS,
	  { 0x0000001100007807, 0x0000000800000000, 0x1abc }, true },
	{ "no substreams", S1_FULL, SSV, 7, 0x1000, false, CFG,
	  { 0x0000001000007008 }, true },
	{ "too large", S1DSS_END, SSV, 16, 0x1000, false, CFG,
	  { 0x0000001800010008 }, true },
	{ "21 bits", S1DSS_END, SSV, 1 << 20, 0x1000, false, CFG,
	  { 0x0000001800000008 }, true },
	{ "S1DSS", S1DSS_END, 0, 0, 0x1000, false, CFG,
	  { 0x0000001800000006 }, true },
	{ "right PASID", S1DSS_END, SSV, 15, RIG_DATA, true, 0, { 0 }, true },
	{ "L1CD", L1CD_V0, 0, 0, RIG_DATA, true, 0, { 0 }, true },
};
/* clang-format on */

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
	ats_expect_record(r, row->name, there, row->rec);
}

static void translated_accesses(void **state)
{
	static const uint32_t cr2s[] = { 0, CFG, INV, CFG | INV };

	for (unsigned int k = 0; k < 4; k++) {
		struct uiommu_smmuv3_profile p = ats_profile(k & 1);
		struct rig r;

		p.idr[3] |= k & 2 ? SMMU_IDR3_PASIDTT : 0;
		ats_begin(&r, &p);
		for (unsigned int i = 0; i < ARRAY_SIZE(passages) * 4; i++) {
			const struct passage *row = &passages[i / 4];

			/* rows without a PASID hold either way */
			if (row->pasidtt != !!(k & 2) &&
			    (row->pasidtt || (row->flags & SSV) ||
			     row->sid == S1DSS_END))
				continue;
			ats_set_cr(&r, RIG_CR0_ATS, cr2s[i % 4]);
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

	ats_configure(r);
	ats_set_cr(r, RIG_CR0_ATS & ~SMMU_CR0_ATSCHK, CFG | INV);
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

	ats_configure(r);
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

	ats_configure(r);
	rig_map(r, ats_s2, 12, 1, 3, 0x80001000, RIG_DATA | S2_PAGE_RO);
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
		rig_ste_s2(ats_s2, 5).q[2] & ~(1ull << 58));
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, NESTED_SPLIT, TRANSLATED, 0x80002234, &x),
			 -EFAULT);
	rig_expect_no_event(r);
	/* the CD plays no part */
	ram_w64(&r->ram, ats_cd_of(NESTED_SPLIT), 0);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, NESTED_SPLIT, TRANSLATED, 0x80001234, &x),
			 0);
	assert_int_equal(x.pa, RIG_DATA + 0x234);
}

/* Types and shareability of the STE are for what comes untranslated. */
static void types_of_translated_ipas(void **state)
{
	/* MTCFG with MemAttr, ALLOCCFG, SHCFG */
	const uint64_t overrides = 5ull << 32 | 1ull << 36 | 8ull << 37 |
				   2ull << 44;
	struct uiommu_smmuv3_txn txn = { .sid = NESTED_SPLIT,
					 .flags = TRANSLATED,
					 .iova = 0x80001234 };
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	ats_configure(r);
	ats_put_s1(r, NESTED_SPLIT, 7, EATS(2) | overrides);
	rig_inval_all(r);
	rig_map(r, ats_s2, 12, 1, 3, 0x80001000,
		RIG_DATA | (S2_PAGE_RW & ~0x300ull));
	/* from the tables, and from the TLB */
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(
			uiommu_smmuv3_model_translate(r->model, &txn, &x), 0);
		assert_int_equal(x.attrs.mair, 0xff);
		assert_int_equal(x.attrs.sh, 0);
	}
	txn.flags |= UIOMMU_TXN_ATTRS;
	txn.attrs = (struct uiommu_mem_attrs){ .mair = 0xbb, .sh = 3 };
	assert_int_equal(uiommu_smmuv3_model_translate(r->model, &txn, &x), 0);
	assert_int_equal(x.attrs.mair, 0xbb);
	assert_int_equal(x.attrs.sh, 3);
}

/*
 * Who asks with a translated address, and for what: by PASIDTT with a PASID, and
 * by the STE.
 */
static void privilege_of_translated_accesses(void **state)
{
	for (unsigned int i = 0; i < 128; i++) {
		struct uiommu_smmuv3_profile p = rig_profile_ats();
		bool split = i & 1, pasidtt = i & 2, ssv = i & 4;
		unsigned int privcfg = i >> 3 & 3, instcfg = i >> 5;
		bool told = pasidtt && ssv;
		struct uiommu_smmuv3_txn txn = {
			.sid = NESTED_SPLIT,
			.ssid = 3,
			.flags = TRANSLATED | PRIV | EXE | (ssv ? SSV : 0),
			.iova = split ? 0x80001234 : RIG_DATA + 0x234,
		};
		struct uiommu_smmuv3_xlate x;
		struct rig r;

		p.idr[3] |= pasidtt ? SMMU_IDR3_PASIDTT : 0;
		ats_begin(&r, &p);
		ats_put_substreams(&r, NESTED_SPLIT, 7,
				   EATS(split ? 2 : 1) | PRIVCFG(privcfg) |
					   INSTCFG(instcfg) | 1);
		rig_map(&r, ats_s2, 12, 1, 3, 0x80001000,
			RIG_DATA | S2_PAGE_RW);
		for (unsigned int write = 0; write < 2; write++) {
			txn.flags |= write ? WRITE : 0;
			assert_int_equal(uiommu_smmuv3_model_translate(
						 r.model, &txn, &x),
					 0);
			assert_int_equal(x.pa, RIG_DATA + 0x234);
			assert_int_equal(x.attrs.priv,
					 privcfg < 2 ? told : privcfg & 1);
			assert_int_equal(x.attrs.instr,
					 !write && (instcfg < 2 ? told
								: instcfg & 1));
		}
		rig_fini(&r);
	}
}

#define T(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup_ats, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(translated_accesses),
		T(translated_without_check),
		T(translated_while_off),
		T(translated_ipas),
		T(types_of_translated_ipas),
		cmocka_unit_test(privilege_of_translated_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
