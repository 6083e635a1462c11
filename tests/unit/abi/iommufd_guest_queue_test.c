/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of guests: events that the client reads, memory that the hardware reads;
 * and all objects of guests together, closed, or refused memory.
 */
#include "guest_scene.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "fake_nested.h"
#include "turns.h"

/* -------------------------------------------------------- event queues -- */

static void event_queues_and_their_errors(void **state)
{
	struct iommu_veventq_alloc cmd = { .size = sizeof(cmd), .type = 1 };
	uint32_t id, other, free_id;
	struct scene s;
	int fd, fd2;

	scene_open(&s, state);
	free_id = next_id(&s);
	cmd.flags = 1;
	assert_int_equal(call(&s, IOMMU_VEVENTQ_ALLOC, &cmd), -EOPNOTSUPP);
	cmd.flags = 0;
	cmd.__reserved = 1;
	assert_int_equal(call(&s, IOMMU_VEVENTQ_ALLOC, &cmd), -EOPNOTSUPP);
	cmd.__reserved = 0;
	assert_int_equal(call(&s, IOMMU_VEVENTQ_ALLOC, &cmd), -EINVAL);
	cmd.veventq_depth = 1;
	assert_int_equal(call(&s, IOMMU_VEVENTQ_ALLOC, &cmd), -ENOENT);
	assert_int_equal(veventq_alloc(&s, 0, 1, &id, &fd), -EOPNOTSUPP);
	assert_int_equal(veventq_alloc(&s, FAKE_VEVENTS, (1u << 19) + 1, &id,
				       &fd),
			 -EINVAL);
	/* A type that nobody reports is a queue that stays empty. */
	assert_int_equal(veventq_alloc(&s, 77, 1u << 19, &other, &fd2), 0);
	assert_int_equal(veventq_alloc(&s, FAKE_VEVENTS, 1, &id, &fd), 0);
	assert_int_equal(veventq_alloc(&s, FAKE_VEVENTS, 1, &free_id, &fd2),
			 -EEXIST);
	assert_int_equal(rd(&s, fd, NULL, 0), -EINVAL);
	assert_int_equal(rd(&s, fd, &cmd, 7), -EINVAL);
	assert_int_equal(rd(&s, fd, &cmd, 8), 0);
	assert_int_equal(uiommu_abi_write(s.env->abi, fd, (uintptr_t)&cmd, 8),
			 -EINVAL);
	assert_int_equal(uiommu_abi_pread(s.env->abi, fd, (uintptr_t)&cmd, 8,
					  1),
			 -ESPIPE);
	assert_int_equal(destroy(&s, id), -EBUSY);
	assert_int_equal(destroy(&s, s.viommu), -EBUSY);
	env_close(s.env, fd);
	assert_int_equal(destroy(&s, id), 0);
	/* The type is free again. */
	assert_int_equal(veventq_alloc(&s, FAKE_VEVENTS, 1, &id, &fd), 0);
	env_close(s.env, fd);
	assert_int_equal(destroy(&s, id), 0);
	for (fd2 = 3; fd2 < ENV_FDS; fd2++)
		if (fd2 != s.fd && uiommu_abi_owns(s.env->abi, fd2))
			env_close(s.env, fd2);
	assert_int_equal(destroy(&s, other), 0);
	scene_close(&s);
}

