/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault queues of a whole machine under fire: two devices, one with page
 * requests and one whose accesses stall, do DMA where now and then something is
 * mapped; one thread makes queues and page tables, moves the devices from one to
 * the next and closes and destroys the old ones, full as they are; others read
 * whatever queues there are and answer.  In the end no access waits.
 * UIOMMU_STRESS_SECONDS says how long (2).
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "client.h"
#include "testep.h"
#include "turns.h"

#define PAGE UINT64_C(4096)
#define IOVA UINT64_C(0x40000000)

enum {
	DEVS = 2,
	ANSWERERS = 2,
	PAGES = 16,
	MEM_SLOTS = 32
};

struct place {
	int queue; /* atomic: readers use it, whatever it is by now */
	uint32_t queue_id, hwpt;
};

struct arena {
	struct uiommu_machine *machine;
	struct client c[DEVS]; /* one iommufd */
	struct place place[DEVS];
	uint8_t *mem;
	uint32_t stop, seeds, ringers, wrong; /* atomic */
	uint64_t rung, good, bad, answered, late, moves, maps;
};

static unsigned int dice(unsigned int *seed, unsigned int sides)
{
	return (unsigned int)rand_r(seed) % sides;
}

static void expect(struct arena *a, long rc, int x, int y, int z)
{
	if (rc && rc != x && rc != y && rc != z) {
		print_message("# unexpected: %ld\n", rc);
		fetch_add_relaxed(&a->wrong, 1);
	}
}

/* --------------------------------------------------------------- devices -- */

static uint64_t reg(struct client *c, uint64_t off, unsigned int size)
{
	uint64_t val = 0;

	uiommu_abi_pread(c->abi, c->dev_fd, (uintptr_t)&val, size,
			 c->bar_off + off);
	return val;
}

static void set(struct client *c, uint64_t off, unsigned int size, uint64_t val)
{
	uiommu_abi_pwrite(c->abi, c->dev_fd, (uintptr_t)&val, size,
			  c->bar_off + off);
}

/* Slots of a device's own; an access that still waits is left alone. */
static void *ringer(void *arg)
{
	struct arena *a = arg;
	uint32_t nr = fetch_add_relaxed(&a->ringers, 1);
	struct client *c = &a->c[nr];
	unsigned int seed = 17 + nr;

	while (!load_acquire(&a->stop)) {
		unsigned int slot = dice(&seed, MEM_SLOTS);
		uint64_t status = reg(c, TESTEP_SLOT(slot) + 0x10, 4);

		if (status == TESTEP_WORKING)
			continue;
		turn(status == TESTEP_OK ? &a->good : &a->bad);
		set(c, TESTEP_SLOT(slot), 8, IOVA + dice(&seed, PAGES) * PAGE);
		set(c, TESTEP_SLOT(slot) + 0x14, 4, 8);
		set(c, TESTEP_SLOT(slot) + 0x08, 4,
		    1 | (dice(&seed, 2) ? TESTEP_READ : TESTEP_WRITE));
		turn(&a->rung);
	}
	return NULL;
}

/* ---------------------------------------------------------------- answers -- */

static long map(struct arena *a, uint64_t page)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = a->c[0].ioas_id,
		.user_va = (uintptr_t)a->mem + page * PAGE,
		.length = PAGE,
		.iova = IOVA + page * PAGE,
	};

	turn(&a->maps);
	return client_ioctl(a->c[0].abi, a->c[0].space_fd, IOMMU_IOAS_MAP,
			    &cmd);
}

static long unmap(struct arena *a, uint64_t page)
{
	struct iommu_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = a->c[0].ioas_id,
		.iova = IOVA + page * PAGE,
		.length = PAGE,
	};

	return client_ioctl(a->c[0].abi, a->c[0].space_fd, IOMMU_IOAS_UNMAP,
			    &cmd);
}

static void answer(struct arena *a, int queue,
		   const struct iommu_hwpt_pgfault *f, unsigned int *seed)
{
	struct iommu_hwpt_page_response r = {
		.cookie = f->cookie,
		.code = IOMMUFD_PAGE_RESP_SUCCESS,
	};
	ssize_t n;

	if (dice(seed, 4))
		expect(a, map(a, (f->addr - IOVA) / PAGE), -EEXIST, 0, 0);
	else
		r.code = IOMMUFD_PAGE_RESP_INVALID;
	n = uiommu_abi_write(a->c[0].abi, queue, (uintptr_t)&r, sizeof(r));
	/* Moved away, or closed, or another file by now. */
	expect(a, n == sizeof(r) ? 0 : n, -EINVAL, -EBADF, 0);
	turn(n == sizeof(r) ? &a->answered : &a->late);
}

static void *answerer(void *arg)
{
	struct arena *a = arg;
	unsigned int seed = 71 + fetch_add_relaxed(&a->seeds, 1);
	struct iommu_hwpt_pgfault f[8];

	while (!load_acquire(&a->stop)) {
		int queue = load_acquire(&a->place[dice(&seed, DEVS)].queue);
		ssize_t n = uiommu_abi_read(a->c[0].abi, queue, (uintptr_t)f,
					    sizeof(f));

		expect(a, n > 0 ? 0 : n, -EBADF, 0, 0);
		for (ssize_t i = 0; i < n / (ssize_t)sizeof(f[0]); i++)
			answer(a, queue, &f[i], &seed);
		if (!dice(&seed, 8))
			expect(a, unmap(a, dice(&seed, PAGES)), -ENOENT, -EBUSY,
			       0);
	}
	return NULL;
}

/* ---------------------------------------------------------------- moving -- */

