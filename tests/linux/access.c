/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses: each an open file, which pins pages of an IOAS as *items* that have
 * numbers, and copies.  An unmap takes the items that it touches.
 */
#include "mock.h"

#include <fcntl.h>

#define EBADFD_LINUX 77
#define EBADE_LINUX 52
#define LENGTH_MAX (UINT64_C(16) << 20)

#define CREATE_NEEDS_PIN_PAGES (1u << 0)
#define ACCESS_WRITE (1u << 0)
#define ACCESS_SLOW_PATH (1u << 2)
#define ACCESS_SYZ (1u << 16)

struct item {
	struct list node; /* test_access.items */
	uint64_t iova;
	uint64_t len;
	uint32_t id;
};

struct test_access {
	struct abi_file file; /* first */
	struct ufd_access *access;
	bool pins;
	/*
	 * Protects the items.  Held over pinning, so that an unmap that asks for
	 * what was just pinned finds the item.
	 */
	pthread_mutex_t lock;
	struct list items;
	uint32_t next_id;
};

/* Lock held. */
static void drop(struct test_access *ta, struct item *item)
{
	list_del(&item->node);
	uiommu_access_unpin_pages(ta->access->core, item->iova, item->len);
	abi_free(ta->file.abi, item);
}

static void on_unmap(void *ctx, uiommu_iova_t iova, uint64_t len)
{
	struct test_access *ta = ctx;
	struct item *item, *next;

	pthread_mutex_lock(&ta->lock);
	list_for_each_safe(item, next, &ta->items, node) {
		if (item->iova <= iova + (len - 1) &&
		    iova <= item->iova + (item->len - 1))
			drop(ta, item);
	}
	pthread_mutex_unlock(&ta->lock);
}

static const struct uiommu_access_ops pin_ops = {
	.needs_pin_pages = true,
	.unmap = on_unmap,
};
static const struct uiommu_access_ops rw_ops = { .unmap = on_unmap };

/* --------------------------------------------------------- made and gone -- */

static void release(struct abi_file *file)
{
	struct test_access *ta = (struct test_access *)file;

	on_unmap(ta, 0, UINT64_MAX);
	ufd_access_destroy(ta->access);
	pthread_mutex_destroy(&ta->lock);
	abi_free(file->abi, ta);
}

static const struct abi_file_ops access_file_ops = {
	.name = "iommufd_test_staccess",
	.release = release,
};

static int give_fd(struct ufd_call *call, struct test_access *ta)
{
	struct test_cmd *cmd = call->cmd;
	struct abi_desc *desc;
	int fd, rc;

	fd = abi_fd_prepare(call->abi, &ta->file,
			    "anon_inode:[iommufd_test_staccess]",
			    O_RDWR | O_CLOEXEC, &desc, NULL);
	if (fd < 0)
		return fd;
	cmd->create_access.out_access_fd = (uint32_t)fd;
	rc = ufd_respond(call);
	if (rc)
		abi_fd_abandon(call->abi, fd, desc, ABI_NO_EVENT);
	else
		abi_fd_commit(call->abi, fd, desc);
	return rc;
}

int test_create_access(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct test_access *ta;
	uint32_t id;
	int rc;

	if (cmd->create_access.flags & ~CREATE_NEEDS_PIN_PAGES)
		return -EOPNOTSUPP;
	ta = abi_alloc(call->abi, sizeof(*ta));
	if (!ta)
		return -ENOMEM;
	abi_file_init(&ta->file, call->abi, &access_file_ops);
	ta->pins = cmd->create_access.flags & CREATE_NEEDS_PIN_PAGES;
	pthread_mutex_init(&ta->lock, NULL);
	list_init(&ta->items);
	rc = ufd_access_create(call->ctx, ta->pins ? &pin_ops : &rw_ops, ta,
			       &ta->access, &id);
	if (rc)
		goto err_free;
	rc = ufd_access_attach(ta->access, cmd->id);
	if (!rc)
		rc = give_fd(call, ta);
	if (rc)
		goto err_access;
	return 0;

err_access:
	ufd_access_destroy(ta->access);
err_free:
	pthread_mutex_destroy(&ta->lock);
	abi_free(call->abi, ta);
	return rc;
}

static struct test_access *access_get(struct ufd_call *call, uint32_t fd)
{
	struct abi_file *file = abi_fd_get(call->abi, (int)fd);

	if (file && file->ops == &access_file_ops)
		return (struct test_access *)file;
	if (file)
		abi_file_put(file);
	return NULL;
}

int test_access_replace_ioas(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct test_access *ta = access_get(call, cmd->id);
	int rc;

	if (!ta)
		return -EBADFD_LINUX;
	rc = ufd_access_replace(ta->access, cmd->access_replace.ioas_id);
	abi_file_put(&ta->file);
	return rc;
}

/* --------------------------------------------------------------- use ----- */

/* What fuzzers say in place of an address: an area and an offset in it. */
static uint64_t syz_iova(struct test_access *ta, uint64_t word)
{
	struct uiommu_area_info area;
	uint32_t nth = (uint32_t)word;
	uint64_t from = 0, iova = 0;

	pthread_mutex_lock(&ta->access->lock);
	while (ta->access->ioas &&
	       !uiommu_ioas_next_area(ta->access->ioas->ioas, from, &area)) {
		if (!nth--) {
			iova = area.range.first + (word >> 32);
			break;
		}
		if (area.range.last == UINT64_MAX)
			break;
		from = area.range.last + 1;
	}
	pthread_mutex_unlock(&ta->access->lock);
	return iova;
}

