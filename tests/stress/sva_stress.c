/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVA under fire: two devices of a whole machine, one by page requests and one
 * by stalls, walk the addresses of this process while its threads map, unmap,
 * protect, move and discard them, free and reallocate large blocks, end and
 * fork.
 *
 * Each page that is watched has a *generation*, which its owner raises: even
 * ones are written into the page, in odd ones it is zero, without rights or not
 * there.  `from` is raised when a generation stands, `to` before the step to it.
 * So an access may have met those from what `from` was before it to what `to` is
 * after it, and nothing else: not the past, and not another page's.
 *
 * Under ThreadSanitizer all that goes on too, but:
 *   - its allocator's own calls are told to nobody, so the device's accesses to
 *     blocks of the heap may meet what is there by chance (as nothing is expected
 *     of them, they are made all the same);
 *   - a thread whose end libc has begun is none of its threads any more: what it
 *     changes is told by another (the relay below);
 *   - it runs signal handlers when it likes, blocked or not: there are no signals.
 *
 * UIOMMU_STRESS_SECONDS says how long (2).
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uiommu/host.h>

#include "sva.h"
#include "base/atomic.h"
#include "turns.h"

#if defined(__SANITIZE_THREAD__)
#define OWN_RUNTIME 1
#else
#define OWN_RUNTIME 0
#endif

#define PAGE UINT64_C(4096)
#define TAG UINT64_C(0x57a3)
/* Where the kernel puts nothing by itself, and ThreadSanitizer allows it. */
#define FAR UINT64_C(0x7e9000000000)
#define AWAY UINT64_C(0x1000000000) /* from there */

static void die(int line)
{
	dprintf(2, "line %d: %s\n", line, strerror(errno));
	abort();
}

enum {
	OWNERS = 3,
	SLOTS = 6, /* of each owner */
	SLOT_PAGES = 4,
	PAGES = OWNERS * SLOTS * SLOT_PAGES,
	GUESTS = 8, /* in blocks and stacks that come and go */
	DEVICES = 2,
	AT_ONCE = 4, /* accesses of a device */
};

static struct {
	char *base; /* of the watched pages */
	struct uiommu_domain *domain;
	uint64_t from[PAGES], to[PAGES];
	uint64_t guest[GUESTS];
	uint32_t stop;

	/* Findings. */
	uint64_t foreign, stale, lost, aborted, left;
	uint64_t hits[DEVICES], faults[DEVICES], writes[DEVICES];
	uint64_t changes[OWNERS], heaps, stacks, ends, forks, signals;
} s; /* all atomic but base and domain */

/* ------------------------------------ the process, as the devices see it - */

#define unseen __attribute__((no_sanitize("address", "thread", "undefined")))

/* Stands between the process and the one who has subscribed. */
static struct {
	struct uiommu_mm_notifier n;
	struct uiommu_mm_notifier *to;
	pthread_t teller; /* for threads that end */
	uint32_t lock; /* spins: of those, one at a time has something to tell */
	uint32_t state; /* atomic */
	bool begin;
	uint64_t first, last;
	unsigned int reason;
} relay;

enum {
	IDLE,
	ASKED,
	TOLD,
	OVER,
};

static void pass_on(bool begin, uint64_t first, uint64_t last,
		    unsigned int reason)
{
	(begin ? relay.to->begin : relay.to->end)(relay.to, first, last,
						  reason);
}

static void *teller(void *arg)
{
	uint32_t state;

	while ((state = load_acquire(&relay.state)) != OVER) {
		if (state == ASKED) {
			pass_on(relay.begin, relay.first, relay.last,
				relay.reason);
			store_release(&relay.state, TOLD);
			turn(&s.ends);
		}
		sched_yield();
	}
	return NULL;
}

/* Only such a thread blocks SIGSEGV. */
static unseen bool is_ending(void)
{
	uint64_t mask = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask));
	return mask >> (SIGSEGV - 1) & 1;
}

static unseen void tell(bool begin, uint64_t first, uint64_t last,
			unsigned int reason)
{
	if (!is_ending()) {
		pass_on(begin, first, last, reason);
		return;
	}
	while (exchange_acq_rel(&relay.lock, 1u))
		syscall(SYS_sched_yield);
	relay.begin = begin;
	relay.first = first;
	relay.last = last;
	relay.reason = reason;
	store_release(&relay.state, ASKED);
	while (load_acquire(&relay.state) != TOLD)
		syscall(SYS_sched_yield);
	store_release(&relay.state, IDLE);
	store_release(&relay.lock, 0u);
}

static unseen void on_begin(struct uiommu_mm_notifier *n, uint64_t first,
			    uint64_t last, unsigned int reason)
{
	tell(true, first, last, reason);
}

