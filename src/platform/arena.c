/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena.c - memory for tables: blocks of 2^n bytes, aligned to their size.
 *
 * The arena is one stretch of address space in which pages cost nothing until
 * they are touched.  It only grows: `next` moves up, freed blocks go to lists
 * by size and come back from there.  A list runs through the first word of its
 * blocks.  Each thread works on the lists of one shard, and takes another
 * shard's list before it asks for fresh memory.  Small sizes are cut from chunks, so that one that alternates with a
 * large one does not lose the large one's alignment each time.
 *
 * Blocks are handed out with what is in them: most tables are filled or cleared
 * by who asked for them anyway.  Under AddressSanitizer free blocks are
 * poisoned beyond their first word: whoever still walks a freed table is
 * reported.
 */
#include <sched.h>
#include <sys/mman.h>

#include "platform_private.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define poison(p, n) __asan_poison_memory_region((p), (n))
#define unpoison(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define poison(p, n) ((void)0)
#define unpoison(p, n) ((void)0)
#endif

#define ARENA_DEFAULT (UINT64_C(16) << 30)
#define ARENA_LEAST (UINT64_C(64) << 20)
#define ARENA_CHUNK_LG2 16

static void spin_lock(uint32_t *busy)
{
	unsigned int tries = 0;

	while (exchange_acq_rel(busy, 1)) {
		if (++tries % 64 == 0)
			sched_yield();
	}
}

static void spin_unlock(uint32_t *busy)
{
	store_release(busy, 0);
}

