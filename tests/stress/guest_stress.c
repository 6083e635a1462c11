/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests on one SMMU under fire.  Each has a device, the first two of them, and a
 * context of iommufd, and at the same addresses the same contexts; of each there are
 * threads that
 *  - move the devices: all kinds of the guest's entry, stage 2 alone, nothing; and
 *    take vIOMMU, vDEVICE, event queue and parent away and make them anew;
 *  - change the guest's tables and contexts, and send commands until they are done;
 *  - take pages out of stage 2, change the memory behind, and put them back;
 *  - read its events, and answer its page faults;
 *  - do DMA all the time, and look at what comes.
 * A domain of the host's is mapped, used and unmapped meanwhile.
 *
 * What the device finds is a page that its guest had behind that address at some
 * time from the last invalidation that was completed before the access to the last
 * change that was begun before its end; never another one, or another guest's, or
 * what was written into memory that had been taken away.  UIOMMU_STRESS_SECONDS says
 * how long (2).  Who waits sleeps: there are many threads, and few processors.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "guest.h"
#include "turns.h"

enum {
	GUESTS = 3, /* the last one's device stalls */
	DEVS = 2,   /* of the first one, which share its tables */
	ASIDS = 2,
	MOVING = 4,   /* pages behind IOVA that change, of each ASID */
	VERSIONS = 4, /* pages that each of these can be */
	HOLE = 8,     /* pages that are there when a page fault was answered */
	HOLES = 2,
	SCRATCH = 12, /* the device writes into it */
	NOWHERE = 14,
	HOLE_DATA = DATA + ASIDS * MOVING * VERSIONS,
	SCRATCH_DATA = HOLE_DATA + HOLES,
	SLOTS = 8, /* of the device, for DMA */
};

#define POISON (UINT64_C(0xbad) << 48)

/* An access that a slot is at. */
struct access {
	bool busy, write;
	unsigned int asid, at;
	uint32_t floor;
};

struct dev {
	struct vm *vm;
	unsigned int nr;
	uint32_t vdev;
	struct access access[SLOTS];
	uint64_t good, aborted;
};

struct vm {
	struct arena *a;
	struct guest g; /* g.viommu, g.events_fd: atomic */
	unsigned int index;
	uint32_t entry[4]; /* abort, bypass, tables, tables whose faults wait */
	uint32_t queue;
	int queue_fd;
	/* The guest sends no commands, or few: what they name goes away.  Atomic. */
	bool pausing;
	/* Versions of the moving pages: invalidated, and begun; atomic. */
	uint32_t floor[ASIDS][MOVING], ceiling[ASIDS][MOVING];
	int retired; /* a descriptor that nobody has open, or -1; atomic */
	struct dev dev[DEVS];
	unsigned int nr_devs;
	uint64_t moves, rebuilds, batches, unmaps, events, answers;
	uint64_t good, aborted; /* of its devices */
};

struct arena {
	struct uiommu_machine *machine;
	struct vm vm[GUESTS];
	struct scene host;
	bool stop; /* atomic */
	uint64_t host_rounds;
	/*
	 * Of all guests: on a busy machine one of them may see none for long, as it
	 * has to be the guest's device that faults, while the guest has it.
	 */
	uint64_t events, answers;
};

static unsigned int dice(unsigned int *seed, unsigned int sides)
{
	return (unsigned int)rand_r(seed) % sides;
}

static unsigned int seed_of(const struct vm *vm, unsigned int role)
{
	return 1 + vm->index * 16 + role;
}

static long among_at(int line, long rc, int x, int y, int z)
{
	if (rc && rc != x && rc != y && rc != z) {
		fprintf(stderr, "guest stress, line %d: answer %ld\n", line,
			rc);
		abort();
	}
	return rc;
}
#define among(...) among_at(__LINE__, __VA_ARGS__)
#define must(rc) among_at(__LINE__, rc, 0, 0, 0)

/* ------------------------------------------------------------ what is where -- */

static uint64_t word(unsigned int guest, unsigned int nr)
{
	return UINT64_C(0x100000000) * (guest + 1) + nr;
}

static unsigned int first_page(unsigned int asid, unsigned int at)
{
	return DATA + ((asid - 1) * MOVING + at) * VERSIONS;
}

static unsigned int page_of(unsigned int asid, unsigned int at,
			    uint32_t version)
{
	return first_page(asid, at) + version % VERSIONS;
}

static uint32_t pasid_of(unsigned int asid)
{
	return asid == 1 ? 0 : PASID;
}

