/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way in which a program's address space changes is told to subscribers
 * before the kernel hears of it: in begin the old memory is still there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

#define unseen __attribute__((no_sanitize("address", "thread", "undefined")))

/* ------------------------------------------------------ a recording one -- */

/* What happened to one range that a test watches. */
struct watch {
	struct uiommu_mm_notifier n;
	uint64_t first, last;
	uint64_t look; /* a word to read in begin; 0: none */
	uint32_t begun, ended;
	uint32_t alive;	  /* begins in which the word was still MARK */
	uint32_t reasons; /* bits */
	uint64_t told_first, told_last; /* of the last begin */
};

static unseen bool touches(const struct watch *w, uint64_t first, uint64_t last)
{
	return first <= w->last && last >= w->first;
}

static unseen void watch_begin(struct uiommu_mm_notifier *n, uint64_t first,
			       uint64_t last, unsigned int reason)
{
	struct watch *w = (struct watch *)n;

	if (!touches(w, first, last))
		return;
	if (w->look && *(volatile uint64_t *)(uintptr_t)w->look == MARK)
		fetch_add_relaxed(&w->alive, 1);
	w->told_first = first;
	w->told_last = last;
	fetch_or_acq_rel(&w->reasons, 1u << reason);
	fetch_add_relaxed(&w->begun, 1);
}

static unseen void watch_end(struct uiommu_mm_notifier *n, uint64_t first,
			     uint64_t last, unsigned int reason)
{
	struct watch *w = (struct watch *)n;

	if (touches(w, first, last))
		fetch_add_relaxed(&w->ended, 1);
}

static const struct uiommu_sva_mm *mm;

static void watch(struct watch *w, const void *at, size_t len, bool look)
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
static void unwatch(struct watch *w, unsigned int times,
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

static void *fresh(size_t pages)
{
	uint64_t *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	for (size_t i = 0; i < pages; i++)
		at[i * PAGE / 8] = MARK;
	return at;
}

static int setup(void **state)
{
	mm = uiommu_process_mm();
	return mm ? 0 : -1;
}

/* -------------------------------------------------------- calls by name -- */

static void munmap_is_told(void **state)
{
	char *at = fresh(3);
	struct watch w;

	watch(&w, at + PAGE, PAGE, true);
	assert_int_equal(munmap(at + PAGE, PAGE), 0);
	assert_int_equal(w.told_first, (uintptr_t)at + PAGE);
	assert_int_equal(w.told_last, (uintptr_t)at + 2 * PAGE - 1);
	assert_int_equal(munmap(at, PAGE), 0);
	assert_int_equal(munmap(at + 2 * PAGE, 1), 0);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);
}

