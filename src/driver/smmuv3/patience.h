/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patience.h - how long to wait for the hardware.
 *
 * Time in which the waiter itself did not run says nothing about the hardware:
 * a stopped process, a paused virtual machine or a busy host must not look like
 * an SMMU that does not answer.  So of the time between two looks only a
 * quarter of the limit counts at most, and giving up takes at least four looks.
 */
#ifndef DRIVER_SMMUV3_PATIENCE_H
#define DRIVER_SMMUV3_PATIENCE_H

#include <uiommu/platform.h>

#include "base/bits.h"

struct smmuv3_patience {
	uint64_t limit_ns;
	uint64_t spent_ns;
	uint64_t seen_ns; /* clock at the last look; 0: none yet */
};

static inline void smmuv3_patience_start(struct smmuv3_patience *patience,
					 uint64_t limit_ns)
{
	patience->limit_ns = limit_ns;
	patience->spent_ns = 0;
	patience->seen_ns = 0;
}

/* One more look that found nothing; true: it was one too many. */
static inline bool smmuv3_patience_over(struct smmuv3_patience *patience,
					const struct uiommu_platform *p)
{
	uint64_t now = p->now_ns(p->ctx);

	if (patience->seen_ns)
		patience->spent_ns += min_u64(now - patience->seen_ns,
					      patience->limit_ns / 4 + 1);
	patience->seen_ns = now;
	return patience->spent_ns > patience->limit_ns;
}

#endif /* DRIVER_SMMUV3_PATIENCE_H */
