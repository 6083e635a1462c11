/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest on a whole machine: stream table entries, commands and answers
 * that it makes up, contexts and tables that point anywhere and change while they
 * are walked, devices that access what they like.
 *
 * It may hurt itself.  After each step another guest, which has the same addresses,
 * PASIDs, ASIDs and StreamIDs, and the host find everything as it should be
 * (guest_fuzz_others.c); after each input, when the guest is gone, the machine is
 * what it was before: same objects, same registers, same tables.
 *
 * An input is a list of steps: a byte that says which, and its operands.  With
 * FUZZ_TRACE set in the environment each step is told.
 */
#include "guest_fuzz.h"

#define MAX_STEPS 100u

static void write_line(void *ctx, const char *line, size_t len)
{
	assert_int_equal(fwrite(line, 1, len, ctx), len);
}

static char *machine_text(struct fuzz *f, uint32_t parts)
{
	struct uiommu_dump dump = {
		.parts = parts,
		.write = write_line,
	};
	char *text = NULL;
	size_t len;

	dump.ctx = open_memstream(&text, &len);
	assert_non_null(dump.ctx);
	assert_int_equal(uiommu_machine_dump(f->machine, &dump), 0);
	fclose(dump.ctx);
	return text;
}

static void bad_open(struct fuzz *f)
{
	f->vsids = 3u << VSID; /* NR_DEVICES of them */
	f->nr_flips = 0;
	f->taken = 0;
	f->trusted = true;
	memset(f->cookie, 0, sizeof(f->cookie));
	memset(f->bad.mem, 0, GEN_SIZE);
	vmm_open(&f->bad, f->machine, f->bad.mem, 0, NR_DEVICES);
}

/* The machine and all but the hostile guest live as long as the program. */
static struct fuzz *start(void)
{
	struct fuzz *f = calloc(1, sizeof(*f));

	/* An expectation that does not hold stops the program at the spot. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	assert_non_null(f);
	f->trace = getenv("FUZZ_TRACE");
	f->machine = machine_ok("testep,testep:stall,testep,testep,testep");
	f->abi = uiommu_machine_abi(f->machine);
	others_open(f);
	/* What is made once and kept is there after the first time. */
	bad_open(f);
	step_old(f, 0);
	old_close(f);
	vmm_close(&f->bad);
	f->objects = machine_text(f, UIOMMU_DUMP_OBJECTS);
	f->tables = machine_text(f, UIOMMU_DUMP_TABLES);
	return f;
}

static void step(struct fuzz *f)
{
	uint8_t which = fuzz_u8(&f->in);

	if (which < 0x60)
		step_call(f, which);
	else if (which < 0xa0)
		step_memory(f, which - 0x60u);
	else if (which < 0xe8)
		step_device(f, which - 0xa0u);
	else
		step_old(f, which - 0xe8u);
}

static void expect_text(struct fuzz *f, uint32_t parts, const char *idle)
{
	char *text = machine_text(f, parts);

	if (strcmp(text, idle))
		say(f, "was\n%sis\n%s", idle, text);
	assert_string_equal(text, idle);
	free(text);
}

/* Tables take longer than all the rest, and are looked at after few inputs. */
static void finish(struct fuzz *f, size_t size)
{
	old_close(f);
	vmm_close(&f->bad);
	others_check(f, true);
	expect_text(f, UIOMMU_DUMP_OBJECTS, f->objects);
	if (size % 8 == 0)
		expect_text(f, UIOMMU_DUMP_TABLES, f->tables);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz *f;

	if (!f)
		f = start();
	f->in = (struct fuzz_input){ data, size };
	bad_open(f);
	for (unsigned int i = 0; i < MAX_STEPS && f->in.left; i++) {
		step(f);
		others_check(f, i % 16 == 15);
	}
	others_check(f, true);
	finish(f, size);
	return 0;
}