static void refused_calls_change_nothing(void **state)
{
	char *at = fresh(1);
	struct watch w;

	watch(&w, at, PAGE, true);
	assert_int_equal(munmap(at + 1, PAGE), -1);
	assert_int_equal(errno, EINVAL);
#if !SANITIZED
	/* Their runtimes do not survive it. */
	assert_int_equal(munmap(at, (size_t)-1), -1);
	assert_int_equal(errno, EINVAL);
#endif
	assert_int_equal(mprotect(at + 8, PAGE, PROT_READ), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(madvise(at, PAGE, 12345), -1);
	assert_int_equal(errno, EINVAL);
	assert_ptr_equal(mremap(at, PAGE, 0, MREMAP_MAYMOVE), MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	assert_ptr_equal(mmap(at, PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			      -1, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EEXIST);
	assert_true(*(uint64_t *)(void *)at == MARK);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	/* munmap of too much may have been told; then it was ended as well. */
	assert_int_equal(w.begun, w.ended);
	munmap(at, PAGE);
}

static void mprotect_is_told(void **state)
{
	char *at = fresh(2);
	struct watch w;

	watch(&w, at, 2 * PAGE, true);
	assert_int_equal(mprotect(at, PAGE, PROT_READ), 0);
	assert_int_equal(pkey_mprotect(at, PAGE, PROT_READ | PROT_WRITE, -1),
			 0);
	unwatch(&w, 2, UIOMMU_MM_PROTECT);
	munmap(at, 2 * PAGE);
}

static void discards_are_told(void **state)
{
	static const int advice[] = { MADV_DONTNEED, MADV_FREE, MADV_REMOVE };

	for (unsigned int i = 0; i < 3; i++) {
		int flags = advice[i] == MADV_REMOVE ? MAP_SHARED : MAP_PRIVATE;
		uint64_t *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				    flags | MAP_ANONYMOUS, -1, 0);
		struct watch w;

		assert_ptr_not_equal(at, MAP_FAILED);
		*at = MARK;
		watch(&w, at, PAGE, true);
		assert_int_equal(madvise(at, PAGE, MADV_NORMAL), 0);
		assert_int_equal(w.begun, 0);
		assert_int_equal(madvise(at, PAGE, advice[i]), 0);
		unwatch(&w, 1, UIOMMU_MM_DISCARD);
		if (advice[i] != MADV_FREE)
			assert_true(*at == 0);
		munmap(at, PAGE);
	}
}

static void mmap_over_is_told(void **state)
{
	uint64_t *at = fresh(1);
	struct watch w;

	watch(&w, at, PAGE, true);
	assert_ptr_equal(mmap(at, PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 at);
	unwatch(&w, 1, UIOMMU_MM_REPLACE);
	assert_true(*at == 0);
	munmap(at, PAGE);
}

static void mremap_is_told(void **state)
{
	char *at = fresh(4), *to = fresh(4), *new;
	struct watch w, over;

	watch(&w, at + 3 * PAGE, PAGE, true);
	assert_ptr_equal(mremap(at, 4 * PAGE, 3 * PAGE, 0), at);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);

	watch(&w, at, 3 * PAGE, true);
	watch(&over, to, 3 * PAGE, true);
	assert_ptr_equal(mremap(at, 3 * PAGE, 3 * PAGE,
				MREMAP_MAYMOVE | MREMAP_FIXED, to),
			 to);
	unwatch(&over, 1, UIOMMU_MM_REPLACE);
	unwatch(&w, 1, UIOMMU_MM_MOVE);

	watch(&w, to, 3 * PAGE, true);
	new = mremap(to, 3 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	assert_ptr_not_equal(new, MAP_FAILED);
	unwatch(&w, 1, UIOMMU_MM_MOVE);
	munmap(new, 64 * PAGE);
	munmap(to + 3 * PAGE, PAGE);
}

static void brk_is_told(void **state)
{
	char *old = sbrk(0),
	     *at = (char *)(((uintptr_t)old + PAGE - 1) & ~(PAGE - 1));
	struct watch w;

	assert_int_equal(brk(at + 4 * PAGE), 0);
	*(uint64_t *)(void *)(at + PAGE) = MARK;
	watch(&w, at + PAGE, 3 * PAGE, true);
	assert_ptr_equal(sbrk(-(intptr_t)(2 * PAGE)), at + 4 * PAGE);
	assert_int_equal(w.told_first, (uintptr_t)at + 2 * PAGE);
	assert_int_equal(brk(at + PAGE), 0);
	unwatch(&w, 2, UIOMMU_MM_UNMAP);
	assert_int_equal(brk(old), 0);
}

static void shared_segments_are_told(void **state)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600);
	uint64_t *at, *over = fresh(2);
	struct watch w;

	if (id < 0)
		skip();
	at = shmat(id, NULL, 0);
	assert_ptr_not_equal(at, (void *)-1);
	*at = MARK;
	watch(&w, at, 2 * PAGE, true);
	assert_int_equal(shmdt(at), 0);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);

	watch(&w, over, 2 * PAGE, true);
	assert_ptr_equal(shmat(id, over, SHM_REMAP), over);
	unwatch(&w, 1, UIOMMU_MM_REPLACE);
	assert_true(*over == MARK);
	assert_int_equal(shmdt(over), 0);
	shmctl(id, IPC_RMID, NULL);
}