static unseen void on_end(struct uiommu_mm_notifier *n, uint64_t first,
			  uint64_t last, unsigned int reason)
{
	tell(false, first, last, reason);
}

static int relay_subscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	int rc;

	relay.n = (struct uiommu_mm_notifier){ on_begin, on_end };
	relay.to = n;
	relay.state = IDLE;
	if (pthread_create(&relay.teller, NULL, teller, NULL))
		die(__LINE__);
	rc = uiommu_process_mm()->subscribe(ctx, &relay.n);
	if (rc)
		die(__LINE__);
	return 0;
}

static int relay_unsubscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	int rc = uiommu_process_mm()->unsubscribe(ctx, &relay.n);

	store_release(&relay.state, OVER);
	pthread_join(relay.teller, NULL);
	return rc;
}

/* A page may go as soon as it is present: leave it the time. */
static int slow_populate(void *ctx, uint64_t uva, uint64_t len, bool write)
{
	int rc = uiommu_process_mm()->populate(ctx, uva, len, write);

	if (uva / PAGE % 2)
		usleep(30);
	return rc;
}

static const struct uiommu_sva_mm *slow_mm(void)
{
	static struct uiommu_sva_mm mm;

	mm = *uiommu_process_mm();
	mm.populate = slow_populate;
	if (OWN_RUNTIME) {
		mm.subscribe = relay_subscribe;
		mm.unsubscribe = relay_unsubscribe;
	}
	return &mm;
}

/* --------------------------------------------------------------- owners - */

static char *page_at(unsigned int page)
{
	return s.base + page * PAGE;
}

static uint64_t word_of(unsigned int page, uint64_t generation)
{
	return TAG << 48 | (uint64_t)page << 32 | generation;
}

/* The pages of a slot step to their next generation, which `to` says. */
static void step_begin(unsigned int first, unsigned int nr)
{
	for (unsigned int i = first; i < first + nr; i++)
		store_release(&s.to[i], load_relaxed(&s.to[i]) + 1);
	fence_full();
}

static void step_end(unsigned int first, unsigned int nr)
{
	fence_full();
	for (unsigned int i = first; i < first + nr; i++)
		store_release(&s.from[i], load_relaxed(&s.to[i]));
}

