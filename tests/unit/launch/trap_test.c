/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine against the processor: each instruction runs once on plain
 * memory and once on a page without access, where a signal handler hands it to
 * the engine with a copy of that memory behind the bus.  Registers, flags,
 * vectors and memory must come out the same.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <asm/prctl.h>

#include <cmocka.h>

#include <uiommu/host.h>

#include "launch/trap/run.h"
#include "launch/trap/trap.h"

enum {
	PAGE = 4096,
	BUF = 512,
	AT = 128,
	ROUNDS = 32
};

/* What an entry needs or does beyond the plain case. */
enum {
	COUNT = 1 << 0,	  /* RCX is small */
	RDI_OUT = 1 << 1, /* RDI comes out as an address */
	RSI_MEM = 1 << 2, /* RSI points to plain memory, and comes out so */
	AVX = 1 << 3,
	AVX512 = 1 << 4,
	BITS = 1 << 5, /* RCX is a small signed bit number */
	MOVBE = 1 << 6,
	BMI = 1 << 7,
	DIV = 1 << 8,	/* RDX is 0 and memory is not small */
	EQUAL = 1 << 9, /* RAX is what memory holds */
};

/* RDI is the address; R14 is a block to load from, R15 one to store to. */
#define V_IN "vmovdqu (%r14), %ymm3\n vmovdqu 32(%r14), %ymm9\n"
#define V_OUT "\n vmovdqu %ymm3, (%r15)\n vmovdqu %ymm9, 32(%r15)\n"
#define X_IN "movdqu (%r14), %xmm3\n movdqu 32(%r14), %xmm9\n"
#define X_OUT "\n movdqu %xmm3, (%r15)\n movdqu %xmm9, 32(%r15)\n"
#define Z_IN "vmovdqu64 (%r14), %zmm3\n vmovdqu64 64(%r14), %zmm20\n"
#define Z_OUT "\n vmovdqu64 %zmm3, (%r15)\n vmovdqu64 %zmm20, 64(%r15)\n"

