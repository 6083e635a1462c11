/* SPDX-License-Identifier: BSD-2-Clause */
/* insn.h - what scan.c and flow.c know of code. */
#ifndef LAUNCH_MMHOOK_INSN_H
#define LAUNCH_MMHOOK_INSN_H

#include <Zydis/Zydis.h>

#include "mmhook.h"

struct mm_insn {
	ZydisDecodedInstruction raw;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

struct mm_function {
	const uint8_t *first;
	const uint8_t *end;
};

bool mm_decode(const uint8_t *at, const uint8_t *end, struct mm_insn *insn);
/* Does it never go on to the next instruction? */
bool mm_insn_ends(const struct mm_insn *insn);

enum mm_carries {
	MM_CARRIES_NOTHING, /* no instruction starts there */
	MM_CARRIES_OTHER,   /* only numbers that nobody has to know of */
	MM_CARRIES_OURS,    /* always a number that was read in the code */
	MM_CARRIES_PERHAPS, /* any number */
};

/* The system call instruction at `at`, a part of fn: which calls does it make? */
enum mm_carries mm_carries(const struct mm_function *fn, const uint8_t *at);

/* Of the function last asked about: does anything jump to `at`? */
bool mm_is_target(const uint8_t *at);
/*
 * Of that function too: the first padding from `after` on that is never run,
 * and its end; or NULL.
 */
const uint8_t *mm_dead_padding(const struct mm_function *fn,
			       const uint8_t *after, const uint8_t **end);

#endif /* LAUNCH_MMHOOK_INSN_H */