static void map_over(char *at, uint64_t len)
{
	if (mmap(at, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
		die(__LINE__);
}

static void map_anew(char *at, uint64_t len)
{
	if (mmap(at, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) != at)
		die(__LINE__);
}

/* A page at a time: they may be of several mappings. */
static void move_away_and_back(char *at, uint64_t len)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	for (char *page = at; page < at + len; page += PAGE) {
		void *away = page + AWAY;

		if (mremap(page, PAGE, PAGE, flags | MREMAP_DONTUNMAP, away) !=
		    away)
			die(__LINE__);
		if (mremap(away, PAGE, PAGE, flags, page) != page)
			die(__LINE__);
	}
}

/* From an even generation to an odd one. */
static void take_away(char *at, uint64_t len, unsigned int op)
{
	switch (op) {
	case 0:
		/* A hole, which nobody fills: see FAR. */
		munmap(at, len);
		map_anew(at, len);
		break;
	case 1:
		map_over(at, len);
		break;
	case 2:
		mprotect(at, len, PROT_NONE);
		madvise(at, len, MADV_DONTNEED);
		break;
	case 3:
		madvise(at, len, MADV_DONTNEED);
		break;
	default:
		move_away_and_back(at, len);
		madvise(at, len, MADV_DONTNEED);
		break;
	}
}

static void bring_back(unsigned int first, unsigned int nr)
{
	char *at = page_at(first);
	uint64_t *word;

	mprotect(at, nr * PAGE, PROT_READ | PROT_WRITE);
	for (unsigned int i = first; i < first + nr; i++) {
		word = (uint64_t *)(void *)page_at(i);
		store_release(word, word_of(i, load_relaxed(&s.to[i])));
	}
}

/*
 * A translation leads to the process's own address, so one that should be gone
 * shows only as such: none may stand, nor come, where there are no rights.
 */
static void check_gone(unsigned int first, unsigned int nr)
{
	uiommu_pa_t pa;

	for (unsigned int i = first; i < first + nr; i++)
		if (!uiommu_domain_iova_to_pa(s.domain, (uintptr_t)page_at(i),
					      &pa))
			turn(&s.left);
}

static void *owner(void *arg)
{
	unsigned int id = (unsigned int)(uintptr_t)arg, seed = id + 5;

	while (!load_acquire(&s.stop)) {
		unsigned int nr = 1 + (unsigned int)rand_r(&seed) % SLOT_PAGES;
		unsigned int slot = (unsigned int)rand_r(&seed) % SLOTS;
		unsigned int first = (id * SLOTS + slot) * SLOT_PAGES;
		unsigned int op = (unsigned int)rand_r(&seed) % 5;

		step_begin(first, nr);
		take_away(page_at(first), nr * PAGE, op);
		step_end(first, nr);
		for (unsigned int i = 0; op == 2 && i < 3; i++) {
			check_gone(first, nr);
			sched_yield();
		}
		step_begin(first, nr);
		bring_back(first, nr);
		step_end(first, nr);
		turn(&s.changes[id]);
		if (rand_r(&seed) % 4 == 0)
			usleep((unsigned int)rand_r(&seed) % 300);
	}
	return NULL;
}

/* -------------------------------------------------------------- devices - */

struct access {
	unsigned int page;
	bool write;
	uint64_t from, value;
};

static void start(struct sva_client *c, unsigned int slot, struct access *a,
		  unsigned int *seed, unsigned int device)
{
	a->page = (unsigned int)rand_r(seed) % PAGES;
	a->write = rand_r(seed) % 4 == 0;
	a->from = load_acquire(&s.from[a->page]);
	if (a->write) {
		a->value = (uint64_t)(unsigned int)rand_r(seed) << 8 | 1;
		testep_fill(&c->c, slot, a->value);
		sva_start(c, slot, TESTEP_WRITE,
			  page_at(a->page) + 64 * (device + 1) + 8 * slot, 8);
	} else {
		sva_start(c, slot, TESTEP_READ, page_at(a->page), 8);
	}
}

/* What was written stands there, if nothing has happened since. */
static void check_write(const struct access *a, unsigned int slot,
			unsigned int device)
{
	const char *at = page_at(a->page) + 64 * (device + 1) + 8 * slot;
	uint64_t seen = 0;
	int rc = uiommu_guard_copy(&seen, at, 8);

	fence_full();
	if (a->from % 2 || load_acquire(&s.to[a->page]) != a->from)
		return;
	if (rc || seen != a->value)
		turn(&s.lost);
	turn(&s.writes[device]);
}

static void check_read(struct sva_client *c, const struct access *a,
		       unsigned int slot, uint64_t to)
{
	uint64_t word = testep_word(&c->c, slot), gen = word & UINT32_MAX;
	bool odd = a->from != to || a->from % 2;

	if (!word && odd)
		return;
	if (word != word_of(a->page, gen) || gen % 2)
		turn(&s.foreign);
	else if (gen < a->from || gen > to)
		turn(&s.stale);
}

static void finish(struct sva_client *c, unsigned int slot,
		   const struct access *a, unsigned int device)
{
	unsigned int status = sva_end(c, slot);
	uint64_t to = load_acquire(&s.to[a->page]);

	if (status != TESTEP_OK) {
		/* There was a page all the time. */
		if (a->from == to && to % 2 == 0)
			turn(&s.aborted);
		turn(&s.faults[device]);
		return;
	}
	if (a->write)
		check_write(a, slot, device);
	else
		check_read(c, a, slot, to);
	turn(&s.hits[device]);
}

struct crew {
	void *(*work)(void *arg);
	void *arg;
	pthread_t thread;
};

struct job {
	struct sva_client client;
	unsigned int device;
};

static void *device(void *arg)
{
	struct job *job = arg;
	struct access a[AT_ONCE];
	unsigned int seed = job->device + 99;

	while (!load_acquire(&s.stop)) {
		unsigned int guest = (unsigned int)rand_r(&seed) % GUESTS;
		uint64_t at = load_acquire(&s.guest[guest]);

		for (unsigned int i = 0; i < AT_ONCE; i++)
			start(&job->client, i, &a[i], &seed, job->device);
		/* Whatever is there, or nothing. */
		if (at)
			sva_do(&job->client, AT_ONCE, TESTEP_READ,
			       (void *)(uintptr_t)at, 8);
		for (unsigned int i = 0; i < AT_ONCE; i++)
			finish(&job->client, i, &a[i], job->device);
	}
	return NULL;
}

/* ------------------------------------------------- what libc does itself - */

static void *heaps(void *arg)
{
	unsigned int seed = 3;
	char *block = NULL;

	while (!load_acquire(&s.stop)) {
		size_t size = (size_t)(1 + rand_r(&seed) % 200) * 20000;

		block = realloc(block, size);
		if (!block)
			die(__LINE__);
		memset(block, 1, size);
		store_release(&s.guest[rand_r(&seed) % (GUESTS / 2)],
			      (uintptr_t)block + size / 2);
		if (rand_r(&seed) % 3 == 0) {
			free(block);
			block = NULL;
		}
		if (rand_r(&seed) % 8 == 0)
			malloc_trim(0);
		turn(&s.heaps);
		usleep(100);
	}
	free(block);
	return NULL;
}

static void *short_life(void *arg)
{
	volatile char stack[20000];

	memset((void *)(uintptr_t)stack, 2, sizeof(stack));
	store_release(&s.guest[GUESTS / 2 + (uintptr_t)arg % (GUESTS / 2)],
		      (uintptr_t)stack);
	return malloc(100);
}

static void *stacks(void *arg)
{
	for (uintptr_t i = 0; !load_acquire(&s.stop); i++) {
		pthread_attr_t attr;
		pthread_t t;
		void *mem;

		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, (size_t)(1 + i % 4) << 18);
		if (pthread_create(&t, &attr, short_life, (void *)i))
			die(__LINE__);
		pthread_join(t, &mem);
		free(mem);
		pthread_attr_destroy(&attr);
		turn(&s.stacks);
		usleep(200);
	}
	return NULL;
}

