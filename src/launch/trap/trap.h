/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.h - finish an instruction whose memory operand lies where no memory is.
 *
 * A mapped BAR is address space without access.  The processor stops at each
 * load or store there; this engine takes the instruction apart, does its
 * memory accesses through a bus of functions, and leaves the registers as the
 * instruction would have.  It knows nothing of devices or signals' policy.
 */
#ifndef LAUNCH_TRAP_H
#define LAUNCH_TRAP_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

/*
 * Memory as the instruction sees it.  Accesses are 1, 2, 4 or 8 bytes and
 * aligned.  0; -EFAULT: nothing there (SIGSEGV); -EIO: bus error (SIGBUS).
 */
struct trap_bus {
	void *ctx;
	int (*read)(void *ctx, uint64_t addr, unsigned int size, uint64_t *val);
	int (*write)(void *ctx, uint64_t addr, unsigned int size, uint64_t val);
};

struct trap_engine;

/*
 * An engine keeps copies of instructions it has met.  Used from any thread
 * and from signal handlers.  -ENOMEM.
 */
int trap_engine_create(struct trap_engine **out);
/* No instruction may be under way. */
void trap_engine_destroy(struct trap_engine *engine);

#define TRAP_INSN_MAX 15

/* What could not be done, for the message. */
struct trap_failure {
	uint64_t addr; /* of the access that failed */
	unsigned int len;
	uint8_t bytes[TRAP_INSN_MAX];
};

/*
 * Do the instruction at the context's program counter and step over it.  0;
 * an error of the bus; -EOPNOTSUPP: a form that is not understood.  On error
 * the context is unchanged but for what a repeated string instruction has
 * done already, and *failure is filled in.
 */
int trap_emulate(struct trap_engine *engine, ucontext_t *uc,
		 const struct trap_bus *bus, struct trap_failure *failure);

#endif /* LAUNCH_TRAP_H */
