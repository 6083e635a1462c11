/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instance and its entry points.
 *
 * Each entry is the same five steps: find the description of the descriptor,
 * see whether its kind of file has the operation, call it, let the description
 * go, tell the host that the call is over.  The last two come after everything
 * that holds a lock, so files may be released and devices may finish their
 * work there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "file.h"
#include "private.h"

#define IOMMU_NODE "/dev/iommu"

void *abi_alloc(struct uiommu_abi *abi, size_t size)
{
	const struct uiommu_platform *platform = abi->host.platform;

	return platform ? platform->obj_alloc(platform->ctx, size)
			: calloc(1, size);
}

void abi_free(struct uiommu_abi *abi, void *obj)
{
	const struct uiommu_platform *platform = abi->host.platform;

	if (!obj)
		return;
	if (platform)
		platform->obj_free(platform->ctx, obj);
	else
		free(obj);
}

void abi_get(struct uiommu_abi *abi)
{
	fetch_add_relaxed(&abi->refs, 1);
}

void abi_put(struct uiommu_abi *abi)
{
	struct uiommu_abi seed;

	if (fetch_sub_acq_rel(&abi->refs, 1) != 1)
		return;
	seed = *abi;
	abi_free(&seed, abi);
}

bool abi_capable(struct uiommu_abi *abi, int cap)
{
	return !abi->host.capable || abi->host.capable(abi->host.ctx, cap);
}

int uiommu_abi_create(struct uiommu_core *core,
		      const struct uiommu_abi_host *host,
		      struct uiommu_abi **out)
{
	/* The allocator has to be known before there is an instance. */
	struct uiommu_abi seed = { .core = core, .host = *host, .refs = 1 };
	struct uiommu_abi *abi = abi_alloc(&seed, sizeof(*abi));
	int rc;

	if (!abi)
		return -ENOMEM;
	*abi = seed;
	abi_charge_init(abi);
	rc = abi_fdtable_create(abi);
	if (rc)
		goto err_abi;
	rc = abi_vfio_create(abi, &abi->vfio);
	if (rc)
		goto err_fds;
	*out = abi;
	return 0;
err_fds:
	abi_fdtable_destroy(abi);
err_abi:
	abi_free(&seed, abi);
	return rc;
}

void uiommu_abi_destroy(struct uiommu_abi *abi)
{
	abi_fdtable_close_all(abi);
	abi_vfio_destroy(abi->vfio);
	abi_fdtable_destroy(abi);
	abi_put(abi);
}

static void leave(struct uiommu_abi *abi)
{
	if (abi->host.leave)
		abi->host.leave(abi->host.ctx);
}

/* ----------------------------------------------------- open and close -- */

static int open_file(struct uiommu_abi *abi, const char *path, int flags,
		     struct abi_file **file)
{
	const struct uiommu_abi_extra *extra = abi->host.extra;
	int rc;

	if (!strcmp(path, IOMMU_NODE))
		return ufd_open(abi, file);
	if (extra && extra->open) {
		rc = extra->open(abi, path, flags, file);
		if (rc != -ENOENT)
			return rc;
	}
	return abi_vfio_open(abi->vfio, path, flags, file);
}

static int open_fd(struct uiommu_abi *abi, const char *path, int flags)
{
	struct abi_file *file;
	int fd, rc;

	rc = open_file(abi, path, flags, &file);
	if (rc)
		return rc;
	fd = abi_fd_install(abi, file, path, flags);
	if (fd < 0)
		abi_file_put(file);
	return fd;
}

int uiommu_abi_open(struct uiommu_abi *abi, const char *path, int flags)
{
	int fd = open_fd(abi, path, flags);

	leave(abi);
	return fd;
}

int uiommu_abi_dup(struct uiommu_abi *abi, int from, int to)
{
	int rc = abi_fd_dup(abi, from, to);

	leave(abi);
	return rc;
}

struct area_visit {
	uiommu_abi_area_fn *fn;
	void *ctx;
};

static void visit_file(void *arg, struct abi_file *file)
{
	const struct area_visit *visit = arg;
	struct ufd_ctx *ctx = ufd_ctx_of(file);

	if (ctx)
		ufd_visit_areas(ctx, visit->fn, visit->ctx);
}

void uiommu_abi_visit_areas(struct uiommu_abi *abi, uiommu_abi_area_fn *fn,
			    void *ctx)
{
	struct area_visit visit = { fn, ctx };

	abi_fdtable_visit(abi, visit_file, &visit);
	leave(abi);
}

