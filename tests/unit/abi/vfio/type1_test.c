/* SPDX-License-Identifier: BSD-2-Clause */
/* The type1 back end of a container, v1 and v2. */
#include "fixture.h"

#define PAGE 0x1000ull
#define MEM_SIZE (64 * PAGE)
#define V1 VFIO_TYPE1_IOMMU
#define V2 VFIO_TYPE1v2_IOMMU

static struct fx *fx;
static struct fx_legacy legacy;
static int con;
static uint64_t mem;

static int setup(void **state, unsigned long type)
{
	fx_setup(state);
	fx = *state;
	fx_legacy_open(fx, &legacy, 0, type);
	con = legacy.container;
	mem = (uintptr_t)mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return 0;
}

static int setup_v1(void **state)
{
	return setup(state, V1);
}

static int setup_v2(void **state)
{
	return setup(state, V2);
}

static int teardown(void **state)
{
	fx_legacy_close(fx, &legacy);
	munmap((void *)(uintptr_t)mem, MEM_SIZE);
	return fx_teardown(state);
}

static bool mapped(uint64_t iova)
{
	uiommu_pa_t pa;

	return fx_translate(fx, 0, iova, &pa);
}

static long map_flags(uint32_t flags, uint64_t uva, uint64_t iova,
		      uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = uva,
		.iova = iova,
		.size = size,
	};

	return fx_ioctl(fx, con, VFIO_IOMMU_MAP_DMA, &map);
}

static long unmap_flags(uint32_t flags, uint64_t iova, uint64_t size,
			uint64_t *done)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};
	long rc = fx_ioctl(fx, con, VFIO_IOMMU_UNMAP_DMA, &unmap);

	*done = unmap.size;
	return rc;
}

static void map_errors(void **state)
{
	const struct {
		uint32_t flags;
		uint64_t uva, iova, size;
		long rc;
	} table[] = {
		{ 8, mem, 0, PAGE, -EINVAL },
		{ 3, mem, 0, 0, -EINVAL },
		{ 3, mem, -PAGE, 2 * PAGE, -EOVERFLOW },
		{ 3, -PAGE, 0, 2 * PAGE, -EOVERFLOW },
		{ 0, mem, -PAGE, 2 * PAGE, -EOVERFLOW },
		{ 0, mem, 0, PAGE, -EINVAL },
		{ 7, mem, 0, PAGE, -EINVAL },
		{ 3, mem + 1, 0, PAGE, -EINVAL },
		{ 3, mem, 1, PAGE, -EINVAL },
		{ 3, mem, 0, PAGE - 1, -EINVAL },
		{ 3, mem, 0x10000, PAGE, -EEXIST },
		{ 1, mem, 0xf000, 3 * PAGE, -EEXIST },
		{ 3, mem, 0x11000, PAGE, -EEXIST },
		{ 3, FX_HOLE, 0x11000, PAGE, -EEXIST },
		{ 3, mem, FX_WINDOW, PAGE, -EINVAL },
		{ 3, mem, FX_WINDOW - PAGE, 2 * PAGE, -EINVAL },
		{ 3, mem, 1ull << 48, PAGE, -EINVAL },
		{ 3, FX_HOLE, 0x20000, PAGE, -EFAULT },
		{ 4, mem, 0x20000, PAGE, -ENOENT },
		{ 4, mem, 0x10000, 2 * PAGE, -EINVAL },
	};
	struct vfio_iommu_type1_dma_map map = { .argsz = 31 };

	assert_int_equal(fx_map(fx, con, mem, 0x10000, 2 * PAGE), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		long rc = map_flags(table[i].flags, table[i].uva, table[i].iova,
				    table[i].size);

		if (rc != table[i].rc)
			fail_msg("row %u: %ld", i, rc);
	}
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_MAP_DMA, &map), -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_IOMMU_MAP_DMA, FX_BAD_PTR),
			 -EFAULT);
	assert_int_equal(fx->pins, 2 * PAGE);
	/* The last usable page of all. */
	assert_int_equal(fx_map(fx, con, mem, (1ull << 48) - PAGE, PAGE), 0);
	assert_true(mapped((1ull << 48) - 1));
}

