/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking the next library's functions up.  `syscall` comes last in effect:
 * its being there says that the table is complete.  Resolving twice at the
 * same time is harmless, both threads write the same values.
 */
#include <dlfcn.h>
#include <string.h>

#include "base/atomic.h"
#include "real.h"

struct real real;

/* dlsym() may free what it allocated; there is nothing to call yet then. */
static __thread __attribute__((tls_model("initial-exec"))) bool resolving;

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static void put(void *member, const char *name)
{
	void *sym = next(name);

	memcpy(member, &sym, sizeof(sym));
}

void real_resolve(void)
{
	struct real table;

	if (resolving)
		return;
	resolving = true;
#define REAL_PUT(name) put(&table.name, #name);
	REAL_FUNCTIONS(REAL_PUT)
#undef REAL_PUT
	for (size_t i = 0; i < sizeof(table) / sizeof(void *); i++) {
		void **from = (void **)(void *)&table + i;
		void **to = (void **)(void *)&real + i;

		if (to != (void **)(void *)&real.syscall)
			store_relaxed(to, *from);
	}
	store_release((void **)(void *)&real.syscall,
		      (void *)(uintptr_t)table.syscall);
	resolving = false;
}
