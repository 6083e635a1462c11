/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Positions of every field of stream table entries, context descriptors and
 * commands, as the specification numbers them (IHI 0070 5.2, 5.4, chapter 4):
 * bits of the whole structure, typed a second time.  Driver and model share the
 * masks, so a mistake in one would otherwise agree with itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/names.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/ste.h"

struct field {
	const char *name;
	uint64_t mask;
	unsigned int word, hi, lo;
};

#define STE(word, field, hi, lo)                                \
	{                                                       \
#field, SMMU_STE_##word##_##field, word, hi, lo \
	}
#define CD(word, field, hi, lo)                                \
	{                                                      \
#field, SMMU_CD_##word##_##field, word, hi, lo \
	}
#define CMD(word, group, field, hi, lo)                                       \
	{                                                                     \
#group #field, SMMU_CMD_##group##_##word##_##field, word, hi, \
			lo                                                    \
	}

/* clang-format off */
static const struct field ste_fields[] = {
	STE(0, V, 0, 0), STE(0, CONFIG, 3, 1), STE(0, S1FMT, 5, 4),
	STE(0, S1CONTEXTPTR_ADDR, 55, 6), STE(0, S1CDMAX, 63, 59),
	STE(1, S1DSS, 65, 64), STE(1, S1CIR, 67, 66), STE(1, S1COR, 69, 68),
	STE(1, S1CSH, 71, 70), STE(1, S2HWU, 75, 72), STE(1, DRE, 76, 76),
	STE(1, CONT, 80, 77), STE(1, DCP, 81, 81), STE(1, PPAR, 82, 82),
	STE(1, MEV, 83, 83), STE(1, SW_RESERVED, 87, 84), STE(1, S1PIE, 88, 88),
	STE(1, S2FWB, 89, 89), STE(1, S1MPAM, 90, 90), STE(1, S1STALLD, 91, 91),
	STE(1, EATS, 93, 92), STE(1, STRW, 95, 94), STE(1, MEMATTR, 99, 96),
	STE(1, MTCFG, 100, 100), STE(1, ALLOCCFG, 104, 101),
	STE(1, SHCFG, 109, 108), STE(1, NSCFG, 111, 110),
	STE(1, PRIVCFG, 113, 112), STE(1, INSTCFG, 115, 114),
	STE(1, IMPDEF, 127, 116),
	STE(2, S2VMID, 143, 128), STE(2, IMPDEF, 159, 144),
	STE(2, S2T0SZ, 165, 160), STE(2, S2SL0, 167, 166),
	STE(2, S2IR0, 169, 168), STE(2, S2OR0, 171, 170),
	STE(2, S2SH0, 173, 172), STE(2, S2TG, 175, 174), STE(2, S2PS, 178, 176),
	STE(2, S2AA64, 179, 179), STE(2, S2ENDI, 180, 180),
	STE(2, S2AFFD, 181, 181), STE(2, S2PTW, 182, 182), STE(2, S2HD, 183, 183),
	STE(2, S2HA, 184, 184), STE(2, S2S, 185, 185), STE(2, S2R, 186, 186),
	STE(2, S2HAFT, 187, 187), STE(2, S2PIE, 188, 188), STE(2, S2POE, 189, 189),
	STE(2, DPT_VMATCH, 191, 190),
	STE(3, S2NSW, 192, 192), STE(3, S2NSA, 193, 193),
	STE(3, S2SL0_2, 194, 194), STE(3, S2DS, 195, 195),
	STE(3, S2TTB_ADDR, 247, 196), STE(3, S2SKL, 254, 253),
	STE(4, IMPDEF, 271, 256), STE(4, PARTID, 287, 272),
	STE(4, S_S2T0SZ, 293, 288), STE(4, S_S2SL0, 295, 294),
	STE(4, S_S2TG, 303, 302), STE(4, MECID, 319, 304),
	STE(5, PMG, 327, 320), STE(5, MPAM_NS, 328, 328),
	STE(5, ASSUREDONLY, 329, 329), STE(5, TL0, 330, 330),
	STE(5, TL1, 331, 331), STE(5, VMSPTR_ADDR, 375, 332),
	STE(6, S2SW, 384, 384), STE(6, S2SA, 385, 385),
	STE(6, S_S2SL0_2, 386, 386), STE(6, S_S2TTB_ADDR, 439, 388),
	STE(6, S_S2SKL, 446, 445), STE(7, S2POI, 511, 448),
};

