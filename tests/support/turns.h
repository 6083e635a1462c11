/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * turns.h - how long threads are left to fight: a time, and on a busy machine
 * as much longer as it takes for each to have had a turn.
 */
#ifndef TESTS_TURNS_H
#define TESTS_TURNS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/atomic.h"

#define TURNS_PATIENCE_MS 60000

static inline uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* How long a case goes on: UIOMMU_STRESS_SECONDS, or `ms` if it does not say. */
static inline unsigned int stress_ms(unsigned int ms)
{
	const char *env = getenv("UIOMMU_STRESS_SECONDS");
	double seconds = env ? atof(env) : 0;

	return seconds > 0 ? (unsigned int)(seconds * 1000) : ms;
}

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
	const uint64_t from = now_ms();
	uint64_t passed;

	do {
		nanosleep(&slice, NULL);
		passed = now_ms() - from;
	} while (passed < ms || (passed < ms + TURNS_PATIENCE_MS &&
				 !all_had_turns(counts, nr)));
	return all_had_turns(counts, nr);
}

#endif
