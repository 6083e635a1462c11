/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault queues: what is read, what may be written, who is answered when nobody
 * writes, and every error.
 */
#include "ufd_env.h"

#include <string.h>
#include <sys/mman.h>

#define RECORD sizeof(struct iommu_hwpt_pgfault)
#define RESPONSE sizeof(struct iommu_hwpt_page_response)
#define LAST (UIOMMU_PAGE_READ | UIOMMU_PAGE_LAST)
#define NONE UIOMMU_NO_PASID

/* A device attached to a page table with a queue. */
struct scene {
	struct ufd_env *env;
	int fd, queue;
	uint32_t ioas, dev, queue_id, hwpt;
	struct ufd_device *idev;
};

static void scene_open(struct scene *s, void **state)
{
	uint32_t pt;

	s->env = *state;
	s->fd = env_open(s->env);
	s->ioas = env_ioas(s->env, s->fd);
	s->idev = env_bind(s->env, s->fd, 2, &s->dev);
	s->queue_id = env_queue(s->env, s->fd, &s->queue);
	assert_int_equal(env_fault_hwpt(s->env, s->fd, s->dev, s->ioas,
					s->queue_id, &s->hwpt),
			 0);
	pt = s->hwpt;
	assert_int_equal(ufd_device_attach(s->idev, &pt), 0);
}

static void scene_close(struct scene *s)
{
	ufd_device_unbind(s->idev);
	assert_int_equal(env_destroy(s->env, s->fd, s->hwpt), 0);
	assert_int_equal(env_destroy(s->env, s->fd, s->queue_id), -EBUSY);
	env_close(s->env, s->queue);
	assert_int_equal(env_destroy(s->env, s->fd, s->queue_id), 0);
	env_close(s->env, s->fd);
}

static void ask(struct scene *s, uint32_t token, uint64_t iova, uint32_t flags)
{
	env_ask(s->env, 2, NONE, token, iova, flags);
}

static long rd(struct scene *s, void *buf, size_t len)
{
	return uiommu_abi_read(s->env->abi, s->queue, (uintptr_t)buf, len);
}

static long wr(struct scene *s, const void *buf, size_t len)
{
	return uiommu_abi_write(s->env->abi, s->queue, (uintptr_t)buf, len);
}

static long answer(struct scene *s, uint32_t cookie, uint32_t code)
{
	const struct iommu_hwpt_page_response r = { cookie, code };

	return wr(s, &r, sizeof(r));
}

static bool ready(struct scene *s)
{
	return s->env->readable[s->queue];
}

static unsigned int answers(struct scene *s)
{
	return s->env->unit[0]->answers;
}

/* ------------------------------------------------------------- the story -- */

