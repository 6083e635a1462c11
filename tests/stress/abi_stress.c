/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors under many threads, on a whole machine: some open, duplicate,
 * close and call each other's numbers at random; one drives a device through
 * its own file and iommufd, one another device through its group.  The two are
 * not disturbed, and at the end nothing is mapped or pinned.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <uiommu/machine.h>
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "base/atomic.h"
#include "turns.h"

#define NR_THREADS 5
#define RUN_MS 600
#define PAGE UINT64_C(4096)
#define MEM_SIZE (16 * PAGE)

/* Each kind of thread has numbers of its own: the first and how many. */
#define CHAOS 100
#define NR_CHAOS 12
#define QUIET 200
#define NR_QUIET 8

struct stress {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	uint8_t *mem;
	bool stop; /* atomic */
	pthread_mutex_t lock;
	bool used[QUIET + NR_THREADS * NR_QUIET]; /* under lock */
};

struct worker {
	struct stress *stress;
	void (*fn)(struct worker *self);
	unsigned int index;
	uint64_t seed, done;
	pthread_t thread;
};

/* Where descriptors of this thread come from. */
static _Thread_local int first_fd, nr_fds;

static int fd_new(void *ctx, const char *path, int flags)
{
	struct stress *s = ctx;
	int fd, rc = -24; /* EMFILE */

	pthread_mutex_lock(&s->lock);
	for (fd = first_fd; fd < first_fd + nr_fds; fd++) {
		if (s->used[fd])
			continue;
		s->used[fd] = true;
		rc = fd;
		break;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void fd_drop(void *ctx, int fd)
{
	struct stress *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->used[fd] = false;
	pthread_mutex_unlock(&s->lock);
}

/* As close(2): whoever gets 0 gives the number back. */
static void close_fd(struct stress *s, int fd)
{
	if (!uiommu_abi_close(s->abi, fd))
		fd_drop(s, fd);
}

static uint32_t pick(struct worker *self, uint32_t n)
{
	self->seed ^= self->seed << 13;
	self->seed ^= self->seed >> 7;
	self->seed ^= self->seed << 17;
	return (uint32_t)(self->seed % n);
}

static long call(struct worker *self, int fd, unsigned long cmd, void *arg)
{
	return uiommu_abi_ioctl(self->stress->abi, fd, cmd, (unsigned long)arg);
}

static void must(long rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "abi stress: %s: %ld\n", what, rc);
	abort();
}

/* ---------------------------------------------------------------- chaos -- */

static void chaos_call(struct worker *self, int fd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_destroy destroy = { sizeof(destroy), pick(self, 8) };
	struct iommu_ioas_map map = { .size = sizeof(map),
				      .flags = 6,
				      .ioas_id = pick(self, 8),
				      .user_va = (uintptr_t)self->stress->mem,
				      .length = PAGE };
	struct iommu_ioas_unmap unmap = { sizeof(unmap), pick(self, 8), 0,
					  UINT64_MAX };

	call(self, fd, IOMMU_IOAS_ALLOC, &alloc);
	call(self, fd, IOMMU_IOAS_MAP, &map);
	call(self, fd, IOMMU_IOAS_UNMAP, &unmap);
	call(self, fd, IOMMU_DESTROY, &destroy);
}

static void chaos(struct worker *self)
{
	struct stress *s = self->stress;
	int fd = CHAOS + (int)pick(self, NR_CHAOS);
	int to = CHAOS + (int)pick(self, NR_CHAOS);

	switch (pick(self, 8)) {
	case 0:
		uiommu_abi_open(s->abi, "/dev/iommu", 0);
		break;
	case 1:
		close_fd(s, fd);
		break;
	case 2:
		/* As dup2(2): the number is in use from here on. */
		pthread_mutex_lock(&s->lock);
		if (s->used[fd] && !uiommu_abi_dup(s->abi, fd, to))
			s->used[to] = true;
		pthread_mutex_unlock(&s->lock);
		break;
	default:
		if (uiommu_abi_owns(s->abi, fd))
			chaos_call(self, fd);
	}
	turn(&self->done);
}

/* ---------------------------------------------------------------- quiet -- */

static int open_ok(struct worker *self, const char *path)
{
	int fd = uiommu_abi_open(self->stress->abi, path, 0);

	must(fd, path);
	return fd;
}

static void through_cdev(struct worker *self)
{
	struct stress *s = self->stress;
	int iommu = open_ok(self, "/dev/iommu");
	int dev = open_ok(self, "/dev/vfio/devices/vfio0");
	struct vfio_device_bind_iommufd bind = { 16, 0, iommu };
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_attach_iommufd_pt attach = { 12 };
	struct iommu_ioas_map map = { .size = sizeof(map),
				      .flags = 7,
				      .user_va = (uintptr_t)s->mem,
				      .length = MEM_SIZE,
				      .iova = 0x100000 };

	must(call(self, dev, VFIO_DEVICE_BIND_IOMMUFD, &bind), "bind");
	must(call(self, iommu, IOMMU_IOAS_ALLOC, &alloc), "ioas");
	attach.pt_id = alloc.out_ioas_id;
	must(call(self, dev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), "attach");
	map.ioas_id = alloc.out_ioas_id;
	must(call(self, iommu, IOMMU_IOAS_MAP, &map), "map");
	if (pick(self, 2)) {
		close_fd(s, iommu);
		close_fd(s, dev);
	} else {
		close_fd(s, dev);
		close_fd(s, iommu);
	}
	turn(&self->done);
}

static void through_group(struct worker *self)
{
	struct stress *s = self->stress;
	int container =
		open_ok(self, pick(self, 2) ? "/dev/vfio/vfio" : "/dev/iommu");
	int group = open_ok(self, "/dev/vfio/1");
	struct vfio_iommu_type1_dma_map map = { 32, 3, (uintptr_t)s->mem,
						0x100000, MEM_SIZE };
	struct vfio_iommu_type1_dma_unmap unmap = { 24, 0, 0x100000, MEM_SIZE };
	char name[] = "0000:02:00.0";
	long dev;

	must(call(self, group, VFIO_GROUP_SET_CONTAINER, &container), "set");
	must(call(self, container, VFIO_SET_IOMMU,
		  (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU),
	     "type");
	must(call(self, container, VFIO_IOMMU_MAP_DMA, &map), "map");
	dev = call(self, group, VFIO_GROUP_GET_DEVICE_FD, name);
	must(dev, "device");
	if (pick(self, 2)) {
		must(call(self, container, VFIO_IOMMU_UNMAP_DMA, &unmap),
		     "unmap");
		must(unmap.size == MEM_SIZE ? 0 : -EIO, "unmapped size");
	}
	close_fd(s, group);
	close_fd(s, container);
	close_fd(s, (int)dev);
	turn(&self->done);
}

/* ------------------------------------------------------------------------- */

static void *work(void *arg)
{
	struct worker *self = arg;

	first_fd = CHAOS;
	nr_fds = NR_CHAOS;
	if (self->fn != chaos) {
		first_fd = QUIET + (int)self->index * NR_QUIET;
		nr_fds = NR_QUIET;
	}
	while (!load_relaxed(&self->stress->stop))
		self->fn(self);
	return NULL;
}

static void descriptors(void **state)
{
	struct stress s = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct uiommu_machine_cfg cfg = { .devices = "ioat,ioat",
					  .log_level = UIOMMU_LOG_ERROR,
					  .ctx = &s,
					  .fd_new = fd_new,
					  .fd_drop = fd_drop };
	struct worker workers[NR_THREADS] = {
		{ .fn = chaos },	 { .fn = chaos },
		{ .fn = chaos },	 { .fn = through_cdev },
		{ .fn = through_group },
	};
	const uint64_t *turns[NR_THREADS];
	struct uiommu_core_stats stats;
	char err[256];
	unsigned int i;
	int fd;

	assert_int_equal(
		uiommu_machine_create(&cfg, &s.machine, err, sizeof(err)), 0);
	s.abi = uiommu_machine_abi(s.machine);
	s.mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(s.mem != MAP_FAILED);
	for (i = 0; i < NR_THREADS; i++) {
		turns[i] = &workers[i].done;
		workers[i].stress = &s;
		workers[i].index = i;
		workers[i].seed = 88172645463325252ULL + i;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
						&workers[i]),
				 0);
	}
	let_fight(RUN_MS, turns, NR_THREADS);
	store_relaxed(&s.stop, true);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	assert_true(all_had_turns(turns, NR_THREADS));
	for (fd = CHAOS; fd < CHAOS + NR_CHAOS; fd++)
		close_fd(&s, fd);
	uiommu_core_stats(uiommu_machine_core(s.machine), &stats);
	assert_int_equal(stats.areas, 0);
	assert_int_equal(stats.pinned_bytes, 0);
	for (fd = 0; fd < (int)(sizeof(s.used) / sizeof(s.used[0])); fd++)
		assert_false(s.used[fd]);
	uiommu_machine_destroy(s.machine);
	munmap(s.mem, MEM_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(descriptors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
