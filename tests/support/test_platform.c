/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform of the tests.  Every table has a record in a hash by address,
 * so that frees and the hardware's reads are checked against what is alive.
 *
 * Deferred calls: a reader counts itself in `readers`.  A call may run when,
 * after it was taken off the list, the count was seen to be 0 once; every
 * section that was open when it was put on the list has then ended.
 */
#include "test_platform.h"

#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TABLE_SIZE_MIN 64u
#define TABLE_SIZE_MAX (1u << 24)
#define LINE 64u

struct test_table {
	struct test_table *next;
	void *va;
	uiommu_pa_t pa;
	size_t size;
	uint64_t *shadow; /* what hardware sees; NULL: the memory itself */
};

struct deferred {
	struct deferred *next;
	void (*fn)(struct uiommu_defer *head);
};
_Static_assert(sizeof(struct deferred) <= sizeof(struct uiommu_defer), "");
_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct uiommu_lock), "");

#define add_fetch(p, v) __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define sub_fetch(p, v) __atomic_sub_fetch((p), (v), __ATOMIC_SEQ_CST)
#define load(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)

static void die(const char *what)
{
	fprintf(stderr, "test platform: %s\n", what);
	abort();
}

static unsigned int bucket_of(uiommu_pa_t pa)
{
	return (pa >> 12 ^ pa >> 22 ^ pa >> 6) % TEST_PLATFORM_BUCKETS;
}

/* The record of the table that contains `pa`; under the mutex. */
static struct test_table *find(struct test_platform *tp, uiommu_pa_t pa)
{
	struct test_table *t;

	for (size_t size = TABLE_SIZE_MIN; size <= TABLE_SIZE_MAX; size *= 2) {
		uiommu_pa_t base = pa & ~(uint64_t)(size - 1);

		for (t = tp->buckets[bucket_of(base)]; t; t = t->next)
			if (t->pa == base && t->size > pa - base)
				return t;
	}
	return NULL;
}

/* Of a live table, or of one about to live; under the mutex. */
static uiommu_pa_t to_pa(struct test_platform *tp, const void *va)
{
	uiommu_pa_t far = (uintptr_t)va + 2 * TEST_PLATFORM_PA_OFFSET;
	const struct test_table *t;
	const uint8_t *p = va;

	if (tp->pool && p >= tp->pool && p < tp->pool + tp->pool_size)
		return TEST_PLATFORM_POOL_PA + (uint64_t)(p - tp->pool);
	if (tp->scatter) {
		t = find(tp, far);
		if (t && far - t->pa == (uintptr_t)va - (uintptr_t)t->va)
			return far;
	}
	return (uintptr_t)va + TEST_PLATFORM_PA_OFFSET;
}

static bool must_fail(struct test_platform *tp)
{
	bool fail = false;

	add_fetch(&tp->allocs, 1);
	pthread_mutex_lock(&tp->mutex);
	if (tp->fail_in && --tp->fail_in == 0)
		fail = tp->fail_fired = true;
	pthread_mutex_unlock(&tp->mutex);
	return fail;
}

static void *pool_take(struct test_platform *tp, size_t size)
{
	size_t at = (tp->pool_used + size - 1) & ~(size - 1);

	if (at + size > tp->pool_size)
		return NULL;
	tp->pool_used = at + size;
	return tp->pool + at;
}

static void *tp_table_alloc(void *ctx, size_t size, uiommu_pa_t *pa)
{
	struct test_platform *tp = ctx;
	struct test_table *t, **bucket;

	if (size < TABLE_SIZE_MIN || size > TABLE_SIZE_MAX || size & (size - 1))
		die("table_alloc: bad size");
	if (must_fail(tp))
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		die("out of memory");
	pthread_mutex_lock(&tp->mutex);
	t->va = tp->pool ? pool_take(tp, size) : aligned_alloc(size, size);
	if (!t->va)
		die("out of table memory");
	/* What nobody has written reads as valid descriptors. */
	memset(t->va, 0xa7, size);
	t->pa = to_pa(tp, t->va);
	if (tp->scatter && (tp->nr_scattered++ & 1))
		t->pa += TEST_PLATFORM_PA_OFFSET;
	t->size = size;
	if (tp->incoherent) {
		t->shadow = malloc(size);
		if (!t->shadow)
			die("out of memory");
		/* What is written has not reached the memory yet. */
		memset(t->shadow, 0xdb, size);
	}
	bucket = &tp->buckets[bucket_of(t->pa)];
	t->next = *bucket;
	*bucket = t;
	pthread_mutex_unlock(&tp->mutex);
	add_fetch(&tp->live_tables, 1);
	add_fetch(&tp->live_bytes, size);
	*pa = t->pa;
	return t->va;
}

