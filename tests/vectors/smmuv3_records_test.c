/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event records, queues, descriptors and whole words, typed by hand from IHI
 * 0070 chapters 3 to 8 and DDI 0487 D8.  Bits are numbered over the whole
 * record.  The masks of hw/ are used on one side only; the other is digits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/pri.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/ste.h"
#include "hw/vmsa/desc.h"

struct field {
	const char *name;
	uint64_t mask;
	unsigned int word, hi, lo;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void check(const struct field *fields, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		const struct field *f = &fields[i];
		uint64_t mask = 0;

		for (unsigned int bit = f->lo; bit <= f->hi; bit++) {
			assert_int_equal(bit / 64, f->word);
			mask |= 1ull << (bit % 64);
		}
		if (f->mask != mask)
			fail_msg("%s is not at %u:%u", f->name, f->hi, f->lo);
	}
}

/* clang-format off */
#define EVT(word, field, hi, lo) { #field, SMMU_EVT_##word##_##field, word, hi, lo }
static const struct field event_fields[] = {
	EVT(0, TYPE, 7, 0), EVT(0, SSV, 11, 11), EVT(0, SSID, 31, 12),
	EVT(0, SID, 63, 32),
	EVT(1, STAG, 79, 64), EVT(1, STALL, 95, 95), EVT(1, REASON, 79, 64),
	EVT(1, PNU, 97, 97), EVT(1, IND, 98, 98), EVT(1, RNW, 99, 99),
	EVT(1, NSIPA, 102, 102), EVT(1, S2, 103, 103), EVT(1, CLASS, 105, 104),
	EVT(1, TTRNW, 108, 108),
	EVT(1, TREQ_SPAN, 67, 64), EVT(1, TREQ_P, 92, 92), EVT(1, TREQ_X, 93, 93),
	EVT(1, TREQ_W, 94, 94), EVT(1, TREQ_R, 95, 95),
	EVT(1, PAGE_UX, 97, 97), EVT(1, PAGE_UW, 98, 98), EVT(1, PAGE_UR, 99, 99),
	EVT(1, PAGE_PX, 101, 101), EVT(1, PAGE_PW, 102, 102),
	EVT(1, PAGE_PR, 103, 103), EVT(1, PAGE_SPAN, 115, 108),
	EVT(2, INPUT_ADDR, 191, 128), EVT(2, INPUT_PAGE, 191, 140),
	EVT(3, IPA, 247, 204), EVT(3, FETCH_ADDR, 247, 195),
};

#define PRI(word, field, hi, lo) { #field, SMMU_PRI_##word##_##field, word, hi, lo }
static const struct field page_request_fields[] = {
	PRI(0, SID, 31, 0), PRI(0, SSID, 51, 32), PRI(0, PRIV, 58, 58),
	PRI(0, X, 59, 59), PRI(0, R, 60, 60), PRI(0, W, 61, 61),
	PRI(0, LAST, 62, 62), PRI(0, SSV, 63, 63),
	PRI(1, PRGINDEX, 72, 64), PRI(1, ADDR, 127, 76),
};

#define VM(field, hi, lo) { #field, VMSA_##field, 0, hi, lo }
static const struct field descriptor_fields[] = {
	VM(DESC_VALID, 0, 0), VM(DESC_TYPE, 1, 0),
	VM(OA_4K, 47, 12), VM(OA_16K, 47, 14), VM(OA_64K, 47, 16),
	VM(OA_64K_51_48, 15, 12), VM(OA_4K_DS, 49, 12), VM(OA_16K_DS, 49, 14),
	VM(OA_DS_51_50, 9, 8),
	VM(TABLE_AF, 10, 10), VM(S1_TABLE_NSTABLE, 63, 63),
	VM(S1_TABLE_APTABLE, 62, 61), VM(S1_TABLE_UXNTABLE, 60, 60),
	VM(S1_TABLE_PXNTABLE, 59, 59),
	VM(LEAF_SW, 58, 55), VM(LEAF_CONTIGUOUS, 52, 52), VM(LEAF_DBM, 51, 51),
	VM(LEAF_NT, 16, 16), VM(LEAF_AF, 10, 10), VM(LEAF_SH, 9, 8),
	VM(S1_UXN, 54, 54), VM(S1_PXN, 53, 53), VM(S1_GP, 50, 50),
	VM(S1_NG, 11, 11), VM(S1_AP, 7, 6), VM(S1_AP_1, 6, 6), VM(S1_AP_2, 7, 7),
	VM(S1_NS, 5, 5), VM(S1_ATTRINDX, 4, 2),
	VM(S2_XN, 54, 53), VM(S2_S2AP, 7, 6), VM(S2_MEMATTR, 5, 2),
};
/* clang-format on */

