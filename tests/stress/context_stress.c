/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * context_stress.c - many threads in one context of iommufd on a whole machine:
 * devices are attached, replaced and detached, with PASIDs and without, memory and
 * files are mapped, copied and unmapped, page tables, address spaces and fault queues are made and destroyed,
 * by number and by guess, while signals come, the files are closed and the
 * process forks.
 *
 * What must hold: each call gives one of the answers that it may give, EINTR is
 * none of them; a device that was attached to an address space sees that one and
 * no other; nothing is left in the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "client.h"
#include "testep.h"

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "base/atomic.h"
#include "turns.h"

#define PAGE UINT64_C(4096)
#define BASE UINT64_C(0x10000000)
#define SLICES UINT64_C(0x20000000)
#define NR_DEVICES 3u
#define PASID_DEVICE 2u /* attached with PASIDs only */
#define NR_THREADS 11u
#define NR_PAGES 64u
/* Ids below belong to what lives as long as the test. */
#define FIRST_GUESS 12u
#define RUN_MS 1000

#if defined(__SANITIZE_THREAD__)
/* Liburcu's callback thread starts anew in the child. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}
#endif

struct world {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	int fd;			/* atomic where files are closed */
	int dev_fd[NR_DEVICES]; /* as fd */
	struct client c[NR_DEVICES];
	uint32_t dev_id[NR_DEVICES];
	/* A word of each is mapped at BASE; and page tables of them for PASIDs. */
	uint32_t ioas[2], table[2];
	uint8_t *mem;
	int memfd;
	bool stop;		    /* atomic */
	uint64_t turns[NR_THREADS]; /* atomic */
};

struct worker {
	struct world *w;
	unsigned int index;
	void (*fn)(struct worker *self);
	uint64_t seed;
	pthread_t thread;
};

static uint64_t signals; /* atomic; a handler has no context */

static uint32_t pick(struct worker *self, uint32_t n)
{
	self->seed ^= self->seed << 13;
	self->seed ^= self->seed >> 7;
	self->seed ^= self->seed << 17;
	return (uint32_t)(self->seed % n);
}

/* Success or one of these. */
static long among_at(int line, long rc, int a, int b, int c)
{
	if (rc && rc != a && rc != b && rc != c) {
		fprintf(stderr, "context stress, line %d: answer %ld\n", line,
			rc);
		abort();
	}
	return rc;
}
#define among(...) among_at(__LINE__, __VA_ARGS__)

static uint64_t word_of(unsigned int ioas)
{
	return 0xa5a50000 + ioas;
}

/* ----------------------------------------------------------------- calls -- */

/* Between the brackets of a program that forks. */
static long call(struct world *w, int fd, unsigned long cmd, void *arg)
{
	long rc;

	uiommu_machine_enter(w->machine);
	rc = client_ioctl(w->abi, fd, cmd, arg);
	uiommu_machine_exit(w->machine);
	return rc;
}

static long map(struct world *w, int fd, uint32_t ioas, unsigned int page,
		uint32_t nr, uint64_t iova)
{
	struct iommu_ioas_map cmd = { .size = sizeof(cmd),
				      .flags = 7,
				      .ioas_id = ioas,
				      .user_va =
					      (uintptr_t)w->mem + page * PAGE,
				      .length = nr * PAGE,
				      .iova = iova };

	return call(w, fd, IOMMU_IOAS_MAP, &cmd);
}

static long unmap(struct world *w, int fd, uint32_t ioas, uint64_t iova,
		  uint64_t len)
{
	struct iommu_ioas_unmap cmd = { sizeof(cmd), ioas, iova, len };

	return call(w, fd, IOMMU_IOAS_UNMAP, &cmd);
}

static long destroy(struct world *w, int fd, uint32_t id)
{
	struct iommu_destroy cmd = { sizeof(cmd), id };

	return call(w, fd, IOMMU_DESTROY, &cmd);
}

/* PASID 0: without. */
static long attach_pasid(struct world *w, int fd, uint32_t pasid, uint32_t *pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.flags = pasid ? VFIO_DEVICE_ATTACH_PASID : 0,
		.pt_id = *pt,
		.pasid = pasid,
	};
	long rc = call(w, fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);

	*pt = cmd.pt_id;
	return rc;
}

static long attach(struct world *w, int fd, uint32_t *pt)
{
	return attach_pasid(w, fd, 0, pt);
}

