/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doing an instruction: addresses from registers, memory accesses through the
 * bus, results back into the signal's context.
 *
 * Registers are copied out by their number in the encoding, worked on, and
 * written back only when every memory access has succeeded.  Decoded
 * instructions are remembered per thread by address; the bytes are compared
 * on every use, because code may be unloaded or rewritten.
 */
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <asm/prctl.h>

#include <uiommu/host.h>

#include "base/bits.h"
#include "decode.h"
#include "run.h"

/* The state that only a signal frame of a processor with XSAVE carries. */
#define XSTATE_MAGIC 0x46505853u
#define XSTATE_SW_BYTES 464
#define XSTATE_HEADER 512
#define XSTATE_MASKS 5

enum {
	CACHE_ENTRIES = 16
};

struct cache_entry {
	uint64_t pc;
	struct trap_insn insn;
};

static __thread __attribute__((tls_model(
	"initial-exec"))) struct cache_entry insn_cache[CACHE_ENTRIES];

static const int greg_of[TRAP_GPRS] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8,	 REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

/* One instruction under way. */
struct step {
	struct trap_engine *engine;
	const struct trap_bus *bus;
	const struct trap_insn *insn;
	ucontext_t *uc;
	uint64_t pc;
	uint64_t regs[TRAP_REGS];
	uint64_t fail_addr;
};

/* --------------------------------------------------- the bus, any size --- */

/* The largest aligned power of two that fits. */
static unsigned int piece(uint64_t addr, unsigned int len)
{
	unsigned int size = 8;

	while (size > len || addr % size)
		size /= 2;
	return size;
}

static int step_read(struct step *st, uint64_t addr, void *dst,
		     unsigned int len)
{
	uint8_t *to = dst;

	while (len) {
		unsigned int size = piece(addr, len);
		uint64_t val = 0;
		int rc = st->bus->read(st->bus->ctx, addr, size, &val);

		if (rc) {
			st->fail_addr = addr;
			return rc;
		}
		memcpy(to, &val, size);
		to += size;
		addr += size;
		len -= size;
	}
	return 0;
}

static int step_write(struct step *st, uint64_t addr, const void *src,
		      unsigned int len)
{
	const uint8_t *from = src;

	while (len) {
		unsigned int size = piece(addr, len);
		uint64_t val = 0;
		int rc;

		memcpy(&val, from, size);
		rc = st->bus->write(st->bus->ctx, addr, size, val);
		if (rc) {
			st->fail_addr = addr;
			return rc;
		}
		from += size;
		addr += size;
		len -= size;
	}
	return 0;
}

/* ---------------------------------------------------------- registers ---- */

static uint64_t gpr_get(const struct step *st,
			const struct trap_operand_gpr *gpr)
{
	return (st->regs[gpr->num] >> gpr->shift) & mask_lg2(gpr->size * 8);
}

/* As the processor: 32-bit results clear the upper half, smaller ones stay. */
static void gpr_set(struct step *st, const struct trap_operand_gpr *gpr,
		    uint64_t val)
{
	uint64_t mask = mask_lg2(gpr->size * 8) << gpr->shift;
	uint64_t *reg = &st->regs[gpr->num];

	if (gpr->size == 4)
		*reg = (uint32_t)val;
	else
		*reg = (*reg & ~mask) | ((val << gpr->shift) & mask);
}

static uint64_t segment_base(uint8_t seg)
{
	unsigned long base = 0;

	if (seg)
		syscall(SYS_arch_prctl, seg == 'F' ? ARCH_GET_FS : ARCH_GET_GS,
			&base);
	return base;
}

static uint64_t wrap(const struct trap_mem *mem, uint64_t addr)
{
	return mem->addr32 ? (uint32_t)addr : addr;
}

