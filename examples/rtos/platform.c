/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct uiommu_platform for one CPU without an operating system.
 *
 * Physical and virtual addresses are equal (start.S), nothing preempts, and
 * interrupts are handled between calls (gic.c).  So locks and read sections
 * have nothing to keep apart; they only check that they are used as promised.
 */
#include "rtos.h"

static void *table_alloc(void *ctx, size_t size, uiommu_pa_t *pa)
{
	void *va = heap_alloc(heap_lg2(size));

	*pa = (uiommu_pa_t)va;
	return va;
}

static void table_free(void *ctx, void *va, size_t size)
{
	heap_free(va, heap_lg2(size));
}

static void *pa_to_va(void *ctx, uiommu_pa_t pa)
{
	return (void *)pa;
}

/* An object's block begins with its size, in room that keeps the alignment. */
#define OBJ_HEAD 16

static void *obj_alloc(void *ctx, size_t size)
{
	unsigned int lg2 = heap_lg2(size + OBJ_HEAD);
	uint32_t *head = heap_alloc(lg2);

	if (!head)
		return NULL;
	*head = lg2;
	return (char *)head + OBJ_HEAD;
}

static void obj_free(void *ctx, void *obj)
{
	uint32_t *head = (uint32_t *)((char *)obj - OBJ_HEAD);

	heap_free(head, *head);
}

/* ------------------------------------------- locks and read sections -- */

static int lock_init(void *ctx, struct uiommu_lock *lock)
{
	lock->opaque[0] = 0;
	return 0;
}

static void lock_fini(void *ctx, struct uiommu_lock *lock)
{
	UIOMMU_ASSERT(!lock->opaque[0]);
}

static void lock(void *ctx, struct uiommu_lock *lock)
{
	UIOMMU_ASSERT(!lock->opaque[0]);
	lock->opaque[0] = 1;
}

static void unlock(void *ctx, struct uiommu_lock *lock)
{
	UIOMMU_ASSERT(lock->opaque[0]);
	lock->opaque[0] = 0;
}

/* What is deferred runs at once, or when the section around it ends. */
struct deferred {
	void (*fn)(struct uiommu_defer *head);
	struct uiommu_defer *next;
};
_Static_assert(sizeof(struct deferred) <= sizeof(struct uiommu_defer), "room");

static unsigned int sections;
static struct uiommu_defer *waiting;

static void read_begin(void *ctx)
{
	sections++;
}

static void read_end(void *ctx)
{
	struct uiommu_defer *head;

	if (--sections)
		return;
	while (waiting) {
		head = waiting;
		waiting = ((struct deferred *)head)->next;
		((struct deferred *)head)->fn(head);
	}
}

static void defer(void *ctx, struct uiommu_defer *head,
		  void (*fn)(struct uiommu_defer *head))
{
	if (!sections) {
		fn(head);
		return;
	}
	*(struct deferred *)head = (struct deferred){ fn, waiting };
	waiting = head;
}

/* ---------------------------------------------------- caches and time -- */

/* Write back what a walker that does not snoop is about to read. */
void rtos_clean_range(void *ctx, const void *va, size_t len)
{
	uint64_t ctr, line, at = (uint64_t)va;

	__asm__("mrs %0, ctr_el0" : "=r"(ctr));
	line = UINT64_C(4) << (ctr >> 16 & 0xf);
	for (at &= -line; at < (uint64_t)va + len; at += line)
		__asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
	__asm__ volatile("dsb sy" ::: "memory");
}

uint64_t now_ns(void)
{
	uint64_t count, hz;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count));
	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return count / hz * 1000000000 + count % hz * 1000000000 / hz;
}

static uint64_t platform_now_ns(void *ctx)
{
	return now_ns();
}

static void relax(void *ctx)
{
	__asm__ volatile("yield");
}

static void log_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
	print("smmu: %s\n", msg);
}

/* ------------------------------------------------------------ registers -- */

static uint32_t mmio_read32(void *ctx, uiommu_pa_t pa)
{
	return read32(pa);
}

static uint64_t mmio_read64(void *ctx, uiommu_pa_t pa)
{
	return read64(pa);
}

static void mmio_write32(void *ctx, uiommu_pa_t pa, uint32_t val)
{
	write32(pa, val);
}

static void mmio_write64(void *ctx, uiommu_pa_t pa, uint64_t val)
{
	write64(pa, val);
}

const struct uiommu_platform rtos_platform = {
	.mmio_read32 = mmio_read32,
	.mmio_read64 = mmio_read64,
	.mmio_write32 = mmio_write32,
	.mmio_write64 = mmio_write64,
	.table_alloc = table_alloc,
	.table_free = table_free,
	.pa_to_va = pa_to_va,
	.obj_alloc = obj_alloc,
	.obj_free = obj_free,
	.lock_init = lock_init,
	.lock_fini = lock_fini,
	.lock = lock,
	.unlock = unlock,
	.read_begin = read_begin,
	.read_end = read_end,
	.defer = defer,
	.now_ns = platform_now_ns,
	.relax = relax,
	.log = log_line,
};