static long detach_pasid(struct world *w, int fd, uint32_t pasid)
{
	struct vfio_device_detach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.flags = pasid ? VFIO_DEVICE_DETACH_PASID : 0,
		.pasid = pasid,
	};

	return call(w, fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

static long detach(struct world *w, int fd)
{
	return detach_pasid(w, fd, 0);
}

static long hwpt_alloc(struct world *w, int fd, uint32_t dev, uint32_t ioas,
		       uint32_t flags, uint32_t fault, uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = { .size = sizeof(cmd),
					.flags = flags,
					.dev_id = dev,
					.pt_id = ioas,
					.fault_id = fault };
	long rc = call(w, fd, IOMMU_HWPT_ALLOC, &cmd);

	*id = cmd.out_hwpt_id;
	return rc;
}

static uint32_t ioas_alloc(struct world *w, int fd)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	CHECK(!call(w, fd, IOMMU_IOAS_ALLOC, &cmd));
	return cmd.out_ioas_id;
}

/*
 * What a slot of the device reads there, 0: nothing; pasid 0: without.  Another thread
 * that has just started a slot of the device may do this one's work.
 */
static uint64_t dma_pasid(struct world *w, unsigned int dev, unsigned int slot,
			  uint32_t pasid, uint64_t iova)
{
	struct client *c = &w->c[dev];
	unsigned int status;
	uint64_t word = 0;

	uiommu_machine_enter(w->machine);
	testep_fill(c, slot, 0xdead);
	status = testep_go_as(c, slot, pasid, TESTEP_READ, iova, 8);
	while (status == TESTEP_WORKING) {
		sched_yield();
		status = testep_status(c, slot);
	}
	if (status == TESTEP_OK)
		word = testep_word(c, slot);
	uiommu_machine_exit(w->machine);
	return word;
}

static uint64_t dma_word(struct world *w, unsigned int dev, uint64_t iova)
{
	return dma_pasid(w, dev, 0, 0, iova);
}

/* ----------------------------------------------------------------- world -- */

static int open_ok(struct world *w, const char *path)
{
	int fd;

	uiommu_machine_enter(w->machine);
	fd = uiommu_abi_open(w->abi, path, O_RDWR);
	uiommu_machine_exit(w->machine);
	CHECK(fd >= 0);
	return fd;
}

static void close_fd(struct world *w, int fd)
{
	uiommu_machine_enter(w->machine);
	CHECK(!uiommu_abi_close(w->abi, fd));
	uiommu_machine_exit(w->machine);
	close(fd);
}

/* A context with both devices, attached to its first address space. */
static void open_context(struct world *w)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	int fd = open_ok(w, "/dev/iommu"), dev;
	char path[40];
	uint32_t pt;

	for (unsigned int i = 0; i < NR_DEVICES; i++) {
		snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", i);
		dev = open_ok(w, path);
		bind.iommufd = fd;
		CHECK(!call(w, dev, VFIO_DEVICE_BIND_IOMMUFD, &bind));
		w->dev_id[i] = bind.out_devid;
		w->c[i] = (struct client){
			.machine = w->machine,
			.abi = w->abi,
			.dev_fd = dev,
			.cfg_off = (uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40
		};
		client_master(&w->c[i], true);
		store_release(&w->dev_fd[i], dev);
	}
	for (unsigned int i = 0; i < 2; i++) {
		w->ioas[i] = ioas_alloc(w, fd);
		CHECK(!map(w, fd, w->ioas[i], i, 1, BASE));
		/* Keeps it, whatever the devices do. */
		CHECK(!hwpt_alloc(w, fd, w->dev_id[0], w->ioas[i],
				  IOMMU_HWPT_ALLOC_PASID, 0, &w->table[i]));
		CHECK(w->table[i] < FIRST_GUESS);
	}
	store_release(&w->fd, fd);
	for (unsigned int i = 0; i < PASID_DEVICE; i++) {
		pt = w->ioas[0];
		CHECK(!attach(w, w->dev_fd[i], &pt));
	}
}

static void start(struct world *w)
{
	guard_ok();
	memset(w, 0, sizeof(*w));
	w->machine = machine_ok("testep,testep,testep");
	w->abi = uiommu_machine_abi(w->machine);
	w->mem = pages_ok(NR_PAGES * PAGE);
	w->memfd = memfd_create("context", MFD_CLOEXEC);
	assert_int_equal(ftruncate(w->memfd, NR_PAGES * PAGE), 0);
	for (unsigned int i = 0; i < 2; i++)
		*(uint64_t *)(void *)(w->mem + i * PAGE) = word_of(i);
	open_context(w);
}

