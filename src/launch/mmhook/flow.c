/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which numbers can be in eax when a system call instruction runs?
 *
 * The function is decoded from its start, and then followed backwards from
 * the instruction over every way that leads there, until each way has met a
 * constant, through copies from other registers.  A way that meets anything
 * else, or the start of the function, makes the number unknown.  Where a table
 * of jumps leads is not known; it is taken that none leads to between a number
 * and its call, and copies are not followed in such a function.
 */
#include "insn.h"

enum {
	OPS_MAX = 8192,	   /* instructions of one function */
	VISITS_MAX = 4096, /* steps backwards */
	REGS = 16,
};

struct op {
	const uint8_t *at;
	const uint8_t *target; /* of a direct jump, or NULL */
	uint16_t seen;	       /* registers that were asked for before it */
	bool ends;	       /* never goes on to the next one */
};

struct query {
	uint16_t op;
	uint8_t reg;
};

/* Scratch memory, under the state's lock: too large for a stack. */
static struct {
	struct op op[OPS_MAX];
	unsigned int nr;
	struct query todo[VISITS_MAX];
	unsigned int nr_todo;
	bool indirect; /* somewhere is a jump to where nobody can tell */
} flow;

bool mm_decode(const uint8_t *at, const uint8_t *end, struct mm_insn *insn)
{
	ZydisDecoder decoder;

	return ZYAN_SUCCESS(ZydisDecoderInit(&decoder,
					     ZYDIS_MACHINE_MODE_LONG_64,
					     ZYDIS_STACK_WIDTH_64)) &&
	       ZYAN_SUCCESS(ZydisDecoderDecodeFull(
		       &decoder, at, (size_t)(end - at), &insn->raw, insn->op));
}

bool mm_insn_ends(const struct mm_insn *insn)
{
	switch (insn->raw.mnemonic) {
	case ZYDIS_MNEMONIC_JMP:
	case ZYDIS_MNEMONIC_RET:
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_INT3:
		return true;
	default:
		return false;
	}
}

/* 0 to 15 as in the encoding; -1: not a general register. */
static int number_of(ZydisRegister reg)
{
	reg = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
	if (reg < ZYDIS_REGISTER_RAX || reg > ZYDIS_REGISTER_R15)
		return -1;
	return reg - ZYDIS_REGISTER_RAX;
}

static bool writes(const struct mm_insn *insn, unsigned int reg)
{
	/* rax rcx rdx rsi rdi r8 to r11: what a callee may use. */
	const uint16_t scratch = 0x0fc7;

	if (insn->raw.meta.category == ZYDIS_CATEGORY_CALL &&
	    (scratch >> reg & 1))
		return true;
	if (insn->raw.mnemonic == ZYDIS_MNEMONIC_SYSCALL && reg == 0)
		return true;
	for (unsigned int i = 0; i < insn->raw.operand_count; i++) {
		const ZydisDecodedOperand *op = &insn->op[i];

		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
		    number_of(op->reg.value) == (int)reg)
			return true;
	}
	return false;
}

enum effect {
	KEEPS,	  /* the register */
	CONSTANT, /* makes it *value */
	COPIES,	  /* makes it what register *value is */
	OTHER,
};

static enum effect effect_on(const struct mm_insn *insn, unsigned int reg,
			     long *value)
{
	const ZydisDecodedOperand *op = insn->op;

	if (!writes(insn, reg))
		return KEEPS;
	if (insn->raw.operand_count < 2 || op[0].size < 32 ||
	    op[0].type != ZYDIS_OPERAND_TYPE_REGISTER)
		return OTHER;
	if (insn->raw.mnemonic == ZYDIS_MNEMONIC_MOV &&
	    op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		*value = (long)(int)op[1].imm.value.s;
		return CONSTANT;
	}
	if (op[1].type != ZYDIS_OPERAND_TYPE_REGISTER)
		return OTHER;
	if (insn->raw.mnemonic == ZYDIS_MNEMONIC_XOR &&
	    op[0].reg.value == op[1].reg.value) {
		*value = 0;
		return CONSTANT;
	}
	*value = number_of(op[1].reg.value);
	if (insn->raw.mnemonic == ZYDIS_MNEMONIC_MOV && *value >= 0)
		return COPIES;
	return OTHER;
}

