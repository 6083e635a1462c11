/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm.h - contract between shared virtual addressing and whoever owns the
 * address space: what is told before addresses change, and what makes a page
 * present.
 *
 * The owner (struct uiommu_sva_mm) calls down into its subscribers; a
 * subscriber (struct uiommu_mm_notifier) keeps a device's translations of that
 * address space and takes them away in time.  uiommu/process.h offers the
 * address space of this process.
 *
 * One change of [first, last] is
 *
 *	begin(first, last)	the old mapping is still whole
 *	the change		by the kernel
 *	end(first, last)	the new mapping, if any, stands
 *
 * A subscriber that fills its translations on faults has to see to two things:
 * begin returns only when no device access can reach the old mapping any more,
 * and from begin to end no fault fills anything in the range.  A fault that
 * was being served when begin came must notice, for example so:
 *
 *	fault(addr):
 *		lock; busy = a change that covers addr is under way;
 *		seq = n->seq; unlock;
 *		if busy: answer "try again", or wait for its end;
 *		rc = mm->populate(addr, ...);
 *		lock; if n->seq != seq: unlock, start again;
 *		install the translation; unlock;
 *	begin(first, last):
 *		lock; n->seq++; remember [first, last]; unlock;
 *		take the translations away, invalidate, drain;
 *	end(first, last):
 *		lock; forget one such [first, last]; unlock;
 *
 * Where devices walk the CPU's own page table (struct uiommu_sva_mm, cpu), they
 * follow a change by themselves, and the subscriber makes them forget what they
 * had: what was mapped may be given to others when end has returned, and not
 * before.
 *
 * Changes may nest and overlap: a page may be refilled when every change that
 * covers it has ended, so ranges are counted and not a flag.
 */
#ifndef UIOMMU_MM_H
#define UIOMMU_MM_H

#include <uiommu/types.h>

struct uiommu_cpu_tables; /* driver.h */

#ifdef __cplusplus
extern "C" {
#endif

/* What is about to happen to a range. */
enum uiommu_mm_reason {
	UIOMMU_MM_UNMAP,   /* the addresses become free */
	UIOMMU_MM_PROTECT, /* the access rights change, either way */
	UIOMMU_MM_MOVE,	   /* the pages go to other addresses */
	UIOMMU_MM_DISCARD, /* the contents go, the addresses stay */
	UIOMMU_MM_REPLACE, /* something else is mapped there */
};

/*
 * Added to the reason: the change was noticed only when it was made or being
 * made, so device accesses until now may have met either side of it.  Begin
 * and end follow each other at once.
 */
#define UIOMMU_MM_LATE 0x100u

/*
 * A subscriber.  The owner of the storage keeps it in place from subscribe
 * until unsubscribe has returned.  first and last are byte addresses, last
 * inclusive, of whole pages.  A range may be larger than what changes, up to
 * the whole address space: look at what is mapped of it, not at each page.
 *
 * Callbacks run in whatever thread makes the change, at any time: the thread
 * may hold the locks of malloc or of the dynamic linker, be starting or
 * ending, and may run several callbacks of several threads at once.  So a
 * callback, and everything that it waits for,
 *   - calls neither malloc, free nor anything else of libc that maps, unmaps
 *     or protects memory, nor a function that may do so: dlopen, stdio,
 *     pthread_create, first use of a thread-local variable of a library;
 *   - takes no lock that anybody holds while calling one of those; a lock
 *     that a callback takes is held elsewhere only between hold and release
 *     (struct uiommu_sva_mm);
 *   - is bounded, and never waits for the end of another change: that one's
 *     thread may be waiting for this one;
 *   - uses at most 8 KiB of stack.
 * Signals are blocked meanwhile, except those that faults raise.  errno and all
 * registers are kept.  A change that a callback makes itself is not told to
 * anybody.
 */
struct uiommu_mm_notifier {
	/*
	 * Returns when no device access can reach the old mapping.  It cannot
	 * fail.  reason: enum uiommu_mm_reason, perhaps with UIOMMU_MM_LATE.
	 */
	void (*begin)(struct uiommu_mm_notifier *n, uint64_t first,
		      uint64_t last, unsigned int reason);
	/*
	 * Once for each begin, with the same arguments, in the same thread,
	 * whether the change succeeded or not.
	 */
	void (*end)(struct uiommu_mm_notifier *n, uint64_t first, uint64_t last,
		    unsigned int reason);
};

/*
 * An address space.  All functions may be called from several threads at a
 * time, but subscribe, unsubscribe and populate never from a callback or with
 * a lock held that a callback takes.
 */
struct uiommu_sva_mm {
	void *ctx;

	/*
	 * Every change that begins after this has returned is told to n; none
	 * that began before is still under way.  -EEXIST: n is subscribed;
	 * -ENOSPC: too many are; -ENOTSUP: changes cannot be seen here;
	 * -EBUSY: a change that began before does not end; -ENOMEM; -EPERM,
	 * -EACCES: forbidden to this process.  Nothing has changed then.
	 */
	int (*subscribe)(void *ctx, struct uiommu_mm_notifier *n);
	/*
	 * Waits for callbacks under way; after it n is never touched again.
	 * -ENOENT: n is not subscribed; -EDEADLK: called by a callback.
	 */
	int (*unsubscribe)(void *ctx, struct uiommu_mm_notifier *n);

	/*
	 * Make each page of [uva, uva+len) present, as an access by the
	 * program would: readable, or writable without a further fault.  What
	 * is present may go again at once; only begin and end tell.  Says
	 * nothing about the other right.  May take as long as an access by the
	 * program (a disk).  -EFAULT: somewhere there is no memory, no right
	 * (write: to write; else: to read), or none that can be shared with a
	 * device, or the range leaves [0, 2^va_bits); some pages may have been
	 * made present.  len 0 is 0.
	 */
	int (*populate)(void *ctx, uint64_t uva, uint64_t len, bool write);

	/*
	 * Around the use of a lock that callbacks take: no signal handler runs
	 * in between, so none can change the address space while this thread
	 * holds it.  release gets what hold returned.  They nest.
	 */
	uint64_t (*hold)(void *ctx);
	void (*release)(void *ctx, uint64_t held);

	/*
	 * The page table by which a CPU translates these addresses, for devices
	 * to walk too, if they can read it as the CPU does; it stands from the
	 * first bind to the last unbind.  populate fills it, with access flags
	 * (and, for a write, dirty) unless the CPU's hardware sets them, and tells
	 * nobody; to take rights or pages away is a change as above.  page_lg2
	 * and va_bits are those of the table.  NULL: the devices get a table of
	 * their own, in which an address leads to itself (core.h: sva_pa).
	 */
	const struct uiommu_cpu_tables *cpu;

	uint8_t page_lg2; /* granule of everything above */
	uint8_t va_bits;  /* user addresses are below 2^va_bits */
};

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_MM_H */