static uint32_t *floor_of(struct vm *vm, unsigned int asid, unsigned int at)
{
	return &vm->floor[asid - 1][at];
}

static uint32_t *ceiling_of(struct vm *vm, unsigned int asid, unsigned int at)
{
	return &vm->ceiling[asid - 1][at];
}

/* ------------------------------------------------------------------- DMA -- */

static bool may_be(struct vm *vm, const struct access *acc, uint64_t found)
{
	uint32_t to, nr = (uint32_t)found;

	if (found >> 32 != vm->index + 1)
		return false;
	if (acc->at == SCRATCH)
		return true;
	if (acc->at == NOWHERE)
		return false;
	if (acc->at >= HOLE)
		return nr == HOLE_DATA + acc->at - HOLE;
	to = load_acquire(ceiling_of(vm, acc->asid, acc->at));
	for (uint32_t v = acc->floor; v <= to && v < acc->floor + VERSIONS; v++)
		if (nr == page_of(acc->asid, acc->at, v))
			return true;
	return false;
}

static struct client *client_of(struct dev *dev)
{
	return &dev->vm->g.s.dev[dev->nr];
}

static void look(struct dev *dev, unsigned int slot, unsigned int status)
{
	struct access *acc = &dev->access[slot];
	struct vm *vm = dev->vm;
	uint64_t found;

	acc->busy = false;
	if (status != TESTEP_OK) {
		turn(&dev->aborted);
		turn(&vm->aborted);
		usleep(20);
		return;
	}
	turn(&dev->good);
	turn(&vm->good);
	if (acc->write)
		return;
	found = testep_word(client_of(dev), slot);
	if (may_be(vm, acc, found))
		return;
	fprintf(stderr, "guest %u, ASID %u, page %u, versions %u to %u: %llx\n",
		vm->index, acc->asid, acc->at, acc->floor,
		acc->at < MOVING ? *ceiling_of(vm, acc->asid, acc->at) : 0,
		(unsigned long long)found);
	abort();
}

static void begin(struct dev *dev, unsigned int slot, unsigned int *seed)
{
	struct access *acc = &dev->access[slot];
	struct client *c = client_of(dev);
	struct vm *vm = dev->vm;
	uint32_t ctrl = TESTEP_READ;

	acc->busy = true;
	acc->asid = 1 + dice(seed, ASIDS);
	acc->at = dice(seed, MOVING);
	acc->write = false;
	/* By the ATC the guest would not hear of it. */
	if (!dice(seed, 16)) {
		acc->at = NOWHERE;
		ctrl |= TESTEP_UNTRANSLATED;
	} else if (!dice(seed, 8)) {
		acc->at = SCRATCH;
		acc->write = dice(seed, 2);
	} else if (acc->asid == 2 && !dice(seed, 8)) {
		acc->at = HOLE + dice(seed, HOLES);
	}
	if (acc->at < MOVING)
		acc->floor = load_acquire(floor_of(vm, acc->asid, acc->at));
	if (acc->write)
		ctrl = TESTEP_WRITE;
	testep_fill(c, slot, acc->write ? word(vm->index, slot) : 0);
	testep_go_as(c, slot, pasid_of(acc->asid), ctrl, IOVA + acc->at * PAGE,
		     8);
}

static void *device(void *arg)
{
	struct dev *dev = arg;
	unsigned int seed = seed_of(dev->vm, 8 + dev->nr), slot, status;

	while (!load_acquire(&dev->vm->a->stop)) {
		slot = dice(&seed, SLOTS);
		if (dev->access[slot].busy) {
			status = testep_status(client_of(dev), slot);
			if (status == TESTEP_WORKING) {
				usleep(20);
				continue;
			}
			look(dev, slot, status);
		}
		begin(dev, slot, &seed);
	}
	return NULL;
}

/* ------------------------------------------------------- the guest's kernel -- */

static bool has_sid(uint64_t q0)
{
	return (q0 & 0xff) == 0x05 || (q0 & 0xff) == 0x40;
}

/* Those that name a StreamID for each device of the guest. */
static unsigned int add(struct vm *vm, uint64_t (*cmds)[2],
			const uint64_t cmd[2])
{
	unsigned int nr = has_sid(cmd[0]) ? vm->nr_devs : 1;

	for (unsigned int i = 0; i < nr; i++) {
		cmds[i][0] = cmd[0];
		cmds[i][1] = cmd[1];
		if (has_sid(cmd[0]))
			cmds[i][0] |= (uint64_t)(VSID + i) << 32;
	}
	return nr;
}

