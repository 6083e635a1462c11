/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each system call does to which addresses.
 *
 * Lengths are rounded up to pages as the kernel does.  Where the kernel alone
 * knows how far a call reaches, the range goes as far as it can.
 */
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "mmhook.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

const uint16_t mm_calls[] = {
	SYS_munmap,
	SYS_mmap,
	SYS_mprotect,
	SYS_madvise,
	SYS_mremap,
	SYS_brk,
	SYS_shmdt,
	SYS_shmat,
	SYS_remap_file_pages,
	SYS_pkey_mprotect,
	SYS_process_madvise,
};
const unsigned int mm_nr_calls = sizeof(mm_calls) / sizeof(mm_calls[0]);

bool mm_is_call(long nr)
{
	for (unsigned int i = 0; i < mm_nr_calls; i++)
		if (mm_calls[i] == nr)
			return true;
	return false;
}

static mm_unseen uint64_t page_up(uint64_t len)
{
	return (len + MM_PAGE - 1) & ~(MM_PAGE - 1);
}

/* Whole pages of [addr, addr+len), as far as they are user memory. */
static mm_unseen void add(struct mm_change *change, uint64_t addr, uint64_t len,
			  unsigned int reason)
{
	struct mm_range *range = &change->range[change->nr];

	if (addr % MM_PAGE || addr >= MM_VA_END || !len)
		return;
	len = page_up(len);
	if (!len || len > MM_VA_END - addr)
		len = MM_VA_END - addr;
	range->first = addr;
	range->last = addr + len - 1;
	range->reason = reason;
	change->nr++;
}

static mm_unseen bool is_discard(uint64_t advice)
{
	switch ((int)advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_HWPOISON:
	case MADV_SOFT_OFFLINE:
	case MADV_GUARD_INSTALL:
		return true;
	default:
		return false;
	}
}

static mm_unseen void remap(struct mm_change *change, const uint64_t arg[6])
{
	uint64_t addr = arg[0], old_len = page_up(arg[1]),
		 new_len = page_up(arg[2]);

	if (old_len && addr < MM_VA_END && old_len <= MM_VA_END - addr)
		change->remapped = (struct mm_span){ addr, addr + old_len - 1 };
	if (arg[3] & MREMAP_FIXED) {
		add(change, addr, old_len, UIOMMU_MM_MOVE);
		add(change, arg[4], new_len, UIOMMU_MM_REPLACE);
	} else if (arg[3] & MREMAP_DONTUNMAP) {
		add(change, addr, old_len, UIOMMU_MM_MOVE);
	} else if (new_len < old_len) {
		add(change, addr + new_len, old_len - new_len, UIOMMU_MM_UNMAP);
	} else if (new_len > old_len && (arg[3] & MREMAP_MAYMOVE)) {
		add(change, addr, old_len, UIOMMU_MM_MOVE);
	}
}

static mm_unseen void set_break(struct mm_change *change, uint64_t to)
{
	uint64_t now = (uint64_t)mm_sys(SYS_brk, 0, 0, 0, 0, 0, 0);

	to = page_up(to);
	if (to && to < now)
		add(change, to, now - to, UIOMMU_MM_UNMAP);
}

/* SHM_REMAP puts the segment over what is there. */
static mm_unseen void attach(struct mm_change *change, const uint64_t arg[6])
{
	struct shmid_ds ds;
	uint64_t addr = arg[1] & ~(MM_PAGE - 1);

	if (!(arg[2] & SHM_REMAP))
		return;
	if (mm_sys(SYS_shmctl, arg[0], IPC_STAT, (uintptr_t)&ds, 0, 0, 0))
		return;
	add(change, addr, ds.shm_segsz, UIOMMU_MM_REPLACE);
}

mm_unseen void mm_change_of(long nr, const uint64_t arg[6],
			    struct mm_change *change)
{
	change->nr = 0;
	change->remapped = (struct mm_span){ 0, 0 };
	switch (nr) {
	case SYS_munmap:
		add(change, arg[0], arg[1], UIOMMU_MM_UNMAP);
		break;
	case SYS_mmap:
		if ((arg[3] & MAP_FIXED) && !(arg[3] & MAP_FIXED_NOREPLACE))
			add(change, arg[0], arg[1], UIOMMU_MM_REPLACE);
		break;
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		add(change, arg[0], arg[1], UIOMMU_MM_PROTECT);
		break;
	case SYS_madvise:
		if (is_discard(arg[2]))
			add(change, arg[0], arg[1], UIOMMU_MM_DISCARD);
		break;
	case SYS_process_madvise:
		/* Its ranges may change while the kernel reads them. */
		if (is_discard(arg[3]))
			add(change, 0, MM_VA_END, UIOMMU_MM_DISCARD);
		break;
	case SYS_mremap:
		remap(change, arg);
		break;
	case SYS_remap_file_pages:
		add(change, arg[0] & ~(MM_PAGE - 1), arg[1], UIOMMU_MM_REPLACE);
		break;
	case SYS_brk:
		set_break(change, arg[0]);
		break;
	case SYS_shmat:
		attach(change, arg);
		break;
	case SYS_shmdt:
		/* As far as the segment reaches, which only the kernel knows. */
		add(change, arg[0], MM_VA_END, UIOMMU_MM_UNMAP);
		break;
	default:
		break;
	}
}
