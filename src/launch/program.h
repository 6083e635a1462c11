/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * program.h - can a program be preloaded into?
 *
 * Used by `uiommu run` before it starts one and by the library when the
 * program executes another.
 */
#ifndef LAUNCH_PROGRAM_H
#define LAUNCH_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

enum program_kind {
	PROGRAM_OK,
	PROGRAM_MISSING, /* no such file, not executable */
	PROGRAM_REFUSED, /* there, but it cannot be preloaded into */
};

struct program {
	enum program_kind kind;
	char reason[128]; /* a clause for a message; empty when OK */
	bool asan;	  /* links gcc's AddressSanitizer run-time */
	char asan_lib[256];
};

/* Find `name` as execvp(3) does; the path in buf or false. */
bool program_find(const char *name, const char *path_env, char *buf,
		  size_t size);
/* Look at a file, through "#!" lines to the interpreter. */
void program_check(const char *path, struct program *program);

#endif /* LAUNCH_PROGRAM_H */
