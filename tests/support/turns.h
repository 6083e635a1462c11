/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * turns.h - how long threads are left to fight: a time, and on a busy machine
 * as much longer as it takes for each to have had a turn.
 */
#ifndef TESTS_TURNS_H
#define TESTS_TURNS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/atomic.h"

#define TURNS_PATIENCE_MS 60000

/* Counters that threads raise by turn(), alone or together. */
static inline void turn(uint64_t *count)
{
	fetch_add_relaxed(count, 1);
}

static inline bool all_had_turns(const uint64_t *const *counts, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (!load_relaxed(counts[i]))
			return false;
	return true;
}

/* False: somebody has had none. */
static inline bool let_fight(unsigned int ms, const uint64_t *const *counts,
			     unsigned int nr)
{
	const struct timespec slice = { 0, 10 * 1000000L };
	struct timespec from, now;
	uint64_t passed;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		nanosleep(&slice, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		passed = (uint64_t)(now.tv_sec - from.tv_sec) * 1000 +
			 (uint64_t)(now.tv_nsec / 1000000) -
			 (uint64_t)(from.tv_nsec / 1000000);
	} while (passed < ms || (passed < ms + TURNS_PATIENCE_MS &&
				 !all_had_turns(counts, nr)));
	return all_had_turns(counts, nr);
}

#endif
