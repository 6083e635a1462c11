/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_msi_test.c - interrupts of a guest's device: a message is a write, which the
 * guest's tables lead first, and the host's then, to the doorbell; where it does not
 * arrive there is an event that says so.
 *
 * The doorbell page is, at stage 2, at the start of the window for software MSIs,
 * or where a binding has it.
 */
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "guest.h"

#define DOORBELL (MSI_FIRST + 0x40) /* where messages go, in the page */
#define STALLS (UINT64_C(1) << 44)  /* of a CD */
#define READ_WRITE 0xf43u	    /* the attributes of a leaf */
#define READ_ONLY 0xfc3u
#define F_TRANSLATION 0x10
#define F_PERMISSION 0x13
#define TESTEP_IRQ 0x18
#define PAGE_ASID1 UINT64_C(0x0001000000000012)
/* What a binding says: behind the window, and where a guest's own may be. */
#define BOUND_IOVA (MSI_FIRST + UINT64_C(0x100000))
#define BOUND_GPA UINT64_C(0x9090000)

static int eventfd_ok(void)
{
	int efd = eventfd(0, EFD_NONBLOCK);

	assert_true(efd >= 0);
	return efd;
}

/* Signals since it was asked last. */
static uint64_t fired(int efd)
{
	uint64_t count = 0;

	return read(efd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* The device raises its first vector. */
static void raise(struct client *c)
{
	bar_write(c, TESTEP_IRQ, 4, 0);
}

static unsigned int writes_as(struct guest *g, uint32_t how, uint64_t iova,
			      uint64_t what, uint32_t len)
{
	testep_fill(&g->s.dev[0], 5, what);
	return testep_go(&g->s.dev[0], 5, TESTEP_WRITE | how, iova, len);
}

/* It writes there of itself; without PASID, and not by its ATC, as messages are. */
static unsigned int writes(struct guest *g, uint64_t iova, uint64_t what,
			   uint32_t len)
{
	return writes_as(g, TESTEP_UNTRANSLATED, iova, what, len);
}

static void expect_fires(struct guest *g, int efd)
{
	struct event event;

	raise(&g->s.dev[0]);
	assert_int_equal(fired(efd), 1);
	assert_int_equal(next_event(g, &event), 0);
}

/* The one event that is left of an interrupt; it is of a write of data. */
static void expect_lost(struct guest *g, int efd, uint8_t type, uint64_t iova,
			bool s2, uint64_t ipa)
{
	struct event event;

	raise(&g->s.dev[0]);
	assert_int_equal(fired(efd), 0);
	assert_int_equal(next_event(g, &event), sizeof(event));
	assert_int_equal(event.header.flags, 0);
	assert_int_equal(event.smmu.evt[0] & 0xff, type);
	/* Without a PASID; not stalled. */
	assert_int_equal(event.smmu.evt[0] >> 11 & 1, 0);
	assert_int_equal(event.smmu.evt[0] >> 32, VSID);
	assert_int_equal(event.smmu.evt[1] >> 31 & 1, 0);
	assert_int_equal(event.smmu.evt[1] >> 34 & 3, 0);
	assert_int_equal(event.smmu.evt[1] >> 39 & 7, 2 << 1 | s2);
	assert_int_equal(event.smmu.evt[2], iova);
	assert_int_equal(event.smmu.evt[3], ipa);
	assert_int_equal(next_event(g, &event), 0);
}

/* At the guest's stage. */
static void expect_event(struct guest *g, int efd, uint8_t type, uint64_t iova)
{
	expect_lost(g, efd, type, iova, false, 0);
}

/* At the host's, which hears of it as well. */
static void expect_unmapped(struct guest *g, int efd, uint64_t iova,
			    uint64_t ipa)
{
	unsigned int before = uiommu_machine_check(g->s.machine);

	expect_lost(g, efd, F_TRANSLATION, iova, true, ipa);
	assert_int_equal(uiommu_machine_check(g->s.machine), before + 1);
}

/*
 * What the guest's tables of ASID 1 have at a doorbell's IOVA, 0: nothing.  SPARE is
 * the table around MSI_FIRST.
 */
static void lead(struct guest *g, uint64_t iova, uint64_t leaf)
{
	page(g, TABLES + 1)[MSI_FIRST >> 21 & 511] = gpa(SPARE) | 3;
	page(g, SPARE)[iova >> 12 & 511] = leaf;
}

static void forget(struct guest *g, uint64_t iova)
{
	command(g, PAGE_ASID1, (iova & ~(PAGE - 1)) | 1);
}

/* The host's stage 1 instead of the guest. */
static void attach_ioas(struct guest *g)
{
	uint32_t pt = g->s.ioas;

	assert_int_equal(attach(&g->s, 0, &pt), 0);
}

static void open_with_vector(struct guest *g, int *efd)
{
	guest_open(g);
	*efd = eventfd_ok();
	client_msix_ok(&g->s.dev[0], efd, 1);
}

static void close_with_vector(struct guest *g, int efd)
{
	close(efd);
	guest_close(g);
}

/* ------------------------------------------------------- one stage alone -- */

static void with_stage_1_or_stage_2_alone(void **state)
{
	int efd = eventfd_ok();
	uint32_t parent, pt;
	struct scene s;

	scene_open(&s, 1);
	client_msix_ok(&s.dev[0], &efd, 1);
	raise(&s.dev[0]);
	assert_int_equal(fired(efd), 1);
	assert_int_equal(hwpt_alloc(&s, 0, s.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
				    &parent),
			 0);
	pt = parent;
	assert_int_equal(attach(&s, 0, &pt), 0);
	raise(&s.dev[0]);
	assert_int_equal(fired(efd), 1);
	assert_int_equal(detach(&s, 0), 0);
	raise(&s.dev[0]);
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
	raise(&g.s.dev[0]);
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
	raise(&g.s.dev[0]);
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
		raise(&g.s.dev[0]);
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

struct two {
	struct uiommu_machine *machine;
	struct guest g[2];
	int efd[2];
};

/* The same StreamID, ASIDs, IOVAs and guest physical addresses. */
static void two_open(struct two *t)
{
	guard_ok();
	t->machine = machine_ok("testep,testep");
	for (unsigned int i = 0; i < 2; i++) {
		scene_join(&t->g[i].s, t->machine, i, 1);
		guest_start(&t->g[i]);
		t->efd[i] = eventfd_ok();
		client_msix_ok(&t->g[i].s.dev[0], &t->efd[i], 1);
	}
}

static void two_close(struct two *t)
{
	for (unsigned int i = 0; i < 2; i++)
		close_with_vector(&t->g[i], t->efd[i]);
	uiommu_machine_destroy(t->machine);
}

/* This guest's interrupt comes, and nothing at the other. */
static void only_fires(struct two *t, unsigned int i)
{
	struct event event;

	expect_fires(&t->g[i], t->efd[i]);
	assert_int_equal(fired(t->efd[!i]), 0);
	assert_int_equal(next_event(&t->g[!i], &event), 0);
}

static void only_faults(struct two *t, unsigned int i, uint64_t iova)
{
	struct event event;

	expect_event(&t->g[i], t->efd[i], F_TRANSLATION, iova);
	assert_int_equal(fired(t->efd[!i]), 0);
	assert_int_equal(next_event(&t->g[!i], &event), 0);
}

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

/* --------------------------------------------------------------- bindings -- */

static struct uiommu_group *group_of(struct guest *g)
{
	return uiommu_device_group(
		uiommu_machine_core_device(g->s.machine, g->s.first));
}

/* Where the guest's memory is; the device goes back to the guest's tables. */
static struct uiommu_domain *parent_of(struct guest *g)
{
	struct uiommu_domain *dom;

	attach_ok(g, g->parent);
	dom = uiommu_group_domain(group_of(g));
	attach_ok(g, g->nested);
	return dom;
}

/* SET_IRQS for the first vector; efd -1: all off. */
static int set_irqs(struct guest *g, int efd)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} cmd = {
		.set = {
			.argsz = sizeof(cmd),
			.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
				 (efd < 0 ? VFIO_IRQ_SET_DATA_NONE
					  : VFIO_IRQ_SET_DATA_EVENTFD),
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = efd >= 0,
		},
		.fd = efd,
	};

	return (int)client_ioctl(g->s.abi, g->s.dev[0].dev_fd,
				 VFIO_DEVICE_SET_IRQS, &cmd);
}

static void bind_ok(struct uiommu_domain *parent)
{
	assert_int_equal(uiommu_bind_guest_msi(parent, BOUND_IOVA + 0x40,
					       BOUND_GPA + 0x40, 12),
			 0);
}

static void the_device_writes_to_the_guests_iova(void **state)
{
	struct uiommu_domain *parent;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	parent = parent_of(&g);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	expect_fires(&g, efd);
	/* It counts for who asks for interrupts from now on. */
	bind_ok(parent);
	expect_fires(&g, efd);
	assert_int_equal(set_irqs(&g, -1), 0);
	assert_int_equal(set_irqs(&g, efd), 0);
	/* The guest has bound, but not mapped. */
	expect_event(&g, efd, F_TRANSLATION, BOUND_IOVA + 0x40);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	forget(&g, BOUND_IOVA);
	expect_fires(&g, efd);
	/* The window is not what is in use. */
	lead(&g, DOORBELL, 0);
	command(&g, 0x10, 0);
	expect_fires(&g, efd);
	close_with_vector(&g, efd);
}

/* With combined entries in the TLB, and in an ATC. */
static void without_its_binding_an_interrupt_is_a_fault(void **state)
{
	struct uiommu_domain *parent;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	parent = parent_of(&g);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	assert_int_equal(set_irqs(&g, -1), 0);
	bind_ok(parent);
	assert_int_equal(set_irqs(&g, efd), 0);
	expect_fires(&g, efd);
	/* As a PCIe device may, by its ATC: a vector of nobody, if there is one. */
	testep_fill(&g.s.dev[0], 2, ~0u);
	assert_int_equal(testep_go(&g.s.dev[0], 2, TESTEP_WRITE,
				   BOUND_IOVA + 0x40, 4),
			 TESTEP_OK);
	assert_int_equal(uiommu_unbind_guest_msi(parent, BOUND_IOVA), 0);
	assert_int_equal(uiommu_machine_check(g.s.machine), 0);
	expect_unmapped(&g, efd, BOUND_IOVA + 0x40, BOUND_GPA);
	assert_int_equal(testep_go(&g.s.dev[0], 2, TESTEP_WRITE,
				   BOUND_IOVA + 0x40, 4),
			 TESTEP_ABORTED);
	/* Bound again, it takes a new request. */
	bind_ok(parent);
	assert_int_equal(set_irqs(&g, -1), 0);
	assert_int_equal(set_irqs(&g, efd), 0);
	expect_fires(&g, efd);
	close_with_vector(&g, efd);
}

static void without_a_free_binding_there_are_no_interrupts(void **state)
{
	struct uiommu_domain *parent;
	uiommu_iova_t iova;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	assert_int_equal(set_irqs(&g, -1), 0);
	parent = parent_of(&g);
	bind_ok(parent);
	/* By a doorbell of something else. */
	attach_ok(&g, g.parent);
	assert_int_equal(uiommu_unbind_guest_msi(parent, BOUND_IOVA), 0);
	bind_ok(parent);
	assert_int_equal(uiommu_group_msi_map(group_of(&g), 0xfee00000, &iova),
			 0);
	assert_int_equal(iova, BOUND_IOVA);
	assert_int_equal(set_irqs(&g, efd), -ENOSPC);
	assert_int_equal(uiommu_bind_guest_msi(parent, BOUND_IOVA + PAGE,
					       BOUND_GPA + PAGE, 12),
			 0);
	attach_ok(&g, g.nested);
	assert_int_equal(set_irqs(&g, efd), 0);
	lead(&g, BOUND_IOVA + PAGE, (BOUND_GPA + PAGE) | READ_WRITE);
	expect_fires(&g, efd);
	close_with_vector(&g, efd);
}

/*
 * Context 0 with tables of 64 KiB pages and 30 bits: two entries in SPARE, and from
 * page 32 on a table with the one page that the doorbell is in.
 */
static void boot_with_64k(struct guest *g)
{
	uint64_t *cd = page(g, 0);

	cd[1] = gpa(SPARE);
	cd[0] = (cd[0] & ~UINT64_C(0xff)) | 1 << 6 | 34;
	page(g, SPARE)[0] = gpa(32) | 3;
	page(g, 32)[BOUND_IOVA >> 16 & 8191] = BOUND_GPA | READ_WRITE;
	command(g, (uint64_t)VSID << 32 | 6, 0);
	command(g, 0x10, 0);
}

/* All of such a page is the guest's, but of what the host has it gets the doorbell. */
static void a_guest_with_larger_pages(void **state)
{
	struct event event;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	assert_int_equal(set_irqs(&g, -1), 0);
	assert_int_equal(uiommu_bind_guest_msi(parent_of(&g), BOUND_IOVA + 0x40,
					       BOUND_GPA + 0x40, 16),
			 0);
	assert_int_equal(set_irqs(&g, efd), 0);
	boot_with_64k(&g);
	expect_fires(&g, efd);
	for (unsigned int i = 1; i < 16; i++) {
		assert_int_equal(writes(&g, BOUND_IOVA + i * PAGE + 0x40, 0, 4),
				 TESTEP_ABORTED);
		assert_int_equal(next_event(&g, &event), sizeof(event));
		assert_int_equal(event.smmu.evt[0] & 0xff, F_TRANSLATION);
		assert_int_equal(event.smmu.evt[1] >> 39 & 7, 2 << 1 | 1);
		assert_int_equal(event.smmu.evt[3], BOUND_GPA + i * PAGE);
	}
	assert_int_equal(fired(efd), 0);
	close_with_vector(&g, efd);
}

/* Each fails where the other is, and works when that is gone. */
static void doorbells_and_memory_keep_apart(void **state)
{
	struct uiommu_domain *parent;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	parent = parent_of(&g);
	assert_int_equal(set_irqs(&g, -1), 0);
	bind_ok(parent);
	assert_int_equal(map_fixed(&g.s, g.s.ioas, 0, 2, BOUND_GPA - PAGE), 0);
	assert_int_equal(set_irqs(&g, efd), -EEXIST);
	assert_int_equal(unmap_len(&g.s, g.s.ioas, BOUND_GPA - PAGE, 2 * PAGE),
			 0);
	assert_int_equal(set_irqs(&g, efd), 0);
	assert_int_equal(map_fixed(&g.s, g.s.ioas, 0, 2, BOUND_GPA - PAGE),
			 -EEXIST);
	expect_pinned(&g.s, NR_PAGES);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	expect_fires(&g, efd);
	assert_int_equal(uiommu_unbind_guest_msi(parent, BOUND_IOVA), 0);
	assert_int_equal(map_fixed(&g.s, g.s.ioas, 0, 2, BOUND_GPA - PAGE), 0);
	close_with_vector(&g, efd);
}

/* Stage 1 alone knows no bindings: the window, before and after. */
static void bindings_stay_with_their_domain(void **state)
{
	struct uiommu_domain *parent;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	parent = parent_of(&g);
	bind_ok(parent);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	/* Each attach tells the device where its doorbell is now. */
	for (unsigned int i = 0; i < 3; i++) {
		attach_ioas(&g);
		assert_int_equal(
			uiommu_bind_guest_msi(uiommu_group_domain(group_of(&g)),
					      BOUND_IOVA, BOUND_GPA, 12),
			-EINVAL);
		expect_fires(&g, efd);
		attach_ok(&g, g.nested);
		expect_fires(&g, efd);
	}
	close_with_vector(&g, efd);
}

static void two_guests_bind_the_same(void **state)
{
	struct uiommu_domain *parent[2];
	struct two t;

	two_open(&t);
	for (unsigned int i = 0; i < 2; i++) {
		parent[i] = parent_of(&t.g[i]);
		bind_ok(parent[i]);
		lead(&t.g[i], BOUND_IOVA, BOUND_GPA | READ_WRITE);
		assert_int_equal(set_irqs(&t.g[i], -1), 0);
		assert_int_equal(set_irqs(&t.g[i], t.efd[i]), 0);
	}
	for (unsigned int i = 0; i < 2; i++)
		only_fires(&t, i);
	lead(&t.g[1], BOUND_IOVA, 0);
	command(&t.g[1], 0x10, 0);
	only_faults(&t, 1, BOUND_IOVA + 0x40);
	only_fires(&t, 0);
	lead(&t.g[1], BOUND_IOVA, BOUND_GPA | READ_WRITE);
	only_fires(&t, 1);
	assert_int_equal(uiommu_unbind_guest_msi(parent[0], BOUND_IOVA), 0);
	only_fires(&t, 1);
	expect_unmapped(&t.g[0], t.efd[0], BOUND_IOVA + 0x40, BOUND_GPA);
	assert_int_equal(fired(t.efd[1]), 0);
	two_close(&t);
}

/* ------------------------------------------- a guest in no hardware's words -- */

struct told {
	struct uiommu_fault fault;
	unsigned int nr;
};

static bool take_fault(void *ctx, struct uiommu_device *dev,
		       const struct uiommu_fault *fault)
{
	struct told *told = ctx;

	told->fault = *fault;
	told->nr++;
	return true;
}

/* The only one since it was asked last, of a write that a message is. */
static void expect_told(struct guest *g, int efd, struct told *told,
			uint64_t iova, uint32_t stage, uint64_t ipa)
{
	told->nr = 0;
	raise(&g->s.dev[0]);
	assert_int_equal(fired(efd), 0);
	assert_int_equal(told->nr, 1);
	assert_int_equal(told->fault.kind, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(told->fault.flags, UIOMMU_FAULT_WRITE | stage);
	assert_int_equal(told->fault.pasid, UIOMMU_NO_PASID);
	assert_int_equal(told->fault.iova, iova);
	if (stage)
		assert_int_equal(told->fault.ipa, ipa);
}

static void fires_once(struct guest *g, int efd)
{
	raise(&g->s.dev[0]);
	assert_int_equal(fired(efd), 1);
}

static void forget_all(struct uiommu_domain *dom)
{
	const struct uiommu_cache_info info = {
		.type = UIOMMU_CACHE_TLB,
		.granularity = UIOMMU_CACHE_ALL_PASIDS,
	};

	assert_int_equal(uiommu_cache_invalidate(dom, NULL, &info), 0);
}

/* The guest's memory is a page table of iommufd's; all else is the library's. */
static struct uiommu_domain *bound_open(struct guest *g, int *efd,
					struct told *told)
{
	struct uiommu_domain *dom;

	memset(g, 0, sizeof(*g));
	scene_open(&g->s, 1);
	assert_int_equal(map_fixed(&g->s, g->s.ioas, 0, NR_PAGES, GPA), 0);
	assert_int_equal(hwpt_alloc(&g->s, 0, g->s.ioas,
				    IOMMU_HWPT_ALLOC_NEST_PARENT, &g->parent),
			 0);
	attach_ok(g, g->parent);
	guest_boot(g);
	*efd = eventfd_ok();
	client_msix_ok(&g->s.dev[0], efd, 1);
	dom = uiommu_group_domain(group_of(g));
	told->nr = 0;
	uiommu_domain_set_fault_handler(dom, take_fault, told);
	return dom;
}

static void bind_table(struct uiommu_domain *dom, enum uiommu_guest_state state)
{
	const struct uiommu_pasid_table table = {
		.state = state,
		.none = UIOMMU_PASID_NONE_IS_0,
		.pasid_bits = 6,
		.base = GPA,
	};

	assert_int_equal(uiommu_bind_pasid_table(dom, &table), 0);
}

static void bound_tables_and_doorbells(void **state)
{
	struct uiommu_domain *dom;
	struct told told;
	struct guest g;
	int efd;

	dom = bound_open(&g, &efd, &told);
	fires_once(&g, efd);
	bind_table(dom, UIOMMU_GUEST_TRANSLATE);
	/* The window, as long as the guest has bound no doorbell. */
	expect_told(&g, efd, &told, DOORBELL, 0, 0);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	forget_all(dom);
	fires_once(&g, efd);
	bind_ok(dom);
	assert_int_equal(set_irqs(&g, -1), 0);
	assert_int_equal(set_irqs(&g, efd), 0);
	expect_told(&g, efd, &told, BOUND_IOVA + 0x40, 0, 0);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	forget_all(dom);
	fires_once(&g, efd);
	/* Bound again, the doorbell is where it was; bypassed, it is not. */
	bind_table(dom, UIOMMU_GUEST_TRANSLATE);
	fires_once(&g, efd);
	bind_table(dom, UIOMMU_GUEST_BYPASS);
	expect_told(&g, efd, &told, BOUND_IOVA + 0x40, UIOMMU_FAULT_STAGE2,
		    BOUND_IOVA);
	bind_table(dom, UIOMMU_GUEST_TRANSLATE);
	fires_once(&g, efd);
	assert_int_equal(uiommu_unbind_guest_msi(dom, BOUND_IOVA), 0);
	expect_told(&g, efd, &told, BOUND_IOVA + 0x40, UIOMMU_FAULT_STAGE2,
		    BOUND_GPA);
	/* Without any the window is back. */
	assert_int_equal(set_irqs(&g, -1), 0);
	assert_int_equal(set_irqs(&g, efd), 0);
	fires_once(&g, efd);
	bind_table(dom, UIOMMU_GUEST_BYPASS);
	fires_once(&g, efd);
	/* What the guest has asked for is told to nobody. */
	bind_table(dom, UIOMMU_GUEST_ABORT);
	told.nr = 0;
	raise(&g.s.dev[0]);
	assert_int_equal(fired(efd), 0);
	assert_int_equal(told.nr, 0);
	uiommu_unbind_pasid_table(dom);
	fires_once(&g, efd);
	uiommu_domain_set_fault_handler(dom, NULL, NULL);
	close(efd);
	scene_close(&g.s);
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
		cmocka_unit_test(the_device_writes_to_the_guests_iova),
		cmocka_unit_test(without_its_binding_an_interrupt_is_a_fault),
		cmocka_unit_test(
			without_a_free_binding_there_are_no_interrupts),
		cmocka_unit_test(a_guest_with_larger_pages),
		cmocka_unit_test(doorbells_and_memory_keep_apart),
		cmocka_unit_test(bindings_stay_with_their_domain),
		cmocka_unit_test(two_guests_bind_the_same),
		cmocka_unit_test(bound_tables_and_doorbells),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