static uint64_t mem_addr(const struct step *st)
{
	const struct trap_mem *mem = &st->insn->mem;
	uint64_t addr = (uint64_t)mem->disp;

	if (mem->rip)
		addr += st->pc + st->insn->len;
	if (mem->base >= 0)
		addr += st->regs[mem->base];
	if (mem->index >= 0)
		addr += st->regs[mem->index] * mem->scale;
	return wrap(mem, addr) + segment_base(mem->seg);
}

/* -------------------------------------------------------------- moves ---- */

static int do_load(struct step *st)
{
	const struct trap_insn *insn = st->insn;
	unsigned int bits = insn->mem.size * 8;
	uint64_t val = 0;
	int rc = step_read(st, mem_addr(st), &val, insn->mem.size);

	if (rc)
		return rc;
	if (insn->sign)
		val = (uint64_t)((int64_t)(val << (64 - bits)) >> (64 - bits));
	gpr_set(st, &insn->reg, val);
	return 0;
}

static int do_store(struct step *st)
{
	const struct trap_insn *insn = st->insn;
	uint64_t val = insn->immediate ? (uint64_t)insn->imm
				       : gpr_get(st, &insn->reg);

	return step_write(st, mem_addr(st), &val, insn->mem.size);
}

static int do_push(struct step *st)
{
	unsigned int size = st->insn->mem.size;
	uint64_t val = 0;
	int rc = step_read(st, mem_addr(st), &val, size);

	if (!rc)
		rc = step_write(st, st->regs[TRAP_RSP] - size, &val, size);
	if (!rc)
		st->regs[TRAP_RSP] -= size;
	return rc;
}

static int do_pop(struct step *st)
{
	unsigned int size = st->insn->mem.size;
	uint64_t val = 0;
	int rc = step_read(st, st->regs[TRAP_RSP], &val, size);

	if (rc)
		return rc;
	/* An address by RSP is computed after the increment. */
	st->regs[TRAP_RSP] += size;
	return step_write(st, mem_addr(st), &val, size);
}

static int do_movdir64(struct step *st)
{
	uint8_t block[64];
	uint64_t dst = wrap(&st->insn->mem, gpr_get(st, &st->insn->reg));
	int rc;

	if (dst % sizeof(block))
		return -EFAULT;
	rc = step_read(st, mem_addr(st), block, sizeof(block));
	return rc ? rc : step_write(st, dst, block, sizeof(block));
}

/* ------------------------------------------------------------ strings ---- */

/* Advance an index register of a string instruction. */
static void string_advance(struct step *st, unsigned int num)
{
	const struct trap_mem *mem = &st->insn->mem;
	uint64_t by = mem->size;

	if (st->regs[TRAP_FLAGS] & 0x400)
		by = -by;
	st->regs[num] = wrap(mem, st->regs[num] + by);
}

static int string_once(struct step *st)
{
	const struct trap_mem *mem = &st->insn->mem;
	struct trap_operand_gpr acc = { TRAP_RAX, mem->size, 0 };
	uint64_t from = wrap(mem, st->regs[TRAP_RSI]) + segment_base(mem->seg);
	uint64_t to = wrap(mem, st->regs[TRAP_RDI]);
	uint64_t val = gpr_get(st, &acc);
	int rc = 0;

	if (st->insn->kind != TRAP_STOS)
		rc = step_read(st, from, &val, mem->size);
	if (rc)
		return rc;
	if (st->insn->kind == TRAP_LODS)
		gpr_set(st, &acc, val);
	else
		rc = step_write(st, to, &val, mem->size);
	if (rc)
		return rc;
	if (st->insn->kind != TRAP_STOS)
		string_advance(st, TRAP_RSI);
	if (st->insn->kind != TRAP_LODS)
		string_advance(st, TRAP_RDI);
	return 0;
}

static void store_regs(struct step *st)
{
	greg_t *gregs = st->uc->uc_mcontext.gregs;

	for (unsigned int i = 0; i < TRAP_GPRS; i++)
		gregs[greg_of[i]] = (greg_t)st->regs[i];
	gregs[REG_EFL] = (greg_t)st->regs[TRAP_FLAGS];
}

