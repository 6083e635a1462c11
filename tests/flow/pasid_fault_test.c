/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid_fault_test.c - page faults of accesses with a PASID, on a whole machine:
 * each PASID's page table has a fault queue, in which they stand with their PASID,
 * and what still waits when the PASID moves or goes is answered with Invalid.
 */
#include <errno.h>
#include <poll.h>

#include <uiommu/uapi/iommufd.h>

#include "client.h"
#include "testep.h"

#define IOVA UINT64_C(0x10000000)
#define PAGE UINT64_C(4096)
#define PASIDS 2u

/* Two IOASes and for each a page table for PASIDs with a queue of its own. */
struct scene {
	struct uiommu_machine *machine;
	struct client c;
	uint32_t ioas[PASIDS], hwpt[PASIDS], queue_id[PASIDS];
	int queue[PASIDS];
	uint8_t *mem;
};

static uint32_t hwpt_ok(struct scene *s, uint32_t ioas, uint32_t queue)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID,
		.dev_id = s->c.dev_id,
		.pt_id = ioas,
		.fault_id = queue,
	};

	assert_int_equal(client_ioctl(s->c.abi, s->c.space_fd, IOMMU_HWPT_ALLOC,
				      &cmd),
			 0);
	return cmd.out_hwpt_id;
}

static void open_scene(struct scene *s, const char *device)
{
	guard_ok();
	s->machine = machine_ok(device);
	client_open_iommufd(&s->c, s->machine, 0);
	client_master(&s->c, true);
	assert_int_equal(client_detach(&s->c, 0), 0);
	s->mem = pages_ok(PASIDS * PAGE);
	for (unsigned int i = 0; i < PASIDS; i++) {
		struct iommu_fault_alloc queue = { .size = sizeof(queue) };

		assert_int_equal(client_ioctl(s->c.abi, s->c.space_fd,
					      IOMMU_FAULT_QUEUE_ALLOC, &queue),
				 0);
		s->ioas[i] = client_ioas_ok(&s->c);
		s->queue[i] = (int)queue.out_fault_fd;
		s->queue_id[i] = queue.out_fault_id;
		s->hwpt[i] = hwpt_ok(s, s->ioas[i], s->queue_id[i]);
		assert_int_equal(client_attach(&s->c, i + 1, s->hwpt[i]), 0);
	}
}

static void close_scene(struct scene *s)
{
	client_close(&s->c);
	for (unsigned int i = 0; i < PASIDS; i++)
		assert_int_equal(uiommu_abi_close(s->c.abi, s->queue[i]), 0);
	pages_free(s->mem, PASIDS * PAGE);
	uiommu_machine_destroy(s->machine);
}

/* Slot `pasid` writes with that PASID; its status. */
static unsigned int write_with(struct scene *s, uint32_t pasid)
{
	testep_fill(&s->c, pasid, 0x50 + pasid);
	return testep_go_as(&s->c, pasid, pasid, TESTEP_WRITE, IOVA, 8);
}