static void finish(struct world *w)
{
	struct uiommu_core_stats stats;

	uiommu_core_stats(uiommu_machine_core(w->machine), &stats);
	assert_int_equal(stats.areas, 0);
	assert_int_equal(stats.pinned_bytes, 0);
	uiommu_machine_destroy(w->machine);
	pages_free(w->mem, NR_PAGES * PAGE);
	close(w->memfd);
}

static void *work(void *arg)
{
	struct worker *self = arg;

	while (!load_relaxed(&self->w->stop)) {
		self->fn(self);
		turn(&self->w->turns[self->index]);
	}
	return NULL;
}

static void begin(struct world *w, struct worker *workers,
		  void (*const *fns)(struct worker *), unsigned int nr)
{
	store_relaxed(&w->stop, false);
	for (unsigned int i = 0; i < nr; i++) {
		w->turns[i] = 0;
		workers[i] =
			(struct worker){ .w = w,
					 .index = i,
					 .fn = fns[i],
					 .seed = 88172645463325252ull + i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
						&workers[i]),
				 0);
	}
}

static void end(struct world *w, struct worker *workers, unsigned int nr)
{
	store_relaxed(&w->stop, true);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
}

static void fight(struct world *w, unsigned int ms, unsigned int nr)
{
	const uint64_t *turns[NR_THREADS];

	for (unsigned int i = 0; i < nr; i++)
		turns[i] = &w->turns[i];
	assert_true(let_fight(ms, turns, nr));
}

/* --------------------------------------------------------------- threads -- */

/* Moves device `index` about, and looks where it is. */
static void mover(struct worker *self)
{
	unsigned int dev = self->index, k = pick(self, 2);
	struct world *w = self->w;
	uint32_t pt = w->ioas[k], made;

	switch (pick(self, 4)) {
	case 0:
		among(hwpt_alloc(w, w->fd, w->dev_id[dev], w->ioas[k], 0, 0,
				 &pt),
		      0, 0, 0);
		made = pt;
		/* Who guesses may have destroyed it, and the number another's. */
		among(attach(w, w->dev_fd[dev], &pt), -ENOENT, -EINVAL, 0);
		dma_word(w, dev, BASE);
		pt = w->ioas[k];
		among(attach(w, w->dev_fd[dev], &pt), 0, 0, 0);
		among(destroy(w, w->fd, made), -EBUSY, -ENOENT, 0);
		break;
	case 1:
		among(detach(w, w->dev_fd[dev]), 0, 0, 0);
		CHECK(!dma_word(w, dev, BASE));
		break;
	default:
		among(attach(w, w->dev_fd[dev], &pt), 0, 0, 0);
		CHECK(dma_word(w, dev, BASE) == word_of(k));
	}
}

/* Has a slice of both address spaces to itself, and memory of its own. */
static void mapper(struct worker *self)
{
	uint64_t at = SLICES + self->index * 16 * PAGE;
	unsigned int k = pick(self, 2), nr = 1 + pick(self, 4);
	unsigned int page = 2 + 4 * (self->index % 6);
	struct world *w = self->w;
	struct iommu_ioas_copy copy = { .size = sizeof(copy),
					.flags = 7,
					.dst_ioas_id = w->ioas[!k],
					.src_ioas_id = w->ioas[k],
					.length = nr * PAGE,
					.dst_iova = at,
					.src_iova = at };

	CHECK(!map(w, w->fd, w->ioas[k], page, nr, at));
	CHECK(map(w, w->fd, w->ioas[k], page, 1, at) == -EEXIST);
	CHECK(!call(w, w->fd, IOMMU_IOAS_COPY, &copy));
	CHECK(!unmap(w, w->fd, w->ioas[k], at, nr * PAGE));
	CHECK(unmap(w, w->fd, w->ioas[k], at, nr * PAGE) == -ENOENT);
	CHECK(!unmap(w, w->fd, w->ioas[!k], at, nr * PAGE));
}