/* clang-format off */
#define INSTRUCTIONS(X)                                                   \
	X(load8, "mov (%rdi), %al", 0)                                    \
	X(load8_high, "mov 3(%rdi), %bh", 0)                              \
	X(load8_rex, "mov (%rdi), %r9b", 0)                               \
	X(load8_sil, "mov (%rdi), %sil", 0)                               \
	X(load16, "mov 2(%rdi), %cx", 0)                                  \
	X(load32, "mov 4(%rdi), %edx", 0)                                 \
	X(load64, "mov (%rdi), %r15", 0)                                  \
	X(load64_disp32, "mov 0x80(%rdi), %r8", 0)                        \
	X(load_unaligned, "mov 3(%rdi), %rax", 0)                         \
	X(load_index, "mov $2, %r12d\n mov (%rdi,%r12,8), %rax", 0)       \
	X(load_base_r13, "mov %rdi, %r13\n mov (%r13), %eax\n"            \
		"xor %r13d, %r13d", 0)                                    \
	X(load_base_rbp, "mov %rdi, %rbp\n mov (%rbp), %eax\n"            \
		"xor %ebp, %ebp", 0)                                      \
	X(load_addr32, "mov (%edi), %eax", 0)                             \
	X(load_same, "mov %rdi, %rax\n mov (%rax), %rax", 0)              \
	X(movzx8, "movzbl (%rdi), %eax", 0)                               \
	X(movzx16, "movzwq (%rdi), %r10", 0)                              \
	X(movsx8, "movsbw (%rdi), %ax", 0)                                \
	X(movsx8_64, "movsbq 1(%rdi), %r11", 0)                           \
	X(movsx16, "movswl (%rdi), %esi", 0)                              \
	X(movsxd, "movslq (%rdi), %rbx", 0)                               \
	X(store8, "mov %al, (%rdi)", 0)                                   \
	X(store8_high, "mov %dh, 5(%rdi)", 0)                             \
	X(store16, "mov %cx, (%rdi)", 0)                                  \
	X(store32, "mov %r9d, (%rdi)", 0)                                 \
	X(store64, "mov %r12, (%rdi)", 0)                                 \
	X(store_imm8, "movb $0x91, (%rdi)", 0)                            \
	X(store_imm16, "movw $0x9192, (%rdi)", 0)                         \
	X(store_imm32, "movl $0x91929394, (%rdi)", 0)                     \
	X(store_imm64, "movq $-5, (%rdi)", 0)                             \
	X(store_unaligned, "mov %rax, 5(%rdi)", 0)                        \
	X(movnti, "movnti %rax, (%rdi)", 0)                               \
	X(movbe_load, "movbe (%rdi), %eax", MOVBE)                        \
	X(movbe_store, "movbe %rdx, (%rdi)", MOVBE)                       \
	X(add_to_mem, "add %rax, (%rdi)", 0)                              \
	X(add_imm, "addl $0x7f, (%rdi)", 0)                               \
	X(add_from_mem, "add (%rdi), %r9b", 0)                            \
	X(adc_mem, "adc %eax, (%rdi)", 0)                                 \
	X(sbb_mem, "sbb (%rdi), %rax", 0)                                 \
	X(sub_mem, "sub %cx, (%rdi)", 0)                                  \
	X(and_mem, "andl $0xff00ff, (%rdi)", 0)                           \
	X(or_mem, "or %rdx, (%rdi)", 0)                                   \
	X(or_lock, "lock orl $4, (%rdi)", 0)                              \
	X(xor_mem, "xor %bl, (%rdi)", 0)                                  \
	X(cmp_mem_imm, "cmpl $0x1234, (%rdi)", 0)                         \
	X(cmp_mem_reg, "cmp %rax, (%rdi)", 0)                             \
	X(cmp_reg_mem, "cmp (%rdi), %al", 0)                              \
	X(cmp_equal, "cmp %rax, (%rdi)", EQUAL)                           \
	X(test_imm, "testb $0x80, (%rdi)", 0)                             \
	X(test_reg, "test %edx, (%rdi)", 0)                               \
	X(inc_mem, "incl (%rdi)", 0)                                      \
	X(dec_mem, "decq (%rdi)", 0)                                      \
	X(not_mem, "notw (%rdi)", 0)                                      \
	X(neg_mem, "negb (%rdi)", 0)                                      \
	X(shl_imm, "shll $3, (%rdi)", 0)                                  \
	X(shr_cl, "shrq %cl, (%rdi)", COUNT)                              \
	X(sar_one, "sarw (%rdi)", 0)                                      \
	X(rol_cl, "roll %cl, (%rdi)", COUNT)                              \
	X(shld_mem, "shld $5, %rax, (%rdi)", 0)                           \
	X(xchg_mem, "xchg %rax, (%rdi)", 0)                               \
	X(xchg8, "xchg %cl, (%rdi)", 0)                                   \
	X(xadd_mem, "lock xadd %edx, (%rdi)", 0)                          \
	X(cmpxchg_fails, "lock cmpxchg %rdx, (%rdi)", 0)                  \
	X(cmpxchg_works, "lock cmpxchg %rdx, (%rdi)", EQUAL)              \
	X(cmpxchg16b, "lock cmpxchg16b (%rdi)", 0)                        \
	X(bt_imm, "btl $7, (%rdi)", 0)                                    \
	X(bts_imm, "btsq $40, (%rdi)", 0)                                 \
	X(bt_reg, "bt %rcx, (%rdi)", BITS)                                \
	X(bts_reg, "bts %rcx, (%rdi)", BITS)                              \
	X(btr_reg32, "btr %ecx, (%rdi)", BITS)                            \
	X(btc_reg16, "btc %cx, (%rdi)", BITS)                             \
	X(bsf_mem, "bsf (%rdi), %eax", 0)                                 \
	X(popcnt_mem, "popcnt (%rdi), %rax", 0)                           \
	X(imul_mem, "imul (%rdi), %rax", 0)                               \
	X(imul_imm, "imul $100, (%rdi), %r9d", 0)                         \
	X(mul_mem, "mull (%rdi)", 0)                                      \
	X(div_mem, "divq (%rdi)", DIV)                                    \
	X(cmov_mem, "cmovc (%rdi), %rax", 0)                              \
	X(cmov32_mem, "cmovnz (%rdi), %eax", 0)                           \
	X(setcc_mem, "setz (%rdi)", 0)                                    \
	X(push_mem, "pushq (%rdi)\n pop %rax", 0)                         \
	X(pop_mem, "push %rdx\n popq 8(%rdi)", 0)                         \
	X(stosb, "stosb", RDI_OUT)                                        \
	X(rep_stosd, "rep stosl", RDI_OUT | COUNT)                        \
	X(rep_stosq_down, "std\n rep stosq\n cld", RDI_OUT | COUNT)       \
	X(rep_movsb, "rep movsb", RDI_OUT | RSI_MEM | COUNT)              \
	X(movsq_once, "movsq", RDI_OUT | RSI_MEM)                         \
	X(rep_movs_from, "xchg %rsi, %rdi\n rep movsl\n"                  \
		"xchg %rsi, %rdi", RDI_OUT | RSI_MEM | COUNT)             \
	X(lodsl, "xchg %rsi, %rdi\n lodsl\n xchg %rsi, %rdi", RDI_OUT)    \
	X(andn_mem, "andn (%rdi), %rdx, %rax", BMI)                       \
	X(mulx_mem, "mulx (%rdi), %rax, %rcx", BMI)                       \
	X(shlx_mem, "shlx %rcx, (%rdi), %rax", BMI)                       \
	X(movdqu_load, X_IN "movdqu 1(%rdi), %xmm3" X_OUT, 0)             \
	X(movdqa_load, X_IN "movdqa (%rdi), %xmm9" X_OUT, 0)              \
	X(movdqa_store, X_IN "movdqa %xmm3, (%rdi)" X_OUT, 0)             \
	X(movups_store, X_IN "movups %xmm9, 7(%rdi)" X_OUT, 0)            \
	X(movaps_load, X_IN "movaps (%rdi), %xmm3" X_OUT, 0)              \
	X(movntdq, X_IN "movntdq %xmm3, (%rdi)" X_OUT, 0)                 \
	X(movntps, X_IN "movntps %xmm9, (%rdi)" X_OUT, 0)                 \
	X(movq_load, X_IN "movq (%rdi), %xmm3" X_OUT, 0)                  \
	X(movq_store, X_IN "movq %xmm9, (%rdi)" X_OUT, 0)                 \
	X(movd_load, X_IN "movd (%rdi), %xmm3" X_OUT, 0)                  \
	X(movss_load, X_IN "movss (%rdi), %xmm3" X_OUT, 0)                \
	X(movsd_load, X_IN "movsd (%rdi), %xmm3" X_OUT, 0)                \
	X(movsd_store, X_IN "movsd %xmm3, (%rdi)" X_OUT, 0)               \
	X(movlps, X_IN "movlps (%rdi), %xmm3" X_OUT, 0)                   \
	X(movhpd_store, X_IN "movhpd %xmm3, (%rdi)" X_OUT, 0)             \
	X(lddqu, X_IN "lddqu (%rdi), %xmm3" X_OUT, 0)                     \
	X(paddd_mem, X_IN "paddd (%rdi), %xmm3" X_OUT, 0)                 \
	X(pcmpeqb_mem, X_IN "pcmpeqb (%rdi), %xmm9" X_OUT, 0)             \
	X(pinsrd_mem, X_IN "pinsrd $1, (%rdi), %xmm3" X_OUT, 0)           \
	X(pextrq_mem, X_IN "pextrq $1, %xmm9, (%rdi)" X_OUT, 0)           \
	X(cvtsi2sd_mem, X_IN "cvtsi2sdq (%rdi), %xmm3" X_OUT, 0)          \
	X(x87_mem, "fildll (%rdi)\n fistpll 8(%rdi)", 0)                  \
	X(mmx_mem, "movq (%rdi), %mm1\n movq %mm1, (%r15)\n emms", 0)     \
	X(vmovdqu_load, V_IN "vmovdqu (%rdi), %ymm3" V_OUT, AVX)          \
	X(vmovdqu_store, V_IN "vmovdqu %ymm9, 3(%rdi)" V_OUT, AVX)        \
	X(vmovaps_store, V_IN "vmovaps %ymm3, (%rdi)" V_OUT, AVX)         \
	X(vmovntdq, V_IN "vmovntdq %ymm9, (%rdi)" V_OUT, AVX)             \
	X(vmovdqu_xmm, V_IN "vmovdqu (%rdi), %xmm3" V_OUT, AVX)           \
	X(vmovq, V_IN "vmovq (%rdi), %xmm9" V_OUT, AVX)                   \
	X(vmovss, V_IN "vmovss (%rdi), %xmm3" V_OUT, AVX)                 \
	X(vbroadcast, V_IN "vbroadcastss (%rdi), %ymm3" V_OUT, AVX)       \
	X(vaddps, V_IN "vpaddd (%rdi), %ymm9, %ymm3" V_OUT, AVX)          \
	X(vmov_index, "mov $1, %r12d\n" V_IN                              \
		"vmovdqu (%rdi,%r12,8), %ymm9" V_OUT, AVX)                \
	X(zmov_load, Z_IN "vmovdqu64 (%rdi), %zmm20" Z_OUT, AVX512)       \
	X(zmov_store, Z_IN "vmovdqu64 %zmm3, (%rdi)" Z_OUT, AVX512)       \
	X(zmov_disp8, Z_IN "vmovdqu32 64(%rdi), %zmm3" Z_OUT, AVX512)     \
	X(zmov_r8, "mov %rdi, %r8\n" Z_IN "vmovdqu64 (%r8), %zmm3\n"      \
		"xor %r8d, %r8d" Z_OUT, AVX512)                           \
	X(zmask_store, Z_IN "kmovw %ecx, %k3\n"                           \
		"vmovdqu32 %zmm3, (%rdi){%k3}" Z_OUT, AVX512)             \
	X(zmask_load, Z_IN "kmovw %ecx, %k1\n"                            \
		"vmovdqu64 (%rdi), %zmm3{%k1}" Z_OUT, AVX512)             \
	X(zmask_zero, Z_IN "kmovw %ecx, %k7\n"                            \
		"vmovups (%rdi), %zmm20{%k7}{z}" Z_OUT, AVX512)           \
	X(zadd_bcast, Z_IN "vpaddd (%rdi){1to16}, %zmm3, %zmm20" Z_OUT,   \
		AVX512)

