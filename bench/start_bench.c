/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/start: what `uiommu run -- true` takes from its start to its end, and
 * run/start/bare: the same program by itself.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "bench.h"

#define STARTS 5u

extern char **environ;

static void start(char *const *argv)
{
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) ||
	    waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "bench: %s does not run\n", argv[0]);
		exit(1);
	}
}

static void run_true(struct bench_run *run)
{
	char *const *argv = run->arg;

	bench_start(run);
	for (unsigned int i = 0; i < STARTS; i++)
		start(argv);
	bench_stop(run, STARTS);
}

void start_bench_register(struct bench *b);

void start_bench_register(struct bench *b)
{
	static char program[] = UIOMMU_PROGRAM, verb[] = "run", dashes[] = "--",
		    what[] = "true";
	static char *const under[] = { program, verb, dashes, what, NULL };
	static char *const bare[] = { what, NULL };

	bench_add(b, &(struct bench_row){ .name = "run/start",
					  .fn = run_true,
					  .arg = (void *)(uintptr_t)under });
	bench_add(b, &(struct bench_row){ .name = "run/start/bare",
					  .fn = run_true,
					  .arg = (void *)(uintptr_t)bare });
}
