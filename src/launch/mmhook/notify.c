/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subscribers, and the calls that are told to them.
 *
 * What runs between mm_entry and the subscribers uses nothing of libc: it
 * may run inside of anything.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "mmhook.h"

#define PATIENCE_NS (10 * UINT64_C(1000000000))
#define NAP_NS 50000

/*
 * This thread is telling subscribers.  In the static part of the thread's
 * storage: the rest may be allocated at the first use.
 */
static __thread uint32_t inside __attribute__((tls_model("initial-exec")));

/* ---------------------------------------------------------------- state -- */

static struct mm_state *the_state; /* atomic; published once */

mm_unseen struct mm_state *mm_state_get(void)
{
	return load_acquire(&the_state);
}

long mm_map(uint64_t at, uint64_t len, int flags)
{
	long rc = mm_sys(SYS_mmap, at, len, PROT_READ | PROT_WRITE,
			 (uint64_t)(MAP_PRIVATE | MAP_ANONYMOUS | flags),
			 (uint64_t)-1, 0);

#if defined(__SANITIZE_THREAD__)
	/* It takes us for whoever had these addresses before, if not told. */
	if (rc > 0)
		mmap((void *)rc, len, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
#endif
	return rc;
}

/* -ENOTSUP: the kernel does not know how to wipe memory at fork. */
static int state_make(struct mm_state **out)
{
	const uint64_t len = (sizeof(**out) + MM_PAGE - 1) & ~(MM_PAGE - 1);
	struct mm_state *seen = NULL;
	long rc;

	*out = mm_state_get();
	if (*out)
		return 0;
	rc = mm_map(0, len, 0);
	if (rc < 0)
		return (int)rc;
	*out = (struct mm_state *)rc;
	if (mm_sys(SYS_madvise, (uint64_t)rc, len, MADV_WIPEONFORK, 0, 0, 0)) {
		mm_sys(SYS_munmap, (uint64_t)rc, len, 0, 0, 0, 0);
		return -ENOTSUP;
	}
	if (!cmpxchg_acq_rel(&the_state, &seen, *out)) {
		mm_sys(SYS_munmap, (uint64_t)rc, len, 0, 0, 0, 0);
		*out = seen;
	}
	return 0;
}

/* -------------------------------------------------------------- waiting -- */

static mm_unseen void nap(void)
{
	const struct timespec ts = { 0, NAP_NS };

	mm_sys(SYS_nanosleep, (uintptr_t)&ts, 0, 0, 0, 0, 0);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Until *word is 0; false: it took longer than `ns`. */
static bool await_zero(const uint32_t *word, uint64_t ns)
{
	uint64_t from = now_ns();

	while (load_acquire(word)) {
		if (now_ns() - from > ns)
			return false;
		nap();
	}
	return true;
}

void mm_lock(struct mm_state *state)
{
	uint32_t free = 0;

	while (!cmpxchg_acq_rel(&state->lock, &free, 1)) {
		free = 0;
		nap();
	}
}

void mm_unlock(struct mm_state *state)
{
	store_release(&state->lock, 0);
}

/* -------------------------------------------------------------- signals -- */

/* Those that the processor raises would end the program if blocked. */
#define SIGNAL(nr) (UINT64_C(1) << ((nr)-1))
#define RAISED                                                                \
	(SIGNAL(SIGSEGV) | SIGNAL(SIGBUS) | SIGNAL(SIGILL) | SIGNAL(SIGFPE) | \
	 SIGNAL(SIGTRAP) | SIGNAL(SIGSYS))

mm_unseen uint64_t mm_hold(void *ctx)
{
	const uint64_t all = ~RAISED;
	uint64_t held = 0;

	mm_sys(SYS_rt_sigprocmask, SIG_BLOCK, (uintptr_t)&all, (uintptr_t)&held,
	       sizeof(held), 0, 0);
	return held;
}

mm_unseen void mm_release(void *ctx, uint64_t held)
{
	mm_sys(SYS_rt_sigprocmask, SIG_SETMASK, (uintptr_t)&held, 0,
	       sizeof(held), 0, 0);
}

/* ----------------------------------------------------------- subscribers - */

/*
 * What follows runs in threads that ThreadSanitizer may not see, so it is not
 * instrumented; in those that it does see it would miss the order that the
 * atomics make.  It is told here: a subscriber's making comes before its
 * callbacks, and these before the end of its unsubscribing.
 *
 * A thread whose end libc has begun has nothing of ThreadSanitizer left, and
 * must not call it.  Such a thread is known by the signals it blocks: even
 * those that the processor raises.
 */
#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define tsan_acquire(p) __tsan_acquire(p)
#define tsan_release(p) __tsan_release(p)
#define tsan_sees(held) (!((held)&SIGNAL(SIGSEGV)))
#else
#define tsan_acquire(p) ((void)(p))
#define tsan_release(p) ((void)(p))
#define tsan_sees(held) ((void)(held), false)
#endif

/*
 * Counting itself in comes before the second look: both are SEQ_CST.  `held`
 * are the signals that the thread blocks for itself.
 */
static mm_unseen struct mm_set *set_get(struct mm_state *state, uint64_t held)
{
	for (;;) {
		uint32_t current = load_acquire(&state->current);
		struct mm_set *set = &state->set[current % 2];

		__atomic_fetch_add(&set->readers, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&state->current, __ATOMIC_SEQ_CST) ==
		    current) {
			if (tsan_sees(held))
				tsan_acquire(set);
			return set;
		}
		fetch_sub_acq_rel(&set->readers, 1);
	}
}

static mm_unseen void set_put(struct mm_set *set, uint64_t held)
{
	if (tsan_sees(held))
		tsan_release(set);
	fetch_sub_acq_rel(&set->readers, 1);
}

/* The set that changes are made in; the state's lock is held. */
static struct mm_set *set_next(struct mm_state *state)
{
	return &state->set[(load_relaxed(&state->current) + 1) % 2];
}

/* Make the other set the current one; returns the one that was. */
static struct mm_set *set_turn(struct mm_state *state)
{
	uint32_t current = load_relaxed(&state->current);

	tsan_release(&state->set[(current + 1) % 2]);
	__atomic_store_n(&state->current, current + 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&state->armed, state->set[(current + 1) % 2].nr != 0,
			 __ATOMIC_SEQ_CST);
	return &state->set[current % 2];
}

static unsigned int set_find(const struct mm_set *set,
			     const struct uiommu_mm_notifier *n)
{
	unsigned int i;

	for (i = 0; i < set->nr && set->at[i] != n; i++)
		;
	return i;
}

static int add(struct mm_state *state, struct uiommu_mm_notifier *n)
{
	struct mm_set *next = set_next(state), *old;
	const struct mm_set *now =
		&state->set[load_relaxed(&state->current) % 2];
	bool done;

	if (set_find(now, n) < now->nr)
		return -EEXIST;
	if (now->nr == MM_NOTIFIERS_MAX)
		return -ENOSPC;
	for (unsigned int i = 0; i < now->nr; i++)
		next->at[i] = now->at[i];
	next->at[now->nr] = n;
	next->nr = now->nr + 1;
	old = set_turn(state);
	done = await_zero(&state->passing, PATIENCE_NS) &&
	       await_zero(&old->readers, PATIENCE_NS);
	tsan_acquire(old);
	if (done)
		return 0;
	/* The old set is as it was, whoever still reads it. */
	old = set_turn(state);
	await_zero(&old->readers, UINT64_MAX);
	return -EBUSY;
}

/* --------------------------------------------------------------- a probe - */

/* Notices whether calls of libc really come to us: one for each reason. */
struct probe {
	struct uiommu_mm_notifier n;
	uint64_t at;   /* atomic, like `seen`: threads of others come along */
	uint32_t seen; /* bits: enum uiommu_mm_reason */
};

#define PROBED                                             \
	(1u << UIOMMU_MM_UNMAP | 1u << UIOMMU_MM_PROTECT | \
	 1u << UIOMMU_MM_MOVE | 1u << UIOMMU_MM_DISCARD |  \
	 1u << UIOMMU_MM_REPLACE)

static mm_unseen void probe_begin(struct uiommu_mm_notifier *n, uint64_t first,
				  uint64_t last, unsigned int reason)
{
	struct probe *probe = (struct probe *)n;

	if (first == load_relaxed(&probe->at))
		fetch_or_acq_rel(&probe->seen, 1u << reason);
}

static mm_unseen void probe_end(struct uiommu_mm_notifier *n, uint64_t first,
				uint64_t last, unsigned int reason)
{
}

static void remove_from(struct mm_state *state, unsigned int at)
{
	struct mm_set *now = &state->set[load_relaxed(&state->current) % 2];
	struct mm_set *next = set_next(state);

	next->nr = 0;
	for (unsigned int i = 0; i < now->nr; i++)
		if (i != at)
			next->at[next->nr++] = now->at[i];
	set_turn(state);
	await_zero(&now->readers, UINT64_MAX);
	tsan_acquire(now);
}

/* -ENOTSUP: something has changed libc's functions before us. */
static int try_out(struct mm_state *state)
{
	struct probe probe = { .n = { probe_begin, probe_end } };
	void *page = mmap(NULL, MM_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0),
	     *grown;
	size_t len = MM_PAGE;
	int rc;

	if (page == MAP_FAILED)
		return -ENOMEM;
	probe.at = (uintptr_t)page;
	rc = add(state, &probe.n);
	if (rc) {
		munmap(page, MM_PAGE);
		return rc;
	}
	mprotect(page, MM_PAGE, PROT_READ | PROT_WRITE);
	madvise(page, MM_PAGE, MADV_DONTNEED);
	mmap(page, MM_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	grown = mremap(page, len, 2 * len, MREMAP_MAYMOVE);
	if (grown != MAP_FAILED) {
		len *= 2;
		page = grown;
		store_relaxed(&probe.at, (uintptr_t)grown);
	}
	munmap(page, len);
	remove_from(state,
		    set_find(&state->set[load_relaxed(&state->current) % 2],
			     &probe.n));
	return load_relaxed(&probe.seen) == PROBED ? 0 : -ENOTSUP;
}

int mm_subscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	struct mm_state *state;
	int rc = state_make(&state);

	if (rc)
		return rc;
	if (inside)
		return -EDEADLK;
	mm_lock(state);
	rc = mm_install(state);
	if (!rc && !state->tried)
		rc = try_out(state);
	if (!rc) {
		state->tried = true;
		mm_net_start(state);
		rc = add(state, n);
	}
	mm_unlock(state);
	return rc;
}

int mm_unsubscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	struct mm_state *state = mm_state_get();
	const struct mm_set *now;
	unsigned int at;
	int rc = -ENOENT;

	if (!state)
		return -ENOENT;
	if (inside)
		return -EDEADLK;
	mm_lock(state);
	now = &state->set[load_relaxed(&state->current) % 2];
	at = set_find(now, n);
	if (at < now->nr) {
		remove_from(state, at);
		rc = 0;
	}
	mm_unlock(state);
	return rc;
}

