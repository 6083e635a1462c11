/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_msi_test.c - interrupts of a guest's device: a message is a write, which the
 * guest's tables lead first, and the host's then, to the doorbell; where it does not
 * arrive there is an event that says so.
 */
#include <stdio.h>
#include <unistd.h>

#include "guest_msi.h"

#define STALLS (UINT64_C(1) << 44) /* of a CD */

/* ------------------------------------------------------- one stage alone -- */

static void with_stage_1_or_stage_2_alone(void **state)
{
	int efd = eventfd_ok();
	uint32_t parent, pt;
	struct scene s;

	scene_open(&s, 1);
	client_msix_ok(&s.dev[0], &efd, 1);
	send_msi(&s.dev[0]);
	assert_int_equal(fired(efd), 1);
	assert_int_equal(hwpt_alloc(&s, 0, s.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
				    &parent),
			 0);
	pt = parent;
	assert_int_equal(attach(&s, 0, &pt), 0);
	send_msi(&s.dev[0]);
	assert_int_equal(fired(efd), 1);
	assert_int_equal(detach(&s, 0), 0);
	send_msi(&s.dev[0]);
	assert_int_equal(fired(efd), 0);
	close(efd);
	scene_close(&s);
}

/* The guest's stage bypassed: the window is where the parent has it. */
static void through_a_guest_that_does_not_translate(void **state)
{
	uint32_t bypass, abort;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	assert_int_equal(nested_alloc(&g, g.viommu, 0x9, 0, &bypass), 0);
	assert_int_equal(nested_alloc(&g, g.viommu, 0x1, 0, &abort), 0);
	attach_ok(&g, bypass);
	expect_fires(&g, efd);
	/* What the guest has asked for is no event. */
	attach_ok(&g, abort);
	send_msi(&g.s.dev[0]);
	assert_int_equal(fired(efd), 0);
	attach_ok(&g, bypass);
	expect_fires(&g, efd);
	close_with_vector(&g, efd);
}

/* ------------------------------------------------------------ both stages -- */

static void not_mapped_by_the_guest_is_its_fault(void **state)
{
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	/* No table, then a table with nothing. */
	expect_event(&g, efd, F_TRANSLATION, DOORBELL);
	lead(&g, DOORBELL, 0);
	expect_event(&g, efd, F_TRANSLATION, DOORBELL);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	forget(&g, DOORBELL);
	expect_fires(&g, efd);
	expect_fires(&g, efd);
	close_with_vector(&g, efd);
}

static void read_only_is_not_enough(void **state)
{
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	lead(&g, DOORBELL, MSI_FIRST | READ_ONLY);
	expect_event(&g, efd, F_PERMISSION, DOORBELL);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	forget(&g, DOORBELL);
	expect_fires(&g, efd);
	lead(&g, DOORBELL, MSI_FIRST | READ_ONLY);
	forget(&g, DOORBELL);
	expect_event(&g, efd, F_PERMISSION, DOORBELL);
	close_with_vector(&g, efd);
}

/* To the doorbell, to memory of the guest, to nothing, to where stage 2 has none. */
static void interrupts_go_where_the_guest_says(void **state)
{
	struct event event;
	uint32_t *mem, message;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	mem = (uint32_t *)(void *)page(&g, DATA + 3);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	expect_fires(&g, efd);
	lead(&g, DOORBELL, gpa(DATA + 3) | READ_WRITE);
	forget(&g, DOORBELL);
	mem[0x40 / 4] = ~0u;
	send_msi(&g.s.dev[0]);
	assert_int_equal(fired(efd), 0);
	assert_int_equal(next_event(&g, &event), 0);
	message = mem[0x40 / 4];
	assert_int_not_equal(message, ~0u);
	lead(&g, DOORBELL, 0);
	forget(&g, DOORBELL);
	expect_event(&g, efd, F_TRANSLATION, DOORBELL);
	lead(&g, DOORBELL, (MSI_FIRST + PAGE) | READ_WRITE);
	expect_unmapped(&g, efd, DOORBELL, MSI_FIRST + PAGE);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	forget(&g, DOORBELL);
	expect_fires(&g, efd);
	/* That was the message: who writes it there raises it. */
	assert_int_equal(writes(&g, DOORBELL, message, 4), TESTEP_OK);
	assert_int_equal(fired(efd), 1);
	command(&g, 0x10, 0);
	lead(&g, DOORBELL, 0);
	command(&g, 0x10, 0);
	expect_event(&g, efd, F_TRANSLATION, DOORBELL);
	close_with_vector(&g, efd);
}