static void tp_table_free(void *ctx, void *va, size_t size)
{
	struct test_platform *tp = ctx;
	struct test_table **link, *t = NULL;

	pthread_mutex_lock(&tp->mutex);
	link = &tp->buckets[bucket_of(to_pa(tp, va))];
	while (*link && (*link)->va != va)
		link = &(*link)->next;
	t = *link;
	if (!t)
		die("table_free: not a live table");
	if (t->size != size)
		die("table_free: wrong size");
	*link = t->next;
	memset(va, 0xdb, size);
	pthread_mutex_unlock(&tp->mutex);
	if (!tp->pool)
		free(va);
	free(t->shadow);
	free(t);
	sub_fetch(&tp->live_tables, 1);
	sub_fetch(&tp->live_bytes, size);
}

static void *tp_pa_to_va(void *ctx, uiommu_pa_t pa)
{
	struct test_platform *tp = ctx;
	struct test_table *t;
	void *va = NULL;

	if (tp->pool)
		return tp->pool + (pa - TEST_PLATFORM_POOL_PA);
	if (tp->scatter) {
		pthread_mutex_lock(&tp->mutex);
		t = find(tp, pa);
		if (t)
			va = (uint8_t *)t->va + (pa - t->pa);
		pthread_mutex_unlock(&tp->mutex);
		if (!va)
			die("pa_to_va: not a live table");
		return va;
	}
	return (void *)(uintptr_t)(pa - TEST_PLATFORM_PA_OFFSET);
}

static void *tp_obj_alloc(void *ctx, size_t size)
{
	struct test_platform *tp = ctx;
	void *obj;

	if (must_fail(tp))
		return NULL;
	obj = calloc(1, size);
	if (!obj)
		die("out of memory");
	add_fetch(&tp->live_objs, 1);
	return obj;
}

static void tp_obj_free(void *ctx, void *obj)
{
	struct test_platform *tp = ctx;

	if (!obj)
		return;
	sub_fetch(&tp->live_objs, 1);
	/* Who looks at it all the same finds nothing good. */
	memset(obj, 0xa5, malloc_usable_size(obj));
	__asm__ volatile("" : : "r"(obj) : "memory");
	free(obj);
}

static int tp_lock_init(void *ctx, struct uiommu_lock *lock)
{
	struct test_platform *tp = ctx;

	if (must_fail(tp))
		return -12; /* ENOMEM */
	pthread_mutex_init((pthread_mutex_t *)(void *)lock, NULL);
	add_fetch(&tp->live_locks, 1);
	return 0;
}

static void tp_lock_fini(void *ctx, struct uiommu_lock *lock)
{
	struct test_platform *tp = ctx;

	if (pthread_mutex_destroy((pthread_mutex_t *)(void *)lock))
		die("lock_fini: locked");
	sub_fetch(&tp->live_locks, 1);
}

static void tp_lock(void *ctx, struct uiommu_lock *lock)
{
	(void)ctx;
	pthread_mutex_lock((pthread_mutex_t *)(void *)lock);
}

static void tp_unlock(void *ctx, struct uiommu_lock *lock)
{
	(void)ctx;
	pthread_mutex_unlock((pthread_mutex_t *)(void *)lock);
}

