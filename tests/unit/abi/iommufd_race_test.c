/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads against each other in one context: devices come, attach, move and
 * go while others map, look up and destroy whatever id they guess.  What each
 * call may answer is checked; that nothing is left, by the fixture; that there
 * is no race and no use after free, by the sanitizers.
 */
#include "ufd_env.h"

#include <stdio.h>
#include <stdlib.h>

#include "turns.h"

#define NR_THREADS 8
#define RUN_MS 400

struct worker;
struct race;
typedef void worker_fn(struct race *race, struct worker *self);

struct race {
	struct ufd_env *env;
	int fd;
	uint32_t ioas[2];
	struct ufd_device *idev[2];
	bool stop; /* atomic */
	/* Per thread: how often the interesting thing happened; turn(). */
	uint64_t done[NR_THREADS];
};

struct worker {
	struct race *race;
	unsigned int index;
	worker_fn *fn;
	uint64_t seed;
	pthread_t thread;
};

static uint32_t pick(struct worker *self, uint32_t n)
{
	self->seed ^= self->seed << 13;
	self->seed ^= self->seed >> 7;
	self->seed ^= self->seed << 17;
	return (uint32_t)(self->seed % n);
}

/* Some of these, or success.  Threads other than the test's cannot fail it. */
static void expect(int rc, int a, int b, int c)
{
	if (!rc || rc == a || rc == b || rc == c)
		return;
	fprintf(stderr, "unexpected answer %d\n", rc);
	abort();
}

static void *work(void *arg)
{
	struct worker *self = arg;

	while (!load_relaxed(&self->race->stop))
		self->fn(self->race, self);
	return NULL;
}

/* ------------------------------------------------------------- workers -- */

/* One device: attach, move, detach.  Its group may do the same. */
static void one_device(struct race *race, struct worker *self)
{
	struct ufd_device *idev;
	uint32_t id, pt;
	unsigned int i;

	idev = env_bind(race->env, race->fd, self->index, &id);
	for (i = 0; i < 8; i++) {
		/* An IOAS, or something that may be a page table. */
		pt = pick(self, 4) ? race->ioas[pick(self, 2)] : pick(self, 12);
		switch (pick(self, 3)) {
		case 0:
			expect(ufd_device_attach(idev, &pt), -EINVAL, -EBUSY,
			       -ENOENT);
			break;
		case 1:
			expect(ufd_device_replace(idev, &pt), -EINVAL, -ENOENT,
			       -ENOENT);
			break;
		default:
			ufd_device_detach(idev);
			turn(&self->race->done[self->index]);
		}
	}
	ufd_device_unbind(idev);
}

/* One device and its PASIDs, by guesses of page tables; bound and unbound. */
static void pasids_of_a_device(struct race *race, struct worker *self)
{
	struct ufd_device *idev;
	uint32_t id, pt, pasid;

	idev = env_bind(race->env, race->fd, self->index, &id);
	for (unsigned int i = 0; i < 16; i++) {
		pt = pick(self, 16);
		pasid = 1 + pick(self, 3);
		switch (pick(self, 5)) {
		case 0:
			expect(ufd_device_attach(idev, &pt), -EINVAL, -EBUSY,
			       -ENOENT);
			break;
		case 1:
			ufd_device_detach(idev);
			break;
		case 2:
			if (!ufd_device_has_pasid(idev, pasid))
				turn(&race->done[self->index]);
			expect(ufd_device_pasid_attach(idev, pasid, &pt),
			       -EINVAL, -EBUSY, -ENOENT);
			break;
		case 3:
			expect(ufd_device_pasid_replace(idev, pasid, &pt),
			       -EINVAL, -ENOENT, -ENOENT);
			break;
		default:
			ufd_device_pasid_detach(idev, pasid);
		}
	}
	ufd_device_unbind(idev);
}