static void a_fault_is_read_and_answered(void **state)
{
	struct iommu_hwpt_pgfault f[4];
	struct scene s;

	scene_open(&s, state);
	assert_false(ready(&s));
	assert_int_equal(rd(&s, f, sizeof(f)), 0);
	env_ask(s.env, 2, 7, 5, 0x1000, LAST);
	/* A PASID of no domain: nobody is asked. */
	assert_false(ready(&s));
	assert_int_equal(s.env->unit[0]->answer.code, UIOMMU_PAGE_INVALID);

	ask(&s, 9, 0x1000, UIOMMU_PAGE_READ);
	assert_false(ready(&s));
	ask(&s, 9, 0x2000,
	    UIOMMU_PAGE_WRITE | UIOMMU_PAGE_EXEC | UIOMMU_PAGE_PRIV |
		    UIOMMU_PAGE_LAST);
	assert_true(ready(&s));
	ask(&s, 10, 0x3000, LAST);
	assert_int_equal(s.env->woken[s.queue], 2);
	memset(f, 0xff, sizeof(f));
	assert_int_equal(rd(&s, f, 2 * RECORD), 2 * RECORD);
	assert_true(ready(&s));
	assert_memory_equal(
		&f[0],
		(&(struct iommu_hwpt_pgfault){ .dev_id = s.dev,
					       .grpid = 9,
					       .perm = IOMMU_PGFAULT_PERM_READ,
					       .addr = 0x1000,
					       .cookie = 1 }),
		RECORD);
	assert_memory_equal(&f[1],
			    (&(struct iommu_hwpt_pgfault){
				    .flags = IOMMU_PGFAULT_FLAGS_LAST_PAGE,
				    .dev_id = s.dev,
				    .grpid = 9,
				    .perm = IOMMU_PGFAULT_PERM_WRITE |
					    IOMMU_PGFAULT_PERM_EXEC |
					    IOMMU_PGFAULT_PERM_PRIV,
				    .addr = 0x2000,
				    .cookie = 1 }),
			    RECORD);
	assert_int_equal(rd(&s, f, sizeof(f)), RECORD);
	assert_int_equal(f[0].cookie, 2);
	assert_false(ready(&s));
	assert_int_equal(answer(&s, 1, IOMMUFD_PAGE_RESP_SUCCESS), RESPONSE);
	assert_int_equal(s.env->unit[0]->answer.code, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(s.env->unit[0]->answer.token, 9);

	/* The lowest cookie that is free. */
	ask(&s, 11, 0x4000, LAST);
	assert_int_equal(rd(&s, f, sizeof(f)), RECORD);
	assert_int_equal(f[0].cookie, 1);
	assert_int_equal(answer(&s, 2, IOMMUFD_PAGE_RESP_INVALID), RESPONSE);
	assert_int_equal(s.env->unit[0]->answer.code, UIOMMU_PAGE_INVALID);
	assert_int_equal(answer(&s, 1, IOMMUFD_PAGE_RESP_SUCCESS), RESPONSE);
	scene_close(&s);
}

/* Given back in no order, by answers and by a withdrawal, and taken again. */
static void cookies_are_used_again(void **state)
{
	static const uint32_t back[] = { 7, 3, 9, 4 }, again[] = { 3, 4, 7, 9 };
	struct iommu_hwpt_pgfault f[10];
	struct scene s;
	uint32_t i, pt;

	scene_open(&s, state);
	pt = s.hwpt;
	for (i = 0; i < 10; i++)
		ask(&s, i, i * PAGE, LAST);
	assert_int_equal(rd(&s, f, sizeof(f)), sizeof(f));
	for (i = 0; i < 4; i++)
		assert_int_equal(answer(&s, back[i], IOMMUFD_PAGE_RESP_SUCCESS),
				 RESPONSE);
	for (i = 0; i < 5; i++)
		ask(&s, 20 + i, i * PAGE, LAST);
	/* One that cannot be read takes no cookie with it. */
	assert_int_equal(rd(&s, NULL, RECORD), -EFAULT);
	assert_int_equal(rd(&s, f, 5 * RECORD), 5 * RECORD);
	for (i = 0; i < 4; i++)
		assert_int_equal(f[i].cookie, again[i]);
	assert_int_equal(f[4].cookie, 11);
	assert_int_equal(ufd_device_detach(s.idev), 0);
	assert_int_equal(ufd_device_attach(s.idev, &pt), 0);
	ask(&s, 30, 0, LAST);
	assert_int_equal(rd(&s, f, RECORD), RECORD);
	assert_int_equal(f[0].cookie, 1);
	scene_close(&s);
}

static void many_groups_have_many_cookies(void **state)
{
	struct iommu_hwpt_pgfault f[100];
	struct scene s;
	uint32_t i;

	scene_open(&s, state);
	for (i = 0; i < 100; i++)
		ask(&s, i, i * PAGE, LAST);
	assert_int_equal(rd(&s, f, sizeof(f)), sizeof(f));
	for (i = 0; i < 100; i++) {
		assert_int_equal(f[i].cookie, i + 1);
		assert_int_equal(f[i].addr, i * PAGE);
	}
	for (i = 100; i > 0; i--)
		assert_int_equal(answer(&s, i, IOMMUFD_PAGE_RESP_SUCCESS),
				 RESPONSE);
	assert_int_equal(answers(&s), 100);
	scene_close(&s);
}

/* ---------------------------------------------------------------- errors -- */

/* Two groups wait, of 2 records and of 1. */
static void what_a_read_returns(void **state)
{
	static const struct {
		size_t len;
		long first, then;
	} rows[] = {
		{ 1, -ESPIPE, -ESPIPE },
		{ RECORD - 1, -ESPIPE, -ESPIPE },
		{ RECORD + 1, -ESPIPE, -ESPIPE },
		{ 5 * RECORD + 8, -ESPIPE, -ESPIPE },
		{ 0, -EINVAL, -EINVAL },
		{ RECORD, -EINVAL, -EINVAL },
		{ 2 * RECORD, 2 * RECORD, RECORD },
		{ 3 * RECORD, 3 * RECORD, 0 },
		{ 100 * RECORD, 3 * RECORD, 0 },
	};
	struct iommu_hwpt_pgfault f[100];

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene s;

		scene_open(&s, state);
		assert_int_equal(rd(&s, f, 0), 0);
		assert_int_equal(rd(&s, NULL, RECORD), 0);
		ask(&s, 1, 0x1000, UIOMMU_PAGE_READ);
		ask(&s, 1, 0x2000, LAST);
		ask(&s, 2, 0x3000, LAST);
		assert_int_equal(rd(&s, f, rows[i].len), rows[i].first);
		assert_int_equal(rd(&s, f, rows[i].len), rows[i].then);
		assert_int_equal(ready(&s), rows[i].then < 0);
		scene_close(&s);
		assert_int_equal(answers(&s) % 2, 0);
	}
}