static void events_are_read(void **state)
{
	uint32_t hwpt, vdev, id;
	struct record r[4];
	struct scene s;
	int fd;

	scene_open(&s, state);
	assert_int_equal(event(&s), -ENOENT);
	attach(&s, &hwpt, &vdev);
	assert_int_equal(event(&s), -EOPNOTSUPP);
	assert_int_equal(veventq_alloc(&s, FAKE_VEVENTS, 3, &id, &fd), 0);
	assert_false(s.env->readable[fd]);
	assert_int_equal(event(&s), 0);
	assert_true(s.env->readable[fd]);
	assert_int_equal(event(&s), 0);
	assert_int_equal(s.env->woken[fd], 2);
	/* A record as a whole or not at all. */
	assert_int_equal(rd(&s, fd, r, 8), -EINVAL);
	assert_int_equal(rd(&s, fd, r, sizeof(*r) - 1), -EINVAL);
	assert_int_equal(rd(&s, fd, env_edge(s.env, 8), sizeof(*r)), -EFAULT);
	assert_int_equal(rd(&s, fd, env_edge(s.env, 11), sizeof(*r)), -EFAULT);
	memset(r, 0xff, sizeof(r));
	assert_int_equal(rd(&s, fd, r, 2 * sizeof(*r) - 1), sizeof(*r));
	assert_int_equal(r[0].header.flags, 0);
	assert_int_equal(r[0].header.sequence, 0);
	assert_int_equal(r[0].virt_id, VIRT);
	assert_true(s.env->readable[fd]);
	assert_int_equal(event(&s), 0);
	/* The second does not fit any more, by a fault: the first counts. */
	assert_int_equal(rd(&s, fd, env_edge(s.env, sizeof(*r)),
			    2 * sizeof(*r)),
			 sizeof(*r));
	assert_int_equal(rd(&s, fd, r, sizeof(r)), sizeof(*r));
	assert_int_equal(r[0].header.sequence, 2);
	assert_false(s.env->readable[fd]);
	assert_int_equal(rd(&s, fd, r, sizeof(r)), 0);
	/* What nobody reads goes with the queue. */
	assert_int_equal(event(&s), 0);
	env_close(s.env, fd);
	assert_int_equal(event(&s), 0);
	assert_int_equal(destroy(&s, id), 0);
	assert_int_equal(event(&s), -EOPNOTSUPP);
	detach(&s, hwpt, vdev);
	scene_close(&s);
}