/* Page tables of all kinds, and what they say is dirty. */
static void guess_kinds(struct race *race, struct worker *self)
{
	static uint8_t map[256];
	uint32_t id = pick(self, 16), hwpt;
	uint32_t flags = pick(self, 2) ? IOMMU_HWPT_ALLOC_PASID
				       : IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
						 IOMMU_HWPT_ALLOC_PASID;
	struct iommu_hwpt_set_dirty_tracking set = { .size = sizeof(set),
						     .flags = pick(self, 2),
						     .hwpt_id = id };
	struct iommu_hwpt_get_dirty_bitmap get = {
		.size = sizeof(get),
		.hwpt_id = id,
		.iova = 0x10000,
		.length = PAGE,
		.page_size = PAGE,
		.data = (uintptr_t)map + self->index,
	};

	switch (pick(self, 4)) {
	case 0:
		if (!env_hwpt_of(race->env, race->fd, id,
				 race->ioas[pick(self, 2)], flags, &hwpt))
			turn(&race->done[self->index]);
		break;
	case 1:
		expect((int)env_ioctl(race->env, race->fd,
				      IOMMU_HWPT_SET_DIRTY_TRACKING, &set),
		       -ENOENT, -EOPNOTSUPP, -EOPNOTSUPP);
		break;
	case 2:
		expect((int)env_ioctl(race->env, race->fd,
				      IOMMU_HWPT_GET_DIRTY_BITMAP, &get),
		       -ENOENT, -EOPNOTSUPP, -EOPNOTSUPP);
		break;
	default:
		if (id != race->ioas[0] && id != race->ioas[1])
			expect(env_destroy(race->env, race->fd, id), -ENOENT,
			       -EBUSY, -EBUSY);
	}
}

/* Page tables by id, and destroying by id. */
static void guess_ids(struct race *race, struct worker *self)
{
	struct iommu_hw_info info = { .size = sizeof(info) };
	uint32_t id = pick(self, 12), hwpt;
	int rc;

	switch (pick(self, 3)) {
	case 0:
		rc = env_hwpt(race->env, race->fd, id, race->ioas[0], &hwpt);
		expect(rc, -ENOENT, -ENOENT, -ENOENT);
		if (!rc)
			turn(&self->race->done[self->index]);
		break;
	case 1:
		info.dev_id = id;
		expect((int)env_ioctl(race->env, race->fd, IOMMU_GET_HW_INFO,
				      &info),
		       -ENOENT, -ENOENT, -ENOENT);
		break;
	default:
		/* The two IOASes of the others stay. */
		if (id != race->ioas[0] && id != race->ioas[1])
			expect(env_destroy(race->env, race->fd, id), -ENOENT,
			       -EBUSY, -EBUSY);
	}
}

/* Mappings of its own in both. */
static void map_unmap(struct race *race, struct worker *self)
{
	uint64_t iova = (self->index + 1) * UINT64_C(0x1000000);
	uint32_t ioas = race->ioas[pick(self, 2)];

	env_map(race->env, race->fd, ioas, race->env->mem, 8 * PAGE, iova);
	assert_int_equal(env_unmap(race->env, race->fd, ioas, iova, 8 * PAGE),
			 0);
	turn(&race->done[self->index]);
}

/* An IOAS of its own, as the one for VFIO's calls, destroyed under them. */
static void compat(struct race *race, struct worker *self)
{
	struct iommu_vfio_ioas cmd = { .size = sizeof(cmd),
				       .op = IOMMU_VFIO_IOAS_SET };
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	struct abi_file *file = abi_fd_get(race->env->abi, race->fd);
	uint32_t id;

	if (pick(self, 2)) {
		assert_int_equal(
			ufd_compat_ioas_id(ufd_ctx_of(file), true, &id), 0);
	} else {
		cmd.ioas_id = env_ioas(race->env, race->fd);
		expect((int)env_ioctl(race->env, race->fd, IOMMU_VFIO_IOAS,
				      &cmd),
		       -ENOENT, -ENOENT, -ENOENT);
		id = cmd.ioas_id;
	}
	abi_file_put(file);
	expect((int)env_ioctl(race->env, race->fd, VFIO_IOMMU_GET_INFO, &info),
	       -ENODEV, -ENODEV, -ENODEV);
	/* Somebody else's guess may have been first. */
	expect(env_destroy(race->env, race->fd, id), -ENOENT, -EBUSY, -EBUSY);
	turn(&race->done[self->index]);
}

/* ------------------------------------------------------------------------- */

static void fight(struct race *race, worker_fn *const *fns, unsigned int nr)
{
	struct worker workers[NR_THREADS];
	const uint64_t *turns[NR_THREADS];
	unsigned int i;

	race->env->fast_copies = true;
	for (i = 0; i < nr; i++) {
		turns[i] = &race->done[i];
		workers[i] = (struct worker){
			.race = race,
			.index = i,
			.fn = fns[i],
			.seed = 88172645463325252ULL + i,
		};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
						&workers[i]),
				 0);
	}
	let_fight(RUN_MS, turns, nr);
	store_relaxed(&race->stop, true);
	for (i = 0; i < nr; i++)
		pthread_join(workers[i].thread, NULL);
	assert_true(all_had_turns(turns, nr));
}