/* The number is libc's to find out at run time. */
static void calls_by_number_are_told(void **state)
{
	uint64_t *at = fresh(2);
	struct watch w;

	watch(&w, at, PAGE, true);
	assert_int_equal(syscall(SYS_mprotect, at, PAGE, PROT_READ), 0);
	assert_int_equal(w.begun, 1);
	assert_int_equal(syscall(SYS_getppid), getppid());
	assert_int_equal(syscall(SYS_munmap, at + 1, PAGE), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(syscall(SYS_munmap, at, 2 * PAGE), 0);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	assert_int_equal(w.begun, 2);
	assert_int_equal(w.ended, 2);
	assert_int_equal(w.alive, 2);
}

/* ------------------------------------------------- what libc does inside - */

static void large_blocks_are_told(void **state)
{
	uint64_t *block, *moved, *page;
	struct watch w;

	/* Allocators of sanitizers keep what is freed. */
	if (SANITIZED)
		skip();
	block = malloc(8 << 20);
	/* The word that is looked at lies in the first whole page. */
	page = (uint64_t *)(((uintptr_t)block + PAGE - 1) & ~(PAGE - 1));
	*page = MARK;
	watch(&w, page, PAGE, true);
	moved = realloc(block, 64 << 20);
	assert_non_null(moved);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	if (moved != block) {
		assert_int_equal(w.begun, 1);
		assert_int_equal(w.alive, 1);
		assert_int_equal(w.ended, 1);
	}
	page = (uint64_t *)(((uintptr_t)moved + PAGE - 1) & ~(PAGE - 1));
	*page = MARK;
	watch(&w, page, PAGE, true);
	free(moved);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	assert_true(w.begun >= 1);
	assert_int_equal(w.alive, w.begun);
	assert_int_equal(w.ended, w.begun);
}

static uint64_t *stack_word;

static void *on_stack(void *arg)
{
	uint64_t word = MARK;

	stack_word = &word;
	/* Far below: what a thread gives back when it ends. */
	((volatile char *)__builtin_alloca(256 * 1024))[0] = 1;
	stack_word = arg;
	return NULL;
}

static void thread_stacks_are_told(void **state)
{
	pthread_t threads[8];
	pthread_attr_t attr;
	struct watch w;

	/* More than libc keeps for new threads. */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16 << 20);
	memset(&w, 0, sizeof(w));
	w.n.begin = watch_begin;
	w.n.end = watch_end;
	w.last = UINT64_MAX;
	assert_int_equal(mm->subscribe(mm->ctx, &w.n), 0);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(
			pthread_create(&threads[i], &attr, on_stack, NULL), 0);
	for (unsigned int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	pthread_attr_destroy(&attr);
	assert_true(w.reasons & 1u << UIOMMU_MM_DISCARD);
	assert_true(w.reasons & 1u << UIOMMU_MM_UNMAP);
	assert_true(w.reasons & 1u << UIOMMU_MM_PROTECT);
	assert_int_equal(w.begun, w.ended);
}

/* A library is mapped, changed and unmapped by the dynamic linker. */
static void libraries_are_told(void **state)
{
	struct watch w;
	void *lib;

	memset(&w, 0, sizeof(w));
	w.n.begin = watch_begin;
	w.n.end = watch_end;
	w.last = UINT64_MAX;
	assert_int_equal(mm->subscribe(mm->ctx, &w.n), 0);
	lib = dlopen("libfdt.so.1", RTLD_NOW | RTLD_LOCAL);
	if (lib) {
		uint64_t at = (uintptr_t)dlsym(lib, "fdt_next_node");

		assert_true(w.reasons & 1u << UIOMMU_MM_REPLACE);
		assert_true(w.reasons & 1u << UIOMMU_MM_PROTECT);
		w.first = at;
		w.last = at + 1;
		w.reasons = 0;
		dlclose(lib);
		assert_int_equal(w.reasons, 1u << UIOMMU_MM_UNMAP);
	}
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	assert_int_equal(w.begun, w.ended);
	if (!lib)
		skip();
}

/* --------------------------------------------------------- other callers - */

/* As a program does that has its own system calls. */
static __attribute__((noinline)) long own_munmap(void *at, size_t len)
{
	long rc;

	__asm__ volatile("syscall"
			 : "=a"(rc)
			 : "0"(SYS_munmap), "D"(at), "S"(len)
			 : "rcx", "r11", "memory");
	return rc;
}

static void own_system_calls_are_told(void **state)
{
	char *at = fresh(1);
	struct watch w;

	watch(&w, at, PAGE, true);
	assert_int_equal(own_munmap(at, PAGE), 0);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);
}