/* As many commands, the last ones these, until they have been carried out. */
static void send(struct vm *vm, const uint64_t (*last)[2], unsigned int nr_last,
		 unsigned int *seed)
{
	static const uint64_t others[][2] = {
		{ 0x0003000000000011, 0 },
		{ 0x0001000000000012, 1 },
		{ 0x13, 0x1000 },
	};
	unsigned int nr = dice(seed, dice(seed, 4) ? 16 : 257 - 2 * DEVS);
	uint64_t cmds[256][2];
	uint32_t done;
	long rc;

	for (unsigned int i = 0; i < nr; i++)
		memcpy(cmds[i], others[i % 3], sizeof(cmds[i]));
	for (unsigned int i = 0; i < nr_last; i++)
		nr += add(vm, cmds + nr, last[i]);
	do {
		while (load_acquire(&vm->pausing) &&
		       !load_acquire(&vm->a->stop))
			usleep(50);
		rc = commands(&vm->g, (const uint64_t(*)[2])cmds, nr, &done);
		/* No vIOMMU, another object, no vDEVICE. */
		among(rc, -ENOENT, -EIO, -EINVAL);
		CHECK(rc ? done < nr : done == nr);
	} while (rc && !load_acquire(&vm->a->stop));
	turn(&vm->batches);
}

static void change_page(struct vm *vm, unsigned int *seed)
{
	unsigned int asid = 1 + dice(seed, ASIDS), at = dice(seed, MOVING);
	uint64_t iova = IOVA + at * PAGE;
	const uint64_t inv[2][2] = {
		{ 0x12 | (uint64_t)asid << 48, iova | 1 },
		{ 0x40 | (asid == 2 ? 0x800 | PASID << 12 : 0), iova },
	};
	uint32_t version = *ceiling_of(vm, asid, at) + 1;

	store_release(ceiling_of(vm, asid, at), version);
	point(&vm->g, asid, at, page_of(asid, at, version));
	send(vm, inv, 2, seed);
	if (!load_acquire(&vm->a->stop))
		store_release(floor_of(vm, asid, at), version);
}

/* The last one's stalls. */
static void context(struct vm *vm, unsigned int asid)
{
	uint64_t *cd = page(&vm->g, 0) + pasid_of(asid) * 8;

	write_cd(&vm->g, pasid_of(asid), asid);
	if (vm->index == GUESTS - 1)
		fetch_or_acq_rel(cd, UINT64_C(1) << 44);
}

static void change_context(struct vm *vm, unsigned int *seed)
{
	unsigned int asid = 1 + dice(seed, ASIDS);
	const uint64_t inv[1][2] = {
		{ 0x05 | pasid_of(asid) << 12, 1 },
	};

	context(vm, asid);
	send(vm, inv, 1, seed);
}

static void close_hole(struct vm *vm, unsigned int *seed)
{
	static const uint64_t inv[2][2] = {
		{ 0x10, 0 },
		{ 0xa40, 52 },
	};

	point(&vm->g, 2, HOLE + dice(seed, HOLES), 0);
	send(vm, inv, 2, seed);
}

static void *kernel(void *arg)
{
	struct vm *vm = arg;
	unsigned int seed = seed_of(vm, 1);

	while (!load_acquire(&vm->a->stop))
		switch (dice(&seed, 16)) {
		case 0:
			change_context(vm, &seed);
			break;
		case 1:
		case 2:
			close_hole(vm, &seed);
			break;
		default:
			change_page(vm, &seed);
		}
	return NULL;
}

/* ----------------------------------------------------------- the guest's queues -- */

static void read_events(struct vm *vm)
{
	struct event event;
	ssize_t n = next_event(&vm->g, &event);

	if (!n || n == -EBADF)
		return;
	turn(&vm->events);
	turn(&vm->a->events);
	if (event.header.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS) {
		CHECK(n == sizeof(event.header));
		return;
	}
	CHECK(n == sizeof(event));
	CHECK((event.smmu.evt[0] >> 32) - VSID < vm->nr_devs);
	switch (event.smmu.evt[0] & 0xff) {
	case 0x08: /* substreams of an entry that has none */
	case 0x0a: /* a CD that was being written */
		break;
	default:
		CHECK((event.smmu.evt[0] & 0xff) == 0x10);
		CHECK(event.smmu.evt[2] - IOVA < 16 * PAGE);
	}
}

