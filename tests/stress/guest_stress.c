/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests on one SMMU under fire.  Each has a device and a context of iommufd, and at
 * the same addresses the same contexts; of each there are threads that
 *  - move the device: all kinds of the guest's entry, stage 2 alone, nothing; and
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
 * how long (2).
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "guest.h"
#include "turns.h"

enum {
	GUESTS = 3, /* the last one's device stalls */
	ASIDS = 2,
	MOVING = 4,   /* pages behind IOVA that change, of each ASID */
	VERSIONS = 4, /* pages that each of these can be */
	HOLE = 8,     /* pages that are there when a page fault was answered */
	HOLES = 2,
	SCRATCH = 12, /* the device writes into it */
	HOLE_DATA = DATA + ASIDS * MOVING * VERSIONS,
	SCRATCH_DATA = HOLE_DATA + HOLES,
	SLOTS = 32, /* of the device, for DMA */
	OWN_SLOT = 40,
	RETIRED = 64,
};

#define POISON (UINT64_C(0xbad) << 48)

/* In any thread. */
#define CHECK(cond)                                                        \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#cond);                                    \
			abort();                                           \
		}                                                          \
	} while (0)

/* An access that a slot is at. */
struct access {
	bool busy, write;
	unsigned int asid, at;
	uint32_t floor;
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
	/* Protects `retired`: descriptors that nobody has open, but may name yet. */
	pthread_mutex_t lock;
	int retired[RETIRED];
	unsigned int nr_retired;
	struct access access[SLOTS];
	uint64_t good, aborted, moves, rebuilds, batches, unmaps, events,
		answers;
};

struct arena {
	struct uiommu_machine *machine;
	struct vm vm[GUESTS];
	struct scene host;
	bool stop; /* atomic */
	uint64_t host_rounds;
};

static unsigned int dice(unsigned int *seed, unsigned int sides)
{
	return (unsigned int)rand_r(seed) % sides;
}

static unsigned int seed_of(const struct vm *vm, unsigned int role)
{
	return 1 + vm->index * 16 + role;
}