#define DEFINE(name, text, flags)                                         \
	__asm__(".text\n.type insn_" #name ", @function\n"                \
		"insn_" #name ":\n" text "\nret\n");                      \
	extern const uint8_t insn_##name[]                                \
		__attribute__((visibility("hidden")));
INSTRUCTIONS(DEFINE)

struct insn {
	const char *name;
	const uint8_t *code;
	unsigned int flags;
};

#define ENTRY(name, text, flags) { #name, insn_##name, flags },
static const struct insn insns[] = { INSTRUCTIONS(ENTRY) };
/* clang-format on */

/* What the handler needs to know; one test at a time. */
static struct {
	struct trap_engine *engine;
	uint8_t *trapped; /* page without access */
	uint8_t *plain;	  /* page with */
	uint8_t *shadow;  /* what lies behind the trapped one */
	unsigned int accesses;
	unsigned int sizes;  /* of accesses, or'ed */
	int error;	     /* the bus answers with it */
	volatile int result; /* of the last emulation */
	sigjmp_buf failed;
} world;

/* ---------------------------------------------------------------- bus ---- */

static uint8_t *behind(uint64_t addr)
{
	uint64_t off = addr - (uintptr_t)world.trapped;

	if (off >= PAGE)
		return (uint8_t *)(uintptr_t)addr;
	return world.shadow + off;
}

static int note(uint64_t addr, unsigned int size)
{
	if (addr - (uintptr_t)world.trapped >= PAGE)
		return 0;
	/* Not an assertion of cmocka's: we are in a signal handler. */
	if (addr % size || size > 8)
		abort();
	world.accesses++;
	world.sizes |= size;
	return world.error;
}

static int bus_read(void *ctx, uint64_t addr, unsigned int size, uint64_t *val)
{
	int rc = note(addr, size);

	*val = 0;
	if (!rc)
		memcpy(val, behind(addr), size);
	return rc;
}

static int bus_write(void *ctx, uint64_t addr, unsigned int size, uint64_t val)
{
	int rc = note(addr, size);

	if (!rc)
		memcpy(behind(addr), &val, size);
	return rc;
}

static void on_segv(int sig, siginfo_t *info, void *ctx)
{
	static const struct trap_bus bus = {
		.read = bus_read,
		.write = bus_write,
	};
	struct trap_failure failure;

	if (uiommu_guard_fixup(ctx))
		return;
	world.result = trap_emulate(world.engine, ctx, &bus, &failure);
	if (world.result)
		siglongjmp(world.failed, 1);
}

/* cmocka takes the signal at the head of every test. */
static void take_signal(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_segv,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigaction(SIGSEGV, &sa, NULL);
}

/* ------------------------------------------------------------ running ---- */

static bool supported(unsigned int flags)
{
	__builtin_cpu_init();
	if ((flags & AVX) && !__builtin_cpu_supports("avx2"))
		return false;
	if ((flags & BMI) && !__builtin_cpu_supports("bmi2"))
		return false;
	if ((flags & AVX512) && !__builtin_cpu_supports("avx512f"))
		return false;
	if (flags & MOVBE) {
		uint32_t a = 1, b, c = 0, d;

		__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		return c >> 22 & 1;
	}
	return true;
}

struct outcome {
	uint64_t regs[TRAP_REGS];
	uint8_t mem[BUF];
	uint8_t out[128];
	uint8_t far[BUF];
};

struct setup {
	uint64_t regs[TRAP_REGS];
	uint8_t mem[BUF];
	uint8_t in[128];
	uint8_t far[BUF];
};

static uint64_t random64(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^
	       (uint64_t)random();
}

static void fill(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)random();
}

