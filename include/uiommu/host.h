/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - the hosted platform: what src/platform offers to programs that run
 * pgtable/ and driver/ in a Linux process.
 */
#ifndef UIOMMU_HOST_H
#define UIOMMU_HOST_H

#include <uiommu/model.h>
#include <uiommu/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A bus of register windows: mmio_* of a host platform look an address up
 * here.  Windows are added before the first access and never overlap.
 */
struct uiommu_bus_window {
	uiommu_pa_t base;
	uint64_t size;
	void *ctx;
	uint64_t (*read)(void *ctx, uint32_t offset, unsigned int size);
	void (*write)(void *ctx, uint32_t offset, unsigned int size,
		      uint64_t value);
};

struct uiommu_host;

/*
 * One instance: an arena for tables (physical address = CPU address), the
 * allocator, locks, RCU.  `arena_size` is address space, not memory; 0: 16
 * GiB.  -ENOMEM.
 */
int uiommu_host_create(uint64_t arena_size, struct uiommu_host **out);
/* Everything must have been freed; runs what is still deferred. */
void uiommu_host_destroy(struct uiommu_host *host);
const struct uiommu_platform *uiommu_host_platform(struct uiommu_host *host);
/* -EEXIST: overlaps a window; -ENOMEM. */
int uiommu_host_add_window(struct uiommu_host *host,
			   const struct uiommu_bus_window *window);
/* Where tables live: always accessible, so the model may point into it. */
void uiommu_host_arena(struct uiommu_host *host, struct uiommu_range *range);
/* Wait until all deferred calls have run, and those that they have made. */
void uiommu_host_barrier(struct uiommu_host *host);
/* Live allocations (objects and tables), for leak checks. */
uint64_t uiommu_host_live(struct uiommu_host *host);
/* Lines at this level and more urgent go to stderr, "uiommu: " in front. */
void uiommu_host_set_log(struct uiommu_host *host, enum uiommu_log_level max);

/*
 * Around fork() in a program whose child goes on using the host: before_fork
 * in the parent, then one of the others on each side.  Liburcu is paused in
 * between, so do nothing but fork.  For one host per process.  Locks of the
 * platform that other threads hold stay locked in the child: whoever forks
 * keeps them out of the library first.
 */
void uiommu_host_before_fork(struct uiommu_host *host);
void uiommu_host_after_fork_parent(struct uiommu_host *host);
void uiommu_host_after_fork_child(struct uiommu_host *host);

/*
 * Fail the nth call of table_alloc, obj_alloc, lock_init from now on (1: the
 * next one), once; 0: never.  Returns whether the last request has fired.
 */
bool uiommu_host_fail_nth(struct uiommu_host *host, uint64_t nth);
/* A call of the caller's own that counts as one of those: must it fail? */
bool uiommu_host_fail_point(struct uiommu_host *host);
/* Calls to go until the one that fails, it included; 0: it has, or none will. */
uint64_t uiommu_host_fail_left(const struct uiommu_host *host);

/*
 * Copies that survive addresses which cannot be accessed.  0, or -EFAULT with
 * an unspecified part copied.  They rely on a handler for SIGSEGV and SIGBUS:
 * either uiommu_guard_install() or, in a program with handlers of its own, a
 * call of uiommu_guard_fixup() at their head.  Aligned copies of 1, 2, 4 and 8
 * bytes are single-copy atomic.
 */
int uiommu_guard_copy(void *dst, const void *src, size_t len);
/* Compare-and-swap on memory that may not be there; as cmpxchg64 of model.h. */
int uiommu_guard_cmpxchg64(uint64_t *word, uint64_t *expected, uint64_t want);
/* Handler part: true if the fault was in a guarded copy and was resolved. */
bool uiommu_guard_fixup(void *ucontext);
/* Install handlers that chain to what was there; 0 or -errno; idempotent. */
int uiommu_guard_install(void);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_HOST_H */