/* The same for memory of a file, in one of them. */
static void file_mapper(struct worker *self)
{
	uint64_t at = SLICES + self->index * 16 * PAGE;
	struct world *w = self->w;
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = 7,
		.ioas_id = w->ioas[pick(self, 2)],
		.fd = w->memfd,
		.start = pick(self, NR_PAGES / 2) * PAGE,
		.length = (1 + pick(self, 8)) * PAGE,
		.iova = at,
	};

	CHECK(!call(w, w->fd, IOMMU_IOAS_MAP_FILE, &cmd));
	CHECK(call(w, w->fd, IOMMU_IOAS_MAP_FILE, &cmd) == -EEXIST);
	CHECK(!unmap(w, w->fd, cmd.ioas_id, at, cmd.length));
}

/* Two of them share a device; each has a PASID and a slot to itself. */
static void pasids(struct worker *self)
{
	uint32_t pasid = 1 + self->index, k = pick(self, 2), pt;
	unsigned int dev = PASID_DEVICE;
	struct world *w = self->w;

	for (unsigned int i = 0; i < 3; i++, k = !k) {
		pt = w->table[k];
		CHECK(!attach_pasid(w, w->dev_fd[dev], pasid, &pt));
		CHECK(pt == w->table[k]);
		CHECK(dma_pasid(w, dev, self->index, pasid, BASE) ==
		      word_of(k));
	}
	CHECK(!detach_pasid(w, w->dev_fd[dev], pasid));
	CHECK(!dma_pasid(w, dev, self->index, pasid, BASE));
}

/* Address spaces of its own, filled, with page tables, and gone again. */
static void builder(struct worker *self)
{
	struct world *w = self->w;
	uint32_t ioas = ioas_alloc(w, w->fd), hwpt = 0;

	among(map(w, w->fd, ioas, 2, 4, BASE), -ENOENT, 0, 0);
	if (!among(hwpt_alloc(w, w->fd, w->dev_id[0], ioas, 0, 0, &hwpt),
		   -EINVAL, -EOPNOTSUPP, 0))
		among(destroy(w, w->fd, hwpt), -ENOENT, -EBUSY, 0);
	among(destroy(w, w->fd, ioas), -ENOENT, -EBUSY, 0);
}

static void queues(struct worker *self)
{
	struct iommu_fault_alloc fault = { .size = sizeof(fault) };
	struct iommu_hwpt_pgfault record;
	struct world *w = self->w;
	uint32_t hwpt;

	CHECK(!call(w, w->fd, IOMMU_FAULT_QUEUE_ALLOC, &fault));
	if (!among(hwpt_alloc(w, w->fd, w->dev_id[1], w->ioas[1],
			      IOMMU_HWPT_FAULT_ID_VALID, fault.out_fault_id,
			      &hwpt),
		   -ENOENT, 0, 0))
		among(destroy(w, w->fd, hwpt), -ENOENT, -EBUSY, 0);
	uiommu_machine_enter(w->machine);
	CHECK(!uiommu_abi_read(w->abi, (int)fault.out_fault_fd,
			       (uintptr_t)&record, sizeof(record)));
	uiommu_machine_exit(w->machine);
	close_fd(w, (int)fault.out_fault_fd);
	among(destroy(w, w->fd, fault.out_fault_id), -ENOENT, -EBUSY, 0);
}

/*
 * A guest with a device, events and tables of its own, which aborts.  Each part
 * may have been guessed away and its number be another's by then.
 */