/* Decode the function; false: `at` is not the start of an instruction. */
static bool load(const struct mm_function *fn, const uint8_t *at,
		 unsigned int *i)
{
	bool found = false;
	struct mm_insn insn;

	flow.nr = 0;
	flow.indirect = false;
	for (const uint8_t *p = fn->first; p < fn->end; p += insn.raw.length) {
		struct op *op = &flow.op[flow.nr];

		if (flow.nr == OPS_MAX || !mm_decode(p, fn->end, &insn)) {
			/* Whatever follows may jump anywhere. */
			flow.indirect = true;
			break;
		}
		*op = (struct op){ .at = p, .ends = mm_insn_ends(&insn) };
		if (p == at) {
			*i = flow.nr;
			found = true;
		}
		flow.nr++;
		if (insn.raw.meta.category != ZYDIS_CATEGORY_COND_BR &&
		    insn.raw.mnemonic != ZYDIS_MNEMONIC_JMP)
			continue;
		if (insn.op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			op->target =
				p + insn.raw.length + insn.op[0].imm.value.s;
		else
			flow.indirect = true;
	}
	return found;
}

/* Ask what register `reg` was before instruction i. */
static bool ask(unsigned int i, unsigned int reg)
{
	struct op *op = &flow.op[i];

	if (op->seen >> reg & 1)
		return true;
	if (flow.nr_todo == VISITS_MAX)
		return false;
	op->seen |= (uint16_t)(1u << reg);
	flow.todo[flow.nr_todo++] = (struct query){ (uint16_t)i, (uint8_t)reg };
	return true;
}

/* The way back goes through instruction i; false: to who knows where. */
static bool step(const struct mm_function *fn, unsigned int i, unsigned int reg,
		 bool *ours)
{
	struct mm_insn insn;
	long value;

	if (!mm_decode(flow.op[i].at, fn->end, &insn))
		return false;
	switch (effect_on(&insn, reg, &value)) {
	case KEEPS:
		return ask(i, reg);
	case COPIES:
		return !flow.indirect && ask(i, (unsigned int)value);
	case CONSTANT:
		*ours |= mm_is_call(value);
		return true;
	default:
		return false;
	}
}

/*
 * Where nothing leads to, padding is run by nobody; anything else may be where
 * a table of jumps or an exception leads.
 */
static bool is_padding(const struct mm_function *fn, unsigned int i)
{
	struct mm_insn insn;

	return mm_decode(flow.op[i].at, fn->end, &insn) &&
	       insn.raw.mnemonic == ZYDIS_MNEMONIC_NOP;
}

enum mm_carries mm_carries(const struct mm_function *fn, const uint8_t *at)
{
	bool known = true, ours = false;
	unsigned int i = 0;

	if (!load(fn, at, &i))
		return MM_CARRIES_NOTHING;
	flow.nr_todo = 0;
	ask(i, 0);
	for (unsigned int done = 0; known && done < flow.nr_todo; done++) {
		struct query q = flow.todo[done];
		const uint8_t *to = flow.op[q.op].at;
		bool reached = false;

		if (q.op && !flow.op[q.op - 1].ends) {
			known = step(fn, q.op - 1, q.reg, &ours);
			reached = true;
		}
		for (unsigned int k = 0; known && k < flow.nr; k++) {
			if (flow.op[k].target != to)
				continue;
			known = step(fn, k, q.reg, &ours);
			reached = true;
		}
		known = known && q.op && (reached || is_padding(fn, q.op));
	}
	if (!known)
		return MM_CARRIES_PERHAPS;
	return ours ? MM_CARRIES_OURS : MM_CARRIES_OTHER;
}

const uint8_t *mm_dead_padding(const struct mm_function *fn,
			       const uint8_t *after, const uint8_t **end)
{
	for (unsigned int i = 1; i < flow.nr; i++) {
		const uint8_t *first = flow.op[i].at;

		if (first < after || !flow.op[i - 1].ends || !is_padding(fn, i))
			continue;
		while (i < flow.nr && is_padding(fn, i) &&
		       !mm_is_target(flow.op[i].at))
			i++;
		*end = i < flow.nr ? flow.op[i].at : first;
		if (*end > first)
			return first;
	}
	return NULL;
}

bool mm_is_target(const uint8_t *at)
{
	for (unsigned int i = 0; i < flow.nr; i++)
		if (flow.op[i].target == at)
			return true;
	return false;
}