static void events(void **state)
{
	/* 7.3.1 to 7.3.21 */
	assert_int_equal(SMMU_EVT_F_UUT, 0x01);
	assert_int_equal(SMMU_EVT_C_BAD_STREAMID, 0x02);
	assert_int_equal(SMMU_EVT_F_STE_FETCH, 0x03);
	assert_int_equal(SMMU_EVT_C_BAD_STE, 0x04);
	assert_int_equal(SMMU_EVT_F_BAD_ATS_TREQ, 0x05);
	assert_int_equal(SMMU_EVT_F_STREAM_DISABLED, 0x06);
	assert_int_equal(SMMU_EVT_F_TRANSL_FORBIDDEN, 0x07);
	assert_int_equal(SMMU_EVT_C_BAD_SUBSTREAMID, 0x08);
	assert_int_equal(SMMU_EVT_F_CD_FETCH, 0x09);
	assert_int_equal(SMMU_EVT_C_BAD_CD, 0x0a);
	assert_int_equal(SMMU_EVT_F_WALK_EABT, 0x0b);
	assert_int_equal(SMMU_EVT_F_TRANSLATION, 0x10);
	assert_int_equal(SMMU_EVT_F_ADDR_SIZE, 0x11);
	assert_int_equal(SMMU_EVT_F_ACCESS, 0x12);
	assert_int_equal(SMMU_EVT_F_PERMISSION, 0x13);
	assert_int_equal(SMMU_EVT_F_TLB_CONFLICT, 0x20);
	assert_int_equal(SMMU_EVT_F_CFG_CONFLICT, 0x21);
	assert_int_equal(SMMU_EVT_E_PAGE_REQUEST, 0x24);
	assert_int_equal(SMMU_EVT_F_VMS_FETCH, 0x25);
	assert_int_equal(SMMU_EVT_CLASS_CD, 0);
	assert_int_equal(SMMU_EVT_CLASS_TT, 1);
	assert_int_equal(SMMU_EVT_CLASS_IN, 2);
	check(event_fields, COUNT(event_fields));
}

static void page_requests(void **state)
{
	check(page_request_fields, COUNT(page_request_fields));
	/* last of group 0x1f: read of 0x4012345000, SID 0x10, PASID 3 */
	assert_int_equal(FIELD_PREP(SMMU_PRI_0_SID, 0x10ull) |
				 FIELD_PREP(SMMU_PRI_0_SSID, 3ull) |
				 SMMU_PRI_0_R | SMMU_PRI_0_LAST |
				 SMMU_PRI_0_SSV,
			 0xd000000300000010);
	assert_int_equal((0x4012345678 & SMMU_PRI_1_ADDR) |
				 FIELD_PREP(SMMU_PRI_1_PRGINDEX, 0x1full),
			 0x401234501f);
}

static void descriptors(void **state)
{
	check(descriptor_fields, COUNT(descriptor_fields));
	/* 4K, DS = 1, page at 0xf_1234_5678_9000: OA[51:50] at [9:8] */
	assert_int_equal((0xf123456789000ull & VMSA_OA_4K_DS) |
				 FIELD_PREP(VMSA_OA_DS_51_50, 3),
			 0x3123456789300);
	/* 64K, 52 bits, page at 0xf_1234_5678_0000: OA[51:48] at [15:12] */
	assert_int_equal((0xf123456780000ull & VMSA_OA_64K) |
				 FIELD_PREP(VMSA_OA_64K_51_48, 0xf),
			 0x12345678f000);
	/* levels: 4K 39, 30, 21, 12; 16K 47, 36, 25, 14; 64K 42, 29, 16 */
	assert_int_equal(VMSA_LEVEL_SHIFT(12, 0), 39);
	assert_int_equal(VMSA_LEVEL_SHIFT(12, 3), 12);
	assert_int_equal(VMSA_LEVEL_SHIFT(14, 0), 47);
	assert_int_equal(VMSA_LEVEL_SHIFT(14, 2), 25);
	assert_int_equal(VMSA_LEVEL_SHIFT(16, 1), 42);
	assert_int_equal(VMSA_LEVEL_SHIFT(16, 2), 29);
}