/* Are these the pages at uptr? */
static int check_pages(struct uiommu_abi *abi, const uiommu_pa_t *pages,
		       uint64_t nr, uint64_t uptr)
{
	struct test_frames frames;
	uiommu_pa_t pa;
	int rc = test_frames_read(&frames);

	for (uint64_t i = 0; !rc && i < nr; i++) {
		rc = test_pa_of(abi, uptr + i * TEST_PAGE, &pa);
		if (!rc && !test_frames_same(&frames, align_down_lg2(pa, 12),
					     align_down_lg2(pages[i], 12)))
			rc = -EBADE_LINUX;
	}
	test_frames_free(&frames);
	return rc;
}

/* Lock held. */
static int pin(struct ufd_call *call, struct test_access *ta, struct item *item,
	       uiommu_pa_t *pages, uint64_t nr)
{
	struct test_cmd *cmd = call->cmd;
	uint64_t uptr = cmd->access_pages.uptr;
	int rc;

	rc = uiommu_access_pin_pages(ta->access->core, item->iova, item->len,
				     cmd->access_pages.flags & ACCESS_WRITE
					     ? UIOMMU_ACCESS_WRITE
					     : 0,
				     pages);
	if (rc)
		return rc;
	if (uptr)
		rc = check_pages(call->abi, pages, nr,
				 uptr - item->iova % TEST_PAGE);
	if (rc)
		goto err_unpin;
	item->id = ta->next_id++;
	cmd->access_pages.out_access_pages_id = item->id;
	rc = ufd_respond(call);
	if (rc)
		goto err_unpin;
	list_add_tail(&ta->items, &item->node);
	return 0;

err_unpin:
	uiommu_access_unpin_pages(ta->access->core, item->iova, item->len);
	return rc;
}

static int pin_item(struct ufd_call *call, struct test_access *ta)
{
	const struct test_cmd *cmd = call->cmd;
	uint64_t iova = cmd->access_pages.iova, nr;
	struct uiommu_abi *abi = call->abi;
	uiommu_pa_t *pages;
	struct item *item;
	int rc = -ENOMEM;

	if (cmd->access_pages.flags & ACCESS_SYZ)
		iova = syz_iova(ta, iova);
	nr = (align_up_lg2(iova + cmd->access_pages.length, 12) -
	      align_down_lg2(iova, 12)) /
	     TEST_PAGE;
	/* A range that wraps is the core's to refuse. */
	pages = abi_alloc(abi, (min_u64(nr, LENGTH_MAX / TEST_PAGE) + 1) *
				       sizeof(*pages));
	item = abi_alloc(abi, sizeof(*item));
	if (!pages || !item)
		goto out_free;
	item->iova = iova;
	item->len = cmd->access_pages.length;
	pthread_mutex_lock(&ta->lock);
	rc = pin(call, ta, item, pages, nr);
	pthread_mutex_unlock(&ta->lock);
	if (!rc)
		item = NULL;
out_free:
	abi_free(abi, item);
	abi_free(abi, pages);
	return rc;
}

int test_access_pages(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct test_access *ta;
	int rc;

	if (cmd->access_pages.length > LENGTH_MAX)
		return -ENOMEM;
	if (cmd->access_pages.flags & ~(ACCESS_WRITE | ACCESS_SYZ))
		return -EOPNOTSUPP;
	ta = access_get(call, cmd->id);
	if (!ta)
		return -EBADFD_LINUX;
	rc = ta->pins ? pin_item(call, ta) : -EOPNOTSUPP;
	abi_file_put(&ta->file);
	return rc;
}

int test_destroy_access_pages(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct test_access *ta = access_get(call, cmd->id);
	struct item *item, *next;
	int rc = -ENOENT;

	if (!ta)
		return -EBADFD_LINUX;
	pthread_mutex_lock(&ta->lock);
	list_for_each_safe(item, next, &ta->items, node) {
		if (item->id != cmd->destroy_access_pages.access_pages_id)
			continue;
		drop(ta, item);
		rc = 0;
		break;
	}
	pthread_mutex_unlock(&ta->lock);
	abi_file_put(&ta->file);
	return rc;
}

static int copy(struct ufd_call *call, struct test_access *ta, void *buf)
{
	const struct test_cmd *cmd = call->cmd;
	bool write = cmd->access_rw.flags & ACCESS_WRITE;
	uint64_t uptr = cmd->access_rw.uptr, len = cmd->access_rw.length;
	uint64_t iova = cmd->access_rw.iova;
	int rc = write ? abi_copy_from(call->abi, buf, uptr, len) : 0;

	if (rc)
		return rc;
	if (cmd->access_rw.flags & ACCESS_SYZ)
		iova = syz_iova(ta, iova);
	rc = uiommu_access_rw(ta->access->core, iova, buf, len,
			      (write ? UIOMMU_ACCESS_WRITE : 0) |
				      (cmd->access_rw.flags & ACCESS_SLOW_PATH
					       ? UIOMMU_ACCESS_SLOW
					       : 0));
	return rc || write ? rc : abi_copy_to(call->abi, uptr, buf, len);
}

int test_access_rw(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct test_access *ta;
	int rc = -ENOMEM;
	void *buf;

	if (cmd->access_rw.length > LENGTH_MAX)
		return -ENOMEM;
	if (cmd->access_rw.flags &
	    ~(ACCESS_WRITE | ACCESS_SLOW_PATH | ACCESS_SYZ))
		return -EOPNOTSUPP;
	ta = access_get(call, cmd->id);
	if (!ta)
		return -EBADFD_LINUX;
	buf = abi_alloc(call->abi, cmd->access_rw.length + 1);
	if (buf)
		rc = copy(call, ta, buf);
	abi_free(call->abi, buf);
	abi_file_put(&ta->file);
	return rc;
}