/* What has been done counts, as on the processor, even if the next fails. */
static int do_string(struct step *st)
{
	const struct trap_mem *mem = &st->insn->mem;
	uint64_t *count = &st->regs[TRAP_RCX];
	int rc = 0;

	if (!st->insn->rep)
		return string_once(st);
	while (wrap(mem, *count) && !rc) {
		rc = string_once(st);
		if (!rc)
			*count = wrap(mem, *count - 1);
	}
	if (rc)
		store_regs(st);
	return rc;
}

/* ------------------------------------------------- running a copy -------- */

/* The extended state of the frame and which parts of it there are. */
static void *frame_xstate(ucontext_t *uc, uint64_t *mask)
{
	uint8_t *area = (uint8_t *)uc->uc_mcontext.fpregs;
	uint32_t magic;

	*mask = 0;
	if (!area)
		return NULL;
	memcpy(&magic, area + XSTATE_SW_BYTES, sizeof(magic));
	if (magic == XSTATE_MAGIC)
		memcpy(mask, area + XSTATE_SW_BYTES + 8, sizeof(*mask));
	return area;
}

/* Which byte a bit string instruction means, and the bit within. */
static int64_t bit_string_offset(struct step *st, uint64_t *bit)
{
	const struct trap_insn *insn = st->insn;
	unsigned int bits = insn->bit_size * 8;
	int64_t off = (int64_t)(st->regs[insn->bit_reg] << (64 - bits)) >>
		      (64 - bits);

	*bit = (uint64_t)off & (bits - 1);
	return (off - (int64_t)*bit) / 8;
}

/* Where the mask registers lie in the state; 0: the processor has none. */
static uint32_t mask_offset(void)
{
	uint32_t size, offset, c, d;

	__cpuid_count(0xd, 5, size, offset, c, d);
	return size ? offset : 0;
}

/* Which elements are accessed, a bit for each. */
static int element_mask(const struct step *st, const uint8_t *xstate,
			uint64_t parts, uint64_t *mask)
{
	uint32_t offset = mask_offset();
	uint64_t present;

	*mask = ~UINT64_C(0);
	if (!st->insn->mask_reg)
		return 0;
	if (!xstate || !(parts & BIT64(XSTATE_MASKS)) || !offset)
		return -EOPNOTSUPP;
	*mask = 0;
	memcpy(&present, xstate + XSTATE_HEADER, sizeof(present));
	if (present & BIT64(XSTATE_MASKS))
		memcpy(mask, xstate + offset + 8 * st->insn->mask_reg, 8);
	return 0;
}

/* Move the operand between bus and scratch, elements of the mask only. */
static int transfer(struct step *st, uint64_t addr, uint8_t *scratch,
		    uint64_t mask, bool write)
{
	unsigned int size = st->insn->mem.size;
	unsigned int elem = st->insn->mask_reg ? st->insn->elem_size : size;
	int rc = 0;

	for (unsigned int at = 0; at < size && !rc;) {
		unsigned int len = 0;

		while (at + len < size && mask >> (at + len) / elem & 1)
			len += elem;
		if (len)
			rc = write ? step_write(st, addr + at, scratch + at,
						len)
				   : step_read(st, addr + at, scratch + at,
					       len);
		at += len + (at + len < size ? elem : 0);
	}
	return rc;
}

