/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_nth_test.c - the whole life of a guest through the ABI, with the nth call
 * that can fail doing so, for each n: for memory, and to copy from or to the client.
 * A call that fails leaves the machine as it was, to the byte of its dump, and the
 * device where it was; a fault, an event and a command of a guest are either done
 * or known not to be.
 */
#include "machine/pci.h"
#include "guest.h"
#include "nth.h"

#define CMDS 70u /* more than go to one CMD_SYNC */
#define HOLE 9u	 /* a page that the guest has not mapped */

/* Where the device can be. */
enum place {
	HOST,	/* the host's stage 1 */
	PARENT, /* stage 2 alone */
	ABORT,
	BYPASS,
	NESTED,
	PAGING, /* the same, and faults wait for an answer */
	PLACES,
};

struct life {
	struct guest g;
	uint32_t pt[PLACES];
	uint32_t queue;
	int queue_fd;
	bool stalls; /* the device has no page requests */
	/* Of a call. */
	enum place from, to;
	uint64_t q0; /* of an entry */
	uint32_t fault;
	uint32_t made;
	int made_fd;
	unsigned int lost; /* events */
	uint32_t cookie;
};

static struct uiommu_machine *machine_of(struct life *l)
{
	return l->g.s.machine;
}

static void each(struct life *l, const struct nth_call *call)
{
	nth_each(machine_of(l), call, l);
}

/* ------------------------------------------------------------ what is made -- */

static void undo_made(void *ctx)
{
	struct life *l = ctx;

	assert_int_equal(destroy(&l->g.s, l->made), 0);
}

static void undo_made_file(void *ctx)
{
	struct life *l = ctx;

	assert_int_equal(uiommu_abi_close(l->g.s.abi, l->made_fd), 0);
	undo_made(ctx);
}

static long run_parent(void *ctx)
{
	struct life *l = ctx;

	return hwpt_alloc(&l->g.s, 0, l->g.s.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			  &l->made);
}

static long run_viommu(void *ctx)
{
	struct life *l = ctx;

	return viommu_alloc(&l->g, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, l->pt[PARENT],
			    &l->made);
}

static long run_veventq(void *ctx)
{
	struct life *l = ctx;

	return veventq_alloc(&l->g, 8, &l->made, &l->made_fd);
}

static long run_vdevice(void *ctx)
{
	struct life *l = ctx;

	return vdevice_alloc(&l->g, 0, VSID, &l->made);
}

static long run_queue(void *ctx)
{
	struct iommu_fault_alloc cmd = { .size = sizeof(cmd) };
	struct life *l = ctx;
	long rc = scene_ioctl(&l->g.s, IOMMU_FAULT_QUEUE_ALLOC, &cmd);

	l->made = cmd.out_fault_id;
	l->made_fd = (int)cmd.out_fault_fd;
	return rc;
}

static long run_entry(void *ctx)
{
	struct life *l = ctx;

	return nested_alloc_with(&l->g, l->g.viommu, l->q0, STE_S1_1, l->fault,
				 &l->made);
}

/* It stays; its id. */
static uint32_t make(struct life *l, const struct nth_call *call)
{
	each(l, call);
	assert_int_equal(call->run(l), 0);
	return l->made;
}

static void make_entries(struct life *l)
{
	static const struct nth_call entry = { "entry", run_entry, undo_made,
					       NULL,	3,	   true };
	static const struct {
		enum place place;
		uint64_t q0;
		bool fault;
	} kinds[] = {
		{ ABORT, 0, false },
		{ BYPASS, 0x9, false },
		{ NESTED, STE_S1_0, false },
		{ PAGING, STE_S1_0, true },
	};

	for (unsigned int i = 0; i < 4; i++) {
		l->q0 = kinds[i].q0;
		l->fault = kinds[i].fault ? l->queue : 0;
		l->pt[kinds[i].place] = make(l, &entry);
	}
}