static void dump_file(void *arg, struct abi_file *file)
{
	struct ufd_ctx *ctx = ufd_ctx_of(file);

	if (ctx)
		ufd_dump(ctx, arg);
}

void uiommu_abi_dump(struct uiommu_abi *abi, const struct uiommu_dump *dump)
{
	/* Who reads it does not change it. */
	if (dump->parts & UIOMMU_DUMP_OBJECTS)
		abi_fdtable_visit(abi, dump_file, (void *)(uintptr_t)dump);
	leave(abi);
}

int uiommu_abi_close(struct uiommu_abi *abi, int fd)
{
	int rc = abi_fd_close(abi, fd);

	leave(abi);
	return rc;
}

/* -------------------------------------------------- calls on one file -- */

/* The file behind a descriptor, held until call_end(); NULL: not ours. */
static struct abi_file *call_begin(struct uiommu_abi *abi, int fd,
				   struct abi_desc **desc)
{
	*desc = abi_desc_get(abi, fd);
	return *desc ? abi_desc_file(*desc) : NULL;
}

static long call_end(struct uiommu_abi *abi, struct abi_desc *desc, long rc)
{
	abi_desc_put(abi, desc);
	leave(abi);
	return rc;
}

long uiommu_abi_ioctl(struct uiommu_abi *abi, int fd, unsigned long cmd,
		      unsigned long arg)
{
	struct abi_desc *desc;
	struct abi_file *file = call_begin(abi, fd, &desc);
	long rc = -ENOTTY;

	if (!file)
		return -EBADF;
	/* The number of a call has 32 bits: the kernel sees no more. */
	if (file->ops->ioctl)
		rc = file->ops->ioctl(file, (unsigned int)cmd, arg);
	return call_end(abi, desc, rc);
}

ssize_t uiommu_abi_read(struct uiommu_abi *abi, int fd, uint64_t uva,
			size_t len)
{
	struct abi_desc *desc;
	struct abi_file *file = call_begin(abi, fd, &desc);

	if (!file)
		return -EBADF;
	return call_end(abi, desc,
			file->ops->read ? file->ops->read(file, uva, len)
					: -EINVAL);
}

ssize_t uiommu_abi_write(struct uiommu_abi *abi, int fd, uint64_t uva,
			 size_t len)
{
	struct abi_desc *desc;
	struct abi_file *file = call_begin(abi, fd, &desc);

	if (!file)
		return -EBADF;
	return call_end(abi, desc,
			file->ops->write ? file->ops->write(file, uva, len)
					 : -EINVAL);
}

ssize_t uiommu_abi_pread(struct uiommu_abi *abi, int fd, uint64_t uva,
			 size_t len, uint64_t off)
{
	struct abi_desc *desc;
	struct abi_file *file = call_begin(abi, fd, &desc);

	if (!file)
		return -EBADF;
	return call_end(abi, desc,
			file->ops->pread ? file->ops->pread(file, uva, len, off)
					 : -EINVAL);
}

ssize_t uiommu_abi_pwrite(struct uiommu_abi *abi, int fd, uint64_t uva,
			  size_t len, uint64_t off)
{
	struct abi_desc *desc;
	struct abi_file *file = call_begin(abi, fd, &desc);

	if (!file)
		return -EBADF;
	return call_end(abi, desc,
			file->ops->pwrite
				? file->ops->pwrite(file, uva, len, off)
				: -EINVAL);
}

int uiommu_abi_mmap(struct uiommu_abi *abi, int fd, size_t len, int prot,
		    int flags, uint64_t off, struct uiommu_map **out)
{
	struct abi_desc *desc;
	struct abi_file *file = call_begin(abi, fd, &desc);
	int rc = -ENODEV;

	if (!file)
		return -EBADF;
	if (file->ops->mmap)
		rc = file->ops->mmap(file, len, prot, flags, off, out);
	return (int)call_end(abi, desc, rc);
}

/* --------------------------------------------------------------- nodes -- */

int uiommu_abi_visit_nodes(struct uiommu_abi *abi,
			   int (*fn)(void *ctx, const struct uiommu_node *node),
			   void *ctx)
{
	static const struct uiommu_node iommu = {
		.type = UIOMMU_NODE_CHAR,
		.path = IOMMU_NODE,
		.mode = 0660,
	};
	const struct uiommu_abi_extra *extra = abi->host.extra;
	int rc = fn(ctx, &iommu);

	for (unsigned int i = 0; extra && !rc && i < extra->nr_nodes; i++)
		rc = fn(ctx, &extra->nodes[i]);
	return rc ? rc : abi_vfio_visit_nodes(abi->vfio, fn, ctx);
}
