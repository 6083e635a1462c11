/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drain.c - slots of threads and the wait for those inside.
 *
 * Slots are mapped with the instance and get their memory from the kernel when
 * they are first used, so that a thread's first access needs no allocator: it may
 * be waited for by a thread that has the allocator's lock.  A slot whose thread
 * has ended is found by asking the kernel for the thread when a new slot is
 * wanted; its counters stay, they are part of the sum.  When all slots are taken
 * the thread uses a shared counter with atomic read-modify-writes: slow, but
 * right.
 */
#include "drain.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__thread struct model_tls model_tls[2];

static int membarrier_call(int cmd)
{
	return (int)syscall(SYS_membarrier, cmd, 0, 0);
}

static bool membarrier_register(void)
{
	return !membarrier_call(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
	       !membarrier_call(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

static uint64_t new_uid(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t map_size(void)
{
	return page_size() + MODEL_SLOTS * sizeof(struct model_slot);
}

int model_drain_init(struct model_drain *d, void (*forked)(void *arg),
		     void *arg)
{
	void *map = mmap(NULL, map_size(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return -ENOMEM;
	/* Older kernels refuse; see the header for what is lost then. */
	(void)madvise(map, page_size(), MADV_WIPEONFORK);
	*d = (struct model_drain){
		.uid = map,
		.slot = (void *)((char *)map + page_size()),
		.shared = { .depth = 1 },
		.forked = forked,
		.arg = arg,
	};
	*d->uid = new_uid();
	d->membarrier = membarrier_register();
	return 0;
}

void model_drain_fini(struct model_drain *d)
{
	munmap(d->uid, map_size());
}

/*
 * d->lock: protects nr_slots and the tid of every slot.  Readers of nr_slots use
 * acquire.
 */
static void slots_lock(struct model_drain *d)
{
	int free = 0;

	while (!cmpxchg_acq_rel(&d->lock, &free, 1)) {
		free = 0;
		sched_yield();
	}
}

static void slots_unlock(struct model_drain *d)
{
	store_release(&d->lock, 0);
}

static bool thread_gone(int32_t tid)
{
	return syscall(SYS_tgkill, getpid(), tid, 0) && errno == ESRCH;
}

/* This thread's, or one that nobody uses any more, or a new one, or NULL. */
static struct model_slot *slot_claim(struct model_drain *d, int32_t tid)
{
	uint32_t i, n = d->nr_slots;

	/* Forgotten by model_tls it may be in use all the same. */
	for (i = 0; i < n; i++)
		if (d->slot[i].tid == tid)
			return &d->slot[i];
	for (i = 0; i < n; i++)
		if (!d->slot[i].tid || thread_gone(d->slot[i].tid))
			return &d->slot[i];
	if (n == MODEL_SLOTS)
		return NULL;
	store_release(&d->nr_slots, n + 1);
	return &d->slot[n];
}

struct model_slot *model_slot_find(struct model_drain *d)
{
	int32_t tid = (int32_t)syscall(SYS_gettid);
	uint64_t uid = load_acquire(d->uid);
	struct model_tls mine = { d, uid, NULL };

	if (model_tls[1].drain == d && model_tls[1].uid == uid) {
		mine = model_tls[1];
	} else {
		slots_lock(d);
		mine.slot = slot_claim(d, tid);
		if (mine.slot && mine.slot->tid != tid) {
			/* What its last owner did came before it left. */
			uint64_t seq = load_acquire(&mine.slot->seq);

			mine.slot->tid = tid;
			mine.slot->depth = 0;
			store_release(&mine.slot->seq, seq & ~UINT64_C(1));
		}
		slots_unlock(d);
		if (!mine.slot)
			return &d->shared;
	}
	if (d->membarrier) {
		model_tls[1] = model_tls[0];
		model_tls[0] = mine;
	} else {
		model_tls[1] = mine;
	}
	return mine.slot;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1 /* as GCC says it */
#endif
#endif

/* ThreadSanitizer does not know fences; it does know exchanges. */
static void full_barrier(uint64_t *word, uint64_t val)
{
#if defined(__SANITIZE_THREAD__)
	__atomic_exchange_n(word, val, __ATOMIC_SEQ_CST);
#else
	store_relaxed(word, val);
	fence_full();
#endif
}

/*
 * This thread's part of shared_inside: of one instance how often, of others that
 * it has entered from within that one only that there is some.
 */
static __thread struct {
	const struct model_drain *drain;
	uint32_t depth, others;
} shared_by_me;

static void shared_enter(struct model_drain *d)
{
	if (!shared_by_me.depth)
		shared_by_me.drain = d;
	if (shared_by_me.drain == d)
		shared_by_me.depth++;
	else
		shared_by_me.others++;
	__atomic_fetch_add(&d->shared_inside, 1, __ATOMIC_SEQ_CST);
}

static void shared_leave(struct model_drain *d)
{
	if (shared_by_me.depth && shared_by_me.drain == d)
		shared_by_me.depth--;
	else if (shared_by_me.others)
		shared_by_me.others--;
	else
		return; /* a fork has forgotten it */
	fetch_sub_acq_rel(&d->shared_inside, 1);
}

/* Wait for threads without a slot, but not for this one. */
static void wait_shared(const struct model_drain *d)
{
	uint32_t mine = shared_by_me.drain == d ? shared_by_me.depth : 0;
	unsigned int spins = 0;

	/* It may be inside here without knowing how often. */
	if (shared_by_me.others)
		return;
	while (load_acquire(&d->shared_inside) > mine) {
		if (++spins % 128 == 0)
			sched_yield();
	}
}

struct model_slot *model_enter_slow(struct model_drain *d)
{
	struct model_slot *slot;

	model_check_fork(d);
	slot = model_slot_get(d);
	if (slot == &d->shared)
		shared_enter(d);
	else if (slot->seq & 1)
		slot->depth++;
	else
		full_barrier(&slot->seq, slot->seq + 1);
	return slot;
}

void model_leave_slow(struct model_drain *d, struct model_slot *slot)
{
	if (slot == &d->shared)
		shared_leave(d);
	else
		slot->depth--;
}

void model_after_fork(struct model_drain *d)
{
	slots_lock(d);
	if (!load_acquire(d->uid)) {
		for (uint32_t i = 0; i < d->nr_slots; i++) {
			struct model_slot *slot = &d->slot[i];

			slot->seq = 0;
			slot->depth = 0;
			slot->tid = 0;
		}
		d->shared_inside = 0;
		memset(&shared_by_me, 0, sizeof(shared_by_me));
		if (d->membarrier)
			d->membarrier = membarrier_register();
		if (d->forked)
			d->forked(d->arg);
		store_release(d->uid, new_uid());
	}
	slots_unlock(d);
}

static void wait_left(const struct model_slot *slot)
{
	uint64_t seq = load_acquire(&slot->seq);
	unsigned int spins = 0;

	if (!(seq & 1))
		return;
	while (load_acquire(&slot->seq) == seq) {
		if (++spins % 128 == 0)
			sched_yield();
	}
}

void model_drain(struct model_drain *d)
{
	const struct model_slot *self = model_slot_get(d);
	uint64_t dummy;
	uint32_t n;

	/*
	 * Under the lock: a thread that registers later sees all that was
	 * stored before, so it needs no barrier of ours.
	 */
	slots_lock(d);
	n = d->nr_slots;
	slots_unlock(d);
	if (n == 1 && self == d->slot && !load_acquire(&d->shared_inside))
		return;
	if (d->membarrier)
		membarrier_call(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	else
		full_barrier(&dummy, 0);
	for (uint32_t i = 0; i < n; i++) {
		if (&d->slot[i] != self)
			wait_left(&d->slot[i]);
	}
	wait_shared(d);
}

uint64_t model_count_sum(struct model_drain *d, unsigned int i)
{
	uint32_t n = load_acquire(&d->nr_slots);
	uint64_t sum = load_relaxed(&d->shared.count[i]);

	for (uint32_t s = 0; s < n; s++)
		sum += load_relaxed(&d->slot[s].count[i]);
	return sum;
}
