/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h - a small harness: benchmarks by name, medians, a table, JSON.
 *
 * A benchmark file has one function <x>_bench_register() that main.c calls;
 * it adds rows.  A row's function is run once to warm up and then for every
 * repetition; it does its own loop and says how long it took and how many
 * operations that were, by bench_start() and bench_stop(), so that what it
 * prepares is not measured.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct bench;

/* One repetition of one row. */
struct bench_run {
	void *arg;	      /* as registered */
	unsigned int threads; /* as registered */
	unsigned int rep;
	unsigned int scale; /* --scale */
	uint64_t t0;
	uint64_t switches0;
	/* Results, added up over all pairs of start and stop. */
	uint64_t ns;
	uint64_t ops;
	/* The processor was taken away while time was taken. */
	bool disturbed;
};

typedef void (*bench_fn)(struct bench_run *run);

struct bench_row {
	const char *name;
	bench_fn fn;
	void *arg;
	unsigned int threads; /* 0 counts as 1 */
	/* 4K pages that one operation handles; 0: ns_per_page is null. */
	double pages_per_op;
	/*
	 * Further figures, "key=number" separated by spaces; may be NULL, and
	 * may be written by fn.
	 */
	const char *note;
	/* Takes seconds: done once, without warming up. */
	bool once;
};

/* Add a row.  Strings must live as long as the bench. */
void bench_add(struct bench *b, const struct bench_row *row);

/* Ends the program. */
void bench_fail(const char *file, const char *what)
	__attribute__((noreturn, cold));

/* What a row rests on; costs a look only. */
#define must(ok, what)                              \
	do {                                        \
		if (!(ok))                          \
			bench_fail(__FILE__, what); \
	} while (0)

uint64_t bench_now_ns(void);

/* How often this thread lost its processor without asking for it. */
uint64_t bench_preemptions(void);

/*
 * Start and stop may come several times in a repetition.  One that was
 * disturbed is done again a few times, so that other work on the machine does
 * not show as long as it leaves a gap.
 */
static inline void bench_start(struct bench_run *run)
{
	run->switches0 = bench_preemptions();
	run->t0 = bench_now_ns();
}

static inline void bench_stop(struct bench_run *run, uint64_t ops)
{
	run->ns += bench_now_ns() - run->t0;
	run->ops += ops;
	if (bench_preemptions() != run->switches0)
		run->disturbed = true;
}

/*
 * Run fn(arg, thread) on `threads` threads, each on a processor of its own
 * where there are enough, released together; run->ns becomes the time from
 * the first start to the last end and run->ops `ops_each` (so that ns_per_op
 * is wall time per operation of one thread).
 */
void bench_parallel(struct bench_run *run, uint64_t ops_each,
		    void (*fn)(void *arg, unsigned int thread), void *arg);

/* Keep the compiler from dropping a result. */
static inline void bench_use(uint64_t v)
{
	__asm__ volatile("" : : "r"(v) : "memory");
}

static inline uint64_t bench_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

struct bench_options {
	const char *filter; /* only names that contain it; NULL: all */
	const char *json;   /* file for the array; NULL: none */
	unsigned int reps;
	unsigned int scale; /* of rows called scale/..., see there */
	bool list;
};

struct bench *bench_create(const struct bench_options *options);
/* Runs what was added; 0, or 1 after a message. */
int bench_execute(struct bench *b);
void bench_destroy(struct bench *b);

#endif /* BENCH_BENCH_H */
