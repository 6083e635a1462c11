/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uiommu-bench [--json FILE] [--reps N] [--scale N] [--list] [SUBSTRING]
 *
 * To add a file: bench/<x>_bench.c with <x>_bench_register(), its name in
 * bench/meson.build, two lines here.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_PGTABLE_BENCH
void pgtable_bench_register(struct bench *b);
#endif
#ifdef HAVE_MODEL_BENCH
void model_bench_register(struct bench *b);
#endif
#ifdef HAVE_DRIVER_BENCH
void driver_bench_register(struct bench *b);
#endif
#ifdef HAVE_FAULT_BENCH
void fault_bench_register(struct bench *b);
#endif
#ifdef HAVE_NESTED_BENCH
void nested_bench_register(struct bench *b);
#endif
#ifdef HAVE_PASID_BENCH
void pasid_bench_register(struct bench *b);
#endif
#ifdef HAVE_IOAS_BENCH
void ioas_bench_register(struct bench *b);
#endif
#ifdef HAVE_ABI_BENCH
void abi_bench_register(struct bench *b);
#endif
#ifdef HAVE_MM_BENCH
void mm_bench_register(struct bench *b);
#endif
#ifdef HAVE_RUN_BENCH
void run_bench_register(struct bench *b);
#endif
#ifdef HAVE_START_BENCH
void start_bench_register(struct bench *b);
#endif

static void register_all(struct bench *b)
{
#ifdef HAVE_PGTABLE_BENCH
	pgtable_bench_register(b);
#endif
#ifdef HAVE_MODEL_BENCH
	model_bench_register(b);
#endif
#ifdef HAVE_DRIVER_BENCH
	driver_bench_register(b);
#endif
#ifdef HAVE_FAULT_BENCH
	fault_bench_register(b);
#endif
#ifdef HAVE_NESTED_BENCH
	nested_bench_register(b);
#endif
#ifdef HAVE_PASID_BENCH
	pasid_bench_register(b);
#endif
#ifdef HAVE_IOAS_BENCH
	ioas_bench_register(b);
#endif
#ifdef HAVE_ABI_BENCH
	abi_bench_register(b);
#endif
#ifdef HAVE_MM_BENCH
	mm_bench_register(b);
#endif
#ifdef HAVE_RUN_BENCH
	run_bench_register(b);
#endif
#ifdef HAVE_START_BENCH
	start_bench_register(b);
#endif
}

static int usage(const char *what)
{
	fprintf(stderr,
		"bench: %s\n"
		"usage: uiommu-bench [--json FILE] [--reps N] [--scale N] "
		"[--list] [SUBSTRING]\n",
		what);
	return 2;
}

int main(int argc, char **argv)
{
	struct bench_options options = { .reps = 7, .scale = 1000 };
	struct bench *b;
	int rc;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			options.list = true;
		} else if (!strcmp(argv[i], "--json") && i + 1 < argc) {
			options.json = argv[++i];
		} else if (!strcmp(argv[i], "--reps") && i + 1 < argc) {
			options.reps =
				(unsigned int)strtoul(argv[++i], NULL, 10);
			if (!options.reps || options.reps > 1000)
				return usage("--reps: 1 to 1000");
		} else if (!strcmp(argv[i], "--scale") && i + 1 < argc) {
			options.scale =
				(unsigned int)strtoul(argv[++i], NULL, 10);
			if (options.scale < 10 || options.scale > 10000)
				return usage("--scale: 10 to 10000");
		} else if (argv[i][0] == '-' || options.filter) {
			return usage(argv[i]);
		} else {
			options.filter = argv[i];
		}
	}
	b = bench_create(&options);
	register_all(b);
	rc = bench_execute(b);
	bench_destroy(b);
	return rc;
}
