/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_platform.h - a struct uiommu_platform that watches its user.
 *
 * Tables come from malloc, at physical addresses that differ from their CPU
 * addresses; freed memory is overwritten with what reads as valid descriptors
 * that lead nowhere.  Deferred calls wait for the read sections that were open
 * and, on request, until the test lets them go.  Walks can be made
 * incoherent: then the hardware's view of a table changes by clean_range only.
 * Misuse (wrong size at a free, an unbalanced section) aborts with a message.
 */
#ifndef TESTS_TEST_PLATFORM_H
#define TESTS_TEST_PLATFORM_H

#include <pthread.h>

#include <uiommu/platform.h>

struct test_table;

#define TEST_PLATFORM_BUCKETS 1024

struct test_platform {
	struct uiommu_platform platform; /* give &tp->platform to the library */

	/* Registers, for tests that have some; unset ones abort. */
	void *mmio_ctx;
	uint64_t (*mmio_read)(void *ctx, uiommu_pa_t pa, unsigned int size);
	void (*mmio_write)(void *ctx, uiommu_pa_t pa, unsigned int size,
			   uint64_t val);

	/* Atomic words. */
	uint64_t live_tables; /* blocks of table_alloc not freed */
	uint64_t live_bytes;  /* their bytes */
	uint64_t live_objs;
	uint64_t live_locks;
	uint64_t allocs;   /* calls that could have failed, since ever */
	uint64_t readers;  /* open read sections */
	uint64_t sections; /* read sections opened, since ever */
	uint64_t log_lines;

	/* All below: under `mutex`, which is innermost. */
	pthread_mutex_t mutex;
	struct test_table *buckets[TEST_PLATFORM_BUCKETS];
	uint64_t fail_in; /* calls until the one that fails; 0: none */
	bool fail_fired;
	bool incoherent;
	bool scatter;
	unsigned int nr_scattered;
	bool hold; /* deferred calls wait for test_platform_run_deferred() */
	void *deferred; /* list through the storage of struct uiommu_defer */
	uint64_t nr_deferred;

	/* Low physical addresses: table k stands at pool_pa + its offset. */
	uint8_t *pool;
	size_t pool_size;
	size_t pool_used;
};

/* Where the pool of test_platform_use_pool() stands. */
#define TEST_PLATFORM_POOL_PA UINT64_C(0x80000000)
/* Otherwise: physical address = CPU address + this. */
#define TEST_PLATFORM_PA_OFFSET UINT64_C(0x100000000000)

void test_platform_init(struct test_platform *tp);
/* Runs what is deferred; aborts if anything is still allocated. */
void test_platform_fini(struct test_platform *tp);

/*
 * Tables from now on come from `size` bytes whose physical addresses begin at
 * TEST_PLATFORM_POOL_PA; freed ones are not used again.
 */
void test_platform_use_pool(struct test_platform *tp, size_t size);
/*
 * From now on (before the first table) every second table stands at twice the
 * distance from its CPU address.
 */
void test_platform_scatter(struct test_platform *tp);
/* From now on (before the first table) walks do not see the CPU's caches. */
void test_platform_make_incoherent(struct test_platform *tp);

/* The nth allocation (1: the next) fails, once; 0: none.  Has the last? */
bool test_platform_fail_nth(struct test_platform *tp, uint64_t nth);

/* Keep deferred calls back even when nobody reads. */
void test_platform_hold_deferred(struct test_platform *tp, bool hold);
/* Run what waits, held back or not; no section may be open. */
void test_platform_run_deferred(struct test_platform *tp);

/*
 * The word at `pa` as hardware sees it.  False if no live table has it.
 * May run beside the library.
 */
bool test_platform_hw_read64(struct test_platform *tp, uiommu_pa_t pa,
			     uint64_t *word);

/* A sum over all that stands in live tables, and where they are. */
uint64_t test_platform_sum(struct test_platform *tp);

#endif /* TESTS_TEST_PLATFORM_H */
