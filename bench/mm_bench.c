/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm/munmap/...: one page with contents unmapped, by a system call instruction
 * that is not led past us (plain), by libc's function without subscribers
 * (idle), and with one that does nothing (told).
 *
 * mm/subscribe: to come and go while nothing was loaded since.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <uiommu/process.h>

#include "bench.h"

#define PAGE 4096ul
#define PAGES 2000ul

enum way {
	PLAIN,
	IDLE,
	TOLD,
};

/* long call(void *at, size_t len): mov $11, %eax; syscall; ret */
static const uint8_t plain_code[] = { 0xb8, 0x0b, 0, 0, 0, 0x0f, 0x05, 0xc3 };

typedef long (*munmap_fn)(void *at, size_t len);

static munmap_fn make_plain(void)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED, "mmap");
	memcpy(at, plain_code, sizeof(plain_code));
	must(!mprotect(at, PAGE, PROT_READ | PROT_EXEC), "mprotect");
	return (munmap_fn)(uintptr_t)at;
}

static long by_libc(void *at, size_t len)
{
	return munmap(at, len);
}

static void ignore(struct uiommu_mm_notifier *n, uint64_t first, uint64_t last,
		   unsigned int reason)
{
}

static void unmap_bench(struct bench_run *run)
{
	static munmap_fn plain;
	const struct uiommu_sva_mm *mm = uiommu_process_mm();
	enum way way = (enum way)(uintptr_t)run->arg;
	struct uiommu_mm_notifier n = { ignore, ignore };
	munmap_fn call = by_libc;
	char *at;

	if (!plain)
		plain = make_plain();
	if (way == PLAIN)
		call = plain;
	must(!mm->subscribe(mm->ctx, &n), "subscribe");
	if (way != TOLD)
		mm->unsubscribe(mm->ctx, &n);
	at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	must(at != MAP_FAILED, "mmap");
	bench_start(run);
	for (unsigned long i = PAGES; i--;)
		bench_use((uint64_t)call(at + i * PAGE, PAGE));
	bench_stop(run, PAGES);
	if (way == TOLD)
		mm->unsubscribe(mm->ctx, &n);
}

static void subscribe_bench(struct bench_run *run)
{
	const struct uiommu_sva_mm *mm = uiommu_process_mm();
	struct uiommu_mm_notifier n = { ignore, ignore };

	bench_start(run);
	for (unsigned int i = 0; i < 1000; i++) {
		must(!mm->subscribe(mm->ctx, &n), "subscribe");
		mm->unsubscribe(mm->ctx, &n);
	}
	bench_stop(run, 1000);
}

void mm_bench_register(struct bench *b);

void mm_bench_register(struct bench *b)
{
	static const char *const names[] = { "mm/munmap/plain",
					     "mm/munmap/idle",
					     "mm/munmap/told" };

	if (!uiommu_process_mm())
		return;
	for (uintptr_t i = 0; i < 3; i++)
		bench_add(b, &(struct bench_row){ .name = names[i],
						  .fn = unmap_bench,
						  .arg = (void *)i,
						  .pages_per_op = 1 });
	bench_add(b, &(struct bench_row){ .name = "mm/subscribe",
					  .fn = subscribe_bench });
}
