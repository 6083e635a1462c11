/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's PASID table, and what it wants forgotten, in words of no hardware's: the
 * entry and the commands that come of them, typed by hand from the specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/smmuv3/unit.h"

#define ARCH UIOMMU_CACHE_ARCH_ID
#define GLOBAL UIOMMU_CACHE_GLOBAL
#define LEAF UIOMMU_CACHE_LEAF

static void full_features(struct smmuv3_features *f)
{
	memset(f, 0, sizeof(*f));
	f->idr[1] = 20 << 6; /* SSIDSIZE */
	f->idr[5] = 7 << 4;  /* GRAN4K, 16K, 64K */
	f->asid_bits = 16;
	f->cd2l = f->ril = f->ats = true;
}

/* ---------------------------------------------------------------- entries */

static const struct table_words {
	struct uiommu_pasid_table table;
	uint64_t q[2];
} table_words[] = {
	{ { .state = UIOMMU_GUEST_BYPASS, .pasid_bits = 63 }, { 0x9, 0 } },
	{ { .state = UIOMMU_GUEST_ABORT, .base = 1 }, { 0x1, 0 } },
	/* One CD: neither format nor who has no PASID counts. */
	{ { .format = 9, .none = 9, .base = 0x43210040 },
	  { 0x4321004b, 0x100000d6 } },
	{ { .pasid_bits = 6,
	    .none = UIOMMU_PASID_NONE_IS_0,
	    .base = 0x40000000 },
	  { 0x300000004000000b, 0x100000d6 } },
	{ { .format = UIOMMU_PASID_TABLE_2L_4K,
	    .pasid_bits = 16,
	    .none = UIOMMU_PASID_NONE_BYPASS,
	    .base = 0x43210000 },
	  { 0x800000004321001b, 0x100000d5 } },
	{ { .format = UIOMMU_PASID_TABLE_2L_64K,
	    .pasid_bits = 20,
	    .none = UIOMMU_PASID_NONE_ABORT,
	    .base = 0x123456780000 },
	  { 0xa00012345678002b, 0x100000d4 } },
};

static void tables_as_entries(void **state)
{
	struct smmuv3_features f;
	uint64_t q[2];

	full_features(&f);
	for (unsigned int i = 0; i < ARRAY_SIZE(table_words); i++) {
		assert_int_equal(smmuv3_make_guest_words(
					 &f, 48, &table_words[i].table, q),
				 0);
		assert_int_equal(q[0], table_words[i].q[0]);
		assert_int_equal(q[1], table_words[i].q[1]);
	}
}

static int try_table(const struct smmuv3_features *f,
		     struct uiommu_pasid_table table)
{
	uint64_t q[2];

	return smmuv3_make_guest_words(f, 40, &table, q);
}

#define TABLE(...) ((struct uiommu_pasid_table){ __VA_ARGS__ })

