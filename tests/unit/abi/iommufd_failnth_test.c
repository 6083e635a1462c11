/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation fails once: a scenario that uses each call runs again and
 * again, each time with the next allocation failing.  The call that meets it
 * says -ENOMEM and has changed nothing, so the same call right after it
 * succeeds and gives what it gives without failure.
 */
#include "ufd_env.h"

#include <string.h>

struct scenario {
	struct ufd_env *env;
	int fd;
	unsigned int failed; /* calls that said -ENOMEM */
	int64_t pinned;	     /* before the call */
};

/* `call` is run a second time if the failure hit it. */
#define ONCE_MORE(s, call)                                               \
	({                                                               \
		long rc_;                                                \
                                                                         \
		(s)->pinned = (s)->env->pinned;                          \
		rc_ = (call);                                            \
		if (rc_ == -ENOMEM) {                                    \
			(s)->failed++;                                   \
			assert_int_equal((s)->env->pinned, (s)->pinned); \
			rc_ = (call);                                    \
		}                                                        \
		rc_;                                                     \
	})

static long ioctl_once_more(struct scenario *s, unsigned int cmd, void *arg,
			    size_t size)
{
	uint8_t saved[64];
	long rc;

	memcpy(saved, arg, size);
	s->pinned = s->env->pinned;
	rc = env_ioctl(s->env, s->fd, cmd, arg);
	if (rc != -ENOMEM)
		return rc;
	s->failed++;
	assert_int_equal(s->env->pinned, s->pinned);
	assert_memory_equal(saved, arg, size);
	return env_ioctl(s->env, s->fd, cmd, arg);
}

#define IOCTL(s, nr, cmd) ioctl_once_more(s, nr, &(cmd), sizeof(cmd))

static uint32_t new_ioas(struct scenario *s)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	assert_int_equal(IOCTL(s, IOMMU_IOAS_ALLOC, cmd), 0);
	return cmd.out_ioas_id;
}

static void map_copy_unmap(struct scenario *s, uint32_t one, uint32_t two)
{
	struct iommu_ioas_map map = { .size = sizeof(map),
				      .flags = 6,
				      .ioas_id = one,
				      .user_va = (uintptr_t)s->env->mem,
				      .length = 9 * PAGE };
	struct iommu_ioas_copy copy = { .size = sizeof(copy),
					.flags = 6,
					.dst_ioas_id = two,
					.src_ioas_id = one,
					.length = 2 * PAGE };
	struct iommu_ioas_unmap unmap = { sizeof(unmap), one, 0, 9 * PAGE };

	assert_int_equal(IOCTL(s, IOMMU_IOAS_MAP, map), 0);
	copy.src_iova = map.iova + PAGE;
	assert_int_equal(IOCTL(s, IOMMU_IOAS_COPY, copy), 0);
	map.flags = 7;
	map.iova = 0x40000000;
	assert_int_equal(IOCTL(s, IOMMU_IOAS_MAP, map), 0);
	unmap.iova = map.iova;
	assert_int_equal(IOCTL(s, IOMMU_IOAS_UNMAP, unmap), 0);
	assert_int_equal(unmap.length, 9 * PAGE);
}

static void allow(struct scenario *s, uint32_t ioas)
{
	struct iommu_iova_range r[40];
	struct iommu_ioas_allow_iovas cmd = { sizeof(cmd), ioas, 40, 0,
					      (uintptr_t)r };
	uint32_t i;

	for (i = 0; i < 40; i++)
		r[i] = (struct iommu_iova_range){
			(i + 1) * 0x100000, (i + 1) * 0x100000 + 0xfffff
		};
	assert_int_equal(IOCTL(s, IOMMU_IOAS_ALLOW_IOVAS, cmd), 0);
}

