/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues that a client reads by a descriptor: an object, which others may rest on,
 * and a file with a readiness of its own.  What is in them is their makers'
 * business (fault.c, veventq.c).
 *
 * The descriptor counts the object and keeps the context; closing it empties
 * nothing.  It cannot be positioned.
 */
#include "private.h"

#include <fcntl.h>

#include <uiommu/env.h>

void ufd_eventq_init(struct ufd_eventq *q, struct uiommu_abi *abi,
		     const struct abi_file_ops *ops)
{
	pthread_mutex_init(&q->lock, NULL);
	q->event = ABI_NO_EVENT;
	abi_file_init(&q->file, abi, ops);
}

void ufd_eventq_fini(struct ufd_eventq *q)
{
	pthread_mutex_destroy(&q->lock);
}

void ufd_eventq_tell(struct ufd_eventq *q, bool ready, bool news)
{
	if (!news && ready == q->ready)
		return;
	q->ready = ready;
	abi_event_set(q->file.abi, q->event, ready);
}

ssize_t ufd_eventq_pio(struct abi_file *file, uint64_t uva, size_t len,
		       uint64_t off)
{
	return -ESPIPE;
}

void ufd_eventq_close(struct abi_file *file)
{
	struct ufd_eventq *q = ufd_eventq_of(file);
	struct ufd_ctx *ctx = q->obj.ctx;
	struct uiommu_abi *abi = file->abi;
	int event;

	pthread_mutex_lock(&q->lock);
	event = q->event;
	q->event = ABI_NO_EVENT;
	pthread_mutex_unlock(&q->lock);
	abi_event_end(abi, event);
	/* From here on it may be destroyed. */
	ufd_object_put(&q->obj);
	abi_file_put(&ctx->file);
}

/* Let the client have it; the descriptor counts object and context. */
static void publish(struct ufd_eventq *q, int fd, struct abi_desc *desc)
{
	struct ufd_ctx *ctx = q->obj.ctx;

	ufd_object_hold(&q->obj);
	abi_file_get(&ctx->file);
	ufd_object_publish(&q->obj);
	abi_fd_commit(ctx->file.abi, fd, desc);
}

int ufd_eventq_open(struct ufd_eventq *q, struct ufd_call *call,
		    const char *path, uint32_t *out_id, uint32_t *out_fd)
{
	struct abi_desc *desc;
	int fd, event, rc;

	fd = abi_fd_prepare(call->abi, &q->file, path, O_RDWR | O_CLOEXEC,
			    &desc, &event);
	if (fd < 0)
		return fd;
	*out_id = q->obj.id;
	*out_fd = (uint32_t)fd;
	rc = ufd_respond(call);
	if (rc) {
		abi_fd_abandon(call->abi, fd, desc, event);
		return rc;
	}
	/* What came before that is told of now. */
	pthread_mutex_lock(&q->lock);
	q->event = event;
	if (q->ready)
		abi_event_set(call->abi, event, true);
	pthread_mutex_unlock(&q->lock);
	publish(q, fd, desc);
	return 0;
}