static void prepare(struct setup *setup, unsigned int flags)
{
	uint64_t word;

	for (int i = 0; i < TRAP_GPRS; i++)
		setup->regs[i] = random64();
	/* CF PF AF ZF SF OF */
	setup->regs[TRAP_FLAGS] = 0x202 | ((uint64_t)random() & 0x8d5);
	fill(setup->mem, sizeof(setup->mem));
	fill(setup->in, sizeof(setup->in));
	fill(setup->far, sizeof(setup->far));
	if (flags & COUNT)
		setup->regs[TRAP_RCX] = (uint64_t)random() % 9;
	if (flags & BITS)
		setup->regs[TRAP_RCX] = (uint64_t)(random() % 512 - 256);
	if (flags & DIV)
		setup->regs[TRAP_RDX] = 0;
	memcpy(&word, setup->mem + AT, sizeof(word));
	if (flags & EQUAL)
		setup->regs[TRAP_RAX] = word;
}

/* Run the instruction with its memory at `base`. */
static void run(const struct insn *insn, const struct setup *setup,
		uint8_t *base, struct outcome *outcome)
{
	uint8_t in[128] __attribute__((aligned(64)));
	uint8_t out[128] __attribute__((aligned(64))) = { 0 };
	uint8_t far[BUF];

	memcpy(in, setup->in, sizeof(in));
	memcpy(far, setup->far, sizeof(far));
	memcpy(outcome->regs, setup->regs, sizeof(outcome->regs));
	outcome->regs[TRAP_RDI] = (uintptr_t)base + AT;
	outcome->regs[14] = (uintptr_t)in;
	outcome->regs[15] = (uintptr_t)out;
	if (insn->flags & RSI_MEM)
		outcome->regs[TRAP_RSI] = (uintptr_t)far + AT;
	trap_run(outcome->regs, insn->code, NULL, 0);
	memcpy(outcome->mem, base == world.trapped ? world.shadow : base, BUF);
	memcpy(outcome->out, out, sizeof(out));
	memcpy(outcome->far, far, sizeof(far));
	outcome->regs[TRAP_RDI] -= (uintptr_t)base;
	if (insn->flags & RSI_MEM)
		outcome->regs[TRAP_RSI] -= (uintptr_t)far;
	if (outcome->regs[14] == (uintptr_t)in)
		outcome->regs[14] = 0;
	if (outcome->regs[15] == (uintptr_t)out)
		outcome->regs[15] = 0;
	outcome->regs[TRAP_RSP] = 0;
}

