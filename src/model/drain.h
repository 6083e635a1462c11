/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drain.h - who is inside a model, and waiting until those have left.
 *
 * Each thread has a slot per instance, in cache lines of its own, with a
 * sequence number that is odd while the thread is inside.  Entering is a plain
 * store; model_drain() makes it visible by membarrier(2), which runs a barrier
 * on every CPU that runs a thread of this process, or, where there is none
 * (decided when the instance is made), entering pays for a full barrier.
 *
 * After model_drain() every thread that was inside when it was called has left
 * at least once, and whoever enters later sees every store made before the
 * call.  A thread never waits for itself.
 *
 * fork(2): the child has one thread; slots of others would be odd for ever.  A
 * page that the kernel zeroes in the child (MADV_WIPEONFORK) tells, at the
 * first call in the child, to forget all slots; drain->forked() then lets the
 * owner repair its locks.  Where the kernel has no such page, forking while
 * another thread is inside is not supported.
 */
#ifndef MODEL_DRAIN_H
#define MODEL_DRAIN_H

#include "mem.h"

/* Counters of one thread; what they count is the model's business. */
#define MODEL_SLOT_COUNTERS 14u

struct model_slot {
	uint64_t seq; /* odd: inside; written by the owner only */
	/*
	 * Owner's: entries beyond the first, when a callback comes in again;
	 * never 0 in the shared slot.
	 */
	uint32_t depth;
	int32_t tid; /* owner; 0: free */
	uint64_t count[MODEL_SLOT_COUNTERS];
} __attribute__((aligned(64)));

#define MODEL_SLOTS 4096u

struct model_drain {
	/*
	 * Tells instances at one address apart; lies in a page of its own and
	 * is 0 in a forked child that has not noticed yet.
	 */
	uint64_t *uid;
	bool membarrier;
	/*
	 * Protects registration of slots; taken inside no other lock of ours, and
	 * nothing is waited for or allocated with it held.
	 */
	int lock;
	uint32_t nr_slots;	 /* that were ever in use; only grows */
	struct model_slot *slot; /* MODEL_SLOTS, behind the page of uid */
	/* For threads that got no slot: how many of them are inside. */
	uint64_t shared_inside;
	struct model_slot shared;
	/* Runs once in a forked child, before anything else of the model. */
	void (*forked)(void *arg);
	void *arg;
};

int model_drain_init(struct model_drain *d, void (*forked)(void *arg),
		     void *arg);
void model_drain_fini(struct model_drain *d);

/*
 * This thread's slots.  [0] is for entering without more ado, so it is used
 * only with membarrier; [1] holds another instance, or the same.
 */
struct model_tls {
	const struct model_drain *drain;
	uint64_t uid;
	struct model_slot *slot;
};
extern __thread struct model_tls model_tls[2]
	__attribute__((tls_model("initial-exec")));

struct model_slot *model_slot_find(struct model_drain *d);
void model_after_fork(struct model_drain *d);
struct model_slot *model_enter_slow(struct model_drain *d);
void model_leave_slow(struct model_drain *d, struct model_slot *slot);

/* To be called first in every entry point of the model. */
static inline void model_check_fork(struct model_drain *d)
{
	if (unlikely(!load_acquire(d->uid)))
		model_after_fork(d);
}

static inline struct model_slot *model_slot_get(struct model_drain *d)
{
	if (likely(model_tls[0].drain == d &&
		   model_tls[0].uid == load_relaxed(d->uid)))
		return model_tls[0].slot;
	return model_slot_find(d);
}

/* Mark the calling thread as inside; returns its slot. */
static inline struct model_slot *model_enter(struct model_drain *d)
{
	struct model_slot *slot = model_tls[0].slot;
	uint64_t seq;

	/* A forked child has uid 0, which no thread has noted. */
	if (unlikely(model_tls[0].drain != d ||
		     model_tls[0].uid != load_relaxed(d->uid)))
		return model_enter_slow(d);
	seq = slot->seq;
	if (unlikely(seq & 1)) {
		slot->depth++;
		return slot;
	}
	store_relaxed(&slot->seq, seq + 1);
	/* The other half of this barrier is in model_drain(). */
	__asm__ __volatile__("" ::: "memory");
	return slot;
}

/*
 * The same for a function that leaves by itself, on its common way out, with
 * model_leave_simple(): NULL when entering is not that simple.
 */
static inline struct model_slot *model_enter_simple(struct model_drain *d)
{
	struct model_slot *slot = model_tls[0].slot;
	uint64_t seq;

	if (unlikely(model_tls[0].drain != d ||
		     model_tls[0].uid != load_relaxed(d->uid)))
		return NULL;
	seq = slot->seq;
	if (unlikely(seq & 1))
		return NULL;
	store_relaxed(&slot->seq, seq + 1);
	__asm__ __volatile__("" ::: "memory");
	return slot;
}

static inline void model_leave_simple(struct model_slot *slot)
{
	store_release(&slot->seq, slot->seq + 1);
}

static inline void model_leave(struct model_drain *d, struct model_slot *slot)
{
	if (unlikely(slot->depth)) {
		model_leave_slow(d, slot);
		return;
	}
	store_release(&slot->seq, slot->seq + 1);
}

/* May the calling thread be inside, called back by the embedder? */
static inline bool model_is_inside(const struct model_drain *d,
				   const struct model_slot *slot)
{
	return slot == &d->shared || (slot->seq & 1);
}

/* Count for a thread's statistics; others may read at the same time. */
static inline void model_count(struct model_slot *slot, unsigned int i,
			       uint64_t n)
{
	store_relaxed(&slot->count[i], load_relaxed(&slot->count[i]) + n);
}

/* See above.  Holding a lock that a thread inside waits for is a deadlock. */
void model_drain(struct model_drain *d);

/* Sum counter i over all threads that ever entered. */
uint64_t model_count_sum(struct model_drain *d, unsigned int i);

#endif /* MODEL_DRAIN_H */