static void answer_fault(struct vm *vm, unsigned int *seed)
{
	struct iommu_hwpt_page_response resp = { 0 };
	struct iommu_hwpt_pgfault f;
	ssize_t n = uiommu_abi_read(vm->g.s.abi, vm->queue_fd, (uintptr_t)&f,
				    sizeof(f));
	unsigned int at;

	if (!n)
		return;
	CHECK(n == sizeof(f));
	CHECK(f.dev_id == vm->g.s.dev_id[0] ||
	      f.dev_id == vm->g.s.dev_id[vm->nr_devs - 1]);
	CHECK(f.addr - IOVA < 16 * PAGE);
	at = (unsigned int)((f.addr - IOVA) / PAGE);
	if (at >= HOLE && at < HOLE + HOLES)
		point(&vm->g, 2, at, HOLE_DATA + at - HOLE);
	resp.cookie = f.cookie;
	resp.code = dice(seed, 4) ? IOMMUFD_PAGE_RESP_SUCCESS
				  : IOMMUFD_PAGE_RESP_INVALID;
	n = uiommu_abi_write(vm->g.s.abi, vm->queue_fd, (uintptr_t)&resp,
			     sizeof(resp));
	/* The device may have been taken away meanwhile. */
	CHECK(n == sizeof(resp) || n == -EINVAL);
	if (n <= 0)
		return;
	turn(&vm->answers);
	turn(&vm->a->answers);
}

/* By the only thread that uses it: it knows when nobody does any more. */
static void close_retired(struct vm *vm)
{
	int fd = load_acquire(&vm->retired);

	if (fd < 0)
		return;
	close(fd);
	store_release(&vm->retired, -1);
}

static void *queues(void *arg)
{
	struct vm *vm = arg;
	unsigned int seed = seed_of(vm, 2);

	while (!load_acquire(&vm->a->stop)) {
		read_events(vm);
		answer_fault(vm, &seed);
		close_retired(vm);
		usleep(50);
	}
	return NULL;
}

/* ----------------------------------------------------------- the host's memory -- */

/* No access reaches memory that was taken away. */
static void *memory(void *arg)
{
	struct vm *vm = arg;
	unsigned int seed = seed_of(vm, 3), nr;
	struct scene *s = &vm->g.s;
	uint64_t len = PAGE;

	while (!load_acquire(&vm->a->stop)) {
		nr = dice(&seed, 4) ? DATA + dice(&seed, HOLE_DATA - DATA)
				    : dice(&seed, TABLES + 3 * ASIDS);
		must(unmap(s, s->ioas, gpa(nr), &len));
		CHECK(len == PAGE);
		if (nr >= DATA) {
			store_release(page(&vm->g, nr), POISON);
			usleep(20);
			store_release(page(&vm->g, nr), word(vm->index, nr));
		}
		must(map_fixed(s, s->ioas, nr, 1, gpa(nr)));
		turn(&vm->unmaps);
	}
	return NULL;
}

/* ----------------------------------------------------------------- the VMM -- */

static void make_guest(struct vm *vm)
{
	static const uint64_t ste[4][2] = {
		{ 0, 0 },
		{ 0x9, 0 },
		{ STE_S1_0, STE_S1_1 },
		{ STE_S1_0, STE_S1_1 },
	};
	struct guest *g = &vm->g;
	uint32_t viommu;
	int fd;

	must(viommu_alloc(g, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, g->parent, &viommu));
	store_release(&g->viommu, viommu);
	must(veventq_alloc(g, 8, &g->events, &fd));
	store_release(&g->events_fd, fd);
	for (unsigned int d = 0; d < vm->nr_devs; d++)
		must(vdevice_alloc(g, d, VSID + d, &vm->dev[d].vdev));
	for (unsigned int i = 0; i < 4; i++)
		must(nested_alloc_with(g, viommu, ste[i][0], ste[i][1],
				       i == 3 ? vm->queue : 0, &vm->entry[i]));
}

/* Others may be inside with an id of it. */
static void destroy_busy(struct vm *vm, uint32_t id)
{
	while (among(destroy(&vm->g.s, id), -EBUSY, 0, 0))
		usleep(20);
}

