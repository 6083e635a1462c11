/* SPDX-License-Identifier: BSD-2-Clause */
/* Bits, fields, little-endian words, lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/list.h"
#include "base/overflow.h"

static void masks_cover_both_ends(void **state)
{
	assert_int_equal(GENMASK64(63, 0), UINT64_MAX);
	assert_int_equal(GENMASK64(51, 12), 0x000ffffffffff000ull);
	assert_int_equal(GENMASK32(31, 31), 0x80000000u);
	assert_int_equal(mask_lg2(0), 0);
	assert_int_equal(mask_lg2(64), UINT64_MAX);
}

static void fields_go_in_and_out(void **state)
{
	uint64_t mask = GENMASK64(51, 48), word;

	word = field_set(UINT64_MAX, mask, 5);
	assert_int_equal(FIELD_GET(mask, word), 5);
	assert_int_equal(word | mask, UINT64_MAX);
	assert_int_equal(FIELD_PREP(mask, 0x1f), mask);
	assert_int_equal(FIELD_MAX(mask), 15);
}

static void alignment_and_logarithms(void **state)
{
	assert_int_equal(align_up_lg2(4097, 12), 8192);
	assert_int_equal(align_down_lg2(4097, 12), 4096);
	assert_int_equal(ilog2_u64(UINT64_MAX), 63);
	assert_int_equal(ffs_u64(0), 64);
	assert_true(is_pow2(1ull << 63));
	assert_false(is_pow2(0));
}

static void little_endian_in_memory(void **state)
{
	le64_t w = cpu_to_le64(0x0123456789abcdefull);
	uint8_t bytes[8];

	memcpy(bytes, &w, sizeof(bytes));
	assert_int_equal(bytes[0], 0xef);
	assert_int_equal(bytes[7], 0x01);
	assert_int_equal(le64_to_cpu(w), 0x0123456789abcdefull);
}

static void last_byte_wraps_are_seen(void **state)
{
	uint64_t last;

	assert_false(last_overflows(UINT64_MAX, 1, &last));
	assert_int_equal(last, UINT64_MAX);
	assert_true(last_overflows(UINT64_MAX, 2, &last));
}

struct item {
	int value;
	struct list node;
};

static void lists_keep_order(void **state)
{
	struct item items[3] = { { 1 }, { 2 }, { 3 } }, *it, *tmp;
	struct list head;
	int sum = 0;

	list_init(&head);
	assert_true(list_empty(&head));
	for (int i = 0; i < 3; i++)
		list_add_tail(&head, &items[i].node);
	list_for_each(it, &head, node)
		sum = sum * 10 + it->value;
	assert_int_equal(sum, 123);
	list_for_each_safe(it, tmp, &head, node)
		if (it->value == 2)
			list_del(&it->node);
	assert_ptr_equal(list_first(&head, struct item, node), &items[0]);
	assert_ptr_equal(items[0].node.next, &items[2].node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_cover_both_ends),
		cmocka_unit_test(fields_go_in_and_out),
		cmocka_unit_test(alignment_and_logarithms),
		cmocka_unit_test(little_endian_in_memory),
		cmocka_unit_test(last_byte_wraps_are_seen),
		cmocka_unit_test(lists_keep_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