static void tables_that_are_refused(void **state)
{
	struct smmuv3_features f;

	full_features(&f);
	assert_int_equal(try_table(&f, TABLE(.state = 3)), -EINVAL);
	assert_int_equal(try_table(&f, TABLE(.pasid_bits = 1, .format = 3)),
			 -EINVAL);
	assert_int_equal(try_table(&f, TABLE(.pasid_bits = 1, .none = 3)),
			 -EINVAL);
	assert_int_equal(try_table(&f, TABLE(.pasid_bits = 20)), 0);
	assert_int_equal(try_table(&f, TABLE(.pasid_bits = 21)), -EINVAL);
	assert_int_equal(try_table(&f, TABLE(.pasid_bits = 255)), -EINVAL);
	/* The table's own size is its alignment. */
	assert_int_equal(try_table(&f, TABLE(.base = 32)), -EINVAL);
	assert_int_equal(try_table(&f, TABLE(.pasid_bits = 6, .base = 0x1000)),
			 0);
	assert_int_equal(try_table(&f, TABLE(.pasid_bits = 7, .base = 0x1000)),
			 -EINVAL);
	assert_int_equal(try_table(&f, TABLE(.format = UIOMMU_PASID_TABLE_2L_4K,
					     .pasid_bits = 15, .base = 0x1000)),
			 0);
	assert_int_equal(try_table(&f, TABLE(.format = UIOMMU_PASID_TABLE_2L_4K,
					     .pasid_bits = 16, .base = 0x1000)),
			 -EINVAL);
	assert_int_equal(try_table(&f,
				   TABLE(.format = UIOMMU_PASID_TABLE_2L_64K,
					 .pasid_bits = 16, .base = 0x200)),
			 0);
	assert_int_equal(try_table(&f,
				   TABLE(.format = UIOMMU_PASID_TABLE_2L_64K,
					 .pasid_bits = 16, .base = 0x100)),
			 -EINVAL);
	assert_int_equal(try_table(&f,
				   TABLE(.format = UIOMMU_PASID_TABLE_2L_64K,
					 .pasid_bits = 3, .base = 0x20)),
			 -EINVAL);
	/* To the last byte that the parent translates. */
	assert_int_equal(try_table(&f, TABLE(.base = 0xffffffffc0)), 0);
	assert_int_equal(try_table(&f, TABLE(.base = 0x10000000000)), -EINVAL);
	assert_int_equal(try_table(&f, TABLE(.base = 0xffffffffffffffc0)),
			 -EINVAL);
	f.cd2l = false;
	assert_int_equal(try_table(&f, TABLE(.format = UIOMMU_PASID_TABLE_2L_4K,
					     .pasid_bits = 4)),
			 -EOPNOTSUPP);
	assert_int_equal(try_table(&f, TABLE(.pasid_bits = 4)), 0);
	f.idr[1] = 0;
	assert_int_equal(try_table(&f, TABLE(.pasid_bits = 1)), -EINVAL);
	assert_int_equal(try_table(&f, TABLE(.format = 9)), 0);
}

/* --------------------------------------------------------------- commands */

#define MAX 512
static struct smmu_cmd got[MAX];
static unsigned int nr;

static bool take(void *ctx, struct smmu_cmd cmd)
{
	assert_true(nr < MAX);
	got[nr++] = cmd;
	return true;
}

static void is(unsigned int i, uint64_t q0, uint64_t q1)
{
	assert_true(i < nr);
	assert_int_equal(got[i].q[0], q0);
	assert_int_equal(got[i].q[1], q1);
}

static void tlb(const struct smmuv3_features *f,
		enum uiommu_cache_granularity granularity, uint32_t flags,
		uint64_t addr, uint8_t lg2, uint64_t pages)
{
	const struct uiommu_cache_info info = {
		.type = UIOMMU_CACHE_TLB,
		.granularity = granularity,
		.flags = flags,
		.page_lg2 = lg2,
		.nr_pages = pages,
		.addr = addr,
		.arch_id = 0x42,
	};

	assert_int_equal(smmuv3_forget_check(f, &info), 0);
	nr = 0;
	smmuv3_forget_tlb(f, &info, take, NULL);
}

static void commands_for_TLBs(void **state)
{
	struct smmuv3_features f;

	full_features(&f);
	tlb(&f, UIOMMU_CACHE_ALL_PASIDS, 0, 0, 0, 0);
	assert_int_equal(nr, 1);
	is(0, 0x10, 0);
	tlb(&f, UIOMMU_CACHE_ONE_PASID, ARCH, 0, 0, 0);
	assert_int_equal(nr, 1);
	is(0, 0x0042000000000011, 0);
	/* One page is one address, of any granule. */
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH, 0x12345000, 12, 1);
	assert_int_equal(nr, 1);
	is(0, 0x0042000000000012, 0x12345000);
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH | LEAF, 0x12345000, 12, 1);
	is(0, 0x0042000000000012, 0x12345001);
	tlb(&f, UIOMMU_CACHE_PAGES, GLOBAL | LEAF, 0x12345000, 12, 1);
	assert_int_equal(nr, 1);
	is(0, 0x13, 0x12345001);
	/* Three as well; then it is a range for each granule. */
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH, 0x12345000, 12, 3);
	assert_int_equal(nr, 3);
	is(0, 0x0042000000000012, 0x12345000);
	is(2, 0x0042000000000012, 0x12347000);
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH | LEAF, 0x12344000, 12, 8);
	assert_int_equal(nr, 3);
	/* SCALE 3; SCALE 1; that of 64K begins where its page does. */
	is(0, 0x0042000000300012, 0x12344401);
	is(1, 0x0042000000100012, 0x12344801);
	is(2, 0x0042000000000012, 0x12340001);
	tlb(&f, UIOMMU_CACHE_PAGES, GLOBAL, 0x12200000, 21, 1);
	assert_int_equal(nr, 3);
	is(0, 0x0000000000900013, 0x12200400);
	is(1, 0x0000000000700013, 0x12200800);
	is(2, 0x0000000000500013, 0x12200c00);
}