static void devices(struct scenario *s, uint32_t one, uint32_t two)
{
	struct ufd_env *env = s->env;
	struct abi_file *file = abi_fd_get(env->abi, s->fd);
	struct iommu_hwpt_alloc hwpt = { .size = sizeof(hwpt), .pt_id = two };
	struct ufd_device *a, *b;
	uint32_t ida, idb, pt;

	assert_int_equal(
		ONCE_MORE(s, ufd_device_bind(file, env->dev[0], &a, &ida)), 0);
	assert_int_equal(
		ONCE_MORE(s, ufd_device_bind(file, env->dev[1], &b, &idb)), 0);
	abi_file_put(file);
	/* A failed attach leaves the id as it was given. */
	pt = one;
	assert_int_equal(ONCE_MORE(s, ufd_device_attach(a, &pt)), 0);
	pt = one;
	assert_int_equal(ONCE_MORE(s, ufd_device_attach(b, &pt)), 0);
	map_copy_unmap(s, one, two);
	hwpt.dev_id = ida;
	assert_int_equal(IOCTL(s, IOMMU_HWPT_ALLOC, hwpt), 0);
	pt = hwpt.out_hwpt_id;
	assert_int_equal(ONCE_MORE(s, ufd_device_replace(a, &pt)), 0);
	pt = one;
	assert_int_equal(ONCE_MORE(s, ufd_device_replace(b, &pt)), 0);
	assert_int_equal(env_destroy(env, s->fd, hwpt.out_hwpt_id), 0);
	ufd_device_unbind(a);
	ufd_device_unbind(b);
}

static void container(struct scenario *s)
{
	struct abi_file *file = abi_fd_get(s->env->abi, s->fd);
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	struct vfio_iommu_type1_dma_map map = { 32, 3, (uintptr_t)s->env->mem,
						0x10000, 8 * PAGE };
	struct vfio_iommu_type1_dma_unmap unmap = { 24, 0, 0x12000, PAGE };
	uint32_t id;

	assert_int_equal(
		ONCE_MORE(s, ufd_compat_ioas_id(ufd_ctx_of(file), true, &id)),
		0);
	abi_file_put(file);
	assert_int_equal(env_ioctl(s->env, s->fd, VFIO_SET_IOMMU, (void *)1),
			 0);
	assert_int_equal(IOCTL(s, VFIO_IOMMU_MAP_DMA, map), 0);
	assert_int_equal(IOCTL(s, VFIO_IOMMU_UNMAP_DMA, unmap), 0);
	assert_int_equal(unmap.size, PAGE);
	assert_int_equal(IOCTL(s, VFIO_IOMMU_GET_INFO, info), 0);
}

/* True while the nth allocation was one of the scenario's. */
static bool run(struct ufd_env *env, uint64_t n)
{
	struct scenario s = { .env = env };
	uint32_t one, two, i;

	test_platform_fail_nth(&env->tp, n);
	s.fd = (int)ONCE_MORE(&s, uiommu_abi_open(env->abi, "/dev/iommu", 0));
	assert_true(s.fd >= 0);
	assert_int_equal(ONCE_MORE(&s, uiommu_abi_dup(env->abi, s.fd, 5000)),
			 0);
	one = new_ioas(&s);
	two = new_ioas(&s);
	map_copy_unmap(&s, one, two);
	allow(&s, two);
	devices(&s, one, two);
	container(&s);
	for (i = 0; i < 40; i++)
		new_ioas(&s);
	uiommu_abi_close(env->abi, 5000);
	env_close(env, s.fd);
	assert_int_equal(env->pinned, 0);
	/* One failure, one call that said so. */
	if (!test_platform_fail_nth(&env->tp, 0)) {
		assert_int_equal(s.failed, 0);
		return false;
	}
	assert_int_equal(s.failed, 1);
	return true;
}

static void every_allocation(void **state)
{
	struct ufd_env env;
	uint64_t n = 0;
	bool more;

	do {
		ufd_env_init(&env);
		more = run(&env, ++n);
		ufd_env_fini(&env);
	} while (more);
	print_message("# %u allocations failed one by one\n",
		      (unsigned int)n - 1);
	assert_true(n > 50);
}

static void creation(void **state)
{
	struct uiommu_abi *abi;
	struct ufd_env env;
	uint64_t n = 0;
	int rc;

	ufd_env_init(&env);
	do {
		test_platform_fail_nth(&env.tp, ++n);
		rc = uiommu_abi_create(env.core, &env.host, &abi);
		assert_true(!rc || rc == -ENOMEM);
	} while (rc);
	assert_false(test_platform_fail_nth(&env.tp, 0));
	assert_true(n > 2);
	uiommu_abi_destroy(abi);
	ufd_env_fini(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation),
		cmocka_unit_test(creation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