static void guest(struct worker *self)
{
	struct world *w = self->w;
	static const uint64_t ste[2] = { 1 }, all[2] = { 0x30 };
	struct iommu_viommu_alloc viommu = {
		.size = sizeof(viommu),
		.type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
		.dev_id = w->dev_id[0],
	};
	struct iommu_vdevice_alloc vdev = { .size = sizeof(vdev),
					    .dev_id = w->dev_id[0],
					    .virt_id = 7 };
	struct iommu_veventq_alloc events = {
		.size = sizeof(events),
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
		.veventq_depth = 4
	};
	struct iommu_hwpt_alloc nested = { .size = sizeof(nested),
					   .dev_id = w->dev_id[0],
					   .data_type =
						   IOMMU_HWPT_DATA_ARM_SMMUV3,
					   .data_len = sizeof(ste),
					   .data_uptr = (uintptr_t)ste };
	struct iommu_hwpt_invalidate inv = {
		.size = sizeof(inv),
		.data_uptr = (uintptr_t)all,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.entry_len = sizeof(all),
		.entry_num = 1
	};

	CHECK(!hwpt_alloc(w, w->fd, w->dev_id[0], w->ioas[0],
			  IOMMU_HWPT_ALLOC_NEST_PARENT, 0, &viommu.hwpt_id));
	if (among(call(w, w->fd, IOMMU_VIOMMU_ALLOC, &viommu), -ENOENT, -EINVAL,
		  0))
		goto out_parent;
	vdev.viommu_id = events.viommu_id = viommu.out_viommu_id;
	nested.pt_id = inv.hwpt_id = viommu.out_viommu_id;
	if (!among(call(w, w->fd, IOMMU_VEVENTQ_ALLOC, &events), -ENOENT,
		   -EEXIST, 0))
		close_fd(w, (int)events.out_veventq_fd);
	among(call(w, w->fd, IOMMU_VDEVICE_ALLOC, &vdev), -ENOENT, -EEXIST, 0);
	among(call(w, w->fd, IOMMU_HWPT_ALLOC, &nested), -EINVAL, -EOPNOTSUPP,
	      0);
	among(call(w, w->fd, IOMMU_HWPT_INVALIDATE, &inv), -ENOENT, -EINVAL,
	      -EOPNOTSUPP);
	among(destroy(w, w->fd, nested.out_hwpt_id), -ENOENT, -EBUSY, 0);
	among(destroy(w, w->fd, events.out_veventq_id), -ENOENT, -EBUSY, 0);
	among(destroy(w, w->fd, vdev.out_vdevice_id), -ENOENT, -EBUSY, 0);
	among(destroy(w, w->fd, viommu.out_viommu_id), -ENOENT, -EBUSY, 0);
out_parent:
	among(destroy(w, w->fd, viommu.hwpt_id), -ENOENT, -EBUSY, 0);
}

/* Calls about numbers that others may have made, or not. */
static void guesser(struct worker *self)
{
	struct world *w = self->w;
	uint32_t id = FIRST_GUESS + pick(self, 12);
	struct iommu_hw_info info = { .size = sizeof(info), .dev_id = id };
	struct iommu_ioas_iova_ranges ranges = { .size = sizeof(ranges),
						 .ioas_id = id };
	struct iommu_vfio_ioas compat = { sizeof(compat), id,
					  (uint16_t)pick(self, 3), 0 };
	struct vfio_iommu_type1_dma_unmap dma = { .argsz = sizeof(dma),
						  .flags = 2 };

	among(destroy(w, w->fd, id), -ENOENT, -EBUSY, 0);
	among(call(w, w->fd, IOMMU_GET_HW_INFO, &info), -ENOENT, 0, 0);
	among(call(w, w->fd, IOMMU_IOAS_IOVA_RANGES, &ranges), -ENOENT,
	      -EMSGSIZE, 0);
	among(call(w, w->fd, IOMMU_VFIO_IOAS, &compat), -ENOENT, -ENODEV, 0);
	/* Busy: of an area that is being made. */
	among(call(w, w->fd, VFIO_IOMMU_UNMAP_DMA, &dma), -ENODEV, -EBUSY, 0);
	among(unmap(w, w->fd, id, 0, UINT64_MAX), -ENOENT, -EBUSY, 0);
}

/* ------------------------------------------------------------ the fights -- */

static void (*const everybody[NR_THREADS])(struct worker *) = {
	mover,	     mover,   pasids, pasids, mapper,  mapper,
	file_mapper, builder, queues, guest,  guesser,
};

static void close_all(struct world *w)
{
	for (unsigned int i = 0; i < NR_DEVICES; i++)
		close_fd(w, w->dev_fd[i]);
	close_fd(w, w->fd);
}

static void everything_at_once(void **state)
{
	static struct worker workers[NR_THREADS];
	static struct world w;

	start(&w);
	begin(&w, workers, everybody, NR_THREADS);
	fight(&w, stress_ms(RUN_MS), NR_THREADS);
	end(&w, workers, NR_THREADS);
	close_all(&w);
	finish(&w);
}

static void on_signal(int sig)
{
	fetch_add_relaxed(&signals, 1);
}

/* A signal comes to whatever a thread is in the middle of. */
static void signals_come(void **state)
{
	const struct sigaction act = { .sa_handler = on_signal };
	static struct worker workers[NR_THREADS];
	static struct world w;
	struct sigaction old;
	uint64_t until;

	assert_int_equal(sigaction(SIGUSR1, &act, &old), 0);
	store_relaxed(&signals, 0);
	start(&w);
	begin(&w, workers, everybody, NR_THREADS);
	fight(&w, 0, NR_THREADS);
	until = now_ms() + stress_ms(RUN_MS);
	for (unsigned int i = 0; now_ms() < until; i++) {
		assert_int_equal(pthread_kill(workers[i % NR_THREADS].thread,
					      SIGUSR1),
				 0);
		usleep(50);
	}
	end(&w, workers, NR_THREADS);
	assert_true(load_relaxed(&signals) > 0);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
	close_all(&w);
	finish(&w);
}

