/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device walks the addresses of this process while many threads change them
 * in every way there is.
 *
 * The device is a table of translations, filled on faults and emptied by a
 * subscriber as uiommu/mm.h wants it.  What it must find: through a
 * translation that stands, no access ever fails, and it meets the contents
 * that were there when the translation was filled.  One call that the
 * subscriber is not told of before, and both break.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <uiommu/host.h>
#include <uiommu/process.h>

#include "base/atomic.h"
#include "turns.h"

#define PAGE UINT64_C(4096)
#define STAMP UINT64_C(0x57a3b97d) /* upper half of a stamp */
/*
 * ThreadSanitizer runs signal handlers when it likes, blocked or not, and what
 * its allocator does to the address space is not told; callbacks also come in
 * threads that it has let go, so it may not look into them.  Under it there are no
 * signals and no guests in the heap; what is between callbacks and devices it sees
 * in sva_stress.c.
 */
#if defined(__SANITIZE_THREAD__)
#define OWN_RUNTIME 1
#else
#define OWN_RUNTIME 0
#endif

#define unseen __attribute__((no_sanitize("address", "thread", "undefined")))

enum {
	SLOTS = 12,
	SLOT_PAGES = 4,
	GUESTS = 16, /* addresses in blocks and stacks that come and go */
	ENTRIES = SLOTS * SLOT_PAGES + GUESTS,
	DEVICES = 2,
	MAPPERS = 3,
	STACK_GUEST = 8, /* those before are in the heap */
	CHANGES = 64,	 /* more than there are threads */
};

/* One translation.  Words atomic; changed under the lock. */
struct entry {
	uint64_t addr;	/* 0: none */
	uint64_t stamp; /* contents; 0: may change by themselves */
	uint32_t seq;
	uint32_t valid;
	uint32_t writable;
};

struct change {
	uint64_t first, last;
};

static struct {
	const struct uiommu_sva_mm *mm;
	struct uiommu_mm_notifier n;
	/* Protects the entries and the changes under way.  Spins. */
	uint32_t lock;
	struct entry entry[ENTRIES];
	struct change change[CHANGES];
	unsigned int nr_changes;

	uint32_t inside[DEVICES]; /* atomic: an access is under way */
	uint32_t stop;		  /* atomic */
	uint64_t begun, ended;	  /* atomic */

	/* Whoever changes a slot holds its lock. */
	pthread_mutex_t slot_lock[SLOTS];
	char *slot[SLOTS];
	bool present[SLOTS];
	uint64_t next_stamp; /* atomic */

	/* Findings, atomic. */
	uint64_t failed, stale, unwritable, unmatched;
	uint64_t hits[DEVICES], fills, refused;
	uint64_t maps[MAPPERS], heaps, trims, stacks, forks, libraries, signals;
	uint64_t strangers;
} s;

/* ------------------------------------------------------------ the device - */

static unseen void lock(void)
{
	while (exchange_acq_rel(&s.lock, 1u))
		sched_yield();
}

static unseen void unlock(void)
{
	store_release(&s.lock, 0u);
}

static unseen bool covers(const struct change *c, uint64_t addr)
{
	addr &= ~(PAGE - 1);
	return addr && addr <= c->last && addr + PAGE - 1 >= c->first;
}

static unseen void on_begin(struct uiommu_mm_notifier *n, uint64_t first,
			    uint64_t last, unsigned int reason)
{
	const struct change c = { first, last };

	lock();
	if (s.nr_changes < CHANGES)
		s.change[s.nr_changes++] = c;
	else
		fetch_add_relaxed(&s.unmatched, 1);
	for (unsigned int i = 0; i < ENTRIES; i++) {
		struct entry *e = &s.entry[i];

		if (!covers(&c, load_relaxed(&e->addr)))
			continue;
		store_relaxed(&e->seq, load_relaxed(&e->seq) + 1);
		store_release(&e->valid, 0u);
		/* Where a guest has left, that runtime may map what it likes. */
		if (OWN_RUNTIME && i >= SLOTS * SLOT_PAGES)
			store_relaxed(&e->addr, 0);
	}
	unlock();
	/* A full barrier: a device sees the entry gone, or is seen inside. */
	__atomic_fetch_add(&s.begun, 1, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < DEVICES; i++)
		while (load_acquire(&s.inside[i]))
			sched_yield();
}

