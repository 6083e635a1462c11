/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What guests have in iommufd: nested page tables, vIOMMUs, vdevices and
 * invalidations; each error in the kernel's order, who counts whom, and that a
 * failed call leaves no id behind.
 */
#include "guest_scene.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "fake_nested.h"
#include "turns.h"

/* -------------------------------------------------------- page tables -- */

static void nested_page_tables_and_their_errors(void **state)
{
	const struct fake_nested_data data = { .word = 7 }, bad = { .more = 1 };
	const uint32_t T = FAKE_NESTED_DATA;
	uint32_t plain, other, pasid, id, free_id;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(env_hwpt(s.env, s.fd, s.dev, s.ioas, &plain), 0);
	free_id = next_id(&s);
	for (int i = 0; i < 2; i++) {
		uint32_t pt = i ? s.viommu : s.parent;

		assert_int_equal(hwpt_alloc(&s, 0, pt, 0, &data, 4, &id),
				 -EINVAL);
		assert_int_equal(hwpt_alloc(&s, 0, pt, T, NULL, 0, &id),
				 -EINVAL);
		assert_int_equal(hwpt_alloc(&s, 0, pt, 0, NULL, 0, &id),
				 -EOPNOTSUPP);
		assert_int_equal(hwpt_alloc(&s, IOMMU_HWPT_ALLOC_NEST_PARENT,
					    pt, T, &data, 4, &id),
				 -EOPNOTSUPP);
		assert_int_equal(hwpt_alloc(&s, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
					    pt, T, &data, 4, &id),
				 -EOPNOTSUPP);
		assert_int_equal(hwpt_alloc(&s, 1u << 31, pt, T, &data, 4, &id),
				 -EOPNOTSUPP);
		assert_int_equal(hwpt_alloc(&s, 0, pt, T + 1, &data, 4, &id),
				 -EOPNOTSUPP);
		assert_int_equal(hwpt_alloc(&s, 0, pt, T, &data, 3, &id),
				 -EINVAL);
		assert_int_equal(hwpt_alloc(&s, 0, pt, T, &data, 9, &id),
				 -EINVAL);
		/* The type and the length come before the address. */
		assert_int_equal(hwpt_alloc(&s, 0, pt, T, NULL, 3, &id),
				 -EINVAL);
		assert_int_equal(hwpt_alloc(&s, 0, pt, T, NULL, 4, &id),
				 -EFAULT);
		assert_int_equal(hwpt_alloc(&s, 0, pt, T, env_edge(s.env, 4), 8,
					    &id),
				 -EFAULT);
		assert_int_equal(hwpt_alloc(&s, 0, pt, T, &bad, 8, &id), -EIO);
		/* Which fault queue comes last. */
		assert_int_equal(hwpt_alloc(&s, IOMMU_HWPT_FAULT_ID_VALID, pt,
					    T, &data, 4, &id),
				 -ENOENT);
		assert_int_equal(next_id(&s), free_id);
		/* One that a short caller fills with zeroes. */
		assert_int_equal(hwpt_alloc(&s, 0, pt, T, env_edge(s.env, 4), 4,
					    &id),
				 0);
		assert_int_equal(destroy(&s, id), 0);
	}
	/* No parents. */
	assert_int_equal(hwpt_alloc(&s, 0, plain, T, &data, 4, &id), -EINVAL);
	id = nested(&s, s.viommu, 0);
	assert_int_equal(hwpt_alloc(&s, 0, id, T, &data, 4, &other), -EINVAL);
	assert_int_equal(hwpt_alloc(&s, 0, s.dev, T, &data, 4, &other),
			 -EINVAL);
	pasid = nested(&s, s.viommu, IOMMU_HWPT_ALLOC_PASID);
	assert_int_equal(destroy(&s, s.viommu), -EBUSY);
	assert_int_equal(destroy(&s, s.parent), -EBUSY);
	assert_int_equal(destroy(&s, pasid), 0);
	assert_int_equal(destroy(&s, id), 0);
	/* A vIOMMU alone keeps its parent as well. */
	assert_int_equal(destroy(&s, s.parent), -EBUSY);
	assert_int_equal(destroy(&s, plain), 0);
	scene_close(&s);
}

