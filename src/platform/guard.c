/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard.c - copies that survive memory which is not there.
 *
 * The instructions that may fault stand in a few functions of assembly whose
 * first and last addresses are known.  When SIGSEGV or SIGBUS strikes between
 * them, the handler moves the program counter to the function's exit, which
 * returns failure.  The functions are leaves that keep the stack as it was at
 * entry, so returning from any of their instructions is safe.  Being assembly
 * they are invisible to the sanitizers, which is right: they work on memory
 * of others, in whatever state it is.
 *
 * Handlers belong to the process, so what was installed before ours is kept
 * in file-scope data, written once before ours is in place and read only
 * after.
 */
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>
#include <sys/uio.h>
#include <unistd.h>

#include "platform_private.h"

#if defined(__x86_64__)

/*
 * int host_guard_bytes(void *dst, const void *src, size_t len);
 * int host_guard_word<n>(void *dst, const void *src);
 * int host_guard_cas(uint64_t *word, uint64_t *expected, uint64_t want);
 * 0, or -1 by way of host_guard_failed.  Short copies go by words, which is
 * quicker than the start of a string move.  In host_guard_cas, `expected` is our own memory.
 */
__asm__(".pushsection .text\n"
	".globl host_guard_first, host_guard_last, host_guard_failed\n"
	".hidden host_guard_first, host_guard_last, host_guard_failed\n"
	".globl host_guard_bytes, host_guard_word1, host_guard_word2, host_guard_word4\n"
	".globl host_guard_word8, host_guard_cas\n"
	".hidden host_guard_bytes, host_guard_word1, host_guard_word2, host_guard_word4\n"
	".hidden host_guard_word8, host_guard_cas\n"
	".p2align 4\n"
	"host_guard_first:\n"
	"host_guard_bytes:\n"
	"	cmp	$768, %rdx\n"
	"	jae	3f\n"
	"0:	cmp	$32, %rdx\n"
	"	jb	1f\n"
	"	movups	(%rsi), %xmm0\n"
	"	movups	16(%rsi), %xmm1\n"
	"	movups	%xmm0, (%rdi)\n"
	"	movups	%xmm1, 16(%rdi)\n"
	"	add	$32, %rsi\n"
	"	add	$32, %rdi\n"
	"	sub	$32, %rdx\n"
	"	jmp	0b\n"
	"1:	cmp	$8, %rdx\n"
	"	jb	2f\n"
	"	mov	(%rsi), %rax\n"
	"	mov	%rax, (%rdi)\n"
	"	add	$8, %rsi\n"
	"	add	$8, %rdi\n"
	"	sub	$8, %rdx\n"
	"	jmp	1b\n"
	"2:	test	%rdx, %rdx\n"
	"	jz	4f\n"
	"	movzbl	(%rsi), %eax\n"
	"	mov	%al, (%rdi)\n"
	"	inc	%rsi\n"
	"	inc	%rdi\n"
	"	dec	%rdx\n"
	"	jmp	2b\n"
	"3:	mov	%rdx, %rcx\n"
	"	rep movsb\n"
	"4:	xor	%eax, %eax\n"
	"	ret\n"
	"host_guard_word1:\n"
	"	movzbl	(%rsi), %eax\n"
	"	mov	%al, (%rdi)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"host_guard_word2:\n"
	"	movzwl	(%rsi), %eax\n"
	"	mov	%ax, (%rdi)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"host_guard_word4:\n"
	"	mov	(%rsi), %eax\n"
	"	mov	%eax, (%rdi)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"host_guard_word8:\n"
	"	mov	(%rsi), %rax\n"
	"	mov	%rax, (%rdi)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"host_guard_cas:\n"
	"	mov	(%rsi), %rax\n"
	"	lock cmpxchg %rdx, (%rdi)\n"
	"	mov	%rax, (%rsi)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"host_guard_last:\n"
	"host_guard_failed:\n"
	"	mov	$-1, %eax\n"
	"	ret\n"
	".popsection\n");

extern const char host_guard_first[], host_guard_last[], host_guard_failed[];
int host_guard_bytes(void *dst, const void *src, size_t len);
int host_guard_word1(void *dst, const void *src);
int host_guard_word2(void *dst, const void *src);
int host_guard_word4(void *dst, const void *src);
int host_guard_word8(void *dst, const void *src);
int host_guard_cas(uint64_t *word, uint64_t *expected, uint64_t want);