/* Back and forth between the guest's tables and the host's alone. */
static void attaching_moves_no_vector(void **state)
{
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	for (unsigned int i = 0; i < 3; i++) {
		expect_fires(&g, efd);
		attach_ok(&g, g.parent);
		expect_fires(&g, efd);
		attach_ioas(&g);
		expect_fires(&g, efd);
		attach_ok(&g, g.nested);
	}
	close_with_vector(&g, efd);
}

/* A device that can be stalled waits with its message until the guest has mapped. */
static void a_message_that_waits(void **state)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct iommu_hwpt_page_response answer = { .code = 0 };
	struct iommu_hwpt_pgfault fault;
	struct uiommu_machine *machine;
	int efd = eventfd_ok(), fd;
	struct event event;
	struct guest g;
	uint32_t pt;

	guard_ok();
	machine = machine_ok("testep:stall");
	scene_join(&g.s, machine, 0, 1);
	guest_start(&g);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	page(&g, 0)[0] |= STALLS;
	assert_int_equal(scene_ioctl(&g.s, IOMMU_FAULT_QUEUE_ALLOC, &queue), 0);
	fd = (int)queue.out_fault_fd;
	assert_int_equal(nested_alloc_with(&g, g.viommu, STE_S1_0, STE_S1_1,
					   queue.out_fault_id, &pt),
			 0);
	attach_ok(&g, pt);
	for (unsigned int i = 0; i < 2; i++) {
		send_msi(&g.s.dev[0]);
		assert_int_equal(fired(efd), 0);
		assert_int_equal(next_event(&g, &event), 0);
		assert_int_equal(uiommu_abi_read(g.s.abi, fd, (uintptr_t)&fault,
						 sizeof(fault)),
				 sizeof(fault));
		assert_int_equal(fault.addr, DOORBELL);
		assert_int_equal(fault.perm, IOMMU_PGFAULT_PERM_WRITE);
		/* Refused, then mapped. */
		if (i)
			lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
		answer.cookie = fault.cookie;
		answer.code = i ? IOMMUFD_PAGE_RESP_SUCCESS
				: IOMMUFD_PAGE_RESP_INVALID;
		assert_int_equal(uiommu_abi_write(g.s.abi, fd,
						  (uintptr_t)&answer,
						  sizeof(answer)),
				 sizeof(answer));
		assert_int_equal(fired(efd), i);
	}
	expect_fires(&g, efd);
	close(efd);
	assert_int_equal(uiommu_abi_close(g.s.abi, fd), 0);
	guest_close(&g);
	uiommu_machine_destroy(machine);
}

/* A device that works by itself: its chain ends with an interrupt. */
static void the_DMA_engine_of_a_guest(void **state)
{
	struct uiommu_machine *machine;
	int efd = eventfd_ok();
	struct ioat_desc *desc;
	struct event event;
	struct client *c;
	struct guest g;

	guard_ok();
	machine = machine_ok("ioat");
	scene_join(&g.s, machine, 0, 1);
	guest_start(&g);
	c = &g.s.dev[0];
	ioat_init(c);
	client_msix_ok(c, &efd, 1);
	point(&g, 1, 1, DATA + 1);
	desc = (struct ioat_desc *)(void *)page(&g, DATA + 1);
	for (unsigned int i = 0; i < 2; i++) {
		memset(desc, 0, sizeof(*desc));
		desc->size = 8;
		desc->ctl = IOAT_CTL_INT;
		desc->src = IOVA;
		desc->dst = IOVA + PAGE + 0x800;
		desc->next = IOVA + PAGE;
		assert_int_equal(ioat_run(c, IOVA + PAGE, 1), IOAT_STS_DONE);
		/* Copied in any case. */
		assert_int_equal(page(&g, DATA + 1)[0x100], word_of(DATA));
		page(&g, DATA + 1)[0x100] = 0;
		assert_int_equal(fired(efd), i);
		assert_int_equal(next_event(&g, &event), i ? 0 : sizeof(event));
		if (i)
			break;
		assert_int_equal(event.smmu.evt[0] & 0xff, F_TRANSLATION);
		assert_int_equal(event.smmu.evt[2], DOORBELL);
		lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	}
	close(efd);
	guest_close(&g);
	uiommu_machine_destroy(machine);
}