static unseen void on_end(struct uiommu_mm_notifier *n, uint64_t first,
			  uint64_t last, unsigned int reason)
{
	unsigned int i = 0;

	lock();
	while (i < s.nr_changes &&
	       (s.change[i].first != first || s.change[i].last != last))
		i++;
	if (i < s.nr_changes)
		s.change[i] = s.change[--s.nr_changes];
	else
		fetch_add_relaxed(&s.unmatched, 1);
	unlock();
	fetch_add_relaxed(&s.ended, 1);
}

/* Under the lock. */
static bool is_changing(uint64_t addr)
{
	for (unsigned int i = 0; i < s.nr_changes; i++)
		if (covers(&s.change[i], addr))
			return true;
	return false;
}

/* An access by a translation that stands; false: there is none. */
static bool access_page(struct entry *e, unsigned int device)
{
	uint64_t held = s.mm->hold(s.mm->ctx), seen = 0, addr, stamp;
	const uint64_t mine = 0xde0 + device;
	bool valid;

	store_relaxed(&s.inside[device], 1u);
	fence_full();
	valid = load_acquire(&e->valid);
	if (valid) {
		addr = load_relaxed(&e->addr);
		stamp = load_relaxed(&e->stamp);
		if (uiommu_guard_copy(&seen, (void *)(uintptr_t)addr, 8))
			turn(&s.failed);
		else if (stamp && seen != stamp)
			turn(&s.stale);
		if (stamp && load_relaxed(&e->writable) &&
		    uiommu_guard_copy((void *)(uintptr_t)(addr + 8), &mine, 8))
			turn(&s.unwritable);
		turn(&s.hits[device]);
	}
	store_release(&s.inside[device], 0u);
	s.mm->release(s.mm->ctx, held);
	return valid;
}

static void fill(struct entry *e, bool slot, bool write)
{
	uint64_t held = s.mm->hold(s.mm->ctx), addr, seen = 0;
	uint32_t seq;
	bool busy;

	lock();
	addr = load_relaxed(&e->addr);
	seq = load_relaxed(&e->seq);
	busy = is_changing(addr);
	unlock();
	s.mm->release(s.mm->ctx, held);
	if (!addr || busy)
		return;
	if (s.mm->populate(s.mm->ctx, addr, 16, write)) {
		turn(&s.refused);
		return;
	}
	/*
	 * A slot's page that has no stamp yet will get one without a call, and
	 * where there is no slot somebody else's memory may stand.
	 */
	if (uiommu_guard_copy(&seen, (void *)(uintptr_t)addr, 8) ||
	    (slot && seen >> 32 != STAMP))
		return;
	held = s.mm->hold(s.mm->ctx);
	lock();
	if (load_relaxed(&e->seq) == seq) {
		store_relaxed(&e->stamp, slot ? seen : 0);
		store_relaxed(&e->writable, (uint32_t)write);
		store_release(&e->valid, 1u);
		turn(&s.fills);
	}
	unlock();
	s.mm->release(s.mm->ctx, held);
}

static void *device(void *arg)
{
	unsigned int id = (unsigned int)(uintptr_t)arg, seed = id + 77;

	while (!load_acquire(&s.stop)) {
		unsigned int i = (unsigned int)rand_r(&seed) % ENTRIES;
		struct entry *e = &s.entry[i];
		bool slot = i < SLOTS * SLOT_PAGES;

		if (!access_page(e, id))
			fill(e, slot, slot && rand_r(&seed) % 2);
	}
	return NULL;
}

/* ------------------------------------------------------------- the slots - */

