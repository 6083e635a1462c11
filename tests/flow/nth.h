/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nth.h - calls on a whole machine with the nth allocation failing, for each n:
 * the machine's dump, with addresses as numbers, is the same byte for byte after
 * the call as before it.
 */
#ifndef TESTS_FLOW_NTH_H
#define TESTS_FLOW_NTH_H

#include "client.h"

struct nth_call {
	const char *name;
	long (*run)(void *ctx); /* negative: it failed */
	void (*undo)(void *ctx);
	/* With nothing failing any more, after each run; may be NULL. */
	void (*check)(void *ctx, bool done);
	unsigned int least; /* times that it fails */
	bool copies;	    /* those from and to the client fail too */
};

/* Objects and tables of the machine; to be freed. */
char *machine_text(struct uiommu_machine *machine);
/* The machine is as it was then; `what` and `n` name the call if not. */
void expect_text(struct uiommu_machine *machine, const char *was,
		 const char *what, unsigned int n);
/* In the end it is done, and undone. */
void nth_each(struct uiommu_machine *machine, const struct nth_call *call,
	      void *ctx);

#endif /* TESTS_FLOW_NTH_H */