static void compare(const struct insn *insn, const struct outcome *want,
		    const struct outcome *got)
{
	for (int i = 0; i < TRAP_REGS; i++)
		if (want->regs[i] != got->regs[i])
			fail_msg("%s: register %d: %#lx, processor %#lx",
				 insn->name, i, got->regs[i], want->regs[i]);
	if (memcmp(want->mem, got->mem, BUF))
		fail_msg("%s: memory differs", insn->name);
	if (memcmp(want->out, got->out, sizeof(want->out)))
		fail_msg("%s: vector registers differ", insn->name);
	if (memcmp(want->far, got->far, BUF))
		fail_msg("%s: the other operand differs", insn->name);
}

/* False: the engine refused. */
static bool run_trapped(const struct insn *insn, const struct setup *setup,
			struct outcome *outcome)
{
	if (sigsetjmp(world.failed, 1))
		return false;
	run(insn, setup, world.trapped, outcome);
	return true;
}

static void instructions_do_what_the_processor_does(void **state)
{
	struct outcome want, got;
	unsigned int ran = 0;
	struct setup setup;

	take_signal();
	srandom(7);
	for (size_t i = 0; i < sizeof(insns) / sizeof(insns[0]); i++) {
		const struct insn *insn = &insns[i];

		if (!supported(insn->flags))
			continue;
		for (int round = 0; round < ROUNDS; round++) {
			prepare(&setup, insn->flags);
			memcpy(world.plain, setup.mem, BUF);
			memcpy(world.shadow, setup.mem, BUF);
			run(insn, &setup, world.plain, &want);
			world.accesses = 0;
			if (!run_trapped(insn, &setup, &got))
				fail_msg("%s: %s", insn->name,
					 strerror(-world.result));
			compare(insn, &want, &got);
			if (!world.accesses && !(insn->flags & COUNT))
				fail_msg("%s: never trapped", insn->name);
		}
		ran++;
	}
	print_message("# %u instructions, %d rounds each\n", ran, ROUNDS);
	assert_true(ran > 90);
}

