/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness.  Repetitions go round over all rows instead of row by row, so
 * that a noisy moment of the machine does not spoil all samples of one row.
 */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64
#define MAX_TRIES 8

struct entry {
	struct bench_row row;
	double *ns; /* per operation, one for each repetition */
	uint64_t ops;
};

struct bench {
	struct bench_options options;
	struct entry *entries;
	size_t nr;
};

void bench_fail(const char *file, const char *what)
{
	fprintf(stderr, "%s: %s failed\n", file, what);
	exit(1);
}

uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t bench_preemptions(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage))
		return 0;
	return (uint64_t)usage.ru_nivcsw;
}

static void *memory(void *p)
{
	must(p, "malloc");
	return p;
}

struct bench *bench_create(const struct bench_options *options)
{
	struct bench *b = memory(calloc(1, sizeof(*b)));

	b->options = *options;
	return b;
}

void bench_destroy(struct bench *b)
{
	for (size_t i = 0; i < b->nr; i++)
		free(b->entries[i].ns);
	free(b->entries);
	free(b);
}

void bench_add(struct bench *b, const struct bench_row *row)
{
	struct entry *e;

	if (b->options.filter && !strstr(row->name, b->options.filter))
		return;
	b->entries = memory(realloc(b->entries, (b->nr + 1) * sizeof(*e)));
	e = &b->entries[b->nr++];
	*e = (struct entry){ .row = *row };
	if (!e->row.threads)
		e->row.threads = 1;
	e->ns = memory(calloc(b->options.reps, sizeof(*e->ns)));
}

struct worker {
	pthread_t thread;
	unsigned int index;
	unsigned int *ready;
	unsigned int nr;
	void (*fn)(void *arg, unsigned int thread);
	void *arg;
	uint64_t start;
	uint64_t end;
	bool disturbed;
};

static void pin(unsigned int index)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	if (cpus < 1)
		return;
	CPU_ZERO(&set);
	CPU_SET(index % (unsigned int)cpus, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	uint64_t switches;

	pin(w->index);
	__atomic_fetch_add(w->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(w->ready, __ATOMIC_ACQUIRE) < w->nr)
		;
	switches = bench_preemptions();
	w->start = bench_now_ns();
	w->fn(w->arg, w->index);
	w->end = bench_now_ns();
	w->disturbed = bench_preemptions() != switches;
	return NULL;
}

void bench_parallel(struct bench_run *run, uint64_t ops_each,
		    void (*fn)(void *arg, unsigned int thread), void *arg)
{
	struct worker workers[MAX_THREADS];
	uint64_t start = UINT64_MAX, end = 0;
	unsigned int ready = 0, nr = run->threads;

	if (nr > MAX_THREADS)
		nr = MAX_THREADS;
	for (unsigned int i = 0; i < nr; i++) {
		workers[i] = (struct worker){ .index = i,
					      .ready = &ready,
					      .nr = nr,
					      .fn = fn,
					      .arg = arg };
		if (pthread_create(&workers[i].thread, NULL, worker_main,
				   &workers[i])) {
			fprintf(stderr, "bench: no thread\n");
			exit(1);
		}
	}
	for (unsigned int i = 0; i < nr; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].start < start)
			start = workers[i].start;
		if (workers[i].end > end)
			end = workers[i].end;
		run->disturbed = run->disturbed || workers[i].disturbed;
	}
	run->ns = end - start;
	run->ops = ops_each;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(const double *values, unsigned int nr)
{
	double *v = memory(malloc(nr * sizeof(*v))), m;

	memcpy(v, values, nr * sizeof(*v));
	qsort(v, nr, sizeof(*v), by_value);
	m = nr & 1 ? v[nr / 2] : (v[nr / 2 - 1] + v[nr / 2]) / 2;
	free(v);
	return m;
}