int uiommu_guard_copy(void *dst, const void *src, size_t len)
{
	int rc;

	switch (len) {
	case 1:
		rc = host_guard_word1(dst, src);
		break;
	case 2:
		rc = host_guard_word2(dst, src);
		break;
	case 4:
		rc = host_guard_word4(dst, src);
		break;
	case 8:
		rc = host_guard_word8(dst, src);
		break;
	default:
		rc = host_guard_bytes(dst, src, len);
		break;
	}
	return rc ? -EFAULT : 0;
}

int uiommu_guard_cmpxchg64(uint64_t *word, uint64_t *expected, uint64_t want)
{
	if ((uintptr_t)word % 8)
		return -EFAULT;
	return host_guard_cas(word, expected, want) ? -EFAULT : 0;
}

/*
 * A handler: no sanitizer may instrument it, it runs where their runtime may
 * be in the middle of anything.
 */
__attribute__((no_sanitize("address", "thread", "undefined"))) bool
uiommu_guard_fixup(void *ucontext)
{
	ucontext_t *uc = ucontext;
	greg_t *pc = &uc->uc_mcontext.gregs[REG_RIP];

	if ((uintptr_t)*pc < (uintptr_t)host_guard_first ||
	    (uintptr_t)*pc >= (uintptr_t)host_guard_last)
		return false;
	*pc = (greg_t)(uintptr_t)host_guard_failed;
	return true;
}

#else

/*
 * Elsewhere the kernel copies, which is slower and, for words, only as atomic
 * as the kernel's copy is.  No handler is involved.
 */
int uiommu_guard_copy(void *dst, const void *src, size_t len)
{
	struct iovec to = { dst, len };
	struct iovec from = { (void *)(uintptr_t)src, len };

	if (!len)
		return 0;
	if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)len)
		return -EFAULT;
	return 0;
}

/* A word that goes away between the probe and the swap ends the program. */
int uiommu_guard_cmpxchg64(uint64_t *word, uint64_t *expected, uint64_t want)
{
	uint64_t probe;

	if ((uintptr_t)word % 8 || uiommu_guard_copy(&probe, word, 8))
		return -EFAULT;
	(void)cmpxchg_acq_rel(word, expected, want);
	return 0;
}

bool uiommu_guard_fixup(void *ucontext)
{
	return false;
}

#endif

static pthread_once_t install_once = PTHREAD_ONCE_INIT;
static struct sigaction old_segv, old_bus;
static int install_rc;

/* Hand a fault that is not ours to whoever was there before. */
static __attribute__((no_sanitize("address", "thread", "undefined"))) void
chain(const struct sigaction *old, int sig, siginfo_t *info, void *uc)
{
	static const struct sigaction dfl = { .sa_handler = SIG_DFL };
	bool sent = info->si_code <= 0; /* by kill(), not by a fault */

	if (old->sa_flags & SA_SIGINFO) {
		old->sa_sigaction(sig, info, uc);
	} else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
		old->sa_handler(sig);
	} else if (old->sa_handler == SIG_DFL || !sent) {
		/* A fault strikes again and meets the default, ignored or not. */
		sigaction(sig, &dfl, NULL);
		if (sent)
			raise(sig);
	}
}

static __attribute__((no_sanitize("address", "thread", "undefined"))) void
on_fault(int sig, siginfo_t *info, void *uc)
{
	if (uiommu_guard_fixup(uc))
		return;
	chain(sig == SIGSEGV ? &old_segv : &old_bus, sig, info, uc);
}

static void install(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSEGV, NULL, &old_segv) ||
	    sigaction(SIGBUS, NULL, &old_bus) ||
	    sigaction(SIGSEGV, &sa, NULL)) {
		install_rc = -EINVAL;
		return;
	}
	if (sigaction(SIGBUS, &sa, NULL)) {
		sigaction(SIGSEGV, &old_segv, NULL);
		install_rc = -EINVAL;
	}
}

int uiommu_guard_install(void)
{
	pthread_once(&install_once, install);
	return install_rc;
}