static void registers_may_be_mapped(void **state)
{
	uiommu_pa_t pa;

	assert_int_equal(fx_map(fx, con, FX_MMIO, 0x100000, 4 * PAGE), 0);
	assert_true(fx_translate(fx, 0, 0x101000, &pa));
	assert_int_equal(pa, FX_MMIO_PA + 0x1000);
	assert_int_equal(fx_unmap(fx, con, 0x100000, 4 * PAGE, NULL), 0);
}

static void unmap_errors(void **state)
{
	static const struct {
		uint32_t flags;
		uint64_t iova, size;
		long rc;
	} table[] = {
		{ 8, 0, PAGE, -EINVAL },
		{ 0, 1, PAGE, -EINVAL },
		{ 0, 0, 0, -EINVAL },
		{ 0, 0, PAGE + 1, -EINVAL },
		{ 2, PAGE, 0, -EINVAL },
		{ 2, 0, PAGE, -EINVAL },
		{ 0, -PAGE, 2 * PAGE, -EOVERFLOW },
		{ 1, 0, PAGE, -EINVAL }, /* no bitmap behind it */
		{ 3, 0, 0, -EINVAL },
		{ 5, 0, PAGE, -EINVAL },
	};
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = 23 };
	uint64_t done;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		long rc = unmap_flags(table[i].flags, table[i].iova,
				      table[i].size, &done);

		if (rc != table[i].rc)
			fail_msg("row %u: %ld", i, rc);
		/* An error writes nothing back. */
		assert_int_equal(done, table[i].size);
	}
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_UNMAP_DMA, &unmap),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_IOMMU_UNMAP_DMA,
				      FX_BAD_PTR),
			 -EFAULT);
	assert_int_equal(unmap_flags(0, 0x10000, PAGE, &done), 0);
	assert_int_equal(done, 0);
}

static void three_mappings(void)
{
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(fx_map(fx, con, mem + i * 4 * PAGE,
					0x10000 + i * 4 * PAGE, 4 * PAGE),
				 0);
}

static void v2_never_splits(void **state)
{
	uint64_t done;

	three_mappings();
	assert_int_equal(unmap_flags(0, 0x11000, 3 * PAGE, &done), -EINVAL);
	assert_int_equal(unmap_flags(0, 0x10000, 3 * PAGE, &done), -EINVAL);
	assert_int_equal(unmap_flags(0, 0x10000, 6 * PAGE, &done), -EINVAL);
	assert_int_equal(unmap_flags(0, 0x12000, 6 * PAGE, &done), -EINVAL);
	assert_true(mapped(0x10000) && mapped(0x18000));
	assert_int_equal(unmap_flags(0, 0xf000, 9 * PAGE, &done), 0);
	assert_int_equal(done, 8 * PAGE);
	assert_false(mapped(0x10000) || mapped(0x17000));
	assert_true(mapped(0x18000));
	assert_int_equal(unmap_flags(2, 0, 0, &done), 0);
	assert_int_equal(done, 4 * PAGE);
	assert_int_equal(fx->pins, 0);
	assert_int_equal(unmap_flags(2, 0, 0, &done), 0);
	assert_int_equal(done, 0);
}

static void v1_takes_whole_mappings(void **state)
{
	uint64_t done;

	three_mappings();
	/* One that began before stops the walk at once. */
	assert_int_equal(unmap_flags(0, 0x11000, 7 * PAGE, &done), 0);
	assert_int_equal(done, 0);
	assert_true(mapped(0x10000) && mapped(0x14000));
	/* One that begins inside goes, past the end that was asked for. */
	assert_int_equal(unmap_flags(0, 0x10000, 5 * PAGE, &done), 0);
	assert_int_equal(done, 8 * PAGE);
	assert_false(mapped(0x10000) || mapped(0x17000));
	assert_true(mapped(0x18000));
	assert_int_equal(unmap_flags(0, 0x18000, PAGE, &done), 0);
	assert_int_equal(done, 4 * PAGE);
	assert_int_equal(fx->pins, 0);
}

