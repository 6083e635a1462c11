/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * platform.h - the run-time seam: all that pgtable/ and driver/ ask of the
 * system they run in.
 *
 * One struct of functions, each given `ctx` back as its first argument.  All
 * members must be set unless the comment says NULL is allowed.  All functions
 * may be called from several threads at a time.  None may call back into the
 * library, except deferred callbacks through `defer`.
 *
 * src/platform/host.c is the hosted implementation, docs/porting.md explains
 * each function to whoever writes another.
 */
#ifndef UIOMMU_PLATFORM_H
#define UIOMMU_PLATFORM_H

#include <uiommu/types.h>

enum uiommu_log_level {
	UIOMMU_LOG_ERROR,
	UIOMMU_LOG_WARN,
	UIOMMU_LOG_INFO,
	UIOMMU_LOG_DEBUG,
};

/* Room for the platform's lock: a spinlock or a mutex, its choice. */
struct uiommu_lock {
	uint64_t opaque[8];
};

/* Caller's storage for one deferred call; embed it in what is to be freed. */
struct uiommu_defer {
	uint64_t opaque[4];
};

struct uiommu_platform {
	void *ctx;

	/*
	 * Device registers at physical address `pa`, little-endian, naturally
	 * aligned.  A write is ordered after every earlier store to memory, a
	 * read before every later load (Linux: writel, readl).
	 */
	uint32_t (*mmio_read32)(void *ctx, uiommu_pa_t pa);
	uint64_t (*mmio_read64)(void *ctx, uiommu_pa_t pa);
	void (*mmio_write32)(void *ctx, uiommu_pa_t pa, uint32_t val);
	void (*mmio_write64)(void *ctx, uiommu_pa_t pa, uint64_t val);

	/*
	 * Memory that the IOMMU reads: page tables, queues, stream tables.
	 * `size` is a power of two from 64 bytes on; the block is aligned to its
	 * size, holds anything, and is not moved.  Returns its CPU address and
	 * stores its physical one, or NULL.  table_free gets the same size.
	 */
	void *(*table_alloc)(void *ctx, size_t size, uiommu_pa_t *pa);
	void (*table_free)(void *ctx, void *va, size_t size);
	/* CPU address of memory that table_alloc returned; hot: keep it cheap. */
	void *(*pa_to_va)(void *ctx, uiommu_pa_t pa);

	/* Ordinary zeroed memory, aligned for any type; NULL when out of it. */
	void *(*obj_alloc)(void *ctx, size_t size);
	void (*obj_free)(void *ctx, void *obj);

	/*
	 * Mutual exclusion, not recursive.  lock_init returns 0 or -ENOMEM.
	 * Holders do not sleep except in mmio and relax.
	 */
	int (*lock_init)(void *ctx, struct uiommu_lock *lock);
	void (*lock_fini)(void *ctx, struct uiommu_lock *lock);
	void (*lock)(void *ctx, struct uiommu_lock *lock);
	void (*unlock)(void *ctx, struct uiommu_lock *lock);

	/*
	 * Read sections (RCU or an equivalent).  They nest, cost next to nothing
	 * and never block.  `defer` runs fn(head) once every section that was open
	 * at the call has ended; it may run it at once when there are none, for
	 * all that fn does is give memory back and perhaps defer again.  It cannot
	 * fail, nor wait: locks may be held.  `head` is the caller's storage, which
	 * stays untouched until fn runs.
	 */
	void (*read_begin)(void *ctx);
	void (*read_end)(void *ctx);
	void (*defer)(void *ctx, struct uiommu_defer *head,
		      void (*fn)(struct uiommu_defer *head));

	/*
	 * Write back [va, va+len) from the CPU's caches so that a walker that
	 * does not snoop them sees it.  NULL: walks are coherent.
	 */
	void (*clean_range)(void *ctx, const void *va, size_t len);

	/* Monotonic time; only differences mean something. */
	uint64_t (*now_ns)(void *ctx);
	/* Called in every round of a busy wait; may yield the processor. */
	void (*relax)(void *ctx);

	/* One line without newline.  NULL: drop. */
	void (*log)(void *ctx, enum uiommu_log_level level, const char *msg);
};

#endif /* UIOMMU_PLATFORM_H */
