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
	uint32_t prot;
	uint64_t iova;
	uint64_t pa;
	uint64_t len;
	uint64_t word;
	/* Index in the table of each level from the root on. */
	unsigned int nr_levels;
	unsigned int index[5];
	uint32_t features;
};

#define V(fmt, granule, bits, prot, iova, pa, len, word, nr, ...)  \
	{                                                          \
		fmt, granule, bits, prot, iova, pa, len, word, nr, \
		{                                                  \
			__VA_ARGS__                                \
		}                                                  \
	}
#define VF(features, fmt, granule, bits, prot, iova, pa, len, word, nr, ...) \
	{                                                                    \
		fmt, granule, bits, prot, iova, pa, len, word, nr,           \
			{ __VA_ARGS__ }, features                            \
	}
#define DS UIOMMU_PGTABLE_DS
#define DBM UIOMMU_PGTABLE_DBM
#define CONT UIOMMU_PGTABLE_CONTIG
/* A 4K page at level-0 index 1, level-1 index 2, then 3, then 4. */
#define PAGE(prot, pa, word) \
	V(S1, 12, 48, prot, 0x8080604000, pa, 0x1000, word, 4, 1, 2, 3, 4)

static const struct vector vectors[] = {
	PAGE(R | W | C, 0x12345678000, 0x0060012345678f47),
	PAGE(R | W, 0x12345678000, 0x0060012345678e43),
	PAGE(R, 0xffffffffe000, 0x0060ffffffffeec3),
	PAGE(R | W | M, 0xfee00000, 0x00600000fee00e4b),
	PAGE(R | X | C, 0x1000, 0x0000000000001fc7),
	PAGE(R | W | X | P | C, 0x1000, 0x0040000000001f07),
	PAGE(R | P | C, 0x1000, 0x0060000000001f87),
	/* Write only: readable to the hardware, bit 55 is ours. */
	PAGE(W | C, 0x1000, 0x00e0000000001f47),
	/* Blocks of 2 MiB and 1 GiB. */
	V(S1, 12, 48, R, 0xffffffe00000, 0x40200000, 0x200000,
	  0x0060000040200ec1, 3, 511, 511, 511),
	V(S1, 12, 48, R | W | C, 0x8040000000, 0x7fc0000000, 0x40000000,
	  0x0060007fc0000f45, 2, 1, 1),
	/* A root at level 1. */
	V(S1, 12, 39, R | W | C, 0x7ffffff000, 0x2000, 0x1000,
	  0x0060000000002f47, 3, 511, 511, 511),
	/* 16K pages, and a block of 32 MiB. */
	V(S1, 14, 48, R | W | C, 0xfff000014000, 0x123456788000, 0x4000,
	  0x0060123456788f47, 4, 1, 2047, 0, 5),
	V(S1, 14, 47, R | W | C, 0x2000000, 0x6000000, 0x2000000,
	  0x0060000006000f45, 2, 0, 1),
	/* 64K with 52 bits: address bits 51:48 at 15:12. */
	V(S1, 16, 52, R | W | C, 0xfffffffff0000, 0xf123456780000, 0x10000,
	  0x006012345678ff47, 3, 1023, 8191, 8191),
	V(S1, 16, 52, R | W | C, 0x20000000, 0xa000020000000, 0x20000000,
	  0x006000002000af45, 2, 0, 1),
	/* Stage 2: 40 bits start at level 1, two tables side by side. */
	V(S2, 12, 40, R | W | C, 0xffc0203000, 0x2345678000, 0x1000,
	  0x00400023456787ff, 3, 1023, 1, 3),
	V(S2, 12, 40, R | M, 0x200000, 0x600000, 0x200000, 0x0040000000600645,
	  2, 0, 1),
	V(S2, 12, 40, W, 0x1000, 0x2000, 0x1000, 0x0040000000002697, 3, 0, 0,
	  1),
	V(S2, 12, 40, R | X | C, 0x1000, 0x2000, 0x1000, 0x000000000000277f, 3,
	  0, 0, 1),
	V(S2, 14, 48, R | W | C, 0xffffffffc000, 0x4000, 0x4000,
	  0x00400000000047ff, 3, 4095, 2047, 2047),
	/* DS: address bits 51:50 at 9:8, where SH stood; levels -1 and 0. */
	VF(DS, S1, 12, 52, R | W | C, 0x8008080604000, 0xf123456789000, 0x1000,
	   0x0063123456789f47, 5, 8, 1, 2, 3, 4),
	VF(DS, S1, 12, 52, R | W | C, 0x8080604000, 0x4000000001000, 0x1000,
	   0x0060000000001d47, 5, 0, 1, 2, 3, 4),
	VF(DS, S1, 12, 48, R | W | C, 0x8080604000, 0x1000, 0x1000,
	   0x0060000000001c47, 4, 1, 2, 3, 4),
	VF(DS, S1, 12, 52, R | W | C, 0x8000000000, 0xc008000000000,
	   0x8000000000, 0x0060008000000f45, 2, 0, 1),
	VF(DS, S1, 14, 52, R | W | C, 0x8801ffe014000, 0x8000000004000, 0x4000,
	   0x0060000000004e47, 4, 17, 1, 2047, 5),
	VF(DS, S1, 14, 52, R | W | C, 0x1000000000, 0x5000000000, 0x1000000000,
	   0x0060005000000c45, 2, 0, 1),
	VF(DS, S2, 12, 52, R | W | C, 0xffffffffff000, 0x4000000002000, 0x1000,
	   0x00400000000025ff, 4, 8191, 511, 511, 511),
	/* 64K: a block of 4T comes with 52 bits. */
	V(S1, 16, 52, R | W | C, 0x40000000000, 0xa040000000000, 0x40000000000,
	  0x006004000000af45, 1, 1),
	/* Writable and clean: DBM is 51, AP[2] set or S2AP[1] clear. */
	VF(DBM, S1, 12, 48, R | W | C, 0x8080604000, 0x12345678000, 0x1000,
	   0x0068012345678fc7, 4, 1, 2, 3, 4),
	VF(DBM, S1, 12, 48, R | C, 0x8080604000, 0x12345678000, 0x1000,
	   0x0060012345678fc7, 4, 1, 2, 3, 4),
	VF(DBM, S2, 12, 40, R | W | C, 0xffc0203000, 0x2345678000, 0x1000,
	   0x004800234567877f, 3, 1023, 1, 3),
	VF(DBM, S2, 12, 40, W, 0x1000, 0x2000, 0x1000, 0x0048000000002617, 3, 0,
	   0, 1),
	/* Contiguous: 52.  16 pages of 4K, the first and not the last slot. */
	VF(CONT, S1, 12, 48, R | W | C, 0x8080610000, 0x12345670000, 0x10000,
	   0x0070012345670f47, 4, 1, 2, 3, 16),
	VF(CONT, S1, 12, 48, R | W | C, 0x8080610000, 0x12345670000, 0xf000,
	   0x0060012345670f47, 4, 1, 2, 3, 16),
	VF(CONT, S2, 14, 48, R | W | C, 0x200000, 0x400000, 0x200000,
	   0x00500000004007ff, 3, 0, 0, 128),
};

static void check(const struct vector *v)
{
	struct uiommu_pgtable_cfg cfg = { .fmt = v->fmt,
					  .granule_lg2 = v->granule_lg2,
					  .ias = v->bits,
					  .oas = v->bits,
					  .features = v->features };
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