static void a_read_to_bad_memory_loses_nothing(void **state)
{
	struct iommu_hwpt_pgfault f[4];
	struct scene s;

	scene_open(&s, state);
	ask(&s, 1, 0x1000, LAST);
	ask(&s, 2, 0x2000, UIOMMU_PAGE_READ);
	ask(&s, 2, 0x3000, LAST);
	assert_int_equal(rd(&s, NULL, 3 * RECORD), -EFAULT);
	assert_int_equal(rd(&s, env_edge(s.env, RECORD - 1), RECORD), -EFAULT);
	assert_true(ready(&s));
	/* One group fits before the end of memory, the other does not. */
	assert_int_equal(rd(&s, env_edge(s.env, 2 * RECORD), 3 * RECORD),
			 RECORD);
	assert_int_equal(rd(&s, env_edge(s.env, RECORD), 2 * RECORD), -EFAULT);
	assert_int_equal(rd(&s, f, sizeof(f)), 2 * RECORD);
	assert_int_equal(f[0].cookie, 2);
	assert_int_equal(f[0].addr, 0x2000);
	scene_close(&s);
}

static void what_a_write_returns(void **state)
{
	struct iommu_hwpt_page_response r[3];
	struct iommu_hwpt_pgfault f[3];
	struct scene s;

	scene_open(&s, state);
	for (uint32_t i = 1; i <= 3; i++)
		ask(&s, i, i * PAGE, LAST);
	assert_int_equal(rd(&s, f, sizeof(f)), sizeof(f));
	memset(r, 0, sizeof(r));
	assert_int_equal(wr(&s, r, 0), 0);
	for (size_t len = 1; len < 24; len++)
		if (len % RESPONSE)
			assert_int_equal(wr(&s, r, len), -ESPIPE);
	assert_int_equal(wr(&s, NULL, RESPONSE), -EFAULT);
	/* Cookies of nobody, codes that are none. */
	assert_int_equal(answer(&s, 0, 0), -EINVAL);
	assert_int_equal(answer(&s, 4, 0), -EINVAL);
	assert_int_equal(answer(&s, 1000, 0), -EINVAL);
	assert_int_equal(answer(&s, UINT32_MAX, 0), -EINVAL);
	assert_int_equal(answer(&s, 1, 2), -EINVAL);
	assert_int_equal(answer(&s, 1, UINT32_MAX), -EINVAL);
	assert_int_equal(answers(&s), 0);
	/* Up to the first that is wrong. */
	r[0] = (struct iommu_hwpt_page_response){ 2, 0 };
	r[1] = (struct iommu_hwpt_page_response){ 2, 0 };
	r[2] = (struct iommu_hwpt_page_response){ 3, 0 };
	assert_int_equal(wr(&s, r, sizeof(r)), RESPONSE);
	assert_int_equal(answers(&s), 1);
	assert_int_equal(wr(&s, r, sizeof(r)), -EINVAL);
	memcpy(env_edge(s.env, 12), &(uint32_t[]){ 3, 1, 1 }, 12);
	assert_int_equal(wr(&s, env_edge(s.env, 12), 2 * RESPONSE), RESPONSE);
	assert_int_equal(answers(&s), 2);
	assert_int_equal(answer(&s, 1, 0), RESPONSE);
	/* It cannot be positioned, and knows no calls. */
	assert_int_equal(uiommu_abi_pread(s.env->abi, s.queue, (uintptr_t)f, 0,
					  0),
			 -ESPIPE);
	assert_int_equal(uiommu_abi_pwrite(s.env->abi, s.queue, (uintptr_t)r, 8,
					   0),
			 -ESPIPE);
	assert_int_equal(env_ioctl(s.env, s.queue, IOMMU_DESTROY, r), -ENOTTY);
	scene_close(&s);
}

