/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGSEGV and SIGBUS: ours first, the program's behind it.
 *
 * From the moment the machine is built the kernel knows our handler for these
 * two signals; what the program installs is kept in client_action and called
 * as the kernel would, with its mask and on the stack it asked for, for every
 * fault that is neither a guarded copy of ours nor an access to a BAR.
 *
 * Neither signal may ever be blocked: a fault while its signal is blocked
 * kills the process, and a BAR may be touched anywhere.  They are taken out of
 * every mask that the program sets, from the start.
 *
 * A BAR access is done on the interrupted stack, even when the program has an
 * alternate one: those are made for reporting a crash and can be small.
 */
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "../trap/trap.h"
#include "preload.h"

#define SAME_AS(name) launch_public __attribute__((alias(name)))

/* This thread is in the program's handler, which does not expect another. */
static launch_tls bool in_handler[2];

static unsigned int kind(int sig)
{
	return sig == SIGBUS;
}

static bool is_ours(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS;
}

static struct sigaction client_get(int sig)
{
	struct client_action *act = &launch.client[kind(sig)];

	return act->copy[load_acquire(&act->which)];
}

static void client_set(int sig, const struct sigaction *sa)
{
	struct client_action *act = &launch.client[kind(sig)];
	unsigned int other = !load_acquire(&act->which);

	act->copy[other] = *sa;
	store_release(&act->which, other);
}

/* ------------------------------------------------------ stack switch ----- */

struct fault {
	int sig;
	siginfo_t *info;
	ucontext_t *uc;
	int rc;
};

static bool on_alternate_stack(const ucontext_t *uc)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t base = (uintptr_t)uc->uc_stack.ss_sp;

	return !(uc->uc_stack.ss_flags & SS_DISABLE) &&
	       here - base < uc->uc_stack.ss_size;
}

/* Call fn on the interrupted stack, below its red zone. */
static void on_client_stack(void (*fn)(struct fault *fault),
			    struct fault *fault)
{
	uintptr_t sp = (uintptr_t)fault->uc->uc_mcontext.gregs[REG_RSP];
	uintptr_t base = (uintptr_t)fault->uc->uc_stack.ss_sp;

	/* It was interrupted on the alternate stack itself: stay. */
	if (!on_alternate_stack(fault->uc) ||
	    sp - base < fault->uc->uc_stack.ss_size) {
		fn(fault);
		return;
	}
	sp = (sp - 256) & ~(uintptr_t)63;
	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %[sp], %%rsp\n\t"
			 "call *%[fn]\n\t"
			 "mov %%rbx, %%rsp"
			 : "+D"(fault), [sp] "+r"(sp), [fn] "+r"(fn)
			 :
			 : "rbx", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10",
			   "r11", "memory", "cc", "xmm0", "xmm1", "xmm2",
			   "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
			   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
			   "xmm15");
}

/* ---------------------------------------------------------- BAR access --- */

/* A piece of an access: in a BAR, or in memory (the other operand). */
static int bus_access(uint64_t addr, unsigned int size, uint64_t *val,
		      bool write)
{
	void *mem = (void *)(uintptr_t)addr;
	struct bar_map bar;
	uint64_t off;
	int rc;

	if (!bars_find(addr, addr + size - 1, &bar))
		return write ? uiommu_guard_copy(mem, val, size)
			     : uiommu_guard_copy(val, mem, size);
	off = bar.off + (addr - bar.first);
	if (addr < bar.first || !(bar.prot & (write ? PROT_WRITE : PROT_READ)))
		rc = -EFAULT;
	else
		rc = write ? uiommu_map_write(bar.map, off, size, *val)
			   : uiommu_map_read(bar.map, off, size, val);
	uiommu_map_put(bar.map);
	return rc;
}

static int bus_read(void *ctx, uint64_t addr, unsigned int size, uint64_t *val)
{
	return bus_access(addr, size, val, false);
}

static int bus_write(void *ctx, uint64_t addr, unsigned int size, uint64_t val)
{
	return bus_access(addr, size, &val, true);
}

static void say_unknown(const struct trap_failure *failure)
{
	char hex[3 * TRAP_INSN_MAX + 1] = "";

	for (unsigned int i = 0; i < failure->len; i++)
		snprintf(hex + 3 * i, 4, " %02x", failure->bytes[i]);
	launch_say("this instruction cannot access a BAR:%s", hex);
}

