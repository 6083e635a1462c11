/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of PASIDs against a naive array. */
#include <stdlib.h>
#include <string.h>

#include "abi/iommufd/private.h"
#include "ufd_env.h"

/* Numbers from `base` on, some ten to a chunk. */
#define NUMBERS 4096u
#define STEP 97u

static bool in[NUMBERS];

static void check_all(const struct ufd_pasid_set *set, uint32_t base,
		      unsigned int nr)
{
	uint32_t any;

	for (uint32_t i = 0; i < NUMBERS; i++)
		assert_int_equal(ufd_pasid_has(set, base + i * STEP), in[i]);
	assert_int_equal(ufd_pasid_any(set, &any), nr != 0);
	if (nr) {
		assert_int_equal((any - base) % STEP, 0);
		assert_true(in[(any - base) / STEP]);
	}
}

static void as_an_array(void **state)
{
	static const uint32_t bases[] = { 1, UINT32_MAX - NUMBERS * STEP };
	struct ufd_env *env = *state;
	unsigned int seed = 7;

	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		struct ufd_pasid_set set = { 0 };
		unsigned int nr = 0;

		memset(in, 0, sizeof(in));
		for (unsigned int round = 0; round < 60000; round++) {
			uint32_t i = (uint32_t)rand_r(&seed) % NUMBERS;
			uint32_t pasid = bases[b] + i * STEP;
			/* It grows, and then it shrinks. */
			bool add = (rand_r(&seed) % 4 != 0) == (round < 30000);

			if (add == in[i])
				continue;
			if (add) {
				assert_int_equal(ufd_pasid_reserve(env->abi,
								   &set, pasid),
						 0);
				ufd_pasid_add(&set, pasid);
				nr++;
			} else {
				ufd_pasid_remove(env->abi, &set, pasid);
				nr--;
			}
			in[i] = add;
			if (round % 2000 == 0)
				check_all(&set, bases[b], nr);
		}
		check_all(&set, bases[b], nr);
		assert_true(nr > 0);
		for (uint32_t any; ufd_pasid_any(&set, &any); nr--)
			ufd_pasid_remove(env->abi, &set, any);
		assert_int_equal(nr, 0);
		assert_int_equal(set.nr, 0);
		assert_null(set.at);
	}
}

/* Without memory nothing is lost; room that is there needs none. */
static void without_memory(void **state)
{
	struct ufd_env *env = *state;
	struct ufd_pasid_set set = { 0 };
	unsigned int refused = 0;

	for (uint32_t i = 0; i < 40; i++) {
		test_platform_fail_nth(&env->tp, 1);
		if (ufd_pasid_reserve(env->abi, &set, i * 4096 + 1)) {
			refused++;
			test_platform_fail_nth(&env->tp, 0);
			assert_int_equal(ufd_pasid_reserve(env->abi, &set,
							   i * 4096 + 1),
					 0);
		}
		test_platform_fail_nth(&env->tp, 0);
		ufd_pasid_add(&set, i * 4096 + 1);
		for (uint32_t j = 0; j <= i; j++)
			assert_true(ufd_pasid_has(&set, j * 4096 + 1));
	}
	assert_true(refused >= 5);
	ufd_pasid_unreserve(env->abi, &set);
	assert_true(ufd_pasid_has(&set, 1));
	for (uint32_t i = 0; i < 40; i++)
		ufd_pasid_remove(env->abi, &set, i * 4096 + 1);
	/* Room that nobody used. */
	assert_int_equal(ufd_pasid_reserve(env->abi, &set, 5), 0);
	ufd_pasid_unreserve(env->abi, &set);
	assert_null(set.at);
}

int main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)
	const struct CMUnitTest tests[] = {
		T(as_an_array),
		T(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
