/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/iommu as a VFIO container, and the type1 arguments that it shares with
 * the real one.
 */
#include "ufd_env.h"

#include <string.h>
#include <sys/mman.h>

#include "abi/type1_common.h"

static uint32_t compat(struct ufd_env *env, int fd)
{
	struct iommu_vfio_ioas cmd = { sizeof(cmd), env_ioas(env, fd),
				       IOMMU_VFIO_IOAS_SET, 0 };

	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &cmd), 0);
	return cmd.ioas_id;
}

static long map_dma(struct ufd_env *env, int fd, uint32_t argsz, uint32_t flags,
		    const void *mem, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map cmd = { argsz, flags, (uintptr_t)mem,
						iova, size };

	return env_ioctl(env, fd, VFIO_IOMMU_MAP_DMA, &cmd);
}

/* Bytes unmapped or the error; *size as it was written back. */
static long unmap_dma(struct ufd_env *env, int fd, uint32_t flags,
		      uint64_t iova, uint64_t size, uint64_t *left)
{
	struct vfio_iommu_type1_dma_unmap cmd = { sizeof(cmd), flags, iova,
						  size };
	long rc = env_ioctl(env, fd, VFIO_IOMMU_UNMAP_DMA, &cmd);

	if (left)
		*left = cmd.size;
	return rc ? rc : (long)cmd.size;
}

static void without_ioas(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	struct vfio_iommu_type1_info info = { .argsz = 16 };
	long i;

	assert_int_equal(env_ioctl(env, fd, VFIO_GET_API_VERSION, NULL), 0);
	for (i = 0; i < 12; i++) {
		long want = i == VFIO_TYPE1_IOMMU || i == VFIO_TYPE1v2_IOMMU ||
			    i == VFIO_UNMAP_ALL;

		if (i == VFIO_DMA_CC_IOMMU)
			want = -ENODEV;
		assert_int_equal(env_ioctl(env, fd, VFIO_CHECK_EXTENSION,
					   (void *)i),
				 want);
	}
	assert_int_equal(env_ioctl(env, fd, VFIO_SET_IOMMU, (void *)2),
			 -EINVAL);
	assert_int_equal(env_ioctl(env, fd, VFIO_SET_IOMMU, (void *)8),
			 -EINVAL);
	assert_int_equal(env_ioctl(env, fd, VFIO_SET_IOMMU, (void *)1),
			 -ENODEV);
	assert_int_equal(env_ioctl(env, fd, VFIO_SET_IOMMU, (void *)3),
			 -ENODEV);

	assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_GET_INFO, NULL),
			 -EFAULT);
	assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_GET_INFO, &info),
			 -ENODEV);
	info.argsz = 15;
	assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_GET_INFO, &info),
			 -EINVAL);

	assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_MAP_DMA, NULL), -EFAULT);
	assert_int_equal(map_dma(env, fd, 31, 3, env->mem, 0, PAGE), -EINVAL);
	assert_int_equal(map_dma(env, fd, 32, 4, env->mem, 0, PAGE), -EINVAL);
	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, 0, PAGE), -ENODEV);
	assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_UNMAP_DMA, NULL),
			 -EFAULT);
	assert_int_equal(unmap_dma(env, fd, 1, 0, PAGE, NULL), -EINVAL);
	assert_int_equal(unmap_dma(env, fd, 0, 0, PAGE, NULL), -ENODEV);
	assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_DIRTY_PAGES, NULL),
			 -ENOTTY);
	assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_ENABLE, NULL), -ENOTTY);
	env_close(env, fd);
}

static void coherency(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = compat(env, fd), dev, pt = ioas;
	struct ufd_device *idev = env_bind(env, fd, 0, &dev);
	void *cc = (void *)(uintptr_t)VFIO_DMA_CC_IOMMU;

	assert_int_equal(env_ioctl(env, fd, VFIO_CHECK_EXTENSION, cc), 1);
	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	assert_int_equal(env_ioctl(env, fd, VFIO_CHECK_EXTENSION, cc), 1);
	ufd_device_unbind(idev);
	env_close(env, fd);
}

/* ------------------------------------------------------------ versions -- */