static void making_a_queue_can_fail(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), queue;
	struct iommu_fault_alloc cmd = { .size = sizeof(cmd) }, *ro;
	uint32_t first = env_queue(env, fd, &queue), i;

	for (i = 0; i < 32; i++) {
		cmd.flags = 1u << i;
		assert_int_equal(env_ioctl(env, fd, IOMMU_FAULT_QUEUE_ALLOC,
					   &cmd),
				 -EOPNOTSUPP);
	}
	cmd.flags = 0;
	cmd.size = 15;
	assert_int_equal(env_ioctl(env, fd, IOMMU_FAULT_QUEUE_ALLOC, &cmd),
			 -EINVAL);
	cmd.size = 16;
	/* The answer cannot be written; no descriptor is left. */
	ro = (void *)env->mem;
	*ro = cmd;
	assert_int_equal(mprotect(env->mem, PAGE, PROT_READ), 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_FAULT_QUEUE_ALLOC, ro),
			 -EFAULT);
	mprotect(env->mem, PAGE, PROT_READ | PROT_WRITE);
	assert_int_equal(env->events, 1);
	env->fd_limit = queue + 1;
	assert_int_equal(env_ioctl(env, fd, IOMMU_FAULT_QUEUE_ALLOC, &cmd),
			 -24);
	env->fd_limit = ENV_FDS;
	/* Ids and numbers are those of before. */
	assert_int_equal(env_ioctl(env, fd, IOMMU_FAULT_QUEUE_ALLOC, &cmd), 0);
	assert_int_equal(cmd.out_fault_id, first + 1);
	assert_int_equal(cmd.out_fault_fd, queue + 1);
	env_close(env, queue);
	env_close(env, (int)cmd.out_fault_fd);
	env_close(env, fd);
}

