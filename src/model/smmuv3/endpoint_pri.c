/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * endpoint_pri.c - an endpoint's page requests, and the DMA that waits for them.
 *
 * DMA that found no right to a page sends a group of one page request.  If the
 * answer comes while it is still sending (the SMMU may answer by itself, and an
 * interrupt handler may be quick), it simply goes on; else it is parked, and
 * whoever brings the answer puts it on the list `ready`.  When all groups are
 * under way it waits for its turn first.
 *
 * What is ready goes on in one thread at a time, in a loop: an answer that
 * arrives from within only adds to the list.  So the depth of calls does not
 * depend on how many requests there are.
 */
#include <errno.h>

#include "../mutant.h"
#include "endpoint.h"

#define NO_GROUP UINT32_MAX

/* --------------------------------------------------- under ep->lock ----- */

static void fifo_add(struct ep_fifo *list, struct uiommu_smmuv3_dma *req)
{
	req->opaque[EP_NEXT] = NULL;
	if (list->first)
		list->last->opaque[EP_NEXT] = req;
	else
		list->first = req;
	list->last = req;
}

static struct uiommu_smmuv3_dma *fifo_take(struct ep_fifo *list)
{
	struct uiommu_smmuv3_dma *req = list->first;

	if (req)
		list->first = req->opaque[EP_NEXT];
	return req;
}

static void make_ready(struct uiommu_smmuv3_endpoint *ep,
		       struct uiommu_smmuv3_dma *req, int status)
{
	req->opaque[EP_STATUS] = (void *)(intptr_t)status;
	fifo_add(&ep->ready, req);
}

/* Numbers are used again as late as can be. */
static void group_put(struct uiommu_smmuv3_endpoint *ep, uint32_t i)
{
	struct uiommu_smmuv3_dma *next;

	ep->group[i] = (struct ep_group){ .next = NO_GROUP };
	if (ep->free_first == NO_GROUP)
		ep->free_first = i;
	else
		ep->group[ep->free_last].next = i;
	ep->free_last = i;
	ep->in_use--;
	next = fifo_take(&ep->turn);
	if (next)
		make_ready(ep, next, 0);
}

static uint32_t group_get(struct uiommu_smmuv3_endpoint *ep, bool ssv,
			  uint32_t ssid)
{
	uint32_t i = ep->free_first;

	if (i == NO_GROUP ||
	    (ep->in_use >= ep->limit && !MUTANT("endpoint-limit")))
		return NO_GROUP;
	ep->free_first = ep->group[i].next;
	ep->group[i].state = GROUP_SENDING;
	ep->group[i].ssv = ssv;
	ep->group[i].ssid = ssid;
	ep->in_use++;
	return i;
}

/* -------------------------------------------------------- make, unmake -- */