static void queues(void **state)
{
	/* eight entries: 0xa is index 2 after a wrap, 0x2 before it */
	assert_true(smmu_q_full(0xa, 0x2, 3));
	assert_false(smmu_q_empty(0xa, 0x2, 3));
	assert_int_equal(smmu_q_count(0xa, 0x2, 3), 8);
	assert_true(smmu_q_empty(0xa, 0xa, 3));
	assert_false(smmu_q_full(0xa, 0xa, 3));
	/* one entry: the wrap is bit 0 */
	assert_true(smmu_q_full(1, 0, 0));
	assert_true(smmu_q_empty(1, 1, 0));
	assert_int_equal(smmu_q_add(1, 1, 0), 0);
	/* 2^19, the largest; bits above the wrap do not count */
	assert_int_equal(smmu_q_add(0xfffff, 1, 19), 0);
	assert_true(smmu_q_empty(0x80000010, 0x10, 3));
	assert_int_equal(smmu_q_offset(0xb, 3, SMMU_CMD_SIZE_LG2), 0x30);
	assert_int_equal(smmu_q_offset(0xb, 3, SMMU_EVT_SIZE_LG2), 0x60);
	assert_int_equal(smmu_q_offset(0xb, 3, SMMU_PRI_SIZE_LG2), 0x30);
}

#define P(mask, val) FIELD_PREP(mask, (uint64_t)(val))

static void whole_entries(void **state)
{
	/* stage 1, 64K leaves, table at 2 GiB, 2^16 CDs, S1DSS 2, WBRA, ISH */
	assert_int_equal(P(SMMU_STE_0_V, 1) | P(SMMU_STE_0_CONFIG, 5) |
				 P(SMMU_STE_0_S1FMT, 2) | 0x80000000 |
				 P(SMMU_STE_0_S1CDMAX, 16),
			 0x800000008000002B);
	assert_int_equal(
		P(SMMU_STE_1_S1DSS, 2) | P(SMMU_STE_1_S1CIR, 1) |
			P(SMMU_STE_1_S1COR, 1) | P(SMMU_STE_1_S1CSH, 3) |
			P(SMMU_STE_1_S1STALLD, 1) | P(SMMU_STE_1_EATS, 1),
		0x180000D6);
	/* VMID 5, T0SZ 24, SL0 1, WB, ISH, 4K, PS 48, AA64, PTW, R */
	assert_int_equal(
		P(SMMU_STE_2_S2VMID, 5) | P(SMMU_STE_2_S2T0SZ, 24) |
			P(SMMU_STE_2_S2SL0, 1) | P(SMMU_STE_2_S2IR0, 1) |
			P(SMMU_STE_2_S2OR0, 1) | P(SMMU_STE_2_S2SH0, 3) |
			P(SMMU_STE_2_S2TG, 0) | P(SMMU_STE_2_S2PS, 5) |
			P(SMMU_STE_2_S2AA64, 1) | P(SMMU_STE_2_S2PTW, 1) |
			P(SMMU_STE_2_S2R, 1),
		0x044D355800000005);
	/* T0SZ 25, 4K, WB, ISH, EPD1, V, IPS 48, AA64, R, A, ASET, ASID 0x42 */
	assert_int_equal(P(SMMU_CD_0_T0SZ, 25) | P(SMMU_CD_0_TG0, 0) |
				 P(SMMU_CD_0_IR0, 1) | P(SMMU_CD_0_OR0, 1) |
				 P(SMMU_CD_0_SH0, 3) | P(SMMU_CD_0_EPD1, 1) |
				 P(SMMU_CD_0_V, 1) | P(SMMU_CD_0_IPS, 5) |
				 P(SMMU_CD_0_AA64, 1) | P(SMMU_CD_0_R, 1) |
				 P(SMMU_CD_0_A, 1) | P(SMMU_CD_0_ASET, 1) |
				 P(SMMU_CD_0_ASID, 0x42),
			 0x0042E205C0003519);
	/* Config, S1DSS, EATS, STRW and the rest as values */
	assert_int_equal(SMMU_STE_CONFIG_BYPASS, 4);
	assert_int_equal(SMMU_STE_CONFIG_S1, 5);
	assert_int_equal(SMMU_STE_CONFIG_S2, 6);
	assert_int_equal(SMMU_STE_CONFIG_NESTED, 7);
	assert_int_equal(SMMU_STE_S1FMT_4K_L2, 1);
	assert_int_equal(SMMU_STE_S1FMT_64K_L2, 2);
	assert_int_equal(SMMU_STE_S1DSS_BYPASS, 1);
	assert_int_equal(SMMU_STE_S1DSS_SSID0, 2);
	assert_int_equal(SMMU_STE_EATS_FULL, 1);
	assert_int_equal(SMMU_STE_EATS_SPLIT, 2);
	assert_int_equal(SMMU_STE_STRW_EL2, 2);
	assert_int_equal(SMMU_TG0_64K, 1);
	assert_int_equal(SMMU_TG0_16K, 2);
	assert_int_equal(SMMU_TG1_16K, 1);
	assert_int_equal(SMMU_TG1_4K, 2);
	assert_int_equal(SMMU_TG1_64K, 3);
}