static void TLBs_without_ranges(void **state)
{
	struct smmuv3_features f;

	full_features(&f);
	f.ril = false;
	/* Up to as many as a flush has. */
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH, 0x12300000, 12, 128);
	assert_int_equal(nr, 128);
	is(0, 0x0042000000000012, 0x12300000);
	is(127, 0x0042000000000012, 0x1237f000);
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH, 0x12380000, 19, 1);
	assert_int_equal(nr, 128);
	is(127, 0x0042000000000012, 0x123ff000);
	/* Pages of all address spaces are among them: no ASID alone. */
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH, 0x12300000, 12, 129);
	assert_int_equal(nr, 1);
	is(0, 0x10, 0);
	tlb(&f, UIOMMU_CACHE_PAGES, GLOBAL, 0x12200000, 21, 1);
	assert_int_equal(nr, 1);
	is(0, 0x10, 0);
	/* By the smallest granule that there is. */
	f.idr[5] = 4 << 4; /* 64K */
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH, 0x12300000, 12, 129);
	assert_int_equal(nr, 9);
	is(8, 0x0042000000000012, 0x12380000);
}

static void TLBs_of_everything(void **state)
{
	struct smmuv3_features f;

	full_features(&f);
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH, 0, 63, 2);
	assert_int_equal(nr, 1);
	is(0, 0x10, 0);
	tlb(&f, UIOMMU_CACHE_PAGES, GLOBAL, 0, 12, UINT64_C(1) << 52);
	assert_int_equal(nr, 1);
	is(0, 0x10, 0);
	/* The largest that are ranges: not many. */
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH, 0, 12, (UINT64_C(1) << 36) - 1);
	assert_in_range(nr, 3, 24);
	/* At the very end. */
	tlb(&f, UIOMMU_CACHE_PAGES, ARCH, 0xfffffffffffff000, 12, 1);
	assert_int_equal(nr, 1);
	is(0, 0x0042000000000012, 0xfffffffffffff000);
}

/* All that a guest may send, so nothing that stops the queue. */
static void commands_that_a_guest_may_send(void **state)
{
	struct smmuv3_features f;

	full_features(&f);
	for (unsigned int i = 0; i < 2000; i++) {
		uint8_t lg2 = 12 + i % 19;
		uint64_t addr = (uint64_t)(i * 2654435761u) << lg2;

		f.ril = i & 1;
		f.ds = i & 2;
		tlb(&f, UIOMMU_CACHE_PAGES, i & 4 ? GLOBAL : ARCH, addr, lg2,
		    1 + i % 97);
		assert_true(nr);
		for (unsigned int j = 0; j < nr; j++)
			assert_int_equal(smmuv3_vcmd_check(&f, &got[j]), 0);
	}
}

static struct uiommu_cache_info of_device(enum uiommu_cache_type type,
					  enum uiommu_cache_granularity gran,
					  uint32_t pasid)
{
	return (struct uiommu_cache_info){
		.type = type,
		.granularity = gran,
		.pasid = pasid,
		.page_lg2 = 12,
		.nr_pages = 1,
		.addr = 0x12345000,
	};
}

static void contexts(enum uiommu_cache_granularity granularity, uint32_t pasid)
{
	const struct uiommu_cache_info info =
		of_device(UIOMMU_CACHE_PASID, granularity, pasid);

	nr = 0;
	smmuv3_forget_contexts(&info, 0x1234, take, NULL);
	assert_int_equal(nr, 1);
}

static void commands_for_contexts(void **state)
{
	contexts(UIOMMU_CACHE_ALL_PASIDS, 7);
	is(0, 0x0000123400000006, 0);
	contexts(UIOMMU_CACHE_ONE_PASID, 0xfffff);
	is(0, 0x00001234fffff005, 0);
	contexts(UIOMMU_CACHE_ONE_PASID, UIOMMU_NO_PASID);
	is(0, 0x0000123400000005, 0);
}

