/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iopf_test.c - IO page faults on a whole machine: the test endpoint asks by PRI
 * or is stalled, a fault queue is read and answered, and the device goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <poll.h>
#include <unistd.h>

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "client.h"
#include "testep.h"

#define IOVA UINT64_C(0xfef00000)
#define PAGE UINT64_C(4096)

struct scene {
	struct client c;
	int queue;
	uint32_t queue_id, hwpt;
	uint8_t *mem;
};

static void attach_ok(struct scene *s, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.pt_id = pt,
	};

	assert_int_equal(client_ioctl(s->c.abi, s->c.dev_fd,
				      VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd),
			 0);
}

/* The object of the device: the first of the context. */
#define DEV_ID 1u

static void scene_open(struct scene *s, struct uiommu_machine *machine,
		       unsigned int index)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = DEV_ID,
	};

	client_open_iommufd(&s->c, machine, index);
	client_master(&s->c, true);
	assert_int_equal(client_ioctl(s->c.abi, s->c.space_fd,
				      IOMMU_FAULT_QUEUE_ALLOC, &queue),
			 0);
	s->queue = (int)queue.out_fault_fd;
	s->queue_id = queue.out_fault_id;
	hwpt.pt_id = s->c.ioas_id;
	hwpt.fault_id = s->queue_id;
	assert_int_equal(client_ioctl(s->c.abi, s->c.space_fd, IOMMU_HWPT_ALLOC,
				      &hwpt),
			 0);
	s->hwpt = hwpt.out_hwpt_id;
	attach_ok(s, s->hwpt);
	s->mem = pages_ok(TESTEP_SLOTS * PAGE);
}

static void scene_close(struct scene *s)
{
	client_close(&s->c);
	assert_int_equal(uiommu_abi_close(s->c.abi, s->queue), 0);
	pages_free(s->mem, TESTEP_SLOTS * PAGE);
}

static ssize_t read_faults(struct scene *s, struct iommu_hwpt_pgfault *f,
			   size_t nr)
{
	ssize_t n = uiommu_abi_read(s->c.abi, s->queue, (uintptr_t)f,
				    nr * sizeof(*f));

	return n < 0 ? n : n / (ssize_t)sizeof(*f);
}

static int answer(struct scene *s, uint32_t cookie, uint32_t code)
{
	const struct iommu_hwpt_page_response r = { cookie, code };
	ssize_t n =
		uiommu_abi_write(s->c.abi, s->queue, (uintptr_t)&r, sizeof(r));

	return n < 0 ? (int)n : 0;
}