/* Run what may run.  Returns with nothing done when somebody reads. */
static void drain(struct test_platform *tp, bool even_held)
{
	struct deferred *d = NULL, *next;

	pthread_mutex_lock(&tp->mutex);
	if (load(&tp->readers) == 0 && (even_held || !tp->hold)) {
		d = tp->deferred;
		__atomic_store_n(&tp->deferred, NULL, __ATOMIC_SEQ_CST);
		tp->nr_deferred = 0;
	}
	pthread_mutex_unlock(&tp->mutex);
	for (; d; d = next) {
		next = d->next;
		d->fn((struct uiommu_defer *)(void *)d);
	}
}

static void tp_read_begin(void *ctx)
{
	struct test_platform *tp = ctx;

	add_fetch(&tp->readers, 1);
	add_fetch(&tp->sections, 1);
}

static void tp_read_end(void *ctx)
{
	struct test_platform *tp = ctx;
	uint64_t left = sub_fetch(&tp->readers, 1);

	if (left == UINT64_MAX)
		die("read_end without read_begin");
	if (left == 0 && __atomic_load_n(&tp->deferred, __ATOMIC_SEQ_CST))
		drain(tp, false);
}

static void tp_defer(void *ctx, struct uiommu_defer *head,
		     void (*fn)(struct uiommu_defer *head))
{
	struct test_platform *tp = ctx;
	struct deferred *d = (struct deferred *)(void *)head;

	pthread_mutex_lock(&tp->mutex);
	d->fn = fn;
	d->next = tp->deferred;
	__atomic_store_n(&tp->deferred, d, __ATOMIC_SEQ_CST);
	tp->nr_deferred++;
	pthread_mutex_unlock(&tp->mutex);
	drain(tp, false);
}

static void tp_clean_range(void *ctx, const void *va, size_t len)
{
	struct test_platform *tp = ctx;
	uint64_t first = (uintptr_t)va & ~(uint64_t)(LINE - 1);
	uint64_t last = (uintptr_t)va + len - 1;
	struct test_table *t;

	if (!len)
		die("clean_range: nothing");
	last |= LINE - 1;
	pthread_mutex_lock(&tp->mutex);
	t = find(tp, to_pa(tp, va));
	if (!t || last - (uintptr_t)t->va >= t->size)
		die("clean_range: not within one live table");
	first -= (uintptr_t)t->va;
	last -= (uintptr_t)t->va;
	for (size_t i = first / 8; i <= last / 8; i++)
		t->shadow[i] = __atomic_load_n((uint64_t *)t->va + i,
					       __ATOMIC_ACQUIRE);
	pthread_mutex_unlock(&tp->mutex);
}

static uint32_t tp_mmio_read32(void *ctx, uiommu_pa_t pa)
{
	struct test_platform *tp = ctx;

	if (!tp->mmio_read)
		die("register read, but there are none");
	return (uint32_t)tp->mmio_read(tp->mmio_ctx, pa, 4);
}

static uint64_t tp_mmio_read64(void *ctx, uiommu_pa_t pa)
{
	struct test_platform *tp = ctx;

	if (!tp->mmio_read)
		die("register read, but there are none");
	return tp->mmio_read(tp->mmio_ctx, pa, 8);
}

static void tp_mmio_write32(void *ctx, uiommu_pa_t pa, uint32_t val)
{
	struct test_platform *tp = ctx;

	if (!tp->mmio_write)
		die("register write, but there are none");
	tp->mmio_write(tp->mmio_ctx, pa, 4, val);
}

static void tp_mmio_write64(void *ctx, uiommu_pa_t pa, uint64_t val)
{
	struct test_platform *tp = ctx;

	if (!tp->mmio_write)
		die("register write, but there are none");
	tp->mmio_write(tp->mmio_ctx, pa, 8, val);
}

