/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.c - what devices have to say: a queue of records, told by op irq.
 */
#include "unit.h"

/* Lock held. */
static struct mock_record *queue_place(struct mock_unit *mu,
				       struct mock_dev *dev)
{
	struct mock_record *record;

	if (mu->queued == MOCK_QUEUE)
		return NULL;
	record = &mu->queue[mu->queued++];
	record->dev = &dev->hwdev;
	return record;
}

void mock_report(struct mock_unit *mu, struct mock_dev *dev,
		 const struct uiommu_fault *fault)
{
	struct mock_record *record = queue_place(mu, dev);

	if (!record) {
		mu->faults_lost = true;
		return;
	}
	record->is_request = false;
	record->fault = *fault;
}

/*
 * The host is told of a group in the order in which its requests came, so its
 * last one is what it may answer from then on.
 */
static int queue_request(struct mock_unit *mu, uint32_t id,
			 const struct uiommu_page_request *req,
			 struct mock_group *group)
{
	struct mock_dev *dev = mock_dev_find(mu, id);
	struct mock_record *record;

	if (!dev || !dev->hwdev.page_faults)
		return -ENOENT;
	record = queue_place(mu, dev);
	if (!record) {
		mu->requests_lost = true;
		return -ENOSPC;
	}
	record->is_request = true;
	record->request = *req;
	record->request.id = id;
	record->request.cookie = dev->hwdev.cookie;
	if (group)
		list_add_tail(&dev->groups, &group->node);
	return 0;
}

int uiommu_mock_page_request(struct uiommu_unit *unit, uint32_t id,
			     const struct uiommu_page_request *req)
{
	struct mock_unit *mu = mock_unit_of(unit);
	struct mock_group *group = NULL;
	int rc;

	if (req->flags & UIOMMU_PAGE_LAST) {
		group = mock_alloc(unit, sizeof(*group));
		if (!group)
			return -ENOMEM;
		group->token = req->token;
		group->pasid = req->pasid;
	}
	mock_lock(mu);
	rc = queue_request(mu, id, req, group);
	mock_unlock(mu);
	if (!rc)
		mock_count(mu, MOCK_PAGE_REQUESTS);
	else if (group)
		mock_free(unit, group);
	return rc;
}

void mock_drop_requests(struct mock_unit *mu, struct mock_dev *dev)
{
	struct mock_group *group, *next;
	unsigned int kept = 0;

	for (unsigned int i = 0; i < mu->queued; i++)
		if (mu->queue[i].dev != &dev->hwdev)
			mu->queue[kept++] = mu->queue[i];
	mu->queued = kept;
	list_for_each_safe(group, next, &dev->groups, node) {
		list_del(&group->node);
		mock_free(&mu->unit, group);
	}
}

/* The oldest record, and whether some were lost before it. */
static bool take(struct mock_unit *mu, struct mock_record *record,
		 bool *faults_lost, bool *requests_lost)
{
	bool any;

	mock_lock(mu);
	*faults_lost = mu->faults_lost;
	*requests_lost = mu->requests_lost;
	mu->faults_lost = false;
	mu->requests_lost = false;
	any = mu->queued;
	if (any) {
		*record = mu->queue[0];
		mu->queued--;
		memmove(&mu->queue[0], &mu->queue[1],
			mu->queued * sizeof(mu->queue[0]));
	}
	mock_unlock(mu);
	return any;
}

static void tell(struct uiommu_unit *unit, const struct mock_record *record)
{
	const struct uiommu_host_ops *host = unit->host;

	if (record->is_request)
		host->report_page_request(unit->host_ctx, unit,
					  &record->request);
	else if (host->report_fault)
		host->report_fault(unit->host_ctx, unit, &record->fault);
}

void mock_irq(struct uiommu_unit *unit, unsigned int line)
{
	struct mock_unit *mu = mock_unit_of(unit);
	const struct uiommu_host_ops *host = unit->host;
	bool faults_lost, requests_lost, any;
	struct mock_record record;

	do {
		any = take(mu, &record, &faults_lost, &requests_lost);
		if (!host)
			continue;
		if (faults_lost && host->faults_lost)
			host->faults_lost(unit->host_ctx, unit);
		if (requests_lost && host->page_requests_lost)
			host->page_requests_lost(unit->host_ctx, unit);
		if (any)
			tell(unit, &record);
	} while (any);
}

int mock_page_response(struct uiommu_hwdev *hwdev,
		       const struct uiommu_page_response *resp)
{
	struct mock_unit *mu = mock_unit_of(hwdev->unit);
	struct mock_dev *dev = mock_dev_of(hwdev);
	struct mock_group *group, *found = NULL;

	if (resp->id != dev->id || resp->code > UIOMMU_PAGE_FAILURE)
		return -EINVAL;
	mock_lock(mu);
	list_for_each(group, &dev->groups, node) {
		if (!resp->stalled && group->token == resp->token &&
		    group->pasid == resp->pasid) {
			found = group;
			list_del(&group->node);
			break;
		}
	}
	mock_unlock(mu);
	if (!found)
		return -ENOENT;
	mock_free(hwdev->unit, found);
	mock_count(mu, MOCK_PAGE_RESPONSES);
	return 0;
}
