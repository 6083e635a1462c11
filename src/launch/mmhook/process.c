/* SPDX-License-Identifier: BSD-2-Clause */
/* process.c - this process's address space as others see it. */
#include <string.h>
#include <unistd.h>

#include "mmhook.h"

static const struct uiommu_sva_mm process_mm = {
	.subscribe = mm_subscribe,
	.unsubscribe = mm_unsubscribe,
	.populate = mm_populate,
	.hold = mm_hold,
	.release = mm_release,
	.page_lg2 = MM_PAGE_LG2,
	.va_bits = MM_VA_BITS,
};

const struct uiommu_sva_mm *uiommu_process_mm(void)
{
	return sysconf(_SC_PAGESIZE) == (long)MM_PAGE ? &process_mm : NULL;
}

void uiommu_process_mm_info(struct uiommu_process_mm_info *info)
{
	struct mm_state *state = mm_state_get();

	memset(info, 0, sizeof(*info));
	if (!state)
		return;
	mm_lock(state);
	mm_install_info(info);
	info->told = load_relaxed(&state->told);
	info->late = load_relaxed(&state->late);
	info->net = mm_net_is_there(state);
	info->nested = load_relaxed(&state->nested);
	mm_unlock(state);
}