static void one_of_another_unit(void **state)
{
	const struct fake_nested_data data = { .word = 7 };
	struct ufd_device *far;
	uint32_t far_id, id;
	struct scene s;

	scene_open(&s, state);
	far = env_bind(s.env, s.fd, 3, &far_id);
	assert_int_equal(vdevice_alloc(&s, s.viommu, far_id, 1, &id), -EINVAL);
	s.dev = far_id;
	/* Before anything that is said of the flags. */
	assert_int_equal(hwpt_alloc(&s, 1u << 31, s.viommu, FAKE_NESTED_DATA,
				    &data, 4, &id),
			 -EINVAL);
	ufd_device_unbind(far);
	scene_close(&s);
}

static void devices_are_attached_to_them(void **state)
{
	uint32_t id, two, vdev, pt, straight;
	struct scene s;

	scene_open(&s, state);
	id = nested(&s, s.viommu, 0);
	two = nested(&s, s.viommu, 0);
	straight = nested(&s, s.parent, 0);
	pt = id;
	assert_int_equal(ufd_device_attach(s.idev, &pt), -ENOENT);
	pt = straight;
	assert_int_equal(ufd_device_attach(s.idev, &pt), 0);
	assert_int_equal(pt, straight);
	assert_int_equal(destroy(&s, straight), -EBUSY);
	assert_int_equal(vdevice_alloc(&s, s.viommu, s.dev, VIRT, &vdev), 0);
	pt = id;
	assert_int_equal(ufd_device_replace(s.idev, &pt), 0);
	assert_int_equal(destroy(&s, straight), 0);
	pt = two;
	assert_int_equal(ufd_device_replace(s.idev, &pt), 0);
	assert_int_equal(destroy(&s, id), 0);
	pt = s.parent;
	assert_int_equal(ufd_device_replace(s.idev, &pt), 0);
	pt = two;
	assert_int_equal(ufd_device_replace(s.idev, &pt), 0);
	/* The vdevice may go before. */
	assert_int_equal(destroy(&s, vdev), 0);
	assert_int_equal(destroy(&s, two), -EBUSY);
	ufd_device_detach(s.idev);
	assert_int_equal(destroy(&s, two), 0);
	scene_close(&s);
}

/* A nested page table is none that an IOAS fills. */
static void what_is_for_others(void **state)
{
	struct iommu_hwpt_set_dirty_tracking dirty = { .size = sizeof(dirty),
						       .flags = 1 };
	uint32_t id, queue;
	struct scene s;

	scene_open(&s, state);
	id = nested(&s, s.viommu, 0);
	dirty.hwpt_id = id;
	assert_int_equal(call(&s, IOMMU_HWPT_SET_DIRTY_TRACKING, &dirty),
			 -ENOENT);
	assert_int_equal(viommu_alloc(&s, FAKE_VIOMMU, s.dev, id, &queue),
			 -ENOENT);
	assert_int_equal(destroy(&s, id), 0);
	scene_close(&s);
}

static void faults_of_a_guest(void **state)
{
	const struct fake_nested_data data = { .word = 7 };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.data_type = FAKE_NESTED_DATA,
		.data_len = 8,
		.data_uptr = (uintptr_t)&data,
	};
	struct iommu_hwpt_page_response answer = { .cookie = 1 };
	struct iommu_hwpt_pgfault f;
	uint32_t vdev, pt;
	struct scene s;
	int queue;

	scene_open(&s, state);
	cmd.dev_id = s.dev;
	cmd.pt_id = s.viommu;
	cmd.fault_id = env_queue(s.env, s.fd, &queue);
	assert_int_equal(call(&s, IOMMU_HWPT_ALLOC, &cmd), 0);
	assert_int_equal(vdevice_alloc(&s, s.viommu, s.dev, VIRT, &vdev), 0);
	pt = cmd.out_hwpt_id;
	assert_int_equal(ufd_device_attach(s.idev, &pt), 0);
	/* The guest's PASIDs are nobody else's. */
	env_ask(s.env, DEV, 17, 3, 0x5000, UIOMMU_PAGE_READ | UIOMMU_PAGE_LAST);
	assert_true(s.env->readable[queue]);
	assert_int_equal(uiommu_abi_read(s.env->abi, queue, (uintptr_t)&f,
					 sizeof(f)),
			 sizeof(f));
	assert_int_equal(f.flags, IOMMU_PGFAULT_FLAGS_PASID_VALID |
					  IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	assert_int_equal(f.pasid, 17);
	assert_int_equal(f.dev_id, s.dev);
	assert_int_equal(f.addr, 0x5000);
	assert_int_equal(uiommu_abi_write(s.env->abi, queue, (uintptr_t)&answer,
					  sizeof(answer)),
			 sizeof(answer));
	assert_int_equal(s.env->unit[0]->answer.code, UIOMMU_PAGE_SUCCESS);
	ufd_device_detach(s.idev);
	assert_int_equal(destroy(&s, cmd.fault_id), -EBUSY);
	env_close(s.env, queue);
	assert_int_equal(destroy(&s, cmd.fault_id), -EBUSY);
	assert_int_equal(destroy(&s, cmd.out_hwpt_id), 0);
	assert_int_equal(destroy(&s, cmd.fault_id), 0);
	assert_int_equal(destroy(&s, vdev), 0);
	scene_close(&s);
}

