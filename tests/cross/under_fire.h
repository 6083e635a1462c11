/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * under_fire.h - changes while readers never stop: each access has to find a state
 * that was in force at some time while it was under way.
 *
 * States are numbered by the changes that lead to them, 0 before the first.  Each
 * reader that a change concerns, for it shows it another word than before, gets ten
 * accesses or more from just before it until just after, and old and new each a fifth
 * of them at least: those who change wait for it, so that this does not depend on the
 * machine.  An access that begins when the change has returned finds the new one.
 */
#ifndef TESTS_UNDER_FIRE_H
#define TESTS_UNDER_FIRE_H

#include <stdbool.h>
#include <stdint.h>

#define UNDER_FIRE_READERS 4u

struct under_fire {
	void *arg;
	unsigned int readers;
	uint64_t changes;
	/* What a reader finds; `aborted`: nothing.  Each in its own thread. */
	uint64_t (*access)(void *arg, unsigned int reader);
	uint64_t aborted;
	/* In the thread of the caller. */
	void (*change)(void *arg, uint64_t nr);
	/* Any thread, the same each time it is asked. */
	uint64_t (*shown)(void *arg, unsigned int reader, uint64_t nr);
	/* May accesses be aborted while change `nr` is under way?  NULL: never. */
	bool (*aborts)(void *arg, uint64_t nr);
};

/* Fails the test if it is otherwise. */
void under_fire(const struct under_fire *u);

#endif /* TESTS_UNDER_FIRE_H */