/*
 * All registers but the result come back from a call that was told; the
 * red zone too, so the test is a leaf that uses it.
 */
static __attribute__((noinline)) uint64_t registers_after(void *at, size_t len)
{
	uint64_t bad;

	__asm__ volatile("mov $0x1234567, %%r15\n"
			 "movq %%r15, %%xmm7\n"
			 "movq %%r15, %%xmm15\n"
			 "mov %%r15, -128(%%rsp)\n"
			 "mov %%r15, -8(%%rsp)\n"
			 "mov %%r15, %%r8\n"
			 "mov %%r15, %%r9\n"
			 "mov %%r15, %%r10\n"
			 "mov %%r15, %%r12\n"
			 "mov %%r15, %%rdx\n"
			 "mov %%rsp, %%r13\n"
			 "mov $11, %%eax\n"
			 "syscall\n"
			 "sub %%rsp, %%r13\n"
			 "xor %%r15, %%rdx\n"
			 "or %%r13, %%rdx\n"
			 "xor %%r15, %%r8\n"
			 "or %%r8, %%rdx\n"
			 "xor %%r15, %%r9\n"
			 "or %%r9, %%rdx\n"
			 "xor %%r15, %%r10\n"
			 "or %%r10, %%rdx\n"
			 "xor %%r15, %%r12\n"
			 "or %%r12, %%rdx\n"
			 "mov -128(%%rsp), %%r8\n"
			 "xor %%r15, %%r8\n"
			 "or %%r8, %%rdx\n"
			 "mov -8(%%rsp), %%r8\n"
			 "xor %%r15, %%r8\n"
			 "or %%r8, %%rdx\n"
			 "movq %%xmm7, %%r8\n"
			 "xor %%r15, %%r8\n"
			 "or %%r8, %%rdx\n"
			 "movq %%xmm15, %%r8\n"
			 "xor %%r15, %%r8\n"
			 "or %%r8, %%rdx\n"
			 "or %%rax, %%rdx\n"
			 : "=d"(bad)
			 : "D"(at), "S"(len)
			 : "rax", "rcx", "r8", "r9", "r10", "r11", "r12", "r13",
			   "r15", "xmm7", "xmm15", "memory", "cc");
	return bad;
}

/* Uses every register it may, and changes errno. */
static unseen void spoil(struct uiommu_mm_notifier *n, uint64_t first,
			 uint64_t last, unsigned int reason)
{
	errno = EDOM;
	__asm__ volatile("pxor %%xmm7, %%xmm7\n"
			 "pxor %%xmm15, %%xmm15\n"
			 "xor %%r8d, %%r8d\n"
			 "xor %%r9d, %%r9d\n"
			 "xor %%r10d, %%r10d\n"
			 "xor %%edx, %%edx\n"
			 :
			 :
			 : "xmm7", "xmm15", "r8", "r9", "r10", "rdx");
}

static void registers_and_errno_are_kept(void **state)
{
	struct uiommu_mm_notifier n = { spoil, spoil };
	char *at = fresh(2);

	assert_int_equal(mm->subscribe(mm->ctx, &n), 0);
	assert_int_equal(registers_after(at, PAGE), 0);
	errno = EXDEV;
	assert_int_equal(munmap(at + PAGE, PAGE), 0);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(mm->unsubscribe(mm->ctx, &n), 0);
}