static void emulate(struct fault *fault)
{
	static const struct trap_bus bus = {
		.read = bus_read,
		.write = bus_write,
	};
	struct trap_failure failure;

	if (!load_relaxed(&launch.used))
		store_relaxed(&launch.used, true);
	launch_enter();
	fault->rc = trap_emulate(launch.engine, fault->uc, &bus, &failure);
	launch_leave();
	if (fault->rc == -EOPNOTSUPP)
		say_unknown(&failure);
	if (fault->rc == -EIO) {
		fault->sig = SIGBUS;
		fault->info->si_signo = SIGBUS;
		fault->info->si_code = BUS_ADRERR;
	}
	if (fault->rc && fault->rc != -EOPNOTSUPP)
		fault->info->si_addr = (void *)(uintptr_t)failure.addr;
}

/* ------------------------------------------- the program's own handler --- */

static void default_action(struct fault *fault)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	uintptr_t pc = (uintptr_t)fault->uc->uc_mcontext.gregs[REG_RIP];

	/* A report needs the allocator and the machine; did they crash? */
	if (!launch_inside && (pc < launch.libc_first || pc > launch.libc_last))
		launch_report(true);
	real_get()->sigaction(fault->sig, &sa, NULL);
	/* A fault happens again on return; what was sent is sent again. */
	if (fault->info->si_code <= 0 || fault->rc)
		real_get()->syscall(SYS_tgkill, getpid(), gettid(), fault->sig);
}

static void call_handler(struct fault *fault)
{
	struct sigaction sa = client_get(fault->sig);
	bool *inside = &in_handler[kind(fault->sig)], before = *inside;
	sigset_t mask = fault->uc->uc_sigmask, saved;

	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&sa.sa_mask, sig) == 1)
			sigaddset(&mask, sig);
	sigdelset(&mask, SIGSEGV);
	sigdelset(&mask, SIGBUS);
	if (sa.sa_flags & (int)SA_RESETHAND) {
		struct sigaction dfl = { .sa_handler = SIG_DFL };

		client_set(fault->sig, &dfl);
	}
	if (!(sa.sa_flags & SA_NODEFER))
		*inside = true;
	real_get()->pthread_sigmask(SIG_SETMASK, &mask, &saved);
	if (sa.sa_flags & SA_SIGINFO)
		sa.sa_sigaction(fault->sig, fault->info, fault->uc);
	else
		sa.sa_handler(fault->sig);
	real_get()->pthread_sigmask(SIG_SETMASK, &saved, NULL);
	*inside = before;
}

static void deliver(struct fault *fault)
{
	struct sigaction sa = client_get(fault->sig);
	bool sent = fault->info->si_code <= 0;

	if (sa.sa_handler == SIG_IGN && sent)
		return;
	if (sa.sa_handler == SIG_DFL || sa.sa_handler == SIG_IGN ||
	    (!sent && in_handler[kind(fault->sig)])) {
		default_action(fault);
		return;
	}
	if (sa.sa_flags & SA_ONSTACK)
		call_handler(fault);
	else
		on_client_stack(call_handler, fault);
}

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	struct fault fault = { .sig = sig, .info = info, .uc = ctx };
	uint64_t addr = (uintptr_t)info->si_addr;
	int err = errno;

	if (uiommu_guard_fixup(ctx))
		return;
	if (sig == SIGSEGV && info->si_code > 0 && bars_cover(addr)) {
		on_client_stack(emulate, &fault);
		if (!fault.rc) {
			errno = err;
			return;
		}
	}
	/* Somebody still polls a register while another thread ends us. */
	if (launch_rare(load_relaxed(&launch.last_thread)) &&
	    load_relaxed(&launch.last_thread) != gettid())
		for (;;)
			pause();
	errno = err;
	deliver(&fault);
	errno = err;
}

/* -------------------------------------------------------- installing ----- */