static void run_once(struct entry *e, unsigned int scale, unsigned int rep,
		     bool keep)
{
	struct bench_run run;
	unsigned int tries = 0;

	if (e->row.once && (!keep || rep)) {
		e->ns[rep] = e->ns[0];
		return;
	}
	do {
		run = (struct bench_run){ .arg = e->row.arg,
					  .threads = e->row.threads,
					  .rep = rep,
					  .scale = scale };
		e->row.fn(&run);
		if (!run.ops) {
			fprintf(stderr, "bench: %s did nothing\n", e->row.name);
			exit(1);
		}
	} while (keep && run.disturbed && !e->row.once && ++tries < MAX_TRIES);
	if (keep)
		e->ns[rep] = (double)run.ns / (double)run.ops;
	e->ops = run.ops;
}

static void print_table(const struct bench *b)
{
	printf("%-34s %3s %12s %12s %14s %10s\n", "name", "thr", "ns/op",
	       "ns/page", "op/s", "min ns/op");
	for (size_t i = 0; i < b->nr; i++) {
		const struct entry *e = &b->entries[i];
		double ns = median(e->ns, b->options.reps), min = e->ns[0];
		char page[32] = "-";

		for (unsigned int r = 1; r < b->options.reps; r++)
			min = e->ns[r] < min ? e->ns[r] : min;
		if (e->row.pages_per_op > 0)
			snprintf(page, sizeof(page), "%.4g",
				 ns / e->row.pages_per_op);
		printf("%-34s %3u %12.2f %12s %14.0f %10.2f%s%s\n", e->row.name,
		       e->row.threads, ns, page, 1e9 / ns * e->row.threads, min,
		       e->row.note ? "  " : "", e->row.note ? e->row.note : "");
	}
}

/* The figures of a note as further members. */
static void print_figures(const char *note, FILE *f)
{
	size_t key;

	while (note && *note) {
		key = strcspn(note, "= ");
		if (note[key] == '=')
			fprintf(f, ",\"%.*s\":%g", (int)key, note,
				strtod(note + key + 1, NULL));
		note += strcspn(note, " ");
		note += strspn(note, " ");
	}
}

static void print_json(const struct bench *b, FILE *f)
{
	fprintf(f, "[\n");
	for (size_t i = 0; i < b->nr; i++) {
		const struct entry *e = &b->entries[i];
		double ns = median(e->ns, b->options.reps);

		fprintf(f, "{\"name\":\"%s\",\"ns_per_op\":%.4f,", e->row.name,
			ns);
		if (e->row.pages_per_op > 0)
			fprintf(f, "\"ns_per_page\":%.6f,",
				ns / e->row.pages_per_op);
		else
			fprintf(f, "\"ns_per_page\":null,");
		fprintf(f, "\"ops_per_s\":%.0f,\"threads\":%u,\"n\":%llu",
			1e9 / ns * e->row.threads, e->row.threads,
			(unsigned long long)e->ops);
		print_figures(e->row.note, f);
		fprintf(f, "}%s\n", i + 1 < b->nr ? "," : "");
	}
	fprintf(f, "]\n");
}

static int write_json(const struct bench *b)
{
	FILE *f = fopen(b->options.json, "w");

	if (!f) {
		fprintf(stderr, "bench: %s: %s\n", b->options.json,
			strerror(errno));
		return 1;
	}
	print_json(b, f);
	if (fclose(f)) {
		fprintf(stderr, "bench: %s: %s\n", b->options.json,
			strerror(errno));
		return 1;
	}
	return 0;
}

int bench_execute(struct bench *b)
{
	if (b->options.list) {
		for (size_t i = 0; i < b->nr; i++)
			printf("%s %u\n", b->entries[i].row.name,
			       b->entries[i].row.threads);
		return 0;
	}
	if (!b->nr) {
		fprintf(stderr, "bench: no name contains \"%s\"\n",
			b->options.filter ? b->options.filter : "");
		return 1;
	}
	for (size_t i = 0; i < b->nr; i++)
		run_once(&b->entries[i], b->options.scale, 0, false);
	for (unsigned int r = 0; r < b->options.reps; r++)
		for (size_t i = 0; i < b->nr; i++)
			run_once(&b->entries[i], b->options.scale, r, true);
	print_table(b);
	return b->options.json ? write_json(b) : 0;
}