static void stamp_pages(char *at, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		store_release((uint64_t *)(void *)(at + i * PAGE),
			      fetch_add_relaxed(&s.next_stamp, 1));
}

/* The addresses may be somebody else's by now. */
static bool map_slot(unsigned int i)
{
	void *at = mmap(s.slot[i], SLOT_PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			0);

	s.present[i] = at == s.slot[i];
	if (s.present[i])
		stamp_pages(at, SLOT_PAGES);
	return s.present[i];
}

static void map_over(unsigned int i)
{
	if (mmap(s.slot[i], SLOT_PAGES * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == s.slot[i])
		stamp_pages(s.slot[i], SLOT_PAGES);
}

/* From slot i to slot k, both locked; what was at k goes. */
static void move_slot(unsigned int i, unsigned int k)
{
	if (!s.present[k])
		return;
	if (mremap(s.slot[i], SLOT_PAGES * PAGE, SLOT_PAGES * PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED, s.slot[k]) == s.slot[k])
		s.present[i] = false;
	else
		/* Perhaps half of it moved: neither is anybody's any more. */
		s.present[i] = s.present[k] = false;
}

static void shrink_slot(unsigned int i)
{
	mremap(s.slot[i], SLOT_PAGES * PAGE, PAGE, 0);
	munmap(s.slot[i], PAGE);
	s.present[i] = false;
}

static void change_slot(unsigned int i, unsigned int op)
{
	char *at = s.slot[i];

	switch (op) {
	case 0:
		munmap(at, SLOT_PAGES * PAGE);
		s.present[i] = false;
		break;
	case 1:
		map_over(i);
		break;
	case 2:
		mprotect(at, SLOT_PAGES * PAGE, PROT_READ);
		mprotect(at + PAGE, PAGE, PROT_NONE);
		mprotect(at, SLOT_PAGES * PAGE, PROT_READ | PROT_WRITE);
		break;
	case 3:
		madvise(at + PAGE, 2 * PAGE, MADV_DONTNEED);
		stamp_pages(at + PAGE, 2);
		break;
	case 4:
		shrink_slot(i);
		break;
	case 5:
		syscall(SYS_munmap, at, PAGE);
		munmap(at + PAGE, (SLOT_PAGES - 1) * PAGE);
		s.present[i] = false;
		break;
	default:
		break;
	}
}

static void *mapper(void *arg)
{
	unsigned int id = (unsigned int)(uintptr_t)arg, seed = id + 5;

	while (!load_acquire(&s.stop)) {
		unsigned int i = (unsigned int)rand_r(&seed) % SLOTS;
		unsigned int k = (i + 1) % SLOTS;
		unsigned int op = (unsigned int)rand_r(&seed) % 7;

		pthread_mutex_lock(&s.slot_lock[i]);
		if (!s.present[i])
			map_slot(i);
		else if (op < 6)
			change_slot(i, op);
		else if (!pthread_mutex_trylock(&s.slot_lock[k])) {
			move_slot(i, k);
			pthread_mutex_unlock(&s.slot_lock[k]);
		}
		pthread_mutex_unlock(&s.slot_lock[i]);
		turn(&s.maps[id]);
		sched_yield();
	}
	return NULL;
}

/* ------------------------------------------------------------ the guests - */

/* The device may go to `addr` from now on. */
static void invite(unsigned int guest, const void *addr)
{
	struct entry *e = &s.entry[SLOTS * SLOT_PAGES + guest];
	uint64_t held = s.mm->hold(s.mm->ctx);

	if (OWN_RUNTIME && guest < STACK_GUEST)
		addr = NULL;
	lock();
	store_release(&e->valid, 0u);
	store_relaxed(&e->seq, load_relaxed(&e->seq) + 1);
	store_relaxed(&e->addr, ((uintptr_t)addr + 15) & ~UINT64_C(15));
	unlock();
	s.mm->release(s.mm->ctx, held);
}

/* Blocks that malloc maps, moves and unmaps. */
static void *heaps(void *arg)
{
	unsigned int seed = 9;

	while (!load_acquire(&s.stop)) {
		size_t size = 200000 + (size_t)rand_r(&seed) % 2000000;
		char *block = malloc(size), *moved;

		memset(block, 1, size);
		invite(0, block + size / 2);
		sched_yield();
		moved = realloc(block, size + 3000000);
		memset(moved, 2, size);
		invite(1, moved + size / 2);
		sched_yield();
		free(moved);
		turn(&s.heaps);
	}
	return NULL;
}

/* Small blocks, so that the heap grows and shrinks (brk, madvise). */
static void *trims(void *arg)
{
	enum {
		NR = 64,
		SIZE = 60000
	};
	char *block[NR];

	while (!load_acquire(&s.stop)) {
		for (unsigned int i = 0; i < NR; i++) {
			block[i] = malloc(SIZE);
			memset(block[i], 3, SIZE);
			if (i % 16 == 0)
				invite(2 + i / 16, block[i] + SIZE / 2);
		}
		sched_yield();
		for (unsigned int i = NR; i--;)
			free(block[i]);
		malloc_trim(0);
		turn(&s.trims);
	}
	return NULL;
}

static void *short_life(void *arg)
{
	volatile char low[100000];

	for (unsigned int i = 0; i < sizeof(low); i += 4096)
		low[i] = 1;
	invite((unsigned int)(uintptr_t)arg, (const char *)(uintptr_t)low);
	sched_yield();
	return NULL;
}

/* Stacks, of sizes that libc does not keep all of. */
static void *stacks(void *arg)
{
	unsigned int seed = 21;

	while (!load_acquire(&s.stop)) {
		pthread_t threads[4];
		pthread_attr_t attr;

		pthread_attr_init(&attr);
		pthread_attr_setstacksize(
			&attr, ((size_t)rand_r(&seed) % 16 + 1) << 20);
		for (unsigned int i = 0; i < 4; i++)
			pthread_create(&threads[i], &attr, short_life,
				       (void *)(uintptr_t)(STACK_GUEST + i));
		for (unsigned int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		pthread_attr_destroy(&attr);
		turn(&s.stacks);
	}
	return NULL;
}

/*
 * Calls that nobody finds, in memory of this thread alone: they are told late,
 * so a device may not look there, and must come back.
 */
static void *strangers(void *arg)
{
	static const unsigned char code[] = { 0xb8, SYS_munmap, 0,    0,
					      0,    0x0f,	0x05, 0xc3 };
	unsigned char *text = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long (*raw_munmap)(void *at, size_t len);

	memcpy(text, code, sizeof(code));
	mprotect(text, PAGE, PROT_READ | PROT_EXEC);
	raw_munmap = (long (*)(void *, size_t))(uintptr_t)text;
	while (!load_acquire(&s.stop)) {
		char *at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (!s.mm->populate(s.mm->ctx, (uintptr_t)at, PAGE, true) &&
		    !raw_munmap(at + 5 * PAGE, 3 * PAGE) &&
		    !raw_munmap(at, 5 * PAGE))
			turn(&s.strangers);
		sched_yield();
	}
	munmap(text, PAGE);
	return NULL;
}

static void *forks(void *arg)
{
	const struct timespec ms = { 0, 1000000 };

	while (!load_acquire(&s.stop)) {
		pid_t pid = fork();
		int status;

		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, &status, 0);
		turn(&s.forks);
		nanosleep(&ms, NULL);
	}
	return NULL;
}

static void *libraries(void *arg)
{
	while (!load_acquire(&s.stop)) {
		void *lib = dlopen("libfdt.so.1", RTLD_NOW | RTLD_LOCAL);

		if (lib) {
			invite(15, dlsym(lib, "fdt_next_node"));
			dlclose(lib);
		}
		turn(&s.libraries);
		sched_yield();
	}
	return NULL;
}

static void on_signal(int nr)
{
	int err = errno;
	void *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(at, PAGE, PROT_READ);
	munmap(at, 2 * PAGE);
	turn(&s.signals);
	errno = err;
}

/* -------------------------------------------------------------- together - */

struct crew {
	void *(*work)(void *arg);
	uintptr_t arg;
	pthread_t thread;
};

static void prepare(void)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		pthread_mutex_init(&s.slot_lock[i], NULL);
		s.slot[i] = mmap(NULL, SLOT_PAGES * PAGE,
				 PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		s.present[i] = true;
		for (unsigned int k = 0; k < SLOT_PAGES; k++)
			s.entry[i * SLOT_PAGES + k].addr =
				(uintptr_t)s.slot[i] + k * PAGE;
	}
	s.next_stamp = STAMP << 32;
	for (unsigned int i = 0; i < SLOTS; i++)
		stamp_pages(s.slot[i], SLOT_PAGES);
	s.n.begin = on_begin;
	s.n.end = on_end;
}

