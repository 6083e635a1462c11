/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IO address spaces: the calls that make them and change what is mapped.
 *
 * The core does the work and knows the rules of placement; here stand the
 * checks that come before it, in the kernel's order, and the user memory.  A
 * structure that cannot be written back undoes a map or copy, because the
 * caller would not know where it is.
 */
#include "private.h"

#include <stdlib.h>

#include "base/overflow.h"

#define MAP_FLAGS                                               \
	(IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE | \
	 IOMMU_IOAS_MAP_READABLE)

struct ufd_ioas *ufd_ioas_get(struct ufd_ctx *ctx, uint32_t id)
{
	return (struct ufd_ioas *)ufd_object_get(ctx, id, UFD_IOAS);
}

/* ------------------------------------------------------ make and free -- */

int ufd_ioas_new(struct ufd_ctx *ctx, struct ufd_ioas **out)
{
	struct uiommu_abi *abi = ctx->file.abi;
	struct ufd_ioas *ioas = abi_alloc(abi, sizeof(*ioas));
	int rc;

	if (!ioas)
		return -ENOMEM;
	rc = uiommu_ioas_create(abi->core, &ioas->ioas);
	if (rc)
		goto err_ioas;
	rc = ufd_object_init(ctx, &ioas->obj, UFD_IOAS);
	if (rc)
		goto err_core;
	pthread_mutex_init(&ioas->lock, NULL);
	list_init(&ioas->hwpts);
	*out = ioas;
	return 0;
err_core:
	uiommu_ioas_destroy(ioas->ioas);
err_ioas:
	abi_free(abi, ioas);
	return rc;
}

void ufd_ioas_release(struct ufd_ioas *ioas)
{
	uiommu_ioas_destroy(ioas->ioas);
	pthread_mutex_destroy(&ioas->lock);
	abi_free(ioas->obj.ctx->file.abi, ioas);
}

void ufd_ioas_abort(struct ufd_ioas *ioas)
{
	ufd_object_abort(&ioas->obj);
	ufd_ioas_release(ioas);
}

int ufd_ioas_alloc(struct ufd_call *call)
{
	struct iommu_ioas_alloc *cmd = call->cmd;
	struct ufd_ioas *ioas;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	rc = ufd_ioas_new(call->ctx, &ioas);
	if (rc)
		return rc;
	cmd->out_ioas_id = ioas->obj.id;
	rc = ufd_respond(call);
	if (rc)
		ufd_ioas_abort(ioas);
	else
		ufd_object_publish(&ioas->obj);
	return rc;
}

/* -------------------------------------------------------------- ranges -- */

static int write_ranges(struct uiommu_abi *abi, uint64_t uva,
			const struct uiommu_range *ranges, unsigned int nr)
{
	_Static_assert(sizeof(struct uiommu_range) ==
			       sizeof(struct iommu_iova_range),
		       "first and last, as the caller has them");

	return abi_copy_to(abi, uva, ranges, nr * sizeof(ranges[0]));
}

struct uiommu_range *ufd_ioas_usable(struct uiommu_abi *abi,
				     struct ufd_ioas *ioas,
				     struct uiommu_range *few, unsigned int *nr,
				     uint64_t *alignment)
{
	struct uiommu_range *ranges = few;
	unsigned int room = UFD_FEW_RANGES;

	for (;;) {
		*nr = uiommu_ioas_iova_ranges(ioas->ioas, ranges, room,
					      alignment);
		if (*nr <= room)
			return ranges;
		if (ranges != few)
			abi_free(abi, ranges);
		room = *nr;
		ranges = abi_alloc(abi, room * sizeof(*ranges));
		if (!ranges)
			return NULL;
	}
}

static int iova_ranges(struct ufd_call *call, struct ufd_ioas *ioas)
{
	struct iommu_ioas_iova_ranges *cmd = call->cmd;
	struct uiommu_range few[UFD_FEW_RANGES], *ranges;
	unsigned int nr, fit;
	uint64_t alignment;
	int rc;

	ranges = ufd_ioas_usable(call->abi, ioas, few, &nr, &alignment);
	if (!ranges)
		return -ENOMEM;
	fit = nr < cmd->num_iovas ? nr : cmd->num_iovas;
	rc = write_ranges(call->abi, cmd->allowed_iovas, ranges, fit);
	if (ranges != few)
		abi_free(call->abi, ranges);
	if (rc)
		return rc;
	cmd->num_iovas = nr;
	cmd->out_iova_alignment = alignment;
	rc = ufd_respond(call);
	if (rc)
		return rc;
	return nr > fit ? -EMSGSIZE : 0;
}

