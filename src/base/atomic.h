/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atomic.h - single-copy atomic words with the order in the name.
 *
 * Everything that is published to another thread or to hardware goes through
 * here, so that the order is stated where it matters and ThreadSanitizer sees
 * it.  Words that hardware reads too are 64 bits and naturally aligned.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
/* Pairs with the store_release that published what is read through it. */
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

#define fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fetch_add_acq_rel(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define fetch_sub_acq_rel(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define fetch_or_acq_rel(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define fetch_and_acq_rel(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define exchange_acq_rel(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)

/*
 * Replace *p by `want` if it is *expected.  Acquire and release on success;
 * on failure *expected holds what was there, with acquire.
 */
#define cmpxchg_acq_rel(p, expected, want)                          \
	__atomic_compare_exchange_n((p), (expected), (want), false, \
				    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

#if defined(__SANITIZE_THREAD__)
/* It knows no fences; a locked access is one on the hosts it runs on. */
static inline void fence_full(void)
{
	volatile uint32_t word = 0;

	(void)__atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
}
#else
#define fence_full() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#endif /* BASE_ATOMIC_H */