/* From the first call of the VMM on. */
static void make_all(struct life *l)
{
	static const struct nth_call parent = { "parent", run_parent, undo_made,
						NULL,	  3,	      true };
	static const struct nth_call viommu = { "viommu", run_viommu, undo_made,
						NULL,	  3,	      true };
	static const struct nth_call events = {
		"veventq", run_veventq, undo_made_file, NULL, 3, true
	};
	static const struct nth_call vdevice = { "vdevice", run_vdevice,
						 undo_made, NULL,
						 3,	    true };
	static const struct nth_call queue = {
		"fault queue", run_queue, undo_made_file, NULL, 2, true
	};

	assert_int_equal(hwpt_alloc(&l->g.s, 0, l->g.s.ioas, 0, &l->pt[HOST]),
			 0);
	l->g.parent = l->pt[PARENT] = make(l, &parent);
	l->g.viommu = make(l, &viommu);
	l->g.events = make(l, &events);
	l->g.events_fd = l->made_fd;
	l->g.vdev = make(l, &vdevice);
	l->queue = make(l, &queue);
	l->queue_fd = l->made_fd;
	make_entries(l);
	l->g.nested = l->pt[NESTED];
}

static void life_open(struct life *l, const char *device, bool stalls)
{
	memset(l, 0, sizeof(*l));
	l->stalls = stalls;
	guard_ok();
	scene_join(&l->g.s, machine_ok(device), 0, 1);
	l->g.s.joined = false;
	assert_int_equal(map_fixed(&l->g.s, l->g.s.ioas, 0, NR_PAGES, GPA), 0);
	guest_boot(&l->g);
	make_all(l);
}

static void life_close(struct life *l)
{
	assert_int_equal(uiommu_abi_close(l->g.s.abi, l->queue_fd), 0);
	guest_close(&l->g);
}

/* ---------------------------------------------------------------- attaching -- */

static void go_to(struct life *l, enum place to)
{
	uint32_t pt = l->pt[to];

	assert_int_equal(attach(&l->g.s, 0, &pt), 0);
	assert_int_equal(pt, l->pt[to]);
}

static long run_attach(void *ctx)
{
	struct life *l = ctx;
	uint32_t pt = l->pt[l->to];

	return attach(&l->g.s, 0, &pt);
}

static void undo_attach(void *ctx)
{
	struct life *l = ctx;

	go_to(l, l->from);
}

/* What the device finds from there, and nothing else. */
static void is_at(struct life *l, enum place at)
{
	bool own = at == NESTED || at == PAGING;
	bool plain = at == HOST || at == PARENT || at == BYPASS;

	if (at != PAGING)
		assert_int_equal(testep_read_word(&l->g.s.dev[0], 0, gpa(DATA)),
				 plain ? word_of(DATA) : 0);
	assert_int_equal(reads(&l->g, 0, 0), own ? word_of(DATA) : 0);
	assert_int_equal(reads(&l->g, PASID, 0), own ? word_of(DATA + 1) : 0);
}

static void check_attach(void *ctx, bool done)
{
	struct life *l = ctx;

	is_at(l, done ? l->to : l->from);
}

static long run_detach(void *ctx)
{
	struct life *l = ctx;

	return detach(&l->g.s, 0);
}

static void check_detach(void *ctx, bool done)
{
	struct life *l = ctx;

	is_at(l, done ? ABORT : l->from);
}

/* Linux detaches the device if it cannot tell the page table's id. */
static void the_answer_does_not_arrive(struct life *l)
{
	struct uiommu_machine *machine = machine_of(l);
	unsigned int n = 0;
	bool fired;
	long rc;

	do {
		uiommu_machine_fail_nth(machine, ++n);
		rc = run_attach(l);
		/* One that fails may be done without. */
		fired = uiommu_host_fail_nth(machine->host, 0);
		uiommu_machine_fail_nth(machine, 0);
		assert_true(fired || !rc);
		if (rc)
			is_at(l, rc == -EFAULT && n > 1 ? ABORT : l->from);
		go_to(l, l->from);
	} while (fired);
	assert_true(n > 2);
}

