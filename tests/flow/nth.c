/* SPDX-License-Identifier: BSD-2-Clause */
/* nth.c - see nth.h. */
#include <inttypes.h>
#include <stdio.h>

#include "machine/machine_private.h"
#include "nth.h"

static void print_line(void *ctx, const char *line, size_t len)
{
	assert_int_equal(fwrite(line, 1, len, ctx), len);
}

static void number(void *ctx, uint64_t addr, uint64_t size, char *buf,
		   size_t len)
{
	snprintf(buf, len, "0x%" PRIx64, addr);
}

char *machine_text(struct uiommu_machine *machine)
{
	struct uiommu_dump dump = {
		.parts = UIOMMU_DUMP_OBJECTS | UIOMMU_DUMP_TABLES,
		.write = print_line,
		.address = number,
	};
	char *text = NULL;
	size_t len;

	dump.ctx = open_memstream(&text, &len);
	assert_non_null(dump.ctx);
	assert_int_equal(uiommu_machine_dump(machine, &dump), 0);
	fclose(dump.ctx);
	return text;
}

void expect_text(struct uiommu_machine *machine, const char *was,
		 const char *what, unsigned int n)
{
	char *is = machine_text(machine);

	if (strcmp(is, was))
		print_error("%s, %u: before\n%safter\n%s", what, n, was, is);
	assert_string_equal(is, was);
	free(is);
}

static void arm(struct uiommu_machine *machine, const struct nth_call *call,
		unsigned int n)
{
	if (call->copies)
		uiommu_machine_fail_nth(machine, n);
	else
		(void)uiommu_host_fail_nth(machine->host, n);
}

/* Run it with the nth of them failing; whether there was an nth one. */
static bool run_once(struct uiommu_machine *machine,
		     const struct nth_call *call, void *ctx, unsigned int n,
		     long *rc)
{
	bool fired;

	arm(machine, call, n);
	*rc = call->run(ctx);
	fired = uiommu_host_fail_nth(machine->host, 0);
	arm(machine, call, 0);
	if (*rc < 0 && !fired)
		print_error("%s: %ld\n", call->name, *rc);
	assert_true(*rc >= 0 || fired);
	if (call->check)
		call->check(ctx, *rc >= 0);
	return fired;
}

void nth_each(struct uiommu_machine *machine, const struct nth_call *call,
	      void *ctx)
{
	unsigned int failed = 0;
	char *was = machine_text(machine);
	long rc;

	for (unsigned int n = 1; run_once(machine, call, ctx, n, &rc); n++) {
		if (rc >= 0)
			call->undo(ctx);
		else
			failed++;
		expect_text(machine, was, call->name, n);
	}
	free(was);
	call->undo(ctx);
	if (failed < call->least)
		print_error("%s: %u failures\n", call->name, failed);
	assert_true(failed >= call->least);
}
