/* SPDX-License-Identifier: BSD-2-Clause */
#include "extend.h"

void launch_extend(struct uiommu_machine_cfg *cfg)
{
}

bool launch_extends(const char *path)
{
	return false;
}