/* ------------------------------------------------------ other operands --- */

uint8_t trap_test_page[2 * PAGE] __attribute__((aligned(4096)));

__asm__(".text\n.type insn_rip, @function\n"
	"insn_rip: mov trap_test_page+16(%rip), %rax\n"
	"addl $0x11223344, trap_test_page+24(%rip)\n ret\n"
	".type insn_gs, @function\n"
	"insn_gs: mov %gs:8, %rax\n incl %gs:16(%rdx)\n ret\n"
	".type insn_call, @function\n"
	"insn_call: call *(%rdi)\n ret\n"
	".type insn_masked, @function\n"
	"insn_masked: vpcmpeqd %ymm0, %ymm0, %ymm0\n"
	"vmaskmovps (%rdi), %ymm0, %ymm1\n ret\n"
	".type insn_rep, @function\n"
	"insn_rep: rep stosl\n ret\n");
extern const uint8_t insn_rip[] __attribute__((visibility("hidden")));
extern const uint8_t insn_gs[] __attribute__((visibility("hidden")));
extern const uint8_t insn_call[] __attribute__((visibility("hidden")));
extern const uint8_t insn_masked[] __attribute__((visibility("hidden")));
extern const uint8_t insn_rep[] __attribute__((visibility("hidden")));

static void addresses_relative_to_the_instruction(void **state)
{
	uint64_t want[TRAP_REGS] = { [TRAP_FLAGS] = 0x202 };
	uint64_t got[TRAP_REGS] = { [TRAP_FLAGS] = 0x202 };
	uint8_t before[PAGE], *trapped = world.trapped;

	take_signal();
	fill(trap_test_page, PAGE);
	memcpy(before, trap_test_page, PAGE);
	trap_run(want, insn_rip, NULL, 0);
	memcpy(world.shadow, before, PAGE);
	memcpy(before, trap_test_page, PAGE);
	world.trapped = trap_test_page;
	mprotect(trap_test_page, PAGE, PROT_NONE);
	assert_int_equal(sigsetjmp(world.failed, 1), 0);
	trap_run(got, insn_rip, NULL, 0);
	mprotect(trap_test_page, PAGE, PROT_READ | PROT_WRITE);
	world.trapped = trapped;
	assert_memory_equal(want, got, sizeof(want));
	assert_memory_equal(before, world.shadow, PAGE);
}