/* Signals strike everywhere, also while the others are in a call. */
static void strike(struct crew *crew, unsigned int nr, unsigned int ms,
		   const uint64_t *const *turns, unsigned int nr_turns)
{
	for (unsigned int round = 0; round < ms / 10; round++) {
		let_fight(10, NULL, 0);
		for (unsigned int i = 0; i < nr && !OWN_RUNTIME; i++)
			pthread_kill(crew[i].thread, SIGUSR1);
	}
	assert_true(let_fight(0, turns, nr_turns));
}

static void no_change_is_missed(void **state)
{
	struct crew crew[] = {
		{ device, 0 }, { device, 1 },	 { mapper, 0 }, { mapper, 1 },
		{ mapper, 2 }, { heaps, 0 },	 { trims, 0 },	{ stacks, 0 },
		{ forks, 0 },  { libraries, 0 },
	};
	const unsigned int nr = sizeof(crew) / sizeof(crew[0]);
	const uint64_t *turns[] = {
		&s.hits[0], &s.hits[1],	  &s.maps[0],
		&s.maps[1], &s.maps[2],	  &s.heaps,
		&s.trims,   &s.stacks,	  &s.forks,
		&s.fills,   &s.libraries, OWN_RUNTIME ? &s.fills : &s.signals,
	};
	const char *ms = getenv("UIOMMU_STRESS_MS");
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &sa, NULL);
	prepare();
	assert_int_equal(uiommu_guard_install(), 0);
	assert_int_equal(s.mm->subscribe(s.mm->ctx, &s.n), 0);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(pthread_create(&crew[i].thread, NULL,
						crew[i].work,
						(void *)crew[i].arg),
				 0);
	strike(crew, nr, ms ? (unsigned int)atoi(ms) : 1500, turns,
	       sizeof(turns) / sizeof(turns[0]));
	store_release(&s.stop, 1u);
	for (unsigned int i = 0; i < nr; i++)
		pthread_join(crew[i].thread, NULL);
	assert_int_equal(s.mm->unsubscribe(s.mm->ctx, &s.n), 0);
	print_message("# %llu changes, %llu + %llu accesses, %llu fills\n",
		      (unsigned long long)s.begun,
		      (unsigned long long)s.hits[0],
		      (unsigned long long)s.hits[1],
		      (unsigned long long)s.fills);
	assert_int_equal(s.failed, 0);
	assert_int_equal(s.stale, 0);
	assert_int_equal(s.unwritable, 0);
	assert_int_equal(s.unmatched, 0);
	assert_int_equal(s.nr_changes, 0);
	assert_int_equal(s.begun, s.ended);
}

