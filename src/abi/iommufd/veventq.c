/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What guests' hardware reports, for the client to read.
 *
 * A queue takes the events of one type of a vIOMMU, `depth` of them at most.  Each
 * has a number, the lost ones too, so that a reader sees by a gap how many there
 * were.  While the last ones are lost a mark without event stands at the end, under
 * the number of the last of them; the next event that is kept takes its place.
 */
#include "guest.h"

#include <string.h>

#include <uiommu/env.h>

#define DEPTH_MAX (1u << 19)
#define SEQUENCE_MASK UINT32_C(0x7fffffff)
#define HEADER sizeof(struct iommufd_vevent_header)

struct vevent {
	struct list node;
	struct iommufd_vevent_header header;
	uint32_t len; /* of data; 0: the mark */
	uint8_t data[];
};

struct ufd_veventq {
	struct ufd_eventq q;	   /* first */
	struct ufd_viommu *viommu; /* counted */
	uint32_t type;
	uint32_t depth;
	/* All below: under q.lock. */
	struct list events; /* by age */
	struct vevent mark; /* of lost ones, in `events` or not */
	uint32_t nr;	    /* in `events` but for the mark */
	uint32_t sequence;
};

/* ------------------------------------------------- from the core's side -- */

/* An event, or the mark, that has just come; lock held. */
static void put_last(struct ufd_veventq *queue, struct vevent *event)
{
	list_del(&queue->mark.node);
	list_add_tail(&queue->events, &event->node);
	event->header.sequence = queue->sequence;
	queue->sequence = (queue->sequence + 1) & SEQUENCE_MASK;
	ufd_eventq_tell(&queue->q, true, true);
}

static int on_event(void *ctx, const void *data, size_t len)
{
	struct ufd_veventq *queue = ctx;
	struct uiommu_abi *abi = queue->q.file.abi;
	struct vevent *event = NULL;
	int rc = 0;

	if (data) {
		event = abi_alloc(abi, sizeof(*event) + len);
		rc = event ? 0 : -ENOMEM;
	}
	if (event) {
		event->len = (uint32_t)len;
		memcpy(event->data, data, len);
	}
	pthread_mutex_lock(&queue->q.lock);
	if (event && queue->nr < queue->depth) {
		queue->nr++;
		put_last(queue, event);
		event = NULL;
	} else {
		put_last(queue, &queue->mark);
	}
	pthread_mutex_unlock(&queue->q.lock);
	abi_free(abi, event);
	return rc;
}

/* ----------------------------------------------------------------- read -- */

static int copy_event(struct uiommu_abi *abi, const struct vevent *event,
		      uint64_t uva)
{
	int rc = abi_copy_to(abi, uva, &event->header, HEADER);

	return rc ? rc
		  : abi_copy_to(abi, uva + HEADER, event->data, event->len);
}

/* Lock held. */
static void take_first(struct ufd_veventq *queue, struct vevent *event)
{
	list_del(&event->node);
	if (event == &queue->mark)
		return;
	queue->nr--;
	abi_free(queue->q.file.abi, event);
}

static ssize_t veventq_read(struct abi_file *file, uint64_t uva, size_t len)
{
	struct ufd_veventq *queue = (struct ufd_veventq *)ufd_eventq_of(file);
	struct vevent *event;
	size_t done = 0, size;
	int rc = 0;

	if (len < HEADER)
		return -EINVAL;
	pthread_mutex_lock(&queue->q.lock);
	while ((event = list_first(&queue->events, struct vevent, node))) {
		size = HEADER + event->len;
		rc = size > len - done
			     ? -EINVAL
			     : copy_event(file->abi, event, uva + done);
		if (rc)
			break;
		done += size;
		take_first(queue, event);
	}
	ufd_eventq_tell(&queue->q, !list_empty(&queue->events), false);
	pthread_mutex_unlock(&queue->q.lock);
	return done ? (ssize_t)done : rc;
}

/* ----------------------------------------------------- coming and going -- */

static const struct abi_file_ops veventq_ops = {
	.name = "iommufd-viommu-event",
	.read = veventq_read,
	.pread = ufd_eventq_pio,
	.release = ufd_eventq_close,
};

/* The viommu's count is the queue's now. */
static struct ufd_veventq *new_queue(struct uiommu_abi *abi,
				     const struct iommu_veventq_alloc *cmd,
				     struct ufd_viommu *viommu)
{
	struct ufd_veventq *queue = abi_alloc(abi, sizeof(*queue));

	if (!queue)
		return NULL;
	ufd_eventq_init(&queue->q, abi, &veventq_ops);
	queue->viommu = viommu;
	queue->type = cmd->type;
	queue->depth = cmd->veventq_depth;
	list_init(&queue->events);
	list_init(&queue->mark.node);
	queue->mark.header.flags = IOMMU_VEVENTQ_FLAG_LOST_EVENTS;
	return queue;
}

static void free_queue(struct ufd_veventq *queue)
{
	struct uiommu_abi *abi = queue->q.file.abi;
	struct vevent *event;

	while ((event = list_first(&queue->events, struct vevent, node)))
		take_first(queue, event);
	ufd_eventq_fini(&queue->q);
	abi_free(abi, queue);
}

void ufd_veventq_release(struct ufd_object *obj)
{
	struct ufd_veventq *queue = (struct ufd_veventq *)obj;
	struct ufd_viommu *viommu = queue->viommu;

	uiommu_viommu_clear_events(viommu->viommu, queue->type);
	free_queue(queue);
	ufd_object_put(&viommu->obj);
}

static int alloc_queue(struct ufd_call *call, struct ufd_viommu *viommu)
{
	struct iommu_veventq_alloc *cmd = call->cmd;
	struct ufd_veventq *queue = new_queue(call->abi, cmd, viommu);
	int rc;

	if (!queue)
		return -ENOMEM;
	rc = ufd_object_init(call->ctx, &queue->q.obj, UFD_VEVENTQ);
	if (rc)
		goto err_free;
	rc = uiommu_viommu_set_events(viommu->viommu, cmd->type, on_event,
				      queue);
	if (rc)
		goto err_object;
	rc = ufd_eventq_open(&queue->q, call,
			     "anon_inode:[iommufd-viommu-event]",
			     &cmd->out_veventq_id, &cmd->out_veventq_fd);
	if (rc)
		goto err_events;
	return 0;

err_events:
	uiommu_viommu_clear_events(viommu->viommu, cmd->type);
err_object:
	ufd_object_abort(&queue->q.obj);
err_free:
	free_queue(queue);
	return rc;
}

int ufd_veventq_alloc(struct ufd_call *call)
{
	const struct iommu_veventq_alloc *cmd = call->cmd;
	struct ufd_viommu *viommu;
	int rc;

	if (cmd->flags || cmd->__reserved ||
	    cmd->type == IOMMU_VEVENTQ_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!cmd->veventq_depth || cmd->veventq_depth > DEPTH_MAX)
		return -EINVAL;
	viommu = ufd_viommu_get(call->ctx, cmd->viommu_id);
	if (!viommu)
		return -ENOENT;
	rc = alloc_queue(call, viommu);
	if (rc)
		ufd_object_put(&viommu->obj);
	return rc;
}