static void *forks(void *arg)
{
	while (!load_acquire(&s.stop)) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			munmap(s.base, PAGES * PAGE);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			die(__LINE__);
		turn(&s.forks);
		usleep(5000);
	}
	return NULL;
}

static void on_signal(int nr)
{
	void *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(at, 2 * PAGE);
	turn(&s.signals);
}

/* ------------------------------------------------------------- together - */

static void prepare(void)
{
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART };

	memset(&s, 0, sizeof(s));
	s.base = mmap((void *)(uintptr_t)FAR, PAGES * PAGE,
		      PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(s.base, FAR);
	for (unsigned int i = 0; i < PAGES; i += SLOT_PAGES) {
		step_begin(i, SLOT_PAGES);
		step_end(i, SLOT_PAGES);
		step_begin(i, SLOT_PAGES);
		bring_back(i, SLOT_PAGES);
		step_end(i, SLOT_PAGES);
	}
	sigaction(SIGUSR1, &sa, NULL);
	guard_ok();
}

/* Signals strike the owners, whose changes they may come between. */
static void fight(struct crew *crew, unsigned int nr, unsigned int ms)
{
	const uint64_t *turns[] = {
		&s.hits[0],
		&s.hits[1],
		&s.faults[0],
		&s.faults[1],
		&s.writes[0],
		&s.writes[1],
		&s.changes[0],
		&s.changes[1],
		&s.changes[2],
		&s.heaps,
		&s.stacks,
		&s.forks,
		OWN_RUNTIME ? &s.ends : &s.signals,
	};
	const unsigned int nr_turns = sizeof(turns) / sizeof(turns[0]);

	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(pthread_create(&crew[i].thread, NULL,
						crew[i].work, crew[i].arg),
				 0);
	for (unsigned int round = 0; round < ms / 10; round++) {
		let_fight(10, NULL, 0);
		for (unsigned int i = 0; i < OWNERS && !OWN_RUNTIME; i++)
			pthread_kill(crew[i].thread, SIGUSR1);
	}
	assert_true(let_fight(0, turns, nr_turns));
	store_release(&s.stop, 1u);
	for (unsigned int i = 0; i < nr; i++)
		pthread_join(crew[i].thread, NULL);
}

static void sva_under_fire(void **state)
{
	struct uiommu_machine *machine = machine_ok("testep,testep:stall");
	static struct job job[DEVICES];
	struct crew crew[] = {
		{ owner, (void *)0 }, { owner, (void *)1 },
		{ owner, (void *)2 }, { device, &job[0] },
		{ device, &job[1] },  { heaps, NULL },
		{ stacks, NULL },     { forks, NULL },
	};
	const unsigned int nr = sizeof(crew) / sizeof(crew[0]);

	const struct uiommu_sva_mm *mm = slow_mm();

	prepare();
	for (unsigned int i = 0; i < DEVICES; i++) {
		job[i].device = i;
		sva_open_mm_ok(&job[i].client, machine, i, mm);
	}
	s.domain = uiommu_device_pasid_domain(
		job[0].client.dev, uiommu_sva_pasid(job[0].client.sva));
	fight(crew, nr, stress_ms(2000));
	for (unsigned int i = 0; i < DEVICES; i++)
		uiommu_sva_unbind(job[i].client.sva);
	print_message("# %llu changes, %llu + %llu accesses, %llu + %llu "
		      "faults\n",
		      (unsigned long long)(s.changes[0] + s.changes[1] +
					   s.changes[2]),
		      (unsigned long long)s.hits[0],
		      (unsigned long long)s.hits[1],
		      (unsigned long long)s.faults[0],
		      (unsigned long long)s.faults[1]);
	assert_int_equal(s.foreign, 0);
	assert_int_equal(s.stale, 0);
	assert_int_equal(s.lost, 0);
	assert_int_equal(s.aborted, 0);
	assert_int_equal(s.left, 0);
	for (unsigned int i = 0; i < DEVICES; i++)
		client_close(&job[i].client.c);
	pages_free(s.base, PAGES * PAGE);
	uiommu_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sva_under_fire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
