/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmhook_watch.h - a subscriber that watches one range: how often it was told,
 * of what, and whether the old memory was still there in begin.
 */
#ifndef TESTS_MMHOOK_WATCH_H
#define TESTS_MMHOOK_WATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <uiommu/process.h>

#include "base/atomic.h"

#define PAGE 4096ul
#define MARK UINT64_C(0x5ba5ba5ba5ba5ba)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* cmocka's own word for it is a failure in TAP. */
#define NOT_HERE(why)                                    \
	do {                                             \
		print_message("# not tried: " why "\n"); \
		return;                                  \
	} while (0)

#define unseen __attribute__((no_sanitize("address", "thread", "undefined")))

/* What happened to one range that a test watches. */
struct watch {
	struct uiommu_mm_notifier n;
	uint64_t first, last;
	uint64_t look; /* a word to read in begin; 0: none */
	uint32_t begun, ended;
	uint32_t alive;	  /* begins in which the word was still MARK */
	uint32_t reasons; /* bits */
	uint32_t late;
	uint64_t told_first, told_last; /* of the last begin */
};

static inline unseen bool touches(const struct watch *w, uint64_t first,
				  uint64_t last)
{
	return first <= w->last && last >= w->first;
}

static inline unseen void watch_begin(struct uiommu_mm_notifier *n,
				      uint64_t first, uint64_t last,
				      unsigned int reason)
{
	struct watch *w = (struct watch *)n;

	if (!touches(w, first, last))
		return;
	if (w->look && *(volatile uint64_t *)(uintptr_t)w->look == MARK)
		fetch_add_relaxed(&w->alive, 1);
	w->told_first = first;
	w->told_last = last;
	if (reason & UIOMMU_MM_LATE)
		fetch_add_relaxed(&w->late, 1);
	fetch_or_acq_rel(&w->reasons, 1u << (reason & ~UIOMMU_MM_LATE));
	fetch_add_relaxed(&w->begun, 1);
}

static inline unseen void watch_end(struct uiommu_mm_notifier *n,
				    uint64_t first, uint64_t last,
				    unsigned int reason)
{
	struct watch *w = (struct watch *)n;

	if (touches(w, first, last))
		fetch_add_relaxed(&w->ended, 1);
}

static const struct uiommu_sva_mm *mm;

static inline void watch(struct watch *w, const void *at, size_t len, bool look)
{
	memset(w, 0, sizeof(*w));
	w->n.begin = watch_begin;
	w->n.end = watch_end;
	w->first = (uintptr_t)at;
	w->last = w->first + len - 1;
	w->look = look ? w->first : 0;
	assert_int_equal(mm->subscribe(mm->ctx, &w->n), 0);
}

/* It was told `times`, always while the word was there, and ended as often. */
static inline void unwatch(struct watch *w, unsigned int times,
			   enum uiommu_mm_reason reason)
{
	assert_int_equal(mm->unsubscribe(mm->ctx, &w->n), 0);
	assert_int_equal(w->begun, times);
	assert_int_equal(w->ended, times);
	if (w->look)
		assert_int_equal(w->alive, times);
	if (times)
		assert_int_equal(w->reasons, 1u << reason);
}

static inline void *fresh(size_t pages)
{
	uint64_t *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	for (size_t i = 0; i < pages; i++)
		at[i * PAGE / 8] = MARK;
	return at;
}

static inline int setup(void **state)
{
	mm = uiommu_process_mm();
	return mm ? 0 : -1;
}

#endif /* TESTS_MMHOOK_WATCH_H */