static void segment_bases_count(void **state)
{
	uint64_t want[TRAP_REGS] = { [TRAP_FLAGS] = 0x202, [TRAP_RDX] = 4 };
	uint64_t got[TRAP_REGS] = { [TRAP_FLAGS] = 0x202, [TRAP_RDX] = 4 };
	unsigned long old;

	take_signal();
	fill(world.plain, BUF);
	memcpy(world.shadow, world.plain, BUF);
	syscall(SYS_arch_prctl, ARCH_GET_GS, &old);
	syscall(SYS_arch_prctl, ARCH_SET_GS, world.plain);
	trap_run(want, insn_gs, NULL, 0);
	syscall(SYS_arch_prctl, ARCH_SET_GS, world.trapped);
	assert_int_equal(sigsetjmp(world.failed, 1), 0);
	trap_run(got, insn_gs, NULL, 0);
	syscall(SYS_arch_prctl, ARCH_SET_GS, old);
	assert_memory_equal(want, got, sizeof(want));
	assert_memory_equal(world.plain, world.shadow, BUF);
}

static int result_of(const uint8_t *code)
{
	uint64_t regs[TRAP_REGS] = {
		[TRAP_FLAGS] = 0x202,
		[TRAP_RCX] = 4,
		[TRAP_RDI] = (uintptr_t)world.trapped + AT,
	};

	world.result = 0;
	if (!sigsetjmp(world.failed, 1))
		trap_run(regs, code, NULL, 0);
	return world.result;
}

static void refused_instructions_touch_nothing(void **state)
{
	take_signal();
	world.accesses = 0;
	assert_int_equal(result_of(insn_call), -EOPNOTSUPP);
	if (supported(AVX))
		assert_int_equal(result_of(insn_masked), -EOPNOTSUPP);
	assert_int_equal(world.accesses, 0);
}