static void from_place_to_place(struct life *l)
{
	struct nth_call attaching = { "attach", run_attach, undo_attach,
				      check_attach };
	static const struct nth_call detaching = { "detach",	run_detach,
						   undo_attach, check_detach,
						   1,		true };

	for (l->from = 0; l->from < PLACES; l->from++) {
		go_to(l, l->from);
		is_at(l, l->from);
		for (l->to = 0; l->to < PLACES; l->to++) {
			/*
			 * One of an ATC, and of what events are told by; to
			 * come back from a guest it is there already.
			 */
			attaching.least = l->to != l->from &&
					  (l->to >= ABORT ||
					   (!l->stalls && l->from < ABORT));
			each(l, &attaching);
			the_answer_does_not_arrive(l);
		}
		each(l, &detaching);
	}
}

/* ------------------------------------------------------- commands and memory -- */

/* All that may be, over and over; what was done is told if it can be. */
static long run_commands(void *ctx)
{
	static const uint64_t kinds[][2] = {
		{ 0x10, 0 },
		{ 0x0001000000000011, 0 },
		{ 0x0001000000000012, IOVA | 1 },
		{ 0x13, IOVA },
		{ 0x30, 0 },
		{ (uint64_t)VSID << 32 | 5, 1 },
		{ (uint64_t)VSID << 32 | 6, 0 },
		{ (uint64_t)VSID << 32 | 0x40, 52 },
	};
	struct life *l = ctx;
	uint64_t cmds[CMDS][2];
	uint32_t done;
	int rc;

	for (unsigned int i = 0; i < CMDS; i++)
		memcpy(cmds[i], kinds[i % 8], sizeof(cmds[i]));
	rc = commands(&l->g, cmds, CMDS, &done);
	/* Else its answer did not get through, or it failed before the first. */
	assert_true(done == CMDS || (rc && !done));
	return rc;
}

/* The mapping was changed before. */
static void check_commands(void *ctx, bool done)
{
	struct life *l = ctx;

	if (done) {
		assert_int_equal(reads(&l->g, 0, 0), word_of(DATA + 5));
		return;
	}
	assert_int_equal(reads(&l->g, PASID, 0), word_of(DATA + 1));
}

static void undo_commands(void *ctx)
{
}

/* As on Linux: all is gone, whether or not the answer arrives. */
static long run_unmap(void *ctx)
{
	struct life *l = ctx;

	return unmap_len(&l->g.s, l->g.s.ioas, GPA, NR_PAGES * PAGE);
}

static long run_map(void *ctx)
{
	struct life *l = ctx;

	return map_fixed(&l->g.s, l->g.s.ioas, 0, NR_PAGES, GPA);
}

static void undo_unmap(void *ctx)
{
	assert_int_equal(run_map(ctx), 0);
}

static void undo_map(void *ctx)
{
	assert_int_equal(run_unmap(ctx), 0);
}

static void check_mapped(void *ctx, bool done)
{
	struct life *l = ctx;

	is_at(l, done ? NESTED : ABORT);
}

static void check_unmapped(void *ctx, bool done)
{
	check_mapped(ctx, !done);
}

static void commands_and_memory(struct life *l)
{
	static const struct nth_call inv = {
		"commands", run_commands, undo_commands, check_commands, 3, true
	};
	static const struct nth_call unmapping = { "unmap", run_unmap,
						   undo_unmap, check_unmapped,
						   0 };
	static const struct nth_call mapping = { "map",	   run_map,
						 undo_map, check_mapped,
						 2,	   true };

	go_to(l, NESTED);
	is_at(l, NESTED);
	point(&l->g, 1, 0, DATA + 5);
	each(l, &inv);
	point(&l->g, 1, 0, DATA);
	assert_int_equal(run_commands(l), 0);
	each(l, &unmapping);
	undo_map(l);
	each(l, &mapping);
	undo_unmap(l);
}

/* ------------------------------------------------------------------- events -- */