static void whole_commands(void **state)
{
	/* NH_VA, VMID 5, ASID 0x42, 0x40_1234_5000, 4K, TTL 3, leaf */
	assert_int_equal(P(SMMU_CMD_0_OP, 0x12) | P(SMMU_CMD_TLBI_0_VMID, 5) |
				 P(SMMU_CMD_TLBI_0_ASID, 0x42),
			 0x0042000500000012);
	assert_int_equal(
		P(SMMU_CMD_TLBI_1_LEAF, 1) | P(SMMU_CMD_TLBI_1_TTL, 3) |
			P(SMMU_CMD_TLBI_1_TG, SMMU_CMD_TG_4K) | 0x4012345000,
		0x0000004012345701);
	/* 291 pages: NUM 2, SCALE 0; NUM 8, SCALE 5 */
	assert_int_equal(P(SMMU_CMD_TLBI_0_NUM, 2), 0x2000);
	assert_int_equal(P(SMMU_CMD_TLBI_0_NUM, 8) |
				 P(SMMU_CMD_TLBI_0_SCALE, 5),
			 0x508000);
	/* SYNC, MSI to 0x8000_1000, inner shareable, write-back */
	assert_int_equal(P(SMMU_CMD_0_OP, 0x46) |
				 P(SMMU_CMD_SYNC_0_CS, SMMU_CMD_SYNC_CS_IRQ) |
				 P(SMMU_CMD_SYNC_0_MSH, 3) |
				 P(SMMU_CMD_SYNC_0_MSIATTR, 0xf),
			 0x0FC01046);
	assert_int_equal(0x80001000 & SMMU_CMD_SYNC_1_MSIADDR, 0x80001000);
	/* ATC_INV of everything, SID 0x1234, SSID 3 */
	assert_int_equal(P(SMMU_CMD_0_OP, 0x40) | P(SMMU_CMD_0_SSV, 1) |
				 P(SMMU_CMD_0_SSID, 3) |
				 P(SMMU_CMD_0_SID, 0x1234),
			 0x0000123400003840);
	assert_int_equal(P(SMMU_CMD_ATC_1_SIZE, SMMU_CMD_ATC_SIZE_ALL), 0x34);
	/* RESUME of SID 0x10, STAG 7: retry, abort */
	assert_int_equal(P(SMMU_CMD_0_OP, 0x44) | P(SMMU_CMD_RESUME_0_AC, 1) |
				 P(SMMU_CMD_0_SID, 0x10),
			 0x0000001000001044);
	assert_int_equal(P(SMMU_CMD_0_OP, 0x44) | P(SMMU_CMD_RESUME_0_AB, 1) |
				 P(SMMU_CMD_0_SID, 0x10),
			 0x0000001000002044);
	assert_int_equal(P(SMMU_CMD_RESUME_1_STAG, 7), 7);
	/* PRI_RESP success, group 0x1f */
	assert_int_equal(P(SMMU_CMD_PRI_1_RESP, SMMU_CMD_PRI_RESP_SUCCESS) |
				 P(SMMU_CMD_PRI_1_PRGINDEX, 0x1f),
			 0x201f);
	assert_int_equal(P(SMMU_CMD_CFGI_1_RANGE, SMMU_CMD_CFGI_RANGE_ALL),
			 0x1f);
}

static void whole_events(void **state)
{
	/* F_TRANSLATION of a read, stage 2, CLASS IN, stalled with tag 7 */
	assert_int_equal(P(SMMU_EVT_0_TYPE, 0x10) | P(SMMU_EVT_0_SSV, 1) |
				 P(SMMU_EVT_0_SSID, 3) |
				 P(SMMU_EVT_0_SID, 0x10),
			 0x0000001000003810);
	assert_int_equal(P(SMMU_EVT_1_STAG, 7) | P(SMMU_EVT_1_STALL, 1) |
				 P(SMMU_EVT_1_RNW, 1) | P(SMMU_EVT_1_S2, 1) |
				 P(SMMU_EVT_1_CLASS, SMMU_EVT_CLASS_IN),
			 0x0000028880000007);
	/* F_PERMISSION of an unprivileged write, stage 1 */
	assert_int_equal(P(SMMU_EVT_1_CLASS, SMMU_EVT_CLASS_IN),
			 0x0000020000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_requests),
		cmocka_unit_test(events),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(queues),
		cmocka_unit_test(whole_entries),
		cmocka_unit_test(whole_commands),
		cmocka_unit_test(whole_events),
	};

	return cmocka_run_group_tests_name("vectors-smmuv3-records", tests,
					   NULL, NULL);
}