static void only_devices_that_wait_attach(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), queue;
	uint32_t ioas = env_ioas(env, fd), dev, hwpt, pt;
	uint32_t id = env_queue(env, fd, &queue);
	struct ufd_device *idev = env_bind(env, fd, 3, &dev);

	assert_int_equal(env_fault_hwpt(env, fd, dev, ioas, id, &hwpt), 0);
	pt = hwpt;
	assert_int_equal(ufd_device_attach(idev, &pt), -ENODEV);
	pt = ioas;
	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	pt = hwpt;
	assert_int_equal(ufd_device_replace(idev, &pt), -ENODEV);
	/* An attach to the IOAS does not take it. */
	assert_int_equal(env_destroy(env, fd, hwpt), 0);
	ufd_device_unbind(idev);
	env_close(env, queue);
	env_close(env, fd);
}

static void every_allocation_may_fail(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev;
	struct ufd_device *idev = env_bind(env, fd, 2, &dev);
	struct iommu_fault_alloc q = { .size = sizeof(q) };
	struct scene s = { .env = env, .fd = fd };
	struct iommu_hwpt_pgfault f;
	uint32_t pt, last = 0;
	unsigned int failures = 0;
	bool fired = true;
	uint64_t live;

#define SWEEP(ok, call)                                            \
	for (unsigned int n_ = 1; fired; n_++) {                   \
		long rc_;                                          \
                                                                   \
		live = env->tp.live_objs;                          \
		test_platform_fail_nth(&env->tp, n_);              \
		rc_ = (call);                                      \
		fired = test_platform_fail_nth(&env->tp, 0);       \
		if (fired && rc_ != (ok)) {                        \
			assert_int_equal(rc_, -ENOMEM);            \
			assert_int_equal(env->tp.live_objs, live); \
			failures++;                                \
		} else {                                           \
			assert_int_equal(rc_, ok);                 \
			fired = false;                             \
		}                                                  \
	}                                                          \
	fired = true

	SWEEP(0, env_ioctl(env, fd, IOMMU_FAULT_QUEUE_ALLOC, &q));
	assert_true(failures >= 1);
	failures = 0;
	s.queue = (int)q.out_fault_fd;
	SWEEP(0, env_fault_hwpt(env, fd, dev, ioas, q.out_fault_id, &pt));
	assert_true(failures >= 1);
	failures = 0;
	s.hwpt = pt;
	SWEEP(0, ufd_device_attach(idev, &pt));
	assert_true(failures >= 1);
	failures = 0;
	/* The first cookie of all, and the seventeenth. */
	for (uint32_t i = 1; i <= 17; i++) {
		ask(&s, i, 0x1000, LAST);
		SWEEP(RECORD, rd(&s, &f, sizeof(f)));
		assert_int_equal(f.cookie, ++last);
	}
	assert_true(failures >= 2);
	ufd_device_unbind(idev);
	assert_int_equal(answers(&s), 17);
	env_close(env, s.queue);
	env_close(env, fd);
#undef SWEEP
}

/* --------------------------------------------------------------- leaving -- */

static void leaving_answers_invalid(void **state)
{
	struct iommu_hwpt_pgfault f[2];
	struct scene s;
	uint32_t pt;

	scene_open(&s, state);
	for (unsigned int way = 0; way < 2; way++) {
		unsigned int before = answers(&s);

		ask(&s, 1, 0x1000, LAST);
		assert_int_equal(rd(&s, f, RECORD), RECORD);
		assert_int_equal(f[0].cookie, 1);
		ask(&s, 2, 0x2000, LAST);
		if (way) {
			ufd_device_detach(s.idev);
		} else {
			pt = s.ioas;
			assert_int_equal(ufd_device_replace(s.idev, &pt), 0);
		}
		assert_int_equal(answers(&s), before + 2);
		assert_int_equal(s.env->unit[0]->answer.code,
				 UIOMMU_PAGE_INVALID);
		assert_false(ready(&s));
		assert_int_equal(rd(&s, f, sizeof(f)), 0);
		assert_int_equal(answer(&s, 1, 0), -EINVAL);
		/* With no queue behind it the device is told no. */
		ask(&s, 3, 0x3000, LAST);
		assert_int_equal(answers(&s), before + 3);
		pt = s.hwpt;
		if (way)
			assert_int_equal(ufd_device_attach(s.idev, &pt), 0);
		else
			assert_int_equal(ufd_device_replace(s.idev, &pt), 0);
	}
	scene_close(&s);
}