static long attach(struct arena *a, unsigned int d, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.pt_id = pt,
	};

	return client_ioctl(a->c[d].abi, a->c[d].dev_fd,
			    VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

static long detach(struct arena *a, unsigned int d)
{
	struct vfio_device_detach_iommufd_pt cmd = { .argsz = sizeof(cmd) };

	return client_ioctl(a->c[d].abi, a->c[d].dev_fd,
			    VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

static void destroy(struct arena *a, uint32_t id)
{
	struct iommu_destroy cmd = { sizeof(cmd), id };

	expect(a,
	       client_ioctl(a->c[0].abi, a->c[0].space_fd, IOMMU_DESTROY, &cmd),
	       0, 0, 0);
}

static void close_queue(struct arena *a, struct place *place)
{
	int queue = place->queue;

	if (queue < 0)
		return;
	store_release(&place->queue, -1);
	uiommu_abi_close(a->c[0].abi, queue);
	close(queue);
}

static void leave(struct arena *a, struct place *old)
{
	if (!old->hwpt)
		return;
	close_queue(a, old);
	destroy(a, old->hwpt);
	/* A reader may be inside: it counts nothing but the descriptor. */
	for (;;) {
		struct iommu_destroy cmd = { sizeof(cmd), old->queue_id };
		long rc = client_ioctl(a->c[0].abi, a->c[0].space_fd,
				       IOMMU_DESTROY, &cmd);

		expect(a, rc, -EBUSY, 0, 0);
		if (rc != -EBUSY)
			break;
	}
	old->hwpt = 0;
}

static uint32_t dev_id(unsigned int d)
{
	/* Device, IOAS, its page table, the other device. */
	return d ? 4 : 1;
}

static void enter(struct arena *a, unsigned int d, struct place *place)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = dev_id(d),
		.pt_id = a->c[0].ioas_id,
	};

	expect(a,
	       client_ioctl(a->c[0].abi, a->c[0].space_fd,
			    IOMMU_FAULT_QUEUE_ALLOC, &queue),
	       0, 0, 0);
	place->queue_id = hwpt.fault_id = queue.out_fault_id;
	expect(a,
	       client_ioctl(a->c[0].abi, a->c[0].space_fd, IOMMU_HWPT_ALLOC,
			    &hwpt),
	       0, 0, 0);
	place->hwpt = hwpt.out_hwpt_id;
	place->queue = (int)queue.out_fault_fd;
}

static void move(struct arena *a, unsigned int d, unsigned int *seed)
{
	struct place *now = &a->place[d], old = *now, next;

	switch (dice(seed, 8)) {
	case 0:
		expect(a, detach(a, d), 0, 0, 0);
		leave(a, now);
		break;
	case 1:
		expect(a, attach(a, d, a->c[0].ioas_id), 0, 0, 0);
		leave(a, now);
		break;
	case 2:
		close_queue(a, now);
		break;
	default:
		enter(a, d, &next);
		expect(a, attach(a, d, next.hwpt), 0, 0, 0);
		store_release(&now->queue, next.queue);
		now->queue_id = next.queue_id;
		now->hwpt = next.hwpt;
		leave(a, &old);
		break;
	}
}

static void *mover(void *arg)
{
	struct arena *a = arg;
	unsigned int seed = 5;

	while (!load_acquire(&a->stop)) {
		move(a, dice(&seed, DEVS), &seed);
		turn(&a->moves);
		/* Some faults are to be answered. */
		if (dice(&seed, 2))
			usleep(200);
	}
	return NULL;
}

/* ------------------------------------------------------------- the fight -- */

static void build(struct arena *a)
{
	a->machine = machine_ok("testep,testep:stall");
	client_open_iommufd(&a->c[0], a->machine, 0);
	client_open_beside(&a->c[1], &a->c[0], 1);
	assert_int_equal(attach(a, 1, a->c[0].ioas_id), 0);
	for (unsigned int d = 0; d < DEVS; d++) {
		client_master(&a->c[d], true);
		a->place[d].queue = -1;
	}
	a->mem = pages_ok(PAGES * PAGE);
}

static void tear_down(struct arena *a)
{
	for (unsigned int d = 0; d < DEVS; d++) {
		expect(a, detach(a, d), 0, 0, 0);
		leave(a, &a->place[d]);
		assert_int_equal(bar_read(&a->c[d], TESTEP_WORK, 8), 0);
	}
	assert_int_equal(a->wrong, 0);
	assert_int_equal(uiommu_abi_close(a->c[1].abi, a->c[1].dev_fd), 0);
	client_close(&a->c[0]);
	uiommu_machine_destroy(a->machine);
	pages_free(a->mem, PAGES * PAGE);
}

static void nobody_waits_in_the_end(void **state)
{
	struct arena *a = calloc(1, sizeof(*a));
	pthread_t thread[DEVS + ANSWERERS + 1];
	unsigned int nr = 0;
	const uint64_t *turns[] = { &a->rung, &a->good,	 &a->bad,
				    &a->maps, &a->moves, &a->answered };

	assert_non_null(a);
	guard_ok();
	build(a);
	for (unsigned int i = 0; i < DEVS; i++)
		pthread_create(&thread[nr++], NULL, ringer, a);
	for (unsigned int i = 0; i < ANSWERERS; i++)
		pthread_create(&thread[nr++], NULL, answerer, a);
	pthread_create(&thread[nr++], NULL, mover, a);
	let_fight(stress_ms(2000), turns, 6);
	store_release(&a->stop, 1);
	while (nr)
		pthread_join(thread[--nr], NULL);
	print_message("# %lu accesses, %lu good, %lu bad; %lu answers, %lu too "
		      "late; %lu moves\n",
		      (long)a->rung, (long)a->good, (long)a->bad,
		      (long)a->answered, (long)a->late, (long)a->moves);
	assert_true(all_had_turns(turns, 6));
	tear_down(a);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
