/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subscribers, and the surroundings in which they are told: other callers than
 * libc, registers, signals, children; and populate.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mmhook_watch.h"

/* ------------------------------------------------------- the first of all - */

/* As where no new code may be made: mprotect and mmap to PROT_EXEC fail. */
static int forbid_code(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int child_without_code(void)
{
	struct uiommu_process_mm_info info;
	struct watch w = { .n = { watch_begin, watch_end },
			   .last = UINT64_MAX };
	char *at = fresh(1);

	if (forbid_code())
		return 77;
	if (mm->subscribe(mm->ctx, &w.n) != -EACCES ||
	    mm->unsubscribe(mm->ctx, &w.n) != -ENOENT)
		return 1;
	uiommu_process_mm_info(&info);
	if (info.sites || !info.missed || !info.missed_where[0] || info.told)
		return 2;
	return munmap(at, PAGE) || w.begun;
}

static void systems_may_refuse(void **state)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(child_without_code());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status == 77 << 8)
		NOT_HERE("no seccomp");
	assert_int_equal(status, 0);
}

static void nothing_is_known_before(void **state)
{
	struct uiommu_mm_notifier n = { watch_begin, watch_end };
	struct uiommu_process_mm_info info;

	uiommu_process_mm_info(&info);
	assert_int_equal(info.sites + info.missed + info.objects, 0);
	assert_int_equal(mm->unsubscribe(mm->ctx, &n), -ENOENT);
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

/*
 * A thread that takes its own stack away and ends, as some libraries do: it
 * cannot come back, so it is told before.
 */
static void *leave_without_stack(void *arg)
{
	__asm__ volatile("mov $11, %%eax\n"
			 "syscall\n"
			 "xor %%edi, %%edi\n"
			 "mov $60, %%eax\n"
			 "syscall\n"
			 :
			 : "D"(arg), "S"(64 * PAGE)
			 : "rax", "rcx", "r11", "memory");
	return NULL;
}

static int run_on_stack(void *stack)
{
	leave_without_stack(stack);
	return 0;
}

static void own_stack_is_told(void **state)
{
	char *stack = fresh(64);
	struct watch w;
	pid_t tid = 1;

	if (SANITIZED)
		NOT_HERE("not under sanitizers");
	watch(&w, stack, PAGE, true);
	assert_true(clone(run_on_stack, stack + 64 * PAGE,
			  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
				  CLONE_THREAD | CLONE_SYSVSEM |
				  CLONE_CHILD_CLEARTID,
			  stack, NULL, NULL, &tid) > 0);
	for (unsigned int i = 0; i < 10000 && load_acquire(&tid); i++)
		usleep(1000);
	assert_int_equal(tid, 0);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);
	assert_int_equal(msync(stack, PAGE, MS_ASYNC), -1);
	assert_int_equal(errno, ENOMEM);
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
	/* ThreadSanitizer forbids new threads in children. */
	if (SANITIZED)
		uiommu_process_mm_forgo_net();
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

/* ---------------------------------------------------------- the net below */

typedef long (*raw_fn)(long a, long b, long c, long d, long e);

/* Code made at run time has system calls that nobody finds. */
static raw_fn unfound(unsigned char nr)
{
	const unsigned char code[] = { 0xb8, nr,   0,	 0, 0, /* mov, %eax */
				       0x49, 0x89, 0xca,       /* %rcx, %r10 */
				       0x0f, 0x05, 0xc3 };
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(at, code, sizeof(code));
	mprotect(at, PAGE, PROT_READ | PROT_EXEC);
	return (raw_fn)(uintptr_t)at;
}

/*
 * Told late, so perhaps only after the call; and perhaps of more than one
 * thing: what moves is unmapped as well.
 */
static void expect_late(struct watch *w, enum uiommu_mm_reason reason)
{
	for (unsigned int i = 0;
	     i < 10000 && !(load_acquire(&w->reasons) & 1u << reason); i++)
		usleep(1000);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w->n), 0);
	assert_true(w->reasons & 1u << reason);
	assert_true(w->begun >= 1);
	assert_int_equal(w->ended, w->begun);
	assert_int_equal(w->late, w->begun);
}

