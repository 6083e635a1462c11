/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault queues: page faults of devices that the client answers.
 *
 * A queue (eventq.c) is an object, for hwpts to name, and a descriptor, to read
 * groups of faults from and to write answers to.  A group that the core hands over waits
 * to be read; reading gives it a *cookie*, by which the answer names it, from 1
 * up and lowest free first.  It leaves the queue by an answer, or because the
 * core withdraws it: then it vanishes unread, or its cookie means nothing any
 * more.  Whoever takes it out of the queue, under the lock, lets it go.
 *
 * Reads and writes never wait, and move as many whole groups and answers as
 * there are.  Closing the descriptor answers nothing.
 */
#include "private.h"

#include <uiommu/env.h>

#define COOKIES_MIN 16u

struct ufd_fault {
	struct ufd_eventq q; /* first */
	/* All below: under q.lock. */
	struct list unread;  /* struct entry, by age */
	struct entry **read; /* by cookie; [0] is never used */
	uint32_t nr_slots;
	uint32_t low_free; /* no cookie below is free */
};

/* What a queue keeps with a group, in the room that this has for it. */
struct entry {
	struct list node; /* ufd_fault.unread, else of its own */
	uint32_t cookie;  /* 0: unread, or just being answered */
	uint32_t dev_id;
};

_Static_assert(sizeof(struct entry) <=
		       sizeof(((struct uiommu_iopf_group *)0)->room),
	       "an entry fits a group's room");

static struct entry *to_entry(struct uiommu_iopf_group *group)
{
	return (struct entry *)group->room;
}

static struct uiommu_iopf_group *to_group(struct entry *entry)
{
	return container_of((void **)entry, struct uiommu_iopf_group, room[0]);
}

static struct ufd_fault *to_fault(struct abi_file *file)
{
	return (struct ufd_fault *)ufd_eventq_of(file);
}

/* ------------------------------------------------- from the core's side -- */

/* Lock held. */
static void free_cookie(struct ufd_fault *fault, uint32_t cookie)
{
	fault->read[cookie] = NULL;
	if (cookie < fault->low_free)
		fault->low_free = cookie;
}

/* Say what is; each new group wakes.  Lock held. */
static void tell(struct ufd_fault *fault, bool news)
{
	ufd_eventq_tell(&fault->q, !list_empty(&fault->unread), news);
}

static int on_fault(void *ctx, struct uiommu_iopf_group *group)
{
	struct entry *entry = to_entry(group);
	struct ufd_fault *fault = ctx;

	entry->dev_id = ufd_device_id_of(fault->q.obj.ctx, group->dev);
	pthread_mutex_lock(&fault->q.lock);
	list_add_tail(&fault->unread, &entry->node);
	tell(fault, true);
	pthread_mutex_unlock(&fault->q.lock);
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
	struct entry *entry = to_entry(group);
	struct ufd_fault *fault = ctx;
	bool ours = true;

	pthread_mutex_lock(&fault->q.lock);
	if (entry->cookie)
		free_cookie(fault, entry->cookie);
	else if (!list_empty(&entry->node))
		list_del(&entry->node);
	else
		ours = false;
	tell(fault, false);
	pthread_mutex_unlock(&fault->q.lock);
	if (ours)
		uiommu_iopf_group_put(group);
}

static const struct uiommu_iopf_ops queue_ops = {
	.fault = on_fault,
	.withdrawn = on_withdrawn,
};

int ufd_fault_serve(struct ufd_ctx *ctx, uint32_t id,
		    struct uiommu_domain *domain, struct ufd_fault **out)
{
	struct ufd_object *obj = ufd_object_get(ctx, id, UFD_FAULT);
	int rc;

	if (!obj)
		return -ENOENT;
	rc = uiommu_domain_set_iopf_handler(domain, &queue_ops, obj);
	if (rc)
		ufd_object_put(obj);
	else
		*out = (struct ufd_fault *)obj;
	return rc;
}

