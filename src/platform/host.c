/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c - struct uiommu_platform for a Linux process.
 *
 * Physical addresses are addresses of this process: tables come from an arena
 * (arena.c), registers from a bus of windows (bus.c), read sections from
 * liburcu (rcu.c).  Objects are calloc'ed and counted, so that a test can ask
 * for what was forgotten.  The functions here only connect those parts.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "platform_private.h"

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct uiommu_lock),
	       "a mutex fits the platform's lock");

static uint32_t host_read32(void *ctx, uiommu_pa_t pa)
{
	struct uiommu_host *host = ctx;

	return (uint32_t)host_bus_read(&host->bus, pa, 4);
}

static uint64_t host_read64(void *ctx, uiommu_pa_t pa)
{
	struct uiommu_host *host = ctx;

	return host_bus_read(&host->bus, pa, 8);
}

/*
 * The window's owner runs in this thread, so program order holds; whatever it
 * hands to other threads goes through its own locks.
 */
static void host_write32(void *ctx, uiommu_pa_t pa, uint32_t val)
{
	struct uiommu_host *host = ctx;

	host_bus_write(&host->bus, pa, 4, val);
}

static void host_write64(void *ctx, uiommu_pa_t pa, uint64_t val)
{
	struct uiommu_host *host = ctx;

	host_bus_write(&host->bus, pa, 8, val);
}

static void *host_table_alloc(void *ctx, size_t size, uiommu_pa_t *pa)
{
	struct uiommu_host *host = ctx;
	void *va;

	if (host_failnth_hit(&host->fail))
		return NULL;
	va = host_arena_alloc(&host->arena, size);
	if (va)
		*pa = (uintptr_t)va;
	return va;
}

static void host_table_free(void *ctx, void *va, size_t size)
{
	struct uiommu_host *host = ctx;

	host_arena_free(&host->arena, va, size);
}

static void *host_pa_to_va(void *ctx, uiommu_pa_t pa)
{
	return (void *)(uintptr_t)pa;
}

static void *host_obj_alloc(void *ctx, size_t size)
{
	struct uiommu_host *host = ctx;
	void *obj;

	if (host_failnth_hit(&host->fail))
		return NULL;
	obj = calloc(1, size);
	if (obj)
		fetch_add_relaxed(&host_arena_my_shard(&host->arena)->live, 1);
	return obj;
}

static void host_obj_free(void *ctx, void *obj)
{
	struct uiommu_host *host = ctx;

	if (!obj)
		return;
	fetch_add_relaxed(&host_arena_my_shard(&host->arena)->live, -1);
	free(obj);
}

static int host_lock_init(void *ctx, struct uiommu_lock *lock)
{
	struct uiommu_host *host = ctx;

	if (host_failnth_hit(&host->fail))
		return -ENOMEM;
	return -pthread_mutex_init((pthread_mutex_t *)lock, NULL);
}

static void host_lock_fini(void *ctx, struct uiommu_lock *lock)
{
	pthread_mutex_destroy((pthread_mutex_t *)lock);
}

static void host_lock(void *ctx, struct uiommu_lock *lock)
{
	pthread_mutex_lock((pthread_mutex_t *)lock);
}

static void host_unlock(void *ctx, struct uiommu_lock *lock)
{
	pthread_mutex_unlock((pthread_mutex_t *)lock);
}

static uint64_t host_now_ns(void *ctx)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Short waits spin, longer ones let somebody else run. */
static void host_relax(void *ctx)
{
	struct uiommu_host *host = ctx;
	struct arena_shard *shard = host_arena_my_shard(&host->arena);

	if (fetch_add_relaxed(&shard->spins, 1) % 16 == 15) {
		sched_yield();
		return;
	}
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static void host_log(void *ctx, enum uiommu_log_level level, const char *msg)
{
	struct uiommu_host *host = ctx;
	char line[512];
	int len;

	if ((uint32_t)level > load_relaxed(&host->log_max))
		return;
	len = snprintf(line, sizeof(line), "uiommu: %s\n", msg);
	if (len >= (int)sizeof(line)) {
		len = sizeof(line) - 1;
		line[len - 1] = '\n';
	}
	/* One write, so that lines of several threads do not mix. */
	if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

static const struct uiommu_platform host_functions = {
	.mmio_read32 = host_read32,
	.mmio_read64 = host_read64,
	.mmio_write32 = host_write32,
	.mmio_write64 = host_write64,
	.table_alloc = host_table_alloc,
	.table_free = host_table_free,
	.pa_to_va = host_pa_to_va,
	.obj_alloc = host_obj_alloc,
	.obj_free = host_obj_free,
	.lock_init = host_lock_init,
	.lock_fini = host_lock_fini,
	.lock = host_lock,
	.unlock = host_unlock,
	.read_begin = host_rcu_read_begin,
	.read_end = host_rcu_read_end,
	.defer = host_rcu_defer,
	.now_ns = host_now_ns,
	.relax = host_relax,
	.log = host_log,
};

int uiommu_host_create(uint64_t arena_size, struct uiommu_host **out)
{
	struct uiommu_host *host;
	int rc;

	host = aligned_alloc(64, align_up_lg2(sizeof(*host), 6));
	if (!host)
		return -ENOMEM;
	memset(host, 0, sizeof(*host));
	rc = host_arena_init(&host->arena, arena_size);
	if (rc)
		goto err_free;
	host->platform = host_functions;
	host->platform.ctx = host;
	host->log_max = UIOMMU_LOG_WARN;
	*out = host;
	return 0;

err_free:
	free(host);
	return rc;
}

void uiommu_host_destroy(struct uiommu_host *host)
{
	if (!host)
		return;
	host_rcu_wait_deferred(host);
	host_bus_fini(&host->bus);
	host_arena_fini(&host->arena);
	free(host);
}

const struct uiommu_platform *uiommu_host_platform(struct uiommu_host *host)
{
	return &host->platform;
}

int uiommu_host_add_window(struct uiommu_host *host,
			   const struct uiommu_bus_window *window)
{
	return host_bus_add(&host->bus, window);
}

void uiommu_host_arena(struct uiommu_host *host, struct uiommu_range *range)
{
	range->first = host->arena.base;
	range->last = host->arena.end - 1;
}

void uiommu_host_barrier(struct uiommu_host *host)
{
	host_rcu_wait_deferred(host);
}

uint64_t uiommu_host_live(struct uiommu_host *host)
{
	return (uint64_t)host_arena_live(&host->arena);
}

void uiommu_host_set_log(struct uiommu_host *host, enum uiommu_log_level max)
{
	store_relaxed(&host->log_max, (uint32_t)max);
}

void uiommu_host_before_fork(struct uiommu_host *host)
{
	host_rcu_before_fork();
	host_arena_lock_all(&host->arena);
}

void uiommu_host_after_fork_parent(struct uiommu_host *host)
{
	host_arena_unlock_all(&host->arena);
	host_rcu_after_fork_parent();
}

void uiommu_host_after_fork_child(struct uiommu_host *host)
{
	host_arena_unlock_all(&host->arena);
	host_rcu_after_fork_child();
}