static long run_event(void *ctx)
{
	struct life *l = ctx;

	return testep_go(&l->g.s.dev[0], 1, TESTEP_READ | TESTEP_UNTRANSLATED,
			 IOVA + 7 * PAGE, 8) == TESTEP_ABORTED
		       ? 0
		       : -EIO;
}

/* One event, or the mark of one that there was no memory for. */
static void check_event(void *ctx, bool done)
{
	struct life *l = ctx;
	struct event event;
	ssize_t n = next_event(&l->g, &event);

	assert_true(done);
	if (event.header.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS) {
		assert_int_equal(n, sizeof(event.header));
		l->lost++;
	} else {
		assert_int_equal(n, sizeof(event));
		assert_int_equal(event.smmu.evt[0] & 0xff, 0x10);
		assert_int_equal(event.smmu.evt[0] >> 32, VSID);
	}
	assert_int_equal(next_event(&l->g, &event), 0);
}

static void undo_nothing(void *ctx)
{
}

static long run_next_event(void *ctx)
{
	struct life *l = ctx;
	struct event event;

	return next_event(&l->g, &event);
}

/* It is there as long as it was not read. */
static void check_next_event(void *ctx, bool done)
{
	struct life *l = ctx;
	struct event event;

	assert_int_equal(next_event(&l->g, &event), done ? 0 : sizeof(event));
	assert_int_equal(run_event(l), 0);
}

static void events(struct life *l)
{
	static const struct nth_call event = { "event", run_event, undo_nothing,
					       check_event, 0 };
	static const struct nth_call reading = { "read of an event",
						 run_next_event,
						 undo_nothing,
						 check_next_event,
						 2,
						 true };
	struct event old;

	go_to(l, NESTED);
	/* Those of the places where the device was before. */
	while (next_event(&l->g, &old) > 0)
		;
	each(l, &event);
	assert_true(l->lost);
	assert_int_equal(run_event(l), 0);
	each(l, &reading);
	/* The last undo leaves what the last check has made. */
	check_event(l, true);
}

/* -------------------------------------------------------------- page faults -- */

static long fault(struct life *l)
{
	return testep_go_as(&l->g.s.dev[0], 2, PASID, TESTEP_READ,
			    IOVA + HOLE * PAGE, 8);
}

static ssize_t next_fault(struct life *l, struct iommu_hwpt_pgfault *f)
{
	return uiommu_abi_read(l->g.s.abi, l->queue_fd, (uintptr_t)f,
			       sizeof(*f));
}

static long answer(struct life *l)
{
	const struct iommu_hwpt_page_response resp = {
		l->cookie, IOMMUFD_PAGE_RESP_INVALID
	};
	ssize_t n = uiommu_abi_write(l->g.s.abi, l->queue_fd, (uintptr_t)&resp,
				     sizeof(resp));

	return n < 0 ? n : 0;
}

static void answer_ok(struct life *l)
{
	assert_int_equal(testep_status(&l->g.s.dev[0], 2), TESTEP_WORKING);
	assert_int_equal(answer(l), 0);
	assert_int_equal(testep_status(&l->g.s.dev[0], 2), TESTEP_ABORTED);
}

static void next_fault_ok(struct life *l)
{
	struct iommu_hwpt_pgfault f;

	assert_int_equal(next_fault(l, &f), sizeof(f));
	assert_int_equal(f.addr, IOVA + HOLE * PAGE);
	assert_int_equal(f.pasid, PASID);
	l->cookie = f.cookie;
}

static void fault_ok(struct life *l)
{
	assert_int_equal(fault(l), TESTEP_WORKING);
	next_fault_ok(l);
}

/* Without memory for it nobody is told, and the device does not wait. */
static long run_fault(void *ctx)
{
	return fault(ctx) == TESTEP_WORKING ? 0 : -ENOMEM;
}

static void check_fault(void *ctx, bool done)
{
	struct life *l = ctx;
	struct iommu_hwpt_pgfault f;

	if (!done) {
		assert_int_equal(testep_status(&l->g.s.dev[0], 2),
				 TESTEP_ABORTED);
		assert_int_equal(next_fault(l, &f), 0);
		/* Who was answered with Failure asks again when told that it may. */
		if (!l->stalls)
			pcidev_set_pri(machine_of(l)->dev[0], true);
		return;
	}
	next_fault_ok(l);
	answer_ok(l);
}

