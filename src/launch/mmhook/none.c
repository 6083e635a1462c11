/* SPDX-License-Identifier: BSD-2-Clause */
/* none.c - where changes of the address space cannot be seen. */
#include <string.h>

#include <uiommu/process.h>

const struct uiommu_sva_mm *uiommu_process_mm(void)
{
	return NULL;
}

void uiommu_process_mm_info(struct uiommu_process_mm_info *info)
{
	memset(info, 0, sizeof(*info));
}

void uiommu_process_mm_forgo_net(void)
{
}