static void user_addresses_change(void **state)
{
	uint64_t done;
	int group;
	char path[64];

	three_mappings();
	assert_int_equal(unmap_flags(4, 0x10000, 4 * PAGE, &done), 0);
	assert_int_equal(done, 4 * PAGE);
	assert_true(mapped(0x10000));
	/* Twice is wrong, and what the same call had done is undone. */
	assert_int_equal(unmap_flags(4, 0x10000, 8 * PAGE, &done), -EINVAL);
	assert_int_equal(unmap_flags(4, 0x14000, 4 * PAGE, &done), 0);
	assert_int_equal(map_flags(4, mem, 0x18000, 4 * PAGE), -EINVAL);
	assert_int_equal(map_flags(4, mem, 0x10000, 2 * PAGE), -EINVAL);
	/* No group may come meanwhile. */
	group = fx_open(fx, fx_group_path(fx, 1, path));
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &con),
			 -EBUSY);
	assert_int_equal(map_flags(4, mem + 0x20000, 0x10000, 4 * PAGE), 0);
	assert_int_equal(map_flags(4, mem, 0x10000, 4 * PAGE), -EINVAL);
	assert_int_equal(unmap_flags(0, 0x14000, 4 * PAGE, &done), 0);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &con),
			 0);
	fx_close(fx, group);
	/* All at once; the rest is freed with the container. */
	assert_int_equal(unmap_flags(6, 0, 0, &done), 0);
	assert_int_equal(done, 8 * PAGE);
}

static void vaddr_undo_leaves_the_rest(void **state)
{
	uint64_t done;

	three_mappings();
	assert_int_equal(unmap_flags(4, 0x14000, 4 * PAGE, &done), 0);
	/* The first of the range was marked and is valid again after it. */
	assert_int_equal(unmap_flags(6, 0, 0, &done), -EINVAL);
	assert_int_equal(map_flags(4, mem, 0x10000, 4 * PAGE), -EINVAL);
	assert_int_equal(map_flags(4, mem, 0x14000, 4 * PAGE), 0);
}

static void as_many_as_there_may_be(void **state)
{
	uint64_t done;

	for (uint64_t i = 0; i < 65535; i++)
		if (fx_map(fx, con, mem, 0x10000000 + i * PAGE, PAGE))
			fail_msg("mapping %llu", (unsigned long long)i);
	assert_int_equal(fx_map(fx, con, mem, 0x1000, PAGE), -ENOSPC);
	assert_int_equal(fx_map(fx, con, mem, 0x10000000, PAGE), -EEXIST);
	assert_int_equal(unmap_flags(0, 0x10000000, PAGE, &done), 0);
	assert_int_equal(fx_map(fx, con, mem, 0x1000, PAGE), 0);
	assert_int_equal(unmap_flags(2, 0, 0, &done), 0);
	assert_int_equal(done, 65535 * PAGE);
}

/* --------------------------------------------------------------- info --- */

union info_buf {
	struct vfio_iommu_type1_info info;
	uint8_t bytes[512];
};

static long get_info(union info_buf *buf, uint32_t argsz)
{
	memset(buf, 0xa5, sizeof(*buf));
	buf->info.argsz = argsz;
	return fx_ioctl(fx, con, VFIO_IOMMU_GET_INFO, buf);
}

static const struct vfio_info_cap_header *cap_at(const union info_buf *buf,
						 uint32_t off)
{
	return (const void *)(buf->bytes + off);
}

static void info_sizes(void **state)
{
	union info_buf buf;
	uint32_t full;

	assert_int_equal(get_info(&buf, 15), -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_IOMMU_GET_INFO, FX_BAD_PTR),
			 -EFAULT);
	assert_int_equal(get_info(&buf, 16), 0);
	full = buf.info.argsz;
	assert_int_equal(buf.info.flags, 3);
	assert_int_equal(buf.info.iova_pgsizes & 0xfff, 0);
	assert_true(buf.info.iova_pgsizes & 0x1000);
	for (uint32_t argsz = 16; argsz <= full; argsz++) {
		assert_int_equal(get_info(&buf, argsz), 0);
		assert_int_equal(buf.info.argsz, full);
		for (uint32_t i = argsz; i < sizeof(buf); i++)
			assert_int_equal(buf.bytes[i], 0xa5);
		if (argsz >= 20)
			assert_int_equal(buf.info.cap_offset,
					 argsz == full ? 24 : 0);
	}
	assert_int_equal(get_info(&buf, sizeof(buf)), 0);
	assert_int_equal(buf.info.argsz, sizeof(buf));
}