static void lost_events_are_told(void **state)
{
	uint32_t hwpt, vdev, id;
	struct record r[4];
	struct scene s;
	int fd;

	scene_open(&s, state);
	attach(&s, &hwpt, &vdev);
	assert_int_equal(veventq_alloc(&s, FAKE_VEVENTS, 2, &id, &fd), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(event(&s), 0);
	memset(r, 0xff, sizeof(r));
	assert_int_equal(rd(&s, fd, r, sizeof(r)), 2 * sizeof(*r) + 8);
	assert_int_equal(r[1].header.sequence, 1);
	assert_int_equal(r[2].header.flags, IOMMU_VEVENTQ_FLAG_LOST_EVENTS);
	/* Three were lost: 2, 3, 4. */
	assert_int_equal(r[2].header.sequence, 4);
	assert_int_equal(r[2].virt_id, 0xffffffff);
	assert_int_equal(event(&s), 0);
	assert_int_equal(rd(&s, fd, r, sizeof(r)), sizeof(*r));
	assert_int_equal(r[0].header.sequence, 5);
	/* An event that is kept takes the mark's place: the gap tells. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(event(&s), 0);
	assert_int_equal(rd(&s, fd, r, sizeof(*r)), sizeof(*r));
	assert_int_equal(r[0].header.sequence, 6);
	assert_int_equal(event(&s), 0);
	assert_int_equal(rd(&s, fd, r, sizeof(r)), 2 * sizeof(*r));
	assert_int_equal(r[0].header.sequence, 7);
	assert_int_equal(r[1].header.sequence, 9);
	/* Lost below us, and for want of memory; the mark fits a header. */
	assert_int_equal(fake_guest_event(&s.env->unit[0]->unit, VIRT, true),
			 0);
	test_platform_fail_nth(&s.env->tp, 1);
	assert_int_equal(event(&s), -ENOMEM);
	assert_true(s.env->readable[fd]);
	assert_int_equal(rd(&s, fd, r, 8), 8);
	assert_int_equal(r[0].header.flags, IOMMU_VEVENTQ_FLAG_LOST_EVENTS);
	assert_int_equal(r[0].header.sequence, 11);
	assert_false(s.env->readable[fd]);
	/* A reader whose memory is bad loses no mark. */
	assert_int_equal(fake_guest_event(&s.env->unit[0]->unit, VIRT, true),
			 0);
	assert_int_equal(rd(&s, fd, env_edge(s.env, 4), 8), -EFAULT);
	assert_int_equal(rd(&s, fd, r, 8), 8);
	env_close(s.env, fd);
	assert_int_equal(destroy(&s, id), 0);
	detach(&s, hwpt, vdev);
	scene_close(&s);
}

static void a_queue_outlives_its_context_s_descriptor(void **state)
{
	uint32_t hwpt, vdev, id;
	struct record r;
	struct scene s;
	int fd;

	scene_open(&s, state);
	attach(&s, &hwpt, &vdev);
	assert_int_equal(veventq_alloc(&s, FAKE_VEVENTS, 2, &id, &fd), 0);
	env_close(s.env, s.fd);
	assert_int_equal(event(&s), 0);
	assert_int_equal(rd(&s, fd, &r, sizeof(r)), sizeof(r));
	assert_int_equal(r.virt_id, VIRT);
	ufd_device_unbind(s.idev);
	assert_int_equal(event(&s), -ENOENT);
	/* The last of the context: everything goes with it. */
	env_close(s.env, fd);
}

/* ----------------------------------------------------- hardware queues -- */

static void hardware_queues_and_their_errors(void **state)
{
	struct uiommu_unit *unit;
	uint32_t a, b, id;
	struct scene s;

	scene_open(&s, state);
	unit = &s.env->unit[0]->unit;
	env_map(s.env, s.fd, s.ioas, s.env->mem + 9 * PAGE, PAGE, 0x30000);
	env_map(s.env, s.fd, s.ioas, s.env->mem + 20 * PAGE, PAGE, 0x31000);
	id = s.viommu;
	s.viommu = 0xdead;
	assert_int_equal(queue_alloc(&s, 0, 0, 0, 0, &a), -EOPNOTSUPP);
	assert_int_equal(queue_alloc(&s, 1, 0, 0, 0, &a), -EINVAL);
	assert_int_equal(queue_alloc(&s, 1, 0, UINT64_MAX, 2, &a), -EOVERFLOW);
	assert_int_equal(queue_alloc(&s, 1, 0, 0x10000, 2, &a), -ENOENT);
	s.viommu = id;
	assert_int_equal(queue_alloc(&s, 1, 0, 0x10000, PAGE, &a), -EOPNOTSUPP);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 0, 0x20000, PAGE, &a),
			 -ENOENT);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 0, 0x11000, 2 * PAGE, &a),
			 -ENOENT);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 0, 0x30000, 2 * PAGE, &a),
			 -EFAULT);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 0, 1, UINT64_MAX, &a),
			 -ERANGE);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 2, 0x10000, PAGE, &a),
			 -EINVAL);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 1, 0x10000, PAGE, &a),
			 -EIO);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 0, 0x10040, PAGE, &a), 0);
	assert_int_equal(fake_queue_pa(unit, 0), (uintptr_t)s.env->mem + 0x40);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 0, 0x10000, PAGE, &b),
			 -EEXIST);
	/* Whoever refused it has let go of the memory. */
	assert_int_equal(env_unmap(s.env, s.fd, s.ioas, 0x30000, PAGE), 0);
	assert_int_equal(env_unmap(s.env, s.fd, s.ioas, 0x10000, 2 * PAGE),
			 -EBUSY);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 1, 0x11800, 64, &b), 0);
	/* It needs the first. */
	assert_int_equal(destroy(&s, a), -EBUSY);
	assert_int_equal(destroy(&s, s.viommu), -EBUSY);
	assert_int_equal(destroy(&s, b), 0);
	assert_int_equal(destroy(&s, a), 0);
	assert_int_equal(fake_queue_pa(unit, 0), 0);
	assert_int_equal(env_unmap(s.env, s.fd, s.ioas, 0x10000, 2 * PAGE), 0);
	scene_close(&s);
}