static bool readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* The one fault of this PASID's queue. */
static uint32_t fault_ok(struct scene *s, unsigned int i, uint32_t pasid)
{
	struct iommu_hwpt_pgfault f;

	assert_true(readable(s->queue[i]));
	assert_int_equal(uiommu_abi_read(s->c.abi, s->queue[i], (uintptr_t)&f,
					 sizeof(f)),
			 sizeof(f));
	assert_int_equal(f.flags, IOMMU_PGFAULT_FLAGS_PASID_VALID |
					  IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	assert_int_equal(f.pasid, pasid);
	assert_int_equal(f.dev_id, s->c.dev_id);
	assert_int_equal(f.perm, IOMMU_PGFAULT_PERM_WRITE);
	assert_int_equal(f.addr, IOVA);
	assert_false(readable(s->queue[i]));
	return f.cookie;
}

static int answer(struct scene *s, unsigned int i, uint32_t cookie)
{
	const struct iommu_hwpt_page_response r = { cookie,
						    IOMMUFD_PAGE_RESP_SUCCESS };
	ssize_t n = uiommu_abi_write(s->c.abi, s->queue[i], (uintptr_t)&r,
				     sizeof(r));

	return n < 0 ? (int)n : 0;
}

static void map_ok(struct scene *s, unsigned int i)
{
	s->c.ioas_id = s->ioas[i];
	client_map_ok(&s->c, s->mem + i * PAGE, PAGE, IOVA);
}

static uint64_t word_at(struct scene *s, unsigned int i)
{
	return *(uint64_t *)(void *)(s->mem + i * PAGE);
}

/* Both wait at the same address, each for its own page. */
static void each_in_its_queue(const char *device)
{
	uint32_t cookie[PASIDS];
	struct scene s;

	open_scene(&s, device);
	for (unsigned int i = 0; i < PASIDS; i++)
		assert_int_equal(write_with(&s, i + 1), TESTEP_WORKING);
	for (unsigned int i = 0; i < PASIDS; i++)
		cookie[i] = fault_ok(&s, i, i + 1);
	for (unsigned int i = PASIDS; i-- > 0;) {
		map_ok(&s, i);
		assert_int_equal(answer(&s, i, cookie[i]), 0);
		assert_int_equal(testep_status(&s.c, i + 1), TESTEP_OK);
		assert_int_equal(word_at(&s, i), 0x51 + i);
		/* Only once. */
		assert_int_equal(answer(&s, i, cookie[i]), -EINVAL);
	}
	close_scene(&s);
}

/* Whatever takes the PASID away answers: unread, and read but not answered. */
static void withdrawn(const char *device)
{
	uint32_t cookie;
	struct scene s;

	open_scene(&s, device);
	/* Detached. */
	assert_int_equal(write_with(&s, 1), TESTEP_WORKING);
	assert_true(readable(s.queue[0]));
	assert_int_equal(client_detach(&s.c, 1), 0);
	assert_int_equal(testep_status(&s.c, 1), TESTEP_ABORTED);
	assert_false(readable(s.queue[0]));

	/* Replaced: by one that has the page, for whoever tries again. */
	assert_int_equal(client_attach(&s.c, 1, s.hwpt[0]), 0);
	assert_int_equal(write_with(&s, 1), TESTEP_WORKING);
	cookie = fault_ok(&s, 0, 1);
	map_ok(&s, 1);
	assert_int_equal(client_attach(&s.c, 1, s.hwpt[1]), 0);
	assert_int_equal(testep_status(&s.c, 1), TESTEP_ABORTED);
	assert_int_equal(answer(&s, 0, cookie), -EINVAL);
	assert_int_equal(write_with(&s, 1), TESTEP_OK);
	assert_int_equal(word_at(&s, 1), 0x51);

	/* A refused replace answers nothing. */
	assert_int_equal(client_attach(&s.c, 1, s.hwpt[0]), 0);
	assert_int_equal(write_with(&s, 1), TESTEP_WORKING);
	cookie = fault_ok(&s, 0, 1);
	assert_int_equal(client_attach(&s.c, 1, s.ioas[1]), -EINVAL);
	assert_int_equal(testep_status(&s.c, 1), TESTEP_WORKING);
	map_ok(&s, 0);
	assert_int_equal(answer(&s, 0, cookie), 0);
	assert_int_equal(testep_status(&s.c, 1), TESTEP_OK);
	close_scene(&s);
}

/* The device's file is closed while both wait; the queues are empty then. */
static void closed_while_waiting(const char *device)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy) };
	struct scene s;

	open_scene(&s, device);
	assert_int_equal(write_with(&s, 1), TESTEP_WORKING);
	(void)fault_ok(&s, 0, 1);
	assert_int_equal(write_with(&s, 2), TESTEP_WORKING);
	assert_int_equal(uiommu_abi_close(s.c.abi, s.c.dev_fd), 0);
	for (unsigned int i = 0; i < PASIDS; i++) {
		assert_false(readable(s.queue[i]));
		destroy.id = s.hwpt[i];
		assert_int_equal(client_ioctl(s.c.abi, s.c.space_fd,
					      IOMMU_DESTROY, &destroy),
				 0);
		assert_int_equal(uiommu_abi_close(s.c.abi, s.queue[i]), 0);
		destroy.id = s.queue_id[i];
		assert_int_equal(client_ioctl(s.c.abi, s.c.space_fd,
					      IOMMU_DESTROY, &destroy),
				 0);
	}
	assert_int_equal(uiommu_abi_close(s.c.abi, s.c.space_fd), 0);
	pages_free(s.mem, PASIDS * PAGE);
	uiommu_machine_destroy(s.machine);
}

static void by_page_requests(void **state)
{
	each_in_its_queue("testep");
	withdrawn("testep");
	closed_while_waiting("testep");
}

static void by_stalls(void **state)
{
	each_in_its_queue("testep:stall");
	withdrawn("testep:stall");
	closed_while_waiting("testep:stall");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_page_requests),
		cmocka_unit_test(by_stalls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
