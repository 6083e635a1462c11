/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma-bufs: memory of somebody's that is handed on by a descriptor, and that its
 * owner can take back.
 *
 * IOMMU_IOAS_MAP_FILE maps one, by offsets.  What is mapped keeps it.
 */
#include "private.h"

#include <errno.h>

struct abi_dmabuf {
	struct abi_file file; /* first */
	struct uiommu_mm mm;  /* of offsets; ctx is this */
	struct uiommu_mm mem; /* of addresses */
	uint64_t addr;	      /* of offset 0 */
	uint64_t size;
	void (*release)(void *owner);
	void *owner;

	/* Held shared over a map, so that no map slips through a revocation. */
	pthread_rwlock_t lock;
	bool revoked;
};

static void dmabuf_release(struct abi_file *file)
{
	struct abi_dmabuf *buf = (struct abi_dmabuf *)file;

	if (buf->release)
		buf->release(buf->owner);
	pthread_rwlock_destroy(&buf->lock);
	abi_free(file->abi, buf);
}

static const struct abi_file_ops dmabuf_ops = {
	.name = "dmabuf",
	.release = dmabuf_release,
};

static int dmabuf_pin(void *ctx, uint64_t off, uint64_t len, uint32_t flags,
		      struct uiommu_run *run)
{
	struct abi_dmabuf *buf = ctx;

	return buf->mem.pin(buf->mem.ctx, buf->addr + off, len,
			    flags | UIOMMU_PIN_MMIO_OK, run);
}

static void dmabuf_unpin(void *ctx, uiommu_pa_t pa, uint64_t len,
			 uint32_t flags)
{
	struct abi_dmabuf *buf = ctx;

	buf->mem.unpin(buf->mem.ctx, pa, len, flags | UIOMMU_PIN_MMIO_OK);
}

static void dmabuf_get(void *ctx)
{
	struct abi_dmabuf *buf = ctx;

	abi_get(buf->file.abi);
	abi_file_get(&buf->file);
}

static void dmabuf_put(void *ctx)
{
	struct abi_dmabuf *buf = ctx;
	struct uiommu_abi *abi = buf->file.abi;

	abi_file_put(&buf->file);
	abi_put(abi);
}

int abi_dmabuf_create(struct uiommu_abi *abi, const struct uiommu_mm *mem,
		      uint64_t addr, uint64_t size,
		      void (*release)(void *owner), void *owner,
		      struct abi_dmabuf **out)
{
	struct abi_dmabuf *buf = abi_alloc(abi, sizeof(*buf));

	if (!buf)
		return -ENOMEM;
	abi_file_init(&buf->file, abi, &dmabuf_ops);
	pthread_rwlock_init(&buf->lock, NULL);
	buf->mem = *mem;
	buf->addr = addr;
	buf->size = size;
	buf->release = release;
	buf->owner = owner;
	buf->mm = (struct uiommu_mm){
		.ctx = buf,
		.pin = dmabuf_pin,
		.unpin = dmabuf_unpin,
		.get = dmabuf_get,
		.put = dmabuf_put,
		.kind = UIOMMU_MM_REVOCABLE,
	};
	*out = buf;
	return 0;
}

struct abi_file *abi_dmabuf_file(struct abi_dmabuf *buf)
{
	return &buf->file;
}

struct abi_dmabuf *abi_dmabuf_of(struct abi_file *file)
{
	return file->ops == &dmabuf_ops ? (struct abi_dmabuf *)file : NULL;
}

int abi_dmabuf_map(struct abi_dmabuf *buf, struct uiommu_ioas *ioas,
		   uint64_t start, uint64_t len, uint32_t prot, uint32_t flags,
		   uiommu_iova_t *iova)
{
	int rc;

	if (start >= buf->size || len > buf->size - start)
		return -EINVAL;
	pthread_rwlock_rdlock(&buf->lock);
	rc = buf->revoked ? -ENODEV
			  : uiommu_ioas_map(ioas, &buf->mm, start, len, prot,
					    flags, iova);
	pthread_rwlock_unlock(&buf->lock);
	return rc;
}

void abi_dmabuf_revoke(struct abi_dmabuf *buf, bool revoked)
{
	pthread_rwlock_wrlock(&buf->lock);
	buf->revoked = revoked;
	/* What is mapped was mapped before, and is dead either way. */
	(void)uiommu_mm_revoke(buf->file.abi->core, buf);
	pthread_rwlock_unlock(&buf->lock);
}