int ufd_ioas_iova_ranges(struct ufd_call *call)
{
	struct iommu_ioas_iova_ranges *cmd = call->cmd;
	struct ufd_ioas *ioas;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ioas = ufd_ioas_get(call->ctx, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	rc = iova_ranges(call, ioas);
	ufd_object_put(&ioas->obj);
	return rc;
}

/* Ranges read from the caller, growing: their number is not to be trusted. */
struct range_list {
	struct uiommu_range *ranges;
	uint32_t nr;
	uint32_t room;
};

static int range_list_add(struct uiommu_abi *abi, struct range_list *list,
			  const struct uiommu_range *range)
{
	uint32_t room = list->room ? list->room * 2 : UFD_FEW_RANGES;
	struct uiommu_range *ranges;
	uint32_t i;

	if (list->nr == list->room) {
		ranges = abi_alloc(abi, (size_t)room * sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		for (i = 0; i < list->nr; i++)
			ranges[i] = list->ranges[i];
		abi_free(abi, list->ranges);
		list->ranges = ranges;
		list->room = room;
	}
	list->ranges[list->nr++] = *range;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct uiommu_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorts them. */
static bool ranges_overlap(struct range_list *list)
{
	uint32_t i;

	if (list->nr < 2)
		return false;
	qsort(list->ranges, list->nr, sizeof(list->ranges[0]), compare_ranges);
	for (i = 1; i < list->nr; i++) {
		if (list->ranges[i].first <= list->ranges[i - 1].last)
			return true;
	}
	return false;
}

/*
 * The kernel stops at the first entry that is wrong.  Whether entries overlap
 * is seen here only when all are read; an overlap among those before the one
 * that stopped the loop wins.
 */
static int read_ranges(struct uiommu_abi *abi, uint64_t uva, uint32_t nr,
		       struct range_list *list)
{
	struct uiommu_range range;
	uint32_t i;
	int rc = 0;

	for (i = 0; i < nr && !rc; i++) {
		rc = abi_copy_from(abi, &range, uva + i * sizeof(range),
				   sizeof(range));
		if (!rc && range.first >= range.last)
			rc = -EINVAL;
		if (!rc)
			rc = range_list_add(abi, list, &range);
	}
	return ranges_overlap(list) ? -EINVAL : rc;
}

int ufd_ioas_allow_iovas(struct ufd_call *call)
{
	const struct iommu_ioas_allow_iovas *cmd = call->cmd;
	struct range_list list = { 0 };
	struct ufd_ioas *ioas;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ioas = ufd_ioas_get(call->ctx, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	rc = read_ranges(call->abi, cmd->allowed_iovas, cmd->num_iovas, &list);
	if (!rc)
		rc = uiommu_ioas_allow_iovas(ioas->ioas, list.ranges, list.nr);
	abi_free(call->abi, list.ranges);
	ufd_object_put(&ioas->obj);
	return rc;
}

/* -------------------------------------------------- map, copy, unmap --- */

/* No call can forbid devices to execute, and the kernel does not either. */
static uint32_t map_prot(uint32_t flags)
{
	uint32_t prot = UIOMMU_PROT_CACHE | UIOMMU_PROT_EXEC;

	if (flags & IOMMU_IOAS_MAP_WRITEABLE)
		prot |= UIOMMU_PROT_WRITE;
	if (flags & IOMMU_IOAS_MAP_READABLE)
		prot |= UIOMMU_PROT_READ;
	return prot;
}

static uint32_t map_place(uint32_t flags)
{
	return flags & IOMMU_IOAS_MAP_FIXED_IOVA ? UIOMMU_IOAS_FIXED_IOVA : 0;
}

static bool map_useless(uint32_t flags)
{
	return !(flags & (IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE));
}

/* Answer a map or a copy, or take it back. */
static int respond_map(struct ufd_call *call, struct ufd_ioas *ioas,
		       uint64_t iova, uint64_t len)
{
	uint64_t unmapped;
	int rc = ufd_respond(call);

	if (rc)
		uiommu_ioas_unmap(ioas->ioas, iova, len, &unmapped);
	return rc;
}

/* What the maps have in common, before anything is looked up. */
static int check_map(uint32_t flags, uint32_t reserved, uint64_t iova,
		     uint64_t len)
{
	if ((flags & ~(uint32_t)MAP_FLAGS) || reserved)
		return -EOPNOTSUPP;
	if (iova == UFD_U64_MAX || len == UFD_U64_MAX)
		return -EOVERFLOW;
	return map_useless(flags) ? -EINVAL : 0;
}

int ufd_ioas_map(struct ufd_call *call)
{
	struct iommu_ioas_map *cmd = call->cmd;
	uiommu_iova_t iova = cmd->iova;
	struct ufd_ioas *ioas;
	struct uiommu_mm mm;
	int rc;

	rc = check_map(cmd->flags, cmd->__reserved, cmd->iova, cmd->length);
	if (rc)
		return rc;
	ioas = ufd_ioas_get(call->ctx, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	abi_program_mm(call->abi, ufd_charge(call->ctx), &mm);
	rc = uiommu_ioas_map(ioas->ioas, &mm, cmd->user_va, cmd->length,
			     map_prot(cmd->flags), map_place(cmd->flags),
			     &iova);
	if (!rc) {
		cmd->iova = iova;
		rc = respond_map(call, ioas, iova, cmd->length);
	}
	ufd_object_put(&ioas->obj);
	return rc;
}

/* A file that is no memory is seen to be none when it is to be pinned. */
static int pin_nothing(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		       struct uiommu_run *run)
{
	return -EINVAL;
}

/* The memory of a file that is no dma-buf. */
static int file_mm(struct ufd_call *call, const struct abi_file *ours,
		   struct uiommu_mm *mm)
{
	const struct iommu_ioas_map_file *cmd = call->cmd;
	const struct uiommu_abi_host *host = &call->abi->host;
	int rc;

	*mm = (struct uiommu_mm){ .pin = pin_nothing };
	if (ours)
		return 0;
	if (!host->file_mm)
		return -EBADF;
	rc = host->file_mm(host->ctx, cmd->fd, cmd->start, cmd->length, mm);
	if (rc)
		return rc;
	rc = abi_charge_file(call->abi, ufd_charge(call->ctx), mm);
	if (rc)
		mm->put(mm->ctx);
	return rc;
}

static int map_file(struct ufd_call *call, struct ufd_ioas *ioas,
		    struct abi_file *ours, uiommu_iova_t *iova)
{
	const struct iommu_ioas_map_file *cmd = call->cmd;
	struct abi_dmabuf *buf = ours ? abi_dmabuf_of(ours) : NULL;
	uint32_t prot = map_prot(cmd->flags), place = map_place(cmd->flags);
	struct uiommu_mm mm;
	int rc;

	if (buf)
		return abi_dmabuf_map(buf, ioas->ioas, cmd->start, cmd->length,
				      prot, place, iova);
	rc = file_mm(call, ours, &mm);
	if (rc)
		return rc;
	rc = uiommu_ioas_map(ioas->ioas, &mm, cmd->start, cmd->length, prot,
			     place, iova);
	if (mm.put)
		mm.put(mm.ctx);
	return rc;
}

int ufd_ioas_map_file(struct ufd_call *call)
{
	struct iommu_ioas_map_file *cmd = call->cmd;
	uiommu_iova_t iova = cmd->iova;
	struct abi_file *ours;
	struct ufd_ioas *ioas;
	uint64_t last;
	int rc;

	rc = check_map(cmd->flags, 0, cmd->iova, cmd->length);
	if (rc)
		return rc;
	ioas = ufd_ioas_get(call->ctx, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	rc = -EINVAL;
	if (!cmd->length)
		goto out_put;
	rc = -EOVERFLOW;
	if (last_overflows(cmd->start, cmd->length, &last))
		goto out_put;
	ours = abi_fd_get(call->abi, cmd->fd);
	rc = map_file(call, ioas, ours, &iova);
	if (ours)
		abi_file_put(ours);
	if (!rc) {
		cmd->iova = iova;
		rc = respond_map(call, ioas, iova, cmd->length);
	}
out_put:
	ufd_object_put(&ioas->obj);
	return rc;
}

static int copy(struct ufd_call *call, struct ufd_ioas *src)
{
	struct iommu_ioas_copy *cmd = call->cmd;
	uiommu_iova_t iova = cmd->dst_iova;
	struct ufd_ioas *dst;
	uint64_t last;
	int rc;

	if (!cmd->length)
		return -EINVAL;
	if (last_overflows(cmd->src_iova, cmd->length, &last))
		return -EOVERFLOW;
	dst = ufd_ioas_get(call->ctx, cmd->dst_ioas_id);
	if (!dst)
		return -ENOENT;
	rc = uiommu_ioas_copy(dst->ioas, src->ioas, cmd->src_iova, cmd->length,
			      map_prot(cmd->flags), map_place(cmd->flags),
			      &iova);
	if (!rc) {
		cmd->dst_iova = iova;
		rc = respond_map(call, dst, iova, cmd->length);
	}
	ufd_object_put(&dst->obj);
	return rc;
}

int ufd_ioas_copy(struct ufd_call *call)
{
	struct iommu_ioas_copy *cmd = call->cmd;
	struct ufd_ioas *src;
	int rc;

	if (cmd->flags & ~(uint32_t)MAP_FLAGS)
		return -EOPNOTSUPP;
	if (cmd->length == UFD_U64_MAX || cmd->src_iova == UFD_U64_MAX ||
	    cmd->dst_iova == UFD_U64_MAX)
		return -EOVERFLOW;
	if (map_useless(cmd->flags))
		return -EINVAL;
	src = ufd_ioas_get(call->ctx, cmd->src_ioas_id);
	if (!src)
		return -ENOENT;
	rc = copy(call, src);
	ufd_object_put(&src->obj);
	return rc;
}

static int unmap(struct ufd_ioas *ioas, uint64_t iova, uint64_t len,
		 uint64_t *unmapped)
{
	int rc;

	*unmapped = 0;
	if (!iova && len == UFD_U64_MAX)
		return uiommu_ioas_unmap_all(ioas->ioas, unmapped);
	if (iova == UFD_U64_MAX || len == UFD_U64_MAX)
		return -EOVERFLOW;
	rc = uiommu_ioas_unmap(ioas->ioas, iova, len, unmapped);
	if (rc)
		return rc;
	return *unmapped ? 0 : -ENOENT;
}

int ufd_ioas_unmap(struct ufd_call *call)
{
	struct iommu_ioas_unmap *cmd = call->cmd;
	struct ufd_ioas *ioas;
	uint64_t unmapped;
	int rc;

	ioas = ufd_ioas_get(call->ctx, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	rc = unmap(ioas, cmd->iova, cmd->length, &unmapped);
	if (!rc) {
		cmd->length = unmapped;
		rc = ufd_respond(call);
	}
	ufd_object_put(&ioas->obj);
	return rc;
}

/* ---------------------------------------------------- seldom used ones -- */

/*
 * Only memory of files can change hands.  All processes that share a context are
 * one here, so there is nothing else to do.
 */
int ufd_ioas_change_process(struct ufd_call *call)
{
	const struct iommu_ioas_change_process *cmd = call->cmd;
	struct ufd_ctx *ctx = call->ctx;
	struct ufd_ioas *ioas;
	uint32_t id, nr;
	int rc = 0;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	pthread_mutex_lock(&ctx->lock);
	nr = ctx->nr_slots;
	pthread_mutex_unlock(&ctx->lock);
	for (id = 1; id < nr && !rc; id++) {
		ioas = ufd_ioas_get(ctx, id);
		if (!ioas)
			continue;
		rc = uiommu_ioas_check_kind(ioas->ioas, UIOMMU_MM_FILE);
		ufd_object_put(&ioas->obj);
	}
	return rc;
}

/* There always is an IOMMU, so there is nothing without one to ask about. */
int ufd_ioas_noiommu_get_pa(struct ufd_call *call)
{
	return -EOPNOTSUPP;
}