static void errors_of_the_bus_come_back(void **state)
{
	take_signal();
	world.error = -EIO;
	assert_int_equal(result_of(insn_load32), -EIO);
	assert_int_equal(result_of(insn_store64), -EIO);
	assert_int_equal(result_of(insn_add_imm), -EIO);
	assert_int_equal(result_of(insn_cmpxchg16b), -EIO);
	assert_int_equal(result_of(insn_rep), -EIO);
	world.error = 0;
}

/* Elements that the mask leaves out are not touched. */
static void masks_leave_elements_out(void **state)
{
	uint64_t regs[TRAP_REGS] = {
		[TRAP_FLAGS] = 0x202,
		[TRAP_RCX] = 0x8005,
		[TRAP_RDI] = (uintptr_t)world.trapped + AT,
	};
	uint8_t block[128] = { 0 };

	take_signal();
	regs[14] = (uintptr_t)block;
	regs[15] = (uintptr_t)block;
	world.accesses = 0;
	world.sizes = 0;
	assert_int_equal(sigsetjmp(world.failed, 1), 0);
	trap_run(regs, insn_zmask_store, NULL, 0);
	assert_int_equal(world.accesses, 3);
	assert_int_equal(world.sizes, 4);
}

static void widths_are_the_programs(void **state)
{
	static const struct {
		const uint8_t *code;
		unsigned int accesses, sizes;
	} cases[] = {
		{ insn_load8, 1, 1 },	    { insn_store16, 1, 2 },
		{ insn_load32, 1, 4 },	    { insn_store64, 1, 8 },
		{ insn_add_imm, 2, 4 },	    { insn_rep, 4, 4 },
		{ insn_cmp_mem_imm, 1, 4 },
	};

	take_signal();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world.accesses = 0;
		world.sizes = 0;
		assert_int_equal(result_of(cases[i].code), 0);
		assert_int_equal(world.accesses, cases[i].accesses);
		assert_int_equal(world.sizes, cases[i].sizes);
	}
}

/* Random bytes are decoded, perhaps refused, and never crash the decoder. */
static void any_bytes_can_be_decoded(void **state)
{
	uint8_t bytes[TRAP_INSN_MAX];
	struct trap_insn insn;

	srandom(11);
	for (unsigned int i = 0; i < 200000; i++) {
		fill(bytes, sizeof(bytes));
		trap_decode(bytes, (unsigned int)random() % 16, &insn);
		assert_true(insn.len <= TRAP_INSN_MAX);
		if (insn.kind == TRAP_RUN)
			assert_true(insn.stub_len <= TRAP_INSN_MAX &&
				    insn.mem.size <= 64);
	}
}

static int setup_world(void **state)
{
	world.trapped = mmap(NULL, PAGE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	world.plain = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	world.shadow = calloc(1, PAGE);
	if (world.trapped == MAP_FAILED || world.plain == MAP_FAILED ||
	    !world.shadow)
		return -1;
	return trap_engine_create(&world.engine);
}

static int teardown_world(void **state)
{
	trap_engine_destroy(world.engine);
	munmap(world.trapped, PAGE);
	munmap(world.plain, PAGE);
	free(world.shadow);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instructions_do_what_the_processor_does),
		cmocka_unit_test(addresses_relative_to_the_instruction),
		cmocka_unit_test(segment_bases_count),
		cmocka_unit_test(refused_instructions_touch_nothing),
		cmocka_unit_test(errors_of_the_bus_come_back),
		cmocka_unit_test(widths_are_the_programs),
		cmocka_unit_test(any_bytes_can_be_decoded),
		/* last: not on every processor */
		cmocka_unit_test(masks_leave_elements_out),
	};
	size_t nr = sizeof(tests) / sizeof(tests[0]) - !supported(AVX512);

	return _cmocka_run_group_tests("tests", tests, nr, setup_world,
				       teardown_world);
}