static void info_chain(void **state)
{
	const struct vfio_iommu_type1_info_cap_iova_range *ranges;
	const struct vfio_iommu_type1_info_cap_migration *mig;
	const struct vfio_iommu_type1_info_dma_avail *avail;
	union info_buf buf;

	assert_int_equal(fx_map(fx, con, mem, 0x10000, PAGE), 0);
	assert_int_equal(get_info(&buf, sizeof(buf)), 0);
	mig = (const void *)cap_at(&buf, buf.info.cap_offset);
	assert_int_equal(mig->header.id, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
	assert_int_equal(mig->max_dirty_bitmap_size, 256 << 20);
	avail = (const void *)cap_at(&buf, mig->header.next);
	assert_int_equal(avail->header.id, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	assert_int_equal(avail->avail, 65534);
	ranges = (const void *)cap_at(&buf, avail->header.next);
	assert_int_equal(ranges->header.id,
			 VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	assert_int_equal(ranges->header.next, 0);
	/* Around the window for interrupts, up to the input size. */
	assert_int_equal(ranges->nr_iovas, 2);
	assert_int_equal(ranges->iova_ranges[0].start, 0);
	assert_int_equal(ranges->iova_ranges[0].end, FX_WINDOW - 1);
	assert_int_equal(ranges->iova_ranges[1].start, FX_WINDOW + 0x100000);
	assert_int_equal(ranges->iova_ranges[1].end, (1ull << 48) - 1);
}

/* -------------------------------------------------------------- dirty --- */

struct dirty {
	struct vfio_iommu_type1_dirty_bitmap req;
	struct vfio_iommu_type1_dirty_bitmap_get get;
};

static long dirty(uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap req = { .argsz = sizeof(req),
						     .flags = flags };

	return fx_ioctl(fx, con, VFIO_IOMMU_DIRTY_PAGES, &req);
}

static long get_dirty(uint64_t iova, uint64_t size, uint64_t pgsize,
		      uint64_t bytes, void *bitmap)
{
	struct dirty arg = {
		.req = { .argsz = sizeof(arg), .flags = 4 },
		.get = { .iova = iova,
			 .size = size,
			 .bitmap = { pgsize, bytes, bitmap } },
	};

	return fx_ioctl(fx, con, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static void dirty_errors(void **state)
{
	uint64_t bits[4] = { 0 };
	static const uint32_t flags[] = { 0, 3, 5, 6, 8 };

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++)
		assert_int_equal(dirty(flags[i]), -EINVAL);
	assert_int_equal(dirty(4), -EINVAL); /* payload short */
	assert_int_equal(get_dirty(0, PAGE, PAGE, 8, bits), -EINVAL);
	assert_int_equal(dirty(1), 0);
	assert_int_equal(dirty(1), 0);
	assert_int_equal(get_dirty(0, 0, PAGE, 8, bits), -EINVAL);
	assert_int_equal(get_dirty(-PAGE, 2 * PAGE, PAGE, 8, bits), -EOVERFLOW);
	assert_int_equal(get_dirty(0, PAGE, PAGE, 8, (void *)(1ul << 60)),
			 -EINVAL);
	assert_int_equal(get_dirty(0, PAGE, PAGE, 0, bits), -EINVAL);
	assert_int_equal(get_dirty(0, PAGE, PAGE, (256 << 20) + 1, bits),
			 -EINVAL);
	assert_int_equal(get_dirty(0, 65 * PAGE, PAGE, 8, bits), -EINVAL);
	assert_int_equal(get_dirty(0, 64 * PAGE, 0, 8, bits), -EINVAL);
	assert_int_equal(get_dirty(0, 64 * PAGE, 2 * PAGE, 8, bits), -EINVAL);
	assert_int_equal(get_dirty(1, PAGE, PAGE, 8, bits), -EINVAL);
	assert_int_equal(get_dirty(0, PAGE + 1, PAGE, 8, bits), -EINVAL);
	assert_int_equal(get_dirty(0, PAGE, PAGE, 8, bits), 0);
	assert_int_equal(dirty(2), 0);
	assert_int_equal(dirty(2), 0);
	assert_int_equal(get_dirty(0, PAGE, PAGE, 8, bits), -EINVAL);
}

static void dirty_bits(void **state)
{
	uint64_t bits[2] = { 0, 0 }, done;
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap = { .argsz = sizeof(arg),
			   .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			   .iova = 0x10000,
			   .size = 12 * PAGE },
		.bitmap = { PAGE, 8, (void *)bits },
	};

	three_mappings();
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_UNMAP_DMA, &arg),
			 -EINVAL);
	assert_int_equal(dirty(1), 0);
	/* Neighbours share a byte. */
	assert_int_equal(get_dirty(0x10000, 12 * PAGE, PAGE, 8, bits), 0);
	assert_int_equal(bits[0], 0xfff);
	assert_int_equal(unmap_flags(0, 0x14000, 4 * PAGE, &done), 0);
	/* Holes are fine and stay as they are; cut mappings are not. */
	bits[0] = 1ull << 63;
	assert_int_equal(get_dirty(0xe000, 70 * PAGE, PAGE, 16, bits), 0);
	assert_int_equal(bits[0], (0xf0full << 2) | 1ull << 63);
	assert_int_equal(bits[1], 0);
	assert_int_equal(get_dirty(0x11000, 7 * PAGE, PAGE, 16, bits), -EINVAL);
	assert_int_equal(get_dirty(0x10000, 9 * PAGE, PAGE, 16, bits), -EINVAL);
	assert_int_equal(get_dirty(0x10000, PAGE * 4, PAGE, 8,
				   (void *)FX_BAD_PTR),
			 -EFAULT);
	bits[0] = 0;
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_UNMAP_DMA, &arg), 0);
	assert_int_equal(arg.unmap.size, 8 * PAGE);
	assert_int_equal(bits[0], 0xf0f);
	assert_false(mapped(0x10000));
	/* Not together with what has no range. */
	arg.unmap.iova = 0;
	arg.unmap.size = PAGE;
	arg.unmap.flags = 1 | VFIO_DMA_UNMAP_FLAG_VADDR;
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_UNMAP_DMA, &arg),
			 -EINVAL);
	arg.unmap.flags = 1 | VFIO_DMA_UNMAP_FLAG_ALL;
	arg.unmap.size = 0;
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_UNMAP_DMA, &arg),
			 -EINVAL);
	/* A large one: whole bytes in the middle. */
	assert_int_equal(fx_map(fx, con, mem, 0x13000, 40 * PAGE), 0);
	bits[0] = 0;
	assert_int_equal(get_dirty(0x10000, 43 * PAGE, PAGE, 8, bits), 0);
	assert_int_equal(bits[0], ((1ull << 40) - 1) << 3);
}

