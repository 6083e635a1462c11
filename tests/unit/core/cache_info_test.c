/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache_info_test.c - what may be asked for of caches, whatever the unit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <uiommu/nested.h>

/* Each value of what is asked for, against the table by hand. */
static void what_may_be_asked_for(void **state)
{
	/* By type, granularity; 1: legal. */
	static const bool legal[3][3] = {
		{ 1, 1, 1 },
		{ 1, 1, 1 },
		{ 1, 1, 0 },
	};
	struct uiommu_cache_info info;

	for (unsigned int type = 0; type < 4; type++) {
		for (unsigned int gran = 0; gran < 4; gran++) {
			info = (struct uiommu_cache_info){
				.type = type,
				.granularity = gran,
				.flags = UIOMMU_CACHE_ARCH_ID,
				.page_lg2 = 12,
				.nr_pages = 1,
			};
			assert_int_equal(uiommu_cache_check(&info),
					 type < 3 && gran < 3 &&
							 legal[type][gran]
						 ? 0
						 : -EINVAL);
			info.flags |= 8;
			assert_int_equal(uiommu_cache_check(&info), -EINVAL);
			info.flags = 0;
			assert_int_equal(uiommu_cache_check(&info),
					 type < 3 && gran < 3 &&
							 legal[type][gran] &&
							 (type != 1 || !gran)
						 ? 0
						 : -EINVAL);
		}
	}
}

static int pages(uint64_t addr, uint8_t lg2, uint64_t nr)
{
	const struct uiommu_cache_info info = {
		.type = UIOMMU_CACHE_DEVICE_TLB,
		.granularity = UIOMMU_CACHE_PAGES,
		.page_lg2 = lg2,
		.nr_pages = nr,
		.addr = addr,
	};

	return uiommu_cache_check(&info);
}

static void ranges_that_may_be(void **state)
{
	assert_int_equal(pages(0x1000, 12, 1), 0);
	assert_int_equal(pages(0x1000, 12, 0), -EINVAL);
	assert_int_equal(pages(0x1800, 12, 1), -EINVAL);
	assert_int_equal(pages(0x1000, 11, 1), -EINVAL);
	assert_int_equal(pages(0x1000, 13, 1), -EINVAL);
	assert_int_equal(pages(0, 63, 2), 0);
	assert_int_equal(pages(0, 63, 3), -EINVAL);
	assert_int_equal(pages(UINT64_C(1) << 63, 63, 1), 0);
	assert_int_equal(pages(UINT64_C(1) << 63, 63, 2), -EINVAL);
	assert_int_equal(pages(0, 64, 1), -EINVAL);
	assert_int_equal(pages(0, 255, 1), -EINVAL);
	assert_int_equal(pages(0xfffffffffffff000, 12, 1), 0);
	assert_int_equal(pages(0xfffffffffffff000, 12, 2), -EINVAL);
	assert_int_equal(pages(0, 12, UINT64_C(1) << 52), 0);
	assert_int_equal(pages(0x1000, 12, UINT64_C(1) << 52), -EINVAL);
	assert_int_equal(pages(0, 12, UINT64_MAX), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(what_may_be_asked_for),
		cmocka_unit_test(ranges_that_may_be),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