/* -------------------------------------------------------------- vIOMMUs -- */

static void vIOMMUs_and_their_errors(void **state)
{
	struct iommu_viommu_alloc cmd = { .size = sizeof(cmd),
					  .type = FAKE_VIOMMU };
	struct fake_viommu_data data = { .in = 3 };
	uint32_t plain, id, free_id;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(env_hwpt(s.env, s.fd, s.dev, s.ioas, &plain), 0);
	free_id = next_id(&s);
	cmd.flags = 1;
	assert_int_equal(call(&s, IOMMU_VIOMMU_ALLOC, &cmd), -EOPNOTSUPP);
	assert_int_equal(viommu_alloc(&s, 0, 0, 0, &id), -EOPNOTSUPP);
	assert_int_equal(viommu_alloc(&s, 0xdead, 0, 0, &id), -ENOENT);
	/* The type comes before the page table. */
	assert_int_equal(viommu_alloc(&s, 0xdead, s.dev, 0, &id), -EOPNOTSUPP);
	assert_int_equal(viommu_alloc(&s, FAKE_VIOMMU, s.dev, 0, &id), -ENOENT);
	assert_int_equal(viommu_alloc(&s, FAKE_VIOMMU, s.dev, s.ioas, &id),
			 -ENOENT);
	assert_int_equal(viommu_alloc(&s, FAKE_VIOMMU, s.dev, plain, &id),
			 -EINVAL);
	cmd = (struct iommu_viommu_alloc){ .size = sizeof(cmd),
					   .type = FAKE_VIOMMU,
					   .dev_id = s.dev,
					   .hwpt_id = s.parent,
					   .data_len = 4,
					   .data_uptr = (uintptr_t)&data };
	assert_int_equal(call(&s, IOMMU_VIOMMU_ALLOC, &cmd), -EINVAL);
	cmd.data_len = 8;
	cmd.data_uptr = 0;
	assert_int_equal(call(&s, IOMMU_VIOMMU_ALLOC, &cmd), -EFAULT);
	cmd.data_uptr = (uintptr_t)&data;
	assert_int_equal(next_id(&s), free_id);
	/* An older caller has no data. */
	cmd.size = 24;
	assert_int_equal(call(&s, IOMMU_VIOMMU_ALLOC, &cmd), 0);
	assert_int_equal(data.out, 0);
	assert_int_equal(destroy(&s, cmd.out_viommu_id), 0);
	cmd.size = sizeof(cmd);
	assert_int_equal(call(&s, IOMMU_VIOMMU_ALLOC, &cmd), 0);
	assert_int_equal(data.out, 3);
	assert_int_equal(destroy(&s, cmd.out_viommu_id), 0);
	assert_int_equal(destroy(&s, plain), 0);
	scene_close(&s);
}

/* ------------------------------------------------------------- vdevices -- */

static void vdevices_and_their_errors(void **state)
{
	uint32_t vdev, other, two, second, free_id;
	struct ufd_device *idev;
	struct scene s;

	scene_open(&s, state);
	idev = env_bind(s.env, s.fd, 0, &two);
	free_id = next_id(&s);
	assert_int_equal(vdevice_alloc(&s, s.parent, s.dev, VIRT, &vdev),
			 -ENOENT);
	assert_int_equal(vdevice_alloc(&s, s.viommu, s.parent, VIRT, &vdev),
			 -ENOENT);
	assert_int_equal(vdevice_alloc(&s, s.viommu, s.dev, VIRT, &vdev), 0);
	assert_int_equal(vdevice_alloc(&s, s.viommu, s.dev, VIRT + 1, &other),
			 -EEXIST);
	assert_int_equal(vdevice_alloc(&s, s.viommu, two, VIRT, &other),
			 -EEXIST);
	assert_int_equal(
		viommu_alloc(&s, FAKE_VIOMMU, s.dev, s.parent, &second), 0);
	assert_int_equal(vdevice_alloc(&s, second, s.dev, VIRT, &other),
			 -EEXIST);
	assert_int_equal(vdevice_alloc(&s, second, two, VIRT, &other), 0);
	assert_int_equal(destroy(&s, second), -EBUSY);
	assert_int_equal(destroy(&s, other), 0);
	assert_int_equal(destroy(&s, second), 0);
	assert_int_equal(destroy(&s, s.viommu), -EBUSY);
	assert_int_equal(vdevice_alloc(&s, s.viommu, two, UINT64_MAX, &other),
			 0);
	assert_int_equal(destroy(&s, other), 0);
	assert_int_equal(destroy(&s, vdev), 0);
	assert_int_equal(destroy(&s, vdev), -ENOENT);
	/* An id that was given back is anybody's. */
	assert_int_equal(next_id(&s), free_id);
	ufd_device_unbind(idev);
	scene_close(&s);
}

