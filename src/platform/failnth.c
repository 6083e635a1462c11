/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * failnth.c - make the nth fallible call fail.
 *
 * Tests walk a path again and again with n = 1, 2, 3... until the request no
 * longer fires: then every allocation of the path has failed once.  `left`
 * counts down atomically, so with several threads exactly one call fails.
 */
#include "platform_private.h"

void host_failnth_arm(struct failnth *fail, uint64_t nth)
{
	store_relaxed(&fail->left, 0);
	store_relaxed(&fail->fired, 0);
	store_release(&fail->left, nth);
}

bool host_failnth_hit_(struct failnth *fail)
{
	uint64_t left = load_relaxed(&fail->left);

	do {
		if (!left)
			return false;
	} while (!cmpxchg_acq_rel(&fail->left, &left, left - 1));

	if (left != 1)
		return false;
	store_release(&fail->fired, 1);
	return true;
}

bool uiommu_host_fail_nth(struct uiommu_host *host, uint64_t nth)
{
	bool fired = load_acquire(&host->fail.fired);

	host_failnth_arm(&host->fail, nth);
	return fired;
}

bool uiommu_host_fail_point(struct uiommu_host *host)
{
	return host_failnth_hit(&host->fail);
}

uint64_t uiommu_host_fail_left(const struct uiommu_host *host)
{
	return load_acquire(&host->fail.left);
}
