/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * platform_private.h - what the files of the hosted platform share.
 *
 * A host is an arena (tables), a bus (registers), a fault injector and the
 * process-wide RCU of liburcu, seen through one struct uiommu_platform.
 *
 * Lock order inside the platform: the thread registry of rcu.c, then the
 * shards of an arena by rising index, then an arena's bump lock.
 */
#ifndef PLATFORM_PRIVATE_H
#define PLATFORM_PRIVATE_H

#include <pthread.h>

#include <uiommu/env.h>
#include <uiommu/host.h>

#include "base/atomic.h"
#include "base/bits.h"

/* ------------------------------------------------------------- failnth -- */

struct failnth {
	uint64_t left;	/* calls to go until the failing one; 0: idle */
	uint64_t fired; /* the last request has failed its call */
};

void host_failnth_arm(struct failnth *fail, uint64_t nth);
bool host_failnth_hit_(struct failnth *fail);

/* Must this fallible call fail?  One load while nothing is armed. */
static inline bool host_failnth_hit(struct failnth *fail)
{
	return load_relaxed(&fail->left) && host_failnth_hit_(fail);
}

/* ------------------------------------------------------------------ bus -- */

struct bus {
	struct uiommu_bus_window *windows; /* ascending by base */
	unsigned int nr;
};

int host_bus_add(struct bus *bus, const struct uiommu_bus_window *window);
void host_bus_fini(struct bus *bus);
/* All ones for a read, nothing for a write, where no window answers. */
uint64_t host_bus_read(const struct bus *bus, uiommu_pa_t pa,
		       unsigned int size);
void host_bus_write(const struct bus *bus, uiommu_pa_t pa, unsigned int size,
		    uint64_t value);

/* ---------------------------------------------------------------- arena -- */

#define ARENA_SHARDS 8
#define ARENA_MIN_LG2 6
#define ARENA_CLASSES 42 /* 64 bytes to 2^47 */

/*
 * Free blocks, one list per size.  A thread works on the shard its stack
 * hashes to, so that threads seldom meet.
 */
struct arena_shard {
	uint32_t busy; /* spin lock: protects `free`, whose heads are atomic */
	uint32_t spins;
	int64_t live; /* allocations less frees made here; atomic */
	void *free[ARENA_CLASSES];
} __attribute__((aligned(64)));

struct arena {
	struct arena_shard shard[ARENA_SHARDS];
	uint32_t busy; /* spin lock: protects next */
	uint64_t base, next, end;
};

/* `size` 0: 16 GiB, or as much less as the system grants.  -ENOMEM. */
int host_arena_init(struct arena *arena, uint64_t size);
void host_arena_fini(struct arena *arena);
struct arena_shard *host_arena_my_shard(struct arena *arena);
void *host_arena_alloc(struct arena *arena, size_t size);
void host_arena_free(struct arena *arena, void *va, size_t size);
int64_t host_arena_live(const struct arena *arena);
void host_arena_lock_all(struct arena *arena);
void host_arena_unlock_all(struct arena *arena);

/* ------------------------------------------------------------------ rcu -- */

void host_rcu_read_begin(void *host);
void host_rcu_read_end(void *host);
void host_rcu_defer(void *host, struct uiommu_defer *head,
		    void (*fn)(struct uiommu_defer *head));
void host_rcu_wait_deferred(struct uiommu_host *host);
void host_rcu_before_fork(void);
void host_rcu_after_fork_parent(void);
void host_rcu_after_fork_child(void);

/* ----------------------------------------------------------------- host -- */

struct uiommu_host {
	struct uiommu_platform platform;
	struct bus bus;	     /* fixed before the first access */
	struct failnth fail; /* atomic */
	uint32_t log_max;    /* atomic */
	/* An address for ThreadSanitizer to hang RCU's order on. */
	uint64_t rcu_sync;
	uint64_t deferred; /* calls that have not returned; atomic */
	struct arena arena;
};

#endif /* PLATFORM_PRIVATE_H */