static void install(struct sigaction *old_segv, struct sigaction *old_bus)
{
	struct sigaction sa = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	sigfillset(&sa.sa_mask);
	sigdelset(&sa.sa_mask, SIGSEGV);
	sigdelset(&sa.sa_mask, SIGBUS);
	sigdelset(&sa.sa_mask, SIGILL);
	sigdelset(&sa.sa_mask, SIGFPE);
	sigdelset(&sa.sa_mask, SIGTRAP);
	sigdelset(&sa.sa_mask, SIGABRT);
	sigdelset(&sa.sa_mask, SIGSYS);
	real_get()->sigaction(SIGSEGV, &sa, old_segv);
	real_get()->sigaction(SIGBUS, &sa, old_bus);
}

void signals_install(void)
{
	struct sigaction segv, bus;

	if (load_acquire(&launch.signals_installed))
		return;
	install(&segv, &bus);
	client_set(SIGSEGV, &segv);
	client_set(SIGBUS, &bus);
	store_release(&launch.signals_installed, true);
}

/*
 * What the machine's own code calls instead of sigaction(2) (the linker sees
 * to that).  Its guard wants these two signals, and gets them: on_fault()
 * resolves guarded copies first.  Asking the sanitizer's or the program's idea
 * of sigaction to install it would put it in the place of the program's own.
 */
int __wrap_sigaction(int sig, const struct sigaction *act,
		     struct sigaction *old);

int __wrap_sigaction(int sig, const struct sigaction *act,
		     struct sigaction *old)
{
	if (!is_ours(sig))
		return real_get()->sigaction(sig, act, old);
	if (old)
		memset(old, 0, sizeof(*old));
	return 0;
}

/* --------------------------------------------------------- the names ----- */

static void allow_ours(sigset_t *set)
{
	sigdelset(set, SIGSEGV);
	sigdelset(set, SIGBUS);
}

launch_public int sigaction(int sig, const struct sigaction *act,
			    struct sigaction *old)
{
	struct sigaction sa;

	if (launch_inside)
		return real_get()->sigaction(sig, act, old);
	if (is_ours(sig) && load_acquire(&launch.signals_installed)) {
		struct sigaction before = client_get(sig);

		if (act)
			client_set(sig, act);
		if (old)
			*old = before;
		return 0;
	}
	if (!act || sig == SIGSEGV || sig == SIGBUS)
		return real_get()->sigaction(sig, act, old);
	sa = *act;
	allow_ours(&sa.sa_mask);
	return real_get()->sigaction(sig, &sa, old);
}

SAME_AS("sigaction")
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);

launch_public sighandler_t signal(int sig, sighandler_t handler)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct sigaction old;

	if (launch_inside || !is_ours(sig) ||
	    !load_acquire(&launch.signals_installed))
		return real_get()->signal(sig, handler);
	sigaction(sig, &sa, &old);
	return old.sa_handler;
}

SAME_AS("signal") sighandler_t bsd_signal(int sig, sighandler_t handler);
SAME_AS("signal") sighandler_t ssignal(int sig, sighandler_t handler);

launch_public int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t ours;

	if (launch_inside || !set || how == SIG_UNBLOCK)
		return real_get()->sigprocmask(how, set, old);
	ours = *set;
	allow_ours(&ours);
	return real_get()->sigprocmask(how, &ours, old);
}

launch_public int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t ours;

	if (launch_inside || !set || how == SIG_UNBLOCK)
		return real_get()->pthread_sigmask(how, set, old);
	ours = *set;
	allow_ours(&ours);
	return real_get()->pthread_sigmask(how, &ours, old);
}

/*
 * Handlers of faults are often left this way.  The kernel knows by the signal
 * mask that goes with it; we have none to know by.
 */
static void left_handlers(void)
{
	in_handler[0] = false;
	in_handler[1] = false;
}

launch_public void longjmp(jmp_buf env, int val)
{
	left_handlers();
	real_get()->longjmp(env, val);
	__builtin_unreachable();
}

launch_public void _longjmp(jmp_buf env, int val)
{
	left_handlers();
	real_get()->_longjmp(env, val);
	__builtin_unreachable();
}

launch_public void siglongjmp(sigjmp_buf env, int val)
{
	left_handlers();
	real_get()->siglongjmp(env, val);
	__builtin_unreachable();
}

launch_public void __longjmp_chk(sigjmp_buf env, int val)
{
	left_handlers();
	real_get()->__longjmp_chk(env, val);
	__builtin_unreachable();
}