static bool readable(struct scene *s)
{
	struct pollfd pfd = { .fd = s->queue, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* ----------------------------------------------------------------- stories */

/*
 * All slots at once: a device asks for as many pages as it may and the others
 * take their turn; each lands where the fault said.
 */
static void every_slot_faults(struct scene *s)
{
	struct iommu_hwpt_pgfault f[TESTEP_SLOTS];
	unsigned int answered = 0;

	for (unsigned int i = 0; i < TESTEP_SLOTS; i++) {
		memset(s->mem + i * PAGE, 0, PAGE);
		testep_fill(&s->c, i, 0x1000 + i);
		assert_int_equal(testep_go(&s->c, i, TESTEP_WRITE,
					   IOVA + i * PAGE, 8),
				 TESTEP_WORKING);
	}
	while (answered < TESTEP_SLOTS) {
		ssize_t n = read_faults(s, f, TESTEP_SLOTS);

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++) {
			uint64_t off = f[i].addr - IOVA;

			assert_int_equal(f[i].perm, IOMMU_PGFAULT_PERM_WRITE);
			assert_int_equal(f[i].dev_id, DEV_ID);
			client_map_ok(&s->c, s->mem + off, PAGE, IOVA + off);
			assert_int_equal(answer(s, f[i].cookie,
						IOMMUFD_PAGE_RESP_SUCCESS),
					 0);
			answered++;
		}
	}
	assert_false(readable(s));
	for (unsigned int i = 0; i < TESTEP_SLOTS; i++) {
		assert_int_equal(testep_status(&s->c, i), TESTEP_OK);
		assert_int_equal(*(uint64_t *)(s->mem + i * PAGE), 0x1000 + i);
	}
	assert_int_equal(client_unmap(&s->c, IOVA, TESTEP_SLOTS * PAGE), 0);
}

static void no_page(struct scene *s)
{
	struct iommu_hwpt_pgfault f;

	assert_int_equal(testep_go(&s->c, 1, TESTEP_READ, IOVA, 8),
			 TESTEP_WORKING);
	assert_int_equal(read_faults(s, &f, 1), 1);
	assert_int_equal(f.perm, IOMMU_PGFAULT_PERM_READ);
	assert_int_equal(answer(s, f.cookie, IOMMUFD_PAGE_RESP_INVALID), 0);
	assert_int_equal(testep_status(&s->c, 1), TESTEP_ABORTED);
	/* Success without a page: it asks again. */
	testep_go(&s->c, 1, TESTEP_READ, IOVA, 8);
	assert_int_equal(read_faults(s, &f, 1), 1);
	assert_int_equal(answer(s, f.cookie, IOMMUFD_PAGE_RESP_SUCCESS), 0);
	assert_int_equal(testep_status(&s->c, 1), TESTEP_WORKING);
	assert_int_equal(read_faults(s, &f, 1), 1);
	assert_int_equal(answer(s, f.cookie, IOMMUFD_PAGE_RESP_INVALID), 0);
	assert_int_equal(testep_status(&s->c, 1), TESTEP_ABORTED);
}

/* A mapping that may be read only: the fault is one of permission. */
static void rights(struct scene *s)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.ioas_id = s->c.ioas_id,
		.user_va = (uintptr_t)s->mem,
		.length = PAGE,
		.iova = IOVA,
	};
	struct iommu_hwpt_pgfault f;

	assert_int_equal(
		client_ioctl(s->c.abi, s->c.space_fd, IOMMU_IOAS_MAP, &map), 0);
	*(uint64_t *)s->mem = 77;
	assert_int_equal(testep_go(&s->c, 0, TESTEP_READ, IOVA, 8), TESTEP_OK);
	assert_int_equal(testep_word(&s->c, 0), 77);
	testep_fill(&s->c, 0, 78);
	assert_int_equal(testep_go(&s->c, 0, TESTEP_WRITE, IOVA, 8),
			 TESTEP_WORKING);
	assert_int_equal(read_faults(s, &f, 1), 1);
	assert_int_equal(f.perm, IOMMU_PGFAULT_PERM_WRITE);
	assert_int_equal(client_unmap(&s->c, IOVA, PAGE), 0);
	client_map_ok(&s->c, s->mem, PAGE, IOVA);
	assert_int_equal(answer(s, f.cookie, IOMMUFD_PAGE_RESP_SUCCESS), 0);
	assert_int_equal(testep_status(&s->c, 0), TESTEP_OK);
	assert_int_equal(*(uint64_t *)s->mem, 78);
	assert_int_equal(client_unmap(&s->c, IOVA, PAGE), 0);
}

/* The answer brings the interrupt. */
static void interrupts(struct scene *s)
{
	int efd[2] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	struct iommu_hwpt_pgfault f;
	uint64_t count;

	client_msix_ok(&s->c, efd, 2);
	assert_int_equal(testep_go(&s->c, 2, TESTEP_READ | TESTEP_IRQ_VECTOR(1),
				   IOVA, 8),
			 TESTEP_WORKING);
	assert_int_equal(read_faults(s, &f, 1), 1);
	client_map_ok(&s->c, s->mem, PAGE, IOVA);
	assert_int_equal(read(efd[1], &count, 8), -1);
	assert_int_equal(answer(s, f.cookie, IOMMUFD_PAGE_RESP_SUCCESS), 0);
	assert_int_equal(testep_status(&s->c, 2), TESTEP_OK);
	assert_int_equal(read(efd[1], &count, 8), 8);
	assert_int_equal(client_unmap(&s->c, IOVA, PAGE), 0);
	close(efd[0]);
	close(efd[1]);
}

/* Whoever takes the queue away lets nobody wait. */
static void leaving(struct scene *s)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};
	struct iommu_hwpt_pgfault f;

	for (unsigned int way = 0; way < 2; way++) {
		testep_go(&s->c, 3, TESTEP_READ, IOVA, 8);
		assert_int_equal(read_faults(s, &f, 1), 1);
		testep_go(&s->c, 4, TESTEP_WRITE, IOVA, 8);
		assert_true(readable(s));
		if (way)
			attach_ok(s, s->c.ioas_id);
		else
			assert_int_equal(
				client_ioctl(s->c.abi, s->c.dev_fd,
					     VFIO_DEVICE_DETACH_IOMMUFD_PT,
					     &detach),
				0);
		assert_int_equal(testep_status(&s->c, 3), TESTEP_ABORTED);
		assert_int_equal(testep_status(&s->c, 4), TESTEP_ABORTED);
		assert_false(readable(s));
		assert_int_equal(answer(s, f.cookie, 0), -EINVAL);
		/* Without a queue an access ends at once. */
		assert_int_equal(testep_go(&s->c, 3, TESTEP_READ, IOVA, 8),
				 TESTEP_ABORTED);
		attach_ok(s, s->hwpt);
	}
}