/* --------------------------------------------------- coming and going ---- */

static unseen void nothing(struct uiommu_mm_notifier *n, uint64_t first,
			   uint64_t last, unsigned int reason)
{
	uint64_t *inside = (uint64_t *)(n + 1);

	if (reason != UIOMMU_MM_PROTECT)
		return;
	fetch_add_relaxed(inside, 1);
}

struct comer {
	struct uiommu_mm_notifier n;
	uint64_t called;
	uint64_t rounds;
	uint64_t late;
};

/* Once unsubscribe has returned nobody touches the storage any more. */
static void *come_and_go(void *arg)
{
	struct comer *c = arg;

	while (!load_acquire(&s.stop)) {
		uint64_t called;

		if (s.mm->subscribe(s.mm->ctx, &c->n))
			continue;
		sched_yield();
		s.mm->unsubscribe(s.mm->ctx, &c->n);
		called = load_relaxed(&c->called);
		c->n.begin = c->n.end = NULL;
		sched_yield();
		if (load_relaxed(&c->called) != called)
			turn(&c->late);
		c->n.begin = c->n.end = nothing;
		turn(&c->rounds);
	}
	return NULL;
}

static void subscribers_come_and_go(void **state)
{
	struct comer comer[2] = { { .n = { nothing, nothing } },
				  { .n = { nothing, nothing } } };
	struct crew crew[] = {
		{ come_and_go, (uintptr_t)&comer[0] },
		{ come_and_go, (uintptr_t)&comer[1] },
		{ mapper, 0 },
		{ stacks, 0 },
		{ strangers, 0 },
	};
	const uint64_t *turns[] = { &comer[0].rounds, &comer[1].rounds,
				    &s.maps[0],	      &s.stacks,
				    &comer[0].called, &s.strangers };

	memset(&s.maps, 0, sizeof(s.maps));
	s.stacks = 0;
	store_release(&s.stop, 0u);
	for (unsigned int i = 0; i < 5; i++)
		pthread_create(&crew[i].thread, NULL, crew[i].work,
			       (void *)crew[i].arg);
	strike(crew, 5, 500, turns, 6);
	store_release(&s.stop, 1u);
	for (unsigned int i = 0; i < 5; i++)
		pthread_join(crew[i].thread, NULL);
	assert_int_equal(comer[0].late + comer[1].late, 0);
}