int host_arena_init(struct arena *arena, uint64_t size)
{
	uint64_t want = size ? size : ARENA_DEFAULT;
	void *va;

	if (want < 4096 || want > UINT64_C(1) << 46)
		return -ENOMEM;
	for (;;) {
		va = mmap(NULL, want, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (va != MAP_FAILED)
			break;
		/* Strict overcommit counts every byte: be modest then. */
		if (size || want / 2 < ARENA_LEAST)
			return -ENOMEM;
		want /= 2;
	}
	/* Tables are dense; a refusal only costs speed. */
	(void)madvise(va, want, MADV_HUGEPAGE);
	memset(arena, 0, sizeof(*arena));
	arena->base = (uintptr_t)va;
	arena->next = arena->base;
	arena->end = arena->base + want;
	return 0;
}

void host_arena_fini(struct arena *arena)
{
	unpoison((void *)(uintptr_t)arena->base, arena->end - arena->base);
	munmap((void *)(uintptr_t)arena->base, arena->end - arena->base);
}

struct arena_shard *host_arena_my_shard(struct arena *arena)
{
	/* Threads differ in their thread pointer from bit 12 up. */
	uint64_t self = (uintptr_t)__builtin_thread_pointer();

	return &arena->shard[((self >> 12) * 0x9e3779b97f4a7c15ull) >> 61];
}

/* Take `size` bytes off the untouched end; 0 when there is no room. */
static uint64_t bump(struct arena *arena, uint64_t size)
{
	uint64_t at = 0;

	spin_lock(&arena->busy);
	at = align_up_lg2(arena->next, ilog2_u64(size));
	if (at < arena->next || at >= arena->end || arena->end - at < size)
		at = 0;
	else
		arena->next = at + size;
	spin_unlock(&arena->busy);
	return at;
}

static void push(struct arena_shard *shard, unsigned int lg2, void *va)
{
	void **head = &shard->free[lg2 - ARENA_MIN_LG2];

	*(void **)va = *head;
	store_relaxed(head, va);
}

/* Fresh memory: a chunk cut up, the rest of it for later. */
static void *grow(struct arena *arena, struct arena_shard *shard,
		  unsigned int lg2)
{
	uint64_t size = BIT64(lg2), chunk, at;

	/* Page-sized and larger blocks come one by one, so stay untouched. */
	if (lg2 >= 12)
		return (void *)(uintptr_t)bump(arena, size);

	chunk = BIT64(ARENA_CHUNK_LG2);
	at = bump(arena, chunk);
	if (!at) {
		chunk = size;
		at = bump(arena, size);
		if (!at)
			return NULL;
	}
	spin_lock(&shard->busy);
	for (uint64_t off = chunk - size; off; off -= size) {
		push(shard, lg2, (void *)(uintptr_t)(at + off));
		poison((char *)(uintptr_t)(at + off) + 8, size - 8);
	}
	spin_unlock(&shard->busy);
	return (void *)(uintptr_t)at;
}

static void *pop(struct arena_shard *shard, unsigned int lg2)
{
	void **head = &shard->free[lg2 - ARENA_MIN_LG2], *va;

	spin_lock(&shard->busy);
	va = *head;
	if (va) {
		store_relaxed(head, *(void **)va);
		/* Another processor may have freed it: have it here next time. */
		__builtin_prefetch(*head, 1);
	}
	spin_unlock(&shard->busy);
	return va;
}

/*
 * Take over all that another shard has of this size.  Blocks freed by deferred
 * calls pile up with the thread that runs those, and are wanted elsewhere.
 */
static void *steal(struct arena *arena, struct arena_shard *shard,
		   unsigned int lg2)
{
	unsigned int class = lg2 - ARENA_MIN_LG2;
	void *list = NULL, **tail;

	for (unsigned int i = 0; i < ARENA_SHARDS && !list; i++) {
		struct arena_shard *from = &arena->shard[i];

		if (from == shard || !load_relaxed(&from->free[class]))
			continue;
		spin_lock(&from->busy);
		list = from->free[class];
		store_relaxed(&from->free[class], NULL);
		spin_unlock(&from->busy);
	}
	if (!list)
		return NULL;
	spin_lock(&shard->busy);
	/* Seldom there is something again; then it goes behind. */
	if (shard->free[class]) {
		for (tail = list; *tail;)
			tail = *tail;
		*tail = shard->free[class];
	}
	store_relaxed(&shard->free[class], *(void **)list);
	spin_unlock(&shard->busy);
	return list;
}

void *host_arena_alloc(struct arena *arena, size_t size)
{
	struct arena_shard *shard = host_arena_my_shard(arena);
	unsigned int lg2;
	void *va;

	if (size < BIT64(ARENA_MIN_LG2) || !is_pow2(size) ||
	    size > BIT64(ARENA_MIN_LG2 + ARENA_CLASSES - 1))
		return NULL;
	lg2 = ilog2_u64(size);
	va = pop(shard, lg2);
	if (!va)
		va = steal(arena, shard, lg2);
	if (va)
		unpoison(va, size);
	else
		va = grow(arena, shard, lg2);
	if (va)
		fetch_add_relaxed(&shard->live, 1);
	return va;
}

void host_arena_free(struct arena *arena, void *va, size_t size)
{
	struct arena_shard *shard = host_arena_my_shard(arena);

	spin_lock(&shard->busy);
	push(shard, ilog2_u64(size), va);
	poison((char *)va + 8, size - 8);
	spin_unlock(&shard->busy);
	fetch_add_relaxed(&shard->live, -1);
}

int64_t host_arena_live(const struct arena *arena)
{
	int64_t live = 0;

	for (unsigned int i = 0; i < ARENA_SHARDS; i++)
		live += load_relaxed(&arena->shard[i].live);
	return live;
}

void host_arena_lock_all(struct arena *arena)
{
	for (unsigned int i = 0; i < ARENA_SHARDS; i++)
		spin_lock(&arena->shard[i].busy);
	spin_lock(&arena->busy);
}

void host_arena_unlock_all(struct arena *arena)
{
	spin_unlock(&arena->busy);
	for (unsigned int i = ARENA_SHARDS; i-- > 0;)
		spin_unlock(&arena->shard[i].busy);
}