static uint64_t tp_now_ns(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void tp_relax(void *ctx)
{
	(void)ctx;
	sched_yield();
}

static void tp_log(void *ctx, enum uiommu_log_level level, const char *msg)
{
	struct test_platform *tp = ctx;

	add_fetch(&tp->log_lines, 1);
	if (getenv("UIOMMU_TEST_LOG"))
		fprintf(stderr, "log %d: %s\n", (int)level, msg);
}

void test_platform_init(struct test_platform *tp)
{
	memset(tp, 0, sizeof(*tp));
	pthread_mutex_init(&tp->mutex, NULL);
	tp->platform = (struct uiommu_platform){
		.ctx = tp,
		.mmio_read32 = tp_mmio_read32,
		.mmio_read64 = tp_mmio_read64,
		.mmio_write32 = tp_mmio_write32,
		.mmio_write64 = tp_mmio_write64,
		.table_alloc = tp_table_alloc,
		.table_free = tp_table_free,
		.pa_to_va = tp_pa_to_va,
		.obj_alloc = tp_obj_alloc,
		.obj_free = tp_obj_free,
		.lock_init = tp_lock_init,
		.lock_fini = tp_lock_fini,
		.lock = tp_lock,
		.unlock = tp_unlock,
		.read_begin = tp_read_begin,
		.read_end = tp_read_end,
		.defer = tp_defer,
		.now_ns = tp_now_ns,
		.relax = tp_relax,
		.log = tp_log,
	};
}

void test_platform_fini(struct test_platform *tp)
{
	test_platform_run_deferred(tp);
	if (tp->live_tables)
		die("fini: tables left");
	if (tp->live_objs)
		die("fini: objects left");
	if (tp->live_locks)
		die("fini: locks left");
	free(tp->pool);
	pthread_mutex_destroy(&tp->mutex);
}

void test_platform_use_pool(struct test_platform *tp, size_t size)
{
	if (tp->live_tables)
		die("use_pool: too late");
	tp->pool = aligned_alloc(1u << 20, size);
	if (!tp->pool)
		die("out of memory");
	tp->pool_size = size;
}

void test_platform_scatter(struct test_platform *tp)
{
	if (tp->live_tables)
		die("scatter: too late");
	tp->scatter = true;
}

void test_platform_make_incoherent(struct test_platform *tp)
{
	if (tp->live_tables)
		die("make_incoherent: too late");
	tp->incoherent = true;
	tp->platform.clean_range = tp_clean_range;
}

bool test_platform_fail_nth(struct test_platform *tp, uint64_t nth)
{
	bool fired;

	pthread_mutex_lock(&tp->mutex);
	fired = tp->fail_fired;
	tp->fail_fired = false;
	tp->fail_in = nth;
	pthread_mutex_unlock(&tp->mutex);
	return fired;
}

void test_platform_hold_deferred(struct test_platform *tp, bool hold)
{
	pthread_mutex_lock(&tp->mutex);
	tp->hold = hold;
	pthread_mutex_unlock(&tp->mutex);
	if (!hold)
		drain(tp, false);
}

void test_platform_run_deferred(struct test_platform *tp)
{
	if (load(&tp->readers))
		die("run_deferred: a section is open");
	while (__atomic_load_n(&tp->deferred, __ATOMIC_SEQ_CST))
		drain(tp, true);
}

bool test_platform_hw_read64(struct test_platform *tp, uiommu_pa_t pa,
			     uint64_t *word)
{
	struct test_table *t;

	pthread_mutex_lock(&tp->mutex);
	t = find(tp, pa);
	if (t && t->shadow)
		*word = t->shadow[(pa - t->pa) / 8];
	else if (t)
		*word = __atomic_load_n((uint64_t *)t->va + (pa - t->pa) / 8,
					__ATOMIC_ACQUIRE);
	pthread_mutex_unlock(&tp->mutex);
	return t != NULL;
}

uint64_t test_platform_sum(struct test_platform *tp)
{
	uint64_t sum = 0, hash, word;
	const struct test_table *t;

	pthread_mutex_lock(&tp->mutex);
	for (unsigned int b = 0; b < TEST_PLATFORM_BUCKETS; b++)
		for (t = tp->buckets[b]; t; t = t->next) {
			hash = t->pa;
			for (size_t i = 0; i < t->size / 8; i++) {
				word = __atomic_load_n((uint64_t *)t->va + i,
						       __ATOMIC_RELAXED);
				hash = (hash ^ word) * 0x100000001b3;
			}
			sum += hash;
		}
	pthread_mutex_unlock(&tp->mutex);
	return sum;
}