/*
 * Any call on numbers that are closed meanwhile, and are somebody else's then:
 * what it answers does not matter, EINTR and crashes would.
 */
static void heedless(struct worker *self)
{
	struct world *w = self->w;
	int fd = load_acquire(&w->fd);
	int dev = load_acquire(&w->dev_fd[pick(self, NR_DEVICES)]);
	uint32_t id = 1 + pick(self, 12), pt = id;
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	uint64_t at = SLICES + pick(self, 8) * PAGE;
	long rc;

	switch (pick(self, 8)) {
	case 0:
		rc = call(w, fd, IOMMU_IOAS_ALLOC, &alloc);
		break;
	case 1:
		rc = hwpt_alloc(w, fd, 1 + pick(self, 3), id,
				IOMMU_HWPT_ALLOC_PASID * pick(self, 2), 0, &pt);
		break;
	case 2:
		rc = attach_pasid(w, dev, pick(self, 3), &pt);
		break;
	case 3:
		rc = detach_pasid(w, dev, pick(self, 3));
		break;
	case 4:
		rc = unmap(w, fd, id, 0, UINT64_MAX);
		break;
	case 5:
		rc = destroy(w, fd, id);
		break;
	case 6:
		rc = call(w, dev, VFIO_DEVICE_RESET, NULL);
		break;
	default:
		rc = map(w, fd, id, 2 + pick(self, 8), 1, at);
	}
	CHECK(rc != -EINTR);
}

static void closed_under_calls(void **state)
{
	void (*const fns[])(struct worker *) = { heedless, heedless, heedless,
						 heedless };
	static struct worker workers[4];
	static struct world w;
	uint64_t until, rounds = 0;

	start(&w);
	begin(&w, workers, fns, 4);
	fight(&w, 0, 4);
	until = now_ms() + stress_ms(RUN_MS);
	for (; now_ms() < until || !rounds; rounds++) {
		if (rounds & 1)
			close_fd(&w, w.fd);
		for (unsigned int i = 0; i < NR_DEVICES; i++)
			close_fd(&w, w.dev_fd[i]);
		if (!(rounds & 1))
			close_fd(&w, w.fd);
		/* Calls under way may keep files: then devices are busy. */
		end(&w, workers, 4);
		open_context(&w);
		begin(&w, workers, fns, 4);
		fight(&w, 2, 4);
	}
	end(&w, workers, 4);
	close_all(&w);
	finish(&w);
}

/* The child goes on with what it got, and ends it; the parent's is as it was. */
static int child(struct world *w)
{
	uint32_t pt = w->ioas[1];

	alarm(60);
	for (unsigned int i = 0; i < PASID_DEVICE; i++) {
		if (attach(w, w->dev_fd[i], &pt) ||
		    dma_word(w, i, BASE) != word_of(1))
			return 2;
		pt = w->ioas[1];
	}
	if (map(w, w->fd, w->ioas[1], 0, 1, BASE + PAGE) ||
	    dma_word(w, 0, BASE + PAGE) != word_of(0))
		return 3;
	if (unmap(w, w->fd, w->ioas[1], 0, UINT64_MAX) || dma_word(w, 0, BASE))
		return 4;
	close_all(w);
	return 0;
}

static void forks_in_the_middle(void **state)
{
	static struct worker workers[NR_THREADS];
	static struct world w;
	uint64_t until;
	int status;
	pid_t pid;

	start(&w);
	begin(&w, workers, everybody, NR_THREADS);
	fight(&w, 0, NR_THREADS);
	until = now_ms() + stress_ms(RUN_MS);
	do {
		uiommu_machine_before_fork(w.machine);
		pid = fork();
		if (!pid) {
			uiommu_machine_after_fork_child(w.machine);
			_exit(child(&w));
		}
		uiommu_machine_after_fork_parent(w.machine);
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	} while (now_ms() < until);
	end(&w, workers, NR_THREADS);
	close_all(&w);
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_at_once),
		cmocka_unit_test(signals_come),
		cmocka_unit_test(closed_under_calls),
		cmocka_unit_test(forks_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