static void atc(const struct uiommu_cache_info *info, bool pasids)
{
	assert_int_equal(uiommu_cache_check(info), 0);
	nr = 0;
	smmuv3_forget_atc(info, 0x1234, pasids, take, NULL);
}

static void commands_for_ATCs(void **state)
{
	struct uiommu_cache_info info;

	/* Those without a PASID, and global. */
	info = of_device(UIOMMU_CACHE_DEVICE_TLB, UIOMMU_CACHE_ALL_PASIDS, 7);
	atc(&info, true);
	assert_int_equal(nr, 2);
	is(0, 0x0000123400000040, 0x34);
	is(1, 0x0000123400000a40, 0x34);
	atc(&info, false);
	assert_int_equal(nr, 1);
	is(0, 0x0000123400000040, 0x34);
	info.granularity = UIOMMU_CACHE_ONE_PASID;
	atc(&info, true);
	assert_int_equal(nr, 1);
	is(0, 0x0000123400007840, 0x34);
	info.pasid = UIOMMU_NO_PASID;
	atc(&info, true);
	assert_int_equal(nr, 1);
	is(0, 0x0000123400000040, 0x34);
	info.pasid = 0;
	atc(&info, true);
	assert_int_equal(nr, 2);
	is(0, 0x0000123400000040, 0x34);
	is(1, 0x0000123400000840, 0x34);
	/* One page, and what is in no aligned block. */
	info.granularity = UIOMMU_CACHE_PAGES;
	info.pasid = 7;
	atc(&info, true);
	assert_int_equal(nr, 1);
	is(0, 0x0000123400007840, 0x12345000);
	info.nr_pages = 6;
	atc(&info, true);
	assert_int_equal(nr, 4);
	is(0, 0x0000123400007840, 0x12345000);
	is(1, 0x0000123400007840, 0x12346001);
	is(2, 0x0000123400007840, 0x12348001);
	is(3, 0x0000123400007840, 0x1234a000);
	info.flags = GLOBAL;
	info.nr_pages = 1;
	atc(&info, true);
	assert_int_equal(nr, 2);
	is(0, 0x0000123400000040, 0x12345000);
	is(1, 0x0000123400000a40, 0x12345000);
}

/* The blocks are the range: each page once, and nothing else. */
static void blocks_of_an_ATC(void **state)
{
	struct uiommu_cache_info info;

	info = of_device(UIOMMU_CACHE_DEVICE_TLB, UIOMMU_CACHE_PAGES, 7);
	for (unsigned int i = 0; i < 4096; i++) {
		uint64_t at;

		info.addr = (uint64_t)(i & 63) << 12;
		info.nr_pages = 1 + (i >> 6);
		at = info.addr;
		atc(&info, true);
		for (unsigned int j = 0; j < nr; j++) {
			uint64_t size = UINT64_C(4096) << (got[j].q[1] & 0x3f);

			assert_int_equal(got[j].q[1] & ~UINT64_C(0xfff), at);
			assert_int_equal(at & (size - 1), 0);
			at += size;
		}
		assert_int_equal(at, info.addr + info.nr_pages * 4096);
	}
	info.addr = 0;
	info.page_lg2 = 63;
	info.nr_pages = 2;
	atc(&info, true);
	assert_int_equal(nr, 1);
	is(0, 0x0000123400007840, 0x34);
	info.addr = 0xfffffffffffff000;
	info.page_lg2 = 12;
	info.nr_pages = 1;
	atc(&info, true);
	assert_int_equal(nr, 1);
	is(0, 0x0000123400007840, 0xfffffffffffff000);
}