static int do_run(struct step *st)
{
	const struct trap_insn *insn = st->insn;
	uint8_t scratch[64] __attribute__((aligned(64))) = { 0 };
	const void *stub = trap_stub_get(st->engine, insn);
	uint64_t addr = mem_addr(st), regs[TRAP_REGS], bit, parts = 0, mask;
	void *xstate = NULL;
	int rc = 0;

	if (!stub)
		return -EOPNOTSUPP;
	memcpy(regs, st->regs, sizeof(regs));
	if (insn->bit_reg >= 0) {
		addr += (uint64_t)bit_string_offset(st, &bit);
		regs[insn->bit_reg] = bit;
	}
	if (insn->vector) {
		xstate = frame_xstate(st->uc, &parts);
		if (!xstate)
			return -EOPNOTSUPP;
	}
	rc = element_mask(st, xstate, parts, &mask);
	if (!rc && insn->mem.reads)
		rc = transfer(st, addr, scratch, mask, false);
	if (rc)
		return rc;
	regs[insn->scratch] = (uint64_t)(uintptr_t)scratch;
	/* No single-stepping and no alignment checks in here. */
	regs[TRAP_FLAGS] &= ~UINT64_C(0x40100);
	trap_run(regs, stub, xstate, parts);
	if (insn->mem.writes)
		rc = transfer(st, addr, scratch, mask, true);
	if (rc)
		return rc;
	regs[TRAP_FLAGS] |= st->regs[TRAP_FLAGS] & UINT64_C(0x40100);
	regs[insn->scratch] = st->regs[insn->scratch];
	regs[TRAP_RSP] = st->regs[TRAP_RSP];
	if (insn->bit_reg >= 0)
		regs[insn->bit_reg] = st->regs[insn->bit_reg];
	memcpy(st->regs, regs, sizeof(regs));
	return 0;
}

/* -------------------------------------------------------------- whole ---- */

/* Up to 15 bytes of code; the next page may not be there. */
static unsigned int fetch(uint64_t pc, uint8_t *bytes)
{
	const void *code = (const void *)(uintptr_t)pc;
	unsigned int left = 4096 - (unsigned int)(pc % 4096);

	if (!uiommu_guard_copy(bytes, code, TRAP_INSN_MAX))
		return TRAP_INSN_MAX;
	if (left < TRAP_INSN_MAX && !uiommu_guard_copy(bytes, code, left))
		return left;
	return 0;
}

static const struct trap_insn *lookup(uint64_t pc)
{
	struct cache_entry *entry = &insn_cache[pc % CACHE_ENTRIES];
	uint8_t bytes[TRAP_INSN_MAX];
	unsigned int len = fetch(pc, bytes);

	if (entry->pc == pc && entry->insn.len <= len &&
	    !memcmp(entry->insn.bytes, bytes, entry->insn.len))
		return &entry->insn;
	trap_decode(bytes, len, &entry->insn);
	entry->pc = pc;
	return &entry->insn;
}

static int step_do(struct step *st)
{
	switch (st->insn->kind) {
	case TRAP_LOAD:
		return do_load(st);
	case TRAP_STORE:
		return do_store(st);
	case TRAP_RUN:
		return do_run(st);
	case TRAP_MOVS:
	case TRAP_STOS:
	case TRAP_LODS:
		return do_string(st);
	case TRAP_PUSH:
		return do_push(st);
	case TRAP_POP:
		return do_pop(st);
	case TRAP_MOVDIR64:
		return do_movdir64(st);
	case TRAP_SKIP:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

int trap_emulate(struct trap_engine *engine, ucontext_t *uc,
		 const struct trap_bus *bus, struct trap_failure *failure)
{
	greg_t *gregs = uc->uc_mcontext.gregs;
	uint64_t pc = (uint64_t)gregs[REG_RIP];
	struct trap_insn insn = *lookup(pc); /* a nested trap may evict it */
	struct step st = {
		.engine = engine,
		.bus = bus,
		.insn = &insn,
		.uc = uc,
		.pc = pc,
	};
	int rc;

	for (unsigned int i = 0; i < TRAP_GPRS; i++)
		st.regs[i] = (uint64_t)gregs[greg_of[i]];
	st.regs[TRAP_FLAGS] = (uint64_t)gregs[REG_EFL];
	rc = step_do(&st);
	if (rc) {
		failure->addr = st.fail_addr;
		failure->len = insn.len;
		memcpy(failure->bytes, insn.bytes, sizeof(failure->bytes));
		return rc;
	}
	store_regs(&st);
	gregs[REG_RIP] = (greg_t)(pc + insn.len);
	return 0;
}