static bool has_net(void)
{
	struct uiommu_process_mm_info info;

	uiommu_process_mm_info(&info);
	return info.net;
}

static void the_net_catches_the_rest(void **state)
{
	raw_fn raw_munmap = unfound(SYS_munmap), raw_madvise = unfound(28),
	       raw_mremap = unfound(25);
	char *at = fresh(4), *to = fresh(4);
	struct watch w;

	if (!has_net())
		NOT_HERE("no userfaultfd");
	watch(&w, at, 4 * PAGE, false);
	assert_int_equal(mm->populate(mm->ctx, (uintptr_t)at, PAGE, true), 0);
	assert_int_equal(
		raw_madvise((long)at + PAGE, PAGE, MADV_DONTNEED, 0, 0), 0);
	expect_late(&w, UIOMMU_MM_DISCARD);

	watch(&w, at, 4 * PAGE, false);
	assert_int_equal(raw_mremap((long)at, 4 * PAGE, 4 * PAGE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, (long)to),
			 (long)to);
	expect_late(&w, UIOMMU_MM_MOVE);

	/* It is still in, where it is now. */
	watch(&w, to, 4 * PAGE, false);
	assert_int_equal(raw_munmap((long)to, PAGE, 0, 0, 0), 0);
	expect_late(&w, UIOMMU_MM_UNMAP);
	munmap(to + PAGE, 3 * PAGE);
}

/* What comes to us is told once, and in time. */
static void the_net_is_left_in_time(void **state)
{
	struct uiommu_process_mm_info before, after;
	char *at = fresh(4);
	struct watch w;

	watch(&w, at, 4 * PAGE, true);
	uiommu_process_mm_info(&before);
	assert_int_equal(mm->populate(mm->ctx, (uintptr_t)at, 4 * PAGE, true),
			 0);
	assert_int_equal(munmap(at + PAGE, PAGE), 0);
	assert_int_equal(munmap(at + 3 * PAGE, PAGE), 0);
	assert_int_equal(munmap(at, 3 * PAGE), 0);
	uiommu_process_mm_info(&after);
	assert_int_equal(after.late, before.late);
	assert_int_equal(w.late, 0);
	w.look = 0;
	unwatch(&w, 3, UIOMMU_MM_UNMAP);
}

/* A child has no thread that reads; it must not wait for one. */
static void children_are_not_caught(void **state)
{
	raw_fn raw_munmap = unfound(SYS_munmap);
	char *at = fresh(2);
	struct watch w;
	int status;
	pid_t pid;

	watch(&w, at, 2 * PAGE, false);
	assert_int_equal(mm->populate(mm->ctx, (uintptr_t)at, PAGE, true), 0);
	pid = fork();
	if (!pid)
		_exit(raw_munmap((long)at, PAGE, 0, 0, 0) || w.begun);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(munmap(at, 2 * PAGE), 0);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_before),
		cmocka_unit_test(systems_may_refuse),
		cmocka_unit_test(own_system_calls_are_told),
		cmocka_unit_test(registers_and_errno_are_kept),
		cmocka_unit_test(own_stack_is_told),
		cmocka_unit_test(subscribers_nest),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(callbacks_are_not_told),
		cmocka_unit_test(handlers_wait_and_are_told),
		cmocka_unit_test(hold_keeps_handlers_out),
		cmocka_unit_test(forked_children_start_anew),
		cmocka_unit_test(programs_can_be_started),
		cmocka_unit_test(populate_makes_present),
		cmocka_unit_test(populate_refuses),
		cmocka_unit_test(the_net_catches_the_rest),
		cmocka_unit_test(the_net_is_left_in_time),
		cmocka_unit_test(children_are_not_caught),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