static bool stopped(const struct vm *vm)
{
	return load_acquire(&vm->a->stop);
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

/*
 * What the device finds there, 0: nothing, of which it may be told by another thread:
 * that which is just taking its request.
 */
static uint64_t read_now(struct client *c, uint32_t pasid, uint64_t iova)
{
	unsigned int status;

	testep_fill(c, OWN_SLOT, POISON);
	status = testep_go_as(c, OWN_SLOT, pasid, TESTEP_READ, iova, 8);
	while (status == TESTEP_WORKING) {
		sched_yield();
		status = testep_status(c, OWN_SLOT);
	}
	return status == TESTEP_OK ? testep_word(c, OWN_SLOT) : 0;
}

static bool may_be(struct vm *vm, const struct access *acc, uint64_t found)
{
	uint32_t to, nr = (uint32_t)found;

	if (found >> 32 != vm->index + 1)
		return false;
	if (acc->at == SCRATCH)
		return true;
	if (acc->at >= HOLE)
		return nr == HOLE_DATA + acc->at - HOLE;
	to = load_acquire(ceiling_of(vm, acc->asid, acc->at));
	for (uint32_t v = acc->floor; v <= to && v < acc->floor + VERSIONS; v++)
		if (nr == page_of(acc->asid, acc->at, v))
			return true;
	return false;
}

static void look(struct vm *vm, unsigned int slot, unsigned int status)
{
	struct access *acc = &vm->access[slot];
	uint64_t found;

	acc->busy = false;
	if (status != TESTEP_OK) {
		turn(&vm->aborted);
		sched_yield();
		return;
	}
	turn(&vm->good);
	if (acc->write)
		return;
	found = testep_word(&vm->g.s.dev[0], slot);
	if (may_be(vm, acc, found))
		return;
	fprintf(stderr, "guest %u, ASID %u, page %u, versions %u to %u: %llx\n",
		vm->index, acc->asid, acc->at, acc->floor,
		acc->at < MOVING ? *ceiling_of(vm, acc->asid, acc->at) : 0,
		(unsigned long long)found);
	abort();
}

static void begin(struct vm *vm, unsigned int slot, unsigned int *seed)
{
	struct access *acc = &vm->access[slot];
	struct client *c = &vm->g.s.dev[0];

	acc->busy = true;
	acc->asid = 1 + dice(seed, ASIDS);
	acc->at = dice(seed, MOVING);
	acc->write = false;
	if (!dice(seed, 8)) {
		acc->at = SCRATCH;
		acc->write = dice(seed, 2);
	} else if (acc->asid == 2 && !dice(seed, 8)) {
		acc->at = HOLE + dice(seed, HOLES);
	}
	if (acc->at < MOVING)
		acc->floor = load_acquire(floor_of(vm, acc->asid, acc->at));
	testep_fill(c, slot, acc->write ? word(vm->index, slot) : 0);
	testep_go_as(c, slot, pasid_of(acc->asid),
		     acc->write ? TESTEP_WRITE : TESTEP_READ,
		     IOVA + acc->at * PAGE, 8);
}

static void *device(void *arg)
{
	struct vm *vm = arg;
	unsigned int seed = seed_of(vm, 0), slot, status;

	while (!stopped(vm)) {
		slot = dice(&seed, SLOTS);
		if (vm->access[slot].busy) {
			status = testep_status(&vm->g.s.dev[0], slot);
			if (status == TESTEP_WORKING)
				continue;
			look(vm, slot, status);
		}
		begin(vm, slot, &seed);
	}
	return NULL;
}

/* ------------------------------------------------------- the guest's kernel -- */

/* As many commands, the last ones these, until they have been carried out. */
static void send(struct vm *vm, const uint64_t (*last)[2], unsigned int nr_last,
		 unsigned int *seed)
{
	static const uint64_t others[][2] = {
		{ 0x0003000000000011, 0 },
		{ 0x0001000000000012, 1 },
		{ 0x13, 0x1000 },
	};
	unsigned int most = dice(seed, 4) ? 16 : 256;
	unsigned int nr = nr_last + dice(seed, most - nr_last + 1);
	uint64_t cmds[256][2];
	uint32_t done;
	long rc;

	for (unsigned int i = 0; i < nr - nr_last; i++)
		memcpy(cmds[i], others[i % 3], sizeof(cmds[i]));
	memcpy(cmds[nr - nr_last], last, nr_last * sizeof(*last));
	do {
		while (load_acquire(&vm->pausing) && !stopped(vm))
			usleep(50);
		rc = commands(&vm->g, (const uint64_t(*)[2])cmds, nr, &done);
		/* No vIOMMU, another object, no vDEVICE. */
		among(rc, -ENOENT, -EIO, -EINVAL);
		CHECK(rc ? done < nr : done == nr);
	} while (rc && !stopped(vm));
	turn(&vm->batches);
}

static void change_page(struct vm *vm, unsigned int *seed)
{
	unsigned int asid = 1 + dice(seed, ASIDS), at = dice(seed, MOVING);
	uint64_t iova = IOVA + at * PAGE;
	const uint64_t inv[2][2] = {
		{ 0x12 | (uint64_t)asid << 48, iova | 1 },
		{ 0x40 | (uint64_t)VSID << 32 |
			  (asid == 2 ? 0x800 | PASID << 12 : 0),
		  iova },
	};
	uint32_t version = *ceiling_of(vm, asid, at) + 1;

	store_release(ceiling_of(vm, asid, at), version);
	point(&vm->g, asid, at, page_of(asid, at, version));
	send(vm, inv, 2, seed);
	if (!stopped(vm))
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
		{ 0x05 | (uint64_t)VSID << 32 | pasid_of(asid) << 12, 1 },
	};

	context(vm, asid);
	send(vm, inv, 1, seed);
}

static void close_hole(struct vm *vm, unsigned int *seed)
{
	static const uint64_t inv[2][2] = {
		{ 0x10, 0 },
		{ 0xa40 | (uint64_t)VSID << 32, 52 },
	};

	point(&vm->g, 2, HOLE + dice(seed, HOLES), 0);
	send(vm, inv, 2, seed);
}

