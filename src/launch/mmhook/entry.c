/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a stub into C and back, as a system call would: every register but the
 * result, rcx and r11 comes back as it was, those of vectors too, which the
 * surrounding code may well keep values in.  The red zone is left alone.
 *
 * A stub comes by jmp with r11 = where it goes on.  Ten bytes before that it
 * keeps the address of the instruction after the system call, which unwinders
 * are told is the caller.
 */
#include <cpuid.h>

#include "mmhook.h"

/* What to save: bits for XSAVE, or 0 for FXSAVE, and how many bytes it takes. */
struct mm_vectors {
	uint64_t mask;
	uint64_t size;
};

__attribute__((visibility("hidden"))) struct mm_vectors mm_vectors = { 0, 512 };

/* clang-format off */
__asm__(
	".text\n"
	".globl mm_entry\n"
	".hidden mm_entry\n"
	".type mm_entry, @function\n"
	".p2align 4\n"
	"mm_entry:\n"
	"	.cfi_startproc\n"
	"	.cfi_signal_frame\n"
	"	.cfi_def_cfa rsp, 0\n"
	"	.cfi_undefined rip\n"
	"	lea -128(%rsp), %rsp\n"
	"	.cfi_def_cfa rsp, 128\n"
	"	pushfq\n"
	"	.cfi_def_cfa rsp, 136\n"
	"	cld\n"
	"	push -10(%r11)\n"
	"	.cfi_def_cfa rsp, 144\n"
	"	.cfi_offset rip, -144\n"
	"	push %r11\n"
	"	push %rax\n"
	"	push %r9\n"
	"	push %r8\n"
	"	push %r10\n"
	"	push %rdx\n"
	"	push %rsi\n"
	"	push %rdi\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	.cfi_def_cfa rsp, 224\n"
	"	.cfi_offset rbx, -216\n"
	"	.cfi_offset rbp, -224\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_def_cfa rbp, 224\n"
	"	mov %rsp, %rdi\n"
	"	mov mm_vectors(%rip), %rbx\n"
	"	sub 8+mm_vectors(%rip), %rsp\n"
	"	and $-64, %rsp\n"
	"	test %rbx, %rbx\n"
	"	jz 1f\n"
	"	xor %eax, %eax\n"
	"	mov %rax, 512(%rsp)\n"
	"	mov %rax, 520(%rsp)\n"
	"	mov %rax, 528(%rsp)\n"
	"	mov %rax, 536(%rsp)\n"
	"	mov %rax, 544(%rsp)\n"
	"	mov %rax, 552(%rsp)\n"
	"	mov %rax, 560(%rsp)\n"
	"	mov %rax, 568(%rsp)\n"
	"	mov %ebx, %eax\n"
	"	mov %rbx, %rdx\n"
	"	shr $32, %rdx\n"
	"	xsave64 (%rsp)\n"
	"	call mm_dispatch\n"
	"	mov %ebx, %eax\n"
	"	mov %rbx, %rdx\n"
	"	shr $32, %rdx\n"
	"	xrstor64 (%rsp)\n"
	"	jmp 2f\n"
	"1:	fxsave64 (%rsp)\n"
	"	call mm_dispatch\n"
	"	fxrstor64 (%rsp)\n"
	"2:	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	pop %rbx\n"
	"	pop %rdi\n"
	"	pop %rsi\n"
	"	pop %rdx\n"
	"	pop %r10\n"
	"	pop %r8\n"
	"	pop %r9\n"
	"	pop %rax\n"
	"	pop %r11\n"
	"	lea 8(%rsp), %rsp\n"
	"	popfq\n"
	"	lea 128(%rsp), %rsp\n"
	"	jmp *%r11\n"
	"	.cfi_endproc\n"
	".size mm_entry, .-mm_entry\n"

	/* long mm_raw(long nr, const uint64_t arg[6]) */
	".globl mm_raw, mm_raw_first, mm_raw_last\n"
	".hidden mm_raw, mm_raw_first, mm_raw_last\n"
	".type mm_raw, @function\n"
	".p2align 4\n"
	"mm_raw_first:\n"
	"mm_raw:\n"
	"	.cfi_startproc\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %r11\n"
	"	mov 0(%r11), %rdi\n"
	"	mov 8(%r11), %rsi\n"
	"	mov 16(%r11), %rdx\n"
	"	mov 24(%r11), %r10\n"
	"	mov 32(%r11), %r8\n"
	"	mov 40(%r11), %r9\n"
	"	syscall\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"mm_raw_last:\n"
	".size mm_raw, .-mm_raw\n");
/* clang-format on */

_Static_assert(sizeof(struct mm_regs) == 224, "mm_entry pushes these");

/*
 * x87, SSE, AVX and AVX-512 as far as the system has enabled them.  Not the
 * tiles of AMX, which are large and which nothing of ours touches, nor PKRU.
 */
void mm_entry_init(void)
{
	uint32_t a, b, c, d, lo, hi;
	uint64_t mask, size = 576;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return;
	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	mask = ((uint64_t)hi << 32 | lo) & 0xe7;
	for (unsigned int i = 2; i < 8; i++) {
		if (!(mask >> i & 1) ||
		    !__get_cpuid_count(0xd, i, &a, &b, &c, &d))
			continue;
		if (a + b > size)
			size = a + b;
	}
	mm_vectors.size = size;
	__atomic_store_n(&mm_vectors.mask, mask, __ATOMIC_RELEASE);
}