/* However large it is, and wherever it ends: few, and little beside what was named. */
static void few_blocks_for_an_ATC(void **state)
{
	struct uiommu_cache_info info;
	uint64_t at, size, last, beside;
	unsigned int i, j;

	info = of_device(UIOMMU_CACHE_DEVICE_TLB, UIOMMU_CACHE_PAGES, 7);
	for (i = 0; i < 4096; i++) {
		/* Odd ends, of each length. */
		info.nr_pages = (UINT64_C(1) << i % 51) +
				(i * UINT64_C(0x9e3779b97f4a7c15) >> 1 >>
				 (63 - i % 51));
		info.addr = (UINT64_C(1) << (12 + i / 51 % 40)) + 0x1000;
		if (info.addr + (info.nr_pages << 12) - 1 < info.addr)
			info.addr = 0x1000;
		last = info.addr + (info.nr_pages << 12) - 1;
		atc(&info, true);
		assert_in_range(nr, 1, 16);
		beside = info.nr_pages <= 256 ? 0 : info.nr_pages << 12 >> 7;
		at = got[0].q[1] & ~UINT64_C(0xfff);
		assert_in_range(info.addr - at, 0, beside);
		for (j = 0; j < nr; j++) {
			size = got[j].q[1] & 0x3f;
			assert_in_range(size, 0, 51);
			size = UINT64_C(4096) << size;
			assert_int_equal(got[j].q[1] & ~UINT64_C(0xfff), at);
			assert_int_equal(at & (size - 1), 0);
			at += size;
		}
		assert_in_range(at - 1 - last, 0, beside);
	}
	/* All but the first and the last page. */
	info.addr = 0x1000;
	info.nr_pages = (UINT64_C(1) << 52) - 2;
	atc(&info, true);
	assert_int_equal(nr, 1);
	is(0, 0x0000123400007840, 0x34);
}

static int check_id(const struct smmuv3_features *f,
		    enum uiommu_cache_type type, uint32_t flags, uint32_t pasid,
		    uint32_t arch_id)
{
	const struct uiommu_cache_info info = {
		.type = type,
		.granularity = flags & GLOBAL ? UIOMMU_CACHE_PAGES
					      : UIOMMU_CACHE_ONE_PASID,
		.flags = flags,
		.page_lg2 = 12,
		.nr_pages = 1,
		.pasid = pasid,
		.arch_id = arch_id,
	};

	return smmuv3_forget_check(f, &info);
}

static void numbers_in_range(void **state)
{
	struct smmuv3_features f;

	full_features(&f);
	assert_int_equal(check_id(&f, UIOMMU_CACHE_TLB, ARCH, ~2u, 0xffff), 0);
	assert_int_equal(check_id(&f, UIOMMU_CACHE_TLB, ARCH, 1, 0x10000),
			 -EINVAL);
	assert_int_equal(check_id(&f, UIOMMU_CACHE_TLB, 0, 1, 1), -EINVAL);
	assert_int_equal(check_id(&f, UIOMMU_CACHE_TLB, GLOBAL, 1, 0x10000), 0);
	f.asid_bits = 8;
	assert_int_equal(check_id(&f, UIOMMU_CACHE_TLB, ARCH, 1, 0xff), 0);
	assert_int_equal(check_id(&f, UIOMMU_CACHE_TLB, ARCH, 1, 0x100),
			 -EINVAL);
	assert_int_equal(check_id(&f, UIOMMU_CACHE_PASID, 0, 0xfffff, ~0u), 0);
	assert_int_equal(check_id(&f, UIOMMU_CACHE_PASID, 0, 0x100000, 0),
			 -EINVAL);
	assert_int_equal(check_id(&f, UIOMMU_CACHE_DEVICE_TLB, 0, 0x100000, 0),
			 -EINVAL);
	assert_int_equal(
		check_id(&f, UIOMMU_CACHE_DEVICE_TLB, GLOBAL, 0x100000, 0), 0);
	f.idr[1] = 0;
	assert_int_equal(check_id(&f, UIOMMU_CACHE_PASID, 0, 1, 0), -EINVAL);
	assert_int_equal(
		check_id(&f, UIOMMU_CACHE_PASID, 0, UIOMMU_NO_PASID, 0), 0);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(tables_as_entries),
		cmocka_unit_test(tables_that_are_refused),
		cmocka_unit_test(commands_for_TLBs),
		cmocka_unit_test(TLBs_without_ranges),
		cmocka_unit_test(TLBs_of_everything),
		cmocka_unit_test(commands_that_a_guest_may_send),
		cmocka_unit_test(commands_for_contexts),
		cmocka_unit_test(commands_for_ATCs),
		cmocka_unit_test(blocks_of_an_ATC),
		cmocka_unit_test(few_blocks_for_an_ATC),
		cmocka_unit_test(numbers_in_range),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