static uint64_t huge_pages(struct ufd_env *env, int fd, uint32_t ioas)
{
	struct iommu_option cmd = { .size = sizeof(cmd),
				    .option_id = IOMMU_OPTION_HUGE_PAGES,
				    .op = IOMMU_OPTION_OP_GET,
				    .object_id = ioas };

	assert_int_equal(env_ioctl(env, fd, IOMMU_OPTION, &cmd), 0);
	return cmd.val64;
}

static void version_2(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = compat(env, fd);
	uint64_t left;

	assert_int_equal(env_ioctl(env, fd, VFIO_SET_IOMMU, (void *)3), 0);
	assert_int_equal(huge_pages(env, fd, ioas), 1);
	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, 0x10000, 4 * PAGE),
			 0);
	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, 0x13000, PAGE),
			 -EEXIST);
	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, 0, 0), -EINVAL);
	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, UINT64_MAX, 2),
			 -EOVERFLOW);
	/* A part: none of it; nothing: no error. */
	assert_int_equal(unmap_dma(env, fd, 0, 0x10000, PAGE, &left), -ENOENT);
	assert_int_equal(left, 0);
	assert_int_equal(unmap_dma(env, fd, 0, 0x12000, 4 * PAGE, &left),
			 -ENOENT);
	assert_int_equal(unmap_dma(env, fd, 0, 0x14000, PAGE, NULL), 0);
	assert_int_equal(unmap_dma(env, fd, 0, 0, PAGE, NULL), 0);
	assert_int_equal(unmap_dma(env, fd, 0, 0, 0, &left), -EINVAL);
	assert_int_equal(unmap_dma(env, fd, 0, UINT64_MAX, 2, &left),
			 -EOVERFLOW);
	assert_int_equal(left, 0);
	assert_int_equal(unmap_dma(env, fd, 0, 0, 0x20000, NULL), 4 * PAGE);

	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, 0x10000, PAGE), 0);
	assert_int_equal(map_dma(env, fd, 32, 1, env->mem, 0x20000, PAGE), 0);
	/* All of it: the range must be 0, and stays as it was on an error. */
	assert_int_equal(unmap_dma(env, fd, 2, 0, 5, &left), -EINVAL);
	assert_int_equal(left, 5);
	assert_int_equal(unmap_dma(env, fd, 2, 1, 0, NULL), -EINVAL);
	assert_int_equal(unmap_dma(env, fd, 2, 0, 0, NULL), 2 * PAGE);
	assert_int_equal(unmap_dma(env, fd, 2, 0, 0, NULL), 0);
	env_close(env, fd);
}

static void version_1(void **state)
{
	static const unsigned int order[8] = { 3, 0, 7, 5, 1, 6, 2, 4 };
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = compat(env, fd), dev, pt = ioas;
	struct ufd_device *idev = env_bind(env, fd, 2, &dev);
	unsigned int i, j;
	uint64_t iova, left;

	assert_int_equal(env_ioctl(env, fd, VFIO_SET_IOMMU, (void *)1), 0);
	assert_int_equal(env_ioctl(env, fd, VFIO_SET_IOMMU, (void *)1), 0);
	assert_int_equal(huge_pages(env, fd, ioas), 0);
	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, 0x10000, 8 * PAGE),
			 0);
	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	/* Page by page in any order; the rest stays usable. */
	for (i = 0; i < 8; i++) {
		iova = 0x10000 + order[i] * PAGE;
		assert_int_equal(unmap_dma(env, fd, 0, iova, PAGE, NULL), PAGE);
		assert_int_equal(unmap_dma(env, fd, 0, iova, PAGE, NULL), 0);
		assert_null(env_dma(env, 2, iova));
		for (j = i + 1; j < 8; j++)
			assert_ptr_equal(env_dma(env, 2,
						 0x10000 + order[j] * PAGE),
					 env->mem + order[j] * PAGE);
		assert_int_equal(env->pinned, 7 - i);
	}
	/* Across two mappings and a hole. */
	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, 0x10000, 4 * PAGE),
			 0);
	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, 0x20000, 4 * PAGE),
			 0);
	assert_int_equal(unmap_dma(env, fd, 0, 0x12000, 0x10000, NULL),
			 4 * PAGE);
	assert_ptr_equal(env_dma(env, 2, 0x22000), env->mem + 2 * PAGE);
	/* Ends that cannot be cut there. */
	assert_int_equal(unmap_dma(env, fd, 0, 0x10000, PAGE / 2, &left),
			 -EINVAL);
	assert_int_equal(unmap_dma(env, fd, 0, 0, 0x11000, NULL), PAGE);
	ufd_device_unbind(idev);
	env_close(env, fd);
}

