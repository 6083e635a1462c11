/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that the page tables write, against words put together by hand
 * from DDI 0487 D8.3.  Stage 1: valid/kind 1:0, AttrIndx 4:2, AP[2:1] 7:6, SH
 * 9:8, AF 10, nG 11, PXN 53, UXN 54.  Stage 2: MemAttr 5:2, S2AP 7:6, SH 9:8,
 * AF 10, XN 54:53.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <uiommu/pgtable.h>

#include "test_platform.h"

#define R UIOMMU_PROT_READ
#define W UIOMMU_PROT_WRITE
#define X UIOMMU_PROT_EXEC
#define C UIOMMU_PROT_CACHE
#define M UIOMMU_PROT_MMIO
#define P UIOMMU_PROT_PRIV

#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define S2 UIOMMU_PGTABLE_VMSAV8_S2

struct vector {
	enum uiommu_pgtable_fmt fmt;
	uint8_t granule_lg2;
	uint8_t bits; /* ias and oas */
	uint64_t iova;
	uint64_t pa;
	uint64_t len;
	uint32_t prot;
	/* Index in the table of each level from the root on, and the leaf. */
	unsigned int nr_levels;
	unsigned int index[4];
	uint64_t word;
};

static const struct vector vectors[] = {
	/* 4K pages: L0 1, L1 2, L2 3, L3 4. */
	{ S1,
	  12,
	  48,
	  0x0000008080604000,
	  0x12345678000,
	  0x1000,
	  R | W | C,
	  4,
	  { 1, 2, 3, 4 },
	  0x0060012345678f47 },
	{ S1,
	  12,
	  48,
	  0x0000008080604000,
	  0x12345678000,
	  0x1000,
	  R | W,
	  4,
	  { 1, 2, 3, 4 },
	  0x0060012345678e43 },
	{ S1,
	  12,
	  48,
	  0x0000008080604000,
	  0xffffffffe000,
	  0x1000,
	  R,
	  4,
	  { 1, 2, 3, 4 },
	  0x0060ffffffffeec3 },
	{ S1,
	  12,
	  48,
	  0x0000008080604000,
	  0xfee00000,
	  0x1000,
	  R | W | M,
	  4,
	  { 1, 2, 3, 4 },
	  0x00600000fee00e4b },
	{ S1,
	  12,
	  48,
	  0x0000008080604000,
	  0x1000,
	  0x1000,
	  R | X | C,
	  4,
	  { 1, 2, 3, 4 },
	  0x0000000000001fc7 },
	{ S1,
	  12,
	  48,
	  0x0000008080604000,
	  0x1000,
	  0x1000,
	  R | W | X | P | C,
	  4,
	  { 1, 2, 3, 4 },
	  0x0040000000001f07 },
	{ S1,
	  12,
	  48,
	  0x0000008080604000,
	  0x1000,
	  0x1000,
	  R | P | C,
	  4,
	  { 1, 2, 3, 4 },
	  0x0060000000001f87 },
	/* Write only: readable to the hardware, bit 55 is ours. */
	{ S1,
	  12,
	  48,
	  0x0000008080604000,
	  0x1000,
	  0x1000,
	  W | C,
	  4,
	  { 1, 2, 3, 4 },
	  0x00e0000000001f47 },
	/* Blocks of 2 MiB and 1 GiB. */
	{ S1,
	  12,
	  48,
	  0xffffffe00000,
	  0x40200000,
	  0x200000,
	  R,
	  3,
	  { 511, 511, 511 },
	  0x0060000040200ec1 },
	{ S1,
	  12,
	  48,
	  0x8040000000,
	  0x7fc0000000,
	  0x40000000,
	  R | W | C,
	  2,
	  { 1, 1 },
	  0x0060007fc0000f45 },
	/* A root at level 1. */
	{ S1,
	  12,
	  39,
	  0x7fffffffff - 0xfff,
	  0x2000,
	  0x1000,
	  R | W | C,
	  3,
	  { 511, 511, 511 },
	  0x0060000000002f47 },
	/* 16K: L0 1, L1 2047, L2 0, L3 5; a block of 32 MiB. */
	{ S1,
	  14,
	  48,
	  0xfff000014000,
	  0x123456788000,
	  0x4000,
	  R | W | C,
	  4,
	  { 1, 2047, 0, 5 },
	  0x0060123456788f47 },
	{ S1,
	  14,
	  47,
	  0x2000000,
	  0x6000000,
	  0x2000000,
	  R | W | C,
	  2,
	  { 0, 1 },
	  0x0060000006000f45 },
	/* 64K with 52 bits: address bits 51:48 at 15:12. */
	{ S1,
	  16,
	  52,
	  0xfffffffff0000,
	  0xf123456780000,
	  0x10000,
	  R | W | C,
	  3,
	  { 1023, 8191, 8191 },
	  0x006012345678ff47 },
	{ S1,
	  16,
	  52,
	  0x20000000,
	  0xa000020000000,
	  0x20000000,
	  R | W | C,
	  2,
	  { 0, 1 },
	  0x006000002000af45 },
	/* Stage 2: 40 bits start at level 1 with two tables side by side. */
	{ S2,
	  12,
	  40,
	  0xffc0203000,
	  0x12345678000,
	  0x1000,
	  R | W | C,
	  3,
	  { 1023, 1, 3 },
	  0x00400023456787ff },
	{ S2,
	  12,
	  40,
	  0x200000,
	  0x600000,
	  0x200000,
	  R | M,
	  2,
	  { 0, 1 },
	  0x0040000000600645 },
	{ S2,
	  12,
	  40,
	  0x1000,
	  0x2000,
	  0x1000,
	  W,
	  3,
	  { 0, 0, 1 },
	  0x0040000000002697 },
	{ S2,
	  12,
	  40,
	  0x1000,
	  0x2000,
	  0x1000,
	  R | X | C,
	  3,
	  { 0, 0, 1 },
	  0x000000000000277f },
	{ S2,
	  14,
	  48,
	  0xffffffffc000,
	  0x4000,
	  0x4000,
	  R | W | C,
	  3,
	  { 4095, 2047, 2047 },
	  0x00400000000047ff },
};

static void check(const struct vector *v)
{
	struct uiommu_pgtable_cfg cfg = { .fmt = v->fmt,
					  .granule_lg2 = v->granule_lg2,
					  .ias = v->bits,
					  .oas = v->bits };
	struct uiommu_pgtable_info info;
	struct uiommu_gather gather;
	struct uiommu_pgtable *pt;
	struct test_platform tp;
	uint64_t table, word = 0;

	test_platform_init(&tp);
	test_platform_use_pool(&tp, 1 << 20);
	cfg.platform = &tp.platform;
	assert_int_equal(uiommu_pgtable_create(&cfg, &pt), 0);
	uiommu_pgtable_info(pt, &info);
	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_map(pt, v->iova, v->pa, v->len, v->prot,
					    &gather),
			 0);
	table = info.root;
	for (unsigned int i = 0; i < v->nr_levels; i++) {
		assert_true(test_platform_hw_read64(
			&tp, table + 8 * v->index[i], &word));
		if (i + 1 == v->nr_levels)
			break;
		/* A table: its address and kind 3, nothing else. */
		table = word & 0x0000fffffffff000;
		assert_int_equal(word, table | 3);
	}
	assert_int_equal(word, v->word);
	uiommu_pgtable_destroy(pt);
	test_platform_fini(&tp);
}

static void descriptors_are_those_typed_by_hand(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		print_message("# vector %zu\n", i);
		check(&vectors[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_are_those_typed_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