/* A reset function asks for nothing any more; late answers hit nobody. */
static void reset(struct scene *s)
{
	struct iommu_hwpt_pgfault f;

	testep_go(&s->c, 5, TESTEP_READ, IOVA, 8);
	assert_int_equal(read_faults(s, &f, 1), 1);
	assert_int_equal(uiommu_abi_ioctl(s->c.abi, s->c.dev_fd,
					  VFIO_DEVICE_RESET, 0),
			 0);
	client_master(&s->c, true);
	assert_int_equal(answer(s, f.cookie, IOMMUFD_PAGE_RESP_INVALID), 0);
	assert_int_equal(testep_go(&s->c, 5, TESTEP_READ, IOVA, 8),
			 TESTEP_WORKING);
	assert_int_equal(read_faults(s, &f, 1), 1);
	assert_int_equal(answer(s, f.cookie, IOMMUFD_PAGE_RESP_INVALID), 0);
	assert_int_equal(testep_status(&s->c, 5), TESTEP_ABORTED);
}

static void run_all(unsigned int index)
{
	struct uiommu_machine *machine = machine_ok("testep,testep:stall");
	struct scene s;

	guard_ok();
	scene_open(&s, machine, index);
	every_slot_faults(&s);
	no_page(&s);
	rights(&s);
	interrupts(&s);
	leaving(&s);
	reset(&s);
	every_slot_faults(&s);
	scene_close(&s);
	uiommu_machine_destroy(machine);
}

static void by_page_requests(void **state)
{
	run_all(0);
}

static void by_stalls(void **state)
{
	run_all(1);
}

/* Two devices, one queue: each fault names its device. */
static void one_queue_for_two(void **state)
{
	struct uiommu_machine *machine = machine_ok("testep,testep:stall");
	struct iommu_hwpt_pgfault f[2];
	struct client other;
	struct scene s;

	scene_open(&s, machine, 0);
	client_open_beside(&other, &s.c, 1);
	client_master(&other, true);
	{
		struct vfio_device_attach_iommufd_pt cmd = {
			.argsz = sizeof(cmd),
			.pt_id = s.hwpt,
		};

		assert_int_equal(client_ioctl(other.abi, other.dev_fd,
					      VFIO_DEVICE_ATTACH_IOMMUFD_PT,
					      &cmd),
				 0);
	}
	testep_go(&other, 0, TESTEP_READ, IOVA, 8);
	testep_go(&s.c, 0, TESTEP_READ, IOVA, 8);
	assert_int_equal(read_faults(&s, f, 2), 2);
	assert_int_not_equal(f[0].dev_id, DEV_ID);
	assert_int_equal(f[1].dev_id, DEV_ID);
	client_map_ok(&s.c, s.mem, PAGE, IOVA);
	/* One device leaves; the other's fault stays. */
	assert_int_equal(uiommu_abi_close(other.abi, other.dev_fd), 0);
	assert_int_equal(answer(&s, f[0].cookie, 0), -EINVAL);
	assert_int_equal(answer(&s, f[1].cookie, 0), 0);
	assert_int_equal(testep_status(&s.c, 0), TESTEP_OK);
	scene_close(&s);
	uiommu_machine_destroy(machine);
}

/* The machine ends with everything open and outstanding. */
static void the_end_of_the_machine(void **state)
{
	struct uiommu_machine *machine = machine_ok("testep,testep:stall");
	struct scene s[2];

	for (unsigned int i = 0; i < 2; i++) {
		scene_open(&s[i], machine, i);
		assert_int_equal(testep_go(&s[i].c, 0, TESTEP_READ, IOVA, 8),
				 TESTEP_WORKING);
	}
	uiommu_machine_destroy(machine);
	for (unsigned int i = 0; i < 2; i++)
		pages_free(s[i].mem, TESTEP_SLOTS * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_page_requests),
		cmocka_unit_test(by_stalls),
		cmocka_unit_test(one_queue_for_two),
		cmocka_unit_test(the_end_of_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