/* ---------------------------------------------------------- information -- */

static void info_at_every_size(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = compat(env, fd), dev, pt = ioas, argsz, i;
	struct ufd_device *idev = env_bind(env, fd, 0, &dev);
	/* info, DMA_AVAIL, IOVA_RANGE with two ranges */
	enum {
		AVAIL = 24,
		RANGES = 40,
		TOTAL = RANGES + 16 + 2 * 16
	};
	struct {
		struct vfio_iommu_type1_info info;
		struct vfio_iommu_type1_info_dma_avail avail;
		uint32_t pad;
		struct vfio_info_cap_header header;
		uint32_t nr, resv;
		struct vfio_iova_range range[2];
		uint8_t behind[32];
	} buf;
	uint8_t *bytes = (uint8_t *)&buf;

	_Static_assert(offsetof(__typeof__(buf), header) == RANGES, "place");
	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	for (argsz = 16; argsz < sizeof(buf); argsz++) {
		memset(&buf, 0xa5, sizeof(buf));
		buf.info.argsz = argsz;
		assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_GET_INFO, &buf),
				 0);
		for (i = argsz; i < sizeof(buf); i++)
			assert_int_equal(bytes[i], 0xa5);
		assert_int_equal(buf.info.argsz, TOTAL);
		assert_int_equal(buf.info.flags, 3);
		assert_int_equal(buf.info.iova_pgsizes, 0x40201000);
		if (argsz >= 24)
			assert_int_equal(buf.info.cap_offset,
					 argsz >= TOTAL ? AVAIL : 0);
		if (argsz >= 36) {
			assert_int_equal(buf.avail.header.id, 3);
			assert_int_equal(buf.avail.header.version, 1);
			assert_int_equal(buf.avail.header.next,
					 argsz >= RANGES ? RANGES : 0);
			assert_int_equal(buf.avail.avail, UINT32_MAX);
		}
		if (argsz < TOTAL)
			continue;
		assert_int_equal(buf.header.id, 1);
		assert_int_equal(buf.header.version, 1);
		assert_int_equal(buf.header.next, 0);
		assert_int_equal(buf.nr, 2);
		assert_int_equal(buf.range[0].start, 0);
		assert_int_equal(buf.range[1].end, (UINT64_C(1) << 48) - 1);
	}
	ufd_device_unbind(idev);
	/* No page table: every size of a page and above. */
	buf.info.argsz = 24;
	assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_GET_INFO, &buf), 0);
	assert_int_equal(buf.info.iova_pgsizes, ~(PAGE - 1));
	env_close(env, fd);
}

/* The container's answer: whole or not at all, argsz kept when it is enough. */
static void info_of_the_container(void **state)
{
	struct ufd_env *env = *state;
	const struct uiommu_range range = { 7, 9 };
	const struct type1_info info = { .pgsizes = PAGE,
					 .ranges = &range,
					 .nr_ranges = 1,
					 .dma_avail = 5,
					 .migration = true,
					 .migration_pgsizes = 3 * PAGE,
					 .migration_max_bitmap = 11 };
	enum {
		TOTAL = 24 + 32 + 16 + 32
	};
	union {
		struct vfio_iommu_type1_info info;
		uint32_t u32[40];
		uint64_t u64[20];
	} buf;
	uint32_t argsz, i;

	for (argsz = 16; argsz < sizeof(buf); argsz++) {
		memset(&buf, 0xa5, sizeof(buf));
		assert_int_equal(type1_write_info(env->abi, (uintptr_t)&buf,
						  argsz, &info,
						  TYPE1_CHAIN_WHOLE),
				 0);
		assert_int_equal(buf.info.argsz, argsz < TOTAL ? TOTAL : argsz);
		for (i = 24 / 4; argsz < TOTAL && i < 40; i++)
			assert_int_equal(buf.u32[i], 0xa5a5a5a5);
	}
	assert_int_equal(buf.info.cap_offset, 24);
	assert_int_equal(buf.u32[24 / 4], 0x10002); /* MIGRATION, version 1 */
	assert_int_equal(buf.u32[28 / 4], 56);
	assert_int_equal(buf.u64[40 / 8], 3 * PAGE);
	assert_int_equal(buf.u64[48 / 8], 11);
	assert_int_equal(buf.u32[56 / 4], 0x10003); /* DMA_AVAIL */
	assert_int_equal(buf.u32[60 / 4], 72);
	assert_int_equal(buf.u32[64 / 4], 5);
	assert_int_equal(buf.u32[72 / 4], 0x10001); /* IOVA_RANGE */
	assert_int_equal(buf.u32[76 / 4], 0);
	assert_int_equal(buf.u32[80 / 4], 1);
	assert_int_equal(buf.u64[88 / 8], 7);
	assert_int_equal(buf.u64[96 / 8], 9);
}

