/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher's machines get mock devices on demand.  What is made here lives as
 * long as the process.
 */
#include "launch/extend.h"

#include <stdlib.h>

#include "mock.h"

void launch_extend(struct uiommu_machine_cfg *cfg)
{
	struct test_world *world = calloc(1, sizeof(*world));
	struct uiommu_abi_extra *extra = calloc(1, sizeof(*extra));

	if (!world || !extra)
		abort();
	test_extra_init(extra, world);
	cfg->extra = extra;
}

bool launch_extends(const char *path)
{
	return test_is_fail_nth(path);
}
