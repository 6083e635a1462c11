/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of instructions, and the few lines of assembly that run one.
 *
 * The table of copies only grows.  A key goes EMPTY, BUSY, READY; only who
 * took it from EMPTY writes the slot, and READY publishes it.  A key that
 * stays BUSY (its writer vanished in a fork) is passed over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "run.h"

enum {
	STUB_SLOTS = 2048,
	STUB_BYTES = 32,
	STUB_PROBES = 16
};
enum {
	STUB_EMPTY,
	STUB_BUSY,
	STUB_READY
};

struct trap_stub {
	uint32_t state; /* atomic */
	uint8_t len;
	uint8_t bytes[TRAP_INSN_MAX];
};

/* clang-format off */
__asm__(
	".text\n"
	".globl trap_run\n"
	".hidden trap_run\n"
	".type trap_run, @function\n"
	"trap_run:\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	sub $40, %rsp\n"
	"	mov %rdi, 0(%rsp)\n"
	"	mov %rsi, 8(%rsp)\n"
	"	mov %rdx, 16(%rsp)\n"
	"	mov %rcx, 24(%rsp)\n"
	"	stmxcsr 32(%rsp)\n"
	"	fnstcw 36(%rsp)\n"
	"	test %rdx, %rdx\n"
	"	jz 2f\n"
	"	mov %rdx, %rbx\n"
	"	test %rcx, %rcx\n"
	"	jz 1f\n"
	"	mov %ecx, %eax\n"
	"	mov %rcx, %rdx\n"
	"	shr $32, %rdx\n"
	"	xrstor64 (%rbx)\n"
	"	jmp 2f\n"
	"1:	fxrstor64 (%rbx)\n"
	"2:	pushq 128(%rdi)\n"
	"	popfq\n"
	"	mov 0(%rdi), %rax\n"
	"	mov 8(%rdi), %rcx\n"
	"	mov 16(%rdi), %rdx\n"
	"	mov 24(%rdi), %rbx\n"
	"	mov 40(%rdi), %rbp\n"
	"	mov 48(%rdi), %rsi\n"
	"	mov 64(%rdi), %r8\n"
	"	mov 72(%rdi), %r9\n"
	"	mov 80(%rdi), %r10\n"
	"	mov 88(%rdi), %r11\n"
	"	mov 96(%rdi), %r12\n"
	"	mov 104(%rdi), %r13\n"
	"	mov 112(%rdi), %r14\n"
	"	mov 120(%rdi), %r15\n"
	"	mov 56(%rdi), %rdi\n"
	"	call *8(%rsp)\n"
	"	xchg %rdi, 0(%rsp)\n"
	"	mov %rax, 0(%rdi)\n"
	"	mov %rcx, 8(%rdi)\n"
	"	mov %rdx, 16(%rdi)\n"
	"	mov %rbx, 24(%rdi)\n"
	"	mov %rbp, 40(%rdi)\n"
	"	mov %rsi, 48(%rdi)\n"
	"	mov %r8, 64(%rdi)\n"
	"	mov %r9, 72(%rdi)\n"
	"	mov %r10, 80(%rdi)\n"
	"	mov %r11, 88(%rdi)\n"
	"	mov %r12, 96(%rdi)\n"
	"	mov %r13, 104(%rdi)\n"
	"	mov %r14, 112(%rdi)\n"
	"	mov %r15, 120(%rdi)\n"
	"	pushfq\n"
	"	popq 128(%rdi)\n"
	"	pushq $0x202\n"
	"	popfq\n"
	"	mov 0(%rsp), %rax\n"
	"	mov %rax, 56(%rdi)\n"
	"	mov 16(%rsp), %rbx\n"
	"	test %rbx, %rbx\n"
	"	jz 5f\n"
	"	mov 24(%rsp), %rax\n"
	"	test %rax, %rax\n"
	"	jz 3f\n"
	"	mov 28(%rsp), %edx\n"
	"	mov 24(%rsp), %eax\n"
	"	xsave64 (%rbx)\n"
	"	jmp 4f\n"
	"3:	fxsave64 (%rbx)\n"
	"4:	fninit\n"
	"	fldcw 36(%rsp)\n"
	"	ldmxcsr 32(%rsp)\n"
	"5:	add $40, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbp\n"
	"	pop %rbx\n"
	"	ret\n"
	".size trap_run, .-trap_run\n");
/* clang-format on */

int trap_engine_create(struct trap_engine **out)
{
	size_t keys = STUB_SLOTS * sizeof(struct trap_stub);
	struct trap_engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return -ENOMEM;
	engine->stubs = calloc(1, keys);
	if (!engine->stubs)
		goto err_free;
	/* Where this is forbidden, plain moves still work. */
	engine->code = mmap(NULL, STUB_SLOTS * STUB_BYTES,
			    PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (engine->code == MAP_FAILED)
		engine->code = NULL;
	*out = engine;
	return 0;

err_free:
	free(engine);
	return -ENOMEM;
}

void trap_engine_destroy(struct trap_engine *engine)
{
	if (engine->code)
		munmap(engine->code, STUB_SLOTS * STUB_BYTES);
	free(engine->stubs);
	free(engine);
}

static unsigned int stub_hash(const struct trap_insn *insn)
{
	uint32_t h = 2166136261u;

	for (unsigned int i = 0; i < insn->stub_len; i++)
		h = (h ^ insn->stub[i]) * 16777619u;
	return h % STUB_SLOTS;
}

static bool stub_is(const struct trap_stub *key, const struct trap_insn *insn)
{
	return key->len == insn->stub_len &&
	       !memcmp(key->bytes, insn->stub, key->len);
}

static bool stub_fill(struct trap_engine *engine, unsigned int slot,
		      const struct trap_insn *insn)
{
	struct trap_stub *key = &engine->stubs[slot];
	uint8_t *code = engine->code + slot * STUB_BYTES;
	uint32_t empty = STUB_EMPTY;

	if (!cmpxchg_acq_rel(&key->state, &empty, (uint32_t)STUB_BUSY))
		return false;
	memcpy(code, insn->stub, insn->stub_len);
	code[insn->stub_len] = 0xc3; /* ret */
	memcpy(key->bytes, insn->stub, insn->stub_len);
	key->len = insn->stub_len;
	store_release(&key->state, (uint32_t)STUB_READY);
	return true;
}

const void *trap_stub_get(struct trap_engine *engine,
			  const struct trap_insn *insn)
{
	unsigned int slot = stub_hash(insn);

	if (!engine->code)
		return NULL;
	for (unsigned int i = 0; i < STUB_PROBES; i++) {
		struct trap_stub *key = &engine->stubs[slot];
		uint32_t state = load_acquire(&key->state);

		if (state == STUB_READY && stub_is(key, insn))
			return engine->code + slot * STUB_BYTES;
		/* Lost the race: another copy further on does no harm. */
		if (state == STUB_EMPTY && stub_fill(engine, slot, insn))
			return engine->code + slot * STUB_BYTES;
		slot = (slot + 1) % STUB_SLOTS;
	}
	return NULL;
}
