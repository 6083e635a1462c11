/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * endpoint.h - the insides of an endpoint: endpoint.c moves data, endpoint_pri.c
 * asks for pages.
 *
 * `lock` protects the groups, the lists and `running`.  It is innermost: nothing
 * is called with it held, and no thread inside the model (drain.h) waits for it.
 * `ats` and `pri` are read without it; counters are atomic.
 */
#ifndef MODEL_SMMUV3_ENDPOINT_INTERNAL_H
#define MODEL_SMMUV3_ENDPOINT_INTERNAL_H

#include <uiommu/smmuv3_endpoint.h>

#include "atc.h"
#include "msmmu.h"

enum group_state {
	GROUP_FREE,
	GROUP_SENDING,	/* the answer, if it is quick, is for the sender */
	GROUP_ANSWERED, /* it was */
	GROUP_WAITING,
};

/* A page request group; its number is its index. */
struct ep_group {
	enum group_state state;
	enum uiommu_pri_code code;
	struct uiommu_smmuv3_dma *req; /* waits for it, or NULL: */
	void *cookie;		       /* of page_request() */
	uint32_t next;		       /* free */
	uint32_t ssid;
	bool ssv;
};

/* Requests in the order they came, linked through EP_NEXT. */
struct ep_fifo {
	struct uiommu_smmuv3_dma *first, *last;
};

/* Words of req->opaque. */
enum {
	EP_NEXT,
	EP_STATUS,   /* 0: go on; else how it ends */
	EP_ATTEMPTS, /* pages asked for since the last byte was moved */
};

#define EP_ATTEMPTS_MAX 8u

#define EP_ATS_USABLE 1u /* of `ats`; above it, how often it was set */

struct uiommu_smmuv3_endpoint {
	msmmu *m;
	struct uiommu_smmuv3_endpoint_config config;
	uint8_t stu_lg2; /* atomic */
	struct atc atc;
	uint64_t ats; /* EP_ATS_* */
	uint32_t pri; /* enabled */

	pthread_mutex_t lock;
	struct ep_group *group;
	uint32_t free_first, free_last; /* groups, nr_groups: none */
	uint32_t limit, in_use;		/* groups */
	struct ep_fifo turn;		/* DMA that waits for a group */
	struct ep_fifo ready;		/* DMA that may go on */
	bool running;			/* somebody takes from `ready` */

	struct uiommu_smmuv3_endpoint_stats stats;
};

#define EP_COUNT(ep, name) fetch_add_relaxed(&(ep)->stats.name, 1)

/* What an access needs. */
struct ep_want {
	struct atc_owner owner;
	bool read, write, exec;
};

struct ep_want ep_want(const struct uiommu_smmuv3_dma *req);

/* endpoint.c */
/* Move what can be moved: 0, -EFAULT, or -EINPROGRESS. */
int ep_go_on(struct uiommu_smmuv3_endpoint *ep, struct uiommu_smmuv3_dma *req);

/* endpoint_pri.c */
int ep_pri_init(struct uiommu_smmuv3_endpoint *ep);
void ep_pri_fini(struct uiommu_smmuv3_endpoint *ep);
/*
 * Ask for the page that `req` is at.  0: try again; -EINPROGRESS: it is parked;
 * -EFAULT.
 */
int ep_ask_for_page(struct uiommu_smmuv3_endpoint *ep,
		    struct uiommu_smmuv3_dma *req);

#endif /* MODEL_SMMUV3_ENDPOINT_INTERNAL_H */