void ufd_fault_put(struct ufd_fault *fault)
{
	if (fault)
		ufd_object_put(&fault->q.obj);
}

/* ----------------------------------------------------------------- read -- */

/* Under the lock.  -ENOMEM. */
static int give_cookie(struct ufd_fault *fault, uint32_t *cookie)
{
	uint32_t at = fault->low_free, nr = fault->nr_slots;
	struct entry **slots;

	while (at < nr && fault->read[at])
		at++;
	fault->low_free = at;
	*cookie = at;
	if (at < nr)
		return 0;
	nr = nr ? 2 * nr : COOKIES_MIN;
	slots = abi_alloc(fault->q.file.abi, nr * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (at = 0; at < fault->nr_slots; at++)
		slots[at] = fault->read[at];
	abi_free(fault->q.file.abi, fault->read);
	fault->read = slots;
	fault->nr_slots = nr;
	return 0;
}

static uint32_t perm_of(uint32_t perm)
{
	return (perm & UIOMMU_PAGE_READ ? IOMMU_PGFAULT_PERM_READ : 0) |
	       (perm & UIOMMU_PAGE_WRITE ? IOMMU_PGFAULT_PERM_WRITE : 0) |
	       (perm & UIOMMU_PAGE_EXEC ? IOMMU_PGFAULT_PERM_EXEC : 0) |
	       (perm & UIOMMU_PAGE_PRIV ? IOMMU_PGFAULT_PERM_PRIV : 0);
}

static void make_record(const struct uiommu_iopf_group *group, unsigned int i,
			uint32_t dev_id, uint32_t cookie,
			struct iommu_hwpt_pgfault *record)
{
	*record = (struct iommu_hwpt_pgfault){
		.dev_id = dev_id,
		.grpid = group->token,
		.perm = perm_of(group->fault[i].perm),
		.addr = group->fault[i].iova,
		.cookie = cookie,
	};
	if (group->pasid != UIOMMU_NO_PASID) {
		record->flags |= IOMMU_PGFAULT_FLAGS_PASID_VALID;
		record->pasid = group->pasid;
	}
	if (i == group->nr - 1)
		record->flags |= IOMMU_PGFAULT_FLAGS_LAST_PAGE;
}

/* Hand the oldest group over; lock held. */
static int read_group(struct ufd_fault *fault, struct entry *entry,
		      uint64_t uva)
{
	struct uiommu_iopf_group *group = to_group(entry);
	struct iommu_hwpt_pgfault record;
	uint32_t cookie;
	unsigned int i;
	int rc;

	rc = give_cookie(fault, &cookie);
	for (i = 0; i < group->nr && !rc; i++) {
		make_record(group, i, entry->dev_id, cookie, &record);
		rc = abi_copy_to(fault->q.file.abi, uva + i * sizeof(record),
				 &record, sizeof(record));
	}
	if (rc)
		return rc;
	list_del(&entry->node);
	entry->cookie = cookie;
	fault->read[cookie] = entry;
	return 0;
}

static ssize_t fault_read(struct abi_file *file, uint64_t uva, size_t len)
{
	struct ufd_fault *fault = to_fault(file);
	struct entry *entry;
	size_t done = 0, size;
	int rc = 0;

	if (len % sizeof(struct iommu_hwpt_pgfault))
		return -ESPIPE;
	pthread_mutex_lock(&fault->q.lock);
	while ((entry = list_first(&fault->unread, struct entry, node))) {
		size = to_group(entry)->nr * sizeof(struct iommu_hwpt_pgfault);
		rc = size > len - done ? -EINVAL
				       : read_group(fault, entry, uva + done);
		if (rc)
			break;
		done += size;
	}
	tell(fault, false);
	pthread_mutex_unlock(&fault->q.lock);
	return done ? (ssize_t)done : rc;
}

/* ---------------------------------------------------------------- write -- */

static struct uiommu_iopf_group *take_read(struct ufd_fault *fault,
					   uint32_t cookie)
{
	struct entry *entry = NULL;

	pthread_mutex_lock(&fault->q.lock);
	if (cookie < fault->nr_slots)
		entry = fault->read[cookie];
	if (entry) {
		free_cookie(fault, cookie);
		entry->cookie = 0;
	}
	pthread_mutex_unlock(&fault->q.lock);
	return entry ? to_group(entry) : NULL;
}

/* With no lock held: the device goes on in this thread. */
static int answer(struct ufd_fault *fault,
		  const struct iommu_hwpt_page_response *response)
{
	struct uiommu_iopf_group *group;
	enum uiommu_page_code code;
	int rc;

	if (response->code == IOMMUFD_PAGE_RESP_SUCCESS)
		code = UIOMMU_PAGE_SUCCESS;
	else if (response->code == IOMMUFD_PAGE_RESP_INVALID)
		code = UIOMMU_PAGE_INVALID;
	else
		return -EINVAL;
	group = take_read(fault, response->cookie);
	if (!group)
		return -EINVAL;
	rc = uiommu_iopf_group_respond(group, code);
	uiommu_iopf_group_put(group);
	/* Withdrawn in this moment; hardware that is stuck is no mistake. */
	return rc == -ENOENT ? -EINVAL : 0;
}

static ssize_t fault_write(struct abi_file *file, uint64_t uva, size_t len)
{
	struct iommu_hwpt_page_response response;
	size_t done = 0;
	int rc = 0;

	if (len % sizeof(response))
		return -ESPIPE;
	while (done < len && !rc) {
		rc = abi_copy_from(file->abi, &response, uva + done,
				   sizeof(response));
		if (!rc)
			rc = answer(to_fault(file), &response);
		if (!rc)
			done += sizeof(response);
	}
	return done ? (ssize_t)done : rc;
}

/* ----------------------------------------------------- coming and going -- */

static const struct abi_file_ops fault_ops = {
	.name = "iommufd-pgfault",
	.read = fault_read,
	.write = fault_write,
	.pread = ufd_eventq_pio,
	.pwrite = ufd_eventq_pio,
	.release = ufd_eventq_close,
};

static void fault_free(struct ufd_fault *fault)
{
	struct uiommu_abi *abi = fault->q.file.abi;

	ufd_eventq_fini(&fault->q);
	abi_free(abi, fault->read);
	abi_free(abi, fault);
}

void ufd_fault_release(struct ufd_object *obj)
{
	struct ufd_fault *fault = (struct ufd_fault *)obj;

	/* The hwpts are gone, and with them all that waited. */
	UIOMMU_ASSERT(list_empty(&fault->unread));
	fault_free(fault);
}

static struct ufd_fault *fault_new(struct uiommu_abi *abi)
{
	struct ufd_fault *fault = abi_alloc(abi, sizeof(*fault));

	if (!fault)
		return NULL;
	ufd_eventq_init(&fault->q, abi, &fault_ops);
	list_init(&fault->unread);
	fault->low_free = 1;
	return fault;
}

int ufd_fault_alloc(struct ufd_call *call)
{
	struct iommu_fault_alloc *cmd = call->cmd;
	struct ufd_fault *fault;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	fault = fault_new(call->abi);
	if (!fault)
		return -ENOMEM;
	rc = ufd_object_init(call->ctx, &fault->q.obj, UFD_FAULT);
	if (rc)
		goto err_free;
	rc = ufd_eventq_open(&fault->q, call, "anon_inode:[iommufd-pgfault]",
			     &cmd->out_fault_id, &cmd->out_fault_fd);
	if (rc)
		goto err_object;
	return 0;

err_object:
	ufd_object_abort(&fault->q.obj);
err_free:
	fault_free(fault);
	return rc;
}