/* ---------------------------------------------------------------- calls -- */

static mm_unseen void tell(const struct mm_set *set,
			   const struct mm_change *change)
{
	for (unsigned int r = 0; r < change->nr; r++) {
		const struct mm_range *range = &change->range[r];

		for (unsigned int i = 0; i < set->nr; i++)
			set->at[i]->begin(set->at[i], range->first, range->last,
					  range->reason);
	}
}

static mm_unseen void tell_end(const struct mm_set *set,
			       const struct mm_change *change)
{
	for (unsigned int r = change->nr; r--;) {
		const struct mm_range *range = &change->range[r];

		for (unsigned int i = set->nr; i--;)
			set->at[i]->end(set->at[i], range->first, range->last,
					range->reason);
	}
}

mm_unseen void mm_tell_late(struct mm_state *state,
			    const struct mm_change *change)
{
	struct mm_set *set;

	inside++;
	set = set_get(state, 0);
	fetch_add_relaxed(&state->late, 1);
	tell(set, change);
	tell_end(set, change);
	set_put(set, 0);
	inside--;
}

/* Is a part of the stack that we stand on about to change? */
static mm_unseen bool hits_stack(const struct mm_change *change,
				 const struct mm_regs *regs)
{
	uint64_t low = (uintptr_t)__builtin_frame_address(0) - 1024,
		 high = (uintptr_t)(regs + 1);

	for (unsigned int r = 0; r < change->nr; r++)
		if (change->range[r].first <= high &&
		    change->range[r].last >= low &&
		    change->range[r].reason != UIOMMU_MM_PROTECT)
			return true;
	return false;
}

/*
 * A call that takes its own stack away cannot come back to us: it is told as
 * if it had been made, and then made in the stub, which needs no stack.
 */
mm_unseen void mm_dispatch(struct mm_regs *regs)
{
	struct mm_state *state = mm_state_get();
	struct mm_change change;
	struct mm_set *set;
	uint64_t held;
	int err;

	if (inside) {
		fetch_add_relaxed(&state->nested, 1);
		regs->rax = (uint64_t)mm_raw((long)regs->rax, regs->arg);
		return;
	}
	mm_change_of((long)(int)regs->rax, regs->arg, &change);
	if (!change.nr && !change.remapped.last) {
		regs->rax = (uint64_t)mm_raw((long)regs->rax, regs->arg);
		return;
	}
	held = mm_hold(NULL);
	inside++;
	err = errno;
	set = set_get(state, held);
	fetch_add_relaxed(&state->told, 1);
	tell(set, &change);
	mm_net_leave(state, &change);
	if (hits_stack(&change, regs))
		regs->resume -= MM_RESUME_RAW;
	else
		regs->rax = (uint64_t)mm_raw((long)regs->rax, regs->arg);
	tell_end(set, &change);
	set_put(set, held);
	errno = err;
	inside--;
	mm_release(NULL, held);
}