/* ------------------------------------------------ the first of a process - */

static void *hammer(void *arg)
{
	uint64_t *rounds = arg;

	while (!load_acquire(&s.stop)) {
		char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mprotect(at, PAGE, PROT_READ) ||
		    madvise(at, PAGE, MADV_DONTNEED) ||
		    mremap(at, 4 * PAGE, 2 * PAGE, 0) != at ||
		    munmap(at, 2 * PAGE) || munmap(at + 1, PAGE) != -1 ||
		    errno != EINVAL || syscall(SYS_getppid) <= 0)
			_exit(3);
		free(malloc(1000000));
		turn(rounds);
	}
	return NULL;
}

/* Code changes while threads run in it. */
static int first_subscribe(void)
{
	uint64_t rounds[3] = { 0, 0, 0 };
	const uint64_t *turns[] = { &rounds[0], &rounds[1], &rounds[2] };
	struct comer comer = { .n = { nothing, nothing } };
	pthread_t threads[3];

	for (unsigned int i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, hammer, &rounds[i]))
			return 1;
	if (!let_fight(0, turns, 3) || s.mm->subscribe(s.mm->ctx, &comer.n))
		return 2;
	for (unsigned int i = 0; i < 3; i++)
		store_relaxed(&rounds[i], 0);
	/* Each is told from the first call that begins now. */
	if (!let_fight(5, turns, 3) || !load_relaxed(&comer.called))
		return 4;
	store_release(&s.stop, 1u);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return s.mm->unsubscribe(s.mm->ctx, &comer.n) ? 5 : 0;
}

static void code_changes_under_threads(void **state)
{
	for (unsigned int i = 0; i < 40; i++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			_exit(first_subscribe());
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static int setup(void **state)
{
	s.mm = uiommu_process_mm();
	return s.mm ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_changes_under_threads),
		cmocka_unit_test(no_change_is_missed),
		cmocka_unit_test(subscribers_come_and_go),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