static int set_rlimit_mode(struct scene *s)
{
	struct iommu_option option = { .size = sizeof(option) };

	return (int)call(s, IOMMU_OPTION, &option);
}

static void a_device_takes_its_vdevice_along(void **state)
{
	uint32_t vdev;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(vdevice_alloc(&s, s.viommu, s.dev, VIRT, &vdev), 0);
	ufd_device_unbind(s.idev);
	s.idev = NULL;
	assert_int_equal(destroy(&s, vdev), -ENOENT);
	/* Its id is nobody's, and an object all the same. */
	assert_int_not_equal(next_id(&s), vdev);
	assert_int_equal(destroy(&s, s.viommu), 0);
	assert_int_equal(destroy(&s, s.parent), 0);
	assert_int_equal(destroy(&s, s.ioas), 0);
	assert_int_equal(set_rlimit_mode(&s), -EBUSY);
	/* The device may have another one when it comes again. */
	env_close(s.env, s.fd);
	scene_open(&s, state);
	assert_int_equal(vdevice_alloc(&s, s.viommu, s.dev, VIRT, &vdev), 0);
	assert_int_equal(destroy(&s, vdev), 0);
	scene_close(&s);
}

/* DESTROY against unbind: one of the two frees it. */
struct fight {
	struct scene *s;
	uint32_t id; /* atomic; 0: none at the moment */
	uint32_t stop;
	uint64_t tries, unbinds;
};

static void *destroy_it(void *arg)
{
	struct fight *f = arg;
	uint32_t id;

	while (!load_acquire(&f->stop)) {
		id = load_acquire(&f->id);
		if (!id) {
			sched_yield();
			continue;
		}
		if (!destroy(f->s, id))
			turn(&f->tries);
	}
	return NULL;
}

static void *unbind_it(void *arg)
{
	struct fight *f = arg;
	struct scene *s = f->s;
	uint32_t vdev;

	while (!load_acquire(&f->stop)) {
		s->idev = env_bind(s->env, s->fd, DEV, &s->dev);
		assert_int_equal(
			vdevice_alloc(s, s->viommu, s->dev, VIRT, &vdev), 0);
		store_release(&f->id, vdev);
		if (f->unbinds % 2)
			sched_yield();
		ufd_device_unbind(s->idev);
		store_release(&f->id, 0);
		turn(&f->unbinds);
	}
	s->idev = NULL;
	return NULL;
}

static void destroy_against_unbind(void **state)
{
	struct fight f = { 0 };
	const uint64_t *counts[] = { &f.tries, &f.unbinds };
	pthread_t threads[2];
	struct scene s;

	scene_open(&s, state);
	ufd_device_unbind(s.idev);
	f.s = &s;
	pthread_create(&threads[0], NULL, destroy_it, &f);
	pthread_create(&threads[1], NULL, unbind_it, &f);
	assert_true(let_fight(200, counts, 2));
	store_release(&f.stop, 1);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	scene_close(&s);
}

/* ------------------------------------------------------- invalidations -- */

static int invalidate(struct scene *s, uint32_t id, uint32_t type,
		      const void *data, uint32_t len, uint32_t *nr)
{
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = id,
		.data_uptr = (uintptr_t)data,
		.data_type = type,
		.entry_len = len,
		.entry_num = *nr,
	};
	int rc = (int)call(s, IOMMU_HWPT_INVALIDATE, &cmd);

	*nr = cmd.entry_num;
	return rc;
}