static void checks_of_the_container(void **state)
{
	static const struct {
		struct vfio_iommu_type1_dma_map map;
		int rc;
	} maps[] = {
		{ { 32, 3, PAGE, PAGE, 0 }, -EINVAL },
		{ { 32, 0, PAGE, UINT64_MAX, 2 }, -EOVERFLOW },
		{ { 32, 0, UINT64_MAX, PAGE, 2 }, -EOVERFLOW },
		{ { 32, 0, PAGE, PAGE, PAGE }, -EINVAL },
		{ { 32, 5, PAGE, PAGE, PAGE }, -EINVAL },
		{ { 32, 4, PAGE, PAGE, PAGE }, 0 },
		{ { 32, 1, PAGE + 1, PAGE, PAGE }, -EINVAL },
		{ { 32, 1, PAGE, PAGE + 1, PAGE }, -EINVAL },
		{ { 32, 1, PAGE, PAGE, PAGE + 1 }, -EINVAL },
		{ { 32, 2, PAGE, PAGE, PAGE }, 0 },
		{ { 32, 2, PAGE, -PAGE, PAGE }, 0 },
	};
	static const struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		int rc;
	} unmaps[] = {
		{ { 24, 0, 1, PAGE }, -EINVAL },
		{ { 24, 2, 0, PAGE }, -EINVAL },
		{ { 24, 2, PAGE, 0 }, -EINVAL },
		{ { 24, 2, 0, 0 }, 0 },
		{ { 24, 0, PAGE, 0 }, -EINVAL },
		{ { 24, 0, PAGE, 1 }, -EINVAL },
		{ { 24, 0, -PAGE, 2 * PAGE }, -EOVERFLOW },
		{ { 24, 0, -PAGE, PAGE }, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		assert_int_equal(type1_check_map(&maps[i].map, PAGE),
				 maps[i].rc);
	for (i = 0; i < sizeof(unmaps) / sizeof(unmaps[0]); i++)
		assert_int_equal(type1_check_unmap(&unmaps[i].unmap, PAGE),
				 unmaps[i].rc);
}

/*
 * No permission at all is refused.  (Linux does so only once there is a page
 * table.)
 */
static void no_permission(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);

	compat(env, fd);
	assert_int_equal(map_dma(env, fd, 32, 0, env->mem, 0x10000, PAGE),
			 -EINVAL);
	assert_int_equal(unmap_dma(env, fd, 0, 0x10000, PAGE, NULL), 0);
	env_close(env, fd);
}

/* An unmap whose answer cannot be written has happened. */
static void answer_lost(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	struct vfio_iommu_type1_dma_unmap *cmd = (void *)env->mem;

	compat(env, fd);
	assert_int_equal(map_dma(env, fd, 32, 3, env->mem, 0, PAGE), 0);
	*cmd = (struct vfio_iommu_type1_dma_unmap){ sizeof(*cmd), 0, 0, PAGE };
	mprotect(env->mem, PAGE, PROT_READ);
	assert_int_equal(env_ioctl(env, fd, VFIO_IOMMU_UNMAP_DMA, cmd),
			 -EFAULT);
	mprotect(env->mem, PAGE, PROT_READ | PROT_WRITE);
	assert_int_equal(unmap_dma(env, fd, 0, 0, PAGE, NULL), 0);
	env_close(env, fd);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_ioas),
		TEST(coherency),
		TEST(version_2),
		TEST(version_1),
		TEST(info_at_every_size),
		TEST(info_of_the_container),
		TEST(checks_of_the_container),
		TEST(no_permission),
		TEST(answer_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