/* ------------------------------------------------------------ two guests -- */

static void two_guests_have_their_own(void **state)
{
	struct two t;

	two_open(&t);
	lead(&t.g[0], DOORBELL, MSI_FIRST | READ_WRITE);
	only_fires(&t, 0);
	only_faults(&t, 1, DOORBELL);
	lead(&t.g[1], DOORBELL, MSI_FIRST | READ_WRITE);
	only_fires(&t, 1);
	only_fires(&t, 0);
	/* What one takes away stays with the other, by its TLB entry, too. */
	lead(&t.g[0], DOORBELL, 0);
	command(&t.g[0], 0x10, 0);
	only_faults(&t, 0, DOORBELL);
	only_fires(&t, 1);
	two_close(&t);
}

/* ------------------------------------------------------------ the doorbell -- */

/* What --explain says has such a line. */
static bool explained(struct uiommu_machine *machine, const char *line)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool found;

	assert_non_null(out);
	uiommu_machine_report(machine, UIOMMU_REPORT_EXPLAIN, out);
	fclose(out);
	found = strstr(text, line);
	free(text);
	return found;
}

/*
 * Numbers of nobody go nowhere, and those of others' vectors as well: the doorbell
 * knows who writes.
 */
static void nobody_rings_for_another(void **state)
{
	struct event event;
	struct two t;

	two_open(&t);
	for (unsigned int i = 0; i < 2; i++)
		lead(&t.g[i], DOORBELL, MSI_FIRST | READ_WRITE);
	for (unsigned int i = 0; i < 2; i++) {
		/* By its ATC as well. */
		for (uint32_t message = 0; message < 300; message++) {
			assert_int_equal(writes(&t.g[i], DOORBELL, message, 4),
					 TESTEP_OK);
			assert_int_equal(writes_as(&t.g[i], 0, DOORBELL,
						   message, 4),
					 TESTEP_OK);
		}
		assert_int_equal(fired(t.efd[i]), 2);
		assert_int_equal(fired(t.efd[!i]), 0);
		assert_int_equal(writes(&t.g[i], DOORBELL, ~0u, 4), TESTEP_OK);
		assert_int_equal(fired(t.efd[i]), 0);
		assert_int_equal(next_event(&t.g[i], &event), 0);
	}
	assert_true(explained(t.machine, "doorbell     1,198 messages of no "
					 "vector of their device\n"));
	two_close(&t);
}

/* What is no message ends as an access that nobody answers. */
static void only_messages_are_taken(void **state)
{
	static const struct {
		uint64_t at;
		uint32_t len;
	} bad[] = { { 0, 8 },	   { 0, 2 },	 { 0, 1 },	  { 0, 64 },
		    { 4, 4 },	   { -4ull, 4 }, { -4ull, 8 },	  { 0xfbc, 4 },
		    { -64ull, 4 }, { 1, 4 },	 { -64ull, 4096 } };
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(writes(&g, DOORBELL + bad[i].at, 0,
					bad[i].len),
				 TESTEP_ABORTED);
	assert_int_equal(testep_go(&g.s.dev[0], 5,
				   TESTEP_READ | TESTEP_UNTRANSLATED, DOORBELL,
				   4),
			 TESTEP_ABORTED);
	assert_int_equal(fired(efd), 0);
	expect_fires(&g, efd);
	close_with_vector(&g, efd);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(with_stage_1_or_stage_2_alone),
		cmocka_unit_test(through_a_guest_that_does_not_translate),
		cmocka_unit_test(not_mapped_by_the_guest_is_its_fault),
		cmocka_unit_test(read_only_is_not_enough),
		cmocka_unit_test(interrupts_go_where_the_guest_says),
		cmocka_unit_test(attaching_moves_no_vector),
		cmocka_unit_test(a_message_that_waits),
		cmocka_unit_test(the_DMA_engine_of_a_guest),
		cmocka_unit_test(two_guests_have_their_own),
		cmocka_unit_test(nobody_rings_for_another),
		cmocka_unit_test(only_messages_are_taken),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