static long run_next_fault(void *ctx)
{
	struct life *l = ctx;
	struct iommu_hwpt_pgfault f;
	ssize_t n = next_fault(l, &f);

	if (n == sizeof(f))
		l->cookie = f.cookie;
	return n;
}

static void check_next_fault(void *ctx, bool done)
{
	struct life *l = ctx;
	struct iommu_hwpt_pgfault f;

	if (done)
		assert_int_equal(next_fault(l, &f), 0);
	else
		next_fault_ok(l);
	answer_ok(l);
	assert_int_equal(fault(l), TESTEP_WORKING);
}

static long run_answer(void *ctx)
{
	return answer(ctx);
}

static void check_answer(void *ctx, bool done)
{
	struct life *l = ctx;

	if (done)
		assert_int_equal(testep_status(&l->g.s.dev[0], 2),
				 TESTEP_ABORTED);
	else
		answer_ok(l);
	fault_ok(l);
}

static void page_faults(struct life *l)
{
	static const struct nth_call faulting = { "fault", run_fault,
						  undo_nothing, check_fault,
						  1 };
	static const struct nth_call reading = { "read of a fault",
						 run_next_fault,
						 undo_nothing,
						 check_next_fault,
						 1,
						 true };
	static const struct nth_call answering = {
		"answer", run_answer, undo_nothing, check_answer, 1, true
	};

	go_to(l, PAGING);
	each(l, &faulting);
	assert_int_equal(fault(l), TESTEP_WORKING);
	each(l, &reading);
	next_fault_ok(l);
	each(l, &answering);
	answer_ok(l);
	is_at(l, PAGING);
}

/* ---------------------------------------------------------------- destroying -- */

static long run_destroy(void *ctx)
{
	struct life *l = ctx;

	return destroy(&l->g.s, l->made);
}

static void undo_destroy_entry(void *ctx)
{
	uint32_t was = ((struct life *)ctx)->made;

	assert_int_equal(run_entry(ctx), 0);
	assert_int_equal(((struct life *)ctx)->made, was);
}

static void undo_destroy_vdevice(void *ctx)
{
	uint32_t was = ((struct life *)ctx)->made;

	assert_int_equal(run_vdevice(ctx), 0);
	assert_int_equal(((struct life *)ctx)->made, was);
}

static void destroying(struct life *l)
{
	static const struct nth_call entry = { "destroy of an entry",
					       run_destroy,
					       undo_destroy_entry,
					       NULL,
					       1,
					       true };
	static const struct nth_call vdevice = { "destroy of a vdevice",
						 run_destroy,
						 undo_destroy_vdevice,
						 NULL,
						 1,
						 true };

	/* What is made again has the number of before. */
	ioas_ok(&l->g.s);
	go_to(l, PARENT);
	l->q0 = STE_S1_0;
	l->fault = 0;
	l->made = l->pt[NESTED];
	each(l, &entry);
	l->made = l->g.vdev;
	each(l, &vdevice);
	go_to(l, NESTED);
	is_at(l, NESTED);
}

/* -------------------------------------------------------------------- stories -- */

static void whole_life(const char *device, bool stalls)
{
	struct life l;

	life_open(&l, device, stalls);
	from_place_to_place(&l);
	commands_and_memory(&l);
	events(&l);
	if (stalls) {
		page(&l.g, 0)[PASID * 8] |= UINT64_C(1) << 44;
		command(&l.g, (uint64_t)VSID << 32 | 6, 0);
	}
	page_faults(&l);
	destroying(&l);
	life_close(&l);
}

static void with_page_requests(void **state)
{
	whole_life("testep", false);
}

static void with_stalls(void **state)
{
	whole_life("testep:stall", true);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(with_page_requests),
		cmocka_unit_test(with_stalls),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