/* ----------------------------------------------------------- subscribers - */

struct order {
	struct uiommu_mm_notifier n;
	char name;
	uint64_t first;
	char *log;
};

static unseen void order_begin(struct uiommu_mm_notifier *n, uint64_t first,
			       uint64_t last, unsigned int reason)
{
	struct order *o = (struct order *)n;

	if (first == o->first)
		*strchr(o->log, ' ') = o->name;
}

static unseen void order_end(struct uiommu_mm_notifier *n, uint64_t first,
			     uint64_t last, unsigned int reason)
{
	struct order *o = (struct order *)n;

	if (first == o->first)
		*strchr(o->log, ' ') = (char)(o->name - 'a' + 'A');
}

static void subscribers_nest(void **state)
{
	char log[] = "      ", *at = fresh(1);
	struct order o[3];

	for (unsigned int i = 0; i < 3; i++) {
		o[i] = (struct order){ .n = { order_begin, order_end },
				       .name = (char)('a' + i),
				       .first = (uintptr_t)at,
				       .log = log };
		assert_int_equal(mm->subscribe(mm->ctx, &o[i].n), 0);
		assert_int_equal(mm->subscribe(mm->ctx, &o[i].n), -EEXIST);
	}
	assert_int_equal(mm->unsubscribe(mm->ctx, &o[1].n), 0);
	assert_int_equal(mm->unsubscribe(mm->ctx, &o[1].n), -ENOENT);
	assert_int_equal(munmap(at, PAGE), 0);
	assert_string_equal(log, "acCA  ");
	assert_int_equal(mm->unsubscribe(mm->ctx, &o[0].n), 0);
	assert_int_equal(mm->unsubscribe(mm->ctx, &o[2].n), 0);
	assert_int_equal(mm->unsubscribe(mm->ctx, &o[2].n), -ENOENT);
}

static void too_many_are_refused(void **state)
{
	static struct uiommu_mm_notifier n[1000];
	unsigned int nr = 0;
	int rc;

	do {
		n[nr] = (struct uiommu_mm_notifier){ spoil, spoil };
		rc = mm->subscribe(mm->ctx, &n[nr]);
	} while (!rc && ++nr < 1000);
	assert_int_equal(rc, -ENOSPC);
	assert_true(nr >= 64);
	while (nr--)
		assert_int_equal(mm->unsubscribe(mm->ctx, &n[nr]), 0);
}

/* What a callback does itself is told to nobody, and does not hang. */
struct busy {
	struct uiommu_mm_notifier n;
	uint64_t first;
	void *mine;
	unsigned int begun;
	int rc[3];
};

static unseen void busy_begin(struct uiommu_mm_notifier *n, uint64_t first,
			      uint64_t last, unsigned int reason)
{
	struct busy *b = (struct busy *)n;

	b->begun++;
	if (first != b->first)
		return;
	b->rc[0] = munmap(b->mine, PAGE);
	b->rc[1] = mm->subscribe(mm->ctx, n);
	b->rc[2] = mm->unsubscribe(mm->ctx, n);
}

static void callbacks_are_not_told(void **state)
{
	struct uiommu_process_mm_info before, after;
	char *at = fresh(1);
	struct busy b = { .n = { busy_begin, spoil },
			  .first = (uintptr_t)at,
			  .mine = fresh(1) };

	uiommu_process_mm_info(&before);
	assert_int_equal(mm->subscribe(mm->ctx, &b.n), 0);
	assert_int_equal(munmap(at, PAGE), 0);
	assert_int_equal(mm->unsubscribe(mm->ctx, &b.n), 0);
	assert_int_equal(b.begun, 1);
	assert_int_equal(b.rc[0], 0);
	assert_int_equal(b.rc[1], -EDEADLK);
	assert_int_equal(b.rc[2], -EDEADLK);
	uiommu_process_mm_info(&after);
	assert_int_equal(after.nested, before.nested + 1);
	assert_int_equal(after.told, before.told + 1);
	assert_true(after.sites > 10);
	assert_int_equal(after.missed, 0);
}