#define INVALIDATE(s, id, type, data, len, nr, rc_, done)                  \
	do {                                                               \
		uint32_t nr_ = (nr);                                       \
                                                                           \
		assert_int_equal(invalidate(s, id, type, data, len, &nr_), \
				 rc_);                                     \
		assert_int_equal(nr_, done);                               \
	} while (0)

static void invalidations_and_their_errors(void **state)
{
	const struct fake_viommu_inv v[] = { { 0, VIRT, 1 },
					     { 1, VIRT, 0 },
					     { 0, VIRT + 1, 0 } };
	const struct fake_viommu_inv flag = { .flags = 2 };
	const struct fake_nested_inv n[] = { { 0, 1 }, { 0, 2 }, { 0, 4 } };
	const uint32_t longer[] = { 0, VIRT, 3, 0 }, tail[] = { 0, VIRT, 3, 1 };
	uint32_t hwpt, vdev, id;
	struct uiommu_unit *unit;
	struct scene s;

	scene_open(&s, state);
	unit = &s.env->unit[0]->unit;
	attach(&s, &hwpt, &vdev);
	id = s.viommu;
	INVALIDATE(&s, 0xdead, 0, v, 12, 1, -ENOENT, 0);
	INVALIDATE(&s, s.parent, 0, v, 12, 1, -EINVAL, 0);
	INVALIDATE(&s, s.ioas, 0, v, 12, 1, -EINVAL, 0);
	/* The shape of the array comes before everything. */
	INVALIDATE(&s, 0xdead, 0, NULL, 12, 1, -EINVAL, 0);
	INVALIDATE(&s, 0xdead, 0, v, 0, 1, -EINVAL, 0);
	INVALIDATE(&s, 0xdead, 0, v, 4097, 1, -EINVAL, 0);
	INVALIDATE(&s, 0xdead, 0, v, 12, (1u << 19) + 1, -EINVAL, 0);

	INVALIDATE(&s, id, FAKE_VIOMMU_INVALIDATE, NULL, 0, 0, 0, 0);
	INVALIDATE(&s, id, 1, NULL, 0, 0, -EINVAL, 0);
	INVALIDATE(&s, id, 1, v, 12, 1, -EINVAL, 0);
	INVALIDATE(&s, id, FAKE_VIOMMU_INVALIDATE, &flag, 12, 1, -EOPNOTSUPP,
		   0);
	INVALIDATE(&s, id, FAKE_VIOMMU_INVALIDATE, v, 12, 3, -EINVAL, 2);
	assert_int_equal(fake_viommu_count(unit, VIRT, 1), 2);
	assert_int_equal(fake_viommu_count(unit, VIRT, 3), 1);
	/* All or nothing of it can be read. */
	INVALIDATE(&s, id, FAKE_VIOMMU_INVALIDATE, env_edge(s.env, 12), 12, 2,
		   -EFAULT, 0);
	INVALIDATE(&s, id, FAKE_VIOMMU_INVALIDATE, longer, 16, 1, 0, 1);
	assert_int_equal(fake_viommu_count(unit, VIRT, 3), 2);
	INVALIDATE(&s, id, FAKE_VIOMMU_INVALIDATE, tail, 16, 1, -E2BIG, 0);

	INVALIDATE(&s, hwpt, FAKE_NESTED_INVALIDATE, n, 8, 3, -EINVAL, 2);
	INVALIDATE(&s, hwpt, FAKE_NESTED_INVALIDATE, n, 7, 1, -EINVAL, 0);
	INVALIDATE(&s, hwpt, FAKE_NESTED_INVALIDATE, n, 9, 1, -EINVAL, 0);
	INVALIDATE(&s, hwpt, FAKE_NESTED_INVALIDATE, env_edge(s.env, 8), 8, 2,
		   -EFAULT, 1);
	INVALIDATE(&s, hwpt, 1, n, 8, 1, -EINVAL, 0);
	detach(&s, hwpt, vdev);
	scene_close(&s);
}

#define CASE(fn) \
	cmocka_unit_test_setup_teardown(fn, ufd_env_setup, ufd_env_teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(nested_page_tables_and_their_errors),
		CASE(one_of_another_unit),
		CASE(devices_are_attached_to_them),
		CASE(what_is_for_others),
		CASE(faults_of_a_guest),
		CASE(vIOMMUs_and_their_errors),
		CASE(vdevices_and_their_errors),
		CASE(a_device_takes_its_vdevice_along),
		CASE(destroy_against_unbind),
		CASE(invalidations_and_their_errors),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
