/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iopf_private.h - what iopf.c (groups come up) and iopf_answer.c (answers go
 * down) share.
 */
#ifndef CORE_IOPF_PRIVATE_H
#define CORE_IOPF_PRIVATE_H

#include "core_private.h"

/* A domain with a handler in use by a device, or by a PASID of it. */
struct core_iopf_att {
	struct list node; /* core_iopf.atts; then in its ender's list */
	struct uiommu_device *dev;
	struct uiommu_domain *domain;
	uint32_t pasid;
	/* Under core_iopf.lock: what an ender has to wait for. */
	uint32_t calls;	 /* of the handler, under way */
	uint32_t groups; /* in core_iopf.groups */
};

enum core_iopf_state {
	CORE_IOPF_WAITS,
	CORE_IOPF_ANSWERED, /* somebody answers, or has */
};

/*
 * Who takes the state from WAITS to ANSWERED answers the group.  It stands in
 * its device's list until the answer has been given, which keeps device, domain
 * and attachment: whoever ends them waits for that.
 */
struct core_iopf_group {
	struct uiommu_iopf_group pub; /* first */
	struct uiommu_core *core;
	struct core_iopf_att *att;
	struct list node; /* core_iopf.groups; its lock */
	struct list work; /* of who answers several */
	uint32_t refs;	  /* atomic */
	uint32_t state;	  /* enum core_iopf_state; atomic */
	bool delivered;	  /* the handler has returned; core_iopf.lock */
	uint32_t hw_id;	  /* whom the hardware wants answered */
	uint64_t born;	  /* platform's clock */
	struct uiommu_iopf fault[];
};

/* Who calls is the one that answers; false: another is. */
bool core_iopf_claim(struct core_iopf_group *group);
/*
 * Answer a claimed group and let the list's reference go.  `withdraw`: tell the
 * handler.  No lock held.
 */
int core_iopf_answer(struct core_iopf_group *group, enum uiommu_page_code code,
		     bool withdraw);
/* Groups of the device that have waited for too long. */
void core_iopf_expire(struct uiommu_device *dev);

#endif /* CORE_IOPF_PRIVATE_H */