/* ---------------------------------------------------------------- signals */

static struct {
	struct watch w;
	void *in_handler;
	volatile sig_atomic_t handled;
	volatile sig_atomic_t inside; /* the handler ran within a callback */
	volatile sig_atomic_t in_callback;
} sig;

static unseen void signal_begin(struct uiommu_mm_notifier *n, uint64_t first,
				uint64_t last, unsigned int reason)
{
	sig.in_callback = 1;
	if (!sig.handled)
		raise(SIGUSR1);
	watch_begin(n, first, last, reason);
	sig.in_callback = 0;
}

static void on_signal(int nr)
{
	sig.inside |= sig.in_callback;
	sig.handled++;
	if (sig.in_handler)
		munmap(sig.in_handler, PAGE);
}

/* A handler does not run within callbacks; what it does is told. */
static void handlers_wait_and_are_told(void **state)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;
	char *at = fresh(1);

	sig.in_handler = fresh(1);
	sigaction(SIGUSR1, &sa, &old);
	watch(&sig.w, sig.in_handler, PAGE, true);
	assert_int_equal(mm->unsubscribe(mm->ctx, &sig.w.n), 0);
	sig.w.n.begin = signal_begin;
	assert_int_equal(mm->subscribe(mm->ctx, &sig.w.n), 0);
	assert_int_equal(munmap(at, PAGE), 0);
	assert_int_equal(sig.handled, 1);
	sig.in_handler = NULL;
	assert_int_equal(sig.inside, 0);
	unwatch(&sig.w, 1, UIOMMU_MM_UNMAP);
	sigaction(SIGUSR1, &old, NULL);
}

static void hold_keeps_handlers_out(void **state)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;
	uint64_t outer, inner;

	sig.handled = 0;
	sigaction(SIGUSR1, &sa, &old);
	outer = mm->hold(mm->ctx);
	inner = mm->hold(mm->ctx);
	raise(SIGUSR1);
	mm->release(mm->ctx, inner);
	assert_int_equal(sig.handled, 0);
	mm->release(mm->ctx, outer);
	usleep(1); /* where ThreadSanitizer calls handlers */
	assert_int_equal(sig.handled, 1);
	sigaction(SIGUSR1, &old, NULL);
}

/* --------------------------------------------------------------- children */

/* Nothing is subscribed in a child; it may subscribe by itself. */
static int child_of_fork(struct watch *w)
{
	char *at = fresh(1);

	if (munmap(at, PAGE) || w->begun)
		return 1;
	if (mm->unsubscribe(mm->ctx, &w->n) != -ENOENT)
		return 2;
	at = fresh(1);
	watch(w, at, PAGE, true);
	if (munmap(at, PAGE) || w->begun != 1 || w->alive != 1 || w->ended != 1)
		return 3;
	return mm->unsubscribe(mm->ctx, &w->n) ? 4 : 0;
}

static void forked_children_start_anew(void **state)
{
	char *at = fresh(1);
	struct watch w;
	int status;
	pid_t pid;

	watch(&w, at, PAGE, true);
	w.last = UINT64_MAX;
	w.first = 0;
	pid = fork();
	if (!pid)
		_exit(child_of_fork(&w));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	w.begun = w.ended = w.alive = w.reasons = 0;
	assert_int_equal(munmap(at, PAGE), 0);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);
}