static void *kernel(void *arg)
{
	struct vm *vm = arg;
	unsigned int seed = seed_of(vm, 1);

	while (!stopped(vm))
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
	if (event.header.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS) {
		CHECK(n == sizeof(event.header));
		return;
	}
	CHECK(n == sizeof(event));
	CHECK(event.smmu.evt[0] >> 32 == VSID);
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
	CHECK(f.dev_id == vm->g.s.dev_id[0]);
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
	if (n > 0)
		turn(&vm->answers);
}

/* This thread alone uses them: it knows when nobody does any more. */
static void close_retired(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	while (vm->nr_retired)
		close(vm->retired[--vm->nr_retired]);
	pthread_mutex_unlock(&vm->lock);
}

static void *queues(void *arg)
{
	struct vm *vm = arg;
	unsigned int seed = seed_of(vm, 2);

	while (!stopped(vm)) {
		read_events(vm);
		answer_fault(vm, &seed);
		close_retired(vm);
		sched_yield();
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

	while (!stopped(vm)) {
		nr = dice(&seed, 4) ? DATA + dice(&seed, HOLE_DATA - DATA)
				    : dice(&seed, TABLES + 3 * ASIDS);
		must(unmap(s, s->ioas, gpa(nr), &len));
		CHECK(len == PAGE);
		if (nr >= DATA) {
			store_release(page(&vm->g, nr), POISON);
			sched_yield();
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
	must(vdevice_alloc(g, 0, VSID, &g->vdev));
	for (unsigned int i = 0; i < 4; i++)
		must(nested_alloc_with(g, viommu, ste[i][0], ste[i][1],
				       i == 3 ? vm->queue : 0, &vm->entry[i]));
}

/* Others may be inside with an id of it. */
static void destroy_busy(struct vm *vm, uint32_t id)
{
	while (among(destroy(&vm->g.s, id), -EBUSY, 0, 0))
		sched_yield();
}

static void drop_guest(struct vm *vm)
{
	struct guest *g = &vm->g;

	for (unsigned int i = 0; i < 4; i++)
		destroy_busy(vm, vm->entry[i]);
	destroy_busy(vm, g->vdev);
	must(uiommu_abi_close(g->s.abi, g->events_fd));
	pthread_mutex_lock(&vm->lock);
	CHECK(vm->nr_retired < RETIRED);
	vm->retired[vm->nr_retired++] = g->events_fd;
	pthread_mutex_unlock(&vm->lock);
	destroy_busy(vm, g->events);
	destroy_busy(vm, g->viommu);
}

static void make_parent(struct vm *vm)
{
	must(hwpt_alloc(&vm->g.s, 0, vm->g.s.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			&vm->g.parent));
}

static void attach_to(struct vm *vm, uint32_t id)
{
	uint32_t pt = id;

	must(attach(&vm->g.s, 0, &pt));
	CHECK(pt == id);
}

/* In none of the states but with the guest's tables is anything behind IOVA. */
static void is_gone(struct vm *vm)
{
	struct client *c = &vm->g.s.dev[0];

	for (unsigned int asid = 1; asid <= ASIDS; asid++)
		CHECK(!read_now(c, pasid_of(asid), IOVA));
}

static void rebuild(struct vm *vm, bool all)
{
	store_release(&vm->pausing, true);
	if (all)
		must(detach(&vm->g.s, 0));
	else
		attach_to(vm, vm->g.parent);
	is_gone(vm);
	drop_guest(vm);
	if (all) {
		destroy_busy(vm, vm->g.parent);
		make_parent(vm);
		attach_to(vm, vm->g.parent);
		is_gone(vm);
	}
	make_guest(vm);
	store_release(&vm->pausing, false);
	turn(&vm->rebuilds);
}

/* The guest's StreamID is nobody's for a moment. */
static void new_vdevice(struct vm *vm)
{
	destroy_busy(vm, vm->g.vdev);
	must(vdevice_alloc(&vm->g, 0, VSID, &vm->g.vdev));
}

static void move(struct vm *vm, unsigned int *seed)
{
	unsigned int way = dice(seed, 16);

	switch (way) {
	case 0:
		attach_to(vm, vm->entry[0]);
		is_gone(vm);
		break;
	case 1:
		attach_to(vm, vm->entry[1]);
		is_gone(vm);
		break;
	case 2:
		attach_to(vm, vm->g.parent);
		is_gone(vm);
		break;
	case 3:
		must(detach(&vm->g.s, 0));
		is_gone(vm);
		break;
	case 4:
	case 5:
		rebuild(vm, way == 4);
		break;
	case 6:
		new_vdevice(vm);
		break;
	default:
		attach_to(vm, vm->entry[way % 2 + 2]);
	}
	turn(&vm->moves);
}

static void *vmm(void *arg)
{
	struct vm *vm = arg;
	unsigned int seed = seed_of(vm, 4);

	while (!stopped(vm)) {
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
			CHECK(read_now(&s->dev[0], 0, IOVA) == word_of(nr));
			must(unmap(s, s->ioas, IOVA, &len));
			CHECK(!read_now(&s->dev[0], 0, IOVA));
		}
		turn(&a->host_rounds);
	}
	return NULL;
}

/* --------------------------------------------------------------- the fight -- */

static void vm_open(struct arena *a, unsigned int i)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct vm *vm = &a->vm[i];
	struct guest *g = &vm->g;

	vm->a = a;
	vm->index = i;
	pthread_mutex_init(&vm->lock, NULL);
	scene_join(&g->s, a->machine, i, 1);
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

	must(detach(&g->s, 0));
	assert_int_equal(bar_read(&g->s.dev[0], TESTEP_WORK, 8), 0);
	/* What was written into it is the guest's own. */
	assert_int_equal(*page(g, SCRATCH_DATA) >> 32, vm->index + 1);
	drop_guest(vm);
	must(destroy(&g->s, g->parent));
	must(uiommu_abi_close(g->s.abi, vm->queue_fd));
	close(vm->queue_fd);
	close_retired(vm);
	scene_close(&g->s);
	pthread_mutex_destroy(&vm->lock);
}

static void report(const struct vm *vm)
{
	print_message(
		"# guest %u: %lu good, %lu aborted; %lu moves, %lu rebuilt; "
		"%lu batches; %lu unmaps; %lu events; %lu answers\n",
		vm->index, (long)vm->good, (long)vm->aborted, (long)vm->moves,
		(long)vm->rebuilds, (long)vm->batches, (long)vm->unmaps,
		(long)vm->events, (long)vm->answers);
}

#define COUNTS 8

static void guests_do_not_meet(void **state)
{
	static void *(*const role[])(void *) = { device, kernel, queues, memory,
						 vmm };
	enum {
		ROLES = sizeof(role) / sizeof(role[0])
	};
	struct arena *a = calloc(1, sizeof(*a));
	const uint64_t *turns[GUESTS * COUNTS + 1];
	pthread_t thread[GUESTS * ROLES + 1];
	unsigned int nr = 0, nr_turns = 0;

	assert_non_null(a);
	guard_ok();
	a->machine = machine_ok("testep,testep,testep:stall,testep");
	for (unsigned int i = 0; i < GUESTS; i++) {
		struct vm *vm = &a->vm[i];
		const uint64_t *counts[COUNTS] = {
			&vm->good,    &vm->aborted, &vm->moves,	 &vm->rebuilds,
			&vm->batches, &vm->unmaps,  &vm->events, &vm->answers,
		};

		vm_open(a, i);
		memcpy(turns + nr_turns, counts, sizeof(counts));
		nr_turns += COUNTS;
	}
	scene_join(&a->host, a->machine, GUESTS, 1);
	turns[nr_turns++] = &a->host_rounds;
	pthread_create(&thread[nr++], NULL, host, a);
	for (unsigned int i = 0; i < GUESTS * ROLES; i++)
		pthread_create(&thread[nr++], NULL, role[i % ROLES],
			       &a->vm[i / ROLES]);
	let_fight(stress_ms(2000), turns, nr_turns);
	store_release(&a->stop, true);
	while (nr)
		pthread_join(thread[--nr], NULL);
	for (unsigned int i = 0; i < GUESTS; i++)
		report(&a->vm[i]);
	assert_true(all_had_turns(turns, nr_turns));
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
