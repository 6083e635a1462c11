/* SPDX-License-Identifier: BSD-2-Clause */
/* user_data_test.c - how drivers fetch a client's bytes: nested.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <uiommu/nested.h>

/* Its memory begins at this address; accesses fail from the nth byte on. */
#define BASE 0x1000
struct client {
	uint8_t *mem;
	size_t good;
};

static int read_client(void *ctx, void *dst, uint64_t at, size_t len)
{
	const struct client *c = ctx;

	if (at - BASE + len > c->good)
		return -EFAULT;
	memcpy(dst, c->mem + at - BASE, len);
	return 0;
}

static int write_client(void *ctx, uint64_t at, const void *src, size_t len)
{
	const struct client *c = ctx;

	if (at - BASE + len > c->good)
		return -EFAULT;
	memcpy(c->mem + at - BASE, src, len);
	return 0;
}

static void one_structure(void **state)
{
	uint8_t mem[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, out[8];
	struct client c = { mem, 8 };
	const struct uiommu_user_mem from = { &c, read_client, write_client };
	struct uiommu_user_data data = {
		.mem = &from, .type = 3, .len = 8, .at = BASE
	};

	assert_int_equal(uiommu_user_get(&data, 3, out, 8, 4), 0);
	assert_memory_equal(out, mem, 8);
	data.len = 5;
	assert_int_equal(uiommu_user_get(&data, 3, out, 8, 4), 0);
	assert_memory_equal(out, ((uint8_t[]){ 1, 2, 3, 4, 5, 0, 0, 0 }), 8);
	/* What it is comes before the question whether it is there. */
	data.at = BASE + 100;
	assert_int_equal(uiommu_user_get(&data, 4, out, 8, 4), -EINVAL);
	assert_int_equal(uiommu_user_get(&data, 3, out, 4, 4), -EINVAL);
	assert_int_equal(uiommu_user_get(&data, 3, out, 8, 6), -EINVAL);
	assert_int_equal(uiommu_user_get(&data, 3, out, 8, 4), -EFAULT);
	assert_int_equal(uiommu_user_put(&data, 4, out, 8, 4), -EINVAL);
	assert_int_equal(uiommu_user_put(&data, 3, out, 8, 4), -EFAULT);
	data.at = BASE;
	memset(out, 7, sizeof(out));
	assert_int_equal(uiommu_user_put(&data, 3, out, 8, 4), 0);
	assert_memory_equal(mem, ((uint8_t[]){ 7, 7, 7, 7, 7, 6 }), 6);
}

static void one_of_several(void **state)
{
	const uint32_t in[] = { 1, 2, 3, 4 };
	const struct uiommu_user_array array = {
		.type = 3, .entry_len = 8, .entry_num = 2, .at = (uintptr_t)in
	};
	uint32_t out[2];

	assert_int_equal(uiommu_user_get_entry(&array, 3, 1, out, 8, 8), 0);
	assert_int_equal(out[0], 3);
	assert_int_equal(out[1], 4);
	assert_int_equal(uiommu_user_get_entry(&array, 2, 1, out, 8, 8),
			 -EINVAL);
	assert_int_equal(uiommu_user_get_entry(&array, 3, 1, out, 4, 4),
			 -EINVAL);
}

/* How a whole array is fetched: nested.h says it, drivers rely on it. */
static void entries_of_any_length(void **state)
{
	uint32_t in[6] = { 1, 2, 0, 3, 4, 0 }, out[4];
	struct uiommu_user_array array = {
		.type = 9, .entry_len = 12, .entry_num = 2, .at = (uintptr_t)in
	};

	assert_int_equal(uiommu_user_get_all(&array, 9, out, 8), 0);
	assert_memory_equal(out, ((uint32_t[]){ 1, 2, 3, 4 }), 16);
	in[5] = 1;
	assert_int_equal(uiommu_user_get_all(&array, 9, out, 8), -E2BIG);
	array.entry_len = 4;
	array.entry_num = 2;
	assert_int_equal(uiommu_user_get_all(&array, 9, out, 8), 0);
	assert_memory_equal(out, ((uint32_t[]){ 1, 0, 2, 0 }), 16);
	array.entry_len = 8;
	array.entry_num = 1;
	assert_int_equal(uiommu_user_get_all(&array, 9, out, 8), 0);
	assert_memory_equal(out, ((uint32_t[]){ 1, 2 }), 8);
	assert_int_equal(uiommu_user_get_all(&array, 8, out, 8), -EINVAL);
	array.entry_num = 0;
	assert_int_equal(uiommu_user_get_all(&array, 9, out, 8), -EINVAL);
}

/* The long rest of an entry is looked at to its end. */
static void a_long_rest(void **state)
{
	static uint8_t mem[300];
	struct client c = { mem, sizeof(mem) };
	const struct uiommu_user_mem from = { &c, read_client, NULL };
	const struct uiommu_user_array array = { .mem = &from,
						 .type = 3,
						 .entry_len = 300,
						 .entry_num = 1,
						 .at = BASE };
	uint64_t out;

	assert_int_equal(uiommu_user_get_all(&array, 3, &out, 8), 0);
	mem[299] = 1;
	assert_int_equal(uiommu_user_get_all(&array, 3, &out, 8), -E2BIG);
	c.good = 299;
	assert_int_equal(uiommu_user_get_all(&array, 3, &out, 8), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(one_structure),
		cmocka_unit_test(one_of_several),
		cmocka_unit_test(entries_of_any_length),
		cmocka_unit_test(a_long_rest),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
