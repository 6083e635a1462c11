/* SPDX-License-Identifier: BSD-2-Clause */
/* The little formatter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/smmuv3/log.h"

static char last[512];
static enum uiommu_log_level last_level;

static void keep(void *ctx, enum uiommu_log_level level, const char *msg)
{
	assert_true(strlen(msg) < sizeof(last));
	strcpy(last, msg);
	last_level = level;
}

static const struct uiommu_platform platform = { .log = keep };

static void conversions(void **state)
{
	smmuv3_log(&platform, UIOMMU_LOG_WARN, "%s %u %x %llu %llx %%", "a",
		   4294967295u, 0xdeadbeefu, 18446744073709551615ull,
		   0xfedcba9876543210ull);
	assert_string_equal(last, "smmuv3: a 4294967295 deadbeef "
				  "18446744073709551615 fedcba9876543210 %");
	assert_int_equal(last_level, UIOMMU_LOG_WARN);
	smmuv3_log(&platform, UIOMMU_LOG_INFO, "%u%x", 0u, 0u);
	assert_string_equal(last, "smmuv3: 00");
}

static void long_lines_are_cut(void **state)
{
	char text[400];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	smmuv3_log(&platform, UIOMMU_LOG_ERROR, "%s%u", text, 7u);
	assert_int_equal(strlen(last), 159);
	assert_int_equal(last[158], 'x');
}

static void no_log_no_output(void **state)
{
	const struct uiommu_platform mute = { 0 };

	last[0] = 0;
	smmuv3_log(&mute, UIOMMU_LOG_ERROR, "%s", "x");
	assert_int_equal(last[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversions),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(no_log_no_output),
	};

	return cmocka_run_group_tests_name("driver-log", tests, NULL, NULL);
}
