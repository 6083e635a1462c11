/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_faults.c - devices of the fake driver that wait for pages. */
#include <stdlib.h>

#include <uiommu/env.h>

#include "base/bits.h"
#include "fake_driver.h"

static bool same_wait(const struct uiommu_page_response *a,
		      const struct uiommu_page_response *b)
{
	return a->id == b->id && a->pasid == b->pasid && a->token == b->token &&
	       a->stalled == b->stalled;
}

int fake_page_response(struct uiommu_hwdev *dev,
		       const struct uiommu_page_response *resp)
{
	struct fake_unit *fu = container_of(dev->unit, struct fake_unit, unit);
	unsigned int i;
	int rc = 0;

	pthread_mutex_lock(&fu->lock);
	for (i = 0; i < fu->nr_waiting; i++)
		if (same_wait(&fu->waiting[i], resp))
			break;
	if (i < fu->nr_waiting) {
		fu->waiting[i] = fu->waiting[--fu->nr_waiting];
		fu->answer = *resp;
		fu->answers++;
	} else {
		fu->bad_answers++;
		rc = -ENOENT;
	}
	if (!rc && fu->fail_response && !--fu->fail_response)
		rc = -ETIMEDOUT;
	pthread_mutex_unlock(&fu->lock);
	return rc;
}

/* The cookie of the device with this id, NULL: there is none. */
static void *expect(struct fake_unit *fu, const struct uiommu_page_response *w,
		    bool answered)
{
	void *cookie = NULL;

	pthread_mutex_lock(&fu->lock);
	for (int i = 0; i < FAKE_DEVS; i++)
		if (fu->devs[i] && fu->devs[i]->id == w->id)
			cookie = fu->devs[i]->hwdev.cookie;
	if (cookie && answered) {
		if (fu->nr_waiting == FAKE_WAITING)
			abort();
		fu->waiting[fu->nr_waiting++] = *w;
	}
	pthread_mutex_unlock(&fu->lock);
	return cookie;
}

void fake_page_request(struct fake_unit *fu,
		       const struct uiommu_page_request *req)
{
	const struct uiommu_page_response w = {
		.id = req->id,
		.pasid = req->pasid,
		.token = req->token,
	};
	struct uiommu_page_request copy = *req;

	copy.cookie = expect(fu, &w, req->flags & UIOMMU_PAGE_LAST);
	fu->unit.host->report_page_request(fu->unit.host_ctx, &fu->unit, &copy);
}

void fake_stall(struct fake_unit *fu, const struct uiommu_fault *fault)
{
	const struct uiommu_page_response w = {
		.stalled = true,
		.id = fault->id,
		.pasid = fault->pasid,
		.token = fault->token,
	};
	struct uiommu_fault copy = *fault;

	copy.flags |= UIOMMU_FAULT_STALLED;
	copy.cookie = expect(fu, &w, true);
	fu->unit.host->report_fault(fu->unit.host_ctx, &fu->unit, &copy);
}

unsigned int fake_waiting(struct fake_unit *fu)
{
	unsigned int nr;

	pthread_mutex_lock(&fu->lock);
	nr = fu->nr_waiting;
	pthread_mutex_unlock(&fu->lock);
	return nr;
}