static void drop_guest(struct vm *vm)
{
	struct guest *g = &vm->g;
	int fd = g->events_fd;

	for (unsigned int i = 0; i < 4; i++)
		destroy_busy(vm, vm->entry[i]);
	for (unsigned int d = 0; d < vm->nr_devs; d++)
		destroy_busy(vm, vm->dev[d].vdev);
	while (load_acquire(&vm->retired) >= 0)
		usleep(20);
	must(uiommu_abi_close(g->s.abi, fd));
	/* Nobody may find the number when it can be another's. */
	store_release(&g->events_fd, -1);
	store_release(&vm->retired, fd);
	destroy_busy(vm, g->events);
	destroy_busy(vm, g->viommu);
}

static void make_parent(struct vm *vm)
{
	must(hwpt_alloc(&vm->g.s, 0, vm->g.s.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			&vm->g.parent));
}

static void attach_to(struct dev *dev, uint32_t id)
{
	uint32_t pt = id;

	must(attach(&dev->vm->g.s, dev->nr, &pt));
	CHECK(pt == id);
}

/* In none of the states but with the guest's tables is anything behind IOVA. */
static void is_gone(struct dev *dev)
{
	for (unsigned int asid = 1; asid <= ASIDS; asid++)
		CHECK(!testep_read_now(client_of(dev), pasid_of(asid), IOVA));
}

static void leave(struct dev *dev, bool parent)
{
	if (parent)
		attach_to(dev, dev->vm->g.parent);
	else
		must(detach(&dev->vm->g.s, dev->nr));
	is_gone(dev);
}

static void rebuild(struct vm *vm, bool all)
{
	store_release(&vm->pausing, true);
	for (unsigned int d = 0; d < vm->nr_devs; d++)
		leave(&vm->dev[d], !all);
	drop_guest(vm);
	if (all) {
		destroy_busy(vm, vm->g.parent);
		make_parent(vm);
		leave(&vm->dev[0], true);
	}
	make_guest(vm);
	store_release(&vm->pausing, false);
	turn(&vm->rebuilds);
}

/* The guest's StreamID is nobody's for a moment. */
static void new_vdevice(struct dev *dev)
{
	destroy_busy(dev->vm, dev->vdev);
	must(vdevice_alloc(&dev->vm->g, dev->nr, VSID + dev->nr, &dev->vdev));
}

static void move(struct vm *vm, unsigned int *seed)
{
	struct dev *dev = &vm->dev[dice(seed, vm->nr_devs)];
	unsigned int way = dice(seed, 12);

	switch (way) {
	case 0:
	case 1:
		attach_to(dev, vm->entry[way]);
		is_gone(dev);
		break;
	case 2:
	case 3:
		leave(dev, way == 2);
		break;
	case 4:
	case 5:
		rebuild(vm, way == 4);
		break;
	case 6:
		new_vdevice(dev);
		break;
	default:
		attach_to(dev, vm->entry[way % 2 + 2]);
	}
	turn(&vm->moves);
}

static void *vmm(void *arg)
{
	struct vm *vm = arg;
	unsigned int seed = seed_of(vm, 4);

	while (!load_acquire(&vm->a->stop)) {
		move(vm, &seed);
		/* Let it be of use to its guest. */
		usleep(dice(&seed, 400));
	}
	return NULL;
}

/* ----------------------------------------------------------- the host's own -- */

static void *host(void *arg)
{
	struct arena *a = arg;
	struct scene *s = &a->host;
	uint64_t len = PAGE;

	while (!load_acquire(&a->stop)) {
		for (unsigned int nr = 0; nr < 4; nr++) {
			must(map_fixed(s, s->ioas, nr, 1, IOVA));
			CHECK(testep_read_now(&s->dev[0], 0, IOVA) ==
			      word_of(nr));
			must(unmap(s, s->ioas, IOVA, &len));
			CHECK(!testep_read_now(&s->dev[0], 0, IOVA));
		}
		turn(&a->host_rounds);
	}
	return NULL;
}

/* --------------------------------------------------------------- the fight -- */