int ep_pri_init(struct uiommu_smmuv3_endpoint *ep)
{
	uint32_t n = ep->config.page_requests;

	ep->free_first = NO_GROUP;
	ep->limit = n;
	ep->in_use = n;
	if (n) {
		ep->group = model_alloc(&ep->m->host, n * sizeof(*ep->group));
		if (!ep->group)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		group_put(ep, i);
	pthread_mutex_init(&ep->lock, NULL);
	return 0;
}

/* Let the first of what is ready go on, and then the next. */
static void run_ready(struct uiommu_smmuv3_endpoint *ep)
{
	struct uiommu_smmuv3_dma *req;

	pthread_mutex_lock(&ep->lock);
	if (ep->running) {
		pthread_mutex_unlock(&ep->lock);
		return;
	}
	ep->running = true;
	while ((req = fifo_take(&ep->ready))) {
		int rc = (int)(intptr_t)req->opaque[EP_STATUS];

		pthread_mutex_unlock(&ep->lock);
		if (!rc)
			rc = ep_go_on(ep, req);
		if (rc != -EINPROGRESS)
			req->done(req, rc);
		pthread_mutex_lock(&ep->lock);
	}
	ep->running = false;
	pthread_mutex_unlock(&ep->lock);
}

/* All DMA that waits is over; under ep->lock. */
static void fail_waiting(struct uiommu_smmuv3_endpoint *ep)
{
	struct uiommu_smmuv3_dma *req;

	while ((req = fifo_take(&ep->turn)))
		make_ready(ep, req, -EFAULT);
	for (uint32_t i = 0; i < ep->config.page_requests; i++) {
		struct ep_group *g = &ep->group[i];

		if (g->state == GROUP_SENDING) {
			/* For the thread that is sending it. */
			g->state = GROUP_ANSWERED;
			g->code = UIOMMU_PRI_FAILURE;
		} else if (g->state == GROUP_WAITING && g->req) {
			make_ready(ep, g->req, -EFAULT);
			group_put(ep, i);
		}
	}
}

/* Groups that were sent by page_request(); entered and left with ep->lock. */
static void fail_explicit(struct uiommu_smmuv3_endpoint *ep)
{
	for (uint32_t i = 0; i < ep->config.page_requests; i++) {
		void *cookie = ep->group[i].cookie;

		if (ep->group[i].state != GROUP_WAITING || ep->group[i].req)
			continue;
		group_put(ep, i);
		if (!ep->config.page_response)
			continue;
		pthread_mutex_unlock(&ep->lock);
		ep->config.page_response(ep->config.ctx, cookie,
					 UIOMMU_PRI_FAILURE);
		pthread_mutex_lock(&ep->lock);
	}
}

void uiommu_smmuv3_endpoint_reset_pri(struct uiommu_smmuv3_endpoint *ep)
{
	pthread_mutex_lock(&ep->lock);
	store_release(&ep->pri, 0);
	if (!MUTANT("endpoint-reset")) {
		fail_waiting(ep);
		fail_explicit(ep);
	}
	pthread_mutex_unlock(&ep->lock);
	run_ready(ep);
}

void ep_pri_fini(struct uiommu_smmuv3_endpoint *ep)
{
	uiommu_smmuv3_endpoint_reset_pri(ep);
	pthread_mutex_destroy(&ep->lock);
	model_free(&ep->m->host, ep->group);
}

void uiommu_smmuv3_endpoint_set_pri(struct uiommu_smmuv3_endpoint *ep,
				    bool enable)
{
	struct uiommu_smmuv3_dma *req;

	pthread_mutex_lock(&ep->lock);
	store_release(&ep->pri, enable && ep->limit);
	while (!enable && (req = fifo_take(&ep->turn)))
		make_ready(ep, req, -EFAULT);
	pthread_mutex_unlock(&ep->lock);
	run_ready(ep);
}

void uiommu_smmuv3_endpoint_set_page_requests(struct uiommu_smmuv3_endpoint *ep,
					      uint32_t n)
{
	pthread_mutex_lock(&ep->lock);
	ep->limit = (uint32_t)min_u64(n, ep->config.page_requests);
	pthread_mutex_unlock(&ep->lock);
}

uint32_t uiommu_smmuv3_endpoint_unanswered(struct uiommu_smmuv3_endpoint *ep)
{
	uint32_t n;

	pthread_mutex_lock(&ep->lock);
	n = ep->in_use;
	pthread_mutex_unlock(&ep->lock);
	return n;
}

/* -------------------------------------------------------------- sending -- */

static void send_page(struct uiommu_smmuv3_endpoint *ep,
		      const struct uiommu_pri_request *page, uint32_t group,
		      bool last)
{
	struct uiommu_pri_request req = *page;

	req.sid = ep->config.sid;
	req.group = (uint16_t)group;
	req.last = last;
	EP_COUNT(ep, page_requests);
	uiommu_smmuv3_model_page_request(ep->m, &req);
}

/* Failure ends a group before its last request: the rest is not sent. */
static bool has_failed(struct uiommu_smmuv3_endpoint *ep, uint32_t i)
{
	const struct ep_group *g = &ep->group[i];
	bool failed;

	pthread_mutex_lock(&ep->lock);
	failed = g->state == GROUP_ANSWERED && g->code == UIOMMU_PRI_FAILURE;
	pthread_mutex_unlock(&ep->lock);
	return failed;
}

/*
 * All of the group has been sent.  True: its answer is there already, and the
 * group is free again.
 */
static bool sent(struct uiommu_smmuv3_endpoint *ep, uint32_t i,
		 enum uiommu_pri_code *code)
{
	struct ep_group *g = &ep->group[i];
	bool answered;

	pthread_mutex_lock(&ep->lock);
	answered = g->state == GROUP_ANSWERED;
	if (answered) {
		*code = g->code;
		group_put(ep, i);
	} else {
		g->state = GROUP_WAITING;
	}
	pthread_mutex_unlock(&ep->lock);
	if (answered)
		run_ready(ep);
	return answered;
}

/* A group for the request, or its turn will come, or it has none. */
static int start(struct uiommu_smmuv3_endpoint *ep,
		 struct uiommu_smmuv3_dma *req, uint32_t *group)
{
	uintptr_t attempts = (uintptr_t)req->opaque[EP_ATTEMPTS];
	struct ep_want want = ep_want(req);
	int rc = 0;

	pthread_mutex_lock(&ep->lock);
	if (!ep->pri || !req->done || attempts >= EP_ATTEMPTS_MAX) {
		rc = -EFAULT;
	} else {
		*group = group_get(ep, want.owner.ssv, want.owner.pasid);
		if (*group == NO_GROUP) {
			fifo_add(&ep->turn, req);
			rc = -EINPROGRESS;
		} else {
			req->opaque[EP_ATTEMPTS] = (void *)(attempts + 1);
			ep->group[*group].req = req;
		}
	}
	pthread_mutex_unlock(&ep->lock);
	return rc;
}

int ep_ask_for_page(struct uiommu_smmuv3_endpoint *ep,
		    struct uiommu_smmuv3_dma *req)
{
	struct ep_want want = ep_want(req);
	struct uiommu_pri_request page = {
		.ssv = want.owner.ssv,
		.ssid = want.owner.pasid,
		.priv = want.owner.priv,
		.read = want.read,
		.write = want.write,
		.exec = want.exec,
		.addr = align_down_lg2(req->txn.iova + req->done_len, 12),
	};
	enum uiommu_pri_code code;
	uint32_t group;
	int rc = start(ep, req, &group);

	if (rc)
		return rc;
	send_page(ep, &page, group, true);
	/* From here on the request may have been ended by another thread. */
	if (!sent(ep, group, &code))
		return -EINPROGRESS;
	return code == UIOMMU_PRI_SUCCESS ? 0 : -EFAULT;
}

int uiommu_smmuv3_endpoint_page_request(struct uiommu_smmuv3_endpoint *ep,
					const struct uiommu_pri_request *pages,
					unsigned int n, void *cookie)
{
	enum uiommu_pri_code code;
	uint32_t group;

	if (!n)
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++) {
		if (pages[i].ssv && !ep->config.pasid)
			return -EINVAL;
	}
	pthread_mutex_lock(&ep->lock);
	group = ep->pri ? group_get(ep, pages[0].ssv, pages[0].ssid) : NO_GROUP;
	if (group == NO_GROUP) {
		bool pri = ep->pri;

		pthread_mutex_unlock(&ep->lock);
		return pri ? -EBUSY : -EOPNOTSUPP;
	}
	ep->group[group].cookie = cookie;
	pthread_mutex_unlock(&ep->lock);
	for (unsigned int i = 0; i < n && !has_failed(ep, group); i++)
		send_page(ep, &pages[i], group, i == n - 1);
	if (sent(ep, group, &code) && ep->config.page_response)
		ep->config.page_response(ep->config.ctx, cookie, code);
	return 0;
}