/* Closing answers nothing; what waits waits on, until the device leaves. */
static void a_closed_queue_keeps_what_waits(void **state)
{
	struct iommu_hwpt_pgfault f[2];
	struct scene s;

	scene_open(&s, state);
	ask(&s, 1, 0x1000, LAST);
	assert_int_equal(rd(&s, f, RECORD), RECORD);
	ask(&s, 2, 0x2000, LAST);
	env_close(s.env, s.queue);
	assert_int_equal(s.env->events, 0);
	ask(&s, 3, 0x3000, LAST);
	assert_int_equal(answers(&s), 0);
	assert_int_equal(env_destroy(s.env, s.fd, s.queue_id), -EBUSY);
	ufd_device_unbind(s.idev);
	assert_int_equal(answers(&s), 3);
	assert_int_equal(env_destroy(s.env, s.fd, s.queue_id), -EBUSY);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt), 0);
	assert_int_equal(env_destroy(s.env, s.fd, s.queue_id), 0);
	env_close(s.env, s.fd);
}

/* The descriptor keeps the context, and the context its objects. */
static void any_order_of_closing(void **state)
{
	struct iommu_hwpt_pgfault f;
	struct scene s;

	scene_open(&s, state);
	env_close(s.env, s.fd);
	ask(&s, 1, 0x1000, LAST);
	assert_int_equal(rd(&s, &f, sizeof(f)), RECORD);
	assert_int_equal(answer(&s, f.cookie, 0), RESPONSE);
	ask(&s, 2, 0x1000, LAST);
	ufd_device_unbind(s.idev);
	assert_int_equal(answers(&s), 2);
	assert_int_equal(rd(&s, &f, sizeof(f)), 0);
	env_close(s.env, s.queue);
}

/* Of a group each device is named; a mate that is not bound by another. */
static void devices_are_named(void **state)
{
	struct ufd_env *env = *state;
	struct scene s = { .env = env, .fd = env_open(env) };
	struct iommu_hwpt_pgfault f[2];
	uint32_t ioas = env_ioas(env, s.fd), a, b, pt;
	struct ufd_device *ia = env_bind(env, s.fd, 0, &a), *ib;

	s.queue_id = env_queue(env, s.fd, &s.queue);
	assert_int_equal(env_fault_hwpt(env, s.fd, a, ioas, s.queue_id, &pt),
			 0);
	assert_int_equal(ufd_device_attach(ia, &pt), 0);
	env_ask(env, 1, NONE, 1, 0x1000, LAST);
	assert_int_equal(rd(&s, f, sizeof(f)), RECORD);
	assert_int_equal(f[0].dev_id, a);
	ib = env_bind(env, s.fd, 1, &b);
	env_ask(env, 1, NONE, 2, 0x1000, LAST);
	env_ask(env, 0, NONE, 3, 0x1000, LAST);
	assert_int_equal(rd(&s, f, sizeof(f)), 2 * RECORD);
	assert_int_equal(f[0].dev_id, b);
	assert_int_equal(f[1].dev_id, a);
	ufd_device_unbind(ia);
	ufd_device_unbind(ib);
	env_close(env, s.queue);
	env_close(env, s.fd);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_fault_is_read_and_answered),
		TEST(many_groups_have_many_cookies),
		TEST(cookies_are_used_again),
		TEST(what_a_read_returns),
		TEST(a_read_to_bad_memory_loses_nothing),
		TEST(what_a_write_returns),
		TEST(making_a_queue_can_fail),
		TEST(only_devices_that_wait_attach),
		TEST(every_allocation_may_fail),
		TEST(leaving_answers_invalid),
		TEST(a_closed_queue_keeps_what_waits),
		TEST(any_order_of_closing),
		TEST(devices_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
