/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filemem.c - memory of files for DMA: memfds, tmpfs, huge pages.
 *
 * Physical addresses are those of the process, so a file is mapped once more,
 * where the program does not know of it, as long as something of it is mapped
 * for devices.  The mapping is made to read at first: to map a file of huge pages
 * to write lets it grow.
 */
#include <sys/mman.h>
#include <sys/vfs.h>

#include "machine_private.h"

#define TMPFS_ID 0x01021994
#define HUGETLBFS_ID 0x958458f6

/* Runs can be as large as leaves where the two addresses agree up to here. */
#define LEAF_LG2 21

struct filemem {
	struct uiommu_machine *machine;
	uint64_t refs; /* atomic */
	uint64_t off;  /* in the file, of the first byte mapped */
	size_t len;
	uint8_t *at; /* NULL: the file is no memory */
};

/* The address space of this process that suits the offset, or nowhere. */
static void *place_for(const struct filemem *file)
{
	size_t room = file->len + BIT64(LEAF_LG2);
	void *at = mmap(NULL, room, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	munmap(at, room);
	return (uint8_t *)at +
	       ((file->off - (uintptr_t)at) & mask_lg2(LEAF_LG2));
}

/* `block`: the size of the file's pages. */
static void map_file(struct filemem *file, int fd, uint64_t start, uint64_t len,
		     uint64_t block)
{
	void *at;

	if (len > BIT64(PIN_ADDR_LG2) || start > INT64_MAX - len - block)
		return;
	file->off = start & ~(block - 1);
	file->len = (size_t)(((start + len + block - 1) & ~(block - 1)) -
			     file->off);
	/* A hint: somebody may have been faster. */
	at = mmap(place_for(file), file->len, PROT_READ,
		  MAP_SHARED | MAP_NORESERVE, fd, (off_t)file->off);
	if (at == MAP_FAILED)
		return;
	file->at = at;
	/* Without the right, pinning to write fails. */
	(void)mprotect(at, file->len, PROT_READ | PROT_WRITE);
}

static uint64_t address_of(const struct filemem *file, uint64_t off)
{
	return (uintptr_t)file->at + (off - file->off);
}

static int file_pin(void *ctx, uint64_t off, uint64_t len, uint32_t flags,
		    struct uiommu_run *run)
{
	struct filemem *file = ctx;
	const struct uiommu_mm *mm = &file->machine->mm;
	int rc;

	if (!file->at)
		return -EINVAL;
	rc = mm->pin(mm->ctx, address_of(file, off), len, flags, run);
	/* Behind its end there is nothing. */
	return rc == -EFAULT ? -EINVAL : rc;
}

static void file_unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
	const struct uiommu_mm *mm = &((struct filemem *)ctx)->machine->mm;

	mm->unpin(mm->ctx, pa, len, flags);
}

static int file_copy_pinned(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
			    bool write)
{
	return mm_copy_pinned(((struct filemem *)ctx)->machine, pa, buf, len,
			      write);
}

static void file_get(void *ctx)
{
	fetch_add_relaxed(&((struct filemem *)ctx)->refs, 1);
}

static void file_put(void *ctx)
{
	struct filemem *file = ctx;
	const struct uiommu_platform *platform = file->machine->platform;

	if (fetch_sub_acq_rel(&file->refs, 1) != 1)
		return;
	if (file->at)
		munmap(file->at, file->len);
	platform->obj_free(platform->ctx, file);
}

int host_file_mm(void *ctx, int fd, uint64_t start, uint64_t len,
		 struct uiommu_mm *mm)
{
	struct uiommu_machine *machine = ctx;
	const struct uiommu_platform *platform = machine->platform;
	struct filemem *file;
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return -EBADF;
	file = platform->obj_alloc(platform->ctx, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->machine = machine;
	file->refs = 1;
	if (fs.f_type == TMPFS_ID)
		map_file(file, fd, start, len, PIN_PAGE);
	else if (fs.f_type == HUGETLBFS_ID)
		map_file(file, fd, start, len, (uint64_t)fs.f_bsize);
	*mm = (struct uiommu_mm){
		.ctx = file,
		.pin = file_pin,
		.unpin = file_unpin,
		.copy_pinned = file_copy_pinned,
		.get = file_get,
		.put = file_put,
		.kind = UIOMMU_MM_FILE,
	};
	return 0;
}