static void everything_at_once(void **state)
{
	struct ufd_env *env = *state;
	struct race race = { .env = env, .fd = env_open(env) };
	static worker_fn *const fns[NR_THREADS] = {
		one_device, one_device, one_device, one_device,
		guess_ids,  map_unmap,	map_unmap,  compat,
	};

	race.ioas[0] = env_ioas(env, race.fd);
	race.ioas[1] = env_ioas(env, race.fd);
	env_map(env, race.fd, race.ioas[0], env->mem, PAGE, 0x10000);
	fight(&race, fns, NR_THREADS);
	env_close(env, race.fd);
}

/* PASIDs of two of a group and of two others, and page tables that come and go. */
static void pasids_at_once(void **state)
{
	struct ufd_env *env = *state;
	struct race race = { .env = env, .fd = env_open(env) };
	static worker_fn *const fns[NR_THREADS] = {
		pasids_of_a_device, pasids_of_a_device, pasids_of_a_device,
		pasids_of_a_device, map_unmap,		guess_kinds,
		guess_kinds,	    guess_kinds,
	};

	race.ioas[0] = env_ioas(env, race.fd);
	race.ioas[1] = env_ioas(env, race.fd);
	env_map(env, race.fd, race.ioas[0], env->mem, PAGE, 0x10000);
	fight(&race, fns, NR_THREADS);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(uiommu_device_nr_pasids(env->dev[i]), 0);
	env_close(env, race.fd);
}

/*
 * Both devices of a group move it to page tables made for them, so that one is
 * moved away from what the other is just making.
 */
static void move_the_group(struct race *race, struct worker *self)
{
	uint32_t pt = race->ioas[pick(self, 2)];

	assert_int_equal(ufd_device_replace(race->idev[self->index], &pt), 0);
	turn(&race->done[self->index]);
}

static void a_group_moved_from_two_sides(void **state)
{
	struct ufd_env *env = *state;
	struct race race = { .env = env, .fd = env_open(env) };
	static worker_fn *const fns[] = { move_the_group, move_the_group };
	uint32_t id, pt;

	race.ioas[0] = env_ioas(env, race.fd);
	race.ioas[1] = env_ioas(env, race.fd);
	for (unsigned int i = 0; i < 2; i++) {
		race.idev[i] = env_bind(env, race.fd, i, &id);
		pt = race.ioas[0];
		assert_int_equal(ufd_device_attach(race.idev[i], &pt), 0);
	}
	fight(&race, fns, 2);
	for (unsigned int i = 0; i < 2; i++)
		ufd_device_unbind(race.idev[i]);
	/* Page tables made by an attach went with it. */
	for (id = 1; id < 100; id++)
		assert_int_equal(
			env_destroy(env, race.fd, id),
			id == race.ioas[0] || id == race.ioas[1] ? 0 : -ENOENT);
	env_close(env, race.fd);
}

/*
 * The device goes while calls look it up: those before see it, those after do
 * not, and unbinding waits for those between.
 */
struct lookup {
	struct ufd_env *env;
	int fd;
	uint32_t dev;
	bool stop;     /* atomic */
	uint64_t seen; /* atomic */
};

static void *look_up(void *arg)
{
	struct lookup *l = arg;
	struct iommu_hw_info info;
	long rc;

	while (!load_relaxed(&l->stop)) {
		info = (struct iommu_hw_info){ .size = sizeof(info),
					       .dev_id = l->dev };
		rc = env_ioctl(l->env, l->fd, IOMMU_GET_HW_INFO, &info);
		if (rc)
			assert_int_equal(rc, -ENOENT);
		else
			assert_int_equal(info.out_data_type, 2);
		if (!rc)
			store_relaxed(&l->seen, l->seen + 1);
	}
	return NULL;
}

static void unbind_waits(void **state)
{
	struct ufd_env *env = *state;
	struct lookup l[2] = { { .env = env, .fd = env_open(env) } };
	struct ufd_device *idev;
	pthread_t thread[2];
	unsigned int i;

	env->fast_copies = true;
	l[0].dev = 1;
	l[1] = l[0];
	for (i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, look_up, &l[i]);
	for (i = 0;
	     i < 3000 || !load_relaxed(&l[0].seen) || !load_relaxed(&l[1].seen);
	     i++) {
		uint32_t id;

		idev = env_bind(env, l[0].fd, 2, &id);
		assert_int_equal(id, 1);
		ufd_device_unbind(idev);
	}
	store_relaxed(&l[0].stop, true);
	store_relaxed(&l[1].stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	env_close(env, l[0].fd);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_at_once),
		TEST(pasids_at_once),
		TEST(a_group_moved_from_two_sides),
		TEST(unbind_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