static const struct field cd_fields[] = {
	CD(0, T0SZ, 5, 0), CD(0, TG0, 7, 6), CD(0, IR0, 9, 8), CD(0, OR0, 11, 10),
	CD(0, SH0, 13, 12), CD(0, EPD0, 14, 14), CD(0, ENDI, 15, 15),
	CD(0, T1SZ, 21, 16), CD(0, TG1, 23, 22), CD(0, IR1, 25, 24),
	CD(0, OR1, 27, 26), CD(0, SH1, 29, 28), CD(0, EPD1, 30, 30),
	CD(0, V, 31, 31), CD(0, IPS, 34, 32), CD(0, AFFD, 35, 35),
	CD(0, WXN, 36, 36), CD(0, UWXN, 37, 37), CD(0, TBI0, 38, 38),
	CD(0, TBI1, 39, 39), CD(0, PAN, 40, 40), CD(0, AA64, 41, 41),
	CD(0, HD, 42, 42), CD(0, HA, 43, 43), CD(0, S, 44, 44), CD(0, R, 45, 45),
	CD(0, A, 46, 46), CD(0, ASET, 47, 47), CD(0, ASID, 63, 48),
	CD(1, NSCFG0, 64, 64), CD(1, HAD0, 65, 65), CD(1, E0PD0, 66, 66),
	CD(1, HAFT, 67, 67), CD(1, TTB0_ADDR, 119, 68), CD(1, PNCH, 122, 122),
	CD(1, EPAN, 123, 123), CD(1, HWU0, 127, 124),
	CD(2, NSCFG1, 128, 128), CD(2, HAD1, 129, 129), CD(2, E0PD1, 130, 130),
	CD(2, AIE, 131, 131), CD(2, TTB1_ADDR, 183, 132), CD(2, DS, 186, 186),
	CD(2, PIE, 187, 187), CD(2, HWU1, 191, 188),
	CD(3, MAIR0, 223, 192), CD(3, MAIR1, 255, 224),
	CD(4, AMAIR0, 287, 256), CD(4, AMAIR1, 319, 288),
	CD(5, IMPDEF, 351, 320), CD(5, PARTID, 367, 352), CD(5, PMG, 375, 368),
	CD(6, PIIU, 431, 384), CD(7, PIIP, 495, 448),
};

static const struct field cmd_fields[] = {
	{ "OP", SMMU_CMD_0_OP, 0, 7, 0 }, { "SSEC", SMMU_CMD_0_SSEC, 0, 10, 10 },
	{ "SSV", SMMU_CMD_0_SSV, 0, 11, 11 },
	{ "SSID", SMMU_CMD_0_SSID, 0, 31, 12 },
	{ "SID", SMMU_CMD_0_SID, 0, 63, 32 },
	CMD(1, PREFETCH, SIZE, 68, 64), CMD(1, PREFETCH, STRIDE, 73, 69),
	CMD(1, PREFETCH, NS, 75, 75), CMD(1, PREFETCH, ADDR, 127, 76),
	CMD(1, CFGI, LEAF, 64, 64), CMD(1, CFGI, RANGE, 68, 64),
	CMD(0, TLBI, NUM, 16, 12), CMD(0, TLBI, SCALE, 25, 20),
	CMD(0, TLBI, VMID, 47, 32), CMD(0, TLBI, ASID, 63, 48),
	CMD(1, TLBI, LEAF, 64, 64), CMD(1, TLBI, TTL128, 71, 71),
	CMD(1, TLBI, TTL, 73, 72), CMD(1, TLBI, TG, 75, 74),
	CMD(1, TLBI, ADDR, 127, 76), CMD(1, TLBI, IPA, 119, 76),
	CMD(0, ATC, G, 9, 9), CMD(1, ATC, SIZE, 69, 64),
	CMD(1, ATC, ADDR, 127, 76), CMD(1, PRI, PRGINDEX, 72, 64),
	CMD(1, PRI, RESP, 77, 76), CMD(0, RESUME, AC, 12, 12),
	CMD(0, RESUME, AB, 13, 13), CMD(1, RESUME, STAG, 79, 64),
	CMD(0, SYNC, CS, 13, 12), CMD(0, SYNC, MSH, 23, 22),
	CMD(0, SYNC, MSIATTR, 27, 24), CMD(0, SYNC, MSIDATA, 63, 32),
	CMD(1, SYNC, MSIADDR, 119, 66), CMD(1, SYNC, MSI_NS, 127, 127),
};
/* clang-format on */