static void v1_has_no_dirty_log(void **state)
{
	assert_int_equal(dirty(1), -EACCES);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_IOMMU_DIRTY_PAGES,
				      FX_BAD_PTR),
			 -EACCES);
}

/* Every allocation of a map may fail; then nothing has changed. */
static void map_without_memory(void **state)
{
	uint64_t n = 0;
	long rc;

	do {
		test_platform_fail_nth(&fx->tp, ++n);
		rc = fx_map(fx, con, mem, 0x40000000, 4 * PAGE);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(fx->pins, 0);
			assert_false(mapped(0x40000000));
		}
		assert_true(n < 100);
	} while (rc);
	test_platform_fail_nth(&fx->tp, 0);
	assert_true(n > 3);
	assert_true(mapped(0x40000000));
}

#define T1(name) cmocka_unit_test_setup_teardown(name, setup_v1, teardown)
#define T2(name) cmocka_unit_test_setup_teardown(name, setup_v2, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T1(map_errors),
		T2(map_errors),
		T2(registers_may_be_mapped),
		T1(unmap_errors),
		T2(unmap_errors),
		T2(v2_never_splits),
		T1(v1_takes_whole_mappings),
		T2(user_addresses_change),
		T1(vaddr_undo_leaves_the_rest),
		T2(as_many_as_there_may_be),
		T2(info_sizes),
		T2(info_chain),
		T2(dirty_errors),
		T2(dirty_bits),
		T1(v1_has_no_dirty_log),
		T2(map_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