static void programs_can_be_started(void **state)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };
	struct watch w;
	int status;
	pid_t pid;

	watch(&w, &w, 1, false);
	assert_int_equal(posix_spawnp(&pid, "true", NULL, NULL, argv, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	pid = vfork();
	if (!pid) {
		execvp("true", argv);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	unwatch(&w, 0, 0);
}

/* --------------------------------------------------------------- populate */

static unsigned char resident(void *at)
{
	unsigned char vec = 0;

	mincore(at, PAGE, &vec);
	return vec & 1;
}

static void populate_makes_present(void **state)
{
	char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(
		mm->populate(mm->ctx, (uintptr_t)at + PAGE + 5, PAGE, true), 0);
	assert_false(resident(at));
	assert_true(resident(at + PAGE));
	assert_true(resident(at + 2 * PAGE));
	assert_false(resident(at + 3 * PAGE));
	assert_int_equal(mm->populate(mm->ctx, (uintptr_t)at, 0, true), 0);
	assert_false(resident(at));
	munmap(at, 4 * PAGE);
}

static void populate_refuses(void **state)
{
	const uint64_t end = UINT64_C(1) << mm->va_bits;
	char *at = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	uint64_t va = (uintptr_t)at;
	char name[] = "/tmp/uiommu-mm-XXXXXX", *file;
	int fd = mkstemp(name);

	assert_int_equal(mm->populate(mm->ctx, va, 4 * PAGE, false), 0);
	assert_int_equal(mm->populate(mm->ctx, va, PAGE, true), -EFAULT);
	assert_int_equal(mprotect(at + PAGE, PAGE, PROT_NONE), 0);
	assert_int_equal(munmap(at + 3 * PAGE, PAGE), 0);
	assert_int_equal(mm->populate(mm->ctx, va, PAGE, false), 0);
	assert_int_equal(mm->populate(mm->ctx, va, 2 * PAGE, false), -EFAULT);
	assert_int_equal(mm->populate(mm->ctx, va + PAGE, 1, true), -EFAULT);
	assert_int_equal(mm->populate(mm->ctx, va + 2 * PAGE, PAGE + 1, false),
			 -EFAULT);
	assert_int_equal(mm->populate(mm->ctx, 0, PAGE, false), -EFAULT);
	assert_int_equal(mm->populate(mm->ctx, end - 1, 2, false), -EFAULT);
	assert_int_equal(mm->populate(mm->ctx, end, 1, false), -EFAULT);
	assert_int_equal(mm->populate(mm->ctx, UINT64_MAX, 1, false), -EFAULT);
	assert_int_equal(mm->populate(mm->ctx, PAGE, UINT64_MAX, false),
			 -EFAULT);
	munmap(at, 3 * PAGE);

	/* Beyond the end of its file: an access would be a SIGBUS. */
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
	file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_int_equal(mm->populate(mm->ctx, (uintptr_t)file, PAGE, true), 0);
	assert_int_equal(mm->populate(mm->ctx, (uintptr_t)file + PAGE, PAGE,
				      false),
			 -EFAULT);
	munmap(file, 2 * PAGE);
	close(fd);
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(munmap_is_told),
		cmocka_unit_test(refused_calls_change_nothing),
		cmocka_unit_test(mprotect_is_told),
		cmocka_unit_test(discards_are_told),
		cmocka_unit_test(mmap_over_is_told),
		cmocka_unit_test(mremap_is_told),
		cmocka_unit_test(brk_is_told),
		cmocka_unit_test(shared_segments_are_told),
		cmocka_unit_test(calls_by_number_are_told),
		cmocka_unit_test(large_blocks_are_told),
		cmocka_unit_test(thread_stacks_are_told),
		cmocka_unit_test(libraries_are_told),
		cmocka_unit_test(own_system_calls_are_told),
		cmocka_unit_test(registers_and_errno_are_kept),
		cmocka_unit_test(subscribers_nest),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(callbacks_are_not_told),
		cmocka_unit_test(handlers_wait_and_are_told),
		cmocka_unit_test(hold_keeps_handlers_out),
		cmocka_unit_test(forked_children_start_anew),
		cmocka_unit_test(programs_can_be_started),
		cmocka_unit_test(populate_makes_present),
		cmocka_unit_test(populate_refuses),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
