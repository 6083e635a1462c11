/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * orders.h - calls of the driver in every order of the steps that they consist of.
 *
 * The actors are coroutines that take turns where the driver takes a lock or
 * rings the doorbell of its queue: between the store to an entry and the commands
 * that follow it, and between those for the entry and those for the ATCs.  What one
 * run chose, and what it might have chosen, is remembered: the next run takes the
 * next choice, until there is none left: all orders, or those in which a turn is
 * taken away from somebody no more than a few times (where more is needed to go
 * wrong, it goes wrong in few orders).
 */
#ifndef TESTS_ORDERS_H
#define TESTS_ORDERS_H

#include <stdbool.h>

#include <uiommu/platform.h>

#define ORDERS_ACTORS 4u
#define ORDERS_ALL 4096u /* turns, at most */

/* To be set between orders_open and the first run. */
struct orders {
	bool lock_turns; /* at locks too, not only at doorbells */
	/* Who goes on where one has to wait is no choice: for many that wait. */
	bool waits_turn;
	unsigned int max_taken; /* turns taken away in one run */
	void (*look)(void);	/* after each turn */
};
extern struct orders orders;

/* *out: a platform as the one below, for a driver with this doorbell. */
void orders_open(const struct uiommu_platform *under, uiommu_pa_t bell,
		 struct uiommu_platform *out);
void orders_close(void);

/* Before the first run: no actors, and each of them; `twin` of the one before. */
void orders_begin(void);
void orders_add(void (*fn)(unsigned int i), unsigned int index, bool twin);
/* One run of all actors. */
void orders_play(void);
/* The next run's choices; false: there are no more. */
bool orders_advance(void);

#endif /* TESTS_ORDERS_H */
