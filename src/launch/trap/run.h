/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h - run a copy of an instruction on a given set of registers. */
#ifndef LAUNCH_TRAP_RUN_H
#define LAUNCH_TRAP_RUN_H

#include "decode.h"

struct trap_engine {
	struct trap_stub *stubs; /* keys; see run.c */
	uint8_t *code;		 /* executable, one slot per key */
};

/*
 * An executable copy of insn->stub followed by a return; NULL when the table
 * is full or executable memory cannot be had.
 */
const void *trap_stub_get(struct trap_engine *engine,
			  const struct trap_insn *insn);

/*
 * Load regs (by number, flags last; RSP is ignored), run the stub, store the
 * registers.  `xstate`, if any, is loaded before and stored after, the parts
 * that `mask` names; mask 0 means the old FXSAVE form.
 */
void trap_run(uint64_t regs[TRAP_REGS], const void *stub, void *xstate,
	      uint64_t mask);

#endif /* LAUNCH_TRAP_RUN_H */