int uiommu_smmuv3_endpoint_stop_marker(struct uiommu_smmuv3_endpoint *ep,
				       uint32_t pasid)
{
	struct uiommu_pri_request marker = {
		.sid = ep->config.sid,
		.ssv = true,
		.ssid = pasid,
		.last = true,
	};

	if (!ep->config.pasid)
		return -EINVAL;
	if (!load_acquire(&ep->pri))
		return -EOPNOTSUPP;
	uiommu_smmuv3_model_page_request(ep->m, &marker);
	return 0;
}

/* -------------------------------------------------------------- answers -- */

bool uiommu_smmuv3_endpoint_expects(struct uiommu_smmuv3_endpoint *ep,
				    const struct uiommu_pri_response *resp)
{
	const struct ep_group *g;
	bool expected = false;

	pthread_mutex_lock(&ep->lock);
	if (resp->sid == ep->config.sid &&
	    resp->group < ep->config.page_requests) {
		g = &ep->group[resp->group];
		expected = g->state == GROUP_SENDING ||
			   g->state == GROUP_WAITING;
		if (resp->ssv)
			expected &= g->ssv && g->ssid == resp->ssid;
		else if (resp->code != UIOMMU_PRI_FAILURE)
			expected &= !g->ssv;
	}
	pthread_mutex_unlock(&ep->lock);
	return expected;
}

void uiommu_smmuv3_endpoint_pri_response(struct uiommu_smmuv3_endpoint *ep,
					 const struct uiommu_pri_response *resp)
{
	bool explicit = false;
	struct ep_group *g;
	void *cookie = NULL;

	if (resp->sid != ep->config.sid ||
	    resp->group >= ep->config.page_requests)
		return;
	EP_COUNT(ep, page_responses);
	pthread_mutex_lock(&ep->lock);
	g = &ep->group[resp->group];
	if (g->state == GROUP_SENDING) {
		g->state = GROUP_ANSWERED;
		g->code = resp->code;
	} else if (g->state == GROUP_WAITING) {
		cookie = g->cookie;
		explicit = !g->req;
		if (g->req)
			make_ready(ep, g->req,
				   resp->code == UIOMMU_PRI_SUCCESS ? 0
								    : -EFAULT);
		group_put(ep, resp->group);
	}
	pthread_mutex_unlock(&ep->lock);
	if (explicit && ep->config.page_response)
		ep->config.page_response(ep->config.ctx, cookie, resp->code);
	run_ready(ep);
}
