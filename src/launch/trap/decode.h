/* SPDX-License-Identifier: BSD-2-Clause */
/* decode.h - what the engine needs to know of one instruction. */
#ifndef LAUNCH_TRAP_DECODE_H
#define LAUNCH_TRAP_DECODE_H

#include "trap.h"

/* General registers by their number in the encoding; -1: none. */
enum {
	TRAP_RAX,
	TRAP_RCX,
	TRAP_RDX,
	TRAP_RBX,
	TRAP_RSP,
	TRAP_RBP,
	TRAP_RSI,
	TRAP_RDI,
	TRAP_GPRS = 16,
	TRAP_FLAGS = 16,
	TRAP_REGS = 17,
};

enum trap_kind {
	TRAP_BAD,   /* not understood */
	TRAP_LOAD,  /* register = memory, zero or sign extended */
	TRAP_STORE, /* memory = register or immediate */
	TRAP_RUN,   /* anything with one memory operand: run a copy */
	TRAP_MOVS,  /* string moves, perhaps repeated */
	TRAP_STOS,
	TRAP_LODS,
	TRAP_PUSH,     /* memory to stack */
	TRAP_POP,      /* stack to memory */
	TRAP_MOVDIR64, /* 64 bytes from memory to memory */
	TRAP_SKIP,     /* cache hints */
};

struct trap_operand_gpr {
	int8_t num;
	uint8_t size;  /* bytes */
	uint8_t shift; /* 8 for AH, CH, DH, BH */
};

struct trap_mem {
	int8_t base;
	int8_t index;
	uint8_t scale;
	uint8_t seg;  /* 0, 'F' or 'G' */
	bool rip;     /* base is the next instruction */
	bool addr32;  /* only 32 bits of the address count */
	uint8_t size; /* bytes accessed */
	bool reads;
	bool writes;
	int64_t disp;
};

struct trap_insn {
	uint8_t bytes[TRAP_INSN_MAX];
	uint8_t len;
	uint8_t kind;
	bool sign;	/* TRAP_LOAD: sign extend */
	bool immediate; /* TRAP_STORE: of imm */
	bool rep;
	bool vector;	 /* touches more than general registers */
	uint8_t scratch; /* register that carries the operand's address */
	uint8_t stub_len;
	uint8_t stub[TRAP_INSN_MAX];
	uint8_t mask_reg;  /* K1 to K7: only elements it names; 0: all */
	uint8_t elem_size; /* bytes, with mask_reg */
	int8_t bit_reg;	   /* bit string: register with the bit number */
	uint8_t bit_size;
	struct trap_operand_gpr reg;
	struct trap_mem mem;
	int64_t imm;
};

/*
 * Take bytes apart.  Fills in everything; an instruction that cannot be done
 * comes back with kind TRAP_BAD.
 */
void trap_decode(const uint8_t *bytes, unsigned int len,
		 struct trap_insn *insn);

#endif /* LAUNCH_TRAP_DECODE_H */