static void a_queue_is_read(void **state)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE,
		.length = PAGE,
		.iova = 0x40000,
	};
	struct scene s;
	uint32_t id;

	scene_open(&s, state);
	map.ioas_id = s.ioas;
	map.user_va = (uintptr_t)s.env->mem + 30 * PAGE;
	assert_int_equal(call(&s, IOMMU_IOAS_MAP, &map), 0);
	assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 0, 0x40000, PAGE, &id),
			 -EPERM);
	scene_close(&s);
}

/* ------------------------------------------------------------- the rest -- */

/* Closing comes in any order, with everything alive. */
static void closed_with_all_of_it(void **state)
{
	uint32_t hwpt, vdev, id, queue;
	struct scene s;
	int fd;

	for (int order = 0; order < 3; order++) {
		scene_open(&s, state);
		attach(&s, &hwpt, &vdev);
		assert_int_equal(veventq_alloc(&s, FAKE_VEVENTS, 2, &id, &fd),
				 0);
		assert_int_equal(queue_alloc(&s, FAKE_QUEUES, 0, 0x10000, PAGE,
					     &queue),
				 0);
		nested(&s, s.parent, 0);
		assert_int_equal(event(&s), 0);
		if (order == 0)
			env_close(s.env, fd);
		env_close(s.env, s.fd);
		if (order == 2)
			env_close(s.env, fd);
		ufd_device_unbind(s.idev);
		if (order == 1)
			env_close(s.env, fd);
	}
}

#define ONCE_MORE(s, n, what)                                   \
	({                                                      \
		int rc_;                                        \
                                                                \
		test_platform_fail_nth(&(s)->env->tp, n);       \
		rc_ = (what);                                   \
		if (test_platform_fail_nth(&(s)->env->tp, 0)) { \
			assert_int_equal(rc_, -ENOMEM);         \
			failed++;                               \
			rc_ = (what);                           \
		}                                               \
		rc_;                                            \
	})

static void every_allocation_fails_once(void **state)
{
	const struct fake_nested_data data = { .word = 7 };
	uint32_t viommu, vdev, hwpt, id, queue;
	unsigned int failed = 1, rounds = 0;
	struct scene s;
	int fd;

	for (uint64_t n = 1; failed; n++, rounds++) {
		failed = 0;
		scene_open(&s, state);
		viommu = s.viommu;
		assert_int_equal(ONCE_MORE(&s, n,
					   viommu_alloc(&s, FAKE_VIOMMU, s.dev,
							s.parent, &s.viommu)),
				 0);
		assert_int_equal(ONCE_MORE(&s, n,
					   vdevice_alloc(&s, s.viommu, s.dev,
							 VIRT, &vdev)),
				 0);
		assert_int_equal(ONCE_MORE(&s, n,
					   hwpt_alloc(&s, 0, s.viommu,
						      FAKE_NESTED_DATA, &data,
						      4, &hwpt)),
				 0);
		assert_int_equal(
			ONCE_MORE(&s, n,
				  veventq_alloc(&s, FAKE_VEVENTS, 2, &id, &fd)),
			0);
		assert_int_equal(ONCE_MORE(&s, n,
					   queue_alloc(&s, FAKE_QUEUES, 0,
						       0x10000, PAGE, &queue)),
				 0);
		assert_int_equal(destroy(&s, queue), 0);
		env_close(s.env, fd);
		assert_int_equal(destroy(&s, id), 0);
		assert_int_equal(destroy(&s, hwpt), 0);
		assert_int_equal(destroy(&s, vdev), 0);
		assert_int_equal(destroy(&s, s.viommu), 0);
		s.viommu = viommu;
		scene_close(&s);
	}
	assert_true(rounds > 4);
}

