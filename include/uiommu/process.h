/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * process.h - the address space of this process, for shared virtual addressing
 * (uiommu/mm.h).
 *
 * Changes are seen where they enter the kernel: each system call instruction
 * of libc, the dynamic linker and every other object that is loaded, if it may
 * carry munmap, mprotect, pkey_mprotect, mremap, madvise, process_madvise,
 * mmap, remap_file_pages, brk, shmat or shmdt.  So what libc does for free,
 * realloc, thread stacks or dlclose is seen as well.  docs/sva.md says how,
 * and what is not seen.
 */
#ifndef UIOMMU_PROCESS_H
#define UIOMMU_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include <uiommu/mm.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The one address space there is, for ever.  NULL where it cannot be shared:
 * this processor or system is not supported.
 *
 * The first subscribe looks for the instructions and leads them past us; it
 * takes some milliseconds.  They stay led past us for ever, since a thread may
 * be on its way through: without subscribers a call costs some nanoseconds
 * more than before.  Later ones look at what was loaded since.
 *
 * In a child of fork nothing is subscribed; it may subscribe anew.  A child of
 * vfork shares the memory and so the subscribers.
 */
const struct uiommu_sva_mm *uiommu_process_mm(void);

/*
 * What is populated is registered with a userfaultfd, if the system allows
 * one, so that the kernel tells of calls that are not seen: late, but before
 * the caller goes on (UIOMMU_MM_LATE).  This takes a thread and a descriptor,
 * and a program that registers the same memory with a userfaultfd of its own
 * gets EBUSY.  Called before the first subscribe, this does without.
 */
void uiommu_process_mm_forgo_net(void);

/* How well the changes are seen, after the first subscribe. */
struct uiommu_process_mm_info {
	/* System call instructions that are led past us, */
	unsigned int sites;
	/* that make such a call and cannot be, */
	unsigned int missed;
	/* and that cannot be, where no number is to be seen. */
	unsigned int unsure;
	unsigned int objects;	/* that were looked through */
	uint64_t told;		/* calls that were told to subscribers */
	uint64_t nested;	/* made by callbacks, so told to nobody */
	uint64_t late;		/* told with UIOMMU_MM_LATE */
	bool net;		/* the kernel tells of what we do not see */
	char missed_where[128]; /* object and offset of the first one missed */
};

/* Zeroes before the first subscribe. */
void uiommu_process_mm_info(struct uiommu_process_mm_info *info);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_PROCESS_H */