static void check(const struct field *fields, unsigned int nr)
{
	unsigned int i, bit;

	for (i = 0; i < nr; i++) {
		const struct field *f = &fields[i];
		uint64_t mask = 0;

		for (bit = f->lo; bit <= f->hi; bit++) {
			assert_int_equal(bit / 64, f->word);
			mask |= 1ull << (bit % 64);
		}
		if (f->mask != mask)
			fail_msg("%s is not at %u:%u", f->name, f->hi, f->lo);
	}
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void stream_table_entries(void **state)
{
	check(ste_fields, COUNT(ste_fields));
	assert_int_equal(SMMU_L1STD_SPAN, 0x1f);
	assert_int_equal(SMMU_L1STD_L2PTR_ADDR, 0x00ffffffffffffc0);
}

static void context_descriptors(void **state)
{
	check(cd_fields, COUNT(cd_fields));
	assert_int_equal(SMMU_L1CD_V, 1);
	assert_int_equal(SMMU_L1CD_L2PTR_ADDR, 0x00fffffffffff000);
}

static void commands(void **state)
{
	check(cmd_fields, COUNT(cmd_fields));
	/* chapter 4, in its order */
	assert_int_equal(SMMU_CMD_OP_PREFETCH_CONFIG, 0x01);
	assert_int_equal(SMMU_CMD_OP_PREFETCH_ADDR, 0x02);
	assert_int_equal(SMMU_CMD_OP_CFGI_STE, 0x03);
	assert_int_equal(SMMU_CMD_OP_CFGI_STE_RANGE, 0x04);
	assert_int_equal(SMMU_CMD_OP_CFGI_CD, 0x05);
	assert_int_equal(SMMU_CMD_OP_CFGI_CD_ALL, 0x06);
	assert_int_equal(SMMU_CMD_OP_TLBI_NH_ALL, 0x10);
	assert_int_equal(SMMU_CMD_OP_TLBI_NH_ASID, 0x11);
	assert_int_equal(SMMU_CMD_OP_TLBI_NH_VA, 0x12);
	assert_int_equal(SMMU_CMD_OP_TLBI_NH_VAA, 0x13);
	assert_int_equal(SMMU_CMD_OP_TLBI_EL2_ALL, 0x20);
	assert_int_equal(SMMU_CMD_OP_TLBI_EL2_ASID, 0x21);
	assert_int_equal(SMMU_CMD_OP_TLBI_EL2_VA, 0x22);
	assert_int_equal(SMMU_CMD_OP_TLBI_EL2_VAA, 0x23);
	assert_int_equal(SMMU_CMD_OP_TLBI_S12_VMALL, 0x28);
	assert_int_equal(SMMU_CMD_OP_TLBI_S2_IPA, 0x2a);
	assert_int_equal(SMMU_CMD_OP_TLBI_NSNH_ALL, 0x30);
	assert_int_equal(SMMU_CMD_OP_ATC_INV, 0x40);
	assert_int_equal(SMMU_CMD_OP_PRI_RESP, 0x41);
	assert_int_equal(SMMU_CMD_OP_RESUME, 0x44);
	assert_int_equal(SMMU_CMD_OP_STALL_TERM, 0x45);
	assert_int_equal(SMMU_CMD_OP_SYNC, 0x46);
}

/* The lists of names (names.h): each names one of the fields above. */
static void is_field(const struct field *fields, size_t n, const char *name,
		     unsigned int word, uint64_t mask)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].word == word && fields[i].mask == mask &&
		    !strncasecmp(fields[i].name, name, strlen(name)))
			return;
	fail_msg("%s is no field", name);
}

static void names(void **state)
{
#define IS_STE(name, word, mask) \
	is_field(ste_fields, COUNT(ste_fields), #name, word, mask);
#define IS_CD(name, word, mask) \
	is_field(cd_fields, COUNT(cd_fields), #name, word, mask);
	SMMU_STE_FIELDS(IS_STE)
	SMMU_STE_ADDRESSES(IS_STE)
	SMMU_CD_FIELDS(IS_CD)
	SMMU_CD_ADDRESSES(IS_CD)
	assert_string_equal(smmu_cmd_name(0x12), "TLBI_NH_VA");
	assert_null(smmu_cmd_name(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_table_entries),
		cmocka_unit_test(context_descriptors),
		cmocka_unit_test(commands),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("vectors-smmuv3-words", tests, NULL,
					   NULL);
}