/* A structure that cannot be written back leaves nothing. */
static void answers_that_cannot_be_written(void **state)
{
	const struct fake_nested_data data = { .word = 7 };
	const struct fake_viommu_inv inv = { .virt_id = 5 };
	struct iommu_hwpt_invalidate i = { .size = 32,
					   .data_uptr = (uintptr_t)&inv,
					   .data_type = FAKE_VIOMMU_INVALIDATE,
					   .entry_len = sizeof(inv),
					   .entry_num = 1 };
	struct iommu_viommu_alloc v = { .size = 40, .type = FAKE_VIOMMU };
	struct iommu_vdevice_alloc d = { .size = 24, .virt_id = 5 };
	struct iommu_veventq_alloc e = { .size = 32,
					 .type = FAKE_VEVENTS,
					 .veventq_depth = 1 };
	struct iommu_hwpt_alloc h = { .size = 48,
				      .data_type = FAKE_NESTED_DATA,
				      .data_len = 4,
				      .data_uptr = (uintptr_t)&data };
	struct iommu_hw_queue_alloc q = { .size = 40,
					  .type = FAKE_QUEUES,
					  .nesting_parent_iova = 0x10000,
					  .length = PAGE };
	uint32_t free_id, vdev;
	struct scene s;
	uint8_t *ro;

	scene_open(&s, state);
	free_id = next_id(&s);
	v.dev_id = h.dev_id = d.dev_id = s.dev;
	v.hwpt_id = s.parent;
	d.viommu_id = e.viommu_id = q.viommu_id = h.pt_id = s.viommu;
	ro = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(ro != MAP_FAILED);
	memcpy(ro, &v, sizeof(v));
	memcpy(ro + 64, &d, sizeof(d));
	memcpy(ro + 128, &e, sizeof(e));
	memcpy(ro + 192, &h, sizeof(h));
	memcpy(ro + 256, &q, sizeof(q));
	i.hwpt_id = s.viommu;
	memcpy(ro + 320, &i, sizeof(i));
	assert_int_equal(mprotect(ro, PAGE, PROT_READ), 0);
	assert_int_equal(call(&s, IOMMU_VIOMMU_ALLOC, ro), -EFAULT);
	assert_int_equal(call(&s, IOMMU_VDEVICE_ALLOC, ro + 64), -EFAULT);
	assert_int_equal(call(&s, IOMMU_VEVENTQ_ALLOC, ro + 128), -EFAULT);
	assert_int_equal(call(&s, IOMMU_HWPT_ALLOC, ro + 192), -EFAULT);
	assert_int_equal(call(&s, IOMMU_HW_QUEUE_ALLOC, ro + 256), -EFAULT);
	assert_int_equal(next_id(&s), free_id);
	assert_int_equal(env_unmap(s.env, s.fd, s.ioas, 0x10000, 2 * PAGE), 0);
	/* But that what was invalidated is so. */
	assert_int_equal(vdevice_alloc(&s, s.viommu, s.dev, 5, &vdev), 0);
	assert_int_equal(call(&s, IOMMU_HWPT_INVALIDATE, ro + 320), -EFAULT);
	assert_int_equal(fake_viommu_count(&s.env->unit[0]->unit, 5, 0), 1);
	assert_int_equal(destroy(&s, vdev), 0);
	munmap(ro, PAGE);
	scene_close(&s);
}

#define CASE(fn) \
	cmocka_unit_test_setup_teardown(fn, ufd_env_setup, ufd_env_teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(event_queues_and_their_errors),
		CASE(events_are_read),
		CASE(lost_events_are_told),
		CASE(a_queue_outlives_its_context_s_descriptor),
		CASE(hardware_queues_and_their_errors),
		CASE(a_queue_is_read),
		CASE(closed_with_all_of_it),
		CASE(every_allocation_fails_once),
		CASE(answers_that_cannot_be_written),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