static void vm_open(struct arena *a, unsigned int i, unsigned int first)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct vm *vm = &a->vm[i];
	struct guest *g = &vm->g;

	vm->a = a;
	vm->index = i;
	vm->retired = -1;
	vm->nr_devs = i ? 1 : DEVS;
	for (unsigned int d = 0; d < vm->nr_devs; d++) {
		vm->dev[d].vm = vm;
		vm->dev[d].nr = d;
	}
	scene_join(&g->s, a->machine, first, vm->nr_devs);
	/* Each by itself, so that it can go alone. */
	for (unsigned int nr = 0; nr < NR_PAGES; nr++)
		must(map_fixed(&g->s, g->s.ioas, nr, 1, gpa(nr)));
	for (unsigned int nr = DATA; nr < NR_PAGES; nr++)
		*page(g, nr) = word(i, nr);
	for (unsigned int asid = 1; asid <= ASIDS; asid++) {
		context(vm, asid);
		for (unsigned int at = 0; at < MOVING; at++)
			point(g, asid, at, page_of(asid, at, 0));
		point(g, asid, SCRATCH, SCRATCH_DATA);
	}
	must(scene_ioctl(&g->s, IOMMU_FAULT_QUEUE_ALLOC, &queue));
	vm->queue = queue.out_fault_id;
	vm->queue_fd = (int)queue.out_fault_fd;
	make_parent(vm);
	make_guest(vm);
}

static void vm_close(struct vm *vm)
{
	struct guest *g = &vm->g;

	for (unsigned int d = 0; d < vm->nr_devs; d++) {
		must(detach(&g->s, d));
		assert_int_equal(bar_read(&g->s.dev[d], TESTEP_WORK, 8), 0);
	}
	/* What was written into it is the guest's own. */
	assert_int_equal(*page(g, SCRATCH_DATA) >> 32, vm->index + 1);
	close_retired(vm);
	drop_guest(vm);
	must(destroy(&g->s, g->parent));
	must(uiommu_abi_close(g->s.abi, vm->queue_fd));
	close(vm->queue_fd);
	close_retired(vm);
	scene_close(&g->s);
}

static void report(const struct vm *vm)
{
	print_message("# guest %u: %lu moves, %lu rebuilt; %lu batches; "
		      "%lu unmaps; %lu events; %lu answers\n",
		      vm->index, (long)vm->moves, (long)vm->rebuilds,
		      (long)vm->batches, (long)vm->unmaps, (long)vm->events,
		      (long)vm->answers);
	for (unsigned int d = 0; d < vm->nr_devs; d++)
		print_message("#	device %u: %lu good, %lu aborted\n", d,
			      (long)vm->dev[d].good, (long)vm->dev[d].aborted);
}

#define MAX_THREADS 32u
#define MAX_TURNS 64u

struct fight {
	pthread_t thread[MAX_THREADS];
	const uint64_t *turns[MAX_TURNS];
	unsigned int nr, nr_turns;
};

static void start(struct fight *f, void *(*role)(void *), void *arg)
{
	assert_true(f->nr < MAX_THREADS);
	assert_int_equal(pthread_create(&f->thread[f->nr++], NULL, role, arg),
			 0);
}

static void start_vm(struct fight *f, struct vm *vm)
{
	const uint64_t *counts[] = { &vm->moves,  &vm->rebuilds, &vm->batches,
				     &vm->unmaps, &vm->good,	 &vm->aborted };

	for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		f->turns[f->nr_turns++] = counts[i];
	for (unsigned int d = 0; d < vm->nr_devs; d++)
		start(f, device, &vm->dev[d]);
	start(f, kernel, vm);
	start(f, queues, vm);
	start(f, memory, vm);
	start(f, vmm, vm);
}

static void guests_do_not_meet(void **state)
{
	struct arena *a = calloc(1, sizeof(*a));
	struct fight f = { .nr = 0 };
	unsigned int first = 0;

	assert_non_null(a);
	guard_ok();
	a->machine = machine_ok("testep,testep,testep,testep:stall,testep");
	for (unsigned int i = 0; i < GUESTS; i++) {
		vm_open(a, i, first);
		first += a->vm[i].nr_devs;
	}
	scene_join(&a->host, a->machine, first, 1);
	f.turns[f.nr_turns++] = &a->host_rounds;
	f.turns[f.nr_turns++] = &a->events;
	f.turns[f.nr_turns++] = &a->answers;
	start(&f, host, a);
	for (unsigned int i = 0; i < GUESTS; i++)
		start_vm(&f, &a->vm[i]);
	let_fight(stress_ms(2000), f.turns, f.nr_turns);
	store_release(&a->stop, true);
	while (f.nr)
		pthread_join(f.thread[--f.nr], NULL);
	for (unsigned int i = 0; i < GUESTS; i++)
		report(&a->vm[i]);
	assert_true(all_had_turns(f.turns, f.nr_turns));
	for (unsigned int i = 0; i < GUESTS; i++)
		vm_close(&a->vm[i]);
	scene_close(&a->host);
	uiommu_machine_destroy(a->machine);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_do_not_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
